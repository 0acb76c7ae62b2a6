// SPDX-License-Identifier: MIT
/* DEV_QUERY: the size protocol, what it says, and what it refuses. */
#include "accel_fixture.h"

ACCEL_FIXTURE(query)

struct query_type {
	uint32_t type, size;
};

static const struct query_type types[] = {
	{ DRM_DSA_QUERY_DEVICE_INFO, sizeof(struct drm_dsa_device_info) },
	{ DRM_DSA_QUERY_MEMORY, sizeof(struct drm_dsa_memory_info) },
	{ DRM_DSA_QUERY_TELEMETRY, sizeof(struct drm_dsa_telemetry) },
	{ DRM_DSA_QUERY_RAS, sizeof(struct drm_dsa_ras_info) },
};

TEST_F(query, size_is_told)
{
	for (unsigned int i = 0; i < ARRAY_LEN(types); i++) {
		uint32_t size = 0;

		EXPECT_EQ(0, accel_query(self->fd, types[i].type, NULL, &size));
		/* A newer kernel may know more. */
		EXPECT_LE(types[i].size, size);
	}
}

TEST_F(query, short_buffer_gets_the_beginning)
{
	uint8_t whole[1024], part[1024];

	for (uint32_t room = 0; room < types[0].size; room += 4) {
		uint32_t size = sizeof(whole);

		ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_DEVICE_INFO, whole, &size));
		memset(part, 0xa5, sizeof(part));
		size = room;
		ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_DEVICE_INFO, part, &size));
		EXPECT_EQ(room, size);
		EXPECT_EQ(0, memcmp(whole, part, room));
		EXPECT_EQ(-1, buf_differs(part + room, sizeof(part) - room, 0xa5));
	}
}

TEST_F(query, long_buffer_gets_no_more_than_there_is)
{
	for (unsigned int i = 0; i < ARRAY_LEN(types); i++) {
		uint32_t known = 0, size = 4096;
		uint8_t data[4096];

		ASSERT_EQ(0, accel_query(self->fd, types[i].type, NULL, &known));
		ASSERT_GE(sizeof(data), known);
		memset(data, 0xa5, sizeof(data));
		ASSERT_EQ(0, accel_query(self->fd, types[i].type, data, &size));
		EXPECT_EQ(known, size);
		EXPECT_EQ(-1, buf_differs(data + known, sizeof(data) - known, 0xa5));
		size = UINT32_MAX;
		EXPECT_EQ(0, accel_query(self->fd, types[i].type, data, &size));
		EXPECT_EQ(known, size);
	}
}

TEST_F(query, unknown_type_refused)
{
	const uint32_t unknown[] = { 4, 5, 0xff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };
	uint8_t data[256];

	for (unsigned int i = 0; i < ARRAY_LEN(unknown); i++) {
		uint32_t size = 0;

		EXPECT_EQ(-EINVAL, accel_query(self->fd, unknown[i], NULL, &size));
		size = sizeof(data);
		EXPECT_EQ(-EINVAL, accel_query(self->fd, unknown[i], data, &size));
	}
}

TEST_F(query, bad_pointer_refused)
{
	const uint64_t bad[] = { BAD_USER_PTR, 0x7ffffffff000, 0xffff888000000000, UINT64_MAX - 7 };

	for (unsigned int i = 0; i < ARRAY_LEN(types); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(bad); j++) {
			uint32_t size = types[i].size;

			EXPECT_EQ(-EFAULT, accel_query(self->fd, types[i].type,
						       (void *)(uintptr_t)bad[j], &size));
		}
	}
}

TEST_F(query, half_mapped_buffer_refused)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	uint32_t size = sizeof(struct drm_dsa_device_info);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + PAGE, PAGE));
	EXPECT_EQ(-EFAULT, accel_query(self->fd, DRM_DSA_QUERY_DEVICE_INFO, p + PAGE - 8, &size));
}

TEST_F(query, read_only_buffer_refused)
{
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t size = sizeof(struct drm_dsa_memory_info);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-EFAULT, accel_query(self->fd, DRM_DSA_QUERY_MEMORY, p, &size));
}

