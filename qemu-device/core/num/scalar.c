/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One element at a time, in integers: the reference that everything else is compared with. */
#include "num_int.h"

static uint64_t bits_of(double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	return u;
}

static double double_of(uint64_t u)
{
	double v;

	memcpy(&v, &u, sizeof(v));
	return v;
}

/* 2^e as a double; e is within the normal range. */
static double power_of_two(int e)
{
	return double_of((uint64_t)(e + 1023) << 52);
}

/* The finalizer of splitmix64 over a Weyl sequence: Steele, Lea, Flood, OOPSLA 2014. */
uint32_t num_random(uint64_t seed, uint64_t counter)
{
	uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return (uint32_t)(z >> 32);
}

static double decode_integer(const struct num_fmt *f, uint64_t code)
{
	uint64_t sign = f->max_neg ? 1ull << (f->bits - 1) : 0;

	return (double)((int64_t)(code ^ sign) - (int64_t)sign);
}

static double decode_scale(uint64_t code)
{
	return code == 0xff ? double_of(num_fmt(NUM_FP64)->nan) : power_of_two((int)code - 127);
}

/* tf32 is what FP32 rounds to: the low bits are rounded away when read. */
static uint64_t read_tf32(uint64_t code)
{
	uint64_t mag = code & 0x7fffffff, sign = code >> 31 & 1;

	if (mag > 0x7f800000)
		return 0x3fe00;
	return ((mag + 0xfff + (mag >> 13 & 1)) >> 13) | sign << 18;
}

static double decode_float(const struct num_fmt *f, uint64_t code)
{
	uint64_t sign_bit = 1ull << (f->bits - 1);
	uint64_t mag = code & (sign_bit - 1);
	uint64_t sig = mag & ((1ull << f->mbits) - 1);
	int e = (int)(mag >> f->mbits);
	double v;

	if (mag > f->max)
		v = double_of(mag == f->over && f->over != f->nan ? 0x7ff0000000000000 :
								    0x7ff8000000000000);
	else if (e)
		v = (double)(sig | 1ull << f->mbits) *
		    power_of_two(e - 1 + f->emin - (int)f->mbits);
	else
		v = (double)sig * power_of_two(f->emin - (int)f->mbits);
	return code & sign_bit ? double_of(bits_of(v) | 1ull << 63) : v;
}

double num_decode(enum num_type t, uint64_t code)
{
	const struct num_fmt *f = num_fmt(t);

	if (t == NUM_FP64)
		return double_of(code);
	if (t == NUM_E8M0)
		return decode_scale(code);
	if (f->integer)
		return decode_integer(f, code);
	return decode_float(f, t == NUM_TF32 ? read_tf32(code) : code);
}

/* The power of two below, as OCP MX chooses scales. There is no zero and no sign. */
static uint64_t encode_scale(uint64_t u, bool saturate)
{
	int e = (int)(u >> 52 & 0x7ff) - 1023 + 127;

	if ((u << 1) == 0)
		return 0;
	if (u >> 63 || (u << 1) > 0xffe0000000000000)
		return 0xff;
	if (e > 254)
		return saturate ? 254 : 255;
	return e < 0 ? 0 : (uint64_t)e;
}

/* A magnitude on the grid below, and what is discarded: a 32-bit fraction and whether more. */
struct grid {
	uint64_t code;
	uint32_t fraction;
	bool more;
};

static struct grid to_grid(const struct num_fmt *f, uint64_t mag)
{
	int exp = (int)(mag >> 52);
	uint64_t sig = mag & 0xfffffffffffff;
	unsigned int shift;
	struct grid g = { 0, 0, false };
	int e;

	if (exp)
		sig |= 1ull << 52;
	exp = (exp ? exp : 1) - 1023;
	e = exp > f->emin ? exp : f->emin;
	shift = 52 - f->mbits + (unsigned int)(e - exp);
	g.code = (shift < 64 ? sig >> shift : 0) + ((uint64_t)(e - f->emin) << f->mbits);
	if (shift <= 32) {
		g.fraction = (uint32_t)(sig << (32 - shift));
	} else if (shift < 96) {
		g.fraction = (uint32_t)(sig >> (shift - 32));
		g.more = sig & ((1ull << (shift - 32)) - 1);
	} else {
		g.more = sig;
	}
	return g;
}

static bool rounds_up(const struct grid *g, enum num_mode mode, uint32_t random)
{
	if (mode == NUM_STOCHASTIC)
		return ((uint64_t)g->fraction + random) >> 32;
	return g->fraction > 0x80000000u ||
	       (g->fraction == 0x80000000u && (g->more || (g->code & 1)));
}

static uint64_t encode_integer(const struct num_fmt *f, uint64_t code, bool negative)
{
	uint64_t limit = negative ? f->max_neg : f->max;

	if (code > limit)
		code = limit;
	if (negative)
		code = -code;
	return code & ((1ull << f->bits) - 1);
}

static uint64_t encode_float(const struct num_fmt *f, uint64_t code, bool negative, bool saturate)
{
	if (code > f->max) {
		if (!saturate && num_over_is_nan(f))
			return f->nan;
		code = saturate ? f->max : f->over;
	}
	return code | (uint64_t)negative << (f->bits - 1);
}

uint64_t num_encode(enum num_type t, double value, const struct num_round *round, uint32_t random)
{
	const struct num_fmt *f = num_fmt(t);
	uint64_t u = bits_of(value), code;
	uint64_t mag = u & 0x7fffffffffffffff;
	struct grid g;

	if (t == NUM_E8M0)
		return encode_scale(u, round->saturate);
	if (mag > 0x7ff0000000000000) {
		code = f->nan;
	} else {
		g = to_grid(f, mag);
		code = g.code + rounds_up(&g, round->mode, random);
		code = f->integer ? encode_integer(f, code, u >> 63) :
				    encode_float(f, code, u >> 63, round->saturate);
	}
	return t == NUM_TF32 ? code << 13 : code;
}

uint64_t num_load(enum num_type t, const void *array, size_t i)
{
	unsigned int bits = num_info(t)->bits;
	const uint8_t *p = (const uint8_t *)array + i * bits / 8;
	unsigned int shift = i * bits % 8;
	uint64_t code = 0;

	for (unsigned int b = 0; b < (shift + bits + 7) / 8; b++)
		code |= (uint64_t)p[b] << (8 * b);
	code >>= shift;
	return bits == 64 ? code : code & ((1ull << bits) - 1);
}

void num_store(enum num_type t, void *array, size_t i, uint64_t code)
{
	unsigned int bits = num_info(t)->bits;
	uint8_t *p = (uint8_t *)array + i * bits / 8;
	unsigned int shift = i * bits % 8;
	uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;

	for (unsigned int b = 0; b < (shift + bits + 7) / 8; b++) {
		uint8_t m = (uint8_t)(mask << shift >> (8 * b));

		p[b] = (uint8_t)((p[b] & ~m) | ((uint8_t)(code << shift >> (8 * b)) & m));
	}
}
