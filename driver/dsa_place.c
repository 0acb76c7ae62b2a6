// SPDX-License-Identifier: GPL-2.0
/* Where a buffer object is: memory of it, in HBM or in pages of the system. */

#include <kunit/visibility.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#include <drm/drm_gem.h>
#include <drm/drm_prime.h>

#include "dsa_device.h"
#include "dsa_place.h"

static struct dsa_extent dsa_extent_null = { .size = U64_MAX };

/* Of mappings without an object. */
const struct dsa_place dsa_place_null = {
	.null = true,
	.extents = &dsa_extent_null,
	.extent_count = 1,
};

/**
 * dsa_place_extent - Find the extent of an offset.
 * @place: the memory.
 * @offset: less than its size.
 *
 * Return: the extent.
 */
const struct dsa_extent *dsa_place_extent(const struct dsa_place *place, u64 offset)
{
	unsigned int lo = 0, hi = place->extent_count;

	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (place->extents[mid].offset <= offset)
			lo = mid;
		else
			hi = mid;
	}
	return &place->extents[lo];
}
EXPORT_SYMBOL_IF_KUNIT(dsa_place_extent);

/* The page that the processor sees at @offset. */
unsigned long dsa_place_pfn(struct dsa_device *dsa, const struct dsa_place *place, u64 offset)
{
	const struct dsa_extent *ext;

	if (!place->hbm)
		return page_to_pfn(place->pages[offset >> PAGE_SHIFT]);
	ext = dsa_place_extent(place, offset);
	return (dsa->hbm.base + ext->addr + (offset - ext->offset)) >> PAGE_SHIFT;
}

/* Appends an extent, or lengthens the last one. */
VISIBLE_IF_KUNIT void dsa_place_add_extent(struct dsa_place *place, u64 addr, u64 size)
{
	struct dsa_extent *last = place->extent_count ? &place->extents[place->extent_count - 1] :
							NULL;

	if (last && last->addr + last->size == addr) {
		last->size += size;
		return;
	}
	place->extents[place->extent_count++] = (struct dsa_extent) {
		.offset = last ? last->offset + last->size : 0,
		.addr = addr,
		.size = size,
	};
}
EXPORT_SYMBOL_IF_KUNIT(dsa_place_add_extent);

static struct dsa_place *dsa_place_create(bool hbm)
{
	struct dsa_place *place = kzalloc(sizeof(*place), GFP_KERNEL);

	if (place) {
		place->hbm = hbm;
		INIT_LIST_HEAD(&place->blocks);
	}
	return place;
}

static int dsa_place_fill_hbm(struct dsa_device *dsa, struct dsa_place *place, u64 size, bool evict)
{
	struct drm_buddy_block *block;
	int ret;

	ret = evict ? dsa_evict_alloc_hbm(dsa, size, &place->blocks) :
		      dsa_hbm_alloc(dsa, size, 0, &place->blocks);
	if (ret)
		return ret;
	place->extents = kvcalloc(list_count_nodes(&place->blocks), sizeof(*place->extents),
				  GFP_KERNEL);
	if (!place->extents)
		return -ENOMEM;
	list_for_each_entry(block, &place->blocks, link)
		dsa_place_add_extent(place, drm_buddy_block_offset(block),
				     drm_buddy_block_size(&dsa->hbm.mm, block));
	return 0;
}

/**
 * dsa_place_alloc_hbm - Allocate memory in HBM; the content is what it was.
 * @dsa: the device.
 * @size: bytes.
 * @evict: others may have to go for it; no reservation is held.
 *
 * Return: the memory, or -ENOSPC, -ENOMEM, -EINTR.
 */
struct dsa_place *dsa_place_alloc_hbm(struct dsa_device *dsa, u64 size, bool evict)
{
	struct dsa_place *place = dsa_place_create(true);
	int ret;

	if (!place)
		return ERR_PTR(-ENOMEM);
	ret = dsa_place_fill_hbm(dsa, place, size, evict);
	if (ret) {
		dsa_place_free(dsa, NULL, place);
		return ERR_PTR(ret);
	}
	return place;
}

/**
 * dsa_place_alloc_user - Describe memory of a process, of which nothing is known yet.
 * @size: bytes.
 *
 * Return: the memory or -ENOMEM.
 */
struct dsa_place *dsa_place_alloc_user(u64 size)
{
	struct dsa_place *place = dsa_place_create(false);

	if (!place)
		return ERR_PTR(-ENOMEM);
	place->user = kvcalloc(size >> PAGE_SHIFT, sizeof(*place->user),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!place->user) {
		kfree(place);
		return ERR_PTR(-ENOMEM);
	}
	return place;
}

/**
 * dsa_place_import - Describe memory that is another's.
 * @sgt: it, mapped for the device.
 * @size: bytes.
 *
 * Return: the memory, -ENOMEM, or -EINVAL for what the device cannot map: parts of pages, too few.
 */
struct dsa_place *dsa_place_import(struct sg_table *sgt, u64 size)
{
	struct dsa_place *place = dsa_place_create(false);
	struct scatterlist *sg;
	u64 found = 0;
	int i;

