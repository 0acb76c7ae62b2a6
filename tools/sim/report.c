/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of it, for people and as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

/* ---- names ---- */

static const struct {
	const char *name, *text;
} errors[] = {
	[DSA_ERR_NONE] = { "NONE", "the work ended without completing" },
	[DSA_ERR_KILLED] = { "KILLED", "the queue was killed" },
	[DSA_ERR_RESET] = { "RESET", "the device was reset" },
	[DSA_ERR_BAD_DOORBELL] = { "BAD_DOORBELL", "bad doorbell value" },
	[DSA_ERR_RING_READ] = { "RING_READ", "the ring could not be read" },
	[DSA_ERR_BAD_RING_PACKET] = { "BAD_RING_PACKET", "bad ring packet" },
	[DSA_ERR_FENCE_WRITE] = { "FENCE_WRITE", "the fence could not be written" },
	[DSA_ERR_BAD_PACKET] = { "BAD_PACKET", "malformed command" },
	[DSA_ERR_BAD_ARGUMENT] = { "BAD_ARGUMENT", "command argument out of range" },
	[DSA_ERR_NOT_ALLOWED] = { "NOT_ALLOWED", "command not allowed on this queue" },
	[DSA_ERR_MMU_UNMAPPED] = { "MMU_UNMAPPED", "nothing is mapped there" },
	[DSA_ERR_MMU_PERMISSION] = { "MMU_PERMISSION", "access not permitted there" },
	[DSA_ERR_MMU_RESERVED] = { "MMU_RESERVED", "malformed page table" },
	[DSA_ERR_MMU_RANGE] = { "MMU_RANGE", "address beyond the address space" },
	[DSA_ERR_BUS] = { "BUS", "bus error" },
	[DSA_ERR_MISALIGNED] = { "MISALIGNED", "misaligned address" },
	[DSA_ERR_ILLEGAL_INSN] = { "ILLEGAL_INSN", "illegal instruction" },
	[DSA_ERR_BREAKPOINT] = { "BREAKPOINT", "ebreak: dsa_trap() was called" },
	[DSA_ERR_ECALL] = { "ECALL", "ecall: there is no system to call" },
	[DSA_ERR_HANG] = { "HANG", "no progress" },
	[DSA_ERR_TENSOR_MAP] = { "TENSOR_MAP", "malformed tensor map" },
	[DSA_ERR_TENSOR_OP] = { "TENSOR_OP", "malformed tensor operation" },
	[DSA_ERR_SCRATCHPAD] = { "SCRATCHPAD", "not in the scratchpad, or not aligned there" },
	[DSA_ERR_BARRIER] = { "BARRIER", "no mbarrier there, or an operand out of its range" },
	[DSA_ERR_DEADLOCK] = { "DEADLOCK", "waits for what cannot happen" },
	[DSA_ERR_MATRIX_OP] = { "MATRIX_OP", "malformed matrix operation" },
	[DSA_ERR_CONVERT_OP] = { "CONVERT_OP", "malformed conversion" },
	[DSA_ERR_ECC] = { "ECC", "uncorrectable error in HBM" },
};

#define ERRORS (sizeof(errors) / sizeof(errors[0]))

const char *error_text(uint32_t code)
{
	return code < ERRORS && errors[code].text ? errors[code].text : "unknown error";
}

static const char *error_name(uint32_t code)
{
	return code < ERRORS && errors[code].name ? errors[code].name : "UNKNOWN";
}

static const char *access_text(uint32_t access)
{
	switch (access) {
	case DSA_ACCESS_READ:
		return "read of";
	case DSA_ACCESS_WRITE:
		return "write to";
	case DSA_ACCESS_FETCH:
		return "jump to";
	default:
		return "access to";
	}
}

/* ---- source lines ---- */

