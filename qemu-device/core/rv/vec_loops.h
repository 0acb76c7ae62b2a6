/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loops over elements, compiled once for each set of host instructions by
 * vec_loops_*.c. d may be the same as a, b or c, never shifted against them:
 * that is what "ivdep" promises the compiler.
 */
#include <math.h>
#include <string.h>

#include "softfp.h"
#include "vec.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Statement expressions and nested types read as a table; leave them alone. */
/* clang-format off */

#ifdef __clang__
#define IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define IVDEP _Pragma("GCC ivdep")
#endif

typedef uint8_t u8;
/* Registers are aligned, but memory and what begins at vstart need not be. */
typedef uint16_t u16 __attribute__((may_alias, aligned(1)));
typedef uint32_t u32 __attribute__((may_alias, aligned(1)));
typedef uint64_t u64 __attribute__((may_alias, aligned(1)));
typedef unsigned __int128 u128;
typedef float f32 __attribute__((may_alias, aligned(1)));
typedef double f64 __attribute__((may_alias, aligned(1)));

/* Types by element size, see vec_ops.h. */
#define TYPES(n) TYPES_##n
#define TYPES_8 \
	enum { BITS = 8, SMAX = 0x7f }; typedef u8 U; typedef int8_t S; typedef uint32_t MU; \
	typedef u16 WU; typedef int16_t WS; typedef uint32_t WMU
#define TYPES_16 \
	enum { BITS = 16, SMAX = 0x7fff }; typedef u16 U; typedef int16_t S; typedef uint32_t MU; \
	typedef u32 WU; typedef int32_t WS; typedef uint32_t WMU
#define TYPES_32 \
	enum { BITS = 32, SMAX = 0x7fffffff }; typedef u32 U; typedef int32_t S; \
	typedef uint32_t MU; typedef u64 WU; typedef int64_t WS; typedef uint64_t WMU
#define TYPES_64 \
	enum { BITS = 64 }; static const uint64_t SMAX = INT64_MAX; typedef u64 U; \
	typedef int64_t S; typedef uint64_t MU; typedef u128 WU; typedef __int128 WS; \
	typedef u128 WMU
#define USE_TYPES \
	(void)(S)0; (void)(MU)0; (void)(WU)0; (void)(WS)0; (void)(WMU)0; (void)SMAX; (void)BITS

/* v >> d, rounded as vxrm says. */
#define RND(v, d) ({ \
		__typeof__(v) v_ = (v); \
		unsigned int d_ = (unsigned int)(d); \
		__typeof__(v) one_ = 1, h_ = d_ ? v_ >> (d_ - (d_ != 0)) & 1 : 0; \
		__typeof__(v) low_ = d_ ? (v_ & (__typeof__(v))((one_ << (d_ - (d_ != 0))) - 1)) != 0 : 0; \
		__typeof__(v) lsb_ = v_ >> d_ & 1; \
		__typeof__(v) inc_ = rm == 0 ? h_ : rm == 1 ? h_ & (low_ | lsb_) : \
			rm == 2 ? 0 : (lsb_ == 0) & (h_ | low_); \
		(v_ >> d_) + inc_; \
	})

#define LOOP(n) const size_t n_ = (n); IVDEP for (size_t i = 0; i < n_; i++)

/* Both forms: b is a vector (v) or one element (s). */
#define TWO(id, n, DT, AT, BT, pre, expr, post) \
	static void id##_v##n(struct rv_vargs *x) \
	{ \
		TYPES(n); \
		DT *d = x->d; \
		const AT *a = x->a; \
		const BT *b = x->b; \
		pre; \
		USE_TYPES; \
		LOOP(x->count) { AT A = a[i]; BT B = b[i]; (void)A; (void)B; d[i] = (DT)(expr); } \
		post; \
	} \
	static void id##_s##n(struct rv_vargs *x) \
	{ \
		TYPES(n); \
		DT *d = x->d; \
		const AT *a = x->a; \
		const BT B = *(const BT *)x->b; \
		pre; \
		USE_TYPES; \
		LOOP(x->count) { AT A = a[i]; (void)A; d[i] = (DT)(expr); } \
		post; \
	}

