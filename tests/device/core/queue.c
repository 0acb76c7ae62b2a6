/* SPDX-License-Identifier: MIT */
/* Rings, the queue's state machine, command packets, semaphores. */
#include "harness.h"

#define CMDS  0x310000
#define CMDS2 0x318000
#define CODE  0x300000
#define SEM   0x330000

#define QR(q, r) rd32(d, DSA_QREG(q, r))

static void wrap_around(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 2, 1);
	for (unsigned int i = 0; i < 100; i++)
		CHECK(run_cmds(&c, 2));
	CHECK_EQ(QR(2, DSA_Q_HEAD), 100);
	CHECK_EQ(QR(2, DSA_Q_TAIL), 100);
	CHECK_EQ(QR(2, DSA_Q_BUSY), 0);
	CHECK_EQ(d->raised[3], 100);
	dev_free(d);
}

static void full_ring(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 2, 1);
	CHECK(run_cmds(&c, 2)); /* so that the batch wraps */
	for (unsigned int i = 0; i < 16; i++)
		submit_cmds(&c, 2);
	CHECK_EQ(QR(2, DSA_Q_TAIL), 17);
	dev_run(d);
	CHECK_EQ(QR(2, DSA_Q_HEAD), 17);
	CHECK_EQ(fence_now(d, 2), 17);
	dev_free(d);
}

