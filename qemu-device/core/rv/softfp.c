// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A finite non-zero number is held as sig * 2^exp with a 128-bit sig; the
 * lowest bit of sig may stand for "and a bit more" (sticky), which is exact
 * enough as long as it lies below the bits that rounding looks at.
 */
#include "softfp.h"

typedef unsigned __int128 u128;

const struct rv_ffmt rv_f16 = { 5, 10 }, rv_f32 = { 8, 23 }, rv_f64 = { 11, 52 };

enum kind { ZERO, FINITE, INFINITE, QNAN, SNAN };

struct num {
	enum kind kind;
	bool neg;
	int exp;
	u128 sig;
};

static int bias(const struct rv_ffmt *f)
{
	return (1 << (f->ebits - 1)) - 1;
}

static uint64_t sign_bit(const struct rv_ffmt *f)
{
	return 1ull << (f->ebits + f->fbits);
}

static uint64_t inf_bits(const struct rv_ffmt *f)
{
	return ((1ull << f->ebits) - 1) << f->fbits;
}

static uint64_t nan_bits(const struct rv_ffmt *f)
{
	return inf_bits(f) | 1ull << (f->fbits - 1);
}

static uint64_t with_sign(const struct rv_ffmt *f, uint64_t v, bool neg)
{
	return neg ? v | sign_bit(f) : v;
}

static struct num unpack(const struct rv_ffmt *f, uint64_t v)
{
	uint64_t frac = v & ((1ull << f->fbits) - 1);
	unsigned int e = (unsigned int)(v >> f->fbits) & ((1u << f->ebits) - 1);
	struct num n = { .neg = (v & sign_bit(f)) != 0 };

	if (e == (1u << f->ebits) - 1) {
		n.kind = !frac ? INFINITE : frac >> (f->fbits - 1) ? QNAN : SNAN;
	} else if (!e && !frac) {
		n.kind = ZERO;
	} else {
		n.kind = FINITE;
		n.sig = e ? frac | 1ull << f->fbits : frac;
		n.exp = (int)(e ? e : 1) - bias(f) - (int)f->fbits;
	}
	return n;
}

static bool is_nan(const struct num *n)
{
	return n->kind >= QNAN;
}

static int top_bit(u128 v)
{
	uint64_t hi = (uint64_t)(v >> 64);

	return hi ? 127 - __builtin_clzll(hi) : 63 - __builtin_clzll((uint64_t)v);
}

/* Shift right; whatever falls out stays as the lowest bit. */
static u128 shift_jam(u128 v, int n)
{
	if (n <= 0)
		return v;
	if (n > 127)
		return v != 0;
	return v >> n | ((v << (128 - n)) != 0);
}

/* Does rounding @v at bit @lsb add one there? @lsb > 0. */
static bool round_up(u128 v, int lsb, bool neg, enum rv_rm rm)
{
	u128 half, rest;

	if (lsb > 127) /* everything is far below half a unit */
		return v && ((rm == RV_RUP && !neg) || (rm == RV_RDN && neg));
	half = (u128)1 << (lsb - 1);
	rest = v & (((u128)1 << lsb) - 1);
	switch (rm) {
	case RV_RNE:
		return rest > half || (rest == half && (v >> lsb & 1));
	case RV_RMM:
		return rest >= half;
	case RV_RUP:
		return rest && !neg;
	case RV_RDN:
		return rest && neg;
	default:
		return false;
	}
}

static uint64_t overflow(const struct rv_ffmt *f, bool neg, enum rv_rm rm, uint32_t *flags)
{
	bool inf = rm == RV_RNE || rm == RV_RMM || (rm == RV_RUP && !neg) || (rm == RV_RDN && neg);

	*flags |= RV_OF | RV_NX;
	return with_sign(f, inf ? inf_bits(f) : inf_bits(f) - 1, neg);
}

