/* SPDX-License-Identifier: MIT */
/* Clusters as their programs see them: ids, each other's scratchpads, barriers, faults. */
#include <stdlib.h>

#include "cluster.h"

/* ---- who is who ---- */

/* out[linear id] = x | y << 8 | z << 16 | rank << 24 | size << 32 | dimensions << 40, 48, 56 */
static void emit_ids(struct dev *d)
{
	static const unsigned int sel[] = { DSA_SYS_PID_X,        DSA_SYS_PID_Y,
					    DSA_SYS_PID_Z,        DSA_SYS_CLUSTER_RANK,
					    DSA_SYS_CLUSTER_SIZE, DSA_SYS_CLUSTER_X,
					    DSA_SYS_CLUSTER_Y,    DSA_SYS_CLUSTER_Z };
	struct code k = begin(d, CODE);

	emit(&k, SYSRD(T1, DSA_SYS_PID_Z));
	emit(&k, SYSRD(T2, DSA_SYS_GRID_Y));
	emit(&k, MUL(T1, T1, T2));
	emit(&k, SYSRD(T2, DSA_SYS_PID_Y));
	emit(&k, ADD(T1, T1, T2));
	emit(&k, SYSRD(T2, DSA_SYS_GRID_X));
	emit(&k, MUL(T1, T1, T2));
	emit(&k, ADD(S4, S4, T1));
	for (unsigned int i = 0; i < 8; i++) {
		emit(&k, SYSRD(T1, sel[i]));
		emit(&k, SLLI(T1, T1, 8 * i));
		emit(&k, ADD(T2, T2, T1));
		if (!i)
			emit(&k, ADDI(T2, T1, 0));
	}
	put_out(&k, T2, 0);
	emit(&k, RET);
}

static void ids_of(const uint32_t grid[3], const uint32_t cluster[3], unsigned int threads)
{
	struct dev *d = cluster_dev(threads);
	struct cmds c = cmds_at(d, CMDS);
	struct dsa_cmd_launch *l;
	uint64_t size = (uint64_t)cluster[0] * cluster[1] * cluster[2], n = 0;

	emit_ids(d);
	l = cmd_launch(&c, VA_HBM + CODE, VA_HBM + OUT, grid[0], grid[1], grid[2]);
	l->counters = VA_HBM + ARGS;
	for (int i = 0; i < 3; i++)
		l->cluster[i] = cluster[i];
	CHECK(run_cmds(&c, 0));
	for (uint64_t z = 0; z < grid[2]; z++)
		for (uint64_t y = 0; y < grid[1]; y++)
			for (uint64_t x = 0; x < grid[0]; x++, n++) {
				uint64_t rank = x % cluster[0] +
						cluster[0] * (y % cluster[1] +
							      cluster[1] * (z % cluster[2]));

				CHECK_EQ(out_of(d, n)[0], x | y << 8 | z << 16 | rank << 24 |
								  size << 32 |
								  (uint64_t)cluster[0] << 40 |
								  (uint64_t)cluster[1] << 48 |
								  (uint64_t)cluster[2] << 56);
			}
	CHECK_EQ(counters_of(d)->programs, n);
	dev_free(d);
}

static void ids(void)
{
	for (unsigned int threads = 0; threads < 5; threads += 4) {
		ids_of((uint32_t[]){ 4, 6, 2 }, (uint32_t[]){ 2, 3, 1 }, threads);
		ids_of((uint32_t[]){ 3, 4, 6 }, (uint32_t[]){ 1, 2, 3 }, threads);
		ids_of((uint32_t[]){ 4, 2, 2 }, (uint32_t[]){ 4, 2, 2 }, threads);
		ids_of((uint32_t[]){ 5, 5, 5 }, (uint32_t[]){ 1, 1, 1 }, threads);
		ids_of((uint32_t[]){ 60, 3, 1 }, (uint32_t[]){ 1, 3, 1 }, threads);
	}
}

