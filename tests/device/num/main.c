/* SPDX-License-Identifier: MIT */
/*
 * Number formats against references that share nothing with them: the formats'
 * definitions in long double, the compiler's _Float16, exact comparison of all
 * candidates.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num.h"
#include "tap.h"

static const struct num_round rne = { .mode = NUM_RNE, .step = 1 };
static const struct num_round rne_sat = { .mode = NUM_RNE, .saturate = true, .step = 1 };

static uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static float bits_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static double bits_double(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

static uint64_t double_bits(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

static bool same(double a, double b)
{
	return (a != a && b != b) || double_bits(a) == double_bits(b);
}

/* ---- the formats from their definitions ---- */

static double ieee_like(uint32_t code, int ebits, int mbits, int bias)
{
	int e = (int)(code >> mbits) & ((1 << ebits) - 1);
	double m = (double)(code & ((1u << mbits) - 1)) / (double)(1 << mbits);
	double v = e ? ldexp(1 + m, e - bias) : ldexp(m, 1 - bias);

	return code >> (ebits + mbits) & 1 ? -v : v;
}

static double defined_value(enum num_type t, uint32_t c)
{
	switch (t) {
	case NUM_E4M3:
		return (c & 0x7f) == 0x7f ? NAN : ieee_like(c, 4, 3, 7);
	case NUM_E5M2:
		if ((c & 0x7c) == 0x7c)
			return c & 3 ? NAN : c & 0x80 ? -INFINITY : INFINITY;
		return ieee_like(c, 5, 2, 15);
	case NUM_E2M3:
		return ieee_like(c, 2, 3, 1);
	case NUM_E3M2:
		return ieee_like(c, 3, 2, 3);
	case NUM_E2M1:
		return ieee_like(c, 2, 1, 1);
	case NUM_INT8:
		return (int8_t)c;
	case NUM_UINT8:
		return c;
	case NUM_INT4:
		return c < 8 ? (int)c : (int)c - 16;
	case NUM_E8M0:
		return c == 255 ? NAN : ldexp(1, (int)c - 127);
	case NUM_FP16:
		if ((c & 0x7c00) == 0x7c00)
			return c & 0x3ff ? NAN : c & 0x8000 ? -INFINITY : INFINITY;
		return ieee_like(c, 5, 10, 15);
	case NUM_BF16:
		return (double)bits_float(c << 16);
	default:
		abort();
	}
}

static const enum num_type narrow[] = { NUM_E4M3, NUM_E5M2,  NUM_E2M3, NUM_E3M2, NUM_E2M1, NUM_INT8,
					NUM_INT4, NUM_UINT8, NUM_E8M0, NUM_FP16, NUM_BF16 };
