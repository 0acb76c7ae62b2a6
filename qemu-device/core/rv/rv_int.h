/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the hart: decoded instructions, blocks of pre-decoded operations,
 * and what an extension's handler works with.
 *
 * A block is straight-line code plus side exits: it goes on behind a branch
 * that is not taken and through direct jumps. Every exit subtracts its own
 * number of instructions from the budget and enters the next block only if
 * the budget covers that block's longest path, so nothing is checked within.
 */
#ifndef DSA_CORE_RV_INT_H
#define DSA_CORE_RV_INT_H

#include "rv.h"

#define RV_LIKELY(c)   __builtin_expect(!!(c), 1)
#define RV_UNLIKELY(c) __builtin_expect(!!(c), 0)

#define RV_BLOCK_INSNS 64
/* An instruction takes at most 2 slots; the end of a block 2 more. */
#define RV_BLOCK_SLOTS (2 * RV_BLOCK_INSNS + 2)
#define RV_ARENA_SIZE  (1u << 20)
/* Between two looks at the stop flag: well below a millisecond. */
#define RV_SLICE 32768

/* clang-format off */
/* Formats: how operands are found in the bits. */
enum rv_fmt {
	/* 32 bits */
	RV_FMT_R, RV_FMT_R_RM, RV_FMT_R4, RV_FMT_I, RV_FMT_SH6, RV_FMT_SH5, RV_FMT_S,
	RV_FMT_B, RV_FMT_U, RV_FMT_J, RV_FMT_CSR, RV_FMT_NONE, RV_FMT_V,
	/* 16 bits */
	RV_FMT_CIW, RV_FMT_CLW, RV_FMT_CLD, RV_FMT_CSW, RV_FMT_CSD, RV_FMT_CI, RV_FMT_CLI,
	RV_FMT_CIR, RV_FMT_C16SP, RV_FMT_CLUI, RV_FMT_CSLLI, RV_FMT_CSH, RV_FMT_CANDI,
	RV_FMT_CA, RV_FMT_CJ, RV_FMT_CB, RV_FMT_CJR, RV_FMT_CJALR, RV_FMT_CMV, RV_FMT_CADD,
	RV_FMT_CLWSP, RV_FMT_CLDSP, RV_FMT_CSWSP, RV_FMT_CSDSP,
};

/*
 * Operations that the executor has a handler for. An instruction is
 * RV_OP_CALL with a function in the table, or one of these.
 */
