// SPDX-License-Identifier: GPL-2.0-or-later
/* The executor for any host; fma() comes from libm and rounds once. */
#include <math.h>
#include <string.h>

#include "fpenv.h"
#include "rv_int.h"

#define RV_EXEC rv_exec_base
#include "exec.h"
