/* SPDX-License-Identifier: MIT */
/* Page-table walks, faults, invalidation, isolation. */
#include "harness.h"

#define CMDS  0x310000
#define CMDS2 0x311000
#define CODE  0x300000
#define R     DSA_PTE_R
#define W     DSA_PTE_W
#define X     DSA_PTE_X
#define SYS   DSA_PTE_SYS
#define SPARE 0x10000000000ull /* nothing is mapped there */

/* Copies 8 bytes from @src to @dst on a fresh queue; the error code. */
static uint32_t copy8(struct dev *d, uint64_t dst, uint64_t src)
{
	struct cmds c = cmds_at(d, CMDS);

	cmd_copy(&c, dst, src, 8);
	wr32(d, DSA_QREG(40, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_setup(d, 40, 1);
	run_cmds(&c, 40);
	return err_code(d, 40);
}

static void page_sizes(void)
{
	struct dsa_core_config cfg;
	struct dev *d;
	uint64_t *w;

	dev_config(&cfg);
	cfg.hbm_size = 2ull << 30;
	d = dev_new_with(&cfg, 0);
	map(d, 1, SPARE, 0x555000, R, 0);
	map(d, 1, SPARE + (1ull << 30), 0x600000, R, 1);
	map(d, 1, SPARE + (2ull << 30), 1ull << 30, R, 2);
	*(uint64_t *)(d->hbm + 0x555ff8) = 1;
	*(uint64_t *)(d->hbm + 0x7ffff8) = 2;
	*(uint64_t *)(d->hbm + 0x7ffffff8) = 3;
	w = (uint64_t *)(d->hbm + 0x500000);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0xff8), 0);
	CHECK_EQ(*w, 1);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + (1ull << 30) + 0x1ffff8), 0);
	CHECK_EQ(*w, 2);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + (3ull << 30) - 8), 0);
	CHECK_EQ(*w, 3);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x1000), DSA_ERR_MMU_UNMAPPED);
	dev_free(d);
}

static void permissions(void)
{
	struct dev *d = dev_new(0);

	map(d, 1, SPARE, 0x555000, R, 0);
	map(d, 1, SPARE + 0x1000, 0x556000, W, 0);
	map(d, 1, SPARE + 0x2000, 0x557000, X, 0);
	map(d, 1, SPARE + 0x3000, 0x558000, 0, 0);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), 0);
	CHECK_EQ(copy8(d, SPARE, VA_HBM), DSA_ERR_MMU_PERMISSION);
	CHECK_EQ(rd32(d, DSA_QREG(40, DSA_Q_ERR_ACCESS)), DSA_ACCESS_WRITE);
	CHECK_EQ(rd32(d, DSA_QREG(40, DSA_Q_ERR_ENGINE)) >> 16, DSA_ENGINE_COPY);
	CHECK_EQ(rd64(d, DSA_QREG(40, DSA_Q_ERR_ADDR)), SPARE);
	CHECK_EQ(copy8(d, SPARE + 0x1000, VA_HBM), 0);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x1000), DSA_ERR_MMU_PERMISSION);
	CHECK_EQ(rd32(d, DSA_QREG(40, DSA_Q_ERR_ACCESS)), DSA_ACCESS_READ);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x2000), DSA_ERR_MMU_PERMISSION);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x3000), DSA_ERR_MMU_PERMISSION);
	dev_free(d);
}

