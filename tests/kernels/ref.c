// SPDX-License-Identifier: MIT
/*
 * What the kernels should compute, written from docs/numerics.md for the
 * host, sharing nothing with the device core. Loaded by tests/kernels/kernels.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <uapi/dsa_cmd.h>
#include "../../libdsa/kernels/math.h"

struct format {
	int size, exponent, fraction;
	int finite_only; /* e4m3: no infinity, one NaN */
};

static int format_of(int type, struct format *f)
{
	switch (type) {
	case DSA_TYPE_F32:
		*f = (struct format){ 4, 8, 23, 0 };
		return 1;
	case DSA_TYPE_TF32:
		*f = (struct format){ 4, 8, 10, 0 };
		return 1;
	case DSA_TYPE_F16:
		*f = (struct format){ 2, 5, 10, 0 };
		return 1;
	case DSA_TYPE_BF16:
		*f = (struct format){ 2, 8, 7, 0 };
		return 1;
	case DSA_TYPE_F8E4M3:
		*f = (struct format){ 1, 4, 3, 1 };
		return 1;
	case DSA_TYPE_F8E5M2:
		*f = (struct format){ 1, 5, 2, 0 };
		return 1;
	default:
		return 0;
	}
}

static double largest_of(const struct format *f)
{
	int bias = (1 << (f->exponent - 1)) - 1;

	if (f->finite_only)
		return ldexp(2 - ldexp(2, -f->fraction), bias + 1);
	return ldexp(2 - ldexp(1, -f->fraction), bias);
}

/* @v to nearest, ties to even, on the grid of the format, as if its exponents had no upper end. */
static double round_to(double v, const struct format *f)
{
	int bias = (1 << (f->exponent - 1)) - 1, e;

	if (v == 0 || !isfinite(v))
		return v;
	frexp(v, &e);
	e -= 1;
	if (e < 1 - bias)
		e = 1 - bias;
	return ldexp(nearbyint(ldexp(v, f->fraction - e)), e - f->fraction);
}

static double read_float(const uint8_t *p, const struct format *f)
{
	int fraction = f->size == 4 ? 23 : f->fraction;
	int bias = (1 << (f->exponent - 1)) - 1;
	uint32_t bits = 0, top = (1u << f->exponent) - 1, e, m;
	double v;

	memcpy(&bits, p, f->size);
	e = bits >> fraction & top;
	m = bits & ((1u << fraction) - 1);
	if (e == top && !f->finite_only)
		v = m ? NAN : INFINITY;
	else if (e == top && f->finite_only && m == 7)
		v = NAN;
	else
		v = e ? ldexp(1 + ldexp(m, -fraction), (int)e - bias) :
			ldexp(m, 1 - bias - fraction);
	if (f->fraction != fraction && isfinite(v)) { /* tf32 */
		v = round_to(v, f);
		if (v > largest_of(f))
			v = INFINITY;
	}
	return bits >> (8 * f->size - 1) ? -v : v;
}

static void write_float(uint8_t *p, double v, const struct format *f, int saturate)
{
	int fraction = f->size == 4 ? 23 : f->fraction;
	int bias = (1 << (f->exponent - 1)) - 1, e;
	double largest = largest_of(f), mag = fabs(v);
	uint32_t top = (1u << f->exponent) - 1, bits, inf = top << fraction;

	mag = round_to(mag, f);
	if (mag > largest)
		mag = saturate ? largest : INFINITY;
	if (isinf(mag) && f->finite_only)
		v = NAN;
	if (isnan(v)) {
		bits = f->size == 1 ? 0x7f : inf | 1u << (fraction - 1);
	} else if (isinf(mag)) {
		bits = inf;
	} else {
		frexp(mag, &e);
		e = mag == 0 || e - 1 < 1 - bias ? 1 - bias : e - 1;
		bits = (uint32_t)ldexp(mag, fraction - e); /* with the 1 in front, if normal */
		bits = bits >> fraction ? bits + ((uint32_t)(e + bias - 1) << fraction) : bits;
	}
	if (signbit(v) && !isnan(v))
		bits |= 1u << (8 * f->size - 1);
	memcpy(p, &bits, f->size);
}

static int size_of(int type)
{
	struct format f;

	if (format_of(type, &f))
		return f.size;
	return type == DSA_TYPE_F64 ? 8 : type == DSA_TYPE_I32 ? 4 : 1;
}

static double read_elem(const void *base, uint64_t i, int type)
{
	const uint8_t *p = (const uint8_t *)base + i * size_of(type);
	struct format f;
	int32_t word;
	double v;

	if (format_of(type, &f))
		return read_float(p, &f);
	switch (type) {
	case DSA_TYPE_F64:
		memcpy(&v, p, 8);
		return v;
	case DSA_TYPE_I32:
		memcpy(&word, p, 4);
		return word;
	case DSA_TYPE_I8:
		return *(const int8_t *)p;
	default:
		return *p;
	}
}

static int64_t to_integer(double v, int64_t low, int64_t high)
{
	if (isnan(v))
		return 0;
	v = nearbyint(v);
	return v<(double)low ? low : v>(double) high ? high : (int64_t)v;
}

