/* SPDX-License-Identifier: MIT */
/*
 * Counters of launches and the cost model, against what docs/timing.md says of
 * programs whose every instruction is known.
 */
#include <stdlib.h>

#include "harness.h"

#define CODE 0x400000
#define CMDS 0x300000
#define OPS  0x500000 /* operations, then pointers; what a0 points to */
#define PTRS 0x600    /* from there */
#define SUMS 0x340000
#define DATA 0x600000
#define SPAD DSA_SCRATCHPAD_BASE

#define X(unit, f7, rd, rs1, rs2) r_type(0x2b, unit, f7, rd, rs1, rs2)
#define VSETVLI_E32M8(rd, rs)     (0x01307057u | (rd) << 7 | (rs) << 15)
#define VLE32(vd, rs)             (0x02006007u | (vd) << 7 | (rs) << 15)
#define VSE32(vd, rs)             (0x02006027u | (vd) << 7 | (rs) << 15)
#define VLSE32(vd, rs, stride)    (0x0a006007u | (vd) << 7 | (rs) << 15 | (stride) << 20)
#define VLUXEI32(vd, rs, vi)      (0x06006007u | (vd) << 7 | (rs) << 15 | (vi) << 20)
#define VADD(vd)                  (0x02000057u | (vd) << 7 | (vd) << 15 | (vd) << 20)

/* ---- a program and, beside it, what it should count ---- */

struct prog {
	struct dev *d;
	struct code k;
	uint64_t ops, ptrs;
	uint64_t sharers;                /* of the HBM */
	uint64_t waited, tensor, matrix; /* stall so far; when the engines are free */
	uint64_t loads_done, store_done, matrix_done;
	struct dsa_launch_counters want; /* of one program */
};

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t hbm_cycles(const struct prog *p, uint64_t bytes)
{
	return div_up(bytes * p->sharers * (p->d->cfg.core_clock_khz / 1000),
		      p->d->cfg.hbm_mb_per_s);
}

static uint64_t now(const struct prog *p)
{
	return p->k.count + p->waited + p->want.vector_cycles;
}

static void wait_until(struct prog *p, enum dsa_stall cause, uint64_t cycle)
{
	uint64_t at = now(p);

	if (cycle <= at)
		return;
	p->waited += cycle - at;
	p->want.stalls[cause] += cycle - at;
}

/* S0 = scratchpad, an mbarrier there for one arrival; T0 = 1. */
static struct prog prog_new(const struct dsa_core_config *cfg, unsigned int threads,
			    uint64_t programs)
{
	struct prog p = { .d = dev_new_with(cfg, threads) };

	p.k = code_at(p.d, CODE);
	p.sharers = programs < cfg->cores ? programs : cfg->cores;
	queue_setup(p.d, 0, 1);
	emit(&p.k, ADDI(S0, X0, 1));
	emit(&p.k, SLLI(S0, S0, 48));
	emit(&p.k, ADDI(T0, X0, 1));
	emit(&p.k, X(DSA_X_MBAR, DSA_X_MBAR_INIT, X0, S0, T0));
	return p;
}

static void put_pointer(struct prog *p, unsigned int reg, uint64_t value)
{
	memcpy(p->d->hbm + OPS + PTRS + p->ptrs, &value, 8);
	emit(&p->k, LD(reg, A0, (int32_t)(PTRS + p->ptrs)));
	p->ptrs += 8;
}

static void put_op(struct prog *p, const void *op, size_t size)
{
	memcpy(p->d->hbm + OPS + p->ops, op, size);
	emit(&p->k, ADDI(A1, A0, (int32_t)p->ops));
	p->ops += size;
}

/* A bulk copy of @bytes at @va, in HBM or system memory. */
static void put_tensor(struct prog *p, unsigned int op, uint64_t va, uint64_t bytes)
{
	bool load = op == DSA_TENSOR_LOAD, system = va >= VA_RAM;
	struct dsa_tensor_op o = {
		.op = op,
		.flags = DSA_TENSOR_BULK,
		.global = va,
		.spad = SPAD + 0x1000,
		.mbar = load ? SPAD : 0,
		.bytes = bytes,
	};
	uint64_t busy = later(hbm_cycles(p, bytes), p->d->cfg.cost.tensor_cycles);

	put_op(p, &o, sizeof(o));
	p->tensor = later(now(p), p->tensor) + busy;
	emit(&p->k, X(DSA_X_TENSOR, DSA_X_TENSOR_START, X0, A1, X0));
	*(load ? &p->loads_done : &p->store_done) = p->tensor + p->d->cfg.cost.hbm_latency;
	p->want.tensor_ops++;
	p->want.tensor_cycles += busy;
	p->want.bytes[2 * system + !load] += bytes;
	p->want.bytes[load ? DSA_BYTES_SCRATCHPAD_WRITTEN : DSA_BYTES_SCRATCHPAD_READ] += bytes;
}

