// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: changes of what an address space maps.
 *
 * A change is prepared, which allocates all that it may need, and then
 * applied, which cannot fail. Synchronous ones are applied by the ioctl;
 * asynchronous ones wait in a queue of the address space for their fences,
 * and a worker applies them, in order. The fence of each is in the reservation
 * objects of the address space and of what it maps: whoever holds those locks
 * and has seen the fences signaled knows that nothing is pending.
 */

#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_gem.h"
#include "dsa_sync.h"
#include "dsa_userptr.h"
#include "dsa_vm.h"

#define DSA_BIND_FLAGS	(DRM_DSA_BIND_READ | DRM_DSA_BIND_WRITE | DRM_DSA_BIND_EXEC)
/* Room for elements to grow. */
#define DSA_OP_STRIDE_MAX	1024
/* What one asynchronous bind can hold on to. */
#define DSA_ASYNC_OPS_MAX	4096

/* A mapping, plus what is left of one on either side. */
#define DSA_BIND_VAS	3

/**
 * struct dsa_bind - One operation at work.
 * @vm: where.
 * @op: what user space asked for.
 * @bo: what to map, or NULL; a reference.
 * @vm_bo: the two; a reference.
 * @flags: of the new mapping.
 * @vas: mappings allocated for it; taken ones are NULL.
 * @gone: mappings that came out of use.
 * @pt: change of the page tables.
 */
struct dsa_bind {
	struct dsa_vm *vm;
	struct drm_dsa_bind_op op;
	struct dsa_bo *bo;
	struct drm_gpuvm_bo *vm_bo;
	u64 flags;
	struct dsa_va *vas[DSA_BIND_VAS];
	struct list_head gone;
	struct dsa_pt_update pt;
};

/**
 * struct dsa_bind_job - An asynchronous bind.
 * @fence: signaled once it is applied; the job is freed with its last reference.
 * @timeline: of the fence; a reference.
 * @vm: outlives it: dsa_bind_queue_kill() waits.
 * @link: in &dsa_vm.binds, then in &dsa_vm.binds_done.
 * @syncs: what it waits for.
 * @next_wait: first of those that may be unsignaled; the worker's.
 * @cb: on that one while @waiting.
 * @waiting: the callback is due.
 * @binds: the operations.
 * @count: how many.
 */
struct dsa_bind_job {
	struct dma_fence fence;
	struct dsa_bind_timeline *timeline;
	struct dsa_vm *vm;
	struct list_head link;
	struct dsa_syncs syncs;
	u32 next_wait;
	struct dma_fence_cb cb;
	bool waiting;
	struct dsa_bind *binds;
	u32 count;
};

/* What it maps, or NULL. */
static const struct dsa_place *dsa_bind_place(const struct dsa_bind *bind)
{
	if (bind->op.op == DRM_DSA_BIND_MAP_NULL)
		return &dsa_place_null;
	return bind->bo ? bind->bo->place : NULL;
}

/* ---- changes of the mappings ---- */

static struct dsa_va *dsa_bind_take_va(struct dsa_bind *bind, u64 flags)
{
	struct dsa_va *va = NULL;
	unsigned int i;

	for (i = 0; i < DSA_BIND_VAS && !va; i++)
		swap(va, bind->vas[i]);
	va->flags = flags;
	return va;
}

static void dsa_va_link(struct dsa_va *va, struct drm_gpuvm_bo *vm_bo)
{
	/* A mapping without an object. */
	if (!vm_bo)
		return;
	mutex_lock(dsa_gpuva_lock(vm_bo->obj));
	drm_gpuva_link(&va->base, vm_bo);
	mutex_unlock(dsa_gpuva_lock(vm_bo->obj));
}

/* Keeps what holds the object: its last reference must not go here. */
static void dsa_va_retire(struct dsa_va *va, struct list_head *gone)
{
	struct drm_gpuvm_bo *vm_bo = va->base.vm_bo;

	if (vm_bo) {
		drm_gpuvm_bo_get(vm_bo);
		mutex_lock(dsa_gpuva_lock(vm_bo->obj));
		drm_gpuva_unlink(&va->base);
		mutex_unlock(dsa_gpuva_lock(vm_bo->obj));
		va->base.vm_bo = vm_bo;
	}
	list_add(&va->link, gone);
}

