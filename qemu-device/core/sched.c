/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which work a host thread does next. A work item is an engine's slice: a
 * queue's front end (or its copy on a copy engine), or a core, or the cores of
 * a cluster, that work for a queue's launch. Host time is shared between queues by weight: of those
 * that have work, the one that used least (vtime, divided by 4^priority) is
 * next.
 */
#include "core_int.h"

#define VTIME_SLACK_NS 2000000

enum item_kind { ITEM_NONE, ITEM_CLEAR, ITEM_STOPS, ITEM_CAUSES, ITEM_QUEUE, ITEM_UNIT };

struct item {
	enum item_kind kind;
	struct dsa_queue *q;
	struct dsa_unit *u;
	uint64_t start;
};

void sched_wake(struct dsa_core *core)
{
	core->ops->wake(core->host);
}

/* Some waiting queue may go on. */
void sem_signalled(struct dsa_core *core)
{
	core->sem_gen++;
}

/* Can its front end go on, by itself? */
static bool frontend_ready(struct dsa_core *core, const struct dsa_queue *q)
{
	if (q->claimed || q->held_until > core->pick_ns)
		return false;
	switch (q->phase) {
	case DSA_PH_IDLE:
		return q->head != q->tail;
	case DSA_PH_COPY:
		return (uint32_t)__builtin_popcount(core->copy_busy) < core->cfg.copy_engines;
	case DSA_PH_LAUNCH:
		return launch_finished(&q->launch);
	case DSA_PH_WAIT:
		return q->wait_gen != core->sem_gen;
	default:
		return true;
	}
}

bool queue_has_work(struct dsa_core *core, struct dsa_queue *q)
{
	return q->state == DSA_QSTATE_ACTIVE &&
	       (frontend_ready(core, q) || launch_has_work(core, q));
}

static uint64_t queue_vtime(const struct dsa_core *core, const struct dsa_queue *q)
{
	uint64_t floor = core->min_vtime > VTIME_SLACK_NS ? core->min_vtime - VTIME_SLACK_NS : 0;

	return q->vtime > floor ? q->vtime : floor;
}

/* *waiting: some queue waits for a semaphore. */
static struct dsa_queue *pick_queue(struct dsa_core *core, bool *waiting)
{
	struct dsa_queue *best = NULL;

	for (uint64_t left = core->live; left; left &= left - 1) {
		struct dsa_queue *q = &core->q[__builtin_ctzll(left)];

		if (q->state == DSA_QSTATE_ACTIVE && !q->claimed && q->phase == DSA_PH_WAIT)
			*waiting = true;
		if (queue_has_work(core, q) &&
		    (!best || queue_vtime(core, q) < queue_vtime(core, best)))
			best = q;
	}
	return best;
}

static void poll_semaphores(struct dsa_core *core, uint64_t now)
{
	if (now - core->last_poll_ns < DSA_POLL_NS)
		return;
	core->last_poll_ns = now;
	core->sem_gen++;
}

static void claim_queue(struct dsa_core *core, struct dsa_queue *q, struct item *item)
{
	q->vtime = queue_vtime(core, q);
	if (core->min_vtime < q->vtime)
		core->min_vtime = q->vtime;
	item->q = q;
	if (frontend_ready(core, q)) {
		item->kind = ITEM_QUEUE;
		q->claimed = true;
		q->held_until = 0;
		q->refs++;
		mem_attach(&q->mem, q);
	} else {
		item->kind = ITEM_UNIT;
		item->u = launch_pick_unit(core, q);
		for (uint32_t r = 0; r < item->u->own.size; r++)
			mem_attach(&item->u->own.unit[r]->mem, q);
	}
}

static bool any_stopping(const struct dsa_core *core)
{
	for (uint64_t left = core->live; left; left &= left - 1)
		if (core->q[__builtin_ctzll(left)].state == DSA_QSTATE_STOPPING)
			return true;
	return false;
}

