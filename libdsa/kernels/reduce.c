/* SPDX-License-Identifier: MIT */
/*
 * The sum of n floats in two launches:
 *
 *	reduce_partial	any grid, say of P programs: partial[0 .. P-1]
 *	reduce_final	one program: *sum = their sum
 *
 * Every addition has its place: the result depends on the data, n and P, never
 * on which program ran first or on how many cores. A program has LANES sums,
 * of every LANES-th element, which a vector unit adds side by side, and halves
 * them at the end. Without order there could be one loop with atomic adds, and
 * other bits on each run.
 */
#include <dsa/kernel.h>

#define LANES 512

static float sum_run(const float *x, uint64_t n)
{
	float lane[LANES] = { 0 };
	uint64_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (unsigned int j = 0; j < LANES; j++)
			lane[j] += x[i + j];
	for (unsigned int j = 0; i + j < n; j++)
		lane[j] += x[i + j];
	for (unsigned int half = LANES / 2; half; half /= 2)
		for (unsigned int j = 0; j < half; j++)
			lane[j] += lane[j + half];
	return lane[0];
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
