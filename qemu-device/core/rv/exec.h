/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The executor: one handler an operation, each ends by jumping to the next
 * one's. Included by exec_*.c, once for each set of host instructions.
 *
 * ip points at the operation at hand; blk is the block that it is in; left is
 * what remains of the slice, correct at block exits (within a block, the
 * instructions since its start are not yet taken off).
 *
 * Floating point: operands come from and results go to memory, and whatever
 * looks at the host's flags is an opaque call or has a memory clobber, so the
 * compiler has nothing to reorder them with.
 */
#ifndef __clang__
#pragma GCC optimize("no-gcse", "no-crossjumping")
#endif

/* Handlers read as a table; labels within macros confuse the formatter. */
/* clang-format off */

#define PAGE_MASK	(~(uint64_t)(RV_PAGE_SIZE - 1))
#define BOX		0xffffffff00000000ull

#define X(r)		h->arch.x[r]
#define F(r)		h->arch.f[r]
#define RD		X(ip->rd)
#define RS1		X(ip->rs1)
#define RS2		X(ip->rs2)
#define IMM		((uint64_t)(int64_t)ip->imm)
#define W(v)		((uint64_t)(int64_t)(int32_t)(v))

#define GO(n)		do { ip += (n); goto *ip->h; } while (0)
#define ENTER(b)	do { blk = (b); ip = blk->ops; goto *ip->h; } while (0)

/* Leave the block behind this operation, which counts as number rs3. */
#define FOLLOW_LINK() do { \
		struct rv_block *next_ = ((const struct rv_link *)(ip + 1))->block; \
		left -= ip->rs3; \
		if (RV_UNLIKELY(left < next_->n)) \
			goto link_slow; \
		ENTER(next_); \
	} while (0)

#define ALU(name, expr) \
	L_##name: \
		RD = (expr); \
		GO(1)

#define BRANCH(name, T, cond) \
	L_##name: { \
		T a = (T)RS1, b = (T)RS2; \
		(void)b; \
		if (cond) \
			FOLLOW_LINK(); \
		GO(2); \
	} \

#define ADDI_BRANCH(name, T, op) \
	L_ADDI_##name: { \
		T a, b; \
		RD += IMM; \
		a = (T)RS1; \
		b = (T)RS2; \
		if (a op b) \
			FOLLOW_LINK(); \
		GO(2); \
	}

/*
 * The stop flag after something slow: end the slice, so that the next exit
 * of a block looks at it.
 */
#define POLL() do { \
		if (RV_UNLIKELY(__atomic_load_n(&h->stop, __ATOMIC_RELAXED))) { \
			h->spare += left; \
			h->instret_end -= (uint64_t)left; \
			left = 0; \
		} \
	} while (0)

/* Where va is in host memory; else goes to slow. */
#define FAST_POINTER(p, va, size, tag, slow) \
	uintptr_t p = (va) - h->spad_va; \
	if (p < h->spad_lim) { \
		p += (uintptr_t)h->spad; \
	} else { \
		const struct rv_tlb_entry *e_ = tlb_entry(h, va); \
		if (RV_UNLIKELY((((va) + (size) - 1) & PAGE_MASK) != e_->tag)) \
			goto slow; \
		p = (va) + e_->addend; \
	}

#define LOAD(name, U, dst, conv) \
	L_##name: { \
		uint64_t va = RS1 + IMM, v; \
		FAST_POINTER(p, va, sizeof(U), rtag, slow_##name) \
		v = RV_HOST_LOAD(U, p); \
		dst = (conv); \
		GO(1); \
	} \
	slow_##name: { \
		uint64_t v; \
		if (!rv_load_slow(h, RS1 + IMM, sizeof(U), &val)) \
			goto fault; \
		POLL(); \
		v = val; \
		dst = (conv); \
		GO(1); \
	}

#define STORE(name, U, src) \
	L_##name: { \
		uint64_t va = RS1 + IMM; \
		FAST_POINTER(p, va, sizeof(U), wtag, slow_##name) \
		RV_HOST_STORE(U, p, src); \
		GO(1); \
	} \
	slow_##name: { \
		if (!rv_store_slow(h, RS1 + IMM, sizeof(U), src)) \
			goto fault; \
		POLL(); \
		GO(1); \
	}

#define NAN32	0x7fc00000u
#define NAN64	0x7ff8000000000000ull

