/* SPDX-License-Identifier: MIT */
/* im2col loads against a convolution's own definition, and what they refuse. */
#include "tensor_model.h"

/* A convolution: of 1 to 3 dimensions of space, innermost first. */
struct conv {
	unsigned int space;
	uint32_t channels, images, in[3];
	unsigned int taps[3], stride[3], dilation[3], before[3], after[3]; /* padding */
	uint64_t out[3];
};

static unsigned int reach(const struct conv *c, unsigned int s)
{
	return (c->taps[s] - 1) * c->dilation[s];
}

static void random_conv(struct conv *c, uint64_t *seed)
{
	*c = (struct conv){ .space = 1 + rnd(seed) % 3 };
	c->channels = 1 + rnd(seed) % 40;
	c->images = 1 + rnd(seed) % 3;
	for (unsigned int s = 0; s < c->space; s++) {
		c->in[s] = 1 + rnd(seed) % (s ? 6 : 14);
		c->taps[s] = 1 + rnd(seed) % 4;
		c->stride[s] = 1 + rnd(seed) % 3;
		c->dilation[s] = 1 + rnd(seed) % 3;
		c->before[s] = rnd(seed) % 4;
		c->after[s] = rnd(seed) % 4;
		/* The filter fits at least once. */
		while (c->in[s] + c->before[s] + c->after[s] < reach(c, s) + 1)
			c->after[s]++;
		c->out[s] = (c->in[s] + c->before[s] + c->after[s] - reach(c, s) - 1) /
				    c->stride[s] +
			    1;
	}
}

static struct dsa_tensor_map conv_map(const struct conv *c, uint64_t *seed)
{
	static const uint8_t types[] = { DSA_TYPE_I8, DSA_TYPE_BF16, DSA_TYPE_F32, DSA_TYPE_F64 };
	struct dsa_tensor_map m = { .base = VA_HBM + DATA, .rank = 2 + c->space };
	uint64_t span;

	m.mode = DSA_TENSOR_IM2COL;
	m.type = types[rnd(seed) % 4];
	m.swizzle = rnd(seed) % 4;
	m.fill = type_nan[m.type] && rnd(seed) % 2;
	m.dims[0] = c->channels;
	m.steps[0] = rnd(seed) % 4 ? 1 : 2;
	span = c->channels * type_size[m.type];
	for (unsigned int d = 1; d < m.rank; d++) {
		m.strides[d - 1] = span + rnd(seed) % 3 * type_size[m.type];
		m.dims[d] = d <= c->space ? c->in[d - 1] : c->images;
		m.steps[d] = d <= c->space ? c->stride[d - 1] : 1;
		span = m.strides[d - 1] * m.dims[d];
	}
	for (unsigned int s = 0; s < c->space; s++) {
		m.lower[s] = (int16_t)-c->before[s];
		m.upper[s] = (int16_t)((int)c->after[s] - (int)reach(c, s));
	}
	m.box[0] = 1 + rnd(seed) % 40;
	m.box[1] = 1 + rnd(seed) % (MODEL_ELEMS / m.box[0] / 8);
	return m;
}

/* What output number @number (over positions, then images) takes from @channel by the tap. */
static int64_t conv_input(const struct conv *c, const struct dsa_tensor_map *m, __int128 number,
			  const unsigned int *tap, int64_t channel)
{
	int64_t at = channel * type_size[m->type];
	bool inside = channel >= 0 && channel < c->channels && number >= 0;

	for (unsigned int s = 0; s < c->space && inside; s++) {
		int64_t o = (int64_t)(number % c->out[s]);
		int64_t i = o * c->stride[s] - c->before[s] + tap[s] * c->dilation[s];

		number /= c->out[s];
		inside = i >= 0 && i < c->in[s];
		at += i * (int64_t)m->strides[s];
	}
	if (!inside || number >= c->images)
		return -1;
	return at + (int64_t)number * (int64_t)m->strides[c->space];
}

