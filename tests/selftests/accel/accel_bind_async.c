// SPDX-License-Identifier: MIT
/* Asynchronous VM_BIND: what it waits for, what it signals, and in which order it takes effect. */
#include <pthread.h>

#include "accel_fixture.h"

ACCEL_FIXTURE(bind_async)

#define VA      0x40000000ull
#define SEEN_VA 0x7e0000000000ull
#define GATE_VA 0x50000000ull
#define BO_SIZE (4 * MIB)

/*
 * A context whose binds are looked at, and another whose job ends when the gate
 * is opened: what waits for @closed waits for that.
 */
struct stage {
	struct rig rig, keeper;
	struct buf seen, gate;
	uint32_t closed, out;
};

static int stage_create(struct stage *s, int fd)
{
	struct cmds c;
	struct drm_dsa_sync sync;
	int ret = rig_create(&s->rig, fd) ?: rig_create(&s->keeper, fd);

	ret = ret ?: rig_buf(&s->rig, &s->seen, BO_SIZE, DRM_DSA_BO_SYSTEM, SEEN_VA);
	ret = ret ?: rig_buf(&s->keeper, &s->gate, PAGE, DRM_DSA_BO_SYSTEM, GATE_VA);
	ret = ret ?: syncobj_create(fd, &s->closed) ?: syncobj_create(fd, &s->out);
	if (ret)
		return ret;
	c = rig_cmds(&s->keeper, 0);
	cmd_wait(&c, GATE_VA, 1);
	sync = sync_out(s->closed, 0);
	return submit(fd, s->keeper.queue, c.va, c.len, &sync, 1, NULL);
}

static void open_gate(struct stage *s)
{
	*(volatile uint64_t *)s->gate.ptr = 1;
}

static int bind_ops(struct stage *s, const struct drm_dsa_bind_op *ops, uint32_t count,
		    const struct drm_dsa_sync *syncs, uint32_t sync_count)
{
	struct drm_dsa_vm_bind args = {
		.vm_id = s->rig.vm,
		.flags = DRM_DSA_BIND_ASYNC,
		.op_count = count,
		.op_stride = sizeof(*ops),
		.ops = (uintptr_t)ops,
		.sync_count = sync_count,
		.sync_stride = sizeof(*syncs),
		.syncs = (uintptr_t)syncs,
		.done = 77,
	};
	int ret = accel_ioctl(s->rig.fd, DRM_IOCTL_DSA_VM_BIND, &args);

	return ret ?: args.done == count ? 0 : -EPROTO;
}

static struct drm_dsa_bind_op map_op(uint32_t handle, uint64_t offset, uint64_t va, uint64_t range)
{
	return (struct drm_dsa_bind_op){
		.op = DRM_DSA_BIND_MAP,
		.flags = BIND_RW,
		.handle = handle,
		.bo_offset = offset,
		.va = va,
		.range = range,
	};
}

static struct drm_dsa_bind_op unmap_op(uint64_t va, uint64_t range)
{
	return (struct drm_dsa_bind_op){ .op = DRM_DSA_BIND_UNMAP, .va = va, .range = range };
}

/* Copies what the device sees at @va to the window; after @after, when that is not zero. */
static int look(struct stage *s, uint64_t va, uint64_t bytes, uint32_t after)
{
	struct cmds c = rig_cmds(&s->rig, 0);
	struct drm_dsa_sync syncs[2];
	uint32_t done, count = 0;
	int ret = syncobj_create(s->rig.fd, &done);

	memset(s->seen.ptr, 0xa5, bytes);
	cmd_copy(&c, SEEN_VA, va, bytes);
	syncs[count++] = sync_out(done, 0);
	if (after)
		syncs[count++] = sync_in(after, 0);
	ret = ret ?: submit(s->rig.fd, s->rig.queue, c.va, c.len, syncs, count, NULL);
	ret = ret ?: syncobj_wait(s->rig.fd, done, 0);
	ret = ret ?: syncobj_status(s->rig.fd, done);
	syncobj_destroy(s->rig.fd, done);
	return ret;
}

