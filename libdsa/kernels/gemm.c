/* SPDX-License-Identifier: MIT */
/*
 * D = alpha A x B + beta C through the matrix unit, any sizes and types.
 *
 * A program makes a tile of D at a time. Its sums stay in the scratchpad while
 * slices of A and B, tile_k deep, stream through a ring of stages:
 *
 *	tensor engine	load slice 2     load slice 3     load slice 4 ...
 *	matrix unit	       sums += 0        sums += 1        sums += 2 ...
 *
 * Each stage has an mbarrier that says when its slices have come. The matrix
 * unit takes blocks of up to 256 x 256, so a tile is rows x cols blocks, and
 * the unit works through them for each slice. The last slice's operation also
 * scales and converts, into the block's own place. Loads run ahead from one
 * tile into the next. docs/kernels.md walks through this file.
 */
#include <dsa/kernel.h>
#include "gemm.h"

#define STAGES_MAX  4
#define STACK_BYTES (64 * 1024)
#define LINE        16u /* tiles lie in the scratchpad at multiples of it */

struct header {
	struct dsa_mbarrier full[STAGES_MAX], c_full;
	uint8_t zeros[DSA_MATRIX_MAX * 8]; /* a row of A or B without effect */
};

/* How D is divided. */
struct shape {
	uint32_t tile_m, tile_n, tile_k;
	uint32_t block_m, block_n; /* of a tile, at most DSA_MATRIX_MAX, multiples of LINE */
	uint32_t rows, cols;       /* blocks of a tile */
	uint32_t block_bytes, a_bytes, b_bytes, stages;
};

