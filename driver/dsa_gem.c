// SPDX-License-Identifier: GPL-2.0
/* Buffer objects, in HBM or in system memory, allocated whole and zeroed at creation. */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <linux/pm_runtime.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>

#include "dsa_evict.h"
#include "dsa_gem.h"
#include "dsa_hw.h"
#include "dsa_userptr.h"

/* Pages that one page fault maps. */
#define DSA_FAULT_AROUND	128

/* &drm_gem_object_funcs.free */
void dsa_bo_free(struct drm_gem_object *obj)
{
	struct dsa_bo *bo = to_dsa_bo(obj);

	mutex_lock(&bo->dsa->bo_lock);
	list_del(&bo->link);
	mutex_unlock(&bo->dsa->bo_lock);
	if (bo->userptr) {
		dsa_userptr_free(bo);
		return;
	}
	dsa_evict_forget(bo);
	dsa_place_free(bo->dsa, obj, bo->place);
	dsa_evict_kick(bo->dsa);
	mutex_destroy(&bo->gpuva_lock);
	if (obj->import_attach) {
		dsa_bo_free_imported(bo);
		return;
	}
	/* An import that failed early is like one in HBM. */
	if (!bo->home_hbm && obj->filp) {
		drm_gem_shmem_free(&bo->base);
		return;
	}
	drm_gem_object_release(obj);
	kfree(bo);
}

/* Maps the page of the fault and its neighbours. The object does not move meanwhile. */
static vm_fault_t dsa_bo_fault_locked(struct dsa_bo *bo, struct vm_fault *vmf, unsigned long page,
				      unsigned long pages, unsigned long offset)
{
	unsigned long end = min(pages, round_down(page, DSA_FAULT_AROUND) + DSA_FAULT_AROUND), i;
	struct vm_area_struct *vma = vmf->vma;
	pgprot_t prot = vm_get_page_prot(vma->vm_flags);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	/* Asleep again it takes the mapping away. What a failed device holds can be read. */
	if (bo->place->hbm) {
		prot = pgprot_writecombine(prot);
		pm_runtime_get_sync(bo->dsa->drm.dev);
	}
	for (i = page; i < end; i++) {
		vm_fault_t r = vmf_insert_pfn_prot(vma, vma->vm_start + (i << PAGE_SHIFT),
						   dsa_place_pfn(bo->dsa, bo->place,
								 (u64)(offset + i) << PAGE_SHIFT),
						   prot);

		if (i == page)
			ret = r;
		if (r != VM_FAULT_NOPAGE)
			break;
	}
	if (bo->place->hbm)
		dsa_device_let_sleep(bo->dsa);
	return ret;
}

static vm_fault_t dsa_bo_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	unsigned long page = (vmf->address - vma->vm_start) >> PAGE_SHIFT;
	unsigned long offset = vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	unsigned long pages = min(vma_pages(vma), (obj->size >> PAGE_SHIFT) - offset);
	vm_fault_t ret = VM_FAULT_NOPAGE;
	int idx;

	if (page >= pages || !drm_dev_enter(obj->dev, &idx))
		return VM_FAULT_SIGBUS;
	/* A signal comes first; then the access faults again. */
	if (!dma_resv_lock_interruptible(obj->resv, NULL)) {
		ret = dsa_bo_fault_locked(to_dsa_bo(obj), vmf, page, pages, offset);
		dma_resv_unlock(obj->resv);
	}
	drm_dev_exit(idx);
	return ret;
}

static const struct vm_operations_struct dsa_bo_vm_ops = {
	.fault = dsa_bo_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

/* On success the mapping belongs to the exporter, and no object of ours to it. */
static int dsa_bo_mmap_imported(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	int ret;

	vma->vm_private_data = NULL;
	vma->vm_ops = NULL;
	ret = dma_buf_mmap(obj->import_attach->dmabuf, vma, 0);
	if (!ret)
		drm_gem_object_put(obj);
	return ret;
}

static int dsa_bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if (obj->import_attach)
		return dsa_bo_mmap_imported(obj, vma);

	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	return 0;
}

static struct sg_table *dsa_bo_get_sg_table(struct drm_gem_object *obj)
{
	return drm_prime_pages_to_sg(obj->dev, to_dsa_bo(obj)->place->pages,
				     obj->size >> PAGE_SHIFT);
}

