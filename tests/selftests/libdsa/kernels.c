/* SPDX-License-Identifier: MIT */
/* Kernels for the tests of libdsa. */
#include <dsa/kernel.h>

DSA_KERNEL(empty)
{
}

struct triple {
	uint8_t a;
	uint16_t b;
	uint64_t c;
};

DSA_KERNEL(echo_args, (uint64_t *, out), (uint8_t, a), (int16_t, b), (float, c), (double, d),
	   (struct triple, e), (uint64_t, f))
{
	out[0] = a;
	out[1] = (uint64_t)b;
	__builtin_memcpy(&out[2], &c, sizeof(c));
	__builtin_memcpy(&out[3], &d, sizeof(d));
	out[4] = e.a;
	out[5] = e.b;
	out[6] = e.c;
	out[7] = f;
}

#define A(n) (uint64_t, a##n)
DSA_KERNEL(sum32, A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8), A(9), A(10), A(11), A(12),
	   A(13), A(14), A(15), A(16), A(17), A(18), A(19), A(20), A(21), A(22), A(23), A(24),
	   A(25), A(26), A(27), A(28), A(29), A(30), (uint64_t *, out))
{
	*out = a0 + 2 * a1 + 3 * a2 + 4 * a3 + 5 * a4 + 6 * a5 + 7 * a6 + 8 * a7 + 9 * a8 +
	       10 * a9 + 11 * a10 + 12 * a11 + 13 * a12 + 14 * a13 + 15 * a14 + 16 * a15 +
	       17 * a16 + 18 * a17 + 19 * a18 + 20 * a19 + 21 * a20 + 22 * a21 + 23 * a22 +
	       24 * a23 + 25 * a24 + 26 * a25 + 27 * a26 + 28 * a27 + 29 * a28 + 30 * a29 +
	       31 * a30;
}

/* out[program] = its id, packed, so that each program of a 3-D grid is seen once. */
DSA_KERNEL(mark_grid, (uint64_t *, out))
{
	uint64_t x = dsa_program_id(0), y = dsa_program_id(1), z = dsa_program_id(2);
	uint64_t i = (z * dsa_grid_size(1) + y) * dsa_grid_size(0) + x;

	dsa_atomic_add(&out[i], 1 + (x | y << 16 | z << 32));
}

DSA_KERNEL(environment, (uint64_t *, out))
{
	out[0] = dsa_core_id();
	out[1] = dsa_core_count();
	out[2] = dsa_scratchpad_size();
	out[3] = dsa_clock_ns();
	out[4] = dsa_cycles();
	out[5] = (uint64_t)(uintptr_t)dsa_scratchpad();
	out[6] = dsa_program_id(3) + dsa_grid_size(3);
	for (volatile int i = 0; i < 1000; i++)
		;
	out[7] = dsa_clock_ns();
	out[8] = dsa_cycles();
}

/* Fills @words of scratchpad and reads them back. */
DSA_KERNEL(use_scratch, (uint64_t, words), (uint64_t *, bad))
{
	uint64_t *pad = dsa_scratchpad();

	for (uint64_t i = 0; i < words; i++)
		pad[i] = i * 0x9e3779b97f4a7c15ull + dsa_program_id(0);
	for (uint64_t i = 0; i < words; i++)
		if (pad[i] != i * 0x9e3779b97f4a7c15ull + dsa_program_id(0))
			dsa_atomic_add(bad, 1);
}

DSA_KERNEL(add_one, (uint64_t *, counter))
{
	dsa_atomic_add(counter, 1);
}

DSA_KERNEL(increment, (uint32_t *, data), (uint64_t, n))
{
	for (uint64_t i = dsa_program_id(0); i < n; i += dsa_grid_size(0))
		data[i]++;
}

/* out = in * 2 + 1: not the same when done twice or before its input is there. */
DSA_KERNEL(double_plus_one, (uint64_t *, value))
{
	*value = *value * 2 + 1;
}

/* Two of these on two streams meet only if both run at once. */
DSA_KERNEL(handshake, (uint64_t *, mine), (uint64_t *, theirs), (uint64_t, rounds))
{
	for (uint64_t i = 1; i <= rounds; i++) {
		dsa_store_release(mine, i);
		while (dsa_load_acquire(theirs) < i)
			;
	}
}

/* Runs until the host (or another stream) sets *flag. */
DSA_KERNEL(wait_flag, (uint32_t *, flag))
{
	while (!dsa_load_acquire(flag))
		;
}

DSA_KERNEL(store_to, (uint32_t *, address), (uint32_t, value), (uint64_t, program))
{
	if (dsa_program_id(0) == program)
		*(volatile uint32_t *)address = value;
}

