// SPDX-License-Identifier: MIT
/*
 * The arithmetic in integers against the host's, results and flags, in the
 * four rounding modes that the host has. (The fifth is ref_test's.) Compiled
 * with the flags of the executor, which keep the compiler from assuming one
 * rounding mode.
 */
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "softfp.h"

static uint64_t state = 1;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

/* Encodings with interesting exponents and sparse or dense fractions. */
static uint64_t pick(const struct rv_ffmt *f)
{
	uint64_t frac = rnd() & ((1ull << f->fbits) - 1), e, emax = (1u << f->ebits) - 1;
	uint64_t sign = (rnd() & 1) << (f->ebits + f->fbits);

	switch (rnd() >> 60 & 3) {
	case 0:
		frac &= frac >> 3 & rnd();
		break;
	case 1:
		frac = 1ull << (rnd() % f->fbits);
		break;
	}
	switch (rnd() >> 50 & 7) {
	case 0:
		e = 0;
		break;
	case 1:
		e = emax;
		break;
	case 2:
		e = 1 + (rnd() & 3);
		break;
	case 3:
		e = emax - 1 - (rnd() & 3);
		break;
	case 4:
		e = rnd() & emax;
		break;
	default:
		e = emax / 2 - 16 + (rnd() & 63);
		break;
	}
	if (e == emax && rnd() & 1)
		frac = 0;
	return sign | (e & emax) << f->fbits | frac;
}

