/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Number formats: what an encoding means, and conversions between any two.
 *
 * A conversion decodes the source exactly and rounds once into the target.
 * docs/numerics.md states the rules; scalar.c is the reference that follows
 * them word for word, the vector files give the same bits.
 *
 * Nothing here depends on, raises or leaves traces in the host's floating
 * point environment.
 */
#ifndef DSA_CORE_NUM_NUM_H
#define DSA_CORE_NUM_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum num_type {
	/* plain elements */
	NUM_FP64,
	NUM_FP32,
	NUM_TF32, /* kept in 32 bits like FP32; reading rounds to 10 mantissa bits */
	NUM_FP16,
	NUM_BF16,
	NUM_E4M3,
	NUM_E5M2,
	NUM_E2M3,
	NUM_E3M2,
	NUM_E2M1,
	NUM_INT32,
	NUM_INT8,
	NUM_UINT8,
	NUM_INT4,
	NUM_E8M0,
	/* blocks of 32 elements: these with scales (E8M0) in an array of their own ... */
	NUM_MXE4M3,
	NUM_MXE5M2,
	NUM_MXE2M3,
	NUM_MXE3M2,
	NUM_MXE2M1,
	NUM_MXINT8,
	/* ... and these with the scale (FP16) at the start of each block */
	NUM_Q8_0,
	NUM_Q4_0,
	NUM_TYPES
};

#define NUM_PLAIN_TYPES NUM_MXE4M3 /* elements are below, blocks from here on */
#define NUM_BLOCK       32

enum num_class { NUM_FLOAT, NUM_INT, NUM_SCALE, NUM_MX, NUM_GGUF };

struct num_info {
	const char *name;
	enum num_class class;
	unsigned int bits;  /* of an element as stored; blocks: without scale */
	unsigned int block; /* bytes of a block of 32 in the data array */
};

const struct num_info *num_info(enum num_type t);

/* Bytes that @n elements take in the data array, from the start of a byte (of a block). */
size_t num_bytes(enum num_type t, size_t n);

enum num_mode {
	NUM_RNE,        /* to nearest, ties to even */
	NUM_STOCHASTIC, /* away from zero with the probability of the discarded fraction */
};

struct num_round {
	enum num_mode mode;
	bool saturate; /* beyond the range: the largest finite value, also for infinities */
	uint64_t seed; /* of NUM_STOCHASTIC: element i uses num_random(seed, counter + i * step) */
	uint64_t counter;
	uint64_t step;
};

/* 32 random bits, a pure function of both arguments. */
uint32_t num_random(uint64_t seed, uint64_t counter);

/* ---- one element: the reference ---- */

/* Exact. NaN for any NaN. @t: plain. */
double num_decode(enum num_type t, uint64_t code);
/* @random: 32 bits for NUM_STOCHASTIC. */
uint64_t num_encode(enum num_type t, double value, const struct num_round *round, uint32_t random);

/*
 * Element @i of an array of plain elements: at bit i * bits, the least
 * significant bit of a byte first. Storing leaves the neighbours alone.
 */
uint64_t num_load(enum num_type t, const void *array, size_t i);
void num_store(enum num_type t, void *array, size_t i, uint64_t code);

/* Element @i of an array of blocks; @scales only for NUM_MX. As FP32, infinite beyond its range. */
float num_block_load(enum num_type t, const void *data, const uint8_t *scales, size_t i);

/* ---- arrays ---- */

/*
 * @n elements times @scale, plain or blocks on either side (scales NULL where
 * there are none). A @scale other than 1 is a rounding of its own: to nearest,
 * in FP64 for FP64 and INT32, in FP32 for all others. Into blocks, the values
 * pass through FP32, the scale is chosen as the format's specification says
 * (docs/numerics.md), and the rest of the last block is filled with zeros. The
 * arrays must not overlap.
 */
void num_convert(enum num_type to, void *dst, uint8_t *dst_scales, enum num_type from,
		 const void *src, const uint8_t *src_scales, size_t n, float scale,
		 const struct num_round *round);

/* ---- the host's instructions: the best there are, unless a test says otherwise ---- */

enum num_isa { NUM_ISA_PLAIN, NUM_ISA_AVX2, NUM_ISA_AVX512, NUM_ISA_VNNI, NUM_ISAS };

enum num_isa num_isa_best(void);
const char *num_isa_name(enum num_isa isa);
/* For tests, while nothing else runs. At most num_isa_best(). */
void num_isa_set(enum num_isa isa);
enum num_isa num_isa_get(void);

#endif /* DSA_CORE_NUM_NUM_H */