static void bad_doorbell(void)
{
	struct dev *d = dev_new(0);

	wr32(d, DSA_REG_INT_ENABLE, DSA_INT_QUEUE_ERROR);
	queue_setup(d, 2, 1);
	doorbell(d, 2, 17);
	CHECK_EQ(QR(2, DSA_Q_STATE), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, 2), DSA_ERR_BAD_DOORBELL);
	CHECK_EQ(d->raised[3], 1);
	CHECK_EQ(d->raised[0], 1);
	CHECK_EQ(rd64(d, DSA_REG_QUEUE_ERRORS), 4);
	CHECK_EQ(d->dma_reads, 0);
	wr32(d, DSA_QREG(2, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	CHECK_EQ(QR(2, DSA_Q_STATE), DSA_QSTATE_DISABLED);
	CHECK_EQ(err_code(d, 2), DSA_ERR_BAD_DOORBELL);
	queue_enable(d, 2);
	CHECK_EQ(err_code(d, 2), 0);
	doorbell(d, 2, UINT32_MAX);
	CHECK_EQ(err_code(d, 2), DSA_ERR_BAD_DOORBELL);
	dev_free(d);
}

/* The fence is in memory before head moves, head before the interrupt. */
static void order_hook(struct dev *d, uint64_t addr, size_t len)
{
	(void)len;
	if (addr != RAM_FENCES + 2 * 8)
		return;
	CHECK_EQ(dsa_core_mmio_read(d->core, DSA_QREG(2, DSA_Q_HEAD), 4), 0);
	CHECK_EQ(dsa_core_mmio_read(d->core, DSA_QREG(2, DSA_Q_BUSY), 4), 1);
	CHECK_EQ(d->raised[3], 0);
	d->hook_arg = d;
}

static void completion_order(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	queue_setup(d, 2, 1);
	d->on_write = order_hook;
	CHECK(run_cmds(&c, 2));
	CHECK(d->hook_arg);
	CHECK_EQ(d->raised[3], 1);
	dev_free(d);
}

static void packet_error(struct dsa_ring_packet p, uint32_t code)
{
	struct dev *d = dev_new(0);

	queue_setup(d, 1, 1);
	p.job_id = 42;
	*ring_slot(d, 1, 0) = p;
	doorbell(d, 1, 1);
	dev_run(d);
	CHECK_EQ(err_code(d, 1), code);
	CHECK_EQ(QR(1, DSA_Q_STATE), code ? DSA_QSTATE_ERROR : DSA_QSTATE_ACTIVE);
	CHECK_EQ(QR(1, DSA_Q_HEAD), code ? 0 : 1);
	if (code) {
		CHECK_EQ(rd64(d, DSA_QREG(1, DSA_Q_ERR_JOB_ID)), 42);
		CHECK_EQ(QR(1, DSA_Q_ERR_OPCODE), UINT32_MAX);
	}
	dev_free(d);
}

static void ring_packets(void)
{
	const struct dsa_ring_packet nop = { .op = DSA_RING_OP_NOP };
	const struct dsa_ring_packet ex = { .op = DSA_RING_OP_EXEC, .cmd_va = VA_HBM + CMDS };
	struct dsa_ring_packet p;

#define PKT(base, change, code)        \
	do {                           \
		p = base;              \
		change;                \
		packet_error(p, code); \
	} while (0)
	PKT(nop, (void)p, 0);
	PKT(ex, (void)p, 0);
	PKT(nop, p.cmd_va = 3, 0);
	PKT(nop, p.op = 2, DSA_ERR_BAD_RING_PACKET);
	PKT(nop, p.op = UINT32_MAX, DSA_ERR_BAD_RING_PACKET);
	PKT(nop, p.flags = 4, DSA_ERR_BAD_RING_PACKET);
	PKT(nop, p.reserved[0] = 1, DSA_ERR_BAD_RING_PACKET);
	PKT(nop, p.reserved[1] = 1ull << 63, DSA_ERR_BAD_RING_PACKET);
	PKT(ex, p.cmd_va += 4, DSA_ERR_BAD_RING_PACKET);
	PKT(ex, p.cmd_size = 12, DSA_ERR_BAD_RING_PACKET);
	PKT(ex, p.cmd_size = (16u << 20) + 8, DSA_ERR_BAD_RING_PACKET);
	PKT(ex, p.cmd_size = UINT64_MAX - 7, DSA_ERR_BAD_RING_PACKET);
	PKT(nop, (p.flags = DSA_RING_F_FENCE, p.fence_addr = RAM_FENCES + 4),
	    DSA_ERR_BAD_RING_PACKET);
	PKT(nop, (p.flags = DSA_RING_F_FENCE, p.fence_addr = 0x1000), DSA_ERR_FENCE_WRITE);
	PKT(nop, (p.flags = DSA_RING_F_FENCE, p.fence_addr = -8ull), DSA_ERR_FENCE_WRITE);
	PKT(ex, (p.cmd_va = 0x1000, p.cmd_size = 8), DSA_ERR_MMU_UNMAPPED);
	PKT(ex, (p.cmd_va = -8ull, p.cmd_size = 64), DSA_ERR_MMU_RANGE);
	PKT(ex, (p.cmd_va = DSA_SCRATCHPAD_BASE, p.cmd_size = 64), DSA_ERR_MMU_RANGE);
}

static void ring_unreadable(void)
{
	struct dev *d = dev_new(0);

	queue_config(d, 1, 1);
	wr64(d, DSA_QREG(1, DSA_Q_RING_BASE), 0x5000);
	queue_enable(d, 1);
	doorbell(d, 1, 1);
	dev_run(d);
	CHECK_EQ(err_code(d, 1), DSA_ERR_RING_READ);
	CHECK_EQ(rd64(d, DSA_QREG(1, DSA_Q_ERR_ADDR)), 0x5000);
	queue_setup(d, 2, 1);
	bus_lock(d);
	dsa_core_set_bus_master(d->core, false);
	bus_unlock(d);
	doorbell(d, 2, 1);
	dev_run(d);
	CHECK_EQ(err_code(d, 2), DSA_ERR_RING_READ);
	CHECK_EQ(d->dma_reads, 0);
	dev_free(d);
}

static void bad_enable(void)
{
	static const struct {
		uint32_t reg, value;
	} bad[] = {
		{ DSA_Q_RING_BASE, 0x800 }, { DSA_Q_RING_LOG2, 3 },     { DSA_Q_RING_LOG2, 13 },
		{ DSA_Q_RING_LOG2, 255 },   { DSA_Q_ASID, 256 },        { DSA_Q_PRIORITY, 4 },
		{ DSA_Q_VECTOR, 65 },       { DSA_Q_VECTOR, 1u << 31 },
	};
	struct dev *d = dev_new(0);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		queue_config(d, i, 1);
		wr32(d, DSA_QREG(i, bad[i].reg), bad[i].value);
		queue_enable(d, i);
		CHECK_EQ(QR(i, DSA_Q_STATE), DSA_QSTATE_ERROR);
		CHECK_EQ(err_code(d, i), DSA_ERR_BAD_ARGUMENT);
		doorbell(d, i, 1);
	}
	queue_config(d, 9, 1);
	wr32(d, DSA_QREG(9, DSA_Q_RING_BASE) + 4, UINT32_MAX);
	wr32(d, DSA_QREG(9, DSA_Q_RING_BASE), 0xfffff000);
	queue_enable(d, 9);
	CHECK_EQ(err_code(d, 9), DSA_ERR_BAD_ARGUMENT);
	dev_run(d);
	CHECK_EQ(d->dma_reads, 0);
	dev_free(d);
}

/* ---- commands ---- */

