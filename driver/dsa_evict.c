// SPDX-License-Identifier: GPL-2.0
/*
 * Moving buffer objects out of HBM when it is full, and back when there is
 * room.
 *
 * The fences of jobs and of pending binds are in the reservation object of
 * their address space. Who holds the reservations of an object and of all
 * address spaces that map it, and has seen them idle, has the object to
 * itself: nobody can submit, bind or fault it in. Then it is copied, and the
 * page tables are changed to the new place. Running contexts notice nothing.
 *
 * Nothing waits for jobs with reservations held: a job may wait for another
 * that is not submitted yet. So what never idles is not moved.
 */

#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/shmem_fs.h>

#include <drm/drm_cache.h>
#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_managed.h>
#include <drm/drm_vma_manager.h>

#include "dsa_evict.h"
#include "dsa_gem.h"
#include "dsa_vm.h"

/* How long whoever needs HBM waits for one object to idle. */
#define DSA_EVICT_WAIT	msecs_to_jiffies(500)

/**
 * enum dsa_evict_effort - Which objects may go.
 * @DSA_EVICT_OLD: idle ones that were not used since the last look.
 * @DSA_EVICT_IDLE: all idle ones.
 * @DSA_EVICT_BUSY: also those that idle soon.
 */
enum dsa_evict_effort {
	DSA_EVICT_OLD,
	DSA_EVICT_IDLE,
	DSA_EVICT_BUSY,
};

/**
 * struct dsa_move_va - One mapping of an object that moves.
 * @link: in the list of the move.
 * @vm: where.
 * @va: which.
 * @pt: the change of the page tables.
 */
struct dsa_move_va {
	struct list_head link;
	struct dsa_vm *vm;
	struct dsa_va *va;
	struct dsa_pt_update pt;
};

static bool dsa_bo_idle(struct dsa_bo *bo)
{
	bool idle = dma_resv_test_signaled(bo->base.base.resv, DMA_RESV_USAGE_BOOKKEEP);
	struct drm_gpuvm_bo *vm_bo = NULL;

	/* What user-mode queues do shows in no fence. */
	while ((vm_bo = dsa_next_vm_bo(bo, vm_bo)))
		idle = idle && !to_dsa_vm(vm_bo->vm)->user_queues &&
		       dma_resv_test_signaled(drm_gpuvm_resv(vm_bo->vm), DMA_RESV_USAGE_BOOKKEEP);
	return idle;
}

/* Without reservations. Others may use the object again at once. */
static int dsa_bo_wait_idle(struct dsa_bo *bo)
{
	long left = dma_resv_wait_timeout(bo->base.base.resv, DMA_RESV_USAGE_BOOKKEEP, true,
					  DSA_EVICT_WAIT);
	struct drm_gpuvm_bo *vm_bo = NULL;

	while ((vm_bo = dsa_next_vm_bo(bo, vm_bo))) {
		if (left > 0)
			left = dma_resv_wait_timeout(drm_gpuvm_resv(vm_bo->vm),
						     DMA_RESV_USAGE_BOOKKEEP, true, left);
	}
	return left > 0 ? 0 : left ?: -EBUSY;
}

/* ---- moving ---- */

/* Others know where it is. */
static bool dsa_bo_pinned(const struct dsa_bo *bo)
{
	return bo->shared;
}

/* A page from or to HBM; @offset is that of the page in the object. */
static void dsa_move_page(struct dsa_device *dsa, const struct dsa_place *hbm,
			  const struct dsa_place *system, u64 offset, bool out)
{
	const struct dsa_extent *ext = dsa_place_extent(hbm, offset);
	void __iomem *io = dsa->hbm.io + ext->addr + (offset - ext->offset);
	void *page = kmap_local_page(system->pages[offset >> PAGE_SHIFT]);
	struct iosys_map from = IOSYS_MAP_INIT_VADDR_IOMEM(io);
	struct iosys_map to = IOSYS_MAP_INIT_VADDR(page);

	if (out)
		drm_memcpy_from_wc(&to, &from, PAGE_SIZE);
	else
		__iowrite64_copy(io, page, PAGE_SIZE / sizeof(u64));
	kunmap_local(page);
}

