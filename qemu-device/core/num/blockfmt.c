/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of 32 elements with a scale: reading one element, and choosing scales. */
#include <math.h>

#include "num_int.h"

static uint16_t load_half(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static double gguf_load(enum num_type t, const uint8_t *block, size_t i)
{
	double d = num_decode(NUM_FP16, load_half(block));

	if (t == NUM_Q8_0)
		return d * num_decode(NUM_INT8, block[2 + i]);
	return d * ((block[2 + i % 16] >> (i / 16 * 4) & 15) - 8);
}

float num_block_load(enum num_type t, const void *data, const uint8_t *scales, size_t i)
{
	const struct num_round rne = { .mode = NUM_RNE };
	uint32_t env = num_fp_enter();
	const uint8_t *block = (const uint8_t *)data + i / NUM_BLOCK * num_info(t)->block;
	enum num_type element = num_block_element(t);
	uint32_t bits;
	double v;
	float f;

	/* FP64 holds every product exactly */
	if (num_info(t)->class == NUM_GGUF)
		v = gguf_load(t, block, i % NUM_BLOCK);
	else
		v = num_decode(element, num_load(element, block, i % NUM_BLOCK)) *
		    num_decode(NUM_E8M0, scales[i / NUM_BLOCK]);
	if (t == NUM_MXINT8)
		v /= 64;
	bits = (uint32_t)num_encode(NUM_FP32, v, &rne, 0);
	memcpy(&f, &bits, sizeof(f));
	num_fp_leave(env);
	return f;
}

static uint32_t magnitude(float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof(u));
	return u & 0x7fffffff;
}

/* Of a whole block. Magnitudes are in the order of numbers; from 0x7f800000 on one is not finite. */
static uint32_t largest_magnitude(const float *v)
{
	uint32_t most = 0;

	for (size_t i = 0; i < NUM_BLOCK; i++)
		most = magnitude(v[i]) > most ? magnitude(v[i]) : most;
	return most;
}

/* The first value of magnitude @most, +0 for zeros. */
static float value_of_magnitude(const float *v, uint32_t most)
{
	size_t i = 0;

	while (most && magnitude(v[i]) != most)
		i++;
	return most ? v[i] : 0;
}

/* Exponent of the largest normal number: OCP MX 1.0, table 1. MXINT8's is below 2. */
static int element_emax(enum num_type t)
{
	static const uint8_t emax[] = { 8, 15, 2, 4, 2, 0 };

	return emax[t - NUM_MXE4M3];
}

/* Of the scale: OCP MX 1.0, 6.3. */
static int mx_exponent(enum num_type t, uint32_t most)
{
	int e = (most >> 23 ? (int)(most >> 23) : 1) - 127 - element_emax(t);

	for (; most && most < 0x00800000; most <<= 1)
		e--;
	return !most || e < -127 ? -127 : e;
}

/*
 * Divides the values of a block by its scale, which it returns. Dividing by a
 * power of two is exact or too small to matter (numerics.md).
 */
static uint8_t mx_scale(enum num_type t, float *v)
{
	uint32_t most = largest_magnitude(v);
	float factor;
	int e;

	if (most >= 0x7f800000) {
		memset(v, 0, NUM_BLOCK * sizeof(*v));
		return 0xff;
	}
	e = mx_exponent(t, most);
	factor = num_scale_f32((uint8_t)(127 - e));
	for (size_t i = 0; i < NUM_BLOCK; i++)
		v[i] = v[i] * factor * (t == NUM_MXINT8 ? 64.0f : 1.0f);
	return (uint8_t)(e + 127);
}

static void mx_encode(enum num_type t, void *data, uint8_t *scales, float *v, size_t blocks,
		      const struct num_round *round)
{
	struct num_round r = *round;

	for (size_t b = 0; b < blocks; b++)
		scales[b] = mx_scale(t, v + b * NUM_BLOCK);
	r.saturate = true;
	num_row_encode(num_ops_of(num_isa_get()), data, num_block_element(t), v, blocks * NUM_BLOCK,
		       &r);
}

static void store_d(uint8_t *block, float d)
{
	const struct num_round rne = { .mode = NUM_RNE };
	uint64_t code = num_encode(NUM_FP16, (double)d, &rne, 0);

	block[0] = (uint8_t)code;
	block[1] = (uint8_t)(code >> 8);
}

/* To nearest, ties away from zero; |x| is far below 2^23. */
static int round_away(float x)
{
	return (int)(x + (x < 0 ? -0x1.fffffep-2f : 0x1.fffffep-2f));
}

/* ggml's quantize_row_q8_0_ref(); its undefined cases: limited to 127, zero for NaN. */
static void q8_encode(uint8_t *block, const float *v, float max)
{
	float d = fabsf(max) / 127.0f;
	float id = d != 0 ? 1.0f / d : 0;

	store_d(block, d);
	for (size_t i = 0; i < NUM_BLOCK; i++) {
		float x = v[i] * id;

		x = x > 127 ? 127 : x < -127 ? -127 : x;
		block[2 + i] = (uint8_t)(x != x ? 0 : round_away(x));
	}
}

/* ggml's quantize_row_q4_0_ref(); likewise. @n: beyond are no values, but what decodes to zero. */
static void q4_encode(uint8_t *block, const float *v, size_t n, float max)
{
	float d = max / -8.0f;
	float id = d != 0 ? 1.0f / d : 0;

	store_d(block, d);
	for (size_t i = 0; i < NUM_BLOCK; i++) {
		float x = i < n ? v[i] * id : 0;
		float q = x + 8.5f;
		int code = q != q ? 8 : q >= 15 ? 15 : q < 0 ? 0 : (int)q;

		block[2 + i % 16] |= (uint8_t)(code << (i / 16 * 4));
	}
}

static void gguf_encode(enum num_type t, uint8_t *block, const float *v, size_t n)
{
	uint32_t most = largest_magnitude(v);

	memset(block, 0, num_info(t)->block);
	if (most >= 0x7f800000)
		block[1] = 0x7e;
	else if (t == NUM_Q8_0)
		q8_encode(block, v, value_of_magnitude(v, most));
	else
		q4_encode(block, v, n, value_of_magnitude(v, most));
}

void num_block_encode(enum num_type t, void *data, uint8_t *scales, const float *src, size_t n,
		      const struct num_round *round)
{
	size_t blocks = (n + NUM_BLOCK - 1) / NUM_BLOCK;
	NUM_BUFFER float v[NUM_CHUNK];

	memcpy(v, src, n * sizeof(*v));
	memset(v + n, 0, (blocks * NUM_BLOCK - n) * sizeof(*v));
	if (num_info(t)->class == NUM_MX) {
		mx_encode(t, data, scales, v, blocks, round);
		return;
	}
	for (size_t b = 0; b < blocks; b++)
		gguf_encode(t, (uint8_t *)data + b * num_info(t)->block, v + b * NUM_BLOCK,
			    n - b * NUM_BLOCK);
}
