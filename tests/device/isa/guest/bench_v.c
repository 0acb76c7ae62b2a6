// SPDX-License-Identifier: MIT
/* Vector loops for rv_bench, compiled for rv64gcv. */
#include <stdint.h>

#define PIECE 4096

void axpy_piece(float *restrict y, const float *restrict x, float a)
{
	for (int i = 0; i < PIECE; i++)
		y[i] = __builtin_fmaf(a, x[i], y[i]);
}

int32_t dot_piece(const int8_t *a, const int8_t *b)
{
	int32_t sum = 0;

	for (int i = 0; i < PIECE; i++)
		sum += a[i] * b[i];
	return sum;
}
