/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dsa-sim: the device core as a command. One process is the whole machine:
 * device.c is the board (bus, memory, threads), memory.c the driver's memory
 * management, run.c its queue, and all of them use the device through its
 * registers, doorbells and rings only. hook.c and the files behind it stand
 * between a program's instructions: trace, debugger, bare programs.
 */
#ifndef DSA_SIM_H
#define DSA_SIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dsa_core.h"
#include "hw/dsa_mmu.h"
#include "hw/dsa_regs.h"
#include "hw/dsa_ring.h"
#include "rv/rv.h"
#include "uapi/dsa_cmd.h"

#define EXIT_RUN   1 /* the run failed */
#define EXIT_USAGE 2 /* it did not begin: command line or input */

#define MAX_BUFFERS  256
#define MAX_LAUNCHES 256
#define MAX_THREADS  64
#define STALL_LIMIT  8 /* times in a row that all threads find nothing but waits: the end */

#define ALIGN_UP(v, a) (((v) + (a) - 1) & ~((uint64_t)(a) - 1))

/* ---- elf.c ---- */
struct elf_segment {
	uint64_t va, file_bytes, bytes;
	uint32_t flags; /* PF_* */
	const uint8_t *data;
};

struct elf_symbol {
	const char *name;
	uint64_t value, size;
	bool function;
};

struct elf {
	const char *path;
	uint8_t *file;
	size_t bytes;
	uint64_t entry;
	struct elf_segment *segments;
	unsigned int segment_count;
	struct elf_symbol *symbols; /* by address */
	size_t symbol_count;
	uint64_t bias; /* address in the device minus address in the file */
};

void elf_load(struct elf *elf, const char *path);
void elf_free(struct elf *elf);
const struct elf_symbol *elf_symbol(const struct elf *elf, const char *name);
/* The function that holds an address of the file, or NULL. */
const struct elf_symbol *elf_function_at(const struct elf *elf, uint64_t addr);
bool elf_read(const struct elf *elf, uint64_t addr, void *buf, size_t bytes);
/* Metadata and entry (an address of the file) of a kernel; says what is wrong. */
void elf_kernel(const struct elf *elf, const char *name, struct dsa_kernel_meta *meta,
		uint64_t *entry);
unsigned int elf_kernel_count(const struct elf *elf);
/* The i-th kernel's name. */
const char *elf_kernel_name(const struct elf *elf, unsigned int i);

/* ---- what the user asks for: options.c ---- */
enum buffer_kind { BUFFER_IN, BUFFER_OUT, BUFFER_INOUT, BUFFER_ZERO };

struct buffer {
	enum buffer_kind kind;
	const char *text; /* as on the command line */
	char *words;      /* holds @in and @out */
	const char *in, *out;
	uint8_t *data; /* of @in, until loaded */
	uint64_t bytes, va;
	uint64_t hbm; /* contiguous there */
	int fd;       /* of @out */
	bool created;
};

/* SEM_WAIT before a launch. */
struct wait {
	unsigned int buffer;
	uint64_t offset, value;
};

struct arg {
	const char *text;
	bool is_buffer, is_hex;
	unsigned int buffer;
	uint64_t offset;
	uint32_t bytes;
	uint8_t value[4096];
};

struct launch {
	const char *kernel;
	uint32_t grid[3], cluster[3];
	bool has_grid, has_cluster;
	struct arg *args;
	unsigned int arg_count;
	struct wait *waits;
	unsigned int wait_count;
	uint64_t scratch, stack;
	bool has_stack;
	/* Filled in by run.c. */
	struct dsa_kernel_meta meta;
	uint64_t entry, kernarg_va, counters_va, cmd_va;
	struct dsa_launch_counters counters;
};

struct options {
	const char *elf;
	struct buffer buffers[MAX_BUFFERS];
	unsigned int buffer_count;
	struct launch launches[MAX_LAUNCHES];
	unsigned int launch_count;
	struct dsa_core_config cfg;
	unsigned int threads;
	double timeout; /* seconds; 0: none */
	bool json, list, verbose;
	bool trace;
	const char *trace_file;
	bool one_program;
	uint32_t program[3]; /* of --trace-program */
	const char *gdb;
	const char *signature;
};

void options_parse(struct options *o, int argc, char **argv);

/* ---- error.c ---- */
/* "dsa-sim: " and the message to stderr; ends the process. */
void usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void input_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void run_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *must(void *p);
/* Removes output files that this run made, at a failure. */
extern void (*at_failure)(void);
/* "3 MiB", "17 bytes". */
const char *size_text(uint64_t bytes, char text[32]);
uint64_t clock_ns(void);

/* ---- device.c ---- */
#define BUS_BASE  0x100000000ull
#define BUS_BYTES (1u << 20)
#define BUS_RING  BUS_BASE
#define BUS_FENCE (BUS_BASE + 0x1000)
#define BUS_FREE  0x2000 /* offset of what memory.c hands out */

/* Where a core's program was when its queue was stopped. */
struct stand {
	bool stood;
	uint64_t pc;
	uint32_t program[3];
};

/* A program of a cluster that cannot go on. */
struct waiter {
	uint32_t program[3], rank;
	uint64_t pc;
	struct dsa_wait wait;
};

struct trace;
struct gdb;
struct bare;

struct sim {
	struct options *o;
	struct elf elf;
	struct dsa_core *core;
	uint8_t *hbm, *ram;
	uint64_t hbm_used, ram_used, next_va, table; /* memory.c */