#define PRE_RM const unsigned int rm = x->rm; (void)rm
#define PRE_SAT const unsigned int rm = x->rm; U SAT = 0; (void)rm
#define POST_SAT x->flags |= SAT != 0
/* The old vd is read where it will be written, or from where it is kept. */
#define PRE_C(T) const T *c = x->c
#define C c[i]
#define PRE_M const u8 *m = x->m
#define M m[i]

#define BIN(id, expr) \
	TWO(id, 8, U, U, U, PRE_RM, expr, ) TWO(id, 16, U, U, U, PRE_RM, expr, ) \
	TWO(id, 32, U, U, U, PRE_RM, expr, ) TWO(id, 64, U, U, U, PRE_RM, expr, )
#define SATOP(id, expr) \
	TWO(id, 8, U, U, U, PRE_SAT, expr, POST_SAT) TWO(id, 16, U, U, U, PRE_SAT, expr, POST_SAT) \
	TWO(id, 32, U, U, U, PRE_SAT, expr, POST_SAT) TWO(id, 64, U, U, U, PRE_SAT, expr, POST_SAT)
#define TRI(id, expr) \
	TWO(id, 8, U, U, U, PRE_C(U), expr, ) TWO(id, 16, U, U, U, PRE_C(U), expr, ) \
	TWO(id, 32, U, U, U, PRE_C(U), expr, ) TWO(id, 64, U, U, U, PRE_C(U), expr, )
#define WIDE(id, expr) \
	TWO(id, 8, WU, U, U, , expr, ) TWO(id, 16, WU, U, U, , expr, ) \
	TWO(id, 32, WU, U, U, , expr, )
#define WIDEW(id, expr) \
	TWO(id, 8, WU, WU, U, , expr, ) TWO(id, 16, WU, WU, U, , expr, ) \
	TWO(id, 32, WU, WU, U, , expr, )
#define WTRI(id, expr) \
	TWO(id, 8, WU, U, U, PRE_C(WU), expr, ) TWO(id, 16, WU, U, U, PRE_C(WU), expr, ) \
	TWO(id, 32, WU, U, U, PRE_C(WU), expr, )
#define NARROW(id, expr) \
	TWO(id, 8, U, WU, U, PRE_SAT, expr, POST_SAT) TWO(id, 16, U, WU, U, PRE_SAT, expr, POST_SAT) \
	TWO(id, 32, U, WU, U, PRE_SAT, expr, POST_SAT)
#define CARRY(id, expr) \
	TWO(id, 8, U, U, U, PRE_M, expr, ) TWO(id, 16, U, U, U, PRE_M, expr, ) \
	TWO(id, 32, U, U, U, PRE_M, expr, ) TWO(id, 64, U, U, U, PRE_M, expr, )
#define CMP(id, expr) \
	TWO(id, 8, u8, U, U, , expr, ) TWO(id, 16, u8, U, U, , expr, ) \
	TWO(id, 32, u8, U, U, , expr, ) TWO(id, 64, u8, U, U, , expr, )
#define CMPC(id, expr) \
	TWO(id, 8, u8, U, U, PRE_M, expr, ) TWO(id, 16, u8, U, U, PRE_M, expr, ) \
	TWO(id, 32, u8, U, U, PRE_M, expr, ) TWO(id, 64, u8, U, U, PRE_M, expr, )

RV_VBIN(BIN)
RV_VSAT(SATOP)
RV_VTRI(TRI)
RV_VWIDE(WIDE)
RV_VWIDEW(WIDEW)
RV_VWTRI(WTRI)
RV_VNARROW(NARROW)
RV_VCARRY(CARRY)
RV_VCMP(CMP)
RV_VCMPC(CMPC)

/* ---- floating point, rounded as the host's mode says ---- */

#define FTYPES_32 typedef f32 F; typedef u32 U; typedef int32_t S; \
	enum { BITS = 32 }; static const u32 ABS = 0x7fffffff, INF = 0x7f800000, CANON = 0x7fc00000
#define FTYPES_64 typedef f64 F; typedef u64 U; typedef int64_t S; \
	enum { BITS = 64 }; static const u64 ABS = INT64_MAX, INF = 0x7ff0000000000000, \
	CANON = 0x7ff8000000000000
