// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a process as buffer objects.
 *
 * Nothing is pinned. A submit finds the pages of all such objects that its
 * address space maps, and enters them into the page tables. When the kernel
 * wants to move or drop pages the notifier waits for the jobs that may use
 * them, takes the pages out of the page tables, and the next submit finds them
 * anew. Where there are no pages to be found the page tables stay empty: a job
 * that gets there faults.
 *
 * A job's fence is in the object's reservation before the notifier can say
 * that the pages have gone: &dsa_device.userptr_lock.
 */

#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/hmm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>

#include "dsa_gem.h"
#include "dsa_userptr.h"
#include "dsa_vm.h"

/* Jobs that take longer may fault: the kernel, too, needs its memory at some time. */
#define DSA_USERPTR_WAIT	(5 * HZ)
/* Pages that are looked for with the process's memory locked. */
#define DSA_FAULT_PAGES		4096ul

static unsigned long dsa_userptr_pages(const struct dsa_userptr *u)
{
	return u->bo->base.base.size >> PAGE_SHIFT;
}

static enum dma_data_direction dsa_userptr_dir(const struct dsa_userptr *u)
{
	return u->read_only ? DMA_TO_DEVICE : DMA_BIDIRECTIONAL;
}

/* ---- pages and page tables ---- */

/* Enters into all page tables what is known of the pages. */
static void dsa_userptr_refresh(struct dsa_userptr *u)
{
	struct drm_gpuvm_bo *vm_bo = NULL;
	struct drm_gpuva *va;

	lockdep_assert_held(&u->lock);
	while ((vm_bo = dsa_next_vm_bo(u->bo, vm_bo))) {
		struct dsa_vm *vm = to_dsa_vm(vm_bo->vm);

		mutex_lock(&vm->map_lock);
		mutex_lock(dsa_gpuva_lock(&u->bo->base.base));
		drm_gpuvm_bo_for_each_va(va, vm_bo)
			dsa_pt_refresh(&vm->tree, u->bo->place, va->gem.offset, va->va.addr,
				       va->va.range, container_of(va, struct dsa_va, base)->flags);
		mutex_unlock(dsa_gpuva_lock(&u->bo->base.base));
		mutex_unlock(&vm->map_lock);
	}
}

static void dsa_userptr_unmap(struct dsa_userptr *u, unsigned long count)
{
	struct device *dev = u->bo->dsa->drm.dev;
	unsigned long i;

	for (i = 0; i < count; i++)
		dma_unmap_page(dev, u->bo->place->user[i], PAGE_SIZE, dsa_userptr_dir(u));
}

static int dsa_userptr_map(struct dsa_userptr *u, const unsigned long *pfns)
{
	struct device *dev = u->bo->dsa->drm.dev;
	dma_addr_t *user = u->bo->place->user;
	unsigned long i;

	for (i = 0; i < dsa_userptr_pages(u); i++) {
		user[i] = dma_map_page(dev, hmm_pfn_to_page(pfns[i]), 0, PAGE_SIZE,
				       dsa_userptr_dir(u));
		if (dma_mapping_error(dev, user[i])) {
			dsa_userptr_unmap(u, i);
			return -EIO;
		}
	}
	return 0;
}

/* Takes the pages from the device. */
static void dsa_userptr_drop(struct dsa_userptr *u)
{
	struct dsa_place *place = u->bo->place;

	lockdep_assert_held(&u->lock);
	if (!place->user_there)
		return;
	/* A bind that still sees them is done before its page tables are refreshed. */
	WRITE_ONCE(place->user_there, false);
	dsa_userptr_refresh(u);
	dsa_userptr_unmap(u, dsa_userptr_pages(u));
}

/* Gives the pages to the device, unless they are no longer the process's. */
static int dsa_userptr_enter(struct dsa_userptr *u, const unsigned long *pfns, unsigned long seq)
{
	int ret;

	lockdep_assert_held(&u->lock);
	/* A notifier that comes from now on waits for @lock before the pages go. */
	if (mmu_interval_read_retry(&u->notifier, seq))
		return -EBUSY;
	dsa_userptr_drop(u);
	ret = dsa_userptr_map(u, pfns);
	if (ret)
		return ret;
	/* Pairs with dsa_pt_user_entry(): after the addresses. */
	smp_store_release(&u->bo->place->user_there, true);
	dsa_userptr_refresh(u);
	return 0;
}

/* ---- the process ---- */

