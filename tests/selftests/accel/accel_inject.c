// SPDX-License-Identifier: MIT
/*
 * Faults of the device, ordered while it works: what the job came to, what the
 * kernel's log says, and that work goes on once the fault is over. Needs a VM
 * that was started with dsa-vm --inject.
 */
#include "accel_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <glob.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "accel_inject_util.h"

#define TIMEOUT_PARAM "/sys/module/dsa_accel/parameters/job_timeout_ms"
#define CODE_VA       0x300000000ull
#define DATA_VA       0x400000000ull

/* Nothing is armed at the start, whatever a test before left. */
FIXTURE(inject)
{
	int fd, log;
	struct rig rig;
	struct buf code, data;
};

static int job_timeout(const char *ms)
{
	int fd = open(TIMEOUT_PARAM, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, ms, strlen(ms)) == (ssize_t)strlen(ms) ? 0 : -errno;
	close(fd);
	return ret;
}

FIXTURE_SETUP(inject)
{
	if (inject(NULL, 0, "fault dsa0 heal") == -ENODEV)
		SKIP(return, "the VM was started without dsa-vm --inject");
	self->fd = accel_open();
	ASSERT_LE(0, self->fd);
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	ASSERT_LE(0, lseek(self->log, 0, SEEK_END));
	ASSERT_EQ(0, rig_create(&self->rig, self->fd));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->code, PAGE, 0, CODE_VA));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->data, 2 * MIB, 0, DATA_VA));
	rv_program_store(self->code.ptr);
}

FIXTURE_TEARDOWN(inject)
{
	inject(NULL, 0, "fault dsa0 heal");
	close(self->log);
	close(self->fd);
}

