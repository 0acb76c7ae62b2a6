// SPDX-License-Identifier: MIT
/* Allocation, memcpy, memset. */
#include "libdsa_fixture.h"

#define KIB 1024ul
#define MIB (1024 * KIB)

TEST(malloc_and_free)
{
	void *a, *b;

	OK(dsaMalloc(&a, 1));
	OK(dsaMalloc(&b, 1));
	EXPECT_NE(a, b);
	EXPECT_EQ(0, (uintptr_t)a % 256);
	EXPECT_EQ(0, (uintptr_t)b % 256);
	OK(dsaFree(a));
	FAILS(dsaErrorInvalidDevicePointer, dsaFree(a));
	OK(dsaFree(b));
	OK(dsaFree(NULL));
	OK(dsaFreeHost(NULL));
	FAILS(dsaErrorInvalidValue, dsaMalloc(&a, 0));
	EXPECT_EQ(NULL, a);
	FAILS(dsaErrorInvalidValue, dsaMalloc(NULL, 1));
	FAILS(dsaErrorInvalidValue, dsaMallocHost(&a, 0));
	FAILS(dsaErrorInvalidValue, dsaMallocHost(NULL, 1));
	FAILS(dsaErrorInvalidDevicePointer, dsaFree(&a));
	FAILS(dsaErrorInvalidValue, dsaFreeHost(&a));
	FAILS(dsaErrorMemoryAllocation, dsaMalloc(&a, SIZE_MAX));
	FAILS(dsaErrorMemoryAllocation, dsaMalloc(&a, 1ul << 45));
	FAILS(dsaErrorOutOfHostMemory, dsaMallocHost(&a, SIZE_MAX));
	FAILS(dsaErrorOutOfHostMemory, dsaMallocHost(&a, 1ul << 45));
}

TEST(free_takes_only_starts_and_the_right_kind)
{
	char *dev, *host;

	OK(dsaMalloc((void **)&dev, 4096));
	OK(dsaMallocHost((void **)&host, 4096));
	FAILS(dsaErrorInvalidDevicePointer, dsaFree(dev + 1));
	FAILS(dsaErrorInvalidDevicePointer, dsaFree(dev + 4096));
	FAILS(dsaErrorInvalidDevicePointer, dsaFree(host));
	FAILS(dsaErrorInvalidValue, dsaFreeHost(dev));
	FAILS(dsaErrorInvalidValue, dsaFreeHost(host + 8));
	OK(dsaFree(dev));
	OK(dsaFreeHost(host));
}

TEST(pinned_memory_is_zero_and_usable)
{
	size_t bytes = 3 * MIB + 17;
	uint8_t *p;

	OK(dsaMallocHost((void **)&p, bytes));
	EXPECT_EQ(0, (uintptr_t)p % 4096);
	for (size_t i = 0; i < bytes; i++)
		ASSERT_EQ(0, p[i]);
	memset(p, 0xa5, bytes);
	OK(dsaFreeHost(p));
}

TEST(memory_info_follows)
{
	size_t before, during, after, total;
	void *p;

	OK(dsaMemGetInfo(&before, &total));
	EXPECT_LE(before, total);
	OK(dsaMalloc(&p, 32 * MIB));
	OK(dsaMemGetInfo(&during, &total));
	EXPECT_GE(before - during, 32 * MIB);
	OK(dsaFree(p));
	OK(dsaMemGetInfo(&after, &total));
	/* Page tables may stay. */
	EXPECT_GE(after + MIB, before);
	FAILS(dsaErrorInvalidValue, dsaMemGetInfo(NULL, &total));
	FAILS(dsaErrorInvalidValue, dsaMemGetInfo(&total, NULL));
}

