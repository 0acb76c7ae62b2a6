// SPDX-License-Identifier: GPL-2.0
/*
 * Buffer objects shared with other drivers, and other files, as dma-bufs.
 *
 * A shared object is an external one of each address space that maps it: jobs
 * there wait for what others do with it, and others for them.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/pci-p2pdma.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include "dsa_gem.h"
#include "dsa_vm.h"

MODULE_IMPORT_NS(DSA_NS_DMA_BUF);

/* A scatterlist's lengths have 32 bits. */
#define DSA_SEGMENT_MAX		((u64)SZ_1G)

/* ---- export ---- */

static struct dsa_bo *to_shared_bo(struct dma_buf *buf)
{
	return to_dsa_bo(buf->priv);
}

static int dsa_buf_attach(struct dma_buf *buf, struct dma_buf_attachment *attach)
{
	struct dsa_bo *bo = to_shared_bo(buf);

	if (!bo->place->hbm)
		return 0;
	/* HBM has no pages. */
	if (!attach->peer2peer)
		return -EOPNOTSUPP;
	if (IS_ENABLED(CONFIG_PCI_P2PDMA) &&
	    pci_p2pdma_distance(to_pci_dev(bo->dsa->drm.dev), attach->dev, false) < 0)
		return -EOPNOTSUPP;
	return 0;
}

static unsigned int dsa_hbm_segments(const struct dsa_bo *bo)
{
	unsigned int count = 0, i;

	for (i = 0; i < bo->place->extent_count; i++)
		count += DIV_ROUND_UP_ULL(bo->place->extents[i].size, DSA_SEGMENT_MAX);
	return count;
}

static void dsa_hbm_unmap_sg(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (sg_dma_len(sg))
			dma_unmap_resource(dev, sg_dma_address(sg), sg_dma_len(sg), dir, 0);
	}
	sg_free_table(sgt);
	kfree(sgt);
}

static struct scatterlist *dsa_hbm_map_extent(struct device *dev, phys_addr_t addr, u64 size,
					      struct scatterlist *sg, enum dma_data_direction dir)
{
	while (size) {
		u64 n = min(size, DSA_SEGMENT_MAX);
		dma_addr_t dma = dma_map_resource(dev, addr, n, dir, 0);

		if (dma_mapping_error(dev, dma))
			return ERR_PTR(-EIO);
		sg_dma_address(sg) = dma;
		sg_dma_len(sg) = n;
		sg = sg_next(sg);
		addr += n;
		size -= n;
	}
	return sg;
}

static struct sg_table *dsa_hbm_map_sg(struct dsa_bo *bo, struct device *dev,
				       enum dma_data_direction dir)
{
	struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(sgt, dsa_hbm_segments(bo), GFP_KERNEL);
	if (ret) {
		kfree(sgt);
		return ERR_PTR(ret);
	}
	sg = sgt->sgl;
	for (i = 0; i < bo->place->extent_count; i++) {
		sg = dsa_hbm_map_extent(dev, bo->dsa->hbm.base + bo->place->extents[i].addr,
					bo->place->extents[i].size, sg, dir);
		if (IS_ERR(sg)) {
			dsa_hbm_unmap_sg(dev, sgt, dir);
			return ERR_CAST(sg);
		}
	}
	return sgt;
}

static struct sg_table *dsa_buf_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	struct dsa_bo *bo = to_shared_bo(attach->dmabuf);
	struct sg_table *sgt;
	int idx;

	if (!bo->place->hbm)
		return drm_gem_map_dma_buf(attach, dir);
	if (!drm_dev_enter(&bo->dsa->drm, &idx))
		return ERR_PTR(-ENODEV);
	sgt = dsa_hbm_map_sg(bo, attach->dev, dir);
	drm_dev_exit(idx);
	return sgt;
}

static void dsa_buf_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			  enum dma_data_direction dir)
{
	if (to_shared_bo(attach->dmabuf)->place->hbm)
		dsa_hbm_unmap_sg(attach->dev, sgt, dir);
	else
		drm_gem_unmap_dma_buf(attach, sgt, dir);
}

static int dsa_buf_begin_cpu_access(struct dma_buf *buf, enum dma_data_direction dir)
{
	struct dsa_bo *bo = to_shared_bo(buf);
	int idx;

	if (!bo->place->hbm && drm_dev_enter(&bo->dsa->drm, &idx)) {
		dma_sync_sgtable_for_cpu(bo->dsa->drm.dev, bo->place->sgt, dir);
		drm_dev_exit(idx);
	}
	return 0;
}

static int dsa_buf_end_cpu_access(struct dma_buf *buf, enum dma_data_direction dir)
{
	struct dsa_bo *bo = to_shared_bo(buf);
	int idx;

	if (!bo->place->hbm && drm_dev_enter(&bo->dsa->drm, &idx)) {
		dma_sync_sgtable_for_device(bo->dsa->drm.dev, bo->place->sgt, dir);
		drm_dev_exit(idx);
	}
	return 0;
}

static const struct dma_buf_ops dsa_buf_ops = {
	.attach = dsa_buf_attach,
	.map_dma_buf = dsa_buf_map,
	.unmap_dma_buf = dsa_buf_unmap,
	.release = drm_gem_dmabuf_release,
	.begin_cpu_access = dsa_buf_begin_cpu_access,
	.end_cpu_access = dsa_buf_end_cpu_access,
	.mmap = drm_gem_dmabuf_mmap,
	.vmap = drm_gem_dmabuf_vmap,
	.vunmap = drm_gem_dmabuf_vunmap,
};

