// SPDX-License-Identifier: MIT
/*
 * Buffers shared as dma-bufs: with the same file, another file, vgem, udmabuf, another accelerator;
 * and what is waited for.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "accel_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

ACCEL_FIXTURE(prime)

#define SIZE    (16 * PAGE)
#define DATA_VA 0x40000000ull

static const uint32_t placements[] = { 0, DRM_DSA_BO_SYSTEM };

static int export_flags(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle args = { .handle = handle, .flags = flags, .fd = -1 };
	int ret = accel_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	return ret ?: args.fd;
}

static int export(int fd, uint32_t handle)
{
	return export_flags(fd, handle, DRM_CLOEXEC | DRM_RDWR);
}

static int import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = accel_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

static uint8_t *dmabuf_mmap(int dmabuf, uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int cpu_access(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	return accel_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

/* A sync_file of all that a reader, or a writer, of the dma-buf would wait for. */
static int fences_of(int dmabuf, bool writer)
{
	struct dma_buf_export_sync_file args = {
		.flags = writer ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ,
		.fd = -1,
	};
	int ret = accel_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args);

	return ret ?: args.fd;
}

/* 0: nothing is pending for a reader or writer; -EINPROGRESS; another error. */
static int pending(int dmabuf, bool writer)
{
	int file = fences_of(dmabuf, writer), ret;

	if (file < 0)
		return file;
	ret = sync_file_status(file);
	close(file);
	return ret;
}

/* Waits until nothing is pending for a writer. */
static int idle(int dmabuf)
{
	struct pollfd p = { .fd = dmabuf, .events = POLLOUT };

	return poll(&p, 1, WAIT_SECONDS * 1000) == 1 ? 0 : -ETIME;
}

/* ---- a client with a job that waits for the processor ---- */

struct client {
	struct rig rig;
	uint32_t handle, done;
};

static int client_create(struct client *c, int dmabuf, uint32_t bind_flags)
{
	int ret;

	*c = (struct client){ 0 };
	ret = rig_create(&c->rig, accel_open());
	if (!ret)
		ret = import(c->rig.fd, dmabuf, &c->handle);
	if (!ret)
		ret = vm_map(c->rig.fd, c->rig.vm, c->handle, 0, DATA_VA, SIZE, bind_flags);
	return ret ?: syncobj_create(c->rig.fd, &c->done);
}

static volatile uint64_t *gate(struct rig *rig)
{
	return (volatile uint64_t *)(rig->cmd.ptr + 8 * RIG_SLOT);
}

static int submit_signal(struct client *c, const struct cmds *cmds)
{
	struct drm_dsa_sync out = sync_out(c->done, 0);

	return submit(c->rig.fd, c->rig.queue, cmds->va, cmds->len, &out, 1, NULL);
}

/* A job that goes on when the gate is opened. @pattern: then it writes the buffer, or zero. */
static int submit_gated(struct client *c, uint64_t pattern)
{
	struct cmds cmds = rig_cmds(&c->rig, 0);

	cmd_wait(&cmds, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	if (pattern)
		cmd_fill(&cmds, DATA_VA, SIZE, pattern, 8);
	return submit_signal(c, &cmds);
}

static int submit_fill(struct client *c, uint64_t pattern)
{
	struct cmds cmds = rig_cmds(&c->rig, 1);

	cmd_fill(&cmds, DATA_VA, SIZE, pattern, 8);
	return submit_signal(c, &cmds);
}

/* Reads what is in the buffer: seen() tells afterwards. */
static int submit_read(struct client *c)
{
	struct cmds cmds = rig_cmds(&c->rig, 2);

	cmd_copy(&cmds, RIG_CMD_VA + 9 * RIG_SLOT, DATA_VA + SIZE - 8, 8);
	return submit_signal(c, &cmds);
}

static uint64_t seen(struct client *c)
{
	return *(volatile uint64_t *)(c->rig.cmd.ptr + 9 * RIG_SLOT);
}

static bool is_done(struct client *c)
{
	return syncobj_is_signalled(c->rig.fd, c->done, 0);
}

static int wait_done(struct client *c)
{
	return syncobj_wait(c->rig.fd, c->done, 0);
}

static void client_destroy(struct client *c)
{
	munmap(c->rig.cmd.ptr, c->rig.cmd.size);
	close(c->rig.fd);
}

/* ---- with ourselves ---- */

TEST_F(prime, same_file_same_handle)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		uint32_t handle, again;
		int dmabuf, second;

		ASSERT_EQ(0, bo_create(self->fd, SIZE, placements[i], &handle));
		dmabuf = export(self->fd, handle);
		ASSERT_LE(0, dmabuf);
		EXPECT_EQ(SIZE, lseek(dmabuf, 0, SEEK_END));
		EXPECT_EQ(0, import(self->fd, dmabuf, &again));
		EXPECT_EQ(handle, again);
		second = export(self->fd, handle);
		ASSERT_LE(0, second);
		EXPECT_EQ(0, import(self->fd, second, &again));
		EXPECT_EQ(handle, again);
		close(second);
		close(dmabuf);
		EXPECT_EQ(0, bo_close(self->fd, handle));
	}
}