static void dsa_vm_bo_put(struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gem_object *obj;

	if (!vm_bo)
		return;
	obj = vm_bo->obj;
	drm_gem_object_get(obj);
	mutex_lock(dsa_gpuva_lock(obj));
	drm_gpuvm_bo_put(vm_bo);
	mutex_unlock(dsa_gpuva_lock(obj));
	drm_gem_object_put(obj);
}

/**
 * dsa_va_free_list - Free mappings, and objects that only they held.
 * @gone: what dsa_vm_forget_all() or a change has left.
 */
void dsa_va_free_list(struct list_head *gone)
{
	struct dsa_va *va, *next;

	list_for_each_entry_safe(va, next, gone, link) {
		dsa_vm_bo_put(va->base.vm_bo);
		kfree(va);
		cond_resched();
	}
	INIT_LIST_HEAD(gone);
}

/**
 * dsa_vm_forget_all - Take out all mappings of an address space that the device has lost.
 * @vm: the address space.
 * @gone: receives them.
 */
void dsa_vm_forget_all(struct dsa_vm *vm, struct list_head *gone)
{
	struct drm_gpuva *va, *next;

	lockdep_assert_held(&vm->map_lock);
	drm_gpuvm_for_each_va_safe(va, next, &vm->base) {
		if (va == &vm->base.kernel_alloc_node)
			continue;
		drm_gpuva_remove(va);
		dsa_va_retire(container_of(va, struct dsa_va, base), gone);
		cond_resched();
	}
}

int dsa_vm_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct dsa_bind *bind = priv;
	struct dsa_va *va = dsa_bind_take_va(bind, bind->flags);

	dsa_pt_update_map(&bind->pt, dsa_bind_place(bind), op->map.gem.offset, op->map.va.addr,
			  op->map.va.range, va->flags);
	drm_gpuva_map(&bind->vm->base, &va->base, &op->map);
	dsa_va_link(va, bind->vm_bo);
	return 0;
}

int dsa_vm_step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct dsa_va *old = container_of(op->remap.unmap->va, struct dsa_va, base);
	struct drm_gpuvm_bo *vm_bo = old->base.vm_bo;
	struct dsa_va *prev = NULL, *next = NULL;
	struct dsa_bind *bind = priv;
	u64 start, range;

	drm_gpuva_op_remap_to_unmap_range(&op->remap, &start, &range);
	dsa_pt_update_clear(&bind->pt, start, range);

	if (op->remap.prev)
		prev = dsa_bind_take_va(bind, old->flags);
	if (op->remap.next)
		next = dsa_bind_take_va(bind, old->flags);
	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, &op->remap);
	if (prev)
		dsa_va_link(prev, vm_bo);
	if (next)
		dsa_va_link(next, vm_bo);
	dsa_va_retire(old, &bind->gone);
	cond_resched();
	return 0;
}

int dsa_vm_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct dsa_va *va = container_of(op->unmap.va, struct dsa_va, base);
	struct dsa_bind *bind = priv;

	dsa_pt_update_clear(&bind->pt, va->base.va.addr, va->base.va.range);
	drm_gpuva_unmap(&op->unmap);
	dsa_va_retire(va, &bind->gone);
	cond_resched();
	return 0;
}

/* ---- one operation ---- */

