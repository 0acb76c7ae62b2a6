/* SPDX-License-Identifier: MIT */
/* Tests as TAP points, and a generator of numbers. Shared by num and mat. */
#ifndef TESTS_NUM_TAP_H
#define TESTS_NUM_TAP_H

#include <stdbool.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
};
#define TEST(f)   { #f, f }
#define TESTS_END { NULL, NULL }

/* Counts; says where and what for the first few of a test. */
void check_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CHECK(cond)                                                    \
	do {                                                           \
		if (!(cond))                                           \
			check_failed(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define CHECK_MSG(cond, ...)                                           \
	do {                                                           \
		if (!(cond))                                           \
			check_failed(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

uint64_t rnd(void); /* the same sequence in every test */

/* Runs them; an argument selects by part of the name. The exit status. */
int run_tests(const struct test *tests, int argc, char **argv);

/* The host's floating point control: an awkward one to run under, and what it is now. */
#if defined(__x86_64__)
#define AWKWARD_MXCSR 0xdfe0u /* flush to zero, denormals are zero, round up, a flag set */
#endif
uint32_t fp_control_get(void);
void fp_control_set(uint32_t v);

#endif
