/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows in plain C, element by element. */
#include "num_int.h"

static void plain_unpack(uint8_t *codes, const uint8_t *packed, unsigned int bits, size_t n)
{
	enum num_type t = bits == 4 ? NUM_INT4 : NUM_E2M3;

	for (size_t i = 0; i < n; i++)
		codes[i] = (uint8_t)num_load(t, packed, i);
}

static void plain_pack(uint8_t *packed, const uint8_t *codes, unsigned int bits, size_t n)
{
	enum num_type t = bits == 4 ? NUM_INT4 : NUM_E2M3;

	for (size_t i = 0; i < n; i++)
		num_store(t, packed, i, codes[i]);
}

/* Codes below a byte have one to themselves. */
static uint64_t load_code(enum num_type t, const void *codes, size_t i)
{
	return num_info(t)->bits < 8 ? ((const uint8_t *)codes)[i] : num_load(t, codes, i);
}

static void store_code(enum num_type t, void *codes, size_t i, uint64_t code)
{
	if (num_info(t)->bits < 8)
		((uint8_t *)codes)[i] = (uint8_t)code;
	else
		num_store(t, codes, i, code);
}

static void plain_decode(float *dst, enum num_type t, const void *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (float)num_decode(t, load_code(t, codes, i));
}

static void plain_encode(void *codes, enum num_type t, const float *src, size_t n,
			 const struct num_round *round)
{
	uint32_t random = 0;

	for (size_t i = 0; i < n; i++) {
		if (round->mode == NUM_STOCHASTIC)
			random = num_random(round->seed, round->counter + i * round->step);
		store_code(t, codes, i, num_encode(t, (double)src[i], round, random));
	}
}

static void plain_scale(float *v, const float *scale, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] *= scale[i / NUM_BLOCK];
}

static void plain_widen(double *dst, const int32_t *src, double scale, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (double)src[i] * scale;
}

const struct num_ops num_ops_plain = {
	.unpack = plain_unpack,
	.pack = plain_pack,
	.decode = plain_decode,
	.encode = plain_encode,
	.scale = plain_scale,
	.widen = plain_widen,
};