static inline uint32_t unbox(uint64_t v)
{
	return RV_LIKELY((v & BOX) == BOX) ? (uint32_t)v : NAN32;
}

static inline float f32_of(uint32_t v)
{
	float f;

	memcpy(&f, &v, 4);
	return f;
}

static inline double f64_of(uint64_t v)
{
	double f;

	memcpy(&f, &v, 8);
	return f;
}

static inline bool nan32(uint32_t v)
{
	return (v & 0x7fffffff) > 0x7f800000;
}

static inline bool nan64(uint64_t v)
{
	return (v & 0x7fffffffffffffff) > 0x7ff0000000000000;
}

static inline bool snan32(uint32_t v)
{
	return nan32(v) && !(v & 0x00400000);
}

static inline bool snan64(uint64_t v)
{
	return nan64(v) && !(v & 0x0008000000000000);
}

/*
 * Operands and results move between the register file and the host's floating
 * point registers directly: the way through integer registers would double the
 * latency of dependent operations. Hence two halves of 32 bits for singles.
 */
static inline float get_f32(const uint64_t *reg)
{
	uint32_t high;
	float v;

	memcpy(&high, (const char *)reg + 4, 4);
	if (RV_UNLIKELY(high != UINT32_MAX))
		return f32_of(NAN32);
	memcpy(&v, reg, 4);
	return v;
}

static inline double get_f64(const uint64_t *reg)
{
	return f64_of(*reg);
}

/* Any NaN becomes the canonical one; true then. The comparison is a quiet one. */
static inline bool put_f32(uint64_t *reg, float v)
{
	if (RV_UNLIKELY(v != v)) {
		*reg = BOX | NAN32;
		return true;
	}
	memcpy(reg, &v, 4);
	memcpy((char *)reg + 4, &(uint32_t){ UINT32_MAX }, 4);
	return false;
}

static inline bool put_f64(uint64_t *reg, double v)
{
	if (RV_UNLIKELY(v != v)) {
		*reg = NAN64;
		return true;
	}
	memcpy(reg, &v, 8);
	return false;
}

#define FS1	get_f32(&F(ip->rs1))
#define FS2	get_f32(&F(ip->rs2))
#define FS3	get_f32(&F(ip->rs3))
#define DS1	get_f64(&F(ip->rs1))
#define DS2	get_f64(&F(ip->rs2))
#define DS3	get_f64(&F(ip->rs3))

#define FOP(name, put, expr) \
	L_##name: \
		put(&F(ip->rd), expr); \
		GO(1)

/* inf * 0 is invalid even when the addend is a quiet NaN; hosts disagree. */
#define FMA(name, T, ra, rb, rc, put, fma_, sa, sc) \
	L_##name: { \
		T a = (ra), b = (rb), c = (rc); \
		if (RV_UNLIKELY(put(&F(ip->rd), fma_(sa a, b, sc c))) && \
		    ((__builtin_isinf(a) && b == 0) || (a == 0 && __builtin_isinf(b)))) \
			h->arch.fcsr |= RV_NV; \
		GO(1); \
	}

#define FMA_S(name, sa, sc) \
	FMA(name, float, FS1, FS2, FS3, put_f32, __builtin_fmaf, sa, sc)
#define FMA_D(name, sa, sc) \
	FMA(name, double, DS1, DS2, DS3, put_f64, __builtin_fma, sa, sc)

/* new sign from f(a, b) */
#define SGNJ_S(name, f) \
	L_##name: { \
		uint32_t a = unbox(F(ip->rs1)), b = unbox(F(ip->rs2)); \
		F(ip->rd) = BOX | (a & 0x7fffffff) | ((f) & 0x80000000); \
		GO(1); \
	}
#define SGNJ_D(name, f) \
	L_##name: { \
		uint64_t a = F(ip->rs1), b = F(ip->rs2); \
		F(ip->rd) = (a & ~(1ull << 63)) | ((f) & (1ull << 63)); \
		GO(1); \
	}

/* cmp: a before b; zeros of either sign are told apart by the sign bit. */
#define MINMAX(name, U, get, to, nan, snan, canon, box, cmp, zero) \
	L_##name: { \
		U a = get(F(ip->rs1)), b = get(F(ip->rs2)), r; \
		if (RV_UNLIKELY(nan(a) || nan(b))) { \
			if (snan(a) || snan(b)) \
				h->arch.fcsr |= RV_NV; \
			r = !nan(a) ? a : !nan(b) ? b : canon; \
		} else if (to(a) == to(b)) { \
			r = zero; \
		} else { \
			r = to(a) cmp to(b) ? a : b; \
		} \
		F(ip->rd) = (box) | r; \
		GO(1); \
	}
