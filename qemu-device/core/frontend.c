/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue's front end: fetches ring packets and commands, checks them, runs
 * the short ones and hands the long ones to copy engines and cores.
 *
 * Everything a guest wrote is copied once, then checked, then used.
 */
#include "clock.h"
#include "core_int.h"

#define FRONTEND_ENGINE ((uint32_t)DSA_ENGINE_FRONTEND << 16)

void queue_error(struct dsa_core *core, struct dsa_queue *q, uint32_t code, uint32_t access,
		 uint32_t engine, uint64_t addr)
{
	struct dsa_error err = {
		.code = code,
		.access = access,
		.engine = engine,
		.opcode = q->in_cmd ? q->cmd.hdr.opcode : UINT32_MAX,
		.addr = addr,
		.cmd_va = q->phase == DSA_PH_IDLE ? 0 : q->cmd_va,
		.job_id = q->pkt.job_id,
	};

	if (code == DSA_ERR_ABORTED)
		return;
	if (q->in_cmd && q->cmd.hdr.opcode == DSA_CMD_LAUNCH)
		err.launch_id = q->cmd.launch.id;
	core_lock(core);
	queue_fail(core, q, &err);
	core_unlock(core);
	log_guest_error(core, "queue %u: %s, address 0x%llx, command %d at 0x%llx, job %llu",
			q->index, error_name(code), (unsigned long long)addr, (int)err.opcode,
			(unsigned long long)err.cmd_va, (unsigned long long)err.job_id);
}

static void frontend_error(struct dsa_queue *q, uint32_t code, uint32_t access, uint64_t addr)
{
	queue_error(q->mem.core, q, code, access, FRONTEND_ENGINE, addr);
}

static void queue_charge(struct dsa_queue *q, uint64_t ns)
{
	__atomic_store_n(&q->time_ns, q->time_ns + ns, __ATOMIC_RELAXED);
	__atomic_store_n(&q->fetch_ns, q->fetch_ns + ns, __ATOMIC_RELAXED);
}

static void queue_not_before(struct dsa_queue *q, uint64_t ns)
{
	if (q->time_ns < ns)
		__atomic_store_n(&q->time_ns, ns, __ATOMIC_RELAXED);
}

/* ---- ring ---- */

static uint64_t ring_slot(const struct dsa_queue *q)
{
	return q->ring_base + (q->head & ((1u << q->ring_log2) - 1)) * DSA_RING_PACKET_SIZE;
}

/* *bad: where it could not be read. */
static uint32_t ring_read(struct dsa_queue *q, uint32_t bytes, uint64_t *bad)
{
	uint32_t err;

	if (q->mode & DSA_QMODE_USER)
		return mem_read(&q->mem, ring_slot(q), q->ring, bytes, bad);
	*bad = ring_slot(q);
	if (!bus_enter(&q->mem))
		return DSA_ERR_ABORTED;
	err = mem_bus_read(&q->mem, ring_slot(q), q->ring, bytes);
	bus_exit(&q->mem);
	return err ? DSA_ERR_RING_READ : 0;
}

/* Reads as many packets as are there, fit the buffer and do not wrap. */
static uint32_t ring_fill(struct dsa_queue *q, uint32_t pending, uint64_t *bad)
{
	uint32_t slots = 1u << q->ring_log2;
	uint32_t slot = q->head & (slots - 1);
	uint32_t n = pending;
	uint32_t err;

	if (n > DSA_RING_BATCH)
		n = DSA_RING_BATCH;
	if (n > slots - slot)
		n = slots - slot;
	err = ring_read(q, n * DSA_RING_PACKET_SIZE, bad);
	if (err)
		return err;
	q->ring_first = q->head;
	q->ring_count = n;
	return 0;
}

bool ring_packet_ok(const struct dsa_ring_packet *p)
{
	if (p->op > DSA_RING_OP_EXEC || (p->flags & ~(DSA_RING_F_IRQ | DSA_RING_F_FENCE)))
		return false;
	if (p->reserved[0] || p->reserved[1])
		return false;
	if ((p->flags & DSA_RING_F_FENCE) && p->fence_addr % 8)
		return false;
	if (p->op == DSA_RING_OP_NOP)
		return true;
	return p->cmd_va % 8 == 0 && p->cmd_size % 8 == 0 && p->cmd_size <= DSA_RING_MAX_CMD_BYTES;
}

