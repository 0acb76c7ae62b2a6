/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues: doorbell, state machine, error record.
 *
 * Stopping: queue_stop() and queue_fail() set q->stop; from then on engines
 * drop the queue's work as soon as they look. When the last has let go
 * (refs == 0), queue_finish_stops() publishes the final state under the bus
 * lock and interrupts.
 */
#include "core_int.h"

void queue_reset_values(struct dsa_queue *q)
{
	q->ring_base = 0;
	q->ring_log2 = 0;
	q->asid = 0;
	q->priority = 0;
	q->vector = 1 + q->index;
	q->mode = 0;
	q->busy_compute = 0;
	q->busy_copy = 0;
	q->head = 0;
	__atomic_store_n(&q->tail, 0, __ATOMIC_RELEASE);
	memset(&q->err, 0, sizeof(q->err));
}

void queue_init(struct dsa_core *core, unsigned int index)
{
	struct dsa_queue *q = &core->q[index];

	q->index = index;
	q->copy_engine = -1;
	mem_init(&q->mem, core, NULL);
	q->mem.q = q;
	queue_reset_values(q);
}

static void queue_set_state(struct dsa_core *core, struct dsa_queue *q, uint32_t state)
{
	uint64_t bit = 1ull << q->index;

	q->state = state;
	if (state == DSA_QSTATE_ACTIVE || state == DSA_QSTATE_STOPPING)
		core->live |= bit;
	else
		core->live &= ~bit;
}

static void queue_drop_work(struct dsa_core *core, struct dsa_queue *q)
{
	launch_drop(core, q);
	copy_leave(core, q);
	q->phase = DSA_PH_IDLE;
	q->in_cmd = false;
	q->busy = false;
	q->held_until = 0;
	q->ring_count = 0;
	q->buf_len = 0;
}

/* Where the ring may be: bus addresses, or virtual ones. */
static bool ring_fits(const struct dsa_queue *q)
{
	uint64_t limit = q->mode & DSA_QMODE_USER ? 1ull << DSA_VA_BITS : UINT64_MAX;
	uint64_t bytes = (uint64_t)DSA_RING_PACKET_SIZE << DSA_RING_MAX_LOG2;

	return q->ring_base <= limit - bytes;
}

bool queue_config_ok(const struct dsa_queue *q)
{
	return !(q->ring_base & (DSA_PAGE_SIZE - 1)) && q->ring_log2 >= DSA_RING_MIN_LOG2 &&
	       q->ring_log2 <= DSA_RING_MAX_LOG2 && q->asid < DSA_NUM_ASIDS && q->priority <= 3 &&
	       q->vector < DSA_NUM_VECTORS && !(q->mode & ~DSA_QMODE_USER) && ring_fits(q);
}

static void queue_announce_error(struct dsa_core *core, struct dsa_queue *q, struct dsa_irqs *irqs)
{
	irq_add(irqs, q->vector);
	irq_device(core, irqs, DSA_INT_QUEUE_ERROR);
}

static void queue_enable(struct dsa_core *core, struct dsa_queue *q, struct dsa_irqs *irqs)
{
	memset(&q->err, 0, sizeof(q->err));
	q->busy_compute = 0;
	q->busy_copy = 0;
	q->head = 0;
	__atomic_store_n(&q->tail, 0, __ATOMIC_RELEASE);
	queue_drop_work(core, q);
	if (!queue_config_ok(q)) {
		q->err.code = DSA_ERR_BAD_ARGUMENT;
		q->err.opcode = UINT32_MAX;
		queue_set_state(core, q, DSA_QSTATE_ERROR);
		queue_announce_error(core, q, irqs);
		return;
	}
	queue_set_state(core, q, DSA_QSTATE_ACTIVE);
}

/* From any state; completed by queue_finish_stops(). */
void queue_stop(struct dsa_core *core, struct dsa_queue *q, uint32_t target)
{
	q->stop_target = target;
	__atomic_store_n(&q->stop, 1, __ATOMIC_SEQ_CST);
	queue_set_state(core, q, DSA_QSTATE_STOPPING);
	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q == q && unit_leader(u)->claimed)
			rv_stop(&u->hart);
	}
}

