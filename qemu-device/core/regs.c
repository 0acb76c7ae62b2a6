/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BAR0 as tables of registers, and the doorbells. */
#include "core_int.h"

/* An access under way; mutex and bus lock held. */
struct access {
	struct dsa_core *core;
	struct dsa_queue *q; /* of a queue's register */
	unsigned int index;  /* of a register array */
	struct dsa_irqs irqs;
	bool wake;
};

struct reg {
	uint32_t offset;
	uint8_t size;                                  /* bytes: 4 or 8 */
	uint64_t (*get)(struct access *a);             /* NULL: write-only, reads zero */
	void (*set)(struct access *a, uint64_t value); /* NULL: read-only */
};

static void bad_access(struct dsa_core *core)
{
	core->bad_access += core->bad_access != UINT32_MAX;
}

/* ---- global registers ---- */

#define GETTER(name, value)                          \
	static uint64_t get_##name(struct access *a) \
	{                                            \
		(void)a;                             \
		return (value);                      \
	}
#define SETTER(name, statement)                              \
	static void set_##name(struct access *a, uint64_t v) \
	{                                                    \
		statement;                                   \
	}

GETTER(magic, DSA_MAGIC)
GETTER(version, DSA_VERSION_MAJOR << 16 | DSA_VERSION_MINOR)
GETTER(serial, a->core->cfg.serial)
GETTER(hbm_size, a->core->cfg.hbm_size)
GETTER(cores, a->core->cfg.cores)
GETTER(scratch_size, a->core->cfg.scratch_size)
GETTER(copy_engines, a->core->cfg.copy_engines)
GETTER(queues, DSA_NUM_QUEUES << 16 | DSA_NUM_COMPUTE_QUEUES)
GETTER(asids, DSA_NUM_ASIDS)
GETTER(core_clock, a->core->cfg.core_clock_khz)
GETTER(vlen, a->core->cfg.vlen)
GETTER(hbm_bandwidth, a->core->cfg.hbm_mb_per_s)
GETTER(matrix_macs, a->core->cfg.matrix_macs)
GETTER(reset_count, a->core->reset_count)
GETTER(bad_access, a->core->bad_access)
GETTER(scratch, a->core->scratch)
SETTER(scratch, a->core->scratch = v)
GETTER(time, a->core->device_time)
GETTER(int_status, a->core->int_status)
SETTER(int_status, a->core->int_status &= ~v)
GETTER(int_enable, a->core->int_enable)
SETTER(int_enable, irq_enable(a->core, &a->irqs, v))
GETTER(temperature, (uint32_t)telemetry_temperature(a->core))
GETTER(clock_now, fault_clock_khz(a->core))
GETTER(power, telemetry_power(a->core))
GETTER(hbm_temperature, (uint32_t)telemetry_hbm_temperature(a->core))
GETTER(ecc_corrected, a->core->ecc_corrected)
GETTER(ecc_uncorrected, a->core->ecc_uncorrected)
GETTER(busy_compute, a->core->busy_compute)
GETTER(busy_copy, a->core->busy_copy)
GETTER(inv_start, a->core->inv_start)
SETTER(inv_start, a->core->inv_start = v & -(uint64_t)DSA_PAGE_SIZE)
GETTER(inv_size, a->core->inv_size)
SETTER(inv_size, a->core->inv_size = v & -(uint64_t)DSA_PAGE_SIZE)
GETTER(inv_seq, a->core->inv_seq)
GETTER(inv_done, mmu_inv_done(a->core))

#define ENGINE_GETTER(name, field)                             \
	static uint64_t get_eng_##name(struct access *a)       \
	{                                                      \
		struct dsa_engine_view v;                      \
                                                               \
		engine_view(a->core, a->core->eng_select, &v); \
		return v.field;                                \
	}

