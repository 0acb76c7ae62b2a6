/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of mat/ share. */
#ifndef DSA_CORE_MAT_MAT_INT_H
#define DSA_CORE_MAT_MAT_INT_H

#include "../num/num_int.h"
#include "mat.h"

/*
 * The unit works on words: an FP32 or FP64 value, or as many integers along k
 * as the host multiplies and adds up in 32 bits at once. A block of MAT_KW words
 * along k is packed: A as rows of MAT_A_STRIDE words, B as panels of columns,
 * [word of k][column].
 */
#define MAT_KW       128
#define MAT_A_STRIDE (MAT_KW + 16) /* rows must not fall onto the same cache lines */
#define MAT_MAX_MR   12

/*
 * acc[i][j] += sum of a[i][k] * b[k][j] in increasing k, for a fixed number of rows and vectors.
 * Returns whether a NaN is among the sums: those may not be the canonical one.
 */
typedef bool (*mat_kernel)(const void *a, size_t lda, const void *b, void *acc, size_t ldacc,
			   size_t kw);

struct mat_kernel_set {
	unsigned int lanes; /* of a vector */
	unsigned int mr;
	mat_kernel kernel[2][MAT_MAX_MR]; /* [vectors - 1][rows - 1] */
};

struct mat_kernels {
	struct mat_kernel_set f32, f64, i32;
	unsigned int ints_per_word; /* 2: 16 bits each; 4: A unsigned, B signed bytes */
	/* dst[c][r] = src[r][c]; strides in words of 32 bits */
	void (*transpose32)(uint32_t *dst, size_t ldd, const uint32_t *src, size_t lds, size_t rows,
			    size_t cols);
	/* acc[i][j] += row[i] + col[j], in whole vectors; for ints_per_word 4 */
	void (*add_terms)(int32_t *acc, size_t ld, size_t m, size_t n, const int32_t *row,
			  const int32_t *col);
};

void mat_transpose32_avx2(uint32_t *dst, size_t ldd, const uint32_t *src, size_t lds, size_t rows,
			  size_t cols);

extern const struct mat_kernels mat_kernels_plain, mat_kernels_avx2, mat_kernels_avx512,
	mat_kernels_vnni;

/* An operand on its way into words. */
struct mat_source {
	const struct mat_tile *tile;
	const struct num_ops *ops;
	size_t word;           /* bytes */
	unsigned int per_word; /* elements along k */
	uint8_t flip;          /* of bytes, per_word 4 */
};

/* @n elements from @first of row @r of the tile as consecutive words, the last filled with zeros. */
void mat_row_words(const struct mat_source *s, void *dst, size_t r, size_t first, size_t n);
/*
 * per_word rows from @r (those below @end) side by side: word c has column c of each. Writes up to
 * 15 words more than @n.
 */
void mat_rows_interleaved(const struct mat_source *s, void *dst, size_t r, size_t end, size_t n);

/* @ld in elements of the accumulator; @tmp has room for m x n of them, and padding. */
void mat_load_c(const struct mat_op *op, const struct mat_kernels *k, enum num_type type, void *acc,
		size_t ld, void *tmp);
void mat_store_d(const struct mat_op *op, const struct mat_kernels *k, enum num_type type,
		 void *acc, size_t ld, void *tmp);

void mat_transpose(const struct mat_kernels *k, size_t word, void *dst, size_t ldd, const void *src,
		   size_t lds, size_t rows, size_t cols);

static inline uint8_t *mat_row(const struct mat_tile *t, size_t r)
{
	return (uint8_t *)t->data + r * t->pitch;
}

static inline const uint8_t *mat_row_scales(const struct mat_tile *t, size_t r)
{
	return t->scales ? t->scales + r * t->scale_pitch : NULL;
}

static inline size_t mat_round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

#endif /* DSA_CORE_MAT_MAT_INT_H */
