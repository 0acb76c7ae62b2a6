// SPDX-License-Identifier: MIT
/* What a user may have, and how often a user's programs may fail. */
#include "accel_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define USER_A 12345
#define USER_B 23456

FIXTURE(quota)
{
	int fd;
	struct accel_baseline base;
	char queues[16], vms[16];
};

/* Other users may open the device. */
static int open_to_all(mode_t mode)
{
	struct dirent *entry;
	DIR *dir = opendir("/dev/accel");
	int ret = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && fchmodat(dirfd(dir), entry->d_name, mode, 0))
			ret = -errno;
	closedir(dir);
	return ret;
}

FIXTURE_SETUP(quota)
{
	self->fd = accel_open();
	if (self->fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, accel_baseline_read(self->fd, &self->base));
	if (geteuid() || open_to_all(0666))
		SKIP(return, "must be root");
	ASSERT_EQ(0, param_read("max_queues_per_uid", self->queues, sizeof(self->queues)));
	ASSERT_EQ(0, param_read("max_vms_per_uid", self->vms, sizeof(self->vms)));
}

FIXTURE_TEARDOWN_PARENT(quota)
{
	EXPECT_EQ(0, param_write("max_queues_per_uid", self->queues));
	EXPECT_EQ(0, param_write("max_vms_per_uid", self->vms));
	EXPECT_EQ(0, open_to_all(0600));
	ACCEL_CHECK_BASELINE(self->base);
}

/* Runs @body in a process of the user: what it returns. */
static int as_user(uid_t uid, int (*body)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(255);
		_exit(body(arg));
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define CHECK(condition)                       \
	do {                                   \
		if (!(condition))              \
			return __LINE__ % 250; \
	} while (0)

/* @limit queues of each class and no more, from two files; each comes back at once. */
static int take_queues(void *arg)
{
	const uint32_t limit = *(uint32_t *)arg;
	int a = accel_open(), b = accel_open();
	uint32_t vm_a, vm_b, queue[64], extra;

	CHECK(a >= 0 && b >= 0 && !vm_create(a, &vm_a) && !vm_create(b, &vm_b));
	for (uint32_t class = DRM_DSA_QUEUE_COMPUTE; class <= DRM_DSA_QUEUE_COPY; class ++) {
		for (uint32_t i = 0; i < limit; i++)
			CHECK(!queue_create(i % 2 ? b : a, i % 2 ? vm_b : vm_a, class, &queue[i]));
		CHECK(queue_create(a, vm_a, class, &extra) == -EDQUOT);
		CHECK(queue_create(b, vm_b, class, &extra) == -EDQUOT);
		for (unsigned int i = 0; i < 20; i++) {
			CHECK(!queue_destroy(a, queue[0]));
			CHECK(!queue_create(b, vm_b, class, &extra));
			CHECK(queue_create(b, vm_b, class, &queue[0]) == -EDQUOT);
			CHECK(!queue_destroy(b, extra));
			CHECK(!queue_create(a, vm_a, class, &queue[0]));
		}
	}
	/* A closed file gives all back, also what works and what waits. */
	close(a);
	for (uint32_t i = 0; i < limit; i += 2)
		CHECK(!queue_create(b, vm_b, DRM_DSA_QUEUE_COMPUTE, &extra));
	CHECK(queue_create(b, vm_b, DRM_DSA_QUEUE_COMPUTE, &extra) == -EDQUOT);
	return 0;
}

TEST_F(quota, queues)
{
	uint32_t limit = 6, vm, queue;

	ASSERT_EQ(0, param_write("max_queues_per_uid", "6"));
	EXPECT_EQ(0, as_user(USER_A, take_queues, &limit));
	/* CAP_SYS_RESOURCE lifts it. */
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	for (uint32_t i = 0; i < limit + 4; i++)
		EXPECT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COPY, &queue));
}

/* Destroyed with work in flight: its place is free all the same. */
static int replace_busy_queues(void *arg)
{
	uint32_t queue[2], limit = *(uint32_t *)arg;
	struct rig rig;
	struct cmds c;

	CHECK(limit == 2 && !rig_create(&rig, accel_open()));
	CHECK(!queue_create(rig.fd, rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue[0]));
	for (unsigned int i = 0; i < 30; i++) {
		c = rig_cmds(&rig, 0);
		cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
		for (unsigned int k = 0; k < 100; k++)
			CHECK(!submit(rig.fd, queue[0], c.va, c.len, NULL, 0, NULL));
		CHECK(!queue_destroy(rig.fd, queue[0]));
		CHECK(!queue_create(rig.fd, rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue[0]));
		CHECK(queue_create(rig.fd, rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue[1]) == -EDQUOT);
	}
	return 0;
}

