/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers as gdb knows them: x0-x31, pc, f0-f31, fflags, frm, fcsr, the
 * vector unit's CSRs, v0-v31. What gdb is told about them is the target
 * description. The vectors come last: the packet of all registers ends before
 * them, and gdb asks for those that it wants.
 */
#include <stdlib.h>
#include <string.h>

#include "gdb.h"

enum {
	REG_PC = 32,
	REG_F = 33,
	REG_FFLAGS = 65,
	REG_FRM,
	REG_FCSR,
	REG_VSTART,
	REG_VXSAT,
	REG_VXRM,
	REG_VCSR,
	REG_VL,
	REG_VTYPE,
	REG_VLENB,
	REG_V,
	REGS = REG_V + 32
};

#define MAX_VALUE (RV_VLEN_MAX / 8) /* bytes of a register */

static size_t reg_size(const struct rv_hart *h, unsigned int reg)
{
	if (reg >= REG_V)
		return h->vlenb;
	return reg >= REG_FFLAGS && reg <= REG_FCSR ? 4 : 8;
}

static uint64_t get_csr(const struct rv_hart *h, unsigned int reg)
{
	const struct rv_arch *a = &h->arch;

	switch (reg) {
	case REG_FFLAGS:
		return a->fcsr & 0x1f;
	case REG_FRM:
		return a->fcsr >> 5 & 7;
	case REG_FCSR:
		return a->fcsr;
	case REG_VSTART:
		return a->vstart;
	case REG_VXSAT:
		return a->vxsat;
	case REG_VXRM:
		return a->vxrm;
	case REG_VCSR:
		return a->vxrm << 1 | a->vxsat;
	case REG_VL:
		return a->vl;
	case REG_VTYPE:
		return a->vtype;
	default:
		return h->vlenb;
	}
}

static uint64_t get_scalar(const struct rv_hart *h, unsigned int reg)
{
	if (reg < REG_PC)
		return reg ? h->arch.x[reg] : 0;
	if (reg == REG_PC)
		return h->arch.pc;
	return reg < REG_FFLAGS ? h->arch.f[reg - REG_F] : get_csr(h, reg);
}

/* The hart sees to it that a vtype, vl or vstart that cannot be becomes one that can. */
static void set_csr(struct rv_arch *a, unsigned int reg, uint64_t v)
{
	switch (reg) {
	case REG_FFLAGS:
		a->fcsr = (a->fcsr & ~0x1fu) | (v & 0x1f);
		break;
	case REG_FRM:
		a->fcsr = (a->fcsr & ~0xe0u) | (v & 7) << 5;
		break;
	case REG_FCSR:
		a->fcsr = v & 0xff;
		break;
	case REG_VSTART:
		a->vstart = v;
		break;
	case REG_VXSAT:
		a->vxsat = v & 1;
		break;
	case REG_VXRM:
		a->vxrm = v & 3;
		break;
	case REG_VCSR:
		a->vxsat = v & 1;
		a->vxrm = v >> 1 & 3;
		break;
	case REG_VL:
		a->vl = v;
		break;
	case REG_VTYPE:
		a->vtype = v;
		break;
	}
}

static void set_scalar(struct rv_arch *a, unsigned int reg, uint64_t v)
{
	if (reg < REG_PC)
		a->x[reg] = reg ? v : 0;
	else if (reg == REG_PC)
		a->pc = v & ~1ull;
	else if (reg < REG_FFLAGS)
		a->f[reg - REG_F] = v;
	else
		set_csr(a, reg, v);
}

static void get_reg(const struct rv_hart *h, unsigned int reg, void *to)
{
	uint64_t v;

	if (reg >= REG_V) {
		memcpy(to, h->v + (size_t)(reg - REG_V) * h->vlenb, h->vlenb);
		return;
	}
	v = get_scalar(h, reg);
	memcpy(to, &v, reg_size(h, reg));
}

static void set_reg(struct rv_hart *h, unsigned int reg, const void *from)
{
	uint64_t v = 0;

	if (reg >= REG_V) {
		memcpy(h->v + (size_t)(reg - REG_V) * h->vlenb, from, h->vlenb);
		h->v_used = true;
		return;
	}
	memcpy(&v, from, reg_size(h, reg));
	set_scalar(&h->arch, reg, v);
}

/* ---- target description ---- */

static void put_reg(FILE *f, const char *name, unsigned int bits, const char *type,
		    unsigned int reg, const char *group)
{
	fprintf(f, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\" group=\"%s\"/>", name,
		bits, type, reg, group);
}

static void describe_cpu(FILE *f)
{
	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.cpu\">");
	for (unsigned int i = 0; i < 32; i++)
		put_reg(f, rv_reg_name((int)i), 64,
			i == 1           ? "code_ptr" :
			i >= 2 && i <= 4 ? "data_ptr" :
					   "int",
			i, "general");
	put_reg(f, "pc", 64, "code_ptr", REG_PC, "general");
	fprintf(f, "</feature>");
}

