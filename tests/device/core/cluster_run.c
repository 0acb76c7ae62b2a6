/* SPDX-License-Identifier: MIT */
/* Clusters as the device runs them: their time, cores shared with others, deadlocks, stops, save. */
#include <stdlib.h>

#include "cluster.h"
#include "rv/rv.h"

static struct dev *new_dev(unsigned int threads)
{
	struct dev *d = dev_new(threads);

	queue_setup(d, 0, 1);
	return d;
}

/* ---- the clock of a launch ---- */

/* Empty loops; rank 0 of each cluster the longest. */
static void emit_uneven(struct dev *d, uint64_t at, uint32_t base)
{
	struct code k = begin(d, at);

	emit(&k, r_type(0x33, 0, 0x20, T1, S3, S2)); /* size - rank */
	li(&k, T2, base);
	emit(&k, MUL(T1, T1, T2));
	spin(&k, T1);
	emit(&k, SYSRD(T2, DSA_SYS_CYCLES));
	put_out(&k, T2, 0);
	emit(&k, RET);
}

static uint64_t launch_ns(struct dev *d)
{
	return counters_of(d)->end_ns - counters_of(d)->start_ns;
}

/* Clusters of equal length on 16 cores: rounds of 16 / size, each as long as its longest program. */
static void makespan(void)
{
	static const struct {
		uint32_t grid, size, rounds;
	} cases[] = { { 48, 8, 3 }, { 40, 8, 3 }, { 32, 16, 2 }, { 30, 3, 2 }, { 15, 3, 1 },
		      { 18, 3, 2 }, { 4, 4, 1 },  { 34, 2, 3 },  { 48, 6, 4 } };

	for (unsigned int threads = 0; threads < 3; threads += 2) {
		for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct dev *d = new_dev(threads);
			uint64_t cycles, busy;

			emit_uneven(d, CODE, 100);
			CHECK(run_cluster(d, cases[i].grid, cases[i].size));
			/* after its look at the clock: put_out(), ret; and a program's 32 */
			cycles = out_of(d, 0)[0] + 1 + 3 + 1 + 32;
			CHECK_EQ(launch_ns(d), 1500 + (cycles * cases[i].rounds * 2 + 2) / 3);
			busy = (cycles * cases[i].grid * 2 + 2) / 3;
			CHECK_EQ(rd64(d, DSA_REG_BUSY_COMPUTE), busy);
			dev_free(d);
		}
	}
}

/* ---- deadlocks ---- */

struct seen_wait {
	uint32_t program, rank;
	uint64_t pc;
	struct dsa_wait wait;
};

static struct {
	struct seen_wait waits[DSA_MAX_CLUSTER];
	unsigned int count;
} seen;

static uint64_t wait_hook(void *host, struct dsa_debug *at)
{
	(void)host;
	if (at->event != DSA_DEBUG_WAIT)
		return at->event == DSA_DEBUG_RUN ? UINT64_MAX : 0;
	CHECK(at->wait && seen.count < DSA_MAX_CLUSTER);
	if (seen.count < DSA_MAX_CLUSTER)
		seen.waits[seen.count++] = (struct seen_wait){ at->program[0], at->rank,
							       at->hart->arch.pc, *at->wait };
	return 0;
}

/* Rank r's program is at CODE + 0x1000 * (r + 1); the common start jumps there. */
static struct dev *deadlock_dev(void)
{
	struct dev *d = dev_new_debug(wait_hook);
	struct code k = begin(d, CODE);

	memset(&seen, 0, sizeof(seen));
	queue_setup(d, 0, 1);
	li(&k, T0, 1);
	li(&k, T1, 3);
	emit(&k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T1));
	sync_all(&k);
	emit(&k, ADDI(T1, S2, 1));
	emit(&k, SLLI(T1, T1, 12));
	li(&k, T2, VA_HBM + CODE);
	emit(&k, ADD(T1, T1, T2));
	emit(&k, i_type(0x67, 0, X0, T1, 0));
	return d;
}

static uint64_t rank_code(unsigned int rank)
{
	return CODE + 0x1000 * (rank + 1ull);
}

