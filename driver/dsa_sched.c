// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs: one scheduler with one entity per hardware queue. The device decides
 * which queue runs when; the scheduler waits for dependencies and keeps the
 * ring from overflowing.
 */

#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>
#include <hw/dsa_ring.h>

#include "dsa_queue.h"
#include "dsa_trace.h"

#define DSA_SYNC_COUNT_MAX	4096
#define DSA_SYNC_STRIDE_MAX	1024

/**
 * struct dsa_job - One submit.
 * @base: the scheduler's part.
 * @queue: where it runs; a reference.
 * @fence: hardware fence; a reference once @emitted.
 * @emitted: dsa_queue_emit() has made @fence a fence.
 * @id: counted from 1.
 * @cmd_va: command buffer.
 * @cmd_size: bytes.
 */
struct dsa_job {
	struct drm_sched_job base;
	struct dsa_queue *queue;
	struct dsa_fence *fence;
	bool emitted;
	u64 id;
	u64 cmd_va;
	u64 cmd_size;
};

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

static struct dsa_job *to_dsa_job(struct drm_sched_job *base)
{
	return container_of(base, struct dsa_job, base);
}

static void dsa_job_free(struct dsa_job *job)
{
	drm_sched_job_cleanup(&job->base);
	if (job->emitted)
		dma_fence_put(&job->fence->base);
	else
		kfree(job->fence);
	dsa_queue_put(job->queue);
	kfree(job);
}

/* ---- the scheduler's callbacks ---- */

static struct dma_fence *dsa_sched_run_job(struct drm_sched_job *base)
{
	struct dsa_job *job = to_dsa_job(base);

	/*
	 * Also for a dead queue the scheduler gets a fence, not an error: the
	 * finished fence, which may outlive everything, reads the scheduler's
	 * name, and this fence, its parent, keeps that memory.
	 */
	dsa_queue_emit(job->queue, job->fence, job->id, job->cmd_va, job->cmd_size);
	job->emitted = true;
	return dma_fence_get(&job->fence->base);
}

static void dsa_sched_free_job(struct drm_sched_job *base)
{
	dsa_job_free(to_dsa_job(base));
}

static const struct drm_sched_backend_ops dsa_sched_ops = {
	.run_job = dsa_sched_run_job,
	.free_job = dsa_sched_free_job,
};

int dsa_sched_init(struct dsa_queue *queue)
{
	struct drm_gpu_scheduler *sched = &queue->sched;
	const struct dsa_sched_args args = {
		.ops = &dsa_sched_ops,
		.submit_wq = queue->dsa->sched_wq,
		/* The device moves head after the fence: one slot stays free. */
		.credit_limit = DSA_RING_PACKETS - 1,
		.name = queue->name,
		.dev = queue->dsa->drm.dev,
	};
	int ret;

	ret = dsa_compat_sched_init(sched, &args);
	if (ret)
		return ret;
	ret = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret) {
		drm_sched_fini(sched);
		return ret;
	}
	queue->sched_ready = true;
	return 0;
}

/* No job is left: each holds a reference on the queue. */
void dsa_sched_fini(struct dsa_queue *queue)
{
	if (!queue->sched_ready)
		return;
	drm_sched_entity_fini(&queue->entity);
	dsa_compat_sched_fini(&queue->sched);
}

/* ---- submit ---- */

static struct dsa_job *dsa_job_create(struct dsa_queue *queue, const struct drm_dsa_submit *args,
				      struct drm_file *file)
{
	struct dsa_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->fence = kzalloc(sizeof(*job->fence), GFP_KERNEL);
	if (!job->fence)
		goto err_free;
	ret = dsa_compat_job_init(&job->base, &queue->entity, file, file->client_id);
	if (ret)
		goto err_free;
	dsa_queue_get(queue);
	job->queue = queue;
	job->cmd_va = args->cmd_va;
	job->cmd_size = args->cmd_size;
	return job;

err_free:
	kfree(job->fence);
	kfree(job);
	return ERR_PTR(ret);
}

static int dsa_submit_add_wait(struct dsa_job *job, struct drm_file *file,
			       const struct drm_dsa_sync *sync)
{
	struct dma_fence *fence;
	int ret;

	/* Not the scheduler's helper: its points have 32 bits only. */
	ret = drm_syncobj_find_fence(file, sync->handle, sync->point, 0, &fence);
	if (ret)
		return ret;
	return drm_sched_job_add_dependency(&job->base, fence);
}

static int dsa_submit_add_signal(struct dsa_out_sync *out, struct drm_file *file,
				 const struct drm_dsa_sync *sync)
{
	out->point = sync->point;
	out->syncobj = drm_syncobj_find(file, sync->handle);
	if (!out->syncobj)
		return -ENOENT;
	if (out->point) {
		out->chain = dma_fence_chain_alloc();
		if (!out->chain)
			return -ENOMEM;
	}
	return 0;
}

