/* SPDX-License-Identifier: MIT */
/* As much of the device's kernel.h as makes a plain kernel a function of the host, for a thread as a program. */
#ifndef BENCH_NATIVE_KERNEL_H
#define BENCH_NATIVE_KERNEL_H

#include <stdint.h>

extern _Thread_local uint64_t bench_program;
extern uint64_t bench_programs;

static inline uint64_t dsa_program_id(unsigned int dim)
{
	return dim ? 0 : bench_program;
}

static inline uint64_t dsa_grid_size(unsigned int dim)
{
	return dim ? 1 : bench_programs;
}

/* Up to four arguments, each (type, name). */
#define NATIVE_ARG(type, name)              type name
#define NATIVE_ARGS1(a)                     NATIVE_ARG a
#define NATIVE_ARGS2(a, ...)                NATIVE_ARG a, NATIVE_ARGS1(__VA_ARGS__)
#define NATIVE_ARGS3(a, ...)                NATIVE_ARG a, NATIVE_ARGS2(__VA_ARGS__)
#define NATIVE_ARGS4(a, ...)                NATIVE_ARG a, NATIVE_ARGS3(__VA_ARGS__)
#define NATIVE_PICK(a, b, c, d, macro, ...) macro
#define DSA_KERNEL(name, ...)                                                        \
	void name(NATIVE_PICK(__VA_ARGS__, NATIVE_ARGS4, NATIVE_ARGS3, NATIVE_ARGS2, \
			      NATIVE_ARGS1)(__VA_ARGS__));                           \
	void name(NATIVE_PICK(__VA_ARGS__, NATIVE_ARGS4, NATIVE_ARGS3, NATIVE_ARGS2, \
			      NATIVE_ARGS1)(__VA_ARGS__))

#endif /* BENCH_NATIVE_KERNEL_H */
