// SPDX-License-Identifier: MIT
/*
 * HBM under pressure: what idles goes to system memory and comes back, and
 * nobody notices. All but a little of HBM is taken by a buffer that a job of
 * another context keeps busy, so that the size of HBM does not matter.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel_fixture.h"

ACCEL_FIXTURE(evict)

#define ROOM       (32 * MIB)
#define VICTIM     (16 * MIB)
#define PRESSURE   (24 * MIB)
#define GATE_VA    0x50000000ull
#define BALLAST_VA 0x100000000000ull
#define VA         0x40000000ull
#define SEEN_VA    0x7e0000000000ull

struct ballast {
	int fd;
	struct rig rig;
	struct buf gate;
	uint32_t done, bo;
};

/* A file of its own: its buffers are not counted with the test's. */
static int ballast_create(struct ballast *b)
{
	struct drm_dsa_memory_info mem;
	struct drm_dsa_sync sync;
	struct cmds c;
	int ret;

	b->fd = accel_open();
	ret = rig_create(&b->rig, b->fd) ?: syncobj_create(b->fd, &b->done);
	ret = ret ?: rig_buf(&b->rig, &b->gate, PAGE, DRM_DSA_BO_SYSTEM, GATE_VA);
	/* The tables for its mapping, and the tests' own. */
	ret = ret ?: accel_memory(b->fd, &mem);
	ret = ret ?: bo_create(b->fd, (mem.hbm_free - ROOM) & ~(2 * MIB - 1), 0, &b->bo);
	ret = ret ?: vm_map(b->fd, b->rig.vm, b->bo, 0, BALLAST_VA, 2 * MIB, BIND_RW);
	if (ret)
		return ret;
	c = rig_cmds(&b->rig, 0);
	cmd_wait(&c, GATE_VA, 1);
	sync = sync_out(b->done, 0);
	return submit(b->fd, b->rig.queue, c.va, c.len, &sync, 1, NULL);
}

static int ballast_release(struct ballast *b)
{
	*(volatile uint64_t *)b->gate.ptr = 1;
	return syncobj_wait(b->fd, b->done, 0) ?: syncobj_status(b->fd, b->done);
}

/* Bytes of one line of fdinfo. */
static int64_t fdinfo_bytes(int fd, const char *key)
{
	char path[64], line[128];
	int64_t value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		char unit[8] = "";
		long long n;

		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		if (sscanf(line + strlen(key) + 1, "%lld %7s", &n, unit) >= 1)
			value = n * (unit[0] == 'K' ? 1024 : unit[0] == 'M' ? 1024 * 1024 : 1);
	}
	if (f)
		fclose(f);
	return value;
}

/* Bytes of the file's HBM buffers that had to leave. */
static int64_t bytes_out(int fd)
{
	return fdinfo_bytes(fd, "drm-total-hbm") - fdinfo_bytes(fd, "drm-resident-hbm");
}

/* Waits until the driver has brought everything back. */
static int wait_back(int fd)
{
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;

	while (bytes_out(fd)) {
		if (accel_now_ns() > end)
			return -ETIME;
		usleep(1000);
	}
	return 0;
}

/* Two contexts that map one buffer: @vm_b only the middle of it. */
struct pair {
	struct rig a, b;
	struct buf victim, seen_a, seen_b;
};

static int pair_create(struct pair *p, int fd)
{
	int ret = rig_create(&p->a, fd) ?: rig_create(&p->b, fd);

	ret = ret ?: rig_buf(&p->a, &p->seen_a, VICTIM, DRM_DSA_BO_SYSTEM, SEEN_VA);
	ret = ret ?: rig_buf(&p->b, &p->seen_b, VICTIM, DRM_DSA_BO_SYSTEM, SEEN_VA);
	ret = ret ?: rig_buf(&p->a, &p->victim, VICTIM, 0, VA);
	ret = ret   ?:
		      vm_map(fd, p->b.vm, p->victim.handle, PAGE, VA + PAGE, VICTIM - 2 * PAGE,
			     BIND_RW);
	ret = ret ?: vm_unmap(fd, p->b.vm, VA + 6 * MIB, PAGE);
	return ret;
}

