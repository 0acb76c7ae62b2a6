/* SPDX-License-Identifier: MIT */
/* Tensor and matrix operations with anything at all in their fields. */
#include "rig.h"

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
	if (rnd(seed) % 4 == 0) {
		m.mode = wild(seed, 1);
		for (unsigned int i = 0; i < DSA_TENSOR_RANK - 2 && i + 2 < m.rank; i++) {
			m.lower[i] = (int16_t)(wild(seed, 6) - 3);
			m.upper[i] = (int16_t)(wild(seed, 6) - 3);
			o.taps[i] = (uint16_t)wild(seed, 3);
		}
		memset(m.box + 2, 0, sizeof(m.box) - 4);
	} else if (!(o.flags & DSA_TENSOR_BULK) && rnd(seed) % 3 == 0) {
		o.flags |= DSA_TENSOR_ROWS;
		o.rows = wild_address(seed) & ~3ull;
		o.bytes = wild(seed, 20) * 4;
		if (m.rank > 0 && m.rank <= DSA_TENSOR_RANK) {
			o.coord[m.rank - 1] = 0;
			m.steps[m.rank - 1] = 1;
		}
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
	rig_matrix(r, &o);
}

/* Whatever a program asks for, it ends, well or with an error, and nothing else is touched. */
static void wild_operations(void)
{
	unsigned int well = 0;
	uint64_t seed = 16;

	for (int i = 0; i < 2500 && !test_failed; i++) {
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

const struct test wild_tests[] = { TEST(wild_operations), TESTS_END };
