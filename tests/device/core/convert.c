/* SPDX-License-Identifier: MIT */
/* The conversion unit: every pair of types against a slow model, its refusals, its clock, its state. */
#include <math.h>
#include <stdlib.h>

#include "convert_ref.h"
#include "harness.h"
#include "num/num.h"

#define CODE 0x300000
#define CMDS 0x310000
#define OPS  0x320000
#define DATA 0x400000  /* what the scratchpad is filled with */
#define OUT  0x600000  /* what it is afterwards */
#define AREA 0x100000u /* of the scratchpad */

#define SPAD              DSA_SCRATCHPAD_BASE
#define SPAD_SIZE         (2u << 20)
#define X_CONVERT(f7, rs) r_type(0x2b, DSA_X_CONVERT, f7, X0, rs, X0)
#define X_MATRIX(f7, rs)  r_type(0x2b, DSA_X_MATRIX, f7, X0, rs, X0)
#define X_TENSOR(f7, rs)  r_type(0x2b, DSA_X_TENSOR, f7, X0, rs, X0)
#define BOX               0x1000 /* what programs convert begins there, the mbarrier is at 0 */

/* A program: fills the scratchpad, converts, stores it. A0 = OPS, A1 = the next operation. */
struct rig {
	struct dev *d;
	struct code k;
	uint64_t ops;
};

static void rig_bulk(struct rig *r, unsigned int op)
{
	struct dsa_tensor_op o = {
		.op = op,
		.flags = DSA_TENSOR_BULK,
		.global = VA_HBM + (op == DSA_TENSOR_LOAD ? DATA : OUT),
		.spad = SPAD + BOX,
		.mbar = op == DSA_TENSOR_LOAD ? SPAD : 0,
		.bytes = AREA - BOX,
	};

	memcpy(r->d->hbm + r->ops, &o, sizeof(o));
	emit(&r->k, X_TENSOR(DSA_X_TENSOR_START, A1));
	emit(&r->k, ADDI(A1, A1, sizeof(o)));
	r->ops += sizeof(o);
}

static void rig_begin(struct rig *r, struct dev *d)
{
	*r = (struct rig){ d, code_at(d, CODE), OPS };
	emit(&r->k, ADDI(S0, X0, 1));
	emit(&r->k, SLLI(S0, S0, 48));
	emit(&r->k, ADDI(A1, A0, 0));
	emit(&r->k, ADDI(T0, X0, 1));
	emit(&r->k, r_type(0x2b, DSA_X_MBAR, DSA_X_MBAR_INIT, X0, S0, T0));
	emit(&r->k, 0x37 | T1 << 7 | (AREA - BOX)); /* lui */
	emit(&r->k, r_type(0x2b, DSA_X_MBAR, DSA_X_MBAR_EXPECT, X0, S0, T1));
	rig_bulk(r, DSA_TENSOR_LOAD);
	emit(&r->k, r_type(0x2b, DSA_X_MBAR, DSA_X_MBAR_ARRIVE, T2, S0, T0));
	emit(&r->k, r_type(0x2b, DSA_X_MBAR, DSA_X_MBAR_WAIT, X0, S0, X0));
}

static void rig_convert(struct rig *r, const struct dsa_convert_op *op)
{
	memcpy(r->d->hbm + r->ops, op, sizeof(*op));
	emit(&r->k, X_CONVERT(DSA_X_CONVERT_START, A1));
	emit(&r->k, ADDI(A1, A1, sizeof(*op)));
	r->ops += sizeof(*op);
}

static void rig_wait(struct rig *r)
{
	emit(&r->k, X_CONVERT(DSA_X_CONVERT_WAIT, X0));
}

static void rig_launch(struct rig *r)
{
	struct cmds c = cmds_at(r->d, CMDS);

	emit(&r->k, RET);
	memset(r->d->hbm + CMDS + 0x800, 0, sizeof(struct dsa_launch_counters));
	cmd_launch(&c, VA_HBM + CODE, VA_HBM + OPS, 1, 1, 1)->counters = VA_HBM + CMDS + 0x800;
	submit_cmds(&c, 0);
}

