/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launches: a grid's clusters, most often programs, are handed to cores in
 * batches, in order of their numbers; the clock takes them in the same order,
 * whatever order they end in.
 */
#include "clock.h"
#include "core_int.h"

#define BATCH_SHORT_NS 20000
#define BATCH_LONG_NS  100000

static uint32_t cluster_dim(const struct dsa_cmd_launch *cmd, int axis)
{
	return cmd->cluster[axis] ? cmd->cluster[axis] : 1;
}

uint32_t launch_check(const struct dsa_core *core, const struct dsa_cmd_launch *cmd)
{
	uint64_t stack = cmd->stack_bytes ? cmd->stack_bytes : DSA_DEFAULT_STACK_BYTES;
	uint64_t total = 1, size = 1;

	for (int i = 0; i < 3; i++) {
		uint32_t c = cluster_dim(cmd, i);

		if (!cmd->grid[i] || cmd->grid[i] > DSA_MAX_GRID_DIM || cmd->grid[i] % c)
			return DSA_ERR_BAD_ARGUMENT;
		if (__builtin_mul_overflow(total, cmd->grid[i], &total) ||
		    __builtin_mul_overflow(size, c, &size))
			return DSA_ERR_BAD_ARGUMENT;
	}
	if (size > DSA_MAX_CLUSTER || size > core->cfg.cores)
		return DSA_ERR_BAD_ARGUMENT;
	if (total > 1ull << 40 || cmd->scratch_bytes + stack > core->cfg.scratch_size)
		return DSA_ERR_BAD_ARGUMENT;
	if (cmd->counters_bytes % 8 || cmd->counters_bytes > sizeof(struct dsa_launch_counters))
		return DSA_ERR_BAD_ARGUMENT;
	return cmd->counters % 8 || cmd->entry % 2 ? DSA_ERR_BAD_ARGUMENT : 0;
}

void launch_describe(struct dsa_launch *l, const struct dsa_cmd_launch *cmd)
{
	l->cmd = *cmd;
	l->size = 1;
	l->total = 1;
	for (int i = 0; i < 3; i++) {
		uint32_t c = cluster_dim(cmd, i);

		l->cmd.cluster[i] = c;
		l->size *= c;
		l->total *= cmd->grid[i] / c;
	}
}

void launch_busy(struct dsa_core *core, struct dsa_launch *l)
{
	l->busy = true;
	l->gen = ++core->launch_gen;
	l->served_ns = now_ns(core);
	core->launches++;
	core->cluster_launches += l->size > 1;
}

/* That cores have worked for the queue's launch, as far as it is on the clock; mutex held. */
uint64_t launch_busy_ns(const struct dsa_queue *q)
{
	return q->launch.busy ? clock_cycles_to_ns(q->launch.cycles, q->launch.clock_khz) : 0;
}

void launch_over(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;
	uint64_t ns = launch_busy_ns(q);

	core->busy_compute += ns;
	q->busy_compute += ns;
	l->busy = false;
	core->launches--;
	core->cluster_launches -= l->size > 1;
}

