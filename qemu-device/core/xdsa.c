/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xdsa: what a program asks of the device beside computing. Operations are
 * carried out when issued, by the thread that runs the core; on the program's
 * clock they take the time that the hardware would, and only waiting for them
 * moves it. A program sees data before it waits only if it breaks the rules.
 */
#include "clock.h"
#include "core_int.h"

static unsigned int x_unit(const struct rv_ext *x)
{
	return x->insn >> 12 & 7;
}

bool xdsa_fault(struct rv_ext *x, uint32_t code, uint32_t access, uint64_t addr)
{
	x->code = code;
	x->access = access == DSA_ACCESS_READ ? RV_READ : access == DSA_ACCESS_WRITE ? RV_WRITE : 0;
	x->addr = addr;
	return false;
}

void *xdsa_spad(struct dsa_unit *u, struct rv_ext *x, uint64_t addr, uint64_t len, uint64_t align)
{
	uint64_t size = u->mem.core->cfg.scratch_size, off = addr - DSA_SCRATCHPAD_BASE;

	if (off >= size || len > size - off || addr % align) {
		xdsa_fault(x, DSA_ERR_SCRATCHPAD, DSA_ACCESS_NONE, addr);
		return NULL;
	}
	return u->spad + off;
}

void *xdsa_any_spad(struct dsa_unit *u, struct rv_ext *x, uint64_t addr, uint64_t len,
		    uint64_t align)
{
	struct dsa_unit *owner;
	uint64_t off;

	if (addr < DSA_CLUSTER_BASE)
		return xdsa_spad(u, x, addr, len, align);
	owner = cluster_find(u, addr, len, &off);
	if (!owner || addr % align) {
		xdsa_fault(x, DSA_ERR_SCRATCHPAD, DSA_ACCESS_NONE, addr);
		return NULL;
	}
	return owner->spad + off;
}

bool xdsa_descriptor(struct dsa_unit *u, struct rv_ext *x, uint64_t va, void *buf, size_t len)
{
	uint64_t bad = va;
	const void *p;
	uint32_t err;

	if (va % DSA_X_DESC_ALIGN)
		return xdsa_fault(x, DSA_ERR_MISALIGNED, DSA_ACCESS_READ, va);
	if (va < DSA_SCRATCHPAD_BASE) {
		err = mem_read(&u->mem, va, buf, len, &bad);
		return !err || xdsa_fault(x, err, DSA_ACCESS_READ, bad);
	}
	p = xdsa_any_spad(u, x, va, len, DSA_X_DESC_ALIGN);
	if (p)
		memcpy(buf, p, len);
	return p;
}

uint64_t xdsa_hbm_cycles(const struct dsa_unit *u, uint64_t bytes)
{
	const struct dsa_core_config *cfg = &u->mem.core->cfg;
	uint64_t programs = u->q->launch.total * u->q->launch.size;
	uint64_t sharers = programs < cfg->cores ? programs : cfg->cores;

	if (!bytes)
		return 0; /* most often; the division is slow */
	return clock_div_up(bytes * sharers, cfg->core_clock_khz, 1000ull * cfg->hbm_mb_per_s);
}

uint64_t xdsa_clock(const struct dsa_unit *u, uint64_t instret)
{
	return instret + u->stall + u->hart.vec_beats + xdsa_hbm_cycles(u, u->hart.vec_bytes);
}

uint64_t xdsa_now(const struct dsa_unit *u, const struct rv_ext *x)
{
	return xdsa_clock(u, x->instret);
}

void xdsa_wait(struct dsa_unit *u, uint64_t instret, uint64_t cycle, enum dsa_stall cause)
{
	uint64_t now;

	if (!cycle)
		return;
	now = xdsa_clock(u, instret);
	if (cycle > DSA_MAX_CYCLES)
		cycle = DSA_MAX_CYCLES;
	if (cycle <= now)
		return;
	u->stall += cycle - now;
	u->counters.stalls[cause] += cycle - now;
}

bool xdsa_execute(struct dsa_unit *u, struct rv_ext *x)
{
	switch (x_unit(x)) {
	case DSA_X_TENSOR:
		return tensor_execute(u, x);
	case DSA_X_MATRIX:
		return matrix_execute(u, x);
	case DSA_X_CLUSTER:
		return cluster_execute(u, x);
	case DSA_X_CONVERT:
		return convert_execute(u, x);
	case DSA_X_ATOMIC:
		return atomic_execute(u, x);
	default:
		return mbarrier_execute(u, x);
	}
}
