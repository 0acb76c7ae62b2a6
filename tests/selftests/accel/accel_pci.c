// SPDX-License-Identifier: MIT
/* Resets of the PCI function and errors of the bus, under a driver with work in flight. */
#include "accel_fixture.h"
#include "accel_pci_util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <linux/pci_regs.h>

#define DATA_BYTES (256 * KIB)
#define HBM_VA     0x40000000ull
#define SYSTEM_VA  0x7fffffe00000ull
#define RESET_NS   3000000000ull
/* Errors are handled by a thread of the kernel, and a reset of the bus has its waits. */
#define RECOVERY_SECONDS 20
#define INJECTOR         "/dev/aer_inject"
/* Of init_module(2): the image is compressed. */
#define COMPRESSED_FILE 4

/* A context with work that does not end, an idle queue, and data in both kinds of memory. */
FIXTURE(pci)
{
	struct accel_baseline base;
	char address[PCI_ADDRESS_MAX];
	struct rig rig;
	struct buf hbm, system;
	uint32_t idle, syncobj;
	uint64_t losses;
	bool reset_method;
};

static uint64_t losses(int fd)
{
	struct drm_dsa_memory_info mem = { 0 };

	return accel_memory(fd, &mem) ? UINT64_MAX : mem.hbm_losses;
}

static int submit_endless(struct rig *rig, uint32_t queue, uint32_t *syncobj)
{
	struct cmds c = rig_cmds(rig, 0);
	struct drm_dsa_sync out;
	int ret = syncobj_create(rig->fd, syncobj);

	if (ret)
		return ret;
	out = sync_out(*syncobj, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	return submit(rig->fd, queue, c.va, c.len, &out, 1, NULL);
}

FIXTURE_SETUP(pci)
{
	int fd = accel_open();

	if (fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, fd);
	if (geteuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, accel_baseline_read(fd, &self->base));
	ASSERT_EQ(0, pci_address(fd, self->address));
	ASSERT_EQ(0, rig_create(&self->rig, fd));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->hbm, DATA_BYTES, 0, HBM_VA));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->system, DATA_BYTES, DRM_DSA_BO_SYSTEM, SYSTEM_VA));
	buf_pattern(self->hbm.ptr, DATA_BYTES, 1);
	buf_pattern(self->system.ptr, DATA_BYTES, 2);
	ASSERT_EQ(0, queue_create(fd, self->rig.vm, DRM_DSA_QUEUE_COPY, &self->idle));
	ASSERT_EQ(0, rig_proof(&self->rig, self->idle));
	ASSERT_EQ(0, submit_endless(&self->rig, self->rig.queue, &self->syncobj));
	self->losses = losses(fd);
	ASSERT_NE(UINT64_MAX, self->losses);
}

FIXTURE_TEARDOWN_PARENT(pci)
{
	if (self->reset_method)
		EXPECT_EQ(0, pci_write(self->address, "reset_method", "default"));
	if (self->address[0])
		ACCEL_CHECK_BASELINE(self->base);
}

#define EXPECT_STATE(flags_, queue_)                                     \
	do {                                                             \
		struct drm_dsa_queue_state st_;                          \
                                                                         \
		EXPECT_EQ(0, queue_state(self->rig.fd, (queue_), &st_)); \
		EXPECT_EQ((uint32_t)(flags_), st_.flags);                \
	} while (0)

/* All queues are lost, and say so; the address space and system memory are as they were, HBM is zero. */
#define EXPECT_LOST()                                                                         \
	do {                                                                                  \
		uint32_t lost_ = DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, queue_;            \
		struct cmds c_ = rig_cmds(&self->rig, 2);                                     \
                                                                                              \
		EXPECT_EQ(-ECANCELED, syncobj_status(self->rig.fd, self->syncobj));           \
		EXPECT_STATE(lost_, self->rig.queue);                                         \
		EXPECT_STATE(lost_, self->idle);                                              \
		EXPECT_EQ(-ECANCELED, submit(self->rig.fd, self->idle, 0, 0, NULL, 0, NULL)); \
		EXPECT_EQ(-1, buf_differs(self->hbm.ptr, DATA_BYTES, 0));                     \
		EXPECT_EQ(-1, buf_pattern_differs(self->system.ptr, DATA_BYTES, 2));          \
		ASSERT_EQ(0, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COMPUTE,  \
					  &queue_));                                          \
		cmd_copy(&c_, HBM_VA, SYSTEM_VA, DATA_BYTES);                                 \
		EXPECT_EQ(0, rig_run_on(&self->rig, queue_, &c_));                            \
		EXPECT_EQ(-1, buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 2));             \
		EXPECT_EQ(0, rig_proof(&self->rig, queue_));                                  \
		EXPECT_EQ(0, queue_destroy(self->rig.fd, queue_));                            \
	} while (0)

