/* SPDX-License-Identifier: MIT */
/*
 * Kernel <-> hardware: page tables of the virtual DSA.
 *
 * 48-bit virtual addresses, four levels of 512 entries of 64 bits. A table is
 * 4 KiB, aligned, in HBM or in system memory as the entry that points to it
 * says. Level 3 is the root (indexed by VA bits 47..39), level 0 the last
 * (bits 20..12). Leaves: level 0 = 4 KiB, level 1 = 2 MiB, level 2 = 1 GiB.
 */
#ifndef _HW_DSA_MMU_H
#define _HW_DSA_MMU_H

#define DSA_VA_BITS    48
#define DSA_PAGE_SHIFT 12
#define DSA_PAGE_SIZE  (1u << DSA_PAGE_SHIFT)
#define DSA_PT_LEVELS  4
#define DSA_PT_BITS    9
#define DSA_PT_ENTRIES (1u << DSA_PT_BITS)

/* Shift of the VA bits that index a table of this level (0..3). */
#define DSA_PT_SHIFT(level) (DSA_PAGE_SHIFT + DSA_PT_BITS * (level))

/*
 * A page-table entry. For a table pointer LEAF, R, W and X are zero. For a
 * leaf at level 0 LEAF is set too. Address bits below the leaf's size and all
 * bits not named here must be zero, else DSA_ERR_MMU_RESERVED. An entry
 * without VALID is otherwise ignored.
 *
 * ADDR is an offset into HBM, or with SYS a bus address.
 *
 * Since version 1.2: a leaf with NULL has no memory. Reads give zeroes, writes
 * are dropped. SYS, X and ADDR must be zero, else DSA_ERR_MMU_RESERVED.
 */
#define DSA_PTE_VALID     (1ull << 0)
#define DSA_PTE_R         (1ull << 1)
#define DSA_PTE_W         (1ull << 2)
#define DSA_PTE_X         (1ull << 3)
#define DSA_PTE_SYS       (1ull << 4)
#define DSA_PTE_LEAF      (1ull << 5)
#define DSA_PTE_NULL      (1ull << 6)
#define DSA_PTE_ADDR_MASK 0x000ffffffffff000ull

/*
 * The root register of an ASID has the form of a table pointer: VALID, SYS,
 * ADDR. Not valid means every access of that ASID faults with
 * DSA_ERR_MMU_UNMAPPED.
 */

#endif /* _HW_DSA_MMU_H */
