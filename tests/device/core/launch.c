/* SPDX-License-Identifier: MIT */
/* Launches, programs, faults of programs. */
#include "harness.h"
#include "rv/rv.h"

#define CODE 0x300000
#define CMDS 0x310000
#define DATA 0x400000
#define ARGS 0x320000

/* Each program: data[linear id] = x + 100 * y + 10000 * z via sys reads. */
static void emit_ids(struct code *c)
{
	emit(c, SYSRD(T0, DSA_SYS_PID_X));
	emit(c, SYSRD(T1, DSA_SYS_PID_Y));
	emit(c, SYSRD(T2, DSA_SYS_PID_Z));
	emit(c, SYSRD(A1, DSA_SYS_GRID_X));
	emit(c, SYSRD(A2, DSA_SYS_GRID_Y));
	/* linear = (z * gy + y) * gx + x */
	emit(c, r_type(0x33, 0, 1, A3, T2, A2));
	emit(c, ADD(A3, A3, T1));
	emit(c, r_type(0x33, 0, 1, A3, A3, A1));
	emit(c, ADD(A3, A3, T0));
	/* value = x + (y << 8) + (z << 16) + 1 */
	emit(c, SLLI(T1, T1, 8));
	emit(c, SLLI(T2, T2, 16));
	emit(c, ADD(T0, T0, T1));
	emit(c, ADD(T0, T0, T2));
	emit(c, ADDI(T0, T0, 1));
	emit(c, SLLI(A3, A3, 3));
	emit(c, ADD(A3, A3, A0));
	emit(c, SD(T0, A3, 0));
	emit(c, RET);
}

static void grid_on(unsigned int threads)
{
	struct dev *d = dev_new(threads);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	struct dsa_launch_counters *ctr = (void *)(d->hbm + ARGS);
	const uint64_t *out = (const uint64_t *)(d->hbm + DATA);

	emit_ids(&k);
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 13, 7, 5)->counters = VA_HBM + ARGS;
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), 0);
	for (unsigned int z = 0, i = 0; z < 5; z++)
		for (unsigned int y = 0; y < 7; y++)
			for (unsigned int x = 0; x < 13; x++, i++)
				CHECK_EQ(out[i], 1 + x + (y << 8) + (z << 16));
	CHECK_EQ(ctr->programs, 13 * 7 * 5);
	CHECK_EQ(ctr->instructions, 13 * 7 * 5 * k.count);
	CHECK(ctr->end_ns > ctr->start_ns);
	dev_free(d);
}

static void grid_inline(void)
{
	grid_on(0);
}

static void grid_threads(void)
{
	grid_on(4);
}

/* ---- faults of programs ---- */

struct fault {
	uint32_t insn[4];
	unsigned int at; /* index of the instruction that fails */
	uint32_t code, access;
	uint64_t addr;
};

