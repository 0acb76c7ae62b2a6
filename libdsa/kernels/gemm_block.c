/* SPDX-License-Identifier: MIT */
/*
 * D = alpha A x B' of all types that there are: activations by quantised
 * weights, in the way that both are stored, rows along k. gemm.c is for plain
 * types, any orientation, and sums that start from C.
 *
 * Whatever a type means, its rows come as bytes: 32 elements always end at a
 * byte, and a slice along k is so many blocks of 32. Scales of MX types come
 * beside them. The matrix unit decodes; its sums stay in the scratchpad while k
 * goes by. Where D is in blocks, the conversion unit makes them of the sums.
 *
 * The ring of stages is gemm.c's: see there, and docs/kernels.md.
 */
#include <dsa/kernel.h>
#include "gemm_block.h"
#include "packed.h"
#include "rows.h"

#define STAGES_MAX  4
#define STACK_BYTES (64 * 1024)
#define EDGE        16u /* tiles are multiples of it, so all parts of them lie at lines */

struct header {
	struct dsa_mbarrier full[STAGES_MAX];
};

/* An operand, in memory and as slices of it lie in a stage. */
struct side {
	uint32_t type, block, edge;               /* bytes of 32 elements; rows of a tile */
	uint32_t pitch, bytes, scale_pitch, size; /* of a slice: bytes without scales, with them */
	struct dsa_tensor_map map, scales;
};

struct gemm {
	uint32_t m, n, k, flags;
	float alpha;
	struct side a, b;
	uint32_t d_type, sum_type, slice;         /* elements of k at once */
	uint32_t block_m, block_n, rows, cols;    /* of a tile, in operations of the unit */
	uint32_t d_pitch, d_scale_pitch, d_bytes; /* of such a block of D: d_bytes without scales */
	uint32_t sum_pitch, part_bytes;           /* of its sums; room for either */
	uint32_t stages;
	struct dsa_tensor_map d_map, d_scales;
	struct header *header;
	uint8_t *sums, *ring;
	uint64_t tiles, tiles_n, steps;
	uint64_t load_tile, load_step, loads, used;
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t div_up(uint32_t a, uint32_t b)
{
	return a / b + (a % b != 0);
}

static uint32_t edge_up(uint32_t v)
{
	return div_up(v, EDGE) * EDGE;
}

static bool is_integer(uint32_t type)
{
	return type == DSA_TYPE_I8 || type == DSA_TYPE_U8 || type == DSA_TYPE_I4;
}

/* Results that the matrix unit does not write itself. */
static bool is_block(uint32_t type)
{
	return type >= DSA_TYPE_MXF8E4M3;
}

/* ---- shapes ---- */

/* Slices of @edge rows; and where the scales of one begin, behind its elements. */
static void side_shape(struct side *s, uint32_t edge, uint32_t slice)
{
	s->edge = edge;
	s->pitch = (uint32_t)packed_row(s->type, slice);
	s->bytes = s->pitch * edge;
	s->scale_pitch = packed_scaled(s->type) ? packed_scales(slice) : 0;
	s->size = s->bytes + edge_up(s->scale_pitch * edge);
}

/* Tiles of about @m x @n. False: they do not fit into the scratchpad. */
static bool shape_make(struct gemm *g, uint32_t m, uint32_t n)
{
	uint64_t room = dsa_scratchpad_size() - STACK_BYTES - sizeof(struct header), sums;

	/* No more tiles than with these, but all of the same size. */
	m = div_up(g->m, div_up(g->m, m));
	n = div_up(g->n, div_up(g->n, n));
	g->rows = div_up(m, DSA_MATRIX_MAX);
	g->cols = div_up(n, DSA_MATRIX_MAX);
	g->block_m = edge_up(div_up(m, g->rows));
	/* Blocks of D begin at multiples of 32. */
	g->block_n = div_up(div_up(n, g->cols), PACKED_BLOCK) * PACKED_BLOCK;
	g->sum_pitch = (uint32_t)packed_row(g->sum_type, g->block_n);
	g->d_pitch = (uint32_t)packed_row(g->d_type, g->block_n);
	g->d_bytes = g->d_pitch * g->block_m;
	g->d_scale_pitch = packed_scaled(g->d_type) ? packed_scales(g->block_n) : 0;
	g->part_bytes = g->block_m * (g->sum_pitch > g->d_pitch ? g->sum_pitch : g->d_pitch);
	side_shape(&g->a, g->block_m * g->rows, g->slice);
	side_shape(&g->b, g->block_n * g->cols, g->slice);
	sums = (uint64_t)g->part_bytes * g->rows * g->cols;
	if (sums >= room)
		return false;
	g->stages = min_u32(STAGES_MAX, (uint32_t)((room - sums) / (g->a.size + g->b.size)));
	return g->stages >= 2;
}

/* 32nds of the rate of BF16 at which the unit multiplies (docs/timing.md). */
static uint32_t rate_of(uint32_t type)
{
	switch (type) {
	case DSA_TYPE_F64:
		return 1;
	case DSA_TYPE_F32:
		return 2;
	case DSA_TYPE_TF32:
		return 16;
	case DSA_TYPE_I4:
	case DSA_TYPE_F4E2M1:
	case DSA_TYPE_MXF4E2M1:
		return 128;
	case DSA_TYPE_F16:
	case DSA_TYPE_BF16:
	case DSA_TYPE_Q8_0:
	case DSA_TYPE_Q4_0:
		return 32;
	default:
		return 64;
	}
}

/*
 * What all tiles take for each k: large ones multiply the most for what they
 * load, small ones leave no program idle. As a core's share of the default
 * device loads a byte, it multiplies 147 pairs of BF16.
 */
static uint64_t shape_cost(const struct gemm *g)
{
	uint64_t tiles = (uint64_t)div_up(g->m, g->a.edge) * div_up(g->n, g->b.edge);
	uint64_t turns = (tiles + dsa_grid_size(0) - 1) / dsa_grid_size(0);
	uint32_t rate = min_u32(rate_of(g->a.type), rate_of(g->b.type));
	uint64_t multiply = (uint64_t)g->a.edge * g->b.edge * 32 * 32 / rate;
	uint64_t load = 147 * ((uint64_t)g->a.edge * g->a.block + (uint64_t)g->b.edge * g->b.block);

	return turns * (load > multiply ? load : multiply);
}

static void choose_shape(struct gemm *g)
{
	static const uint16_t edges[][2] = {
		{ 512, 512 }, { 256, 512 }, { 256, 256 }, { 128, 128 }, { 64, 64 }, { 32, 32 },
	};
	const unsigned int count = sizeof(edges) / sizeof(edges[0]);
	uint64_t least = UINT64_MAX;
	unsigned int best = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t cost;

		if (!shape_make(g, edges[i][0], edges[i][1]))
			continue;
		cost = shape_cost(g);
		if (cost < least) {
			least = cost;
			best = i;
		}
	}
	if (!shape_make(g, edges[best][0], edges[best][1]))
		dsa_trap(); /* a scratchpad of a few KiB */
}

