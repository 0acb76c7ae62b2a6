/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matrix operations: from a program's descriptor to the matrix unit (mat/),
 * which knows nothing of scratchpads; and what they cost.
 */
#include "clock.h"
#include "core_int.h"

_Static_assert(sizeof(struct dsa_matrix_op) == 152, "as documented");

/* How the unit names a type, and what its products are counted and timed as. */
static const struct type_desc {
	bool known;
	enum num_type num;
	enum dsa_macs macs;
} types[DSA_TYPE_COUNT] = {
	[DSA_TYPE_U8] = { true, NUM_UINT8, DSA_MACS_I8 },
	[DSA_TYPE_I8] = { true, NUM_INT8, DSA_MACS_I8 },
	[DSA_TYPE_I32] = { true, NUM_INT32, DSA_MACS_COUNT }, /* of sums only */
	[DSA_TYPE_F16] = { true, NUM_FP16, DSA_MACS_F16 },
	[DSA_TYPE_BF16] = { true, NUM_BF16, DSA_MACS_F16 },
	[DSA_TYPE_F32] = { true, NUM_FP32, DSA_MACS_F32 },
	[DSA_TYPE_F64] = { true, NUM_FP64, DSA_MACS_F64 },
	[DSA_TYPE_F8E4M3] = { true, NUM_E4M3, DSA_MACS_F8 },
	[DSA_TYPE_F8E5M2] = { true, NUM_E5M2, DSA_MACS_F8 },
	[DSA_TYPE_TF32] = { true, NUM_TF32, DSA_MACS_TF32 },
	[DSA_TYPE_F6E2M3] = { true, NUM_E2M3, DSA_MACS_F6 },
	[DSA_TYPE_F6E3M2] = { true, NUM_E3M2, DSA_MACS_F6 },
	[DSA_TYPE_F4E2M1] = { true, NUM_E2M1, DSA_MACS_F4 },
	[DSA_TYPE_I4] = { true, NUM_INT4, DSA_MACS_I4 },
	[DSA_TYPE_MXF8E4M3] = { true, NUM_MXE4M3, DSA_MACS_F8 },
	[DSA_TYPE_MXF8E5M2] = { true, NUM_MXE5M2, DSA_MACS_F8 },
	[DSA_TYPE_MXF6E2M3] = { true, NUM_MXE2M3, DSA_MACS_F6 },
	[DSA_TYPE_MXF6E3M2] = { true, NUM_MXE3M2, DSA_MACS_F6 },
	[DSA_TYPE_MXF4E2M1] = { true, NUM_MXE2M1, DSA_MACS_F4 },
	[DSA_TYPE_MXI8] = { true, NUM_MXINT8, DSA_MACS_I8 },
	[DSA_TYPE_Q8_0] = { true, NUM_Q8_0, DSA_MACS_F16 },
	[DSA_TYPE_Q4_0] = { true, NUM_Q4_0, DSA_MACS_F16 },
};

bool tile_ok(const struct dsa_matrix_tile *t)
{
	return t->type < DSA_TYPE_COUNT && types[t->type].known &&
	       !(t->flags & ~DSA_MATRIX_TRANSPOSED) && !t->reserved[0] && !t->reserved[1] &&
	       !t->reserved[2] && !t->scales == !t->scale_pitch;
}

static bool fields_ok(const struct dsa_matrix_op *op)
{
	static const struct dsa_matrix_tile none;

	if (!op->m || !op->n || !op->k || op->m > DSA_MATRIX_MAX || op->n > DSA_MATRIX_MAX ||
	    op->k > DSA_MATRIX_MAX)
		return false;
	if ((op->flags & ~(DSA_MATRIX_SATURATE | DSA_MATRIX_STOCHASTIC)) || op->reserved8 ||
	    op->reserved32 || (op->seed && !(op->flags & DSA_MATRIX_STOCHASTIC)))
		return false;
	if (!op->c.addr && memcmp(&op->c, &none, sizeof(none)))
		return false;
	return tile_ok(&op->a) && tile_ok(&op->b) && tile_ok(&op->c) && tile_ok(&op->d);
}

void tile_of(const struct dsa_matrix_tile *t, struct mat_tile *out)
{
	*out = (struct mat_tile){
		.type = types[t->type].num,
		.transposed = t->flags & DSA_MATRIX_TRANSPOSED,
		.pitch = t->pitch,
		.scale_pitch = t->scale_pitch,
	};
}

/* Finds the tile of @rows x @cols in the scratchpad. */
bool tile_place(struct dsa_unit *u, struct rv_ext *x, const struct dsa_matrix_tile *t,
		struct mat_tile *out, unsigned int rows, unsigned int cols)
{
	size_t bytes = mat_tile_scale_bytes(out, rows, cols);

