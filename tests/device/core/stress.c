/* SPDX-License-Identifier: MIT */
#include "harness.h"

const struct test stress_tests[] = {
	TESTS_END
};