struct gemm {
	uint32_t m, n, k, flags;
	float alpha, beta;
	uint8_t a_type, b_type, d_type, sum_type;
	uint32_t a_size, b_size, d_size, sum_size;
	struct shape s;
	struct header *header;
	uint8_t *sums, *ring;
	struct dsa_tensor_map a_map, b_map, c_map, d_map;
	uint64_t tiles, tiles_n, steps;       /* of D; of D across; along k */
	uint64_t load_tile, load_step, loads; /* the slices to be loaded next; how many were */
	uint64_t used;                        /* slices that were multiplied */
	uint32_t c_phase;
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t div_up(uint32_t a, uint32_t b)
{
	return a / b + (a % b != 0);
}

static uint32_t line_up(uint32_t v)
{
	return (v + LINE - 1) / LINE * LINE;
}

static uint32_t type_size(uint32_t type)
{
	switch (type) {
	case DSA_TYPE_U8:
	case DSA_TYPE_I8:
	case DSA_TYPE_F8E4M3:
	case DSA_TYPE_F8E5M2:
		return 1;
	case DSA_TYPE_F16:
	case DSA_TYPE_BF16:
		return 2;
	case DSA_TYPE_F32:
	case DSA_TYPE_TF32:
	case DSA_TYPE_I32:
		return 4;
	case DSA_TYPE_F64:
		return 8;
	default:
		dsa_trap(); /* smaller than a byte, in blocks, or no type */
	}
}

/* The unit adds in this type. What does not go together it refuses itself. */
static uint8_t sum_type(uint32_t a_type)
{
	if (a_type == DSA_TYPE_F64)
		return DSA_TYPE_F64;
	return a_type == DSA_TYPE_I8 || a_type == DSA_TYPE_U8 ? DSA_TYPE_I32 : DSA_TYPE_F32;
}

/* ---- shapes ---- */

/* Tiles of at most about @m x @n, slices @k deep (0: as deep as is good). False: they do not fit. */
static bool shape_make(const struct gemm *g, struct shape *s, uint32_t m, uint32_t n, uint32_t k)
{
	uint64_t room = dsa_scratchpad_size() - STACK_BYTES - sizeof(struct header) - 64;
	uint32_t wide = g->a_size > g->b_size ? g->a_size : g->b_size;
	uint32_t unit = g->sum_size > g->d_size ? g->sum_size : g->d_size;
	uint64_t sums;

	/* No more tiles than with these, but all of the same size. */
	m = div_up(g->m, div_up(g->m, m));
	n = div_up(g->n, div_up(g->n, n));
	k = min_u32(k ? k : wide > 4 ? 32 : wide > 2 ? 64 : 128, g->k ? g->k : 1);
	s->rows = div_up(m, DSA_MATRIX_MAX);
	s->cols = div_up(n, DSA_MATRIX_MAX);
	s->block_m = line_up(div_up(m, s->rows));
	s->block_n = line_up(div_up(n, s->cols));
	s->tile_m = s->block_m * s->rows;
	s->tile_n = s->block_n * s->cols;
	s->tile_k = line_up(min_u32(k, DSA_MATRIX_MAX));
	s->block_bytes = s->block_m * s->block_n * unit;
	s->a_bytes = s->tile_m * s->tile_k * g->a_size;
	s->b_bytes = s->tile_n * s->tile_k * g->b_size;
	sums = (uint64_t)s->block_bytes * s->rows * s->cols;
	if (sums >= room)
		return false;
	s->stages = min_u32(STAGES_MAX, (uint32_t)((room - sums) / (s->a_bytes + s->b_bytes)));
	return s->stages >= 2;
}

static uint64_t shape_tiles(const struct gemm *g, const struct shape *s)
{
	return (uint64_t)div_up(g->m, s->tile_m) * div_up(g->n, s->tile_n);
}

/*
 * What all tiles take, in products of the unit for each k: the largest tiles
 * multiply the most for what they load, smaller ones leave no program idle.
 * As a core's share of the default device loads an element, it multiplies 300
 * times, or 40 times in F32 and F64.
 */
static uint64_t shape_cost(const struct gemm *g, const struct shape *s)
{
	uint64_t programs = dsa_grid_size(0);
	uint64_t turns = (shape_tiles(g, s) + programs - 1) / programs;
	uint64_t rate = g->a_type == DSA_TYPE_F32 || g->a_type == DSA_TYPE_F64 ? 40 : 300;
	uint64_t load = rate * (s->tile_m + s->tile_n);
	uint64_t multiply = (uint64_t)s->tile_m * s->tile_n;

	return turns * (load > multiply ? load : multiply);
}

static void choose_shape(struct gemm *g)
{
	static const uint16_t edges[][2] = {
		{ 768, 768 }, { 512, 512 }, { 256, 512 }, { 256, 256 }, { 128, 128 }, { 64, 64 },
	};
	const unsigned int count = sizeof(edges) / sizeof(edges[0]);
	uint64_t least = UINT64_MAX;
	unsigned int best = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t cost;

		if (!shape_make(g, &g->s, edges[i][0], edges[i][1], 0))
			continue;
		cost = shape_cost(g, &g->s);
		if (cost < least) {
			least = cost;
			best = i;
		}
	}
	if (!shape_make(g, &g->s, edges[best][0], edges[best][1], 0))
		dsa_trap(); /* a scratchpad of a few KiB */
}

/* ---- loads ---- */

struct matrix {
	const void *base;
	uint64_t pitch; /* elements */
	uint32_t type, rows, cols;
};

/* Fills in @map, which is zero, for boxes of @rows x @cols. */
static void map_init(struct dsa_tensor_map *map, const struct matrix *of, uint32_t rows,
		     uint32_t cols)
{
	map->base = (uint64_t)of->base;
	map->strides[0] = of->pitch * type_size(of->type);
	map->dims[0] = of->cols;
	map->dims[1] = of->rows;
	map->box[0] = (uint16_t)cols;
	map->box[1] = (uint16_t)rows;
	map->steps[0] = 1;
	map->steps[1] = 1;
	map->rank = 2;
	map->type = of->type == DSA_TYPE_TF32 ? DSA_TYPE_F32 : (uint8_t)of->type;
}