/* False: nothing to do, or the queue stops. */
static bool ring_next(struct dsa_core *core, struct dsa_queue *q)
{
	uint32_t pending = __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE) - q->head;
	uint64_t bad = 0;
	uint32_t err;

	if (!pending)
		return false;
	q->pkt = (struct dsa_ring_packet){ 0 };
	if (q->head - q->ring_first >= q->ring_count) {
		err = ring_fill(q, pending, &bad);
		if (err) {
			frontend_error(q, err, DSA_ACCESS_READ, bad);
			return false;
		}
	}
	q->pkt = q->ring[q->head - q->ring_first];
	if (faulty(core, FAULT_BIT(FAULT_RING_CORRUPT)))
		fault_ring(core, q->index, &q->pkt);
	if (!ring_packet_ok(&q->pkt)) {
		frontend_error(q, DSA_ERR_BAD_RING_PACKET, DSA_ACCESS_NONE, 0);
		return false;
	}
	if (q->pkt.op == DSA_RING_OP_NOP)
		q->pkt.cmd_size = 0;
	q->cmd_off = 0;
	q->buf_len = 0;
	core_lock(core);
	if (!q->busy) {
		queue_not_before(q, q->start_ns);
		pace_anchor(core, q);
	}
	q->busy = true;
	q->phase = DSA_PH_CMD;
	core_unlock(core);
	queue_charge(q, core->cfg.cost.ring_ns);
	return !faulty(core, FAULT_BIT(FAULT_QUEUE_HANG)) || !fault_queue_hangs(core, q);
}

/* The fence of a user's ring. */
static uint32_t fence_write_user(struct dsa_queue *q)
{
	uint64_t value = q->pkt.fence_value, bad = 0;
	uint32_t err;

	err = mem_write(&q->mem, q->pkt.fence_addr, &value, sizeof(value), &bad);
	if (err)
		frontend_error(q, err, DSA_ACCESS_WRITE, bad);
	return err;
}

/*
 * Fence, then head, then interrupt. A packet that follows at once does not
 * count as starting on an idle queue.
 */
static bool ring_complete(struct dsa_core *core, struct dsa_queue *q)
{
	bool fence = q->pkt.flags & DSA_RING_F_FENCE, user = q->mode & DSA_QMODE_USER;
	uint64_t value = q->pkt.fence_value;
	uint32_t err = 0;

	if (fence && user && fence_write_user(q))
		return false;
	mem_flush_dirty(&q->mem);
	if (!bus_enter(&q->mem))
		return false;
	if (fence && !user)
		err = mem_bus_write(&q->mem, q->pkt.fence_addr, &value, sizeof(value));
	if (err) {
		bus_exit(&q->mem);
		frontend_error(q, DSA_ERR_FENCE_WRITE, DSA_ACCESS_WRITE, q->pkt.fence_addr);
		return false;
	}
	core_lock(core);
	q->head++;
	q->phase = DSA_PH_IDLE;
	q->busy = q->head != q->tail;
	if (core->device_time < q->time_ns)
		core->device_time = q->time_ns;
	core_unlock(core);
	if (q->pkt.flags & DSA_RING_F_IRQ)
		irq_raise(core, q->vector);
	bus_exit(&q->mem);
	return true;
}

/* ---- commands ---- */

static void cmd_done(struct dsa_queue *q)
{
	q->in_cmd = false;
	q->phase = DSA_PH_CMD;
}

static void exec_nop(struct dsa_core *core, struct dsa_queue *q)
{
	(void)core;
	cmd_done(q);
}

static void exec_fence(struct dsa_core *core, struct dsa_queue *q)
{
	mem_flush_dirty(&q->mem);
	/* Commands complete in order; the mutex makes what they did visible to other threads. */
	core_lock(core);
	core_unlock(core);
	exec_nop(core, q);
}

static void exec_copy(struct dsa_core *core, struct dsa_queue *q)
{
	(void)core;
	copy_start(q);
	q->phase = DSA_PH_COPY;
}

static void exec_launch(struct dsa_core *core, struct dsa_queue *q)
{
	launch_start(core, q);
}

