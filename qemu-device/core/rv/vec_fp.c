// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Floating-point vector instructions. The host computes where it can round as
 * frm says; half precision goes through single (which rounds the same in the
 * end: 24 bits are at least 2 * 11 + 2). The rest is done in integers.
 */
#include <string.h>

#include "fpenv.h"
#include "vec.h"

static const struct rv_ffmt *fmt_of(int size)
{
	return size == 1 ? &rv_f16 : size == 2 ? &rv_f32 : &rv_f64;
}

/* A scalar operand of the element's size: a NaN if it is not boxed. */
static uint64_t fp_scalar(const struct rv_hart *h, unsigned int reg, int size)
{
	uint64_t v = h->arch.f[reg], ones = size == 3 ? 0 : UINT64_MAX << (8 << size);

	if ((v & ones) != ones)
		return size == 1 ? 0x7e00 : 0x7fc00000;
	return v & ~ones;
}

/* Elements that can be computed with, and a rounding mode that exists. */
static bool fp_ok(const struct rv_hart *h, int size)
{
	return !h->vill && size >= 1 && size <= 3 && rv_frm(h) <= 4;
}

/* ---- one element in integers ---- */

static uint64_t soft_fma(unsigned int id, const struct rv_ffmt *f, uint64_t a, uint64_t b,
			 uint64_t c, enum rv_rm rm, uint32_t *flags)
{
	uint64_t sign = 1ull << (f->ebits + f->fbits), t;

	if (id >= RV_V_FMADD) { /* vd is a factor, vs2 the addend */
		t = a;
		a = c;
		c = t;
		id = id - RV_V_FMADD + RV_V_FMACC;
	}
	if (id == RV_V_FNMACC || id == RV_V_FNMSAC)
		a ^= sign;
	if (id == RV_V_FNMACC || id == RV_V_FMSAC)
		c ^= sign;
	return rv_soft_fma(f, a, b, c, rm, flags);
}

static uint64_t soft_one(unsigned int id, const struct rv_ffmt *f, uint64_t a, uint64_t b,
			 uint64_t c, enum rv_rm rm, uint32_t *flags)
{
	uint64_t sign = 1ull << (f->ebits + f->fbits);

	switch (id) {
	case RV_V_FADD:
		return rv_soft_add(f, a, b, rm, flags);
	case RV_V_FSUB:
		return rv_soft_add(f, a, b ^ sign, rm, flags);
	case RV_V_FRSUB:
		return rv_soft_add(f, b, a ^ sign, rm, flags);
	case RV_V_FMUL:
		return rv_soft_mul(f, a, b, rm, flags);
	case RV_V_FDIV:
		return rv_soft_div(f, a, b, rm, flags);
	case RV_V_FRDIV:
		return rv_soft_div(f, b, a, rm, flags);
	case RV_V_FSQRT:
		return rv_soft_sqrt(f, a, rm, flags);
	default:
		return soft_fma(id, f, a, b, c, rm, flags);
	}
}

/* ---- element-wise operations ---- */

/* Operands of one size; a and b may be anywhere, c is the old vd. */
struct fpop {
	unsigned int id;
	int size;
	bool scalar, tri;
	uint8_t *d;
	const void *a, *b, *c;
	const uint8_t *m;
	uint64_t n;
	uint64_t first; /* an active element */
};

static bool is_fma(unsigned int id)
{
	return id >= RV_V_FMACC && id <= RV_V_FNMSUB;
}

static bool rounds(unsigned int id)
{
	return id < RV_V_FSGNJ || id == RV_V_FSQRT;
}

static void run_soft(struct rv_hart *h, const struct fpop *p)
{
	const struct rv_ffmt *f = fmt_of(p->size);
	enum rv_rm rm = (enum rv_rm)rv_frm(h);
	uint32_t flags = 0;
	uint64_t i;

	for (i = 0; i < p->n; i++) {
		uint64_t b = p->b ? rv_vget(p->b, p->scalar ? 0 : i, p->size) : 0;

		if (p->m && !p->m[i])
			continue;
		rv_vput(p->d, i, p->size,
			soft_one(p->id, f, rv_vget(p->a, i, p->size), b, rv_vget(p->c, i, p->size),
				 rm, &flags));
	}
	h->arch.fcsr |= flags;
}

