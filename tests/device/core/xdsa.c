/* SPDX-License-Identifier: MIT */
/* Xdsa: tensor operations against a slow model of them, mbarriers, their clock, their faults. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "harness.h"

#define CODE 0x300000
#define CMDS 0x310000
#define OPS  0x320000
#define MAPS 0x330000
#define DATA 0x400000 /* 1 MiB: tensors */
#define OUT  0x600000 /* what a program leaves in its scratchpad */

#define SPAD     DSA_SCRATCHPAD_BASE
#define SPAD_BOX 0x1000 /* offset of boxes; the mbarrier is at 0 */

#define X_START(rs1)             r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_START, X0, rs1, X0)
#define X_DRAIN                  r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_DRAIN, X0, X0, X0)
#define X_MBAR(f7, rd, rs1, rs2) r_type(0x2b, DSA_X_MBAR, f7, rd, rs1, rs2)

struct rig {
	struct dev *d;
	struct code k;
	uint64_t ops; /* HBM offset of the next operation */
};

/* An empty program. S0 = scratchpad; A0 = operations. */
static void rig_restart(struct rig *r)
{
	r->k = code_at(r->d, CODE);
	r->ops = OPS;
	emit(&r->k, ADDI(S0, X0, 1));
	emit(&r->k, SLLI(S0, S0, 48));
}

static struct rig rig_new(void)
{
	struct rig r = { .d = dev_new(0), .ops = OPS };

	queue_setup(r.d, 0, 1);
	rig_restart(&r);
	return r;
}

/* Appends the start of an operation to the program. */
static void rig_op(struct rig *r, const struct dsa_tensor_op *op)
{
	memcpy(r->d->hbm + r->ops, op, sizeof(*op));
	emit(&r->k, ADDI(A1, A0, (int32_t)(r->ops - OPS)));
	emit(&r->k, X_START(A1));
	r->ops += sizeof(*op);
}

static void rig_bulk(struct rig *r, unsigned int op, uint64_t global, uint64_t spad, uint64_t bytes)
{
	struct dsa_tensor_op o = {
		.op = op,
		.flags = DSA_TENSOR_BULK,
		.global = global,
		.spad = spad,
		.mbar = op == DSA_TENSOR_LOAD ? SPAD : 0,
		.bytes = bytes,
	};

	rig_op(r, &o);
}

static void rig_mbar_init(struct rig *r)
{
	emit(&r->k, ADDI(T0, X0, 1));
	emit(&r->k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
}

static void rig_mbar_expect(struct rig *r, uint32_t bytes)
{
	emit(&r->k, 0x37 | T1 << 7 | ((bytes + 0x800) & 0xfffff000)); /* lui */
	emit(&r->k, ADDI(T1, T1, (int32_t)(bytes << 20) >> 20));
	emit(&r->k, X_MBAR(DSA_X_MBAR_EXPECT, X0, S0, T1));
}

static void rig_arrive_and_wait(struct rig *r, unsigned int parity)
{
	emit(&r->k, X_MBAR(DSA_X_MBAR_ARRIVE, T2, S0, T0));
	emit(&r->k, ADDI(T1, X0, parity));
	emit(&r->k, X_MBAR(DSA_X_MBAR_WAIT, X0, S0, T1));
}

/* True: it ended well. */
static bool rig_run(struct rig *r)
{
	struct cmds c = cmds_at(r->d, CMDS);
	struct dsa_launch_counters *n = (void *)(r->d->hbm + CMDS + 0x800);

	emit(&r->k, RET);
	memset(n, 0, sizeof(*n));
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + OPS, 1, 1, 1)->counters = VA_HBM + CMDS + 0x800;
	return run_cmds(&c, 0);
}

static uint64_t rig_ns(struct rig *r)
{
	const struct dsa_launch_counters *n = (void *)(r->d->hbm + CMDS + 0x800);

	return n->end_ns - n->start_ns;
}

/* ---- the model ---- */

static const uint8_t type_size[DSA_TYPE_TENSOR_COUNT] = {
	1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, 1, 1
};
static const uint64_t type_nan[DSA_TYPE_TENSOR_COUNT] = {
	[DSA_TYPE_F16] = 0x7e00,     [DSA_TYPE_BF16] = 0x7fc0,
	[DSA_TYPE_F32] = 0x7fc00000, [DSA_TYPE_F64] = 0x7ff8000000000000,
	[DSA_TYPE_F8E4M3] = 0x7f,    [DSA_TYPE_F8E5M2] = 0x7e,
};

static uint64_t box_elems(const struct dsa_tensor_map *m)
{
	uint64_t n = 1;

	for (unsigned int d = 0; d < m->rank; d++)
		n *= m->box[d];
	return n;
}

