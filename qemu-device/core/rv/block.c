// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Decoding code into blocks, and finding them by pc.
 *
 * Blocks live in an arena that is only ever emptied as a whole, together with
 * the hash and the jump cache: links between blocks need no bookkeeping.
 */
#include <string.h>

#include "fpenv.h"
#include "rv_int.h"

/* Only its count is ever looked at: the link is not resolved yet. */
struct rv_block rv_unlinked = { .n = INT64_MAX };

struct builder {
	struct rv_hart *h;
	uint64_t start;
	uint64_t pc;    /* of the instruction at hand */
	unsigned int n; /* instructions before it */
	unsigned int max;
	unsigned int slots;
	bool ended;
	struct rv_insn in;
	/* Slots of the two latest operations, for fusion; -1: none. */
	int last, last2;
	struct rv_op ops[RV_BLOCK_SLOTS];
	struct rv_opinfo info[RV_BLOCK_SLOTS];
};

static void describe(struct builder *b, unsigned int slot)
{
	b->info[slot] = (struct rv_opinfo){
		.insn = b->in.raw,
		.off = (int32_t)(b->pc - b->start),
		.n = (uint8_t)b->n,
		.len = b->in.len,
	};
}

static struct rv_op *emit(struct builder *b, enum rv_op_id op)
{
	struct rv_op *o = &b->ops[b->slots];

	describe(b, b->slots);
	b->last2 = b->last;
	b->last = (int)b->slots++;
	*o = (struct rv_op){
		.h = b->h->labels[op],
		.rd = b->in.rd,
		.rs1 = b->in.rs1,
		.rs2 = b->in.rs2,
		.rs3 = b->in.rs3,
		.imm = b->in.imm,
	};
	return o;
}

static void *emit_data(struct builder *b)
{
	describe(b, b->slots);
	return &b->ops[b->slots++];
}

static void emit_link(struct builder *b, uint64_t pc)
{
	struct rv_link *l = emit_data(b);

	*l = (struct rv_link){ .block = &rv_unlinked, .pc = pc };
}

/* rd of an integer result: x0 is redirected to where nobody looks. */
static uint8_t sink(uint8_t rd)
{
	return rd ? rd : 32;
}

static void emit_const(struct builder *b, uint8_t rd, uint64_t v)
{
	struct rv_const *c;
	struct rv_op *o;

	if (!rd)
		return;
	if ((uint64_t)(int64_t)(int32_t)v == v) {
		o = emit(b, RV_OP_LI);
		o->imm = (int32_t)v;
	} else {
		o = emit(b, RV_OP_CONST);
		c = emit_data(b);
		*c = (struct rv_const){ .value = v };
	}
	o->rd = rd;
}

static void emit_call(struct builder *b, rv_fn *fn, uint32_t sub, bool int_rd)
{
	struct rv_op *o = emit(b, RV_OP_CALL);
	struct rv_call *c = emit_data(b);

	if (int_rd)
		o->rd = sink(o->rd);
	*c = (struct rv_call){
		.fn = fn,
		.raw = b->in.raw,
		.sub = (uint16_t)sub,
		.rm = b->in.rm,
		.n = (uint8_t)b->n,
	};
	b->last = b->last2 = -1;
}

/* The value that x[reg] is known to have here, when a LI or CONST just set it. */
static bool known_value(struct builder *b, uint8_t reg, uint64_t *v)
{
	const struct rv_op *o;

	if (!reg) {
		*v = 0;
		return true;
	}
	if (b->last < 0)
		return false;
	o = &b->ops[b->last];
	if (o->rd != reg)
		return false;
	if (o->h == b->h->labels[RV_OP_LI]) {
		*v = (uint64_t)(int64_t)o->imm;
		return true;
	}
	if (o->h == b->h->labels[RV_OP_CONST]) {
		*v = ((const struct rv_const *)(o + 1))->value;
		return true;
	}
	return false;
}