/* Below the smallest normal number, rounded as if exponents had no limit? */
static bool is_tiny(const struct rv_ffmt *f, const struct num *n, int top, enum rv_rm rm)
{
	int e = n->exp + top, emin = 1 - bias(f), lsb = top - (int)f->fbits;
	u128 q;

	if (e != emin - 1 || lsb <= 0)
		return e < emin;
	q = (n->sig >> lsb) + round_up(n->sig, lsb, n->neg, rm);
	return !(q >> (f->fbits + 1));
}

static uint64_t round_pack(const struct rv_ffmt *f, const struct num *n, enum rv_rm rm,
			   uint32_t *flags)
{
	int top = top_bit(n->sig), e = n->exp + top, emin = 1 - bias(f);
	/* The result's lowest bit, as a bit number of sig. */
	int lsb = e >= emin ? top - (int)f->fbits : emin - (int)f->fbits - n->exp;
	bool inexact = false;
	uint64_t q;

	if (lsb <= 0) {
		q = (uint64_t)n->sig << -lsb;
	} else {
		u128 kept = lsb > 127 ? 0 : n->sig >> lsb;

		inexact = lsb > 127 || (kept << lsb) != n->sig;
		q = (uint64_t)kept + round_up(n->sig, lsb, n->neg, rm);
	}
	if (inexact) {
		*flags |= RV_NX;
		if (e < emin && is_tiny(f, n, top, rm))
			*flags |= RV_UF;
	}
	/* A carry out of the fraction steps the exponent field by itself. */
	if (e >= emin) {
		if (q >> (f->fbits + 1))
			e++;
		if (e > bias(f))
			return overflow(f, n->neg, rm, flags);
		q = (q >> (f->fbits + 1) ? q >> 1 : q) - (1ull << f->fbits);
		q += (uint64_t)(e + bias(f)) << f->fbits;
	}
	return with_sign(f, q, n->neg);
}

static uint64_t make_nan(const struct rv_ffmt *f, bool invalid, uint32_t *flags)
{
	if (invalid)
		*flags |= RV_NV;
	return nan_bits(f);
}

/* Highest bit at 125: room for a carry, and for alignment without loss. */
static void normalise(struct num *n)
{
	int s = 125 - top_bit(n->sig);

	n->sig <<= s;
	n->exp -= s;
}

static uint64_t add_num(const struct rv_ffmt *f, struct num a, struct num b, enum rv_rm rm,
			uint32_t *flags)
{
	struct num r;

	normalise(&a);
	normalise(&b);
	if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
		struct num t = a;

		a = b;
		b = t;
	}
	b.sig = shift_jam(b.sig, a.exp - b.exp);
	r = a;
	r.sig = a.neg == b.neg ? a.sig + b.sig : a.sig - b.sig;
	if (!r.sig)
		return with_sign(f, 0, rm == RV_RDN);
	return round_pack(f, &r, rm, flags);
}

/* @x where an addend or the other may be zero but neither is a NaN or infinite. */
static uint64_t add_finite(const struct rv_ffmt *f, const struct num *a, const struct num *b,
			   enum rv_rm rm, uint32_t *flags)
{
	if (a->kind == ZERO && b->kind == ZERO)
		return with_sign(f, 0, a->neg == b->neg ? a->neg : rm == RV_RDN);
	if (a->kind == ZERO)
		return round_pack(f, b, rm, flags);
	if (b->kind == ZERO)
		return round_pack(f, a, rm, flags);
	return add_num(f, *a, *b, rm, flags);
}

uint64_t rv_soft_add(const struct rv_ffmt *f, uint64_t va, uint64_t vb, enum rv_rm rm,
		     uint32_t *flags)
{
	struct num a = unpack(f, va), b = unpack(f, vb);

	if (is_nan(&a) || is_nan(&b))
		return make_nan(f, a.kind == SNAN || b.kind == SNAN, flags);
	if (a.kind == INFINITE && b.kind == INFINITE && a.neg != b.neg)
		return make_nan(f, true, flags);
	if (a.kind == INFINITE || b.kind == INFINITE)
		return a.kind == INFINITE ? va : vb;
	return add_finite(f, &a, &b, rm, flags);
}