/* The first output that @coord means: a number, whatever its digits are. */
static __int128 first_output(const struct conv *c, const int32_t *coord)
{
	__int128 number = coord[c->space + 1];

	for (unsigned int s = c->space; s--;)
		number = number * c->out[s] + coord[s + 1];
	return number;
}

static void random_start(const struct conv *c, int32_t *coord, uint64_t *seed)
{
	uint64_t outputs = c->images;

	for (unsigned int s = 0; s < c->space; s++)
		outputs *= c->out[s];
	memset(coord, 0, DSA_TENSOR_RANK * sizeof(*coord));
	coord[0] = (int32_t)(rnd(seed) % (c->channels + 10)) - 5;
	switch (rnd(seed) % 4) {
	case 0: /* anything at all */
		for (unsigned int d = 1; d < c->space + 2; d++)
			coord[d] = (int32_t)rnd(seed);
		break;
	case 1: /* a number of pixels */
		coord[1] = (int32_t)(rnd(seed) % (outputs + 20)) - 10;
		break;
	default:
		for (unsigned int s = 0; s < c->space; s++)
			coord[s + 1] = (int32_t)(rnd(seed) % c->out[s]);
		coord[c->space + 1] = (int32_t)(rnd(seed) % c->images);
	}
}

static void load_one(struct rig *r, uint64_t *seed)
{
	static int64_t at[MODEL_ELEMS];
	struct conv c;
	struct dsa_tensor_map m;
	struct dsa_tensor_op o;
	int32_t coord[DSA_TENSOR_RANK];
	unsigned int tap[3];
	uint64_t n = 0;
	__int128 first;

	random_conv(&c, seed);
	m = conv_map(&c, seed);
	random_start(&c, coord, seed);
	o = box_op(r, DSA_TENSOR_LOAD, &m, coord);
	for (unsigned int s = 0; s < c.space; s++) {
		tap[s] = rnd(seed) % c.taps[s];
		o.taps[s] = (uint16_t)(tap[s] * c.dilation[s]);
	}
	first = first_output(&c, coord);
	for (uint64_t p = 0; p < m.box[1]; p++)
		for (uint64_t j = 0; j < m.box[0]; j++)
			at[n++] = conv_input(&c, &m, first + p, tap,
					     coord[0] + (int64_t)(j * m.steps[0]));
	CHECK(run_load(r, &o, n * type_size[m.type]));
	check_load(r, &m, at, n);
	o.op = DSA_TENSOR_PREFETCH;
	o.mbar = 0;
	rig_restart(r);
	rig_op(r, &o);
	CHECK(rig_run(r));
}

static void random_convolutions(void)
{
	struct rig r = rig_new();
	uint64_t seed = 21;

	random_bytes(r.d->hbm + DATA, DATA_BYTES, &seed);
	for (int i = 0; i < 500 && !test_failed; i++)
		load_one(&r, &seed);
	dev_free(r.d);
}

/* Corners and taps as far out as they go; nothing of the tensor is met. */
static void far_corners(void)
{
	struct rig r = rig_new();
	struct dsa_tensor_map m = {
		.base = VA_HBM + DATA,
		.rank = 5,
		.mode = DSA_TENSOR_IM2COL,
		.dims = { 4, 3, 3, 3, 3 },
		.strides = { 4, 12, 36, 108 },
		.steps = { 1, 65535, 1, 65535, 1 },
		.lower = { 32767, -32768, -32768 },
		.upper = { 32767, 32767, -32768 },
		.box = { 4, 4096 },
	};
	const int32_t coord[DSA_TENSOR_RANK] = { 0, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN };
	struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_LOAD, &m, coord);

	memset(r.d->hbm + DATA, 1, 4096);
	for (unsigned int i = 0; i < 3; i++)
		o.taps[i] = 65535;
	CHECK(run_load(&r, &o, 16384));
	for (unsigned int i = 0; i < 16384; i++)
		CHECK_EQ(r.d->hbm[OUT + i], 0);
	dev_free(r.d);
}

