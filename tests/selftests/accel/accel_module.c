// SPDX-License-Identifier: MIT
/*
 * The module comes and goes at any quiet time, and stays while anything of it is in use. The device
 * comes and goes at any time.
 */
#include "accel_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/dma-buf.h>

/* Names the module to load again; without it, the one of the build. */
#define MODULE_ENV "DSA_MODULE"

FIXTURE(module)
{
	int image;
};

static int module_remove(void)
{
	return syscall(SYS_delete_module, "dsa_accel", O_NONBLOCK) ? -errno : 0;
}

static int module_insert(int image)
{
	return syscall(SYS_finit_module, image, "", 0) ? -errno : 0;
}

FIXTURE_SETUP(module)
{
	const char *path = getenv(MODULE_ENV), *build = getenv("B");
	char own[4096];

	snprintf(own, sizeof(own), "%s/driver/dsa_accel.ko", build ?: "build");
	self->image = open(path ?: own, O_RDONLY);
	if (self->image < 0)
		SKIP(return, "no module at $" MODULE_ENV " or $B/driver/dsa_accel.ko");
	if (access("/sys/module/dsa_accel", F_OK))
		SKIP(return, "the driver is not a loaded module");
}

FIXTURE_TEARDOWN(module)
{
	if (self->image >= 0)
		close(self->image);
}

TEST_F(module, reload)
{
	struct rig rig;
	int fd;

	for (unsigned int i = 0; i < 5; i++) {
		fd = accel_open();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, rig_create(&rig, fd));
		EXPECT_EQ(0, rig_proof(&rig, rig.queue));
		EXPECT_EQ(-EAGAIN, module_remove());
		rig_destroy(&rig);
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, module_remove());
		EXPECT_EQ(-ENODEV, accel_open());
		ASSERT_EQ(0, module_insert(self->image));
	}
	fd = accel_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

/* A fence that someone holds needs the driver's code. */
TEST_F(module, fence_keeps_it)
{
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct drm_dsa_sync out;
	struct rig rig;
	int fd = accel_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	ASSERT_EQ(0, syncobj_create(fd, &export.handle));
	out = sync_out(export.handle, 0);
	ASSERT_EQ(0, submit(fd, rig.queue, 0, 0, &out, 1, NULL));
	ASSERT_EQ(0, syncobj_wait(fd, export.handle, 0));
	ASSERT_EQ(0, accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	rig_destroy(&rig);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EAGAIN, module_remove());
	ASSERT_EQ(0, close(export.fd));
	/* The last reference goes by way of RCU and a worker. */
	for (unsigned int i = 0; i < 500 && module_remove() == -EAGAIN; i++)
		usleep(10000);
	EXPECT_NE(0, access("/sys/module/dsa_accel", F_OK));
	ASSERT_EQ(0, module_insert(self->image));
}

/* So does a dma-buf. */
TEST_F(module, dmabuf_keeps_it)
{
	struct drm_prime_handle args = { .flags = DRM_CLOEXEC };
	int fd = accel_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bo_create(fd, PAGE, 0, &args.handle));
	ASSERT_EQ(0, accel_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EAGAIN, module_remove());
	ASSERT_EQ(0, close(args.fd));
	ASSERT_EQ(0, module_remove());
	ASSERT_EQ(0, module_insert(self->image));
}