/* Pages of all sizes without memory: zeroes come out, nothing goes in, neither to atomics. */
static void null_pages(void)
{
	const uint64_t null = DSA_PTE_VALID | DSA_PTE_LEAF | DSA_PTE_NULL;
	struct dev *d = dev_new(0);
	uint64_t *w = (uint64_t *)(d->hbm + 0x500000);
	struct cmds c;

	for (unsigned int level = 0; level < 3; level++) {
		uint64_t va = SPARE + ((uint64_t)level << 30);
		uint64_t last = va + (1ull << DSA_PT_SHIFT(level)) - 8;

		*pte_at(d, 1, va, level, false) = null | R | W;
		for (uint64_t at = va; at <= last; at += last - va) {
			*w = 0x1234;
			CHECK_EQ(copy8(d, at, VA_HBM + 0x500000), 0);
			CHECK_EQ(copy8(d, VA_HBM + 0x500000, at), 0);
			CHECK_EQ(*w, 0);
		}
	}
	/* A large transfer from memory to none and back, over page boundaries. */
	c = cmds_at(d, CMDS);
	memset(d->hbm + 0x500000, 0xaa, 1 << 20);
	cmd_copy(&c, SPARE + (1ull << 30) + 8, VA_HBM + 0x500000, 1 << 20);
	cmd_copy(&c, VA_HBM + 0x500000, SPARE + (1ull << 30) + 0xff8, (1 << 20) - 8);
	wr32(d, DSA_QREG(40, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_setup(d, 40, 1);
	run_cmds(&c, 40);
	CHECK_EQ(err_code(d, 40), 0);
	for (uint64_t i = 0; i < (1 << 20) / 8 - 1; i++)
		CHECK_EQ(w[i], 0);
	CHECK_EQ(w[(1 << 20) / 8 - 1], 0xaaaaaaaaaaaaaaaaull);

	*pte_at(d, 1, SPARE + 0x1000, 0, false) = null | R;
	CHECK_EQ(copy8(d, SPARE + 0x1000, VA_HBM), DSA_ERR_MMU_PERMISSION);
	*pte_at(d, 1, SPARE + 0x2000, 0, false) = null | R | X;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x2000), DSA_ERR_MMU_RESERVED);
	*pte_at(d, 1, SPARE + 0x3000, 0, false) = null | R | SYS;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x3000), DSA_ERR_MMU_RESERVED);
	*pte_at(d, 1, SPARE + 0x4000, 0, false) = null | R | 0x1000;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x4000), DSA_ERR_MMU_RESERVED);
	dev_free(d);
}

static void malformed(void)
{
	struct dev *d = dev_new(0);
	uint64_t *pte = pte_at(d, 1, SPARE, 0, false);
	uint64_t good = 0x555000 | DSA_PTE_VALID | DSA_PTE_LEAF | R | W;
	uint64_t *mid, *top;

	for (unsigned int bit = 6; bit < 64; bit++) {
		if (DSA_PTE_ADDR_MASK >> bit & 1)
			continue;
		*pte = good | 1ull << bit;
		CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_MMU_RESERVED);
	}
	*pte = good & ~DSA_PTE_LEAF; /* level 0 must be a leaf */
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_MMU_RESERVED);
	*pte = ~DSA_PTE_VALID; /* otherwise ignored */
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_MMU_UNMAPPED);
	*pte = good;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), 0);
	invalidate(d, 1, SPARE, 0x1000);
	/* a table pointer with rights */
	mid = pte_at(d, 1, SPARE, 1, false);
	*mid |= R;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_MMU_RESERVED);
	/* a 2 MiB leaf that is not aligned */
	*mid = 0x3ff000 | DSA_PTE_VALID | DSA_PTE_LEAF | R;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_MMU_RESERVED);
	/* a leaf at the root level */
	top = pte_at(d, 1, SPARE, 3, false);
	*top = DSA_PTE_VALID | DSA_PTE_LEAF | R;
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_MMU_RESERVED);
	dev_free(d);
}

