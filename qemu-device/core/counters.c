/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of launches; counters.h says how they come together. */
#include "clock.h"
#include "core_int.h"

_Static_assert(sizeof(struct dsa_launch_counters) == 39 * sizeof(uint64_t),
	       "nothing but 64-bit words");

void counters_add(struct dsa_launch_counters *sum, const struct dsa_launch_counters *more)
{
	uint64_t start_ns = sum->programs ? sum->start_ns : more->start_ns;
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
	sum->start_ns = start_ns;
	sum->end_ns = more->end_ns;
}

void counters_program(struct dsa_unit *u)
{
	const struct rv_hart *h = &u->hart;
	struct dsa_launch_counters *c = &u->counters;

	c->instructions += h->arch.instret;
	if (!h->vec_insns)
		return;
	c->vector_instructions += h->vec_insns;
	c->vector_elements += h->vec_elements;
	c->vector_cycles += h->vec_beats;
	for (unsigned int i = 0; i < RV_VEC_MEMORIES; i++)
		c->bytes[i] += h->vec_moved[i];
	c->stalls[DSA_STALL_VECTOR_MEMORY] += xdsa_hbm_cycles(u, h->vec_bytes);
}

void counters_finish(const struct dsa_core *core, struct dsa_launch *l)
{
	struct dsa_launch_counters *c = &l->counters;

	c->programs = l->total * l->size;
	c->start_ns = l->start_ns;
	c->end_ns = launch_end_ns(core, l);
	c->launches = 1;
	c->time_ns = c->end_ns - c->start_ns;
	c->makespan = launch_makespan(core, l);
	c->core_cycles = c->makespan * core->cfg.cores;
	c->cycles = l->cycles;
}

uint32_t counters_write(struct dsa_queue *q, uint32_t *access, uint64_t *bad)
{
	const struct dsa_cmd_launch *cmd = &q->launch.cmd;
	size_t bytes = cmd->counters_bytes ? cmd->counters_bytes : DSA_COUNTERS_DEFAULT;
	struct dsa_launch_counters sum = { 0 };
	uint32_t err = 0;

	if (!cmd->counters)
		return 0;
	*access = DSA_ACCESS_READ;
	if (cmd->hdr.flags & DSA_LAUNCH_F_ACCUMULATE)
		err = mem_read(&q->mem, cmd->counters, &sum, bytes, bad);
	if (err)
		return err;
	counters_add(&sum, &q->launch.counters);
	*access = DSA_ACCESS_WRITE;
	return mem_write(&q->mem, cmd->counters, &sum, bytes, bad);
}
