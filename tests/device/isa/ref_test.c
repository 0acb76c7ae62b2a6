// SPDX-License-Identifier: MIT
/*
 * Every instruction against qemu-riscv64: the same code bytes, registers and
 * memory in both, then all registers, flags and memory compared. Here each case
 * runs on two builds of the executor and of the vector loops.
 *
 *   isa [--seed N] [--count N] [--only MNEMONIC] [--guest ELF]
 *
 * Every row until one case of it was not reserved, then N random cases; a third
 * of N for each length of vectors. A failure prints the case; the seed replays
 * the run.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "guest.h"
#include "vec.h"

#define KIND_SEQUENCE (-1)
#define KIND_ILLEGAL  (-2)
#define MAX_SHOWN     12
#define MAX_ROUNDS    100

static struct isa_case cases[BATCH];
static struct isa_result ours[BATCH], plain[BATCH], theirs[BATCH];
static struct isa_vresult ours_v[BATCH], plain_v[BATCH], theirs_v[BATCH];
static unsigned int vlen; /* of the vector unit under test; 0: none */
static int kinds[BATCH];
static int only = -1; /* the row that is tested; -1: all */
static unsigned int shown;

static bool made[BATCH]; /* holds an instruction of its row */

/* @made, @done: an instruction of the row was there; it was legal. */
static struct tally {
	unsigned int run, failed, made, done;
} rows[2048], sequences, illegals;

/* Rows that the reference does not know, and the tests that have them. */
static const struct {
	const char *row, *test;
} elsewhere[] = {
	{ "ecall", "unit_test" },
	{ "dsa.rd", "unit_test" },
	{ "dsa.", "core" },
};

static struct tally *tally_of(int kind)
{
	return kind == KIND_SEQUENCE ? &sequences : kind == KIND_ILLEGAL ? &illegals : &rows[kind];
}

static void vectors_in(struct machine *m, const struct isa_case *c)
{
	struct rv_arch *a = &m->hart.arch;

	if (!vlen)
		return;
	fill_vectors(c, (uint64_t *)m->hart.v, m->hart.vlenb);
	m->hart.v_used = true;
	a->vl = c->vl;
	a->vtype = c->vtype;
	a->vstart = c->vstart;
	a->vxsat = c->vcsr & 1;
	a->vxrm = c->vcsr >> 1 & 3;
}

static void vectors_out(struct machine *m, struct isa_vresult *r)
{
	const struct rv_arch *a = &m->hart.arch;

	if (!vlen)
		return;
	memcpy(r->v, m->hart.v, 32 * m->hart.vlenb);
	r->vl = a->vl;
	r->vtype = a->vtype;
	r->vstart = a->vstart;
	r->vcsr = a->vxsat | a->vxrm << 1;
}

/* What Linux makes of that end; the reference ends with no other signal. */
static uint64_t signal_of(enum rv_exit why, const struct rv_fault *f)
{
	if (why == RV_EXIT_FAULT && f->cause == RV_CAUSE_ILLEGAL)
		return SIGILL;
	if (why == RV_EXIT_FAULT && f->cause == RV_CAUSE_EBREAK)
		return SIGTRAP;
	return UINT64_MAX;
}

static void run_ours(struct machine *m, unsigned int i, struct isa_result *r, struct isa_vresult *v)
{
	struct rv_arch *a = &m->hart.arch;
	uint64_t *data = m_host(m, DATA_VA), w;
	enum rv_exit why;

	for (w = 0; w < DATA_SIZE / 8; w++)
		data[w] = data_pattern(w);
	memcpy(m_host(m, CTX_VA), cases[i].x, sizeof(cases[i].x));
	memset(r, 0, sizeof(*r));
	rv_reset(&m->hart);
	memcpy(a->x, cases[i].x, sizeof(cases[i].x));
	memcpy(a->f, cases[i].f, sizeof(a->f));
	a->fcsr = (uint32_t)cases[i].fcsr;
	a->pc = CODE_VA + i * SLOT_SIZE + CODE_OFFSET;
	vectors_in(m, &cases[i]);
	why = rv_run(&m->hart, 10000);
	vectors_out(m, v);
	if (why != RV_EXIT_DONE) {
		r->signal = signal_of(why, &m->hart.fault);
		r->pc = m->hart.fault.pc;
	}
	memcpy(r->x, a->x, sizeof(r->x));
	memcpy(r->f, a->f, sizeof(r->f));
	r->fcsr = a->fcsr;
	r->hash = hash_words(data, DATA_SIZE / 8);
}