static void beyond_hbm(void)
{
	struct dev *d = dev_new(0);

	map(d, 1, SPARE, HBM_SIZE, R, 0);
	map(d, 1, SPARE + 0x1000, HBM_SIZE - 0x1000, R, 0);
	map(d, 1, SPARE + 0x2000, DSA_PTE_ADDR_MASK, R, 0);
	map(d, 1, SPARE + (1ull << 30), 0, R, 2); /* 1 GiB of 64 MiB */
	*pte_at(d, 1, SPARE + (2ull << 30), 2, false) = HBM_SIZE | DSA_PTE_VALID;
	*pte_at(d, 1, SPARE + (3ull << 30), 2, false) = DSA_PTE_ADDR_MASK | DSA_PTE_VALID;
	*pte_at(d, 1, SPARE + (4ull << 30), 2, false) = DSA_PTE_ADDR_MASK | DSA_PTE_VALID | SYS;
	map(d, 1, SPARE + (5ull << 30), 0x1000, R | SYS, 0); /* no memory there */
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), DSA_ERR_BUS);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x1000), 0);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + 0x2000), DSA_ERR_BUS);
	for (uint64_t i = 1; i <= 5; i++) {
		CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE + (i << 30)), DSA_ERR_BUS);
		CHECK_EQ(rd64(d, DSA_QREG(40, DSA_Q_ERR_ADDR)), SPARE + (i << 30));
	}
	dev_free(d);
}

static void ranges(void)
{
	static const uint64_t bad[] = { 1ull << 48, 1ull << 63, -8ull, DSA_SCRATCHPAD_BASE + 8,
					DSA_CORE_EXIT_ADDR };
	struct dev *d = dev_new(0);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(copy8(d, VA_HBM + 0x500000, bad[i]), DSA_ERR_MMU_RANGE);
		CHECK_EQ(copy8(d, bad[i], VA_HBM), DSA_ERR_MMU_RANGE);
	}
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, (1ull << 48) - 4), DSA_ERR_MMU_RANGE);
	dev_free(d);
}

static void roots(void)
{
	struct dev *d = dev_new(0);
	uint64_t root = rd64(d, DSA_REG_MMU_ROOT(1));

	CHECK_EQ(copy8(d, VA_HBM + 0x500000, VA_HBM), 0);
	root_set(d, 1, root | DSA_PTE_LEAF);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, VA_HBM), DSA_ERR_MMU_RESERVED);
	root_set(d, 1, root | 1ull << 60);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, VA_HBM), DSA_ERR_MMU_RESERVED);
	root_set(d, 1, root & ~DSA_PTE_VALID);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, VA_HBM), DSA_ERR_MMU_UNMAPPED);
	root_set(d, 1, HBM_SIZE | DSA_PTE_VALID);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, VA_HBM), DSA_ERR_BUS);
	root_set(d, 1, root);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, VA_HBM), 0);
	dev_free(d);
}

/* Tables that point to themselves end with the levels. */
static void self_reference(void)
{
	struct dev *d = dev_new(0);
	uint64_t table = table_new(d, false);

	root_set(d, 2, table);
	for (unsigned int i = 0; i < DSA_PT_ENTRIES; i++)
		((uint64_t *)(d->hbm + (table & DSA_PTE_ADDR_MASK)))[i] = table;
	queue_setup(d, 3, 2);
	submit(d, 3, 0x1000, 64);
	dev_run(d);
	CHECK_EQ(err_code(d, 3), DSA_ERR_MMU_RESERVED);
	dev_free(d);
}

static void system_tables(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	root_set(d, 2, table_new(d, true));
	*pte_at(d, 2, 0x1000, 0, true) = CMDS | DSA_PTE_VALID | DSA_PTE_LEAF | R;
	*pte_at(d, 2, 0x2000, 0, true) = RAM_DATA | DSA_PTE_VALID | DSA_PTE_LEAF | R | W | SYS;
	*pte_at(d, 2, 0x3000, 0, true) = 0x555000 | DSA_PTE_VALID | DSA_PTE_LEAF | R | W;
	strcpy(ram_at(d, RAM_DATA), "over the bus");
	cmd_copy(&c, 0x3000, 0x2000, 100);
	cmd_copy(&c, 0x2800, 0x3000, 100);
	queue_setup(d, 3, 2);
	CHECK(wait_fence(d, 3, submit(d, 3, 0x1000, c.size)));
	CHECK(!strcmp((char *)d->hbm + 0x555000, "over the bus"));
	CHECK(!strcmp(ram_at(d, RAM_DATA + 0x800), "over the bus"));
	d->fail_start = RAM_TABLES;
	d->fail_end = RAM_TABLES + 0x100000;
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_ALL << 16);
	CHECK(!wait_fence(d, 3, submit(d, 3, 0x1000, c.size)));
	CHECK_EQ(err_code(d, 3), DSA_ERR_BUS);
	dev_free(d);
}

