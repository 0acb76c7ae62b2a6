/* SPDX-License-Identifier: MIT */
/*
 * Every value is a double, which holds those of all types; rounding is done on
 * the grid of the target. Element by element, bit by bit.
 */
#include "convert_ref.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum kind { IEEE, E4M3, FINITE, SIGNED, UNSIGNED, MX, Q8, Q4 };

struct format {
	enum kind kind;
	int bits, exponent, fraction; /* of an element */
	int element;                  /* of MX: its type */
	int emax;                     /* of MX: of the element type */
};

static const struct format formats[DSA_TYPE_COUNT] = {
	[DSA_TYPE_F64] = { IEEE, 64, 11, 52, 0, 0 },
	[DSA_TYPE_F32] = { IEEE, 32, 8, 23, 0, 0 },
	[DSA_TYPE_TF32] = { IEEE, 32, 8, 10, 0, 0 },
	[DSA_TYPE_F16] = { IEEE, 16, 5, 10, 0, 0 },
	[DSA_TYPE_BF16] = { IEEE, 16, 8, 7, 0, 0 },
	[DSA_TYPE_F8E5M2] = { IEEE, 8, 5, 2, 0, 0 },
	[DSA_TYPE_F8E4M3] = { E4M3, 8, 4, 3, 0, 0 },
	[DSA_TYPE_F6E2M3] = { FINITE, 6, 2, 3, 0, 0 },
	[DSA_TYPE_F6E3M2] = { FINITE, 6, 3, 2, 0, 0 },
	[DSA_TYPE_F4E2M1] = { FINITE, 4, 2, 1, 0, 0 },
	[DSA_TYPE_I32] = { SIGNED, 32, 0, 0, 0, 0 },
	[DSA_TYPE_I8] = { SIGNED, 8, 0, 0, 0, 0 },
	[DSA_TYPE_I4] = { SIGNED, 4, 0, 0, 0, 0 },
	[DSA_TYPE_U8] = { UNSIGNED, 8, 0, 0, 0, 0 },
	[DSA_TYPE_MXF8E4M3] = { MX, 8, 0, 0, DSA_TYPE_F8E4M3, 8 },
	[DSA_TYPE_MXF8E5M2] = { MX, 8, 0, 0, DSA_TYPE_F8E5M2, 15 },
	[DSA_TYPE_MXF6E2M3] = { MX, 6, 0, 0, DSA_TYPE_F6E2M3, 2 },
	[DSA_TYPE_MXF6E3M2] = { MX, 6, 0, 0, DSA_TYPE_F6E3M2, 4 },
	[DSA_TYPE_MXF4E2M1] = { MX, 4, 0, 0, DSA_TYPE_F4E2M1, 2 },
	[DSA_TYPE_MXI8] = { MX, 8, 0, 0, DSA_TYPE_I8, 0 },
	[DSA_TYPE_Q8_0] = { Q8, 8, 0, 0, 0, 0 },
	[DSA_TYPE_Q4_0] = { Q4, 4, 0, 0, 0, 0 },
};

struct rounding {
	bool saturate, stochastic;
	uint32_t random;
};

/* ---- bits ---- */

static uint64_t get_bits(const uint8_t *p, size_t at, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v |= (uint64_t)(p[(at + i) / 8] >> (at + i) % 8 & 1) << i;
	return v;
}

static void put_bits(uint8_t *p, size_t at, int n, uint64_t v)
{
	for (int i = 0; i < n; i++) {
		uint8_t mask = (uint8_t)(1u << (at + i) % 8);

		p[(at + i) / 8] &= (uint8_t)~mask;
		if (v >> i & 1)
			p[(at + i) / 8] |= mask;
	}
}

/* ---- plain types ---- */

static int bias_of(const struct format *f)
{
	return (1 << (f->exponent - 1)) - 1;
}

static double largest(const struct format *f)
{
	int top = (1 << f->exponent) - 1 - bias_of(f); /* exponent of the highest field */

	if (f->kind == IEEE)
		return ldexp(2 - ldexp(1, -f->fraction), top - 1);
	/* E4M3 loses only its last number to NaN */
	return ldexp(2 - ldexp(f->kind == E4M3 ? 2 : 1, -f->fraction), top);
}

/* |v| in units of the grid's spacing there, rounded; then a magnitude again. */
static double round_mag(double mag, int spacing, const struct rounding *r)
{
	double x = ldexp(mag, -spacing), lo = floor(x);

	if (r->stochastic)
		x = lo + (floor((x - lo) * 0x1p32) + r->random >= 0x1p32);
	else
		x = nearbyint(x);
	return ldexp(x, spacing);
}

static int spacing_at(const struct format *f, double mag)
{
	int e;

	frexp(mag, &e);
	e -= 1;
	if (mag == 0 || e < 1 - bias_of(f))
		e = 1 - bias_of(f);
	return e - f->fraction;
}

