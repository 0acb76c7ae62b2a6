/* SPDX-License-Identifier: MIT */
/*
 * histogram [FILE]: counts how often each byte value occurs in a file.
 *
 * The file goes to the device in chunks: while one stream copies chunk i + 1,
 * another counts chunk i on all cores. An event per chunk ties them together.
 */
#include "../check.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_FILE "/usr/share/common-licenses/GPL-3"
#define VALUES       256
#define CHUNKS       8
#define TOP_ROWS     10

extern const unsigned char dsa_kernels_histogram[];

struct input {
	uint8_t *bytes; /* pinned, so that copies run in the background */
	size_t size;
};

static void give_up(const char *path, const char *why)
{
	fprintf(stderr, "histogram: %s: %s\n", path, why);
	exit(1);
}

static struct input read_input(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct input in;
	struct stat st;
	size_t device_free, device_total;

	if (!file || fstat(fileno(file), &st))
		give_up(path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		give_up(path, "not a regular file");
	if (st.st_size == 0)
		give_up(path, "is empty: nothing to count");
	CHECK(dsaMemGetInfo(&device_free, &device_total));
	if ((uint64_t)st.st_size > device_free)
		give_up(path, "is larger than the device's free memory");
	in.size = (size_t)st.st_size;
	CHECK(dsaMallocHost((void **)&in.bytes, in.size));
	if (fread(in.bytes, 1, in.size, file) != in.size)
		give_up(path, "cannot be read to its end");
	fclose(file);
	return in;
}

/* Queues everything; returns the modelled milliseconds that it took. */
static float count_on_device(const struct input *in, uint64_t *counts)
{
	dsaModule_t module;
	dsaFunction_t count_bytes, merge_counts;
	dsaStream_t copies, computes;
	dsaEvent_t begin, end, arrived;
	dsaDeviceProp prop;
	uint8_t *data;
	uint64_t *partial, *total, rows;
	float ms;

	CHECK(dsaGetDeviceProperties(&prop, 0));
	rows = (uint64_t)prop.coreCount;
	CHECK(dsaModuleLoadData(&module, dsa_kernels_histogram));
	CHECK(dsaModuleGetFunction(&count_bytes, module, "count_bytes"));
	CHECK(dsaModuleGetFunction(&merge_counts, module, "merge_counts"));
	CHECK(dsaMalloc((void **)&data, in->size));
	CHECK(dsaMalloc((void **)&partial, rows * VALUES * sizeof(uint64_t)));
	CHECK(dsaMalloc((void **)&total, VALUES * sizeof(uint64_t)));
	CHECK(dsaStreamCreate(&copies));
	CHECK(dsaStreamCreate(&computes));
	CHECK(dsaEventCreate(&begin));
	CHECK(dsaEventCreate(&end));
	CHECK(dsaEventCreate(&arrived));

	CHECK(dsaEventRecord(begin, copies));
	CHECK(dsaMemsetAsync(partial, 0, rows * VALUES * sizeof(uint64_t), computes));
	for (size_t i = 0; i < CHUNKS; i++) {
		size_t first = in->size * i / CHUNKS;
		uint64_t bytes = in->size * (i + 1) / CHUNKS - first;
		uint8_t *chunk = data + first;

		CHECK(dsaMemcpyAsync(chunk, in->bytes + first, bytes, dsaMemcpyHostToDevice,
				     copies));
		CHECK(dsaEventRecord(arrived, copies));
		CHECK(dsaStreamWaitEvent(computes, arrived, 0));
		CHECK(dsaLaunchKernel(count_bytes, (dsaDim3){ (uint32_t)rows, 1, 1 },
				      (void *[]){ &chunk, &bytes, &partial }, 0, computes));
	}
	CHECK(dsaLaunchKernel(merge_counts, (dsaDim3){ VALUES, 1, 1 },
			      (void *[]){ &partial, &rows, &total }, 0, computes));
	CHECK(dsaMemcpyAsync(counts, total, VALUES * sizeof(uint64_t), dsaMemcpyDeviceToHost,
			     computes));
	CHECK(dsaEventRecord(end, computes));
	CHECK(dsaEventSynchronize(end));
	CHECK(dsaEventElapsedTime(&ms, begin, end));
	return ms;
}

static void check_counts(const struct input *in, const uint64_t *counts)
{
	uint64_t expected[VALUES] = { 0 };

	for (size_t i = 0; i < in->size; i++)
		expected[in->bytes[i]]++;
	for (int v = 0; v < VALUES; v++) {
		if (counts[v] == expected[v])
			continue;
		fprintf(stderr, "histogram: byte 0x%02x: the device counted %llu, the host %llu\n",
			v, (unsigned long long)counts[v], (unsigned long long)expected[v]);
		exit(1);
	}
}

static void print_top(const struct input *in, uint64_t *counts)
{
	for (int row = 0; row < TOP_ROWS; row++) {
		int best = 0;

		for (int v = 1; v < VALUES; v++)
			if (counts[v] > counts[best])
				best = v;
		if (!counts[best])
			break;
		printf("  0x%02x %c  %10llu  %5.1f %%\n", best, isgraph(best) ? best : ' ',
		       (unsigned long long)counts[best],
		       100.0 * (double)counts[best] / (double)in->size);
		counts[best] = 0;
	}
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : DEFAULT_FILE;
	struct input in = read_input(path);
	uint64_t counts[VALUES];
	float ms = count_on_device(&in, counts);

	check_counts(&in, counts);
	printf("histogram of %s: %zu bytes, same as counted by the host\n", path, in.size);
	print_top(&in, counts);
	printf("device time (modelled) %.3f ms, %.1f MB/s\n", ms, (double)in.size / 1e3 / ms);
	return 0;
}
