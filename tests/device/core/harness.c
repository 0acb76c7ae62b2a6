/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define HANG_NS 60000000000ull

const char *test_name;
bool test_failed;

void check_failed(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	__atomic_store_n(&test_failed, true, __ATOMIC_RELAXED);
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t rnd(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* ---- the host's operations ---- */

static void op_lock(void *host)
{
	struct dev *d = host;

	pthread_mutex_lock(&d->bus);
	d->bus_held = true;
}

static void op_unlock(void *host)
{
	struct dev *d = host;

	d->bus_held = false;
	pthread_mutex_unlock(&d->bus);
}

static bool dma_ok(struct dev *d, uint64_t addr, size_t len)
{
	if (!d->bus_held)
		check_failed(__FILE__, __LINE__, "DMA without the bus lock");
	if (len > 65536)
		check_failed(__FILE__, __LINE__, "DMA of %zu bytes at once", len);
	if (d->dma_max < len)
		d->dma_max = len;
	if (d->fail_after && !--d->fail_after) {
		d->fail_after = 1;
		return false;
	}
	if (addr < d->fail_end && d->fail_start < addr + len)
		return false;
	return addr >= RAM_BASE && addr - RAM_BASE <= RAM_SIZE &&
	       len <= RAM_SIZE - (addr - RAM_BASE);
}

static int op_dma_read(void *host, uint64_t addr, void *buf, size_t len)
{
	struct dev *d = host;

	if (!dma_ok(d, addr, len))
		return -5;
	d->dma_reads++;
	memcpy(buf, d->ram + (addr - RAM_BASE), len);
	if (d->on_read)
		d->on_read(d, addr, len);
	return 0;
}

static int op_dma_write(void *host, uint64_t addr, const void *buf, size_t len)
{
	struct dev *d = host;

	if (!dma_ok(d, addr, len))
		return -5;
	d->dma_writes++;
	memcpy(d->ram + (addr - RAM_BASE), buf, len);
	if (d->on_write)
		d->on_write(d, addr, len);
	return 0;
}

static void op_raise(void *host, unsigned int vector)
{
	struct dev *d = host;

	if (!d->bus_held)
		check_failed(__FILE__, __LINE__, "interrupt without the bus lock");
	__atomic_fetch_add(&d->raised[vector], 1, __ATOMIC_SEQ_CST);
}

static void op_wake(void *host)
{
	struct dev *d = host;

	if (!d->threads)
		return;
	pthread_mutex_lock(&d->wake_lock);
	d->wakes++;
	pthread_cond_signal(&d->wake_cond);
	pthread_mutex_unlock(&d->wake_lock);
}

static void op_hbm_dirty(void *host, uint64_t offset, uint64_t len)
{
	struct dev *d = host;

	if (!len || offset > d->cfg.hbm_size || len > d->cfg.hbm_size - offset)
		check_failed(__FILE__, __LINE__, "dirty range %llx + %llx",
			     (unsigned long long)offset, (unsigned long long)len);
	__atomic_fetch_add(&d->hbm_dirtied, len, __ATOMIC_RELAXED);
}

static uint64_t op_now(void *host)
{
	uint64_t now = __atomic_load_n(&((struct dev *)host)->now, __ATOMIC_RELAXED);

	return now ? now : clock_ns();
}

static void op_log(void *host, enum dsa_log_level level, const char *line)
{
	struct dev *d = host;

	(void)level;
	__atomic_fetch_add(&d->log_lines, 1, __ATOMIC_RELAXED);
	if (!d->threads)
		snprintf(d->last_log, sizeof(d->last_log), "%s", line);
}

static const struct dsa_host_ops ops = {
	.lock = op_lock,
	.unlock = op_unlock,
	.dma_read = op_dma_read,
	.dma_write = op_dma_write,
	.raise = op_raise,
	.wake = op_wake,
	.hbm_dirty = op_hbm_dirty,
	.now_ns = op_now,
	.log = op_log,
};

/* ---- device ---- */

void dev_config(struct dsa_core_config *cfg)
{
	dsa_core_config_default(cfg);
	cfg->hbm_size = HBM_SIZE;
	cfg->scratch_size = 256u << 10;
}

/* How long an executor that found nothing to do may sleep at most, ns; 0: until it is woken. */
static uint64_t sleep_ns(struct dev *d, enum dsa_run_result r)
{
	uint64_t due = dsa_core_due_ns(d->core), now = op_now(d);

	if (due != UINT64_MAX)
		return due > now ? due - now : 1;
	return r == DSA_RUN_POLL ? 200000 : 0;
}

static void *executor(void *arg)
{
	struct dev *d = arg;
	uint64_t seen = 0;

	for (;;) {
		enum dsa_run_result r = dsa_core_run(d->core, 500);
		uint64_t sleep = r == DSA_RUN_MORE ? 0 : sleep_ns(d, r);
		struct timespec ts;

		pthread_mutex_lock(&d->wake_lock);
		if (d->quit) {
			pthread_mutex_unlock(&d->wake_lock);
			return NULL;
		}
		if (r != DSA_RUN_MORE && d->wakes == seen) {
			if (sleep) {
				clock_gettime(CLOCK_REALTIME, &ts);
				sleep += (uint64_t)ts.tv_nsec;
				ts.tv_sec += (time_t)(sleep / 1000000000);
				ts.tv_nsec = (long)(sleep % 1000000000);
				pthread_cond_timedwait(&d->wake_cond, &d->wake_lock, &ts);
			} else {
				pthread_cond_wait(&d->wake_cond, &d->wake_lock);
			}
		}
		seen = d->wakes;
		pthread_mutex_unlock(&d->wake_lock);
	}
}

void dev_start(struct dev *d, unsigned int threads)
{
	d->quit = false;
	d->threads = threads;
	for (unsigned int i = 0; i < threads; i++)
		pthread_create(&d->thread[i], NULL, executor, d);
}

void dev_stop(struct dev *d)
{
	pthread_mutex_lock(&d->wake_lock);
	d->quit = true;
	pthread_cond_broadcast(&d->wake_cond);
	pthread_mutex_unlock(&d->wake_lock);
	for (unsigned int i = 0; i < d->threads; i++)
		pthread_join(d->thread[i], NULL);
	d->threads = 0;
}

static void *zero_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static struct dev *make(const struct dsa_core_config *cfg, unsigned int threads,
			uint64_t (*debug)(void *host, struct dsa_debug *at))
{
	struct dev *d = calloc(1, sizeof(*d));
	const char *error;

	d->cfg = *cfg;
	d->ram = zero_memory(RAM_SIZE);
	d->hbm = zero_memory(cfg->hbm_size);
	d->cfg.hbm = d->hbm;
	d->hbm_tables = HBM_TABLES;
	d->ram_tables = RAM_TABLES;
	pthread_mutex_init(&d->bus, NULL);
	pthread_mutex_init(&d->wake_lock, NULL);
	pthread_cond_init(&d->wake_cond, NULL);
	d->ops = ops;
	d->ops.debug = debug;
	d->core = dsa_core_new(&d->cfg, &d->ops, d, &error);
	if (!d->core) {
		printf("Bail out! dsa_core_new: %s\n", error);
		exit(1);
	}
	dev_map_default(d, 1);
	dev_start(d, threads);
	return d;
}

struct dev *dev_new_with(const struct dsa_core_config *cfg, unsigned int threads)
{
	return make(cfg, threads, NULL);
}

struct dev *dev_new_debug(uint64_t (*debug)(void *host, struct dsa_debug *at))
{
	struct dsa_core_config cfg;

	dev_config(&cfg);
	return make(&cfg, 0, debug);
}

struct dev *dev_new(unsigned int threads)
{
	struct dsa_core_config cfg;

	dev_config(&cfg);
	return dev_new_with(&cfg, threads);
}

void dev_free(struct dev *d)
{
	dev_stop(d);
	dsa_core_free(d->core);
	munmap(d->ram, RAM_SIZE);
	munmap(d->hbm, d->cfg.hbm_size);
	free(d);
}

void dev_run(struct dev *d)
{
	uint64_t end = clock_ns() + HANG_NS;

	while (d->threads ? !dsa_core_idle(d->core) : dsa_core_run(d->core, 1000) == DSA_RUN_MORE) {
		if (clock_ns() > end) {
			check_failed(__FILE__, __LINE__, "the device does not become idle");
			return;
		}
		if (d->threads)
			sched_yield();
	}
}

void dev_map_default(struct dev *d, uint32_t asid)
{
	root_set(d, asid, table_new(d, false));
	for (uint64_t off = 0; off < d->cfg.hbm_size && off < 1u << 30; off += 2u << 20)
		map(d, asid, VA_HBM + off, off, DSA_PTE_R | DSA_PTE_W | DSA_PTE_X, 1);
	for (uint64_t off = 0; off < RAM_SIZE; off += DSA_PAGE_SIZE)
		map(d, asid, VA_RAM + off, RAM_BASE + off, DSA_PTE_R | DSA_PTE_W | DSA_PTE_SYS, 0);
}

void bus_lock(struct dev *d)
{
	op_lock(d);
}

void bus_unlock(struct dev *d)
{
	op_unlock(d);
}

static uint64_t mmio_read(struct dev *d, uint64_t reg, unsigned int size)
{
	uint64_t v;

	op_lock(d);
	v = dsa_core_mmio_read(d->core, reg, size);
	op_unlock(d);
	return v;
}

static void mmio_write(struct dev *d, uint64_t reg, uint64_t v, unsigned int size)
{
	op_lock(d);
	dsa_core_mmio_write(d->core, reg, v, size);
	op_unlock(d);
}

uint32_t rd32(struct dev *d, uint64_t reg)
{
	return mmio_read(d, reg, 4);
}

uint64_t rd64(struct dev *d, uint64_t reg)
{
	return mmio_read(d, reg, 8);
}

void wr32(struct dev *d, uint64_t reg, uint32_t v)
{
	mmio_write(d, reg, v, 4);
}

void wr64(struct dev *d, uint64_t reg, uint64_t v)
{
	mmio_write(d, reg, v, 8);
}

void doorbell(struct dev *d, unsigned int q, uint32_t tail)
{
	op_lock(d);
	dsa_core_doorbell(d->core, DSA_DOORBELL(q), tail, 4);
	op_unlock(d);
}

/* ---- memory ---- */

void *ram_at(struct dev *d, uint64_t bus)
{
	return d->ram + (bus - RAM_BASE);
}

uint64_t table_new(struct dev *d, bool sys)
{
	uint64_t *next = sys ? &d->ram_tables : &d->hbm_tables;
	uint64_t addr = *next;

	*next += DSA_PAGE_SIZE;
	memset(sys ? ram_at(d, addr) : d->hbm + addr, 0, DSA_PAGE_SIZE);
	return addr | DSA_PTE_VALID | (sys ? DSA_PTE_SYS : 0);
}

void root_set(struct dev *d, uint32_t asid, uint64_t table)
{
	wr64(d, DSA_REG_MMU_ROOT(asid), table);
}

static uint64_t *table_entry(struct dev *d, uint64_t table, uint64_t va, unsigned int level)
{
	uint64_t addr = table & DSA_PTE_ADDR_MASK;
	uint8_t *p = table & DSA_PTE_SYS ? ram_at(d, addr) : d->hbm + addr;

	return (uint64_t *)p + (va >> DSA_PT_SHIFT(level) & (DSA_PT_ENTRIES - 1));
}

uint64_t *pte_at(struct dev *d, uint32_t asid, uint64_t va, unsigned int level, bool sys_tables)
{
	uint64_t table = rd64(d, DSA_REG_MMU_ROOT(asid));

	for (unsigned int l = DSA_PT_LEVELS - 1;; l--) {
		uint64_t *e = table_entry(d, table, va, l);

		if (l == level)
			return e;
		if (!(*e & DSA_PTE_VALID))
			*e = table_new(d, sys_tables);
		table = *e;
	}
}

/* While the device may be walking. */
void pte_set(uint64_t *pte, uint64_t value)
{
	__atomic_store_n(pte, value, __ATOMIC_SEQ_CST);
}

void map(struct dev *d, uint32_t asid, uint64_t va, uint64_t target, uint64_t flags,
	 unsigned int level)
{
	pte_set(pte_at(d, asid, va, level, false), target | flags | DSA_PTE_VALID | DSA_PTE_LEAF);
}

void invalidate(struct dev *d, uint32_t asid, uint64_t va, uint64_t size)
{
	uint64_t end = clock_ns() + HANG_NS;
	uint32_t seq;

	wr64(d, DSA_REG_MMU_INV_START, va);
	wr64(d, DSA_REG_MMU_INV_SIZE, size);
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_RANGE << 16 | asid);
	seq = rd32(d, DSA_REG_MMU_INV_SEQ);
	while ((int32_t)(rd32(d, DSA_REG_MMU_INV_DONE) - seq) < 0) {
		if (clock_ns() > end) {
			check_failed(__FILE__, __LINE__, "invalidation is never done");
			return;
		}
		sched_yield();
	}
}

/* ---- queues ---- */

static uint64_t ring_base(unsigned int q)
{
	return RAM_RINGS + (q % 8 + (q >= 32 ? 8 : 0)) * 0x10000ull;
}

static uint64_t fence_addr(unsigned int q)
{
	return RAM_FENCES + q * 8;
}

void queue_config(struct dev *d, unsigned int q, uint32_t asid)
{
	wr64(d, DSA_QREG(q, DSA_Q_RING_BASE), ring_base(q));
	wr32(d, DSA_QREG(q, DSA_Q_RING_LOG2), DSA_RING_MIN_LOG2);
	wr32(d, DSA_QREG(q, DSA_Q_ASID), asid);
}

void queue_enable(struct dev *d, unsigned int q)
{
	wr32(d, DSA_QREG(q, DSA_Q_COMMAND), DSA_QCMD_ENABLE);
	d->tail[q] = 0;
	d->fence[q] = 0;
	*(uint64_t *)ram_at(d, fence_addr(q)) = 0;
}

void queue_setup(struct dev *d, unsigned int q, uint32_t asid)
{
	queue_config(d, q, asid);
	queue_enable(d, q);
}

struct dsa_ring_packet *ring_slot(struct dev *d, unsigned int q, uint32_t i)
{
	uint32_t log2 = rd32(d, DSA_QREG(q, DSA_Q_RING_LOG2));
	uint32_t slots = 1u << (log2 <= DSA_RING_MAX_LOG2 ? log2 : 0);
	struct dsa_ring_packet *ring = ram_at(d, ring_base(q));

	return &ring[i & (slots - 1)];
}

uint64_t submit(struct dev *d, unsigned int q, uint64_t cmd_va, uint64_t size)
{
	struct dsa_ring_packet *p = ring_slot(d, q, d->tail[q]);

	bus_lock(d);
	*p = (struct dsa_ring_packet){
		.op = DSA_RING_OP_EXEC,
		.flags = DSA_RING_F_IRQ | DSA_RING_F_FENCE,
		.cmd_va = cmd_va,
		.cmd_size = size,
		.fence_addr = fence_addr(q),
		.fence_value = ++d->fence[q],
		.job_id = ++d->job,
	};
	bus_unlock(d);
	doorbell(d, q, ++d->tail[q]);
	return d->fence[q];
}

uint64_t fence_now(struct dev *d, unsigned int q)
{
	uint64_t v;

	bus_lock(d);
	v = *(uint64_t *)ram_at(d, fence_addr(q));
	bus_unlock(d);
	return v;
}

bool wait_fence(struct dev *d, unsigned int q, uint64_t value)
{
	uint64_t end = clock_ns() + HANG_NS;

	while (fence_now(d, q) < value) {
		if (!d->threads) {
			if (dsa_core_run(d->core, 1000) == DSA_RUN_IDLE && fence_now(d, q) < value)
				return false;
		} else {
			sched_yield();
		}
		if (rd32(d, DSA_QREG(q, DSA_Q_STATE)) == DSA_QSTATE_ERROR)
			return false;
		if (clock_ns() > end) {
			check_failed(__FILE__, __LINE__, "fence %llu of queue %u never comes",
				     (unsigned long long)value, q);
			return false;
		}
	}
	return true;
}

bool wait_state(struct dev *d, unsigned int q, uint32_t state)
{
	uint64_t end = clock_ns() + HANG_NS;

	while (rd32(d, DSA_QREG(q, DSA_Q_STATE)) != state) {
		if (!d->threads)
			dsa_core_run(d->core, 100);
		else
			sched_yield();
		if (clock_ns() > end) {
			check_failed(__FILE__, __LINE__, "queue %u stays in state %u, not %u", q,
				     rd32(d, DSA_QREG(q, DSA_Q_STATE)), state);
			return false;
		}
	}
	return true;
}

/* ---- command buffers ---- */

struct cmds cmds_at(struct dev *d, uint64_t hbm_offset)
{
	return (struct cmds){ d, hbm_offset, 0 };
}

void cmd_raw(struct cmds *c, const void *p, size_t size)
{
	memcpy(c->d->hbm + c->offset + c->size, p, size);
	c->size += size;
}

void cmd_copy(struct cmds *c, uint64_t dst, uint64_t src, uint64_t bytes)
{
	struct dsa_cmd_copy cmd = { { DSA_CMD_COPY, sizeof(cmd), 0 }, dst, src, bytes };

	cmd_raw(c, &cmd, sizeof(cmd));
}

void cmd_copy_2d(struct cmds *c, uint64_t dst, uint64_t src, uint64_t dp, uint64_t sp, uint64_t w,
		 uint64_t h)
{
	struct dsa_cmd_copy_2d cmd = {
		{ DSA_CMD_COPY_2D, sizeof(cmd), 0 }, dst, src, dp, sp, w, h
	};

	cmd_raw(c, &cmd, sizeof(cmd));
}

void cmd_fill(struct cmds *c, uint64_t dst, uint64_t bytes, uint64_t pattern, uint32_t size)
{
	struct dsa_cmd_fill cmd = {
		{ DSA_CMD_FILL, sizeof(cmd), 0 }, dst, bytes, pattern, size, 0
	};

	cmd_raw(c, &cmd, sizeof(cmd));
}

void cmd_sem(struct cmds *c, uint16_t op, uint64_t va, uint64_t value, uint32_t flags)
{
	struct dsa_cmd_sem cmd = { { op, sizeof(cmd), flags }, va, value };

	cmd_raw(c, &cmd, sizeof(cmd));
}

void cmd_timestamp(struct cmds *c, uint64_t va)
{
	struct dsa_cmd_timestamp cmd = { { DSA_CMD_TIMESTAMP, sizeof(cmd), 0 }, va };

	cmd_raw(c, &cmd, sizeof(cmd));
}

void cmd_simple(struct cmds *c, uint16_t op)
{
	struct dsa_cmd_header hdr = { op, sizeof(hdr), 0 };

	cmd_raw(c, &hdr, sizeof(hdr));
}

struct dsa_cmd_launch *cmd_launch(struct cmds *c, uint64_t entry, uint64_t kernarg, uint32_t x,
				  uint32_t y, uint32_t z)
{
	struct dsa_cmd_launch cmd = {
		.hdr = { DSA_CMD_LAUNCH, sizeof(cmd), 0 },
		.entry = entry,
		.kernarg = kernarg,
		.grid = { x, y, z },
		.id = 77,
	};

	cmd_raw(c, &cmd, sizeof(cmd));
	return (struct dsa_cmd_launch *)(c->d->hbm + c->offset + c->size - sizeof(cmd));
}

uint64_t submit_cmds(struct cmds *c, unsigned int q)
{
	return submit(c->d, q, VA_HBM + c->offset, c->size);
}

bool run_cmds(struct cmds *c, unsigned int q)
{
	uint64_t fence = submit_cmds(c, q);
	bool ok = wait_fence(c->d, q, fence);

	dev_run(c->d);
	return ok;
}

uint32_t err_code(struct dev *d, unsigned int q)
{
	return rd32(d, DSA_QREG(q, DSA_Q_ERR_CODE));
}

/* ---- kernels ---- */

struct code code_at(struct dev *d, uint64_t hbm_offset)
{
	return (struct code){ d, hbm_offset, 0 };
}

void emit(struct code *c, uint32_t insn)
{
	memcpy(c->d->hbm + c->offset + 4 * c->count++, &insn, 4);
}

uint32_t i_type(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm)
{
	return op | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}

uint32_t s_type(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
	return 0x23 | ((uint32_t)imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 |
	       ((uint32_t)imm >> 5 & 127) << 25;
}

uint32_t b_type(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
	uint32_t u = imm;

	return 0x63 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
	       (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}

uint32_t r_type(uint32_t op, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return op | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}
