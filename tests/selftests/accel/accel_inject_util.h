/* SPDX-License-Identifier: MIT */
/* Orders to the VM that the test runs in: faults of the device, and its coming and going. */
#ifndef ACCEL_INJECT_UTIL_H
#define ACCEL_INJECT_UTIL_H

#include <stddef.h>

/*
 * Sends a line, "fault DEVICE [ORDER]", "unplug DEVICE" or "plug DEVICE"
 * (docs/faults.md), and waits for the answer. 0; -ENODEV: this VM was started
 * without --inject; -EINVAL: refused. @answer gets what was said, if it is
 * not NULL.
 */
int inject(char *answer, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif /* ACCEL_INJECT_UTIL_H */
