// SPDX-License-Identifier: MIT
/* Modules, functions, launches and their arguments. */
#include "libdsa_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

TEST(load_from_memory_and_file)
{
	char path[] = "/tmp/libdsa_module.XXXXXX";
	int fd = mkstemp(path);
	dsaFunction_t f, again;
	dsaModule_t module, other;

	ASSERT_GE(fd, 0);
	ASSERT_EQ((ssize_t)dsa_kernels_test_size,
		  write(fd, dsa_kernels_test, dsa_kernels_test_size));
	close(fd);
	OK(dsaModuleLoad(&module, path));
	OK(dsaModuleLoadData(&other, dsa_kernels_test));
	EXPECT_NE(module, other);
	OK(dsaModuleUnload(other));
	OK(dsaModuleLoadDataSize(&other, dsa_kernels_test, dsa_kernels_test_size));
	OK(dsaModuleGetFunction(&f, module, "empty"));
	OK(dsaModuleGetFunction(&again, module, "empty"));
	EXPECT_EQ(f, again);
	OK(dsaLaunchKernel(f, GRID(1), NULL, 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	OK(dsaModuleUnload(module));
	FAILS(dsaErrorInvalidResourceHandle, dsaLaunchKernel(f, GRID(1), NULL, 0, NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaModuleGetFunction(&f, module, "empty"));
	OK(dsaModuleUnload(other));
	unlink(path);
}

TEST(load_refusals)
{
	dsaModule_t module;
	dsaFunction_t f;
	char text[256] = "not an ELF file at all";

	FAILS(dsaErrorFileNotFound, dsaModuleLoad(&module, "/nonexistent/kernel.elf"));
	EXPECT_EQ(NULL, module);
	FAILS(dsaErrorFileNotFound, dsaModuleLoad(&module, "/tmp"));
	FAILS(dsaErrorFileNotFound, dsaModuleLoad(&module, ""));
	FAILS(dsaErrorInvalidKernelImage, dsaModuleLoad(&module, "/etc/passwd"));
	FAILS(dsaErrorInvalidKernelImage, dsaModuleLoad(&module, "/proc/self/exe"));
	FAILS(dsaErrorInvalidKernelImage, dsaModuleLoadData(&module, text));
	FAILS(dsaErrorInvalidKernelImage, dsaModuleLoadDataSize(&module, text, 0));
	FAILS(dsaErrorInvalidValue, dsaModuleLoad(NULL, "x"));
	FAILS(dsaErrorInvalidValue, dsaModuleLoad(&module, NULL));
	FAILS(dsaErrorInvalidValue, dsaModuleLoadData(&module, NULL));
	FAILS(dsaErrorInvalidValue, dsaModuleLoadData(NULL, text));
	FAILS(dsaErrorInvalidValue, dsaModuleLoadDataSize(&module, NULL, 1));
	OK(dsaModuleLoadData(&module, dsa_kernels_test));
	FAILS(dsaErrorSymbolNotFound, dsaModuleGetFunction(&f, module, "no_such_kernel"));
	EXPECT_EQ(NULL, f);
	FAILS(dsaErrorSymbolNotFound, dsaModuleGetFunction(&f, module, ""));
	FAILS(dsaErrorSymbolNotFound, dsaModuleGetFunction(&f, module, "memcpy"));
	FAILS(dsaErrorInvalidValue, dsaModuleGetFunction(&f, module, NULL));
	FAILS(dsaErrorInvalidValue, dsaModuleGetFunction(NULL, module, "empty"));
}

/*
 * Damaged images: all refused or loaded, none crashes. What loads is not run:
 * its code may be damaged too.
 */
TEST(damaged_images)
{
	size_t size = dsa_kernels_test_size;
	uint8_t *image = malloc(size);
	uint64_t state = 2026;
	int loaded = 0;
	dsaModule_t module;

	for (int i = 0; i < 200; i++) {
		size_t cut = rng_next(&state) % size;

		memcpy(image, dsa_kernels_test, size);
		if (dsaModuleLoadDataSize(&module, image, cut) == dsaSuccess)
			OK(dsaModuleUnload(module));
	}
	for (int i = 0; i < 300; i++) {
		memcpy(image, dsa_kernels_test, size);
		for (uint64_t k = rng_next(&state) % 4 + 1; k; k--)
			image[rng_next(&state) % (i % 2 ? size : 1024)] = (uint8_t)rng_next(&state);
		if (dsaModuleLoadDataSize(&module, image, size) == dsaSuccess) {
			loaded++;
			OK(dsaModuleUnload(module));
		} else {
			ASSERT_EQ(dsaErrorInvalidKernelImage, dsaGetLastError());
		}
	}
	EXPECT_GT(loaded, 0);
	free(image);
	ASSERT_NE(NULL, test_kernel("empty"));
}

TEST(arguments_by_value)
{
	struct {
		uint8_t a;
		uint16_t b;
		uint64_t c;
	} e = { 200, 50000, 1ull << 60 };
	uint64_t *out, f = 0x123456789abcdef0;
	dsaFunction_t kernel = test_kernel("echo_args");
	uint8_t a = 255;
	int16_t b = -2;
	float c = 1.5f, c2;
	double d = -2.25, d2;

	OK(dsaMallocHost((void **)&out, 64));
	OK(dsaLaunchKernel(kernel, GRID(1), ARGS(&out, &a, &b, &c, &d, &e, &f), 0, NULL));
	/* Copied before the call returns. */
	a = 0;
	b = 0;
	c = 0;
	d = 0;
	f = 0;
	OK(dsaStreamSynchronize(NULL));
	memcpy(&c2, &out[2], 4);
	memcpy(&d2, &out[3], 8);
	EXPECT_EQ(255, out[0]);
	EXPECT_EQ((uint64_t)-2, out[1]);
	EXPECT_EQ(1.5f, c2);
	EXPECT_EQ(-2.25, d2);
	EXPECT_EQ(200, out[4]);
	EXPECT_EQ(50000, out[5]);
	EXPECT_EQ(1ull << 60, out[6]);
	EXPECT_EQ(0x123456789abcdef0, out[7]);
}

TEST(thirty_two_arguments)
{
	uint64_t values[31], *out, sum = 0;
	void *args[32];

	OK(dsaMallocHost((void **)&out, 8));
	for (uint64_t i = 0; i < 31; i++) {
		values[i] = i * i + 3;
		args[i] = &values[i];
		sum += (i + 1) * values[i];
	}
	args[31] = &out;
	OK(dsaLaunchKernel(test_kernel("sum32"), GRID(1), args, 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_EQ(sum, *out);
}

TEST(arguments_in_a_structure)
{
	struct {
		uint64_t *counter;
	} args;

	OK(dsaMallocHost((void **)&args.counter, 8));
	OK(dsaLaunchKernelStruct(test_kernel("add_one"), GRID(5), &args, sizeof(args), 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_EQ(5, *args.counter);
	FAILS(dsaErrorInvalidValue, dsaLaunchKernelStruct(test_kernel("add_one"), GRID(1), &args,
							  sizeof(args) + 1, 0, NULL));
	FAILS(dsaErrorInvalidValue,
	      dsaLaunchKernelStruct(test_kernel("add_one"), GRID(1), NULL, sizeof(args), 0, NULL));
	OK(dsaLaunchKernelStruct(test_kernel("empty"), GRID(1), NULL, 0, 0, NULL));
	OK(dsaStreamSynchronize(NULL));
}

TEST(grids)
{
	static const dsaDim3 grids[] = {
		{ 1, 1, 1 }, { 7, 5, 3 }, { 1000, 1, 1 }, { 1, 1, 300 }, { 16, 16, 4 }
	};
	uint64_t *out, i;

	OK(dsaMallocHost((void **)&out, 8 * 1024));
	for (size_t g = 0; g < sizeof(grids) / sizeof(grids[0]); g++) {
		dsaDim3 d = grids[g];

		memset(out, 0, 8 * 1024);
		OK(dsaLaunchKernel(test_kernel("mark_grid"), d, ARGS(&out), 0, NULL));
		OK(dsaStreamSynchronize(NULL));
		i = 0;
		for (uint64_t z = 0; z < d.z; z++)
			for (uint64_t y = 0; y < d.y; y++)
				for (uint64_t x = 0; x < d.x; x++)
					ASSERT_EQ(1 + (x | y << 16 | z << 32), out[i++]);
		EXPECT_EQ(0, out[i]);
	}
}

TEST(launch_refusals)
{
	dsaFunction_t f = test_kernel("add_one"), empty = test_kernel("empty");
	uint64_t *counter = NULL;
	dsaDeviceProp p;

	OK(dsaGetDeviceProperties(&p, 0));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernel(f, GRID(0), ARGS(&counter), 0, NULL));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernel(empty, (dsaDim3){ 1, 0, 1 }, NULL, 0, NULL));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernel(empty, (dsaDim3){ 1, 1, 0 }, NULL, 0, NULL));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernel(empty, GRID(0x80000000), NULL, 0, NULL));
	FAILS(dsaErrorInvalidValue,
	      dsaLaunchKernel(empty, (dsaDim3){ 0x7fffffff, 0x7fffffff, 4 }, NULL, 0, NULL));
	FAILS(dsaErrorInvalidValue,
	      dsaLaunchKernel(empty, (dsaDim3){ 1 << 20, 1 << 20, 2 }, NULL, 0, NULL));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernel(f, GRID(1), NULL, 0, NULL));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernel(f, GRID(1), ARGS(NULL), 0, NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaLaunchKernel(NULL, GRID(1), NULL, 0, NULL));
	FAILS(dsaErrorInvalidResourceHandle,
	      dsaLaunchKernel(empty, GRID(1), NULL, 0, (dsaStream_t)empty));
	FAILS(dsaErrorLaunchOutOfResources,
	      dsaLaunchKernel(empty, GRID(1), NULL, p.scratchpadPerCore, NULL));
	FAILS(dsaErrorLaunchOutOfResources, dsaLaunchKernel(empty, GRID(1), NULL, SIZE_MAX, NULL));
	OK(dsaLaunchKernel(empty, GRID(1), NULL, p.scratchpadPerCore - (64 << 10), NULL));
	OK(dsaStreamSynchronize(NULL));
}

TEST(environment_of_a_program)
{
	dsaDeviceProp p;
	uint64_t *out;

	OK(dsaGetDeviceProperties(&p, 0));
	OK(dsaMallocHost((void **)&out, 128));
	OK(dsaLaunchKernel(test_kernel("environment"), GRID(1), ARGS(&out), 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_LT(out[0], (uint64_t)p.coreCount);
	EXPECT_EQ((uint64_t)p.coreCount, out[1]);
	EXPECT_EQ(p.scratchpadPerCore, out[2]);
	EXPECT_EQ(1ull << 48, out[5]);
	EXPECT_EQ(1, out[6]);
	EXPECT_GT(out[7], out[3]);
	EXPECT_GT(out[8], out[4] + 1000);
	OK(dsaLaunchKernel(test_kernel("sized"), GRID(1), ARGS(&out), 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_EQ(p.scratchpadPerCore, out[0]);
	FAILS(dsaErrorLaunchOutOfResources,
	      dsaLaunchKernel(test_kernel("sized"), GRID(1), ARGS(&out),
			      p.scratchpadPerCore - (1024 + 127) * 1024, NULL));
}

TEST(scratchpad)
{
	uint64_t words = 100000, *bad;

	OK(dsaMallocHost((void **)&bad, 8));
	OK(dsaLaunchKernel(test_kernel("use_scratch"), GRID(40), ARGS(&words, &bad), words * 8,
			   NULL));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_EQ(0, *bad);
}

TEST(globals_and_runtime)
{
	uint64_t *out, i = 2, n = 10;
	unsigned __int128 wide = (unsigned __int128)(n + 1) << 64 | i;

	OK(dsaMallocHost((void **)&out, 64));
	for (uint64_t turn = 0; turn < 3; turn++) {
		OK(dsaLaunchKernel(test_kernel("globals"), GRID(1), ARGS(&out, &i, &n), 0, NULL));
		OK(dsaStreamSynchronize(NULL));
		EXPECT_EQ(30, out[0]);
		EXPECT_EQ(100 + turn, out[1]);
		EXPECT_EQ(2, out[2]);
		EXPECT_EQ((uint64_t)(wide / (n + 3)), out[3]);
		EXPECT_EQ((uint64_t)(wide % (n + 3)), out[4]);
		EXPECT_EQ(0, out[5]);
	}
}

/* An unload with launches queued lets them finish. */
TEST(unload_in_flight)
{
	uint64_t *counter;

	OK(dsaMallocHost((void **)&counter, 8));
	for (int i = 0; i < 10; i++) {
		dsaModule_t module;
		dsaFunction_t f;

		OK(dsaModuleLoadData(&module, dsa_kernels_test));
		OK(dsaModuleGetFunction(&f, module, "add_one"));
		for (int k = 0; k < 20; k++)
			OK(dsaLaunchKernel(f, GRID(10), ARGS(&counter), 0, NULL));
		OK(dsaModuleUnload(module));
	}
	OK(dsaStreamSynchronize(NULL));
	EXPECT_EQ(2000, *counter);
}

struct launcher {
	_Atomic(dsaFunction_t) function;
	atomic_bool stop;
	uint64_t *counter, launched;
	dsaError_t error;
};

static void *launch_until_told(void *arg)
{
	struct launcher *l = arg;
	dsaError_t error;

	while (!atomic_load(&l->stop)) {
		error = dsaLaunchKernel(atomic_load(&l->function), GRID(1), ARGS(&l->counter), 0,
					NULL);
		l->launched += error == dsaSuccess;
		if (error && error != dsaErrorInvalidResourceHandle)
			l->error = error;
	}
	if (!l->error)
		l->error = dsaStreamSynchronize(NULL);
	return NULL;
}

/* A launch beside an unload either finds no function or runs. */
TEST(unload_beside_launches)
{
	struct launcher l = { 0 };
	dsaModule_t module;
	dsaFunction_t f;
	pthread_t thread;

	OK(dsaMallocHost((void **)&l.counter, 8));
	ASSERT_EQ(0, pthread_create(&thread, NULL, launch_until_told, &l));
	for (int i = 0; i < 200; i++) {
		OK(dsaModuleLoadData(&module, dsa_kernels_test));
		OK(dsaModuleGetFunction(&f, module, "add_one"));
		atomic_store(&l.function, f);
		usleep((useconds_t)(i % 7) * 200);
		OK(dsaModuleUnload(module));
	}
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(dsaSuccess, l.error);
	EXPECT_EQ(l.launched, *l.counter);
}

TEST_HARNESS_MAIN
