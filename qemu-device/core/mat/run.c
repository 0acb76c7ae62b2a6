/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An operation by blocks of MAT_KW words along k: pack A and B, then the kernels over all of D. Where
 * nothing would change on the way, A is not packed and the sums are kept in D itself.
 */
#include <stdlib.h>

#include "mat_int.h"

struct mat_unit {
	uint8_t *memory;
	size_t size;
};

/* One operation's buffers, and how its words look. */
struct run {
	const struct mat_op *op;
	const struct mat_kernels *k;
	const struct mat_kernel_set *set;
	enum num_type type;       /* of the accumulator */
	size_t word, cols, panel; /* cols: n in whole vectors; with panel in words */
	bool in_place;            /* acc is D */
	bool a_in_place;          /* A's own rows are what the kernels read */
	struct mat_source a_src, b_src;
	uint8_t *acc, *tmp, *a, *b;   /* tmp: as large as acc or a block of A */
	size_t ld, lda;               /* of acc and a, in words */
	int32_t *row_term, *col_term; /* mat_kernels.add_terms */
	int32_t a_zero, b_zero;       /* what flipping added to A and took from B */
};

struct mat_unit *mat_unit_new(void)
{
	return calloc(1, sizeof(struct mat_unit));
}

void mat_unit_free(struct mat_unit *u)
{
	if (!u)
		return;
	free(u->memory);
	free(u);
}

static bool grow(struct mat_unit *u, size_t size)
{
	if (u->size >= size)
		return true;
	free(u->memory);
	u->memory = aligned_alloc(4096, mat_round_up(size, 4096));
	u->size = u->memory ? size : 0;
	return u->memory;
}

static const struct mat_kernels *kernels_of(enum num_isa isa)
{
#if defined(__x86_64__)
	if (isa == NUM_ISA_VNNI)
		return &mat_kernels_vnni;
	if (isa == NUM_ISA_AVX512)
		return &mat_kernels_avx512;
	if (isa == NUM_ISA_AVX2)
		return &mat_kernels_avx2;
#endif
	(void)isa;
	return &mat_kernels_plain;
}

/* Buffers follow each other from an address that is only a number until there is memory. */
static void *take(uintptr_t *at, size_t bytes)
{
	void *p = (void *)*at;

	*at += mat_round_up(bytes, 64) + 64;
	return p;
}

/* Returns the end. */
static uintptr_t lay_out(struct run *r, uintptr_t at)
{
	size_t m = r->op->m, w = r->word;
	size_t acc = m * r->cols * w;
	size_t strip = r->panel * MAT_A_STRIDE * w, a_block = MAT_KW * (m + 16) * w;
	size_t tmp = acc > a_block ? acc : a_block;

	r->acc = take(&at, acc);
	r->tmp = take(&at, tmp > strip ? tmp : strip);
	r->a = take(&at, (m + 8) * MAT_A_STRIDE * w);
	r->b = take(&at, MAT_KW * (r->cols + 16) * w);
	r->row_term = take(&at, m * sizeof(int32_t));
	r->col_term = take(&at, r->cols * sizeof(int32_t));
	r->ld = r->cols;
	r->lda = MAT_A_STRIDE;
	return at;
}

static bool apart(const void *p, size_t p_bytes, const void *q, size_t q_bytes)
{
	uintptr_t a = (uintptr_t)p, b = (uintptr_t)q;

	return !q || (a < b ? b - a >= p_bytes : a - b >= q_bytes);
}

/* Words as the kernels take them, in rows. */
static bool is_words(const struct run *r, const struct mat_tile *t)
{
	return t->type == r->type && !t->transposed && t->pitch % r->word == 0 &&
	       (uintptr_t)t->data % r->word == 0;
}

static bool same_place(const struct mat_tile *t, const struct mat_tile *u)
{
	return t->data == u->data && t->pitch == u->pitch && t->type == u->type && !t->transposed;
}

/* May sums be kept in D: does nobody read what they overwrite, and does nothing happen to them? */
static bool sums_fit_d(const struct run *r)
{
	const struct mat_op *op = r->op;
	size_t bytes = mat_tile_bytes(&op->d, op->m, op->n);

	return is_words(r, &op->d) && op->n == r->cols && op->scale == 1.0f &&
	       !op->round.saturate &&
	       apart(op->d.data, bytes, op->a.data, mat_tile_bytes(&op->a, op->m, op->k)) &&
	       apart(op->d.data, bytes, op->b.data, mat_tile_bytes(&op->b, op->k, op->n)) &&
	       apart(op->d.data, bytes, op->a.scales, mat_tile_scale_bytes(&op->a, op->m, op->k)) &&
	       apart(op->d.data, bytes, op->b.scales, mat_tile_scale_bytes(&op->b, op->k, op->n)) &&
	       (same_place(&op->c, &op->d) ||
		apart(op->d.data, bytes, op->c.data, mat_tile_bytes(&op->c, op->m, op->n)));
}

