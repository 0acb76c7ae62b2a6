/* SPDX-License-Identifier: MIT */
/*
 * y = x W as a roofline sees it: W streams through the cores once, x goes with
 * it, and the sums stay in the scratchpad. Operands are BF16 or of 8 bits, y
 * is BF16. Each program makes TILE_N columns of y.
 *
 *	tensor engine	load slice 4     load slice 5 ...
 *	matrix unit	sums += slice 0  sums += slice 1 ...
 *
 * A slice of x and W is in one of STAGES places. full says that it has come,
 * empty that it has been multiplied; so neither engine waits for the program.
 */
#include <dsa/kernel.h>

#define TILE_N  768
#define ROWS    512 /* of x at a time: their sums fill most of a scratchpad of 2 MiB */
#define BLOCK   256
#define STAGES  4
#define SLICES  (320 * 1024) /* bytes of all stages at least */
#define COLUMNS (TILE_N / BLOCK)

struct header {
	struct dsa_mbarrier full[STAGES], empty[STAGES];
};

struct job {
	struct header *header;
	uint8_t *sums, *ring;
	struct dsa_tensor_map x, w, y;
	uint32_t rows, blocks, block_m; /* of a tile of y; blocks of it; rows of a block */
	uint32_t depth, steps, size;    /* of a slice: elements, how many, bytes of an element */
	uint32_t x_bytes, slice_bytes;
	uint32_t tiles, loads, used;
	struct dsa_matrix_op ops[ROWS / BLOCK][COLUMNS];
};

static void map_init(struct dsa_tensor_map *map, const void *base, uint32_t type, uint32_t size,
		     uint32_t rows, uint32_t cols, uint32_t box_rows, uint32_t box_cols)
{
	map->base = (uint64_t)base;
	map->strides[0] = (uint64_t)cols * size;
	map->dims[0] = cols;
	map->dims[1] = rows;
	map->box[0] = (uint16_t)box_cols;
	map->box[1] = (uint16_t)box_rows;
	map->steps[0] = map->steps[1] = 1;
	map->rank = 2;
	map->type = (uint8_t)type;
}

static uint8_t *stage(const struct job *j, uint32_t slice)
{
	return j->ring + slice % STAGES * j->slice_bytes;
}

/* Slices are loaded in the order of their use, from one tile into the next. */
static void load_next(struct job *j)
{
	uint32_t n = j->loads, k = n % j->steps * j->depth;
	struct dsa_mbarrier *full = &j->header->full[n % STAGES];
	uint8_t *at = stage(j, n);

	if (n == j->tiles * j->steps)
		return;
	dsa_mbarrier_expect(full, j->slice_bytes);
	dsa_tensor_load(at, &j->x, full, (int32_t)k, (int32_t)(n / j->steps * j->rows));
	dsa_tensor_load(at + j->x_bytes, &j->w, full, (int32_t)(dsa_program_id(0) * TILE_N),
			(int32_t)k);
	dsa_mbarrier_arrive(full);
	j->loads++;
}

static void multiply(struct job *j, uint32_t step)
{
	uint32_t place = j->used % STAGES;
	uint8_t *x = stage(j, j->used), *w = x + j->x_bytes;

	dsa_mbarrier_wait(&j->header->full[place], j->used / STAGES & 1);
	for (uint32_t i = 0; i < j->blocks; i++)
		for (uint32_t c = 0; c < COLUMNS; c++) {
			struct dsa_matrix_op *op = &j->ops[i][c];

			op->a.addr = (uint64_t)x + i * j->block_m * j->depth * j->size;
			op->b.addr = (uint64_t)w + c * BLOCK * j->size;
			if (step == 1)
				op->c = op->d;
			if (step == j->steps - 1) {
				op->d.type = DSA_TYPE_BF16;
				op->d.pitch = BLOCK * 2;
			}
			dsa_matrix_start(op);
		}
	dsa_matrix_arrive(&j->header->empty[place]);
	j->used++;
	/* The slice before is done while this one is multiplied. */
	if (j->used >= 2)
		dsa_mbarrier_wait(&j->header->empty[(j->used - 2) % STAGES],
				  (j->used - 2) / STAGES & 1);
	if (j->used >= 2)
		load_next(j);
}