static const void *widen16(struct rv_hart *h, const void *s, uint64_t n, unsigned int area)
{
	struct rv_vargs x = { .d = rv_vscratch(h, area), .a = s, .count = n };

	h->vloops->f16_to_f32(&x);
	return x.d;
}

/* Halves: factors and addend in their places, all as singles. */
static void run_fma16(struct rv_hart *h, const struct fpop *p, void *d)
{
	bool madd = p->id >= RV_V_FMADD;
	unsigned int id = madd ? p->id - RV_V_FMADD + RV_V_FMACC : p->id;
	struct rv_vargs x = { .count = p->n }, b = { .count = p->n };
	struct rv_vargs y = { .d = d, .a = rv_vscratch(h, RV_VS_B), .count = p->n };

	if (p->scalar) {
		b.d = rv_vscratch(h, RV_VS_D);
		b.b = p->b;
		h->vloops->splat[1](&b);
		x.b = widen16(h, b.d, p->n, RV_VS_F);
	} else {
		x.b = widen16(h, p->b, p->n, RV_VS_F);
	}
	/* Operands may be in A, B and C: each is widened into an area that is free by then. */
	x.a = widen16(h, madd ? p->c : p->a, p->n, RV_VS_D);
	x.c = widen16(h, madd ? p->a : p->c, p->n, RV_VS_B);
	x.rm = (id == RV_V_FNMACC || id == RV_V_FNMSAC ? 1 : 0) |
	       (id == RV_V_FNMACC || id == RV_V_FMSAC ? 2 : 0);
	x.d = rv_vscratch(h, RV_VS_B);
	h->vloops->fma16(&x);
	h->vloops->f32_to_f16(&y);
}

/* Halves, as singles that are rounded once more. */
static void run_host16(struct rv_hart *h, const struct fpop *p, void *d)
{
	struct rv_vargs x = { .d = rv_vscratch(h, RV_VS_C), .count = p->n };
	struct rv_vargs y = { .d = d, .a = x.d, .count = p->n };

	x.a = widen16(h, p->a, p->n, RV_VS_C);
	if (p->b)
		x.b = widen16(h, p->b, p->scalar ? 1 : p->n, RV_VS_F);
	h->vloops->op[p->id][2][p->scalar](&x);
	h->vloops->f32_to_f16(&y);
	h->arch.fcsr |= x.flags;
}

/* d = a op b on the host; nothing is masked any more. */
static inline void run_host(struct rv_hart *h, const struct fpop *p, void *d)
{
	struct rv_vargs x = { .d = d, .a = p->a, .b = p->b, .c = p->c, .count = p->n };

	if (p->size == 1 && is_fma(p->id)) {
		run_fma16(h, p, d);
	} else if (p->size == 1 && rounds(p->id)) {
		run_host16(h, p, d);
	} else {
		h->vloops->op[p->id][p->size][p->scalar](&x);
		h->arch.fcsr |= x.flags;
	}
}

/* Operands of inactive elements become those of an active one: no flags of their own. */
static const void *harmless(struct rv_hart *h, const struct fpop *p, const void *s,
			    unsigned int area)
{
	struct rv_vargs x = { .d = rv_vscratch(h, area), .a = s, .m = p->m, .count = p->n };

	x.b = (const uint8_t *)s + (p->first << p->size);
	h->vloops->subst[p->size](&x);
	return x.d;
}

static bool needs_soft(const struct rv_hart *h, const struct fpop *p)
{
	if (!rounds(p->id))
		return false;
	if (rv_frm(h) == RV_RMM)
		return true;
	return p->size == 1 && !h->vloops->f16_to_f32;
}

static void run_masked(struct rv_hart *h, struct fpop *p)
{
	struct rv_vargs y = { .d = p->d, .m = p->m, .count = p->n };

	p->a = harmless(h, p, p->a, RV_VS_A);
	if (p->b && !p->scalar)
		p->b = harmless(h, p, p->b, RV_VS_B);
	if (p->tri)
		p->c = harmless(h, p, p->c, RV_VS_C);
	run_host(h, p, rv_vscratch(h, RV_VS_D));
	y.a = rv_vscratch(h, RV_VS_D);
	h->vloops->blend[p->size](&y);
}

static inline void run(struct rv_hart *h, struct fpop *p)
{
	if (needs_soft(h, p))
		run_soft(h, p);
	else if (p->m)
		run_masked(h, p);
	else
		run_host(h, p, p->d);
}

