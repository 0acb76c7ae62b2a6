// SPDX-License-Identifier: MIT
/* Jobs that never end: the time-out kills and bans their queue, and no other. */
#include "accel_fixture.h"

#include <time.h>

#define PARAMETER  "job_timeout_ms"
#define TIMEOUT_MS 1500
#define CODE_VA    0x40000000ull
#define RESULT_VA  0x50000000ull

FIXTURE(timeout)
{
	int fd;
	struct accel_baseline base;
	char before[32];
	uint32_t resets;
};

static uint32_t resets(int fd)
{
	struct drm_dsa_telemetry t = { 0 };
	uint32_t size = sizeof(t);

	accel_query(fd, DRM_DSA_QUERY_TELEMETRY, &t, &size);
	return t.resets;
}

FIXTURE_SETUP(timeout)
{
	char value[16];

	self->fd = accel_open();
	if (self->fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, self->fd);
	if (param_read(PARAMETER, self->before, sizeof(self->before)))
		SKIP(return, "cannot read " PARAMETER);
	ASSERT_EQ(0, accel_baseline_read(self->fd, &self->base));
	self->resets = resets(self->fd);
	/* For queues created from now on. */
	snprintf(value, sizeof(value), "%u", TIMEOUT_MS);
	if (param_write(PARAMETER, value))
		SKIP(return, "cannot write " PARAMETER " (not root?)");
}

FIXTURE_TEARDOWN_PARENT(timeout)
{
	int fd = accel_open();

	EXPECT_EQ(0, param_write(PARAMETER, self->before));
	/* No queue needed more than its own end. */
	EXPECT_EQ(self->resets, resets(fd));
	close(fd);
	ACCEL_CHECK_BASELINE(self->base);
}

/* An address space with a program that never ends and one that stores a value. */
struct scene {
	struct rig rig;
	struct buf code, result;
};

static int scene_create(struct scene *s, int fd)
{
	int ret = rig_create(&s->rig, fd);

	ret = ret ?: rig_buf(&s->rig, &s->code, PAGE, 0, CODE_VA);
	ret = ret ?: rig_buf(&s->rig, &s->result, PAGE, 0, RESULT_VA);
	if (ret)
		return ret;
	*(uint32_t *)s->code.ptr = RV_LOOP_FOREVER;
	rv_program_store(s->code.ptr + 64);
	*(struct rv_store_args *)(s->code.ptr + 256) = (struct rv_store_args){ .dst = RESULT_VA };
	return 0;
}

static struct cmds endless_wait(struct scene *s)
{
	struct cmds c = rig_cmds(&s->rig, 0);

	cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	return c;
}

static struct cmds endless_program(struct scene *s, uint32_t programs)
{
	struct cmds c = rig_cmds(&s->rig, 1);

	cmd_launch(&c, CODE_VA, 0, programs, 0, 55);
	return c;
}

static void tell_why(struct scene *s, uint32_t queue)
{
	struct drm_dsa_queue_state st;

	if (!queue_state(s->rig.fd, queue, &st))
		fprintf(stderr, "# queue flags %u error %u access %u address 0x%llx pc 0x%llx\n",
			st.flags, st.error_code, st.access, (unsigned long long)st.addr,
			(unsigned long long)st.pc);
}

/* A launch that ends, on @queue; the result is checked. */
static int store_program(struct scene *s, uint32_t queue)
{
	struct cmds c = rig_cmds(&s->rig, 2);
	uint64_t *result = (uint64_t *)s->result.ptr;
	int ret;

	memset(result, 0xff, 16 * 8);
	cmd_launch(&c, CODE_VA + 64, CODE_VA + 256, 16, 0, 56);
	ret = rig_run_on(&s->rig, queue, &c);
	for (unsigned int i = 0; !ret && i < 16; i++)
		ret = result[i] == i ? 0 : -EBADMSG;
	if (ret)
		tell_why(s, queue);
	return ret;
}

static int start(struct scene *s, uint32_t queue, const struct cmds *c, uint32_t *handle)
{
	struct drm_dsa_sync out;
	int ret = syncobj_create(s->rig.fd, handle);

	out = sync_out(*handle, 0);
	return ret ?: submit(s->rig.fd, queue, c->va, c->len, &out, 1, NULL);
}

#define EXPECT_TIMED_OUT(queue, handle)                                              \
	do {                                                                         \
		struct drm_dsa_queue_state st_;                                      \
                                                                                     \
		EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));                     \
		EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle));             \
		ASSERT_EQ(0, queue_state(self->fd, queue, &st_));                    \
		EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_TIMEDOUT, st_.flags);   \
		EXPECT_EQ(-ECANCELED, submit(self->fd, queue, 0, 0, NULL, 0, NULL)); \
	} while (0)

