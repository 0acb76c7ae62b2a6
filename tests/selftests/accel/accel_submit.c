// SPDX-License-Identifier: MIT
/* SUBMIT: what it refuses; syncobjs in and out, binary and timeline; order. */
#include "accel_fixture.h"

ACCEL_FIXTURE(submit)

static int raw_submit(int fd, struct drm_dsa_submit *args)
{
	return accel_ioctl(fd, DRM_IOCTL_DSA_SUBMIT, args);
}

/* An empty job is a submit that works as it stands. */
#define EXPECT_SUBMIT(error, change)                                                          \
	do {                                                                                  \
		struct drm_dsa_submit args = { .queue_id = rig.queue, .cmd_va = RIG_CMD_VA }; \
                                                                                              \
		change;                                                                       \
		EXPECT_EQ(error, raw_submit(self->fd, &args)) TH_LOG("with " #change);        \
	} while (0)

TEST_F(submit, bad_arguments_refused)
{
	struct drm_dsa_device_info info;
	struct drm_dsa_queue_state state;
	struct rig rig;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_SUBMIT(-ENOENT, args.queue_id = 0);
	EXPECT_SUBMIT(-ENOENT, args.queue_id = rig.queue + 1);
	EXPECT_SUBMIT(-ENOENT, args.queue_id = UINT32_MAX);
	for (unsigned int bit = 0; bit < 32; bit++)
		EXPECT_SUBMIT(-EINVAL, args.flags = 1u << bit);
	for (unsigned int i = 1; i < 8; i++) {
		EXPECT_SUBMIT(-EINVAL, args.cmd_va = RIG_CMD_VA + i);
		EXPECT_SUBMIT(-EINVAL, (args.cmd_va = RIG_CMD_VA + i, args.cmd_size = 8));
		EXPECT_SUBMIT(-EINVAL, args.cmd_size = i);
		EXPECT_SUBMIT(-EINVAL, args.cmd_size = 64 + i);
	}
	EXPECT_SUBMIT(-EINVAL, args.cmd_size = info.max_cmd_bytes + 8);
	EXPECT_SUBMIT(-EINVAL, args.cmd_size = 1ull << 32);
	EXPECT_SUBMIT(-EINVAL, args.cmd_size = (1ull << 32) + 8);
	EXPECT_SUBMIT(-EINVAL, args.cmd_size = 1ull << 63);
	EXPECT_SUBMIT(-EINVAL, args.cmd_size = UINT64_MAX - 7);
	EXPECT_SUBMIT(-EINVAL, (args.cmd_va = VA_LIMIT, args.cmd_size = 8));
	EXPECT_SUBMIT(-EINVAL, (args.cmd_va = VA_LIMIT - 8, args.cmd_size = 16));
	EXPECT_SUBMIT(-EINVAL, (args.cmd_va = 1ull << 63, args.cmd_size = 8));
	EXPECT_SUBMIT(-EINVAL, (args.cmd_va = UINT64_MAX - 7, args.cmd_size = 8));
	EXPECT_SUBMIT(-EINVAL, (args.cmd_va = UINT64_MAX - 7, args.cmd_size = 16));
	EXPECT_SUBMIT(-EINVAL, (args.cmd_va = DSA_SCRATCHPAD_BASE, args.cmd_size = 8));

	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(0, state.jobs_submitted);
	EXPECT_EQ(0, state.flags);
	EXPECT_SUBMIT(0, args.job_id = 77);
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

TEST_F(submit, bad_syncs_refused)
{
	const uint32_t strides[] = {
		0,  1,    4,    8,          12,         15,         17,
		20, 1032, 4096, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
	};
	const uint64_t pointers[] = {
		0, BAD_USER_PTR, 0x7ffffffff000, 0xffff888000000000, UINT64_MAX - 4095,
	};
	struct drm_dsa_queue_state state;
	struct drm_dsa_sync sync;
	uint32_t closed, live;
	struct rig rig;

#define EXPECT_SYNC(error, change)                                                \
	EXPECT_SUBMIT(error, (args.syncs = (uintptr_t)&sync, args.sync_count = 1, \
			      args.sync_stride = sizeof(sync), change))

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &live));
	ASSERT_EQ(0, syncobj_create(self->fd, &closed));
	ASSERT_EQ(0, syncobj_destroy(self->fd, closed));
	sync = sync_out(live, 0);
	for (unsigned int i = 0; i < ARRAY_LEN(strides); i++) {
		EXPECT_SYNC(-EINVAL, args.sync_stride = strides[i]);
		EXPECT_SYNC(-EINVAL, (args.sync_stride = strides[i], args.sync_count = UINT32_MAX));
	}
	EXPECT_SYNC(-EINVAL, args.sync_count = 4097);
	EXPECT_SYNC(-EINVAL, args.sync_count = 0x10000001);
	EXPECT_SYNC(-EINVAL, args.sync_count = UINT32_MAX);
	for (unsigned int i = 0; i < ARRAY_LEN(pointers); i++)
		EXPECT_SYNC(-EFAULT, args.syncs = pointers[i]);
	EXPECT_SYNC(-EINVAL, (args.syncs = UINT64_MAX - 23, args.sync_count = 2));
	for (unsigned int bit = 1; bit < 32; bit++) {
		EXPECT_SYNC(-EINVAL, sync.flags = 1u << bit);
		EXPECT_SYNC(-EINVAL, sync.flags = 1u << bit | DRM_DSA_SYNC_SIGNAL);
	}
	for (uint32_t flags = 0; flags <= DRM_DSA_SYNC_SIGNAL; flags++) {
		sync.flags = flags;
		EXPECT_SYNC(-ENOENT, sync.handle = 0);
		EXPECT_SYNC(-ENOENT, sync.handle = closed);
		EXPECT_SYNC(-ENOENT, sync.handle = UINT32_MAX);
		sync.point = 5;
		EXPECT_SYNC(-ENOENT, sync.handle = closed);
		sync.point = 0;
	}
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(0, state.jobs_submitted);
	EXPECT_FALSE(syncobj_is_signalled(self->fd, live, 0));
	sync = sync_out(live, 0);
	EXPECT_SYNC(0, args.job_id = 0);
	EXPECT_EQ(0, syncobj_wait(self->fd, live, 0));
}

