/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine level for bare programs. The hart is user level only. What such
 * programs do around a test - set a trap vector, enter user mode, take the
 * ecall at the end - is done here, in the hook of its faults: CSRs without
 * effect beyond holding their value, counters, traps to mtvec, mret.
 */
#include "bare.h"

#define CSR_MSTATUS  0x300
#define CSR_MISA     0x301
#define CSR_MTVEC    0x305
#define CSR_MEPC     0x341
#define CSR_MCAUSE   0x342
#define CSR_MTVAL    0x343
#define CSR_MCYCLE   0xb00
#define CSR_MINSTRET 0xb02
#define MSTATUS_MIE  0x8ull
#define MSTATUS_MPIE 0x80ull
#define MSTATUS_MPP  0x1800ull

#define MISA ((2ull << 62) | 0x30112d) /* RV64, A C D F I M U V */

#define INSN_MRET   0x30200073u
#define INSN_WFI    0x10500073u
#define SFENCE_MASK 0xfe007fffu
#define INSN_SFENCE 0x12000073u

void machine_init(struct machine *m)
{
	m->mode = MODE_MACH;
}

static bool trap(struct machine *m, struct rv_hart *h, uint64_t cause, uint64_t value)
{
	uint64_t *status = &m->csr[CSR_MSTATUS];

	if (!m->csr[CSR_MTVEC])
		return false;
	m->csr[CSR_MEPC] = h->arch.pc;
	m->csr[CSR_MCAUSE] = cause;
	m->csr[CSR_MTVAL] = value;
	*status = (*status & ~(MSTATUS_MPP | MSTATUS_MPIE | MSTATUS_MIE)) |
		  (uint64_t)m->mode << 11 | (*status & MSTATUS_MIE ? MSTATUS_MPIE : 0);
	m->mode = MODE_MACH;
	h->arch.pc = m->csr[CSR_MTVEC] & ~3ull;
	return true;
}

static void next(struct rv_hart *h)
{
	h->arch.pc += 4;
	h->arch.instret++;
}

static void mret(struct machine *m, struct rv_hart *h)
{
	uint64_t *status = &m->csr[CSR_MSTATUS];

	m->mode = (*status & MSTATUS_MPP) == MSTATUS_MPP ? MODE_MACH : MODE_USER;
	*status = (*status & ~(MSTATUS_MPP | MSTATUS_MIE)) |
		  (*status & MSTATUS_MPIE ? MSTATUS_MIE : 0) | MSTATUS_MPIE;
	next(h);
	h->arch.pc = m->csr[CSR_MEPC];
}

static bool counts(unsigned int csr)
{
	return csr == CSR_MCYCLE || csr == CSR_MINSTRET;
}

/* Counters are kept as their distance from what the hart counts. */
static uint64_t csr_get(const struct machine *m, const struct rv_hart *h, unsigned int csr)
{
	if (csr == CSR_MISA)
		return MISA;
	return m->csr[csr] + (counts(csr) ? h->arch.instret : 0);
}

static void csr_set(struct machine *m, const struct rv_hart *h, unsigned int csr, uint64_t v)
{
	if (csr == CSR_MEPC)
		v &= ~1ull;
	m->csr[csr] = v - (counts(csr) ? h->arch.instret : 0);
}

/* False: there is no such CSR here, or not for the present mode. */
static bool csr_access(struct machine *m, struct rv_hart *h, uint32_t insn)
{
	unsigned int csr = insn >> 20, rs1 = insn >> 15 & 31, rd = insn >> 7 & 31;
	unsigned int op = insn >> 12 & 3;
	uint64_t src = insn & 1u << 14 ? rs1 : h->arch.x[rs1];
	bool write = op == 1 || rs1;
	uint64_t old;

	if ((csr >> 8 & 3) > m->mode || csr < 0x100 || (write && csr >> 10 == 3))
		return false;
	old = csr_get(m, h, csr);
	if (write)
		csr_set(m, h, csr, op == 1 ? src : op == 2 ? old | src : old & ~src);
	if (rd)
		h->arch.x[rd] = old;
	next(h);
	return true;
}

static bool privileged(struct machine *m, struct rv_hart *h, uint32_t insn)
{
	if ((insn & 0x7f) != 0x73)
		return false;
	if (insn >> 12 & 3)
		return csr_access(m, h, insn);
	if (m->mode != MODE_MACH)
		return false;
	if (insn == INSN_MRET) {
		mret(m, h);
		return true;
	}
	if (insn == INSN_WFI || (insn & SFENCE_MASK) == INSN_SFENCE) {
		next(h);
		return true;
	}
	return false;
}

bool bare_fault(struct sim *s, struct dsa_debug *at)
{
	struct machine *m = &s->bare->machine;
	struct rv_hart *h = at->hart;
	const struct rv_fault *f = &h->fault;

	switch (f->cause) {
	case RV_CAUSE_ILLEGAL:
		return privileged(m, h, f->insn) || trap(m, h, f->cause, f->insn);
	case RV_CAUSE_ECALL:
		return trap(m, h, RV_CAUSE_ECALL + m->mode, 0);
	case RV_CAUSE_EBREAK:
		/* Also what a debugger plants; its own it finds first when there is no vector. */
		return !s->gdb && trap(m, h, f->cause, f->pc);
	default:
		return trap(m, h, f->cause, f->addr);
	}
}
