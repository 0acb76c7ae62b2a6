/* SPDX-License-Identifier: MIT */
/* Figures of the core alone: latency of launches, cost of programs, copies, instructions. */
#include <time.h>

#include "harness.h"

#define CODE 0x300000
#define CMDS 0x310000
#define OPS  0x320000

static uint64_t timed(struct dev *d, struct cmds *c, unsigned int runs)
{
	uint64_t start = clock_ns();

	for (unsigned int i = 0; i < runs; i++) {
		submit_cmds(c, 0);
		while (dsa_core_run(d->core, 1000) == DSA_RUN_MORE)
			;
		if (fence_now(d, 0) != d->fence[0])
			check_failed(__FILE__, __LINE__, "no fence");
	}
	return (clock_ns() - start) / runs;
}

static uint64_t threaded(struct dev *d, struct cmds *c)
{
	uint64_t start = clock_ns();

	wait_fence(d, 0, submit_cmds(c, 0));
	return clock_ns() - start;
}

/* Others may use the machine: the shortest of many. */
static uint64_t threaded_best(struct dev *d, struct cmds *c, unsigned int runs)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < runs; i++) {
		uint64_t ns = threaded(d, c);

		best = ns < best ? ns : best;
	}
	return best;
}

static double memcpy_rate(struct dev *d, size_t size)
{
	uint64_t start;

	memcpy(d->hbm + 0x2000000, d->ram + 0x400000, size);
	start = clock_ns();
	for (unsigned int i = 0; i < 20; i++) {
		memcpy(d->hbm + 0x2000000, d->ram + 0x400000, size);
		__asm__ volatile("" ::: "memory");
	}
	return 20 * size / (double)(clock_ns() - start);
}

/* Boxes of 128 x 128 elements of 2 bytes from a tensor of 1024 x 1024, one mbarrier for all. */
static double tensor_rate(struct dev *d, unsigned int swizzle)
{
	enum { BOXES = 2048, BOX_BYTES = 128 * 128 * 2 };
	const struct dsa_tensor_map map = {
		.base = VA_HBM + 0x1000000,
		.rank = 2,
		.type = DSA_TYPE_BF16,
		.dims = { 1024, 1024 },
		.strides = { 2048 },
		.box = { 128, 128 },
		.steps = { 1, 1 },
		.swizzle = swizzle,
	};
	struct dsa_tensor_op op = {
		.global = VA_HBM + OPS,
		.coord = { 256, 512 },
		.spad = DSA_SCRATCHPAD_BASE + 0x1000,
		.mbar = DSA_SCRATCHPAD_BASE,
	};
	struct code k = code_at(d, CODE + 0x2000);
	struct cmds c = cmds_at(d, CMDS);

	memcpy(d->hbm + OPS, &map, sizeof(map));
	memcpy(d->hbm + OPS + 0x100, &op, sizeof(op));
	emit(&k, ADDI(S0, X0, 1));
	emit(&k, SLLI(S0, S0, 48));
	emit(&k, ADDI(T0, X0, 1));
	emit(&k, r_type(0x2b, DSA_X_MBAR, DSA_X_MBAR_INIT, X0, S0, T0));
	emit(&k, SLLI(T0, T0, 11)); /* BOXES */
	emit(&k, r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_START, X0, A0, X0));
	emit(&k, ADDI(T0, T0, -1));
	emit(&k, BNE(T0, X0, -8));
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE + 0x2000, VA_HBM + OPS + 0x100, 1, 1, 1);
	return (double)BOXES * BOX_BYTES / timed(d, &c, 3);
}

int main(void)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t ns;
	clock_t cpu;

	emit(&k, RET);
	queue_setup(d, 0, 1);
	timed(d, &c, 1000);
	printf("empty exec: %llu ns\n", (unsigned long long)timed(d, &c, 20000));
	cmd_launch(&c, VA_HBM + CODE, 0, 1, 1, 1);
	timed(d, &c, 100);
	printf("empty launch, 1 program: %llu ns\n", (unsigned long long)timed(d, &c, 20000));
	c = cmds_at(d, CMDS);
	cmd_launch(&c, VA_HBM + CODE, 0, 4096, 1, 1);
	ns = timed(d, &c, 200);
	printf("empty launch, 4096 programs: %llu ns, %llu ns each\n", (unsigned long long)ns,
	       (unsigned long long)ns / 4096);
	c = cmds_at(d, CMDS);
	cmd_copy(&c, VA_HBM + 0x2000000, VA_HBM + 0x1000000, 0x1000000);
	ns = timed(d, &c, 20);
	printf("copy HBM to HBM 16 MiB: %.1f GB/s\n", 0x1000000 / (double)ns);
	c = cmds_at(d, CMDS);
	cmd_copy(&c, VA_HBM + 0x2000000, VA_RAM + 0x400000, 0x1000000);
	ns = timed(d, &c, 20);
	printf("copy system (4 KiB pages) to HBM 16 MiB: %.1f GB/s\n", 0x1000000 / (double)ns);
	printf("tensor loads of 128 x 128 x 2 bytes: %.1f GB/s\n",
	       tensor_rate(d, DSA_SWIZZLE_NONE));
	printf("the same, swizzled: %.1f GB/s\n", tensor_rate(d, DSA_SWIZZLE_128B));
	printf("memcpy of 16 MiB for comparison: %.1f GB/s\n", memcpy_rate(d, 0x1000000));
	/* for (t0 = 1 << 24; t0; t0--) t1 += t0 */
	k.offset = CODE + 0x1000;
	k.count = 0;
	emit(&k, ADDI(T0, X0, 1));
	emit(&k, SLLI(T0, T0, 24));
	emit(&k, ADD(T1, T1, T0));
	emit(&k, ADDI(T0, T0, -1));
	emit(&k, BNE(T0, X0, -8));
	emit(&k, RET);
	c = cmds_at(d, CMDS);
	cmd_launch(&c, VA_HBM + CODE + 0x1000, 0, 1, 1, 1);
	ns = timed(d, &c, 5);
	printf("integer loop: %.0f million instructions/s\n", 3e3 * (1 << 24) / ns);
	dev_start(d, 2);
	c = cmds_at(d, CMDS);
	cmd_launch(&c, VA_HBM + CODE + 0x1000, 0, 16, 1, 1);
	cpu = clock();
	ns = threaded(d, &c);
	cpu = clock() - cpu;
	printf("16 programs on 2 threads: %.0f million instructions/s, %.2f CPUs used\n",
	       16 * 3e3 * (1 << 24) / ns, cpu * 1e9 / CLOCKS_PER_SEC / ns);
	c = cmds_at(d, CMDS);
	cmd_launch(&c, VA_HBM + CODE, 0, 4096, 1, 1);
	ns = threaded_best(d, &c, 1000);
	printf("empty launch, 4096 programs on 2 threads: %llu ns, %llu ns each\n",
	       (unsigned long long)ns, (unsigned long long)ns / 4096);
	dev_free(d);
	return test_failed;
}
