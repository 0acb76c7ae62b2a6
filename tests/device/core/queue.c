/* SPDX-License-Identifier: MIT */
#include "harness.h"

const struct test queue_tests[] = {
	TESTS_END
};