static void *block(const struct job *j, uint32_t i, uint32_t c)
{
	return j->sums + (uint64_t)(i * COLUMNS + c) * j->block_m * BLOCK * 4;
}

static void ops_init(struct job *j, uint32_t type)
{
	for (uint32_t i = 0; i < j->blocks; i++)
		for (uint32_t c = 0; c < COLUMNS; c++)
			j->ops[i][c] = (struct dsa_matrix_op){
				.a = dsa_tile(type, 0, j->depth * j->size),
				.b = dsa_tile(type, 0, TILE_N * j->size),
				.d = dsa_tile(DSA_TYPE_F32, block(j, i, c), BLOCK * 4),
				.m = (uint16_t)(j->rows - i * j->block_m < j->block_m ?
							j->rows - i * j->block_m :
							j->block_m),
				.n = BLOCK,
				.k = (uint16_t)j->depth,
				.scale = 1,
			};
}

static void store(const struct job *j, uint32_t tile)
{
	for (uint32_t i = 0; i < j->blocks; i++)
		for (uint32_t c = 0; c < COLUMNS; c++)
			dsa_tensor_store(&j->y, block(j, i, c),
					 (int32_t)(dsa_program_id(0) * TILE_N + c * BLOCK),
					 (int32_t)(tile * j->rows + i * j->block_m));
}

/* @batch at most 512, or a multiple of 512; @k a multiple of 256; a program for TILE_N columns. */
DSA_KERNEL_SIZED(roofline, 64 * 1024, 64 * 1024, (void *, y), (const void *, x), (const void *, w),
		 (uint32_t, batch), (uint32_t, k), (uint32_t, type))
{
	uint32_t n = dsa_grid_size(0) * TILE_N;
	struct job j = {
		.header = dsa_scratchpad(),
		.rows = batch < ROWS ? batch : ROWS,
		.depth = 256,
		.size = type == DSA_TYPE_BF16 ? 2 : 1,
	};

	j.tiles = batch / j.rows;
	j.blocks = (j.rows + BLOCK - 1) / BLOCK;
	/* Stores of whole blocks: rows of y that belong to the next are not there. */
	j.block_m = (j.rows + j.blocks - 1) / j.blocks;
	j.sums = (uint8_t *)(j.header + 1);
	j.ring = j.sums + (uint64_t)j.blocks * COLUMNS * j.block_m * BLOCK * 4;
	while (j.depth > 32 &&
	       (uint64_t)(j.rows + TILE_N) * j.depth * j.size * STAGES >
		       dsa_scratchpad_size() - 64 * 1024 - (uint64_t)(j.ring - (uint8_t *)j.header))
		j.depth /= 2;
	j.steps = k / j.depth;
	j.x_bytes = j.rows * j.depth * j.size;
	j.slice_bytes = j.x_bytes + TILE_N * j.depth * j.size;
	map_init(&j.x, x, type, j.size, batch, k, j.rows, j.depth);
	map_init(&j.w, w, type, j.size, k, n, j.depth, TILE_N);
	map_init(&j.y, y, DSA_TYPE_BF16, 2, batch, n, j.block_m, BLOCK);
	for (uint32_t i = 0; i < STAGES; i++) {
		dsa_mbarrier_init(&j.header->full[i], 1);
		dsa_mbarrier_init(&j.header->empty[i], 1);
	}
	for (uint32_t i = 0; i < STAGES; i++)
		load_next(&j);
	for (uint32_t tile = 0; tile < j.tiles; tile++) {
		dsa_stores_wait();
		ops_init(&j, type);
		for (uint32_t step = 0; step < j.steps; step++)
			multiply(&j, step);
		dsa_matrix_wait();
		store(&j, tile);
	}
}
