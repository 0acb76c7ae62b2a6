// SPDX-License-Identifier: MIT
/* A process's own memory as buffers, and all that a process may do to it meanwhile. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "accel_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

ACCEL_FIXTURE(userptr)

#define SIZE    (64 * PAGE)
#define DATA_VA 0x40000000ull
#define GATE_VA (RIG_CMD_VA + 8 * RIG_SLOT)

static int userptr(int fd, const void *p, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_dsa_bo_userptr args = {
		.address = (uintptr_t)p,
		.size = size,
		.flags = flags,
	};
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_BO_USERPTR, &args);

	*handle = args.handle;
	return ret;
}

static uint8_t *anonymous(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct user {
	struct rig rig;
	uint8_t *p;
	uint32_t handle;
};

/* @p, or memory of its own, bound at DATA_VA. */
static int user_create(struct user *u, int fd, uint8_t *p)
{
	int ret;

	*u = (struct user){ .p = p ?: anonymous(SIZE) };
	ret = rig_create(&u->rig, fd);
	if (!ret)
		ret = userptr(fd, u->p, SIZE, 0, &u->handle);
	return ret ?: vm_map(fd, u->rig.vm, u->handle, 0, DATA_VA, SIZE, BIND_RW);
}

static int fill(struct user *u, uint8_t value)
{
	struct cmds c = rig_cmds(&u->rig, 0);

	cmd_fill(&c, DATA_VA, SIZE, value, 1);
	return rig_run(&u->rig, &c);
}

/* Submits: waits for the gate, then fills. */
static int submit_gated(struct user *u, uint8_t value, uint32_t done)
{
	struct drm_dsa_sync out = sync_out(done, 0);
	struct cmds c = rig_cmds(&u->rig, 1);

	cmd_wait(&c, GATE_VA, 1);
	cmd_fill(&c, DATA_VA, SIZE, value, 1);
	return submit(u->rig.fd, u->rig.queue, c.va, c.len, &out, 1, NULL);
}

static void open_gate(struct rig *rig)
{
	*(volatile uint64_t *)(rig->cmd.ptr + 8 * RIG_SLOT) = 1;
}

static int fault_code(struct rig *rig, uint64_t *addr)
{
	struct drm_dsa_queue_state st;
	int ret = queue_state(rig->fd, rig->queue, &st);

	*addr = st.addr;
	return ret ?: (int)st.error_code;
}

/* The queue that faulted is dead; another one works. */
static int next_queue(struct user *u)
{
	queue_destroy(u->rig.fd, u->rig.queue);
	return queue_create(u->rig.fd, u->rig.vm, DRM_DSA_QUEUE_COMPUTE, &u->rig.queue);
}

TEST_F(userptr, reads_and_writes)
{
	struct user u;
	struct cmds c;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, fill(&u, 0x5a));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 0x5a));
	buf_pattern(u.p, SIZE / 2, 3);
	c = rig_cmds(&u.rig, 1);
	cmd_copy(&c, DATA_VA + SIZE / 2, DATA_VA, SIZE / 2);
	ASSERT_EQ(0, rig_run(&u.rig, &c));
	EXPECT_EQ(-1, buf_pattern_differs(u.p + SIZE / 2, SIZE / 2, 3));
	EXPECT_EQ(0, bo_close(self->fd, u.handle));
	/* A mapping keeps it. */
	ASSERT_EQ(0, fill(&u, 0x11));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 0x11));
}

TEST_F(userptr, nonsense_refused)
{
	uint8_t *p = anonymous(SIZE);
	uint32_t handle;

	ASSERT_NE(NULL, p);
	EXPECT_EQ(-EINVAL, userptr(self->fd, p, 0, 0, &handle));
	EXPECT_EQ(-EINVAL, userptr(self->fd, p + 1, PAGE, 0, &handle));
	EXPECT_EQ(-EINVAL, userptr(self->fd, p, PAGE + 1, 0, &handle));
	EXPECT_EQ(-EINVAL, userptr(self->fd, p, PAGE - 1, 0, &handle));
	for (unsigned int bit = 1; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, userptr(self->fd, p, PAGE, 1u << bit, &handle));
	EXPECT_EQ(-EFAULT, userptr(self->fd, (void *)(UINT64_MAX - PAGE + 1), PAGE, 0, &handle));
	EXPECT_EQ(-EFAULT, userptr(self->fd, p, UINT64_MAX - PAGE + 1, 0, &handle));
	EXPECT_EQ(-EFAULT, userptr(self->fd, p, 1ull << 63, 0, &handle));
	EXPECT_EQ(-EFAULT, userptr(self->fd, (void *)0xffff888000000000, PAGE, 0, &handle));
	EXPECT_EQ(-EFAULT, userptr(self->fd, NULL, PAGE, 0, &handle));
	ASSERT_EQ(0, munmap(p + SIZE / 2, PAGE));
	EXPECT_EQ(-EFAULT, userptr(self->fd, p, SIZE, 0, &handle));
	EXPECT_EQ(0, userptr(self->fd, p, SIZE / 2, 0, &handle));
}

