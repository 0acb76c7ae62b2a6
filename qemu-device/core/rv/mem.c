// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory behind the fast path: the range cache, fill(), accesses that cross
 * pages or have no host pointer, instruction fetch, and flushing.
 *
 * The fast path (exec.h) knows the scratchpad and a direct-mapped table of 4
 * KiB pages with separate tags for reads and writes. Behind it the hart keeps
 * the latest ranges that fill() gave, however large they are.
 */
#include <string.h>

#include "fpenv.h"
#include "rv_int.h"

#define PAGE_MASK (~(uint64_t)(RV_PAGE_SIZE - 1))

static bool mem_fault(struct rv_hart *h, enum rv_access access, bool page, uint32_t code,
		      uint64_t va)
{
	static const enum rv_cause cause[2][3] = {
		{ RV_CAUSE_LOAD_ACCESS, RV_CAUSE_STORE_ACCESS, RV_CAUSE_FETCH_ACCESS },
		{ RV_CAUSE_LOAD_PAGE, RV_CAUSE_STORE_PAGE, RV_CAUSE_FETCH_PAGE },
	};

	h->fault = (struct rv_fault){
		.cause = cause[page][access == RV_READ  ? 0 :
				     access == RV_WRITE ? 1 :
							  2],
		.access = access,
		.code = code,
		.addr = va,
	};
	return false;
}

static struct rv_range *find_range(struct rv_hart *h, uint64_t va, enum rv_access access)
{
	unsigned int i;

	for (i = 0; i < RV_RANGES; i++) {
		struct rv_range *r = &h->ranges[i];

		if (va - r->va < r->size && (r->perm & access)) {
			h->range_last = (uint8_t)i;
			return r;
		}
	}
	return NULL;
}

static struct rv_range *fill_range(struct rv_hart *h, uint64_t va, enum rv_access access)
{
	struct rv_tlb_fill out = { 0 };
	enum rv_fill_result res;
	struct rv_range *r;

	rv_fp_leave(h);
	res = h->cfg.fill(h->cfg.opaque, va, access, &out);
	rv_fp_enter(h);
	if (res != RV_FILL_OK) {
		mem_fault(h, access, res == RV_FILL_PAGE_FAULT, out.code, va);
		return NULL;
	}
	if (va - out.va >= out.size || !(out.perm & access) || ((out.va | out.size) & ~PAGE_MASK)) {
		/* The embedding code broke its promise: do not run on. */
		mem_fault(h, access, false, 0, va);
		return NULL;
	}
	h->tlb_used = true;
	h->range_last = h->range_next++ % RV_RANGES;
	r = &h->ranges[h->range_last];
	*r = (struct rv_range){
		.va = out.va, .size = out.size, .host = out.host, .perm = out.perm
	};
	return r;
}

static void fill_tlb(struct rv_hart *h, uint64_t va, const struct rv_range *r)
{
	struct rv_tlb_entry *e = &h->tlb[(va >> RV_PAGE_SHIFT) & (RV_TLB_SIZE - 1)];

	e->rtag = r->perm & RV_READ ? va & PAGE_MASK : 1;
	e->wtag = r->perm & RV_WRITE ? va & PAGE_MASK : 1;
	e->addend = (uint64_t)(uintptr_t)r->host - r->va;
}

/*
 * Where the byte at @va is: *host, or NULL for a range without host pointer.
 * Data accesses enter the page into the fast table.
 */
static bool resolve(struct rv_hart *h, uint64_t va, enum rv_access access, uint8_t **host)
{
	struct rv_range *r;

	if (access != RV_EXEC && va - h->spad_va < h->cfg.spad_size) {
		*host = h->spad + (va - h->spad_va);
		return true;
	}
	r = find_range(h, va, access);
	if (!r)
		r = fill_range(h, va, access);
	if (!r)
		return false;
	*host = NULL;
	if (!r->host)
		return true;
	if (access != RV_EXEC)
		fill_tlb(h, va, r);
	*host = r->host + (va - r->va);
	return true;
}