TEST_F(query, device_info_is_plausible)
{
	struct drm_dsa_device_info info = { 0 };

	ASSERT_EQ(0, accel_info(self->fd, &info));
	EXPECT_NE(0, info.hw_version);
	EXPECT_LE(1, info.cores);
	EXPECT_LE(64 * KIB, info.scratch_bytes);
	EXPECT_LE(1, info.copy_engines);
	EXPECT_LE(1, info.compute_queues);
	EXPECT_LE(1, info.copy_queues);
	EXPECT_NE(0, info.core_clock_khz);
	EXPECT_NE(0, info.hbm_bandwidth_mbps);
	EXPECT_LE(32, info.matrix_macs);
	EXPECT_EQ(0, info.pad);
	EXPECT_EQ(48, info.va_bits);
	EXPECT_EQ(PAGE, info.page_size);
	EXPECT_LE(MIB, info.hbm_bytes);
	EXPECT_LE(PAGE, info.max_cmd_bytes);
	EXPECT_EQ(0, info.max_cmd_bytes % 8);
	EXPECT_GE(0x1f, info.pci_device);
	EXPECT_GE(7, info.pci_function);
}

TEST_F(query, device_info_never_changes)
{
	struct drm_dsa_device_info a = { 0 }, b = { 0 };
	struct rig rig;

	ASSERT_EQ(0, accel_info(self->fd, &a));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_proof(&rig, rig.queue));
	ASSERT_EQ(0, accel_info(self->fd, &b));
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
}

TEST_F(query, memory_counts_buffers)
{
	struct drm_dsa_memory_info before, after;
	struct drm_dsa_device_info info;
	uint32_t hbm, sys;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, accel_memory(self->fd, &before));
	EXPECT_GE(info.hbm_bytes, before.hbm_total);
	EXPECT_GE(before.hbm_total, before.hbm_free);

	ASSERT_EQ(0, bo_create(self->fd, 3 * MIB, 0, &hbm));
	ASSERT_EQ(0, accel_memory(self->fd, &after));
	EXPECT_EQ(before.hbm_free - 3 * MIB, after.hbm_free);
	EXPECT_EQ(before.hbm_total, after.hbm_total);
	EXPECT_EQ(before.system_used, after.system_used);

	ASSERT_EQ(0, bo_create(self->fd, 5 * MIB + 1, DRM_DSA_BO_SYSTEM, &sys));
	ASSERT_EQ(0, accel_memory(self->fd, &after));
	EXPECT_EQ(before.hbm_free - 3 * MIB, after.hbm_free);
	EXPECT_EQ(before.system_used + 5 * MIB + PAGE, after.system_used);

	ASSERT_EQ(0, bo_close(self->fd, hbm));
	ASSERT_EQ(0, bo_close(self->fd, sys));
	ASSERT_EQ(0, accel_memory(self->fd, &after));
	EXPECT_EQ(before.hbm_free, after.hbm_free);
	EXPECT_EQ(before.system_used, after.system_used);
}

TEST_F(query, telemetry_counts_queues)
{
	struct drm_dsa_telemetry before, after;
	uint32_t size = sizeof(before), vm, queue[3];

	ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_TELEMETRY, &before, &size));
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	ASSERT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COMPUTE, &queue[0]));
	ASSERT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COPY, &queue[1]));
	ASSERT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COPY, &queue[2]));
	ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_TELEMETRY, &after, &size));
	EXPECT_EQ(before.queues_compute + 1, after.queues_compute);
	EXPECT_EQ(before.queues_copy + 2, after.queues_copy);
	EXPECT_EQ(before.resets, after.resets);
	EXPECT_NE(0, after.power_mw);
	EXPECT_NE(0, after.clock_khz);
}

TEST_F(query, busy_time_and_device_time_advance)
{
	struct drm_dsa_telemetry before, after;
	uint32_t size = sizeof(before);
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_TELEMETRY, &before, &size));
	c = rig_cmds(&rig, 0);
	cmd_fill(&c, RIG_CMD_VA + RIG_SLOT, RIG_SLOT, 1, 8);
	ASSERT_EQ(0, rig_run(&rig, &c));
	ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_TELEMETRY, &after, &size));
	EXPECT_LT(before.busy_copy_ns, after.busy_copy_ns);
	EXPECT_LT(before.device_time_ns, after.device_time_ns);
}

TEST_HARNESS_MAIN
