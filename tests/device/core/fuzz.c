/* SPDX-License-Identifier: MIT */
/*
 * Random rings, commands, page tables, registers and code, from a seed. What
 * counts is that nothing crashes (ASan, UBSan), that no access leaves the
 * device's memory, that every call returns soon, and that a reset always
 * brings back a working device.
 */
#include "harness.h"

#include <stdlib.h>

#define CODE   0x300000
#define CMDS   0x310000
#define DATA   0x400000
#define ROUNDS 400

static uint64_t seed;

static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0,
		1,
		7,
		8,
		63,
		64,
		4095,
		4096,
		0x7fffffff,
		0x80000000u,
		UINT32_MAX,
		1ull << 32,
		1ull << 40,
		(1ull << 48) - 1,
		1ull << 48,
		1ull << 63,
		UINT64_MAX,
		UINT64_MAX - 7,
		0x10000000000ull,
		0x10000010000ull,
		VA_HBM,
		VA_HBM + DATA,
		VA_HBM + HBM_SIZE - 8,
		VA_RAM,
		VA_RAM + RAM_SIZE - 1,
		RAM_BASE,
		DSA_SCRATCHPAD_BASE,
		DSA_CLUSTER_BASE,
		DSA_CLUSTER_BASE + DSA_CLUSTER_STRIDE,
		DSA_CORE_EXIT_ADDR,
		HBM_SIZE,
	};
	uint64_t v = values[rnd(&seed) % (sizeof(values) / sizeof(values[0]))];

	switch (rnd(&seed) % 4) {
	case 0:
		return v + rnd(&seed) % 64 * 8;
	case 1:
		return v ^ 1ull << rnd(&seed) % 64;
	case 2:
		return VA_HBM + DATA + rnd(&seed) % 0x100000 / 8 * 8;
	default:
		return v;
	}
}

static uint64_t length(void)
{
	return rnd(&seed) % 3 ? rnd(&seed) % 70000 : interesting();
}

static void random_cmd(struct cmds *c)
{
	struct dsa_cmd_launch *l;
	uint64_t junk[9];

	switch (rnd(&seed) % 10) {
	case 0:
		cmd_copy(c, interesting(), interesting(), length());
		break;
	case 1:
		cmd_copy_2d(c, interesting(), interesting(), length(), length(), length(),
			    length());
		break;
	case 2:
		cmd_fill(c, interesting(), length(), rnd(&seed), 1u << rnd(&seed) % 5);
		break;
	case 3:
		cmd_sem(c, DSA_CMD_SEM_SIGNAL + rnd(&seed) % 2, interesting(), interesting(),
			rnd(&seed) % 8 ? 0 : rnd(&seed));
		break;
	case 4:
		cmd_timestamp(c, interesting());
		break;
	case 5:
		cmd_simple(c, rnd(&seed) % 12);
		break;
	case 6:
		for (unsigned int i = 0; i < 9; i++)
			junk[i] = interesting();
		cmd_raw(c, junk, 8 + rnd(&seed) % 8 * 8);
		break;
	default:
		l = cmd_launch(c,
			       rnd(&seed) % 8 ? VA_HBM + CODE + rnd(&seed) % 64 * 4 : interesting(),
			       interesting(), 1 + rnd(&seed) % 100, 1, 1);
		if (rnd(&seed) % 4 == 0)
			l->grid[rnd(&seed) % 3] = interesting();
		if (rnd(&seed) % 4 == 0)
			l->counters = interesting();
		if (rnd(&seed) % 8 == 0)
			l->stack_bytes = interesting();
		if (rnd(&seed) % 4 == 0)
			l->cluster[0] = l->grid[0] % (1 + rnd(&seed) % 16) ? 1 : rnd(&seed) % 17;
		if (rnd(&seed) % 8 == 0)
			l->cluster[rnd(&seed) % 3] = interesting();
		l->user = interesting();
	}
	/* a bit of damage */
	if (rnd(&seed) % 8 == 0 && c->size)
		c->d->hbm[c->offset + rnd(&seed) % c->size] ^= 1u << rnd(&seed) % 8;
}

static void random_code(struct dev *d)
{
	struct code k = code_at(d, CODE);

	for (unsigned int i = 0; i < 200; i++) {
		uint32_t r = rnd(&seed), a = 8 + rnd(&seed) % 4;

		switch (rnd(&seed) % 9) {
		case 0:
			emit(&k, r);
			break;
		case 1:
			emit(&k, LD(5 + r % 3, rnd(&seed) & 1 ? A0 : a, (int)(r >> 8 & 0x7f8)));
			break;
		case 2:
			emit(&k, SD(5 + r % 3, rnd(&seed) & 1 ? SP : A0, -(int)(r >> 8 & 0x7f8)));
			break;
		case 3:
			emit(&k, BNE(r % 8 + 5, r >> 4 & 7, ((int)(r >> 8) % 64 - 16) * 4));
			break;
		case 4:
			emit(&k, SYSRD(5 + r % 3, r >> 4 & 15));
			break;
		case 5:
			emit(&k, AMOADD_D(5 + r % 3, 6, A0));
			break;
		case 6:
			emit(&k, ADDI(5 + r % 7, 5 + (r >> 4) % 7, (int)(r >> 20)));
			break;
		case 7:
			emit(&k, r & 1 ? r_type(0x2b, DSA_X_CLUSTER, r >> 1 & 1, 0, 0, 0) :
					 r_type(0x2b, DSA_X_MBAR, r >> 1 & 7, r >> 4 & 6, A0, 6));
			break;
		default:
			emit(&k, RET);
		}
	}
}