/* Element number @n of the box: its byte offset from base, or -1 outside the tensor. */
static int64_t model_at(const struct dsa_tensor_map *m, const int32_t *coord, uint64_t n)
{
	int64_t at = 0;

	for (unsigned int d = 0; d < m->rank; d++) {
		int64_t i = coord[d] + (int64_t)(n % m->box[d]) * m->steps[d];

		n /= m->box[d];
		if (i < 0 || i >= m->dims[d])
			return -1;
		at += i * (d ? (int64_t)m->strides[d - 1] : type_size[m->type]);
	}
	return at;
}

/* Byte @i of the box in the scratchpad, from the header's words on swizzling. */
static uint64_t model_swizzle(const struct dsa_tensor_map *m, uint64_t i)
{
	static const unsigned int bits[] = { 0, 1, 2, 3 };

	for (unsigned int b = 0; b < bits[m->swizzle]; b++)
		if (i >> (7 + b) & 1)
			i ^= 1ull << (4 + b);
	return i;
}

static void random_map(struct dsa_tensor_map *m, int32_t *coord, uint64_t *seed)
{
	unsigned int size;
	uint64_t span, bytes;

	memset(m, 0, sizeof(*m));
	memset(coord, 0, DSA_TENSOR_RANK * sizeof(*coord));
	m->base = VA_HBM + DATA;
	m->rank = 1 + rnd(seed) % DSA_TENSOR_RANK;
	m->type = rnd(seed) % DSA_TYPE_TENSOR_COUNT;
	m->swizzle = rnd(seed) % 4;
	m->fill = type_nan[m->type] && rnd(seed) % 2;
	size = type_size[m->type];
	m->base += rnd(seed) % 8 * size;
	span = size;
	bytes = size;
	for (unsigned int d = 0; d < m->rank; d++) {
		unsigned int most = d ? 8 : 200;

		m->dims[d] = 1 + rnd(seed) % most;
		m->steps[d] = rnd(seed) % 3 ? 1 : 1 + rnd(seed) % 3;
		m->box[d] = 1 + rnd(seed) % most;
		while (bytes * m->box[d] > 16384)
			m->box[d] = (m->box[d] + 1) / 2;
		bytes *= m->box[d];
		if (d)
			m->strides[d - 1] = (span + rnd(seed) % 5 * size);
		span = d ? m->strides[d - 1] * m->dims[d] : span * m->dims[d];
		if (span > 100000)
			m->dims[d] = 1;
		coord[d] = (int32_t)(rnd(seed) % (2 * most)) - (int32_t)most / 2;
	}
}

static struct dsa_tensor_op box_op(struct rig *r, unsigned int op, const struct dsa_tensor_map *m,
				   const int32_t *coord)
{
	struct dsa_tensor_op o = {
		.op = op,
		.global = VA_HBM + MAPS,
		.spad = SPAD + SPAD_BOX,
		.mbar = op == DSA_TENSOR_LOAD ? SPAD : 0,
	};

	memcpy(o.coord, coord, sizeof(o.coord));
	memcpy(r->d->hbm + MAPS, m, sizeof(*m));
	return o;
}

static void random_bytes(uint8_t *p, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rnd(seed);
}

#define DATA_BYTES (1u << 20)
#define BOX_ROOM   (32u << 10)

static void check_load(struct rig *r, const struct dsa_tensor_map *m, const int32_t *coord)
{
	unsigned int size = type_size[m->type];
	const uint8_t *got = r->d->hbm + OUT, *base = r->d->hbm + (m->base - VA_HBM);
	uint64_t fill = m->fill ? type_nan[m->type] : 0;

	for (uint64_t n = 0; n < box_elems(m); n++) {
		int64_t at = model_at(m, coord, n);
		const void *want = at < 0 ? (const void *)&fill : base + at;

		if (memcmp(got + model_swizzle(m, n * size), want, size))
			check_failed(__FILE__, __LINE__,
				     "element %llu of a box of rank %u, type %u",
				     (unsigned long long)n, m->rank, m->type);
	}
}

static void random_loads(void)
{
	struct rig r = rig_new();
	uint64_t seed = 11;

	random_bytes(r.d->hbm + DATA, DATA_BYTES, &seed);
	for (int i = 0; i < 300 && !test_failed; i++) {
		struct dsa_tensor_map m;
		int32_t coord[DSA_TENSOR_RANK];
		struct dsa_tensor_op o;

		random_map(&m, coord, &seed);
		o = box_op(&r, DSA_TENSOR_LOAD, &m, coord);
		rig_restart(&r);
		rig_mbar_init(&r);
		rig_mbar_expect(&r, (uint32_t)(box_elems(&m) * type_size[m.type]));
		rig_op(&r, &o);
		rig_arrive_and_wait(&r, 0);
		rig_bulk(&r, DSA_TENSOR_STORE, VA_HBM + OUT, SPAD + SPAD_BOX, BOX_ROOM);
		CHECK(rig_run(&r));
		check_load(&r, &m, coord);
	}
	dev_free(r.d);
}

