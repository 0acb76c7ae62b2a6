/* SPDX-License-Identifier: MIT */
/*
 * Kernels for the virtual DSA in C, compiled by clang (tools/dsacc).
 *
 *	#include <dsa/kernel.h>
 *
 *	DSA_KERNEL(scale, (float *, x), (float, factor), (uint64_t, n))
 *	{
 *		for (uint64_t i = dsa_program_id(0); i < n; i += dsa_grid_size(0))
 *			x[i] *= factor;
 *	}
 *
 * A launch runs a grid of programs; each executes the body once, on one core,
 * with a scratchpad of its own for as long as it runs. Programs run in any
 * order; they may talk through memory with atomics, but must not wait for a
 * program that may not have started.
 *
 * Freestanding C11: no libc but memcpy, memmove, memset, memcmp. Global
 * constants and variables work (variables are shared by all programs of all
 * launches); pointers in their initialisers do not, dsacc tells.
 */
#ifndef DSA_KERNEL_H
#define DSA_KERNEL_H

#if !defined(__riscv) || __riscv_xlen != 64
#error "dsa/kernel.h is for device code: compile it with dsacc"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if __has_include(<dsa/dsa_cmd.h>)
#include <dsa/dsa_cmd.h>
#else
#include "../uapi/dsa_cmd.h"
#endif

/* Reads device value @sel; constant for the life of a program. */
#define DSA__READ(sel)                                                            \
	__extension__({                                                           \
		uint64_t dsa__v;                                                  \
		__asm__(".insn i 0x0b, 0, %0, x0, %1" : "=r"(dsa__v) : "i"(sel)); \
		dsa__v;                                                           \
	})

/* The same for values that change from read to read. */
#define DSA__READ_VOLATILE(sel)                                \
	__extension__({                                        \
		uint64_t dsa__v;                               \
		__asm__ volatile(".insn i 0x0b, 0, %0, x0, %1" \
				 : "=r"(dsa__v)                \
				 : "i"(sel)                    \
				 : "memory");                  \
		dsa__v;                                        \
	})

#define DSA__INLINE static inline __attribute__((always_inline, unused))

/** dsa_program_id() - This program's place in the grid; @axis 0 = x, 1 = y, 2 = z, else 0. */
DSA__INLINE uint64_t dsa_program_id(int axis)
{
	switch (axis) {
	case 0:
		return DSA__READ(DSA_SYS_PID_X);
	case 1:
		return DSA__READ(DSA_SYS_PID_Y);
	case 2:
		return DSA__READ(DSA_SYS_PID_Z);
	default:
		return 0;
	}
}

/** dsa_grid_size() - Programs in the grid along @axis (0 = x, 1 = y, 2 = z, else 1). */
DSA__INLINE uint64_t dsa_grid_size(int axis)
{
	switch (axis) {
	case 0:
		return DSA__READ(DSA_SYS_GRID_X);
	case 1:
		return DSA__READ(DSA_SYS_GRID_Y);
	case 2:
		return DSA__READ(DSA_SYS_GRID_Z);
	default:
		return 1;
	}
}

/** dsa_core_id() - The core that runs this program, 0 .. dsa_core_count() - 1. */
DSA__INLINE uint64_t dsa_core_id(void)
{
	return DSA__READ(DSA_SYS_CORE_ID);
}

/** dsa_core_count() - Cores of the device. */
DSA__INLINE uint64_t dsa_core_count(void)
{
	return DSA__READ(DSA_SYS_CORE_COUNT);
}

/** dsa_clock_ns() - Modelled device time, ns. */
DSA__INLINE uint64_t dsa_clock_ns(void)
{
	return DSA__READ_VOLATILE(DSA_SYS_CLOCK_NS);
}

/** dsa_cycles() - Modelled cycles that this program has run. */
DSA__INLINE uint64_t dsa_cycles(void)
{
	return DSA__READ_VOLATILE(DSA_SYS_CYCLES);
}

/**
 * dsa_scratchpad() - The core's scratchpad.
 *
 * The kernel owns the bytes that it declares (DSA_KERNEL_SIZED) plus those
 * asked for by the launch, from the start; the stack is at the far end.
 * Undefined at the program's start, gone at its end. Aligned to 4096 bytes.
 */
DSA__INLINE void *dsa_scratchpad(void)
{
	return (void *)DSA_SCRATCHPAD_BASE;
}

/** dsa_scratchpad_size() - Bytes of the whole scratchpad, stack included. */
DSA__INLINE size_t dsa_scratchpad_size(void)
{
	return DSA__READ(DSA_SYS_SCRATCH_BYTES);
}

/** dsa_trap() - Stop with an error: the host sees dsaErrorLaunchFailure, with program and PC. */
DSA__INLINE __attribute__((noreturn)) void dsa_trap(void)
{
	__asm__ volatile("ebreak" : : : "memory");
	__builtin_unreachable();
}

/**
 * DOC: Atomics
 *
 * C11 <stdatomic.h> and __atomic_* builtins on 4- and 8-byte objects work on
 * device memory, scratchpad and pinned host memory. Short forms for plain
 * pointers; relaxed order, which is right for counting:
 */
