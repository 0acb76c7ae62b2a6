/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_VM_H
#define DSA_VM_H

#include <linux/dma-resv.h>

#include <drm/drm_gpuvm.h>

#include "dsa_mmu.h"

struct drm_exec;
struct dsa_bo;

/**
 * struct dsa_bind_timeline - What fences of asynchronous binds need, which may outlive all else.
 * @ref: the address space, and each fence.
 * @context: of the fences.
 * @seqno: last fence.
 * @free_work: runs when @ref is zero.
 */
struct dsa_bind_timeline {
	struct kref ref;
	/** @lock: of the fences; protects @seqno and the lists of &struct dsa_vm. */
	spinlock_t lock;
	u64 context;
	u64 seqno;
	struct work_struct free_work;
};

/**
 * struct dsa_vm - An address space of a client.
 * @base: what is mapped where; protected by @map_lock.
 * @dsa: the device.
 * @tree: page tables; protected by @map_lock.
 * @dead: no more binds; protected by @lock.
 * @used: &dsa_evict.clock at the last submit.
 * @user_queues: user-mode queues that execute here; under the reservation of @base.
 * @has_userptr: memory of a process has been bound here, which moves when that
 *               pleases: no user-mode queues. Under the reservation of @base.
 * @timeline: of asynchronous binds.
 * @binds: asynchronous binds that are not applied yet, in order.
 * @binds_done: those that are, and have to be freed.
 * @binds_killed: what is in @binds fails. These three are protected by
 *                &dsa_bind_timeline.lock.
 * @bind_work: applies @binds.
 * @reap_work: frees @binds_done.
 * @queues: queues that execute here.
 * @queues_dead: no more queues.
 *
 * Who changes mappings or tables holds the reservation of @base and has seen
 * that @binds is empty; or is @bind_work, which has no need of either: while
 * @binds is not empty nobody else changes anything. So what was prepared under
 * the reservation still fits when it is applied under @map_lock.
 */
struct dsa_vm {
	struct drm_gpuvm base;
	struct dsa_device *dsa;
	/** @lock: keeps binds in order; outermost. */
	struct mutex lock;
	/** @map_lock: inside the reservations; nothing is allocated under it. */
	struct mutex map_lock;
	struct dsa_pt_tree tree;
	bool dead;
	atomic64_t used;
	unsigned int user_queues;
	bool has_userptr;

	struct dsa_bind_timeline *timeline;
	struct list_head binds;
	struct list_head binds_done;
	bool binds_killed;
	struct work_struct bind_work;
	struct work_struct reap_work;

	/** @queue_lock: protects @queues and @queues_dead. */
	struct mutex queue_lock;
	struct list_head queues;
	bool queues_dead;
};

/**
 * struct dsa_va - One mapping.
 * @base: range and object.
 * @flags: DSA_PTE_R, DSA_PTE_W, DSA_PTE_X.
 * @link: among those that came out of use; then the reference on
 *        &drm_gpuva.vm_bo is still there.
 */
struct dsa_va {
	struct drm_gpuva base;
	u64 flags;
	struct list_head link;
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

struct drm_gpuvm_bo *dsa_next_vm_bo(struct dsa_bo *bo, struct drm_gpuvm_bo *vm_bo);
void dsa_vm_bo_done(struct dsa_bo *bo, struct drm_gpuvm_bo *vm_bo);
int dsa_bo_lock_all(struct dsa_bo *bo, struct drm_exec *exec);
int dsa_vm_add_user_queue(struct dsa_vm *vm);
void dsa_vm_drop_user_queue(struct dsa_vm *vm);

int dsa_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int dsa_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);

/* dsa_bind.c */
struct dsa_bind_timeline *dsa_bind_timeline_create(void);
void dsa_bind_timeline_put(struct dsa_bind_timeline *timeline);
void dsa_bind_queue_init(struct dsa_vm *vm);
void dsa_bind_queue_kill(struct dsa_vm *vm);
void dsa_vm_forget_all(struct dsa_vm *vm, struct list_head *gone);
void dsa_va_free_list(struct list_head *gone);
int dsa_vm_step_map(struct drm_gpuva_op *op, void *priv);
int dsa_vm_step_remap(struct drm_gpuva_op *op, void *priv);
int dsa_vm_step_unmap(struct drm_gpuva_op *op, void *priv);
int dsa_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_VM_H */
