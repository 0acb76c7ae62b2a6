/* SPDX-License-Identifier: MIT */
/* The kernel driver's ioctls: each function returns 0 or a negative errno. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

static int call(int fd, unsigned long request, void *arg)
{
	return drmIoctl(fd, request, arg) ? -errno : 0;
}

int kmd_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kmd_query(int fd, uint32_t type, void *data, uint32_t size)
{
	struct drm_dsa_dev_query query = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)data,
	};

	return call(fd, DRM_IOCTL_DSA_DEV_QUERY, &query);
}

int kmd_bo_create(int fd, uint64_t bytes, uint32_t flags, uint32_t *handle)
{
	struct drm_dsa_bo_create create = { .size = bytes, .flags = flags };
	int ret = call(fd, DRM_IOCTL_DSA_BO_CREATE, &create);

	*handle = create.handle;
	return ret;
}

void kmd_bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	call(fd, DRM_IOCTL_GEM_CLOSE, &close);
}

void *kmd_bo_map(int fd, uint32_t handle, uint64_t bytes)
{
	struct drm_dsa_bo_mmap_offset map = { .handle = handle };
	void *ptr;

	if (call(fd, DRM_IOCTL_DSA_BO_MMAP_OFFSET, &map))
		return NULL;
	ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
	return ptr == MAP_FAILED ? NULL : ptr;
}

int kmd_vm_create(int fd, uint32_t *vm)
{
	struct drm_dsa_vm_create create = { 0 };
	int ret = call(fd, DRM_IOCTL_DSA_VM_CREATE, &create);

	*vm = create.vm_id;
	return ret;
}

int kmd_bind(int fd, uint32_t vm, const struct drm_dsa_bind_op *ops, uint32_t count)
{
	struct drm_dsa_vm_bind bind = {
		.vm_id = vm,
		.op_count = count,
		.op_stride = sizeof(*ops),
		.ops = (uintptr_t)ops,
	};

	return call(fd, DRM_IOCTL_DSA_VM_BIND, &bind);
}

int kmd_queue_create(int fd, uint32_t vm, uint32_t *queue)
{
	struct drm_dsa_queue_create create = {
		.vm_id = vm,
		.queue_class = DRM_DSA_QUEUE_COMPUTE,
		.priority = DRM_DSA_PRIORITY_NORMAL,
	};
	int ret = call(fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create);

	*queue = create.queue_id;
	return ret;
}

int kmd_queue_destroy(int fd, uint32_t queue)
{
	struct drm_dsa_queue_destroy destroy = { .queue_id = queue };

	return call(fd, DRM_IOCTL_DSA_QUEUE_DESTROY, &destroy);
}

int kmd_queue_state(int fd, struct drm_dsa_queue_state *state)
{
	return call(fd, DRM_IOCTL_DSA_QUEUE_STATE, state);
}

int kmd_submit(int fd, uint32_t queue, uint64_t va, uint64_t bytes,
	       const struct drm_dsa_sync *syncs, uint32_t count)
{
	struct drm_dsa_submit submit = {
		.queue_id = queue,
		.cmd_va = va,
		.cmd_size = bytes,
		.sync_count = count,
		.sync_stride = sizeof(*syncs),
		.syncs = (uintptr_t)syncs,
	};

	return call(fd, DRM_IOCTL_DSA_SUBMIT, &submit);
}

int kmd_syncobj_create(int fd, uint32_t *handle)
{
	return drmSyncobjCreate(fd, 0, handle) ? -errno : 0;
}

int kmd_syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t deadline)
{
	/* libdrm hands through the kernel's -errno, or sets errno, by version. */
	int ret = drmSyncobjTimelineWait(fd, &handle, &point, 1, deadline, 0, NULL);

	if (ret == -1)
		return -errno;
	return ret < 0 ? ret : 0;
}
