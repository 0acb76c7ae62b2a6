/* SPDX-License-Identifier: MIT */
#include "harness.h"

const struct test regs_tests[] = {
	TESTS_END
};
