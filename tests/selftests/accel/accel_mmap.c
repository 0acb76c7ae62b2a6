// SPDX-License-Identifier: MIT
/* mmap of buffer objects, and all the ways to misuse it. */
#include "accel_fixture.h"

#include <fcntl.h>

ACCEL_FIXTURE(map)

#define SIZE (16 * PAGE)

static const uint32_t placements[] = { 0, DRM_DSA_BO_SYSTEM };

/* Whether one byte can be read, found out by a system call: no signal, nothing in the log. */
static bool readable(const void *p)
{
	int fds[2];
	bool ok;

	if (pipe(fds))
		return false;
	ok = write(fds[1], p, 1) == 1;
	close(fds[0]);
	close(fds[1]);
	return ok;
}

/* mmap that fails gives its errno, one that works is undone and gives 0. */
static int try_mmap(int fd, uint64_t length, int prot, int flags, uint64_t offset)
{
	void *p = mmap(NULL, length, prot, flags, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, length);
	return 0;
}

TEST_F(map, write_and_read_back)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a, b;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		ASSERT_EQ(0, buf_create(self->fd, &b, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE, 1);
		buf_pattern(b.ptr, SIZE, 2);
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 1));
		EXPECT_EQ(-1, buf_pattern_differs(b.ptr, SIZE, 2));
	}
}

TEST_F(map, two_mappings_are_one_memory)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a;
		uint8_t *again;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		again = bo_mmap(self->fd, a.handle, SIZE);
		ASSERT_NE(NULL, again);
		buf_pattern(a.ptr, SIZE, 3);
		EXPECT_EQ(-1, buf_pattern_differs(again, SIZE, 3));
	}
}

TEST_F(map, a_shorter_mapping_is_allowed)
{
	struct buf a;
	uint8_t *head;

	ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, 0));
	head = bo_mmap(self->fd, a.handle, PAGE);
	ASSERT_NE(NULL, head);
	head[0] = 42;
	EXPECT_EQ(42, a.ptr[0]);
	EXPECT_EQ(0, munmap(head, PAGE));
}

TEST_F(map, read_only_mapping_cannot_be_written)
{
	uint64_t offset;
	struct buf a;
	uint8_t *p;
	int fds[2];

	ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, 0));
	ASSERT_EQ(0, bo_mmap_offset(self->fd, a.handle, &offset));
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, (off_t)offset);
	ASSERT_NE(MAP_FAILED, p);
	a.ptr[5] = 7;
	EXPECT_EQ(7, p[5]);
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	EXPECT_EQ(-1, read(fds[0], p, 1));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(map, over_length_refused)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		uint64_t offset;
		uint32_t handle;
		int rw = PROT_READ | PROT_WRITE;

		ASSERT_EQ(0, bo_create(self->fd, SIZE, placements[i], &handle));
		ASSERT_EQ(0, bo_mmap_offset(self->fd, handle, &offset));
		EXPECT_EQ(-EINVAL, try_mmap(self->fd, SIZE + PAGE, rw, MAP_SHARED, offset));
		EXPECT_EQ(-EINVAL, try_mmap(self->fd, 2 * SIZE, rw, MAP_SHARED, offset));
		EXPECT_EQ(-EINVAL, try_mmap(self->fd, 64 * MIB, rw, MAP_SHARED, offset));
		EXPECT_EQ(0, try_mmap(self->fd, SIZE, rw, MAP_SHARED, offset));
	}
}

TEST_F(map, offsets_that_were_not_given_are_refused)
{
	int rw = PROT_READ | PROT_WRITE;
	uint64_t offset, past;
	uint32_t handle;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	ASSERT_EQ(0, bo_mmap_offset(self->fd, handle, &offset));
	past = offset + SIZE;
	EXPECT_EQ(-EINVAL, try_mmap(self->fd, PAGE, rw, MAP_SHARED, 0));
	EXPECT_EQ(-EINVAL, try_mmap(self->fd, PAGE, rw, MAP_SHARED, PAGE));
	EXPECT_EQ(-EINVAL, try_mmap(self->fd, PAGE, rw, MAP_SHARED, past));
	EXPECT_EQ(-EINVAL, try_mmap(self->fd, PAGE, rw, MAP_SHARED, past + 1024 * MIB));
	EXPECT_NE(0, try_mmap(self->fd, PAGE, rw, MAP_SHARED, INT64_MAX & ~(PAGE - 1)));
	EXPECT_NE(0, try_mmap(self->fd, PAGE, rw, MAP_SHARED, offset - PAGE));
	/* Offsets name whole buffers, as everywhere in DRM. */
	EXPECT_EQ(-EINVAL, try_mmap(self->fd, PAGE, rw, MAP_SHARED, offset + PAGE));
}

