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
 * order and number at a time; those of a cluster at the same time. Completes
 * when all programs have returned.
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
 * that is written on completion. With DSA_LAUNCH_F_ACCUMULATE it is read
 * first, and what the launch counted is added: a field of the sum wraps at
 * 2^64; start_ns stays unless programs was 0; end_ns is the launch's.
 * @id: any value; error records and traces repeat it.
 * @user: any value; programs read it as DSA_SYS_USER. libdsa passes the address
 * of a print buffer, 0 for none.
 * @cluster: programs of a cluster in each dimension; 0 is 1. Each divides
 * @grid's; the product is at most DSA_MAX_CLUSTER and at most the number of
 * cores. A cluster that is the whole grid is a cooperative launch.
 * @counters_bytes: how much of the structure at @counters is written, a
 * multiple of 8 up to its size; 0: DSA_COUNTERS_DEFAULT, its first four fields.
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
	uint64_t user;
	uint32_t cluster[3];
	uint32_t counters_bytes;
};

#define DSA_DEFAULT_STACK_BYTES (64u << 10)
#define DSA_MAX_GRID_DIM        0x7fffffffu
#define DSA_MAX_CLUSTER         16 /* programs */
#define DSA_COUNTERS_DEFAULT    32 /* bytes */
#define DSA_LAUNCH_F_ACCUMULATE 0x1u

/*
 * DOC: Counters of a launch
 *
 * All are of modelled work and time: the same for any host, load and number
 * of threads. Cycles are of the core clock; where nothing else is said they
 * are summed over programs. docs/timing.md says what each means exactly.
 */

/* What products are counted as, slowest first: of two types the one that is first here. */
enum dsa_macs {
	DSA_MACS_F64 = 0,
	DSA_MACS_F32 = 1,
	DSA_MACS_TF32 = 2,
	DSA_MACS_F16 = 3, /* F16, BF16, Q8_0, Q4_0 */
	DSA_MACS_F8 = 4,  /* MX or not, and so on */
	DSA_MACS_F6 = 5,
	DSA_MACS_I8 = 6, /* I8, U8, MXI8 */
	DSA_MACS_F4 = 7,
	DSA_MACS_I4 = 8,
	DSA_MACS_COUNT = 9
};

/* Products a cycle of a matrix unit by enum dsa_macs, in 32nds of its rate for BF16. */
#define DSA_MACS_RATES { 1, 2, 16, 32, 64, 64, 64, 128, 128 }

/*
 * Bytes that tensor operations and vector loads and stores moved, by memory
 * and direction. Scalar accesses, atomics and descriptors do not count.
 */
enum dsa_bytes {
	DSA_BYTES_HBM_READ = 0,
	DSA_BYTES_HBM_WRITTEN = 1,
	DSA_BYTES_SYSTEM_READ = 2,
	DSA_BYTES_SYSTEM_WRITTEN = 3,
	DSA_BYTES_SCRATCHPAD_READ = 4, /* by tensor engines */
	DSA_BYTES_SCRATCHPAD_WRITTEN = 5,
	DSA_BYTES_COUNT = 6
};

/* What programs waited for. */
enum dsa_stall {
	DSA_STALL_MBARRIER = 0,
	DSA_STALL_TENSOR = 1,        /* stores */
	DSA_STALL_MATRIX = 2,        /* matrix operations */
	DSA_STALL_VECTOR_MEMORY = 3, /* vector loads and stores outside the scratchpad */
	DSA_STALL_CONVERT = 4,
	DSA_STALL_CLUSTER = 5,
	DSA_STALL_COUNT = 6
};