/* The dimensions that LAUNCH refuses, on 16 cores and on 4. */
static void launch_refusals(void)
{
	static const struct {
		uint32_t grid[3], cluster[3], cores;
		bool ok;
	} cases[] = {
		{ { 8, 1, 1 }, { 3, 1, 1 }, 16, false },
		{ { 8, 6, 1 }, { 2, 4, 1 }, 16, false },
		{ { 8, 1, 5 }, { 1, 1, 2 }, 16, false },
		{ { 8, 1, 1 }, { 16, 1, 1 }, 16, false },
		{ { 32, 1, 1 }, { 32, 1, 1 }, 16, false },
		{ { 17, 1, 1 }, { 17, 1, 1 }, 16, false },
		{ { 32, 32, 1 }, { 8, 4, 1 }, 16, false },
		{ { 0x40000000, 4, 1 }, { 0x40000000, 4, 1 }, 16, false },
		{ { 1, 1, 1 }, { 0xffffffff, 1, 1 }, 16, false },
		{ { 8, 1, 1 }, { 8, 1, 1 }, 4, false },
		{ { 8, 1, 1 }, { 4, 1, 1 }, 4, true },
		{ { 16, 1, 1 }, { 16, 0, 0 }, 16, true },
		{ { 8, 8, 8 }, { 2, 2, 4 }, 16, true },
		{ { 32, 1, 1 }, { 32, 1, 1 }, 64, false }, /* DSA_MAX_CLUSTER */
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dsa_core_config cfg;
		struct dev *d;
		struct code k;
		struct cmds c;
		struct dsa_cmd_launch *l;

		dev_config(&cfg);
		cfg.cores = cases[i].cores;
		d = dev_new_with(&cfg, 0);
		k = begin(d, CODE);
		emit(&k, RET);
		queue_setup(d, 0, 1);
		c = cmds_at(d, CMDS);
		l = cmd_launch(&c, VA_HBM + CODE, 0, cases[i].grid[0], cases[i].grid[1],
			       cases[i].grid[2]);
		memcpy(l->cluster, cases[i].cluster, sizeof(l->cluster));
		CHECK_EQ(run_cmds(&c, 0), cases[i].ok);
		CHECK_EQ(err_code(d, 0), cases[i].ok ? 0 : DSA_ERR_BAD_ARGUMENT);
		if (test_failed)
			printf("# case %u\n", i);
		dev_free(d);
	}
}

/* ---- scratchpads of others ---- */

/*
 * Everyone leaves a value at home, reads its neighbour's (scalar, vector,
 * through its own window too), then writes into the neighbour's and reads what
 * the other neighbour left at home.
 */
static void emit_ring(struct dev *d)
{
	struct code k = begin(d, CODE);

	emit(&k, ADDI(T0, S4, 100));
	emit(&k, SD(T0, S0, 0x800 - 8));
	emit(&k, SD(T0, S0, 64));
	emit(&k, SD(T0, S0, 72));
	sync_all(&k);
	neighbour(&k, T1, 1);
	peer(&k, T1, T1);
	emit(&k, LD(T2, T1, 0x800 - 8));
	put_out(&k, T2, 0);
	emit(&k, LD(T2, S5, 0x800 - 8));
	put_out(&k, T2, 1);
	emit(&k, ADDI(T3, T1, 64));
	emit(&k, 0xcd817057);                      /* vsetivli x0, 2, e64, m1, ta, ma */
	emit(&k, 0x02007107 | T3 << 15 | 7 << 12); /* vle64.v v2, (t3) */
	emit(&k, ADDI(T3, A0, 0));
	emit(&k, SLLI(T4, S4, 7));
	emit(&k, ADD(T3, T3, T4));
	emit(&k, ADDI(T3, T3, 16));
	emit(&k, 0x02007127 | T3 << 15 | 7 << 12); /* vse64.v v2, (t3): words 2, 3 */
	emit(&k, ADDI(T3, T1, 128));
	emit(&k, 0x02007127 | T3 << 15 | 7 << 12); /* the neighbour's value into the neighbour */
	emit(&k, ADDI(T0, T0, 1000));
	emit(&k, SD(T0, T1, 192));
	sync_all(&k);
	emit(&k, LD(T2, S0, 192));
	put_out(&k, T2, 4);
	emit(&k, LD(T2, S0, 136));
	put_out(&k, T2, 5);
	emit(&k, RET);
}

