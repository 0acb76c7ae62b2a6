// SPDX-License-Identifier: GPL-2.0
/* Extents: neighbours become one, and the one of an offset is found. */

#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../dsa_place.h"

static void dsa_place_merge_test(struct kunit *test)
{
	struct dsa_extent extents[4];
	struct dsa_place place = { .extents = extents };

	dsa_place_add_extent(&place, SZ_1M, SZ_4K);
	dsa_place_add_extent(&place, SZ_1M + SZ_4K, SZ_8K);
	KUNIT_ASSERT_EQ(test, place.extent_count, 1);
	KUNIT_EXPECT_EQ(test, extents[0].size, SZ_4K + SZ_8K);

	/* Before it, a gap behind it, and the same memory once more: not neighbours. */
	dsa_place_add_extent(&place, SZ_1M - SZ_4K, SZ_4K);
	dsa_place_add_extent(&place, SZ_1M + SZ_4K, SZ_4K);
	dsa_place_add_extent(&place, SZ_1M + SZ_4K, SZ_4K);
	KUNIT_ASSERT_EQ(test, place.extent_count, 4);
	KUNIT_EXPECT_EQ(test, extents[1].offset, SZ_4K + SZ_8K);
	KUNIT_EXPECT_EQ(test, extents[2].offset, SZ_4K + SZ_8K + SZ_4K);
	KUNIT_EXPECT_EQ(test, extents[3].offset, SZ_4K + SZ_8K + SZ_4K + SZ_4K);
	KUNIT_EXPECT_EQ(test, extents[3].addr, SZ_1M + SZ_4K);
}

static void dsa_place_find_test(struct kunit *test)
{
	const unsigned int most = 7;
	struct dsa_extent *extents = kunit_kcalloc(test, most, sizeof(*extents), GFP_KERNEL);
	struct dsa_place place = { .extents = extents };
	unsigned int i, count;

	KUNIT_ASSERT_NOT_NULL(test, extents);
	for (count = 1; count <= most; count++) {
		/* Of one page, two pages, three pages. */
		dsa_place_add_extent(&place, (u64)count * SZ_1M, count * SZ_4K);
		KUNIT_ASSERT_EQ(test, place.extent_count, count);
		for (i = 0; i < count; i++) {
			const struct dsa_extent *e = &extents[i];
			u64 last = e->offset + e->size - 1;

			KUNIT_EXPECT_PTR_EQ(test, dsa_place_extent(&place, e->offset), e);
			KUNIT_EXPECT_PTR_EQ(test, dsa_place_extent(&place, last), e);
		}
	}
}

static struct kunit_case dsa_place_cases[] = {
	KUNIT_CASE(dsa_place_merge_test),
	KUNIT_CASE(dsa_place_find_test),
	{}
};

static struct kunit_suite dsa_place_suite = {
	.name = "dsa_place",
	.test_cases = dsa_place_cases,
};

kunit_test_suite(dsa_place_suite);
