// SPDX-License-Identifier: GPL-2.0
/* How a range becomes pages: the largest that fit, all of it, nothing else. */

#include <kunit/test.h>
#include <linux/prandom.h>

#include "../dsa_mmu.h"
#include "../dsa_place.h"

#define PAGES_2M	(SZ_2M / DSA_PAGE_SIZE)

/* Two parts of HBM: 4 MiB that begin at a multiple of 2 MiB, then 3 pages that do not. */
static struct dsa_extent extents[] = {
	{ .offset = 0, .addr = SZ_1G, .size = SZ_4M },
	{ .offset = SZ_4M, .addr = DSA_PAGE_SIZE, .size = 3 * DSA_PAGE_SIZE },
};

static const struct dsa_place place = { .extents = extents, .extent_count = ARRAY_SIZE(extents) };

static struct dsa_extent huge_extent = { .addr = 4ull * SZ_1G, .size = 4ull * SZ_1G };
static const struct dsa_place huge_place = { .extents = &huge_extent, .extent_count = 1 };

/**
 * struct run_case - A call of dsa_pt_next_run() and what comes of it.
 * @name: what is shown.
 * @place: argument.
 * @offset: argument.
 * @va: argument.
 * @left: argument.
 * @addr: result.
 * @level: result.
 * @count: result.
 */
struct run_case {
	const char *name;
	const struct dsa_place *place;
	u64 offset;
	u64 va;
	u64 left;
	u64 addr;
	unsigned int level;
	unsigned int count;
};

static const struct run_case run_cases[] = {
	{ "one page", &place, 0, SZ_2M, SZ_4K, SZ_1G, 0, 1 },
	{ "one byte below a large page", &place, 0, SZ_2M, SZ_2M - SZ_4K, SZ_1G, 0, PAGES_2M - 1 },
	{ "a large page", &place, 0, SZ_2M, SZ_2M, SZ_1G, 1, 1 },
	{ "two large pages", &place, 0, SZ_2M, SZ_4M, SZ_1G, 1, 2 },
	{ "a tail", &place, 0, SZ_2M, SZ_2M + SZ_4K, SZ_1G, 1, 1 },
	{ "the address is not aligned", &place, 0, SZ_4K, SZ_4M, SZ_1G, 0, PAGES_2M - 1 },
	{ "the memory is not aligned", &place, SZ_4K, SZ_2M, SZ_2M, SZ_1G + SZ_4K, 0, PAGES_2M },
	{ "both are off by the same", &place, SZ_4K, SZ_2M + SZ_4K, SZ_4M - SZ_4K, SZ_1G + SZ_4K, 0,
	  PAGES_2M - 1 },
	{ "the extent ends", &place, SZ_2M, SZ_2M, SZ_2M + SZ_4K, SZ_1G + SZ_2M, 1, 1 },
	{ "the next extent", &place, SZ_4M, SZ_4M, SZ_4M, SZ_4K, 0, 3 },
	{ "inside the next extent", &place, SZ_4M + SZ_8K, SZ_4M, SZ_4M, SZ_4K + SZ_8K, 0, 1 },
	{ "the table ends", &place, 0, SZ_1G - SZ_2M, SZ_4M, SZ_1G, 1, 1 },
	{ "1 GiB", &huge_place, 0, SZ_1G, SZ_1G, 4ull * SZ_1G, 2, 1 },
	{ "4 GiB", &huge_place, 0, SZ_1G, 4ull * SZ_1G, 4ull * SZ_1G, 2, 4 },
	{ "the last page", &huge_place, 0, BIT_ULL(DSA_VA_BITS) - SZ_4K, SZ_4K, 4ull * SZ_1G, 0,
	  1 },
	{ "the last 1 GiB", &huge_place, 0, BIT_ULL(DSA_VA_BITS) - SZ_1G, SZ_1G, 4ull * SZ_1G, 2,
	  1 },
};

KUNIT_ARRAY_PARAM_DESC(run, run_cases, name);

static void dsa_mmu_run_test(struct kunit *test)
{
	const struct run_case *c = test->param_value;
	struct dsa_pt_run run = dsa_pt_next_run(c->place, c->offset, c->va, c->left);

	KUNIT_EXPECT_EQ(test, run.va, c->va);
	KUNIT_EXPECT_EQ(test, run.addr, c->addr);
	KUNIT_EXPECT_EQ(test, run.level, c->level);
	KUNIT_EXPECT_EQ(test, run.count, c->count);
	KUNIT_EXPECT_EQ(test, run.stride, BIT_ULL(DSA_PT_SHIFT(c->level)));
}

/* Without memory the largest pages fit everywhere, and all lie at zero. */
static void dsa_mmu_null_test(struct kunit *test)
{
	static struct dsa_extent extent = { .size = U64_MAX };
	static const struct dsa_place null = {
		.null = true,
		.extents = &extent,
		.extent_count = 1,
	};
	struct dsa_pt_run run = dsa_pt_next_run(&null, SZ_1G + SZ_4K, SZ_1G, 3ull * SZ_1G);

	KUNIT_EXPECT_EQ(test, run.addr, 0);
	KUNIT_EXPECT_EQ(test, run.stride, 0);
	KUNIT_EXPECT_EQ(test, run.level, 2);
	KUNIT_EXPECT_EQ(test, run.count, 3);
}

static void dsa_mmu_check_run(struct kunit *test, const struct dsa_pt_run *run, u64 offset)
{
	u64 span = BIT_ULL(DSA_PT_SHIFT(run->level)), bytes = run->count * span;
	const struct dsa_extent *ext = dsa_place_extent(&place, offset);

	KUNIT_ASSERT_GT(test, run->count, 0);
	KUNIT_EXPECT_EQ(test, (run->va | run->addr) & (span - 1), 0);
	/* In one extent, and in one table. */
	KUNIT_EXPECT_EQ(test, run->addr, ext->addr + (offset - ext->offset));
	KUNIT_EXPECT_LE(test, offset - ext->offset + bytes, ext->size);
	KUNIT_EXPECT_EQ(test, run->va >> DSA_PT_SHIFT(run->level + 1),
			(run->va + bytes - 1) >> DSA_PT_SHIFT(run->level + 1));
}

/* Any part of the memory at any address: the runs are all of it, in order. */
static void dsa_mmu_cover_test(struct kunit *test)
{
	const u64 size = SZ_4M + 3 * DSA_PAGE_SIZE;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 2000; i++) {
		u64 offset = prandom_u32_state(&rnd) % size & PAGE_MASK;
		u64 end = offset + ((prandom_u32_state(&rnd) % (size - offset)) | (SZ_4K - 1)) + 1;
		u64 va = (u64)(prandom_u32_state(&rnd) % SZ_1M) * DSA_PAGE_SIZE;

		while (offset < end) {
			struct dsa_pt_run run = dsa_pt_next_run(&place, offset, va, end - offset);
			u64 bytes = (u64)run.count << DSA_PT_SHIFT(run.level);

			dsa_mmu_check_run(test, &run, offset);
			offset += bytes;
			va += bytes;
		}
		KUNIT_ASSERT_EQ(test, offset, end);
	}
}

static struct kunit_case dsa_mmu_cases[] = {
	KUNIT_CASE_PARAM(dsa_mmu_run_test, run_gen_params),
	KUNIT_CASE(dsa_mmu_null_test),
	KUNIT_CASE(dsa_mmu_cover_test),
	{}
};

static struct kunit_suite dsa_mmu_suite = {
	.name = "dsa_mmu",
	.test_cases = dsa_mmu_cases,
};

kunit_test_suite(dsa_mmu_suite);
