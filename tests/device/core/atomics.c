/* SPDX-License-Identifier: MIT */
/* Atomic operations on floating point numbers, one by one and by boxes, alone and at once. */
#include <stdlib.h>

#include "rv/softfp.h"
#include "tensor_model.h"

#define X_ATOMIC(f7, rd, rs1, rs2) r_type(0x2b, DSA_X_ATOMIC, f7, rd, rs1, rs2)

static const struct rv_ffmt bf16 = { 8, 7 };

static const struct format {
	unsigned int size, f7, type;
	const struct rv_ffmt *f;
} formats[] = {
	{ 2, DSA_X_ATOMIC_F16, DSA_TYPE_F16, &rv_f16 },
	{ 2, DSA_X_ATOMIC_BF16, DSA_TYPE_BF16, &bf16 },
	{ 4, DSA_X_ATOMIC_F32, DSA_TYPE_F32, &rv_f32 },
	{ 8, DSA_X_ATOMIC_F64, DSA_TYPE_F64, &rv_f64 },
};
#define FORMATS 4

/* ---- the model: integers throughout ---- */

static uint64_t infinity(const struct rv_ffmt *f)
{
	return ((1ull << f->ebits) - 1) << f->fbits;
}

static uint64_t sign_bit(const struct rv_ffmt *f)
{
	return 1ull << (f->ebits + f->fbits);
}

static bool is_nan(const struct rv_ffmt *f, uint64_t v)
{
	return (v & (sign_bit(f) - 1)) > infinity(f);
}

/* In the order of numbers, -0 below +0. */
static int64_t rank(const struct rv_ffmt *f, uint64_t v)
{
	int64_t magnitude = (int64_t)(v & (sign_bit(f) - 1));

	return v & sign_bit(f) ? -magnitude - 1 : magnitude;
}

static uint64_t model(const struct rv_ffmt *f, unsigned int op, uint64_t a, uint64_t b)
{
	uint32_t flags;

	if (op == DSA_X_ATOMIC_ADD)
		return rv_soft_add(f, a, b, RV_RNE, &flags);
	if (is_nan(f, a) && is_nan(f, b))
		return infinity(f) | 1ull << (f->fbits - 1);
	if (is_nan(f, a) || is_nan(f, b))
		return is_nan(f, a) ? b : a;
	return (rank(f, a) < rank(f, b)) == (op == DSA_X_ATOMIC_MIN) ? a : b;
}

/* Anything; special values and ties more often than by chance. */
static uint64_t random_number(const struct rv_ffmt *f, uint64_t *seed)
{
	uint64_t v = rnd(seed) & (sign_bit(f) * 2 - 1), inf = infinity(f);
	uint64_t sign = rnd(seed) & sign_bit(f);

	switch (rnd(seed) % 8) {
	case 0: {
		const uint64_t special[] = { 0,
					     1,
					     inf,
					     inf - 1,
					     inf + 1,
					     inf | inf >> 1,
					     1ull << f->fbits,
					     (1ull << f->fbits) - 1 };

		return special[rnd(seed) % 8] | sign;
	}
	case 1: /* near one: they cancel, and tie */
		return (infinity(&(struct rv_ffmt){ f->ebits - 1, f->fbits }) +
			v % 16 * 1ull * (1ull << (f->fbits - 2))) |
		       sign;
	case 2: /* few digits */
		return v & ~((1ull << (f->fbits - 2)) - 1);
	default:
		return v;
	}
}