/* What a store leaves in memory: the model applied to a copy of it. */
static void model_store(uint8_t *mem, const uint8_t *box, const struct dsa_tensor_map *m,
			const int32_t *coord)
{
	unsigned int size = type_size[m->type];

	for (uint64_t n = 0; n < box_elems(m); n++) {
		int64_t at = model_at(m, coord, n);

		if (at >= 0)
			memcpy(mem + (m->base - VA_HBM - DATA) + at,
			       box + model_swizzle(m, n * size), size);
	}
}

static void random_stores(void)
{
	struct rig r = rig_new();
	uint8_t *want = malloc(DATA_BYTES);
	uint64_t seed = 12;

	random_bytes(r.d->hbm + DATA, DATA_BYTES, &seed);
	random_bytes(r.d->hbm + OUT, BOX_ROOM, &seed);
	for (int i = 0; i < 300 && !test_failed; i++) {
		struct dsa_tensor_map m;
		int32_t coord[DSA_TENSOR_RANK];
		struct dsa_tensor_op o;

		random_map(&m, coord, &seed);
		m.fill = DSA_FILL_ZERO;
		o = box_op(&r, DSA_TENSOR_STORE, &m, coord);
		memcpy(want, r.d->hbm + DATA, DATA_BYTES);
		model_store(want, r.d->hbm + OUT, &m, coord);
		rig_restart(&r);
		rig_mbar_init(&r);
		rig_mbar_expect(&r, BOX_ROOM);
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + SPAD_BOX, BOX_ROOM);
		rig_arrive_and_wait(&r, 0);
		rig_op(&r, &o);
		emit(&r.k, X_DRAIN);
		CHECK(rig_run(&r));
		CHECK(!memcmp(want, r.d->hbm + DATA, DATA_BYTES));
	}
	free(want);
	dev_free(r.d);
}

/* ---- reductions ---- */

static uint64_t model_reduce_int(unsigned int op, uint64_t a, uint64_t b, unsigned int type)
{
	unsigned int shift = 64 - 8 * type_size[type];
	int64_t sa = (int64_t)(a << shift) >> shift, sb = (int64_t)(b << shift) >> shift;

	if (op == DSA_TENSOR_ADD)
		return a + b;
	if (type & 1)
		return (uint64_t)(op == DSA_TENSOR_MIN ? (sa < sb ? sa : sb) : (sa > sb ? sa : sb));
	return op == DSA_TENSOR_MIN ? (a < b ? a : b) : (a > b ? a : b);
}

static void reduce_one_type(struct rig *r, unsigned int type, unsigned int op, uint64_t *seed)
{
	unsigned int size = type_size[type];
	struct dsa_tensor_map m = {
		.base = VA_HBM + DATA,
		.rank = 1,
		.type = type,
		.dims = { 100 },
		.box = { 120 },
		.steps = { 1 },
	};
	const int32_t coord[DSA_TENSOR_RANK] = { -5 };
	struct dsa_tensor_op o = box_op(r, op, &m, coord);
	uint8_t before[100 * 8];

	random_bytes(r->d->hbm + DATA, sizeof(before), seed);
	random_bytes(r->d->hbm + OUT, 120 * 8, seed);
	memcpy(before, r->d->hbm + DATA, sizeof(before));
	rig_restart(r);
	rig_mbar_init(r);
	rig_mbar_expect(r, 960);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + SPAD_BOX, 960);
	rig_arrive_and_wait(r, 0);
	rig_op(r, &o);
	CHECK(rig_run(r));
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t a = 0, b = 0, got = 0, want;

		memcpy(&a, before + i * size, size);
		memcpy(&b, r->d->hbm + OUT + (i + 5) * size, size);
		memcpy(&got, r->d->hbm + DATA + i * size, size);
		want = model_reduce_int(op, a, b, type) << (64 - 8 * size) >> (64 - 8 * size);
		CHECK_EQ(got, want);
	}
}

static void reduce_integers(void)
{
	struct rig r = rig_new();
	uint64_t seed = 13;

	for (unsigned int type = DSA_TYPE_U8; type <= DSA_TYPE_I64; type++)
		for (unsigned int op = DSA_TENSOR_ADD; op <= DSA_TENSOR_MAX; op++)
			reduce_one_type(&r, type, op, &seed);
	dev_free(r.d);
}

