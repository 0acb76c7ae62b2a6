/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core: a hart, its scratchpad, and what the hart asks of the device. */
#include <sys/mman.h>

#include "clock.h"
#include "core_int.h"

/* Large leaves are reported to the hart whole for reads, in such pieces for writes. */
#define WRITE_FILL_SIZE (2u << 20)

static uint32_t perm_of_access(enum rv_access access)
{
	switch (access) {
	case RV_WRITE:
		return DSA_PTE_W;
	case RV_EXEC:
		return DSA_PTE_X;
	default:
		return DSA_PTE_R;
	}
}

static uint32_t unit_translate(struct dsa_unit *u, uint64_t va, uint32_t perm, struct dsa_xlat *x)
{
	struct dsa_core *core = u->mem.core;

	if (va - DSA_SCRATCHPAD_BASE < core->cfg.scratch_size)
		return DSA_ERR_MMU_PERMISSION; /* the hart knows its scratchpad: not for code */
	return mem_translate(&u->mem, va, perm, x);
}

/* The scratchpads of the cluster, whole. */
static enum rv_fill_result window_fill(struct dsa_unit *u, uint64_t va, enum rv_access access,
				       struct rv_tlb_fill *out)
{
	uint64_t off;
	struct dsa_unit *owner = cluster_find(u, va, 1, &off);

	out->code = !owner ? DSA_ERR_SCRATCHPAD : access == RV_EXEC ? DSA_ERR_MMU_PERMISSION : 0;
	if (out->code)
		return RV_FILL_PAGE_FAULT;
	out->va = va - off;
	out->size = u->mem.core->cfg.scratch_size;
	out->host = owner->spad;
	out->perm = RV_READ | RV_WRITE;
	u->window_used = true;
	return RV_FILL_OK;
}

/* Of a leaf with words that hold errors one page; *checked: every access has to come here. */
static void fill_checked(struct dsa_core *core, uint64_t va, struct dsa_xlat *x, bool *checked)
{
	uint64_t skip = (va - x->va) & ~(uint64_t)(DSA_PAGE_SIZE - 1);

	x->va += skip;
	x->target += skip;
	x->size = DSA_PAGE_SIZE;
	*checked = fault_ecc_within(core, x->target, x->size);
}

/* Writes and reads are told apart, so that HBM is marked before it is written. */
static enum rv_fill_result unit_fill(void *opaque, uint64_t va, enum rv_access access,
				     struct rv_tlb_fill *out)
{
	struct dsa_unit *u = opaque;
	struct dsa_core *core = u->mem.core;
	bool checked = false;
	struct dsa_xlat x;

	if (va - DSA_CLUSTER_BASE < DSA_CLUSTER_SPAN)
		return window_fill(u, va, access, out);
	out->code = unit_translate(u, va, perm_of_access(access), &x);
	if (out->code == DSA_ERR_BUS || out->code == DSA_ERR_ABORTED)
		return RV_FILL_ACCESS_FAULT;
	if (out->code)
		return RV_FILL_PAGE_FAULT;
	if (!x.sys && faulty(core, FAULTS_ECC) && fault_ecc_within(core, x.target, x.size))
		fill_checked(core, va, &x, &checked);
	if (access == RV_WRITE && x.size > WRITE_FILL_SIZE) {
		uint64_t skip = (va - x.va) & ~(uint64_t)(WRITE_FILL_SIZE - 1);

		x.va += skip;
		x.target += skip;
		x.size = WRITE_FILL_SIZE;
	}
	out->va = x.va;
	out->size = x.size;
	out->host = x.sys || checked ? NULL : core->cfg.hbm + x.target;
	out->perm = (x.perm & DSA_PTE_R ? RV_READ : 0) | (x.perm & DSA_PTE_X ? RV_EXEC : 0);
	if (access == RV_WRITE) {
		out->perm |= RV_WRITE;
		if (!x.sys)
			mem_dirty(&u->mem, x.target, x.size);
	}
	return RV_FILL_OK;
}

static uint32_t unit_access(struct dsa_unit *u, uint64_t va, void *buf, unsigned int size,
			    bool write)
{
	uint64_t bad;

	if (va - DSA_SCRATCHPAD_BASE < u->mem.core->cfg.scratch_size)
		return DSA_ERR_MMU_PERMISSION;
	return write ? mem_write(&u->mem, va, buf, size, &bad) :
		       mem_read(&u->mem, va, buf, size, &bad);
}