/* Once a process is gone all that it had is, however much it was. */
TEST_F(module, removed_after_a_kill)
{
	for (unsigned int round = 0; round < 3; round++) {
		int fds[2], status;
		char byte;
		pid_t pid;

		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			struct rig rig;
			struct cmds c;
			int ret = rig_create(&rig, accel_open());

			if (ret)
				_exit(1);
			c = rig_cmds(&rig, 0);
			cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
			for (unsigned int i = 0; !ret && i < 500; i++)
				ret = submit(rig.fd, rig.queue, c.va, c.len, NULL, 0, NULL);
			if (ret || write(fds[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(fds[1]);
		EXPECT_EQ(1, read(fds[0], &byte, 1));
		close(fds[0]);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(SIGKILL, status);
		ASSERT_EQ(0, module_remove());
		ASSERT_EQ(0, module_insert(self->image));
	}
}

/* ---- the device goes ---- */

FIXTURE(gone)
{
	char address[32];
	struct rig rig;
	struct buf data;
	uint32_t syncobj;
	int fence;
	bool bound;
};

static int write_file(const char *path, const void *data, size_t size, off_t offset)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = pwrite(fd, data, size, offset) == (ssize_t)size ? 0 : -errno;
	close(fd);
	return ret;
}

static int driver_write(const char *file, const char *address)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/dsa_accel/%s", file);
	return write_file(path, address, strlen(address), 0);
}

/* An open device with a job in flight that does not end, and its fence. */
FIXTURE_SETUP(gone)
{
	struct drm_dsa_device_info info;
	struct drm_dsa_sync out;
	int fd = accel_open();
	struct cmds c;

	if (fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, fd);
	if (access("/sys/bus/pci/drivers/dsa_accel/unbind", W_OK))
		SKIP(return, "cannot unbind the device (not root?)");
	ASSERT_EQ(0, accel_info(fd, &info));
	snprintf(self->address, sizeof(self->address), "%04x:%02x:%02x.%x", info.pci_domain,
		 info.pci_bus, info.pci_device, info.pci_function);
	self->bound = true;
	ASSERT_EQ(0, rig_create(&self->rig, fd));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->data, PAGE, 0, 0x40000000));
	ASSERT_EQ(0, syncobj_create(fd, &self->syncobj));
	out = sync_out(self->syncobj, 0);
	c = rig_cmds(&self->rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	ASSERT_EQ(0, submit(fd, self->rig.queue, c.va, c.len, &out, 1, NULL));
	self->fence = syncobj_export(fd, self->syncobj);
	ASSERT_LE(0, self->fence);
	EXPECT_EQ(-EINPROGRESS, sync_file_status(self->fence));
}

