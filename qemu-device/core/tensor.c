/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tensor operations: boxes of tensors, and plain runs of bytes, between
 * memory and a core's scratchpad. Descriptors are copied once, then checked,
 * then used.
 */
#include "clock.h"
#include "tensor.h"

/* ---- what is described ---- */

static bool refuse(const struct box *b)
{
	return xdsa_fault(b->x, DSA_ERR_TENSOR_OP, DSA_ACCESS_NONE, b->x->rs1);
}

static void box_shape(struct box *b)
{
	const struct dsa_tensor_map *m = &b->map;

	b->esize = elem_types[m->type].size;
	b->columns = span_of(b->op.coord[0], m->steps[0], m->dims[0], m->box[0]);
	b->bytes = b->esize;
	for (unsigned int d = 0; d < DSA_TENSOR_RANK; d++) {
		b->count[d] = d < box_rank(m) ? m->box[d] : 1;
		if (b->op.flags & DSA_TENSOR_ROWS && d == m->rank - 1u)
			b->count[d] = b->op.bytes / sizeof(int32_t);
		b->part[d] = b->bytes;
		if (__builtin_mul_overflow(b->bytes, b->count[d], &b->bytes))
			b->bytes = UINT64_MAX;
	}
}

static bool box_map(struct box *b)
{
	if (b->op.flags & DSA_TENSOR_BULK) {
		b->bytes = b->op.bytes;
		return true;
	}
	if (!xdsa_descriptor(b->u, b->x, b->op.global, &b->map, sizeof(b->map)))
		return false;
	if (!tensor_map_ok(&b->map))
		return xdsa_fault(b->x, DSA_ERR_TENSOR_MAP, DSA_ACCESS_NONE, b->op.global);
	if (!tensor_op_suits(&b->op, &b->map))
		return refuse(b);
	box_shape(b);
	return true;
}

static bool box_spad(struct box *b)
{
	static const uint16_t align[] = { DSA_TENSOR_ALIGN, 256, 512, 1024 };
	static const uint16_t line[] = { 1, 32, 64, 128 };
	uint64_t bytes = b->bytes, unit = line[b->map.swizzle];

	/* Bounds the work of a prefetch too. */
	if (bytes > b->u->mem.core->cfg.scratch_size)
		return xdsa_fault(b->x, DSA_ERR_SCRATCHPAD, DSA_ACCESS_NONE, b->op.spad);
	if (b->op.op == DSA_TENSOR_PREFETCH)
		return true;
	bytes = (bytes + unit - 1) / unit * unit;
	b->spad = xdsa_spad(b->u, b->x, b->op.spad, bytes, align[b->map.swizzle]);
	if (b->spad && b->op.ranks)
		b->spad = b->u->cluster->unit[__builtin_ctz(b->op.ranks)]->spad +
			  (b->op.spad - DSA_SCRATCHPAD_BASE);
	return b->spad;
}

static bool box_peer(struct box *b)
{
	if (!op_to_peer(&b->op))
		return true;
	b->peer = xdsa_any_spad(b->u, b->x, b->op.global, b->bytes, DSA_TENSOR_ALIGN);
	return b->peer;
}

static bool box_list(struct box *b)
{
	if (!(b->op.flags & DSA_TENSOR_ROWS))
		return true;
	if (b->op.rows % sizeof(int32_t))
		return xdsa_fault(b->x, DSA_ERR_MISALIGNED, DSA_ACCESS_READ, b->op.rows);
	if (b->op.rows < DSA_SCRATCHPAD_BASE)
		return true;
	b->list = xdsa_any_spad(b->u, b->x, b->op.rows, b->op.bytes, sizeof(int32_t));
	return b->list;
}

/* ---- moving it ---- */

static void move_to_peer(struct box *b)
{
	if (b->op.op == DSA_TENSOR_LOAD)
		memmove(b->spad, b->peer, b->bytes);
	else if (b->op.op == DSA_TENSOR_STORE)
		memmove(b->peer, b->spad, b->bytes);
}

static bool move(struct box *b)
{
	if (b->peer) {
		move_to_peer(b);
		return true;
	}
	if (b->op.flags & DSA_TENSOR_BULK)
		return rows_run(b, b->op.global, 0, b->bytes);
	if (b->map.mode == DSA_TENSOR_IM2COL)
		return im2col_move(b);
	return b->op.flags & DSA_TENSOR_ROWS ? box_move_list(b) : box_move(b);
}

/* ---- multicast ---- */

