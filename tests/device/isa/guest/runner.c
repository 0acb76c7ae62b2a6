// SPDX-License-Identifier: MIT
/*
 * Runs instruction sequences and programs on a reference implementation
 * (qemu-riscv64) and reports what they did. Freestanding, Linux system calls.
 */
#include <stddef.h>

#include "proto.h"

#define SYS_READ        63
#define SYS_WRITE       64
#define SYS_EXIT        93
#define SYS_SIGALTSTACK 132
#define SYS_SIGACTION   134
#define SYS_MMAP        222
#define SIGILL          4
#define SIGTRAP         5
#define SA_SIGINFO      4
#define SA_ONSTACK      0x08000000

/* Offsets are known to enter.S. */
struct context {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t fcsr;
	uint64_t leave; /* address of the code behind the stub */
	uint64_t entry;
	uint64_t saved[32];                     /* the runner's own registers */
	uint64_t vbuf, vl, vtype, vstart, vcsr; /* vbuf: of all registers; 0: no vector unit */
};

#define CTX ((struct context *)CTX_VA)

void run_case(struct context *ctx);
extern const char leave_case[];

static struct isa_case cases[BATCH];
static struct isa_result results[BATCH];
static uint64_t signal, signal_pc;
static uint8_t sigstack[16384] __attribute__((aligned(16)));
static struct isa_vresult vresults[BATCH];
static uint64_t vbuf[32 * MAX_VLENB / 8] __attribute__((aligned(16)));
static uint64_t vlenb; /* 0: scalar cases */
static uint64_t prog_buf[PROG_BUF / 8];

static long sys(long nr, long a, long b, long c, long d, long e, long f)
{
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = f;
	register long a7 __asm__("a7") = nr;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
			 : "memory");
	return a0;
}

static _Noreturn void quit(int status)
{
	for (;;)
		sys(SYS_EXIT, status, 0, 0, 0, 0, 0);
}

static void read_all(void *buf, size_t size)
{
	size_t got = 0;

	while (got < size) {
		long n = sys(SYS_READ, 0, (long)((char *)buf + got), (long)(size - got), 0, 0, 0);

		if (n <= 0)
			quit(2);
		got += (size_t)n;
	}
}

static void write_all(const void *buf, size_t size)
{
	size_t put = 0;

	while (put < size) {
		long n = sys(SYS_WRITE, 1, (long)((const char *)buf + put), (long)(size - put), 0,
			     0, 0);

		if (n <= 0)
			quit(3);
		put += (size_t)n;
	}
}

static void map(uint64_t va, uint64_t size, int prot)
{
	/* MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS */
	if (sys(SYS_MMAP, (long)va, (long)size, prot, 0x32, -1, 0) != (long)va)
		quit(4);
}

/* Where Linux puts the registers in a RISC-V ucontext. */
struct ucontext {
	uint64_t flags, link, stack[3];
	uint8_t sigmask[128];
	uint64_t gregs[32] __attribute__((aligned(16))); /* [0] is the pc */
};

static void on_signal(int sig, void *info, void *uc)
{
	struct ucontext *u = uc;

	(void)info;
	signal = (uint64_t)sig;
	signal_pc = u->gregs[0];
	u->gregs[0] = STUB_VA;
}

static void catch_signals(void)
{
	static struct {
		void *sp;
		int flags;
		size_t size;
	} stack;
	static struct {
		void *handler;
		uint64_t flags;
		uint64_t mask;
	} action;

	stack.sp = sigstack;
	stack.size = sizeof(sigstack);
	action.handler = (void *)on_signal;
	action.flags = SA_SIGINFO | SA_ONSTACK;
	if (sys(SYS_SIGALTSTACK, (long)&stack, 0, 0, 0, 0, 0) ||
	    sys(SYS_SIGACTION, SIGILL, (long)&action, 0, 8, 0, 0) ||
	    sys(SYS_SIGACTION, SIGTRAP, (long)&action, 0, 8, 0, 0))
		quit(5);
}

static void write_stub(void)
{
	/* sd x30, 30*8(x31); ld x30, 65*8(x31); jr x30 */
	static const uint32_t stub[] = { 0x0fefb823, 0x208fbf03, 0x000f0067 };

	__builtin_memcpy((void *)STUB_VA, stub, sizeof(stub));
}