#define ID64(v)		(v)

#define COMPARE(name, U, get, to, nan, snan, cmp, quiet) \
	L_##name: { \
		U a = get(F(ip->rs1)), b = get(F(ip->rs2)); \
		if (RV_UNLIKELY(nan(a) || nan(b))) { \
			if (!(quiet) || snan(a) || snan(b)) \
				h->arch.fcsr |= RV_NV; \
			RD = 0; \
		} else { \
			RD = to(a) cmp to(b); \
		} \
		GO(1); \
	}

/* Truncation; what is not above lo and below hi saturates. */
#define TO_INT(name, T, get, lo, hi, conv, min, max) \
	L_##name: { \
		T a = (get); \
		if (RV_LIKELY(a lo && a < (hi))) { \
			RD = (conv); \
		} else { \
			h->arch.fcsr |= RV_NV; \
			RD = a < 0 ? (min) : (max); \
		} \
		GO(1); \
	}

/* The same as &h->tlb[page & (RV_TLB_SIZE - 1)], in fewer steps. */
static inline const struct rv_tlb_entry *tlb_entry(const struct rv_hart *h, uint64_t va)
{
	size_t size = sizeof(struct rv_tlb_entry);

	_Static_assert(sizeof(struct rv_tlb_entry) == 32, "a shift by less");
	return (const struct rv_tlb_entry *)((const char *)h->tlb +
					     ((va >> (RV_PAGE_SHIFT - 5)) & (RV_TLB_SIZE - 1) * size));
}

static inline uint64_t mulhsu(uint64_t a, uint64_t b)
{
	uint64_t hi = (uint64_t)((unsigned __int128)a * b >> 64);

	return (int64_t)a < 0 ? hi - b : hi;
}

static inline uint64_t div_s(int64_t a, int64_t b)
{
	if (!b)
		return UINT64_MAX;
	return b == -1 ? -(uint64_t)a : (uint64_t)(a / b);
}

static inline uint64_t rem_s(int64_t a, int64_t b)
{
	if (!b)
		return (uint64_t)a;
	return b == -1 ? 0 : (uint64_t)(a % b);
}

/* All bits of each byte that has one. */
static inline uint64_t orc_b(uint64_t v)
{
	v |= v >> 4 & 0x0f0f0f0f0f0f0f0full;
	v |= v >> 2 & 0x3333333333333333ull;
	v = (v | v >> 1) & 0x0101010101010101ull;
	return v * 0xff;
}

static inline void do_fence(int32_t imm)
{
	/* Only "writes before reads" costs anything on hosts with total store order. */
	if ((imm & 0x10) && (imm & 0x02))
		rv_fence(__ATOMIC_SEQ_CST);
	else
		rv_fence(__ATOMIC_ACQ_REL);
}

/* Slice for what is left of the budget; 0: nothing. */
static inline int64_t take_slice(struct rv_hart *h, int64_t left)
{
	int64_t total = left + h->spare;

	left = total < RV_SLICE ? total : RV_SLICE;
	h->spare = total - left;
	h->instret_end = h->instret_final - (uint64_t)h->spare;
	return left;
}

enum rv_exit RV_EXEC(struct rv_hart *h)
{
#define LABEL(name) [RV_OP_##name] = &&L_##name,
	static const void *const labels[RV_OP_COUNT] = { RV_OPS(LABEL) };
#undef LABEL
	const struct rv_op *ip;
	struct rv_block *blk;
	int64_t left;
	uint64_t pc, val;
	enum rv_exit reason;

	if (!h->labels) {
		h->labels = labels;
		return RV_EXIT_BUDGET;
	}
	left = h->left;
	pc = h->arch.pc;
	goto at_pc;