/* A translation may stay until it is invalidated, and not longer. */
static void stale_translation(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t *w = (uint64_t *)(d->hbm + 0x500000);

	queue_setup(d, 40, 1);
	map(d, 1, SPARE, 0x555000, R, 0);
	map(d, 1, SPARE + 0x1000, 0x556000, R, 0);
	*(uint64_t *)(d->hbm + 0x555000) = 1;
	*(uint64_t *)(d->hbm + 0x556000) = 2;
	cmd_copy(&c, VA_HBM + 0x500000, SPARE, 8);
	CHECK(run_cmds(&c, 40));
	CHECK_EQ(*w, 1);
	map(d, 1, SPARE, 0x556000, R, 0);
	invalidate(d, 1, SPARE, 0x1000);
	CHECK(run_cmds(&c, 40));
	CHECK_EQ(*w, 2);
	map(d, 1, SPARE, 0x555000, R, 0);
	invalidate(d, 1, SPARE - 0x1000, 0x1000); /* the neighbour */
	invalidate(d, 1, SPARE, 0x1000);
	CHECK(run_cmds(&c, 40));
	CHECK_EQ(*w, 1);
	/* more than the log holds */
	map(d, 1, SPARE, 0x556000, R, 0);
	invalidate(d, 1, SPARE, 0x1000);
	for (unsigned int i = 0; i < 300; i++)
		invalidate(d, 7, 0, 0x1000);
	CHECK(run_cmds(&c, 40));
	CHECK_EQ(*w, 2);
	*pte_at(d, 1, SPARE, 0, false) = 0;
	wr64(d, DSA_REG_MMU_INV_START, -4096ull); /* wraps: all of the ASID */
	wr64(d, DSA_REG_MMU_INV_SIZE, 0x2000);
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_RANGE << 16 | 1);
	CHECK(!run_cmds(&c, 40));
	CHECK_EQ(err_code(d, 40), DSA_ERR_MMU_UNMAPPED);
	dev_free(d);
}

/* Faults are not cached; rights may grow. */
static void grows(void)
{
	struct dev *d = dev_new(0);

	CHECK_EQ(copy8(d, SPARE, VA_HBM), DSA_ERR_MMU_UNMAPPED);
	map(d, 1, SPARE, 0x555000, R, 0);
	CHECK_EQ(copy8(d, VA_HBM + 0x500000, SPARE), 0);
	CHECK_EQ(copy8(d, SPARE, VA_HBM), DSA_ERR_MMU_PERMISSION);
	map(d, 1, SPARE, 0x555000, R | W, 0);
	CHECK_EQ(copy8(d, SPARE, VA_HBM), 0);
	dev_free(d);
}

static bool becomes(const uint64_t *word, uint64_t value)
{
	uint64_t end = clock_ns() + 60000000000ull;

	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value && clock_ns() < end)
		sched_yield();
	return __atomic_load_n(word, __ATOMIC_SEQ_CST) == value;
}

