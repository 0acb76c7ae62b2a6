/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gdb remote protocol for one program. The server runs in the hook, on
 * the device's only thread: while gdb thinks, the device stands still.
 *
 * Breakpoints are in memory only while the program runs on, so gdb never
 * sees them there.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "gdb.h"

#define SIG_INT  2
#define SIG_ILL  4
#define SIG_TRAP 5
#define SIG_BUS  10 /* gdb's numbers */
#define SIG_SEGV 11

void gdb_open(struct sim *s)
{
	s->gdb = must(calloc(1, sizeof(*s->gdb)));
	memcpy(s->gdb->program, s->o->program, sizeof(s->gdb->program));
	s->gdb->acks = true;
	packet_open(s);
}

void gdb_close(struct sim *s)
{
	if (!s->gdb)
		return;
	packet_hang_up(s->gdb);
	free(s->gdb);
	s->gdb = NULL;
}

/* ---- memory ---- */

static void read_memory(struct sim *s, const struct dsa_debug *at)
{
	static uint8_t bytes[PACKET / 2];
	static char text[PACKET + 1];
	unsigned long long addr, n;

	if (sscanf(s->gdb->in + 1, "%llx,%llx", &addr, &n) != 2) {
		reply(s->gdb, "E01");
		return;
	}
	if (n > sizeof(bytes))
		n = sizeof(bytes);
	/* As much as there is: what lies behind the end of a page may be nothing. */
	while (n && dsa_core_debug_read(s->core, at, addr, bytes, n))
		n = (addr + n - 1) % DSA_PAGE_SIZE + 1 < n ?
			    n - ((addr + n - 1) % DSA_PAGE_SIZE + 1) :
			    0;
	if (!n) {
		reply(s->gdb, "E14");
		return;
	}
	put_hex(text, bytes, n);
	reply(s->gdb, "%s", text);
}

static void write_memory(struct sim *s, const struct dsa_debug *at)
{
	static uint8_t bytes[PACKET / 2];
	const char *data = strchr(s->gdb->in, ':');
	unsigned long long addr, n;

	if (!data || sscanf(s->gdb->in + 1, "%llx,%llx:", &addr, &n) != 2 || n > sizeof(bytes) ||
	    get_hex(data + 1, bytes, n) != n)
		reply(s->gdb, "E01");
	else if (dsa_core_debug_write(s->core, at, addr, bytes, n))
		reply(s->gdb, "E14");
	else
		reply(s->gdb, "OK");
}

/* ---- queries ---- */

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static void thread_info(struct gdb *g, const struct dsa_debug *at)
{
	char text[96], hex[200];
	int n = snprintf(text, sizeof(text), "program %u,%u,%u on core %u", at->program[0],
			 at->program[1], at->program[2], at->core);

	put_hex(hex, text, (size_t)n);
	reply(g, "%s", hex);
}

static void query(struct sim *s, const struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	const char *q = g->in;

	if (starts(q, "qSupported"))
		reply(g,
		      "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
		      "swbreak+;hwbreak+",
		      PACKET);
	else if (starts(q, "qXfer:features:read:target.xml:"))
		regs_features(g, at->hart, q + strlen("qXfer:features:read:target.xml:"));
	else if (starts(q, "QStartNoAckMode")) {
		reply(g, "OK");
		g->acks = false;
	} else if (starts(q, "qOffsets"))
		reply(g, "Text=%llx;Data=%llx;Bss=%llx", (unsigned long long)s->elf.bias,
		      (unsigned long long)s->elf.bias, (unsigned long long)s->elf.bias);
	else if (starts(q, "qfThreadInfo"))
		reply(g, "m1");
	else if (starts(q, "qsThreadInfo"))
		reply(g, "l");
	else if (starts(q, "qThreadExtraInfo"))
		thread_info(g, at);
	else if (starts(q, "qAttached"))
		reply(g, "1"); /* quitting gdb lets the run go on */
	else if (starts(q, "qC"))
		reply(g, "QC1");
	else if (starts(q, "qSymbol"))
		reply(g, "OK");
	else
		reply(g, "%s", "");
}

