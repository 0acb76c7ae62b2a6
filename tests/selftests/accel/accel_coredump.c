// SPDX-License-Identifier: MIT
/* What the driver leaves in devcoredump when something hangs, and that dsa-smi reads it. */
#include "accel_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <sys/wait.h>
#include <time.h>

#include <drm/dsa_coredump.h>

#define DUMPS   "/sys/class/devcoredump/devcd*/data"
#define CODE_VA 0x300000000ull

ACCEL_FIXTURE(coredump)

struct dump {
	uint8_t data[1 << 20];
	size_t size;
};

/* Any write lets go of a dump. */
static int drop_dumps(void)
{
	glob_t found;
	int ret = 0;

	if (!glob(DUMPS, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++) {
			int fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);

			if (fd < 0 || write(fd, "0", 1) != 1)
				ret = -errno;
			close(fd);
		}
	globfree(&found);
	return ret;
}

static int read_dump(const char *path, struct dump *dump)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	dump->size = 0;
	do {
		n = read(fd, dump->data + dump->size, sizeof(dump->data) - dump->size);
		dump->size += n > 0 ? n : 0;
	} while (n > 0);
	close(fd);
	return n;
}

/* The one that is there, waited for: the driver gives it away in its own time. */
static int wait_dump(struct dump *dump)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;
	int ret = -ETIME;
	glob_t found;

	do {
		if (!glob(DUMPS, 0, NULL, &found) && found.gl_pathc)
			ret = read_dump(found.gl_pathv[0], dump);
		globfree(&found);
		if (ret == -ETIME)
			nanosleep(&pause, NULL);
	} while (ret == -ETIME && accel_now_ns() < end);
	return ret;
}

static const struct dsa_dump_section *section(const struct dump *dump, uint32_t type)
{
	const struct dsa_dump_header *h = (const void *)dump->data;
	size_t at = h->header_bytes;

	while (at + sizeof(struct dsa_dump_section) <= dump->size) {
		const struct dsa_dump_section *s = (const void *)(dump->data + at);

		if (s->type == type)
			return s;
		at += sizeof(*s) + (size_t)s->count * s->stride;
	}
	return NULL;
}

static const void *element(const struct dsa_dump_section *s, uint32_t i)
{
	return (const uint8_t *)(s + 1) + (size_t)i * s->stride;
}

static uint64_t reg(const struct dump *dump, const char *name)
{
	const struct dsa_dump_section *s = section(dump, DSA_DUMP_REGISTERS);

	for (uint32_t i = 0; s && i < s->count; i++) {
		const struct dsa_dump_register *r = element(s, i);

		if (!strcmp(r->name, name))
			return r->value;
	}
	return ~0ull;
}

static int short_queue(struct rig *rig, uint32_t *queue)
{
	char before[32];
	int ret = param_read("job_timeout_ms", before, sizeof(before));

	ret = ret ?: param_write("job_timeout_ms", "300");
	ret = ret ?: queue_create(rig->fd, rig->vm, DRM_DSA_QUEUE_COMPUTE, queue);
	return param_write("job_timeout_ms", before) ?: ret;
}

/* The program that belongs to this test, when run from the tree it was built in. */
static bool find_smi(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return false;
	self[n] = 0;
	snprintf(path, size, "%s/../../../bin/dsa-smi", dirname(self));
	return !access(path, X_OK);
}

static int run_smi(const char *smi, const char *file, char *out, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execl(smi, smi, "coredump", file, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], out + len, size - 1 - len)) > 0)
		len += n;
	out[len] = 0;
	close(fds[0]);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* A program that never ends, on three cores, behind some jobs that did. */