/* The child's first lines of output into @out. */
static bool run_symbolizer(const char *tool, const char *elf, uint64_t addr, char *out, size_t size)
{
	char address[32];
	int fds[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	snprintf(address, sizeof(address), "0x%" PRIx64, addr);
	if (pipe(fds))
		return false;
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execlp(tool, tool, "-e", elf, address, NULL);
		_exit(127);
	}
	close(fds[1]);
	while (pid > 0 && n < size - 1 && (got = read(fds[0], out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status && n;
}

/* "folder/file.c:12:3" to "file.c:12"; false: the tool did not know. */
static bool shorten(char *line, char *text, size_t size)
{
	char *slash = strrchr(line, '/'), *colon, *column;

	line = slash ? slash + 1 : line;
	colon = strchr(line, ':');
	column = strrchr(line, ':');
	if (*line == '?' || !colon || !strncmp(colon, ":0", 2))
		return false;
	if (column != colon)
		*column = '\0';
	snprintf(text, size, "%s", line);
	return true;
}

/*
 * "file.c:12", of the innermost inlined function that is not one of
 * dsa/kernel.h: its callers are what a kernel's author knows. Empty: not known.
 */
static void line_text(const struct elf *elf, uint64_t addr, char *text, size_t size)
{
	static const char *const tools[] = { "llvm-symbolizer-19", "llvm-symbolizer" };
	char out[4096], *line, *rest = out;
	unsigned int i = 0;

	*text = '\0';
	while (i < 2 && !run_symbolizer(tools[i], elf->path, addr, out, sizeof(out)))
		i++;
	if (i == 2)
		return;
	/* Pairs of lines: function, place. */
	for (i = 0; (line = strsep(&rest, "\n")) && *line; i++)
		if (i % 2 && shorten(line, text, size) && strncmp(text, "kernel.h:", 9))
			return;
}

static void function_text(const struct elf *elf, uint64_t addr, char *text, size_t size)
{
	const struct elf_symbol *f = elf_function_at(elf, addr);

	if (f)
		snprintf(text, size, "%s+0x%" PRIx64, f->name, addr - f->value);
	else
		snprintf(text, size, "no function of the file");
}

void place_text(struct sim *s, uint64_t pc, char *text, size_t size)
{
	uint64_t addr = pc - s->elf.bias;
	char line[300], function[200];

	line_text(&s->elf, addr, line, sizeof(line));
	function_text(&s->elf, addr, function, sizeof(function));
	snprintf(text, size, "0x%" PRIx64 ", %s%s%s%s", addr, function, *line ? " (" : "", line,
		 *line ? ")" : "");
}

static void address_text(struct sim *s, uint64_t va, char *text, size_t size)
{
	const struct buffer *b = buffer_at(s->o, va);
	uint64_t spad = va - DSA_SCRATCHPAD_BASE, peer = va - DSA_CLUSTER_BASE;
	char bytes[32];

	*text = '\0';
	if (b && va - b->va < b->bytes)
		snprintf(text, size, " = buffer %d (%s) + 0x%" PRIx64 "%s",
			 (int)(b - s->o->buffers), b->text, va - b->va,
			 b->kind == BUFFER_IN ? ", read-only" : "");
	else if (b)
		snprintf(text, size, " = 0x%" PRIx64 " beyond the end of buffer %d (%s; %s)",
			 va - b->va - b->bytes, (int)(b - s->o->buffers), b->text,
			 size_text(b->bytes, bytes));
	else if (spad < s->o->cfg.scratch_size)
		snprintf(text, size, " = scratchpad + 0x%" PRIx64, spad);
	else if (peer / DSA_CLUSTER_STRIDE < DSA_MAX_CLUSTER)
		snprintf(text, size, " = scratchpad of rank %u + 0x%" PRIx64,
			 (unsigned int)(peer / DSA_CLUSTER_STRIDE),
			 (uint64_t)(peer % DSA_CLUSTER_STRIDE));
	else if (va < 4096)
		snprintf(text, size, ", a null pointer");
}

/* ---- what went wrong, for people ---- */

static const struct launch *launch_of(const struct sim *s, uint64_t id)
{
	return id >= 1 && id <= s->o->launch_count ? &s->o->launches[id - 1] : NULL;
}

static void say_fault(struct sim *s, const struct fault *f)
{
	const struct launch *l = launch_of(s, f->launch_id);
	bool core = f->engine >> 16 == DSA_ENGINE_CORE;
	bool memory = f->access != DSA_ACCESS_NONE;
	char place[600], address[300];

	say("fault: %s (DSA_ERR_%s)", error_text(f->code), error_name(f->code));
	if (l && core)
		fprintf(stderr, "  in       kernel %s, program %u,%u,%u on core %u\n", l->kernel,
			f->program[0], f->program[1], f->program[2], f->engine & 0xffff);
	else
		fprintf(stderr, "  in       command %d at 0x%" PRIx64 "%s%s\n", (int)f->opcode,
			f->cmd_va, l ? ", kernel " : "", l ? l->kernel : "");
	if (memory || f->addr) {
		address_text(s, f->addr, address, sizeof(address));
		fprintf(stderr, "  address  %s 0x%" PRIx64 "%s\n", access_text(f->access), f->addr,
			address);
	}
	if (core) {
		place_text(s, f->pc, place, sizeof(place));
		fprintf(stderr, "  pc       %s\n", place);
	}
	if (f->insn) {
		rv_disasm(f->insn, f->pc - s->elf.bias, place, sizeof(place));
		fprintf(stderr, "  insn     0x%x  %s\n", f->insn, place);
	}
	waits_say(s);
}

static void say_timeout(struct sim *s)
{
	unsigned int said = 0, more = 0;

	say("time-out after %g s (--timeout): the launch was killed", s->o->timeout);
	for (unsigned int i = 0; i < s->o->cfg.cores; i++) {
		const struct stand *p = &s->stands[i];
		char place[600];

		if (!p->stood)
			continue;
		if (said == 8) {
			more++;
			continue;
		}
		place_text(s, p->pc, place, sizeof(place));
		fprintf(stderr, "  core %-3u program %u,%u,%u stood at %s\n", i, p->program[0],
			p->program[1], p->program[2], place);
		said++;
	}
	if (!said)
		fprintf(stderr, "  no core was in the middle of a program\n");
	if (more)
		fprintf(stderr, "  and %u more cores\n", more);
}

/* The first wait whose word is not there yet; commands run in order. */
static bool blocked(struct sim *s, const struct launch **launch, const struct wait **wait,
		    uint64_t *word)
{
	for (unsigned int i = 0; i < s->o->launch_count; i++) {
		const struct launch *l = &s->o->launches[i];

		if (l->counters.programs)
			continue;
		for (unsigned int k = 0; k < l->wait_count; k++) {
			const struct wait *w = &l->waits[k];

			if (!memory_read(s, s->o->buffers[w->buffer].va + w->offset, word, 8) ||
			    (int64_t)(*word - w->value) >= 0)
				continue;
			*launch = l;
			*wait = w;
			return true;
		}
	}
	return false;
}

static void say_stalled(struct sim *s)
{
	const struct launch *l;
	const struct wait *w;
	uint64_t word;

	say("stalled: what the device waits for can never happen; nothing else is left to run");
	if (!blocked(s, &l, &w, &word))
		return;
	fprintf(stderr,
		"  queue 0, before kernel %s (launch %d), waits until the 64-bit word at\n"
		"  buffer %u (%s) + %" PRIu64 " is at least %" PRIu64 "; it is %" PRIu64 "\n",
		l->kernel, (int)(l - s->o->launches) + 1, w->buffer, s->o->buffers[w->buffer].text,
		w->offset, w->value, word);
}

static void say_outcome(struct sim *s, const struct result *r)
{
	switch (r->outcome) {
	case RUN_OK:
		break;
	case RUN_FAULT:
		say_fault(s, &r->fault);
		break;
	case RUN_TIMEOUT:
		say_timeout(s);
		break;
	case RUN_STALLED:
		say_stalled(s);
		break;
	case RUN_KILLED:
		say("killed by the debugger");
		break;
	}
}

/* ---- counters ---- */

static uint64_t launch_ns(const struct launch *l)
{
	return l->counters.end_ns - l->counters.start_ns;
}

static void print_text(struct sim *s, const struct result *r)
{
	uint64_t instructions = 0;

	for (unsigned int i = 0; i < s->o->launch_count; i++) {
		const struct launch *l = &s->o->launches[i];

		if (!l->counters.programs)
			continue;
		instructions += l->counters.instructions;
		printf("%s, grid %u,%u,%u", l->kernel, l->grid[0], l->grid[1], l->grid[2]);
		if (l->has_cluster)
			printf(", cluster %u,%u,%u", l->cluster[0], l->cluster[1], l->cluster[2]);
		printf("\n");
		counters_print(&s->o->cfg, &l->counters);
	}
	if (r->outcome == RUN_OK && r->wall_ns)
		printf("took %.3f ms of host time, %.0f million instructions/s\n",
		       (double)r->wall_ns / 1e6, (double)instructions * 1e3 / (double)r->wall_ns);
}

/* ---- JSON ---- */

void json_string(const char *key, const char *value)
{
	printf("\"%s\": \"", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void json_fault(struct sim *s, const struct fault *f)
{
	const struct launch *l = launch_of(s, f->launch_id);
	uint64_t addr = f->pc - s->elf.bias;
	char text[300];

	printf(",\n  \"fault\": {\n    \"code\": %u, ", f->code);
	json_string("name", error_name(f->code));
	printf(", ");
	json_string("text", error_text(f->code));
	printf(",\n    ");
	json_string("kernel", l ? l->kernel : "");
	printf(", \"program\": [%u, %u, %u], \"engine\": %u, \"index\": %u,\n", f->program[0],
	       f->program[1], f->program[2], f->engine >> 16, f->engine & 0xffff);
	printf("    \"access\": %u, \"address\": %" PRIu64 ", \"pc\": %" PRIu64
	       ", \"instruction\": %u",
	       f->access, f->addr, f->pc, f->insn);
	if (f->engine >> 16 == DSA_ENGINE_CORE) {
		printf(",\n    \"pc_in_file\": %" PRIu64 ", ", addr);
		function_text(&s->elf, addr, text, sizeof(text));
		json_string("function", text);
		printf(", ");
		line_text(&s->elf, addr, text, sizeof(text));
		json_string("line", text);
	}
	printf("\n  }");
}

static void json_wait(struct sim *s)
{
	const struct launch *l;
	const struct wait *w;
	uint64_t word;

	if (!blocked(s, &l, &w, &word))
		return;
	printf(",\n  \"wait\": { ");
	json_string("kernel", l->kernel);
	printf(", \"buffer\": %u, \"offset\": %" PRIu64 ", \"value\": %" PRIu64
	       ", \"word\": %" PRIu64 " }",
	       w->buffer, w->offset, w->value, word);
}

static void json_launches(const struct options *o)
{
	printf(",\n  \"launches\": [");
	for (unsigned int i = 0; i < o->launch_count; i++) {
		const struct launch *l = &o->launches[i];

		printf("%s\n    { ", i ? "," : "");
		json_string("kernel", l->kernel);
		printf(", \"grid\": [%u, %u, %u], \"cluster\": [%u, %u, %u], \"programs\": %" PRIu64
		       ", \"instructions\": %" PRIu64 ",\n      \"start_ns\": %" PRIu64
		       ", \"end_ns\": %" PRIu64 ", \"modelled_ns\": %" PRIu64,
		       l->grid[0], l->grid[1], l->grid[2], l->cluster[0] + !l->cluster[0],
		       l->cluster[1] + !l->cluster[1], l->cluster[2] + !l->cluster[2],
		       l->counters.programs, l->counters.instructions, l->counters.start_ns,
		       l->counters.end_ns, launch_ns(l));
		counters_json(&o->cfg, &l->counters);
		printf(" }");
	}
	printf("\n  ]");
}

static void print_json(struct sim *s, const struct result *r)
{
	static const char *const names[] = { "ok", "fault", "timeout", "stalled", "killed" };
	const struct dsa_core_config *d = &s->o->cfg;

	printf("{\n  ");
	json_string("file", s->elf.path);
	printf(",\n  ");
	json_string("outcome", names[r->outcome]);
	if (s->bare)
		printf(",\n  \"exit_status\": %d", bare_status(s));
	json_launches(s->o);
	printf(",\n  \"modelled_ns\": %" PRIu64 ", \"host_ns\": %" PRIu64 ", \"threads\": %u",
	       r->queue_ns, r->wall_ns, s->o->threads);
	printf(",\n  \"device\": { \"cores\": %u, \"copy_engines\": %u, \"hbm_bytes\": %" PRIu64
	       ", \"scratchpad_bytes\": %u,\n    \"vlen\": %u, \"matrix_macs\": %u, \"core_clock_khz\": %u, \"hbm_mb_per_s\": %u, "
	       "\"bus_mb_per_s\": %u",
	       d->cores, d->copy_engines, d->hbm_size, d->scratch_size, d->vlen, d->matrix_macs,
	       d->core_clock_khz, d->hbm_mb_per_s, d->bus_mb_per_s);
	for (unsigned int i = 0; i < DSA_COST_FIELDS; i++)
		printf(",%s\"%s\": %u", i % 4 ? " " : "\n    ", dsa_cost_fields[i].name,
		       *dsa_cost_at(&s->o->cfg.cost, i));
	printf(" }");
	if (r->outcome == RUN_FAULT)
		json_fault(s, &r->fault);
	waits_json(s);
	if (r->outcome == RUN_STALLED)
		json_wait(s);
	printf("\n}\n");
}

void report(struct sim *s, const struct result *r)
{
	say_outcome(s, r);
	if (s->o->json)
		print_json(s, r);
	else
		print_text(s, r);
}

void kernels_list(const struct elf *elf)
{
	for (unsigned int i = 0; i < elf_kernel_count(elf); i++) {
		struct dsa_kernel_meta m;
		uint64_t entry;

		elf_kernel(elf, elf_kernel_name(elf, i), &m, &entry);
		printf("%s: %u argument%s", elf_kernel_name(elf, i), m.arg_count,
		       m.arg_count == 1 ? "" : "s");
		for (unsigned int k = 0; k < m.arg_count; k++)
			printf("%s%u", k ? ", " : " of ", m.args[k].size);
		printf("%s; %u bytes of scratchpad, %u of stack\n", m.arg_count ? " bytes" : "",
		       m.scratch_bytes, m.stack_bytes ? m.stack_bytes : DSA_DEFAULT_STACK_BYTES);
	}
}