/* The error that an access meets, on a queue of its own. */
static uint32_t probe(struct stage *s, uint64_t va)
{
	struct cmds c = rig_cmds(&s->rig, 1);
	struct drm_dsa_queue_state state = { 0 };
	uint32_t queue;
	int ret;

	if (queue_create(s->rig.fd, s->rig.vm, DRM_DSA_QUEUE_COPY, &queue))
		return UINT32_MAX;
	cmd_copy(&c, SEEN_VA, va, 1);
	ret = rig_run_on(&s->rig, queue, &c);
	if (queue_state(s->rig.fd, queue, &state))
		state.error_code = UINT32_MAX;
	queue_destroy(s->rig.fd, queue);
	return ret ? state.error_code : DSA_ERR_NONE;
}

/* ---- refusals ---- */

#define EXPECT_REFUSED(error, change)                                                 \
	do {                                                                          \
		struct drm_dsa_bind_op op = map_op(bo.handle, 0, VA, BO_SIZE);        \
		struct drm_dsa_sync sync = sync_out(s.out, 0);                        \
		struct drm_dsa_vm_bind args = {                                       \
			.vm_id = s.rig.vm,                                            \
			.flags = DRM_DSA_BIND_ASYNC,                                  \
			.op_count = 1,                                                \
			.op_stride = sizeof(op),                                      \
			.ops = (uintptr_t)&op,                                        \
			.sync_count = 1,                                              \
			.sync_stride = sizeof(sync),                                  \
			.syncs = (uintptr_t)&sync,                                    \
			.done = 77,                                                   \
		};                                                                    \
                                                                                      \
		change;                                                               \
		EXPECT_EQ(error, accel_ioctl(self->fd, DRM_IOCTL_DSA_VM_BIND, &args)) \
		TH_LOG("with " #change);                                              \
		EXPECT_EQ(0, args.done) TH_LOG("with " #change);                      \
	} while (0)

/* What is refused has no effect, neither on the address space nor on syncobjs. */
TEST_F(bind_async, bad_arguments_refused)
{
	const uint32_t strides[] = { 0, 8, 12, 15, 17, 20, 1032, 0x80000000 };
	uint32_t closed_syncobj;
	struct stage s;
	struct buf bo;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &bo, BO_SIZE, 0));
	ASSERT_EQ(0, syncobj_create(self->fd, &closed_syncobj));
	ASSERT_EQ(0, syncobj_destroy(self->fd, closed_syncobj));

	for (unsigned int bit = 1; bit < 32; bit++)
		EXPECT_REFUSED(-EINVAL, args.flags |= 1u << bit);
	EXPECT_REFUSED(-EINVAL, args.flags = 0);
	EXPECT_REFUSED(-EINVAL, args.op_count = 0);
	EXPECT_REFUSED(-EINVAL, args.op_count = 4097);
	EXPECT_REFUSED(-EINVAL, args.op_count = UINT32_MAX);
	EXPECT_REFUSED(-ENOENT, args.vm_id = 0);
	EXPECT_REFUSED(-EFAULT, args.ops = BAD_USER_PTR);
	for (unsigned int i = 0; i < ARRAY_LEN(strides); i++)
		EXPECT_REFUSED(-EINVAL, args.sync_stride = strides[i]);
	EXPECT_REFUSED(-EINVAL, args.sync_count = 4097);
	EXPECT_REFUSED(-EINVAL, (args.sync_count = 2, args.syncs = UINT64_MAX - 15));
	EXPECT_REFUSED(-EFAULT, args.syncs = BAD_USER_PTR);
	for (unsigned int bit = 1; bit < 32; bit++)
		EXPECT_REFUSED(-EINVAL, sync.flags |= 1u << bit);
	EXPECT_REFUSED(-ENOENT, sync.handle = 0);
	EXPECT_REFUSED(-ENOENT, sync.handle = closed_syncobj);
	/* Nobody has submitted what would signal it. */
	EXPECT_REFUSED(-EINVAL, sync = sync_in(s.out, 0));
	EXPECT_REFUSED(-EINVAL, sync = sync_in(s.closed, 5));
	EXPECT_REFUSED(-EINVAL, op.va += 1);
	EXPECT_REFUSED(-ENOENT, op.handle = 0x7ffffff);

	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&s, VA));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, s.out, 0));
	open_gate(&s);
}

