// SPDX-License-Identifier: MIT
/*
 * Fuzz target of the decoder and the executor. An input is a hart's state and
 * a piece of code (struct start, then the code); it runs twice, the second
 * time with another executor, other vector loops or in other pieces, and must
 * give the same bits. ASan's redzones lie around all memory and the vector
 * registers.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "rv_int.h"
#include "vec.h"

#define CODE_VA   0x10000ull
#define SLOW_VA   0x20000ull /* next to each other: */
#define DATA_VA   0x21000ull
#define RO_VA     0x23000ull
#define BROKEN_VA 0x25000ull
#define PAGES     8
#define SPAD      8192u
#define CODE_MAX  512 /* bytes */
#define MAX_VLENB 256
#define AMO_CODE  78

/* All values mean something. */
struct start {
	uint8_t vlen, twice, where, image, budget, options;
	uint8_t fcsr, vcsr, vtype, vl, vstart, reserved;
	uint8_t x[32];
};

#define OPT_RAW 1 /* the code is words, not rows of the table with operands */
#define OPT_AMO 2 /* memory without host pointer can do atomics */

/* What a program can tell, and a debugger. */
struct outcome {
	struct rv_arch arch;
	enum rv_exit exit;
	struct rv_fault fault;
	uint64_t vec[3];
	uint8_t v[32 * MAX_VLENB];
	uint8_t memory[PAGES * 4096];
	uint8_t spad[SPAD];
};

static uint8_t image[(PAGES * 2 + 4) * 4096];
static struct machine *machines[3];
static struct outcome outcomes[2];

#define REQUIRE(c)                                                              \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			abort();                                                \
		}                                                               \
	} while (0)

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Small integers, halves, singles and doubles of moderate size, anything. */
static uint64_t image_word(uint64_t i)
{
	uint64_t r = mix(i * 0x9e3779b97f4a7c15ull + 1);

	switch (r % 6) {
	case 0:
		return r >> 8 & 0x00ff003f001f000full;
	case 1:
		return (r & 0x83ff83ff83ff83ffull) | 0x3800400034003c00ull;
	case 2:
		return (r & 0x81ffffff80ffffffull) | 0x3e0000003f000000ull;
	case 3:
		return (r & 0x800fffffffffffffull) | (1000 + (r >> 8) % 60) << 52;
	case 4:
		return 0x7ff07ff00000fc00ull ^ (r & 0x8001800000018001ull);
	default:
		return r;
	}
}

/* An instruction of Xdsa, as far as the executor is concerned. */
static bool ext(void *opaque, struct rv_ext *x)
{
	(void)opaque;
	x->rd = x->rs1 ^ x->rs2 ^ x->instret;
	if ((x->rs1 & 7) != 7)
		return true;
	x->code = 99;
	x->access = RV_READ;
	x->addr = x->rs1;
	return false;
}

static uint64_t apply(enum rv_amo_op op, uint64_t m, uint64_t v, unsigned int size)
{
	uint64_t sm = size == 4 ? (uint64_t)(int64_t)(int32_t)m : m;
	uint64_t sv = size == 4 ? (uint64_t)(int64_t)(int32_t)v : v;

	switch (op) {
	case RV_AMO_ADD:
		return m + v;
	case RV_AMO_XOR:
		return m ^ v;
	case RV_AMO_AND:
		return m & v;
	case RV_AMO_OR:
		return m | v;
	case RV_AMO_MIN:
		return (int64_t)sm < (int64_t)sv ? m : v;
	case RV_AMO_MAX:
		return (int64_t)sm > (int64_t)sv ? m : v;
	case RV_AMO_MINU:
		return m < v ? m : v;
	case RV_AMO_MAXU:
		return m > v ? m : v;
	default:
		return v;
	}
}

static uint32_t amo(void *opaque, uint64_t va, unsigned int size, enum rv_amo_op op, uint64_t val,
		    uint64_t *old)
{
	struct machine *m = opaque;
	uint64_t word = 0, expected = *old;

	REQUIRE((size == 4 || size == 8) && !(va % size));
	if (m->hart.cfg.read(m, va, RV_READ, &word, size))
		return M_CODE_BUS;
	*old = word;
	if (op == RV_AMO_CAS && word != expected)
		return 0;
	word = apply(op, word, val, size);
	return m->hart.cfg.write(m, va, &word, size);
}

static struct machine *make(unsigned int vlen)
{
	struct machine *m;

