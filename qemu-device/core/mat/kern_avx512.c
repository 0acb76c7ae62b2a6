/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix unit's inner loops with AVX-512: 12 x 32 outputs in 24 registers. */
#if defined(__x86_64__)

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

/* GCC 12's own headers, where variables are cleared: its bug 105593 */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <immintrin.h>

#include "mat_int.h"

#define MR 12

#define KERN(name)      f32_##name
#define WORD            float
#define V               __m512
#define LANES           16
#define SPLAT(p)        _mm512_set1_ps(*(p))
#define MULADD(c, a, b) ((c) = _mm512_fmadd_ps(a, b, c))
#define NAN(c, d)       _mm512_cmp_ps_mask(c, d, _CMP_UNORD_Q)
#include "kern.inc.h"

#define KERN(name)      f64_##name
#define WORD            double
#define V               __m512d
#define LANES           8
#define SPLAT(p)        _mm512_set1_pd(*(p))
#define MULADD(c, a, b) ((c) = _mm512_fmadd_pd(a, b, c))
#define NAN(c, d)       _mm512_cmp_pd_mask(c, d, _CMP_UNORD_Q)
#include "kern.inc.h"

typedef uint32_t ints __attribute__((vector_size(64)));

/* Pairs of 16 bits: their products and the sum of two are exact in 32. */
#define KERN(name)      i16_##name
#define WORD            int32_t
#define V               ints
#define LANES           16
#define SPLAT(p)        ((V)_mm512_set1_epi32(*(p)))
#define MULADD(c, a, b) ((c) += (V)_mm512_madd_epi16((__m512i)(a), (__m512i)(b)))
#define NAN(c, d)       0
#include "kern.inc.h"

/*
 * Four products of unsigned and signed bytes, added without saturation. Only where there is VNNI;
 * GCC 12 keeps the intrinsic's accumulators in memory.
 */
#define KERN(name)      i8_##name
#define WORD            int32_t
#define V               ints
#define LANES           16
#define SPLAT(p)        ((V)_mm512_set1_epi32(*(p)))
#define MULADD(c, a, b) __asm__("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(a), "v"(b))
#define NAN(c, d)       0
#include "kern.inc.h"

static void add_terms(int32_t *acc, size_t ld, size_t m, size_t n, const int32_t *row,
		      const int32_t *col)
{
	for (size_t i = 0; i < m; i++) {
		__m512i r = _mm512_set1_epi32(row[i]);

		for (size_t j = 0; j < n; j += 16) {
			int32_t *p = acc + i * ld + j;
			__m512i t = _mm512_add_epi32(r, _mm512_loadu_si512(col + j));

			_mm512_storeu_si512(p, _mm512_add_epi32(t, _mm512_loadu_si512(p)));
		}
	}
}

const struct mat_kernels mat_kernels_avx512 = {
	.f32 = f32_set,
	.f64 = f64_set,
	.i32 = i16_set,
	.ints_per_word = 2,
	.transpose32 = mat_transpose32_avx2,
};

const struct mat_kernels mat_kernels_vnni = {
	.f32 = f32_set,
	.f64 = f64_set,
	.i32 = i8_set,
	.ints_per_word = 4,
	.transpose32 = mat_transpose32_avx2,
	.add_terms = add_terms,
};

#endif
