/* SPDX-License-Identifier: MIT */
/*
 * The matrix unit: its reference against loops written out here, and every
 * instruction set against the reference, bit for bit, over the whole memory
 * around D.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../num/tap.h"
#include "mat/mat.h"

static struct mat_unit *unit;

static const enum num_type float_types[] = { NUM_FP32,   NUM_TF32,   NUM_FP16,   NUM_BF16,
					     NUM_E4M3,   NUM_E5M2,   NUM_E2M3,   NUM_E3M2,
					     NUM_E2M1,   NUM_MXE4M3, NUM_MXE5M2, NUM_MXE2M3,
					     NUM_MXE3M2, NUM_MXE2M1, NUM_MXINT8, NUM_Q8_0,
					     NUM_Q4_0 };
static const enum num_type int_types[] = { NUM_INT8, NUM_UINT8, NUM_INT4 };

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- operations with random contents ---- */

enum contents { PLAIN_VALUES, ANY_BITS, SPECIALS };

/* Specials: infinities, NaN, zeros, subnormals, the largest values, in many places. */
static void special_row(const struct mat_tile *t, uint8_t *row, size_t n)
{
	static const double values[] = { INFINITY, -INFINITY, NAN,    0,      -0.0,    1,
					 -1,       1e-40,     -1e-45, 3.4e38, -3.4e38, 1e-6,
					 448,      -57344,    1e300,  1e-310, 0x1p-24, 0x1p127 };
	const struct num_round rne = { .mode = NUM_RNE };

	for (size_t i = 0; i < n; i++)
		if (rnd() % 3 == 0)
			num_store(t->type, row, i,
				  num_encode(t->type, values[rnd() % COUNT(values)], &rne, 0));
}

static void plain_row(const struct mat_tile *t, uint8_t *row, uint8_t *scales, size_t n)
{
	const struct num_round rne = { .mode = NUM_RNE, .saturate = true, .step = 1 };
	double v[MAT_MAX_DIM];

	for (size_t i = 0; i < n; i++)
		v[i] = (double)(int64_t)rnd() *
		       (num_info(t->type)->class == NUM_INT ? 0x1p-56 : 0x1p-62);
	num_convert(t->type, row, scales, NUM_FP64, v, NULL, n, 1, &rne);
}

static void fill_tile(struct mat_tile *t, unsigned int rows, unsigned int cols,
		      enum contents contents)
{
	size_t r = t->transposed ? cols : rows, c = t->transposed ? rows : cols;
	size_t bytes = mat_tile_bytes(t, rows, cols);
	size_t scale_bytes = r * t->scale_pitch;
	uint8_t *data = t->data, *scales = (uint8_t *)t->scales;

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)rnd();
	for (size_t i = 0; i < scale_bytes; i++)
		scales[i] = contents == ANY_BITS ? (uint8_t)rnd() : (uint8_t)(124 + rnd() % 8);
	if (contents == SPECIALS)
		for (size_t i = 0; i < scale_bytes; i++)
			scales[i] = (uint8_t)(rnd() % 4 ? 127 :
					      rnd() % 2 ? 254 - rnd() % 8 :
							  rnd() % 8);
	for (size_t i = 0; i < r && contents != ANY_BITS; i++) {
		plain_row(t, data + i * t->pitch, scales + i * t->scale_pitch, c);
		if (contents == SPECIALS && t->type < NUM_PLAIN_TYPES)
			special_row(t, data + i * t->pitch, c);
	}
}

static void new_tile(struct mat_tile *t, enum num_type type, bool transposed, unsigned int rows,
		     unsigned int cols, enum contents contents)
{
	size_t r = transposed ? cols : rows, c = transposed ? rows : cols;

	*t = (struct mat_tile){ .type = type, .transposed = transposed };
	t->pitch = num_bytes(type, c) + rnd() % 9;
	t->scale_pitch = c / NUM_BLOCK + 1 + rnd() % 3;
	/* exactly as large as needed: ASan sees what is read beyond */
	t->data = malloc(mat_tile_bytes(t, rows, cols));
	t->scales = malloc(r * t->scale_pitch);
	fill_tile(t, rows, cols, contents);
}

static void free_tile(struct mat_tile *t)
{
	free(t->data);
	free((void *)t->scales);
}