static void before_vector(const struct isa_case *c)
{
	if (!vlenb)
		return;
	fill_vectors(c, vbuf, vlenb);
	CTX->vbuf = (uint64_t)vbuf;
	CTX->vl = c->vl;
	CTX->vtype = c->vtype;
	CTX->vstart = c->vstart;
	CTX->vcsr = c->vcsr;
}

static void after_vector(struct isa_vresult *r)
{
	if (!vlenb)
		return;
	__builtin_memcpy(r->v, vbuf, 32 * vlenb);
	r->vl = CTX->vl;
	r->vtype = CTX->vtype;
	r->vstart = CTX->vstart;
	r->vcsr = CTX->vcsr;
}

static void one_case(unsigned int i)
{
	uint64_t *data = (uint64_t *)DATA_VA, w;
	struct isa_result *r = &results[i];

	for (w = 0; w < DATA_SIZE / 8; w++)
		data[w] = data_pattern(w);
	__builtin_memcpy(CTX->x, cases[i].x, sizeof(CTX->x));
	__builtin_memcpy(CTX->f, cases[i].f, sizeof(CTX->f));
	CTX->fcsr = cases[i].fcsr;
	CTX->leave = (uint64_t)leave_case;
	CTX->entry = CODE_VA + i * SLOT_SIZE + CODE_OFFSET;
	signal = signal_pc = 0;
	before_vector(&cases[i]);
	run_case(CTX);
	after_vector(&vresults[i]);
	__builtin_memcpy(r->x, CTX->x, sizeof(r->x));
	__builtin_memcpy(r->f, CTX->f, sizeof(r->f));
	r->fcsr = CTX->fcsr;
	r->signal = signal;
	r->pc = signal_pc;
	r->hash = hash_words(data, DATA_SIZE / 8);
}

static void run_cases(void)
{
	uint32_t n, i;

	map(CODE_VA, CODE_SIZE, 7);
	map(DATA_VA, DATA_SIZE, 3);
	map(CTX_VA, 4096, 3);
	catch_signals();
	write_stub();
	for (;;) {
		read_all(&n, sizeof(n));
		if (!n)
			return;
		if (n > BATCH)
			quit(6);
		read_all(cases, n * sizeof(cases[0]));
		for (i = 0; i < n; i++)
			__builtin_memcpy((void *)(CODE_VA + i * SLOT_SIZE), cases[i].code,
					 SLOT_SIZE);
		__asm__ volatile("fence.i" : : : "memory");
		for (i = 0; i < n; i++)
			one_case(i);
		write_all(results, n * sizeof(results[0]));
		if (vlenb)
			write_all(vresults, n * sizeof(vresults[0]));
	}
}

static void run_vector_cases(void)
{
	/* csrr vlenb */
	__asm__ volatile(".option push\n.option arch, +v\ncsrr %0, vlenb\n.option pop"
			 : "=r"(vlenb));
	run_cases();
}

typedef uint64_t prog_fn(void *buf);
extern prog_fn *const prog_table[];

static void run_programs(void)
{
	struct prog_result r;
	unsigned int i;

	for (i = 0; prog_table[i]; i++) {
		__builtin_memset(prog_buf, 0, sizeof(prog_buf));
		__asm__ volatile("fscsr zero");
		r.value = prog_table[i](prog_buf);
		r.hash = hash_words(prog_buf, PROG_BUF / 8);
		write_all(&r, sizeof(r));
	}
}

void *memcpy(void *d, const void *s, size_t n)
{
	char *dp = d;
	const char *sp = s;

	while (n--)
		*dp++ = *sp++;
	return d;
}

void *memset(void *d, int c, size_t n)
{
	char *dp = d;

	while (n--)
		*dp++ = (char)c;
	return d;
}

_Noreturn void start_c(void)
{
	uint32_t mode;

	read_all(&mode, sizeof(mode));
	if (mode == MODE_CASES)
		run_cases();
	else if (mode == MODE_VECTOR)
		run_vector_cases();
	else if (mode == MODE_PROGRAMS)
		run_programs();
	else
		quit(1);
	quit(0);
}
