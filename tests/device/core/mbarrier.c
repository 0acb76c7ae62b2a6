/* SPDX-License-Identifier: MIT */
/* mbarriers: phases, faults, forged ones. */
#include "rig.h"

/* Phases, tokens, test before and after. */
static void phases(void)
{
	struct rig r = rig_new();
	uint64_t *out = (uint64_t *)(r.d->hbm + OPS);

	emit(&r.k, ADDI(T0, X0, 2));
	emit(&r.k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
	emit(&r.k, ADDI(T0, X0, 1));
	for (unsigned int i = 0; i < 4; i++) {
		emit(&r.k, X_MBAR(DSA_X_MBAR_ARRIVE, T2, S0, T0));
		emit(&r.k, SD(T2, A0, 24 * i));
		emit(&r.k, X_MBAR(DSA_X_MBAR_TEST, T2, S0, X0));
		emit(&r.k, SD(T2, A0, 24 * i + 8));
		emit(&r.k, X_MBAR(DSA_X_MBAR_TEST, T2, S0, T0));
		emit(&r.k, SD(T2, A0, 24 * i + 16));
	}
	CHECK(rig_run(&r));
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(out[3 * i], i / 2);
		CHECK_EQ(out[3 * i + 1], i == 1 || i == 2);
		CHECK_EQ(out[3 * i + 2], !(i == 1 || i == 2));
	}
	dev_free(r.d);
}

static void barrier_fault(uint32_t f7, uint64_t value, uint32_t code)
{
	struct rig r = rig_new();

	rig_mbar_init(&r);
	emit(&r.k, ADDI(T1, X0, (int32_t)value));
	emit(&r.k, X_MBAR(f7, X0, S0, T1));
	CHECK(!rig_run(&r));
	CHECK_EQ(err_code(r.d, 0), code);
	CHECK_EQ(rd64(r.d, DSA_QREG(0, DSA_Q_ERR_ADDR)), SPAD);
	dev_free(r.d);
}

static void barrier_faults(void)
{
	barrier_fault(DSA_X_MBAR_INIT, 0, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_INIT, (uint64_t)-1, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_ARRIVE, 2, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_ARRIVE, 0, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_EXPECT, 0, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_EXPECT, (uint64_t)-1, DSA_ERR_BARRIER);
	barrier_fault(DSA_X_MBAR_WAIT, 0, DSA_ERR_DEADLOCK);
}

/* Anything may stand where an mbarrier should. */
static void forged_barriers(void)
{
	uint64_t seed = 14;

	for (int i = 0; i < 200 && !test_failed; i++) {
		struct rig r = rig_new();
		struct dsa_mbarrier *b = (void *)(r.d->hbm + OUT);

		random_bytes((void *)b, sizeof(*b), &seed);
		b->magic = DSA_MBARRIER_MAGIC;
		if (i % 2) {
			b->arrivals = 1 + rnd(&seed) % 3;
			b->pending = rnd(&seed) % 3;
			b->bytes = (int64_t)(rnd(&seed) % 64) - 32;
		}
		rig_mbar_init(&r);
		rig_mbar_expect(&r, 64);
		rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + 64, 64);
		emit(&r.k, ADDI(S0, S0, 64));
		rig_arrive_and_wait(&r, i / 2 % 2);
		if (!rig_run(&r))
			CHECK(err_code(r.d, 0) == DSA_ERR_BARRIER ||
			      err_code(r.d, 0) == DSA_ERR_DEADLOCK);
		dev_free(r.d);
	}
}

const struct test mbarrier_tests[] = { TEST(phases), TEST(barrier_faults), TEST(forged_barriers),
				       TESTS_END };
