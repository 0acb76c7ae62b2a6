// SPDX-License-Identifier: MIT
/* Launches with attributes: clusters, cooperative launches, what is refused, a deadlock's report. */
#include "libdsa_fixture.h"

FIXTURE(cluster)
{
	dsaStream_t stream;
	uint64_t *out;
};

FIXTURE_SETUP(cluster)
{
	OK(dsaStreamCreate(&self->stream));
	OK(dsaMallocHost((void **)&self->out, 4096));
	memset(self->out, 0, 4096);
}

FIXTURE_TEARDOWN(cluster)
{
	dsaStreamDestroy(self->stream);
	dsaFreeHost(self->out);
}

static dsaLaunchAttribute clusters_of(unsigned int x, unsigned int y, unsigned int z)
{
	dsaLaunchAttribute a = { .id = dsaLaunchAttributeClusterDimension };

	a.val.clusterDim.x = x;
	a.val.clusterDim.y = y;
	a.val.clusterDim.z = z;
	return a;
}

static dsaLaunchAttribute cooperative(int value)
{
	dsaLaunchAttribute a = { .id = dsaLaunchAttributeCooperative };

	a.val.cooperative = value;
	return a;
}

static dsaError_t launch(const char *kernel, dsaDim3 grid, const dsaLaunchAttribute *attrs,
			 unsigned int count, void **args, dsaStream_t stream)
{
	dsaLaunchConfig_t config = {
		.gridDim = grid,
		.stream = stream,
		.attrs = attrs,
		.numAttrs = count,
	};

	return dsaLaunchKernelEx(&config, test_kernel(kernel), args);
}

/* Linear number of the program of @rank in the cluster that @x, @y is in. */
static uint64_t program_of(unsigned int x, unsigned int y, unsigned int rank, unsigned int cx,
			   unsigned int cy, unsigned int gx)
{
	return x / cx * cx + rank % cx + gx * (y / cy * cy + rank / cx);
}

TEST_F(cluster, ring)
{
	static const struct {
		unsigned int gx, gy, cx, cy;
	} cases[] = {
		{ 8, 1, 4, 1 }, { 8, 4, 2, 4 }, { 16, 16, 16, 1 }, { 6, 6, 3, 2 }, { 5, 3, 1, 1 }
	};

	for (unsigned int i = 0; i < 5; i++) {
		unsigned int gx = cases[i].gx, gy = cases[i].gy, cx = cases[i].cx, cy = cases[i].cy;
		dsaLaunchAttribute a = clusters_of(cx, cy, 1);

		OK(launch("cluster_ring", (dsaDim3){ gx, gy, 1 }, &a, 1, ARGS(&self->out),
			  self->stream));
		OK(dsaStreamSynchronize(self->stream));
		for (unsigned int y = 0; y < gy; y++) {
			for (unsigned int x = 0; x < gx; x++) {
				uint64_t rank = x % cx + cx * (y % cy), size = cx * cy;
				uint64_t next = program_of(x, y, (rank + 1) % size, cx, cy, gx);

				ASSERT_EQ(next | size << 32 | rank << 40, self->out[x + gx * y]);
			}
		}
	}
}