#define RV_OPS(OP) \
	OP(CALL) OP(LI) OP(CONST) OP(MV) OP(JUMP) OP(LUI) OP(AUIPC) \
	OP(ADDI) OP(SLTI) OP(SLTIU) OP(XORI) OP(ORI) OP(ANDI) OP(SLLI) OP(SRLI) OP(SRAI) \
	OP(ADDIW) OP(SLLIW) OP(SRLIW) OP(SRAIW) \
	OP(ADD) OP(SUB) OP(SLL) OP(SLT) OP(SLTU) OP(XOR) OP(SRL) OP(SRA) OP(OR) OP(AND) \
	OP(ADDW) OP(SUBW) OP(SLLW) OP(SRLW) OP(SRAW) \
	OP(MUL) OP(MULH) OP(MULHSU) OP(MULHU) OP(DIV) OP(DIVU) OP(REM) OP(REMU) \
	OP(MULW) OP(DIVW) OP(DIVUW) OP(REMW) OP(REMUW) \
	OP(LB) OP(LH) OP(LW) OP(LD) OP(LBU) OP(LHU) OP(LWU) OP(SB) OP(SH) OP(SW) OP(SD) \
	OP(FLW) OP(FLD) OP(FSW) OP(FSD) \
	OP(BEQ) OP(BNE) OP(BLT) OP(BGE) OP(BLTU) OP(BGEU) \
	OP(BEQZ) OP(BNEZ) OP(JAL) OP(JALR) OP(JR) OP(FENCE) \
	OP(FADD_S) OP(FSUB_S) OP(FMUL_S) OP(FDIV_S) OP(FSQRT_S) \
	OP(FADD_D) OP(FSUB_D) OP(FMUL_D) OP(FDIV_D) OP(FSQRT_D) \
	OP(FMADD_S) OP(FMSUB_S) OP(FNMSUB_S) OP(FNMADD_S) \
	OP(FMADD_D) OP(FMSUB_D) OP(FNMSUB_D) OP(FNMADD_D) \
	OP(FSGNJ_S) OP(FSGNJN_S) OP(FSGNJX_S) OP(FSGNJ_D) OP(FSGNJN_D) OP(FSGNJX_D) \
	OP(FMIN_S) OP(FMAX_S) OP(FMIN_D) OP(FMAX_D) \
	OP(FEQ_S) OP(FLT_S) OP(FLE_S) OP(FEQ_D) OP(FLT_D) OP(FLE_D) \
	OP(FCVT_S_D) OP(FCVT_D_S) \
	OP(FCVT_W_S) OP(FCVT_WU_S) OP(FCVT_L_S) OP(FCVT_LU_S) \
	OP(FCVT_W_D) OP(FCVT_WU_D) OP(FCVT_L_D) OP(FCVT_LU_D) \
	OP(FCVT_S_W) OP(FCVT_S_WU) OP(FCVT_S_L) OP(FCVT_S_LU) \
	OP(FCVT_D_W) OP(FCVT_D_WU) OP(FCVT_D_L) OP(FCVT_D_LU) \
	OP(FMV_X_W) OP(FMV_X_D) OP(FMV_W_X) OP(FMV_D_X) \
	OP(ADD_UW) OP(SH1ADD) OP(SH2ADD) OP(SH3ADD) OP(SH1ADD_UW) OP(SH2ADD_UW) OP(SH3ADD_UW) \
	OP(SLLI_UW) OP(ANDN) OP(ORN) OP(XNOR) OP(CLZ) OP(CTZ) OP(CPOP) OP(CLZW) OP(CTZW) OP(CPOPW) \
	OP(MAX) OP(MAXU) OP(MIN) OP(MINU) OP(SEXT_B) OP(SEXT_H) OP(ZEXT_H) OP(ROL) OP(ROR) OP(RORI) \
	OP(ROLW) OP(RORW) OP(RORIW) OP(ORC_B) OP(REV8) OP(BCLR) OP(BCLRI) OP(BEXT) OP(BEXTI) \
	OP(BINV) OP(BINVI) OP(BSET) OP(BSETI) \
	/* Fused pairs, made by the block builder only. */ \
	OP(ZEXTW) OP(SLLI_SRLI) OP(SLLI_ADD) OP(ADDI_BEQ) OP(ADDI_BNE) \
	OP(ADDI_BLT) OP(ADDI_BGE) OP(ADDI_BLTU) OP(ADDI_BGEU)

/* clang-format on */

enum rv_op_id {
#define RV_OP_ENUM(name) RV_OP_##name,
	RV_OPS(RV_OP_ENUM)
#undef RV_OP_ENUM
		RV_OP_COUNT
};

enum rv_step {
	RV_STEP_NEXT,
	RV_STEP_FAULT, /* h->fault has cause, access, code, addr */
	RV_STEP_YIELD, /* nothing was done; leave rv_run() at this instruction */
	RV_STEP_LEAVE, /* done, but decoded code may be stale: find the next anew */
};

typedef enum rv_step rv_fn(struct rv_hart *h, const struct rv_op *op);