/* ---- loads ---- */

static void side_map(struct side *s, const void *base, uint64_t pitch, const void *scales,
		     uint64_t scale_pitch, uint32_t rows, uint32_t k)
{
	s->map = rows_map(base, pitch, rows, packed_row(s->type, k), s->edge, s->pitch);
	if (s->scale_pitch)
		s->scales = rows_map(scales, scale_pitch, rows, packed_scales(k), s->edge,
				     s->scale_pitch);
}

/* Slice @step of the rows from @row on. */
static void side_load(const struct side *s, uint8_t *to, struct dsa_mbarrier *full, uint32_t row,
		      uint64_t step)
{
	dsa_tensor_load(to, &s->map, full, (int32_t)(step * s->pitch), (int32_t)row);
	if (s->scale_pitch)
		dsa_tensor_load(to + s->bytes, &s->scales, full, (int32_t)(step * s->scale_pitch),
				(int32_t)row);
}

static uint32_t tile_row(const struct gemm *g, uint64_t tile)
{
	return (uint32_t)(tile / g->tiles_n) * g->a.edge;
}

static uint32_t tile_col(const struct gemm *g, uint64_t tile)
{
	return (uint32_t)(tile % g->tiles_n) * g->b.edge;
}

static uint8_t *stage_at(const struct gemm *g, uint64_t slice)
{
	return g->ring + slice % g->stages * (g->a.size + g->b.size);
}

/* Starts the loads of the next slices, if there are any. Their stage must be free. */
static void load_next(struct gemm *g)
{
	struct dsa_mbarrier *full = &g->header->full[g->loads % g->stages];
	uint8_t *a = stage_at(g, g->loads), *b = a + g->a.size;

	if (g->load_tile >= g->tiles)
		return;
	dsa_mbarrier_expect(full, g->a.bytes + g->a.scale_pitch * g->a.edge + g->b.bytes +
					  g->b.scale_pitch * g->b.edge);
	side_load(&g->a, a, full, tile_row(g, g->load_tile), g->load_step);
	side_load(&g->b, b, full, tile_col(g, g->load_tile), g->load_step);
	dsa_mbarrier_arrive(full);
	g->loads++;
	if (++g->load_step == g->steps) {
		g->load_step = 0;
		g->load_tile += dsa_grid_size(0);
	}
}

