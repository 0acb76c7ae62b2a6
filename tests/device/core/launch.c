/* SPDX-License-Identifier: MIT */
/* Launches, programs, faults of programs. */
#include "harness.h"

#define CODE	0x300000
#define CMDS	0x310000
#define DATA	0x400000
#define ARGS	0x320000

/* Each program: data[linear id] = x + 100 * y + 10000 * z via sys reads. */
static void emit_ids(struct code *c)
{
	emit(c, SYSRD(T0, DSA_SYS_PID_X));
	emit(c, SYSRD(T1, DSA_SYS_PID_Y));
	emit(c, SYSRD(T2, DSA_SYS_PID_Z));
	emit(c, SYSRD(A1, DSA_SYS_GRID_X));
	emit(c, SYSRD(A2, DSA_SYS_GRID_Y));
	/* linear = (z * gy + y) * gx + x */
	emit(c, r_type(0x33, 0, 1, A3, T2, A2));
	emit(c, ADD(A3, A3, T1));
	emit(c, r_type(0x33, 0, 1, A3, A3, A1));
	emit(c, ADD(A3, A3, T0));
	/* value = x + (y << 8) + (z << 16) + 1 */
	emit(c, SLLI(T1, T1, 8));
	emit(c, SLLI(T2, T2, 16));
	emit(c, ADD(T0, T0, T1));
	emit(c, ADD(T0, T0, T2));
	emit(c, ADDI(T0, T0, 1));
	emit(c, SLLI(A3, A3, 3));
	emit(c, ADD(A3, A3, A0));
	emit(c, SD(T0, A3, 0));
	emit(c, RET);
}

static void grid_on(unsigned int threads)
{
	struct dev *d = dev_new(threads);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	struct dsa_launch_counters *ctr = (void *)(d->hbm + ARGS);
	const uint64_t *out = (const uint64_t *)(d->hbm + DATA);

	emit_ids(&k);
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 13, 7, 5)->counters = VA_HBM + ARGS;
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), 0);
	for (unsigned int z = 0, i = 0; z < 5; z++)
		for (unsigned int y = 0; y < 7; y++)
			for (unsigned int x = 0; x < 13; x++, i++)
				CHECK_EQ(out[i], 1 + x + (y << 8) + (z << 16));
	CHECK_EQ(ctr->programs, 13 * 7 * 5);
	CHECK_EQ(ctr->instructions, 13 * 7 * 5 * k.count);
	CHECK(ctr->end_ns > ctr->start_ns);
	dev_free(d);
}

static void grid_inline(void)
{
	grid_on(0);
}

static void grid_threads(void)
{
	grid_on(4);
}

const struct test launch_tests[] = {
	TEST(grid_inline),
	TEST(grid_threads),
	TESTS_END
};