/* More than any process has: no memory, or no such memory; never a hang. */
TEST_F(userptr, very_large)
{
	uint32_t handle;
	int ret = userptr(self->fd, (void *)0x10000, 1ull << 46, 0, &handle);

	EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT) TH_LOG("%d", ret);
}

TEST_F(userptr, memory_of_devices_refused)
{
	static const uint32_t placements[] = { 0, DRM_DSA_BO_SYSTEM };
	uint32_t handle;
	struct buf buf;

	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		ASSERT_EQ(0, buf_create(self->fd, &buf, SIZE, placements[i]));
		EXPECT_EQ(-EFAULT, userptr(self->fd, buf.ptr, SIZE, 0, &handle));
		EXPECT_EQ(-EFAULT,
			  userptr(self->fd, buf.ptr, SIZE, DRM_DSA_USERPTR_READONLY, &handle));
		buf_destroy(self->fd, &buf);
	}
}

TEST_F(userptr, protection_is_obeyed)
{
	uint8_t *p = anonymous(SIZE);
	uint32_t handle;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	memset(p, 0x42, SIZE);
	ASSERT_EQ(0, mprotect(p, SIZE, PROT_READ));
	EXPECT_EQ(-EPERM, userptr(self->fd, p, SIZE, 0, &handle));
	ASSERT_EQ(0, userptr(self->fd, p, SIZE, DRM_DSA_USERPTR_READONLY, &handle));
	EXPECT_EQ(-EACCES, vm_map(self->fd, rig.vm, handle, 0, DATA_VA, SIZE, BIND_RW));
	EXPECT_EQ(-EACCES, vm_map(self->fd, rig.vm, handle, 0, DATA_VA, SIZE, DRM_DSA_BIND_WRITE));
	ASSERT_EQ(0, vm_map(self->fd, rig.vm, handle, 0, DATA_VA, SIZE, DRM_DSA_BIND_READ));
	c = rig_cmds(&rig, 1);
	cmd_copy(&c, GATE_VA, DATA_VA + SIZE - 8, 8);
	ASSERT_EQ(0, rig_run(&rig, &c));
	EXPECT_EQ(0x4242424242424242ull, *(volatile uint64_t *)(rig.cmd.ptr + 8 * RIG_SLOT));
	c = rig_cmds(&rig, 2);
	cmd_fill(&c, DATA_VA, 8, 1, 8);
	EXPECT_EQ(-ECANCELED, rig_run(&rig, &c));
	EXPECT_EQ(-1, buf_differs(p, SIZE, 0x42));
	ASSERT_EQ(0, mprotect(p, SIZE, PROT_NONE));
	EXPECT_EQ(-EFAULT, userptr(self->fd, p, SIZE, DRM_DSA_USERPTR_READONLY, &handle));
}

TEST_F(userptr, neither_mapped_nor_exported)
{
	struct drm_prime_handle args = { .flags = DRM_CLOEXEC };
	uint8_t *p = anonymous(SIZE);
	uint64_t offset;

	ASSERT_EQ(0, userptr(self->fd, p, SIZE, 0, &args.handle));
	EXPECT_EQ(-EPERM, accel_ioctl(self->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args));
	EXPECT_EQ(-EINVAL, bo_mmap_offset(self->fd, args.handle, &offset));
}