static enum dsa_run_result pick(struct dsa_core *core, struct item *item, uint64_t now)
{
	struct dsa_queue *q;
	bool waiting = false, ignored;

	*item = (struct item){ .start = now };
	core->pick_ns = now;
	if (queue_stops_ready(core)) {
		item->kind = ITEM_STOPS;
		return DSA_RUN_MORE;
	}
	if (core->causes) {
		item->kind = ITEM_CAUSES;
		return DSA_RUN_MORE;
	}
	if (core->clear) {
		/* Work that was stopped might still write behind the clearing. */
		if (core->clearing || any_stopping(core))
			return DSA_RUN_IDLE;
		core->clearing = true;
		item->kind = ITEM_CLEAR;
		return DSA_RUN_MORE;
	}
	poll_semaphores(core, now);
	q = pick_queue(core, &waiting);
	if (!q)
		return waiting ? DSA_RUN_POLL : DSA_RUN_IDLE;
	claim_queue(core, q, item);
	if (pick_queue(core, &ignored))
		sched_wake(core);
	return DSA_RUN_MORE;
}

static void release(struct dsa_core *core, struct item *item, uint64_t now)
{
	struct dsa_queue *q = item->q;
	struct dsa_unit *u = item->u;
	uint64_t used = now - item->start;

	if (!q)
		return;
	q->vtime += used >> 2 * q->priority;
	core->host_busy_ns += used;
	if (!u) {
		mem_detach(&q->mem);
		if (!q->stuck)
			queue_let_go(q);
		return;
	}
	for (uint32_t r = 0; r < u->own.size; r++)
		mem_detach(&u->own.unit[r]->mem);
	launch_report(core, u);
	unit_note(u);
	if (!cluster_stuck(&u->own))
		unit_let_go(core, u);
}

/* Work that needs the bus lock for the registers' sake. */
static void run_registers(struct dsa_core *core)
{
	struct dsa_irqs irqs = { 0 };

	core->ops->lock(core->host);
	core_lock(core);
	queue_finish_stops(core, &irqs);
	irq_device(core, &irqs, core->causes);
	core->causes = 0;
	core_unlock(core);
	irq_send(core, &irqs);
	core->ops->unlock(core->host);
}

static void run_item(struct dsa_core *core, const struct item *item, uint64_t deadline)
{
	switch (item->kind) {
	case ITEM_CLEAR:
		clear_step(core, deadline);
		break;
	case ITEM_STOPS:
	case ITEM_CAUSES:
		run_registers(core);
		break;
	case ITEM_QUEUE:
		queue_run(core, item->q, deadline);
		break;
	case ITEM_UNIT:
		if (item->u->own.size > 1)
			cluster_run(core, item->u, deadline);
		else
			unit_run(core, item->u, deadline);
		break;
	case ITEM_NONE:
		break;
	}
}

enum dsa_run_result dsa_core_run(struct dsa_core *core, unsigned int budget_us)
{
	uint64_t now = now_ns(core);
	uint64_t deadline = now + budget_us * 1000ull;
	enum dsa_run_result result;
	struct item item;

	core_lock(core);
	for (;;) {
		result = pick(core, &item, now);
		if (result != DSA_RUN_MORE)
			break;
		core_unlock(core);
		run_item(core, &item, deadline);
		now = now_ns(core);
		core_lock(core);
		release(core, &item, now);
		if (now >= deadline)
			break;
	}
	core_unlock(core);
	return result;
}

bool dsa_core_idle(struct dsa_core *core)
{
	bool idle;

	core_lock(core);
	idle = !core->causes && !core->clear;
	for (uint64_t left = core->live; left && idle; left &= left - 1) {
		struct dsa_queue *q = &core->q[__builtin_ctzll(left)];

		idle = q->state == DSA_QSTATE_ACTIVE && q->phase == DSA_PH_IDLE &&
		       q->head == q->tail && !q->refs;
	}
	core_unlock(core);
	return idle;
}