static void new_op(struct mat_op *op, enum num_type a, enum num_type b, enum num_type c,
		   enum num_type d, const unsigned int *mnk, unsigned int transposed,
		   enum contents contents)
{
	*op = (struct mat_op){ .m = mnk[0], .n = mnk[1], .k = mnk[2], .scale = 1, .round.step = 1 };
	new_tile(&op->a, a, transposed & 1, op->m, op->k, contents);
	new_tile(&op->b, b, transposed & 2, op->k, op->n, contents);
	new_tile(&op->c, c, transposed & 4, op->m, op->n, contents);
	new_tile(&op->d, d, transposed & 8, op->m, op->n, ANY_BITS);
}

static void free_op(struct mat_op *op)
{
	free_tile(&op->a);
	free_tile(&op->b);
	free_tile(&op->c);
	free_tile(&op->d);
}

static void describe(const struct mat_op *op, enum num_isa isa, size_t at)
{
	check_failed(__FILE__, __LINE__, "%s: %s%s x %s%s + %s%s -> %s%s, %u x %u x %u: byte %zu",
		     num_isa_name(isa), num_info(op->a.type)->name, op->a.transposed ? "^T" : "",
		     num_info(op->b.type)->name, op->b.transposed ? "^T" : "",
		     num_info(op->c.type)->name, op->c.transposed ? "^T" : "",
		     num_info(op->d.type)->name, op->d.transposed ? "^T" : "", op->m, op->n, op->k,
		     at);
}

/* All of D's memory, its gaps included, as the reference leaves it. */
static void compare(struct mat_op *op)
{
	size_t bytes = mat_tile_bytes(&op->d, op->m, op->n);
	uint8_t *before = malloc(bytes), *want = malloc(bytes);

	memcpy(before, op->d.data, bytes);
	CHECK(mat_run_reference(op) == MAT_OK);
	memcpy(want, op->d.data, bytes);
	for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
		num_isa_set(isa);
		memcpy(op->d.data, before, bytes);
		CHECK(mat_run(unit, op) == MAT_OK);
		for (size_t i = 0; i < bytes; i++)
			if (((uint8_t *)op->d.data)[i] != want[i]) {
				describe(op, isa, i);
				break;
			}
	}
	num_isa_set(num_isa_best());
	free(before);
	free(want);
}

static void run_case(enum num_type a, enum num_type b, enum num_type c, enum num_type d,
		     const unsigned int *mnk, unsigned int transposed, enum contents contents)
{
	struct mat_op op;

	new_op(&op, a, b, c, d, mnk, transposed, contents);
	compare(&op);
	free_op(&op);
}

/* ---- the reference ---- */

static void reference_f32(void)
{
	enum { M = 5, N = 7, K = 33 };
	float a[M][K], b[K][N], c[M][N], d[M][N];
	struct mat_op op = { .m = M, .n = N, .k = K, .scale = 1 };

	op.a = (struct mat_tile){ .type = NUM_FP32, .data = a, .pitch = sizeof(*a) };
	op.b = (struct mat_tile){ .type = NUM_FP32, .data = b, .pitch = sizeof(*b) };
	op.c = (struct mat_tile){ .type = NUM_FP32, .data = c, .pitch = sizeof(*c) };
	op.d = (struct mat_tile){ .type = NUM_FP32, .data = d, .pitch = sizeof(*d) };
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < M * K; i++)
			(&a[0][0])[i] = ldexpf((float)(int32_t)rnd(), (int)(rnd() % 40) - 50);
		for (int i = 0; i < K * N; i++)
			(&b[0][0])[i] = ldexpf((float)(int32_t)rnd(), (int)(rnd() % 40) - 50);
		for (int i = 0; i < M * N; i++)
			(&c[0][0])[i] = ldexpf((float)(int32_t)rnd(), (int)(rnd() % 40) - 50);
		CHECK(mat_run_reference(&op) == MAT_OK);
		for (int i = 0; i < M; i++) {
			for (int j = 0; j < N; j++) {
				float sum = c[i][j];

				for (int k = 0; k < K; k++)
					sum = fmaf(a[i][k], b[k][j], sum);
				CHECK(!memcmp(&d[i][j], &sum, 4));
			}
		}
	}
}