static uint32_t unit_read(void *opaque, uint64_t va, enum rv_access access, void *buf,
			  unsigned int size)
{
	struct dsa_unit *u = opaque;
	uint64_t bad;

	if (access == RV_EXEC)
		return mem_fetch(&u->mem, va, buf, size, &bad);
	return unit_access(u, va, buf, size, false);
}

static uint32_t unit_write(void *opaque, uint64_t va, const void *buf, unsigned int size)
{
	return unit_access(opaque, va, (void *)buf, size, true);
}

static uint64_t amo_signed(uint64_t old, uint64_t val, bool max)
{
	return ((int64_t)old > (int64_t)val) == max ? old : val;
}

static uint64_t amo_result(enum rv_amo_op op, unsigned int size, uint64_t old, uint64_t val)
{
	int64_t so = size == 4 ? (int64_t)(int32_t)old : (int64_t)old;
	int64_t sv = size == 4 ? (int64_t)(int32_t)val : (int64_t)val;

	switch (op) {
	case RV_AMO_ADD:
		return old + val;
	case RV_AMO_XOR:
		return old ^ val;
	case RV_AMO_AND:
		return old & val;
	case RV_AMO_OR:
		return old | val;
	case RV_AMO_MIN:
		return amo_signed(so, sv, false);
	case RV_AMO_MAX:
		return amo_signed(so, sv, true);
	case RV_AMO_MINU:
		return old < val ? old : val;
	case RV_AMO_MAXU:
		return old > val ? old : val;
	default:
		return val;
	}
}

/* In system memory: atomic towards the device's engines, by the bus lock. */
static uint32_t unit_amo(void *opaque, uint64_t va, unsigned int size, enum rv_amo_op op,
			 uint64_t val, uint64_t *old)
{
	struct dsa_unit *u = opaque;
	uint64_t found = 0, expect = *old, next;
	uint32_t err;

	if (!bus_enter(&u->mem))
		return DSA_ERR_ABORTED;
	err = unit_access(u, va, &found, size, false);
	next = amo_result(op, size, found, val);
	if (!err && (op != RV_AMO_CAS || found == expect))
		err = unit_access(u, va, &next, size, true);
	bus_exit(&u->mem);
	*old = found;
	return err;
}

static uint64_t unit_sys_read(void *opaque, unsigned int sel, uint64_t instret)
{
	struct dsa_unit *u = opaque;
	uint64_t cycles = xdsa_clock(u, instret);

	if (sel != DSA_SYS_CLOCK_NS)
		return cycles;
	cycles += u->mem.core->cfg.cost.program_cycles;
	return u->q->launch.start_ns + clock_cycles_to_ns(cycles, u->q->launch.clock_khz);
}

static bool unit_ext(void *opaque, struct rv_ext *x)
{
	struct dsa_unit *u = opaque;
	bool ok = xdsa_execute(u, x);

	/*
	 * One may take as long as a slice of other instructions. Not at once: a
	 * core that gives way has its scratchpad brought into the caches again.
	 */
	if (now_ns(u->mem.core) >= u->deadline + DSA_UNIT_SLICE_NS)
		rv_stop(&u->hart);
	return ok;
}

/* Zeros, which take memory as they are touched; NULL: there is none. */
static uint8_t *zeros_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool unit_init(struct dsa_core *core, unsigned int index)
{
	struct dsa_unit *u = &core->unit[index];
	struct rv_config cfg = {
		.opaque = u,
		.fill = unit_fill,
		.read = unit_read,
		.write = unit_write,
		.amo = unit_amo,
		.amo_code = DSA_ERR_BUS,
		.sys_read = unit_sys_read,
		.ext = unit_ext,
		.exit_addr = DSA_CORE_EXIT_ADDR,
		.spad_va = DSA_SCRATCHPAD_BASE,
		.spad_size = core->cfg.scratch_size,
		.memory_end = DSA_SCRATCHPAD_BASE,
		.vlen = core->cfg.vlen,
		.lane_bits = core->cfg.cost.vector_bits,
	};

	u->index = index;
	cluster_form(&u->own, &u, 1);
	u->slice = DSA_UNIT_SLICE_MIN;
	u->matrix = mat_unit_new();
	if (!u->matrix)
		return false;
	u->convert_src = zeros_map(core->cfg.scratch_size);
	if (!u->convert_src)
		return false;
	u->spad = zeros_map(core->cfg.scratch_size);
	if (!u->spad)
		return false;
	cfg.spad = u->spad;
	if (!rv_hart_init(&u->hart, &cfg)) {
		munmap(u->spad, core->cfg.scratch_size);
		u->spad = NULL;
		return false;
	}
	mem_init(&u->mem, core, &u->hart);
	return true;
}