static int dsa_bind_check(const struct drm_dsa_bind_op *op)
{
	u64 limit = BIT_ULL(DSA_VA_BITS);

	if (op->pad || !op->range || !IS_ALIGNED(op->va | op->range | op->bo_offset, DSA_PAGE_SIZE))
		return -EINVAL;
	if (op->va >= limit || op->range > limit - op->va)
		return -EINVAL;
	switch (op->op) {
	case DRM_DSA_BIND_MAP:
		return !op->flags || op->flags & ~DSA_BIND_FLAGS ? -EINVAL : 0;
	case DRM_DSA_BIND_MAP_NULL:
		return !op->flags || op->flags & ~(DSA_BIND_FLAGS & ~DRM_DSA_BIND_EXEC) ||
		       op->handle || op->bo_offset ? -EINVAL : 0;
	case DRM_DSA_BIND_UNMAP:
		return op->flags || op->handle || op->bo_offset ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Looks at the operation and finds its object. dsa_bind_fini() is due in any case. */
static int dsa_bind_init(struct dsa_bind *bind, struct dsa_vm *vm, struct drm_file *file)
{
	const struct drm_dsa_bind_op *op = &bind->op;
	struct drm_gem_object *obj;
	int ret;

	bind->vm = vm;
	INIT_LIST_HEAD(&bind->gone);
	dsa_pt_update_init(&bind->pt, &vm->tree, op->va, op->range);
	ret = dsa_bind_check(op);
	if (ret || op->op == DRM_DSA_BIND_UNMAP)
		return ret;
	bind->flags = (op->flags & DRM_DSA_BIND_READ ? DSA_PTE_R : 0) |
		      (op->flags & DRM_DSA_BIND_WRITE ? DSA_PTE_W : 0) |
		      (op->flags & DRM_DSA_BIND_EXEC ? DSA_PTE_X : 0);
	if (op->op == DRM_DSA_BIND_MAP_NULL)
		return dsa_has_version(vm->dsa, 2) ? 0 : -EOPNOTSUPP;

	obj = drm_gem_object_lookup(file, op->handle);
	if (!obj)
		return -ENOENT;
	bind->bo = to_dsa_bo(obj);
	if (op->bo_offset >= obj->size || op->range > obj->size - op->bo_offset)
		return -EINVAL;
	if (bind->bo->userptr && bind->bo->userptr->read_only && bind->flags & DSA_PTE_W)
		return -EACCES;
	return 0;
}

static void dsa_bind_fini(struct dsa_bind *bind)
{
	unsigned int i;

	for (i = 0; i < DSA_BIND_VAS; i++)
		kfree(bind->vas[i]);
	dsa_pt_update_fini(&bind->pt);
	dsa_va_free_list(&bind->gone);
	dsa_vm_bo_put(bind->vm_bo);
	if (bind->bo)
		drm_gem_object_put(&bind->bo->base.base);
}

/* Does a mapping lie on both sides of @addr? */
static bool dsa_bind_cuts(struct dsa_bind *bind, u64 addr)
{
	struct drm_gpuva *va;

	if (!addr || addr >= BIT_ULL(DSA_VA_BITS))
		return false;
	va = drm_gpuva_find_first(&bind->vm->base, addr - 1, 2);
	return va && va->va.addr < addr && va->va.addr + va->va.range > addr;
}

static int dsa_bind_alloc_vas(struct dsa_bind *bind, bool later)
{
	const struct drm_dsa_bind_op *op = &bind->op;
	unsigned int count = op->op != DRM_DSA_BIND_UNMAP, i;

	/* What a later one will cut is not known yet. */
	count += later || dsa_bind_cuts(bind, op->va);
	count += later || dsa_bind_cuts(bind, op->va + op->range);
	for (i = 0; i < count; i++) {
		bind->vas[i] = kzalloc(sizeof(*bind->vas[i]), GFP_KERNEL_ACCOUNT);
		if (!bind->vas[i])
			return -ENOMEM;
	}
	return 0;
}

static int dsa_bind_obtain_vm_bo(struct dsa_bind *bind)
{
	struct drm_gem_object *obj = &bind->bo->base.base;
	struct drm_gpuvm_bo *vm_bo = drm_gpuvm_bo_create(&bind->vm->base, obj);

	if (!vm_bo)
		return -ENOMEM;
	mutex_lock(dsa_gpuva_lock(obj));
	bind->vm_bo = drm_gpuvm_bo_obtain_prealloc(vm_bo);
	mutex_unlock(dsa_gpuva_lock(obj));
	if (bind->flags & DSA_PTE_W)
		to_dsa_vm_bo(bind->vm_bo)->writes = true;
	/* Submits lock only what they have to look at, not all that is mapped. */
	if (bind->bo->shared || bind->bo->userptr)
		drm_gpuvm_bo_extobj_add(bind->vm_bo);
	return 0;
}

/*
 * Allocates all that the operation may need. @later: other changes will come
 * before it. The reservations of address space and object are locked.
 */
static int dsa_bind_prepare(struct dsa_bind *bind, bool later)
{
	bool userptr = bind->bo && bind->bo->userptr;
	int ret;

	if (userptr && bind->vm->user_queues)
		return -EOPNOTSUPP;
	ret = dsa_bind_alloc_vas(bind, later);
	if (!ret)
		ret = dsa_pt_update_reserve(&bind->pt, dsa_bind_place(bind), bind->op.bo_offset,
					    later);
	if (!ret && bind->bo)
		ret = dsa_bind_obtain_vm_bo(bind);
	bind->vm->has_userptr |= userptr && !ret;
	return ret;
}

/* All is reserved: nothing may fail or allocate from here on. */
static void dsa_bind_apply(struct dsa_bind *bind)
{
	struct drm_gpuvm *gpuvm = &bind->vm->base;
	const struct drm_dsa_bind_op *op = &bind->op;
	int ret;

	lockdep_assert_held(&bind->vm->map_lock);
	if (op->op == DRM_DSA_BIND_UNMAP)
		ret = drm_gpuvm_sm_unmap(gpuvm, bind, op->va, op->range);
	else
		ret = dsa_compat_sm_map(gpuvm, bind, op->va, op->range,
					bind->bo ? &bind->bo->base.base : NULL, op->bo_offset);
	drm_WARN_ON(gpuvm->drm, ret);
	dsa_pt_update_commit(&bind->pt);
}

/* Locks the address space and what the operations map, with room for a fence in each. */
static int dsa_bind_lock(struct drm_exec *exec, struct dsa_bind *binds, u32 count)
{
	int ret = 0;
	u32 i;

	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&binds->vm->base, exec, 1);
		drm_exec_retry_on_contention(exec);
		for (i = 0; i < count && !ret; i++) {
			if (binds[i].bo)
				ret = drm_exec_prepare_obj(exec, &binds[i].bo->base.base, 1);
			drm_exec_retry_on_contention(exec);
		}
		if (ret)
			break;
	}
	return ret;
}

