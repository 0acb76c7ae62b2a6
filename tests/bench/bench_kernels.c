// SPDX-License-Identifier: MIT
/* Kernels of the benchmarks. */
#include <dsa/kernel.h>

DSA_KERNEL(empty, (uint64_t, unused))
{
	(void)unused;
}

/*
 * An integer loop of exactly 8 instructions a turn, in assembly so that the
 * count does not depend on the compiler: shifts, logic, adds, a branch.
 */
DSA_KERNEL(integer_loop, (uint64_t *, out), (uint64_t, turns))
{
	uint64_t x = 88172645463325252ull + dsa_program_id(0), t;

	__asm__ volatile("1:\n"
			 "	slli %[t], %[x], 13\n"
			 "	xor  %[x], %[x], %[t]\n"
			 "	srli %[t], %[x], 7\n"
			 "	xor  %[x], %[x], %[t]\n"
			 "	slli %[t], %[x], 17\n"
			 "	xor  %[x], %[x], %[t]\n"
			 "	addi %[n], %[n], -1\n"
			 "	bnez %[n], 1b\n"
			 : [x] "+r"(x), [n] "+r"(turns), [t] "=&r"(t));
	out[dsa_program_id(0)] = x;
}

struct boxes {
	struct dsa_mbarrier full[2];
	uint16_t box[2][128 * 128];
};

/*
 * Every box of 128 x 128 of the 4096 x 8192 bf16 at @from to the scratchpad, two under way; programs take them
 * in turn.
 */
DSA_KERNEL_SIZED(boxes, sizeof(struct boxes), 0, (const void *, from))
{
	const struct dsa_tensor_map map = {
		.base = (uint64_t)from,
		.strides = { 8192 * 2 },
		.dims = { 8192, 4096 },
		.box = { 128, 128 },
		.steps = { 1, 1 },
		.rank = 2,
		.type = DSA_TYPE_BF16,
	};
	struct boxes *s = dsa_scratchpad();
	uint64_t count = 0;

	dsa_mbarrier_init(&s->full[0], 1);
	dsa_mbarrier_init(&s->full[1], 1);
	for (uint64_t box = dsa_program_id(0); box < 64 * 32; box += dsa_grid_size(0), count++) {
		unsigned int stage = count & 1;

		if (count >= 2)
			dsa_mbarrier_wait(&s->full[stage], (count >> 1) - 1 & 1);
		dsa_mbarrier_expect(&s->full[stage], sizeof(s->box[0]));
		dsa_tensor_load(s->box[stage], &map, &s->full[stage], (int32_t)(box % 64 * 128),
				(int32_t)(box / 64 * 128));
		dsa_mbarrier_arrive(&s->full[stage]);
	}
}
