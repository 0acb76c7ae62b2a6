// SPDX-License-Identifier: MIT
/*
 * Runs the command and carries its streams: one loop over the port, the command's pipes (or its
 * terminal), the kernel's log, a signalfd and a timer. Nothing in it blocks but poll.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define OUT_SIZE (512 * 1024)
/* Streams may fill the buffer to here; the rest is for what must always fit. */
#define OUT_STREAM_LIMIT (OUT_SIZE - 128 * 1024)

/* Everything a session has; owned by the one thread. */
static struct {
	unsigned char out[OUT_SIZE]; /* to the host */
	size_t out_start, out_end;
	unsigned char in[sizeof(struct frame_header) + FRAME_MAX_PAYLOAD]; /* from the host */
	size_t in_used;
	unsigned char stdin_data[STDIN_WINDOW]; /* for the command */
	size_t stdin_start, stdin_end;
	bool stdin_eof;                               /* the host has no more */
	int to_stdin, from_stdout, from_stderr, kmsg; /* -1 once closed */
	pid_t pid;
	bool tty, exited, ended;
	unsigned int status;
} s;

static size_t out_room(void)
{
	if (s.out_start == s.out_end)
		s.out_start = s.out_end = 0;
	if (s.out_start > OUT_SIZE / 2) {
		memmove(s.out, s.out + s.out_start, s.out_end - s.out_start);
		s.out_end -= s.out_start;
		s.out_start = 0;
	}
	return OUT_SIZE - s.out_end;
}

static bool streams_may_send(void)
{
	return out_room() > OUT_SIZE - OUT_STREAM_LIMIT + FRAME_MAX_PAYLOAD;
}

static void queue_frame(uint8_t type, const void *payload, size_t length)
{
	struct frame_header header = { .type = type, .length = length };

	if (out_room() < sizeof(header) + length)
		return; /* only ever a heartbeat or a credit while the host reads nothing at all */
	memcpy(s.out + s.out_end, &header, sizeof(header));
	memcpy(s.out + s.out_end + sizeof(header), payload, length);
	s.out_end += sizeof(header) + length;
}

static void flush_out(void)
{
	while (s.out_start < s.out_end) {
		ssize_t n = write(link_fd, s.out + s.out_start, s.out_end - s.out_start);

		if (n <= 0)
			return;
		s.out_start += n;
	}
}

static void flush_out_blocking(void)
{
	struct pollfd p = { .fd = link_fd, .events = POLLOUT };

	for (flush_out(); s.out_start < s.out_end; flush_out())
		poll(&p, 1, -1);
}

/* Reads what is there now from one of the command's outputs. False when it is at its end. */
static bool pump_output(int fd, uint8_t type)
{
	unsigned char data[FRAME_MAX_PAYLOAD];
	ssize_t n = read(fd, data, sizeof(data));

	if (n > 0)
		queue_frame(type, data, n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return false;
	return true;
}

static void pump_stdout(void)
{
	if (!pump_output(s.from_stdout, FRAME_STDOUT)) {
		close(s.from_stdout);
		if (s.tty)
			s.to_stdin = -1;
		s.from_stdout = -1;
	}
}

static void pump_stderr(void)
{
	if (!pump_output(s.from_stderr, FRAME_STDERR)) {
		close(s.from_stderr);
		s.from_stderr = -1;
	}
}

static void pump_kmsg(void)
{
	char record[8192];

	while (s.kmsg >= 0 && streams_may_send()) {
		ssize_t n = read(s.kmsg, record, sizeof(record));

		if (n > 0)
			queue_frame(FRAME_LOG, record, n);
		else if (n < 0 &&
			 errno == EPIPE) /* records were overwritten: go on with the next */
			continue;
		else
			return;
	}
}

static void close_stdin(void)
{
	if (s.to_stdin >= 0 && !s.tty)
		close(s.to_stdin);
	s.to_stdin = -1;
	s.stdin_start = s.stdin_end = 0;
}

static void pump_stdin(void)
{
	uint32_t done = 0;

	while (s.to_stdin >= 0 && s.stdin_start < s.stdin_end) {
		ssize_t n = write(s.to_stdin, s.stdin_data + s.stdin_start,
				  s.stdin_end - s.stdin_start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) { /* the command closed it: swallow the rest */
			done += s.stdin_end - s.stdin_start;
			close_stdin();
			break;
		}
		s.stdin_start += n;
		done += n;
	}
	if (done)
		queue_frame(FRAME_CREDIT, &done, sizeof(done));
	if (s.stdin_start == s.stdin_end && s.stdin_eof)
		close_stdin();
}

static void accept_stdin(const void *data, uint32_t length)
{
	if (s.to_stdin < 0) {
		queue_frame(FRAME_CREDIT, &length, sizeof(length));
		return;
	}
	if (s.stdin_start) {
		memmove(s.stdin_data, s.stdin_data + s.stdin_start, s.stdin_end - s.stdin_start);
		s.stdin_end -= s.stdin_start;
		s.stdin_start = 0;
	}
	if (length > sizeof(s.stdin_data) - s.stdin_end)
		link_fail("the host sent more standard input than was granted");
	memcpy(s.stdin_data + s.stdin_end, data, length);
	s.stdin_end += length;
	pump_stdin();
}

static void set_winsize(const struct frame_winsize *w)
{
	struct winsize size = { .ws_row = w->rows, .ws_col = w->columns };

	if (s.tty && s.from_stdout >= 0)
		ioctl(s.from_stdout, TIOCSWINSZ, &size);
}

static void log_blocked_tasks(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "w", 1) < 0)
		queue_frame(FRAME_LOG, "3,0,0,-;no list of blocked tasks", 32);
	close(fd);
}