static uint64_t *leaves; /* a table of leaves, from before anything was damaged */

static void random_ptes(struct dev *d)
{
	for (unsigned int i = rnd(&seed) % 4; i--;) {
		uint64_t table = rnd(&seed) % 20 * 4096;
		uint64_t pte = rnd(&seed) % 3 ? rnd(&seed) % HBM_SIZE | (rnd(&seed) & 63) | 1 :
						rnd(&seed);

		if (rnd(&seed) & 1) /* in a table, or a fresh leaf below the root */
			*(uint64_t *)(d->hbm + table + rnd(&seed) % 512 * 8) = pte;
		else
			leaves[rnd(&seed) % 64] = pte | DSA_PTE_VALID | DSA_PTE_LEAF;
	}
}

static void random_registers(struct dev *d)
{
	for (unsigned int i = rnd(&seed) % 12; i--;) {
		uint64_t off = rnd(&seed) % 2 ? rnd(&seed) % 0x300 : rnd(&seed) % DSA_REGS_SIZE;
		unsigned int size = 1u << rnd(&seed) % 4;

		/* never the control register's reset: rounds end with one anyway */
		if (rnd(&seed) % 2)
			off &= ~7ull;
		if (off / 8 == DSA_REG_CONTROL / 8)
			continue;
		bus_lock(d);
		if (rnd(&seed) & 1)
			dsa_core_mmio_write(d->core, off, interesting(), size);
		else
			dsa_core_mmio_read(d->core, off, size);
		if (rnd(&seed) % 8 == 0)
			dsa_core_doorbell(d->core, rnd(&seed) % 0x50000, interesting(), size);
		bus_unlock(d);
	}
}

static void random_submit(struct dev *d, unsigned int q)
{
	struct cmds c = cmds_at(d, CMDS + q % 8 * 0x1000);
	struct dsa_ring_packet *p;

	for (unsigned int n = rnd(&seed) % 6; n--;)
		random_cmd(&c);
	submit(d, q, VA_HBM + c.offset, c.size);
	if (rnd(&seed) % 6)
		return;
	p = ring_slot(d, q, d->tail[q]);
	for (unsigned int i = 0; i < 6; i++)
		((uint64_t *)p)[i] = interesting();
	if (rnd(&seed) & 1)
		p->op = 1;
	doorbell(d, q, ++d->tail[q]);
}

static void round_of(struct dev *d)
{
	static const unsigned int queues[] = { 0, 1, 2, 33, 34 };

	leaves = pte_at(d, 1, 0x10000000000ull, 0, false);
	for (unsigned int i = 0; i < 5; i++)
		queue_setup(d, queues[i], 1);
	random_code(d);
	for (unsigned int i = 0; i < 8; i++) {
		if (rnd(&seed) % 16 == 0)
			d->fail_after = 1 + rnd(&seed) % 20;
		random_submit(d, queues[rnd(&seed) % 5]);
		random_registers(d);
		if (rnd(&seed) % 4 == 0)
			random_ptes(d);
		for (unsigned int k = rnd(&seed) % 4; k--;)
			dsa_core_run(d->core, 1 + rnd(&seed) % 200);
	}
}

static void bring_back(struct dev *d)
{
	struct cmds c = cmds_at(d, CMDS);
	uint64_t end = clock_ns() + 60000000000ull;

	d->fail_after = 0;
	bus_lock(d);
	dsa_core_reset(d->core, DSA_RESET_DEVICE);
	bus_unlock(d);
	while (dsa_core_run(d->core, 1000) != DSA_RUN_IDLE && clock_ns() < end)
		;
	CHECK(dsa_core_idle(d->core));
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
	d->hbm_tables = HBM_TABLES;
	dev_map_default(d, 1);
	cmd_fill(&c, VA_HBM + DATA, 8, 0x5a, 1);
	queue_setup(d, 3, 1);
	CHECK(run_cmds(&c, 3));
	CHECK_EQ(d->hbm[DATA + 7], 0x5a);
}

static void random_everything(void)
{
	const char *env = getenv("FUZZ_SEED"), *rounds = getenv("FUZZ_ROUNDS");
	unsigned int n = rounds ? strtoul(rounds, NULL, 0) : ROUNDS;
	uint64_t first = env ? strtoull(env, NULL, 0) : 1;
	struct dev *d = dev_new(0);

	for (unsigned int r = 0; r < n && !test_failed; r++) {
		uint64_t start = clock_ns();

		seed = first + r;
		round_of(d);
		bring_back(d);
		if (clock_ns() - start > 30000000000ull)
			check_failed(__FILE__, __LINE__, "a round took %llu ms",
				     (unsigned long long)(clock_ns() - start) / 1000000);
		if (test_failed)
			printf("# FUZZ_SEED=%llu FUZZ_ROUNDS=1\n", (unsigned long long)first + r);
	}
	dev_free(d);
}

const struct test fuzz_tests[] = { TEST(random_everything), TESTS_END };
