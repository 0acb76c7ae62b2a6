/* SPDX-License-Identifier: MIT */
/* pace=model, with a host clock that stands still until the test moves it. */
#include <stdlib.h>

#include "harness.h"

#define CMDS  0x300000
#define CMDS2 0x320000
#define DATA  0x600000
#define SEM   0x700000
#define MS    1000000ull
#define START (1000 * MS) /* of the host's clock */

static struct dev *paced_dev(bool pace)
{
	struct dsa_core_config cfg;
	struct dev *d;

	dev_config(&cfg);
	cfg.cost.ring_ns = 0;
	cfg.cost.command_ns = 0;
	cfg.cost.copy_ns = 10 * MS; /* each copy takes 10 ms and next to nothing */
	cfg.pace = pace;
	d = dev_new_with(&cfg, 0);
	d->now = START;
	queue_setup(d, 0, 1);
	return d;
}

/* At @ms after the start: runs what may run. */
static void at(struct dev *d, double ms)
{
	d->now = START + (uint64_t)(ms * MS);
	while (dsa_core_run(d->core, 1000) == DSA_RUN_MORE)
		;
}

static double due_ms(struct dev *d)
{
	uint64_t due = dsa_core_due_ns(d->core);

	return due == UINT64_MAX ? -1 : (double)(due - START) / MS;
}

static bool near(double a, double b)
{
	return a > b - 0.001 && a < b + 0.001;
}

static unsigned int interrupts(struct dev *d, unsigned int q)
{
	return __atomic_load_n(&d->raised[1 + q], __ATOMIC_SEQ_CST);
}

static void copy(struct cmds *c)
{
	cmd_copy(c, VA_HBM + DATA, VA_HBM + DATA + 0x1000, 64);
}

static uint64_t word(struct dev *d, uint64_t offset)
{
	uint64_t v;

	memcpy(&v, d->hbm + offset, 8);
	return v;
}

/* Fence, head and interrupt come when the clock has come there, not before. */
static void completions_are_held(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fence;

	copy(&c);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	CHECK(near(due_ms(d), 10));
	at(d, 9.99);
	CHECK(fence_now(d, 0) != fence && !interrupts(d, 0) && !rd32(d, DSA_QREG(0, DSA_Q_HEAD)));
	CHECK(!dsa_core_idle(d->core));
	at(d, 10.01);
	CHECK(fence_now(d, 0) == fence && interrupts(d, 0) == 1 && dsa_core_idle(d->core));
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_HEAD)), 1);
	CHECK(due_ms(d) < 0);
	dev_free(d);
}

/* What tells of a command's end comes after it: signals, time stamps, later commands. */
static void commands_are_held(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);

	copy(&c);
	cmd_sem(&c, DSA_CMD_SEM_SIGNAL, VA_HBM + SEM, 7, 0);
	copy(&c);
	cmd_timestamp(&c, VA_HBM + SEM + 64);
	submit_cmds(&c, 0);
	at(d, 0);
	at(d, 9);
	CHECK_EQ(word(d, SEM), 0);
	at(d, 11);
	CHECK_EQ(word(d, SEM), 7);
	CHECK(near(due_ms(d), 20) && !word(d, SEM + 64));
	at(d, 21);
	CHECK(near((double)word(d, SEM + 64) / MS, 20));
	CHECK_EQ(word(d, SEM + 72), START + 21 * MS);
	dev_free(d);
}

/* A host that is slow is not made slower. */
static void a_late_host_catches_up(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fence;

	for (unsigned int i = 0; i < 5; i++)
		copy(&c);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	at(d, 45);
	CHECK(fence_now(d, 0) != fence && near(due_ms(d), 50));
	at(d, 50.01);
	CHECK_EQ(fence_now(d, 0), fence);
	dev_free(d);
}

/* The time between two jobs counts for neither. */
static void time_begins_with_the_work(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fence;

	copy(&c);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	at(d, 10.01);
	CHECK_EQ(fence_now(d, 0), fence);
	d->now = START + 100 * MS;
	fence = submit_cmds(&c, 0);
	at(d, 100);
	CHECK(near(due_ms(d), 110));
	/* A job behind it has no gap before it. */
	submit_cmds(&c, 0);
	at(d, 110.01);
	CHECK_EQ(fence_now(d, 0), fence);
	CHECK(near(due_ms(d), 120));
	dev_free(d);
}

/* Queues are held each by its own clock; one that waited goes on with the signal. */
static void queues_of_their_own(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS), c2 = cmds_at(d, CMDS2);
	uint64_t fence, fence2;

	queue_setup(d, 1, 1);
	for (unsigned int i = 0; i < 3; i++)
		copy(&c);
	cmd_sem(&c, DSA_CMD_SEM_SIGNAL, VA_HBM + SEM, 1, 0);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	cmd_sem(&c2, DSA_CMD_SEM_WAIT, VA_HBM + SEM, 1, 0);
	copy(&c2);
	d->now = START + 5 * MS;
	fence2 = submit_cmds(&c2, 1);
	at(d, 5);
	CHECK(near(due_ms(d), 10));
	at(d, 29.9);
	CHECK(fence_now(d, 0) != fence && fence_now(d, 1) != fence2);
	at(d, 30.1);
	CHECK(fence_now(d, 0) == fence && near(due_ms(d), 40.1));
	at(d, 40.2);
	CHECK_EQ(fence_now(d, 1), fence2);
	CHECK(near((double)rd64(d, DSA_QREG(1, DSA_Q_TIME)) / MS, 40));
	dev_free(d);
}

