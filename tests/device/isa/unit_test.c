// SPDX-License-Identifier: MIT
/*
 * The hart itself: faults and their records, memory rules, budgets, stopping,
 * flushing, state. (That instructions compute the right thing is ref_test's.)
 */
#include <fenv.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asm.h"
#include "machine.h"
#include "uapi/dsa_cmd.h"

#define CODE 0x10000ull
#define DATA 0x40000ull
#define RWX  (RV_READ | RV_WRITE | RV_EXEC)
#define RW   (RV_READ | RV_WRITE)

static struct machine *machine(const uint32_t *code, unsigned int count)
{
	struct machine *m = m_new();

	m_map(m, CODE, 0x4000, RV_READ | RV_EXEC);
	m_map(m, DATA, 0x4000, RW);
	memcpy(m_host(m, CODE), code, count * sizeof(*code));
	m_start(m, CODE);
	m->hart.arch.x[A0] = DATA;
	return m;
}

#define MACHINE(...)                               \
	machine((const uint32_t[]){ __VA_ARGS__ }, \
		sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void expect_fault(struct machine *m, enum rv_cause cause, uint64_t pc, uint64_t addr,
			 uint32_t code, const char *what)
{
	enum rv_exit why = rv_run(&m->hart, 1000);
	const struct rv_fault *f = &m->hart.fault;
	bool ok = why == RV_EXIT_FAULT && f->cause == cause && f->pc == pc && f->addr == addr &&
		  f->code == code && m->hart.arch.pc == pc;

	tap_ok(ok, "%s", what);
	if (!ok)
		tap_diag("exit %d, %s, pc %" PRIx64 ", addr %" PRIx64 ", code %u", why,
			 rv_cause_name(f->cause), f->pc, f->addr, f->code);
	m_free(m);
}

static void test_faults(void)
{
	struct machine *m;

	m = MACHINE(ADDI(T0, ZERO, 1), LD(T1, 0x7f8, ZERO), RET);
	expect_fault(m, RV_CAUSE_LOAD_PAGE, CODE + 4, 0x7f8, M_CODE_UNMAPPED, "load, unmapped");
	m = MACHINE(ADDI(T0, ZERO, 1), SW(T0, 4, ZERO), RET);
	expect_fault(m, RV_CAUSE_STORE_PAGE, CODE + 4, 4, M_CODE_UNMAPPED, "store, unmapped");
	m = MACHINE(ADDI(A1, A0, -2000), ADDI(A1, A1, -2000), ADDI(A1, A1, -100), LW(T0, 0, A1),
		    RET);
	expect_fault(m, RV_CAUSE_LOAD_PAGE, CODE + 12, DATA - 4100, M_CODE_UNMAPPED,
		     "load after fused additions");
	m = MACHINE(0x00010537 /* lui a0, 0x10 */, SW(ZERO, 0, A0));
	expect_fault(m, RV_CAUSE_STORE_PAGE, CODE + 4, CODE, M_CODE_PERM, "store, read-only");
	m = MACHINE(JALR(RA, 0, A0));
	expect_fault(m, RV_CAUSE_FETCH_PAGE, DATA, DATA, M_CODE_PERM, "fetch, not executable");
	m = MACHINE(JALR(ZERO, 0, ZERO));
	expect_fault(m, RV_CAUSE_FETCH_PAGE, 0, 0, M_CODE_UNMAPPED, "fetch, unmapped");
	m = MACHINE(ADDI(T0, ZERO, 1), 0xffffffff);
	expect_fault(m, RV_CAUSE_ILLEGAL, CODE + 4, 0, 0, "illegal instruction");
	m = MACHINE(ADDI(T0, ZERO, 1), 0);
	expect_fault(m, RV_CAUSE_ILLEGAL, CODE + 4, 0, 0, "all zeros");
	m = MACHINE(ECALL);
	expect_fault(m, RV_CAUSE_ECALL, CODE, 0, 0, "ecall");
	m = MACHINE(ADDI(T0, ZERO, 1), EBREAK);
	expect_fault(m, RV_CAUSE_EBREAK, CODE + 4, 0, 0, "ebreak");
	m = MACHINE(0x90029002);
	expect_fault(m, RV_CAUSE_EBREAK, CODE, 0, 0, "c.ebreak");
	m = MACHINE(DSA_RD(T0, DSA_SYS_COUNT));
	expect_fault(m, RV_CAUSE_ILLEGAL, CODE, 0, 0, "dsa.rd with an unknown selector");
	m = MACHINE(CSRRS(T0, 0x300, ZERO));
	expect_fault(m, RV_CAUSE_ILLEGAL, CODE, 0, 0, "CSR that does not exist");
	m = MACHINE(CSRRW(T0, 0xc00, ZERO));
	expect_fault(m, RV_CAUSE_ILLEGAL, CODE, 0, 0, "write to a counter");
	m = MACHINE(ADDI(T0, ZERO, 5), CSRRW(ZERO, 2, T0), FADD_S_DYN(1, 2, 3));
	expect_fault(m, RV_CAUSE_ILLEGAL, CODE + 8, 0, 0, "reserved dynamic rounding mode");
	m = MACHINE(ADDI(A0, A0, 2), LR(2, T0, A0));
	expect_fault(m, RV_CAUSE_LOAD_MISALIGNED, CODE + 4, DATA + 2, 0, "misaligned lr.w");
	m = MACHINE(ADDI(A0, A0, 4), SC(3, T0, T1, A0));
	expect_fault(m, RV_CAUSE_STORE_MISALIGNED, CODE + 4, DATA + 4, 0, "misaligned sc.d");
	m = MACHINE(ADDI(A0, A0, 4), AMOADD(3, T0, T1, A0));
	expect_fault(m, RV_CAUSE_STORE_MISALIGNED, CODE + 4, DATA + 4, 0, "misaligned amoadd.d");
	m = MACHINE(0x00010537 /* lui a0, 0x10 */, AMOADD(2, T0, T1, A0));
	expect_fault(m, RV_CAUSE_STORE_PAGE, CODE + 4, CODE, M_CODE_PERM, "amo, read-only");
}

static void test_fault_record(void)
{
	struct machine *m = MACHINE(ADDI(T0, ZERO, 1), SD(T0, 8, ZERO), RET);

	rv_run(&m->hart, 1000);
	tap_ok(m->hart.fault.insn == SD(T0, 8, ZERO) && m->hart.fault.access == RV_WRITE &&
		       m->hart.arch.instret == 1 && m->hart.arch.x[T0] == 1,
	       "a fault names instruction and access; those before it are done and counted");
	m_free(m);
}

/* The first instruction of a page that an instruction before it reaches into. */
static void test_code_at_page_end(void)
{
	struct machine *m = m_new();
	uint32_t insn = ADDI(T0, ZERO, 7);

	m_map(m, CODE, 0x1000, RV_READ | RV_EXEC);
	memset(m_host(m, CODE), 1, 0x1000); /* c.nop is 0x0001 */
	for (uint64_t va = CODE; va < CODE + 0x1000; va += 2)
		memcpy(m_host(m, va), &(uint16_t){ 1 }, 2);
	memcpy(m_host(m, CODE + 0xffe), &insn, 2);
	m_start(m, CODE + 0xff0);
	expect_fault(m, RV_CAUSE_FETCH_PAGE, CODE + 0xffe, CODE + 0x1000, M_CODE_UNMAPPED,
		     "instruction across the end of mapped code");

	m = m_new();
	m_map(m, CODE, 0x2000, RV_READ | RV_EXEC);
	for (uint64_t va = CODE; va < CODE + 0x2000; va += 2)
		memcpy(m_host(m, va), &(uint16_t){ 1 }, 2);
	memcpy(m_host(m, CODE + 0xffe), &insn, 4);
	m_put32(m, CODE + 0x1010, RET);
	m_start(m, CODE + 0xff0);
	tap_ok(rv_run(&m->hart, 1000) == RV_EXIT_DONE && m->hart.arch.x[T0] == 7,
	       "instruction across a page boundary");
	m_free(m);
}

static void test_misaligned(void)
{
	struct machine *m;
	bool ok = true;
	int off;

	for (off = 0xff0; off < 0x1010; off++) {
		uint8_t *p;
		uint64_t v;

		m = MACHINE(ADD(A0, A0, A1), SD(A2, 0, A0), LD(A3, 0, A0), LW(A4, 2, A0),
			    LH(A5, 1, A0), SH(A2, 9, A0), RET);
		p = m_host(m, DATA);
		m->hart.arch.x[A1] = (uint64_t)off;
		m->hart.arch.x[A2] = 0x8877665544332211;
		ok &= rv_run(&m->hart, 100) == RV_EXIT_DONE;
		memcpy(&v, p + off, 8);
		ok &= v == 0x8877665544332211 && m->hart.arch.x[A3] == v;
		ok &= m->hart.arch.x[A4] == 0x66554433 && m->hart.arch.x[A5] == 0x3322;
		ok &= p[off + 9] == 0x11 && p[off + 10] == 0x22 && !p[off + 8] && !p[off + 11];
		m_free(m);
	}
	tap_ok(ok, "misaligned loads and stores, within and across pages");
}

static void test_partial_store(void)
{
	struct machine *m = MACHINE(SD(A2, 0, A0), RET);
	uint8_t *p = m_host(m, DATA);

	m->hart.arch.x[A0] = DATA + 0x4000 - 4;
	m->hart.arch.x[A2] = UINT64_MAX;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_FAULT && m->hart.fault.addr == DATA + 0x4000 &&
		       m->hart.fault.pc == CODE && !p[0x3ffc] && !p[0x3fff],
	       "a store that faults in its second page writes nothing");
	m_free(m);
}

