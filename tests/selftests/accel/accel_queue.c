// SPDX-License-Identifier: MIT
/* Queues: creation, state, destruction, exhaustion. */
#include "accel_fixture.h"

#include <linux/capability.h>
#include <sys/syscall.h>

ACCEL_FIXTURE(queue)

static int create(int fd, struct drm_dsa_queue_create *args)
{
	return accel_ioctl(fd, DRM_IOCTL_DSA_QUEUE_CREATE, args);
}

static struct drm_dsa_queue_create good(uint32_t vm)
{
	return (struct drm_dsa_queue_create){
		.vm_id = vm,
		.queue_class = DRM_DSA_QUEUE_COPY,
		.priority = DRM_DSA_PRIORITY_NORMAL,
	};
}

#define EXPECT_CREATE(error, change)                                               \
	do {                                                                       \
		struct drm_dsa_queue_create args = good(vm);                       \
                                                                                   \
		change;                                                            \
		EXPECT_EQ(error, create(self->fd, &args)) TH_LOG("with " #change); \
	} while (0)

TEST_F(queue, bad_arguments_refused)
{
	uint32_t vm;

	ASSERT_EQ(0, vm_create(self->fd, &vm));
	EXPECT_CREATE(-ENOENT, args.vm_id = 0);
	EXPECT_CREATE(-ENOENT, args.vm_id = vm + 1);
	EXPECT_CREATE(-ENOENT, args.vm_id = UINT32_MAX);
	EXPECT_CREATE(-EINVAL, args.queue_class = 2);
	EXPECT_CREATE(-EINVAL, args.queue_class = 0x80000000);
	EXPECT_CREATE(-EINVAL, args.queue_class = UINT32_MAX);
	EXPECT_CREATE(-EINVAL, args.priority = 4);
	EXPECT_CREATE(-EINVAL, args.priority = 0x80000000);
	EXPECT_CREATE(-EINVAL, args.priority = UINT32_MAX);
	for (unsigned int bit = 0; bit < 32; bit++) {
		EXPECT_CREATE(-EINVAL, args.flags = 1u << bit);
		EXPECT_CREATE(-EINVAL, args.pad = 1u << bit);
	}
	EXPECT_CREATE(0, args.queue_id = 0xdeadbeef);
}

TEST_F(queue, foreign_and_dead_address_spaces_refused)
{
	int other = accel_open();
	uint32_t vm;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	EXPECT_EQ(-ENOENT, queue_create(other, vm, DRM_DSA_QUEUE_COPY, &(uint32_t){ 0 }));
	ASSERT_EQ(0, vm_destroy(self->fd, vm));
	EXPECT_CREATE(-ENOENT, args.vm_id = vm);
}

TEST_F(queue, every_class_and_priority_works)
{
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (uint32_t class = DRM_DSA_QUEUE_COMPUTE; class <= DRM_DSA_QUEUE_COPY; class ++) {
		for (uint32_t prio = DRM_DSA_PRIORITY_LOW; prio <= DRM_DSA_PRIORITY_REALTIME;
		     prio++) {
			struct drm_dsa_queue_create args = {
				.vm_id = rig.vm,
				.queue_class = class,
				.priority = prio,
			};
			int ret = create(self->fd, &args);

			if (ret == -EACCES && prio > DRM_DSA_PRIORITY_NORMAL)
				continue; /* not run by root */
			ASSERT_EQ(0, ret);
			EXPECT_NE(0, args.queue_id);
			EXPECT_EQ(0, rig_proof(&rig, args.queue_id));
			EXPECT_EQ(0, queue_destroy(self->fd, args.queue_id));
		}
	}
}

static int drop_capability(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[cap / 32].effective &= ~(1u << cap % 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

TEST_F(queue, high_priority_needs_a_capability)
{
	uint32_t vm;

	ASSERT_EQ(0, vm_create(self->fd, &vm));
	ASSERT_EQ(0, drop_capability(CAP_SYS_NICE));
	EXPECT_CREATE(-EACCES, args.priority = DRM_DSA_PRIORITY_HIGH);
	EXPECT_CREATE(-EACCES, args.priority = DRM_DSA_PRIORITY_REALTIME);
	EXPECT_CREATE(0, args.priority = DRM_DSA_PRIORITY_NORMAL);
	EXPECT_CREATE(0, args.priority = DRM_DSA_PRIORITY_LOW);
}

TEST_F(queue, bad_ids_refused)
{
	const uint32_t bad[] = { 0, 2, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	struct drm_dsa_queue_destroy args;
	struct drm_dsa_queue_state state;
	uint32_t vm, queue;
	int other;

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_EQ(-ENOENT, queue_destroy(self->fd, bad[i]));
		EXPECT_EQ(-ENOENT, queue_state(self->fd, bad[i], &state));
		EXPECT_EQ(-ENOENT, submit(self->fd, bad[i], 0, 0, NULL, 0, NULL));
	}
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	ASSERT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COPY, &queue));
	for (unsigned int bit = 0; bit < 32; bit++) {
		args = (struct drm_dsa_queue_destroy){ .queue_id = queue, .pad = 1u << bit };
		EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_QUEUE_DESTROY, &args));
	}
	other = accel_open();
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOENT, queue_destroy(other, queue));
	EXPECT_EQ(-ENOENT, queue_state(other, queue, &state));
	EXPECT_EQ(-ENOENT, submit(other, queue, 0, 0, NULL, 0, NULL));
	EXPECT_EQ(0, queue_destroy(self->fd, queue));
	EXPECT_EQ(-ENOENT, queue_destroy(self->fd, queue));
	EXPECT_EQ(-ENOENT, queue_state(self->fd, queue, &state));
	EXPECT_EQ(-ENOENT, submit(self->fd, queue, 0, 0, NULL, 0, NULL));
}

