// SPDX-License-Identifier: MIT
/*
 * Fuzz target of what the device reads: registers, rings, page tables, command
 * buffers, code, descriptors of tensor and matrix operations, saved states. An
 * input is a list of actions (perform()) upon a fresh device. Whatever it
 * says, nothing crashes (ASan, UBSan, unmapped pages around the HBM), every
 * call returns, the same input leaves the same memory, and a reset brings back
 * a device that works. What has been read by DMA is changed right behind the
 * device's back when the input says so: nothing may be fetched twice.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "harness.h"

#define HBM        (4u << 20)
#define GUARD      (1u << 20)
#define RAM_USED   (6u << 20)
#define CODE       0x200000 /* HBM offsets */
#define POOL       0x210000 /* literals of the code, at a0 */
#define DESC       0x220000 /* 256 bytes each */
#define CMDS       0x240000 /* 4 KiB a queue */
#define DATA       0x300000
#define RAM_SHIFT  0x500000 /* DESC and CMDS in system memory: so much beyond RAM_BASE */
#define MOST_LITS  250
#define MOST_INSNS 1000
#define MOST_RUNS  40

#define REQUIRE(c)                                                              \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			abort();                                                \
		}                                                               \
	} while (0)

/* An input that is being played. */
struct play {
	const uint8_t *data;
	size_t size, at;
	struct dev *d;
	struct code k;
	struct cmds c[4];
	bool in_ram[4]; /* where the queue's commands are */
	unsigned int lits, descs, runs;
};

static struct dev *dev;
static uint8_t *tables; /* of the default mapping */
static size_t table_bytes;
static uint64_t now, flip; /* flip: changes behind the device's back; 0: none */

static const unsigned int queues[4] = { 0, 1, 2, 33 };

/* ---- the input ---- */

static uint8_t byte(struct play *p)
{
	return p->at < p->size ? p->data[p->at++] : 0;
}

static uint64_t raw(struct play *p)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < 8; i++)
		v |= (uint64_t)byte(p) << 8 * i;
	return v;
}

/* A number, mostly 0 .. @most. */
static uint64_t number(struct play *p, unsigned int most)
{
	uint8_t b = byte(p);

	if (b == 255)
		return raw(p);
	if (most > 254)
		return (uint64_t)(b | byte(p) << 8) % (most + 1);
	return b % (most + 1);
}

static uint64_t address(struct play *p)
{
	static const uint64_t base[] = {
		VA_HBM + DATA,
		VA_HBM + DESC,
		VA_HBM + HBM - 0x800,
		VA_HBM,
		VA_RAM + RAM_SHIFT,
		VA_RAM + 0x400000,
		VA_RAM + RAM_SIZE - 0x800,
		DSA_SCRATCHPAD_BASE,
		DSA_SCRATCHPAD_BASE + 0xf000,
		DSA_CORE_EXIT_ADDR,
		0,
		RAM_BASE,
		VA_HBM + POOL,
		1ull << 47,
	};
	uint8_t b = byte(p);

	if (b == 255)
		return raw(p);
	return base[b % 14] + (uint64_t)byte(p) * (b & 128 ? 256 : 16);
}

static uint64_t value(struct play *p)
{
	uint8_t b = byte(p);

	if (b < 100)
		return b;
	if (b < 180)
		return address(p);
	if (b < 245)
		return 1ull << (b & 63);
	return raw(p);
}

/* ---- what is in memory ---- */

static void put(struct play *p, uint64_t offset, const void *what, size_t n)
{
	memcpy(p->d->hbm + offset, what, n);
	memcpy(p->d->ram + RAM_SHIFT + offset - DESC, what, n);
}

/* VA of an object that put() wrote. */
static uint64_t place(struct play *p, uint64_t offset)
{
	return byte(p) & 1 ? VA_HBM + offset : VA_RAM + RAM_SHIFT + offset - DESC;
}

static uint64_t descriptor(struct play *p, const void *what, size_t n)
{
	uint64_t offset = DESC + p->descs++ % 128 * 256;

	put(p, offset, what, n);
	return place(p, offset);
}