static void exec_timestamp(struct dsa_core *core, struct dsa_queue *q)
{
	uint64_t words[2] = { q->time_ns, now_ns(core) };
	uint64_t bad = 0;
	uint32_t err = mem_write(&q->mem, q->cmd.timestamp.va, words, sizeof(words), &bad);

	if (err)
		frontend_error(q, err, DSA_ACCESS_WRITE, bad);
	else
		cmd_done(q);
}

/* ---- semaphores ---- */

static struct dsa_sem_time *sem_slot(struct dsa_core *core, uint64_t key)
{
	return &core->sem_time[(key >> 3 ^ key >> 11) % DSA_SEM_TIMES];
}

/* Where the word is, for the clock: two addresses may name one word. */
static uint64_t sem_key(const struct dsa_xlat *x, uint64_t va)
{
	return (x->target + (va - x->va)) | (uint64_t)x->sys << 63;
}

/*
 * The word is changed atomically: in HBM by an atomic operation, in system
 * memory towards everyone that honours the bus lock (all of the device).
 */
static uint32_t sem_update(struct dsa_queue *q, const struct dsa_xlat *x, uint64_t value, bool add)
{
	uint64_t target = x->target + (q->cmd.sem.va - x->va);
	uint64_t word = 0;
	uint32_t err = 0;

	if (!x->sys) {
		uint64_t *p = (uint64_t *)(q->mem.core->cfg.hbm + target);

		if (add && faulty(q->mem.core, FAULTS_ECC))
			err = fault_ecc(q->mem.core, target, sizeof(word));
		if (err)
			return err;
		if (add)
			__atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);
		else
			__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
		mem_dirty(&q->mem, target, sizeof(word));
		return 0;
	}
	if (!bus_enter(&q->mem))
		return DSA_ERR_ABORTED;
	if (add)
		err = mem_sys_read(&q->mem, target, &word, sizeof(word));
	word += value;
	if (!err)
		err = mem_sys_write(&q->mem, target, &word, sizeof(word));
	bus_exit(&q->mem);
	return err;
}

static void exec_sem_signal(struct dsa_core *core, struct dsa_queue *q)
{
	const struct dsa_cmd_sem *cmd = &q->cmd.sem;
	bool add = cmd->hdr.flags & DSA_SEM_F_ADD;
	uint32_t need = DSA_PTE_W | (add ? DSA_PTE_R : 0);
	struct dsa_xlat x;
	uint32_t err = mem_translate(&q->mem, cmd->va, need, &x);
	struct dsa_sem_time *slot;
	uint64_t key;

	if (err) {
		frontend_error(q, err, DSA_ACCESS_WRITE, cmd->va);
		return;
	}
	key = sem_key(&x, cmd->va);
	/* Before the word, so that who sees the word finds the time. */
	core_lock(core);
	slot = sem_slot(core, key);
	if (slot->key != key || slot->time_ns < q->time_ns)
		*slot = (struct dsa_sem_time){ key, q->time_ns };
	core_unlock(core);
	err = sem_update(q, &x, cmd->value, add);
	if (err) {
		frontend_error(q, err, DSA_ACCESS_WRITE, cmd->va);
		return;
	}
	core_lock(core);
	sem_signalled(core);
	core_unlock(core);
	cmd_done(q);
}

static uint32_t sem_load(struct dsa_queue *q, uint64_t va, uint64_t *word, uint64_t *key)
{
	struct dsa_xlat x;
	uint32_t err = mem_translate(&q->mem, va, DSA_PTE_R, &x);
	uint64_t target;

	if (err)
		return err;
	target = x.target + (va - x.va);
	*key = sem_key(&x, va);
	if (!x.sys) {
		*word = __atomic_load_n((uint64_t *)(q->mem.core->cfg.hbm + target),
					__ATOMIC_SEQ_CST);
		return faulty(q->mem.core, FAULTS_ECC) ?
			       fault_ecc(q->mem.core, target, sizeof(*word)) :
			       0;
	}
	if (!bus_enter(&q->mem))
		return DSA_ERR_ABORTED;
	err = mem_sys_read(&q->mem, target, word, sizeof(*word));
	bus_exit(&q->mem);
	return err;
}

