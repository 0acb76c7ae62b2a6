// SPDX-License-Identifier: GPL-2.0
/* VM_BIND: changes of what an address space maps. */

#include <linux/sched/signal.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_gem.h"
#include "dsa_vm.h"

#define DSA_BIND_FLAGS	(DRM_DSA_BIND_READ | DRM_DSA_BIND_WRITE | DRM_DSA_BIND_EXEC)
/* Room for elements to grow. */
#define DSA_OP_STRIDE_MAX	1024

/* A mapping, plus what is left of one on either side. */
#define DSA_BIND_VAS	3

/**
 * struct dsa_bind - One operation at work.
 * @vm: where.
 * @bo: what to map, or NULL.
 * @vm_bo: the two.
 * @flags: of the new mapping.
 * @vas: mappings allocated for it; taken ones are NULL.
 * @pt: change of the page tables.
 */
struct dsa_bind {
	struct dsa_vm *vm;
	struct dsa_bo *bo;
	struct drm_gpuvm_bo *vm_bo;
	u64 flags;
	struct dsa_va *vas[DSA_BIND_VAS];
	struct dsa_pt_update pt;
};

static struct dsa_va *dsa_bind_take_va(struct dsa_bind *bind, u64 flags)
{
	struct dsa_va *va = NULL;
	unsigned int i;

	for (i = 0; i < DSA_BIND_VAS && !va; i++)
		swap(va, bind->vas[i]);
	va->flags = flags;
	return va;
}

int dsa_vm_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct dsa_bind *bind = priv;
	struct dsa_va *va = dsa_bind_take_va(bind, bind->flags);

	dsa_pt_update_map(&bind->pt, bind->bo, op->map.gem.offset, op->map.va.addr,
			  op->map.va.range, va->flags);
	drm_gpuva_map(&bind->vm->base, &va->base, &op->map);
	drm_gpuva_link(&va->base, bind->vm_bo);
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
		drm_gpuva_link(&prev->base, vm_bo);
	if (next)
		drm_gpuva_link(&next->base, vm_bo);
	drm_gpuva_unlink(&old->base);
	kfree(old);
	cond_resched();
	return 0;
}

int dsa_vm_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct dsa_va *va = container_of(op->unmap.va, struct dsa_va, base);
	struct dsa_bind *bind = priv;

	dsa_pt_update_clear(&bind->pt, va->base.va.addr, va->base.va.range);
	drm_gpuva_unmap(&op->unmap);
	drm_gpuva_unlink(&va->base);
	kfree(va);
	cond_resched();
	return 0;
}

static int dsa_bind_alloc_vas(struct dsa_bind *bind)
{
	unsigned int i;

	for (i = 0; i < DSA_BIND_VAS; i++) {
		bind->vas[i] = kzalloc(sizeof(*bind->vas[i]), GFP_KERNEL);
		if (!bind->vas[i])
			return -ENOMEM;
	}
	return 0;
}

static void dsa_bind_free(struct dsa_bind *bind)
{
	unsigned int i;

	for (i = 0; i < DSA_BIND_VAS; i++)
		kfree(bind->vas[i]);
	dsa_pt_update_fini(&bind->pt);
}

/* Locks the object to be mapped and all that the range maps now. */
static int dsa_bind_lock(struct dsa_bind *bind, struct drm_exec *exec,
			 const struct drm_dsa_bind_op *op)
{
	struct drm_gpuvm *gpuvm = &bind->vm->base;
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(gpuvm, exec, 0);
		if (!ret && bind->bo)
			ret = drm_exec_lock_obj(exec, &bind->bo->base.base);
		if (!ret)
			ret = drm_gpuvm_prepare_range(gpuvm, exec, op->va, op->range, 0);
		drm_exec_retry_on_contention(exec);
		if (ret)
			break;
	}
	return ret;
}

/* All is reserved and locked: nothing may fail from here on. */
static void dsa_bind_apply(struct dsa_bind *bind, const struct drm_dsa_bind_op *op)
{
	struct drm_gpuvm *gpuvm = &bind->vm->base;
	int ret;

	if (bind->bo)
		ret = dsa_compat_sm_map(gpuvm, bind, op->va, op->range, &bind->bo->base.base,
					op->bo_offset);
	else
		ret = drm_gpuvm_sm_unmap(gpuvm, bind, op->va, op->range);
	drm_WARN_ON(gpuvm->drm, ret);
	dsa_pt_update_commit(&bind->pt);
}

