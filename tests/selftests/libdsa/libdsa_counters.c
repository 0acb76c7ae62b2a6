// SPDX-License-Identifier: MIT
/* Counters of streams' launches. */
#include "libdsa_fixture.h"

static void turns(struct __test_metadata *_metadata, dsaStream_t stream, uint64_t n,
		  unsigned int grid)
{
	OK(dsaLaunchKernel(test_kernel("turns"), GRID(grid), ARGS(&n), 0, stream));
}

TEST(nothing_counted_is_zero)
{
	dsaLaunchCounters sum, zero = { 0 };
	dsaCounters_t c;

	OK(dsaCountersCreate(&c));
	memset(&sum, 0x5a, sizeof(sum));
	OK(dsaCountersGet(c, &sum));
	EXPECT_EQ(0, memcmp(&sum, &zero, sizeof(sum)));
	OK(dsaCountersDestroy(c));
	FAILS(dsaErrorInvalidResourceHandle, dsaCountersGet(c, &sum));
}

TEST(launches_between_begin_and_end_count)
{
	dsaLaunchCounters one, two, more;
	dsaCounters_t c;
	dsaStream_t s;

	OK(dsaStreamCreate(&s));
	OK(dsaCountersCreate(&c));
	turns(_metadata, s, 1000, 1); /* not this one */
	OK(dsaStreamBeginCounters(s, c));
	turns(_metadata, s, 100, 40);
	OK(dsaCountersGet(c, &one));
	EXPECT_EQ(1, one.launches);
	EXPECT_EQ(40, one.programs);
	EXPECT_LT(40 * 100, one.instructions);
	EXPECT_GT(40 * 1000, one.instructions);
	EXPECT_EQ(one.time, one.endTime - one.startTime);
	EXPECT_LE(one.instructions, one.cycles);
	EXPECT_LE(one.cycles, one.coreCycles);
	EXPECT_EQ(0, one.coreCycles % one.makespan);
	turns(_metadata, s, 100, 40);
	OK(dsaStreamEndCounters(s));
	turns(_metadata, s, 1000, 1); /* nor this */
	OK(dsaCountersGet(c, &two));
	EXPECT_EQ(2, two.launches);
	EXPECT_EQ(80, two.programs);
	EXPECT_EQ(2 * one.instructions, two.instructions);
	EXPECT_EQ(2 * one.cycles, two.cycles);
	EXPECT_EQ(2 * one.makespan, two.makespan);
	EXPECT_EQ(2 * one.time, two.time);
	EXPECT_EQ(one.startTime, two.startTime);
	EXPECT_LT(one.endTime, two.endTime);
	/* They go on when used again. */
	OK(dsaStreamBeginCounters(s, c));
	turns(_metadata, s, 100, 40);
	OK(dsaCountersGet(c, &more));
	EXPECT_EQ(3 * one.cycles, more.cycles);
	OK(dsaStreamDestroy(s));
}

TEST(kinds_of_work)
{
	uint64_t n = 1 << 20;
	dsaLaunchCounters sum;
	dsaCounters_t c;
	dsaStream_t s;
	float *x;

	OK(dsaStreamCreate(&s));
	OK(dsaCountersCreate(&c));
	OK(dsaMalloc((void **)&x, n * 4));
	OK(dsaStreamBeginCounters(s, c));
	OK(dsaLaunchKernel(test_kernel("counted"), GRID(4), ARGS(&x, &n), 0, s));
	OK(dsaCountersGet(c, &sum));
	EXPECT_EQ(4 * 64 * 64 * 64, sum.macs[dsaMacsF16]);
	EXPECT_EQ(4, sum.matrixOps);
	EXPECT_EQ(8, sum.tensorOps);
	EXPECT_EQ(4 * 8192, sum.bytes[dsaBytesScratchpadWritten]);
	EXPECT_EQ(4 * 4096, sum.bytes[dsaBytesScratchpadRead]);
	EXPECT_EQ(4 * 4096 + n * 4, sum.bytes[dsaBytesHbmWritten]);
	/* Some more: constants of the kernel that the compiler loads by vectors. */
	EXPECT_LE(4 * 8192, sum.bytes[dsaBytesHbmRead]);
	EXPECT_GT(4 * 8192 + 4096, sum.bytes[dsaBytesHbmRead]);
	EXPECT_LE(n, sum.vectorElements);
	EXPECT_LT(4 * 600, sum.stalls[dsaStallMbarrier]);
	EXPECT_LT(4 * 600, sum.stalls[dsaStallTensor]);
	EXPECT_LT(0, sum.stalls[dsaStallVectorMemory]);
	OK(dsaStreamDestroy(s));
	OK(dsaCountersDestroy(c));
}

TEST(thousands_of_launches)
{
	dsaLaunchCounters sum;
	dsaCounters_t c;

	OK(dsaCountersCreate(&c));
	OK(dsaStreamBeginCounters(NULL, c));
	for (int i = 0; i < 5000; i++)
		OK(dsaLaunchKernel(test_kernel("empty"), GRID(3), NULL, 0, NULL));
	OK(dsaCountersGet(c, &sum));
	EXPECT_EQ(5000, sum.launches);
	EXPECT_EQ(15000, sum.programs);
	OK(dsaStreamEndCounters(NULL));
}

