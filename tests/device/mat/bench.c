/* SPDX-License-Identifier: MIT */
/*
 * Figures of the matrix unit: GFLOP/s (multiplications and additions) of one thread per type, and
 * OpenBLAS's sgemm beside it: DSA_BENCH_BLAS=path of libopenblas.so.0, OPENBLAS_NUM_THREADS=1.
 * An argument of 0, 1, 2 or 3 selects the instructions: plain, AVX2, AVX-512, VNNI.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mat/mat.h"

#define SIZE 128

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void fill(struct mat_tile *t, enum num_type type, unsigned int rows, unsigned int cols,
		 bool transposed)
{
	size_t r = transposed ? cols : rows, c = transposed ? rows : cols;
	const struct num_round rne = { .mode = NUM_RNE, .step = 1 };
	float *v = malloc(c * sizeof(*v));
	uint8_t *scales = malloc(r * (c / 32 + 1));

	*t = (struct mat_tile){ .type = type,
				.transposed = transposed,
				.pitch = num_bytes(type, c) };
	t->data = malloc(r * t->pitch);
	t->scales = scales;
	t->scale_pitch = c / 32 + 1;
	for (size_t i = 0; i < r; i++) {
		for (size_t j = 0; j < c; j++)
			v[j] = (float)(int)(num_random(1, i * c + j) >> 25) / 16.0f - 4.0f;
		num_convert(type, (uint8_t *)t->data + i * t->pitch, scales + i * t->scale_pitch,
			    NUM_FP32, v, NULL, c, 1, &rne);
	}
	free(v);
}

/* Best of several rounds: others may use the machine. */
static double rate(struct mat_unit *u, const struct mat_op *op)
{
	double best = 1e9, flops = 2.0 * op->m * op->n * op->k;
	unsigned int runs = (unsigned int)(1e8 / flops) + 1;

	for (int round = 0; round < 12; round++) {
		double start = now(), t;

		for (unsigned int i = 0; i < runs; i++)
			if (mat_run(u, op) != MAT_OK)
				abort();
		t = (now() - start) / runs;
		best = t < best ? t : best;
	}
	return flops / best / 1e9;
}

static double measure(struct mat_unit *u, enum num_type type, enum num_type d, int trans,
		      unsigned int size)
{
	struct mat_op op = { .m = size, .n = size, .k = size, .scale = 1, .round.step = 1 };
	double r;

	fill(&op.a, type, size, size, trans & 1);
	fill(&op.b, type, size, size, trans & 2);
	fill(&op.d, d, size, size, false);
	op.c = op.d;
	r = rate(u, &op);
	free(op.a.data), free(op.b.data), free(op.d.data);
	free((void *)op.a.scales), free((void *)op.b.scales), free((void *)op.d.scales);
	return r;
}

typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a,
		      int lda, const float *b, int ldb, float beta, float *c, int ldc);

static double blas(sgemm_fn *sgemm, int size)
{
	size_t bytes = sizeof(float) * (size_t)size * (size_t)size;
	float *a = malloc(bytes), *b = malloc(bytes), *c = malloc(bytes);
	double best = 1e9, flops = 2.0 * size * size * size;
	int runs = (int)(1e8 / flops) + 1;

	for (int i = 0; i < size * size; i++)
		a[i] = b[i] = c[i] = (float)(i % 64) / 64.0f;
	for (int round = 0; round < 12; round++) {
		double start = now(), t;

		for (int i = 0; i < runs; i++)
			sgemm(101, 111, 111, size, size, size, 1, a, size, b, size, 0, c, size);
		t = (now() - start) / runs;
		best = t < best ? t : best;
	}
	free(a), free(b), free(c);
	return flops / best / 1e9;
}

static double print_blas(void)
{
	const char *path = getenv("DSA_BENCH_BLAS");
	void *lib = path ? dlopen(path, RTLD_NOW) : NULL;
	sgemm_fn *sgemm = lib ? (sgemm_fn *)dlsym(lib, "cblas_sgemm") : NULL;
	double large;

	if (!sgemm)
		return 0;
	large = blas(sgemm, 512);
	for (int size = 1024; size <= 2048; size *= 2) {
		double r = blas(sgemm, size);

		large = r > large ? r : large;
	}
	printf("OpenBLAS sgemm: %.1f GFLOP/s at 128, %.1f at 512 to 2048\n", blas(sgemm, SIZE),
	       large);
	return large;
}

#define ELEMENTS 16384