static float f32(uint64_t v)
{
	uint32_t u = (uint32_t)v;
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static double f64(uint64_t v)
{
	double f;

	memcpy(&f, &v, 8);
	return f;
}

static uint64_t bits32(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return (u & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : u;
}

static uint64_t bits64(double f)
{
	uint64_t u;

	memcpy(&u, &f, 8);
	return (u & INT64_MAX) > 0x7ff0000000000000 ? 0x7ff8000000000000 : u;
}

static uint32_t host_flags(void)
{
	int e = fetestexcept(FE_ALL_EXCEPT);

	return (e & FE_INEXACT ? RV_NX : 0) | (e & FE_UNDERFLOW ? RV_UF : 0) |
	       (e & FE_OVERFLOW ? RV_OF : 0) | (e & FE_DIVBYZERO ? RV_DZ : 0) |
	       (e & FE_INVALID ? RV_NV : 0);
}

enum what { ADD, MUL, DIV, SQRT, FMA, WIDEN, NARROW, FROM_S64, FROM_U64, TO_S64, WHATS };

static const char *const names[] = {
	"add",
	"mul",
	"div",
	"sqrt",
	"fma",
	"single to double",
	"double to single",
	"from int64",
	"from uint64",
	"to int64",
};

/* clang-format off */
static uint64_t on_host(enum what w, bool d, uint64_t a, uint64_t b, uint64_t c)
{
	volatile double da = f64(a), db = f64(b), dc = f64(c), dr = 0;
	volatile float sa = f32(a), sb = f32(b), sc = f32(c), sr = 0;
	volatile int64_t ir;

	feclearexcept(FE_ALL_EXCEPT);
	switch (w) {
	case ADD: if (d) dr = da + db; else sr = sa + sb; break;
	case MUL: if (d) dr = da * db; else sr = sa * sb; break;
	case DIV: if (d) dr = da / db; else sr = sa / sb; break;
	case SQRT: if (d) dr = sqrt(da); else sr = sqrtf(sa); break;
	case FMA: if (d) dr = fma(da, db, dc); else sr = fmaf(sa, sb, sc); break;
	case WIDEN: dr = sa; break;
	case NARROW: sr = (float)da; break;
	case FROM_S64: if (d) dr = (double)(int64_t)a; else sr = (float)(int64_t)a; break;
	case FROM_U64: if (d) dr = (double)a; else sr = (float)a; break;
	default:
		/* rint() and then an exact conversion; only values that fit are asked for. */
		ir = (int64_t)(d ? rint(da) : (double)rintf(sa));
		return (uint64_t)ir;
	}
	return (d && w != NARROW) || w == WIDEN ? bits64(dr) : bits32(sr);
}

static uint64_t in_integers(enum what w, bool d, uint64_t a, uint64_t b, uint64_t c,
			    enum rv_rm rm, uint32_t *fl)
{
	const struct rv_ffmt *f = d ? &rv_f64 : &rv_f32;

	switch (w) {
	case ADD: return rv_soft_add(f, a, b, rm, fl);
	case MUL: return rv_soft_mul(f, a, b, rm, fl);
	case DIV: return rv_soft_div(f, a, b, rm, fl);
	case SQRT: return rv_soft_sqrt(f, a, rm, fl);
	case FMA: return rv_soft_fma(f, a, b, c, rm, fl);
	case WIDEN: return rv_soft_convert(&rv_f64, &rv_f32, a, rm, fl);
	case NARROW: return rv_soft_convert(&rv_f32, &rv_f64, a, rm, fl);
	case FROM_S64: return rv_soft_from_int(f, a, true, rm, fl);
	case FROM_U64: return rv_soft_from_int(f, a, false, rm, fl);
	default: return rv_soft_to_int(f, a, true, 64, rm, fl);
	}
}

/* clang-format on */

static bool one(enum what w, bool d, enum rv_rm rm)
{
	const struct rv_ffmt *f = d ? &rv_f64 : &rv_f32;
	uint64_t a = pick(w == WIDEN ? &rv_f32 : w == NARROW ? &rv_f64 : f), b = pick(f);
	uint64_t c = pick(f), host, soft;
	uint32_t soft_flags = 0, flags;

	if (w == FROM_S64 || w == FROM_U64)
		a = rnd() >> (rnd() & 63);
	if (w == TO_S64 && !(fabs(d ? f64(a) : f32(a)) < 0x1p62))
		return true;
	host = on_host(w, d, a, b, c);
	flags = host_flags();
	soft = in_integers(w, d, a, b, c, rm, &soft_flags);
	/* x86 does not call inf * 0 + NaN invalid; RISC-V does. */
	if (w == FMA && (soft_flags ^ flags) == RV_NV && (soft_flags & RV_NV) && host == soft &&
	    isnan(d ? f64(c) : f32(c)))
		flags |= RV_NV;
	if (host == soft && flags == soft_flags)
		return true;
	tap_diag("%s %d rm %d: %" PRIx64 " %" PRIx64 " %" PRIx64 ": %" PRIx64
		 " flags %02x, host %" PRIx64 " flags %02x",
		 names[w], d ? 64 : 32, rm, a, b, c, soft, soft_flags, host, flags);
	return false;
}

static void test_against_host(unsigned int count)
{
	static const int modes[] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };
	int w, d, rm;

	for (w = 0; w < WHATS; w++) {
		unsigned int bad = 0, i;

		for (i = 0; i < count && bad < 4; i++)
			for (d = 0; d < 2; d++)
				for (rm = 0; rm < 4; rm++) {
					bool ok;

					fesetround(modes[rm]);
					ok = one((enum what)w, d, (enum rv_rm)rm);
					fesetround(FE_TONEAREST);
					bad += !ok;
				}
		tap_ok(!bad, "%s as on the host", names[w]);
	}
}

static double value16(uint64_t v)
{
	int e = v >> 10 & 31;
	double m = (double)(v & 1023), r;

	if (e == 31)
		return m != 0 ? NAN : v >> 15 ? -INFINITY : INFINITY;
	r = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
	return v >> 15 ? -r : r;
}

static void test_half(void)
{
	uint64_t v, wide, back;
	uint32_t fl = 0;
	bool ok = true;

	for (v = 0; v < 65536; v++) {
		bool nan = (v & 0x7fff) > 0x7c00;

		wide = rv_soft_convert(&rv_f64, &rv_f16, v, RV_RNE, &fl);
		back = rv_soft_convert(&rv_f16, &rv_f64, wide, RV_RNE, &fl);
		ok &= wide == bits64(value16(v)) && back == (nan ? 0x7e00 : v);
	}
	tap_ok(ok && !(fl & ~RV_NV), "all half-precision numbers to double and back");
}

int main(int argc, char **argv)
{
#ifdef __SANITIZE_ADDRESS__
	unsigned int count = 20000;
#else
	unsigned int count = 100000;
#endif

	if (argc > 1)
		state = strtoull(argv[1], NULL, 0) * 2 + 1;
#if defined(__x86_64__)
	test_against_host(count);
#else
	(void)count;
	tap_ok(true, "arithmetic as on the host # SKIP hosts differ in when they see underflow");
#endif
	test_half();
	return tap_done();
}
