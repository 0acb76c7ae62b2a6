// SPDX-License-Identifier: GPL-2.0-or-later
/* The vector unit's loops for x86 hosts with AVX-512 (F, BW, DQ, VL) (chosen at run time, rv.c). */
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(                                                                 \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2"))), \
	apply_to = function)
#elif defined(__x86_64__)
#pragma GCC target( \
	"avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,prefer-vector-width=512")
#endif
#ifndef __clang__
/* With rounding-math, fma() and the like are no vector operations; here nothing is constant. */
#pragma GCC optimize("tree-vectorize", "vect-cost-model=dynamic", "no-rounding-math")
#endif

#define RV_LOOPS rv_vloops_avx512
#include "vec_loops.h"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
