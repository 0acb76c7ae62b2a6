/* SPDX-License-Identifier: MIT */
/*
 * Device runtime: what clang calls in freestanding device code.
 *
 * dsacc compiles this into every module; what is not called is dropped. Built
 * with -fno-builtin, so that the loops here do not become calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint64_t __attribute__((may_alias)) word_t;
typedef unsigned __int128 u128;
typedef __int128 i128;

/* Both on the same offset within a word: copy by words between the ends. */
static int same_phase(const void *a, const void *b)
{
	return (((uintptr_t)a ^ (uintptr_t)b) & 7) == 0;
}

static void copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
	if (same_phase(d, s)) {
		for (; n && ((uintptr_t)d & 7); n--)
			*d++ = *s++;
		for (; n >= 8; n -= 8, d += 8, s += 8)
			*(word_t *)d = *(const word_t *)s;
	}
	while (n--)
		*d++ = *s++;
}

static void copy_down(unsigned char *d, const unsigned char *s, size_t n)
{
	d += n;
	s += n;
	if (same_phase(d, s)) {
		for (; n && ((uintptr_t)d & 7); n--)
			*--d = *--s;
		for (; n >= 8; n -= 8) {
			d -= 8;
			s -= 8;
			*(word_t *)d = *(const word_t *)s;
		}
	}
	while (n--)
		*--d = *--s;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_up(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_up(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int value, size_t n)
{
	unsigned char *d = dst;
	uint64_t word = (uint64_t)(unsigned char)value * 0x0101010101010101ull;

	for (; n && ((uintptr_t)d & 7); n--)
		*d++ = (unsigned char)value;
	for (; n >= 8; n -= 8, d += 8)
		*(word_t *)d = word;
	while (n--)
		*d++ = (unsigned char)value;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

static u128 shift_subtract(u128 a, u128 b, u128 *rest)
{
	u128 quotient = 0, r = 0;

	for (int i = 127; i >= 0; i--) {
		r = r << 1 | (a >> i & 1);
		if (r >= b) {
			r -= b;
			quotient |= (u128)1 << i;
		}
	}
	*rest = r;
	return quotient;
}

u128 __udivti3(u128 a, u128 b)
{
	u128 rest;

	return shift_subtract(a, b, &rest);
}

u128 __umodti3(u128 a, u128 b)
{
	u128 rest;

	shift_subtract(a, b, &rest);
	return rest;
}

static u128 magnitude(i128 v)
{
	return v < 0 ? -(u128)v : (u128)v;
}

i128 __divti3(i128 a, i128 b)
{
	u128 rest, q = shift_subtract(magnitude(a), magnitude(b), &rest);

	return (i128)((a < 0) != (b < 0) ? -q : q);
}

i128 __modti3(i128 a, i128 b)
{
	u128 rest;

	shift_subtract(magnitude(a), magnitude(b), &rest);
	return (i128)(a < 0 ? -rest : rest);
}

i128 __multi3(i128 a, i128 b)
{
	uint64_t a0 = (uint64_t)a, b0 = (uint64_t)b;
	uint64_t a1 = (uint64_t)((u128)a >> 64), b1 = (uint64_t)((u128)b >> 64);
	uint64_t lo = a0 * b0, hi;

	__asm__("mulhu %0, %1, %2" : "=r"(hi) : "r"(a0), "r"(b0));
	hi += a1 * b0 + a0 * b1;
	return (i128)((u128)hi << 64 | lo);
}
