/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * User <-> hardware interface of the virtual DSA: command packets, kernel
 * metadata, and what a program finds on its core.
 *
 * The kernel driver never reads any of this. A command buffer is read by the
 * device through the page tables of the queue's address space; every address
 * in it is a virtual address of that address space, so the MMU is what keeps
 * contexts apart.
 *
 * All fields are little-endian. Plain C constants and structures, no code.
 */
#ifndef _UAPI_DSA_CMD_H
#define _UAPI_DSA_CMD_H

#ifdef __KERNEL__
#error "the driver never parses user commands"
#endif

#include <stdint.h>

/*
 * DOC: Command packets
 *
 * A command buffer is a sequence of packets. Each starts with a header that
 * gives the opcode and the size of the whole packet in bytes, header
 * included. The size must be the one listed for the opcode; packets are
 * aligned to 8 bytes. The buffer ends exactly at its declared size: a packet
 * that would reach past it stops the queue with DSA_ERR_BAD_PACKET.
 *
 * Packets execute in order: one begins when its predecessor has completed,
 * and its memory effects are visible to the next. Reserved fields and
 * unknown flags must be zero, else DSA_ERR_BAD_PACKET.
 *
 * The device copies each packet once before it validates it: rewriting a
 * buffer while it runs is harmless to the device and others, and undefined
 * for its owner.
 */
struct dsa_cmd_header {
	uint16_t opcode; /* enum dsa_cmd_opcode */
	uint16_t size;   /* bytes, header included */
	uint32_t flags;  /* per opcode; unknown bits must be zero */
};

enum dsa_cmd_opcode {
	DSA_CMD_NOP = 0,
	DSA_CMD_COPY = 1,
	DSA_CMD_COPY_2D = 2,
	DSA_CMD_FILL = 3,
	DSA_CMD_LAUNCH = 4, /* compute class queues only */
	DSA_CMD_SEM_SIGNAL = 5,
	DSA_CMD_SEM_WAIT = 6,
	DSA_CMD_TIMESTAMP = 7,
	DSA_CMD_FENCE = 8,
};

/* Largest packet, bytes. */
#define DSA_CMD_MAX_SIZE 128

struct dsa_cmd_nop {
	struct dsa_cmd_header hdr;
};

/*
 * COPY: @bytes bytes from @src to @dst, any alignment, any length (zero is a
 * no-op). Overlapping ranges are allowed only when dst <= src.
 */
struct dsa_cmd_copy {
	struct dsa_cmd_header hdr;
	uint64_t dst;
	uint64_t src;
	uint64_t bytes;
};

/*
 * COPY_2D: @height rows of @width bytes; row r is read at src + r * src_pitch
 * and written at dst + r * dst_pitch. Pitches are bytes and at least @width
 * when @height > 1. Zero width or height is a no-op. dst + height * dst_pitch
 * must not wrap. Ranges must not overlap.
 */
struct dsa_cmd_copy_2d {
	struct dsa_cmd_header hdr;
	uint64_t dst;
	uint64_t src;
	uint64_t dst_pitch;
	uint64_t src_pitch;
	uint64_t width;
	uint64_t height;
};

/*
 * FILL: writes the low @pattern_size bytes (1, 2, 4 or 8) of @pattern
 * repeatedly over @bytes bytes at @dst. @dst and @bytes are multiples of
 * @pattern_size.
 */
struct dsa_cmd_fill {
	struct dsa_cmd_header hdr;
	uint64_t dst;
	uint64_t bytes;
	uint64_t pattern;
	uint32_t pattern_size;
	uint32_t reserved;
};

/*
 * LAUNCH: runs a grid of programs, one program on one core at a time, in any
 * order and number at a time. Completes when all programs have returned.
 *
 * Each program starts at @entry with
 *   a0 = @kernarg (passed on, never read by the device)
 *   sp = top of its stack: scratchpad base + scratchpad size, 16-byte aligned
 *   ra = DSA_CORE_EXIT_ADDR; a jump there (a return) ends the program
 *   all other registers zero, fcsr zero.
 * The stack grows down through the top @stack_bytes of the scratchpad (0 means
 * DSA_DEFAULT_STACK_BYTES); @scratch_bytes from its base are for data.
 * scratch_bytes + stack_bytes must fit the scratchpad. Contents of the
 * scratchpad at start are undefined but never another address space's.
 *
 * @grid: each 1 .. 2^31-1, product at most 2^40.
 * @counters: 0, or the VA (8-byte aligned) of a struct dsa_launch_counters
 * that is written on completion.
 * @id: any value; error records and traces repeat it.
 */
struct dsa_cmd_launch {
	struct dsa_cmd_header hdr;
	uint64_t entry;
	uint64_t kernarg;
	uint32_t grid[3];
	uint32_t kernarg_bytes;
	uint32_t scratch_bytes;
	uint32_t stack_bytes;
	uint64_t counters;
	uint64_t id;
	uint64_t reserved;
};

#define DSA_DEFAULT_STACK_BYTES (64u << 10)
#define DSA_MAX_GRID_DIM        0x7fffffffu

struct dsa_launch_counters {
	uint64_t programs;     /* programs that returned */
	uint64_t instructions; /* retired, all programs */
	uint64_t start_ns;     /* modelled device time */
	uint64_t end_ns;
};

/*
 * SEM_SIGNAL: after all earlier packets' effects are visible, sets (flags 0)
 * or adds to (DSA_SEM_F_ADD) the 64-bit word at @va (8-byte aligned),
 * atomically, and wakes queues that wait.
 *
 * SEM_WAIT: holds the queue until (int64_t)(*va - value) >= 0, without
 * occupying an engine. It is woken by SEM_SIGNAL of any queue and by any
 * doorbell write; the device also looks again by itself at a bounded rate.
 */
