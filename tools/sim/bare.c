/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bare programs: ELF files with a symbol tohost, as RISC-V's own test suites
 * are. The page of tohost is in system memory, so the board sees each write.
 *
 * The hart is user level only. What such programs do at machine level before
 * and after a test - set a trap vector, enter user mode, take the ecall at
 * the end - is done here, in the hook of its faults: CSRs without effect
 * beyond holding their value, traps to mtvec, mret.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

#define CSR_MISA    0x301
#define CSR_MTVEC   0x305
#define CSR_MEPC    0x341
#define CSR_MCAUSE  0x342
#define CSR_MTVAL   0x343
#define CSR_MSTATUS 0x300
#define MSTATUS_MPP 0x1800ull
#define MODE_USER   0
#define MODE_MACH   3

#define INSN_MRET   0x30200073u
#define INSN_WFI    0x10500073u
#define SFENCE_MASK 0xfe007fffu
#define INSN_SFENCE 0x12000073u

#define HTIF_WRITE 64
#define HTIF_EXIT  93

struct bare {
	uint64_t tohost;      /* offset in bus memory */
	uint64_t fromhost_va; /* 0: none */
	uint64_t request;     /* va, to be looked at between instructions; 0: none */
	bool done;
	int status;
	unsigned int mode;
	uint64_t csr[4096];
};

bool bare_is(const struct elf *elf)
{
	return elf_symbol(elf, "tohost") && !elf_kernel_count(elf);
}

void bare_prepare(struct sim *s, struct launch *l)
{
	uint64_t rights = DSA_PTE_R | DSA_PTE_W | DSA_PTE_X, left, bus;
	const struct elf_symbol *tohost = elf_symbol(&s->elf, "tohost");
	const struct elf_symbol *fromhost = elf_symbol(&s->elf, "fromhost");
	uint64_t page = tohost->value & ~(uint64_t)(DSA_PAGE_SIZE - 1);

	if (tohost->value % 8 || tohost->value >= VA_SYSTEM / 2)
		input_error("%s: tohost at 0x%llx is not aligned to 8 bytes, or out of range",
			    s->elf.path, (unsigned long long)tohost->value);
	memory_system_page(s, page, rights, &bus);
	for (unsigned int i = 0; i < s->elf.segment_count; i++) {
		const struct elf_segment *seg = &s->elf.segments[i];
		uint64_t va = seg->va & ~(uint64_t)(DSA_PAGE_SIZE - 1);

		for (; va < seg->va + seg->bytes; va += DSA_PAGE_SIZE)
			if (!memory_at(s, va, &left))
				memory_new(s, va, DSA_PAGE_SIZE, rights, s->elf.path);
		memory_write(s, seg->va, seg->data, seg->file_bytes);
	}
	s->bare = must(calloc(1, sizeof(*s->bare)));
	s->bare->tohost = bus - BUS_BASE + tohost->value % DSA_PAGE_SIZE;
	s->bare->fromhost_va = fromhost ? fromhost->value : 0;
	s->bare->mode = MODE_MACH;
	s->bare->csr[CSR_MISA] = 2ull << 62 | 0x14112d; /* RV64, A C D F I M S U */
	l->entry = s->elf.entry;
}

void bare_free(struct sim *s)
{
	free(s->bare);
	s->bare = NULL;
}

int bare_status(const struct sim *s)
{
	return s->bare->done ? s->bare->status : -1;
}

static void finish(struct bare *b, uint64_t code)
{
	/* A status that does not fit is a failure all the same. */
	b->status = code > 255 ? 255 : (int)code;
	b->done = true;
}

static uint64_t print(struct sim *s, const struct dsa_debug *at, FILE *to, uint64_t va,
		      uint64_t bytes)
{
	char chunk[4096];
	uint64_t done = 0;

	while (done < bytes) {
		size_t n = bytes - done < sizeof(chunk) ? bytes - done : sizeof(chunk);

		if (dsa_core_debug_read(s->core, at, va + done, chunk, n))
			break;
		fwrite(chunk, 1, n, to);
		done += n;
	}
	return done;
}

