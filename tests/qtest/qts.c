// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
/* Starts QEMU and speaks its qtest and QMP protocols. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qts.h"
#include "tap.h"

#define MAX_QEMUS 4
#define LINE_SIZE (1 << 20)
#define MAX_ARGS  64

/* A line-based connection. */
struct line {
	int fd;
	size_t have;
	char *buf;
	char *line;
};

struct qts {
	pid_t pid;
	struct line test, qmp;
	FILE *messages; /* its stderr */
	char events[8192];
};

static struct qts *started[MAX_QEMUS];

static void line_init(struct line *l, int fd)
{
	l->fd = fd;
	l->buf = malloc(LINE_SIZE);
	l->line = malloc(LINE_SIZE);
	if (!l->buf || !l->line)
		abort();
}

static void line_free(struct line *l)
{
	if (l->buf)
		close(l->fd);
	free(l->buf);
	free(l->line);
}

static void line_send(struct line *l, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(l->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			FAIL("QEMU does not listen: %s", strerror(errno));
		text += n;
		len -= n;
	}
}

/* The next line, without its end. NULL when none comes within @ms. */
static char *line_receive(struct line *l, int ms)
{
	for (;;) {
		char *end = memchr(l->buf, '\n', l->have);
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		ssize_t n;

		if (end) {
			size_t len = end - l->buf;

			memcpy(l->line, l->buf, len);
			l->line[len] = '\0';
			l->have -= len + 1;
			memmove(l->buf, end + 1, l->have);
			return l->line;
		}
		if (l->have == LINE_SIZE)
			FAIL("QEMU sent a line of more than %d bytes", LINE_SIZE);
		if (poll(&p, 1, ms) == 0)
			return NULL;
		n = recv(l->fd, l->buf + l->have, LINE_SIZE - l->have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			FAIL("QEMU closed the connection: it crashed or quit");
		l->have += n;
	}
}

/* ---- processes ---- */

static int split(char *text, char **argv, int argc)
{
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		if (argc == MAX_ARGS - 1)
			abort();
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}

/* QEMU with a machine that has no guest, the firmware beside it. */
static char **command(const char *more)
{
	static char text[4096], bios[1024];
	static char *argv[MAX_ARGS];
	const char *qemu = getenv("QEMU");
	const char *slash;

	if (!qemu || access(qemu, X_OK)) {
		printf("Bail out! set QEMU to a qemu-system-x86_64 that has the device (make qemu)\n");
		exit(1);
	}
	slash = strrchr(qemu, '/');
	snprintf(bios, sizeof(bios), "%.*s/bios", slash ? (int)(slash - qemu) : 1,
		 slash ? qemu : ".");
	snprintf(text, sizeof(text),
		 "-accel qtest -display none -nodefaults -no-user-config%s%s %s",
		 access(bios, R_OK) ? "" : " -L ", access(bios, R_OK) ? "" : bios, more);
	argv[0] = (char *)qemu;
	split(text, argv, 1);
	return argv;
}

static void child(char **argv, int in_out, int err)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in_out >= 0) {
		dup2(in_out, 0);
		dup2(in_out, 1);
	}
	if (err >= 0) {
		dup2(err, 1);
		dup2(err, 2);
	}
	execv(argv[0], argv);
	fprintf(stderr, "# cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

struct qts *qts_start(const char *fmt, ...)
{
	char args[2048], more[3072];
	int test[2], qmp[2], slot = 0;
	struct qts *s = calloc(1, sizeof(*s));
	char **argv;
	va_list ap;

	while (slot < MAX_QEMUS && started[slot])
		slot++;
	if (!s || slot == MAX_QEMUS)
		abort();
	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, test) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp))
		abort();
	snprintf(more, sizeof(more),
		 "-qtest stdio -qtest-log /dev/null "
		 "-chardev socket,id=qmp,fd=%d -mon chardev=qmp,mode=control %s",
		 qmp[1], args);
	argv = command(more);
	s->messages = tmpfile();
	if (!s->messages)
		abort();
	fflush(stdout);
	s->pid = fork();
	if (s->pid == 0) {
		fcntl(qmp[1], F_SETFD, 0);
		dup2(fileno(s->messages), 2);
		child(argv, test[1], -1);
	}
	close(test[1]);
	close(qmp[1]);
	line_init(&s->test, test[0]);
	line_init(&s->qmp, qmp[0]);
	started[slot] = s;
	if (!line_receive(&s->qmp, WAIT_SECONDS * 1000)) /* the greeting */
		FAIL("QEMU does not start: %s", args);
	qts_qmp_ok(s, "{\"execute\":\"qmp_capabilities\"}");
	return s;
}