static void reference_ints(void)
{
	enum { M = 3, N = 4, K = 40 };
	int8_t a[M][K];
	uint8_t b[N][K]; /* transposed */
	int32_t c[M][N], d[M][N];
	struct mat_op op = { .m = M, .n = N, .k = K, .scale = 1 };

	op.a = (struct mat_tile){ .type = NUM_INT8, .data = a, .pitch = K };
	op.b = (struct mat_tile){ .type = NUM_UINT8, .data = b, .pitch = K, .transposed = true };
	op.c = (struct mat_tile){ .type = NUM_INT32, .data = c, .pitch = sizeof(*c) };
	op.d = (struct mat_tile){ .type = NUM_INT32, .data = d, .pitch = sizeof(*d) };
	for (int i = 0; i < M * K; i++)
		(&a[0][0])[i] = (int8_t)rnd();
	for (int i = 0; i < N * K; i++)
		(&b[0][0])[i] = (uint8_t)rnd();
	for (int i = 0; i < M * N; i++)
		(&c[0][0])[i] = i & 1 ? INT32_MAX - 5 : INT32_MIN + 5; /* wraps */
	CHECK(mat_run_reference(&op) == MAT_OK);
	for (int i = 0; i < M; i++) {
		for (int j = 0; j < N; j++) {
			int64_t sum = c[i][j];

			for (int k = 0; k < K; k++)
				sum += a[i][k] * b[j][k];
			CHECK(d[i][j] == (int32_t)(uint32_t)(uint64_t)sum);
		}
	}
}

/* What no order of additions but the specified one, and no unfused one, gives. */
static void order_and_fusion(void)
{
	float a[4] = { 0x1p24f, 1, 1, -0x1p24f }, b[4] = { 1, 1, 1, 1 }, d = 9;
	struct mat_op op = { .m = 1, .n = 1, .k = 4, .scale = 1 };

	op.a = (struct mat_tile){ .type = NUM_FP32, .data = a };
	op.b = (struct mat_tile){ .type = NUM_FP32, .data = b, .pitch = 4 };
	op.d = (struct mat_tile){ .type = NUM_FP32, .data = &d };
	CHECK(mat_run(unit, &op) == MAT_OK && d == 0);
	a[0] = 1, a[3] = 0x1p24f;
	CHECK(mat_run(unit, &op) == MAT_OK && d == 0x1p24f + 4);
	/* (1 + e)(1 - e) - 1 = -e^2 */
	a[0] = 1, b[0] = -1, a[1] = 1 + 0x1p-23f, b[1] = 1 - 0x1p-23f, op.k = 2;
	CHECK(mat_run(unit, &op) == MAT_OK && d == -0x1p-46f);
}

static void known_specials(void)
{
	float a = INFINITY, b = 0, d = 1;
	uint32_t bits;
	struct mat_op op = { .m = 1, .n = 1, .k = 1, .scale = 1 };

	op.a = (struct mat_tile){ .type = NUM_FP32, .data = &a };
	op.b = (struct mat_tile){ .type = NUM_FP32, .data = &b };
	op.d = (struct mat_tile){ .type = NUM_FP32, .data = &d };
	for (int way = 0; way < 2; way++) {
		a = INFINITY, b = 0;
		CHECK((way ? mat_run(unit, &op) : mat_run_reference(&op)) == MAT_OK);
		memcpy(&bits, &d, 4);
		CHECK_MSG(bits == 0x7fc00000, "inf x 0 = %#x", bits);
		a = -NAN, b = 2;
		CHECK((way ? mat_run(unit, &op) : mat_run_reference(&op)) == MAT_OK);
		memcpy(&bits, &d, 4);
		CHECK_MSG(bits == 0x7fc00000, "-NaN x 2 = %#x", bits);
		a = 0x1p-100f, b = 0x1p-45f;
		CHECK((way ? mat_run(unit, &op) : mat_run_reference(&op)) == MAT_OK);
		CHECK(d == 0x1p-145f);
	}
}

/* ---- every instruction set against it ---- */

static void type_pairs(const enum num_type *types, size_t count, enum num_type acc)
{
	static const unsigned int sizes[][3] = { { 7, 19, 37 }, { 13, 33, 70 }, { 2, 5, 131 } };

	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < count; b++)
			for (unsigned int trans = 0; trans < 4; trans++)
				for (int contents = 0; contents < 3; contents++)
					run_case(types[a], types[b], acc, acc,
						 sizes[(a + b + trans) % 3], trans, contents);
}

static void float_pairs(void)
{
	type_pairs(float_types, COUNT(float_types), NUM_FP32);
}

static void int_pairs(void)
{
	type_pairs(int_types, COUNT(int_types), NUM_INT32);
}

static void fp64_pairs(void)
{
	static const enum num_type fp64 = NUM_FP64;

	for (int i = 0; i < 20; i++)
		type_pairs(&fp64, 1, NUM_FP64);
}