/* ---- at once ---- */

/* Waits for all binds that were asked for before. */
static int dsa_bind_drain(struct dsa_vm *vm, bool intr)
{
	struct dma_fence *last = NULL;
	long ret = 0;

	lockdep_assert_held(&vm->lock);
	spin_lock_irq(&vm->timeline->lock);
	if (!list_empty(&vm->binds))
		last = dma_fence_get(&list_last_entry(&vm->binds, struct dsa_bind_job,
						      link)->fence);
	spin_unlock_irq(&vm->timeline->lock);
	if (last) {
		ret = dma_fence_wait(last, intr);
		dma_fence_put(last);
	}
	return ret;
}

static int dsa_bind_run(struct dsa_bind *bind)
{
	struct dsa_vm *vm = bind->vm;
	struct drm_exec exec;
	int ret;

	ret = dsa_bind_drain(vm, true);
	if (ret)
		return ret;
	ret = dsa_bind_lock(&exec, bind, 1);
	if (!ret)
		ret = dsa_bind_prepare(bind, false);
	if (!ret) {
		mutex_lock(&vm->map_lock);
		dsa_bind_apply(bind);
		mutex_unlock(&vm->map_lock);
	}
	drm_exec_fini(&exec);
	return ret;
}

static int dsa_bind_one(struct dsa_vm *vm, struct drm_file *file, struct dsa_bind *bind)
{
	int ret = dsa_bind_init(bind, vm, file);

	if (!ret) {
		mutex_lock(&vm->lock);
		ret = vm->dead ? -ENOENT : dsa_bind_run(bind);
		mutex_unlock(&vm->lock);
	}
	dsa_bind_fini(bind);
	return ret;
}

static int dsa_bind_copy_op(const struct drm_dsa_vm_bind *args, u32 i, struct drm_dsa_bind_op *op)
{
	int ret = copy_struct_from_user(op, sizeof(*op),
					u64_to_user_ptr(args->ops + (u64)i * args->op_stride),
					args->op_stride);

	/* Fields that this kernel does not know. */
	return ret == -E2BIG ? -EINVAL : ret;
}

/* Does the next operation. A section of its own for each: removal waits for them. */
static int dsa_bind_next(struct dsa_vm *vm, struct drm_file *file,
			 const struct drm_dsa_vm_bind *args)
{
	struct dsa_bind bind = {};
	int idx, ret;

	ret = dsa_bind_copy_op(args, args->done, &bind.op);
	if (ret)
		return ret;
	if (fatal_signal_pending(current))
		return -EINTR;
	ret = dsa_device_enter(vm->dsa, &idx);
	if (ret)
		return ret;
	ret = dsa_bind_one(vm, file, &bind);
	dsa_device_exit(vm->dsa, idx);
	return ret;
}