/* The register moves with the host, so that a watchdog sees that something happens. */
static void the_clock_is_seen_to_run(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);

	copy(&c);
	submit_cmds(&c, 0);
	at(d, 0);
	for (double ms = 1; ms < 10; ms++) {
		at(d, ms);
		CHECK(near((double)rd64(d, DSA_QREG(0, DSA_Q_TIME)) / MS, ms));
	}
	at(d, 300);
	CHECK(near((double)rd64(d, DSA_QREG(0, DSA_Q_TIME)) / MS, 10));
	dev_free(d);
}

/* Results and modelled times are those of an unpaced device. */
static void modelled_time_is_the_same(void)
{
	uint64_t stamp[2];

	for (unsigned int pace = 0; pace < 2; pace++) {
		struct dev *d = paced_dev(pace);
		struct cmds c = cmds_at(d, CMDS);

		copy(&c);
		cmd_fill(&c, VA_HBM + DATA, 1u << 20, 1, 1);
		cmd_timestamp(&c, VA_HBM + SEM);
		submit_cmds(&c, 0);
		for (double ms = 0; ms < 40; ms++)
			at(d, ms);
		stamp[pace] = word(d, SEM);
		CHECK(dsa_core_idle(d->core) && stamp[pace] > 20 * MS);
		dev_free(d);
	}
	CHECK_EQ(stamp[0], stamp[1]);
}

/* Without it nothing waits, whatever the clocks say. */
static void unpaced_work_is_not_held(void)
{
	struct dev *d = paced_dev(false);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fence;

	copy(&c);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	CHECK(fence_now(d, 0) == fence && due_ms(d) < 0);
	dev_free(d);
}

/* A held queue stops as any other, and nothing of it holds the next. */
static void held_queues_stop(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t fence;

	copy(&c);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	at(d, 1);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	CHECK(fence_now(d, 0) != fence && due_ms(d) < 0);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	at(d, 2);
	queue_enable(d, 0);
	d->tail[0] = 0;
	fence = submit_cmds(&c, 0);
	at(d, 2);
	CHECK(near(due_ms(d), 12));
	at(d, 12.1);
	CHECK_EQ(fence_now(d, 0), fence);
	dev_free(d);
}

/* What was still to be waited for is waited for after loading. */
static void held_queues_are_saved(void)
{
	struct dev *d = paced_dev(true);
	struct cmds c = cmds_at(d, CMDS);
	const char *error;
	uint64_t fence;
	size_t size;
	void *state;

	copy(&c);
	fence = submit_cmds(&c, 0);
	at(d, 0);
	at(d, 4);
	bus_lock(d);
	size = dsa_core_save(d->core, NULL, 0);
	state = malloc(size);
	dsa_core_save(d->core, state, size);
	d->now = START + 1000 * MS;
	CHECK_EQ(dsa_core_load(d->core, state, size, &error), 0);
	bus_unlock(d);
	free(state);
	at(d, 1000);
	CHECK(fence_now(d, 0) != fence && near(due_ms(d), 1006));
	at(d, 1006.1);
	CHECK_EQ(fence_now(d, 0), fence);
	dev_free(d);
}

/* The host's own clock, and threads that sleep until something is due. */
static void threads_keep_the_pace(void)
{
	for (unsigned int threads = 1; threads <= 3; threads++) {
		struct dsa_core_config cfg;
		uint64_t fence[4], start;
		struct dev *d;

		dev_config(&cfg);
		cfg.cost.copy_ns = 5 * MS;
		cfg.pace = true;
		d = dev_new_with(&cfg, threads);
		for (unsigned int q = 0; q < 4; q++)
			queue_setup(d, q, 1);
		start = clock_ns();
		for (unsigned int q = 0; q < 4; q++) {
			struct cmds c = cmds_at(d, CMDS + q * 0x1000);

			for (unsigned int i = 0; i <= q; i++)
				cmd_copy(&c, VA_HBM + DATA + q * 0x10000, VA_HBM + DATA + 0x100000,
					 64);
			fence[q] = submit_cmds(&c, q);
		}
		for (unsigned int q = 0; q < 4; q++) {
			CHECK(wait_fence(d, q, fence[q]));
			CHECK(clock_ns() - start >= 5 * MS * (q + 1));
		}
		dev_free(d);
	}
}

const struct test pace_tests[] = {
	TEST(completions_are_held),      TEST(commands_are_held),
	TEST(a_late_host_catches_up),    TEST(time_begins_with_the_work),
	TEST(queues_of_their_own),       TEST(the_clock_is_seen_to_run),
	TEST(modelled_time_is_the_same), TEST(unpaced_work_is_not_held),
	TEST(held_queues_stop),          TEST(held_queues_are_saved),
	TEST(threads_keep_the_pace),     TESTS_END,
};