static void program_fault(const struct fault *f, uint64_t arg)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);

	for (unsigned int i = 0; i < 4 && f->insn[i]; i++)
		emit(&k, f->insn[i]);
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, arg, 1, 1, 1);
	queue_setup(d, 5, 1);
	CHECK(!run_cmds(&c, 5));
	CHECK_EQ(err_code(d, 5), f->code);
	CHECK_EQ(rd32(d, DSA_QREG(5, DSA_Q_ERR_ACCESS)), f->access);
	CHECK_EQ(rd64(d, DSA_QREG(5, DSA_Q_ERR_ADDR)), f->addr);
	CHECK_EQ(rd64(d, DSA_QREG(5, DSA_Q_ERR_PC)), VA_HBM + CODE + 4 * f->at);
	CHECK_EQ(rd64(d, DSA_QREG(5, DSA_Q_ERR_LAUNCH_ID)), 77);
	CHECK_EQ(rd64(d, DSA_QREG(5, DSA_Q_ERR_JOB_ID)), d->job);
	CHECK_EQ(rd64(d, DSA_QREG(5, DSA_Q_ERR_CMD_VA)), VA_HBM + CMDS);
	CHECK_EQ(rd32(d, DSA_QREG(5, DSA_Q_ERR_OPCODE)), DSA_CMD_LAUNCH);
	CHECK_EQ(rd32(d, DSA_QREG(5, DSA_Q_ERR_ENGINE)) >> 16, DSA_ENGINE_CORE);
	CHECK_EQ(rd32(d, DSA_QREG(5, DSA_Q_HEAD)), 0);
	/* the next job succeeds */
	wr32(d, DSA_QREG(5, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_enable(d, 5);
	k.count = 0;
	emit(&k, RET);
	CHECK(run_cmds(&c, 5));
	dev_free(d);
}

static void program_faults(void)
{
	const uint64_t nowhere = 0x123456789000ull;
	const struct fault faults[] = {
		{ { ADDI(T0, X0, 1), LD(T0, A0, 8) },
		  1,
		  DSA_ERR_MMU_UNMAPPED,
		  DSA_ACCESS_READ,
		  nowhere + 8 },
		{ { SD(T0, A0, 0) }, 0, DSA_ERR_MMU_UNMAPPED, DSA_ACCESS_WRITE, nowhere },
		{ { AMOADD_D(T0, T0, A0) }, 0, DSA_ERR_MMU_UNMAPPED, DSA_ACCESS_WRITE, nowhere },
		{ { LD(T0, X0, -8) }, 0, DSA_ERR_MMU_RANGE, DSA_ACCESS_READ, -8ull },
		{ { ECALL }, 0, DSA_ERR_ECALL, 0, 0 },
		{ { ADDI(T0, X0, 1), EBREAK }, 1, DSA_ERR_BREAKPOINT, 0, 0 },
		{ { 0xffffffff }, 0, DSA_ERR_ILLEGAL_INSN, 0, 0 },
		{ { SYSRD(T0, DSA_SYS_COUNT) }, 0, DSA_ERR_ILLEGAL_INSN, 0, 0 },
	};
	const struct fault misaligned = {
		{ AMOADD_D(T0, T0, A0) }, 0, DSA_ERR_MISALIGNED, DSA_ACCESS_WRITE, VA_HBM + DATA + 4
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		program_fault(&faults[i], nowhere);
		if (test_failed) {
			printf("# fault %zu\n", i);
			return;
		}
	}
	program_fault(&misaligned, VA_HBM + DATA + 4);
}

static void fetch_faults(void)
{
	static const struct {
		uint64_t entry;
		uint32_t code;
	} entries[] = {
		{ 0x1000, DSA_ERR_MMU_UNMAPPED },
		{ VA_RAM, DSA_ERR_MMU_PERMISSION },
		{ DSA_SCRATCHPAD_BASE, DSA_ERR_MMU_PERMISSION },
		{ 1ull << 50, DSA_ERR_MMU_RANGE },
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct dev *d = dev_new(0);
		struct cmds c = cmds_at(d, CMDS);

		cmd_launch(&c, entries[i].entry, 0, 1, 1, 1);
		queue_setup(d, 5, 1);
		CHECK(!run_cmds(&c, 5));
		CHECK_EQ(err_code(d, 5), entries[i].code);
		CHECK_EQ(rd32(d, DSA_QREG(5, DSA_Q_ERR_ACCESS)), DSA_ACCESS_FETCH);
		CHECK_EQ(rd64(d, DSA_QREG(5, DSA_Q_ERR_ADDR)), entries[i].entry);
		dev_free(d);
	}
}

/* The program that fails is named. */
static void faulting_program(void)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);

	emit(&k, SYSRD(T0, DSA_SYS_PID_X));
	emit(&k, SYSRD(T1, DSA_SYS_PID_Y));
	emit(&k, SYSRD(T2, DSA_SYS_PID_Z));
	emit(&k, ADDI(T0, T0, -3));
	emit(&k, BNE(T0, X0, 20));
	emit(&k, ADDI(T1, T1, -2));
	emit(&k, BNE(T1, X0, 12));
	emit(&k, BNE(T2, X0, 8));
	emit(&k, EBREAK);
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, 0, 5, 4, 3);
	queue_setup(d, 0, 1);
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_BREAKPOINT);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_X)), 3);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_Y)), 2);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_PROGRAM_Z)), 0);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_INSN)), EBREAK);
	dev_free(d);
}

/* ---- memory ---- */

