/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Launches: checked, written as commands, submitted through a queue, awaited. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

#define QUEUE     0
#define RING_LOG2 DSA_RING_MIN_LOG2
#define FENCE     1
#define RIGHTS_RW (DSA_PTE_R | DSA_PTE_W)

/* ---- checks ---- */

static void check_buffer(const struct sim *s, const char *text, unsigned int n, uint64_t offset,
			 uint64_t bytes)
{
	const struct options *o = s->o;
	char have[32];

	if (n >= o->buffer_count)
		input_error("%s: there is no buffer %u: %u given with --buf, counted from 0", text,
			    n, o->buffer_count);
	if (offset > o->buffers[n].bytes || bytes > o->buffers[n].bytes - offset)
		input_error("%s: offset %llu is beyond the end of buffer %u (%s), which has %s",
			    text, (unsigned long long)offset, n, o->buffers[n].text,
			    size_text(o->buffers[n].bytes, have));
}

static const char *type_for(unsigned int bytes)
{
	switch (bytes) {
	case 1:
		return "i8: or u8:";
	case 2:
		return "i16: or u16:";
	case 4:
		return "i32:, u32: or f32:";
	case 8:
		return "buf:, i64:, u64: or f64:";
	default:
		return "hex:";
	}
}

static void check_args(const struct sim *s, const struct launch *l)
{
	const struct dsa_kernel_meta *m = &l->meta;

	if (l->arg_count != m->arg_count)
		input_error("kernel %s takes %u argument%s, but %u %s given with --arg "
			    "(dsa-sim --list %s shows them)",
			    l->kernel, m->arg_count, m->arg_count == 1 ? "" : "s", l->arg_count,
			    l->arg_count == 1 ? "is" : "are", s->elf.path);
	for (unsigned int i = 0; i < l->arg_count; i++) {
		const struct arg *a = &l->args[i];

		if (a->bytes != m->args[i].size)
			input_error("argument %u of kernel %s has %u bytes, but --arg %s has %u: "
				    "use %s",
				    i, l->kernel, m->args[i].size, a->text, a->bytes,
				    type_for(m->args[i].size));
		if (a->is_buffer)
			check_buffer(s, a->text, a->buffer, a->offset, 0);
	}
}

static void check_scratchpad(const struct sim *s, struct launch *l)
{
	uint64_t stack, data = l->meta.scratch_bytes + l->scratch;
	char need[32], for_stack[32], have[32];

	if (!l->has_stack)
		l->stack = l->meta.stack_bytes;
	stack = l->stack ? l->stack : DSA_DEFAULT_STACK_BYTES;
	if (data + stack > s->o->cfg.scratch_size)
		input_error("kernel %s needs %s of scratchpad and %s of stack, but a core has %s: "
			    "use --scratchpad-size, or less --scratch or --stack",
			    l->kernel, size_text(data, need), size_text(stack, for_stack),
			    size_text(s->o->cfg.scratch_size, have));
}

static void check_grid(const struct launch *l)
{
	uint64_t total = (uint64_t)l->grid[0] * l->grid[1];

	if (__builtin_mul_overflow(total, l->grid[2], &total) || total > 1ull << 40)
		input_error("--grid %u,%u,%u: more than 2^40 programs", l->grid[0], l->grid[1],
			    l->grid[2]);
}

static void check_cluster(const struct sim *s, const struct launch *l)
{
	const uint32_t *c = l->cluster, *g = l->grid;
	uint32_t most = s->o->cfg.cores < DSA_MAX_CLUSTER ? s->o->cfg.cores : DSA_MAX_CLUSTER;
	uint64_t size = (uint64_t)c[0] * c[1];

	if (!l->has_cluster)
		return;
	if (g[0] % c[0] || g[1] % c[1] || g[2] % c[2])
		input_error("--cluster %u,%u,%u does not divide --grid %u,%u,%u", c[0], c[1], c[2],
			    g[0], g[1], g[2]);
	if (__builtin_mul_overflow(size, c[2], &size) || size > most)
		input_error("--cluster %u,%u,%u: more than %u programs: %s", c[0], c[1], c[2], most,
			    most < DSA_MAX_CLUSTER ? "there are no more cores (--cores)" :
						     "no cluster is larger");
}

