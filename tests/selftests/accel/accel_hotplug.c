// SPDX-License-Identifier: MIT
/* The device goes away while it is used, in all ways that root has, and comes back. */
#include "accel_fixture.h"
#include "accel_pci_util.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define DATA_BYTES (256 * KIB)
#define HBM_VA     0x40000000ull
#define SYSTEM_VA  0x7fffffe00000ull
#define PT_SYSTEM  "/sys/module/dsa_accel/parameters/pt_system"
#define RESCAN     "/sys/bus/pci/rescan"
/* Below what the time-outs of stopping, of a reset and of an invalidation come to, on a slow machine. */
#define AT_ONCE_NS 4500000000ull

FIXTURE(hotplug)
{
	char address[PCI_ADDRESS_MAX];
	struct rig rig;
	struct buf hbm, system;
	uint32_t syncobj;
	int fence;
	uint16_t command;
};

/* With page tables in system memory, too: the device's hold on that must end as well. */
FIXTURE_VARIANT(hotplug)
{
	const char *pt_system;
};

FIXTURE_VARIANT_ADD(hotplug, tables_in_hbm){
	.pt_system = "0",
};

FIXTURE_VARIANT_ADD(hotplug, tables_in_system){
	.pt_system = "1",
};

FIXTURE_SETUP(hotplug)
{
	int fd = accel_open();
	struct drm_dsa_sync out;
	struct cmds c;

	/* A test that ran out of time may have left it removed. */
	if (fd == -ENODEV && !file_write_text(RESCAN, "1"))
		fd = accel_open();
	if (fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, fd);
	if (geteuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, file_write_text(PT_SYSTEM, variant->pt_system));
	ASSERT_EQ(0, pci_address(fd, self->address));
	ASSERT_EQ(0, pci_command(self->address, &self->command));
	ASSERT_EQ(0, rig_create(&self->rig, fd));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->hbm, DATA_BYTES, 0, HBM_VA));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->system, DATA_BYTES, DRM_DSA_BO_SYSTEM, SYSTEM_VA));
	ASSERT_EQ(0, syncobj_create(fd, &self->syncobj));
	out = sync_out(self->syncobj, 0);
	c = rig_cmds(&self->rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	ASSERT_EQ(0, submit(fd, self->rig.queue, c.va, c.len, &out, 1, NULL));
	self->fence = syncobj_export(fd, self->syncobj);
	ASSERT_LE(0, self->fence);
	/* Both are mapped when it goes. */
	buf_pattern(self->hbm.ptr, DATA_BYTES, 1);
	buf_pattern(self->system.ptr, DATA_BYTES, 2);
}

/* It works again, with nothing in use. What had been open is closed by now. */
FIXTURE_TEARDOWN_PARENT(hotplug)
{
	struct drm_dsa_memory_info mem;
	struct accel_baseline base;
	struct rig rig;
	int fd;

	if (!self->address[0])
		return;
	EXPECT_EQ(0, file_write_text(PT_SYSTEM, "0"));
	fd = accel_open();
	/* A test that failed may have left it anywhere. */
	if (fd == -ENODEV) {
		file_write_text(RESCAN, "1");
		driver_write(self->address, "bind");
		fd = accel_open();
	}
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, accel_baseline_read(fd, &base));
	EXPECT_EQ(0, base.queues_compute + base.queues_copy);
	EXPECT_EQ(0, base.system_used);
	EXPECT_EQ(0, accel_memory(fd, &mem));
	EXPECT_EQ(mem.hbm_total, mem.hbm_free);
	EXPECT_EQ(0, rig_create(&rig, fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	rig_destroy(&rig);
	close(fd);
}

static __thread sigjmp_buf on_sigbus;

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

#define EXPECT_GONE()                                                                           \
	do {                                                                                    \
		uint32_t id_;                                                                   \
                                                                                                \
		EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));                           \
		EXPECT_EQ(-ENODEV, bo_create(self->rig.fd, PAGE, 0, &id_));                     \
		EXPECT_EQ(-ENODEV, submit(self->rig.fd, self->rig.queue, 0, 0, NULL, 0, NULL)); \
		EXPECT_EQ(-ENODEV, vm_unmap(self->rig.fd, self->rig.vm, HBM_VA, PAGE));         \
		EXPECT_TRUE(access_is_sigbus(self->hbm.ptr));                                   \
		EXPECT_TRUE(access_is_sigbus(self->system.ptr));                                \
	} while (0)

