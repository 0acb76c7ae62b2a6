/* SPDX-License-Identifier: MIT */
/* Several threads: work on many queues at once, killed, reset and invalidated meanwhile. */
#include "harness.h"

#define CODE    0x300000
#define CMDS    0x310000
#define QUEUES  6
#define AREA(q) (0x800000 + (uint64_t)(q) * 0x400000)
#define SPARE   0x10000000000ull

static unsigned int queue_number(unsigned int i)
{
	return i < 4 ? i : 32 + i;
}

/* out[pid] = in[pid] + 1; kernarg points to in, out. */
static void emit_add_one(struct dev *d)
{
	struct code k = code_at(d, CODE);

	emit(&k, LD(A1, A0, 0));
	emit(&k, LD(A2, A0, 8));
	emit(&k, SYSRD(T0, DSA_SYS_PID_X));
	emit(&k, SLLI(T0, T0, 3));
	emit(&k, ADD(A1, A1, T0));
	emit(&k, ADD(A2, A2, T0));
	emit(&k, LD(T1, A1, 0));
	emit(&k, ADDI(T1, T1, 1));
	emit(&k, SD(T1, A2, 0));
	emit(&k, RET);
	k = code_at(d, CODE + 0x1000);
	emit(&k, LOOP_FOREVER);
}

#define N 600

static void prepare(struct dev *d, unsigned int i, uint64_t round)
{
	unsigned int q = queue_number(i);
	struct cmds c = cmds_at(d, CMDS + i * 0x1000);
	uint64_t *args = (uint64_t *)(d->hbm + AREA(i));
	uint64_t *in = (uint64_t *)ram_at(d, RAM_DATA + i * 0x100000ull);

	args[0] = VA_HBM + AREA(i) + 0x100000;
	args[1] = VA_HBM + AREA(i) + 0x200000;
	for (unsigned int k = 0; k < N; k++)
		in[k] = round * 1000 + k;
	cmd_copy(&c, args[0], VA_RAM + (RAM_DATA - RAM_BASE) + i * 0x100000ull, N * 8);
	if (q < 32)
		cmd_launch(&c, VA_HBM + CODE, VA_HBM + AREA(i), N, 1, 1);
	else
		cmd_copy(&c, args[1], args[0], N * 8);
	cmd_copy(&c, VA_RAM + (RAM_DATA - RAM_BASE) + i * 0x100000ull + 0x80000, args[1], N * 8);
	submit_cmds(&c, q);
}

static bool right(struct dev *d, unsigned int i, uint64_t round)
{
	const uint64_t *out = ram_at(d, RAM_DATA + i * 0x100000ull + 0x80000);
	unsigned int add = queue_number(i) < 32;

	for (unsigned int k = 0; k < N; k++)
		if (out[k] != round * 1000 + k + add)
			return false;
	return true;
}

static void many_queues(void)
{
	struct dev *d = dev_new(4);

	emit_add_one(d);
	for (unsigned int i = 0; i < QUEUES; i++)
		queue_setup(d, queue_number(i), 1);
	for (uint64_t round = 1; round <= 60; round++) {
		for (unsigned int i = 0; i < QUEUES; i++)
			prepare(d, i, round);
		invalidate(d, 1, 0, 1ull << 48);
		for (unsigned int i = 0; i < QUEUES; i++) {
			CHECK(wait_fence(d, queue_number(i), round));
			CHECK(right(d, i, round));
		}
	}
	for (unsigned int i = 0; i < QUEUES; i++)
		CHECK_EQ(__atomic_load_n(&d->raised[1 + queue_number(i)], __ATOMIC_SEQ_CST), 60);
	dev_free(d);
}

/* Queue 0 is killed over and over; the others' results stay right. */
static void kill_storm(void)
{
	struct dev *d = dev_new(4);
	uint64_t seed = 3;

	emit_add_one(d);
	for (unsigned int i = 1; i < QUEUES; i++)
		queue_setup(d, queue_number(i), 1);
	for (uint64_t round = 1; round <= 100 && !test_failed; round++) {
		struct cmds c = cmds_at(d, CMDS);

		queue_setup(d, 0, 1);
		cmd_copy(&c, VA_HBM + AREA(0), VA_RAM, 1 << 20);
		cmd_launch(&c, VA_HBM + CODE + 0x1000, 0, 1 + rnd(&seed) % 40, 1, 1);
		submit_cmds(&c, 0);
		for (unsigned int i = 1; i < QUEUES; i++)
			prepare(d, i, round);
		for (uint64_t end = clock_ns() + rnd(&seed) % 300000; clock_ns() < end;)
			sched_yield();
		wr32(d, DSA_QREG(0, DSA_Q_COMMAND),
		     rnd(&seed) & 1 ? DSA_QCMD_KILL : DSA_QCMD_DISABLE);
		wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
		CHECK(wait_state(d, 0, DSA_QSTATE_DISABLED));
		for (unsigned int i = 1; i < QUEUES; i++) {
			CHECK(wait_fence(d, queue_number(i), round));
			CHECK(right(d, i, round));
		}
	}
	dev_free(d);
}

