// SPDX-License-Identifier: GPL-2.0-or-later
/* The vector unit's loops for any host (chosen at run time, rv.c). */
#ifndef __clang__
/* With rounding-math, fma() and the like are no vector operations; here nothing is constant. */
#pragma GCC optimize("tree-vectorize", "vect-cost-model=dynamic", "no-rounding-math")
#endif

#define RV_LOOPS rv_vloops_base
#include "vec_loops.h"
