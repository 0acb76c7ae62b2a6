/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows by vectors of LANES elements, 32 bits each. The file that includes this
 * sets the target and defines VEC(name), LANES and the few operations that
 * GCC's vector extensions do not express:
 *   load_u8, load_u16	 LANES codes to 32-bit lanes
 *   store_u8, store_u16	 and back
 *   half_to_float	 LANES fp16 in memory to FP32
 *   float_to_half	 to nearest even
 *   small_to_half	 LANES bytes, shifted left to fp16: magnitude by @m, sign by @s
 */
#include <immintrin.h>

#include "num_int.h"

typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef float vf __attribute__((vector_size(4 * LANES)));
typedef uint64_t vq __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))

INLINE vu splat(uint32_t x)
{
	return x - (vu){ 0 };
}

INLINE vf splat_f(float x)
{
	return x - (vf){ 0 };
}

/* @mask: all ones or zeros by lane */
INLINE vu choose(vi mask, vu yes, vu no)
{
	return ((vu)mask & yes) | (~(vu)mask & no);
}

INLINE vu min_u(vu a, vu b)
{
	return choose(a < b, a, b);
}

INLINE vu load_u32(const void *p)
{
	vu v;

	memcpy(&v, p, sizeof(v));
	return v;
}

INLINE void store_u32(void *p, vu v)
{
	memcpy(p, &v, sizeof(v));
}

/* ---- packed codes: BMI2 takes eight apart at once ---- */

static void VEC(unpack)(uint8_t *codes, const uint8_t *packed, unsigned int bits, size_t n)
{
	uint64_t mask = bits == 4 ? 0x0f0f0f0f0f0f0f0f : 0x3f3f3f3f3f3f3f3f, v;
	size_t size = (n * bits + 7) / 8, i, at = 0;

	for (i = 0; i + 8 <= n && at + 8 <= size; i += 8, at += bits) {
		memcpy(&v, packed + at, 8);
		v = _pdep_u64(v, mask);
		memcpy(codes + i, &v, 8);
	}
	for (; i < n; i += 8, at += bits) {
		size_t count = n - i < 8 ? n - i : 8;

		v = 0;
		memcpy(&v, packed + at, (count * bits + 7) / 8);
		v = _pdep_u64(v, mask);
		memcpy(codes + i, &v, count);
	}
}

static void VEC(pack)(uint8_t *packed, const uint8_t *codes, unsigned int bits, size_t n)
{
	uint64_t mask = bits == 4 ? 0x0f0f0f0f0f0f0f0f : 0x3f3f3f3f3f3f3f3f;
	size_t whole = n & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8) {
		uint64_t v;

		memcpy(&v, codes + i, 8);
		v = _pext_u64(v, mask);
		memcpy(packed + i / 8 * bits, &v, bits);
	}
	num_ops_plain.pack(packed + whole / 8 * bits, codes + whole, bits, n - whole);
}

/* ---- codes to FP32 ---- */

INLINE vf decode_tf32(vu x)
{
	vu mag = x & 0x7fffffff;
	vu rounded = (mag + 0xfff + (mag >> 13 & 1)) & ~0x1fffu;

	return (vf)(choose(mag > 0x7f800000, splat(0x7fc00000), rounded) | (x & 0x80000000));
}

INLINE vf decode_e8m0(vu x)
{
	vu v = choose((vi)(x == 0), splat(0x00400000), x << 23);

	return (vf)choose((vi)(x == 0xff), splat(0x7fc00000), v);
}

/* fp16 has the exponents of all smaller formats, after a shift and a power of two. */
INLINE vf decode_e4m3(const uint8_t *p)
{
	vf v = small_to_half(p, 7, 8, 0x7f) * 256.0f;

	return (vf)choose((vi)((load_u8(p) & 0x7f) == 0x7f), splat(0x7fc00000), (vu)v);
}