TEST_F(prime, another_file_same_memory)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct accel_baseline before, after;
		struct client other;
		struct buf buf;
		int dmabuf;

		ASSERT_EQ(0, buf_create(self->fd, &buf, SIZE, placements[i]));
		ASSERT_EQ(0, accel_baseline_read(self->fd, &before));
		dmabuf = export(self->fd, buf.handle);
		ASSERT_LE(0, dmabuf);
		ASSERT_EQ(0, client_create(&other, dmabuf, BIND_RW));
		ASSERT_EQ(0, submit_fill(&other, 0x7777777777777777));
		ASSERT_EQ(0, wait_done(&other));
		EXPECT_EQ(-1, buf_differs(buf.ptr, SIZE, 0x77));
		ASSERT_EQ(0, accel_baseline_read(self->fd, &after));
		EXPECT_EQ(before.system_used + RIG_CMD_BYTES, after.system_used);
		/* Whoever has it last has it. */
		buf_destroy(self->fd, &buf);
		close(dmabuf);
		ASSERT_EQ(0, submit_fill(&other, 0x8888888888888888));
		ASSERT_EQ(0, wait_done(&other));
		buf.ptr = bo_mmap(other.rig.fd, other.handle, SIZE);
		ASSERT_NE(NULL, buf.ptr);
		EXPECT_EQ(-1, buf_differs(buf.ptr, SIZE, 0x88));
		munmap(buf.ptr, SIZE);
		client_destroy(&other);
	}
}

TEST_F(prime, nonsense_refused)
{
	uint32_t handle, other;
	int pipes[2];

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	EXPECT_EQ(-ENOENT, export(self->fd, 0));
	EXPECT_EQ(-ENOENT, export(self->fd, handle + 1000));
	EXPECT_EQ(-EINVAL, export_flags(self->fd, handle, 1u << 3));
	EXPECT_EQ(-EBADF, import(self->fd, -1, &other));
	EXPECT_EQ(-EBADF, import(self->fd, 1000, &other));
	EXPECT_EQ(-EINVAL, import(self->fd, self->fd, &other));
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-EINVAL, import(self->fd, pipes[0], &other));
	EXPECT_EQ(0, bo_close(self->fd, handle));
	EXPECT_EQ(-ENOENT, export(self->fd, handle));
}

/* Only what a client has created has a handle: tables and the like cannot be named. */
TEST_F(prime, nothing_else_has_a_handle)
{
	struct rig rig;
	uint32_t last;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, bo_create(self->fd, PAGE, 0, &last));
	for (uint32_t handle = 0; handle < 4096; handle++) {
		if (handle == rig.cmd.handle || handle == last)
			continue;
		EXPECT_EQ(-ENOENT, export(self->fd, handle));
		EXPECT_EQ(-ENOENT, vm_map(self->fd, rig.vm, handle, 0, 0, PAGE, BIND_RW));
	}
}