static uint64_t tensor_map(struct play *p)
{
	struct dsa_tensor_map m = { .base = address(p) };

	m.rank = number(p, DSA_TENSOR_RANK);
	m.type = number(p, DSA_TYPE_TENSOR_COUNT);
	m.swizzle = number(p, 4);
	m.fill = number(p, 2);
	for (unsigned int d = 0; d < m.rank && d < DSA_TENSOR_RANK; d++) {
		m.dims[d] = number(p, 40);
		m.box[d] = number(p, d ? 5 : 40);
		m.steps[d] = number(p, 3);
		if (d)
			m.strides[d - 1] = number(p, 200) * 8;
	}
	m.mode = byte(p) > 200;
	for (unsigned int d = 0; m.mode && d < DSA_TENSOR_RANK - 2; d++) {
		m.box[d + 2] = 0;
		if (d + 2 >= m.rank)
			continue;
		m.lower[d] = (int16_t)number(p, 6) - 3;
		m.upper[d] = (int16_t)number(p, 6) - 3;
	}
	if (byte(p) > 250)
		m.reserved[byte(p) % 3] = raw(p);
	return descriptor(p, &m, sizeof(m));
}

static uint64_t spad_address(struct play *p)
{
	uint8_t b = byte(p);

	return b == 255 ? address(p) : DSA_SCRATCHPAD_BASE + b * 256ull;
}

static uint64_t tensor_op(struct play *p)
{
	struct dsa_tensor_op o = { 0 };

	o.op = number(p, 7);
	o.flags = byte(p) < 200 ? 0 : byte(p) & 3;
	o.spad = spad_address(p);
	o.mbar = o.op == DSA_TENSOR_LOAD ? DSA_SCRATCHPAD_BASE + number(p, 3) * 64 : 0;
	if (o.flags & DSA_TENSOR_BULK) {
		o.global = address(p);
		o.bytes = number(p, 1000) * 16;
	} else {
		o.global = tensor_map(p);
		for (unsigned int d = 0; d < DSA_TENSOR_RANK; d++) {
			uint8_t b = byte(p);

			o.coord[d] = b < 200 ? b % 8 - (b & 8) : (int32_t)number(p, 100000);
		}
		if (byte(p) > 200) {
			o.flags |= DSA_TENSOR_ROWS;
			o.rows = byte(p) & 1 ? address(p) & ~3ull : spad_address(p);
			o.bytes = number(p, 5) * 4;
		} else if (byte(p) > 200) {
			o.taps[0] = (uint16_t)number(p, 3);
			o.taps[1] = (uint16_t)number(p, 3);
		}
	}
	/* Fields whose meaning is not known here. */
	if (byte(p) > 240)
		((uint8_t *)&o)[byte(p) % sizeof(o)] ^= byte(p);
	return descriptor(p, &o, sizeof(o));
}

static struct dsa_matrix_tile tile(struct play *p)
{
	struct dsa_matrix_tile t = { .addr = spad_address(p) };

	t.pitch = number(p, 600);
	t.type = number(p, DSA_TYPE_COUNT);
	t.flags = byte(p) & 1;
	if (t.type >= DSA_TYPE_MXF8E4M3 && t.type <= DSA_TYPE_MXI8) {
		t.scales = spad_address(p);
		t.scale_pitch = number(p, 16);
	}
	return t;
}

static uint64_t matrix_op(struct play *p)
{
	struct dsa_matrix_op o = { .scale = 1 };

	o.a = tile(p);
	o.b = tile(p);
	if (byte(p) & 1)
		o.c = tile(p);
	o.d = tile(p);
	if (byte(p) & 1) {
		o.b.type = o.a.type;
		o.d.type = DSA_TYPE_F32;
	}
	o.m = number(p, 40);
	o.n = number(p, 40);
	o.k = number(p, 40);
	o.flags = number(p, 3);
	if (o.flags & DSA_MATRIX_STOCHASTIC)
		o.seed = byte(p);
	if (byte(p) > 240)
		((uint8_t *)&o)[byte(p) % sizeof(o)] ^= byte(p);
	return descriptor(p, &o, sizeof(o));
}

/* ---- code ---- */

static void insn(struct play *p, uint32_t w)
{
	if (p->k.count < MOST_INSNS)
		emit(&p->k, w);
}

/* A register becomes a value, by way of the literals. */
static void literal(struct play *p, unsigned int reg, uint64_t v)
{
	unsigned int i = p->lits++ % MOST_LITS;

	memcpy(p->d->hbm + POOL + i * 8, &v, 8);
	insn(p, LD(reg, A0, (int)i * 8));
}

