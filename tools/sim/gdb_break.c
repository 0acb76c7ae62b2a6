/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breakpoints and watchpoints. */
#include <string.h>

#include "gdb.h"

struct breakpoint *break_at(struct gdb *g, uint64_t addr)
{
	for (unsigned int i = 0; i < g->break_count; i++)
		if (g->breaks[i].addr == addr)
			return &g->breaks[i];
	return NULL;
}

void break_plant(struct sim *s, const struct dsa_debug *at)
{
	static const uint8_t ebreak[4] = { 0x73, 0x00, 0x10, 0x00 }, c_ebreak[2] = { 0x02, 0x90 };
	struct gdb *g = s->gdb;

	for (unsigned int i = 0; i < g->break_count; i++) {
		struct breakpoint *b = &g->breaks[i];

		if (b->planted || dsa_core_debug_read(s->core, at, b->addr, b->saved, b->bytes))
			continue;
		b->planted = !dsa_core_debug_write(s->core, at, b->addr,
						   b->bytes == 2 ? c_ebreak : ebreak, b->bytes);
	}
}

void break_unplant(struct sim *s, const struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	for (unsigned int i = 0; i < g->break_count; i++) {
		struct breakpoint *b = &g->breaks[i];

		if (b->planted)
			dsa_core_debug_write(s->core, at, b->addr, b->saved, b->bytes);
		b->planted = false;
	}
}

static void change_watch(struct sim *s, const struct dsa_debug *at, uint64_t addr,
			 unsigned int bytes)
{
	struct gdb *g = s->gdb;
	unsigned int i = 0;

	while (i < g->watch_count && (g->watches[i].addr != addr || g->watches[i].bytes != bytes))
		i++;
	if (g->in[0] == 'z') {
		if (i < g->watch_count)
			g->watches[i] = g->watches[--g->watch_count];
	} else if (i == g->watch_count) {
		struct watch *w = &g->watches[i];

		if (i == MAX_WATCH || bytes > WATCH_MAX ||
		    dsa_core_debug_read(s->core, at, addr, w->value, bytes)) {
			reply(g, "E14");
			return;
		}
		w->addr = addr;
		w->bytes = bytes;
		g->watch_count++;
	}
	reply(g, "OK");
}

struct watch *watch_hit(struct sim *s, const struct dsa_debug *at)
{
	struct watch *hit = NULL;
	uint8_t now[WATCH_MAX];

	for (unsigned int i = 0; i < s->gdb->watch_count; i++) {
		struct watch *w = &s->gdb->watches[i];

		if (dsa_core_debug_read(s->core, at, w->addr, now, w->bytes) ||
		    !memcmp(now, w->value, w->bytes))
			continue;
		memcpy(w->value, now, w->bytes);
		hit = w;
	}
	return hit;
}

static void change_break(struct sim *s, const struct dsa_debug *at, uint64_t addr,
			 unsigned int bytes)
{
	struct gdb *g = s->gdb;
	struct breakpoint *b = break_at(g, addr);
	uint32_t probe;

	if (g->in[0] == 'z') {
		if (b)
			*b = g->breaks[--g->break_count];
	} else if (!b && addr != DSA_CORE_EXIT_ADDR) { /* where a kernel returns to: no memory */
		bytes = bytes == 2 ? 2 : 4;
		if (g->break_count == MAX_BREAKS ||
		    dsa_core_debug_read(s->core, at, addr, &probe, bytes)) {
			reply(g, "E14");
			return;
		}
		g->breaks[g->break_count++] = (struct breakpoint){ .addr = addr, .bytes = bytes };
	}
	reply(g, "OK");
}

void break_change(struct sim *s, const struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	unsigned long long addr;
	unsigned int bytes;

	if (!g->in[1] || sscanf(g->in + 2, ",%llx,%x", &addr, &bytes) != 2)
		reply(g, "E01");
	else if (g->in[1] == '0' || g->in[1] == '1')
		change_break(s, at, addr, bytes);
	else if (g->in[1] == '2')
		change_watch(s, at, addr, bytes);
	else
		reply(g, "%s", "");
}
