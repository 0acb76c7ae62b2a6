// SPDX-License-Identifier: GPL-2.0-or-later
/* Instructions whose handlers are functions: CSRs, atomics, rounding corner cases, Xdsa. */
#include "fpenv.h"
#include "rv_int.h"
#include "softfp.h"
#include "uapi/dsa_cmd.h"

_Static_assert(DSA_SYS_COUNT <= RV_SYS_COUNT, "room for all selectors");

enum rv_step rv_do_illegal(struct rv_hart *h, const struct rv_op *op)
{
	(void)op;
	return rv_fault(h, RV_CAUSE_ILLEGAL);
}

enum rv_step rv_do_ecall(struct rv_hart *h, const struct rv_op *op)
{
	(void)op;
	return rv_fault(h, RV_CAUSE_ECALL);
}

enum rv_step rv_do_ebreak(struct rv_hart *h, const struct rv_op *op)
{
	(void)op;
	return rv_fault(h, RV_CAUSE_EBREAK);
}

enum rv_step rv_do_fence_i(struct rv_hart *h, const struct rv_op *op)
{
	(void)op;
	rv_fence(__ATOMIC_SEQ_CST);
	rv_flush_code(h);
	return RV_STEP_LEAVE;
}

static uint64_t sys_value(struct rv_hart *h, unsigned int sel)
{
	uint64_t v;

	if (!h->cfg.sys_read)
		return h->now;
	rv_fp_leave(h);
	v = h->cfg.sys_read(h->cfg.opaque, sel, h->now);
	rv_fp_enter(h);
	return v;
}

enum rv_step rv_do_dsa_rd(struct rv_hart *h, const struct rv_op *op)
{
	uint32_t sel = (uint32_t)op->imm;

	if (sel >= DSA_SYS_COUNT)
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	if (sel == DSA_SYS_CLOCK_NS || sel == DSA_SYS_CYCLES)
		h->arch.x[op->rd] = sys_value(h, sel);
	else
		h->arch.x[op->rd] = h->sys[sel];
	return RV_STEP_NEXT;
}

enum rv_step rv_do_ext(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_ext x = {
		.insn = rv_op_call(op)->raw,
		.rs1 = h->arch.x[op->rs1],
		.rs2 = h->arch.x[op->rs2],
		.instret = h->now,
	};
	bool ok;

	if (!h->cfg.ext)
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	rv_fp_leave(h);
	ok = h->cfg.ext(h->cfg.opaque, &x);
	rv_fp_enter(h);
	if (!ok) {
		h->fault = (struct rv_fault){
			.cause = RV_CAUSE_EXT, .access = x.access, .code = x.code, .addr = x.addr
		};
		return RV_STEP_FAULT;
	}
	if (x.wait)
		return RV_STEP_YIELD;
	if (op->rd)
		h->arch.x[op->rd] = x.rd;
	return RV_STEP_NEXT;
}

#define CSR_FFLAGS  0x001
#define CSR_FRM     0x002
#define CSR_FCSR    0x003
#define CSR_VSTART  0x008
#define CSR_VXSAT   0x009
#define CSR_VXRM    0x00a
#define CSR_VCSR    0x00f
#define CSR_CYCLE   0xc00
#define CSR_TIME    0xc01
#define CSR_INSTRET 0xc02
#define CSR_VL      0xc20
#define CSR_VTYPE   0xc21
#define CSR_VLENB   0xc22

static bool vector_csr_read(const struct rv_hart *h, int csr, uint64_t *v)
{
	switch (csr) {
	case CSR_VSTART:
		*v = h->arch.vstart;
		return true;
	case CSR_VXSAT:
		*v = h->arch.vxsat;
		return true;
	case CSR_VXRM:
		*v = h->arch.vxrm;
		return true;
	case CSR_VCSR:
		*v = h->arch.vxrm << 1 | h->arch.vxsat;
		return true;
	case CSR_VL:
		*v = h->arch.vl;
		return true;
	case CSR_VTYPE:
		*v = h->arch.vtype;
		return true;
	case CSR_VLENB:
		*v = h->vlenb;
		return true;
	}
	return false;
}

static bool csr_read(struct rv_hart *h, int csr, uint64_t *v)
{
	switch (csr) {
	case CSR_FFLAGS:
		*v = h->arch.fcsr & 0x1f;
		return true;
	case CSR_FRM:
		*v = rv_frm(h);
		return true;
	case CSR_FCSR:
		*v = h->arch.fcsr & 0xff;
		return true;
	case CSR_CYCLE:
		*v = sys_value(h, DSA_SYS_CYCLES);
		return true;
	case CSR_TIME:
		*v = sys_value(h, DSA_SYS_CLOCK_NS);
		return true;
	case CSR_INSTRET:
		*v = h->now;
		return true;
	}
	return vector_csr_read(h, csr, v);
}