static void handle_frame(const struct frame_header *header, const void *payload)
{
	uint32_t number = 0;

	switch (header->type) {
	case FRAME_STDIN:
		accept_stdin(payload, header->length);
		break;
	case FRAME_STDIN_EOF:
		s.stdin_eof = true;
		pump_stdin();
		break;
	case FRAME_SIGNAL:
		if (header->length == sizeof(number)) {
			memcpy(&number, payload, sizeof(number));
			kill(-s.pid, number);
		}
		break;
	case FRAME_WINSIZE:
		if (header->length == sizeof(struct frame_winsize))
			set_winsize(payload);
		break;
	case FRAME_BLOCKED:
		log_blocked_tasks();
		break;
	case FRAME_END:
		s.ended = true;
		break;
	}
}

static void pump_link(void)
{
	struct frame_header header;
	ssize_t n = read(link_fd, s.in + s.in_used, sizeof(s.in) - s.in_used);
	size_t at = 0;

	if (n == 0) { /* the host went away */
		reboot(RB_POWER_OFF);
		_exit(1);
	}
	if (n > 0)
		s.in_used += n;
	while (s.in_used - at >= sizeof(header)) {
		memcpy(&header, s.in + at, sizeof(header));
		if (header.length > FRAME_MAX_PAYLOAD)
			link_fail("a frame of %u bytes from the host", header.length);
		if (s.in_used - at < sizeof(header) + header.length)
			break;
		handle_frame(&header, s.in + at + sizeof(header));
		at += sizeof(header) + header.length;
	}
	memmove(s.in, s.in + at, s.in_used - at);
	s.in_used -= at;
}

/* As process 1 we inherit everybody's orphans. */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s.pid)
			continue;
		s.exited = true;
		s.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

static void run_command(const struct job *job)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpriority(PRIO_PROCESS, 0, 0);
	if (job->cwd && chdir(job->cwd)) {
		fprintf(stderr, "dsa-vm: cannot go to %s in the guest: %s\n", job->cwd,
			strerror(errno));
		_exit(126);
	}
	execvpe(job->args[0], job->args, job->envs);
	fprintf(stderr, "dsa-vm: cannot run %s in the guest: %s\n", job->args[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void start_on_tty(const struct job *job)
{
	struct winsize size = { .ws_row = job->winsize.rows, .ws_col = job->winsize.columns };
	int master;

	s.pid = forkpty(&master, NULL, NULL, &size);
	if (s.pid == 0)
		run_command(job);
	if (s.pid < 0)
		link_fail("cannot start the command: %s", strerror(errno));
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(master, F_SETFL, O_NONBLOCK);
	s.to_stdin = s.from_stdout = master;
	s.from_stderr = -1;
}

static void start_on_pipes(const struct job *job)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		link_fail("cannot make pipes: %s", strerror(errno));
	s.pid = fork();
	if (s.pid == 0) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		run_command(job);
	}
	if (s.pid < 0)
		link_fail("cannot start the command: %s", strerror(errno));
	close(in[0]);
	close(out[1]);
	close(err[1]);
	s.to_stdin = in[1];
	s.from_stdout = out[0];
	s.from_stderr = err[0];
	fcntl(s.to_stdin, F_SETFL, O_NONBLOCK);
	fcntl(s.from_stdout, F_SETFL, O_NONBLOCK);
	fcntl(s.from_stderr, F_SETFL, O_NONBLOCK);
}

