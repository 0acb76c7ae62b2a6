/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_GEM_H
#define DSA_GEM_H

#include <drm/drm_gem_shmem_helper.h>

#include "dsa_device.h"

/**
 * struct dsa_extent - A contiguous part of a buffer object.
 * @offset: where it begins in the object.
 * @addr: HBM offset or bus address.
 * @size: bytes.
 */
struct dsa_extent {
	u64 offset;
	u64 addr;
	u64 size;
};

/**
 * struct dsa_bo - A buffer object.
 * @base: system memory; of an HBM object only the GEM object is used.
 * @dsa: the device.
 * @hbm: it is in HBM.
 * @blocks: HBM it owns.
 * @extents: where it is, in order of offset. Constant once created.
 * @extent_count: how many.
 */
struct dsa_bo {
	struct drm_gem_shmem_object base;
	struct dsa_device *dsa;
	bool hbm;
	struct list_head blocks;
	struct dsa_extent *extents;
	unsigned int extent_count;
};

static inline struct dsa_bo *to_dsa_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct dsa_bo, base.base);
}

struct drm_gem_object *dsa_gem_create_object(struct drm_device *drm, size_t size);
const struct dsa_extent *dsa_bo_extent(const struct dsa_bo *bo, u64 offset);
#if IS_ENABLED(CONFIG_KUNIT)
void dsa_bo_add_extent(struct dsa_bo *bo, u64 addr, u64 size);
#endif
void dsa_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file);

int dsa_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int dsa_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_GEM_H */
