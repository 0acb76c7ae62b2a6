/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mbarriers: they live in the scratchpad, where the program may have written
 * anything, so each use copies one out, checks it, and puts it back.
 */
#include "clock.h"
#include "core_int.h"

_Static_assert(sizeof(struct dsa_mbarrier) == DSA_MBARRIER_ALIGN, "one to a slot");

static bool mbarrier_ok(const struct dsa_mbarrier *b)
{
	return b->magic == DSA_MBARRIER_MAGIC && b->arrivals &&
	       b->arrivals <= DSA_MBARRIER_ARRIVALS && b->pending <= b->arrivals &&
	       b->latest <= DSA_MAX_CYCLES && b->done <= DSA_MAX_CYCLES &&
	       b->bytes <= INT64_MAX / 2 && b->bytes >= -INT64_MAX / 2;
}

static struct dsa_mbarrier *mbarrier_get(struct dsa_unit *u, struct rv_ext *x, uint64_t addr,
					 struct dsa_mbarrier *b)
{
	struct dsa_mbarrier *at = xdsa_any_spad(u, x, addr, sizeof(*b), DSA_MBARRIER_ALIGN);

	if (!at)
		return NULL;
	memcpy(b, at, sizeof(*b));
	if (mbarrier_ok(b))
		return at;
	xdsa_fault(x, DSA_ERR_BARRIER, DSA_ACCESS_NONE, addr);
	return NULL;
}

/* Something happened in @cycle; the phase may be complete by it. */
static void mbarrier_note(struct dsa_mbarrier *b, uint64_t cycle)
{
	if (cycle > DSA_MAX_CYCLES)
		cycle = DSA_MAX_CYCLES;
	if (b->latest < cycle)
		b->latest = cycle;
	if (b->pending || b->bytes)
		return;
	b->phase++;
	b->pending = b->arrivals;
	b->done = b->latest; /* from where the next phase goes on: phases complete in order */
}

bool mbarrier_deliver(struct dsa_unit *u, struct rv_ext *x, uint64_t addr, uint64_t bytes,
		      uint64_t cycle)
{
	struct dsa_mbarrier b, *at = mbarrier_get(u, x, addr, &b);

	if (!at)
		return false;
	b.bytes -= bytes;
	mbarrier_note(&b, cycle);
	memcpy(at, &b, sizeof(b));
	return true;
}

static bool mbarrier_init(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_mbarrier b = {
		.magic = DSA_MBARRIER_MAGIC,
		.arrivals = x->rs2,
		.pending = x->rs2,
	};
	void *at = xdsa_any_spad(u, x, x->rs1, sizeof(b), DSA_MBARRIER_ALIGN);

	if (!at)
		return false;
	if (!x->rs2 || x->rs2 > DSA_MBARRIER_ARRIVALS)
		return xdsa_fault(x, DSA_ERR_BARRIER, DSA_ACCESS_NONE, x->rs1);
	memcpy(at, &b, sizeof(b));
	return true;
}

static bool mbarrier_arrive(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_mbarrier b, *at = mbarrier_get(u, x, x->rs1, &b);

	if (!at)
		return false;
	if (!x->rs2 || x->rs2 > b.pending)
		return xdsa_fault(x, DSA_ERR_BARRIER, DSA_ACCESS_NONE, x->rs1);
	x->rd = b.phase;
	b.pending -= x->rs2;
	mbarrier_note(&b, xdsa_now(u, x));
	memcpy(at, &b, sizeof(b));
	return true;
}

static bool mbarrier_expect(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_mbarrier b, *at = mbarrier_get(u, x, x->rs1, &b);

	if (!at)
		return false;
	if (!x->rs2 || x->rs2 > u->mem.core->cfg.scratch_size)
		return xdsa_fault(x, DSA_ERR_BARRIER, DSA_ACCESS_NONE, x->rs1);
	b.bytes += x->rs2;
	mbarrier_note(&b, xdsa_now(u, x));
	memcpy(at, &b, sizeof(b));
	return true;
}

/* Has the phase of that parity completed, whether or not the clock has come there? */
static bool mbarrier_passed(const struct dsa_mbarrier *b, uint64_t parity)
{
	return (b->phase & 1) != (parity & 1);
}

static bool mbarrier_test(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_mbarrier b;

	if (!mbarrier_get(u, x, x->rs1, &b))
		return false;
	x->rd = mbarrier_passed(&b, x->rs2) && b.done <= xdsa_now(u, x);
	return true;
}

bool mbarrier_blocks(struct dsa_unit *u, uint64_t addr, unsigned int parity, struct dsa_mbarrier *b)
{
	struct rv_ext quiet = { 0 };

	return mbarrier_get(u, &quiet, addr, b) && !mbarrier_passed(b, parity);
}

/* If the phase is not complete, only other programs can make it so. */
static bool mbarrier_wait(struct dsa_unit *u, struct rv_ext *x)
{
	struct dsa_mbarrier b;

	if (!mbarrier_get(u, x, x->rs1, &b))
		return false;
	if (!mbarrier_passed(&b, x->rs2))
		return cluster_wait(u, x, DSA_WAIT_MBARRIER, x->rs2);
	xdsa_wait(u, x, b.done);
	return true;
}

bool mbarrier_execute(struct dsa_unit *u, struct rv_ext *x)
{
	switch (x->insn >> 25) {
	case DSA_X_MBAR_INIT:
		return mbarrier_init(u, x);
	case DSA_X_MBAR_ARRIVE:
		return mbarrier_arrive(u, x);
	case DSA_X_MBAR_EXPECT:
		return mbarrier_expect(u, x);
	case DSA_X_MBAR_TEST:
		return mbarrier_test(u, x);
	default:
		return mbarrier_wait(u, x);
	}
}
