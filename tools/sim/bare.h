/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bare programs: bare.c loads them and answers tohost, machine.c is their machine level. */
#ifndef DSA_SIM_BARE_H
#define DSA_SIM_BARE_H

#include "sim.h"

enum { MODE_USER = 0, MODE_MACH = 3 };

struct machine {
	unsigned int mode;
	uint64_t csr[4096];
};

struct bare {
	uint64_t tohost;      /* offset in bus memory */
	uint64_t fromhost_va; /* 0: none */
	uint64_t request;     /* va, to be looked at between instructions; 0: none */
	bool done;
	int status;
	struct machine machine;
};

void machine_init(struct machine *m);

#endif
