/* SPDX-License-Identifier: MIT */
/* Copies and fills. */
#include "harness.h"

#define CMDS	0x310000

static void basic(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	for (unsigned int i = 0; i < 300000; i++)
		d->ram[0x400000 + i] = i * 7 + (i >> 8);
	cmd_copy(&c, VA_HBM + 0x500003, VA_RAM + 0x400001, 299000);
	cmd_copy(&c, VA_HBM + 0x600000, VA_HBM + 0x500003, 299000);
	cmd_copy(&c, VA_RAM + 0x800005, VA_HBM + 0x600000, 299000);
	cmd_copy(&c, VA_RAM + 0x900007, VA_RAM + 0x800005, 299000);
	cmd_fill(&c, VA_HBM + 0x700004, 100, 0x11223344, 4);
	cmd_simple(&c, DSA_CMD_FENCE);
	queue_setup(d, 33, 1);
	CHECK(run_cmds(&c, 33));
	CHECK_EQ(err_code(d, 33), 0);
	CHECK(!memcmp(d->hbm + 0x500003, d->ram + 0x400001, 299000));
	CHECK(!memcmp(d->hbm + 0x600000, d->ram + 0x400001, 299000));
	CHECK(!memcmp(d->ram + 0x800005, d->ram + 0x400001, 299000));
	CHECK(!memcmp(d->ram + 0x900007, d->ram + 0x400001, 299000));
	CHECK_EQ(d->raised[34], 1);
	dev_free(d);
}

const struct test copy_tests[] = {
	TEST(basic),
	TESTS_END
};
