/* SPDX-License-Identifier: MIT */
/* What the callers of convert name: for kernels and for host programs. */
#ifndef DSA_KERNELS_CONVERT_H
#define DSA_KERNELS_CONVERT_H

#include <stdint.h>

#define CONVERT_SATURATE   0x1u /* beyond the range: the largest value, not infinity or NaN */
#define CONVERT_STOCHASTIC 0x2u /* else to nearest, ties to even */

/*
 * The arguments, for dsaLaunchKernelStruct(). Pitches are in bytes; packed.h
 * says how many a row has. Types of less than a byte and of blocks: cols is a
 * multiple of 32. Random numbers depend on the seed and on the element's place.
 */
struct convert_args {
	void *dst;
	void *dst_scales; /* of MX types, a byte for each 32 elements of a row; else NULL */
	const void *src, *src_scales;
	uint64_t dst_pitch, dst_scale_pitch, src_pitch, src_scale_pitch;
	uint32_t rows, cols;         /* below 2^31 bytes a row */
	uint32_t dst_type, src_type; /* enum dsa_type, any that packed_bytes() knows */
	float scale;                 /* dst = src * scale */
	uint32_t flags;              /* CONVERT_* */
	uint64_t seed;               /* 0 unless stochastic */
};

#endif /* DSA_KERNELS_CONVERT_H */