static int dsa_bind_sync(struct dsa_vm *vm, struct drm_file *file, struct drm_dsa_vm_bind *args)
{
	int ret = 0;

	while (!ret && args->done < args->op_count) {
		ret = dsa_bind_next(vm, file, args);
		if (!ret)
			args->done++;
		cond_resched();
	}
	return ret;
}

/* ---- later ---- */

static void dsa_bind_timeline_free(struct work_struct *work)
{
	kfree(container_of(work, struct dsa_bind_timeline, free_work));
	module_put(THIS_MODULE);
}

/**
 * dsa_bind_timeline_create - Create what the fences of an address space share.
 *
 * Return: it, or NULL.
 */
struct dsa_bind_timeline *dsa_bind_timeline_create(void)
{
	struct dsa_bind_timeline *timeline = kzalloc(sizeof(*timeline), GFP_KERNEL);

	if (!timeline)
		return NULL;
	kref_init(&timeline->ref);
	spin_lock_init(&timeline->lock);
	INIT_WORK(&timeline->free_work, dsa_bind_timeline_free);
	timeline->context = dma_fence_context_alloc(1);
	/* An open file holds the module now; fences may need it longer. */
	__module_get(THIS_MODULE);
	return timeline;
}

static void dsa_bind_timeline_release(struct kref *ref)
{
	queue_work(dsa_release_wq, &container_of(ref, struct dsa_bind_timeline, ref)->free_work);
}

/* Any context. */
void dsa_bind_timeline_put(struct dsa_bind_timeline *timeline)
{
	kref_put(&timeline->ref, dsa_bind_timeline_release);
}

static const char *dsa_bind_fence_driver_name(struct dma_fence *fence)
{
	return DSA_DRIVER_NAME;
}

static const char *dsa_bind_fence_timeline_name(struct dma_fence *fence)
{
	return "dsa-bind";
}

static void dsa_bind_fence_release(struct dma_fence *fence)
{
	struct dsa_bind_job *job = container_of(fence, struct dsa_bind_job, fence);
	struct dsa_bind_timeline *timeline = job->timeline;

	kfree_rcu(job, fence.rcu);
	dsa_bind_timeline_put(timeline);
}

static const struct dma_fence_ops dsa_bind_fence_ops = {
	.get_driver_name = dsa_bind_fence_driver_name,
	.get_timeline_name = dsa_bind_fence_timeline_name,
	.release = dsa_bind_fence_release,
};

static void dsa_bind_wake(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dsa_bind_job *job = container_of(cb, struct dsa_bind_job, cb);
	struct dsa_vm *vm = job->vm;

	WRITE_ONCE(job->waiting, false);
	queue_work(vm->dsa->sched_wq, &vm->bind_work);
}

/* Has all that the job waits for come? If not the worker will be woken. */
static bool dsa_bind_job_ready(struct dsa_bind_job *job)
{
	while (!READ_ONCE(job->waiting) && job->next_wait < job->syncs.wait_count) {
		struct dma_fence *fence = job->syncs.waits[job->next_wait];

		WRITE_ONCE(job->waiting, true);
		if (!dma_fence_add_callback(fence, &job->cb, dsa_bind_wake))
			return false;
		WRITE_ONCE(job->waiting, false);
		job->next_wait++;
	}
	return !READ_ONCE(job->waiting);
}

/* An address space that is ending does not wait. */
static void dsa_bind_job_stop_waiting(struct dsa_bind_job *job)
{
	if (job->next_wait < job->syncs.wait_count)
		dma_fence_remove_callback(job->syncs.waits[job->next_wait], &job->cb);
}

static struct dsa_bind_job *dsa_bind_next_job(struct dsa_vm *vm, bool *killed)
{
	struct dsa_bind_job *job;

	spin_lock_irq(&vm->timeline->lock);
	job = list_first_entry_or_null(&vm->binds, struct dsa_bind_job, link);
	*killed = vm->binds_killed;
	spin_unlock_irq(&vm->timeline->lock);
	if (job && *killed)
		dsa_bind_job_stop_waiting(job);
	else if (job && !dsa_bind_job_ready(job))
		return NULL;
	return job;
}