static int dsa_move_copy(struct dsa_bo *bo, const struct dsa_place *to)
{
	const struct dsa_place *from = bo->place;
	u64 offset;

	if (!to->hbm)
		dma_sync_sgtable_for_cpu(bo->dsa->drm.dev, to->sgt, DMA_BIDIRECTIONAL);
	else
		dma_sync_sgtable_for_cpu(bo->dsa->drm.dev, from->sgt, DMA_BIDIRECTIONAL);
	for (offset = 0; offset < bo->base.base.size; offset += PAGE_SIZE) {
		dsa_move_page(bo->dsa, to->hbm ? to : from, to->hbm ? from : to, offset, !to->hbm);
		if (!(offset & (SZ_1M - 1))) {
			cond_resched();
			if (fatal_signal_pending(current))
				return -EINTR;
			if (READ_ONCE(bo->dsa->error))
				return READ_ONCE(bo->dsa->error);
		}
	}
	if (!to->hbm)
		dma_sync_sgtable_for_device(bo->dsa->drm.dev, to->sgt, DMA_BIDIRECTIONAL);
	wmb();	/* the content before any page table that points to it */
	return 0;
}

static int dsa_move_prepare_vm(struct drm_gpuvm_bo *vm_bo, const struct dsa_place *to,
			       struct list_head *vas)
{
	struct dsa_vm *vm = to_dsa_vm(vm_bo->vm);
	struct drm_gpuva *va;
	int ret;

	drm_gpuvm_bo_for_each_va(va, vm_bo) {
		struct dsa_move_va *m = kzalloc(sizeof(*m), GFP_KERNEL);

		if (!m)
			return -ENOMEM;
		m->vm = vm;
		m->va = container_of(va, struct dsa_va, base);
		dsa_pt_update_init(&m->pt, &vm->tree, va->va.addr, va->va.range);
		list_add_tail(&m->link, vas);
		ret = dsa_pt_update_reserve(&m->pt, to, va->gem.offset, true);
		if (ret)
			return ret;
	}
	return 0;
}

static int dsa_move_prepare(struct dsa_bo *bo, const struct dsa_place *to, struct list_head *vas)
{
	struct drm_gpuvm_bo *vm_bo = NULL;
	int ret = 0;

	while ((vm_bo = dsa_next_vm_bo(bo, vm_bo))) {
		if (!ret)
			ret = dsa_move_prepare_vm(vm_bo, to, vas);
	}
	return ret;
}

static void dsa_move_apply(struct dsa_bo *bo, const struct dsa_place *to, struct list_head *vas)
{
	struct dsa_move_va *m;

	list_for_each_entry(m, vas, link) {
		const struct drm_gpuva *va = &m->va->base;

		mutex_lock(&m->vm->map_lock);
		dsa_pt_update_clear(&m->pt, va->va.addr, va->va.range);
		dsa_pt_update_map(&m->pt, to, va->gem.offset, va->va.addr, va->va.range,
				  m->va->flags);
		dsa_pt_update_commit(&m->pt);
		mutex_unlock(&m->vm->map_lock);
	}
}

static void dsa_move_free(struct list_head *vas)
{
	struct dsa_move_va *m, *next;

	list_for_each_entry_safe(m, next, vas, link) {
		dsa_pt_update_fini(&m->pt);
		kfree(m);
	}
}

/* The object and the address spaces are locked and idle. */
static int dsa_move_to(struct dsa_bo *bo, struct dsa_place *to)
{
	struct drm_gem_object *obj = &bo->base.base;
	LIST_HEAD(vas);
	int ret;

	ret = dsa_move_prepare(bo, to, &vas);
	if (!ret) {
		/* Who accesses it from now on waits for the reservation. */
		drm_vma_node_unmap(&obj->vma_node, obj->dev->anon_inode->i_mapping);
		ret = dsa_move_copy(bo, to);
	}
	if (!ret) {
		dsa_move_apply(bo, to, &vas);
		swap(bo->place, to);
		WRITE_ONCE(bo->out, !bo->place->hbm);
	}
	dsa_move_free(&vas);
	dsa_place_free(bo->dsa, obj, to);
	/* Pages are of no more use. */
	if (bo->place->hbm)
		shmem_truncate_range(file_inode(obj->filp), 0, (loff_t)-1);
	return ret;
}

