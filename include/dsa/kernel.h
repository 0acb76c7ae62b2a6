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
 * program that may not have started. Those of a cluster run at the same time
 * and may wait for each other: see "Clusters" below.
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

/* Of the C library there are these; dsacc links them. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

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

/** dsa_core_id() - The core that runs this program, 0 .. dsa_core_count() - 1; may differ from run to run. */
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

/** dsa_user() - LAUNCH's @user: the library's; under libdsa 0, or the address of a print buffer. */
DSA__INLINE uint64_t dsa_user(void)
{
	return DSA__READ(DSA_SYS_USER);
}

/** dsa_trap() - Stop with an error: the host sees dsaErrorLaunchFailure, with program and PC. */
DSA__INLINE __attribute__((noreturn)) void dsa_trap(void)
{
	__asm__ volatile("ebreak" : : : "memory");
	__builtin_unreachable();
}

/**
 * dsa_printf() - Print text, which reaches the host program.
 * @format: C's: d i u o x X c s p f F e E g G a A %, flags, width, precision
 *          (also *), lengths hh h l ll j z t; no %n, no wide characters, long
 *          doubles are rounded to doubles. Fields of up to 4096 characters.
 *
 * The host makes the text when it synchronises, see dsaSetPrintfHandler() in
 * <dsa/dsa.h>; format and strings are copied at the call. What one program
 * prints comes in order, what different programs print may be mixed, call by
 * call. Costs some hundred instructions.
 *
 * Return: 0, or -1: the buffer was full, or the call took more than half of
 * it (dsaDeviceSetLimit()); the host reports how many were lost.
 */
int dsa_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A failed dsa_assert(). */
void dsa__assert_failed(const char *condition, const char *file, int line, const char *function)
	__attribute__((noreturn, cold));

/**
 * dsa_assert() - Stop with an error unless @condition holds; nothing with NDEBUG.
 *
 * Prints "FILE:LINE: FUNCTION: program (X,Y,Z): assertion `CONDITION' failed",
 * then dsa_trap(). The host's error description has that text too.
 */
