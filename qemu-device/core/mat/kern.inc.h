/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register-blocked kernels for one type of word. Vectors run over columns of
 * the output, never over k. The file that includes this defines
 *   KERN(name), WORD, V (the vector), LANES, MR (rows at most)
 *   SPLAT(p)	   the word at p in all lanes
 *   MULADD(c, a, b) c += a * b
 *   NAN(c, d)	   not 0 if there is a NaN in c or d
 */
/* in memory, anywhere */
typedef V KERN(mem) __attribute__((aligned(4), may_alias));

static inline __attribute__((always_inline)) bool KERN(body)(const WORD *a, size_t lda,
							     const WORD *b, WORD *acc, size_t ld,
							     size_t kw, const unsigned int mr,
							     const unsigned int nv)
{
	V c[MR][2], b0, b1 = { 0 }, x;
	unsigned int nan = 0;

#pragma GCC unroll 16
	for (unsigned int i = 0; i < mr; i++) {
		c[i][0] = *(const KERN(mem) *)(acc + i * ld);
		if (nv > 1)
			c[i][1] = *(const KERN(mem) *)(acc + i * ld + LANES);
	}
	for (size_t k = 0; k < kw; k++) {
		b0 = *(const KERN(mem) *)(b + k * nv * LANES);
		if (nv > 1)
			b1 = *(const KERN(mem) *)(b + k * nv * LANES + LANES);
#pragma GCC unroll 16
		for (unsigned int i = 0; i < mr; i++) {
			x = SPLAT(a + i * lda + k);
			MULADD(c[i][0], x, b0);
			if (nv > 1)
				MULADD(c[i][1], x, b1);
		}
	}
#pragma GCC unroll 16
	for (unsigned int i = 0; i < mr; i++) {
		*(KERN(mem) *)(acc + i * ld) = c[i][0];
		if (nv > 1)
			*(KERN(mem) *)(acc + i * ld + LANES) = c[i][1];
		nan |= NAN(c[i][0], c[i][nv - 1]);
	}
	return nan;
}

#define ONE_KERNEL(rows, vectors)                                                               \
	static bool KERN(rows##x##vectors)(const void *a, size_t lda, const void *b, void *acc, \
					   size_t ld, size_t kw)                                \
	{                                                                                       \
		return KERN(body)(a, lda, b, acc, ld, kw, rows, vectors);                       \
	}
#define KERNELS(vectors)       \
	ONE_KERNEL(1, vectors) \
	ONE_KERNEL(2, vectors) \
	ONE_KERNEL(3, vectors) \
	ONE_KERNEL(4, vectors) \
	ONE_KERNEL(5, vectors) \
	ONE_KERNEL(6, vectors)

#define MORE_KERNELS(vectors)   \
	ONE_KERNEL(7, vectors)  \
	ONE_KERNEL(8, vectors)  \
	ONE_KERNEL(9, vectors)  \
	ONE_KERNEL(10, vectors) \
	ONE_KERNEL(11, vectors) \
	ONE_KERNEL(12, vectors)

KERNELS(1)
KERNELS(2)
#define LIST(v) KERN(1x##v), KERN(2x##v), KERN(3x##v), KERN(4x##v), KERN(5x##v), KERN(6x##v)
#if MR > 6
MORE_KERNELS(1)
MORE_KERNELS(2)
#define MORE(v) , KERN(7x##v), KERN(8x##v), KERN(9x##v), KERN(10x##v), KERN(11x##v), KERN(12x##v)
#else
#define MORE(v)
#endif

static const struct mat_kernel_set KERN(set) = {
	.lanes = LANES,
	.mr = MR,
	.kernel = { { LIST(1) MORE(1) }, { LIST(2) MORE(2) } },
};

#undef ONE_KERNEL
#undef KERNELS
#undef MORE_KERNELS
#undef LIST
#undef MORE
#undef KERN
#undef WORD
#undef V
#undef LANES
#undef SPLAT
#undef MULADD
#undef NAN
