/* SPDX-License-Identifier: MIT */
/* Faults to order: each kind, its counts and chances, and orders that are none. */
#include "rig.h"

#include <stdlib.h>

#define SEM    0x330000
#define POISON (DATA + 0x1238)

static char error[512];

static void order(struct dev *d, const char *text)
{
	int ret;

	error[0] = 0;
	bus_lock(d);
	ret = dsa_core_fault(d->core, text, error, sizeof(error));
	bus_unlock(d);
	if (ret)
		check_failed(__FILE__, __LINE__, "%s: %s", text, error);
}

static void refused(struct dev *d, const char *text, const char *why)
{
	char before[2048], after[2048];
	int ret;

	dsa_core_faults(d->core, before, sizeof(before));
	error[0] = 0;
	bus_lock(d);
	ret = dsa_core_fault(d->core, text, error, sizeof(error));
	bus_unlock(d);
	dsa_core_faults(d->core, after, sizeof(after));
	if (!ret || !strstr(error, why) || strcmp(before, after))
		check_failed(__FILE__, __LINE__, "'%s' gives %d, '%s'", text, ret, error);
}

static void shows(struct dev *d, const char *line)
{
	char text[2048];

	CHECK_EQ(dsa_core_faults(d->core, text, sizeof(text)), strlen(text));
	if (!strstr(text, line))
		check_failed(__FILE__, __LINE__, "no '%s' in '%s'", line, text);
}

static void bad_orders(void)
{
	struct dev *d = dev_new(0);
	char text[300];

	refused(d, "", "there is no fault ''");
	refused(d, "core-hung", "core-hang, queue-hang, copy-hang");
	refused(d, "heal=x", "there is no fault 'x'");
	refused(d, "core-hang,queue=1",
		"core-hang has no 'queue': it takes core, count, prob, seed");
	refused(d, "link-down,count=1", "it takes nothing");
	refused(d, "thermal,count=1", "it takes celsius, clock");
	refused(d, "core-hang,core", "'core' is no KEY=VALUE");
	refused(d, "core-hang,core=16", "it must be 0 to 15, or any");
	refused(d, "core-hang,core=-1", "core=-1 is not possible");
	refused(d, "core-hang,core=18446744073709551615", "is not possible");
	refused(d, "core-hang,core=99999999999999999999", "is not possible");
	refused(d, "core-hang,core=1x", "core=1x is not possible");
	refused(d, "core-hang,core=", "core= is not possible");
	refused(d, "core-hang,count=0", "it must be 1 or more, or forever");
	refused(d, "core-hang,prob=1.5", "it must be 0 to 1");
	refused(d, "core-hang,prob=nan", "it must be 0 to 1");
	refused(d, "core-hang,prob=-0", "it must be 0 to 1");
	refused(d, "core-hang,seed=x", "seed=x is not possible");
	refused(d, "ecc-corrected", "ecc-corrected needs addr");
	refused(d, "ecc-corrected,addr=4", "a multiple of 8");
	refused(d, "ecc-corrected,addr=any", "a multiple of 8");
	refused(d, "ecc-uncorrected,addr=0x4000000", "0 to 67108856");
	refused(d, "pte-corrupt,level=4", "0 to 3, or any");
	refused(d, "irq-lost,vector=65", "0 to 64, or any");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	refused(d, text, "at most 255 characters");
	for (unsigned int i = 0; i < 16; i++)
		order(d, "core-hang,core=3");
	refused(d, "core-hang", "16 faults are armed already");
	order(d, "heal=queue-hang");
	refused(d, "core-hang", "16 faults are armed already");
	order(d, "heal");
	CHECK_EQ(dsa_core_faults(d->core, text, sizeof(text)), 0);
	order(d, "core-hang");
	shows(d, "core-hang,core=any,count=1,prob=1,seed=0: fired 0 of 0\n");
	dev_free(d);
}

/* A NOP of its own, on queue @q; the vector of each raises. */
static bool nop(struct dev *d, unsigned int q)
{
	struct cmds c = cmds_at(d, CMDS + 0x1000);

	cmd_simple(&c, DSA_CMD_NOP);
	return run_cmds(&c, q);
}

