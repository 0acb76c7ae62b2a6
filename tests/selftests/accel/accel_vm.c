// SPDX-License-Identifier: MIT
/* Address spaces: creation, destruction, exhaustion. */
#include "accel_fixture.h"

ACCEL_FIXTURE(vm)

#define MORE_THAN_ANY 1024

TEST_F(vm, ids_are_not_zero_and_differ)
{
	uint32_t a, b;

	ASSERT_EQ(0, vm_create(self->fd, &a));
	ASSERT_EQ(0, vm_create(self->fd, &b));
	EXPECT_NE(0, a);
	EXPECT_NE(0, b);
	EXPECT_NE(a, b);
	EXPECT_EQ(0, vm_destroy(self->fd, a));
	EXPECT_EQ(0, vm_destroy(self->fd, b));
}

TEST_F(vm, unknown_flags_refused)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct drm_dsa_vm_create args = { .flags = 1u << bit };

		EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_VM_CREATE, &args));
	}
}

TEST_F(vm, destroy_pad_refused)
{
	struct drm_dsa_vm_destroy args = { 0 };

	ASSERT_EQ(0, vm_create(self->fd, &args.vm_id));
	for (unsigned int bit = 0; bit < 32; bit++) {
		args.pad = 1u << bit;
		EXPECT_EQ(-EINVAL, accel_ioctl(self->fd, DRM_IOCTL_DSA_VM_DESTROY, &args));
	}
	EXPECT_EQ(0, vm_destroy(self->fd, args.vm_id));
}

TEST_F(vm, bad_ids_refused)
{
	const uint32_t bad[] = { 0, 2, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	uint32_t vm;
	int other;

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		EXPECT_EQ(-ENOENT, vm_destroy(self->fd, bad[i]));
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	other = accel_open();
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOENT, vm_destroy(other, vm));
	EXPECT_EQ(0, vm_destroy(self->fd, vm));
	EXPECT_EQ(-ENOENT, vm_destroy(self->fd, vm));
}

TEST_F(vm, other_kinds_of_ids_refused)
{
	uint32_t vm, queue[8], bo;

	ASSERT_EQ(0, vm_create(self->fd, &vm));
	ASSERT_EQ(0, bo_create(self->fd, PAGE, 0, &bo));
	for (unsigned int i = 0; i < ARRAY_LEN(queue); i++)
		ASSERT_EQ(0, queue_create(self->fd, vm, DRM_DSA_QUEUE_COPY, &queue[i]));
	for (unsigned int i = 0; i < ARRAY_LEN(queue); i++)
		if (queue[i] != vm)
			EXPECT_EQ(-ENOENT, vm_destroy(self->fd, queue[i]));
	EXPECT_EQ(0, rig_create(&(struct rig){ 0 }, self->fd));
}

/* Address spaces run out with ENOSPC, those that exist work on, and all come back. */
TEST_F_TIMEOUT(vm, exhaustion_and_recovery, 60)
{
	uint32_t vm[MORE_THAN_ANY], count[2] = { 0 }, extra;
	struct rig rig;
	int ret = 0;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int round = 0; round < 2; round++) {
		uint32_t n = 0;

		while (n < MORE_THAN_ANY) {
			ret = vm_create(self->fd, &vm[n]);
			if (ret)
				break;
			n++;
		}
		EXPECT_EQ(-ENOSPC, ret);
		count[round] = n;
		ASSERT_LT(0, n);
		EXPECT_EQ(0, rig_proof(&rig, rig.queue));
		EXPECT_EQ(0, vm_destroy(self->fd, vm[n / 2]));
		EXPECT_EQ(0, vm_create(self->fd, &vm[n / 2]));
		EXPECT_EQ(-ENOSPC, vm_create(self->fd, &extra));
		while (n)
			ASSERT_EQ(0, vm_destroy(self->fd, vm[--n]));
	}
	EXPECT_EQ(count[0], count[1]);
	EXPECT_LE(64, count[0]);
}

/* An address space that reuses hardware state of a dead one sees none of its mappings. */
TEST_F(vm, reuse_starts_empty)
{
	const uint64_t va = 0x40000000;

	for (unsigned int round = 0; round < 20; round++) {
		struct drm_dsa_queue_state state;
		struct cmds c;
		struct buf buf;
		struct rig rig;

		ASSERT_EQ(0, rig_create(&rig, self->fd));
		if (round % 2) {
			c = rig_cmds(&rig, 0);
			cmd_fill(&c, va, PAGE, 1, 1);
			EXPECT_GT(0, rig_run(&rig, &c));
			ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, state.error_code);
			EXPECT_EQ(va, state.addr);
		} else {
			ASSERT_EQ(0, rig_buf(&rig, &buf, PAGE, 0, va));
			c = rig_cmds(&rig, 0);
			cmd_fill(&c, va, PAGE, 1, 1);
			EXPECT_EQ(0, rig_run(&rig, &c));
			buf_destroy(self->fd, &buf);
		}
		rig_destroy(&rig);
	}
}

TEST_F(vm, destroy_kills_its_queues)
{
	struct drm_dsa_queue_state state;
	struct rig rig, other;
	uint32_t second;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_create(&other, self->fd));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &second));
	ASSERT_EQ(0, rig_proof(&rig, rig.queue));
	ASSERT_EQ(0, rig_proof(&rig, second));
	ASSERT_EQ(0, vm_destroy(self->fd, rig.vm));

	c = rig_cmds(&rig, 0);
	cmd_nop(&c);
	EXPECT_EQ(-ECANCELED, submit(self->fd, rig.queue, c.va, c.len, NULL, 0, NULL));
	EXPECT_EQ(-ECANCELED, submit(self->fd, second, c.va, c.len, NULL, 0, NULL));
	EXPECT_EQ(-ECANCELED, submit(self->fd, second, 0, 0, NULL, 0, NULL));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &state));
	EXPECT_TRUE(state.flags & DRM_DSA_QUEUE_DEAD);
	EXPECT_FALSE(state.flags & (DRM_DSA_QUEUE_TIMEDOUT | DRM_DSA_QUEUE_RESET));
	EXPECT_EQ(1, state.jobs_submitted);
	EXPECT_EQ(1, state.jobs_completed);
	EXPECT_EQ(-ENOENT, vm_map(self->fd, rig.vm, rig.cmd.handle, 0, 0, PAGE, BIND_RW));
	EXPECT_EQ(-ENOENT, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COPY, &(uint32_t){ 0 }));
	EXPECT_EQ(0, queue_destroy(self->fd, rig.queue));
	EXPECT_EQ(0, queue_destroy(self->fd, second));
	EXPECT_EQ(0, rig_proof(&other, other.queue));
}

/* With a job that would never end by itself, and others behind it. */
TEST_F(vm, destroy_ends_work_in_flight)
{
	struct drm_dsa_sync out[3];
	uint32_t syncobj[3];
	struct rig rig, other;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_create(&other, self->fd));
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	for (unsigned int i = 0; i < ARRAY_LEN(out); i++) {
		ASSERT_EQ(0, syncobj_create(self->fd, &syncobj[i]));
		out[i] = sync_out(syncobj[i], 0);
		ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, &out[i], 1, NULL));
	}
	ASSERT_EQ(0, vm_destroy(self->fd, rig.vm));
	for (unsigned int i = 0; i < ARRAY_LEN(out); i++) {
		EXPECT_EQ(0, syncobj_wait(self->fd, syncobj[i], 0));
		EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, syncobj[i]));
	}
	EXPECT_EQ(0, rig_proof(&other, other.queue));
}

TEST_HARNESS_MAIN