	/* Integer registers and immediates */
	ALU(LI, IMM);
	ALU(MV, RS1);
	ALU(ADDI, RS1 + IMM);
	ALU(SLTI, (int64_t)RS1 < (int64_t)IMM);
	ALU(SLTIU, RS1 < IMM);
	ALU(XORI, RS1 ^ IMM);
	ALU(ORI, RS1 | IMM);
	ALU(ANDI, RS1 & IMM);
	ALU(SLLI, RS1 << (ip->imm & 63));
	ALU(SRLI, RS1 >> (ip->imm & 63));
	ALU(SRAI, (uint64_t)((int64_t)RS1 >> (ip->imm & 63)));
	ALU(ADDIW, W(RS1 + IMM));
	ALU(SLLIW, W((uint32_t)RS1 << (ip->imm & 31)));
	ALU(SRLIW, W((uint32_t)RS1 >> (ip->imm & 31)));
	ALU(SRAIW, (uint64_t)(int64_t)((int32_t)RS1 >> (ip->imm & 31)));
	ALU(ADD, RS1 + RS2);
	ALU(SUB, RS1 - RS2);
	ALU(SLL, RS1 << (RS2 & 63));
	ALU(SLT, (int64_t)RS1 < (int64_t)RS2);
	ALU(SLTU, RS1 < RS2);
	ALU(XOR, RS1 ^ RS2);
	ALU(SRL, RS1 >> (RS2 & 63));
	ALU(SRA, (uint64_t)((int64_t)RS1 >> (RS2 & 63)));
	ALU(OR, RS1 | RS2);
	ALU(AND, RS1 & RS2);
	ALU(ADDW, W(RS1 + RS2));
	ALU(SUBW, W(RS1 - RS2));
	ALU(SLLW, W((uint32_t)RS1 << (RS2 & 31)));
	ALU(SRLW, W((uint32_t)RS1 >> (RS2 & 31)));
	ALU(SRAW, (uint64_t)(int64_t)((int32_t)RS1 >> (RS2 & 31)));
	ALU(MUL, RS1 * RS2);
	ALU(MULH, (uint64_t)((__int128)(int64_t)RS1 * (int64_t)RS2 >> 64));
	ALU(MULHSU, mulhsu(RS1, RS2));
	ALU(MULHU, (uint64_t)((unsigned __int128)RS1 * RS2 >> 64));
	ALU(DIV, div_s((int64_t)RS1, (int64_t)RS2));
	ALU(DIVU, RS2 ? RS1 / RS2 : UINT64_MAX);
	ALU(REM, rem_s((int64_t)RS1, (int64_t)RS2));
	ALU(REMU, RS2 ? RS1 % RS2 : RS1);
	ALU(MULW, W(RS1 * RS2));
	ALU(DIVW, W(div_s((int32_t)RS1, (int32_t)RS2)));
	ALU(DIVUW, (uint32_t)RS2 ? W((uint32_t)RS1 / (uint32_t)RS2) : UINT64_MAX);
	ALU(REMW, W(rem_s((int32_t)RS1, (int32_t)RS2)));
	ALU(REMUW, (uint32_t)RS2 ? W((uint32_t)RS1 % (uint32_t)RS2) : W(RS1));