/* All or none: what stands before a bad operation has no effect either. */
TEST_F(bind_async, failure_in_the_middle)
{
	struct drm_dsa_bind_op ops[5];
	struct drm_dsa_sync sync;
	struct stage s;
	struct buf a, b;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, rig_buf(&s.rig, &a, 5 * PAGE, 0, VA));
	ASSERT_EQ(0, buf_create(self->fd, &b, 5 * PAGE, 0));
	memset(a.ptr, 0xaa, a.size);
	memset(b.ptr, 0xbb, b.size);
	sync = sync_out(s.out, 0);
	for (unsigned int bad = 0; bad < 5; bad++) {
		for (unsigned int i = 0; i < 5; i++)
			ops[i] = map_op(b.handle, i * PAGE, VA + i * PAGE, PAGE);
		ops[bad].handle = 0x7ffffff;
		EXPECT_EQ(-ENOENT, bind_ops(&s, ops, 5, &sync, 1));
		ASSERT_EQ(0, look(&s, VA, a.size, 0));
		EXPECT_EQ(-1, buf_differs(s.seen.ptr, a.size, 0xaa));
		EXPECT_FALSE(syncobj_is_signalled(self->fd, s.out, 0));
	}
	open_gate(&s);
}

/* ---- waiting and signalling ---- */

TEST_F(bind_async, waits_and_signals)
{
	struct drm_dsa_bind_op op;
	struct drm_dsa_sync syncs[2];
	struct stage s;
	struct buf bo;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &bo, BO_SIZE, 0));
	buf_pattern(bo.ptr, bo.size, 1);
	op = map_op(bo.handle, 0, VA, BO_SIZE);
	syncs[0] = sync_in(s.closed, 0);
	syncs[1] = sync_out(s.out, 0);
	ASSERT_EQ(0, bind_ops(&s, &op, 1, syncs, 2));
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&s, VA));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, s.out, 0));
	/* The object stays, closed or not. */
	ASSERT_EQ(0, bo_close(self->fd, bo.handle));
	open_gate(&s);
	ASSERT_EQ(0, look(&s, VA, BO_SIZE, s.out));
	EXPECT_EQ(-1, buf_pattern_differs(s.seen.ptr, BO_SIZE, 1));
	EXPECT_EQ(0, syncobj_status(self->fd, s.out));
	munmap(bo.ptr, bo.size);
}

TEST_F(bind_async, timelines)
{
	struct drm_dsa_bind_op op;
	struct drm_dsa_sync syncs[3];
	uint64_t point = 0;
	struct stage s;
	struct buf bo;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &bo, 4 * PAGE, 0));
	for (unsigned int i = 0; i < 4; i++) {
		op = map_op(bo.handle, i * PAGE, VA + i * PAGE, PAGE);
		syncs[0] = sync_out(s.out, 10 * (i + 1));
		syncs[1] = i ? sync_in(s.out, 10 * i) : sync_in(s.closed, 0);
		ASSERT_EQ(0, bind_ops(&s, &op, 1, syncs, 2));
	}
	ASSERT_EQ(0, syncobj_query(self->fd, s.out, &point));
	EXPECT_EQ(0, point);
	open_gate(&s);
	ASSERT_EQ(0, syncobj_wait(self->fd, s.out, 40));
	ASSERT_EQ(0, syncobj_query(self->fd, s.out, &point));
	EXPECT_EQ(40, point);
	for (unsigned int i = 0; i < 4; i++)
		EXPECT_EQ(DSA_ERR_NONE, probe(&s, VA + i * PAGE));
}