static void rank_program(struct dev *d, unsigned int rank, const uint32_t *insn, unsigned int n)
{
	struct code k = code_at(d, rank_code(rank));

	while (n--)
		emit(&k, *insn++);
	emit(&k, RET);
}

#define PROGRAM(d, rank, ...)                                    \
	rank_program(d, rank, (const uint32_t[]){ __VA_ARGS__ }, \
		     sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void check_deadlock(struct dev *d, uint32_t program, uint64_t addr, uint64_t pc)
{
	CHECK_EQ(err_code(d, 0), DSA_ERR_DEADLOCK);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)), program);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), addr);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_PC)), pc);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ACCESS)), DSA_ACCESS_NONE);
}

#define WAIT_OWN  X_MBAR(DSA_X_MBAR_WAIT, X0, S0, X0)
#define WAIT_R0   X_MBAR(DSA_X_MBAR_WAIT, X0, S1, X0)
#define ARRIVE_R0 X_MBAR(DSA_X_MBAR_ARRIVE, T2, S1, T0)

/* One waits at its own, one at rank 0's, one at the cluster's barrier; one has returned. */
static void deadlock_report(void)
{
	struct dev *d = deadlock_dev();
	const struct seen_wait *w = seen.waits;
	uint32_t expect = X_MBAR(DSA_X_MBAR_EXPECT, X0, S0, S3);

	PROGRAM(d, 0, ARRIVE_R0);
	PROGRAM(d, 1, expect, X_MBAR(DSA_X_MBAR_ARRIVE, T2, S0, T0), WAIT_OWN);
	PROGRAM(d, 2, ARRIVE_R0, WAIT_R0);
	PROGRAM(d, 3, X_ARRIVE, X_WAIT);
	CHECK(!run_cluster(d, 4, 4));
	check_deadlock(d, 1, SPAD, VA_HBM + rank_code(1) + 8);
	CHECK_EQ(seen.count, 4);
	for (unsigned int r = 0; r < 4; r++) {
		CHECK_EQ(w[r].rank, r);
		CHECK_EQ(w[r].program, r);
	}
	CHECK_EQ(w[0].wait.kind, DSA_WAIT_RETURNED);
	CHECK_EQ(w[1].wait.kind, DSA_WAIT_MBARRIER);
	CHECK_EQ(w[1].pc, VA_HBM + rank_code(1) + 8);
	CHECK_EQ(w[1].wait.addr, SPAD);
	CHECK_EQ(w[1].wait.pending, 2);
	CHECK_EQ(w[1].wait.arrivals, 3);
	CHECK_EQ(w[1].wait.bytes, 4);
	CHECK_EQ(w[1].wait.parity, 0);
	CHECK_EQ(w[2].wait.kind, DSA_WAIT_MBARRIER);
	CHECK_EQ(w[2].wait.addr, DSA_CLUSTER_BASE);
	CHECK_EQ(w[2].wait.pending, 1);
	CHECK_EQ(w[2].wait.bytes, 0);
	CHECK_EQ(w[3].wait.kind, DSA_WAIT_CLUSTER);
	CHECK_EQ(w[3].pc, VA_HBM + rank_code(3) + 4);
	CHECK_EQ(w[3].wait.arrived, 1 << 3);
	CHECK_EQ(w[3].wait.returned, 1);
	/* and in the log, which the last line of the error follows */
	CHECK_EQ(__atomic_load_n(&d->log_lines, __ATOMIC_SEQ_CST), 5);
	dev_free(d);
}

/* In the third cluster only, whose programs are 4 and 5. */
static void deadlock_of_third(void)
{
	struct dev *d = deadlock_dev();
	struct code k = code_at(d, rank_code(1));
	uint32_t at;

	PROGRAM(d, 0, X_ARRIVE, X_WAIT);
	li(&k, T1, 5); /* the third cluster's rank 1 does not come */
	at = skip(&k, IF_EQ, S4, T1);
	sync_all(&k);
	land(&k, at);
	emit(&k, RET);
	CHECK(!run_cluster(d, 8, 2));
	CHECK_EQ(err_code(d, 0), DSA_ERR_DEADLOCK);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)), 4);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), 0);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.waits[0].program, 4);
	CHECK_EQ(seen.waits[0].wait.returned, 2);
	CHECK_EQ(seen.waits[1].program, 5);
	dev_free(d);
}

