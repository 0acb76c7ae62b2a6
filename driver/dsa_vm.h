/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_VM_H
#define DSA_VM_H

#include <linux/dma-resv.h>

#include <drm/drm_gpuvm.h>

#include "dsa_mmu.h"

/**
 * struct dsa_vm - An address space of a client.
 * @base: what is mapped where; protected by @lock.
 * @dsa: the device.
 * @tree: page tables; protected by @lock.
 * @dead: no more changes; protected by @lock.
 * @queues: queues that execute here.
 * @queues_dead: no more queues.
 */
struct dsa_vm {
	struct drm_gpuvm base;
	struct dsa_device *dsa;
	/** @lock: serialises changes; before any reservation lock and &dsa_device.hw_lock. */
	struct mutex lock;
	struct dsa_pt_tree tree;
	bool dead;
	/** @queue_lock: protects @queues and @queues_dead. */
	struct mutex queue_lock;
	struct list_head queues;
	bool queues_dead;
};

/**
 * struct dsa_va - One mapping.
 * @base: range and object.
 * @flags: DSA_PTE_R, DSA_PTE_W, DSA_PTE_X.
 */
struct dsa_va {
	struct drm_gpuva base;
	u64 flags;
};

/**
 * struct dsa_vm_bo - An object in an address space.
 * @base: the two.
 * @writes: the device was ever allowed to write it here; under the object's reservation.
 */
struct dsa_vm_bo {
	struct drm_gpuvm_bo base;
	bool writes;
};

static inline struct dsa_vm_bo *to_dsa_vm_bo(struct drm_gpuvm_bo *vm_bo)
{
	return container_of(vm_bo, struct dsa_vm_bo, base);
}

static inline struct dsa_vm *to_dsa_vm(struct drm_gpuvm *gpuvm)
{
	return container_of(gpuvm, struct dsa_vm, base);
}

static inline void dsa_vm_put(struct dsa_vm *vm)
{
	if (vm)
		drm_gpuvm_put(&vm->base);
}

struct dsa_vm *dsa_vm_lookup(struct dsa_file *dfile, u32 id);
void dsa_vm_kill(struct dsa_vm *vm);
enum dma_resv_usage dsa_vm_usage(struct dsa_vm *vm, struct drm_gem_object *obj);

int dsa_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int dsa_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);

/* dsa_bind.c */
int dsa_vm_step_map(struct drm_gpuva_op *op, void *priv);
int dsa_vm_step_remap(struct drm_gpuva_op *op, void *priv);
int dsa_vm_step_unmap(struct drm_gpuva_op *op, void *priv);
int dsa_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_VM_H */
