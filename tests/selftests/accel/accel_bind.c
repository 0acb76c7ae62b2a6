// SPDX-License-Identifier: MIT
/* VM_BIND: what it refuses, and what it does, seen through the device's eyes. */
#include "accel_fixture.h"

ACCEL_FIXTURE(bind)

/* Where the device copies to what it sees. */
#define SEEN_VA    0x7e0000000000ull
#define SEEN_BYTES (4 * MIB)
#define VA         0x40000000ull

static const uint32_t placements[] = { 0, DRM_DSA_BO_SYSTEM };

static int rig_with_window(struct rig *rig, int fd, struct buf *seen)
{
	return rig_create(rig, fd) ?: rig_buf(rig, seen, SEEN_BYTES, DRM_DSA_BO_SYSTEM, SEEN_VA);
}

/* Copies what the device sees at @va to the window. */
static int look(struct rig *rig, const struct buf *seen, uint64_t va, uint64_t bytes)
{
	struct cmds c = rig_cmds(rig, 0);

	memset(seen->ptr, 0xa5, bytes);
	cmd_copy(&c, SEEN_VA, va, bytes);
	return rig_run(rig, &c);
}

/* The error code that a one-byte access meets, on a queue of its own. */
static uint32_t probe(struct rig *rig, uint64_t va, bool write)
{
	struct cmds c = rig_cmds(rig, 1);
	struct drm_dsa_queue_state state = { 0 };
	uint32_t queue;
	int ret;

	if (queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COPY, &queue))
		return UINT32_MAX;
	if (write)
		cmd_copy(&c, va, SEEN_VA, 1);
	else
		cmd_copy(&c, SEEN_VA, va, 1);
	ret = rig_run_on(rig, queue, &c);
	if (queue_state(rig->fd, queue, &state) || (ret && state.addr != va))
		state.error_code = UINT32_MAX;
	queue_destroy(rig->fd, queue);
	return ret ? state.error_code : DSA_ERR_NONE;
}

static int bind(int fd, struct drm_dsa_vm_bind *args)
{
	return accel_ioctl(fd, DRM_IOCTL_DSA_VM_BIND, args);
}

/* ---- refusals ---- */

struct good {
	uint32_t vm, bo;
	struct drm_dsa_bind_op op;
	struct drm_dsa_vm_bind args;
};

#define BO_SIZE (16 * PAGE)

/* A bind that works as it stands; tests spoil one thing at a time. */
static int good_bind(int fd, struct good *g)
{
	int ret = vm_create(fd, &g->vm) ?: bo_create(fd, BO_SIZE, 0, &g->bo);

	g->op = (struct drm_dsa_bind_op){
		.op = DRM_DSA_BIND_MAP,
		.flags = BIND_RW,
		.handle = g->bo,
		.va = VA,
		.range = BO_SIZE,
	};
	g->args = (struct drm_dsa_vm_bind){
		.vm_id = g->vm,
		.op_count = 1,
		.op_stride = sizeof(g->op),
		.ops = (uintptr_t)&g->op,
	};
	return ret;
}

