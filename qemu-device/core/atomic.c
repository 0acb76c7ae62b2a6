/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Atomic operations on floating point numbers, one at a time. */
#include "core_int.h"
#include "elem.h"

static struct elem_op atomic_op(uint32_t insn)
{
	static const uint8_t types[] = { DSA_TYPE_F16, DSA_TYPE_BF16, DSA_TYPE_F32, DSA_TYPE_F64 };

	return (struct elem_op){ .op = DSA_TENSOR_ADD + (insn >> 27),
				 .type = types[insn >> 25 & 3] };
}

static uint64_t sign_extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

/* Scratchpads are as wide open to atomics as to loads and stores. */
static bool in_scratchpad(const struct dsa_unit *u, uint64_t va)
{
	return va - DSA_SCRATCHPAD_BASE < u->mem.core->cfg.scratch_size ||
	       va - DSA_CLUSTER_BASE < DSA_CLUSTER_SPAN;
}

bool atomic_execute(struct dsa_unit *u, struct rv_ext *x)
{
	struct elem_op o = atomic_op(x->insn);
	unsigned int size = elem_types[o.type].size;
	uint64_t va = x->rs1, val = x->rs2 & UINT64_MAX >> (64 - 8 * size), old;
	uint32_t err;
	void *p;

	if (va % size)
		return xdsa_fault(x, DSA_ERR_MISALIGNED, DSA_ACCESS_WRITE, va);
	if (in_scratchpad(u, va)) {
		p = xdsa_any_spad(u, x, va, size, size);
		if (!p)
			return xdsa_fault(x, DSA_ERR_SCRATCHPAD, DSA_ACCESS_WRITE, va);
		old = elem_update(o, p, val);
	} else {
		err = elem_update_mem(o, &u->mem, va, val, &old);
		if (err)
			return xdsa_fault(x, err, DSA_ACCESS_WRITE, va);
	}
	x->rd = sign_extend(old, size);
	return true;
}
