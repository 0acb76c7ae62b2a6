// SPDX-License-Identifier: MIT
/*
 * The vector unit beside its arithmetic: faults and vstart, fault-only-first,
 * memory without host pointers, configurations, CSRs; and bfloat16, where the
 * reference of ref_test.c errs about numbers that are not boxed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "machine.h"
#include "rv_int.h"
#include "softfp.h"

#define CODE 0x10000ull
#define DATA 0x40000ull
#define END  (DATA + 0x4000)

/* Masked forms lack bit 25. */
#define UNMASKED      (1u << 25)
#define VSETVLI(v)    (0x000672d7u | (uint32_t)(v) << 20) /* vsetvli t0, a2, v */
#define E32M8         0x53
#define E32M1         0x50
#define E32M2         0x51
#define E16M1         0x48
#define E16M2         0x49
#define VLE32         0x00056407u /* vle32.v v8, (a0), v0.t */
#define VSE32         0x00056427u
#define VLE32FF       0x03056407u
#define VLSE32        0x0ab56407u /* vlse32.v v8, (a0), a1 */
#define VSSE32        0x0ab56427u
#define VLUXEI32      0x07056407u /* vluxei32.v v8, (a0), v16 */
#define VLSEG2E32     0x22056407u
#define VADD          0x02840457u /* vadd.vv v8, v8, v8 */
#define CSRR_VLENB_T0 0xc22022f3u

static struct machine *machine(const uint32_t *code, unsigned int count)
{
	struct machine *m = m_new();

	m_map(m, CODE, 0x1000, RV_READ | RV_EXEC);
	m_map(m, DATA, 0x4000, RV_READ | RV_WRITE);
	memcpy(m_host(m, CODE), code, count * sizeof(*code));
	m_start(m, CODE);
	m->hart.arch.x[A0] = DATA;
	m->hart.arch.x[A2] = 64;
	return m;
}