static uint64_t sign_extended(uint64_t v, unsigned int size)
{
	return (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
}

/* ---- instructions ---- */

#define PAIRS   120
#define VALUES  0x340000 /* HBM: operands, 8 bytes each */
#define FOUND   0x341000 /* what the instructions returned */
#define NUMBERS 0x342000 /* HBM, and as far into RAM: the numbers in memory, 8 bytes apart */

enum place { IN_HBM, IN_RAM, IN_SPAD, IN_CLUSTER, PLACES };

static void emit_address(struct code *k, unsigned int reg, uint64_t va)
{
	emit(k, ADDI(reg, X0, (int32_t)(va >> 40)));
	for (int shift = 30; shift >= 0; shift -= 10) {
		emit(k, SLLI(reg, reg, 10));
		emit(k, ADDI(reg, reg, (int32_t)(va >> shift & 0x3ff)));
	}
}

static uint64_t place_va(enum place p)
{
	return p == IN_HBM ? VA_HBM + NUMBERS :
	       p == IN_RAM ? VA_RAM + NUMBERS :
			     (p == IN_SPAD ? SPAD : DSA_CLUSTER_BASE) + SPAD_BOX;
}

static void emit_pairs(struct rig *r, unsigned int f7, enum place p)
{
	bool spad = p == IN_SPAD || p == IN_CLUSTER;

	rig_restart(r);
	if (spad) {
		rig_mbar_init(r);
		rig_mbar_expect(r, PAIRS * 8);
		rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + NUMBERS, SPAD + SPAD_BOX, PAIRS * 8);
		rig_arrive_and_wait(r, 0);
	}
	emit(&r->k, i_type(0x73, 5, X0, RV_RUP, 2)); /* frm: does not matter */
	emit_address(&r->k, A1, VA_HBM + VALUES);
	emit_address(&r->k, A2, VA_HBM + FOUND);
	emit_address(&r->k, A3, place_va(p));
	for (unsigned int i = 0; i < PAIRS; i++) {
		emit(&r->k, LD(T1, A1, 8 * i));
		emit(&r->k, X_ATOMIC(f7, T2, A3, T1));
		emit(&r->k, SD(T2, A2, 8 * i));
		emit(&r->k, ADDI(A3, A3, 8));
	}
	emit(&r->k, i_type(0x73, 2, T2, X0, 1)); /* fflags */
	emit(&r->k, SD(T2, A2, 8 * PAIRS));
	if (spad)
		rig_bulk(r, DSA_TENSOR_STORE, VA_HBM + NUMBERS, SPAD + SPAD_BOX, PAIRS * 8);
}

static void check_pairs(struct rig *r, const struct format *f, unsigned int op, enum place p,
			uint64_t *seed)
{
	uint8_t *numbers = (p == IN_RAM ? r->d->ram : r->d->hbm) + NUMBERS;
	uint64_t *values = (uint64_t *)(r->d->hbm + VALUES),
		 mask = UINT64_MAX >> (64 - 8 * f->size);
	const uint64_t *found = (const uint64_t *)(r->d->hbm + FOUND);
	uint64_t before[PAIRS];

	/* Beside the number, and above the operand, is what must not matter. */
	for (unsigned int i = 0; i < PAIRS; i++) {
		before[i] = random_number(f->f, seed) | (rnd(seed) & ~mask);
		values[i] = random_number(f->f, seed) | (rnd(seed) & ~mask);
	}
	memcpy(numbers, before, sizeof(before));
	emit_pairs(r, op | f->f7, p);
	CHECK(rig_run(r));
	for (unsigned int i = 0; i < PAIRS && !test_failed; i++) {
		uint64_t want, got;

		want = model(f->f, op, before[i] & mask, values[i] & mask) | (before[i] & ~mask);
		memcpy(&got, numbers + 8 * i, 8);
		CHECK_EQ(got, want);
		CHECK_EQ(found[i], sign_extended(before[i], f->size));
	}
	CHECK_EQ(found[PAIRS], 0);
}

static void numbers(void)
{
	struct rig r = rig_new();
	uint64_t seed = 51;

	for (unsigned int n = 0; n < FORMATS; n++)
		for (unsigned int op = 0; op <= DSA_X_ATOMIC_MAX; op += DSA_X_ATOMIC_MIN)
			for (unsigned int i = 0; i < 8 * PLACES && !test_failed; i++)
				check_pairs(&r, &formats[n], op, i % PLACES, &seed);
	dev_free(r.d);
}

