/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether descriptors of tensor operations are what docs/xdsa.md says they may be. */
#include "tensor.h"

_Static_assert(sizeof(struct dsa_tensor_map) == 128, "as documented");
_Static_assert(sizeof(struct dsa_tensor_op) == 64, "as documented");

#define FLAGS (DSA_TENSOR_BULK | DSA_TENSOR_MULTICAST | DSA_TENSOR_ROWS)

unsigned int box_rank(const struct dsa_tensor_map *m)
{
	return m->mode == DSA_TENSOR_IM2COL ? 2 : m->rank;
}

/* ---- the map ---- */

static bool unused_ok(const struct dsa_tensor_map *m)
{
	for (unsigned int d = m->rank; d < DSA_TENSOR_RANK; d++)
		if (m->dims[d] || m->steps[d] || (d && m->strides[d - 1]))
			return false;
	for (unsigned int d = box_rank(m); d < DSA_TENSOR_RANK; d++)
		if (m->box[d])
			return false;
	return !m->reserved8[0] && !m->reserved8[1] && !m->reserved8[2] && !m->reserved32 &&
	       !m->reserved[0] && !m->reserved[1] && !m->reserved[2];
}

/* Does the tensor lie within 48 bits? */
static bool extent_ok(const struct dsa_tensor_map *m, uint32_t esize)
{
	unsigned __int128 end = (unsigned __int128)m->base + (uint64_t)m->dims[0] * esize;

	for (unsigned int d = 1; d < m->rank; d++)
		end += (unsigned __int128)m->strides[d - 1] * (m->dims[d] - 1);
	return end <= 1ull << DSA_VA_BITS;
}

static bool enums_ok(const struct dsa_tensor_map *m)
{
	if (!m->rank || m->rank > DSA_TENSOR_RANK || m->type >= DSA_TYPE_TENSOR_COUNT ||
	    m->fill > DSA_FILL_NAN || m->swizzle > DSA_SWIZZLE_128B || m->mode > DSA_TENSOR_IM2COL)
		return false;
	return m->fill != DSA_FILL_NAN || elem_types[m->type].floating;
}

bool tensor_map_ok(const struct dsa_tensor_map *m)
{
	uint32_t esize;

	if (!enums_ok(m) || !unused_ok(m))
		return false;
	esize = elem_types[m->type].size;
	if (m->base % esize)
		return false;
	for (unsigned int d = 0; d < m->rank; d++)
		if (!m->dims[d] || !m->steps[d] || (d && m->strides[d - 1] % esize))
			return false;
	for (unsigned int d = 0; d < box_rank(m); d++)
		if (!m->box[d])
			return false;
	return im2col_map_ok(m) && extent_ok(m, esize);
}

/* ---- the operation ---- */

bool op_to_peer(const struct dsa_tensor_op *op)
{
	return op->flags & DSA_TENSOR_BULK && op->global - DSA_CLUSTER_BASE < DSA_CLUSTER_SPAN;
}

static bool ranks_ok(const struct dsa_unit *u, const struct dsa_tensor_op *op)
{
	if (!(op->flags & DSA_TENSOR_MULTICAST))
		return !op->ranks;
	return op->op == DSA_TENSOR_LOAD && op->ranks && !(op->ranks >> u->cluster->size);
}

static bool bulk_ok(const struct dsa_tensor_op *op)
{
	for (unsigned int d = 0; d < DSA_TENSOR_RANK; d++)
		if (op->coord[d])
			return false;
	return op->bytes && op->bytes % DSA_TENSOR_ALIGN == 0 && !op->rows && !op_reduces(op);
}

bool tensor_op_ok(const struct dsa_unit *u, const struct dsa_tensor_op *op)
{
	bool delivers = op->op == DSA_TENSOR_LOAD || (op->op == DSA_TENSOR_STORE && op_to_peer(op));

	if (op->op > DSA_TENSOR_PREFETCH || op->flags & ~FLAGS || !ranks_ok(u, op) ||
	    (!delivers && op->mbar))
		return false;
	switch (op->flags & (DSA_TENSOR_BULK | DSA_TENSOR_ROWS)) {
	case 0:
		return !op->bytes;
	case DSA_TENSOR_BULK:
		return bulk_ok(op);
	case DSA_TENSOR_ROWS:
		return op->bytes && op->bytes % sizeof(int32_t) == 0;
	default:
		return false;
	}
}

/* ---- the operation on that map ---- */

static bool im2col_ok(const struct dsa_tensor_map *m, const struct dsa_tensor_op *op)
{
	for (unsigned int i = m->rank - 2; i < DSA_TENSOR_RANK - 1; i++)
		if (op->taps[i])
			return false;
	return !(op->flags & DSA_TENSOR_ROWS) &&
	       (op->op == DSA_TENSOR_LOAD || op->op == DSA_TENSOR_PREFETCH);
}

static bool rows_ok(const struct dsa_tensor_map *m, const struct dsa_tensor_op *op)
{
	unsigned int last = m->rank - 1;

	return last && !op->coord[last] && m->steps[last] == 1 &&
	       op->bytes / sizeof(int32_t) <= m->box[last];
}

bool tensor_op_suits(const struct dsa_tensor_op *op, const struct dsa_tensor_map *m)
{
	for (unsigned int d = m->rank; d < DSA_TENSOR_RANK; d++)
		if (op->coord[d])
			return false;
	if (op_reduces(op) && !elem_types[m->type].reducible)
		return false;
	if (m->mode == DSA_TENSOR_IM2COL)
		return im2col_ok(m, op);
	if (op->flags & DSA_TENSOR_ROWS)
		return rows_ok(m, op);
	return !op->rows;
}