#define EXPECT_OP(error, change)                                                 \
	do {                                                                     \
		struct drm_dsa_bind_op op = g.op;                                \
		struct drm_dsa_vm_bind args = g.args;                            \
                                                                                 \
		change;                                                          \
		args.ops = (uintptr_t)&op;                                       \
		args.done = 77;                                                  \
		EXPECT_EQ(error, bind(self->fd, &args)) TH_LOG("with " #change); \
		EXPECT_EQ((error) ? 0 : 1, args.done) TH_LOG("with " #change);   \
	} while (0)

#define EXPECT_ARGS(error, change)                                               \
	do {                                                                     \
		struct drm_dsa_vm_bind args = g.args;                            \
                                                                                 \
		change;                                                          \
		EXPECT_EQ(error, bind(self->fd, &args)) TH_LOG("with " #change); \
	} while (0)

TEST_F(bind, bad_arguments_refused)
{
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	EXPECT_ARGS(-ENOENT, args.vm_id = 0);
	EXPECT_ARGS(-ENOENT, args.vm_id = g.vm + 1);
	EXPECT_ARGS(-ENOENT, args.vm_id = UINT32_MAX);
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (1u << bit != DRM_DSA_BIND_ASYNC)
			EXPECT_ARGS(-EINVAL, args.flags = 1u << bit);
		EXPECT_ARGS(-EINVAL, args.pad = 1u << bit);
	}
	EXPECT_ARGS(-EINVAL, args.op_count = 0);
	EXPECT_ARGS(-EINVAL, (args.sync_count = 1, args.sync_stride = 16));
	EXPECT_ARGS(0, args.done = 0xdeadbeef);
}

TEST_F(bind, bad_strides_refused)
{
	const uint32_t bad[] = {
		0,
		1,
		4,
		8,
		32,
		sizeof(struct drm_dsa_bind_op) - 8,
		sizeof(struct drm_dsa_bind_op) - 1,
		sizeof(struct drm_dsa_bind_op) + 1,
		sizeof(struct drm_dsa_bind_op) + 4,
		1032,
		4096,
		0x7fffffff,
		0x80000000,
		0xfffffff8,
		0xffffffff,
	};
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_ARGS(-EINVAL, args.op_stride = bad[i]);
		EXPECT_ARGS(-EINVAL, (args.op_stride = bad[i], args.op_count = UINT32_MAX));
	}
}

/* Elements of a newer program: fine as long as what this kernel does not know is zero. */
TEST_F(bind, longer_elements)
{
	struct {
		struct drm_dsa_bind_op op;
		uint64_t more[3];
	} ops[2] = { 0 };
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	ops[0].op = g.op;
	ops[1].op = g.op;
	ops[1].op.va += BO_SIZE;
	g.args.ops = (uintptr_t)ops;
	g.args.op_stride = sizeof(ops[0]);
	g.args.op_count = 2;
	EXPECT_EQ(0, bind(self->fd, &g.args));
	EXPECT_EQ(2, g.args.done);
	ops[1].more[2] = 1ull << 63;
	EXPECT_EQ(-EINVAL, bind(self->fd, &g.args));
	EXPECT_EQ(1, g.args.done);
}

TEST_F(bind, bad_operations_refused)
{
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	EXPECT_OP(-EINVAL, op.op = 2);
	EXPECT_OP(-EINVAL, op.op = UINT32_MAX);
	EXPECT_OP(-EINVAL, op.flags = 0);
	for (unsigned int bit = 3; bit < 32; bit++) {
		EXPECT_OP(-EINVAL, op.flags = 1u << bit);
		EXPECT_OP(-EINVAL, op.flags |= 1u << bit);
	}
	for (unsigned int bit = 0; bit < 32; bit++)
		EXPECT_OP(-EINVAL, op.pad = 1u << bit);
	EXPECT_OP(-ENOENT, op.handle = 0);
	EXPECT_OP(-ENOENT, op.handle = g.bo + 1);
	EXPECT_OP(-ENOENT, op.handle = UINT32_MAX);

	EXPECT_OP(-EINVAL, op.range = 0);
	EXPECT_OP(-EINVAL, op.range = 1);
	EXPECT_OP(-EINVAL, op.range = PAGE + 8);
	EXPECT_OP(-EINVAL, op.range = BO_SIZE - 1);
	EXPECT_OP(-EINVAL, op.va = VA + 1);
	EXPECT_OP(-EINVAL, op.va = VA + PAGE / 2);
	EXPECT_OP(-EINVAL, (op.bo_offset = 8, op.range = PAGE));
	EXPECT_OP(-EINVAL, (op.bo_offset = PAGE - 1, op.range = PAGE));
	EXPECT_OP(0, op.va = VA);
}

TEST_F(bind, ranges_that_do_not_fit_refused)
{
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	/* The address space ends at 2^48. */
	EXPECT_OP(-EINVAL, op.va = VA_LIMIT);
	EXPECT_OP(-EINVAL, op.va = VA_LIMIT + VA);
	EXPECT_OP(-EINVAL, op.va = VA_LIMIT - BO_SIZE + PAGE);
	EXPECT_OP(-EINVAL, op.va = 1ull << 63);
	EXPECT_OP(-EINVAL, op.va = 0xffff800000000000);
	EXPECT_OP(-EINVAL, op.va = UINT64_MAX - PAGE + 1);
	EXPECT_OP(-EINVAL, op.va = 0 - BO_SIZE);
	EXPECT_OP(-EINVAL, op.va = 0 - BO_SIZE / 2);
	EXPECT_OP(-EINVAL, op.range = VA_LIMIT);
	EXPECT_OP(-EINVAL, op.range = 0 - VA);
	EXPECT_OP(-EINVAL, op.range = 0 - VA + PAGE);
	EXPECT_OP(-EINVAL, op.range = UINT64_MAX - PAGE + 1);
	/* The buffer ends at its size. */
	EXPECT_OP(-EINVAL, op.range = BO_SIZE + PAGE);
	EXPECT_OP(-EINVAL, op.bo_offset = PAGE);
	EXPECT_OP(-EINVAL, (op.bo_offset = BO_SIZE, op.range = PAGE));
	EXPECT_OP(-EINVAL, (op.bo_offset = 0 - PAGE, op.range = PAGE));
	EXPECT_OP(-EINVAL, (op.bo_offset = 0 - PAGE, op.range = 2 * PAGE));
	EXPECT_OP(-EINVAL, (op.bo_offset = 1ull << 63, op.range = PAGE));
	EXPECT_OP(0, (op.bo_offset = BO_SIZE - PAGE, op.range = PAGE));
	EXPECT_OP(0, op.va = VA_LIMIT - BO_SIZE);
	EXPECT_OP(0, op.va = 0);
}

TEST_F(bind, bad_unmaps_refused)
{
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	g.op = (struct drm_dsa_bind_op){ .op = DRM_DSA_BIND_UNMAP, .va = VA, .range = PAGE };
	for (unsigned int bit = 0; bit < 32; bit++)
		EXPECT_OP(-EINVAL, op.flags = 1u << bit);
	EXPECT_OP(-EINVAL, op.handle = g.bo);
	EXPECT_OP(-EINVAL, op.bo_offset = PAGE);
	EXPECT_OP(-EINVAL, op.bo_offset = 1);
	EXPECT_OP(-EINVAL, op.pad = 1);
	EXPECT_OP(-EINVAL, op.range = 0);
	EXPECT_OP(-EINVAL, op.range = 1);
	EXPECT_OP(-EINVAL, op.va = VA + 8);
	EXPECT_OP(-EINVAL, op.va = VA_LIMIT);
	EXPECT_OP(-EINVAL, op.range = VA_LIMIT - VA + PAGE);
	EXPECT_OP(-EINVAL, op.range = 0 - VA);
	EXPECT_OP(-EINVAL, op.range = 0 - VA + PAGE);
	EXPECT_OP(0, op.va = VA);
	EXPECT_OP(0, (op.va = 0, op.range = VA_LIMIT));
}

TEST_F(bind, closed_and_foreign_handles_refused)
{
	uint32_t foreign[8], own;
	int other = accel_open();
	struct good g;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, good_bind(self->fd, &g));
	for (unsigned int i = 0; i < ARRAY_LEN(foreign); i++)
		ASSERT_EQ(0, bo_create(other, PAGE, 0, &foreign[i]));
	for (unsigned int i = 0; i < ARRAY_LEN(foreign); i++)
		if (foreign[i] != g.bo)
			EXPECT_OP(-ENOENT, (op.handle = foreign[i], op.range = PAGE));
	/* An address space of this file, a handle of that one. */
	EXPECT_EQ(-ENOENT, vm_map(other, g.vm, foreign[0], 0, VA, PAGE, BIND_RW));

	ASSERT_EQ(0, bo_create(self->fd, PAGE, 0, &own));
	ASSERT_EQ(0, bo_close(self->fd, own));
	EXPECT_OP(-ENOENT, (op.handle = own, op.range = PAGE));
	close(other);
}

