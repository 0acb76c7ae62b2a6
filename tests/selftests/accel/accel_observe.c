// SPDX-License-Identifier: MIT
/* What can be seen from outside: fdinfo, sensors, debugfs, tracepoints, counts of faults. */
#include "accel_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#define DEBUG_FILES "/sys/kernel/debug/accel/*/"
#define HWMON_FILES "/sys/bus/pci/drivers/dsa_accel/*:*/hwmon/hwmon*/"
#define TRACE_DIR   "/sys/kernel/tracing/instances/accel_observe"
#define DATA_VA     0x200000000ull
#define CODE_VA     0x300000000ull
#define TEXT_MAX    (256 * KIB)

ACCEL_FIXTURE(observe)

/* The content of the one file that @pattern finds; NULL and errno when there is none. */
static char *read_text(const char *pattern)
{
	static char text[TEXT_MAX];
	size_t len = 0;
	glob_t found;
	ssize_t n;
	int fd;

	if (glob(pattern, 0, NULL, &found)) {
		errno = ENOENT;
		return NULL;
	}
	fd = open(found.gl_pathv[0], O_RDONLY);
	globfree(&found);
	if (fd < 0)
		return NULL;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
	return n < 0 ? NULL : text;
}

static long long read_number(const char *pattern)
{
	char *text = read_text(pattern);

	return text ? strtoll(text, NULL, 10) : LLONG_MIN;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(fd);
	return ret;
}

/* The number after @key in a file's fdinfo, or -1. */
static long long fdinfo(int fd, const char *key)
{
	char path[64], *text, *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text = read_text(path);
	at = text ? strstr(text, key) : NULL;
	return at && (at == text || at[-1] == '\n') ? strtoll(at + strlen(key), NULL, 10) : -1;
}

/* Runs a launch of some programs, and a copy, on @queue of @rig. */
static int work(struct rig *rig, uint32_t queue, unsigned int programs)
{
	struct cmds c = rig_cmds(rig, 1);
	struct rv_store_args *args;
	struct buf data, code;
	int ret;

	ret = rig_buf(rig, &data, 64 * KIB, 0, DATA_VA);
	if (!ret)
		ret = rig_buf(rig, &code, 64 * KIB, 0, CODE_VA);
	if (ret)
		return ret;
	rv_program_store(code.ptr);
	args = (struct rv_store_args *)(code.ptr + 4 * KIB);
	*args = (struct rv_store_args){ DATA_VA, 5 };
	cmd_launch(&c, CODE_VA, CODE_VA + 4 * KIB, programs, 0, 77);
	cmd_copy(&c, DATA_VA + 32 * KIB, DATA_VA, 8 * KIB);
	ret = rig_run_on(rig, queue, &c);
	buf_destroy(rig->fd, &data);
	buf_destroy(rig->fd, &code);
	return ret;
}

TEST_F(observe, fdinfo_counts_engine_time)
{
	long long compute, copy;
	struct rig rig;
	int other = accel_open();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	EXPECT_EQ(0, fdinfo(self->fd, "drm-engine-compute:"));
	EXPECT_EQ(0, fdinfo(self->fd, "drm-engine-copy:"));
	ASSERT_EQ(0, work(&rig, rig.queue, 100));
	compute = fdinfo(self->fd, "drm-engine-compute:");
	copy = fdinfo(self->fd, "drm-engine-copy:");
	EXPECT_LT(0, compute);
	EXPECT_LT(0, copy);
	ASSERT_EQ(0, work(&rig, rig.queue, 200));
	EXPECT_EQ(3 * compute, fdinfo(self->fd, "drm-engine-compute:"));
	EXPECT_EQ(2 * copy, fdinfo(self->fd, "drm-engine-copy:"));
	EXPECT_LE(fdinfo(self->fd, "drm-cycles-compute:"),
		  fdinfo(self->fd, "drm-total-cycles-compute:") *
			  fdinfo(self->fd, "drm-engine-capacity-compute:"));
	EXPECT_EQ(0, fdinfo(other, "drm-engine-compute:"));
	close(other);

	/* What a queue has used is not forgotten with it. */
	rig_destroy(&rig);
	EXPECT_EQ(3 * compute, fdinfo(self->fd, "drm-engine-compute:"));
	EXPECT_EQ(2 * copy, fdinfo(self->fd, "drm-engine-copy:"));
}