static void maps_init(struct gemm *g, const struct matrix *a, const struct matrix *b,
		      const struct matrix *c, const struct matrix *d)
{
	const struct shape *s = &g->s;

	if (g->flags & GEMM_A_TRANSPOSED)
		map_init(&g->a_map, a, s->tile_k, s->tile_m);
	else
		map_init(&g->a_map, a, s->tile_m, s->tile_k);
	if (g->flags & GEMM_B_TRANSPOSED)
		map_init(&g->b_map, b, s->tile_n, s->tile_k);
	else
		map_init(&g->b_map, b, s->tile_k, s->tile_n);
	if (g->beta != 0)
		map_init(&g->c_map, c, s->block_m, s->block_n);
	map_init(&g->d_map, d, s->block_m, s->block_n);
}

static int32_t tile_row(const struct gemm *g, uint64_t tile)
{
	return (int32_t)(tile / g->tiles_n * g->s.tile_m);
}

static int32_t tile_col(const struct gemm *g, uint64_t tile)
{
	return (int32_t)(tile % g->tiles_n * g->s.tile_n);
}

static uint8_t *stage_a(const struct gemm *g, uint64_t slice)
{
	return g->ring + slice % g->s.stages * (g->s.a_bytes + g->s.b_bytes);
}

/* Starts the loads of the next slices, if there are any. Their stage must be free. */
static void load_next(struct gemm *g)
{
	uint8_t *a = stage_a(g, g->loads), *b = a + g->s.a_bytes;
	struct dsa_mbarrier *full = &g->header->full[g->loads % g->s.stages];
	int32_t k = (int32_t)(g->load_step * g->s.tile_k);
	int32_t row = tile_row(g, g->load_tile), col = tile_col(g, g->load_tile);

	if (g->load_tile >= g->tiles || !g->steps)
		return;
	dsa_mbarrier_expect(full, g->s.a_bytes + g->s.b_bytes);
	if (g->flags & GEMM_A_TRANSPOSED)
		dsa_tensor_load(a, &g->a_map, full, row, k);
	else
		dsa_tensor_load(a, &g->a_map, full, k, row);
	if (g->flags & GEMM_B_TRANSPOSED)
		dsa_tensor_load(b, &g->b_map, full, k, col);
	else
		dsa_tensor_load(b, &g->b_map, full, col, k);
	dsa_mbarrier_arrive(full);
	g->loads++;
	if (++g->load_step == g->steps) {
		g->load_step = 0;
		g->load_tile += dsa_grid_size(0);
	}
}

/* ---- matrix operations ---- */

static uint8_t *block(const struct gemm *g, uint32_t i, uint32_t j)
{
	return g->sums + (uint64_t)(i * g->s.cols + j) * g->s.block_bytes;
}

/* The part of block (@i, @j) of the tile that is in D; false when there is none. */
static bool block_clip(const struct gemm *g, struct dsa_matrix_op *op, uint64_t tile, uint32_t i,
		       uint32_t j)
{
	uint32_t row = (uint32_t)tile_row(g, tile) + i * g->s.block_m;
	uint32_t col = (uint32_t)tile_col(g, tile) + j * g->s.block_n;

	if (row >= g->m || col >= g->n)
		return false;
	op->m = (uint16_t)min_u32(g->s.block_m, g->m - row);
	op->n = (uint16_t)min_u32(g->s.block_n, g->n - col);
	return true;
}

static struct dsa_matrix_tile sums_tile(const struct gemm *g, uint32_t i, uint32_t j)
{
	return dsa_tile(g->sum_type, block(g, i, j), g->s.block_n * g->sum_size);
}

/* The block as it is in C and D. It is read before anything of it is written. */
static struct dsa_matrix_tile result_tile(const struct gemm *g, uint32_t i, uint32_t j)
{
	return dsa_tile(g->d_type, block(g, i, j), g->s.block_n * g->d_size);
}

/* A product that adds nothing: for what the unit does besides multiplying. */
static void no_product(const struct gemm *g, struct dsa_matrix_op *op)
{
	op->a = dsa_tile_transposed(g->a_type, g->header->zeros, sizeof(g->header->zeros));
	op->b = dsa_tile(g->b_type, g->header->zeros, sizeof(g->header->zeros));
	op->k = 1;
}

/*
 * sums = beta / alpha C; the last operation multiplies all by alpha. Without a
 * product to come (alpha or k is 0), D = beta C at once.
 */