static void put_expect(struct prog *p, uint32_t bytes)
{
	emit(&p->k, 0x37 | T1 << 7 | ((bytes + 0x800) & 0xfffff000)); /* lui */
	emit(&p->k, ADDI(T1, T1, (int32_t)(bytes << 20) >> 20));
	emit(&p->k, X(DSA_X_MBAR, DSA_X_MBAR_EXPECT, X0, S0, T1));
}

static void put_mbar_wait(struct prog *p, unsigned int parity, uint64_t done)
{
	emit(&p->k, ADDI(T1, X0, (int32_t)parity));
	wait_until(p, DSA_STALL_MBARRIER, done);
	emit(&p->k, X(DSA_X_MBAR, DSA_X_MBAR_WAIT, X0, S0, T1));
}

static void put_loads_wait(struct prog *p)
{
	emit(&p->k, X(DSA_X_MBAR, DSA_X_MBAR_ARRIVE, T2, S0, T0));
	put_mbar_wait(p, 0, p->loads_done);
}

static void put_drain(struct prog *p)
{
	wait_until(p, DSA_STALL_TENSOR, p->store_done);
	emit(&p->k, X(DSA_X_TENSOR, DSA_X_TENSOR_DRAIN, X0, X0, X0));
}

/* n^3 products of two types, of zeros. */
static void put_matrix(struct prog *p, unsigned int a, unsigned int b, unsigned int d,
		       unsigned int n, enum dsa_macs kind)
{
	static const unsigned int rates[] = DSA_MACS_RATES;
	bool mx = a >= DSA_TYPE_MXF8E4M3 && a <= DSA_TYPE_MXI8;
	struct dsa_matrix_op o = {
		.a = { .addr = SPAD + 0x1000, .pitch = 0x200, .type = a },
		.b = { .addr = SPAD + 0x11000, .pitch = 0x200, .type = b },
		.d = { .addr = SPAD + 0x21000, .pitch = 0x200, .type = d },
		.m = n,
		.n = n,
		.k = n,
		.scale = 1,
	};
	uint64_t busy = div_up((uint64_t)n * n * n * 32,
			       (uint64_t)p->d->cfg.matrix_macs * rates[kind]);

	if (mx) {
		o.a.scales = o.b.scales = SPAD + 0x31000;
		o.a.scale_pitch = o.b.scale_pitch = 8;
	}
	busy = later(busy, p->d->cfg.cost.matrix_cycles);
	put_op(p, &o, sizeof(o));
	p->matrix = later(now(p), p->matrix) + busy;
	p->matrix_done = p->matrix + p->d->cfg.cost.matrix_latency;
	emit(&p->k, X(DSA_X_MATRIX, DSA_X_MATRIX_START, X0, A1, X0));
	p->want.matrix_ops++;
	p->want.matrix_cycles += busy;
	p->want.macs[kind] += (uint64_t)n * n * n;
}

static void put_matrix_wait(struct prog *p)
{
	wait_until(p, DSA_STALL_MATRIX, p->matrix_done);
	emit(&p->k, X(DSA_X_MATRIX, DSA_X_MATRIX_WAIT, X0, X0, X0));
}

/* Of @vl elements of 32 bits. */
static void put_vector(struct prog *p, uint32_t insn, uint64_t vl)
{
	emit(&p->k, insn);
	p->want.vector_instructions++;
	p->want.vector_elements += vl;
	if (vl)
		p->want.vector_cycles += div_up(vl * 32, p->d->cfg.cost.vector_bits) - 1;
}

static void put_end(struct prog *p)
{
	emit(&p->k, RET);
	wait_until(p, DSA_STALL_TENSOR, p->store_done);
	wait_until(p, DSA_STALL_MATRIX, p->matrix_done);
}