/* data[0..1] += 1 by every program, in HBM and in system memory. */
static void atomics(void)
{
	struct dev *d = dev_new(4);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);

	emit(&k, ADDI(T0, X0, 1));
	emit(&k, LD(T1, A0, 0));
	emit(&k, LD(T2, A0, 8));
	emit(&k, AMOADD_D(X0, T0, T1));
	emit(&k, AMOADD_D(X0, T0, T2));
	emit(&k, RET);
	((uint64_t *)(d->hbm + ARGS))[0] = VA_HBM + DATA;
	((uint64_t *)(d->hbm + ARGS))[1] = VA_RAM + (RAM_DATA - RAM_BASE);
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + ARGS, 1000, 3, 1);
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(*(uint64_t *)(d->hbm + DATA), 3000);
	CHECK_EQ(*(uint64_t *)ram_at(d, RAM_DATA), 3000);
	dev_free(d);
}

static void system_memory(void)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	uint64_t va = VA_RAM + (RAM_DATA - RAM_BASE);

	emit(&k, ADDI(A1, A0, 2000));
	emit(&k, ADDI(A1, A1, 2000));
	emit(&k, LD(T0, A1, 92)); /* across a page */
	emit(&k, SD(T0, A0, 16));
	emit(&k, RET);
	for (unsigned int i = 0; i < 8; i++)
		d->ram[RAM_DATA - RAM_BASE + 4092 + i] = i + 1;
	cmd_launch(&c, VA_HBM + CODE, va, 1, 1, 1);
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(*(uint64_t *)ram_at(d, RAM_DATA + 16), 0x0807060504030201ull);
	d->fail_start = RAM_DATA;
	d->fail_end = RAM_DATA + 0x1000;
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_BUS);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)) & ~4095ull, va);
	dev_free(d);
}

/* Registers, stack and identity at the start of a program. */
static void start_state(void)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	const uint64_t *out = (const uint64_t *)(d->hbm + DATA);
	struct dsa_cmd_launch *launch;
	unsigned int n = 0;

	for (unsigned int r = 1; r < 32; r++)
		emit(&k, s_type(3, A0, r, 8 * n++));
	for (unsigned int s = 0; s < DSA_SYS_COUNT; s++) {
		emit(&k, SYSRD(T0, s));
		emit(&k, SD(T0, A0, 8 * n++));
	}
	emit(&k, SD(A0, SP, -8)); /* the stack is there */
	emit(&k, LD(T0, SP, -8));
	emit(&k, SD(T0, A0, 8 * n++));
	emit(&k, RET);
	launch = cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 1, 1, 1);
	launch->kernarg_bytes = 24;
	launch->user = 0xfedcba9876543210ull;
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(out[0], DSA_CORE_EXIT_ADDR);
	CHECK_EQ(out[1], DSA_SCRATCHPAD_BASE + (256u << 10));
	for (unsigned int r = 3; r < 32; r++)
		CHECK_EQ(out[r - 1], r == A0 ? VA_HBM + DATA : 0);
	CHECK_EQ(out[31 + DSA_SYS_GRID_X], 1);
	CHECK_EQ(out[31 + DSA_SYS_CORE_COUNT], 16);
	CHECK_EQ(out[31 + DSA_SYS_SCRATCH_BYTES], 256u << 10);
	CHECK_EQ(out[31 + DSA_SYS_KERNARG_BYTES], 24);
	CHECK_EQ(out[31 + DSA_SYS_USER], 0xfedcba9876543210ull);
	CHECK(out[31 + DSA_SYS_CORE_ID] < 16);
	CHECK_EQ(out[31 + DSA_SYS_CYCLES], 31 + 2 * DSA_SYS_CYCLES);
	CHECK(out[31 + DSA_SYS_CLOCK_NS] >= 350);
	CHECK_EQ(out[n - 1], VA_HBM + DATA);
	dev_free(d);
}

/* Each launch has its own, also when cores go from one to the next. */
static void user_value(void)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	const uint64_t *out = (const uint64_t *)(d->hbm + DATA);

	emit(&k, SYSRD(T0, DSA_SYS_USER));
	emit(&k, SYSRD(T1, DSA_SYS_PID_X));
	emit(&k, SLLI(T1, T1, 3));
	emit(&k, ADD(A0, A0, T1));
	emit(&k, SD(T0, A0, 0));
	emit(&k, RET);
	for (unsigned int i = 0; i < 4; i++)
		cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA + i * 512, 64, 1, 1)->user =
			i ? ~0ull / i : 0;
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	for (unsigned int i = 0; i < 256; i++)
		CHECK_EQ(out[i], i / 64 ? ~0ull / (i / 64) : 0);
	dev_free(d);
}