	/* Zba, Zbb, Zbs */
	ALU(ADD_UW, (uint32_t)RS1 + RS2);
	ALU(SH1ADD, (RS1 << 1) + RS2);
	ALU(SH2ADD, (RS1 << 2) + RS2);
	ALU(SH3ADD, (RS1 << 3) + RS2);
	ALU(SH1ADD_UW, ((uint64_t)(uint32_t)RS1 << 1) + RS2);
	ALU(SH2ADD_UW, ((uint64_t)(uint32_t)RS1 << 2) + RS2);
	ALU(SH3ADD_UW, ((uint64_t)(uint32_t)RS1 << 3) + RS2);
	ALU(SLLI_UW, (uint64_t)(uint32_t)RS1 << (ip->imm & 63));
	ALU(ANDN, RS1 & ~RS2);
	ALU(ORN, RS1 | ~RS2);
	ALU(XNOR, ~(RS1 ^ RS2));
	ALU(CLZ, RS1 ? (uint64_t)__builtin_clzll(RS1) : 64);
	ALU(CTZ, RS1 ? (uint64_t)__builtin_ctzll(RS1) : 64);
	ALU(CPOP, (uint64_t)__builtin_popcountll(RS1));
	ALU(CLZW, (uint32_t)RS1 ? (uint64_t)__builtin_clz((uint32_t)RS1) : 32);
	ALU(CTZW, (uint32_t)RS1 ? (uint64_t)__builtin_ctz((uint32_t)RS1) : 32);
	ALU(CPOPW, (uint64_t)__builtin_popcount((uint32_t)RS1));
	ALU(MAX, (int64_t)RS1 > (int64_t)RS2 ? RS1 : RS2);
	ALU(MAXU, RS1 > RS2 ? RS1 : RS2);
	ALU(MIN, (int64_t)RS1 < (int64_t)RS2 ? RS1 : RS2);
	ALU(MINU, RS1 < RS2 ? RS1 : RS2);
	ALU(SEXT_B, (uint64_t)(int64_t)(int8_t)RS1);
	ALU(SEXT_H, (uint64_t)(int64_t)(int16_t)RS1);
	ALU(ZEXT_H, (uint16_t)RS1);
	ALU(ROL, RS1 << (RS2 & 63) | RS1 >> (-RS2 & 63));
	ALU(ROR, RS1 >> (RS2 & 63) | RS1 << (-RS2 & 63));
	ALU(RORI, RS1 >> (ip->imm & 63) | RS1 << (-ip->imm & 63));
	ALU(ROLW, W((uint32_t)RS1 << (RS2 & 31) | (uint32_t)RS1 >> (-RS2 & 31)));
	ALU(RORW, W((uint32_t)RS1 >> (RS2 & 31) | (uint32_t)RS1 << (-RS2 & 31)));
	ALU(RORIW, W((uint32_t)RS1 >> (ip->imm & 31) | (uint32_t)RS1 << (-ip->imm & 31)));
	ALU(ORC_B, orc_b(RS1));
	ALU(REV8, __builtin_bswap64(RS1));
	ALU(BCLR, RS1 & ~(1ull << (RS2 & 63)));
	ALU(BCLRI, RS1 & ~(1ull << (ip->imm & 63)));
	ALU(BEXT, RS1 >> (RS2 & 63) & 1);
	ALU(BEXTI, RS1 >> (ip->imm & 63) & 1);
	ALU(BINV, RS1 ^ 1ull << (RS2 & 63));
	ALU(BINVI, RS1 ^ 1ull << (ip->imm & 63));
	ALU(BSET, RS1 | 1ull << (RS2 & 63));
	ALU(BSETI, RS1 | 1ull << (ip->imm & 63));

	/* Pairs */
	ALU(ZEXTW, (uint32_t)RS1);
	ALU(SLLI_SRLI, RS1 << (ip->rs2 & 63) >> (ip->imm & 63));
	ALU(SLLI_ADD, (RS1 << (ip->imm & 63)) + RS2);

L_CONST:
	RD = ((const struct rv_const *)(ip + 1))->value;
	GO(2);
	/* The block builder turns these into constants. */
L_LUI:
L_AUIPC:
L_JAL:
	__builtin_unreachable();

	/* Memory */
	LOAD(LB, rv_u8, RD, (uint64_t)(int64_t)(int8_t)v)
	LOAD(LH, rv_u16, RD, (uint64_t)(int64_t)(int16_t)v)
	LOAD(LW, rv_u32, RD, W(v))
	LOAD(LD, rv_u64, RD, v)
	LOAD(LBU, rv_u8, RD, v)
	LOAD(LHU, rv_u16, RD, v)
	LOAD(LWU, rv_u32, RD, v)
	LOAD(FLW, rv_u32, F(ip->rd), BOX | v)
	LOAD(FLD, rv_u64, F(ip->rd), v)
	STORE(SB, rv_u8, RS2)
	STORE(SH, rv_u16, RS2)
	STORE(SW, rv_u32, RS2)
	STORE(SD, rv_u64, RS2)
	STORE(FSW, rv_u32, F(ip->rs2))
	STORE(FSD, rv_u64, F(ip->rs2))

L_FENCE:
	do_fence(ip->imm);
	GO(1);

