// SPDX-License-Identifier: GPL-2.0-or-later
/* The instruction table, the index into it, and operand extraction. */
#include <string.h>

#include "rv_int.h"
#include "vec.h"

#define I(name_, args_, match_, mask_, fmt_, op_) \
	{ .name = name_,                          \
	  .args = args_,                          \
	  .match = match_,                        \
	  .mask = mask_,                          \
	  .fmt = RV_FMT_##fmt_,                   \
	  .op = RV_OP_##op_ },
#define C(name_, args_, match_, mask_, fmt_, fn_, sub_) \
	{ .name = name_,                                \
	  .args = args_,                                \
	  .match = match_,                              \
	  .mask = mask_,                                \
	  .fmt = RV_FMT_##fmt_,                         \
	  .op = RV_OP_CALL,                             \
	  .fn = fn_,                                    \
	  .sub = sub_ },
const struct rv_row rv_rows[] = {
#include "rv_insns.def"
};
#undef I
#undef C

#define ROWS (sizeof(rv_rows) / sizeof(rv_rows[0]))
const unsigned int rv_row_count = ROWS;

/*
 * Rows by key: opcode and funct3 for 32 bits, quadrant and funct3 for 16. A
 * row whose mask leaves key bits open stands in every list it may match.
 * Built once, before the first hart, by rv_decode_init().
 */
#define KEYS        (32 * 8 + 4 * 8)
#define MAX_ENTRIES (ROWS * 8)
static uint16_t index_start[KEYS + 1];
static uint16_t index_rows[MAX_ENTRIES];

static unsigned int key_of(uint32_t w)
{
	if ((w & 3) == 3)
		return ((w >> 2) & 31) * 8 + ((w >> 12) & 7);
	return 256 + (w & 3) * 8 + ((w >> 13) & 7);
}

static uint32_t word_of_key(unsigned int key)
{
	if (key < 256)
		return 3 | (key / 8) << 2 | (key % 8) << 12;
	key -= 256;
	return key / 8 | (key % 8) << 13;
}

static uint32_t key_mask(unsigned int key)
{
	return key < 256 ? 0x707f : 0xe003;
}

void rv_decode_init(void)
{
	unsigned int key, row, n = 0;

	for (key = 0; key < KEYS; key++) {
		index_start[key] = (uint16_t)n;
		for (row = 0; row < ROWS; row++) {
			const struct rv_row *r = &rv_rows[row];
			uint32_t m = r->mask & key_mask(key);

			/* Rows of the other length match no word of this key. */
			if ((word_of_key(key) & m) == (r->match & m) &&
			    ((r->match & 3) == 3) == (key < 256) && n < MAX_ENTRIES)
				index_rows[n++] = (uint16_t)row;
		}
	}
	index_start[KEYS] = (uint16_t)n;
}

static inline uint32_t bits(uint32_t w, unsigned int lo, unsigned int n)
{
	return (w >> lo) & ((1u << n) - 1);
}

/* Bit @from of @w, moved to @to. */
static inline uint32_t bit(uint32_t w, unsigned int from, unsigned int to)
{
	return ((w >> from) & 1) << to;
}

static inline int32_t sext(uint32_t v, unsigned int width)
{
	uint32_t sign = 1u << (width - 1);

	return (int32_t)((v ^ sign) - sign);
}

/* Register of a compressed instruction's 3-bit field. */
static inline uint8_t creg(uint32_t w, unsigned int lo)
{
	return (uint8_t)(8 + bits(w, lo, 3));
}

static int32_t imm_b(uint32_t w)
{
	return sext(bits(w, 8, 4) << 1 | bits(w, 25, 6) << 5 | bit(w, 7, 11) | bit(w, 31, 12), 13);
}

static int32_t imm_j(uint32_t w)
{
	return sext(bits(w, 21, 10) << 1 | bit(w, 20, 11) | bits(w, 12, 8) << 12 | bit(w, 31, 20),
		    21);
}

static int32_t imm_cj(uint32_t w)
{
	return sext(bits(w, 3, 3) << 1 | bit(w, 11, 4) | bit(w, 2, 5) | bit(w, 7, 6) |
			    bit(w, 6, 7) | bits(w, 9, 2) << 8 | bit(w, 8, 10) | bit(w, 12, 11),
		    12);
}

static int32_t imm_cb(uint32_t w)
{
	return sext(bits(w, 3, 2) << 1 | bits(w, 10, 2) << 3 | bit(w, 2, 5) | bits(w, 5, 2) << 6 |
			    bit(w, 12, 8),
		    9);
}

static int32_t imm_ci(uint32_t w)
{
	return sext(bits(w, 2, 5) | bit(w, 12, 5), 6);
}

static bool rm_valid(uint8_t rm)
{
	return rm <= 4 || rm == 7;
}

static bool operands32(enum rv_fmt fmt, struct rv_insn *in)
{
	uint32_t w = in->raw;

	in->rd = (uint8_t)bits(w, 7, 5);
	in->rs1 = (uint8_t)bits(w, 15, 5);
	in->rs2 = (uint8_t)bits(w, 20, 5);
	switch (fmt) {
	case RV_FMT_R:
	case RV_FMT_NONE:
		return true;
	case RV_FMT_R4:
		in->rs3 = (uint8_t)bits(w, 27, 5);
		in->rm = (uint8_t)bits(w, 12, 3);
		return rm_valid(in->rm);
	case RV_FMT_R_RM:
		in->rm = (uint8_t)bits(w, 12, 3);
		return rm_valid(in->rm);
	case RV_FMT_V:
		in->imm = sext(bits(w, 15, 5), 5);
		return true;
	case RV_FMT_I:
		in->imm = (int32_t)w >> 20;
		return true;
	case RV_FMT_CSR:
		in->imm = (int32_t)bits(w, 20, 12);
		return true;
	case RV_FMT_SH6:
		in->imm = (int32_t)bits(w, 20, 6);
		return true;
	case RV_FMT_SH5:
		in->imm = (int32_t)bits(w, 20, 5);
		return true;
	case RV_FMT_S:
		in->imm = (int32_t)(w & 0xfe000000) >> 20 | (int32_t)bits(w, 7, 5);
		return true;
	case RV_FMT_B:
		in->imm = imm_b(w);
		return true;
	case RV_FMT_U:
		in->imm = (int32_t)(w & 0xfffff000);
		return true;
	case RV_FMT_J:
		in->imm = imm_j(w);
		return true;
	default:
		return false;
	}
}

static uint32_t imm_clw(uint32_t w)
{
	return bit(w, 6, 2) | bits(w, 10, 3) << 3 | bit(w, 5, 6);
}

static uint32_t imm_cld(uint32_t w)
{
	return bits(w, 10, 3) << 3 | bits(w, 5, 2) << 6;
}

static void operands_cmem(struct rv_insn *in, uint32_t imm, bool store)
{
	in->imm = (int32_t)imm;
	in->rs1 = creg(in->raw, 7);
	if (store)
		in->rs2 = creg(in->raw, 2);
	else
		in->rd = creg(in->raw, 2);
}

static void operands_csp(struct rv_insn *in, uint32_t imm, bool store)
{
	in->imm = (int32_t)imm;
	in->rs1 = 2;
	if (store)
		in->rs2 = (uint8_t)bits(in->raw, 2, 5);
	else
		in->rd = (uint8_t)bits(in->raw, 7, 5);
}

/* rd is also rs1. */
static void operands_crd(struct rv_insn *in, uint8_t rd, int32_t imm)
{
	in->rd = rd;
	in->rs1 = rd;
	in->imm = imm;
}

static bool operands16(enum rv_fmt fmt, struct rv_insn *in)
{
	uint32_t w = in->raw;
	uint8_t full = (uint8_t)bits(w, 7, 5);

	switch (fmt) {
	case RV_FMT_NONE:
		return true;
	case RV_FMT_CIW:
		in->rd = creg(w, 2);
		in->rs1 = 2;
		in->imm = (int32_t)(bit(w, 6, 2) | bit(w, 5, 3) | bits(w, 11, 2) << 4 |
				    bits(w, 7, 4) << 6);
		return in->imm != 0;
	case RV_FMT_CLW:
		operands_cmem(in, imm_clw(w), false);
		return true;
	case RV_FMT_CLD:
		operands_cmem(in, imm_cld(w), false);
		return true;
	case RV_FMT_CSW:
		operands_cmem(in, imm_clw(w), true);
		return true;
	case RV_FMT_CSD:
		operands_cmem(in, imm_cld(w), true);
		return true;
	case RV_FMT_CI:
		operands_crd(in, full, imm_ci(w));
		return true;
	case RV_FMT_CIR:
		operands_crd(in, full, imm_ci(w));
		return full != 0;
	case RV_FMT_CLI:
		in->rd = full;
		in->imm = imm_ci(w);
		return true;
	case RV_FMT_C16SP:
		operands_crd(in, 2,
			     sext(bit(w, 6, 4) | bit(w, 2, 5) | bit(w, 5, 6) | bits(w, 3, 2) << 7 |
					  bit(w, 12, 9),
				  10));
		return in->imm != 0;
	case RV_FMT_CLUI:
		in->rd = full;
		in->imm = (int32_t)((uint32_t)imm_ci(w) << 12);
		return in->imm != 0;
	case RV_FMT_CSLLI:
		operands_crd(in, full, imm_ci(w) & 63);
		return true;
	case RV_FMT_CSH:
		operands_crd(in, creg(w, 7), imm_ci(w) & 63);
		return true;
	case RV_FMT_CANDI:
		operands_crd(in, creg(w, 7), imm_ci(w));
		return true;
	case RV_FMT_CA:
		operands_crd(in, creg(w, 7), 0);
		in->rs2 = creg(w, 2);
		return true;
	case RV_FMT_CJ:
		in->imm = imm_cj(w);
		return true;
	case RV_FMT_CB:
		in->rs1 = creg(w, 7);
		in->imm = imm_cb(w);
		return true;
	case RV_FMT_CJR:
		in->rs1 = full;
		return full != 0;
	case RV_FMT_CJALR:
		in->rd = 1;
		in->rs1 = full;
		return true;
	case RV_FMT_CMV:
		in->rd = full;
		in->rs2 = (uint8_t)bits(w, 2, 5);
		return true;
	case RV_FMT_CADD:
		operands_crd(in, full, 0);
		in->rs2 = (uint8_t)bits(w, 2, 5);
		return true;
	case RV_FMT_CLWSP:
		operands_csp(in, bits(w, 4, 3) << 2 | bit(w, 12, 5) | bits(w, 2, 2) << 6, false);
		return full != 0;
	case RV_FMT_CLDSP:
		operands_csp(in, bits(w, 5, 2) << 3 | bit(w, 12, 5) | bits(w, 2, 3) << 6, false);
		return full != 0 || in->row->args[0] == 'D';
	case RV_FMT_CSWSP:
		operands_csp(in, bits(w, 9, 4) << 2 | bits(w, 7, 2) << 6, true);
		return true;
	case RV_FMT_CSDSP:
		operands_csp(in, bits(w, 10, 3) << 3 | bits(w, 7, 3) << 6, true);
		return true;
	default:
		return false;
	}
}

bool rv_decode(uint32_t word, struct rv_insn *in)
{
	bool wide = (word & 3) == 3;
	unsigned int key, i;

	memset(in, 0, sizeof(*in));
	in->raw = wide ? word : word & 0xffff;
	in->len = wide ? 4 : 2;
	in->rm = 8;
	key = key_of(in->raw);
	for (i = index_start[key]; i < index_start[key + 1]; i++) {
		const struct rv_row *r = &rv_rows[index_rows[i]];

		if ((in->raw & r->mask) != r->match)
			continue;
		in->row = r;
		return wide ? operands32(r->fmt, in) : operands16(r->fmt, in);
	}
	return false;
}