static void command_error(unsigned int q, const void *cmd, size_t size, size_t total, uint32_t code)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	cmd_raw(&c, cmd, size);
	c.size = 8 + total;
	queue_setup(d, q, 1);
	CHECK_EQ(run_cmds(&c, q), !code);
	CHECK_EQ(err_code(d, q), code);
	if (code)
		CHECK_EQ(rd64(d, DSA_QREG(q, DSA_Q_ERR_CMD_VA)), VA_HBM + CMDS + 8);
	dev_free(d);
}

static void command_packets(void)
{
	struct dsa_cmd_copy copy = {
		{ DSA_CMD_COPY, sizeof(copy), 0 }, VA_HBM + 0x500000, VA_HBM, 64
	};
	struct dsa_cmd_launch launch = { .hdr = { DSA_CMD_LAUNCH, sizeof(launch), 0 },
					 .entry = VA_HBM + CODE,
					 .grid = { 1, 1, 1 } };
	struct dsa_cmd_sem sem = { { DSA_CMD_SEM_SIGNAL, sizeof(sem), 0 }, VA_HBM + SEM, 1 };
	struct dsa_cmd_timestamp ts = { { DSA_CMD_TIMESTAMP, sizeof(ts), 0 }, VA_HBM + SEM };
	struct dsa_cmd_header hdr = { 0, 8, 0 };

#define CMD(q, v, change, code)                                      \
	do {                                                         \
		__typeof__(v) v_ = v;                                \
		change;                                              \
		command_error(q, &v_, sizeof(v_), sizeof(v_), code); \
	} while (0)
	CMD(1, copy, (void)v_, 0);
	CMD(1, copy, v_.hdr.size = 24, DSA_ERR_BAD_PACKET);
	CMD(1, copy, v_.hdr.size = 0, DSA_ERR_BAD_PACKET);
	CMD(1, copy, v_.hdr.size = 0xffff, DSA_ERR_BAD_PACKET);
	CMD(1, copy, v_.hdr.flags = 1, DSA_ERR_BAD_PACKET);
	CMD(1, hdr, v_.opcode = 9, DSA_ERR_BAD_PACKET);
	CMD(1, hdr, v_.opcode = 0xffff, DSA_ERR_BAD_PACKET);
	CMD(1, hdr, v_.opcode = DSA_CMD_FENCE, 0);
	CMD(1, hdr, v_.flags = 1u << 31, DSA_ERR_BAD_PACKET);
	command_error(1, &copy, sizeof(copy), sizeof(copy) - 8, DSA_ERR_BAD_PACKET);
	command_error(1, &copy, sizeof(copy), 8, DSA_ERR_BAD_PACKET);
	CMD(40, launch, (void)v_, DSA_ERR_NOT_ALLOWED);
	/* Any user is fine; there is no code. */
	CMD(1, launch, v_.user = UINT64_MAX, DSA_ERR_ILLEGAL_INSN);
	CMD(1, launch, v_.hdr.flags = 2, DSA_ERR_BAD_PACKET);
	CMD(1, launch, v_.grid[0] = 0, DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, v_.grid[1] = 0x80000000u, DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, (v_.grid[0] = 1u << 21, v_.grid[1] = 1u << 20), DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, (v_.grid[0] = v_.grid[1] = v_.grid[2] = 0x7fffffff), DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, v_.stack_bytes = 256u << 10 | 1, DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, (v_.scratch_bytes = UINT32_MAX, v_.stack_bytes = 2), DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, v_.counters = 4, DSA_ERR_BAD_ARGUMENT);
	CMD(1, launch, v_.entry |= 1, DSA_ERR_BAD_ARGUMENT);
	CMD(1, sem, (void)v_, 0);
	CMD(1, sem, v_.hdr.flags = 1, 0);
	CMD(1, sem, v_.hdr.flags = 2, DSA_ERR_BAD_PACKET);
	CMD(1, sem, (v_.hdr.opcode = DSA_CMD_SEM_WAIT, v_.hdr.flags = 1), DSA_ERR_BAD_PACKET);
	CMD(1, sem, v_.va += 4, DSA_ERR_BAD_ARGUMENT);
	CMD(1, sem, v_.va = 8, DSA_ERR_MMU_UNMAPPED);
	CMD(1, ts, (void)v_, 0);
	CMD(1, ts, v_.va += 4, DSA_ERR_BAD_ARGUMENT);
	CMD(1, ts, v_.va = VA_HBM + HBM_SIZE - 8, DSA_ERR_MMU_UNMAPPED);
}

/* After each read of the command buffer, the guest turns its copy into something bad. */
static void mutate_hook(struct dev *d, uint64_t addr, size_t len)
{
	uint64_t start = RAM_DATA, end = RAM_DATA + sizeof(struct dsa_cmd_copy);

	if (addr < end && start < addr + len)
		memset(ram_at(d, RAM_DATA), 0xee, sizeof(struct dsa_cmd_copy));
}

