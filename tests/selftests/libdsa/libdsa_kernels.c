// SPDX-License-Identifier: MIT
/* The kernel library on the device in the VM: vector code, tensor operations, the matrix unit. */
#include "libdsa_fixture.h"

#include <math.h>

#include "../../../include/uapi/dsa_cmd.h"
#include "../../../libdsa/kernels/convert.h"
#include "../../../libdsa/kernels/gemm.h"
#include "../../../libdsa/kernels/gemm_block.h"

static dsaFunction_t library_function(struct __test_metadata *_metadata, const char *module_name,
				      const char *name)
{
	const char *build = getenv("B");
	dsaFunction_t function;
	dsaModule_t module;
	char path[512];

	snprintf(path, sizeof(path), "%s/kernels/%s.elf", build ? build : "build", module_name);
	OK(dsaModuleLoad(&module, path));
	OK(dsaModuleGetFunction(&function, module, name));
	return function;
}

TEST(axpy)
{
	enum { N = 100003 };
	static float x[N], y[N], got[N];
	float *dx, *dy, a = 1.5f;
	uint64_t n = N;

	for (int i = 0; i < N; i++) {
		x[i] = (float)i * 0.25f;
		y[i] = (float)(i % 1000);
	}
	OK(dsaMalloc((void **)&dx, sizeof(x)));
	OK(dsaMalloc((void **)&dy, sizeof(y)));
	OK(dsaMemcpy(dx, x, sizeof(x), dsaMemcpyHostToDevice));
	OK(dsaMemcpy(dy, y, sizeof(y), dsaMemcpyHostToDevice));
	OK(dsaLaunchKernel(library_function(_metadata, "axpy", "axpy"), GRID(16),
			   ARGS(&dy, &dx, &a, &n), 0, NULL));
	OK(dsaMemcpy(got, dy, sizeof(got), dsaMemcpyDeviceToHost));
	for (int i = 0; i < N; i++)
		ASSERT_EQ(fmaf(a, x[i], y[i]), got[i]);
	OK(dsaFree(dx));
	OK(dsaFree(dy));
}

static uint16_t to_bf16(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, 4);
	return (uint16_t)(bits >> 16);
}

/* Small integers: exact in bfloat16, and so are their sums in float. */
TEST(gemm_bf16)
{
	enum { M = 150, N = 170, K = 190 };
	static uint16_t a[M * K], b[K * N];
	static float d[M * N];
	struct gemm_args args = {
		.ldd = N,
		.lda = K,
		.ldb = N,
		.m = M,
		.n = N,
		.k = K,
		.d_type = DSA_TYPE_F32,
		.a_type = DSA_TYPE_BF16,
		.b_type = DSA_TYPE_BF16,
		.alpha = 1,
	};

	for (int i = 0; i < M * K; i++)
		a[i] = to_bf16((float)(i % 13 - 6));
	for (int i = 0; i < K * N; i++)
		b[i] = to_bf16((float)(i % 11 - 5));
	OK(dsaMalloc((void **)&args.a, sizeof(a)));
	OK(dsaMalloc((void **)&args.b, sizeof(b)));
	OK(dsaMalloc(&args.d, sizeof(d)));
	OK(dsaMemcpy((void *)args.a, a, sizeof(a), dsaMemcpyHostToDevice));
	OK(dsaMemcpy((void *)args.b, b, sizeof(b), dsaMemcpyHostToDevice));
	OK(dsaLaunchKernelStruct(library_function(_metadata, "gemm", "gemm"), GRID(16), &args,
				 sizeof(args), 0, NULL));
	OK(dsaMemcpy(d, args.d, sizeof(d), dsaMemcpyDeviceToHost));
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++) {
			float sum = 0;

			for (int k = 0; k < K; k++)
				sum += (float)((i * K + k) % 13 - 6) *
				       (float)((k * N + j) % 11 - 5);
			ASSERT_EQ(sum, d[i * N + j]);
		}
	OK(dsaFree((void *)args.a));
	OK(dsaFree((void *)args.b));
	OK(dsaFree(args.d));
}

/*
 * Weights of half integers from -4, which each block has, to 3.5: exact in
 * Q4_0, as are the sums in float. The device quantises them, and multiplies.
 */
