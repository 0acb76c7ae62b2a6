/* SPDX-License-Identifier: MIT */
#include <dsa/kernel.h>
#include "math.h"

#define LANES 512 /* a vector unit takes them side by side, in the same order always */

static float row_max(const float *x, uint64_t n)
{
	float lane[LANES];

	for (unsigned int j = 0; j < LANES; j++)
		lane[j] = -__builtin_inff();
	for (uint64_t i = 0; i < n; i += LANES) {
		uint64_t count = n - i < LANES ? n - i : LANES;

		for (uint64_t j = 0; j < count; j++)
			lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
	}
	for (unsigned int half = LANES / 2; half; half /= 2)
		for (unsigned int j = 0; j < half; j++)
			lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
	return lane[0];
}

/* y = e^(x - max); their sum. */
static float row_exp(float *y, const float *x, uint64_t n, float max)
{
	float lane[LANES] = { 0 }, value[LANES];

	for (uint64_t i = 0; i < n; i += LANES) {
		uint64_t count = n - i < LANES ? n - i : LANES;

		for (uint64_t j = 0; j < count; j++) {
			value[j] = math_expf(x[i + j] - max);
			lane[j] += value[j];
		}
		/* Apart, as y may be x: nobody can read ahead where he may have written. */
		for (uint64_t j = 0; j < count; j++)
			y[i + j] = value[j];
	}
	for (unsigned int half = LANES / 2; half; half /= 2)
		for (unsigned int j = 0; j < half; j++)
			lane[j] += lane[j + half];
	return lane[0];
}

/*
 * Softmax of each row: y[i] = e^x[i] / sum of e^x[j]. Subtracting the largest
 * x first changes nothing but that no exponential overflows. A program makes
 * every dsa_grid_size(0)-th row; y may be x. Pitches are in elements. A row
 * with a NaN or +infinity, or of -infinity only, is NaN.
 */
DSA_KERNEL(softmax, (float *, y), (const float *, x), (uint64_t, rows), (uint64_t, cols),
	   (uint64_t, y_pitch), (uint64_t, x_pitch))
{
	for (uint64_t row = dsa_program_id(0); row < rows; row += dsa_grid_size(0)) {
		const float *in = x + row * x_pitch;
		float *out = y + row * y_pitch;
		float sum = row_exp(out, in, cols, row_max(in, cols));

		for (uint64_t i = 0; i < cols; i++)
			out[i] /= sum;
	}
}
