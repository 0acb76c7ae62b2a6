// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static struct m_region *find(struct machine *m, uint64_t va)
{
	unsigned int i;

	for (i = 0; i < m->count; i++)
		if (va - m->regions[i].va < m->regions[i].size)
			return &m->regions[i];
	return NULL;
}

static enum rv_fill_result fill(void *opaque, uint64_t va, enum rv_access access,
				struct rv_tlb_fill *out)
{
	struct machine *m = opaque;
	struct m_region *r = find(m, va);

	m->fills++;
	if (!r || !(r->perm & access)) {
		out->code = r ? M_CODE_PERM : M_CODE_UNMAPPED;
		return RV_FILL_PAGE_FAULT;
	}
	out->va = va & ~(uint64_t)(RV_PAGE_SIZE - 1);
	out->size = RV_PAGE_SIZE;
	out->host = r->slow ? NULL : r->host + (out->va - r->va);
	out->perm = r->perm;
	return RV_FILL_OK;
}

static uint32_t slow_read(void *opaque, uint64_t va, enum rv_access access, void *buf,
			  unsigned int size)
{
	struct machine *m = opaque;
	struct m_region *r = find(m, va);

	(void)access;
	m->slow_reads++;
	if (r->broken)
		return M_CODE_BUS;
	memcpy(buf, r->host + (va - r->va), size);
	return 0;
}

static uint32_t slow_write(void *opaque, uint64_t va, const void *buf, unsigned int size)
{
	struct machine *m = opaque;
	struct m_region *r = find(m, va);

	m->slow_writes++;
	if (r->broken)
		return M_CODE_BUS;
	memcpy(r->host + (va - r->va), buf, size);
	return 0;
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

unsigned int m_vlen = 4096, m_spad_size = M_SPAD_SIZE;

struct machine *m_new(void)
{
	struct machine *m = must(calloc(1, sizeof(*m)));
	void *spad = must(calloc(1, m_spad_size));
	struct rv_config cfg = {
		.opaque = m,
		.fill = fill,
		.read = slow_read,
		.write = slow_write,
		.amo_code = M_CODE_AMO,
		.exit_addr = M_EXIT,
		.spad_va = M_SPAD,
		.spad_size = m_spad_size,
		.spad = spad,
		.vlen = m_vlen,
		.memory_end = M_SPAD,
		.lane_bits = 4096,
	};

	m->spad = spad;
	if (!rv_hart_init(&m->hart, &cfg))
		must(NULL);
	return m;
}

void m_free(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++)
		free(m->regions[i].host);
	rv_hart_fini(&m->hart);
	free(m->spad);
	free(m);
}

struct m_region *m_map(struct machine *m, uint64_t va, uint64_t size, uint32_t perm)
{
	struct m_region *r = &m->regions[m->count++];

	size = (size + RV_PAGE_SIZE - 1) & ~(uint64_t)(RV_PAGE_SIZE - 1);
	*r = (struct m_region){ .va = va, .size = size, .perm = perm };
	r->host = must(aligned_alloc(RV_PAGE_SIZE, size));
	memset(r->host, 0, size);
	return r;
}

void *m_host(struct machine *m, uint64_t va)
{
	struct m_region *r = find(m, va);

	return must(r ? r->host + (va - r->va) : NULL);
}

void m_start(struct machine *m, uint64_t pc)
{
	rv_reset(&m->hart);
	m->hart.arch.pc = pc;
	m->hart.arch.x[1] = M_EXIT;
	m->hart.arch.x[2] = M_SPAD + m->hart.cfg.spad_size;
}

void m_put32(struct machine *m, uint64_t va, uint32_t insn)
{
	memcpy(m_host(m, va), &insn, 4);
}

static unsigned int tests, failures;

static void tap_header(void)
{
	static bool printed;

	if (!printed)
		printf("TAP version 13\n");
	printed = true;
}

void tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	tap_header();
	printf("%s %u ", ok ? "ok" : "not ok", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	failures += !ok;
}

void tap_diag(const char *fmt, ...)
{
	va_list ap;

	tap_header();
	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

int tap_done(void)
{
	printf("1..%u\n", tests);
	return failures != 0;
}
