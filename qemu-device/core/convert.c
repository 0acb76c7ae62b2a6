/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conversions: from a program's descriptor to num/, which knows nothing of
 * scratchpads; and what they cost.
 */
#include "clock.h"
#include "core_int.h"

_Static_assert(sizeof(struct dsa_convert_op) == 88, "as documented");

static enum num_class class_of(const struct mat_tile *t)
{
	return num_info(t->type)->class;
}

/* Bytes of a row; those of its scales, 0 when they are not elsewhere. */
static size_t row_bytes(const struct mat_tile *t, size_t cols)
{
	return num_bytes(t->type, cols);
}

static size_t row_scales(const struct mat_tile *t, size_t cols)
{
	return class_of(t) == NUM_MX ? (cols + NUM_BLOCK - 1) / NUM_BLOCK : 0;
}

static bool fields_ok(const struct dsa_convert_op *op)
{
	if (!op->rows || !op->cols || op->rows > DSA_CONVERT_ROWS ||
	    op->rows > DSA_CONVERT_MAX / op->cols)
		return false;
	if ((op->flags & ~(DSA_CONVERT_SATURATE | DSA_CONVERT_STOCHASTIC)) || op->reserved8[0] ||
	    op->reserved8[1] || op->reserved8[2] ||
	    (op->seed && !(op->flags & DSA_CONVERT_STOCHASTIC)))
		return false;
	return tile_ok(&op->src) && tile_ok(&op->dst) && !op->src.flags && !op->dst.flags;
}

static bool types_ok(const struct dsa_convert_op *op, const struct mat_tile *src,
		     const struct mat_tile *dst)
{
	if (!op->src.scales != (class_of(src) != NUM_MX) ||
	    !op->dst.scales != (class_of(dst) != NUM_MX))
		return false;
	if (class_of(dst) == NUM_GGUF && (op->flags & DSA_CONVERT_STOCHASTIC))
		return false;
	return op->rows == 1 || (dst->pitch >= row_bytes(dst, op->cols) &&
				 dst->scale_pitch >= row_scales(dst, op->cols));
}

/* Rows that do not overlap each other, in a scratchpad. */
struct rows {
	uintptr_t at;
	size_t bytes, pitch;
};

static bool rows_meet(struct rows a, struct rows b, size_t count)
{
	size_t i = 0, j = 0;

	while (i < count && j < count) {
		uintptr_t pa = a.at + i * a.pitch, pb = b.at + j * b.pitch;

		if (pa < pb + b.bytes && pb < pa + a.bytes)
			return true;
		if (pa < pb)
			i++;
		else
			j++;
	}
	return false;
}

/* Are the result's elements clear of its scales? */
static bool result_ok(const struct dsa_convert_op *op, const struct mat_tile *dst)
{
	struct rows data = { (uintptr_t)dst->data, row_bytes(dst, op->cols), dst->pitch };
	struct rows scales = { (uintptr_t)dst->scales, row_scales(dst, op->cols),
			       dst->scale_pitch };

	return !scales.bytes || !rows_meet(data, scales, op->rows);
}

/* From the first byte of something to behind its last. */
struct range {
	uintptr_t start, end;
};

static struct range data_range(const struct mat_tile *t, const struct dsa_convert_op *op)
{
	uintptr_t start = (uintptr_t)t->data;

	return (struct range){ start, start + mat_tile_bytes(t, op->rows, op->cols) };
}

static struct range scale_range(const struct mat_tile *t, const struct dsa_convert_op *op)
{
	uintptr_t start = (uintptr_t)t->scales;

	return (struct range){ start, start + mat_tile_scale_bytes(t, op->rows, op->cols) };
}

static bool ranges_meet(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}

/* Moves @r out of the result's way; returns where it is now. */
static void *put_aside(struct dsa_unit *u, struct range r)
{
	uint8_t *to = u->convert_src + (r.start - (uintptr_t)u->spad);

	memcpy(to, (const void *)r.start, r.end - r.start);
	return to;
}