/* What one address space left in scratchpads, another does not see. */
static void scratchpad_cleared(void)
{
	struct dev *d = dev_new(0);
	struct code put = code_at(d, CODE), get = code_at(d, CODE + 0x1000);
	struct cmds a = cmds_at(d, CMDS), b = cmds_at(d, CMDS + 0x1000);
	uint64_t *out = (uint64_t *)(d->hbm + DATA);

	emit(&put, ADDI(T0, X0, 1));
	emit(&put, SLLI(T0, T0, 48));
	emit(&put, ADDI(T1, X0, 0x77));
	emit(&put, SD(T1, T0, 64));
	emit(&put, SD(T1, SP, -16));
	emit(&put, RET);
	emit(&get, ADDI(T0, X0, 1));
	emit(&get, SLLI(T0, T0, 48));
	emit(&get, LD(T1, T0, 64));
	emit(&get, LD(T2, SP, -16));
	emit(&get, ADD(T1, T1, T2));
	emit(&get, AMOADD_D(X0, T1, A0));
	emit(&get, RET);
	cmd_launch(&a, VA_HBM + CODE, 0, 64, 1, 1);
	cmd_launch(&b, VA_HBM + CODE + 0x1000, VA_HBM + DATA, 64, 1, 1);
	dev_map_default(d, 2);
	queue_setup(d, 0, 1);
	queue_setup(d, 1, 2);
	CHECK(run_cmds(&a, 0));
	CHECK(run_cmds(&b, 0));
	CHECK(*out != 0); /* its own: the test can see */
	*out = 0;
	CHECK(run_cmds(&b, 1));
	CHECK_EQ(*out, 0);
	/* a new root makes a new address space */
	CHECK(run_cmds(&a, 1));
	dev_map_default(d, 2);
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_ALL << 16);
	CHECK(run_cmds(&b, 1));
	CHECK_EQ(*out, 0);
	/* and so does a reset */
	CHECK(run_cmds(&a, 1));
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_run(d);
	dev_map_default(d, 2);
	queue_setup(d, 1, 2);
	CHECK(run_cmds(&b, 1));
	CHECK_EQ(*out, 0);
	dev_free(d);
}

/* Code that was changed between launches runs as changed. */
static void new_code(void)
{
	struct dev *d = dev_new(0);
	struct code k;
	struct cmds c = cmds_at(d, CMDS);

	cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 1, 1, 1);
	queue_setup(d, 0, 1);
	for (int i = 1; i < 50; i++) {
		k = code_at(d, CODE);
		emit(&k, ADDI(T0, X0, i));
		emit(&k, SD(T0, A0, 0));
		emit(&k, RET);
		CHECK(run_cmds(&c, 0));
		CHECK_EQ(*(uint64_t *)(d->hbm + DATA), i);
	}
	dev_free(d);
}

/* ---- runaways ---- */

static void kill_runaway(void)
{
	struct dev *d = dev_new(2);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS), ok = cmds_at(d, CMDS + 0x1000);
	uint64_t start, worst = 0, end = clock_ns() + 60000000000ull;

	emit(&k, LOOP_FOREVER);
	k = code_at(d, CODE + 0x1000);
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, 0, 3, 1, 1);
	cmd_launch(&ok, VA_HBM + CODE + 0x1000, 0, 100, 1, 1);
	queue_setup(d, 1, 1);
	for (unsigned int i = 0; i < 20; i++) {
		queue_setup(d, 0, 1);
		submit_cmds(&c, 0);
		/* neighbours go on meanwhile */
		CHECK(wait_fence(d, 1, submit_cmds(&ok, 1)));
		while (!rd32(d, DSA_QREG(0, DSA_Q_BUSY)) && clock_ns() < end)
			sched_yield();
		CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_BUSY)), 1);
		start = clock_ns();
		wr32(d, DSA_QREG(0, DSA_Q_COMMAND), i % 2 ? DSA_QCMD_KILL : DSA_QCMD_DISABLE);
		wait_state(d, 0, i % 2 ? DSA_QSTATE_ERROR : DSA_QSTATE_DISABLED);
		if (worst < clock_ns() - start)
			worst = clock_ns() - start;
		CHECK_EQ(err_code(d, 0), i % 2 ? DSA_ERR_KILLED : 0);
		wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
		CHECK(wait_fence(d, 1, submit_cmds(&ok, 1)));
	}
	printf("# slowest kill: %llu us\n", (unsigned long long)worst / 1000);
	dev_free(d);
}

