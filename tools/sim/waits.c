/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A deadlock: who waits for what. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

void waits_event(struct sim *s, const struct dsa_debug *at)
{
	pthread_mutex_lock(&s->lock);
	if (s->waiter_count < DSA_MAX_CLUSTER) {
		struct waiter *w = &s->waiters[s->waiter_count++];

		w->wait = *at->wait;
		w->rank = at->rank;
		w->pc = at->hart->arch.pc;
		memcpy(w->program, at->program, sizeof(w->program));
	}
	pthread_mutex_unlock(&s->lock);
}

static void ranks_text(uint32_t ranks, char *text, size_t size)
{
	size_t n = 0;

	snprintf(text, size, "none");
	for (unsigned int r = 0; r < DSA_MAX_CLUSTER; r++)
		if (ranks >> r & 1)
			n += (size_t)snprintf(text + n, size - n, "%s%u", n ? "," : "", r);
}

/* "mbarrier at scratchpad + 0x40", or of which rank. */
static void mbarrier_text(uint64_t addr, char *text, size_t size)
{
	uint64_t off = addr % DSA_CLUSTER_STRIDE;

	if (addr < DSA_CLUSTER_BASE)
		snprintf(text, size, "mbarrier at scratchpad + 0x%" PRIx64, off);
	else
		snprintf(text, size, "mbarrier at rank %u's scratchpad + 0x%" PRIx64,
			 (unsigned int)((addr - DSA_CLUSTER_BASE) / DSA_CLUSTER_STRIDE), off);
}

static void wait_text(const struct dsa_wait *w, char *text, size_t size)
{
	char a[80], b[80];

	switch (w->kind) {
	case DSA_WAIT_MBARRIER:
		mbarrier_text(w->addr, a, sizeof(a));
		snprintf(text, size,
			 "%s, parity %u; phase %u lacks %u of %u arrivals, %" PRId64 " bytes", a,
			 w->parity, w->phase, w->pending, w->arrivals, w->bytes);
		break;
	case DSA_WAIT_CLUSTER:
		ranks_text(w->arrived, a, sizeof(a));
		ranks_text(w->returned, b, sizeof(b));
		snprintf(text, size, "the cluster's barrier; arrived: %s, returned: %s", a, b);
		break;
	default:
		snprintf(text, size, "nothing: has returned");
	}
}

void waits_say(struct sim *s)
{
	if (s->waiter_count)
		fprintf(stderr, "  %-12s %-5s %s\n", "program", "rank", "waits for");
	for (unsigned int i = 0; i < s->waiter_count; i++) {
		const struct waiter *w = &s->waiters[i];
		char program[40], text[256], place[600];

		snprintf(program, sizeof(program), "%u,%u,%u", w->program[0], w->program[1],
			 w->program[2]);
		wait_text(&w->wait, text, sizeof(text));
		fprintf(stderr, "  %-12s %-5u %s\n", program, w->rank, text);
		if (w->wait.kind == DSA_WAIT_RETURNED)
			continue;
		place_text(s, w->pc, place, sizeof(place));
		fprintf(stderr, "  %-12s %-5s at %s\n", "", "", place);
	}
}

static void json_one(struct sim *s, const struct waiter *w)
{
	static const char *const kinds[] = { "", "mbarrier", "cluster", "returned" };
	char place[600];

	printf("{ \"program\": [%u, %u, %u], \"rank\": %u, ", w->program[0], w->program[1],
	       w->program[2], w->rank);
	json_string("for", kinds[w->wait.kind]);
	if (w->wait.kind == DSA_WAIT_MBARRIER)
		printf(", \"address\": %" PRIu64 ", \"parity\": %u, \"phase\": %u, "
		       "\"arrivals\": %u, \"pending\": %u, \"bytes\": %" PRId64,
		       w->wait.addr, w->wait.parity, w->wait.phase, w->wait.arrivals,
		       w->wait.pending, w->wait.bytes);
	if (w->wait.kind == DSA_WAIT_CLUSTER)
		printf(", \"arrived\": %u, \"returned\": %u", w->wait.arrived, w->wait.returned);
	if (w->wait.kind != DSA_WAIT_RETURNED) {
		place_text(s, w->pc, place, sizeof(place));
		printf(", ");
		json_string("place", place);
	}
	printf(" }");
}

void waits_json(struct sim *s)
{
	if (!s->waiter_count)
		return;
	printf(",\n  \"waits\": [");
	for (unsigned int i = 0; i < s->waiter_count; i++) {
		printf("%s\n    ", i ? "," : "");
		json_one(s, &s->waiters[i]);
	}
	printf("\n  ]");
}
