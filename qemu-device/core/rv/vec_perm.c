// SPDX-License-Identifier: GPL-2.0-or-later
/* Moves of and within vector registers. */
#include <string.h>

#include "fpenv.h"
#include "vec.h"

static uint64_t sext_from(uint64_t v, int size)
{
	unsigned int shift = 64 - (8u << size);

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

enum rv_step rv_do_vmv_x_s(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);

	if (h->vill)
		return rv_villegal(h);
	h->arch.x[op->rd] = sext_from(rv_vget(rv_vreg(h, in.vs2), 0, h->vsew), h->vsew);
	return rv_vdone(h);
}

enum rv_step rv_do_vmv_s_x(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);

	if (h->vill)
		return rv_villegal(h);
	if (h->arch.vstart < h->arch.vl)
		rv_vput(rv_vreg(h, in.vd), 0, h->vsew, h->arch.x[in.vs1]);
	return rv_vdone(h);
}

static bool fp_ok(const struct rv_hart *h)
{
	return !h->vill && h->vsew >= 1 && rv_frm(h) <= 4;
}

static uint64_t fp_scalar(const struct rv_hart *h, unsigned int reg)
{
	uint64_t v = h->arch.f[reg], ones = h->vsew == 3 ? 0 : UINT64_MAX << (8 << h->vsew);

	if ((v & ones) != ones)
		return h->vsew == 1 ? 0x7e00 : 0x7fc00000;
	return v;
}

enum rv_step rv_do_vfmv_f_s(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t ones = h->vsew == 3 ? 0 : UINT64_MAX << (8 << h->vsew);

	if (!fp_ok(h))
		return rv_villegal(h);
	h->arch.f[in.vd] = rv_vget(rv_vreg(h, in.vs2), 0, h->vsew) | ones;
	return rv_vdone(h);
}

enum rv_step rv_do_vfmv_s_f(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);

	if (!fp_ok(h))
		return rv_villegal(h);
	if (h->arch.vstart < h->arch.vl)
		rv_vput(rv_vreg(h, in.vd), 0, h->vsew, fp_scalar(h, in.vs1));
	return rv_vdone(h);
}

/* vfmv.v.f, vfmerge.vfm */
enum rv_step rv_do_vfmerge(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	int size = h->vsew;
	uint64_t start = h->arch.vstart, x;
	struct rv_vargs a;

	if (!fp_ok(h) || !rv_valigned(in.vd, h->vlmul) ||
	    (!in.vm && (!in.vd || !rv_valigned(in.vs2, h->vlmul))))
		return rv_villegal(h);
	if (start >= h->arch.vl)
		return rv_vdone(h);
	x = fp_scalar(h, in.vs1);
	a = (struct rv_vargs){
		.d = rv_vreg(h, in.vd) + (start << size),
		.a = rv_vreg(h, in.vs2) + (start << size),
		.b = &x,
		.count = h->arch.vl - start,
	};
	if (in.vm) {
		h->vloops->splat[size](&a);
	} else {
		a.m = rv_vmask(h) + start;
		h->vloops->op[RV_V_MERGE][size][1](&a);
	}
	return rv_vdone(h);
}

/* ---- slides ---- */

/* Elements [from, vl) of scratch area D become vd's, under the mask. */
static void take(struct rv_hart *h, const struct rv_vinsn *in, uint64_t from)
{
	int size = h->vsew;
	uint8_t *d = rv_vreg(h, in->vd) + (from << size),
		*s = rv_vscratch(h, RV_VS_D) + (from << size);
	struct rv_vargs x = { .d = d, .a = s, .count = h->arch.vl - from };

	if (from >= h->arch.vl)
		return;
	if (in->vm) {
		memcpy(d, s, x.count << size);
	} else {
		x.m = rv_vmask(h) + from;
		h->vloops->blend[size](&x);
	}
}

static bool slide_ok(const struct rv_hart *h, const struct rv_vinsn *in, bool up)
{
	return !h->vill && rv_valigned(in->vd, h->vlmul) && rv_valigned(in->vs2, h->vlmul) &&
	       rv_vmask_ok(in) && (!up || in->vd != in->vs2);
}

static void slide_up(struct rv_hart *h, const struct rv_vinsn *in, uint64_t off)
{
	uint64_t start = h->arch.vstart, from = off > start ? off : start;

	if (from >= h->arch.vl)
		return;
	memcpy(rv_vscratch(h, RV_VS_D) + (from << h->vsew),
	       rv_vreg(h, in->vs2) + ((from - off) << h->vsew), (h->arch.vl - from) << h->vsew);
	take(h, in, from);
}

/* What lies behind the group reads as zero; @lim is the number of its elements. */
static void slide_down(struct rv_hart *h, const struct rv_vinsn *in, uint64_t off)
{
	uint64_t vl = h->arch.vl, have = off < h->vlmax ? h->vlmax - off : 0;
	uint8_t *t = rv_vscratch(h, RV_VS_D);

	if (have > vl)
		have = vl;
	if (have)
		memcpy(t, rv_vreg(h, in->vs2) + (off << h->vsew), have << h->vsew);
	memset(t + (have << h->vsew), 0, (vl - have) << h->vsew);
}