static void check_launch(const struct sim *s, struct launch *l)
{
	if (!l->kernel && elf_kernel_count(&s->elf) > 1)
		usage_error("%s has %u kernels: choose one with --fn (--list shows them)",
			    s->elf.path, elf_kernel_count(&s->elf));
	if (!l->kernel)
		l->kernel = elf_kernel_name(&s->elf, 0);
	elf_kernel(&s->elf, l->kernel, &l->meta, &l->entry);
	check_grid(l);
	check_cluster(s, l);
	check_args(s, l);
	check_scratchpad(s, l);
	for (unsigned int i = 0; i < l->wait_count; i++)
		check_buffer(s, "--wait", l->waits[i].buffer, l->waits[i].offset, 8);
}

static void check_program(const struct options *o)
{
	for (unsigned int i = 0; o->one_program && i < o->launch_count; i++) {
		const uint32_t *grid = o->launches[i].grid;

		if (o->program[0] < grid[0] && o->program[1] < grid[1] && o->program[2] < grid[2])
			return;
	}
	if (o->one_program)
		input_error("--trace-program %u,%u,%u is in no launch's grid", o->program[0],
			    o->program[1], o->program[2]);
}

static void check_bare(const struct sim *s)
{
	const struct options *o = s->o;
	const struct launch *l = &o->launches[0];

	if (o->launch_count > 1 || l->kernel || l->has_grid || l->has_cluster || l->arg_count ||
	    l->wait_count || l->scratch || l->has_stack || o->buffer_count)
		usage_error("%s is a bare program (it has tohost, but no kernel): no --fn, --grid, "
			    "--cluster, --buf, --arg, --wait, --scratch or --stack for it",
			    s->elf.path);
}

void run_check(struct sim *s)
{
	struct options *o = s->o;

	if (!o->launch_count) {
		o->launch_count = 1;
		o->launches[0].grid[0] = o->launches[0].grid[1] = o->launches[0].grid[2] = 1;
	}
	if (o->signature && !bare_is(&s->elf))
		usage_error("--signature goes with a bare program (with tohost, without kernels)");
	if (bare_is(&s->elf)) {
		check_bare(s);
		if (o->signature)
			bare_check_signature(s);
		o->launches[0].kernel = "(bare program)";
	} else if (!elf_kernel_count(&s->elf)) {
		input_error("%s has neither a kernel (DSA_KERNEL() and dsacc make one) nor a "
			    "symbol tohost: was it stripped?",
			    s->elf.path);
	} else {
		for (unsigned int i = 0; i < o->launch_count; i++)
			check_launch(s, &o->launches[i]);
	}
	check_program(o);
}

/* ---- memory ---- */

static void load_module(struct sim *s)
{
	s->elf.bias = VA_MODULE;
	for (unsigned int i = 0; i < s->elf.segment_count; i++) {
		const struct elf_segment *seg = &s->elf.segments[i];
		uint64_t va = (seg->va & ~(uint64_t)(DSA_PAGE_SIZE - 1)) + VA_MODULE;
		uint64_t end = seg->va + seg->bytes + VA_MODULE, left;
		uint64_t rights = DSA_PTE_R | (seg->flags & PF_W ? DSA_PTE_W : 0) |
				  (seg->flags & PF_X ? DSA_PTE_X : 0);

		for (; va < end; va += DSA_PAGE_SIZE) {
			if (memory_at(s, va, &left))
				input_error("%s: segment %u shares a page with another: link it "
					    "with dsacc",
					    s->elf.path, i);
			memory_new(s, va, DSA_PAGE_SIZE, rights, s->elf.path);
		}
		memory_write(s, seg->va + VA_MODULE, seg->data, seg->file_bytes);
	}
}

static void put_args(struct sim *s, const struct launch *l)
{
	for (unsigned int i = 0; i < l->arg_count; i++) {
		const struct arg *a = &l->args[i];
		uint64_t va = a->is_buffer ? s->o->buffers[a->buffer].va + a->offset : 0;

		memory_write(s, l->kernarg_va + l->meta.args[i].offset,
			     a->is_buffer ? (const void *)&va : a->value, a->bytes);
	}
}