/* ---- resets ---- */

TEST_F(pci, function_reset_while_busy)
{
	uint64_t begin = accel_now_ns();

	ASSERT_EQ(0, pci_write(self->address, "reset_method", "flr"));
	self->reset_method = true;
	ASSERT_EQ(0, pci_write(self->address, "reset", "1"));
	EXPECT_GT(RESET_NS, accel_now_ns() - begin);
	EXPECT_EQ(self->losses + 1, losses(self->rig.fd));
	EXPECT_LOST();
}

/* The waits of this one are the bus's. */
TEST_F(pci, bus_reset_while_busy)
{
	if (pci_write(self->address, "reset_method", "bus"))
		SKIP(return, "the port cannot reset its bus");
	self->reset_method = true;
	ASSERT_EQ(0, pci_write(self->address, "reset", "1"));
	EXPECT_EQ(self->losses + 1, losses(self->rig.fd));
	EXPECT_LOST();
}

/* D3hot and back: HBM would survive, but others asked for a reset. */
TEST_F(pci, power_reset_while_busy)
{
	uint64_t begin = accel_now_ns();

	if (pci_write(self->address, "reset_method", "pm"))
		SKIP(return, "no reset by power management");
	self->reset_method = true;
	ASSERT_EQ(0, pci_write(self->address, "reset", "1"));
	EXPECT_GT(RESET_NS, accel_now_ns() - begin);
	EXPECT_EQ(-ECANCELED, syncobj_status(self->rig.fd, self->syncobj));
	EXPECT_STATE(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, self->rig.queue);
	ASSERT_EQ(0, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COMPUTE, &self->idle));
	EXPECT_EQ(0, rig_proof(&self->rig, self->idle));
}

