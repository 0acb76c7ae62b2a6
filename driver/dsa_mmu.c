// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables. They live in HBM, or in system memory when HBM is full, so
 * that removing a mapping never depends on free HBM. The driver keeps a
 * shadow of the tree (struct dsa_pt), with the content of tables in HBM, which
 * a reset of the PCI function clears. It does not read tables back.
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
	if (pt->copy)
		pt->copy[index] = pte;
	iosys_map_wr(&pt->map, index * sizeof(u64), u64, pte);
}

static u64 dsa_pt_read(struct dsa_pt *pt, unsigned int index)
{
	if (pt->copy)
		return pt->copy[index];
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
	pt->copy = kzalloc(DSA_PAGE_SIZE, GFP_KERNEL);
	if (!pt->copy)
		return -ENOMEM;
	ret = dsa_hbm_alloc(dsa, DSA_PAGE_SIZE, DRM_BUDDY_TOPDOWN_ALLOCATION, &pt->blocks);
	if (ret) {
		kfree(pt->copy);
		pt->copy = NULL;
		return ret;
	}
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

/* Without its memory a table can only be freed. */
static void dsa_pt_free_system(struct dsa_device *dsa, struct dsa_pt *pt)
{
	if (pt->copy || iosys_map_is_null(&pt->map))
		return;
	dma_free_coherent(dsa->drm.dev, DSA_PAGE_SIZE, pt->map.vaddr, pt->dma);
	iosys_map_clear(&pt->map);
}

static void dsa_pt_free(struct dsa_device *dsa, struct dsa_pt *pt)
{
	dsa_pt_free_system(dsa, pt);
	if (pt->copy)
		dsa_hbm_free(dsa, &pt->blocks);
	kfree(pt->copy);
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

/* Calls @visit for each table of a tree, those below a table before it. */
static void dsa_pt_for_each(struct dsa_device *dsa, struct dsa_pt *pt,
			    void (*visit)(struct dsa_device *dsa, struct dsa_pt *pt))
{
	unsigned int i;

	for (i = 0; pt->level && i < DSA_PT_ENTRIES; i++) {
		if (dsa_pt_is_table(pt->child[i]))
			dsa_pt_for_each(dsa, pt->child[i], visit);
	}
	visit(dsa, pt);
	cond_resched();
}

static void dsa_pt_restore(struct dsa_device *dsa, struct dsa_pt *pt)
{
	if (pt->copy)
		iosys_map_memcpy_to(&pt->map, 0, pt->copy, DSA_PAGE_SIZE);
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
	init_rwsem(&dsa->mmu.tables);
	mutex_init(&dsa->mmu.lock);
	ida_init(&dsa->mmu.asids);
	return drmm_add_action_or_reset(&dsa->drm, dsa_mmu_fini, &dsa->mmu);
}

static void dsa_mmu_set_root(struct dsa_device *dsa, u32 asid, u64 root)
{
	int idx;

	mutex_lock(&dsa->mmu.lock);
	dsa->mmu.roots[asid] = root;
	if (dsa_device_enter_online(dsa, &idx)) {
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

/**
 * dsa_mmu_offline - Expect no more of the hardware; it forgets all translations.
 * @dsa: the device.
 */
void dsa_mmu_offline(struct dsa_device *dsa)
{
	lockdep_assert_held(&dsa->hw_lock);
	mutex_lock(&dsa->mmu.lock);
	WRITE_ONCE(dsa->offline, true);
	/* After the flag: who waits for what is over has seen either. */
	smp_wmb();
	atomic_inc(&dsa->mmu.generation);
	mutex_unlock(&dsa->mmu.lock);
}

/**
 * dsa_mmu_online - Bring all address spaces back after dsa_mmu_offline().
 * @dsa: the device, which works again and knows of nothing. HBM may have been
 *       lost, and what was written meanwhile is.
 */
void dsa_mmu_online(struct dsa_device *dsa)
{
	unsigned int i;

	lockdep_assert_held(&dsa->hw_lock);
	down_write(&dsa->mmu.tables);
	/* From here on changes reach the hardware, which does not use the tables yet. */
	mutex_lock(&dsa->mmu.lock);
	WRITE_ONCE(dsa->offline, false);
	mutex_unlock(&dsa->mmu.lock);
	dsa_mmu_restore_roots(dsa);
	for (i = 0; i < dsa->caps.asids; i++) {
		if (dsa->mmu.trees[i])
			dsa_pt_for_each(dsa, dsa->mmu.trees[i]->root, dsa_pt_restore);
	}
	wmb();	/* tables before any doorbell */
	up_write(&dsa->mmu.tables);
}

/**
 * dsa_mmu_release - Give back system memory in page tables.
 * @dsa: the device, unplugged: nobody changes tables any more, but address
 *       spaces last as long as files are open.
 */
void dsa_mmu_release(struct dsa_device *dsa)
{
	unsigned int i;

	down_write(&dsa->mmu.tables);
	for (i = 0; i < dsa->caps.asids; i++) {
		if (dsa->mmu.trees[i])
			dsa_pt_for_each(dsa, dsa->mmu.trees[i]->root, dsa_pt_free_system);
	}
	up_write(&dsa->mmu.tables);
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
	u32 done = dsa_read(dsa, DSA_REG_MMU_INV_DONE);

	if (atomic_read(&dsa->mmu.generation) != generation)
		return true;
	/* Nor when nobody answers. */
	return (s32)(done - seq) >= 0 && ((done && done != U32_MAX) || !dsa_gone(dsa));
}

/* There is no use in waiting any longer. */
static bool dsa_mmu_invalidate_over(struct dsa_device *dsa, u32 seq, int generation)
{
	return dsa_mmu_invalidate_done(dsa, seq, generation) || dsa_gone(dsa);
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
 * means the whole address space. A device that is out of service or offline has
 * no access to memory.
 */
static void dsa_mmu_invalidate(struct dsa_device *dsa, u32 asid, u64 start, u64 size)
{
	int generation = atomic_read(&dsa->mmu.generation);
	bool over;
	u32 seq;
	int idx;

	/* The generation first: pairs with dsa_device_end_locked() and dsa_mmu_offline(). */
	smp_rmb();
	if (!dsa_device_enter_online(dsa, &idx))
		return;
	seq = dsa_mmu_invalidate_begin(dsa, asid, start, size);
	if (read_poll_timeout_atomic(dsa_mmu_invalidate_done, over, over, 0, 50, false,
				     dsa, seq, generation))
		read_poll_timeout(dsa_mmu_invalidate_over, over, over, 20,
				  DSA_INVALIDATE_TIMEOUT_US, false, dsa, seq, generation);
	if (!dsa_mmu_invalidate_done(dsa, seq, generation)) {
		if (!dsa_gone(dsa))
			drm_err(&dsa->drm, "MMU invalidation %u of ASID %u not done after %lu ms\n",
				seq, asid, DSA_INVALIDATE_TIMEOUT_US / USEC_PER_MSEC);
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
	down_read(&dsa->mmu.tables);
	WRITE_ONCE(dsa->mmu.trees[asid], tree);
	up_read(&dsa->mmu.tables);
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
	struct dsa_mmu *mmu = &tree->dsa->mmu;

	/* System memory before dsa_mmu_release() returns. The lock of HBM is not taken inside. */
	down_read(&mmu->tables);
	WRITE_ONCE(mmu->trees[tree->asid], NULL);
	dsa_pt_for_each(tree->dsa, tree->root, dsa_pt_free_system);
	up_read(&mmu->tables);
	dsa_pt_for_each(tree->dsa, tree->root, dsa_pt_free);
	ida_free(&tree->dsa->mmu.asids, tree->asid);
}

/* ---- changes ---- */

/* The longest run that begins at @va, @left bytes before the range ends. */
VISIBLE_IF_KUNIT struct dsa_pt_run dsa_pt_next_run(const struct dsa_place *place, u64 offset,
						   u64 va, u64 left)
{
	struct dsa_pt_run run = { .va = va };
	const struct dsa_extent *ext;
	u64 max;

	if (place->user) {
		run.count = min_t(u64, left >> PAGE_SHIFT, DSA_PT_ENTRIES - dsa_pt_index(va, 0));
		return run;
	}
	ext = dsa_place_extent(place, offset);
	run.addr = ext->addr + (offset - ext->offset);
	max = min(left, ext->offset + ext->size - offset);
	if (place->null)
		run.addr = 0;
	run.level = DSA_PT_LEAF_LEVEL_MAX;
	while (run.level && (!IS_ALIGNED(va | run.addr, dsa_pt_span(run.level)) ||
			     max < dsa_pt_span(run.level)))
		run.level--;
	run.stride = place->null ? 0 : dsa_pt_span(run.level);
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
static int dsa_pt_reserve_path(struct dsa_pt_update *u, u64 va, unsigned int level, u64 *seen,
			       bool later)
{
	struct dsa_pt *pt = later ? NULL : u->tree->root;
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
static int dsa_pt_reserve_split(struct dsa_pt_update *u, u64 va, bool later)
{
	struct dsa_pt *pt = u->tree->root;
	unsigned int l = DSA_PT_LEAF_LEVEL_MAX;
	int ret;

	if (later)
		pt = DSA_PT_LEAF;
	else
		l = DSA_PT_ROOT_LEVEL;
	for (; dsa_pt_is_table(pt) && l; l--) {
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
 * @place: what will be mapped in the whole range, or NULL.
 * @offset: of the first byte in @place.
 * @later: other changes come before it, so that the tables may look anyhow.
 *
 * Return: 0 or -ENOMEM; then nothing has changed.
 */
int dsa_pt_update_reserve(struct dsa_pt_update *u, const struct dsa_place *place, u64 offset,
			  bool later)
{
	u64 seen[DSA_PT_LEVELS] = { ~0ull, ~0ull, ~0ull, ~0ull };
	u64 va = u->start;
	int ret;

	ret = dsa_pt_reserve_split(u, u->start, later);
	if (!ret && u->end < BIT_ULL(DSA_VA_BITS))
		ret = dsa_pt_reserve_split(u, u->end, later);

	while (!ret && place && va < u->end) {
		struct dsa_pt_run run = dsa_pt_next_run(place, offset, va, u->end - va);
		u64 bytes = (u64)run.count << DSA_PT_SHIFT(run.level);

		ret = dsa_pt_reserve_path(u, va, run.level, seen, later);
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

/* A page of a process: it may be elsewhere later, and without one there is an empty entry. */
static u64 dsa_pt_user_entry(const struct dsa_place *place, u64 offset, u64 flags)
{
	/* Pairs with dsa_userptr_enter(): before the addresses. */
	if (!smp_load_acquire(&place->user_there))
		return 0;
	return place->user[offset >> PAGE_SHIFT] | flags;
}

/**
 * dsa_pt_update_map - Enter pages where nothing is mapped.
 * @u: the change.
 * @place: what to map.
 * @offset: of the first byte in @place.
 * @va: first address.
 * @range: bytes.
 * @flags: DSA_PTE_R, DSA_PTE_W, DSA_PTE_X.
 */
void dsa_pt_update_map(struct dsa_pt_update *u, const struct dsa_place *place, u64 offset, u64 va,
		       u64 range, u64 flags)
{
	struct rw_semaphore *tables = &u->tree->dsa->mmu.tables;
	u64 end = va + range;

	down_read(tables);
	flags |= DSA_PTE_VALID | DSA_PTE_LEAF;
	if (!place->hbm)
		flags |= place->null ? DSA_PTE_NULL : DSA_PTE_SYS;
	while (va < end) {
		struct dsa_pt_run run = dsa_pt_next_run(place, offset, va, end - va);
		struct dsa_pt *pt = dsa_pt_walk_alloc(u, va, run.level);
		unsigned int first = dsa_pt_index(va, run.level), i;

		for (i = 0; i < run.count; i++)
			dsa_pt_set(u, pt, first + i, place->user ?
				   dsa_pt_user_entry(place, offset + i * PAGE_SIZE, flags) :
				   (run.addr + i * run.stride) | flags);
		va += (u64)run.count << DSA_PT_SHIFT(run.level);
		offset += (u64)run.count << DSA_PT_SHIFT(run.level);
		cond_resched();
	}
	up_read(tables);
}

/**
 * dsa_pt_refresh - Enter anew where the memory of a process is.
 * @tree: where it is mapped. The tables stay the same.
 * @place: the memory.
 * @offset: of the first byte in @place.
 * @va: first address.
 * @range: bytes.
 * @flags: as for dsa_pt_update_map().
 *
 * On return nothing is accessed any more through what was there.
 */
void dsa_pt_refresh(struct dsa_pt_tree *tree, const struct dsa_place *place, u64 offset, u64 va,
		    u64 range, u64 flags)
{
	u64 at = va, end = va + range;

	flags |= DSA_PTE_VALID | DSA_PTE_LEAF | DSA_PTE_SYS;
	while (at < end) {
		struct dsa_pt *pt = tree->root;
		unsigned int i;

		while (pt->level)
			pt = pt->child[dsa_pt_index(at, pt->level)];
		for (i = dsa_pt_index(at, 0); i < DSA_PT_ENTRIES && at < end; i++) {
			dsa_pt_write(pt, i, dsa_pt_user_entry(place, offset + (at - va), flags));
			at += PAGE_SIZE;
		}
	}
	wmb();	/* entries before invalidation, and before any doorbell */
	dsa_mmu_invalidate(tree->dsa, tree->asid, va, range);
}

/* Replaces a large page by a table of the next smaller ones. */
static void dsa_pt_split(struct dsa_pt_update *u, struct dsa_pt *parent, unsigned int index)
{
	struct dsa_pt *pt = dsa_pt_take(u, parent->level - 1);
	u64 pte = dsa_pt_read(parent, index);
	u64 stride = pte & DSA_PTE_NULL ? 0 : dsa_pt_span(pt->level);
	unsigned int i;

	for (i = 0; i < DSA_PT_ENTRIES; i++) {
		dsa_pt_write(pt, i, pte + i * stride);
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
	down_read(&u->tree->dsa->mmu.tables);
	dsa_pt_clear(u, u->tree->root, va, va + range);
	up_read(&u->tree->dsa->mmu.tables);
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

	if (u->cleared) {
		down_read(&tree->dsa->mmu.tables);
		dsa_pt_prune(u, tree->root, u->start, u->end);
		up_read(&tree->dsa->mmu.tables);
	}
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

/* ---- looking ---- */

/**
 * dsa_pt_tree_find - Find the page that maps an address.
 * @tree: the address space; the caller holds &dsa_vm.lock.
 * @va: the address.
 * @level: level of the entry.
 *
 * Return: the entry, zero if there is none.
 */
u64 dsa_pt_tree_find(const struct dsa_pt_tree *tree, u64 va, unsigned int *level)
{
	struct dsa_pt *pt = tree->root;

	while (pt->level && dsa_pt_is_table(pt->child[dsa_pt_index(va, pt->level)]))
		pt = pt->child[dsa_pt_index(va, pt->level)];
	*level = pt->level;
	if (pt->level && !pt->child[dsa_pt_index(va, pt->level)])
		return 0;
	return dsa_pt_read(pt, dsa_pt_index(va, pt->level));
}

static bool dsa_pt_walk(struct dsa_pt *pt, u64 va, dsa_pt_page_fn *page, void *arg)
{
	unsigned int i, left = pt->used;
	bool more = true;

	for (i = 0; i < DSA_PT_ENTRIES && left && more; i++, va += dsa_pt_span(pt->level)) {
		u64 pte;

		if (pt->level && !pt->child[i])
			continue;
		if (pt->level && dsa_pt_is_table(pt->child[i])) {
			more = dsa_pt_walk(pt->child[i], va, page, arg);
			left--;
			continue;
		}
		pte = dsa_pt_read(pt, i);
		if (!(pte & DSA_PTE_VALID))
			continue;
		more = page(arg, va, pte, pt->level);
		left--;
	}
	return more;
}

/**
 * dsa_pt_tree_walk - Look at all pages of an address space in order.
 * @tree: the address space; the caller holds &dsa_vm.lock.
 * @page: called for each; false ends the walk.
 * @arg: its first argument.
 */
void dsa_pt_tree_walk(const struct dsa_pt_tree *tree, dsa_pt_page_fn *page, void *arg)
{
	dsa_pt_walk(tree->root, 0, page, arg);
}