/* A program alone: what it waits for, at once. */
static void deadlock_alone(void)
{
	struct dev *d = deadlock_dev();

	PROGRAM(d, 0, ARRIVE_R0, ARRIVE_R0, ARRIVE_R0, WAIT_OWN, ADDI(T3, X0, 1),
		X_MBAR(DSA_X_MBAR_WAIT, X0, S0, T3));
	CHECK(!run_cluster(d, 1, 1));
	check_deadlock(d, 0, SPAD, VA_HBM + rank_code(0) + 20);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.waits[0].wait.kind, DSA_WAIT_MBARRIER);
	CHECK_EQ(seen.waits[0].wait.phase, 1);
	CHECK_EQ(seen.waits[0].wait.parity, 1);
	CHECK_EQ(seen.waits[0].wait.pending, 3);
	dev_free(d);
}

/* A wait that others end is none, however long it takes them, and in whatever order. */
static void no_deadlock(void)
{
	for (unsigned int last = 0; last < 4; last++) {
		struct dev *d = deadlock_dev();

		for (unsigned int r = 0; r < 4; r++) {
			struct code k = code_at(d, rank_code(r));

			li(&k, T1, r == last ? 20000 : 10);
			spin(&k, T1);
			if (r)
				emit(&k, ARRIVE_R0);
			else
				emit(&k, WAIT_OWN);
			sync_all(&k);
			emit(&k, RET);
		}
		CHECK(run_cluster(d, 16, 4));
		CHECK_EQ(seen.count, 0);
		dev_free(d);
	}
}

/* The mbarrier that somebody waits for becomes something else: its fault, not a deadlock. */
static void barrier_overwritten(void)
{
	struct dev *d = deadlock_dev();

	PROGRAM(d, 0, WAIT_OWN);
	PROGRAM(d, 1, SD(X0, S1, 0));
	CHECK(!run_cluster(d, 2, 2));
	CHECK_EQ(err_code(d, 0), DSA_ERR_BARRIER);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)), 0);
	CHECK_EQ(seen.count, 0);
	dev_free(d);
}

/* ---- cores shared with others ---- */

#define LONG_CODE (CODE + 0x8000)
#define LOOP_CODE (CODE + 0x9000)

static void emit_shared(struct dev *d)
{
	struct code k = begin(d, CODE);

	/* clusters: a few barriers with work between, then count */
	for (int i = 0; i < 3; i++) {
		li(&k, T1, 300);
		emit(&k, MUL(T1, T1, S2));
		spin(&k, T1);
		sync_all(&k);
	}
	li(&k, T1, 1);
	emit(&k, AMOADD_D(X0, T1, A0));
	emit(&k, RET);
	k = code_at(d, LONG_CODE);
	li(&k, T1, 2000);
	spin(&k, T1);
	li(&k, T1, 1);
	emit(&k, AMOADD_D(X0, T1, A0));
	emit(&k, RET);
	k = code_at(d, LOOP_CODE);
	li(&k, T1, 1);
	emit(&k, AMOADD_D(X0, T1, A0));
	emit(&k, LOOP_FOREVER);
}

static uint64_t submit_grid(struct dev *d, unsigned int q, uint64_t code, uint32_t grid,
			    uint32_t cluster)
{
	struct cmds c = cmds_at(d, CMDS + q * 0x100);
	struct dsa_cmd_launch *l = cmd_launch(&c, VA_HBM + code, VA_HBM + OUT + q * 64, grid, 1, 1);

	l->cluster[0] = cluster;
	return submit_cmds(&c, q);
}

static uint64_t counted(struct dev *d, unsigned int q)
{
	return __atomic_load_n((uint64_t *)(d->hbm + OUT + q * 64), __ATOMIC_SEQ_CST);
}

