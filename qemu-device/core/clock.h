/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modelled time. Deterministic: it depends on the work, never on the host,
 * its load or the number of its threads.
 *
 * Units: ns of device time; cycles of the core clock. MB/s are 10^6 bytes a
 * second. Divisions round up.
 *
 * Names are those of struct dsa_cost and of dsa_core_config.
 *
 *   ring packet     ring_ns
 *   command         command_ns each, fetch and decode; NOP, FENCE,
 *                   TIMESTAMP and semaphores cost nothing else
 *   COPY, COPY_2D   copy_ns + rows * copy_row_ns (2-D)
 *                   + 2 * h * 1000 / hbm_mb_per_s    h: bytes HBM to HBM
 *                   + s * 1000 / bus_mb_per_s        s: other bytes
 *   FILL            copy_ns + h * 1000 / hbm_mb_per_s
 *                   + s * 1000 / bus_mb_per_s
 *   program         program_cycles + instructions retired + cycles waited
 *                   + for vector instructions a cycle for every vector_bits
 *                   of elements beyond the first, and what they load and
 *                   store outside the scratchpad at its share of the HBM;
 *                   not before its stores and matrix operations have completed
 *   tensor op       on the core's tensor engine, one after the other:
 *                   begins when issued, or when the one before is through;
 *                   takes its bytes' share of the HBM, hbm_mb_per_s divided by
 *                   min(cores, programs of the launch), at least
 *                   tensor_cycles; has completed hbm_latency later.
 *                   A multicast is one load. Between scratchpads of a cluster:
 *                   bytes / peer_bytes, and peer_latency later
 *   matrix op       on the core's matrix unit, which is a pipeline: begins
 *                   when issued, or when the one before has been fed in; is
 *                   fed in for m * n * k / rate, at least matrix_cycles; has
 *                   completed matrix_latency later. The rate is matrix_macs *
 *                   DSA_MACS_RATES / 32, of A's and B's the slower
 *   conversion      on the core's conversion unit, one after the other:
 *                   convert_cycles + the bytes of the source or of the
 *                   result, whichever are more, / convert_bytes; scales
 *                   included
 *   wait            until the mbarrier's phase, the matrix operations, the
 *                   conversions or the stores, have completed; until
 *                   all programs of the cluster have arrived
 *   cluster         as long as the longest of its programs
 *   LAUNCH          launch_ns + makespan of its programs, where in
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

/* No program's clock goes beyond: sums of them do not wrap. */
#define DSA_MAX_CYCLES (1ull << 56)

static inline uint64_t clock_div_up(uint64_t a, uint64_t mul, uint64_t div)
{
	unsigned __int128 n;
	uint64_t small;

	/* Nearly always, and a division of 128 bits takes long. */
	if (!__builtin_mul_overflow(a, mul, &small) &&
	    !__builtin_add_overflow(small, div - 1, &small))
		return small / div;
	n = ((unsigned __int128)a * mul + div - 1) / div;
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