static int look(struct rig *rig, uint64_t va, uint64_t bytes)
{
	struct cmds c = rig_cmds(rig, 0);

	cmd_copy(&c, SEEN_VA, va, bytes);
	return rig_run(rig, &c);
}

/* 0 when both contexts see what the processor sees. */
static int pair_check(struct pair *p)
{
	const uint64_t hole = 6 * MIB;
	int ret = look(&p->a, VA, VICTIM);

	ret = ret ?: look(&p->b, VA + PAGE, hole - PAGE);
	ret = ret ?: memcmp(p->seen_a.ptr, p->victim.ptr, VICTIM) ? -EILSEQ : 0;
	ret = ret ?: memcmp(p->seen_b.ptr, p->victim.ptr + PAGE, hole - PAGE) ? -EILSEQ : 0;
	ret = ret ?: look(&p->b, VA + hole + PAGE, VICTIM - hole - 2 * PAGE);
	return ret ?:
		       memcmp(p->seen_b.ptr, p->victim.ptr + hole + PAGE,
			      VICTIM - hole - 2 * PAGE) ?
		       -EILSEQ :
		       0;
}

TEST_F_TIMEOUT(evict, contents_and_mappings_survive, 60)
{
	struct ballast ballast;
	struct buf pressure;
	struct pair p;

	ASSERT_EQ(0, ballast_create(&ballast));
	ASSERT_EQ(0, pair_create(&p, self->fd));
	buf_pattern(p.victim.ptr, VICTIM, 1);
	EXPECT_EQ(0, bytes_out(self->fd));

	ASSERT_EQ(0, buf_create(self->fd, &pressure, PRESSURE, 0));
	EXPECT_EQ(VICTIM, bytes_out(self->fd));
	/* Nothing of what was there before shows in a new buffer. */
	EXPECT_EQ(-1, buf_differs(pressure.ptr, PRESSURE, 0));
	EXPECT_EQ(-1, buf_pattern_differs(p.victim.ptr, VICTIM, 1));
	EXPECT_EQ(0, pair_check(&p));

	/* What is written out there stays as well. */
	for (unsigned int i = 0; i < 2; i++) {
		struct cmds c = rig_cmds(i ? &p.b : &p.a, 1);

		cmd_fill(&c, VA + (2 + i) * MIB + PAGE, MIB, 0x40 + i, 1);
		ASSERT_EQ(0, rig_run(i ? &p.b : &p.a, &c));
		EXPECT_EQ(-1, buf_differs(p.victim.ptr + (2 + i) * MIB + PAGE, MIB, 0x40 + i));
	}
	memset(p.victim.ptr + 8 * MIB, 0x77, MIB);
	EXPECT_EQ(0, pair_check(&p));

	buf_destroy(self->fd, &pressure);
	ASSERT_EQ(0, wait_back(self->fd));
	EXPECT_EQ(-1, buf_differs(p.victim.ptr + 2 * MIB + PAGE, MIB, 0x40));
	EXPECT_EQ(-1, buf_differs(p.victim.ptr + 3 * MIB + PAGE, MIB, 0x41));
	EXPECT_EQ(-1, buf_differs(p.victim.ptr + 8 * MIB, MIB, 0x77));
	EXPECT_EQ(0, pair_check(&p));
	EXPECT_EQ(0, ballast_release(&ballast));
}