static void test_scratchpad(void)
{
	uint64_t end = M_SPAD + M_SPAD_SIZE;
	struct machine *m;

	m = MACHINE(ADDI(SP, SP, -16), SD(A2, 8, SP), LD(A3, 8, SP), LW(A4, 12, SP), SD(A2, 3, SP),
		    LD(A5, 3, SP), RET);
	m->hart.arch.x[A2] = 0x123456789abcdef0;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A3] == 0x123456789abcdef0 &&
		       m->hart.arch.x[A4] == 0x12345678 && m->hart.arch.x[A5] == 0x123456789abcdef0,
	       "scratchpad up to its last byte");
	m_free(m);
	m = MACHINE(LD(A3, -7, SP));
	expect_fault(m, RV_CAUSE_LOAD_PAGE, CODE, end, M_CODE_UNMAPPED,
		     "load across the end of the scratchpad");
	m = MACHINE(SB(A3, 0, SP));
	expect_fault(m, RV_CAUSE_STORE_PAGE, CODE, end, M_CODE_UNMAPPED,
		     "store behind the scratchpad");
	m = MACHINE(ADDI(SP, SP, -16), JALR(ZERO, 0, SP));
	expect_fault(m, RV_CAUSE_FETCH_PAGE, end - 16, end - 16, M_CODE_UNMAPPED,
		     "the scratchpad holds no code");
	m = MACHINE(ADDI(SP, SP, -8), AMOADD(3, A1, A2, SP), AMOADD(3, A3, A2, SP), RET);
	m->hart.arch.x[A2] = 5;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A3] == 5,
	       "atomics on the scratchpad");
	m_free(m);
}

