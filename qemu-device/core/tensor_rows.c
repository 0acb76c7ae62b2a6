/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of a box, to or from memory. What is in HBM is copied straight, as many
 * rows at a time as lie in a page; system memory passes through a buffer.
 */
#include "tensor.h"

/* HBM at @va, NULL: not HBM, or it faults; *len as much of it as is in one page. */
static uint8_t *hbm_at(struct box *b, uint64_t va, uint32_t perm, size_t *len)
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
	if (*len > t->size - off)
		*len = t->size - off;
	/* Where there are errors, by way of what looks at each word. */
	if (!t->sys && faulty(b->u->mem.core, FAULTS_ECC) &&
	    fault_ecc_within(b->u->mem.core, t->target, t->size))
		return NULL;
	return t->sys ? NULL : b->u->mem.core->cfg.hbm + t->target + off;
}

static void wrote_hbm(struct box *b, const uint8_t *p, uint64_t len)
{
	mem_dirty(&b->u->mem, p - b->u->mem.core->cfg.hbm, len);
}

static bool fault(struct box *b, uint32_t err, uint32_t access, uint64_t va)
{
	return !err || xdsa_fault(b->x, err, access, va);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t page_rest(uint64_t va)
{
	return DSA_PAGE_SIZE - va % DSA_PAGE_SIZE;
}

/* ---- a run of bytes ---- */

static void to_box(struct box *b, uint64_t off, const uint8_t *p, uint64_t len)
{
	if (b->map.swizzle)
		copy_swizzle(b->spad, off, p, len, b->map.swizzle);
	else
		memcpy(b->spad + off, p, len);
}

static void from_box(struct box *b, uint8_t *p, uint64_t off, uint64_t len)
{
	if (b->map.swizzle)
		copy_unswizzle(p, b->spad, off, len, b->map.swizzle);
	else
		memcpy(p, b->spad + off, len);
}

static bool load_run(struct box *b, uint64_t va, uint64_t off, uint64_t len)
{
	uint8_t buf[DSA_PAGE_SIZE];
	uint64_t bad = va;
	uint32_t err = 0;

	for (size_t n = len; len; va += n, off += n, n = len -= n) {
		const uint8_t *p = hbm_at(b, va, DSA_PTE_R, &n);

		b->moved[p ? DSA_BYTES_HBM_READ : DSA_BYTES_SYSTEM_READ] += n;
		if (!p) {
			n = min_u64(n, page_rest(va));
			err = mem_read(&b->u->mem, va, buf, n, &bad);
			p = buf;
		}
		if (err)
			return fault(b, err, DSA_ACCESS_READ, bad);
		to_box(b, off, p, n);
	}
	return true;
}

static bool store_run(struct box *b, uint64_t va, uint64_t off, uint64_t len)
{
	uint8_t buf[DSA_PAGE_SIZE];
	uint64_t bad = va;
	uint32_t err;

	for (size_t n = len; len; va += n, off += n, n = len -= n) {
		uint8_t *p = hbm_at(b, va, DSA_PTE_W, &n);

		if (p) {
			from_box(b, p, off, n);
			wrote_hbm(b, p, n);
			b->moved[DSA_BYTES_HBM_WRITTEN] += n;
			continue;
		}
		n = min_u64(n, page_rest(va));
		from_box(b, buf, off, n);
		err = mem_write(&b->u->mem, va, buf, n, &bad);
		if (err)
			return fault(b, err, DSA_ACCESS_WRITE, bad);
		b->moved[DSA_BYTES_SYSTEM_WRITTEN] += n;
	}
	return true;
}

static uint64_t box_elem(const struct box *b, uint64_t off)
{
	uint64_t val = 0;

	memcpy(&val, b->spad + swizzled(b->map.swizzle, off), b->esize);
	return val;
}

static bool reduce_run(struct box *b, uint64_t va, uint64_t off, uint64_t len)
{
	struct elem_op o = { b->op.op, b->map.type };
	uint32_t err = 0;
	uint64_t old;

	for (size_t n = len; len; va += n, off += n, n = len -= n) {
		uint8_t *p = hbm_at(b, va, DSA_PTE_R | DSA_PTE_W, &n);

		if (p) {
			for (uint64_t i = 0; i < n; i += b->esize)
				elem_update(o, p + i, box_elem(b, off + i));
			wrote_hbm(b, p, n);
		} else {
			n = b->esize;
			err = elem_update_mem(o, &b->u->mem, va, box_elem(b, off), &old);
		}
		if (err)
			return fault(b, err, DSA_ACCESS_WRITE, va);
		b->moved[p ? DSA_BYTES_HBM_READ : DSA_BYTES_SYSTEM_READ] += n;
		b->moved[p ? DSA_BYTES_HBM_WRITTEN : DSA_BYTES_SYSTEM_WRITTEN] += n;
	}
	return true;
}

static bool prefetch_run(struct box *b, uint64_t va, uint64_t len)
{
	struct dsa_xlat t;

	for (uint64_t n; len; va += n, len -= n) {
		uint32_t err = mem_translate(&b->u->mem, va, DSA_PTE_R, &t);

		if (err)
			return fault(b, err, DSA_ACCESS_READ, va);
		n = min_u64(t.va + t.size - va, len);
	}
	return true;
}

bool rows_run(struct box *b, uint64_t va, uint64_t off, uint64_t len)
{
	switch (b->op.op) {
	case DSA_TENSOR_LOAD:
		return load_run(b, va, off, len);
	case DSA_TENSOR_STORE:
		return store_run(b, va, off, len);
	case DSA_TENSOR_PREFETCH:
		return prefetch_run(b, va, len);
	default:
		return reduce_run(b, va, off, len);
	}
}

bool rows_read(struct box *b, uint64_t va, void *buf, size_t len)
{
	uint64_t bad = va;
	uint32_t err = 0;

	for (size_t n = len; len && !err; va += n, buf = (uint8_t *)buf + n, n = len -= n) {
		const uint8_t *p = hbm_at(b, va, DSA_PTE_R, &n);

		b->moved[p ? DSA_BYTES_HBM_READ : DSA_BYTES_SYSTEM_READ] += n;
		if (p)
			memcpy(buf, p, n);
		else
			err = mem_read(&b->u->mem, va, buf, n, &bad);
	}
	return fault(b, err, DSA_ACCESS_READ, bad);
}

/* ---- what is outside ---- */

static void fill_zero(struct box *b, uint64_t off, uint64_t len)
{
	static const uint8_t zeros[SWIZZLE_LINE];

	if (!b->map.swizzle) {
		memset(b->spad + off, 0, len);
		return;
	}
	for (uint64_t n; len; off += n, len -= n) {
		n = min_u64(len, SWIZZLE_LINE - off % SWIZZLE_LINE);
		copy_swizzle(b->spad, off, zeros, n, b->map.swizzle);
	}
}

void rows_outside(struct box *b, uint64_t off, uint64_t len)
{
	uint64_t nan = b->map.fill == DSA_FILL_NAN ? elem_types[b->map.type].nan : 0;

	if (b->op.op != DSA_TENSOR_LOAD || !len)
		return;
	if (!nan) {
		fill_zero(b, off, len);
		return;
	}
	for (uint64_t end = off + len; off < end; off += b->esize)
		memcpy(b->spad + swizzled(b->map.swizzle, off), &nan, b->esize);
}

/* ---- rows ---- */

static void load_rows(struct box *b, uint8_t *p, uint64_t pitch, uint64_t off, uint64_t len,
		      uint64_t count)
{
	struct copy_side box = { b->spad + off, b->part[1] }, mem = { p, pitch };

	b->moved[DSA_BYTES_HBM_READ] += len * count;
	if (!b->map.swizzle) {
		copy_rows(box, mem, len, count);
		return;
	}
	for (; count; count--, p += pitch, off += b->part[1])
		copy_swizzle(b->spad, off, p, len, b->map.swizzle);
}

static void store_rows(struct box *b, uint8_t *p, uint64_t pitch, uint64_t off, uint64_t len,
		       uint64_t count)
{
	b->moved[DSA_BYTES_HBM_WRITTEN] += len * count;
	for (; count; count--, p += pitch, off += b->part[1]) {
		from_box(b, p, off, len);
		wrote_hbm(b, p, len);
	}
}

/* How many of the rows are moved at once: those in HBM that lie in the page of the first. */
static uint64_t rows_at_once(struct box *b, uint64_t va, uint64_t pitch, uint64_t off, uint64_t len,
			     uint64_t count)
{
	bool load = b->op.op == DSA_TENSOR_LOAD;
	size_t room = SIZE_MAX;
	uint8_t *p;

	if (!load && b->op.op != DSA_TENSOR_STORE)
		return 0;
	p = hbm_at(b, va, load ? DSA_PTE_R : DSA_PTE_W, &room);
	if (!p || room < len)
		return 0;
	if (pitch)
		count = min_u64(count, (room - len) / pitch + 1);
	if (load)
		load_rows(b, p, pitch, off, len, count);
	else
		store_rows(b, p, pitch, off, len, count);
	return count;
}

static bool move_runs(struct box *b, uint64_t va, uint64_t pitch, uint64_t off, uint64_t len,
		      uint64_t count)
{
	for (uint64_t n; count; va += n * pitch, off += n * b->part[1], count -= n) {
		n = rows_at_once(b, va, pitch, off, len, count);
		if (n)
			continue;
		n = 1;
		if (!rows_run(b, va, off, len))
			return false;
	}
	return true;
}

/* Elements @step bytes apart, each a run of its own. */
static bool move_strided(struct box *b, uint64_t va, uint64_t step, uint64_t off)
{
	for (int64_t j = b->columns.lo; j < b->columns.hi; j++, va += step, off += b->esize)
		if (!rows_run(b, va, off, b->esize))
			return false;
	return true;
}

bool rows_move(struct box *b, uint64_t va, uint64_t pitch, uint64_t off, uint64_t count)
{
	int64_t step = b->map.steps[0];
	uint64_t row = b->part[1], left = b->columns.lo * b->esize, end = b->columns.hi * b->esize;

	for (uint64_t i = 0; (left || end < row) && i < count; i++) {
		rows_outside(b, off + i * row, left);
		rows_outside(b, off + i * row + end, row - end);
	}
	if (left == end)
		return true;
	va += (b->op.coord[0] + b->columns.lo * step) * b->esize;
	off += left;
	if (step == 1)
		return move_runs(b, va, pitch, off, end - left, count);
	for (; count; count--, va += pitch, off += row)
		if (!move_strided(b, va, step * b->esize, off))
			return false;
	return true;
}