/* Which of 64 packets are hit, as a bitmap. */
static uint64_t pattern(const char *text)
{
	struct dev *d = dev_new(0);
	uint64_t hits = 0;

	queue_setup(d, 0, 1);
	order(d, text);
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int before = d->raised[1];

		CHECK(nop(d, 0));
		hits |= (uint64_t)(d->raised[1] == before) << i;
	}
	dev_free(d);
	return hits;
}

static void chance_is_repeatable(void)
{
	uint64_t half = pattern("irq-lost,count=forever,prob=0.5,seed=7");
	unsigned int n = __builtin_popcountll(half);

	CHECK(n > 16 && n < 48);
	CHECK_EQ(pattern("irq-lost,count=forever,prob=0.5,seed=7"), half);
	CHECK(pattern("irq-lost,count=forever,prob=0.5,seed=8") != half);
	CHECK_EQ(pattern("irq-lost,count=5"), 0x1f);
	CHECK_EQ(pattern("irq-lost,count=forever,prob=0"), 0);
	CHECK_EQ(pattern("irq-lost,vector=2,count=forever"), 0);
	CHECK_EQ(__builtin_popcountll(pattern("irq-lost,count=3,prob=0.5,seed=7")), 3);
}

static void interrupts(void)
{
	struct dev *d = dev_new(0);

	queue_setup(d, 0, 1);
	order(d, "irq-duplicate");
	CHECK(nop(d, 0));
	CHECK_EQ(d->raised[1], 2);
	CHECK(nop(d, 0));
	CHECK_EQ(d->raised[1], 3);
	order(d, "irq-spurious,vector=9,count=2");
	CHECK_EQ(d->raised[9], 1); /* at once */
	CHECK(nop(d, 0));
	CHECK_EQ(d->raised[9], 2);
	CHECK_EQ(d->raised[1], 4);
	CHECK(nop(d, 0));
	CHECK_EQ(d->raised[9], 2);
	shows(d, "irq-spurious,vector=9,count=2,prob=1,seed=0: fired 2 of 2, spent\n");
	dev_free(d);
}

static uint64_t submit_launch(struct dev *d, unsigned int q, uint32_t x, uint32_t cluster)
{
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS + q * 0x100);
	struct dsa_cmd_launch *l;

	emit(&k, RET);
	l = cmd_launch(&c, VA_HBM + CODE, 0, x, 1, 1);
	l->cluster[0] = cluster;
	l->id = 55;
	return submit_cmds(&c, q);
}

static int stuck_core(struct dev *d)
{
	for (unsigned int i = 0; i < d->cfg.cores; i++) {
		wr32(d, DSA_REG_ENG_SELECT, DSA_ENGINE_CORE << 16 | i);
		if (rd32(d, DSA_REG_ENG_STATE) == DSA_ENG_STUCK)
			return i;
	}
	return -1;
}

static void works_again(struct dev *d, unsigned int q)
{
	uint64_t fence;

	wr32(d, DSA_QREG(q, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	CHECK(wait_state(d, q, DSA_QSTATE_DISABLED));
	queue_setup(d, q, 1);
	fence = submit_launch(d, q, 20, 1);
	CHECK(wait_fence(d, q, fence));
}

/* Not KILL, but a reset of the engine or of the device makes it let go. */
static void core_hangs(uint32_t cluster, bool device)
{
	struct dev *d = dev_new(0);
	int core;

	queue_setup(d, 0, 1);
	order(d, "core-hang,core=any");
	submit_launch(d, 0, 8, cluster);
	dev_run(d);
	core = stuck_core(d);
	CHECK(core >= 0);
	CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), 0);
	CHECK_EQ(rd64(d, DSA_REG_ENG_LAUNCH_ID), 55);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_STOPPING);
	queue_setup(d, 1, 1);
	CHECK(nop(d, 1));
	/* An engine that does nothing keeps no invalidation waiting. */
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_ALL << 16);
	CHECK_EQ(rd32(d, DSA_REG_MMU_INV_DONE), rd32(d, DSA_REG_MMU_INV_SEQ));
	if (device) {
		wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
		dev_run(d);
		CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
		dev_map_default(d, 1);
	} else {
		wr32(d, DSA_REG_ENG_SELECT, DSA_ENGINE_CORE << 16 | core);
		wr32(d, DSA_REG_ENG_RESET, 1);
		CHECK(wait_state(d, 0, DSA_QSTATE_ERROR));
		CHECK_EQ(err_code(d, 0), DSA_ERR_KILLED);
	}
	CHECK_EQ(stuck_core(d), -1);
	works_again(d, 0);
	dev_free(d);
}