/* Partly bound, cut, in two address spaces: all follow when the memory changes. */
TEST_F(userptr, many_mappings)
{
	struct user u;
	uint32_t vm, queue;
	struct cmds c;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, vm_unmap(self->fd, u.rig.vm, DATA_VA + 8 * PAGE, 4 * PAGE));
	ASSERT_EQ(0, vm_map(self->fd, u.rig.vm, u.handle, 3 * PAGE, 2 * DATA_VA, PAGE, BIND_RW));
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	ASSERT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COMPUTE, &queue));
	ASSERT_EQ(0, vm_map(self->fd, vm, u.handle, 0, DATA_VA, SIZE, BIND_RW));
	ASSERT_EQ(0, vm_map(self->fd, vm, u.rig.cmd.handle, 0, RIG_CMD_VA, RIG_CMD_BYTES, BIND_RW));
	for (unsigned int round = 1; round < 5; round++) {
		/* New pages. */
		ASSERT_EQ(0, madvise(u.p, SIZE, MADV_DONTNEED));
		c = rig_cmds(&u.rig, 0);
		cmd_fill(&c, DATA_VA, 8 * PAGE, round, 1);
		cmd_fill(&c, 2 * DATA_VA, PAGE, 0x80 + round, 1);
		ASSERT_EQ(0, rig_run(&u.rig, &c));
		EXPECT_EQ(-1, buf_differs(u.p, 3 * PAGE, (uint8_t)round));
		EXPECT_EQ(-1, buf_differs(u.p + 3 * PAGE, PAGE, (uint8_t)(0x80 + round)));
		c = rig_cmds(&u.rig, 1);
		cmd_fill(&c, DATA_VA + 8 * PAGE, SIZE - 8 * PAGE, 0x40 + round, 1);
		ASSERT_EQ(0, rig_run_on(&u.rig, queue, &c));
		EXPECT_EQ(-1,
			  buf_differs(u.p + 8 * PAGE, SIZE - 8 * PAGE, (uint8_t)(0x40 + round)));
	}
	ASSERT_EQ(0, vm_destroy(self->fd, vm));
	ASSERT_EQ(0, madvise(u.p, SIZE, MADV_DONTNEED));
	c = rig_cmds(&u.rig, 2);
	cmd_fill(&c, DATA_VA, PAGE, 0x99, 1);
	EXPECT_EQ(0, rig_run(&u.rig, &c));
	EXPECT_EQ(-1, buf_differs(u.p, PAGE, 0x99));
	/* What was unmapped stays so. */
	c = rig_cmds(&u.rig, 3);
	cmd_fill(&c, DATA_VA + 8 * PAGE, 8, 1, 8);
	EXPECT_EQ(-ECANCELED, rig_run(&u.rig, &c));
}

TEST_F(userptr, unmapped_memory_faults)
{
	uint64_t addr = 0;
	struct user u;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, fill(&u, 1));
	ASSERT_EQ(0, munmap(u.p, SIZE));
	EXPECT_EQ(-ECANCELED, fill(&u, 2));
	EXPECT_LT(0, fault_code(&u.rig, &addr));
	EXPECT_EQ(DATA_VA, addr);
	/* What does not use it is not concerned. */
	ASSERT_EQ(0, next_queue(&u));
	EXPECT_EQ(0, rig_proof(&u.rig, u.rig.queue));
	/* It is the addresses that count. */
	ASSERT_EQ(u.p, mmap(u.p, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	EXPECT_EQ(0, fill(&u, 3));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 3));
	/* One page of it is enough. */
	ASSERT_EQ(0, munmap(u.p + SIZE - PAGE, PAGE));
	EXPECT_EQ(-ECANCELED, fill(&u, 4));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE - PAGE, 3));
}

TEST_F(userptr, unmapped_under_a_job)
{
	uint64_t begin, addr = 0;
	struct user u;
	uint32_t done;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, syncobj_create(self->fd, &done));
	ASSERT_EQ(0, submit_gated(&u, 7, done));
	begin = accel_now_ns();
	ASSERT_EQ(0, munmap(u.p, SIZE));
	/* It does not wait for the job. */
	EXPECT_GT(2000000000ull, accel_now_ns() - begin);
	open_gate(&u.rig);
	ASSERT_EQ(0, syncobj_wait(self->fd, done, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, done));
	EXPECT_LT(0, fault_code(&u.rig, &addr));
	EXPECT_EQ(DATA_VA, addr);
	ASSERT_EQ(0, next_queue(&u));
	EXPECT_EQ(0, rig_proof(&u.rig, u.rig.queue));
}