/* ---- commands ---- */

static uint64_t put(struct sim *s, uint64_t va, const void *packet, size_t bytes)
{
	memory_write(s, va, packet, bytes);
	return va + bytes;
}

static uint64_t put_launch(struct sim *s, uint64_t va, struct launch *l, unsigned int id)
{
	struct dsa_cmd_launch cmd = {
		.hdr = { .opcode = DSA_CMD_LAUNCH, .size = sizeof(cmd) },
		.entry = l->entry + s->elf.bias,
		.kernarg = l->kernarg_va,
		.grid = { l->grid[0], l->grid[1], l->grid[2] },
		.kernarg_bytes = l->meta.kernarg_bytes,
		.scratch_bytes = (uint32_t)(l->meta.scratch_bytes + l->scratch),
		.stack_bytes = (uint32_t)l->stack,
		.counters = l->counters_va,
		.counters_bytes = sizeof(struct dsa_launch_counters),
		.id = id,
		.cluster = { l->cluster[0], l->cluster[1], l->cluster[2] },
	};

	for (unsigned int i = 0; i < l->wait_count; i++) {
		struct dsa_cmd_sem sem = {
			.hdr = { .opcode = DSA_CMD_SEM_WAIT, .size = sizeof(sem) },
			.va = s->o->buffers[l->waits[i].buffer].va + l->waits[i].offset,
			.value = l->waits[i].value,
		};

		va = put(s, va, &sem, sizeof(sem));
	}
	l->cmd_va = va;
	return put(s, va, &cmd, sizeof(cmd));
}

static size_t commands_size(const struct options *o)
{
	size_t n = 0;

	for (unsigned int i = 0; i < o->launch_count; i++)
		n += sizeof(struct dsa_cmd_launch) +
		     o->launches[i].wait_count * sizeof(struct dsa_cmd_sem);
	return n;
}

static void put_commands(struct sim *s)
{
	struct options *o = s->o;
	uint64_t va = VA_SYSTEM, kernarg, counters;

	memory_new(s, va, commands_size(o), DSA_PTE_R, "the command buffer");
	counters = ALIGN_UP(va + commands_size(o), DSA_PAGE_SIZE) + DSA_PAGE_SIZE;
	memory_new(s, counters, o->launch_count * sizeof(struct dsa_launch_counters), RIGHTS_RW,
		   "the counters");
	kernarg = ALIGN_UP(counters + o->launch_count * sizeof(struct dsa_launch_counters),
			   DSA_PAGE_SIZE) +
		  DSA_PAGE_SIZE;
	for (unsigned int i = 0; i < o->launch_count; i++) {
		struct launch *l = &o->launches[i];

		l->counters_va = counters + i * sizeof(struct dsa_launch_counters);
		l->kernarg_va = kernarg + 2ull * i * DSA_PAGE_SIZE;
		memory_new(s, l->kernarg_va, DSA_PAGE_SIZE, RIGHTS_RW, "a kernel's arguments");
		put_args(s, l);
		va = put_launch(s, va, l, i + 1);
	}
}

void run_prepare(struct sim *s)
{
	if (bare_is(&s->elf))
		bare_prepare(s, &s->o->launches[0]);
	else
		load_module(s);
	buffers_place(s);
	put_commands(s);
}

/* ---- the queue ---- */

static void submit(struct sim *s)
{
	struct dsa_ring_packet packet = {
		.op = DSA_RING_OP_EXEC,
		.flags = DSA_RING_F_IRQ | DSA_RING_F_FENCE,
		.cmd_va = VA_SYSTEM,
		.cmd_size = commands_size(s->o),
		.fence_addr = BUS_FENCE,
		.fence_value = FENCE,
		.job_id = 1,
	};

	memcpy(s->ram + (BUS_RING - BUS_BASE), &packet, sizeof(packet));
	reg_write64(s, DSA_QREG(QUEUE, DSA_Q_RING_BASE), BUS_RING);
	reg_write(s, DSA_QREG(QUEUE, DSA_Q_RING_LOG2), RING_LOG2);
	reg_write(s, DSA_QREG(QUEUE, DSA_Q_ASID), SIM_ASID);
	reg_write(s, DSA_QREG(QUEUE, DSA_Q_COMMAND), DSA_QCMD_ENABLE);
	doorbell(s, QUEUE, 1);
}