TEST_F(prime, mmap_of_the_dmabuf)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct buf buf;
		uint8_t *p;
		int dmabuf;

		ASSERT_EQ(0, buf_create(self->fd, &buf, SIZE, placements[i]));
		dmabuf = export(self->fd, buf.handle);
		ASSERT_LE(0, dmabuf);
		p = dmabuf_mmap(dmabuf, SIZE);
		ASSERT_NE(NULL, p);
		EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_START));
		buf_pattern(p, SIZE, 5);
		EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_END));
		EXPECT_EQ(-1, buf_pattern_differs(buf.ptr, SIZE, 5));
		munmap(p, SIZE);
		p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dmabuf, SIZE - PAGE);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(0, memcmp(p, buf.ptr + SIZE - PAGE, PAGE));
		munmap(p, PAGE);
		EXPECT_EQ(NULL, dmabuf_mmap(dmabuf, SIZE + PAGE));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dmabuf, SIZE));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dmabuf, 0));
		close(dmabuf);
		buf_destroy(self->fd, &buf);
	}
}

/* A file that has gone leaves what others hold. */
TEST_F(prime, outlives_its_file)
{
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		int fd = accel_open(), dmabuf;
		uint32_t handle;
		uint8_t *p;

		ASSERT_EQ(0, bo_create(fd, SIZE, placements[i], &handle));
		dmabuf = export(fd, handle);
		ASSERT_LE(0, dmabuf);
		p = dmabuf_mmap(dmabuf, SIZE);
		ASSERT_NE(NULL, p);
		close(fd);
		EXPECT_EQ(-1, buf_differs(p, SIZE, 0));
		buf_pattern(p, SIZE, 9);
		ASSERT_EQ(0, import(self->fd, dmabuf, &handle));
		close(dmabuf);
		EXPECT_EQ(-1, buf_pattern_differs(p, SIZE, 9));
		EXPECT_EQ(0, bo_close(self->fd, handle));
		munmap(p, SIZE);
	}
}

/* ---- fences between clients ---- */

TEST_F(prime, a_writer_is_waited_for)
{
	struct client writer, reader;
	uint32_t handle;
	int dmabuf;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, client_create(&writer, dmabuf, BIND_RW));
	ASSERT_EQ(0, client_create(&reader, dmabuf, DRM_DSA_BIND_READ));
	EXPECT_EQ(0, pending(dmabuf, true));
	ASSERT_EQ(0, submit_gated(&writer, 0x77));
	EXPECT_EQ(-EINPROGRESS, pending(dmabuf, false));
	EXPECT_EQ(-EINPROGRESS, pending(dmabuf, true));
	ASSERT_EQ(0, submit_read(&reader));
	EXPECT_FALSE(is_done(&reader));
	*gate(&writer.rig) = 1;
	EXPECT_EQ(0, wait_done(&reader));
	EXPECT_TRUE(is_done(&writer));
	EXPECT_EQ(0x77, seen(&reader));
	EXPECT_EQ(0, idle(dmabuf));
	client_destroy(&reader);
	client_destroy(&writer);
}

TEST_F(prime, readers_do_not_wait_for_each_other)
{
	struct client a, b, writer;
	uint32_t handle;
	int dmabuf;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, client_create(&a, dmabuf, DRM_DSA_BIND_READ));
	ASSERT_EQ(0, client_create(&b, dmabuf, DRM_DSA_BIND_READ));
	ASSERT_EQ(0, client_create(&writer, dmabuf, BIND_RW));
	ASSERT_EQ(0, submit_gated(&a, 0));
	EXPECT_EQ(0, pending(dmabuf, false));
	EXPECT_EQ(-EINPROGRESS, pending(dmabuf, true));
	ASSERT_EQ(0, submit_read(&b));
	EXPECT_EQ(0, wait_done(&b));
	ASSERT_EQ(0, submit_fill(&writer, 1));
	EXPECT_FALSE(is_done(&a));
	EXPECT_FALSE(is_done(&writer));
	*gate(&a.rig) = 1;
	EXPECT_EQ(0, wait_done(&writer));
	EXPECT_TRUE(is_done(&a));
	client_destroy(&writer);
	client_destroy(&b);
	client_destroy(&a);
}

