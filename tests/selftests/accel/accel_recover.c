// SPDX-License-Identifier: MIT
/* Recovery: who is guilty is banned, who is not goes on, with every job done once. */
#include "accel_fixture.h"

#include <poll.h>
#include <pthread.h>

#define CODE_VA   0x300000000ull
#define DATA_VA   0x400000000ull
#define LIMIT_MS  500
#define NEIGHBORS 4

ACCEL_FIXTURE(recover)

/* A queue whose jobs may stand still for LIMIT_MS. */
static int short_queue(struct rig *rig, uint32_t *queue)
{
	char before[32], limit[16];
	int ret = param_read("job_timeout_ms", before, sizeof(before));

	snprintf(limit, sizeof(limit), "%d", LIMIT_MS);
	ret = ret ?: param_write("job_timeout_ms", limit);
	ret = ret ?: queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COMPUTE, queue);
	return param_write("job_timeout_ms", before) ?: ret;
}

static int start(struct rig *rig, uint32_t queue, const struct cmds *c, uint32_t *handle)
{
	struct drm_dsa_sync out;
	int ret = syncobj_create(rig->fd, handle);

	out = sync_out(*handle, 0);
	return ret ?: submit(rig->fd, queue, c->va, c->len, &out, 1, NULL);
}

/* Jobs on queues of their own, each of which adds one to the queue's counter. */
struct neighbor {
	struct rig rig;
	uint32_t syncobj;
	struct cmds one;
	volatile uint64_t *count;
	uint64_t submitted;
	struct buf data;
};

static int neighbor_create(struct neighbor *n, int fd)
{
	int ret = rig_create(&n->rig, fd);

	ret = ret ?: rig_buf(&n->rig, &n->data, MIB, 0, DATA_VA);
	if (ret)
		return ret;
	n->count = (volatile uint64_t *)(n->rig.cmd.ptr + RIG_SLOT);
	*n->count = 0;
	n->one = rig_cmds(&n->rig, 0);
	cmd_fill(&n->one, DATA_VA, MIB, 1, 1);
	cmd_add(&n->one, RIG_CMD_VA + RIG_SLOT, 1);
	n->submitted = 0;
	return syncobj_create(fd, &n->syncobj);
}

static int neighbor_submit(struct neighbor *n, unsigned int jobs)
{
	struct drm_dsa_sync out = sync_out(n->syncobj, 0);
	int ret = 0;

	for (unsigned int i = 0; i < jobs && !ret; i++) {
		ret = submit(n->rig.fd, n->rig.queue, n->one.va, n->one.len, &out, 1, NULL);
		n->submitted += !ret;
	}
	return ret;
}

/* All jobs of the neighbor are done, each once, and it lives. */
#define EXPECT_INTACT(n)                                                      \
	do {                                                                  \
		struct drm_dsa_queue_state st_;                               \
                                                                              \
		EXPECT_EQ(0, syncobj_wait((n)->rig.fd, (n)->syncobj, 0));     \
		EXPECT_EQ(0, syncobj_status((n)->rig.fd, (n)->syncobj));      \
		ASSERT_EQ(0, queue_state((n)->rig.fd, (n)->rig.queue, &st_)); \
		EXPECT_EQ(0, st_.flags);                                      \
		EXPECT_EQ((n)->submitted, st_.jobs_completed);                \
		EXPECT_EQ((n)->submitted, *(n)->count);                       \
		EXPECT_EQ(-1, buf_differs((n)->data.ptr, (n)->data.size, 1)); \
		EXPECT_EQ(0, rig_proof(&(n)->rig, (n)->rig.queue));           \
		(n)->submitted++; /* the proof */                             \
		++*(n)->count;                                                \
	} while (0)

/* ---- device resets ---- */

