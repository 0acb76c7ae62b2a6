/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_CHECK_H
#define SAMPLES_CHECK_H

#include <dsa/dsa.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program with the library's own explanation when a call fails. */
#define CHECK(call) check((call), #call)

static inline void check(dsaError_t error, const char *call)
{
	dsaErrorInfo info;

	if (error == dsaSuccess)
		return;
	dsaGetLastErrorInfo(&info);
	fprintf(stderr, "%s\n  failed with %s: %s\n", call, dsaGetErrorName(error), info.text);
	exit(1);
}

#endif