/* Million elements a second. */
static double conversions(enum num_type to, enum num_type from, enum num_mode mode)
{
	static uint8_t src[ELEMENTS * 8], dst[ELEMENTS * 8];
	static uint8_t src_scales[ELEMENTS / 32], dst_scales[ELEMENTS / 32];
	const struct num_round r = { .mode = mode, .seed = 1, .step = 1 };
	double best = 1e9;

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(num_random(2, i) >> 20 & 0x3f);
	for (int round = 0; round < 20; round++) {
		double start = now(), t;

		for (int i = 0; i < 50; i++)
			num_convert(to, dst, dst_scales, from, src, src_scales, ELEMENTS, 1, &r);
		t = (now() - start) / 50;
		best = t < best ? t : best;
	}
	return ELEMENTS / best / 1e6;
}

static void print_conversions(void)
{
	static const enum num_type pairs[][2] = {
		{ NUM_FP32, NUM_BF16 },   { NUM_BF16, NUM_FP32 },   { NUM_FP32, NUM_FP16 },
		{ NUM_FP16, NUM_FP32 },   { NUM_FP32, NUM_E4M3 },   { NUM_E4M3, NUM_FP32 },
		{ NUM_FP32, NUM_E2M1 },   { NUM_E2M1, NUM_FP32 },   { NUM_FP32, NUM_INT8 },
		{ NUM_INT8, NUM_FP32 },   { NUM_INT8, NUM_INT32 },  { NUM_FP32, NUM_FP64 },
		{ NUM_MXE4M3, NUM_FP32 }, { NUM_FP32, NUM_MXE4M3 }, { NUM_MXE2M1, NUM_FP32 },
		{ NUM_Q8_0, NUM_FP32 },   { NUM_FP32, NUM_Q8_0 },   { NUM_Q4_0, NUM_FP32 },
		{ NUM_FP32, NUM_Q4_0 },
	};

	printf("million elements a second, to nearest (stochastic):\n");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		printf("  %-10s to %-10s %6.0f (%.0f)\n", num_info(pairs[i][1])->name,
		       num_info(pairs[i][0])->name, conversions(pairs[i][0], pairs[i][1], NUM_RNE),
		       conversions(pairs[i][0], pairs[i][1], NUM_STOCHASTIC));
}

int main(int argc, char **argv)
{
	static const enum num_type types[] = {
		NUM_FP32,   NUM_TF32, NUM_FP16,   NUM_BF16,   NUM_E4M3,   NUM_E5M2,   NUM_E2M3,
		NUM_E3M2,   NUM_E2M1, NUM_MXE4M3, NUM_MXE5M2, NUM_MXE2M3, NUM_MXE3M2, NUM_MXE2M1,
		NUM_MXINT8, NUM_Q8_0, NUM_Q4_0,   NUM_INT8,   NUM_UINT8,  NUM_INT4,   NUM_FP64,
	};
	struct mat_unit *u = mat_unit_new();
	double large = print_blas(), fp32;

	if (argc > 1 && atoi(argv[1]) >= 0 && atoi(argv[1]) <= (int)num_isa_best())
		num_isa_set((enum num_isa)atoi(argv[1]));
	fp32 = measure(u, NUM_FP32, NUM_FP32, 0, SIZE);
	printf("instructions: %s; D = A x B + C, %u x %u x %u\n", num_isa_name(num_isa_get()), SIZE,
	       SIZE, SIZE);
	if (large > 0)
		printf("fp32 is %.2f of OpenBLAS's best at 512 to 2048\n", fp32 / large);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		enum num_type t = types[i], acc = mat_accumulator(t, t);

		printf("%-11s", num_info(t)->name);
		for (int trans = 0; trans < 4; trans++) {
			double r = measure(u, t, acc, trans, SIZE);

			printf("  %c%c %7.1f (%.2f)", trans & 1 ? 'T' : 'N', trans & 2 ? 'T' : 'N',
			       r, r / fp32);
		}
		printf("\n");
	}
	printf("fp32 to bf16 %.1f, int8 to int8 %.1f, fp32 at 64: %.1f, at 256: %.1f\n",
	       measure(u, NUM_FP32, NUM_BF16, 0, SIZE), measure(u, NUM_INT8, NUM_INT8, 0, SIZE),
	       measure(u, NUM_FP32, NUM_FP32, 0, 64), measure(u, NUM_FP32, NUM_FP32, 0, 256));
	print_conversions();
	mat_unit_free(u);
	return 0;
}
