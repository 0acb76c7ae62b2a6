// SPDX-License-Identifier: MIT
/* Runs tests and prints TAP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "qts.h"
#include "tap.h"

static jmp_buf give_up;

double tap_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;

	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	longjmp(give_up, 1);
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static bool run_one(const struct test *test)
{
	volatile bool ok = false;

	if (!setjmp(give_up)) {
		test->run();
		qts_expect_alive();
		ok = true;
	} else {
		qts_show_messages();
	}
	qts_stop_all();
	return ok;
}

int tap_main(const struct test *tests, size_t count, int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	size_t chosen = 0, number = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < count; i++)
		chosen += !!strstr(tests[i].name, only);
	printf("TAP version 13\n1..%zu\n", chosen);
	for (size_t i = 0; i < count; i++) {
		bool ok;

		if (!strstr(tests[i].name, only))
			continue;
		ok = run_one(&tests[i]);
		failed += !ok;
		printf("%sok %zu %s\n", ok ? "" : "not ", ++number, tests[i].name);
	}
	return failed != 0;
}