static void some_insn(struct play *p)
{
	uint8_t b = byte(p);

	literal(p, A1, address(p));
	switch (b % 8) {
	case 0:
		insn(p, (uint32_t)raw(p));
		break;
	case 1:
		insn(p, LD(A2, A1, 0));
		break;
	case 2:
		insn(p, SD(A2, A1, 8));
		break;
	case 3:
		insn(p, AMOADD_D(T0, A2, A1));
		break;
	case 4:
		insn(p, 0x0d007057 | T0 << 7 | X0 << 15); /* vsetvli t0, x0, e32, m1, tu, mu */
		insn(p, 0x02006407 | A1 << 15);           /* vle32.v v8, (a1) */
		insn(p, 0x02006427 | A1 << 15);           /* vse32.v v8, (a1) */
		break;
	case 5:
		insn(p, SYSRD(A2, byte(p) % 16));
		break;
	case 6:
		insn(p, BNE(A1, A2, (byte(p) % 16 - 8) * 4));
		break;
	default:
		insn(p, RET);
	}
}

/* An operation of a unit of Xdsa. */
static void operation(struct play *p)
{
	uint8_t what = byte(p);

	switch (what % 6) {
	case 0:
	case 1:
		literal(p, A1, tensor_op(p));
		insn(p, r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_START, X0, A1, X0));
		break;
	case 2:
		literal(p, A1, matrix_op(p));
		insn(p, r_type(0x2b, DSA_X_MATRIX, DSA_X_MATRIX_START, X0, A1, X0));
		break;
	case 3:
		literal(p, A1, DSA_SCRATCHPAD_BASE + number(p, 3) * 64);
		literal(p, T0, number(p, 4));
		insn(p, r_type(0x2b, DSA_X_MBAR, what / 6 % 5,
			       what / 6 % 5 == DSA_X_MBAR_ARRIVE ? T1 : X0, A1, T0));
		break;
	case 4:
		insn(p, r_type(0x2b, what & 64 ? DSA_X_TENSOR : DSA_X_MATRIX, 1, X0, X0, X0));
		break;
	default:
		literal(p, A1, value(p));
		literal(p, T0, value(p));
		insn(p, r_type(0x2b, byte(p) & 7, byte(p) & 31, what & 64 ? T1 : X0, A1, T0));
	}
}

/* ---- commands ---- */

static void launch(struct play *p, struct cmds *c)
{
	struct dsa_cmd_launch *l = cmd_launch(c, VA_HBM + CODE, VA_HBM + POOL, 1 + byte(p) % 20, 1,
					      1);
	uint8_t b = byte(p);

	if (b & 1)
		l->counters = address(p) & ~7ull;
	if (b > 200)
		((uint64_t *)l)[byte(p) % (sizeof(*l) / 8)] = value(p);
	if (b == 100)
		l->grid[byte(p) % 3] = (uint32_t)raw(p);
}

static void command(struct play *p)
{
	unsigned int q = byte(p) % 4;
	struct cmds *c = &p->c[q];
	uint64_t words[DSA_CMD_MAX_SIZE / 8];
	unsigned int n;

	if (c->size > 0x1000 - DSA_CMD_MAX_SIZE)
		return;
	switch (byte(p) % 8) {
	case 0:
		cmd_copy(c, address(p), address(p), number(p, 70000));
		break;
	case 1:
		cmd_copy_2d(c, address(p), address(p), number(p, 3000), number(p, 3000),
			    number(p, 2000), number(p, 20));
		break;
	case 2:
		cmd_fill(c, address(p), number(p, 4000) * 8, value(p), 1u << byte(p) % 5);
		break;
	case 3:
		cmd_sem(c, DSA_CMD_SEM_SIGNAL + byte(p) % 2, address(p), value(p), byte(p) & 1);
		break;
	case 4:
		cmd_timestamp(c, address(p));
		break;
	case 5:
		n = 1 + byte(p) % (DSA_CMD_MAX_SIZE / 8 - 1);
		for (unsigned int i = 0; i < n; i++)
			words[i] = value(p);
		words[0] = (words[0] & ~0xffffffffull) | byte(p) % 16 | (n * 8) << 16;
		cmd_raw(c, words, n * 8);
		break;
	default:
		launch(p, c);
	}
	if (byte(p) > 250)
		p->d->hbm[c->offset + raw(p) % 0x1000] ^= byte(p);
}

