// SPDX-License-Identifier: GPL-2.0

#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "dsa_trace.h"
#endif
