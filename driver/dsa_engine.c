// SPDX-License-Identifier: GPL-2.0
/*
 * Engines, one at a time, through the engine window of the registers: what they
 * do, and how to make them let go. &dsa_device.hw_lock serialises its use.
 * Hardware before version 1.2 has none: then all that is known is the queues.
 */

#include "dsa_engine.h"
#include "dsa_hw.h"
#include "dsa_queue.h"

/**
 * dsa_engines_visit_locked - Look at every engine through the engine window.
 * @dsa: the device; it has the window.
 * @fn: called with each engine selected: kind << 16 | index.
 * @arg: passed on.
 */
void dsa_engines_visit_locked(struct dsa_device *dsa, dsa_engine_fn *fn, void *arg)
{
	const unsigned int counts[] = {
		[DSA_ENGINE_FRONT_END] = dsa->caps.queues,
		[DSA_ENGINE_COPY] = dsa->caps.copy_engines,
		[DSA_ENGINE_CORE] = dsa->caps.cores,
	};
	unsigned int kind, i;

	lockdep_assert_held(&dsa->hw_lock);
	for (kind = 0; kind < ARRAY_SIZE(counts); kind++) {
		for (i = 0; i < counts[kind]; i++) {
			dsa_write(dsa, DSA_REG_ENG_SELECT, kind << 16 | i);
			fn(dsa, kind << 16 | i, arg);
		}
	}
}

/* Selects a core and reads what it does. */
static struct dsa_core_look dsa_core_read(struct dsa_device *dsa, unsigned int core)
{
	struct dsa_core_look look = {};

	dsa_write(dsa, DSA_REG_ENG_SELECT, DSA_ENGINE_CORE << 16 | core);
	look.queue = dsa_read(dsa, DSA_REG_ENG_QUEUE);
	look.launch_id = dsa_read64(dsa, DSA_REG_ENG_LAUNCH_ID);
	look.program[0] = dsa_read(dsa, DSA_REG_ENG_PROGRAM_X);
	look.program[1] = dsa_read(dsa, DSA_REG_ENG_PROGRAM_Y);
	look.program[2] = dsa_read(dsa, DSA_REG_ENG_PROGRAM_Z);
	return look;
}

/**
 * dsa_cores_look_locked - See which programs are still running.
 * @dsa: the device.
 */
void dsa_cores_look_locked(struct dsa_device *dsa)
{
	unsigned int i;

	lockdep_assert_held(&dsa->hw_lock);
	if (!dsa_has_version(dsa, 2))
		return;
	for (i = 0; i < min_t(u32, dsa->caps.cores, DSA_CORES_LOOKED_AT); i++) {
		struct dsa_core_look *last = &dsa->cores[i], now = dsa_core_read(dsa, i);

		if (last->since && now.queue == last->queue && now.launch_id == last->launch_id &&
		    !memcmp(now.program, last->program, sizeof(now.program)))
			continue;
		*last = now;
		last->since = ktime_get();
	}
}

/**
 * dsa_cores_busy_since_locked - Since when has the queue's longest program been running?
 * @queue: the queue.
 *
 * Return: when it was seen first, KTIME_MAX: no program of the queue was seen.
 */
ktime_t dsa_cores_busy_since_locked(struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;
	ktime_t since = KTIME_MAX;
	unsigned int i;

	lockdep_assert_held(&dsa->hw_lock);
	for (i = 0; i < DSA_CORES_LOOKED_AT; i++) {
		if (dsa->cores[i].since && dsa->cores[i].queue == queue->hwq->index)
			since = min(since, dsa->cores[i].since);
	}
	return since;
}

/**
 * dsa_front_end_waits_locked - Does the queue wait for a semaphore?
 * @queue: the queue.
 *
 * Return: true: it does, and needs no engine meanwhile.
 */
bool dsa_front_end_waits_locked(struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;

	lockdep_assert_held(&dsa->hw_lock);
	if (!dsa_has_version(dsa, 2))
		return false;
	dsa_write(dsa, DSA_REG_ENG_SELECT, DSA_ENGINE_FRONT_END << 16 | queue->hwq->index);
	return dsa_read(dsa, DSA_REG_ENG_STATE) == DSA_ENG_WAITING;
}

/**
 * struct dsa_engines_reset - What to reset.
 * @queue: engines that serve this one,
 * @all: also those that are not stuck.
 * @count: how many were.
 */
struct dsa_engines_reset {
	struct dsa_queue *queue;
	bool all;
	unsigned int count;
};

static void dsa_engine_reset(struct dsa_device *dsa, u32 engine, void *arg)
{
	struct dsa_engines_reset *reset = arg;
	u32 state = dsa_read(dsa, DSA_REG_ENG_STATE);

	if (state == DSA_ENG_IDLE || (state != DSA_ENG_STUCK && !reset->all) ||
	    dsa_read(dsa, DSA_REG_ENG_QUEUE) != reset->queue->hwq->index)
		return;
	if (!reset->count++)
		dsa_dump_begin_locked(dsa);
	dsa_ras_count(&dsa->ras, DSA_RAS_ENGINE_RESET);
	dsa_write(dsa, DSA_REG_ENG_SELECT, engine);
	dsa_write(dsa, DSA_REG_ENG_RESET, 1);
}

/**
 * dsa_engines_reset_locked - Reset engines that do not let go of a queue.
 * @queue: the queue, which is being stopped: its work is lost in any case.
 * @all: also those that are not stuck, but just slow.
 *
 * Return: how many were reset.
 */
unsigned int dsa_engines_reset_locked(struct dsa_queue *queue, bool all)
{
	struct dsa_engines_reset reset = { .queue = queue, .all = all };

	if (dsa_has_version(queue->dsa, 2))
		dsa_engines_visit_locked(queue->dsa, dsa_engine_reset, &reset);
	return reset.count;
}