uint64_t rv_soft_mul(const struct rv_ffmt *f, uint64_t va, uint64_t vb, enum rv_rm rm,
		     uint32_t *flags)
{
	struct num a = unpack(f, va), b = unpack(f, vb), r;
	bool neg = a.neg != b.neg;

	if (is_nan(&a) || is_nan(&b))
		return make_nan(f, a.kind == SNAN || b.kind == SNAN, flags);
	if (a.kind == INFINITE || b.kind == INFINITE) {
		if (a.kind == ZERO || b.kind == ZERO)
			return make_nan(f, true, flags);
		return with_sign(f, inf_bits(f), neg);
	}
	if (a.kind == ZERO || b.kind == ZERO)
		return with_sign(f, 0, neg);
	r = (struct num){ FINITE, neg, a.exp + b.exp, a.sig * b.sig };
	return round_pack(f, &r, rm, flags);
}

uint64_t rv_soft_fma(const struct rv_ffmt *f, uint64_t va, uint64_t vb, uint64_t vc, enum rv_rm rm,
		     uint32_t *flags)
{
	struct num a = unpack(f, va), b = unpack(f, vb), c = unpack(f, vc), p;
	bool neg = a.neg != b.neg;
	bool zero_inf = (a.kind == INFINITE && b.kind == ZERO) ||
			(a.kind == ZERO && b.kind == INFINITE);
	bool inf;

	if (is_nan(&a) || is_nan(&b) || is_nan(&c) || zero_inf)
		return make_nan(f, zero_inf || a.kind == SNAN || b.kind == SNAN || c.kind == SNAN,
				flags);
	inf = a.kind == INFINITE || b.kind == INFINITE;
	if (inf && c.kind == INFINITE && c.neg != neg)
		return make_nan(f, true, flags);
	if (inf)
		return with_sign(f, inf_bits(f), neg);
	if (c.kind == INFINITE)
		return vc;
	p = (struct num){ FINITE, neg, a.exp + b.exp, a.sig * b.sig };
	if (a.kind == ZERO || b.kind == ZERO)
		p = (struct num){ .kind = ZERO, .neg = neg };
	return add_finite(f, &p, &c, rm, flags);
}

uint64_t rv_soft_div(const struct rv_ffmt *f, uint64_t va, uint64_t vb, enum rv_rm rm,
		     uint32_t *flags)
{
	struct num a = unpack(f, va), b = unpack(f, vb), r;
	bool neg = a.neg != b.neg;
	u128 q;

	if (is_nan(&a) || is_nan(&b))
		return make_nan(f, a.kind == SNAN || b.kind == SNAN, flags);
	if (a.kind == b.kind && (a.kind == ZERO || a.kind == INFINITE))
		return make_nan(f, true, flags);
	if (a.kind == INFINITE || b.kind == ZERO) {
		if (a.kind != INFINITE)
			*flags |= RV_DZ;
		return with_sign(f, inf_bits(f), neg);
	}
	if (a.kind == ZERO || b.kind == INFINITE)
		return with_sign(f, 0, neg);
	normalise(&a);
	q = a.sig / b.sig;
	r = (struct num){ FINITE, neg, a.exp - b.exp, q | (q * b.sig != a.sig) };
	return round_pack(f, &r, rm, flags);
}