/* Has a record since the test began, or since this was last asked, @text? */
static bool logged(int log, const char *text)
{
	char record[1024];
	bool found = false;
	ssize_t n;

	while ((n = read(log, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		record[strcspn(record, "\n")] = 0;
		printf("# log: %s\n", strchr(record, ';') ?: record);
		found |= strstr(record, text) != NULL;
	}
	return found;
}

/* A launch, whose results a copy doubles. */
static struct cmds whole_job(struct rig *rig, struct buf *data)
{
	struct rv_store_args *args = (void *)(data->ptr + MIB);
	struct cmds c = rig_cmds(rig, 0);

	*args = (struct rv_store_args){ DATA_VA, 7 };
	cmd_launch(&c, CODE_VA, DATA_VA + MIB, 64, 0, 1);
	cmd_copy(&c, DATA_VA + PAGE, DATA_VA, 512);
	return c;
}

/*
 * Where in HBM the buffer's page is: its mark is looked for through the BAR. A
 * negative errno when the kernel does not let us map that.
 */
static int64_t hbm_offset(volatile uint64_t *mark)
{
	static uint64_t marks;
	uint64_t value = accel_now_ns() << 16 | ++marks;
	int64_t found = -ENOENT;
	struct stat st;
	glob_t bar;
	char *map;
	int fd;

	if (glob("/sys/bus/pci/drivers/dsa_accel/0000*/resource2", 0, NULL, &bar))
		return -ENODEV;
	fd = open(bar.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&bar);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	*mark = value;
	for (off_t at = 0; at < st.st_size && found < 0; at += PAGE)
		if (*(volatile uint64_t *)(map + at) == value)
			found = at;
	munmap(map, st.st_size);
	return found;
}

/* A queue whose jobs may take 300 ms. */
static int short_queue(struct rig *rig, uint32_t *queue)
{
	int ret = job_timeout("300");

	if (!ret)
		ret = queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COMPUTE, queue);
	return job_timeout("30000") ?: ret;
}

/* The fault that is armed came to pass so often. */
static bool fired(unsigned int times)
{
	char text[512], want[32];

	snprintf(want, sizeof(want), ": fired %u of ", times);
	if (inject(text, sizeof(text), "fault dsa0") || !strstr(text, want)) {
		printf("# not '%s' in '%s'\n", want, text);
		return false;
	}
	return true;
}

/* With the fault over, a new queue works. */
#define EXPECT_HEALED(self)                                                                  \
	do {                                                                                 \
		uint32_t next_;                                                              \
                                                                                             \
		ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 heal"));                            \
		ASSERT_EQ(0, queue_create((self)->fd, (self)->rig.vm, DRM_DSA_QUEUE_COMPUTE, \
					  &next_));                                          \
		EXPECT_EQ(0, rig_proof(&(self)->rig, next_));                                \
	} while (0)

/* The order stops the job's queue; the error code is the device's, 0: left to the driver. */
#define EXPECT_STOPS(self, order, code)                                       \
	do {                                                                  \
		struct drm_dsa_queue_state st_;                               \
		uint32_t queue_;                                              \
		struct cmds c_;                                               \
                                                                              \
		ASSERT_EQ(0, short_queue(&(self)->rig, &queue_));             \
		c_ = whole_job(&(self)->rig, &(self)->data);                  \
		ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 " order));           \
		EXPECT_EQ(-ECANCELED, rig_run_on(&(self)->rig, queue_, &c_)); \
		ASSERT_EQ(0, queue_state((self)->fd, queue_, &st_));          \
		EXPECT_TRUE(st_.flags &DRM_DSA_QUEUE_DEAD);                   \
		if (code)                                                     \
			EXPECT_EQ(code, st_.error_code);                      \
		EXPECT_TRUE(fired(1));                                        \
		EXPECT_TRUE(logged((self)->log, "dsa-compute-"));             \
		EXPECT_HEALED(self);                                          \
	} while (0)

/* The order is survived: the job's results are right, and nothing is logged. */
#define EXPECT_SURVIVED(self, order, times)                                           \
	do {                                                                          \
		struct cmds c_ = whole_job(&(self)->rig, &(self)->data);              \
                                                                                      \
		ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 " order));                   \
		EXPECT_EQ(0, rig_run(&(self)->rig, &c_));                             \
		EXPECT_EQ(7 + 63, ((volatile uint64_t *)(self)->data.ptr)[63]);       \
		EXPECT_EQ(7 + 63, ((volatile uint64_t *)(self)->data.ptr)[512 + 63]); \
		EXPECT_TRUE(fired(times));                                            \
		EXPECT_FALSE(logged((self)->log, "dsa_accel"));                       \
		EXPECT_HEALED(self);                                                  \
		EXPECT_EQ(0, rig_proof(&(self)->rig, (self)->rig.queue));             \
	} while (0)

TEST_F(inject, core_hang)
{
	EXPECT_STOPS(self, "core-hang", 0);
}

TEST_F(inject, queue_hang)
{
	EXPECT_STOPS(self, "queue-hang", DSA_ERR_KILLED);
}

TEST_F(inject, queue_hang_that_the_device_reports)
{
	EXPECT_STOPS(self, "queue-hang,report=50", DSA_ERR_HANG);
}

TEST_F(inject, copy_hang)
{
	EXPECT_STOPS(self, "copy-hang", 0);
}

TEST_F(inject, copy_slow)
{
	uint64_t start = accel_now_ns();

	EXPECT_SURVIVED(self, "copy-slow,ms=100", 1);
	EXPECT_LE(100000000, accel_now_ns() - start);
}

TEST_F(inject, irq_lost)
{
	EXPECT_SURVIVED(self, "irq-lost", 1);
}

TEST_F(inject, irq_duplicate)
{
	EXPECT_SURVIVED(self, "irq-duplicate", 1);
}

TEST_F(inject, irq_spurious)
{
	EXPECT_SURVIVED(self, "irq-spurious,vector=0,count=2", 2);
}

TEST_F(inject, ring_corrupt)
{
	EXPECT_STOPS(self, "ring-corrupt", DSA_ERR_BAD_RING_PACKET);
}

TEST_F(inject, pte_corrupt)
{
	EXPECT_STOPS(self, "pte-corrupt", DSA_ERR_MMU_RESERVED);
}

static struct cmds copy_job(struct rig *rig)
{
	struct cmds c = rig_cmds(rig, 0);

	cmd_copy(&c, DATA_VA + PAGE, DATA_VA, 512);
	return c;
}

TEST_F(inject, ecc_corrected)
{
	volatile uint64_t *word = (volatile uint64_t *)self->data.ptr;
	int64_t at = hbm_offset(word);
	struct cmds c = copy_job(&self->rig);
	uint64_t was = *word;

	ASSERT_LE(0, at);
	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 ecc-corrected,addr=%lld", (long long)at));
	EXPECT_EQ(0, rig_run(&self->rig, &c));
	EXPECT_EQ(was, word[512]);
	EXPECT_TRUE(fired(1));
	EXPECT_HEALED(self);
}

TEST_F(inject, ecc_uncorrected)
{
	volatile uint64_t *word = (volatile uint64_t *)self->data.ptr;
	int64_t at = hbm_offset(word);
	struct drm_dsa_queue_state st;
	struct cmds c = copy_job(&self->rig);
	uint32_t queue;

	ASSERT_LE(0, at);
	ASSERT_EQ(0, queue_create(self->fd, self->rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue));
	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 ecc-uncorrected,addr=%lld", (long long)at));
	EXPECT_EQ(-ECANCELED, rig_run(&self->rig, &c));
	ASSERT_EQ(0, queue_state(self->fd, self->rig.queue, &st));
	EXPECT_EQ(DSA_ERR_ECC, st.error_code);
	EXPECT_TRUE(logged(self->log, "dsa-compute-"));
	/* Still armed: writing the word is what heals it. */
	*word = 5;
	EXPECT_EQ(0, rig_run_on(&self->rig, queue, &c));
	EXPECT_EQ(5, word[512]);
	EXPECT_HEALED(self);
}

TEST_F(inject, thermal)
{
	struct cmds c = whole_job(&self->rig, &self->data);
	char text[256];

	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 thermal,celsius=99,clock=50"));
	EXPECT_EQ(0, rig_run(&self->rig, &c));
	ASSERT_EQ(0, inject(text, sizeof(text), "fault dsa0"));
	EXPECT_STREQ("thermal,celsius=99,clock=50", text);
	EXPECT_HEALED(self);
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
}

/* ---- what concerns all of the device ---- */

#define DRIVER "/sys/bus/pci/drivers/dsa_accel/"

/* The function's address, such as 0000:01:00.0. */
static bool pci_address(char *address, size_t size)
{
	glob_t found;
	bool ok = !glob(DRIVER "0000*", 0, NULL, &found);

	if (ok)
		snprintf(address, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return ok;
}

static int put(const char *text, const char *fmt, const char *address)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), fmt, address);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static uint32_t first_register(const char *address)
{
	uint32_t value = 0;
	char path[128];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", address);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return 0;
	value = *(volatile uint32_t *)map;
	munmap(map, PAGE);
	return value;
}

TEST_F(inject, link_down)
{
	char address[32];

	ASSERT_TRUE(pci_address(address, sizeof(address)));
	EXPECT_EQ(0x41534456, first_register(address));
	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 link-down"));
	EXPECT_EQ(0xffffffff, first_register(address));
	EXPECT_EQ(0xff, self->data.ptr[0]);
	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 heal"));
	EXPECT_EQ(0x41534456, first_register(address));
	EXPECT_HEALED(self);
}

/* The driver refuses a device whose firmware does not come up, and takes it once it does. */
TEST_F(inject, boot_fail)
{
	char address[32];

	ASSERT_TRUE(pci_address(address, sizeof(address)));
	close(self->fd);
	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 boot-fail,count=forever"));
	ASSERT_EQ(0, put(address, DRIVER "unbind", ""));
	ASSERT_EQ(0, put("1", "/sys/bus/pci/devices/%s/reset", address));
	EXPECT_NE(0, put(address, DRIVER "bind", ""));
	EXPECT_TRUE(logged(self->log, "dsa_accel"));
	ASSERT_EQ(0, inject(NULL, 0, "fault dsa0 heal"));
	ASSERT_EQ(0, put("1", "/sys/bus/pci/devices/%s/reset", address));
	ASSERT_EQ(0, put(address, DRIVER "bind", ""));
	self->fd = accel_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, rig_create(&self->rig, self->fd));
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
}

static int open_until(bool there)
{
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;
	int fd;

	while (((fd = accel_open()) >= 0) != there && accel_now_ns() < end)
		close(fd);
	return fd;
}

TEST_F(inject, unplug_and_plug)
{
	int fd;

	ASSERT_EQ(0, inject(NULL, 0, "unplug dsa0"));
	EXPECT_EQ(-ENODEV, open_until(false));
	EXPECT_EQ(-ENODEV,
		  accel_query(self->fd, DRM_DSA_QUERY_DEVICE_INFO, NULL, &(uint32_t){ 0 }));
	ASSERT_EQ(0, inject(NULL, 0, "plug dsa0"));
	fd = open_until(true);
	ASSERT_LE(0, fd);
	close(self->fd);
	self->fd = fd;
	ASSERT_EQ(0, rig_create(&self->rig, self->fd));
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
}

TEST_F(inject, bad_orders)
{
	char text[512];

	EXPECT_EQ(-EINVAL, inject(text, sizeof(text), "fault dsa0 bogus"));
	EXPECT_NE(NULL, strstr(text, "there is no fault 'bogus': there are core-hang, "));
	EXPECT_EQ(-EINVAL, inject(text, sizeof(text), "fault dsa9 heal"));
	EXPECT_EQ(-EINVAL, inject(text, sizeof(text), "fault"));
	EXPECT_EQ(-EINVAL, inject(text, sizeof(text), "quit"));
	EXPECT_EQ(-EINVAL, inject(text, sizeof(text), "unplug dsa0 now"));
	EXPECT_EQ(-EINVAL, inject(text, sizeof(text), "plug dsa0"));
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
}

TEST_HARNESS_MAIN
