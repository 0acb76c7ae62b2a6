// SPDX-License-Identifier: MIT
/* User-mode queues: rings and doorbells in the process, and all the ways to misuse them. */
#include "accel_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <hw/dsa_ring.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define TIMEOUT_PARAM "/sys/module/dsa_accel/parameters/job_timeout_ms"
#define RESET_FILE    "/sys/kernel/debug/accel/*/reset"
#define RING_VA       0x200000000ull
#define FENCE_OFFSET  (64 * KIB)
#define DATA_OFFSET   (FENCE_OFFSET + PAGE)
#define CODE_OFFSET   (FENCE_OFFSET + 2 * PAGE)
#define SLOTS         (1u << DSA_RING_MIN_LOG2)

ACCEL_FIXTURE(user)

/* A queue with its ring, its fence and some data in one buffer object. */
struct uq {
	struct rig rig; /* its address space, and a queue of the usual kind */
	struct drm_dsa_queue_create create;
	struct buf buf;
	volatile uint32_t *doorbell;
	struct dsa_ring_packet *ring;
	volatile uint64_t *fence;
	uint32_t tail;
};

static int create_queue(int fd, struct drm_dsa_queue_create *create)
{
	return accel_ioctl(fd, DRM_IOCTL_DSA_QUEUE_CREATE, create);
}

static struct drm_dsa_queue_create request(uint32_t vm)
{
	return (struct drm_dsa_queue_create){
		.vm_id = vm,
		.queue_class = DRM_DSA_QUEUE_COMPUTE,
		.priority = DRM_DSA_PRIORITY_NORMAL,
		.flags = DRM_DSA_QUEUE_USER,
		.ring_va = RING_VA,
		.ring_log2 = DSA_RING_MIN_LOG2,
	};
}

static int uq_create(struct uq *u, int fd, uint32_t placement)
{
	int ret = rig_create(&u->rig, fd);
	void *page;

	if (!ret)
		ret = rig_buf(&u->rig, &u->buf, 128 * KIB, placement, RING_VA);
	u->create = request(u->rig.vm);
	if (!ret)
		ret = create_queue(fd, &u->create);
	if (ret)
		return ret;
	page = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, (off_t)u->create.doorbell_offset);
	if (page == MAP_FAILED)
		return -errno;
	u->doorbell = page;
	u->ring = (struct dsa_ring_packet *)u->buf.ptr;
	u->fence = (uint64_t *)(u->buf.ptr + FENCE_OFFSET);
	u->tail = 0;
	return 0;
}

static void uq_destroy(struct uq *u)
{
	munmap((void *)u->doorbell, PAGE);
	queue_destroy(u->rig.fd, u->create.queue_id);
	buf_destroy(u->rig.fd, &u->buf);
	rig_destroy(&u->rig);
}

/* One packet, with the fence value that is the new tail; not rung yet. */
static void uq_put(struct uq *u, uint64_t fence_va, const struct cmds *c)
{
	u->ring[u->tail % SLOTS] = (struct dsa_ring_packet){
		.op = c ? DSA_RING_OP_EXEC : DSA_RING_OP_NOP,
		.flags = DSA_RING_F_IRQ | DSA_RING_F_FENCE,
		.cmd_va = c ? c->va : 0,
		.cmd_size = c ? c->len : 0,
		.fence_addr = fence_va,
		.fence_value = u->tail + 1,
		.job_id = u->tail + 1,
	};
	u->tail++;
}

static void uq_ring(struct uq *u)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*u->doorbell = u->tail;
}

static int wait_for(struct uq *u, uint64_t value, int64_t ms)
{
	struct drm_dsa_wait_user_fence wait = {
		.queue_id = u->create.queue_id,
		.addr = (uintptr_t)u->fence,
		.value = value,
		.timeout_ns = (int64_t)accel_now_ns() + ms * 1000000,
	};

	return accel_ioctl(u->rig.fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait);
}

/* Submits one packet and waits; what the wait comes to. */
static int uq_run(struct uq *u, const struct cmds *c)
{
	uq_put(u, RING_VA + FENCE_OFFSET, c);
	uq_ring(u);
	return wait_for(u, u->tail, WAIT_SECONDS * 1000);
}

