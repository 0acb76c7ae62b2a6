// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables. They live in HBM, or in system memory when HBM is full, so
 * that removing a mapping never depends on free HBM. The driver keeps a
 * shadow of the tree (struct dsa_pt) and does not read tables back but to
 * split a large page.
 */

#include <kunit/visibility.h>
#include <linux/dma-mapping.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "dsa_gem.h"
#include "dsa_hw.h"
#include "dsa_mmu.h"

#define DSA_PTE_ADDR(pte)	((pte) & DSA_PTE_ADDR_MASK)
#define DSA_PT_ROOT_LEVEL	(DSA_PT_LEVELS - 1)
/* Pages of 1 GiB are the largest. */
#define DSA_PT_LEAF_LEVEL_MAX	2

static u64 dsa_pt_span(unsigned int level)
{
	return 1ull << DSA_PT_SHIFT(level);
}

static unsigned int dsa_pt_index(u64 va, unsigned int level)
{
	return (va >> DSA_PT_SHIFT(level)) & (DSA_PT_ENTRIES - 1);
}

static bool dsa_pt_is_table(const struct dsa_pt *child)
{
	return child && child != DSA_PT_LEAF;
}

static void dsa_pt_write(struct dsa_pt *pt, unsigned int index, u64 pte)
{
	iosys_map_wr(&pt->map, index * sizeof(u64), u64, pte);
}

static u64 dsa_pt_read(struct dsa_pt *pt, unsigned int index)
{
	return iosys_map_rd(&pt->map, index * sizeof(u64), u64);
}

/* ---- tables ---- */

static int dsa_pt_alloc_hbm(struct dsa_device *dsa, struct dsa_pt *pt)
{
	struct drm_buddy_block *block;
	u64 addr;
	int ret;

	if (READ_ONCE(dsa_pt_system))
		return -ENOSPC;
	ret = dsa_hbm_alloc(dsa, DSA_PAGE_SIZE, DRM_BUDDY_TOPDOWN_ALLOCATION, &pt->blocks);
	if (ret)
		return ret;
	block = list_first_entry(&pt->blocks, struct drm_buddy_block, link);
	addr = drm_buddy_block_offset(block);
	pt->entry = addr | DSA_PTE_VALID;
	iosys_map_set_vaddr_iomem(&pt->map, dsa->hbm.io + addr);
	iosys_map_memset(&pt->map, 0, 0, DSA_PAGE_SIZE);
	return 0;
}

static int dsa_pt_alloc_system(struct dsa_device *dsa, struct dsa_pt *pt)
{
	void *cpu = dma_alloc_coherent(dsa->drm.dev, DSA_PAGE_SIZE, &pt->dma, GFP_KERNEL);

	if (!cpu)
		return -ENOMEM;
	pt->entry = pt->dma | DSA_PTE_VALID | DSA_PTE_SYS;
	iosys_map_set_vaddr(&pt->map, cpu);
	return 0;
}

static struct dsa_pt *dsa_pt_alloc(struct dsa_device *dsa, bool directory)
{
	struct dsa_pt *pt;

	pt = kzalloc(struct_size(pt, child, directory ? DSA_PT_ENTRIES : 0), GFP_KERNEL);
	if (!pt)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&pt->blocks);
	if (dsa_pt_alloc_hbm(dsa, pt) && dsa_pt_alloc_system(dsa, pt)) {
		kfree(pt);
		return ERR_PTR(-ENOMEM);
	}
	return pt;
}

static void dsa_pt_free(struct dsa_device *dsa, struct dsa_pt *pt)
{
	if (list_empty(&pt->blocks))
		dma_free_coherent(dsa->drm.dev, DSA_PAGE_SIZE, pt->map.vaddr, pt->dma);
	else
		dsa_hbm_free(dsa, &pt->blocks);
	kfree(pt);
}

static void dsa_pt_free_list(struct dsa_device *dsa, struct list_head *list)
{
	struct dsa_pt *pt, *next;

	list_for_each_entry_safe(pt, next, list, link) {
		dsa_pt_free(dsa, pt);
		cond_resched();
	}
	INIT_LIST_HEAD(list);
}

static void dsa_pt_free_tree(struct dsa_device *dsa, struct dsa_pt *pt)
{
	unsigned int i;

	for (i = 0; pt->level && i < DSA_PT_ENTRIES; i++) {
		if (dsa_pt_is_table(pt->child[i]))
			dsa_pt_free_tree(dsa, pt->child[i]);
	}
	dsa_pt_free(dsa, pt);
	cond_resched();
}

