/* SPDX-License-Identifier: MIT */
#include "rig.h"

void rig_restart(struct rig *r)
{
	r->k = code_at(r->d, CODE);
	r->ops = OPS;
	emit(&r->k, ADDI(S0, X0, 1));
	emit(&r->k, SLLI(S0, S0, 48));
}

struct rig rig_new(void)
{
	struct rig r = { .d = dev_new(0), .ops = OPS };

	queue_setup(r.d, 0, 1);
	rig_restart(&r);
	return r;
}

void rig_op(struct rig *r, const struct dsa_tensor_op *op)
{
	memcpy(r->d->hbm + r->ops, op, sizeof(*op));
	emit(&r->k, ADDI(A1, A0, (int32_t)(r->ops - OPS)));
	emit(&r->k, X_START(A1));
	r->ops += sizeof(*op);
}

void rig_bulk(struct rig *r, unsigned int op, uint64_t global, uint64_t spad, uint64_t bytes)
{
	struct dsa_tensor_op o = {
		.op = op,
		.flags = DSA_TENSOR_BULK,
		.global = global,
		.spad = spad,
		.mbar = op == DSA_TENSOR_LOAD ? SPAD : 0,
		.bytes = bytes,
	};

	rig_op(r, &o);
}

void rig_matrix(struct rig *r, const struct dsa_matrix_op *op)
{
	memcpy(r->d->hbm + r->ops, op, sizeof(*op));
	emit(&r->k, ADDI(A1, A0, (int32_t)(r->ops - OPS)));
	emit(&r->k, X_MATRIX(DSA_X_MATRIX_START, A1));
	r->ops += sizeof(*op);
}

void rig_mbar_init(struct rig *r)
{
	emit(&r->k, ADDI(T0, X0, 1));
	emit(&r->k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
}

void rig_mbar_expect(struct rig *r, uint32_t bytes)
{
	emit(&r->k, 0x37 | T1 << 7 | ((bytes + 0x800) & 0xfffff000)); /* lui */
	emit(&r->k, ADDI(T1, T1, (int32_t)(bytes << 20) >> 20));
	emit(&r->k, X_MBAR(DSA_X_MBAR_EXPECT, X0, S0, T1));
}

void rig_arrive_and_wait(struct rig *r, unsigned int parity)
{
	emit(&r->k, X_MBAR(DSA_X_MBAR_ARRIVE, T2, S0, T0));
	emit(&r->k, ADDI(T1, X0, parity));
	emit(&r->k, X_MBAR(DSA_X_MBAR_WAIT, X0, S0, T1));
}

bool rig_run(struct rig *r)
{
	struct cmds c = cmds_at(r->d, CMDS);
	struct dsa_launch_counters *n = (void *)(r->d->hbm + CMDS + 0x800);

	emit(&r->k, RET);
	memset(n, 0, sizeof(*n));
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + OPS, 1, 1, 1)->counters = VA_HBM + CMDS + 0x800;
	return run_cmds(&c, 0);
}

uint64_t rig_ns(struct rig *r)
{
	const struct dsa_launch_counters *n = (void *)(r->d->hbm + CMDS + 0x800);

	return n->end_ns - n->start_ns;
}

struct dsa_matrix_op bf16_op(unsigned int m, unsigned int n, unsigned int k)
{
	return (struct dsa_matrix_op){
		.a = { .addr = SPAD + TILE_A, .pitch = 2 * k, .type = DSA_TYPE_BF16 },
		.b = { .addr = SPAD + TILE_B, .pitch = 2 * n, .type = DSA_TYPE_BF16 },
		.d = { .addr = SPAD + TILE_D, .pitch = 4 * n, .type = DSA_TYPE_F32 },
		.m = m,
		.n = n,
		.k = k,
		.scale = 1,
	};
}

bool run_matrix(struct rig *r, const struct dsa_matrix_op *op, bool wait)
{
	rig_restart(r);
	rig_mbar_init(r);
	rig_mbar_expect(r, 0x20000);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + DATA, SPAD + TILE_A, 0x20000);
	rig_arrive_and_wait(r, 0);
	rig_matrix(r, op);
	if (wait)
		emit(&r->k, X_MATRIX(DSA_X_MATRIX_WAIT, X0));
	rig_bulk(r, DSA_TENSOR_STORE, VA_HBM + OUT, SPAD + TILE_D, 0x10000);
	return rig_run(r);
}

void random_bytes(uint8_t *p, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rnd(seed);
}