/* One that need not wait comes after one that does. */
TEST_F(bind_async, in_order)
{
	struct drm_dsa_bind_op ops[3];
	struct drm_dsa_sync sync;
	struct stage s;
	struct buf a, b;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &a, BO_SIZE, 0));
	ASSERT_EQ(0, buf_create(self->fd, &b, BO_SIZE, DRM_DSA_BO_SYSTEM));
	buf_pattern(a.ptr, a.size, 2);
	buf_pattern(b.ptr, b.size, 3);
	ops[0] = map_op(a.handle, 0, VA, BO_SIZE);
	sync = sync_in(s.closed, 0);
	ASSERT_EQ(0, bind_ops(&s, ops, 1, &sync, 1));
	/* Inside what is not mapped yet: large pages will have to be split. */
	ops[0] = map_op(b.handle, PAGE, VA + PAGE, PAGE);
	ops[1] = unmap_op(VA + 2 * MIB + PAGE, PAGE);
	ops[2] = map_op(b.handle, 3 * MIB, VA + 3 * MIB, MIB);
	sync = sync_out(s.out, 0);
	ASSERT_EQ(0, bind_ops(&s, ops, 3, &sync, 1));
	EXPECT_FALSE(syncobj_is_signalled(self->fd, s.out, 0));
	open_gate(&s);
	ASSERT_EQ(0, syncobj_wait(self->fd, s.out, 0));

	ASSERT_EQ(0, look(&s, VA, 2 * MIB + PAGE, 0));
	EXPECT_EQ(0, memcmp(s.seen.ptr, a.ptr, PAGE));
	EXPECT_EQ(0, memcmp(s.seen.ptr + PAGE, b.ptr + PAGE, PAGE));
	EXPECT_EQ(0, memcmp(s.seen.ptr + 2 * PAGE, a.ptr + 2 * PAGE, 2 * MIB - PAGE));
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&s, VA + 2 * MIB + PAGE));
	ASSERT_EQ(0, look(&s, VA + 2 * MIB + 2 * PAGE, 2 * MIB - 2 * PAGE, 0));
	EXPECT_EQ(0, memcmp(s.seen.ptr, a.ptr + 2 * MIB + 2 * PAGE, MIB - 2 * PAGE));
	EXPECT_EQ(0, memcmp(s.seen.ptr + MIB - 2 * PAGE, b.ptr + 3 * MIB, MIB));
	/* And all of it comes off again. */
	ops[0] = unmap_op(0, VA + 4 * MIB);
	ASSERT_EQ(0, syncobj_reset(self->fd, s.out));
	ASSERT_EQ(0, bind_ops(&s, ops, 1, &sync, 1));
	ASSERT_EQ(0, syncobj_wait(self->fd, s.out, 0));
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&s, VA));
}

struct sync_bind {
	struct stage *s;
	uint32_t handle;
	int ret;
};

static void *sync_bind(void *arg)
{
	struct sync_bind *b = arg;

	b->ret = vm_map(b->s->rig.fd, b->s->rig.vm, b->handle, 0, VA, 4 * PAGE, BIND_RW);
	return NULL;
}

/* A synchronous one returns when those before it are through, and itself. */
TEST_F(bind_async, synchronous_after_asynchronous)
{
	struct drm_dsa_bind_op op;
	struct drm_dsa_sync syncs[2];
	struct sync_bind b;
	pthread_t thread;
	struct stage s;
	struct buf first, second;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &first, 8 * PAGE, 0));
	ASSERT_EQ(0, buf_create(self->fd, &second, 8 * PAGE, 0));
	memset(first.ptr, 1, first.size);
	memset(second.ptr, 2, second.size);
	op = map_op(first.handle, 0, VA, 8 * PAGE);
	syncs[0] = sync_in(s.closed, 0);
	syncs[1] = sync_out(s.out, 0);
	ASSERT_EQ(0, bind_ops(&s, &op, 1, syncs, 2));
	b = (struct sync_bind){ .s = &s, .handle = second.handle, .ret = -EBUSY };
	ASSERT_EQ(0, pthread_create(&thread, NULL, sync_bind, &b));
	open_gate(&s);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, b.ret);
	EXPECT_TRUE(syncobj_is_signalled(self->fd, s.out, 0));
	ASSERT_EQ(0, look(&s, VA, 8 * PAGE, 0));
	EXPECT_EQ(-1, buf_differs(s.seen.ptr, 4 * PAGE, 2));
	EXPECT_EQ(-1, buf_differs(s.seen.ptr + 4 * PAGE, 4 * PAGE, 1));
}