static void dsa_bind_job_apply(struct dsa_bind_job *job)
{
	u32 i;

	mutex_lock(&job->vm->map_lock);
	for (i = 0; i < job->count; i++)
		dsa_bind_apply(&job->binds[i]);
	mutex_unlock(&job->vm->map_lock);
}

static void dsa_bind_job_done(struct dsa_bind_job *job, int error)
{
	struct dsa_vm *vm = job->vm;

	spin_lock_irq(&vm->timeline->lock);
	list_move_tail(&job->link, &vm->binds_done);
	if (error)
		dma_fence_set_error(&job->fence, error);
	dma_fence_signal_locked(&job->fence);
	spin_unlock_irq(&vm->timeline->lock);
}

static void dsa_bind_work(struct work_struct *work)
{
	struct dsa_vm *vm = container_of(work, struct dsa_vm, bind_work);
	bool cookie = dma_fence_begin_signalling();
	struct dsa_bind_job *job;
	bool killed;

	while ((job = dsa_bind_next_job(vm, &killed))) {
		if (!killed)
			dsa_bind_job_apply(job);
		dsa_bind_job_done(job, killed ? -ECANCELED : 0);
		queue_work(dsa_release_wq, &vm->reap_work);
	}
	dma_fence_end_signalling(cookie);
}

static void dsa_bind_job_free(struct dsa_bind_job *job)
{
	u32 i;

	for (i = 0; i < job->count; i++) {
		dsa_bind_fini(&job->binds[i]);
		cond_resched();
	}
	kvfree(job->binds);
	dsa_syncs_fini(&job->syncs);
	dma_fence_put(&job->fence);
}

/* Frees what the worker must not. */
static void dsa_bind_reap(struct work_struct *work)
{
	struct dsa_vm *vm = container_of(work, struct dsa_vm, reap_work);
	struct dsa_bind_job *job, *next;
	LIST_HEAD(done);

	spin_lock_irq(&vm->timeline->lock);
	list_splice_init(&vm->binds_done, &done);
	spin_unlock_irq(&vm->timeline->lock);
	list_for_each_entry_safe(job, next, &done, link)
		dsa_bind_job_free(job);
}

void dsa_bind_queue_init(struct dsa_vm *vm)
{
	INIT_LIST_HEAD(&vm->binds);
	INIT_LIST_HEAD(&vm->binds_done);
	INIT_WORK(&vm->bind_work, dsa_bind_work);
	INIT_WORK(&vm->reap_work, dsa_bind_reap);
}

/**
 * dsa_bind_queue_kill - Accept no more binds, and let all pending ones fail.
 * @vm: the address space.
 */
void dsa_bind_queue_kill(struct dsa_vm *vm)
{
	spin_lock_irq(&vm->timeline->lock);
	vm->binds_killed = true;
	spin_unlock_irq(&vm->timeline->lock);
	queue_work(vm->dsa->sched_wq, &vm->bind_work);

	mutex_lock(&vm->lock);
	vm->dead = true;
	dsa_bind_drain(vm, false);
	mutex_unlock(&vm->lock);
	cancel_work_sync(&vm->bind_work);
	flush_work(&vm->reap_work);
}

static struct dsa_bind_job *dsa_bind_job_create(struct dsa_vm *vm, u32 count)
{
	struct dsa_bind_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);

	if (!job)
		return NULL;
	job->binds = kvcalloc(count, sizeof(*job->binds), GFP_KERNEL_ACCOUNT);
	if (!job->binds) {
		kfree(job);
		return NULL;
	}
	kref_get(&vm->timeline->ref);
	job->timeline = vm->timeline;
	job->vm = vm;
	INIT_LIST_HEAD(&job->link);
	INIT_LIST_HEAD(&job->cb.node);
	/* Its number comes with its place in the queue. */
	dma_fence_init(&job->fence, &dsa_bind_fence_ops, &vm->timeline->lock,
		       vm->timeline->context, 0);
	return job;
}

static int dsa_bind_job_read_ops(struct dsa_bind_job *job, struct drm_file *file,
				 const struct drm_dsa_vm_bind *args)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < args->op_count && !ret; i++) {
		struct dsa_bind *bind = &job->binds[i];

		ret = dsa_bind_copy_op(args, i, &bind->op);
		if (ret)
			break;
		job->count++;
		ret = dsa_bind_init(bind, job->vm, file);
		cond_resched();
	}
	return ret;
}