TEST_F(quota, busy_queues_are_replaced)
{
	uint32_t limit = 2;

	ASSERT_EQ(0, param_write("max_queues_per_uid", "2"));
	EXPECT_EQ(0, as_user(USER_A, replace_busy_queues, &limit));
}

static int take_vms(void *arg)
{
	const uint32_t limit = *(uint32_t *)arg;
	int a = accel_open(), b = accel_open();
	uint32_t vm[64], extra;

	CHECK(a >= 0 && b >= 0);
	for (uint32_t i = 0; i < limit; i++)
		CHECK(!vm_create(i % 2 ? b : a, &vm[i]));
	for (unsigned int i = 0; i < 20; i++) {
		CHECK(vm_create(a, &extra) == -EDQUOT);
		CHECK(!vm_destroy(a, vm[0]));
		CHECK(!vm_create(a, &vm[0]));
	}
	CHECK(vm_destroy(a, 9999) == -ENOENT);
	CHECK(vm_create(b, &extra) == -EDQUOT);
	close(a);
	CHECK(!vm_create(b, &extra));
	return 0;
}

TEST_F(quota, address_spaces)
{
	uint32_t limit = 5, vm;

	ASSERT_EQ(0, param_write("max_vms_per_uid", "5"));
	EXPECT_EQ(0, as_user(USER_A, take_vms, &limit));
	for (uint32_t i = 0; i < limit + 4; i++)
		EXPECT_EQ(0, vm_create(self->fd, &vm));
}

/* One user's use is no other's; a limit of zero is none. */
static int hold_while_other(void *arg)
{
	uint32_t *limit = arg, vm, queue;
	int fd = accel_open();

	CHECK(fd >= 0 && !vm_create(fd, &vm));
	for (uint32_t i = 0; i < *limit; i++)
		CHECK(!queue_create(fd, vm, DRM_DSA_QUEUE_COPY, &queue));
	return 0;
}

TEST_F(quota, users_have_accounts_of_their_own)
{
	uint32_t limit = 3;
	int go[2], done[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, param_write("max_queues_per_uid", "3"));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(done));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setresgid(USER_B, USER_B, USER_B) || setresuid(USER_B, USER_B, USER_B) ||
		    hold_while_other(&limit))
			_exit(1);
		/* Holds them until the other is done. */
		_exit(write(done[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1);
	}
	ASSERT_EQ(1, read(done[0], &byte, 1));
	EXPECT_EQ(0, as_user(USER_A, hold_while_other, &limit));
	ASSERT_EQ(1, write(go[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	limit = 12;
	ASSERT_EQ(0, param_write("max_queues_per_uid", "0"));
	EXPECT_EQ(0, as_user(USER_A, hold_while_other, &limit));
}

/* ---- the rate of failures ---- */

#define FAULTS 120

/* One new queue that fails after the other; the time that takes, in ms, goes to the pipe. */
static int fail_in_a_loop(void *arg)
{
	uint64_t start = accel_now_ns(), ms;
	struct rig rig;
	uint32_t queue;
	struct cmds c;

	CHECK(!rig_create(&rig, accel_open()));
	for (unsigned int i = 0; i < FAULTS; i++) {
		CHECK(!queue_create(rig.fd, rig.vm, DRM_DSA_QUEUE_COPY, &queue));
		c = rig_cmds(&rig, 0);
		cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
		CHECK(rig_run_on(&rig, queue, &c) == -ECANCELED);
		CHECK(!queue_destroy(rig.fd, queue));
	}
	ms = (accel_now_ns() - start) / 1000000;
	CHECK(write(*(int *)arg, &ms, sizeof(ms)) == sizeof(ms));
	return 0;
}

/* 64 at any rate, then 50 a second: not an error, and not faster with a new file. */
TEST_F(quota, failures_are_slowed_down)
{
	const uint64_t due = (FAULTS - 64 - 2) * 20;
	uint64_t ms;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(0, as_user(USER_A, fail_in_a_loop, &fds[1]));
	ASSERT_EQ((ssize_t)sizeof(ms), read(fds[0], &ms, sizeof(ms)));
	EXPECT_LE(due, ms);
}

TEST_HARNESS_MAIN