static void test_slow_memory(void)
{
	struct machine *m = MACHINE(SD(A2, 16, A1), LW(A3, 20, A1), LD(A4, 13, A1), RET);
	struct m_region *r = m_map(m, 0x80000, 0x2000, RW);

	r->slow = true;
	m->hart.arch.x[A1] = 0x80000;
	m->hart.arch.x[A2] = 0x1122334455667788;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A3] == 0x11223344 &&
		       m->hart.arch.x[A4] == 0x4455667788000000 && m->slow_reads == 2 &&
		       m->slow_writes == 1,
	       "memory without host pointer goes through callbacks");
	m_free(m);

	m = MACHINE(LD(A4, 0, A1), RET);
	r = m_map(m, 0x80000, 0x2000, RW);
	r->slow = true;
	m->hart.arch.x[A1] = 0x80ffc;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->slow_reads == 2,
	       "a slow access is split at the page");
	m_free(m);

	m = MACHINE(ADDI(A2, A2, 1), LD(A4, 8, A1), RET);
	r = m_map(m, 0x80000, 0x2000, RW);
	r->slow = r->broken = true;
	m->hart.arch.x[A1] = 0x80000;
	expect_fault(m, RV_CAUSE_LOAD_ACCESS, CODE + 4, 0x80008, M_CODE_BUS, "bus error on load");
	m = MACHINE(ADDI(A2, A2, 1), SD(A4, 8, A1), RET);
	r = m_map(m, 0x80000, 0x2000, RW);
	r->slow = r->broken = true;
	m->hart.arch.x[A1] = 0x80000;
	expect_fault(m, RV_CAUSE_STORE_ACCESS, CODE + 4, 0x80008, M_CODE_BUS, "bus error on store");
	m = MACHINE(AMOADD(3, A2, A3, A1), RET);
	r = m_map(m, 0x80000, 0x2000, RW);
	r->slow = true;
	m->hart.arch.x[A1] = 0x80000;
	expect_fault(m, RV_CAUSE_STORE_ACCESS, CODE, 0x80000, M_CODE_AMO,
		     "atomic on memory that cannot do it");
	m = MACHINE(JALR(ZERO, 0, A1));
	r = m_map(m, 0x80000, 0x2000, RWX);
	r->slow = true;
	m_put32(m, 0x80000, ADDI(A2, ZERO, 9));
	m_put32(m, 0x80004, RET);
	m->hart.arch.x[A1] = 0x80000;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A2] == 9,
	       "code in slow memory");
	m_free(m);
}

