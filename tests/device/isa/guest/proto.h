/* SPDX-License-Identifier: MIT */
/*
 * What the test driver and the program under qemu-riscv64 agree on. A run of
 * the program reads one header from its standard input and answers on its
 * standard output.
 *
 * MODE_CASES: batches of cases follow, each a 32-bit count and the cases; a
 * count of zero ends. The answer to a batch is as many results. Case i of a
 * batch has its code at CODE_VA + i * SLOT_SIZE, which is copied there as a
 * whole; execution begins at CODE_OFFSET in the slot and ends by a jump to
 * STUB_VA with whatever register for the return address. x31 always holds
 * CTX_VA. The data area is set to the same pattern before each case.
 *
 * MODE_PROGRAMS: runs all entries of the program table (linked at
 * PROGS_VA); the answer is a struct prog_result for each.
 */
#ifndef ISA_PROTO_H
#define ISA_PROTO_H

#include <stdint.h>

#define MODE_CASES    1
#define MODE_PROGRAMS 2

#define SLOT_SIZE   256
#define CODE_OFFSET 32
#define BATCH       2048
#define CODE_VA     0x40000000ull
#define STUB_VA     (CODE_VA + BATCH * SLOT_SIZE)
#define CODE_SIZE   (BATCH * SLOT_SIZE + 4096)
#define CTX_VA      0x60000000ull
#define DATA_VA     0x50000000ull
#define DATA_SIZE   0x4000
#define PROGS_VA    0x800000
#define NAMES_VA    0x801000
#define PROG_BUF    65536

struct isa_case {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t fcsr;
	uint8_t code[SLOT_SIZE];
};

struct isa_result {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t fcsr;
	uint64_t illegal; /* 1: ended by SIGILL */
	uint64_t pc;      /* of that, else 0 */
	uint64_t hash;    /* of the data area */
};

struct prog_result {
	uint64_t value;
	uint64_t hash; /* of its buffer */
};

/* Byte @i of the data area before each case. */
static inline uint64_t data_pattern(uint64_t word)
{
	return (word + 1) * 0x9e3779b97f4a7c15ull;
}

static inline uint64_t hash_words(const uint64_t *p, uint64_t words)
{
	uint64_t hash = 0xcbf29ce484222325ull, i;

	for (i = 0; i < words; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return hash;
}

#endif
