/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_USERPTR_H
#define DSA_USERPTR_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

struct drm_device;
struct drm_exec;
struct drm_file;
struct dsa_bo;
struct dsa_device;

/**
 * struct dsa_userptr - Memory of a process as a buffer object.
 * @notifier: tells when pages move or go; has the process's memory and the range.
 * @bo: the object.
 * @read_only: the device may not write it. Constant.
 * @valid: what the page tables have is what the process has.
 * @attempt: the last one to find its pages, zero once they have changed. Both are written with
 *           &dsa_device.userptr_lock.
 * @free_work: frees it: the notifier's end cannot be waited for by the notifier.
 */
struct dsa_userptr {
	struct mmu_interval_notifier notifier;
	struct dsa_bo *bo;
	bool read_only;
	/** @fault_lock: one at a time finds the pages. */
	struct mutex fault_lock;
	/** @lock: protects &dsa_place.user. Nothing is allocated under it. */
	struct mutex lock;
	bool valid;
	u64 attempt;
	struct work_struct free_work;
};

void dsa_userptr_free(struct dsa_bo *bo);
void dsa_userptr_release(struct dsa_bo *bo);
u64 dsa_userptr_attempt(struct dsa_device *dsa);
int dsa_userptr_find(struct dsa_bo *bo, u64 attempt);
struct dsa_bo *dsa_userptr_stale(struct drm_exec *exec, struct dsa_device *dsa, u64 attempt);
int dsa_ioctl_bo_userptr(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_USERPTR_H */
