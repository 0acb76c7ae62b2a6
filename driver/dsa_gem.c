// SPDX-License-Identifier: GPL-2.0
/*
 * Buffer objects, in HBM or in system memory. Both are allocated whole and
 * zeroed at creation, stay where they are, and are described by extents.
 */

#include <kunit/visibility.h>
#include <linux/mm.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>

#include "dsa_gem.h"
#include "dsa_hw.h"

/* Pages that one page fault maps. */
#define DSA_FAULT_AROUND	128

static void dsa_bo_free(struct drm_gem_object *obj)
{
	struct dsa_bo *bo = to_dsa_bo(obj);

	kvfree(bo->extents);
	if (!bo->hbm) {
		atomic64_sub(obj->size, &bo->dsa->system_used);
		drm_gem_shmem_free(&bo->base);
		return;
	}
	dsa_hbm_free(bo->dsa, &bo->blocks);
	drm_gem_object_release(obj);
	kfree(bo);
}

/**
 * dsa_bo_extent - Find the extent of an offset.
 * @bo: the object.
 * @offset: less than its size.
 *
 * Return: the extent.
 */
const struct dsa_extent *dsa_bo_extent(const struct dsa_bo *bo, u64 offset)
{
	unsigned int lo = 0, hi = bo->extent_count;

	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (bo->extents[mid].offset <= offset)
			lo = mid;
		else
			hi = mid;
	}
	return &bo->extents[lo];
}
EXPORT_SYMBOL_IF_KUNIT(dsa_bo_extent);

static unsigned long dsa_bo_pfn(struct dsa_bo *bo, u64 offset)
{
	const struct dsa_extent *ext;

	if (!bo->hbm)
		return page_to_pfn(bo->base.pages[offset >> PAGE_SHIFT]);
	ext = dsa_bo_extent(bo, offset);
	return (bo->dsa->hbm.base + ext->addr + (offset - ext->offset)) >> PAGE_SHIFT;
}

/* Maps the page of the fault and its neighbours. */
static vm_fault_t dsa_bo_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	struct dsa_bo *bo = to_dsa_bo(obj);
	unsigned long page = (vmf->address - vma->vm_start) >> PAGE_SHIFT;
	unsigned long offset = vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	unsigned long pages = min(vma_pages(vma), (obj->size >> PAGE_SHIFT) - offset);
	unsigned long i, end;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	int idx;

	if (page >= pages || !drm_dev_enter(obj->dev, &idx))
		return VM_FAULT_SIGBUS;
	end = min(pages, round_down(page, DSA_FAULT_AROUND) + DSA_FAULT_AROUND);
	for (i = page; i < end; i++) {
		vm_fault_t r = vmf_insert_pfn(vma, vma->vm_start + (i << PAGE_SHIFT),
					      dsa_bo_pfn(bo, (u64)(offset + i) << PAGE_SHIFT));

		if (i == page)
			ret = r;
		if (r != VM_FAULT_NOPAGE)
			break;
	}
	drm_dev_exit(idx);
	return ret;
}

static const struct vm_operations_struct dsa_bo_vm_ops = {
	.fault = dsa_bo_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

static int dsa_bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;

	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	if (to_dsa_bo(obj)->hbm)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	return 0;
}

static struct dma_buf *dsa_bo_export(struct drm_gem_object *obj, int flags)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static const struct drm_gem_object_funcs dsa_bo_funcs = {
	.free = dsa_bo_free,
	.export = dsa_bo_export,
	.mmap = dsa_bo_mmap,
	.vm_ops = &dsa_bo_vm_ops,
};

/* &drm_driver.gem_create_object: the shmem helpers call it. */
struct drm_gem_object *dsa_gem_create_object(struct drm_device *drm, size_t size)
{
	struct dsa_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->dsa = to_dsa_device(drm);
	INIT_LIST_HEAD(&bo->blocks);
	bo->base.base.funcs = &dsa_bo_funcs;
	return &bo->base.base;
}

/* Appends an extent, or lengthens the last one. */
VISIBLE_IF_KUNIT void dsa_bo_add_extent(struct dsa_bo *bo, u64 addr, u64 size)
{
	struct dsa_extent *last = bo->extent_count ? &bo->extents[bo->extent_count - 1] : NULL;

	if (last && last->addr + last->size == addr) {
		last->size += size;
		return;
	}
	bo->extents[bo->extent_count++] = (struct dsa_extent) {
		.offset = last ? last->offset + last->size : 0,
		.addr = addr,
		.size = size,
	};
}
EXPORT_SYMBOL_IF_KUNIT(dsa_bo_add_extent);

