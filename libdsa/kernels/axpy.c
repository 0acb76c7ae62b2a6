/* SPDX-License-Identifier: MIT */
#include <dsa/kernel.h>

/*
 * y = a x + y, n floats, one rounding each. A program takes one run of
 * elements, so its loop goes through memory in order.
 */
DSA_KERNEL(axpy, (float *, y), (const float *, x), (float, a), (uint64_t, n))
{
	uint64_t share = (n + dsa_grid_size(0) - 1) / dsa_grid_size(0);
	uint64_t begin = dsa_program_id(0) * share;
	uint64_t end = begin + share < n ? begin + share : n;

	for (uint64_t i = begin; i < end; i++)
		y[i] = __builtin_fmaf(a, x[i], y[i]);
}