static void begin_sums(struct gemm *g, uint64_t tile)
{
	struct dsa_matrix_op op = { .scale = g->steps ? g->beta / g->alpha : g->beta };
	int32_t row = tile_row(g, tile), col = tile_col(g, tile);
	uint32_t box = g->s.block_m * g->s.block_n * g->d_size;

	no_product(g, &op);
	for (uint32_t i = 0; i < g->s.rows; i++)
		for (uint32_t j = 0; j < g->s.cols; j++) {
			if (!block_clip(g, &op, tile, i, j))
				continue;
			if (g->beta != 0) {
				dsa_mbarrier_expect(&g->header->c_full, box);
				dsa_tensor_load(block(g, i, j), &g->c_map, &g->header->c_full,
						col + (int32_t)(j * g->s.block_n),
						row + (int32_t)(i * g->s.block_m));
			}
		}
	dsa_mbarrier_arrive(&g->header->c_full);
	dsa_mbarrier_wait(&g->header->c_full, g->c_phase++ & 1);
	for (uint32_t i = 0; i < g->s.rows; i++)
		for (uint32_t j = 0; j < g->s.cols; j++) {
			if (!block_clip(g, &op, tile, i, j))
				continue;
			if (g->beta != 0)
				op.c = result_tile(g, i, j);
			op.d = g->steps ? sums_tile(g, i, j) : result_tile(g, i, j);
			op.flags = !g->steps && g->flags & GEMM_SATURATE ? DSA_MATRIX_SATURATE : 0;
			dsa_matrix_start(&op);
		}
}

/* sums += slice of A x slice of B, for all blocks; the last one makes D of them. */
static void multiply(struct gemm *g, uint64_t tile, uint64_t step)
{
	bool a_t = g->flags & GEMM_A_TRANSPOSED, b_t = g->flags & GEMM_B_TRANSPOSED;
	bool first = step == 0 && g->beta == 0, last = step == g->steps - 1;
	uint8_t *a = stage_a(g, g->used), *b = a + g->s.a_bytes;
	uint32_t a_pitch = (a_t ? g->s.tile_m : g->s.tile_k) * g->a_size;
	uint32_t b_pitch = (b_t ? g->s.tile_k : g->s.tile_n) * g->b_size;
	/* From a block's operand to the next one's. */
	uint32_t a_next = g->s.block_m * (a_t ? g->a_size : a_pitch);
	uint32_t b_next = g->s.block_n * (b_t ? b_pitch : g->b_size);
	struct dsa_matrix_op op = {
		.a = a_t ? dsa_tile_transposed(g->a_type, a, a_pitch) :
			   dsa_tile(g->a_type, a, a_pitch),
		.b = b_t ? dsa_tile_transposed(g->b_type, b, b_pitch) :
			   dsa_tile(g->b_type, b, b_pitch),
		.k = (uint16_t)min_u32(g->s.tile_k, g->k - (uint32_t)step * g->s.tile_k),
		.scale = last ? g->alpha : 1,
		.flags = last && g->flags & GEMM_SATURATE ? DSA_MATRIX_SATURATE : 0,
	};

	dsa_mbarrier_wait(&g->header->full[g->used % g->s.stages], g->used / g->s.stages & 1);
	dsa_matrix_wait(); /* for the slice before; this one is described while it is multiplied */
	for (uint32_t i = 0; i < g->s.rows; i++)
		for (uint32_t j = 0; j < g->s.cols; j++) {
			if (!block_clip(g, &op, tile, i, j))
				continue;
			op.a.addr = (uint64_t)a + i * a_next;
			op.b.addr = (uint64_t)b + j * b_next;
			if (!first)
				op.c = sums_tile(g, i, j);
			op.d = last ? result_tile(g, i, j) : sums_tile(g, i, j);
			dsa_matrix_start(&op);
		}
	g->used++;
}

static void store_tile(struct gemm *g, uint64_t tile)
{
	int32_t row = tile_row(g, tile), col = tile_col(g, tile);
	struct dsa_matrix_op clip;

	for (uint32_t i = 0; i < g->s.rows; i++)
		for (uint32_t j = 0; j < g->s.cols; j++)
			if (block_clip(g, &clip, tile, i, j))
				dsa_tensor_store(&g->d_map, block(g, i, j),
						 col + (int32_t)(j * g->s.block_n),
						 row + (int32_t)(i * g->s.block_m));
}

