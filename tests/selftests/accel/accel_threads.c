// SPDX-License-Identifier: MIT
/* Threads of one file that create, use and destroy each other's things, for a bounded count. */
#include "accel_fixture.h"

#include <pthread.h>

ACCEL_FIXTURE(threads)

enum { THREADS = 6, ROUNDS = 400, SHARED = 8 };

/* What any thread may use or destroy at any moment; changed without a lock, on purpose. */
struct pool {
	int fd;
	volatile uint32_t vm[SHARED], queue[SHARED], bo[SHARED];
	volatile int bad; /* an error that cannot be, or 0 */
	volatile uint64_t done;
};

struct worker {
	struct pool *pool;
	uint64_t random;
};

static uint32_t pick(struct worker *w, uint32_t n)
{
	w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(w->random >> 33) % n;
}

/* What may happen to those who use what others destroy. */
static void judge(struct pool *p, int ret)
{
	if (ret && ret != -ENOENT && ret != -ENOSPC && ret != -ECANCELED && ret != -EINVAL)
		p->bad = ret;
}

static void step(struct worker *w)
{
	struct pool *p = w->pool;
	uint32_t i = pick(w, SHARED), id = 0;

	switch (pick(w, 11)) {
	case 0:
		judge(p, vm_create(p->fd, &id));
		if (id)
			judge(p, vm_destroy(p->fd,
					    __atomic_exchange_n(&p->vm[i], id, __ATOMIC_SEQ_CST)));
		break;
	case 1:
		judge(p, queue_create(p->fd, p->vm[i], pick(w, 2), &id));
		if (id)
			judge(p, queue_destroy(p->fd, __atomic_exchange_n(&p->queue[i], id,
									  __ATOMIC_SEQ_CST)));
		break;
	case 2:
		judge(p, bo_create(p->fd, (1 + pick(w, 20)) * PAGE,
				   pick(w, 2) ? DRM_DSA_BO_SYSTEM : 0, &id));
		if (id)
			bo_close(p->fd, __atomic_exchange_n(&p->bo[i], id, __ATOMIC_SEQ_CST));
		break;
	case 3: /* destroy what another may be creating or using, also twice */
		judge(p, vm_destroy(p->fd, p->vm[i] + pick(w, 2)));
		break;
	case 4:
		judge(p, queue_destroy(p->fd, p->queue[i] + pick(w, 2)));
		break;
	case 5:
		bo_close(p->fd, p->bo[i] + pick(w, 2));
		break;
	case 6:
		judge(p, vm_unmap(p->fd, p->vm[i], pick(w, 64) * PAGE, (1 + pick(w, 64)) * PAGE));
		break;
	case 7:
	case 8:
		judge(p, vm_map(p->fd, p->vm[i], p->bo[pick(w, SHARED)], 0, pick(w, 64) * PAGE,
				(1 + pick(w, 4)) * PAGE, BIND_RW));
		break;
	default: /* its commands are whatever is there: mostly a fault */
		judge(p, submit(p->fd, p->queue[i], pick(w, 64) * PAGE, pick(w, 2) * 64, NULL, 0,
				NULL));
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < ROUNDS; i++)
		step(w);
	__atomic_fetch_add(&w->pool->done, ROUNDS, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST_F_TIMEOUT(threads, create_use_destroy, 120)
{
	struct pool pool = { .fd = self->fd };
	struct worker worker[THREADS];
	pthread_t thread[THREADS];
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){ &pool, i + 1 };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, work, &worker[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	EXPECT_EQ(0, pool.bad);
	EXPECT_EQ(THREADS * ROUNDS, pool.done);
	/* Guessed ids may have hit the witness, too: a new one must work. */
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

/* Many threads, one queue: each job counts, none is lost. */
struct adder {
	struct rig *rig;
	unsigned int index;
	int ret;
};

static void *add(void *arg)
{
	struct adder *a = arg;
	struct cmds c = rig_cmds(a->rig, a->index);

	cmd_add(&c, RIG_CMD_VA + 14 * RIG_SLOT, 1);
	for (unsigned int i = 0; !a->ret && i < ROUNDS / 4; i++)
		a->ret = rig_run(a->rig, &c);
	return NULL;
}

TEST_F_TIMEOUT(threads, one_queue_for_all, 120)
{
	struct adder adder[THREADS] = { 0 };
	struct drm_dsa_queue_state state;
	pthread_t thread[THREADS];
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < THREADS; i++) {
		adder[i] = (struct adder){ .rig = &rig, .index = i };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, add, &adder[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, adder[i].ret);
	}
	EXPECT_EQ(THREADS * (ROUNDS / 4), *(volatile uint64_t *)(rig.cmd.ptr + 14 * RIG_SLOT));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(THREADS * (ROUNDS / 4), state.jobs_completed);
}

/* A thread submits while another destroys the queue, or its address space. */
struct race {
	struct rig rig;
	int ret;
};

static void *submit_until_it_fails(void *arg)
{
	struct race *r = arg;
	struct cmds c = rig_cmds(&r->rig, 0);

	cmd_add(&c, RIG_CMD_VA + 14 * RIG_SLOT, 1);
	do {
		r->ret = submit(r->rig.fd, r->rig.queue, c.va, c.len, NULL, 0, NULL);
	} while (!r->ret);
	return NULL;
}

TEST_F_TIMEOUT(threads, destroyed_while_submitting, 120)
{
	for (unsigned int round = 0; round < 30; round++) {
		struct race r = { .ret = 0 };
		volatile uint64_t *count;
		pthread_t thread;

		ASSERT_EQ(0, rig_create(&r.rig, self->fd));
		count = (volatile uint64_t *)(r.rig.cmd.ptr + 14 * RIG_SLOT);
		ASSERT_EQ(0, pthread_create(&thread, NULL, submit_until_it_fails, &r));
		while (!*count)
			continue;
		ASSERT_EQ(0, round % 2 ? vm_destroy(self->fd, r.rig.vm) :
					 queue_destroy(self->fd, r.rig.queue));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		/* A submit that had found the queue before it went sees it die. */
		EXPECT_TRUE(r.ret == -ECANCELED || (r.ret == -ENOENT && round % 2 == 0))
		{
			TH_LOG("round %u: %d", round, r.ret);
		}
		rig_destroy(&r.rig);
	}
}

TEST_HARNESS_MAIN