void unit_fini(struct dsa_core *core, struct dsa_unit *u)
{
	if (u->matrix)
		mat_unit_free(u->matrix);
	if (u->convert_src)
		munmap(u->convert_src, core->cfg.scratch_size);
	if (!u->spad)
		return;
	rv_hart_fini(&u->hart);
	munmap(u->spad, core->cfg.scratch_size);
}

/* The system keeps count of what was used: clearing costs as much as was touched. */
void unit_forget_spad(struct dsa_unit *u)
{
	size_t size = u->mem.core->cfg.scratch_size;

	if (madvise(u->spad, size, MADV_DONTNEED))
		memset(u->spad, 0, size);
	u->spad_valid = false;
}

void unit_free(struct dsa_core *core, struct dsa_unit *u)
{
	struct dsa_launch *l = &u->q->launch;
	uint32_t size = u->own.size;

	for (uint32_t r = 0; r < size; r++) {
		struct dsa_unit *m = u->own.unit[r];

		if (m->in_program && core->ops->debug)
			debug_call(core, m, DSA_DEBUG_STOP);
		m->q = NULL;
		m->in_program = false;
		m->prog = 0;
		m->batch_end = 0;
		m->done = 0;
		m->ran = 0;
		m->seen = (struct dsa_unit_view){ 0 };
		memset(&m->counters, 0, sizeof(m->counters));
		if (m->reset)
			unit_forget_spad(m);
		m->reset = false;
		if (m->window_used)
			rv_flush_tlb_range(&m->hart, DSA_CLUSTER_BASE, DSA_CLUSTER_SPAN);
		m->window_used = false;
	}
	if (size > 1) {
		cluster_dissolve(&u->own);
		l->served_ns = now_ns(core);
	}
	l->units -= size;
	core->free_units += size;
}

/*
 * ---- programs ----
 *
 * cluster.c takes these steps too; inline for unit_run(), where an empty
 * program is little more than them.
 */

/* Clusters are numbered as programs are, and ranks within them: x first. */
static void cluster_program_id(struct dsa_unit *u, uint64_t number, uint64_t id[3])
{
	const struct dsa_cmd_launch *cmd = &u->q->launch.cmd;
	uint64_t rank = u->rank;

	for (int i = 0; i < 3; i++) {
		uint64_t clusters = cmd->grid[i] / cmd->cluster[i];

		id[i] = number % clusters * cmd->cluster[i] + rank % cmd->cluster[i];
		number /= clusters;
		rank /= cmd->cluster[i];
	}
}

void unit_program_id(struct dsa_unit *u, uint64_t prog, uint64_t id[3])
{
	const uint32_t *grid = u->q->launch.cmd.grid;

	if (u->cluster->size > 1) {
		cluster_program_id(u, prog, id);
		return;
	}
	id[0] = prog % grid[0];
	id[1] = 0;
	id[2] = 0;
	if (prog >= grid[0]) {
		prog /= grid[0];
		id[1] = prog % grid[1];
		id[2] = prog / grid[1];
	}
}

/* What all programs of the launch see alike. */
void unit_setup(struct dsa_core *core, struct dsa_unit *u)
{
	const struct dsa_cmd_launch *cmd = &u->q->launch.cmd;
	uint64_t *sys = u->hart.sys;

	for (int i = 0; i < 3; i++) {
		sys[DSA_SYS_GRID_X + i] = cmd->grid[i];
		sys[DSA_SYS_CLUSTER_X + i] = cmd->cluster[i];
	}
	sys[DSA_SYS_CLUSTER_RANK] = u->rank;
	sys[DSA_SYS_CLUSTER_SIZE] = u->cluster->size;
	sys[DSA_SYS_CORE_ID] = u->index;
	sys[DSA_SYS_CORE_COUNT] = core->cfg.cores;
	sys[DSA_SYS_SCRATCH_BYTES] = core->cfg.scratch_size;
	sys[DSA_SYS_KERNARG_BYTES] = cmd->kernarg_bytes;
	sys[DSA_SYS_USER] = cmd->user;
	if (u->in_program)
		unit_program_id(u, u->prog, &sys[DSA_SYS_PID_X]);
	if (u->code_gen != u->q->launch.gen) {
		rv_flush_code(&u->hart);
		u->code_gen = u->q->launch.gen;
	}
}