/* Random mallocs and frees of all sizes; each keeps its own contents. */
TEST(many_allocations)
{
	enum { COUNT = 200, STEPS = 1500 };
	struct {
		uint32_t *ptr;
		size_t words;
		uint32_t value;
	} live[COUNT] = { 0 };
	static uint32_t back[64 * KIB];
	uint64_t state = 7;

	for (int step = 0; step < STEPS; step++) {
		int i = (int)(rng_next(&state) % COUNT);

		if (live[i].ptr) {
			size_t words = live[i].words < 64 ? live[i].words : 64;

			OK(dsaMemcpy(back, live[i].ptr + live[i].words - words, words * 4,
				     dsaMemcpyDeviceToHost));
			for (size_t w = 0; w < words; w++)
				ASSERT_EQ(live[i].value, back[w]);
			OK(dsaFree(live[i].ptr));
			live[i].ptr = NULL;
			continue;
		}
		live[i].words = 1 + rng_next(&state) % (1ul << rng_next(&state) % 19);
		live[i].value = (uint32_t)rng_next(&state);
		OK(dsaMalloc((void **)&live[i].ptr, live[i].words * 4));
		OK(dsaMemsetD32Async(live[i].ptr, live[i].value, live[i].words, NULL));
	}
	for (int i = 0; i < COUNT; i++)
		OK(dsaFree(live[i].ptr));
}

/* All of the memory, until there is no more; then again, in one piece. */
TEST(out_of_memory_and_back)
{
	void *piece[1024], *big;
	size_t n = 0, bytes, total, again;
	dsaError_t error = dsaSuccess;

	OK(dsaMemGetInfo(&bytes, &total));
	while (n < 1024) {
		error = dsaMalloc(&piece[n], 64 * MIB);
		if (error)
			break;
		n++;
	}
	EXPECT_EQ(dsaErrorMemoryAllocation, error);
	EXPECT_EQ(NULL, piece[n]);
	EXPECT_GE(n, bytes / (64 * MIB) - 1);
	for (size_t i = 0; i < n; i++)
		OK(dsaFree(piece[i]));
	OK(dsaMemGetInfo(&again, &total));
	EXPECT_GE(again + 4 * MIB, bytes);
	OK(dsaMalloc(&big, again / 2));
	OK(dsaFree(big));
}

/* A free while a copy into the memory is queued must neither block nor break it. */
TEST(free_in_flight)
{
	uint8_t *host, *dev, *other;

	OK(dsaMallocHost((void **)&host, 16 * MIB));
	for (int i = 0; i < 20; i++) {
		OK(dsaMalloc((void **)&dev, 16 * MIB));
		OK(dsaMemcpyAsync(dev, host, 16 * MIB, dsaMemcpyDefault, NULL));
		OK(dsaFree(dev));
		OK(dsaMalloc((void **)&other, 1000));
		OK(dsaMemsetAsync(other, i, 1000, NULL));
		OK(dsaFree(other));
	}
	OK(dsaFreeHost(host));
	OK(dsaStreamSynchronize(NULL));
}

/* Device memory that is free becomes @bytes or more within a few seconds. */
static bool comes_back(size_t bytes)
{
	size_t now = 0, total;

	for (int i = 0; now < bytes && i < 500; i++) {
		usleep(10000);
		if (dsaMemGetInfo(&now, &total))
			return false;
	}
	return now >= bytes;
}

/* Freed memory comes back though nobody looks at the streams that used it. */
TEST(free_behind_a_lazy_record)
{
	size_t before, total;
	dsaStream_t s;
	dsaEvent_t e;
	void *dev;

	OK(dsaStreamCreate(&s));
	OK(dsaEventCreate(&e));
	OK(dsaMalloc(&dev, 32 * MIB));
	OK(dsaMemGetInfo(&before, &total));
	OK(dsaEventRecord(e, s));
	OK(dsaFree(dev));
	EXPECT_TRUE(comes_back(before + 32 * MIB));
}

TEST(free_behind_an_unseen_fault)
{
	uint64_t program = 0;
	size_t before, total;
	dsaStream_t s;
	void *dev;

	OK(dsaStreamCreate(&s));
	OK(dsaMalloc(&dev, 32 * MIB));
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, s));
	OK(dsaMemGetInfo(&before, &total));
	OK(dsaStreamDestroy(s));
	OK(dsaFree(dev));
	EXPECT_TRUE(comes_back(before + 32 * MIB));
}

