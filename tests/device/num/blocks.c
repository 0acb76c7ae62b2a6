/* SPDX-License-Identifier: MIT */
/* Types of blocks, MX and GGUF's, against their definitions. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "formats.h"

static const enum num_type mx[] = { NUM_MXE4M3, NUM_MXE5M2, NUM_MXE2M3,
				    NUM_MXE3M2, NUM_MXE2M1, NUM_MXINT8 };
static const enum num_type mx_element[] = { NUM_E4M3, NUM_E5M2, NUM_E2M3,
					    NUM_E3M2, NUM_E2M1, NUM_INT8 };

static float mx_defined(enum num_type t, const uint8_t *data, uint8_t scale, size_t i)
{
	enum num_type e = mx_element[t - NUM_MXE4M3];
	double v = defined_value(e, (uint32_t)num_load(e, data, i));

	if (t == NUM_MXINT8)
		v /= 64;
	return (float)(v * defined_value(NUM_E8M0, scale));
}

static void check_decoded(enum num_type t, const uint8_t *data, const uint8_t *scales, size_t n,
			  const float *want)
{
	float *got = malloc(n * sizeof(*got));

	for (size_t i = 0; i < n; i++)
		CHECK_MSG(same((double)num_block_load(t, data, scales, i), (double)want[i]),
			  "%s element %zu", num_info(t)->name, i);
	for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
		num_isa_set(isa);
		num_convert(NUM_FP32, got, NULL, t, data, scales, n, 1, &rne);
		for (size_t i = 0; i < n; i++)
			CHECK_MSG(same((double)got[i], (double)want[i]), "%s %s: %zu is %a not %a",
				  num_info(t)->name, num_isa_name(isa), i, (double)got[i],
				  (double)want[i]);
	}
	num_isa_set(num_isa_best());
	free(got);
}

void mx_decode_all(void)
{
	enum num_type t;
	static uint8_t data[65536], scales[2048];
	static float want[65536];
	const size_t n = 65536 - 5;

	/* block b has scale b / 8, and the 256 codes in turn */
	FOR_EACH(t, mx)
	{
		enum num_type e = mx_element[t - NUM_MXE4M3];
		size_t block = num_info(t)->block;

		for (size_t i = 0; i < 65536; i++)
			num_store(e, data, i, i & ((1u << num_info(e)->bits) - 1));
		for (size_t b = 0; b < 2048; b++)
			scales[b] = (uint8_t)(b / 8);
		for (size_t i = 0; i < n; i++)
			want[i] = mx_defined(t, data + i / 32 * block, scales[i / 32], i % 32);
		check_decoded(t, data, scales, n, want);
	}
}

void gguf_decode(void)
{
	static uint8_t data[34 * 512];
	static float want[32 * 512];

	for (int q4 = 0; q4 < 2; q4++) {
		enum num_type t = q4 ? NUM_Q4_0 : NUM_Q8_0;
		size_t size = q4 ? 18 : 34;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)rnd();
		for (size_t b = 0; b < 512; b++) {
			uint8_t *p = data + b * size;
			uint16_t d;
			_Float16 h;

			if (b == 3)
				p[0] = 0, p[1] = 0x7c;
			memcpy(&d, p, 2);
			memcpy(&h, &d, 2);
			for (size_t i = 0; i < 32; i++) {
				int q = !q4    ? (int8_t)p[2 + i] :
					i < 16 ? (p[2 + i] & 15) - 8 :
						 (p[2 + i - 16] >> 4) - 8;

				want[b * 32 + i] = (float)h * (float)q;
			}
		}
		check_decoded(t, data, NULL, 512 * 32 - 7, want);
	}
}

/* OCP MX 1.0, 6.3, in double. */
static void mx_defined_encode(enum num_type t, uint8_t *data, uint8_t *scale, const float *v)
{
	static const int emax[] = { 8, 15, 2, 4, 2, 0 };
	enum num_type e = mx_element[t - NUM_MXE4M3];
	double max = 0;
	int x = -127, unused;

	memset(data, 0, num_info(t)->block);
	for (int i = 0; i < 32; i++) {
		if (!isfinite(v[i])) {
			*scale = 0xff;
			return;
		}
		max = fmax(max, fabs((double)v[i]));
	}
	if (max > 0) {
		frexp(max, &unused);
		x = unused - 1 - emax[t - NUM_MXE4M3];
		x = x < -127 ? -127 : x;
	}
	*scale = (uint8_t)(x + 127);
	for (size_t i = 0; i < 32; i++)
		num_store(e, data, i,
			  num_encode(e, ldexp((double)v[i], -x) * (t == NUM_MXINT8 ? 64 : 1),
				     &rne_sat, 0));
}