static void reduce_floats(void)
{
	static const float a[8] = { 1.5f, -0.0f, NAN, 3e38f, 1e-45f, INFINITY, -2, 0.0f };
	static const float b[8] = { 2.25f, 0.0f, 1, 3e38f, 1e-45f, -INFINITY, NAN, -0.0f };
	static const uint32_t want[3][8] = {
		{ 0x40700000, 0, 0x7fc00000, 0x7f800000, 2, 0x7fc00000, 0x7fc00000, 0 },
		{ 0x3fc00000, 0x80000000, 0x3f800000, 0x7f61b1e6, 1, 0xff800000, 0xc0000000,
		  0x80000000 },
		{ 0x40100000, 0, 0x3f800000, 0x7f61b1e6, 1, 0x7f800000, 0xc0000000, 0 },
	};
	struct rig r = rig_new();

	for (unsigned int op = 0; op < 3; op++) {
		struct dsa_tensor_map m = {
			.base = VA_RAM + 0x400000, /* system memory, for a change */
			.rank = 1,
			.type = DSA_TYPE_F32,
			.dims = { 8 },
			.box = { 8 },
			.steps = { 1 },
		};
		const int32_t coord[DSA_TENSOR_RANK] = { 0 };
		struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_ADD + op, &m, coord);

		memcpy(r.d->ram + 0x400000, a, sizeof(a));
		memcpy(r.d->hbm + OUT, b, sizeof(b));
		rig_restart(&r);
		rig_mbar_init(&r);
		rig_mbar_expect(&r, 32);
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + SPAD_BOX, 32);
		rig_arrive_and_wait(&r, 0);
		rig_op(&r, &o);
		CHECK(rig_run(&r));
		CHECK_EQ(err_code(r.d, 0), 0);
		for (unsigned int i = 0; i < 8; i++) {
			uint32_t got;

			memcpy(&got, r.d->ram + 0x400000 + 4 * i, 4);
			CHECK_EQ(got, want[op][i]);
		}
	}
	dev_free(r.d);
}

/* ---- mbarriers ---- */

/* Phases, tokens, test before and after. */
static void phases(void)
{
	struct rig r = rig_new();
	uint64_t *out = (uint64_t *)(r.d->hbm + OPS);

	emit(&r.k, ADDI(T0, X0, 2));
	emit(&r.k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
	emit(&r.k, ADDI(T0, X0, 1));
	for (unsigned int i = 0; i < 4; i++) {
		emit(&r.k, X_MBAR(DSA_X_MBAR_ARRIVE, T2, S0, T0));
		emit(&r.k, SD(T2, A0, 24 * i));
		emit(&r.k, X_MBAR(DSA_X_MBAR_TEST, T2, S0, X0));
		emit(&r.k, SD(T2, A0, 24 * i + 8));
		emit(&r.k, X_MBAR(DSA_X_MBAR_TEST, T2, S0, T0));
		emit(&r.k, SD(T2, A0, 24 * i + 16));
	}
	CHECK(rig_run(&r));
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(out[3 * i], i / 2);
		CHECK_EQ(out[3 * i + 1], i == 1 || i == 2);
		CHECK_EQ(out[3 * i + 2], !(i == 1 || i == 2));
	}
	dev_free(r.d);
}

/* A load takes its time, which only waiting for it shows. */
static void load_takes_time(void)
{
	uint64_t ns[3];

	for (unsigned int wait = 0; wait < 3; wait++) {
		struct rig r = rig_new();

		rig_mbar_init(&r);
		rig_mbar_expect(&r, 0x10000);
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + DATA, SPAD + SPAD_BOX, 0x8000);
		if (wait == 2)
			emit(&r.k, ADDI(T1, X0, 0));
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + DATA, SPAD + SPAD_BOX, 0x8000);
		if (wait)
			rig_arrive_and_wait(&r, 0);
		CHECK(rig_run(&r));
		ns[wait] = rig_ns(&r);
		dev_free(r.d);
	}
	/* 65536 bytes of 3350 a ns, and 600 cycles of 1500 MHz */
	CHECK(ns[1] > ns[0] + 400 && ns[1] < ns[0] + 460);
	CHECK(ns[2] >= ns[1] && ns[2] <= ns[1] + 1);
}

/* ---- the matrix unit ---- */

#define X_MATRIX(f7, rs1) r_type(0x2b, DSA_X_MATRIX, f7, X0, rs1, X0)

#define TILE_A 0x10000
#define TILE_B 0x20000
#define TILE_D 0x30000

static float bf16(uint16_t v)
{
	uint32_t bits = (uint32_t)v << 16;
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static struct dsa_matrix_op bf16_op(unsigned int m, unsigned int n, unsigned int k)
{
	return (struct dsa_matrix_op){
		.a = { .addr = SPAD + TILE_A, .pitch = 2 * k, .type = DSA_TYPE_BF16 },
		.b = { .addr = SPAD + TILE_B, .pitch = 2 * n, .type = DSA_TYPE_BF16 },
		.d = { .addr = SPAD + TILE_D, .pitch = 4 * n, .type = DSA_TYPE_F32 },
		.m = m,
		.n = n,
		.k = k,
		.scale = 1,
	};
}

/* Loads A and B from DATA, multiplies, stores D to OUT. */
static bool run_matrix(struct rig *r, const struct dsa_matrix_op *op, bool wait)
{
	rig_restart(r);
	rig_mbar_init(r);
	rig_mbar_expect(r, 0x20000);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + DATA, SPAD + TILE_A, 0x20000);
	rig_arrive_and_wait(r, 0);
	memcpy(r->d->hbm + r->ops, op, sizeof(*op));
	emit(&r->k, ADDI(A1, A0, (int32_t)(r->ops - OPS)));
	emit(&r->k, X_MATRIX(DSA_X_MATRIX_START, A1));
	r->ops += 160;
	if (wait)
		emit(&r->k, X_MATRIX(DSA_X_MATRIX_WAIT, X0));
	rig_bulk(r, DSA_TENSOR_STORE, VA_HBM + OUT, SPAD + TILE_D, 0x10000);
	return rig_run(r);
}

