/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 8

static unsigned int failures;
static uint64_t rnd_state;

void check_failed(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (failures++ >= SHOWN)
		return;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

uint64_t rnd(void)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

int run_tests(const struct test *tests, int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	unsigned int count = 0, n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct test *t = tests; t->name; t++)
		count += strstr(t->name, only) != NULL;
	printf("TAP version 13\n1..%u\n", count);
	for (const struct test *t = tests; t->name; t++) {
		if (!strstr(t->name, only))
			continue;
		failures = 0;
		rnd_state = 1;
		t->run();
		if (failures > SHOWN)
			printf("# and %u more\n", failures - SHOWN);
		failed += failures != 0;
		printf("%sok %u %s\n", failures ? "not " : "", ++n, t->name);
	}
	return failed != 0;
}

#if defined(__x86_64__)

uint32_t fp_control_get(void)
{
	uint32_t v;

	__asm__ volatile("stmxcsr %0" : "=m"(v) : : "memory");
	return v;
}

void fp_control_set(uint32_t v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v) : "memory");
}

#else

uint32_t fp_control_get(void)
{
	return 0;
}

void fp_control_set(uint32_t v)
{
	(void)v;
}

#endif