/* From one stream to the next without a wait: nothing is lost. */
TEST(streams_take_turns)
{
	dsaLaunchCounters sum;
	dsaStream_t s[3];
	dsaCounters_t c;

	OK(dsaCountersCreate(&c));
	for (int i = 0; i < 3; i++)
		OK(dsaStreamCreate(&s[i]));
	for (int i = 0; i < 60; i++) {
		OK(dsaStreamBeginCounters(s[i % 3], c));
		for (int k = 0; k < 5; k++)
			turns(_metadata, s[i % 3], 50, 7);
		OK(dsaStreamEndCounters(s[i % 3]));
	}
	OK(dsaCountersGet(c, &sum));
	EXPECT_EQ(300, sum.launches);
	EXPECT_EQ(2100, sum.programs);
	for (int i = 0; i < 3; i++)
		OK(dsaStreamDestroy(s[i]));
}

struct launcher {
	dsaStream_t stream;
	dsaFunction_t function;
	dsaError_t error;
};

static void *launch_some(void *arg)
{
	struct launcher *l = arg;

	for (int i = 0; i < 300 && !l->error; i++)
		l->error = dsaLaunchKernel(l->function, GRID(2), NULL, 0, l->stream);
	return NULL;
}

TEST(threads_share_a_stream)
{
	struct launcher l = { .function = test_kernel("empty") };
	dsaLaunchCounters sum;
	pthread_t thread[4];
	dsaCounters_t c;

	OK(dsaStreamCreate(&l.stream));
	OK(dsaCountersCreate(&c));
	OK(dsaStreamBeginCounters(l.stream, c));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, launch_some, &l));
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ASSERT_EQ(dsaSuccess, l.error);
	OK(dsaCountersGet(c, &sum));
	EXPECT_EQ(1200, sum.launches);
	EXPECT_EQ(2400, sum.programs);
}

/* In flight, the memory that they count in is still there. */
TEST(destroyed_in_flight)
{
	dsaCounters_t c;
	dsaStream_t s;
	uint32_t *flag;

	OK(dsaStreamCreate(&s));
	flag = hold(s);
	ASSERT_NE(NULL, flag);
	OK(dsaCountersCreate(&c));
	OK(dsaStreamBeginCounters(s, c));
	turns(_metadata, s, 100, 4);
	OK(dsaCountersDestroy(c));
	turns(_metadata, s, 100, 4);
	OK(dsaStreamEndCounters(s));
	turns(_metadata, s, 100, 4);
	release(flag);
	OK(dsaStreamSynchronize(s));
	OK(dsaStreamDestroy(s));
}

/* What completed before a fault counts; the fault is told; then they count on. */
TEST(faults)
{
	uint64_t program = 0;
	dsaLaunchCounters sum;
	dsaCounters_t c;
	dsaStream_t s;

	OK(dsaStreamCreate(&s));
	OK(dsaCountersCreate(&c));
	OK(dsaStreamBeginCounters(s, c));
	turns(_metadata, s, 10, 5);
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, s));
	EXPECT_NE(dsaSuccess, dsaCountersGet(c, &sum));
	EXPECT_EQ(1, sum.launches);
	EXPECT_EQ(5, sum.programs);
	OK(dsaStreamRecover(s));
	turns(_metadata, s, 10, 6);
	OK(dsaCountersGet(c, &sum));
	EXPECT_EQ(2, sum.launches);
	EXPECT_EQ(11, sum.programs);
	OK(dsaStreamDestroy(s));
}

TEST(refusals)
{
	dsaLaunchCounters sum;
	dsaCounters_t c, d;
	dsaStream_t s, t;

	OK(dsaStreamCreate(&s));
	OK(dsaStreamCreate(&t));
	OK(dsaCountersCreate(&c));
	OK(dsaCountersCreate(&d));
	FAILS(dsaErrorInvalidValue, dsaCountersCreate(NULL));
	FAILS(dsaErrorInvalidValue, dsaCountersGet(c, NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaCountersGet((dsaCounters_t)s, &sum));
	FAILS(dsaErrorInvalidResourceHandle, dsaCountersGet(NULL, &sum));
	FAILS(dsaErrorInvalidResourceHandle, dsaCountersDestroy(NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamBeginCounters(s, NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamBeginCounters((dsaStream_t)c, c));
	FAILS(dsaErrorInvalidValue, dsaStreamEndCounters(s));
	OK(dsaStreamBeginCounters(s, c));
	FAILS(dsaErrorInvalidValue, dsaStreamBeginCounters(s, c));
	FAILS(dsaErrorInvalidValue, dsaStreamBeginCounters(t, c));
	FAILS(dsaErrorInvalidValue, dsaStreamBeginCounters(s, d));
	/* Refused ones are free for others. */
	OK(dsaStreamBeginCounters(t, d));
	OK(dsaStreamEndCounters(s));
	FAILS(dsaErrorInvalidValue, dsaStreamEndCounters(s));
	/* The end of a stream is one of its counting. */
	OK(dsaStreamDestroy(t));
	OK(dsaStreamBeginCounters(s, d));
	OK(dsaStreamDestroy(s));
}

TEST(properties_say_the_peak)
{
	dsaDeviceProp prop;

	OK(dsaGetDeviceProperties(&prop, 0));
	EXPECT_LE(32, prop.matrixRate);
	EXPECT_LT(0, prop.memoryBandwidth);
}

TEST_HARNESS_MAIN
