// SPDX-License-Identifier: MIT
/* Jobs that do not end: the time-out stops their queue and no other. Resets of the device. */
#include "accel_fixture.h"

#define CODE_VA 0x300000000ull

ACCEL_FIXTURE(hang)

/* A queue whose jobs may take 300 ms. */
static int short_queue(struct rig *rig, uint32_t *queue)
{
	int ret = param_write("job_timeout_ms", "300");

	if (!ret)
		ret = queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COMPUTE, queue);
	return param_write("job_timeout_ms", "30000") ?: ret;
}

/* The job times out; the other queue and the next one work. */
#define EXPECT_TIMED_OUT(rig, queue, c)                                                            \
	do {                                                                                       \
		struct drm_dsa_queue_state st;                                                     \
                                                                                                   \
		EXPECT_EQ(-ECANCELED, rig_run_on(rig, queue, c));                                  \
		ASSERT_EQ(0, queue_state((rig)->fd, queue, &st));                                  \
		EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_TIMEDOUT, st.flags);                  \
		EXPECT_EQ(DSA_ERR_KILLED, st.error_code);                                          \
		EXPECT_EQ(1, st.job_id);                                                           \
		EXPECT_EQ(0, st.jobs_completed);                                                   \
		EXPECT_EQ(-ECANCELED, rig_run_on(rig, queue, c));                                  \
		EXPECT_EQ(0, rig_proof(rig, (rig)->queue));                                        \
		ASSERT_EQ(0, queue_destroy((rig)->fd, queue));                                     \
		ASSERT_EQ(0, queue_create((rig)->fd, (rig)->vm, DRM_DSA_QUEUE_COMPUTE, &(queue))); \
		EXPECT_EQ(0, rig_proof(rig, queue));                                               \
	} while (0)

TEST_F(hang, wait_that_nobody_satisfies)
{
	uint32_t queue;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, short_queue(&rig, &queue));
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	EXPECT_TIMED_OUT(&rig, queue, &c);
}

TEST_F(hang, runaway_program)
{
	struct buf code;
	uint32_t queue;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &code, PAGE, 0, CODE_VA));
	*(volatile uint32_t *)code.ptr = RV_LOOP_FOREVER;
	ASSERT_EQ(0, short_queue(&rig, &queue));
	c = rig_cmds(&rig, 0);
	cmd_launch(&c, CODE_VA, 0, 64, 0, 1);
	EXPECT_TIMED_OUT(&rig, queue, &c);
}

TEST_F(hang, jobs_behind_a_hang_are_cancelled)
{
	struct drm_dsa_sync out[8];
	uint32_t queue, syncobj;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, short_queue(&rig, &queue));
	ASSERT_EQ(0, syncobj_create(self->fd, &syncobj));
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	ASSERT_EQ(0, submit(self->fd, queue, c.va, c.len, NULL, 0, NULL));
	for (unsigned int i = 0; i < ARRAY_LEN(out); i++) {
		out[i] = sync_out(syncobj, 0);
		ASSERT_EQ(0, submit(self->fd, queue, 0, 0, &out[i], 1, NULL));
	}
	EXPECT_EQ(0, syncobj_wait(self->fd, syncobj, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, syncobj));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

/* Many jobs that together take longer than the time-out of each. */
TEST_F(hang, long_work_in_short_jobs_is_no_hang)
{
	uint64_t start = accel_now_ns();
	struct drm_dsa_queue_state st;
	struct buf data;
	uint32_t queue;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &data, PAGE, 0, CODE_VA));
	ASSERT_EQ(0, short_queue(&rig, &queue));
	c = rig_cmds(&rig, 0);
	cmd_fill(&c, data.va, data.size, 1, 1);
	while (accel_now_ns() - start < 1000000000ull)
		ASSERT_EQ(0, rig_run_on(&rig, queue, &c));
	ASSERT_EQ(0, queue_state(self->fd, queue, &st));
	EXPECT_EQ(0, st.flags);
	EXPECT_EQ(st.jobs_submitted, st.jobs_completed);
}

/* Half of a job cannot be done twice. */
TEST_F(hang, device_reset_loses_what_cannot_be_completed)
{
	struct drm_dsa_queue_state st;
	struct drm_dsa_sync out;
	uint32_t queue, syncobj;
	struct buf data;
	struct rig rig;
	struct cmds c;
	int ret;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &data, PAGE, 0, CODE_VA));
	buf_pattern(data.ptr, data.size, 9);
	ASSERT_EQ(0, syncobj_create(self->fd, &syncobj));
	out = sync_out(syncobj, 0);
	c = rig_endless(&rig, 0);
	ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, &out, 1, NULL));
	ASSERT_EQ(0, rig_begun(&rig, 0));
	ret = device_reset();
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	ASSERT_EQ(0, ret);

	EXPECT_EQ(0, syncobj_wait(self->fd, syncobj, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, syncobj));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, st.flags);
	EXPECT_EQ(-ECANCELED, rig_run(&rig, &c));
	/* Address space and content are as they were. */
	EXPECT_EQ(-1, buf_pattern_differs(data.ptr, data.size, 9));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue));
	EXPECT_EQ(0, rig_proof(&rig, queue));
}

TEST_HARNESS_MAIN
