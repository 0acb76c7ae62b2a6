/* SPDX-License-Identifier: MIT */
/*
 * Tests of the PCIe device on a running QEMU, without a guest: each test
 * starts its own QEMU and gives up at the first check that fails.
 */
#ifndef DSA_QTEST_TAP_H
#define DSA_QTEST_TAP_H

#include <stdbool.h>
#include <stddef.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Runs all tests, or those whose name contains argv[1]. The value for main to return. */
int tap_main(const struct test *tests, size_t count, int argc, char **argv);

/* Ends the running test as failed. */
void tap_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* A line of information. */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Seconds, monotonic. */
double tap_now(void);

#define FAIL(...) tap_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond)                        \
	do {                               \
		if (!(cond))               \
			FAIL("%s", #cond); \
	} while (0)
#define CHECK_EQ(have, want)                                                                    \
	do {                                                                                    \
		unsigned long long have_ = (have), want_ = (want);                              \
		if (have_ != want_)                                                             \
			FAIL("%s is 0x%llx, expected %s = 0x%llx", #have, have_, #want, want_); \
	} while (0)

/* Bounds every wait: only against hangs. */
#define WAIT_SECONDS 30
#define WAIT_UNTIL(cond)                                                               \
	do {                                                                           \
		double end_ = tap_now() + WAIT_SECONDS;                                \
		while (!(cond))                                                        \
			if (tap_now() > end_)                                          \
				FAIL("still not after %d s: %s", WAIT_SECONDS, #cond); \
	} while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