/* ---- the device's side ---- */

static void dsa_mmu_fini(struct drm_device *drm, void *arg)
{
	struct dsa_mmu *mmu = arg;

	ida_destroy(&mmu->asids);
	mutex_destroy(&mmu->lock);
}

int dsa_mmu_init(struct dsa_device *dsa)
{
	mutex_init(&dsa->mmu.lock);
	ida_init(&dsa->mmu.asids);
	return drmm_add_action_or_reset(&dsa->drm, dsa_mmu_fini, &dsa->mmu);
}

static void dsa_mmu_set_root(struct dsa_device *dsa, u32 asid, u64 root)
{
	int idx;

	mutex_lock(&dsa->mmu.lock);
	dsa->mmu.roots[asid] = root;
	if (!dsa_device_enter(dsa, &idx)) {
		dsa_write64(dsa, DSA_REG_MMU_ROOT(asid), root);
		drm_dev_exit(idx);
	}
	mutex_unlock(&dsa->mmu.lock);
}

/**
 * dsa_mmu_restore_roots - Bring address spaces back after a device reset.
 * @dsa: the device.
 */
void dsa_mmu_restore_roots(struct dsa_device *dsa)
{
	unsigned int i;

	mutex_lock(&dsa->mmu.lock);
	for (i = 0; i < dsa->caps.asids; i++) {
		if (dsa->mmu.roots[i])
			dsa_write64(dsa, DSA_REG_MMU_ROOT(i), dsa->mmu.roots[i]);
	}
	atomic_inc(&dsa->mmu.generation);
	mutex_unlock(&dsa->mmu.lock);
}

static u32 dsa_mmu_invalidate_begin(struct dsa_device *dsa, u32 asid, u64 start, u64 size)
{
	u32 scope = size ? DSA_MMU_INV_RANGE : DSA_MMU_INV_ASID;
	u32 seq;

	mutex_lock(&dsa->mmu.lock);
	if (size) {
		dsa_write64(dsa, DSA_REG_MMU_INV_START, start);
		dsa_write64(dsa, DSA_REG_MMU_INV_SIZE, size);
	}
	dsa_write(dsa, DSA_REG_MMU_INV_CMD, scope << 16 | asid);
	seq = dsa_read(dsa, DSA_REG_MMU_INV_SEQ);
	mutex_unlock(&dsa->mmu.lock);
	return seq;
}

static bool dsa_mmu_invalidate_done(struct dsa_device *dsa, u32 seq, int generation)
{
	return (s32)(dsa_read(dsa, DSA_REG_MMU_INV_DONE) - seq) >= 0 ||
	       atomic_read(&dsa->mmu.generation) != generation;
}

/* The device does not answer. One reset serves all who have found that out. */
static void dsa_mmu_give_up(struct dsa_device *dsa, int generation)
{
	mutex_lock(&dsa->hw_lock);
	if (atomic_read(&dsa->mmu.generation) == generation)
		dsa_device_reset_locked(dsa, NULL);
	mutex_unlock(&dsa->hw_lock);
}

/*
 * Makes the device forget translations and waits until it has. @size zero
 * means the whole address space. A device that is out of service has no
 * access to memory.
 */
static void dsa_mmu_invalidate(struct dsa_device *dsa, u32 asid, u64 start, u64 size)
{
	int generation = atomic_read(&dsa->mmu.generation);
	bool done;
	u32 seq;
	int idx;

	/* The generation first: pairs with dsa_device_end_locked(). */
	smp_rmb();
	if (dsa_device_enter(dsa, &idx))
		return;
	seq = dsa_mmu_invalidate_begin(dsa, asid, start, size);
	if (read_poll_timeout_atomic(dsa_mmu_invalidate_done, done, done, 0, 50, false,
				     dsa, seq, generation) &&
	    read_poll_timeout(dsa_mmu_invalidate_done, done, done, 20, DSA_INVALIDATE_TIMEOUT_US,
			      false, dsa, seq, generation)) {
		drm_err(&dsa->drm, "MMU invalidation %u of ASID %u not done after %lu ms\n", seq,
			asid, DSA_INVALIDATE_TIMEOUT_US / USEC_PER_MSEC);
		dsa_mmu_give_up(dsa, generation);
	}
	drm_dev_exit(idx);
}

/* ---- an address space ---- */