INLINE vf decode_lanes(enum num_type t, const uint8_t *p)
{
	switch (t) {
	case NUM_TF32:
		return decode_tf32(load_u32(p));
	case NUM_FP16:
		return half_to_float(p);
	case NUM_BF16:
		return (vf)(load_u16(p) << 16);
	case NUM_E4M3:
		return decode_e4m3(p);
	case NUM_E5M2:
		return small_to_half(p, 8, 8, 0x7f);
	case NUM_E2M3:
		return small_to_half(p, 7, 10, 0x1f) * 16384.0f;
	case NUM_E3M2:
		return small_to_half(p, 8, 10, 0x1f) * 4096.0f;
	case NUM_E2M1:
		return small_to_half(p, 9, 12, 0x07) * 16384.0f;
	case NUM_INT8:
		return __builtin_convertvector((vi)(load_u8(p) << 24) >> 24, vf);
	case NUM_UINT8:
		return __builtin_convertvector((vi)load_u8(p), vf);
	case NUM_INT4:
		return __builtin_convertvector((vi)(load_u8(p) << 28) >> 28, vf);
	case NUM_E8M0:
		return decode_e8m0(load_u8(p));
	default:
		return (vf)load_u32(p);
	}
}

INLINE void decode_row(float *dst, enum num_type t, const uint8_t *p, size_t n, size_t width)
{
	uint8_t rest[4 * LANES] = { 0 };
	size_t i;
	vf v;

	for (i = 0; i + LANES <= n; i += LANES) {
		v = decode_lanes(t, p + i * width);
		store_u32(dst + i, (vu)v);
	}
	if (i == n)
		return;
	memcpy(rest, p + i * width, (n - i) * width);
	v = decode_lanes(t, rest);
	memcpy(dst + i, &v, (n - i) * sizeof(float));
}

static void VEC(decode)(float *dst, enum num_type t, const void *codes, size_t n)
{
	switch (t) {
#define CASE(t, width)                               \
	case t:                                      \
		decode_row(dst, t, codes, n, width); \
		break
		CASE(NUM_TF32, 4);
		CASE(NUM_FP16, 2);
		CASE(NUM_BF16, 2);
		CASE(NUM_E4M3, 1);
		CASE(NUM_E5M2, 1);
		CASE(NUM_E2M3, 1);
		CASE(NUM_E3M2, 1);
		CASE(NUM_E2M1, 1);
		CASE(NUM_INT8, 1);
		CASE(NUM_UINT8, 1);
		CASE(NUM_INT4, 1);
		CASE(NUM_E8M0, 1);
#undef CASE
	default:
		memcpy(dst, codes, n * sizeof(float));
	}
}

/* ---- FP32 to codes ---- */