/* True: goes on. The generation is read first, so that no signal is missed. */
static bool sem_check(struct dsa_core *core, struct dsa_queue *q)
{
	const struct dsa_cmd_sem *cmd = &q->cmd.sem;
	struct dsa_sem_time *slot;
	uint64_t word = 0, key = 0;
	uint32_t err;

	core_lock(core);
	q->wait_gen = core->sem_gen;
	core_unlock(core);
	err = sem_load(q, cmd->va, &word, &key);
	if (err) {
		frontend_error(q, err, DSA_ACCESS_READ, cmd->va);
		return false;
	}
	if ((int64_t)(word - cmd->value) < 0)
		return false;
	core_lock(core);
	slot = sem_slot(core, key);
	if (slot->key == key && slot->time_ns > q->time_ns) {
		queue_not_before(q, slot->time_ns);
		pace_anchor(core, q);
	}
	core_unlock(core);
	cmd_done(q);
	return true;
}

static void exec_sem_wait(struct dsa_core *core, struct dsa_queue *q)
{
	(void)core;
	q->phase = DSA_PH_WAIT;
}

/* ---- the table of commands ---- */

static const struct cmd_desc {
	uint16_t size;
	uint32_t flags; /* allowed ones */
	bool compute_only;
	void (*exec)(struct dsa_core *core, struct dsa_queue *q);
} cmds[] = {
	[DSA_CMD_NOP] = { sizeof(struct dsa_cmd_nop), 0, false, exec_nop },
	[DSA_CMD_COPY] = { sizeof(struct dsa_cmd_copy), 0, false, exec_copy },
	[DSA_CMD_COPY_2D] = { sizeof(struct dsa_cmd_copy_2d), 0, false, exec_copy },
	[DSA_CMD_FILL] = { sizeof(struct dsa_cmd_fill), 0, false, exec_copy },
	[DSA_CMD_LAUNCH] = { sizeof(struct dsa_cmd_launch), DSA_LAUNCH_F_ACCUMULATE, true,
			     exec_launch },
	[DSA_CMD_SEM_SIGNAL] = { sizeof(struct dsa_cmd_sem), DSA_SEM_F_ADD, false,
				 exec_sem_signal },
	[DSA_CMD_SEM_WAIT] = { sizeof(struct dsa_cmd_sem), 0, false, exec_sem_wait },
	[DSA_CMD_TIMESTAMP] = { sizeof(struct dsa_cmd_timestamp), 0, false, exec_timestamp },
	[DSA_CMD_FENCE] = { sizeof(struct dsa_cmd_fence), 0, false, exec_fence },
};

size_t cmd_size(uint32_t opcode)
{
	return opcode < sizeof(cmds) / sizeof(cmds[0]) ? cmds[opcode].size : 0;
}

static uint32_t sem_args_check(uint64_t va)
{
	return va % 8 ? DSA_ERR_BAD_ARGUMENT : 0;
}

uint32_t cmd_check(const struct dsa_core *core, const struct dsa_queue *q, const union dsa_cmd *cmd)
{
	size_t size = cmd_size(cmd->hdr.opcode);

	if (!size)
		return DSA_ERR_BAD_PACKET;
	if (cmds[cmd->hdr.opcode].compute_only && q->index >= DSA_NUM_COMPUTE_QUEUES)
		return DSA_ERR_NOT_ALLOWED;
	if (cmd->hdr.size != size || (cmd->hdr.flags & ~cmds[cmd->hdr.opcode].flags))
		return DSA_ERR_BAD_PACKET;
	switch (cmd->hdr.opcode) {
	case DSA_CMD_COPY:
	case DSA_CMD_COPY_2D:
	case DSA_CMD_FILL:
		return copy_check(cmd);
	case DSA_CMD_LAUNCH:
		return launch_check(core, &cmd->launch);
	case DSA_CMD_SEM_SIGNAL:
	case DSA_CMD_SEM_WAIT:
		return sem_args_check(cmd->sem.va);
	case DSA_CMD_TIMESTAMP:
		return sem_args_check(cmd->timestamp.va);
	}
	return 0;
}