TEST_F(bind, bad_pointers_refused)
{
	const uint64_t bad[] = {
		0, BAD_USER_PTR, 0x7ffffffff000, 0xffff888000000000, UINT64_MAX - 4095,
	};
	struct good g;

	ASSERT_EQ(0, good_bind(self->fd, &g));
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		EXPECT_ARGS(-EFAULT, args.ops = bad[i]);
	/* Count times stride goes beyond all addresses. */
	EXPECT_ARGS(-EINVAL, (args.ops = UINT64_MAX - 63, args.op_count = 2));
	EXPECT_ARGS(-EINVAL, (args.ops = 1ull << 63, args.op_count = UINT32_MAX,
			      args.op_stride = 1024, args.ops = 0xfffffff000000000));
}

/* Applied in order; the first bad one stops it and changes nothing. */
TEST_F(bind, failure_in_the_middle)
{
	struct drm_dsa_bind_op ops[5];
	struct drm_dsa_vm_bind args = {
		.op_count = 5,
		.op_stride = sizeof(ops[0]),
		.ops = (uintptr_t)ops,
	};
	struct buf seen, a, b;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, rig_buf(&rig, &a, 5 * PAGE, 0, VA));
	ASSERT_EQ(0, buf_create(self->fd, &b, 5 * PAGE, DRM_DSA_BO_SYSTEM));
	memset(a.ptr, 0xaa, a.size);
	memset(b.ptr, 0xbb, b.size);
	args.vm_id = rig.vm;
	for (unsigned int bad = 0; bad < 5; bad++) {
		for (unsigned int i = 0; i < 5; i++)
			ops[i] = (struct drm_dsa_bind_op){
				.op = DRM_DSA_BIND_MAP,
				.flags = BIND_RW,
				.handle = b.handle,
				.bo_offset = i * PAGE,
				.va = VA + i * PAGE,
				.range = PAGE,
			};
		ops[bad].handle = 0x7ffffff;
		args.done = 99;
		EXPECT_EQ(-ENOENT, bind(self->fd, &args));
		EXPECT_EQ(bad, args.done);
		ASSERT_EQ(0, look(&rig, &seen, VA, 5 * PAGE));
		EXPECT_EQ(-1, buf_differs(seen.ptr, bad * PAGE, 0xbb));
		EXPECT_EQ(-1, buf_differs(seen.ptr + bad * PAGE, (5 - bad) * PAGE, 0xaa));
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, 5 * PAGE, BIND_RW));
	}
}