/* Sums in order of k, one fused multiply-add each: docs/numerics.md. */
static void products(void)
{
	enum { M = 37, N = 50, K = 61 };
	struct rig r = rig_new();
	struct dsa_matrix_op op = bf16_op(M, N, K);
	const uint16_t *a = (void *)(r.d->hbm + DATA), *b = (void *)(r.d->hbm + DATA + 0x10000);
	uint16_t *v = (void *)(r.d->hbm + DATA);
	uint64_t seed = 15;

	for (unsigned int i = 0; i < 0x10000; i++)
		v[i] = (uint16_t)(rnd(&seed) & 0xbfff); /* no infinities, no NaNs */
	CHECK(run_matrix(&r, &op, true));
	for (unsigned int i = 0; i < M; i++)
		for (unsigned int j = 0; j < N; j++) {
			float sum = 0, got;

			for (unsigned int k = 0; k < K; k++)
				sum = fmaf(bf16(a[i * K + k]), bf16(b[k * N + j]), sum);
			memcpy(&got, r.d->hbm + OUT + 4 * (i * N + j), 4);
			CHECK(got == sum);
		}
	dev_free(r.d);
}

/* 128^3 products of BF16 at 20608 a cycle, 32 cycles before: on the clock whether waited for or not. */
static void matrix_takes_time(void)
{
	uint64_t ns[3];

	for (unsigned int i = 0; i < 3; i++) {
		struct rig r = rig_new();
		struct dsa_matrix_op op = bf16_op(128, 128, i ? 128 : 1);

		CHECK(run_matrix(&r, &op, i == 2));
		ns[i] = rig_ns(&r);
		dev_free(r.d);
	}
	CHECK(ns[2] > ns[0]);
	/* Without waiting it runs beside the store, which takes longer. */
	CHECK(ns[1] < ns[2]);
	CHECK(ns[2] - ns[1] >= (32 + 102) * 2 / 3 - 8 && ns[2] - ns[1] <= (32 + 102) * 2 / 3 + 8);
}

static void matrix_refused(void (*change)(struct dsa_matrix_op *op), uint32_t code)
{
	struct rig r = rig_new();
	struct dsa_matrix_op op = bf16_op(16, 16, 16);

	change(&op);
	CHECK(!run_matrix(&r, &op, true));
	if (err_code(r.d, 0) != code)
		check_failed(__FILE__, __LINE__, "error %u, not %u", err_code(r.d, 0), code);
	dev_free(r.d);
}

#define CHANGE(name, what)                         \
	static void name(struct dsa_matrix_op *op) \
	{                                          \
		what;                              \
	}
CHANGE(m_zero, op->m = 0)
CHANGE(m_large, op->k = DSA_MATRIX_MAX + 1)
CHANGE(m_flag, op->flags = 4)
CHANGE(m_seed, op->seed = 1)
CHANGE(m_reserved, op->b.reserved[2] = 1)
CHANGE(m_tile_flag, op->a.flags = 2)
CHANGE(m_no_c, op->c.pitch = 4)
CHANGE(m_type, op->a.type = DSA_TYPE_U16)
CHANGE(m_type_range, op->a.type = 200)
CHANGE(m_types, op->b.type = DSA_TYPE_I8)
CHANGE(m_type_d, op->d.type = DSA_TYPE_MXF8E4M3)
CHANGE(m_scales, op->a.type = DSA_TYPE_MXF8E4M3)
CHANGE(m_overlap, op->d.pitch = 4)
CHANGE(m_outside, op->a.addr = SPAD + (2u << 20) - 256)
CHANGE(m_pitch, op->b.pitch = 0xffffffff)
CHANGE(m_unaligned, op->d.addr += 4)
CHANGE(m_memory, op->a.addr = VA_HBM + DATA)

static void matrix_refusals(void)
{
	matrix_refused(m_zero, DSA_ERR_MATRIX_OP);
	matrix_refused(m_large, DSA_ERR_MATRIX_OP);
	matrix_refused(m_flag, DSA_ERR_MATRIX_OP);
	matrix_refused(m_seed, DSA_ERR_MATRIX_OP);
	matrix_refused(m_reserved, DSA_ERR_MATRIX_OP);
	matrix_refused(m_tile_flag, DSA_ERR_MATRIX_OP);
	matrix_refused(m_no_c, DSA_ERR_MATRIX_OP);
	matrix_refused(m_type, DSA_ERR_MATRIX_OP);
	matrix_refused(m_type_range, DSA_ERR_MATRIX_OP);
	matrix_refused(m_types, DSA_ERR_MATRIX_OP);
	matrix_refused(m_type_d, DSA_ERR_MATRIX_OP);
	matrix_refused(m_scales, DSA_ERR_MATRIX_OP);
	matrix_refused(m_overlap, DSA_ERR_MATRIX_OP);
	matrix_refused(m_outside, DSA_ERR_SCRATCHPAD);
	matrix_refused(m_pitch, DSA_ERR_SCRATCHPAD);
	matrix_refused(m_unaligned, DSA_ERR_SCRATCHPAD);
	matrix_refused(m_memory, DSA_ERR_SCRATCHPAD);
}