TEST_F(map, the_offset_of_another_file_is_refused)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		int rw = PROT_READ | PROT_WRITE, other = accel_open();
		uint64_t offset;
		uint32_t handle;

		ASSERT_LE(0, other);
		ASSERT_EQ(0, bo_create(self->fd, SIZE, placements[i], &handle));
		ASSERT_EQ(0, bo_mmap_offset(self->fd, handle, &offset));
		EXPECT_EQ(-EACCES, try_mmap(other, SIZE, rw, MAP_SHARED, offset));
		EXPECT_EQ(-EACCES, try_mmap(other, SIZE, PROT_READ, MAP_SHARED, offset));
		EXPECT_EQ(0, try_mmap(self->fd, SIZE, rw, MAP_SHARED, offset));
		close(other);
	}
}

TEST_F(map, exec_refused)
{
	uint64_t offset;
	struct buf a;
	int ret;

	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		ASSERT_EQ(0, bo_mmap_offset(self->fd, a.handle, &offset));
		ret = try_mmap(self->fd, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, offset);
		/* EPERM: /dev is mounted noexec and the driver was not asked. */
		EXPECT_TRUE(ret == -EINVAL || ret == -EPERM) TH_LOG("%d", ret);
		EXPECT_EQ(-1, mprotect(a.ptr, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
		EXPECT_EQ(EACCES, errno);
	}
}

TEST_F(map, private_refused)
{
	uint64_t offset;
	uint32_t handle;

	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		ASSERT_EQ(0, bo_create(self->fd, SIZE, placements[i], &handle));
		ASSERT_EQ(0, bo_mmap_offset(self->fd, handle, &offset));
		EXPECT_EQ(-EINVAL,
			  try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, offset));
		EXPECT_EQ(-EINVAL, try_mmap(self->fd, SIZE, PROT_READ, MAP_PRIVATE, offset));
	}
}

TEST_F(map, mremap_moves_and_shrinks_but_never_grows)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a;
		uint8_t *p, *to;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE, 5);
		EXPECT_EQ(MAP_FAILED, mremap(a.ptr, SIZE, SIZE + PAGE, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(a.ptr, SIZE, 64 * SIZE, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(a.ptr, 0, 2 * SIZE, MREMAP_MAYMOVE));
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 5));

		to = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, to);
		p = mremap(a.ptr, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		ASSERT_EQ(to, p);
		EXPECT_FALSE(readable(a.ptr));
		EXPECT_EQ(-1, buf_pattern_differs(p, SIZE, 5));
		ASSERT_EQ(p, mremap(p, SIZE, SIZE / 2, 0));
		EXPECT_EQ(-1, buf_pattern_differs(p, SIZE / 2, 5));
		EXPECT_FALSE(readable(p + SIZE / 2));
		EXPECT_EQ(MAP_FAILED, mremap(p, SIZE / 2, SIZE, MREMAP_MAYMOVE));
		EXPECT_EQ(0, munmap(p, SIZE / 2));
	}
}

/* The part that moved away before it was ever touched still is that part. */
TEST_F(map, a_moved_tail_is_the_tail)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		uint8_t *whole, *to;
		struct buf a;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE, 6);
		whole = bo_mmap(self->fd, a.handle, SIZE);
		ASSERT_NE(NULL, whole);
		to = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, to);
		ASSERT_EQ(to, mremap(whole + 12 * PAGE, 4 * PAGE, 4 * PAGE,
				     MREMAP_MAYMOVE | MREMAP_FIXED, to));
		EXPECT_EQ(0, memcmp(to, a.ptr + 12 * PAGE, 4 * PAGE));
		EXPECT_EQ(0, memcmp(whole, a.ptr, 12 * PAGE));
	}
}

TEST_F(map, partial_munmap)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a;
		uint8_t *p;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE, 8);
		p = bo_mmap(self->fd, a.handle, SIZE);
		ASSERT_NE(NULL, p);
		ASSERT_EQ(0, munmap(p + 4 * PAGE, 4 * PAGE));
		EXPECT_EQ(0, memcmp(p, a.ptr, 4 * PAGE));
		EXPECT_EQ(0, memcmp(p + 8 * PAGE, a.ptr + 8 * PAGE, 8 * PAGE));
		EXPECT_FALSE(readable(p + 4 * PAGE));
		EXPECT_FALSE(readable(p + 8 * PAGE - 1));
		ASSERT_EQ(0, munmap(p, SIZE));
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 8));
	}
}