struct changer {
	uint8_t *p;
	int ret;
};

static void *drop_pages(void *arg)
{
	struct changer *c = arg;

	c->ret = mprotect(c->p, SIZE, PROT_READ);
	return NULL;
}

/* What the kernel does to the pages waits for the jobs that use them. */
TEST_F(userptr, changes_wait_for_jobs)
{
	struct changer changer;
	pthread_t thread;
	struct user u;
	uint32_t done;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, syncobj_create(self->fd, &done));
	memset(u.p, 1, SIZE);
	ASSERT_EQ(0, submit_gated(&u, 9, done));
	changer = (struct changer){ .p = u.p };
	ASSERT_EQ(0, pthread_create(&thread, NULL, drop_pages, &changer));
	usleep(50000);
	open_gate(&u.rig);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, changer.ret);
	ASSERT_EQ(0, syncobj_wait(self->fd, done, 0));
	EXPECT_EQ(0, syncobj_status(self->fd, done));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 9));
	/* Not writable any more: the device has nothing of it either. */
	EXPECT_EQ(-ECANCELED, fill(&u, 2));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 9));
}

/* Not for ever: a job that never ends must not keep a process from its memory. */
TEST_F(userptr, changes_wait_for_some_time_only)
{
	struct changer changer;
	uint64_t begin, addr;
	struct user u;
	uint32_t done;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, syncobj_create(self->fd, &done));
	memset(u.p, 1, SIZE);
	ASSERT_EQ(0, submit_gated(&u, 9, done));
	changer = (struct changer){ .p = u.p };
	begin = accel_now_ns();
	drop_pages(&changer);
	EXPECT_EQ(0, changer.ret);
	EXPECT_LT(4000000000ull, accel_now_ns() - begin);
	EXPECT_GT(20000000000ull, accel_now_ns() - begin);
	open_gate(&u.rig);
	ASSERT_EQ(0, syncobj_wait(self->fd, done, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, done));
	EXPECT_LT(0, fault_code(&u.rig, &addr));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 1));
}

/* After a fork parent and child have their own memory each; the device has the parent's. */
TEST_F(userptr, fork_and_copy_on_write)
{
	int to_child[2], to_parent[2], status;
	struct user u;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, fill(&u, 1));
	ASSERT_EQ(0, pipe(to_child));
	ASSERT_EQ(0, pipe(to_parent));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* Until the parent's job has run. */
		bool good = read(to_child[0], &byte, 1) == 1 && buf_differs(u.p, SIZE, 1) == -1;

		memset(u.p, 3, SIZE);
		good = good && write(to_parent[1], "x", 1) == 1 && read(to_child[0], &byte, 1) == 1;
		_exit(good && buf_differs(u.p, SIZE, 3) == -1 ? 0 : 1);
	}
	EXPECT_EQ(0, fill(&u, 2));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 2));
	EXPECT_EQ(1, write(to_child[1], "x", 1));
	EXPECT_EQ(1, read(to_parent[0], &byte, 1));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 2));
	EXPECT_EQ(0, fill(&u, 4));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 4));
	EXPECT_EQ(1, write(to_child[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The process whose memory it is has gone, another one still has the file. */
TEST_F(userptr, owner_exits)
{
	int fd = self->fd, status;
	uint32_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
				0);
	struct user u = { 0 };
	pid_t pid;

	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, rig_create(&u.rig, fd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int ret = userptr(fd, anonymous(SIZE), SIZE, 0, &shared[0]);

		_exit(ret ? 1 : vm_map(fd, u.rig.vm, shared[0], 0, DATA_VA, SIZE, BIND_RW) ? 2 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(-ECANCELED, fill(&u, 1));
	ASSERT_EQ(0, next_queue(&u));
	EXPECT_EQ(0, rig_proof(&u.rig, u.rig.queue));
	EXPECT_EQ(0, bo_close(fd, shared[0]));
}

/* A process that is killed with a job on its memory in flight goes at once. */
TEST_F(userptr, owner_is_killed)
{
	int fds[2], status;
	uint64_t begin;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct user u;
		uint32_t done;
		int ret = user_create(&u, accel_open(), NULL);

		ret = ret ?: syncobj_create(u.rig.fd, &done);
		ret = ret ?: submit_gated(&u, 1, done);
		if (ret || write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	begin = accel_now_ns();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, status);
	EXPECT_GT(4000000000ull, accel_now_ns() - begin);
}

TEST_F(userptr, moved_memory)
{
	struct user u;
	uint8_t *moved;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	ASSERT_EQ(0, fill(&u, 1));
	moved = mremap(u.p, SIZE, 2 * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, anonymous(2 * SIZE));
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_EQ(-ECANCELED, fill(&u, 2));
	EXPECT_EQ(-1, buf_differs(moved, SIZE, 1));
	ASSERT_EQ(0, next_queue(&u));
	/* And back. */
	ASSERT_EQ(u.p, mremap(moved, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, u.p));
	EXPECT_EQ(0, fill(&u, 3));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 3));
}

/* A file's pages are as good as any: what the device writes reaches the file. */
TEST_F(userptr, memory_of_a_file)
{
	int file = memfd_create("accel_userptr", MFD_CLOEXEC);
	uint8_t byte, *p;
	struct user u;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, ftruncate(file, SIZE));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, user_create(&u, self->fd, p));
	ASSERT_EQ(0, fill(&u, 0x21));
	ASSERT_EQ(1, pread(file, &byte, 1, SIZE - 1));
	EXPECT_EQ(0x21, byte);
	/* Beyond the file's end there is nothing. */
	ASSERT_EQ(0, ftruncate(file, SIZE / 2));
	EXPECT_EQ(-ECANCELED, fill(&u, 0x22));
	ASSERT_EQ(0, next_queue(&u));
	ASSERT_EQ(0, ftruncate(file, SIZE));
	EXPECT_EQ(0, fill(&u, 0x23));
	EXPECT_EQ(-1, buf_differs(p, SIZE, 0x23));
}