static bool vector_csr_write(struct rv_hart *h, int csr, uint64_t v)
{
	switch (csr) {
	case CSR_VSTART: /* as many bits as the largest element number needs */
		h->arch.vstart = v & (h->vlenb * 8 - 1);
		return true;
	case CSR_VXSAT:
		h->arch.vxsat = v & 1;
		return true;
	case CSR_VXRM:
		h->arch.vxrm = v & 3;
		return true;
	case CSR_VCSR:
		h->arch.vxsat = v & 1;
		h->arch.vxrm = v >> 1 & 3;
		return true;
	}
	return false;
}

static bool csr_write(struct rv_hart *h, int csr, uint64_t v)
{
	switch (csr) {
	case CSR_FFLAGS:
		h->arch.fcsr = (h->arch.fcsr & 0xe0) | ((uint32_t)v & 0x1f);
		return true;
	case CSR_FRM:
		h->arch.fcsr = (h->arch.fcsr & 0x1f) | ((uint32_t)v & 7) << 5;
		return true;
	case CSR_FCSR:
		h->arch.fcsr = (uint32_t)v & 0xff;
		return true;
	}
	return vector_csr_write(h, csr, v); /* the rest is read-only */
}

/* Variant: funct3; bit 2 set means that rs1 is the operand itself. */
enum rv_step rv_do_csr(struct rv_hart *h, const struct rv_op *op)
{
	unsigned int f3 = rv_op_call(op)->sub;
	uint64_t src = f3 & 4 ? op->rs1 : h->arch.x[op->rs1];
	uint64_t old, val;

	rv_fp_sync(h);
	if (!csr_read(h, op->imm, &old))
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	if ((f3 & 3) == 1 || op->rs1) {
		val = (f3 & 3) == 1 ? src : (f3 & 3) == 2 ? old | src : old & ~src;
		if (!csr_write(h, op->imm, val))
			return rv_fault(h, RV_CAUSE_ILLEGAL);
	}
	h->arch.x[op->rd] = old;
	return rv_frm(h) != h->code_frm ? RV_STEP_LEAVE : RV_STEP_NEXT;
}

/* Width of an atomic: funct3 2 or 3. */
static unsigned int amo_size(const struct rv_op *op)
{
	return rv_op_call(op)->raw & 0x1000 ? 8 : 4;
}

static uint64_t sext_size(uint64_t v, unsigned int size)
{
	return size == 4 ? (uint64_t)(int64_t)(int32_t)v : v;
}

static enum rv_step misaligned(struct rv_hart *h, enum rv_cause cause, enum rv_access access,
			       uint64_t va)
{
	h->fault = (struct rv_fault){ .cause = cause, .access = access, .addr = va };
	return RV_STEP_FAULT;
}

enum rv_step rv_do_lr(struct rv_hart *h, const struct rv_op *op)
{
	uint64_t va = h->arch.x[op->rs1], v;
	unsigned int size = amo_size(op);

	if (va & (size - 1))
		return misaligned(h, RV_CAUSE_LOAD_MISALIGNED, RV_READ, va);
	if (!rv_load_slow(h, va, size, &v))
		return RV_STEP_FAULT;
	rv_fence(__ATOMIC_SEQ_CST);
	h->arch.res_size = size;
	h->arch.res_addr = va;
	h->arch.res_value = v;
	h->arch.x[op->rd] = sext_size(v, size);
	return RV_STEP_NEXT;
}