/* The operands as they stand in registers; false: nothing to do. */
static inline bool operands(struct rv_hart *h, const struct rv_vinsn *in, struct fpop *p, int as,
			    int bs, const uint64_t *x)
{
	uint64_t start = h->arch.vstart;
	const uint8_t *first;

	if (start >= h->arch.vl)
		return false;
	p->d = rv_vreg(h, in->vd) + (start << p->size);
	p->c = p->d;
	p->a = rv_vreg(h, in->vs2) + (start << as);
	p->b = p->scalar ? (const void *)x : rv_vreg(h, in->vs1) + (start << bs);
	p->m = in->vm ? NULL : rv_vmask(h) + start;
	p->n = h->arch.vl - start;
	if (in->vm)
		return true;
	first = memchr(p->m, 1, p->n);
	p->first = first ? (uint64_t)(first - p->m) : 0;
	return first;
}

/* Same-size arithmetic, sign injection, minimum and maximum; variant: operation. */
enum rv_step rv_do_vfbin(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	int lmul = h->vlmul;
	struct fpop p = {
		.id = rv_op_call(op)->sub,
		.size = h->vsew,
		.scalar = rv_vscalar(&in),
	};
	uint64_t x;

	p.tri = is_fma(p.id);
	if (!fp_ok(h, p.size) || !rv_valigned(in.vd, lmul) || !rv_valigned(in.vs2, lmul) ||
	    !rv_vmask_ok(&in) || (!p.scalar && !rv_valigned(in.vs1, lmul)))
		return rv_villegal(h);
	x = fp_scalar(h, in.vs1, p.size);
	if (operands(h, &in, &p, p.size, p.size, &x))
		run(h, &p);
	return rv_vdone(h);
}

enum rv_step rv_do_vfsqrt(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	struct fpop p = { .id = RV_V_FSQRT, .size = h->vsew };

	if (!fp_ok(h, p.size) || !rv_valigned(in.vd, h->vlmul) || !rv_valigned(in.vs2, h->vlmul) ||
	    !rv_vmask_ok(&in))
		return rv_villegal(h);
	if (operands(h, &in, &p, p.size, 0, NULL)) {
		p.b = NULL;
		run(h, &p);
	}
	return rv_vdone(h);
}

/* ---- conversions between formats ---- */

/* One element of a conversion that widens; exact, so the mode does not matter. */
static void widen_soft(struct rv_hart *h, void *d, const void *a, int size, uint64_t n)
{
	uint32_t flags = 0;
	uint64_t i;

	for (i = 0; i < n; i++)
		rv_vput(d, i, size + 1,
			rv_soft_convert(fmt_of(size + 1), fmt_of(size), rv_vget(a, i, size), RV_RNE,
					&flags));
	h->arch.fcsr |= flags;
}

/* NaNs signal and become canonical. */
static void canonicalise32(void *d, uint64_t n)
{
	rv_u32 *v = d;
	uint64_t i;

	for (i = 0; i < n; i++)
		v[i] = (v[i] & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : v[i];
}

static void widen(struct rv_hart *h, void *d, const void *a, int size, uint64_t n)
{
	struct rv_vargs x = { .d = d, .a = a, .count = n };

	if (size == 2) {
		h->vloops->f32_to_f64(&x);
	} else if (h->vloops->f16_to_f32) {
		h->vloops->f16_to_f32(&x);
		canonicalise32(d, n);
	} else {
		widen_soft(h, d, a, size, n);
	}
}

static const void *widened(struct rv_hart *h, const struct fpop *p, const void *s, uint64_t n,
			   unsigned int area)
{
	struct fpop narrow = *p;
	const void *from = s;

	narrow.size = p->size - 1;
	narrow.n = n;
	if (p->m && n == p->n)
		from = harmless(h, &narrow, s, RV_VS_D);
	widen(h, rv_vscratch(h, area), from, narrow.size, n);
	return rv_vscratch(h, area);
}

/*
 * Operands are widened exactly first; variant: operation, + 0x100: vs2 is wide
 * already.
 */
enum rv_step rv_do_vfwide(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int sub = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int sew = h->vsew, lmul = h->vlmul, wide_a = sub >> 8;
	struct fpop p = {
		.id = sub & 0xff,
		.size = sew + 1,
		.scalar = rv_vscalar(&in),
	};
	uint64_t x;

	p.tri = is_fma(p.id);
	if (!fp_ok(h, sew) || sew == 3 || lmul == 3 || !rv_valigned(in.vd, lmul + 1) ||
	    !rv_valigned(in.vs2, lmul + wide_a) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, sew + 1, lmul + 1, in.vs2, sew + wide_a, lmul + wide_a))
		return rv_villegal(h);
	if (!p.scalar && (!rv_valigned(in.vs1, lmul) ||
			  !rv_vshare_ok(in.vd, sew + 1, lmul + 1, in.vs1, sew, lmul)))
		return rv_villegal(h);
	x = fp_scalar(h, in.vs1, sew);
	if (!operands(h, &in, &p, sew + wide_a, sew, &x))
		return rv_vdone(h);
	p.b = widened(h, &p, p.b, p.scalar ? 1 : p.n, RV_VS_B);
	if (!wide_a)
		p.a = widened(h, &p, p.a, p.n, RV_VS_A);
	run(h, &p);
	return rv_vdone(h);
}