/* Once a queue is no longer STOPPING, nothing is written on its behalf. */
static void nothing_after_stop(void)
{
	struct dev *d = dev_new(3);
	uint64_t seed = 5;

	for (unsigned int round = 0; round < 60; round++) {
		struct cmds c = cmds_at(d, CMDS);
		uint8_t *hbm = d->hbm + AREA(0), *ram = d->ram + 0x400000;

		for (unsigned int i = 0; i < 20; i++) {
			cmd_fill(&c, VA_HBM + AREA(0), 1 << 20, 0x11, 1);
			cmd_copy(&c, VA_RAM + 0x400000, VA_HBM + AREA(0), 1 << 20);
		}
		queue_setup(d, 33, 1);
		submit_cmds(&c, 33);
		for (uint64_t end = clock_ns() + rnd(&seed) % 2000000; clock_ns() < end;)
			sched_yield();
		wr32(d, DSA_QREG(33, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
		CHECK(wait_state(d, 33, DSA_QSTATE_DISABLED));
		memset(hbm, 0, 1 << 20);
		memset(ram, 0, 1 << 20);
		for (uint64_t end = clock_ns() + 300000; clock_ns() < end;)
			sched_yield();
		for (unsigned int i = 0; i < 1 << 20; i += 64)
			CHECK(!hbm[i] && !ram[i]);
		if (test_failed)
			break;
	}
	dev_free(d);
}

static void reset_storm(void)
{
	struct dev *d = dev_new(4);
	uint64_t seed = 9, end;

	emit_add_one(d);
	for (unsigned int round = 1; round <= 30 && !test_failed; round++) {
		bool flr = round % 10 == 0;

		for (unsigned int i = 0; i < QUEUES; i++) {
			queue_setup(d, queue_number(i), 1);
			prepare(d, i, 1);
		}
		for (end = clock_ns() + rnd(&seed) % 400000; clock_ns() < end;)
			sched_yield();
		bus_lock(d);
		if (flr)
			dsa_core_reset(d->core, DSA_RESET_FUNCTION);
		else
			dsa_core_mmio_write(d->core, DSA_REG_CONTROL, DSA_CONTROL_RESET, 4);
		bus_unlock(d);
		end = clock_ns() + 60000000000ull;
		while (rd32(d, DSA_REG_STATUS) & DSA_STATUS_RESETTING && clock_ns() < end)
			sched_yield();
		CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
		CHECK_EQ(rd32(d, DSA_REG_RESET_COUNT), round);
		CHECK(dsa_core_idle(d->core));
		if (flr) {
			for (uint64_t off = 0; off < HBM_SIZE; off += 4096)
				CHECK(!d->hbm[off] &&
				      !memcmp(d->hbm + off, d->hbm + off + 1, 4095));
			emit_add_one(d);
		}
		d->hbm_tables = HBM_TABLES;
		dev_map_default(d, 1);
	}
	for (unsigned int i = 0; i < QUEUES; i++) {
		queue_setup(d, queue_number(i), 1);
		prepare(d, i, 1);
	}
	for (unsigned int i = 0; i < QUEUES; i++) {
		CHECK(wait_fence(d, queue_number(i), 1));
		CHECK(right(d, i, 1));
	}
	dev_free(d);
}

/* Work for a cleared HBM waits for the clearing. */
static void work_after_flr(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fence;

	memset(d->hbm + 0x3000000, 0xff, 0x1000);
	bus_lock(d);
	dsa_core_reset(d->core, DSA_RESET_FUNCTION);
	bus_unlock(d);
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_RESETTING);
	/* tables in system memory survive the clearing */
	root_set(d, 1, table_new(d, true));
	*pte_at(d, 1, 0x1000, 0, true) = RAM_DATA | DSA_PTE_VALID | DSA_PTE_LEAF | DSA_PTE_R |
					 DSA_PTE_SYS;
	*pte_at(d, 1, 0x2000, 0, true) = 0x3000000 | DSA_PTE_VALID | DSA_PTE_LEAF | DSA_PTE_R |
					 DSA_PTE_W;
	cmd_fill(&c, 0x2000, 8, 0x42, 1);
	memcpy(ram_at(d, RAM_DATA), d->hbm + CMDS, c.size);
	queue_setup(d, 0, 1);
	fence = submit(d, 0, 0x1000, c.size);
	CHECK(wait_fence(d, 0, fence));
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
	CHECK_EQ(d->hbm[0x3000007], 0x42);
	CHECK_EQ(d->hbm[0x3000008], 0);
	dev_free(d);
}

struct inv_race {
	struct dev *d;
	bool quit;
};

static void *inv_thread(void *arg)
{
	struct inv_race *r = arg;

	while (!__atomic_load_n(&r->quit, __ATOMIC_RELAXED))
		invalidate(r->d, 1, SPARE, 0x1000);
	return NULL;
}

/* Invalidations from another thread while copies and programs run. */
static void invalidation_storm(void)
{
	struct dev *d = dev_new(3);
	struct inv_race race = { d, false };
	pthread_t thread;

	emit_add_one(d);
	pthread_create(&thread, NULL, inv_thread, &race);
	for (unsigned int i = 0; i < QUEUES; i++)
		queue_setup(d, queue_number(i), 1);
	for (uint64_t round = 1; round <= 40; round++) {
		for (unsigned int i = 0; i < QUEUES; i++)
			prepare(d, i, round);
		for (unsigned int i = 0; i < QUEUES; i++) {
			CHECK(wait_fence(d, queue_number(i), round));
			CHECK(right(d, i, round));
		}
	}
	__atomic_store_n(&race.quit, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	dev_free(d);
}

const struct test stress_tests[] = {
	TEST(many_queues), TEST(kill_storm),     TEST(nothing_after_stop),
	TEST(reset_storm), TEST(work_after_flr), TEST(invalidation_storm),
	TESTS_END
};