TEST_F(observe, fdinfo_counts_a_killed_queue)
{
	struct drm_dsa_queue_state st;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, work(&rig, rig.queue, 50));
	c = rig_cmds(&rig, 2);
	cmd_copy(&c, RIG_UNMAPPED_VA, RIG_CMD_VA, 64);
	EXPECT_EQ(-ECANCELED, rig_run(&rig, &c));
	ASSERT_EQ(0, queue_state(self->fd, rig.queue, &st));
	EXPECT_LT(0, fdinfo(self->fd, "drm-engine-compute:"));
	EXPECT_EQ(0, fdinfo(self->fd, "dsa-queues-compute:"));
	rig_destroy(&rig);
}

TEST_F(observe, sensors)
{
	struct drm_dsa_telemetry t = { 0 };
	uint32_t size = sizeof(t);

	ASSERT_EQ(0, accel_query(self->fd, DRM_DSA_QUERY_TELEMETRY, &t, &size));
	EXPECT_STREQ("dsa_accel\n", read_text(HWMON_FILES "name"));
	EXPECT_STREQ("core\n", read_text(HWMON_FILES "temp1_label"));
	EXPECT_STREQ("HBM\n", read_text(HWMON_FILES "temp2_label"));
	EXPECT_STREQ("core\n", read_text(HWMON_FILES "freq1_label"));
	EXPECT_LT(20000, read_number(HWMON_FILES "temp1_input"));
	EXPECT_GT(120000, read_number(HWMON_FILES "temp1_input"));
	EXPECT_LT(20000, read_number(HWMON_FILES "temp2_input"));
	EXPECT_GT(120000, read_number(HWMON_FILES "temp2_input"));
	/* Microwatts: between 10 W and 1 kW. */
	EXPECT_LT(10000000, read_number(HWMON_FILES "power1_input"));
	EXPECT_GT(1000000000, read_number(HWMON_FILES "power1_input"));
	EXPECT_EQ((long long)t.clock_khz * 1000, read_number(HWMON_FILES "freq1_input"));
}

static int ras(int fd, struct drm_dsa_ras_info *info)
{
	uint32_t size = sizeof(*info);

	return accel_query(fd, DRM_DSA_QUERY_RAS, info, &size);
}

TEST_F(observe, faults_are_counted_and_logged)
{
	struct drm_dsa_ras_info before, after;
	char line[160], *text;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, ras(self->fd, &before));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	c = rig_cmds(&rig, 0);
	cmd_copy(&c, RIG_UNMAPPED_VA, RIG_CMD_VA, 64);
	EXPECT_EQ(-ECANCELED, rig_run(&rig, &c));
	ASSERT_EQ(0, ras(self->fd, &after));
	EXPECT_EQ(before.faults + 1, after.faults);
	EXPECT_EQ(before.timeouts, after.timeouts);
	EXPECT_EQ(before.device_resets, after.device_resets);

	snprintf(line, sizeof(line), " %lld %u dsa-compute-", fdinfo(self->fd, "drm-client-id:"),
		 rig.queue);
	text = read_text(DEBUG_FILES "faults");
	ASSERT_NE(NULL, text);
	text = strstr(text, line);
	ASSERT_NE(NULL, text);
	text[strcspn(text, "\n")] = '\0';
	EXPECT_NE(NULL, strstr(text, " fault "));
	EXPECT_NE(NULL, strstr(text, "0x7f0000000000"));
	snprintf(line, sizeof(line), "faults           %llu\n", (unsigned long long)after.faults);
	EXPECT_NE(NULL, strstr(read_text(DEBUG_FILES "ras"), line));
	rig_destroy(&rig);
}

TEST_F(observe, debugfs_shows_what_there_is)
{
	char line[160], *text;
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, work(&rig, rig.queue, 10));
	snprintf(line, sizeof(line), "client %lld vm_id %u asid ",
		 fdinfo(self->fd, "drm-client-id:"), rig.vm);
	text = read_text(DEBUG_FILES "vms");
	ASSERT_NE(NULL, text);
	EXPECT_NE(NULL, strstr(text, line));
	/* The commands' mapping. */
	EXPECT_NE(NULL, strstr(text, "0x0000000100000000"));
	snprintf(line, sizeof(line), "%6lld %6u system  %12llu", fdinfo(self->fd, "drm-client-id:"),
		 rig.cmd.handle, (unsigned long long)rig.cmd.size);
	EXPECT_NE(NULL, strstr(read_text(DEBUG_FILES "bos"), line));
	snprintf(line, sizeof(line), "client %lld queue_id %u head 1 tail 1 fence 1",
		 fdinfo(self->fd, "drm-client-id:"), rig.queue);
	EXPECT_NE(NULL, strstr(read_text(DEBUG_FILES "rings"), line));
	EXPECT_NE(NULL, strstr(read_text(DEBUG_FILES "engines"), "compute busy"));
	EXPECT_NE(NULL, strstr(read_text(DEBUG_FILES "queues"), "compute"));
	EXPECT_NE(NULL, strstr(read_text(DEBUG_FILES "memory"), "hbm total"));
	rig_destroy(&rig);
}