/* ---- operations ---- */

static uint8_t *part(const struct gemm *g, uint32_t i, uint32_t j)
{
	return g->sums + (uint64_t)(i * g->cols + j) * g->part_bytes;
}

/* How much of block (@i, @j) of the tile is in D; false: nothing. */
static bool part_clip(const struct gemm *g, uint64_t tile, uint32_t i, uint32_t j, uint32_t *rows,
		      uint32_t *cols)
{
	uint32_t row = tile_row(g, tile) + i * g->block_m;
	uint32_t col = tile_col(g, tile) + j * g->block_n;

	if (row >= g->m || col >= g->n)
		return false;
	*rows = min_u32(g->block_m, g->m - row);
	*cols = min_u32(g->block_n, g->n - col);
	return true;
}

/* The slice at @at, from its row @first on. */
static struct dsa_matrix_tile side_tile(const struct side *s, const uint8_t *at, uint32_t first)
{
	if (!s->scale_pitch)
		return dsa_tile(s->type, at + first * s->pitch, s->pitch);
	return dsa_tile_scaled(s->type, at + first * s->pitch, s->pitch,
			       at + s->bytes + first * s->scale_pitch, s->scale_pitch);
}

static struct dsa_matrix_tile sums_tile(const struct gemm *g, uint32_t i, uint32_t j)
{
	return dsa_tile(g->sum_type, part(g, i, j), g->sum_pitch);
}

/* Elements and their scales take less than the sums did. */
static uint8_t *part_scales(const struct gemm *g, uint32_t i, uint32_t j)
{
	return part(g, i, j) + g->d_bytes;
}

static struct dsa_matrix_tile result_tile(const struct gemm *g, uint32_t i, uint32_t j)
{
	if (!g->d_scale_pitch)
		return dsa_tile(g->d_type, part(g, i, j), g->d_pitch);
	return dsa_tile_scaled(g->d_type, part(g, i, j), g->d_pitch, part_scales(g, i, j),
			       g->d_scale_pitch);
}

/* sums += slice of A x slice of B', for all blocks; the last one makes D of them. */
static void multiply(struct gemm *g, uint64_t tile, uint64_t step)
{
	bool last = step == g->steps - 1, direct = last && !is_block(g->d_type);
	const uint8_t *a = stage_at(g, g->used), *b = a + g->a.size;
	uint32_t rows, cols;
	struct dsa_matrix_op op = {
		.k = (uint16_t)min_u32(g->slice, g->k - (uint32_t)step * g->slice),
		.scale = direct ? g->alpha : 1,
		.flags = direct && g->flags & GEMM_BLOCK_SATURATE ? DSA_MATRIX_SATURATE : 0,
	};

	dsa_mbarrier_wait(&g->header->full[g->used % g->stages], g->used / g->stages & 1);
	dsa_matrix_wait(); /* for the slice before; this one is described while it is multiplied */
	for (uint32_t i = 0; i < g->rows; i++)
		for (uint32_t j = 0; j < g->cols; j++) {
			if (!part_clip(g, tile, i, j, &rows, &cols))
				continue;
			op.a = side_tile(&g->a, a, i * g->block_m);
			op.b = side_tile(&g->b, b, j * g->block_n);
			op.b.flags = DSA_MATRIX_TRANSPOSED;
			op.m = (uint16_t)rows;
			op.n = (uint16_t)cols;
			if (step)
				op.c = sums_tile(g, i, j);
			op.d = direct ? result_tile(g, i, j) : sums_tile(g, i, j);
			dsa_matrix_start(&op);
		}
	g->used++;
}

/* Sums to blocks, in the place of the sums. */
static void quantise(const struct gemm *g, uint64_t tile)
{
	struct dsa_convert_op op = { .scale = g->alpha };

	for (uint32_t i = 0; i < g->rows; i++)
		for (uint32_t j = 0; j < g->cols; j++) {
			if (!part_clip(g, tile, i, j, &op.rows, &op.cols))
				continue;
			op.src = sums_tile(g, i, j);
			op.dst = result_tile(g, i, j);
			dsa_convert_start(&op);
		}
	dsa_convert_wait();
}