TEST_F(bind, fault_in_the_middle_of_the_array)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	struct drm_dsa_bind_op *ops;
	struct drm_dsa_vm_bind args;
	struct buf seen;
	struct rig rig;
	uint32_t bo;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + PAGE, PAGE));
	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, bo_create(self->fd, 8 * PAGE, 0, &bo));
	for (unsigned int whole = 0; whole < 4; whole++) {
		/* @whole operations are there, the next one ends where nothing is mapped. */
		ops = (struct drm_dsa_bind_op *)(p + PAGE - 8) - whole;
		for (unsigned int i = 0; i < whole; i++)
			ops[i] = (struct drm_dsa_bind_op){
				.op = DRM_DSA_BIND_MAP,
				.flags = BIND_RW,
				.handle = bo,
				.bo_offset = i * PAGE,
				.va = VA + i * PAGE,
				.range = PAGE,
			};
		args = (struct drm_dsa_vm_bind){
			.vm_id = rig.vm,
			.op_count = 8,
			.op_stride = sizeof(ops[0]),
			.ops = (uintptr_t)ops,
			.done = 99,
		};
		EXPECT_EQ(-EFAULT, bind(self->fd, &args));
		EXPECT_EQ(whole, args.done);
		if (whole)
			EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + (whole - 1) * PAGE, true));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA + whole * PAGE, true));
		args.op_count = UINT32_MAX;
		args.done = 99;
		EXPECT_EQ(-EFAULT, bind(self->fd, &args));
		EXPECT_EQ(whole, args.done);
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA, 8 * PAGE));
	}
}

