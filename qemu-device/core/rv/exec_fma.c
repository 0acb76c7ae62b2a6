// SPDX-License-Identifier: GPL-2.0-or-later
/* The executor for x86 hosts that have FMA (chosen at run time, rv.c). */
#include <math.h>
#include <string.h>

#include "fpenv.h"
#include "rv_int.h"

#define RV_EXEC rv_exec_fma
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#elif defined(__x86_64__)
#pragma GCC target("avx2,fma,bmi,bmi2")
#endif
#include "exec.h"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
