/* SPDX-License-Identifier: MIT */
#include "harness.h"

const struct test mmu_tests[] = {
	TESTS_END
};
