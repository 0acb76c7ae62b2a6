/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the vector unit (RVV 1.0): what its handlers share.
 *
 * A handler checks the instruction against vtype, finds the registers in
 * hart->v (a group is contiguous there), and calls one loop over elements for
 * [vstart, vl). Under a mask the loop computes all elements into scratch
 * memory and a second one takes over the active ones; where inactive elements
 * could raise flags, their operands are replaced by an active one's first.
 * Inactive and tail elements keep their values (which both policies allow).
 */
#ifndef DSA_CORE_RV_VEC_H
#define DSA_CORE_RV_VEC_H

#include "rv_int.h"
#include "vec_ops.h"

struct rv_vargs {
	void *d;
	const void *a, *b, *c; /* vs2, vs1 or the scalar, old vd */
	const uint8_t *m;      /* mask, a byte an element */
	size_t count;
	uint32_t rm;    /* vxrm */
	uint32_t flags; /* vxsat, or bits of fflags that the host does not have */
};

typedef void rv_vloop(struct rv_vargs *x);

enum rv_vred {
	RV_RED_SUM,
	RV_RED_AND,
	RV_RED_OR,
	RV_RED_XOR,
	RV_RED_MINU,
	RV_RED_MIN,
	RV_RED_MAXU,
	RV_RED_MAX,
	RV_RED_COUNT
};

/* Index: log2 of the element's bytes, then 1 for a scalar operand. */
struct rv_vloops {
	rv_vloop *op[RV_VOP_COUNT][4][2];
	rv_vloop *red[RV_RED_COUNT][4];
	rv_vloop *blend[4], *subst[4], *store[4], *splat[4];
	rv_vloop *expand, *pack;
	rv_vloop *ext[2][3][3]; /* signed, log2 of the factor - 1, from size */
	rv_vloop *f32_to_f64, *f64_to_f32, *bf16_to_f32;
	rv_vloop *f16_to_f32, *f32_to_f16, *fma16, *f32_to_i32; /* NULL: in software */
	bool (*f32_to_bf16)(struct rv_vargs *x);
	rv_vloop *f32_to_i32_rtz, *i32_to_f32;
	bool (*f32_all_below)(const void *p, size_t n, float limit);
	void (*copy)(void *d, const void *s, size_t bytes);
};

extern const struct rv_vloops rv_vloops_base, rv_vloops_avx2, rv_vloops_avx512;

/* vtype's fields */
#define RV_VILL (1ull << 63)

/* Scratch areas: each two largest groups. */
enum { RV_VS_D, RV_VS_A, RV_VS_B, RV_VS_C, RV_VS_E, RV_VS_F, RV_VS_COUNT };

static inline uint8_t *rv_vscratch(struct rv_hart *h, unsigned int n)
{
	return h->vscratch + (size_t)n * 16 * h->vlenb;
}

static inline uint8_t *rv_vreg(struct rv_hart *h, unsigned int r)
{
	return h->v + (size_t)r * h->vlenb;
}

/* An instruction's fields, ready to use. */
struct rv_vinsn {
	uint8_t vd, vs1, vs2;
	bool vm; /* not masked */
	uint32_t raw;
};

static inline struct rv_vinsn rv_vinsn(const struct rv_op *op)
{
	uint32_t raw = rv_op_call(op)->raw;

	return (struct rv_vinsn){
		.vd = raw >> 7 & 31,
		.vs1 = raw >> 15 & 31,
		.vs2 = raw >> 20 & 31,
		.vm = raw >> 25 & 1,
		.raw = raw,
	};
}

static inline enum rv_step rv_villegal(struct rv_hart *h)
{
	return rv_fault(h, RV_CAUSE_ILLEGAL);
}

/* Registers of a group; emul is a logarithm. */
static inline unsigned int rv_vgroup(int emul)
{
	return emul > 0 ? 1u << emul : 1;
}

static inline bool rv_valigned(unsigned int reg, int emul)
{
	return !(reg & (rv_vgroup(emul) - 1));
}

static inline bool rv_vemul_ok(int emul)
{
	return emul >= -3 && emul <= 3;
}

static inline bool rv_voverlap(unsigned int a, unsigned int na, unsigned int b, unsigned int nb)
{
	return a < b + nb && b < a + na;
}

