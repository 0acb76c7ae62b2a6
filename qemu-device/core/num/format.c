/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats as tables. */
#include "num_int.h"

/* MXINT8 has the elements of INT8 and a factor of 2^-6. */
static const struct num_info infos[NUM_TYPES] = {
	[NUM_FP64] = { "fp64", NUM_FLOAT, 64, 0 },
	[NUM_FP32] = { "fp32", NUM_FLOAT, 32, 0 },
	[NUM_TF32] = { "tf32", NUM_FLOAT, 32, 0 },
	[NUM_FP16] = { "fp16", NUM_FLOAT, 16, 0 },
	[NUM_BF16] = { "bf16", NUM_FLOAT, 16, 0 },
	[NUM_E4M3] = { "e4m3", NUM_FLOAT, 8, 0 },
	[NUM_E5M2] = { "e5m2", NUM_FLOAT, 8, 0 },
	[NUM_E2M3] = { "e2m3", NUM_FLOAT, 6, 0 },
	[NUM_E3M2] = { "e3m2", NUM_FLOAT, 6, 0 },
	[NUM_E2M1] = { "e2m1", NUM_FLOAT, 4, 0 },
	[NUM_INT32] = { "int32", NUM_INT, 32, 0 },
	[NUM_INT8] = { "int8", NUM_INT, 8, 0 },
	[NUM_UINT8] = { "uint8", NUM_INT, 8, 0 },
	[NUM_INT4] = { "int4", NUM_INT, 4, 0 },
	[NUM_E8M0] = { "e8m0", NUM_SCALE, 8, 0 },
	[NUM_MXE4M3] = { "mxfp8-e4m3", NUM_MX, 8, 32 },
	[NUM_MXE5M2] = { "mxfp8-e5m2", NUM_MX, 8, 32 },
	[NUM_MXE2M3] = { "mxfp6-e2m3", NUM_MX, 6, 24 },
	[NUM_MXE3M2] = { "mxfp6-e3m2", NUM_MX, 6, 24 },
	[NUM_MXE2M1] = { "mxfp4", NUM_MX, 4, 16 },
	[NUM_MXINT8] = { "mxint8", NUM_MX, 8, 32 },
	[NUM_Q8_0] = { "q8_0", NUM_GGUF, 8, 34 },
	[NUM_Q4_0] = { "q4_0", NUM_GGUF, 4, 18 },
};

/* bits, mbits, emin, integer, max, over, nan, max_neg */
static const struct num_fmt fmts[NUM_PLAIN_TYPES] = {
	[NUM_FP64] = { 64, 52, -1022, false, 0x7fefffffffffffff, 0x7ff0000000000000,
		       0x7ff8000000000000, 0 },
	[NUM_FP32] = { 32, 23, -126, false, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0 },
	/* without the 13 bits below */
	[NUM_TF32] = { 19, 10, -126, false, 0x3fbff, 0x3fc00, 0x3fe00, 0 },
	[NUM_FP16] = { 16, 10, -14, false, 0x7bff, 0x7c00, 0x7e00, 0 },
	[NUM_BF16] = { 16, 7, -126, false, 0x7f7f, 0x7f80, 0x7fc0, 0 },
	[NUM_E4M3] = { 8, 3, -6, false, 0x7e, 0x7f, 0x7f, 0 },
	[NUM_E5M2] = { 8, 2, -14, false, 0x7b, 0x7c, 0x7f, 0 },
	[NUM_E2M3] = { 6, 3, 0, false, 0x1f, 0x1f, 0x1f, 0 },
	[NUM_E3M2] = { 6, 2, -2, false, 0x1f, 0x1f, 0x1f, 0 },
	[NUM_E2M1] = { 4, 1, 0, false, 0x7, 0x7, 0x7, 0 },
	[NUM_INT32] = { 32, 40, 40, true, 0x7fffffff, 0x7fffffff, 0, 0x80000000 },
	[NUM_INT8] = { 8, 10, 10, true, 0x7f, 0x7f, 0, 0x80 },
	[NUM_UINT8] = { 8, 10, 10, true, 0xff, 0xff, 0, 0 },
	[NUM_INT4] = { 4, 10, 10, true, 0x7, 0x7, 0, 0x8 },
};

const struct num_info *num_info(enum num_type t)
{
	return &infos[t];
}

const struct num_fmt *num_fmt(enum num_type t)
{
	return &fmts[t];
}

size_t num_bytes(enum num_type t, size_t n)
{
	if (infos[t].block)
		return (n + NUM_BLOCK - 1) / NUM_BLOCK * infos[t].block;
	return (n * infos[t].bits + 7) / 8;
}

enum num_type num_block_element(enum num_type t)
{
	static const uint8_t element[NUM_TYPES - NUM_PLAIN_TYPES] = {
		NUM_E4M3, NUM_E5M2, NUM_E2M3, NUM_E3M2, NUM_E2M1, NUM_INT8, NUM_INT8, NUM_INT4,
	};

	return element[t - NUM_PLAIN_TYPES];
}
