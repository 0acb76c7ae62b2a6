/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copy engines: COPY, COPY_2D and FILL as a cursor that can stop and go on
 * anywhere. System memory is accessed under the bus lock, DSA_DMA_CHUNK bytes
 * at most per hold; HBM without it.
 */
#include "clock.h"
#include "core_int.h"

/* [va, va + len) within 48 bits? */
static bool range_ok(uint64_t va, uint64_t len)
{
	return len <= 1ull << DSA_VA_BITS && va <= (1ull << DSA_VA_BITS) - len;
}

static uint32_t copy_1d_check(const struct dsa_cmd_copy *c)
{
	if (!c->bytes)
		return 0;
	if (!range_ok(c->dst, c->bytes) || !range_ok(c->src, c->bytes))
		return DSA_ERR_MMU_RANGE;
	return c->dst > c->src && c->dst - c->src < c->bytes ? DSA_ERR_BAD_ARGUMENT : 0;
}

static bool rows_ok(uint64_t va, uint64_t pitch, uint64_t width, uint64_t height)
{
	uint64_t span;

	if (__builtin_mul_overflow(pitch, height - 1, &span))
		return false;
	return span <= 1ull << DSA_VA_BITS && range_ok(va, span + width);
}

static uint32_t copy_2d_check(const struct dsa_cmd_copy_2d *c)
{
	uint64_t end;

	if (!c->width || !c->height)
		return 0;
	if (c->height > 1 && (c->dst_pitch < c->width || c->src_pitch < c->width))
		return DSA_ERR_BAD_ARGUMENT;
	if (c->height > 1 && (__builtin_mul_overflow(c->dst_pitch, c->height, &end) ||
			      __builtin_add_overflow(c->dst, end, &end)))
		return DSA_ERR_BAD_ARGUMENT;
	if (c->width > 1ull << DSA_VA_BITS)
		return DSA_ERR_MMU_RANGE;
	if (!rows_ok(c->dst, c->dst_pitch, c->width, c->height) ||
	    !rows_ok(c->src, c->src_pitch, c->width, c->height))
		return DSA_ERR_MMU_RANGE;
	return 0;
}

static uint32_t fill_check(const struct dsa_cmd_fill *c)
{
	uint32_t size = c->pattern_size;

	if (c->reserved)
		return DSA_ERR_BAD_PACKET;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return DSA_ERR_BAD_ARGUMENT;
	if (c->dst % size || c->bytes % size)
		return DSA_ERR_BAD_ARGUMENT;
	return c->bytes && !range_ok(c->dst, c->bytes) ? DSA_ERR_MMU_RANGE : 0;
}

uint32_t copy_check(const union dsa_cmd *cmd)
{
	switch (cmd->hdr.opcode) {
	case DSA_CMD_COPY:
		return copy_1d_check(&cmd->copy);
	case DSA_CMD_COPY_2D:
		return copy_2d_check(&cmd->copy_2d);
	default:
		return fill_check(&cmd->fill);
	}
}

static uint64_t replicate(uint64_t pattern, uint32_t size)
{
	for (; size < 8; size *= 2) {
		pattern &= (1ull << size * 8) - 1;
		pattern |= pattern << size * 8;
	}
	return pattern;
}

void copy_start(struct dsa_queue *q)
{
	const union dsa_cmd *cmd = &q->cmd;
	struct dsa_copy *c = &q->copy;

	*c = (struct dsa_copy){ .rows = 1 };
	switch (cmd->hdr.opcode) {
	case DSA_CMD_COPY:
		c->dst = cmd->copy.dst;
		c->src = cmd->copy.src;
		c->width = cmd->copy.bytes;
		break;
	case DSA_CMD_COPY_2D:
		c->dst = cmd->copy_2d.dst;
		c->src = cmd->copy_2d.src;
		c->dst_pitch = cmd->copy_2d.dst_pitch;
		c->src_pitch = cmd->copy_2d.src_pitch;
		c->width = cmd->copy_2d.width;
		c->rows = cmd->copy_2d.height;
		break;
	default:
		c->fill = true;
		c->dst = cmd->fill.dst;
		c->width = cmd->fill.bytes;
		c->pattern = replicate(cmd->fill.pattern, cmd->fill.pattern_size);
	}
	if (!c->width)
		c->rows = 0;
	if (cmd->hdr.opcode == DSA_CMD_COPY_2D)
		c->all_rows = c->rows;
}

/* Of a state that was loaded. */
bool copy_state_ok(const struct dsa_copy *c)
{
	if (!c->rows)
		return true;
	if (!c->width || c->width > 1ull << DSA_VA_BITS || c->pos >= c->width)
		return false;
	return rows_ok(c->dst, c->dst_pitch, c->width, c->rows) &&
	       (c->fill || rows_ok(c->src, c->src_pitch, c->width, c->rows));
}