/* Small pages, large ones, and tables of all levels come back as they were. */
TEST_F(pci, page_tables_come_back)
{
	static const uint64_t va[] = { 0x1000, 0x800000, 0x4000201000, 0x8000000000,
				       VA_LIMIT - 4 * MIB };
	struct buf big, probe;
	uint32_t queue;

	ASSERT_EQ(0, rig_buf(&self->rig, &big, 4 * MIB, DRM_DSA_BO_SYSTEM, 0x600000000000));
	ASSERT_EQ(0, rig_buf(&self->rig, &probe, PAGE, DRM_DSA_BO_SYSTEM, 0x500000000000));
	buf_pattern(big.ptr, big.size, 7);
	for (unsigned int i = 0; i < ARRAY_LEN(va); i++)
		ASSERT_EQ(0, vm_map(self->rig.fd, self->rig.vm, big.handle, 0, va[i], 4 * MIB,
				    BIND_RW));
	/* A hole. */
	ASSERT_EQ(0, vm_unmap(self->rig.fd, self->rig.vm, 0x4000201000 + 64 * KIB, PAGE));
	ASSERT_EQ(0, pci_write(self->address, "reset", "1"));
	ASSERT_EQ(0, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	for (unsigned int i = 0; i < ARRAY_LEN(va); i++) {
		for (uint64_t at = 0; at < 4 * MIB; at += 4 * MIB - PAGE) {
			struct cmds c = rig_cmds(&self->rig, 1);

			cmd_copy(&c, 0x500000000000, va[i] + at, PAGE);
			ASSERT_EQ(0, rig_run_on(&self->rig, queue, &c));
			EXPECT_EQ(0, memcmp(probe.ptr, big.ptr + at, PAGE));
		}
	}
	/* What was not mapped is not. */
	for (unsigned int i = 0; i < 2; i++) {
		const uint64_t hole = i ? 0x10000000000 : 0x4000201000 + 64 * KIB;
		struct cmds c = rig_cmds(&self->rig, 1);
		struct drm_dsa_queue_state st;

		cmd_copy(&c, 0x500000000000, hole, 8);
		EXPECT_EQ(-ECANCELED, rig_run_on(&self->rig, queue, &c));
		ASSERT_EQ(0, queue_state(self->rig.fd, queue, &st));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, st.error_code);
		EXPECT_EQ(hole, st.addr);
		ASSERT_EQ(0, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	}
}

/* Another device of the driver's than that of @fd, or -ENODEV. */
static int open_other(int fd)
{
	char address[PCI_ADDRESS_MAX], other[PCI_ADDRESS_MAX], node[32];

	if (pci_address(fd, address))
		return -ENODEV;
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(node, sizeof(node), "/dev/accel/accel%u", i);
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!pci_address(fd, other) && strcmp(address, other))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

TEST_F(pci, other_devices_do_not_notice)
{
	int fd = open_other(self->rig.fd);
	struct buf data;
	uint32_t syncobj, queue;
	struct rig other;

	if (fd < 0)
		SKIP(return, "there is one device only: dsa-vm --devices 2");
	ASSERT_EQ(0, rig_create(&other, fd));
	ASSERT_EQ(0, rig_buf(&other, &data, DATA_BYTES, 0, HBM_VA));
	buf_pattern(data.ptr, DATA_BYTES, 9);
	ASSERT_EQ(0, queue_create(fd, other.vm, DRM_DSA_QUEUE_COPY, &queue));
	ASSERT_EQ(0, submit_endless(&other, other.queue, &syncobj));
	ASSERT_EQ(0, pci_write(self->address, "reset", "1"));
	EXPECT_EQ(-EINPROGRESS, syncobj_status(fd, syncobj));
	EXPECT_EQ(0, rig_proof(&other, queue));
	EXPECT_EQ(-1, buf_pattern_differs(data.ptr, DATA_BYTES, 9));
	*(volatile uint64_t *)(other.cmd.ptr + RIG_SLOT) = 1;
	EXPECT_EQ(0, syncobj_wait(fd, syncobj, 0));
	EXPECT_EQ(0, syncobj_status(fd, syncobj));
	EXPECT_LOST();
	close(fd);
}

struct worker {
	atomic_bool *stop;
	unsigned int seed, done;
	int ret;
};

static bool lost_is_fine(int ret)
{
	return !ret || ret == -ECANCELED;
}

/* One round of all that a client does: 0, -ECANCELED, or what must not be. */
static int use_all(int fd, unsigned int seed)
{
	struct rig rig;
	struct buf data = { 0 };
	int ret = rig_create(&rig, fd);

	if (!ret)
		ret = rig_buf(&rig, &data, 64 * KIB, seed & 1 ? DRM_DSA_BO_SYSTEM : 0, HBM_VA);
	if (!ret)
		ret = rig_proof(&rig, rig.queue);
	if (lost_is_fine(ret) && data.handle) {
		int unmap = vm_unmap(fd, rig.vm, HBM_VA, 32 * KIB);

		ret = unmap ?: ret;
	}
	if (data.handle)
		buf_destroy(fd, &data);
	rig_destroy(&rig);
	return ret;
}

static void *use_device(void *arg)
{
	struct worker *w = arg;
	int fd = accel_open();

	w->ret = fd < 0 ? fd : 0;
	while (lost_is_fine(w->ret) && !atomic_load(w->stop)) {
		w->ret = use_all(fd, w->seed + w->done);
		w->done++;
	}
	close(fd);
	return NULL;
}

/* Whatever is going on, a call meets a device that works: it waits, or its work is lost. */
TEST_F(pci, resets_while_all_is_used)
{
	enum { WORKERS = 4, RESETS = 8 };
	struct worker w[WORKERS];
	pthread_t thread[WORKERS];
	atomic_bool stop = false;

	for (unsigned int i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .stop = &stop, .seed = i };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, use_device, &w[i]));
	}
	for (unsigned int i = 0; i < RESETS; i++) {
		EXPECT_EQ(0, pci_write(self->address, "reset", "1"));
		usleep(20000);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < WORKERS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_TRUE(lost_is_fine(w[i].ret)) TH_LOG("worker %u: %d", i, w[i].ret);
		EXPECT_LT(0, w[i].done);
	}
	EXPECT_LOST();
}

/* ---- errors ---- */

/* As the kernel's aer_inject module takes it. */
struct aer_error {
	uint8_t bus, device, function;
	uint32_t uncorrectable, correctable, header[4], domain;
};

static int load_injector(void)
{
	char path[512];
	const char *build = getenv("B");
	struct utsname name;
	int fd, ret;

	if (!access(INJECTOR, W_OK))
		return 0;
	uname(&name);
	for (int compressed = 1; compressed >= 0; compressed--) {
		snprintf(path, sizeof(path),
			 "%s/kernel/modules/lib/modules/%s/kernel/drivers/pci/pcie/aer_inject.ko%s",
			 build ?: "build", name.release, compressed ? ".xz" : "");
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ret = syscall(SYS_finit_module, fd, "", compressed ? COMPRESSED_FILE : 0);
		close(fd);
		if (!ret)
			break;
	}
	/* The node comes a little later. */
	for (unsigned int i = 0; i < 500 && access(INJECTOR, W_OK); i++)
		usleep(1000);
	return access(INJECTOR, W_OK) ? -errno : 0;
}

static int inject(int fd, uint32_t uncorrectable, uint32_t correctable)
{
	struct drm_dsa_device_info info;
	struct aer_error error = { .uncorrectable = uncorrectable, .correctable = correctable };
	int ret = accel_info(fd, &info);

	if (ret)
		return ret;
	error.bus = info.pci_bus;
	error.device = info.pci_device;
	error.function = info.pci_function;
	error.domain = info.pci_domain;
	return file_write(INJECTOR, &error, sizeof(error), 0);
}