#define USE_FTYPES (void)(F)0; (void)ABS; (void)INF; (void)CANON; (void)BITS; (void)(S)0; (void)(U)0

static inline float canonical32(float v)
{
	return v != v ? __builtin_nanf("") : v;
}

static inline double canonical64(double v)
{
	return v != v ? __builtin_nan("") : v;
}

#define FTWO(id, n, expr) \
	static void id##_v##n(struct rv_vargs *x) \
	{ \
		FTYPES_##n; \
		F *d = x->d; \
		const F *a = x->a, *b = x->b; \
		USE_FTYPES; \
		LOOP(x->count) { F A = a[i], B = b[i]; d[i] = canonical##n(expr); } \
	} \
	static void id##_s##n(struct rv_vargs *x) \
	{ \
		FTYPES_##n; \
		F *d = x->d; \
		const F *a = x->a, B = *(const F *)x->b; \
		USE_FTYPES; \
		LOOP(x->count) { F A = a[i]; d[i] = canonical##n(expr); } \
	}
#define FBIN(id, expr) FTWO(id, 32, expr) FTWO(id, 64, expr)
RV_VFBIN(FBIN)

/*
 * Compilers do not make vectors of fma() where rounding modes are respected,
 * so the host's instructions are named here.
 */
#if defined(__AVX512F__)
#define LANES_32 16
#define LANES_64 8
#define VLOAD_32(p) _mm512_loadu_ps((const float *)(p))
#define VLOAD_64(p) _mm512_loadu_pd((const double *)(p))
#define VSTORE_32(p, v) _mm512_storeu_ps((float *)(p), v)
#define VSTORE_64(p, v) _mm512_storeu_pd((double *)(p), v)
#define VALL_32 _mm512_set1_ps
#define VALL_64 _mm512_set1_pd
#define VNEG_32(v) _mm512_xor_ps(v, _mm512_set1_ps(-0.0f))
#define VNEG_64(v) _mm512_xor_pd(v, _mm512_set1_pd(-0.0))
#define VFMA_32 _mm512_fmadd_ps
#define VFMA_64 _mm512_fmadd_pd
#define VNAN_32(v) _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q)
#define VNAN_64(v) _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q)
typedef __m512 vf32;
typedef __m512d vf64;
#elif defined(__FMA__)
#define LANES_32 8
#define LANES_64 4
#define VLOAD_32(p) _mm256_loadu_ps((const float *)(p))
#define VLOAD_64(p) _mm256_loadu_pd((const double *)(p))
#define VSTORE_32(p, v) _mm256_storeu_ps((float *)(p), v)
#define VSTORE_64(p, v) _mm256_storeu_pd((double *)(p), v)
#define VALL_32 _mm256_set1_ps
#define VALL_64 _mm256_set1_pd
#define VNEG_32(v) _mm256_xor_ps(v, _mm256_set1_ps(-0.0f))
#define VNEG_64(v) _mm256_xor_pd(v, _mm256_set1_pd(-0.0))
#define VFMA_32 _mm256_fmadd_ps
#define VFMA_64 _mm256_fmadd_pd
#define VNAN_32(v) _mm256_movemask_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q))
#define VNAN_64(v) _mm256_movemask_pd(_mm256_cmp_pd(v, v, _CMP_UNORD_Q))
typedef __m256 vf32;
typedef __m256d vf64;
#endif

/*
 * d = p * q + r for elements [i, end), with signs. inf * 0 + NaN is invalid;
 * hosts disagree. The operands may be where d is: look at them before.
 */
#define FMA_EACH(n, fma_, p, q, s1, r, s2, LOADB) \
	for (; i < end; i++) { \
		F A = a[i], B = LOADB, Cv = c[i], P = (p), Q = (q), t; \
		(void)A; (void)B; (void)Cv; \
		t = fma_(s1 P, Q, s2 (r)); \
		if (RV_UNLIKELY(t != t)) { \
			if ((__builtin_isinf(P) && Q == 0) || (P == 0 && __builtin_isinf(Q))) \
				x->flags |= RV_NV; \
			t = canonical##n(t); \
		} \
		d[i] = t; \
	}
#define VPOS_32(v) (v)
#define VPOS_64(v) (v)
#ifdef LANES_32
#define FMA_VECTORS(n, fma_, p, q, s1, r, s2, V1, V2, LOADB, VB) \
	for (; i + LANES_##n <= all; ) { \
		vf##n v = VFMA_##n(V1##_##n(VLOAD_##n(&PTR_##p[i])), VB, \
				   V2##_##n(VLOAD_##n(&PTR_##r[i]))); \
		end = i + LANES_##n; \
		if (RV_LIKELY(!VNAN_##n(v))) { \
			VSTORE_##n(&d[i], v); \
			i = end; \
		} else { \
			FMA_EACH(n, fma_, p, q, s1, r, s2, LOADB) \
		} \
	}
#else
#define FMA_VECTORS(n, fma_, p, q, s1, r, s2, V1, V2, LOADB, VB)
#endif
#define PTR_A a
#define PTR_Cv c
#undef C
#define C Cv
#define FTRI2(id, n, fma_, p, q, s1, V1, r, s2, V2) \
	static void id##_v##n(struct rv_vargs *x) \
	{ \
		FTYPES_##n; \
		F *d = x->d; \
		const F *a = x->a, *b = x->b, *c = x->c; \
		size_t all = x->count, i = 0, end; \
		USE_FTYPES; \
		FMA_VECTORS(n, fma_, p, q, s1, r, s2, V1, V2, b[i], VLOAD_##n(&b[i])) \
		end = all; \
		FMA_EACH(n, fma_, p, q, s1, r, s2, b[i]) \
	} \
	static void id##_s##n(struct rv_vargs *x) \
	{ \
		FTYPES_##n; \
		F *d = x->d; \
		const F *a = x->a, b = *(const F *)x->b, *c = x->c; \
		size_t all = x->count, i = 0, end; \
		USE_FTYPES; \
		FMA_VECTORS(n, fma_, p, q, s1, r, s2, V1, V2, b, VALL_##n(b)) \
		end = all; \
		FMA_EACH(n, fma_, p, q, s1, r, s2, b) \
	}
#define FTRI(id, p, q, s1, V1, r, s2, V2) \
	FTRI2(id, 32, __builtin_fmaf, p, q, s1, V1, r, s2, V2) \
	FTRI2(id, 64, __builtin_fma, p, q, s1, V1, r, s2, V2)
RV_VFTRI(FTRI)
#undef C

/* In integers: no flag but the one for a signalling NaN, kept in SAT. */
#define KEY(v) ((S)((v) ^ ((U)((S)(v) >> (BITS - 1)) & ABS)))
#define FPICK(cmp) ({ \
		U na_ = (A & ABS) > INF, nb_ = (B & ABS) > INF, q_ = (U)((CANON ^ INF)); \
		U r_ = KEY(A) cmp KEY(B) ? A : B; \
		SAT |= (na_ & !(A & q_)) | (nb_ & !(B & q_)); \
		r_ = na_ ? B : r_; \
		nb_ ? (na_ ? (U)CANON : A) : r_; \
	})
#define FBITS2(id, n, expr) \
	static void id##_v##n(struct rv_vargs *x) \
	{ \
		FTYPES_##n; \
		U *d = x->d, SAT = 0; \
		const U *a = x->a, *b = x->b; \
		USE_FTYPES; \
		LOOP(x->count) { U A = a[i], B = b[i]; d[i] = (expr); } \
		if (SAT) \
			x->flags |= RV_NV; \
	} \
	static void id##_s##n(struct rv_vargs *x) \
	{ \
		FTYPES_##n; \
		U *d = x->d, SAT = 0; \
		const U *a = x->a, B = *(const U *)x->b; \
		USE_FTYPES; \
		LOOP(x->count) { U A = a[i]; d[i] = (expr); } \
		if (SAT) \
			x->flags |= RV_NV; \
	}
#define FTYPES_16 typedef u16 F; typedef u16 U; typedef int16_t S; \
	enum { BITS = 16 }; static const u16 ABS = 0x7fff, INF = 0x7c00, CANON = 0x7e00
#define FBITS(id, expr) FBITS2(id, 16, expr) FBITS2(id, 32, expr) FBITS2(id, 64, expr)
RV_VFBITS(FBITS)

/* In integers too: compilers turn comparisons of floats into others, with other flags. */
#define A_NAN ((a_ & ABS) > INF)
#define FCMP2(id, n, expr, signalling, LOADB, DECLB) \
	{ \
		FTYPES_##n; \
		u8 *d = x->d; \
		U SAT = 0; \
		const U *a = x->a; \
		DECLB; \
		USE_FTYPES; \
		LOOP(x->count) { \
			U a_ = a[i], b_ = LOADB; \
			U na_ = (a_ & ABS) > INF, nb_ = (b_ & ABS) > INF, q_ = (U)(CANON ^ INF); \
			/* zeros are equal: make both positive */ \
			S A = KEY((U)(a_ & ABS ? a_ : (U)0)), B = KEY((U)(b_ & ABS ? b_ : (U)0)); \
			U ne_ = #id[2] == 'N'; \
			SAT |= (signalling) ? (U)(na_ | nb_) : \
				(U)((na_ & !(a_ & q_)) | (nb_ & !(b_ & q_))); \
			d[i] = (u8)((na_ | nb_) ? ne_ : (U)(expr)); \
		} \
		if (SAT) \
			x->flags |= RV_NV; \
	}
#define FCMP1(id, n, expr, signalling) \
	static void id##_v##n(struct rv_vargs *x) \
	FCMP2(id, n, expr, signalling, b[i], const U *b = x->b) \
	static void id##_s##n(struct rv_vargs *x) \
	FCMP2(id, n, expr, signalling, b, const U b = *(const U *)x->b)
#define FCMP(id, expr, signalling) \
	FCMP1(id, 16, expr, signalling) FCMP1(id, 32, expr, signalling) FCMP1(id, 64, expr, signalling)
RV_VFCMP(FCMP)

#if defined(__AVX512F__)
#define VSQRT_32 _mm512_sqrt_ps
#define VSQRT_64 _mm512_sqrt_pd
#elif defined(__FMA__)
#define VSQRT_32 _mm256_sqrt_ps
#define VSQRT_64 _mm256_sqrt_pd
#endif
#ifdef LANES_32
#define SQRT_VECTORS(n) \
	for (; k + LANES_##n <= x->count; k += LANES_##n) \
		VSTORE_##n(&d[k], VSQRT_##n(VLOAD_##n(&a[k])));
#else
#define SQRT_VECTORS(n)
#endif
#define SQRT(n, sqrt_) \
	static void FSQRT_v##n(struct rv_vargs *x) \
	{ \
		f##n *d = x->d; \
		const f##n *a = x->a; \
		size_t k = 0; \
		SQRT_VECTORS(n) \
		for (; k < x->count; k++) \
			d[k] = sqrt_(a[k]); \
		LOOP(x->count) d[i] = canonical##n(d[i]); \
	}
SQRT(32, __builtin_sqrtf)
SQRT(64, __builtin_sqrt)

/* ---- masks ---- */

/* d[i] = bit i of a, as a byte. */
static void expand(struct rv_vargs *x)
{
	const u8 *a = x->a;
	u64 *d = x->d;

	LOOP((x->count + 7) / 8) {
		uint64_t v = (a[i] * 0x0101010101010101ull) & 0x8040201008040201ull;

		d[i] = (v + 0x7f7f7f7f7f7f7f7full) >> 7 & 0x0101010101010101ull;
	}
}

/* The reverse, for whole bytes of the mask; of bytes behind the last element only bit 0 counts. */
static void pack(struct rv_vargs *x)
{
	const u64 *a = x->a;
	u8 *d = x->d;

	LOOP(x->count / 8)
		d[i] = (u8)((a[i] & 0x0101010101010101ull) * 0x0102040810204080ull >> 56);
}

/* d[i] = m[i] ? a[i] : d[i]; and the same with one element b instead of d[i]. */
#define BLEND(n) \
	static void blend_##n(struct rv_vargs *x) \
	{ \
		u##n *d = x->d; \
		const u##n *a = x->a; \
		const u8 *m = x->m; \
		LOOP(x->count) d[i] = m[i] ? a[i] : d[i]; \
	} \
	static void subst_##n(struct rv_vargs *x) \
	{ \
		u##n *d = x->d; \
		const u##n *a = x->a, b = *(const u##n *)x->b; \
		const u8 *m = x->m; \
		LOOP(x->count) d[i] = m[i] ? a[i] : b; \
	} \
	static void store_##n(struct rv_vargs *x) \
	{ \
		u##n *d = x->d; \
		const u##n *a = x->a; \
		const u8 *m = x->m; \
		LOOP(x->count) if (m[i]) d[i] = a[i]; \
	} \
	static void splat_##n(struct rv_vargs *x) \
	{ \
		u##n *d = x->d; \
		const u##n b = *(const u##n *)x->b; \
		LOOP(x->count) d[i] = b; \
	}
BLEND(8) BLEND(16) BLEND(32) BLEND(64)

#define EXT(name, DT, ST) \
	static void name(struct rv_vargs *x) \
	{ \
		DT *d = x->d; \
		const ST *a = x->a; \
		LOOP(x->count) d[i] = (DT)a[i]; \
	}
typedef int8_t i8;
typedef int16_t i16 __attribute__((may_alias, aligned(1)));
typedef int32_t i32 __attribute__((may_alias, aligned(1)));
typedef int64_t i64 __attribute__((may_alias, aligned(1)));
EXT(zext_8_16, u16, u8) EXT(zext_8_32, u32, u8) EXT(zext_8_64, u64, u8)
EXT(zext_16_32, u32, u16) EXT(zext_16_64, u64, u16) EXT(zext_32_64, u64, u32)
EXT(sext_8_16, i16, i8) EXT(sext_8_32, i32, i8) EXT(sext_8_64, i64, i8)
EXT(sext_16_32, i32, i16) EXT(sext_16_64, i64, i16) EXT(sext_32_64, i64, i32)

/* Floating point, size to size; the host sets the flags. */
static void f32_to_f64(struct rv_vargs *x)
{
	f64 *d = x->d;
	const f32 *a = x->a;

	LOOP(x->count)
		d[i] = canonical64((f64)a[i]);
}

static void f64_to_f32(struct rv_vargs *x)
{
	f32 *d = x->d;
	const f64 *a = x->a;

	LOOP(x->count)
		d[i] = canonical32((f32)a[i]);
}

/* bfloat16 is the upper half of a float. */
static void bf16_to_f32(struct rv_vargs *x)
{
	u32 *d = x->d;
	u32 snan = 0;
	const u16 *a = x->a;

	LOOP(x->count) {
		u32 v = (u32)a[i] << 16, nan = (v & 0x7fffffff) > 0x7f800000;

		snan |= nan & !(v & 0x00400000);
		d[i] = nan ? 0x7fc00000 : v;
	}
	if (snan)
		x->flags |= RV_NV;
}

/*
 * To nearest even; false: something is special (too small or too large to be
 * sure about flags, infinite, not a number) and nothing was done.
 */
static bool f32_to_bf16(struct rv_vargs *x)
{
	const u32 *a = x->a;
	u16 *d = x->d;
	u32 bad = 0, lost = 0;
	const size_t n = x->count;

	IVDEP
	for (size_t i = 0; i < n; i++) {
		u32 e = a[i] >> 23 & 0xff;

		bad |= (e >= 0xfe) | ((e == 0) & ((a[i] & 0x7fffff) != 0));
		lost |= a[i] & 0xffff;
	}
	if (bad)
		return false;
	IVDEP
	for (size_t i = 0; i < n; i++)
		d[i] = (u16)((a[i] + 0x7fff + (a[i] >> 16 & 1)) >> 16);
	if (lost)
		x->flags |= RV_NX;
	return true;
}

#if defined(__F16C__)
static void f16_to_f32(struct rv_vargs *x)
{
	const u16 *a = x->a;
	f32 *d = x->d;
	size_t i;

	for (i = 0; i + 8 <= x->count; i += 8)
		_mm256_storeu_ps((float *)d + i,
				 _mm256_cvtph_ps(_mm_loadu_si128((const void *)(a + i))));
	for (; i < x->count; i++)
		d[i] = _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(a[i])));
}

/*
 * Halves as singles: a * b + c with one rounding, to come when the result is
 * narrowed to half. The product is exact in double; what the sum loses, or a
 * single does, stays as an odd last bit, below all that the half looks at.
 * rm: 1 minus the product, 2 minus c.
 */
static void fma16(struct rv_vargs *x)
{
	const f32 *a = x->a, *b = x->b, *c = x->c;
	const u64 sp = (u64)(x->rm & 1) << 63, sc = (u64)(x->rm >> 1 & 1) << 63;
	u32 *d = x->d;

	LOOP(x->count) {
		f64 p = (f64)a[i] * (f64)b[i], q = c[i], s;
		u64 pb, qb, v;
		u32 r;

		memcpy(&pb, &p, 8);
		memcpy(&qb, &q, 8);
		pb ^= sp;
		qb ^= sc;
		memcpy(&p, &pb, 8);
		memcpy(&q, &qb, 8);
		s = p + q;
		memcpy(&v, &s, 8);
		r = (u32)((v & INT64_MAX) >> 29) | ((v & 0x1fffffff) != 0);
		/* the exponent's other bias; zero; infinity and NaN */
		r = (v & INT64_MAX) == 0 ? 0 :
		    (v & INT64_MAX) > 0x7ff0000000000000 ? 0x7fc00000 :
		    (v & INT64_MAX) == 0x7ff0000000000000 ? 0x7f800000 : r - ((1023u - 127u) << 23);
		d[i] = r | (u32)(v >> 63) << 31;
	}
}

/* NaNs come out canonical. */
static void f32_to_f16(struct rv_vargs *x)
{
	const f32 *a = x->a;
	u16 *d = x->d;
	size_t k;

	for (k = 0; k + 8 <= x->count; k += 8)
		_mm_storeu_si128((void *)(d + k),
				 _mm256_cvtps_ph(_mm256_loadu_ps((const float *)a + k), 4));
	for (; k < x->count; k++)
		d[k] = (u16)_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(a[k]), 4));
	LOOP(x->count)
		d[i] = (d[i] & 0x7fff) > 0x7c00 ? 0x7e00 : d[i];
}
#endif