static void copy_advance(struct dsa_copy *c, uint64_t n, bool bus)
{
	if (bus)
		c->bus_bytes += n;
	else
		c->hbm_bytes += n;
	c->pos += n;
	if (c->pos < c->width)
		return;
	c->pos = 0;
	if (--c->rows) {
		c->dst += c->dst_pitch;
		c->src += c->src_pitch;
	}
}

/*
 * Byte at address a is byte a mod 8 of the pattern: @buf is memory of an
 * address that is congruent to @va.
 */
static void fill_bytes(uint8_t *buf, uint64_t va, uint64_t pattern, uint64_t n)
{
	uint64_t rotated = pattern;
	unsigned int shift = va % 8 * 8;

	if (pattern == (pattern & 0xff) * 0x0101010101010101ull) {
		memset(buf, (int)(pattern & 0xff), n);
		return;
	}
	if (shift)
		rotated = pattern >> shift | pattern << (64 - shift);
	for (; n >= 8; n -= 8, buf += 8)
		memcpy(buf, &rotated, 8);
	memcpy(buf, &rotated, n);
}

/* One end of a transfer. */
struct end {
	struct dsa_xlat x;
	uint64_t target;
	uint8_t *hbm; /* NULL: system memory */
};

/*
 * Where @va is. *n comes with the bytes that are wanted from there and leaves
 * with those that lie in one piece, over page boundaries too.
 */
static uint32_t end_at(struct dsa_queue *q, uint64_t va, uint32_t perm, struct end *e, uint64_t *n)
{
	uint32_t err = mem_translate(&q->mem, va, perm, &e->x);
	uint64_t run;

	if (err)
		return err;
	e->target = e->x.target + (va - e->x.va);
	e->hbm = e->x.sys ? NULL : q->mem.core->cfg.hbm + e->target;
	run = e->x.va + e->x.size - va;
	while (run < *n) {
		struct dsa_xlat next;

		/* What is wrong with a later page is found when the copy has come there. */
		if (mem_translate(&q->mem, va + run, perm, &next) || next.sys != e->x.sys ||
		    next.target + (va + run - next.va) != e->target + run)
			break;
		run = next.va + next.size - va;
	}
	if (*n > run)
		*n = run;
	return 0;
}

struct copy_fault {
	uint32_t code, access;
	uint64_t addr;
};

/* Moves or fills @n bytes; with an end in system memory the bus is held and n is bounded. */
static uint32_t copy_bytes(struct dsa_queue *q, const struct end *dst, const struct end *src,
			   uint64_t n, struct copy_fault *f)
{
	struct dsa_copy *c = &q->copy;
	uint8_t bounce[16384];
	const uint8_t *from = src->hbm;

	f->access = DSA_ACCESS_READ;
	f->addr = c->src + c->pos;
	if (!c->fill && src->hbm && faulty(q->mem.core, FAULTS_ECC)) {
		uint32_t err = fault_ecc(q->mem.core, src->target, n);

		if (err)
			return err;
	}
	if (!c->fill && dst->hbm && src->hbm) {
		memmove(dst->hbm, src->hbm, n);
		return 0;
	}
	if (!c->fill && dst->hbm)
		return mem_sys_read(&q->mem, src->target, dst->hbm, n);
	if (!c->fill && !src->hbm) {
		uint32_t err = mem_sys_read(&q->mem, src->target, bounce, n);

		if (err)
			return err;
		from = bounce;
	}
	f->access = DSA_ACCESS_WRITE;
	f->addr = c->dst + c->pos;
	if (c->fill) {
		fill_bytes(dst->hbm ? dst->hbm : bounce, c->dst + c->pos, c->pattern, n);
		if (dst->hbm)
			return 0;
		from = bounce;
	}
	return mem_sys_write(&q->mem, dst->target, from, n);
}

/*
 * One piece: in one run of addresses at both ends, @limit bytes at most.
 * *bus_left counts down what may be moved under this hold of the bus lock.
 */
static uint32_t copy_piece(struct dsa_queue *q, uint64_t limit, uint64_t *bus_left,
			   struct copy_fault *f)
{
	struct dsa_copy *c = &q->copy;
	uint64_t n = c->width - c->pos;
	struct end dst, src = { .hbm = NULL };
	uint32_t err = 0;
	bool bus;

	if (n > limit)
		n = limit;
	f->access = DSA_ACCESS_READ;
	f->addr = c->src + c->pos;
	if (!c->fill)
		err = end_at(q, f->addr, DSA_PTE_R, &src, &n);
	if (err)
		return err;
	f->access = DSA_ACCESS_WRITE;
	f->addr = c->dst + c->pos;
	err = end_at(q, f->addr, DSA_PTE_W, &dst, &n);
	if (err)
		return err;
	bus = !dst.hbm || (!c->fill && !src.hbm);
	if (bus && !q->mem.bus_held && !bus_enter(&q->mem))
		return DSA_ERR_ABORTED;
	if (q->mem.bus_held && n > *bus_left)
		n = *bus_left;
	if (!dst.hbm && (c->fill || !src.hbm) && n > 16384)
		n = 16384; /* the bounce buffer */
	err = copy_bytes(q, &dst, &src, n, f);
	if (err)
		return err;
	if (dst.hbm)
		mem_dirty(&q->mem, dst.target, n);
	*bus_left -= n < *bus_left ? n : *bus_left;
	copy_advance(c, n, bus);
	return 0;
}