/* Rings full of jobs: what was begun is completed, the rest done after the reset, nothing twice. */
TEST_F(recover, device_reset_loses_no_queued_job)
{
	struct neighbor n[NEIGHBORS];
	int ret;

	for (unsigned int i = 0; i < NEIGHBORS; i++)
		ASSERT_EQ(0, neighbor_create(&n[i], self->fd));
	for (unsigned int round = 0; round < 10; round++) {
		for (unsigned int i = 0; i < NEIGHBORS; i++)
			ASSERT_EQ(0, neighbor_submit(&n[i], 400));
		ret = device_reset();
		if (ret == -ENOENT)
			SKIP(return, "debugfs is not mounted");
		ASSERT_EQ(0, ret);
		for (unsigned int i = 0; i < NEIGHBORS; i++)
			EXPECT_INTACT(&n[i]);
	}
}

struct submitter {
	struct neighbor n;
	pthread_t thread;
	volatile bool stop;
	int ret;
};

static void *submit_all_the_time(void *arg)
{
	struct submitter *s = arg;

	while (!s->ret && !s->stop) {
		s->ret = neighbor_submit(&s->n, 16);
		s->ret = s->ret ?: syncobj_wait(s->n.rig.fd, s->n.syncobj, 0);
	}
	return NULL;
}

/* Submits go on meanwhile. */
TEST_F(recover, device_resets_under_load)
{
	struct submitter s[NEIGHBORS] = { 0 };
	int ret = 0;

	for (unsigned int i = 0; i < NEIGHBORS; i++) {
		ASSERT_EQ(0, neighbor_create(&s[i].n, self->fd));
		ASSERT_EQ(0, pthread_create(&s[i].thread, NULL, submit_all_the_time, &s[i]));
	}
	for (unsigned int i = 0; i < 50 && !ret; i++)
		ret = device_reset();
	for (unsigned int i = 0; i < NEIGHBORS; i++) {
		s[i].stop = true;
		pthread_join(s[i].thread, NULL);
		EXPECT_EQ(0, s[i].ret);
		EXPECT_INTACT(&s[i].n);
	}
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	EXPECT_EQ(0, ret);
}

struct binder {
	struct rig *rig;
	uint32_t bo;
	volatile bool stop;
	unsigned int rounds;
	int ret;
};

static void *bind_all_the_time(void *arg)
{
	struct binder *b = arg;

	while (!b->ret && !b->stop) {
		b->ret = vm_map(b->rig->fd, b->rig->vm, b->bo, 0, CODE_VA, MIB, BIND_RW);
		b->ret = b->ret ?: vm_unmap(b->rig->fd, b->rig->vm, CODE_VA, MIB);
		b->rounds++;
	}
	return NULL;
}

TEST_F(recover, device_resets_during_binds)
{
	struct binder b = { 0 };
	struct neighbor n;
	pthread_t thread;
	struct cmds c;
	int ret = 0;

	ASSERT_EQ(0, neighbor_create(&n, self->fd));
	b.rig = &n.rig;
	ASSERT_EQ(0, bo_create(self->fd, MIB, 0, &b.bo));
	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_all_the_time, &b));
	for (unsigned int i = 0; i < 50 && !ret; i++)
		ret = device_reset();
	b.stop = true;
	pthread_join(thread, NULL);
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, b.ret);
	EXPECT_LT(0, b.rounds);
	/* What was mapped last is not any more, also for the device. */
	ASSERT_EQ(0, neighbor_submit(&n, 1));
	EXPECT_INTACT(&n);
	c = rig_cmds(&n.rig, 2);
	cmd_fill(&c, CODE_VA, 8, 0, 8);
	EXPECT_EQ(-ECANCELED, rig_run(&n.rig, &c));
}

/* Queues that do nothing do not notice. */
TEST_F(recover, device_reset_keeps_idle_queues)
{
	struct neighbor n;
	int ret;

	ASSERT_EQ(0, neighbor_create(&n, self->fd));
	ASSERT_EQ(0, neighbor_submit(&n, 1));
	EXPECT_INTACT(&n);
	ret = device_reset();
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, neighbor_submit(&n, 300));
	EXPECT_INTACT(&n);
}

