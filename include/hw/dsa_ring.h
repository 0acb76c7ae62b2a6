/* SPDX-License-Identifier: MIT */
/*
 * Kernel <-> hardware, and of user-mode queues process <-> hardware: rings.
 *
 * A ring is an array of 2^n packets of 64 bytes in system memory (bus
 * address). Head and tail are free-running 32-bit counts of packets; packet i
 * is at slot i mod 2^n. The driver writes packets, then the new tail to the
 * queue's doorbell. The device advances head once a packet is complete.
 */
#ifndef _HW_DSA_RING_H
#define _HW_DSA_RING_H

#ifdef __linux__
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint32_t __le32;
typedef uint64_t __le64;
#endif

#define DSA_RING_PACKET_SIZE 64
#define DSA_RING_MIN_LOG2    4 /* packets */
#define DSA_RING_MAX_LOG2    12

#define DSA_RING_OP_NOP  0
#define DSA_RING_OP_EXEC 1

/* After the fence write, raise the queue's vector. */
#define DSA_RING_F_IRQ (1u << 0)
/* Write the fence value. */
#define DSA_RING_F_FENCE (1u << 1)

/*
 * NOP and EXEC share a layout. EXEC runs cmd_size bytes of user commands at
 * cmd_va (8-byte aligned; size a multiple of 8, 0 allowed, at most
 * DSA_RING_MAX_CMD_BYTES) in the queue's address space. Then, for both, the
 * 64-bit fence_value goes to fence_addr (8-byte aligned bus address), then
 * the interrupt. Reserved fields are zero. In a ring of DSA_QMODE_USER the
 * fence address is a virtual address.
 */
struct dsa_ring_packet {
	__le32 op;
	__le32 flags;
	__le64 cmd_va;
	__le64 cmd_size;
	__le64 fence_addr;
	__le64 fence_value;
	__le64 job_id; /* for traces and the error record */
	__le64 reserved[2];
};

#define DSA_RING_MAX_CMD_BYTES (16u << 20)

#endif /* _HW_DSA_RING_H */