	/* Leaving blocks */
	BRANCH(BEQ, uint64_t, a == b)
	BRANCH(BNE, uint64_t, a != b)
	BRANCH(BLT, int64_t, a < b)
	BRANCH(BGE, int64_t, a >= b)
	BRANCH(BLTU, uint64_t, a < b)
	BRANCH(BGEU, uint64_t, a >= b)
	BRANCH(BEQZ, uint64_t, !a)
	BRANCH(BNEZ, uint64_t, a)
	ADDI_BRANCH(BEQ, uint64_t, ==)
	ADDI_BRANCH(BNE, uint64_t, !=)
	ADDI_BRANCH(BLT, int64_t, <)
	ADDI_BRANCH(BGE, int64_t, >=)
	ADDI_BRANCH(BLTU, uint64_t, <)
	ADDI_BRANCH(BGEU, uint64_t, >=)
L_JUMP:
	FOLLOW_LINK();
L_JALR:
	pc = (RS1 + IMM) & ~1ull;
	RD = ((const struct rv_const *)(ip + 1))->value;
	goto indirect;
L_JR:
	pc = (RS1 + IMM) & ~1ull;
indirect: {
		const struct rv_jcache *j = &h->jcache[(pc >> 1) & (RV_JCACHE_SIZE - 1)];

		left -= ip->rs3;
		if (RV_UNLIKELY(j->pc != pc || left < j->block->n))
			goto at_pc;
		ENTER(j->block);
	}

	/* Floating point that the host rounds as frm says */
	FOP(FADD_S, put_f32, FS1 + FS2);
	FOP(FSUB_S, put_f32, FS1 - FS2);
	FOP(FMUL_S, put_f32, FS1 * FS2);
	FOP(FDIV_S, put_f32, FS1 / FS2);
	FOP(FSQRT_S, put_f32, __builtin_sqrtf(FS1));
	FOP(FADD_D, put_f64, DS1 + DS2);
	FOP(FSUB_D, put_f64, DS1 - DS2);
	FOP(FMUL_D, put_f64, DS1 * DS2);
	FOP(FDIV_D, put_f64, DS1 / DS2);
	FOP(FSQRT_D, put_f64, __builtin_sqrt(DS1));
	FMA_S(FMADD_S, +, +)
	FMA_S(FMSUB_S, +, -)
	FMA_S(FNMSUB_S, -, +)
	FMA_S(FNMADD_S, -, -)
	FMA_D(FMADD_D, +, +)
	FMA_D(FMSUB_D, +, -)
	FMA_D(FNMSUB_D, -, +)
	FMA_D(FNMADD_D, -, -)
	FOP(FCVT_S_D, put_f32, (float)DS1);
	FOP(FCVT_D_S, put_f64, (double)FS1);
	FOP(FCVT_S_W, put_f32, (float)(int32_t)RS1);
	FOP(FCVT_S_WU, put_f32, (float)(uint32_t)RS1);
	FOP(FCVT_S_L, put_f32, (float)(int64_t)RS1);
	FOP(FCVT_S_LU, put_f32, (float)(uint64_t)RS1);
	FOP(FCVT_D_W, put_f64, (double)(int32_t)RS1);
	FOP(FCVT_D_WU, put_f64, (double)(uint32_t)RS1);
	FOP(FCVT_D_L, put_f64, (double)(int64_t)RS1);
	FOP(FCVT_D_LU, put_f64, (double)(uint64_t)RS1);
	TO_INT(FCVT_W_S, float, FS1, >= -0x1p31f, 0x1p31f, W((int64_t)a), W(INT32_MIN), INT32_MAX)
	TO_INT(FCVT_WU_S, float, FS1, > -1, 0x1p32f, W((int64_t)a), 0, UINT64_MAX)
	TO_INT(FCVT_L_S, float, FS1, >= -0x1p63f, 0x1p63f, (uint64_t)(int64_t)a,
	       (uint64_t)INT64_MIN, INT64_MAX)
	TO_INT(FCVT_LU_S, float, FS1, > -1, 0x1p64f, (uint64_t)a, 0, UINT64_MAX)
	TO_INT(FCVT_W_D, double, DS1, > -0x1.00000002p31, 0x1p31, W((int64_t)a), W(INT32_MIN),
	       INT32_MAX)
	TO_INT(FCVT_WU_D, double, DS1, > -1, 0x1p32, W((int64_t)a), 0, UINT64_MAX)
	TO_INT(FCVT_L_D, double, DS1, >= -0x1p63, 0x1p63, (uint64_t)(int64_t)a,
	       (uint64_t)INT64_MIN, INT64_MAX)
	TO_INT(FCVT_LU_D, double, DS1, > -1, 0x1p64, (uint64_t)a, 0, UINT64_MAX)