/* Rows a multiple of 4 KiB apart share the sets of the first cache. */
static bool a_fits(const struct run *r)
{
	return r->type != NUM_INT32 && is_words(r, &r->op->a) && r->op->a.pitch % 4096;
}

static void source(struct run *r, struct mat_source *s, const struct mat_tile *t, bool flip)
{
	s->tile = t;
	s->ops = num_ops_of(num_isa_get());
	s->word = r->word;
	s->per_word = r->type == NUM_INT32 ? r->k->ints_per_word : 1;
	s->flip = flip ? 0x80 : 0;
}

static void prepare(struct run *r, const struct mat_op *op, const struct mat_kernels *k)
{
	bool vnni = k->ints_per_word == 4;

	r->op = op;
	r->k = k;
	r->type = mat_accumulator(op->a.type, op->b.type);
	r->word = num_info(r->type)->bits / 8;
	r->set = r->type == NUM_FP32 ? &k->f32 : r->type == NUM_FP64 ? &k->f64 : &k->i32;
	r->panel = 2 * r->set->lanes;
	r->cols = mat_round_up(op->n, r->set->lanes);
	r->in_place = sums_fit_d(r);
	r->a_in_place = a_fits(r);
	vnni &= r->type == NUM_INT32;
	r->a_zero = vnni && op->a.type != NUM_UINT8 ? 128 : 0;
	r->b_zero = vnni && op->b.type == NUM_UINT8 ? 128 : 0;
	source(r, &r->a_src, &op->a, r->a_zero);
	source(r, &r->b_src, &op->b, r->b_zero);
}

/* A block along k: elements [first, first + n) in @kw words. */
struct block {
	size_t first, n, kw;
};

static void pack_a(struct run *r, const struct block *b)
{
	size_t m = r->op->m, w = r->word, per_word = r->a_src.per_word;
	size_t ld = m + 8;

	if (r->a_in_place) {
		r->a = (uint8_t *)r->op->a.data + b->first * w;
		r->lda = r->op->a.pitch / w;
		return;
	}
	if (!r->op->a.transposed) {
		for (size_t i = 0; i < m; i++)
			mat_row_words(&r->a_src, r->a + i * MAT_A_STRIDE * w, i, b->first, b->n);
		return;
	}
	for (size_t k = 0; k < b->kw; k++)
		mat_rows_interleaved(&r->a_src, r->tmp + k * ld * w, b->first + k * per_word,
				     b->first + b->n, m);
	mat_transpose(r->k, w, r->a, MAT_A_STRIDE, r->tmp, ld, b->kw, m);
}

/* Panels of B begin at word kw * first column; the last is one vector wide when that is enough. */
static size_t panel_width(const struct run *r, size_t j)
{
	return r->cols - j < r->panel ? r->cols - j : r->panel;
}

static void pack_b_rows(const struct run *r, const struct block *b)
{
	size_t w = r->word, per_word = r->b_src.per_word;
	NUM_BUFFER uint8_t row[(MAT_MAX_DIM + 16) * 8];

	memset(row + r->op->n * w, 0, (r->cols - r->op->n) * w);
	for (size_t k = 0; k < b->kw; k++) {
		mat_rows_interleaved(&r->b_src, row, b->first + k * per_word, b->first + b->n,
				     r->op->n);
		for (size_t j = 0; j < r->cols; j += r->panel) {
			size_t width = panel_width(r, j);

			memcpy(r->b + (b->kw * j + k * width) * w, row + j * w, width * w);
		}
	}
}

static void pack_b_columns(const struct run *r, const struct block *b)
{
	size_t w = r->word, n = r->op->n;

	for (size_t j = 0; j < r->cols; j += r->panel) {
		size_t width = panel_width(r, j);
		uint8_t *panel = r->b + b->kw * j * w;

		for (size_t c = 0; c < width; c++) {
			uint8_t *dst = r->tmp + c * MAT_A_STRIDE * w;

			if (j + c < n)
				mat_row_words(&r->b_src, dst, j + c, b->first, b->n);
			else
				memset(dst, 0, b->kw * w);
		}
		mat_transpose(r->k, w, panel, width, r->tmp, MAT_A_STRIDE, width, b->kw);
	}
}

