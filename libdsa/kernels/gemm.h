/* SPDX-License-Identifier: MIT */
/* What gemm's callers name: for kernels and for host programs. */
#ifndef DSA_KERNELS_GEMM_H
#define DSA_KERNELS_GEMM_H

#include <stdint.h>

#define GEMM_A_TRANSPOSED 0x1u /* a points to A', which is k x m */
#define GEMM_B_TRANSPOSED 0x2u /* b points to B', which is n x k */
#define GEMM_SATURATE     0x4u /* beyond D's range: its largest value, not infinity or NaN */

/*
 * The arguments, for dsaLaunchKernelStruct(). All matrices are stored in rows,
 * pitches (ld*) and sizes in elements, below 2^31.
 */
struct gemm_args {
	void *d;                     /* m x n */
	const void *a, *b;           /* m x k, k x n */
	const void *c;               /* m x n of D's type, may be d; not read when beta is 0 */
	uint64_t ldd, lda, ldb, ldc; /* from one stored row to the next */
	uint32_t m, n, k;
	uint32_t d_type, a_type, b_type; /* enum dsa_type, of 8 bits and more */
	float alpha, beta;
	uint32_t flags;                  /* GEMM_* */
	uint32_t tile_m, tile_n, tile_k; /* of D, along k: at most about these; 0: as is good */
};

#endif /* DSA_KERNELS_GEMM_H */