static double read_float(const struct format *f, uint64_t code)
{
	int stored = f->bits - 1 - f->exponent; /* of TF32: more than it has */
	uint64_t top = (1ull << f->exponent) - 1, e = code >> stored & top;
	uint64_t m = code & ((1ull << stored) - 1);
	const struct rounding rne = { 0 };
	double v;

	if (f->kind == IEEE && e == top)
		v = m ? NAN : INFINITY;
	else if (f->kind == E4M3 && e == top && m == 7)
		v = NAN;
	else
		v = ldexp((e ? 1 : 0) + ldexp((double)m, -stored), (int)(e ? e : 1) - bias_of(f));
	if (stored != f->fraction && isfinite(v)) {
		v = round_mag(v, spacing_at(f, v), &rne);
		v = v > largest(f) ? INFINITY : v;
	}
	return code >> (f->bits - 1) ? -v : v;
}

static uint64_t nan_code(const struct format *f)
{
	switch (f->kind) {
	case IEEE:
		if (f->bits == 8)
			return 0x7f;
		return ((2ull << f->exponent) - 1) << (f->bits - 2 - f->exponent);
	case E4M3:
		return 0x7f;
	default:
		return (1ull << (f->bits - 1)) - 1;
	}
}

static uint64_t pack_float(const struct format *f, double mag, bool negative)
{
	int stored = f->bits - 1 - f->exponent, e;
	uint64_t code;

	if (isinf(mag)) {
		code = ((1ull << f->exponent) - 1) << stored;
	} else {
		e = spacing_at(f, mag) + f->fraction;
		code = (uint64_t)ldexp(mag, stored - e);
		code += (uint64_t)(e + bias_of(f) - 1) << stored;
	}
	return code | (uint64_t)negative << (f->bits - 1);
}

static uint64_t write_float(const struct format *f, double v, const struct rounding *r)
{
	double mag = fabs(v), most = largest(f);

	if (isnan(v))
		return nan_code(f);
	if (isfinite(v))
		mag = round_mag(mag, spacing_at(f, mag), r);
	if (mag > most && f->kind == E4M3 && !r->saturate)
		return nan_code(f);
	if (mag > most)
		mag = f->kind == IEEE && !r->saturate ? INFINITY : most;
	return pack_float(f, mag, signbit(v));
}

static uint64_t write_integer(const struct format *f, double v, const struct rounding *r)
{
	double low = f->kind == SIGNED ? -ldexp(1, f->bits - 1) : 0;
	double high = ldexp(1, f->kind == SIGNED ? f->bits - 1 : f->bits) - 1;

	if (isnan(v))
		return 0;
	if (isfinite(v))
		v = copysign(round_mag(fabs(v), 0, r), v);
	v = v < low ? low : v > high ? high : v;
	return (uint64_t)(int64_t)v & ((1ull << f->bits) - 1);
}

static double read_plain(const struct format *f, uint64_t code)
{
	uint64_t sign = 1ull << (f->bits - 1);

	if (f->kind == SIGNED)
		return (double)(int64_t)(code ^ sign) - (double)sign;
	return f->kind == UNSIGNED ? (double)code : read_float(f, code);
}

static uint64_t write_plain(const struct format *f, double v, const struct rounding *r)
{
	return f->kind == SIGNED || f->kind == UNSIGNED ? write_integer(f, v, r) :
							  write_float(f, v, r);
}

/* ---- rows ---- */

static size_t block_bytes(const struct format *f)
{
	return f->kind == Q8 ? 34 : f->kind == Q4 ? 18 : (size_t)f->bits * 4;
}

static double read_element(const struct format *f, const uint8_t *row, const uint8_t *scales,
			   size_t i)
{
	const uint8_t *block = row + i / 32 * block_bytes(f);
	size_t j = i % 32;
	double d;

	switch (f->kind) {
	case Q8:
	case Q4:
		d = read_float(&formats[DSA_TYPE_F16], get_bits(block, 0, 16));
		if (f->kind == Q8)
			return (double)(float)(d * (int8_t)block[2 + j]);
		return (double)(float)(d * ((block[2 + j % 16] >> (j < 16 ? 0 : 4) & 15) - 8));
	case MX:
		d = scales[i / 32] == 255 ? NAN : ldexp(1, scales[i / 32] - 127);
		d *= read_plain(&formats[f->element], get_bits(block, j * f->bits, f->bits));
		return (double)(float)(f->element == DSA_TYPE_I8 ? d / 64 : d);
	default:
		return read_plain(f, get_bits(row, i * f->bits, f->bits));
	}
}

static double scaled(int type, double v, float scale)
{
	if (scale == 1)
		return v;
	if (type == DSA_TYPE_F64 || type == DSA_TYPE_I32)
		return v * (double)scale;
	return (double)((float)v * scale);
}