static bool last_is(const struct builder *b, enum rv_op_id op)
{
	return b->last >= 0 && b->ops[b->last].h == b->h->labels[op];
}

/* Take the latest operation back: its successor does its work too. */
static void drop_last(struct builder *b)
{
	b->slots = (unsigned int)b->last;
	b->last = b->last2;
	b->last2 = -1;
}

/* addi after lui, auipc or li of the same register: one constant. */
static bool fuse_const(struct builder *b)
{
	uint64_t v;

	if (b->in.rd != b->in.rs1 || !known_value(b, b->in.rs1, &v))
		return false;
	v += (uint64_t)(int64_t)b->in.imm;
	if (b->in.row->op == RV_OP_ADDIW)
		v = (uint64_t)(int64_t)(int32_t)v;
	drop_last(b);
	emit_const(b, b->in.rd, v);
	return true;
}

static void build_addi(struct builder *b)
{
	struct rv_insn *in = &b->in;
	bool word = in->row->op == RV_OP_ADDIW;

	if (!in->rd)
		return;
	if (!in->rs1)
		emit_const(b, in->rd, (uint64_t)(int64_t)in->imm);
	else if (fuse_const(b))
		return;
	else if (!in->imm && !word)
		emit(b, RV_OP_MV);
	else
		emit(b, in->row->op);
}

/* Shifts left then right by 32 of one register are a zero extension. */
static void build_srli(struct builder *b)
{
	struct rv_op *prev = b->last >= 0 ? &b->ops[b->last] : NULL;
	struct rv_op *o;
	uint8_t rs1;
	int32_t left;

	if (!b->in.rd)
		return;
	if (!last_is(b, RV_OP_SLLI) || prev->rd != b->in.rs1 || prev->rd != b->in.rd) {
		emit(b, RV_OP_SRLI);
		return;
	}
	rs1 = prev->rs1;
	left = prev->imm;
	drop_last(b);
	o = emit(b, left == 32 && b->in.imm == 32 ? RV_OP_ZEXTW : RV_OP_SLLI_SRLI);
	o->rs1 = rs1;
	o->rs2 = (uint8_t)left;
}

/* Array addressing: the shifted index is overwritten by the sum. */
static void build_add(struct builder *b)
{
	struct rv_insn *in = &b->in;
	struct rv_op *prev = b->last >= 0 ? &b->ops[b->last] : NULL, *o;
	uint8_t rs1, other;
	int32_t shift;

	if (!in->rd)
		return;
	if (!in->rs1 || !in->rs2) {
		in->rs1 = in->rs1 ? in->rs1 : in->rs2;
		emit(b, RV_OP_MV);
		return;
	}
	other = prev && prev->rd == in->rs1 ? in->rs2 : in->rs1;
	if (!last_is(b, RV_OP_SLLI) || prev->rd != in->rd ||
	    (prev->rd != in->rs1 && prev->rd != in->rs2) || other == prev->rd) {
		emit(b, RV_OP_ADD);
		return;
	}
	rs1 = prev->rs1;
	shift = prev->imm;
	drop_last(b);
	o = emit(b, RV_OP_SLLI_ADD);
	o->rs1 = rs1;
	o->rs2 = other;
	o->imm = shift;
}

static enum rv_op_id branch_on_zero(enum rv_op_id op)
{
	return op == RV_OP_BEQ ? RV_OP_BEQZ : RV_OP_BNEZ;
}

static enum rv_op_id branch_after_addi(enum rv_op_id op)
{
	switch (op) {
	case RV_OP_BEQ:
		return RV_OP_ADDI_BEQ;
	case RV_OP_BNE:
		return RV_OP_ADDI_BNE;
	case RV_OP_BLT:
		return RV_OP_ADDI_BLT;
	case RV_OP_BGE:
		return RV_OP_ADDI_BGE;
	case RV_OP_BLTU:
		return RV_OP_ADDI_BLTU;
	default:
		return RV_OP_ADDI_BGEU;
	}
}