/* ---- mappings ---- */

TEST_F(bind, everywhere_in_the_address_space)
{
	const uint64_t where[] = {
		0,
		PAGE,
		2 * MIB - PAGE,
		2 * MIB,
		1024 * MIB - PAGE,
		512ull << 30,
		(512ull << 30) - PAGE,
		1ull << 47,
		(1ull << 47) - 2 * PAGE,
		VA_LIMIT - 3 * PAGE,
	};
	struct buf seen;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		for (unsigned int i = 0; i < ARRAY_LEN(where); i++) {
			struct buf a;

			ASSERT_EQ(0, rig_buf(&rig, &a, 3 * PAGE, placements[p], where[i]));
			buf_pattern(a.ptr, a.size, i);
			ASSERT_EQ(0, look(&rig, &seen, where[i], a.size));
			EXPECT_EQ(-1, buf_pattern_differs(seen.ptr, a.size, i));
			ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, where[i], a.size));
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, where[i], false));
			buf_destroy(self->fd, &a);
		}
	}
}

/* Pages of 2 MiB where both sides are aligned to them, of 4 KiB around, and neither notices. */
TEST_F(bind, large_and_small_pages_mixed)
{
	const struct {
		uint64_t va, offset, range;
	} cases[] = {
		{ VA, 0, 4 * MIB },
		{ VA, PAGE, 4 * MIB - PAGE },
		{ VA + PAGE, 0, 3 * MIB },
		{ VA + 2 * MIB - PAGE, 2 * MIB - PAGE, 2 * MIB + PAGE },
		{ VA + 2 * MIB - 4 * PAGE, PAGE, 4 * MIB - PAGE },
		{ VA + MIB, MIB, 3 * MIB },
	};
	struct buf seen, a;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		ASSERT_EQ(0, buf_create(self->fd, &a, 4 * MIB, placements[p]));
		buf_pattern(a.ptr, a.size, p + 20);
		for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
			uint64_t va = cases[i].va, range = cases[i].range;

			ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, cases[i].offset, va, range,
					    BIND_RW));
			ASSERT_EQ(0, look(&rig, &seen, va, range));
			EXPECT_EQ(0, memcmp(seen.ptr, a.ptr + cases[i].offset, range))
			TH_LOG("case %u placement %u", i, p);
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, va + range, false));
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, va - 1, false));
			ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, va, range));
		}
		buf_destroy(self->fd, &a);
	}
}

TEST_F(bind, partial_unmap_splits)
{
	const struct {
		uint64_t start, range;
	} holes[] = {
		{ 0, PAGE },          { 4 * MIB - PAGE, PAGE },     { 2 * MIB, PAGE },
		{ MIB, 2 * MIB },     { 2 * MIB - PAGE, 2 * PAGE }, { 0, 2 * MIB },
		{ 2 * MIB, 2 * MIB }, { PAGE, 4 * MIB - 2 * PAGE },
	};
	struct buf seen, a;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		ASSERT_EQ(0, rig_buf(&rig, &a, 4 * MIB, placements[p], VA));
		buf_pattern(a.ptr, a.size, 30 + p);
		for (unsigned int i = 0; i < ARRAY_LEN(holes); i++) {
			uint64_t start = holes[i].start, end = start + holes[i].range;

			ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA + start, end - start));
			if (start) {
				ASSERT_EQ(0, look(&rig, &seen, VA, start));
				EXPECT_EQ(0, memcmp(seen.ptr, a.ptr, start));
			}
			if (end < a.size) {
				ASSERT_EQ(0, look(&rig, &seen, VA + end, a.size - end));
				EXPECT_EQ(0, memcmp(seen.ptr, a.ptr + end, a.size - end));
			}
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA + start, false));
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA + end - 1, true));
			ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, a.size, BIND_RW));
		}
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA, a.size));
		buf_destroy(self->fd, &a);
	}
}