/* True: it ended well. */
static bool rig_end(struct rig *r)
{
	uint64_t before = fence_now(r->d, 0);

	rig_bulk(r, DSA_TENSOR_STORE);
	rig_launch(r);
	dev_run(r->d);
	return fence_now(r->d, 0) != before;
}

static uint64_t rig_ns(struct rig *r)
{
	const struct dsa_launch_counters *n = (void *)(r->d->hbm + CMDS + 0x800);

	return n->end_ns - n->start_ns;
}

static struct dev *blank_device(void)
{
	struct dsa_core_config cfg;

	dev_config(&cfg);
	cfg.scratch_size = SPAD_SIZE;
	return dev_new_with(&cfg, 0);
}

static struct dev *new_device(void)
{
	struct dev *d = blank_device();

	queue_setup(d, 0, 1);
	return d;
}

/* ---- against the model ---- */

static const uint8_t all_types[] = {
	DSA_TYPE_F64,      DSA_TYPE_F32,      DSA_TYPE_TF32,     DSA_TYPE_F16,
	DSA_TYPE_BF16,     DSA_TYPE_F8E4M3,   DSA_TYPE_F8E5M2,   DSA_TYPE_F6E2M3,
	DSA_TYPE_F6E3M2,   DSA_TYPE_F4E2M1,   DSA_TYPE_I32,      DSA_TYPE_I8,
	DSA_TYPE_U8,       DSA_TYPE_I4,       DSA_TYPE_MXF8E4M3, DSA_TYPE_MXF8E5M2,
	DSA_TYPE_MXF6E2M3, DSA_TYPE_MXF6E3M2, DSA_TYPE_MXF4E2M1, DSA_TYPE_MXI8,
	DSA_TYPE_Q8_0,     DSA_TYPE_Q4_0,
};
#define TYPES sizeof(all_types)

static bool has_scales(uint8_t type)
{
	return type >= DSA_TYPE_MXF8E4M3 && type <= DSA_TYPE_MXI8;
}

static bool is_gguf(uint8_t type)
{
	return type == DSA_TYPE_Q8_0 || type == DSA_TYPE_Q4_0;
}

static struct dsa_matrix_tile tile(uint8_t type, uint64_t at, uint32_t pitch)
{
	return (struct dsa_matrix_tile){
		.addr = SPAD + at,
		.scales = has_scales(type) ? SPAD + at + 0x3801 : 0,
		.pitch = pitch,
		.scale_pitch = has_scales(type) ? 5 : 0,
		.type = type,
	};
}

/* Numbers of @type's kind at @p: all bits are possible, most are of moderate size. */
static void fill(uint8_t *p, size_t bytes, uint8_t type, uint64_t *seed)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)rnd(seed);
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		double v = ldexp((double)(int64_t)rnd(seed), (int)(rnd(seed) % 40) - 80);
		float f = (float)v;

		if (i / 8 % 8 == 0)
			continue;
		if (type == DSA_TYPE_F64)
			memcpy(p + i, &v, 8);
		if (type == DSA_TYPE_F32 || type == DSA_TYPE_TF32)
			memcpy(p + i, &f, 4);
		if (type == DSA_TYPE_I32)
			memcpy(p + i, &(int32_t){ (int32_t)rnd(seed) >> rnd(seed) % 31 }, 4);
	}
	for (size_t i = 1; is_gguf(type) && i < bytes; i += 2)
		if (p[i] > 0x7b) /* most d are finite */
			p[i] &= 0x7b;
}

static void compare(const struct rig *r, const uint8_t *want, const char *what)
{
	const uint8_t *got = r->d->hbm + OUT - BOX;

	for (size_t i = BOX; i < AREA; i++)
		if (got[i] != want[i]) {
			check_failed(__FILE__, __LINE__, "%s: byte 0x%zx is %#x, not %#x", what, i,
				     got[i], want[i]);
			return;
		}
}

