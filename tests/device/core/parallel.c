/* SPDX-License-Identifier: MIT */
/*
 * Programs of several queues on several threads, all with tensor loads, the
 * matrix unit, tensor reductions and atomics on the same memory: right sums,
 * and nothing for TSan to say.
 */
#include "rig.h"

#define THREADS  4
#define QUEUES   3
#define PROGRAMS 40
#define ROUNDS   3
#define M        16
#define COUNTER  (OPS + 0x800)
#define SUM_I32  OUT
#define SUM_F32  (OUT + 0x10000)
#define MAX_I32  (OUT + 0x20000)

static struct dsa_tensor_map result_map(uint64_t offset, unsigned int type)
{
	return (struct dsa_tensor_map){
		.base = VA_HBM + offset,
		.rank = 2,
		.type = type,
		.dims = { M, M },
		.strides = { 4 * M },
		.box = { M, M },
		.steps = { 1, 1 },
	};
}

/* The box at @spad goes to the tensor at @offset with an operation; each has a map of its own. */
static void reduce(struct rig *r, unsigned int op, uint64_t spad, uint64_t offset,
		   unsigned int type)
{
	struct dsa_tensor_map m = result_map(offset, type);
	uint64_t map = MAPS + 2 * (r->ops - OPS);
	struct dsa_tensor_op o = { .op = op, .global = VA_HBM + map, .spad = spad };

	memcpy(r->d->hbm + map, &m, sizeof(m));
	rig_op(r, &o);
}

static struct dsa_matrix_op product(unsigned int type, uint64_t d, unsigned int d_type)
{
	struct dsa_matrix_op op = bf16_op(M, M, M);

	op.a.type = op.b.type = type;
	op.a.pitch = op.b.pitch = type == DSA_TYPE_I8 ? M : 2 * M;
	op.d.addr = d;
	op.d.type = d_type;
	return op;
}

static void emit_program(struct rig *r)
{
	struct dsa_matrix_op ints = product(DSA_TYPE_I8, SPAD + TILE_D, DSA_TYPE_I32);
	struct dsa_matrix_op floats = product(DSA_TYPE_BF16, SPAD + TILE_D + 0x1000, DSA_TYPE_F32);

	rig_mbar_init(r);
	rig_mbar_expect(r, 2 * 512);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + DATA, SPAD + TILE_A, 512);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + DATA + 512, SPAD + TILE_B, 512);
	rig_arrive_and_wait(r, 0);
	rig_matrix(r, &ints);
	rig_matrix(r, &floats);
	emit(&r->k, X_MATRIX(DSA_X_MATRIX_WAIT, X0));
	reduce(r, DSA_TENSOR_ADD, SPAD + TILE_D, SUM_I32, DSA_TYPE_I32);
	reduce(r, DSA_TENSOR_ADD, SPAD + TILE_D + 0x1000, SUM_F32, DSA_TYPE_F32);
	reduce(r, DSA_TENSOR_MAX, SPAD + TILE_D, MAX_I32, DSA_TYPE_I32);
	emit(&r->k, ADDI(T0, X0, 1));
	emit(&r->k, ADDI(A2, A0, COUNTER - OPS - 8));
	emit(&r->k, ADDI(A2, A2, 8));
	emit(&r->k, AMOADD_D(X0, T0, A2));
	emit(&r->k, X_DRAIN);
	emit(&r->k, RET);
}

/* What @programs of them make of zeros: the same value so often, in whatever order. */
static void check_sums(struct dev *d, unsigned int programs)
{
	const int8_t *a = (const int8_t *)(d->hbm + DATA), *b = a + 512;

	CHECK_EQ(*(uint64_t *)(d->hbm + COUNTER), programs);
	for (unsigned int i = 0; i < M * M && !test_failed; i++) {
		int32_t sum = 0;

		for (unsigned int k = 0; k < M; k++)
			sum += a[i / M * M + k] * b[k * M + i % M];
		CHECK_EQ(((uint32_t *)(d->hbm + SUM_I32))[i], (uint32_t)sum * programs);
		CHECK_EQ(((uint32_t *)(d->hbm + MAX_I32))[i], (uint32_t)(sum > 0 ? sum : 0));
	}
}

static void run_round(struct rig *r)
{
	uint64_t fence[QUEUES];

	memset(r->d->hbm + OUT, 0, 0x30000);
	memset(r->d->hbm + COUNTER, 0, 8);
	for (unsigned int q = 0; q < QUEUES; q++) {
		struct cmds c = cmds_at(r->d, CMDS + q * 0x1000);

		cmd_launch(&c, VA_HBM + CODE, VA_HBM + OPS, PROGRAMS, 1, 1);
		fence[q] = submit_cmds(&c, q);
	}
	for (unsigned int q = 0; q < QUEUES; q++)
		if (!wait_fence(r->d, q, fence[q]))
			check_failed(__FILE__, __LINE__, "queue %u: error %u", q,
				     err_code(r->d, q));
}

static void sums_of_many(void)
{
	uint8_t *first = NULL, floats[4 * M * M];

	for (unsigned int threads = 0; threads <= THREADS; threads += THREADS) {
		struct rig r = { .d = dev_new(threads) };
		uint64_t seed = 21;

		rig_restart(&r);
		/* Halves of BF16 that are no infinities, and 8-bit integers at the same time. */
		for (unsigned int i = 0; i < 1024; i += 2) {
			r.d->hbm[DATA + i] = (uint8_t)rnd(&seed);
			r.d->hbm[DATA + i + 1] = (uint8_t)(0x30 + rnd(&seed) % 32);
		}
		emit_program(&r);
		for (unsigned int q = 0; q < QUEUES; q++)
			queue_setup(r.d, q, 1);
		for (unsigned int i = 0; i < ROUNDS && !test_failed; i++) {
			run_round(&r);
			check_sums(r.d, QUEUES * PROGRAMS);
			if (first)
				CHECK(!memcmp(floats, r.d->hbm + SUM_F32, sizeof(floats)));
			first = memcpy(floats, r.d->hbm + SUM_F32, sizeof(floats));
		}
		dev_free(r.d);
	}
}

const struct test parallel_tests[] = { TEST(sums_of_many), TESTS_END };
