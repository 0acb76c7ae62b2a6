/* SPDX-License-Identifier: MIT */
/* A call of dsa_core_run() does a bounded piece of work, whatever a program's instructions are. */
#include "rig.h"

#define BUDGET_US 500
#define LIMIT_NS  2000000000ull /* far beyond the budget: hosts are shared, and sanitizers slow */

static void check_bounded(struct rig *r)
{
	struct cmds c = cmds_at(r->d, CMDS);

	emit(&r->k, RET);
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + OPS, 1, 1, 1);
	submit_cmds(&c, 0);
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t start = clock_ns();

		CHECK_EQ(dsa_core_run(r->d->core, BUDGET_US), DSA_RUN_MORE);
		if (clock_ns() - start > LIMIT_NS)
			check_failed(__FILE__, __LINE__, "call %u took %llu ms", i,
				     (unsigned long long)(clock_ns() - start) / 1000000);
	}
	wr32(r->d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK(wait_state(r->d, 0, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(r->d, 0), DSA_ERR_KILLED);
	dev_free(r->d);
}

/* The largest operations, one after the other. */
static void matrix_loop(void)
{
	struct rig r = rig_new();
	struct dsa_matrix_op op = bf16_op(DSA_MATRIX_MAX, DSA_MATRIX_MAX, DSA_MATRIX_MAX);

	op.a.addr = op.b.addr = op.d.addr = SPAD;
	op.a.pitch = op.b.pitch = 512;
	op.d.type = DSA_TYPE_BF16;
	op.d.pitch = 512;
	rig_matrix(&r, &op);
	emit(&r.k, BNE(S0, X0, -4));
	check_bounded(&r);
}

/* Groups of eight of the longest registers, a byte an element, in any order. */
static void vector_loop(void)
{
	struct dsa_core_config cfg;
	struct rig r = { .ops = OPS };

	dev_config(&cfg);
	cfg.vlen = 65536;
	cfg.cores = 1;
	r.d = dev_new_with(&cfg, 0);
	queue_setup(r.d, 0, 1);
	rig_restart(&r);
	emit(&r.k, 0x0c3072d7); /* vsetvli t0, x0, e8, m8, ta, ma */
	emit(&r.k, 0x32880c57); /* vrgather.vv v24, v8, v16 */
	emit(&r.k, BNE(S0, X0, -4));
	check_bounded(&r);
}

const struct test budget_tests[] = { TEST(matrix_loop), TEST(vector_loop), TESTS_END };
