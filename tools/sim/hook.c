/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between a program's instructions: who gets to see them. */
#include <string.h>

#include "sim.h"

bool hook_wanted(const struct sim *s, const struct dsa_debug *at)
{
	return !s->o->one_program || !memcmp(at->program, s->o->program, sizeof(at->program));
}

/* Where a program stood when its queue was stopped; on its core. */
static void on_stop(struct sim *s, const struct dsa_debug *at)
{
	struct stand *stand = &s->stands[at->core];

	stand->stood = true;
	stand->pc = at->hart->arch.pc;
	memcpy(stand->program, at->program, sizeof(stand->program));
}

static uint64_t on_run(struct sim *s, struct dsa_debug *at)
{
	uint64_t n = UINT64_MAX, m;

	if (s->bare) {
		n = BARE_SLICE;
		if (bare_run(s, at))
			return 1;
	}
	if (s->gdb) {
		m = gdb_event(s, at);
		n = m < n ? m : n;
	}
	if (s->trace && hook_wanted(s, at)) {
		trace_event(s, at);
		n = 1;
	}
	return n;
}

static uint64_t on_fault(struct sim *s, struct dsa_debug *at)
{
	/* It may be what a bare program's own trap handler is for. */
	bool handled = s->bare && bare_fault(s, at);

	if (s->trace && hook_wanted(s, at))
		trace_event(s, at);
	if (handled)
		return 1;
	return s->gdb ? gdb_event(s, at) : 0;
}

uint64_t hook_event(void *host, struct dsa_debug *at)
{
	struct sim *s = host;

	switch (at->event) {
	case DSA_DEBUG_RUN:
		return on_run(s, at);
	case DSA_DEBUG_FAULT:
		return on_fault(s, at);
	case DSA_DEBUG_END:
		if (s->gdb)
			gdb_event(s, at);
		if (s->trace && hook_wanted(s, at))
			trace_event(s, at);
		break;
	case DSA_DEBUG_WAIT:
		waits_event(s, at);
		break;
	case DSA_DEBUG_STOP:
		on_stop(s, at);
		break;
	}
	return 0;
}