struct dsa_launch_counters {
	uint64_t programs;     /* programs that returned */
	uint64_t instructions; /* retired, all programs */
	uint64_t start_ns;     /* modelled device time */
	uint64_t end_ns;
	uint64_t launches; /* 1 */
	uint64_t time_ns;  /* end_ns - start_ns */
	uint64_t makespan; /* cycles from the start of the first program to the end of the last */
	uint64_t
		core_cycles; /* makespan times cores: what cycles would be were no core ever free */
	uint64_t cycles;     /* of programs, from start to end: occupancy = cycles / core_cycles */
	uint64_t vector_instructions;
	uint64_t vector_elements;
	uint64_t vector_cycles; /* of vector instructions beyond the first each */
	uint64_t tensor_ops;
	uint64_t tensor_cycles; /* that tensor engines were busy */
	uint64_t matrix_ops;
	uint64_t matrix_cycles; /* that matrix units were busy */
	uint64_t convert_ops;
	uint64_t convert_cycles; /* that conversion units were busy */
	uint64_t macs[DSA_MACS_COUNT];
	uint64_t bytes[DSA_BYTES_COUNT];
	uint64_t stalls[DSA_STALL_COUNT]; /* cycles */
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
	DSA_ERR_HANG = 19,       /* the device found the queue not progressing */
	DSA_ERR_TENSOR_MAP = 20, /* tensor map: a field out of its range */
	DSA_ERR_TENSOR_OP = 21,  /* tensor operation: a field out of its range */
	DSA_ERR_SCRATCHPAD = 22, /* not wholly in the scratchpad, or not aligned there */
	DSA_ERR_BARRIER = 23,    /* no mbarrier, counted below zero; cluster barrier out of turn */
	DSA_ERR_DEADLOCK = 24,   /* waits for what can never happen */
	DSA_ERR_MATRIX_OP =
		25, /* matrix operation: a field out of its range, types that do not go */
	DSA_ERR_CONVERT_OP = 26, /* conversion: a field out of its range */
	DSA_ERR_ECC = 27,        /* HBM that was read holds an error that cannot be corrected */
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

/*
 * The scratchpad of the program of rank r in the cluster is also at
 * DSA_CLUSTER_BASE + r * DSA_CLUSTER_STRIDE, for all programs of the cluster,
 * itself included.
 */
#define DSA_CLUSTER_BASE   0x1010000000000ull
#define DSA_CLUSTER_STRIDE (1ull << 32)

/* Xdsa, custom-0 (opcode 0x0b), funct3 0: dsa.rd rd, sel (I-type immediate). */
#define DSA_OPCODE_CUSTOM0 0x0b

/*
 * Xdsa, custom-1 (opcode 0x2b), R-type: funct3 is the unit, funct7 the
 * operation. docs/xdsa.md says what each does.
 */
#define DSA_OPCODE_CUSTOM1 0x2b

enum dsa_x_unit {
	DSA_X_TENSOR = 0,
	DSA_X_MBAR = 1,
	DSA_X_MATRIX = 2,
	DSA_X_CLUSTER = 3,
	DSA_X_CONVERT = 4,
	DSA_X_ATOMIC = 5,
};

enum dsa_x_tensor {
	DSA_X_TENSOR_START = 0, /* rs1: VA of a struct dsa_tensor_op */
	DSA_X_TENSOR_DRAIN = 1, /* waits until all stores have completed */
};

enum dsa_x_matrix {
	DSA_X_MATRIX_START = 0,  /* rs1: VA of a struct dsa_matrix_op */
	DSA_X_MATRIX_WAIT = 1,   /* waits until all operations have completed */
	DSA_X_MATRIX_ARRIVE = 2, /* rs1: mbarrier; one arrival when all before have completed */
};

enum dsa_x_convert {
	DSA_X_CONVERT_START = 0, /* rs1: VA of a struct dsa_convert_op */
	DSA_X_CONVERT_WAIT = 1,  /* waits until all operations have completed */
};

enum dsa_x_cluster {
	DSA_X_CLUSTER_ARRIVE = 0, /* at the barrier of the cluster's programs */
	DSA_X_CLUSTER_WAIT = 1,   /* until all have arrived */
};

enum dsa_x_mbar {
	DSA_X_MBAR_INIT = 0,   /* rs1: mbarrier, rs2: arrivals a phase */
	DSA_X_MBAR_ARRIVE = 1, /* rd: phase, rs1: mbarrier, rs2: arrivals */
	DSA_X_MBAR_EXPECT = 2, /* rs1: mbarrier, rs2: bytes */
	DSA_X_MBAR_TEST = 3,   /* rd: 0 or 1, rs1: mbarrier, rs2: parity */
	DSA_X_MBAR_WAIT = 4,   /* rs1: mbarrier, rs2: parity */
};

/*
 * Atomic operations on floating point numbers. The operation is
 * DSA_X_ATOMIC_ADD, _MIN or _MAX, plus DSA_X_ATOMIC_F16, _BF16, _F32 or _F64.
 * rd: what memory held, rs1: address, rs2: the operand, in its low bits.
 */
enum dsa_x_atomic {
	DSA_X_ATOMIC_ADD = 0,
	DSA_X_ATOMIC_MIN = 4,
	DSA_X_ATOMIC_MAX = 8,

