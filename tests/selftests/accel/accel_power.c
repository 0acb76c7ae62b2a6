// SPDX-License-Identifier: MIT
/* The device sleeps when nobody uses it, and nobody sees more of that than that it does. */
#include "accel_fixture.h"
#include "accel_pci_util.h"

#include <glob.h>
#include <pthread.h>

#define DATA_BYTES   (256 * KIB)
#define HBM_VA       0x40000000ull
#define SYSTEM_VA    0x7fffffe00000ull
#define USER_RING_VA 0x200000000ull
/* Long enough to see that it stays awake, short enough to wait for sleep. */
#define DELAY_MS      50
#define STAYS_AWAKE_S 1
#define SLEEPS        20

FIXTURE(power)
{
	struct accel_baseline base;
	char address[PCI_ADDRESS_MAX], delay[16];
	struct rig rig;
	struct buf hbm, system;
};

static int set_delay(const char *address, const char *ms)
{
	return pci_write(address, "power/autosuspend_delay_ms", ms);
}

FIXTURE_SETUP(power)
{
	char control[16], text[16];
	int fd = accel_open();

	if (fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, fd);
	if (geteuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, accel_baseline_read(fd, &self->base));
	ASSERT_EQ(0, pci_address(fd, self->address));
	ASSERT_EQ(0, pci_read(self->address, "power/control", control, sizeof(control)));
	/* It is the driver that allows it. */
	ASSERT_STREQ("auto", control);
	ASSERT_EQ(0, pci_read(self->address, "power/autosuspend_delay_ms", self->delay,
			      sizeof(self->delay)));
	snprintf(text, sizeof(text), "%d", DELAY_MS);
	ASSERT_EQ(0, set_delay(self->address, text));
	ASSERT_EQ(0, rig_create(&self->rig, fd));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->hbm, DATA_BYTES, 0, HBM_VA));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->system, DATA_BYTES, DRM_DSA_BO_SYSTEM, SYSTEM_VA));
	buf_pattern(self->hbm.ptr, DATA_BYTES, 1);
	buf_pattern(self->system.ptr, DATA_BYTES, 2);
}

FIXTURE_TEARDOWN_PARENT(power)
{
	if (!self->address[0])
		return;
	EXPECT_EQ(0, set_delay(self->address, self->delay));
	ACCEL_CHECK_BASELINE(self->base);
}

static int wait_asleep(const char *address)
{
	int ret = pci_wait_text(address, "power/runtime_status", "suspended");

	return ret ?: pci_wait_text(address, "power_state", "D3hot");
}

static bool is_awake(const char *address)
{
	char status[16];

	return !pci_read(address, "power/runtime_status", status, sizeof(status)) &&
	       !strcmp(status, "active");
}

TEST_F(power, all_is_there_after_a_sleep)
{
	struct drm_dsa_queue_state st;
	uint64_t id;
	struct cmds c;

	for (unsigned int i = 1; i <= SLEEPS; i++) {
		ASSERT_EQ(0, wait_asleep(self->address));
		/* The same queue, the same mappings. */
		c = rig_cmds(&self->rig, 1);
		cmd_copy(&c, SYSTEM_VA, HBM_VA, DATA_BYTES);
		ASSERT_EQ(0, rig_run(&self->rig, &c));
		EXPECT_EQ(-1, buf_pattern_differs(self->system.ptr, DATA_BYTES, 1));
		buf_pattern(self->system.ptr, DATA_BYTES, 2);
	}
	ASSERT_EQ(0, queue_state(self->rig.fd, self->rig.queue, &st));
	EXPECT_EQ(0, st.flags);
	EXPECT_EQ(SLEEPS, st.jobs_submitted);
	EXPECT_EQ(SLEEPS, st.jobs_completed);
	ASSERT_EQ(0, wait_asleep(self->address));
	ASSERT_EQ(0, submit(self->rig.fd, self->rig.queue, 0, 0, NULL, 0, &id));
	EXPECT_EQ(SLEEPS + 1, id);
}

