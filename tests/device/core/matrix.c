/* SPDX-License-Identifier: MIT */
/* The matrix unit from a program: its order of sums, its time, what it refuses. */
#include <math.h>

#include "rig.h"

static float bf16(uint16_t v)
{
	uint32_t bits = (uint32_t)v << 16;
	float f;

	memcpy(&f, &bits, 4);
	return f;
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

const struct test matrix_tests[] = { TEST(products), TEST(matrix_takes_time), TEST(matrix_refusals),
				     TESTS_END };
