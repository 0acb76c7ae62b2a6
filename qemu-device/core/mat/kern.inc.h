/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register-blocked kernels for one type of word. Vectors run over columns of
 * the output, never over k. The file that includes this defines
 *   KERN(name), WORD, V (the vector), LANES, MR (rows at most)
 *   SPLAT(p)	   the word at p in all lanes
 *   MULADD(c, a, b) c += a * b
 */
static inline __attribute__((always_inline)) void KERN(body)(const WORD *a, const WORD *b,
							     WORD *acc, size_t ld, size_t kw,
							     const unsigned int mr,
							     const unsigned int nv)
{
	V c[MR][2], b0, b1 = { 0 }, x;

#pragma GCC unroll 16
	for (unsigned int i = 0; i < mr; i++) {
		memcpy(&c[i][0], acc + i * ld, sizeof(V));
		if (nv > 1)
			memcpy(&c[i][1], acc + i * ld + LANES, sizeof(V));
	}
	for (size_t k = 0; k < kw; k++) {
		memcpy(&b0, b + k * nv * LANES, sizeof(V));
		if (nv > 1)
			memcpy(&b1, b + k * nv * LANES + LANES, sizeof(V));
#pragma GCC unroll 16
		for (unsigned int i = 0; i < mr; i++) {
			x = SPLAT(a + i * MAT_A_STRIDE + k);
			MULADD(c[i][0], x, b0);
			if (nv > 1)
				MULADD(c[i][1], x, b1);
		}
	}
#pragma GCC unroll 16
	for (unsigned int i = 0; i < mr; i++) {
		memcpy(acc + i * ld, &c[i][0], sizeof(V));
		if (nv > 1)
			memcpy(acc + i * ld + LANES, &c[i][1], sizeof(V));
	}
}

#define ONE_KERNEL(rows, vectors)                                                              \
	static void KERN(rows##x##vectors)(const void *a, const void *b, void *acc, size_t ld, \
					   size_t kw)                                          \
	{                                                                                      \
		KERN(body)(a, b, acc, ld, kw, rows, vectors);                                  \
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
