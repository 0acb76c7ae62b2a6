/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows how kernels differ. DSA_HAVE_* come from Kbuild,
 * which looks into the headers of the kernel that the module is built for.
 */
#ifndef DSA_COMPAT_H
#define DSA_COMPAT_H

#include <linux/mm.h>
#include <linux/shmem_fs.h>

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

/* Arguments of the scheduler of one hardware queue. It times nothing: see dsa_watchdog.c. */
struct dsa_sched_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *submit_wq;
	u32 credit_limit;
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
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = a->name,
		.dev = a->dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, a->ops, a->submit_wq, 1, a->credit_limit, 0,
			      MAX_SCHEDULE_TIMEOUT, NULL, NULL, a->name, a->dev);
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

/*
 * The worker that has freed the last job may not be through: it looks once
 * more for something to do, which must not come after the scheduler's end.
 */
static inline void dsa_compat_sched_fini(struct drm_gpu_scheduler *sched)
{
	flush_work(&sched->work_free_job);
	drm_sched_fini(sched);
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

/*
 * What protects an object's list of mappings: in newer kernels a mutex that the
 * object has, once the address space says that it changes mappings at once.
 */
#ifdef DSA_HAVE_GPUVM_IMMEDIATE
#define DSA_GPUVM_FLAGS DRM_GPUVM_IMMEDIATE_MODE

static inline struct mutex *dsa_compat_gpuva_lock(struct drm_gem_object *obj, struct mutex *own)
{
	return &obj->gpuva.lock;
}

static inline void dsa_compat_gpuva_set_lock(struct drm_gem_object *obj, struct mutex *own)
{
}
#else
#define DSA_GPUVM_FLAGS 0

static inline struct mutex *dsa_compat_gpuva_lock(struct drm_gem_object *obj, struct mutex *own)
{
	return own;
}

static inline void dsa_compat_gpuva_set_lock(struct drm_gem_object *obj, struct mutex *own)
{
	drm_gem_gpuva_set_lock(obj, own);
}
#endif

#ifdef DSA_HAVE_BARE_NS
#define DSA_NS_DMA_BUF	DMA_BUF
#define DSA_NS_KUNIT	EXPORTED_FOR_KUNIT_TESTING
#else
#define DSA_NS_DMA_BUF	"DMA_BUF"
#define DSA_NS_KUNIT	"EXPORTED_FOR_KUNIT_TESTING"
#endif

#ifdef DSA_HAVE_INVALIDATE_MAPPINGS
#define DSA_MOVE_NOTIFY invalidate_mappings
#else
#define DSA_MOVE_NOTIFY move_notify
#endif

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

/* Of workqueues that are not WQ_UNBOUND, which newer kernels want said. */
#ifdef DSA_HAVE_WQ_PERCPU
#define DSA_WQ_PERCPU WQ_PERCPU
#else
#define DSA_WQ_PERCPU 0
#endif

/* Memory of the kernel's own, backed by swap when there is; none is set aside for it. */
static inline struct file *dsa_compat_shmem_file(const char *name, loff_t size)
{
#ifdef DSA_HAVE_VMA_FLAGS
	return shmem_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup(name, size, VM_NORESERVE);
#endif
}

#endif /* DSA_COMPAT_H */