static void ring_on(uint32_t size, unsigned int threads)
{
	struct dev *d = cluster_dev(threads);

	emit_ring(d);
	CHECK(run_cluster(d, 32, size));
	CHECK_EQ(err_code(d, 0), 0);
	for (unsigned int p = 0; p < 32; p++) {
		unsigned int first = p / size * size;
		unsigned int next = first + (p + 1) % size, prev = first + (p + size - 1) % size;
		const uint64_t *out = out_of(d, p);

		CHECK_EQ(out[0], next + 100);
		CHECK_EQ(out[1], p + 100);
		CHECK_EQ(out[2], next + 100);
		CHECK_EQ(out[3], next + 100);
		CHECK_EQ(out[4], prev + 1100);
		CHECK_EQ(out[5], p + 100);
	}
	dev_free(d);
}

static void ring(void)
{
	for (uint32_t size = 1; size <= 16; size *= 2)
		for (unsigned int threads = 0; threads < 4; threads += 3)
			ring_on(size, threads);
}

/* Cores that leave one cluster for another find the new neighbours' scratchpads. */
static void regrouped(void)
{
	struct dev *d = cluster_dev(0);
	struct cmds c = cmds_at(d, CMDS);

	emit_ring(d);
	for (uint32_t size = 16; size; size /= 2) {
		memset(out_of(d, 0), 0, 32 * 128);
		CHECK(run_cluster(d, 32, size));
		for (unsigned int p = 0; p < 32; p++)
			CHECK_EQ(out_of(d, p)[0], p / size * size + (p + 1) % size + 100);
	}
	/* two in one command buffer, back to back, of other sizes */
	cluster_launch(&c, CODE, 32, 4);
	cluster_launch(&c, CODE, 32, 2);
	memset(out_of(d, 0), 0, 32 * 128);
	CHECK(run_cmds(&c, 0));
	for (unsigned int p = 0; p < 32; p++)
		CHECK_EQ(out_of(d, p)[0], p / 2 * 2 + (p + 1) % 2 + 100);
	dev_free(d);
}

/* A program that has returned leaves its scratchpad to the others. */
static void returned_scratchpad(void)
{
	struct dev *d = cluster_dev(0);
	struct code k = begin(d, CODE);
	uint32_t at;

	emit(&k, ADDI(T0, S4, 5));
	emit(&k, SD(T0, S0, 0));
	emit(&k, X_ARRIVE);
	at = skip(&k, IF_NE, S2, X0);
	emit(&k, RET); /* rank 0 is gone */
	land(&k, at);
	emit(&k, X_WAIT);
	li(&k, T1, 30000);
	spin(&k, T1);
	emit(&k, LD(T2, S1, 0));
	put_out(&k, T2, 0);
	emit(&k, SD(T2, S1, 8));
	emit(&k, LD(T2, S1, 8));
	put_out(&k, T2, 1);
	emit(&k, RET);
	CHECK(run_cluster(d, 12, 4));
	for (unsigned int p = 0; p < 12; p++)
		if (p % 4) {
			CHECK_EQ(out_of(d, p)[0], p / 4 * 4 + 5);
			CHECK_EQ(out_of(d, p)[1], p / 4 * 4 + 5);
		}
	dev_free(d);
}

enum { RACE_GRID = 64, RACE_ROUNDS = 40, RACE_BYTES = RACE_GRID * 128 };

/*
 * Everything that could depend on who is first: atomics whose old values are
 * kept, lost updates without atomics, polling of a word and of an mbarrier.
 * Programs do different amounts of work between. out: the trail of all that.
 */