/* Pieces under at most one hold of the bus lock. */
static uint32_t copy_chunk(struct dsa_queue *q, struct copy_fault *f)
{
	uint64_t left = DSA_DMA_CHUNK, limit = DSA_HBM_CHUNK;
	unsigned int pieces = 64;
	uint32_t err = 0;

	while (q->copy.rows && left && pieces-- && !err) {
		err = copy_piece(q, limit, &left, f);
		if (err == DSA_ERR_BUS && limit > DSA_PAGE_SIZE) {
			/* Page by page, to move what can be moved and name the page that cannot. */
			limit = DSA_PAGE_SIZE;
			err = 0;
		}
	}
	if (q->mem.bus_held)
		bus_exit(&q->mem);
	return err;
}

static uint64_t copy_cost(const struct dsa_core *core, const struct dsa_copy *c)
{
	uint64_t hbm = c->fill ? c->hbm_bytes : 2 * c->hbm_bytes;

	return core->cfg.cost.copy_ns + c->all_rows * core->cfg.cost.copy_row_ns +
	       clock_bytes_to_ns(hbm, core->cfg.hbm_mb_per_s) +
	       clock_bytes_to_ns(c->bus_bytes, core->cfg.bus_mb_per_s);
}

void copy_leave(struct dsa_core *core, struct dsa_queue *q)
{
	if (q->copy_engine >= 0)
		core->copy_owner[q->copy_engine] = NULL;
	q->copy_engine = -1;
}

/* Best an engine that has its copy already, then one without any; else another copy has to wait. */
static int engine_pick(const struct dsa_core *core, const struct dsa_queue *q)
{
	int best = -1;

	if (q->copy_engine >= 0 && !(core->copy_busy & 1u << q->copy_engine))
		return q->copy_engine;
	for (unsigned int i = 0; i < core->cfg.copy_engines; i++) {
		if (core->copy_busy & 1u << i)
			continue;
		if (!core->copy_owner[i])
			return i;
		best = i;
	}
	return best;
}

static int engine_get(struct dsa_core *core, struct dsa_queue *q)
{
	int engine;

	core_lock(core);
	engine = engine_pick(core, q);
	if (engine >= 0) {
		copy_leave(core, q);
		if (core->copy_owner[engine])
			copy_leave(core, core->copy_owner[engine]);
		core->copy_owner[engine] = q;
		core->copy_busy |= 1u << engine;
		q->copy_engine = engine;
	}
	core_unlock(core);
	return engine;
}

static void engine_put(struct dsa_core *core, struct dsa_queue *q, bool over, uint64_t busy_ns)
{
	int engine = q->copy_engine;

	core_lock(core);
	core->copy_busy &= ~(1u << engine);
	core->busy_copy += busy_ns;
	q->busy_copy += busy_ns;
	core->copy_busy_ns[engine] += busy_ns;
	if (over)
		copy_leave(core, q);
	core_unlock(core);
}

static bool copy_starts(const struct dsa_copy *c)
{
	return !c->hbm_bytes && !c->bus_bytes;
}

bool copy_run(struct dsa_core *core, struct dsa_queue *q, uint64_t deadline)
{
	struct copy_fault f = { 0 };
	int engine = engine_get(core, q);
	uint64_t cost = 0;
	uint32_t err = 0;

	if (engine < 0)
		return false;
	if (faulty(core, FAULT_BIT(FAULT_COPY_HANG)) && copy_starts(&q->copy) &&
	    fault_copy_hangs(core, q))
		return false;
	while (q->copy.rows && !err && !queue_stopping(q)) {
		mem_quiesce(&q->mem);
		err = copy_chunk(q, &f);
		if (now_ns(core) >= deadline)
			break;
	}
	if (!q->copy.rows && !err) {
		cost = copy_cost(core, &q->copy);
		if (faulty(core, FAULT_BIT(FAULT_COPY_SLOW)))
			fault_copy_slows(core, q, &cost);
		__atomic_store_n(&q->time_ns, q->time_ns + cost, __ATOMIC_RELAXED);
	}
	engine_put(core, q, !q->copy.rows || err, cost);
	if (err)
		queue_error(core, q, err, f.access, (uint32_t)DSA_ENGINE_COPY << 16 | engine,
			    f.addr);
	return !q->copy.rows && !err;
}