#if defined(NDEBUG)
#define dsa_assert(condition) ((void)sizeof((condition) ? 1 : 0))
#else
#define dsa_assert(condition) \
	((condition) ? (void)0 : dsa__assert_failed(#condition, __FILE__, __LINE__, __func__))
#endif

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

/* Executes Xdsa operation @f7 of unit @unit; see docs/xdsa.md. */
#define DSA__X(unit, f7, a, b)                                \
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, %2, %3"   \
			 :                                    \
			 : "i"(unit), "i"(f7), "r"(a), "r"(b) \
			 : "memory")
#define DSA__X1(unit, f7, a)                                \
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, %2, x0" \
			 :                                  \
			 : "i"(unit), "i"(f7), "r"(a)       \
			 : "memory")
#define DSA__X_RD(unit, f7, a, b)                                     \
	__extension__({                                               \
		uint64_t dsa__v;                                      \
		__asm__ volatile(".insn r 0x2b, %1, %2, %0, %3, %4"   \
				 : "=r"(dsa__v)                       \
				 : "i"(unit), "i"(f7), "r"(a), "r"(b) \
				 : "memory");                         \
		dsa__v;                                               \
	})

/**
 * DOC: Atomics on floating point numbers
 *
 * dsa_atomic_fadd_T(), dsa_atomic_fmin_T(), dsa_atomic_fmax_T() for T = f16,
 * bf16, f32, f64: *p = *p op v, atomically towards all programs and engines of
 * the device. @p is aligned to its type, in device memory, a scratchpad or pinned
 * host memory. Return what was there. No order with other accesses is implied,
 * as with dsa_atomic_add().
 *
 * Sums are rounded to nearest, ties to even, whatever the rounding mode; fmin and
 * fmax prefer numbers to NaN, and -0 is below +0. NaN results are canonical; no
 * flags are raised. Programs add in no certain order: sums that are rounded
 * differ from run to run.
 *
 * Faults: DSA_ERR_MISALIGNED, and those of memory accesses.
 */
#define DSA__FP_ATOMIC(name, op, suffix, type, bits)                                \
	DSA__INLINE type dsa_atomic_##name##_##suffix(type *p, type v)              \
	{                                                                           \
		bits dsa__in, dsa__out;                                             \
                                                                                    \
		__builtin_memcpy(&dsa__in, &v, sizeof(v));                          \
		dsa__out = (bits)DSA__X_RD(DSA_X_ATOMIC, op, p, (uint64_t)dsa__in); \
		__builtin_memcpy(&v, &dsa__out, sizeof(v));                         \
		return v;                                                           \
	}
#define DSA__FP_ATOMICS(name, op)                                              \
	DSA__FP_ATOMIC(name, (op) + DSA_X_ATOMIC_F16, f16, _Float16, uint16_t) \
	DSA__FP_ATOMIC(name, (op) + DSA_X_ATOMIC_BF16, bf16, __bf16, uint16_t) \
	DSA__FP_ATOMIC(name, (op) + DSA_X_ATOMIC_F32, f32, float, uint32_t)    \
	DSA__FP_ATOMIC(name, (op) + DSA_X_ATOMIC_F64, f64, double, uint64_t)

DSA__FP_ATOMICS(fadd, DSA_X_ATOMIC_ADD)
DSA__FP_ATOMICS(fmin, DSA_X_ATOMIC_MIN)
DSA__FP_ATOMICS(fmax, DSA_X_ATOMIC_MAX)

/**
 * DOC: mbarriers
 *
 * Memory barriers that count arrivals and bytes, for waiting until data has
 * come. One lies in the scratchpad, aligned to 64 bytes:
 *
 *	struct dsa_mbarrier *bar = dsa_scratchpad();
 *
 *	dsa_mbarrier_init(bar, 1);
 *	dsa_mbarrier_expect(bar, bytes);
 *	dsa_copy_in(data, global, bytes, bar);
 *	dsa_mbarrier_arrive(bar);
 *	dsa_mbarrier_wait(bar, 0);
 *
 * The first phase has parity 0, the next 1, then 0 again: a loop that uses a
 * barrier once per turn waits for parity turn & 1. Wait for a phase before
 * expecting bytes for the next. All of these functions take mbarriers in the
 * scratchpads of the cluster's other programs too (dsa_cluster_map()): that is
 * how one program tells another that it is through. Faults:
 * DSA_ERR_SCRATCHPAD (not in a scratchpad of the cluster, not aligned),
 * DSA_ERR_BARRIER (not initialised, more arrivals than there are),
 * DSA_ERR_DEADLOCK (waits for what will never come).
 */

/** dsa_mbarrier_init() - Make @bar an mbarrier whose phases take @arrivals arrivals (1 .. 2^20-1). */
DSA__INLINE void dsa_mbarrier_init(struct dsa_mbarrier *bar, uint32_t arrivals)
{
	DSA__X(DSA_X_MBAR, DSA_X_MBAR_INIT, bar, (uint64_t)arrivals);
}

/** dsa_mbarrier_arrive() - One arrival. Returns the number of the phase it counts for. */
DSA__INLINE uint32_t dsa_mbarrier_arrive(struct dsa_mbarrier *bar)
{
	return (uint32_t)DSA__X_RD(DSA_X_MBAR, DSA_X_MBAR_ARRIVE, bar, (uint64_t)1);
}

/** dsa_mbarrier_expect() - The phase also waits for @bytes bytes (1 .. scratchpad size). */
DSA__INLINE void dsa_mbarrier_expect(struct dsa_mbarrier *bar, uint64_t bytes)
{
	DSA__X(DSA_X_MBAR, DSA_X_MBAR_EXPECT, bar, bytes);
}

/** dsa_mbarrier_test() - Has the phase of @parity (0 or 1) completed by now? */
DSA__INLINE bool dsa_mbarrier_test(struct dsa_mbarrier *bar, unsigned int parity)
{
	return DSA__X_RD(DSA_X_MBAR, DSA_X_MBAR_TEST, bar, (uint64_t)parity);
}

/** dsa_mbarrier_wait() - Wait until the phase of @parity (0 or 1) has completed. */
DSA__INLINE void dsa_mbarrier_wait(struct dsa_mbarrier *bar, unsigned int parity)
{
	DSA__X(DSA_X_MBAR, DSA_X_MBAR_WAIT, bar, (uint64_t)parity);
}

/**
 * DOC: Tensor operations
 *
 * Move boxes of tensors, or plain runs of bytes, between memory and the
 * scratchpad while the program goes on. What is loaded may be read once an
 * mbarrier has said so; what is stored may be overwritten, and is in memory,
 * after dsa_stores_wait(). Boxes and runs lie in the scratchpad at multiples
 * of 16 bytes (256, 512, 1024 with 32-, 64-, 128-byte swizzling).
 *
 * Faults: DSA_ERR_TENSOR_MAP, DSA_ERR_TENSOR_OP (a field out of range),
 * DSA_ERR_SCRATCHPAD, DSA_ERR_BARRIER, and those of memory accesses.
 */

/** dsa_tensor_start() - Start the operation that @op describes; @op may be reused at once. */
DSA__INLINE void dsa_tensor_start(const struct dsa_tensor_op *op)
{
	DSA__X1(DSA_X_TENSOR, DSA_X_TENSOR_START, op);
}

/** dsa_stores_wait() - Wait until all stores that this program started have completed. */
DSA__INLINE void dsa_stores_wait(void)
{
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, x0, x0"
			 :
			 : "i"(DSA_X_TENSOR), "i"(DSA_X_TENSOR_DRAIN)
			 : "memory");
}

DSA__INLINE void dsa__tensor_box(uint8_t opcode, const struct dsa_tensor_map *map, void *spad,
				 struct dsa_mbarrier *bar, const int32_t *coord)
{
	struct dsa_tensor_op op = {
		.op = opcode,
		.coord = { coord[0], coord[1], coord[2], coord[3], coord[4] },
		.global = (uint64_t)map,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
	};

	dsa_tensor_start(&op);
}

/**
 * dsa_tensor_load() - Load the box of @map at the coordinates, innermost first, to @spad.
 * @bar gets the bytes of the whole box: dsa_tensor_box_bytes(map).
 */
#define dsa_tensor_load(spad, map, bar, ...)             \
	dsa__tensor_box(DSA_TENSOR_LOAD, map, spad, bar, \
			(const int32_t[DSA_TENSOR_RANK]){ __VA_ARGS__ })

/** dsa_tensor_store() - Store the box at @spad to the tensor at the coordinates, innermost first. */
#define dsa_tensor_store(map, spad, ...)                   \
	dsa__tensor_box(DSA_TENSOR_STORE, map, spad, NULL, \
			(const int32_t[DSA_TENSOR_RANK]){ __VA_ARGS__ })

/**
 * dsa_tensor_add() - Add the box at @spad to the tensor, each element atomically. Also
 * dsa_tensor_min(), dsa_tensor_max(). Integers, F16, BF16, F32, F64; rounded to nearest.
 */
#define dsa_tensor_add(map, spad, ...)                   \
	dsa__tensor_box(DSA_TENSOR_ADD, map, spad, NULL, \
			(const int32_t[DSA_TENSOR_RANK]){ __VA_ARGS__ })
#define dsa_tensor_min(map, spad, ...)                   \
	dsa__tensor_box(DSA_TENSOR_MIN, map, spad, NULL, \
			(const int32_t[DSA_TENSOR_RANK]){ __VA_ARGS__ })
#define dsa_tensor_max(map, spad, ...)                   \
	dsa__tensor_box(DSA_TENSOR_MAX, map, spad, NULL, \
			(const int32_t[DSA_TENSOR_RANK]){ __VA_ARGS__ })

DSA__INLINE void dsa__tensor_rows(uint8_t opcode, const struct dsa_tensor_map *map, void *spad,
				  struct dsa_mbarrier *bar, int32_t column, const int32_t *rows,
				  uint32_t count)
{
	struct dsa_tensor_op op = {
		.op = opcode,
		.flags = DSA_TENSOR_ROWS,
		.coord = { column },
		.global = (uint64_t)map,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
		.bytes = (uint64_t)count * sizeof(*rows),
		.rows = (uint64_t)rows,
	};

	dsa_tensor_start(&op);
}

/**
 * dsa_tensor_gather() - Load rows of a matrix by their numbers.
 * @spad: where they go, dense, one after the other
 * @map: of rank 2, box[0] elements of a row, steps[1] = 1
 * @bar: gets @count * box[0] * size of type bytes
 * @column: the first element of the rows
 * @rows: their numbers, in memory or a scratchpad; one that is negative or beyond
 *        the matrix gives a row of the map's fill
 * @count: 1 .. box[1]
 *
 * The list must not change until the load has completed.
 */
DSA__INLINE void dsa_tensor_gather(void *spad, const struct dsa_tensor_map *map,
				   struct dsa_mbarrier *bar, int32_t column, const int32_t *rows,
				   uint32_t count)
{
	dsa__tensor_rows(DSA_TENSOR_LOAD, map, spad, bar, column, rows, count);
}

/**
 * dsa_tensor_scatter() - Store rows at @spad to the rows of a matrix that a list names.
 *
 * As with dsa_tensor_gather(); numbers outside are left out. Of a number that is there
 * more than once the last row stays. dsa_tensor_scatter_add() adds each element
 * atomically instead, all rows of a number one after the other.
 */
DSA__INLINE void dsa_tensor_scatter(const struct dsa_tensor_map *map, const void *spad,
				    int32_t column, const int32_t *rows, uint32_t count)
{
	dsa__tensor_rows(DSA_TENSOR_STORE, map, (void *)spad, NULL, column, rows, count);
}

/** dsa_tensor_scatter_add() - See dsa_tensor_scatter(); types as with dsa_tensor_add(). */
DSA__INLINE void dsa_tensor_scatter_add(const struct dsa_tensor_map *map, const void *spad,
					int32_t column, const int32_t *rows, uint32_t count)
{
	dsa__tensor_rows(DSA_TENSOR_ADD, map, (void *)spad, NULL, column, rows, count);
}

/**
 * dsa_im2col_corners() - Make @map one of im2col, in dimension @dim of space.
 * @dim: 1 .. 3
 * @taps: of the filter
 * @stride: of the filter's positions
 * @dilation: between taps
 * @before: elements of padding below 0
 * @after: elements of padding above
 *
 * Return: positions of the filter, the convolution's outputs in that dimension.
 */
DSA__INLINE uint32_t dsa_im2col_corners(struct dsa_tensor_map *map, int dim, uint32_t taps,
					uint32_t stride, uint32_t dilation, uint32_t before,
					uint32_t after)
{
	int64_t upper = (int64_t)after - (int64_t)(taps - 1) * dilation;

	map->mode = DSA_TENSOR_IM2COL;
	map->lower[dim - 1] = (int16_t)-(int32_t)before;
	map->upper[dim - 1] = (int16_t)upper;
	map->steps[dim] = (uint16_t)stride;
	return (uint32_t)((map->dims[dim] + before + upper + stride - 1) / stride);
}

/**
 * dsa_tensor_load_im2col() - Load what a tap of a filter meets: an operand of a matrix product.
 * @spad: where box[0] channels of box[1] pixels go, a pixel a row
 * @map: dimension 0 channels, 1 .. space, the last images; see dsa_im2col_corners()
 * @bar: gets the bytes of the whole box
 * @channel: the first
 * @pixel: the first, counted over positions, innermost dimension first, then images
 * @tap1, @tap2, @tap3: of the filter in dimension 1, 2, 3, times dilation; 0 where there is none
 *
 * Rows of padding, and those beyond the last image, are the map's fill. The sum over
 * taps of these rows times the tap's weights is the convolution.
 */
DSA__INLINE void dsa_tensor_load_im2col(void *spad, const struct dsa_tensor_map *map,
					struct dsa_mbarrier *bar, int32_t channel, int32_t pixel,
					uint16_t tap1, uint16_t tap2, uint16_t tap3)
{
	struct dsa_tensor_op op = {
		.op = DSA_TENSOR_LOAD,
		.coord = { channel, pixel },
		.global = (uint64_t)map,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
		.taps = { tap1, tap2, tap3 },
	};

	dsa_tensor_start(&op);
}

/** dsa_copy_in() - Copy @bytes bytes (a multiple of 16) at @src to @spad; delivers them to @bar. */
DSA__INLINE void dsa_copy_in(void *spad, const void *src, uint64_t bytes, struct dsa_mbarrier *bar)
{
	struct dsa_tensor_op op = {
		.op = DSA_TENSOR_LOAD,
		.flags = DSA_TENSOR_BULK,
		.global = (uint64_t)src,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
		.bytes = bytes,
	};

	dsa_tensor_start(&op);
}

/** dsa_copy_out() - Copy @bytes bytes (a multiple of 16) at @spad to @dst. */
DSA__INLINE void dsa_copy_out(void *dst, const void *spad, uint64_t bytes)
{
	struct dsa_tensor_op op = {
		.op = DSA_TENSOR_STORE,
		.flags = DSA_TENSOR_BULK,
		.global = (uint64_t)dst,
		.spad = (uint64_t)spad,
		.bytes = bytes,
	};

	dsa_tensor_start(&op);
}

/**
 * DOC: Clusters
 *
 * A launch may group its grid into clusters of up to 16 programs, each a block
 * of dsa_cluster_dim(0) x (1) x (2) programs. The programs of a cluster are on
 * cores at the same time: they may wait for each other, at the cluster's
 * barrier and at mbarriers, and reach each other's scratchpads with loads,
 * stores, vectors, atomics, copies. A cluster that is the whole grid makes the
 * launch a cooperative one.
 *
 *	float *mine = dsa_scratchpad();
 *	unsigned int next = (dsa_cluster_rank() + 1) % dsa_cluster_size();
 *
 *	mine[0] = value;
 *	dsa_cluster_sync();
 *	value += *(float *)dsa_cluster_map(mine, next);
 *	dsa_cluster_sync();
 *
 * A scratchpad keeps its contents until all programs of the cluster have
 * returned. When no program of a cluster can go on, the launch ends with
 * DSA_ERR_DEADLOCK; the device's log and dsa-sim tell who waits for what.
 *
 * Whatever the programs of a cluster do to each other, races and polling
 * included, comes out the same in every run on every host.
 */

/** dsa_cluster_rank() - This program's place in its cluster, 0 .. dsa_cluster_size() - 1; x first. */
DSA__INLINE unsigned int dsa_cluster_rank(void)
{
	return (unsigned int)DSA__READ(DSA_SYS_CLUSTER_RANK);
}

/** dsa_cluster_size() - Programs of a cluster; 1 without clusters. */
DSA__INLINE unsigned int dsa_cluster_size(void)
{
	return (unsigned int)DSA__READ(DSA_SYS_CLUSTER_SIZE);
}

/** dsa_cluster_dim() - Programs of a cluster along @axis (0 = x, 1 = y, 2 = z, else 1). */
DSA__INLINE unsigned int dsa_cluster_dim(int axis)
{
	switch (axis) {
	case 0:
		return (unsigned int)DSA__READ(DSA_SYS_CLUSTER_X);
	case 1:
		return (unsigned int)DSA__READ(DSA_SYS_CLUSTER_Y);
	case 2:
		return (unsigned int)DSA__READ(DSA_SYS_CLUSTER_Z);
	default:
		return 1;
	}
}

/**
 * dsa_cluster_map() - What is at @spad in this program's scratchpad, in that of rank @rank.
 *
 * Arithmetic only. Using the address faults with DSA_ERR_SCRATCHPAD when there
 * is no such rank. The program's own rank is allowed.
 */
DSA__INLINE void *dsa_cluster_map(const void *spad, unsigned int rank)
{
	return (void *)(DSA_CLUSTER_BASE + rank * DSA_CLUSTER_STRIDE +
			(uint64_t)spad % DSA_CLUSTER_STRIDE);
}

/**
 * dsa_cluster_arrive() - Say that this program has come to the cluster's barrier; goes on at once.
 *
 * Each arrival is followed by one dsa_cluster_wait() before the next; else
 * DSA_ERR_BARRIER.
 */
DSA__INLINE void dsa_cluster_arrive(void)
{
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, x0, x0"
			 :
			 : "i"(DSA_X_CLUSTER), "i"(DSA_X_CLUSTER_ARRIVE)
			 : "memory");
}