static void make_tile(struct gemm *g, uint64_t tile)
{
	dsa_stores_wait(); /* of the tile before, from where this one's sums will be */
	if (g->beta != 0 || !g->steps)
		begin_sums(g, tile);
	for (uint64_t step = 0; step < g->steps; step++) {
		multiply(g, tile, step);
		/* The slice before has been multiplied: its stage is free. */
		load_next(g);
	}
	dsa_matrix_wait();
	store_tile(g, tile);
}

static void prepare(struct gemm *g)
{
	uint8_t *p = dsa_scratchpad();

	g->header = (struct header *)p;
	g->sums = p + (sizeof(struct header) + 63) / 64 * 64;
	g->ring = g->sums + (uint64_t)g->s.block_bytes * g->s.rows * g->s.cols;
	if (g->beta != 0 || g->alpha == 0 || !g->k)
		__builtin_memset(g->header->zeros, 0, sizeof(g->header->zeros));
	for (uint32_t i = 0; i < STAGES_MAX; i++)
		dsa_mbarrier_init(&g->header->full[i], 1);
	dsa_mbarrier_init(&g->header->c_full, 1);
	g->tiles = shape_tiles(g, &g->s);
	g->tiles_n = div_up(g->n, g->s.tile_n);
	g->steps = g->alpha != 0 ? div_up(g->k, g->s.tile_k) : 0;
	g->load_tile = dsa_program_id(0);
}

/* gemm.h says what the arguments are. Uses the whole scratchpad. */
DSA_KERNEL_SIZED(gemm, 64 * 1024, STACK_BYTES, (void *, d), (const void *, a), (const void *, b),
		 (const void *, c), (uint64_t, ldd), (uint64_t, lda), (uint64_t, ldb),
		 (uint64_t, ldc), (uint32_t, m), (uint32_t, n), (uint32_t, k), (uint32_t, d_type),
		 (uint32_t, a_type), (uint32_t, b_type), (float, alpha), (float, beta),
		 (uint32_t, flags), (uint32_t, tile_m), (uint32_t, tile_n), (uint32_t, tile_k))
{
	bool a_t = flags & GEMM_A_TRANSPOSED, b_t = flags & GEMM_B_TRANSPOSED;
	struct gemm g = {
		.m = m,
		.n = n,
		.k = k,
		.flags = flags,
		.alpha = alpha,
		.beta = beta,
		.a_type = (uint8_t)a_type,
		.b_type = (uint8_t)b_type,
		.d_type = (uint8_t)d_type,
		.sum_type = sum_type(a_type),
		.a_size = type_size(a_type),
		.b_size = type_size(b_type),
		.d_size = type_size(d_type),
	};

	g.sum_size = type_size(g.sum_type);
	if (!m || !n)
		return;
	if (!tile_m || !tile_n)
		choose_shape(&g);
	else if (!shape_make(&g, &g.s, tile_m, tile_n, tile_k))
		dsa_trap(); /* the tiles do not fit into the scratchpad */
	prepare(&g);
	maps_init(&g, &(struct matrix){ a, lda, a_type, a_t ? k : m, a_t ? m : k },
		  &(struct matrix){ b, ldb, b_type, b_t ? n : k, b_t ? k : n },
		  &(struct matrix){ c, ldc, d_type, m, n },
		  &(struct matrix){ d, ldd, d_type, m, n });
	/* One stage stays free: multiplying the first slice loads into it. */
	for (uint32_t i = 0; i + 1 < g.s.stages; i++)
		load_next(&g);
	for (uint64_t tile = dsa_program_id(0); tile < g.tiles; tile += dsa_grid_size(0))
		make_tile(&g, tile);
}

_Static_assert(sizeof(struct gemm_args) == sizeof(struct dsa_args_gemm) &&
		       offsetof(struct gemm_args, tile_k) == offsetof(struct dsa_args_gemm, tile_k),
	       "one and the same");