/* @want bytes at the current offset into q->cmd, through the read-ahead buffer. */
static bool cmd_bytes(struct dsa_queue *q, void *to, uint32_t want)
{
	uint64_t va = q->pkt.cmd_va + q->cmd_off;
	uint64_t bad = 0;
	uint32_t err;

	if (q->cmd_off < q->buf_off || q->cmd_off - q->buf_off + want > q->buf_len) {
		uint32_t n = q->pkt.cmd_size - q->cmd_off;
		uint32_t page = DSA_PAGE_SIZE - va % DSA_PAGE_SIZE;

		if (n > DSA_CMD_BUF)
			n = DSA_CMD_BUF;
		/* Reading ahead must not fault beyond what was asked for. */
		if (n > page)
			n = page > want ? page : want;
		q->buf_len = 0;
		err = mem_read(&q->mem, va, q->buf, n, &bad);
		if (err) {
			frontend_error(q, err, DSA_ACCESS_READ, bad);
			return false;
		}
		q->buf_off = q->cmd_off;
		q->buf_len = n;
	}
	memcpy(to, q->buf + (q->cmd_off - q->buf_off), want);
	return true;
}

static void cmd_next(struct dsa_core *core, struct dsa_queue *q)
{
	uint32_t left = q->pkt.cmd_size - q->cmd_off;
	size_t size;
	uint32_t err;

	if (!left) {
		q->phase = DSA_PH_FENCE;
		return;
	}
	q->cmd_va = q->pkt.cmd_va + q->cmd_off;
	if (!cmd_bytes(q, &q->cmd.hdr, sizeof(q->cmd.hdr)))
		return;
	q->in_cmd = true;
	size = cmd_size(q->cmd.hdr.opcode);
	if (!size || q->cmd.hdr.size != size || size > left) {
		frontend_error(q,
			       size && q->cmd.hdr.size == size ? DSA_ERR_BAD_PACKET :
								 cmd_check(core, q, &q->cmd),
			       DSA_ACCESS_NONE, q->cmd_va);
		return;
	}
	/* The header may come anew: it is checked below, the old one forgotten. */
	if (!cmd_bytes(q, &q->cmd, size))
		return;
	err = cmd_size(q->cmd.hdr.opcode) == size ? cmd_check(core, q, &q->cmd) :
						    DSA_ERR_BAD_PACKET;
	if (err) {
		frontend_error(q, err, DSA_ACCESS_NONE, q->cmd_va);
		return;
	}
	q->cmd_off += size;
	queue_charge(q, core->cfg.cost.command_ns);
	cmds[q->cmd.hdr.opcode].exec(core, q);
}

/* ---- the end of a launch ---- */

static bool launch_complete(struct dsa_core *core, struct dsa_queue *q)
{
	struct dsa_launch *l = &q->launch;
	uint32_t access, err;
	uint64_t bad = 0;

	counters_finish(core, l);
	queue_not_before(q, l->counters.end_ns);
	err = counters_write(q, &access, &bad);
	if (err) {
		frontend_error(q, err, access, bad);
		return false;
	}
	core_lock(core);
	launch_over(core, q);
	cmd_done(q);
	sem_signalled(core);
	core_unlock(core);
	return true;
}

static bool launch_poll(struct dsa_core *core, struct dsa_queue *q)
{
	bool finished;

	core_lock(core);
	finished = launch_finished(&q->launch);
	core_unlock(core);
	return finished && launch_complete(core, q);
}

/* One step. False: someone else, or nobody, can go on, or not yet. */
static bool queue_step(struct dsa_core *core, struct dsa_queue *q, uint64_t deadline)
{
	if (!pace_passed(core, q))
		return false;
	switch (q->phase) {
	case DSA_PH_IDLE:
		return ring_next(core, q);
	case DSA_PH_CMD:
		cmd_next(core, q);
		return true;
	case DSA_PH_COPY:
		if (!copy_run(core, q, deadline))
			return false;
		cmd_done(q);
		return !q->held_until;
	case DSA_PH_LAUNCH:
		return launch_poll(core, q);
	case DSA_PH_WAIT:
		return sem_check(core, q);
	case DSA_PH_FENCE:
		return ring_complete(core, q);
	case DSA_PH_HUNG:
		frontend_error(q, DSA_ERR_HANG, DSA_ACCESS_NONE, 0);
		return false;
	default:
		return false;
	}
}

void queue_run(struct dsa_core *core, struct dsa_queue *q, uint64_t deadline)
{
	while (!queue_stopping(q) && queue_step(core, q, deadline)) {
		mem_quiesce(&q->mem);
		if (now_ns(core) >= deadline)
			break;
	}
	mem_flush_dirty(&q->mem);
}