static void core_hang(void)
{
	core_hangs(1, false);
	core_hangs(1, true);
	core_hangs(4, false);
	core_hangs(4, true);
}

/* Without a KILL before: the engine's reset says what it did. */
static void core_hang_reset_first(void)
{
	struct dev *d = dev_new(0);
	int core;

	queue_setup(d, 0, 1);
	order(d, "core-hang,core=0");
	submit_launch(d, 0, 64, 1);
	dev_run(d);
	core = stuck_core(d);
	CHECK_EQ(core, 0);
	wr32(d, DSA_REG_ENG_RESET, 1);
	CHECK(wait_state(d, 0, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(d, 0), DSA_ERR_RESET);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ENGINE)), DSA_ENGINE_CORE << 16);
	works_again(d, 0);
	dev_free(d);
}

static void queue_hang(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 0, 1);
	order(d, "queue-hang,queue=0");
	submit_cmds(&c, 0);
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_BUSY)), 1);
	CHECK_EQ(dsa_core_due_ns(d->core), UINT64_MAX);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	works_again(d, 0);
	dev_free(d);
}

static void queue_hang_reported(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	d->now = 1000000000;
	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 0, 1);
	order(d, "queue-hang,report=50");
	submit_cmds(&c, 0);
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	CHECK_EQ(dsa_core_due_ns(d->core), 1050000000);
	d->now = 1049999999;
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	d->now = 1050000000;
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, 0), DSA_ERR_HANG);
	works_again(d, 0);
	dev_free(d);
}

static void copy_hang(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS), other = cmds_at(d, CMDS + 0x100);

	cmd_copy(&c, VA_HBM + DATA, VA_RAM + 0x400000, 1 << 20);
	cmd_copy(&other, VA_HBM + DATA, VA_RAM + 0x400000, 4096);
	queue_setup(d, 32, 1);
	queue_setup(d, 33, 1);
	order(d, "copy-hang,engine=0");
	submit_cmds(&c, 32);
	dev_run(d);
	wr32(d, DSA_REG_ENG_SELECT, DSA_ENGINE_COPY << 16);
	CHECK_EQ(rd32(d, DSA_REG_ENG_STATE), DSA_ENG_STUCK);
	CHECK_EQ(rd32(d, DSA_REG_ENG_QUEUE), 32);
	CHECK(run_cmds(&other, 33)); /* on another engine */
	wr32(d, DSA_QREG(32, DSA_Q_COMMAND), DSA_QCMD_KILL);
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(32, DSA_Q_STATE)), DSA_QSTATE_STOPPING);
	wr32(d, DSA_REG_ENG_RESET, 1);
	CHECK_EQ(rd32(d, DSA_QREG(32, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, 32), DSA_ERR_KILLED);
	CHECK_EQ(rd64(d, DSA_QREG(32, DSA_Q_ERR_CMD_VA)), VA_HBM + CMDS);
	wr32(d, DSA_QREG(32, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_setup(d, 32, 1);
	CHECK(run_cmds(&c, 32));
	dev_free(d);
}

static void copy_slow(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fast, slow;

	d->now = 1000000000;
	cmd_copy(&c, VA_HBM + DATA, VA_HBM + OUT, 4096);
	queue_setup(d, 32, 1);
	CHECK(run_cmds(&c, 32));
	fast = rd64(d, DSA_REG_BUSY_COPY);
	order(d, "copy-slow,factor=7,ms=3,count=1");
	submit_cmds(&c, 32);
	dev_run(d);
	CHECK_EQ(fence_now(d, 32), d->fence[32] - 1); /* held */
	CHECK_EQ(dsa_core_due_ns(d->core), 1003000000);
	d->now = 1003000000;
	dev_run(d);
	CHECK_EQ(fence_now(d, 32), d->fence[32]);
	slow = rd64(d, DSA_REG_BUSY_COPY) - fast;
	CHECK_EQ(slow, 7 * fast);
	CHECK(run_cmds(&c, 32));
	CHECK_EQ(rd64(d, DSA_REG_BUSY_COPY) - slow, 2 * fast);
	dev_free(d);
}

static void expect_ecc(struct dev *d, unsigned int q, uint32_t counted)
{
	CHECK(wait_state(d, q, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(d, q), DSA_ERR_ECC);
	CHECK_EQ(rd32(d, DSA_REG_ECC_UNCORRECTED), counted);
	CHECK_EQ(rd64(d, DSA_REG_ECC_ADDR), POISON);
	CHECK(rd32(d, DSA_REG_INT_STATUS) & DSA_INT_ECC);
	wr32(d, DSA_REG_INT_STATUS, DSA_INT_ECC);
	wr32(d, DSA_QREG(q, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	CHECK(wait_state(d, q, DSA_QSTATE_DISABLED));
	queue_setup(d, q, 1);
}

static void order_ecc(struct dev *d, const char *kind)
{
	char text[64];

	snprintf(text, sizeof(text), "%s,addr=0x%x", kind, POISON);
	order(d, text);
}

static void ecc_corrected(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t *word = (uint64_t *)(d->hbm + POISON);

	*word = 4711;
	cmd_copy(&c, VA_HBM + OUT, VA_HBM + DATA, 1 << 16);
	queue_setup(d, 0, 1);
	wr32(d, DSA_REG_INT_ENABLE, DSA_INT_ECC);
	order_ecc(d, "ecc-corrected");
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_REG_ECC_CORRECTED), 1);
	CHECK_EQ(rd32(d, DSA_REG_ECC_UNCORRECTED), 0);
	CHECK_EQ(rd64(d, DSA_REG_ECC_ADDR), POISON);
	CHECK_EQ(rd32(d, DSA_REG_INT_STATUS), DSA_INT_ECC);
	CHECK_EQ(d->raised[0], 1);
	CHECK_EQ(*(uint64_t *)(d->hbm + OUT + POISON - DATA), 4711);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_REG_ECC_CORRECTED), 1);
	order_ecc(d, "ecc-corrected,count=forever");
	CHECK(run_cmds(&c, 0));
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_REG_ECC_CORRECTED), 3);
	*word = 4712;
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_REG_ECC_CORRECTED), 3);
	shows(d, "healed by a write");
	dev_free(d);
}

