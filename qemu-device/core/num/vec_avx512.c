/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows with AVX-512 (F, BW, DQ, VL) and BMI2. */
#if defined(__x86_64__)

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,prefer-vector-width=512")

#define LANES     16
#define VEC(name) avx512_##name
#define NUM_OPS   num_ops_avx512

/* GCC 12's own headers, where variables are cleared: its bug 105593 */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <immintrin.h>
#include <stdint.h>

#define load_u8(p)      ((vu)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(p))))
#define load_u16(p)     ((vu)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p))))
#define store_u8(p, v)  _mm_storeu_si128((__m128i *)(p), _mm512_cvtepi32_epi8((__m512i)(v)))
#define store_u16(p, v) _mm256_storeu_si256((__m256i *)(p), _mm512_cvtepi32_epi16((__m512i)(v)))

#define half_to_float(p) ((vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p))))
#define float_to_half(v)            \
	((vu)_mm512_cvtepu16_epi32( \
		_mm512_cvtps_ph((__m512)(v), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)))

static inline __m512 widen_small(const void *p, int m, int s, short mask)
{
	__m256i x = _mm256_cvtepu8_epi16(_mm_loadu_si128(p));
	__m256i mag = _mm256_slli_epi16(_mm256_and_si256(x, _mm256_set1_epi16(mask)), m);
	__m256i sign = _mm256_slli_epi16(_mm256_andnot_si256(_mm256_set1_epi16(mask), x), s);

	return _mm512_cvtph_ps(_mm256_or_si256(mag, sign));
}

#define small_to_half(p, m, s, mask) ((vf)widen_small(p, m, s, mask))

#include "vec.inc.h"

#endif
