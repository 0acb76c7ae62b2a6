// SPDX-License-Identifier: MIT
/*
 * Plain C that clang vectorises (rv64gcv, -O3). The results do not depend on the
 * length of vectors.
 */
#include <stddef.h>
#include <stdint.h>

#include "proto.h"

#define N 1500

static void fill_f32(float *p, int n, uint32_t seed)
{
	for (int i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (float)(int32_t)seed * 0x1p-24f;
	}
}

static uint64_t axpy(void *buf)
{
	float *x = buf, *y = x + N;

	fill_f32(x, 2 * N, 1);
	for (int i = 0; i < N; i++)
		y[i] += 1.5f * x[i];
	return (uint64_t)(int64_t)y[7];
}

static uint64_t axpy_f64(void *buf)
{
	double *x = buf, *y = x + N;

	for (int i = 0; i < N; i++) {
		x[i] = i * 0.1;
		y[i] = 1 / (1.0 + i);
	}
	for (int i = 0; i < N; i++)
		y[i] = __builtin_fma(x[i], 0.3, y[i]);
	return (uint64_t)(y[1000] * 1000);
}

static uint64_t dot_i8(void *buf)
{
	int8_t *a = buf, *b = a + N;
	int32_t sum = 0;

	for (int i = 0; i < N; i++) {
		a[i] = (int8_t)(i * 7);
		b[i] = (int8_t)(i * i);
	}
	for (int i = 0; i < N; i++)
		sum += a[i] * b[i];
	return (uint64_t)sum;
}

static uint64_t saturate(void *buf)
{
	int16_t *a = buf;
	int8_t *d = (int8_t *)(a + N);

	for (int i = 0; i < N; i++)
		a[i] = (int16_t)(i * 37);
	for (int i = 0; i < N; i++) {
		int v = (a[i] + 64) >> 7;

		d[i] = (int8_t)(v > 127 ? 127 : v < -128 ? -128 : v);
	}
	return (uint8_t)d[N - 1];
}

/* Strided: interleaved channels */
static uint64_t channels(void *buf)
{
	uint8_t *rgb = buf, *grey = rgb + 3 * N;

	for (int i = 0; i < 3 * N; i++)
		rgb[i] = (uint8_t)(i * 11);
	for (int i = 0; i < N; i++)
		grey[i] = (uint8_t)((77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2]) >> 8);
	return grey[N / 2];
}

/* Indexed: a table */
static uint64_t gather(void *buf)
{
	uint32_t *table = buf, *index = table + 256, *out = index + N;

	for (uint32_t i = 0; i < 256; i++)
		table[i] = i * 0x01010101u ^ 0x5a5a;
	for (uint32_t i = 0; i < N; i++)
		index[i] = i * 193 & 255;
	for (int i = 0; i < N; i++)
		out[i] = table[index[i]] + (uint32_t)i;
	return out[N - 1];
}

/* Under a mask */
static uint64_t conditional(void *buf)
{
	float *x = buf, *y = x + N;

	fill_f32(x, 2 * N, 5);
	for (int i = 0; i < N; i++)
		if (x[i] > 0)
			y[i] = y[i] / x[i];
	return (uint64_t)(int64_t)y[9];
}

static uint64_t convert(void *buf)
{
	int32_t *a = buf;
	float *f = (float *)(a + N);
	double *d = (double *)(f + N);

	for (int i = 0; i < N; i++)
		a[i] = i * 12345 - 9000000;
	for (int i = 0; i < N; i++)
		f[i] = (float)a[i] * 0.37f;
	for (int i = 0; i < N; i++)
		d[i] = f[i];
	/* Not back to integers: the reference's vfcvt.rtz ends at an assertion. */
	for (int i = 0; i < N; i++)
		f[i] += (float)(d[i] * 0.001);
	return (uint64_t)(int64_t)f[N - 1];
}

static uint64_t largest(void *buf)
{
	int64_t *a = buf, best = INT64_MIN;

	for (int i = 0; i < N; i++)
		a[i] = (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15ull);
	for (int i = 0; i < N; i++)
		best = a[i] > best ? a[i] : best;
	return (uint64_t)best;
}

static void matmul_into(float *restrict c, const float *restrict a, const float *restrict b)
{
	for (int i = 0; i < 64; i++)
		for (int k = 0; k < 64; k++)
			for (int j = 0; j < 64; j++)
				c[i * 64 + j] += a[i * 64 + k] * b[k * 64 + j];
}

static uint64_t matmul(void *buf)
{
	float *a = buf, *b = a + 64 * 64, *c = b + 64 * 64;

	fill_f32(a, 2 * 64 * 64, 3);
	matmul_into(c, a, b);
	return (uint64_t)(int64_t)c[5];
}

typedef uint64_t prog_fn(void *buf);

__attribute__((section(".progs"), used)) prog_fn *const prog_table[] = {
	axpy,	axpy_f64,    dot_i8,  saturate, channels, gather,
	conditional, convert, largest,	matmul,   NULL,
};

__attribute__((section(".names"), used)) const char prog_names[16][16] = {
	"axpy",	       "axpy_f64", "dot_i8",  "saturate", "channels", "gather",
	"conditional", "convert",  "largest", "matmul",
};