TEST_F(bind, map_replaces)
{
	const struct {
		uint64_t start, range;
	} where[] = {
		{ 0, PAGE },    { 2 * MIB, PAGE }, { MIB, 2 * MIB },  { 4 * MIB - PAGE, PAGE },
		{ 0, 2 * MIB }, { 0, 4 * MIB },    { PAGE, 2 * MIB },
	};
	struct buf seen, a, b;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, rig_buf(&rig, &a, 4 * MIB, 0, VA));
	ASSERT_EQ(0, buf_create(self->fd, &b, 4 * MIB, DRM_DSA_BO_SYSTEM));
	buf_pattern(a.ptr, a.size, 40);
	buf_pattern(b.ptr, b.size, 41);
	for (unsigned int i = 0; i < ARRAY_LEN(where); i++) {
		uint64_t start = where[i].start, range = where[i].range;
		int ret;

		ret = vm_map(self->fd, rig.vm, b.handle, 0, VA + start, range, BIND_RW);
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, look(&rig, &seen, VA, 4 * MIB));
		EXPECT_EQ(0, memcmp(seen.ptr, a.ptr, start));
		EXPECT_EQ(0, memcmp(seen.ptr + start, b.ptr, range)) TH_LOG("case %u", i);
		EXPECT_EQ(0, memcmp(seen.ptr + start + range, a.ptr + start + range,
				    4 * MIB - start - range));
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, 4 * MIB, BIND_RW));
	}
}

TEST_F(bind, one_buffer_at_many_addresses)
{
	const uint64_t FAR = 0x100000000000, copies = 64;
	struct buf seen, a;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, rig_buf(&rig, &a, 2 * PAGE, 0, VA));
	for (unsigned int i = 1; i < copies; i++)
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, i % 2 ? PAGE : 0,
				    FAR + i * 0x40001000ull, PAGE, BIND_RW));
	buf_pattern(a.ptr, a.size, 50);
	for (unsigned int i = 1; i < copies; i++) {
		ASSERT_EQ(0, look(&rig, &seen, FAR + i * 0x40001000ull, PAGE));
		EXPECT_EQ(0, memcmp(seen.ptr, a.ptr + (i % 2 ? PAGE : 0), PAGE));
	}
	/* Many gone with one operation. */
	ASSERT_EQ(0,
		  vm_unmap(self->fd, rig.vm, FAR + 0x40001000ull + PAGE, copies * 0x40001000ull));
	for (unsigned int i = 2; i < copies; i++)
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, FAR + i * 0x40001000ull, false));
	EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA, false));
}