/* More jobs than a ring holds, with sleeps at all positions in it. */
TEST_F(power, rings_begin_anew)
{
	for (unsigned int jobs = 1; jobs < 400; jobs = jobs * 3 + 1) {
		ASSERT_EQ(0, wait_asleep(self->address));
		for (unsigned int i = 0; i < jobs; i++)
			ASSERT_EQ(0, submit(self->rig.fd, self->rig.queue, 0, 0, NULL, 0, NULL));
		ASSERT_EQ(0, rig_proof(&self->rig, self->rig.queue));
	}
}

TEST_F(power, an_access_to_hbm_wakes)
{
	volatile uint8_t *p = self->hbm.ptr;

	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_EQ(0, wait_asleep(self->address));
		EXPECT_EQ(-1, buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 1));
		EXPECT_TRUE(is_awake(self->address));
	}
	ASSERT_EQ(0, wait_asleep(self->address));
	p[DATA_BYTES - 1] ^= 0xff;
	EXPECT_EQ(DATA_BYTES - 1, (uint64_t)buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 1));
	/* System memory is the system's. */
	ASSERT_EQ(0, wait_asleep(self->address));
	EXPECT_EQ(-1, buf_pattern_differs(self->system.ptr, DATA_BYTES, 2));
	EXPECT_FALSE(is_awake(self->address));
}

TEST_F(power, a_job_keeps_it_awake)
{
	struct cmds c = rig_cmds(&self->rig, 0);
	struct drm_dsa_sync out;
	uint32_t syncobj;

	ASSERT_EQ(0, syncobj_create(self->rig.fd, &syncobj));
	out = sync_out(syncobj, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	ASSERT_EQ(0, wait_asleep(self->address));
	ASSERT_EQ(0, submit(self->rig.fd, self->rig.queue, c.va, c.len, &out, 1, NULL));
	sleep(STAYS_AWAKE_S);
	EXPECT_TRUE(is_awake(self->address));
	EXPECT_FALSE(syncobj_is_signalled(self->rig.fd, syncobj, 0));
	*(volatile uint64_t *)(self->rig.cmd.ptr + RIG_SLOT) = 1;
	EXPECT_EQ(0, syncobj_wait(self->rig.fd, syncobj, 0));
	EXPECT_EQ(0, syncobj_status(self->rig.fd, syncobj));
	EXPECT_EQ(0, wait_asleep(self->address));
}

/* A job that waits for others has not begun, and is not lost. */
TEST_F(power, a_waiting_job_keeps_it_awake)
{
	struct drm_dsa_sync sync[2];
	uint32_t in, out, other;
	struct cmds c;

	ASSERT_EQ(0, syncobj_create(self->rig.fd, &in));
	ASSERT_EQ(0, syncobj_create(self->rig.fd, &out));
	ASSERT_EQ(0, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COPY, &other));
	c = rig_cmds(&self->rig, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	sync[0] = sync_out(in, 0);
	ASSERT_EQ(0, submit(self->rig.fd, self->rig.queue, c.va, c.len, sync, 1, NULL));
	sync[0] = sync_in(in, 0);
	sync[1] = sync_out(out, 0);
	ASSERT_EQ(0, submit(self->rig.fd, other, 0, 0, sync, 2, NULL));
	sleep(STAYS_AWAKE_S);
	EXPECT_TRUE(is_awake(self->address));
	*(volatile uint64_t *)(self->rig.cmd.ptr + RIG_SLOT) = 1;
	EXPECT_EQ(0, syncobj_wait(self->rig.fd, out, 0));
	EXPECT_EQ(0, syncobj_status(self->rig.fd, out));
}

/* A queue that needs no call to be rung, with its ring where nothing else is. */
static int user_queue_create(struct rig *rig, struct buf *ring, uint32_t *queue)
{
	struct drm_dsa_queue_create create = {
		.vm_id = rig->vm,
		.queue_class = DRM_DSA_QUEUE_COMPUTE,
		.priority = DRM_DSA_PRIORITY_NORMAL,
		.flags = DRM_DSA_QUEUE_USER,
		.ring_va = USER_RING_VA,
		.ring_log2 = 4,
	};
	int ret = rig_buf(rig, ring, PAGE, DRM_DSA_BO_SYSTEM, USER_RING_VA);

	if (!ret)
		ret = accel_ioctl(rig->fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create);
	*queue = create.queue_id;
	return ret;
}

TEST_F(power, a_user_mode_queue_keeps_it_awake)
{
	struct buf ring;
	uint32_t queue;
	int ret = user_queue_create(&self->rig, &ring, &queue);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "the hardware has no user-mode queues");
	ASSERT_EQ(0, ret);
	sleep(STAYS_AWAKE_S);
	EXPECT_TRUE(is_awake(self->address));
	ASSERT_EQ(0, queue_destroy(self->rig.fd, queue));
	EXPECT_EQ(0, wait_asleep(self->address));
}

