/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the gdb server: gdb_packet.c talks, gdb_regs.c and gdb_break.c answer
 * for registers and breakpoints, gdb.c for the rest and decides what runs.
 */
#ifndef DSA_SIM_GDB_H
#define DSA_SIM_GDB_H

#include "sim.h"

#define PACKET     33792 /* bytes; a vector register of 65536 bits in hex, and a little */
#define MAX_BREAKS 256
#define MAX_WATCH  16
#define WATCH_MAX  64 /* bytes */

enum mode {
	MODE_BEFORE, /* the chosen program has not begun */
	MODE_RUN,    /* until a breakpoint or an interrupt */
	MODE_STEP,   /* while the pc is in [low, high) */
	MODE_GONE,   /* program over, or debugger detached */
};

struct breakpoint {
	uint64_t addr;
	unsigned int bytes; /* 2 or 4 */
	bool planted;
	uint8_t saved[4];
};

/* For writes that change something. While there is one the program is stepped. */
struct watch {
	uint64_t addr;
	unsigned int bytes;
	uint8_t value[WATCH_MAX];
};

struct gdb {
	int fd;
	enum mode mode;
	bool acks;
	bool moved; /* did the program run since it was resumed? */
	uint64_t low, high;
	int signal;          /* why it stopped last */
	char reason[40];     /* more of that, for the stop reply */
	uint32_t program[3]; /* the one under the debugger */
	struct breakpoint breaks[MAX_BREAKS];
	unsigned int break_count;
	struct watch watches[MAX_WATCH];
	unsigned int watch_count;
	char in[PACKET + 1];
	size_t in_len;
	uint8_t buf[4096]; /* received, not yet used */
	size_t buf_at, buf_len;
};

/* ---- gdb_packet.c ---- */
/* Waits for the debugger. */
void packet_open(struct sim *s);
void packet_hang_up(struct gdb *g);
/* -1: the debugger is gone. */
int packet_byte(struct gdb *g);
/* A packet into g->in. False: the debugger is gone. An interrupt is nothing while stopped. */
bool packet_get(struct gdb *g);
void reply(struct gdb *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t put_hex(char *to, const void *bytes, size_t n);
/* Bytes read; stops at what is no hex. */
size_t get_hex(const char *p, void *to, size_t max);

/* ---- gdb_regs.c ---- */
void regs_features(struct gdb *g, const struct rv_hart *h, const char *range);
void regs_read(struct gdb *g, const struct rv_hart *h);
void regs_write(struct gdb *g, struct rv_hart *h);
void regs_one(struct gdb *g, struct rv_hart *h);

/* ---- gdb_break.c ---- */
struct breakpoint *break_at(struct gdb *g, uint64_t addr);
void break_plant(struct sim *s, const struct dsa_debug *at);
void break_unplant(struct sim *s, const struct dsa_debug *at);
/* Packets Z and z. The program stands, so no breakpoint is planted. */
void break_change(struct sim *s, const struct dsa_debug *at);
/* The one whose bytes are others than they were, or NULL. */
struct watch *watch_hit(struct sim *s, const struct dsa_debug *at);

#endif
