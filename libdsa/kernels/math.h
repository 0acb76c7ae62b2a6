/* SPDX-License-Identifier: MIT */
/*
 * Mathematics for kernels: there is no libm on the device. Without branches,
 * so that loops around it vectorise. Plain C: the tests compile it for the
 * host too.
 */
#ifndef DSA_KERNELS_MATH_H
#define DSA_KERNELS_MATH_H

#include <stdint.h>

/* 2^n for n from -126 to 127. */
static inline float math_pow2(int32_t n)
{
	union {
		uint32_t bits;
		float value;
	} u = { .bits = (uint32_t)(n + 127) << 23 };

	return u.value;
}

/*
 * e^x, within 1.1 ulp of the true value, subnormal results included. With
 * n = x / ln 2 rounded to an integer it is 2^n e^r, r = x - n ln 2 from
 * -0.35 to 0.35, and e^r is a polynomial (Cephes' coefficients).
 */
static inline float math_expf(float x)
{
	const float round = 0x1.8p23f; /* adding it leaves an integer in the low bits */
	union {
		float value;
		int32_t bits;
	} t;
	float r, p;
	int32_t n;

	/* Beyond these the result is 0 or infinity anyway; NaN stays. */
	x = x > 89.0f ? 89.0f : x;
	x = x < -104.0f ? -104.0f : x;
	t.value = __builtin_fmaf(x, 0x1.715476p+0f, round);
	n = (int32_t)((uint32_t)t.bits - 0x4b400000u);
	t.value -= round;
	r = __builtin_fmaf(t.value, -0x1.62e4p-1f, x); /* exact: the constant has 15 bits */
	r = __builtin_fmaf(t.value, -0x1.7f7d1cp-20f, r);
	p = 1.9875691500e-4f;
	p = __builtin_fmaf(p, r, 1.3981999507e-3f);
	p = __builtin_fmaf(p, r, 8.3334519073e-3f);
	p = __builtin_fmaf(p, r, 4.1665795894e-2f);
	p = __builtin_fmaf(p, r, 1.6666665459e-1f);
	p = __builtin_fmaf(p, r, 5.0000001201e-1f);
	p = __builtin_fmaf(p, r * r, r) + 1.0f;
	/* In two steps: 2^n need not be a normal number; only the second rounds. */
	return p * math_pow2(n >> 1) * math_pow2(n - (n >> 1));
}

#endif /* DSA_KERNELS_MATH_H */
