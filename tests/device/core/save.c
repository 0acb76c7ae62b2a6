/* SPDX-License-Identifier: MIT */
#include "harness.h"

const struct test save_tests[] = {
	TESTS_END
};
