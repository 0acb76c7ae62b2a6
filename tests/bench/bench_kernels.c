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