/* Many pending ones, each over what the one before it does, and as many operations as there can be. */
TEST_F(bind_async, many)
{
	enum { BINDS = 300, OPS = 4096 };
	struct drm_dsa_bind_op *ops = calloc(OPS, sizeof(*ops));
	struct drm_dsa_sync syncs[2];
	struct stage s;
	struct buf bo;

	ASSERT_NE(NULL, ops);
	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &bo, BO_SIZE, 0));
	buf_pattern(bo.ptr, bo.size, 7);
	syncs[0] = sync_in(s.closed, 0);
	syncs[1] = sync_out(s.out, 0);
	for (unsigned int i = 0; i < BINDS; i++) {
		ops[0] = i % 3 == 2 ? unmap_op(VA + PAGE * i, PAGE) :
				      map_op(bo.handle, PAGE * i, VA + PAGE * i, PAGE);
		ASSERT_EQ(0, bind_ops(&s, ops, 1, syncs, i ? 0 : 1));
	}
	for (unsigned int i = 0; i < OPS; i++)
		ops[i] = map_op(bo.handle, PAGE * (i % 1024), VA + PAGE * i, PAGE);
	ASSERT_EQ(0, bind_ops(&s, ops, OPS, syncs + 1, 1));
	open_gate(&s);
	ASSERT_EQ(0, syncobj_wait(self->fd, s.out, 0));
	for (unsigned int i = 0; i < 4; i++) {
		ASSERT_EQ(0, look(&s, VA + i * BO_SIZE, BO_SIZE, 0));
		EXPECT_EQ(-1, buf_pattern_differs(s.seen.ptr, BO_SIZE, 7));
	}
	free(ops);
}

/* ---- the end ---- */

TEST_F(bind_async, destroyed_while_pending)
{
	struct drm_dsa_bind_op op;
	struct drm_dsa_sync syncs[2];
	struct stage s;
	struct buf bo;
	int file;

	ASSERT_EQ(0, stage_create(&s, self->fd));
	ASSERT_EQ(0, buf_create(self->fd, &bo, BO_SIZE, 0));
	op = map_op(bo.handle, 0, VA, BO_SIZE);
	syncs[0] = sync_in(s.closed, 0);
	syncs[1] = sync_out(s.out, 0);
	for (unsigned int i = 0; i < 3; i++)
		ASSERT_EQ(0, bind_ops(&s, &op, 1, syncs, 2));
	file = syncobj_export(self->fd, s.out);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, vm_destroy(self->fd, s.rig.vm));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, s.out));
	EXPECT_EQ(-ECANCELED, sync_file_status(file));
	EXPECT_EQ(-ENOENT, bind_ops(&s, &op, 1, NULL, 0));
	open_gate(&s);
	close(file);
}

/* The file is closed: what is pending is over, and its fences may live on. */
TEST_F(bind_async, closed_while_pending)
{
	struct drm_dsa_bind_op op;
	struct drm_dsa_sync syncs[2];
	struct stage s;
	struct buf bo;
	int fd = accel_open(), file, status;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, stage_create(&s, fd));
	ASSERT_EQ(0, bo_create(fd, BO_SIZE, 0, &bo.handle));
	op = map_op(bo.handle, 0, VA, BO_SIZE);
	syncs[0] = sync_in(s.closed, 0);
	syncs[1] = sync_out(s.out, 0);
	ASSERT_EQ(0, bind_ops(&s, &op, 1, syncs, 2));
	file = syncobj_export(fd, s.out);
	ASSERT_LE(0, file);
	munmap(s.rig.cmd.ptr, s.rig.cmd.size);
	munmap(s.keeper.cmd.ptr, s.keeper.cmd.size);
	munmap(s.seen.ptr, s.seen.size);
	munmap(s.gate.ptr, s.gate.size);
	close(fd);
	/* The keeper ends, too: which of the two came first is not said. */
	status = sync_file_status(file);
	EXPECT_TRUE(status == 0 || status == -ECANCELED) TH_LOG("%d", status);
	close(file);
}

TEST_HARNESS_MAIN
