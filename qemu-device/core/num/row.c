/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of any type to and from FP32, in chunks, and arrays from any type to any. */
#include "num_int.h"

/* Where element @first of a row is. Blocks and chunks are whole bytes. */
static const uint8_t *row_at(enum num_type t, const void *row, size_t first)
{
	return (const uint8_t *)row + num_bytes(t, first);
}

static uint8_t *scales_at(const uint8_t *scales, size_t first)
{
	return scales ? (uint8_t *)scales + first / NUM_BLOCK : NULL;
}

static void decode_plain(const struct num_ops *ops, float *dst, enum num_type t, const uint8_t *p,
			 size_t n)
{
	unsigned int bits = num_info(t)->bits;
	NUM_BUFFER uint8_t codes[NUM_CHUNK];

	if (bits >= 8) {
		ops->decode(dst, t, p, n);
		return;
	}
	for (size_t i = 0; i < n; i += NUM_CHUNK) {
		size_t count = n - i < NUM_CHUNK ? n - i : NUM_CHUNK;

		ops->unpack(codes, p + i * bits / 8, bits, count);
		ops->decode(dst + i, t, codes, count);
	}
}

/* Scales of the blocks; for GGUF, also the elements, moved together, as INT8. */
static void mx_scales(enum num_type t, float *scale, const uint8_t *codes, size_t blocks)
{
	for (size_t b = 0; b < blocks; b++)
		scale[b] = num_scale_f32(codes[b]);
	if (t == NUM_MXINT8)
		for (size_t b = 0; b < blocks; b++)
			scale[b] /= 64;
}

static void gguf_split(const struct num_ops *ops, enum num_type t, float *scale, uint8_t *codes,
		       const uint8_t *p, size_t blocks)
{
	unsigned int size = num_info(t)->block;
	uint8_t d[2 * (NUM_CHUNK / NUM_BLOCK)];

	for (size_t b = 0; b < blocks; b++, p += size, codes += NUM_BLOCK) {
		memcpy(d + 2 * b, p, 2);
		if (t == NUM_Q8_0) {
			memcpy(codes, p + 2, NUM_BLOCK);
			continue;
		}
		for (unsigned int i = 0; i < 16; i++) {
			codes[i] = (uint8_t)((p[2 + i] & 15) - 8);
			codes[16 + i] = (uint8_t)((p[2 + i] >> 4) - 8);
		}
	}
	ops->decode(scale, NUM_FP16, d, blocks);
}

static void decode_blocks(const struct num_ops *ops, float *dst, enum num_type t, const uint8_t *p,
			  const uint8_t *scales, size_t n)
{
	size_t blocks = (n + NUM_BLOCK - 1) / NUM_BLOCK;
	NUM_BUFFER float scale[NUM_CHUNK / NUM_BLOCK];
	NUM_BUFFER uint8_t codes[NUM_CHUNK];

	if (num_info(t)->class == NUM_GGUF) {
		gguf_split(ops, t, scale, codes, p, blocks);
		ops->decode(dst, NUM_INT8, codes, n);
	} else {
		mx_scales(t, scale, scales, blocks);
		decode_plain(ops, dst, num_block_element(t), p, n);
	}
	ops->scale(dst, scale, n);
}

void num_row_decode(const struct num_ops *ops, float *dst, enum num_type t, const void *row,
		    const uint8_t *scales, size_t first, size_t n)
{
	if (t < NUM_PLAIN_TYPES) {
		decode_plain(ops, dst, t, row_at(t, row, first), n);
		return;
	}
	for (size_t i = 0; i < n; i += NUM_CHUNK) {
		size_t count = n - i < NUM_CHUNK ? n - i : NUM_CHUNK;

		decode_blocks(ops, dst + i, t, row_at(t, row, first + i),
			      scales_at(scales, first + i), count);
	}
}

void num_row_encode(const struct num_ops *ops, void *row, enum num_type t, const float *src,
		    size_t n, const struct num_round *round)
{
	unsigned int bits = num_info(t)->bits;
	struct num_round r = *round;
	NUM_BUFFER uint8_t codes[NUM_CHUNK];

	if (bits >= 8) {
		ops->encode(row, t, src, n, round);
		return;
	}
	for (size_t i = 0; i < n; i += NUM_CHUNK) {
		size_t count = n - i < NUM_CHUNK ? n - i : NUM_CHUNK;

		ops->encode(codes, t, src + i, count, &r);
		ops->pack((uint8_t *)row + i * bits / 8, codes, bits, count);
		r.counter += NUM_CHUNK * r.step;
	}
}

static void encode_f64_scalar(void *row, enum num_type t, const double *src, size_t n,
			      const struct num_round *round)
{
	uint32_t random = 0;

	for (size_t i = 0; i < n; i++) {
		if (round->mode == NUM_STOCHASTIC)
			random = num_random(round->seed, round->counter + i * round->step);
		num_store(t, row, i, num_encode(t, src[i], round, random));
	}
}