static int dsa_bo_vmap_pages(struct dsa_bo *bo, struct iosys_map *map)
{
	void *p = vmap(bo->place->pages, bo->base.base.size >> PAGE_SHIFT, VM_MAP, PAGE_KERNEL);

	if (!p)
		return -ENOMEM;
	iosys_map_set_vaddr(map, p);
	return 0;
}

/* HBM in pieces has no place in the kernel's address space. */
static int dsa_bo_vmap_hbm(struct dsa_bo *bo, struct iosys_map *map)
{
	void __iomem *io;

	if (bo->place->extent_count != 1)
		return -EOPNOTSUPP;
	/* Not the device's own mapping: this one may last longer. */
	io = ioremap_wc(bo->dsa->hbm.base + bo->place->extents[0].addr, bo->base.base.size);
	if (!io)
		return -ENOMEM;
	iosys_map_set_vaddr_iomem(map, io);
	return 0;
}

/* Only what is shared, and so does not move, is mapped. */
static int dsa_bo_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct dsa_bo *bo = to_dsa_bo(obj);

	return bo->place->hbm ? dsa_bo_vmap_hbm(bo, map) : dsa_bo_vmap_pages(bo, map);
}

static void dsa_bo_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	if (map->is_iomem)
		iounmap(map->vaddr_iomem);
	else
		vunmap(map->vaddr);
}

static const struct drm_gem_object_funcs dsa_bo_funcs = {
	.free = dsa_bo_free,
	.export = dsa_bo_export,
	.get_sg_table = dsa_bo_get_sg_table,
	.vmap = dsa_bo_vmap,
	.vunmap = dsa_bo_vunmap,
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
	INIT_LIST_HEAD(&bo->lru);
	mutex_init(&bo->gpuva_lock);
	dsa_compat_gpuva_set_lock(&bo->base.base, &bo->gpuva_lock);
	INIT_LIST_HEAD(&bo->link);
	bo->base.base.funcs = &dsa_bo_funcs;
	return &bo->base.base;
}

static int dsa_bo_alloc_hbm(struct dsa_bo *bo)
{
	struct dsa_place *place = dsa_place_alloc_hbm(bo->dsa, bo->base.base.size, true);
	unsigned int i;
	int ret = 0;

	if (IS_ERR(place))
		return PTR_ERR(place);
	bo->place = place;
	for (i = 0; i < place->extent_count && !ret; i++)
		ret = dsa_hbm_clear(bo->dsa, place->extents[i].addr, place->extents[i].size);
	return ret;
}

static struct dsa_bo *dsa_bo_create_hbm(struct dsa_device *dsa, u64 size)
{
	struct drm_gem_object *obj = dsa_gem_create_object(&dsa->drm, size);
	struct dsa_bo *bo;
	int ret;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	bo = to_dsa_bo(obj);
	bo->home_hbm = true;
	drm_gem_private_object_init(&dsa->drm, obj, size);
	ret = dsa_bo_alloc_hbm(bo);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	dsa_evict_add(bo);
	return bo;
}

static struct dsa_bo *dsa_bo_create_system(struct dsa_device *dsa, u64 size)
{
	struct drm_gem_shmem_object *shmem;
	struct dsa_place *place;
	struct dsa_bo *bo;

