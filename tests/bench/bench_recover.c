// SPDX-License-Identifier: MIT
/*
 * Recovery from hung cores, in the guest: prints one "name value" a line.
 *
 * A queue's program hangs; the queue is destroyed, which takes the driver the
 * same way as a time-out does once it has come. Beside it a neighbor copies
 * all the time: what it does in the time around a recovery is compared to the
 * same time before each, and the medians are printed.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../selftests/accel/accel_util.h"

#define ROUNDS  15
#define CODE_VA 0x300000000ull
#define DATA_VA 0x400000000ull

struct neighbor {
	struct rig rig;
	struct buf data;
	pthread_t thread;
	atomic_uint_fast64_t jobs;
	atomic_bool stop;
};

static void check(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "bench_recover: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static void sleep_ms(long ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000 };

	nanosleep(&pause, NULL);
}

static void *copy_all_the_time(void *arg)
{
	struct neighbor *n = arg;
	struct cmds c = rig_cmds(&n->rig, 0);

	cmd_copy(&c, DATA_VA, DATA_VA + MIB, MIB);
	while (!n->stop) {
		check(rig_run(&n->rig, &c), "a copy of the neighbor");
		n->jobs++;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

/* Jobs a second of the neighbor from @jobs, at @start, until now. */
static double rate(struct neighbor *n, uint64_t jobs, uint64_t start)
{
	return (double)(n->jobs - jobs) * 1e9 / (double)(accel_now_ns() - start);
}

/* One hang and its end: how long that took in ms, and the neighbor's rate around it, to that before. */
static double hang_once(struct rig *rig, struct neighbor *n, double *share)
{
	uint64_t start = accel_now_ns(), jobs = n->jobs, killed;
	double before, recovery;
	uint32_t queue;
	struct cmds c;

	sleep_ms(100);
	before = rate(n, jobs, start);
	check(queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COMPUTE, &queue), "creating a queue");
	c = rig_cmds(rig, 0);
	cmd_launch(&c, CODE_VA, 0, 1, 0, 1);
	check(submit(rig->fd, queue, c.va, c.len, NULL, 0, NULL), "submitting");
	/* A core has it then. */
	sleep_ms(20);
	start = accel_now_ns();
	jobs = n->jobs;
	sleep_ms(40);
	killed = accel_now_ns();
	check(queue_destroy(rig->fd, queue), "destroying the queue");
	recovery = (double)(accel_now_ns() - killed) * 1e-6;
	sleep_ms(40);
	*share = rate(n, jobs, start) / before;
	return recovery;
}

int main(void)
{
	static double recovery[ROUNDS], share[ROUNDS];
	struct neighbor n = { 0 };
	struct buf code;
	struct rig rig;
	int fd = accel_open();

	check(fd < 0 ? fd : 0, "opening the device");
	check(rig_create(&rig, fd), "setting up");
	check(rig_buf(&rig, &code, PAGE, 0, CODE_VA), "setting up");
	*(volatile uint32_t *)code.ptr = RV_LOOP_FOREVER;
	check(rig_create(&n.rig, accel_open()), "setting up the neighbor");
	check(rig_buf(&n.rig, &n.data, 2 * MIB, 0, DATA_VA), "setting up the neighbor");
	check(-pthread_create(&n.thread, NULL, copy_all_the_time, &n), "starting the neighbor");
	for (unsigned int i = 0; i < ROUNDS; i++)
		recovery[i] = hang_once(&rig, &n, &share[i]);
	n.stop = true;
	pthread_join(n.thread, NULL);
	printf("recovery_ms %.3f\nneighbor_share %.3f\n", median(recovery), median(share));
	return 0;
}