TEST_F(map, fork_shares_the_memory)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a;
		int status;
		pid_t pid;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE / 2, 9);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			bool ok = buf_pattern_differs(a.ptr, SIZE / 2, 9) == -1;

			memset(a.ptr + SIZE / 2, 0x77, SIZE / 2);
			_exit(ok ? 0 : 1);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE / 2, 9));
		EXPECT_EQ(-1, buf_differs(a.ptr + SIZE / 2, SIZE / 2, 0x77));
	}
}

/* A mapping keeps the memory: nobody else gets it before munmap. */
TEST_F(map, survives_the_handle)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct accel_baseline before, during, after;
		uint64_t offset;
		struct buf a, b;

		ASSERT_EQ(0, accel_baseline_read(self->fd, &before));
		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		ASSERT_EQ(0, bo_mmap_offset(self->fd, a.handle, &offset));
		buf_pattern(a.ptr, SIZE, 10);
		ASSERT_EQ(0, accel_baseline_read(self->fd, &during));
		ASSERT_EQ(0, bo_close(self->fd, a.handle));
		EXPECT_EQ(-EACCES, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, offset));
		ASSERT_EQ(0, accel_baseline_read(self->fd, &after));
		EXPECT_EQ(during.hbm_free, after.hbm_free);
		EXPECT_EQ(during.system_used, after.system_used);

		ASSERT_EQ(0, buf_create(self->fd, &b, SIZE, placements[i]));
		memset(b.ptr, 0xff, SIZE);
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 10));
		buf_destroy(self->fd, &b);

		ASSERT_EQ(0, munmap(a.ptr, SIZE));
		EXPECT_EQ(-EINVAL, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, offset));
		ASSERT_EQ(0, accel_baseline_read(self->fd, &after));
		EXPECT_EQ(before.hbm_free, after.hbm_free);
		EXPECT_EQ(before.system_used, after.system_used);
	}
}

TEST_F(map, survives_the_file)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		int fd = accel_open();
		struct buf a;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, buf_create(fd, &a, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE, 11);
		ASSERT_EQ(0, close(fd));
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 11));
		memset(a.ptr, 1, SIZE);
		EXPECT_EQ(0, munmap(a.ptr, SIZE));
	}
}

TEST_F(map, advice_does_not_lose_data)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a;

		ASSERT_EQ(0, buf_create(self->fd, &a, SIZE, placements[i]));
		buf_pattern(a.ptr, SIZE, 12);
		/* The kernel refuses some of these for device memory: that is fine. */
		madvise(a.ptr, SIZE, MADV_DONTNEED);
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 12));
		madvise(a.ptr, SIZE, MADV_PAGEOUT);
		madvise(a.ptr, SIZE, MADV_HUGEPAGE);
		madvise(a.ptr, SIZE, MADV_REMOVE);
		EXPECT_EQ(-1, buf_pattern_differs(a.ptr, SIZE, 12));
	}
}

/* A file opened for reading gives no way to write. */
TEST_F(map, write_mapping_of_a_read_only_file_refused)
{
	char path[64], link[64];
	uint64_t offset;
	uint32_t handle;
	ssize_t n;
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", self->fd);
	n = readlink(link, path, sizeof(path) - 1);
	ASSERT_LT(0, n);
	path[n] = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bo_create(fd, SIZE, 0, &handle));
	ASSERT_EQ(0, bo_mmap_offset(fd, handle, &offset));
	EXPECT_EQ(-EACCES, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, offset));
	EXPECT_EQ(0, try_mmap(fd, SIZE, PROT_READ, MAP_SHARED, offset));
	close(fd);
}

TEST_F(map, large_mapping_is_right_everywhere)
{
	const uint64_t size = 20 * MIB + PAGE;

	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf a;
		uint64_t *p;

		ASSERT_EQ(0, buf_create(self->fd, &a, size, placements[i]));
		p = (uint64_t *)a.ptr;
		/* In an order that a fault handler does not expect. */
		for (uint64_t n = size / PAGE; n--;)
			p[n * PAGE / 8] = n * 0x100000001ull;
		for (uint64_t n = 0; n < size / PAGE; n++)
			ASSERT_EQ(n * 0x100000001ull, p[n * PAGE / 8]);
		buf_destroy(self->fd, &a);
	}
}

TEST_HARNESS_MAIN
