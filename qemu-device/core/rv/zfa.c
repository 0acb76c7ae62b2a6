// SPDX-License-Identifier: GPL-2.0-or-later
/* Zfa in single, double and half precision, in integers; the format is in the encoding. */
#include <string.h>

#include "fpenv.h"
#include "rv_int.h"
#include "softfp.h"

static const struct rv_ffmt *format_of(const struct rv_op *op)
{
	static const struct rv_ffmt *const formats[4] = { &rv_f32, &rv_f64, &rv_f16, &rv_f32 };

	return formats[rv_op_call(op)->raw >> 25 & 3];
}

static unsigned int width(const struct rv_ffmt *f)
{
	return 1 + f->ebits + f->fbits;
}

/* What a register holds above a value of the format. */
static uint64_t box(const struct rv_ffmt *f)
{
	return width(f) == 64 ? 0 : ~0ull << width(f);
}

static uint64_t infinity(const struct rv_ffmt *f)
{
	return ((1ull << f->ebits) - 1) << f->fbits;
}

static uint64_t quiet_nan(const struct rv_ffmt *f)
{
	return infinity(f) | 1ull << (f->fbits - 1);
}

static uint64_t operand(const struct rv_ffmt *f, uint64_t reg)
{
	return (reg & box(f)) == box(f) ? reg & ~box(f) : quiet_nan(f);
}

static uint64_t magnitude(const struct rv_ffmt *f, uint64_t v)
{
	return v & ((1ull << (width(f) - 1)) - 1);
}

static bool is_nan(const struct rv_ffmt *f, uint64_t v)
{
	return magnitude(f, v) > infinity(f);
}

static bool is_snan(const struct rv_ffmt *f, uint64_t v)
{
	return is_nan(f, v) && !(v >> (f->fbits - 1) & 1);
}

/* In the order of numbers, with -0 below 0. */
static int64_t order(const struct rv_ffmt *f, uint64_t v)
{
	int64_t m = (int64_t)magnitude(f, v);

	return v >> (width(f) - 1) ? -m - 1 : m;
}

/* The values of fli.*. Half precision has an infinity for 2^16. */
#define CONSTANTS(smallest_normal)                                                               \
	-1, smallest_normal, 0x1p-16f, 0x1p-15f, 0x1p-8f, 0x1p-7f, 0.0625f, 0.125f, 0.25f,       \
		0.3125f, 0.375f, 0.4375f, 0.5f, 0.625f, 0.75f, 0.875f, 1, 1.25f, 1.5f, 1.75f, 2, \
		2.5f, 3, 4, 8, 16, 128, 256, 32768, 65536, __builtin_inff(), __builtin_nanf("")

static uint64_t constant(const struct rv_ffmt *f, unsigned int n)
{
	static const float singles[32] = { CONSTANTS(0x1p-126f) };
	static const double doubles[32] = { CONSTANTS(0x1p-1022) };
	uint64_t v = 0;
	uint32_t flags = 0;

	if (f == &rv_f32) {
		memcpy(&v, &singles[n], sizeof(singles[n]));
		return v;
	}
	if (f == &rv_f16 && n == 1)
		return 1ull << f->fbits;
	memcpy(&v, &doubles[n], sizeof(v));
	return f == &rv_f64 ? v : rv_soft_convert(f, &rv_f64, v, RV_RNE, &flags);
}

enum rv_step rv_do_fli(struct rv_hart *h, const struct rv_op *op)
{
	const struct rv_ffmt *f = format_of(op);

	h->arch.f[op->rd] = box(f) | constant(f, rv_op_call(op)->raw >> 15 & 31);
	return RV_STEP_NEXT;
}

/* Variant: 0 fround, 1 froundnx. */
enum rv_step rv_do_fround(struct rv_hart *h, const struct rv_op *op)
{
	const struct rv_ffmt *f = format_of(op);
	const struct rv_call *call = rv_op_call(op);
	enum rv_rm rm = (enum rv_rm)(call->rm == RV_DYN ? rv_frm(h) : call->rm);
	uint32_t flags = 0;
	uint64_t r;

	if ((uint32_t)rm > RV_RMM)
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	r = rv_soft_round(f, operand(f, h->arch.f[op->rs1]), rm, &flags);
	h->arch.f[op->rd] = box(f) | r;
	h->arch.fcsr |= call->sub ? flags : flags & ~RV_NX;
	return RV_STEP_NEXT;
}

/* Variant: 0 fminm, 1 fmaxm. A NaN makes a NaN. */
enum rv_step rv_do_fminmaxm(struct rv_hart *h, const struct rv_op *op)
{
	const struct rv_ffmt *f = format_of(op);
	uint64_t a = operand(f, h->arch.f[op->rs1]), b = operand(f, h->arch.f[op->rs2]), r;

	if (is_snan(f, a) || is_snan(f, b))
		h->arch.fcsr |= RV_NV;
	if (is_nan(f, a) || is_nan(f, b))
		r = quiet_nan(f);
	else
		r = (order(f, a) < order(f, b)) != rv_op_call(op)->sub ? a : b;
	h->arch.f[op->rd] = box(f) | r;
	return RV_STEP_NEXT;
}

/* Variant: 0 fleq, 1 fltq. */
enum rv_step rv_do_fcmpq(struct rv_hart *h, const struct rv_op *op)
{
	const struct rv_ffmt *f = format_of(op);
	uint64_t a = operand(f, h->arch.f[op->rs1]), b = operand(f, h->arch.f[op->rs2]);
	bool zeros = !magnitude(f, a | b), less = order(f, a) < order(f, b);

	if (is_snan(f, a) || is_snan(f, b))
		h->arch.fcsr |= RV_NV;
	if (is_nan(f, a) || is_nan(f, b))
		h->arch.x[op->rd] = 0;
	else if (rv_op_call(op)->sub)
		h->arch.x[op->rd] = less && !zeros;
	else
		h->arch.x[op->rd] = less || zeros || a == b;
	return RV_STEP_NEXT;
}

/* The low 32 bits of the integer part; flags as fcvt.w.d has them. */
enum rv_step rv_do_fcvtmod(struct rv_hart *h, const struct rv_op *op)
{
	uint64_t a = h->arch.f[op->rs1], sig = (a & 0xfffffffffffff) | 1ull << 52;
	int shift = (int)(a >> 52 & 0x7ff) - 1075;
	uint32_t flags = 0, r = 0;

	rv_soft_to_int(&rv_f64, a, true, 32, RV_RTZ, &flags);
	if (shift < 0 && shift > -53)
		r = (uint32_t)(sig >> -shift);
	else if (shift >= 0 && shift < 32)
		r = (uint32_t)(sig << shift);
	if (a >> 63)
		r = -r;
	h->arch.x[op->rd] = (uint64_t)(int64_t)(int32_t)r;
	h->arch.fcsr |= flags;
	return RV_STEP_NEXT;
}
