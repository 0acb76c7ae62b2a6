/* SPDX-License-Identifier: MIT */
/* Programs that take as many turns as they are told. */
#include <dsa/kernel.h>

/* @turns: of each program; it writes there what its clock said in the end. */
DSA_KERNEL(spend, (uint64_t *, turns))
{
	uint64_t *mine = &turns[dsa_program_id(0)];
	uint64_t n = *mine;

	__asm__ volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(n));
	*mine = dsa_cycles();
}
