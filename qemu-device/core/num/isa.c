/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the host's instructions to use. All choices give the same bits. */
#include "num_int.h"

static int chosen = -1; /* an enum num_isa once known; atomic */

#if defined(__x86_64__)

static bool have_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
}

static bool have_avx512(void)
{
	return have_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

enum num_isa num_isa_best(void)
{
	if (have_avx512())
		return __builtin_cpu_supports("avx512vnni") ? NUM_ISA_VNNI : NUM_ISA_AVX512;
	return have_avx2() ? NUM_ISA_AVX2 : NUM_ISA_PLAIN;
}

#else

enum num_isa num_isa_best(void)
{
	return NUM_ISA_PLAIN;
}

#endif

const char *num_isa_name(enum num_isa isa)
{
	static const char *const names[NUM_ISAS] = { "plain", "avx2", "avx512", "vnni" };

	return names[isa];
}

void num_isa_set(enum num_isa isa)
{
	__atomic_store_n(&chosen, (int)isa, __ATOMIC_RELAXED);
}

enum num_isa num_isa_get(void)
{
	int isa = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	if (isa < 0) {
		isa = num_isa_best();
		num_isa_set((enum num_isa)isa);
	}
	return (enum num_isa)isa;
}

const struct num_ops *num_ops_of(enum num_isa isa)
{
#if defined(__x86_64__)
	if (isa >= NUM_ISA_AVX512)
		return &num_ops_avx512;
	if (isa == NUM_ISA_AVX2)
		return &num_ops_avx2;
#endif
	(void)isa;
	return &num_ops_plain;
}
