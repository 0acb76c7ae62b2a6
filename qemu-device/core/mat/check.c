/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the matrix unit takes, and where its tiles end. */
#include "mat_int.h"

const char *mat_status_text(enum mat_status s)
{
	static const char *const text[] = {
		[MAT_OK] = "done",
		[MAT_BAD_SIZE] = "m, n or k is 0 or too large",
		[MAT_BAD_TYPE_A] = "A's type is none of an operand",
		[MAT_BAD_TYPE_B] = "B's type does not go with A's",
		[MAT_BAD_TYPE_C] = "C's type is not exact in the accumulator",
		[MAT_BAD_TYPE_D] = "D's type is none of a result",
		[MAT_BAD_SCALES] = "an operand of an MX type has no scales",
		[MAT_BAD_PITCH] = "D's rows overlap",
		[MAT_NO_MEMORY] = "the host has no memory for the unit's buffers",
	};

	return text[s];
}

static bool is_float_operand(enum num_type t)
{
	enum num_class c = num_info(t)->class;

	return t != NUM_FP64 && (c == NUM_FLOAT || c == NUM_MX || c == NUM_GGUF);
}

static bool is_int_operand(enum num_type t)
{
	return t == NUM_INT8 || t == NUM_UINT8 || t == NUM_INT4;
}

enum num_type mat_accumulator(enum num_type a, enum num_type b)
{
	if (a >= NUM_TYPES || b >= NUM_TYPES)
		return NUM_TYPES;
	if (a == NUM_FP64 && b == NUM_FP64)
		return NUM_FP64;
	if (is_float_operand(a) && is_float_operand(b))
		return NUM_FP32;
	if (is_int_operand(a) && is_int_operand(b))
		return NUM_INT32;
	return NUM_TYPES;
}

static bool starts_accumulator(enum num_type c, enum num_type acc)
{
	if (c >= NUM_PLAIN_TYPES || c == NUM_E8M0)
		return false;
	if (acc == NUM_INT32)
		return num_info(c)->class == NUM_INT;
	return num_info(c)->class == NUM_FLOAT && (acc == NUM_FP64 || c != NUM_FP64);
}

static bool has_scales(const struct mat_tile *t)
{
	return num_info(t->type)->class != NUM_MX || t->scales;
}

static enum mat_status check_types(const struct mat_op *op)
{
	enum num_type a = op->a.type, b = op->b.type, d = op->d.type;
	enum num_type acc;

	if (a >= NUM_TYPES || (a != NUM_FP64 && !is_float_operand(a) && !is_int_operand(a)))
		return MAT_BAD_TYPE_A;
	acc = mat_accumulator(a, b);
	if (acc == NUM_TYPES)
		return MAT_BAD_TYPE_B;
	if (op->c.data && !starts_accumulator(op->c.type, acc))
		return MAT_BAD_TYPE_C;
	if (d >= NUM_E8M0)
		return MAT_BAD_TYPE_D;
	return has_scales(&op->a) && has_scales(&op->b) ? MAT_OK : MAT_BAD_SCALES;
}

enum mat_status mat_check(const struct mat_op *op)
{
	size_t rows = op->d.transposed ? op->n : op->m;
	size_t cols = op->d.transposed ? op->m : op->n;
	enum mat_status s;

	if (!op->m || !op->n || !op->k || op->m > MAT_MAX_DIM || op->n > MAT_MAX_DIM ||
	    op->k > MAT_MAX_DIM)
		return MAT_BAD_SIZE;
	s = check_types(op);
	if (s != MAT_OK)
		return s;
	if (rows > 1 && op->d.pitch < num_bytes(op->d.type, cols))
		return MAT_BAD_PITCH;
	return MAT_OK;
}

/* (@rows - 1) * @pitch + @last, or SIZE_MAX: pitches may come from anywhere. */
static size_t extent(unsigned int rows, size_t pitch, size_t last)
{
	size_t bytes;

	if (__builtin_mul_overflow((size_t)rows - 1, pitch, &bytes) ||
	    __builtin_add_overflow(bytes, last, &bytes))
		return SIZE_MAX;
	return bytes;
}

size_t mat_tile_bytes(const struct mat_tile *t, unsigned int rows, unsigned int cols)
{
	unsigned int r = t->transposed ? cols : rows, c = t->transposed ? rows : cols;

	return extent(r, t->pitch, num_bytes(t->type, c));
}

size_t mat_tile_scale_bytes(const struct mat_tile *t, unsigned int rows, unsigned int cols)
{
	unsigned int r = t->transposed ? cols : rows, c = t->transposed ? rows : cols;

	if (num_info(t->type)->class != NUM_MX)
		return 0;
	return extent(r, t->scale_pitch, (c + NUM_BLOCK - 1) / NUM_BLOCK);
}
