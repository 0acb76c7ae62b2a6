// SPDX-License-Identifier: MIT
/* Kernels for the test beside this file: im2col, lists of rows, atomics on floating point numbers. */
#include <dsa/kernel.h>

#define PIXELS   64 /* a program makes so many of the outputs ... */
#define OUTPUTS  64 /* ... of so many output channels at most */
#define CHANNELS 32 /* that are multiplied at a time */

struct conv {
	uint32_t images, height, width, channels, outputs; /* tensors: NHWC */
	uint32_t taps_h, taps_w, stride_h, stride_w, dilation_h, dilation_w;
	uint32_t top, bottom, left, right; /* padding */
};

struct stage {
	struct dsa_mbarrier full;
	_Alignas(1024) uint16_t pixels[PIXELS * CHANNELS], weights[CHANNELS * OUTPUTS];
};

struct workspace {
	struct stage stage[2];
	float sums[PIXELS * OUTPUTS];
};

static struct dsa_tensor_map image_map(const uint16_t *x, const struct conv *c, uint64_t *outputs)
{
	struct dsa_tensor_map m = {
		.base = (uint64_t)x,
		.strides = { c->channels * 2, c->channels * c->width * 2,
			     (uint64_t)c->channels * c->width * c->height * 2 },
		.dims = { c->channels, c->width, c->height, c->images },
		.box = { CHANNELS, PIXELS },
		.steps = { 1, 1, 1, 1 },
		.rank = 4,
		.type = DSA_TYPE_BF16,
	};

	*outputs = c->images;
	*outputs *= dsa_im2col_corners(&m, 1, c->taps_w, c->stride_w, c->dilation_w, c->left,
				       c->right);
	*outputs *= dsa_im2col_corners(&m, 2, c->taps_h, c->stride_h, c->dilation_h, c->top,
				       c->bottom);
	return m;
}

/* Of each tap a matrix, channels down and outputs across. */
static struct dsa_tensor_map weight_map(const uint16_t *w, const struct conv *c)
{
	return (struct dsa_tensor_map){
		.base = (uint64_t)w,
		.strides = { c->outputs * 2, (uint64_t)c->outputs * c->channels * 2 },
		.dims = { c->outputs, c->channels, c->taps_h * c->taps_w },
		.box = { OUTPUTS, CHANNELS, 1 },
		.steps = { 1, 1, 1 },
		.rank = 3,
		.type = DSA_TYPE_BF16,
	};
}

static struct dsa_tensor_map output_map(float *y, const struct conv *c, uint64_t outputs)
{
	return (struct dsa_tensor_map){
		.base = (uint64_t)y,
		.strides = { c->outputs * 4 },
		.dims = { c->outputs, (uint32_t)outputs },
		.box = { OUTPUTS, PIXELS },
		.steps = { 1, 1 },
		.rank = 2,
		.type = DSA_TYPE_F32,
	};
}

/* Step by step: the taps, and for each the channels. */
DSA_KERNEL_SIZED(conv2d, sizeof(struct workspace), 0, (float *, y), (const uint16_t *, x),
		 (const uint16_t *, w), (struct conv, c))
{
	struct workspace *s = dsa_scratchpad();
	uint64_t outputs;
	struct dsa_tensor_map in = image_map(x, &c, &outputs), weights = weight_map(w, &c);
	struct dsa_tensor_map out = output_map(y, &c, outputs);
	int32_t first = (int32_t)(dsa_program_id(0) * PIXELS);
	uint32_t groups = (c.channels + CHANNELS - 1) / CHANNELS;
	uint32_t steps = c.taps_h * c.taps_w * groups;
	struct dsa_matrix_op mul = {
		.d = dsa_tile(DSA_TYPE_F32, s->sums, OUTPUTS * 4),
		.m = PIXELS,
		.n = OUTPUTS,
		.k = CHANNELS,
		.scale = 1,
	};

	dsa_mbarrier_init(&s->stage[0].full, 1);
	dsa_mbarrier_init(&s->stage[1].full, 1);
	/* Step i is loaded while i - 1 is multiplied. */
	for (uint32_t i = 0; i <= steps; i++) {
		struct stage *next = &s->stage[i % 2], *now = &s->stage[(i + 1) % 2];
		uint32_t tap = i / groups, channel = i % groups * CHANNELS;

		if (i < steps) {
			dsa_matrix_wait(); /* i - 2: its stage is free */
			dsa_mbarrier_expect(&next->full,
					    sizeof(next->pixels) + sizeof(next->weights));
			dsa_tensor_load_im2col(next->pixels, &in, &next->full, (int32_t)channel,
					       first, (uint16_t)(tap % c.taps_w * c.dilation_w),
					       (uint16_t)(tap / c.taps_w * c.dilation_h), 0);
			dsa_tensor_load(next->weights, &weights, &next->full, 0, (int32_t)channel,
					(int32_t)tap);
			dsa_mbarrier_arrive(&next->full);
		}
		if (!i)
			continue;
		dsa_mbarrier_wait(&now->full, (i - 1) / 2 & 1);
		mul.a = dsa_tile(DSA_TYPE_BF16, now->pixels, CHANNELS * 2);
		mul.b = dsa_tile(DSA_TYPE_BF16, now->weights, OUTPUTS * 2);
		dsa_matrix_start(&mul);
		mul.c = mul.d;
	}
	dsa_matrix_wait();
	dsa_tensor_store(&out, s->sums, 0, first);
}