inline void unit_start(struct dsa_core *core, struct dsa_unit *u)
{
	const struct dsa_cmd_launch *cmd = &u->q->launch.cmd;
	struct rv_hart *h = &u->hart;

	rv_reset(h);
	h->arch.x[1] = DSA_CORE_EXIT_ADDR;
	h->arch.x[2] = DSA_SCRATCHPAD_BASE + core->cfg.scratch_size;
	h->arch.x[10] = cmd->kernarg;
	h->arch.pc = cmd->entry;
	unit_program_id(u, u->prog, &h->sys[DSA_SYS_PID_X]);
	u->stall = 0;
	u->tensor_free = 0;
	u->store_done = 0;
	u->matrix_free = 0;
	u->matrix_done = 0;
	u->convert_free = 0;
	u->clock = 0;
	u->wait = DSA_WAIT_NOT;
	cluster_reset(&u->own);
	u->in_program = true;
}

inline uint64_t unit_end(struct dsa_unit *u)
{
	uint64_t instret = u->hart.arch.instret, cycles;

	/* A program is over when all that it started is. */
	xdsa_wait(u, instret, u->store_done, DSA_STALL_TENSOR);
	xdsa_wait(u, instret, u->matrix_done, DSA_STALL_MATRIX);
	xdsa_wait(u, instret, u->convert_free, DSA_STALL_CONVERT);
	cycles = xdsa_clock(u, instret);
	if (cycles > DSA_MAX_CYCLES)
		cycles = DSA_MAX_CYCLES;
	counters_program(u);
	u->in_program = false;
	return cycles + u->mem.core->cfg.cost.program_cycles;
}

inline void unit_cluster_done(struct dsa_unit *u, uint64_t cycles)
{
	__atomic_store_n(&u->q->launch.window[u->prog % DSA_WINDOW], cycles + 1, __ATOMIC_RELEASE);
	for (uint32_t r = 1; r < u->own.size; r++) {
		struct dsa_unit *m = u->own.unit[r];

		counters_add(&u->counters, &m->counters);
		memset(&m->counters, 0, sizeof(m->counters));
	}
	u->done++;
	u->ran += cycles;
	u->prog++;
}

static uint32_t fault_code(const struct rv_fault *f)
{
	switch (f->cause) {
	case RV_CAUSE_FETCH_MISALIGNED:
	case RV_CAUSE_LOAD_MISALIGNED:
	case RV_CAUSE_STORE_MISALIGNED:
		return DSA_ERR_MISALIGNED;
	case RV_CAUSE_ILLEGAL:
		return DSA_ERR_ILLEGAL_INSN;
	case RV_CAUSE_EBREAK:
		return DSA_ERR_BREAKPOINT;
	case RV_CAUSE_ECALL:
		return DSA_ERR_ECALL;
	default:
		return f->code ? f->code : DSA_ERR_BUS; /* RV_CAUSE_EXT, too */
	}
}

static uint32_t fault_access(const struct rv_fault *f)
{
	switch (f->cause) {
	case RV_CAUSE_FETCH_MISALIGNED:
	case RV_CAUSE_FETCH_ACCESS:
	case RV_CAUSE_FETCH_PAGE:
		return DSA_ACCESS_FETCH;
	case RV_CAUSE_LOAD_MISALIGNED:
	case RV_CAUSE_LOAD_ACCESS:
	case RV_CAUSE_LOAD_PAGE:
		return DSA_ACCESS_READ;
	case RV_CAUSE_STORE_MISALIGNED:
	case RV_CAUSE_STORE_ACCESS:
	case RV_CAUSE_STORE_PAGE:
		return DSA_ACCESS_WRITE;
	case RV_CAUSE_EXT:
		return f->access == RV_READ  ? DSA_ACCESS_READ :
		       f->access == RV_WRITE ? DSA_ACCESS_WRITE :
					       DSA_ACCESS_NONE;
	default:
		return DSA_ACCESS_NONE;
	}
}

static void unit_fault(struct dsa_core *core, struct dsa_unit *u)
{
	const struct rv_fault *f = &u->hart.fault;
	struct dsa_queue *q = u->q;
	struct dsa_error err = {
		.code = fault_code(f),
		.access = fault_access(f),
		.engine = (uint32_t)DSA_ENGINE_CORE << 16 | u->index,
		.opcode = DSA_CMD_LAUNCH,
		.addr = f->addr,
		.pc = f->pc,
		.cmd_va = q->cmd_va,
		.job_id = q->pkt.job_id,
		.launch_id = q->launch.cmd.id,
		.insn = f->insn,
	};
	uint64_t id[3];
	bool counts;

	if (err.code == DSA_ERR_ABORTED)
		return;
	unit_program_id(u, u->prog, id);
	for (int i = 0; i < 3; i++)
		err.program[i] = id[i];
	core_lock(core);
	counts = queue_fail(core, q, &err);
	core_unlock(core);
	if (counts && err.code == DSA_ERR_DEADLOCK)
		deadlock_report(core, u);
	log_guest_error(
		core,
		"queue %u: %s, address 0x%llx, program %u,%u,%u at pc 0x%llx, core %u, job %llu",
		q->index, error_name(err.code), (unsigned long long)err.addr, err.program[0],
		err.program[1], err.program[2], (unsigned long long)err.pc, u->index,
		(unsigned long long)err.job_id);
}

