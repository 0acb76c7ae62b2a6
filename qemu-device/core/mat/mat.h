/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix unit: D = A x B + C on tiles in memory.
 *
 * Each output starts from its element of C and takes one fused multiply-add
 * per product, in increasing k: in FP32, in FP64 when A and B are FP64, and
 * modulo 2^32 for integers. The result never depends on the host, nor on how
 * the tiles overlap: it is as if A, B and C were read before D is written.
 * docs/numerics.md has the rules in full.
 */
#ifndef DSA_CORE_MAT_MAT_H
#define DSA_CORE_MAT_MAT_H

#include "../num/num.h"

#define MAT_MAX_DIM 1024

/*
 * A matrix as rows, @pitch bytes from one to the next; @transposed: the rows
 * of the tile are the columns of the matrix. Elements of less than a byte
 * are packed as num.h says, each row starting at a byte; blocks run along the
 * rows of the tile, whatever the orientation. The scales of MX types are a tile
 * of bytes of their own, with a row for each row and a byte for each block.
 * Nothing need be aligned. A pitch of 0 repeats a row (A, B, C).
 */
struct mat_tile {
	enum num_type type;
	bool transposed;
	void *data;
	size_t pitch;
	const uint8_t *scales;
	size_t scale_pitch;
};

struct mat_op {
	unsigned int m, n, k; /* A is m x k, B is k x n, C and D are m x n */
	struct mat_tile a, b;
	struct mat_tile c; /* data NULL: zeros */
	struct mat_tile d;
	float scale;            /* of the sums, before they are converted to D's type */
	struct num_round round; /* of D; element (i, j) is number i * n + j */
};

enum mat_status {
	MAT_OK,
	MAT_BAD_SIZE,   /* m, n or k is 0 or beyond MAT_MAX_DIM */
	MAT_BAD_TYPE_A, /* not an operand type */
	MAT_BAD_TYPE_B, /* does not go with A's */
	MAT_BAD_TYPE_C, /* not exact in the accumulator */
	MAT_BAD_TYPE_D, /* not a plain type */
	MAT_BAD_SCALES, /* MX without scales */
	MAT_BAD_PITCH,  /* D's rows overlap */
	MAT_NO_MEMORY,
};

const char *mat_status_text(enum mat_status s);

/* What the sums are kept in for operands of these types: NUM_FP32, NUM_FP64, NUM_INT32; or NUM_TYPES:
 * the two do not go together.
 */
enum num_type mat_accumulator(enum num_type a, enum num_type b);

/*
 * Bytes from the start of a tile of @rows x @cols (of the matrix) to its end, SIZE_MAX when there are
 * more: what the caller checks against the memory it has. Type and sizes must be checked before.
 */
size_t mat_tile_bytes(const struct mat_tile *t, unsigned int rows, unsigned int cols);
size_t mat_tile_scale_bytes(const struct mat_tile *t, unsigned int rows, unsigned int cols);

enum mat_status mat_check(const struct mat_op *op);

/* Private buffers of one thread. They grow with the operations seen. */
struct mat_unit;
struct mat_unit *mat_unit_new(void); /* NULL: no memory */
void mat_unit_free(struct mat_unit *u);

enum mat_status mat_run(struct mat_unit *u, const struct mat_op *op);

/* The reference: three loops. Same results, same refusals. */
enum mat_status mat_run_reference(const struct mat_op *op);

#endif /* DSA_CORE_MAT_MAT_H */