static bool load_part(struct rv_hart *h, uint64_t va, enum rv_access access, uint8_t *host,
		      void *buf, unsigned int size)
{
	uint32_t code;

	if (host) {
		memcpy(buf, host, size);
		return true;
	}
	rv_fp_leave(h);
	code = h->cfg.read(h->cfg.opaque, va, access, buf, size);
	rv_fp_enter(h);
	return !code || mem_fault(h, access, false, code, va);
}

static bool store_part(struct rv_hart *h, uint64_t va, uint8_t *host, const void *buf,
		       unsigned int size)
{
	uint32_t code;

	if (host) {
		memcpy(host, buf, size);
		return true;
	}
	rv_fp_leave(h);
	code = h->cfg.write(h->cfg.opaque, va, buf, size);
	rv_fp_enter(h);
	return !code || mem_fault(h, RV_WRITE, false, code, va);
}

/* Bytes of the access that lie in the first page. */
static unsigned int first_part(struct rv_hart *h, uint64_t va, unsigned int size)
{
	uint64_t room = RV_PAGE_SIZE - (va & (RV_PAGE_SIZE - 1));
	uint64_t off = va - h->spad_va;

	/* The scratchpad may end anywhere. */
	if (off < h->cfg.spad_size && h->cfg.spad_size - off < room)
		room = h->cfg.spad_size - off;
	return room < size ? (unsigned int)room : size;
}

static uint64_t load_whole(const void *p, unsigned int size)
{
	switch (size) {
	case 1:
		return RV_HOST_LOAD(rv_u8, p);
	case 2:
		return RV_HOST_LOAD(rv_u16, p);
	case 4:
		return RV_HOST_LOAD(rv_u32, p);
	default:
		return RV_HOST_LOAD(rv_u64, p);
	}
}

static void store_whole(void *p, uint64_t v, unsigned int size)
{
	switch (size) {
	case 1:
		RV_HOST_STORE(rv_u8, p, v);
		break;
	case 2:
		RV_HOST_STORE(rv_u16, p, v);
		break;
	case 4:
		RV_HOST_STORE(rv_u32, p, v);
		break;
	default:
		RV_HOST_STORE(rv_u64, p, v);
		break;
	}
}

bool rv_load_slow(struct rv_hart *h, uint64_t va, unsigned int size, uint64_t *val)
{
	unsigned int first = first_part(h, va, size);
	uint8_t *a, *b = NULL;
	uint64_t v = 0;

	if (!resolve(h, va, RV_READ, &a))
		return false;
	if (first == size && a) {
		*val = load_whole(a, size);
		return true;
	}
	if (first < size && !resolve(h, va + first, RV_READ, &b))
		return false;
	if (!load_part(h, va, RV_READ, a, &v, first))
		return false;
	if (first < size &&
	    !load_part(h, va + first, RV_READ, b, (uint8_t *)&v + first, size - first))
		return false;
	*val = v;
	return true;
}

bool rv_store_slow(struct rv_hart *h, uint64_t va, unsigned int size, uint64_t val)
{
	unsigned int first = first_part(h, va, size);
	uint8_t *a, *b = NULL;

	/* Nothing is written unless all of it can be. */
	if (!resolve(h, va, RV_WRITE, &a))
		return false;
	if (first == size && a) {
		store_whole(a, val, size);
		return true;
	}
	if (first < size && !resolve(h, va + first, RV_WRITE, &b))
		return false;
	if (!store_part(h, va, a, &val, first))
		return false;
	return first == size ||
	       store_part(h, va + first, b, (const uint8_t *)&val + first, size - first);
}

