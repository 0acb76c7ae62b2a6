// SPDX-License-Identifier: MIT
/* The ioctls as such: structures that are shorter or longer, bad pointers, unknown numbers. */
#include "accel_fixture.h"

#include <sys/ioctl.h>

ACCEL_FIXTURE(abi)

#define GUARD 0xa5

static const struct {
	unsigned long request;
	const char *name;
} ioctls[] = {
	{ DRM_IOCTL_DSA_DEV_QUERY, "DEV_QUERY" },
	{ DRM_IOCTL_DSA_BO_CREATE, "BO_CREATE" },
	{ DRM_IOCTL_DSA_BO_MMAP_OFFSET, "BO_MMAP_OFFSET" },
	{ DRM_IOCTL_DSA_VM_CREATE, "VM_CREATE" },
	{ DRM_IOCTL_DSA_VM_DESTROY, "VM_DESTROY" },
	{ DRM_IOCTL_DSA_VM_BIND, "VM_BIND" },
	{ DRM_IOCTL_DSA_QUEUE_CREATE, "QUEUE_CREATE" },
	{ DRM_IOCTL_DSA_QUEUE_DESTROY, "QUEUE_DESTROY" },
	{ DRM_IOCTL_DSA_QUEUE_STATE, "QUEUE_STATE" },
	{ DRM_IOCTL_DSA_SUBMIT, "SUBMIT" },
	{ DRM_IOCTL_DSA_BO_USERPTR, "BO_USERPTR" },
	{ DRM_IOCTL_DSA_WAIT_USER_FENCE, "WAIT_USER_FENCE" },
};

static unsigned long with_size(unsigned long request, unsigned int size)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}

/* The call sees @size bytes of @arg; -EBADMSG when it wrote behind them. */
static int sized(int fd, unsigned long request, const void *arg, unsigned int size, void *out)
{
	uint8_t mem[1024];
	int ret;

	memset(mem, GUARD, sizeof(mem));
	memcpy(mem, arg, size);
	ret = accel_ioctl(fd, with_size(request, size), mem);
	if (buf_differs(mem + size, sizeof(mem) - size, GUARD) != -1)
		return -EBADMSG;
	if (out)
		memcpy(out, mem, size);
	return ret;
}

TEST_F(abi, structures_have_their_sizes)
{
	EXPECT_EQ(16, sizeof(struct drm_dsa_dev_query));
	EXPECT_EQ(16, sizeof(struct drm_dsa_bo_create));
	EXPECT_EQ(16, sizeof(struct drm_dsa_bo_mmap_offset));
	EXPECT_EQ(8, sizeof(struct drm_dsa_vm_create));
	EXPECT_EQ(8, sizeof(struct drm_dsa_vm_destroy));
	EXPECT_EQ(40, sizeof(struct drm_dsa_bind_op));
	EXPECT_EQ(48, sizeof(struct drm_dsa_vm_bind));
	EXPECT_EQ(48, sizeof(struct drm_dsa_queue_create));
	EXPECT_EQ(8, sizeof(struct drm_dsa_queue_destroy));
	EXPECT_EQ(96, sizeof(struct drm_dsa_queue_state));
	EXPECT_EQ(16, sizeof(struct drm_dsa_sync));
	EXPECT_EQ(48, sizeof(struct drm_dsa_submit));
	EXPECT_EQ(24, sizeof(struct drm_dsa_bo_userptr));
	EXPECT_EQ(80, sizeof(struct drm_dsa_device_info));
	EXPECT_EQ(32, sizeof(struct drm_dsa_memory_info));
	EXPECT_EQ(64, sizeof(struct drm_dsa_telemetry));
	EXPECT_EQ(72, sizeof(struct drm_dsa_ras_info));
	EXPECT_EQ(32, sizeof(struct drm_dsa_wait_user_fence));
}

TEST_F(abi, bad_pointers_refused)
{
	const uint64_t bad[] = { 0, BAD_USER_PTR, 0x7ffffffff000, 0xffff888000000000,
				 UINT64_MAX - 7 };

	for (unsigned int i = 0; i < ARRAY_LEN(ioctls); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(bad); j++) {
			void *arg = (void *)(uintptr_t)bad[j];

			EXPECT_EQ(-EFAULT, accel_ioctl(self->fd, ioctls[i].request, arg))
			{
				TH_LOG("%s", ioctls[i].name);
			}
		}
	}
}

