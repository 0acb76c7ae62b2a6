/* SPDX-License-Identifier: MIT */
/* What gemm_block's callers name: for kernels and for host programs. */
#ifndef DSA_KERNELS_GEMM_BLOCK_H
#define DSA_KERNELS_GEMM_BLOCK_H

#include <stdint.h>

#define GEMM_BLOCK_SATURATE 0x1u /* beyond D's range: its largest value, not infinity or NaN */

/*
 * The arguments, for dsaLaunchKernelStruct(). A matrix' scales are those of its
 * MX type, a byte for each 32 elements of a row; else NULL. Pitches are in
 * bytes; packed.h says how many a row has: fewer than 2^31.
 */
struct gemm_block_args {
	void *d;        /* m x n */
	void *d_scales; /* D of less than a byte or in blocks: n a multiple of 32 */
	const void *a;  /* m x k: rows along k, a multiple of 32 */
	const void *a_scales;
	const void *b; /* n x k, as weights are stored: B' */
	const void *b_scales;
	uint64_t d_pitch, d_scale_pitch, a_pitch, a_scale_pitch, b_pitch, b_scale_pitch;
	uint32_t m, n, k;
	uint32_t d_type, a_type, b_type; /* enum dsa_type, any that packed_bytes() knows */
	float alpha;
	uint32_t flags; /* GEMM_BLOCK_* */
};

#endif /* DSA_KERNELS_GEMM_BLOCK_H */
