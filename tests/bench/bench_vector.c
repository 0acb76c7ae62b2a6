// SPDX-License-Identifier: MIT
/*
 * The kernel library's own axpy and reduce, compiled for the host by the same clang (-O3 -march=native), and
 * memcpy in the pieces of the tensor engine's boxes, on 64 MiB with a thread per CPU. A turn for each line of
 * input, so that turns of the guest come between: prints the best of several of each, GB/s.
 *
 * The arrays are in huge pages, as QEMU asks for the device's memory. In small ones the figures depend on which
 * of them the system happened to give, by half.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "libdsa/kernels/axpy.c"
#include "libdsa/kernels/reduce.c"

#define BYTES   (64u << 20)
#define COUNT   (BYTES / sizeof(float))
#define REPEATS 15
#define THREADS 16
#define BOX     (128 * 128 * 2)
#define HUGE    (2u << 20)

_Thread_local uint64_t bench_program;
uint64_t bench_programs;

static float *x, *y;
float bench_sums[THREADS]; /* anyone might look: it is computed */

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void *run_axpy(void *arg)
{
	bench_program = (uint64_t)arg;
	axpy(y, x, 0.5f, COUNT);
	return NULL;
}

static void *run_reduce(void *arg)
{
	bench_program = (uint64_t)arg;
	reduce_partial(bench_sums, x, COUNT);
	return NULL;
}

static void *run_boxes(void *arg)
{
	static _Thread_local unsigned char box[BOX];
	uint64_t first = (uint64_t)arg;

	for (uint64_t at = first * BOX; at < BYTES; at += bench_programs * BOX) {
		memcpy(box, (const char *)x + at, BOX);
		/* The compiler must not drop a copy that nobody reads. */
		__asm__ volatile("" : : "r"(box) : "memory");
	}
	return NULL;
}

static double seconds(void *(*work)(void *arg))
{
	pthread_t thread[THREADS];
	double start = now_s();

	for (uint64_t t = 0; t < bench_programs; t++)
		if (pthread_create(&thread[t], NULL, work, (void *)t))
			exit(1);
	for (uint64_t t = 0; t < bench_programs; t++)
		pthread_join(thread[t], NULL);
	return now_s() - start;
}

static double best_rate(void *(*work)(void *arg), double bytes)
{
	double best = 0;

	for (int i = 0; i < REPEATS; i++) {
		double time = seconds(work);

		best = !best || time < best ? time : best;
	}
	return 1e-9 * bytes / best;
}

static float *ones(void)
{
	float *p = aligned_alloc(HUGE, BYTES);

	if (!p || madvise(p, BYTES, MADV_HUGEPAGE)) {
		perror("bench_vector: 64 MiB in huge pages");
		exit(1);
	}
	for (size_t i = 0; i < COUNT; i++)
		p[i] = 1;
	return p;
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char line[16];

	bench_programs = cpus < 1 ? 1 : cpus > THREADS ? THREADS : (uint64_t)cpus;
	x = ones();
	y = ones();
	while (fgets(line, sizeof(line), stdin)) {
		printf("axpy_gbps %.3f\n", best_rate(run_axpy, 3.0 * BYTES));
		printf("reduce_gbps %.3f\n", best_rate(run_reduce, BYTES));
		printf("boxes_gbps %.3f\n\n", best_rate(run_boxes, BYTES));
		fflush(stdout);
	}
	return 0;
}