/* ---- faults ---- */

struct refusal {
	void (*change)(struct dsa_tensor_op *op, struct dsa_tensor_map *m);
	uint32_t code;
};

static void c_rank0(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->rank = 0;
}
static void c_rank6(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->rank = 6;
}
static void c_type(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->type = DSA_TYPE_TENSOR_COUNT;
}
static void c_fill(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->fill = 1;
}
static void c_fill2(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->fill = 2;
}
static void c_swizzle(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->swizzle = 4;
}
static void c_base(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->base += 2;
}
static void c_dim(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->dims[1] = 0;
}
static void c_dim2(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->dims[2] = 1;
}
static void c_box(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->box[0] = 0;
}
static void c_step(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->steps[1] = 0;
}
static void c_stride(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->strides[0] = 6;
}
static void c_extent(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->strides[0] = 1ull << 63;
}
static void c_reserved(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->reserved[4] = 1;
}
static void c_op(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->op = 6;
}
static void c_flags(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->flags = 2;
}
static void c_bytes(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->bytes = 16;
}
static void c_coord(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->coord[2] = 1;
}
static void c_bulk_odd(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->flags = DSA_TENSOR_BULK;
	op->bytes = 8;
}
static void c_bulk_add(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->op = DSA_TENSOR_ADD;
	op->mbar = 0;
	op->flags = DSA_TENSOR_BULK;
	op->bytes = 16;
}
static void c_store_mbar(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->op = DSA_TENSOR_STORE;
}
static void c_mbar(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->mbar = 0;
}
static void c_mbar2(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->mbar += 64;
}
static void c_spad(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->spad += 8;
}
static void c_spad_end(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->spad = SPAD + (2u << 20) - 16;
}
static void c_spad_not(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->spad = VA_HBM + DATA;
}
static void c_huge(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->box[0] = m->box[1] = 65535;
}
static void c_huge_prefetch(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	c_huge(op, m);
	op->op = DSA_TENSOR_PREFETCH;
	op->mbar = 0;
}
static void c_unmapped(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)op;
	m->base = 0x1000;
}
static void c_map_unaligned(struct dsa_tensor_op *op, struct dsa_tensor_map *m)
{
	(void)m;
	op->global += 4;
}

static void refusals(void)
{
	static const struct refusal list[] = {
		{ c_rank0, DSA_ERR_TENSOR_MAP },      { c_rank6, DSA_ERR_TENSOR_MAP },
		{ c_type, DSA_ERR_TENSOR_MAP },       { c_fill, DSA_ERR_TENSOR_MAP },
		{ c_fill2, DSA_ERR_TENSOR_MAP },      { c_swizzle, DSA_ERR_TENSOR_MAP },
		{ c_base, DSA_ERR_TENSOR_MAP },       { c_dim, DSA_ERR_TENSOR_MAP },
		{ c_dim2, DSA_ERR_TENSOR_MAP },       { c_box, DSA_ERR_TENSOR_MAP },
		{ c_step, DSA_ERR_TENSOR_MAP },       { c_stride, DSA_ERR_TENSOR_MAP },
		{ c_extent, DSA_ERR_TENSOR_MAP },     { c_reserved, DSA_ERR_TENSOR_MAP },
		{ c_op, DSA_ERR_TENSOR_OP },          { c_flags, DSA_ERR_TENSOR_OP },
		{ c_bytes, DSA_ERR_TENSOR_OP },       { c_coord, DSA_ERR_TENSOR_OP },
		{ c_bulk_odd, DSA_ERR_TENSOR_OP },    { c_bulk_add, DSA_ERR_TENSOR_OP },
		{ c_store_mbar, DSA_ERR_TENSOR_OP },  { c_mbar, DSA_ERR_SCRATCHPAD },
		{ c_mbar2, DSA_ERR_BARRIER },         { c_spad, DSA_ERR_SCRATCHPAD },
		{ c_spad_end, DSA_ERR_SCRATCHPAD },   { c_spad_not, DSA_ERR_SCRATCHPAD },
		{ c_huge, DSA_ERR_SCRATCHPAD },       { c_huge_prefetch, DSA_ERR_SCRATCHPAD },
		{ c_unmapped, DSA_ERR_MMU_UNMAPPED }, { c_map_unaligned, DSA_ERR_MISALIGNED },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]) && !test_failed; i++) {
		struct rig r = rig_new();
		struct dsa_tensor_map m = {
			.base = VA_HBM + DATA,
			.rank = 2,
			.type = DSA_TYPE_I32,
			.dims = { 16, 16 },
			.strides = { 64 },
			.box = { 8, 8 },
			.steps = { 1, 1 },
		};
		const int32_t coord[DSA_TENSOR_RANK] = { 0 };
		struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_LOAD, &m, coord);

		list[i].change(&o, &m);
		memcpy(r.d->hbm + MAPS, &m, sizeof(m));
		rig_mbar_init(&r);
		rig_op(&r, &o);
		CHECK(!rig_run(&r));
		if (err_code(r.d, 0) != list[i].code)
			check_failed(__FILE__, __LINE__, "case %zu: error %u, not %u", i,
				     err_code(r.d, 0), list[i].code);
		/* The start is the program's instruction 5. */
		CHECK_EQ(rd64(r.d, DSA_QREG(0, DSA_Q_ERR_PC)), VA_HBM + CODE + 5 * 4);
		dev_free(r.d);
	}
}

