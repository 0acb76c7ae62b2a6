/* SPDX-License-Identifier: MIT */
/* What the tests of elements (main.c) and of blocks (blocks.c) share. */
#ifndef TESTS_NUM_FORMATS_H
#define TESTS_NUM_FORMATS_H

#include <string.h>

#include "num/num.h"
#include "tap.h"

static const struct num_round rne = { .mode = NUM_RNE, .step = 1 };
static const struct num_round rne_sat = { .mode = NUM_RNE, .saturate = true, .step = 1 };

static inline uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline float bits_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline double bits_double(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

static inline uint64_t double_bits(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

static inline bool same(double a, double b)
{
	return (a != a && b != b) || double_bits(a) == double_bits(b);
}

#define FOR_EACH(t, list)                                                                          \
	for (size_t i_##t = 0; i_##t < sizeof(list) / sizeof(*(list)) && ((t) = (list)[i_##t], 1); \
	     i_##t++)

/* The value of a code by its format's definition. */
double defined_value(enum num_type t, uint32_t c);

/* Tests of blocks. */
void mx_decode_all(void);
void gguf_decode(void);
void mx_encode(void);
void mx_encode_stochastic(void);
void gguf_encode(void);
void block_tails(void);
void block_conversions(void);
void wide_to_blocks(void);

#endif