static void write_mx(const struct format *f, uint8_t *block, uint8_t *scale, const float *v,
		     size_t n, float most, const uint32_t *random, bool stochastic)
{
	int e;

	frexpf(most, &e);
	e = most == 0 || e - 1 - f->emax < -127 ? -127 : e - 1 - f->emax;
	*scale = (uint8_t)(e + 127);
	for (size_t i = 0; i < n; i++) {
		struct rounding r = { true, stochastic, random[i] };
		double x = ldexp((double)v[i], f->element == DSA_TYPE_I8 ? 6 - e : -e);

		put_bits(block, i * f->bits, f->bits, write_plain(&formats[f->element], x, &r));
	}
}

static void write_gguf(const struct format *f, uint8_t *block, const float *v, size_t n, float most)
{
	const struct rounding rne = { 0 };
	float d = f->kind == Q8 ? fabsf(most) / 127 : most / -8;
	float id = d != 0 ? 1 / d : 0;

	put_bits(block, 0, 16, write_float(&formats[DSA_TYPE_F16], (double)d, &rne));
	for (size_t i = 0; i < 32; i++) {
		float x = i < n ? v[i] * id : 0;
		int q;

		if (f->kind == Q8) {
			x = roundf(x);
			q = isnan(x) ? 0 : x > 127 ? 127 : x < -127 ? -127 : (int)x;
			block[2 + i] = (uint8_t)q;
		} else {
			x = x + 8.5f;
			q = isnan(x) ? 8 : x >= 15 ? 15 : x < 0 ? 0 : (int)x;
			put_bits(block + 2, i % 16 * 8 + i / 16 * 4, 4, (uint64_t)q);
		}
	}
}

static void write_block(const struct format *f, uint8_t *block, uint8_t *scale, const float *v,
			size_t n, const uint32_t *random, bool stochastic)
{
	bool finite = true;
	float most = 0;

	for (size_t i = 0; i < n; i++) {
		finite &= !!isfinite(v[i]);
		most = fabsf(v[i]) > fabsf(most) ? v[i] : most;
	}
	memset(block, 0, block_bytes(f));
	if (!finite && f->kind == MX)
		*scale = 0xff;
	else if (!finite)
		block[1] = 0x7e;
	else if (f->kind == MX)
		write_mx(f, block, scale, v, n, fabsf(most), random, stochastic);
	else
		write_gguf(f, block, v, n, most);
}

static uint32_t random_of(uint64_t seed, uint64_t counter)
{
	uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

static void write_row(const struct dsa_convert_op *op, const double *v, uint8_t *row,
		      uint8_t *scales, uint64_t number)
{
	const struct format *f = &formats[op->dst.type];
	bool stochastic = op->flags & DSA_CONVERT_STOCHASTIC;

	for (size_t i = 0; i < op->cols && f->kind < MX; i++) {
		struct rounding r = { op->flags & DSA_CONVERT_SATURATE, stochastic,
				      random_of(op->seed, number + i) };

		put_bits(row, i * f->bits, f->bits, write_plain(f, v[i], &r));
	}
	for (size_t i = 0; i < op->cols && f->kind >= MX; i += 32) {
		size_t n = op->cols - i < 32 ? op->cols - i : 32;
		uint32_t random[32];
		float narrow[32];

		for (size_t j = 0; j < n; j++) {
			narrow[j] = (float)v[i + j];
			random[j] = random_of(op->seed, number + i + j);
		}
		write_block(f, row + i / 32 * block_bytes(f), scales + i / 32, narrow, n, random,
			    stochastic);
	}
}

/* Row @i of the tile or scales at @addr, in a copy of the scratchpad; NULL: there are none. */
static uint8_t *row_at(uint8_t *spad, uint64_t addr, uint64_t i, uint32_t pitch)
{
	return addr ? (uint8_t *)((uintptr_t)spad + (addr - DSA_SCRATCHPAD_BASE) + i * pitch) :
		      NULL;
}

void convert_ref(uint8_t *spad, const struct dsa_convert_op *op)
{
	const struct dsa_matrix_tile *s = &op->src, *d = &op->dst;
	double *v = malloc((size_t)op->rows * op->cols * sizeof(*v));

	for (uint64_t i = 0; i < op->rows; i++) {
		const uint8_t *row = row_at(spad, s->addr, i, s->pitch);
		const uint8_t *scales = row_at(spad, s->scales, i, s->scale_pitch);

		for (size_t j = 0; j < op->cols; j++)
			v[i * op->cols + j] =
				scaled(s->type, read_element(&formats[s->type], row, scales, j),
				       op->scale);
	}
	for (uint64_t i = 0; i < op->rows; i++)
		write_row(op, v + i * op->cols, row_at(spad, d->addr, i, d->pitch),
			  row_at(spad, d->scales, i, d->scale_pitch), i * op->cols);
	free(v);
}
