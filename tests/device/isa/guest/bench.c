// SPDX-License-Identifier: MIT
/* Loops for rv_bench: what scalar code of kernels looks like. */
#include <stddef.h>
#include <stdint.h>

typedef uint64_t bench_fn(uint64_t n, void *mem);

static uint64_t integer_loop(uint64_t n, void *mem)
{
	uint64_t a = 1, b = 2, c = 3, i;

	(void)mem;
	for (i = 0; i < n; i++) {
		a += b ^ i;
		b = (b << 3) - a;
		c += (a >> 7) & 0xff;
		if (c & 1)
			b++;
	}
	return a ^ b ^ c;
}

struct node {
	struct node *next;
	uint64_t value;
};

/* A ring of 2048 nodes in random order is made first: 32 KiB. */
static uint64_t pointer_chase(uint64_t n, void *mem)
{
	struct node *ring = mem, *p = ring;
	uint64_t sum = 0, i;

	for (i = 0; i < 2048; i++) {
		ring[i].next = &ring[(i * 1021 + 7) & 2047];
		ring[i].value = i;
	}
	while (n--) {
		sum += p->value;
		p = p->next;
	}
	return sum;
}

static uint64_t crc(uint64_t n, void *mem)
{
	uint32_t *table = mem, c = ~0u, i, k;

	for (i = 0; i < 256; i++) {
		uint32_t v = i;

		for (k = 0; k < 8; k++)
			v = v & 1 ? 0xedb88320 ^ v >> 1 : v >> 1;
		table[i] = v;
	}
	while (n--)
		c = table[(c ^ (uint32_t)n) & 0xff] ^ c >> 8;
	return c;
}

static uint64_t matmul_f32(uint64_t n, void *mem)
{
	float *a = mem, *b = a + 64 * 64, *c = b + 64 * 64;
	int i, j, k;

	for (i = 0; i < 64 * 64; i++) {
		a[i] = (float)(i & 7);
		b[i] = (float)(i & 3);
		c[i] = 0;
	}
	while (n--)
		for (i = 0; i < 64; i++)
			for (j = 0; j < 64; j++) {
				float s = 0;

				for (k = 0; k < 64; k++)
					s += a[i * 64 + k] * b[k * 64 + j];
				c[i * 64 + j] += s;
			}
	return (uint64_t)c[77];
}

static uint64_t sieve(uint64_t n, void *mem)
{
	uint8_t *m = mem;
	uint64_t count = 0;
	int i, j;

	while (n--) {
		count = 0;
		for (i = 0; i < 8192; i++)
			m[i] = 1;
		for (i = 2; i < 8192; i++) {
			if (!m[i])
				continue;
			count++;
			for (j = 2 * i; j < 8192; j += i)
				m[j] = 0;
		}
	}
	return count;
}

static uint64_t fibonacci(uint64_t n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t calls(uint64_t n, void *mem)
{
	(void)mem;
	return fibonacci(n);
}

static uint64_t empty(uint64_t n, void *mem)
{
	(void)n;
	(void)mem;
	return 0;
}

/* In bench_v.c, vectorised by the compiler; pieces that stay in the host's cache. */
#define PIECE 4096
void axpy_piece(float *restrict y, const float *restrict x, float a);
int32_t dot_piece(const int8_t *a, const int8_t *b);

static uint64_t axpy_f32(uint64_t n, void *mem)
{
	float *x = mem, *y = x + PIECE;

	for (int i = 0; i < PIECE; i++) {
		x[i] = (float)i;
		y[i] = 1;
	}
	for (uint64_t i = 0; i < n; i += PIECE)
		axpy_piece(y, x, 0.5f);
	return (uint64_t)y[3];
}

static uint64_t dot_i8(uint64_t n, void *mem)
{
	int8_t *a = mem, *b = a + PIECE;

	for (int i = 0; i < PIECE; i++) {
		a[i] = (int8_t)i;
		b[i] = (int8_t)(i >> 3);
	}
	for (uint64_t i = 0; i < n; i += PIECE)
		a[i & 63] = (int8_t)dot_piece(a, b);
	return (uint64_t)dot_piece(a, b);
}

__attribute__((section(".progs"), used)) bench_fn *const bench_table[] = {
	integer_loop, pointer_chase, crc, matmul_f32, sieve, calls, axpy_f32, dot_i8, empty, NULL,
};

__attribute__((section(".names"), used)) const char bench_names[16][16] = {
	"integer_loop", "pointer_chase", "crc", "matmul_f32", "sieve", "calls", "axpy_f32", "dot_i8", "empty",
};
