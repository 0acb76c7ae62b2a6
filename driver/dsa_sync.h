/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_SYNC_H
#define DSA_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct dma_fence_chain;
struct drm_file;
struct drm_syncobj;

/**
 * struct dsa_out_sync - A syncobj to signal.
 * @syncobj: a reference.
 * @chain: link of its timeline, for a timeline point.
 * @point: the point; zero: binary.
 */
struct dsa_out_sync {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/**
 * struct dsa_syncs - What an ioctl waits for and what it signals. Its caller's alone.
 * @waits: fences, a reference each; NULL where somebody took it.
 * @wait_count: how many.
 * @outs: what to signal.
 * @out_count: how many.
 */
struct dsa_syncs {
	struct dma_fence **waits;
	u32 wait_count;
	struct dsa_out_sync *outs;
	u32 out_count;
};

int dsa_syncs_check(u64 user, u32 count, u32 stride);
int dsa_syncs_read(struct dsa_syncs *s, struct drm_file *file, u64 user, u32 count, u32 stride);
void dsa_syncs_publish(struct dsa_syncs *s, struct dma_fence *fence);
void dsa_syncs_fini(struct dsa_syncs *s);

#endif /* DSA_SYNC_H */