/* Nothing of the device that was is left; it works. */
FIXTURE_TEARDOWN(gone)
{
	struct accel_baseline base, now;
	struct rig rig;
	int fd;

	if (!self->address[0])
		return;
	munmap(self->data.ptr, self->data.size);
	munmap(self->rig.cmd.ptr, self->rig.cmd.size);
	close(self->fence);
	ASSERT_EQ(0, close(self->rig.fd));
	if (!self->bound)
		ASSERT_EQ(0, driver_write("bind", self->address));
	fd = accel_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, accel_baseline_read(fd, &base));
	EXPECT_EQ(0, base.queues_compute + base.queues_copy);
	ASSERT_EQ(0, rig_create(&rig, fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	rig_destroy(&rig);
	EXPECT_EQ(0, accel_baseline_wait(fd, &base, &now));
	close(fd);
}

static sigjmp_buf on_sigbus;

static void sigbus(int signal)
{
	siglongjmp(on_sigbus, signal);
}

static bool access_is_sigbus(volatile uint8_t *p)
{
	const struct sigaction action = { .sa_handler = sigbus };
	struct sigaction before;
	bool caught;

	sigaction(SIGBUS, &action, &before);
	caught = sigsetjmp(on_sigbus, 1);
	if (!caught)
		(void)*p;
	sigaction(SIGBUS, &before, NULL);
	return caught;
}

TEST_F(gone, unbound_in_flight)
{
	struct drm_dsa_queue_state st;
	struct drm_dsa_device_info info;
	uint32_t id, vm = self->rig.vm, queue = self->rig.queue;
	int fd = self->rig.fd;
	uint64_t offset;

	self->data.ptr[0] = 1;
	ASSERT_EQ(0, driver_write("unbind", self->address));
	self->bound = false;

	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
	EXPECT_EQ(-ENODEV, accel_info(fd, &info));
	EXPECT_EQ(-ENODEV, bo_create(fd, PAGE, 0, &id));
	EXPECT_EQ(-ENODEV, bo_create(fd, PAGE, DRM_DSA_BO_SYSTEM, &id));
	EXPECT_EQ(-ENODEV, bo_mmap_offset(fd, self->data.handle, &offset));
	EXPECT_EQ(-ENODEV, vm_create(fd, &id));
	EXPECT_EQ(-ENODEV, vm_map(fd, vm, self->data.handle, 0, 0, PAGE, BIND_RW));
	EXPECT_EQ(-ENODEV, vm_unmap(fd, vm, self->data.va, PAGE));
	EXPECT_EQ(-ENODEV, queue_create(fd, vm, DRM_DSA_QUEUE_COPY, &id));
	EXPECT_EQ(-ENODEV, queue_state(fd, queue, &st));
	EXPECT_EQ(-ENODEV, submit(fd, queue, 0, 0, NULL, 0, NULL));
	EXPECT_EQ(-ENODEV, queue_destroy(fd, queue));
	EXPECT_EQ(-ENODEV, vm_destroy(fd, vm));
	EXPECT_TRUE(access_is_sigbus(self->data.ptr));
	EXPECT_TRUE(access_is_sigbus(self->rig.cmd.ptr));
	EXPECT_EQ(-ENODEV, accel_open());
}

static int export_dmabuf(int fd, uint32_t handle)
{
	struct drm_prime_handle args = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = accel_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	return ret ?: args.fd;
}

/* A dma-buf outlives the device: its HBM is gone, all else of it is harmless. */
TEST_F(gone, unbound_with_dmabufs_held)
{
	const uint32_t handles[] = { self->data.handle, self->rig.cmd.handle };
	int dmabufs[2], fd = self->rig.fd, other;
	uint32_t theirs;
	uint8_t *p[2];

	for (unsigned int i = 0; i < 2; i++) {
		dmabufs[i] = export_dmabuf(fd, handles[i]);
		ASSERT_LE(0, dmabufs[i]);
		p[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabufs[i], 0);
		ASSERT_NE(MAP_FAILED, p[i]);
		p[i][0] = 1;
	}
	ASSERT_EQ(0, driver_write("unbind", self->address));
	self->bound = false;
	for (unsigned int i = 0; i < 2; i++) {
		struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
		struct drm_prime_handle args = { .fd = dmabufs[i] };

		EXPECT_TRUE(access_is_sigbus(p[i]));
		EXPECT_EQ(0, accel_ioctl(dmabufs[i], DMA_BUF_IOCTL_SYNC, &sync));
		EXPECT_EQ(-ENODEV, accel_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args));
	}
	/* Bound again it is another device, which can have the pages but not the HBM. */
	ASSERT_EQ(0, driver_write("bind", self->address));
	self->bound = true;
	other = accel_open();
	ASSERT_LE(0, other);
	for (unsigned int i = 0; i < 2; i++) {
		struct drm_prime_handle args = { .fd = dmabufs[i] };
		int ret = accel_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

		theirs = args.handle;
		EXPECT_EQ(i ? 0 : -ENODEV, ret);
		if (!ret)
			EXPECT_EQ(0, bo_close(other, theirs));
	}
	close(other);
	for (unsigned int i = 0; i < 2; i++) {
		munmap(p[i], PAGE);
		close(dmabufs[i]);
	}
}

/* What was stays until it is closed, while the device works for others. */
TEST_F(gone, bound_again_while_still_open)
{
	struct rig rig;
	int fd;

	ASSERT_EQ(0, driver_write("unbind", self->address));
	self->bound = false;
	ASSERT_EQ(0, driver_write("bind", self->address));
	self->bound = true;
	fd = accel_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	EXPECT_EQ(-ENODEV, submit(self->rig.fd, self->rig.queue, 0, 0, NULL, 0, NULL));
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
	rig_destroy(&rig);
	close(fd);
}

