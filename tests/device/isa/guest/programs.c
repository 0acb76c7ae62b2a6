// SPDX-License-Identifier: MIT
/*
 * Whole programs, compiled at -O2, whose results on the reference and on the
 * device's core must agree. Each fills (part of) its 64 KiB buffer and
 * returns a value.
 */
#include <stdint.h>
#include <stddef.h>

#include "proto.h"

typedef uint64_t prog_fn(void *buf);

static uint32_t rotr(uint32_t v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

static uint64_t rng(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* The constants are fractions of cube roots; any table does for this purpose. */
static void sha_round(uint32_t st[8], const uint8_t *p, const uint32_t k[64])
{
	uint32_t w[64], v[8];
	int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (i = 0; i < 8; i++)
		v[i] = st[i];
	for (i = 0; i < 64; i++) {
		uint32_t t1 = v[7] + (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) +
			      ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
		uint32_t t2 = (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) +
			      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		v[7] = v[6];
		v[6] = v[5];
		v[5] = v[4];
		v[4] = v[3] + t1;
		v[3] = v[2];
		v[2] = v[1];
		v[1] = v[0];
		v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		st[i] += v[i];
}

static uint64_t prog_sha(void *buf)
{
	uint32_t st[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, k[64];
	uint64_t s = 42;
	uint8_t *p = buf;
	int i;

	for (i = 0; i < 64; i++)
		k[i] = (uint32_t)rng(&s);
	for (i = 0; i < 16384; i++)
		p[i] = (uint8_t)rng(&s);
	for (i = 0; i < 16384; i += 64)
		sha_round(st, p + i, k);
	__builtin_memcpy(p, st, sizeof(st));
	return st[0] | (uint64_t)st[7] << 32;
}

static void quicksort(int32_t *a, long lo, long hi)
{
	while (lo < hi) {
		int32_t pivot = a[lo + (hi - lo) / 2];
		long i = lo, j = hi;

		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j) {
				int32_t t = a[i];

				a[i++] = a[j];
				a[j--] = t;
			}
		}
		quicksort(a, lo, j);
		lo = i;
	}
}

static uint64_t prog_sort(void *buf)
{
	int32_t *a = buf;
	uint64_t s = 7, sum = 0;
	long n = PROG_BUF / 4, i;

	for (i = 0; i < n; i++)
		a[i] = (int32_t)rng(&s);
	quicksort(a, 0, n - 1);
	for (i = 1; i < n; i++)
		sum += a[i - 1] <= a[i];
	return sum;
}

static uint64_t prog_matmul_f32(void *buf)
{
	float *a = buf, *b = a + 64 * 64, *c = b + 64 * 64;
	int i, j, k;

	for (i = 0; i < 64 * 64; i++) {
		a[i] = (float)(i % 37) / 7.0f - 2.5f;
		b[i] = (float)(i % 53) * 0.3f - 8.0f;
	}
	for (i = 0; i < 64; i++)
		for (j = 0; j < 64; j++) {
			float s = 0;

			for (k = 0; k < 64; k++)
				s += a[i * 64 + k] * b[k * 64 + j];
			c[i * 64 + j] = s;
		}
	return (uint64_t)(int64_t)(c[1234] * 1000);
}

/* Newton's method, series, and conversions in double precision. */
static uint64_t prog_double(void *buf)
{
	double *d = buf, x, y, e;
	int i, k;

	for (i = 1; i < 1000; i++) {
		x = i * 0.37;
		y = x;
		for (k = 0; k < 20; k++)
			y = 0.5 * (y + x / y);
		e = 1;
		for (k = 20; k > 0; k--)
			e = 1 + e * (x / 400) / k;
		d[i] = __builtin_sqrt(x) - y + e;
		d[i + 1000] = (double)(float)(y * e) + (double)(int)(y * 1e5) +
			      (double)(uint64_t)(e * 1e10);
	}
	return (uint64_t)d[999];
}

static uint64_t prog_bignum(void *buf)
{
	uint64_t *a = buf;
	int n = 1, i, f;

	a[0] = 1;
	for (f = 2; f < 600; f++) {
		uint64_t carry = 0;

		for (i = 0; i < n; i++) {
			unsigned __int128 t = (unsigned __int128)a[i] * (unsigned int)f + carry;

			a[i] = (uint64_t)t;
			carry = (uint64_t)(t >> 64);
		}
		if (carry)
			a[n++] = carry;
	}
	return (uint64_t)n;
}

static uint64_t prog_divisions(void *buf)
{
	uint64_t s = 99, sum = 0, *out = buf;
	int i;

	for (i = 0; i < 8000; i++) {
		int64_t a = (int64_t)rng(&s) >> (i & 63), b = (int64_t)rng(&s) >> ((i * 7) & 63);

		sum += (uint64_t)(a / (b | 1)) + (uint64_t)(a % (b | 1));
		sum ^= (uint64_t)((int32_t)a / (int32_t)(b | 1));
		sum += (uint64_t)a / ((uint64_t)b | 1) * ((uint32_t)a % ((uint32_t)b | 1));
		out[i] = sum;
	}
	return sum;
}

static uint64_t prog_sieve(void *buf)
{
	uint8_t *m = buf;
	uint64_t count = 0;
	int i, j;

	for (i = 2; i < PROG_BUF; i++) {
		if (m[i])
			continue;
		count++;
		for (j = 2 * i; j < PROG_BUF; j += i)
			m[j] = 1;
	}
	return count;
}

static uint64_t ackermann(uint64_t m, uint64_t n)
{
	while (m) {
		n = n ? ackermann(m, n - 1) : 1;
		m--;
	}
	return n + 1;
}

static uint64_t prog_recursion(void *buf)
{
	(void)buf;
	return ackermann(2, 300);
}

/* A byte-code machine: indirect jumps through a table. */
static uint64_t prog_interp(void *buf)
{
	uint8_t *code = buf;
	uint64_t acc = 1, s = 5, steps = 0;
	uint32_t pc = 0;
	int i;

	for (i = 0; i < 4096; i++)
		code[i] = (uint8_t)rng(&s);
	while (steps++ < 100000) {
		uint8_t op = code[pc++ & 4095];

		/* clang-format off */
		switch (op & 15) {
		case 0: acc += op; break;
		case 1: acc ^= acc << 7; break;
		case 2: acc *= 0x9e3779b97f4a7c15u; break;
		case 3: acc = acc >> 3 | acc << 61; break;
		case 4: pc += op >> 4; break;
		case 5: acc -= pc; break;
		case 6: if (acc & 1) pc += 3; break;
		case 7: acc = ~acc; break;
		case 8: code[pc & 4095] ^= (uint8_t)acc; break;
		case 9: acc += steps; break;
		case 10: acc ^= acc >> 33; break;
		case 11: pc = (uint32_t)acc & 4095; break;
		case 12: acc = (uint64_t)(int64_t)(int32_t)acc; break;
		case 13: acc += code[acc & 4095]; break;
		case 14: acc = (acc & 0xffff) * (acc >> 16 | 1); break;
		default: acc -= op; break;
		}
		/* clang-format on */
	}
	return acc;
}

static uint64_t prog_unaligned(void *buf)
{
	struct {
		uint8_t a;
		uint64_t b;
		uint16_t c;
		uint32_t d;
		double e;
	} __attribute__((packed)) *r = buf;
	uint64_t sum = 0;
	int i;

	for (i = 0; i < 2500; i++) {
		r[i].a = (uint8_t)i;
		r[i].b = (uint64_t)i * 0x0102030405060708u;
		r[i].c = (uint16_t)(i * 3);
		r[i].d = (uint32_t)i * 77777u;
		r[i].e = i / 3.0;
	}
	for (i = 0; i < 2500; i++)
		sum += r[i].a + r[i].b + r[i].c + r[i].d + (uint64_t)r[i].e;
	return sum;
}

static uint64_t prog_atomics(void *buf)
{
	uint64_t *p = buf, sum = 0;
	uint32_t *w = buf;
	int i;

	for (i = 0; i < 1000; i++) {
		sum += __atomic_fetch_add(&p[i & 7], (uint64_t)i, __ATOMIC_SEQ_CST);
		sum ^= __atomic_fetch_xor(&w[32 + (i & 3)], (uint32_t)i * 5u, __ATOMIC_ACQ_REL);
		sum += __atomic_exchange_n(&w[64], (uint32_t)i, __ATOMIC_RELAXED);
		p[40] = (uint64_t)i;
		sum += __sync_bool_compare_and_swap(&p[40], (uint64_t)(i & ~1), 3);
	}
	return sum;
}

__attribute__((section(".progs"), used)) prog_fn *const prog_table[] = {
	prog_sha,   prog_sort,      prog_matmul_f32, prog_double,    prog_bignum,  prog_divisions,
	prog_sieve, prog_recursion, prog_interp,     prog_unaligned, prog_atomics, NULL,
};

/* Names for the test's output, in the same order. */
__attribute__((section(".names"), used)) const char prog_names[16][16] = {
	"sha",   "sort",      "matmul_f32", "double",    "bignum",  "divisions",
	"sieve", "recursion", "interp",     "unaligned", "atomics",
};
