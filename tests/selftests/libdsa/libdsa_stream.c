// SPDX-License-Identifier: MIT
/* Streams and events: order, overlap, time. */
#include "libdsa_fixture.h"

/* A kernel that runs until release(): keeps a stream busy for as long as wanted. */
static uint32_t *hold(dsaStream_t stream)
{
	uint32_t *flag = NULL;

	if (dsaMallocHost((void **)&flag, 4) == dsaSuccess)
		dsaLaunchKernel(test_kernel("wait_flag"), GRID(1), ARGS(&flag), 0, stream);
	return flag;
}

static void release(uint32_t *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

TEST(create_and_destroy)
{
	dsaStream_t a, b;

	OK(dsaStreamCreate(&a));
	OK(dsaStreamCreate(&b));
	EXPECT_NE(a, b);
	OK(dsaStreamQuery(a));
	OK(dsaStreamSynchronize(b));
	OK(dsaStreamDestroy(a));
	OK(dsaStreamDestroy(b));
	FAILS(dsaErrorInvalidValue, dsaStreamCreate(NULL));
}

TEST(work_is_in_order)
{
	uint64_t *value, want = 0;
	dsaStream_t s;

	OK(dsaStreamCreate(&s));
	OK(dsaMallocHost((void **)&value, 8));
	for (int i = 0; i < 40; i++) {
		OK(dsaLaunchKernel(test_kernel("double_plus_one"), GRID(1), ARGS(&value), 0, s));
		want = want * 2 + 1;
	}
	OK(dsaStreamSynchronize(s));
	EXPECT_EQ(want, *value);
}

TEST(query_tells)
{
	dsaStream_t s;
	dsaEvent_t e;
	uint32_t *flag;

	OK(dsaStreamCreate(&s));
	OK(dsaEventCreate(&e));
	OK(dsaEventQuery(e));
	OK(dsaEventSynchronize(e));
	flag = hold(s);
	ASSERT_NE(NULL, flag);
	OK(dsaEventRecord(e, s));
	EXPECT_EQ(dsaErrorNotReady, dsaStreamQuery(s));
	EXPECT_EQ(dsaErrorNotReady, dsaEventQuery(e));
	/* Expected outcomes do not become errors. */
	EXPECT_EQ(dsaSuccess, dsaPeekAtLastError());
	release(flag);
	OK(dsaEventSynchronize(e));
	OK(dsaEventQuery(e));
	OK(dsaStreamSynchronize(s));
	OK(dsaStreamQuery(s));
}

/* Two kernels on two streams that must both be running to finish. */
TEST(streams_overlap)
{
	uint64_t *words, rounds = 50, *mine, *theirs;
	dsaStream_t a, b;

	OK(dsaStreamCreate(&a));
	OK(dsaStreamCreate(&b));
	OK(dsaMallocHost((void **)&words, 128));
	mine = words;
	theirs = words + 8;
	OK(dsaLaunchKernel(test_kernel("handshake"), GRID(1), ARGS(&mine, &theirs, &rounds), 0, a));
	OK(dsaLaunchKernel(test_kernel("handshake"), GRID(1), ARGS(&theirs, &mine, &rounds), 0, b));
	OK(dsaStreamSynchronize(a));
	OK(dsaStreamSynchronize(b));
	EXPECT_EQ(rounds, words[0]);
	EXPECT_EQ(rounds, words[8]);
}

/* A copy gets through while a kernel on another stream runs. */
TEST(copy_overlaps_kernel)
{
	dsaStream_t compute, copy;
	uint8_t *host, *dev;
	uint32_t *flag;

	OK(dsaStreamCreate(&compute));
	OK(dsaStreamCreate(&copy));
	OK(dsaMallocHost((void **)&host, 1 << 20));
	OK(dsaMalloc((void **)&dev, 1 << 20));
	flag = hold(compute);
	OK(dsaMemcpyAsync(dev, host, 1 << 20, dsaMemcpyHostToDevice, copy));
	OK(dsaStreamSynchronize(copy));
	EXPECT_EQ(dsaErrorNotReady, dsaStreamQuery(compute));
	/* The default stream, too, waits for no other. */
	OK(dsaMemset(dev, 0, 100));
	EXPECT_EQ(dsaErrorNotReady, dsaStreamQuery(compute));
	release(flag);
	OK(dsaStreamSynchronize(compute));
}

/* Work queued behind a long kernel runs though the host makes no further call. */
TEST(queued_work_needs_no_host)
{
	uint64_t *counter, limit = 0;
	dsaStream_t s;
	uint32_t *flag;

	OK(dsaStreamCreate(&s));
	OK(dsaMallocHost((void **)&counter, 8));
	flag = hold(s);
	for (int i = 0; i < 100; i++)
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0, s));
	EXPECT_EQ(0, __atomic_load_n(counter, __ATOMIC_ACQUIRE));
	release(flag);
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < 100 && limit++ < 20000)
		usleep(1000);
	EXPECT_EQ(100, *counter);
	OK(dsaStreamSynchronize(s));
}