static int dsa_bo_alloc_hbm(struct dsa_bo *bo)
{
	struct drm_buddy_block *block;
	unsigned int i;
	int ret;

	ret = dsa_hbm_alloc(bo->dsa, bo->base.base.size, 0, &bo->blocks);
	if (ret)
		return ret;
	bo->extents = kvcalloc(list_count_nodes(&bo->blocks), sizeof(*bo->extents), GFP_KERNEL);
	if (!bo->extents)
		return -ENOMEM;
	list_for_each_entry(block, &bo->blocks, link)
		dsa_bo_add_extent(bo, drm_buddy_block_offset(block),
				  drm_buddy_block_size(&bo->dsa->hbm.mm, block));

	for (i = 0; i < bo->extent_count; i++) {
		ret = dsa_hbm_clear(bo->dsa, bo->extents[i].addr, bo->extents[i].size);
		if (ret)
			return ret;
	}
	return 0;
}

static struct dsa_bo *dsa_bo_create_hbm(struct dsa_device *dsa, u64 size)
{
	struct drm_gem_object *obj = dsa_gem_create_object(&dsa->drm, size);
	struct dsa_bo *bo;
	int ret;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	bo = to_dsa_bo(obj);
	bo->hbm = true;
	drm_gem_private_object_init(&dsa->drm, obj, size);
	ret = dsa_bo_alloc_hbm(bo);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return bo;
}

/*
 * Pages of a buffer object cannot be reclaimed, and the helpers that allocate
 * them neither give up nor die before the machine has nothing else left.
 */
static bool dsa_system_has(u64 size)
{
	u64 reserve = totalram_pages() / 32;

	return (size >> PAGE_SHIFT) + reserve <= (u64)max(si_mem_available(), 0l);
}

/* Bytes that objects being created will take: those who ask at the same time count each other. */
static atomic64_t dsa_system_pending = ATOMIC64_INIT(0);

static struct dsa_bo *dsa_bo_alloc_system(struct dsa_device *dsa, u64 size)
{
	struct drm_gem_shmem_object *shmem;
	struct scatterlist *sg;
	struct sg_table *sgt;
	struct dsa_bo *bo;
	int i;

	shmem = drm_gem_shmem_create(&dsa->drm, size);
	if (IS_ERR(shmem))
		return ERR_CAST(shmem);
	bo = to_dsa_bo(&shmem->base);
	atomic64_add(size, &dsa->system_used);

	sgt = drm_gem_shmem_get_pages_sgt(shmem);
	if (IS_ERR(sgt)) {
		drm_gem_object_put(&shmem->base);
		return ERR_CAST(sgt);
	}
	bo->extents = kvcalloc(sgt->nents, sizeof(*bo->extents), GFP_KERNEL);
	if (!bo->extents) {
		drm_gem_object_put(&shmem->base);
		return ERR_PTR(-ENOMEM);
	}
	for_each_sgtable_dma_sg(sgt, sg, i)
		dsa_bo_add_extent(bo, sg_dma_address(sg), sg_dma_len(sg));
	return bo;
}

static struct dsa_bo *dsa_bo_create_system(struct dsa_device *dsa, u64 size)
{
	struct dsa_bo *bo = ERR_PTR(-ENOMEM);

	if (dsa_system_has(atomic64_add_return(size, &dsa_system_pending)))
		bo = dsa_bo_alloc_system(dsa, size);
	atomic64_sub(size, &dsa_system_pending);
	return bo;
}

int dsa_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct dsa_device *dsa = to_dsa_device(drm);
	struct drm_dsa_bo_create *args = data;
	struct dsa_bo *bo;
	u64 size;
	int idx, ret;

	if (args->flags & ~DRM_DSA_BO_SYSTEM || !args->size || args->size > BIT_ULL(DSA_VA_BITS))
		return -EINVAL;
	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;

	size = PAGE_ALIGN(args->size);
	if (args->flags & DRM_DSA_BO_SYSTEM)
		bo = dsa_bo_create_system(dsa, size);
	else
		bo = dsa_bo_create_hbm(dsa, size);
	if (IS_ERR(bo)) {
		ret = PTR_ERR(bo);
		goto out;
	}
	args->size = size;
	/* Another thread may close the handle as soon as it exists. */
	ret = drm_gem_handle_create(file, &bo->base.base, &args->handle);
	drm_gem_object_put(&bo->base.base);
out:
	drm_dev_exit(idx);
	return ret;
}

int dsa_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->pad)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	ret = drm_gem_create_mmap_offset(obj);
	if (!ret)
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

/**
 * dsa_gem_show_fdinfo - Print what memory the buffer objects of a file take.
 * @p: where.
 * @file: whose.
 */
void dsa_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct drm_memory_stats hbm = {}, system = {};
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		struct drm_memory_stats *s = to_dsa_bo(obj)->hbm ? &hbm : &system;

		if (obj->handle_count > 1)
			s->shared += obj->size;
		else
			s->private += obj->size;
		s->resident += obj->size;
	}
	spin_unlock(&file->table_lock);

	drm_print_memory_stats(p, &hbm, DRM_GEM_OBJECT_RESIDENT, "hbm");
	drm_print_memory_stats(p, &system, DRM_GEM_OBJECT_RESIDENT, "system");
}