/* A thousand operations in one call, the pages of a buffer in reverse. */
TEST_F(bind, many_operations)
{
	enum { PAGES = 1024 };
	static struct drm_dsa_bind_op ops[PAGES];
	struct drm_dsa_vm_bind args = {
		.op_count = PAGES,
		.op_stride = sizeof(ops[0]),
		.ops = (uintptr_t)ops,
	};
	struct buf seen, a;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	ASSERT_EQ(0, buf_create(self->fd, &a, PAGES * PAGE, 0));
	buf_pattern(a.ptr, a.size, 60);
	for (unsigned int i = 0; i < PAGES; i++)
		ops[i] = (struct drm_dsa_bind_op){
			.op = DRM_DSA_BIND_MAP,
			.flags = BIND_RW,
			.handle = a.handle,
			.bo_offset = (PAGES - 1 - i) * PAGE,
			.va = VA + i * PAGE,
			.range = PAGE,
		};
	args.vm_id = rig.vm;
	ASSERT_EQ(0, bind(self->fd, &args));
	EXPECT_EQ(PAGES, args.done);
	ASSERT_EQ(0, look(&rig, &seen, VA, PAGES * PAGE));
	for (unsigned int i = 0; i < PAGES; i++)
		ASSERT_EQ(0, memcmp(seen.ptr + i * PAGE, a.ptr + (PAGES - 1 - i) * PAGE, PAGE));
	for (unsigned int i = 0; i < PAGES; i++)
		ops[i] = (struct drm_dsa_bind_op){
			.op = DRM_DSA_BIND_UNMAP,
			.va = VA + i * PAGE,
			.range = PAGE,
		};
	ASSERT_EQ(0, bind(self->fd, &args));
	for (unsigned int i = 0; i < PAGES; i += 100)
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, probe(&rig, VA + i * PAGE, false));
}

TEST_F(bind, rights)
{
	const uint32_t r = DRM_DSA_BIND_READ, w = DRM_DSA_BIND_WRITE, x = DRM_DSA_BIND_EXEC;
	struct buf seen, a;
	struct rig rig;

	ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		ASSERT_EQ(0, buf_create(self->fd, &a, 2 * MIB, placements[p]));
		for (uint32_t flags = 1; flags <= (r | w | x); flags++) {
			ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, a.size, flags));
			EXPECT_EQ(flags & r ? DSA_ERR_NONE : DSA_ERR_MMU_PERMISSION,
				  probe(&rig, VA + 5, false))
			TH_LOG("flags %u", flags);
			EXPECT_EQ(flags & w ? DSA_ERR_NONE : DSA_ERR_MMU_PERMISSION,
				  probe(&rig, VA + 2 * MIB - 1, true))
			TH_LOG("flags %u", flags);
		}
		/* What stays of a split mapping keeps its rights. */
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, a.size, r));
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA + MIB, PAGE));
		EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA, false));
		EXPECT_EQ(DSA_ERR_MMU_PERMISSION, probe(&rig, VA, true));
		EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + MIB + PAGE, false));
		EXPECT_EQ(DSA_ERR_MMU_PERMISSION, probe(&rig, VA + MIB + PAGE, true));
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA, a.size));
		buf_destroy(self->fd, &a);
	}
}

/* A mapping keeps the memory, and it comes back with the unmap. */
TEST_F(bind, mapping_outlives_the_handle)
{
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		struct accel_baseline before, after;
		struct buf seen, a, b;
		struct rig rig;

		ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
		/* The tables stay: only the buffer comes and goes. */
		ASSERT_EQ(0, rig_buf(&rig, &b, 2 * PAGE, placements[p], VA));
		ASSERT_EQ(0, accel_baseline_read(self->fd, &before));
		ASSERT_EQ(0, buf_create(self->fd, &a, PAGE, placements[p]));
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, a.handle, 0, VA, PAGE, BIND_RW));
		buf_pattern(a.ptr, a.size, 70);
		buf_destroy(self->fd, &a);
		ASSERT_EQ(0, look(&rig, &seen, VA, PAGE));
		EXPECT_EQ(-1, buf_pattern_differs(seen.ptr, PAGE, 70));
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA, PAGE));
		EXPECT_EQ(0, accel_baseline_wait(self->fd, &before, &after));
	}
}

TEST_F(bind, unmap_of_nothing_is_fine)
{
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_EQ(0, vm_unmap(self->fd, rig.vm, VA, PAGE));
	EXPECT_EQ(0, vm_unmap(self->fd, rig.vm, 1ull << 40, 1ull << 40));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	EXPECT_EQ(0, vm_unmap(self->fd, rig.vm, 0, VA_LIMIT));
	EXPECT_EQ(0, vm_unmap(self->fd, rig.vm, 0, VA_LIMIT));
}

