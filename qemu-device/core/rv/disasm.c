// SPDX-License-Identifier: GPL-2.0-or-later
/* Text of an instruction, from the table. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "rv_int.h"

static const char *const xname[32] = {
	"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
	"a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
	"s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static const char *const fname[32] = {
	"ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
	"fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
	"fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

static const char *const rmname[8] = { "rne", "rtz", "rdn", "rup", "rmm", "?5", "?6", "dyn" };

struct text {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
	if (t->len >= t->size)
		t->len = t->size - 1;
}

static void put_vtype(struct text *t, uint32_t vtype)
{
	static const char *const lmul[8] = { "m1", "m2", "m4", "m8", "?", "mf8", "mf4", "mf2" };

	put(t, "e%u,%s,%s,%s", 8u << (vtype >> 3 & 7), lmul[vtype & 7], vtype & 0x40 ? "ta" : "tu",
	    vtype & 0x80 ? "ma" : "mu");
}

static void put_fli(struct text *t, unsigned int n)
{
	static const char *const constant[32] = {
		"-1",   "min",    "2^-16", "2^-15",  "2^-8", "2^-7",  "0.0625", "0.125",
		"0.25", "0.3125", "0.375", "0.4375", "0.5",  "0.625", "0.75",   "0.875",
		"1",    "1.25",   "1.5",   "1.75",   "2",    "2.5",   "3",      "4",
		"8",    "16",     "128",   "256",    "2^15", "2^16",  "inf",    "nan",
	};

	put(t, "%s", constant[n]);
}

void rv_vtype_text(uint64_t vtype, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };

	if (vtype >> 63)
		put(&t, "vill");
	else
		put_vtype(&t, (uint32_t)vtype);
}

static void put_csr(struct text *t, uint32_t csr)
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = {
		{ 0x001, "fflags" }, { 0x002, "frm" },     { 0x003, "fcsr" }, { 0x008, "vstart" },
		{ 0x009, "vxsat" },  { 0x00a, "vxrm" },    { 0x00f, "vcsr" }, { 0xc00, "cycle" },
		{ 0xc01, "time" },   { 0xc02, "instret" }, { 0xc20, "vl" },   { 0xc21, "vtype" },
		{ 0xc22, "vlenb" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == csr) {
			put(t, "%s", names[i].name);
			return;
		}
	}
	put(t, "0x%03" PRIx32, csr);
}

static bool put_vector_arg(struct text *t, char c, const struct rv_insn *in)
{
	switch (c) {
	case 'v':
		put(t, "v%u", in->rd);
		break;
	case 'x':
		put(t, "v%u", in->rs1);
		break;
	case 'y':
		put(t, "v%u", in->rs2);
		break;
	case 'p':
		put(t, "v0");
		break;
	case 'M':
		if (!(in->raw >> 25 & 1))
			put(t, ",v0.t");
		break;
	case 'i':
		put(t, "%" PRId32, in->imm);
		break;
	case 'k':
		put(t, "%u", in->rs1);
		break;
	case 'V':
		put_vtype(t, in->raw >> 20 & (in->raw >> 31 ? 0x3ff : 0x7ff));
		break;
	default:
		return false;
	}
	return true;
}

static void put_arg(struct text *t, char c, const struct rv_insn *in, uint64_t pc)
{
	switch (c) {
	case 'd':
		put(t, "%s", xname[in->rd]);
		break;
	case 's':
		put(t, "%s", xname[in->rs1]);
		break;
	case 't':
		put(t, "%s", xname[in->rs2]);
		break;
	case 'r':
		put(t, "%s", xname[in->rs3]);
		break;
	case 'D':
		put(t, "%s", fname[in->rd]);
		break;
	case 'S':
		put(t, "%s", fname[in->rs1]);
		break;
	case 'T':
		put(t, "%s", fname[in->rs2]);
		break;
	case 'R':
		put(t, "%s", fname[in->rs3]);
		break;
	case 'j':
		put(t, "%" PRId32, in->imm);
		break;
	case 'u':
		put(t, "0x%" PRIx32, (uint32_t)in->imm >> 12);
		break;
	case 'o':
		put(t, "%" PRId32 "(%s)", in->imm, xname[in->rs1]);
		break;
	case 'a':
		put(t, "(%s)", xname[in->rs1]);
		break;
	case 'b':
		put(t, "0x%" PRIx64, pc + (uint64_t)(int64_t)in->imm);
		break;
	case 'c':
		put_csr(t, (uint32_t)in->imm);
		break;
	case 'z':
		put(t, "%u", in->rs1);
		break;
	case 'f':
		put_fli(t, in->rs1);
		break;
	case 'm':
		put(t, "%s", rmname[in->rm & 7]);
		break;
	default:
		if (!put_vector_arg(t, c, in))
			put(t, "%c", c);
		break;
	}
}

unsigned int rv_disasm(uint32_t insn, uint64_t pc, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	struct rv_insn in;
	const char *p;

	if (!size)
		return (insn & 3) == 3 ? 4 : 2;
	if (!rv_decode(insn, &in)) {
		put(&t, ".insn %u, 0x%" PRIx32, in.len, in.raw);
		return in.len;
	}
	put(&t, "%s", in.row->name);
	for (p = in.row->args; *p; p++) {
		if (p == in.row->args)
			put(&t, " ");
		put_arg(&t, *p, &in, pc);
	}
	return in.len;
}

const char *rv_reg_name(int reg)
{
	return reg < 32 ? xname[reg & 31] : fname[reg & 31];
}

const char *rv_cause_name(enum rv_cause cause)
{
	switch (cause) {
	case RV_CAUSE_FETCH_MISALIGNED:
		return "misaligned instruction fetch";
	case RV_CAUSE_FETCH_ACCESS:
		return "instruction access fault";
	case RV_CAUSE_ILLEGAL:
		return "illegal instruction";
	case RV_CAUSE_EBREAK:
		return "breakpoint";
	case RV_CAUSE_LOAD_MISALIGNED:
		return "misaligned load-reserved";
	case RV_CAUSE_LOAD_ACCESS:
		return "load access fault";
	case RV_CAUSE_STORE_MISALIGNED:
		return "misaligned atomic";
	case RV_CAUSE_STORE_ACCESS:
		return "store access fault";
	case RV_CAUSE_ECALL:
		return "environment call";
	case RV_CAUSE_FETCH_PAGE:
		return "instruction page fault";
	case RV_CAUSE_LOAD_PAGE:
		return "load page fault";
	case RV_CAUSE_STORE_PAGE:
		return "store page fault";
	case RV_CAUSE_EXT:
		return "extension's fault";
	}
	return "unknown";
}
