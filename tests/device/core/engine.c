/* SPDX-License-Identifier: MIT */
/* The window on single engines, and their reset. */
#include "rig.h"

#define LAUNCH_ID 0x1234567890ull
#define SEM       0x330000

static void engine_select(struct dev *d, uint32_t kind, uint32_t index)
{
	wr32(d, DSA_REG_ENG_SELECT, kind << 16 | index);
}

static uint32_t state_of(struct dev *d, uint32_t kind, uint32_t index)
{
	engine_select(d, kind, index);
	return rd32(d, DSA_REG_ENG_STATE);
}

static void check_idle(struct dev *d, uint32_t kind, uint32_t index)
{
	CHECK_EQ(state_of(d, kind, index), DSA_ENG_IDLE);
	CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), UINT32_MAX);
	CHECK_EQ(rd64(d, DSA_REG_ENG_PC), 0);
	CHECK_EQ(rd64(d, DSA_REG_ENG_LAUNCH_ID), 0);
	CHECK_EQ(rd32(d, DSA_REG_ENG_PROGRAM_X), 0);
	CHECK_EQ(rd32(d, DSA_REG_ENG_WAIT), DSA_ENG_WAIT_NONE);
	CHECK_EQ(rd64(d, DSA_REG_ENG_WAIT_ADDR), 0);
}

/* A grid of @x programs that never end, on queue @q; run until it is on cores. */
static void start_runaways(struct dev *d, unsigned int q, uint32_t x)
{
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS + q * 0x100);

	emit(&k, LOOP_FOREVER);
	cmd_launch(&c, VA_HBM + CODE, 0, x, 1, 1)->id = LAUNCH_ID + q;
	queue_setup(d, q, 1);
	submit_cmds(&c, q);
	for (unsigned int i = 0; i < 20; i++)
		dsa_core_run(d->core, 100);
}

static int core_of(struct dev *d, unsigned int q)
{
	for (unsigned int i = 0; i < d->cfg.cores; i++)
		if (state_of(d, DSA_ENGINE_CORE, i) == DSA_ENG_BUSY &&
		    rd32(d, DSA_REG_ENG_QUEUE) == q)
			return i;
	check_failed(__FILE__, __LINE__, "no core works for queue %u", q);
	return 0;
}

static void absent_and_idle(void)
{
	struct dev *d = dev_new(0);
	static const uint32_t none[] = { 0x00040, 0x0ffff, 0x1ffff, 0x2ffff, 0x30000, 0xffffffff };

	for (unsigned int i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		uint32_t bad = rd32(d, DSA_REG_BAD_ACCESS);

		wr32(d, DSA_REG_ENG_SELECT, none[i]);
		CHECK_EQ(rd32(d, DSA_REG_ENG_SELECT), none[i]);
		CHECK_EQ(rd32(d, DSA_REG_ENG_STATE), DSA_ENG_ABSENT);
		CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), UINT32_MAX);
		CHECK_EQ(rd64(d, DSA_REG_ENG_BUSY), 0);
		CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad);
		wr32(d, DSA_REG_ENG_RESET, 1);
		CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad + 1);
	}
	CHECK_EQ(state_of(d, DSA_ENGINE_CORE, d->cfg.cores), DSA_ENG_ABSENT);
	CHECK_EQ(state_of(d, DSA_ENGINE_COPY, d->cfg.copy_engines), DSA_ENG_ABSENT);
	for (unsigned int i = 0; i < d->cfg.cores; i++)
		check_idle(d, DSA_ENGINE_CORE, i);
	for (unsigned int i = 0; i < d->cfg.copy_engines; i++)
		check_idle(d, DSA_ENGINE_COPY, i);
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		check_idle(d, DSA_ENGINE_FRONTEND, i);
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	CHECK_EQ(rd32(d, DSA_REG_ENG_SELECT), 0);
	dev_free(d);
}

static void core_shown(void)
{
	struct dev *d = dev_new(0);
	bool seen[4] = { false };
	unsigned int cores = 0;

	start_runaways(d, 0, 3);
	for (unsigned int i = 0; i < d->cfg.cores; i++) {
		uint32_t x;

		if (state_of(d, DSA_ENGINE_CORE, i) != DSA_ENG_BUSY)
			continue;
		cores++;
		CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), 0);
		CHECK_EQ(rd64(d, DSA_REG_ENG_PC), VA_HBM + CODE);
		CHECK_EQ(rd64(d, DSA_REG_ENG_LAUNCH_ID), LAUNCH_ID);
		x = rd32(d, DSA_REG_ENG_PROGRAM_X);
		CHECK(x < 3 && !seen[x & 3]);
		seen[x & 3] = true;
		CHECK_EQ(rd32(d, DSA_REG_ENG_PROGRAM_Y), 0);
		CHECK_EQ(rd64(d, DSA_REG_ENG_BUSY), 0); /* no program has ended */
	}
	CHECK_EQ(cores, 3);
	CHECK_EQ(state_of(d, DSA_ENGINE_FRONTEND, 0), DSA_ENG_BUSY);
	CHECK_EQ(rd64(d, DSA_REG_ENG_PC), VA_HBM + CMDS);
	CHECK_EQ(rd64(d, DSA_REG_ENG_LAUNCH_ID), LAUNCH_ID);
	dev_free(d);
}

