/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a debugger of programs sees of a core: events, and memory by virtual address. */
#include "core_int.h"

static uint64_t call(struct dsa_core *core, struct dsa_unit *u, enum dsa_debug_event event,
		     const struct dsa_wait *w)
{
	struct dsa_debug at = {
		.event = event, .core = u->index, .rank = u->rank, .wait = w, .hart = &u->hart
	};
	uint64_t id[3];

	unit_program_id(u, u->prog, id);
	for (int i = 0; i < 3; i++)
		at.program[i] = id[i];
	return core->ops->debug(core->host, &at);
}

uint64_t debug_call(struct dsa_core *core, struct dsa_unit *u, enum dsa_debug_event event)
{
	return call(core, u, event, NULL);
}

void debug_wait(struct dsa_core *core, struct dsa_unit *u, const struct dsa_wait *w)
{
	call(core, u, DSA_DEBUG_WAIT, w);
}

/* Whatever right the page gives. */
static uint32_t translate_any(struct dsa_mem *m, uint64_t va, struct dsa_xlat *x)
{
	uint32_t err = mem_translate(m, va, DSA_PTE_R, x);

	if (err == DSA_ERR_MMU_PERMISSION)
		err = mem_translate(m, va, DSA_PTE_X, x);
	if (err == DSA_ERR_MMU_PERMISSION)
		err = mem_translate(m, va, DSA_PTE_W, x);
	return err;
}

static uint32_t debug_system(struct dsa_mem *m, uint64_t addr, void *buf, size_t len, bool write)
{
	uint32_t err;

	if (!bus_enter(m))
		return DSA_ERR_ABORTED;
	err = write ? mem_sys_write(m, addr, buf, len) : mem_sys_read(m, addr, buf, len);
	bus_exit(m);
	return err;
}

/* Within a page. */
static uint32_t debug_access(struct dsa_unit *u, uint64_t va, void *buf, size_t len, bool write)
{
	struct dsa_core *core = u->mem.core;
	uint64_t off = va - DSA_SCRATCHPAD_BASE;
	struct dsa_unit *owner = u;
	struct dsa_xlat x;
	uint8_t *host;
	uint32_t err;

	if (va >= DSA_CLUSTER_BASE)
		owner = cluster_find(u, va, len, &off);
	if (owner && off < core->cfg.scratch_size) {
		host = owner->spad + off;
	} else {
		err = translate_any(&u->mem, va, &x);
		if (err)
			return err;
		if (x.sys)
			return debug_system(&u->mem, x.target + (va - x.va), buf, len, write);
		host = core->cfg.hbm + x.target + (va - x.va);
		if (write)
			mem_dirty(&u->mem, x.target + (va - x.va), len);
	}
	memcpy(write ? (void *)host : buf, write ? buf : (void *)host, len);
	return 0;
}

static uint32_t debug_access_all(struct dsa_unit *u, uint64_t va, uint8_t *buf, size_t len,
				 bool write)
{
	uint32_t err = 0;

	while (len && !err) {
		size_t n = DSA_PAGE_SIZE - va % DSA_PAGE_SIZE;

		if (n > len)
			n = len;
		err = debug_access(u, va, buf, n, write);
		va += n;
		buf += n;
		len -= n;
	}
	return err;
}

uint32_t dsa_core_debug_read(struct dsa_core *core, const struct dsa_debug *at, uint64_t va,
			     void *buf, size_t len)
{
	return debug_access_all(&core->unit[at->core], va, buf, len, false);
}

uint32_t dsa_core_debug_write(struct dsa_core *core, const struct dsa_debug *at, uint64_t va,
			      const void *buf, size_t len)
{
	struct dsa_unit *u = &core->unit[at->core];
	uint32_t err = debug_access_all(u, va, (uint8_t *)buf, len, true);

	for (uint32_t r = 0; r < u->cluster->size; r++)
		rv_flush_code(&u->cluster->unit[r]->hart);
	core_lock(core);
	for (unsigned int i = 0; i < core->cfg.cores; i++)
		if (!unit_leader(&core->unit[i])->claimed)
			core->unit[i].code_gen = 0; /* unit_setup() flushes */
	core_unlock(core);
	return err;
}
