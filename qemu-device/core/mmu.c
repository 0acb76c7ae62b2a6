/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation: page-table walks, a TLB per engine, invalidation.
 *
 * An engine (struct dsa_mem) uses translations only between mem_attach() and
 * mem_detach(). An invalidation is done once every attached engine has passed
 * a quiescent point (mem_quiesce) after it was issued; an engine that is not
 * attached counts as up to date, because attaching heeds what it missed. All
 * of this happens under the mutex, which orders it.
 */
#include "core_int.h"

#define PTE_FLAGS                                                                         \
	(DSA_PTE_VALID | DSA_PTE_R | DSA_PTE_W | DSA_PTE_X | DSA_PTE_SYS | DSA_PTE_LEAF | \
	 DSA_PTE_NULL)

/* Added to the address of a page without memory: beyond all that a page-table entry can name. */
#define NULL_TARGET (1ull << 63)

static void tlb_clear(struct dsa_mem *m)
{
	m->pt.va = 1;
	for (unsigned int i = 0; i < DSA_TLB_ENTRIES; i++)
		m->tlb[i].va = 1;
	if (m->hart)
		rv_flush_tlb(m->hart);
}

static void tlb_clear_range(struct dsa_mem *m, uint64_t start, uint64_t size)
{
	m->pt.va = 1;
	for (unsigned int i = 0; i < DSA_TLB_ENTRIES; i++) {
		struct dsa_xlat *e = &m->tlb[i];

		if (e->va != 1 && e->va < start + size && start < e->va + e->size)
			e->va = 1;
	}
	if (m->hart)
		rv_flush_tlb_range(m->hart, start, size);
}

void mem_init(struct dsa_mem *m, struct dsa_core *core, struct rv_hart *hart)
{
	m->core = core;
	m->hart = hart;
	m->gen = UINT64_MAX;
	m->pt.va = 1;
	for (unsigned int i = 0; i < DSA_TLB_ENTRIES; i++)
		m->tlb[i].va = 1;
}

static void inv_apply(struct dsa_mem *m, const struct dsa_inv *inv)
{
	if (inv->scope != DSA_MMU_INV_ALL && inv->asid != m->asid)
		return;
	if (inv->scope == DSA_MMU_INV_RANGE)
		tlb_clear_range(m, inv->start, inv->size);
	else
		tlb_clear(m);
}

static void mem_set_seen(struct dsa_mem *m, uint32_t seq)
{
	__atomic_store_n(&m->seen, seq, __ATOMIC_RELAXED);
}

static void inv_catch_up(struct dsa_mem *m)
{
	struct dsa_core *core = m->core;
	uint32_t missed = core->inv_seq - m->seen;

	if (missed > DSA_INV_LOG)
		tlb_clear(m);
	else
		while (missed--)
			inv_apply(m, &core->inv_log[(core->inv_seq - missed) % DSA_INV_LOG]);
	mem_set_seen(m, core->inv_seq);
}

void mem_attach(struct dsa_mem *m, struct dsa_queue *q)
{
	struct dsa_core *core = m->core;

	m->q = q;
	m->active = true;
	if (m->asid != q->asid || m->gen != core->asid_gen[q->asid]) {
		tlb_clear(m);
		m->asid = q->asid;
		m->gen = core->asid_gen[q->asid];
		mem_set_seen(m, core->inv_seq);
	} else {
		inv_catch_up(m);
	}
}

void mem_detach(struct dsa_mem *m)
{
	m->active = false;
}

void mem_quiesce(struct dsa_mem *m)
{
	struct dsa_core *core = m->core;

	if (__atomic_load_n(&core->inv_seq, __ATOMIC_SEQ_CST) ==
	    __atomic_load_n(&m->seen, __ATOMIC_RELAXED))
		return;
	core_lock(core);
	inv_catch_up(m);
	core_unlock(core);
}

/* Engines that the invalidation does not concern are up to date with it at once. */
static void inv_notify(struct dsa_mem *m, const struct dsa_inv *inv, uint32_t seq)
{
	if (!m->active)
		return;
	if (inv->scope != DSA_MMU_INV_ALL && inv->asid != m->asid && m->seen == seq - 1)
		mem_set_seen(m, seq);
	else if (m->hart)
		rv_stop(m->hart);
}