static void ecc_copy(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS), fill = cmds_at(d, CMDS + 0x100);

	cmd_copy(&c, VA_RAM + 0x400000, VA_HBM + DATA, 1 << 16);
	cmd_fill(&fill, VA_HBM + POISON, 8, 3, 8);
	queue_setup(d, 0, 1);
	queue_setup(d, 1, 1);
	order_ecc(d, "ecc-uncorrected");
	CHECK(*(uint64_t *)(d->hbm + POISON) != 0); /* what was there is lost */
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ENGINE)) >> 16, DSA_ENGINE_COPY);
	expect_ecc(d, 0, 1);
	CHECK(!run_cmds(&c, 0));
	expect_ecc(d, 0, 2);
	CHECK(run_cmds(&fill, 1));
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_REG_ECC_UNCORRECTED), 2);
	dev_free(d);
}

/* A core that has had the page all along: a load, a store that heals, an atomic, a vector load. */
static void ecc_core(uint32_t insn)
{
	struct rig r = rig_new();
	struct dev *d = r.d;

	emit(&r.k, ADDI(T1, A0, 0));
	emit(&r.k, 0x37 | T2 << 7 | (POISON - OPS) >> 12 << 12); /* lui */
	emit(&r.k, ADDI(T2, T2, (POISON - OPS) & 0xfff));
	emit(&r.k, ADD(T1, T1, T2));
	emit(&r.k, 0xcd80f057); /* vsetivli x0, 1, e64, m1, ta, ma */
	emit(&r.k, insn);
	CHECK(rig_run(&r));
	order_ecc(d, "ecc-uncorrected");
	r.k.count--;
	CHECK(!rig_run(&r));
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ENGINE)) >> 16, DSA_ENGINE_CORE);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ACCESS)),
		 (insn & 0x7f) == 0x2f ? DSA_ACCESS_WRITE : DSA_ACCESS_READ);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), VA_HBM + POISON);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_PC)), VA_HBM + CODE + 4 * (r.k.count - 2));
	expect_ecc(d, 0, 1);
	rig_restart(&r);
	emit(&r.k, ADDI(T1, A0, 0));
	emit(&r.k, 0x37 | T2 << 7 | (POISON - OPS) >> 12 << 12);
	emit(&r.k, ADDI(T2, T2, (POISON - OPS) & 0xfff));
	emit(&r.k, ADD(T1, T1, T2));
	emit(&r.k, SD(X0, T1, 0));
	emit(&r.k, 0xcd80f057);
	emit(&r.k, insn);
	CHECK(rig_run(&r));
	dev_free(d);
}

