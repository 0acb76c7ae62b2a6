// SPDX-License-Identifier: GPL-2.0
/* Syncobjs of an ioctl: what it waits for, what it signals. */

#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_syncobj.h>

#include <drm/dsa_accel.h>

#include "dsa_sync.h"

#define DSA_SYNC_COUNT_MAX	4096
#define DSA_SYNC_STRIDE_MAX	1024

/**
 * dsa_syncs_check - Does the array make sense.
 * @user: struct drm_dsa_sync[].
 * @count: how many.
 * @stride: bytes from one to the next.
 *
 * Return: 0 or -EINVAL.
 */
int dsa_syncs_check(u64 user, u32 count, u32 stride)
{
	u64 end;

	if (count > DSA_SYNC_COUNT_MAX)
		return -EINVAL;
	if (count && (stride < offsetofend(struct drm_dsa_sync, point) ||
		      stride > DSA_SYNC_STRIDE_MAX || !IS_ALIGNED(stride, 8) ||
		      check_add_overflow(user, (u64)count * stride, &end)))
		return -EINVAL;
	return 0;
}

static int dsa_syncs_add_wait(struct dsa_syncs *s, struct drm_file *file,
			      const struct drm_dsa_sync *sync)
{
	/* Not the scheduler's helper: its points have 32 bits only. */
	int ret = drm_syncobj_find_fence(file, sync->handle, sync->point, 0,
					 &s->waits[s->wait_count]);

	if (!ret)
		s->wait_count++;
	return ret;
}

static int dsa_syncs_add_out(struct dsa_syncs *s, struct drm_file *file,
			     const struct drm_dsa_sync *sync)
{
	struct dsa_out_sync *out = &s->outs[s->out_count];

	out->point = sync->point;
	out->syncobj = drm_syncobj_find(file, sync->handle);
	if (!out->syncobj)
		return -ENOENT;
	s->out_count++;
	if (out->point) {
		out->chain = dma_fence_chain_alloc();
		if (!out->chain)
			return -ENOMEM;
	}
	return 0;
}

static int dsa_syncs_copy(struct drm_dsa_sync *sync, u64 user, u32 stride)
{
	int ret = copy_struct_from_user(sync, sizeof(*sync), u64_to_user_ptr(user), stride);

	if (ret)
		return ret == -E2BIG ? -EINVAL : ret;
	return sync->flags & ~DRM_DSA_SYNC_SIGNAL ? -EINVAL : 0;
}

/**
 * dsa_syncs_read - Read an array that dsa_syncs_check() let pass.
 * @s: zeroed; dsa_syncs_fini() is due in any case.
 * @file: whose handles they are.
 * @user: struct drm_dsa_sync[].
 * @count: how many.
 * @stride: bytes from one to the next.
 *
 * Return: 0, -EFAULT, -EINVAL, -ENOENT, -ENOMEM.
 */
int dsa_syncs_read(struct dsa_syncs *s, struct drm_file *file, u64 user, u32 count, u32 stride)
{
	struct drm_dsa_sync sync;
	int ret = 0;
	u32 i;

	if (!count)
		return 0;
	s->waits = kvcalloc(count, sizeof(*s->waits), GFP_KERNEL);
	s->outs = kvcalloc(count, sizeof(*s->outs), GFP_KERNEL);
	if (!s->waits || !s->outs)
		return -ENOMEM;
	for (i = 0; i < count && !ret; i++) {
		ret = dsa_syncs_copy(&sync, user + (u64)i * stride, stride);
		if (ret)
			break;
		if (sync.flags & DRM_DSA_SYNC_SIGNAL)
			ret = dsa_syncs_add_out(s, file, &sync);
		else
			ret = dsa_syncs_add_wait(s, file, &sync);
	}
	return ret;
}

/**
 * dsa_syncs_publish - Let the syncobjs wait for a fence. Cannot fail.
 * @s: what was read.
 * @fence: it will be signaled, whatever happens.
 */
void dsa_syncs_publish(struct dsa_syncs *s, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < s->out_count; i++) {
		struct dsa_out_sync *out = &s->outs[i];

		if (!out->point) {
			drm_syncobj_replace_fence(out->syncobj, fence);
			continue;
		}
		drm_syncobj_add_point(out->syncobj, out->chain, fence, out->point);
		out->chain = NULL;
	}
}

void dsa_syncs_fini(struct dsa_syncs *s)
{
	u32 i;

	for (i = 0; i < s->wait_count; i++)
		dma_fence_put(s->waits[i]);
	for (i = 0; i < s->out_count; i++) {
		dma_fence_chain_free(s->outs[i].chain);
		drm_syncobj_put(s->outs[i].syncobj);
	}
	kvfree(s->waits);
	kvfree(s->outs);
}