/* What needs no hardware does not wake it, and what is undone asleep is undone. */
TEST_F(power, undone_while_asleep)
{
	struct drm_dsa_queue_state st;
	uint64_t va = 0x80000000;
	struct accel_baseline base, now;
	struct buf data;
	uint32_t vm, queue;
	struct rig other;
	struct cmds c;

	ASSERT_EQ(0, accel_baseline_read(self->rig.fd, &base));
	ASSERT_EQ(0, rig_create(&other, self->rig.fd));
	ASSERT_EQ(0, rig_buf(&other, &data, DATA_BYTES, 0, va));
	ASSERT_EQ(0, vm_create(self->rig.fd, &vm));
	ASSERT_EQ(0, queue_create(self->rig.fd, vm, DRM_DSA_QUEUE_COPY, &queue));
	ASSERT_EQ(0, wait_asleep(self->address));
	EXPECT_EQ(0, queue_state(self->rig.fd, queue, &st));
	EXPECT_EQ(0, st.flags);
	EXPECT_EQ(0, vm_destroy(self->rig.fd, vm));
	EXPECT_EQ(0, queue_state(self->rig.fd, queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD, st.flags);
	EXPECT_EQ(0, queue_destroy(self->rig.fd, queue));
	buf_destroy(self->rig.fd, &data);
	rig_destroy(&other);
	EXPECT_FALSE(is_awake(self->address));
	EXPECT_EQ(0, accel_baseline_wait(self->rig.fd, &base, &now));

	/* Its number may be another's now, which sees nothing of what was. */
	ASSERT_EQ(0, rig_create(&other, self->rig.fd));
	c = rig_cmds(&other, 1);
	cmd_fill(&c, va, 8, 0, 8);
	EXPECT_EQ(-ECANCELED, rig_run(&other, &c));
	ASSERT_EQ(0, queue_state(other.fd, other.queue, &st));
	EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, st.error_code);
	rig_destroy(&other);
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
}

/* A mapping that is changed right after a sleep, or replaced, is as it was told. */
TEST_F(power, bound_after_a_sleep)
{
	struct cmds c;

	ASSERT_EQ(0, wait_asleep(self->address));
	ASSERT_EQ(0, vm_unmap(self->rig.fd, self->rig.vm, HBM_VA, DATA_BYTES));
	ASSERT_EQ(0, wait_asleep(self->address));
	ASSERT_EQ(0, vm_map(self->rig.fd, self->rig.vm, self->system.handle, 0, HBM_VA, DATA_BYTES,
			    DRM_DSA_BIND_READ));
	ASSERT_EQ(0, vm_map(self->rig.fd, self->rig.vm, self->hbm.handle, 0, SYSTEM_VA, DATA_BYTES,
			    BIND_RW));
	ASSERT_EQ(0, wait_asleep(self->address));
	c = rig_cmds(&self->rig, 1);
	cmd_copy(&c, SYSTEM_VA, HBM_VA, DATA_BYTES);
	ASSERT_EQ(0, rig_run(&self->rig, &c));
	EXPECT_EQ(-1, buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 2));
	c = rig_cmds(&self->rig, 1);
	cmd_fill(&c, HBM_VA, 8, 0, 8);
	EXPECT_EQ(-ECANCELED, rig_run(&self->rig, &c));
}

