/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_MMU_H
#define DSA_MMU_H

#include <linux/iosys-map.h>

#include <hw/dsa_mmu.h>

#include "dsa_device.h"

struct dsa_place;

/**
 * struct dsa_pt - A page table.
 * @link: in the lists of &struct dsa_pt_update.
 * @map: its 4 KiB, for the processor.
 * @entry: what points to it: DSA_PTE_VALID, DSA_PTE_SYS, address.
 * @blocks: HBM it occupies; empty when in system memory.
 * @copy: what a table in HBM holds: HBM may be lost.
 * @dma: bus address when in system memory.
 * @used: valid entries.
 * @level: 3 is the root.
 * @child: of a table of level 1 and above: for each entry the table that it
 *         points to, DSA_PT_LEAF or NULL.
 *
 * All fields are protected by &dsa_vm.map_lock; those of a table in a tree change
 * under &dsa_mmu.tables.
 */
struct dsa_pt {
	struct list_head link;
	struct iosys_map map;
	u64 entry;
	struct list_head blocks;
	u64 *copy;
	dma_addr_t dma;
	u16 used;
	u8 level;
	struct dsa_pt *child[];
};

/* An entry that is a page, not a table. */
#define DSA_PT_LEAF	((struct dsa_pt *)1)

/**
 * struct dsa_pt_tree - The page tables of an address space.
 * @dsa: the device.
 * @root: level 3.
 * @asid: address space id.
 */
struct dsa_pt_tree {
	struct dsa_device *dsa;
	struct dsa_pt *root;
	u32 asid;
};

/**
 * struct dsa_pt_update - One change of an address space's page tables.
 * @tree: the page tables.
 * @start: first address that may change.
 * @end: where the change ends.
 * @spare: tables allocated for it: [0] of level 0, [1] of levels above.
 * @dropped: tables that came out of use.
 * @cleared: valid entries became invalid or something else.
 * @reshaped: tables were removed, or a large page was split.
 *
 * Tables are allocated before anything is changed, so that a change cannot
 * fail half-way; what is dropped is freed once the device has forgotten it.
 */
struct dsa_pt_update {
	struct dsa_pt_tree *tree;
	u64 start;
	u64 end;
	struct list_head spare[2];
	struct list_head dropped;
	bool cleared;
	bool reshaped;
};

int dsa_mmu_init(struct dsa_device *dsa);
void dsa_mmu_restore_roots(struct dsa_device *dsa);
void dsa_mmu_offline(struct dsa_device *dsa);
void dsa_mmu_online(struct dsa_device *dsa);
void dsa_mmu_release(struct dsa_device *dsa);

int dsa_pt_tree_init(struct dsa_device *dsa, struct dsa_pt_tree *tree);
void dsa_pt_tree_disable(struct dsa_pt_tree *tree);
void dsa_pt_tree_fini(struct dsa_pt_tree *tree);

typedef bool (dsa_pt_page_fn)(void *arg, u64 va, u64 pte, unsigned int level);
u64 dsa_pt_tree_find(const struct dsa_pt_tree *tree, u64 va, unsigned int *level);
void dsa_pt_tree_walk(const struct dsa_pt_tree *tree, dsa_pt_page_fn *page, void *arg);

void dsa_pt_update_init(struct dsa_pt_update *u, struct dsa_pt_tree *tree, u64 va, u64 range);
int dsa_pt_update_reserve(struct dsa_pt_update *u, const struct dsa_place *place, u64 offset,
			  bool later);
void dsa_pt_update_map(struct dsa_pt_update *u, const struct dsa_place *place, u64 offset, u64 va,
		       u64 range, u64 flags);
void dsa_pt_update_clear(struct dsa_pt_update *u, u64 va, u64 range);
void dsa_pt_update_commit(struct dsa_pt_update *u);
void dsa_pt_refresh(struct dsa_pt_tree *tree, const struct dsa_place *place, u64 offset, u64 va,
		    u64 range, u64 flags);
void dsa_pt_update_fini(struct dsa_pt_update *u);

/**
 * struct dsa_pt_run - Equal pages next to each other in one table.
 * @va: address of the first.
 * @addr: where the first is.
 * @level: size of the pages.
 * @count: number of pages.
 * @stride: from one to where the next is.
 */
struct dsa_pt_run {
	u64 va;
	u64 addr;
	unsigned int level;
	unsigned int count;
	u64 stride;
};

#if IS_ENABLED(CONFIG_KUNIT)
struct dsa_pt_run dsa_pt_next_run(const struct dsa_place *place, u64 offset, u64 va, u64 left);
#endif

#endif /* DSA_MMU_H */
