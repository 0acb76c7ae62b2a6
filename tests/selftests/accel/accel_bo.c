// SPDX-License-Identifier: MIT
/* Buffer objects: creation, zeroed content, exhaustion, handles. */
#include "accel_fixture.h"

ACCEL_FIXTURE(bo)

static const uint32_t placements[] = { 0, DRM_DSA_BO_SYSTEM };

static int create(int fd, struct drm_dsa_bo_create *args)
{
	return accel_ioctl(fd, DRM_IOCTL_DSA_BO_CREATE, args);
}

TEST_F(bo, size_is_rounded_up)
{
	const uint64_t sizes[][2] = {
		{ 1, PAGE },
		{ PAGE - 1, PAGE },
		{ PAGE, PAGE },
		{ PAGE + 1, 2 * PAGE },
		{ 2 * MIB - 1, 2 * MIB },
		{ 2 * MIB + 1, 2 * MIB + PAGE },
		{ 12345, 4 * PAGE },
	};

	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
			struct drm_dsa_bo_create args = {
				.size = sizes[i][0],
				.flags = placements[p],
			};
			uint8_t *map;

			ASSERT_EQ(0, create(self->fd, &args));
			EXPECT_EQ(sizes[i][1], args.size);
			EXPECT_NE(0, args.handle);
			map = bo_mmap(self->fd, args.handle, args.size);
			ASSERT_NE(NULL, map);
			map[args.size - 1] = 1;
			EXPECT_EQ(0, munmap(map, args.size));
			EXPECT_EQ(0, bo_close(self->fd, args.handle));
		}
	}
}

TEST_F(bo, bad_sizes_refused)
{
	const uint64_t bad[] = {
		0,
		UINT64_MAX,
		UINT64_MAX - 1,
		UINT64_MAX - PAGE + 1,
		UINT64_MAX - PAGE + 2,
		UINT64_MAX - PAGE,
		1ull << 63,
		(1ull << 63) - 1,
		VA_LIMIT + 1,
		1ull << 52,
	};

	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
			struct drm_dsa_bo_create args = { .size = bad[i], .flags = placements[p] };

			EXPECT_EQ(-EINVAL, create(self->fd, &args))
			TH_LOG("size 0x%llx", (unsigned long long)bad[i]);
		}
	}
}

TEST_F(bo, more_than_there_is_refused)
{
	struct drm_dsa_memory_info before, after;
	uint32_t handle;

	ASSERT_EQ(0, accel_memory(self->fd, &before));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, before.hbm_total + 1, 0, &handle));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, before.hbm_free + PAGE, 0, &handle));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, VA_LIMIT, 0, &handle));
	EXPECT_EQ(-ENOMEM, bo_create(self->fd, VA_LIMIT, DRM_DSA_BO_SYSTEM, &handle));
	EXPECT_EQ(-ENOMEM, bo_create(self->fd, 1ull << 44, DRM_DSA_BO_SYSTEM, &handle));
	ASSERT_EQ(0, accel_memory(self->fd, &after));
	EXPECT_EQ(before.hbm_free, after.hbm_free);
	EXPECT_EQ(before.system_used, after.system_used);
}

TEST_F(bo, unknown_flags_refused)
{
	for (unsigned int bit = 1; bit < 32; bit++) {
		struct drm_dsa_bo_create args = { .size = PAGE, .flags = 1u << bit };

		EXPECT_EQ(-EINVAL, create(self->fd, &args));
		args = (struct drm_dsa_bo_create){
			.size = PAGE,
			.flags = 1u << bit | DRM_DSA_BO_SYSTEM,
		};
		EXPECT_EQ(-EINVAL, create(self->fd, &args));
	}
}

TEST_F(bo, handle_in_is_ignored)
{
	struct drm_dsa_bo_create args = { .size = PAGE, .handle = 0xdeadbeef };

	EXPECT_EQ(0, create(self->fd, &args));
	EXPECT_NE(0xdeadbeef, args.handle);
}

TEST_F(bo, new_content_is_zero)
{
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		const uint64_t sizes[] = { PAGE, 3 * PAGE, 2 * MIB, 2 * MIB + PAGE };
		struct buf buf;

		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
			ASSERT_EQ(0, buf_create(self->fd, &buf, sizes[i], placements[p]));
			EXPECT_EQ(-1, buf_differs(buf.ptr, buf.size, 0));
			buf_destroy(self->fd, &buf);
		}
	}
}

/* Written by the processor, freed, and allocated again. */
TEST_F(bo, reused_content_is_zero)
{
	for (unsigned int p = 0; p < ARRAY_LEN(placements); p++) {
		for (unsigned int round = 0; round < 8; round++) {
			uint64_t size = round % 2 ? 4 * MIB : 3 * MIB + PAGE;
			struct buf buf;

			ASSERT_EQ(0, buf_create(self->fd, &buf, size, placements[p]));
			EXPECT_EQ(-1, buf_differs(buf.ptr, buf.size, 0));
			memset(buf.ptr, 0xff, buf.size);
			buf_destroy(self->fd, &buf);
		}
	}
}

