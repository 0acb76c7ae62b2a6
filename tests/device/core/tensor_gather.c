/* SPDX-License-Identifier: MIT */
/* Rows by a list of their numbers: gather, scatter, scatter that adds; and what is refused. */
#include <stdlib.h>

#include "tensor_model.h"

#define LIST      0x340000 /* in HBM; as far into RAM as MAPS is there, and in the scratchpad */
#define LIST_SPAD 0x20000
#define LIST_MOST 8192

/* Where the list is for the device. */
enum where { IN_HBM, IN_RAM, IN_SPAD, WHERES };

static uint64_t list_at(enum where where)
{
	return where == IN_HBM ? VA_HBM + LIST : where == IN_RAM ? VA_RAM + LIST : SPAD + LIST_SPAD;
}

/* Numbers of rows of @dims, some beyond its ends, some of them more than once. */
static void random_list(struct rig *r, int32_t *list, uint64_t count, uint32_t dims, uint64_t *seed)
{
	for (uint64_t i = 0; i < count; i++) {
		list[i] = (int32_t)(rnd(seed) % (dims + 2)) - 1;
		if (rnd(seed) % 10 == 0)
			list[i] = (int32_t)rnd(seed);
	}
	memcpy(r->d->hbm + LIST, list, count * 4);
	memcpy(r->d->ram + LIST, list, count * 4);
}

static const int64_t *model_list(const struct dsa_tensor_map *m, const int32_t *coord,
				 const int32_t *list, uint64_t count)
{
	static int64_t at[MODEL_ELEMS];
	struct dsa_tensor_map one = *m;
	int32_t c[DSA_TENSOR_RANK];
	uint64_t n;

	memcpy(c, coord, sizeof(c));
	one.box[m->rank - 1] = 1;
	n = box_elems(&one);
	for (uint64_t i = 0; i < count; i++) {
		c[m->rank - 1] = list[i];
		memcpy(at + i * n, model_box(&one, c), n * sizeof(*at));
	}
	return at;
}

struct gather {
	struct dsa_tensor_map m;
	int32_t coord[DSA_TENSOR_RANK];
	int32_t list[LIST_MOST];
	uint64_t count, elems;
};

static void random_gather(struct rig *r, struct gather *g, uint64_t *seed)
{
	do
		random_map(&g->m, g->coord, seed);
	while (g->m.rank < 2);
	g->coord[g->m.rank - 1] = 0;
	g->m.steps[g->m.rank - 1] = 1;
	/* Long lists where there is room. */
	if (g->m.rank == 2 && g->m.box[0] < 50)
		g->m.box[1] = (uint16_t)(MODEL_ELEMS / 8 / g->m.box[0]);
	g->count = 1 + rnd(seed) % g->m.box[g->m.rank - 1];
	g->elems = box_elems(&g->m) / g->m.box[g->m.rank - 1] * g->count;
	random_list(r, g->list, g->count, g->m.dims[g->m.rank - 1], seed);
}

static struct dsa_tensor_op gather_op(struct rig *r, const struct gather *g, unsigned int op,
				      enum where where)
{
	struct dsa_tensor_op o = box_op(r, op, &g->m, g->coord);

	o.flags = DSA_TENSOR_ROWS;
	o.rows = list_at(where);
	o.bytes = g->count * 4;
	return o;
}

/* The list into the scratchpad, by a bulk load; then what run_load() and run_store() do. */
static void preload_list(struct rig *r)
{
	rig_mbar_init(r);
	rig_mbar_expect(r, LIST_MOST * 4);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + LIST, SPAD + LIST_SPAD, LIST_MOST * 4);
	rig_arrive_and_wait(r, 0);
}

static void gathers(void)
{
	static struct gather g;
	struct rig r = rig_new();
	uint64_t seed = 31;

	random_bytes(r.d->hbm + DATA, DATA_BYTES, &seed);
	for (int i = 0; i < 400 && !test_failed; i++) {
		struct dsa_tensor_op o;

		random_gather(&r, &g, &seed);
		o = gather_op(&r, &g, DSA_TENSOR_LOAD, i % WHERES);
		rig_restart(&r);
		preload_list(&r);
		rig_mbar_init(&r);
		rig_mbar_expect(&r, (uint32_t)(g.elems * type_size[g.m.type]));
		rig_op(&r, &o);
		rig_arrive_and_wait(&r, 0);
		rig_bulk(&r, DSA_TENSOR_STORE, VA_HBM + OUT, SPAD + SPAD_BOX, BOX_ROOM / 2);
		CHECK(rig_run(&r));
		check_load(&r, &g.m, model_list(&g.m, g.coord, g.list, g.count), g.elems);
	}
	dev_free(r.d);
}