static void sizes(void)
{
	static const unsigned int edge[] = { 1,  2,  3,  4,  5,  6,  7,  8,  11, 12, 13, 15,  16,
					     17, 24, 31, 32, 33, 47, 48, 63, 64, 65, 96, 127, 129 };
	static const enum num_type types[] = { NUM_FP32, NUM_BF16, NUM_INT8, NUM_UINT8, NUM_FP64 };
#ifdef __SANITIZE_ADDRESS__
	const int rounds = 60;
#else
	const int rounds = 300;
#endif

	for (int i = 0; i < rounds; i++) {
		for (size_t t = 0; t < COUNT(types); t++) {
			unsigned int mnk[3];
			enum num_type acc = mat_accumulator(types[t], types[t]);

			for (int d = 0; d < 3; d++)
				mnk[d] = edge[rnd() % COUNT(edge)];
			run_case(types[t], types[t], acc, acc, mnk, rnd() % 16, rnd() % 3);
		}
	}
}

static void long_sums(void)
{
	static const unsigned int size[] = { 14, 35, 1024 }, odd[] = { 9, 17, 517 };
	static const unsigned int wide[] = { 3, 1024, 9 }, tall[] = { 1024, 3, 9 };

	for (unsigned int trans = 0; trans < 16; trans += 5) {
		run_case(NUM_FP32, NUM_E2M3, NUM_FP32, NUM_FP32, size, trans, PLAIN_VALUES);
		run_case(NUM_INT8, NUM_INT8, NUM_INT32, NUM_INT32, size, trans, ANY_BITS);
		run_case(NUM_INT4, NUM_UINT8, NUM_INT32, NUM_INT32, odd, trans, ANY_BITS);
		run_case(NUM_MXE2M1, NUM_Q4_0, NUM_FP32, NUM_FP32, odd, trans, PLAIN_VALUES);
		run_case(NUM_FP64, NUM_FP64, NUM_FP64, NUM_FP64, odd, trans, PLAIN_VALUES);
		run_case(NUM_FP16, NUM_FP16, NUM_FP16, NUM_FP32, wide, trans, PLAIN_VALUES);
		run_case(NUM_E3M2, NUM_FP16, NUM_FP16, NUM_FP32, tall, trans, PLAIN_VALUES);
		run_case(NUM_UINT8, NUM_INT4, NUM_INT32, NUM_INT8, wide, trans, PLAIN_VALUES);
	}
}

/* ---- C and D ---- */

static void epilogue_of(enum num_type operand, enum num_type c)
{
	static const float scales[] = { 1, 0.37f, -3, 1e-3f, 0x1p-140f, INFINITY, NAN };
	static const unsigned int mnk[] = { 9, 21, 5 };

	for (enum num_type d = 0; d < NUM_E8M0; d++) {
		for (int how = 0; how < 24; how++) {
			struct mat_op op;

			new_op(&op, operand, operand, c, d, mnk, rnd() % 16, how % 3);
			op.round.mode = how & 1;
			op.round.saturate = how & 2;
			op.round.seed = rnd();
			op.round.counter = rnd();
			op.round.step = how & 4 ? 1 : rnd();
			op.scale = scales[rnd() % COUNT(scales)];
			compare(&op);
			free_op(&op);
		}
	}
}

static void epilogues(void)
{
	static const enum num_type c_float[] = { NUM_FP32, NUM_TF32, NUM_FP16, NUM_BF16, NUM_E4M3,
						 NUM_E5M2, NUM_E2M3, NUM_E3M2, NUM_E2M1 };
	static const enum num_type c_int[] = { NUM_INT32, NUM_INT8, NUM_UINT8, NUM_INT4 };

	for (size_t i = 0; i < COUNT(c_float); i++) {
		epilogue_of(NUM_FP16, c_float[i]);
		epilogue_of(NUM_FP64, c_float[i]);
	}
	epilogue_of(NUM_FP64, NUM_FP64);
	for (size_t i = 0; i < COUNT(c_int); i++)
		epilogue_of(NUM_INT8, c_int[i]);
}

static void c_absent_or_repeated(void)
{
	static const unsigned int mnk[] = { 13, 40, 20 };
	static const enum num_type types[] = { NUM_FP32, NUM_INT8, NUM_FP64 };

	for (size_t t = 0; t < COUNT(types); t++) {
		enum num_type acc = mat_accumulator(types[t], types[t]);
		struct mat_op op;
		void *c;

		for (unsigned int trans = 0; trans < 16; trans++) {
			new_op(&op, types[t], types[t], acc, acc, mnk, trans, PLAIN_VALUES);
			op.c.pitch = 0; /* a bias */
			compare(&op);
			c = op.c.data;
			op.c.data = NULL;
			compare(&op);
			op.c.data = c;
			free_op(&op);
		}
	}
}

