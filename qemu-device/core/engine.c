/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines one by one: what the registers show of each, and its reset.
 *
 * An engine that hangs keeps the claim of what it works for: nobody else gets
 * at it, and a queue that stops waits for it, until a reset makes it let go.
 */
#include "clock.h"
#include "core_int.h"

struct engine {
	enum dsa_engine_kind kind;
	unsigned int index;
	struct dsa_queue *q; /* served; NULL: none */
	struct dsa_unit *u;  /* of cores */
};

/* A front end serves its queue while it has something to do. */
static struct dsa_queue *frontend_client(struct dsa_core *core, unsigned int index)
{
	struct dsa_queue *q = &core->q[index];

	if (q->state == DSA_QSTATE_STOPPING)
		return q->refs ? q : NULL;
	return q->state == DSA_QSTATE_ACTIVE && (q->busy || q->claimed || q->head != q->tail) ?
		       q :
		       NULL;
}

/* False: there is no such engine. */
static bool engine_find(struct dsa_core *core, uint32_t select, struct engine *e)
{
	*e = (struct engine){ .kind = select >> 16, .index = select & 0xffff };
	switch (select >> 16) {
	case DSA_ENGINE_FRONTEND:
		if (e->index >= DSA_NUM_QUEUES)
			return false;
		e->q = frontend_client(core, e->index);
		return true;
	case DSA_ENGINE_COPY:
		if (e->index >= core->cfg.copy_engines)
			return false;
		e->q = core->copy_owner[e->index];
		return true;
	case DSA_ENGINE_CORE:
		if (e->index >= core->cfg.cores)
			return false;
		e->u = &core->unit[e->index];
		e->q = e->u->q;
		return true;
	default:
		return false;
	}
}

/* ---- the window ---- */

static void note_one(struct dsa_unit *u)
{
	u->seen = (struct dsa_unit_view){ .in_program = u->in_program, .prog = u->prog };
	if (!u->in_program)
		return;
	u->seen.pc = u->hart.arch.pc;
	if (!cluster_blocks(u))
		return;
	u->seen.wait = u->wait;
	if (u->wait == DSA_WAIT_MBARRIER)
		u->seen.wait_addr = u->wait_addr;
}

void unit_note(struct dsa_unit *lead)
{
	for (uint32_t r = 0; r < lead->own.size; r++)
		note_one(lead->own.unit[r]);
}

static void view_core(struct dsa_unit *u, struct dsa_engine_view *v)
{
	uint64_t id[3];

	v->busy_ns = u->busy_ns;
	if (!u->q)
		return;
	if (!unit_leader(u)->claimed)
		unit_note(unit_leader(u));
	v->state = u->stuck ? DSA_ENG_STUCK : DSA_ENG_BUSY;
	if (!u->q->launch.busy)
		return;
	v->launch_id = u->q->launch.cmd.id;
	if (!u->seen.in_program)
		return;
	unit_program_id(u, u->seen.prog, id);
	for (int i = 0; i < 3; i++)
		v->program[i] = id[i];
	v->pc = u->seen.pc;
	v->wait_addr = u->seen.wait_addr;
	if (u->seen.wait == DSA_WAIT_MBARRIER)
		v->wait = DSA_ENG_WAIT_MBARRIER;
	else if (u->seen.wait == DSA_WAIT_CLUSTER)
		v->wait = DSA_ENG_WAIT_CLUSTER;
	if (v->wait && !u->stuck)
		v->state = DSA_ENG_WAITING;
}

/* The command: it is not changed while a copy engine works for it. */
static void view_command(const struct dsa_queue *q, struct dsa_engine_view *v)
{
	v->pc = q->cmd_va;
	if (q->cmd.hdr.opcode == DSA_CMD_LAUNCH)
		v->launch_id = q->cmd.launch.id;
}

