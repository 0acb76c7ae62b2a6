// SPDX-License-Identifier: GPL-2.0-or-later
/* Integer and fixed-point vector instructions. */
#include <string.h>

#include "vec.h"

/* The scalar operand: x register, or the immediate, which some read unsigned. */
static uint64_t scalar_of(struct rv_hart *h, const struct rv_op *op, const struct rv_vinsn *in,
			  bool is_unsigned)
{
	if (rv_vform(in) == RV_OPIVI)
		return is_unsigned ? in->vs1 : (uint64_t)(int64_t)op->imm;
	return h->arch.x[in->vs1];
}

static bool is_shift(unsigned int id)
{
	switch (id) {
	case RV_V_SLL:
	case RV_V_SRL:
	case RV_V_SRA:
	case RV_V_SSRL:
	case RV_V_SSRA:
	case RV_V_NSRL:
	case RV_V_NSRA:
	case RV_V_NCLIPU:
	case RV_V_NCLIP:
		return true;
	}
	return false;
}

/* Operands and result of one size; the variant is the operation. */
enum rv_step rv_do_vbin(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int id = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int8_t sew = h->vsew, lmul = h->vlmul;
	struct rv_vshape s = {
		.ds = sew,
		.as = sew,
		.bs = sew,
		.scalar = rv_vscalar(&in),
		.tri = id >= RV_V_MACC && id <= RV_V_NMSUB,
		.flags = id >= RV_V_SADDU && id <= RV_V_SMUL,
	};
	uint64_t x = s.scalar ? scalar_of(h, op, &in, is_shift(id)) : 0;

	if (h->vill || !rv_valigned(in.vd, lmul) || !rv_valigned(in.vs2, lmul) ||
	    (!s.scalar && !rv_valigned(in.vs1, lmul)) || !rv_vmask_ok(&in))
		return rv_villegal(h);
	h->arch.vxsat |= rv_vrun(h, &in, h->vloops->op[id][sew][s.scalar], &s, &x);
	return rv_vdone(h);
}

/* Result twice as wide; variant: operation. */
enum rv_step rv_do_vwide(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int id = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int8_t sew = h->vsew, lmul = h->vlmul;
	bool wide_a = id >= RV_V_WADDU_W && id <= RV_V_WSUB_W;
	struct rv_vshape s = {
		.ds = (int8_t)(sew + 1),
		.as = (int8_t)(sew + wide_a),
		.bs = sew,
		.scalar = rv_vscalar(&in),
		.tri = id >= RV_V_WMACCU,
	};
	uint64_t x = s.scalar ? scalar_of(h, op, &in, false) : 0;

	if (h->vill || sew == 3 || lmul == 3 || !rv_valigned(in.vd, lmul + 1) ||
	    !rv_valigned(in.vs2, lmul + wide_a) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, sew + 1, lmul + 1, in.vs2, s.as, lmul + wide_a))
		return rv_villegal(h);
	if (!s.scalar && (!rv_valigned(in.vs1, lmul) ||
			  !rv_vshare_ok(in.vd, sew + 1, lmul + 1, in.vs1, sew, lmul)))
		return rv_villegal(h);
	rv_vrun(h, &in, h->vloops->op[id][sew][s.scalar], &s, &x);
	return rv_vdone(h);
}

/* vs2 twice as wide; variant: operation. */
enum rv_step rv_do_vnarrow(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int id = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int8_t sew = h->vsew, lmul = h->vlmul;
	struct rv_vshape s = {
		.ds = sew,
		.as = (int8_t)(sew + 1),
		.bs = sew,
		.scalar = rv_vscalar(&in),
		.flags = true,
	};
	uint64_t x = s.scalar ? scalar_of(h, op, &in, true) : 0;

	if (h->vill || sew == 3 || lmul == 3 || !rv_valigned(in.vd, lmul) ||
	    !rv_valigned(in.vs2, lmul + 1) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, sew, lmul, in.vs2, sew + 1, lmul + 1) ||
	    (!s.scalar && !rv_valigned(in.vs1, lmul)))
		return rv_villegal(h);
	h->arch.vxsat |= rv_vrun(h, &in, h->vloops->op[id][sew][s.scalar], &s, &x);
	return rv_vdone(h);
}

/* vzext, vsext; variant: log2 of the factor, and 4 for signed. */
enum rv_step rv_do_vext(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int sub = rv_op_call(op)->sub;
	int factor = sub & 3;
	struct rv_vinsn in = rv_vinsn(op);
	int8_t sew = h->vsew, lmul = h->vlmul;
	struct rv_vshape s = { .ds = sew, .as = (int8_t)(sew - factor), .bs = -1 };

	if (h->vill || s.as < 0 || !rv_vemul_ok(lmul - factor) || !rv_valigned(in.vd, lmul) ||
	    !rv_valigned(in.vs2, lmul - factor) || !rv_vmask_ok(&in) ||
	    !rv_vshare_ok(in.vd, sew, lmul, in.vs2, s.as, lmul - factor))
		return rv_villegal(h);
	rv_vrun(h, &in, h->vloops->ext[sub >> 2][factor - 1][s.as], &s, NULL);
	return rv_vdone(h);
}

