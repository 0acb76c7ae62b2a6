/* SPDX-License-Identifier: MIT */
/* Tensor operations against a slow model of them, and what they refuse. */
#include <math.h>
#include <stdlib.h>

#include "tensor_model.h"

/* ---- boxes ---- */

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
		CHECK(run_load(&r, &o, box_elems(&m) * type_size[m.type]));
		check_load(&r, &m, model_box(&m, coord), box_elems(&m));
	}
	dev_free(r.d);
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
		model_store(want + (m.base - VA_HBM - DATA), r.d->hbm + OUT, &m,
			    model_box(&m, coord), box_elems(&m));
		CHECK(run_store(&r, &o));
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

/* ---- refusals ---- */

CHANGE(rank0, m->rank = 0)
CHANGE(rank6, m->rank = 6)
CHANGE(type, m->type = DSA_TYPE_TENSOR_COUNT)
CHANGE(fill, m->fill = 1)
CHANGE(fill2, m->fill = 2)
CHANGE(swizzle, m->swizzle = 4)
CHANGE(base, m->base += 2)
CHANGE(dim, m->dims[1] = 0)
CHANGE(dim2, m->dims[2] = 1)
CHANGE(box, m->box[0] = 0)
CHANGE(step, m->steps[1] = 0)
CHANGE(stride, m->strides[0] = 6)
CHANGE(extent, m->strides[0] = 1ull << 63)
CHANGE(reserved, m->reserved[2] = 1)
CHANGE(op, op->op = 6)
CHANGE(flags, op->flags = 2)
CHANGE(bytes, op->bytes = 16)
CHANGE(coord, op->coord[2] = 1)
CHANGE(bulk_odd, (op->flags = DSA_TENSOR_BULK, op->bytes = 8))
CHANGE(bulk_add,
       (op->op = DSA_TENSOR_ADD, op->mbar = 0, op->flags = DSA_TENSOR_BULK, op->bytes = 16))
CHANGE(store_mbar, op->op = DSA_TENSOR_STORE)
CHANGE(mbar, op->mbar = 0)
CHANGE(mbar2, op->mbar += 64)
CHANGE(spad, op->spad += 8)
CHANGE(spad_end, op->spad = SPAD + (2u << 20) - 16)
CHANGE(spad_not, op->spad = VA_HBM + DATA)
CHANGE(huge, m->box[0] = m->box[1] = 65535)
CHANGE(huge_prefetch, (huge(op, m), op->op = DSA_TENSOR_PREFETCH, op->mbar = 0))
CHANGE(unmapped, m->base = 0x1000)
CHANGE(map_unaligned, op->global += 4)

static void refusals(void)
{
	static const struct refusal list[] = {
		{ rank0, DSA_ERR_TENSOR_MAP },      { rank6, DSA_ERR_TENSOR_MAP },
		{ type, DSA_ERR_TENSOR_MAP },       { fill, DSA_ERR_TENSOR_MAP },
		{ fill2, DSA_ERR_TENSOR_MAP },      { swizzle, DSA_ERR_TENSOR_MAP },
		{ base, DSA_ERR_TENSOR_MAP },       { dim, DSA_ERR_TENSOR_MAP },
		{ dim2, DSA_ERR_TENSOR_MAP },       { box, DSA_ERR_TENSOR_MAP },
		{ step, DSA_ERR_TENSOR_MAP },       { stride, DSA_ERR_TENSOR_MAP },
		{ extent, DSA_ERR_TENSOR_MAP },     { reserved, DSA_ERR_TENSOR_MAP },
		{ op, DSA_ERR_TENSOR_OP },          { flags, DSA_ERR_TENSOR_OP },
		{ bytes, DSA_ERR_TENSOR_OP },       { coord, DSA_ERR_TENSOR_OP },
		{ bulk_odd, DSA_ERR_TENSOR_OP },    { bulk_add, DSA_ERR_TENSOR_OP },
		{ store_mbar, DSA_ERR_TENSOR_OP },  { mbar, DSA_ERR_SCRATCHPAD },
		{ mbar2, DSA_ERR_BARRIER },         { spad, DSA_ERR_SCRATCHPAD },
		{ spad_end, DSA_ERR_SCRATCHPAD },   { spad_not, DSA_ERR_SCRATCHPAD },
		{ huge, DSA_ERR_SCRATCHPAD },       { huge_prefetch, DSA_ERR_SCRATCHPAD },
		{ unmapped, DSA_ERR_MMU_UNMAPPED }, { map_unaligned, DSA_ERR_MISALIGNED },
	};

	const struct dsa_tensor_map m = {
		.base = VA_HBM + DATA,
		.rank = 2,
		.type = DSA_TYPE_I32,
		.dims = { 16, 16 },
		.strides = { 64 },
		.box = { 8, 8 },
		.steps = { 1, 1 },
	};
	const struct dsa_tensor_op o = {
		.global = VA_HBM + MAPS,
		.spad = SPAD + SPAD_BOX,
		.mbar = SPAD,
	};

	check_refusals(list, sizeof(list) / sizeof(list[0]), &m, &o);
}

const struct test tensor_tests[] = { TEST(random_loads),
				     TEST(random_stores),
				     TEST(reduce_integers),
				     TEST(reduce_floats),
				     TEST(load_takes_time),
				     TEST(refusals),
				     TESTS_END };