static void submit_queue(struct play *p)
{
	unsigned int i = byte(p) % 4;
	struct cmds *c = &p->c[i];
	struct dsa_ring_packet *r;
	uint8_t b = byte(p);

	memcpy(p->d->ram + RAM_SHIFT + c->offset - DESC, p->d->hbm + c->offset, 0x1000);
	submit(p->d, queues[i], place(p, c->offset), c->size);
	if (b < 240)
		return;
	r = ring_slot(p->d, queues[i], p->d->tail[queues[i]]);
	for (unsigned int k = 0; k < 6; k++)
		((uint64_t *)r)[k] = value(p);
	if (b & 1)
		r->op = 1;
	doorbell(p->d, queues[i], ++p->d->tail[queues[i]]);
}

/* ---- everything else ---- */

static void page_table(struct play *p)
{
	uint64_t entry = value(p), at = number(p, 19) % 20 * 4096 + number(p, 511) % 512 * 8;
	uint8_t b = byte(p);

	if (b & 1)
		entry = (number(p, 2000) << 12) | (b >> 1 & 63);
	if (b & 128)
		memcpy(p->d->hbm + at, &entry, 8);
	else
		root_set(p->d, byte(p) % 4, entry);
}

static void registers(struct play *p)
{
	uint64_t off = number(p, 0x2ff), v = value(p);
	uint8_t b = byte(p);

	if (b & 1)
		off = DSA_QREG(queues[b >> 1 & 3], byte(p));
	bus_lock(p->d);
	if (b & 8)
		dsa_core_doorbell(p->d->core, off, v, 4);
	else if (b & 16)
		dsa_core_mmio_read(p->d->core, off, 1u << (b >> 5 & 3));
	else
		dsa_core_mmio_write(p->d->core, off, v, b & 128 ? 8 : 4);
	bus_unlock(p->d);
}

static void save_and_load(struct play *p)
{
	size_t n = dsa_core_save(p->d->core, NULL, 0), size = n;
	uint8_t *state = malloc(n), flips = byte(p) % 4;
	const char *error = NULL;
	int failed;

	REQUIRE(n <= 16u << 20 && dsa_core_save(p->d->core, state, n) == n);
	for (unsigned int i = 0; i < flips; i++)
		state[raw(p) % n] ^= 1u << (byte(p) & 7);
	if (byte(p) > 250)
		size = raw(p) % (n + 1);
	bus_lock(p->d);
	failed = dsa_core_load(p->d->core, state, size, &error);
	bus_unlock(p->d);
	REQUIRE(!failed == !error);
	/* What the device itself has written it takes. */
	if (!flips && size == n && failed)
		fprintf(stderr, "its own state: %s\n", error);
	REQUIRE(flips || size < n || !failed);
	free(state);
}

static void accident(struct play *p)
{
	uint8_t b = byte(p);

	bus_lock(p->d);
	if (b < 40)
		dsa_core_reset(p->d->core, b % 8 ? DSA_RESET_DEVICE : DSA_RESET_FUNCTION);
	else if (b < 80)
		dsa_core_set_bus_master(p->d->core, b & 1);
	else if (b < 120)
		p->d->fail_after = b - 80;
	else if (b < 160)
		flip = raw(p);
	bus_unlock(p->d);
	if (b >= 160 && b < 200)
		wr32(p->d, DSA_QREG(queues[b & 3], DSA_Q_COMMAND), byte(p) % 8);
	else if (b >= 200)
		queue_setup(p->d, queues[b & 3], byte(p) % 3);
}

static void run(struct play *p)
{
	for (unsigned int n = 1 + byte(p) % 8; n-- && p->runs < MOST_RUNS; p->runs++)
		dsa_core_run(p->d->core, 1 + byte(p));
}

static void perform(struct play *p)
{
	switch (byte(p) % 16) {
	case 0:
	case 1:
		command(p);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		operation(p);
		break;
	case 6:
	case 7:
		some_insn(p);
		break;
	case 8:
	case 9:
		submit_queue(p);
		break;
	case 10:
		page_table(p);
		break;
	case 11:
		registers(p);
		break;
	case 12:
		save_and_load(p);
		break;
	case 13:
		accident(p);
		break;
	default:
		run(p);
	}
}

/* ---- the device ---- */

/* Fast, so that programs which never end are looked at soon. */
static uint64_t fake_clock(void *host)
{
	(void)host;
	return now += 500000;
}

/* Behind the device's back, after it has read. */
static void change(struct dev *d, uint64_t addr, size_t len)
{
	uint64_t r;

	if (!flip || !len)
		return;
	r = rnd(&flip);
	if (r & 3)
		return;
	d->ram[addr - RAM_BASE + (r >> 8) % len] ^= (uint8_t)(r >> 40);
	if (!flip)
		flip = 1;
}