	m_vlen = vlen;
	m_spad_size = SPAD;
	m = m_new();
	m_map(m, CODE_VA, 0x2000, RV_READ | RV_EXEC);
	m_map(m, SLOW_VA, 0x1000, RV_READ | RV_WRITE)->slow = true;
	m_map(m, DATA_VA, 0x2000, RV_READ | RV_WRITE);
	m_map(m, RO_VA, 0x1000, RV_READ);
	m_map(m, BROKEN_VA, 0x1000, RV_READ | RV_WRITE | RV_EXEC);
	m->regions[4].slow = m->regions[4].broken = true;
	m->hart.cfg.ext = ext;
	m->hart.cfg.amo_code = AMO_CODE;
	return m;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const unsigned int vlens[3] = { 128, 256, 2048 };

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(image) / 8; i++)
		((uint64_t *)image)[i] = image_word(i);
	for (unsigned int i = 0; i < 3; i++)
		machines[i] = make(vlens[i]);
	return 0;
}

/* ---- the start ---- */

static uint64_t start_value(uint8_t v)
{
	static const uint64_t base[] = { DATA_VA, DATA_VA + 0x1000,  RO_VA,   SLOW_VA + 0x800,
					 M_SPAD,  M_SPAD + SPAD / 2, CODE_VA, BROKEN_VA };
	static const uint64_t special[] = { 0,          1,          2,          8,
					    UINT64_MAX, 1ull << 63, 1ull << 31, ~0ull >> 1,
					    0x3c00,     M_EXIT,     0x7fc00000, 1ull << 48 };

	if (v < 192)
		return base[v % 8] + (v / 8) * 0x28;
	if (v < 240)
		return special[v % 12];
	return mix(v);
}

/* Offsets of branches are made short: they are to stay in the code. */
static uint32_t shorten(const struct rv_row *r, uint32_t w)
{
	uint32_t neg = w >> 31 ? ~0u : 0;

	if (r->fmt == RV_FMT_B)
		return (w & 0x81fff17f) | (w & 0x06000e00) | (neg & 0x78000080);
	if (r->fmt == RV_FMT_J)
		return (w & 0x87e00fff) | (neg & 0x781ff000);
	/* Most values of vtype exist when their upper bits are zero. */
	if (r->fn == rv_do_vset && r->sub == 0)
		return w & 0x8fffffff;
	return w;
}

/* Six bytes: row of the table, operands. Bytes of code written. */
static unsigned int put_row(uint8_t *to, const uint8_t *from)
{
	const struct rv_row *r = &rv_rows[(from[0] | from[1] << 8) % rv_row_count];
	uint32_t w;

	memcpy(&w, from + 2, 4);
	w = shorten(r, r->match | (w & ~r->mask));
	memcpy(to, &w, 4);
	return (w & 3) == 3 ? 4 : 2;
}

static unsigned int put_code(uint8_t *to, const uint8_t *data, size_t size, bool raw)
{
	unsigned int n = 0;

	if (raw) {
		n = size < CODE_MAX ? (unsigned int)size : CODE_MAX;
		memcpy(to, data, n);
		return n;
	}
	for (; size >= 6 && n < CODE_MAX; data += 6, size -= 6)
		n += put_row(to + n, data);
	return n;
}

static void begin(struct machine *m, const struct start *s, const uint8_t *data, size_t size)
{
	struct rv_hart *h = &m->hart;
	uint64_t pc = CODE_VA + (s->where % 4 ? 0x1000 - (s->where % 128) * 2 : 0);

	for (unsigned int i = 0, at = s->image * 8; i < m->count; i++, at += 0x2000)
		memcpy(m->regions[i].host, image + at, m->regions[i].size);
	memset(m->regions[0].host, 0, m->regions[0].size);
	put_code(m_host(m, pc), data, size, s->options & OPT_RAW);
	memcpy(m->spad, image + s->image * 8 + 0x800, SPAD);
	memcpy(h->v, image + s->image * 16, 32 * (size_t)h->vlenb);
	h->cfg.amo = s->options & OPT_AMO ? amo : NULL;
	m_start(m, pc);
	h->v_used = true;
	memcpy(h->v, image + s->image * 16, 32 * (size_t)h->vlenb);
	for (unsigned int i = 1; i < 32; i++)
		h->arch.x[i] = start_value(s->x[i]);
	for (unsigned int i = 0; i < 32; i++) {
		memcpy(&h->arch.f[i], image + s->image * 8 + 0x1234 * 8 + i * 8, 8);
		if (i & 1)
			h->arch.f[i] |= i & 2 ? 0xffffffff00000000 : 0xffffffffffff0000;
	}
	for (unsigned int i = 0; i < RV_SYS_COUNT; i++)
		h->sys[i] = 1000 + i;
	h->arch.fcsr = s->fcsr;
	h->arch.vxrm = s->vcsr >> 1;
	h->arch.vxsat = s->vcsr;
	h->arch.vtype = s->vtype == 255 ? RV_VILL : s->vtype;
	h->arch.vl = s->vl == 255 ? UINT64_MAX : s->vl;
	h->arch.vstart = s->vstart < 128 ? 0 : s->vstart - 128;
	rv_flush_tlb(h);
	rv_flush_code(h);
	h->vec_elements = h->vec_beats = h->vec_bytes = 0;
	memset(&h->fault, 0, sizeof(h->fault));
}