/**
 * dsa_pt_tree_init - Create an empty address space.
 * @dsa: the device.
 * @tree: what to fill.
 *
 * Return: 0, -ENOSPC without a free ASID, -ENOMEM.
 */
int dsa_pt_tree_init(struct dsa_device *dsa, struct dsa_pt_tree *tree)
{
	int asid;

	tree->dsa = dsa;
	tree->root = dsa_pt_alloc(dsa, true);
	if (IS_ERR(tree->root))
		return PTR_ERR(tree->root);
	tree->root->level = DSA_PT_ROOT_LEVEL;

	/* ASID 0 stays empty: queues that nobody configured run in it. */
	asid = ida_alloc_range(&dsa->mmu.asids, 1, dsa->caps.asids - 1, GFP_KERNEL);
	if (asid < 0) {
		dsa_pt_free(dsa, tree->root);
		return asid;
	}
	tree->asid = asid;
	wmb();	/* an empty table before the pointer to it */
	dsa_mmu_set_root(dsa, asid, tree->root->entry);
	return 0;
}

/**
 * dsa_pt_tree_disable - Take an address space from the device.
 * @tree: the address space. On return the device does not use it any more.
 */
void dsa_pt_tree_disable(struct dsa_pt_tree *tree)
{
	dsa_mmu_set_root(tree->dsa, tree->asid, 0);
	dsa_mmu_invalidate(tree->dsa, tree->asid, 0, 0);
}

/**
 * dsa_pt_tree_fini - Free what dsa_pt_tree_disable() took away.
 * @tree: the address space.
 */
void dsa_pt_tree_fini(struct dsa_pt_tree *tree)
{
	dsa_pt_free_tree(tree->dsa, tree->root);
	ida_free(&tree->dsa->mmu.asids, tree->asid);
}

/* ---- changes ---- */

/* The longest run that begins at @va, @left bytes before the range ends. */
VISIBLE_IF_KUNIT struct dsa_pt_run dsa_pt_next_run(const struct dsa_bo *bo, u64 offset, u64 va,
						   u64 left)
{
	const struct dsa_extent *ext = dsa_bo_extent(bo, offset);
	struct dsa_pt_run run = { .va = va, .addr = ext->addr + (offset - ext->offset) };
	u64 max = min(left, ext->offset + ext->size - offset);

	run.level = DSA_PT_LEAF_LEVEL_MAX;
	while (run.level && (!IS_ALIGNED(va | run.addr, dsa_pt_span(run.level)) ||
			     max < dsa_pt_span(run.level)))
		run.level--;
	run.count = min_t(u64, max >> DSA_PT_SHIFT(run.level),
			  DSA_PT_ENTRIES - dsa_pt_index(va, run.level));
	return run;
}
EXPORT_SYMBOL_IF_KUNIT(dsa_pt_next_run);

void dsa_pt_update_init(struct dsa_pt_update *u, struct dsa_pt_tree *tree, u64 va, u64 range)
{
	*u = (struct dsa_pt_update) { .tree = tree, .start = va, .end = va + range };
	INIT_LIST_HEAD(&u->spare[0]);
	INIT_LIST_HEAD(&u->spare[1]);
	INIT_LIST_HEAD(&u->dropped);
}

static int dsa_pt_reserve_one(struct dsa_pt_update *u, unsigned int level)
{
	struct dsa_pt *pt = dsa_pt_alloc(u->tree->dsa, level);

	if (IS_ERR(pt))
		return PTR_ERR(pt);
	list_add(&pt->link, &u->spare[!!level]);
	return 0;
}

/* Reserves the tables between the root and @level on the way to @va. */
static int dsa_pt_reserve_path(struct dsa_pt_update *u, u64 va, unsigned int level, u64 *seen)
{
	struct dsa_pt *pt = u->tree->root;
	unsigned int l;
	int ret;

	for (l = DSA_PT_ROOT_LEVEL; l > level; l--) {
		u64 slot = va >> DSA_PT_SHIFT(l);

		pt = pt ? pt->child[dsa_pt_index(va, l)] : NULL;
		if (dsa_pt_is_table(pt))
			continue;
		pt = NULL;
		if (seen[l] == slot)
			continue;
		seen[l] = slot;
		ret = dsa_pt_reserve_one(u, l - 1);
		if (ret)
			return ret;
	}
	return 0;
}

