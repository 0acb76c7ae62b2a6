/* SPDX-License-Identifier: MIT */
/*
 * The fixture of all tests: self->fd is the device. The teardown runs in the
 * parent, when the test's process and all that it held are gone, also when an
 * assertion ended it: then every counter must be what it was before.
 */
#ifndef ACCEL_FIXTURE_H
#define ACCEL_FIXTURE_H

#include "kselftest_harness.h"

/* Only against hangs: a debug kernel on a busy machine is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

#include "accel_util.h"

#define ACCEL_FIXTURE(name)                                                             \
	FIXTURE(name)                                                                   \
	{                                                                               \
		int fd;                                                                 \
		struct accel_baseline base;                                             \
	};                                                                              \
	FIXTURE_SETUP(name)                                                             \
	{                                                                               \
		self->fd = accel_open();                                                \
		if (self->fd == -ENODEV)                                                \
			SKIP(return, "no device of driver dsa_accel below /dev/accel"); \
		ASSERT_LE(0, self->fd);                                                 \
		ASSERT_EQ(0, accel_baseline_read(self->fd, &self->base));               \
	}                                                                               \
	FIXTURE_TEARDOWN_PARENT(name)                                                   \
	{                                                                               \
		ACCEL_CHECK_BASELINE(self->base);                                       \
	}

#define ACCEL_CHECK_BASELINE(base)                                                            \
	do {                                                                                  \
		struct accel_baseline after_ = { 0 };                                         \
		int fd_ = accel_open();                                                       \
                                                                                              \
		EXPECT_LE(0, fd_);                                                            \
		EXPECT_EQ(0, accel_baseline_wait(fd_, &(base), &after_))                      \
		{                                                                             \
			TH_LOG("HBM free, system memory, queues: before %llu %llu %u+%u, "    \
			       "after %llu %llu %u+%u",                                       \
			       (unsigned long long)(base).hbm_free,                           \
			       (unsigned long long)(base).system_used, (base).queues_compute, \
			       (base).queues_copy, (unsigned long long)after_.hbm_free,       \
			       (unsigned long long)after_.system_used, after_.queues_compute, \
			       after_.queues_copy);                                           \
		}                                                                             \
		close(fd_);                                                                   \
	} while (0)

#endif /* ACCEL_FIXTURE_H */