TEST_F(submit, foreign_syncobjs_refused)
{
	uint32_t theirs[4], ours;
	int other = accel_open();
	struct drm_dsa_sync sync;
	struct rig rig;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &ours));
	for (unsigned int i = 0; i < ARRAY_LEN(theirs); i++)
		ASSERT_EQ(0, syncobj_create(other, &theirs[i]));
	for (unsigned int i = 0; i < ARRAY_LEN(theirs); i++) {
		if (theirs[i] == ours)
			continue;
		sync = sync_out(theirs[i], 0);
		EXPECT_EQ(-ENOENT, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
		EXPECT_FALSE(syncobj_is_signalled(other, theirs[i], 0));
	}
}

/* The good ones before a bad one are not touched either. */
TEST_F(submit, failure_in_the_middle_has_no_effect)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	struct drm_dsa_queue_state state;
	struct drm_dsa_sync *syncs;
	uint32_t handle[3];
	struct rig rig;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + PAGE, PAGE));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	syncs = (struct drm_dsa_sync *)(p + PAGE) - 3;
	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_EQ(0, syncobj_create(self->fd, &handle[i]));
		syncs[i] = sync_out(handle[i], i);
	}
	EXPECT_EQ(-EFAULT, submit(self->fd, rig.queue, 0, 0, syncs, 4, NULL));
	EXPECT_EQ(-EFAULT, submit(self->fd, rig.queue, 0, 0, syncs, 4096, NULL));
	syncs[2].handle = UINT32_MAX;
	EXPECT_EQ(-ENOENT, submit(self->fd, rig.queue, 0, 0, syncs, 3, NULL));
	syncs[2] = sync_in(handle[2], 0);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, syncs, 3, NULL));
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_FALSE(syncobj_is_signalled(self->fd, handle[i], 0));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(0, state.jobs_submitted);
	syncs[2] = sync_out(handle[2], 2);
	EXPECT_EQ(0, submit(self->fd, rig.queue, 0, 0, syncs, 3, NULL));
	EXPECT_EQ(0, syncobj_wait(self->fd, handle[0], 0));
	EXPECT_EQ(0, syncobj_wait(self->fd, handle[1], 1));
	EXPECT_EQ(0, syncobj_wait(self->fd, handle[2], 2));
}

