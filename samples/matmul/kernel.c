/* SPDX-License-Identifier: MIT */
#include <dsa/kernel.h>

/*
 * C = A x B, all n x n floats, row by row: a program makes every
 * dsa_grid_size(0)-th row of C in its scratchpad. Each element adds its
 * products in the order of k with one rounding per step, so the result is the
 * same to the bit wherever it is computed.
 */
DSA_KERNEL(matmul, (float *, c), (const float *, a), (const float *, b), (uint64_t, n))
{
	float *sum = dsa_scratchpad();

	for (uint64_t i = dsa_program_id(0); i < n; i += dsa_grid_size(0)) {
		for (uint64_t j = 0; j < n; j++)
			sum[j] = 0;
		for (uint64_t k = 0; k < n; k++) {
			float factor = a[i * n + k];

			for (uint64_t j = 0; j < n; j++)
				sum[j] = __builtin_fmaf(factor, b[k * n + j], sum[j]);
		}
		for (uint64_t j = 0; j < n; j++)
			c[i * n + j] = sum[j];
	}
}