static void emit_races(struct dev *d)
{
	struct code k = begin(d, CODE);
	uint32_t loop, at;

	li(&k, T0, 8);
	at = skip(&k, IF_NE, S2, X0);
	emit(&k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
	emit(&k, SD(X0, S0, 128));
	emit(&k, SD(X0, S0, 136));
	land(&k, at);
	sync_all(&k);
	/* rounds of: work, atomic, load-add-store on rank 0's words; t2 mixes what was found */
	li(&k, S6, RACE_ROUNDS);
	emit(&k, ADDI(S7, S1, 128));
	loop = k.count;
	emit(&k, MUL(T1, S6, S2));
	emit(&k, MUL(T1, T1, S6));
	emit(&k, ANDI(T1, T1, 1023));
	spin(&k, T1);
	li(&k, T3, 1);
	emit(&k, AMOADD_D(T4, T3, S7));
	emit(&k, SLLI(T2, T2, 1));
	emit(&k, ADD(T2, T2, T4));
	emit(&k, LD(T4, S7, 8));
	emit(&k, ADDI(T5, T4, 3));
	li(&k, T1, 100);
	spin(&k, T1);
	emit(&k, SD(T5, S7, 8));
	emit(&k, ADD(T2, T2, T4));
	emit(&k, ADDI(S6, S6, -1));
	emit(&k, BNE(S6, X0, back(&k, loop)));
	put_out(&k, T2, 0);
	/* all arrive at rank 0's mbarrier; rank 1 polls it, rank 0 waits */
	li(&k, T3, 1);
	emit(&k, X_MBAR(DSA_X_MBAR_ARRIVE, T4, S1, T3));
	at = skip(&k, IF_NE, S2, T3);
	loop = k.count;
	emit(&k, ADDI(S8, S8, 1));
	emit(&k, X_MBAR(DSA_X_MBAR_TEST, T4, S1, X0));
	emit(&k, BEQ(T4, X0, back(&k, loop)));
	put_out(&k, S8, 1);
	land(&k, at);
	at = skip(&k, IF_NE, S2, X0);
	emit(&k, X_MBAR(DSA_X_MBAR_WAIT, X0, S0, X0));
	land(&k, at);
	emit(&k, SYSRD(T4, DSA_SYS_CYCLES));
	put_out(&k, T4, 2);
	sync_all(&k);
	emit(&k, LD(T4, S7, 0));
	put_out(&k, T4, 3);
	emit(&k, LD(T4, S7, 8));
	put_out(&k, T4, 4);
	emit(&k, RET);
}

/* The trail, and the launch's modelled time at its end. */
static void *race_trail(unsigned int threads, unsigned int budget_us)
{
	struct dev *d = cluster_dev(threads);
	struct cmds c = cmds_at(d, CMDS);
	uint8_t *trail = malloc(RACE_BYTES + 8);

	emit_races(d);
	cluster_launch(&c, CODE, RACE_GRID, 8);
	if (budget_us) {
		submit_cmds(&c, 0);
		while (dsa_core_run(d->core, budget_us) == DSA_RUN_MORE)
			;
		CHECK_EQ(fence_now(d, 0), 1);
	} else {
		CHECK(run_cmds(&c, 0));
	}
	memcpy(trail, d->hbm + OUT, RACE_BYTES);
	memcpy(trail + RACE_BYTES, &counters_of(d)->end_ns, 8);
	for (unsigned int p = 0; p < RACE_GRID; p++)
		CHECK_EQ(out_of(d, p)[3], 8 * RACE_ROUNDS);
	/* Updates do get lost, and polls fail: else this shows nothing. */
	CHECK(out_of(d, 0)[4] < 3 * 8 * RACE_ROUNDS && out_of(d, 1)[1] > 1);
	dev_free(d);
	return trail;
}

static void same_on_any_host(void)
{
	static const struct {
		unsigned int threads, budget_us;
	} hosts[] = { { 0, 1 }, { 0, 7 }, { 1, 0 }, { 2, 0 }, { 8, 0 } };
	void *ref = race_trail(0, 100000), *other;

	for (unsigned int i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		other = race_trail(hosts[i].threads, hosts[i].budget_us);
		CHECK(!memcmp(ref, other, RACE_BYTES + 8));
		free(other);
	}
	free(ref);
}

/* ---- barriers and their clock ---- */

/* Rank r works 3000 * r cycles; then all show the clock of the last arrival. */
static void barrier_clock(void)
{
	struct dev *d = cluster_dev(0);
	struct code k = begin(d, CODE);
	uint64_t last;

	li(&k, T1, 1500);
	emit(&k, MUL(T1, T1, S2));
	spin(&k, T1);
	emit(&k, SYSRD(T2, DSA_SYS_CYCLES));
	emit(&k, X_ARRIVE);
	emit(&k, X_WAIT);
	emit(&k, SYSRD(T3, DSA_SYS_CYCLES));
	put_out(&k, T2, 0);
	put_out(&k, T3, 1);
	emit(&k, RET);
	CHECK(run_cluster(d, 16, 4));
	last = out_of(d, 3)[0];
	CHECK(last > 9000);
	for (unsigned int p = 0; p < 16; p++) {
		CHECK_EQ(out_of(d, p)[0] + (3 - p % 4) * 3000, last);
		CHECK_EQ(out_of(d, p)[1], last + 2 + (p % 4 == 3));
	}
	dev_free(d);
}

/* Arrive, work, wait: many phases, and nobody is a phase ahead. */
static void split_barrier(void)
{
	struct dev *d = cluster_dev(0);
	struct code k = begin(d, CODE);
	uint32_t loop, at;

	li(&k, S6, 20);
	loop = k.count;
	emit(&k, SD(S6, S0, 64)); /* my phase, for the neighbour */
	emit(&k, X_ARRIVE);
	emit(&k, MUL(T1, S2, S6));
	spin(&k, T1);
	emit(&k, X_WAIT);
	neighbour(&k, T1, 1);
	peer(&k, T1, T1);
	emit(&k, LD(T2, T1, 64));
	at = skip(&k, IF_EQ, T2, S6);
	emit(&k, EBREAK);
	land(&k, at);
	sync_all(&k);
	emit(&k, ADDI(S6, S6, -1));
	emit(&k, BNE(S6, X0, back(&k, loop)));
	emit(&k, RET);
	CHECK(run_cluster(d, 32, 16));
	CHECK_EQ(err_code(d, 0), 0);
	CHECK(run_cluster(d, 32, 1)); /* of one program, too */
	dev_free(d);
}

/* Producers fill the consumer's scratchpad and arrive there; it waits for all of them. */
static void remote_arrive(void)
{
	struct dev *d = cluster_dev(0);
	struct code k = begin(d, CODE);
	uint32_t at;

	emit(&k, ADDI(T0, S3, -1));
	at = skip(&k, IF_NE, S2, X0);
	emit(&k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
	land(&k, at);
	sync_all(&k);
	at = skip(&k, IF_EQ, S2, X0);
	li(&k, T1, 2000);
	emit(&k, MUL(T1, T1, S2));
	spin(&k, T1);
	emit(&k, SLLI(T2, S2, 3));
	emit(&k, ADD(T2, T2, S1));
	emit(&k, ADDI(T3, S4, 7));
	emit(&k, SD(T3, T2, 64));
	li(&k, T3, 1);
	emit(&k, SYSRD(T4, DSA_SYS_CYCLES));
	emit(&k, X_MBAR(DSA_X_MBAR_ARRIVE, T5, S1, T3));
	put_out(&k, T4, 0);
	put_out(&k, T5, 1);
	emit(&k, RET);
	land(&k, at);
	emit(&k, X_MBAR(DSA_X_MBAR_WAIT, X0, S0, X0));
	emit(&k, SYSRD(T4, DSA_SYS_CYCLES));
	for (int r = 1; r < 4; r++) {
		emit(&k, LD(T3, S0, 64 + 8 * r));
		emit(&k, ADD(T5, T5, T3));
	}
	put_out(&k, T4, 0);
	put_out(&k, T5, 1);
	emit(&k, RET);
	CHECK(run_cluster(d, 8, 4));
	CHECK_EQ(err_code(d, 0), 0);
	for (unsigned int p = 0; p < 8; p += 4) {
		CHECK_EQ(out_of(d, p)[1], 3 * (p + 7) + 1 + 2 + 3);
		CHECK(out_of(d, p + 3)[0] > 12000);
		/* the last arrival is an instruction after its look at the clock; so is ours */
		CHECK_EQ(out_of(d, p)[0], out_of(d, p + 3)[0] + 2);
		CHECK_EQ(out_of(d, p + 3)[1], 0); /* phase */
	}
	dev_free(d);
}

/* ---- faults ---- */

struct refusal {
	uint32_t code, access;
	uint64_t addr;
	uint32_t insn[6]; /* the last is the one that faults */
};

/* Rank 1 of 2 runs it, rank 0 loops for ever: the launch ends all the same. */
static void refused(const struct refusal *r)
{
	struct dev *d = cluster_dev(0);
	struct code k = begin(d, CODE);
	uint32_t at, n;

	li(&k, T0, 1);
	emit(&k, X_MBAR(DSA_X_MBAR_INIT, X0, S0, T0));
	sync_all(&k);
	at = skip(&k, IF_NE, S2, X0);
	emit(&k, LOOP_FOREVER);
	land(&k, at);
	emit(&k, SLLI(T1, T0, 33));
	emit(&k, ADD(T1, T1, S1)); /* t1 = scratchpad of rank 2, which is none */
	for (n = 0; n < 6 && r->insn[n]; n++)
		emit(&k, r->insn[n]);
	emit(&k, RET);
	CHECK(!run_cluster(d, 4, 2));
	CHECK_EQ(err_code(d, 0), r->code);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ACCESS)), r->access);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), r->addr);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_PC)), VA_HBM + CODE + 4 * (k.count - 2));
	CHECK(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)) % 2);
	dev_free(d);
}