	if (!place)
		return ERR_PTR(-ENOMEM);
	place->extents = kvcalloc(sgt->nents, sizeof(*place->extents), GFP_KERNEL);
	if (!place->extents) {
		kfree(place);
		return ERR_PTR(-ENOMEM);
	}
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (!PAGE_ALIGNED(sg_dma_address(sg) | sg_dma_len(sg)))
			break;
		dsa_place_add_extent(place, sg_dma_address(sg), sg_dma_len(sg));
		found += sg_dma_len(sg);
	}
	if (found >= size)
		return place;
	kvfree(place->extents);
	kfree(place);
	return ERR_PTR(-EINVAL);
}

/**
 * dsa_place_system_has - Is there system memory for an object.
 * @size: bytes.
 *
 * Helpers that allocate pages of buffer objects neither give up nor die before
 * the machine has nothing else left.
 *
 * Return: whether it is worth a try.
 */
bool dsa_place_system_has(u64 size)
{
	u64 reserve = totalram_pages() / 32;

	return (size >> PAGE_SHIFT) + reserve <= (u64)max(si_mem_available(), 0l);
}

/* Bytes that objects being created will take: those who ask at the same time count each other. */
static atomic64_t dsa_system_pending = ATOMIC64_INIT(0);

/* The file whose pages they are; objects in HBM get it with their first move. */
static int dsa_place_need_file(struct drm_gem_object *obj)
{
	struct file *file;

	if (obj->filp)
		return 0;
	file = dsa_compat_shmem_file("dsa evicted", obj->size);
	/* Also what shmem calls -ENOSPC: no memory for an inode. */
	if (IS_ERR(file))
		return -ENOMEM;
	/* Pages that stay are not for the zones of those that move. */
	mapping_set_gfp_mask(file->f_mapping, GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	obj->filp = file;
	return 0;
}

static int dsa_place_fill_system(struct dsa_device *dsa, struct dsa_place *place,
				 struct drm_gem_object *obj)
{
	struct scatterlist *sg;
	struct page **pages;
	struct sg_table *sgt;
	int i, ret;

	ret = dsa_place_need_file(obj);
	if (ret)
		return ret;
	pages = drm_gem_get_pages(obj);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	place->pages = pages;
	atomic64_add(obj->size, &dsa->system_used);

	sgt = drm_prime_pages_to_sg(&dsa->drm, pages, obj->size >> PAGE_SHIFT);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	ret = dma_map_sgtable(dsa->drm.dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (ret) {
		sg_free_table(sgt);
		kfree(sgt);
		return ret;
	}
	place->sgt = sgt;
	place->extents = kvcalloc(sgt->nents, sizeof(*place->extents), GFP_KERNEL);
	if (!place->extents)
		return -ENOMEM;
	for_each_sgtable_dma_sg(sgt, sg, i)
		dsa_place_add_extent(place, sg_dma_address(sg), sg_dma_len(sg));
	return 0;
}

/**
 * dsa_place_alloc_system - Get the pages of an object, with what was last in them, or zeroes.
 * @dsa: the device.
 * @obj: the object; it has no other place in system memory.
 *
 * Return: the memory, or -ENOMEM.
 */
struct dsa_place *dsa_place_alloc_system(struct dsa_device *dsa, struct drm_gem_object *obj)
{
	struct dsa_place *place = dsa_place_create(false);
	int ret = -ENOMEM;

	if (!place)
		return ERR_PTR(-ENOMEM);
	if (dsa_place_system_has(atomic64_add_return(obj->size, &dsa_system_pending)))
		ret = dsa_place_fill_system(dsa, place, obj);
	atomic64_sub(obj->size, &dsa_system_pending);
	if (ret) {
		dsa_place_free(dsa, obj, place);
		return ERR_PTR(ret);
	}
	return place;
}

/**
 * dsa_place_unmap - Take system memory from the device for good.
 * @dsa: the device; it does not use the memory.
 * @place: the memory.
 */
void dsa_place_unmap(struct dsa_device *dsa, struct dsa_place *place)
{
	if (!place->sgt)
		return;
	dma_unmap_sgtable(dsa->drm.dev, place->sgt, DMA_BIDIRECTIONAL, 0);
	sg_free_table(place->sgt);
	kfree(place->sgt);
	place->sgt = NULL;
}

/**
 * dsa_place_free - Give memory back. The object's file keeps the content of pages.
 * @dsa: the device.
 * @obj: whose it is; of HBM it does not matter.
 * @place: the memory, perhaps incomplete, or NULL.
 */
void dsa_place_free(struct dsa_device *dsa, struct drm_gem_object *obj, struct dsa_place *place)
{
	if (!place)
		return;
	dsa_place_unmap(dsa, place);
	if (place->pages) {
		drm_gem_put_pages(obj, place->pages, true, true);
		atomic64_sub(obj->size, &dsa->system_used);
	}
	if (!list_empty(&place->blocks))
		dsa_hbm_free(dsa, &place->blocks);
	kvfree(place->extents);
	kvfree(place->user);
	kfree(place);
}
