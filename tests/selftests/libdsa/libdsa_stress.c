// SPDX-License-Identifier: MIT
/* Many threads, many launches, sudden ends. */
#include "libdsa_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS 8

TEST(many_queued_launches)
{
	uint64_t *counter;

	OK(dsaMallocHost((void **)&counter, 8));
	for (int i = 0; i < 20000; i++)
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_EQ(20000, *counter);
}

/* Ring wrap-around with commands and data of all sizes mixed. */
TEST(mixed_commands)
{
	static uint8_t host[70000], back[70000], want[70000];
	uint64_t state = 99, *counter, launches = 0;
	uint8_t *dev;

	OK(dsaMalloc((void **)&dev, sizeof(host)));
	OK(dsaMallocHost((void **)&counter, 8));
	OK(dsaMemset(dev, 0, sizeof(host)));
	for (int i = 0; i < 5000; i++) {
		size_t n = rng_next(&state) % (i % 50 ? 300 : 65000) + 1;
		size_t off = rng_next(&state) % (sizeof(host) - n);

		switch (rng_next(&state) % 3) {
		case 0:
			rng_fill(host, n, state);
			memcpy(want + off, host, n);
			OK(dsaMemcpyAsync(dev + off, host, n, dsaMemcpyHostToDevice, NULL));
			break;
		case 1:
			memset(want + off, i, n);
			OK(dsaMemsetAsync(dev + off, i, n, NULL));
			break;
		default:
			launches++;
			OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0,
					   NULL));
		}
	}
	OK(dsaMemcpy(back, dev, sizeof(back), dsaMemcpyDeviceToHost));
	EXPECT_EQ(0, memcmp(back, want, sizeof(back)));
	EXPECT_EQ(launches, *counter);
}

struct worker {
	int index, failures;
	dsaStream_t shared;
	uint64_t *counter;
};

/* Everything at once; counts what went wrong. */
static void *hammer(void *arg)
{
	struct worker *w = arg;
	uint64_t state = 1000 + (uint64_t)w->index;
	uint8_t local[512], back[512];
	dsaModule_t module;
	dsaStream_t own;
	dsaEvent_t event;
	uint8_t *dev;
	float ms;

#define TRY(call) (w->failures += (call) != dsaSuccess)
	for (int i = 0; i < 40; i++) {
		TRY(dsaStreamCreate(&own));
		TRY(dsaEventCreate(&event));
		TRY(dsaMalloc((void **)&dev, 512 + rng_next(&state) % 2000000));
		rng_fill(local, sizeof(local), state);
		TRY(dsaMemcpyAsync(dev, local, sizeof(local), dsaMemcpyHostToDevice, own));
		TRY(dsaEventRecord(event, own));
		TRY(dsaStreamWaitEvent(w->shared, event, 0));
		TRY(dsaLaunchKernel(test_kernel("add_one"), GRID(3), ARGS(&w->counter), 0,
				    w->shared));
		TRY(dsaMemcpyAsync(back, dev, sizeof(back), dsaMemcpyDeviceToHost, own));
		w->failures += memcmp(local, back, sizeof(back)) != 0;
		TRY(dsaEventSynchronize(event));
		TRY(dsaEventElapsedTime(&ms, event, event));
		if (i % 8 == w->index) {
			TRY(dsaModuleLoadData(&module, dsa_kernels_test));
			TRY(dsaModuleUnload(module));
		}
		TRY(dsaFree(dev));
		TRY(dsaEventDestroy(event));
		TRY(dsaStreamDestroy(own));
		if (i % 10 == 0)
			TRY(dsaDeviceSynchronize());
	}
	TRY(dsaStreamSynchronize(NULL));
#undef TRY
	return NULL;
}

TEST(many_threads)
{
	struct worker w[THREADS];
	pthread_t thread[THREADS];
	dsaStream_t shared;
	uint64_t *counter;

	OK(dsaStreamCreate(&shared));
	OK(dsaMallocHost((void **)&counter, 8));
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .index = i, .shared = shared, .counter = counter };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, hammer, &w[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, w[i].failures);
	}
	OK(dsaStreamSynchronize(shared));
	EXPECT_EQ(THREADS * 40 * 3, *counter);
}

