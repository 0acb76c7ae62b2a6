/* SPDX-License-Identifier: MIT */
/*
 * A matrix of any type into one of any other: plain, MX, Q8_0, Q4_0. The
 * conversion unit does it; this moves tiles there and back.
 *
 * Two tiles are under way: while one is converted, the next comes in and the
 * one before goes out. All types are loaded and stored as the bytes they take.
 */
#include <dsa/kernel.h>
#include "convert.h"
#include "packed.h"
#include "rows.h"

#define TILE_ROWS  32
#define TILE_COLS  512
#define TILE_BYTES (TILE_ROWS * TILE_COLS * 8)
#define SCALES     (TILE_ROWS * TILE_COLS / PACKED_BLOCK)

struct buffer {
	_Alignas(16) uint8_t data[TILE_BYTES];
	_Alignas(16) uint8_t scales[SCALES];
};

struct scratch {
	struct dsa_mbarrier full[2];
	struct buffer in[2], out[2];
};

/* A matrix, in memory and as a tile of it lies in the scratchpad. */
struct side {
	uint32_t type, pitch, bytes, scale_bytes; /* of a tile: of a row, of all, of its scales */
	struct dsa_tensor_map map, scales;
};

static struct side side_of(uint32_t type, const void *base, uint64_t pitch, const void *scales,
			   uint64_t scale_pitch, uint32_t rows, uint32_t cols)
{
	struct side s = { .type = type, .pitch = (uint32_t)packed_row(type, TILE_COLS) };

	if (!packed_bytes(type) || (packed_small(type) && cols % PACKED_BLOCK))
		dsa_trap();
	s.bytes = TILE_ROWS * s.pitch;
	s.map = rows_map(base, pitch, rows, packed_row(type, cols), TILE_ROWS, s.pitch);
	if (packed_scaled(type)) {
		s.scale_bytes = SCALES;
		s.scales = rows_map(scales, scale_pitch, rows, packed_scales(cols), TILE_ROWS,
				    SCALES / TILE_ROWS);
	}
	return s;
}

static struct dsa_matrix_tile tile_of(const struct side *s, struct buffer *b)
{
	if (!s->scale_bytes)
		return dsa_tile(s->type, b->data, s->pitch);
	return dsa_tile_scaled(s->type, b->data, s->pitch, b->scales, SCALES / TILE_ROWS);
}

static void load(struct scratch *s, unsigned int stage, const struct side *src, uint32_t row,
		 uint32_t col)
{
	struct dsa_mbarrier *full = &s->full[stage];

	dsa_mbarrier_expect(full, src->bytes + src->scale_bytes);
	dsa_tensor_load(s->in[stage].data, &src->map, full, (int32_t)packed_row(src->type, col),
			(int32_t)row);
	if (src->scale_bytes)
		dsa_tensor_load(s->in[stage].scales, &src->scales, full,
				(int32_t)packed_scales(col), (int32_t)row);
	dsa_mbarrier_arrive(full);
}

static void store(struct scratch *s, unsigned int stage, const struct side *dst, uint32_t row,
		  uint32_t col)
{
	dsa_tensor_store(&dst->map, s->out[stage].data, (int32_t)packed_row(dst->type, col),
			 (int32_t)row);
	if (dst->scale_bytes)
		dsa_tensor_store(&dst->scales, s->out[stage].scales, (int32_t)packed_scales(col),
				 (int32_t)row);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* convert.h says what the arguments are. A program takes every dsa_grid_size(0)-th tile. */
DSA_KERNEL_SIZED(convert, sizeof(struct scratch), 0, (void *, dst), (void *, dst_scales),
		 (const void *, src), (const void *, src_scales), (uint64_t, dst_pitch),
		 (uint64_t, dst_scale_pitch), (uint64_t, src_pitch), (uint64_t, src_scale_pitch),
		 (uint32_t, rows), (uint32_t, cols), (uint32_t, dst_type), (uint32_t, src_type),
		 (float, scale), (uint32_t, flags), (uint64_t, seed))
{
	struct scratch *s = dsa_scratchpad();
	uint64_t across = ((uint64_t)cols + TILE_COLS - 1) / TILE_COLS;
	uint64_t tiles = across * (((uint64_t)rows + TILE_ROWS - 1) / TILE_ROWS);
	uint64_t tile = dsa_program_id(0), step = dsa_grid_size(0);

	if (tile >= tiles)
		return;

	struct side from = side_of(src_type, src, src_pitch, src_scales, src_scale_pitch, rows,
				   cols);
	struct side to = side_of(dst_type, dst, dst_pitch, dst_scales, dst_scale_pitch, rows, cols);
	struct dsa_convert_op op = {
		.scale = scale,
		.flags = (flags & CONVERT_SATURATE ? DSA_CONVERT_SATURATE : 0) |
			 (flags & CONVERT_STOCHASTIC ? DSA_CONVERT_STOCHASTIC : 0),
	};

	dsa_mbarrier_init(&s->full[0], 1);
	dsa_mbarrier_init(&s->full[1], 1);
	load(s, 0, &from, (uint32_t)(tile / across * TILE_ROWS),
	     (uint32_t)(tile % across * TILE_COLS));
	for (uint64_t turn = 0; tile < tiles; tile += step, turn++) {
		unsigned int stage = turn & 1;
		uint32_t row = (uint32_t)(tile / across * TILE_ROWS);
		uint32_t col = (uint32_t)(tile % across * TILE_COLS);
		uint64_t next = tile + step;

		if (next < tiles)
			load(s, !stage, &from, (uint32_t)(next / across * TILE_ROWS),
			     (uint32_t)(next % across * TILE_COLS));
		op.src = tile_of(&from, &s->in[stage]);
		op.dst = tile_of(&to, &s->out[stage]);
		op.rows = min_u32(TILE_ROWS, rows - row);
		op.cols = min_u32(TILE_COLS, cols - col);
		/* No two tiles draw the same numbers, however the programs share them. */
		op.seed = op.flags & DSA_CONVERT_STOCHASTIC ? seed + tile : 0;
		dsa_mbarrier_wait(&s->full[stage], turn >> 1 & 1);
		/* Every other turn is enough: out[stage] was last stored from two turns ago. */
		if (stage == 0)
			dsa_stores_wait();
		dsa_convert_start(&op);
		dsa_convert_wait();
		store(s, stage, &to, row, col);
	}
}

_Static_assert(sizeof(struct convert_args) == sizeof(struct dsa_args_convert) &&
		       offsetof(struct convert_args, seed) ==
			       offsetof(struct dsa_args_convert, seed),
	       "one and the same");
