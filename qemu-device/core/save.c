/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The save format: one description of the fields serves counting, writing and
 * reading. What is read is not trusted: every value that the device relies on
 * is checked before it is used.
 *
 * Saved: registers, queues with the packet and command under way, launches
 * with their programs' clocks, cores that hold programs with registers (vector
 * registers when a program used them) and scratchpad, which engines hang. Not saved: HBM, caches, packets read ahead, work of queues that
 * are being stopped, scratchpads of free cores (undefined by specification),
 * whether bus mastering is on (the host's).
 */
#include <errno.h>

#include "clock.h"
#include "core_int.h"

#define SAVE_MAGIC 0x65726f4341534456ull /* "VDSACore" */
/*
 * 2: vector registers, clocks of what cores do beside computing; 3: counters, conversions, clusters; 4: queues'
 * busy times and modes, engines, ECC address, faults
 */
#define SAVE_VERSION 4
#define SAVE_PAGE    4096

enum stream_mode { STREAM_COUNT, STREAM_WRITE, STREAM_READ };

struct stream {
	enum stream_mode mode;
	uint8_t *buf;
	size_t pos, size;
	const char *error; /* the first */
};

static void fail(struct stream *s, const char *why)
{
	if (!s->error)
		s->error = why;
}

static void check(struct stream *s, bool ok, const char *why)
{
	if (s->mode == STREAM_READ && !ok)
		fail(s, why);
}

static void io(struct stream *s, void *p, size_t n)
{
	if (s->mode == STREAM_COUNT) {
		s->pos += n;
		return;
	}
	if (s->error || n > s->size - s->pos) {
		fail(s, "the state ends too early");
		if (s->mode == STREAM_READ)
			memset(p, 0, n);
		return;
	}
	if (s->mode == STREAM_WRITE)
		memcpy(s->buf + s->pos, p, n);
	else
		memcpy(p, s->buf + s->pos, n);
	s->pos += n;
}

#define IO(s, field) io(s, &(field), sizeof(field))

static void io_bool(struct stream *s, bool *v)
{
	uint8_t byte = *v;

	IO(s, byte);
	check(s, byte <= 1, "a flag is neither 0 nor 1");
	*v = byte == 1;
}

/* A value that must be the same on both sides. */
static void io_same(struct stream *s, uint64_t value, const char *why)
{
	uint64_t v = value;

	IO(s, v);
	check(s, v == value, why);
}

static void io_cost(struct stream *s, const struct dsa_cost *cost)
{
	struct dsa_cost copy = *cost;

	for (unsigned int i = 0; i < DSA_COST_FIELDS; i++)
		io_same(s, *dsa_cost_at(&copy, i), "the cost model differs");
}

static void io_config(struct stream *s, const struct dsa_core_config *c)
{
	io_same(s, SAVE_MAGIC, "this is no state of a DSA");
	io_same(s, SAVE_VERSION, "the state's version is not known here");
	io_same(s, c->hbm_size, "HBM size differs");
	io_same(s, c->cores, "number of cores differs");
	io_same(s, c->copy_engines, "number of copy engines differs");
	io_same(s, c->scratch_size, "scratchpad size differs");
	io_same(s, c->vlen, "vector length differs");
	io_same(s, c->core_clock_khz, "core clock differs");
	io_same(s, c->matrix_macs, "matrix rate differs");
	io_same(s, c->hbm_mb_per_s, "HBM bandwidth differs");
	io_same(s, c->bus_mb_per_s, "bus bandwidth differs");
	io_cost(s, &c->cost);
}

static void io_sem_times(struct stream *s, struct dsa_core *core)
{
	for (unsigned int i = 0; i < DSA_SEM_TIMES; i++) {
		IO(s, core->sem_time[i].key);
		IO(s, core->sem_time[i].time_ns);
	}
}

static void io_faults(struct stream *s, struct dsa_core *core)
{
	const char *why;

	for (unsigned int i = 0; i < FAULT_SLOTS; i++) {
		struct fault *f = &core->fault[i];

		io_bool(s, &f->used);
		IO(s, f->kind);
		IO(s, f->arg);
		IO(s, f->count);
		IO(s, f->prob);
		IO(s, f->seed);
		IO(s, f->seen);
		IO(s, f->fired);
		IO(s, f->word);
		io_bool(s, &f->healed);
	}
	if (s->mode != STREAM_READ)
		return;
	why = s->error ? s->error : faults_check(core);
	if (!why)
		return;
	faults_forget(core);
	fail(s, why);
}

static void io_device(struct stream *s, struct dsa_core *core)
{
	IO(s, core->reset_count);
	IO(s, core->bad_access);
	IO(s, core->scratch);
	IO(s, core->int_status);
	IO(s, core->int_enable);
	IO(s, core->inv_start);
	IO(s, core->inv_size);
	IO(s, core->inv_seq);
	IO(s, core->root);
	IO(s, core->device_time);
	IO(s, core->busy_compute);
	IO(s, core->busy_copy);
	IO(s, core->ecc_corrected);
	IO(s, core->ecc_uncorrected);
	IO(s, core->ecc_addr);
	IO(s, core->eng_select);
	io(s, core->copy_busy_ns, core->cfg.copy_engines * sizeof(core->copy_busy_ns[0]));
	IO(s, core->causes);
	check(s, !(core->causes & ~(DSA_INT_PING | DSA_INT_ECC)),
	      "an interrupt's cause is unknown");
	IO(s, core->boot_failed);
	check(s, core->boot_failed <= 2, "how the firmware failed is unknown");
	io_bool(s, &core->clear);
	io_bool(s, &core->temp_fixed);
	IO(s, core->temp);
	io_sem_times(s, core);
	io_faults(s, core);
}

/* ---- queues ---- */

static void io_error(struct stream *s, struct dsa_error *e)
{
	IO(s, e->code);
	IO(s, e->access);
	IO(s, e->engine);
	IO(s, e->opcode);
	IO(s, e->addr);
	IO(s, e->pc);
	IO(s, e->cmd_va);
	IO(s, e->job_id);
	IO(s, e->launch_id);
	IO(s, e->program);
	IO(s, e->insn);
}

static void io_copy(struct stream *s, struct dsa_copy *c)
{
	IO(s, c->dst);
	IO(s, c->src);
	IO(s, c->dst_pitch);
	IO(s, c->src_pitch);
	IO(s, c->width);
	IO(s, c->rows);
	IO(s, c->pos);
	IO(s, c->pattern);
	io_bool(s, &c->fill);
	IO(s, c->hbm_bytes);
	IO(s, c->bus_bytes);
	IO(s, c->all_rows);
	check(s, copy_state_ok(c), "a copy's position is out of range");
}

static void io_window(struct stream *s, struct dsa_launch *l)
{
	for (uint64_t p = l->accounted; p < l->next && !s->error; p++) {
		IO(s, l->window[p % DSA_WINDOW]);
		check(s, l->window[p % DSA_WINDOW] != UINT64_MAX,
		      "a program's time is out of range");
	}
}

static void io_launch(struct stream *s, struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;

	if (s->mode == STREAM_READ) {
		launch_describe(l, &q->cmd.launch);
		l->units = 0;
		l->parked = 0;
		memset(l->window, 0, DSA_WINDOW * sizeof(l->window[0]));
		memset(l->core_free, 0, sizeof(l->core_free));
	}
	IO(s, l->next);
	IO(s, l->done);
	IO(s, l->accounted);
	IO(s, l->counters);
	IO(s, l->cycles);
	IO(s, l->start_ns);
	IO(s, l->clock_khz);
	IO(s, l->batch);
	check(s,
	      l->clock_khz && l->clock_khz <= core->cfg.core_clock_khz && l->next <= l->total &&
		      l->done <= l->next && l->accounted <= l->done &&
		      l->next - l->accounted <= DSA_WINDOW && l->batch >= 1 &&
		      l->batch <= DSA_MAX_BATCH,
	      "a launch's counts contradict each other");
	if (s->error)
		return;
	io(s, l->core_free, core->cfg.cores * sizeof(l->core_free[0]));
	io_window(s, l);
	if (s->mode == STREAM_READ)
		launch_busy(core, l);
}

static bool phase_fits(const struct dsa_queue *q)
{
	uint32_t op = q->cmd.hdr.opcode;

	switch (q->phase) {
	case DSA_PH_COPY:
		return q->in_cmd &&
		       (op == DSA_CMD_COPY || op == DSA_CMD_COPY_2D || op == DSA_CMD_FILL);
	case DSA_PH_LAUNCH:
		return q->in_cmd && op == DSA_CMD_LAUNCH;
	case DSA_PH_WAIT:
		return q->in_cmd && op == DSA_CMD_SEM_WAIT;
	case DSA_PH_CMD:
	case DSA_PH_FENCE:
	case DSA_PH_HUNG:
		return !q->in_cmd;
	default:
		return false;
	}
}

/* How long a fault still holds it. */
static void io_held(struct stream *s, struct dsa_core *core, struct dsa_queue *q)
{
	uint64_t now = now_ns(core), left = 0;

	if (q->held_until)
		left = q->held_until == UINT64_MAX ? UINT64_MAX :
		       q->held_until > now         ? q->held_until - now :
						     1;
	IO(s, left);
	if (s->mode != STREAM_READ || s->error)
		return;
	q->held_until = !left ? 0 : left > UINT64_MAX - now ? UINT64_MAX : now + left;
	core->holds |= left != 0;
}

static void io_work(struct stream *s, struct dsa_core *core, struct dsa_queue *q)
{
	IO(s, q->pkt);
	IO(s, q->cmd_off);
	IO(s, q->cmd_va);
	io_bool(s, &q->in_cmd);
	IO(s, q->cmd);
	check(s,
	      q->head != q->tail && ring_packet_ok(&q->pkt) && q->cmd_off % 8 == 0 &&
		      q->cmd_off <= q->pkt.cmd_size,
	      "a queue's packet is out of range");
	check(s, phase_fits(q), "a queue's phase does not fit its command");
	if (q->in_cmd)
		check(s, !cmd_check(core, q, &q->cmd), "a queue's command is out of range");
	if (s->error)
		return;
	if (q->phase == DSA_PH_COPY) {
		io_copy(s, &q->copy);
		check(s, q->copy.fill == (q->cmd.hdr.opcode == DSA_CMD_FILL), "a copy is no copy");
	}
	if (q->phase == DSA_PH_LAUNCH)
		io_launch(s, core, q);
	io_held(s, core, q);
}

static void check_queue_state(struct stream *s, const struct dsa_queue *q)
{
	check(s, q->state <= DSA_QSTATE_ERROR, "a queue's state is unknown");
	check(s, q->stop_target == DSA_QSTATE_DISABLED || q->stop_target == DSA_QSTATE_ERROR,
	      "a queue's state after stopping is unknown");
	if (q->state != DSA_QSTATE_ACTIVE)
		return;
	check(s, queue_config_ok(q), "an active queue's configuration is out of range");
	check(s, q->ring_log2 <= DSA_RING_MAX_LOG2 && q->tail - q->head <= 1u << q->ring_log2,
	      "a queue's tail is out of range");
}

/* How far its clock is ahead of the host's, to be held as long after loading. */
static void io_pace(struct stream *s, struct dsa_core *core, struct dsa_queue *q)
{
	uint64_t ahead = q->time_ns - pace_time(core, q);

	IO(s, ahead);
	check(s, ahead <= q->time_ns, "a queue's clock is out of range");
	if (s->mode == STREAM_READ && !s->error)
		pace_restore(core, q, ahead);
}

/* The engine that its copy is on, and whether that, or the front end, hangs. */
static void io_queue_engine(struct stream *s, struct dsa_core *core, struct dsa_queue *q)
{
	uint32_t engine = q->copy_engine;
	bool stuck = q->stuck, stopping;

	IO(s, engine);
	io_bool(s, &stuck);
	if (s->mode != STREAM_READ)
		return;
	stopping = stuck && q->state == DSA_QSTATE_STOPPING;
	check(s, engine == UINT32_MAX || stopping || q->phase == DSA_PH_COPY,
	      "a copy engine works for a queue that has no copy");
	check(s,
	      engine == UINT32_MAX ||
		      (engine < core->cfg.copy_engines && !core->copy_owner[engine]),
	      "a copy's engine is out of range or taken");
	check(s, !stuck || stopping || q->state == DSA_QSTATE_ACTIVE,
	      "an engine hangs without a queue");
	if (s->error)
		return;
	q->copy_engine = (int)engine;
	q->stuck = stuck;
	q->claimed = stuck;
	q->refs = stuck;
	if (q->copy_engine < 0)
		return;
	core->copy_owner[engine] = q;
	core->copy_busy |= (uint32_t)stuck << engine;
}

static void io_queue(struct stream *s, struct dsa_core *core, struct dsa_queue *q)
{
	uint32_t phase;

	IO(s, q->ring_base);
	IO(s, q->ring_log2);
	IO(s, q->asid);
	IO(s, q->priority);
	IO(s, q->vector);
	IO(s, q->mode);
	IO(s, q->state);
	IO(s, q->stop_target);
	io_bool(s, &q->stop_reset);
	IO(s, q->head);
	IO(s, q->tail);
	IO(s, q->time_ns);
	IO(s, q->start_ns);
	IO(s, q->fetch_ns);
	io_bool(s, &q->busy);
	IO(s, q->busy_compute);
	IO(s, q->busy_copy);
	io_pace(s, core, q);
	io_error(s, &q->err);
	phase = q->state == DSA_QSTATE_ACTIVE ? q->phase : DSA_PH_IDLE;
	IO(s, phase);
	check_queue_state(s, q);
	check(s, phase < DSA_PH_COUNT && (phase == DSA_PH_IDLE || q->state == DSA_QSTATE_ACTIVE),
	      "a queue's phase is unknown");
	if (s->mode == STREAM_READ && !s->error)
		q->phase = phase;
	if (phase != DSA_PH_IDLE && !s->error)
		io_work(s, core, q);
	io_queue_engine(s, core, q);
}

/* ---- cores ---- */

static bool page_is_zero(const uint8_t *p)
{
	return !p[0] && !memcmp(p, p + 1, SAVE_PAGE - 1);
}

/* Pages that are not zero, each after its number; then ~0. */
static void io_spad_out(struct stream *s, struct dsa_core *core, struct dsa_unit *u)
{
	uint32_t end = UINT32_MAX;

	for (uint32_t page = 0; page < core->cfg.scratch_size / SAVE_PAGE; page++) {
		if (page_is_zero(u->spad + page * SAVE_PAGE))
			continue;
		IO(s, page);
		io(s, u->spad + page * SAVE_PAGE, SAVE_PAGE);
	}
	IO(s, end);
}

static void io_spad_in(struct stream *s, struct dsa_core *core, struct dsa_unit *u)
{
	uint32_t pages = core->cfg.scratch_size / SAVE_PAGE;
	uint32_t page, least = 0;

	for (;;) {
		IO(s, page);
		if (s->error || page == UINT32_MAX)
			return;
		check(s, page >= least && page < pages, "a scratchpad's page is out of range");
		if (s->error)
			return;
		io(s, u->spad + page * SAVE_PAGE, SAVE_PAGE);
		least = page + 1;
	}
}

static void io_arch(struct stream *s, struct rv_arch *a)
{
	IO(s, a->x);
	IO(s, a->pc);
	IO(s, a->f);
	IO(s, a->fcsr);
	IO(s, a->res_size);
	IO(s, a->res_addr);
	IO(s, a->res_value);
	IO(s, a->instret);
	check(s, a->fcsr <= 0xff && (a->res_size == 0 || a->res_size == 4 || a->res_size == 8),
	      "a core's registers are out of range");
}

static void io_vector(struct stream *s, struct rv_hart *h)
{
	struct rv_arch *a = &h->arch;
	bool used = h->v_used;

	IO(s, a->vl);
	IO(s, a->vtype);
	IO(s, a->vstart);
	IO(s, a->vxrm);
	IO(s, a->vxsat);
	IO(s, h->vec_insns);
	IO(s, h->vec_elements);
	IO(s, h->vec_beats);
	IO(s, h->vec_bytes);
	IO(s, h->vec_moved);
	check(s,
	      rv_vector_state_ok(h) && h->vec_beats <= DSA_MAX_CYCLES &&
		      h->vec_bytes <= DSA_MAX_CYCLES,
	      "a core's vector state is out of range");
	io_bool(s, &used);
	if (s->error)
		return;
	if (s->mode == STREAM_READ)
		h->v_used = true; /* whatever was there before goes with the next reset */
	if (used)
		io(s, h->v, (size_t)32 * h->vlenb);
	else if (s->mode == STREAM_READ)
		memset(h->v, 0, (size_t)32 * h->vlenb);
}

/* Its clusters were handed out, are not done, and belong to no other core. */
static void claim_programs(struct stream *s, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;

	check(s, u->prog >= l->accounted && u->prog < u->batch_end && u->batch_end <= l->next,
	      "a core's programs are out of range");
	for (uint64_t p = u->prog; p < u->batch_end && !s->error; p++) {
		uint64_t *slot = &l->window[p % DSA_WINDOW];

		check(s, !*slot, "a program is on two cores or done");
		*slot = UINT64_MAX; /* taken; undone by settle_launch() */
	}
}

/* The core joins the cluster of @lead, or leads one. */
static void attach_loaded(struct dsa_core *core, struct dsa_unit *u, struct dsa_unit *lead)
{
	u->q = lead->q;
	u->cluster = &lead->own;
	if (u != lead) {
		u->rank = lead->own.size;
		lead->own.unit[lead->own.size++] = u;
		u->prog = lead->prog;
	}
	u->q->launch.units++;
	u->q->launch.parked += u == lead;
	core->free_units--;
	u->stamp = ++core->stamp;
	u->batch_ns = 0;
	u->done = 0;
	memset(&u->counters, 0, sizeof(u->counters));
	u->code_gen = 0;
	u->spad_valid = true;
	u->spad_asid = u->q->asid;
	u->spad_gen = core->asid_gen[u->q->asid];
}

static bool unit_saved(const struct dsa_unit *u)
{
	return u->q && u->q->state == DSA_QSTATE_ACTIVE;
}

/* A leader's queue and clusters. */
static void io_lead(struct stream *s, struct dsa_core *core, struct dsa_unit *u)
{
	uint32_t queue = u->q ? u->q->index : 0;

	IO(s, queue);
	check(s, queue < DSA_NUM_COMPUTE_QUEUES && core->q[queue].launch.busy,
	      "a core works for a queue that has no launch");
	if (s->error)
		return;
	IO(s, u->prog);
	IO(s, u->batch_end);
	if (s->mode != STREAM_READ)
		return;
	u->q = &core->q[queue];
	attach_loaded(core, u, u);
	claim_programs(s, u);
}

/* A cluster's own state, once all its cores are known. */
static void io_cluster(struct stream *s, struct dsa_cluster *c)
{
	uint32_t ranks = (1u << c->size) - 1;

	check(s, c->size == c->unit[0]->q->launch.size, "a cluster lacks cores");
	IO(s, c->turn);
	IO(s, c->turn_left);
	IO(s, c->cycles);
	IO(s, c->arrived);
	IO(s, c->owe);
	IO(s, c->latest);
	IO(s, c->done);
	check(s,
	      c->turn < c->size && c->turn_left <= DSA_CLUSTER_TURN &&
		      c->cycles <= 2 * DSA_MAX_CYCLES && c->latest <= DSA_MAX_CYCLES &&
		      c->done <= DSA_MAX_CYCLES,
	      "a cluster's clock is out of range");
	check(s, !(c->owe & ~ranks) && !(c->arrived & ~c->owe) && c->arrived != ranks,
	      "a cluster's barrier contradicts itself");
	if (s->mode == STREAM_READ && !s->error && !c->unit[c->turn]->in_program)
		c->turn_left = 0;
}

static void io_unit(struct stream *s, struct dsa_core *core, struct dsa_unit *u)
{
	uint32_t lead = unit_saved(u) ? unit_leader(u)->index : UINT32_MAX;

	IO(s, lead);
	if (s->error || lead == UINT32_MAX)
		return;
	check(s, lead <= u->index, "a core has no leader");
	if (s->error)
		return;
	if (lead == u->index) {
		io_lead(s, core, u);
	} else if (s->mode == STREAM_READ) {
		struct dsa_unit *l = &core->unit[lead];

		check(s, l->q && unit_leads(l) && l->own.size < l->q->launch.size,
		      "a core joins a cluster that is none or full");
		if (!s->error)
			attach_loaded(core, u, l);
	}
	if (s->error)
		return;
	io_bool(s, &u->in_program);
	IO(s, u->stall);
	IO(s, u->tensor_free);
	IO(s, u->store_done);
	IO(s, u->matrix_free);
	IO(s, u->matrix_done);
	IO(s, u->convert_free);
	check(s,
	      u->stall <= DSA_MAX_CYCLES && u->matrix_free <= DSA_MAX_CYCLES &&
		      u->matrix_done <= DSA_MAX_CYCLES && u->tensor_free <= DSA_MAX_CYCLES &&
		      u->convert_free <= DSA_MAX_CYCLES && u->store_done <= DSA_MAX_CYCLES,
	      "a core's clock is out of range");
	io_arch(s, &u->hart.arch);
	io_vector(s, &u->hart);
	if (s->mode != STREAM_READ) {
		io_spad_out(s, core, u);
		return;
	}
	u->wait = DSA_WAIT_NOT; /* it finds out again */
	u->clock = xdsa_clock(u, u->hart.arch.instret);
	io_spad_in(s, core, u);
}

/* A core that hangs while its queue stops: there is nothing but that to know of it. */
static void attach_stuck(struct dsa_core *core, struct dsa_unit *u, struct dsa_queue *q)
{
	u->q = q;
	u->in_program = false;
	u->prog = 0;
	u->batch_end = 0;
	u->claimed = true;
	q->launch.units++;
	q->refs++;
	core->free_units--;
}

static void hold_stuck(struct dsa_unit *u)
{
	struct dsa_unit *lead = unit_leader(u);

	if (lead->claimed)
		return;
	lead->claimed = true;
	lead->q->launch.parked--;
	lead->q->refs++;
}

/* Time worked; whether it hangs, and which queue it then keeps. */
static void io_unit_engine(struct stream *s, struct dsa_core *core, struct dsa_unit *u)
{
	uint32_t queue = u->stuck ? u->q->index : UINT32_MAX;
	struct dsa_queue *q;

	IO(s, u->busy_ns);
	IO(s, queue);
	if (s->mode != STREAM_READ || s->error || queue == UINT32_MAX)
		return;
	check(s, queue < DSA_NUM_COMPUTE_QUEUES, "a core hangs for a queue out of range");
	if (s->error)
		return;
	q = &core->q[queue];
	check(s, u->q ? u->q == q : q->state == DSA_QSTATE_STOPPING,
	      "a core hangs without a queue");
	if (s->error)
		return;
	if (u->q)
		hold_stuck(u);
	else
		attach_stuck(core, u, q);
	u->stuck = true;
}

/* Every cluster that was handed out is done or on cores. */
static void settle_launch(struct stream *s, struct dsa_launch *l)
{
	uint64_t on_cores = 0;

	for (uint64_t p = l->accounted; p < l->next; p++) {
		uint64_t *slot = &l->window[p % DSA_WINDOW];

		check(s, *slot, "a program was handed out and is nowhere");
		if (*slot == UINT64_MAX) {
			*slot = 0;
			on_cores++;
		}
	}
	check(s, l->done == l->next - on_cores, "a launch's counts contradict its cores");
}

static void io_all(struct stream *s, struct dsa_core *core)
{
	io_config(s, &core->cfg);
	if (s->error)
		return;
	io_device(s, core);
	for (unsigned int i = 0; i < DSA_NUM_QUEUES && !s->error; i++)
		io_queue(s, core, &core->q[i]);
	for (unsigned int i = 0; i < core->cfg.cores && !s->error; i++)
		io_unit(s, core, &core->unit[i]);
	for (unsigned int i = 0; i < core->cfg.cores && !s->error; i++)
		if (unit_saved(&core->unit[i]) && unit_leads(&core->unit[i]))
			io_cluster(s, &core->unit[i].own);
	for (unsigned int i = 0; i < core->cfg.cores && !s->error; i++)
		io_unit_engine(s, core, &core->unit[i]);
	for (unsigned int i = 0; i < DSA_NUM_QUEUES && !s->error && s->mode == STREAM_READ; i++)
		if (core->q[i].launch.busy)
			settle_launch(s, &core->q[i].launch);
	io_same(s, SAVE_MAGIC, "the state does not end where it should");
}

size_t dsa_core_save(struct dsa_core *core, void *buf, size_t size)
{
	struct stream s = { .mode = STREAM_COUNT };
	size_t need;

	core_lock(core);
	io_all(&s, core);
	need = s.pos;
	if (size >= need) {
		s = (struct stream){ .mode = STREAM_WRITE, .buf = buf, .size = need };
		io_all(&s, core);
	}
	core_unlock(core);
	return need;
}

/* ---- loading ---- */

/* As after a reset, at once: nobody is inside dsa_core_run. */
static void blank(struct dsa_core *core)
{
	struct dsa_irqs irqs = { 0 };

	faults_forget(core);
	core_reset_locked(core, &irqs);
	for (unsigned int i = 0; i < core->cfg.cores; i++)
		unit_forget_spad(&core->unit[i]);
	core->clear = false;
	core->clear_pos = 0;
	core->sem_gen++;
}

static void settle_queue(struct dsa_core *core, struct dsa_queue *q)
{
	uint64_t bit = 1ull << q->index;

	core->live &= ~bit;
	if (q->state == DSA_QSTATE_ACTIVE || q->state == DSA_QSTATE_STOPPING)
		core->live |= bit;
	q->stop = q->state == DSA_QSTATE_STOPPING;
	q->wait_gen = 0;
	q->ring_count = 0;
	q->buf_len = 0;
}

/* What a bad state left behind, so that a reset finds nothing odd. */
static void undo(struct dsa_core *core)
{
	engines_unstick(core);
	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q && unit_leads(u)) {
			u->q->launch.parked--;
			unit_free(core, u);
		}
		u->busy_ns = 0;
	}
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++) {
		struct dsa_queue *q = &core->q[i];

		q->state = DSA_QSTATE_DISABLED;
		q->stop_target = DSA_QSTATE_DISABLED;
		q->stop_reset = false;
		q->launch.busy = false;
		q->phase = DSA_PH_IDLE;
		q->in_cmd = false;
		q->busy = false;
		copy_leave(core, q);
		q->time_ns = 0;
		q->fetch_ns = 0;
		settle_queue(core, q);
	}
	core->launches = 0;
	core->cluster_launches = 0;
	core->device_time = 0;
	core->busy_compute = 0;
	core->busy_copy = 0;
	core->ecc_corrected = 0;
	core->ecc_uncorrected = 0;
	core->ecc_addr = 0;
	memset(core->copy_busy_ns, 0, sizeof(core->copy_busy_ns));
	core->temp_fixed = false;
	blank(core);
}

int dsa_core_load(struct dsa_core *core, const void *buf, size_t size, const char **error)
{
	/* Reading never writes to the buffer. */
	struct stream s = { .mode = STREAM_READ, .buf = (uint8_t *)buf, .size = size };

	core_lock(core);
	blank(core);
	io_all(&s, core);
	if (!s.error && s.pos != size)
		fail(&s, "there is more than a state");
	if (!s.error && core->temp_fixed && (core->temp < -60000 || core->temp > 150000))
		fail(&s, "the temperature is out of range");
	if (s.error)
		undo(core);
	else
		for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
			settle_queue(core, &core->q[i]);
	sched_wake(core);
	core_unlock(core);
	*error = s.error;
	return s.error ? -EINVAL : 0;
}