/** dsa_cluster_wait() - Wait until all programs of the cluster have arrived. */
DSA__INLINE void dsa_cluster_wait(void)
{
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, x0, x0"
			 :
			 : "i"(DSA_X_CLUSTER), "i"(DSA_X_CLUSTER_WAIT)
			 : "memory");
}

/** dsa_cluster_sync() - Barrier of all programs of the cluster; what they wrote before is seen after. */
DSA__INLINE void dsa_cluster_sync(void)
{
	dsa_cluster_arrive();
	dsa_cluster_wait();
}

DSA__INLINE void dsa__tensor_multicast(uint16_t ranks, const struct dsa_tensor_map *map, void *spad,
				       struct dsa_mbarrier *bar, const int32_t *coord)
{
	struct dsa_tensor_op op = {
		.op = DSA_TENSOR_LOAD,
		.flags = DSA_TENSOR_MULTICAST,
		.ranks = ranks,
		.coord = { coord[0], coord[1], coord[2], coord[3], coord[4] },
		.global = (uint64_t)map,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
	};

	dsa_tensor_start(&op);
}

/**
 * dsa_tensor_load_multicast() - Load the box of @map once, into the scratchpads of several programs.
 * @ranks: a bit for each rank; at least one, none beyond the cluster
 *
 * Each of them gets the box at the place of @spad, and the bytes of the whole
 * box at the mbarrier at the place of @bar; both are addresses in this
 * program's scratchpad. The memory is read once. Coordinates innermost first.
 */