static int dsa_bind_run(struct dsa_bind *bind, const struct drm_dsa_bind_op *op)
{
	struct drm_exec exec;
	int ret;

	ret = dsa_bind_alloc_vas(bind);
	if (!ret)
		ret = dsa_pt_update_reserve(&bind->pt, bind->bo, op->bo_offset);
	if (ret)
		return ret;

	ret = dsa_bind_lock(bind, &exec, op);
	if (ret)
		goto out;
	if (bind->bo) {
		bind->vm_bo = dsa_compat_bo_obtain(&bind->vm->base, &bind->bo->base.base);
		if (IS_ERR(bind->vm_bo)) {
			ret = PTR_ERR(bind->vm_bo);
			goto out;
		}
		if (bind->flags & DSA_PTE_W)
			to_dsa_vm_bo(bind->vm_bo)->writes = true;
		/* Submits lock only what is shared, not all that is mapped. */
		if (bind->bo->shared)
			drm_gpuvm_bo_extobj_add(bind->vm_bo);
	}
	dsa_bind_apply(bind, op);
	if (bind->bo)
		drm_gpuvm_bo_put(bind->vm_bo);
out:
	/* Drops the references that kept unmapped objects up to here. */
	drm_exec_fini(&exec);
	return ret;
}

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
	case DRM_DSA_BIND_UNMAP:
		return op->flags || op->handle || op->bo_offset ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int dsa_bind_one(struct dsa_vm *vm, struct drm_file *file, const struct drm_dsa_bind_op *op)
{
	struct dsa_bind bind = { .vm = vm };
	struct drm_gem_object *obj = NULL;
	int ret;

	ret = dsa_bind_check(op);
	if (ret)
		return ret;
	if (op->op == DRM_DSA_BIND_MAP) {
		obj = drm_gem_object_lookup(file, op->handle);
		if (!obj)
			return -ENOENT;
		if (op->bo_offset >= obj->size || op->range > obj->size - op->bo_offset) {
			drm_gem_object_put(obj);
			return -EINVAL;
		}
		bind.bo = to_dsa_bo(obj);
		bind.flags = (op->flags & DRM_DSA_BIND_READ ? DSA_PTE_R : 0) |
			     (op->flags & DRM_DSA_BIND_WRITE ? DSA_PTE_W : 0) |
			     (op->flags & DRM_DSA_BIND_EXEC ? DSA_PTE_X : 0);
	}

	mutex_lock(&vm->lock);
	dsa_pt_update_init(&bind.pt, &vm->tree, op->va, op->range);
	ret = vm->dead ? -ENOENT : dsa_bind_run(&bind, op);
	dsa_bind_free(&bind);
	mutex_unlock(&vm->lock);

	if (obj)
		drm_gem_object_put(obj);
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
	struct drm_dsa_bind_op op;
	int idx, ret;

	ret = dsa_bind_copy_op(args, args->done, &op);
	if (ret)
		return ret;
	if (fatal_signal_pending(current))
		return -EINTR;
	ret = dsa_device_enter(vm->dsa, &idx);
	if (ret)
		return ret;
	ret = dsa_bind_one(vm, file, &op);
	drm_dev_exit(idx);
	return ret;
}

int dsa_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_vm_bind *args = data;
	struct dsa_vm *vm;
	u64 end;
	int ret = 0;

	args->done = 0;
	if (args->flags || args->pad || !args->op_count ||
	    args->op_stride < offsetofend(struct drm_dsa_bind_op, range) ||
	    args->op_stride > DSA_OP_STRIDE_MAX || !IS_ALIGNED(args->op_stride, 8) ||
	    check_add_overflow(args->ops, (u64)args->op_count * args->op_stride, &end))
		return -EINVAL;
	vm = dsa_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm)
		return -ENOENT;
	while (!ret && args->done < args->op_count) {
		ret = dsa_bind_next(vm, file, args);
		if (!ret)
			args->done++;
		cond_resched();
	}
	dsa_vm_put(vm);
	return ret;
}