static int dsa_move_locked(struct dsa_bo *bo, bool to_hbm)
{
	struct dsa_place *to;

	dma_resv_assert_held(bo->base.base.resv);
	if (bo->place->hbm == to_hbm)
		return -EALREADY;
	if (dsa_bo_pinned(bo) || !dsa_bo_idle(bo))
		return -EBUSY;
	if (to_hbm)
		to = dsa_place_alloc_hbm(bo->dsa, bo->base.base.size, false);
	else
		to = dsa_place_alloc_system(bo->dsa, &bo->base.base);
	return IS_ERR(to) ? PTR_ERR(to) : dsa_move_to(bo, to);
}

/* Moves an object that is idle, or that becomes so when it is waited for. */
static int dsa_move(struct dsa_bo *bo, bool to_hbm, bool wait)
{
	struct drm_exec exec;
	int ret = wait ? dsa_bo_wait_idle(bo) : 0;

	if (ret)
		return ret;
	ret = dsa_bo_lock_all(bo, &exec);
	if (!ret)
		ret = dsa_move_locked(bo, to_hbm);
	drm_exec_fini(&exec);
	return ret;
}

/* ---- which ---- */

/* The first of @list, which becomes the last, with a reference; NULL if it is going away. */
static struct dsa_bo *dsa_evict_rotate(struct dsa_evict *evict, struct list_head *list)
{
	struct dsa_bo *bo;

	spin_lock(&evict->lock);
	bo = list_first_entry_or_null(list, struct dsa_bo, lru);
	if (bo) {
		list_move_tail(&bo->lru, list);
		if (!kref_get_unless_zero(&bo->base.base.refcount))
			bo = NULL;
	}
	spin_unlock(&evict->lock);
	return bo;
}

static size_t dsa_evict_count(struct dsa_evict *evict, struct list_head *list)
{
	size_t count;

	spin_lock(&evict->lock);
	count = list_count_nodes(list);
	spin_unlock(&evict->lock);
	return count;
}

/* Has it been used since it was looked at last? */
static bool dsa_bo_used(struct dsa_bo *bo)
{
	struct drm_gpuvm_bo *vm_bo = NULL;
	bool was_used;
	u64 used = 0;

	while ((vm_bo = dsa_next_vm_bo(bo, vm_bo)))
		used = max(used, (u64)atomic64_read(&to_dsa_vm(vm_bo->vm)->used));
	spin_lock(&bo->dsa->evict.lock);
	was_used = used > bo->used;
	bo->used = max(bo->used, used);
	spin_unlock(&bo->dsa->evict.lock);
	return was_used;
}

static void dsa_evict_moved(struct dsa_bo *bo)
{
	struct dsa_evict *evict = &bo->dsa->evict;

	spin_lock(&evict->lock);
	if (!list_empty(&bo->lru))
		list_move_tail(&bo->lru, READ_ONCE(bo->out) ? &evict->out : &evict->in);
	spin_unlock(&evict->lock);
}

static int dsa_evict_try(struct dsa_bo *bo, enum dsa_evict_effort effort)
{
	int ret;

	if (effort == DSA_EVICT_OLD && dsa_bo_used(bo))
		return -EBUSY;
	ret = dsa_move(bo, false, effort == DSA_EVICT_BUSY);
	if (!ret)
		dsa_evict_moved(bo);
	return ret;
}

/* Makes one object leave HBM: 0, -ENOSPC when none can, -EINTR, -ENODEV. */
static int dsa_evict_one(struct dsa_device *dsa, enum dsa_evict_effort effort)
{
	size_t count = dsa_evict_count(&dsa->evict, &dsa->evict.in);
	struct dsa_bo *bo;
	int ret;

	for (; count; count--) {
		bo = dsa_evict_rotate(&dsa->evict, &dsa->evict.in);
		if (!bo)
			continue;
		ret = dsa_evict_try(bo, effort);
		drm_gem_object_put(&bo->base.base);
		if (!ret || ret == -EINTR || ret == -ERESTARTSYS || ret == -ENODEV || ret == -EIO)
			return ret;
		cond_resched();
	}
	return -ENOSPC;
}