bool rv_find_run(struct rv_hart *h, uint64_t va, enum rv_access access, struct rv_run *run)
{
	const struct rv_tlb_entry *e = &h->tlb[(va >> RV_PAGE_SHIFT) & (RV_TLB_SIZE - 1)];
	const struct rv_range *r;

	if (va - h->spad_va < h->cfg.spad_size) {
		*run = (struct rv_run){ h->spad_va, h->cfg.spad_size, h->spad };
		return true;
	}
	/* The whole range is worth more than the page that the table knows. */
	r = find_range(h, va, access);
	if (!r && (access == RV_READ ? e->rtag : e->wtag) == (va & PAGE_MASK)) {
		*run = (struct rv_run){ va & PAGE_MASK, RV_PAGE_SIZE,
					(uint8_t *)(uintptr_t)((va & PAGE_MASK) + e->addend) };
		return true;
	}
	if (!r)
		r = fill_range(h, va, access);
	if (!r)
		return false;
	if (r->host)
		fill_tlb(h, va, r);
	*run = (struct rv_run){ r->va, r->size, r->host };
	return true;
}

void *rv_amo_pointer(struct rv_hart *h, uint64_t va, bool *slow)
{
	struct rv_tlb_entry *e = &h->tlb[(va >> RV_PAGE_SHIFT) & (RV_TLB_SIZE - 1)];
	uint64_t page = va & PAGE_MASK;
	uint8_t *host;

	*slow = false;
	if (e->rtag == page && e->wtag == page)
		return (void *)(uintptr_t)(va + e->addend);
	/* Both rights are needed; a lack of either is a fault of the store. */
	if (!resolve(h, va, RV_READ, &host)) {
		mem_fault(h, RV_WRITE, h->fault.cause == RV_CAUSE_LOAD_PAGE, h->fault.code, va);
		return NULL;
	}
	if (!resolve(h, va, RV_WRITE, &host))
		return NULL;
	*slow = !host;
	return host;
}

bool rv_amo_slow(struct rv_hart *h, uint64_t va, unsigned int size, enum rv_amo_op op, uint64_t val,
		 uint64_t *old)
{
	uint32_t code;

	if (!h->cfg.amo)
		return mem_fault(h, RV_WRITE, false, h->cfg.amo_code, va);
	rv_fp_leave(h);
	code = h->cfg.amo(h->cfg.opaque, va, size, op, val, old);
	rv_fp_enter(h);
	return !code || mem_fault(h, RV_WRITE, false, code, va);
}

bool rv_fetch(struct rv_hart *h, uint64_t va, uint16_t *half)
{
	uint8_t *host;

	if (!resolve(h, va, RV_EXEC, &host))
		return false;
	if (host) {
		*half = RV_HOST_LOAD(rv_u16, host);
		return true;
	}
	return load_part(h, va, RV_EXEC, NULL, half, sizeof(*half));
}

static void flush_tables(struct rv_hart *h)
{
	unsigned int i;

	if (!h->tlb_used)
		return;
	for (i = 0; i < RV_TLB_SIZE; i++)
		h->tlb[i].rtag = h->tlb[i].wtag = 1;
	memset(h->ranges, 0, sizeof(h->ranges));
	h->tlb_used = false;
}

void rv_flush_tlb(struct rv_hart *h)
{
	flush_tables(h);
	rv_flush_code(h);
}

void rv_flush_tlb_range(struct rv_hart *h, uint64_t va, uint64_t size)
{
	uint64_t last = va + size - 1;
	unsigned int i;

	if (!size)
		return;
	if (last < va)
		last = UINT64_MAX;
	for (i = 0; i < RV_RANGES; i++) {
		struct rv_range *r = &h->ranges[i];

		if (r->size && r->va <= last && r->va + (r->size - 1) >= va)
			r->size = 0;
	}
	for (i = 0; i < RV_TLB_SIZE; i++) {
		struct rv_tlb_entry *e = &h->tlb[i];

		if (e->rtag != 1 && e->rtag + (RV_PAGE_SIZE - 1) >= va && e->rtag <= last)
			e->rtag = 1;
		if (e->wtag != 1 && e->wtag + (RV_PAGE_SIZE - 1) >= va && e->wtag <= last)
			e->wtag = 1;
	}
	if (h->code_lo <= last && h->code_hi > va)
		rv_flush_code(h);
}
