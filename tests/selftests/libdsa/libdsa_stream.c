// SPDX-License-Identifier: MIT
/* Streams and events: order, overlap, time. */
#include "libdsa_fixture.h"

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

/* A query never waits, however much it has handed to the device before. */
TEST(query_does_not_block)
{
	uint64_t *counter;
	dsaStream_t s;
	uint32_t *flag;

	OK(dsaStreamCreate(&s));
	OK(dsaMallocHost((void **)&counter, 8));
	flag = hold(s);
	for (int i = 0; i < 200; i++) {
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0, s));
		EXPECT_EQ(dsaErrorNotReady, dsaStreamQuery(s));
	}
	OK(dsaStreamDestroy(s));
	EXPECT_EQ(0, *counter);
	release(flag);
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(200, *counter);
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

static void *release_later(void *flag)
{
	usleep(200000);
	release(flag);
	return NULL;
}

static void *leave_work(void *arg)
{
	uint64_t **counter = arg;

	counter[1] = (uint64_t *)hold(NULL);
	dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter[0]), 0, NULL);
	return NULL;
}

/* Of a destroyed stream, and of the default stream of a thread that is gone. */
TEST(device_synchronize_waits_for_what_was_left)
{
	uint64_t *work[2];
	uint32_t *flag;
	pthread_t thread;
	dsaStream_t s;

	OK(dsaMallocHost((void **)&work[0], 8));
	OK(dsaStreamCreate(&s));
	flag = hold(s);
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&work[0]), 0, s));
	OK(dsaStreamDestroy(s));
	ASSERT_EQ(0, pthread_create(&thread, NULL, release_later, flag));
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(1, *work[0]);
	pthread_join(thread, NULL);

	ASSERT_EQ(0, pthread_create(&thread, NULL, leave_work, work));
	pthread_join(thread, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, release_later, work[1]));
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(2, *work[0]);
	pthread_join(thread, NULL);
}

/* A new stream does not queue behind a destroyed one that is still busy. */
TEST(new_streams_are_independent)
{
	dsaStream_t old, fresh;
	uint64_t *counter;
	uint32_t *flag;

	OK(dsaMallocHost((void **)&counter, 8));
	OK(dsaStreamCreate(&old));
	flag = hold(old);
	OK(dsaStreamDestroy(old));
	OK(dsaStreamCreate(&fresh));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0, fresh));
	OK(dsaStreamSynchronize(fresh));
	EXPECT_EQ(1, *counter);
	EXPECT_EQ(0, *flag);
	release(flag);
	OK(dsaDeviceSynchronize());
}

struct recorder {
	dsaStream_t stream;
	dsaEvent_t event, other;
	atomic_int done, failures;
};

enum { RECORDS = 20000 };

static void *record_many(void *arg)
{
	struct recorder *r = arg;

	while (atomic_load(&r->done) < RECORDS) {
		if (dsaEventRecord(r->event, r->stream))
			atomic_fetch_add(&r->failures, 1);
		atomic_fetch_add(&r->done, 1);
	}
	return NULL;
}

static void *wait_once(void *arg)
{
	struct recorder *r = arg;

	if (dsaStreamWaitEvent(r->stream, r->other, 0) || dsaStreamSynchronize(r->stream))
		atomic_fetch_add(&r->failures, 1);
	return NULL;
}

/* Calls block for room; who asks about the event meanwhile does not; nothing is lost. */
TEST(full_ring)
{
	struct recorder r = { 0 };
	pthread_t recorder, waiter;
	dsaStream_t other;
	uint32_t *flag, *other_flag;
	int seen = -1;

	OK(dsaStreamCreate(&r.stream));
	OK(dsaStreamCreate(&other));
	OK(dsaEventCreate(&r.event));
	OK(dsaEventCreate(&r.other));
	flag = hold(r.stream);
	other_flag = hold(other);
	OK(dsaEventRecord(r.other, other));
	ASSERT_EQ(0, pthread_create(&recorder, NULL, record_many, &r));
	while (seen != atomic_load(&r.done)) {
		seen = atomic_load(&r.done);
		usleep(300000);
	}
	EXPECT_LT(seen, RECORDS);
	EXPECT_EQ(dsaErrorNotReady, dsaEventQuery(r.event));
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_once, &r));
	usleep(50000);
	release(flag);
	usleep(50000);
	release(other_flag);
	pthread_join(recorder, NULL);
	pthread_join(waiter, NULL);
	OK(dsaStreamSynchronize(r.stream));
	OK(dsaEventQuery(r.event));
	EXPECT_EQ(RECORDS, atomic_load(&r.done));
	EXPECT_EQ(0, atomic_load(&r.failures));
}

/* Batches of nothing but waits, many of them. */
TEST(nothing_but_waits)
{
	enum { N = 20, ROUNDS = 20 };
	dsaStream_t s[N], last;
	uint64_t *counter;
	dsaEvent_t e[N];
	uint32_t *flag;

	OK(dsaMallocHost((void **)&counter, 8));
	OK(dsaStreamCreate(&last));
	for (int i = 0; i < N; i++) {
		OK(dsaStreamCreate(&s[i]));
		OK(dsaEventCreate(&e[i]));
	}
	for (int round = 0; round < ROUNDS; round++) {
		flag = hold(s[0]);
		for (int i = 0; i < N; i++) {
			if (i)
				OK(dsaStreamWaitEvent(s[i], e[0], 0));
			OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0,
					   s[i]));
			OK(dsaEventRecord(e[i], s[i]));
			OK(dsaStreamWaitEvent(last, e[i], 0));
		}
		EXPECT_EQ(dsaErrorNotReady, dsaStreamQuery(last));
		release(flag);
		OK(dsaStreamSynchronize(last));
		ASSERT_EQ((uint64_t)N * (round + 1), *counter);
	}
}

/* Times are read of an event that another thread records over and over. */
TEST(event_shared_by_threads)
{
	struct recorder r = { 0 };
	pthread_t recorder;
	dsaError_t error;
	float ms;

	OK(dsaEventCreate(&r.event));
	OK(dsaStreamCreate(&r.stream));
	OK(dsaEventRecord(r.event, r.stream));
	OK(dsaEventSynchronize(r.event));
	atomic_store(&r.done, RECORDS - 2000);
	ASSERT_EQ(0, pthread_create(&recorder, NULL, record_many, &r));
	while (atomic_load(&r.done) < RECORDS) {
		error = dsaEventElapsedTime(&ms, r.event, r.event);
		if (error != dsaErrorNotReady)
			ASSERT_EQ(dsaSuccess, error);
		OK(dsaEventSynchronize(r.event));
	}
	pthread_join(recorder, NULL);
	EXPECT_EQ(0, atomic_load(&r.failures));
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