static void show_code(unsigned int i)
{
	unsigned int pos = CODE_OFFSET + 4;
	char text[80];

	while (pos < SLOT_SIZE - 4) {
		uint64_t pc = CODE_VA + i * SLOT_SIZE + pos;
		uint32_t w;

		memcpy(&w, cases[i].code + pos, 4);
		if ((w & 0xfff) == 0xe6f) /* jal x28 */
			break;
		pos += rv_disasm(w, pc, text, sizeof(text));
		tap_diag("    %" PRIx64 ": %08" PRIx32 "  %s", pc, w, text);
	}
}

static void show_bytes(const char *what, const uint8_t *p)
{
	char text[2 * MAX_VLENB + MAX_VLENB / 8 + 1];
	unsigned int n = vlen / 8 < 64 ? vlen / 8 : 64, k, pos = 0;

	for (k = 0; k < n; k++)
		pos += (unsigned int)snprintf(text + pos, sizeof(text) - pos, "%s%02x",
					      k && k % 8 == 0 ? "_" : "", p[k]);
	tap_diag("    %s %s", what, text);
}

static void show_vectors(unsigned int i, const struct isa_vresult *o)
{
	static uint64_t before[32 * MAX_VLENB / 8];
	const struct isa_vresult *t = &theirs_v[i];
	const struct isa_case *c = &cases[i];
	unsigned int k, vlenb = vlen / 8;
	char name[16];

	tap_diag("  vlen %u, vl %" PRIu64 ", vtype %" PRIx64 ", vstart %" PRIu64 ", vcsr %" PRIu64,
		 vlen, c->vl, c->vtype, c->vstart, c->vcsr);
	if (o->vl != t->vl || o->vtype != t->vtype || o->vstart != t->vstart || o->vcsr != t->vcsr)
		tap_diag("  vl %" PRIu64 " vtype %" PRIx64 " vstart %" PRIu64 " vcsr %" PRIu64
			 ", reference %" PRIu64 " %" PRIx64 " %" PRIu64 " %" PRIu64,
			 o->vl, o->vtype, o->vstart, o->vcsr, t->vl, t->vtype, t->vstart, t->vcsr);
	fill_vectors(c, before, vlenb);
	for (k = 0; k < 32; k++) {
		if (!memcmp(o->v + k * vlenb, t->v + k * vlenb, vlenb))
			continue;
		snprintf(name, sizeof(name), "v%u", k);
		show_bytes(name, o->v + k * vlenb);
		show_bytes("reference", t->v + k * vlenb);
		show_bytes("was", (uint8_t *)before + k * vlenb);
	}
}

static bool same_vectors(const struct isa_vresult *o, const struct isa_vresult *t)
{
	return !vlen || (o->vl == t->vl && o->vtype == t->vtype && o->vstart == t->vstart &&
			 o->vcsr == t->vcsr && !memcmp(o->v, t->v, 4 * vlen));
}

static void show(unsigned int i, const struct isa_result *o)
{
	const struct isa_result *t = &theirs[i];
	const struct isa_case *c = &cases[i];
	unsigned int k;

	if (shown++ >= MAX_SHOWN)
		return;
	tap_diag("case %u, fcsr %02" PRIx64 "%s:", i, c->fcsr,
		 o == &plain[i] ? ", other executor" : "");
	show_code(i);
	if (vlen)
		show_vectors(i, o == &plain[i] ? &plain_v[i] : &ours_v[i]);
	for (k = 1; k < 32; k++)
		if (o->x[k] != t->x[k])
			tap_diag("  x%u: %016" PRIx64 ", reference %016" PRIx64 ", was %016" PRIx64,
				 k, o->x[k], t->x[k], c->x[k]);
	for (k = 0; k < 32; k++)
		if (o->f[k] != t->f[k])
			tap_diag("  f%u: %016" PRIx64 ", reference %016" PRIx64 ", was %016" PRIx64,
				 k, o->f[k], t->f[k], c->f[k]);
	if (o->fcsr != t->fcsr)
		tap_diag("  fcsr: %02" PRIx64 ", reference %02" PRIx64, o->fcsr, t->fcsr);
	if (o->signal != t->signal || o->pc != t->pc)
		tap_diag("  signal %" PRIu64 " at %" PRIx64 ", reference %" PRIu64 " at %" PRIx64,
			 o->signal, o->pc, t->signal, t->pc);
	if (o->hash != t->hash)
		tap_diag("  memory differs");
}

