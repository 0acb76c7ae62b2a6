// SPDX-License-Identifier: MIT
/* Kernels for the test beside this file: the conversion unit by its intrinsics, and what Zfa is for. */
#include <dsa/kernel.h>

#define N 64

/* 64 floats to MXFP4 and back, in the scratchpad; scales go out, too. */
DSA_KERNEL_SIZED(there_and_back, 4096, 0, (float *, out), (uint8_t *, scales_out),
		 (const float *, in), (uint32_t, flags))
{
	float *x = dsa_scratchpad();
	uint8_t *packed = (uint8_t *)(x + N), *scales = packed + N / 2;
	struct dsa_matrix_tile wide = dsa_tile(DSA_TYPE_F32, x, N * 4);
	struct dsa_matrix_tile narrow = dsa_tile_scaled(DSA_TYPE_MXF4E2M1, packed, N / 2, scales,
							N / 32);
	struct dsa_convert_op there = {
		.src = wide,
		.dst = narrow,
		.rows = 1,
		.cols = N,
		.scale = 1,
		.flags = (uint8_t)flags,
	};
	struct dsa_convert_op back = {
		.src = narrow, .dst = wide, .rows = 1, .cols = N, .scale = 1
	};

	for (uint32_t i = 0; i < N; i++)
		x[i] = in[i];
	dsa_convert_start(&there);
	dsa_convert_wait();
	dsa_convert_start(&back);
	dsa_convert_wait();
	for (uint32_t i = 0; i < N; i++)
		out[i] = x[i];
	for (uint32_t i = 0; i < N / 32; i++)
		scales_out[i] = scales[i];
}

/* Programs of their own, so that nothing is vectorised. */
DSA_KERNEL(rounds, (double *, out), (const double *, in))
{
	uint64_t i = dsa_program_id(0);

	out[i] = __builtin_floor(in[i]) + __builtin_roundeven(in[i]) * 256 +
		 (in[i] < 0 ? 65536 : 0.25);
}