struct long_bind {
	int fd, ret;
	struct drm_dsa_vm_bind args;
};

static void *bind_for_long(void *arg)
{
	struct long_bind *b = arg;

	b->ret = accel_ioctl(b->fd, DRM_IOCTL_DSA_VM_BIND, &b->args);
	return NULL;
}

/* Nobody waits for a bind of very many operations: it ends after the one at work. */
TEST_F(gone, unbound_in_a_long_bind)
{
	enum { COUNT = 500000 };
	struct long_bind b = {
		.fd = self->rig.fd,
		.args = {
			.vm_id = self->rig.vm,
			.op_count = COUNT,
			.op_stride = sizeof(struct drm_dsa_bind_op),
		},
	};
	struct drm_dsa_bind_op *ops = calloc(COUNT, sizeof(*ops));
	pthread_t thread;

	ASSERT_NE(NULL, ops);
	for (unsigned int i = 0; i < COUNT; i++)
		ops[i] = (struct drm_dsa_bind_op){
			.op = DRM_DSA_BIND_MAP,
			.flags = BIND_RW,
			.handle = self->data.handle,
			.va = 0x80000000,
			.range = PAGE,
		};
	b.args.ops = (uintptr_t)ops;
	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_for_long, &b));
	usleep(100000);
	ASSERT_EQ(0, driver_write("unbind", self->address));
	self->bound = false;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-ENODEV, b.ret);
	EXPECT_LT(0, b.args.done);
	EXPECT_GT(COUNT, b.args.done);
	free(ops);
}

/* A device that does not answer, and so cannot be reset. */
TEST_F(gone, reset_fails)
{
	const uint16_t off = 0;
	uint32_t id, vm = self->rig.vm, queue = self->rig.queue;
	struct drm_dsa_queue_state st;
	char config[64], reset[64];
	int fd = self->rig.fd, config_fd;
	uint16_t command;
	uint64_t begin;

	snprintf(reset, sizeof(reset), "/sys/kernel/debug/accel/%s/reset", self->address);
	if (access(reset, W_OK))
		SKIP(return, "no %s", reset);
	snprintf(config, sizeof(config), "/sys/bus/pci/devices/%s/config", self->address);
	config_fd = open(config, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, config_fd);
	ASSERT_EQ(2, pread(config_fd, &command, 2, 4));
	close(config_fd);

	/* No memory space. */
	ASSERT_EQ(0, write_file(config, &off, 2, 4));
	EXPECT_EQ(-EIO, write_file(reset, "1", 1, 0));
	ASSERT_EQ(0, write_file(config, &command, 2, 4));

	begin = accel_now_ns();
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
	EXPECT_EQ(-EIO, bo_create(fd, PAGE, 0, &id));
	EXPECT_EQ(-EIO, bo_create(fd, PAGE, DRM_DSA_BO_SYSTEM, &id));
	EXPECT_EQ(-EIO, vm_create(fd, &id));
	EXPECT_EQ(-EIO, vm_map(fd, vm, self->data.handle, 0, 0, PAGE, BIND_RW));
	EXPECT_EQ(-EIO, vm_unmap(fd, vm, self->data.va, PAGE));
	EXPECT_EQ(-EIO, queue_create(fd, vm, DRM_DSA_QUEUE_COPY, &id));
	EXPECT_EQ(-EIO, submit(fd, queue, 0, 0, NULL, 0, NULL));
	EXPECT_EQ(-EIO, write_file(reset, "1", 1, 0));
	ASSERT_EQ(0, queue_state(fd, queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, st.flags);
	/* What there is can go. */
	EXPECT_EQ(0, queue_destroy(fd, queue));
	EXPECT_EQ(0, vm_destroy(fd, vm));
	EXPECT_EQ(0, bo_close(fd, self->data.handle));
	EXPECT_GE(5000000000ull, accel_now_ns() - begin);
	ASSERT_EQ(0, driver_write("unbind", self->address));
	self->bound = false;
}

TEST_HARNESS_MAIN
