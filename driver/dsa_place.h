/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_PLACE_H
#define DSA_PLACE_H

#include <linux/list.h>
#include <linux/types.h>

struct drm_gem_object;
struct dsa_device;
struct page;
struct sg_table;

/**
 * struct dsa_extent - A contiguous part of a buffer object.
 * @offset: where it begins in the object.
 * @addr: HBM offset or bus address.
 * @size: bytes.
 */
struct dsa_extent {
	u64 offset;
	u64 addr;
	u64 size;
};

/**
 * struct dsa_place - Memory of a buffer object. Constant once allocated.
 * @null: there is none: reads give zeroes, writes are dropped.
 * @hbm: it is in HBM.
 * @blocks: HBM it consists of.
 * @pages: system memory it consists of.
 * @sgt: their bus addresses.
 * @user: of memory of a process: where each page is, while @user_there. These two change: see
 *        dsa_userptr.c.
 * @user_there: the device may use it.
 * @extents: where it is, in order of offset.
 * @extent_count: how many.
 */
struct dsa_place {
	bool null;
	bool hbm;
	struct list_head blocks;
	struct page **pages;
	struct sg_table *sgt;
	dma_addr_t *user;
	bool user_there;
	struct dsa_extent *extents;
	unsigned int extent_count;
};

extern const struct dsa_place dsa_place_null;

struct dsa_place *dsa_place_alloc_hbm(struct dsa_device *dsa, u64 size, bool evict);
struct dsa_place *dsa_place_alloc_user(u64 size);
struct dsa_place *dsa_place_import(struct sg_table *sgt, u64 size);
bool dsa_place_system_has(u64 size);
struct dsa_place *dsa_place_alloc_system(struct dsa_device *dsa, struct drm_gem_object *obj);
void dsa_place_unmap(struct dsa_device *dsa, struct dsa_place *place);
void dsa_place_free(struct dsa_device *dsa, struct drm_gem_object *obj, struct dsa_place *place);
const struct dsa_extent *dsa_place_extent(const struct dsa_place *place, u64 offset);
#if IS_ENABLED(CONFIG_KUNIT)
void dsa_place_add_extent(struct dsa_place *place, u64 addr, u64 size);
#endif
unsigned long dsa_place_pfn(struct dsa_device *dsa, const struct dsa_place *place, u64 offset);

#endif /* DSA_PLACE_H */