/* Sizes and offsets around every boundary there is, in all four host/device ways. */
TEST(copies_of_odd_sizes)
{
	static const size_t sizes[] = { 1,
					3,
					7,
					8,
					63,
					64,
					65,
					255,
					4095,
					4096,
					4097,
					65535,
					65536,
					65537,
					512 * 1024 - 1,
					512 * 1024,
					512 * 1024 + 1,
					2 * 1024 * 1024 + 3,
					5 * 1024 * 1024 + 7 };
	size_t room = 6 * MIB;
	uint8_t *dev, *dev2, *pinned, *pageable = malloc(room), *want = malloc(room);

	OK(dsaMalloc((void **)&dev, room));
	OK(dsaMalloc((void **)&dev2, room));
	OK(dsaMallocHost((void **)&pinned, room));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i], off = i * 5 % 11;
		int guard = (int)(i + 100);

		rng_fill(want, n, i + 1);
		OK(dsaMemset(dev, guard, room));
		memcpy(pageable + off, want, n);
		OK(dsaMemcpy(dev + off, pageable + off, n, dsaMemcpyHostToDevice));
		OK(dsaMemcpy(dev2 + 1, dev + off, n, dsaMemcpyDeviceToDevice));
		memset(pageable, 0, room);
		OK(dsaMemcpy(pageable + 3, dev2 + 1, n, dsaMemcpyDeviceToHost));
		ASSERT_EQ(0, memcmp(pageable + 3, want, n));
		EXPECT_EQ(0, pageable[3 + n]);

		memset(pinned, 0, room);
		memcpy(pinned + off, want, n);
		OK(dsaMemcpy(dev + off, pinned + off, n, dsaMemcpyDefault));
		memset(pinned, 0, room);
		OK(dsaMemcpy(pinned + 2, dev + off, n, dsaMemcpyDefault));
		ASSERT_EQ(0, memcmp(pinned + 2, want, n));
		EXPECT_EQ(0, pinned[1]);
		EXPECT_EQ(0, pinned[2 + n]);

		/* Nothing around the destination was touched. */
		OK(dsaMemcpy(pageable, dev, off + n + 1, dsaMemcpyDeviceToHost));
		EXPECT_EQ(guard, pageable[off + n]);
		if (off) {
			EXPECT_EQ(guard, pageable[off - 1]);
		}
	}
	free(pageable);
	free(want);
}

TEST(host_to_host)
{
	uint8_t a[1000], b[1000], *pinned, *pinned2;

	rng_fill(a, sizeof(a), 5);
	OK(dsaMemcpy(b, a, sizeof(a), dsaMemcpyHostToHost));
	EXPECT_EQ(0, memcmp(a, b, sizeof(a)));
	OK(dsaMallocHost((void **)&pinned, sizeof(a)));
	OK(dsaMallocHost((void **)&pinned2, sizeof(a)));
	OK(dsaMemcpy(pinned, a, sizeof(a), dsaMemcpyDefault));
	OK(dsaMemcpy(pinned2, pinned, sizeof(a), dsaMemcpyHostToHost));
	EXPECT_EQ(0, memcmp(pinned2, a, sizeof(a)));
}

/* An asynchronous upload has taken the bytes when it returns. */
TEST(pageable_source_may_change)
{
	size_t sizes[] = { 100, 60000, 3 * MIB };
	uint8_t *dev, *source = malloc(3 * MIB), *back = malloc(3 * MIB);

	OK(dsaMalloc((void **)&dev, 3 * MIB));
	for (int i = 0; i < 3; i++) {
		memset(source, 0x11 * (i + 1), sizes[i]);
		OK(dsaMemcpyAsync(dev, source, sizes[i], dsaMemcpyHostToDevice, NULL));
		memset(source, 0xff, sizes[i]);
		OK(dsaMemcpy(back, dev, sizes[i], dsaMemcpyDeviceToHost));
		for (size_t k = 0; k < sizes[i]; k++)
			ASSERT_EQ(0x11 * (i + 1), back[k]);
	}
	free(source);
	free(back);
}

