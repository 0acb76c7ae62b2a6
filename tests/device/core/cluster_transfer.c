/* SPDX-License-Identifier: MIT */
/* Tensor operations in clusters: multicast, and copies between scratchpads. */
#include <stdlib.h>

#include "cluster.h"

#define LOADS (ARGS + 0x1000) /* an operation a program */
#define SAVES (ARGS + 0x2000)
#define MAP   (ARGS + 0x3000)
#define DATA  0x800000
#define BOX   0x1000 /* in the scratchpad; its mbarrier is at 0 */
#define ROOM  0x4000 /* of a box */

static void random_bytes(uint8_t *p, size_t n, uint64_t seed)
{
	while (n--)
		*p++ = (uint8_t)rnd(&seed);
}

static struct dsa_tensor_op *load_of(struct dev *d, unsigned int program)
{
	return (struct dsa_tensor_op *)(d->hbm + LOADS) + program;
}

/* Where program @program's box comes to lie at last. */
static uint8_t *saved_box(struct dev *d, unsigned int program)
{
	return d->hbm + OUT + 0x10000 + program * ROOM;
}

/*
 * Every program clears the room for its box, expects @expect bytes (if any),
 * starts its operation if it has one, waits, and saves the room. Words 0 and
 * 1: clock after the operation is started, and after waiting.
 */
static void emit_transfer(struct dev *d, uint32_t programs, uint32_t expect)
{
	struct code k = begin(d, CODE);
	uint32_t loop, at;

	for (unsigned int p = 0; p < programs; p++) {
		struct dsa_tensor_op save = {
			.op = DSA_TENSOR_STORE,
			.flags = DSA_TENSOR_BULK,
			.global = VA_HBM + OUT + 0x10000 + p * ROOM,
			.spad = SPAD + BOX,
			.bytes = ROOM,
		};

		memcpy(d->hbm + SAVES + p * sizeof(save), &save, sizeof(save));
	}
	li(&k, T0, 1);
	emit(&k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
	if (expect) {
		li(&k, T1, expect);
		emit(&k, X_MBAR(DSA_X_MBAR_EXPECT, X0, S0, T1));
	}
	li(&k, T1, BOX);
	emit(&k, ADD(T1, T1, S0));
	li(&k, T2, ROOM / 8);
	loop = k.count;
	emit(&k, SD(S4, T1, 0));
	emit(&k, ADDI(T1, T1, 8));
	emit(&k, ADDI(T2, T2, -1));
	emit(&k, BNE(T2, X0, back(&k, loop)));
	sync_all(&k);
	li(&k, S6, VA_HBM + LOADS);
	emit(&k, SLLI(T1, S4, 6));
	emit(&k, ADD(S6, S6, T1));
	emit(&k, LD(T1, S6, 32)); /* spad: is there one? */
	at = skip(&k, IF_EQ, T1, X0);
	emit(&k, X_START(S6));
	land(&k, at);
	emit(&k, SYSRD(T1, DSA_SYS_CYCLES));
	put_out(&k, T1, 0);
	emit(&k, X_MBAR(DSA_X_MBAR_ARRIVE, T3, S0, T0));
	emit(&k, X_MBAR(DSA_X_MBAR_WAIT, X0, S0, X0));
	emit(&k, SYSRD(T1, DSA_SYS_CYCLES));
	put_out(&k, T1, 1);
	li(&k, T2, SAVES - LOADS);
	emit(&k, ADD(T2, T2, S6));
	emit(&k, X_START(T2));
	sync_all(&k);
	emit(&k, RET);
}

/* A box of every swizzle and odd sizes: what each rank gets is what it would load itself. */
static void multicast_one(struct dev *d, unsigned int i, uint64_t *seed)
{
	struct dsa_tensor_map m = {
		.base = VA_HBM + DATA,
		.rank = 2,
		.type = DSA_TYPE_U16,
		.swizzle = i % 4,
		.dims = { 100, 40 },
		.strides = { 256 },
		.box = { 1 + rnd(seed) % 70, 1 + rnd(seed) % 30 },
		.steps = { 1 + rnd(seed) % 2, 1 },
	};
	struct dsa_tensor_op op = {
		.global = VA_HBM + MAP,
		.spad = SPAD + BOX,
		.mbar = SPAD,
		.coord = { (int32_t)(rnd(seed) % 80) - 20, (int32_t)(rnd(seed) % 30) - 10 },
	};
	uint32_t bytes = m.box[0] * m.box[1] * 2u, ranks = 1 + rnd(seed) % 255;
	unsigned int issuer = rnd(seed) % 8;
	uint8_t *want = malloc(8 * ROOM);

	memcpy(d->hbm + MAP, &m, sizeof(m));
	if (i % 5 == 4) { /* a run of bytes now and then */
		op.flags = DSA_TENSOR_BULK;
		op.global = VA_HBM + DATA + rnd(seed) % 1000;
		op.bytes = bytes = (bytes + 15) / 16 * 16;
		memset(op.coord, 0, sizeof(op.coord));
	}
	ranks |= 1u << issuer;
	for (unsigned int p = 0; p < 8; p++)
		*load_of(d, p) = op;
	emit_transfer(d, 8, bytes);
	CHECK(run_cluster(d, 8, 8));
	memcpy(want, saved_box(d, 0), 8 * ROOM);
	memset(load_of(d, 0), 0, 8 * sizeof(op));
	op.flags |= DSA_TENSOR_MULTICAST;
	op.ranks = 0xff;
	*load_of(d, issuer) = op;
	emit_transfer(d, 8, bytes);
	CHECK(run_cluster(d, 8, 8));
	CHECK_EQ(err_code(d, 0), 0);
	CHECK(!memcmp(want, saved_box(d, 0), 8 * ROOM));
	free(want);
}

static void multicast(void)
{
	struct dev *d = cluster_dev(0);
	uint64_t seed = 5;

	random_bytes(d->hbm + DATA, 0x20000, 22);
	for (unsigned int i = 0; i < 40 && !test_failed; i++) {
		multicast_one(d, i, &seed);
		if (test_failed)
			printf("# box %u\n", i);
	}
	dev_free(d);
}

/* Only ranks in the mask get the data and the bytes; the issuer need not be one. */
static void multicast_some(void)
{
	struct dev *d = cluster_dev(0);
	struct dsa_tensor_op op = {
		.flags = DSA_TENSOR_BULK | DSA_TENSOR_MULTICAST,
		.ranks = 1 << 1 | 1 << 3,
		.global = VA_HBM + DATA,
		.spad = SPAD + BOX,
		.mbar = SPAD,
		.bytes = 0x800,
	};

	random_bytes(d->hbm + DATA, 0x800, 23);
	*load_of(d, 0) = op;
	emit_transfer(d, 4, 0x800); /* all expect them */
	CHECK(!run_cluster(d, 4, 4));
	CHECK_EQ(err_code(d, 0), DSA_ERR_DEADLOCK);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)), 0);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), SPAD);
	for (unsigned int p = 0; p < 4; p++)
		CHECK_EQ(out_of(d, p)[1] != 0, p & 1);
	dev_free(d);
}