/* The first error counts; none once the queue is being stopped. True: this one does. */
bool queue_fail(struct dsa_core *core, struct dsa_queue *q, const struct dsa_error *err)
{
	if (q->state != DSA_QSTATE_ACTIVE)
		return false;
	q->err = *err;
	queue_stop(core, q, DSA_QSTATE_ERROR);
	return true;
}

/* What was under way is known when nobody is in the middle of changing it. */
void queue_describe(const struct dsa_queue *q, struct dsa_error *err, uint32_t code)
{
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->opcode = UINT32_MAX;
	if ((q->claimed && !q->stuck) || q->phase == DSA_PH_IDLE)
		return;
	err->job_id = q->pkt.job_id;
	if (!q->in_cmd)
		return;
	err->opcode = q->cmd.hdr.opcode;
	err->cmd_va = q->cmd_va;
	if (err->opcode == DSA_CMD_LAUNCH)
		err->launch_id = q->cmd.launch.id;
}

void queue_command(struct dsa_core *core, struct dsa_queue *q, uint32_t cmd, struct dsa_irqs *irqs)
{
	struct dsa_error err;

	switch (cmd) {
	case DSA_QCMD_ENABLE:
		if (q->state == DSA_QSTATE_DISABLED && !core->boot_failed)
			queue_enable(core, q, irqs);
		else
			core->bad_access += core->bad_access != UINT32_MAX;
		break;
	case DSA_QCMD_KILL:
		queue_describe(q, &err, DSA_ERR_KILLED);
		queue_fail(core, q, &err);
		break;
	case DSA_QCMD_DISABLE:
		if (q->state != DSA_QSTATE_DISABLED)
			queue_stop(core, q, DSA_QSTATE_DISABLED);
		break;
	default:
		core->bad_access += core->bad_access != UINT32_MAX;
	}
	queue_finish_stops(core, irqs);
}

void queue_doorbell(struct dsa_core *core, struct dsa_queue *q, uint32_t tail,
		    struct dsa_irqs *irqs)
{
	struct dsa_error err;

	if (q->state != DSA_QSTATE_ACTIVE) {
		core->bad_access += core->bad_access != UINT32_MAX;
		return;
	}
	if (tail - q->head > 1u << q->ring_log2 || tail - q->head < q->tail - q->head) {
		queue_describe(q, &err, DSA_ERR_BAD_DOORBELL);
		err.addr = tail;
		queue_fail(core, q, &err);
		queue_finish_stops(core, irqs);
		return;
	}
	if (q->head == q->tail)
		q->start_ns = core->device_time;
	__atomic_store_n(&q->tail, tail, __ATOMIC_RELEASE);
	core->sem_gen++;
	sched_wake(core);
}

static void queue_finish(struct dsa_core *core, struct dsa_queue *q, struct dsa_irqs *irqs)
{
	queue_drop_work(core, q);
	if (q->stop_reset) {
		q->stop_reset = false;
		queue_reset_values(q);
	}
	__atomic_store_n(&q->stop, 0, __ATOMIC_SEQ_CST);
	queue_set_state(core, q, q->stop_target);
	if (q->state == DSA_QSTATE_ERROR)
		queue_announce_error(core, q, irqs);
}

/* Bitmap of queues whose stop can be completed. */
uint64_t queue_stops_ready(struct dsa_core *core)
{
	uint64_t ready = 0;

	for (uint64_t left = core->live; left; left &= left - 1) {
		struct dsa_queue *q = &core->q[__builtin_ctzll(left)];

		if (q->state == DSA_QSTATE_STOPPING && !q->refs)
			ready |= left & -left;
	}
	return ready;
}

void queue_finish_stops(struct dsa_core *core, struct dsa_irqs *irqs)
{
	for (uint64_t left = queue_stops_ready(core); left; left &= left - 1)
		queue_finish(core, &core->q[__builtin_ctzll(left)], irqs);
}