/* Does the reference survive the first @n cases? */
static bool survives(const char *guest, uint32_t n)
{
	struct reference ref;
	uint32_t i;
	bool ok = ref_start(&ref, guest, vlen ? MODE_VECTOR : MODE_CASES, vlen) &&
		  ref_write(&ref, &n, sizeof(n)) && ref_write(&ref, cases, n * sizeof(cases[0]));

	for (i = 0; ok && i < n; i++)
		ok = ref_read(&ref, &theirs[i], sizeof(theirs[i]));
	for (i = 0; ok && vlen && i < n; i++)
		ok = ref_read(&ref, &theirs_v[i], sizeof(theirs_v[i]));
	ok = ok && ref_write(&ref, &(uint32_t){ 0 }, 4);
	return ref_end(&ref) && ok;
}

static void name_culprit(const char *guest, uint32_t n)
{
	uint32_t good = 0;

	while (n - good > 1) {
		uint32_t mid = good + (n - good) / 2;

		if (survives(guest, mid))
			good = mid;
		else
			n = mid;
	}
	tap_diag("the reference dies of case %u:", good);
	show_code(good);
}

/* Executor and vector loops of a lesser host: the plain ones, and in turn AVX2. */
static void use_other(struct machine *m)
{
	static unsigned int batches;

#if defined(__x86_64__)
	if (batches++ & 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    __builtin_cpu_supports("f16c")) {
		m->hart.vloops = &rv_vloops_avx2;
		return;
	}
#endif
	rv_use_exec(&m->hart, rv_exec_base);
}

static bool run_batch(struct machine *m, struct reference *ref, uint32_t n)
{
	enum rv_exit (*best)(struct rv_hart *h) = m->hart.exec;
	unsigned int i;

	if (!ref_write(ref, &n, sizeof(n)) || !ref_write(ref, cases, n * sizeof(cases[0])))
		return false;
	rv_flush_code(&m->hart);
	for (i = 0; i < n; i++)
		memcpy(m_host(m, CODE_VA + i * SLOT_SIZE), cases[i].code, SLOT_SIZE);
	for (i = 0; i < n; i++)
		run_ours(m, i, &ours[i], &ours_v[i]);
	use_other(m);
	for (i = 0; i < n; i++)
		run_ours(m, i, &plain[i], &plain_v[i]);
	rv_use_exec(&m->hart, best);
	if (!ref_read(ref, theirs, n * sizeof(theirs[0])) ||
	    (vlen && !ref_read(ref, theirs_v, n * sizeof(theirs_v[0]))))
		return false;
	for (i = 0; i < n; i++) {
		struct tally *t = tally_of(kinds[i]);

		/* x31 carries the case in and out; x0 is nothing. */
		theirs[i].x[0] = ours[i].x[0] = plain[i].x[0] = 0;
		theirs[i].x[31] = ours[i].x[31] = plain[i].x[31] = 0;
		t->run++;
		t->made += made[i];
		t->done += made[i] && theirs[i].signal != SIGILL;
		if (memcmp(&ours[i], &theirs[i], sizeof(ours[i])) ||
		    !same_vectors(&ours_v[i], &theirs_v[i])) {
			t->failed++;
			show(i, &ours[i]);
		} else if (memcmp(&plain[i], &theirs[i], sizeof(plain[i])) ||
			   !same_vectors(&plain_v[i], &theirs_v[i])) {
			t->failed++;
			show(i, &plain[i]);
		}
	}
	return true;
}

static bool supports(unsigned int row)
{
	return vlen ? gen_vector_supports(&rv_rows[row]) : gen_supports(&rv_rows[row]);
}

static void make_single(struct gen *g, unsigned int i, unsigned int row)
{
	kinds[i] = (int)row;
	made[i] = vlen ? gen_vector(g, &cases[i], i, row, vlen / 8) :
			 gen_single(g, &cases[i], i, row);
}

