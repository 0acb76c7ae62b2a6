/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows with AVX2, F16C and BMI2. */
#if defined(__x86_64__)

#pragma GCC target("avx2,fma,f16c,bmi2")

#define LANES     8
#define VEC(name) avx2_##name
#define NUM_OPS   num_ops_avx2

#include <immintrin.h>
#include <stdint.h>

#define load_u8(p)  ((vu)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(p))))
#define load_u16(p) ((vu)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p))))

/* Both halves have their results in the lowest bytes: together */
#define store_u16(p, v) _mm_storeu_si128((__m128i *)(p), narrow16((__m256i)(v)))
#define store_u8(p, v)                   \
	_mm_storel_epi64((__m128i *)(p), \
			 _mm_packus_epi16(narrow16((__m256i)(v)), _mm_setzero_si128()))

static inline __m128i narrow16(__m256i v)
{
	return _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

#define half_to_float(p) ((vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p))))
#define float_to_half(v)            \
	((vu)_mm256_cvtepu16_epi32( \
		_mm256_cvtps_ph((__m256)(v), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)))

static inline __m256 widen_small(const void *p, int m, int s, short mask)
{
	__m128i x = _mm_cvtepu8_epi16(_mm_loadl_epi64(p));
	__m128i mag = _mm_slli_epi16(_mm_and_si128(x, _mm_set1_epi16(mask)), m);
	__m128i sign = _mm_slli_epi16(_mm_andnot_si128(_mm_set1_epi16(mask), x), s);

	return _mm256_cvtph_ps(_mm_or_si128(mag, sign));
}

#define small_to_half(p, m, s, mask) ((vf)widen_small(p, m, s, mask))

#include "vec.inc.h"

#endif