TEST(copy_refusals)
{
	char *dev, *host, local[64];

	OK(dsaMalloc((void **)&dev, 4096));
	OK(dsaMallocHost((void **)&host, 4096));
	FAILS(dsaErrorInvalidMemcpyDirection, dsaMemcpy(dev, local, 8, dsaMemcpyDeviceToHost));
	FAILS(dsaErrorInvalidMemcpyDirection, dsaMemcpy(local, dev, 8, dsaMemcpyHostToDevice));
	FAILS(dsaErrorInvalidMemcpyDirection, dsaMemcpy(dev, dev + 64, 8, dsaMemcpyHostToHost));
	FAILS(dsaErrorInvalidMemcpyDirection,
	      dsaMemcpy(local, local + 8, 8, dsaMemcpyDeviceToDevice));
	FAILS(dsaErrorInvalidValue, dsaMemcpy(dev, local, 8, (enum dsaMemcpyKind)5));
	FAILS(dsaErrorInvalidValue, dsaMemcpy(dev, local, 8, (enum dsaMemcpyKind) - 1));
	FAILS(dsaErrorInvalidValue, dsaMemcpy(NULL, local, 8, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidValue, dsaMemcpy(dev, NULL, 8, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemcpy(dev + 4090, local, 8, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemcpy(local, dev - 1, 8, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemcpy(dev, local, SIZE_MAX, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidDevicePointer,
	      dsaMemcpy((void *)(1ull << 47), local, 8, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidDevicePointer,
	      dsaMemcpy((void *)(UINTPTR_MAX - 3), local, 8, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidValue, dsaMemcpy(dev + 4, dev, 8, dsaMemcpyDeviceToDevice));
	OK(dsaMemcpy(dev, dev + 4, 8, dsaMemcpyDeviceToDevice));
	OK(dsaMemcpy(dev, local, 0, dsaMemcpyHostToDevice));
	OK(dsaMemcpy(NULL, NULL, 0, dsaMemcpyDefault));
	OK(dsaFree(dev));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemcpy(dev, local, 8, dsaMemcpyDefault));
	OK(dsaStreamSynchronize(NULL));
}

/* Rows in all directions against a plain loop. */
TEST(copies_2d)
{
	static const struct {
		size_t width, height, dpitch, spitch;
	} shapes[] = {
		{ 1, 1, 1, 1 },
		{ 3, 5, 7, 4 },
		{ 64, 64, 64, 64 },
		{ 100, 33, 128, 100 },
		{ 1000, 700, 1024, 1001 },
		{ 600000, 3, 600001, 700000 },
		{ 1, 3000, 13, 5 },
		{ 4096, 300, 4096, 8192 },
	};
	size_t room = 4 * MIB;
	uint8_t *dev, *host = malloc(room), *want = malloc(room), *back = malloc(room), *pinned;

	OK(dsaMalloc((void **)&dev, room));
	OK(dsaMallocHost((void **)&pinned, room));
	rng_fill(host, room, 3);
	memcpy(pinned, host, room);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		size_t w = shapes[i].width, h = shapes[i].height;
		size_t dp = shapes[i].dpitch, sp = shapes[i].spitch;

		memset(want, 0xee, room);
		for (size_t r = 0; r < h; r++)
			memcpy(want + r * dp, host + r * sp, w);
		OK(dsaMemset(dev, 0xee, room));
		OK(dsaMemcpy2D(dev, dp, host, sp, w, h, dsaMemcpyHostToDevice));
		OK(dsaMemcpy(back, dev, room, dsaMemcpyDeviceToHost));
		ASSERT_EQ(0, memcmp(back, want, room));

		OK(dsaMemset(dev, 0xee, room));
		OK(dsaMemcpy2DAsync(dev, dp, pinned, sp, w, h, dsaMemcpyHostToDevice, NULL));
		OK(dsaMemcpy(back, dev, room, dsaMemcpyDeviceToHost));
		ASSERT_EQ(0, memcmp(back, want, room));

		OK(dsaMemcpy(dev, host, room, dsaMemcpyHostToDevice));
		memset(back, 0xee, room);
		OK(dsaMemcpy2D(back, dp, dev, sp, w, h, dsaMemcpyDeviceToHost));
		ASSERT_EQ(0, memcmp(back, want, room));
	}
	FAILS(dsaErrorInvalidPitchValue, dsaMemcpy2D(dev, 9, host, 10, 10, 2, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidPitchValue, dsaMemcpy2D(dev, 10, host, 9, 10, 2, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidValue,
	      dsaMemcpy2D(dev, SIZE_MAX / 2, host, 10, 10, 4, dsaMemcpyDefault));
	FAILS(dsaErrorInvalidDevicePointer,
	      dsaMemcpy2D(dev, 2 * MIB, host, 10, 10, 4, dsaMemcpyDefault));
	OK(dsaMemcpy2D(dev, 1, host, 1, 10, 0, dsaMemcpyDefault));
	OK(dsaMemcpy2D(dev, 1, host, 1, 0, 10, dsaMemcpyDefault));
	free(host);
	free(want);
	free(back);
}

TEST(memset_patterns)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 8, 9, 255, 4096, 65537, 1048579 };
	size_t room = 2 * MIB;
	uint8_t *dev, *back = malloc(room), *pinned;
	uint32_t word;

	OK(dsaMalloc((void **)&dev, room));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i], off = i % 5;

		OK(dsaMemset(dev, 0x5a, room));
		OK(dsaMemset(dev + off, 0x1100 + (int)i, n));
		OK(dsaMemcpy(back, dev, room, dsaMemcpyDeviceToHost));
		for (size_t k = 0; k < off + n + 8; k++)
			ASSERT_EQ(k >= off && k < off + n ? i : 0x5a, back[k]);
	}
	OK(dsaMemsetD32Async(dev, 0xdeadbeef, 1000, NULL));
	OK(dsaMemcpy(back, dev, 4004, dsaMemcpyDeviceToHost));
	memcpy(&word, back + 3996, 4);
	EXPECT_EQ(0xdeadbeef, word);
	OK(dsaMallocHost((void **)&pinned, 100));
	OK(dsaMemset(pinned, 7, 100));
	EXPECT_EQ(7, pinned[99]);
	FAILS(dsaErrorInvalidValue, dsaMemsetD32Async(dev + 2, 1, 1, NULL));
	FAILS(dsaErrorInvalidValue, dsaMemsetD32Async(dev, 1, SIZE_MAX / 2, NULL));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemset(back, 0, 1));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemset(dev, 0, room + 1));
	FAILS(dsaErrorInvalidDevicePointer, dsaMemset(NULL, 0, 1));
	OK(dsaMemset(dev, 0, 0));
	OK(dsaMemset(NULL, 0, 0));
	free(back);
}

/* 100 MiB there and back, through bounce buffers and directly. */
TEST(large_copies)
{
	size_t bytes = 100 * MIB + 13;
	uint8_t *dev, *host = malloc(bytes), *back = malloc(bytes), *pinned;

	OK(dsaMalloc((void **)&dev, bytes));
	rng_fill(host, bytes, 11);
	OK(dsaMemcpy(dev, host, bytes, dsaMemcpyHostToDevice));
	OK(dsaMemcpy(back, dev, bytes, dsaMemcpyDeviceToHost));
	EXPECT_EQ(0, memcmp(host, back, bytes));
	free(back);
	OK(dsaMallocHost((void **)&pinned, bytes));
	OK(dsaMemcpy(pinned, dev, bytes, dsaMemcpyDeviceToHost));
	EXPECT_EQ(0, memcmp(host, pinned, bytes));
	free(host);
}

TEST_HARNESS_MAIN
