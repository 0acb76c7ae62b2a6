/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C into the accumulators, and the accumulators into D. */
#include "mat_int.h"

static const struct num_ops *host_ops(void)
{
	return num_ops_of(num_isa_get());
}

/* ---- rows of C ---- */

/* Everything but FP64 and INT32 is exact in FP32. */
static void row_to_i32(int32_t *dst, const struct mat_tile *t, size_t r, size_t n)
{
	NUM_BUFFER float v[MAT_MAX_DIM];

	if (t->type == NUM_INT32) {
		memcpy(dst, mat_row(t, r), n * sizeof(*dst));
		return;
	}
	num_row_decode(host_ops(), v, t->type, mat_row(t, r), NULL, 0, n);
	for (size_t i = 0; i < n; i++)
		dst[i] = (int32_t)v[i];
}

static void row_to_f64(double *dst, const struct mat_tile *t, size_t r, size_t n)
{
	NUM_BUFFER float v[MAT_MAX_DIM];

	if (t->type == NUM_FP64) {
		memcpy(dst, mat_row(t, r), n * sizeof(*dst));
		return;
	}
	num_row_decode(host_ops(), v, t->type, mat_row(t, r), NULL, 0, n);
	for (size_t i = 0; i < n; i++)
		dst[i] = (double)v[i];
}

static void load_row(enum num_type acc, void *dst, const struct mat_tile *t, size_t r, size_t n)
{
	if (acc == NUM_INT32)
		row_to_i32(dst, t, r, n);
	else if (acc == NUM_FP64)
		row_to_f64(dst, t, r, n);
	else
		num_row_decode(host_ops(), dst, t->type, mat_row(t, r), NULL, 0, n);
}

void mat_load_c(const struct mat_op *op, const struct mat_kernels *k, enum num_type type, void *acc,
		size_t ld, void *tmp)
{
	const struct mat_tile *c = &op->c;
	size_t word = num_info(type)->bits / 8;
	size_t rows = c->transposed ? op->n : op->m, cols = c->transposed ? op->m : op->n;
	uint8_t *to = c->transposed ? tmp : acc;
	size_t stride = c->transposed ? cols : ld;

	if (!c->data) {
		for (size_t r = 0; r < op->m; r++)
			memset((uint8_t *)acc + r * ld * word, 0, op->n * word);
		return;
	}
	for (size_t r = 0; r < rows; r++)
		load_row(type, to + r * stride * word, c, r, cols);
	if (c->transposed)
		mat_transpose(k, word, acc, ld, tmp, cols, rows, cols);
}

/* ---- rows of D ---- */

struct result {
	const struct mat_op *op;
	enum num_type acc;
	struct num_round round; /* of this row */
};

static void store_f32(const struct result *d, void *row, float *v, size_t n)
{
	enum num_type t = d->op->d.type;
	NUM_BUFFER double wide[NUM_CHUNK];
	struct num_round r = d->round;

	if (d->op->scale != 1.0f)
		for (size_t i = 0; i < n; i++)
			v[i] *= d->op->scale;
	if (num_fits_f32(t)) {
		num_row_encode(host_ops(), row, t, v, n, &r);
		return;
	}
	for (size_t i = 0; i < n; i += NUM_CHUNK, r.counter += NUM_CHUNK * r.step) {
		size_t count = n - i < NUM_CHUNK ? n - i : NUM_CHUNK;

		for (size_t c = 0; c < count; c++)
			wide[c] = (double)v[i + c];
		num_row_encode_f64(host_ops(), (uint8_t *)row + num_bytes(t, i), t, wide, count,
				   &r);
	}
}

static void store_i32(const struct result *d, void *row, const int32_t *v, size_t n)
{
	enum num_type t = d->op->d.type;
	double scale = (double)d->op->scale;
	NUM_BUFFER double wide[NUM_CHUNK];
	struct num_round r = d->round;

	if (t == NUM_INT32 && d->op->scale == 1.0f) {
		memcpy(row, v, n * sizeof(*v));
		return;
	}
	for (size_t i = 0; i < n; i += NUM_CHUNK, r.counter += NUM_CHUNK * r.step) {
		size_t count = n - i < NUM_CHUNK ? n - i : NUM_CHUNK;

		host_ops()->widen(wide, v + i, scale, count);
		num_row_encode_f64(host_ops(), (uint8_t *)row + num_bytes(t, i), t, wide, count,
				   &r);
	}
}

static void store_f64(const struct result *d, void *row, double *v, size_t n)
{
	if (d->op->scale != 1.0f)
		for (size_t i = 0; i < n; i++)
			v[i] *= (double)d->op->scale;
	num_row_encode_f64(host_ops(), row, d->op->d.type, v, n, &d->round);
}

static void store_row(const struct result *d, size_t r, void *v, size_t n)
{
	uint8_t *row = mat_row(&d->op->d, r);

	if (d->acc == NUM_INT32)
		store_i32(d, row, v, n);
	else if (d->acc == NUM_FP64)
		store_f64(d, row, v, n);
	else
		store_f32(d, row, v, n);
}

void mat_store_d(const struct mat_op *op, const struct mat_kernels *k, enum num_type type,
		 void *acc, size_t ld, void *tmp)
{
	bool transposed = op->d.transposed;
	size_t word = num_info(type)->bits / 8;
	size_t rows = transposed ? op->n : op->m, cols = transposed ? op->m : op->n;
	size_t stride = transposed ? cols : ld;
	uint64_t step = op->round.step;
	uint8_t *from = transposed ? tmp : acc;
	struct result d = { op, type, op->round };

	if (transposed)
		mat_transpose(k, word, tmp, cols, acc, ld, op->m, op->n);
	d.round.step = transposed ? op->n * step : step;
	for (size_t r = 0; r < rows; r++) {
		d.round.counter = op->round.counter + (transposed ? r : r * op->n) * step;
		store_row(&d, r, from + r * stride * word, cols);
	}
}