/* All cores taken by a runaway: another queue's kernel waits, and runs after the kill. */
static void runaway_on_all_cores(void)
{
	struct dev *d = dev_new(2);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS), ok = cmds_at(d, CMDS + 0x1000);
	struct cmds copy = cmds_at(d, CMDS + 0x2000);
	uint64_t fence;

	emit(&k, LOOP_FOREVER);
	k = code_at(d, CODE + 0x1000);
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, 0, 1u << 30, 1024, 1);
	cmd_launch(&ok, VA_HBM + CODE + 0x1000, 0, 100, 1, 1);
	cmd_copy(&copy, VA_HBM + 0x800000, VA_RAM, 1 << 20);
	queue_setup(d, 0, 1);
	queue_setup(d, 1, 1);
	queue_setup(d, 34, 1);
	submit_cmds(&c, 0);
	CHECK(wait_fence(d, 34, submit_cmds(&copy, 34)));
	fence = submit_cmds(&ok, 1);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK(wait_fence(d, 1, fence));
	CHECK(wait_state(d, 0, DSA_QSTATE_ERROR));
	dev_free(d);
}

/* Programs that wait for each other are on cores together, even with one host thread. */
static void co_resident(void)
{
	struct dev *d = dev_new(1);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);

	emit(&k, ADDI(T0, X0, 1));
	emit(&k, AMOADD_D(X0, T0, A0));
	emit(&k, ADDI(T2, X0, 16));
	emit(&k, LD(T1, A0, 0));
	emit(&k, BNE(T1, T2, -4));
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 16, 1, 1);
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	dev_free(d);
}

/* ---- modelled time ---- */

/* Programs of very different length: program x runs a loop of (x * 37) % 101 * 20 rounds. */
static void emit_uneven(struct code *k)
{
	emit(k, SYSRD(T0, DSA_SYS_PID_X));
	emit(k, ADDI(T1, X0, 37));
	emit(k, r_type(0x33, 0, 1, T0, T0, T1));
	emit(k, ADDI(T1, X0, 101));
	emit(k, r_type(0x33, 6, 1, T0, T0, T1));
	emit(k, ADDI(T1, X0, 20));
	emit(k, r_type(0x33, 0, 1, T0, T0, T1));
	emit(k, b_type(0, T0, X0, 12));
	emit(k, ADDI(T0, T0, -1));
	emit(k, BNE(T0, X0, -4));
	emit(k, RET);
}

static uint64_t modelled(unsigned int threads, uint64_t *instructions)
{
	struct dev *d = dev_new(threads);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	struct dsa_launch_counters *ctr = (void *)(d->hbm + ARGS);
	uint64_t t;

	emit_uneven(&k);
	cmd_launch(&c, VA_HBM + CODE, 0, 3000, 1, 1)->counters = VA_HBM + ARGS;
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	CHECK_EQ(ctr->start_ns, 350);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_TIME)), ctr->end_ns);
	CHECK_EQ(rd64(d, DSA_REG_TIME), ctr->end_ns);
	CHECK(rd64(d, DSA_REG_BUSY_COMPUTE) > (ctr->end_ns - ctr->start_ns - 1500) * 15);
	t = ctr->end_ns - ctr->start_ns;
	*instructions = ctr->instructions;
	dev_free(d);
	return t;
}

/* The published formula, straight from its text. */
static uint64_t expected_ns(void)
{
	uint64_t core[16] = { 0 }, last = 0;

	for (unsigned int p = 0; p < 3000; p++) {
		uint64_t rounds = p * 37 % 101 * 20;
		uint64_t cycles = 32 + 9 + 2 * rounds;
		unsigned int first = 0;

		for (unsigned int i = 1; i < 16; i++)
			if (core[i] < core[first])
				first = i;
		core[first] += cycles;
	}
	for (unsigned int i = 0; i < 16; i++)
		last = core[i] > last ? core[i] : last;
	return 1500 + (last * 1000000 + 1499999) / 1500000;
}

static void deterministic_time(void)
{
	uint64_t insns[5];

	for (unsigned int threads = 0; threads <= 4; threads++) {
		CHECK_EQ(modelled(threads, &insns[threads]), expected_ns());
		CHECK_EQ(insns[threads], insns[0]);
	}
}