static void test_self_modifying(void)
{
	/* a1: an instruction; stores it over the one at t0, fence.i, runs it. */
	struct machine *m = m_new();

	m_map(m, CODE, 0x1000, RWX);
	m_put32(m, CODE + 0, 0x00000297);        /* auipc t0, 0 */
	m_put32(m, CODE + 4, ADDI(A2, ZERO, 3)); /* loop counter */
	m_put32(m, CODE + 8, SW(A1, 20, T0));
	m_put32(m, CODE + 12, FENCE_I);
	m_put32(m, CODE + 16, ADDI(A3, A3, 100));
	m_put32(m, CODE + 20, ADDI(A3, A3, 1)); /* overwritten */
	m_put32(m, CODE + 24, RET);
	m_start(m, CODE + 16);
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A3] == 101,
	       "code before it is modified");
	m_start(m, CODE);
	m->hart.arch.x[A1] = ADDI(A3, A3, 1000);
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A3] == 1100,
	       "self-modified code after fence.i");
	m_put32(m, CODE + 20, ADDI(A3, A3, 5));
	rv_flush_code(&m->hart);
	m_start(m, CODE + 16);
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A3] == 105,
	       "rv_flush_code() forgets decoded code");
	m_put32(m, CODE + 20, ADDI(A3, A3, 6));
	rv_flush_tlb_range(&m->hart, CODE + 0x1000, 0x1000);
	m_start(m, CODE + 16);
	rv_run(&m->hart, 100);
	tap_ok(m->hart.arch.x[A3] == 105, "flushing another page keeps decoded code");
	rv_flush_tlb_range(&m->hart, CODE, 0x1000);
	m_start(m, CODE + 16);
	rv_run(&m->hart, 100);
	tap_ok(m->hart.arch.x[A3] == 106, "flushing the page of code forgets it");
	m_free(m);
}

static void test_tlb_flush(void)
{
	struct machine *m = MACHINE(LD(A1, 0, A0), SD(A2, 8, A0), RET);
	struct m_region *r = &m->regions[1];
	uint64_t fills;

	rv_run(&m->hart, 100);
	fills = m->fills;
	m_start(m, CODE);
	m->hart.arch.x[A0] = DATA;
	rv_run(&m->hart, 100);
	tap_ok(m->fills == fills, "translations are kept");
	r->perm = RV_READ;
	rv_flush_tlb_range(&m->hart, DATA + 0x1000, 0x1000);
	m_start(m, CODE);
	m->hart.arch.x[A0] = DATA;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE, "a flush of another page changes nothing");
	rv_flush_tlb_range(&m->hart, DATA, 0x1000);
	m_start(m, CODE);
	m->hart.arch.x[A0] = DATA;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_FAULT && m->hart.fault.pc == CODE + 4,
	       "a flush of the page takes effect, rights apart for reads and writes");
	r->perm = RW;
	rv_flush_tlb(&m->hart);
	r->size = 0;
	m_start(m, CODE);
	m->hart.arch.x[A0] = DATA;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_FAULT && m->hart.fault.pc == CODE,
	       "a flush of everything takes effect");
	m_free(m);
}