static uint32_t state_flags(struct uq *u)
{
	struct drm_dsa_queue_state st = { 0 };

	return queue_state(u->rig.fd, u->create.queue_id, &st) ? ~0u : st.flags;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(fd);
	return ret;
}

TEST_F(user, launches_from_hbm_and_from_system_memory)
{
	static const uint32_t placements[] = { 0, DRM_DSA_BO_SYSTEM };

	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		volatile uint64_t *data;
		struct rv_store_args *args;
		struct cmds c;
		struct uq u;

		ASSERT_EQ(0, uq_create(&u, self->fd, placements[p]));
		data = (uint64_t *)(u.buf.ptr + DATA_OFFSET);
		rv_program_store(u.buf.ptr + CODE_OFFSET);
		args = (struct rv_store_args *)(u.buf.ptr + DATA_OFFSET + 2 * KIB);
		for (uint64_t i = 0; i < 5 * SLOTS; i++) {
			*args = (struct rv_store_args){ RING_VA + DATA_OFFSET, 100 * i };
			c = rig_cmds(&u.rig, 0);
			cmd_launch(&c, RING_VA + CODE_OFFSET, RING_VA + DATA_OFFSET + 2 * KIB, 4, 0,
				   i);
			ASSERT_EQ(0, uq_run(&u, &c));
			for (uint64_t k = 0; k < 4; k++)
				ASSERT_EQ(100 * i + k, data[k]);
		}
		EXPECT_EQ(0, state_flags(&u));
		uq_destroy(&u);
	}
}

/* Without the kernel: packets by the ring full, the fence looked at in memory. */
TEST_F(user, many_packets_by_polling)
{
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;
	struct uq u;

	ASSERT_EQ(0, uq_create(&u, self->fd, DRM_DSA_BO_SYSTEM));
	while (u.tail < 4000) {
		/* The device moves its head after the fence: one slot stays free. */
		uint32_t room = SLOTS - 1 - (u.tail - (uint32_t)*u.fence);

		ASSERT_GT(end, accel_now_ns());
		ASSERT_GE(SLOTS - 1, room);
		if (!room)
			continue;
		while (room--)
			uq_put(&u, RING_VA + FENCE_OFFSET, NULL);
		uq_ring(&u);
	}
	EXPECT_EQ(0, wait_for(&u, u.tail, WAIT_SECONDS * 1000));
	EXPECT_EQ(u.tail, *u.fence);
	uq_destroy(&u);
}

TEST_F(user, creation_refused)
{
	const uint64_t bad_va[] = { RING_VA + 8, RING_VA + 2048, VA_LIMIT, VA_LIMIT - PAGE,
				    UINT64_MAX & ~(PAGE - 1) };
	const uint32_t bad_log2[] = { 0, 3, 13, 32, UINT32_MAX };
	struct drm_dsa_queue_create create;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < ARRAY_LEN(bad_va); i++) {
		create = request(rig.vm);
		create.ring_va = bad_va[i];
		EXPECT_EQ(-EINVAL, create_queue(self->fd, &create));
	}
	for (unsigned int i = 0; i < ARRAY_LEN(bad_log2); i++) {
		create = request(rig.vm);
		create.ring_log2 = bad_log2[i];
		EXPECT_EQ(-EINVAL, create_queue(self->fd, &create));
	}
	create = request(rig.vm);
	create.pad2 = 1;
	EXPECT_EQ(-EINVAL, create_queue(self->fd, &create));
	create = request(rig.vm);
	create.doorbell_offset = PAGE;
	EXPECT_EQ(-EINVAL, create_queue(self->fd, &create));
	create = request(rig.vm);
	create.flags = 3;
	EXPECT_EQ(-EINVAL, create_queue(self->fd, &create));
	create = request(rig.vm);
	create.flags = 0; /* a ring for a queue that has none */
	EXPECT_EQ(-EINVAL, create_queue(self->fd, &create));
	create = request(rig.vm + 1);
	EXPECT_EQ(-ENOENT, create_queue(self->fd, &create));
	rig_destroy(&rig);
}