/* One that cannot complete is lost, those beside it are not. */
TEST_F(recover, device_reset_loses_the_half_done_only)
{
	struct drm_dsa_queue_state st;
	struct neighbor n;
	uint32_t handle;
	struct rig rig;
	struct cmds c;
	int ret;

	ASSERT_EQ(0, neighbor_create(&n, self->fd));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	c = rig_endless(&rig, 0);
	ASSERT_EQ(0, start(&rig, rig.queue, &c, &handle));
	ASSERT_EQ(0, neighbor_submit(&n, 400));
	ASSERT_EQ(0, rig_begun(&rig, 0));
	ret = device_reset();
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, st.flags);
	EXPECT_INTACT(&n);
}

/* ---- queues ---- */

/* The guilty one is banned with its record; the others, of the same address space too, do all they have. */
TEST_F(recover, hang_beside_neighbors)
{
	struct neighbor n[NEIGHBORS];
	struct drm_dsa_queue_state st;
	uint32_t queue, handle;
	struct buf code;
	struct cmds c;

	for (unsigned int i = 0; i < NEIGHBORS; i++)
		ASSERT_EQ(0, neighbor_create(&n[i], self->fd));
	ASSERT_EQ(0, rig_buf(&n[0].rig, &code, PAGE, 0, CODE_VA));
	*(volatile uint32_t *)code.ptr = RV_LOOP_FOREVER;
	ASSERT_EQ(0, short_queue(&n[0].rig, &queue));
	c = rig_cmds(&n[0].rig, 2);
	cmd_launch(&c, CODE_VA, 0, 2, 0, 77);
	ASSERT_EQ(0, start(&n[0].rig, queue, &c, &handle));
	do {
		for (unsigned int i = 0; i < NEIGHBORS; i++) {
			ASSERT_EQ(0, neighbor_submit(&n[i], 16));
			EXPECT_INTACT(&n[i]);
		}
	} while (!syncobj_is_signalled(self->fd, handle, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle));
	ASSERT_EQ(0, queue_state(self->fd, queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_TIMEDOUT, st.flags);
	EXPECT_EQ(DSA_ERR_KILLED, st.error_code);
	EXPECT_EQ(1, st.job_id);
	EXPECT_EQ(77, st.launch_id);
	EXPECT_EQ(-ECANCELED, submit(self->fd, queue, 0, 0, NULL, 0, NULL));
}

/* Released about when the limit is over: either way there is one end, and the queue agrees with it. */
TEST_F(recover, completion_races_the_limit)
{
	unsigned int done = 0, late = 0;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < 12; i++) {
		volatile uint64_t *gate = (volatile uint64_t *)(rig.cmd.ptr + RIG_SLOT);
		const unsigned int ms = LIMIT_MS + i * 50;
		const struct timespec pause = {
			.tv_sec = ms / 1000,
			.tv_nsec = ms % 1000 * 1000000,
		};
		struct drm_dsa_queue_state st;
		uint32_t queue, handle;
		struct cmds c;
		int status;

		*gate = 0;
		c = rig_cmds(&rig, 0);
		cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
		ASSERT_EQ(0, short_queue(&rig, &queue));
		ASSERT_EQ(0, start(&rig, queue, &c, &handle));
		/* Time itself is what is tested here. */
		nanosleep(&pause, NULL);
		*gate = 1;
		ASSERT_EQ(0, syncobj_wait(self->fd, handle, 0));
		status = syncobj_status(self->fd, handle);
		EXPECT_TRUE(!status || status == -ECANCELED) TH_LOG("%d", status);
		ASSERT_EQ(0, queue_state(self->fd, queue, &st));
		EXPECT_EQ(!status, st.jobs_completed);
		if (status)
			EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_TIMEDOUT, st.flags);
		done += !status;
		late += !!status;
		EXPECT_EQ(0, rig_proof(&rig, rig.queue));
		ASSERT_EQ(0, queue_destroy(self->fd, queue));
		ASSERT_EQ(0, syncobj_destroy(self->fd, handle));
	}
	/* The first comes in time; the last, after twice the limit, does not. */
	EXPECT_LT(0, done);
	EXPECT_LT(0, late);
}