/* Others have to wait for jobs from before they knew the object, too. */
static int dsa_bo_add_fences_of(struct dsa_bo *bo, struct dsa_vm *vm)
{
	struct drm_gem_object *obj = &bo->base.base;
	enum dma_resv_usage usage = dsa_vm_usage(vm, obj);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret;

	dma_resv_for_each_fence(&cursor, drm_gpuvm_resv(&vm->base), DMA_RESV_USAGE_BOOKKEEP,
				fence) {
		ret = dma_resv_reserve_fences(obj->resv, 1);
		if (ret)
			return ret;
		dma_resv_add_fence(obj->resv, fence, usage);
	}
	return 0;
}

static int dsa_bo_share(struct dsa_bo *bo)
{
	struct drm_gpuvm_bo *vm_bo = NULL;
	struct drm_exec exec;
	int ret;

	ret = dsa_bo_lock_all(bo, &exec);
	if (ret)
		goto out;
	bo->shared = true;
	while ((vm_bo = dsa_next_vm_bo(bo, vm_bo))) {
		drm_gpuvm_bo_extobj_add(vm_bo);
		if (!ret)
			ret = dsa_bo_add_fences_of(bo, to_dsa_vm(vm_bo->vm));
	}
out:
	drm_exec_fini(&exec);
	return ret;
}

/* &drm_gem_object_funcs.export */
struct dma_buf *dsa_bo_export(struct drm_gem_object *obj, int flags)
{
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = THIS_MODULE,
		.ops = &dsa_buf_ops,
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};
	int ret;

	/* What is a process's own is not for others. */
	if (to_dsa_bo(obj)->userptr)
		return ERR_PTR(-EPERM);
	/* A mapping counts from this offset: it must not change later. */
	ret = drm_gem_create_mmap_offset(obj);
	if (!ret)
		ret = dsa_bo_share(to_dsa_bo(obj));
	return ret ? ERR_PTR(ret) : drm_gem_dmabuf_export(obj->dev, &info);
}

/* ---- import ---- */

/* What is imported is pinned. */
static void dsa_attach_moved(struct dma_buf_attachment *attach)
{
	struct drm_gem_object *obj = attach->importer_priv;

	drm_WARN_ONCE(obj->dev, 1, "%s moved a buffer that is pinned\n", attach->dmabuf->exp_name);
}

static const struct dma_buf_attach_ops dsa_attach_ops = {
	.allow_peer2peer = true,
	.DSA_MOVE_NOTIFY = dsa_attach_moved,
};

static struct sg_table *dsa_import_map(struct dma_buf_attachment *attach)
{
	struct dma_buf *buf = attach->dmabuf;
	struct sg_table *sgt;
	int ret;

	dma_resv_lock(buf->resv, NULL);
	ret = dma_buf_pin(attach);
	if (ret) {
		sgt = ERR_PTR(ret);
		goto out;
	}
	sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		dma_buf_unpin(attach);
out:
	dma_resv_unlock(buf->resv);
	return sgt;
}

static void dsa_import_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt)
{
	struct dma_buf *buf = attach->dmabuf;

	dma_resv_lock(buf->resv, NULL);
	dma_buf_unmap_attachment(attach, sgt, DMA_BIDIRECTIONAL);
	dma_buf_unpin(attach);
	dma_resv_unlock(buf->resv);
}

/**
 * dsa_bo_free_imported - Let go of a dma-buf.
 * @bo: the last reference on the object that stands for it.
 */
void dsa_bo_free_imported(struct dsa_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct dma_buf_attachment *attach = obj->import_attach;
	struct dma_buf *buf = attach->dmabuf;

	if (bo->base.sgt)
		dsa_import_unmap(attach, bo->base.sgt);
	dma_buf_detach(buf, attach);
	obj->resv = &obj->_resv;
	dma_buf_put(buf);
	drm_gem_object_release(obj);
	kfree(bo);
}

static int dsa_import_attach(struct dsa_bo *bo, struct dma_buf *buf)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct dma_buf_attachment *attach;
	struct dsa_place *place;
	struct sg_table *sgt;

	attach = dma_buf_dynamic_attach(buf, obj->dev->dev, &dsa_attach_ops, obj);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	get_dma_buf(buf);
	obj->import_attach = attach;
	obj->resv = buf->resv;
	bo->shared = true;

	sgt = dsa_import_map(attach);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	bo->base.sgt = sgt;
	place = dsa_place_import(sgt, obj->size);
	if (IS_ERR(place))
		return PTR_ERR(place);
	bo->place = place;
	return 0;
}

static struct drm_gem_object *dsa_import(struct drm_device *drm, struct dma_buf *buf)
{
	struct drm_gem_object *obj;
	int ret;

	if (!buf->size || !PAGE_ALIGNED(buf->size))
		return ERR_PTR(-EINVAL);
	obj = dsa_gem_create_object(drm, buf->size);
	if (IS_ERR(obj))
		return obj;
	drm_gem_private_object_init(drm, obj, buf->size);
	ret = dsa_import_attach(to_dsa_bo(obj), buf);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}

/* &drm_driver.gem_prime_import */
struct drm_gem_object *dsa_gem_prime_import(struct drm_device *drm, struct dma_buf *buf)
{
	struct drm_gem_object *obj;
	int idx;

	if (buf->ops == &dsa_buf_ops && to_shared_bo(buf)->base.base.dev == drm) {
		obj = buf->priv;
		drm_gem_object_get(obj);
		return obj;
	}
	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);
	obj = dsa_import(drm, buf);
	drm_dev_exit(idx);
	return obj;
}