static void ecc_cores(void)
{
	ecc_core(LD(T0, T1, 0));
	ecc_core(AMOADD_D(T0, T0, T1));
	ecc_core(0x02037087); /* vle64.v v1, (t1) */
}

static void ecc_tensor(void)
{
	struct rig r = rig_new();

	rig_mbar_init(&r);
	rig_mbar_expect(&r, 0x4000);
	rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + DATA, SPAD + SPAD_BOX, 0x4000);
	rig_arrive_and_wait(&r, 0);
	CHECK(rig_run(&r));
	order_ecc(r.d, "ecc-uncorrected");
	r.k.count--;
	CHECK(!rig_run(&r));
	expect_ecc(r.d, 0, 1);
	dev_free(r.d);
}

static void ecc_words_of_the_device(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, POISON), nothing = cmds_at(d, CMDS + 0x100);

	/* A command. */
	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 0, 1);
	order_ecc(d, "ecc-uncorrected");
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ENGINE)) >> 16, DSA_ENGINE_FRONTEND);
	expect_ecc(d, 0, 1);
	/* A semaphore. */
	c = cmds_at(d, CMDS);
	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + POISON, 0, 0);
	CHECK(!run_cmds(&c, 0));
	expect_ecc(d, 0, 2);
	c = cmds_at(d, CMDS);
	cmd_sem(&c, DSA_CMD_SEM_SIGNAL, VA_HBM + POISON, 1, DSA_SEM_F_ADD);
	CHECK(!run_cmds(&c, 0));
	expect_ecc(d, 0, 3);
	c = cmds_at(d, CMDS);
	cmd_sem(&c, DSA_CMD_SEM_SIGNAL, VA_HBM + POISON, 1, 0); /* heals */
	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + POISON, 1, 0);
	CHECK(run_cmds(&c, 0));
	/* A page-table entry: the root's first. */
	cmd_simple(&nothing, DSA_CMD_NOP);
	order(d, "ecc-uncorrected,addr=0,count=1");
	CHECK(!run_cmds(&nothing, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_ECC);
	CHECK_EQ(rd64(d, DSA_REG_ECC_ADDR), 0);
	dev_free(d);
}

static void ring_corrupt(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 0, 1);
	queue_setup(d, 1, 1);
	order(d, "ring-corrupt,queue=0");
	CHECK(nop(d, 1));
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_BAD_RING_PACKET);
	works_again(d, 0);
	order(d, "ring-corrupt,bit=67"); /* cmd_va + 8: no NOP there */
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_BAD_PACKET);
	works_again(d, 0);
	dev_free(d);
}

static uint32_t pte_code(const char *text)
{
	struct dev *d = dev_new(0);
	uint32_t code;

	queue_setup(d, 0, 1);
	CHECK(nop(d, 0)); /* translations are cached */
	order(d, text);
	nop(d, 0);
	code = err_code(d, 0);
	if (code) {
		works_again(d, 0);
		CHECK_EQ(err_code(d, 0), 0);
	}
	dev_free(d);
	return code;
}

static void pte_corrupt(void)
{
	CHECK_EQ(pte_code("pte-corrupt"), DSA_ERR_MMU_RESERVED);
	CHECK_EQ(pte_code("pte-corrupt,seed=99,asid=1"), DSA_ERR_MMU_RESERVED);
	CHECK_EQ(pte_code("pte-corrupt,bit=0,level=3"), DSA_ERR_MMU_UNMAPPED);
	CHECK_EQ(pte_code("pte-corrupt,bit=1,level=1"), DSA_ERR_MMU_PERMISSION);
	CHECK_EQ(pte_code("pte-corrupt,level=0"), 0); /* 2 MiB pages: none such is read */
	CHECK_EQ(pte_code("pte-corrupt,asid=2"), 0);
}