/* How many errors of @kind the kernel has counted for the device. */
static long errors_seen(const char *address, const char *kind)
{
	char file[32], path[128], line[64];
	long total = -1;
	FILE *f;

	snprintf(file, sizeof(file), "aer_dev_%s", kind);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, file);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "TOTAL_ERR_", 10) && strchr(line, ' '))
			total = strtol(strchr(line, ' '), NULL, 10);
	fclose(f);
	return total;
}

/* Injects one error and waits until the kernel has counted it. */
#define INJECT(kind_, uncorrectable_, correctable_)                                               \
	do {                                                                                      \
		long before_ = errors_seen(self->address, kind_);                                 \
                                                                                                  \
		if (load_injector() || before_ < 0)                                               \
			SKIP(return, "no aer_inject, or no error reporting (PCIEAER_INJECT)");    \
		ASSERT_EQ(0, inject(self->rig.fd, uncorrectable_, correctable_));                 \
		for (unsigned int i_ = 0;                                                         \
		     i_ < 100 * RECOVERY_SECONDS && errors_seen(self->address, kind_) == before_; \
		     i_++)                                                                        \
			usleep(10000);                                                            \
		ASSERT_EQ(before_ + 1, errors_seen(self->address, kind_));                        \
	} while (0)

/* Injects a fatal error and waits until the driver has lost HBM; the kernel cannot ask the device. */
#define INJECT_FATAL()                                                                         \
	do {                                                                                   \
		uint64_t before_ = losses(self->rig.fd);                                       \
                                                                                               \
		if (load_injector() || errors_seen(self->address, "fatal") < 0)                \
			SKIP(return, "no aer_inject, or no error reporting (PCIEAER_INJECT)"); \
		ASSERT_EQ(0, inject(self->rig.fd, PCI_ERR_UNC_DLP, 0));                        \
		for (unsigned int i_ = 0;                                                      \
		     i_ < 100 * RECOVERY_SECONDS && losses(self->rig.fd) == before_; i_++)     \
			usleep(10000);                                                         \
		ASSERT_EQ(before_ + 1, losses(self->rig.fd));                                  \
	} while (0)

static int wait_status(int fd, uint32_t syncobj)
{
	int ret = syncobj_wait(fd, syncobj, 0);

	return ret ?: syncobj_status(fd, syncobj);
}

TEST_F(pci, correctable_error)
{
	struct cmds c;

	INJECT("correctable", 0, PCI_ERR_COR_BAD_TLP);
	EXPECT_EQ(-EINPROGRESS, syncobj_status(self->rig.fd, self->syncobj));
	EXPECT_STATE(0, self->rig.queue);
	EXPECT_EQ(0, rig_proof(&self->rig, self->idle));
	/* The job at work goes on to its end. */
	c = rig_cmds(&self->rig, 3);
	cmd_signal(&c, RIG_CMD_VA + RIG_SLOT, 1);
	EXPECT_EQ(0, rig_run_on(&self->rig, self->idle, &c));
	EXPECT_EQ(0, wait_status(self->rig.fd, self->syncobj));
	EXPECT_EQ(self->losses, losses(self->rig.fd));
}

/* One transaction was lost: what was at work is not trusted, all else stays. */
TEST_F(pci, non_fatal_error)
{
	INJECT("nonfatal", PCI_ERR_UNC_POISON_TLP, 0);
	EXPECT_EQ(-ECANCELED, wait_status(self->rig.fd, self->syncobj));
	EXPECT_STATE(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, self->rig.queue);
	EXPECT_STATE(0, self->idle);
	EXPECT_EQ(0, rig_proof(&self->rig, self->idle));
	EXPECT_EQ(-1, buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 1));
	EXPECT_EQ(self->losses, losses(self->rig.fd));
}

/* The kernel resets the bus. */
TEST_F(pci, fatal_error)
{
	INJECT_FATAL();
	EXPECT_EQ(-ECANCELED, wait_status(self->rig.fd, self->syncobj));
	EXPECT_LOST();
}

TEST_F(pci, fatal_errors_while_all_is_used)
{
	struct worker w[2];
	pthread_t thread[2];
	atomic_bool stop = false;

	for (unsigned int i = 0; i < 2; i++) {
		w[i] = (struct worker){ .stop = &stop, .seed = i };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, use_device, &w[i]));
	}
	for (unsigned int i = 0; i < 2; i++)
		INJECT_FATAL();
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_TRUE(lost_is_fine(w[i].ret)) TH_LOG("worker %u: %d", i, w[i].ret);
		EXPECT_LT(0, w[i].done);
	}
	EXPECT_LOST();
}

TEST_HARNESS_MAIN
