// SPDX-License-Identifier: MIT
/* Mappings without memory: reads give zeroes, writes are dropped. */
#include "accel_fixture.h"

ACCEL_FIXTURE(sparse)

#define VA         0x10000000000ull
#define SEEN_VA    0x7e0000000000ull
#define SEEN_BYTES (4 * MIB)
#define GIB        (1024 * MIB)

static int vm_null(int fd, uint32_t vm, uint64_t va, uint64_t range, uint32_t flags)
{
	const struct drm_dsa_bind_op op = {
		.op = DRM_DSA_BIND_MAP_NULL,
		.flags = flags,
		.va = va,
		.range = range,
	};
	struct drm_dsa_vm_bind args = {
		.vm_id = vm,
		.op_count = 1,
		.op_stride = sizeof(op),
		.ops = (uintptr_t)&op,
	};

	return accel_ioctl(fd, DRM_IOCTL_DSA_VM_BIND, &args);
}

static int look(struct rig *rig, struct buf *seen, uint64_t va, uint64_t bytes)
{
	struct cmds c = rig_cmds(rig, 0);

	memset(seen->ptr, 0xa5, bytes);
	cmd_copy(&c, SEEN_VA, va, bytes);
	return rig_run(rig, &c);
}

static uint32_t probe(struct rig *rig, uint64_t va, bool write)
{
	struct cmds c = rig_cmds(rig, 1);
	struct drm_dsa_queue_state state = { 0 };
	uint32_t queue;
	int ret;

	if (queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COPY, &queue))
		return UINT32_MAX;
	cmd_copy(&c, write ? va : SEEN_VA, write ? SEEN_VA : va, 1);
	ret = rig_run_on(rig, queue, &c);
	if (queue_state(rig->fd, queue, &state))
		state.error_code = UINT32_MAX;
	queue_destroy(rig->fd, queue);
	return ret ? state.error_code : DSA_ERR_NONE;
}

static int rig_with_window(struct rig *rig, int fd, struct buf *seen)
{
	return rig_create(rig, fd) ?: rig_buf(rig, seen, SEEN_BYTES, DRM_DSA_BO_SYSTEM, SEEN_VA);
}

TEST_F(sparse, bad_arguments_refused)
{
	struct drm_dsa_bind_op op;
	struct drm_dsa_vm_bind args;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_EQ(-EINVAL, vm_null(self->fd, rig.vm, VA, PAGE, 0));
	for (unsigned int bit = 2; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, vm_null(self->fd, rig.vm, VA, PAGE, 1u << bit));
		EXPECT_EQ(-EINVAL, vm_null(self->fd, rig.vm, VA, PAGE, BIND_RW | 1u << bit));
	}
	EXPECT_EQ(-EINVAL, vm_null(self->fd, rig.vm, VA + 1, PAGE, BIND_RW));
	EXPECT_EQ(-EINVAL, vm_null(self->fd, rig.vm, VA, 0, BIND_RW));
	EXPECT_EQ(-EINVAL, vm_null(self->fd, rig.vm, VA_LIMIT - PAGE, 2 * PAGE, BIND_RW));
	for (unsigned int i = 0; i < 3; i++) {
		op = (struct drm_dsa_bind_op){
			.op = DRM_DSA_BIND_MAP_NULL,
			.flags = BIND_RW,
			.handle = i == 0 ? rig.cmd.handle : 0,
			.pad = i == 1,
			.bo_offset = i == 2 ? PAGE : 0,
			.va = VA,
			.range = PAGE,
		};
		args = (struct drm_dsa_vm_bind){
			.vm_id = rig.vm,
			.op_count = 1,
			.op_stride = sizeof(op),
			.ops = (uintptr_t)&op,
		};
		EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_VM_BIND, &args));
	}
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA, false));
}

/* Every size of page, a write to and a read from either end. */
TEST_F(sparse, zeroes_and_nothing)
{
	const uint64_t ranges[] = { PAGE, 3 * PAGE, 2 * MIB, 2 * MIB + PAGE, GIB, 64 * GIB };
	struct buf seen;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	for (unsigned int i = 0; i < ARRAY_LEN(ranges); i++) {
		uint64_t last = VA + ranges[i] - PAGE;
		struct cmds c = rig_cmds(&rig, 2);

		ASSERT_EQ(0, vm_null(self->fd, rig.vm, VA, ranges[i], BIND_RW));
		cmd_fill(&c, VA, PAGE, 0x5a, 1);
		cmd_fill(&c, last, PAGE, 0x5a, 1);
		cmd_signal(&c, last + 8, 77);
		cmd_add(&c, last + 16, 78);
		ASSERT_EQ(0, rig_run(&rig, &c))
		TH_LOG("range %#llx", (unsigned long long)ranges[i]);
		ASSERT_EQ(0, look(&rig, &seen, VA, PAGE));
		EXPECT_EQ(-1, buf_differs(seen.ptr, PAGE, 0));
		ASSERT_EQ(0, look(&rig, &seen, last, PAGE));
		EXPECT_EQ(-1, buf_differs(seen.ptr, PAGE, 0));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, last + PAGE, false));
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA, ranges[i]));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA, false));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, last, true));
	}
}