static void double_fetch(void)
{
	struct dev *d = dev_new(0);
	struct dsa_cmd_copy copy = {
		{ DSA_CMD_COPY, sizeof(copy), 0 }, VA_HBM + 0x500000, VA_HBM + 0x600000, 64
	};

	memset(d->hbm + 0x600000, 0x77, 64);
	memcpy(ram_at(d, RAM_DATA), &copy, sizeof(copy));
	d->on_read = mutate_hook;
	queue_setup(d, 1, 1);
	CHECK(wait_fence(d, 1, submit(d, 1, VA_RAM + (RAM_DATA - RAM_BASE), sizeof(copy))));
	CHECK_EQ(err_code(d, 1), 0);
	CHECK_EQ(d->hbm[0x50003f], 0x77);
	dev_free(d);
}

/* A packet that crosses a page and changes between the reads of its header. */
static void header_hook(struct dev *d, uint64_t addr, size_t len)
{
	struct dsa_cmd_header *h = ram_at(d, RAM_DATA + DSA_PAGE_SIZE - 8);

	(void)len;
	if (addr >= RAM_DATA && addr < RAM_DATA + 2 * DSA_PAGE_SIZE && !d->hook_arg) {
		*h = (struct dsa_cmd_header){ DSA_CMD_LAUNCH, sizeof(struct dsa_cmd_launch), 0 };
		d->hook_arg = d;
	}
}

static void header_changes(void)
{
	struct dev *d = dev_new(0);
	struct dsa_cmd_copy copy = {
		{ DSA_CMD_COPY, sizeof(copy), 0 }, VA_HBM + 0x500000, VA_HBM, 64
	};

	memcpy(ram_at(d, RAM_DATA + DSA_PAGE_SIZE - 8), &copy, sizeof(copy));
	d->on_read = header_hook;
	queue_setup(d, 1, 1);
	CHECK(!wait_fence(d, 1,
			  submit(d, 1, VA_RAM + (RAM_DATA - RAM_BASE) + DSA_PAGE_SIZE - 8,
				 sizeof(copy))));
	CHECK_EQ(err_code(d, 1), DSA_ERR_BAD_PACKET);
	dev_free(d);
}

static void ring_hook(struct dev *d, uint64_t addr, size_t len)
{
	(void)len;
	if (addr >= RAM_RINGS && addr < RAM_FENCES)
		memset(ram_at(d, addr), 0xff, len);
}

static void ring_double_fetch(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 1, 1);
	d->on_read = ring_hook;
	CHECK(run_cmds(&c, 1));
	dev_free(d);
}

/* ---- semaphores ---- */

static void sem_across(unsigned int threads, uint64_t va)
{
	struct dev *d = dev_new(threads);
	struct cmds c = cmds_at(d, CMDS), s = cmds_at(d, CMDS2);
	uint64_t fc;

	cmd_sem(&c, DSA_CMD_SEM_WAIT, va, 3, 0);
	cmd_copy(&c, VA_HBM + 0x500000, VA_HBM + 0x600000, 8);
	cmd_fill(&s, VA_HBM + 0x600000, 8, 0x99, 1);
	cmd_sem(&s, DSA_CMD_SEM_SIGNAL, va, 1, DSA_SEM_F_ADD);
	cmd_sem(&s, DSA_CMD_SEM_SIGNAL, va, 2, DSA_SEM_F_ADD);
	queue_setup(d, 0, 1);
	queue_setup(d, 33, 1);
	fc = submit_cmds(&c, 0);
	if (!threads) {
		CHECK_EQ(dsa_core_run(d->core, 10000000), DSA_RUN_POLL);
		CHECK_EQ(QR(0, DSA_Q_BUSY), 1);
		CHECK(!dsa_core_idle(d->core));
	}
	submit_cmds(&s, 33);
	CHECK(wait_fence(d, 0, fc));
	CHECK_EQ(*(uint64_t *)(d->hbm + 0x500000), 0x9999999999999999ull);
	CHECK(rd64(d, DSA_QREG(0, DSA_Q_TIME)) + 2000 >= rd64(d, DSA_QREG(33, DSA_Q_TIME)));
	dev_free(d);
}

static void semaphores(void)
{
	sem_across(0, VA_HBM + SEM);
	sem_across(0, VA_RAM + (RAM_DATA - RAM_BASE));
	sem_across(3, VA_HBM + SEM);
	sem_across(3, VA_RAM + (RAM_DATA - RAM_BASE));
}