/* Every pair of a byte's worth of each number's bits is in there somewhere: 65536 a type and operation. */
static void boxes(void)
{
	struct rig r = rig_new();
	uint64_t seed = 52;

	for (unsigned int i = 0; i < 2 * 3 * 8 && !test_failed; i++) {
		const struct format *f = &formats[i % 2];
		unsigned int op = i / 2 % 3;
		bool ram = i & 8;
		uint16_t *mem = (uint16_t *)(ram ? r.d->ram + DATA : r.d->hbm + DATA);
		uint16_t *box = (uint16_t *)(r.d->hbm + OUT), before[8192];
		struct dsa_tensor_map m = {
			.base = (ram ? VA_RAM : VA_HBM) + DATA,
			.rank = 2,
			.type = f->type,
			.dims = { 1024, 8 },
			.strides = { 2048 },
			.box = { 1024, 8 },
			.steps = { 1, 1 },
		};
		const int32_t coord[DSA_TENSOR_RANK] = { 0 };
		struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_ADD + op, &m, coord);

		for (unsigned int j = 0; j < 8192; j++) {
			mem[j] = before[j] = (uint16_t)random_number(f->f, &seed);
			box[j] = (uint16_t)random_number(f->f, &seed);
		}
		CHECK(run_store(&r, &o));
		for (unsigned int j = 0; j < 8192 && !test_failed; j++)
			CHECK_EQ(mem[j], model(f->f, op * DSA_X_ATOMIC_MIN, before[j], box[j]));
	}
	dev_free(r.d);
}

/* ---- faults: those of amoadd.w and amoadd.d, which they are compared with ---- */

struct record {
	uint32_t code, access;
	uint64_t addr, pc;
};

static struct record fault_of(uint32_t insn, uint64_t va)
{
	struct rig r = rig_new();
	struct record e;

	map(r.d, 1, 0x300000000ull, HBM_DATA, DSA_PTE_R, 0);
	map(r.d, 1, 0x300001000ull, HBM_DATA, DSA_PTE_W, 0);
	map(r.d, 1, 0x300002000ull, 0x1000, DSA_PTE_R | DSA_PTE_W | DSA_PTE_SYS, 0);
	emit_address(&r.k, A1, va);
	emit(&r.k, insn);
	CHECK(!rig_run(&r));
	e = (struct record){ err_code(r.d, 0), rd32(r.d, DSA_QREG(0, DSA_Q_ERR_ACCESS)),
			     rd64(r.d, DSA_QREG(0, DSA_Q_ERR_ADDR)),
			     rd64(r.d, DSA_QREG(0, DSA_Q_ERR_PC)) };
	dev_free(r.d);
	return e;
}

static void faults(void)
{
	static const struct {
		uint64_t va;
		uint32_t code;
	} list[] = {
		{ 0x1000, DSA_ERR_MMU_UNMAPPED },
		{ 0x300000000ull, DSA_ERR_MMU_PERMISSION },
		{ 0x300001000ull, DSA_ERR_MMU_PERMISSION },
		{ 0x300002000ull, DSA_ERR_BUS },
		{ SPAD + (256u << 10), DSA_ERR_MMU_RANGE },
		{ SPAD - 8, DSA_ERR_MMU_UNMAPPED },
		{ DSA_CLUSTER_BASE + DSA_CLUSTER_STRIDE, DSA_ERR_SCRATCHPAD },
		{ 2 * DSA_CLUSTER_BASE, DSA_ERR_MMU_RANGE },
		{ VA_HBM + DATA + 2, DSA_ERR_MISALIGNED },
		{ SPAD + SPAD_BOX + 2, DSA_ERR_MISALIGNED },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]) && !test_failed; i++)
		for (unsigned int wide = 0; wide < 2 && !test_failed; wide++) {
			struct record amo = fault_of(r_type(0x2f, 2 + wide, 0, T1, A1, X0),
						     list[i].va);
			struct record e = fault_of(X_ATOMIC(DSA_X_ATOMIC_F32 + wide, T1, A1, X0),
						   list[i].va);

			CHECK_EQ(e.code, list[i].code);
			CHECK_EQ(e.code, amo.code);
			CHECK_EQ(e.access, amo.access);
			CHECK_EQ(e.addr, amo.addr);
			CHECK_EQ(e.pc, amo.pc);
		}
}

static void misaligned(void)
{
	for (unsigned int n = 0; n < FORMATS; n++)
		for (unsigned int off = 1; off < formats[n].size; off++) {
			struct record e =
				fault_of(X_ATOMIC(DSA_X_ATOMIC_MAX | formats[n].f7, T1, A1, X0),
					 VA_HBM + DATA + off);

			CHECK_EQ(e.code, DSA_ERR_MISALIGNED);
			CHECK_EQ(e.addr, VA_HBM + DATA + off);
		}
}