static void make_sequence(struct gen *g, unsigned int i)
{
	kinds[i] = KIND_SEQUENCE;
	if (vlen)
		gen_vector_sequence(g, &cases[i], i, vlen / 8);
	else
		gen_sequence(g, &cases[i], i);
}

static void make_case(struct gen *g, unsigned int i)
{
	unsigned int row, what = gen_rand(g) >> 20 & 15;

	if (only >= 0) {
		make_single(g, i, (unsigned int)only);
	} else if (what < 2) {
		kinds[i] = KIND_ILLEGAL;
		gen_illegal(g, &cases[i], i);
	} else if (what < (vlen ? 4 : 6)) {
		make_sequence(g, i);
	} else {
		do
			row = (unsigned int)((gen_rand(g) >> 16) % rv_row_count);
		while (!supports(row));
		make_single(g, i, row);
	}
}

/* Cases of rows from @row on that were not done yet; @row: the next one. Their number. */
static unsigned int make_missing(struct gen *g, unsigned int *row)
{
	unsigned int n = 0;

	for (; *row < rv_row_count && n < BATCH; ++*row)
		if (supports(*row) && !rows[*row].done && (only < 0 || only == (int)*row))
			make_single(g, n++, *row);
	return n;
}

/* Landings of unused slots, and then the batch. */
static bool run_some(struct machine *m, struct reference *ref, struct gen *g, const char *guest,
		     unsigned int n)
{
	for (unsigned int i = n; i < BATCH; i++)
		gen_illegal(g, &cases[i], i);
	if (run_batch(m, ref, n))
		return true;
	name_culprit(guest, n);
	return false;
}

/* Every row until it was there in a form that is not reserved, whatever the random cases bring. */
static bool run_missing(struct machine *m, struct reference *ref, struct gen *g, const char *guest)
{
	for (unsigned int round = 0; round < MAX_ROUNDS; round++) {
		unsigned int row = 0, n;

		while ((n = make_missing(g, &row)) != 0)
			if (!run_some(m, ref, g, guest, n))
				return false;
	}
	return true;
}

static bool run_cases(const char *guest, uint64_t seed, unsigned int count)
{
	struct gen g = { .rng = (seed + vlen) * 0x9e3779b97f4a7c15ull | 1, .vector = vlen != 0 };
	struct machine *m;
	struct reference ref;
	unsigned int i, n;
	bool ok;

	m_vlen = vlen ? vlen : 4096;
	m = m_new();
	m_map(m, CODE_VA, CODE_SIZE, RV_READ | RV_WRITE | RV_EXEC);
	m_map(m, DATA_VA, DATA_SIZE, RV_READ | RV_WRITE);
	m_map(m, CTX_VA, 4096, RV_READ);
	m->hart.cfg.exit_addr = STUB_VA;
	ok = ref_start(&ref, guest, vlen ? MODE_VECTOR : MODE_CASES, vlen);
	ok = ok && run_missing(m, &ref, &g, guest);
	for (; ok && count; count -= n) {
		n = count < BATCH ? count : BATCH;
		for (i = 0; i < n; i++)
			make_case(&g, i);
		ok = run_some(m, &ref, &g, guest, n);
	}
	ok = ok && ref_write(&ref, &(uint32_t){ 0 }, 4);
	ok = ref_end(&ref) && ok;
	m_free(m);
	return ok;
}

static const char *tested_elsewhere(const struct rv_row *r)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		size_t n = strlen(elsewhere[i].row);

		if (!strncmp(r->name, elsewhere[i].row, n) &&
		    (!r->name[n] || elsewhere[i].row[n - 1] == '.'))
			return elsewhere[i].test;
	}
	return NULL;
}

/* A row that was never generated, or only in reserved forms, is not tested. */
static void report_rows(void)
{
	unsigned int i;

	for (i = 0; i < rv_row_count; i++) {
		const struct tally *t = &rows[i];

		if (only >= 0 && only != (int)i)
			continue;
		if (gen_supports(&rv_rows[i]) || gen_vector_supports(&rv_rows[i]))
			tap_ok(t->done && !t->failed, "%s: %u cases, %u not reserved, %u differ",
			       rv_rows[i].name, t->made, t->done, t->failed);
		else
			tap_ok(tested_elsewhere(&rv_rows[i]), "%s: in %s", rv_rows[i].name,
			       tested_elsewhere(&rv_rows[i]) ? tested_elsewhere(&rv_rows[i]) :
							       "no test");
	}
	if (only >= 0)
		return;
	tap_ok(sequences.run && !sequences.failed, "random sequences: %u cases, %u differ",
	       sequences.run, sequences.failed);
	tap_ok(illegals.run && !illegals.failed, "illegal encodings: %u cases, %u differ",
	       illegals.run, illegals.failed);
}