/* ---- refusals ---- */

CHANGE(mode, m->mode = 2)
CHANGE(rank2, (m->rank = 2, m->dims[2] = m->dims[3] = 0, m->steps[2] = m->steps[3] = 0,
	       m->strides[1] = m->strides[2] = 0))
CHANGE(box2, m->box[2] = 1)
CHANGE(box1, m->box[1] = 0)
CHANGE(image_step, m->steps[3] = 2)
CHANGE(no_position, m->upper[0] = -16 + m->lower[0])
CHANGE(no_position2, m->upper[1] = -32768)
CHANGE(corner_beyond, m->lower[2] = 1)
CHANGE(corner_beyond2, m->upper[2] = -1)
CHANGE(corner_tiled, (m->mode = DSA_TENSOR_TILED, m->box[2] = m->box[3] = 1))
CHANGE(reserved, m->reserved8[2] = 1)
CHANGE(reserved2, m->reserved32 = 1)
CHANGE(taps_beyond, op->taps[2] = 1)
CHANGE(taps_beyond2, op->taps[3] = 1)
CHANGE(taps_tiled, (corner_tiled(op, m), memset(m->lower, 0, 12), op->taps[0] = 1))
CHANGE(rows, (op->flags = DSA_TENSOR_ROWS, op->bytes = 4))
CHANGE(store, (op->op = DSA_TENSOR_STORE, op->mbar = 0))
CHANGE(add, (op->op = DSA_TENSOR_ADD, op->mbar = 0))
CHANGE(coord_beyond, op->coord[4] = 1)
CHANGE(large, (m->box[0] = 65535, m->box[1] = 65535))
CHANGE(unmapped, m->base = 0x1000)

static void refusals(void)
{
	static const struct refusal list[] = {
		{ mode, DSA_ERR_TENSOR_MAP },           { rank2, DSA_ERR_TENSOR_MAP },
		{ box2, DSA_ERR_TENSOR_MAP },           { box1, DSA_ERR_TENSOR_MAP },
		{ image_step, DSA_ERR_TENSOR_MAP },     { no_position, DSA_ERR_TENSOR_MAP },
		{ no_position2, DSA_ERR_TENSOR_MAP },   { corner_beyond, DSA_ERR_TENSOR_MAP },
		{ corner_beyond2, DSA_ERR_TENSOR_MAP }, { corner_tiled, DSA_ERR_TENSOR_MAP },
		{ reserved, DSA_ERR_TENSOR_MAP },       { reserved2, DSA_ERR_TENSOR_MAP },
		{ taps_beyond, DSA_ERR_TENSOR_OP },     { taps_beyond2, DSA_ERR_TENSOR_OP },
		{ taps_tiled, DSA_ERR_TENSOR_OP },      { rows, DSA_ERR_TENSOR_OP },
		{ store, DSA_ERR_TENSOR_OP },           { add, DSA_ERR_TENSOR_OP },
		{ coord_beyond, DSA_ERR_TENSOR_OP },    { large, DSA_ERR_SCRATCHPAD },
		{ unmapped, DSA_ERR_MMU_UNMAPPED },
	};

	const struct dsa_tensor_map m = {
		.base = VA_HBM + DATA,
		.rank = 4,
		.type = DSA_TYPE_F32,
		.mode = DSA_TENSOR_IM2COL,
		.dims = { 8, 16, 16, 2 },
		.strides = { 32, 512, 8192 },
		.steps = { 1, 2, 1, 1 },
		.box = { 8, 32 },
		.lower = { -1, -1 },
		.upper = { -1, -1 },
	};
	const struct dsa_tensor_op o = {
		.global = VA_HBM + MAPS,
		.spad = SPAD + SPAD_BOX,
		.mbar = SPAD,
	};

	check_refusals(list, sizeof(list) / sizeof(list[0]), &m, &o);
}

const struct test tensor_im2col_tests[] = { TEST(random_convolutions), TEST(far_corners),
					    TEST(refusals), TESTS_END };