/* ---- while the device is at it ---- */

#define FILLS 90

/* Starts a job that writes @value all over [VA, VA + size) for a good while. */
static int start_writing(struct rig *rig, unsigned int slot, uint64_t size, uint8_t value,
			 uint32_t syncobj)
{
	struct cmds c = rig_cmds(rig, slot);
	struct drm_dsa_sync out = sync_out(syncobj, 0);

	cmd_signal(&c, SEEN_VA, 1);
	for (unsigned int i = 0; i < FILLS; i++)
		cmd_fill(&c, VA, size, value, 1);
	return submit(rig->fd, rig->queue, c.va, c.len, &out, 1, NULL);
}

/* On return of an unmap nothing goes to the old memory any more. */
TEST_F(bind, unmap_in_flight)
{
	const uint64_t size = 4 * MIB;

	for (unsigned int round = 0; round < 6; round++) {
		volatile uint64_t *started;
		struct buf seen, a;
		uint32_t syncobj;
		struct rig rig;
		int status;

		ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
		ASSERT_EQ(0, rig_buf(&rig, &a, size, placements[round % 2], VA));
		ASSERT_EQ(0, syncobj_create(self->fd, &syncobj));
		started = (volatile uint64_t *)seen.ptr;
		ASSERT_EQ(0, start_writing(&rig, 0, size, 0xee, syncobj));
		while (!*started && !syncobj_is_signalled(self->fd, syncobj, 0))
			continue;
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, VA, size));
		memset(a.ptr, 0x11, size);
		ASSERT_EQ(0, syncobj_wait(self->fd, syncobj, 0));
		EXPECT_EQ(-1, buf_differs(a.ptr, size, 0x11));
		status = syncobj_status(self->fd, syncobj);
		EXPECT_TRUE(status == 0 || status == -ECANCELED);
		rig_destroy(&rig);
		buf_destroy(self->fd, &a);
		buf_destroy(self->fd, &seen);
	}
}

/* On return of a replacing map the old memory is left alone, whatever the job came to. */
TEST_F(bind, replace_in_flight)
{
	const uint64_t size = 4 * MIB;

	for (unsigned int round = 0; round < 4; round++) {
		volatile uint64_t *started;
		struct buf seen, a, b;
		uint32_t syncobj;
		struct rig rig;
		int status;

		ASSERT_EQ(0, rig_with_window(&rig, self->fd, &seen));
		ASSERT_EQ(0, rig_buf(&rig, &a, size, placements[round % 2], VA));
		ASSERT_EQ(0, buf_create(self->fd, &b, size, placements[round / 2]));
		ASSERT_EQ(0, syncobj_create(self->fd, &syncobj));
		started = (volatile uint64_t *)seen.ptr;
		ASSERT_EQ(0, start_writing(&rig, 0, size, 0xee, syncobj));
		while (!*started && !syncobj_is_signalled(self->fd, syncobj, 0))
			continue;
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, b.handle, 0, VA, size, BIND_RW));
		memset(a.ptr, 0x22, size);
		ASSERT_EQ(0, syncobj_wait(self->fd, syncobj, 0));
		EXPECT_EQ(-1, buf_differs(a.ptr, size, 0x22));
		status = syncobj_status(self->fd, syncobj);
		EXPECT_TRUE(status == 0 || status == -ECANCELED);
		memset(b.ptr, 0x33, size);
		EXPECT_EQ(DSA_ERR_NONE, probe(&rig, VA + size - 1, false));
		EXPECT_EQ(0x33, seen.ptr[0]);
		rig_destroy(&rig);
		buf_destroy(self->fd, &a);
		buf_destroy(self->fd, &b);
		buf_destroy(self->fd, &seen);
	}
}

TEST_HARNESS_MAIN