TEST_F(queue, state_of_a_living_queue)
{
	struct drm_dsa_queue_state state;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(0, state.flags);
	EXPECT_EQ(DSA_ERR_NONE, state.error_code);
	EXPECT_EQ(0, state.jobs_submitted);
	EXPECT_EQ(0, state.jobs_completed);
	for (unsigned int i = 1; i <= 5; i++) {
		ASSERT_EQ(0, rig_proof(&rig, rig.queue));
		ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
		EXPECT_EQ(i, state.jobs_submitted);
		EXPECT_EQ(i, state.jobs_completed);
	}
	EXPECT_EQ(0, state.flags);
}

/* What comes in in fields that only go out is no matter. */
TEST_F(queue, state_writes_all_fields)
{
	struct drm_dsa_queue_state a, b;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	memset(&a, 0xff, sizeof(a));
	a.queue_id = rig.queue;
	ASSERT_EQ(0, accel_ioctl(self->fd, DRM_IOCTL_DSA_QUEUE_STATE, &a));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &b));
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
}

/* All of a class, then one more; queues that exist work on; each comes back when destroyed. */
static const uint32_t classes[] = { DRM_DSA_QUEUE_COMPUTE, DRM_DSA_QUEUE_COPY };

TEST_F(queue, exhaustion_and_recovery)
{
	struct drm_dsa_device_info info;
	struct rig rig;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, queue_destroy(self->fd, rig.queue));
	for (unsigned int c = 0; c < ARRAY_LEN(classes); c++) {
		uint32_t max = classes[c] == DRM_DSA_QUEUE_COPY ? info.copy_queues :
								  info.compute_queues;
		uint32_t queue[256], n = 0, extra;
		int ret = 0;

		while (n < ARRAY_LEN(queue)) {
			ret = queue_create(self->fd, rig.vm, classes[c], &queue[n]);
			if (ret)
				break;
			n++;
		}
		EXPECT_EQ(-ENOSPC, ret);
		EXPECT_EQ(max, n);
		/* The other class has its own. */
		EXPECT_EQ(0, queue_create(self->fd, rig.vm, classes[!c], &extra));
		EXPECT_EQ(0, queue_destroy(self->fd, extra));
		for (unsigned int i = 0; i < n; i++)
			EXPECT_EQ(0, rig_proof(&rig, queue[i]));
		for (unsigned int i = 0; i < n; i += 7) {
			EXPECT_EQ(0, queue_destroy(self->fd, queue[i]));
			EXPECT_EQ(0, queue_create(self->fd, rig.vm, classes[c], &queue[i]));
			EXPECT_EQ(-ENOSPC, queue_create(self->fd, rig.vm, classes[c], &extra));
			EXPECT_EQ(0, rig_proof(&rig, queue[i]));
		}
		while (n)
			EXPECT_EQ(0, queue_destroy(self->fd, queue[--n]));
	}
}

