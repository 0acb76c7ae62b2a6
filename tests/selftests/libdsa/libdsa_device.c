// SPDX-License-Identifier: MIT
/* Devices, versions, error reporting. */
#include "libdsa_fixture.h"

#include <sys/wait.h>

TEST(count_and_choice)
{
	int count = -1, device = -1;

	OK(dsaGetDeviceCount(&count));
	ASSERT_GE(count, 1);
	OK(dsaGetDevice(&device));
	EXPECT_EQ(0, device);
	OK(dsaSetDevice(count - 1));
	OK(dsaGetDevice(&device));
	EXPECT_EQ(count - 1, device);
	FAILS(dsaErrorInvalidDevice, dsaSetDevice(count));
	FAILS(dsaErrorInvalidDevice, dsaSetDevice(-1));
	OK(dsaGetDevice(&device));
	EXPECT_EQ(count - 1, device);
	FAILS(dsaErrorInvalidValue, dsaGetDeviceCount(NULL));
	FAILS(dsaErrorInvalidValue, dsaGetDevice(NULL));
}

static void *other_thread_device(void *arg)
{
	dsaGetDevice(arg);
	return NULL;
}

TEST(current_device_is_per_thread)
{
	pthread_t thread;
	int device = -1;

	OK(dsaSetDevice(0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, other_thread_device, &device));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, device);
}

TEST(properties)
{
	dsaDeviceProp p;

	OK(dsaGetDeviceProperties(&p, 0));
	EXPECT_NE(0, strlen(p.name));
	EXPECT_EQ(0, access(p.devicePath, R_OK));
	EXPECT_GE(p.coreCount, 1);
	EXPECT_GE(p.copyEngineCount, 1);
	EXPECT_GE(p.computeQueueCount, 1);
	EXPECT_GE(p.totalGlobalMem, 1u << 20);
	EXPECT_GE(p.scratchpadPerCore, 128u << 10);
	EXPECT_GT(p.clockRate, 0);
	FAILS(dsaErrorInvalidDevice, dsaGetDeviceProperties(&p, 99));
	FAILS(dsaErrorInvalidDevice, dsaGetDeviceProperties(&p, -1));
	FAILS(dsaErrorInvalidValue, dsaGetDeviceProperties(NULL, 0));
}

TEST(telemetry)
{
	dsaTelemetry before, after;
	dsaStream_t stream;
	void *ptr;

	OK(dsaStreamCreate(&stream));
	OK(dsaDeviceGetTelemetry(&before, 0));
	EXPECT_GE(before.computeQueuesUsed, 1);
	EXPECT_LE(before.memoryFree, before.memoryTotal);
	OK(dsaMalloc(&ptr, 64 << 20));
	OK(dsaMemset(ptr, 0, 64 << 20));
	OK(dsaDeviceGetTelemetry(&after, 0));
	EXPECT_GE(before.memoryFree - after.memoryFree, 64u << 20);
	EXPECT_GT(after.deviceTime, before.deviceTime);
	EXPECT_GT(after.busyCopy, before.busyCopy);
	EXPECT_GT(after.temperature, -50000);
	EXPECT_LT(after.temperature, 150000);
	OK(dsaFree(ptr));
	FAILS(dsaErrorInvalidDevice, dsaDeviceGetTelemetry(&after, 1000));
	FAILS(dsaErrorInvalidValue, dsaDeviceGetTelemetry(NULL, 0));
}

TEST(versions)
{
	int version = 0;

	OK(dsaRuntimeGetVersion(&version));
	EXPECT_EQ(DSA_VERSION, version);
	OK(dsaDriverGetVersion(&version));
	EXPECT_GE(version, 1000);
	FAILS(dsaErrorInvalidValue, dsaRuntimeGetVersion(NULL));
	FAILS(dsaErrorInvalidValue, dsaDriverGetVersion(NULL));
}