TEST(wait_event_orders_streams)
{
	uint64_t *value, want = 0;
	dsaStream_t s[3];
	uint32_t *flag;
	dsaEvent_t e;

	OK(dsaMallocHost((void **)&value, 8));
	OK(dsaEventCreate(&e));
	for (int i = 0; i < 3; i++)
		OK(dsaStreamCreate(&s[i]));
	OK(dsaStreamWaitEvent(s[0], e, 0)); /* never recorded: no wait */
	flag = hold(s[0]);
	for (int i = 0; i < 30; i++) {
		OK(dsaLaunchKernel(test_kernel("double_plus_one"), GRID(1), ARGS(&value), 0,
				   s[i % 3]));
		want = want * 2 + 1;
		OK(dsaEventRecord(e, s[i % 3]));
		OK(dsaStreamWaitEvent(s[(i + 1) % 3], e, 0));
	}
	EXPECT_EQ(0, *value);
	release(flag);
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(want, *value);
	FAILS(dsaErrorInvalidValue, dsaStreamWaitEvent(s[0], e, 1));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamWaitEvent(s[0], NULL, 0));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamWaitEvent((dsaStream_t)e, e, 0));
}

/* One stream waits for many, more than fit one submission. */
TEST(wait_for_many_events)
{
	enum { N = 40 };
	uint64_t *counter, *value;
	dsaStream_t s[N], last;
	dsaEvent_t e[N];
	uint32_t *flag;

	OK(dsaMallocHost((void **)&counter, 8));
	OK(dsaMallocHost((void **)&value, 8));
	OK(dsaStreamCreate(&last));
	OK(dsaStreamCreate(&s[0]));
	flag = hold(s[0]);
	for (int i = 0; i < N; i++) {
		if (i)
			OK(dsaStreamCreate(&s[i]));
		OK(dsaEventCreate(&e[i]));
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0, s[i]));
		OK(dsaEventRecord(e[i], s[i]));
		OK(dsaStreamWaitEvent(last, e[i], 0));
	}
	OK(dsaMemcpyAsync(value, counter, 8, dsaMemcpyDefault, last));
	release(flag);
	OK(dsaStreamSynchronize(last));
	EXPECT_EQ(N, *value);
	for (int i = 0; i < N; i++) {
		OK(dsaEventDestroy(e[i]));
		OK(dsaStreamDestroy(s[i]));
	}
}

/* More streams than the device has queues. */
TEST(more_streams_than_queues)
{
	enum { N = 100 };
	uint64_t *counters, *mine;
	dsaStream_t s[N];

	OK(dsaMallocHost((void **)&counters, N * 8));
	for (int i = 0; i < N; i++)
		OK(dsaStreamCreate(&s[i]));
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < N; i++) {
			mine = &counters[i];
			OK(dsaLaunchKernel(test_kernel("double_plus_one"), GRID(1), ARGS(&mine), 0,
					   s[i]));
		}
	}
	OK(dsaDeviceSynchronize());
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(31, counters[i]);
		OK(dsaStreamDestroy(s[i]));
	}
}

/* Hardware queues come back when streams go. */
TEST(streams_come_and_go)
{
	uint64_t *counter;
	dsaTelemetry t;
	dsaStream_t s[24];

	OK(dsaMallocHost((void **)&counter, 8));
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 24; i++) {
			OK(dsaStreamCreate(&s[i]));
			OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0,
					   s[i]));
		}
		/* Destroyed with work in flight: it completes. */
		for (int i = 0; i < 24; i++)
			OK(dsaStreamDestroy(s[i]));
	}
	for (int i = 0; *(volatile uint64_t *)counter < 480 && i < 20000; i++)
		usleep(1000);
	EXPECT_EQ(480, *counter);
	OK(dsaStreamCreate(&s[0]));
	OK(dsaStreamDestroy(s[0]));
	OK(dsaDeviceGetTelemetry(&t, 0));
	EXPECT_LE(t.computeQueuesUsed, 4);
}

static void *thread_default_stream(void *arg)
{
	/* Would never return if the threads shared a default stream. */
	*(dsaError_t *)arg = dsaMemset(arg == NULL ? NULL : *(void **)((char *)arg + 8), 3, 16);
	return NULL;
}

TEST(default_stream_per_thread)
{
	struct {
		dsaError_t error;
		void *dev;
	} shared = { dsaErrorUnknown, NULL };
	pthread_t thread;
	uint32_t *flag;

	OK(dsaMalloc(&shared.dev, 16));
	flag = hold(NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, thread_default_stream, &shared));
	pthread_join(thread, NULL);
	EXPECT_EQ(dsaSuccess, shared.error);
	EXPECT_EQ(dsaErrorNotReady, dsaStreamQuery(NULL));
	release(flag);
	OK(dsaStreamSynchronize(NULL));
}