/* D over A, B or C, shifted, or in the place of C: as if all were read first. */
static void overlap(unsigned int i, struct mat_op *op, size_t pitch, size_t align)
{
	static uint8_t memory[1 << 19], before[1 << 19], want[1 << 19];
	struct mat_tile *t = i % 3 == 0 ? &op->a : i % 3 == 1 ? &op->b : &op->c;

	for (size_t k = 0; k < sizeof(memory); k++)
		memory[k] = before[k] = (uint8_t)(rnd() & 0x3f);
	t->data = memory;
	t->pitch = pitch;
	op->d.data = memory + (i % 6 == 2 ? 0 : rnd() % (600 / align) * align);
	op->d.pitch = t->pitch;
	if (i % 6 == 2)
		op->d.transposed = t->transposed;
	CHECK(mat_run_reference(op) == MAT_OK);
	memcpy(want, memory, sizeof(memory));
	for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
		num_isa_set(isa);
		memcpy(memory, before, sizeof(memory));
		CHECK(mat_run(unit, op) == MAT_OK);
		CHECK_MSG(!memcmp(memory, want, sizeof(memory)), "case %u, %s", i,
			  num_isa_name(isa));
	}
	num_isa_set(num_isa_best());
}

static void overlaps(void)
{
	for (unsigned int i = 0; i < 300; i++) {
		const unsigned int mnk[] = { 1 + rnd() % 40, 1 + rnd() % 70, 1 + rnd() % 70 };
		struct mat_op op, moved;

		new_op(&op, NUM_FP32, NUM_FP32, NUM_FP32, NUM_FP32, mnk, rnd() % 16, PLAIN_VALUES);
		moved = op;
		overlap(i, &moved, 70 * 4, 1);
		free_op(&op);
	}
}

/*
 * Where everything is in whole words and vectors, sums are kept in D and A is not packed: with C there too
 * or elsewhere, NaN among the sums, and operands that D overlaps, when they are not.
 */
static void sums_in_place(void)
{
	static const enum num_type types[] = { NUM_FP32, NUM_BF16, NUM_INT8, NUM_UINT8, NUM_FP64 };

	for (unsigned int i = 0; i < 300; i++) {
		const unsigned int mnk[] = { 1 + rnd() % 40, 16 * (1 + rnd() % 4),
					     1 + rnd() % 256 };
		enum num_type type = types[i % COUNT(types)], acc = mat_accumulator(type, type);
		struct mat_op op, moved;
		void *c;

		new_op(&op, type, type, acc, acc, mnk, 0, rnd() % 3);
		free_tile(&op.d);
		op.d.pitch = 80 * 8;
		op.d.data = malloc(mat_tile_bytes(&op.d, op.m, op.n));
		op.d.scales = NULL;
		op.d.scale_pitch = 0;
		fill_tile(&op.d, op.m, op.n, rnd() % 3);
		compare(&op);
		c = op.c.data;
		op.c.data = NULL;
		compare(&op);
		op.c.data = c;
		moved = op;
		moved.c = op.d;
		compare(&moved);
		if (type == NUM_FP32) {
			moved = op;
			overlap(i / COUNT(types), &moved, 260 * 4, 4);
		}
		free_op(&op);
	}
}

/* ---- the rest ---- */

