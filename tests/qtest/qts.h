/* SPDX-License-Identifier: MIT */
/*
 * A QEMU that is driven through its qtest and QMP protocols: memory and ports
 * as a CPU would access them, commands as a manager would give them. What goes
 * wrong in the protocol fails the running test.
 */
#ifndef DSA_QTEST_QTS_H
#define DSA_QTEST_QTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qts;

/* Arguments are split at spaces. Started QEMUs end with the test. */
struct qts *qts_start(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The exit status of a QEMU that is to end by itself (128 + signal), and its messages. */
int qts_run(char *messages, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void qts_quit(struct qts *s);
/* Fails the test if a started QEMU has died. */
void qts_expect_alive(void);
/* Prints what the started QEMUs had to say. */
void qts_show_messages(void);
void qts_stop_all(void);

uint64_t qts_read(struct qts *s, uint64_t addr, unsigned int size);
void qts_write(struct qts *s, uint64_t addr, unsigned int size, uint64_t value);
void qts_get(struct qts *s, uint64_t addr, void *buf, size_t len);
void qts_put(struct qts *s, uint64_t addr, const void *buf, size_t len);
void qts_set(struct qts *s, uint64_t addr, uint8_t byte, size_t len);
uint32_t qts_in(struct qts *s, uint16_t port);
void qts_out(struct qts *s, uint16_t port, uint32_t value);

/* Sends a QMP command (JSON) and gives its reply, valid until the next. */
const char *qts_qmp(struct qts *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and fails the test on an error reply. */
const char *qts_qmp_ok(struct qts *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void qts_wait_event(struct qts *s, const char *name);

#endif
