/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reset, and the clearing of HBM that follows a function reset. */
#include "core_int.h"

/* STOPPING queues, or HBM not clear yet. */
bool core_resetting(struct dsa_core *core)
{
	if (core->clear)
		return true;
	for (uint64_t left = core->live; left; left &= left - 1)
		if (core->q[__builtin_ctzll(left)].stop_reset)
			return true;
	return false;
}

static void reset_queue(struct dsa_core *core, struct dsa_queue *q)
{
	memset(&q->err, 0, sizeof(q->err));
	if (q->state == DSA_QSTATE_DISABLED) {
		queue_reset_values(q);
		return;
	}
	q->stop_reset = true;
	queue_stop(core, q, DSA_QSTATE_DISABLED);
}

void core_reset_locked(struct dsa_core *core, struct dsa_irqs *irqs)
{
	for (unsigned int i = 0; i < DSA_NUM_ASIDS; i++) {
		__atomic_store_n(&core->root[i], 0, __ATOMIC_SEQ_CST);
		core->asid_gen[i]++;
	}
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		reset_queue(core, &core->q[i]);
	engines_unstick(core);
	core->int_status = 0;
	core->int_enable = 0;
	core->causes = 0;
	core->scratch = 0;
	core->bad_access = 0;
	core->inv_start = 0;
	core->inv_size = 0;
	core->eng_select = 0;
	core->reset_count++;
	fault_boot(core);
	__atomic_store_n(&core->guest_errors, 0, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < DSA_SEM_TIMES; i++)
		core->sem_time[i].key = UINT64_MAX;
	queue_finish_stops(core, irqs);
}

void dsa_core_reset(struct dsa_core *core, enum dsa_reset_kind kind)
{
	struct dsa_irqs irqs = { 0 };

	core_lock(core);
	core_reset_locked(core, &irqs);
	if (kind == DSA_RESET_FUNCTION) {
		core->clear = true;
		core->clear_pos = 0;
	}
	sched_wake(core);
	core_unlock(core);
}

static bool is_zero(const uint8_t *p, size_t len)
{
	const uint64_t *w = (const uint64_t *)p;
	uint64_t any = 0;

	for (size_t i = 0; i < len / 8; i++)
		any |= w[i];
	return !any;
}

/* Without the host's help touches only what is not zero, so that lazily allocated HBM stays so. */
static void clear_chunk(struct dsa_core *core, uint64_t pos, uint64_t len)
{
	uint8_t *p = core->cfg.hbm + pos;

	if (core->ops->hbm_clear && !core->ops->hbm_clear(core->host, pos, len))
		return;
	for (uint64_t off = 0; off < len; off += DSA_PAGE_SIZE) {
		if (!is_zero(p + off, DSA_PAGE_SIZE)) {
			memset(p + off, 0, DSA_PAGE_SIZE);
			core->ops->hbm_dirty(core->host, pos + off, DSA_PAGE_SIZE);
		}
	}
}

/* The caller set core->clearing; all work from before the reset is gone. */
void clear_step(struct dsa_core *core, uint64_t deadline)
{
	uint64_t pos, len = DSA_CLEAR_CHUNK;

	if (len > core->cfg.hbm_size)
		len = core->cfg.hbm_size;
	core_lock(core);
	while (core->clear_pos < core->cfg.hbm_size) {
		pos = core->clear_pos;
		core->clear_pos += len;
		core_unlock(core);
		clear_chunk(core, pos, len);
		core_lock(core);
		if (now_ns(core) >= deadline)
			break;
	}
	core->clearing = false;
	if (core->clear_pos >= core->cfg.hbm_size) {
		core->clear = false;
		sched_wake(core);
	}
	core_unlock(core);
}