/* ---- comparisons, classes, estimates ---- */

enum rv_step rv_do_vfcmp(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	bool scalar = rv_vscalar(&in);
	int size = h->vsew, lmul = h->vlmul;
	struct fpop p = { .id = rv_op_call(op)->sub, .size = size, .scalar = scalar };
	struct rv_vargs a = { .d = rv_vscratch(h, RV_VS_D) + h->arch.vstart };
	uint64_t x;

	if (!fp_ok(h, size) || !rv_valigned(in.vs2, lmul) ||
	    !rv_vshare_ok(in.vd, -1, 0, in.vs2, size, lmul) ||
	    (!scalar &&
	     (!rv_valigned(in.vs1, lmul) || !rv_vshare_ok(in.vd, -1, 0, in.vs1, size, lmul))))
		return rv_villegal(h);
	x = fp_scalar(h, in.vs1, size);
	if (operands(h, &in, &p, size, size, &x)) {
		/* A scalar that signals does so with the active elements already. */
		if (p.m)
			p.a = harmless(h, &p, p.a, RV_VS_A);
		if (p.m && !scalar)
			p.b = harmless(h, &p, p.b, RV_VS_B);
		a.a = p.a;
		a.b = p.b;
		a.count = p.n;
		h->vloops->op[p.id][size][p.scalar](&a);
		h->arch.fcsr |= a.flags;
		rv_vput_mask(h, in.vd, rv_vscratch(h, RV_VS_D), !in.vm);
	}
	return rv_vdone(h);
}

/* round(256 / (1 + (i + 0.5) / 128)) - 128 */
static const uint8_t rec7_table[128] = {
	127, 125, 123, 121, 119, 117, 116, 114, 112, 110, 109, 107, 105, 104, 102, 100, 99, 97, 96,
	94,  93,  91,  90,  88,  87,  85,  84,  83,  81,  80,  79,  77,  76,  75,  74,  72, 71, 70,
	69,  68,  66,  65,  64,  63,  62,  61,  60,  59,  58,  57,  56,  55,  54,  53,  52, 51, 50,
	49,  48,  47,  46,  45,  44,  43,  42,  41,  40,  40,  39,  38,  37,  36,  35,  35, 34, 33,
	32,  31,  31,  30,  29,  28,  28,  27,  26,  25,  25,  24,  23,  23,  22,  21,  21, 20, 19,
	19,  18,  17,  17,  16,  15,  15,  14,  14,  13,  12,  12,  11,  11,  10,  9,   9,  8,  8,
	7,   7,   6,   5,   5,   4,   4,   3,   3,   2,   2,   1,   1,   0,
};