static void thermal(void)
{
	struct rig r = rig_new();
	struct dev *d = r.d;
	uint64_t cool;

	for (unsigned int i = 0; i < 500; i++)
		emit(&r.k, ADDI(T0, T0, 1));
	CHECK(rig_run(&r));
	cool = rig_ns(&r) - d->cfg.cost.launch_ns;
	wr32(d, DSA_REG_INT_ENABLE, DSA_INT_THERMAL);
	order(d, "thermal,celsius=99,clock=25");
	CHECK_EQ(d->raised[0], 1);
	CHECK_EQ(rd32(d, DSA_REG_INT_STATUS), DSA_INT_THERMAL);
	CHECK_EQ(rd32(d, DSA_REG_TEMPERATURE), 99000);
	CHECK_EQ(rd32(d, DSA_REG_CLOCK_NOW), rd32(d, DSA_REG_CORE_CLOCK) / 4);
	wr32(d, DSA_REG_INT_STATUS, DSA_INT_THERMAL);
	r.k.count--;
	CHECK(rig_run(&r));
	CHECK(rig_ns(&r) - d->cfg.cost.launch_ns >= 4 * cool - 4);
	CHECK(rig_ns(&r) - d->cfg.cost.launch_ns <= 4 * cool);
	order(d, "heal=thermal");
	CHECK_EQ(d->raised[0], 2); /* that it is over is told, too */
	CHECK(rd32(d, DSA_REG_TEMPERATURE) < 99000);
	CHECK_EQ(rd32(d, DSA_REG_CLOCK_NOW), rd32(d, DSA_REG_CORE_CLOCK));
	r.k.count--;
	CHECK(rig_run(&r));
	CHECK_EQ(rig_ns(&r) - d->cfg.cost.launch_ns, cool);
	dev_free(d);
}

static void boot_fail(void)
{
	struct dev *d = dev_new(0);

	order(d, "boot-fail,count=2");
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY); /* until a reset */
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_FATAL);
	queue_config(d, 0, 1);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_ENABLE);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
	order(d, "heal");
	order(d, "boot-fail,fatal=0");
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_FATAL); /* until a reset */
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	CHECK_EQ(rd32(d, DSA_REG_STATUS), 0);
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
	dev_map_default(d, 1);
	queue_setup(d, 0, 1);
	CHECK(nop(d, 0));
	dev_free(d);
}

static void link_down(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint32_t bad = rd32(d, DSA_REG_BAD_ACCESS);

	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 0, 1);
	order(d, "link-down");
	CHECK(dsa_core_link_down(d->core));
	CHECK_EQ(rd32(d, DSA_REG_MAGIC), 0xffffffff);
	CHECK_EQ(rd64(d, DSA_REG_TIME), UINT64_MAX);
	bus_lock(d);
	CHECK_EQ(dsa_core_mmio_read(d->core, 3, 1), 0xff);
	bus_unlock(d);
	wr32(d, DSA_REG_SCRATCH, 5);
	submit_cmds(&c, 0); /* the doorbell is lost */
	wr32(d, DSA_REG_PING, 1);
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_run(d);
	order(d, "heal");
	CHECK(!dsa_core_link_down(d->core));
	CHECK_EQ(rd32(d, DSA_REG_SCRATCH), 0);
	CHECK_EQ(rd32(d, DSA_REG_RESET_COUNT), 0);
	CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_TAIL)), 0);
	doorbell(d, 0, d->tail[0]);
	CHECK(wait_fence(d, 0, d->fence[0]));
	CHECK_EQ(d->raised[1], 1);
	dev_free(d);
}