static int heartbeat_timer(void)
{
	struct itimerspec every = { .it_interval = { .tv_sec = 1 }, .it_value = { .tv_sec = 1 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	timerfd_settime(fd, 0, &every, NULL);
	return fd;
}

static void drain(int fd)
{
	char data[4096];

	while (read(fd, data, sizeof(data)) > 0)
		;
}

static void loop(int signals, int timer)
{
	enum { LINK, SIGNALS, TIMER, KMSG, STDOUT, STDERR, STDIN, N };

	while (!s.exited) {
		bool room = streams_may_send(), input = s.stdin_start < s.stdin_end;
		struct pollfd p[N] = {
			[LINK] = { link_fd, POLLIN | (s.out_start < s.out_end ? POLLOUT : 0), 0 },
			[SIGNALS] = { signals, POLLIN, 0 },
			[TIMER] = { timer, POLLIN, 0 },
			[KMSG] = { room ? s.kmsg : -1, POLLIN, 0 },
			[STDOUT] = { room ? s.from_stdout : -1, POLLIN, 0 },
			[STDERR] = { room ? s.from_stderr : -1, POLLIN, 0 },
			[STDIN] = { input ? s.to_stdin : -1, POLLOUT, 0 },
		};

		if (poll(p, N, -1) < 0)
			continue;
		if (p[TIMER].revents) {
			drain(timer);
			queue_frame(FRAME_ALIVE, "", 0);
		}
		if (p[KMSG].revents)
			pump_kmsg();
		if (p[STDOUT].revents)
			pump_stdout();
		if (p[STDERR].revents && streams_may_send())
			pump_stderr();
		if (p[STDIN].revents)
			pump_stdin();
		if (p[LINK].revents & POLLIN)
			pump_link();
		flush_out();
		if (p[SIGNALS].revents) {
			drain(signals);
			reap();
		}
	}
}

/* The command is over: what it has written is in the pipes; nobody need close them for us. */
static void finish_streams(void)
{
	for (int *fd = &s.from_stdout;; fd = &s.from_stderr) {
		unsigned char data[FRAME_MAX_PAYLOAD];
		ssize_t n;

		while (*fd >= 0 && (n = read(*fd, data, sizeof(data))) > 0) {
			queue_frame(fd == &s.from_stdout ? FRAME_STDOUT : FRAME_STDERR, data, n);
			flush_out_blocking();
		}
		if (fd == &s.from_stderr)
			return;
	}
}

unsigned int session_run(const struct job *job)
{
	sigset_t child;
	int signals, timer = heartbeat_timer();

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	s.kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	s.tty = job->tty;

	/* However busy the command is, its streams and the heartbeat go on. */
	if (job->tty)
		start_on_tty(job);
	else
		start_on_pipes(job);
	setpriority(PRIO_PROCESS, 0, -20);
	link_phase("command");
	fcntl(link_fd, F_SETFL, O_NONBLOCK);

	loop(signals, timer);
	kill(-1, SIGKILL); /* first, or who goes on writing would keep us here */
	finish_streams();
	pump_kmsg();
	flush_out_blocking();
	pump_kmsg();
	queue_frame(FRAME_EXIT, &s.status, sizeof(s.status));
	flush_out_blocking();
	/* Megabytes may wait in the port for a host whose reader is slow; powering off would lose them. */
	while (!s.ended) {
		struct pollfd p = { .fd = link_fd, .events = POLLIN };

		poll(&p, 1, -1);
		pump_link();
	}
	return s.status;
}
