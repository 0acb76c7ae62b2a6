// SPDX-License-Identifier: GPL-2.0-or-later
/* Scalar half precision (Zfh), in integers: kernels keep their halves in vectors. */
#include "fpenv.h"
#include "rv_int.h"
#include "softfp.h"

#define BOX16 0xffffffffffff0000ull
#define BOX32 0xffffffff00000000ull
#define NAN16 0x7e00u
#define NAN32 0x7fc00000u

static uint64_t unbox16(uint64_t v)
{
	return (v & BOX16) == BOX16 ? v & 0xffff : NAN16;
}

static bool nan16(uint64_t v)
{
	return (v & 0x7fff) > 0x7c00;
}

static bool snan16(uint64_t v)
{
	return nan16(v) && !(v & 0x200);
}

/* False: no rounding mode. */
static bool take_rm(const struct rv_hart *h, const struct rv_op *op, enum rv_rm *rm)
{
	*rm = (enum rv_rm)(rv_op_call(op)->rm == RV_DYN ? rv_frm(h) : rv_op_call(op)->rm);
	return (uint32_t)*rm <= RV_RMM;
}

enum rv_step rv_do_flh(struct rv_hart *h, const struct rv_op *op)
{
	uint64_t v;

	if (!rv_load_slow(h, h->arch.x[op->rs1] + (uint64_t)(int64_t)op->imm, 2, &v))
		return RV_STEP_FAULT;
	h->arch.f[op->rd] = BOX16 | v;
	return RV_STEP_NEXT;
}

enum rv_step rv_do_fsh(struct rv_hart *h, const struct rv_op *op)
{
	if (!rv_store_slow(h, h->arch.x[op->rs1] + (uint64_t)(int64_t)op->imm, 2,
			   h->arch.f[op->rs2]))
		return RV_STEP_FAULT;
	return RV_STEP_NEXT;
}

/* Variant: 0 add, 1 sub, 2 mul, 3 div, 4 sqrt; 8 fmadd, 9 fmsub, 10 fnmsub, 11 fnmadd. */
enum rv_step rv_do_half(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	uint64_t a = unbox16(h->arch.f[op->rs1]), b = unbox16(h->arch.f[op->rs2]);
	uint64_t c = unbox16(h->arch.f[op->rs3]), r;
	uint32_t flags = 0;
	enum rv_rm rm;

	if (!take_rm(h, op, &rm))
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	switch (what) {
	case 0:
	case 1:
		r = rv_soft_add(&rv_f16, a, what ? b ^ 0x8000 : b, rm, &flags);
		break;
	case 2:
		r = rv_soft_mul(&rv_f16, a, b, rm, &flags);
		break;
	case 3:
		r = rv_soft_div(&rv_f16, a, b, rm, &flags);
		break;
	case 4:
		r = rv_soft_sqrt(&rv_f16, a, rm, &flags);
		break;
	default:
		r = rv_soft_fma(&rv_f16, what >= 10 ? a ^ 0x8000 : a, b,
				what & 1 ? c ^ 0x8000 : c, rm, &flags);
	}
	h->arch.f[op->rd] = BOX16 | r;
	h->arch.fcsr |= flags;
	return RV_STEP_NEXT;
}

/* In the order of numbers, with -0 below 0. */
static int32_t order(uint64_t v)
{
	return v & 0x8000 ? -(int32_t)(v & 0x7fff) - 1 : (int32_t)v;
}

static uint64_t minmax(struct rv_hart *h, uint64_t a, uint64_t b, bool max)
{
	if (snan16(a) || snan16(b))
		h->arch.fcsr |= RV_NV;
	if (nan16(a) || nan16(b))
		return !nan16(a) ? a : !nan16(b) ? b : NAN16;
	return (order(a) < order(b)) != max ? a : b;
}

