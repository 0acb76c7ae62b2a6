/* SPDX-License-Identifier: MIT */
/*
 * How rows of elements of any type lie in memory, in bytes: small elements are
 * packed, blocks of 32 have their scale before them (Q8_0, Q4_0) or in an
 * array of its own (MX). For kernels and for host programs.
 */
#ifndef DSA_KERNELS_PACKED_H
#define DSA_KERNELS_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#if __has_include(<dsa/dsa_cmd.h>)
#include <dsa/dsa_cmd.h>
#else
#include <uapi/dsa_cmd.h>
#endif

#define PACKED_BLOCK 32 /* elements: wherever a multiple of them begins, a byte does */

/* Bytes of 32 elements; 0: the matrix and conversion units do not know the type. */
static inline uint32_t packed_bytes(uint32_t type)
{
	static const uint16_t bytes[DSA_TYPE_COUNT] = {
		[DSA_TYPE_F64] = 256,     [DSA_TYPE_F32] = 128,     [DSA_TYPE_TF32] = 128,
		[DSA_TYPE_F16] = 64,      [DSA_TYPE_BF16] = 64,     [DSA_TYPE_F8E4M3] = 32,
		[DSA_TYPE_F8E5M2] = 32,   [DSA_TYPE_F6E2M3] = 24,   [DSA_TYPE_F6E3M2] = 24,
		[DSA_TYPE_F4E2M1] = 16,   [DSA_TYPE_I32] = 128,     [DSA_TYPE_I8] = 32,
		[DSA_TYPE_U8] = 32,       [DSA_TYPE_I4] = 16,       [DSA_TYPE_MXF8E4M3] = 32,
		[DSA_TYPE_MXF8E5M2] = 32, [DSA_TYPE_MXF6E2M3] = 24, [DSA_TYPE_MXF6E3M2] = 24,
		[DSA_TYPE_MXF4E2M1] = 16, [DSA_TYPE_MXI8] = 32,     [DSA_TYPE_Q8_0] = 34,
		[DSA_TYPE_Q4_0] = 18,
	};

	return type < DSA_TYPE_COUNT ? bytes[type] : 0;
}

/* Is there a scale for each 32 elements, a byte, in an array of its own? */
static inline bool packed_scaled(uint32_t type)
{
	return type >= DSA_TYPE_MXF8E4M3 && type <= DSA_TYPE_MXI8;
}

/* Elements of less than a byte, or in blocks: only 32 of them are surely whole bytes. */
static inline bool packed_small(uint32_t type)
{
	return type >= DSA_TYPE_F6E2M3;
}

static inline uint32_t packed_scales(uint64_t elements)
{
	return (uint32_t)((elements + PACKED_BLOCK - 1) / PACKED_BLOCK);
}

/* Bytes of @elements of them, from the start of a row. */
static inline uint64_t packed_row(uint32_t type, uint64_t elements)
{
	if (type >= DSA_TYPE_MXF8E4M3)
		return (uint64_t)packed_scales(elements) * packed_bytes(type);
	return (elements * packed_bytes(type) + PACKED_BLOCK - 1) / PACKED_BLOCK;
}

#endif /* DSA_KERNELS_PACKED_H */