#define dsa_atomic_add(p, v)  __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define dsa_atomic_and(p, v)  __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define dsa_atomic_or(p, v)   __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define dsa_atomic_xchg(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
/** dsa_load_acquire() - Read; later accesses see what the writer wrote before. */
#define dsa_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
/** dsa_store_release() - Write; earlier accesses are visible before. */
#define dsa_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Applies M(context, type, name) to up to 32 pairs (type, name). */
#define DSA__PARENS             ()
#define DSA__EXPAND(...)        DSA__EXPAND2(DSA__EXPAND2(DSA__EXPAND2(DSA__EXPAND2(__VA_ARGS__))))
#define DSA__EXPAND2(...)       DSA__EXPAND1(DSA__EXPAND1(DSA__EXPAND1(DSA__EXPAND1(__VA_ARGS__))))
#define DSA__EXPAND1(...)       DSA__EXPAND0(DSA__EXPAND0(DSA__EXPAND0(DSA__EXPAND0(__VA_ARGS__))))
#define DSA__EXPAND0(...)       __VA_ARGS__
#define DSA__UNPAIR(type, name) type, name
#define DSA__CALL(m, ...)       m(__VA_ARGS__)
#define DSA__EACH(m, ctx, ...)  __VA_OPT__(DSA__EXPAND(DSA__EACH_STEP(m, ctx, __VA_ARGS__)))
#define DSA__EACH_STEP(m, ctx, pair, ...)   \
	DSA__CALL(m, ctx, DSA__UNPAIR pair) \
	__VA_OPT__(DSA__EACH_AGAIN DSA__PARENS(m, ctx, __VA_ARGS__))
#define DSA__EACH_AGAIN() DSA__EACH_STEP

#define DSA__MEMBER(ctx, type, name) type name;
#define DSA__PARAM(ctx, type, name)  , type name
#define DSA__PASS(ctx, type, name)   , dsa__args->name
#define DSA__COUNT(ctx, type, name)  +1
#define DSA__META(ctx, type, arg)    { (uint16_t)offsetof(struct ctx, arg), (uint16_t)sizeof(type) },

/**
 * DSA_KERNEL() - Begin a kernel: DSA_KERNEL(name, (type, argument), ...) { body }
 *
 * Up to 32 arguments, passed by value: numbers, pointers, structures (no
 * arrays). Makes the function symbol "name", its argument structure
 * "struct dsa_args_name" and the metadata "__dsa_kernel_name" that the host
 * library reads.
 */
#define DSA_KERNEL(name, ...) DSA_KERNEL_SIZED(name, 0, 0, __VA_ARGS__)

/**
 * DSA_KERNEL_SIZED() - DSA_KERNEL() for one that always needs the same scratchpad.
 *
 * @scratch: bytes of scratchpad for data; a launch adds its own to them.
 * @stack: bytes of stack, 0 = 64 KiB; a multiple of 16.
 */
#define DSA_KERNEL_SIZED(name, scratch, stack, ...)                                            \
	struct dsa_args_##name {                                                               \
		DSA__EACH(DSA__MEMBER, , __VA_ARGS__)                                          \
	};                                                                                     \
	_Static_assert((0 DSA__EACH(DSA__COUNT, , __VA_ARGS__)) <= DSA_KERNEL_MAX_ARGS,        \
		       "DSA_KERNEL(" #name "): too many arguments");                           \
	_Static_assert(sizeof(struct dsa_args_##name) <= 4096,                                 \
		       "DSA_KERNEL(" #name "): more than 4096 bytes of arguments");            \
	_Static_assert((stack) % 16 == 0,                                                      \
		       "DSA_KERNEL_SIZED(" #name "): stack is not a multiple of 16");          \
	DSA__INLINE void dsa_body_##name(                                                      \
		const struct dsa_args_##name *dsa__args DSA__EACH(DSA__PARAM, , __VA_ARGS__)); \
	extern const struct dsa_kernel_meta __dsa_kernel_##name;                               \
	__attribute__((used, visibility("default"), section(".rodata.dsa")))                   \
	const struct dsa_kernel_meta __dsa_kernel_##name = {                                   \
		.magic = DSA_KERNEL_META_MAGIC,                                                \
		.version = 1,                                                                  \
		.arg_count = 0 DSA__EACH(DSA__COUNT, , __VA_ARGS__),                           \
		.kernarg_bytes = sizeof(struct dsa_args_##name),                               \
		.scratch_bytes = (scratch),                                                    \
		.stack_bytes = (stack),                                                        \
		.args = { DSA__EACH(DSA__META, dsa_args_##name, __VA_ARGS__) },                \
	};                                                                                     \
	void name(const struct dsa_args_##name *dsa__args);                                    \
	__attribute__((used, visibility("default"))) void name(                                \
		const struct dsa_args_##name *dsa__args)                                       \
	{                                                                                      \
		dsa_body_##name(dsa__args DSA__EACH(DSA__PASS, , __VA_ARGS__));                \
	}                                                                                      \
	DSA__INLINE void dsa_body_##name(                                                      \
		__attribute__((unused))                                                        \
		const struct dsa_args_##name *dsa__args DSA__EACH(DSA__PARAM, , __VA_ARGS__))

#endif /* DSA_KERNEL_H */