/*
 * May a destination of (log2) size ds and emul de share registers with a
 * source? Equal sizes: yes; smaller: in the lowest part of the source; larger:
 * in the highest part of the destination, if the source is a whole group.
 */
static inline bool rv_vshare_ok(unsigned int d, int ds, int de, unsigned int s, int ss, int se)
{
	unsigned int nd = rv_vgroup(de), ns = rv_vgroup(se);

	if (ds == ss || !rv_voverlap(d, nd, s, ns))
		return true;
	if (ds < ss)
		return d == s;
	return se >= 0 && s + ns == d + nd;
}

/* Masked, and the destination holds the mask: not allowed. */
static inline bool rv_vmask_ok(const struct rv_vinsn *in)
{
	return in->vm || in->vd;
}

/* funct3 of the vector opcode: kinds of operands */
enum { RV_OPIVV, RV_OPFVV, RV_OPMVV, RV_OPIVI, RV_OPIVX, RV_OPFVF, RV_OPMVX };

static inline unsigned int rv_vform(const struct rv_vinsn *in)
{
	return in->raw >> 12 & 7;
}

static inline bool rv_vscalar(const struct rv_vinsn *in)
{
	return rv_vform(in) >= RV_OPIVI;
}

/* After every vector instruction that ran to its end. */
static inline enum rv_step rv_vdone(struct rv_hart *h)
{
	uint64_t n = h->arch.vl > h->arch.vstart ? h->arch.vl - h->arch.vstart : 0;

	h->vec_insns++;
	h->vec_elements += n;
	if (n)
		h->vec_beats += ((n << (h->vsew + 3)) - 1) >> h->lane_shift;
	h->arch.vstart = 0;
	return RV_STEP_NEXT;
}

/* Bytes of the mask for elements [0, vl). */
const uint8_t *rv_vmask(struct rv_hart *h);

/* Operands of one element-wise loop. */
struct rv_vshape {
	int8_t ds, as, bs; /* log2 of the sizes in bytes; bs < 0: there is no b */
	bool scalar;       /* b is one element at *sb */
	bool tri;          /* reads vd */
	bool flags;        /* inactive elements must not be computed as they are */
};

/*
 * Runs @fn for all elements of [vstart, vl), masked or not, and moves vstart to
 * 0. Returns the flags that it set. sb: the scalar.
 */
uint32_t rv_vrun(struct rv_hart *h, const struct rv_vinsn *in, rv_vloop *fn,
		 const struct rv_vshape *s, const void *sb);

/*
 * The body of a mask register from bytes of 0 or 1, or from bits; @masked:
 * only where v0 has ones.
 */
void rv_vput_mask(struct rv_hart *h, unsigned int vd, const uint8_t *bytes, bool masked);
void rv_vput_bits(struct rv_hart *h, unsigned int vd, const uint8_t *bits, bool masked);

/* Derived values (sew, lmul, ...) from arch.vtype, and limits kept. */
void rv_vsync(struct rv_hart *h);

static inline uint64_t rv_vget(const void *p, size_t i, int size)
{
	switch (size) {
	case 0:
		return ((const rv_u8 *)p)[i];
	case 1:
		return ((const rv_u16 *)p)[i];
	case 2:
		return ((const rv_u32 *)p)[i];
	default:
		return ((const rv_u64 *)p)[i];
	}
}

static inline void rv_vput(void *p, size_t i, int size, uint64_t v)
{
	switch (size) {
	case 0:
		((rv_u8 *)p)[i] = (uint8_t)v;
		break;
	case 1:
		((rv_u16 *)p)[i] = (uint16_t)v;
		break;
	case 2:
		((rv_u32 *)p)[i] = (uint32_t)v;
		break;
	default:
		((rv_u64 *)p)[i] = v;
		break;
	}
}

static inline bool rv_vbit(const uint8_t *mask, size_t i)
{
	return mask[i >> 3] >> (i & 7) & 1;
}

static inline void rv_vset_bit(uint8_t *mask, size_t i, bool v)
{
	mask[i >> 3] = (uint8_t)((mask[i >> 3] & ~(1u << (i & 7))) | (unsigned int)v << (i & 7));
}

#endif /* DSA_CORE_RV_VEC_H */