/* One source to all types, in one program. */
static void from_type(struct dev *d, uint8_t from, struct dsa_convert_op op, uint64_t *seed)
{
	uint8_t *want = malloc(AREA), *data = d->hbm + DATA - BOX;
	struct rig r;
	char what[64];

	rig_begin(&r, d);
	fill(data + BOX, 0x3800, from, seed);
	for (size_t i = BOX + 0x3800; i < AREA; i++)
		data[i] = (uint8_t)rnd(seed); /* scales, and what must stay as it is */
	for (size_t i = 0; i < 0x400; i++)
		data[BOX + 0x3801 + i] = (uint8_t)(i % 9 ? 100 + rnd(seed) % 50 : rnd(seed));
	memcpy(want, data, AREA);
	op.src = tile(from, BOX, 1024);
	for (size_t i = 0; i < TYPES; i++) {
		struct dsa_convert_op o = op;

		o.dst = tile(all_types[i], 0x8000 + 0x8000 * i, 1040);
		if (is_gguf(all_types[i])) {
			o.flags &= ~DSA_CONVERT_STOCHASTIC;
			o.seed = 0;
		}
		rig_convert(&r, &o);
		convert_ref(want, &o);
	}
	rig_wait(&r);
	CHECK(rig_end(&r));
	snprintf(what, sizeof(what), "from type %u, flags %u, %ux%u", from, op.flags, op.rows,
		 op.cols);
	compare(&r, want, what);
	free(want);
}

static void all_pairs(void)
{
	static const struct dsa_convert_op ways[] = {
		{ .rows = 12, .cols = 100, .scale = 1 },
		{ .rows = 12, .cols = 128, .scale = 1, .flags = DSA_CONVERT_SATURATE },
		{ .rows = 11, .cols = 99, .scale = 1, .flags = DSA_CONVERT_STOCHASTIC, .seed = 77 },
		{ .rows = 9, .cols = 65, .scale = 0.3f },
		{ .rows = 1, .cols = 1, .scale = -3e30f },
		{ .rows = 3, .cols = 33, .scale = 1e-6f, .flags = DSA_CONVERT_STOCHASTIC },
	};
	struct dev *d = new_device();
	uint64_t seed = 30;

	for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
		num_isa_set(isa);
		for (size_t t = 0; t < TYPES; t++)
			for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++)
				from_type(d, all_types[t], ways[w], &seed);
	}
	num_isa_set(num_isa_best());
	dev_free(d);
}

/* Rows longer than any buffer inside, and more of them than once. */
static void long_rows(void)
{
	struct dev *d = new_device();
	uint64_t seed = 31;

	for (size_t t = 0; t < TYPES; t += 3) {
		struct dsa_convert_op op = { .rows = 2, .cols = 1000, .scale = 1 };
		uint8_t *want = malloc(AREA), *data = d->hbm + DATA - BOX;
		struct rig r;

		op.src = tile(all_types[t], BOX, 0x2000);
		op.dst = tile(all_types[(t * 5 + 2) % TYPES], 0x10000, 0x2000);
		op.src.scale_pitch *= 10;
		op.dst.scale_pitch *= 10;
		op.src.scales += op.src.scales ? 0x4000 : 0;
		op.dst.scales += op.dst.scales ? 0x4000 : 0;
		rig_begin(&r, d);
		fill(data + BOX, AREA - BOX, all_types[t], &seed);
		memcpy(want, data, AREA);
		convert_ref(want, &op);
		rig_convert(&r, &op);
		CHECK(rig_end(&r));
		compare(&r, want, "long rows");
		free(want);
	}
	dev_free(d);
}

/* However source and result lie over each other, it is as if the source were read first. */
static void overlaps(void)
{
	static const uint8_t types[] = { DSA_TYPE_F32, DSA_TYPE_BF16,     DSA_TYPE_I4,
					 DSA_TYPE_F64, DSA_TYPE_MXF4E2M1, DSA_TYPE_Q8_0 };
	struct dev *d = new_device();
	uint64_t seed = 32;

	for (int i = 0; i < 300; i++) {
		uint8_t *want = malloc(AREA), *data = d->hbm + DATA - BOX;
		struct dsa_convert_op op = { .scale = 1 };
		uint64_t at = BOX + rnd(&seed) % 64 * 16;
		uint32_t pitch = 16 * (uint32_t)(rnd(&seed) % 60);
		struct rig r;

		op.rows = 1 + rnd(&seed) % 20;
		op.cols = 1 + rnd(&seed) % 90;
		op.src = tile(types[rnd(&seed) % 6], at, pitch);
		if (i % 3)
			at = BOX + rnd(&seed) % 64 * 16;
		op.dst = tile(types[rnd(&seed) % 6], at, 720 + i % 2 * 16);
		if (op.src.scales && i % 2)
			op.src.scales = op.dst.addr + 7;
		rig_begin(&r, d);
		fill(data + BOX, AREA - BOX, op.src.type, &seed);
		memcpy(want, data, AREA);
		convert_ref(want, &op);
		rig_convert(&r, &op);
		CHECK(rig_end(&r));
		compare(&r, want, "overlap");
		free(want);
	}
	dev_free(d);
}