/* Lost with work under way: no DMA and no interrupt leaves the device. */
static void link_down_busy(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	unsigned int reads, writes;

	cmd_copy(&c, VA_HBM + DATA, VA_RAM + 0x400000, 4 << 20);
	queue_setup(d, 32, 1);
	submit_cmds(&c, 32);
	for (unsigned int i = 0; i < 4; i++)
		dsa_core_run(d->core, 0);
	order(d, "link-down");
	reads = d->dma_reads;
	writes = d->dma_writes;
	dev_run(d);
	CHECK_EQ(d->dma_reads, reads);
	CHECK_EQ(d->dma_writes, writes);
	for (unsigned int v = 0; v < DSA_NUM_VECTORS; v++)
		CHECK_EQ(d->raised[v], 0);
	order(d, "heal=link-down");
	CHECK_EQ(rd32(d, DSA_QREG(32, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, 32), DSA_ERR_BUS);
	dev_free(d);
}

/* What hangs, is held, broken or armed is so after loading, too: ACTIVE and STOPPING. */
static void hangs_survive_saving(void)
{
	struct dev *d = dev_new(0), *e = dev_new(0);
	struct cmds c = cmds_at(d, CMDS + 0x2000);
	char before[2048], after[2048];
	const char *why = NULL;
	size_t size;
	void *state;
	int core;

	order(d, "core-hang,core=0,count=2");
	order(d, "queue-hang");
	order(d, "copy-hang");
	cmd_copy(&c, VA_HBM + DATA, VA_HBM + OUT, 4096);
	queue_setup(d, 2, 1);
	submit_cmds(&c, 2); /* hangs as a queue */
	dev_run(d);
	queue_setup(d, 32, 1);
	submit_cmds(&c, 32); /* its copy engine hangs */
	queue_setup(d, 0, 1);
	submit_launch(d, 0, 8, 1);
	dev_run(d);
	wr32(d, DSA_QREG(32, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK(stuck_core(d) >= 0);
	size = dsa_core_save(d->core, NULL, 0);
	state = malloc(size);
	dsa_core_save(d->core, state, size);
	memcpy(e->hbm, d->hbm, HBM_SIZE);
	memcpy(e->ram, d->ram, RAM_SIZE);
	CHECK_EQ(dsa_core_load(e->core, state, size, &why), 0);
	if (why)
		printf("# %s\n", why);
	dsa_core_faults(d->core, before, sizeof(before));
	dsa_core_faults(e->core, after, sizeof(after));
	CHECK(!strcmp(before, after));
	dev_run(e);
	CHECK_EQ(rd32(e, DSA_QREG(32, DSA_Q_STATE)), DSA_QSTATE_STOPPING);
	CHECK_EQ(rd32(e, DSA_QREG(2, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	CHECK_EQ(rd32(e, DSA_QREG(2, DSA_Q_BUSY)), 1);
	wr32(e, DSA_REG_ENG_SELECT, DSA_ENGINE_COPY << 16);
	CHECK_EQ(rd32(e, DSA_REG_ENG_STATE), DSA_ENG_STUCK);
	wr32(e, DSA_REG_ENG_RESET, 1);
	CHECK_EQ(rd32(e, DSA_QREG(32, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	core = stuck_core(e);
	CHECK_EQ(core, stuck_core(d));
	wr32(e, DSA_REG_ENG_RESET, 1);
	CHECK(wait_state(e, 0, DSA_QSTATE_ERROR));
	CHECK_EQ(err_code(e, 0), DSA_ERR_RESET);
	order(e, "heal");
	works_again(e, 0);
	works_again(e, 2);
	/* What cannot be is refused, and leaves a device that works. */
	for (size_t at = 0; at < size; at += 61) {
		((uint8_t *)state)[at] ^= 0x81;
		dsa_core_load(e->core, state, size, &why);
		((uint8_t *)state)[at] ^= 0x81;
	}
	wr32(e, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_run(e);
	CHECK_EQ(rd32(e, DSA_REG_STATUS) & DSA_STATUS_RESETTING, 0);
	free(state);
	dev_free(d);
	dev_free(e);
}

const struct test fault_tests[] = { TEST(bad_orders),
				    TEST(chance_is_repeatable),
				    TEST(interrupts),
				    TEST(core_hang),
				    TEST(core_hang_reset_first),
				    TEST(queue_hang),
				    TEST(queue_hang_reported),
				    TEST(copy_hang),
				    TEST(copy_slow),
				    TEST(ecc_corrected),
				    TEST(ecc_copy),
				    TEST(ecc_cores),
				    TEST(ecc_tensor),
				    TEST(ecc_words_of_the_device),
				    TEST(ring_corrupt),
				    TEST(pte_corrupt),
				    TEST(thermal),
				    TEST(boot_fail),
				    TEST(link_down),
				    TEST(link_down_busy),
				    TEST(hangs_survive_saving),
				    TESTS_END };