/* Where swizzling keeps lines whole, whole lines; the box's own bytes of the last one. */
static void box_copy(const struct box *b, uint8_t *to)
{
	uint64_t lines = b->map.swizzle ? b->bytes / SWIZZLE_LINE * SWIZZLE_LINE : b->bytes;
	uint8_t last[SWIZZLE_LINE];

	memcpy(to, b->spad, lines);
	copy_unswizzle(last, b->spad, lines, b->bytes - lines, b->map.swizzle);
	copy_swizzle(to, lines, last, b->bytes - lines, b->map.swizzle);
}

/* From the first rank's scratchpad to the others'. */
static void box_multicast(const struct box *b)
{
	for (uint32_t left = b->op.ranks & (b->op.ranks - 1u); left; left &= left - 1)
		box_copy(b, b->u->cluster->unit[__builtin_ctz(left)]->spad +
				    (b->op.spad - DSA_SCRATCHPAD_BASE));
}

static bool deliver_multicast(struct box *b, uint64_t done)
{
	uint64_t off = b->op.mbar - DSA_SCRATCHPAD_BASE;

	if (!xdsa_spad(b->u, b->x, b->op.mbar, sizeof(struct dsa_mbarrier), DSA_MBARRIER_ALIGN))
		return false;
	for (uint32_t left = b->op.ranks; left; left &= left - 1) {
		uint64_t base = DSA_CLUSTER_BASE + __builtin_ctz(left) * DSA_CLUSTER_STRIDE;

		if (!mbarrier_deliver(b->u, b->x, base + off, b->bytes, done))
			return false;
	}
	return true;
}

/* ---- time ---- */

/* When the operation has completed, cycles; the engine is busy until a latency before. */
static uint64_t box_time(struct box *b)
{
	const struct dsa_cost *costs = &b->u->mem.core->cfg.cost;
	uint64_t bytes = b->bytes + (b->op.flags & DSA_TENSOR_ROWS && !b->list ? b->op.bytes : 0);
	uint64_t cost = b->peer ? clock_div_up(bytes, 1, costs->peer_bytes) :
				  xdsa_hbm_cycles(b->u, bytes);
	uint64_t latency = b->peer ? costs->peer_latency : costs->hbm_latency;
	uint64_t start = xdsa_now(b->u, b->x);

	if (start < b->u->tensor_free)
		start = b->u->tensor_free;
	if (cost < costs->tensor_cycles)
		cost = costs->tensor_cycles;
	b->u->counters.tensor_cycles += cost;
	start += cost;
	if (start > DSA_MAX_CYCLES - latency)
		start = DSA_MAX_CYCLES - latency;
	b->u->tensor_free = start;
	return start + latency;
}

/* A load writes its whole box, what it fills in included. */
static void box_count(struct box *b)
{
	struct dsa_launch_counters *c = &b->u->counters;

	c->tensor_ops++;
	for (unsigned int i = 0; i < DSA_BYTES_SCRATCHPAD_READ; i++)
		c->bytes[i] += b->moved[i];
	if (b->op.op == DSA_TENSOR_LOAD)
		c->bytes[DSA_BYTES_SCRATCHPAD_WRITTEN] +=
			b->bytes * (b->op.ranks ? __builtin_popcount(b->op.ranks) : 1);
	else
		c->bytes[DSA_BYTES_SCRATCHPAD_READ] += b->moved[DSA_BYTES_HBM_WRITTEN] +
						       b->moved[DSA_BYTES_SYSTEM_WRITTEN];
}

static bool tensor_start(struct dsa_unit *u, struct rv_ext *x)
{
	struct box b = { .u = u, .x = x };
	uint64_t done;

	if (!xdsa_descriptor(u, x, x->rs1, &b.op, sizeof(b.op)))
		return false;
	if (!tensor_op_ok(u, &b.op))
		return refuse(&b);
	if (!box_map(&b) || !box_spad(&b) || !box_peer(&b) || !box_list(&b) || !move(&b))
		return false;
	box_multicast(&b);
	box_count(&b);
	done = box_time(&b);
	if (b.op.op != DSA_TENSOR_LOAD && b.op.op != DSA_TENSOR_PREFETCH && u->store_done < done)
		u->store_done = done;
	if (b.op.ranks)
		return deliver_multicast(&b, done);
	if (b.op.op == DSA_TENSOR_LOAD || b.op.mbar)
		return mbarrier_deliver(u, x, b.op.mbar, b.bytes, done);
	return true;
}

bool tensor_execute(struct dsa_unit *u, struct rv_ext *x)
{
	if (x->insn >> 25 == DSA_X_TENSOR_START)
		return tensor_start(u, x);
	xdsa_wait(u, x->instret, u->store_done, DSA_STALL_TENSOR);
	return true;
}
