/* SPDX-License-Identifier: MIT */
/* The reference program: its ELF, and a process of it under qemu-riscv64. */
#ifndef ISA_GUEST_H
#define ISA_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine.h"

struct reference {
	pid_t pid;
	int to, from;
};

/* Sends the mode. @vlen: bits of a vector register, 0: no vector unit. False: a message has been printed. */
bool ref_start(struct reference *ref, const char *guest, uint32_t mode, unsigned int vlen);
bool ref_write(struct reference *ref, const void *buf, size_t size);
bool ref_read(struct reference *ref, void *buf, size_t size);
/* Waits; true when it ended with status 0. */
bool ref_end(struct reference *ref);

/* Maps the loadable segments of a static RISC-V ELF into the machine. */
bool load_elf(struct machine *m, const char *path);

#endif