/* Jobs of one client may wait for each other in memory, whatever they share. */
TEST_F(prime, a_client_orders_its_own_jobs)
{
	struct client c;
	uint32_t handle, second;
	struct cmds cmds;
	int dmabuf;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, client_create(&c, dmabuf, BIND_RW));
	ASSERT_EQ(0, queue_create(c.rig.fd, c.rig.vm, DRM_DSA_QUEUE_COPY, &second));
	ASSERT_EQ(0, submit_gated(&c, 1));
	cmds = rig_cmds(&c.rig, 2);
	cmd_signal(&cmds, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	EXPECT_EQ(0, rig_run_on(&c.rig, second, &cmds));
	EXPECT_EQ(0, wait_done(&c));
	client_destroy(&c);
}

/* What was submitted before the buffer was shared is waited for all the same. */
TEST_F(prime, jobs_from_before_the_export)
{
	struct client other;
	struct rig rig;
	struct cmds c;
	struct buf buf;
	int dmabuf;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &buf, SIZE, 0, DATA_VA));
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	cmd_fill(&c, DATA_VA, SIZE, 0x22, 1);
	ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, NULL, 0, NULL));
	dmabuf = export(self->fd, buf.handle);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(-EINPROGRESS, pending(dmabuf, false));
	ASSERT_EQ(0, client_create(&other, dmabuf, BIND_RW));
	ASSERT_EQ(0, submit_fill(&other, 0x3333333333333333));
	EXPECT_FALSE(is_done(&other));
	*gate(&rig) = 1;
	EXPECT_EQ(0, wait_done(&other));
	EXPECT_EQ(-1, buf_differs(buf.ptr, SIZE, 0x33));
	/* And what is submitted after it, though it was bound before. */
	*gate(&rig) = 0;
	ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, NULL, 0, NULL));
	EXPECT_EQ(-EINPROGRESS, pending(dmabuf, false));
	*gate(&rig) = 1;
	EXPECT_EQ(0, idle(dmabuf));
	client_destroy(&other);
}

/* Private buffers know no implicit order. */
TEST_F(prime, private_buffers_have_no_fences)
{
	struct rig rig;
	struct buf buf;
	struct cmds c;
	uint32_t second;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &buf, SIZE, 0, DATA_VA));
	ASSERT_EQ(0, queue_create(self->fd, rig.vm, DRM_DSA_QUEUE_COMPUTE, &second));
	c = rig_cmds(&rig, 0);
	cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, NULL, 0, NULL));
	EXPECT_EQ(0, rig_proof(&rig, second));
	*gate(&rig) = 1;
}

/* A client that dies in the middle frees those who wait for it. */
TEST_F(prime, a_dead_writer_is_no_longer_waited_for)
{
	struct client writer, other;
	uint32_t handle;
	int dmabuf;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, client_create(&writer, dmabuf, BIND_RW));
	ASSERT_EQ(0, client_create(&other, dmabuf, BIND_RW));
	ASSERT_EQ(0, submit_gated(&writer, 1));
	ASSERT_EQ(0, submit_fill(&other, 0x4444444444444444));
	EXPECT_FALSE(is_done(&other));
	client_destroy(&writer);
	EXPECT_EQ(0, wait_done(&other));
	EXPECT_EQ(0, syncobj_status(other.rig.fd, other.done));
	client_destroy(&other);
}

/* ---- vgem ---- */

#define VGEM_MODULE      "kernel/drivers/gpu/drm/vgem/vgem.ko.xz"
#define VGEM_FENCE_WRITE 1u

struct vgem_attach {
	uint32_t handle, flags, fence, pad;
};

struct vgem_signal {
	uint32_t fence, flags;
};

#define VGEM_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_attach)
#define VGEM_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_signal)