/* round(256 / sqrt(x)) - 128 in the middle of each piece of [2, 4), then of [1, 2) */
static const uint8_t rsqrt7_table[128] = {
	52,  51,  50,  48,  47,  46, 44, 43,  42,  41,  40,  39,  38,  36,  35,  34,  33,  32,  31,
	30,  30,  29,  28,  27,  26, 25, 24,  23,  23,  22,  21,  20,  19,  19,  18,  17,  16,  16,
	15,  14,  14,  13,  12,  12, 11, 10,  10,  9,   9,   8,   7,   7,   6,   6,   5,   4,   4,
	3,   3,   2,   2,   1,   1,  0,  127, 125, 123, 121, 119, 118, 116, 114, 113, 111, 109, 108,
	106, 105, 103, 102, 100, 99, 97, 96,  95,  93,  92,  91,  90,  88,  87,  86,  85,  84,  83,
	82,  80,  79,  78,  77,  76, 75, 74,  73,  72,  71,  70,  70,  69,  68,  67,  66,  65,  64,
	63,  63,  62,  61,  60,  59, 59, 58,  57,  56,  56,  55,  54,  53,
};

struct parts {
	bool neg;
	int64_t exp; /* biased; below 1 for subnormal numbers, which are normalised */
	uint64_t sig;
};

static struct parts split(const struct rv_ffmt *f, uint64_t v)
{
	uint64_t mask = (1ull << f->fbits) - 1;
	struct parts p = {
		.neg = v >> (f->ebits + f->fbits) & 1,
		.exp = (int64_t)(v >> f->fbits & ((1u << f->ebits) - 1)),
		.sig = v & mask,
	};

	if (!p.exp && p.sig) {
		while (!(p.sig >> (f->fbits - 1))) {
			p.sig <<= 1;
			p.exp--;
		}
		p.sig = p.sig << 1 & mask;
	}
	return p;
}

static uint64_t join(const struct rv_ffmt *f, bool neg, uint64_t exp, uint64_t sig)
{
	return (uint64_t)neg << (f->ebits + f->fbits) | exp << f->fbits | sig;
}

static uint64_t rsqrt7(const struct rv_ffmt *f, uint64_t v, uint32_t *flags)
{
	uint64_t emax = (1ull << f->ebits) - 1, nan = join(f, false, emax, 1ull << (f->fbits - 1));
	int64_t bias = (1 << (f->ebits - 1)) - 1;
	uint32_t class = rv_soft_class(f, v);
	struct parts p = split(f, v);
	unsigned int i;

	if (class & 1u << 9)
		return nan;
	if (class & (1u << 8 | 7u)) { /* signalling, or below zero */
		*flags |= RV_NV;
		return nan;
	}
	if (class & (3u << 3)) {
		*flags |= RV_DZ;
		return join(f, p.neg, emax, 0);
	}
	if (class & 1u << 7)
		return 0;
	i = (unsigned int)(p.exp & 1) << 6 | (unsigned int)(p.sig >> (f->fbits - 6));
	return join(f, p.neg, (uint64_t)((3 * bias - 1 - p.exp) / 2),
		    (uint64_t)rsqrt7_table[i] << (f->fbits - 7));
}

static uint64_t rec7(const struct rv_ffmt *f, uint64_t v, enum rv_rm rm, uint32_t *flags)
{
	uint64_t emax = (1ull << f->ebits) - 1, sig;
	int64_t bias = (1 << (f->ebits - 1)) - 1, exp;
	uint32_t class = rv_soft_class(f, v);
	struct parts p = split(f, v);

	if (class & (3u << 8)) {
		*flags |= class & 1u << 8 ? RV_NV : 0;
		return join(f, false, emax, 1ull << (f->fbits - 1));
	}
	if (class & (1u << 0 | 1u << 7))
		return join(f, p.neg, 0, 0);
	if (class & (3u << 3)) {
		*flags |= RV_DZ;
		return join(f, p.neg, emax, 0);
	}
	if (p.exp < -1) {
		*flags |= RV_NX | RV_OF;
		if (rm == RV_RTZ || (rm == RV_RDN && !p.neg) || (rm == RV_RUP && p.neg))
			return join(f, p.neg, emax, 0) - 1;
		return join(f, p.neg, emax, 0);
	}
	sig = (uint64_t)rec7_table[p.sig >> (f->fbits - 7)] << (f->fbits - 7);
	exp = 2 * bias - 1 - p.exp;
	if (exp <= 0) { /* subnormal */
		sig = sig >> 1 | 1ull << (f->fbits - 1);
		sig >>= -exp;
		exp = 0;
	}
	return join(f, p.neg, (uint64_t)exp, sig);
}