static int dsa_submit_copy_sync(const struct drm_dsa_submit *args, u32 i, struct drm_dsa_sync *sync)
{
	int ret = copy_struct_from_user(sync, sizeof(*sync),
					u64_to_user_ptr(args->syncs + (u64)i * args->sync_stride),
					args->sync_stride);

	if (ret)
		return ret == -E2BIG ? -EINVAL : ret;
	return sync->flags & ~DRM_DSA_SYNC_SIGNAL ? -EINVAL : 0;
}

/* Reads all syncs. @outs has room for as many; @out_count tells how many there are. */
static int dsa_submit_read_syncs(struct dsa_job *job, const struct drm_dsa_submit *args,
				 struct drm_file *file, struct dsa_out_sync *outs, u32 *out_count)
{
	struct drm_dsa_sync sync;
	int ret = 0;
	u32 i;

	for (i = 0; i < args->sync_count && !ret; i++) {
		ret = dsa_submit_copy_sync(args, i, &sync);
		if (ret)
			break;
		if (sync.flags & DRM_DSA_SYNC_SIGNAL)
			ret = dsa_submit_add_signal(&outs[(*out_count)++], file, &sync);
		else
			ret = dsa_submit_add_wait(job, file, &sync);
	}
	return ret;
}

static void dsa_submit_free_outs(struct dsa_out_sync *outs, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		dma_fence_chain_free(outs[i].chain);
		if (outs[i].syncobj)
			drm_syncobj_put(outs[i].syncobj);
	}
	kvfree(outs);
}

/* The point of no return: whatever happens now, the fence gets signaled. */
static void dsa_submit_push(struct dsa_job *job, struct dsa_out_sync *outs, u32 count)
{
	struct dma_fence *fence;
	bool cookie;
	u32 i;

	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&job->base);
	fence = &job->base.s_fence->finished;
	for (i = 0; i < count; i++) {
		struct dsa_out_sync *out = &outs[i];

		if (!out->point) {
			drm_syncobj_replace_fence(out->syncobj, fence);
			continue;
		}
		drm_syncobj_add_point(out->syncobj, out->chain, fence, out->point);
		out->chain = NULL;
	}
	drm_sched_entity_push_job(&job->base);
	dma_fence_end_signalling(cookie);
}

/* Consumes the job. */
static int dsa_submit_job(struct dsa_job *job, struct drm_dsa_submit *args,
			  struct dsa_out_sync *outs, u32 count)
{
	struct dsa_queue *queue = job->queue;
	int ret = 0;

	mutex_lock(&queue->submit_lock);
	if (dsa_queue_dead(queue)) {
		ret = -ECANCELED;
	} else {
		job->id = ++queue->submitted;
		args->job_id = job->id;
		trace_dsa_job_submit(queue, job->id, job->cmd_va, job->cmd_size, args->sync_count);
		dsa_submit_push(job, outs, count);
	}
	mutex_unlock(&queue->submit_lock);
	if (ret)
		dsa_job_free(job);
	return ret;
}

static int dsa_submit_check(const struct drm_dsa_submit *args)
{
	u64 limit = BIT_ULL(DSA_VA_BITS), end;

	if (args->flags || !IS_ALIGNED(args->cmd_va | args->cmd_size, 8) ||
	    args->cmd_size > DSA_RING_MAX_CMD_BYTES || args->cmd_va >= limit ||
	    args->cmd_size > limit - args->cmd_va)
		return -EINVAL;
	if (args->sync_count > DSA_SYNC_COUNT_MAX)
		return -EINVAL;
	if (args->sync_count &&
	    (args->sync_stride < offsetofend(struct drm_dsa_sync, point) ||
	     args->sync_stride > DSA_SYNC_STRIDE_MAX || !IS_ALIGNED(args->sync_stride, 8) ||
	     check_add_overflow(args->syncs, (u64)args->sync_count * args->sync_stride, &end)))
		return -EINVAL;
	return 0;
}

static int dsa_submit(struct dsa_queue *queue, struct drm_dsa_submit *args, struct drm_file *file)
{
	struct dsa_out_sync *outs = NULL;
	struct dsa_job *job;
	u32 count = 0;
	int ret;

	if (dsa_queue_dead(queue))
		return -ECANCELED;
	job = dsa_job_create(queue, args, file);
	if (IS_ERR(job))
		return PTR_ERR(job);
	if (args->sync_count) {
		outs = kvcalloc(args->sync_count, sizeof(*outs), GFP_KERNEL);
		ret = outs ? dsa_submit_read_syncs(job, args, file, outs, &count) : -ENOMEM;
		if (ret) {
			dsa_job_free(job);
			goto out;
		}
	}
	ret = dsa_submit_job(job, args, outs, count);
out:
	dsa_submit_free_outs(outs, count);
	return ret;
}

int dsa_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_submit *args = data;
	struct dsa_queue *queue;
	int idx, ret;

	ret = dsa_submit_check(args);
	if (ret)
		return ret;
	queue = dsa_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	ret = dsa_device_enter(queue->dsa, &idx);
	if (!ret) {
		ret = dsa_submit(queue, args, file);
		drm_dev_exit(idx);
	}
	dsa_queue_put(queue);
	return ret;
}
