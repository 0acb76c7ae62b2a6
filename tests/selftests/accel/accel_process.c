// SPDX-License-Identifier: MIT
/* Processes and files: isolation, and all ways to end with work in flight. */
#include "accel_fixture.h"

#include <signal.h>
#include <sys/socket.h>

ACCEL_FIXTURE(process)

#define VA   0x40000000ull
#define SIZE (256 * KIB)

static struct cmds endless(struct rig *rig)
{
	struct cmds c = rig_cmds(rig, 0);

	cmd_wait(&c, RIG_CMD_VA + 8 * RIG_SLOT, 1);
	return c;
}

/* A context with a buffer full of @seed at VA. */
static int own_data(struct rig *rig, struct buf *b, int fd, uint32_t seed)
{
	int ret = rig_create(rig, fd) ?:
					rig_buf(rig, b, SIZE, seed % 2 ? DRM_DSA_BO_SYSTEM : 0, VA);

	if (!ret)
		buf_pattern(b->ptr, SIZE, seed);
	return ret;
}

/* The device sees @seed at VA, again and again. */
static int verify(struct rig *rig, struct buf *b, uint32_t seed, unsigned int rounds)
{
	const uint64_t seen_va = 0x80000000;
	struct buf seen;
	int ret = rig_buf(rig, &seen, SIZE, DRM_DSA_BO_SYSTEM, seen_va);

	while (!ret && rounds--) {
		struct cmds c = rig_cmds(rig, 1);

		memset(seen.ptr, 0, SIZE);
		cmd_copy(&c, seen_va, VA, SIZE);
		ret = rig_run(rig, &c);
		if (!ret && (buf_pattern_differs(seen.ptr, SIZE, seed) != -1 ||
			     buf_pattern_differs(b->ptr, SIZE, seed) != -1))
			ret = -EBADMSG;
	}
	return ret;
}

TEST_F(process, same_address_in_many_processes)
{
	enum { N = 4 };
	pid_t pid[N];
	int status;

	for (unsigned int i = 0; i < N; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i]) {
			int fd = accel_open();
			struct rig rig;
			struct buf b;

			_exit(fd < 0 || own_data(&rig, &b, fd, i) || verify(&rig, &b, i, 30));
		}
	}
	for (unsigned int i = 0; i < N; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_F(process, what_others_have_mapped_faults)
{
	struct drm_dsa_queue_state state;
	struct rig victim, attacker;
	struct buf b;
	int fd2 = accel_open();

	ASSERT_LE(0, fd2);
	ASSERT_EQ(0, own_data(&victim, &b, self->fd, 3));
	/* From another file, and from another address space of the same one. */
	for (unsigned int i = 0; i < 2; i++) {
		struct cmds c;
		uint32_t queue;

		ASSERT_EQ(0, rig_create(&attacker, i ? self->fd : fd2));
		c = rig_cmds(&attacker, 0);
		cmd_fill(&c, VA, SIZE, 0, 8);
		EXPECT_EQ(-ECANCELED, rig_run(&attacker, &c));
		ASSERT_EQ(0, queue_state(attacker.fd, attacker.queue, &state));
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, state.error_code);
		EXPECT_EQ(VA, state.addr);
		ASSERT_EQ(0, queue_create(attacker.fd, attacker.vm, DRM_DSA_QUEUE_COPY, &queue));
		c = rig_cmds(&attacker, 0);
		cmd_copy(&c, RIG_CMD_VA + RIG_SLOT, VA, 64);
		EXPECT_EQ(-ECANCELED, rig_run_on(&attacker, queue, &c));
		EXPECT_EQ(-1, buf_differs(attacker.cmd.ptr + RIG_SLOT, 64, 0));
	}
	EXPECT_EQ(0, verify(&victim, &b, 3, 3));
	close(fd2);
}

/* What a program finds in scratchpad is never another address space's. */
TEST_F(process, scratchpads_keep_no_secrets)
{
	/* s = scratchpad base + 8 * program: store value, or load and hand out. */
	const uint64_t secret = 0x5ec2e75ec2e75ec2;
	const uint32_t writer[] = {
		rv_ld(RV_A2, RV_A0, 8), rv_addi(RV_A1, RV_ZERO, 1), rv_slli(RV_A1, RV_A1, 48),
		rv_sd(RV_A2, RV_A1, 0), rv_sd(RV_A2, RV_A1, 1024),  RV_RET,
	};
	const uint32_t reader[] = {
		rv_ld(RV_A2, RV_A0, 0),
		rv_addi(RV_A1, RV_ZERO, 1),
		rv_slli(RV_A1, RV_A1, 48),
		rv_ld(RV_A3, RV_A1, 0),
		rv_dsa_rd(RV_A4, DSA_SYS_PID_X),
		rv_slli(RV_A4, RV_A4, 3),
		rv_add(RV_A2, RV_A2, RV_A4),
		rv_sd(RV_A3, RV_A2, 0),
		RV_RET,
	};
	struct rig rig[2];
	struct buf b[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct rv_store_args args = { .dst = VA + 8192, .value = secret };

		ASSERT_EQ(0, rig_create(&rig[i], self->fd));
		ASSERT_EQ(0, rig_buf(&rig[i], &b[i], SIZE, 0, VA));
		memcpy(b[i].ptr, i ? reader : writer, i ? sizeof(reader) : sizeof(writer));
		memcpy(b[i].ptr + 4096, &args, sizeof(args));
	}
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < 2; i++) {
			struct cmds c = rig_cmds(&rig[i], 0);

			cmd_launch(&c, VA, VA + 4096, 64, 0, 0);
			ASSERT_EQ(0, rig_run(&rig[i], &c));
		}
		for (unsigned int p = 0; p < 64; p++)
			ASSERT_NE(secret, ((volatile uint64_t *)(b[1].ptr + 8192))[p]);
	}
}