/* Of bytes, at most 4 * MAT_KW: the sums of 16 bits do not overflow. */
static int32_t byte_sum(const uint8_t *p, size_t n)
{
	const uint64_t even = 0x00ff00ff00ff00ff;
	uint64_t sums = 0, v;
	int32_t sum = 0;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&v, p + i, 8);
		sums += (v & even) + (v >> 8 & even);
	}
	for (; i < n; i++)
		sum += p[i];
	for (; sums; sums >>= 16)
		sum += sums & 0xffff;
	return sum;
}

/* What is to add for the shifted bytes: (a' - za)(b' + zb) = a'b' + zb (a' - za) - za b'. */
static void add_zero_terms(const struct run *r, const struct block *b)
{
	uint32_t ones[MAT_KW];
	size_t m = r->op->m;

	if (!r->a_zero && !r->b_zero)
		return;
	for (size_t i = 0; i < m; i++) {
		int32_t sum = 0;

		if (r->b_zero)
			sum = byte_sum(r->a + i * MAT_A_STRIDE * 4, b->n) -
			      r->a_zero * (int32_t)b->n;
		r->row_term[i] = r->b_zero * sum;
	}
	memset(ones, 1, sizeof(ones));
	memset(r->col_term, 0, r->cols * sizeof(*r->col_term));
	for (size_t j = 0; r->a_zero && j < r->cols; j += r->panel)
		r->set->kernel[panel_width(r, j) > r->set->lanes][0](ones, 0, r->b + b->kw * j * 4,
								     r->col_term + j, 0, b->kw);
	for (size_t j = 0; j < r->cols; j++)
		r->col_term[j] *= -r->a_zero;
	r->k->add_terms((int32_t *)r->acc, r->ld, m, r->cols, r->row_term, r->col_term);
}

/* Returns whether there is a NaN among the sums. */
static bool multiply(const struct run *r, const struct block *b)
{
	size_t w = r->word, m = r->op->m, mr = r->set->mr;
	bool nan = false;

	for (size_t j = 0; j < r->cols; j += r->panel) {
		const uint8_t *panel = r->b + b->kw * j * w;
		const mat_kernel *kernel = r->set->kernel[panel_width(r, j) > r->set->lanes];

		for (size_t i = 0; i < m; i += mr)
			nan |= kernel[(m - i < mr ? m - i : mr) - 1](r->a + i * r->lda * w, r->lda,
								     panel,
								     r->acc + (i * r->ld + j) * w,
								     r->ld, b->kw);
	}
	return nan;
}

/* Returns whether there is a NaN among the sums. */
static bool run_blocks(struct run *r)
{
	size_t k = r->op->k, per_word = r->a_src.per_word;
	struct block b;
	bool nan = false;

	for (b.first = 0; b.first < k; b.first += b.n) {
		b.n = k - b.first < MAT_KW * per_word ? k - b.first : MAT_KW * per_word;
		b.kw = (b.n + per_word - 1) / per_word;
		pack_a(r, &b);
		if (r->op->b.transposed)
			pack_b_columns(r, &b);
		else
			pack_b_rows(r, &b);
		add_zero_terms(r, &b);
		nan = multiply(r, &b);
	}
	return nan;
}

static __attribute__((noinline)) void run_all(struct run *r)
{
	const struct mat_op *op = r->op;
	bool nan;

	if (r->in_place) {
		r->acc = op->d.data;
		r->ld = op->d.pitch / r->word;
	}
	if (!r->in_place || !same_place(&op->c, &op->d))
		mat_load_c(op, r->k, r->type, r->acc, r->ld, r->tmp);
	nan = run_blocks(r);
	/* In place, all that is left to do is to make NaN canonical. */
	if (!r->in_place || nan)
		mat_store_d(op, r->k, r->type, r->acc, r->ld, r->tmp);
}

enum mat_status mat_run(struct mat_unit *u, const struct mat_op *op)
{
	const struct mat_kernels *k = kernels_of(num_isa_get());
	enum mat_status s = mat_check(op);
	struct run r;
	uint32_t env;

	if (s != MAT_OK)
		return s;
	prepare(&r, op, k);
	if (!grow(u, lay_out(&r, 0)))
		return MAT_NO_MEMORY;
	lay_out(&r, (uintptr_t)u->memory);
	env = num_fp_enter();
	run_all(&r);
	num_fp_leave(env);
	return MAT_OK;
}
