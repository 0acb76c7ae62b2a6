/* SPDX-License-Identifier: MIT */
#include <dsa/kernel.h>

#define VALUES 256

/*
 * Counts the bytes of one chunk. Each program counts its share in the
 * scratchpad and adds the result to its own row of @partial.
 */
DSA_KERNEL_SIZED(count_bytes, VALUES * sizeof(uint32_t), 0, (const uint8_t *, data),
		 (uint64_t, bytes), (uint64_t *, partial))
{
	uint32_t *counts = dsa_scratchpad();
	uint64_t programs = dsa_grid_size(0), me = dsa_program_id(0);
	uint64_t first = bytes * me / programs, end = bytes * (me + 1) / programs;

	for (int v = 0; v < VALUES; v++)
		counts[v] = 0;
	for (uint64_t i = first; i < end; i++)
		counts[data[i]]++;
	for (int v = 0; v < VALUES; v++)
		partial[me * VALUES + v] += counts[v];
}

/* Adds up the rows: one program per byte value. */
DSA_KERNEL(merge_counts, (const uint64_t *, partial), (uint64_t, rows), (uint64_t *, total))
{
	uint64_t value = dsa_program_id(0), sum = 0;

	for (uint64_t row = 0; row < rows; row++)
		sum += partial[row * VALUES + value];
	total[value] = sum;
}
