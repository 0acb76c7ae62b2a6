/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix unit's inner loops with AVX2 and FMA: 6 x 16 outputs in 12 registers. */
#if defined(__x86_64__)

#pragma GCC target("avx2,fma")

#include <immintrin.h>

#include "mat_int.h"

#define MR 6

#define KERN(name)      f32_##name
#define WORD            float
#define V               __m256
#define LANES           8
#define SPLAT(p)        _mm256_broadcast_ss(p)
#define MULADD(c, a, b) ((c) = _mm256_fmadd_ps(a, b, c))
#define NAN(c, d)       (unsigned int)_mm256_movemask_ps(_mm256_cmp_ps(c, d, _CMP_UNORD_Q))
#include "kern.inc.h"

#define KERN(name)      f64_##name
#define WORD            double
#define V               __m256d
#define LANES           4
#define SPLAT(p)        _mm256_broadcast_sd(p)
#define MULADD(c, a, b) ((c) = _mm256_fmadd_pd(a, b, c))
#define NAN(c, d)       (unsigned int)_mm256_movemask_pd(_mm256_cmp_pd(c, d, _CMP_UNORD_Q))
#include "kern.inc.h"

typedef uint32_t ints __attribute__((vector_size(32)));

/* Pairs of 16 bits: their products and the sum of two are exact in 32. */
#define KERN(name)      i32_##name
#define WORD            int32_t
#define V               ints
#define LANES           8
#define SPLAT(p)        ((V)_mm256_set1_epi32(*(p)))
#define MULADD(c, a, b) ((c) += (V)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define NAN(c, d)       0
#include "kern.inc.h"

/* Eight rows of eight words to eight columns. */
static inline void transpose8(uint32_t *dst, size_t ldd, const __m256 *r)
{
	__m256 t[8], u[8];

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
		t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
	}
#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		u[4 * i + 0] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
		u[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
		u[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
		u[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		_mm256_storeu_ps((float *)(dst + i * ldd),
				 _mm256_permute2f128_ps(u[i], u[i + 4], 0x20));
		_mm256_storeu_ps((float *)(dst + (i + 4) * ldd),
				 _mm256_permute2f128_ps(u[i], u[i + 4], 0x31));
	}
}

void mat_transpose32_avx2(uint32_t *dst, size_t ldd, const uint32_t *src, size_t lds, size_t rows,
			  size_t cols)
{
	size_t r, c;

	for (r = 0; r + 8 <= rows; r += 8) {
		for (c = 0; c + 8 <= cols; c += 8) {
			__m256 v[8];

#pragma GCC unroll 8
			for (int i = 0; i < 8; i++)
				v[i] = _mm256_loadu_ps((const float *)(src + (r + i) * lds + c));
			transpose8(dst + c * ldd + r, ldd, v);
		}
		for (; c < cols; c++)
			for (int i = 0; i < 8; i++)
				dst[c * ldd + r + i] = src[(r + i) * lds + c];
	}
	for (; r < rows; r++)
		for (c = 0; c < cols; c++)
			dst[c * ldd + r] = src[r * lds + c];
}

const struct mat_kernels mat_kernels_avx2 = {
	.f32 = f32_set,
	.f64 = f64_set,
	.i32 = i32_set,
	.ints_per_word = 2,
	.transpose32 = mat_transpose32_avx2,
};

#endif