/* All |a| below a limit? Then conversion to an integer is nothing special. */
#if defined(__FMA__)
static void f32_to_i32(struct rv_vargs *x)
{
	i32 *d = x->d;
	const f32 *a = x->a;
	size_t i = 0;

#if defined(__AVX512F__)
	for (; i + 16 <= x->count; i += 16)
		_mm512_storeu_si512(&d[i], _mm512_cvtps_epi32(VLOAD_32(&a[i])));
#else
	for (; i + 8 <= x->count; i += 8)
		_mm256_storeu_si256((void *)&d[i], _mm256_cvtps_epi32(VLOAD_32(&a[i])));
#endif
	for (; i < x->count; i++)
		d[i] = _mm_cvtss_si32(_mm_set_ss(a[i]));
}
#endif

static void f32_to_i32_rtz(struct rv_vargs *x)
{
	i32 *d = x->d;
	const f32 *a = x->a;

	LOOP(x->count)
		d[i] = (i32)a[i];
}

static void i32_to_f32(struct rv_vargs *x)
{
	f32 *d = x->d;
	const i32 *a = x->a;

	LOOP(x->count)
		d[i] = (f32)a[i];
}

static bool f32_all_below(const void *p, size_t n, float limit)
{
	const u32 *a = p;
	u32 bad = 0, lim;

	memcpy(&lim, &limit, 4);
	LOOP(n)
		bad |= (a[i] & 0x7fffffff) >= lim;
	return !bad;
}