static bool dsa_userptr_invalidate(struct mmu_interval_notifier *notifier,
				   const struct mmu_notifier_range *range, unsigned long seq)
{
	struct dsa_userptr *u = container_of(notifier, struct dsa_userptr, notifier);
	struct dsa_device *dsa = u->bo->dsa;

	if (!mmu_notifier_range_blockable(range))
		return false;
	down_write(&dsa->userptr_lock);
	mmu_interval_set_seq(notifier, seq);
	u->valid = false;
	u->attempt = 0;
	up_write(&dsa->userptr_lock);

	/* What a process unmaps it does not want to wait for. */
	if (range->event != MMU_NOTIFY_UNMAP && range->event != MMU_NOTIFY_RELEASE)
		dma_resv_wait_timeout(u->bo->base.base.resv, DMA_RESV_USAGE_BOOKKEEP, false,
				      DSA_USERPTR_WAIT);
	mutex_lock(&u->lock);
	dsa_userptr_drop(u);
	mutex_unlock(&u->lock);
	return true;
}

static const struct mmu_interval_notifier_ops dsa_userptr_notifier_ops = {
	.invalidate = dsa_userptr_invalidate,
};

/* -EFAULT, -EPERM: there are none. -EBUSY: they change just now. */
static int dsa_userptr_fault(struct dsa_userptr *u, unsigned long *pfns, unsigned long seq)
{
	struct mm_struct *mm = u->notifier.mm;
	unsigned long start = u->notifier.interval_tree.start, pages = dsa_userptr_pages(u), i, n;
	int ret = 0;

	for (i = 0; i < pages && !ret; i += n) {
		struct hmm_range range = {
			.notifier = &u->notifier,
			.notifier_seq = seq,
			.start = start + (i << PAGE_SHIFT),
			.hmm_pfns = pfns + i,
			.default_flags = HMM_PFN_REQ_FAULT |
					 (u->read_only ? 0 : HMM_PFN_REQ_WRITE),
		};

		n = min(pages - i, DSA_FAULT_PAGES);
		range.end = range.start + (n << PAGE_SHIFT);
		mmap_read_lock(mm);
		ret = hmm_range_fault(&range);
		mmap_read_unlock(mm);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
	}
	return ret;
}

/* Finds the pages once. */
static int dsa_userptr_find_once(struct dsa_userptr *u, unsigned long *pfns, u64 attempt)
{
	unsigned long seq = mmu_interval_read_begin(&u->notifier);
	int ret = dsa_userptr_fault(u, pfns, seq);

	mutex_lock(&u->lock);
	if (!ret)
		ret = dsa_userptr_enter(u, pfns, seq);
	down_read(&u->bo->dsa->userptr_lock);
	if (mmu_interval_read_retry(&u->notifier, seq)) {
		ret = -EBUSY;
	} else {
		u->valid = !ret;
		u->attempt = max(u->attempt, attempt);
	}
	up_read(&u->bo->dsa->userptr_lock);
	mutex_unlock(&u->lock);
	return ret;
}

static int dsa_userptr_find_pages(struct dsa_userptr *u, unsigned long *pfns, u64 attempt)
{
	unsigned long end = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret = 0;

	/* The process may be gone, while others have the object. */
	if (!mmget_not_zero(u->notifier.mm)) {
		down_read(&u->bo->dsa->userptr_lock);
		u->attempt = max(u->attempt, attempt);
		up_read(&u->bo->dsa->userptr_lock);
		return -EFAULT;
	}
	do {
		ret = dsa_userptr_find_once(u, pfns, attempt);
		if (ret == -EBUSY && signal_pending(current))
			ret = -EINTR;
	} while (ret == -EBUSY && time_before(jiffies, end));
	mmput(u->notifier.mm);
	return ret;
}

/**
 * dsa_userptr_find - Let the device use what the process has.
 * @bo: memory of a process.
 * @attempt: from dsa_userptr_attempt().
 *
 * Return: 0; -EFAULT or -EPERM when the process does not have it, or not for
 * writing: then the device does not either; -EBUSY when they do not stop
 * changing; -ENOMEM, -EINTR, -EIO.
 */
int dsa_userptr_find(struct dsa_bo *bo, u64 attempt)
{
	struct dsa_userptr *u = bo->userptr;
	unsigned long *pfns;
	int ret;

	pfns = kvcalloc(dsa_userptr_pages(u), sizeof(*pfns),
			GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!pfns)
		return -ENOMEM;
	mutex_lock(&u->fault_lock);
	ret = dsa_userptr_find_pages(u, pfns, attempt);
	mutex_unlock(&u->fault_lock);
	kvfree(pfns);
	return ret;
}

/* A number for a submit, by which it knows what it has already looked for. */
u64 dsa_userptr_attempt(struct dsa_device *dsa)
{
	return atomic64_inc_return(&dsa->userptr_attempt);
}

/**
 * dsa_userptr_stale - Look for memory of processes whose pages have to be found first.
 * @exec: what is locked for a submit.
 * @dsa: the device; &dsa_device.userptr_lock is held.
 * @attempt: of the submit.
 *
 * Return: one, with a reference, or NULL.
 */
struct dsa_bo *dsa_userptr_stale(struct drm_exec *exec, struct dsa_device *dsa, u64 attempt)
{
	struct drm_gem_object *obj;