GETTER(ecc_addr, a->core->ecc_addr)
GETTER(eng_select, a->core->eng_select)
SETTER(eng_select, a->core->eng_select = v)
ENGINE_GETTER(state, state)
ENGINE_GETTER(queue, queue)
ENGINE_GETTER(pc, pc)
ENGINE_GETTER(launch_id, launch_id)
ENGINE_GETTER(program_x, program[0])
ENGINE_GETTER(program_y, program[1])
ENGINE_GETTER(program_z, program[2])
ENGINE_GETTER(wait, wait)
ENGINE_GETTER(wait_addr, wait_addr)
ENGINE_GETTER(busy, busy_ns)

static void set_eng_reset(struct access *a, uint64_t v)
{
	(void)v;
	if (engine_reset(a->core, a->core->eng_select, &a->irqs))
		a->wake = true;
	else
		bad_access(a->core);
}

static uint64_t get_status(struct access *a)
{
	static const uint32_t booted[] = { DSA_STATUS_READY, 0, DSA_STATUS_FATAL };

	return core_resetting(a->core) ? DSA_STATUS_RESETTING : booted[a->core->boot_failed];
}

static void set_control(struct access *a, uint64_t v)
{
	if (v & DSA_CONTROL_RESET) {
		core_reset_locked(a->core, &a->irqs);
		a->wake = true;
	}
}

static void set_ping(struct access *a, uint64_t v)
{
	(void)v;
	a->core->causes |= DSA_INT_PING;
	a->wake = true;
}

static uint64_t get_queue_errors(struct access *a)
{
	uint64_t map = 0;

	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		if (a->core->q[i].state == DSA_QSTATE_ERROR)
			map |= 1ull << i;
	return map;
}

static void set_inv_cmd(struct access *a, uint64_t v)
{
	uint32_t scope = v >> 16, asid = v & 0xffff;

	if (scope < DSA_MMU_INV_RANGE || scope > DSA_MMU_INV_ALL || asid >= DSA_NUM_ASIDS)
		bad_access(a->core);
	else
		mmu_invalidate(a->core, scope, asid);
}