	DSA_X_ATOMIC_F16 = 0,
	DSA_X_ATOMIC_BF16 = 1,
	DSA_X_ATOMIC_F32 = 2,
	DSA_X_ATOMIC_F64 = 3,
};

/*
 * DOC: mbarriers
 *
 * An mbarrier is 64 bytes of scratchpad, 64-byte aligned; all programs of a
 * cluster may use it, at its address in the cluster. It counts arrivals
 * and bytes: a phase completes when all its arrivals have happened and as
 * many bytes have been delivered as were expected. Then the next phase
 * begins, with the same number of arrivals. A program waits for the phase of a
 * parity: phases have the parities 0, 1, 0, ...
 *
 * Between DSA_X_MBAR_INIT and its last use, only the instructions may touch
 * it. The fields are what the device keeps there.
 */
struct dsa_mbarrier {
	uint32_t magic;    /* DSA_MBARRIER_MAGIC */
	uint32_t arrivals; /* of a phase */
	uint32_t pending;  /* arrivals to come in this phase */
	uint32_t phase;    /* phases that have completed */
	int64_t bytes;     /* expected, less delivered */
	uint64_t latest;   /* cycle of the latest arrival or delivery of this phase */
	uint64_t done;     /* cycle at which the phase before completed */
	uint64_t reserved[3];
};

#define DSA_MBARRIER_MAGIC    0x5241424du /* "MBAR" */
#define DSA_MBARRIER_ALIGN    64
#define DSA_MBARRIER_ARRIVALS 0xfffffu /* at most */

/* Types of elements. */
enum dsa_type {
	DSA_TYPE_U8 = 0,
	DSA_TYPE_I8 = 1,
	DSA_TYPE_U16 = 2,
	DSA_TYPE_I16 = 3,
	DSA_TYPE_U32 = 4,
	DSA_TYPE_I32 = 5,
	DSA_TYPE_U64 = 6,
	DSA_TYPE_I64 = 7,
	DSA_TYPE_F16 = 8,
	DSA_TYPE_BF16 = 9,
	DSA_TYPE_F32 = 10,
	DSA_TYPE_F64 = 11,
	DSA_TYPE_F8E4M3 = 12,
	DSA_TYPE_F8E5M2 = 13,
	DSA_TYPE_TENSOR_COUNT, /* tensor maps know those above, the matrix unit most of all */
	DSA_TYPE_TF32 = 16,    /* in 32 bits, like F32; read with 10 bits of mantissa */
	DSA_TYPE_F6E2M3 = 17,  /* elements of less than a byte are packed, low bits first */
	DSA_TYPE_F6E3M2 = 18,
	DSA_TYPE_F4E2M1 = 19,
	DSA_TYPE_I4 = 20,
	/* Blocks of 32 along a row, a scale (E8M0) each in a place of its own. */
	DSA_TYPE_MXF8E4M3 = 24,
	DSA_TYPE_MXF8E5M2 = 25,
	DSA_TYPE_MXF6E2M3 = 26,
	DSA_TYPE_MXF6E3M2 = 27,
	DSA_TYPE_MXF4E2M1 = 28,
	DSA_TYPE_MXI8 = 29,
	/* Blocks of 32 with their scale (F16) before the elements, as in GGUF files. */
	DSA_TYPE_Q8_0 = 30,
	DSA_TYPE_Q4_0 = 31,
	DSA_TYPE_COUNT
};

/*
 * DOC: Tensor maps
 *
 * A tensor map describes a tensor in memory and the box of it that a tensor
 * operation moves. Element (i0, i1, ...) is at
 *
 *	base + i0 * size of type + i1 * strides[0] + i2 * strides[1] + ...
 *
 * The box has box[0] x box[1] x ... elements; its element (j0, j1, ...) is the
 * tensor's element coord[d] + j[d] * steps[d] in each dimension d. In the
 * scratchpad the box is dense, j0 innermost. Elements outside the tensor are
 * filled when loading and left out when storing; nothing is accessed there.
 *
 * Fields that a map of its rank does not use must be zero.
 *
 * With DSA_TENSOR_IM2COL the tensor is images for a convolution: dimension 0 is
 * channels, the last one images, those between are space (rank 3 .. 5: 1 .. 3 of
 * them). The filter stands at positions that begin at @lower, are @steps apart
 * (the stride of the convolution) and end before dims + @upper: padding is a
 * negative lower corner, and an upper one of padding less (taps - 1) *
 * dilation. The box is box[0] channels of box[1] pixels; a pixel is the element
 * that a tap of the filter meets at a position. Positions count innermost
 * dimension first, then images.
 */
#define DSA_TENSOR_RANK 5

struct dsa_tensor_map {
	uint64_t base;                         /* VA, aligned to the element */
	uint64_t strides[DSA_TENSOR_RANK - 1]; /* bytes, multiples of the element's size */
	uint32_t dims[DSA_TENSOR_RANK];        /* elements, at least 1 */
	uint16_t box[DSA_TENSOR_RANK];         /* elements, at least 1 */
	uint16_t steps[DSA_TENSOR_RANK];       /* at least 1 */
	uint8_t rank;                          /* 1 .. 5 */
	uint8_t type;                          /* enum dsa_type */
	uint8_t fill;                          /* enum dsa_tensor_fill */
	uint8_t swizzle;                       /* enum dsa_tensor_swizzle */
	uint8_t mode;                          /* enum dsa_tensor_mode */
	uint8_t reserved8[3];
	int16_t lower[DSA_TENSOR_RANK - 2]; /* of im2col, from dimension 1 on; else zero */
	int16_t upper[DSA_TENSOR_RANK - 2]; /* the same */
	uint32_t reserved32;
	uint64_t reserved[3]; /* zero */
};

enum dsa_tensor_mode {
	DSA_TENSOR_TILED = 0,
	DSA_TENSOR_IM2COL = 1, /* loads and prefetches only */
};

enum dsa_tensor_fill {
	DSA_FILL_ZERO = 0,
	DSA_FILL_NAN = 1, /* canonical quiet NaN; floating point types only */
};

/*
 * Where a byte of the box lies in the scratchpad: bits of its address are
 * exclusive-ored, so that columns of rows of 32, 64 or 128 bytes spread over
 * the banks. 32B: bit 4 with bit 7; 64B: bits 5:4 with 8:7; 128B: bits 6:4
 * with 9:7. The box's address is then a multiple of 256, 512 or 1024.
 */
enum dsa_tensor_swizzle {
	DSA_SWIZZLE_NONE = 0,
	DSA_SWIZZLE_32B = 1,
	DSA_SWIZZLE_64B = 2,
	DSA_SWIZZLE_128B = 3,
};

#define DSA_X_DESC_ALIGN 8  /* bytes, of all that an operation is described by */
#define DSA_TENSOR_ALIGN 16 /* bytes, of a box or copy in the scratchpad */

/*
 * A tensor operation, as DSA_X_TENSOR_START reads it, once. With
 * DSA_TENSOR_BULK it moves @bytes bytes at VA @global without a map, else the
 * box of the map at @global at @coord. Loads deliver their bytes, those filled
 * in included, to @mbar; stores need none.
 *
 * With DSA_TENSOR_MULTICAST a load goes to the same place in the scratchpad of
 * every program whose rank is a bit of @ranks, and delivers its bytes to the
 * mbarrier at the same place in each.
 *
 * With DSA_TENSOR_ROWS the last dimension's elements are those that the list at
 * @rows names, @bytes / 4 int32_t, in order: a gather, a scatter, or a scatter
 * that adds. Numbers outside the tensor, like -1, are elements outside.
 *
 * Of an im2col map, @coord is channel, position and image of the box's first
 * pixel. Positions carry: a number of pixels beyond the end of a row is in a
 * later one. @taps is which element of the filter, dilation included.
 *
 * A bulk operation's @global may be in the cluster (DSA_CLUSTER_BASE): a copy
 * between scratchpads. A store there delivers its bytes to @mbar, if not 0.
 */
struct dsa_tensor_op {
	uint8_t op;                     /* enum dsa_tensor_opcode */
	uint8_t flags;                  /* DSA_TENSOR_BULK, _MULTICAST, _ROWS */
	uint16_t ranks;                 /* of a multicast; else zero */
	int32_t coord[DSA_TENSOR_RANK]; /* those beyond the rank, and of bulk: zero */
	uint64_t global;
	uint64_t spad;  /* address in the scratchpad */
	uint64_t mbar;  /* address in a scratchpad; 0 with stores to memory and prefetches */
	uint64_t bytes; /* of bulk, multiple of 16; of a list of rows, multiple of 4; else zero */
	union {
		uint64_t rows;                      /* VA, aligned to 4; else zero */
		uint16_t taps[DSA_TENSOR_RANK - 1]; /* of im2col, from dimension 1 on; else zero */
	};
};

enum dsa_tensor_opcode {
	DSA_TENSOR_LOAD = 0,
	DSA_TENSOR_STORE = 1,
	DSA_TENSOR_ADD = 2, /* memory = memory op scratchpad, element by element, each atomic */
	DSA_TENSOR_MIN = 3,
	DSA_TENSOR_MAX = 4,
	DSA_TENSOR_PREFETCH = 5, /* checks and translates; moves nothing */
};

#define DSA_TENSOR_BULK      0x1u
#define DSA_TENSOR_MULTICAST 0x2u
#define DSA_TENSOR_ROWS      0x4u

/*
 * DOC: Matrix operations
 *
 * D = A x B + C on tiles in the scratchpad. A is m x k, B k x n, C and D are
 * m x n. A tile is stored as rows, @pitch bytes from one to the next; with
 * DSA_MATRIX_TRANSPOSED its rows are the matrix' columns. Blocks run along the
 * stored rows.
 *
 *	A and B		sums	C
 *	both F64	F64	any floating point
 *	floating point,	F32	any floating point but F64
 *	MX, Q
 *	I8, U8, I4	I32	any integer of these
 *
 * Each sum begins with its element of C, or zero, and takes one fused
 * multiply-add per product in order of k (docs/numerics.md). It is multiplied
 * by @scale and converted to D's type: any of F64 F32 TF32 F16 BF16 F8 F6 F4
 * I32 I8 U8 I4.
 */
struct dsa_matrix_tile {
	uint64_t addr;        /* in the scratchpad, multiple of 16; C: 0 for zeros */
	uint64_t scales;      /* of MX types, a byte a block; else 0 */
	uint32_t pitch;       /* bytes */
	uint32_t scale_pitch; /* bytes; 0 without scales */
	uint8_t type;         /* enum dsa_type */
	uint8_t flags;        /* DSA_MATRIX_TRANSPOSED */
	uint16_t reserved[3]; /* zero */
};

#define DSA_MATRIX_TRANSPOSED 0x1u

struct dsa_matrix_op {
	struct dsa_matrix_tile a, b, c, d;
	uint16_t m, n, k; /* 1 .. DSA_MATRIX_MAX */
	uint8_t flags;    /* DSA_MATRIX_SATURATE, DSA_MATRIX_STOCHASTIC */
	uint8_t reserved8;
	float scale;
	uint32_t reserved32; /* zero */
	uint64_t seed;       /* of stochastic rounding; else zero */
};

#define DSA_MATRIX_MAX        256
#define DSA_MATRIX_SATURATE   0x1u /* beyond D's range: its largest value, not infinity or NaN */
#define DSA_MATRIX_STOCHASTIC 0x2u /* else to nearest, ties to even */

/*
 * DOC: Conversions
 *
 * Converts @rows x @cols elements in the scratchpad: destination element (i, j)
 * is source element (i, j) times @scale in the destination's type. From any type
 * to any: F64 F32 TF32 F16 BF16 F8 F6 F4 I32 I8 U8 I4, and the types of blocks,
 * MX, Q8_0, Q4_0. Into blocks, scales are chosen as docs/numerics.md says.
 *
 * It is as if the source were read before anything is written, so it may be
 * where the result goes. Element (i, j) takes random number i * cols + j of
 * @seed, as a result of the matrix unit does. Q8_0 and Q4_0 are never rounded
 * stochastically.
 */
struct dsa_convert_op {
	struct dsa_matrix_tile src, dst; /* never transposed */
	uint32_t rows, cols;             /* at least 1; rows and rows * cols limited */
	float scale;
	uint8_t flags;        /* DSA_CONVERT_SATURATE, DSA_CONVERT_STOCHASTIC */
	uint8_t reserved8[3]; /* zero */
	uint64_t seed;        /* of stochastic rounding; else zero */
};

#define DSA_CONVERT_ROWS       (1u << 16)
#define DSA_CONVERT_MAX        (1u << 20) /* elements */
#define DSA_CONVERT_SATURATE   DSA_MATRIX_SATURATE
#define DSA_CONVERT_STOCHASTIC DSA_MATRIX_STOCHASTIC

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
	DSA_SYS_USER = 12, /* of the launch, for its software */
	DSA_SYS_CLUSTER_RANK = 13,
	DSA_SYS_CLUSTER_SIZE = 14, /* programs */
	DSA_SYS_CLUSTER_X = 15,    /* the cluster's dimensions */
	DSA_SYS_CLUSTER_Y = 16,
	DSA_SYS_CLUSTER_Z = 17,
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
