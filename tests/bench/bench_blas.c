// SPDX-License-Identifier: MIT
/* OpenBLAS' sgemm of 2048^3 on all of the host's CPUs, best of several, 10^9 operations a second. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N 2048

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(void)
{
	float *a = malloc(N * N * 4), *b = malloc(N * N * 4), *c = malloc(N * N * 4);
	double best = 0;

	if (!a || !b || !c) {
		fprintf(stderr, "bench_blas: no memory for three matrices of %d bytes\n",
			N * N * 4);
		return 1;
	}
	for (int i = 0; i < N * N; i++) {
		a[i] = (float)(i % 7) - 3;
		b[i] = (float)(i % 5) - 2;
		c[i] = 0;
	}
	for (int i = 0; i < 5; i++) {
		double start = now_s(), rate;

		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c,
			    N);
		rate = 2.0 * N * N * N / (now_s() - start) * 1e-9;
		best = rate > best ? rate : best;
	}
	printf("sgemm_gflops %.2f\n", best);
	return 0;
}