TEST_F(timeout, wait_that_is_never_satisfied)
{
	uint32_t handle, behind, queue;
	struct drm_dsa_sync out;
	uint64_t begin, ms;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	ASSERT_EQ(0, syncobj_create(self->fd, &behind));
	c = endless_wait(&s);
	begin = accel_now_ns();
	ASSERT_EQ(0, start(&s, queue, &c, &handle));
	out = sync_out(behind, 0);
	ASSERT_EQ(0, submit(self->fd, queue, 0, 0, &out, 1, NULL));
	/* A neighbour in the same address space works all the time. */
	do {
		ASSERT_EQ(0, rig_proof(&s.rig, s.rig.queue));
	} while (!syncobj_is_signalled(self->fd, handle, 0) &&
		 accel_now_ns() - begin < WAIT_SECONDS * 1000000000ull);
	ms = (accel_now_ns() - begin) / 1000000;
	EXPECT_LE(TIMEOUT_MS - 100, ms);
	EXPECT_GE(2 * TIMEOUT_MS, ms);
	EXPECT_TIMED_OUT(queue, handle);
	EXPECT_EQ(0, syncobj_wait(self->fd, behind, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, behind));
	EXPECT_EQ(0, rig_proof(&s.rig, s.rig.queue));
}

/* On every core, and more waiting: others get theirs when it is over, and are not blamed. */
TEST_F(timeout, runaway_programs_on_all_cores)
{
	struct drm_dsa_device_info info;
	struct scene guilty, other;
	uint32_t handle, queue;
	struct cmds c;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, scene_create(&guilty, self->fd));
	ASSERT_EQ(0, scene_create(&other, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, guilty.rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue));
	c = endless_program(&guilty, 4 * info.cores);
	ASSERT_EQ(0, start(&guilty, queue, &c, &handle));
	for (unsigned int i = 0; i < 5; i++) {
		EXPECT_EQ(0, store_program(&other, other.rig.queue));
		EXPECT_EQ(0, store_program(&guilty, guilty.rig.queue));
		EXPECT_EQ(0, rig_proof(&other.rig, other.rig.queue));
	}
	EXPECT_TIMED_OUT(queue, handle);
	EXPECT_EQ(0, store_program(&other, other.rig.queue));
	EXPECT_EQ(0, store_program(&guilty, guilty.rig.queue));
}

/* Several hang at once, and are stopped at once: not one after the other, which would take 8 times the limit. */
TEST_F(timeout, storm)
{
	uint32_t queue[8], handle[8];
	uint64_t begin = accel_now_ns();
	struct scene s, other;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	ASSERT_EQ(0, scene_create(&other, self->fd));
	for (unsigned int i = 0; i < ARRAY_LEN(queue); i++) {
		ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue[i]));
		c = i % 2 ? endless_program(&s, 3) : endless_wait(&s);
		ASSERT_EQ(0, start(&s, queue[i], &c, &handle[i]));
	}
	EXPECT_EQ(0, rig_proof(&other.rig, other.rig.queue));
	for (unsigned int i = 0; i < ARRAY_LEN(queue); i++)
		EXPECT_TIMED_OUT(queue[i], handle[i]);
	EXPECT_GT(3 * TIMEOUT_MS, (accel_now_ns() - begin) / 1000000);
	EXPECT_EQ(0, store_program(&other, other.rig.queue));
	EXPECT_EQ(0, store_program(&s, s.rig.queue));
}

/* The time is that of one job: many that end may take longer together. */
TEST_F(timeout, jobs_are_timed_one_by_one)
{
	const struct timespec pause = { .tv_nsec = TIMEOUT_MS / 3 * 1000000 };
	struct drm_dsa_queue_state state;
	volatile uint64_t *gate;
	uint32_t handle[6];
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	gate = (volatile uint64_t *)(s.rig.cmd.ptr + 8 * RIG_SLOT);
	for (unsigned int i = 0; i < ARRAY_LEN(handle); i++) {
		struct cmds c = rig_cmds(&s.rig, i);

		cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, i + 1);
		ASSERT_EQ(0, start(&s, s.rig.queue, &c, &handle[i]));
	}
	/* Time itself is what is tested here. */
	for (unsigned int i = 0; i < ARRAY_LEN(handle); i++) {
		nanosleep(&pause, NULL);
		*gate = i + 1;
		ASSERT_EQ(0, syncobj_wait(self->fd, handle[i], 0));
		EXPECT_EQ(0, syncobj_status(self->fd, handle[i]));
	}
	ASSERT_EQ(0, queue_state(self->fd, s.rig.queue, &state));
	EXPECT_EQ(0, state.flags);
}

/* Nor is it that of a job: it may have any number of commands. */
TEST_F(timeout, commands_are_timed_one_by_one)
{
	const struct timespec pause = { .tv_nsec = TIMEOUT_MS / 3 * 1000000 };
	volatile uint64_t *gate;
	uint32_t handle;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	gate = (volatile uint64_t *)(s.rig.cmd.ptr + 8 * RIG_SLOT);
	c = rig_cmds(&s.rig, 0);
	for (unsigned int i = 0; i < 6; i++)
		cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, i + 1);
	ASSERT_EQ(0, start(&s, s.rig.queue, &c, &handle));
	for (unsigned int i = 0; i < 6; i++) {
		nanosleep(&pause, NULL);
		EXPECT_FALSE(syncobj_is_signalled(self->fd, handle, 0));
		*gate = i + 1;
	}
	EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
	EXPECT_EQ(0, syncobj_status(self->fd, handle));
}