/* The matrix unit's results of a type are its FP32 results, converted. */
static void same_as_matrix_unit(void)
{
	static const uint8_t types[] = { DSA_TYPE_BF16,   DSA_TYPE_F16, DSA_TYPE_F8E4M3,
					 DSA_TYPE_F4E2M1, DSA_TYPE_I8,  DSA_TYPE_F64 };
	struct dev *d = new_device();
	uint64_t seed = 33;

	for (size_t t = 0; t < 2 * sizeof(types); t++) {
		struct dsa_matrix_op mul = {
			.a = tile(DSA_TYPE_F16, BOX, 64),
			.b = tile(DSA_TYPE_F16, BOX + 0x2000, 128),
			.d = tile(DSA_TYPE_F32, 0x10000, 256),
			.m = 40,
			.n = 50,
			.k = 32,
			.scale = 1,
		};
		struct dsa_convert_op op = {
			.src = mul.d,
			.dst = tile(types[t / 2], 0x20000, 512),
			.rows = 40,
			.cols = 50,
			.scale = 0.01f,
			.flags = t % 2 ? DSA_CONVERT_STOCHASTIC : DSA_CONVERT_SATURATE,
			.seed = t % 2 ? 99 : 0,
		};
		struct dsa_matrix_op direct = mul;
		struct rig r;

		direct.d = tile(types[t / 2], 0x30000, 512);
		direct.scale = op.scale;
		direct.flags = op.flags;
		direct.seed = op.seed;
		rig_begin(&r, d);
		memset(d->hbm + DATA, 0, AREA);
		fill(d->hbm + DATA, 0x4000, DSA_TYPE_F32, &seed);
		for (int i = 0; i < 2; i++) {
			memcpy(d->hbm + r.ops, i ? &direct : &mul, sizeof(mul));
			emit(&r.k, X_MATRIX(DSA_X_MATRIX_START, A1));
			emit(&r.k, ADDI(A1, A1, sizeof(mul)));
			r.ops += sizeof(mul);
		}
		emit(&r.k, X_MATRIX(DSA_X_MATRIX_WAIT, X0));
		rig_convert(&r, &op);
		CHECK(rig_end(&r));
		CHECK(!memcmp(d->hbm + OUT - BOX + 0x20000, d->hbm + OUT - BOX + 0x30000,
			      40 * 512));
	}
	dev_free(d);
}

/* ---- its clock ---- */

/* Of @count conversions of 64 x 1024 BF16 to F32, waited for or not. */
static uint64_t time_of(unsigned int count, bool wait, bool store)
{
	struct dev *d = new_device();
	struct dsa_convert_op op = { .src = tile(DSA_TYPE_BF16, BOX, 2048),
				     .dst = tile(DSA_TYPE_F32, 0x40000, 4096),
				     .rows = 64,
				     .cols = 1024,
				     .scale = 1 };
	struct rig r;
	uint64_t ns;

	rig_begin(&r, d);
	for (unsigned int i = 0; i < count; i++)
		rig_convert(&r, &op);
	if (wait)
		rig_wait(&r);
	if (store) {
		CHECK(rig_end(&r));
	} else {
		rig_launch(&r);
		dev_run(d);
	}
	ns = rig_ns(&r);
	dev_free(d);
	return ns;
}

