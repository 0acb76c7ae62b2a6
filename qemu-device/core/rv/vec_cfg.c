// SPDX-License-Identifier: GPL-2.0-or-later
/* vtype and vl, and how element-wise loops are run. */
#include <string.h>

#include "vec.h"

static int lmul_of(uint64_t vtype)
{
	return (int)(vtype & 7) - (vtype & 4 ? 8 : 0);
}

static int sew_of(uint64_t vtype)
{
	return (int)(vtype >> 3 & 7);
}

/* Elements in a group, at least 2; 0: a vtype that does not exist. */
static uint64_t vlmax_of(uint32_t vlenb, uint64_t vtype)
{
	int lmul = lmul_of(vtype), sew = sew_of(vtype);

	/* A fraction must hold an element of its size when registers have 64 bits. */
	if (vtype >> 8 || sew > 3 || lmul == -4 || sew > lmul + 3)
		return 0;
	return lmul >= 0 ? (uint64_t)vlenb << lmul >> sew : vlenb >> -lmul >> sew;
}

/* Sets the derived values; false: a vtype that does not exist. */
static bool decode_vtype(struct rv_hart *h, uint64_t vtype)
{
	h->vlmax = vlmax_of(h->vlenb, vtype);
	h->vill = !h->vlmax;
	h->vsew = (int8_t)(h->vill ? 0 : sew_of(vtype));
	h->vlmul = (int8_t)(h->vill ? 0 : lmul_of(vtype));
	return !h->vill;
}

void rv_vsync(struct rv_hart *h)
{
	if (!decode_vtype(h, h->arch.vtype)) {
		h->arch.vtype = RV_VILL;
		h->arch.vl = 0;
	}
	if (h->arch.vl > h->vlmax)
		h->arch.vl = h->vlmax;
	h->arch.vstart &= h->vlenb * 8 - 1;
	h->arch.vxrm &= 3;
	h->arch.vxsat &= 1;
}

bool rv_vector_state_ok(const struct rv_hart *h)
{
	const struct rv_arch *a = &h->arch;
	uint64_t vlmax = vlmax_of(h->vlenb, a->vtype);

	return (vlmax || a->vtype == RV_VILL) && a->vl <= vlmax && a->vstart < h->vlenb * 8 && a->vxrm <= 3 &&
	       a->vxsat <= 1;
}

static enum rv_step set_vl(struct rv_hart *h, const struct rv_op *op, uint64_t avl, uint64_t vtype)
{
	h->arch.vstart = 0;
	h->v_used = true;
	if (vtype != h->arch.vtype) {
		h->arch.vtype = decode_vtype(h, vtype) ? vtype : RV_VILL;
		rv_vsync(h);
	}
	h->arch.vl = avl < h->vlmax ? avl : h->vlmax;
	h->arch.x[op->rd] = h->arch.vl;
	return RV_STEP_NEXT;
}

/* x0 as the wanted length: all there is, or (with x0 as the result) as before. */
static uint64_t wanted(const struct rv_hart *h, const struct rv_op *op)
{
	if (op->rs1)
		return h->arch.x[op->rs1];
	return op->rd != 32 ? UINT64_MAX : h->arch.vl;
}

/* Variant: 0 vsetvli, 1 vsetivli, 2 vsetvl */
enum rv_step rv_do_vset(struct rv_hart *h, const struct rv_op *op)
{
	uint32_t raw = rv_op_call(op)->raw;

	switch (rv_op_call(op)->sub) {
	case 0:
		return set_vl(h, op, wanted(h, op), raw >> 20 & 0x7ff);
	case 1:
		return set_vl(h, op, op->rs1, raw >> 20 & 0x3ff);
	default:
		return set_vl(h, op, wanted(h, op), h->arch.x[op->rs2]);
	}
}

const uint8_t *rv_vmask(struct rv_hart *h)
{
	struct rv_vargs x = {
		.d = rv_vscratch(h, RV_VS_E),
		.a = rv_vreg(h, 0),
		.count = h->arch.vl,
	};

	h->vloops->expand(&x);
	return x.d;
}

static void copy_if_shared(struct rv_hart *h, const void *d, size_t dn, const void **s, size_t sn,
			   unsigned int area)
{
	const uint8_t *dp = d, *sp = *s;

	if (sp >= dp + dn || dp >= sp + sn)
		return;
	memcpy(rv_vscratch(h, area), sp, sn);
	*s = rv_vscratch(h, area);
}

