/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of num/ share, and mat/ uses for whole rows. */
#ifndef DSA_CORE_NUM_NUM_INT_H
#define DSA_CORE_NUM_NUM_INT_H

#include <string.h>

#include "num.h"

/* For buffers: builds that clear all variables (QEMU's) would clear them for every row. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define NUM_BUFFER __attribute__((uninitialized))
#else
#define NUM_BUFFER
#endif

/*
 * A plain format, seen as magnitudes on a grid: the spacing is 2^(emin - mbits)
 * below 2^(emin + 1) and doubles with each binade. Integers are the case where
 * the spacing of 1 reaches beyond their range.
 */
struct num_fmt {
	unsigned int bits; /* sign included */
	unsigned int mbits;
	int emin;
	bool integer;
	uint64_t max;     /* magnitude code of the largest finite value */
	uint64_t over;    /* what overflows become when not saturating */
	uint64_t nan;     /* what NaN becomes; above max and not over: a NaN */
	uint64_t max_neg; /* integers: largest magnitude below zero */
};

const struct num_fmt *num_fmt(enum num_type t);

static inline bool num_over_is_nan(const struct num_fmt *f)
{
	return f->over == f->nan && f->over > f->max;
}

/* Whether every value is one of FP32 as well. */
static inline bool num_fits_f32(enum num_type t)
{
	return t != NUM_FP64 && t != NUM_INT32;
}

/* The element type inside a block. */
enum num_type num_block_element(enum num_type t);

/* 2^(code - 127), NaN for 0xff. */
static inline float num_scale_f32(uint8_t code)
{
	uint32_t bits = code == 0xff ? 0x7fc00000 : code ? (uint32_t)code << 23 : 0x00400000;
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

#define NUM_CHUNK 256 /* elements; a multiple of NUM_BLOCK */

/*
 * Rows at a time. @n is at most NUM_CHUNK for codes, any for the others.
 * decode: codes (a byte each for types up to 8 bits, else as stored) to FP32.
 * encode: FP32 to codes likewise. MXINT8's elements are INT8 here.
 */
struct num_ops {
	void (*unpack)(uint8_t *codes, const uint8_t *packed, unsigned int bits, size_t n);
	void (*pack)(uint8_t *packed, const uint8_t *codes, unsigned int bits, size_t n);
	void (*decode)(float *dst, enum num_type t, const void *codes, size_t n);
	void (*encode)(void *codes, enum num_type t, const float *src, size_t n,
		       const struct num_round *round);
	/* In place: block i of 32 times scale[i] */
	void (*scale)(float *v, const float *scale, size_t n);
	/* dst[i] = src[i] * scale */
	void (*widen)(double *dst, const int32_t *src, double scale, size_t n);
	/* These two are NULL in plain C. FP64 to FP64, FP32 or INT32, to nearest. */
	void (*encode_wide)(void *dst, enum num_type t, const double *src, size_t n, bool saturate);
	/*
	 * FP64 to FP32, rounded to odd: toward zero, then the last bit set when inexact. Rounding
	 * the result to nearest in a format of at most 22 bits gives what rounding once would.
	 */
	void (*narrow_odd)(float *dst, const double *src, size_t n);
};

extern const struct num_ops num_ops_plain, num_ops_avx2, num_ops_avx512;

const struct num_ops *num_ops_of(enum num_isa isa);

/*
 * Elements @first (a multiple of NUM_BLOCK) to @first + @n of a row, as FP32. @t is anything but
 * FP64 and INT32. Needs num_fp_enter().
 */
void num_row_decode(const struct num_ops *ops, float *dst, enum num_type t, const void *row,
		    const uint8_t *scales, size_t first, size_t n);
/* A whole row from FP32. @t: plain, anything but FP64 and INT32. */
void num_row_encode(const struct num_ops *ops, void *row, enum num_type t, const float *src,
		    size_t n, const struct num_round *round);
/* From FP64 to any plain type. */
void num_row_encode_f64(const struct num_ops *ops, void *row, enum num_type t, const double *src,
			size_t n, const struct num_round *round);

/* At most NUM_CHUNK elements from FP32, into blocks. */
void num_block_encode(enum num_type t, void *data, uint8_t *scales, const float *src, size_t n,
		      const struct num_round *round);

/* The host's rounding to nearest with subnormals and without traps, whatever the caller had. */
#if defined(__x86_64__)

static inline uint32_t num_fp_enter(void)
{
	uint32_t old, mine = 0x1f80;

	__asm__ volatile("stmxcsr %0" : "=m"(old) : : "memory");
	__asm__ volatile("ldmxcsr %0" : : "m"(mine) : "memory");
	return old;
}

static inline void num_fp_leave(uint32_t old)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(old) : "memory");
}

#else

#include <fenv.h>

static inline uint32_t num_fp_enter(void)
{
	uint32_t old = (uint32_t)fegetround();

	fesetround(FE_TONEAREST);
	return old;
}

static inline void num_fp_leave(uint32_t old)
{
	fesetround((int)old);
}

#endif

#endif /* DSA_CORE_NUM_NUM_INT_H */