static void describe_fpu(FILE *f)
{
	static const char *const fcsr[] = { "fflags", "frm", "fcsr" };

	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.fpu\"><union id=\"riscv_double\">"
		   "<field name=\"float\" type=\"ieee_single\"/>"
		   "<field name=\"double\" type=\"ieee_double\"/></union>");
	for (unsigned int i = 0; i < 32; i++)
		put_reg(f, rv_reg_name((int)(32 + i)), 64, "riscv_double", REG_F + i, "float");
	for (unsigned int i = 0; i < 3; i++)
		put_reg(f, fcsr[i], 32, "int", REG_FFLAGS + i, "float");
	fprintf(f, "</feature>");
}

/* The views of a vector register: elements of each size, as integers and as numbers. */
static void describe_vector(FILE *f, unsigned int vlenb)
{
	static const struct {
		const char *field, *type;
		unsigned int bytes;
	} views[] = {
		{ "b", "int8", 1 },          { "s", "int16", 2 },         { "w", "int32", 4 },
		{ "l", "int64", 8 },         { "f16", "ieee_half", 2 },   { "bf16", "bfloat16", 2 },
		{ "f32", "ieee_single", 4 }, { "f64", "ieee_double", 8 },
	};
	const unsigned int n = sizeof(views) / sizeof(views[0]);
	char name[8];

	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.vector\">");
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "<vector id=\"v_%s\" type=\"%s\" count=\"%u\"/>", views[i].field,
			views[i].type, vlenb / views[i].bytes);
	fprintf(f, "<union id=\"riscv_vector\">");
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "<field name=\"%s\" type=\"v_%s\"/>", views[i].field, views[i].field);
	fprintf(f, "</union>");
	for (unsigned int i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		put_reg(f, name, 8 * vlenb, "riscv_vector", REG_V + i, "vector");
	}
	fprintf(f, "</feature>");
}

static void describe_vector_csrs(FILE *f)
{
	static const char *const names[] = { "vstart", "vxsat", "vxrm", "vcsr",
					     "vl",     "vtype", "vlenb" };

	fprintf(f, "<feature name=\"org.gnu.gdb.riscv.csr\">");
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_reg(f, names[i], 64, "int", REG_VSTART + i, "vector");
	fprintf(f, "</feature>");
}

static void describe(const struct rv_hart *h, char *xml, size_t size)
{
	FILE *f = must(fmemopen(xml, size, "w"));

	fprintf(f, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
		   "<target version=\"1.0\"><architecture>riscv:rv64</architecture>");
	describe_cpu(f);
	describe_fpu(f);
	describe_vector(f, h->vlenb);
	describe_vector_csrs(f);
	fprintf(f, "</target>");
	fclose(f);
}

void regs_features(struct gdb *g, const struct rv_hart *h, const char *range)
{
	static char xml[PACKET];
	unsigned long at, n, len;

	if (!*xml)
		describe(h, xml, sizeof(xml));
	len = strlen(xml);
	if (sscanf(range, "%lx,%lx", &at, &n) != 2 || at > len) {
		reply(g, "E01");
		return;
	}
	if (n > PACKET / 2)
		n = PACKET / 2;
	/* No character of the text needs an escape. */
	reply(g, "%c%.*s", at + n < len ? 'm' : 'l', (int)n, xml + at);
}

/* ---- packets ---- */

void regs_read(struct gdb *g, const struct rv_hart *h)
{
	char text[2 * 8 * REG_V + 1], *p = text;
	uint8_t value[8];

	for (unsigned int i = 0; i < REG_V; i++) {
		get_reg(h, i, value);
		p += put_hex(p, value, reg_size(h, i));
	}
	reply(g, "%s", text);
}

void regs_write(struct gdb *g, struct rv_hart *h)
{
	const char *p = g->in + 1;
	uint8_t value[8];

	for (unsigned int i = 0; i < REG_V; i++) {
		size_t n = reg_size(h, i);

		if (get_hex(p, value, n) != n)
			break;
		set_reg(h, i, value);
		p += 2 * n;
	}
	reply(g, "OK");
}

/* p and P */
void regs_one(struct gdb *g, struct rv_hart *h)
{
	static uint8_t value[MAX_VALUE];
	static char text[2 * MAX_VALUE + 1];
	char *end;
	unsigned long reg = strtoul(g->in + 1, &end, 16);
	size_t n;

	if (reg >= REGS || end == g->in + 1) {
		reply(g, "E01");
		return;
	}
	n = reg_size(h, (unsigned int)reg);
	if (g->in[0] == 'p') {
		get_reg(h, (unsigned int)reg, value);
		put_hex(text, value, n);
		reply(g, "%s", text);
	} else if (*end == '=' && reg != REG_VLENB && get_hex(end + 1, value, MAX_VALUE) == n) {
		set_reg(h, (unsigned int)reg, value);
		reply(g, "OK");
	} else {
		reply(g, "E01");
	}
}