static void test_counters(void)
{
	struct machine *m = MACHINE(ADDI(T0, ZERO, 1), ADDI(T0, T0, 1), CSRRS(A1, 0xc02, ZERO),
				    ADDI(T0, T0, 1), CSRRS(A2, 0xc00, ZERO), DSA_RD(A3, 10),
				    DSA_RD(A4, DSA_SYS_PID_Z), DSA_RD(A5, DSA_SYS_SCRATCH_BYTES),
				    RET);

	m->hart.sys[DSA_SYS_PID_Z] = 0x123456789;
	m->hart.sys[DSA_SYS_SCRATCH_BYTES] = M_SPAD_SIZE;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A1] == 2 &&
		       m->hart.arch.x[A2] == 4 && m->hart.arch.x[A3] == 5 &&
		       m->hart.arch.instret == 9,
	       "instret and cycle are exact within a block");
	tap_ok(m->hart.arch.x[A4] == 0x123456789 && m->hart.arch.x[A5] == M_SPAD_SIZE,
	       "dsa.rd reads the program's values");
	m_free(m);
}

/* Sum of a loop, with a call inside. */
static const uint32_t loop_code[] = {
	ADDI(A1, ZERO, 0), 0x000052b7, /* lui t0, 5 */
	ADD(A1, A1, T0),   ADDI(T0, T0, -1),   SD(A1, 0, A0), LW(A2, 0, A0),
	ADD(A3, A3, A2),   BNE(T0, ZERO, -20), RET,
};
#define LOOP_WORDS (sizeof(loop_code) / sizeof(loop_code[0]))

static bool same_arch(const struct rv_arch *a, const struct rv_arch *b)
{
	return !memcmp(a->x, b->x, 32 * 8) && a->pc == b->pc && a->instret == b->instret &&
	       !memcmp(a->f, b->f, sizeof(a->f)) && a->fcsr == b->fcsr;
}

static void test_budget(void)
{
	struct machine *m = machine(loop_code, LOOP_WORDS), *n = machine(loop_code, LOOP_WORDS);
	uint64_t total = 0, budget = 1, runs = 0;
	bool exact = true;
	enum rv_exit why;

	tap_ok(rv_run(&m->hart, UINT64_MAX) == RV_EXIT_DONE,
	       "a loop ends within an endless budget");
	for (;;) {
		why = rv_run(&n->hart, budget);
		if (why != RV_EXIT_BUDGET)
			break;
		total += budget;
		exact &= n->hart.arch.instret == total;
		budget = runs++ < 3000 ? 1 : 1 + (budget * 7 + 3) % 5000;
	}
	tap_ok(exact, "budgets are exact to the instruction");
	tap_ok(why == RV_EXIT_DONE && same_arch(&m->hart.arch, &n->hart.arch),
	       "stepping and running give the same state");
	tap_ok(rv_run(&n->hart, 0) == RV_EXIT_DONE, "a budget of 0 at the exit address");
	m_start(n, CODE);
	tap_ok(rv_run(&n->hart, 0) == RV_EXIT_BUDGET && !n->hart.arch.instret,
	       "a budget of 0 runs nothing");
	m_free(m);
	m_free(n);
}

static unsigned int waits_left;

static bool wait_sometimes(void *opaque, struct rv_ext *x)
{
	(void)opaque;
	x->rd = 77 + x->instret;
	x->wait = waits_left && waits_left--;
	return true;
}

/* An extension instruction that waits: nothing is done, wherever in its block it stands. */
static void test_waiting_insn(void)
{
	const uint32_t insn = 0x2b | T1 << 7 | 1 << 12 | 1u << 25; /* dsa.mbar.arrive t1, x0, x0 */
	bool right = true;

	for (unsigned int before = 0; before < 5; before++) {
		struct machine *m = MACHINE(ADDI(T0, T0, 1), ADDI(T0, T0, 1), ADDI(T0, T0, 1),
					    ADDI(T0, T0, 1), insn, ADDI(T2, T1, 1), RET);

		m->hart.cfg.ext = wait_sometimes;
		m->hart.arch.pc = CODE + 4 * before;
		waits_left = 3;
		for (unsigned int i = 0; i < 3; i++)
			right &= rv_run(&m->hart, 1000) == RV_EXIT_YIELD &&
				 m->hart.arch.pc == CODE + 16 && m->hart.arch.x[T1] == 0 &&
				 m->hart.arch.instret == 4 - before;
		right &= rv_run(&m->hart, 1000) == RV_EXIT_DONE &&
			 m->hart.arch.x[T2] == 78 + 4 - before &&
			 m->hart.arch.instret == 7 - before;
		m_free(m);
	}
	tap_ok(right, "an instruction that waits leaves no trace, and is retried");
}