/* Moves the wanted counters of one program to those of a launch. */
static void want_launch(struct prog *p, uint64_t programs, uint64_t start_ns)
{
	const struct dsa_core_config *cfg = &p->d->cfg;
	struct dsa_launch_counters *w = &p->want;
	uint64_t vec_bytes = w->stalls[DSA_STALL_VECTOR_MEMORY], *words = (uint64_t *)w, each;

	w->stalls[DSA_STALL_VECTOR_MEMORY] = hbm_cycles(p, vec_bytes);
	w->instructions = p->k.count;
	each = cfg->cost.program_cycles + now(p) + w->stalls[DSA_STALL_VECTOR_MEMORY];
	for (size_t i = 0; i < sizeof(*w) / 8; i++)
		words[i] *= programs;
	w->programs = programs;
	w->launches = 1;
	w->cycles = programs * each;
	w->makespan = div_up(programs, cfg->cores) * each;
	w->core_cycles = w->makespan * cfg->cores;
	w->time_ns = cfg->cost.launch_ns + div_up(w->makespan * 1000000, cfg->core_clock_khz);
	w->start_ns = start_ns;
	w->end_ns = start_ns + w->time_ns;
}

static struct dsa_launch_counters *sums(struct prog *p)
{
	return (void *)(p->d->hbm + SUMS);
}

static struct dsa_cmd_launch *put_launch(struct cmds *c, uint64_t programs)
{
	struct dsa_cmd_launch *l = cmd_launch(c, VA_HBM + CODE, VA_HBM + OPS, (uint32_t)programs, 1,
					      1);

	l->counters = VA_HBM + SUMS;
	l->counters_bytes = sizeof(struct dsa_launch_counters);
	return l;
}

static void check_counters(const struct dsa_launch_counters *got,
			   const struct dsa_launch_counters *want)
{
	const uint64_t *g = (const uint64_t *)got, *w = (const uint64_t *)want;

	for (size_t i = 0; i < sizeof(*got) / 8; i++)
		if (g[i] != w[i])
			check_failed(__FILE__, __LINE__, "word %zu is %llu, not %llu", i,
				     (unsigned long long)g[i], (unsigned long long)w[i]);
}

static void run_and_check(struct prog *p, uint64_t programs)
{
	const struct dsa_cost *cost = &p->d->cfg.cost;
	struct cmds c = cmds_at(p->d, CMDS);

	put_launch(&c, programs);
	memset(sums(p), 0x5a, sizeof(*sums(p)));
	CHECK(run_cmds(&c, 0));
	want_launch(p, programs, cost->ring_ns + cost->command_ns);
	check_counters(sums(p), &p->want);
}

/*
 * All that a program can do, once. Programs on several threads would race for
 * the HBM that they all write; system memory is written under the bus lock.
 */
static void put_everything(struct prog *p)
{
	put_expect(p, 0x9000);
	put_tensor(p, DSA_TENSOR_LOAD, VA_HBM + DATA, 0x8000);
	put_tensor(p, DSA_TENSOR_LOAD, VA_RAM + 0x400000, 0x1000);
	put_loads_wait(p);
	put_matrix(p, DSA_TYPE_BF16, DSA_TYPE_F16, DSA_TYPE_F32, 64, DSA_MACS_F16);
	put_matrix(p, DSA_TYPE_I8, DSA_TYPE_I4, DSA_TYPE_I32, 48, DSA_MACS_I8);
	put_matrix_wait(p);
	put_tensor(p, DSA_TENSOR_STORE, (p->d->threads ? VA_RAM : VA_HBM) + 0x700000, 0x2000);
	put_tensor(p, DSA_TENSOR_STORE, VA_RAM + 0x500000, 0x1000);
	put_drain(p);
	put_pointer(p, A2, VA_HBM + DATA);
	put_pointer(p, A3, VA_RAM + 0x600000);
	emit(&p->k, ADDI(T0, X0, 1000));
	emit(&p->k, VSETVLI_E32M8(T1, T0));
	put_vector(p, VLE32(8, A2), 1000);
	p->want.bytes[DSA_BYTES_HBM_READ] += 4000;
	put_vector(p, VADD(8), 1000);
	put_vector(p, VSE32(8, A3), 1000);
	p->want.bytes[DSA_BYTES_SYSTEM_WRITTEN] += 4000;
	put_vector(p, VSE32(8, S0), 1000);              /* the scratchpad is no memory */
	p->want.stalls[DSA_STALL_VECTOR_MEMORY] = 8000; /* bytes, until want_launch() */
	put_end(p);
}