static int telemetry(int fd, struct drm_dsa_telemetry *t)
{
	uint32_t size = sizeof(*t);

	return accel_query(fd, DRM_DSA_QUERY_TELEMETRY, t, &size);
}

/* The number after @key in the file's fdinfo, or -1. */
static long long fdinfo(int fd, const char *key)
{
	char path[64], line[128];
	long long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			value = strtoll(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return value;
}

/* Counters go on, and looking at a client does not wake the device. */
TEST_F(power, counters_go_on)
{
	static const char *const keys[] = { "drm-engine-copy:", "drm-total-cycles-compute:" };
	struct drm_dsa_telemetry before, after;
	long long last[2] = { 0, 0 }, now;
	struct cmds c;

	ASSERT_EQ(0, telemetry(self->rig.fd, &before));
	for (unsigned int i = 0; i < 3; i++) {
		c = rig_cmds(&self->rig, 1);
		cmd_copy(&c, SYSTEM_VA, HBM_VA, DATA_BYTES);
		ASSERT_EQ(0, rig_run(&self->rig, &c));
		for (unsigned int k = 0; k < 2; k++) {
			now = fdinfo(self->rig.fd, keys[k]);
			EXPECT_LT(last[k], now) TH_LOG("%s round %u", keys[k], i);
			last[k] = now;
		}
		ASSERT_EQ(0, wait_asleep(self->address));
		for (unsigned int k = 0; k < 2; k++)
			EXPECT_EQ(last[k], fdinfo(self->rig.fd, keys[k]));
		EXPECT_FALSE(is_awake(self->address));
	}
	ASSERT_EQ(0, telemetry(self->rig.fd, &after));
	EXPECT_EQ(before.resets, after.resets);
	EXPECT_LT(before.device_time_ns, after.device_time_ns);
	EXPECT_LE(before.busy_copy_ns, after.busy_copy_ns);
}

/* The device's clock does not step back in a sleep. */
TEST_F(power, timestamps_go_on)
{
	uint64_t *stamp = (uint64_t *)self->system.ptr, last = 0;
	struct cmds c;

	for (unsigned int i = 0; i < 3; i++) {
		c = rig_cmds(&self->rig, 1);
		cmd_copy(&c, SYSTEM_VA + PAGE, HBM_VA, PAGE);
		cmd_timestamp(&c, SYSTEM_VA);
		ASSERT_EQ(0, rig_run(&self->rig, &c));
		EXPECT_LT(last, stamp[0]);
		last = stamp[0];
		ASSERT_EQ(0, wait_asleep(self->address));
	}
}

TEST_F(power, sensors_wake)
{
	char path[128], text[32];
	glob_t found;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/hwmon/hwmon*/temp1_input",
		 self->address);
	ASSERT_EQ(0, glob(path, 0, NULL, &found));
	ASSERT_EQ(0, wait_asleep(self->address));
	EXPECT_EQ(0, file_read_text(found.gl_pathv[0], text, sizeof(text)));
	EXPECT_LT(0, atoi(text));
	EXPECT_GT(200000, atoi(text));
	globfree(&found);
}