#define ROWS 32 /* of a batch */

static struct dsa_tensor_map table_map(float *table, uint32_t words, uint32_t width)
{
	return (struct dsa_tensor_map){
		.base = (uint64_t)table,
		.strides = { width * 4 },
		.dims = { width, words },
		.box = { (uint16_t)width, ROWS },
		.steps = { 1, 1 },
		.rank = 2,
		.type = DSA_TYPE_F32,
	};
}

/* y[i] = table[ids[i]]: a batch a program. */
DSA_KERNEL_SIZED(embed, 64 << 10, 0, (float *, y), (float *, table), (const int32_t *, ids),
		 (uint32_t, count), (uint32_t, words), (uint32_t, width))
{
	struct dsa_tensor_map map = table_map(table, words, width);
	struct dsa_mbarrier *bar = dsa_scratchpad();
	float *rows = (float *)(bar + 1);
	uint32_t first = (uint32_t)dsa_program_id(0) * ROWS, n = count - first;

	n = n < ROWS ? n : ROWS;
	dsa_mbarrier_init(bar, 1);
	dsa_mbarrier_expect(bar, (uint64_t)n * width * 4);
	dsa_tensor_gather(rows, &map, bar, 0, ids + first, n);
	dsa_mbarrier_arrive(bar);
	dsa_mbarrier_wait(bar, 0);
	__builtin_memcpy(y + (uint64_t)first * width, rows, (uint64_t)n * width * 4);
}

/* table[ids[i]] += x[i] */
DSA_KERNEL_SIZED(embed_back, 64 << 10, 0, (float *, table), (const float *, x),
		 (const int32_t *, ids), (uint32_t, count), (uint32_t, words), (uint32_t, width))
{
	struct dsa_tensor_map map = table_map(table, words, width);
	float *rows = dsa_scratchpad();
	uint32_t first = (uint32_t)dsa_program_id(0) * ROWS, n = count - first;

	n = n < ROWS ? n : ROWS;
	__builtin_memcpy(rows, x + (uint64_t)first * width, (uint64_t)n * width * 4);
	dsa_tensor_scatter_add(&map, rows, 0, ids + first, n);
}

/* table[ids[i]] = x[i], of one program: the last of equals stays. */
DSA_KERNEL_SIZED(embed_set, 64 << 10, 0, (float *, table), (const float *, x),
		 (const int32_t *, ids), (uint32_t, count), (uint32_t, words), (uint32_t, width))
{
	struct dsa_tensor_map map = table_map(table, words, width);
	float *rows = dsa_scratchpad();

	__builtin_memcpy(rows, x, (uint64_t)count * width * 4);
	dsa_tensor_scatter(&map, rows, 0, ids, count);
}

struct totals {
	double f64;
	float f32, least, most;
	_Float16 f16;
	__bf16 bf16;
};

/* Each program puts its own number in; what it found goes to @found. */
DSA_KERNEL(total, (struct totals *, t), (double *, found))
{
	uint64_t me = dsa_program_id(0);
	float v = (float)me - 10;

	found[me] = dsa_atomic_fadd_f64(&t->f64, v);
	dsa_atomic_fadd_f32(&t->f32, v);
	dsa_atomic_fmin_f32(&t->least, v);
	dsa_atomic_fmax_f32(&t->most, v);
	dsa_atomic_fadd_f16(&t->f16, (_Float16)(me & 1 ? 1.0f : -0.5f));
	dsa_atomic_fadd_bf16(&t->bf16, (__bf16)(me & 1 ? 1.0f : -0.5f));
}