static uint64_t fence_now(struct sim *s)
{
	uint64_t v;

	pthread_mutex_lock(&s->bus);
	memcpy(&v, s->ram + (BUS_FENCE - BUS_BASE), sizeof(v));
	pthread_mutex_unlock(&s->bus);
	return v;
}

static bool finished(struct sim *s)
{
	return fence_now(s) == FENCE ||
	       reg_read(s, DSA_QREG(QUEUE, DSA_Q_STATE)) == DSA_QSTATE_ERROR;
}

static void wait_interrupt(struct sim *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->interrupt)
		pthread_cond_wait(&s->event, &s->lock);
	s->interrupt = false;
	pthread_mutex_unlock(&s->lock);
}

/* Its programs have stopped then, and hook.c knows where. */
static void kill_queue(struct sim *s)
{
	reg_write(s, DSA_QREG(QUEUE, DSA_Q_COMMAND), DSA_QCMD_KILL);
	while (!finished(s))
		wait_interrupt(s);
}

/* True: something happened; false: the time is over. */
static bool wait_event(struct sim *s, const struct timespec *until, bool *stalled)
{
	int err = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->interrupt && !err && s->stall < STALL_LIMIT)
		err = until ? pthread_cond_timedwait(&s->event, &s->lock, until) :
			      pthread_cond_wait(&s->event, &s->lock);
	*stalled = s->stall >= STALL_LIMIT;
	s->interrupt = false;
	pthread_mutex_unlock(&s->lock);
	return !err;
}

static enum outcome wait_end(struct sim *s)
{
	struct timespec until;
	double whole = s->o->timeout;
	bool stalled = false;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)whole;
	until.tv_nsec += (long)((whole - (double)(time_t)whole) * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!finished(s)) {
		bool in_time = wait_event(s, whole > 0 ? &until : NULL, &stalled);

		if (finished(s))
			break;
		if (stalled)
			return RUN_STALLED;
		if (!in_time) {
			kill_queue(s);
			return RUN_TIMEOUT;
		}
	}
	if (fence_now(s) == FENCE)
		return RUN_OK;
	return s->killed ? RUN_KILLED : RUN_FAULT;
}

static void read_fault(struct sim *s, struct fault *f)
{
	f->code = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_CODE));
	f->access = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_ACCESS));
	f->engine = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_ENGINE));
	f->opcode = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_OPCODE));
	f->addr = reg_read64(s, DSA_QREG(QUEUE, DSA_Q_ERR_ADDR));
	f->pc = reg_read64(s, DSA_QREG(QUEUE, DSA_Q_ERR_PC));
	f->cmd_va = reg_read64(s, DSA_QREG(QUEUE, DSA_Q_ERR_CMD_VA));
	f->launch_id = reg_read64(s, DSA_QREG(QUEUE, DSA_Q_ERR_LAUNCH_ID));
	f->program[0] = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_PROGRAM_X));
	f->program[1] = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_PROGRAM_Y));
	f->program[2] = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_PROGRAM_Z));
	f->insn = reg_read(s, DSA_QREG(QUEUE, DSA_Q_ERR_INSN));
}

void run_go(struct sim *s, struct result *r)
{
	uint64_t start = clock_ns();

	memset(r, 0, sizeof(*r));
	device_start(s);
	submit(s);
	r->outcome = wait_end(s);
	r->wall_ns = clock_ns() - start;
	device_stop(s);
	r->queue_ns = reg_read64(s, DSA_QREG(QUEUE, DSA_Q_TIME));
	if (r->outcome == RUN_FAULT)
		read_fault(s, &r->fault);
	for (unsigned int i = 0; i < s->o->launch_count; i++)
		memory_read(s, s->o->launches[i].counters_va, &s->o->launches[i].counters,
			    sizeof(s->o->launches[i].counters));
}
