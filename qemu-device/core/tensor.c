/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tensor operations: boxes of tensors, and plain runs of bytes, between
 * memory and a core's scratchpad. Descriptors are copied once, then checked,
 * then used.
 *
 * A box moves row by row: a row is what varies in dimension 0. A row lies in
 * the tensor, or partly or wholly outside.
 */
#include <math.h>

#include "clock.h"
#include "core_int.h"

_Static_assert(sizeof(struct dsa_tensor_map) == 128, "as documented");
_Static_assert(sizeof(struct dsa_tensor_op) == 64, "as documented");

#define CHUNK 16 /* bytes that swizzling keeps together */

struct box {
	struct dsa_unit *u;
	struct rv_ext *x;
	struct dsa_tensor_op op;
	struct dsa_tensor_map map;
	uint32_t esize;
	uint64_t bytes;       /* of the whole box */
	uint8_t *spad;        /* its scratchpad memory; of a multicast: in the first rank */
	uint8_t *peer;        /* of a copy between scratchpads: the other end */
	struct dsa_xlat page; /* of the latest access */
};

static const struct type_desc {
	uint8_t size;
	bool floating, reducible;
	uint64_t nan;
} types[DSA_TYPE_TENSOR_COUNT] = {
	[DSA_TYPE_U8] = { 1, false, true, 0 },
	[DSA_TYPE_I8] = { 1, false, true, 0 },
	[DSA_TYPE_U16] = { 2, false, true, 0 },
	[DSA_TYPE_I16] = { 2, false, true, 0 },
	[DSA_TYPE_U32] = { 4, false, true, 0 },
	[DSA_TYPE_I32] = { 4, false, true, 0 },
	[DSA_TYPE_U64] = { 8, false, true, 0 },
	[DSA_TYPE_I64] = { 8, false, true, 0 },
	[DSA_TYPE_F16] = { 2, true, false, 0x7e00 },
	[DSA_TYPE_BF16] = { 2, true, false, 0x7fc0 },
	[DSA_TYPE_F32] = { 4, true, true, 0x7fc00000 },
	[DSA_TYPE_F64] = { 8, true, true, 0x7ff8000000000000 },
	[DSA_TYPE_F8E4M3] = { 1, true, false, 0x7f },
	[DSA_TYPE_F8E5M2] = { 1, true, false, 0x7e },
};

/* ---- memory, with faults recorded ---- */

/* HBM at @va with as much of *len as is in one page; NULL: not HBM, or it faults. */
static uint8_t *box_hbm(struct box *b, uint64_t va, uint32_t perm, size_t *len)
{
	struct dsa_xlat *t = &b->page;
	uint64_t off = va - t->va;

	if (off >= t->size || (t->perm & perm) != perm) {
		if (mem_translate(&b->u->mem, va, perm, t)) {
			t->size = 0;
			return NULL;
		}
		off = va - t->va;
	}
	if (t->sys)
		return NULL;
	if (*len > t->size - off)
		*len = t->size - off;
	return b->u->mem.core->cfg.hbm + t->target + off;
}

static bool box_read(struct box *b, uint64_t va, uint8_t *buf, size_t len)
{
	uint64_t bad = va;
	uint32_t err;

	for (size_t n = len; len; va += n, buf += n, n = len -= n) {
		const uint8_t *p = box_hbm(b, va, DSA_PTE_R, &n);

		if (!p) {
			err = mem_read(&b->u->mem, va, buf, len, &bad);
			return !err || xdsa_fault(b->x, err, DSA_ACCESS_READ, bad);
		}
		memcpy(buf, p, n);
	}
	return true;
}

static bool box_write(struct box *b, uint64_t va, const uint8_t *buf, size_t len)
{
	uint64_t bad = va;
	uint32_t err;

	for (size_t n = len; len; va += n, buf += n, n = len -= n) {
		uint8_t *p = box_hbm(b, va, DSA_PTE_W, &n);

		if (!p) {
			err = mem_write(&b->u->mem, va, buf, len, &bad);
			return !err || xdsa_fault(b->x, err, DSA_ACCESS_WRITE, bad);
		}
		memcpy(p, buf, n);
		mem_dirty(&b->u->mem, p - b->u->mem.core->cfg.hbm, n);
	}
	return true;
}