static int rescan(const char *address)
{
	int ret = file_write_text(RESCAN, "1");

	return ret ?: pci_wait_text(address, "power/control", "auto");
}

TEST_F(hotplug, removed_while_busy)
{
	uint64_t begin = accel_now_ns();

	ASSERT_EQ(0, pci_write(self->address, "remove", "1"));
	EXPECT_GT(AT_ONCE_NS, accel_now_ns() - begin);
	EXPECT_GONE();
	EXPECT_EQ(-ENODEV, accel_open());
	ASSERT_EQ(0, rescan(self->address));
	EXPECT_GONE();
}

struct waiter {
	int fd, ret;
	uint32_t syncobj;
};

static void *wait_for_job(void *arg)
{
	struct waiter *w = arg;

	w->ret = syncobj_wait(w->fd, w->syncobj, 0);
	return NULL;
}

TEST_F(hotplug, removed_while_waited_for)
{
	struct waiter w = { .fd = self->rig.fd, .syncobj = self->syncobj, .ret = 1 };
	pthread_t thread;
	uint64_t begin;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_job, &w));
	usleep(50000);
	begin = accel_now_ns();
	ASSERT_EQ(0, pci_write(self->address, "remove", "1"));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_GT(AT_ONCE_NS, accel_now_ns() - begin);
	EXPECT_EQ(0, w.ret);
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
	ASSERT_EQ(0, rescan(self->address));
}

/* It answers with ones only: nobody waits for what will not happen. */
TEST_F(hotplug, unbound_when_it_does_not_answer)
{
	uint64_t begin = accel_now_ns();

	ASSERT_EQ(0, pci_set_command(self->address, self->command & ~2));
	ASSERT_EQ(0, driver_write(self->address, "unbind"));
	EXPECT_GT(AT_ONCE_NS, accel_now_ns() - begin);
	EXPECT_GONE();
	ASSERT_EQ(0, pci_set_command(self->address, self->command));
	ASSERT_EQ(0, driver_write(self->address, "bind"));
}

/* Whoever finds out ends it for all. */
TEST_F(hotplug, does_not_answer_an_unbind)
{
	struct drm_dsa_queue_state st;
	uint64_t begin = accel_now_ns();
	uint32_t id;

	ASSERT_EQ(0, pci_set_command(self->address, self->command & ~2));
	EXPECT_EQ(0, vm_unmap(self->rig.fd, self->rig.vm, HBM_VA, PAGE));
	EXPECT_GT(AT_ONCE_NS, accel_now_ns() - begin);
	ASSERT_EQ(0, pci_set_command(self->address, self->command));
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
	EXPECT_EQ(-EIO, bo_create(self->rig.fd, PAGE, 0, &id));
	ASSERT_EQ(0, queue_state(self->rig.fd, self->rig.queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, st.flags);
	ASSERT_EQ(0, driver_write(self->address, "unbind"));
	ASSERT_EQ(0, driver_write(self->address, "bind"));
}

TEST_F(hotplug, does_not_answer_a_kill)
{
	uint64_t begin = accel_now_ns();
	uint32_t id;

	ASSERT_EQ(0, pci_set_command(self->address, self->command & ~2));
	EXPECT_EQ(0, queue_destroy(self->rig.fd, self->rig.queue));
	EXPECT_GT(AT_ONCE_NS, accel_now_ns() - begin);
	ASSERT_EQ(0, pci_set_command(self->address, self->command));
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
	EXPECT_EQ(-EIO, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COPY, &id));
	ASSERT_EQ(0, driver_write(self->address, "unbind"));
	ASSERT_EQ(0, driver_write(self->address, "bind"));
}

struct user {
	atomic_bool *stop;
	unsigned int done;
	int ret;
};

