/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages, and the small things that everyone needs. */
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "sim.h"

void (*at_failure)(void);

static void line(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "dsa-sim: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
}

static void __attribute__((noreturn)) leave(int status)
{
	if (at_failure)
		at_failure();
	exit(status);
}

void usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	fprintf(stderr, "try dsa-sim --help\n");
	leave(EXIT_USAGE);
}

void input_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	leave(EXIT_USAGE);
}

void run_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	leave(EXIT_RUN);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void *must(void *p)
{
	if (!p)
		run_error("out of host memory");
	return p;
}

const char *size_text(uint64_t bytes, char text[32])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	int unit = -1;
	uint64_t v = bytes;

	while (v >= 1024 && v % 1024 == 0 && unit < 3) {
		v /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, 32, "%llu bytes", (unsigned long long)v);
	else
		snprintf(text, 32, "%llu %s", (unsigned long long)v, units[unit]);
	return text;
}

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}