/* One row of the instruction table, rv_insns.def. First match wins. */
struct rv_row {
	const char *name;
	/*
	 * Operands as printed: d s t r integer registers (rd rs1 rs2 rs3), upper
	 * case for floating point ones; j immediate, u upper immediate, o
	 * imm(rs1), a (rs1), b target, c CSR, z CSR immediate, m rounding mode,
	 * f constant of fli.
	 * Vectors: v x y registers (vd vs1 vs2), p the mask register, M the mask
	 * if there is one, i k signed and unsigned immediate, V vtype.
	 */
	const char *args;
	uint32_t match;
	uint32_t mask;
	enum rv_fmt fmt;
	enum rv_op_id op;
	rv_fn *fn;    /* when op is RV_OP_CALL */
	uint32_t sub; /* for fn: which variant */
};

extern const struct rv_row rv_rows[];
extern const unsigned int rv_row_count;

/* An instruction with its operands; rm is 8 where it has none. */
struct rv_insn {
	const struct rv_row *row;
	uint32_t raw;
	int32_t imm;
	uint8_t len, rd, rs1, rs2, rs3, rm;
};

void rv_decode_init(void);
/* Blocks depend on the rounding mode: forget them when it changed. */
void rv_take_frm(struct rv_hart *h);
/* False: illegal; raw and len are valid all the same. */
bool rv_decode(uint32_t word, struct rv_insn *in);

/*
 * A slot of a block. For CALL, CONST, jumps and branches the next slot holds
 * a struct rv_call, rv_const or rv_link. rd is 32 for x0.
 */
struct rv_op {
	const void *h;
	uint8_t rd, rs1, rs2, rs3;
	int32_t imm;
};

struct rv_call {
	rv_fn *fn;
	uint32_t raw;
	uint16_t sub;
	uint8_t rm;
	uint8_t n; /* instructions of the block before this one */
};

struct rv_const {
	uint64_t value;
	uint64_t pad;
};

struct rv_link {
	struct rv_block *block; /* rv_unlinked until found */
	uint64_t pc;
};

_Static_assert(sizeof(struct rv_op) == 16, "slot");
_Static_assert(sizeof(struct rv_call) == 16, "slot");
_Static_assert(sizeof(struct rv_link) == 16, "slot");

/* Beside each slot: which instruction it is (the last one of a fused group). */
struct rv_opinfo {
	uint32_t insn;
	int32_t off; /* from the block's pc */
	uint8_t n;   /* instructions of the block before it */
	uint8_t len;
	uint8_t pad[2];
};

struct rv_block {
	uint64_t pc;
	int64_t n;             /* instructions on the longest path */
	struct rv_block *next; /* in the hash chain */
	struct rv_opinfo *info;
	struct rv_op ops[];
};

extern struct rv_block rv_unlinked; /* n is larger than any budget */

static inline const struct rv_call *rv_op_call(const struct rv_op *op)
{
	return (const struct rv_call *)(op + 1);
}

/*
 * Guest memory through host pointers. An aligned access is one access on the
 * host too; several cores and the host may touch the same memory at once, as
 * relaxed atomics do. The types are of any alignment because guests may be.
 */
typedef uint8_t rv_u8;
typedef uint16_t rv_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t rv_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t rv_u64 __attribute__((aligned(1), may_alias));

#ifdef __SANITIZE_THREAD__
#define RV_HOST_LOAD(T, p)     __atomic_load_n((const T *)(p), __ATOMIC_RELAXED)
#define RV_HOST_STORE(T, p, v) __atomic_store_n((T *)(p), (T)(v), __ATOMIC_RELAXED)
#else
#define RV_HOST_LOAD(T, p)     (*(const volatile T *)(p))
#define RV_HOST_STORE(T, p, v) ((void)(*(volatile T *)(p) = (T)(v)))
#endif

static inline void rv_fence(int order)
{
#ifdef __SANITIZE_THREAD__
	/* TSan knows no fences; through one variable it sees the same order. */
	static int all;

	__atomic_fetch_add(&all, 0, order);
#else
	__atomic_thread_fence(order);
#endif
}

/* NULL: fetch fault, recorded. Does not know the exit address. */
struct rv_block *rv_lookup(struct rv_hart *h, uint64_t pc);
/* A block of at most @max instructions that is never entered again. */
struct rv_block *rv_decode_step(struct rv_hart *h, uint64_t pc, unsigned int max);

