/* SPDX-License-Identifier: MIT */
/*
 * A slow model of tensor operations: where each element of a box lies, one by
 * one, from the words of docs/xdsa.md. Boxes are at SPAD_BOX.
 */
#ifndef TESTS_CORE_TENSOR_MODEL_H
#define TESTS_CORE_TENSOR_MODEL_H

#include "rig.h"

#define DATA_BYTES  (1u << 20)
#define BOX_ROOM    (32u << 10)
#define MODEL_ELEMS (16u << 10) /* of a box, at most; and bytes of random ones */

extern const uint8_t type_size[DSA_TYPE_TENSOR_COUNT];
extern const uint64_t type_nan[DSA_TYPE_TENSOR_COUNT];

uint64_t box_elems(const struct dsa_tensor_map *m);
/* Byte @i of the box in the scratchpad, from the header's words on swizzling. */
uint64_t model_swizzle(const struct dsa_tensor_map *m, uint64_t i);
/*
 * Of each element of the box its byte offset from base, or -1 outside the tensor. Good until
 * the next call.
 */
const int64_t *model_box(const struct dsa_tensor_map *m, const int32_t *coord);

/* In DATA, with a box of at most MODEL_ELEMS bytes. */
void random_map(struct dsa_tensor_map *m, int32_t *coord, uint64_t *seed);
/* On that map, which it puts into memory. */
struct dsa_tensor_op box_op(struct rig *r, unsigned int op, const struct dsa_tensor_map *m,
			    const int32_t *coord);

/* A program that loads the box, of @bytes bytes, and leaves it at OUT. */
bool run_load(struct rig *r, const struct dsa_tensor_op *o, uint64_t bytes);
/* One that does @o with the box that is at OUT. */
bool run_store(struct rig *r, const struct dsa_tensor_op *o);

struct refusal {
	void (*change)(struct dsa_tensor_op *op, struct dsa_tensor_map *m);
	uint32_t code;
};

#define CHANGE(name, what)                                                   \
	static void name(struct dsa_tensor_op *op, struct dsa_tensor_map *m) \
	{                                                                    \
		(void)op;                                                    \
		(void)m;                                                     \
		what;                                                        \
	}

/* A load by @o, @m is fine; each change of the two is a fault of its code, at the start. */
void check_refusals(const struct refusal *list, size_t count, const struct dsa_tensor_map *m,
		    const struct dsa_tensor_op *o);

/* Is at OUT what the load of elements @at should have given? */
void check_load(struct rig *r, const struct dsa_tensor_map *m, const int64_t *at, uint64_t count);
/* What a store of @box leaves in memory, @mem being what is at base; in order. */
void model_store(uint8_t *mem, const uint8_t *box, const struct dsa_tensor_map *m,
		 const int64_t *at, uint64_t count);

#endif