/* Reserves the tables to split the page, if any, that @va lies inside of. */
static int dsa_pt_reserve_split(struct dsa_pt_update *u, u64 va)
{
	struct dsa_pt *pt = u->tree->root;
	unsigned int l;
	int ret;

	for (l = DSA_PT_ROOT_LEVEL; dsa_pt_is_table(pt) && l; l--) {
		if (!(va & (dsa_pt_span(l) - 1)))
			return 0;
		pt = pt->child[dsa_pt_index(va, l)];
		if (pt == DSA_PT_LEAF)
			break;
	}
	if (pt != DSA_PT_LEAF)
		return 0;
	for (; l && va & (dsa_pt_span(l) - 1); l--) {
		ret = dsa_pt_reserve_one(u, l - 1);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * dsa_pt_update_reserve - Allocate all that a change may need.
 * @u: the change.
 * @bo: what will be mapped in the whole range, or NULL.
 * @offset: of the first byte in @bo.
 *
 * Return: 0 or -ENOMEM; then nothing has changed.
 */
int dsa_pt_update_reserve(struct dsa_pt_update *u, struct dsa_bo *bo, u64 offset)
{
	u64 seen[DSA_PT_LEVELS] = { ~0ull, ~0ull, ~0ull, ~0ull };
	u64 va = u->start;
	int ret;

	ret = dsa_pt_reserve_split(u, u->start);
	if (!ret && u->end < BIT_ULL(DSA_VA_BITS))
		ret = dsa_pt_reserve_split(u, u->end);

	while (!ret && bo && va < u->end) {
		struct dsa_pt_run run = dsa_pt_next_run(bo, offset, va, u->end - va);
		u64 bytes = (u64)run.count << DSA_PT_SHIFT(run.level);

		ret = dsa_pt_reserve_path(u, va, run.level, seen);
		va += bytes;
		offset += bytes;
		cond_resched();
	}
	return ret;
}

static struct dsa_pt *dsa_pt_take(struct dsa_pt_update *u, unsigned int level)
{
	struct dsa_pt *pt = list_first_entry(&u->spare[!!level], struct dsa_pt, link);

	list_del(&pt->link);
	pt->level = level;
	return pt;
}

static void dsa_pt_link(struct dsa_pt *parent, unsigned int index, struct dsa_pt *pt)
{
	if (!parent->child[index])
		parent->used++;
	parent->child[index] = pt;
	wmb();	/* the table's content before the pointer to it */
	dsa_pt_write(parent, index, pt->entry);
}

static struct dsa_pt *dsa_pt_walk_alloc(struct dsa_pt_update *u, u64 va, unsigned int level)
{
	struct dsa_pt *pt = u->tree->root;

	while (pt->level > level) {
		unsigned int i = dsa_pt_index(va, pt->level);

		if (!pt->child[i])
			dsa_pt_link(pt, i, dsa_pt_take(u, pt->level - 1));
		pt = pt->child[i];
	}
	return pt;
}

/* Takes a table whose entries have all been cleared, and those below it, out of use. */
static void dsa_pt_drop(struct dsa_pt_update *u, struct dsa_pt *pt)
{
	unsigned int i;

	for (i = 0; pt->level && i < DSA_PT_ENTRIES; i++) {
		if (dsa_pt_is_table(pt->child[i]))
			dsa_pt_drop(u, pt->child[i]);
	}
	cond_resched();
	list_add(&pt->link, &u->dropped);
	u->reshaped = true;
}

/* Enters one page; an empty table may be in its place. */
static void dsa_pt_set(struct dsa_pt_update *u, struct dsa_pt *pt, unsigned int index, u64 pte)
{
	struct dsa_pt *old = pt->level ? pt->child[index] : NULL;

	dsa_pt_write(pt, index, pte);
	if (pt->level)
		pt->child[index] = DSA_PT_LEAF;
	if (old)
		dsa_pt_drop(u, old);
	else
		pt->used++;
}

/**
 * dsa_pt_update_map - Enter pages where nothing is mapped.
 * @u: the change.
 * @bo: what to map.
 * @offset: of the first byte in @bo.
 * @va: first address.
 * @range: bytes.
 * @flags: DSA_PTE_R, DSA_PTE_W, DSA_PTE_X.
 */
void dsa_pt_update_map(struct dsa_pt_update *u, struct dsa_bo *bo, u64 offset, u64 va, u64 range,
		       u64 flags)
{
	u64 end = va + range;

	flags |= DSA_PTE_VALID | DSA_PTE_LEAF | (bo->hbm ? 0 : DSA_PTE_SYS);
	while (va < end) {
		struct dsa_pt_run run = dsa_pt_next_run(bo, offset, va, end - va);
		struct dsa_pt *pt = dsa_pt_walk_alloc(u, va, run.level);
		unsigned int first = dsa_pt_index(va, run.level), i;

		for (i = 0; i < run.count; i++)
			dsa_pt_set(u, pt, first + i,
				   (run.addr + ((u64)i << DSA_PT_SHIFT(run.level))) | flags);
		va += (u64)run.count << DSA_PT_SHIFT(run.level);
		offset += (u64)run.count << DSA_PT_SHIFT(run.level);
		cond_resched();
	}
}

/* Replaces a large page by a table of the next smaller ones. */
static void dsa_pt_split(struct dsa_pt_update *u, struct dsa_pt *parent, unsigned int index)
{
	struct dsa_pt *pt = dsa_pt_take(u, parent->level - 1);
	u64 pte = dsa_pt_read(parent, index);
	unsigned int i;

	for (i = 0; i < DSA_PT_ENTRIES; i++) {
		dsa_pt_write(pt, i, pte + ((u64)i << DSA_PT_SHIFT(pt->level)));
		if (pt->level)
			pt->child[i] = DSA_PT_LEAF;
	}
	pt->used = DSA_PT_ENTRIES;
	dsa_pt_link(parent, index, pt);
	u->reshaped = true;
}

static void dsa_pt_clear(struct dsa_pt_update *u, struct dsa_pt *pt, u64 va, u64 end)
{
	u64 span = dsa_pt_span(pt->level);

	while (va < end) {
		unsigned int i = dsa_pt_index(va, pt->level);
		u64 next = min(end, round_down(va, span) + span);
		bool whole = next - va == span;

		if (!pt->level || (pt->child[i] == DSA_PT_LEAF && whole)) {
			dsa_pt_write(pt, i, 0);
			pt->used--;
			if (pt->level)
				pt->child[i] = NULL;
		} else if (pt->child[i]) {
			if (pt->child[i] == DSA_PT_LEAF)
				dsa_pt_split(u, pt, i);
			dsa_pt_clear(u, pt->child[i], va, next);
		}
		if (pt->level)
			cond_resched();
		va = next;
	}
}

/**
 * dsa_pt_update_clear - Remove pages.
 * @u: the change.
 * @va: first address.
 * @range: bytes, all of them mapped.
 */
void dsa_pt_update_clear(struct dsa_pt_update *u, u64 va, u64 range)
{
	dsa_pt_clear(u, u->tree->root, va, va + range);
	u->cleared = true;
}

/* Takes tables without entries out of the tree. */
static void dsa_pt_prune(struct dsa_pt_update *u, struct dsa_pt *pt, u64 va, u64 end)
{
	u64 span = dsa_pt_span(pt->level);

	while (pt->level && va < end) {
		unsigned int i = dsa_pt_index(va, pt->level);
		u64 next = min(end, round_down(va, span) + span);
		struct dsa_pt *child = pt->child[i];

		if (dsa_pt_is_table(child)) {
			dsa_pt_prune(u, child, va, next);
			if (!child->used) {
				dsa_pt_write(pt, i, 0);
				pt->child[i] = NULL;
				pt->used--;
				list_add(&child->link, &u->dropped);
				u->reshaped = true;
			}
		}
		cond_resched();
		va = next;
	}
}

/**
 * dsa_pt_update_commit - Make the device use what has been changed.
 * @u: the change.
 *
 * On return nothing is accessed any more through what was replaced. Adding
 * entries needs nothing: the device does not remember faults.
 */
void dsa_pt_update_commit(struct dsa_pt_update *u)
{
	struct dsa_pt_tree *tree = u->tree;

	if (u->cleared)
		dsa_pt_prune(u, tree->root, u->start, u->end);
	wmb();	/* entries before invalidation, and before any doorbell */
	/* Of a table that is gone, engines may know more than the range. */
	if (u->reshaped)
		dsa_mmu_invalidate(tree->dsa, tree->asid, 0, 0);
	else if (u->cleared)
		dsa_mmu_invalidate(tree->dsa, tree->asid, u->start, u->end - u->start);
}

/**
 * dsa_pt_update_fini - Free what a change has left over.
 * @u: the change, committed or never begun.
 */
void dsa_pt_update_fini(struct dsa_pt_update *u)
{
	dsa_pt_free_list(u->tree->dsa, &u->spare[0]);
	dsa_pt_free_list(u->tree->dsa, &u->spare[1]);
	dsa_pt_free_list(u->tree->dsa, &u->dropped);
}
