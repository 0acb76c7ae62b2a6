// SPDX-License-Identifier: MIT
/*
 * What convert and gemm_block should compute: conversions are those of the
 * device tests' slow model, products are summed one after the other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../libdsa/kernels/convert.h"
#include "../../libdsa/kernels/gemm_block.h"
#include "../../libdsa/kernels/packed.h"
#include "../device/core/convert_ref.h"

#define SPAD DSA_SCRATCHPAD_BASE

/* A matrix somewhere in memory, as a tile: the model adds the base of its "scratchpad", the null pointer. */
static struct dsa_matrix_tile tile(uint32_t type, const void *base, uint64_t pitch,
				   const void *scales, uint64_t scale_pitch)
{
	return (struct dsa_matrix_tile){
		.addr = SPAD + (uint64_t)base,
		.scales = packed_scaled(type) ? SPAD + (uint64_t)scales : 0,
		.pitch = (uint32_t)pitch,
		.scale_pitch = packed_scaled(type) ? (uint32_t)scale_pitch : 0,
		.type = (uint8_t)type,
	};
}

static void advance(struct dsa_matrix_tile *t, uint64_t row, uint64_t col)
{
	t->addr += row * t->pitch + packed_row(t->type, col);
	if (t->scales)
		t->scales += row * t->scale_pitch + packed_scales(col);
}

/* In the kernel's tiles: they say which random numbers an element takes. */
void ref_convert(const struct convert_args *c)
{
	uint64_t across = (c->cols + 511) / 512;

	for (uint32_t row = 0; row < c->rows; row += 32)
		for (uint32_t col = 0; col < c->cols; col += 512) {
			struct dsa_convert_op op = {
				.src = tile(c->src_type, c->src, c->src_pitch, c->src_scales,
					    c->src_scale_pitch),
				.dst = tile(c->dst_type, c->dst, c->dst_pitch, c->dst_scales,
					    c->dst_scale_pitch),
				.rows = c->rows - row < 32 ? c->rows - row : 32,
				.cols = c->cols - col < 512 ? c->cols - col : 512,
				.scale = c->scale,
				.flags = (uint8_t)c->flags,
				.seed = c->seed + row / 32 * across + col / 512,
			};

			advance(&op.src, row, col);
			advance(&op.dst, row, col);
			convert_ref(NULL, &op);
		}
}

/* Rows of any type as doubles, which hold them all. */
static double *decoded(struct dsa_matrix_tile src, uint32_t rows, uint32_t cols)
{
	double *out = malloc((size_t)rows * cols * sizeof(*out));
	struct dsa_convert_op op = {
		.src = src,
		.dst = tile(DSA_TYPE_F64, out, cols * sizeof(*out), NULL, 0),
		.rows = rows,
		.cols = cols,
		.scale = 1,
	};

	convert_ref(NULL, &op);
	return out;
}

static void product(void *sum, uint32_t type, double a, double b)
{
	if (type == DSA_TYPE_F64)
		*(double *)sum = fma(a, b, *(double *)sum);
	else if (type == DSA_TYPE_F32)
		*(float *)sum = fmaf((float)a, (float)b, *(float *)sum);
	else
		*(uint32_t *)sum += (uint32_t)((int32_t)a * (int32_t)b);
}

void ref_gemm_block(const struct gemm_block_args *g)
{
	uint32_t type = g->a_type == DSA_TYPE_F64 ? DSA_TYPE_F64 :
			g->a_type == DSA_TYPE_I8 || g->a_type == DSA_TYPE_U8 ||
					g->a_type == DSA_TYPE_I4 ?
						    DSA_TYPE_I32 :
						    DSA_TYPE_F32;
	uint64_t size = packed_bytes(type) / 32;
	double *a = decoded(tile(g->a_type, g->a, g->a_pitch, g->a_scales, g->a_scale_pitch), g->m,
			    g->k);
	double *b = decoded(tile(g->b_type, g->b, g->b_pitch, g->b_scales, g->b_scale_pitch), g->n,
			    g->k);
	uint8_t *sums = calloc((size_t)g->m * g->n, size);
	struct dsa_convert_op op = {
		.src = tile(type, sums, g->n * size, NULL, 0),
		.dst = tile(g->d_type, g->d, g->d_pitch, g->d_scales, g->d_scale_pitch),
		.rows = g->m,
		.cols = g->n,
		.scale = g->alpha,
		.flags = g->flags & GEMM_BLOCK_SATURATE ? DSA_CONVERT_SATURATE : 0,
	};

	for (uint64_t i = 0; i < g->m; i++)
		for (uint64_t j = 0; j < g->n; j++)
			for (uint64_t p = 0; p < g->k; p++)
				product(sums + (i * g->n + j) * size, type, a[i * g->k + p],
					b[j * g->k + p]);
	convert_ref(NULL, &op);
	free(a);
	free(b);
	free(sums);
}