TEST_F(sparse, rights)
{
	struct buf seen;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, vm_null(self->fd, rig.vm, VA, PAGE, DRM_DSA_BIND_READ));
	ASSERT_EQ(0, vm_null(self->fd, rig.vm, VA + PAGE, PAGE, DRM_DSA_BIND_WRITE));
	EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA, false));
	EXPECT_EQ(DSA_ERR_MMU_PERMISSION, probe(&rig, VA, true));
	EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + PAGE, true));
	EXPECT_EQ(DSA_ERR_MMU_PERMISSION, probe(&rig, VA + PAGE, false));
}

/* A buffer in the midst of nothing, nothing in the midst of a buffer, and both taken away in part. */
TEST_F(sparse, among_buffers)
{
	struct buf seen, a;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, buf_create(self->fd, &a, 4 * MIB, 0));
	buf_pattern(a.ptr, a.size, 4);

	ASSERT_EQ(0, vm_null(self->fd, rig.vm, VA, 4 * GIB, BIND_RW));
	ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, PAGE, VA + GIB + PAGE, PAGE, BIND_RW));
	ASSERT_EQ(0, look(&rig, &seen, VA + GIB, 3 * PAGE));
	EXPECT_EQ(-1, buf_differs(seen.ptr, PAGE, 0));
	EXPECT_EQ(0, memcmp(seen.ptr + PAGE, a.ptr + PAGE, PAGE));
	EXPECT_EQ(-1, buf_differs(seen.ptr + 2 * PAGE, PAGE, 0));
	ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA + GIB + PAGE, PAGE));
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA + GIB + PAGE, false));
	EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + GIB, false));
	EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + 4 * GIB - 1, true));

	ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, a.size, BIND_RW));
	ASSERT_EQ(0, vm_null(self->fd, rig.vm, VA + MIB, MIB, BIND_RW));
	ASSERT_EQ(0, look(&rig, &seen, VA, 4 * MIB));
	EXPECT_EQ(0, memcmp(seen.ptr, a.ptr, MIB));
	EXPECT_EQ(-1, buf_differs(seen.ptr + MIB, MIB, 0));
	EXPECT_EQ(0, memcmp(seen.ptr + 2 * MIB, a.ptr + 2 * MIB, 2 * MIB));
	/* A write to it is a write to nothing, not to the buffer below. */
	EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + MIB, true));
	EXPECT_EQ(-1, buf_pattern_differs(a.ptr, a.size, 4));
	ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, 0, VA_LIMIT / 2));
}

/* A core reads, writes and cannot fetch. */
TEST_F(sparse, cores)
{
	struct drm_dsa_queue_state state;
	struct rv_store_args *args;
	struct buf code, seen;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, rig_buf(&rig, &code, 2 * PAGE, 0, 2 * VA));
	rv_program_store(code.ptr);
	args = (struct rv_store_args *)(code.ptr + PAGE);
	*args = (struct rv_store_args){ .dst = VA, .value = 5 };
	ASSERT_EQ(0, vm_null(self->fd, rig.vm, VA, PAGE, BIND_RW));
	c = rig_cmds(&rig, 0);
	cmd_launch(&c, 2 * VA, 2 * VA + PAGE, 4, 0, 1);
	ASSERT_EQ(0, rig_run(&rig, &c));
	ASSERT_EQ(0, look(&rig, &seen, VA, PAGE));
	EXPECT_EQ(-1, buf_differs(seen.ptr, PAGE, 0));
	c = rig_cmds(&rig, 1);
	cmd_launch(&c, VA, 2 * VA + PAGE, 1, 0, 1);
	EXPECT_EQ(-ECANCELED, rig_run(&rig, &c));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_EQ(DSA_ERR_MMU_PERMISSION, state.error_code);
	EXPECT_EQ(DSA_ACCESS_FETCH, state.access);
}

TEST_HARNESS_MAIN