static void every_counter(void)
{
	static const uint64_t programs[] = { 1, 5, 16, 200 };
	struct dsa_core_config cfg;

	dev_config(&cfg);
	for (unsigned int threads = 0; threads <= 3; threads++)
		for (unsigned int i = 0; i < 4; i++) {
			struct prog p = prog_new(&cfg, threads, programs[i]);

			put_everything(&p);
			run_and_check(&p, programs[i]);
			dev_free(p.d);
		}
}

/* On a device where each constant has a value of its own. */
static void every_cost(void)
{
	struct dsa_core_config cfg;
	struct prog p;

	dev_config(&cfg);
	cfg.cores = 3;
	cfg.core_clock_khz = 900000;
	cfg.matrix_macs = 777;
	cfg.hbm_mb_per_s = 12345;
	cfg.cost = (struct dsa_cost){ .ring_ns = 11,
				      .command_ns = 22,
				      .copy_ns = 33,
				      .copy_row_ns = 44,
				      .launch_ns = 55,
				      .program_cycles = 66,
				      .vector_bits = 512,
				      .hbm_latency = 77,
				      .tensor_cycles = 40000,
				      .matrix_latency = 99,
				      .matrix_cycles = 1000,
				      .peer_bytes = 3,
				      .peer_latency = 88,
				      .convert_cycles = 111,
				      .convert_bytes = 7 };
	p = prog_new(&cfg, 0, 7);
	put_everything(&p);
	run_and_check(&p, 7);
	dev_free(p.d);
}

static uint64_t clock_after(struct dev *d, struct cmds *c)
{
	uint64_t before = rd64(d, DSA_QREG(0, DSA_Q_TIME));

	CHECK(run_cmds(c, 0));
	return rd64(d, DSA_QREG(0, DSA_Q_TIME)) - before;
}

static void costs_of_copies(void)
{
	struct dsa_core_config cfg;
	struct cmds c;
	struct dev *d;

	dev_config(&cfg);
	cfg.cost.ring_ns = 1000;
	cfg.cost.command_ns = 200;
	cfg.cost.copy_ns = 30;
	cfg.cost.copy_row_ns = 4;
	d = dev_new_with(&cfg, 0);
	queue_setup(d, 0, 1);
	c = cmds_at(d, CMDS);
	cmd_copy(&c, VA_HBM + DATA, VA_HBM + DATA + 0x10000, 3350);
	CHECK_EQ(clock_after(d, &c), 1000 + 200 + 30 + 2);
	c = cmds_at(d, CMDS);
	cmd_copy_2d(&c, VA_HBM + DATA, VA_HBM + DATA + 0x10000, 100, 100, 67, 50);
	CHECK_EQ(clock_after(d, &c), 1000 + 200 + 30 + 50 * 4 + 2);
	c = cmds_at(d, CMDS);
	cmd_fill(&c, VA_HBM + DATA, 3350 * 8, 0, 8);
	CHECK_EQ(clock_after(d, &c), 1000 + 200 + 30 + 8);
	c = cmds_at(d, CMDS);
	cmd_simple(&c, DSA_CMD_NOP);
	cmd_simple(&c, DSA_CMD_FENCE);
	CHECK_EQ(clock_after(d, &c), 1000 + 2 * 200);
	dev_free(d);
}

static void costs_refused(void)
{
	for (unsigned int i = 0; i < DSA_COST_FIELDS; i++) {
		const struct dsa_cost_field *f = &dsa_cost_fields[i];

		for (unsigned int high = 0; high < 2; high++) {
			struct dsa_core_config cfg;
			const char *error = NULL;
			struct dsa_host_ops none = { 0 };

			dev_config(&cfg);
			cfg.hbm = aligned_alloc(DSA_PAGE_SIZE, DSA_PAGE_SIZE);
			if (!high && !f->min)
				*dsa_cost_at(&cfg.cost, i) = f->max + 1;
			else
				*dsa_cost_at(&cfg.cost, i) = high ? f->max + 1 : f->min - 1;
			if (dsa_core_new(&cfg, &none, NULL, &error) || !error)
				check_failed(__FILE__, __LINE__, "%s of %u is not refused", f->name,
					     *dsa_cost_at(&cfg.cost, i));
			free(cfg.hbm);
		}
	}
}

/* ---- what is counted as what ---- */

