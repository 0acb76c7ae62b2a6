/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gdb remote protocol's connection, packets and numbers. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gdb.h"

/* ---- connection ---- */

static int listen_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		input_error("--gdb %s: the path is too long for a socket", path);
	strcpy(addr.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1))
		input_error("--gdb %s: cannot make the socket: %s", path, strerror(errno));
	say("for gdb: target remote %s", path);
	return fd;
}

static int listen_tcp(const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = sizeof(addr);
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (!*text || *end || port > 65535)
		usage_error("--gdb %s: neither a port from 0 to 65535 nor a path with a '/'", text);
	addr.sin_port = htons((uint16_t)port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		input_error("--gdb %s: cannot listen on that port of localhost: %s", text,
			    strerror(errno));
	say("for gdb: target remote localhost:%u", ntohs(addr.sin_port));
	return fd;
}

void packet_open(struct sim *s)
{
	const char *where = s->o->gdb;
	bool path = strchr(where, '/');
	int fd = path ? listen_unix(where) : listen_tcp(where), one = 1;

	s->gdb->fd = accept(fd, NULL, NULL);
	if (s->gdb->fd < 0)
		run_error("--gdb %s: no connection: %s", where, strerror(errno));
	if (!path)
		setsockopt(s->gdb->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(fd);
	if (path)
		unlink(where);
}

/* Closed at once, what was sent last might be lost with what was not read. */
static void linger(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char rest[256];

	shutdown(fd, SHUT_WR);
	while (poll(&p, 1, 1000) > 0 && recv(fd, rest, sizeof(rest), 0) > 0)
		;
}

void packet_hang_up(struct gdb *g)
{
	if (g->fd >= 0) {
		linger(g->fd);
		close(g->fd);
	}
	g->fd = -1;
	g->mode = MODE_GONE;
}

/* ---- packets ---- */

int packet_byte(struct gdb *g)
{
	if (g->buf_at == g->buf_len) {
		ssize_t n;

		do
			n = recv(g->fd, g->buf, sizeof(g->buf), 0);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return -1;
		g->buf_at = 0;
		g->buf_len = (size_t)n;
	}
	return g->buf[g->buf_at++];
}

static bool send_all(struct gdb *g, const char *p, size_t n)
{
	while (n) {
		ssize_t done = send(g->fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool packet_get(struct gdb *g)
{
	for (;;) {
		uint8_t sum = 0;
		int c, hi, lo;

		do {
			c = packet_byte(g);
			if (c < 0)
				return false;
		} while (c != '$');
		g->in_len = 0;
		while ((c = packet_byte(g)) >= 0 && c != '#') {
			sum += (uint8_t)c;
			if (g->in_len < PACKET)
				g->in[g->in_len++] = (char)c;
		}
		g->in[g->in_len] = '\0';
		hi = hex_digit(packet_byte(g));
		lo = hex_digit(packet_byte(g));
		if (c < 0)
			return false;
		if (!g->acks)
			return true;
		if (hi >= 0 && lo >= 0 && sum == (hi << 4 | lo))
			return send_all(g, "+", 1);
		if (!send_all(g, "-", 1))
			return false;
	}
}

void reply(struct gdb *g, const char *fmt, ...)
{
	static char out[2 * PACKET + 8]; /* one server, one thread */
	uint8_t sum = 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out + 1, 2 * PACKET, fmt, ap);
	va_end(ap);
	if (n > 2 * PACKET - 1)
		n = 2 * PACKET - 1;
	out[0] = '$';
	for (int i = 1; i <= n; i++)
		sum += (uint8_t)out[i];
	snprintf(out + 1 + n, 4, "#%02x", sum);
	send_all(g, out, (size_t)n + 4);
}

size_t put_hex(char *to, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", p[i]);
	return 2 * n;
}

size_t get_hex(const char *p, void *to, size_t max)
{
	uint8_t *out = to;
	size_t n = 0;

	while (n < max && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0) {
		out[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
		p += 2;
	}
	return n;
}