/* num_random() for elements i to i + LANES: the seeds of successive lanes differ by a constant. */
INLINE vq scramble(vq z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

INLINE vu random_lanes(const struct num_round *r, size_t i)
{
	const uint64_t weyl = 0x9e3779b97f4a7c15ull;
	uint64_t z[LANES];
	vq lo, hi;
	vu odd;

	for (unsigned int l = 0; l < LANES; l++)
		z[l] = r->seed + (r->counter + (i + l) * r->step + 1) * weyl;
	for (unsigned int l = 0; l < LANES; l++)
		odd[l] = 2 * l + 1;
	memcpy(&lo, z, sizeof(lo));
	memcpy(&hi, z + LANES / 2, sizeof(hi));
	return __builtin_shuffle((vu)scramble(lo), (vu)scramble(hi), odd);
}

/*
 * scalar.c's way with 32-bit lanes: a significand of 24 bits loses at least 13,
 * and the fraction takes all that matter. Rounding up is the carry out of
 * fraction + @t, where @t is the random number, or just below half for RNE.
 */
INLINE vu to_grid(const struct num_fmt *f, vu mag, bool stochastic, vu random)
{
	vu exp = mag >> 23, normal = (vu)(exp != 0);
	vu sig = (mag & 0x7fffff) | (normal & 0x800000);
	vu emin = splat((uint32_t)(f->emin + 127));
	vu below, shift, q, fraction, code, t;

	exp -= ~normal;
	below = (vu)(exp < emin) & (emin - exp);
	shift = min_u(below + (23 - f->mbits), splat(63));
	q = sig >> min_u(shift, splat(31));
	fraction = sig << ((vu)(shift < 32) & (32 - shift));
	fraction >>= (vu)(shift > 32) & (shift - 32);
	code = q + (((vu)(exp > emin) & (exp - emin)) << f->mbits);
	t = stochastic ? random : 0x7fffffff + (code & 1);
	return code - (vu)(fraction > ~t);
}

INLINE vu encode_integer(const struct num_fmt *f, vu x, vu code)
{
	vi negative = (vi)x < 0, nan = (vi)((x & 0x7fffffff) > 0x7f800000);

	code = min_u(code, choose(negative, splat((uint32_t)f->max_neg), splat((uint32_t)f->max)));
	code = choose(negative, -code, code) & ((1u << f->bits) - 1);
	return ~(vu)nan & code;
}

/* To nearest: adding 1.5 * 2^23 rounds to an integer in the low bits. */
INLINE vu encode_integer_rne(const struct num_fmt *f, vu x)
{
	vf top = splat_f((float)f->max), bottom = splat_f(-(float)f->max_neg), v = (vf)x;
	vu over = (vu)(v > top), under = (vu)(v < bottom);

	v = (vf)((x & ~over & ~under & (vu)(v == v)) | ((vu)top & over) | ((vu)bottom & under));
	return (vu)(v + 0x1.8p23f) & ((1u << f->bits) - 1);
}

INLINE vu encode_float(const struct num_fmt *f, vu x, vu code, bool saturate)
{
	bool over_nan = !saturate && num_over_is_nan(f);
	vi nan = (vi)((x & 0x7fffffff) > 0x7f800000);
	vi over = (vi)(code > (uint32_t)f->max);

	code = choose(over, splat((uint32_t)(saturate ? f->max : f->over)), code);
	code |= x >> 31 << (f->bits - 1);
	if (over_nan)
		nan |= over;
	return choose(nan, splat((uint32_t)f->nan), code);
}

INLINE vu encode_e8m0(vu x, bool saturate)
{
	vu e = x >> 23, code = e;

	/* the largest binade is no overflow: FP32's 2^127 is code 254 */
	code = choose((vi)(x == 0x7f800000), splat(saturate ? 254 : 255), code);
	code = choose((vi)(x > 0x7f800000), splat(255), code);
	return choose((vi)(x == 0x80000000), splat(0), code);
}

INLINE vu encode_f32(vu x, bool saturate)
{
	vu mag = x & 0x7fffffff;

	if (saturate)
		x = choose((vi)(mag == 0x7f800000), x - 1, x);
	return choose((vi)(mag > 0x7f800000), splat(0x7fc00000), x);
}

/* The formats with FP32's exponents, to nearest: the grid is the same all over. */
INLINE vu encode_cut(const struct num_fmt *f, vu x, unsigned int cut, bool saturate)
{
	vu mag = x & 0x7fffffff;
	vu code = (mag + ((1u << (cut - 1)) - 1) + (mag >> cut & 1)) >> cut;

	return encode_float(f, x, code, saturate);
}

INLINE vu encode_half(vu x, bool saturate)
{
	vu code = float_to_half((vf)x);

	if (saturate)
		code = choose((vi)((code & 0x7fff) == 0x7c00), code - 1, code);
	return choose((vi)((code & 0x7fff) > 0x7c00), splat(0x7e00), code);
}

INLINE vu encode_lanes(enum num_type t, const struct num_fmt *f, vu x, bool stochastic, vu random,
		       bool saturate)
{
	vu code;

	if (t == NUM_FP32)
		return encode_f32(x, saturate);
	if (t == NUM_E8M0)
		return encode_e8m0(x, saturate);
	if (!stochastic && t == NUM_FP16)
		return encode_half(x, saturate);
	if (!stochastic && t == NUM_BF16)
		return encode_cut(f, x, 16, saturate);
	if (!stochastic && t == NUM_TF32)
		return encode_cut(f, x, 13, saturate) << 13;
	if (!stochastic && f->integer)
		return encode_integer_rne(f, x);
	code = to_grid(f, x & 0x7fffffff, stochastic, random);
	if (f->integer)
		return encode_integer(f, x, code);
	code = encode_float(f, x, code, saturate);
	return t == NUM_TF32 ? code << 13 : code;
}

INLINE void store_codes(void *p, vu code, size_t width)
{
	if (width == 1)
		store_u8(p, code);
	else if (width == 2)
		store_u16(p, code);
	else
		store_u32(p, code);
}

INLINE void encode_row(uint8_t *codes, enum num_type t, const float *src, size_t n,
		       const struct num_round *r, size_t width, bool stochastic)
{
	const struct num_fmt fmt = t < NUM_E8M0 ? *num_fmt(t) : (struct num_fmt){ 0 };
	uint32_t rest[LANES] = { 0 };
	uint8_t out[4 * LANES];
	vu random = { 0 };
	size_t i;

	for (i = 0; i + LANES <= n; i += LANES) {
		if (stochastic)
			random = random_lanes(r, i);
		store_codes(codes + i * width,
			    encode_lanes(t, &fmt, load_u32(src + i), stochastic, random,
					 r->saturate),
			    width);
	}
	if (i == n)
		return;
	memcpy(rest, src + i, (n - i) * sizeof(float));
	if (stochastic)
		random = random_lanes(r, i);
	store_codes(out, encode_lanes(t, &fmt, load_u32(rest), stochastic, random, r->saturate),
		    width);
	memcpy(codes + i * width, out, (n - i) * width);
}

INLINE void encode_any(void *codes, enum num_type t, const float *src, size_t n,
		       const struct num_round *r, bool stochastic)
{
	switch (t) {
#define CASE(t, width)                                              \
	case t:                                                     \
		encode_row(codes, t, src, n, r, width, stochastic); \
		break
		CASE(NUM_FP32, 4);
		CASE(NUM_TF32, 4);
		CASE(NUM_FP16, 2);
		CASE(NUM_BF16, 2);
		CASE(NUM_E8M0, 1);
		CASE(NUM_INT8, 1);
		CASE(NUM_UINT8, 1);
		CASE(NUM_INT4, 1);
#undef CASE
	default:
		encode_row(codes, t, src, n, r, 1, stochastic);
	}
}

static void VEC(encode)(void *codes, enum num_type t, const float *src, size_t n,
			const struct num_round *r)
{
	if (r->mode == NUM_STOCHASTIC)
		encode_any(codes, t, src, n, r, true);
	else
		encode_any(codes, t, src, n, r, false);
}

static void VEC(scale)(float *v, const float *scale, size_t n)
{
	size_t i;
	vf x;

	for (i = 0; i + LANES <= n; i += LANES) {
		memcpy(&x, v + i, sizeof(x));
		x *= splat_f(scale[i / NUM_BLOCK]);
		memcpy(v + i, &x, sizeof(x));
	}
	for (; i < n; i++)
		v[i] *= scale[i / NUM_BLOCK];
}

/* ---- FP64, half as many lanes ---- */

typedef double vd __attribute__((vector_size(4 * LANES)));
typedef int64_t vl __attribute__((vector_size(4 * LANES)));
typedef float hf __attribute__((vector_size(2 * LANES)));
typedef uint32_t hu __attribute__((vector_size(2 * LANES)));
typedef int32_t hi __attribute__((vector_size(2 * LANES)));

#define HALF (LANES / 2)

INLINE hf narrow_odd_lanes(vd x)
{
	const vl no_sign = INT64_MAX - (vl){ 0 };
	hf f = __builtin_convertvector(x, hf);
	vd back = __builtin_convertvector(f, vd);
	vl away = (vd)((vl)back & no_sign) > (vd)((vl)x & no_sign);
	vl inexact = (back != x) & (x == x);

	return (hf)(((hu)f + (hu) __builtin_convertvector(away, hi)) |
		    ((hu) __builtin_convertvector(inexact, hi) & 1));
}

INLINE vl encode_f64_lanes(vl x, bool saturate)
{
	const int64_t inf = 0x7ff0000000000000;
	vl mag = x & INT64_MAX, nan = mag > inf;

	if (saturate)
		x += mag == inf;
	return (nan & 0x7ff8000000000000) | (~nan & x);
}

/* Adding 1.5 * 2^52 rounds to an integer in the low bits. */
INLINE hi encode_i32_lanes(vd x)
{
	const vd top = 2147483647.0 - (vd){ 0 }, bottom = -2147483648.0 - (vd){ 0 };
	vl over = x > top, under = x < bottom;

	x = (vd)(((vl)x & ~over & ~under & (x == x)) | ((vl)top & over) | ((vl)bottom & under));
	return __builtin_convertvector((vl)(x + 0x1.8p52), hi);
}

static void VEC(narrow_odd)(float *dst, const double *src, size_t n)
{
	vd x;
	hf f;

	for (size_t i = 0; i < n; i += HALF) {
		size_t count = n - i < HALF ? n - i : HALF;

		x = (vd){ 0 };
		if (count == HALF)
			memcpy(&x, src + i, sizeof(x));
		else
			memcpy(&x, src + i, count * sizeof(double));
		f = narrow_odd_lanes(x);
		if (count == HALF)
			memcpy(dst + i, &f, sizeof(f));
		else
			memcpy(dst + i, &f, count * sizeof(float));
	}
}

INLINE void encode_wide_lanes(uint8_t *dst, enum num_type t, const void *src, bool saturate)
{
	vd x;
	vl out;

	memcpy(&x, src, sizeof(x));
	if (t == NUM_FP64) {
		out = encode_f64_lanes((vl)x, saturate);
		memcpy(dst, &out, sizeof(out));
	} else if (t == NUM_INT32) {
		hi v = encode_i32_lanes(x);

		memcpy(dst, &v, sizeof(v));
	} else {
		hf v = __builtin_convertvector(x, hf);

		memcpy(dst, &v, sizeof(v));
	}
}

INLINE void encode_wide_row(uint8_t *dst, enum num_type t, const double *src, size_t n,
			    bool saturate)
{
	size_t width = num_info(t)->bits / 8, i;
	double rest[HALF] = { 0 };
	uint8_t out[8 * HALF];

	for (i = 0; i + HALF <= n; i += HALF)
		encode_wide_lanes(dst + i * width, t, src + i, saturate);
	memcpy(rest, src + i, (n - i) * sizeof(double));
	encode_wide_lanes(out, t, rest, saturate);
	memcpy(dst + i * width, out, (n - i) * width);
}

static void VEC(encode_wide)(void *dst, enum num_type t, const double *src, size_t n, bool saturate)
{
	if (t == NUM_FP64) {
		encode_wide_row(dst, NUM_FP64, src, n, saturate);
	} else if (t == NUM_INT32) {
		encode_wide_row(dst, NUM_INT32, src, n, saturate);
	} else {
		const struct num_round r = { .mode = NUM_RNE, .saturate = saturate };

		encode_wide_row(dst, NUM_FP32, src, n, saturate);
		encode_row(dst, NUM_FP32, dst, n, &r, 4, false);
	}
}

static void VEC(widen)(double *dst, const int32_t *src, double scale, size_t n)
{
	size_t i;
	hi x;
	vd v;

	for (i = 0; i + HALF <= n; i += HALF) {
		memcpy(&x, src + i, sizeof(x));
		v = __builtin_convertvector(x, vd) * scale;
		memcpy(dst + i, &v, sizeof(v));
	}
	for (; i < n; i++)
		dst[i] = (double)src[i] * scale;
}

const struct num_ops NUM_OPS = {
	.unpack = VEC(unpack),
	.pack = VEC(pack),
	.decode = VEC(decode),
	.encode = VEC(encode),
	.scale = VEC(scale),
	.encode_wide = VEC(encode_wide),
	.narrow_odd = VEC(narrow_odd),
	.widen = VEC(widen),
};
