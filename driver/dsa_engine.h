/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_ENGINE_H
#define DSA_ENGINE_H

#include <linux/ktime.h>
#include <linux/types.h>

struct dsa_device;
struct dsa_queue;

/* Kinds of engines as the hardware counts them: enum dsa_engine_kind. */
#define DSA_ENGINE_FRONT_END	0
#define DSA_ENGINE_COPY		1
#define DSA_ENGINE_CORE		2

/* More than the hardware may have. */
#define DSA_CORES_LOOKED_AT	64

/**
 * struct dsa_core_look - What a core does.
 * @queue: hardware queue that it serves, all ones: none.
 * @launch_id: of the LAUNCH.
 * @program: id of the program, x, y, z.
 * @since: when it was first seen to do so; zero: it was not looked at yet.
 */
struct dsa_core_look {
	u32 queue;
	u64 launch_id;
	u32 program[3];
	ktime_t since;
};

typedef void (dsa_engine_fn)(struct dsa_device *dsa, u32 engine, void *arg);
void dsa_engines_visit_locked(struct dsa_device *dsa, dsa_engine_fn *fn, void *arg);
unsigned int dsa_engines_reset_locked(struct dsa_queue *queue, bool all);

void dsa_cores_look_locked(struct dsa_device *dsa);
ktime_t dsa_cores_busy_since_locked(struct dsa_queue *queue);
bool dsa_front_end_waits_locked(struct dsa_queue *queue);

#endif /* DSA_ENGINE_H */