/* Variant: 0 fsgnj, 1 fsgnjn, 2 fsgnjx, 3 fmin, 4 fmax, 5 fmv.h.x. */
enum rv_step rv_do_half_move(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	uint64_t a = unbox16(h->arch.f[op->rs1]), b = unbox16(h->arch.f[op->rs2]), r;

	switch (what) {
	case 0:
	case 1:
	case 2:
		b = what == 0 ? b : what == 1 ? ~b : a ^ b;
		r = (a & 0x7fff) | (b & 0x8000);
		break;
	case 3:
	case 4:
		r = minmax(h, a, b, what == 4);
		break;
	default:
		r = h->arch.x[op->rs1] & 0xffff;
	}
	h->arch.f[op->rd] = BOX16 | r;
	return RV_STEP_NEXT;
}

/* Variant: 0 fle, 1 flt, 2 feq, 3 fclass, 4 fmv.x.h. */
enum rv_step rv_do_half_compare(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	uint64_t a = unbox16(h->arch.f[op->rs1]), b = unbox16(h->arch.f[op->rs2]), r;
	bool zeros = !((a | b) & 0x7fff);

	if (what == 3) {
		r = rv_soft_class(&rv_f16, a);
	} else if (what == 4) {
		r = (uint64_t)(int64_t)(int16_t)h->arch.f[op->rs1];
	} else if (nan16(a) || nan16(b)) {
		r = 0;
		if (what != 2 || snan16(a) || snan16(b))
			h->arch.fcsr |= RV_NV;
	} else {
		r = what == 0 ? zeros || order(a) <= order(b) :
		    what == 1 ? !zeros && order(a) < order(b) :
				zeros || a == b;
	}
	h->arch.x[op->rd] = r;
	return RV_STEP_NEXT;
}

/* Variant: 0 w, 1 wu, 2 l, 3 lu. */
enum rv_step rv_do_half_to_int(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	uint32_t flags = 0;
	enum rv_rm rm;

	if (!take_rm(h, op, &rm))
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	h->arch.x[op->rd] = rv_soft_to_int(&rv_f16, unbox16(h->arch.f[op->rs1]), !(what & 1),
					   what & 2 ? 64 : 32, rm, &flags);
	h->arch.fcsr |= flags;
	return RV_STEP_NEXT;
}

enum rv_step rv_do_half_from_int(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	uint64_t x = h->arch.x[op->rs1];
	uint32_t flags = 0;
	enum rv_rm rm;

	if (!take_rm(h, op, &rm))
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	x = what == 0 ? (uint64_t)(int64_t)(int32_t)x : what == 1 ? (uint32_t)x : x;
	h->arch.f[op->rd] = BOX16 | rv_soft_from_int(&rv_f16, x, !(what & 1), rm, &flags);
	h->arch.fcsr |= flags;
	return RV_STEP_NEXT;
}

/* Variant: 0 s.h, 1 d.h, 2 h.s, 3 h.d. */
enum rv_step rv_do_half_convert(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int what = rv_op_call(op)->sub;
	uint64_t v = h->arch.f[op->rs1], r;
	uint32_t flags = 0;
	enum rv_rm rm;

	if (!take_rm(h, op, &rm))
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	switch (what) {
	case 0:
		r = BOX32 | rv_soft_convert(&rv_f32, &rv_f16, unbox16(v), rm, &flags);
		break;
	case 1:
		r = rv_soft_convert(&rv_f64, &rv_f16, unbox16(v), rm, &flags);
		break;
	case 2:
		v = (v & BOX32) == BOX32 ? (uint32_t)v : NAN32;
		r = BOX16 | rv_soft_convert(&rv_f16, &rv_f32, v, rm, &flags);
		break;
	default:
		r = BOX16 | rv_soft_convert(&rv_f16, &rv_f64, v, rm, &flags);
	}
	h->arch.f[op->rd] = r;
	h->arch.fcsr |= flags;
	return RV_STEP_NEXT;
}