/* A sleeping device is reset like any other. */
TEST_F(power, reset_while_asleep)
{
	struct drm_dsa_queue_state st;
	uint32_t queue;

	ASSERT_EQ(0, wait_asleep(self->address));
	ASSERT_EQ(0, pci_write(self->address, "reset", "1"));
	ASSERT_EQ(0, queue_state(self->rig.fd, self->rig.queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, st.flags);
	EXPECT_EQ(-1, buf_differs(self->hbm.ptr, DATA_BYTES, 0));
	ASSERT_EQ(0, queue_create(self->rig.fd, self->rig.vm, DRM_DSA_QUEUE_COMPUTE, &queue));
	EXPECT_EQ(0, rig_proof(&self->rig, queue));
	ASSERT_EQ(0, wait_asleep(self->address));
	EXPECT_EQ(0, rig_proof(&self->rig, queue));
}

TEST_F(power, unbound_while_asleep)
{
	struct rig rig;
	int fd;

	ASSERT_EQ(0, wait_asleep(self->address));
	ASSERT_EQ(0, driver_write(self->address, "unbind"));
	EXPECT_EQ(-ENODEV, submit(self->rig.fd, self->rig.queue, 0, 0, NULL, 0, NULL));
	ASSERT_EQ(0, driver_write(self->address, "bind"));
	fd = accel_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	rig_destroy(&rig);
	close(fd);
}

static void *prove_often(void *arg)
{
	struct rig rig;
	long failed = rig_create(&rig, accel_open());

	for (unsigned int i = 0; i < 200 && !failed; i++) {
		failed = rig_proof(&rig, rig.queue);
		/* About as long as it takes to fall asleep. */
		usleep(i % 8 * 500);
	}
	rig_destroy(&rig);
	close(rig.fd);
	*(long *)arg = failed;
	return NULL;
}

/* Work that comes just when the device goes to sleep. */
TEST_F(power, sleep_races_work)
{
	enum { THREADS = 3 };
	pthread_t thread[THREADS];
	long failed[THREADS];

	ASSERT_EQ(0, set_delay(self->address, "0"));
	for (unsigned int i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, prove_often, &failed[i]));
	for (unsigned int i = 0; i < 200; i++) {
		ASSERT_EQ(-1, buf_pattern_differs(self->hbm.ptr, PAGE, 1));
		usleep(1000);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, failed[i]);
	}
	EXPECT_EQ(-1, buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 1));
}

/* ---- the system sleeps, as far as the kernel goes in a test of its own ---- */

#define POWER_DIR "/sys/power/"
#define PM_DELAY  "/sys/module/suspend/parameters/pm_test_delay"
/* The driver waits 5 s. */
#define BUSY_MS_MIN 4900
#define BUSY_MS_MAX 15000

FIXTURE(system_sleep)
{
	struct accel_baseline base;
	struct rig rig;
	struct buf hbm, system;
	char delay[16];
	bool set;
};

/* Devices are suspended to the last phase and resumed; what would follow is left out. */
FIXTURE_SETUP(system_sleep)
{
	int fd = accel_open();

	if (fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	ASSERT_LE(0, fd);
	if (access(POWER_DIR "pm_test", W_OK) ||
	    file_read_text(PM_DELAY, self->delay, sizeof(self->delay)))
		SKIP(return, "no " POWER_DIR "pm_test (PM_DEBUG), or not root");
	ASSERT_EQ(0, accel_baseline_read(fd, &self->base));
	self->set = true;
	ASSERT_EQ(0, file_write_text(PM_DELAY, "0"));
	ASSERT_EQ(0, file_write_text(POWER_DIR "pm_test", "platform"));
	ASSERT_EQ(0, rig_create(&self->rig, fd));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->hbm, DATA_BYTES, 0, HBM_VA));
	ASSERT_EQ(0, rig_buf(&self->rig, &self->system, DATA_BYTES, DRM_DSA_BO_SYSTEM, SYSTEM_VA));
	buf_pattern(self->hbm.ptr, DATA_BYTES, 1);
	buf_pattern(self->system.ptr, DATA_BYTES, 2);
}

FIXTURE_TEARDOWN_PARENT(system_sleep)
{
	if (!self->set)
		return;
	EXPECT_EQ(0, file_write_text(POWER_DIR "pm_test", "none"));
	EXPECT_EQ(0, file_write_text(PM_DELAY, self->delay));
	ACCEL_CHECK_BASELINE(self->base);
}

static int sleep_now(const char *state)
{
	return file_write_text(POWER_DIR "state", state);
}

/* "mem" goes by way of the firmware where it can: then HBM is copied out and back. */
TEST_F(system_sleep, all_is_there_afterwards)
{
	static const char *const states[] = { "freeze", "mem", "freeze", "mem" };
	struct drm_dsa_queue_state st;
	struct cmds c;

	for (unsigned int i = 0; i < ARRAY_LEN(states); i++) {
		ASSERT_EQ(0, sleep_now(states[i]));
		EXPECT_EQ(-1, buf_pattern_differs(self->hbm.ptr, DATA_BYTES, 1));
		c = rig_cmds(&self->rig, 1);
		cmd_copy(&c, SYSTEM_VA, HBM_VA, DATA_BYTES);
		ASSERT_EQ(0, rig_run(&self->rig, &c));
		EXPECT_EQ(-1, buf_pattern_differs(self->system.ptr, DATA_BYTES, 1));
		buf_pattern(self->system.ptr, DATA_BYTES, 2);
		EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
	}
	ASSERT_EQ(0, queue_state(self->rig.fd, self->rig.queue, &st));
	EXPECT_EQ(0, st.flags);
	EXPECT_EQ(st.jobs_submitted, st.jobs_completed);
}