/* ---- ending ---- */

static int busy(struct rig *rig, int fd)
{
	int ret = rig_create(rig, fd);
	struct cmds c;

	if (ret)
		return ret;
	c = endless(rig);
	for (unsigned int i = 0; !ret && i < 10; i++)
		ret = submit(fd, rig->queue, c.va, c.len, NULL, 0, NULL);
	return ret;
}

TEST_F(process, close_in_flight)
{
	for (unsigned int i = 0; i < 10; i++) {
		struct accel_baseline now;
		int fd = accel_open();
		struct rig rig;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, busy(&rig, fd));
		ASSERT_EQ(0, munmap(rig.cmd.ptr, rig.cmd.size));
		ASSERT_EQ(0, close(fd));
		EXPECT_EQ(0, accel_baseline_wait(self->fd, &self->base, &now));
	}
}

/* How a child ends that has work in flight. */
enum ending { EXIT, KILL_SELF, KILLED_WAITING, KILLED_SUBMITTING, ENDINGS };

static void die(enum ending ending, int tell)
{
	int fd = accel_open();
	struct drm_dsa_sync out;
	uint32_t handle;
	struct rig rig;
	struct cmds c;

	if (fd < 0 || busy(&rig, fd) || syncobj_create(fd, &handle))
		_exit(1);
	c = endless(&rig);
	out = sync_out(handle, 0);
	if (submit(fd, rig.queue, c.va, c.len, &out, 1, NULL) || write(tell, "x", 1) != 1)
		_exit(1);
	switch (ending) {
	case EXIT:
		_exit(0);
	case KILL_SELF:
		kill(getpid(), SIGKILL);
		break;
	case KILLED_WAITING:
		for (;;)
			syncobj_wait(fd, handle, 0);
	default:
		for (;;)
			submit(fd, rig.queue, 0, 0, &out, 1, NULL);
	}
}

TEST_F(process, ends_in_flight)
{
	struct rig rig;

	ASSERT_EQ(0, rig_create(&rig, self->fd));
	for (unsigned int i = 0; i < 3 * ENDINGS; i++) {
		enum ending ending = i % ENDINGS;
		int fds[2], status;
		char byte;
		pid_t pid;

		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			die(ending, fds[1]);
		close(fds[1]);
		EXPECT_EQ(1, read(fds[0], &byte, 1));
		if (ending >= KILLED_WAITING)
			ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(ending == EXIT ? 0 : SIGKILL, status);
		close(fds[0]);
		EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	}
}

/* The file belongs to both: the child's end ends nothing. */
TEST_F(process, fork_shares_the_file)
{
	struct rig rig;
	struct buf b;
	int status;
	pid_t pid;

	ASSERT_EQ(0, own_data(&rig, &b, self->fd, 4));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		bool bad = rig_proof(&rig, rig.queue) || verify(&rig, &b, 4, 2);

		_exit(bad);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	EXPECT_EQ(0, verify(&rig, &b, 4, 2));
}

struct passed {
	uint32_t vm, queue;
};

static int send_fd(int sock, int fd, struct passed what)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &what, sizeof(what) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == sizeof(what) ? 0 : -errno;
}

static int receive_fd(int sock, struct passed *what)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { what, sizeof(*what) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != sizeof(*what) || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* A file that was passed on lives on when its maker is killed. */
TEST_F(process, passed_file_outlives_its_maker)
{
	struct passed what;
	int sock[2], status, fd;
	struct rig rig;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = accel_open();
		if (fd < 0 || rig_create(&rig, fd) ||
		    send_fd(sock[1], fd, (struct passed){ rig.vm, rig.queue }))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	fd = receive_fd(sock[0], &what);
	ASSERT_LE(0, fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, status);
	rig = (struct rig){ .fd = fd, .vm = what.vm, .queue = what.queue };
	ASSERT_EQ(0, rig_buf(&rig, &rig.cmd, RIG_CMD_BYTES, 0, RIG_CMD_VA));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
	close(fd);
}

TEST_HARNESS_MAIN
