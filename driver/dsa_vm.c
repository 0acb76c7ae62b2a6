// SPDX-License-Identifier: GPL-2.0
/* Address spaces. */

#include <linux/dma-resv.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>

#include <drm/dsa_accel.h>

#include "dsa_gem.h"
#include "dsa_queue.h"
#include "dsa_quota.h"
#include "dsa_vm.h"

static void dsa_vm_free(struct drm_gpuvm *gpuvm)
{
	struct dsa_vm *vm = to_dsa_vm(gpuvm);

	mutex_destroy(&vm->queue_lock);
	mutex_destroy(&vm->map_lock);
	mutex_destroy(&vm->lock);
	dsa_bind_timeline_put(vm->timeline);
	kfree(vm);
}

static struct drm_gpuvm_bo *dsa_vm_bo_alloc(void)
{
	struct dsa_vm_bo *vm_bo = kzalloc(sizeof(*vm_bo), GFP_KERNEL);

	return vm_bo ? &vm_bo->base : NULL;
}

static void dsa_vm_bo_free(struct drm_gpuvm_bo *vm_bo)
{
	kfree(to_dsa_vm_bo(vm_bo));
}

static const struct drm_gpuvm_ops dsa_gpuvm_ops = {
	.vm_bo_alloc = dsa_vm_bo_alloc,
	.vm_bo_free = dsa_vm_bo_free,
	.vm_free = dsa_vm_free,
	.sm_step_map = dsa_vm_step_map,
	.sm_step_remap = dsa_vm_step_remap,
	.sm_step_unmap = dsa_vm_step_unmap,
};

static struct dsa_vm *dsa_vm_create(struct dsa_device *dsa)
{
	struct drm_gem_object *resv;
	struct dsa_vm *vm;
	int ret = -ENOMEM;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm->dsa = dsa;
	vm->timeline = dsa_bind_timeline_create();
	if (!vm->timeline)
		goto err_free;
	resv = drm_gpuvm_resv_object_alloc(&dsa->drm);
	if (!resv)
		goto err_timeline;
	ret = dsa_pt_tree_init(dsa, &vm->tree);
	if (ret)
		goto err_resv;
	mutex_init(&vm->lock);
	mutex_init(&vm->map_lock);
	dsa_bind_queue_init(vm);
	mutex_init(&vm->queue_lock);
	INIT_LIST_HEAD(&vm->queues);
	drm_gpuvm_init(&vm->base, "dsa-vm", DSA_GPUVM_FLAGS, &dsa->drm, resv, 0,
		       BIT_ULL(DSA_VA_BITS), 0, 0, &dsa_gpuvm_ops);
	drm_gem_object_put(resv);
	return vm;

err_resv:
	drm_gem_object_put(resv);
err_timeline:
	dsa_bind_timeline_put(vm->timeline);
err_free:
	kfree(vm);
	return ERR_PTR(ret);
}

/**
 * dsa_vm_usage - As what the fence of a job goes into a reservation.
 * @vm: where the job runs.
 * @obj: the address space's own object, or one that it has mapped.
 *
 * Others see no more of a private object than that it is in use.
 */
enum dma_resv_usage dsa_vm_usage(struct dsa_vm *vm, struct drm_gem_object *obj)
{
	enum dma_resv_usage usage = DMA_RESV_USAGE_BOOKKEEP;
	struct drm_gpuvm_bo *vm_bo;

	dma_resv_assert_held(obj->resv);
	if (obj == vm->base.r_obj || !to_dsa_bo(obj)->shared)
		return usage;
	mutex_lock(dsa_gpuva_lock(obj));
	drm_gem_for_each_gpuvm_bo(vm_bo, obj) {
		if (vm_bo->vm == &vm->base)
			usage = to_dsa_vm_bo(vm_bo)->writes ? DMA_RESV_USAGE_WRITE :
							      DMA_RESV_USAGE_READ;
	}
	mutex_unlock(dsa_gpuva_lock(obj));
	return usage;
}

/* The next address space that maps an object. Gives back the reference on the one before. */
struct drm_gpuvm_bo *dsa_next_vm_bo(struct dsa_bo *bo, struct drm_gpuvm_bo *vm_bo)
{
	struct list_head *head = &bo->base.base.gpuva.list, *next;
	struct drm_gpuvm_bo *found = NULL;

	mutex_lock(dsa_gpuva_lock(&bo->base.base));
	next = vm_bo ? vm_bo->list.entry.gem.next : head->next;
	if (next != head)
		found = drm_gpuvm_bo_get(list_entry(next, struct drm_gpuvm_bo, list.entry.gem));
	if (vm_bo)
		drm_gpuvm_bo_put(vm_bo);
	mutex_unlock(dsa_gpuva_lock(&bo->base.base));
	return found;
}

/* Ends a walk with dsa_next_vm_bo() early. */
void dsa_vm_bo_done(struct dsa_bo *bo, struct drm_gpuvm_bo *vm_bo)
{
	mutex_lock(dsa_gpuva_lock(&bo->base.base));
	drm_gpuvm_bo_put(vm_bo);
	mutex_unlock(dsa_gpuva_lock(&bo->base.base));
}