/* Jobs at work end first; those in line, more than a ring holds, come afterwards. */
TEST_F(system_sleep, jobs_at_work_and_in_line)
{
	enum { JOBS = 600, COPIES = 20 };
	struct drm_dsa_queue_state st;
	struct drm_dsa_sync out;
	uint32_t syncobj;
	struct cmds c;

	ASSERT_EQ(0, syncobj_create(self->rig.fd, &syncobj));
	out = sync_out(syncobj, 0);
	c = rig_cmds(&self->rig, 1);
	for (unsigned int i = 0; i < COPIES; i++)
		cmd_copy(&c, SYSTEM_VA, HBM_VA, DATA_BYTES);
	cmd_add(&c, RIG_CMD_VA + 2 * RIG_SLOT, 1);
	for (unsigned int i = 0; i < JOBS; i++)
		ASSERT_EQ(0, submit(self->rig.fd, self->rig.queue, c.va, c.len, &out, 1, NULL));
	ASSERT_EQ(0, sleep_now("freeze"));
	ASSERT_EQ(0, syncobj_wait(self->rig.fd, syncobj, 0));
	EXPECT_EQ(0, syncobj_status(self->rig.fd, syncobj));
	EXPECT_EQ(JOBS, *(volatile uint64_t *)(self->rig.cmd.ptr + 2 * RIG_SLOT));
	ASSERT_EQ(0, queue_state(self->rig.fd, self->rig.queue, &st));
	EXPECT_EQ(JOBS, st.jobs_completed);
	EXPECT_EQ(0, st.flags);
}

/* They end: the process could not know that its ring begins anew. */
TEST_F(system_sleep, user_mode_queues_end)
{
	struct drm_dsa_queue_state st;
	struct buf ring;
	uint32_t queue;
	int ret = user_queue_create(&self->rig, &ring, &queue);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "the hardware has no user-mode queues");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, sleep_now("freeze"));
	ASSERT_EQ(0, queue_state(self->rig.fd, queue, &st));
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_RESET, st.flags);
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
	EXPECT_EQ(0, queue_destroy(self->rig.fd, queue));
}

/* A job that does not end keeps the system from sleeping, and is none the worse for it. */
TEST_F(system_sleep, refused_while_a_job_does_not_end)
{
	struct cmds c = rig_cmds(&self->rig, 0);
	struct drm_dsa_sync out;
	uint32_t syncobj;
	uint64_t begin;

	ASSERT_EQ(0, syncobj_create(self->rig.fd, &syncobj));
	out = sync_out(syncobj, 0);
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	ASSERT_EQ(0, submit(self->rig.fd, self->rig.queue, c.va, c.len, &out, 1, NULL));
	begin = accel_now_ns();
	EXPECT_EQ(-EBUSY, sleep_now("freeze"));
	EXPECT_LT(BUSY_MS_MIN * 1000000ull, accel_now_ns() - begin);
	EXPECT_GT(BUSY_MS_MAX * 1000000ull, accel_now_ns() - begin);
	EXPECT_EQ(-EINPROGRESS, syncobj_status(self->rig.fd, syncobj));
	*(volatile uint64_t *)(self->rig.cmd.ptr + RIG_SLOT) = 1;
	EXPECT_EQ(0, syncobj_wait(self->rig.fd, syncobj, 0));
	EXPECT_EQ(0, syncobj_status(self->rig.fd, syncobj));
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
	EXPECT_EQ(0, sleep_now("freeze"));
	EXPECT_EQ(0, rig_proof(&self->rig, self->rig.queue));
}

TEST_HARNESS_MAIN