/* Adds the box into memory, as integers of its size. */
static void model_add(uint8_t *mem, const uint8_t *box, const struct gather *g, const int64_t *at)
{
	unsigned int size = type_size[g->m.type];

	for (uint64_t n = 0; n < g->elems; n++) {
		uint64_t a = 0, b = 0;

		if (at[n] < 0)
			continue;
		memcpy(&a, mem + at[n], size);
		memcpy(&b, box + model_swizzle(&g->m, n * size), size);
		a += b;
		memcpy(mem + at[n], &a, size);
	}
}

/* One as large. */
static uint8_t integer_type(uint8_t type)
{
	switch (type_size[type]) {
	case 1:
		return DSA_TYPE_I8;
	case 2:
		return DSA_TYPE_U16;
	case 4:
		return DSA_TYPE_I32;
	default:
		return DSA_TYPE_U64;
	}
}

static void scatters(void)
{
	static struct gather g;
	struct rig r = rig_new();
	uint8_t *want = malloc(DATA_BYTES);
	uint64_t seed = 32;

	random_bytes(r.d->hbm + DATA, DATA_BYTES, &seed);
	random_bytes(r.d->hbm + OUT, BOX_ROOM, &seed);
	for (int i = 0; i < 400 && !test_failed; i++) {
		unsigned int op = i % 2 ? DSA_TENSOR_STORE : DSA_TENSOR_ADD;
		struct dsa_tensor_op o;
		const int64_t *at;
		uint8_t *base;

		random_gather(&r, &g, &seed);
		g.m.fill = DSA_FILL_ZERO;
		if (op == DSA_TENSOR_ADD)
			g.m.type = integer_type(g.m.type);
		base = want + (g.m.base - VA_HBM - DATA);
		o = gather_op(&r, &g, op, i % WHERES);
		at = model_list(&g.m, g.coord, g.list, g.count);
		memcpy(want, r.d->hbm + DATA, DATA_BYTES);
		if (op == DSA_TENSOR_STORE)
			model_store(base, r.d->hbm + OUT, &g.m, at, g.elems);
		else
			model_add(base, r.d->hbm + OUT, &g, at);
		rig_restart(&r);
		preload_list(&r);
		rig_mbar_init(&r);
		rig_mbar_expect(&r, BOX_ROOM);
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + SPAD_BOX, BOX_ROOM);
		rig_arrive_and_wait(&r, 0);
		rig_op(&r, &o);
		CHECK(rig_run(&r));
		CHECK(!memcmp(want, r.d->hbm + DATA, DATA_BYTES));
	}
	free(want);
	dev_free(r.d);
}

/* 16384 rows of 4 bytes and their list: the list's bytes count where they come from memory. */
static void lists_take_time(void)
{
	uint64_t ns[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct rig r = rig_new();
		struct dsa_tensor_map m = {
			.base = VA_HBM + DATA,
			.rank = 2,
			.type = DSA_TYPE_F32,
			.dims = { 1, 100000 },
			.strides = { 4 },
			.box = { 1, 16384 },
			.steps = { 1, 1 },
		};
		const int32_t coord[DSA_TENSOR_RANK] = { 0 };
		struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_LOAD, &m, coord);

		o.flags = DSA_TENSOR_ROWS;
		o.rows = list_at(i ? IN_HBM : IN_SPAD);
		o.bytes = 65536;
		CHECK(run_load(&r, &o, 65536));
		ns[i] = rig_ns(&r);
		dev_free(r.d);
	}
	CHECK(ns[1] - ns[0] >= 19 && ns[1] - ns[0] <= 20); /* 65536 of 3350 a ns */
}

/* ---- refusals ---- */