/* addi x, x, imm; branch on x: the loop counter. The step is kept in rd, signed. */
static bool fuse_addi_branch(struct builder *b, struct rv_op *saved)
{
	struct rv_op *prev = b->last >= 0 ? &b->ops[b->last] : NULL;

	if (!last_is(b, RV_OP_ADDI) || prev->rd != prev->rs1 ||
	    (prev->rd != b->in.rs1 && prev->rd != b->in.rs2) || prev->imm < -2048 ||
	    prev->imm > 2047)
		return false;
	*saved = *prev;
	drop_last(b);
	return true;
}

static void build_branch(struct builder *b)
{
	struct rv_insn *in = &b->in;
	enum rv_op_id op = in->row->op;
	struct rv_op *o, saved;

	if (fuse_addi_branch(b, &saved)) {
		o = emit(b, branch_after_addi(op));
		o->imm = saved.imm;
		o->rd = saved.rd;
	} else if ((op == RV_OP_BEQ || op == RV_OP_BNE) && (!in->rs1 || !in->rs2)) {
		in->rs1 = in->rs1 ? in->rs1 : in->rs2;
		o = emit(b, branch_on_zero(op));
	} else {
		o = emit(b, op);
	}
	o->rs3 = (uint8_t)(b->n + 1);
	emit_link(b, b->pc + (uint64_t)(int64_t)in->imm);
	b->last = b->last2 = -1;
}

static void end_with_jump(struct builder *b, unsigned int n, uint64_t pc)
{
	struct rv_op *o = emit(b, RV_OP_JUMP);

	o->rs3 = (uint8_t)n;
	emit_link(b, pc);
	b->ended = true;
}

/* Direct jumps are followed, within the page that the block began in. */
static void build_jal(struct builder *b)
{
	uint64_t target = b->pc + (uint64_t)(int64_t)b->in.imm;

	if (b->in.rd)
		emit_const(b, b->in.rd, b->pc + b->in.len);
	if ((target ^ b->start) >> RV_PAGE_SHIFT) {
		end_with_jump(b, b->n + 1, target);
		return;
	}
	b->last = b->last2 = -1;
	b->pc = target - b->in.len; /* the caller steps over the jump */
}

static void build_jalr(struct builder *b)
{
	struct rv_op *o = emit(b, b->in.rd ? RV_OP_JALR : RV_OP_JR);
	struct rv_const *c = emit_data(b);

	o->rs3 = (uint8_t)(b->n + 1);
	*c = (struct rv_const){ .value = b->pc + b->in.len };
	b->ended = true;
}

/* Can the host do this rounding by itself, in the mode it is in? */
static bool host_rounds(const struct builder *b)
{
	uint32_t frm = b->h->code_frm, rm = b->in.rm == 7 ? frm : b->in.rm;
	enum rv_op_id op = b->in.row->op;

	if (frm < 4 && rm == frm)
		return true;
	/* Truncation is an instruction of its own; widening never rounds. */
	if (rm == 1 && op >= RV_OP_FCVT_W_S && op <= RV_OP_FCVT_LU_D)
		return true;
	return rm < 5 && (op == RV_OP_FCVT_D_S || op == RV_OP_FCVT_D_W || op == RV_OP_FCVT_D_WU);
}

static void build_fp(struct builder *b)
{
	enum rv_op_id op = b->in.row->op;
	bool int_rd = b->in.row->args[0] == 'd';
	uint32_t rm = b->in.rm == 7 ? b->h->code_frm : b->in.rm;
	struct rv_op *o;

	if (rm < 5 ? !host_rounds(b) || (op >= RV_OP_FCVT_W_S && op <= RV_OP_FCVT_LU_D && rm != 1) :
		     true) {
		emit_call(b, rv_do_fp_soft, op, int_rd);
		return;
	}
	o = emit(b, op);
	if (int_rd)
		o->rd = sink(o->rd);
}

