/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launches: a grid's programs are handed to cores in batches, in order of
 * their numbers; the clock takes them in the same order, whatever order they
 * end in.
 */
#include "clock.h"
#include "core_int.h"

#define BATCH_SHORT_NS 20000
#define BATCH_LONG_NS  100000

uint32_t launch_check(const struct dsa_core *core, const struct dsa_cmd_launch *cmd)
{
	uint64_t stack = cmd->stack_bytes ? cmd->stack_bytes : DSA_DEFAULT_STACK_BYTES;
	uint64_t total = 1;

	for (int i = 0; i < 3; i++) {
		if (!cmd->grid[i] || cmd->grid[i] > DSA_MAX_GRID_DIM || cmd->cluster[i] > 1)
			return DSA_ERR_BAD_ARGUMENT;
		if (__builtin_mul_overflow(total, cmd->grid[i], &total))
			return DSA_ERR_BAD_ARGUMENT;
	}
	if (total > 1ull << 40 || cmd->scratch_bytes + stack > core->cfg.scratch_size)
		return DSA_ERR_BAD_ARGUMENT;
	if (cmd->counters_bytes % 8 || cmd->counters_bytes > sizeof(struct dsa_launch_counters))
		return DSA_ERR_BAD_ARGUMENT;
	return cmd->counters % 8 || cmd->entry % 2 ? DSA_ERR_BAD_ARGUMENT : 0;
}

void launch_start(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;

	l->cmd = q->cmd.launch;
	l->total = (uint64_t)l->cmd.grid[0] * l->cmd.grid[1] * l->cmd.grid[2];
	l->start_ns = q->time_ns;
	l->next = 0;
	l->done = 0;
	l->accounted = 0;
	l->instructions = 0;
	l->cycles = 0;
	l->batch = 1;
	memset(l->core_free, 0, sizeof(l->core_free));
	for (uint64_t i = 0; i < DSA_WINDOW && i < l->total; i++)
		__atomic_store_n(&l->window[i], 0, __ATOMIC_RELAXED);
	core_lock(core);
	l->gen = ++core->launch_gen;
	l->busy = true;
	core->launches++;
	q->phase = DSA_PH_LAUNCH;
	core_unlock(core);
}

/* All programs returned, and no core is still looking for more of them. */
bool launch_finished(const struct dsa_launch *l)
{
	return l->busy && l->done == l->total && !l->units;
}

static uint64_t launch_ready(const struct dsa_launch *l)
{
	uint64_t left = l->total - l->next;
	uint64_t window = DSA_WINDOW - (l->next - l->accounted);

	return left < window ? left : window;
}

/* ---- which launch gets a core ---- */

static unsigned int fair_share(const struct dsa_core *core)
{
	return (core->cfg.cores + core->launches - 1) / core->launches;
}

/* Does another launch want a core and have less than its share? */
static bool others_wait(struct dsa_core *core, const struct dsa_queue *q)
{
	if (core->launches <= 1)
		return false;
	for (uint64_t left = core->live; left; left &= left - 1) {
		struct dsa_queue *o = &core->q[__builtin_ctzll(left)];

		if (o != q && o->launch.busy && !queue_stopping(o) && launch_ready(&o->launch) &&
		    o->launch.units < fair_share(core))
			return true;
	}
	return false;
}

static bool launch_may_grow(struct dsa_core *core, struct dsa_queue *q)
{
	return launch_ready(&q->launch) && core->free_units &&
	       (core->launches <= 1 || q->launch.units < fair_share(core) || !others_wait(core, q));
}

bool launch_has_work(struct dsa_core *core, struct dsa_queue *q)
{
	return q->launch.busy && (q->launch.parked || launch_may_grow(core, q));
}

static bool unit_fits(const struct dsa_core *core, const struct dsa_unit *u,
		      const struct dsa_queue *q)
{
	return u->spad_valid && u->spad_asid == q->asid && u->spad_gen == core->asid_gen[q->asid];
}

static struct dsa_unit *pick_free(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_unit *best = NULL;

	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q)
			continue;
		if (unit_fits(core, u, q))
			return u;
		if (!best)
			best = u;
	}
	return best;
}

static struct dsa_unit *pick_parked(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_unit *best = NULL;

	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q == q && !u->claimed && (!best || u->stamp < best->stamp))
			best = u;
	}
	return best;
}

/*
 * A new program on a free core before the next slice of one that runs:
 * programs that wait for each other find themselves on cores together.
 */
struct dsa_unit *launch_pick_unit(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_unit *u;

	if (launch_may_grow(core, q)) {
		u = pick_free(core, q);
		u->q = q;
		u->prog = 0;
		u->batch_end = 0;
		u->in_program = false;
		u->batch_ns = 0;
		core->free_units--;
		q->launch.units++;
		launch_take(core, u);
	} else {
		u = pick_parked(core, q);
		q->launch.parked--;
	}
	u->claimed = true;
	u->stamp = ++core->stamp;
	q->refs++;
	return u;
}

/*
 * Batches grow while they are short, so that handing out costs little. The last ones are smaller, so that
 * cores end together; not by much, as what is short to begin with is not worth many small ones.
 */
static uint64_t batch_size(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;
	uint64_t now = now_ns(core);
	uint64_t ready = launch_ready(l);
	uint64_t n;

	if (u->batch_ns && now - u->batch_ns < BATCH_SHORT_NS && l->batch < DSA_MAX_BATCH)
		l->batch *= 2;
	else if (u->batch_ns && now - u->batch_ns > BATCH_LONG_NS && l->batch > 1)
		l->batch /= 2;
	u->batch_ns = now;
	n = (l->total - l->next) / (2 * core->cfg.cores);
	if (n < l->batch / 8)
		n = l->batch / 8;
	if (n > l->batch)
		n = l->batch;
	if (n > ready)
		n = ready;
	return n ? n : ready != 0;
}

/* The unit's next programs. False: none for it. */
bool launch_take(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;
	uint64_t n;

	if (core->launches > 1 && l->units > fair_share(core) && others_wait(core, u->q))
		return false;
	n = batch_size(core, u);
	u->prog = l->next;
	l->next += n;
	u->batch_end = l->next;
	return n != 0;
}

/* ---- the clock of a launch ---- */

/* The core that is free first, at the root of the heap, runs for @cycles. */
static void heap_add(uint64_t *heap, unsigned int n, uint64_t cycles)
{
	uint64_t value = heap[0] + cycles;
	unsigned int i = 0;

	for (;;) {
		unsigned int child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= value)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = value;
}

void launch_report(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;

	l->done += u->done;
	l->instructions += u->instructions;
	u->done = 0;
	u->instructions = 0;
	while (l->accounted < l->next) {
		uint64_t *slot = &l->window[l->accounted % DSA_WINDOW];
		uint64_t cycles = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

		if (!cycles)
			break;
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		heap_add(l->core_free, core->cfg.cores, cycles - 1);
		l->cycles += cycles - 1;
		l->accounted++;
	}
}

uint64_t launch_end_ns(const struct dsa_core *core, const struct dsa_launch *l)
{
	uint64_t last = 0;

	for (unsigned int i = 0; i < core->cfg.cores; i++)
		if (l->core_free[i] > last)
			last = l->core_free[i];
	return l->start_ns + DSA_T_LAUNCH_NS + clock_cycles_to_ns(last, core->cfg.core_clock_khz);
}

/* The queue stopped; no unit of it is claimed. */
void launch_drop(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;

	if (!l->busy)
		return;
	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q == q) {
			l->parked--;
			unit_free(core, u);
		}
	}
	l->busy = false;
	core->launches--;
}