uint64_t rv_soft_sqrt(const struct rv_ffmt *f, uint64_t va, enum rv_rm rm, uint32_t *flags)
{
	struct num a = unpack(f, va), r;
	u128 root = 0, rest, bit;

	if (is_nan(&a))
		return make_nan(f, a.kind == SNAN, flags);
	if (a.kind == ZERO)
		return va;
	if (a.neg)
		return make_nan(f, true, flags);
	if (a.kind == INFINITE)
		return va;
	normalise(&a);
	if (a.exp & 1) { /* even exponent; bit 126 is free */
		a.sig <<= 1;
		a.exp--;
	}
	rest = a.sig;
	for (bit = (u128)1 << 126; bit; bit >>= 2) {
		if (rest >= root + bit) {
			rest -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	/* 63 or 64 bits of root: enough below 53 for a sticky bit. */
	r = (struct num){ FINITE, false, a.exp / 2 - 1, root << 1 | (rest != 0) };
	return round_pack(f, &r, rm, flags);
}

uint64_t rv_soft_convert(const struct rv_ffmt *to, const struct rv_ffmt *from, uint64_t va,
			 enum rv_rm rm, uint32_t *flags)
{
	struct num a = unpack(from, va);

	if (is_nan(&a))
		return make_nan(to, a.kind == SNAN, flags);
	if (a.kind == INFINITE)
		return with_sign(to, inf_bits(to), a.neg);
	if (a.kind == ZERO)
		return with_sign(to, 0, a.neg);
	return round_pack(to, &a, rm, flags);
}

static uint64_t sext(uint64_t v, unsigned int width)
{
	return width == 32 ? (uint64_t)(int64_t)(int32_t)v : v;
}

uint64_t rv_soft_to_int(const struct rv_ffmt *f, uint64_t va, bool is_signed, unsigned int width,
			enum rv_rm rm, uint32_t *flags)
{
	struct num a = unpack(f, va);
	u128 limit_pos = ((u128)1 << (width - is_signed)) - 1;
	u128 limit_neg = is_signed ? limit_pos + 1 : 0;
	bool inexact = false;
	u128 q;

	if (a.kind == ZERO)
		return 0;
	if (is_nan(&a))
		a.neg = false;
	if (a.kind != FINITE || top_bit(a.sig) + a.exp > 64) {
		q = (u128)1 << 100;
	} else if (a.exp >= 0) {
		q = a.sig << a.exp;
	} else {
		int lsb = -a.exp;

		q = lsb > 127 ? 0 : a.sig >> lsb;
		inexact = lsb > 127 || (q << lsb) != a.sig;
		q += round_up(a.sig, lsb, a.neg, rm);
	}
	if (q > (a.neg ? limit_neg : limit_pos)) {
		*flags |= RV_NV;
		return sext(a.neg ? -(uint64_t)limit_neg : (uint64_t)limit_pos, width);
	}
	if (inexact)
		*flags |= RV_NX;
	return sext(a.neg ? -(uint64_t)q : (uint64_t)q, width);
}

uint64_t rv_soft_from_int(const struct rv_ffmt *f, uint64_t a, bool is_signed, enum rv_rm rm,
			  uint32_t *flags)
{
	bool neg = is_signed && (int64_t)a < 0;
	struct num n = { FINITE, neg, 0, neg ? -a : a };

	return a ? round_pack(f, &n, rm, flags) : 0;
}

uint64_t rv_soft_round(const struct rv_ffmt *f, uint64_t va, enum rv_rm rm, uint32_t *flags)
{
	struct num a = unpack(f, va);
	int lsb = -a.exp;
	u128 kept;

	if (is_nan(&a))
		return make_nan(f, a.kind == SNAN, flags);
	if (a.kind != FINITE || lsb <= 0)
		return va;
	kept = lsb > 127 ? 0 : a.sig >> lsb;
	if (lsb > 127 || (kept << lsb) != a.sig)
		*flags |= RV_NX;
	a.sig = kept + round_up(a.sig, lsb, a.neg, rm);
	a.exp = 0;
	return a.sig ? round_pack(f, &a, rm, flags) : with_sign(f, 0, a.neg);
}

uint32_t rv_soft_class(const struct rv_ffmt *f, uint64_t va)
{
	struct num a = unpack(f, va);

	switch (a.kind) {
	case INFINITE:
		return a.neg ? 1u << 0 : 1u << 7;
	case ZERO:
		return a.neg ? 1u << 3 : 1u << 4;
	case SNAN:
		return 1u << 8;
	case QNAN:
		return 1u << 9;
	case FINITE:
		break;
	}
	if ((va & ~sign_bit(f)) >> f->fbits)
		return a.neg ? 1u << 1 : 1u << 6;
	return a.neg ? 1u << 2 : 1u << 5;
}