/* Variant: 0 vfrsqrt7, 1 vfrec7, 2 vfclass */
enum rv_step rv_do_vfestimate(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int sub = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int size = h->vsew;
	const struct rv_ffmt *f = fmt_of(size);
	struct fpop p = { .size = size };
	uint32_t flags = 0;
	uint64_t i;

	if (!fp_ok(h, size) || !rv_valigned(in.vd, h->vlmul) || !rv_valigned(in.vs2, h->vlmul) ||
	    !rv_vmask_ok(&in))
		return rv_villegal(h);
	if (!operands(h, &in, &p, size, size, NULL))
		return rv_vdone(h);
	for (i = 0; i < p.n; i++) {
		uint64_t v = rv_vget(p.a, i, size);

		if (p.m && !p.m[i])
			continue;
		rv_vput(p.d, i, size,
			sub == 0 ? rsqrt7(f, v, &flags) :
			sub == 1 ? rec7(f, v, (enum rv_rm)rv_frm(h), &flags) :
				   rv_soft_class(f, v));
	}
	h->arch.fcsr |= flags;
	return rv_vdone(h);
}

/* ---- conversions ---- */

/*
 * Variant of conversions: what becomes what (0 FP to unsigned, 1 FP to signed,
 * 2 unsigned to FP, 3 signed to FP, 4 FP to FP), + 8: towards zero, + 16: to
 * odd; + 32: wider, + 64: narrower.
 */
enum { TO_UINT, TO_INT, FROM_UINT, FROM_INT, TO_FP, RTZ = 8, ROD = 16, WIDER = 32, NARROWER = 64 };

/* Rounding to odd: towards zero, and the last bit set if anything was lost. */
static uint64_t to_odd(const struct rv_ffmt *to, const struct rv_ffmt *from, uint64_t v,
		       uint32_t *flags)
{
	uint32_t mine = 0;
	uint64_t r = rv_soft_convert(to, from, v, RV_RTZ, &mine);

	if (mine & RV_NX)
		r |= 1;
	*flags |= mine;
	return r;
}