CHANGE(rank1, (m->rank = 1, m->dims[1] = m->box[1] = m->steps[1] = 0, m->strides[0] = 0))
CHANGE(row_coord, op->coord[1] = 1)
CHANGE(row_step, m->steps[1] = 2)
CHANGE(too_many, op->bytes = 9 * 4)
CHANGE(none, op->bytes = 0)
CHANGE(odd, op->bytes = 6)
CHANGE(bulk, (op->flags |= DSA_TENSOR_BULK, op->bytes = 16))
CHANGE(no_flag, op->flags = 0)
CHANGE(no_flag2, (op->flags = 0, op->bytes = 0))
CHANGE(no_flag_bulk, (op->flags = DSA_TENSOR_BULK, op->bytes = 16, op->global = VA_HBM + DATA))
CHANGE(flag8, op->flags |= 8)
CHANGE(add_f8, (m->type = DSA_TYPE_F8E4M3, op->op = DSA_TENSOR_ADD, op->mbar = 0))
CHANGE(unaligned, op->rows += 2)
CHANGE(unaligned_spad, op->rows = SPAD + 0x8002)
CHANGE(list_end, op->rows = SPAD + (256u << 10) - 16)
CHANGE(list_cluster, op->rows = DSA_CLUSTER_BASE + DSA_CLUSTER_STRIDE)
CHANGE(list_range, op->rows = 1ull << 63)
CHANGE(list_unmapped, op->rows = 0x1000)
CHANGE(list_unreadable, op->rows = VA_HBM - 16)
CHANGE(row_unmapped, m->base = VA_HBM - 1024)
CHANGE(store_mbar, op->op = DSA_TENSOR_STORE)

static void refusals(void)
{
	static const struct refusal list[] = {
		{ rank1, DSA_ERR_TENSOR_OP },
		{ row_coord, DSA_ERR_TENSOR_OP },
		{ row_step, DSA_ERR_TENSOR_OP },
		{ too_many, DSA_ERR_TENSOR_OP },
		{ none, DSA_ERR_TENSOR_OP },
		{ odd, DSA_ERR_TENSOR_OP },
		{ bulk, DSA_ERR_TENSOR_OP },
		{ no_flag, DSA_ERR_TENSOR_OP },
		{ no_flag2, DSA_ERR_TENSOR_OP },
		{ no_flag_bulk, DSA_ERR_TENSOR_OP },
		{ flag8, DSA_ERR_TENSOR_OP },
		{ add_f8, DSA_ERR_TENSOR_OP },
		{ store_mbar, DSA_ERR_TENSOR_OP },
		{ unaligned, DSA_ERR_MISALIGNED },
		{ unaligned_spad, DSA_ERR_MISALIGNED },
		{ list_end, DSA_ERR_SCRATCHPAD },
		{ list_cluster, DSA_ERR_SCRATCHPAD },
		{ list_range, DSA_ERR_SCRATCHPAD },
		{ list_unmapped, DSA_ERR_MMU_UNMAPPED },
		{ list_unreadable, DSA_ERR_MMU_UNMAPPED },
		{ row_unmapped, DSA_ERR_MMU_UNMAPPED },
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
		.flags = DSA_TENSOR_ROWS,
		.rows = VA_HBM + LIST,
		.bytes = 8 * 4,
	};

	check_refusals(list, sizeof(list) / sizeof(list[0]), &m, &o);
}

/* A fault names the address: of the list, or of the row. */
static void fault_addresses(void)
{
	struct rig r = rig_new();
	struct dsa_tensor_map m = {
		.base = VA_HBM + HBM_SIZE - 4096,
		.rank = 2,
		.type = DSA_TYPE_I32,
		.dims = { 1024, 3 },
		.strides = { 4096 },
		.box = { 8, 4 },
		.steps = { 1, 1 },
	};
	const int32_t coord[DSA_TENSOR_RANK] = { 16 };
	struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_LOAD, &m, coord);
	const int32_t list[] = { -1, 0, 2, 1 };

	memcpy(r.d->hbm + LIST, list, sizeof(list));
	o.flags = DSA_TENSOR_ROWS;
	o.rows = VA_HBM + LIST;
	o.bytes = sizeof(list);
	rig_mbar_init(&r);
	rig_op(&r, &o);
	CHECK(!rig_run(&r));
	CHECK_EQ(err_code(r.d, 0), DSA_ERR_MMU_UNMAPPED);
	CHECK_EQ(rd64(r.d, DSA_QREG(0, DSA_Q_ERR_ADDR)), VA_HBM + HBM_SIZE + 4096 + 64);
	dev_free(r.d);
}

const struct test tensor_gather_tests[] = { TEST(gathers),         TEST(scatters),
					    TEST(lists_take_time), TEST(refusals),
					    TEST(fault_addresses), TESTS_END };
