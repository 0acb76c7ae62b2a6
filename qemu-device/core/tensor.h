/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the tensor engine share: an operation under way.
 *
 *	tensor.c	the operation: where it goes, what it takes
 *	tensor_check.c	its descriptors
 *	tensor_box.c	elements of a tiled box, or of one whose last dimension is a list
 *	tensor_im2col.c	elements of an im2col box
 *	tensor_rows.c	rows of a box, to or from memory
 *	tensor_copy.c	copying between the two
 */
#ifndef DSA_CORE_TENSOR_H
#define DSA_CORE_TENSOR_H

#include "core_int.h"
#include "elem.h"

/* Of the elements 0 .. of a dimension of the box, those of the tensor: [lo, hi). */
struct span {
	int64_t lo, hi;
};

struct box {
	struct dsa_unit *u;
	struct rv_ext *x;
	struct dsa_tensor_op op;
	struct dsa_tensor_map map;
	uint32_t esize;
	uint64_t count[DSA_TENSOR_RANK]; /* elements of the box; beyond what it has: 1 */
	uint64_t part[DSA_TENSOR_RANK];  /* bytes of the box in the dimensions below */
	uint64_t bytes;                  /* of the whole box */
	struct span columns;             /* of dimension 0 */
	uint8_t *spad;        /* its scratchpad memory; of a multicast: in the first rank */
	uint8_t *peer;        /* of a copy between scratchpads: the other end */
	const uint8_t *list;  /* of a list of rows in a scratchpad: there */
	struct dsa_xlat page; /* of the latest access */
	/* Bytes outside the scratchpad, by enum dsa_bytes. */
	uint64_t moved[DSA_BYTES_SCRATCHPAD_READ];
};

static inline bool op_reduces(const struct dsa_tensor_op *op)
{
	return op->op >= DSA_TENSOR_ADD && op->op <= DSA_TENSOR_MAX;
}

/* ---- tensor_check.c ---- */
bool tensor_map_ok(const struct dsa_tensor_map *m);
bool tensor_op_ok(const struct dsa_unit *u, const struct dsa_tensor_op *op);
/* Does the one go with the other? Both are well in themselves. */
bool tensor_op_suits(const struct dsa_tensor_op *op, const struct dsa_tensor_map *m);
/* A copy between scratchpads of the cluster? */
bool op_to_peer(const struct dsa_tensor_op *op);
/* Dimensions of the box. */
unsigned int box_rank(const struct dsa_tensor_map *m);

/* ---- tensor_box.c ---- */
/* Where @count elements from @first on, @step apart, are in a dimension of @dims. */
struct span span_of(int64_t first, int64_t step, int64_t dims, int64_t count);
bool box_move(struct box *b);
bool box_move_list(struct box *b);

/* ---- tensor_im2col.c ---- */
/* The fields of a map that are only im2col's, and those that differ there. */
bool im2col_map_ok(const struct dsa_tensor_map *m);
bool im2col_move(struct box *b);

/* ---- tensor_rows.c: false, the fault recorded ---- */
/* @len bytes at @va, all of them in the tensor, from or to offset @off of the box. */
bool rows_run(struct box *b, uint64_t va, uint64_t off, uint64_t len);
/* @len bytes of memory, whatever the operation. */
bool rows_read(struct box *b, uint64_t va, void *buf, size_t len);
/*
 * @count rows of the box from @off on. Element 0 of the tensor's row is at @va,
 * of the next at @va + @pitch, and so on.
 */
bool rows_move(struct box *b, uint64_t va, uint64_t pitch, uint64_t off, uint64_t count);
/* @len bytes of the box that are outside. */
void rows_outside(struct box *b, uint64_t off, uint64_t len);

/* ---- tensor_copy.c ---- */
#define SWIZZLE_CHUNK 16  /* bytes that swizzling keeps together */
#define SWIZZLE_LINE  128 /* and within which it moves them */

/* Of @count rows of @len bytes: where the first is, and how far apart they are. */
struct copy_side {
	uint8_t *p;
	uint64_t pitch;
};
void copy_rows(struct copy_side to, struct copy_side from, uint64_t len, uint64_t count);
/* Offset in the box, swizzled: the box is aligned, so offsets swizzle as addresses do. */
uint64_t swizzled(unsigned int swizzle, uint64_t off);
/* @len bytes between @flat and offset @off of the swizzled box at @box. */
void copy_swizzle(uint8_t *box, uint64_t off, const uint8_t *flat, uint64_t len,
		  unsigned int swizzle);
void copy_unswizzle(uint8_t *flat, const uint8_t *box, uint64_t off, uint64_t len,
		    unsigned int swizzle);

#endif /* DSA_CORE_TENSOR_H */