/* Number, then arguments, in memory; the result goes to the first word. */
static void request(struct sim *s, const struct dsa_debug *at, uint64_t va)
{
	struct bare *b = s->bare;
	uint64_t r[8], one = 1;

	if (dsa_core_debug_read(s->core, at, va, r, sizeof(r))) {
		say("tohost: no request at 0x%llx", (unsigned long long)va);
		finish(b, 255);
		return;
	}
	if (r[0] == HTIF_EXIT) {
		finish(b, r[1]);
		return;
	}
	if (r[0] == HTIF_WRITE && (r[1] == 1 || r[1] == 2))
		r[0] = print(s, at, r[1] == 1 && !s->o->json ? stdout : stderr, r[2], r[3]);
	else
		r[0] = (uint64_t)-ENOSYS;
	dsa_core_debug_write(s->core, at, va, r, sizeof(r[0]));
	pthread_mutex_lock(&s->bus);
	memset(s->ram + b->tohost, 0, 8);
	pthread_mutex_unlock(&s->bus);
	if (b->fromhost_va)
		dsa_core_debug_write(s->core, at, b->fromhost_va, &one, sizeof(one));
}

/* On the hart's own thread, which is in the middle of its store. */
void bare_bus_write(struct sim *s, uint64_t offset, size_t len)
{
	struct bare *b = s->bare;
	uint64_t word;

	if (offset >= b->tohost + 8 || offset + len <= b->tohost || b->done)
		return;
	memcpy(&word, s->ram + b->tohost, sizeof(word));
	if (word & 1)
		finish(b, word >> 1);
	else
		b->request = word;
}

bool bare_run(struct sim *s, struct dsa_debug *at)
{
	uint64_t va = s->bare->request;

	s->bare->request = 0;
	if (va && !s->bare->done)
		request(s, at, va);
	if (s->bare->done)
		at->hart->arch.pc = DSA_CORE_EXIT_ADDR;
	return s->bare->done;
}

/* ---- machine level ---- */

static bool trap(struct bare *b, struct rv_hart *h, uint64_t cause, uint64_t value)
{
	if (!b->csr[CSR_MTVEC])
		return false;
	b->csr[CSR_MEPC] = h->arch.pc;
	b->csr[CSR_MCAUSE] = cause;
	b->csr[CSR_MTVAL] = value;
	b->csr[CSR_MSTATUS] = (b->csr[CSR_MSTATUS] & ~MSTATUS_MPP) | (uint64_t)b->mode << 11;
	b->mode = MODE_MACH;
	h->arch.pc = b->csr[CSR_MTVEC] & ~3ull;
	return true;
}

static void next(struct rv_hart *h)
{
	h->arch.pc += 4;
	h->arch.instret++;
}

/* False: there is no such CSR here, or not for the present mode. */
static bool csr_access(struct bare *b, struct rv_hart *h, uint32_t insn)
{
	unsigned int csr = insn >> 20, rs1 = insn >> 15 & 31, rd = insn >> 7 & 31;
	unsigned int op = insn >> 12 & 3;
	uint64_t src = insn & 1u << 14 ? rs1 : h->arch.x[rs1];
	bool write = op == 1 || rs1;
	uint64_t old;

	if ((csr >> 8 & 3) > b->mode || csr < 0x100 || (write && csr >> 10 == 3))
		return false;
	old = b->csr[csr];
	if (write)
		b->csr[csr] = op == 1 ? src : op == 2 ? old | src : old & ~src;
	if (rd)
		h->arch.x[rd] = old;
	next(h);
	return true;
}

static bool privileged(struct bare *b, struct rv_hart *h, uint32_t insn)
{
	if ((insn & 0x7f) != 0x73)
		return false;
	if (insn >> 12 & 3)
		return csr_access(b, h, insn);
	if (b->mode != MODE_MACH)
		return false;
	if (insn == INSN_MRET) {
		b->mode = b->csr[CSR_MSTATUS] >> 11 & 3 ? MODE_MACH : MODE_USER;
		b->csr[CSR_MSTATUS] &= ~MSTATUS_MPP;
		next(h);
		h->arch.pc = b->csr[CSR_MEPC];
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
	struct bare *b = s->bare;
	struct rv_hart *h = at->hart;
	const struct rv_fault *f = &h->fault;

	switch (f->cause) {
	case RV_CAUSE_ILLEGAL:
		return privileged(b, h, f->insn) || trap(b, h, f->cause, f->insn);
	case RV_CAUSE_ECALL:
		return trap(b, h, RV_CAUSE_ECALL + b->mode, 0);
	case RV_CAUSE_EBREAK:
		/* Also what a debugger plants; its own it finds first when there is no vector. */
		return !s->gdb && trap(b, h, f->cause, f->pc);
	default:
		return trap(b, h, f->cause, f->addr);
	}
}
