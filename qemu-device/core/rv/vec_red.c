// SPDX-License-Identifier: GPL-2.0-or-later
/* Reductions. Floating-point sums are in the order of elements, both kinds. */
#include <string.h>

#include "fpenv.h"
#include "vec.h"

/* What changes nothing, for inactive elements. */
static uint64_t neutral(enum rv_vred red, int size)
{
	uint64_t max = UINT64_MAX >> (64 - (8u << size));

	switch (red) {
	case RV_RED_AND:
	case RV_RED_MINU:
		return max;
	case RV_RED_MIN:
		return max >> 1;
	case RV_RED_MAX:
		return (max >> 1) + 1;
	default:
		return 0;
	}
}

static const void *active_only(struct rv_hart *h, const struct rv_vinsn *in, int size,
			       uint64_t safe)
{
	struct rv_vargs x = {
		.d = rv_vscratch(h, RV_VS_A),
		.a = rv_vreg(h, in->vs2),
		.b = &safe,
		.count = h->arch.vl,
	};

	if (in->vm)
		return x.a;
	x.m = rv_vmask(h);
	h->vloops->subst[size](&x);
	return x.d;
}

static bool red_ok(const struct rv_hart *h, const struct rv_vinsn *in)
{
	return !h->vill && !h->arch.vstart && rv_valigned(in->vs2, h->vlmul);
}

/* vredsum ... vredmax; variant: enum rv_vred. */
enum rv_step rv_do_vred(struct rv_hart *h, const struct rv_op *op)
{
	enum rv_vred red = (enum rv_vred)rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int size = h->vsew;
	struct rv_vargs x = { .d = rv_vreg(h, in.vd),
			      .b = rv_vreg(h, in.vs1),
			      .count = h->arch.vl };

	if (!red_ok(h, &in))
		return rv_villegal(h);
	if (!h->arch.vl)
		return rv_vdone(h);
	x.a = active_only(h, &in, size, neutral(red, size));
	h->vloops->red[red][size](&x);
	return rv_vdone(h);
}

/* vwredsum(u); variant: 1 for signed. */
enum rv_step rv_do_vwred(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int is_signed = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int size = h->vsew;
	struct rv_vargs x = { .d = rv_vscratch(h, RV_VS_D), .count = h->arch.vl };

	if (!red_ok(h, &in) || size == 3)
		return rv_villegal(h);
	if (!h->arch.vl)
		return rv_vdone(h);
	x.a = active_only(h, &in, size, 0);
	h->vloops->ext[is_signed][0][size](&x);
	x.a = x.d;
	x.b = rv_vreg(h, in.vs1);
	x.d = rv_vreg(h, in.vd);
	h->vloops->red[RV_RED_SUM][size + 1](&x);
	return rv_vdone(h);
}

static const struct rv_ffmt *fmt_of(int size)
{
	return size == 1 ? &rv_f16 : size == 2 ? &rv_f32 : &rv_f64;
}

/* The elements and the accumulator of a sum. */
struct sum {
	const void *a;
	const uint8_t *m;
	uint64_t n, acc;
	int size;
};

static float __attribute__((noinline)) sum32(const struct sum *s, float acc)
{
	const float *a = s->a;
	uint64_t i;

	for (i = 0; i < s->n; i++)
		if (!s->m || s->m[i])
			acc += a[i];
	return acc;
}

static double __attribute__((noinline)) sum64(const struct sum *s, double acc)
{
	const double *a = s->a;
	uint64_t i;

	for (i = 0; i < s->n; i++)
		if (!s->m || s->m[i])
			acc += a[i];
	return acc;
}

static void sum_soft(struct rv_hart *h, struct sum *s)
{
	uint32_t flags = 0;
	uint64_t i;

	for (i = 0; i < s->n; i++)
		if (!s->m || s->m[i])
			s->acc = rv_soft_add(fmt_of(s->size), s->acc, rv_vget(s->a, i, s->size),
					     (enum rv_rm)rv_frm(h), &flags);
	h->arch.fcsr |= flags;
}