static void core_reset(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS + 0x1000);
	uint32_t core;

	start_runaways(d, 1, 1);
	start_runaways(d, 2, 1);
	core = core_of(d, 1);
	engine_select(d, DSA_ENGINE_CORE, core);
	wr32(d, DSA_REG_ENG_RESET, 0);
	CHECK(wait_state(d, 1, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(d, 1), DSA_ERR_RESET);
	CHECK_EQ(rd32(d, DSA_QREG(1, DSA_Q_ERR_ENGINE)), DSA_ENGINE_CORE << 16 | core);
	CHECK_EQ(rd64(d, DSA_QREG(1, DSA_Q_ERR_PC)), VA_HBM + CODE);
	CHECK_EQ(rd64(d, DSA_QREG(1, DSA_Q_ERR_LAUNCH_ID)), LAUNCH_ID + 1);
	CHECK_EQ(rd32(d, DSA_QREG(1, DSA_Q_ERR_OPCODE)), DSA_CMD_LAUNCH);
	check_idle(d, DSA_ENGINE_CORE, core);
	/* The neighbour goes on, and so does the queue once it is enabled again. */
	CHECK_EQ(rd32(d, DSA_QREG(2, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	core_of(d, 2);
	wr32(d, DSA_QREG(2, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	wr32(d, DSA_QREG(1, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	CHECK(wait_state(d, 2, DSA_QSTATE_DISABLED));
	queue_setup(d, 1, 1);
	cmd_fill(&c, VA_HBM + DATA, 4096, 7, 8);
	CHECK(run_cmds(&c, 1));
	dev_free(d);
}

/* Two programs of one address space, one after the other on the same core. */
static uint64_t left_in_scratchpad(bool reset)
{
	struct rig r = rig_new();
	struct dev *d = r.d;
	uint64_t left;

	emit(&r.k, ADDI(T0, X0, 77));
	emit(&r.k, SD(T0, S0, 256));
	CHECK(rig_run(&r));
	for (unsigned int i = 0; reset && i < d->cfg.cores; i++) {
		engine_select(d, DSA_ENGINE_CORE, i);
		wr32(d, DSA_REG_ENG_RESET, 1);
	}
	rig_restart(&r);
	emit(&r.k, LD(T0, S0, 256));
	emit(&r.k, SD(T0, A0, 0));
	CHECK(rig_run(&r));
	left = *(uint64_t *)(d->hbm + OPS);
	dev_free(d);
	return left;
}

static void reset_clears_scratchpad(void)
{
	CHECK_EQ(left_in_scratchpad(false), 77);
	CHECK_EQ(left_in_scratchpad(true), 0);
}

static void frontend_waits(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + SEM, 1, 0);
	queue_setup(d, 33, 1);
	submit_cmds(&c, 33);
	for (unsigned int i = 0; i < 4; i++)
		dsa_core_run(d->core, 100);
	CHECK_EQ(state_of(d, DSA_ENGINE_FRONTEND, 33), DSA_ENG_WAITING);
	CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), 33);
	CHECK_EQ(rd32(d, DSA_REG_ENG_WAIT), DSA_ENG_WAIT_SEMAPHORE);
	CHECK_EQ(rd64(d, DSA_REG_ENG_WAIT_ADDR), VA_HBM + SEM);
	CHECK_EQ(rd64(d, DSA_REG_ENG_PC), VA_HBM + CMDS + 8);
	CHECK_EQ(rd64(d, DSA_REG_ENG_BUSY), d->cfg.cost.ring_ns + 2 * d->cfg.cost.command_ns);
	wr32(d, DSA_REG_ENG_RESET, 1);
	CHECK(wait_state(d, 33, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(d, 33), DSA_ERR_RESET);
	CHECK_EQ(rd32(d, DSA_QREG(33, DSA_Q_ERR_ENGINE)), DSA_ENGINE_FRONTEND << 16 | 33);
	CHECK_EQ(rd64(d, DSA_QREG(33, DSA_Q_ERR_CMD_VA)), VA_HBM + CMDS + 8);
	check_idle(d, DSA_ENGINE_FRONTEND, 33);
	dev_free(d);
}

static void copy_shown_and_reset(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t cost;

	cmd_copy(&c, VA_HBM + DATA, VA_RAM + 0x400000, 4 << 20);
	queue_setup(d, 32, 1);
	submit_cmds(&c, 32);
	dsa_core_run(d->core, 0);
	dsa_core_run(d->core, 0);
	for (unsigned int i = 0; i < 100 && rd32(d, DSA_REG_ENG_STATE) != DSA_ENG_BUSY; i++) {
		dsa_core_run(d->core, 0);
		engine_select(d, DSA_ENGINE_COPY, 0);
	}
	CHECK_EQ(rd32(d, DSA_REG_ENG_STATE), DSA_ENG_BUSY);
	CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), 32);
	CHECK_EQ(rd64(d, DSA_REG_ENG_PC), VA_HBM + CMDS);
	wr32(d, DSA_REG_ENG_RESET, 1);
	CHECK(wait_state(d, 32, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(d, 32), DSA_ERR_RESET);
	CHECK_EQ(rd32(d, DSA_QREG(32, DSA_Q_ERR_ENGINE)), DSA_ENGINE_COPY << 16);
	check_idle(d, DSA_ENGINE_COPY, 0);
	wr32(d, DSA_QREG(32, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_setup(d, 32, 1);
	CHECK(run_cmds(&c, 32));
	cost = rd64(d, DSA_REG_BUSY_COPY);
	engine_select(d, DSA_ENGINE_COPY, 0);
	CHECK_EQ(rd64(d, DSA_REG_ENG_BUSY), cost);
	dev_free(d);
}

/* More copies than engines: each is on one engine at most, and all of them end. */
static void copies_share_engines(void)
{
	struct dev *d = dev_new(0);
	unsigned int n = d->cfg.copy_engines + 2;
	uint64_t fence[DSA_NUM_QUEUES], sum = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct cmds c = cmds_at(d, CMDS + i * 0x100);

		cmd_copy(&c, VA_HBM + DATA + i * (1 << 20), VA_RAM + 0x400000, 1 << 20);
		queue_setup(d, 32 + i, 1);
		fence[i] = submit_cmds(&c, 32 + i);
	}
	for (bool busy = true; busy;) {
		uint64_t queues = 0;

		busy = dsa_core_run(d->core, 0) == DSA_RUN_MORE;
		for (unsigned int e = 0; e < d->cfg.copy_engines; e++) {
			uint32_t q;

			engine_select(d, DSA_ENGINE_COPY, e);
			q = rd32(d, DSA_REG_ENG_QUEUE);
			if (q == UINT32_MAX)
				continue;
			CHECK(q >= 32 && q < 32 + n && !(queues & 1ull << q));
			queues |= 1ull << q;
		}
	}
	for (unsigned int i = 0; i < n; i++)
		CHECK_EQ(fence_now(d, 32 + i), fence[i]);
	for (unsigned int e = 0; e < d->cfg.copy_engines; e++) {
		check_idle(d, DSA_ENGINE_COPY, e);
		sum += rd64(d, DSA_REG_ENG_BUSY);
	}
	CHECK_EQ(sum, rd64(d, DSA_REG_BUSY_COPY));
	dev_free(d);
}

/* While threads run the cores: nothing but an end with DSA_ERR_RESET may come of it. */
static void reset_under_way(void)
{
	struct dev *d = dev_new(0);

	start_runaways(d, 0, 4);
	dev_start(d, 3);
	for (unsigned int round = 0; round < 20; round++) {
		struct cmds c = cmds_at(d, CMDS);

		for (unsigned int i = 0; i < 2 * d->cfg.cores; i++) {
			state_of(d, DSA_ENGINE_CORE, i % d->cfg.cores);
			rd64(d, DSA_REG_ENG_PC);
			rd32(d, DSA_REG_ENG_PROGRAM_X);
			state_of(d, DSA_ENGINE_FRONTEND, 0);
			rd64(d, DSA_REG_ENG_PC);
		}
		while (rd32(d, DSA_QREG(0, DSA_Q_STATE)) == DSA_QSTATE_ACTIVE) {
			state_of(d, DSA_ENGINE_CORE, round++ % d->cfg.cores);
			if (rd32(d, DSA_REG_ENG_QUEUE) == 0)
				wr32(d, DSA_REG_ENG_RESET, 1);
		}
		CHECK(wait_state(d, 0, DSA_QSTATE_ERROR));
		CHECK_EQ(err_code(d, 0), DSA_ERR_RESET);
		wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
		queue_setup(d, 0, 1);
		c.size = sizeof(struct dsa_cmd_launch);
		submit_cmds(&c, 0);
	}
	dev_free(d);
}

const struct test engine_tests[] = { TEST(absent_and_idle),
				     TEST(core_shown),
				     TEST(core_reset),
				     TEST(frontend_waits),
				     TEST(copy_shown_and_reset),
				     TEST(copies_share_engines),
				     TEST(reset_under_way),
				     TEST(reset_clears_scratchpad),
				     TESTS_END };