	pthread_mutex_t bus; /* the device's bus lock */
	pthread_mutex_t lock;
	pthread_cond_t work;  /* for executors: wakes, quit */
	pthread_cond_t event; /* for main: vectors, stalled, finished */
	/* lock: */
	uint64_t wakes;
	unsigned int running; /* threads inside dsa_core_run() */
	unsigned int stall;   /* times in a row that nothing but waits was found */
	bool quit, interrupt, killed;
	struct waiter waiters[DSA_MAX_CLUSTER];
	unsigned int waiter_count;

	/* by core; written while the queue stops, read once it has */
	struct stand stands[DSA_MAX_CORES];

	pthread_t thread[MAX_THREADS];
	unsigned int threads;
	unsigned int budget_us;

	struct trace *trace;
	struct gdb *gdb;
	struct bare *bare;
};

void device_new(struct sim *s);
void device_free(struct sim *s);
void device_start(struct sim *s);
void device_stop(struct sim *s);
uint32_t reg_read(struct sim *s, uint64_t reg);
uint64_t reg_read64(struct sim *s, uint64_t reg);
void reg_write(struct sim *s, uint64_t reg, uint32_t value);
void reg_write64(struct sim *s, uint64_t reg, uint64_t value);
void doorbell(struct sim *s, unsigned int queue, uint32_t tail);

/* ---- memory.c: HBM, address space of ASID 1 ---- */
#define SIM_ASID  1
#define VA_MODULE 0x100000000ull
#define VA_BUFFER 0x1000000000ull
#define VA_SYSTEM 0x700000000000ull

void memory_init(struct sim *s);
/* Bytes of HBM, zero, aligned; an error names @what they are for. */
uint64_t hbm_take(struct sim *s, uint64_t bytes, uint64_t align, const char *what);
/* A new mapping of fresh HBM. Its offset in HBM. */
uint64_t memory_new(struct sim *s, uint64_t va, uint64_t bytes, uint64_t rights, const char *what);
/* One page of system memory there instead. Host pointer to it. */
uint8_t *memory_system_page(struct sim *s, uint64_t va, uint64_t rights, uint64_t *bus);
/* Host address of a mapped byte, *left bytes to the end of its page; NULL: not mapped. */
uint8_t *memory_at(struct sim *s, uint64_t va, uint64_t *left);
bool memory_read(struct sim *s, uint64_t va, void *buf, size_t bytes);
bool memory_write(struct sim *s, uint64_t va, const void *buf, size_t bytes);

/* ---- buffer.c ---- */
void buffers_read(struct options *o);
void buffers_open_outputs(struct options *o);
void buffers_place(struct sim *s);
void buffers_write(struct sim *s);
void buffers_remove_outputs(struct options *o);
const struct buffer *buffer_at(const struct options *o, uint64_t va);

/* ---- run.c ---- */
enum outcome { RUN_OK, RUN_FAULT, RUN_TIMEOUT, RUN_STALLED, RUN_KILLED };

struct fault {
	uint32_t code, access, engine, opcode, program[3], insn;
	uint64_t addr, pc, cmd_va, launch_id;
};

struct result {
	enum outcome outcome;
	struct fault fault;
	uint64_t queue_ns, wall_ns;
};

void run_check(struct sim *s); /* launches against the module; before any memory is taken */
void run_prepare(struct sim *s);
void run_go(struct sim *s, struct result *r);

/* ---- report.c ---- */
void report(struct sim *s, const struct result *r);
const char *error_text(uint32_t code);
void json_string(const char *key, const char *value);
/* "function+0x12 (file.c:34)"; @pc is an address in the device. */
void place_text(struct sim *s, uint64_t pc, char *text, size_t size);
void kernels_list(const struct elf *elf);

/* ---- counters.c ---- */
void counters_print(const struct dsa_core_config *d, const struct dsa_launch_counters *c);
void counters_json(const struct dsa_core_config *d, const struct dsa_launch_counters *c);

/* ---- hook.c ---- */
uint64_t hook_event(void *host, struct dsa_debug *at);
bool hook_wanted(const struct sim *s, const struct dsa_debug *at);

/* ---- waits.c ---- */
void waits_event(struct sim *s, const struct dsa_debug *at);
void waits_say(struct sim *s);
void waits_json(struct sim *s); /* a member of the object */

/* ---- trace.c ---- */
void trace_open(struct sim *s);
void trace_close(struct sim *s);
void trace_event(struct sim *s, struct dsa_debug *at);

/* ---- gdb.c ---- */
void gdb_open(struct sim *s); /* waits for the debugger */
void gdb_close(struct sim *s);
uint64_t gdb_event(struct sim *s, struct dsa_debug *at);

/* ---- bare.c, machine.c: programs with tohost ---- */
#define BARE_SLICE 1024 /* instructions between looks at tohost */
bool bare_is(const struct elf *elf);
void bare_prepare(struct sim *s, struct launch *l);
/* The device wrote system memory; bus lock held. */
void bare_bus_write(struct sim *s, uint64_t offset, size_t len);
/* True: the program is over. */
bool bare_run(struct sim *s, struct dsa_debug *at);
/* True: it goes on, where the pc is now. */
bool bare_fault(struct sim *s, struct dsa_debug *at);
/* For --signature: has the file what it takes? And the words, to its FILE. */
void bare_check_signature(const struct sim *s);
void bare_signature(struct sim *s);
/* Exit status, or -1: tohost was not written. */
int bare_status(const struct sim *s);
void bare_free(struct sim *s);

#endif
