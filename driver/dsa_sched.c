// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs: one scheduler with one entity per hardware queue. The device decides
 * which queue runs when; the scheduler waits for dependencies and keeps the
 * ring from overflowing.
 */

#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>
#include <hw/dsa_ring.h>

#include "dsa_evict.h"
#include "dsa_gem.h"
#include "dsa_queue.h"
#include "dsa_sync.h"
#include "dsa_trace.h"
#include "dsa_userptr.h"
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
	bool cookie = dma_fence_begin_signalling();

	/*
	 * Also for a dead queue the scheduler gets a fence, not an error: the
	 * finished fence, which may outlive everything, reads the scheduler's
	 * name, and this fence, its parent, keeps that memory.
	 */
	dsa_queue_emit(job->queue, job->fence, dsa_job_dependency_failed(job));
	job->emitted = true;
	dma_fence_end_signalling(cookie);
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

/*
 * Locks the address space and what it shares with others, with room for the
 * job's fence. Private objects have no fences: whoever wants to take their
 * memory away waits for the address spaces that map them.
 */
static int dsa_submit_lock(struct dsa_vm *vm, struct drm_exec *exec)
{
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 1);
	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&vm->base, exec, 1);
		drm_exec_retry_on_contention(exec);
		if (!ret)
			ret = drm_gpuvm_prepare_objects(&vm->base, exec, 1);
		drm_exec_retry_on_contention(exec);
		if (ret)
			break;
	}
	return ret;
}

/*
 * Waits for what others do with an object. A client orders its own jobs
 * explicitly: they may even wait for each other in memory.
 */
static int dsa_job_add_implicit_of(struct dsa_job *job, struct drm_gem_object *obj, bool write)
{
	struct drm_sched_fence *s_fence;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret;

	dma_resv_for_each_fence(&cursor, obj->resv, dma_resv_usage_rw(write), fence) {
		s_fence = to_drm_sched_fence(fence);
		if (s_fence && s_fence->owner == job->base.s_fence->owner)
			continue;
		ret = drm_sched_job_add_dependency(&job->base, dma_fence_get(fence));
		if (ret)
			return ret;
	}
	return 0;
}

static int dsa_job_add_implicit(struct dsa_job *job, struct drm_exec *exec)
{
	struct dsa_vm *vm = job->queue->vm;
	struct drm_gem_object *obj;
	int ret = 0;

	drm_exec_for_each_locked_object(exec, obj) {
		enum dma_resv_usage usage = dsa_vm_usage(vm, obj);

		if (usage != DMA_RESV_USAGE_BOOKKEEP)
			ret = dsa_job_add_implicit_of(job, obj, usage == DMA_RESV_USAGE_WRITE);
		if (ret)
			return ret;
	}
	return 0;
}

static void dsa_job_publish(struct dsa_job *job, struct drm_exec *exec)
{
	struct dma_fence *fence = &job->base.s_fence->finished;
	struct dsa_vm *vm = job->queue->vm;
	struct drm_gem_object *obj;

	drm_exec_for_each_locked_object(exec, obj)
		dma_resv_add_fence(obj->resv, fence, dsa_vm_usage(vm, obj));
}

/* The point of no return: whatever happens now, the fence gets signaled. */
static void dsa_submit_push(struct dsa_job *job, struct drm_exec *exec, struct dsa_syncs *syncs)
{
	bool cookie;

	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&job->base);
	dsa_job_publish(job, exec);
	dsa_syncs_publish(syncs, &job->base.s_fence->finished);
	drm_sched_entity_push_job(&job->base);
	dma_fence_end_signalling(cookie);
}

static int dsa_submit_locked(struct dsa_job *job, struct drm_dsa_submit *args,
			     struct drm_exec *exec, struct dsa_syncs *syncs)
{
	struct dsa_queue *queue = job->queue;
	int ret = 0;

	mutex_lock(&queue->submit_lock);
	if (dsa_queue_dead(queue)) {
		ret = -ECANCELED;
	} else {
		dsa_evict_touch_vm(queue->vm);
		job->fence->job_id = ++queue->submitted;
		args->job_id = job->fence->job_id;
		trace_dsa_job_submit(queue, args->job_id, args->cmd_va, args->cmd_size,
				     args->sync_count);
		dsa_submit_push(job, exec, syncs);
	}
	mutex_unlock(&queue->submit_lock);
	return ret;
}

/* Submits, or, with the result 0, gives the memory of a process that has to be found first. */
static int dsa_submit_try(struct dsa_job *job, struct drm_dsa_submit *args,
			  struct dsa_syncs *syncs, u64 attempt, struct dsa_bo **stale)
{
	struct dsa_device *dsa = job->queue->dsa;
	struct drm_exec exec;
	int ret;

	ret = dsa_submit_lock(job->queue->vm, &exec);
	if (!ret)
		ret = dsa_job_add_implicit(job, &exec);
	if (!ret) {
		down_read(&dsa->userptr_lock);
		*stale = dsa_userptr_stale(&exec, dsa, attempt);
		if (!*stale)
			ret = dsa_submit_locked(job, args, &exec, syncs);
		up_read(&dsa->userptr_lock);
	}
	drm_exec_fini(&exec);
	return ret;
}

/* Consumes the job. */
static int dsa_submit_job(struct dsa_job *job, struct drm_dsa_submit *args,
			  struct dsa_syncs *syncs)
{
	u64 attempt = dsa_userptr_attempt(job->queue->dsa);
	struct dsa_bo *stale;
	int ret;

	do {
		stale = NULL;
		ret = dsa_submit_try(job, args, syncs, attempt, &stale);
		if (stale) {
			ret = dsa_userptr_find(stale, attempt);
			/* A job that uses it will fault; others need not care. */
			if (ret == -EFAULT || ret == -EPERM)
				ret = 0;
			drm_gem_object_put(&stale->base.base);
			if (!ret && fatal_signal_pending(current))
				ret = -EINTR;
		}
	} while (stale && !ret);
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