/* A running program is told: the invalidation completes while it spins. */
static void invalidate_running(void)
{
	struct dev *d = dev_new(2);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t *old = (uint64_t *)(d->hbm + 0x555000), *new = (uint64_t *)(d->hbm + 0x556000);

	/* loop: ld t0, 0(a0); sd t0, 8(a0); j loop */
	emit(&k, LD(T0, A0, 0));
	emit(&k, SD(T0, A0, 8));
	emit(&k, i_type(0x6f, 0, 0, 0, 0) | 0xff9ff000);
	map(d, 1, SPARE, 0x555000, R | W, 0);
	queue_setup(d, 0, 1);
	cmd_launch(&c, VA_HBM + CODE, SPARE, 1, 1, 1);
	submit_cmds(&c, 0);
	pte_set(old, 1);
	CHECK(becomes(old + 1, 1));
	/* another address space does not wait for it */
	invalidate(d, 9, 0, 1ull << 30);
	pte_set(new, 7);
	map(d, 1, SPARE, 0x556000, R | W, 0);
	invalidate(d, 1, SPARE, 0x1000);
	/* from now on the old page is not written any more */
	pte_set(old + 1, 99);
	pte_set(old, 5);
	CHECK(becomes(new + 1, 7));
	CHECK_EQ(__atomic_load_n(old + 1, __ATOMIC_SEQ_CST), 99);
	pte_set(pte_at(d, 1, SPARE, 0, false), 0);
	invalidate(d, 1, SPARE, 0x1000);
	CHECK(wait_state(d, 0, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(d, 0), DSA_ERR_MMU_UNMAPPED);
	CHECK(rd64(d, DSA_QREG(0, DSA_Q_ERR_PC)) <= VA_HBM + CODE + 4);
	dev_free(d);
}

/* Two address spaces with the same addresses; neither reaches the other's memory. */
static void isolation(void)
{
	struct dev *d = dev_new(0);
	struct cmds a = cmds_at(d, CMDS), b = cmds_at(d, CMDS2);

	for (uint32_t asid = 2; asid <= 3; asid++) {
		uint64_t base = 0x800000 * asid;

		root_set(d, asid, table_new(d, false));
		map(d, asid, 0x1000, asid == 2 ? CMDS : CMDS2, R, 0);
		map(d, asid, 0x2000, base, R | W, 0);
		queue_setup(d, asid, asid);
	}
	cmd_fill(&a, 0x2000, 4096, 0xaa, 1);
	cmd_fill(&b, 0x2000, 4096, 0xbb, 1);
	CHECK(wait_fence(d, 2, submit(d, 2, 0x1000, a.size)));
	CHECK(wait_fence(d, 3, submit(d, 3, 0x1000, b.size)));
	CHECK_EQ(d->hbm[0x1000000], 0xaa);
	CHECK_EQ(d->hbm[0x1800000], 0xbb);
	b = cmds_at(d, CMDS2);
	cmd_copy(&b, 0x2000, VA_HBM + 0x1000000, 8);
	CHECK(!wait_fence(d, 3, submit(d, 3, 0x1000, b.size)));
	CHECK_EQ(err_code(d, 3), DSA_ERR_MMU_UNMAPPED);
	/* the same queue in another address space keeps no translation */
	wr32(d, DSA_QREG(2, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_setup(d, 2, 3);
	a = cmds_at(d, CMDS2);
	cmd_fill(&a, 0x2000, 4096, 0xcc, 1);
	CHECK(wait_fence(d, 2, submit(d, 2, 0x1000, a.size)));
	CHECK_EQ(d->hbm[0x1000000], 0xaa);
	CHECK_EQ(d->hbm[0x1800000], 0xcc);
	dev_free(d);
}

const struct test mmu_tests[] = { TEST(page_sizes),    TEST(permissions),
				  TEST(malformed),     TEST(null_pages),
				  TEST(beyond_hbm),    TEST(ranges),
				  TEST(roots),         TEST(self_reference),
				  TEST(system_tables), TEST(stale_translation),
				  TEST(grows),         TEST(invalidate_running),
				  TEST(isolation),     TESTS_END };