static void products_by_type(void)
{
	static const struct {
		unsigned int a, b, d;
		enum dsa_macs kind;
	} t[] = {
		{ DSA_TYPE_F64, DSA_TYPE_F64, DSA_TYPE_F64, DSA_MACS_F64 },
		{ DSA_TYPE_F32, DSA_TYPE_F32, DSA_TYPE_F32, DSA_MACS_F32 },
		{ DSA_TYPE_TF32, DSA_TYPE_TF32, DSA_TYPE_F32, DSA_MACS_TF32 },
		{ DSA_TYPE_F16, DSA_TYPE_F16, DSA_TYPE_F32, DSA_MACS_F16 },
		{ DSA_TYPE_BF16, DSA_TYPE_BF16, DSA_TYPE_F32, DSA_MACS_F16 },
		{ DSA_TYPE_Q8_0, DSA_TYPE_Q4_0, DSA_TYPE_F32, DSA_MACS_F16 },
		{ DSA_TYPE_F8E4M3, DSA_TYPE_F8E5M2, DSA_TYPE_F32, DSA_MACS_F8 },
		{ DSA_TYPE_MXF8E4M3, DSA_TYPE_MXF8E5M2, DSA_TYPE_F32, DSA_MACS_F8 },
		{ DSA_TYPE_F6E2M3, DSA_TYPE_F6E3M2, DSA_TYPE_F32, DSA_MACS_F6 },
		{ DSA_TYPE_MXF6E2M3, DSA_TYPE_MXF6E3M2, DSA_TYPE_F32, DSA_MACS_F6 },
		{ DSA_TYPE_F4E2M1, DSA_TYPE_F4E2M1, DSA_TYPE_F32, DSA_MACS_F4 },
		{ DSA_TYPE_MXF4E2M1, DSA_TYPE_MXF4E2M1, DSA_TYPE_F32, DSA_MACS_F4 },
		{ DSA_TYPE_MXI8, DSA_TYPE_MXI8, DSA_TYPE_F32, DSA_MACS_I8 },
		{ DSA_TYPE_I8, DSA_TYPE_U8, DSA_TYPE_I32, DSA_MACS_I8 },
		{ DSA_TYPE_I4, DSA_TYPE_I4, DSA_TYPE_I32, DSA_MACS_I4 },
		/* The slower, or the wider, of two. */
		{ DSA_TYPE_F32, DSA_TYPE_BF16, DSA_TYPE_F32, DSA_MACS_F32 },
		{ DSA_TYPE_F16, DSA_TYPE_TF32, DSA_TYPE_F32, DSA_MACS_TF32 },
		{ DSA_TYPE_F8E4M3, DSA_TYPE_BF16, DSA_TYPE_F32, DSA_MACS_F16 },
		{ DSA_TYPE_F6E2M3, DSA_TYPE_F8E5M2, DSA_TYPE_F32, DSA_MACS_F8 },
		{ DSA_TYPE_F4E2M1, DSA_TYPE_F6E2M3, DSA_TYPE_F32, DSA_MACS_F6 },
		{ DSA_TYPE_MXI8, DSA_TYPE_MXF4E2M1, DSA_TYPE_F32, DSA_MACS_I8 },
		{ DSA_TYPE_I4, DSA_TYPE_I8, DSA_TYPE_I32, DSA_MACS_I8 },
	};
	struct dsa_core_config cfg;

	dev_config(&cfg);
	cfg.matrix_macs = 100;
	for (unsigned int i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct prog p = prog_new(&cfg, 0, 1);

		put_matrix(&p, t[i].a, t[i].b, t[i].d, 64, t[i].kind);
		put_end(&p);
		run_and_check(&p, 1);
		dev_free(p.d);
	}
}

/* Strided and indexed accesses move bytes as others do; boxes count what is in the tensor. */
static void bytes_by_kind_of_access(void)
{
	struct dsa_core_config cfg;
	struct prog p;

	dev_config(&cfg);
	p = prog_new(&cfg, 0, 1);
	put_pointer(&p, A2, VA_HBM + DATA);
	emit(&p.k, ADDI(T0, X0, 100));
	emit(&p.k, ADDI(T2, X0, 12));
	emit(&p.k, VSETVLI_E32M8(T1, T0));
	put_vector(&p, VLSE32(8, A2, T2), 100);
	put_vector(&p, VLUXEI32(16, A2, 24), 100);
	put_vector(&p, VLUXEI32(16, S0, 24), 100); /* in the scratchpad */
	p.want.bytes[DSA_BYTES_HBM_READ] = 800;
	p.want.stalls[DSA_STALL_VECTOR_MEMORY] = 800;
	put_end(&p);
	run_and_check(&p, 1);
	dev_free(p.d);
}