/* Clusters of all cores, of half, of three, and programs without: all end, and counts are right. */
static void mixed_on(unsigned int threads)
{
	static const struct {
		uint32_t grid, cluster;
	} work[] = { { 160, 16 }, { 400, 1 }, { 64, 16 }, { 80, 8 }, { 600, 1 }, { 90, 3 } };
	struct dev *d = new_dev(threads);
	uint64_t fence[6];

	emit_shared(d);
	for (unsigned int q = 0; q < 6; q++) {
		if (q)
			queue_setup(d, q, 1);
		fence[q] = submit_grid(d, q, work[q].cluster > 1 ? CODE : LONG_CODE, work[q].grid,
				       work[q].cluster);
	}
	for (unsigned int q = 0; q < 6; q++) {
		CHECK(wait_fence(d, q, fence[q]));
		CHECK_EQ(counted(d, q), work[q].grid);
	}
	dev_free(d);
}

static void mixed(void)
{
	for (unsigned int threads = 0; threads < 5; threads += 2)
		mixed_on(threads);
}

/*
 * A stream of short launches on two queues, each begun before the last ends,
 * leaves cores to a cluster of all of them.
 */
static void not_starved(void)
{
	struct dev *d = new_dev(2);
	uint64_t fence[3], cluster, rounds = 0;

	emit_shared(d);
	queue_setup(d, 1, 1);
	queue_setup(d, 2, 1);
	fence[1] = submit_grid(d, 1, LONG_CODE, 2000, 1);
	fence[2] = submit_grid(d, 2, LONG_CODE, 2000, 1);
	cluster = submit_grid(d, 0, CODE, 160, 16);
	while (fence_now(d, 0) != cluster && rounds < 1000 && !test_failed) {
		unsigned int q = 1 + rounds++ % 2;

		CHECK(wait_fence(d, q, fence[q]));
		fence[q] = submit_grid(d, q, LONG_CODE, 2000, 1);
	}
	CHECK_EQ(fence_now(d, 0), cluster);
	CHECK_EQ(counted(d, 0), 160);
	CHECK(wait_fence(d, 1, fence[1]));
	CHECK(wait_fence(d, 2, fence[2]));
	dev_free(d);
}