static bool cas(void *p, unsigned int size, uint64_t *old, uint64_t val)
{
	uint32_t old32 = (uint32_t)*old;
	bool ok;

	if (size == 8)
		return __atomic_compare_exchange_n((uint64_t *)p, old, val, false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	ok = __atomic_compare_exchange_n((uint32_t *)p, &old32, (uint32_t)val, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	*old = old32;
	return ok;
}

/* Succeeds when memory still holds what LR saw there. */
enum rv_step rv_do_sc(struct rv_hart *h, const struct rv_op *op)
{
	uint64_t va = h->arch.x[op->rs1], val = h->arch.x[op->rs2], old = h->arch.res_value;
	unsigned int size = amo_size(op);
	bool reserved, slow, ok = false;
	void *p;

	if (va & (size - 1))
		return misaligned(h, RV_CAUSE_STORE_MISALIGNED, RV_WRITE, va);
	p = rv_amo_pointer(h, va, &slow);
	if (!p && !slow)
		return RV_STEP_FAULT;
	reserved = h->arch.res_size == size && h->arch.res_addr == va;
	h->arch.res_size = 0;
	if (reserved && slow) {
		if (!rv_amo_slow(h, va, size, RV_AMO_CAS, size == 4 ? (uint32_t)val : val, &old))
			return RV_STEP_FAULT;
		ok = old == h->arch.res_value;
	} else if (reserved) {
		ok = cas(p, size, &old, val);
	}
	h->arch.x[op->rd] = !ok;
	return RV_STEP_NEXT;
}

static uint64_t amo_compute(enum rv_amo_op op, unsigned int size, uint64_t old, uint64_t val)
{
	int64_t so = (int64_t)sext_size(old, size), sv = (int64_t)sext_size(val, size);
	uint64_t uo = size == 4 ? (uint32_t)old : old, uv = size == 4 ? (uint32_t)val : val;

	switch (op) {
	case RV_AMO_ADD:
		return old + val;
	case RV_AMO_XOR:
		return old ^ val;
	case RV_AMO_AND:
		return old & val;
	case RV_AMO_OR:
		return old | val;
	case RV_AMO_MIN:
		return so < sv ? old : val;
	case RV_AMO_MAX:
		return so > sv ? old : val;
	case RV_AMO_MINU:
		return uo < uv ? old : val;
	case RV_AMO_MAXU:
		return uo > uv ? old : val;
	default:
		return val;
	}
}

static uint64_t amo_host(void *p, unsigned int size, enum rv_amo_op op, uint64_t val)
{
	uint64_t old;

	if (op == RV_AMO_ADD && size == 8)
		return __atomic_fetch_add((uint64_t *)p, val, __ATOMIC_SEQ_CST);
	if (op == RV_AMO_ADD)
		return __atomic_fetch_add((uint32_t *)p, (uint32_t)val, __ATOMIC_SEQ_CST);
	if (op == RV_AMO_SWAP && size == 8)
		return __atomic_exchange_n((uint64_t *)p, val, __ATOMIC_SEQ_CST);
	if (op == RV_AMO_SWAP)
		return __atomic_exchange_n((uint32_t *)p, (uint32_t)val, __ATOMIC_SEQ_CST);
	old = size == 8 ? __atomic_load_n((uint64_t *)p, __ATOMIC_RELAXED) :
			  __atomic_load_n((uint32_t *)p, __ATOMIC_RELAXED);
	while (!cas(p, size, &old, amo_compute(op, size, old, val)))
		;
	return old;
}

enum rv_step rv_do_amo(struct rv_hart *h, const struct rv_op *op)
{
	enum rv_amo_op what = (enum rv_amo_op)rv_op_call(op)->sub;
	uint64_t va = h->arch.x[op->rs1], val = h->arch.x[op->rs2], old = 0;
	unsigned int size = amo_size(op);
	bool slow;
	void *p;

	if (va & (size - 1))
		return misaligned(h, RV_CAUSE_STORE_MISALIGNED, RV_WRITE, va);
	p = rv_amo_pointer(h, va, &slow);
	if (p)
		old = amo_host(p, size, what, val);
	else if (!slow || !rv_amo_slow(h, va, size, what, size == 4 ? (uint32_t)val : val, &old))
		return RV_STEP_FAULT;
	h->arch.x[op->rd] = sext_size(old, size);
	return RV_STEP_NEXT;
}

#define BOX 0xffffffff00000000ull

static uint64_t unbox32(uint64_t v)
{
	return (v & BOX) == BOX ? (uint32_t)v : 0x7fc00000;
}

enum rv_step rv_do_fclass(struct rv_hart *h, const struct rv_op *op)
{
	uint64_t v = h->arch.f[op->rs1];

	h->arch.x[op->rd] = rv_op_call(op)->sub ? rv_soft_class(&rv_f64, v) :
						  rv_soft_class(&rv_f32, unbox32(v));
	return RV_STEP_NEXT;
}

struct soft {
	const struct rv_ffmt *f;
	uint64_t a, b, c, sign;
	enum rv_rm rm;
	uint32_t flags;
};

/* clang-format off */
static bool soft_arith(struct soft *s, enum rv_op_id id, uint64_t *r)
{
	switch (id) {
	case RV_OP_FADD_S: case RV_OP_FADD_D:
		*r = rv_soft_add(s->f, s->a, s->b, s->rm, &s->flags);
		return true;
	case RV_OP_FSUB_S: case RV_OP_FSUB_D:
		*r = rv_soft_add(s->f, s->a, s->b ^ s->sign, s->rm, &s->flags);
		return true;
	case RV_OP_FMUL_S: case RV_OP_FMUL_D:
		*r = rv_soft_mul(s->f, s->a, s->b, s->rm, &s->flags);
		return true;
	case RV_OP_FDIV_S: case RV_OP_FDIV_D:
		*r = rv_soft_div(s->f, s->a, s->b, s->rm, &s->flags);
		return true;
	case RV_OP_FSQRT_S: case RV_OP_FSQRT_D:
		*r = rv_soft_sqrt(s->f, s->a, s->rm, &s->flags);
		return true;
	case RV_OP_FMADD_S: case RV_OP_FMADD_D:
		break;
	case RV_OP_FMSUB_S: case RV_OP_FMSUB_D:
		s->c ^= s->sign;
		break;
	case RV_OP_FNMSUB_S: case RV_OP_FNMSUB_D:
		s->a ^= s->sign;
		break;
	case RV_OP_FNMADD_S: case RV_OP_FNMADD_D:
		s->a ^= s->sign;
		s->c ^= s->sign;
		break;
	default:
		return false;
	}
	*r = rv_soft_fma(s->f, s->a, s->b, s->c, s->rm, &s->flags);
	return true;
}

static bool is_single(enum rv_op_id id)
{
	switch (id) {
	case RV_OP_FADD_S: case RV_OP_FSUB_S: case RV_OP_FMUL_S: case RV_OP_FDIV_S:
	case RV_OP_FSQRT_S: case RV_OP_FMADD_S: case RV_OP_FMSUB_S: case RV_OP_FNMSUB_S:
	case RV_OP_FNMADD_S: case RV_OP_FCVT_W_S: case RV_OP_FCVT_WU_S: case RV_OP_FCVT_L_S:
	case RV_OP_FCVT_LU_S: case RV_OP_FCVT_S_W: case RV_OP_FCVT_S_WU: case RV_OP_FCVT_S_L:
	case RV_OP_FCVT_S_LU:
		return true;
	default:
		return false;
	}
}

/* clang-format on */

static void soft_to_int(struct rv_hart *h, const struct rv_op *op, struct soft *s, enum rv_op_id id)
{
	bool is_signed = id == RV_OP_FCVT_W_S || id == RV_OP_FCVT_W_D || id == RV_OP_FCVT_L_S ||
			 id == RV_OP_FCVT_L_D;
	bool is_long = id == RV_OP_FCVT_L_S || id == RV_OP_FCVT_L_D || id == RV_OP_FCVT_LU_S ||
		       id == RV_OP_FCVT_LU_D;

	h->arch.x[op->rd] = rv_soft_to_int(s->f, s->a, is_signed, is_long ? 64 : 32, s->rm,
					   &s->flags);
}

/* clang-format off */
static uint64_t soft_from_int(struct soft *s, enum rv_op_id id, uint64_t x)
{
	switch (id) {
	case RV_OP_FCVT_S_W: case RV_OP_FCVT_D_W:
		return rv_soft_from_int(s->f, (uint64_t)(int64_t)(int32_t)x, true, s->rm,
					&s->flags);
	case RV_OP_FCVT_S_WU: case RV_OP_FCVT_D_WU:
		return rv_soft_from_int(s->f, (uint32_t)x, false, s->rm, &s->flags);
	case RV_OP_FCVT_S_L: case RV_OP_FCVT_D_L:
		return rv_soft_from_int(s->f, x, true, s->rm, &s->flags);
	default:
		return rv_soft_from_int(s->f, x, false, s->rm, &s->flags);
	}
}

/* clang-format on */

/* Any instruction with a rounding mode, in integers; variant: enum rv_op_id. */
enum rv_step rv_do_fp_soft(struct rv_hart *h, const struct rv_op *op)
{
	const struct rv_call *call = rv_op_call(op);
	enum rv_op_id id = (enum rv_op_id)call->sub;
	bool single = is_single(id);
	uint64_t r;
	struct soft s = {
		.f = single ? &rv_f32 : &rv_f64,
		.a = single ? unbox32(h->arch.f[op->rs1]) : h->arch.f[op->rs1],
		.b = single ? unbox32(h->arch.f[op->rs2]) : h->arch.f[op->rs2],
		.c = single ? unbox32(h->arch.f[op->rs3]) : h->arch.f[op->rs3],
		.sign = single ? 1ull << 31 : 1ull << 63,
		.rm = (enum rv_rm)(call->rm == RV_DYN ? rv_frm(h) : call->rm),
	};

	if ((uint32_t)s.rm > RV_RMM)
		return rv_fault(h, RV_CAUSE_ILLEGAL);
	if (id >= RV_OP_FCVT_W_S && id <= RV_OP_FCVT_LU_D) {
		soft_to_int(h, op, &s, id);
	} else {
		if (id == RV_OP_FCVT_S_D) {
			single = true;
			r = rv_soft_convert(&rv_f32, &rv_f64, s.a, s.rm, &s.flags);
		} else if (id == RV_OP_FCVT_D_S) {
			r = rv_soft_convert(&rv_f64, &rv_f32, unbox32(s.a), s.rm, &s.flags);
		} else if (!soft_arith(&s, id, &r)) {
			r = soft_from_int(&s, id, h->arch.x[op->rs1]);
		}
		h->arch.f[op->rd] = single ? r | BOX : r;
	}
	h->arch.fcsr |= s.flags;
	return RV_STEP_NEXT;
}