#define dsa_tensor_load_multicast(ranks, spad, map, bar, ...) \
	dsa__tensor_multicast(ranks, map, spad, bar,          \
			      (const int32_t[DSA_TENSOR_RANK]){ __VA_ARGS__ })

/**
 * dsa_copy_in_multicast() - The same with the @bytes bytes (a multiple of 16) at @src.
 */
DSA__INLINE void dsa_copy_in_multicast(uint16_t ranks, void *spad, const void *src, uint64_t bytes,
				       struct dsa_mbarrier *bar)
{
	struct dsa_tensor_op op = {
		.op = DSA_TENSOR_LOAD,
		.flags = DSA_TENSOR_BULK | DSA_TENSOR_MULTICAST,
		.ranks = ranks,
		.global = (uint64_t)src,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
		.bytes = bytes,
	};

	dsa_tensor_start(&op);
}

/**
 * dsa_copy_to_peer() - Copy @bytes bytes (a multiple of 16) at @spad to another's scratchpad.
 * @peer: where to, from dsa_cluster_map()
 * @bar: an mbarrier of the cluster that gets the bytes, as a rule the peer's; or NULL
 *
 * @spad may be overwritten after dsa_stores_wait(). The other way round is
 * dsa_copy_in() with @src from dsa_cluster_map().
 */
