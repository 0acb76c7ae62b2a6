/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_GEM_H
#define DSA_GEM_H

#include <drm/drm_gem_shmem_helper.h>

#include "dsa_device.h"
#include "dsa_place.h"

struct dsa_userptr;

/**
 * struct dsa_bo - A buffer object.
 * @base: system memory; of an HBM object only the GEM object is used.
 * @dsa: the device.
 * @home_hbm: it belongs into HBM, wherever it is now. Constant.
 * @place: where it is; changed under its reservation, see dsa_evict.c.
 * @out: it had to leave HBM; written with @place.
 * @userptr: it is memory of a process, or NULL. Constant.
 * @lru: in the lists of &struct dsa_evict, under &dsa_evict.lock.
 * @shared: imported or ever exported: stays where it is, and jobs wait for what others do with
 *          it. Under its reservation.
 * @used: &dsa_evict.clock when it was last known to be used, under &dsa_evict.lock.
 * @link: in &dsa_device.bos.
 * @saved: what it held in HBM, while the system sleeps.
 */
struct dsa_bo {
	struct drm_gem_shmem_object base;
	struct dsa_device *dsa;
	bool home_hbm;
	struct dsa_place *place;
	bool out;
	bool shared;
	struct dsa_userptr *userptr;
	struct list_head lru;
	u64 used;
	struct list_head link;
	void *saved;
	/** @gpuva_lock: protects the list of mappings; nothing is allocated under it. */
	struct mutex gpuva_lock;
};

static inline struct dsa_bo *to_dsa_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct dsa_bo, base.base);
}

static inline bool dsa_bo_is_out(const struct dsa_bo *bo)
{
	return READ_ONCE(bo->out);
}

/* What protects an object's list of mappings; inside all other locks of software. */
static inline struct mutex *dsa_gpuva_lock(struct drm_gem_object *obj)
{
	return dsa_compat_gpuva_lock(obj, &to_dsa_bo(obj)->gpuva_lock);
}

struct drm_gem_object *dsa_gem_create_object(struct drm_device *drm, size_t size);
void dsa_gem_release(struct dsa_device *dsa);
int dsa_gem_save_hbm(struct dsa_device *dsa);
void dsa_gem_restore_hbm(struct dsa_device *dsa);
void dsa_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file);

void dsa_bo_free(struct drm_gem_object *obj);

/* dsa_prime.c */
struct dma_buf *dsa_bo_export(struct drm_gem_object *obj, int flags);
void dsa_bo_free_imported(struct dsa_bo *bo);
struct drm_gem_object *dsa_gem_prime_import(struct drm_device *drm, struct dma_buf *buf);

int dsa_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int dsa_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_GEM_H */