static int dsa_bind_job_prepare(struct dsa_bind_job *job)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < job->count && !ret; i++) {
		ret = dsa_bind_prepare(&job->binds[i], true);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return ret;
}

/* The point of no return. What was prepared is locked. */
static void dsa_bind_job_push(struct dsa_bind_job *job)
{
	struct dsa_vm *vm = job->vm;
	bool cookie;
	u32 i;

	cookie = dma_fence_begin_signalling();
	spin_lock_irq(&vm->timeline->lock);
	job->fence.seqno = ++vm->timeline->seqno;
	list_add_tail(&job->link, &vm->binds);
	dma_fence_get(&job->fence);
	spin_unlock_irq(&vm->timeline->lock);

	dma_resv_add_fence(drm_gpuvm_resv(&vm->base), &job->fence, DMA_RESV_USAGE_BOOKKEEP);
	for (i = 0; i < job->count; i++) {
		if (job->binds[i].bo)
			dma_resv_add_fence(job->binds[i].bo->base.base.resv, &job->fence,
					   DMA_RESV_USAGE_BOOKKEEP);
	}
	dsa_syncs_publish(&job->syncs, &job->fence);
	queue_work(vm->dsa->sched_wq, &vm->bind_work);
	dma_fence_end_signalling(cookie);
}

static int dsa_bind_job_submit(struct dsa_bind_job *job)
{
	struct drm_exec exec;
	int ret;

	lockdep_assert_held(&job->vm->lock);
	if (job->vm->dead)
		return -ENOENT;
	ret = dsa_bind_lock(&exec, job->binds, job->count);
	if (!ret)
		ret = dsa_bind_job_prepare(job);
	if (!ret)
		dsa_bind_job_push(job);
	drm_exec_fini(&exec);
	return ret;
}

static int dsa_bind_async(struct dsa_vm *vm, struct drm_file *file, struct drm_dsa_vm_bind *args)
{
	struct dsa_bind_job *job = dsa_bind_job_create(vm, args->op_count);
	int ret;

	if (!job)
		return -ENOMEM;
	ret = dsa_syncs_read(&job->syncs, file, args->syncs, args->sync_count, args->sync_stride);
	if (!ret)
		ret = dsa_bind_job_read_ops(job, file, args);
	if (!ret) {
		mutex_lock(&vm->lock);
		ret = dsa_bind_job_submit(job);
		mutex_unlock(&vm->lock);
	}
	if (ret) {
		dsa_bind_job_free(job);
		return ret;
	}
	args->done = args->op_count;
	/* The queue has a reference of its own. */
	dma_fence_put(&job->fence);
	return 0;
}

/* ---- the ioctl ---- */

static int dsa_bind_check_args(const struct drm_dsa_vm_bind *args)
{
	bool async = args->flags & DRM_DSA_BIND_ASYNC;
	u64 end;

	if (args->flags & ~DRM_DSA_BIND_ASYNC || args->pad || !args->op_count ||
	    args->op_stride < offsetofend(struct drm_dsa_bind_op, range) ||
	    args->op_stride > DSA_OP_STRIDE_MAX || !IS_ALIGNED(args->op_stride, 8) ||
	    check_add_overflow(args->ops, (u64)args->op_count * args->op_stride, &end))
		return -EINVAL;
	if (async ? args->op_count > DSA_ASYNC_OPS_MAX : args->sync_count)
		return -EINVAL;
	return dsa_syncs_check(args->syncs, args->sync_count, args->sync_stride);
}

int dsa_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_vm_bind *args = data;
	struct dsa_vm *vm;
	int idx, ret;

	args->done = 0;
	ret = dsa_bind_check_args(args);
	if (ret)
		return ret;
	vm = dsa_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm)
		return -ENOENT;
	if (!(args->flags & DRM_DSA_BIND_ASYNC)) {
		ret = dsa_bind_sync(vm, file, args);
		goto out;
	}
	ret = dsa_device_enter(vm->dsa, &idx);
	if (!ret) {
		ret = dsa_bind_async(vm, file, args);
		dsa_device_exit(vm->dsa, idx);
	}
out:
	dsa_vm_put(vm);
	return ret;
}