/* Arguments of a loop over all of [0, vl), whose result goes to bytes. */
static struct rv_vargs byte_args(struct rv_hart *h, const struct rv_vinsn *in, const uint64_t *x)
{
	return (struct rv_vargs){
		.d = rv_vscratch(h, RV_VS_D),
		.a = rv_vreg(h, in->vs2),
		.b = rv_vscalar(in) ? (const void *)x : rv_vreg(h, in->vs1),
		.count = h->arch.vl,
	};
}

static bool compare_ok(struct rv_hart *h, const struct rv_vinsn *in)
{
	int8_t sew = h->vsew, lmul = h->vlmul;

	/* A mask's elements are smaller than any. */
	return !h->vill && rv_valigned(in->vs2, lmul) &&
	       rv_vshare_ok(in->vd, -1, 0, in->vs2, sew, lmul) &&
	       (rv_vscalar(in) ||
		(rv_valigned(in->vs1, lmul) && rv_vshare_ok(in->vd, -1, 0, in->vs1, sew, lmul)));
}

/* Comparisons into a mask; variant: operation. */
enum rv_step rv_do_vcmp(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int id = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t x = rv_vscalar(&in) ? scalar_of(h, op, &in, false) : 0;
	struct rv_vargs a = byte_args(h, &in, &x);

	if (!compare_ok(h, &in))
		return rv_villegal(h);
	h->vloops->op[id][h->vsew][rv_vscalar(&in)](&a);
	rv_vput_mask(h, in.vd, a.d, !in.vm);
	return rv_vdone(h);
}

static const uint8_t *carry_in(struct rv_hart *h, bool vm)
{
	if (!vm)
		return rv_vmask(h);
	memset(rv_vscratch(h, RV_VS_E), 0, h->arch.vl);
	return rv_vscratch(h, RV_VS_E);
}

/* vmadc, vmsbc: all elements are active, the mask is the carry. */
enum rv_step rv_do_vcmpc(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int id = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t x = rv_vscalar(&in) ? scalar_of(h, op, &in, false) : 0;
	struct rv_vargs a = byte_args(h, &in, &x);

	if (!compare_ok(h, &in))
		return rv_villegal(h);
	a.m = carry_in(h, in.vm);
	h->vloops->op[id][h->vsew][rv_vscalar(&in)](&a);
	rv_vput_mask(h, in.vd, a.d, false);
	return rv_vdone(h);
}

/* vadc, vsbc, vmerge: the mask is an operand; variant: operation. */
enum rv_step rv_do_vcarry(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int id = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	int8_t sew = h->vsew, lmul = h->vlmul;
	bool scalar = rv_vscalar(&in);
	uint64_t x = scalar ? scalar_of(h, op, &in, false) : 0, start = h->arch.vstart;
	struct rv_vargs a;

	if (h->vill || !in.vd || !rv_valigned(in.vd, lmul) || !rv_valigned(in.vs2, lmul) ||
	    (!scalar && !rv_valigned(in.vs1, lmul)))
		return rv_villegal(h);
	if (start < h->arch.vl) {
		a = (struct rv_vargs){
			.d = rv_vreg(h, in.vd) + (start << sew),
			.a = rv_vreg(h, in.vs2) + (start << sew),
			.b = scalar ? (const void *)&x : rv_vreg(h, in.vs1) + (start << sew),
			.m = rv_vmask(h) + start,
			.count = h->arch.vl - start,
		};
		h->vloops->op[id][sew][scalar](&a);
	}
	return rv_vdone(h);
}

/* vmv.v.v, vmv.v.x, vmv.v.i */
enum rv_step rv_do_vmv_v(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	int8_t sew = h->vsew, lmul = h->vlmul;
	uint64_t start = h->arch.vstart, n = h->arch.vl - start, x;
	struct rv_vargs a = { .d = rv_vreg(h, in.vd) + (start << sew), .b = &x, .count = n };

	if (h->vill || !rv_valigned(in.vd, lmul) ||
	    (!rv_vscalar(&in) && !rv_valigned(in.vs1, lmul)))
		return rv_villegal(h);
	if (start < h->arch.vl) {
		if (rv_vscalar(&in)) {
			x = scalar_of(h, op, &in, false);
			h->vloops->splat[sew](&a);
		} else {
			memmove(a.d, rv_vreg(h, in.vs1) + (start << sew), n << sew);
		}
	}
	return rv_vdone(h);
}