/* Each program of the guest, once there and once here with vectors of @mine bits. */
static void run_programs(const char *guest, unsigned int ref_vlen, unsigned int mine)
{
	struct machine *m = (m_vlen = mine, m_new());
	struct reference ref;
	struct prog_result t, o;
	const uint64_t *table;
	const char(*names)[16];
	unsigned int i;

	if (!load_elf(m, guest) || !ref_start(&ref, guest, MODE_PROGRAMS, ref_vlen)) {
		tap_ok(false, "programs can be loaded");
		m_free(m);
		return;
	}
	m_map(m, DATA_VA, PROG_BUF, RV_READ | RV_WRITE);
	table = m_host(m, PROGS_VA);
	names = m_host(m, NAMES_VA);
	for (i = 0; table[i]; i++) {
		enum rv_exit why;

		if (!ref_read(&ref, &t, sizeof(t))) {
			tap_ok(false, "program %.16s on the reference", names[i]);
			break;
		}
		memset(m_host(m, DATA_VA), 0, PROG_BUF);
		m_start(m, table[i]);
		m->hart.arch.x[10] = DATA_VA;
		why = rv_run(&m->hart, 1ull << 32);
		o.value = m->hart.arch.x[10];
		o.hash = hash_words(m_host(m, DATA_VA), PROG_BUF / 8);
		tap_ok(why == RV_EXIT_DONE && !memcmp(&o, &t, sizeof(o)) &&
			       (!ref_vlen || mine > 128 || m->hart.vec_elements),
		       "program %.16s, vlen %u", names[i], mine);
		if (why != RV_EXIT_DONE)
			tap_diag("exit %d, %s at %" PRIx64, why, rv_cause_name(m->hart.fault.cause),
				 m->hart.arch.pc);
	}
	if (!table[i])
		tap_ok(ref_end(&ref), "the reference ran all programs");
	m_free(m);
}

static int row_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < rv_row_count; i++)
		if (!strcmp(rv_rows[i].name, name))
			return (int)i;
	return -1;
}

int main(int argc, char **argv)
{
	static char guest[4096], vguest[4096];
	const char *slash = strrchr(argv[0], '/');
	uint64_t seed = 1;
	unsigned int count = 40000, vector_count = 120000;
	static const unsigned int vlens[] = { 128, 256, 1024 };
	bool ran;
	int i;

	snprintf(guest, sizeof(guest), "%.*sisa_guest.elf", slash ? (int)(slash + 1 - argv[0]) : 0,
		 argv[0]);
	snprintf(vguest, sizeof(vguest), "%.*sisa_vguest.elf",
		 slash ? (int)(slash + 1 - argv[0]) : 0, argv[0]);
	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--count"))
			count = vector_count = (unsigned int)strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--only"))
			only = row_named(argv[i + 1]);
		else if (!strcmp(argv[i], "--guest"))
			snprintf(guest, sizeof(guest), "%s", argv[i + 1]);
		else
			break;
	}
	if (i < argc) {
		fprintf(stderr,
			"usage: %s [--seed N] [--count N] [--only MNEMONIC] [--guest ELF]\n",
			argv[0]);
		return 2;
	}
	tap_diag("seed %" PRIu64 ", %u cases", seed, count);
	run_programs(guest, 0, 4096);
	run_programs(vguest, 256, 128);
	run_programs(vguest, 256, 4096);
	run_programs(vguest, 256, 65536);
	ran = (only >= 0 && !gen_supports(&rv_rows[only])) || run_cases(guest, seed, count);
	if (only >= 0 && !gen_vector_supports(&rv_rows[only]))
		vector_count = 0;
	for (i = 0; ran && i < 3; i++) {
		vlen = vlens[i];
		ran = run_cases(guest, seed, vector_count / 3);
	}
	tap_ok(ran, "all cases were run on the reference");
	if (ran)
		report_rows();
	return tap_done();
}
