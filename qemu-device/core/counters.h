/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of a launch. Each core counts in its own structure what its
 * programs do, and adds it to the launch's when it reports; the sums do not
 * depend on which core ran what, nor on when it reported.
 */
#ifndef DSA_CORE_COUNTERS_H
#define DSA_CORE_COUNTERS_H

#include "uapi/dsa_cmd.h"

struct dsa_core;
struct dsa_launch;
struct dsa_queue;
struct dsa_unit;

/* In a structure of sums all fields but the two times are sums. */
void counters_add(struct dsa_launch_counters *sum, const struct dsa_launch_counters *more);

/* What the hart counted, of a program that has ended. */
void counters_program(struct dsa_unit *u);

/* Of a launch that has ended: what its sums do not say. */
void counters_finish(const struct dsa_core *core, struct dsa_launch *l);
/* To where the launch wants them: 0 or an error code, with the address and the access. */
uint32_t counters_write(struct dsa_queue *q, uint32_t *access, uint64_t *bad);

#endif /* DSA_CORE_COUNTERS_H */
