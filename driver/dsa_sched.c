// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs: one scheduler with one entity per hardware queue. The device decides
 * which queue runs when; the scheduler waits for dependencies and keeps the
 * ring from overflowing.
 */

#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>
#include <hw/dsa_ring.h>

#include "dsa_evict.h"
#include "dsa_queue.h"
#include "dsa_sync.h"
#include "dsa_trace.h"
#include "dsa_vm.h"

/**
 * struct dsa_job - One submit.
 * @base: the scheduler's part.
 * @queue: where it runs; a reference.
 * @fence: hardware fence; a reference once @emitted.
 * @emitted: dsa_queue_emit() has made @fence a fence.
 */
struct dsa_job {
	struct drm_sched_job base;
	struct dsa_queue *queue;
	struct dsa_fence *fence;
	bool emitted;
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
	dsa_device_let_sleep(job->queue->dsa);
	dsa_queue_put(job->queue);
	kfree(job);
}

/* ---- the scheduler's callbacks ---- */

/*
 * Has a job of the same client failed that this one waited for? What others'
 * fences come to must not end a queue that is not theirs.
 */
static bool dsa_job_dependency_failed(struct dsa_job *job)
{
	struct dma_fence *fence;
	unsigned long index;

	xa_for_each(&job->base.dependencies, index, fence) {
		struct drm_sched_fence *other;

		other = to_drm_sched_fence(dma_fence_chain_contained(fence));
		if (other && other->owner == job->base.s_fence->owner &&
		    dma_fence_get_status(&other->finished) < 0)
			return true;
	}
	return false;
}

static struct dma_fence *dsa_sched_run_job(struct drm_sched_job *base)
{
	struct dsa_job *job = to_dsa_job(base);

	/*
	 * Also for a dead queue the scheduler gets a fence, not an error: the
	 * finished fence, which may outlive everything, reads the scheduler's
	 * name, and this fence, its parent, keeps that memory.
	 */
	dsa_queue_emit(job->queue, job->fence, dsa_job_dependency_failed(job));
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

/* Keeps jobs from the ring, or lets them go on. */
void dsa_sched_hold(struct dsa_queue *queue, bool hold)
{
	if (!queue->sched_ready)
		return;
	if (hold)
		drm_sched_wqueue_stop(&queue->sched);
	else
		drm_sched_wqueue_start(&queue->sched);
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
	/* Until it is freed. */
	dsa_device_keep_awake(queue->dsa);
	job->queue = queue;
	job->fence->cmd_va = args->cmd_va;
	job->fence->cmd_size = args->cmd_size;
	return job;

err_free:
	kfree(job->fence);
	kfree(job);
	return ERR_PTR(ret);
}

/* The job takes the fences over. */
static int dsa_job_add_waits(struct dsa_job *job, struct dsa_syncs *syncs)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < syncs->wait_count && !ret; i++) {
		ret = drm_sched_job_add_dependency(&job->base, syncs->waits[i]);
		syncs->waits[i] = NULL;
	}
	return ret;
}

/* The point of no return: whatever happens now, the fence gets signaled. */
static void dsa_submit_push(struct dsa_job *job, struct dsa_syncs *syncs)
{
	bool cookie;

	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&job->base);
	dma_resv_add_fence(drm_gpuvm_resv(&job->queue->vm->base), &job->base.s_fence->finished,
			   DMA_RESV_USAGE_BOOKKEEP);
	dsa_syncs_publish(syncs, &job->base.s_fence->finished);
	drm_sched_entity_push_job(&job->base);
	dma_fence_end_signalling(cookie);
}

/* With the reservation of the address space, which gets the job's fence. */
static int dsa_submit_locked(struct dsa_job *job, struct drm_dsa_submit *args,
			     struct dsa_syncs *syncs)
{
	struct dsa_queue *queue = job->queue;
	int ret;

	if (dsa_queue_dead(queue))
		return -ECANCELED;
	ret = dma_resv_reserve_fences(drm_gpuvm_resv(&queue->vm->base), 1);
	if (ret)
		return ret;
	dsa_evict_touch_vm(queue->vm);
	job->fence->job_id = ++queue->submitted;
	args->job_id = job->fence->job_id;
	trace_dsa_job_submit(queue, args->job_id, args->cmd_va, args->cmd_size, args->sync_count);
	dsa_submit_push(job, syncs);
	return 0;
}

/* Consumes the job. */
static int dsa_submit_job(struct dsa_job *job, struct drm_dsa_submit *args,
			  struct dsa_syncs *syncs)
{
	struct dsa_queue *queue = job->queue;
	struct dma_resv *resv = drm_gpuvm_resv(&queue->vm->base);
	int ret;

	mutex_lock(&queue->submit_lock);
	ret = dma_resv_lock_interruptible(resv, NULL);
	if (!ret) {
		ret = dsa_submit_locked(job, args, syncs);
		dma_resv_unlock(resv);
	}
	mutex_unlock(&queue->submit_lock);
	if (ret)
		dsa_job_free(job);
	return ret;
}

static int dsa_submit_check(const struct drm_dsa_submit *args)
{
	u64 limit = BIT_ULL(DSA_VA_BITS);

	if (args->flags || !IS_ALIGNED(args->cmd_va | args->cmd_size, 8) ||
	    args->cmd_size > DSA_RING_MAX_CMD_BYTES || args->cmd_va >= limit ||
	    args->cmd_size > limit - args->cmd_va)
		return -EINVAL;
	return dsa_syncs_check(args->syncs, args->sync_count, args->sync_stride);
}

static int dsa_submit(struct dsa_queue *queue, struct drm_dsa_submit *args, struct drm_file *file)
{
	struct dsa_syncs syncs = {};
	struct dsa_job *job;
	int ret;

	if (queue->user)
		return -EINVAL;
	if (dsa_queue_dead(queue))
		return -ECANCELED;
	job = dsa_job_create(queue, args, file);
	if (IS_ERR(job))
		return PTR_ERR(job);
	ret = dsa_syncs_read(&syncs, file, args->syncs, args->sync_count, args->sync_stride);
	if (!ret)
		ret = dsa_job_add_waits(job, &syncs);
	if (ret)
		dsa_job_free(job);
	else
		ret = dsa_submit_job(job, args, &syncs);
	dsa_syncs_fini(&syncs);
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
		dsa_device_exit(queue->dsa, idx);
	}
	dsa_queue_put(queue);
	return ret;
}
