/* SPDX-License-Identifier: MIT */
/*
 * The sum of n floats in two launches:
 *
 *	reduce_partial	any grid, say of P programs: partial[0 .. P-1]
 *	reduce_final	one program: *sum = their sum
 *
 * Every addition has its place: the result depends on the data, n, P and the
 * length of vectors, never on which program ran first or on how many cores.
 * sum_run allows clang to choose that place once, when it compiles: as many
 * sums side by side as a group of vector registers holds, added up in their
 * order at the end. Without order there could be one loop with atomic adds,
 * and other bits on each run.
 */
#include <dsa/kernel.h>

static float sum_run(const float *x, uint64_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

DSA_KERNEL(reduce_partial, (float *, partial), (const float *, x), (uint64_t, n))
{
	uint64_t share = (n + dsa_grid_size(0) - 1) / dsa_grid_size(0);
	uint64_t begin = dsa_program_id(0) * share;
	uint64_t end = begin + share < n ? begin + share : n;

	partial[dsa_program_id(0)] = begin < end ? sum_run(x + begin, end - begin) : 0;
}

DSA_KERNEL(reduce_final, (float *, sum), (const float *, partial), (uint64_t, count))
{
	if (dsa_program_id(0) == 0)
		*sum = sum_run(partial, count);
}