static void store_tile(struct gemm *g, uint64_t tile)
{
	uint32_t rows, cols;

	for (uint32_t i = 0; i < g->rows; i++)
		for (uint32_t j = 0; j < g->cols; j++) {
			int32_t row = (int32_t)(tile_row(g, tile) + i * g->block_m);
			uint32_t col = tile_col(g, tile) + j * g->block_n;

			if (!part_clip(g, tile, i, j, &rows, &cols))
				continue;
			dsa_tensor_store(&g->d_map, part(g, i, j),
					 (int32_t)packed_row(g->d_type, col), row);
			if (g->d_scale_pitch)
				dsa_tensor_store(&g->d_scales, part_scales(g, i, j),
						 (int32_t)packed_scales(col), row);
		}
}

static void make_tile(struct gemm *g, uint64_t tile)
{
	dsa_stores_wait(); /* of the tile before, from where this one's sums will be */
	for (uint64_t step = 0; step < g->steps; step++) {
		multiply(g, tile, step);
		load_next(g); /* the slice before has been multiplied: its stage is free */
	}
	dsa_matrix_wait();
	if (is_block(g->d_type))
		quantise(g, tile);
	store_tile(g, tile);
}

static void prepare(struct gemm *g)
{
	uint8_t *p = dsa_scratchpad();

	g->header = (struct header *)p;
	g->sums = p + sizeof(struct header);
	g->ring = g->sums + (uint64_t)g->part_bytes * g->rows * g->cols;
	for (uint32_t i = 0; i < STAGES_MAX; i++)
		dsa_mbarrier_init(&g->header->full[i], 1);
	g->tiles_n = div_up(g->n, g->b.edge);
	g->tiles = g->tiles_n * div_up(g->m, g->a.edge);
	g->steps = div_up(g->k, g->slice);
	g->load_tile = dsa_program_id(0);
}

static struct side side_of(uint32_t type)
{
	if (!packed_bytes(type))
		dsa_trap(); /* no such type */
	return (struct side){ .type = type, .block = packed_bytes(type) };
}

/* gemm_block.h says what the arguments are. Uses the whole scratchpad. */
DSA_KERNEL_SIZED(gemm_block, 64 * 1024, STACK_BYTES, (void *, d), (void *, d_scales),
		 (const void *, a), (const void *, a_scales), (const void *, b),
		 (const void *, b_scales), (uint64_t, d_pitch), (uint64_t, d_scale_pitch),
		 (uint64_t, a_pitch), (uint64_t, a_scale_pitch), (uint64_t, b_pitch),
		 (uint64_t, b_scale_pitch), (uint32_t, m), (uint32_t, n), (uint32_t, k),
		 (uint32_t, d_type), (uint32_t, a_type), (uint32_t, b_type), (float, alpha),
		 (uint32_t, flags))
{
	uint32_t wide = packed_bytes(a_type) > packed_bytes(b_type) ? packed_bytes(a_type) :
								      packed_bytes(b_type);
	struct gemm g = {
		.m = m,
		.n = n,
		.k = k,
		.flags = flags,
		.alpha = alpha,
		.a = side_of(a_type),
		.b = side_of(b_type),
		.d_type = d_type,
		.sum_type = a_type == DSA_TYPE_F64 ? DSA_TYPE_F64 :
			    is_integer(a_type)     ? DSA_TYPE_I32 :
						     DSA_TYPE_F32,
		.slice = min_u32(k, wide > 128 ? 64 :
				    wide > 64  ? 128 :
						 DSA_MATRIX_MAX),
	};

	if (!m || !n)
		return;
	if (!packed_bytes(d_type) || !k || k % PACKED_BLOCK ||
	    (packed_small(d_type) && n % PACKED_BLOCK))
		dsa_trap();
	choose_shape(&g);
	prepare(&g);
	side_map(&g.a, a, a_pitch, a_scales, a_scale_pitch, m, k);
	side_map(&g.b, b, b_pitch, b_scales, b_scale_pitch, n, k);
	g.d_map = rows_map(d, d_pitch, m, packed_row(d_type, n), g.block_m, g.d_pitch);
	if (g.d_scale_pitch)
		g.d_scales = rows_map(d_scales, d_scale_pitch, m, packed_scales(n), g.block_m,
				      g.d_scale_pitch);
	/* One stage stays free: multiplying the first slice loads into it. */
	for (uint32_t i = 0; i + 1 < g.stages; i++)
		load_next(&g);
	for (uint64_t tile = dsa_program_id(0); tile < g.tiles; tile += dsa_grid_size(0))
		make_tile(&g, tile);
}

_Static_assert(sizeof(struct gemm_block_args) == sizeof(struct dsa_args_gemm_block) &&
		       offsetof(struct gemm_block_args, flags) ==
			       offsetof(struct dsa_args_gemm_block, flags),
	       "one and the same");