DSA_KERNEL(load_from, (const uint32_t *, address), (uint32_t *, out))
{
	*out = *(const volatile uint32_t *)address;
}

DSA_KERNEL(trap_at, (uint64_t, program))
{
	if (dsa_program_id(0) == program)
		dsa_trap();
}

DSA_KERNEL(illegal)
{
	__asm__ volatile(".4byte 0xffffffff");
}

DSA_KERNEL(jump_to, (uint64_t, address))
{
	((void (*)(void))address)();
}

DSA_KERNEL(misaligned, (uint64_t *, where))
{
	__asm__ volatile("amoadd.w x0, x0, (%0)" : : "r"((char *)where + 1) : "memory");
}

static const uint32_t table[4] = { 10, 20, 30, 40 };
static uint64_t counter = 100;

/* Constants, a variable with a value, and the runtime's functions. */
DSA_KERNEL(globals, (uint64_t *, out), (uint64_t, i), (uint64_t, n))
{
	unsigned char buffer[64];
	unsigned __int128 wide = (unsigned __int128)(n + 1) << 64 | i;

	out[0] = table[i % 4];
	out[1] = counter++;
	__builtin_memset(buffer, (int)i, n);
	__builtin_memmove(buffer + 1, buffer, n - 1);
	out[2] = buffer[n - 1];
	out[3] = (uint64_t)(wide / (n + 3));
	out[4] = (uint64_t)(wide % (n + 3));
	out[5] = (uint64_t)__builtin_memcmp(buffer, buffer + 1, n - 1);
}

DSA_KERNEL_SIZED(sized, 1024 * 1024, 128 * 1024, (uint64_t *, out))
{
	*out = dsa_scratchpad_size();
}

/* out[program] = its neighbour's number, by way of scratchpads; size and rank above it. */
DSA_KERNEL_SIZED(cluster_ring, 64, 0, (uint64_t *, out))
{
	uint64_t *mine = dsa_scratchpad();
	unsigned int next = (dsa_cluster_rank() + 1) % dsa_cluster_size();
	uint64_t me = dsa_program_id(0) + dsa_grid_size(0) * dsa_program_id(1);

	*mine = me;
	dsa_cluster_sync();
	out[me] = *(uint64_t *)dsa_cluster_map(mine, next) | (uint64_t)dsa_cluster_size() << 32 |
		  (uint64_t)dsa_cluster_rank() << 40;
	dsa_cluster_sync();
}

/*
 * Sum over the grid, a cooperative one: each program's part of data comes by
 * multicast from program 0, partial sums go to its scratchpad, by copies that
 * its mbarrier counts.
 */
struct sum_pad {
	struct dsa_mbarrier data_here, parts_here;
	uint64_t data[256];
	uint64_t part[2];
	uint64_t parts[16][2];
};

DSA_KERNEL_SIZED(cluster_sum, sizeof(struct sum_pad), 0, (const uint64_t *, data),
		 (uint64_t *, out))
{
	struct sum_pad *pad = dsa_scratchpad(), *root = dsa_cluster_map(pad, 0);
	unsigned int size = dsa_cluster_size(), rank = dsa_cluster_rank();

	dsa_mbarrier_init(&pad->data_here, 1);
	dsa_mbarrier_init(&pad->parts_here, 1);
	dsa_mbarrier_expect(&pad->data_here, sizeof(pad->data));
	dsa_mbarrier_arrive(&pad->data_here);
	if (!rank)
		dsa_mbarrier_expect(&pad->parts_here, size * sizeof(pad->part));
	dsa_cluster_sync();
	if (!rank)
		dsa_copy_in_multicast((uint16_t)((1u << size) - 1), pad->data, data,
				      sizeof(pad->data), &pad->data_here);
	dsa_mbarrier_wait(&pad->data_here, 0);
	pad->part[0] = 0;
	for (unsigned int i = rank; i < 256; i += size)
		pad->part[0] += pad->data[i];
	dsa_copy_to_peer(root->parts[rank], pad->part, sizeof(pad->part), &root->parts_here);
	dsa_stores_wait();
	if (rank)
		return;
	dsa_mbarrier_arrive(&pad->parts_here);
	dsa_mbarrier_wait(&pad->parts_here, 0);
	*out = 0;
	for (unsigned int i = 0; i < size; i++)
		*out += pad->parts[i][0];
}

/* All but program @gone wait for each other. */
DSA_KERNEL(cluster_stuck, (uint64_t, gone))
{
	if (dsa_program_id(0) != gone)
		dsa_cluster_sync();
}

/* Reads the scratchpad of a rank. */
DSA_KERNEL(cluster_peek, (uint64_t, rank))
{
	*(volatile uint64_t *)dsa_cluster_map(dsa_scratchpad(), (unsigned int)rank);
}