DSA__INLINE void dsa_copy_to_peer(void *peer, const void *spad, uint64_t bytes,
				  struct dsa_mbarrier *bar)
{
	struct dsa_tensor_op op = {
		.op = DSA_TENSOR_STORE,
		.flags = DSA_TENSOR_BULK,
		.global = (uint64_t)peer,
		.spad = (uint64_t)spad,
		.mbar = (uint64_t)bar,
		.bytes = bytes,
	};

	dsa_tensor_start(&op);
}

/**
 * DOC: Matrix operations
 *
 * The matrix unit computes D = A x B + C on tiles in the scratchpad while the
 * program goes on: describe it in a struct dsa_matrix_op (dsa/dsa_cmd.h has
 * the fields, the types and which go together), start it, and wait before D is
 * read or an operand overwritten. Operations execute in order: one may use the
 * result of the one before. Faults: DSA_ERR_MATRIX_OP (a field out of range,
 * types that do not go together), DSA_ERR_SCRATCHPAD (a tile not wholly in the
 * scratchpad, or not at a multiple of 16).
 *
 *	struct dsa_matrix_op mul = {
 *		.a = dsa_tile(DSA_TYPE_BF16, a, 128 * 2),
 *		.b = dsa_tile(DSA_TYPE_BF16, b, 128 * 2),
 *		.c = dsa_tile(DSA_TYPE_F32, acc, 128 * 4),
 *		.d = dsa_tile(DSA_TYPE_F32, acc, 128 * 4),
 *		.m = 128, .n = 128, .k = 128, .scale = 1,
 *	};
 *	dsa_matrix_start(&mul);
 *	dsa_matrix_wait();
 */