static uint64_t sext_from(uint64_t v, int size)
{
	unsigned int shift = 64 - (8u << size);

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

/* As the integer conversion knows 32 and 64 bits only; saturates further. */
static uint64_t to_small(const struct rv_ffmt *f, uint64_t v, bool is_signed, int size,
			 enum rv_rm rm, uint32_t *flags)
{
	unsigned int bits = 8u << size;
	uint32_t mine = 0;
	uint64_t r;
	int64_t max, min;

	if (size >= 2)
		return rv_soft_to_int(f, v, is_signed, bits, rm, flags);
	max = (1 << (bits - is_signed)) - 1;
	min = is_signed ? -max - 1 : 0;
	r = rv_soft_to_int(f, v, true, 64, rm, &mine);
	if ((int64_t)r > max || (int64_t)r < min) {
		mine = RV_NV;
		r = (uint64_t)((int64_t)r > max ? max : min);
	}
	*flags |= mine;
	return r;
}

static uint64_t convert_one(unsigned int what, int ds, int as, uint64_t v, enum rv_rm rm,
			    uint32_t *flags)
{
	switch (what & 7) {
	case TO_UINT:
	case TO_INT:
		return to_small(fmt_of(as), v, (what & 7) == TO_INT, ds, rm, flags);
	case FROM_UINT:
		return rv_soft_from_int(fmt_of(ds), v, false, rm, flags);
	case FROM_INT:
		return rv_soft_from_int(fmt_of(ds), sext_from(v, as), true, rm, flags);
	default:
		if (what & ROD)
			return to_odd(fmt_of(ds), fmt_of(as), v, flags);
		return rv_soft_convert(fmt_of(ds), fmt_of(as), v, rm, flags);
	}
}

/* To integers of 32 or 16 bits from singles that fit by far. */
static bool to_int_host(struct rv_hart *h, unsigned int what, int ds, int as, struct rv_vargs *x)
{
	const struct rv_vloops *l = h->vloops;
	const uint64_t none = 0;
	struct rv_vargs narrow = *x;

	if (as != 2 || ds < 1 || ds > 2 || (!l->f32_to_i32 && !(what & RTZ)) ||
	    !l->f32_all_below(x->a, x->count, ds == 2 ? 0x1p30f : 0x1p14f))
		return false;
	if (ds == 1)
		x->d = rv_vscratch(h, RV_VS_B);
	if (what & RTZ)
		l->f32_to_i32_rtz(x);
	else
		l->f32_to_i32(x);
	if (ds == 1) {
		narrow.a = x->d;
		narrow.b = &none;
		l->op[RV_V_NSRL][1][1](&narrow);
	}
	return true;
}

/* From integers to singles; those of 16 bits are widened first. */
static bool from_int_host(struct rv_hart *h, unsigned int what, int ds, int as, struct rv_vargs *x)
{
	bool is_signed = (what & 7) == FROM_INT;
	struct rv_vargs wide = *x;

	if (ds != 2 || as < 1 || as > 2 || (as == 2 && !is_signed))
		return false;
	if (as == 1) {
		wide.d = rv_vscratch(h, RV_VS_B);
		h->vloops->ext[is_signed][0][1](&wide);
		x->a = wide.d;
	}
	h->vloops->i32_to_f32(x);
	return true;
}

/* The host does the frequent ones, when nothing about the values is special. */
static bool convert_host(struct rv_hart *h, unsigned int what, int ds, int as, const struct fpop *p)
{
	struct rv_vargs x = { .d = p->d, .a = p->a, .count = p->n };
	const struct rv_vloops *l = h->vloops;

	if (p->m || rv_frm(h) == RV_RMM || (what & ROD))
		return false;
	switch (what & 7) {
	case TO_UINT:
		return false;
	case TO_INT:
		return to_int_host(h, what, ds, as, &x);
	case FROM_UINT:
	case FROM_INT:
		return from_int_host(h, what, ds, as, &x);
	}
	if (ds == 3)
		l->f32_to_f64(&x);
	else if (as == 3)
		l->f64_to_f32(&x);
	else if (!l->f16_to_f32)
		return false;
	else if (ds == 1)
		l->f32_to_f16(&x);
	else
		widen(h, p->d, p->a, 1, p->n);
	return true;
}

static void convert(struct rv_hart *h, unsigned int what, int ds, int as, const struct fpop *p)
{
	enum rv_rm rm = what & RTZ ? RV_RTZ : (enum rv_rm)rv_frm(h);
	uint32_t flags = 0;
	uint64_t i;

	if (convert_host(h, what, ds, as, p))
		return;
	for (i = 0; i < p->n; i++)
		if (!p->m || p->m[i])
			rv_vput(p->d, i, ds,
				convert_one(what, ds, as, rv_vget(p->a, i, as), rm, &flags));
	h->arch.fcsr |= flags;
}

/* Sizes of a conversion's sides are there, and of floating point ones. */
static bool sizes_ok(const struct rv_hart *h, unsigned int what, int ds, int as)
{
	bool from_fp = (what & 7) <= TO_INT || (what & 7) == TO_FP, to_fp = (what & 7) >= FROM_UINT;

	return !h->vill && rv_frm(h) <= 4 && ds >= 0 && as >= 0 && ds <= 3 && as <= 3 &&
	       (!from_fp || as >= 1) && (!to_fp || ds >= 1);
}

enum rv_step rv_do_vfcvt(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int wider = (what & WIDER) != 0, narrower = (what & NARROWER) != 0;
	int ds = h->vsew + wider, as = h->vsew + narrower;
	int de = h->vlmul + wider, ae = h->vlmul + narrower;
	struct fpop p = { .size = ds };

	if (!sizes_ok(h, what, ds, as) || de > 3 || ae > 3 || !rv_valigned(in.vd, de) ||
	    !rv_valigned(in.vs2, ae) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, ds, de, in.vs2, as, ae))
		return rv_villegal(h);
	if (!operands(h, &in, &p, as, as, NULL))
		return rv_vdone(h);
	if (ds != as && rv_voverlap(in.vd, rv_vgroup(de), in.vs2, rv_vgroup(ae))) {
		memcpy(rv_vscratch(h, RV_VS_A), p.a, p.n << as);
		p.a = rv_vscratch(h, RV_VS_A);
	}
	convert(h, what, ds, as, &p);
	return rv_vdone(h);
}

/* ---- bfloat16 ---- */

static uint64_t bf16_round(uint32_t v, enum rv_rm rm, uint32_t *flags)
{
	static const struct rv_ffmt bf16 = { 8, 7 };

	return rv_soft_convert(&bf16, &rv_f32, v, rm, flags);
}