	out->data = xdsa_spad(u, x, t->addr, mat_tile_bytes(out, rows, cols), DSA_TENSOR_ALIGN);
	if (!out->data || !bytes)
		return out->data;
	out->scales = xdsa_spad(u, x, t->scales, bytes, 1);
	return out->scales;
}

/* That of the slower of two types; none of them is one that only results have. */
static enum dsa_macs macs_of(const struct dsa_matrix_op *op)
{
	enum dsa_macs a = types[op->a.type].macs, b = types[op->b.type].macs;

	return a < b ? a : b;
}

static void charge(struct dsa_unit *u, const struct rv_ext *x, const struct dsa_matrix_op *op)
{
	static const uint32_t rates[DSA_MACS_COUNT] = DSA_MACS_RATES;
	const struct dsa_core_config *cfg = &u->mem.core->cfg;
	uint64_t macs = (uint64_t)op->m * op->n * op->k, start = xdsa_now(u, x), busy;
	enum dsa_macs kind = macs_of(op);

	busy = clock_div_up(macs, 32, (uint64_t)cfg->matrix_macs * rates[kind]);
	if (busy < cfg->cost.matrix_cycles)
		busy = cfg->cost.matrix_cycles;
	if (start < u->matrix_free)
		start = u->matrix_free;
	start += busy;
	if (start > DSA_MAX_CYCLES - cfg->cost.matrix_latency)
		start = DSA_MAX_CYCLES - cfg->cost.matrix_latency;
	u->matrix_free = start;
	u->matrix_done = start + cfg->cost.matrix_latency;
	u->counters.matrix_ops++;
	u->counters.matrix_cycles += busy;
	u->counters.macs[kind] += macs;
}

static bool matrix_start(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_matrix_op op;
	struct mat_op m;
	enum mat_status status;

	if (!xdsa_descriptor(u, x, x->rs1, &op, sizeof(op)))
		return false;
	if (!fields_ok(&op))
		return xdsa_fault(x, DSA_ERR_MATRIX_OP, DSA_ACCESS_NONE, x->rs1);
	m = (struct mat_op){
		.m = op.m,
		.n = op.n,
		.k = op.k,
		.scale = op.scale,
		.round = { .mode = op.flags & DSA_MATRIX_STOCHASTIC ? NUM_STOCHASTIC : NUM_RNE,
			   .saturate = op.flags & DSA_MATRIX_SATURATE,
			   .seed = op.seed,
			   .step = 1 },
	};
	tile_of(&op.a, &m.a);
	tile_of(&op.b, &m.b);
	tile_of(&op.c, &m.c);
	tile_of(&op.d, &m.d);
	/* What does not depend on where the tiles are, first. */
	m.a.scales = (void *)op.a.scales;
	m.b.scales = (void *)op.b.scales;
	m.c.data = (void *)op.c.addr;
	if (mat_check(&m) != MAT_OK)
		return xdsa_fault(x, DSA_ERR_MATRIX_OP, DSA_ACCESS_NONE, x->rs1);
	if (!tile_place(u, x, &op.a, &m.a, op.m, op.k) ||
	    !tile_place(u, x, &op.b, &m.b, op.k, op.n) ||
	    (op.c.addr && !tile_place(u, x, &op.c, &m.c, op.m, op.n)) ||
	    !tile_place(u, x, &op.d, &m.d, op.m, op.n))
		return false;
	status = mat_run(u->matrix, &m);
	if (status != MAT_OK) {
		log_info(u->mem.core, "core %u: %s", u->index, mat_status_text(status));
		return xdsa_fault(x, DSA_ERR_MATRIX_OP, DSA_ACCESS_NONE, x->rs1);
	}
	charge(u, x, &op);
	return true;
}

/* When all operations so far have completed, which is at once if there are none. */
static bool matrix_arrive(struct dsa_unit *u, struct rv_ext *x)
{
	uint64_t now = xdsa_now(u, x);

	return mbarrier_arrive_in(u, x, now > u->matrix_done ? now : u->matrix_done);
}

bool matrix_execute(struct dsa_unit *u, struct rv_ext *x)
{
	switch (x->insn >> 25) {
	case DSA_X_MATRIX_START:
		return matrix_start(u, x);
	case DSA_X_MATRIX_ARRIVE:
		return matrix_arrive(u, x);
	default:
		xdsa_wait(u, x->instret, u->matrix_done, DSA_STALL_MATRIX);
		return true;
	}
}