/* ---- stopping and going on ---- */

static void stop_reply(struct gdb *g)
{
	reply(g, "T%02x%sthread:1;", (unsigned int)g->signal, g->reason);
}

static void resume_step(struct gdb *g, uint64_t low, uint64_t high)
{
	g->mode = MODE_STEP;
	g->low = low;
	g->high = high;
}

/* vCont;ACTION[:THREAD]...: the first action is the one thread's. */
static bool vcont(struct gdb *g)
{
	unsigned long long low, high;

	switch (g->in[6]) {
	case 'c':
	case 'C':
		g->mode = MODE_RUN;
		return true;
	case 's':
	case 'S':
		resume_step(g, 0, 0);
		return true;
	case 'r':
		if (sscanf(g->in + 7, "%llx,%llx", &low, &high) != 2)
			break;
		resume_step(g, low, high);
		return true;
	}
	reply(g, "E01");
	return false;
}

static bool resume(struct gdb *g, struct rv_arch *a)
{
	char *end;
	unsigned long long pc = strtoull(g->in + 1, &end, 16);

	if (end != g->in + 1)
		a->pc = pc;
	if (g->in[0] == 'c')
		g->mode = MODE_RUN;
	else
		resume_step(g, 0, 0);
	return true;
}

static void kill_run(struct sim *s)
{
	s->killed = true;
	packet_hang_up(s->gdb);
	reg_write(s, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
}

static void detach(struct gdb *g)
{
	reply(g, "OK");
	packet_hang_up(g);
}

/* One packet. True: the program goes on. */
static bool serve(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	switch (g->in[0]) {
	case '?':
		stop_reply(g);
		return false;
	case 'g':
		regs_read(g, at->hart);
		return false;
	case 'G':
		regs_write(g, at->hart);
		return false;
	case 'p':
	case 'P':
		regs_one(g, at->hart);
		return false;
	case 'm':
		read_memory(s, at);
		return false;
	case 'M':
		write_memory(s, at);
		return false;
	case 'Z':
	case 'z':
		break_change(s, at);
		return false;
	case 'q':
	case 'Q':
		query(s, at);
		return false;
	case 'H':
	case 'T':
		reply(g, "OK");
		return false;
	case 'c':
	case 's':
		return resume(g, &at->hart->arch);
	case 'C':
	case 'S':
		/* Programs have no signals to be given. */
		g->mode = MODE_RUN;
		if (g->in[0] == 'S')
			resume_step(g, 0, 0);
		return true;
	case 'D':
		detach(g);
		return true;
	case 'k':
		kill_run(s);
		return true;
	case 'v':
		if (starts(g->in, "vCont?"))
			reply(g, "vCont;c;C;s;S;r");
		else if (starts(g->in, "vCont;"))
			return vcont(g);
		else if (starts(g->in, "vKill")) {
			reply(g, "OK");
			kill_run(s);
			return true;
		} else
			reply(g, "%s", "");
		return false;
	default:
		reply(g, "%s", "");
		return false;
	}
}

/* Returns when the program is to go on, or the debugger is gone. */
static void stop(struct sim *s, struct dsa_debug *at, int signal, const char *reason)
{
	struct gdb *g = s->gdb;
	bool first = g->mode == MODE_BEFORE;

	break_unplant(s, at);
	g->signal = signal;
	snprintf(g->reason, sizeof(g->reason), "%s", reason);
	if (!first)
		stop_reply(g);
	do {
		if (!packet_get(g)) {
			say("gdb has gone; the run goes on");
			packet_hang_up(g);
			return;
		}
	} while (!serve(s, at));
	watch_hit(s, at); /* what the debugger wrote is no hit */
	g->moved = false;
}

static bool interrupted(struct gdb *g)
{
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	int c;

	if (g->buf_at == g->buf_len && poll(&p, 1, 0) <= 0)
		return false;
	c = packet_byte(g);
	if (c < 0) {
		say("gdb has gone; the run goes on");
		packet_hang_up(g);
	}
	return c == 3;
}

/* How many instructions may run now. */
static uint64_t proceed(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	if (g->mode == MODE_GONE)
		return UINT64_MAX;
	/* Off the breakpoint it stands on, before that is planted. */
	if (g->mode == MODE_STEP || g->watch_count ||
	    (!g->moved && break_at(g, at->hart->arch.pc))) {
		g->moved = true;
		return 1;
	}
	g->moved = true;
	break_plant(s, at);
	return UINT64_MAX;
}

/* Did an instruction bring the program where it is to stop? */
static void look(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	uint64_t pc = at->hart->arch.pc;
	struct watch *w = watch_hit(s, at);
	char reason[sizeof(g->reason)];

	if (w) {
		snprintf(reason, sizeof(reason), "watch:%llx;", (unsigned long long)w->addr);
		stop(s, at, SIG_TRAP, reason);
	} else if (break_at(g, pc)) {
		stop(s, at, SIG_TRAP, "swbreak:;");
	} else if (g->mode == MODE_STEP && (pc < g->low || pc >= g->high)) {
		stop(s, at, SIG_TRAP, "");
	} else if (interrupted(g)) {
		stop(s, at, SIG_INT, "");
	}
}

static uint64_t on_run(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	if (g->mode == MODE_BEFORE)
		stop(s, at, SIG_TRAP, "");
	else if (g->moved)
		look(s, at);
	return proceed(s, at);
}

static int signal_of(const struct rv_fault *f)
{
	switch (f->cause) {
	case RV_CAUSE_ILLEGAL:
		return SIG_ILL;
	case RV_CAUSE_EBREAK:
	case RV_CAUSE_ECALL:
		return SIG_TRAP;
	case RV_CAUSE_FETCH_MISALIGNED:
	case RV_CAUSE_LOAD_MISALIGNED:
	case RV_CAUSE_STORE_MISALIGNED:
		return SIG_BUS;
	default:
		return SIG_SEGV;
	}
}

/* Not 0: goes on. */
static uint64_t on_fault(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	uint64_t pc = at->hart->arch.pc;
	struct breakpoint *b = break_at(g, pc);
	int signal = signal_of(&at->hart->fault);

	if (at->hart->fault.cause == RV_CAUSE_EBREAK && b && b->planted) {
		stop(s, at, SIG_TRAP, "swbreak:;");
		return 1;
	}
	stop(s, at, signal, "");
	/* A debugger that has moved the pc has mended it. */
	if (g->mode == MODE_GONE || at->hart->arch.pc != pc)
		return at->hart->arch.pc != pc;
	reply(g, "X%02x", (unsigned int)signal);
	packet_hang_up(g);
	return 0;
}

uint64_t gdb_event(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	if (g->mode == MODE_GONE)
		return at->event == DSA_DEBUG_RUN ? UINT64_MAX : 0;
	/* Others get by: breakpoints are the chosen program's only. */
	if (memcmp(at->program, g->program, sizeof(g->program))) {
		break_unplant(s, at);
		return at->event == DSA_DEBUG_RUN ? UINT64_MAX : 0;
	}
	switch (at->event) {
	case DSA_DEBUG_RUN:
		return on_run(s, at);
	case DSA_DEBUG_FAULT:
		return on_fault(s, at);
	case DSA_DEBUG_END:
		break_unplant(s, at);
		reply(g, "W00");
		packet_hang_up(g);
		return 0;
	case DSA_DEBUG_WAIT:
	case DSA_DEBUG_STOP:
		return 0; /* the fault has been shown */
	}
	return 0;
}