/* ---- checks ---- */

static bool unused_ok(const struct dsa_tensor_map *m)
{
	for (unsigned int d = m->rank; d < DSA_TENSOR_RANK; d++)
		if (m->dims[d] || m->box[d] || m->steps[d] || (d && m->strides[d - 1]))
			return false;
	for (unsigned int i = 0; i < 5; i++)
		if (m->reserved[i])
			return false;
	return !m->reserved32;
}

/* Does the tensor lie within 48 bits? */
static bool extent_ok(const struct dsa_tensor_map *m, uint32_t esize)
{
	unsigned __int128 end = (unsigned __int128)m->base + (uint64_t)m->dims[0] * esize;

	for (unsigned int d = 1; d < m->rank; d++)
		end += (unsigned __int128)m->strides[d - 1] * (m->dims[d] - 1);
	return end <= 1ull << DSA_VA_BITS;
}

static bool map_ok(const struct dsa_tensor_map *m)
{
	uint32_t esize;

	if (!m->rank || m->rank > DSA_TENSOR_RANK || m->type >= DSA_TYPE_TENSOR_COUNT ||
	    m->fill > DSA_FILL_NAN || m->swizzle > DSA_SWIZZLE_128B || !unused_ok(m))
		return false;
	if (m->fill == DSA_FILL_NAN && !types[m->type].floating)
		return false;
	esize = types[m->type].size;
	if (m->base % esize)
		return false;
	for (unsigned int d = 0; d < m->rank; d++)
		if (!m->dims[d] || !m->box[d] || !m->steps[d] || (d && m->strides[d - 1] % esize))
			return false;
	return extent_ok(m, esize);
}

/* A copy between scratchpads of the cluster? */
static bool op_to_peer(const struct dsa_tensor_op *op)
{
	return op->flags & DSA_TENSOR_BULK && op->global - DSA_CLUSTER_BASE < DSA_CLUSTER_SPAN;
}

static bool op_ranks_ok(const struct dsa_unit *u, const struct dsa_tensor_op *op)
{
	if (!(op->flags & DSA_TENSOR_MULTICAST))
		return !op->ranks;
	return op->op == DSA_TENSOR_LOAD && op->ranks && !(op->ranks >> u->cluster->size);
}

static bool op_fields_ok(const struct dsa_unit *u, const struct dsa_tensor_op *op)
{
	bool delivers = op->op == DSA_TENSOR_LOAD || (op->op == DSA_TENSOR_STORE && op_to_peer(op));

	if (op->op > DSA_TENSOR_PREFETCH ||
	    (op->flags & ~(DSA_TENSOR_BULK | DSA_TENSOR_MULTICAST)) || op->reserved64 ||
	    !op_ranks_ok(u, op) || (!delivers && op->mbar))
		return false;
	if (!(op->flags & DSA_TENSOR_BULK))
		return !op->bytes;
	for (unsigned int d = 0; d < DSA_TENSOR_RANK; d++)
		if (op->coord[d])
			return false;
	return op->bytes && op->bytes % CHUNK == 0 && op->op != DSA_TENSOR_ADD &&
	       op->op != DSA_TENSOR_MIN && op->op != DSA_TENSOR_MAX;
}

static bool box_reduces(const struct box *b)
{
	return b->op.op >= DSA_TENSOR_ADD && b->op.op <= DSA_TENSOR_MAX;
}

/* A run of bytes is a box of one row. */
static void bulk_map(struct box *b)
{
	b->map = (struct dsa_tensor_map){ .base = b->op.global, .rank = 1, .steps = { 1 } };
	b->bytes = b->op.bytes;
}

