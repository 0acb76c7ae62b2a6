// SPDX-License-Identifier: MIT
/*
 * The kernel library's own axpy and reduce, compiled for the host by the same clang (-O3 -march=native), on
 * 64 MiB with a thread per CPU: best of several, GB/s.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libdsa/kernels/axpy.c"
#include "libdsa/kernels/reduce.c"

#define BYTES   (64u << 20)
#define COUNT   (BYTES / sizeof(float))
#define TURNS   15
#define THREADS 16

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

static double best_time(void *(*work)(void *arg))
{
	pthread_t thread[THREADS];
	double best = 0;

	for (int i = 0; i < TURNS; i++) {
		double start = now_s(), time;

		for (uint64_t t = 0; t < bench_programs; t++)
			if (pthread_create(&thread[t], NULL, work, (void *)t))
				exit(1);
		for (uint64_t t = 0; t < bench_programs; t++)
			pthread_join(thread[t], NULL);
		time = now_s() - start;
		best = !best || time < best ? time : best;
	}
	return best;
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	bench_programs = cpus < 1 ? 1 : cpus > THREADS ? THREADS : (uint64_t)cpus;
	x = calloc(COUNT, sizeof(*x));
	y = calloc(COUNT, sizeof(*y));
	if (!x || !y) {
		fprintf(stderr, "bench_vector: no memory for two arrays of %u bytes\n", BYTES);
		return 1;
	}
	for (size_t i = 0; i < COUNT; i++)
		x[i] = y[i] = 1;
	printf("axpy_gbps %.3f\n", 3e-9 * BYTES / best_time(run_axpy));
	printf("reduce_gbps %.3f\n", 1e-9 * BYTES / best_time(run_reduce));
	return 0;
}