static void refusals(void)
{
	static const unsigned int mnk[] = { 4, 4, 32 };
	struct mat_op good, op;

	new_op(&good, NUM_FP16, NUM_MXE4M3, NUM_FP32, NUM_BF16, mnk, 0, PLAIN_VALUES);
	CHECK(mat_check(&good) == MAT_OK);
#define REFUSED(change, status)                            \
	do {                                               \
		op = good;                                 \
		change;                                    \
		CHECK(mat_check(&op) == (status));         \
		CHECK(mat_run(unit, &op) == (status));     \
		CHECK(mat_run_reference(&op) == (status)); \
	} while (0)
	REFUSED(op.m = 0, MAT_BAD_SIZE);
	REFUSED(op.n = 0, MAT_BAD_SIZE);
	REFUSED(op.k = 0, MAT_BAD_SIZE);
	REFUSED(op.k = MAT_MAX_DIM + 1, MAT_BAD_SIZE);
	REFUSED(op.a.type = NUM_INT32, MAT_BAD_TYPE_A);
	REFUSED(op.a.type = NUM_E8M0, MAT_BAD_TYPE_A);
	REFUSED(op.a.type = NUM_TYPES, MAT_BAD_TYPE_A);
	REFUSED(op.a.type = NUM_FP64, MAT_BAD_TYPE_B);
	REFUSED(op.a.type = NUM_INT8, MAT_BAD_TYPE_B);
	REFUSED(op.b.type = NUM_INT8, MAT_BAD_TYPE_B);
	REFUSED(op.b.type = NUM_TYPES, MAT_BAD_TYPE_B);
	REFUSED(op.c.type = NUM_FP64, MAT_BAD_TYPE_C);
	REFUSED(op.c.type = NUM_INT32, MAT_BAD_TYPE_C);
	REFUSED(op.c.type = NUM_Q8_0, MAT_BAD_TYPE_C);
	REFUSED(op.d.type = NUM_E8M0, MAT_BAD_TYPE_D);
	REFUSED(op.d.type = NUM_MXE4M3, MAT_BAD_TYPE_D);
	REFUSED(op.b.scales = NULL, MAT_BAD_SCALES);
	REFUSED(op.d.pitch = 7, MAT_BAD_PITCH);
	for (enum mat_status s = MAT_OK; s <= MAT_NO_MEMORY; s++)
		CHECK(strlen(mat_status_text(s)) > 3);
	free_op(&good);
}

static void extents(void)
{
	struct mat_tile t = { .type = NUM_E2M3, .pitch = 100, .scale_pitch = 7 };

	CHECK(mat_tile_bytes(&t, 3, 5) == 204 && mat_tile_scale_bytes(&t, 3, 5) == 0);
	t.transposed = true;
	CHECK(mat_tile_bytes(&t, 3, 5) == 403);
	t.type = NUM_MXE2M3;
	CHECK(mat_tile_bytes(&t, 33, 5) == 448 && mat_tile_scale_bytes(&t, 33, 5) == 30);
	t.type = NUM_Q4_0;
	t.transposed = false;
	CHECK(mat_tile_bytes(&t, 2, 65) == 154);
	t.pitch = SIZE_MAX / 2;
	CHECK(mat_tile_bytes(&t, 4, 4) == SIZE_MAX && mat_tile_bytes(&t, 3, 64) == SIZE_MAX);
}

static void any_environment(void)
{
#ifdef AWKWARD_MXCSR
	static const unsigned int mnk[] = { 13, 33, 65 };
	static const enum num_type types[] = { NUM_FP32, NUM_E5M2, NUM_MXE4M3, NUM_FP64 };
	uint32_t old = fp_control_get(), after;

	for (size_t t = 0; t < COUNT(types) * 3; t++) {
		enum num_type type = types[t % COUNT(types)];
		enum num_type acc = mat_accumulator(type, type);
		size_t bytes;
		struct mat_op op;
		uint8_t *want;

		new_op(&op, type, type, acc, acc, mnk, 0, t / COUNT(types));
		op.scale = 0.7f;
		bytes = mat_tile_bytes(&op.d, op.m, op.n);
		want = malloc(bytes);
		mat_run_reference(&op);
		memcpy(want, op.d.data, bytes);
		for (enum num_isa isa = 0; isa <= num_isa_best(); isa++) {
			num_isa_set(isa);
			fp_control_set(AWKWARD_MXCSR);
			mat_run(unit, &op);
			after = fp_control_get();
			fp_control_set(old);
			CHECK(after == AWKWARD_MXCSR);
			CHECK(!memcmp(want, op.d.data, bytes));
		}
		num_isa_set(num_isa_best());
		free(want);
		free_op(&op);
	}
#endif
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(reference_f32),
		TEST(reference_ints),
		TEST(order_and_fusion),
		TEST(known_specials),
		TEST(float_pairs),
		TEST(int_pairs),
		TEST(fp64_pairs),
		TEST(sizes),
		TEST(long_sums),
		TEST(epilogues),
		TEST(c_absent_or_repeated),
		TEST(overlaps),
		TEST(sums_in_place),
		TEST(refusals),
		TEST(extents),
		TEST(any_environment),
		TESTS_END,
	};
	int status;

	unit = mat_unit_new();
	status = run_tests(tests, argc, argv);
	mat_unit_free(unit);
	return status;
}