static void *read_all(void *stop)
{
	static const char *const files[] = { "vms",    "bos",    "rings",  "engines",
					     "queues", "memory", "faults", "ras" };
	char pattern[96], text[4096];
	glob_t found;

	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		for (unsigned int i = 0; i < ARRAY_LEN(files); i++) {
			int fd;

			snprintf(pattern, sizeof(pattern), DEBUG_FILES "%s", files[i]);
			if (glob(pattern, 0, NULL, &found))
				continue;
			fd = open(found.gl_pathv[0], O_RDONLY);
			globfree(&found);
			while (read(fd, text, sizeof(text)) > 0)
				;
			close(fd);
		}
	}
	return NULL;
}

/* Readers meet clients at every stage of their life. */
TEST_F(observe, reading_races_with_life_and_death)
{
	bool stop = false;
	pthread_t reader;

	ASSERT_EQ(0, pthread_create(&reader, NULL, read_all, &stop));
	for (unsigned int i = 0; i < 20; i++) {
		int fd = accel_open();
		struct rig rig;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, rig_create(&rig, fd));
		EXPECT_EQ(0, work(&rig, rig.queue, 10));
		EXPECT_LT(0, fdinfo(fd, "drm-engine-compute:"));
		/* Every other client leaves without a word. */
		if (i % 2)
			rig_destroy(&rig);
		close(fd);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
}

/* A line of the trace with all of @words; NULL: there is none. */
static const char *trace_line(char *trace, const char *event, const char *words)
{
	static char line[512];

	for (char *at = trace, *end; (end = strchr(at, '\n')); at = end + 1) {
		size_t n = (size_t)(end - at) < sizeof(line) ? (size_t)(end - at) :
							       sizeof(line) - 1;

		memcpy(line, at, n);
		line[n] = '\0';
		if (strstr(line, event) && strstr(line, words))
			return line;
	}
	return NULL;
}

TEST_F(observe, tracepoints_tell_a_jobs_life)
{
	char words[128], *trace;
	uint64_t job = 0;
	uint32_t done;
	struct rig rig;
	struct cmds c;

	if (mkdir(TRACE_DIR, 0700) && errno != EEXIST)
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, write_text(TRACE_DIR "/events/dsa_accel/enable", "1"));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &done));
	c = rig_cmds(&rig, 0);
	cmd_nop(&c);
	for (unsigned int i = 0; i < 3; i++) {
		struct drm_dsa_sync out = sync_out(done, 0);

		ASSERT_EQ(0, submit(self->fd, rig.queue, c.va, c.len, &out, 1, &job));
		ASSERT_EQ(0, syncobj_wait(self->fd, done, 0));
	}
	c = rig_cmds(&rig, 1);
	cmd_copy(&c, RIG_UNMAPPED_VA, RIG_CMD_VA, 64);
	EXPECT_EQ(-ECANCELED, rig_run(&rig, &c));
	ASSERT_EQ(0, write_text(TRACE_DIR "/events/dsa_accel/enable", "0"));

	trace = read_text(TRACE_DIR "/trace");
	ASSERT_NE(NULL, trace);
	EXPECT_EQ(3, job);
	snprintf(words, sizeof(words), "client=%lld queue_id=%u queue=dsa-compute-",
		 fdinfo(self->fd, "drm-client-id:"), rig.queue);
	trace = strdup(read_text(TRACE_DIR "/trace"));
	EXPECT_NE(NULL, trace_line(trace, "dsa_job_submit: ", words));
	EXPECT_NE(NULL, trace_line(trace, "dsa_job_run: ", words));
	EXPECT_NE(NULL, trace_line(trace, "dsa_job_submit: ", "job=3 cmd_va=0x100000000"));
	EXPECT_NE(NULL, trace_line(trace, "dsa_job_run: ", "job=3 seqno=3"));
	EXPECT_NE(NULL, trace_line(trace, "dsa_job_done: ", "job=3 seqno=3 error=0"));
	EXPECT_NE(NULL, trace_line(trace, "dsa_queue_stop: ", "job=4"));
	EXPECT_NE(NULL, trace_line(trace, "dsa_job_done: ", "job=4 seqno=4 error=-125"));
	free(trace);
	EXPECT_EQ(0, rmdir(TRACE_DIR));
	EXPECT_EQ(0, syncobj_destroy(self->fd, done));
	rig_destroy(&rig);
}

TEST_HARNESS_MAIN