static void sum(struct rv_hart *h, struct sum *s)
{
	float f;
	double d;

	if (s->size == 1 || rv_frm(h) == RV_RMM) {
		sum_soft(h, s);
	} else if (s->size == 2) {
		memcpy(&f, &s->acc, 4);
		f = sum32(s, f);
		memcpy(&s->acc, &f, 4);
		if (f != f)
			s->acc = 0x7fc00000;
	} else {
		memcpy(&d, &s->acc, 8);
		d = sum64(s, d);
		memcpy(&s->acc, &d, 8);
		if (d != d)
			s->acc = 0x7ff8000000000000;
	}
}

/* Is there anything to add? Else the result is the scalar, as it is. */
static bool any_active(const struct sum *s)
{
	return !s->m || memchr(s->m, 1, s->n);
}

static bool fred_ok(const struct rv_hart *h, const struct rv_vinsn *in, int size)
{
	return red_ok(h, in) && size >= 1 && size <= 3 && h->vsew >= 1 && rv_frm(h) <= 4;
}

static struct sum sum_of(struct rv_hart *h, const struct rv_vinsn *in, int size)
{
	return (struct sum){
		.a = rv_vreg(h, in->vs2),
		.m = in->vm ? NULL : rv_vmask(h),
		.n = h->arch.vl,
		.acc = rv_vget(rv_vreg(h, in->vs1), 0, size),
		.size = size,
	};
}

/* vfredusum, vfredosum */
enum rv_step rv_do_vfredsum(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	struct sum s;

	if (!fred_ok(h, &in, h->vsew))
		return rv_villegal(h);
	if (h->arch.vl) {
		s = sum_of(h, &in, h->vsew);
		if (any_active(&s))
			sum(h, &s);
		rv_vput(rv_vreg(h, in.vd), 0, s.size, s.acc);
	}
	return rv_vdone(h);
}

/* vfwredusum, vfwredosum */
enum rv_step rv_do_vfwredsum(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	int size = h->vsew + 1;
	uint32_t flags = 0;
	struct sum s;
	uint64_t i;
	void *wide = rv_vscratch(h, RV_VS_D);

	if (!fred_ok(h, &in, size))
		return rv_villegal(h);
	if (!h->arch.vl)
		return rv_vdone(h);
	s = sum_of(h, &in, size);
	if (any_active(&s)) {
		for (i = 0; i < s.n; i++)
			rv_vput(wide, i, size,
				s.m && !s.m[i] ?
					0 :
					rv_soft_convert(fmt_of(size), fmt_of(size - 1),
							rv_vget(s.a, i, size - 1), RV_RNE, &flags));
		h->arch.fcsr |= flags;
		s.a = wide;
		sum(h, &s);
	}
	rv_vput(rv_vreg(h, in.vd), 0, size, s.acc);
	return rv_vdone(h);
}

/* vfredmin, vfredmax; variant: the operation on two elements. */
enum rv_step rv_do_vfredminmax(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	rv_vloop *pick;
	struct rv_vargs x = { .count = 1 };
	struct sum s;
	uint64_t i;

	if (!fred_ok(h, &in, h->vsew))
		return rv_villegal(h);
	if (!h->arch.vl)
		return rv_vdone(h);
	s = sum_of(h, &in, h->vsew);
	pick = h->vloops->op[rv_op_call(op)->sub][s.size][0];
	x.d = &s.acc;
	x.a = &s.acc;
	for (i = 0; i < s.n; i++) {
		if (s.m && !s.m[i])
			continue;
		x.b = (const uint8_t *)s.a + (i << s.size);
		pick(&x);
	}
	h->arch.fcsr |= x.flags;
	rv_vput(rv_vreg(h, in.vd), 0, s.size, s.acc);
	return rv_vdone(h);
}