void launch_start(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;

	launch_describe(l, &q->cmd.launch);
	l->start_ns = q->time_ns;
	l->next = 0;
	l->done = 0;
	l->accounted = 0;
	l->cycles = 0;
	memset(&l->counters, 0, sizeof(l->counters));
	l->batch = 1;
	memset(l->core_free, 0, sizeof(l->core_free));
	for (uint64_t i = 0; i < DSA_WINDOW && i < l->total; i++)
		__atomic_store_n(&l->window[i], 0, __ATOMIC_RELAXED);
	core_lock(core);
	l->clock_khz = fault_clock_khz(core);
	launch_busy(core, l);
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

/* Would it take cores, within its share? At least one cluster's, whatever they are. */
static bool launch_wants(const struct dsa_core *core, const struct dsa_launch *l)
{
	return l->busy && launch_ready(l) && (!l->units || l->units + l->size <= fair_share(core));
}

/*
 * A cluster needs several cores at once. They become free one by one, so they
 * are kept for the launch that waits longest. But a program of another launch
 * may never end; so for a while now and then, ever more rarely, nothing is
 * kept: in periods 1, 2, 4, 8, ... of the wait.
 */
static bool reservation_lapsed(const struct dsa_core *core, const struct dsa_launch *l)
{
	uint64_t period = (now_ns(core) - l->served_ns) / DSA_RESERVE_NS;

	return period && !(period & (period - 1));
}

static const struct dsa_launch *longest_waiting(const struct dsa_core *core)
{
	const struct dsa_launch *best = NULL;

	for (uint64_t left = core->live; left; left &= left - 1) {
		const struct dsa_queue *q = &core->q[__builtin_ctzll(left)];
		const struct dsa_launch *l = &q->launch;

		/* Only what is busy has a size. */
		if (launch_wants(core, l) && l->size > 1 && !queue_stopping(q) &&
		    (!best || l->served_ns < best->served_ns))
			best = l;
	}
	return best && !reservation_lapsed(core, best) ? best : NULL;
}

/* May @l have @take free cores, or keep those it has (0), as far as waiting clusters go? */
static bool launch_spared(const struct dsa_core *core, const struct dsa_launch *l, uint32_t take)
{
	const struct dsa_launch *first = core->cluster_launches ? longest_waiting(core) : NULL;

	if (first && first != l)
		take += first->size;
	return core->free_units >= take;
}

/* Does another launch want a core and have less than its share? */
static bool others_wait(struct dsa_core *core, const struct dsa_queue *q)
{
	if (core->launches <= 1)
		return false;
	for (uint64_t left = core->live; left; left &= left - 1) {
		struct dsa_queue *o = &core->q[__builtin_ctzll(left)];

		if (o != q && !queue_stopping(o) && launch_wants(core, &o->launch))
			return true;
	}
	return false;
}

static bool launch_may_grow(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;

	return core->free_units >= l->size && launch_ready(l) &&
	       (core->launches <= 1 || ((launch_wants(core, l) || !others_wait(core, q)) &&
					launch_spared(core, l, l->size)));
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

/* Its free cores are a cluster now; the leader. */
static struct dsa_unit *take_free(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_unit *unit[DSA_MAX_CLUSTER], *lead;
	uint32_t size = q->launch.size, n = 0;

	if (size == 1) {
		lead = pick_free(core, q);
		lead->q = q;
	} else {
		for (unsigned int i = 0; n < size; i++)
			if (!core->unit[i].q)
				unit[n++] = &core->unit[i];
		lead = unit[0];
		for (n = 0; n < size; n++)
			unit[n]->q = q;
		cluster_form(&lead->own, unit, size);
		q->launch.served_ns = now_ns(core);
	}
	core->free_units -= size;
	q->launch.units += size;
	return lead;
}

static struct dsa_unit *pick_parked(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_unit *best = NULL;

	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q == q && unit_leads(u) && !u->claimed && (!best || u->stamp < best->stamp))
			best = u;
	}
	return best;
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
	n = (l->total - l->next) * l->size / (2 * core->cfg.cores);
	if (n < l->batch / 8)
		n = l->batch / 8;
	if (n > l->batch)
		n = l->batch;
	if (n > ready)
		n = ready;
	return n ? n : ready != 0;
}

static bool launch_hand_out(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;
	uint64_t n = batch_size(core, u);

	u->prog = l->next;
	l->next += n;
	u->batch_end = l->next;
	return n != 0;
}

/* The unit's next programs. False: none for it. */
bool launch_take(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;

	if (core->launches > 1 && ((l->units > fair_share(core) && others_wait(core, u->q)) ||
				   !launch_spared(core, l, 0)))
		return false;
	return launch_hand_out(core, u);
}

/*
 * A new program on a free core before the next slice of one that runs:
 * programs that wait for each other find themselves on cores together.
 */
struct dsa_unit *launch_pick_unit(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_unit *u;

	if (launch_may_grow(core, q)) {
		u = take_free(core, q);
		u->prog = 0;
		u->batch_end = 0;
		u->batch_ns = 0;
		launch_hand_out(core, u);
	} else {
		u = pick_parked(core, q);
		q->launch.parked--;
	}
	u->claimed = true;
	u->stamp = ++core->stamp;
	q->refs++;
	return u;
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

/* The programs of a cluster keep its cores for the same time. */
static void launch_charge(struct dsa_unit *u)
{
	uint64_t ns = clock_cycles_to_ns(u->ran, u->q->launch.clock_khz);

	for (uint32_t r = 0; r < u->own.size; r++)
		u->own.unit[r]->busy_ns += ns;
	u->ran = 0;
}

void launch_report(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;

	if (u->ran)
		launch_charge(u);
	l->done += u->done;
	counters_add(&l->counters, &u->counters);
	u->done = 0;
	memset(&u->counters, 0, sizeof(u->counters));
	while (l->accounted < l->next) {
		uint64_t *slot = &l->window[l->accounted % DSA_WINDOW];
		uint64_t cycles = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

		if (!cycles)
			break;
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		heap_add(l->core_free, core->cfg.cores / l->size, cycles - 1);
		l->cycles += (cycles - 1) * l->size;
		l->accounted++;
	}
}

uint64_t launch_makespan(const struct dsa_core *core, const struct dsa_launch *l)
{
	uint64_t last = 0;

	for (unsigned int i = 0; i < core->cfg.cores; i++)
		if (l->core_free[i] > last)
			last = l->core_free[i];
	return last;
}

uint64_t launch_end_ns(const struct dsa_core *core, const struct dsa_launch *l)
{
	return l->start_ns + core->cfg.cost.launch_ns +
	       clock_cycles_to_ns(launch_makespan(core, l), l->clock_khz);
}

/* The queue stopped; no unit of it is claimed. */
void launch_drop(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;

	if (!l->busy)
		return;
	for (unsigned int i = 0; i < core->cfg.cores; i++) {
		struct dsa_unit *u = &core->unit[i];

		if (u->q == q && unit_leads(u)) {
			l->parked--;
			unit_free(core, u);
		}
	}
	launch_over(core, q);
}