	lockdep_assert_held(&dsa->userptr_lock);
	drm_exec_for_each_locked_object(exec, obj) {
		struct dsa_userptr *u;

		/* The address space's own object has no more to it. */
		if (obj->funcs->free != dsa_bo_free)
			continue;
		u = to_dsa_bo(obj)->userptr;
		if (u && !u->valid && u->attempt < attempt) {
			drm_gem_object_get(obj);
			return u->bo;
		}
	}
	return NULL;
}

/* ---- lifetime ---- */

static void dsa_userptr_free_work(struct work_struct *work)
{
	struct dsa_userptr *u = container_of(work, struct dsa_userptr, free_work);
	struct drm_gem_object *obj = &u->bo->base.base;
	struct dsa_bo *bo = u->bo;
	struct dsa_device *dsa = bo->dsa;

	mmu_interval_notifier_remove(&u->notifier);
	mutex_lock(&u->lock);
	dsa_userptr_drop(u);
	mutex_unlock(&u->lock);
	dsa_place_free(dsa, obj, bo->place);
	drm_gem_object_release(obj);
	mutex_destroy(&u->lock);
	mutex_destroy(&u->fault_lock);
	mutex_destroy(&bo->gpuva_lock);
	kfree(u);
	kfree(bo);
	drm_dev_put(&dsa->drm);
}

/**
 * dsa_userptr_free - Free memory of a process as an object, later.
 * @bo: the last reference.
 */
void dsa_userptr_free(struct dsa_bo *bo)
{
	queue_work(dsa_release_wq, &bo->userptr->free_work);
}

/**
 * dsa_userptr_release - Take memory of a process from a device that is being unbound.
 * @bo: the object.
 */
void dsa_userptr_release(struct dsa_bo *bo)
{
	mutex_lock(&bo->userptr->lock);
	dsa_userptr_drop(bo->userptr);
	mutex_unlock(&bo->userptr->lock);
}

static struct dsa_userptr *dsa_userptr_alloc(struct dsa_bo *bo, u64 address, bool read_only)
{
	struct dsa_userptr *u = kzalloc(sizeof(*u), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!u)
		return ERR_PTR(-ENOMEM);
	u->bo = bo;
	u->read_only = read_only;
	mutex_init(&u->fault_lock);
	mutex_init(&u->lock);
	INIT_WORK(&u->free_work, dsa_userptr_free_work);
	ret = mmu_interval_notifier_insert(&u->notifier, current->mm, address, bo->base.base.size,
					   &dsa_userptr_notifier_ops);
	if (ret) {
		kfree(u);
		return ERR_PTR(ret);
	}
	return u;
}

static int dsa_userptr_init(struct dsa_bo *bo, u64 address, bool read_only)
{
	struct dsa_userptr *u;

	bo->place = dsa_place_alloc_user(bo->base.base.size);
	if (IS_ERR(bo->place)) {
		int ret = PTR_ERR(bo->place);

		bo->place = NULL;
		return ret;
	}
	u = dsa_userptr_alloc(bo, address, read_only);
	if (IS_ERR(u))
		return PTR_ERR(u);
	bo->userptr = u;
	drm_dev_get(&bo->dsa->drm);
	/* Says at once what is wrong with it. */
	return dsa_userptr_find(bo, dsa_userptr_attempt(bo->dsa));
}

static int dsa_userptr_create(struct drm_device *drm, struct drm_dsa_bo_userptr *args,
			      struct drm_file *file)
{
	struct drm_gem_object *obj = dsa_gem_create_object(drm, args->size);
	struct dsa_device *dsa = to_dsa_device(drm);
	int ret;

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	drm_gem_private_object_init(drm, obj, args->size);
	ret = dsa_userptr_init(to_dsa_bo(obj), args->address,
			       args->flags & DRM_DSA_USERPTR_READONLY);
	if (!ret) {
		mutex_lock(&dsa->bo_lock);
		list_add_tail(&to_dsa_bo(obj)->link, &dsa->bos);
		mutex_unlock(&dsa->bo_lock);
		ret = drm_gem_handle_create(file, obj, &args->handle);
	}
	drm_gem_object_put(obj);
	return ret;
}

int dsa_ioctl_bo_userptr(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_bo_userptr *args = data;
	int idx, ret;

	if (args->flags & ~DRM_DSA_USERPTR_READONLY || !args->size ||
	    !PAGE_ALIGNED(args->address | args->size))
		return -EINVAL;
	if (!access_ok(u64_to_user_ptr(args->address), args->size))
		return -EFAULT;
	ret = dsa_device_enter(to_dsa_device(drm), &idx);
	if (ret)
		return ret;
	ret = dsa_userptr_create(drm, args, file);
	dsa_device_exit(to_dsa_device(drm), idx);
	return ret;
}