/* A program that never ends keeps a cluster of all cores waiting, but nobody else. */
static void others_go_on(void)
{
	struct dev *d = new_dev(2);
	uint64_t cluster, fence;

	emit_shared(d);
	queue_setup(d, 1, 1);
	queue_setup(d, 2, 1);
	submit_grid(d, 1, LOOP_CODE, 1, 1);
	while (!counted(d, 1))
		sched_yield();
	cluster = submit_grid(d, 0, CODE, 32, 16);
	for (unsigned int round = 1; round <= 3; round++) {
		fence = submit_grid(d, 2, LONG_CODE, 100, 1);
		CHECK(wait_fence(d, 2, fence));
		CHECK_EQ(counted(d, 2), round * 100);
	}
	CHECK_EQ(counted(d, 0), 0);
	wr32(d, DSA_QREG(1, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK(wait_fence(d, 0, cluster));
	CHECK_EQ(counted(d, 0), 32);
	dev_free(d);
}

/* ---- stops ---- */

/* Half of a cluster waits for the other, which never comes. */
static void emit_endless(struct dev *d)
{
	struct code k = begin(d, LOOP_CODE);
	uint32_t at;

	emit(&k, ANDI(T1, S2, 1));
	at = skip(&k, IF_EQ, T1, X0);
	emit(&k, LOOP_FOREVER);
	land(&k, at);
	sync_all(&k);
	emit(&k, RET);
}

static void stopped_on(unsigned int threads, uint32_t command)
{
	struct dev *d = new_dev(threads);

	emit_shared(d);
	emit_endless(d);
	for (unsigned int round = 0; round < 10; round++) {
		uint64_t fence;

		queue_setup(d, 1, 1);
		submit_grid(d, 1, LOOP_CODE, 32, 8);
		if (threads)
			for (uint64_t end = clock_ns() + round * 50000; clock_ns() < end;)
				;
		else
			for (unsigned int i = 0; i < 3 * round; i++)
				dsa_core_run(d->core, 20);
		if (command) {
			wr32(d, DSA_QREG(1, DSA_Q_COMMAND), command);
		} else {
			bus_lock(d);
			dsa_core_reset(d->core, DSA_RESET_DEVICE);
			bus_unlock(d);
		}
		CHECK(wait_state(
			d, 1, command == DSA_QCMD_KILL ? DSA_QSTATE_ERROR : DSA_QSTATE_DISABLED));
		dev_run(d);
		wr32(d, DSA_QREG(1, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
		if (!command) {
			d->hbm_tables = HBM_TABLES;
			dev_map_default(d, 1);
			queue_setup(d, 0, 1);
		}
		memset(d->hbm + OUT, 0, 64);
		fence = submit_grid(d, 0, CODE, 48, 16);
		CHECK(wait_fence(d, 0, fence));
		CHECK_EQ(counted(d, 0), 48);
	}
	dev_free(d);
}

static void stopped(void)
{
	for (unsigned int threads = 0; threads < 4; threads += 3) {
		stopped_on(threads, DSA_QCMD_KILL);
		stopped_on(threads, DSA_QCMD_DISABLE);
		stopped_on(threads, 0);
	}
}

/* Invalidations are heeded by all cores of a cluster, those that wait included. */
static void invalidated(void)
{
	struct dev *d = new_dev(2);

	emit_shared(d);
	emit_endless(d);
	queue_setup(d, 1, 1);
	submit_grid(d, 1, LOOP_CODE, 32, 16);
	for (unsigned int i = 0; i < 200; i++)
		invalidate(d, 1, VA_RAM, 0x1000); /* returns once it is done */
	wr32(d, DSA_QREG(1, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK(wait_state(d, 1, DSA_QSTATE_ERROR));
	dev_free(d);
}

/* ---- save ---- */

/*
 * Barriers, mbarriers, atomics in rank 0's scratchpad, races on its words;
 * some ranks return early. What is found goes into a trail in memory.
 */
static void emit_saved(struct dev *d)
{
	struct code k = begin(d, CODE);
	uint32_t loop, at;

	at = skip(&k, IF_NE, S2, X0);
	emit(&k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, S3));
	emit(&k, SD(X0, S0, 128));
	land(&k, at);
	sync_all(&k);
	li(&k, S6, 12);
	li(&k, S8, 0); /* parity */
	li(&k, S9, 1);
	loop = k.count;
	li(&k, T1, 37);
	emit(&k, MUL(T1, T1, S2));
	emit(&k, MUL(T1, T1, S6));
	spin(&k, T1);
	emit(&k, AMOADD_D(T3, S9, A5));
	emit(&k, ADDI(A5, S1, 128));
	emit(&k, LD(T3, A5, 0));
	emit(&k, SLLI(S7, S7, 1));
	emit(&k, ADD(S7, S7, T3));
	emit(&k, ADDI(T3, T3, 1));
	emit(&k, SD(T3, A5, 0));
	emit(&k, X_MBAR(DSA_X_MBAR_ARRIVE, T4, S1, S9));
	emit(&k, ADD(S7, S7, T4));
	emit(&k, X_MBAR(DSA_X_MBAR_WAIT, X0, S1, S8));
	emit(&k, i_type(0x13, 4, S8, S8, 1)); /* xori */
	emit(&k, X_ARRIVE);
	emit(&k, SYSRD(T4, DSA_SYS_CYCLES));
	emit(&k, ADD(S7, S7, T4));
	emit(&k, X_WAIT);
	emit(&k, ADDI(S6, S6, -1));
	emit(&k, BNE(S6, X0, back(&k, loop)));
	put_out(&k, S7, 0);
	emit(&k, ANDI(T1, S2, 1));
	at = skip(&k, IF_NE, T1, X0);
	emit(&k, RET);
	land(&k, at);
	li(&k, T1, 3000);
	spin(&k, T1);
	emit(&k, LD(T3, A5, 0));
	put_out(&k, T3, 1);
	emit(&k, RET);
}

static void start_saved(struct dev *d)
{
	struct cmds c = cmds_at(d, CMDS);
	struct code k;

	emit_saved(d);
	/* a5 starts at the spare word: its first use is before it is set */
	k = code_at(d, LONG_CODE);
	emit(&k, ADDI(A5, A0, 0));
	li(&k, T1, 0x200000);
	emit(&k, ADD(A5, A5, T1));
	li(&k, T1, VA_HBM + CODE);
	emit(&k, i_type(0x67, 0, X0, T1, 0));
	cluster_launch(&c, LONG_CODE, 48, 6);
	submit_cmds(&c, 0);
}

static struct dev *save_and_restore(struct dev *d, unsigned int threads)
{
	struct dev *e = dev_new(0);
	size_t size = dsa_core_save(d->core, NULL, 0);
	const char *error = NULL;
	void *state = malloc(size);

	CHECK_EQ(dsa_core_save(d->core, state, size), size);
	memcpy(e->ram, d->ram, RAM_SIZE);
	memcpy(e->hbm, d->hbm, HBM_SIZE);
	memcpy(e->tail, d->tail, sizeof(e->tail));
	memcpy(e->fence, d->fence, sizeof(e->fence));
	CHECK_EQ(dsa_core_load(e->core, state, size, &error), 0);
	if (error)
		printf("# load: %s\n", error);
	free(state);
	dev_free(d);
	dev_start(e, threads);
	return e;
}

static void saved_in_flight(void)
{
	struct dev *ref = new_dev(0);

	start_saved(ref);
	CHECK(wait_fence(ref, 0, 1));
	for (unsigned int i = 0; i < 24 && !test_failed; i++) {
		struct dev *d = new_dev(0);

		start_saved(d);
		for (unsigned int n = 0; n < 2 + 7 * i; n++)
			dsa_core_run(d->core, 1);
		d = save_and_restore(d, 0);
		for (unsigned int n = 0; n < 20; n++)
			dsa_core_run(d->core, 1);
		d = save_and_restore(d, i % 2 ? 2 : 0);
		CHECK(wait_fence(d, 0, 1));
		dev_run(d);
		CHECK(!memcmp(ref->hbm, d->hbm, HBM_SIZE));
		CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_TIME)), rd64(ref, DSA_QREG(0, DSA_Q_TIME)));
		CHECK_EQ(rd64(d, DSA_REG_BUSY_COMPUTE), rd64(ref, DSA_REG_BUSY_COMPUTE));
		if (test_failed)
			printf("# in step %u\n", i);
		dev_free(d);
	}
	dev_free(ref);
}

/* Damage to a cluster's part of the state: refused, or harmless. */
static void saved_damaged(void)
{
	struct dev *d = new_dev(0), *e = dev_new(0);
	uint64_t seed = 77, accepted = 0;
	uint8_t *state, *copy;
	const char *error;
	size_t size;

	start_saved(d);
	for (unsigned int n = 0; n < 30; n++)
		dsa_core_run(d->core, 1);
	size = dsa_core_save(d->core, NULL, 0);
	state = malloc(size);
	copy = malloc(size);
	dsa_core_save(d->core, state, size);
	memcpy(e->hbm, d->hbm, HBM_SIZE); /* its tables and code */
	for (unsigned int i = 0; i < 3000; i++) {
		static const uint32_t values[] = { 0, 1, 2, 15, 16, 64, UINT32_MAX, 1u << 31 };
		/* the cores' heads and the clusters, at the end, most of the time */
		size_t at = rnd(&seed) % 3 ? size - 8 - rnd(&seed) % 1000 : rnd(&seed) % (size - 4);

		memcpy(copy, state, size);
		memcpy(copy + at, &values[rnd(&seed) % 8], rnd(&seed) % 2 ? 4 : 1);
		if (dsa_core_load(e->core, copy, size, &error)) {
			CHECK(error && *error);
			continue;
		}
		accepted++;
		for (unsigned int n = 0; n < 10; n++)
			dsa_core_run(e->core, 20);
		bus_lock(e);
		dsa_core_reset(e->core, DSA_RESET_DEVICE);
		bus_unlock(e);
		dev_run(e);
		CHECK(dsa_core_idle(e->core));
	}
	CHECK(accepted > 0 && accepted < 3000);
	free(copy);
	free(state);
	dev_free(d);
	dev_free(e);
}

const struct test cluster_run_tests[] = { TEST(makespan),
					  TEST(deadlock_report),
					  TEST(deadlock_of_third),
					  TEST(deadlock_alone),
					  TEST(no_deadlock),
					  TEST(barrier_overwritten),
					  TEST(mixed),
					  TEST(not_starved),
					  TEST(others_go_on),
					  TEST(stopped),
					  TEST(invalidated),
					  TEST(saved_in_flight),
					  TEST(saved_damaged),
					  TESTS_END };
