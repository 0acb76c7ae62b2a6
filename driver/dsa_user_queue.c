// SPDX-License-Identifier: GPL-2.0
/*
 * User-mode queues: ring, fences and doorbell are the process's own.
 *
 * The ring and the fences are memory that the process has bound into the
 * queue's address space; the device reaches them there, so a packet can do no
 * more than a command. The doorbell page is mapped into the process. It submits
 * without the kernel, and sees fences in memory; who wants to sleep asks
 * DRM_IOCTL_DSA_WAIT_USER_FENCE.
 *
 * Nothing of this is a dma_fence: such a queue may run for as long as it
 * likes, and nobody else's progress depends on it. At its end, whatever the
 * reason, the doorbell is revoked: a page of plain memory takes its place, so
 * that a process that rings it meanwhile does no harm and comes to none.
 */

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>
#include <hw/dsa_ring.h>

#include "dsa_hw.h"
#include "dsa_queue.h"
#include "dsa_user_queue.h"
#include "dsa_vm.h"

/* Above all offsets of buffer objects: a page for each queue id. */
#define DSA_DOORBELL_OFFSET	BIT_ULL(56)

/* A lost interrupt costs no more than this. */
#define DSA_WAIT_LOOK		HZ

u64 dsa_user_queue_doorbell_offset(u32 id)
{
	return DSA_DOORBELL_OFFSET + (u64)id * PAGE_SIZE;
}

/* ---- lifetime ---- */

/**
 * dsa_user_queue_check - Check what a QUEUE_CREATE says about rings.
 * @drm: the device.
 * @args: the arguments.
 *
 * Return: 0, -EINVAL, or -EOPNOTSUPP when the hardware has no such queues.
 */
int dsa_user_queue_check(struct drm_device *drm, const struct drm_dsa_queue_create *args)
{
	u64 bytes;

	if (args->pad2 || args->doorbell_offset)
		return -EINVAL;
	if (!(args->flags & DRM_DSA_QUEUE_USER))
		return args->ring_va || args->ring_log2 ? -EINVAL : 0;
	if (args->ring_log2 < DSA_RING_MIN_LOG2 || args->ring_log2 > DSA_RING_MAX_LOG2)
		return -EINVAL;
	/* The device wants room for the largest ring, whatever this one's size. */
	bytes = (u64)DSA_RING_PACKET_SIZE << DSA_RING_MAX_LOG2;
	if (!IS_ALIGNED(args->ring_va, DSA_PAGE_SIZE) ||
	    args->ring_va > BIT_ULL(DSA_VA_BITS) - bytes)
		return -EINVAL;
	return dsa_has_version(to_dsa_device(drm), 2) ? 0 : -EOPNOTSUPP;
}

static struct dsa_user_queue *dsa_user_queue_alloc(const struct drm_dsa_queue_create *args)
{
	struct dsa_user_queue *user = kzalloc(sizeof(*user), GFP_KERNEL);

	if (!user)
		return NULL;
	user->dummy = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!user->dummy) {
		kfree(user);
		return NULL;
	}
	user->ring_va = args->ring_va;
	user->ring_log2 = args->ring_log2;
	init_waitqueue_head(&user->wait);
	mutex_init(&user->lock);
	return user;
}

static void dsa_user_queue_free(struct dsa_user_queue *user)
{
	mutex_destroy(&user->lock);
	__free_page(user->dummy);
	kfree(user);
}

int dsa_user_queue_init(struct dsa_queue *queue, const struct drm_dsa_queue_create *args)
{
	struct dsa_user_queue *user = dsa_user_queue_alloc(args);
	int ret;

	if (!user)
		return -ENOMEM;
	ret = dsa_vm_add_user_queue(queue->vm);
	if (ret)
		dsa_user_queue_free(user);
	else
		queue->user = user;
	return ret;
}

/* No mapping of the doorbell is left: each holds a reference on the queue. */
void dsa_user_queue_fini(struct dsa_queue *queue)
{
	if (queue->user)
		dsa_user_queue_free(queue->user);
	queue->user = NULL;
}

/* Any context. */
void dsa_user_queue_wake(struct dsa_queue *queue)
{
	wake_up_all(&queue->user->wait);
}

/**
 * dsa_user_queue_revoke - Take the doorbell from the process.
 * @queue: a queue that the device does not serve any more.
 */
void dsa_user_queue_revoke(struct dsa_queue *queue)
{
	struct dsa_user_queue *user = queue->user;

	mutex_lock(&user->lock);
	user->revoked = true;
	mutex_unlock(&user->lock);
	/* Whoever looked before has a mapping by now; queues of other files get theirs again. */
	unmap_mapping_range(queue->dsa->drm.anon_inode->i_mapping,
			    dsa_user_queue_doorbell_offset(queue->id), PAGE_SIZE, 1);
	dsa_user_queue_wake(queue);
}

/* ---- the doorbell ---- */