static void barrier_fault(uint32_t f7, uint64_t value, uint32_t code)
{
	struct rig r = rig_new();

	rig_mbar_init(&r);
	emit(&r.k, ADDI(T1, X0, (int32_t)value));
	emit(&r.k, X_MBAR(f7, X0, S0, T1));
	CHECK(!rig_run(&r));
	CHECK_EQ(err_code(r.d, 0), code);
	CHECK_EQ(rd64(r.d, DSA_QREG(0, DSA_Q_ERR_ADDR)), SPAD);
	dev_free(r.d);
}

static void barrier_faults(void)
{
	barrier_fault(DSA_X_MBAR_INIT, 0, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_INIT, (uint64_t)-1, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_ARRIVE, 2, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_ARRIVE, 0, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_EXPECT, 0, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_EXPECT, (uint64_t)-1, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_WAIT, 0, DSA_ERR_DEADLOCK);
}

/* Anything may stand where an mbarrier should. */
static void forged_barriers(void)
{
	uint64_t seed = 14;

	for (int i = 0; i < 200 && !test_failed; i++) {
		struct rig r = rig_new();
		struct dsa_mbarrier *b = (void *)(r.d->hbm + OUT);

		random_bytes((void *)b, sizeof(*b), &seed);
		b->magic = DSA_MBARRIER_MAGIC;
		if (i % 2) {
			b->arrivals = 1 + rnd(&seed) % 3;
			b->pending = rnd(&seed) % 3;
			b->bytes = (int64_t)(rnd(&seed) % 64) - 32;
		}
		rig_mbar_init(&r);
		rig_mbar_expect(&r, 64);
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + 64, 64);
		emit(&r.k, ADDI(S0, S0, 64));
		rig_arrive_and_wait(&r, i / 2 % 2);
		if (!rig_run(&r))
			CHECK(err_code(r.d, 0) == DSA_ERR_BARRIER ||
			      err_code(r.d, 0) == DSA_ERR_DEADLOCK);
		dev_free(r.d);
	}
}

/* ---- vectors on the clock ---- */

#define VSETVLI_E32(lmul) (0x57u | T0 << 7 | 7 << 12 | X0 << 15 | (0xd0 | (lmul)) << 20)
#define VLE32(rs1)        (0x07u | 8 << 7 | 6 << 12 | (rs1) << 15 | 1 << 25)
#define VADD              (0x57u | 8 << 7 | 8 << 15 | 8 << 20 | 1 << 25)

/* 1024 turns of an instruction on registers in groups of 1 << lmul; ns. */
static uint64_t vector_loop(uint32_t insn, unsigned int lmul)
{
	struct rig r = rig_new();
	uint64_t ns;

	emit(&r.k, VSETVLI_E32(lmul));
	emit(&r.k, ADDI(T1, X0, 1024));
	emit(&r.k, insn);
	emit(&r.k, ADDI(T1, T1, -1));
	emit(&r.k, BNE(T1, X0, -8));
	CHECK(rig_run(&r));
	ns = rig_ns(&r);
	dev_free(r.d);
	return ns;
}

/* Groups take a cycle a register; HBM takes its bandwidth: 1024 * 512 bytes of 3350 a ns. */
static void vectors_take_time(void)
{
	uint64_t one = vector_loop(VADD, 0), eight = vector_loop(VADD, 3);
	uint64_t spad = vector_loop(VLE32(S0), 0), hbm = vector_loop(VLE32(A0), 0);

	CHECK(eight - one >= 1024 * 7 * 2 / 3 && eight - one <= 1024 * 7 * 2 / 3 + 1);
	CHECK_EQ(spad, one);
	CHECK(hbm - spad >= 155 && hbm - spad <= 158);
}

/* ---- anything at all ---- */

