// SPDX-License-Identifier: GPL-2.0-or-later
/* The vector unit's loops for x86 hosts with AVX2, FMA and F16C (chosen at run time, rv.c). */
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#elif defined(__x86_64__)
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")
#endif
#ifndef __clang__
/* With rounding-math, fma() and the like are no vector operations; here nothing is constant. */
#pragma GCC optimize("tree-vectorize", "vect-cost-model=dynamic", "no-rounding-math")
#endif

#define RV_LOOPS rv_vloops_avx2
#include "vec_loops.h"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