void num_row_encode_f64(const struct num_ops *ops, void *row, enum num_type t, const double *src,
			size_t n, const struct num_round *round)
{
	NUM_BUFFER float odd[NUM_CHUNK];

	/* E8M0 does not round to nearest, and the random fraction has bits that FP32 has not */
	if (!ops->narrow_odd || round->mode != NUM_RNE || t == NUM_E8M0) {
		encode_f64_scalar(row, t, src, n, round);
		return;
	}
	if (t == NUM_FP64 || t == NUM_FP32 || t == NUM_INT32) {
		ops->encode_wide(row, t, src, n, round->saturate);
		return;
	}
	for (size_t i = 0; i < n; i += NUM_CHUNK) {
		size_t count = n - i < NUM_CHUNK ? n - i : NUM_CHUNK;

		ops->narrow_odd(odd, src + i, count);
		num_row_encode(ops, (uint8_t *)row + num_bytes(t, i), t, odd, count, round);
	}
}

/* ---- arrays ---- */

struct array {
	enum num_type type;
	uint8_t *data, *scales;
};

static void scale_f32(float *v, float scale, size_t n)
{
	for (size_t i = 0; scale != 1.0f && i < n; i++)
		v[i] *= scale;
}

static void scale_f64(double *v, float scale, size_t n)
{
	for (size_t i = 0; scale != 1.0f && i < n; i++)
		v[i] *= (double)scale;
}

/* Elements of a source, times @scale: FP64 and INT32 in FP64, all others in FP32. */

static void chunk_wide(const struct num_ops *ops, double *v, const struct array *a, size_t first,
		       size_t n, float scale)
{
	const uint8_t *p = row_at(a->type, a->data, first);
	NUM_BUFFER int32_t ints[NUM_CHUNK];

	if (a->type == NUM_FP64) {
		memcpy(v, p, n * sizeof(*v));
		scale_f64(v, scale, n);
		return;
	}
	memcpy(ints, p, n * sizeof(*ints));
	ops->widen(v, ints, (double)scale, n);
}

static void chunk_f32(const struct num_ops *ops, float *v, const struct array *a, size_t first,
		      size_t n, float scale)
{
	const struct num_round rne = { .mode = NUM_RNE };
	NUM_BUFFER double wide[NUM_CHUNK];

	if (num_fits_f32(a->type)) {
		num_row_decode(ops, v, a->type, a->data, a->scales, first, n);
		scale_f32(v, scale, n);
		return;
	}
	chunk_wide(ops, wide, a, first, n, scale);
	num_row_encode_f64(ops, v, NUM_FP32, wide, n, &rne);
}

static void chunk_f64(const struct num_ops *ops, double *v, const struct array *a, size_t first,
		      size_t n, float scale)
{
	NUM_BUFFER float f[NUM_CHUNK];

	if (!num_fits_f32(a->type)) {
		chunk_wide(ops, v, a, first, n, scale);
		return;
	}
	chunk_f32(ops, f, a, first, n, scale);
	for (size_t i = 0; i < n; i++)
		v[i] = (double)f[i];
}

static void convert_chunk(const struct num_ops *ops, const struct array *to,
			  const struct array *from, size_t first, size_t n, float scale,
			  const struct num_round *r)
{
	uint8_t *dst = to->data + num_bytes(to->type, first);
	NUM_BUFFER float f[NUM_CHUNK];
	NUM_BUFFER double d[NUM_CHUNK];

	if (to->type >= NUM_PLAIN_TYPES) {
		chunk_f32(ops, f, from, first, n, scale);
		num_block_encode(to->type, dst, scales_at(to->scales, first), f, n, r);
	} else if (num_fits_f32(from->type) && num_fits_f32(to->type)) {
		chunk_f32(ops, f, from, first, n, scale);
		num_row_encode(ops, dst, to->type, f, n, r);
	} else {
		chunk_f64(ops, d, from, first, n, scale);
		num_row_encode_f64(ops, dst, to->type, d, n, r);
	}
}

void num_convert(enum num_type to, void *dst, uint8_t *dst_scales, enum num_type from,
		 const void *src, const uint8_t *src_scales, size_t n, float scale,
		 const struct num_round *round)
{
	const struct num_ops *ops = num_ops_of(num_isa_get());
	struct array a = { from, (uint8_t *)src, (uint8_t *)src_scales };
	struct array d = { to, dst, dst_scales };
	struct num_round r = *round;
	uint32_t env = num_fp_enter();

	for (size_t i = 0; i < n; i += NUM_CHUNK) {
		convert_chunk(ops, &d, &a, i, n - i < NUM_CHUNK ? n - i : NUM_CHUNK, scale, &r);
		r.counter += NUM_CHUNK * r.step;
	}
	num_fp_leave(env);
}