static void takes_time(void)
{
	/* 256 KiB at 512 bytes a cycle and 16 cycles, of 1500 MHz: 528 cycles, 352 ns each. */
	uint64_t none = time_of(0, false, false);

	CHECK(time_of(1, true, false) - none >= 350 && time_of(1, true, false) - none <= 354);
	CHECK(time_of(4, true, false) - none >= 1406 && time_of(4, true, false) - none <= 1412);
	/* A program ends when its conversions have; a store goes on beside them. */
	CHECK(time_of(4, false, false) + 1 >= time_of(4, true, false));
	CHECK(time_of(4, false, true) + 300 < time_of(4, true, true));
}

/* ---- what is refused ---- */

static void refused(void (*change)(struct dsa_convert_op *op), uint32_t code, uint64_t addr)
{
	struct dsa_convert_op op = { .src = tile(DSA_TYPE_F32, BOX, 256),
				     .dst = tile(DSA_TYPE_MXF8E4M3, 0x10000, 64),
				     .rows = 16,
				     .cols = 64,
				     .scale = 1 };
	struct dev *d = new_device();
	struct rig r;

	change(&op);
	rig_begin(&r, d);
	rig_convert(&r, &op);
	if (!code) {
		CHECK(rig_end(&r));
	} else {
		CHECK(!rig_end(&r));
		CHECK_EQ(err_code(d, 0), code);
		CHECK_EQ(rd64(d, DSA_QREG(0, DSA_Q_ERR_ADDR)),
			 addr ? addr : VA_HBM + OPS + sizeof(struct dsa_tensor_op));
	}
	dev_free(d);
}

#define SPAD_END (SPAD + SPAD_SIZE)
#define CHANGE(name, what)                          \
	static void name(struct dsa_convert_op *op) \
	{                                           \
		what;                               \
	}
CHANGE(c_nothing, (void)op)
CHANGE(c_rows, op->rows = 0)
CHANGE(c_cols, op->cols = 0)
CHANGE(c_many, op->rows = 1 << 15)
CHANGE(c_tall, op->rows = 0x10001; op->cols = 1)
CHANGE(c_wrap, op->rows = 1u << 31; op->cols = 1u << 31)
CHANGE(c_flag, op->flags = 4)
CHANGE(c_seed, op->seed = 1)
CHANGE(c_reserved, op->reserved8[2] = 1)
CHANGE(c_tile_reserved, op->src.reserved[1] = 1)
CHANGE(c_transposed, op->src.flags = DSA_MATRIX_TRANSPOSED)
CHANGE(c_transposed_dst, op->dst.flags = DSA_MATRIX_TRANSPOSED)
CHANGE(c_type, op->src.type = DSA_TYPE_I64)
CHANGE(c_type_range, op->dst.type = 255)
CHANGE(c_no_scales, op->dst.scales = 0; op->dst.scale_pitch = 0)
CHANGE(c_scales, op->src.scales = SPAD; op->src.scale_pitch = 4)
CHANGE(c_scale_pitch, op->dst.scale_pitch = 0)
CHANGE(c_gguf, op->dst = tile(DSA_TYPE_Q4_0, 0x10000, 64); op->flags = DSA_CONVERT_STOCHASTIC)
CHANGE(c_rows_overlap, op->dst.pitch = 63)
CHANGE(c_scales_overlap, op->dst.scale_pitch = 1)
CHANGE(c_scales_on_data, op->dst.scales = op->dst.addr + 15 * 64 + 63)
CHANGE(c_scales_between, op->dst.pitch = 128; op->dst.scales = op->dst.addr + 64;
       op->dst.scale_pitch = 128)
CHANGE(c_outside, op->src.addr = SPAD_END - 4096 + 16)
CHANGE(c_last, op->src.addr = SPAD_END - 4096)
CHANGE(c_outside_dst, op->dst.addr = SPAD - 16)
CHANGE(c_scales_outside, op->dst.scales = SPAD_END - 1)
CHANGE(c_pitch, op->src.pitch = 0xffffffff)
CHANGE(c_repeat, op->src.pitch = 0)
CHANGE(c_unaligned, op->dst.addr += 8)
CHANGE(c_memory, op->src.addr = VA_HBM + DATA)