TEST_F(cluster, cooperative_sum)
{
	dsaLaunchAttribute attrs[2] = { cooperative(1), clusters_of(16, 1, 1) };
	uint64_t *data, want = 0;

	OK(dsaMallocHost((void **)&data, 2048));
	rng_fill(data, 2048, 3);
	for (unsigned int i = 0; i < 256; i++)
		want += data[i];
	for (unsigned int n = 1; n <= 16; n++) {
		OK(launch("cluster_sum", GRID(n), attrs, 1, ARGS(&data, &self->out), self->stream));
		OK(dsaStreamSynchronize(self->stream));
		ASSERT_EQ(want, *self->out);
	}
	/* said twice, in both ways */
	OK(launch("cluster_sum", GRID(16), attrs, 2, ARGS(&data, &self->out), self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(want, *self->out);
	OK(dsaFreeHost(data));
}

/* Without attributes, and with those that say nothing, it is dsaLaunchKernel(). */
TEST_F(cluster, plain)
{
	dsaLaunchAttribute attrs[3] = { cooperative(0),
					{ .id = dsaLaunchAttributeIgnore },
					{ .id = dsaLaunchAttributeIgnore } };

	OK(launch("add_one", GRID(100), NULL, 0, ARGS(&self->out), self->stream));
	OK(launch("add_one", GRID(100), attrs, 3, ARGS(&self->out), self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(200, *self->out);
}

TEST_F(cluster, refused)
{
	dsaLaunchAttribute a = clusters_of(3, 1, 1), two[2];
	dsaLaunchConfig_t config = { .gridDim = { 1, 1, 1 } };
	void **args = ARGS(&self->out);

#define REFUSED(error, grid, attrs, n) \
	FAILS(error, launch("add_one", grid, attrs, n, args, self->stream))
	REFUSED(dsaErrorInvalidClusterSize, GRID(8), &a, 1);
	a = clusters_of(0, 1, 1);
	REFUSED(dsaErrorInvalidClusterSize, GRID(8), &a, 1);
	a = clusters_of(1, 2, 1);
	REFUSED(dsaErrorInvalidClusterSize, GRID(8), &a, 1);
	a = clusters_of(32, 1, 1);
	REFUSED(dsaErrorInvalidClusterSize, GRID(32), &a, 1);
	a = clusters_of(0x40000000, 1, 1);
	REFUSED(dsaErrorInvalidClusterSize, GRID(0x40000000), &a, 1);
	a = cooperative(1);
	REFUSED(dsaErrorCooperativeLaunchTooLarge, GRID(17), &a, 1);
	REFUSED(dsaErrorCooperativeLaunchTooLarge, ((dsaDim3){ 5, 5, 1 }), &a, 1);
	REFUSED(dsaErrorInvalidValue, GRID(0), &a, 1);
	a = cooperative(2);
	REFUSED(dsaErrorInvalidValue, GRID(1), &a, 1);
	two[0] = two[1] = cooperative(1);
	REFUSED(dsaErrorInvalidValue, GRID(1), two, 2);
	two[1] = clusters_of(4, 1, 1);
	REFUSED(dsaErrorInvalidValue, GRID(8), two, 2);
	a.id = (dsaLaunchAttributeID)1;
	REFUSED(dsaErrorInvalidValue, GRID(1), &a, 1);
	a.id = (dsaLaunchAttributeID)77;
	REFUSED(dsaErrorInvalidValue, GRID(1), &a, 1);
	a.id = (dsaLaunchAttributeID)-1;
	REFUSED(dsaErrorInvalidValue, GRID(1), &a, 1);
	REFUSED(dsaErrorInvalidValue, GRID(1), NULL, 1);
	FAILS(dsaErrorInvalidValue, dsaLaunchKernelEx(NULL, test_kernel("add_one"), args));
	FAILS(dsaErrorInvalidValue, dsaLaunchKernelEx(&config, test_kernel("add_one"), NULL));
	FAILS(dsaErrorInvalidResourceHandle, dsaLaunchKernelEx(&config, NULL, args));
	config.scratchBytes = 1ul << 40;
	FAILS(dsaErrorLaunchOutOfResources,
	      dsaLaunchKernelEx(&config, test_kernel("add_one"), args));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(0, *self->out);
}

TEST_F(cluster, deadlock)
{
	dsaLaunchAttribute a = clusters_of(8, 1, 1);
	uint64_t gone = 11;
	dsaErrorInfo info;

	OK(launch("cluster_stuck", GRID(16), &a, 1, ARGS(&gone), self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&info));
	TH_LOG("%s", info.text);
	EXPECT_EQ(8, info.program.x);
	EXPECT_STREQ("cluster_stuck", info.kernel);
	EXPECT_NE(NULL, strstr(info.text, "waits for what cannot happen"));
	/* nobody is gone: fine */
	OK(dsaStreamRecover(self->stream));
	gone = 99;
	OK(launch("cluster_stuck", GRID(16), &a, 1, ARGS(&gone), self->stream));
	OK(dsaStreamSynchronize(self->stream));
}

TEST_F(cluster, no_such_rank)
{
	dsaLaunchAttribute a = clusters_of(4, 1, 1);
	uint64_t rank = 4;
	dsaErrorInfo info;

	OK(launch("cluster_peek", GRID(4), &a, 1, ARGS(&rank), self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&info));
	TH_LOG("%s", info.text);
	EXPECT_EQ(dsaAccessRead, info.access);
	OK(dsaStreamRecover(self->stream));
	rank = 3;
	OK(launch("cluster_peek", GRID(4), &a, 1, ARGS(&rank), self->stream));
	OK(dsaStreamSynchronize(self->stream));
}

TEST_HARNESS_MAIN
