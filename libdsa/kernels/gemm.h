/* SPDX-License-Identifier: MIT */
/* What gemm's callers name: for kernels and for host programs. */
#ifndef DSA_KERNELS_GEMM_H
#define DSA_KERNELS_GEMM_H

#define GEMM_A_TRANSPOSED 0x1u /* a points to A', which is k x m */
#define GEMM_B_TRANSPOSED 0x2u /* b points to B', which is n x k */
#define GEMM_SATURATE     0x4u /* beyond D's range: its largest value, not infinity or NaN */

#endif /* DSA_KERNELS_GEMM_H */