static void *launch_many(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 500; i++)
		w->failures += dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&w->counter),
					       0, w->shared) != dsaSuccess;
	return NULL;
}

/* One stream, many threads. */
TEST(threads_share_a_stream)
{
	struct worker w[THREADS];
	pthread_t thread[THREADS];
	dsaStream_t shared;
	uint64_t *counter;

	OK(dsaStreamCreate(&shared));
	OK(dsaMallocHost((void **)&counter, 8));
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .shared = shared, .counter = counter };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, launch_many, &w[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, w[i].failures);
	}
	OK(dsaStreamSynchronize(shared));
	EXPECT_EQ(THREADS * 500, *counter);
}

static void *brief(void *arg)
{
	struct worker *w = arg;

	w->failures = dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&w->counter), 0,
				      NULL) != dsaSuccess;
	return NULL;
}

/* Threads that end at once leave no queue behind, and their work completes. */
TEST(short_lived_threads)
{
	struct worker w = { 0 };
	pthread_t thread;
	dsaTelemetry t;

	OK(dsaMallocHost((void **)&w.counter, 8));
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, brief, &w));
		pthread_join(thread, NULL);
		ASSERT_EQ(0, w.failures);
	}
	for (int i = 0; *(volatile uint64_t *)w.counter < 200 && i < 20000; i++)
		usleep(1000);
	EXPECT_EQ(200, *w.counter);
	OK(dsaDeviceGetTelemetry(&t, 0));
	EXPECT_LE(t.computeQueuesUsed, 16);
}

/* Uses everything, frees nothing, is gone: by exit() or by a signal. */
static void messy_child(int how)
{
	uint32_t *flag;
	uint64_t *counter;
	dsaStream_t s;
	void *p;

	if (dsaStreamCreate(&s) || dsaMalloc(&p, 32 << 20) ||
	    dsaMallocHost((void **)&flag, 1 << 20) || dsaMallocHost((void **)&counter, 8))
		_exit(1);
	for (int i = 0; i < 200; i++)
		if (dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&counter), 0, s))
			_exit(1);
	if (dsaMemsetAsync(p, 1, 32 << 20, s))
		_exit(1);
	if (how == 2) {
		dsaLaunchKernel(test_kernel("wait_flag"), GRID(1), ARGS(&flag), 0, s);
		raise(SIGKILL);
	}
	if (how == 1)
		_exit(0);
	exit(0);
}

TEST(exit_without_free)
{
	size_t before, after = 0, total;
	int status;
	pid_t pid;

	/* Children first: after its own first use a process cannot fork users. */
	for (int how = 0; how < 3; how++) {
		pid = fork();
		if (pid == 0)
			messy_child(how);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (how == 2) {
			EXPECT_EQ(SIGKILL, WTERMSIG(status));
		} else {
			EXPECT_EQ(0, status);
		}
	}
	OK(dsaMemGetInfo(&before, &total));
	for (int i = 0; after + (4 << 20) < total && i < 200; i++) {
		OK(dsaMemGetInfo(&after, &total));
		usleep(10000);
	}
	EXPECT_GE(after + (4 << 20), total);
	OK(dsaLaunchKernel(test_kernel("empty"), GRID(100), NULL, 0, NULL));
	OK(dsaStreamSynchronize(NULL));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Queued launches are much cheaper than awaited ones; the figure is in the bench. */
TEST(queueing_pays)
{
	dsaFunction_t f = test_kernel("empty");
	double start, single, queued;

	OK(dsaLaunchKernel(f, GRID(1), NULL, 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	start = now();
	for (int i = 0; i < 500; i++) {
		OK(dsaLaunchKernel(f, GRID(1), NULL, 0, NULL));
		OK(dsaStreamSynchronize(NULL));
	}
	single = (now() - start) / 500;
	start = now();
	for (int i = 0; i < 5000; i++)
		OK(dsaLaunchKernel(f, GRID(1), NULL, 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	queued = (now() - start) / 5000;
	TH_LOG("launch and wait %.1f us, queued %.2f us", single * 1e6, queued * 1e6);
	EXPECT_LT(queued, single / 3);
}

TEST_HARNESS_MAIN
