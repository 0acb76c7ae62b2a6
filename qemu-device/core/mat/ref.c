/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix unit as specified: what the fast ways are compared with. */
#include <math.h>
#include <stdlib.h>

#include "mat_int.h"

/* Element (i, j) of the matrix, exactly, save for MX and GGUF blocks, which say themselves. */
static double element(const struct mat_tile *t, size_t i, size_t j)
{
	size_t r = t->transposed ? j : i, c = t->transposed ? i : j;
	const uint8_t *row = mat_row(t, r);

	if (t->type >= NUM_PLAIN_TYPES)
		return (double)num_block_load(t->type, row, mat_row_scales(t, r), c);
	return num_decode(t->type, num_load(t->type, row, c));
}

static double start(const struct mat_op *op, size_t i, size_t j)
{
	return op->c.data ? element(&op->c, i, j) : 0;
}

static double sum_f32(const struct mat_op *op, size_t i, size_t j)
{
	float sum = (float)start(op, i, j);

	for (size_t k = 0; k < op->k; k++)
		sum = fmaf((float)element(&op->a, i, k), (float)element(&op->b, k, j), sum);
	return (double)(op->scale == 1.0f ? sum : sum * op->scale);
}

static double sum_f64(const struct mat_op *op, size_t i, size_t j)
{
	double sum = start(op, i, j);

	for (size_t k = 0; k < op->k; k++)
		sum = fma(element(&op->a, i, k), element(&op->b, k, j), sum);
	return op->scale == 1.0f ? sum : sum * (double)op->scale;
}

static double sum_i32(const struct mat_op *op, size_t i, size_t j)
{
	uint32_t sum = (uint32_t)(int32_t)start(op, i, j);

	for (size_t k = 0; k < op->k; k++)
		sum += (uint32_t)((int32_t)element(&op->a, i, k) * (int32_t)element(&op->b, k, j));
	return (double)(int32_t)sum * (double)op->scale;
}

static void store(const struct mat_op *op, size_t i, size_t j, double v)
{
	const struct mat_tile *d = &op->d;
	size_t r = d->transposed ? j : i, c = d->transposed ? i : j;
	uint32_t random = num_random(op->round.seed,
				     op->round.counter + (i * op->n + j) * op->round.step);

	num_store(d->type, mat_row(d, r), c, num_encode(d->type, v, &op->round, random));
}

enum mat_status mat_run_reference(const struct mat_op *op)
{
	enum num_type acc = mat_accumulator(op->a.type, op->b.type);
	enum mat_status s = mat_check(op);
	uint32_t env;
	double *sums;

	if (s != MAT_OK)
		return s;
	sums = malloc((size_t)op->m * op->n * sizeof(*sums));
	if (!sums)
		return MAT_NO_MEMORY;
	env = num_fp_enter();
	for (size_t i = 0; i < op->m; i++)
		for (size_t j = 0; j < op->n; j++)
			sums[i * op->n + j] = acc == NUM_FP64 ? sum_f64(op, i, j) :
					      acc == NUM_FP32 ? sum_f32(op, i, j) :
								sum_i32(op, i, j);
	for (size_t i = 0; i < op->m; i++)
		for (size_t j = 0; j < op->n; j++)
			store(op, i, j, sums[i * op->n + j]);
	num_fp_leave(env);
	free(sums);
	return MAT_OK;
}