/*
 * The flag is lowered under the mutex, where it is raised too: the reason for
 * it, looked at afterwards, cannot be missed.
 */
static void unit_stopped(struct dsa_core *core, struct dsa_unit *u)
{
	core_lock(core);
	rv_clear_stop(&u->hart);
	core_unlock(core);
}

void unit_prepare(struct dsa_core *core, struct dsa_unit *u)
{
	if (!u->spad_valid || u->spad_asid != u->mem.asid || u->spad_gen != u->mem.gen) {
		/* Never while programs are under way that have it. */
		if (u->spad_valid && !cluster_busy(u->cluster))
			unit_forget_spad(u);
		u->spad_valid = true;
		u->spad_asid = u->mem.asid;
		u->spad_gen = u->mem.gen;
	}
	unit_setup(core, u);
}

bool unit_more(struct dsa_core *core, struct dsa_unit *u)
{
	bool more;

	if (u->prog != u->batch_end)
		return true;
	core_lock(core);
	launch_report(core, u);
	more = launch_take(core, u);
	core_unlock(core);
	return more;
}

/* Of @budget instructions those that a debugger lets run at once. */
static uint64_t unit_budget(struct dsa_core *core, struct dsa_unit *u, uint64_t budget)
{
	uint64_t n;

	if (!core->ops->debug)
		return budget;
	n = debug_call(core, u, DSA_DEBUG_RUN);
	return n < budget ? n + !n : budget;
}

/* A vector instruction may take a thousand times as long as another one. */
static void unit_adapt_slice(struct dsa_unit *u, uint64_t took_ns)
{
	if (took_ns > DSA_UNIT_SLICE_NS && u->slice > DSA_UNIT_SLICE_MIN)
		u->slice /= 2;
	else if (took_ns < DSA_UNIT_SLICE_NS / 4 && u->slice < DSA_UNIT_SLICE)
		u->slice *= 2;
}

/* Does a debugger take the fault upon itself? */
static bool unit_debug_fault(struct dsa_core *core, struct dsa_unit *u)
{
	return core->ops->debug && fault_code(&u->hart.fault) != DSA_ERR_ABORTED &&
	       debug_call(core, u, DSA_DEBUG_FAULT);
}

inline enum unit_exit unit_go(struct dsa_core *core, struct dsa_unit *u, uint64_t budget)
{
	switch (rv_run(&u->hart, unit_budget(core, u, budget))) {
	case RV_EXIT_DONE:
		if (core->ops->debug)
			debug_call(core, u, DSA_DEBUG_END);
		return UNIT_RETURNED;
	case RV_EXIT_YIELD:
		return UNIT_WAITS;
	case RV_EXIT_FAULT:
		if (unit_debug_fault(core, u))
			return UNIT_GOES_ON;
		unit_fault(core, u);
		return UNIT_FAULTED;
	case RV_EXIT_STOP:
		unit_stopped(core, u);
		return UNIT_GOES_ON;
	default:
		return UNIT_GOES_ON;
	}
}

void unit_run(struct dsa_core *core, struct dsa_unit *u, uint64_t deadline)
{
	uint64_t start = 0, now;
	bool look = false;

	u->deadline = deadline;
	unit_prepare(core, u);
	while (!queue_stopping(u->q)) {
		mem_quiesce(&u->mem);
		if (!u->in_program) {
			if (u->prog == u->batch_end)
				look = true;
			if (!unit_more(core, u))
				break;
			if (faulty(core, FAULT_BIT(FAULT_CORE_HANG)) && fault_core_hangs(core, u))
				break;
			unit_start(core, u);
		}
		if (look) {
			now = now_ns(core);
			if (start)
				unit_adapt_slice(u, now - start);
			if (now >= deadline)
				break;
			start = now;
		}
		look = true;
		switch (unit_go(core, u, u->slice)) {
		case UNIT_RETURNED:
			look = u->hart.arch.instret > 4096;
			start = 0;
			unit_cluster_done(u, unit_end(u));
			break;
		case UNIT_FAULTED:
			mem_flush_dirty(&u->mem);
			return;
		default:
			break;
		}
	}
	mem_flush_dirty(&u->mem);
}
