/* SPDX-License-Identifier: MIT */
#ifndef DSA_VM_INIT_H
#define DSA_VM_INIT_H

#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

#define MAX_WORDS 65536

/* What the host wants, collected before FRAME_START. */
struct job {
	char **args, **envs;
	size_t n_args, n_envs;
	char *cwd;
	char *mounts[16], *keeps[16], *modules[64];
	size_t n_mounts, n_keeps, n_modules;
	bool tty;
	struct frame_winsize winsize;
};

/* link.c: the port to the host. */
void link_open(void);
void link_receive_job(struct job *job);
void link_phase(const char *name);
/* Says why and powers off: nothing can be run. */
void link_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

extern int link_fd;

/* mounts.c: the file systems that the command sees. */
void mounts_early(void);
void mounts_root(const struct job *job);

/* modules.c: kernel modules, of the initramfs and of the root. */
void modules_load_folder(const char *folder);
void modules_load(const char *path);

/* session.c: runs the command and carries its streams; returns its exit status when it is over. */
unsigned int session_run(const struct job *job);

#endif