void mmu_invalidate(struct dsa_core *core, uint32_t scope, uint32_t asid)
{
	struct dsa_inv inv = { core->inv_start, core->inv_size, scope, asid };
	uint32_t seq = core->inv_seq + 1;

	/* A range that wraps is taken as everything of the ASID. */
	if (scope == DSA_MMU_INV_RANGE && inv.start + inv.size < inv.start)
		inv.scope = DSA_MMU_INV_ASID;
	core->inv_log[seq % DSA_INV_LOG] = inv;
	__atomic_store_n(&core->inv_seq, seq, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		inv_notify(&core->q[i].mem, &inv, seq);
	for (unsigned int i = 0; i < core->cfg.cores; i++)
		inv_notify(&core->unit[i].mem, &inv, seq);
}

static void inv_min(const struct dsa_mem *m, uint32_t *done)
{
	if (m->active && (int32_t)(m->seen - *done) < 0)
		*done = m->seen;
}

uint32_t mmu_inv_done(struct dsa_core *core)
{
	uint32_t done = core->inv_seq;

	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		inv_min(&core->q[i].mem, &done);
	for (unsigned int i = 0; i < core->cfg.cores; i++)
		inv_min(&core->unit[i].mem, &done);
	return done;
}

/* ---- the bus ---- */

/*
 * Takes the bus lock. False, without it: the queue is being stopped. Stops
 * are requested under the bus lock, so what follows a true happens before.
 */
bool bus_enter(struct dsa_mem *m)
{
	struct dsa_core *core = m->core;

	core->ops->lock(core->host);
	if (queue_stopping(m->q)) {
		core->ops->unlock(core->host);
		return false;
	}
	m->bus_held = true;
	return true;
}

void bus_exit(struct dsa_mem *m)
{
	m->bus_held = false;
	m->core->ops->unlock(m->core->host);
}

static bool bus_works(const struct dsa_core *core)
{
	return __atomic_load_n(&core->bus_master, __ATOMIC_RELAXED) &&
	       !faulty(core, FAULT_BIT(FAULT_LINK_DOWN));
}

uint32_t mem_bus_read(struct dsa_mem *m, uint64_t addr, void *buf, size_t len)
{
	struct dsa_core *core = m->core;

	if (!bus_works(core) || len > UINT64_MAX - addr)
		return DSA_ERR_BUS;
	return core->ops->dma_read(core->host, addr, buf, len) ? DSA_ERR_BUS : 0;
}

uint32_t mem_bus_write(struct dsa_mem *m, uint64_t addr, const void *buf, size_t len)
{
	struct dsa_core *core = m->core;

	if (!bus_works(core) || len > UINT64_MAX - addr)
		return DSA_ERR_BUS;
	return core->ops->dma_write(core->host, addr, buf, len) ? DSA_ERR_BUS : 0;
}

uint32_t mem_sys_read(struct dsa_mem *m, uint64_t target, void *buf, size_t len)
{
	if (!(target & NULL_TARGET))
		return mem_bus_read(m, target, buf, len);
	memset(buf, 0, len);
	return 0;
}

uint32_t mem_sys_write(struct dsa_mem *m, uint64_t target, const void *buf, size_t len)
{
	return target & NULL_TARGET ? 0 : mem_bus_write(m, target, buf, len);
}

/* ---- page tables ---- */

static uint32_t pte_read(struct dsa_mem *m, bool sys, uint64_t addr, uint64_t *pte)
{
	struct dsa_core *core = m->core;
	bool held = m->bus_held;
	uint32_t err;

	if (!sys) {
		if (addr > core->cfg.hbm_size - sizeof(*pte))
			return DSA_ERR_BUS;
		*pte = __atomic_load_n((uint64_t *)(core->cfg.hbm + addr), __ATOMIC_ACQUIRE);
		return faulty(core, FAULTS_ECC) ? fault_ecc(core, addr, sizeof(*pte)) : 0;
	}
	if (!held && !bus_enter(m))
		return DSA_ERR_ABORTED;
	err = mem_bus_read(m, addr, pte, sizeof(*pte));
	if (!held)
		bus_exit(m);
	return err;
}

static uint32_t leaf_check(const struct dsa_core *core, uint64_t va, uint64_t pte,
			   unsigned int level, struct dsa_xlat *out)
{
	uint64_t size = 1ull << DSA_PT_SHIFT(level);
	uint64_t addr = pte & DSA_PTE_ADDR_MASK;

	if (level == DSA_PT_LEVELS - 1 || (addr & (size - 1)))
		return DSA_ERR_MMU_RESERVED;
	out->size = size;
	out->perm = pte & (DSA_PTE_R | DSA_PTE_W | DSA_PTE_X);
	if (pte & DSA_PTE_NULL) {
		out->sys = true;
		out->target = NULL_TARGET | (va & -size);
		return pte & (DSA_PTE_SYS | DSA_PTE_X) || addr ? DSA_ERR_MMU_RESERVED : 0;
	}
	out->sys = pte & DSA_PTE_SYS;
	if (!out->sys && (size > core->cfg.hbm_size || addr > core->cfg.hbm_size - size))
		return DSA_ERR_BUS;
	out->target = addr;
	return 0;
}

/* One step of a walk: 0 with *pte a table for the next level, or, as *leaf says, a page in *out. */
static uint32_t walk_step(struct dsa_mem *m, uint64_t va, unsigned int level, uint64_t *pte,
			  bool *leaf, struct dsa_xlat *out)
{
	uint64_t index = va >> DSA_PT_SHIFT(level) & (DSA_PT_ENTRIES - 1);
	uint64_t table = *pte & DSA_PTE_ADDR_MASK;
	uint32_t err = pte_read(m, *pte & DSA_PTE_SYS, table + index * sizeof(*pte), pte);

	if (err)
		return err;
	if (faulty(m->core, FAULT_BIT(FAULT_PTE_CORRUPT)))
		fault_pte(m->core, m->asid, level, pte);
	if (!(*pte & DSA_PTE_VALID))
		return DSA_ERR_MMU_UNMAPPED;
	if (*pte & ~(PTE_FLAGS | DSA_PTE_ADDR_MASK))
		return DSA_ERR_MMU_RESERVED;
	*leaf = *pte & DSA_PTE_LEAF;
	if (*leaf) {
		err = leaf_check(m->core, va, *pte, level, out);
		out->va = va & -out->size;
		return err;
	}
	/* No rights on tables; level 0 has no tables below it. */
	return *pte & (DSA_PTE_R | DSA_PTE_W | DSA_PTE_X | DSA_PTE_NULL) || !level ?
		       DSA_ERR_MMU_RESERVED :
		       0;
}

static uint32_t walk(struct dsa_mem *m, uint64_t va, struct dsa_xlat *out)
{
	uint64_t pte = __atomic_load_n(&m->core->root[m->asid], __ATOMIC_SEQ_CST);
	uint64_t span = va & -(1ull << DSA_PT_SHIFT(1));
	unsigned int level = DSA_PT_LEVELS;
	bool leaf = false;
	uint32_t err = 0;

	/*
	 * Looked at after the root: whoever still runs for a queue that a reset
	 * stopped cannot walk the tables of the ASID's next owner.
	 */
	if (queue_stopping(m->q))
		return DSA_ERR_ABORTED;
	if (!(pte & DSA_PTE_VALID))
		return DSA_ERR_MMU_UNMAPPED;
	if (pte & ~(DSA_PTE_VALID | DSA_PTE_SYS | DSA_PTE_ADDR_MASK))
		return DSA_ERR_MMU_RESERVED;
	if (m->pt.va == span) {
		pte = m->pt.table | (m->pt.sys ? DSA_PTE_SYS : 0);
		level = 1;
	}
	while (level-- && !leaf && !err) {
		if (!level)
			m->pt = (struct dsa_pt_cache){ span, pte & DSA_PTE_ADDR_MASK,
						       pte & DSA_PTE_SYS };
		err = walk_step(m, va, level, &pte, &leaf, out);
	}
	return err;
}

uint32_t mem_translate(struct dsa_mem *m, uint64_t va, uint32_t perm, struct dsa_xlat *out)
{
	struct dsa_xlat *e =
		&m->tlb[(va >> DSA_PAGE_SHIFT ^ va >> DSA_PT_SHIFT(1)) % DSA_TLB_ENTRIES];
	uint32_t err;

	if (va >> DSA_VA_BITS)
		return DSA_ERR_MMU_RANGE;
	if (e->va == 1 || va - e->va >= e->size || (e->perm & perm) != perm) {
		struct dsa_xlat x = { .size = DSA_PAGE_SIZE };

		err = walk(m, va, &x);
		if (err)
			return err;
		*e = x;
		if ((x.perm & perm) != perm)
			return DSA_ERR_MMU_PERMISSION;
	}
	*out = *e;
	return 0;
}

/* ---- small accesses by virtual address ---- */

/* @perm: the one right that is needed. */
static uint32_t mem_access(struct dsa_mem *m, uint64_t va, void *buf, size_t len, uint32_t perm)
{
	struct dsa_core *core = m->core;
	struct dsa_xlat x;
	uint32_t err = mem_translate(m, va, perm, &x);
	bool write = perm == DSA_PTE_W;
	uint64_t target;
	bool held = m->bus_held;

	if (err)
		return err;
	target = x.target + (va - x.va);
	if (!x.sys) {
		if (write) {
			memcpy(core->cfg.hbm + target, buf, len);
			mem_dirty(m, target, len);
		} else {
			memcpy(buf, core->cfg.hbm + target, len);
			if (faulty(core, FAULTS_ECC))
				err = fault_ecc(core, target, len);
		}
		return err;
	}
	if (!held && !bus_enter(m))
		return DSA_ERR_ABORTED;
	err = write ? mem_sys_write(m, target, buf, len) : mem_sys_read(m, target, buf, len);
	if (!held)
		bus_exit(m);
	return err;
}

static uint32_t mem_access_all(struct dsa_mem *m, uint64_t va, uint8_t *buf, size_t len,
			       uint32_t perm, uint64_t *bad)
{
	while (len) {
		size_t n = DSA_PAGE_SIZE - va % DSA_PAGE_SIZE;
		uint32_t err;

		if (n > len)
			n = len;
		err = mem_access(m, va, buf, n, perm);
		if (err) {
			*bad = va;
			return err;
		}
		va += n;
		buf += n;
		len -= n;
	}
	return 0;
}

uint32_t mem_read(struct dsa_mem *m, uint64_t va, void *buf, size_t len, uint64_t *bad)
{
	return mem_access_all(m, va, buf, len, DSA_PTE_R, bad);
}

uint32_t mem_write(struct dsa_mem *m, uint64_t va, const void *buf, size_t len, uint64_t *bad)
{
	return mem_access_all(m, va, (uint8_t *)buf, len, DSA_PTE_W, bad);
}

uint32_t mem_fetch(struct dsa_mem *m, uint64_t va, void *buf, size_t len, uint64_t *bad)
{
	return mem_access_all(m, va, buf, len, DSA_PTE_X, bad);
}

/* ---- which HBM was written ---- */

void mem_flush_dirty(struct dsa_mem *m)
{
	struct dsa_core *core = m->core;

	if (m->dirty_end > m->dirty_start)
		core->ops->hbm_dirty(core->host, m->dirty_start, m->dirty_end - m->dirty_start);
	m->dirty_start = 0;
	m->dirty_end = 0;
}

/* Near ranges become one, gap included: saying too much is harmless. */
void mem_dirty(struct dsa_mem *m, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len;

	if (m->dirty_end > m->dirty_start) {
		if (offset <= m->dirty_end + DSA_DMA_CHUNK &&
		    end + DSA_DMA_CHUNK >= m->dirty_start) {
			if (offset < m->dirty_start)
				m->dirty_start = offset;
			if (end > m->dirty_end)
				m->dirty_end = end;
			return;
		}
		mem_flush_dirty(m);
	}
	m->dirty_start = offset;
	m->dirty_end = end;
}
