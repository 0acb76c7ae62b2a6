/* SPDX-License-Identifier: MIT */
/*
 * matmul [-n SIZE] [-s SEED] [FILE]: multiplies two square fp32 matrices.
 *
 * FILE holds A, then B, row by row, as little-endian floats. Without FILE
 * both are random, SIZE x SIZE, the same for the same SEED.
 */
#include "../check.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const unsigned char dsa_kernels_matmul[];

static void die(const char *what, const char *why)
{
	fprintf(stderr, "matmul: %s: %s\n", what, why);
	exit(1);
}

static unsigned long long parse(const char *text, unsigned long long min, unsigned long long max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max) {
		fprintf(stderr, "matmul: '%s' is not a number from %llu to %llu\n", text, min, max);
		exit(2);
	}
	return value;
}

/* A and B in one piece. */
static float *random_matrices(size_t n, uint64_t seed)
{
	float *m = malloc(2 * n * n * sizeof(float));

	if (!m)
		die("random matrices", "out of host memory");
	for (size_t i = 0; i < 2 * n * n; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		m[i] = (float)(int32_t)(seed >> 32) / 2147483648.0f;
	}
	return m;
}

static float *read_matrices(const char *path, size_t *n)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	float *m;
	size_t size;

	if (!file || fstat(fileno(file), &st))
		die(path, strerror(errno));
	if (st.st_size <= 0)
		die(path, "is empty");
	size = (size_t)st.st_size;
	*n = (size_t)sqrt((double)size / (2 * sizeof(float)));
	if (2 * *n * *n * sizeof(float) != size)
		die(path, "does not hold two square matrices of floats");
	m = malloc(size);
	if (!m)
		die(path, "is larger than the host's memory");
	if (fread(m, 1, size, file) != size)
		die(path, "cannot be read to its end");
	fclose(file);
	return m;
}

static float multiply(const float *ab, float *c, size_t size)
{
	size_t bytes = size * size * sizeof(float);
	uint64_t n = size;
	float *dev_a, *dev_b, *dev_c, ms;
	dsaModule_t module;
	dsaFunction_t matmul;
	dsaEvent_t begin, end;

	CHECK(dsaModuleLoadData(&module, dsa_kernels_matmul));
	CHECK(dsaModuleGetFunction(&matmul, module, "matmul"));
	CHECK(dsaMalloc((void **)&dev_a, 2 * bytes));
	CHECK(dsaMalloc((void **)&dev_c, bytes));
	dev_b = dev_a + size * size;
	CHECK(dsaMemcpy(dev_a, ab, 2 * bytes, dsaMemcpyHostToDevice));
	CHECK(dsaEventCreate(&begin));
	CHECK(dsaEventCreate(&end));
	CHECK(dsaEventRecord(begin, NULL));
	CHECK(dsaLaunchKernel(matmul, (dsaDim3){ 16, 1, 1 },
			      (void *[]){ &dev_c, &dev_a, &dev_b, &n }, size * sizeof(float),
			      NULL));
	CHECK(dsaEventRecord(end, NULL));
	CHECK(dsaMemcpy(c, dev_c, bytes, dsaMemcpyDeviceToHost));
	CHECK(dsaEventElapsedTime(&ms, begin, end));
	return ms;
}

/* The same sums in the same order must give the same bits. */
static void check_product(const float *a, const float *b, const float *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			float sum = 0;

			for (size_t k = 0; k < n; k++)
				sum = fmaf(a[i * n + k], b[k * n + j], sum);
			if (!memcmp(&sum, &c[i * n + j], sizeof(sum)) ||
			    (isnan(sum) && isnan(c[i * n + j])))
				continue;
			fprintf(stderr, "matmul: c[%zu][%zu] is %.9g, not %.9g\n", i, j,
				c[i * n + j], sum);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	size_t n = 128;
	uint64_t seed = 1;
	float *ab, *c, ms;
	int option;

	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		if (option == 'n')
			n = parse(optarg, 1, 16384);
		else if (option == 's')
			seed = parse(optarg, 0, UINT64_MAX);
		else
			return 2;
	}
	ab = optind < argc ? read_matrices(argv[optind], &n) : random_matrices(n, seed);
	c = malloc(n * n * sizeof(float));
	if (!c)
		die("result", "out of host memory");
	ms = multiply(ab, c, n);
	check_product(ab, ab + n * n, c, n);
	printf("matmul: %zu x %zu, same bits as on the host; c[0][0] = %g\n", n, n, c[0]);
	printf("device time (modelled) %.3f ms, %.2f GFLOP/s\n", ms,
	       2.0 * (double)n * (double)n * (double)n / 1e6 / ms);
	free(ab);
	free(c);
	return 0;
}
