/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pace=model: what a queue did is shown no earlier than its clock says.
 *
 * From an anchor on, the queue's clock and the host's run side by side. A
 * queue whose clock is ahead is held: it takes no further step - no command,
 * fence or interrupt - before host time has caught up. So everything that
 * tells of a completion comes after it; that of data may be early. A queue
 * whose clock is behind, as the host is slow, goes on at once.
 *
 * Anchors are where the queue begins to be busy, and where waiting for another
 * queue's signal moved its clock.
 */
#include "core_int.h"

/* Mutex and claim. */
void pace_anchor(struct dsa_core *core, struct dsa_queue *q)
{
	q->pace_host = now_ns(core);
	q->pace_model = q->time_ns;
}

/* Claim, the mutex not held. False: the queue is held from now on. */
bool pace_passed(struct dsa_core *core, struct dsa_queue *q)
{
	uint64_t due;

	/* Between packets there is nothing to show. The anchor may be of work that was dropped. */
	if (!core->cfg.pace || q->phase == DSA_PH_IDLE)
		return true;
	due = q->pace_host + (q->time_ns - q->pace_model);
	if (now_ns(core) >= due)
		return true;
	core_lock(core);
	q->held_until = due;
	core_unlock(core);
	return false;
}

/* The queue's clock as the registers show it. Mutex. */
uint64_t pace_time(struct dsa_core *core, const struct dsa_queue *q)
{
	uint64_t time = __atomic_load_n(&q->time_ns, __ATOMIC_RELAXED), shown;

	if (!core->cfg.pace || !q->busy)
		return time;
	shown = q->pace_model + (now_ns(core) - q->pace_host);
	return shown < time ? shown : time;
}

/* The anchor such that the clock is @ahead of the host's. Mutex. */
void pace_restore(struct dsa_core *core, struct dsa_queue *q, uint64_t ahead)
{
	pace_anchor(core, q);
	q->pace_model -= ahead;
}

uint64_t dsa_core_due_ns(struct dsa_core *core)
{
	uint64_t due = UINT64_MAX;

	if (!core->cfg.pace && !__atomic_load_n(&core->holds, __ATOMIC_RELAXED))
		return due;
	core_lock(core);
	for (uint64_t left = core->live; left; left &= left - 1) {
		const struct dsa_queue *q = &core->q[__builtin_ctzll(left)];

		if (q->state == DSA_QSTATE_ACTIVE && q->held_until && q->held_until < due)
			due = q->held_until;
	}
	core_unlock(core);
	return due;
}