#define MACHINE(...)                               \
	machine((const uint32_t[]){ __VA_ARGS__ }, \
		sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static uint32_t *reg32(struct machine *m, unsigned int r)
{
	return (uint32_t *)(m->hart.v + r * m->hart.vlenb);
}

static bool faulted(struct machine *m, enum rv_cause cause, uint64_t addr, uint64_t vstart)
{
	const struct rv_fault *f = &m->hart.fault;
	enum rv_exit why = rv_run(&m->hart, 1000);
	bool ok = why == RV_EXIT_FAULT && f->cause == cause && f->addr == addr &&
		  f->pc == CODE + 4 && m->hart.arch.vstart == vstart;

	if (!ok)
		tap_diag("exit %d, %s, pc %" PRIx64 ", addr %" PRIx64 ", vstart %" PRIu64, why,
			 rv_cause_name(f->cause), f->pc, f->addr, m->hart.arch.vstart);
	return ok;
}

/* Ten elements fit before the end; then the rest of memory appears. */
static void test_resume(uint32_t insn, const char *what)
{
	struct machine *m = MACHINE(VSETVLI(E32M2), insn, RET);
	bool store = insn & 0x20, ok;
	uint32_t *mem = m_host(m, DATA);
	unsigned int i;

	for (i = 0; i < 0x1000; i++)
		mem[i] = i * 3 + 1;
	m->hart.arch.x[A0] = END - 40;
	m->hart.arch.x[A1] = 4;
	for (i = 0; i < 64; i++) {
		reg32(m, 8)[i] = 0xabc00 + i;
		reg32(m, 16)[i] = i * 4;
	}
	m->hart.v_used = true;
	ok = faulted(m, store ? RV_CAUSE_STORE_PAGE : RV_CAUSE_LOAD_PAGE, END, 10);
	for (i = 0; i < 64; i++)
		if (!store)
			ok &= reg32(m, 8)[i] == (i < 10 ? mem[0x1000 - 10 + i] : 0xabc00 + i);
		else if (i < 10)
			ok &= mem[0x1000 - 10 + i] == 0xabc00 + i;
	m_map(m, END, 0x1000, RV_READ | RV_WRITE);
	mem = m_host(m, END);
	for (i = 0; i < 0x400; i++)
		mem[i] = 7000 + i;
	ok &= rv_run(&m->hart, 1000) == RV_EXIT_DONE && !m->hart.arch.vstart;
	for (i = 10; i < 64; i++)
		ok &= store ? mem[i - 10] == 0xabc00 + i : reg32(m, 8)[i] == 7000 + i - 10;
	tap_ok(ok, "%s: fault in the middle, and on from there", what);
	m_free(m);
}

static void test_faults(void)
{
	struct machine *m;
	unsigned int i;
	bool ok;

	test_resume(VLE32 | UNMASKED, "load");
	test_resume(VSE32 | UNMASKED, "store");
	test_resume(VLSE32, "strided load");
	test_resume(VSSE32, "strided store");
	test_resume(VLUXEI32, "indexed load");
	/* An element across the end, for which nothing may be written. */
	m = MACHINE(VSETVLI(E32M2), VSE32 | UNMASKED, RET);
	m->hart.arch.x[A0] = END - 10;
	ok = faulted(m, RV_CAUSE_STORE_PAGE, END, 2);
	tap_ok(ok && !memcmp(m_host(m, END - 2), "\0\0", 2), "store of an element across the end");
	m_free(m);
	m = MACHINE(VSETVLI(E32M2), VLSEG2E32, RET);
	m->hart.arch.x[A0] = END - 44;
	tap_ok(faulted(m, RV_CAUSE_LOAD_PAGE, END, 5), "segment across the end");
	m_free(m);
	/* Inactive elements do not fault. */
	for (i = 0; i < 2; i++) {
		m = MACHINE(VSETVLI(E32M2), i ? VSE32 : VLE32, RET);
		m->hart.arch.x[A0] = END - 40;
		m->hart.v[0] = 0xff;
		m->hart.v[1] = 0x03;
		tap_ok(rv_run(&m->hart, 1000) == RV_EXIT_DONE && m->hart.arch.vl == 64,
		       "inactive elements of a %s do not fault", i ? "store" : "load");
		m_start(m, CODE);
		m->hart.arch.x[A0] = END - 40;
		m->hart.arch.x[A2] = 64;
		m->hart.v[2] = 0x10;
		m->hart.v_used = true;
		tap_ok(faulted(m, i ? RV_CAUSE_STORE_PAGE : RV_CAUSE_LOAD_PAGE, END + 40, 20),
		       "the first active one does");
		m_free(m);
	}
}

static void test_fault_only_first(void)
{
	struct machine *m = MACHINE(VSETVLI(E32M2), VLE32FF, RET);

	m->hart.arch.x[A0] = END - 24;
	tap_ok(rv_run(&m->hart, 1000) == RV_EXIT_DONE && m->hart.arch.vl == 6 &&
		       !m->hart.arch.vstart,
	       "fault-only-first: vl ends before the fault");
	m_free(m);
	m = MACHINE(VSETVLI(E32M2), VLE32FF, RET);
	m->hart.arch.x[A0] = END;
	tap_ok(faulted(m, RV_CAUSE_LOAD_PAGE, END, 0), "fault-only-first: the first faults");
	m_free(m);
}

static void test_slow_memory(void)
{
	struct machine *m = MACHINE(VSETVLI(E32M2), VLE32 | UNMASKED, VADD, VSE32 | UNMASKED, RET);
	struct m_region *r = m_map(m, 0x80000, 0x2000, RV_READ | RV_WRITE);
	uint32_t *mem = (uint32_t *)r->host;
	unsigned int i;
	bool ok;

	r->slow = true;
	for (i = 0; i < 0x800; i++)
		mem[i] = i;
	m->hart.arch.x[A0] = 0x80ff0;
	ok = rv_run(&m->hart, 1000) == RV_EXIT_DONE;
	for (i = 0; i < 0x800; i++)
		ok &= mem[i] == (i >= 0x3fc && i < 0x3fc + 64 ? 2 * i : i);
	tap_ok(ok, "memory without host pointer");
	tap_ok(m->hart.vec_moved[RV_VEC_OTHER_READ] == 256 &&
		       m->hart.vec_moved[RV_VEC_OTHER_WRITTEN] == 256 &&
		       !m->hart.vec_moved[RV_VEC_HOST_READ] &&
		       !m->hart.vec_moved[RV_VEC_HOST_WRITTEN] && m->hart.vec_bytes == 512,
	       "bytes there are told from others");
	r->broken = true;
	m_start(m, CODE);
	m->hart.arch.x[A0] = 0x80ff0;
	m->hart.arch.x[A2] = 4;
	ok = faulted(m, RV_CAUSE_LOAD_ACCESS, 0x80ff0, 0) && m->hart.fault.code == M_CODE_BUS;
	tap_ok(ok, "and its errors");
	m_free(m);
	/* The scratchpad, up to its end. */
	m = MACHINE(VSETVLI(E32M2), VSE32 | UNMASKED, VLE32 | UNMASKED, RET);
	m->hart.arch.x[A0] = M_SPAD + M_SPAD_SIZE - 256;
	tap_ok(rv_run(&m->hart, 1000) == RV_EXIT_DONE && !m->hart.vec_bytes, "scratchpad");
	m_start(m, CODE);
	m->hart.arch.x[A0] = M_SPAD + M_SPAD_SIZE - 252;
	m->hart.arch.x[A2] = 64;
	tap_ok(faulted(m, RV_CAUSE_STORE_PAGE, M_SPAD + M_SPAD_SIZE, 63), "and behind it");
	m_free(m);
}

/* A run of such memory gives no pointer, from whatever element on. */
static void test_strided_slow_memory(void)
{
	struct machine *m = MACHINE(VSETVLI(E32M1), VLSE32, VADD, VSSE32, RET);
	struct m_region *r = m_map(m, 0x80000, 0x2000, RV_READ | RV_WRITE);
	uint32_t *mem = (uint32_t *)r->host;
	bool ok;

	r->slow = true;
	for (unsigned int i = 0; i < 0x800; i++)
		mem[i] = i;
	m->hart.arch.x[A0] = 0x80ff0;
	m->hart.arch.x[A1] = 8;
	ok = rv_run(&m->hart, 1000) == RV_EXIT_DONE;
	for (unsigned int i = 0; i < 0x800; i++)
		ok &= mem[i] == (i >= 0x3fc && i < 0x3fc + 128 && i % 2 == 0 ? 2 * i : i);
	tap_ok(ok, "strided, in memory without host pointer");
	m_free(m);
}

static void test_configurations(void)
{
	static const unsigned int bad[] = { 0, 64, 192, 131072 };
	struct rv_hart *h = malloc(sizeof(*h));
	struct rv_config cfg;
	struct machine *m;
	unsigned int v;
	bool ok = true;

	for (v = 128; v <= 65536; v *= 2) {
		m_vlen = v;
		m = MACHINE(CSRR_VLENB_T0, ADDI(A2, ZERO, -1),
			    0x0d367357 /* vsetvli t1, a2, e32, m8 */, RET);
		ok &= rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[T0] == v / 8 &&
		      m->hart.arch.x[T1] == v / 4 && m->hart.arch.vl == v / 4;
		m_free(m);
	}
	m_vlen = 4096;
	tap_ok(ok, "vlenb and vlmax from 128 to 65536 bits");
	m = MACHINE(VSETVLI(E32M1 | 7 << 3), VADD);
	tap_ok(faulted(m, RV_CAUSE_ILLEGAL, 0, 0) && m->hart.arch.vtype == 1ull << 63 &&
		       !m->hart.arch.vl,
	       "vtype of an element size that does not exist");
	cfg = m->hart.cfg;
	for (ok = true, v = 0; v < 4; v++) {
		cfg.vlen = bad[v];
		ok &= !rv_hart_init(h, &cfg);
	}
	tap_ok(ok, "lengths that are refused");
	cfg = m->hart.cfg;
	for (ok = true, v = 0; v < 3; v++) {
		cfg.lane_bits = (uint32_t[]){ 0, 32, 96 }[v];
		ok &= !rv_hart_init(h, &cfg);
	}
	tap_ok(ok, "numbers of lanes that are refused");
	free(h);
	m_start(m, CODE);
	memset(m->hart.v, 0x55, 32 * m->hart.vlenb);
	m->hart.v_used = true;
	m->hart.arch.vtype = 0x123456;
	m->hart.arch.vl = m->hart.arch.vstart = UINT64_MAX;
	m->hart.arch.vxrm = m->hart.arch.vxsat = UINT32_MAX;
	tap_ok(!rv_vector_state_ok(&m->hart), "a state that cannot be");
	rv_run(&m->hart, 1);
	tap_ok(rv_vector_state_ok(&m->hart), "is none after a run");
	rv_reset(&m->hart);
	for (ok = true, v = 0; v < 32 * m->hart.vlenb; v++)
		ok &= !m->hart.v[v];
	tap_ok(ok && !m->hart.arch.vl && !m->hart.arch.vtype, "reset clears registers");
	m_free(m);
}

static void test_csrs(void)
{
	struct machine *m = MACHINE(0x00a59373 /* csrrw t1, vxrm, a1 */,
				    0x009593f3 /* csrrw t2, vxsat, a1 */,
				    0x00a022f3 /* csrr t0, vxrm */, 0x00902373 /* csrr t1, vxsat */,
				    0x00f023f3 /* csrr t2, vcsr */, RET);

	m->hart.arch.x[A1] = UINT64_MAX;
	tap_ok(rv_run(&m->hart, 100) == RV_EXIT_DONE && m->hart.arch.x[T0] == 3 &&
		       m->hart.arch.x[T1] == 1 && m->hart.arch.x[T2] == 7,
	       "vxrm and vxsat have the bits that they have");
	m_free(m);
}

static uint64_t rng = 88172645463325252ull;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* Numbers of all sizes, infinities and NaNs. */
static void random_vectors(struct machine *m)
{
	uint64_t *v = (uint64_t *)m->hart.v, r;
	unsigned int i;

	for (i = 0; i < 4 * m->hart.vlenb; i++) {
		r = rnd();
		switch (rnd() & 7) {
		case 0:
			r = (r & 0x8000800080008000) | 0x7f807f807f807f80;
			break;
		case 1:
			r &= 0xffff0000ffff0000;
			break;
		case 2:
		case 3:
		case 4: /* moderate singles, halves */
			r = (r & 0x8fff8fff8fff8fff) | 0x4000400040004000;
		}
		v[i] = r;
	}
	m->hart.v_used = true;
}

static const struct rv_ffmt bf16 = { 8, 7 };

/* The three bfloat16 instructions against exact integers. */
static void test_bfloat16(void)
{
	static const uint32_t insn[] = {
		0x4b069457, /* vfwcvtbf16.f.f.v v8, v16 */
		0x4b0e9457, /* vfncvtbf16.f.f.w v8, v16 */
		0xef281457, /* vfwmaccbf16.vv v8, v16, v18 */
		0xef255457, /* vfwmaccbf16.vf v8, fa0, v18 */
	};
	static const char *const name[] = { "vfwcvtbf16", "vfncvtbf16", "vfwmaccbf16.vv",
					    "vfwmaccbf16.vf" };
	unsigned int k, i, n, masked;

	for (k = 0; k < 4; k++) {
		bool ok = true;

		for (n = 0; n < 400; n++) {
			struct machine *m;
			enum rv_rm rm = (enum rv_rm)(n % 5);
			uint32_t flags = 0, want[64];
			uint16_t *a, *b;

			masked = n & 1;
			m = MACHINE(VSETVLI(E16M1), insn[k] & ~(masked ? UNMASKED : 0), RET);
			random_vectors(m);
			m->hart.arch.fcsr = (uint32_t)rm << 5;
			m->hart.arch.f[10] = n % 7 ? 0xffffffffffff0000 | (rnd() & 0xffff) : rnd();
			a = (uint16_t *)reg32(m, 16);
			b = (uint16_t *)reg32(m, 18);
			for (i = 0; i < 64; i++) {
				uint64_t f0 = m->hart.arch.f[10] >> 16 == 0xffffffffffff ?
						      m->hart.arch.f[10] & 0xffff :
						      0x7fc0;
				uint32_t old = k == 1 ? ((uint16_t *)reg32(m, 8))[i] :
							reg32(m, 8)[i];

				want[i] = old;
				if (masked && !(m->hart.v[i / 8] >> (i & 7) & 1))
					continue;
				if (k == 0)
					want[i] = (uint32_t)rv_soft_convert(&rv_f32, &bf16, a[i],
									    rm, &flags);
				else if (k == 1)
					want[i] = (uint32_t)rv_soft_convert(
						&bf16, &rv_f32, reg32(m, 16)[i], rm, &flags);
				else
					want[i] = (uint32_t)rv_soft_fma(
						&rv_f32,
						rv_soft_convert(&rv_f32, &bf16, k == 2 ? a[i] : f0,
								rm, &flags),
						rv_soft_convert(&rv_f32, &bf16, b[i], rm, &flags),
						old, rm, &flags);
			}
			ok &= rv_run(&m->hart, 100) == RV_EXIT_DONE &&
			      (m->hart.arch.fcsr & 31) == flags;
			for (i = 0; i < 64; i++)
				ok &= want[i] ==
				      (k == 1 ? ((uint16_t *)reg32(m, 8))[i] : reg32(m, 8)[i]);
			m_free(m);
		}
		tap_ok(ok, "%s against integers", name[k]);
	}
}

static void test_scalar_bfloat16(void)
{
	struct machine *m = MACHINE(0x40657553 /* fcvt.s.bf16 fa0, fa0 */,
				    0x4485f5d3 /* fcvt.bf16.s fa1, fa1 */, RET);
	const struct rv_arch *a = &m->hart.arch;
	bool ok = true;
	unsigned int n;

	for (n = 0; n < 5000; n++) {
		uint32_t flags = 0, v = (uint32_t)rnd(), b = v >> 16;
		bool boxed = n % 7;
		enum rv_rm rm = (enum rv_rm)(n % 5);

		m_start(m, CODE);
		m->hart.arch.fcsr = (uint32_t)rm << 5;
		m->hart.arch.f[10] = (boxed ? 0xffffffffffff0000 : 0xfffffffffffe0000) | b;
		m->hart.arch.f[11] = 0xffffffff00000000 | v;
		ok &= rv_run(&m->hart, 100) == RV_EXIT_DONE &&
		      a->f[10] ==
			      (0xffffffff00000000 |
			       rv_soft_convert(&rv_f32, &bf16, boxed ? b : 0x7fc0, rm, &flags)) &&
		      a->f[11] == (0xffffffffffff0000 |
				   rv_soft_convert(&bf16, &rv_f32, v, rm, &flags)) &&
		      (a->fcsr & 31) == flags;
	}
	tap_ok(ok, "scalar bfloat16 conversions");
	m_free(m);
}

/* Every row disassembles to its own name, and the counter counts. */
static void test_misc(void)
{
	struct machine *m = MACHINE(VSETVLI(E32M2), VADD, VADD, RET);
	char text[80];
	unsigned int i, bad = 0;

	rv_run(&m->hart, 100);
	tap_ok(m->hart.vec_insns == 2 && m->hart.vec_elements == 128 && !m->hart.vec_beats,
	       "instructions and elements are counted");
	m->hart.lane_shift = 9;
	m_start(m, CODE);
	m->hart.arch.x[A2] = 64;
	rv_run(&m->hart, 100);
	tap_ok(m->hart.vec_beats == 2 * 3,
	       "64 elements of 32 bits on 512 lanes take 3 cycles more");
	for (i = 0; i < rv_row_count; i++) {
		rv_disasm(rv_rows[i].match, 0, text, sizeof(text));
		if (rv_rows[i].fmt == RV_FMT_V &&
		    (strncmp(text, rv_rows[i].name, strlen(rv_rows[i].name)) != 0)) {
			tap_diag("%s: %s", rv_rows[i].name, text);
			bad++;
		}
	}
	tap_ok(!bad, "vector instructions disassemble");
	rv_disasm(0x00056427, 0, text, sizeof(text));
	tap_ok(!strcmp(text, "vse32.v v8,(a0),v0.t"), "%s", text);
	rv_disasm(0x0d0672d7, 0, text, sizeof(text));
	tap_ok(!strcmp(text, "vsetvli t0,a2,e32,m1,ta,ma"), "%s", text);
	m_free(m);
}

int main(void)
{
	test_faults();
	test_fault_only_first();
	test_slow_memory();
	test_strided_slow_memory();
	test_configurations();
	test_csrs();
	test_bfloat16();
	test_misc();
	test_scalar_bfloat16();
	return tap_done();
}
