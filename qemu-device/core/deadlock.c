/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for what, when no program of a cluster can go on. */
#include <stdio.h>

#include "core_int.h"

static void describe(struct dsa_unit *u, struct dsa_wait *w)
{
	const struct dsa_cluster *c = u->cluster;
	struct dsa_mbarrier b;

	*w = (struct dsa_wait){ .kind = DSA_WAIT_RETURNED };
	if (!u->in_program)
		return;
	w->kind = u->wait;
	w->addr = u->wait_addr;
	w->parity = u->wait_parity;
	if (w->kind == DSA_WAIT_CLUSTER) {
		w->arrived = c->arrived;
		for (uint32_t r = 0; r < c->size; r++)
			w->returned |= (uint32_t)!c->unit[r]->in_program << r;
	} else if (mbarrier_blocks(u, w->addr, w->parity, &b)) {
		w->phase = b.phase;
		w->pending = b.pending;
		w->arrivals = b.arrivals;
		w->bytes = b.bytes;
	}
}

static void wait_text(const struct dsa_wait *w, char *text, size_t size)
{
	switch (w->kind) {
	case DSA_WAIT_RETURNED:
		snprintf(text, size, "has returned");
		break;
	case DSA_WAIT_CLUSTER:
		snprintf(text, size, "waits for the cluster: arrived 0x%x, returned 0x%x",
			 w->arrived, w->returned);
		break;
	default:
		snprintf(text, size,
			 "waits for mbarrier 0x%llx, parity %u: in phase %u %u of %u arrivals and "
			 "%lld bytes to come",
			 (unsigned long long)w->addr, w->parity, w->phase, w->pending, w->arrivals,
			 (long long)w->bytes);
	}
}

static void report_one(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_wait w;
	uint64_t id[3];
	char text[160];

	describe(u, &w);
	wait_text(&w, text, sizeof(text));
	unit_program_id(u, u->prog, id);
	log_guest_error(core, "queue %u: program %u,%u,%u of rank %u at pc 0x%llx %s", u->q->index,
			(unsigned int)id[0], (unsigned int)id[1], (unsigned int)id[2], u->rank,
			(unsigned long long)u->hart.arch.pc, text);
	if (core->ops->debug)
		debug_wait(core, u, &w);
}

void deadlock_report(struct dsa_core *core, struct dsa_unit *u)
{
	for (uint32_t r = 0; r < u->cluster->size; r++)
		report_one(core, u->cluster->unit[r]);
}