static int dsa_bo_lock_vms(struct drm_exec *exec, struct dsa_bo *bo)
{
	struct drm_gpuvm_bo *vm_bo = NULL;
	int ret;

	while ((vm_bo = dsa_next_vm_bo(bo, vm_bo))) {
		ret = drm_exec_lock_obj(exec, vm_bo->vm->r_obj);
		if (ret) {
			dsa_vm_bo_done(bo, vm_bo);
			return ret;
		}
	}
	return 0;
}

/**
 * dsa_bo_lock_all - Lock an object and all address spaces that map it.
 * @bo: the object.
 * @exec: drm_exec_fini() is due in any case.
 *
 * Return: 0, -EINTR, -ENOMEM.
 */
int dsa_bo_lock_all(struct dsa_bo *bo, struct drm_exec *exec)
{
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		ret = drm_exec_lock_obj(exec, &bo->base.base);
		drm_exec_retry_on_contention(exec);
		if (!ret)
			ret = dsa_bo_lock_vms(exec, bo);
		drm_exec_retry_on_contention(exec);
		if (ret)
			break;
	}
	return ret;
}

/* Takes all memory from the device, and lets it go. */
static void dsa_vm_clear(struct dsa_vm *vm)
{
	LIST_HEAD(gone);

	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	mutex_lock(&vm->map_lock);
	dsa_pt_tree_disable(&vm->tree);
	dsa_vm_forget_all(vm, &gone);
	mutex_unlock(&vm->map_lock);
	dsa_pt_tree_fini(&vm->tree);
	dma_resv_unlock(drm_gpuvm_resv(&vm->base));
	dsa_va_free_list(&gone);
}

/**
 * dsa_vm_kill - End an address space: its queues, its mappings, its tables.
 * @vm: an address space that has no id any more. What remains is memory that
 *      its last user frees.
 */
void dsa_vm_kill(struct dsa_vm *vm)
{
	struct dsa_queue *queue;

	mutex_lock(&vm->queue_lock);
	vm->queues_dead = true;
	list_for_each_entry(queue, &vm->queues, vm_link)
		dsa_queue_kill(queue);
	mutex_unlock(&vm->queue_lock);

	dsa_bind_queue_kill(vm);
	dsa_vm_clear(vm);
}

/**
 * dsa_vm_add_user_queue - A user-mode queue is about to start.
 * @vm: where it executes. While there are any, what it maps stays where it is.
 *
 * Return: 0, or -EOPNOTSUPP: it maps what cannot stay.
 */
int dsa_vm_add_user_queue(struct dsa_vm *vm)
{
	int ret = 0;

	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	if (vm->has_userptr)
		ret = -EOPNOTSUPP;
	else
		vm->user_queues++;
	dma_resv_unlock(drm_gpuvm_resv(&vm->base));
	return ret;
}

/* The queue has ended. */
void dsa_vm_drop_user_queue(struct dsa_vm *vm)
{
	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	vm->user_queues--;
	dma_resv_unlock(drm_gpuvm_resv(&vm->base));
}

/**
 * dsa_vm_lookup - Find an address space of a file.
 * @dfile: the file.
 * @id: its id.
 *
 * Return: the address space with a reference, or NULL.
 */
struct dsa_vm *dsa_vm_lookup(struct dsa_file *dfile, u32 id)
{
	struct dsa_vm *vm;

	xa_lock(&dfile->vms);
	vm = xa_load(&dfile->vms, id);
	if (vm)
		drm_gpuvm_get(&vm->base);
	xa_unlock(&dfile->vms);
	return vm;
}

int dsa_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct dsa_file *dfile = file->driver_priv;
	struct drm_dsa_vm_create *args = data;
	struct dsa_vm *vm;
	int idx, ret;

	if (args->flags)
		return -EINVAL;
	ret = dsa_device_enter(dfile->dsa, &idx);
	if (ret)
		return ret;
	ret = dsa_quota_take_vm(dfile);
	if (ret)
		goto out;
	vm = dsa_vm_create(dfile->dsa);
	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
		dsa_quota_give_vm(dfile);
		goto out;
	}
	/* From here on another thread may destroy it. */
	ret = xa_alloc(&dfile->vms, &args->vm_id, vm, xa_limit_31b, GFP_KERNEL);
	if (ret) {
		dsa_quota_give_vm(dfile);
		dsa_vm_kill(vm);
		dsa_vm_put(vm);
	}
out:
	dsa_device_exit(dfile->dsa, idx);
	return ret;
}

int dsa_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct dsa_file *dfile = file->driver_priv;
	struct drm_dsa_vm_destroy *args = data;
	struct dsa_vm *vm;

	if (args->pad)
		return -EINVAL;
	vm = xa_erase(&dfile->vms, args->vm_id);
	if (!vm)
		return -ENOENT;
	dsa_vm_kill(vm);
	dsa_vm_put(vm);
	dsa_quota_give_vm(dfile);
	return 0;
}