static bool box_map(struct box *b)
{
	if (b->op.flags & DSA_TENSOR_BULK) {
		bulk_map(b);
		b->esize = 1;
		return true;
	}
	if (!xdsa_descriptor(b->u, b->x, b->op.global, &b->map, sizeof(b->map)))
		return false;
	if (!map_ok(&b->map))
		return xdsa_fault(b->x, DSA_ERR_TENSOR_MAP, DSA_ACCESS_NONE, b->op.global);
	for (unsigned int d = b->map.rank; d < DSA_TENSOR_RANK; d++)
		if (b->op.coord[d])
			return xdsa_fault(b->x, DSA_ERR_TENSOR_OP, DSA_ACCESS_NONE, b->x->rs1);
	b->esize = types[b->map.type].size;
	b->bytes = b->esize;
	for (unsigned int d = 0; d < b->map.rank; d++)
		if (__builtin_mul_overflow(b->bytes, b->map.box[d], &b->bytes))
			b->bytes = UINT64_MAX;
	if (box_reduces(b) && !types[b->map.type].reducible)
		return xdsa_fault(b->x, DSA_ERR_TENSOR_OP, DSA_ACCESS_NONE, b->x->rs1);
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

/* ---- scratchpad side ---- */

/* Offset in the box, swizzled: the box is aligned, so offsets swizzle as addresses do. */
static uint64_t swizzled(const struct box *b, uint64_t off)
{
	uint64_t mask = (1u << b->map.swizzle) - 1;

	return off ^ (off >> 7 & mask) << 4;
}

/* The part of a run of box bytes at @off that is in one piece. */
static uint64_t piece(const struct box *b, uint64_t off, uint64_t len)
{
	uint64_t room = CHUNK - off % CHUNK;

	return b->map.swizzle && len > room ? room : len;
}

static void fill_run(struct box *b, uint64_t off, uint64_t len)
{
	uint64_t nan = b->map.fill == DSA_FILL_NAN ? types[b->map.type].nan : 0;

	for (uint64_t n; len; off += n, len -= n) {
		uint8_t *p = b->spad + swizzled(b, off);

		n = piece(b, off, len);
		if (!nan) {
			memset(p, 0, n);
			continue;
		}
		for (uint64_t i = 0; i < n; i += b->esize)
			memcpy(p + i, &nan, b->esize);
	}
}

/* ---- reductions ---- */

static uint64_t reduce_int(unsigned int op, uint64_t a, uint64_t b, bool is_signed)
{
	bool less = is_signed ? (int64_t)a < (int64_t)b : a < b;

	if (op == DSA_TENSOR_ADD)
		return a + b;
	return less == (op == DSA_TENSOR_MIN) ? a : b;
}

/* As fadd, fmin and fmax of the cores do, rounding to nearest. */
static double reduce_f64(unsigned int op, double a, double b)
{
	if (op == DSA_TENSOR_ADD)
		return a + b;
	if (a != a || b != b)
		return a != a ? b : a;
	if (a == b)
		return signbit(a) == (op == DSA_TENSOR_MIN) ? a : b;
	return (a < b) == (op == DSA_TENSOR_MIN) ? a : b;
}

static uint64_t reduce_float(unsigned int op, uint64_t a, uint64_t b, bool wide)
{
	double da, db, dr;
	float fa, fb, fr;
	uint32_t w;

	if (wide) {
		memcpy(&da, &a, 8);
		memcpy(&db, &b, 8);
		dr = reduce_f64(op, da, db);
		memcpy(&a, &dr, 8);
		return dr != dr ? types[DSA_TYPE_F64].nan : a;
	}
	memcpy(&fa, &a, 4);
	memcpy(&fb, &b, 4);
	/* One sum of singles, exact in double or not, rounds to single as it should. */
	fr = op == DSA_TENSOR_ADD ? fa + fb : (float)reduce_f64(op, fa, fb);
	memcpy(&w, &fr, 4);
	return fr != fr ? types[DSA_TYPE_F32].nan : w;
}

static uint64_t sign_extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

static uint64_t reduce(const struct box *b, uint64_t old, uint64_t val)
{
	unsigned int type = b->map.type;

	if (types[type].floating)
		return reduce_float(b->op.op, old, val, type == DSA_TYPE_F64);
	if (type & 1)
		return reduce_int(b->op.op, sign_extend(old, b->esize), sign_extend(val, b->esize),
				  true);
	return reduce_int(b->op.op, old, val, false);
}

#define REDUCE_AT(T, p, b, val)                                                                \
	do {                                                                                   \
		T old_ = __atomic_load_n((T *)(p), __ATOMIC_RELAXED);                          \
		while (!__atomic_compare_exchange_n((T *)(p), &old_, (T)reduce(b, old_, val),  \
						    true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) \
			;                                                                      \
	} while (0)

static void reduce_hbm(struct box *b, uint8_t *p, uint64_t val)
{
	switch (b->esize) {
	case 1:
		REDUCE_AT(uint8_t, p, b, val);
		break;
	case 2:
		REDUCE_AT(uint16_t, p, b, val);
		break;
	case 4:
		REDUCE_AT(uint32_t, p, b, val);
		break;
	default:
		REDUCE_AT(uint64_t, p, b, val);
	}
}

/* In system memory: atomic towards the device's engines, by the bus lock. */
static uint32_t reduce_bus(struct box *b, uint64_t target, uint64_t val)
{
	struct dsa_mem *m = &b->u->mem;
	uint64_t word = 0;
	uint32_t err;

	if (!bus_enter(m))
		return DSA_ERR_ABORTED;
	err = mem_bus_read(m, target, &word, b->esize);
	word = reduce(b, word, val);
	if (!err)
		err = mem_bus_write(m, target, &word, b->esize);
	bus_exit(m);
	return err;
}

static bool reduce_elem(struct box *b, uint64_t va, uint64_t val)
{
	struct dsa_mem *m = &b->u->mem;
	struct dsa_xlat t;
	uint32_t err = mem_translate(m, va, DSA_PTE_R | DSA_PTE_W, &t);
	uint64_t target;

	if (err)
		return xdsa_fault(b->x, err, DSA_ACCESS_WRITE, va);
	target = t.target + (va - t.va);
	if (!t.sys) {
		reduce_hbm(b, m->core->cfg.hbm + target, val);
		mem_dirty(m, target, b->esize);
		return true;
	}
	err = reduce_bus(b, target, val);
	return !err || xdsa_fault(b->x, err, DSA_ACCESS_WRITE, va);
}

static bool reduce_run(struct box *b, uint64_t va, uint64_t off, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += b->esize) {
		uint64_t val = 0;

		memcpy(&val, b->spad + swizzled(b, off + i), b->esize);
		if (!reduce_elem(b, va + i, val))
			return false;
	}
	return true;
}

/* ---- rows ---- */

static bool translates(struct box *b, uint64_t va, uint64_t len)
{
	struct dsa_xlat t;

	for (uint64_t n; len; va += n, len -= n) {
		uint32_t err = mem_translate(&b->u->mem, va, DSA_PTE_R, &t);

		if (err)
			return xdsa_fault(b->x, err, DSA_ACCESS_READ, va);
		n = t.va + t.size - va;
		if (n > len)
			n = len;
	}
	return true;
}

/* @len bytes at @va, all of them in the tensor, from or to offset @off of the box. */
static bool move_run(struct box *b, uint64_t va, uint64_t off, uint64_t len)
{
	bool ok = true;

	if (b->op.op == DSA_TENSOR_PREFETCH)
		return translates(b, va, len);
	if (box_reduces(b))
		return reduce_run(b, va, off, len);
	for (uint64_t n; len && ok; va += n, off += n, len -= n) {
		uint8_t *p = b->spad + swizzled(b, off);

		n = piece(b, off, len);
		ok = b->op.op == DSA_TENSOR_LOAD ? box_read(b, va, p, n) : box_write(b, va, p, n);
	}
	return ok;
}

static void skip_run(struct box *b, uint64_t off, uint64_t len)
{
	if (b->op.op == DSA_TENSOR_LOAD && len)
		fill_run(b, off, len);
}

/* Steps until @distance is covered. */
static int64_t steps_over(int64_t distance, int64_t step)
{
	return step == 1 ? distance : (distance + step - 1) / step;
}

/* A row at @va for coordinate 0 of dimension 0: its elements outside are at its ends. */
static bool move_row(struct box *b, uint64_t va, uint64_t off)
{
	int64_t first = b->op.coord[0], step = b->map.steps[0], count = b->map.box[0];
	int64_t lo = first < 0 ? steps_over(-first, step) : 0;
	int64_t hi = first < b->map.dims[0] ? steps_over(b->map.dims[0] - first, step) : 0;
	uint32_t e = b->esize;

	if (hi > count)
		hi = count;
	if (lo > hi)
		lo = hi;
	if (lo || hi < count) {
		skip_run(b, off, lo * e);
		skip_run(b, off + hi * e, (count - hi) * e);
	}
	va += (uint64_t)(first + lo * step) * e;
	if (step == 1)
		return lo == hi || move_run(b, va, off + lo * e, (hi - lo) * e);
	for (; lo < hi; lo++, va += step * e)
		if (!move_run(b, va, off + lo * e, e))
			return false;
	return true;
}

/* The row at @j in dimensions 1 and up: where it is in the tensor, if it is there. */
static bool row_inside(const struct box *b, const uint32_t *j, uint64_t *va)
{
	const struct dsa_tensor_map *m = &b->map;
	bool inside = true;

	*va = m->base;
	for (unsigned int d = 1; d < m->rank; d++) {
		int64_t i = b->op.coord[d] + (int64_t)j[d] * m->steps[d];

		inside &= i >= 0 && i < m->dims[d];
		*va += i * m->strides[d - 1];
	}
	return inside;
}

static void row_next(const struct box *b, uint32_t *j)
{
	for (unsigned int d = 1; d < b->map.rank && ++j[d] == b->map.box[d]; d++)
		j[d] = 0;
}

static void move_to_peer(struct box *b)
{
	if (b->op.op == DSA_TENSOR_LOAD)
		memmove(b->spad, b->peer, b->bytes);
	else if (b->op.op == DSA_TENSOR_STORE)
		memmove(b->peer, b->spad, b->bytes);
}

static bool move_box(struct box *b)
{
	uint64_t row_bytes = (uint64_t)b->map.box[0] * b->esize, va;
	uint32_t j[DSA_TENSOR_RANK] = { 0 };

	if (b->peer) {
		move_to_peer(b);
		return true;
	}
	if (b->op.flags & DSA_TENSOR_BULK)
		return move_run(b, b->map.base, 0, b->bytes);
	for (uint64_t off = 0; off < b->bytes; off += row_bytes, row_next(b, j)) {
		if (!row_inside(b, j, &va))
			skip_run(b, off, row_bytes);
		else if (!move_row(b, va, off))
			return false;
	}
	return true;
}

/* ---- multicast ---- */

/* Where swizzling keeps lines whole, whole lines; the box's own bytes of the last one. */
static void box_copy(const struct box *b, uint8_t *to)
{
	uint64_t lines = b->map.swizzle ? b->bytes & -128ull : b->bytes, n;

	memcpy(to, b->spad, lines);
	for (uint64_t off = lines; off < b->bytes; off += n) {
		uint64_t at = swizzled(b, off);

		n = piece(b, off, b->bytes - off);
		memcpy(to + at, b->spad + at, n);
	}
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
	uint64_t cost = b->peer ? b->bytes / DSA_T_PEER_BYTES : xdsa_hbm_cycles(b->u, b->bytes);
	uint64_t start = xdsa_now(b->u, b->x);

	if (start < b->u->tensor_free)
		start = b->u->tensor_free;
	if (cost < DSA_T_TENSOR_CYCLES)
		cost = DSA_T_TENSOR_CYCLES;
	start += cost;
	if (start > DSA_MAX_CYCLES - DSA_T_HBM_CYCLES)
		start = DSA_MAX_CYCLES - DSA_T_HBM_CYCLES;
	b->u->tensor_free = start;
	return start + (b->peer ? DSA_T_PEER_CYCLES : DSA_T_HBM_CYCLES);
}

static bool tensor_start(struct dsa_unit *u, struct rv_ext *x)
{
	struct box b = { .u = u, .x = x };
	uint64_t done;

	if (!xdsa_descriptor(u, x, x->rs1, &b.op, sizeof(b.op)))
		return false;
	if (!op_fields_ok(u, &b.op))
		return xdsa_fault(x, DSA_ERR_TENSOR_OP, DSA_ACCESS_NONE, x->rs1);
	if (!box_map(&b) || !box_spad(&b) || !box_peer(&b) || !move_box(&b))
		return false;
	box_multicast(&b);
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
	xdsa_wait(u, x, u->store_done);
	return true;
}
