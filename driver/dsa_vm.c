// SPDX-License-Identifier: GPL-2.0
/* Address spaces. */

#include <linux/dma-resv.h>

#include <drm/drm_drv.h>
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

static const struct drm_gpuvm_ops dsa_gpuvm_ops = {
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
 * dsa_vm_count_user_queue - Tell that a user-mode queue comes or has gone.
 * @vm: where it executes.
 * @change: 1 before it starts, -1 after its end. While there are any, what
 *          the address space maps stays where it is.
 */
void dsa_vm_count_user_queue(struct dsa_vm *vm, int change)
{
	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	vm->user_queues += change;
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
