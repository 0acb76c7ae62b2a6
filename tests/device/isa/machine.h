/* SPDX-License-Identifier: MIT */
/* A hart with a few memory regions around it, for the ISA tests. */
#ifndef ISA_MACHINE_H
#define ISA_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "rv.h"

#define M_EXIT      0xffffffffffff0000ull
#define M_SPAD      (1ull << 48)
#define M_SPAD_SIZE (256u << 10)
#define M_REGIONS   8

/* Codes in fault records. */
#define M_CODE_UNMAPPED 10
#define M_CODE_PERM     11
#define M_CODE_BUS      14
#define M_CODE_AMO      77

struct m_region {
	uint64_t va, size;
	uint8_t *host;
	uint32_t perm;
	bool slow;   /* through callbacks, as system memory is */
	bool broken; /* slow, and every access fails */
};

struct machine {
	struct rv_hart hart;
	struct m_region regions[M_REGIONS];
	unsigned int count;
	uint64_t fills, slow_reads, slow_writes;
	uint8_t *spad;
};

/* Bits of a vector register, bytes of scratchpad in machines made from now on. */
extern unsigned int m_vlen, m_spad_size;

/* All of these end the test program when memory runs out. */
struct machine *m_new(void);
void m_free(struct machine *m);
/* Zeroed memory at @va; returns the region. @size is rounded up to pages. */
struct m_region *m_map(struct machine *m, uint64_t va, uint64_t size, uint32_t perm);
/* Host pointer of a guest address that is mapped. */
void *m_host(struct machine *m, uint64_t va);
/* Registers as at the start of a program: sp, ra, pc. */
void m_start(struct machine *m, uint64_t pc);
void m_put32(struct machine *m, uint64_t va, uint32_t insn);

/* TAP on standard output. */
void tap_ok(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints the plan; the exit status of the test. */
int tap_done(void);

#endif