/* Written by the device; and what the device reads of a new buffer is zero, too. */
TEST_F(bo, reused_content_is_zero_for_the_device)
{
	const uint64_t va = 0x40000000, check_va = 0x80000000, size = 4 * MIB;
	struct buf check;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &check, size, DRM_DSA_BO_SYSTEM, check_va));
	for (unsigned int round = 0; round < 6; round++) {
		struct cmds c = rig_cmds(&rig, 0);
		uint32_t handle;

		ASSERT_EQ(0, bo_create(self->fd, size, placements[round % 2], &handle));
		ASSERT_EQ(0, vm_map(self->fd, rig.vm, handle, 0, va, size, BIND_RW));
		memset(check.ptr, 0xa5, size);
		cmd_copy(&c, check_va, va, size);
		cmd_fill(&c, va, size, 0xee, 1);
		ASSERT_EQ(0, rig_run(&rig, &c));
		EXPECT_EQ(-1, buf_differs(check.ptr, size, 0));
		ASSERT_EQ(0, vm_unmap(self->fd, rig.vm, va, size));
		ASSERT_EQ(0, bo_close(self->fd, handle));
	}
}

TEST_F(bo, bad_handles_refused)
{
	const uint32_t bad[] = { 0, 2, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	uint64_t offset;
	uint32_t handle;
	int other;

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		EXPECT_EQ(-ENOENT, bo_mmap_offset(self->fd, bad[i], &offset));

	ASSERT_EQ(0, bo_create(self->fd, PAGE, 0, &handle));
	EXPECT_EQ(0, bo_mmap_offset(self->fd, handle, &offset));
	other = accel_open();
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOENT, bo_mmap_offset(other, handle, &offset));
	EXPECT_NE(0, bo_close(other, handle));
	EXPECT_EQ(0, bo_mmap_offset(self->fd, handle, &offset));
	EXPECT_EQ(0, bo_close(self->fd, handle));
	EXPECT_EQ(-ENOENT, bo_mmap_offset(self->fd, handle, &offset));
	EXPECT_NE(0, bo_close(self->fd, handle));
}

TEST_F(bo, mmap_offset_pad_refused)
{
	struct drm_dsa_bo_mmap_offset args = { 0 };

	ASSERT_EQ(0, bo_create(self->fd, PAGE, 0, &args.handle));
	for (unsigned int bit = 0; bit < 32; bit++) {
		args.pad = 1u << bit;
		EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_BO_MMAP_OFFSET, &args));
	}
}

/* Ever smaller pieces until nothing is left, system memory included; then all comes back. */
TEST_F_TIMEOUT(bo, hbm_exhaustion_and_recovery, 120)
{
	struct drm_dsa_memory_info now;
	struct accel_baseline before, after;
	uint32_t handle[4096], count = 0;

	ASSERT_EQ(0, accel_baseline_read(self->fd, &before));
	for (uint64_t size = 256 * MIB; size >= PAGE; size /= 4) {
		int ret = 0;

		while (count < ARRAY_LEN(handle)) {
			ret = bo_create(self->fd, size, 0, &handle[count]);
			if (ret)
				break;
			count++;
		}
		ASSERT_EQ(-ENOSPC, ret);
	}
	ASSERT_EQ(0, accel_memory(self->fd, &now));
	EXPECT_EQ(0, now.hbm_free);
	/* System memory is another matter. */
	EXPECT_EQ(0, bo_create(self->fd, PAGE, DRM_DSA_BO_SYSTEM, &handle[count]));
	EXPECT_EQ(0, bo_close(self->fd, handle[count]));

	while (count)
		ASSERT_EQ(0, bo_close(self->fd, handle[--count]));
	/* One may be on its way back into HBM when it is closed. */
	EXPECT_EQ(0, accel_baseline_wait(self->fd, &before, &after));
	EXPECT_EQ(0, bo_create(self->fd, 64 * MIB, 0, &handle[0]));
}

/* When HBM is full an address space or a mapping may be refused, and cleanly. */
TEST_F_TIMEOUT(bo, full_hbm_refuses_cleanly, 120)
{
	struct drm_dsa_memory_info mem;
	uint32_t big, vm[8], small[2];
	int ret = 0;

	ASSERT_EQ(0, accel_memory(self->fd, &mem));
	/* Fill all but what a few tables need, whatever the fragmentation. */
	for (uint64_t size = mem.hbm_free; size >= PAGE; size /= 2)
		while (!bo_create(self->fd, size & ~(PAGE - 1), 0, &big))
			continue;
	ASSERT_EQ(0, bo_create(self->fd, PAGE, DRM_DSA_BO_SYSTEM, &small[0]));
	for (unsigned int i = 0; i < ARRAY_LEN(vm); i++) {
		ret = vm_create(self->fd, &vm[i]);
		if (ret)
			break;
		ret = vm_map(self->fd, vm[i], small[0], 0, 0x123456789000, PAGE, BIND_RW);
		if (ret)
			break;
	}
	/* Tables that live elsewhere need no HBM. */
	EXPECT_TRUE(ret == 0 || ret == -ENOSPC) TH_LOG("%d", ret);
}

TEST_HARNESS_MAIN