/** dsa_tile() - A tile of @type at @spad whose rows are @pitch bytes apart. */
#define dsa_tile(type_, spad_, pitch_) \
	((struct dsa_matrix_tile){     \
		.addr = (uint64_t)(spad_), .pitch = (uint32_t)(pitch_), .type = (type_) })

/** dsa_tile_transposed() - The same; its rows are the matrix' columns. */
#define dsa_tile_transposed(type_, spad_, pitch_)               \
	((struct dsa_matrix_tile){ .addr = (uint64_t)(spad_),   \
				   .pitch = (uint32_t)(pitch_), \
				   .type = (type_),             \
				   .flags = DSA_MATRIX_TRANSPOSED })

/** dsa_matrix_start() - Start the operation that @op describes; @op may be reused at once. */
DSA__INLINE void dsa_matrix_start(const struct dsa_matrix_op *op)
{
	DSA__X1(DSA_X_MATRIX, DSA_X_MATRIX_START, op);
}

/**
 * dsa_matrix_arrive() - One arrival at @bar when all matrix operations so far have completed.
 *
 * For waiting until operands may be overwritten while later operations run;
 * dsa_matrix_wait() would wait for those too. Faults as dsa_mbarrier_arrive().
 */
DSA__INLINE void dsa_matrix_arrive(struct dsa_mbarrier *bar)
{
	DSA__X1(DSA_X_MATRIX, DSA_X_MATRIX_ARRIVE, bar);
}