struct dsa_cmd_sem {
	struct dsa_cmd_header hdr;
	uint64_t va;
	uint64_t value;
};

#define DSA_SEM_F_ADD 0x1u

/*
 * TIMESTAMP: writes the queue's modelled device time in ns (first word) and
 * the host's wall clock in ns (second word, CLOCK_MONOTONIC-like, arbitrary
 * origin) to @va (16 bytes, 8-byte aligned).
 */
struct dsa_cmd_timestamp {
	struct dsa_cmd_header hdr;
	uint64_t va;
};

/*
 * FENCE: all memory effects of earlier packets are visible to the host, to
 * other queues and to later packets before any later packet begins.
 */
struct dsa_cmd_fence {
	struct dsa_cmd_header hdr;
};

/*
 * DOC: Error codes
 *
 * Found in a queue's error record (hw/dsa_regs.h) and, through the driver, in
 * libdsa's error information.
 */
enum dsa_error_code {
	DSA_ERR_NONE = 0,
	DSA_ERR_KILLED = 1,       /* killed on the driver's request */
	DSA_ERR_RESET = 2,        /* device reset while work was in flight */
	DSA_ERR_BAD_DOORBELL = 3, /* tail further ahead than the ring is long, or moved back */
	DSA_ERR_RING_READ = 4,    /* the ring could not be read (bus error) */
	DSA_ERR_BAD_RING_PACKET = 5,
	DSA_ERR_FENCE_WRITE = 6,     /* fence value could not be written */
	DSA_ERR_BAD_PACKET = 7,      /* command: opcode, size, flag, reserved field */
	DSA_ERR_BAD_ARGUMENT = 8,    /* command: a value out of its range */
	DSA_ERR_NOT_ALLOWED = 9,     /* command not in this queue's class */
	DSA_ERR_MMU_UNMAPPED = 10,   /* no valid translation */
	DSA_ERR_MMU_PERMISSION = 11, /* translation lacks the access right */
	DSA_ERR_MMU_RESERVED = 12,   /* malformed page-table entry */
	DSA_ERR_MMU_RANGE = 13,      /* address outside 48 bits and scratchpad */
	DSA_ERR_BUS = 14,            /* bus error on system memory or beyond HBM */
	DSA_ERR_MISALIGNED = 15,
	DSA_ERR_ILLEGAL_INSN = 16,
	DSA_ERR_BREAKPOINT = 17, /* ebreak: dsa_trap() */
	DSA_ERR_ECALL = 18,
	DSA_ERR_HANG = 19, /* the device found the queue not progressing */
};

/* Which unit met an error. */
enum dsa_engine_kind {
	DSA_ENGINE_FRONTEND = 0, /* ring and command fetch, semaphores */
	DSA_ENGINE_COPY = 1,
	DSA_ENGINE_CORE = 2,
};

/* The access that failed. */
enum dsa_access {
	DSA_ACCESS_NONE = 0,
	DSA_ACCESS_READ = 1,
	DSA_ACCESS_WRITE = 2,
	DSA_ACCESS_FETCH = 3,
};

/*
 * DOC: What a program finds on its core
 */
#define DSA_SCRATCHPAD_BASE (1ull << 48)
#define DSA_CORE_EXIT_ADDR  0xffffffffffff0000ull

/* Xdsa, custom-0 (opcode 0x0b), funct3 0: dsa.rd rd, sel (I-type immediate). */
#define DSA_OPCODE_CUSTOM0 0x0b

enum dsa_sys_selector {
	DSA_SYS_PID_X = 0,
	DSA_SYS_PID_Y = 1,
	DSA_SYS_PID_Z = 2,
	DSA_SYS_GRID_X = 3,
	DSA_SYS_GRID_Y = 4,
	DSA_SYS_GRID_Z = 5,
	DSA_SYS_CORE_ID = 6,
	DSA_SYS_CORE_COUNT = 7,
	DSA_SYS_CLOCK_NS = 8,      /* modelled */
	DSA_SYS_SCRATCH_BYTES = 9, /* of the scratchpad, whole */
	DSA_SYS_CYCLES = 10,
	DSA_SYS_KERNARG_BYTES = 11,
	DSA_SYS_COUNT
};

/*
 * DOC: Kernel metadata
 *
 * A kernel module is an ordinary RISC-V ELF (EM_RISCV, 64-bit, ET_DYN or
 * ET_EXEC linked at 0) without dynamic relocations. For each kernel NAME it
 * has a function symbol NAME and an object symbol "__dsa_kernel_NAME" that
 * holds a struct dsa_kernel_meta (both global; .symtab or .dynsym).
 */
#define DSA_KERNEL_META_MAGIC  0x31415344u /* "DSA1" */
#define DSA_KERNEL_META_PREFIX "__dsa_kernel_"
#define DSA_KERNEL_MAX_ARGS    32

struct dsa_kernel_arg {
	uint16_t offset; /* in the kernarg buffer, bytes */
	uint16_t size;   /* bytes */
};

struct dsa_kernel_meta {
	uint32_t magic;
	uint16_t version; /* 1 */
	uint16_t arg_count;
	uint32_t kernarg_bytes;
	uint32_t scratch_bytes; /* static scratchpad need of the kernel */
	uint32_t stack_bytes;   /* 0 = DSA_DEFAULT_STACK_BYTES */
	uint32_t reserved;
	struct dsa_kernel_arg args[DSA_KERNEL_MAX_ARGS];
};

#endif /* _UAPI_DSA_CMD_H */