static void refusals(void)
{
	refused(c_nothing, 0, 0);
	refused(c_repeat, 0, 0);
	refused(c_last, 0, 0);
	refused(c_scales_between, 0, 0);
	refused(c_rows, DSA_ERR_CONVERT_OP, 0);
	refused(c_cols, DSA_ERR_CONVERT_OP, 0);
	refused(c_many, DSA_ERR_CONVERT_OP, 0);
	refused(c_tall, DSA_ERR_CONVERT_OP, 0);
	refused(c_wrap, DSA_ERR_CONVERT_OP, 0);
	refused(c_flag, DSA_ERR_CONVERT_OP, 0);
	refused(c_seed, DSA_ERR_CONVERT_OP, 0);
	refused(c_reserved, DSA_ERR_CONVERT_OP, 0);
	refused(c_tile_reserved, DSA_ERR_CONVERT_OP, 0);
	refused(c_transposed, DSA_ERR_CONVERT_OP, 0);
	refused(c_transposed_dst, DSA_ERR_CONVERT_OP, 0);
	refused(c_type, DSA_ERR_CONVERT_OP, 0);
	refused(c_type_range, DSA_ERR_CONVERT_OP, 0);
	refused(c_no_scales, DSA_ERR_CONVERT_OP, 0);
	refused(c_scales, DSA_ERR_CONVERT_OP, 0);
	refused(c_scale_pitch, DSA_ERR_CONVERT_OP, 0);
	refused(c_gguf, DSA_ERR_CONVERT_OP, 0);
	refused(c_rows_overlap, DSA_ERR_CONVERT_OP, 0);
	refused(c_scales_overlap, DSA_ERR_CONVERT_OP, 0);
	refused(c_scales_on_data, DSA_ERR_CONVERT_OP, 0);
	refused(c_outside, DSA_ERR_SCRATCHPAD, SPAD_END - 4096 + 16);
	refused(c_outside_dst, DSA_ERR_SCRATCHPAD, SPAD - 16);
	refused(c_scales_outside, DSA_ERR_SCRATCHPAD, SPAD_END - 1);
	refused(c_pitch, DSA_ERR_SCRATCHPAD, SPAD + BOX);
	refused(c_unaligned, DSA_ERR_SCRATCHPAD, SPAD + 0x10008);
	refused(c_memory, DSA_ERR_SCRATCHPAD, VA_HBM + DATA);
}

/* One instruction, at another address than its operation's or of another encoding. */
static void refused_insn(uint32_t insn, int32_t offset, uint32_t code)
{
	struct dev *d = new_device();
	struct rig r;

	rig_begin(&r, d);
	emit(&r.k, ADDI(A1, A1, offset));
	emit(&r.k, insn);
	CHECK(!rig_end(&r));
	CHECK_EQ(err_code(d, 0), code);
	dev_free(d);
}

static void refused_instructions(void)
{
	refused_insn(X_CONVERT(DSA_X_CONVERT_START, A1), 4, DSA_ERR_MISALIGNED);
	refused_insn(X_CONVERT(DSA_X_CONVERT_START, X0), 0, DSA_ERR_MMU_UNMAPPED);
	refused_insn(X_CONVERT(2, A1), 0, DSA_ERR_ILLEGAL_INSN);
	refused_insn(X_CONVERT(DSA_X_CONVERT_WAIT, A1), 0, DSA_ERR_ILLEGAL_INSN);
	refused_insn(X_CONVERT(DSA_X_CONVERT_START, A1) | A2 << 20, 0, DSA_ERR_ILLEGAL_INSN);
	refused_insn(X_CONVERT(DSA_X_CONVERT_START, A1) | A2 << 7, 0, DSA_ERR_ILLEGAL_INSN);
}

/* One draw a statement: the order of arguments is the compiler's. */
static struct dsa_matrix_tile wild_tile(uint64_t *seed)
{
	uint8_t type = all_types[rnd(seed) % TYPES];
	uint64_t at = rnd(seed) % 0x20000 * 16;
	unsigned int bits = rnd(seed) % 31;

	return tile(type, at, (uint32_t)(rnd(seed) >> (32 + bits)));
}