/* Another process that takes all queues gives all back when it ends. */
TEST_F(queue, exhaustion_by_a_process_that_ends)
{
	uint32_t vm, queue;
	int fds[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd = accel_open();

		if (fd < 0 || vm_create(fd, &vm))
			_exit(1);
		while (!queue_create(fd, vm, DRM_DSA_QUEUE_COMPUTE, &queue))
			continue;
		_exit(write(fds[1], "x", 1) != 1);
	}
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	EXPECT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COMPUTE, &queue));
}

TEST_F(queue, destroy_ends_work_in_flight)
{
	struct drm_dsa_sync out[4];
	uint32_t syncobj[4], second;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COMPUTE, &second));
	for (unsigned int i = 0; i < ARRAY_LEN(out); i++) {
		c = rig_cmds(&rig, i);
		cmd_wait(&c, RIG_CMD_VA + RIG_SLOT - 8, 1);
		ASSERT_EQ(0, syncobj_create(self->fd, &syncobj[i]));
		out[i] = sync_out(syncobj[i], 0);
		ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, &out[i], 1, NULL));
	}
	EXPECT_FALSE(syncobj_is_signalled(self->fd, syncobj[0], 0));
	ASSERT_EQ(0, queue_destroy(self->fd, rig.queue));
	for (unsigned int i = 0; i < ARRAY_LEN(out); i++) {
		EXPECT_EQ(0, syncobj_wait(self->fd, syncobj[i], 0));
		EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, syncobj[i]));
	}
	EXPECT_EQ(0, rig_proof(&rig, second));
}

/* A hardware queue that is used again starts anew. */
TEST_F(queue, reuse_many_times)
{
	struct drm_dsa_queue_state state;
	uint32_t queue, compute;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < 200; i++) {
		ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &queue));
		compute = i % 3;
		if (compute == 1) {
			c = rig_cmds(&rig, 0);
			cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
			ASSERT_EQ(-ECANCELED, rig_run_on(&rig, queue, &c));
		} else if (compute == 2) {
			ASSERT_EQ(0, rig_proof(&rig, queue));
		}
		ASSERT_EQ(0, queue_state(self->fd, queue, &state));
		EXPECT_EQ(compute == 1 ? DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_FAULT : 0, state.flags);
		ASSERT_EQ(0, queue_destroy(self->fd, queue));
	}
}

/* More jobs than any ring holds, in order. */
TEST_F(queue, many_jobs)
{
	enum { JOBS = 3000 };
	struct drm_dsa_queue_state state;
	struct drm_dsa_sync out;
	uint64_t job, *count;
	uint32_t syncobj;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &syncobj));
	out = sync_out(syncobj, 0);
	c = rig_cmds(&rig, 0);
	count = (uint64_t *)(rig.cmd.ptr + RIG_SLOT);
	cmd_add(&c, RIG_CMD_VA + RIG_SLOT, 1);
	for (unsigned int i = 1; i <= JOBS; i++) {
		ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, &out, i == JOBS, &job));
		ASSERT_EQ(i, job);
	}
	ASSERT_EQ(0, syncobj_wait(self->fd, syncobj, 0));
	EXPECT_EQ(JOBS, *count);
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(JOBS, state.jobs_submitted);
	EXPECT_EQ(JOBS, state.jobs_completed);
}

TEST_HARNESS_MAIN