static void test_state_moves(void)
{
	struct machine *m = machine(loop_code, LOOP_WORDS), *n = machine(loop_code, LOOP_WORDS);
	struct machine *o = machine(loop_code, LOOP_WORDS);

	rv_run(&m->hart, 1ull << 40);
	rv_run(&n->hart, 54321);
	memcpy(m_host(o, DATA), m_host(n, DATA), 0x4000);
	o->hart.arch = n->hart.arch;
	tap_ok(rv_run(&o->hart, 1ull << 40) == RV_EXIT_DONE &&
		       same_arch(&o->hart.arch, &m->hart.arch),
	       "a program goes on in another hart from its state alone");
	m_free(m);
	m_free(n);
	m_free(o);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Instrumented code is no measure, only the end counts. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STOP_LIMIT 1.0
#else
#define STOP_LIMIT 1e-3
#endif

struct stopper {
	struct machine *m;
	pthread_barrier_t start;
	double returned;
	enum rv_exit why;
};

static void *run_forever(void *arg)
{
	struct stopper *s = arg;

	pthread_barrier_wait(&s->start);
	s->why = rv_run(&s->m->hart, UINT64_MAX);
	s->returned = seconds();
	return NULL;
}

/* Time from the flag to the return, the best of a few: the machine is shared. */
static void stop_latency(struct machine *m, const char *what)
{
	double best = 1e9, t;
	bool stopped = true;
	int i;

	for (i = 0; i < 8; i++) {
		struct stopper s = { .m = m };
		pthread_t thread;

		pthread_barrier_init(&s.start, NULL, 2);
		pthread_create(&thread, NULL, run_forever, &s);
		pthread_barrier_wait(&s.start);
		/* Let it get going: it is running once it has executed something. */
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
		t = seconds();
		rv_stop(&m->hart);
		pthread_join(thread, NULL);
		stopped &= s.why == RV_EXIT_STOP;
		if (s.returned - t < best)
			best = s.returned - t;
		rv_clear_stop(&m->hart);
		pthread_barrier_destroy(&s.start);
	}
	tap_ok(stopped && best < STOP_LIMIT, "a stop ends %s within 1 ms", what);
	tap_diag("best of 8: %.1f us", best * 1e6);
	m_free(m);
}

static void test_stop(void)
{
	struct machine *m = MACHINE(JAL(ZERO, 0));
	struct m_region *r;

	rv_stop(&m->hart);
	tap_ok(rv_run(&m->hart, 1000) == RV_EXIT_STOP && !m->hart.arch.instret,
	       "a stop before the run");
	rv_clear_stop(&m->hart);
	stop_latency(m, "a jump to itself");
	m = MACHINE(ADDI(A1, A1, 1), BEQ(ZERO, ZERO, -4));
	stop_latency(m, "a loop");
	m = MACHINE(LD(A1, 0, A2), SD(A1, 8, A2), JAL(ZERO, -8));
	r = m_map(m, 0x80000, 0x1000, RW);
	r->slow = true;
	m->hart.arch.x[A2] = 0x80000;
	stop_latency(m, "a loop on slow memory");
	m = MACHINE(JALR(RA, 0, A1));
	m->hart.arch.x[A1] = CODE;
	stop_latency(m, "an indirect call of itself");
	/* vsetvli t0, zero, e64, m8; vfdiv.vv v8, v8, v16, which rmm makes slow */
	m = MACHINE(0x0db072d7, 0x82881457, JAL(ZERO, -4));
	m->hart.arch.fcsr = 4 << 5;
	stop_latency(m, "a loop of slow vector instructions");
}

/* The host rounds up and has a flag raised: the guest sees nothing of it, and both are there afterwards. */
static bool runs_apart(struct machine *m, uint64_t pc, uint32_t frm, uint32_t flags)
{
	bool ok;

	m_start(m, pc);
	m->hart.arch.fcsr = frm << 5;
	m->hart.arch.f[1] = 0xffffffff3f800000;
	m->hart.arch.f[2] = 0xffffffff33000000; /* half of 1's last place */
	fesetround(FE_UPWARD);
	feclearexcept(FE_ALL_EXCEPT);
	feraiseexcept(FE_DIVBYZERO);
	ok = rv_run(&m->hart, UINT64_MAX) == RV_EXIT_DONE &&
	     m->hart.arch.fcsr == (frm << 5 | flags);
	ok &= fegetround() == FE_UPWARD && fetestexcept(FE_ALL_EXCEPT) == FE_DIVBYZERO;
	feclearexcept(FE_ALL_EXCEPT);
	fesetround(FE_TONEAREST);
	return ok;
}

static void test_host_environment(void)
{
	enum { RNE = 0, RUP = 3, NX = 1 };
	const uint32_t fadd = 0x0020f1d3; /* fadd.s f3, f1, f2 */
	/* The jump decodes what it leads to while the run is under way. */
	struct machine *m = MACHINE(ADDI(A1, ZERO, 1), BEQ(A0, ZERO, 8), RET, fadd, RET);

	tap_ok(runs_apart(m, CODE + 8, RNE, 0), "integers alone, nothing else decoded yet");
	tap_ok(runs_apart(m, CODE, RNE, NX) && (uint32_t)m->hart.arch.f[3] == 0x3f800000,
	       "the first floating point instruction, decoded in the run");
	tap_ok(runs_apart(m, CODE, RNE, NX) && (uint32_t)m->hart.arch.f[3] == 0x3f800000,
	       "the same, decoded before");
	tap_ok(runs_apart(m, CODE + 8, RNE, 0), "integers alone, beside other code");
	tap_ok(runs_apart(m, CODE, RUP, NX) && (uint32_t)m->hart.arch.f[3] == 0x3f800001,
	       "another rounding mode, for which all is decoded anew");
	rv_flush_code(&m->hart);
	tap_ok(runs_apart(m, CODE + 8, RNE, 0), "integers alone, after all code was forgotten");
	m_start(m, CODE);
	m->hart.arch.f[1] = 0xffffffff3f800000;
	m->hart.arch.f[2] = 0xffffffff33000000;
	fesetround(FE_UPWARD);
	while (rv_run(&m->hart, 1) == RV_EXIT_BUDGET)
		;
	fesetround(FE_TONEAREST);
	tap_ok(m->hart.arch.fcsr == NX && (uint32_t)m->hart.arch.f[3] == 0x3f800000,
	       "one instruction a run");
	m_free(m);
}

#define THREADS 4
#define ROUNDS  20000

struct worker {
	pthread_t thread;
	struct machine *m;
	enum rv_exit why;
};

static void *run_worker(void *arg)
{
	struct worker *w = arg;

	w->why = rv_run(&w->m->hart, UINT64_MAX);
	return NULL;
}

/* All harts run the same code on one page of memory. */
static uint64_t run_shared(const uint32_t *code, unsigned int count, bool *ok)
{
	struct worker w[THREADS];
	struct m_region *shared = NULL;
	uint8_t *own[THREADS];
	uint64_t sum;
	int i;

	for (i = 0; i < THREADS; i++) {
		w[i].m = machine(code, count);
		w[i].m->hart.arch.x[A4] = ROUNDS;
		if (!shared)
			shared = &w[0].m->regions[1];
		own[i] = w[i].m->regions[1].host;
		w[i].m->regions[1].host = shared->host;
	}
	for (i = 0; i < THREADS; i++)
		pthread_create(&w[i].thread, NULL, run_worker, &w[i]);
	for (i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		*ok &= w[i].why == RV_EXIT_DONE;
	}
	memcpy(&sum, shared->host, 8);
	for (i = 0; i < THREADS; i++) {
		w[i].m->regions[1].host = own[i];
		m_free(w[i].m);
	}
	return sum;
}

static void test_atomics_across_threads(void)
{
	static const uint32_t amo[] = {
		ADDI(A1, ZERO, 1),
		AMOADD(3, ZERO, A1, A0),
		ADDI(A4, A4, -1),
		BNE(A4, ZERO, -8),
		RET,
	};
	static const uint32_t lrsc[] = {
		LR(3, A1, A0),
		ADDI(A1, A1, 1),
		SC(3, A2, A1, A0),
		BNE(A2, ZERO, -12),
		ADDI(A4, A4, -1),
		BNE(A4, ZERO, -20),
		RET,
	};
	/* xor with 1 twice a round, through the compare-and-swap path */
	static const uint32_t amomaxu[] = {
		AMO(0x1c, 3, A1, A4, A0),
		ADDI(A4, A4, -1),
		BNE(A4, ZERO, -8),
		RET,
	};
	bool ok = true;
	uint64_t sum;

	sum = run_shared(amo, sizeof(amo) / 4, &ok);
	tap_ok(ok && sum == THREADS * ROUNDS, "amoadd.d of %d harts adds up", THREADS);
	sum = run_shared(lrsc, sizeof(lrsc) / 4, &ok);
	tap_ok(ok && sum == THREADS * ROUNDS, "lr.d and sc.d of %d harts add up", THREADS);
	sum = run_shared(amomaxu, sizeof(amomaxu) / 4, &ok);
	tap_ok(ok && sum == ROUNDS, "amomaxu.d of %d harts", THREADS);
}

static void test_reservation(void)
{
	struct machine *m = MACHINE(LR(3, A1, A0), SD(A4, 0, A0), SC(3, A2, A3, A0),
				    SC(3, A5, A3, A0), RET);

	m->hart.arch.x[A4] = 77;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[A2] == 1 &&
		       m->hart.arch.x[A5] == 1,
	       "sc fails when memory changed, and without lr");
	m_free(m);
}

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Random bytes as code, with all registers pointing somewhere: nothing may break. */
static void test_fuzz(uint64_t seed, unsigned int rounds)
{
	struct machine *m = m_new();
	uint64_t s = seed, count[5] = { 0 };
	unsigned int i, k;

	m_map(m, CODE, 0x4000, RWX);
	m_map(m, DATA, 0x4000, RW);
	for (i = 0; i < rounds; i++) {
		uint8_t *code = m_host(m, CODE);

		for (k = 0; k < 0x400; k += 8) {
			uint64_t v = xorshift(&s);

			memcpy(code + k, &v, 8);
		}
		rv_flush_code(&m->hart);
		m_start(m, CODE);
		for (k = 3; k < 32; k++)
			m->hart.arch.x[k] = (k & 1 ? DATA : CODE) + (xorshift(&s) & 0x3fff);
		for (k = 0; k < 32; k++)
			m->hart.arch.f[k] = xorshift(&s);
		m->hart.arch.fcsr = (uint32_t)xorshift(&s);
		for (k = 0; k < 64; k++) {
			enum rv_exit why = rv_run(&m->hart, 200);

			count[why]++;
			if (why == RV_EXIT_DONE)
				break;
			m->hart.arch.pc = CODE + (xorshift(&s) & 0x3fe);
		}
	}
	tap_ok(!count[RV_EXIT_STOP] && !count[RV_EXIT_YIELD] && m->hart.arch.x[0] == 0,
	       "%u pages of random code", rounds);
	tap_diag("seed %" PRIu64 ": %" PRIu64 " faults, %" PRIu64 " budgets, %" PRIu64 " exits",
		 seed, count[RV_EXIT_FAULT], count[RV_EXIT_BUDGET], count[RV_EXIT_DONE]);
	m_free(m);
}

