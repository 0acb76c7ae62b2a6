// SPDX-License-Identifier: GPL-2.0-or-later
/* Instructions on masks. */
#include <string.h>

#include "vec.h"

static uint8_t logical(unsigned int f, uint8_t a, uint8_t b)
{
	switch (f) {
	case 0:
		return a & (uint8_t)~b;
	case 1:
		return a & b;
	case 2:
		return a | b;
	case 3:
		return a ^ b;
	case 4:
		return a | (uint8_t)~b;
	case 5:
		return (uint8_t)~(a & b);
	case 6:
		return (uint8_t)~(a | b);
	default:
		return (uint8_t)~(a ^ b);
	}
}

/* Variant: low bits of funct6 (andn, and, or, xor, orn, nand, nor, xnor). */
enum rv_step rv_do_vmlogic(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int f = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	const uint8_t *a = rv_vreg(h, in.vs2), *b = rv_vreg(h, in.vs1);
	uint8_t *t = rv_vscratch(h, RV_VS_A);
	uint64_t k;

	if (h->vill)
		return rv_villegal(h);
	for (k = 0; k < (h->arch.vl + 7) / 8; k++)
		t[k] = logical(f, a[k], b[k]);
	rv_vput_bits(h, in.vd, t, false);
	return rv_vdone(h);
}

/* Byte @k of vs2's active bits below vl. */
static unsigned int active_byte(struct rv_hart *h, const struct rv_vinsn *in, uint64_t k)
{
	unsigned int v = rv_vreg(h, in->vs2)[k];

	if (!in->vm)
		v &= rv_vreg(h, 0)[k];
	if (h->arch.vl - k * 8 < 8)
		v &= (1u << (h->arch.vl - k * 8)) - 1;
	return v;
}

static int64_t first_set(struct rv_hart *h, const struct rv_vinsn *in)
{
	uint64_t k;

	for (k = 0; k < (h->arch.vl + 7) / 8; k++) {
		unsigned int v = active_byte(h, in, k);

		if (v)
			return (int64_t)(k * 8) + __builtin_ctz(v);
	}
	return -1;
}

/* vcpop, vfirst; variant: 1 for vfirst. */
enum rv_step rv_do_vmcount(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t n = 0, k;

	if (h->vill || h->arch.vstart)
		return rv_villegal(h);
	if (rv_op_call(op)->sub) {
		h->arch.x[op->rd] = (uint64_t)first_set(h, &in);
		return rv_vdone(h);
	}
	for (k = 0; k < (h->arch.vl + 7) / 8; k++)
		n += (unsigned int)__builtin_popcount(active_byte(h, &in, k));
	h->arch.x[op->rd] = n;
	return rv_vdone(h);
}

/* vmsbf, vmsif, vmsof: before, up to, only the first; variant in this order. */
enum rv_step rv_do_vmset(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int sub = rv_op_call(op)->sub;
	struct rv_vinsn in = rv_vinsn(op);
	uint8_t *t = rv_vscratch(h, RV_VS_A);
	int64_t first;

	if (h->vill || h->arch.vstart || in.vd == in.vs2 || !rv_vmask_ok(&in))
		return rv_villegal(h);
	first = first_set(h, &in);
	if (first < 0) {
		memset(t, sub == 2 ? 0 : 0xff, h->vlenb);
	} else {
		memset(t, 0, h->vlenb);
		if (sub != 2) {
			memset(t, 0xff, (size_t)first / 8);
			t[first / 8] = (uint8_t)((1u << (first & 7)) - 1);
		}
		if (sub != 0)
			t[first / 8] |= (uint8_t)(1u << (first & 7));
	}
	rv_vput_bits(h, in.vd, t, !in.vm);
	return rv_vdone(h);
}

static bool index_ok(const struct rv_hart *h, const struct rv_vinsn *in)
{
	return !h->vill && rv_valigned(in->vd, h->vlmul) && rv_vmask_ok(in);
}

enum rv_step rv_do_viota(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	const uint8_t *v0 = rv_vreg(h, 0), *src = rv_vreg(h, in.vs2);
	uint64_t n = 0, i;

	if (!index_ok(h, &in) || h->arch.vstart ||
	    rv_voverlap(in.vd, rv_vgroup(h->vlmul), in.vs2, 1))
		return rv_villegal(h);
	for (i = 0; i < h->arch.vl; i++) {
		if (!in.vm && !rv_vbit(v0, i))
			continue;
		rv_vput(rv_vreg(h, in.vd), i, h->vsew, n);
		n += rv_vbit(src, i);
	}
	return rv_vdone(h);
}

enum rv_step rv_do_vid(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	const uint8_t *v0 = rv_vreg(h, 0);
	uint64_t i;

	if (!index_ok(h, &in))
		return rv_villegal(h);
	for (i = h->arch.vstart; i < h->arch.vl; i++)
		if (in.vm || rv_vbit(v0, i))
			rv_vput(rv_vreg(h, in.vd), i, h->vsew, i);
	return rv_vdone(h);
}
