/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * im2col: a box whose rows are pixels, those that one tap of a convolution's
 * filter meets at consecutive positions of the filter. Dimension 0 is channels,
 * the last one images, those between are space. Pixels of a line, along
 * dimension 1, are rows at equal distances.
 */
#include "tensor.h"

static unsigned int image_dim(const struct dsa_tensor_map *m)
{
	return m->rank - 1;
}

/* How many positions the filter has in dimension @d of space. */
static int64_t positions(const struct dsa_tensor_map *m, unsigned int d)
{
	int64_t extent = (int64_t)m->dims[d] + m->upper[d - 1] - m->lower[d - 1];

	return extent <= 0 ? 0 : (extent + m->steps[d] - 1) / m->steps[d];
}

static bool corners_zero(const struct dsa_tensor_map *m, unsigned int from)
{
	for (unsigned int i = from; i < DSA_TENSOR_RANK - 2; i++)
		if (m->lower[i] || m->upper[i])
			return false;
	return true;
}

bool im2col_map_ok(const struct dsa_tensor_map *m)
{
	if (m->mode != DSA_TENSOR_IM2COL)
		return m->mode == DSA_TENSOR_TILED && corners_zero(m, 0);
	if (m->rank < 3 || m->steps[image_dim(m)] != 1 || !corners_zero(m, m->rank - 2))
		return false;
	for (unsigned int d = 1; d < image_dim(m); d++)
		if (!positions(m, d))
			return false;
	return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Makes positions ones that there are: what is beyond counts in the next dimension. */
static void carry(const struct dsa_tensor_map *m, int64_t *pos)
{
	for (unsigned int d = 1; d < image_dim(m); d++) {
		int64_t n = positions(m, d), over = floor_div(pos[d], n);

		pos[d] -= over * n;
		pos[d + 1] += over;
	}
}

/* The element of dimension @d that the tap meets. */
static int64_t met(const struct box *b, unsigned int d, int64_t pos)
{
	if (d == image_dim(&b->map))
		return pos;
	return b->map.lower[d - 1] + b->op.taps[d - 1] + pos * b->map.steps[d];
}

/* @count pixels along dimension 1. */
static bool move_line(struct box *b, const int64_t *pos, uint64_t off, uint64_t count)
{
	const struct dsa_tensor_map *m = &b->map;
	int64_t first = met(b, 1, pos[1]), step = m->steps[1];
	struct span s = span_of(first, step, m->dims[1], count);
	uint64_t va = m->base, row = b->part[1];

	for (unsigned int d = 2; d < m->rank; d++) {
		int64_t i = met(b, d, pos[d]);

		if (i < 0 || i >= m->dims[d])
			s = (struct span){ 0, 0 };
		va += i * m->strides[d - 1];
	}
	rows_outside(b, off, s.lo * row);
	rows_outside(b, off + s.hi * row, (count - s.hi) * row);
	va += (first + s.lo * step) * m->strides[0];
	return rows_move(b, va, step * m->strides[0], off + s.lo * row, s.hi - s.lo);
}

bool im2col_move(struct box *b)
{
	uint64_t pixels = b->count[1];
	int64_t pos[DSA_TENSOR_RANK];

	for (unsigned int d = 0; d < DSA_TENSOR_RANK; d++)
		pos[d] = b->op.coord[d];
	for (uint64_t done = 0, n; done < pixels; done += n, pos[1] += n) {
		carry(&b->map, pos);
		n = positions(&b->map, 1) - pos[1];
		if (n > pixels - done)
			n = pixels - done;
		if (!move_line(b, pos, done * b->part[1], n))
			return false;
	}
	return true;
}