static void vgem_load(void)
{
	const char *build = getenv("B");
	struct utsname name;
	char paths[2][4096];

	uname(&name);
	snprintf(paths[0], sizeof(paths[0]), "/lib/modules/%s/" VGEM_MODULE, name.release);
	snprintf(paths[1], sizeof(paths[1]), "%s/kernel/modules/lib/modules/%s/" VGEM_MODULE,
		 build ?: "build", name.release);
	for (unsigned int i = 0; i < ARRAY_LEN(paths); i++) {
		int file = open(paths[i], O_RDONLY | O_CLOEXEC);

		/* 4: compressed. Whether it worked shows later. */
		if (file >= 0)
			syscall(SYS_finit_module, file, "", 4);
		close(file);
	}
}

static int vgem_find(void)
{
	char path[32], name[8];

	for (unsigned int i = 0; i < 8; i++) {
		struct drm_version version = { .name_len = sizeof(name), .name = name };
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !accel_ioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    version.name_len == 4 && !memcmp(name, "vgem", 4))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

static int vgem_open(void)
{
	int fd = vgem_find();

	if (fd >= 0)
		return fd;
	vgem_load();
	return vgem_find();
}

/* SIZE bytes. */
static int vgem_create(int vgem, uint32_t *handle)
{
	struct drm_mode_create_dumb args = { .width = SIZE / 16 / 4, .height = 16, .bpp = 32 };
	int ret = accel_ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &args);

	*handle = args.handle;
	return ret ?: args.size == SIZE ? 0 : -EBADMSG;
}

static uint8_t *vgem_mmap(int vgem, uint32_t handle)
{
	struct drm_mode_map_dumb args = { .handle = handle };
	void *p;

	if (accel_ioctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &args))
		return NULL;
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, (off_t)args.offset);
	return p == MAP_FAILED ? NULL : p;
}

static int vgem_attach_fence(int vgem, uint32_t handle, bool write, uint32_t *fence)
{
	struct vgem_attach args = { .handle = handle, .flags = write ? VGEM_FENCE_WRITE : 0 };
	int ret = accel_ioctl(vgem, VGEM_ATTACH, &args);

	*fence = args.fence;
	return ret;
}

static int vgem_signal_fence(int vgem, uint32_t fence)
{
	struct vgem_signal args = { .fence = fence };

	return accel_ioctl(vgem, VGEM_SIGNAL, &args);
}

static ino_t inode(int file)
{
	struct stat st;

	return fstat(file, &st) ? 0 : st.st_ino;
}

TEST_F(prime, vgem_import)
{
	struct accel_baseline before, after;
	int vgem = vgem_open(), dmabuf, again;
	uint32_t handle, other;
	struct client c;
	uint8_t *p, *q;

	if (vgem < 0)
		SKIP(return, "no vgem");
	ASSERT_EQ(0, accel_baseline_read(self->fd, &before));
	ASSERT_EQ(0, vgem_create(vgem, &handle));
	p = vgem_mmap(vgem, handle);
	ASSERT_NE(NULL, p);
	dmabuf = export(vgem, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, client_create(&c, dmabuf, BIND_RW));
	ASSERT_EQ(0, submit_fill(&c, 0x5555555555555555));
	ASSERT_EQ(0, wait_done(&c));
	EXPECT_EQ(-1, buf_differs(p, SIZE, 0x55));
	q = bo_mmap(c.rig.fd, c.handle, SIZE);
	ASSERT_NE(NULL, q);
	buf_pattern(q, SIZE, 11);
	EXPECT_EQ(-1, buf_pattern_differs(p, SIZE, 11));
	munmap(q, SIZE);

	/* It is vgem's memory, and stays vgem's dma-buf. */
	ASSERT_EQ(0, accel_baseline_read(self->fd, &after));
	EXPECT_EQ(before.system_used + RIG_CMD_BYTES, after.system_used);
	EXPECT_EQ(0, import(c.rig.fd, dmabuf, &other));
	EXPECT_EQ(c.handle, other);
	again = export(c.rig.fd, c.handle);
	ASSERT_LE(0, again);
	EXPECT_EQ(inode(dmabuf), inode(again));
	close(again);
	close(dmabuf);
	ASSERT_EQ(0, submit_fill(&c, 0x6666666666666666));
	ASSERT_EQ(0, wait_done(&c));
	EXPECT_EQ(-1, buf_differs(p, SIZE, 0x66));
	client_destroy(&c);
	munmap(p, SIZE);
	close(vgem);
}