/** dsa_matrix_wait() - Wait until all matrix operations that this program started have completed. */
DSA__INLINE void dsa_matrix_wait(void)
{
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, x0, x0"
			 :
			 : "i"(DSA_X_MATRIX), "i"(DSA_X_MATRIX_WAIT)
			 : "memory");
}

/** dsa_tile_scaled() - The same as dsa_tile() for an MX type: its scales at @scales, rows @scale_pitch bytes apart. */
#define dsa_tile_scaled(type_, spad_, pitch_, scales_, scale_pitch_)        \
	((struct dsa_matrix_tile){ .addr = (uint64_t)(spad_),               \
				   .scales = (uint64_t)(scales_),           \
				   .pitch = (uint32_t)(pitch_),             \
				   .scale_pitch = (uint32_t)(scale_pitch_), \
				   .type = (type_) })

/**
 * DOC: Conversions
 *
 * The conversion unit turns a tile of any type into one of any other: plain
 * types, MX types, Q8_0 and Q4_0 in both directions, scaled, saturating or not,
 * to nearest or stochastically (docs/numerics.md). It works while the program
 * goes on: start it, and wait before the result is read or the source
 * overwritten. Operations execute in order. The result may take the place of the
 * source. Up to DSA_CONVERT_MAX elements, DSA_CONVERT_ROWS rows at once. Faults: DSA_ERR_CONVERT_OP (a
 * field out of range), DSA_ERR_SCRATCHPAD (a tile not wholly in the scratchpad,
 * or not at a multiple of 16).
 *
 *	struct dsa_convert_op quantise = {
 *		.src = dsa_tile(DSA_TYPE_F32, acc, 256 * 4),
 *		.dst = dsa_tile_scaled(DSA_TYPE_MXF8E4M3, q, 256, scales, 256 / 32),
 *		.rows = 128, .cols = 256, .scale = 1,
 *	};
 *	dsa_convert_start(&quantise);
 *	dsa_convert_wait();
 */

/** dsa_convert_start() - Start the conversion that @op describes; @op may be reused at once. */
DSA__INLINE void dsa_convert_start(const struct dsa_convert_op *op)
{
	DSA__X1(DSA_X_CONVERT, DSA_X_CONVERT_START, op);
}

/** dsa_convert_wait() - Wait until all conversions that this program started have completed. */
DSA__INLINE void dsa_convert_wait(void)
{
	__asm__ volatile(".insn r 0x2b, %0, %1, x0, x0, x0"
			 :
			 : "i"(DSA_X_CONVERT), "i"(DSA_X_CONVERT_WAIT)
			 : "memory");
}

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