/* Instructions after which decoding cannot go on, or need not. */
static bool ends_block(const struct rv_row *row)
{
	return row->fn == rv_do_ecall || row->fn == rv_do_ebreak || row->fn == rv_do_fence_i;
}

static bool is_load(enum rv_op_id op)
{
	return op >= RV_OP_LB && op <= RV_OP_LWU;
}

/* These have an effect beside their result, as loads do: flags. */
static bool is_compare(enum rv_op_id op)
{
	return op >= RV_OP_FEQ_S && op <= RV_OP_FLE_D;
}

static void build_plain(struct builder *b)
{
	const struct rv_row *row = b->in.row;
	struct rv_op *o;

	if (row->args[0] != 'd' || is_load(row->op) || is_compare(row->op)) {
		o = emit(b, row->op);
		if (row->args[0] == 'd')
			o->rd = sink(o->rd);
		return;
	}
	if (!b->in.rd)
		return; /* a hint */
	emit(b, row->op);
}

/* Can it see or change the host's floating point environment? Functions might. */
static bool uses_fp(const struct rv_row *row)
{
	return row->op == RV_OP_CALL || (row->op >= RV_OP_FADD_S && row->op <= RV_OP_FMV_D_X);
}

/* The first such instruction: from here on that environment is the guest's. */
static void begin_fp(struct rv_hart *h)
{
	h->fp_code = true;
	rv_fp_enter(h);
}

static void build_insn(struct builder *b)
{
	const struct rv_row *row = b->in.row;

	if (!b->h->fp_code && uses_fp(row))
		begin_fp(b->h);
	switch (row->op) {
	case RV_OP_CALL:
		emit_call(b, row->fn, row->sub, row->args[0] == 'd');
		if (ends_block(row))
			end_with_jump(b, b->n + 1, b->pc + b->in.len);
		break;
	case RV_OP_LUI:
		emit_const(b, b->in.rd, (uint64_t)(int64_t)b->in.imm);
		break;
	case RV_OP_AUIPC:
		emit_const(b, b->in.rd, b->pc + (uint64_t)(int64_t)b->in.imm);
		break;
	case RV_OP_ADDI:
	case RV_OP_ADDIW:
		build_addi(b);
		break;
	case RV_OP_ADD:
		build_add(b);
		break;
	case RV_OP_SRLI:
		build_srli(b);
		break;
	case RV_OP_BEQ:
	case RV_OP_BNE:
	case RV_OP_BLT:
	case RV_OP_BGE:
	case RV_OP_BLTU:
	case RV_OP_BGEU:
		build_branch(b);
		break;
	case RV_OP_JAL:
		build_jal(b);
		break;
	case RV_OP_JALR:
		build_jalr(b);
		break;
	default:
		if (b->in.rm != 8)
			build_fp(b);
		else
			build_plain(b);
	}
}

/* False: fetch fault, recorded. */
static bool fetch_insn(struct builder *b)
{
	uint16_t lo, hi = 0;

	if (!rv_fetch(b->h, b->pc, &lo))
		return false;
	if ((lo & 3) == 3 && !rv_fetch(b->h, b->pc + 2, &hi))
		return false;
	if (!rv_decode(lo | (uint32_t)hi << 16, &b->in))
		b->in.row = NULL;
	return true;
}

static void cover(struct rv_hart *h, uint64_t lo, uint64_t hi)
{
	if (lo < h->code_lo)
		h->code_lo = lo;
	if (hi > h->code_hi)
		h->code_hi = hi;
}

/*
 * Only the first instruction may reach into another page: the rest of a block
 * stays in the page it began in, so decoding ahead never faults.
 */