static void view_frontend(const struct engine *e, const struct dsa_queue *self,
			  struct dsa_engine_view *v)
{
	v->busy_ns = __atomic_load_n(&self->fetch_ns, __ATOMIC_RELAXED);
	if (!e->q)
		return;
	v->state = self->stuck && self->copy_engine < 0 ? DSA_ENG_STUCK : DSA_ENG_BUSY;
	/* Who has claimed it is in the middle of changing the rest. */
	if ((self->claimed && !self->stuck) || self->phase == DSA_PH_IDLE || !self->in_cmd)
		return;
	view_command(self, v);
	if (self->phase != DSA_PH_WAIT)
		return;
	v->wait = DSA_ENG_WAIT_SEMAPHORE;
	v->wait_addr = self->cmd.sem.va;
	if (v->state == DSA_ENG_BUSY)
		v->state = DSA_ENG_WAITING;
}

void engine_view(struct dsa_core *core, uint32_t select, struct dsa_engine_view *v)
{
	struct engine e;

	*v = (struct dsa_engine_view){ .state = DSA_ENG_IDLE, .queue = UINT32_MAX };
	if (!engine_find(core, select, &e)) {
		v->state = DSA_ENG_ABSENT;
		return;
	}
	if (e.q)
		v->queue = e.q->index;
	switch (e.kind) {
	case DSA_ENGINE_FRONTEND:
		view_frontend(&e, &core->q[e.index], v);
		break;
	case DSA_ENGINE_COPY:
		v->busy_ns = core->copy_busy_ns[e.index];
		if (!e.q)
			break;
		v->state = e.q->stuck ? DSA_ENG_STUCK : DSA_ENG_BUSY;
		view_command(e.q, v);
		break;
	case DSA_ENGINE_CORE:
		view_core(e.u, v);
		break;
	}
}

/* ---- hanging and letting go ---- */

bool cluster_stuck(const struct dsa_cluster *c)
{
	for (uint32_t r = 0; r < c->size; r++)
		if (c->unit[r]->stuck)
			return true;
	return false;
}

void queue_let_go(struct dsa_queue *q)
{
	q->refs--;
	q->claimed = false;
}

void unit_let_go(struct dsa_core *core, struct dsa_unit *lead)
{
	struct dsa_queue *q = lead->q;

	q->refs--;
	lead->claimed = false;
	if (queue_stopping(q) || (lead->prog == lead->batch_end && !cluster_busy(&lead->own)))
		unit_free(core, lead);
	else
		q->launch.parked++;
}

static void unstick_core(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_unit *lead = unit_leader(u);

	if (!u->stuck)
		return;
	u->stuck = false;
	if (!cluster_stuck(&lead->own))
		unit_let_go(core, lead);
}

static void unstick_queue(struct dsa_core *core, struct dsa_queue *q)
{
	if (!q->stuck)
		return;
	q->stuck = false;
	if (q->copy_engine >= 0)
		core->copy_busy &= ~(1u << q->copy_engine);
	copy_leave(core, q);
	queue_let_go(q);
}

void engines_unstick(struct dsa_core *core)
{
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		unstick_queue(core, &core->q[i]);
	for (unsigned int i = 0; i < core->cfg.cores; i++)
		unstick_core(core, &core->unit[i]);
}

/* ---- reset ---- */

static void describe_reset(struct dsa_core *core, const struct engine *e, uint32_t select,
			   struct dsa_error *err)
{
	struct dsa_engine_view v;

	queue_describe(e->q, err, DSA_ERR_RESET);
	err->engine = select;
	if (!e->u)
		return;
	engine_view(core, select, &v);
	err->pc = v.pc;
	err->launch_id = v.launch_id;
	memcpy(err->program, v.program, sizeof(err->program));
}

bool engine_reset(struct dsa_core *core, uint32_t select, struct dsa_irqs *irqs)
{
	struct dsa_error err;
	struct engine e;

	if (!engine_find(core, select, &e))
		return false;
	if (e.u && e.q)
		e.u->reset = true;
	else if (e.u)
		unit_forget_spad(e.u);
	if (!e.q)
		return true;
	describe_reset(core, &e, select, &err);
	queue_fail(core, e.q, &err);
	if (e.u)
		unstick_core(core, e.u);
	else if (e.kind == DSA_ENGINE_COPY || e.q->copy_engine < 0)
		unstick_queue(core, e.q);
	queue_finish_stops(core, irqs);
	return true;
}