/* ---- runs ---- */

/* In pieces of 1 .. @most instructions, or whole. */
static enum rv_exit run(struct rv_hart *h, uint64_t budget, unsigned int most)
{
	enum rv_exit why = RV_EXIT_BUDGET;
	uint64_t n, before, seed = 0;

	while (budget && why == RV_EXIT_BUDGET) {
		n = most ? 1 + mix(++seed) % most : budget;
		n = n < budget ? n : budget;
		before = h->arch.instret;
		why = rv_run(h, n);
		REQUIRE(h->arch.instret - before <= n);
		REQUIRE(why != RV_EXIT_BUDGET || h->arch.instret - before == n);
		REQUIRE(why != RV_EXIT_STOP && why != RV_EXIT_YIELD);
		budget -= h->arch.instret - before;
	}
	return why;
}

static void check_fault(const struct machine *m, const struct rv_fault *f)
{
	REQUIRE(f->pc == m->hart.arch.pc);
	REQUIRE(strcmp(rv_cause_name(f->cause), "unknown"));
	switch (f->cause) {
	case RV_CAUSE_LOAD_PAGE:
	case RV_CAUSE_STORE_PAGE:
	case RV_CAUSE_FETCH_PAGE:
		REQUIRE(f->code == M_CODE_UNMAPPED || f->code == M_CODE_PERM);
		for (unsigned int i = 0; i < m->count; i++)
			if (f->addr - m->regions[i].va < m->regions[i].size)
				REQUIRE(!(m->regions[i].perm & f->access));
		REQUIRE(f->addr - M_SPAD >= SPAD || f->access == RV_EXEC);
		break;
	case RV_CAUSE_LOAD_ACCESS:
	case RV_CAUSE_STORE_ACCESS:
	case RV_CAUSE_FETCH_ACCESS:
		REQUIRE(f->code == M_CODE_BUS || f->code == AMO_CODE);
		REQUIRE(f->access);
		break;
	case RV_CAUSE_EXT:
		REQUIRE(f->code == 99 && f->access == RV_READ && (f->addr & 7) == 7);
		break;
	case RV_CAUSE_LOAD_MISALIGNED:
	case RV_CAUSE_STORE_MISALIGNED:
		REQUIRE(f->access && (f->addr & 7));
		break;
	default:
		REQUIRE(!f->access && !f->addr);
	}
}

static void check_state(const struct machine *m, enum rv_exit why)
{
	const struct rv_arch *a = &m->hart.arch;

	REQUIRE(rv_vector_state_ok(&m->hart));
	REQUIRE(a->fcsr <= 0xff && !(a->pc & 1));
	REQUIRE(a->res_size == 0 || a->res_size == 4 || a->res_size == 8);
	REQUIRE(why != RV_EXIT_DONE || a->pc == M_EXIT);
	if (why == RV_EXIT_FAULT)
		check_fault(m, &m->hart.fault);
}

static void take(struct machine *m, enum rv_exit why, struct outcome *o)
{
	struct rv_hart *h = &m->hart;
	uint8_t *at = o->memory;

	check_state(m, why);
	o->arch = h->arch;
	o->arch.x[0] = o->arch.x[32] = 0;
	o->exit = why;
	o->fault = why == RV_EXIT_FAULT ? h->fault : (struct rv_fault){ 0 };
	o->vec[0] = h->vec_elements;
	o->vec[1] = h->vec_beats;
	o->vec[2] = h->vec_bytes;
	memcpy(o->v, h->v, 32 * (size_t)h->vlenb);
	for (unsigned int i = 0; i < m->count; i++) {
		memcpy(at, m->regions[i].host, m->regions[i].size);
		at += m->regions[i].size;
	}
	memcpy(o->spad, m->spad, SPAD);
}