static void put_box(struct prog *p, unsigned int op, int32_t x)
{
	struct dsa_tensor_map map = { .base = VA_HBM + DATA,
				      .strides = { 400 },
				      .dims = { 100, 10 },
				      .box = { 20, 4 },
				      .steps = { 1, 1 },
				      .rank = 2,
				      .type = DSA_TYPE_U32 };
	struct dsa_tensor_op o = {
		.op = op, .coord = { x, 8 }, .global = VA_HBM + OPS + 0x400, .spad = SPAD + 0x1000
	};

	memcpy(p->d->hbm + OPS + 0x400, &map, sizeof(map));
	put_op(p, &o, sizeof(o));
	p->tensor = later(now(p), p->tensor) + hbm_cycles(p, 320);
	p->store_done = p->tensor + 600;
	emit(&p->k, X(DSA_X_TENSOR, DSA_X_TENSOR_START, X0, A1, X0));
	p->want.tensor_ops++;
	p->want.tensor_cycles += hbm_cycles(p, 320);
}

/* The box of 20 x 4 hangs over: 5 x 2 of it are in the tensor. Time is that of the whole box. */
static void bytes_of_boxes(void)
{
	struct dsa_core_config cfg;

	for (unsigned int op = DSA_TENSOR_STORE; op <= DSA_TENSOR_ADD; op++) {
		struct prog p;

		dev_config(&cfg);
		cfg.hbm_mb_per_s = 10000;
		p = prog_new(&cfg, 0, 1);
		put_box(&p, op, 95);
		put_drain(&p);
		p.want.bytes[DSA_BYTES_HBM_WRITTEN] = 40;
		p.want.bytes[DSA_BYTES_HBM_READ] = op == DSA_TENSOR_ADD ? 40 : 0;
		p.want.bytes[DSA_BYTES_SCRATCHPAD_READ] = 40;
		put_end(&p);
		run_and_check(&p, 1);
		dev_free(p.d);
	}
}

/* ---- the matrix unit's pipeline ---- */

/* An operation is fed in when the one before has been; only the last one's latency shows. */
static void operations_overlap(void)
{
	struct dsa_core_config cfg;
	struct prog p;

	dev_config(&cfg);
	cfg.cost.matrix_latency = 5000;
	p = prog_new(&cfg, 0, 1);
	for (unsigned int i = 0; i < 5; i++)
		put_matrix(&p, DSA_TYPE_BF16, DSA_TYPE_BF16, DSA_TYPE_F32, 128, DSA_MACS_F16);
	put_matrix_wait(&p);
	put_end(&p);
	run_and_check(&p, 1);
	CHECK(p.want.stalls[DSA_STALL_MATRIX] > 5000 &&
	      p.want.stalls[DSA_STALL_MATRIX] < 5000 + 5 * 103);
	dev_free(p.d);
}

/* dsa.matrix.arrive: the mbarrier's phase completes with the operations before it, not those behind it. */
static void an_arrival_waits_for_what_is_before_it(void)
{
	struct dsa_core_config cfg;
	uint64_t first;
	struct prog p;

	dev_config(&cfg);
	p = prog_new(&cfg, 0, 1);
	put_matrix(&p, DSA_TYPE_F32, DSA_TYPE_F32, DSA_TYPE_F32, 128, DSA_MACS_F32);
	first = p.matrix_done;
	emit(&p.k, X(DSA_X_MATRIX, DSA_X_MATRIX_ARRIVE, X0, S0, X0));
	put_matrix(&p, DSA_TYPE_F32, DSA_TYPE_F32, DSA_TYPE_F32, 128, DSA_MACS_F32);
	put_mbar_wait(&p, 0, first);
	CHECK(p.want.stalls[DSA_STALL_MBARRIER] > 1000 && now(&p) < p.matrix_done - 1000);
	put_end(&p);
	run_and_check(&p, 1);
	dev_free(p.d);
}

/* With nothing before it, it is an arrival at once. */
static void an_arrival_without_operations(void)
{
	struct dsa_core_config cfg;
	struct prog p;

	dev_config(&cfg);
	p = prog_new(&cfg, 0, 1);
	emit(&p.k, X(DSA_X_MATRIX, DSA_X_MATRIX_ARRIVE, X0, S0, X0));
	put_mbar_wait(&p, 0, 0);
	put_end(&p);
	run_and_check(&p, 1);
	dev_free(p.d);
}

