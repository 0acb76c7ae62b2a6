/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of an operand's tile as words for the kernels. */
#include "mat_int.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

static void xor_bytes(uint8_t *p, uint8_t with, size_t n)
{
	uint64_t flip = with * 0x0101010101010101ull, v;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&v, p + i, 8);
		v ^= flip;
		memcpy(p + i, &v, 8);
	}
	for (; i < n; i++)
		p[i] ^= with;
}

/* Bytes of 0 to 15, eight at once: the borrow stops at the added top bit. */
static void sign_extend4(uint8_t *p, size_t n)
{
	const uint64_t eights = 0x0808080808080808, tops = 0x8080808080808080;
	uint64_t v;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&v, p + i, 8);
		v = (((v ^ eights) | tops) - eights) ^ tops;
		memcpy(p + i, &v, 8);
	}
	for (; i < n; i++)
		p[i] = (uint8_t)((p[i] ^ 8) - 8);
}

/* Integers as bytes; INT4 takes a byte each. */
static void int_codes(const struct mat_source *s, uint8_t *dst, size_t r, size_t first, size_t n)
{
	const uint8_t *row = mat_row(s->tile, r);

	if (s->tile->type != NUM_INT4) {
		memcpy(dst, row + first, n);
		return;
	}
	s->ops->unpack(dst, row + first / 2, 4, n);
	sign_extend4(dst, n);
}

/* Bytes for VNNI: A is unsigned there, and B signed; flipping the top bit shifts by 128. */
static void int_bytes(const struct mat_source *s, uint8_t *dst, size_t r, size_t first, size_t n)
{
	int_codes(s, dst, r, first, n);
	if (s->flip)
		xor_bytes(dst, s->flip, n);
}

static void int_shorts(const struct mat_source *s, int16_t *dst, size_t r, size_t first, size_t n)
{
	NUM_BUFFER uint8_t codes[MAT_MAX_DIM];
	bool is_signed = s->tile->type != NUM_UINT8;

	int_codes(s, codes, r, first, n);
	for (size_t i = 0; i < n; i++)
		dst[i] = is_signed ? (int8_t)codes[i] : codes[i];
}

static void elements(const struct mat_source *s, void *dst, size_t r, size_t first, size_t n)
{
	if (s->word == 8)
		memcpy(dst, mat_row(s->tile, r) + first * 8, n * 8);
	else if (s->per_word == 4)
		int_bytes(s, dst, r, first, n);
	else if (s->per_word == 2)
		int_shorts(s, dst, r, first, n);
	else
		num_row_decode(s->ops, dst, s->tile->type, mat_row(s->tile, r),
			       mat_row_scales(s->tile, r), first, n);
}

void mat_row_words(const struct mat_source *s, void *dst, size_t r, size_t first, size_t n)
{
	size_t bytes = n * s->word / s->per_word;

	elements(s, dst, r, first, n);
	memset((uint8_t *)dst + bytes, 0, mat_round_up(bytes, s->word) - bytes);
}

#if defined(__x86_64__)

static void interleave2(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(a + i));
		__m128i y = _mm_loadu_si128((const __m128i *)(b + i));

		_mm_storeu_si128((__m128i *)(dst + 2 * i), _mm_unpacklo_epi16(x, y));
		_mm_storeu_si128((__m128i *)(dst + 2 * i + 16), _mm_unpackhi_epi16(x, y));
	}
}

static void interleave4(uint8_t *dst, const uint8_t *rows, size_t stride, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 16) {
		const uint8_t *p = rows + i;
		__m128i a = _mm_loadu_si128((const __m128i *)p);
		__m128i b = _mm_loadu_si128((const __m128i *)(p + stride));
		__m128i c = _mm_loadu_si128((const __m128i *)(p + 2 * stride));
		__m128i d = _mm_loadu_si128((const __m128i *)(p + 3 * stride));
		__m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);
		__m128i *out = (__m128i *)(dst + 4 * i);

		_mm_storeu_si128(out, _mm_unpacklo_epi16(ab, cd));
		_mm_storeu_si128(out + 1, _mm_unpackhi_epi16(ab, cd));
		ab = _mm_unpackhi_epi8(a, b);
		cd = _mm_unpackhi_epi8(c, d);
		_mm_storeu_si128(out + 2, _mm_unpacklo_epi16(ab, cd));
		_mm_storeu_si128(out + 3, _mm_unpackhi_epi16(ab, cd));
	}
}

#else

static void interleave2(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 2) {
		memcpy(dst + 2 * i, a + i, 2);
		memcpy(dst + 2 * i + 2, b + i, 2);
	}
}

/* Only VNNI's kernels take four. */
static void interleave4(uint8_t *dst, const uint8_t *rows, size_t stride, size_t bytes)
{
	(void)dst, (void)rows, (void)stride, (void)bytes;
}

#endif

void mat_rows_interleaved(const struct mat_source *s, void *dst, size_t r, size_t end, size_t n)
{
	NUM_BUFFER uint8_t rows[4][2 * MAT_MAX_DIM];
	size_t bytes = n * (s->word / s->per_word);

	if (s->per_word == 1) {
		elements(s, dst, r, 0, n);
		return;
	}
	for (unsigned int i = 0; i < s->per_word; i++) {
		if (r + i < end)
			elements(s, rows[i], r + i, 0, n);
		else
			memset(rows[i], 0, bytes);
	}
	if (s->per_word == 2)
		interleave2(dst, rows[0], rows[1], bytes);
	else
		interleave4(dst, rows[0], sizeof(rows[0]), bytes);
}

void mat_transpose(const struct mat_kernels *k, size_t word, void *dst, size_t ldd, const void *src,
		   size_t lds, size_t rows, size_t cols)
{
	const uint64_t *from = src;
	uint64_t *to = dst;

	if (word == 4) {
		k->transpose32(dst, ldd, src, lds, rows, cols);
		return;
	}
	/* by blocks, for the cache */
	for (size_t r0 = 0; r0 < rows; r0 += 8)
		for (size_t c = 0; c < cols; c++)
			for (size_t r = r0; r < rows && r < r0 + 8; r++)
				to[c * ldd + r] = from[r * lds + c];
}