static void wild_byte(struct dsa_convert_op *op, uint64_t *seed)
{
	size_t at = rnd(seed) % sizeof(*op);

	((uint8_t *)op)[at] = (uint8_t)rnd(seed);
}

/* Any fields: well or with an error, nothing else touched. */
static void wild_conversions(void)
{
	struct dev *d = new_device();
	unsigned int well = 0;
	uint64_t seed = 34;

	for (int i = 0; i < 800 && !test_failed; i++) {
		struct dsa_convert_op op = { .scale = 1 };
		struct rig r;
		bool ok;

		op.rows = 1 + rnd(&seed) % 40;
		op.cols = rnd(&seed) % 3 ? 1 + rnd(&seed) % 80 : (uint32_t)rnd(&seed);
		op.src = wild_tile(&seed);
		op.dst = wild_tile(&seed);
		if (rnd(&seed) % 8 == 0)
			wild_byte(&op, &seed);
		rig_begin(&r, d);
		rig_convert(&r, &op);
		memset(d->hbm + 0x2000000, 0x5a, 0x10000);
		ok = rig_end(&r);
		for (unsigned int b = 0; b < 0x10000; b += 977)
			CHECK_EQ(d->hbm[0x2000000 + b], 0x5a);
		if (ok) {
			well++;
		} else {
			CHECK(err_code(d, 0) == DSA_ERR_CONVERT_OP ||
			      err_code(d, 0) == DSA_ERR_SCRATCHPAD);
			dev_free(d);
			d = new_device();
		}
	}
	printf("# %u ended well\n", well);
	CHECK(well > 40 && well < 760);
	dev_free(d);
}

/* ---- saved half way ---- */

/* Long conversions, then a loop of a million instructions, then waiting for them. */
static struct dev *begin_long(void)
{
	struct dsa_convert_op op = { .src = tile(DSA_TYPE_F64, BOX, 0),
				     .dst = tile(DSA_TYPE_I4, 0x10000, 512),
				     .rows = 1024,
				     .cols = 1024,
				     .scale = 1 };
	struct dev *d = new_device();
	struct rig r;

	rig_begin(&r, d);
	for (int i = 0; i < 90; i++)
		rig_convert(&r, &op);
	emit(&r.k, 0x37 | T1 << 7 | 600000u / 4096 << 12);
	emit(&r.k, ADDI(T1, T1, -1));
	emit(&r.k, BNE(T1, X0, -4));
	rig_wait(&r);
	rig_launch(&r);
	return d;
}

static uint64_t finish_long(struct dev *d)
{
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	return rd64(d, DSA_QREG(0, DSA_Q_TIME));
}

static void saved_half_way(void)
{
	struct dev *ref = begin_long(), *d, *e;
	uint64_t want = finish_long(ref);
	unsigned int in_flight = 0;

	/* 90 of 8 MiB read at 512 bytes a cycle: longer than the loop */
	CHECK(want > 90 * 16400 * 2 / 3);
	dev_free(ref);
	for (unsigned int steps = 1; steps < 8; steps++) {
		const char *error = NULL;
		size_t size;
		void *state;

		d = begin_long();
		for (unsigned int i = 0; i < steps; i++)
			dsa_core_run(d->core, 1);
		in_flight += !dsa_core_idle(d->core);
		size = dsa_core_save(d->core, NULL, 0);
		state = malloc(size);
		CHECK_EQ(dsa_core_save(d->core, state, size), size);
		e = blank_device();
		memcpy(e->ram, d->ram, RAM_SIZE);
		memcpy(e->hbm, d->hbm, HBM_SIZE);
		CHECK_EQ(dsa_core_load(e->core, state, size, &error), 0);
		dev_free(d);
		free(state);
		CHECK_EQ(finish_long(e), want);
		dev_free(e);
	}
	CHECK(in_flight >= 3);
}

const struct test convert_tests[] = { TEST(all_pairs),
				      TEST(long_rows),
				      TEST(overlaps),
				      TEST(same_as_matrix_unit),
				      TEST(takes_time),
				      TEST(refusals),
				      TEST(refused_instructions),
				      TEST(wild_conversions),
				      TEST(saved_half_way),
				      TESTS_END };
