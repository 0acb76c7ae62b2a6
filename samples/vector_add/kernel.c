/* SPDX-License-Identifier: MIT */
#include <dsa/kernel.h>

/* Each program adds one contiguous share of the vectors. */
DSA_KERNEL(vector_add, (float *, c), (const float *, a), (const float *, b), (uint64_t, n))
{
	uint64_t share = (n + dsa_grid_size(0) - 1) / dsa_grid_size(0);
	uint64_t first = dsa_program_id(0) * share;

	for (uint64_t i = first; i < first + share && i < n; i++)
		c[i] = a[i] + b[i];
}