static void substitute(struct rv_hart *h, struct rv_vargs *x, const void **s, int size,
		       unsigned int area, size_t k)
{
	struct rv_vargs y = { .d = rv_vscratch(h, area), .a = *s, .m = x->m, .count = x->count };

	y.b = (const uint8_t *)*s + (k << size);
	h->vloops->subst[size](&y);
	*s = y.d;
}

/* Inactive elements must not raise flags: compute active element @k instead. */
static void make_harmless(struct rv_hart *h, struct rv_vargs *x, const struct rv_vshape *s,
			  size_t k)
{
	substitute(h, x, &x->a, s->as, RV_VS_A, k);
	if (s->bs >= 0 && !s->scalar)
		substitute(h, x, &x->b, s->bs, RV_VS_B, k);
	if (s->tri)
		substitute(h, x, &x->c, s->ds, RV_VS_C, k);
}

static void run_masked(struct rv_hart *h, rv_vloop *fn, struct rv_vargs *x,
		       const struct rv_vshape *s)
{
	struct rv_vargs y = { .d = x->d, .count = x->count };

	const uint8_t *first;

	x->m = rv_vmask(h) + h->arch.vstart;
	y.m = x->m;
	first = memchr(x->m, 1, x->count);
	if (!first)
		return;
	if (s->flags)
		make_harmless(h, x, s, (size_t)(first - x->m));
	x->d = rv_vscratch(h, RV_VS_D);
	y.a = x->d;
	fn(x);
	h->vloops->blend[s->ds](&y);
}

uint32_t rv_vrun(struct rv_hart *h, const struct rv_vinsn *in, rv_vloop *fn,
		 const struct rv_vshape *s, const void *sb)
{
	uint64_t start = h->arch.vstart;
	struct rv_vargs x = {
		.d = rv_vreg(h, in->vd) + (start << s->ds),
		.a = rv_vreg(h, in->vs2) + (start << s->as),
		.count = h->arch.vl - start,
		.rm = h->arch.vxrm,
	};

	if (start >= h->arch.vl)
		return 0;
	if (s->scalar)
		x.b = sb;
	else if (s->bs >= 0)
		x.b = rv_vreg(h, in->vs1) + (start << s->bs);
	x.c = x.d;
	if (!in->vm) {
		run_masked(h, fn, &x, s);
		return x.flags;
	}
	if (s->ds != s->as)
		copy_if_shared(h, x.d, x.count << s->ds, &x.a, x.count << s->as, RV_VS_A);
	if (s->bs >= 0 && !s->scalar && s->ds != s->bs)
		copy_if_shared(h, x.d, x.count << s->ds, &x.b, x.count << s->bs, RV_VS_B);
	fn(&x);
	return x.flags;
}

/* Bits [start, vl) of one byte of the mask. */
static unsigned int range_bits(uint64_t start, uint64_t vl, uint64_t byte)
{
	unsigned int sel = 0xff;

	if (byte * 8 < start)
		sel &= start - byte * 8 < 8 ? 0xffu << (start - byte * 8) : 0;
	if (byte * 8 + 8 > vl)
		sel &= vl > byte * 8 ? (1u << (vl - byte * 8)) - 1 : 0;
	return sel & 0xff;
}

void rv_vput_bits(struct rv_hart *h, unsigned int vd, const uint8_t *bits, bool masked)
{
	uint64_t start = h->arch.vstart, vl = h->arch.vl, k;
	const uint8_t *v0 = rv_vreg(h, 0);
	uint8_t *d = rv_vreg(h, vd);

	for (k = start / 8; k < (vl + 7) / 8; k++) {
		unsigned int sel = range_bits(start, vl, k) & (masked ? v0[k] : 0xffu);

		d[k] = (uint8_t)((d[k] & ~sel) | (bits[k] & sel));
	}
}

void rv_vput_mask(struct rv_hart *h, unsigned int vd, const uint8_t *bytes, bool masked)
{
	struct rv_vargs x = {
		.d = rv_vscratch(h, RV_VS_A),
		.a = bytes,
		.count = (h->arch.vl + 7) & ~(uint64_t)7,
	};

	h->vloops->pack(&x);
	rv_vput_bits(h, vd, x.d, masked);
}
