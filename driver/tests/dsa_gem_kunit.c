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

/* Every expectation takes room in its function's frame. */
static noinline_for_stack void dsa_gem_check_found(struct kunit *test, const struct dsa_bo *bo,
						   u64 offset, const struct dsa_extent *extent)
{
	KUNIT_EXPECT_PTR_EQ(test, dsa_bo_extent(bo, offset), extent);
}

static void dsa_gem_find_test(struct kunit *test)
{
	struct dsa_extent extents[7];
	struct dsa_bo bo = { .extents = extents };
	unsigned int i, count;

	for (count = 1; count <= ARRAY_SIZE(extents); count++) {
		/* Of one page, two pages, three pages. */
		dsa_bo_add_extent(&bo, (u64)count * SZ_1M, count * SZ_4K);
		KUNIT_ASSERT_EQ(test, bo.extent_count, count);
		for (i = 0; i < count; i++) {
			const struct dsa_extent *e = &extents[i];

			dsa_gem_check_found(test, &bo, e->offset, e);
			dsa_gem_check_found(test, &bo, e->offset + e->size - 1, e);
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