static const struct reg regs[] = {
	{ DSA_REG_MAGIC, 4, get_magic, NULL },
	{ DSA_REG_VERSION, 4, get_version, NULL },
	{ DSA_REG_SERIAL, 8, get_serial, NULL },
	{ DSA_REG_HBM_SIZE, 8, get_hbm_size, NULL },
	{ DSA_REG_CORES, 4, get_cores, NULL },
	{ DSA_REG_SCRATCH_SIZE, 4, get_scratch_size, NULL },
	{ DSA_REG_COPY_ENGINES, 4, get_copy_engines, NULL },
	{ DSA_REG_QUEUES, 4, get_queues, NULL },
	{ DSA_REG_ASIDS, 4, get_asids, NULL },
	{ DSA_REG_CORE_CLOCK, 4, get_core_clock, NULL },
	{ DSA_REG_VLEN, 4, get_vlen, NULL },
	{ DSA_REG_HBM_BANDWIDTH, 4, get_hbm_bandwidth, NULL },
	{ DSA_REG_MATRIX_MACS, 4, get_matrix_macs, NULL },
	{ DSA_REG_STATUS, 4, get_status, NULL },
	{ DSA_REG_CONTROL, 4, NULL, set_control },
	{ DSA_REG_RESET_COUNT, 4, get_reset_count, NULL },
	{ DSA_REG_BAD_ACCESS, 4, get_bad_access, NULL },
	{ DSA_REG_SCRATCH, 4, get_scratch, set_scratch },
	{ DSA_REG_TIME, 8, get_time, NULL },
	{ DSA_REG_INT_STATUS, 4, get_int_status, set_int_status },
	{ DSA_REG_INT_ENABLE, 4, get_int_enable, set_int_enable },
	{ DSA_REG_PING, 4, NULL, set_ping },
	{ DSA_REG_QUEUE_ERRORS, 8, get_queue_errors, NULL },
	{ DSA_REG_TEMPERATURE, 4, get_temperature, NULL },
	{ DSA_REG_POWER, 4, get_power, NULL },
	{ DSA_REG_CLOCK_NOW, 4, get_clock_now, NULL },
	{ DSA_REG_ECC_CORRECTED, 4, get_ecc_corrected, NULL },
	{ DSA_REG_ECC_UNCORRECTED, 4, get_ecc_uncorrected, NULL },
	{ DSA_REG_BUSY_COMPUTE, 8, get_busy_compute, NULL },
	{ DSA_REG_BUSY_COPY, 8, get_busy_copy, NULL },
	{ DSA_REG_ECC_ADDR, 8, get_ecc_addr, NULL },
	{ DSA_REG_HBM_TEMPERATURE, 4, get_hbm_temperature, NULL },
	{ DSA_REG_MMU_INV_START, 8, get_inv_start, set_inv_start },
	{ DSA_REG_MMU_INV_SIZE, 8, get_inv_size, set_inv_size },
	{ DSA_REG_MMU_INV_CMD, 4, NULL, set_inv_cmd },
	{ DSA_REG_MMU_INV_SEQ, 4, get_inv_seq, NULL },
	{ DSA_REG_MMU_INV_DONE, 4, get_inv_done, NULL },
	{ DSA_REG_ENG_SELECT, 4, get_eng_select, set_eng_select },
	{ DSA_REG_ENG_STATE, 4, get_eng_state, NULL },
	{ DSA_REG_ENG_QUEUE, 4, get_eng_queue, NULL },
	{ DSA_REG_ENG_RESET, 4, NULL, set_eng_reset },
	{ DSA_REG_ENG_PC, 8, get_eng_pc, NULL },
	{ DSA_REG_ENG_LAUNCH_ID, 8, get_eng_launch_id, NULL },
	{ DSA_REG_ENG_PROGRAM_X, 4, get_eng_program_x, NULL },
	{ DSA_REG_ENG_PROGRAM_Y, 4, get_eng_program_y, NULL },
	{ DSA_REG_ENG_PROGRAM_Z, 4, get_eng_program_z, NULL },
	{ DSA_REG_ENG_WAIT, 4, get_eng_wait, NULL },
	{ DSA_REG_ENG_WAIT_ADDR, 8, get_eng_wait_addr, NULL },
	{ DSA_REG_ENG_BUSY, 8, get_eng_busy, NULL },
};

/* ---- page-table roots ---- */

static uint64_t get_root(struct access *a)
{
	return a->core->root[a->index];
}

/* A new root is a new address space: caches and scratchpads of the old one are void. */
static void set_root(struct access *a, uint64_t v)
{
	__atomic_store_n(&a->core->root[a->index], v, __ATOMIC_SEQ_CST);
	a->core->asid_gen[a->index]++;
}

static const struct reg root_reg = { 0, 8, get_root, set_root };

/* ---- queue registers ---- */