static void illegal(void)
{
	for (unsigned int f7 = 12; f7 < 128; f7 += f7 < 16 ? 1 : 13)
		CHECK_EQ(fault_of(X_ATOMIC(f7, T1, A1, X0), VA_HBM + DATA).code,
			 DSA_ERR_ILLEGAL_INSN);
}

/* ---- many at once ---- */

#define PROGRAMS 200 /* BF16 counts up to 256 exactly */

/* Sums of ones at DATA + 16 * i, of all formats, in HBM and in RAM, by instructions and boxes. */
static void emit_sums(struct dev *d)
{
	static const uint64_t ones[] = { 0x3c00, 0x3f80, 0x3f800000, 0x3ff0000000000000 };
	struct rig r = { .d = d };
	struct dsa_tensor_map m = {
		.base = VA_HBM + DATA + 0x1000,
		.rank = 1,
		.type = DSA_TYPE_BF16,
		.dims = { 512 },
		.box = { 512 },
		.steps = { 1 },
	};
	const int32_t coord[DSA_TENSOR_RANK] = { 0 };
	struct dsa_tensor_op add = box_op(&r, DSA_TENSOR_ADD, &m, coord);

	memset(d->hbm + DATA, 0, 0x2000);
	memset(d->ram + DATA, 0, 0x2000);
	for (unsigned int i = 0; i < 512; i++)
		((uint16_t *)(d->hbm + OUT))[i] = 0x3f80;
	rig_restart(&r);
	rig_mbar_init(&r);
	rig_mbar_expect(&r, 1024);
	rig_bulk(&r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + SPAD_BOX, 1024);
	rig_arrive_and_wait(&r, 0);
	emit_address(&r.k, A1, VA_HBM + DATA);
	emit_address(&r.k, A2, VA_RAM + DATA);
	for (unsigned int i = 0; i < FORMATS; i++) {
		emit_address(&r.k, T1, ones[i] >> 32);
		emit(&r.k, SLLI(T1, T1, 32));
		emit_address(&r.k, T2, ones[i] & 0xffffffff);
		emit(&r.k, ADD(T1, T1, T2));
		emit(&r.k, X_ATOMIC(formats[i].f7, X0, A1, T1));
		emit(&r.k, X_ATOMIC(formats[i].f7, T2, A2, T1));
		emit(&r.k, ADDI(A1, A1, 16));
		emit(&r.k, ADDI(A2, A2, 16));
	}
	rig_op(&r, &add);
	emit(&r.k, RET);
}

static void check_sums(struct dev *d, const uint8_t *at)
{
	uint16_t half[2];
	float single;
	double wide;

	memcpy(&half[0], at, 2);
	memcpy(&half[1], at + 16, 2);
	memcpy(&single, at + 32, 4);
	memcpy(&wide, at + 48, 8);
	CHECK_EQ(half[0], 0x5a40); /* 200 */
	CHECK_EQ(half[1], 0x4348);
	CHECK(single == PROGRAMS);
	CHECK(wide == PROGRAMS);
	for (unsigned int i = 0; i < 512; i++)
		CHECK_EQ(((uint16_t *)(d->hbm + DATA + 0x1000))[i], 0x4348);
}

static void shared_sums(void)
{
	for (int round = 0; round < 10 && !test_failed; round++) {
		struct dev *d = dev_new(4);
		struct cmds c = cmds_at(d, CMDS);

		queue_setup(d, 0, 1);
		emit_sums(d);
		cmd_launch(&c, VA_HBM + CODE, VA_HBM + OPS, PROGRAMS, 1, 1);
		CHECK(run_cmds(&c, 0));
		check_sums(d, d->hbm + DATA);
		check_sums(d, d->ram + DATA);
		dev_free(d);
	}
}

const struct test atomics_tests[] = { TEST(numbers),    TEST(boxes),   TEST(faults),
				      TEST(misaligned), TEST(illegal), TEST(shared_sums),
				      TESTS_END };