#define FOR_EACH(t, list)                                                                          \
	for (size_t i_##t = 0; i_##t < sizeof(list) / sizeof(*(list)) && ((t) = (list)[i_##t], 1); \
	     i_##t++)

static void decode_exhaustive(void)
{
	enum num_type t;

	FOR_EACH(t, narrow)
	for (uint32_t c = 0; c < 1u << num_info(t)->bits; c++)
		CHECK_MSG(same(num_decode(t, c), defined_value(t, c)), "%s %#x: %g not %g",
			  num_info(t)->name, c, num_decode(t, c), defined_value(t, c));
	CHECK(num_decode(NUM_E2M1, 7) == 6 && num_decode(NUM_E4M3, 0x7e) == 448 &&
	      num_decode(NUM_E5M2, 0x7b) == 57344 && num_decode(NUM_E2M3, 0x1f) == 7.5 &&
	      num_decode(NUM_E3M2, 0x1f) == 28 && num_decode(NUM_E4M3, 1) == 0x1p-9);
}

static void decode_fp16_by_compiler(void)
{
	for (uint32_t c = 0; c < 65536; c++) {
		uint16_t u = (uint16_t)c;
		_Float16 h;

		memcpy(&h, &u, sizeof(h));
		CHECK_MSG(same(num_decode(NUM_FP16, c), (double)h), "fp16 %#x", c);
	}
}

/* ---- to nearest, by looking at all values ---- */

/* The finite value nearest to @x, ties to the even code; overflow as the next value would be. */
struct grid {
	unsigned int count;
	uint32_t code[65536];
	double value[65536]; /* increasing, from zero */
};

static void grid_make(struct grid *g, enum num_type t)
{
	uint32_t codes = 1u << (num_info(t)->bits - 1);

	g->count = 0;
	for (uint32_t c = 0; c < codes; c++) {
		double v = defined_value(t, c);

		if (v != v || isinf(v))
			continue;
		g->code[g->count] = c;
		g->value[g->count++] = v;
	}
	/* what comes after the largest, were there more exponents */
	g->code[g->count] = g->code[g->count - 1] + 1;
	g->value[g->count] = 2 * g->value[g->count - 1] - g->value[g->count - 2];
}

static unsigned int grid_below(const struct grid *g, double mag)
{
	unsigned int lo = 0, hi = g->count;

	while (hi - lo > 1) {
		unsigned int mid = (lo + hi) / 2;

		if (g->value[mid] <= mag)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t overflow_code(enum num_type t, const struct grid *g, bool negative, bool saturate)
{
	uint64_t sign = negative ? 1ull << (num_info(t)->bits - 1) : 0;

	if (saturate)
		return g->code[g->count - 1] | sign;
	switch (t) {
	case NUM_E4M3:
		return 0x7f;
	case NUM_E5M2:
		return 0x7c | sign;
	case NUM_FP16:
		return 0x7c00 | sign;
	case NUM_BF16:
		return 0x7f80 | sign;
	default:
		return g->code[g->count - 1] | sign;
	}
}

static uint64_t nearest(enum num_type t, const struct grid *g, double x, bool saturate)
{
	uint64_t sign = signbit(x) ? 1ull << (num_info(t)->bits - 1) : 0;
	double mag = fabs(x);
	unsigned int i = grid_below(g, mag);
	long double below = (long double)mag - g->value[i];
	long double above = (long double)g->value[i + 1] - mag;

	if (mag >= g->value[g->count])
		return overflow_code(t, g, sign, saturate);
	if (below > above || (below == above && (g->code[i] & 1)))
		i++;
	return i == g->count ? overflow_code(t, g, sign, saturate) : g->code[i] | sign;
}

static void try_nearest(enum num_type t, const struct grid *g, double x)
{
	for (int s = 0; s < 4; s++) {
		double v = s & 1 ? -x : x;
		uint64_t want = nearest(t, g, v, s & 2);
		uint64_t got = num_encode(t, v, s & 2 ? &rne_sat : &rne, 0);

		CHECK_MSG(got == want, "%a to %s%s: %#llx not %#llx", v, num_info(t)->name,
			  s & 2 ? " sat" : "", (unsigned long long)got, (unsigned long long)want);
	}
}

static const enum num_type small_floats[] = { NUM_E4M3, NUM_E5M2, NUM_E2M3, NUM_E3M2,
					      NUM_E2M1, NUM_FP16, NUM_BF16 };

/* Every value, every midpoint, their neighbours, and beyond the ends. */
static void encode_nearest(void)
{
	struct grid *g = malloc(sizeof(*g));
	enum num_type t;

	FOR_EACH(t, small_floats)
	{
		grid_make(g, t);
		for (unsigned int i = 0; i < g->count; i++) {
			double v = g->value[i], mid = v / 2 + g->value[i + 1] / 2;

			try_nearest(t, g, v);
			try_nearest(t, g, mid);
			try_nearest(t, g, nextafter(mid, 0));
			try_nearest(t, g, nextafter(mid, HUGE_VAL));
			try_nearest(t, g, (double)nextafterf((float)mid, 0));
			try_nearest(t, g, (double)nextafterf((float)mid, HUGE_VALF));
		}
		for (int i = 0; i < 20000; i++)
			try_nearest(t, g, bits_double(rnd() >> 1 & ~(1ull << 62)));
		for (int i = 0; i < 20000; i++)
			try_nearest(t, g, ldexp((double)rnd(), (int)(rnd() % 60) - 94));
		try_nearest(t, g, DBL_MAX);
		try_nearest(t, g, INFINITY);
		try_nearest(t, g, 0x1p-1074);
	}
	free(g);
}

static void encode_special(void)
{
	CHECK(num_encode(NUM_E4M3, 464, &rne, 0) == 0x7e);
	CHECK(num_encode(NUM_E4M3, 465, &rne, 0) == 0x7f);
	CHECK(num_encode(NUM_E4M3, -INFINITY, &rne, 0) == 0x7f);
	CHECK(num_encode(NUM_E4M3, -INFINITY, &rne_sat, 0) == 0xfe);
	CHECK(num_encode(NUM_E5M2, -INFINITY, &rne, 0) == 0xfc);
	CHECK(num_encode(NUM_E5M2, 61440, &rne, 0) == 0x7c);
	CHECK(num_encode(NUM_E5M2, 61439, &rne, 0) == 0x7b);
	CHECK(num_encode(NUM_E2M1, 1e30, &rne, 0) == 7 && num_encode(NUM_E2M1, -7, &rne, 0) == 15);
	CHECK(num_encode(NUM_FP16, 65520, &rne, 0) == 0x7c00);
	CHECK(num_encode(NUM_FP32, 0x1.fffffefp127, &rne, 0) == 0x7f7fffff);
	CHECK(num_encode(NUM_FP32, 0x1.ffffffp127, &rne, 0) == 0x7f800000);
	CHECK(num_encode(NUM_FP64, -INFINITY, &rne_sat, 0) == double_bits(-DBL_MAX));
	for (enum num_type t = 0; t < NUM_PLAIN_TYPES; t++) {
		static const uint64_t nan[NUM_PLAIN_TYPES] = { 0x7ff8000000000000,
							       0x7fc00000,
							       0x7fc00000,
							       0x7e00,
							       0x7fc0,
							       0x7f,
							       0x7f,
							       0x1f,
							       0x1f,
							       7,
							       0,
							       0,
							       0,
							       0,
							       0xff };

		CHECK(num_encode(t, -(double)NAN, &rne, 0) == nan[t]);
		CHECK(num_encode(t, bits_double(0x7ff0000000000001), &rne_sat, 0) == nan[t]);
	}
}

static void encode_by_compiler(void)
{
	for (int i = 0; i < 2000000; i++) {
		uint32_t u = (uint32_t)rnd();
		float f = bits_float(i & 1 ? u : (u & 0x8fffffff) | 0x30000000);
		double d = (double)f + ldexp((double)f, -30 - (int)(rnd() % 24));
		_Float16 h = (_Float16)f, hd = (_Float16)d;
		uint16_t want, want_d;

		if (f != f)
			continue;
		memcpy(&want, &h, sizeof(want));
		memcpy(&want_d, &hd, sizeof(want_d));
		CHECK_MSG(num_encode(NUM_FP16, (double)f, &rne, 0) == want, "%a to fp16",
			  (double)f);
		CHECK_MSG(num_encode(NUM_FP16, d, &rne, 0) == want_d, "%a to fp16", d);
		CHECK_MSG(num_encode(NUM_FP32, d, &rne, 0) == float_bits((float)d), "%a to fp32",
			  d);
		CHECK(num_encode(NUM_FP64, d, &rne, 0) == double_bits(d));
	}
}

/* tf32 and bf16 have fp32's exponents: integers round them. */
static void encode_cut(void)
{
	for (int i = 0; i < 2000000; i++) {
		uint32_t u = (uint32_t)rnd() & (i & 1 ? ~0u : ~0u << (rnd() % 16));
		double d = (double)bits_float(u);
		uint32_t bf = (u + 0x7fff + (u >> 16 & 1)) >> 16;
		uint32_t tf = ((u + 0xfff + (u >> 13 & 1)) >> 13) << 13;

		if (d != d)
			continue;
		CHECK_MSG(num_encode(NUM_BF16, d, &rne, 0) == bf, "%a to bf16", d);
		CHECK_MSG(num_encode(NUM_TF32, d, &rne, 0) == tf, "%a to tf32", d);
		CHECK_MSG(same(num_decode(NUM_TF32, u), (double)bits_float(tf)), "tf32 %#x", u);
	}
}

static void encode_integers(void)
{
	static const struct {
		enum num_type t;
		double lo, hi;
	} types[] = { { NUM_INT8, -128, 127 },
		      { NUM_UINT8, 0, 255 },
		      { NUM_INT4, -8, 7 },
		      { NUM_INT32, -2147483648.0, 2147483647.0 } };

	for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++) {
		uint64_t mask = (1ull << num_info(types[k].t)->bits) - 1;

		for (int i = -2000; i < 400000; i++) {
			double v = i < 1300 ? i / 4.0 :
					      ldexp((double)(int64_t)rnd(), -(int)(rnd() % 70));
			double r = nearbyint(v);
			int64_t want = (int64_t)fmin(fmax(r, types[k].lo), types[k].hi);

			CHECK_MSG(num_encode(types[k].t, v, &rne, 0) == ((uint64_t)want & mask),
				  "%a to %s", v, num_info(types[k].t)->name);
		}
		CHECK(num_encode(types[k].t, INFINITY, &rne, 0) ==
		      ((uint64_t)(int64_t)types[k].hi & mask));
		CHECK(num_encode(types[k].t, -INFINITY, &rne, 0) ==
		      ((uint64_t)(int64_t)types[k].lo & mask));
	}
}

static void encode_scales(void)
{
	for (int e = -140; e < 128; e++) {
		uint64_t want = (uint64_t)(e < -127 ? 0 : e + 127);

		CHECK(num_encode(NUM_E8M0, ldexp(1, e), &rne, 0) == want);
		CHECK(num_encode(NUM_E8M0, ldexp(1.999, e), &rne, 0) == want);
	}
	CHECK(num_encode(NUM_E8M0, 0, &rne, 0) == 0 && num_encode(NUM_E8M0, -0.0, &rne, 0) == 0);
	CHECK(num_encode(NUM_E8M0, -1, &rne, 0) == 255);
	CHECK(num_encode(NUM_E8M0, 0x1p128, &rne, 0) == 255);
	CHECK(num_encode(NUM_E8M0, 0x1p128, &rne_sat, 0) == 254);
	CHECK(num_encode(NUM_E8M0, INFINITY, &rne_sat, 0) == 254);
}

/* ---- stochastic rounding ---- */

static void try_stochastic(enum num_type t, const struct grid *g, double x)
{
	const struct num_round sr = { .mode = NUM_STOCHASTIC, .saturate = rnd() & 1 };
	uint64_t sign = signbit(x) ? 1ull << (num_info(t)->bits - 1) : 0;
	unsigned int i = grid_below(g, fabs(x));
	long double fraction = ((long double)fabs(x) - g->value[i]) /
			       ((long double)g->value[i + 1] - g->value[i]);
	uint64_t f = (uint64_t)(fraction * 0x1p32L);
	uint32_t random[4] = { 0, ~0u, (uint32_t)rnd(), (uint32_t)(0x100000000 - f) };

	for (int k = 0; k < 4; k++) {
		unsigned int at = i + (f + random[k] >= 0x100000000);
		uint64_t want = at >= g->count ? overflow_code(t, g, sign, sr.saturate) :
						 g->code[at] | sign;

		CHECK_MSG(num_encode(t, x, &sr, random[k]) == want, "%a to %s, random %#x", x,
			  num_info(t)->name, random[k]);
	}
}

static void encode_stochastic(void)
{
	struct grid *g = malloc(sizeof(*g));
	enum num_type t;

	FOR_EACH(t, small_floats)
	{
		grid_make(g, t);
		for (int i = 0; i < 100000; i++) {
			double top = g->value[g->count] * (1 - 0x1p-53);
			double x = i & 1 ? (double)rnd() * 0x1p-64 * top :
					   ldexp((double)rnd(), -64 - (int)(rnd() % 40));

			if (x < g->value[g->count])
				try_stochastic(t, g, rnd() & 1 ? -x : x);
		}
		for (unsigned int i = 0; i < g->count; i++)
			try_stochastic(t, g, g->value[i]);
	}
	free(g);
}

static void stochastic_mean(void)
{
	const struct num_round sr = { .mode = NUM_STOCHASTIC, .seed = 42, .step = 1 };
	const size_t n = 1 << 16;
	float *v = malloc(n * sizeof(*v));
	uint8_t *codes = malloc(n);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		v[i] = 1.03125f; /* a quarter of the way to 1.125 */
	num_convert(NUM_E4M3, codes, NULL, NUM_FP32, v, NULL, n, 1, &sr);
	for (size_t i = 0; i < n; i++)
		sum += num_decode(NUM_E4M3, codes[i]);
	CHECK_MSG(fabs(sum / (double)n - 1.03125) < 0.001, "mean %f", sum / (double)n);
	free(v);
	free(codes);
}

static void random_vectors(void)
{
	/* splitmix64 from 0: 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f */
	CHECK(num_random(0, 0) == 0xe220a839 && num_random(0, 1) == 0x6e789e6a &&
	      num_random(0, 2) == 0x06c45d18);
}

/* ---- packed elements ---- */

static void packed_elements(void)
{
	static const enum num_type packed[] = { NUM_INT4, NUM_E2M1, NUM_E2M3, NUM_E3M2,
						NUM_INT8, NUM_FP16, NUM_FP32, NUM_FP64 };
	enum num_type t;
	uint8_t a[80], b[80];

	FOR_EACH(t, packed)
	{
		unsigned int bits = num_info(t)->bits;
		uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;

		for (int i = 0; i < 1000; i++) {
			size_t at = rnd() % (sizeof(a) * 8 / bits);
			uint64_t code = rnd() & mask;

			for (size_t j = 0; j < sizeof(a); j++)
				a[j] = b[j] = (uint8_t)rnd();
			num_store(t, a, at, code);
			CHECK(num_load(t, a, at) == code);
			for (size_t bit = 0; bit < sizeof(a) * 8; bit++)
				if (bit / bits != at)
					CHECK((a[bit / 8] >> bit % 8 & 1) ==
					      (b[bit / 8] >> bit % 8 & 1));
				else
					CHECK((a[bit / 8] >> bit % 8 & 1) ==
					      (code >> (bit - at * bits) & 1));
		}
	}
}

/* ---- arrays: all instruction sets against the reference ---- */

#define ARRAY 66000 /* elements */

struct arrays {
	uint8_t src[ARRAY * 8], dst[ARRAY * 8 + 8], want[ARRAY * 8 + 8];
};

/* All codes where they are few enough, else all kinds of bits. */
static void fill_codes(enum num_type t, void *array, size_t n)
{
	unsigned int bits = num_info(t)->bits;

	for (size_t i = 0; i < n; i++) {
		uint64_t v = bits <= 16 ? i : rnd();

		if (bits > 16 && i % 3 == 0)
			v &= ~0ull << (rnd() % bits);
		if (bits == 32 && i % 4 == 1) /* near the small formats */
			v = (v & 0x80ffffff) | (uint64_t)(100 + rnd() % 50) << 23;
		if (bits == 64 && i % 4 == 1)
			v = (v & 0x800fffffffffffff) | (uint64_t)(990 + rnd() % 60) << 52;
		if (t == NUM_INT32 && i % 2)
			v = (uint64_t)((int64_t)rnd() >> (32 + rnd() % 31));
		if (bits > 16 && i < 6)
			v = (uint64_t[]){ 0,
					  1ull << (bits - 1),
					  bits == 64 ? 0x7ff0000000000000 : 0x7f800000,
					  bits == 64 ? 0xfff0000000000000 : 0xff800000,
					  bits == 64 ? 0xfff0000000000001 : 0xff800001,
					  1 }[i];
		num_store(t, array, i, bits == 64 ? v : v & ((1ull << bits) - 1));
	}
}

static void reference_convert(enum num_type to, void *dst, enum num_type from, const void *src,
			      size_t n, const struct num_round *r)
{
	for (size_t i = 0; i < n; i++)
		num_store(to, dst, i,
			  num_encode(to, num_decode(from, num_load(from, src, i)), r,
				     num_random(r->seed, r->counter + i * r->step)));
}

static size_t array_length(enum num_type from)
{
#ifdef __SANITIZE_ADDRESS__
	return num_info(from)->bits == 16 ? 65536 : 2000;
#else
	return num_info(from)->bits >= 16 ? 65536 : 2000;
#endif
}

static void compare_pair(struct arrays *a, enum num_type to, enum num_type from, size_t n,
			 const struct num_round *r)
{
	size_t bytes = num_bytes(to, n) + 8;

	memset(a->want, 0x5a, bytes);
	reference_convert(to, a->want, from, a->src, n, r);
	for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
		num_isa_set(isa);
		memset(a->dst, 0x5a, bytes);
		num_convert(to, a->dst, NULL, from, a->src, NULL, n, 1, r);
		CHECK_MSG(!memcmp(a->dst, a->want, bytes), "%s to %s, %zu, %s%s, %s",
			  num_info(from)->name, num_info(to)->name, n,
			  r->mode ? "stochastic" : "rne", r->saturate ? " sat" : "",
			  num_isa_name(isa));
	}
	num_isa_set(num_isa_best());
}

static void arrays_all_pairs(void)
{
	struct arrays *a = malloc(sizeof(*a));

	for (enum num_type from = 0; from < NUM_PLAIN_TYPES; from++) {
		size_t n = array_length(from);

		fill_codes(from, a->src, n);
		for (enum num_type to = 0; to < NUM_PLAIN_TYPES; to++) {
			for (int how = 0; how < 4; how++) {
				struct num_round r = { .mode = how & 1,
						       .saturate = how & 2,
						       .seed = 7,
						       .counter = 3,
						       .step = 5 };

				compare_pair(a, to, from, n - (size_t)how, &r);
			}
		}
	}
	free(a);
}

static void arrays_short(void)
{
	struct arrays *a = malloc(sizeof(*a));

	for (enum num_type from = 0; from < NUM_PLAIN_TYPES; from++) {
		fill_codes(from, a->src, 100);
		for (enum num_type to = 0; to < NUM_PLAIN_TYPES; to++)
			for (size_t n = 0; n < 70; n++)
				compare_pair(a, to, from, n, &rne);
	}
	free(a);
}

/* ---- blocks ---- */

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

static void mx_decode_all(void)
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

static void gguf_decode(void)
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

static void mx_encode(void)
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

static void mx_encode_stochastic(void)
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

static void gguf_encode(void)
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

static void block_tails(void)
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
static void wide_to_blocks(void)
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

static void block_conversions(void)
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

/* ---- the environment ---- */

static void any_environment(void)
{
#ifdef AWKWARD_MXCSR
	struct arrays *a = malloc(sizeof(*a));
	uint32_t old = fp_control_get(), after;

	for (enum num_type from = 0; from < NUM_PLAIN_TYPES; from++) {
		fill_codes(from, a->src, 1000);
		for (enum num_type to = 0; to < NUM_PLAIN_TYPES; to++) {
			for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
				num_isa_set(isa);
				num_convert(to, a->want, NULL, from, a->src, NULL, 1000, 1, &rne);
				fp_control_set(AWKWARD_MXCSR);
				num_convert(to, a->dst, NULL, from, a->src, NULL, 1000, 1, &rne);
				after = fp_control_get();
				fp_control_set(old);
				CHECK(after == AWKWARD_MXCSR);
				CHECK(!memcmp(a->want, a->dst, num_bytes(to, 1000)));
			}
		}
	}
	free(a);
#endif
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(decode_exhaustive),  TEST(decode_fp16_by_compiler),
		TEST(encode_nearest),     TEST(encode_special),
		TEST(encode_by_compiler), TEST(encode_cut),
		TEST(encode_integers),    TEST(encode_scales),
		TEST(encode_stochastic),  TEST(stochastic_mean),
		TEST(random_vectors),     TEST(packed_elements),
		TEST(arrays_all_pairs),   TEST(arrays_short),
		TEST(mx_decode_all),      TEST(gguf_decode),
		TEST(mx_encode),          TEST(mx_encode_stochastic),
		TEST(gguf_encode),        TEST(block_tails),
		TEST(block_conversions),  TEST(wide_to_blocks),
		TEST(any_environment),    TESTS_END,
	};

	return run_tests(tests, argc, argv);
}
