/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters: programs that are on cores at the same time, see each other's
 * scratchpads and wait for each other.
 *
 * One host thread runs all of a cluster, program by program in turns: next is
 * the one with the least modelled clock, for DSA_CLUSTER_TURN instructions or
 * until it waits or returns. So whatever the programs do to each other, races
 * included, is the same on every host, and needs no locks.
 */
#include "core_int.h"

static uint32_t rank_bit(const struct dsa_unit *u)
{
	return 1u << u->rank;
}

static uint32_t all_ranks(const struct dsa_cluster *c)
{
	return (1u << c->size) - 1;
}

void cluster_form(struct dsa_cluster *c, struct dsa_unit *const *unit, uint32_t size)
{
	memset(c, 0, sizeof(*c));
	c->size = size;
	for (uint32_t r = 0; r < size; r++) {
		c->unit[r] = unit[r];
		unit[r]->cluster = c;
		unit[r]->rank = r;
	}
}

void cluster_dissolve(struct dsa_cluster *c)
{
	/* The leader last: @c is its own. */
	for (uint32_t r = c->size; r--;) {
		struct dsa_unit *u = c->unit[r];

		cluster_form(&u->own, &u, 1);
	}
}

bool cluster_busy(const struct dsa_cluster *c)
{
	for (uint32_t r = 0; r < c->size; r++)
		if (c->unit[r]->in_program)
			return true;
	return false;
}

struct dsa_unit *cluster_find(struct dsa_unit *u, uint64_t va, uint64_t len, uint64_t *off)
{
	uint64_t rank = (va - DSA_CLUSTER_BASE) / DSA_CLUSTER_STRIDE;
	uint64_t size = u->mem.core->cfg.scratch_size;

	*off = (va - DSA_CLUSTER_BASE) % DSA_CLUSTER_STRIDE;
	if (rank >= u->cluster->size || *off >= size || len > size - *off)
		return NULL;
	return u->cluster->unit[rank];
}

/* ---- waiting ---- */

bool cluster_wait(struct dsa_unit *u, struct rv_ext *x, enum dsa_wait_kind what, uint64_t parity)
{
	u->wait = what;
	u->wait_addr = x->rs1;
	u->wait_parity = parity & 1;
	x->wait = u->cluster->size > 1 && !u->cluster->stuck;
	return x->wait || xdsa_fault(x, DSA_ERR_DEADLOCK, DSA_ACCESS_NONE, x->rs1);
}

bool cluster_blocks(struct dsa_unit *u)
{
	struct dsa_mbarrier b;

	switch (u->wait) {
	case DSA_WAIT_MBARRIER:
		return mbarrier_blocks(u, u->wait_addr, u->wait_parity, &b);
	case DSA_WAIT_CLUSTER:
		return u->cluster->arrived & rank_bit(u);
	default:
		return false;
	}
}

static bool cluster_arrive(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_cluster *c = u->cluster;
	uint64_t now = xdsa_now(u, x);

	if (c->owe & rank_bit(u))
		return xdsa_fault(x, DSA_ERR_BARRIER, DSA_ACCESS_NONE, 0);
	c->owe |= rank_bit(u);
	c->arrived |= rank_bit(u);
	if (c->latest < now)
		c->latest = now;
	if (c->arrived == all_ranks(c)) {
		c->arrived = 0;
		c->done = c->latest;
	}
	return true;
}

/* All have to arrive again before @done changes, this one included: it is its phase's. */
static bool cluster_wait_all(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_cluster *c = u->cluster;

	if (!(c->owe & rank_bit(u)))
		return xdsa_fault(x, DSA_ERR_BARRIER, DSA_ACCESS_NONE, 0);
	if (c->arrived & rank_bit(u))
		return cluster_wait(u, x, DSA_WAIT_CLUSTER, 0);
	c->owe &= ~rank_bit(u);
	xdsa_wait(u, x->instret, c->done, DSA_STALL_CLUSTER);
	return true;
}

bool cluster_execute(struct dsa_unit *u, struct rv_ext *x)
{
	return x->insn >> 25 == DSA_X_CLUSTER_ARRIVE ? cluster_arrive(u, x) :
						       cluster_wait_all(u, x);
}

/* ---- turns ---- */

/* True: one of the cores hangs. */
static bool cores_hang(struct dsa_core *core, struct dsa_cluster *c)
{
	bool hang = false;

	for (uint32_t r = 0; r < c->size; r++)
		hang |= fault_core_hangs(core, c->unit[r]);
	return hang;
}

static void cluster_start(struct dsa_core *core, struct dsa_cluster *c)
{
	uint64_t number = c->unit[0]->prog;

	for (uint32_t r = 0; r < c->size; r++) {
		c->unit[r]->prog = number;
		unit_start(core, c->unit[r]);
	}
	c->turn_left = 0;
	c->cycles = 0;
}

/* Whose turn it is. If nobody can go on, the first that waits: it will fault. */
static void next_turn(struct dsa_cluster *c)
{
	struct dsa_unit *first = NULL, *best = NULL;

	for (uint32_t r = 0; r < c->size; r++) {
		struct dsa_unit *u = c->unit[r];

		if (!u->in_program)
			continue;
		if (!first)
			first = u;
		if ((!best || u->clock < best->clock) && !cluster_blocks(u))
			best = u;
	}
	c->stuck = !best;
	c->turn = (best ? best : first)->rank;
	c->turn_left = DSA_CLUSTER_TURN;
}

static void program_returned(struct dsa_cluster *c, struct dsa_unit *u)
{
	uint64_t cycles = unit_end(u);

	if (c->cycles < cycles)
		c->cycles = cycles;
	c->turn_left = 0;
	if (!cluster_busy(c))
		unit_cluster_done(c->unit[0], c->cycles);
}

/* False: it faulted. */
static bool cluster_step(struct dsa_core *core, struct dsa_cluster *c)
{
	struct dsa_unit *u;
	uint64_t before;
	enum unit_exit end;

	if (!c->turn_left)
		next_turn(c);
	u = c->unit[c->turn];
	before = u->hart.arch.instret;
	end = unit_go(core, u, c->turn_left);
	c->turn_left -= u->hart.arch.instret - before;
	u->clock = xdsa_clock(u, u->hart.arch.instret);
	c->stuck = false;
	if (end == UNIT_WAITS)
		c->turn_left = 0;
	if (end == UNIT_RETURNED)
		program_returned(c, u);
	return end != UNIT_FAULTED;
}

static void each_mem(struct dsa_cluster *c, void (*f)(struct dsa_mem *m))
{
	for (uint32_t r = 0; r < c->size; r++)
		f(&c->unit[r]->mem);
}

void cluster_run(struct dsa_core *core, struct dsa_unit *u, uint64_t deadline)
{
	struct dsa_cluster *c = &u->own;
	bool look = false;

	for (uint32_t r = 0; r < c->size; r++) {
		c->unit[r]->deadline = deadline;
		unit_prepare(core, c->unit[r]);
	}
	while (!queue_stopping(u->q)) {
		each_mem(c, mem_quiesce);
		if (!cluster_busy(c)) {
			if (!unit_more(core, u))
				break;
			if (faulty(core, FAULT_BIT(FAULT_CORE_HANG)) && cores_hang(core, c))
				break;
			cluster_start(core, c);
		}
		if (look && now_ns(core) >= deadline)
			break;
		look = true;
		if (!cluster_step(core, c))
			break;
	}
	each_mem(c, mem_flush_dirty);
}