static void compare(const struct machine *m, const struct outcome *a, const struct outcome *b)
{
	REQUIRE(a->exit == b->exit);
	REQUIRE(a->arch.pc == b->arch.pc && a->arch.instret == b->arch.instret);
	REQUIRE(!memcmp(a->arch.x, b->arch.x, sizeof(a->arch.x)));
	REQUIRE(!memcmp(a->arch.f, b->arch.f, sizeof(a->arch.f)));
	REQUIRE(a->arch.fcsr == b->arch.fcsr);
	REQUIRE(a->arch.vl == b->arch.vl && a->arch.vtype == b->arch.vtype);
	REQUIRE(a->arch.vstart == b->arch.vstart && a->arch.vxrm == b->arch.vxrm);
	REQUIRE(a->arch.vxsat == b->arch.vxsat);
	REQUIRE(a->arch.res_size == b->arch.res_size && a->arch.res_addr == b->arch.res_addr);
	REQUIRE(a->fault.cause == b->fault.cause && a->fault.access == b->fault.access);
	REQUIRE(a->fault.code == b->fault.code && a->fault.insn == b->fault.insn);
	REQUIRE(a->fault.pc == b->fault.pc && a->fault.addr == b->fault.addr);
	REQUIRE(!memcmp(a->v, b->v, 32 * (size_t)m->hart.vlenb));
	REQUIRE(!memcmp(a->memory, b->memory, sizeof(a->memory)));
	REQUIRE(!memcmp(a->spad, b->spad, sizeof(a->spad)));
	REQUIRE(!memcmp(a->vec, b->vec, sizeof(a->vec)));
}

/* Names and operands of anything, into any buffer; what it writes are registers that exist. */
static void disassemble(const struct rv_hart *h, const uint8_t *data, size_t size)
{
	struct rv_vdest d;
	char text[80];

	for (size_t i = 0; i + 4 <= size && i < 64; i += 4) {
		size_t room = 1 + data[i] % sizeof(text);
		uint32_t w;

		memcpy(&w, data + i, 4);
		REQUIRE(rv_disasm(w, CODE_VA, text, room) == ((w & 3) == 3 ? 4 : 2));
		REQUIRE(strlen(text) < room);
		REQUIRE(rv_dest(w) < 64);
		if (!rv_vector_dest(h, w, &d))
			continue;
		REQUIRE(d.fields && d.size <= 3 && d.reg + (d.fields - 1) * d.step < 32);
		for (unsigned int f = 0; d.size >= 0 && f < d.fields; f++)
			REQUIRE(d.count << d.size <=
				(32 - d.reg - f * d.step) * (uint64_t)h->vlenb);
		REQUIRE(d.size >= 0 || d.count <= 8 * h->vlenb);
	}
}

/* How the second run differs from the first. */
static enum rv_exit run_again(struct machine *m, const struct start *s, uint64_t budget)
{
	static const unsigned int pieces[4] = { 0, 1, 1, 7 };
	struct rv_hart *h = &m->hart;
	enum rv_exit (*best)(struct rv_hart *h) = h->exec;
	const struct rv_vloops *loops = h->vloops;
	enum rv_exit why;

	if (s->twice & 4)
		rv_use_exec(h, rv_exec_base);
#if defined(__x86_64__)
	else if (s->twice & 8 && loops == &rv_vloops_avx512)
		h->vloops = &rv_vloops_avx2;
#endif
	why = run(h, budget, pieces[s->twice & 3]);
	if (s->twice & 4)
		rv_use_exec(h, best);
	h->vloops = loops;
	return why;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct start s;
	struct machine *m;
	uint64_t budget;

	if (size < sizeof(s))
		return -1;
	memcpy(&s, data, sizeof(s));
	data += sizeof(s);
	size -= sizeof(s);
	m = machines[s.vlen % 3];
	budget = 1 + s.budget * 2u;
	begin(m, &s, data, size);
	take(m, run(&m->hart, budget, 0), &outcomes[0]);
	disassemble(&m->hart, data, size);
	begin(m, &s, data, size);
	take(m, run_again(m, &s, budget), &outcomes[1]);
	compare(m, &outcomes[0], &outcomes[1]);
	return 0;
}