#define QUEUE_CONFIG(name, field)                              \
	GETTER(q_##name, a->q->field)                          \
	static void set_q_##name(struct access *a, uint64_t v) \
	{                                                      \
		if (a->q->state == DSA_QSTATE_DISABLED)        \
			a->q->field = v;                       \
		else                                           \
			bad_access(a->core);                   \
	}

QUEUE_CONFIG(ring_base, ring_base)
QUEUE_CONFIG(ring_log2, ring_log2)
QUEUE_CONFIG(asid, asid)
QUEUE_CONFIG(priority, priority)
QUEUE_CONFIG(vector, vector)
QUEUE_CONFIG(mode, mode)
GETTER(q_class,
       a->q->index < DSA_NUM_COMPUTE_QUEUES ? DSA_QUEUE_CLASS_COMPUTE : DSA_QUEUE_CLASS_COPY)
GETTER(q_state, a->q->state)
GETTER(q_head, a->q->head)
GETTER(q_tail, a->q->tail)
GETTER(q_busy, a->q->state == DSA_QSTATE_ACTIVE && a->q->busy)
GETTER(q_time, pace_time(a->core, a->q))
GETTER(q_busy_compute, a->q->busy_compute + launch_busy_ns(a->q))
GETTER(q_busy_copy, a->q->busy_copy)
GETTER(q_err_code, a->q->err.code)
GETTER(q_err_access, a->q->err.access)
GETTER(q_err_engine, a->q->err.engine)
GETTER(q_err_opcode, a->q->err.opcode)
GETTER(q_err_addr, a->q->err.addr)
GETTER(q_err_pc, a->q->err.pc)
GETTER(q_err_cmd_va, a->q->err.cmd_va)
GETTER(q_err_job_id, a->q->err.job_id)
GETTER(q_err_launch_id, a->q->err.launch_id)
GETTER(q_err_program_x, a->q->err.program[0])
GETTER(q_err_program_y, a->q->err.program[1])
GETTER(q_err_program_z, a->q->err.program[2])
GETTER(q_err_insn, a->q->err.insn)

static void set_q_command(struct access *a, uint64_t v)
{
	queue_command(a->core, a->q, v, &a->irqs);
	a->wake = true;
}

static const struct reg queue_regs[] = {
	{ DSA_Q_RING_BASE, 8, get_q_ring_base, set_q_ring_base },
	{ DSA_Q_RING_LOG2, 4, get_q_ring_log2, set_q_ring_log2 },
	{ DSA_Q_ASID, 4, get_q_asid, set_q_asid },
	{ DSA_Q_PRIORITY, 4, get_q_priority, set_q_priority },
	{ DSA_Q_VECTOR, 4, get_q_vector, set_q_vector },
	{ DSA_Q_CLASS, 4, get_q_class, NULL },
	{ DSA_Q_COMMAND, 4, NULL, set_q_command },
	{ DSA_Q_STATE, 4, get_q_state, NULL },
	{ DSA_Q_HEAD, 4, get_q_head, NULL },
	{ DSA_Q_TAIL, 4, get_q_tail, NULL },
	{ DSA_Q_BUSY, 4, get_q_busy, NULL },
	{ DSA_Q_TIME, 8, get_q_time, NULL },
	{ DSA_Q_MODE, 4, get_q_mode, set_q_mode },
	{ DSA_Q_BUSY_COMPUTE, 8, get_q_busy_compute, NULL },
	{ DSA_Q_BUSY_COPY, 8, get_q_busy_copy, NULL },
	{ DSA_Q_ERR_CODE, 4, get_q_err_code, NULL },
	{ DSA_Q_ERR_ACCESS, 4, get_q_err_access, NULL },
	{ DSA_Q_ERR_ENGINE, 4, get_q_err_engine, NULL },
	{ DSA_Q_ERR_OPCODE, 4, get_q_err_opcode, NULL },
	{ DSA_Q_ERR_ADDR, 8, get_q_err_addr, NULL },
	{ DSA_Q_ERR_PC, 8, get_q_err_pc, NULL },
	{ DSA_Q_ERR_CMD_VA, 8, get_q_err_cmd_va, NULL },
	{ DSA_Q_ERR_JOB_ID, 8, get_q_err_job_id, NULL },
	{ DSA_Q_ERR_LAUNCH_ID, 8, get_q_err_launch_id, NULL },
	{ DSA_Q_ERR_PROGRAM_X, 4, get_q_err_program_x, NULL },
	{ DSA_Q_ERR_PROGRAM_Y, 4, get_q_err_program_y, NULL },
	{ DSA_Q_ERR_PROGRAM_Z, 4, get_q_err_program_z, NULL },
	{ DSA_Q_ERR_INSN, 4, get_q_err_insn, NULL },
};

/* ---- dispatch ---- */

static const struct reg *reg_find(const struct reg *table, unsigned int count, uint64_t offset)
{
	for (unsigned int i = 0; i < count; i++)
		if (offset >= table[i].offset && offset < table[i].offset + table[i].size)
			return &table[i];
	return NULL;
}

/* *within: offset inside the register. NULL: no such register. */
static const struct reg *reg_at(struct access *a, uint64_t offset, unsigned int *within)
{
	const struct reg *r;

	a->q = NULL;
	if (offset >= DSA_REG_MMU_ROOT(0) && offset < DSA_REG_MMU_ROOT(DSA_NUM_ASIDS)) {
		a->index = (offset - DSA_REG_MMU_ROOT(0)) / 8;
		*within = offset % 8;
		return &root_reg;
	}
	if (offset >= DSA_QUEUE_BASE && offset < DSA_REGS_SIZE) {
		offset -= DSA_QUEUE_BASE;
		a->q = &a->core->q[offset / DSA_QUEUE_STRIDE];
		offset %= DSA_QUEUE_STRIDE;
		r = reg_find(queue_regs, sizeof(queue_regs) / sizeof(queue_regs[0]), offset);
	} else {
		r = reg_find(regs, sizeof(regs) / sizeof(regs[0]), offset);
	}
	if (r)
		*within = offset - r->offset;
	return r;
}

_Static_assert(DSA_QUEUE_BASE + DSA_NUM_QUEUES * DSA_QUEUE_STRIDE == DSA_REGS_SIZE,
	       "every offset above DSA_QUEUE_BASE belongs to a queue");

static const struct reg *reg_access(struct access *a, uint64_t offset, unsigned int size,
				    unsigned int *within)
{
	const struct reg *r = NULL;

	if ((size == 4 || size == 8) && offset % size == 0 && offset < DSA_REGS_SIZE)
		r = reg_at(a, offset, within);
	if (r && size > r->size)
		r = NULL;
	if (!r)
		bad_access(a->core);
	return r;
}

uint64_t dsa_core_mmio_read(struct dsa_core *core, uint64_t offset, unsigned int size)
{
	struct access a = { .core = core };
	unsigned int within = 0;
	const struct reg *r;
	uint64_t value = 0;

	if (faulty(core, FAULT_BIT(FAULT_LINK_DOWN)))
		return UINT64_MAX >> (64 - 8 * size);
	core_lock(core);
	r = reg_access(&a, offset, size, &within);
	if (r && r->get)
		value = r->get(&a) >> within * 8;
	core_unlock(core);
	return size == 8 ? value : value & UINT32_MAX;
}

static void reg_write(struct access *a, const struct reg *r, unsigned int within, uint64_t value,
		      unsigned int size)
{
	if (size == 4)
		value &= UINT32_MAX;
	if (size < r->size) {
		uint64_t old = r->get ? r->get(a) : 0;

		value = within ? value << 32 | (old & UINT32_MAX) : value | (old >> 32 << 32);
	}
	r->set(a, value);
}

void dsa_core_mmio_write(struct dsa_core *core, uint64_t offset, uint64_t value, unsigned int size)
{
	struct access a = { .core = core };
	unsigned int within = 0;
	const struct reg *r;

	if (faulty(core, FAULT_BIT(FAULT_LINK_DOWN)))
		return;
	core_lock(core);
	r = reg_access(&a, offset, size, &within);
	if (r && r->set)
		reg_write(&a, r, within, value, size);
	if (a.wake)
		sched_wake(core);
	core_unlock(core);
	irq_send(core, &a.irqs);
}

void dsa_core_doorbell(struct dsa_core *core, uint64_t offset, uint64_t value, unsigned int size)
{
	struct dsa_irqs irqs = { 0 };

	if (faulty(core, FAULT_BIT(FAULT_LINK_DOWN)))
		return;
	core_lock(core);
	if (size != 4 || offset % DSA_DOORBELL_STRIDE || offset >= DSA_DOORBELL(DSA_NUM_QUEUES))
		bad_access(core);
	else
		queue_doorbell(core, &core->q[offset / DSA_DOORBELL_STRIDE], value, &irqs);
	core_unlock(core);
	irq_send(core, &irqs);
}