static void fill_block(float *v, int kind)
{
	int e = (int)(rnd() % 250) - 125;

	for (int i = 0; i < 32; i++) {
		v[i] = ldexpf((float)(int32_t)rnd(), e - 31 - (kind == 1 ? (int)(rnd() % 20) : 0));
		if (kind == 2)
			v[i] = bits_float((uint32_t)rnd() & 0x807fffff); /* subnormal */
		if (kind == 3 && i % 5 == 0)
			v[i] = i ? -0.0f : FLT_MAX;
		if (kind == 4)
			v[i] = i == 7 ? NAN : v[i];
		if (kind == 5)
			v[i] = 0;
	}
}

void mx_encode(void)
{
	enum num_type t;

	for (int round = 0; round < 3000; round++) {
		float v[32];

		fill_block(v, round % 6);
		FOR_EACH(t, mx)
		{
			uint8_t want[32], scale, got[32], got_scale;

			mx_defined_encode(t, want, &scale, v);
			for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
				num_isa_set(isa);
				num_convert(t, got, &got_scale, NUM_FP32, v, NULL, 32, 1, &rne);
				CHECK_MSG(scale == got_scale &&
						  !memcmp(got, want, num_info(t)->block),
					  "%s kind %d", num_info(t)->name, round % 6);
			}
		}
	}
	num_isa_set(num_isa_best());
}

void mx_encode_stochastic(void)
{
	const struct num_round sr = { .mode = NUM_STOCHASTIC, .seed = 5, .counter = 9, .step = 3 };
	enum num_type t;

	for (int round = 0; round < 600; round++) {
		float v[96];

		for (int b = 0; b < 3; b++)
			fill_block(v + 32 * b, (round + b) % 6);
		FOR_EACH(t, mx)
		{
			uint8_t want[96], got[96], want_scales[3], scales[3];

			num_isa_set(NUM_ISA_PLAIN);
			num_convert(t, want, want_scales, NUM_FP32, v, NULL, 90, 1, &sr);
			for (enum num_isa isa = 1; isa <= num_isa_best(); isa++) {
				num_isa_set(isa);
				num_convert(t, got, scales, NUM_FP32, v, NULL, 90, 1, &sr);
				CHECK(!memcmp(got, want, num_bytes(t, 90)) &&
				      !memcmp(scales, want_scales, 3));
			}
		}
	}
	num_isa_set(num_isa_best());
}

/* ggml's reference quantizers, as published. */
static void ggml_q8_0(uint8_t *y, const float *x)
{
	float amax = 0.0f, d, id;
	_Float16 h;

	for (int j = 0; j < 32; j++)
		amax = fmaxf(amax, fabsf(x[j]));
	d = amax / ((1 << 7) - 1);
	id = d ? 1.0f / d : 0.0f;
	h = (_Float16)d;
	memcpy(y, &h, 2);
	for (int j = 0; j < 32; j++)
		y[2 + j] = (uint8_t)(int8_t)roundf(x[j] * id);
}

static void ggml_q4_0(uint8_t *y, const float *x)
{
	float amax = 0.0f, max = 0.0f, d, id;
	_Float16 h;

	for (int j = 0; j < 32; j++) {
		if (amax < fabsf(x[j])) {
			amax = fabsf(x[j]);
			max = x[j];
		}
	}
	d = max / -8;
	id = d ? 1.0f / d : 0.0f;
	h = (_Float16)d;
	memcpy(y, &h, 2);
	for (int j = 0; j < 16; j++) {
		volatile float x0 = x[j] * id, x1 = x[16 + j] * id; /* not fused with the sum */
		int xi0 = (int8_t)(x0 + 8.5f), xi1 = (int8_t)(x1 + 8.5f);

		xi0 = xi0 < 15 ? xi0 : 15;
		xi1 = xi1 < 15 ? xi1 : 15;
		y[2 + j] = (uint8_t)(xi0 | xi1 << 4);
	}
}