#if defined(__AVX512F__)
typedef __m512i vcopy __attribute__((may_alias, aligned(1)));
#elif defined(__AVX2__)
typedef __m256i vcopy __attribute__((may_alias, aligned(1)));
#else
typedef uint64_t vcopy __attribute__((vector_size(16), may_alias, aligned(1)));
#endif

/* From the first byte to the last: some memcpy() read the end first, where no cache line is expected. */
static void copy(void *d, const void *s, size_t bytes)
{
	vcopy *to = d;
	const vcopy *from = s;
	size_t whole = bytes / sizeof(vcopy), i = 0;

	for (; i + 4 <= whole; i += 4) {
		vcopy a = from[i], b = from[i + 1], c = from[i + 2], e = from[i + 3];

		to[i] = a;
		to[i + 1] = b;
		to[i + 2] = c;
		to[i + 3] = e;
	}
	for (; i < whole; i++)
		to[i] = from[i];
	memcpy(to + whole, from + whole, bytes % sizeof(vcopy));
}

/* Sums and the like; the accumulator begins as *b and ends in *d. */
#define REDUCE(name, n, T, expr) \
	static void name##_##n(struct rv_vargs *x) \
	{ \
		const T *a = x->a; \
		T acc = *(const T *)x->b; \
		const size_t n_ = x->count; \
		for (size_t i = 0; i < n_; i++) { T A = a[i]; acc = (T)(expr); } \
		*(T *)x->d = acc; \
	}
