/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HBM handed out from the bottom, and the page tables of the one address space. */
#include <string.h>

#include "sim.h"

#define PAGE  ((uint64_t)DSA_PAGE_SIZE)
#define LARGE (1ull << DSA_PT_SHIFT(1))

uint64_t hbm_take(struct sim *s, uint64_t bytes, uint64_t align, const char *what)
{
	uint64_t at = ALIGN_UP(s->hbm_used, align);
	uint64_t size = s->o->cfg.hbm_size;
	char need[32], have[32], all[32];

	if (at > size || bytes > size - at)
		input_error("%s needs %s, but of %s of HBM only %s are left: use --hbm-size", what,
			    size_text(bytes, need), size_text(size, all),
			    size_text(at > size ? 0 : size - at, have));
	s->hbm_used = at + bytes;
	return at;
}

static uint64_t table_new(struct sim *s)
{
	return hbm_take(s, PAGE, PAGE, "a page table") | DSA_PTE_VALID;
}

void memory_init(struct sim *s)
{
	s->ram_used = BUS_FREE;
	s->next_va = VA_BUFFER;
	s->table = table_new(s);
	reg_write64(s, DSA_REG_MMU_ROOT(SIM_ASID), s->table);
}

static uint64_t *entry(struct sim *s, uint64_t table, uint64_t va, unsigned int level)
{
	return (uint64_t *)(s->hbm + (table & DSA_PTE_ADDR_MASK)) +
	       (va >> DSA_PT_SHIFT(level) & (DSA_PT_ENTRIES - 1));
}

/* Entries that become valid need no invalidation. */
static void map(struct sim *s, uint64_t va, uint64_t target, uint64_t flags, unsigned int level)
{
	uint64_t table = s->table;

	for (unsigned int l = DSA_PT_LEVELS - 1; l > level; l--) {
		uint64_t *e = entry(s, table, va, l);

		if (!*e)
			*e = table_new(s);
		table = *e;
	}
	*entry(s, table, va, level) = target | flags | DSA_PTE_VALID | DSA_PTE_LEAF;
}

uint64_t memory_new(struct sim *s, uint64_t va, uint64_t bytes, uint64_t rights, const char *what)
{
	uint64_t size = ALIGN_UP(bytes, PAGE);
	bool large = size >= LARGE && va % LARGE == 0;
	uint64_t hbm = hbm_take(s, size, large ? LARGE : PAGE, what);

	for (uint64_t done = 0; done < size;) {
		bool leaf = large && size - done >= LARGE;

		map(s, va + done, hbm + done, rights, leaf);
		done += leaf ? LARGE : PAGE;
	}
	return hbm;
}

uint8_t *memory_system_page(struct sim *s, uint64_t va, uint64_t rights, uint64_t *bus)
{
	if (s->ram_used + PAGE > BUS_BYTES)
		input_error("out of system memory");
	*bus = BUS_BASE + s->ram_used;
	map(s, va, *bus, rights | DSA_PTE_SYS, 0);
	s->ram_used += PAGE;
	return s->ram + (*bus - BUS_BASE);
}

uint8_t *memory_at(struct sim *s, uint64_t va, uint64_t *left)
{
	uint64_t e = s->table, addr, size;
	unsigned int level = DSA_PT_LEVELS;

	if (va >> DSA_VA_BITS)
		return NULL;
	do {
		e = *entry(s, e, va, --level);
		if (!(e & DSA_PTE_VALID))
			return NULL;
	} while (!(e & DSA_PTE_LEAF));
	size = 1ull << DSA_PT_SHIFT(level);
	addr = (e & DSA_PTE_ADDR_MASK) + va % size;
	*left = size - va % size;
	return e & DSA_PTE_SYS ? s->ram + (addr - BUS_BASE) : s->hbm + addr;
}

bool memory_read(struct sim *s, uint64_t va, void *buf, size_t bytes)
{
	uint64_t left;

	for (uint8_t *to = buf; bytes;) {
		const uint8_t *p = memory_at(s, va, &left);
		size_t n = bytes < left ? bytes : left;

		if (!p)
			return false;
		memcpy(to, p, n);
		to += n;
		va += n;
		bytes -= n;
	}
	return true;
}

bool memory_write(struct sim *s, uint64_t va, const void *buf, size_t bytes)
{
	uint64_t left;

	for (const uint8_t *from = buf; bytes;) {
		uint8_t *p = memory_at(s, va, &left);
		size_t n = bytes < left ? bytes : left;

		if (!p)
			return false;
		memcpy(p, from, n);
		from += n;
		va += n;
		bytes -= n;
	}
	return true;
}