void gguf_encode(void)
{
	for (int round = 0; round < 5000; round++) {
		uint8_t want[34], got[34];
		float v[32];

		for (int i = 0; i < 32; i++)
			v[i] = ldexpf((float)(int32_t)rnd(), (round % 30) - 45);
		if (round % 7 == 0)
			v[5] = -v[20], v[6] = 0;
		ggml_q8_0(want, v);
		num_convert(NUM_Q8_0, got, NULL, NUM_FP32, v, NULL, 32, 1, &rne);
		CHECK(!memcmp(want, got, 34));
		ggml_q4_0(want, v);
		num_convert(NUM_Q4_0, got, NULL, NUM_FP32, v, NULL, 32, 1, &rne);
		CHECK(!memcmp(want, got, 18));
	}
}

static size_t whole_blocks(size_t n)
{
	return (n + 31) / 32 * 32;
}

void block_tails(void)
{
	for (enum num_type t = NUM_PLAIN_TYPES; t < NUM_TYPES; t++) {
		for (size_t n = 1; n < 70; n++) {
			uint8_t data[34 * 3 + 1], scales[4] = { 1, 1, 1, 0x5a };
			size_t bytes = num_bytes(t, n);
			float v[96], back[96];

			for (size_t i = 0; i < 96; i++)
				v[i] = (float)(i % 3);
			memset(data, 0x5a, sizeof(data));
			num_convert(t, data, scales, NUM_FP32, v, NULL, n, 1, &rne);
			CHECK(data[bytes] == 0x5a && scales[3] == 0x5a);
			num_convert(NUM_FP32, back, NULL, t, data, scales, whole_blocks(n), 1,
				    &rne);
			for (size_t i = n; i < whole_blocks(n); i++)
				CHECK(back[i] == 0);
			CHECK(fabsf(back[0]) < 0.1f && (n < 3 || fabsf(back[2] - 2) < 0.1f));
		}
	}
}

/* FP64 and INT32 pass through FP32 into blocks. */
void wide_to_blocks(void)
{
	double d[70];
	float f[70];
	int32_t ints[70];
	uint8_t want[34 * 3], got[34 * 3], want_scales[3], scales[3];

	for (enum num_type t = NUM_PLAIN_TYPES; t < NUM_TYPES; t++) {
		for (unsigned int isa = 0; isa <= (unsigned int)num_isa_best() * 2; isa += 1) {
			bool from_ints = isa & 1;

			num_isa_set((enum num_isa)(isa / 2));
			for (int i = 0; i < 70; i++) {
				ints[i] = (int32_t)rnd() >> (rnd() % 31);
				d[i] = from_ints ? ints[i] : (double)(int64_t)rnd();
				f[i] = (float)d[i];
			}
			num_convert(t, want, want_scales, NUM_FP32, f, NULL, 70, 1, &rne);
			num_convert(t, got, scales, from_ints ? NUM_INT32 : NUM_FP64,
				    from_ints ? (void *)ints : (void *)d, NULL, 70, 1, &rne);
			CHECK(!memcmp(want, got, num_bytes(t, 70)));
			CHECK(num_info(t)->class != NUM_MX || !memcmp(scales, want_scales, 3));
		}
	}
	num_isa_set(num_isa_best());
}

void block_conversions(void)
{
	double d[64], back[64];
	uint8_t data[64], scales[2], again[64], again_scales[2];

	for (int i = 0; i < 64; i++)
		d[i] = (i % 13 - 6) * 0.5;
	num_convert(NUM_MXE2M1, data, scales, NUM_FP64, d, NULL, 64, 1, &rne);
	num_convert(NUM_FP64, back, NULL, NUM_MXE2M1, data, scales, 64, 1, &rne);
	num_convert(NUM_MXE2M1, again, again_scales, NUM_FP64, back, NULL, 64, 1, &rne);
	CHECK(!memcmp(data, again, 32) && !memcmp(scales, again_scales, 2));
	for (int i = 0; i < 64; i++)
		CHECK(fabs(back[i] - d[i]) <= 0.5);
}