/* Counters that cannot be written are a fault of the launch. */
static void bad_counters(void)
{
	struct dev *d = dev_new(0);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);

	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, 0, 1, 1, 1)->counters = 0x1000;
	queue_setup(d, 0, 1);
	CHECK(!run_cmds(&c, 0));
	CHECK_EQ(err_code(d, 0), DSA_ERR_MMU_UNMAPPED);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_ERR_ACCESS)), DSA_ACCESS_WRITE);
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)), 0x1000);
	dev_free(d);
}

static uint64_t busy_compute(struct dev *d, unsigned int q)
{
	return rd64(d, DSA_QREG(q, DSA_Q_BUSY_COMPUTE));
}

/* Two queues' grids share the cores: both go on, and each has its part of the engines' time. */
static void two_launches(void)
{
	struct dev *d = dev_new(2);
	struct code k = code_at(d, CODE);
	struct cmds a = cmds_at(d, CMDS), b = cmds_at(d, CMDS + 0x1000);
	uint64_t fa, fb;

	emit_uneven(&k);
	cmd_launch(&a, VA_HBM + CODE, 0, 20000, 1, 1);
	cmd_launch(&b, VA_HBM + CODE, 0, 500, 1, 1);
	queue_setup(d, 0, 1);
	queue_config(d, 1, 1);
	wr32(d, DSA_QREG(1, DSA_Q_PRIORITY), 3);
	queue_enable(d, 1);
	fa = submit_cmds(&a, 0);
	fb = submit_cmds(&b, 1);
	CHECK(wait_fence(d, 1, fb));
	CHECK(wait_fence(d, 0, fa));
	CHECK(busy_compute(d, 0) > 30 * busy_compute(d, 1) && busy_compute(d, 1) > 0);
	CHECK_EQ(busy_compute(d, 0) + busy_compute(d, 1), rd64(d, DSA_REG_BUSY_COMPUTE));
	CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_BUSY_COPY)), 0);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	CHECK(wait_state(d, 0, DSA_QSTATE_DISABLED));
	CHECK(busy_compute(d, 0) > 0);
	queue_enable(d, 0);
	CHECK_EQ(busy_compute(d, 0), 0);
	dev_free(d);
}

/* ---- a debugger ---- */

static struct {
	unsigned int steps, ends, faults, stops;
	uint32_t started, stopped; /* programs, as bits */
	uint64_t stopped_at;       /* the last one's pc */
	bool mend;
} seen;

static void debug_memory(struct dev *d, struct dsa_debug *at)
{
	uint32_t insn = ADDI(T0, T0, 5), was = 0;
	uint64_t spad = 0x1122334455667788ull, back = 0;

	/* Code is not writable for the program's sake only. */
	CHECK_EQ(dsa_core_debug_read(d->core, at, VA_HBM + CODE + 4, &was, 4), 0);
	CHECK_EQ(was, ADDI(T0, T0, 1));
	CHECK_EQ(dsa_core_debug_write(d->core, at, VA_HBM + CODE + 4, &insn, 4), 0);
	CHECK_EQ(dsa_core_debug_write(d->core, at, DSA_SCRATCHPAD_BASE + 0xffc, &spad, 8), 0);
	CHECK_EQ(dsa_core_debug_read(d->core, at, DSA_SCRATCHPAD_BASE + 0xffc, &back, 8), 0);
	CHECK_EQ(back, spad);
	/* System memory, over the end of a page. */
	CHECK_EQ(dsa_core_debug_write(d->core, at, VA_RAM + 0x400ffc, &spad, 8), 0);
	CHECK_EQ(dsa_core_debug_read(d->core, at, VA_RAM + 0x400ffc, &back, 8), 0);
	CHECK(!memcmp(ram_at(d, RAM_BASE + 0x400ffc), &spad, 8) && back == spad);
	CHECK_EQ(dsa_core_debug_read(d->core, at, 0, &back, 8), DSA_ERR_MMU_UNMAPPED);
	CHECK_EQ(dsa_core_debug_write(d->core, at, UINT64_MAX - 3, &back, 8), DSA_ERR_MMU_RANGE);
}