static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int qts_run(char *messages, size_t size, const char *fmt, ...)
{
	char args[2048];
	size_t have = 0;
	char **argv;
	int fds[2];
	va_list ap;
	pid_t pid;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	argv = command(args);
	if (pipe2(fds, O_CLOEXEC))
		abort();
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(argv, -1, fds[1]);
	close(fds[1]);
	for (;;) {
		struct pollfd p = { .fd = fds[0], .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, WAIT_SECONDS * 1000) == 0) {
			kill(pid, SIGKILL);
			break;
		}
		n = read(fds[0], messages + have, size - 1 - have);
		if (n <= 0)
			break;
		have += n;
	}
	messages[have] = '\0';
	close(fds[0]);
	return status_of(pid);
}

static void forget(struct qts *s)
{
	for (int i = 0; i < MAX_QEMUS; i++)
		if (started[i] == s)
			started[i] = NULL;
	line_free(&s->test);
	line_free(&s->qmp);
	fclose(s->messages);
	free(s);
}

void qts_quit(struct qts *s)
{
	double end = tap_now() + WAIT_SECONDS;
	int status;

	qts_qmp_ok(s, "{\"execute\":\"quit\"}");
	for (;;) {
		pid_t pid = waitpid(s->pid, &status, WNOHANG);

		if (pid == s->pid)
			break;
		if (tap_now() > end)
			FAIL("QEMU does not quit");
		poll(NULL, 0, 1);
	}
	s->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		FAIL("QEMU quit with wait status 0x%x", status);
	forget(s);
}

void qts_expect_alive(void)
{
	for (int i = 0; i < MAX_QEMUS; i++)
		if (started[i])
			qts_qmp_ok(started[i], "{\"execute\":\"query-status\"}");
}

void qts_show_messages(void)
{
	char text[512];

	for (int i = 0; i < MAX_QEMUS; i++) {
		if (!started[i])
			continue;
		rewind(started[i]->messages);
		for (int n = 0; n < 20 && fgets(text, sizeof(text), started[i]->messages); n++)
			printf("# %s%s", text, strchr(text, '\n') ? "" : "\n");
	}
}

void qts_stop_all(void)
{
	for (int i = 0; i < MAX_QEMUS; i++) {
		struct qts *s = started[i];

		if (!s)
			continue;
		if (s->pid > 0) {
			kill(s->pid, SIGKILL);
			waitpid(s->pid, NULL, 0);
		}
		forget(s);
	}
}

/* ---- qtest ---- */

/* What follows "OK " in the reply. */
static char *ask(struct qts *s, const char *text, size_t len)
{
	char *reply;

	line_send(&s->test, text, len);
	do {
		reply = line_receive(&s->test, WAIT_SECONDS * 1000);
		if (!reply)
			FAIL("QEMU does not answer within %d s: %.60s", WAIT_SECONDS, text);
	} while (!strncmp(reply, "IRQ ", 4));
	if (strncmp(reply, "OK", 2))
		FAIL("QEMU answers '%.80s' to '%.60s'", reply, text);
	return reply[2] ? reply + 3 : reply + 2;
}