	/* Floating point without rounding */
	SGNJ_S(FSGNJ_S, b)
	SGNJ_S(FSGNJN_S, ~b)
	SGNJ_S(FSGNJX_S, a ^ b)
	SGNJ_D(FSGNJ_D, b)
	SGNJ_D(FSGNJN_D, ~b)
	SGNJ_D(FSGNJX_D, a ^ b)
	MINMAX(FMIN_S, uint32_t, unbox, f32_of, nan32, snan32, NAN32, BOX, <, a | b)
	MINMAX(FMAX_S, uint32_t, unbox, f32_of, nan32, snan32, NAN32, BOX, >, a & b)
	MINMAX(FMIN_D, uint64_t, ID64, f64_of, nan64, snan64, NAN64, 0, <, a | b)
	MINMAX(FMAX_D, uint64_t, ID64, f64_of, nan64, snan64, NAN64, 0, >, a & b)
	COMPARE(FEQ_S, uint32_t, unbox, f32_of, nan32, snan32, ==, true)
	COMPARE(FLT_S, uint32_t, unbox, f32_of, nan32, snan32, <, false)
	COMPARE(FLE_S, uint32_t, unbox, f32_of, nan32, snan32, <=, false)
	COMPARE(FEQ_D, uint64_t, ID64, f64_of, nan64, snan64, ==, true)
	COMPARE(FLT_D, uint64_t, ID64, f64_of, nan64, snan64, <, false)
	COMPARE(FLE_D, uint64_t, ID64, f64_of, nan64, snan64, <=, false)
	ALU(FMV_X_W, W(F(ip->rs1)));
	ALU(FMV_X_D, F(ip->rs1));
L_FMV_W_X:
	F(ip->rd) = BOX | (uint32_t)RS1;
	GO(1);
L_FMV_D_X:
	F(ip->rd) = RS1;
	GO(1);

L_CALL: {
		const struct rv_call *call = rv_op_call(ip);
		enum rv_step step;

		h->now = h->instret_end - (uint64_t)left + call->n;
		step = call->fn(h, ip);
		POLL();
		if (RV_LIKELY(step == RV_STEP_NEXT))
			GO(2);
		if (step == RV_STEP_FAULT)
			goto fault;
		if (step == RV_STEP_YIELD)
			goto yield;
		/* fence.i emptied the arena, yet this block's memory is intact until the next decode. */
		pc = blk->pc + (uint64_t)(int64_t)blk->info[ip - blk->ops].off +
		     blk->info[ip - blk->ops].len;
		left -= call->n + 1;
		if (rv_frm(h) != h->code_frm) {
			rv_take_frm(h);
			rv_fp_set_mode(h);
		}
		goto at_pc;
	}

link_slow: {
		struct rv_link *link = (struct rv_link *)(uintptr_t)(ip + 1);
		uint32_t flushes = h->flush_count;
		struct rv_block *next;

		pc = link->pc;
		if (link->block != &rv_unlinked || left <= 0 || pc == h->cfg.exit_addr)
			goto at_pc;
		next = rv_lookup(h, pc);
		if (!next || flushes != h->flush_count)
			goto at_pc;
		link->block = next;
		if (left >= next->n)
			ENTER(next);
	}
	/* fall through */
at_pc:
	/* All is accounted for; go on at pc, if there is reason to. */
	if (pc == h->cfg.exit_addr) {
		reason = RV_EXIT_DONE;
		goto out;
	}
	if (__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
		reason = RV_EXIT_STOP;
		goto out;
	}
	left = take_slice(h, left);
	if (left <= 0) {
		reason = RV_EXIT_BUDGET;
		goto out;
	}
	blk = rv_lookup(h, pc);
	if (blk && left < blk->n)
		blk = rv_decode_step(h, pc, (unsigned int)left);
	if (blk)
		ENTER(blk);
	h->fault.pc = pc;
	reason = RV_EXIT_FAULT;
	goto out;

fault: {
		const struct rv_opinfo *info = &blk->info[ip - blk->ops];

		left -= info->n;
		pc = blk->pc + (uint64_t)(int64_t)info->off;
		h->fault.pc = pc;
		h->fault.insn = info->insn;
		reason = RV_EXIT_FAULT;
		goto out;
	}
yield: {
		const struct rv_opinfo *info = &blk->info[ip - blk->ops];

		left -= info->n;
		pc = blk->pc + (uint64_t)(int64_t)info->off;
		reason = RV_EXIT_YIELD;
	}
out:
	h->arch.pc = pc;
	h->left = left;
	return reason;
}

/* clang-format on */
