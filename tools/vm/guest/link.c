// SPDX-License-Identifier: MIT
/* The port to the host: opening it, the orders before the start, and messages outside a session. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define PORT "/dev/vport0p1"

int link_fd = -1;

/* The port appears when the virtio driver has talked to the device: wait for its node. */
void link_open(void)
{
	char events[4096];
	int watch = inotify_init1(IN_CLOEXEC);

	inotify_add_watch(watch, "/dev", IN_CREATE);
	while ((link_fd = open(PORT, O_RDWR | O_CLOEXEC)) < 0) {
		if (read(watch, events, sizeof(events)) < 0 && errno != EINTR)
			break;
	}
	close(watch);
}

static void write_all(const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(link_fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		size -= n;
	}
}

static void send_frame(uint8_t type, const void *payload, size_t length)
{
	struct frame_header header = { .type = type, .length = length };

	write_all(&header, sizeof(header));
	write_all(payload, length);
}

void link_phase(const char *name)
{
	struct timespec now;
	char payload[80];
	uint64_t usec;
	size_t length = strnlen(name, sizeof(payload) - sizeof(usec));

	clock_gettime(CLOCK_MONOTONIC, &now);
	usec = now.tv_sec * 1000000ull + now.tv_nsec / 1000;
	memcpy(payload, &usec, sizeof(usec));
	memcpy(payload + sizeof(usec), name, length);
	send_frame(FRAME_PHASE, payload, sizeof(usec) + length);
}

void link_fail(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (link_fd >= 0)
		send_frame(FRAME_FAILED, text, strlen(text));
	else
		fprintf(stderr, "guest init: %s\n", text);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void read_all(void *data, size_t size)
{
	char *p = data;

	while (size) {
		ssize_t n = read(link_fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) { /* the host went away */
			reboot(RB_POWER_OFF);
			_exit(1);
		}
		p += n;
		size -= n;
	}
}

static void append(char ***list, size_t *n, char *word)
{
	if (*n % 64 == 0)
		*list = realloc(*list, (*n + 65) * sizeof(**list));
	if (!*list || *n >= MAX_WORDS)
		link_fail("the command line or environment has more than %d words", MAX_WORDS);
	(*list)[(*n)++] = word;
	(*list)[*n] = NULL;
}

static void append_fixed(char **list, size_t *n, size_t max, char *word, const char *what)
{
	if (*n == max)
		link_fail("more than %zu %s", max, what);
	list[(*n)++] = word;
}

void link_receive_job(struct job *job)
{
	struct frame_header header;
	char *text;

	for (;;) {
		read_all(&header, sizeof(header));
		if (header.length > (16u << 20))
			link_fail("a frame of %u bytes from the host", header.length);
		text = calloc(1, header.length + 1);
		if (!text)
			link_fail("out of memory");
		read_all(text, header.length);

		switch (header.type) {
		case FRAME_ARG:
			append(&job->args, &job->n_args, text);
			break;
		case FRAME_ENV:
			append(&job->envs, &job->n_envs, text);
			break;
		case FRAME_CWD:
			job->cwd = text;
			break;
		case FRAME_MOUNT:
			append_fixed(job->mounts, &job->n_mounts, 16, text, "shares");
			break;
		case FRAME_KEEP:
			append_fixed(job->keeps, &job->n_keeps, 16, text, "folders to keep");
			break;
		case FRAME_MODULE:
			append_fixed(job->modules, &job->n_modules, 64, text, "modules");
			break;
		case FRAME_TTY:
			job->tty = true;
			if (header.length == sizeof(job->winsize))
				memcpy(&job->winsize, text, sizeof(job->winsize));
			break;
		case FRAME_START:
			return;
		default:
			link_fail("unknown frame type %#x from the host", header.type);
		}
	}
}