TEST_F(prime, vgem_fences)
{
	int vgem = vgem_open(), dmabuf;
	uint32_t handle, fence;
	struct client reader, writer;

	if (vgem < 0)
		SKIP(return, "no vgem");
	ASSERT_EQ(0, vgem_create(vgem, &handle));
	dmabuf = export(vgem, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, client_create(&reader, dmabuf, DRM_DSA_BIND_READ));
	ASSERT_EQ(0, client_create(&writer, dmabuf, BIND_RW));

	/* vgem reads: who reads goes on, who writes waits. */
	ASSERT_EQ(0, vgem_attach_fence(vgem, handle, false, &fence));
	ASSERT_EQ(0, submit_read(&reader));
	EXPECT_EQ(0, wait_done(&reader));
	ASSERT_EQ(0, submit_fill(&writer, 1));
	EXPECT_FALSE(is_done(&writer));
	ASSERT_EQ(0, vgem_signal_fence(vgem, fence));
	EXPECT_EQ(0, wait_done(&writer));

	/* vgem writes: both wait. */
	ASSERT_EQ(0, vgem_attach_fence(vgem, handle, true, &fence));
	ASSERT_EQ(0, syncobj_reset(reader.rig.fd, reader.done));
	ASSERT_EQ(0, submit_read(&reader));
	EXPECT_FALSE(is_done(&reader));
	ASSERT_EQ(0, vgem_signal_fence(vgem, fence));
	EXPECT_EQ(0, wait_done(&reader));

	/* vgem finds our fence in its way. */
	ASSERT_EQ(0, submit_gated(&writer, 1));
	EXPECT_EQ(-EBUSY, vgem_attach_fence(vgem, handle, true, &fence));
	*gate(&writer.rig) = 1;
	EXPECT_EQ(0, wait_done(&writer));
	EXPECT_EQ(0, idle(dmabuf));
	client_destroy(&writer);
	client_destroy(&reader);
	close(dmabuf);
	close(vgem);
}

TEST_F(prime, vgem_takes_system_memory_only)
{
	int vgem = vgem_open(), dmabuf, again;
	uint32_t handle, theirs;

	if (vgem < 0)
		SKIP(return, "no vgem");
	ASSERT_EQ(0, bo_create(self->fd, SIZE, DRM_DSA_BO_SYSTEM, &handle));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, import(vgem, dmabuf, &theirs));
	again = export(vgem, theirs);
	ASSERT_LE(0, again);
	EXPECT_EQ(inode(dmabuf), inode(again));
	close(again);
	close(dmabuf);
	EXPECT_EQ(0, bo_close(self->fd, handle));
	EXPECT_EQ(0, bo_close(vgem, theirs));

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(-EOPNOTSUPP, import(vgem, dmabuf, &theirs));
	close(dmabuf);
	close(vgem);
}

/* ---- udmabuf ---- */

static int udmabuf_create(int memfd)
{
	struct udmabuf_create args = { .memfd = (uint32_t)memfd, .size = SIZE };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), ret;

	if (dev < 0)
		return -errno;
	ret = ioctl(dev, UDMABUF_CREATE, &args);
	if (ret < 0)
		ret = -errno;
	close(dev);
	return ret;
}