/* ---- jobs that waited for one that failed ---- */

/* Through a chain of queues and a timeline: none runs, all are told. What does not wait is not concerned. */
TEST_F(recover, failure_goes_along_dependencies)
{
	uint32_t queue[3], binary, timeline, last;
	struct drm_dsa_queue_state st;
	struct drm_dsa_sync sync[2];
	volatile uint64_t *gate, *late;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &binary));
	ASSERT_EQ(0, syncobj_create(self->fd, &timeline));
	ASSERT_EQ(0, syncobj_create(self->fd, &last));
	gate = (volatile uint64_t *)(rig.cmd.ptr + 8 * RIG_SLOT);
	late = gate + 1;
	for (unsigned int i = 0; i < 3; i++)
		ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &queue[i]));

	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
	sync[0] = sync_out(binary, 0);
	ASSERT_EQ(0, submit(self->fd, queue[0], c.va, c.len, sync, 1, NULL));
	c = rig_cmds(&rig, 1);
	cmd_add(&c, RIG_CMD_VA + 8 * RIG_SLOT + 8, 1);
	sync[0] = sync_in(binary, 0);
	sync[1] = sync_out(timeline, 5);
	ASSERT_EQ(0, submit(self->fd, queue[1], c.va, c.len, sync, 2, NULL));
	sync[0] = sync_in(timeline, 5);
	sync[1] = sync_out(last, 0);
	ASSERT_EQ(0, submit(self->fd, queue[2], c.va, c.len, sync, 1, NULL));
	/* Behind it, and so without what it would have done. */
	ASSERT_EQ(0, submit(self->fd, queue[2], c.va, c.len, &sync[1], 1, NULL));
	*gate = 1;

	EXPECT_EQ(0, syncobj_wait(self->fd, last, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, last));
	EXPECT_EQ(0, *late);
	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_EQ(0, queue_state(self->fd, queue[i], &st));
		EXPECT_EQ(DRM_DSA_QUEUE_DEAD | (i ? DRM_DSA_QUEUE_DEPENDENCY : DRM_DSA_QUEUE_FAULT),
			  st.flags);
		EXPECT_EQ(i ? DSA_ERR_NONE : DSA_ERR_MMU_UNMAPPED, st.error_code);
		EXPECT_EQ(1, st.job_id);
		EXPECT_EQ(0, st.jobs_completed);
		EXPECT_EQ(-ECANCELED, submit(self->fd, queue[i], 0, 0, NULL, 0, NULL));
	}
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

/* Jobs before the one that may not run are done, and their fences come in order. */
TEST_F(recover, failed_dependency_spares_what_came_before)
{
	struct drm_dsa_queue_state st;
	struct drm_dsa_sync sync[2];
	uint32_t queue, failing, failed, before, after;
	volatile uint64_t *gate;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &failed));
	ASSERT_EQ(0, syncobj_create(self->fd, &after));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &failing));
	gate = (volatile uint64_t *)(rig.cmd.ptr + 8 * RIG_SLOT);

	c = rig_cmds(&rig, 0);
	cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
	sync[0] = sync_out(failed, 0);
	ASSERT_EQ(0, submit(self->fd, failing, c.va, c.len, sync, 1, NULL));
	c = rig_cmds(&rig, 1);
	cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	cmd_add(&c, RIG_CMD_VA + 8 * RIG_SLOT + 8, 1);
	ASSERT_EQ(0, start(&rig, queue, &c, &before));
	ASSERT_EQ(0, syncobj_wait(self->fd, failed, 0));
	sync[0] = sync_in(failed, 0);
	sync[1] = sync_out(after, 0);
	ASSERT_EQ(0, submit(self->fd, queue, c.va, c.len, sync, 2, NULL));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, after, 0));
	*gate = 1;
	EXPECT_EQ(0, syncobj_wait(self->fd, after, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, after));
	EXPECT_TRUE(syncobj_is_signalled(self->fd, before, 0));
	EXPECT_EQ(0, syncobj_status(self->fd, before));
	EXPECT_EQ(1, gate[1]);
	ASSERT_EQ(0, queue_state(self->fd, queue, &st));
	EXPECT_EQ(1, st.jobs_completed);
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_DEPENDENCY, st.flags);
}