static bool may_continue(const struct builder *b)
{
	uint16_t lo;

	if (b->ended || b->n >= b->max || (b->pc ^ b->start) >> RV_PAGE_SHIFT)
		return false;
	if ((b->pc & (RV_PAGE_SIZE - 1)) < RV_PAGE_SIZE - 2)
		return true;
	return rv_fetch(b->h, b->pc, &lo) && (lo & 3) != 3;
}

static bool build(struct builder *b)
{
	if (!fetch_insn(b))
		return false;
	for (;;) {
		cover(b->h, b->pc, b->pc + b->in.len);
		if (!b->in.row) {
			emit_call(b, rv_do_illegal, 0, false);
			b->n++;
			b->ended = true;
		} else {
			build_insn(b);
			b->n++;
			b->pc += b->in.len;
		}
		if (!may_continue(b))
			break;
		if (!fetch_insn(b))
			break; /* cannot happen: same page */
	}
	if (!b->ended)
		end_with_jump(b, b->n, b->pc);
	return true;
}

static size_t block_size(unsigned int slots)
{
	return sizeof(struct rv_block) + slots * (sizeof(struct rv_op) + sizeof(struct rv_opinfo));
}

static void finish(struct builder *b, struct rv_block *blk)
{
	blk->pc = b->start;
	blk->n = b->n;
	blk->next = NULL;
	blk->info = (struct rv_opinfo *)&blk->ops[b->slots];
	memcpy(blk->ops, b->ops, b->slots * sizeof(b->ops[0]));
	memcpy(blk->info, b->info, b->slots * sizeof(b->info[0]));
}

static void builder_init(struct builder *b, struct rv_hart *h, uint64_t pc, unsigned int max)
{
	b->h = h;
	b->start = b->pc = pc;
	b->n = b->slots = 0;
	b->max = max < RV_BLOCK_INSNS ? max : RV_BLOCK_INSNS;
	b->ended = false;
	b->last = b->last2 = -1;
}

struct rv_block *rv_decode_step(struct rv_hart *h, uint64_t pc, unsigned int max)
{
	struct builder b;

	builder_init(&b, h, pc, max);
	if (!build(&b))
		return NULL;
	finish(&b, h->step);
	return h->step;
}

static struct rv_block *decode_block(struct rv_hart *h, uint64_t pc, unsigned int slot)
{
	struct rv_block *blk;
	struct builder b;

	builder_init(&b, h, pc, RV_BLOCK_INSNS);
	if (!build(&b))
		return NULL;
	if (h->arena_used + block_size(b.slots) > RV_ARENA_SIZE) {
		uint64_t lo = h->code_lo, hi = h->code_hi;

		rv_flush_code(h);
		cover(h, lo, hi);
	}
	blk = (struct rv_block *)(h->arena + h->arena_used);
	h->arena_used += (block_size(b.slots) + 15) & ~(size_t)15;
	finish(&b, blk);
	blk->next = h->hash[slot];
	h->hash[slot] = blk;
	return blk;
}

struct rv_block *rv_lookup(struct rv_hart *h, uint64_t pc)
{
	unsigned int slot = (unsigned int)(pc >> 1) & (RV_JCACHE_SIZE - 1);
	struct rv_block *blk;

	for (blk = h->hash[slot]; blk; blk = blk->next)
		if (blk->pc == pc)
			break;
	if (!blk)
		blk = decode_block(h, pc, slot);
	if (blk)
		h->jcache[slot] = (struct rv_jcache){ .pc = pc, .block = blk };
	return blk;
}

void rv_flush_code(struct rv_hart *h)
{
	unsigned int i;

	h->flush_count++;
	h->code_lo = UINT64_MAX;
	h->code_hi = 0;
	if (!h->arena_used)
		return;
	h->arena_used = 0;
	memset(h->hash, 0, sizeof(h->hash));
	for (i = 0; i < RV_JCACHE_SIZE; i++)
		h->jcache[i] = (struct rv_jcache){ .pc = 1, .block = &rv_unlinked };
}