/* As if all of the source were read before anything is written. */
static void keep_source(struct dsa_unit *u, const struct dsa_convert_op *op, struct mat_tile *src,
			const struct mat_tile *dst)
{
	struct range data = data_range(src, op), scales = scale_range(src, op);
	struct range out = data_range(dst, op), out_scales = scale_range(dst, op);

	if (ranges_meet(data, out) || ranges_meet(data, out_scales))
		src->data = put_aside(u, data);
	if (ranges_meet(scales, out) || ranges_meet(scales, out_scales))
		src->scales = put_aside(u, scales);
}

static void convert_rows(const struct dsa_convert_op *op, const struct mat_tile *src,
			 const struct mat_tile *dst)
{
	struct num_round round = {
		.mode = op->flags & DSA_CONVERT_STOCHASTIC ? NUM_STOCHASTIC : NUM_RNE,
		.saturate = op->flags & DSA_CONVERT_SATURATE,
		.seed = op->seed,
		.step = 1,
	};

	for (size_t i = 0; i < op->rows; i++) {
		const uint8_t *src_scales = src->scales ? src->scales + i * src->scale_pitch : NULL;
		const uint8_t *dst_scales = dst->scales ? dst->scales + i * dst->scale_pitch : NULL;

		round.counter = i * op->cols;
		num_convert(dst->type, (uint8_t *)dst->data + i * dst->pitch, (uint8_t *)dst_scales,
			    src->type, (const uint8_t *)src->data + i * src->pitch, src_scales,
			    op->cols, op->scale, &round);
	}
}

static void charge(struct dsa_unit *u, const struct rv_ext *x, const struct dsa_convert_op *op,
		   const struct mat_tile *src, const struct mat_tile *dst)
{
	const struct dsa_cost *costs = &u->mem.core->cfg.cost;
	uint64_t start = xdsa_now(u, x), busy;
	uint64_t in = row_bytes(src, op->cols) + row_scales(src, op->cols);
	uint64_t out = row_bytes(dst, op->cols) + row_scales(dst, op->cols);

	busy = costs->convert_cycles +
	       clock_div_up((in > out ? in : out) * op->rows, 1, costs->convert_bytes);
	if (start < u->convert_free)
		start = u->convert_free;
	start += busy;
	u->convert_free = start < DSA_MAX_CYCLES ? start : DSA_MAX_CYCLES;
	u->counters.convert_ops++;
	u->counters.convert_cycles += busy;
}

static bool convert_start(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_convert_op op;
	struct mat_tile src, dst;

	if (!xdsa_descriptor(u, x, x->rs1, &op, sizeof(op)))
		return false;
	if (!fields_ok(&op))
		return xdsa_fault(x, DSA_ERR_CONVERT_OP, DSA_ACCESS_NONE, x->rs1);
	tile_of(&op.src, &src);
	tile_of(&op.dst, &dst);
	if (!types_ok(&op, &src, &dst))
		return xdsa_fault(x, DSA_ERR_CONVERT_OP, DSA_ACCESS_NONE, x->rs1);
	if (!tile_place(u, x, &op.src, &src, op.rows, op.cols) ||
	    !tile_place(u, x, &op.dst, &dst, op.rows, op.cols))
		return false;
	if (!result_ok(&op, &dst))
		return xdsa_fault(x, DSA_ERR_CONVERT_OP, DSA_ACCESS_NONE, x->rs1);
	keep_source(u, &op, &src, &dst);
	convert_rows(&op, &src, &dst);
	charge(u, x, &op, &src, &dst);
	return true;
}

bool convert_execute(struct dsa_unit *u, struct rv_ext *x)
{
	if (x->insn >> 25 == DSA_X_CONVERT_START)
		return convert_start(u, x);
	xdsa_wait(u, x->instret, u->convert_free, DSA_STALL_CONVERT);
	return true;
}