static uint32_t arrival_error(void (*before)(struct prog *p), uint32_t insn)
{
	struct dsa_core_config cfg;
	struct prog p;
	struct cmds c;
	uint32_t code;

	dev_config(&cfg);
	p = prog_new(&cfg, 0, 1);
	before(&p);
	emit(&p.k, insn);
	emit(&p.k, RET);
	c = cmds_at(p.d, CMDS);
	put_launch(&c, 1);
	CHECK(!run_cmds(&c, 0));
	code = err_code(p.d, 0);
	dev_free(p.d);
	return code;
}

static void at_64(struct prog *p)
{
	emit(&p->k, ADDI(S0, S0, 64)); /* no mbarrier there */
}

static void at_8(struct prog *p)
{
	emit(&p->k, ADDI(S0, S0, 8));
}

static void in_memory(struct prog *p)
{
	emit(&p->k, ADDI(S0, A0, 0));
}

static void no_change(struct prog *p)
{
	(void)p;
}

static void arrivals_refused(void)
{
	uint32_t arrive = X(DSA_X_MATRIX, DSA_X_MATRIX_ARRIVE, X0, S0, X0);

	CHECK_EQ(arrival_error(at_64, arrive), DSA_ERR_BARRIER);
	CHECK_EQ(arrival_error(at_8, arrive), DSA_ERR_SCRATCHPAD);
	CHECK_EQ(arrival_error(in_memory, arrive), DSA_ERR_SCRATCHPAD);
	CHECK_EQ(arrival_error(no_change, arrive | T0 << 7), DSA_ERR_ILLEGAL_INSN);
	CHECK_EQ(arrival_error(no_change, arrive | T0 << 20), DSA_ERR_ILLEGAL_INSN);
	CHECK_EQ(arrival_error(no_change, X(DSA_X_MATRIX, 3, X0, S0, X0)), DSA_ERR_ILLEGAL_INSN);
}

/* ---- where they go ---- */

static void sums_over_launches(void)
{
	struct dsa_core_config cfg;
	struct dsa_launch_counters want, one;
	struct prog p;
	struct cmds c;
	uint64_t *w = (uint64_t *)&want;

	dev_config(&cfg);
	p = prog_new(&cfg, 0, 3);
	put_everything(&p);
	memset(sums(&p), 0, sizeof(*sums(&p)));
	c = cmds_at(p.d, CMDS);
	for (unsigned int i = 0; i < 3; i++)
		put_launch(&c, 3)->hdr.flags = DSA_LAUNCH_F_ACCUMULATE;
	CHECK(run_cmds(&c, 0));
	want_launch(&p, 3, 350);
	one = want = p.want;
	for (size_t i = 0; i < sizeof(want) / 8; i++)
		w[i] *= 3;
	want.start_ns = 350;
	want.end_ns = 350 + 3 * one.time_ns + 2 * 50;
	check_counters(sums(&p), &want);
	dev_free(p.d);
}

/* No more is read or written than was asked for. */
static void as_many_bytes_as_asked_for(void)
{
	struct dsa_core_config cfg;

	dev_config(&cfg);
	for (unsigned int flags = 0; flags <= DSA_LAUNCH_F_ACCUMULATE; flags++)
		for (uint32_t bytes = 0; bytes <= sizeof(struct dsa_launch_counters); bytes += 8) {
			struct prog p = prog_new(&cfg, 0, 1);
			struct cmds c = cmds_at(p.d, CMDS);
			struct dsa_cmd_launch *l;
			uint32_t written = bytes ? bytes : DSA_COUNTERS_DEFAULT;

			put_everything(&p);
			memset(sums(&p), 0, 2 * sizeof(*sums(&p)));
			memset((uint8_t *)sums(&p) + written, 0x77, sizeof(*sums(&p)));
			l = put_launch(&c, 1);
			l->counters_bytes = bytes;
			l->hdr.flags = flags;
			CHECK(run_cmds(&c, 0));
			want_launch(&p, 1, 350);
			CHECK(!memcmp(sums(&p), &p.want, written));
			for (size_t i = 0; i < sizeof(*sums(&p)); i++)
				CHECK_EQ(((uint8_t *)sums(&p))[written + i], 0x77);
			dev_free(p.d);
		}
}