/* The text of any word fits any buffer. */
static void test_disasm(void)
{
	char tiny[4], text[96];
	uint64_t s = 3;
	bool ok = true;
	int i;

	for (i = 0; i < 200000; i++) {
		uint32_t w = (uint32_t)(xorshift(&s) >> 11);
		unsigned int len = rv_disasm(w, CODE, text, sizeof(text));

		ok &= len == ((w & 3) == 3 ? 4u : 2u) && strlen(text) < 90;
		rv_disasm(w, CODE, tiny, sizeof(tiny));
		ok &= strlen(tiny) < sizeof(tiny);
	}
	tap_ok(ok, "disassembly of random words");
	rv_disasm(0xfec42783, CODE, text, sizeof(text));
	tap_ok(!strcmp(text, "lw a5,-20(s0)"), "disassembly of a load: %s", text);
	rv_disasm(0x8082, CODE, text, sizeof(text));
	tap_ok(!strcmp(text, "c.jr ra"), "disassembly of a return: %s", text);
}

int main(int argc, char **argv)
{
#ifdef __SANITIZE_ADDRESS__
	unsigned int rounds = 500;
#else
	unsigned int rounds = 4000;
#endif
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	test_faults();
	test_fault_record();
	test_code_at_page_end();
	test_misaligned();
	test_partial_store();
	test_scratchpad();
	test_slow_memory();
	test_self_modifying();
	test_tlb_flush();
	test_counters();
	test_budget();
	test_waiting_insn();
	test_state_moves();
	test_stop();
	test_host_environment();
	test_reservation();
	test_atomics_across_threads();
	test_disasm();
	test_fuzz(seed, rounds);
	return tap_done();
}
