/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows how kernels differ. DSA_HAVE_* come from Kbuild,
 * which looks into the headers of the kernel that the module is built for.
 */
#ifndef DSA_COMPAT_H
#define DSA_COMPAT_H

#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#ifdef DSA_HAVE_GPU_BUDDY
#include <linux/gpu_buddy.h>

#define drm_buddy			gpu_buddy
#define drm_buddy_block			gpu_buddy_block
#define drm_buddy_init			gpu_buddy_init
#define drm_buddy_fini			gpu_buddy_fini
#define drm_buddy_alloc_blocks		gpu_buddy_alloc_blocks
#define drm_buddy_free_list		gpu_buddy_free_list
#define drm_buddy_block_offset		gpu_buddy_block_offset
#define drm_buddy_block_size		gpu_buddy_block_size
#define DRM_BUDDY_TOPDOWN_ALLOCATION	GPU_BUDDY_TOPDOWN_ALLOCATION
#else
#include <drm/drm_buddy.h>
#endif

/* Arguments of the scheduler of one hardware queue. */
struct dsa_sched_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *submit_wq;
	struct workqueue_struct *timeout_wq;
	u32 credit_limit;
	long timeout;
	const char *name;
	struct device *dev;
};

static inline int dsa_compat_sched_init(struct drm_gpu_scheduler *sched,
					const struct dsa_sched_args *a)
{
#ifdef DSA_HAVE_SCHED_INIT_ARGS
	const struct drm_sched_init_args args = {
		.ops = a->ops,
		.submit_wq = a->submit_wq,
		.num_rqs = 1,
		.credit_limit = a->credit_limit,
		.timeout = a->timeout,
		.timeout_wq = a->timeout_wq,
		.name = a->name,
		.dev = a->dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, a->ops, a->submit_wq, 1, a->credit_limit, 0, a->timeout,
			      a->timeout_wq, NULL, a->name, a->dev);
#endif
}

static inline int dsa_compat_job_init(struct drm_sched_job *job, struct drm_sched_entity *entity,
				      void *owner, u64 client_id)
{
#ifdef DSA_HAVE_SCHED_CLIENT_ID
	return drm_sched_job_init(job, entity, 1, owner, client_id);
#else
	return drm_sched_job_init(job, entity, 1, owner);
#endif
}

static inline void dsa_compat_sched_start(struct drm_gpu_scheduler *sched)
{
#ifdef DSA_HAVE_SCHED_START_ERRNO
	drm_sched_start(sched, 0);
#else
	drm_sched_start(sched);
#endif
}

/* The time-out was dealt with. */
static inline enum drm_gpu_sched_stat dsa_compat_stat_handled(void)
{
#ifdef DSA_HAVE_SCHED_STAT_RESET
	return DRM_GPU_SCHED_STAT_RESET;
#else
	return DRM_GPU_SCHED_STAT_NOMINAL;
#endif
}

/*
 * The time-out was a false alarm: the job goes back to the list that the
 * scheduler took it from. It may have finished meanwhile, so whoever frees
 * finished jobs looks again.
 */
static inline enum drm_gpu_sched_stat dsa_compat_stat_no_hang(struct drm_sched_job *job)
{
#ifdef DSA_HAVE_SCHED_STAT_NO_HANG
	return DRM_GPU_SCHED_STAT_NO_HANG;
#else
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	spin_unlock(&sched->job_list_lock);
	drm_sched_wqueue_start(sched);
	return DRM_GPU_SCHED_STAT_NOMINAL;
#endif
}

static inline int dsa_compat_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 addr, u64 range,
				    struct drm_gem_object *obj, u64 offset)
{
#ifdef DSA_HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map.va.addr = addr,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
#else
	return drm_gpuvm_sm_map(gpuvm, priv, addr, range, obj, offset);
#endif
}

/* The object's list of mappings is locked by the caller. */
static inline struct drm_gpuvm_bo *dsa_compat_bo_obtain(struct drm_gpuvm *gpuvm,
							struct drm_gem_object *obj)
{
#ifdef DSA_HAVE_BO_OBTAIN_LOCKED
	return drm_gpuvm_bo_obtain_locked(gpuvm, obj);
#else
	return drm_gpuvm_bo_obtain(gpuvm, obj);
#endif
}

#ifdef DSA_HAVE_FEATURE_GPUVA
#define DSA_DRIVER_GEM_GPUVA DRIVER_GEM_GPUVA
#else
#define DSA_DRIVER_GEM_GPUVA 0
#endif

#ifdef DSA_HAVE_DRIVER_DATE
#define DSA_DRIVER_DATE .date = "20261123",
#else
#define DSA_DRIVER_DATE
#endif

#endif /* DSA_COMPAT_H */