static void launch_refused(void (*change)(struct dsa_cmd_launch *l), uint32_t code, uint32_t access)
{
	struct dsa_core_config cfg;
	struct prog p;
	struct cmds c;

	dev_config(&cfg);
	p = prog_new(&cfg, 0, 1);
	put_end(&p);
	c = cmds_at(p.d, CMDS);
	change(put_launch(&c, 1));
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(p.d, 0), code);
	CHECK_EQ(rd32(p.d, DSA_QREG(0, DSA_Q_ERR_ACCESS)), access);
	dev_free(p.d);
}

#define CHANGE(name, what)                         \
	static void name(struct dsa_cmd_launch *l) \
	{                                          \
		what;                              \
	}
CHANGE(c_odd, l->counters_bytes = 36)
CHANGE(c_large, l->counters_bytes = sizeof(struct dsa_launch_counters) + 8)
CHANGE(c_flag, l->hdr.flags = 2)
CHANGE(c_unmapped, l->counters = 0x1000)
CHANGE(c_unmapped_sum, l->counters = 0x1000; l->hdr.flags = DSA_LAUNCH_F_ACCUMULATE)
CHANGE(c_unaligned, l->counters += 4)

static void launches_refused(void)
{
	launch_refused(c_odd, DSA_ERR_BAD_ARGUMENT, DSA_ACCESS_NONE);
	launch_refused(c_large, DSA_ERR_BAD_ARGUMENT, DSA_ACCESS_NONE);
	launch_refused(c_unaligned, DSA_ERR_BAD_ARGUMENT, DSA_ACCESS_NONE);
	launch_refused(c_flag, DSA_ERR_BAD_PACKET, DSA_ACCESS_NONE);
	launch_refused(c_unmapped, DSA_ERR_MMU_UNMAPPED, DSA_ACCESS_WRITE);
	launch_refused(c_unmapped_sum, DSA_ERR_MMU_UNMAPPED, DSA_ACCESS_READ);
}

/* ---- a device that is saved in the middle ---- */

static void put_long(struct prog *p)
{
	put_everything(p);
	p->k.count--;            /* instead of its return: a loop of more than a slice */
	emit(&p->k, 0x000c82b7); /* lui t0, 200 */
	emit(&p->k, ADDI(T0, T0, -1));
	emit(&p->k, BNE(T0, X0, -4));
	emit(&p->k, RET);
}

static void counters_survive_a_restore(void)
{
	struct dsa_launch_counters want = { 0 };
	struct dsa_core_config cfg;
	const char *error;

	dev_config(&cfg);
	cfg.cores = 2;
	for (unsigned int steps = 0; steps < 24; steps++) {
		struct prog p = prog_new(&cfg, 0, 5);
		struct cmds c = cmds_at(p.d, CMDS);
		uint64_t fence;
		size_t size;
		void *state;

		put_long(&p);
		put_launch(&c, 5);
		fence = submit_cmds(&c, 0);
		for (unsigned int i = 0; i < steps; i++)
			dsa_core_run(p.d->core, 0);
		bus_lock(p.d);
		size = dsa_core_save(p.d->core, NULL, 0);
		state = malloc(size);
		CHECK_EQ(dsa_core_save(p.d->core, state, size), size);
		/* All that was counted so far is forgotten, then found in the state. */
		CHECK_EQ(dsa_core_load(p.d->core, state, size, &error), 0);
		bus_unlock(p.d);
		free(state);
		CHECK(wait_fence(p.d, 0, fence));
		if (!steps)
			want = *sums(&p);
		CHECK(want.programs == 5 && want.vector_elements == 5 * 4000);
		check_counters(sums(&p), &want);
		dev_free(p.d);
	}
}

const struct test counters_tests[] = {
	TEST(every_counter),
	TEST(every_cost),
	TEST(costs_of_copies),
	TEST(costs_refused),
	TEST(products_by_type),
	TEST(bytes_by_kind_of_access),
	TEST(bytes_of_boxes),
	TEST(operations_overlap),
	TEST(an_arrival_waits_for_what_is_before_it),
	TEST(an_arrival_without_operations),
	TEST(arrivals_refused),
	TEST(sums_over_launches),
	TEST(as_many_bytes_as_asked_for),
	TEST(launches_refused),
	TEST(counters_survive_a_restore),
	TESTS_END,
};