TEST_F(submit, longer_sync_elements)
{
	struct {
		struct drm_dsa_sync sync;
		uint64_t more[2];
	} syncs[2] = { 0 };
	struct drm_dsa_submit args;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < 2; i++) {
		syncs[i].sync.flags = DRM_DSA_SYNC_SIGNAL;
		ASSERT_EQ(0, syncobj_create(self->fd, &syncs[i].sync.handle));
	}
	args = (struct drm_dsa_submit){
		.queue_id = rig.queue,
		.sync_count = 2,
		.sync_stride = sizeof(syncs[0]),
		.syncs = (uintptr_t)syncs,
	};
	syncs[1].more[1] = 1;
	EXPECT_EQ(-EINVAL, raw_submit(self->fd, &args));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, syncs[0].sync.handle, 0));
	syncs[1].more[1] = 0;
	EXPECT_EQ(0, raw_submit(self->fd, &args));
	EXPECT_EQ(0, syncobj_wait(self->fd, syncs[0].sync.handle, 0));
	EXPECT_EQ(0, syncobj_wait(self->fd, syncs[1].sync.handle, 0));
}

TEST_F(submit, wait_for_what_nobody_submitted_refused)
{
	struct drm_dsa_sync sync;
	struct rig rig;
	uint32_t handle;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	sync = sync_in(handle, 0);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	sync = sync_in(handle, 1);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	sync = sync_out(handle, 5);
	EXPECT_EQ(0, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	sync = sync_in(handle, 6);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	sync = sync_in(handle, UINT64_MAX);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	sync = sync_in(handle, (1ull << 32) + 5);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	sync = sync_in(handle, 5);
	EXPECT_EQ(0, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	ASSERT_EQ(0, syncobj_reset(self->fd, handle));
	sync = sync_in(handle, 0);
	EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
	ASSERT_EQ(0, syncobj_signal(self->fd, handle));
	EXPECT_EQ(0, submit(self->fd, rig.queue, 0, 0, &sync, 1, NULL));
}

TEST_F(submit, job_ids_count_from_one_per_queue)
{
	uint64_t job;
	uint32_t second;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &second));
	for (uint64_t i = 1; i < 4; i++) {
		ASSERT_EQ(0, submit(self->fd, rig.queue, 0, 0, NULL, 0, &job));
		EXPECT_EQ(i, job);
		/* A refused one counts for nothing. */
		EXPECT_EQ(-EINVAL, submit(self->fd, rig.queue, 4, 0, NULL, 0, NULL));
		ASSERT_EQ(0, submit(self->fd, second, 0, 0, NULL, 0, &job));
		EXPECT_EQ(i, job);
	}
}

/* ---- waiting and signalling ---- */

/* Two queues and a word that holds the first. */
struct pair {
	struct rig rig;
	uint32_t second;
	volatile uint64_t *gate, *log;
	uint64_t gate_va, log_va;
};

static int pair_create(struct pair *p, int fd)
{
	int ret = rig_create(&p->rig, fd);

	p->gate_va = RIG_CMD_VA + 8 * RIG_SLOT;
	p->log_va = p->gate_va + 8;
	p->gate = (volatile uint64_t *)(p->rig.cmd.ptr + 8 * RIG_SLOT);
	p->log = p->gate + 1;
	return ret ?: queue_create(fd, p->rig.vm, DRM_DSA_QUEUE_COPY, &p->second);
}

/* A job that waits until the gate is at least @open, then makes the log @value. */
static struct cmds gated(struct pair *p, unsigned int slot, uint64_t open, uint64_t value)
{
	struct cmds c = rig_cmds(&p->rig, slot);

	if (open)
		cmd_wait(&c, p->gate_va, open);
	cmd_fill(&c, p->log_va + 8 * slot, 8, value, 8);
	return c;
}

TEST_F(submit, empty_job_signals)
{
	struct drm_dsa_sync out;
	uint32_t handle;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	out = sync_out(handle, 0);
	ASSERT_EQ(0, submit(self->fd, rig.queue, 0, 0, &out, 1, NULL));
	EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
	EXPECT_EQ(0, syncobj_status(self->fd, handle));
}

TEST_F(submit, binary_out_signals_when_the_job_is_done)
{
	struct drm_dsa_sync out;
	uint32_t handle;
	struct pair p;
	struct cmds c;

	ASSERT_EQ(0, pair_create(&p, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	out = sync_out(handle, 0);
	c = gated(&p, 0, 1, 42);
	ASSERT_EQ(0, submit(self->fd, p.rig.queue, c.va, c.len, &out, 1, NULL));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, handle, 0));
	EXPECT_EQ(-EINPROGRESS, syncobj_status(self->fd, handle));
	*p.gate = 1;
	EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
	EXPECT_EQ(42, p.log[0]);
}