static uint64_t debug_hook(void *host, struct dsa_debug *at)
{
	struct dev *d = host;

	switch (at->event) {
	case DSA_DEBUG_RUN:
		seen.steps++;
		seen.started |= 1u << at->program[0];
		CHECK_EQ(at->program[1], 0);
		if (!at->hart->arch.instret && !at->program[0])
			debug_memory(d, at);
		if (at->program[0] == 2) /* at a run */
			return UINT64_MAX;
		return at->program[0] == 1 ? 0 : 1; /* 0 means 1 */
	case DSA_DEBUG_END:
		seen.ends++;
		return 0;
	case DSA_DEBUG_FAULT:
		seen.faults++;
		CHECK_EQ(at->hart->fault.cause, RV_CAUSE_EBREAK);
		CHECK_EQ(at->hart->arch.pc, VA_HBM + CODE + 8);
		at->hart->arch.pc += 4;
		if (at->program[0] == 1)
			at->hart->arch.x[T0] = 77;
		return seen.mend;
	case DSA_DEBUG_WAIT:
		check_failed(__FILE__, __LINE__, "nobody waits here");
		return 0;
	case DSA_DEBUG_STOP:
		seen.stops++;
		seen.stopped |= 1u << at->program[0];
		seen.stopped_at = at->hart->arch.pc;
		return 0;
	}
	return 0;
}

/* Programs of 6 instructions and an ebreak each: one step by step, one by "0", one at a run. */
static void debugger_on(bool mend)
{
	struct dev *d = dev_new_debug(debug_hook);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);
	const uint64_t *out = (const uint64_t *)(d->hbm + DATA);

	memset(&seen, 0, sizeof(seen));
	seen.mend = mend;
	emit(&k, ADDI(T0, X0, 1));
	emit(&k, ADDI(T0, T0, 1));
	emit(&k, EBREAK);
	emit(&k, SYSRD(T1, DSA_SYS_PID_X));
	emit(&k, SLLI(T1, T1, 3));
	emit(&k, ADD(A0, A0, T1));
	emit(&k, SD(T0, A0, 0));
	emit(&k, RET);
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 3, 1, 1)->counters = VA_HBM + ARGS;
	queue_setup(d, 0, 1);
	CHECK_EQ(run_cmds(&c, 0), mend);
	CHECK_EQ(err_code(d, 0), mend ? 0 : DSA_ERR_BREAKPOINT);
	if (mend) {
		CHECK_EQ(out[0], 6);
		CHECK_EQ(out[1], 77);
		CHECK_EQ(out[2], 6);
		CHECK_EQ(seen.ends, 3);
		CHECK_EQ(seen.faults, 3);
		CHECK_EQ(seen.stops, 0);
		CHECK_EQ(seen.steps, 8 + 8 + 2);
		CHECK_EQ(((struct dsa_launch_counters *)(d->hbm + ARGS))->instructions, 3 * 7);
	} else {
		CHECK(seen.faults >= 1);
	}
	dev_free(d);
}

static void debugger(void)
{
	debugger_on(true);
	debugger_on(false);
}

/* Where each program stood when the queue was killed. */
static void stop_says_where(void)
{
	struct dev *d = dev_new_debug(debug_hook);
	struct code k = code_at(d, CODE);
	struct cmds c = cmds_at(d, CMDS);

	memset(&seen, 0, sizeof(seen));
	emit(&k, ADDI(T0, X0, 1));
	emit(&k, ADDI(T0, T0, 1));
	emit(&k, b_type(0, X0, X0, 0));
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 3, 1, 1);
	queue_setup(d, 0, 1);
	submit_cmds(&c, 0);
	while (seen.started != 7 || seen.steps < 100)
		dsa_core_run(d->core, 1000);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	CHECK(wait_state(d, 0, DSA_QSTATE_ERROR));
	CHECK_EQ(seen.stops, 3);
	CHECK_EQ(seen.stopped, 7);
	CHECK_EQ(seen.stopped_at, VA_HBM + CODE + 8);
	CHECK_EQ(seen.ends, 0);
	dev_free(d);
}

const struct test launch_tests[] = { TEST(grid_inline),
				     TEST(grid_threads),
				     TEST(program_faults),
				     TEST(fetch_faults),
				     TEST(faulting_program),
				     TEST(atomics),
				     TEST(system_memory),
				     TEST(start_state),
				     TEST(user_value),
				     TEST(scratchpad_cleared),
				     TEST(new_code),
				     TEST(kill_runaway),
				     TEST(runaway_on_all_cores),
				     TEST(co_resident),
				     TEST(deterministic_time),
				     TEST(bad_counters),
				     TEST(two_launches),
				     TEST(debugger),
				     TEST(stop_says_where),
				     TESTS_END };
