// SPDX-License-Identifier: MIT
/* The kernel library's axpy and sum of 64 MiB, compiled for the host, a thread per CPU: best of several, GB/s. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BYTES   (64u << 20)
#define COUNT   (BYTES / sizeof(float))
#define TURNS   15
#define THREADS 16

static float *x, *y;
static volatile float sums[THREADS]; /* somebody might look */
static unsigned int threads;

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void share(size_t t, size_t *begin, size_t *end)
{
	size_t n = (COUNT + threads - 1) / threads;

	*begin = t * n;
	*end = *begin + n < COUNT ? *begin + n : COUNT;
}

static void *axpy(void *arg)
{
	size_t begin, end;

	share((size_t)arg, &begin, &end);
	for (size_t i = begin; i < end; i++)
		y[i] += 0.5f * x[i];
	return NULL;
}

/* 512 sums side by side, as there: a vectoriser may without changing results. */
static void *reduce(void *arg)
{
	float lane[512] = { 0 }, sum = 0;
	size_t begin, end;

	share((size_t)arg, &begin, &end);
	for (size_t i = begin; i + 512 <= end; i += 512)
		for (int l = 0; l < 512; l++)
			lane[l] += x[i + l];
	for (int l = 0; l < 512; l++)
		sum += lane[l];
	sums[(size_t)arg] = sum;
	return NULL;
}

static double best_time(void *(*work)(void *arg))
{
	pthread_t thread[THREADS];
	double best = 0;

	for (int i = 0; i < TURNS; i++) {
		double start = now_s(), time;

		for (size_t t = 0; t < threads; t++)
			if (pthread_create(&thread[t], NULL, work, (void *)t))
				exit(1);
		for (size_t t = 0; t < threads; t++)
			pthread_join(thread[t], NULL);
		time = now_s() - start;
		best = !best || time < best ? time : best;
	}
	return best;
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	threads = cpus < 1 ? 1 : cpus > THREADS ? THREADS : (unsigned int)cpus;
	x = calloc(COUNT, sizeof(*x));
	y = calloc(COUNT, sizeof(*y));
	if (!x || !y) {
		fprintf(stderr, "bench_vector: no memory for two arrays of %u bytes\n", BYTES);
		return 1;
	}
	for (size_t i = 0; i < COUNT; i++)
		x[i] = y[i] = 1;
	printf("axpy_gbps %.3f\n", 3e-9 * BYTES / best_time(axpy));
	printf("reduce_gbps %.3f\n", 1e-9 * BYTES / best_time(reduce));
	return 0;
}