/* The second queue's job starts after the first's, whatever is faster. */
TEST_F(submit, binary_in_orders_queues)
{
	struct drm_dsa_sync sync[2];
	uint32_t handle[2];
	struct pair p;
	struct cmds c;

	ASSERT_EQ(0, pair_create(&p, self->fd));
	for (unsigned int i = 0; i < 2; i++)
		ASSERT_EQ(0, syncobj_create(self->fd, &handle[i]));
	c = gated(&p, 0, 1, 5);
	sync[0] = sync_out(handle[0], 0);
	ASSERT_EQ(0, submit(self->fd, p.rig.queue, c.va, c.len, sync, 1, NULL));
	c = rig_cmds(&p.rig, 1);
	cmd_copy(&c, p.log_va + 8, p.log_va, 8);
	sync[0] = sync_in(handle[0], 0);
	sync[1] = sync_out(handle[1], 0);
	ASSERT_EQ(0, submit(self->fd, p.second, c.va, c.len, sync, 2, NULL));
	/* A third one that depends on nothing overtakes. */
	EXPECT_FALSE(syncobj_is_signalled(self->fd, handle[1], 0));
	*p.gate = 1;
	ASSERT_EQ(0, syncobj_wait(self->fd, handle[1], 0));
	EXPECT_EQ(5, p.log[1]);
}

