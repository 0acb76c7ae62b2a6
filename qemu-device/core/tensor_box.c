/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a box lies in its tensor. In each dimension the part of the box that is
 * outside is at its ends: what is between is walked, outermost dimension first,
 * down to rows.
 */
#include "tensor.h"

#define LIST_CHUNK 64 /* numbers of rows that are read at once */

static int64_t steps_over(int64_t distance, int64_t step)
{
	return step == 1 ? distance : (distance + step - 1) / step;
}

struct span span_of(int64_t first, int64_t step, int64_t dims, int64_t count)
{
	struct span s = { .lo = first < 0 ? steps_over(-first, step) : 0,
			  .hi = first < dims ? steps_over(dims - first, step) : 0 };

	if (s.hi > count)
		s.hi = count;
	if (s.lo > s.hi)
		s.lo = s.hi;
	return s;
}

/* Dimensions 0 .. @d of the box, at @off; those above have put it at @va. */
static bool move_dims(struct box *b, unsigned int d, uint64_t va, uint64_t off)
{
	int64_t first = b->op.coord[d], step = b->map.steps[d];
	uint64_t part = b->part[d], stride, end;
	struct span s;

	if (!d)
		return rows_move(b, va, 0, off, 1);
	stride = b->map.strides[d - 1];
	s = span_of(first, step, b->map.dims[d], b->count[d]);
	rows_outside(b, off, s.lo * part);
	rows_outside(b, off + s.hi * part, (b->count[d] - s.hi) * part);
	va += (first + s.lo * step) * stride;
	end = off + s.hi * part;
	off += s.lo * part;
	if (d == 1)
		return rows_move(b, va, step * stride, off, s.hi - s.lo);
	for (; off < end; off += part, va += step * stride)
		if (!move_dims(b, d - 1, va, off))
			return false;
	return true;
}

bool box_move(struct box *b)
{
	return move_dims(b, b->map.rank - 1, b->map.base, 0);
}

/* ---- rows from a list ---- */

/* Each number is read once. */
static bool list_read(struct box *b, uint64_t at, int32_t *rows, uint64_t count)
{
	uint64_t bytes = count * sizeof(*rows);

	at *= sizeof(*rows);
	if (!b->list)
		return rows_read(b, b->op.rows + at, rows, bytes);
	memcpy(rows, b->list + at, bytes);
	return true;
}

static bool move_listed(struct box *b, int64_t row, uint64_t off)
{
	unsigned int last = b->map.rank - 1;

	if (row < 0 || row >= b->map.dims[last]) {
		rows_outside(b, off, b->part[last]);
		return true;
	}
	return move_dims(b, last - 1, b->map.base + row * b->map.strides[last - 1], off);
}

bool box_move_list(struct box *b)
{
	unsigned int last = b->map.rank - 1;
	uint64_t count = b->count[last], off = 0;
	int32_t rows[LIST_CHUNK];

	for (uint64_t done = 0, n; done < count; done += n) {
		n = count - done < LIST_CHUNK ? count - done : LIST_CHUNK;
		if (!list_read(b, done, rows, n))
			return false;
		for (uint64_t i = 0; i < n; i++, off += b->part[last])
			if (!move_listed(b, rows[i], off))
				return false;
	}
	return true;
}