TEST(device_synchronize_waits_for_all)
{
	uint64_t *counter;
	dsaStream_t s[8];

	OK(dsaDeviceSynchronize());
	OK(dsaMallocHost((void **)&counter, 8));
	for (int i = 0; i < 8; i++) {
		OK(dsaStreamCreate(&s[i]));
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(100), ARGS(&counter), 0, s[i]));
	}
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(800, *counter);
}

TEST(elapsed_time)
{
	dsaEvent_t a, b, never;
	float first, second, wall;
	uint64_t words = 20000, *bad;
	dsaFunction_t f = test_kernel("use_scratch");

	OK(dsaEventCreate(&a));
	OK(dsaEventCreate(&b));
	OK(dsaEventCreate(&never));
	OK(dsaMallocHost((void **)&bad, 8));
	OK(dsaEventRecord(a, NULL));
	OK(dsaLaunchKernel(f, GRID(1), ARGS(&words, &bad), words * 8, NULL));
	OK(dsaEventRecord(b, NULL));
	OK(dsaEventSynchronize(b));
	OK(dsaEventElapsedTime(&first, a, b));
	OK(dsaEventElapsedWallTime(&wall, a, b));
	EXPECT_GT(first, 0);
	EXPECT_GT(wall, 0);
	OK(dsaEventElapsedTime(&second, b, a));
	EXPECT_EQ(-first, second);

	/* Twice the work takes about twice the modelled time. */
	words *= 2;
	OK(dsaEventRecord(a, NULL));
	OK(dsaLaunchKernel(f, GRID(1), ARGS(&words, &bad), words * 8, NULL));
	OK(dsaEventRecord(b, NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventElapsedTime(&second, a, never));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventElapsedTime(&second, never, b));
	FAILS(dsaErrorInvalidValue, dsaEventElapsedTime(NULL, a, b));
	OK(dsaEventSynchronize(b));
	OK(dsaEventElapsedTime(&second, a, b));
	EXPECT_GT(second, first * 1.5f);
	EXPECT_LT(second, first * 2.5f);
}

TEST(elapsed_time_of_unfinished_work)
{
	dsaEvent_t a, b;
	uint32_t *flag;
	float ms;

	OK(dsaEventCreate(&a));
	OK(dsaEventCreate(&b));
	OK(dsaEventRecord(a, NULL));
	flag = hold(NULL);
	OK(dsaEventRecord(b, NULL));
	EXPECT_EQ(dsaErrorNotReady, dsaEventElapsedTime(&ms, a, b));
	/* Recorded again and destroyed while in flight. */
	OK(dsaEventRecord(a, NULL));
	OK(dsaEventRecord(a, NULL));
	OK(dsaEventDestroy(a));
	release(flag);
	OK(dsaStreamSynchronize(NULL));
	OK(dsaEventQuery(b));
	FAILS(dsaErrorInvalidValue, dsaEventCreate(NULL));
}

/* Things of one device are refused on another's; each works on its own. */
TEST(two_devices)
{
	dsaStream_t on0, on1;
	void *mem0, *mem1;
	dsaModule_t module;
	dsaFunction_t f;
	dsaEvent_t e0;
	int count;

	OK(dsaGetDeviceCount(&count));
	if (count < 2)
		SKIP(return, "needs two devices");
	OK(dsaStreamCreate(&on0));
	OK(dsaEventCreate(&e0));
	OK(dsaMalloc(&mem0, 4096));
	OK(dsaSetDevice(1));
	OK(dsaStreamCreate(&on1));
	OK(dsaMalloc(&mem1, 4096));
	EXPECT_NE(mem0, mem1);
	OK(dsaModuleLoadData(&module, dsa_kernels_test));
	OK(dsaModuleGetFunction(&f, module, "empty"));
	OK(dsaLaunchKernel(f, GRID(1), NULL, 0, on1));
	OK(dsaMemset(mem1, 1, 4096));
	FAILS(dsaErrorInvalidResourceHandle, dsaLaunchKernel(f, GRID(1), NULL, 0, on0));
	FAILS(dsaErrorInvalidResourceHandle, dsaEventRecord(e0, on1));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamWaitEvent(on1, e0, 0));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemset(mem0, 1, 4096));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemcpy(mem1, mem0, 16, dsaMemcpyDeviceToDevice));
	OK(dsaMemsetAsync(mem0, 1, 4096, on0));
	OK(dsaStreamSynchronize(on0));
	/* Freed and destroyed wherever they are. */
	OK(dsaFree(mem0));
	OK(dsaStreamDestroy(on0));
	OK(dsaDeviceSynchronize());
}

TEST_HARNESS_MAIN
