/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modelled time. Deterministic: it depends on the work, never on the host,
 * its load or the number of its threads.
 *
 * Units: ns of device time; cycles of the core clock. MB/s are 10^6 bytes a
 * second. Divisions round up.
 *
 *   ring packet     DSA_T_RING_NS
 *   command         DSA_T_CMD_NS each, fetch and decode; NOP, FENCE,
 *                   TIMESTAMP and semaphores cost nothing else
 *   COPY, COPY_2D   DSA_T_COPY_NS + rows * DSA_T_ROW_NS (2-D)
 *                   + 2 * h * 1000 / hbm_mb_per_s    h: bytes HBM to HBM
 *                   + s * 1000 / bus_mb_per_s        s: other bytes
 *   FILL            DSA_T_COPY_NS + h * 1000 / hbm_mb_per_s
 *                   + s * 1000 / bus_mb_per_s
 *   program         DSA_T_PROGRAM_CYCLES + instructions retired + cycles waited
 *                   + for vector instructions a cycle for every RV_LANE_BITS
 *                   of elements beyond the first, and what they load and
 *                   store outside the scratchpad at its share of the HBM;
 *                   not before its stores have completed
 *   tensor op       on the core's tensor engine, one after the other:
 *                   begins when issued, or when the one before is through;
 *                   takes its bytes' share of the HBM, hbm_mb_per_s divided by
 *                   min(cores, programs of the launch), at least
 *                   DSA_T_TENSOR_CYCLES; has completed DSA_T_HBM_CYCLES later.
 *                   A multicast is one load. Between scratchpads of a cluster:
 *                   bytes / DSA_T_PEER_BYTES, and DSA_T_PEER_CYCLES later
 *   matrix op       on the core's matrix unit, one after the other:
 *                   DSA_T_MATRIX_CYCLES + m * n * k / rate, where the rate is
 *                   matrix_macs for F16 and BF16, twice that for 8- and 6-bit
 *                   types and four times for 4-bit ones (the wider operand
 *                   counts; Q8_0 and Q4_0 as BF16), half for TF32, a 16th for
 *                   F32, a 32nd for F64
 *   wait            until the mbarrier's phase, the matrix operations or the stores, have completed;
 *                   until all programs of the cluster have arrived
 *   cluster         as long as the longest of its programs
 *   LAUNCH          DSA_T_LAUNCH_NS + makespan of its programs, where in
 *                   order of program number each goes to the core that is
 *                   free first, all cores being free at the start. With
 *                   clusters: each cluster, in order of cluster number, to
 *                   the first free of cores / cluster size groups of cores
 *
 * A queue's clock advances by what its packets cost. A doorbell to an idle
 * queue makes its next packet start no earlier than the device time of that
 * moment: the furthest that any queue's completed packets have come. So what
 * a driver submits after it saw something complete is later on the clock too;
 * apart from that, queues do not depend on each other's progress. SEM_WAIT ends no earlier than the last
 * SEM_SIGNAL of that word. A program's clock is its launch's start plus its
 * own cycles. Queues do not slow each other down.
 */
#ifndef DSA_CORE_CLOCK_H
#define DSA_CORE_CLOCK_H

#include <stdint.h>

#define DSA_T_RING_NS        300
#define DSA_T_CMD_NS         50
#define DSA_T_COPY_NS        800
#define DSA_T_ROW_NS         2
#define DSA_T_LAUNCH_NS      1500
#define DSA_T_PROGRAM_CYCLES 32
#define DSA_T_TENSOR_CYCLES  16
#define DSA_T_HBM_CYCLES     600
#define DSA_T_MATRIX_CYCLES  32
#define DSA_T_PEER_BYTES     128 /* a cycle */
#define DSA_T_PEER_CYCLES    200

/* No program's clock goes beyond: sums of them do not wrap. */
#define DSA_MAX_CYCLES (1ull << 56)

static inline uint64_t clock_div_up(uint64_t a, uint64_t mul, uint64_t div)
{
	unsigned __int128 n = (unsigned __int128)a * mul + div - 1;

	n /= div;
	return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

static inline uint64_t clock_cycles_to_ns(uint64_t cycles, uint32_t khz)
{
	return clock_div_up(cycles, 1000000, khz);
}

static inline uint64_t clock_bytes_to_ns(uint64_t bytes, uint32_t mb_per_s)
{
	return clock_div_up(bytes, 1000, mb_per_s);
}

#endif /* DSA_CORE_CLOCK_H */
