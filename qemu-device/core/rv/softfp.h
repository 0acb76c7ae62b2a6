/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IEEE 754 arithmetic in integers, with RISC-V's rules (canonical NaN,
 * tininess after rounding) and any rounding mode. Slow and exact: used where
 * the host's own arithmetic does not do, and as its reference in tests.
 */
#ifndef DSA_CORE_RV_SOFTFP_H
#define DSA_CORE_RV_SOFTFP_H

#include <stdbool.h>
#include <stdint.h>

enum rv_rm { RV_RNE = 0, RV_RTZ = 1, RV_RDN = 2, RV_RUP = 3, RV_RMM = 4, RV_DYN = 7 };

#define RV_NX 0x01u
#define RV_UF 0x02u
#define RV_OF 0x04u
#define RV_DZ 0x08u
#define RV_NV 0x10u

struct rv_ffmt {
	unsigned int ebits, fbits;
};

extern const struct rv_ffmt rv_f16, rv_f32, rv_f64;

/* Operands and results are plain encodings, without NaN boxing. */
uint64_t rv_soft_add(const struct rv_ffmt *f, uint64_t a, uint64_t b, enum rv_rm rm,
		     uint32_t *flags);
uint64_t rv_soft_mul(const struct rv_ffmt *f, uint64_t a, uint64_t b, enum rv_rm rm,
		     uint32_t *flags);
uint64_t rv_soft_div(const struct rv_ffmt *f, uint64_t a, uint64_t b, enum rv_rm rm,
		     uint32_t *flags);
uint64_t rv_soft_sqrt(const struct rv_ffmt *f, uint64_t a, enum rv_rm rm, uint32_t *flags);
/* a * b + c */
uint64_t rv_soft_fma(const struct rv_ffmt *f, uint64_t a, uint64_t b, uint64_t c, enum rv_rm rm,
		     uint32_t *flags);
uint64_t rv_soft_convert(const struct rv_ffmt *to, const struct rv_ffmt *from, uint64_t a,
			 enum rv_rm rm, uint32_t *flags);
/* To an integer of @width bits, saturated; sign-extended from @width. */
uint64_t rv_soft_to_int(const struct rv_ffmt *f, uint64_t a, bool is_signed, unsigned int width,
			enum rv_rm rm, uint32_t *flags);
uint64_t rv_soft_from_int(const struct rv_ffmt *f, uint64_t a, bool is_signed, enum rv_rm rm,
			  uint32_t *flags);
/* To an integer of the same format; NX when it was none. */
uint64_t rv_soft_round(const struct rv_ffmt *f, uint64_t a, enum rv_rm rm, uint32_t *flags);
/* Bit mask of fclass. */
uint32_t rv_soft_class(const struct rv_ffmt *f, uint64_t a);

#endif /* DSA_CORE_RV_SOFTFP_H */
