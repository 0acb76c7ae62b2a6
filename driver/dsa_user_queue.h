/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_USER_QUEUE_H
#define DSA_USER_QUEUE_H

#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/wait.h>

struct drm_device;
struct drm_dsa_queue_create;
struct drm_file;
struct dsa_queue;
struct file;
struct vm_area_struct;

/**
 * struct dsa_user_queue - What a queue has whose ring belongs to the process.
 * @ring_va: where the ring is in its address space. Constant.
 * @ring_log2: log2 of its packets. Constant.
 * @wait: those who wait for a fence; woken by the queue's interrupts and its end.
 * @dummy: what is mapped instead of the doorbell once that is revoked.
 */
struct dsa_user_queue {
	u64 ring_va;
	u32 ring_log2;
	wait_queue_head_t wait;
	struct page *dummy;
	/** @lock: protects @revoked; inside mmap_lock and &dsa_device.hw_lock. */
	struct mutex lock;
	/** @revoked: the doorbell is not for the process any more. */
	bool revoked;
};

int dsa_user_queue_check(struct drm_device *drm, const struct drm_dsa_queue_create *args);
int dsa_user_queue_init(struct dsa_queue *queue, const struct drm_dsa_queue_create *args);
void dsa_user_queue_fini(struct dsa_queue *queue);
void dsa_user_queue_wake(struct dsa_queue *queue);
void dsa_user_queue_revoke(struct dsa_queue *queue);
u64 dsa_user_queue_doorbell_offset(u32 id);

int dsa_mmap(struct file *filp, struct vm_area_struct *vma);
int dsa_ioctl_wait_user_fence(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_USER_QUEUE_H */
