/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's floating point environment while guest code runs: rounding mode
 * = frm, no traps, and exception flags that are folded into fcsr when someone
 * looks (rv_fp_sync) or when the host's environment comes back (rv_fp_leave).
 * To read the flags takes longer than a short program: as long as no decoded
 * instruction could have changed them (!fp_code), all of this is left out.
 */
#ifndef DSA_CORE_RV_FPENV_H
#define DSA_CORE_RV_FPENV_H

#include "rv_int.h"
#include "softfp.h"

static inline uint32_t rv_frm(const struct rv_hart *h)
{
	return (h->arch.fcsr >> 5) & 7;
}

#if defined(__x86_64__)

static inline uint32_t rv_host_get(void)
{
	uint32_t v;

	__asm__ volatile("stmxcsr %0" : "=m"(v) : : "memory");
	return v;
}

static inline void rv_host_set(uint32_t v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v) : "memory");
}

/* Loading takes as long as ten other instructions. */
static inline void rv_host_change(uint32_t from, uint32_t to)
{
	if (from != to)
		rv_host_set(to);
}

static inline uint32_t rv_host_mode(const struct rv_hart *h)
{
	/* RNE, RTZ, RDN, RUP; where the host has no such mode, no code uses it */
	static const uint8_t rc[8] = { 0, 3, 1, 2, 0, 0, 0, 0 };

	return 0x1f80u | (uint32_t)rc[rv_frm(h)] << 13;
}

static inline void rv_fp_set_mode(struct rv_hart *h)
{
	rv_host_set(rv_host_mode(h));
}

static inline void rv_fp_enter(struct rv_hart *h)
{
	if (!h->fp_code)
		return;
	h->host_env = rv_host_get();
	rv_host_change(h->host_env, rv_host_mode(h));
}

static inline void rv_take_flags(struct rv_hart *h, uint32_t v)
{
	h->arch.fcsr |= (v & 0x20 ? RV_NX : 0) | (v & 0x10 ? RV_UF : 0) | (v & 0x08 ? RV_OF : 0) |
			(v & 0x04 ? RV_DZ : 0) | (v & 0x01 ? RV_NV : 0);
}

/* Host flags into fcsr; the host's are clear afterwards. */
static inline void rv_fp_sync(struct rv_hart *h)
{
	uint32_t v = rv_host_get();

	if (!(v & 0x3f))
		return;
	rv_take_flags(h, v);
	rv_host_set(v & ~0x3fu);
}

static inline void rv_fp_leave(struct rv_hart *h)
{
	uint32_t v;

	if (!h->fp_code)
		return;
	v = rv_host_get();
	if (v & 0x3f)
		rv_take_flags(h, v);
	rv_host_change(v, h->host_env);
}

#else

#include <fenv.h>

static inline void rv_fp_set_mode(struct rv_hart *h)
{
	static const int mode[4] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };
	uint32_t frm = rv_frm(h);

	feclearexcept(FE_ALL_EXCEPT);
	fesetround(frm < 4 ? mode[frm] : FE_TONEAREST);
}

static inline void rv_fp_enter(struct rv_hart *h)
{
	if (!h->fp_code)
		return;
	h->host_env = (uint32_t)fegetround();
	rv_fp_set_mode(h);
}

static inline void rv_fp_sync(struct rv_hart *h)
{
	int v = fetestexcept(FE_ALL_EXCEPT);

	if (!v)
		return;
	h->arch.fcsr |= (v & FE_INEXACT ? RV_NX : 0) | (v & FE_UNDERFLOW ? RV_UF : 0) |
			(v & FE_OVERFLOW ? RV_OF : 0) | (v & FE_DIVBYZERO ? RV_DZ : 0) |
			(v & FE_INVALID ? RV_NV : 0);
	feclearexcept(FE_ALL_EXCEPT);
}

static inline void rv_fp_leave(struct rv_hart *h)
{
	if (!h->fp_code)
		return;
	rv_fp_sync(h);
	fesetround((int)h->host_env);
}

#endif

#endif /* DSA_CORE_RV_FPENV_H */