#define READ  DSA_ACCESS_READ
#define WRITE DSA_ACCESS_WRITE

static void refusals(void)
{
	const struct refusal cases[] = {
		{ DSA_ERR_SCRATCHPAD, READ, RANK2, { LD(T2, T1, 0) } },
		{ DSA_ERR_SCRATCHPAD, WRITE, RANK2 + 8, { SD(T2, T1, 8) } },
		{ DSA_ERR_SCRATCHPAD, WRITE, RANK2, { AMOADD_D(T2, T0, T1) } },
		{ DSA_ERR_SCRATCHPAD, READ, RANK2, { 0xcd817057, 0x02007107 | T1 << 15 } },
		/* 256 KiB are there: the last word, then one that begins in the pad, then beyond */
		{ DSA_ERR_SCRATCHPAD,
		  READ,
		  RANK0 + 0x40000,
		  { SLLI(T2, T0, 18), ADD(T2, T2, S1), LD(T3, T2, -8), LD(T3, T2, -4) } },
		{ DSA_ERR_SCRATCHPAD,
		  WRITE,
		  RANK0 + 0x40000,
		  { SLLI(T2, T0, 18), ADD(T2, T2, S1), SD(T3, T2, 0) } },
		{ DSA_ERR_MMU_RANGE, READ, RANK0 - 8, { LD(T3, S1, -8) } },
		{ DSA_ERR_SCRATCHPAD, 0, RANK2, { X_MBAR(DSA_X_MBAR_INIT, X0, T1, T0) } },
		{ DSA_ERR_SCRATCHPAD, 0, RANK2, { X_MBAR(DSA_X_MBAR_ARRIVE, T2, T1, T0) } },
		{ DSA_ERR_SCRATCHPAD, 0, RANK2, { X_MBAR(DSA_X_MBAR_WAIT, X0, T1, T0) } },
		{ DSA_ERR_SCRATCHPAD,
		  0,
		  RANK0 + 8,
		  { ADDI(T2, S1, 8), X_MBAR(DSA_X_MBAR_ARRIVE, T2, T2, T0) } },
		{ DSA_ERR_BARRIER,
		  0,
		  RANK0 + 64,
		  { ADDI(T2, S1, 64), SD(X0, T2, 0), X_MBAR(DSA_X_MBAR_EXPECT, X0, T2, T0) } },
		{ DSA_ERR_BARRIER,
		  0,
		  RANK0,
		  { X_MBAR(DSA_X_MBAR_ARRIVE, T2, S1, T0), ADDI(T2, X0, 2),
		    X_MBAR(DSA_X_MBAR_ARRIVE, T2, S1, T2) } },
		{ DSA_ERR_BARRIER, 0, 0, { X_WAIT } },
		{ DSA_ERR_BARRIER, 0, 0, { X_ARRIVE, X_ARRIVE } },
		{ DSA_ERR_ILLEGAL_INSN, 0, 0, { r_type(0x2b, DSA_X_CLUSTER, 2, 0, 0, 0) } },
		{ DSA_ERR_ILLEGAL_INSN, 0, 0, { X_ARRIVE | T0 << 7 } },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refused(&cases[i]);
		if (test_failed) {
			printf("# case %u\n", i);
			break;
		}
	}
}

/* Code cannot be run from a scratchpad, another's neither. */
static void no_code_there(void)
{
	struct dev *d = cluster_dev(0);
	struct code k = begin(d, CODE);

	emit(&k, i_type(0x67, 0, X0, S1, 0)); /* jr s1 */
	CHECK(!run_cluster(d, 2, 2));
	CHECK_EQ(err_code(d, 0), DSA_ERR_MMU_PERMISSION);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ACCESS)), DSA_ACCESS_FETCH);
	dev_free(d);
}

const struct test cluster_tests[] = {
	TEST(ids),           TEST(launch_refusals),     TEST(ring),
	TEST(regrouped),     TEST(returned_scratchpad), TEST(same_on_any_host),
	TEST(barrier_clock), TEST(split_barrier),       TEST(remote_arrive),
	TEST(refusals),      TEST(no_code_there),       TESTS_END
};
