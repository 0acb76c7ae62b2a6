/* SPDX-License-Identifier: MIT */
/* What vector instructions take on the model's clock. */
#include "rig.h"

#define VSETVLI_E32(lmul) (0x57u | T0 << 7 | 7 << 12 | X0 << 15 | (0xd0 | (lmul)) << 20)
#define VLE32(rs1)        (0x07u | 8 << 7 | 6 << 12 | (rs1) << 15 | 1 << 25)
#define VADD              (0x57u | 8 << 7 | 8 << 15 | 8 << 20 | 1 << 25)

/* 1024 turns of an instruction on registers in groups of 1 << lmul; ns. */
static uint64_t vector_loop(uint32_t insn, unsigned int lmul)
{
	struct rig r = rig_new();
	uint64_t ns;

	emit(&r.k, VSETVLI_E32(lmul));
	emit(&r.k, ADDI(T1, X0, 1024));
	emit(&r.k, insn);
	emit(&r.k, ADDI(T1, T1, -1));
	emit(&r.k, BNE(T1, X0, -8));
	CHECK(rig_run(&r));
	ns = rig_ns(&r);
	dev_free(r.d);
	return ns;
}

/* Groups take a cycle a register; HBM takes its bandwidth: 1024 * 512 bytes of 3350 a ns. */
static void vectors_take_time(void)
{
	uint64_t one = vector_loop(VADD, 0), eight = vector_loop(VADD, 3);
	uint64_t spad = vector_loop(VLE32(S0), 0), hbm = vector_loop(VLE32(A0), 0);

	CHECK(eight - one >= 1024 * 7 * 2 / 3 && eight - one <= 1024 * 7 * 2 / 3 + 1);
	CHECK_EQ(spad, one);
	CHECK(hbm - spad >= 155 && hbm - spad <= 158);
}

const struct test vector_tests[] = { TEST(vectors_take_time), TESTS_END };