TEST_F(coredump, hang)
{
	static struct dump dump;
	const struct dsa_dump_header *h = (const void *)dump.data;
	const struct dsa_dump_section *s;
	const struct dsa_dump_info *info;
	const struct dsa_dump_packet *packet;
	const struct dsa_dump_bytes *bytes;
	char smi[PATH_MAX + 32], file[] = "/tmp/accel-coredump-XXXXXX", out[1 << 16];
	uint32_t queue, found = 0, len;
	struct buf code, system;
	struct rig rig;
	struct cmds c;
	int fd;

	ASSERT_EQ(0, drop_dumps());
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &code, PAGE, 0, CODE_VA));
	/* The commands are in system memory: read through the page tables all the same. */
	ASSERT_EQ(0, rig_buf(&rig, &system, 2 * PAGE, DRM_DSA_BO_SYSTEM, CODE_VA + PAGE));
	*(volatile uint32_t *)code.ptr = RV_LOOP_FOREVER;
	ASSERT_EQ(0, short_queue(&rig, &queue));
	for (unsigned int i = 0; i < 6; i++)
		ASSERT_EQ(0, rig_proof(&rig, queue));
	c = (struct cmds){ .ptr = system.ptr, .va = system.va, .room = system.size };
	cmd_nop(&c);
	cmd_launch(&c, CODE_VA, 0, 3, 0, 99);
	len = c.len;
	ASSERT_EQ(-ECANCELED, rig_run_on(&rig, queue, &c));

	ASSERT_EQ(0, wait_dump(&dump));
	ASSERT_LT(sizeof(*h), dump.size);
	EXPECT_EQ(DSA_DUMP_MAGIC, h->magic);
	EXPECT_EQ(dump.size, h->total_bytes);

	s = section(&dump, DSA_DUMP_INFO);
	ASSERT_NE(NULL, s);
	info = element(s, 0);
	EXPECT_EQ(DSA_DUMP_LEVEL_QUEUE, info->level);
	EXPECT_EQ(300, info->timeout_ms);
	EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_TIMEDOUT, info->queue_flags);
	EXPECT_EQ(7, info->job_id);
	EXPECT_EQ(system.va, info->cmd_va);
	EXPECT_EQ(len, info->cmd_size);

	/* As it was left: before, it was running, as the section of queues says. */
	EXPECT_EQ(0, reg(&dump, "Q_STATE"));
	EXPECT_EQ(6, reg(&dump, "Q_HEAD"));
	EXPECT_EQ(7, reg(&dump, "Q_TAIL"));
	EXPECT_EQ(99, reg(&dump, "Q_ERR_LAUNCH_ID"));
	EXPECT_EQ(info->asid, reg(&dump, "Q_ASID"));

	s = section(&dump, DSA_DUMP_QUEUES);
	ASSERT_NE(NULL, s);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct dsa_dump_queue *q = element(s, i);

		if (q->index != info->queue)
			continue;
		found++;
		EXPECT_EQ(7, q->submitted);
		EXPECT_EQ(6, q->completed);
		EXPECT_EQ(1, q->state);
		EXPECT_EQ(1, q->busy);
	}
	EXPECT_EQ(1, found);

	/* Where the three programs are, and that nothing else is at work for the queue. */
	s = section(&dump, DSA_DUMP_ENGINES);
	ASSERT_NE(NULL, s);
	found = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct dsa_dump_engine *e = element(s, i);

		if (e->kind != DSA_ENGINE_CORE)
			continue;
		EXPECT_EQ(info->queue, e->queue);
		EXPECT_EQ(99, e->launch_id);
		EXPECT_EQ(CODE_VA, e->pc);
		EXPECT_EQ(0, e->wait);
		EXPECT_GT(3, e->program[0]);
		found |= 1u << e->program[0];
	}
	EXPECT_EQ(7, found);

	s = section(&dump, DSA_DUMP_RING);
	ASSERT_NE(NULL, s);
	ASSERT_EQ(5, s->count);
	packet = element(s, 4);
	EXPECT_EQ(6, packet->number);
	EXPECT_EQ(system.va, packet->words[1]);
	EXPECT_EQ(7, packet->words[5]);

	s = section(&dump, DSA_DUMP_COMMANDS);
	ASSERT_NE(NULL, s);
	ASSERT_EQ(1, s->count);
	bytes = element(s, 0);
	EXPECT_EQ(system.va, bytes->va);
	ASSERT_EQ(len, bytes->bytes);
	EXPECT_EQ(0, memcmp(bytes->data, system.ptr, len));

	s = section(&dump, DSA_DUMP_PAGES);
	ASSERT_NE(NULL, s);
	EXPECT_EQ(0, s->flags);
	found = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct dsa_dump_page *page = element(s, i);
		uint64_t end = page->va + page->count * PAGE;

		found |= page->va <= CODE_VA && CODE_VA < end ? 1 : 0;
		found |= page->va <= RIG_CMD_VA && RIG_CMD_VA < end ? 2 : 0;
	}
	EXPECT_EQ(3, found);

	if (!find_smi(smi, sizeof(smi)))
		SKIP(return, "no dsa-smi beside this test");
	fd = mkstemp(file);
	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)dump.size, write(fd, dump.data, dump.size));
	EXPECT_EQ(0, run_smi(smi, file, out, sizeof(out)));
	EXPECT_NE(NULL, strstr(out, "dead, timed out"));
	EXPECT_NE(NULL, strstr(out, "LAUNCH"));
	close(fd);
	unlink(file);
	ASSERT_EQ(0, drop_dumps());
}

