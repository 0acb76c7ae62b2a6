/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction trace. A line is written when its instruction is done:
 * program, address in the ELF file, bits, text, what the register became; with
 * vector instructions the first elements, vl and vtype.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SHOWN_ELEMENTS 8 /* of a vector register group */
#define SHOWN_BITS     64

/* An instruction that is about to run, per core. */
struct pending {
	bool valid;
	uint64_t pc, instret;
	uint32_t insn;
	uint32_t program[3];
};

struct trace {
	FILE *file;
	struct pending core[64];
};

void trace_open(struct sim *s)
{
	const char *path = s->o->trace_file;

	s->trace = must(calloc(1, sizeof(*s->trace)));
	s->trace->file = path ? fopen(path, "w") : stderr;
	if (!s->trace->file)
		input_error("--trace=%s: cannot write %s: %s", path, path, strerror(errno));
}

void trace_close(struct sim *s)
{
	FILE *file;
	bool bad;

	if (!s->trace)
		return;
	file = s->trace->file;
	bad = fflush(file) || ferror(file);
	if (file != stderr)
		bad |= fclose(file);
	free(s->trace);
	s->trace = NULL;
	if (bad)
		run_error("writing the trace: %s", strerror(errno));
}

static void put_result(FILE *file, const struct rv_hart *h, uint32_t insn)
{
	int reg = rv_dest(insn);

	if (reg > 0)
		fprintf(file, "  %s=0x%llx", rv_reg_name(reg),
			(unsigned long long)(reg < 32 ? h->arch.x[reg] : h->arch.f[reg - 32]));
}

static uint64_t element(const uint8_t *p, uint64_t i, int size)
{
	uint64_t v = 0;

	if (size < 0)
		return p[i / 8] >> (i % 8) & 1;
	memcpy(&v, p + (i << size), 1u << size);
	return v;
}

/* "v8=[0x1,0x2,...+62]"; masks as bits, element 0 first. */
static void put_elements(FILE *file, unsigned int reg, const uint8_t *p, uint64_t count, int size)
{
	uint64_t most = size < 0 ? SHOWN_BITS : SHOWN_ELEMENTS, n = count < most ? count : most;

	fprintf(file, "  v%u=[", reg);
	for (uint64_t i = 0; i < n; i++)
		fprintf(file, size < 0 ? "%s%llu" : "%s0x%llx", i && size >= 0 ? "," : "",
			(unsigned long long)element(p, i, size));
	if (n < count)
		fprintf(file, "...+%llu", (unsigned long long)(count - n));
	fprintf(file, "]");
}

static void put_vector_result(FILE *file, const struct rv_hart *h, uint32_t insn)
{
	struct rv_vdest d;
	char vtype[24];

	if (!rv_is_vector(insn))
		return;
	if (rv_vector_dest(h, insn, &d))
		for (unsigned int f = 0; f < d.fields; f++)
			put_elements(file, d.reg + f * d.step,
				     h->v + (size_t)(d.reg + f * d.step) * h->vlenb, d.count,
				     d.size);
	rv_vtype_text(h->arch.vtype, vtype, sizeof(vtype));
	fprintf(file, "  vl=%llu %s", (unsigned long long)h->arch.vl, vtype);
}

static void put_line(struct sim *s, const struct pending *p, const struct dsa_debug *at)
{
	const struct elf_symbol *f = elf_function_at(&s->elf, p->pc - s->elf.bias);
	FILE *file = s->trace->file;
	char text[80], place[64] = "";
	unsigned int len = rv_disasm(p->insn, p->pc - s->elf.bias, text, sizeof(text));

	if (f)
		snprintf(place, sizeof(place), "%s+0x%llx", f->name,
			 (unsigned long long)(p->pc - s->elf.bias - f->value));
	fprintf(file, "%u,%u,%u %8llx: ", p->program[0], p->program[1], p->program[2],
		(unsigned long long)(p->pc - s->elf.bias));
	fprintf(file, len == 2 ? "%04x     " : "%08x ", len == 2 ? p->insn & 0xffff : p->insn);
	fprintf(file, "%-32s # %s", text, place);
	if (at->event == DSA_DEBUG_FAULT && at->hart->arch.instret == p->instret) {
		fprintf(file, "  %s, address 0x%llx", rv_cause_name(at->hart->fault.cause),
			(unsigned long long)at->hart->fault.addr);
	} else {
		put_result(file, at->hart, p->insn);
		put_vector_result(file, at->hart, p->insn);
	}
	fprintf(file, "\n");
}

static void set_pending(struct sim *s, struct pending *p, const struct dsa_debug *at)
{
	uint64_t pc = at->hart->arch.pc;

	*p = (struct pending){ .valid = true, .pc = pc, .instret = at->hart->arch.instret };
	memcpy(p->program, at->program, sizeof(p->program));
	/* An instruction of 2 bytes may be the last ones of its page. */
	if (dsa_core_debug_read(s->core, at, pc, &p->insn, 4))
		dsa_core_debug_read(s->core, at, pc, &p->insn, 2);
}

void trace_event(struct sim *s, struct dsa_debug *at)
{
	struct pending *p = &s->trace->core[at->core];

	/* One that waits comes by again, with nothing done. */
	if (p->valid && (at->event != DSA_DEBUG_RUN || p->instret != at->hart->arch.instret))
		put_line(s, p, at);
	p->valid = false;
	if (at->event == DSA_DEBUG_RUN)
		set_pending(s, p, at);
}