/* What was made for a caller that cannot be told goes with the file. */
TEST_F(abi, structures_that_cannot_be_written_refused)
{
	uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_dsa_bo_create *bo = (struct drm_dsa_bo_create *)p;

	ASSERT_NE(MAP_FAILED, p);
	bo->size = PAGE;
	ASSERT_EQ(0, mprotect(p, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, accel_ioctl(self->fd, DRM_IOCTL_DSA_BO_CREATE, p));
	EXPECT_EQ(PAGE, bo->size);
}

TEST_F(abi, unknown_numbers_refused)
{
	uint8_t arg[256] = { 0 };

	for (unsigned int nr = ARRAY_LEN(ioctls); nr < 0x60; nr++)
		EXPECT_EQ(-EINVAL,
			  accel_ioctl(self->fd, DRM_IOWR(DRM_COMMAND_BASE + nr, uint64_t), arg));
}

/* Cut off anywhere: refused, or what is left makes sense. */
TEST_F(abi, every_shorter_structure)
{
	uint8_t zero[256] = { 0 }, ones[256];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned int i = 0; i < ARRAY_LEN(ioctls); i++) {
		unsigned int whole = _IOC_SIZE(ioctls[i].request);

		for (unsigned int size = 0; size < whole; size += 4) {
			int ret = sized(self->fd, ioctls[i].request, zero, size, NULL);

			EXPECT_TRUE(ret == 0 || ret == -EINVAL || ret == -ENOENT)
			TH_LOG("%s with %u bytes: %d", ioctls[i].name, size, ret);
			ret = sized(self->fd, ioctls[i].request, ones, size, NULL);
			EXPECT_TRUE(ret == 0 || ret == -EINVAL || ret == -ENOENT ||
				    ret == -EFAULT || ret == -ENOSPC)
			TH_LOG("%s with %u bytes: %d", ioctls[i].name, size, ret);
		}
	}
}

TEST_F(abi, shorter_structures_read_as_zero_extended)
{
	struct drm_dsa_bo_create bo = { .size = 5 };
	struct drm_dsa_queue_create qc;
	struct drm_dsa_vm_create vc = { 0 };
	struct drm_dsa_bind_op op;
	struct drm_dsa_vm_bind bind;
	struct drm_dsa_submit sub;
	struct rig rig;
	uint32_t handle;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_BO_CREATE, &bo, 8, &bo));
	EXPECT_EQ(PAGE, bo.size);
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_VM_CREATE, &vc, 4, NULL));
	qc = (struct drm_dsa_queue_create){ .vm_id = rig.vm, .queue_class = DRM_DSA_QUEUE_COPY };
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_QUEUE_CREATE, &qc, 16, NULL));
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_QUEUE_CREATE, &qc, 20, &qc));
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_QUEUE_DESTROY, &qc.queue_id, 4, NULL));

	ASSERT_EQ(0, bo_create(self->fd, PAGE, 0, &handle));
	op = (struct drm_dsa_bind_op){
		.op = DRM_DSA_BIND_MAP,
		.flags = BIND_RW,
		.handle = handle,
		.va = PAGE,
		.range = PAGE,
	};
	bind = (struct drm_dsa_vm_bind){
		.vm_id = rig.vm,
		.op_count = 1,
		.op_stride = sizeof(op),
		.ops = (uintptr_t)&op,
	};
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_VM_BIND, &bind, 24, NULL));
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_VM_BIND, &bind, 28, &bind));
	EXPECT_EQ(1, bind.done);
	/* The pointer is cut off. */
	EXPECT_EQ(-EFAULT, sized(self->fd, DRM_IOCTL_DSA_VM_BIND, &bind, 16, NULL));

	sub = (struct drm_dsa_submit){ .queue_id = rig.queue, .sync_count = 1, .sync_stride = 16 };
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_SUBMIT, &sub, 4, NULL));
	EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_SUBMIT, &sub, 24, NULL));
	EXPECT_EQ(-EFAULT, sized(self->fd, DRM_IOCTL_DSA_SUBMIT, &sub, 32, NULL));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

/* drm_ioctl() hands on what the driver knows and no more: the rest is not looked at. */
TEST_F(abi, longer_structures)
{
	const unsigned int more[] = { 4, 8, 64, 500 };
	const uint8_t fill[] = { 0, 0xff };
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < ARRAY_LEN(more); i++) {
		for (unsigned int f = 0; f < ARRAY_LEN(fill); f++) {
			struct {
				struct drm_dsa_submit args;
				uint8_t more[512];
			} sub = { .args.queue_id = rig.queue };
			struct {
				struct drm_dsa_bo_create args;
				uint8_t more[512];
			} bo = { .args.size = PAGE };

			memset(sub.more, fill[f], sizeof(sub.more));
			memset(bo.more, fill[f], sizeof(bo.more));
			EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_SUBMIT, &sub,
					   sizeof(sub.args) + more[i], &sub));
			EXPECT_NE(0, sub.args.job_id);
			EXPECT_EQ(0, sized(self->fd, DRM_IOCTL_DSA_BO_CREATE, &bo,
					   sizeof(bo.args) + more[i], &bo));
			EXPECT_EQ(0, bo_close(self->fd, bo.args.handle));
		}
	}
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

TEST_F(abi, wrong_direction_does_no_harm)
{
	const unsigned int dirs[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE };
	uint8_t arg[256];

	for (unsigned int i = 0; i < ARRAY_LEN(ioctls); i++) {
		for (unsigned int d = 0; d < ARRAY_LEN(dirs); d++) {
			unsigned long r = ioctls[i].request;
			int ret;

			memset(arg, 0, sizeof(arg));
			ret = accel_ioctl(self->fd,
					  _IOC(dirs[d], _IOC_TYPE(r), _IOC_NR(r), _IOC_SIZE(r)),
					  arg);
			EXPECT_TRUE(ret == 0 || ret == -EINVAL || ret == -ENOENT)
			TH_LOG("%s: %d", ioctls[i].name, ret);
		}
	}
}

TEST_HARNESS_MAIN
