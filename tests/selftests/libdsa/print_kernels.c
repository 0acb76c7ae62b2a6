/* SPDX-License-Identifier: MIT */
/* Kernels that print. */
#include <dsa/kernel.h>

#define CASE(...) dsa_printf(__VA_ARGS__)
#pragma clang diagnostic ignored "-Wformat"
#pragma clang diagnostic ignored "-Wformat-zero-length"

DSA_KERNEL(every_conversion)
{
#include "print_cases.h"
}

/* Each program prints @lines lines of its own, of varying length. */
DSA_KERNEL(chatter, (uint32_t, launch), (uint32_t, lines))
{
	static const char filler[] = "abcdefghijklmnopqrstuvwxyz";

	for (uint32_t i = 0; i < lines; i++)
		dsa_printf("%u %u %u %.*s\n", launch, (uint32_t)dsa_program_id(0), i, (int)(i % 27),
			   filler);
}

/* What dsa_printf() returned, summed: minus the records lost. */
DSA_KERNEL(count_lost, (int64_t *, sum), (uint32_t, lines))
{
	for (uint32_t i = 0; i < lines; i++)
		dsa_atomic_add(sum, (int64_t)dsa_printf("%40u\n", i));
}

DSA_KERNEL(long_string, (const char *, text), (int64_t *, result))
{
	*result = dsa_printf("%s\n", text);
}

DSA_KERNEL(not_supported)
{
	const char *volatile null = NULL;
	volatile int one = 1;

	dsa_printf("1 %d %y %d\n", one, 2, 3);
	dsa_printf("2 %s %ls %d\n", "a", L"b", 3);
	dsa_printf("3 %");
	dsa_printf("\n");
	dsa_printf(null);
	dsa_printf("4 %s %.3s|\n", null, null);
}

DSA_KERNEL(assert_less, (uint32_t, limit))
{
	uint64_t x = dsa_program_id(0), y = dsa_program_id(1);

	dsa_printf("program %u %u\n", (uint32_t)x, (uint32_t)y);
	dsa_assert(x < limit || y != 1);
}

/* Prints, then reads where there is nothing, in the middle of a call. */
DSA_KERNEL(print_bad_string, (const char *, bad))
{
	dsa_printf("before\n");
	dsa_printf("%d %s\n", 1, bad);
}

/* All print for ever, but program 0, which stops them. */
DSA_KERNEL(print_until_trap, (uint32_t, lines))
{
	uint64_t me = dsa_program_id(0);

	for (uint32_t i = 0; i < lines || me; i++)
		dsa_printf("%lu %u\n", me, i);
	dsa_trap();
}

/* @count words of @value over the print buffer, @offset bytes into it. */
DSA_KERNEL(scribble, (uint64_t, offset), (uint64_t, value), (uint32_t, count))
{
	uint64_t *words = (uint64_t *)(dsa_user() + offset);

	dsa_printf("scribble\n");
	for (uint32_t i = 0; i < count; i++)
		words[i] = value;
}

/* Prints once each time that *go comes to the next number; until @rounds. */
DSA_KERNEL(print_on_demand, (uint32_t *, go), (uint32_t *, done), (uint32_t, rounds))
{
	for (uint32_t i = 1; i <= rounds; i++) {
		while (dsa_load_acquire(go) < i)
			;
		dsa_printf("round %200u\n", i);
		dsa_store_release(done, i);
	}
}