/* Variant: 1 down. */
enum rv_step rv_do_vslide(struct rv_hart *h, const struct rv_op *op)
{
	bool down = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t off = rv_vform(&in) == RV_OPIVI ? in.vs1 : h->arch.x[in.vs1];

	if (!slide_ok(h, &in, !down))
		return rv_villegal(h);
	if (!down) {
		slide_up(h, &in, off);
	} else {
		slide_down(h, &in, off);
		take(h, &in, h->arch.vstart);
	}
	return rv_vdone(h);
}

/* By one, with a scalar coming in; variant: 1 down, 2 floating point. */
enum rv_step rv_do_vslide1(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int sub = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	uint8_t *t = rv_vscratch(h, RV_VS_D);
	uint64_t x, vl = h->arch.vl;

	if (!slide_ok(h, &in, !(sub & 1)) || ((sub & 2) && !fp_ok(h)))
		return rv_villegal(h);
	if (h->arch.vstart >= vl)
		return rv_vdone(h);
	x = sub & 2 ? fp_scalar(h, in.vs1) : h->arch.x[in.vs1];
	if (sub & 1) {
		slide_down(h, &in, 1);
		rv_vput(t, vl - 1, h->vsew, x);
	} else {
		memcpy(t + (1u << h->vsew), rv_vreg(h, in.vs2), (vl - 1) << h->vsew);
		rv_vput(t, 0, h->vsew, x);
	}
	take(h, &in, h->arch.vstart);
	return rv_vdone(h);
}

/* ---- gather and compress ---- */

#define GATHER(T, I)                                  \
	for (i = h->arch.vstart; i < h->arch.vl; i++) \
	((T *)t)[i] = ((const I *)idx)[i] < max ? ((const T *)src)[((const I *)idx)[i]] : 0

/* Variant: 1 for indices of 16 bits. */
enum rv_step rv_do_vrgather(struct rv_hart *h, const struct rv_op *op)
{
	bool ei16 = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int lmul = h->vlmul, size = h->vsew, ilmul = ei16 ? lmul + 1 - size : lmul;
	const uint8_t *src = rv_vreg(h, in.vs2), *idx = rv_vreg(h, in.vs1);
	uint8_t *t = rv_vscratch(h, RV_VS_D);
	uint64_t i, max = h->vlmax;

	if (!slide_ok(h, &in, true) || !rv_vemul_ok(ilmul) || !rv_valigned(in.vs1, ilmul) ||
	    rv_voverlap(in.vd, rv_vgroup(lmul), in.vs1, rv_vgroup(ilmul)))
		return rv_villegal(h);
	switch (size * 2 + ei16) {
	case 0:
		GATHER(rv_u8, rv_u8);
		break;
	case 1:
		GATHER(rv_u8, rv_u16);
		break;
	case 2:
	case 3:
		GATHER(rv_u16, rv_u16);
		break;
	case 4:
		GATHER(rv_u32, rv_u32);
		break;
	case 5:
		GATHER(rv_u32, rv_u16);
		break;
	case 6:
		GATHER(rv_u64, rv_u64);
		break;
	default:
		GATHER(rv_u64, rv_u16);
	}
	take(h, &in, h->arch.vstart);
	return rv_vdone(h);
}

/* One element everywhere. */
enum rv_step rv_do_vrgather_x(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t i = rv_vform(&in) == RV_OPIVI ? in.vs1 : h->arch.x[in.vs1], x;
	struct rv_vargs a = { .d = rv_vscratch(h, RV_VS_D), .b = &x, .count = h->arch.vl };

	if (!slide_ok(h, &in, true))
		return rv_villegal(h);
	x = i < h->vlmax ? rv_vget(rv_vreg(h, in.vs2), i, h->vsew) : 0;
	h->vloops->splat[h->vsew](&a);
	take(h, &in, h->arch.vstart);
	return rv_vdone(h);
}

enum rv_step rv_do_vcompress(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	const uint8_t *src = rv_vreg(h, in.vs2), *mask = rv_vreg(h, in.vs1);
	uint8_t *d = rv_vreg(h, in.vd);
	uint64_t i, n = 0;

	if (h->vill || h->arch.vstart || !rv_valigned(in.vd, h->vlmul) ||
	    !rv_valigned(in.vs2, h->vlmul) || in.vd == in.vs2 ||
	    rv_voverlap(in.vd, rv_vgroup(h->vlmul), in.vs1, 1))
		return rv_villegal(h);
	for (i = 0; i < h->arch.vl; i++)
		if (rv_vbit(mask, i))
			rv_vput(d, n++, h->vsew, rv_vget(src, i, h->vsew));
	return rv_vdone(h);
}

/* vmv<n>r.v; variant: the number of registers. */
enum rv_step rv_do_vmvr(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int n = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t size = (uint64_t)n * h->vlenb, from;

	if (h->vill || (in.vd | in.vs2) & (n - 1))
		return rv_villegal(h);
	from = h->arch.vstart << h->vsew;
	if (from < size)
		memmove(rv_vreg(h, in.vd) + from, rv_vreg(h, in.vs2) + from, size - from);
	return rv_vdone(h);
}