static char *askf(struct qts *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static char *askf(struct qts *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return ask(s, text, len);
}

static char letter(unsigned int size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

uint64_t qts_read(struct qts *s, uint64_t addr, unsigned int size)
{
	return strtoull(askf(s, "read%c 0x%llx\n", letter(size), (unsigned long long)addr), NULL,
			16);
}

void qts_write(struct qts *s, uint64_t addr, unsigned int size, uint64_t value)
{
	askf(s, "write%c 0x%llx 0x%llx\n", letter(size), (unsigned long long)addr,
	     (unsigned long long)value);
}

static unsigned int nibble(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

void qts_get(struct qts *s, uint64_t addr, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len) {
		size_t n = len < 65536 ? len : 65536;
		char *hex = askf(s, "read 0x%llx 0x%zx\n", (unsigned long long)addr, n);

		if (strlen(hex) != 2 + 2 * n)
			FAIL("QEMU's reply to a read of %zu bytes has %zu characters", n,
			     strlen(hex));
		for (size_t i = 0; i < n; i++)
			p[i] = nibble(hex[2 + 2 * i]) << 4 | nibble(hex[3 + 2 * i]);
		p += n;
		addr += n;
		len -= n;
	}
}

void qts_put(struct qts *s, uint64_t addr, const void *buf, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	static char text[2 * 65536 + 64];
	const uint8_t *p = buf;

	while (len) {
		size_t n = len < 65536 ? len : 65536;
		size_t at = sprintf(text, "write 0x%llx 0x%zx 0x", (unsigned long long)addr, n);

		for (size_t i = 0; i < n; i++) {
			text[at++] = digits[p[i] >> 4];
			text[at++] = digits[p[i] & 15];
		}
		text[at++] = '\n';
		ask(s, text, at);
		p += n;
		addr += n;
		len -= n;
	}
}

void qts_set(struct qts *s, uint64_t addr, uint8_t byte, size_t len)
{
	askf(s, "memset 0x%llx 0x%zx 0x%x\n", (unsigned long long)addr, len, byte);
}

uint32_t qts_in(struct qts *s, uint16_t port)
{
	return strtoul(askf(s, "inl 0x%x\n", port), NULL, 16);
}

void qts_out(struct qts *s, uint16_t port, uint32_t value)
{
	askf(s, "outl 0x%x 0x%x\n", port, value);
}

/* ---- QMP ---- */

static bool is_event(struct qts *s, const char *line)
{
	const char *name = strstr(line, "\"event\": \"");
	size_t len = strlen(s->events), n;

	if (!name)
		return false;
	name += strlen("\"event\": \"");
	n = strcspn(name, "\"");
	if (len + n + 2 < sizeof(s->events))
		sprintf(s->events + len, " %.*s ", (int)n, name);
	return true;
}

static const char *qmp_reply(struct qts *s)
{
	const char *line;

	do {
		line = line_receive(&s->qmp, WAIT_SECONDS * 1000);
		if (!line)
			FAIL("QEMU does not answer on QMP");
	} while (is_event(s, line));
	return line;
}

static void qmp_send(struct qts *s, const char *fmt, va_list ap)
{
	char text[2048];
	int len = vsnprintf(text, sizeof(text) - 1, fmt, ap);

	text[len++] = '\n';
	line_send(&s->qmp, text, len);
}

const char *qts_qmp(struct qts *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	qmp_send(s, fmt, ap);
	va_end(ap);
	return qmp_reply(s);
}

const char *qts_qmp_ok(struct qts *s, const char *fmt, ...)
{
	const char *reply;
	va_list ap;

	va_start(ap, fmt);
	qmp_send(s, fmt, ap);
	va_end(ap);
	reply = qmp_reply(s);
	if (strncmp(reply, "{\"return\"", 9))
		FAIL("QMP refuses: %s", reply);
	return reply;
}

void qts_wait_event(struct qts *s, const char *name)
{
	char pattern[64];

	snprintf(pattern, sizeof(pattern), " %s ", name);
	while (!strstr(s->events, pattern)) {
		const char *line = line_receive(&s->qmp, WAIT_SECONDS * 1000);

		if (!line)
			FAIL("no event %s within %d s", name, WAIT_SECONDS);
		is_event(s, line);
	}
	*strstr(s->events, pattern) = '!';
}