/* One load on the clock, however many get it: 0x4000 bytes, 4 programs share the HBM. */
static void multicast_clock(void)
{
	struct dev *d = cluster_dev(0);
	uint64_t cost = (0x4000ull * 4 * 1500000 + 3350000000 - 1) /
			3350000000; /* cycles of the engine */
	uint64_t start, end;

	*load_of(d, 2) = (struct dsa_tensor_op){
		.flags = DSA_TENSOR_BULK | DSA_TENSOR_MULTICAST,
		.ranks = 0xf,
		.global = VA_HBM + DATA,
		.spad = SPAD + BOX,
		.mbar = SPAD,
		.bytes = 0x4000,
	};
	emit_transfer(d, 4, 0x4000);
	CHECK(run_cluster(d, 4, 4));
	start = out_of(d, 2)[0] - 1; /* its look at the clock is the next instruction */
	end = start + cost + 600;
	for (unsigned int p = 0; p < 4; p++)
		CHECK_EQ(out_of(d, p)[1], end + 1);
	dev_free(d);
}

/* Bulk stores into the next rank's scratchpad, its mbarrier told; or loads from there. */
static void copies_on(bool store)
{
	struct dev *d = cluster_dev(0);
	uint8_t want[0x800];

	for (uint64_t p = 0; p < 8; p++) {
		uint64_t next = DSA_CLUSTER_BASE + (p % 4 + 1) % 4 * DSA_CLUSTER_STRIDE;
		struct dsa_tensor_op op = {
			.op = store ? DSA_TENSOR_STORE : DSA_TENSOR_LOAD,
			.flags = DSA_TENSOR_BULK,
			.global = next + BOX + (store ? 0x1000 : 0),
			.spad = SPAD + BOX + (store ? 0 : 0x1000),
			.mbar = store ? next : SPAD,
			.bytes = 0x800,
		};

		*load_of(d, p) = op;
	}
	emit_transfer(d, 8, 0x800);
	CHECK(run_cluster(d, 8, 4));
	CHECK_EQ(err_code(d, 0), 0);
	for (unsigned int p = 0; p < 8; p++) {
		unsigned int from = p / 4 * 4 + (p + (store ? 3 : 1)) % 4;

		for (unsigned int i = 0; i < sizeof(want); i++)
			want[i] = i % 8 ? 0 : from;
		CHECK(!memcmp(saved_box(d, p) + 0x1000, want, sizeof(want)));
		/* 0x800 bytes at 128 a cycle take 16 cycles, and 200 more */
		CHECK_EQ(out_of(d, p)[1], out_of(d, from)[0] - 1 + 216 + 1);
	}
	dev_free(d);
}

static void copies(void)
{
	copies_on(true);
	copies_on(false);
}