/* Jobs that are submitted behind it do not give it more time. */
TEST_F(timeout, submits_do_not_put_it_off)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t begin, ms;
	uint32_t handle;
	struct scene s;
	struct cmds c;
	int ret;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	c = endless_wait(&s);
	begin = accel_now_ns();
	ASSERT_EQ(0, start(&s, s.rig.queue, &c, &handle));
	do {
		ret = submit(self->fd, s.rig.queue, 0, 0, NULL, 0, NULL);
		ms = (accel_now_ns() - begin) / 1000000;
		nanosleep(&pause, NULL);
	} while (!ret && ms < WAIT_SECONDS * 1000);
	EXPECT_EQ(-ECANCELED, ret);
	EXPECT_LE(TIMEOUT_MS - 100, ms);
	EXPECT_GE(2 * TIMEOUT_MS, ms);
	EXPECT_TIMED_OUT(s.rig.queue, handle);
}

static int queue_with_limit(struct scene *s, unsigned int ms, uint32_t *queue)
{
	char value[16];

	snprintf(value, sizeof(value), "%u", ms);
	return param_write(PARAMETER, value) ?:
		       queue_create(s->rig.fd, s->rig.vm, DRM_DSA_QUEUE_COMPUTE, queue);
}

/* More hang than there are cores, one after the other: who waits behind them all is not blamed. */
TEST_F(timeout, waits_for_many_hung_ones)
{
	struct drm_dsa_device_info info;
	struct drm_dsa_queue_state st;
	uint32_t handle[64], queue[64], innocent, hung;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, scene_create(&s, self->fd));
	hung = info.cores + 4;
	if (hung + 2 > info.compute_queues)
		SKIP(return, "%u cores, but only %u compute queues", info.cores,
			   info.compute_queues);
	c = endless_program(&s, 1);
	for (unsigned int i = 0; i < hung; i++) {
		ASSERT_EQ(0, queue_with_limit(&s, 600, &queue[i]));
		ASSERT_EQ(0, start(&s, queue[i], &c, &handle[i]));
	}
	ASSERT_EQ(0, queue_with_limit(&s, 600, &innocent));
	EXPECT_EQ(0, store_program(&s, innocent));
	EXPECT_TIMED_OUT(queue[0], handle[0]);
	for (unsigned int i = 0; i < hung; i++) {
		ASSERT_EQ(0, queue_state(self->fd, queue[i], &st));
		EXPECT_TRUE(!st.flags || st.flags & DRM_DSA_QUEUE_TIMEDOUT);
		ASSERT_EQ(0, queue_destroy(self->fd, queue[i]));
	}
	EXPECT_EQ(0, store_program(&s, innocent));
}

/* The one that holds all cores may do so for longer than the one that waits for them may take. */
TEST_F(timeout, waits_for_one_with_a_longer_limit)
{
	struct drm_dsa_device_info info;
	uint32_t handle, slow, quick;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, scene_create(&s, self->fd));
	ASSERT_EQ(0, queue_with_limit(&s, 3000, &slow));
	ASSERT_EQ(0, queue_with_limit(&s, 500, &quick));
	c = endless_program(&s, 4 * info.cores);
	ASSERT_EQ(0, start(&s, slow, &c, &handle));
	EXPECT_EQ(0, store_program(&s, quick));
	EXPECT_TIMED_OUT(slow, handle);
	EXPECT_EQ(0, store_program(&s, quick));
}

/* Without a limit nothing is stopped, but what hangs beside it is. */
TEST_F(timeout, none)
{
	uint32_t handle[2], queue[2];
	struct drm_dsa_queue_state st;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	ASSERT_EQ(0, queue_with_limit(&s, 0, &queue[0]));
	ASSERT_EQ(0, queue_with_limit(&s, 300, &queue[1]));
	c = endless_wait(&s);
	for (unsigned int i = 0; i < 2; i++)
		ASSERT_EQ(0, start(&s, queue[i], &c, &handle[i]));
	EXPECT_TIMED_OUT(queue[1], handle[1]);
	EXPECT_FALSE(syncobj_is_signalled(self->fd, handle[0], 0));
	ASSERT_EQ(0, queue_state(self->fd, queue[0], &st));
	EXPECT_EQ(0, st.flags);
}

/* Nobody has to wait for the time-out to get rid of a runaway. */
TEST_F(timeout, destroy_does_not_wait_for_it)
{
	uint32_t handle, queue;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int round = 0; round < 10; round++) {
		ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue));
		c = round % 2 ? endless_wait(&s) : endless_program(&s, 40);
		ASSERT_EQ(0, start(&s, queue, &c, &handle));
		/* Copies need no core. */
		EXPECT_EQ(0, rig_proof(&s.rig, s.rig.queue));
		ASSERT_EQ(0, queue_destroy(self->fd, queue));
		EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
		EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle));
	}
	EXPECT_EQ(0, store_program(&s, s.rig.queue));
}

TEST_HARNESS_MAIN