	if (!dsa_place_system_has(size))
		return ERR_PTR(-ENOMEM);
	shmem = drm_gem_shmem_create(&dsa->drm, size);
	/* Also what shmem calls -ENOSPC: no memory for an inode. */
	if (IS_ERR(shmem))
		return ERR_PTR(-ENOMEM);
	place = dsa_place_alloc_system(dsa, &shmem->base);
	if (IS_ERR(place)) {
		drm_gem_object_put(&shmem->base);
		return ERR_CAST(place);
	}
	bo = to_dsa_bo(&shmem->base);
	bo->place = place;
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
	mutex_lock(&dsa->bo_lock);
	list_add_tail(&bo->link, &dsa->bos);
	mutex_unlock(&dsa->bo_lock);
	args->size = size;
	/* Another thread may close the handle as soon as it exists. */
	ret = drm_gem_handle_create(file, &bo->base.base, &args->handle);
	drm_gem_object_put(&bo->base.base);
out:
	dsa_device_exit(dsa, idx);
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
	/* The process has it mapped already. */
	ret = to_dsa_bo(obj)->userptr ? -EINVAL : drm_gem_create_mmap_offset(obj);
	if (!ret)
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

/* ---- all of them ---- */

/**
 * dsa_gem_release - Take system memory from a device that is being unbound.
 * @dsa: the device, unplugged. Buffer objects last as long as someone has them,
 *       their mappings for the device must not.
 */
void dsa_gem_release(struct dsa_device *dsa)
{
	struct dsa_bo *bo;

	mutex_lock(&dsa->bo_lock);
	list_for_each_entry(bo, &dsa->bos, link) {
		if (bo->userptr)
			dsa_userptr_release(bo);
		else
			dsa_place_unmap(dsa, bo->place);
	}
	mutex_unlock(&dsa->bo_lock);
}

static void dsa_bo_save(struct dsa_bo *bo)
{
	const struct dsa_place *place = bo->place;
	unsigned int i;

	for (i = 0; i < place->extent_count; i++)
		memcpy_fromio(bo->saved + place->extents[i].offset,
			      bo->dsa->hbm.io + place->extents[i].addr, place->extents[i].size);
}

static void dsa_bo_restore(struct dsa_bo *bo)
{
	const struct dsa_place *place = bo->place;
	unsigned int i;

	for (i = 0; i < place->extent_count; i++)
		memcpy_toio(bo->dsa->hbm.io + place->extents[i].addr,
			    bo->saved + place->extents[i].offset, place->extents[i].size);
}

static void dsa_bo_forget_saved(struct dsa_bo *bo)
{
	kvfree(bo->saved);
	bo->saved = NULL;
}

/**
 * dsa_gem_save_hbm - Copy what is in HBM to system memory.
 * @dsa: the device, awake and idle; user space does not run.
 *
 * Return: 0 or -ENOMEM; then nothing is copied.
 */
int dsa_gem_save_hbm(struct dsa_device *dsa)
{
	struct dsa_bo *bo;
	int ret = 0;

	mutex_lock(&dsa->bo_lock);
	list_for_each_entry(bo, &dsa->bos, link) {
		if (!bo->place->hbm)
			continue;
		bo->saved = kvmalloc(bo->base.base.size, GFP_KERNEL | __GFP_NOWARN);
		if (!bo->saved) {
			ret = -ENOMEM;
			break;
		}
		dsa_bo_save(bo);
	}
	if (ret) {
		drm_err(&dsa->drm, "no memory to keep what is in HBM: the system cannot sleep\n");
		list_for_each_entry(bo, &dsa->bos, link)
			dsa_bo_forget_saved(bo);
	}
	mutex_unlock(&dsa->bo_lock);
	return ret;
}

/**
 * dsa_gem_restore_hbm - Copy back what dsa_gem_save_hbm() has saved, if it has.
 * @dsa: the device, awake.
 */
void dsa_gem_restore_hbm(struct dsa_device *dsa)
{
	struct dsa_bo *bo;

	mutex_lock(&dsa->bo_lock);
	list_for_each_entry(bo, &dsa->bos, link) {
		if (bo->saved)
			dsa_bo_restore(bo);
		dsa_bo_forget_saved(bo);
	}
	wmb();	/* before any doorbell */
	mutex_unlock(&dsa->bo_lock);
}

static void dsa_gem_count(struct drm_memory_stats *s, struct drm_gem_object *obj)
{
	if (drm_gem_object_is_shared_for_memory_stats(obj))
		s->shared += obj->size;
	else
		s->private += obj->size;
}

/**
 * dsa_gem_show_fdinfo - Print what memory the buffer objects of a file take.
 * @p: where.
 * @file: whose.
 *
 * An object that had to leave HBM still counts there, but is not resident.
 */
void dsa_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct drm_memory_stats hbm = {}, system = {};
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		bool home = to_dsa_bo(obj)->home_hbm, out = dsa_bo_is_out(to_dsa_bo(obj));

		if (home)
			dsa_gem_count(&hbm, obj);
		if (!home || out)
			dsa_gem_count(&system, obj);
		if (home && !out)
			hbm.resident += obj->size;
		else
			system.resident += obj->size;
	}
	spin_unlock(&file->table_lock);

	drm_print_memory_stats(p, &hbm, DRM_GEM_OBJECT_RESIDENT, "hbm");
	drm_print_memory_stats(p, &system, DRM_GEM_OBJECT_RESIDENT, "system");
}