TEST_F(prime, udmabuf)
{
	int memfd = memfd_create("accel_prime", MFD_ALLOW_SEALING | MFD_CLOEXEC), dmabuf;
	struct client c;
	uint8_t *p;

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, SIZE));
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	dmabuf = udmabuf_create(memfd);
	if (dmabuf == -ENOENT)
		SKIP(return, "no /dev/udmabuf");
	ASSERT_LE(0, dmabuf);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, client_create(&c, dmabuf, BIND_RW));
	ASSERT_EQ(0, submit_gated(&c, 1));
	EXPECT_EQ(-EINPROGRESS, pending(dmabuf, false));
	*gate(&c.rig) = 1;
	EXPECT_EQ(0, wait_done(&c));
	ASSERT_EQ(0, submit_fill(&c, 0x9999999999999999));
	/* Waits for the job. */
	EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_START));
	EXPECT_EQ(-1, buf_differs(p, SIZE, 0x99));
	EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_END));
	/* The memory stays as long as the import. */
	close(dmabuf);
	close(memfd);
	ASSERT_EQ(0, submit_fill(&c, 0xaaaaaaaaaaaaaaaa));
	ASSERT_EQ(0, wait_done(&c));
	EXPECT_EQ(-1, buf_differs(p, SIZE, 0xaa));
	client_destroy(&c);
}

/* ---- two accelerators ---- */

static int second_open(int first)
{
	struct drm_dsa_device_info a, b;
	char path[32];

	if (accel_info(first, &a))
		return -ENODEV;
	for (unsigned int i = 0; i < 16; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/accel/accel%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !accel_info(fd, &b) && b.serial != a.serial)
			return fd;
		close(fd);
	}
	return -ENODEV;
}

TEST_F(prime, two_devices)
{
	int second = second_open(self->fd);

	if (second < 0)
		SKIP(return, "there is one device only");
	for (unsigned int i = 0; i < ARRAY_LEN(placements); i++) {
		struct client c = { .rig.fd = second };
		struct buf buf;
		int dmabuf;

		ASSERT_EQ(0, buf_create(self->fd, &buf, SIZE, placements[i]));
		dmabuf = export(self->fd, buf.handle);
		ASSERT_LE(0, dmabuf);
		ASSERT_EQ(0, rig_create(&c.rig, second));
		ASSERT_EQ(0, import(second, dmabuf, &c.handle));
		ASSERT_EQ(0, vm_map(second, c.rig.vm, c.handle, 0, DATA_VA, SIZE, BIND_RW));
		ASSERT_EQ(0, syncobj_create(second, &c.done));
		ASSERT_EQ(0, submit_fill(&c, 0x1234123412341234));
		EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_START));
		EXPECT_EQ(0x34, buf.ptr[0]);
		EXPECT_EQ(0x12, buf.ptr[SIZE - 1]);
		EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_END));
		EXPECT_EQ(0, bo_close(second, c.handle));
		rig_destroy(&c.rig);
		close(dmabuf);
		buf_destroy(self->fd, &buf);
	}
	close(second);
}

/* ---- what it is reported as ---- */

static long fdinfo_kib(int fd, const char *key)
{
	char path[64], line[256], format[64];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(format, sizeof(format), "%s: %%ld", key);
	file = fopen(path, "re");
	while (file && value < 0 && fgets(line, sizeof(line), file))
		sscanf(line, format, &value);
	if (file)
		fclose(file);
	return value;
}

TEST_F(prime, fdinfo_counts_what_is_shared)
{
	int dmabuf, other = accel_open();
	uint32_t handle, theirs;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	EXPECT_EQ(0, fdinfo_kib(self->fd, "drm-shared-hbm"));
	EXPECT_EQ(SIZE / KIB, fdinfo_kib(self->fd, "drm-total-hbm"));
	dmabuf = export(self->fd, handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, import(other, dmabuf, &theirs));
	EXPECT_EQ(SIZE / KIB, fdinfo_kib(self->fd, "drm-shared-hbm"));
	EXPECT_EQ(SIZE / KIB, fdinfo_kib(other, "drm-shared-hbm"));
	EXPECT_EQ(SIZE / KIB, fdinfo_kib(other, "drm-total-hbm"));
	close(dmabuf);
	close(other);
}

TEST_HARNESS_MAIN