static void write_elem(void *base, uint64_t i, int type, double v, int saturate)
{
	static const uint64_t nan = 0x7ff8000000000000;
	uint8_t *p = (uint8_t *)base + i * size_of(type);
	struct format f;
	int32_t word;

	if (format_of(type, &f)) {
		write_float(p, v, &f, saturate);
		return;
	}
	switch (type) {
	case DSA_TYPE_F64:
		if (saturate && isinf(v))
			v = copysign(1.7976931348623157e308, v);
		memcpy(p, isnan(v) ? (const void *)&nan : &v, 8);
		break;
	case DSA_TYPE_I32:
		word = (int32_t)to_integer(v, INT32_MIN, INT32_MAX);
		memcpy(p, &word, 4);
		break;
	case DSA_TYPE_I8:
		*p = (uint8_t)to_integer(v, -128, 127);
		break;
	default:
		*p = (uint8_t)to_integer(v, 0, 255);
	}
}

/* Rounded to the type of the sums: 'd', 'f' or 'i'. */
static double to_sum(double v, int kind)
{
	if (kind == 'i')
		return (double)to_integer(v, INT32_MIN, INT32_MAX);
	return kind == 'f' ? (float)v : v;
}

static double one_sum(double sum, double a, double b, int kind)
{
	if (kind == 'd')
		return fma(a, b, sum);
	if (kind == 'f')
		return fmaf((float)a, (float)b, (float)sum);
	return (int32_t)((uint32_t)(int32_t)sum + (uint32_t)((int32_t)a * (int32_t)b));
}

static double scaled(double sum, float scale, int kind)
{
	if (scale == 1)
		return sum;
	return kind == 'f' ? (float)sum * scale : sum * (double)scale;
}

struct gemm_args {
	void *d;
	const void *a, *b, *c;
	uint64_t ldd, lda, ldb, ldc;
	uint32_t m, n, k, d_type, a_type, b_type;
	float alpha, beta;
	uint32_t flags; /* 1, 2: A, B transposed; 4: saturate */
};

static double *decoded(const void *base, uint64_t rows, uint64_t cols, uint64_t pitch, int type)
{
	double *out = malloc((rows * cols + 1) * sizeof(*out));

	for (uint64_t i = 0; i < rows; i++)
		for (uint64_t j = 0; j < cols; j++)
			out[i * cols + j] = read_elem(base, i * pitch + j, type);
	return out;
}

void ref_gemm(const struct gemm_args *g)
{
	int kind = g->a_type == DSA_TYPE_F64                            ? 'd' :
		   g->a_type == DSA_TYPE_I8 || g->a_type == DSA_TYPE_U8 ? 'i' :
									  'f';
	int product = g->alpha != 0 && g->k;
	float into = product ? g->beta / g->alpha : g->beta;
	double *a = decoded(g->a, g->flags & 1 ? g->k : g->m, g->flags & 1 ? g->m : g->k, g->lda,
			    g->a_type);
	double *b = decoded(g->b, g->flags & 2 ? g->n : g->k, g->flags & 2 ? g->k : g->n, g->ldb,
			    g->b_type);

	for (uint64_t i = 0; i < g->m; i++)
		for (uint64_t j = 0; j < g->n; j++) {
			double sum = 0;

			if (g->beta != 0)
				sum = scaled(0.0 + read_elem(g->c, i * g->ldc + j, g->d_type), into,
					     kind);
			if (product && g->beta != 0)
				sum = to_sum(sum, kind);
			for (uint64_t p = 0; product && p < g->k; p++) {
				uint64_t at = g->flags & 1 ? p * g->m + i : i * g->k + p;
				uint64_t bt = g->flags & 2 ? j * g->k + p : p * g->n + j;

				sum = one_sum(sum, a[at], b[bt], kind);
			}
			if (product)
				sum = scaled(sum, g->alpha, kind);
			write_elem(g->d, i * g->ldd + j, g->d_type, sum, g->flags & 4);
		}
	free(a);
	free(b);
}

void ref_axpy(float *y, const float *x, float a, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = fmaf(a, x[i], y[i]);
}

/* Of all inputs whose bits are a multiple of @step: the largest error of math_expf in ulp. */
double ref_expf_error(uint32_t step)
{
	double worst = 0;

	for (uint64_t bits = 0; bits < 1ull << 32; bits += step) {
		uint32_t word = (uint32_t)bits;
		float x, y;
		double want, error;
		int e;

		memcpy(&x, &word, 4);
		y = math_expf(x);
		want = exp((double)x);
		if (isnan(x) ? isnan(y) : (float)want == y)
			continue;
		if (!isfinite(y) || isnan(x) || isinf((float)want))
			return INFINITY;
		frexp(want, &e);
		error = fabs(y - want) / ldexp(1, e - 24 < -149 ? -149 : e - 24);
		worst = error > worst ? error : worst;
	}
	return worst;
}

/*
 * The largest error of a softmax of @n values in units of the last place of
 * its result, at least 2^-149; infinite when NaNs differ. What rounding
 * d = x - max to a float may do, |d| units, is not counted.
 */
double ref_softmax_error(const float *y, const float *x, uint64_t n)
{
	double max = -INFINITY, sum = 0, worst = 0;

	for (uint64_t i = 0; i < n; i++)
		max = x[i] > max ? x[i] : max;
	for (uint64_t i = 0; i < n; i++)
		sum += exp(x[i] - max);
	for (uint64_t i = 0; i < n; i++) {
		double want = exp(x[i] - max) / sum, error;
		int e;

		if (isnan(want) != isnan(y[i]))
			return INFINITY;
		if (isnan(want))
			continue;
		frexp(want, &e);
		error = fabs(y[i] - want) / ldexp(1, want == 0 || e - 24 < -149 ? -149 : e - 24);
		error -= isinf(x[i]) ? 0 : max - x[i];
		worst = error > worst ? error : worst;
	}
	return worst;
}
