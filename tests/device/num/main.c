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

#include "formats.h"

/* ---- the formats from their definitions ---- */

static double ieee_like(uint32_t code, int ebits, int mbits, int bias)
{
	int e = (int)(code >> mbits) & ((1 << ebits) - 1);
	double m = (double)(code & ((1u << mbits) - 1)) / (double)(1 << mbits);
	double v = e ? ldexp(1 + m, e - bias) : ldexp(m, 1 - bias);

	return code >> (ebits + mbits) & 1 ? -v : v;
}

double defined_value(enum num_type t, uint32_t c)
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
