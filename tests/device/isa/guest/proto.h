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
 * MODE_VECTOR: the same, and the answer to a batch is followed by as many
 * struct isa_vresult. Vector registers are filled by fill_vectors() before each
 * case.
 *
 * MODE_PROGRAMS: runs all entries of the program table (linked at
 * PROGS_VA); the answer is a struct prog_result for each.
 */
#ifndef ISA_PROTO_H
#define ISA_PROTO_H

#include <stdint.h>

#define MODE_CASES    1
#define MODE_PROGRAMS 2
#define MODE_VECTOR   3

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
#define MAX_VLENB   128 /* the reference has no more */

struct isa_case {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t fcsr;
	uint64_t vl, vtype, vstart, vcsr;
	uint64_t vseed;
	/* Registers with elements of log2 size @small_size, all below a limit. */
	uint32_t small_reg, small_count, small_size, small_mask;
	uint8_t code[SLOT_SIZE];
};

struct isa_result {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t fcsr;
	uint64_t signal; /* that ended it, or 0: SIGILL or SIGTRAP */
	uint64_t pc;     /* of that, else 0 */
	uint64_t hash;   /* of the data area */
};

struct isa_vresult {
	uint64_t vl, vtype, vstart, vcsr;
	uint8_t v[32 * MAX_VLENB];
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

static inline uint64_t mix(uint64_t v)
{
	v += 0x9e3779b97f4a7c15ull;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
	v = (v ^ v >> 27) * 0x94d049bb133111ebull;
	return v ^ v >> 31;
}

/* One floating-point number of 2, 4 or 8 bytes, often an odd one. */
static inline uint64_t fp_pattern(uint64_t r, unsigned int size)
{
	unsigned int fbits = size == 2 ? 10 : size == 4 ? 23 : 52;
	unsigned int ebits = 8 * size - 1 - fbits;
	uint64_t emax = (1ull << ebits) - 1, bias = emax >> 1, frac = r >> 12;
	uint64_t sign = (r >> 8 & 1) << (8 * size - 1), fmask = (1ull << fbits) - 1, e;

	switch (r & 15) {
	case 0:
		return sign;
	case 1:
		return sign | emax << fbits;
	case 2:
		return sign | emax << fbits | 1ull << (fbits - 1) | (r >> 9 & 1);
	case 3:
		return sign | emax << fbits | 1ull << (r >> 9 & 7);
	case 4: /* subnormal */
		return sign | ((frac & fmask) >> (r >> 4 & 7));
	case 5: /* near the ends */
		return sign | (r >> 9 & 1 ? emax - 1 - (r >> 4 & 3) : 1 + (r >> 4 & 3)) << fbits |
		       (r >> 10 & 1 ? fmask : frac & fmask);
	case 6: /* few bits: ties */
		e = bias - 2 + (r >> 4 & 15);
		return sign | (e & emax) << fbits | (frac & 15) << (fbits - 4);
	case 7:
		return sign | bias << fbits;
	case 8:
	case 9:
	case 10: /* around one, and around the integers' limits */
		e = bias - 4 + (frac >> 52 & 7) + (r & 1 ? 8u * (r >> 4 & 7) : 0);
		return sign | (e < emax ? e : bias) << fbits | (frac & fmask);
	default:
		return sign | (frac & (((uint64_t)1 << (8 * size - 1)) - 1));
	}
}

static inline uint64_t vector_word(uint64_t seed, uint64_t i)
{
	uint64_t r = mix(seed + i * 0x632be59bd9b4e019ull), v = 0, k;

	switch (seed & 7) {
	case 0:
	case 1:
		for (k = 0; k < 4; k++)
			v |= (fp_pattern(mix(r + k), 2) & 0xffff) << 16 * k;
		return v;
	case 2:
	case 3:
		return (fp_pattern(r, 4) & 0xffffffff) | fp_pattern(mix(r), 4) << 32;
	case 4:
		return fp_pattern(r, 8);
	case 5: /* extreme bytes */
		for (k = 0; k < 8; k++)
			v |= (uint64_t)("\x00\xff\x7f\x80\x01\x00\xff\xfe"[r >> 3 * k & 7] & 0xff)
			     << 8 * k;
		return v;
	default:
		return r;
	}
}

static inline void fill_vectors(const struct isa_case *c, uint64_t *v, uint64_t vlenb)
{
	uint64_t words = vlenb / 8, i, mask = c->small_mask, first = c->small_reg * words;

	for (i = 0; i < 32 * words; i++)
		v[i] = vector_word(c->vseed, i);
	/* v0 is a mask more often than not. */
	for (i = 0; i < words && (c->vseed & 8); i++)
		v[i] = mix(c->vseed ^ i) | (c->vseed & 16 ? mix(c->vseed + 77 + i) : 0);
	for (i = c->small_size; i < 3; i++)
		mask |= mask << (8u << i);
	for (i = first; i < first + c->small_count * words; i++)
		v[i] = mix(v[i]) & mask;
}

#endif