static bool gone_is_fine(int ret)
{
	return !ret || ret == -ENODEV || ret == -ECANCELED;
}

/* All that a client does, until something fails. */
static void use_rig(struct rig *rig, struct user *u)
{
	struct buf data = { 0 };

	/* Commands are written to memory that goes with the device. */
	if (sigsetjmp(on_sigbus, 1)) {
		u->ret = -ENODEV;
		return;
	}
	while (!u->ret && !atomic_load(u->stop)) {
		u->ret = rig_buf(rig, &data, 64 * KIB, u->done & 1 ? DRM_DSA_BO_SYSTEM : 0, HBM_VA);
		if (!u->ret)
			u->ret = rig_proof(rig, rig->queue);
		if (data.handle)
			buf_destroy(rig->fd, &data);
		data.handle = 0;
		u->done++;
	}
}

/* Uses a file until its device is gone, then the next one. */
static void *use_whatever_is_there(void *arg)
{
	struct user *u = arg;

	while (gone_is_fine(u->ret) && !atomic_load(u->stop)) {
		struct rig rig = { .fd = -1 };
		int fd = accel_open();

		u->ret = fd < 0 ? fd : rig_create(&rig, fd);
		if (!u->ret)
			use_rig(&rig, u);
		if (rig.cmd.ptr)
			munmap(rig.cmd.ptr, rig.cmd.size);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* Over and over, at any moment of all that can be done with it. */
TEST_F_TIMEOUT(hotplug, comes_and_goes, 120)
{
	enum { USERS = 3, TIMES = 8 };
	const struct sigaction action = { .sa_handler = sigbus };
	struct user u[USERS];
	pthread_t thread[USERS];
	atomic_bool stop = false;

	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));
	for (unsigned int i = 0; i < USERS; i++) {
		u[i] = (struct user){ .stop = &stop };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, use_whatever_is_there, &u[i]));
	}
	for (unsigned int i = 0; i < TIMES; i++) {
		usleep(30000);
		if (i & 1) {
			ASSERT_EQ(0, pci_write(self->address, "remove", "1"));
			ASSERT_EQ(0, rescan(self->address));
		} else {
			ASSERT_EQ(0, driver_write(self->address, "unbind"));
			ASSERT_EQ(0, driver_write(self->address, "bind"));
		}
	}
	usleep(100000);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < USERS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_TRUE(gone_is_fine(u[i].ret)) TH_LOG("user %u: %d", i, u[i].ret);
		EXPECT_LT(0, u[i].done);
	}
}

struct binder {
	const char *address;
	atomic_bool *stop;
};

static void *bind_often(void *arg)
{
	struct binder *b = arg;

	/* Either may fail: the other one may have been faster. */
	while (!atomic_load(b->stop)) {
		driver_write(b->address, "unbind");
		driver_write(b->address, "bind");
	}
	return NULL;
}

TEST_F_TIMEOUT(hotplug, removed_while_probing, 120)
{
	atomic_bool stop = false;
	struct binder b = { .address = self->address, .stop = &stop };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_often, &b));
	for (unsigned int i = 0; i < 10; i++) {
		usleep(3000 * i);
		/* What is being removed is not there to be removed again. */
		EXPECT_EQ(0, pci_write(self->address, "remove", "1"));
		ASSERT_EQ(0, file_write_text(RESCAN, "1"));
	}
	atomic_store(&stop, true);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	driver_write(self->address, "bind");
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
}

/* What a file holds may be given back before, after and while the device is there again. */
TEST_F(hotplug, given_back_late)
{
	ASSERT_EQ(0, pci_write(self->address, "remove", "1"));
	EXPECT_EQ(0, munmap(self->hbm.ptr, self->hbm.size));
	ASSERT_EQ(0, rescan(self->address));
	EXPECT_EQ(0, munmap(self->system.ptr, self->system.size));
	EXPECT_EQ(0, close(self->rig.fd));
	EXPECT_EQ(-ECANCELED, sync_file_status(self->fence));
}

TEST_HARNESS_MAIN