static unsigned long dsa_doorbell_pfn(struct dsa_queue *queue)
{
	struct pci_dev *pdev = to_pci_dev(queue->dsa->drm.dev);

	if (queue->user->revoked)
		return page_to_pfn(queue->user->dummy);
	return (pci_resource_start(pdev, DSA_BAR_DOORBELL) +
		DSA_DOORBELL(queue->hwq->index)) >> PAGE_SHIFT;
}

static vm_fault_t dsa_doorbell_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct dsa_queue *queue = vma->vm_private_data;
	vm_fault_t ret;

	mutex_lock(&queue->user->lock);
	ret = vmf_insert_pfn(vma, vma->vm_start, dsa_doorbell_pfn(queue));
	mutex_unlock(&queue->user->lock);
	return ret;
}

static void dsa_doorbell_open(struct vm_area_struct *vma)
{
	dsa_queue_get(vma->vm_private_data);
}

static void dsa_doorbell_close(struct vm_area_struct *vma)
{
	dsa_queue_put(vma->vm_private_data);
}

static const struct vm_operations_struct dsa_doorbell_vm_ops = {
	.fault = dsa_doorbell_fault,
	.open = dsa_doorbell_open,
	.close = dsa_doorbell_close,
};

/* Takes over the reference on @queue when it succeeds. */
static int dsa_doorbell_mmap(struct dsa_queue *queue, struct vm_area_struct *vma)
{
	if (!queue->user || vma_pages(vma) != 1 || !(vma->vm_flags & VM_MAYSHARE) ||
	    vma->vm_flags & VM_EXEC)
		return -EINVAL;
	/* A child that rings would do so in its parent's ring. */
	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY,
		     VM_MAYEXEC);
	vma->vm_page_prot = pgprot_noncached(vm_get_page_prot(vma->vm_flags));
	vma->vm_ops = &dsa_doorbell_vm_ops;
	vma->vm_private_data = queue;
	return 0;
}

/* &file_operations.mmap: a doorbell, or a buffer object. */
int dsa_mmap(struct file *filp, struct vm_area_struct *vma)
{
	u64 first = DSA_DOORBELL_OFFSET >> PAGE_SHIFT;
	struct drm_file *file = filp->private_data;
	struct dsa_queue *queue;
	int ret;

	if (vma->vm_pgoff < first)
		return drm_gem_mmap(filp, vma);
	if (vma->vm_pgoff - first > U32_MAX)
		return -EINVAL;
	queue = dsa_queue_lookup(file->driver_priv, vma->vm_pgoff - first);
	if (!queue)
		return -ENOENT;
	ret = dsa_doorbell_mmap(queue, vma);
	if (ret)
		dsa_queue_put(queue);
	return ret;
}

/* ---- waiting ---- */

/* 1: the fence is there, 0: not yet, or why it cannot be looked at. */
static int dsa_user_fence_done(const struct drm_dsa_wait_user_fence *args)
{
	u64 now;

	if (get_user(now, (u64 __user *)u64_to_user_ptr(args->addr)))
		return -EFAULT;
	return (s64)(now - args->value) >= 0;
}

static long dsa_wait_jiffies(s64 deadline_ns)
{
	s64 left = deadline_ns - ktime_get_ns();

	if (left <= 0)
		return 0;
	return min_t(u64, nsecs_to_jiffies64(left) + 1, DSA_WAIT_LOOK);
}

/* One look, and some sleep when it is too early: 1: done, 0: look again, or a negative error. */
static int dsa_user_fence_look(struct dsa_queue *queue, struct wait_queue_entry *wait,
			       const struct drm_dsa_wait_user_fence *args)
{
	/* Before the fence: what was completed until the end counts. */
	bool dead = dsa_queue_dead(queue);
	int ret = dsa_user_fence_done(args);
	long sleep;

	if (ret)
		return ret;
	if (dead)
		return -ECANCELED;
	if (signal_pending(current))
		return -ERESTARTSYS;
	sleep = dsa_wait_jiffies(args->timeout_ns);
	if (!sleep)
		return -ETIME;
	wait_woken(wait, TASK_INTERRUPTIBLE, sleep);
	return 0;
}

static int dsa_user_fence_wait(struct dsa_queue *queue, const struct drm_dsa_wait_user_fence *args)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int ret = 0;

	add_wait_queue(&queue->user->wait, &wait);
	while (!ret)
		ret = dsa_user_fence_look(queue, &wait, args);
	remove_wait_queue(&queue->user->wait, &wait);
	return min(ret, 0);
}

int dsa_ioctl_wait_user_fence(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_wait_user_fence *args = data;
	struct dsa_queue *queue;
	int ret = -EINVAL;

	if (args->flags || !IS_ALIGNED(args->addr, 8))
		return -EINVAL;
	queue = dsa_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	if (queue->user)
		ret = dsa_user_fence_wait(queue, args);
	dsa_queue_put(queue);
	return ret;
}
