/* SPDX-License-Identifier: MIT */
#include "harness.h"

const struct test fuzz_tests[] = {
	TESTS_END
};