/* Mapped nowhere, closed while out, unmapped while out. */
TEST_F_TIMEOUT(evict, life_goes_on_outside, 60)
{
	struct ballast ballast;
	struct buf pressure, loose;
	struct pair p;

	ASSERT_EQ(0, ballast_create(&ballast));
	ASSERT_EQ(0, buf_create(self->fd, &loose, 8 * MIB, 0));
	buf_pattern(loose.ptr, loose.size, 3);
	ASSERT_EQ(0, pair_create(&p, self->fd));
	buf_pattern(p.victim.ptr, VICTIM, 2);
	ASSERT_EQ(0, buf_create(self->fd, &pressure, 28 * MIB, 0));
	EXPECT_EQ(VICTIM + loose.size, bytes_out(self->fd));
	EXPECT_EQ(-1, buf_pattern_differs(loose.ptr, loose.size, 3));
	ASSERT_EQ(0, vm_unmap(self->fd, p.b.vm, VA + MIB, 4 * MIB));
	ASSERT_EQ(0, vm_map(self->fd, p.b.vm, p.victim.handle, MIB, VA + MIB, 4 * MIB, BIND_RW));
	ASSERT_EQ(0, vm_map(self->fd, p.b.vm, loose.handle, 0, 2 * VA, loose.size, BIND_RW));
	EXPECT_EQ(0, pair_check(&p));
	ASSERT_EQ(0, look(&p.b, 2 * VA, loose.size));
	EXPECT_EQ(-1, buf_pattern_differs(p.seen_b.ptr, loose.size, 3));
	buf_destroy(self->fd, &loose);
	ASSERT_EQ(0, vm_destroy(self->fd, p.a.vm));
	ASSERT_EQ(0, bo_close(self->fd, pressure.handle));
	munmap(pressure.ptr, pressure.size);
	ASSERT_EQ(0, wait_back(self->fd));
	ASSERT_EQ(0, look(&p.b, VA + MIB, 4 * MIB));
	EXPECT_EQ(0, memcmp(p.seen_b.ptr, p.victim.ptr + MIB, 4 * MIB));
	EXPECT_EQ(-1, buf_pattern_differs(p.victim.ptr, VICTIM, 2));
	EXPECT_EQ(0, ballast_release(&ballast));
}

/* What jobs use stays; who asks for more than the rest is refused, in bounded time. */
TEST_F_TIMEOUT(evict, busy_stays, 60)
{
	struct ballast ballast;
	uint32_t handle;
	uint64_t start;

	ASSERT_EQ(0, ballast_create(&ballast));
	start = accel_now_ns();
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, 2 * ROOM, 0, &handle));
	EXPECT_GT(10000000000ull, accel_now_ns() - start);
	EXPECT_EQ(0, bo_create(self->fd, ROOM / 2, 0, &handle));
	EXPECT_EQ(0, ballast_release(&ballast));
}

/* The least recently used goes first. */
TEST_F_TIMEOUT(evict, oldest_first, 60)
{
	struct ballast ballast;
	struct rig rig[3];
	uint32_t more;

	ASSERT_EQ(0, ballast_create(&ballast));
	for (unsigned int i = 0; i < 3; i++) {
		struct buf b;

		rig[i].fd = accel_open();
		ASSERT_LE(0, rig[i].fd);
		ASSERT_EQ(0, rig_create(&rig[i], rig[i].fd));
		ASSERT_EQ(0, rig_buf(&rig[i], &b, 8 * MIB, 0, VA));
	}
	ASSERT_EQ(0, rig_proof(&rig[0], rig[0].queue));
	ASSERT_EQ(0, rig_proof(&rig[2], rig[2].queue));
	ASSERT_EQ(0, bo_create(self->fd, 12 * MIB, 0, &more));
	EXPECT_EQ(0, bytes_out(rig[0].fd));
	EXPECT_EQ(8 * MIB, bytes_out(rig[1].fd));
	EXPECT_EQ(0, bytes_out(rig[2].fd));
	EXPECT_EQ(0, ballast_release(&ballast));
}

/* ---- at the same time ---- */

struct worker {
	struct rig rig;
	struct buf buf, seen;
	unsigned int rounds;
	int ret;
};