TEST(error_names)
{
	EXPECT_STREQ("dsaSuccess", dsaGetErrorName(dsaSuccess));
	EXPECT_STREQ("dsaErrorInvalidValue", dsaGetErrorName(dsaErrorInvalidValue));
	EXPECT_STREQ("dsaErrorDeviceReset", dsaGetErrorName(dsaErrorDeviceReset));
	EXPECT_STREQ("no error", dsaGetErrorString(dsaSuccess));
	EXPECT_STREQ("unrecognized error code", dsaGetErrorName((dsaError_t)12345));
	EXPECT_STREQ("unrecognized error code", dsaGetErrorString((dsaError_t)-1));
}

TEST(last_error)
{
	dsaErrorInfo info;
	void *ptr;

	OK(dsaGetLastErrorInfo(&info));
	EXPECT_EQ(dsaSuccess, info.error);
	EXPECT_EQ(dsaSuccess, dsaGetLastError());
	FAILS(dsaErrorInvalidValue, dsaMalloc(&ptr, 0));
	EXPECT_EQ(dsaErrorInvalidValue, dsaPeekAtLastError());
	OK(dsaGetLastErrorInfo(&info));
	EXPECT_EQ(dsaErrorInvalidValue, info.error);
	EXPECT_EQ(0, info.deviceFault);
	EXPECT_NE(NULL, strstr(info.text, "dsaMalloc"));
	EXPECT_EQ(dsaErrorInvalidValue, dsaGetLastError());
	EXPECT_EQ(dsaSuccess, dsaGetLastError());
	FAILS(dsaErrorInvalidValue, dsaGetLastErrorInfo(NULL));
	EXPECT_EQ(dsaErrorInvalidValue, dsaGetLastError());
}

static void *fail_here(void *arg)
{
	dsaMalloc(NULL, 1);
	*(dsaError_t *)arg = dsaPeekAtLastError();
	return NULL;
}

TEST(last_error_is_per_thread)
{
	dsaError_t theirs = dsaSuccess;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, fail_here, &theirs));
	pthread_join(thread, NULL);
	EXPECT_EQ(dsaErrorInvalidValue, theirs);
	EXPECT_EQ(dsaSuccess, dsaPeekAtLastError());
}

/* After use of the library a fork's child is told so; the parent goes on. */
TEST(fork_after_use)
{
	int status = -1;
	void *ptr;
	pid_t pid;

	OK(dsaMalloc(&ptr, 4096));
	pid = fork();
	if (pid == 0)
		_exit(dsaMalloc(&ptr, 4096) == dsaErrorInitializationError ? 0 : 1);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	OK(dsaMemset(ptr, 1, 4096));
	OK(dsaFree(ptr));
}

/* Handles that never were, of another kind, and NULL. */
TEST(bad_handles)
{
	uint64_t state = 42;
	dsaModule_t module;
	dsaStream_t stream;
	dsaEvent_t event;

	OK(dsaStreamCreate(&stream));
	OK(dsaEventCreate(&event));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamSynchronize((dsaStream_t)event));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventSynchronize((dsaEvent_t)stream));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventQuery(NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventDestroy(NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaModuleUnload(NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamDestroy(NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamDestroy((dsaStream_t)event));
	for (int i = 0; i < 10000; i++) {
		void *wild = (void *)(uintptr_t)(rng_next(&state) >> (i % 64));

		if (wild == (void *)stream || wild == (void *)event || !wild)
			continue;
		ASSERT_EQ(dsaErrorInvalidResourceHandle, dsaStreamQuery(wild));
		ASSERT_EQ(dsaErrorInvalidResourceHandle, dsaEventDestroy(wild));
		ASSERT_EQ(dsaErrorInvalidResourceHandle, dsaModuleUnload(wild));
		ASSERT_EQ(dsaErrorInvalidResourceHandle,
			  dsaLaunchKernel(wild, GRID(1), NULL, 0, NULL));
	}
	OK(dsaStreamDestroy(stream));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamDestroy(stream));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamQuery(stream));
	FAILS(dsaErrorInvalidResourceHandle, dsaMemsetAsync(&state, 0, 1, stream));
	OK(dsaEventDestroy(event));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventDestroy(event));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventRecord(event, NULL));
	OK(dsaModuleLoadData(&module, dsa_kernels_test));
	OK(dsaModuleUnload(module));
	FAILS(dsaErrorInvalidResourceHandle, dsaModuleUnload(module));
}

TEST_HARNESS_MAIN
