/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix unit's inner loops for any host, in GCC's vectors. Fast where the compiler has fused
 * multiply-add; elsewhere fma() is a call.
 */
#include <math.h>
#undef NAN

#include "mat_int.h"

#define MR 6

typedef float floats __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(16)));
typedef uint32_t ints __attribute__((vector_size(16)));

static inline floats fma_f32(floats a, floats b, floats c)
{
	for (int l = 0; l < 4; l++)
		c[l] = fmaf(a[l], b[l], c[l]);
	return c;
}

static inline doubles fma_f64(doubles a, doubles b, doubles c)
{
	for (int l = 0; l < 2; l++)
		c[l] = fma(a[l], b[l], c[l]);
	return c;
}

static inline unsigned int any_nan_f32(floats a, floats b)
{
	unsigned int nan = 0;

	for (int l = 0; l < 4; l++)
		nan |= (a[l] != a[l]) | (b[l] != b[l]);
	return nan;
}

static inline unsigned int any_nan_f64(doubles a, doubles b)
{
	unsigned int nan = 0;

	for (int l = 0; l < 2; l++)
		nan |= (a[l] != a[l]) | (b[l] != b[l]);
	return nan;
}

typedef int32_t sints __attribute__((vector_size(16)));

/* Pairs of 16 bits. */
static inline ints multiply_i16(ints a, ints b)
{
	sints low = ((sints)(a << 16) >> 16) * ((sints)(b << 16) >> 16);
	sints high = ((sints)a >> 16) * ((sints)b >> 16);

	return (ints)low + (ints)high;
}

#define KERN(name)      f32_##name
#define WORD            float
#define V               floats
#define LANES           4
#define SPLAT(p)        ((V){ *(p), *(p), *(p), *(p) })
#define MULADD(c, a, b) ((c) = fma_f32(a, b, c))
#define NAN(c, d)       any_nan_f32(c, d)
#include "kern.inc.h"

#define KERN(name)      f64_##name
#define WORD            double
#define V               doubles
#define LANES           2
#define SPLAT(p)        ((V){ *(p), *(p) })
#define MULADD(c, a, b) ((c) = fma_f64(a, b, c))
#define NAN(c, d)       any_nan_f64(c, d)
#include "kern.inc.h"

#define KERN(name)      i32_##name
#define WORD            uint32_t
#define V               ints
#define LANES           4
#define SPLAT(p)        ((V){ *(p), *(p), *(p), *(p) })
#define MULADD(c, a, b) ((c) += multiply_i16(a, b))
#define NAN(c, d)       0
#include "kern.inc.h"

/* By blocks, for the cache. */
static void transpose32(uint32_t *dst, size_t ldd, const uint32_t *src, size_t lds, size_t rows,
			size_t cols)
{
	for (size_t r0 = 0; r0 < rows; r0 += 8)
		for (size_t c = 0; c < cols; c++)
			for (size_t r = r0; r < rows && r < r0 + 8; r++)
				dst[c * ldd + r] = src[r * lds + c];
}

const struct mat_kernels mat_kernels_plain = {
	.f32 = f32_set,
	.f64 = f64_set,
	.i32 = i32_set,
	.ints_per_word = 2,
	.transpose32 = transpose32,
};