static void sem_polled(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t f;

	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + SEM, -5, 0); /* signed: 0 is enough */
	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + SEM, 5, 0);
	queue_setup(d, 0, 1);
	f = submit_cmds(&c, 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(dsa_core_run(d->core, 100000), DSA_RUN_POLL);
	*(volatile uint64_t *)(d->hbm + SEM) = 5; /* by the CPU */
	CHECK(wait_fence(d, 0, f));
	dev_free(d);
}

static void sem_faults(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	map(d, 1, 0x1000, SEM, DSA_PTE_R, 0);
	cmd_sem(&c, DSA_CMD_SEM_SIGNAL, 0x1000, 1, 0);
	queue_setup(d, 0, 1);
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_MMU_PERMISSION);
	CHECK_EQ(QR(0, DSA_Q_ERR_ACCESS), DSA_ACCESS_WRITE);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), 0x1000);
	CHECK_EQ(QR(0, DSA_Q_ERR_OPCODE), DSA_CMD_SEM_SIGNAL);
	dev_free(d);
}

static void timestamps(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	const uint64_t *t = (const uint64_t *)(d->hbm + SEM);

	cmd_timestamp(&c, VA_HBM + SEM);
	cmd_fill(&c, VA_HBM + 0x500000, 1 << 20, 0, 1);
	cmd_timestamp(&c, VA_HBM + SEM + 16);
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(t[0], 350);
	/* 50 for each command, 800 + 2^20 / 3350 for the fill */
	CHECK_EQ(t[2] - t[0], 100 + 800 + 314);
	CHECK(t[3] >= t[1] && t[1]);
	CHECK_EQ(rd64(d, DSA_REG_TIME), t[2]);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_TIME)), t[2]);
	dev_free(d);
}

/* ---- stopping ---- */

static void kill_waiting(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + SEM, 1, 0);
	queue_setup(d, 0, 1);
	submit_cmds(&c, 0);
	while (dsa_core_run(d->core, 100) == DSA_RUN_MORE)
		;
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK_EQ(QR(0, DSA_Q_STATE), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, 0), DSA_ERR_KILLED);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_JOB_ID)), d->job);
	CHECK_EQ(QR(0, DSA_Q_ERR_OPCODE), DSA_CMD_SEM_WAIT);
	CHECK_EQ(d->raised[1], 1);
	CHECK_EQ(QR(0, DSA_Q_HEAD), 0);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL); /* not ACTIVE: nothing */
	CHECK_EQ(d->raised[1], 1);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	CHECK_EQ(QR(0, DSA_Q_STATE), DSA_QSTATE_DISABLED);
	queue_enable(d, 0);
	c = cmds_at(d, CMDS);
	cmd_simple(&c, DSA_CMD_NOP);
	CHECK(run_cmds(&c, 0));
	dev_free(d);
}

static void neighbours(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	queue_setup(d, 0, 1);
	queue_setup(d, 1, 1);
	doorbell(d, 0, 99);
	cmd_simple(&c, DSA_CMD_NOP);
	CHECK(run_cmds(&c, 1));
	CHECK_EQ(QR(1, DSA_Q_STATE), DSA_QSTATE_ACTIVE);
	dev_free(d);
}

static void shared_vector(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	for (unsigned int q = 0; q < 2; q++) {
		queue_config(d, q, 1);
		wr32(d, DSA_QREG(q, DSA_Q_VECTOR), 64);
		queue_enable(d, q);
		CHECK(run_cmds(&c, q));
	}
	CHECK_EQ(d->raised[64], 2);
	dev_free(d);
}

static void logs_are_bounded(void)
{
	struct dev *d = dev_new(0);

	for (unsigned int i = 0; i < 2000; i++) {
		queue_setup(d, 1, 1);
		ring_slot(d, 1, 0)->op = 77;
		doorbell(d, 1, 1);
		dev_run(d);
		wr32(d, DSA_QREG(1, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	}
	CHECK(d->log_lines >= 10 && d->log_lines < 200);
	dev_free(d);
}

const struct test queue_tests[] = {
	TEST(wrap_around),  TEST(full_ring),       TEST(bad_doorbell),      TEST(completion_order),
	TEST(ring_packets), TEST(ring_unreadable), TEST(bad_enable),        TEST(command_packets),
	TEST(double_fetch), TEST(header_changes),  TEST(ring_double_fetch), TEST(semaphores),
	TEST(sem_polled),   TEST(sem_faults),      TEST(timestamps),        TEST(kill_waiting),
	TEST(neighbours),   TEST(shared_vector),   TEST(logs_are_bounded),  TESTS_END
};