TEST_F(userptr, no_limit_on_locked_memory)
{
	const struct rlimit none = { 0, 0 };
	struct user u;

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &none));
	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	EXPECT_EQ(0, fill(&u, 0x31));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 0x31));
}

struct churn {
	uint8_t *p;
	bool stop;
};

static void *churn(void *arg)
{
	struct churn *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		madvise(c->p, SIZE, MADV_DONTNEED);
		mprotect(c->p, SIZE, PROT_READ);
		mprotect(c->p, SIZE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* Pages change under submits all the time: each job runs, or faults; the next one is fine. */
TEST_F(userptr, changes_race_with_submits)
{
	struct churn c = { 0 };
	pthread_t thread;
	struct user u;
	uint64_t end;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	c.p = u.p;
	ASSERT_EQ(0, pthread_create(&thread, NULL, churn, &c));
	end = accel_now_ns() + 5000000000ull;
	for (unsigned int i = 0; i < 300 && accel_now_ns() < end; i++) {
		int ret = fill(&u, (uint8_t)i);

		/* Read-only at the moment; or never the same for long enough. */
		if (ret == -ECANCELED)
			ret = next_queue(&u);
		ASSERT_TRUE(ret == 0 || ret == -EBUSY) TH_LOG("%d", ret);
	}
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, fill(&u, 0x77));
	EXPECT_EQ(-1, buf_differs(u.p, SIZE, 0x77));
}

/* No fence tells when such a queue uses what moves. */
TEST_F(userptr, not_with_user_mode_queues)
{
	struct drm_dsa_queue_create create = {
		.queue_class = DRM_DSA_QUEUE_COMPUTE,
		.priority = DRM_DSA_PRIORITY_NORMAL,
		.flags = DRM_DSA_QUEUE_USER,
		.ring_va = 0x200000000ull,
		.ring_log2 = 4,
	};
	struct user u;
	struct rig rig;

	ASSERT_EQ(0, user_create(&u, self->fd, NULL));
	create.vm_id = u.rig.vm;
	EXPECT_EQ(-EOPNOTSUPP, accel_ioctl(self->fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	create.vm_id = rig.vm;
	ASSERT_EQ(0, accel_ioctl(self->fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create));
	EXPECT_EQ(-EOPNOTSUPP, vm_map(self->fd, rig.vm, u.handle, 0, DATA_VA, SIZE, BIND_RW));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	rig_destroy(&rig);
}

TEST_HARNESS_MAIN