TEST_F(user, no_submit_and_no_wait_for_the_wrong_kind)
{
	struct drm_dsa_wait_user_fence wait = { 0 };
	struct cmds c;
	struct uq u;

	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	c = rig_cmds(&u.rig, 0);
	cmd_nop(&c);
	EXPECT_EQ(-EINVAL, submit(self->fd, u.create.queue_id, c.va, c.len, NULL, 0, NULL));
	wait = (struct drm_dsa_wait_user_fence){ .queue_id = u.rig.queue,
						 .addr = (uintptr_t)u.fence };
	EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	wait.queue_id = 4711;
	EXPECT_EQ(-ENOENT, accel_ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	wait.queue_id = u.create.queue_id;
	wait.flags = 1;
	EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	wait.flags = 0;
	wait.addr += 4;
	EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	wait.addr = BAD_USER_PTR;
	EXPECT_EQ(-EFAULT, accel_ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	wait.addr = 0xffff888000000000ull;
	EXPECT_EQ(-EFAULT, accel_ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	EXPECT_EQ(-ETIME, wait_for(&u, 1, -1000));
	EXPECT_EQ(-ETIME, wait_for(&u, 1, 20));
	EXPECT_EQ(0, wait_for(&u, 0, -1000));
	/* A counter that wraps: what is behind has been reached. */
	EXPECT_EQ(0, wait_for(&u, UINT64_MAX - 5, 0));
	EXPECT_EQ(0, uq_run(&u, NULL));
	uq_destroy(&u);
}

static int try_map(int fd, uint64_t length, int prot, int flags, uint64_t offset)
{
	void *p = mmap(NULL, length, prot, flags, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, length);
	return 0;
}

TEST_F(user, doorbell_mappings_refused)
{
	int other = accel_open();
	uint64_t at, base;
	struct uq u;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	at = u.create.doorbell_offset;
	base = at - u.create.queue_id * PAGE;
	EXPECT_EQ(0, try_map(self->fd, PAGE, PROT_WRITE, MAP_SHARED, at));
	EXPECT_EQ(-EINVAL, try_map(self->fd, PAGE, PROT_WRITE, MAP_PRIVATE, at));
	EXPECT_EQ(-EINVAL, try_map(self->fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, at));
	EXPECT_EQ(-EINVAL, try_map(self->fd, 2 * PAGE, PROT_WRITE, MAP_SHARED, at));
	/* A queue of the usual kind has none. */
	EXPECT_EQ(-EINVAL,
		  try_map(self->fd, PAGE, PROT_WRITE, MAP_SHARED, base + u.rig.queue * PAGE));
	EXPECT_EQ(-ENOENT, try_map(self->fd, PAGE, PROT_WRITE, MAP_SHARED, base + 4711 * PAGE));
	EXPECT_EQ(-ENOENT, try_map(self->fd, PAGE, PROT_WRITE, MAP_SHARED, base));
	EXPECT_EQ(-EINVAL,
		  try_map(self->fd, PAGE, PROT_WRITE, MAP_SHARED, base + (1ull << 32) * PAGE));
	/* Another file has no such queue. */
	EXPECT_EQ(-ENOENT, try_map(other, PAGE, PROT_WRITE, MAP_SHARED, at));
	EXPECT_EQ(MAP_FAILED, mremap((void *)u.doorbell, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	EXPECT_EQ(-1, mprotect((void *)u.doorbell, PAGE, PROT_READ | PROT_EXEC));
	close(other);
	EXPECT_EQ(0, uq_run(&u, NULL));
	uq_destroy(&u);
}

TEST_F(user, a_child_has_no_doorbell)
{
	int status = 0;
	struct uq u;
	pid_t pid;

	ASSERT_EQ(0, uq_create(&u, self->fd, DRM_DSA_BO_SYSTEM));
	EXPECT_EQ(0, uq_run(&u, NULL));
	uq_put(&u, RING_VA + FENCE_OFFSET, NULL);
	pid = fork();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		uq_ring(&u);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	EXPECT_EQ(-ETIME, wait_for(&u, 2, 50));
	uq_ring(&u);
	EXPECT_EQ(0, wait_for(&u, 2, WAIT_SECONDS * 1000));
	uq_destroy(&u);
}

/* Whatever it rings afterwards, it is as if nothing had happened. */
#define EXPECT_REVOKED(u)                                              \
	do {                                                           \
		for (unsigned int i_ = 0; i_ < 3; i_++)                \
			*(u)->doorbell = i_ * 1000;                    \
		EXPECT_EQ(-ECANCELED, wait_for(u, 1ull << 40, 20000)); \
		EXPECT_EQ(0, rig_proof(&(u)->rig, (u)->rig.queue));    \
	} while (0)

TEST_F(user, faults_stop_the_queue)
{
	struct drm_dsa_queue_state st = { 0 };
	struct uq u;

	/* A fence where nothing is bound. */
	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	uq_put(&u, RIG_UNMAPPED_VA, NULL);
	uq_ring(&u);
	EXPECT_EQ(-ECANCELED, wait_for(&u, 1, WAIT_SECONDS * 1000));
	ASSERT_EQ(0, queue_state(self->fd, u.create.queue_id, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_FAULT, st.flags);
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, st.error_code);
	EXPECT_EQ(RIG_UNMAPPED_VA, st.addr);
	EXPECT_REVOKED(&u);
	uq_destroy(&u);

	/* A ring that is taken away. */
	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	ASSERT_EQ(0, uq_run(&u, NULL));
	ASSERT_EQ(0, vm_unmap(self->fd, u.rig.vm, RING_VA, 128 * KIB));
	u.tail = SLOTS + 1; /* not what it has read ahead */
	uq_ring(&u);
	EXPECT_EQ(-ECANCELED, wait_for(&u, 1ull << 40, WAIT_SECONDS * 1000));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_FAULT, state_flags(&u));
	EXPECT_REVOKED(&u);
	uq_destroy(&u);

	/* Nonsense in the ring, and a tail that is too far ahead. */
	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	memset(u.ring, 0xff, sizeof(*u.ring));
	*u.doorbell = 1;
	EXPECT_EQ(-ECANCELED, wait_for(&u, 1, WAIT_SECONDS * 1000));
	EXPECT_REVOKED(&u);
	uq_destroy(&u);
	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	*u.doorbell = SLOTS + 1;
	EXPECT_EQ(-ECANCELED, wait_for(&u, 1, WAIT_SECONDS * 1000));
	EXPECT_REVOKED(&u);
	uq_destroy(&u);
}

/* Bus addresses are no addresses here: the machine's memory is out of reach. */
TEST_F(user, forged_fences_reach_nothing)
{
	static const uint64_t targets[] = { 0x1000, 0x100000, 0xfee00000, 0xb0000000,
					    0x100000000 - 8 };
	struct drm_dsa_queue_state st = { 0 };

	for (unsigned int i = 0; i < ARRAY_LEN(targets); i++) {
		struct uq u;

		ASSERT_EQ(0, uq_create(&u, self->fd, 0));
		uq_put(&u, targets[i], NULL);
		uq_ring(&u);
		EXPECT_EQ(-ECANCELED, wait_for(&u, 1, WAIT_SECONDS * 1000));
		ASSERT_EQ(0, queue_state(self->fd, u.create.queue_id, &st));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, st.error_code);
		uq_destroy(&u);
	}
}

TEST_F(user, hang_is_stopped)
{
	struct cmds c;
	struct uq u;

	ASSERT_EQ(0, write_file(TIMEOUT_PARAM, "300"));
	ASSERT_EQ(0, uq_create(&u, self->fd, 0) ?: write_file(TIMEOUT_PARAM, "30000"));
	/* Idle for longer than the limit is no hang. */
	ASSERT_EQ(0, uq_run(&u, NULL));
	EXPECT_EQ(-ETIME, wait_for(&u, 2, 1000));
	EXPECT_EQ(0, uq_run(&u, NULL));
	*(volatile uint32_t *)(u.buf.ptr + CODE_OFFSET) = RV_LOOP_FOREVER;
	c = rig_cmds(&u.rig, 0);
	cmd_launch(&c, RING_VA + CODE_OFFSET, 0, 64, 0, 1);
	EXPECT_EQ(-ECANCELED, uq_run(&u, &c));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_TIMEDOUT, state_flags(&u));
	EXPECT_REVOKED(&u);
	uq_destroy(&u);
}

TEST_F(user, reset_revokes)
{
	struct rig rig;
	glob_t found;
	struct cmds c;
	struct uq u;
	int ret;

	if (glob(RESET_FILE, 0, NULL, &found))
		SKIP(return, "debugfs is not mounted");
	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	c = rig_cmds(&u.rig, 0);
	cmd_wait(&c, RING_VA + DATA_OFFSET, 1);
	uq_put(&u, RING_VA + FENCE_OFFSET, &c);
	uq_ring(&u);
	ret = write_file(found.gl_pathv[0], "1");
	globfree(&found);
	ASSERT_EQ(0, ret);
	EXPECT_EQ(-ECANCELED, wait_for(&u, 1, WAIT_SECONDS * 1000));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, state_flags(&u));
	*u.doorbell = 1;
	uq_destroy(&u);
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	rig_destroy(&rig);
}

/* The hardware queue goes on to others, who must not be rung for. */
TEST_F(user, old_doorbell_does_not_ring_for_the_next_owner)
{
	struct uq old, next;

	ASSERT_EQ(0, uq_create(&old, self->fd, 0));
	EXPECT_EQ(0, uq_run(&old, NULL));
	ASSERT_EQ(0, queue_destroy(self->fd, old.create.queue_id));
	ASSERT_EQ(0, uq_create(&next, self->fd, 0));
	uq_put(&next, RING_VA + FENCE_OFFSET, NULL);
	*old.doorbell = 1;
	EXPECT_EQ(-ETIME, wait_for(&next, 1, 100));
	uq_ring(&next);
	EXPECT_EQ(0, wait_for(&next, 1, WAIT_SECONDS * 1000));
	uq_destroy(&next);
	uq_destroy(&old);
}

static void *waiter(void *arg)
{
	return (void *)(intptr_t)wait_for(arg, 1ull << 40, WAIT_SECONDS * 1000);
}

TEST_F(user, destroy_ends_waits)
{
	pthread_t threads[4];
	void *result;
	struct uq u;

	for (unsigned int round = 0; round < 10; round++) {
		ASSERT_EQ(0, uq_create(&u, self->fd, 0));
		for (unsigned int i = 0; i < ARRAY_LEN(threads); i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, waiter, &u));
		usleep(round * 500);
		ASSERT_EQ(0, queue_destroy(self->fd, u.create.queue_id));
		for (unsigned int i = 0; i < ARRAY_LEN(threads); i++) {
			pthread_join(threads[i], &result);
			/* Who comes late finds no queue. */
			EXPECT_TRUE((intptr_t)result == -ECANCELED || (intptr_t)result == -ENOENT);
		}
		uq_destroy(&u);
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(user, signals_end_waits)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct drm_dsa_wait_user_fence wait;
	struct uq u;

	ASSERT_EQ(0, uq_create(&u, self->fd, 0));
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	wait = (struct drm_dsa_wait_user_fence){ .queue_id = u.create.queue_id,
						 .addr = (uintptr_t)u.fence,
						 .value = 1,
						 .timeout_ns = INT64_MAX };
	if (!fork()) {
		usleep(100000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	EXPECT_EQ(-1, ioctl(self->fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait));
	EXPECT_EQ(EINTR, errno);
	wait_for(&u, 0, 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
	uq_destroy(&u);
}

/* Gone without a word, in the middle of work, with the doorbell mapped. */
TEST_F(user, process_dies)
{
	for (unsigned int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct cmds c;
			struct uq u;

			if (uq_create(&u, accel_open(), i % 2 ? DRM_DSA_BO_SYSTEM : 0))
				_exit(1);
			c = rig_cmds(&u.rig, 0);
			cmd_wait(&c, RING_VA + DATA_OFFSET, 1);
			uq_put(&u, RING_VA + FENCE_OFFSET, &c);
			uq_ring(&u);
			kill(getpid(), SIGKILL);
		}
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	}
}

TEST_HARNESS_MAIN