/* A large command buffer is cut around the command that hangs. */
TEST_F(coredump, the_command_that_hangs_is_there)
{
	static struct dump dump;
	const struct dsa_dump_section *s;
	uint64_t at;
	struct buf commands;
	uint32_t queue, found = 0;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, drop_dumps());
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &commands, MIB, 0, CODE_VA));
	ASSERT_EQ(0, short_queue(&rig, &queue));
	c = (struct cmds){ .ptr = commands.ptr, .va = commands.va, .room = commands.size };
	while (c.len < MIB / 2)
		cmd_nop(&c);
	at = c.va + c.len;
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	while (c.len < MIB)
		cmd_nop(&c);
	ASSERT_EQ(-ECANCELED, rig_run_on(&rig, queue, &c));
	ASSERT_EQ(0, wait_dump(&dump));
	s = section(&dump, DSA_DUMP_COMMANDS);
	ASSERT_NE(NULL, s);
	EXPECT_EQ(DSA_DUMP_CUT, s->flags);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct dsa_dump_bytes *b = element(s, i);

		found += b->va <= at && at < b->va + b->bytes;
	}
	EXPECT_EQ(1, found);
	/* And what its front end waits for. */
	s = section(&dump, DSA_DUMP_ENGINES);
	ASSERT_NE(NULL, s);
	found = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct dsa_dump_engine *e = element(s, i);

		if (e->kind != DSA_ENGINE_FRONTEND)
			continue;
		found++;
		EXPECT_EQ(RIG_CMD_VA + RIG_SLOT, e->wait_addr);
	}
	EXPECT_EQ(1, found);
	ASSERT_EQ(0, drop_dumps());
}

/* A job whose commands are not mapped, or half: said so, nothing made up. */
TEST_F(coredump, what_is_not_mapped_is_not_there)
{
	static struct dump dump;
	const struct dsa_dump_section *s;
	const struct dsa_dump_bytes *b;
	struct buf commands;
	uint32_t queue;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, drop_dumps());
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &commands, PAGE, 0, CODE_VA));
	ASSERT_EQ(0, short_queue(&rig, &queue));
	c = (struct cmds){ .ptr = commands.ptr, .va = commands.va, .room = commands.size };
	cmd_wait(&c, RIG_CMD_VA + RIG_SLOT, 1);
	c.len = 2 * PAGE;
	ASSERT_EQ(-ECANCELED, rig_run_on(&rig, queue, &c));
	ASSERT_EQ(0, wait_dump(&dump));
	s = section(&dump, DSA_DUMP_COMMANDS);
	ASSERT_NE(NULL, s);
	for (uint32_t i = 0; i < s->count; i++) {
		b = element(s, i);
		EXPECT_EQ(b->va < CODE_VA + PAGE ? sizeof(b->data) : 0, b->bytes);
	}
	ASSERT_EQ(0, drop_dumps());
}

/* A reset that nobody is to blame for. */
TEST_F(coredump, device_reset)
{
	static struct dump dump;
	const struct dsa_dump_section *s;
	const struct dsa_dump_info *info;
	int ret;

	ASSERT_EQ(0, drop_dumps());
	ret = device_reset();
	if (ret == -ENOENT)
		SKIP(return, "debugfs is not mounted");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, wait_dump(&dump));
	s = section(&dump, DSA_DUMP_INFO);
	ASSERT_NE(NULL, s);
	info = element(s, 0);
	EXPECT_EQ(DSA_DUMP_LEVEL_DEVICE, info->level);
	EXPECT_EQ(DSA_DUMP_NO_QUEUE, info->queue);
	EXPECT_EQ(NULL, section(&dump, DSA_DUMP_RING));
	EXPECT_EQ(NULL, section(&dump, DSA_DUMP_PAGES));
	ASSERT_EQ(0, drop_dumps());
}

/* A fault is the program's business: its queue's record says all, and there is no dump. */
TEST_F(coredump, not_for_faults)
{
	glob_t found;
	struct rig rig;
	struct cmds c;

	ASSERT_EQ(0, drop_dumps());
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	c = rig_cmds(&rig, 0);
	cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
	ASSERT_EQ(-ECANCELED, rig_run(&rig, &c));
	EXPECT_EQ(GLOB_NOMATCH, glob(DUMPS, 0, NULL, &found));
	globfree(&found);
}

TEST_HARNESS_MAIN