#define REDALL(name, expr, TS) \
	REDUCE(name, 8, TS##8, expr) REDUCE(name, 16, TS##16, expr) REDUCE(name, 32, TS##32, expr) \
	REDUCE(name, 64, TS##64, expr)
REDALL(redsum, acc + A, u)
REDALL(redand, acc & A, u)
REDALL(redor, acc | A, u)
REDALL(redxor, acc ^ A, u)
REDALL(redminu, acc < A ? acc : A, u)
REDALL(redmin, acc < A ? acc : A, i)
REDALL(redmaxu, acc > A ? acc : A, u)
REDALL(redmax, acc > A ? acc : A, i)

/* ---- tables ---- */

#define T4(id) { { id##_v8, id##_s8 }, { id##_v16, id##_s16 }, { id##_v32, id##_s32 }, \
	{ id##_v64, id##_s64 } }
#define T3(id) { { id##_v8, id##_s8 }, { id##_v16, id##_s16 }, { id##_v32, id##_s32 }, { 0 } }
#define TF(id) { { 0 }, { 0 }, { id##_v32, id##_s32 }, { id##_v64, id##_s64 } }
#define TB(id) { { 0 }, { id##_v16, id##_s16 }, { id##_v32, id##_s32 }, { id##_v64, id##_s64 } }
#define E4(id, ...) [RV_V_##id] = T4(id),
#define E3(id, ...) [RV_V_##id] = T3(id),
#define EF(id, ...) [RV_V_##id] = TF(id),
#define EB(id, ...) [RV_V_##id] = TB(id),
#define S4(name) { name##_8, name##_16, name##_32, name##_64 }

const struct rv_vloops RV_LOOPS = {
	.op = {
		RV_VBIN(E4) RV_VSAT(E4) RV_VTRI(E4) RV_VWIDE(E3) RV_VWIDEW(E3) RV_VWTRI(E3)
		RV_VNARROW(E3) RV_VCARRY(E4) RV_VCMP(E4) RV_VCMPC(E4)
		RV_VFBIN(EF) RV_VFTRI(EF) RV_VFBITS(EB) RV_VFCMP(EB)
		[RV_V_FSQRT] = { { 0 }, { 0 }, { FSQRT_v32, NULL }, { FSQRT_v64, NULL } },
	},
	.red = { S4(redsum), S4(redand), S4(redor), S4(redxor), S4(redminu), S4(redmin), S4(redmaxu),
		 S4(redmax) },
	.blend = S4(blend),
	.subst = S4(subst),
	.store = S4(store),
	.splat = S4(splat),
	.expand = expand,
	.pack = pack,
	.ext = {
		{ { zext_8_16, zext_16_32, zext_32_64 }, { zext_8_32, zext_16_64 }, { zext_8_64 } },
		{ { sext_8_16, sext_16_32, sext_32_64 }, { sext_8_32, sext_16_64 }, { sext_8_64 } },
	},
	.f32_to_f64 = f32_to_f64,
	.f64_to_f32 = f64_to_f32,
	.bf16_to_f32 = bf16_to_f32,
	.f32_to_bf16 = f32_to_bf16,
#if defined(__F16C__)
	.f16_to_f32 = f16_to_f32,
	.f32_to_f16 = f32_to_f16,
	.fma16 = fma16,
#endif
#if defined(__FMA__)
	.f32_to_i32 = f32_to_i32,
#endif
	.f32_to_i32_rtz = f32_to_i32_rtz,
	.i32_to_f32 = i32_to_f32,
	.f32_all_below = f32_all_below,
	.copy = copy,
};

/* clang-format on */
