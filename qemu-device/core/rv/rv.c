// SPDX-License-Identifier: GPL-2.0-or-later
/* Life of a hart, and rv_run(). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fpenv.h"
#include "rv_int.h"
#include "vec.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "guest memory is used in place");
_Static_assert(sizeof(void *) == 8, "64-bit host");

static pthread_once_t decode_once = PTHREAD_ONCE_INIT;

static bool host_has_fma(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi2");
#else
	return false;
#endif
}

/* The vector loops for the same kind of host as the executor. */
static const struct rv_vloops *best_loops(const struct rv_hart *h)
{
	if (h->exec == rv_exec_base)
		return &rv_vloops_base;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("f16c"))
		return &rv_vloops_avx512;
	if (__builtin_cpu_supports("f16c"))
		return &rv_vloops_avx2;
#endif
	return &rv_vloops_base;
}

void rv_use_exec(struct rv_hart *h, enum rv_exit (*exec)(struct rv_hart *h))
{
	h->exec = exec;
	h->labels = NULL;
	h->vloops = best_loops(h);
	exec(h); /* fills in labels */
	h->arena_used = 1;
	rv_flush_tlb(h);
}

bool rv_hart_init(struct rv_hart *h, const struct rv_config *cfg)
{
	pthread_once(&decode_once, rv_decode_init);
	memset(h, 0, sizeof(*h));
	if (cfg->spad_size & 15 || cfg->vlen < RV_VLEN_MIN || cfg->vlen > RV_VLEN_MAX ||
	    (cfg->vlen & (cfg->vlen - 1)) || cfg->lane_bits < 64 ||
	    (cfg->lane_bits & (cfg->lane_bits - 1)))
		return false;
	h->cfg = *cfg;
	h->spad = cfg->spad;
	h->spad_va = cfg->spad_va;
	h->spad_lim = cfg->spad_size >= 8 ? cfg->spad_size - 7 : 0;
	h->arena = aligned_alloc(64, RV_ARENA_SIZE);
	/* Largest block; see finish() in block.c. */
	h->step = malloc(sizeof(struct rv_block) +
			 RV_BLOCK_SLOTS * (sizeof(struct rv_op) + sizeof(struct rv_opinfo)));
	h->vlenb = cfg->vlen / 8;
	h->lane_shift = (uint32_t)__builtin_ctz(cfg->lane_bits);
	h->v = aligned_alloc(64, (size_t)32 * h->vlenb);
	h->vscratch = aligned_alloc(64, (size_t)RV_VS_COUNT * 16 * h->vlenb);
	if (!h->arena || !h->step || !h->v || !h->vscratch) {
		rv_hart_fini(h);
		return false;
	}
	memset(h->v, 0, (size_t)32 * h->vlenb);
	memset(h->vscratch, 0, (size_t)RV_VS_COUNT * 16 * h->vlenb);
	h->tlb_used = true;
	rv_use_exec(h, host_has_fma() ? rv_exec_fma : rv_exec_base);
	return true;
}

void rv_hart_fini(struct rv_hart *h)
{
	free(h->arena);
	free(h->step);
	free(h->v);
	free(h->vscratch);
	h->arena = NULL;
	h->step = NULL;
	h->v = NULL;
	h->vscratch = NULL;
}

void rv_reset(struct rv_hart *h)
{
	size_t size = sizeof(h->arch);

	/* Of a size that it knows GCC makes "rep stos", which is slow to begin. */
	__asm__("" : "+r"(size));
	memset(&h->arch, 0, size);
	h->vec_insns = 0;
	h->vec_elements = 0;
	h->vec_beats = 0;
	h->vec_bytes = 0;
	memset(h->vec_moved, 0, sizeof(h->vec_moved));
	if (h->v_used)
		memset(h->v, 0, (size_t)32 * h->vlenb);
	h->v_used = false;
}

void rv_take_frm(struct rv_hart *h)
{
	if (rv_frm(h) == h->code_frm)
		return;
	h->code_frm = rv_frm(h);
	rv_flush_code(h);
}

enum rv_exit rv_run(struct rv_hart *h, uint64_t budget)
{
	enum rv_exit reason;

	if (budget > INT64_MAX / 2)
		budget = INT64_MAX / 2;
	h->arch.fcsr &= 0xff;
	h->arch.x[0] = 0;
	h->arch.pc &= ~1ull;
	rv_take_frm(h);
	rv_vsync(h);
	h->left = 0;
	h->spare = (int64_t)budget;
	h->instret_final = h->arch.instret + budget;
	if (!h->arena_used)
		h->fp_code = false;
	rv_fp_enter(h);
	reason = h->exec(h);
	rv_fp_leave(h);
	h->arch.instret = h->instret_final - (uint64_t)(h->left + h->spare);
	return reason;
}
