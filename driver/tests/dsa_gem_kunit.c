// SPDX-License-Identifier: GPL-2.0
/* Extents: neighbours become one, and the one of an offset is found. */

#include <kunit/test.h>

#include "../dsa_gem.h"

static void dsa_gem_merge_test(struct kunit *test)
{
	struct dsa_extent extents[4];
	struct dsa_bo bo = { .extents = extents };

	dsa_bo_add_extent(&bo, SZ_1M, SZ_4K);
	dsa_bo_add_extent(&bo, SZ_1M + SZ_4K, SZ_8K);
	KUNIT_ASSERT_EQ(test, bo.extent_count, 1);
	KUNIT_EXPECT_EQ(test, extents[0].size, SZ_4K + SZ_8K);

	/* Before it, a gap behind it, and the same memory once more: not neighbours. */
	dsa_bo_add_extent(&bo, SZ_1M - SZ_4K, SZ_4K);
	dsa_bo_add_extent(&bo, SZ_1M + SZ_4K, SZ_4K);
	dsa_bo_add_extent(&bo, SZ_1M + SZ_4K, SZ_4K);
	KUNIT_ASSERT_EQ(test, bo.extent_count, 4);
	KUNIT_EXPECT_EQ(test, extents[1].offset, SZ_4K + SZ_8K);
	KUNIT_EXPECT_EQ(test, extents[2].offset, SZ_4K + SZ_8K + SZ_4K);
	KUNIT_EXPECT_EQ(test, extents[3].offset, SZ_4K + SZ_8K + SZ_4K + SZ_4K);
	KUNIT_EXPECT_EQ(test, extents[3].addr, SZ_1M + SZ_4K);
}

static void dsa_gem_find_test(struct kunit *test)
{
	const unsigned int most = 7;
	struct dsa_extent *extents = kunit_kcalloc(test, most, sizeof(*extents), GFP_KERNEL);
	struct dsa_bo bo = { .extents = extents };
	unsigned int i, count;

	KUNIT_ASSERT_NOT_NULL(test, extents);
	for (count = 1; count <= most; count++) {
		/* Of one page, two pages, three pages. */
		dsa_bo_add_extent(&bo, (u64)count * SZ_1M, count * SZ_4K);
		KUNIT_ASSERT_EQ(test, bo.extent_count, count);
		for (i = 0; i < count; i++) {
			const struct dsa_extent *e = &extents[i];

			KUNIT_EXPECT_PTR_EQ(test, dsa_bo_extent(&bo, e->offset), e);
			KUNIT_EXPECT_PTR_EQ(test, dsa_bo_extent(&bo, e->offset + e->size - 1), e);
		}
	}
}

static struct kunit_case dsa_gem_cases[] = {
	KUNIT_CASE(dsa_gem_merge_test),
	KUNIT_CASE(dsa_gem_find_test),
	{}
};

static struct kunit_suite dsa_gem_suite = {
	.name = "dsa_gem",
	.test_cases = dsa_gem_cases,
};

kunit_test_suite(dsa_gem_suite);