TEST(gemm_quantised)
{
	enum { M = 70, N = 90, K = 256, ROW = K / 32 * 18 };
	static uint16_t a[M * K];
	static float w[N * K], d[M * N];
	struct convert_args quantise = {
		.dst_pitch = ROW,
		.src_pitch = K * 4,
		.rows = N,
		.cols = K,
		.dst_type = DSA_TYPE_Q4_0,
		.src_type = DSA_TYPE_F32,
		.scale = 1,
	};
	struct gemm_block_args args = {
		.d_pitch = N * 4,
		.a_pitch = K * 2,
		.b_pitch = ROW,
		.m = M,
		.n = N,
		.k = K,
		.d_type = DSA_TYPE_F32,
		.a_type = DSA_TYPE_BF16,
		.b_type = DSA_TYPE_Q4_0,
		.alpha = 1,
	};

	for (int i = 0; i < M * K; i++)
		a[i] = to_bf16((float)(i % 13 - 6));
	for (int i = 0; i < N * K; i++)
		w[i] = i % 32 == 5 ? -4 : (float)(i % 15 - 7) / 2;
	OK(dsaMalloc((void **)&quantise.src, sizeof(w)));
	OK(dsaMalloc(&quantise.dst, N * ROW));
	OK(dsaMalloc((void **)&args.a, sizeof(a)));
	OK(dsaMalloc(&args.d, sizeof(d)));
	args.b = quantise.dst;
	OK(dsaMemcpy((void *)quantise.src, w, sizeof(w), dsaMemcpyHostToDevice));
	OK(dsaMemcpy((void *)args.a, a, sizeof(a), dsaMemcpyHostToDevice));
	OK(dsaLaunchKernelStruct(library_function(_metadata, "convert", "convert"), GRID(16),
				 &quantise, sizeof(quantise), 0, NULL));
	OK(dsaLaunchKernelStruct(library_function(_metadata, "gemm_block", "gemm_block"), GRID(16),
				 &args, sizeof(args), 0, NULL));
	OK(dsaMemcpy(d, args.d, sizeof(d), dsaMemcpyDeviceToHost));
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++) {
			float sum = 0;

			for (int k = 0; k < K; k++)
				sum += (float)((i * K + k) % 13 - 6) * w[j * K + k];
			ASSERT_EQ(sum, d[i * N + j]);
		}
	OK(dsaFree((void *)quantise.src));
	OK(dsaFree(quantise.dst));
	OK(dsaFree((void *)args.a));
	OK(dsaFree(args.d));
}

/* A launch that a unit refuses: its fault has the kernel's name and says what is wrong. */
static void refused(struct __test_metadata *_metadata, const char *kernel, const void *args,
		    size_t size, const char *what)
{
	dsaErrorInfo info;
	dsaStream_t stream;

	OK(dsaStreamCreate(&stream));
	OK(dsaLaunchKernelStruct(library_function(_metadata, kernel, kernel), GRID(1), args, size,
				 0, stream));
	EXPECT_EQ(dsaErrorLaunchFailure, dsaStreamSynchronize(stream));
	OK(dsaGetLastErrorInfo(&info));
	TH_LOG("%s", info.text);
	EXPECT_NE(NULL, strstr(info.text, what));
	EXPECT_STREQ(kernel, info.kernel);
	dsaStreamDestroy(stream);
}

TEST(convert_refused)
{
	struct convert_args args = {
		.dst_pitch = 18,
		.src_pitch = 128,
		.rows = 1,
		.cols = 32,
		.dst_type = DSA_TYPE_Q4_0,
		.src_type = DSA_TYPE_F32,
		.scale = 1,
		.flags = CONVERT_STOCHASTIC,
	};

	OK(dsaMalloc(&args.dst, 4096));
	args.src = args.dst;
	refused(_metadata, "convert", &args, sizeof(args), "malformed conversion");
	OK(dsaFree(args.dst));
}

TEST(gemm_refused)
{
	struct gemm_args args = {
		.ldd = 16,
		.lda = 16,
		.ldb = 16,
		.m = 16,
		.n = 16,
		.k = 16,
		.d_type = DSA_TYPE_F32,
		.a_type = DSA_TYPE_BF16,
		.b_type = DSA_TYPE_I8,
		.alpha = 1,
	};

	OK(dsaMalloc(&args.d, 4096));
	args.a = args.b = args.d;
	refused(_metadata, "gemm", &args, sizeof(args), "malformed matrix operation");
	OK(dsaFree(args.d));
}

TEST_HARNESS_MAIN