/* Counts up in its buffer, by the device and by turns with the processor. */
static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 1; i <= w->rounds && !w->ret; i++) {
		struct cmds c = rig_cmds(&w->rig, 0);

		for (uint64_t at = 0; at < w->buf.size; at += MIB)
			cmd_add(&c, VA + at + 8, 1);
		w->ret = rig_run(&w->rig, &c);
		for (uint64_t at = 0; at < w->buf.size && !w->ret; at += MIB) {
			volatile uint64_t *word = (volatile uint64_t *)(w->buf.ptr + at);

			if (word[1] != i || word[0] != i - 1)
				w->ret = -EILSEQ;
			word[0] = i;
		}
	}
	return NULL;
}

/* Maps its buffer anew, and looks through the new mapping. */
static void *rebind(void *arg)
{
	struct worker *w = arg;

	buf_pattern(w->buf.ptr, w->buf.size, 9);
	for (unsigned int i = 0; i < w->rounds && !w->ret; i++) {
		uint64_t va = 0x200000000000ull + (i % 7) * 4 * MIB + (i % 3) * PAGE;

		w->ret = vm_map(w->rig.fd, w->rig.vm, w->buf.handle, 0, va, w->buf.size, BIND_RW) ?:
				 look(&w->rig, va, w->buf.size);
		if (!w->ret && buf_pattern_differs(w->seen.ptr, w->buf.size, 9) != -1)
			w->ret = -EILSEQ;
		w->ret = w->ret ?: vm_unmap(w->rig.fd, w->rig.vm, va, w->buf.size);
	}
	return NULL;
}

/* Allocates what makes others leave. */
static void *press(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->rounds && !w->ret; i++) {
		uint32_t handle;
		int ret = bo_create(w->rig.fd, 26 * MIB, 0, &handle);

		/* All may be busy for as long as it looks. */
		if (ret != -ENOSPC)
			w->ret = ret ?: bo_close(w->rig.fd, handle);
	}
	return NULL;
}

TEST_F_TIMEOUT(evict, submits_binds_and_moves_at_once, 120)
{
	static void *(*const what[])(void *) = { work, work, rebind, press };
	static const unsigned int rounds[] = { 300, 300, 100, 25 };
	struct worker w[ARRAY_LEN(what)] = { 0 };
	pthread_t thread[ARRAY_LEN(what)];
	struct ballast ballast;

	ASSERT_EQ(0, ballast_create(&ballast));
	for (unsigned int i = 0; i < ARRAY_LEN(what); i++) {
		w[i].rounds = rounds[i];
		ASSERT_EQ(0, rig_create(&w[i].rig, self->fd));
		if (what[i] == press)
			continue;
		ASSERT_EQ(0, rig_buf(&w[i].rig, &w[i].buf, 4 * MIB, 0, VA));
		ASSERT_EQ(0, rig_buf(&w[i].rig, &w[i].seen, 4 * MIB, DRM_DSA_BO_SYSTEM, SEEN_VA));
	}
	for (unsigned int i = 0; i < ARRAY_LEN(what); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, what[i], &w[i]));
	for (unsigned int i = 0; i < ARRAY_LEN(what); i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, w[i].ret) TH_LOG("thread %u", i);
	}
	EXPECT_EQ(0, ballast_release(&ballast));
}

/* A client dies with buffers out there: all comes back. */
TEST_F_TIMEOUT(evict, killed_outside, 60)
{
	struct ballast ballast;
	struct accel_baseline before, after;
	uint32_t more;
	int status;
	pid_t pid;

	ASSERT_EQ(0, ballast_create(&ballast));
	ASSERT_EQ(0, accel_baseline_read(self->fd, &before));
	pid = fork();
	if (!pid) {
		struct pair p;
		int fd = accel_open();

		if (pair_create(&p, fd) || bo_create(fd, PRESSURE, 0, &more) ||
		    bytes_out(fd) != VICTIM)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, accel_baseline_wait(self->fd, &before, &after));
	EXPECT_EQ(0, ballast_release(&ballast));
}

TEST_HARNESS_MAIN