/**
 * dsa_evict_alloc_hbm - Allocate HBM for which others may have to go.
 * @dsa: the device, inside drm_dev_enter(); no reservation is held.
 * @size: bytes.
 * @blocks: receives the blocks.
 *
 * Return: 0, -ENOSPC, -ENOMEM, -EINTR, or &dsa_device.error.
 */
int dsa_evict_alloc_hbm(struct dsa_device *dsa, u64 size, struct list_head *blocks)
{
	enum dsa_evict_effort effort = DSA_EVICT_OLD;
	int ret;

	for (;;) {
		int freed;

		ret = dsa_hbm_alloc(dsa, size, 0, blocks);
		if (ret != -ENOSPC || size > dsa->hbm.size)
			return ret;
		freed = dsa_evict_one(dsa, effort);
		if (freed == -ENOSPC && effort < DSA_EVICT_BUSY)
			effort++;
		else if (freed)
			return freed;
	}
}

/* ---- back ---- */

static bool dsa_evict_has_room(struct dsa_device *dsa, u64 size)
{
	u64 total, avail;

	dsa_hbm_usage(dsa, &total, &avail);
	return size <= avail;
}

/* Brings back what fits, those first that left last. */
static void dsa_evict_restore(struct work_struct *work)
{
	struct dsa_evict *evict = container_of(work, struct dsa_evict, restore_work);
	struct dsa_device *dsa = container_of(evict, struct dsa_device, evict);
	size_t count = dsa_evict_count(evict, &evict->out);
	struct dsa_bo *bo;
	int idx;

	for (; count && !dsa_device_enter(dsa, &idx); count--) {
		bo = dsa_evict_rotate(evict, &evict->out);
		if (bo) {
			if (dsa_evict_has_room(dsa, bo->base.base.size) &&
			    !dsa_move(bo, true, true))
				dsa_evict_moved(bo);
			drm_gem_object_put(&bo->base.base);
		}
		dsa_device_exit(dsa, idx);
		cond_resched();
	}
}

/**
 * dsa_evict_kick - There is more room in HBM than there was.
 * @dsa: the device.
 */
void dsa_evict_kick(struct dsa_device *dsa)
{
	if (!list_empty_careful(&dsa->evict.out))
		queue_work(dsa->evict.wq, &dsa->evict.restore_work);
}

/* ---- what is where ---- */

/**
 * dsa_evict_touch_vm - An address space is being used.
 * @vm: the address space.
 */
void dsa_evict_touch_vm(struct dsa_vm *vm)
{
	atomic64_set(&vm->used, atomic64_inc_return(&vm->dsa->evict.clock));
}

/**
 * dsa_evict_add - An object in HBM is complete.
 * @bo: the object.
 */
void dsa_evict_add(struct dsa_bo *bo)
{
	struct dsa_evict *evict = &bo->dsa->evict;

	spin_lock(&evict->lock);
	bo->used = atomic64_read(&evict->clock);
	list_add_tail(&bo->lru, &evict->in);
	spin_unlock(&evict->lock);
}

/**
 * dsa_evict_forget - An object is going away.
 * @bo: the object, added or not.
 */
void dsa_evict_forget(struct dsa_bo *bo)
{
	spin_lock(&bo->dsa->evict.lock);
	list_del_init(&bo->lru);
	spin_unlock(&bo->dsa->evict.lock);
}

static void dsa_evict_fini(struct drm_device *drm, void *arg)
{
	struct dsa_evict *evict = arg;

	destroy_workqueue(evict->wq);
}

int dsa_evict_init(struct dsa_device *dsa)
{
	struct dsa_evict *evict = &dsa->evict;

	spin_lock_init(&evict->lock);
	INIT_LIST_HEAD(&evict->in);
	INIT_LIST_HEAD(&evict->out);
	INIT_WORK(&evict->restore_work, dsa_evict_restore);
	evict->wq = alloc_workqueue("dsa-evict", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!evict->wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&dsa->drm, dsa_evict_fini, evict);
}