static uint8_t *guarded(size_t size)
{
	uint8_t *p = mmap(NULL, size + 2 * GUARD, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(p != MAP_FAILED && !mprotect(p + GUARD, size, PROT_READ | PROT_WRITE));
	return p + GUARD;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct dsa_core_config cfg;

	(void)argc;
	(void)argv;
	dev_config(&cfg);
	cfg.hbm_size = HBM;
	cfg.scratch_size = 64u << 10;
	cfg.cores = 2;
	cfg.copy_engines = 1;
	cfg.vlen = 256;
	dev = dev_new_with(&cfg, 0);
	dev->ops.now_ns = fake_clock;
	dev->on_read = change;
	table_bytes = dev->hbm_tables;
	tables = malloc(table_bytes);
	memcpy(tables, dev->hbm, table_bytes);
	dev->hbm = dev->cfg.hbm = guarded(HBM);
	dsa_core_free(dev->core);
	dev->core = NULL;
	return 0;
}

static void fresh(struct dev *d)
{
	const char *error;

	REQUIRE(!madvise(d->hbm, HBM, MADV_DONTNEED) && !madvise(d->ram, RAM_SIZE, MADV_DONTNEED));
	memcpy(d->hbm, tables, table_bytes);
	d->core = dsa_core_new(&d->cfg, &d->ops, d, &error);
	REQUIRE(d->core);
	d->hbm_tables = table_bytes;
	d->fail_after = 0;
	d->job = 0;
	now = 0;
	flip = 0;
	root_set(d, 1, HBM_TABLES | DSA_PTE_VALID);
	for (unsigned int i = 0; i < 4; i++)
		queue_setup(d, queues[i], 1);
}

/* After a reset it is as good as new. */
static void bring_back(struct dev *d)
{
	struct cmds c = cmds_at(d, CMDS);

	d->fail_after = 0;
	flip = 0;
	bus_lock(d);
	dsa_core_set_bus_master(d->core, true);
	dsa_core_reset(d->core, DSA_RESET_DEVICE);
	bus_unlock(d);
	for (unsigned int i = 0; dsa_core_run(d->core, 1000) != DSA_RUN_IDLE; i++)
		REQUIRE(i < 1000);
	REQUIRE(dsa_core_idle(d->core) && rd32(d, DSA_REG_STATUS) == DSA_STATUS_READY);
	memcpy(d->hbm, tables, table_bytes);
	root_set(d, 1, HBM_TABLES | DSA_PTE_VALID);
	cmd_fill(&c, VA_HBM + DATA, 8, 0x5a, 1);
	queue_setup(d, 3, 1);
	REQUIRE(run_cmds(&c, 3) && d->hbm[DATA + 7] == 0x5a);
}

__attribute__((noinline, no_sanitize("coverage"))) static uint64_t digest(const struct dev *d)
{
	const uint64_t *hbm = (const uint64_t *)d->hbm, *ram = (const uint64_t *)d->ram;
	uint64_t h = 0;

	for (size_t i = 0; i < HBM / 8; i++)
		h = (h ^ hbm[i]) * 0x9e3779b97f4a7c15ull;
	for (size_t i = 0; i < RAM_USED / 8; i++)
		h = (h ^ ram[i]) * 0x9e3779b97f4a7c15ull;
	return h;
}

static uint64_t play(const uint8_t *data, size_t size, bool want_digest)
{
	struct play p = { .data = data, .size = size, .d = dev };
	uint64_t h;

	fresh(dev);
	p.k = code_at(dev, CODE);
	insn(&p, ADDI(S0, X0, 1));
	for (unsigned int i = 0; i < 4; i++)
		p.c[i] = cmds_at(dev, CMDS + i * 0x1000);
	for (unsigned int n = 0; p.at < p.size && n < 200; n++)
		perform(&p);
	insn(&p, RET);
	for (unsigned int i = 0; i < 4; i++)
		submit_queue(&p);
	while (p.runs++ < MOST_RUNS && dsa_core_run(dev->core, 1000) == DSA_RUN_MORE)
		;
	h = want_digest ? digest(dev) : 0;
	bring_back(dev);
	dsa_core_free(dev->core);
	dev->core = NULL;
	REQUIRE(!test_failed);
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool twice = size && data[size - 1] % 32 == 31;
	uint64_t h = play(data, size, twice);

	if (twice)
		REQUIRE(play(data, size, true) == h);
	return 0;
}