/* vfwcvtbf16.f.f.v, vfncvtbf16.f.f.w; variant: 1 to narrow. */
enum rv_step rv_do_vfcvtbf16(struct rv_hart *h, const struct rv_op *op)
{
	bool narrow = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int ds = narrow ? 1 : 2, as = narrow ? 2 : 1;
	int de = h->vlmul + !narrow, ae = h->vlmul + narrow;
	struct fpop p = { .size = ds };
	struct rv_vargs x;
	uint32_t flags = 0;
	uint64_t i;

	if (!fp_ok(h, h->vsew) || h->vsew != 1 || h->vlmul == 3 || !rv_valigned(in.vd, de) ||
	    !rv_valigned(in.vs2, ae) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, ds, de, in.vs2, as, ae))
		return rv_villegal(h);
	if (!operands(h, &in, &p, as, as, NULL))
		return rv_vdone(h);
	if (!narrow) {
		struct fpop from = p;

		from.size = 1;
		x = (struct rv_vargs){ .d = rv_vscratch(h, RV_VS_D), .count = p.n };
		x.a = p.m ? harmless(h, &from, p.a, RV_VS_A) : p.a;
		h->vloops->bf16_to_f32(&x);
		h->arch.fcsr |= x.flags;
		if (p.m) {
			x = (struct rv_vargs){ .d = p.d, .a = x.d, .m = p.m, .count = p.n };
			h->vloops->blend[2](&x);
		} else {
			memcpy(p.d, x.d, p.n << 2);
		}
		return rv_vdone(h);
	}
	if (rv_voverlap(in.vd, rv_vgroup(de), in.vs2, rv_vgroup(ae))) {
		memcpy(rv_vscratch(h, RV_VS_A), p.a, p.n << as);
		p.a = rv_vscratch(h, RV_VS_A);
	}
	x = (struct rv_vargs){ .d = p.d, .a = p.a, .count = p.n };
	if (!p.m && rv_frm(h) == RV_RNE && h->vloops->f32_to_bf16(&x)) {
		h->arch.fcsr |= x.flags;
		return rv_vdone(h);
	}
	for (i = 0; i < p.n; i++)
		if (!p.m || p.m[i])
			rv_vput(p.d, i, 1,
				bf16_round((uint32_t)rv_vget(p.a, i, 2), (enum rv_rm)rv_frm(h),
					   &flags));
	h->arch.fcsr |= flags;
	return rv_vdone(h);
}

/* vfwmaccbf16: factors become singles, exactly. */
enum rv_step rv_do_vfwmaccbf16(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	int lmul = h->vlmul;
	struct fpop p = { .id = RV_V_FMACC, .size = 2, .scalar = rv_vscalar(&in), .tri = true };
	struct fpop from;
	struct rv_vargs a, b;
	uint64_t x;

	if (!fp_ok(h, h->vsew) || h->vsew != 1 || lmul == 3 || !rv_valigned(in.vd, lmul + 1) ||
	    !rv_valigned(in.vs2, lmul) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, 2, lmul + 1, in.vs2, 1, lmul))
		return rv_villegal(h);
	if (!p.scalar &&
	    (!rv_valigned(in.vs1, lmul) || !rv_vshare_ok(in.vd, 2, lmul + 1, in.vs1, 1, lmul)))
		return rv_villegal(h);
	x = h->arch.f[in.vs1] >> 16 == 0xffffffffffff ? h->arch.f[in.vs1] & 0xffff : 0x7fc0;
	if (!operands(h, &in, &p, 1, 1, &x))
		return rv_vdone(h);
	from = p;
	from.size = 1;
	a = (struct rv_vargs){ .d = rv_vscratch(h, RV_VS_A), .count = p.n };
	a.a = p.m ? harmless(h, &from, p.a, RV_VS_D) : p.a;
	h->vloops->bf16_to_f32(&a);
	b = (struct rv_vargs){ .d = rv_vscratch(h, RV_VS_B), .count = p.scalar ? 1 : p.n };
	b.a = p.m && !p.scalar ? harmless(h, &from, p.b, RV_VS_D) : p.b;
	h->vloops->bf16_to_f32(&b);
	/* Signalling NaNs are invalid in the product, where the quiet ones count not. */
	h->arch.fcsr |= a.flags | b.flags;
	p.a = a.d;
	p.b = b.d;
	run(h, &p);
	return rv_vdone(h);
}
