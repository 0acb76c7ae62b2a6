/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of tensors: their types, and atomic operations on them in memory. */
#ifndef DSA_CORE_ELEM_H
#define DSA_CORE_ELEM_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/dsa_cmd.h"

struct dsa_mem;

struct elem_type {
	uint8_t size;
	bool floating, reducible;
	uint64_t nan; /* quiet */
};

extern const struct elem_type elem_types[DSA_TYPE_TENSOR_COUNT];

/* @op is DSA_TENSOR_ADD, MIN or MAX, @type a reducible one. */
struct elem_op {
	uint8_t op, type;
};

/* What an element @old becomes by @val, both zero-extended; the low bits of the result. */
uint64_t elem_combine(struct elem_op o, uint64_t old, uint64_t val);
/* The same on memory of the host at @p, aligned, atomically. Returns what was there. */
uint64_t elem_update(struct elem_op o, void *p, uint64_t val);
/*
 * The same at @va, aligned, in HBM or system memory: atomic towards all engines
 * of the device. Returns 0, with what was there in *@old, or an error code. Claim.
 */
uint32_t elem_update_mem(struct elem_op o, struct dsa_mem *m, uint64_t va, uint64_t val,
			 uint64_t *old);

#endif /* DSA_CORE_ELEM_H */