TEST_F(submit, jobs_of_a_queue_run_in_order)
{
	struct drm_dsa_sync out;
	uint32_t handle;
	struct pair p;
	struct cmds c;

	ASSERT_EQ(0, pair_create(&p, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	out = sync_out(handle, 0);
	/* Each job makes sure that its predecessor has run. */
	for (unsigned int i = 0; i < 7; i++) {
		c = rig_cmds(&p.rig, i);
		if (!i)
			cmd_wait(&c, p.gate_va, 1);
		else
			cmd_copy(&c, p.log_va + 8 * i, p.log_va + 8 * (i - 1), 8);
		cmd_add(&c, p.log_va + 8 * i, 1);
		ASSERT_EQ(0, submit(self->fd, p.rig.queue, c.va, c.len, &out, i == 6, NULL));
	}
	EXPECT_EQ(0, p.log[6]);
	*p.gate = 1;
	ASSERT_EQ(0, syncobj_wait(self->fd, handle, 0));
	for (unsigned int i = 0; i < 7; i++)
		EXPECT_EQ(i + 1, p.log[i]);
}

TEST_F(submit, queues_do_not_wait_for_each_other)
{
	struct drm_dsa_sync out;
	uint32_t handle;
	struct pair p;
	struct cmds c;

	ASSERT_EQ(0, pair_create(&p, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	out = sync_out(handle, 0);
	c = gated(&p, 0, 1, 1);
	ASSERT_EQ(0, submit(self->fd, p.rig.queue, c.va, c.len, &out, 1, NULL));
	for (unsigned int i = 0; i < 10; i++)
		EXPECT_EQ(0, rig_proof(&p.rig, p.second));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, handle, 0));
	*p.gate = 1;
	EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
}

TEST_F(submit, timeline_points)
{
	struct drm_dsa_sync out;
	uint64_t point;
	uint32_t handle;
	struct pair p;
	struct cmds c;

	ASSERT_EQ(0, pair_create(&p, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	for (unsigned int i = 0; i < 4; i++) {
		c = gated(&p, i, i + 1, i + 1);
		out = sync_out(handle, 10 * (i + 1));
		ASSERT_EQ(0, submit(self->fd, p.rig.queue, c.va, c.len, &out, 1, NULL));
	}
	ASSERT_EQ(0, syncobj_query(self->fd, handle, &point));
	EXPECT_EQ(0, point);
	for (unsigned int i = 0; i < 4; i++) {
		EXPECT_FALSE(syncobj_is_signalled(self->fd, handle, 10 * (i + 1)));
		*p.gate = i + 1;
		ASSERT_EQ(0, syncobj_wait(self->fd, handle, 10 * (i + 1)));
		EXPECT_EQ(i + 1, p.log[i]);
		ASSERT_EQ(0, syncobj_query(self->fd, handle, &point));
		EXPECT_EQ(10 * (i + 1), point);
	}
}

/* A wait for a point between two is a wait for the next one. */
TEST_F(submit, timeline_orders_queues)
{
	struct drm_dsa_sync sync[2];
	uint32_t line, done;
	struct pair p;
	struct cmds c;

	ASSERT_EQ(0, pair_create(&p, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &line));
	ASSERT_EQ(0, syncobj_create(self->fd, &done));
	for (unsigned int i = 0; i < 2; i++) {
		c = gated(&p, i, i + 1, 7 + i);
		sync[0] = sync_out(line, (1ull << 33) * (i + 1));
		ASSERT_EQ(0, submit(self->fd, p.rig.queue, c.va, c.len, sync, 1, NULL));
	}
	c = rig_cmds(&p.rig, 3);
	cmd_copy(&c, p.log_va + 24, p.log_va, 16);
	sync[0] = sync_in(line, (1ull << 33) + 1);
	sync[1] = sync_out(done, 0);
	ASSERT_EQ(0, submit(self->fd, p.second, c.va, c.len, sync, 2, NULL));
	*p.gate = 1;
	ASSERT_EQ(0, syncobj_wait(self->fd, line, 1ull << 33));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, done, 0));
	*p.gate = 2;
	ASSERT_EQ(0, syncobj_wait(self->fd, done, 0));
	EXPECT_EQ(7, p.log[3]);
	EXPECT_EQ(8, p.log[4]);
}

TEST_F(submit, many_syncs_in_one_submit)
{
	enum { N = 512 };
	static struct drm_dsa_sync syncs[N];
	static uint32_t handle[N];
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < N; i++) {
		ASSERT_EQ(0, syncobj_create(self->fd, &handle[i]));
		syncs[i] = sync_out(handle[i], i % 3);
	}
	ASSERT_EQ(0, submit(self->fd, rig.queue, 0, 0, syncs, N, NULL));
	for (unsigned int i = 0; i < N; i++)
		ASSERT_EQ(0, syncobj_wait(self->fd, handle[i], i % 3));
	for (unsigned int i = 0; i < N; i++)
		syncs[i].flags = 0;
	ASSERT_EQ(0, submit(self->fd, rig.queue, 0, 0, syncs, N, NULL));
}

/* One syncobj, many times over, and waiting for oneself's past. */
TEST_F(submit, one_syncobj_again_and_again)
{
	struct drm_dsa_sync sync[2];
	uint32_t handle, second;
	uint64_t *count;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &second));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	count = (uint64_t *)(rig.cmd.ptr + RIG_SLOT);
	c = rig_cmds(&rig, 0);
	/* Not atomic: only right when they never run at the same time. */
	cmd_copy(&c, RIG_CMD_VA + RIG_SLOT + 8, RIG_CMD_VA + RIG_SLOT, 8);
	cmd_add(&c, RIG_CMD_VA + RIG_SLOT + 8, 1);
	cmd_copy(&c, RIG_CMD_VA + RIG_SLOT, RIG_CMD_VA + RIG_SLOT + 8, 8);
	for (unsigned int i = 0; i < 100; i++) {
		sync[0] = sync_out(handle, 0);
		sync[1] = sync_in(handle, 0);
		ASSERT_EQ(0, submit(self->fd, i % 2 ? second : rig.queue, c.va, c.len, sync,
				    i ? 2 : 1, NULL));
	}
	ASSERT_EQ(0, syncobj_wait(self->fd, handle, 0));
	EXPECT_EQ(100, *count);
}

/* The fence outlives the queue, the address space and the file that made it. */
TEST_F(submit, fence_outlives_its_file)
{
	struct drm_syncobj_handle export = { .flags = 0 }, import = { 0 };
	struct drm_dsa_sync out;
	int fd = accel_open();
	uint32_t handle;
	struct rig rig;
	struct cmds c;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	ASSERT_EQ(0, syncobj_create(fd, &handle));
	out = sync_out(handle, 0);
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	ASSERT_EQ(0, submit(fd, rig.queue, c.va, c.len, &out, 1, NULL));
	export.handle = handle;
	ASSERT_EQ(0, accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	import.fd = export.fd;
	ASSERT_EQ(0, accel_ioctl(self->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import));
	close(export.fd);
	ASSERT_EQ(0, munmap(rig.cmd.ptr, rig.cmd.size));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, syncobj_wait(self->fd, import.handle, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, import.handle));
	/* And another file's job may depend on it. */
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	out = sync_in(import.handle, 0);
	EXPECT_EQ(0, submit(self->fd, rig.queue, 0, 0, &out, 1, NULL));
}

TEST_HARNESS_MAIN