/* Another file's failure is no reason to end a queue: it cannot be made to. */
TEST_F(recover, failures_of_others_do_not_spread)
{
	uint32_t failed, import, after;
	struct drm_syncobj_handle args = { 0 };
	struct drm_dsa_sync sync[2];
	struct rig mine, theirs;
	int other = accel_open();
	struct cmds c;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, rig_create(&mine, self->fd));
	ASSERT_EQ(0, rig_create(&theirs, other));
	c = rig_cmds(&theirs, 0);
	cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
	ASSERT_EQ(0, start(&theirs, theirs.queue, &c, &failed));
	args.handle = failed;
	ASSERT_EQ(0, accel_ioctl(other, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args));
	ASSERT_EQ(0, accel_ioctl(self->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args));
	import = args.handle;
	ASSERT_EQ(0, syncobj_wait(self->fd, import, 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, import));
	ASSERT_EQ(0, syncobj_create(self->fd, &after));
	sync[0] = sync_in(import, 0);
	sync[1] = sync_out(after, 0);
	ASSERT_EQ(0, submit(self->fd, mine.queue, 0, 0, sync, 2, NULL));
	ASSERT_EQ(0, syncobj_wait(self->fd, after, 0));
	EXPECT_EQ(0, syncobj_status(self->fd, after));
	EXPECT_EQ(0, rig_proof(&mine, mine.queue));
	close(args.fd);
	close(other);
}

/* ---- uevents ---- */

#define EXPECT_EVENT(name, value)                            \
	do {                                                 \
		const char *got_ = uevent_value(text, name); \
                                                             \
		EXPECT_NE(NULL, got_) TH_LOG("no " name);    \
		if (got_ && (value))                         \
			EXPECT_STREQ(value, got_);           \
	} while (0)

TEST_F(recover, every_reset_has_a_uevent)
{
	int sock = uevent_open();
	struct drm_dsa_sync out;
	char text[4096];
	uint32_t queue;
	struct rig rig;
	struct cmds c;
	int ret;

	if (sock < 0)
		SKIP(return, "no uevents: %s", strerror(-sock));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	c = rig_cmds(&rig, 0);
	cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
	EXPECT_EQ(-ECANCELED, rig_run_on(&rig, queue, &c));
	ASSERT_EQ(0, uevent_reset(sock, text, sizeof(text)));
	EXPECT_EVENT("ACTION", "change");
	EXPECT_EVENT("SUBSYSTEM", "accel");
	EXPECT_EVENT("DSA_RESET", "queue");
	EXPECT_EVENT("DSA_REASON", "fault");
	EXPECT_EVENT("DSA_QUEUE", (char *)NULL);
	EXPECT_EVENT("DSA_CLIENT", (char *)NULL);

	ASSERT_EQ(0, short_queue(&rig, &queue));
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	out = (struct drm_dsa_sync){ 0 };
	ASSERT_EQ(0, submit(self->fd, queue, c.va, c.len, &out, 0, NULL));
	ASSERT_EQ(0, uevent_reset(sock, text, sizeof(text)));
	EXPECT_EVENT("DSA_RESET", "queue");
	EXPECT_EVENT("DSA_REASON", "timeout");

	ret = device_reset();
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, uevent_reset(sock, text, sizeof(text)));
	EXPECT_EVENT("DSA_RESET", "device");
	EXPECT_EVENT("DSA_REASON", "request");
	EXPECT_EQ(NULL, uevent_value(text, "DSA_QUEUE"));
	EXPECT_EQ(NULL, uevent_value(text, "DSA_FAILED"));
	close(sock);
}

TEST_HARNESS_MAIN