/* Memory, when the fast path does not do. False: fault recorded. */
bool rv_load_slow(struct rv_hart *h, uint64_t va, unsigned int size, uint64_t *val);
bool rv_store_slow(struct rv_hart *h, uint64_t va, unsigned int size, uint64_t val);
/* A range of guest memory around an address, in one piece on the host too. */
struct rv_run {
	uint64_t va, size;
	uint8_t *host; /* NULL: none, use the functions above */
};

/* False: fault recorded. */
bool rv_find_run(struct rv_hart *h, uint64_t va, enum rv_access access, struct rv_run *run);
/*
 * Host pointer for an atomic access, naturally aligned; *slow: there is none,
 * use cfg.amo. NULL and not slow: fault recorded.
 */
void *rv_amo_pointer(struct rv_hart *h, uint64_t va, bool *slow);
bool rv_amo_slow(struct rv_hart *h, uint64_t va, unsigned int size, enum rv_amo_op op, uint64_t val,
		 uint64_t *old);
/* 2 bytes of code. */
bool rv_fetch(struct rv_hart *h, uint64_t va, uint16_t *half);

static inline enum rv_step rv_fault(struct rv_hart *h, enum rv_cause cause)
{
	h->fault = (struct rv_fault){ .cause = cause };
	return RV_STEP_FAULT;
}

/* Handlers that are functions, ops.c. */
rv_fn rv_do_illegal, rv_do_ecall, rv_do_ebreak, rv_do_fence_i, rv_do_csr, rv_do_lr, rv_do_sc,
	rv_do_amo, rv_do_fclass, rv_do_fp_soft, rv_do_dsa_rd, rv_do_ext;
/* Half precision, half.c */
rv_fn rv_do_flh, rv_do_fsh, rv_do_half, rv_do_half_compare, rv_do_half_to_int, rv_do_half_from_int,
	rv_do_half_convert, rv_do_half_move;
/* Zfa, zfa.c */
rv_fn rv_do_fli, rv_do_fround, rv_do_fminmaxm, rv_do_fcmpq, rv_do_fcvtmod;
/* Vectors, vec_*.c */
rv_fn rv_do_vset, rv_do_vbin, rv_do_vwide, rv_do_vnarrow, rv_do_vext, rv_do_vcmp, rv_do_vcmpc,
	rv_do_vcarry, rv_do_vmv_v, rv_do_vunit, rv_do_vff, rv_do_vwhole, rv_do_vmaskmem,
	rv_do_vstrided, rv_do_vindexed, rv_do_vfbin, rv_do_vfsqrt, rv_do_vfwide, rv_do_vfcmp,
	rv_do_vfestimate, rv_do_vfcvt, rv_do_vfcvtbf16, rv_do_vfwmaccbf16, rv_do_vred, rv_do_vwred,
	rv_do_vfredsum, rv_do_vfwredsum, rv_do_vfredminmax, rv_do_vmlogic, rv_do_vmcount,
	rv_do_vmset, rv_do_viota, rv_do_vid, rv_do_vmv_x_s, rv_do_vmv_s_x, rv_do_vfmv_f_s,
	rv_do_vfmv_s_f, rv_do_vfmerge, rv_do_vslide, rv_do_vslide1, rv_do_vrgather,
	rv_do_vrgather_x, rv_do_vcompress, rv_do_vmvr;

/* The executor; two builds of the same source, the first needs host FMA. */
enum rv_exit rv_exec_fma(struct rv_hart *h);
enum rv_exit rv_exec_base(struct rv_hart *h);
/*
 * Between runs; the hart starts with the best one that the host can do. The
 * vector unit's loops go with it: for the plain executor the plain ones.
 */
void rv_use_exec(struct rv_hart *h, enum rv_exit (*exec)(struct rv_hart *h));

#endif /* DSA_CORE_RV_INT_H */