static void refusals(void)
{
	static const struct refusal {
		uint8_t op, flags;
		uint16_t ranks;
		uint64_t global, spad, mbar;
		uint32_t code;
		uint64_t addr; /* 0: of the descriptor */
	} cases[] = {
#define BULK   DSA_TENSOR_BULK
#define MULTI  (DSA_TENSOR_BULK | DSA_TENSOR_MULTICAST)
#define MEMORY (VA_HBM + DATA)
		{ DSA_TENSOR_LOAD, MULTI, 0, MEMORY, SPAD + BOX, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_LOAD, MULTI, 4, MEMORY, SPAD + BOX, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_LOAD, MULTI, 0x8001, MEMORY, SPAD + BOX, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_LOAD, BULK, 1, MEMORY, SPAD + BOX, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_LOAD, 8 | BULK, 0, MEMORY, SPAD + BOX, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_STORE, MULTI, 1, MEMORY, SPAD + BOX, 0, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_PREFETCH, MULTI, 1, MEMORY, 0, 0, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_STORE, BULK, 0, MEMORY, SPAD + BOX, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_PREFETCH, BULK, 0, RANK0, 0, SPAD, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_LOAD, MULTI, 3, MEMORY, RANK0 + BOX, SPAD, DSA_ERR_SCRATCHPAD,
		  RANK0 + BOX },
		{ DSA_TENSOR_LOAD, MULTI, 3, MEMORY, SPAD + 0x3fff0, SPAD, DSA_ERR_SCRATCHPAD,
		  SPAD + 0x3fff0 },
		{ DSA_TENSOR_LOAD, MULTI, 3, MEMORY, SPAD + BOX, RANK0, DSA_ERR_SCRATCHPAD, RANK0 },
		{ DSA_TENSOR_LOAD, MULTI, 3, MEMORY, SPAD + BOX, SPAD + 64, DSA_ERR_BARRIER,
		  RANK0 + 64 },
		{ DSA_TENSOR_STORE, BULK, 0, RANK2, SPAD + BOX, 0, DSA_ERR_SCRATCHPAD, RANK2 },
		{ DSA_TENSOR_STORE, BULK, 0, RANK0 + 8, SPAD + BOX, 0, DSA_ERR_SCRATCHPAD,
		  RANK0 + 8 },
		{ DSA_TENSOR_STORE, BULK, 0, RANK0 + 0x3fff0, SPAD + BOX, 0, DSA_ERR_SCRATCHPAD,
		  RANK0 + 0x3fff0 },
		{ DSA_TENSOR_LOAD, BULK, 0, RANK2, SPAD + BOX, SPAD, DSA_ERR_SCRATCHPAD, RANK2 },
		{ DSA_TENSOR_STORE, BULK, 0, RANK0 + BOX, SPAD + BOX, RANK0 + 64, DSA_ERR_BARRIER,
		  RANK0 + 64 },
		{ DSA_TENSOR_STORE, BULK, 0, RANK0 + BOX, SPAD + BOX, RANK2, DSA_ERR_SCRATCHPAD,
		  RANK2 },
		{ DSA_TENSOR_ADD, BULK, 0, RANK0 + BOX, SPAD + BOX, 0, DSA_ERR_TENSOR_OP, 0 },
		{ DSA_TENSOR_STORE, BULK, 0, SPAD + BOX, SPAD + BOX, 0, DSA_ERR_MMU_RANGE,
		  SPAD + BOX },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]) && !test_failed; i++) {
		const struct refusal *c = &cases[i];
		struct dev *d = cluster_dev(0);

		*load_of(d, 1) = (struct dsa_tensor_op){
			.op = c->op,
			.flags = c->flags,
			.ranks = c->ranks,
			.global = c->global,
			.spad = c->spad ? c->spad : SPAD, /* emit_transfer() looks at it */
			.mbar = c->mbar,
			.bytes = 0x100,
		};
		emit_transfer(d, 2, 0);
		CHECK(!run_cluster(d, 2, 2));
		CHECK_EQ(err_code(d, 0), c->code);
		CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)),
			 c->addr ? c->addr : VA_HBM + LOADS + sizeof(struct dsa_tensor_op));
		CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)), 1);
		if (test_failed)
			printf("# case %u\n", i);
		dev_free(d);
	}
}

/* A mask of the whole machine's largest cluster is fine, and of one program too. */
static void multicast_masks(void)
{
	for (uint32_t size = 1; size <= 16; size *= 4) {
		struct dev *d = cluster_dev(0);

		*load_of(d, size - 1) = (struct dsa_tensor_op){
			.flags = MULTI,
			.ranks = (uint16_t)((1u << size) - 1),
			.global = MEMORY,
			.spad = SPAD + BOX,
			.mbar = SPAD,
			.bytes = 0x100,
		};
		random_bytes(d->hbm + DATA, 0x100, 24);
		emit_transfer(d, size, 0x100);
		CHECK(run_cluster(d, size, size));
		for (uint32_t p = 0; p < size; p++)
			CHECK(!memcmp(saved_box(d, p), d->hbm + DATA, 0x100));
		dev_free(d);
	}
}

const struct test cluster_transfer_tests[] = { TEST(multicast),
					       TEST(multicast_some),
					       TEST(multicast_masks),
					       TEST(multicast_clock),
					       TEST(copies),
					       TEST(refusals),
					       TESTS_END };