/* A field: mostly small, now and then anything. */
static uint64_t wild(uint64_t *seed, uint64_t most)
{
	uint64_t v = rnd(seed);

	return v % 8 ? (v >> 8) % (most + 1) : rnd(seed);
}

static uint64_t wild_address(uint64_t *seed)
{
	unsigned int where = rnd(seed) % 4, shift = where < 2 ? 0 : rnd(seed) % 12;
	uint64_t off = where < 2 ? wild(seed, 0xffff) & ~15ull : wild(seed, 0x3ff) << shift;

	return off + (where == 0 ? VA_HBM + DATA : where == 1 ? VA_RAM + 0x400000 : SPAD);
}

static void wild_tensor(struct rig *r, uint64_t *seed)
{
	struct dsa_tensor_map m = { .base = wild_address(seed) };
	struct dsa_tensor_op o = { .global = VA_HBM + MAPS };

	o.op = wild(seed, DSA_TENSOR_PREFETCH);
	o.flags = rnd(seed) % 4 == 0;
	o.spad = wild_address(seed);
	o.mbar = !o.op == !!(rnd(seed) % 8) ? SPAD : 0;
	m.rank = wild(seed, 5);
	m.type = wild(seed, DSA_TYPE_TENSOR_COUNT);
	m.swizzle = wild(seed, 3);
	m.fill = wild(seed, 1);
	for (unsigned int d = 0; d < DSA_TENSOR_RANK && d < m.rank; d++) {
		m.dims[d] = wild(seed, 100);
		m.box[d] = wild(seed, 30);
		m.steps[d] = wild(seed, 3);
		o.coord[d] = (int32_t)wild(seed, 50) - 20;
		if (d)
			m.strides[d - 1] = wild(seed, 500) * 8;
	}
	if (o.flags & DSA_TENSOR_BULK) {
		o.global = m.base;
		o.bytes = wild(seed, 0x1000) & ~15ull;
		memset(o.coord, 0, sizeof(o.coord));
	}
	memcpy(r->d->hbm + MAPS, &m, sizeof(m));
	rig_op(r, &o);
}

/* One draw a statement: the order of initialisers is the compiler's. */
static struct dsa_matrix_tile wild_tile(uint64_t *seed)
{
	struct dsa_matrix_tile t = { .addr = SPAD + (wild(seed, 0xfff) << 8) };

	t.pitch = wild(seed, 2048);
	t.type = wild(seed, DSA_TYPE_COUNT);
	t.flags = rnd(seed) % 2;
	return t;
}

static void wild_matrix(struct rig *r, uint64_t *seed)
{
	struct dsa_matrix_op o = { .scale = 1 };

	o.a = wild_tile(seed);
	o.b = wild_tile(seed);
	o.c = wild_tile(seed);
	o.d = wild_tile(seed);
	o.m = wild(seed, 40);
	o.n = wild(seed, 40);
	o.k = wild(seed, 40);
	o.flags = rnd(seed) % 4;
	if (rnd(seed) % 2)
		memset(&o.c, 0, sizeof(o.c));
	if (rnd(seed) % 4) {
		o.b.type = o.a.type;
		o.d.type = DSA_TYPE_F32;
	}
	if (rnd(seed) % 2) {
		o.a.scales = SPAD + wild(seed, 0x10000);
		o.a.scale_pitch = 1 + wild(seed, 16);
	}
	memcpy(r->d->hbm + r->ops, &o, sizeof(o));
	emit(&r->k, ADDI(A1, A0, (int32_t)(r->ops - OPS)));
	emit(&r->k, X_MATRIX(DSA_X_MATRIX_START, A1));
	r->ops += 192;
}

/* Whatever a program asks for, it ends, well or with an error, and nothing else is touched. */
static void wild_operations(void)
{
	unsigned int well = 0;
	uint64_t seed = 16;

	for (int i = 0; i < 1500 && !test_failed; i++) {
		struct rig r = rig_new();
		bool ok;

		memset(r.d->hbm + 0x2000000, 0x5a, 0x10000);
		rig_mbar_init(&r);
		if (i % 2)
			wild_tensor(&r, &seed);
		else
			wild_matrix(&r, &seed);
		ok = rig_run(&r);
		well += ok;
		CHECK(ok == !err_code(r.d, 0));
		for (unsigned int b = 0; b < 0x10000; b += 977)
			CHECK_EQ(r.d->hbm[0x2000000 + b], 0x5a);
		dev_free(r.d);
	}
	printf("# %u ended well\n", well);
	CHECK(well > 5);
}

const struct test xdsa_tests[] = { TEST(random_loads),
				   TEST(random_stores),
				   TEST(reduce_integers),
				   TEST(reduce_floats),
				   TEST(phases),
				   TEST(load_takes_time),
				   TEST(refusals),
				   TEST(barrier_faults),
				   TEST(forged_barriers),
				   TEST(products),
				   TEST(matrix_takes_time),
				   TEST(matrix_refusals),
				   TEST(vectors_take_time),
				   TEST(wild_operations),
				   TESTS_END };
