/* SPDX-License-Identifier: MIT */
/* Executes the instructions that the test wrote down, and notes what each gave and when. */
#include <dsa/kernel.h>

struct step {
	uint64_t kind;
	uint64_t a, b;
	/* Written: the clock before and after, the instructions before, rd. */
	uint64_t before, after, instructions, rd;
	uint64_t unused;
};

struct arena {
	uint64_t relocations, relocation_count; /* offsets of words that are offsets in here */
	uint64_t steps, step_count;
	uint64_t scratch, scratch_bytes; /* its first content, then its last */
};

/*
 * Each with what must come before it. No instruction writes v0 and v24: masks
 * without an active element, indices of zero.
 */
#define INSTRUCTIONS(X)                                                                \
	X(TENSOR_START, "", ".insn r 0x2b, 0, 0, x0, %[a], x0")                        \
	X(TENSOR_DRAIN, "", ".insn r 0x2b, 0, 1, x0, x0, x0")                          \
	X(MATRIX_START, "", ".insn r 0x2b, 2, 0, x0, %[a], x0")                        \
	X(MATRIX_WAIT, "", ".insn r 0x2b, 2, 1, x0, x0, x0")                           \
	X(MATRIX_ARRIVE, "", ".insn r 0x2b, 2, 2, x0, %[a], x0")                       \
	X(CONVERT_START, "", ".insn r 0x2b, 4, 0, x0, %[a], x0")                       \
	X(CONVERT_WAIT, "", ".insn r 0x2b, 4, 1, x0, x0, x0")                          \
	X(MBAR_INIT, "", ".insn r 0x2b, 1, 0, x0, %[a], %[b]")                         \
	X(MBAR_ARRIVE, "", ".insn r 0x2b, 1, 1, %[rd], %[a], %[b]")                    \
	X(MBAR_EXPECT, "", ".insn r 0x2b, 1, 2, x0, %[a], %[b]")                       \
	X(MBAR_TEST, "", ".insn r 0x2b, 1, 3, %[rd], %[a], %[b]")                      \
	X(MBAR_WAIT, "", ".insn r 0x2b, 1, 4, x0, %[a], %[b]")                         \
	X(CLOCK_NS, "", ".insn i 0x0b, 0, %[rd], x0, 8")                               \
	X(CYCLES, "", ".insn i 0x0b, 0, %[rd], x0, 10")                                \
	X(TIME, "", "rdtime %[rd]")                                                    \
	X(NOTHING, "", "")                                                             \
	X(ADD, "", "add %[rd], %[a], %[b]")                                            \
	X(VSETVLI, "", "vsetvli %[rd], %[b], e16, m4, ta, ma")                         \
	X(VADD, "vsetvli x0, %[b], e32, m8, ta, ma", "vadd.vv v8, v8, v8")             \
	X(VWADD, "vsetvli x0, %[b], e16, m4, ta, ma", "vwadd.vv v8, v16, v16")         \
	X(VREDSUM, "vsetvli x0, %[b], e64, m8, ta, ma", "vredsum.vs v8, v8, v8")       \
	X(VMAND, "vsetvli x0, %[b], e8, m8, ta, ma", "vmand.mm v8, v8, v9")            \
	X(VMV_X_S, "vsetvli x0, %[b], e32, m8, ta, ma", "vmv.x.s %[rd], v8")           \
	X(VLE8, "vsetvli x0, %[b], e32, m8, ta, ma", "vle8.v v8, (%[a])")              \
	X(VLE64, "vsetvli x0, %[b], e32, m4, ta, ma", "vle64.v v8, (%[a])")            \
	X(VSE32, "vsetvli x0, %[b], e32, m8, ta, ma", "vse32.v v8, (%[a])")            \
	X(VMV2R, "vsetvli x0, %[b], e32, m8, ta, ma", "vmv2r.v v8, v10")               \
	X(VLSE8_STRIDE, "li t0, 100\n\tvsetvli x0, %[b], e8, m8, ta, ma",              \
	  "vlse8.v v8, (%[a]), t0")                                                    \
	X(VLUXEI16, "vsetvli x0, %[b], e16, m4, ta, ma", "vluxei16.v v8, (%[a]), v24") \
	X(VLE32FF, "vsetvli x0, %[b], e32, m8, ta, ma", "vle32ff.v v8, (%[a])")        \
	X(VLSEG2E32, "vsetvli x0, %[b], e32, m4, ta, ma", "vlseg2e32.v v8, (%[a])")    \
	X(VL2RE8, "vsetvli x0, %[b], e32, m8, ta, ma", "vl2re8.v v8, (%[a])")          \
	X(VLM, "vsetvli x0, %[b], e8, m8, ta, ma", "vlm.v v8, (%[a])")                 \
	X(VLE8_MASKED, "vsetvli x0, %[b], e8, m8, ta, ma", "vle8.v v8, (%[a]), v0.t")  \
	X(FADD_H, "", ".insn r 0x2b, 5, 0, %[rd], %[a], %[b]")                         \
	X(FADD_BF16, "", ".insn r 0x2b, 5, 1, %[rd], %[a], %[b]")                      \
	X(FADD_S, "", ".insn r 0x2b, 5, 2, %[rd], %[a], %[b]")                         \
	X(FADD_D, "", ".insn r 0x2b, 5, 3, %[rd], %[a], %[b]")                         \
	X(FMIN_H, "", ".insn r 0x2b, 5, 4, %[rd], %[a], %[b]")                         \
	X(FMIN_BF16, "", ".insn r 0x2b, 5, 5, %[rd], %[a], %[b]")                      \
	X(FMIN_S, "", ".insn r 0x2b, 5, 6, %[rd], %[a], %[b]")                         \
	X(FMIN_D, "", ".insn r 0x2b, 5, 7, %[rd], %[a], %[b]")                         \
	X(FMAX_H, "", ".insn r 0x2b, 5, 8, %[rd], %[a], %[b]")                         \
	X(FMAX_BF16, "", ".insn r 0x2b, 5, 9, %[rd], %[a], %[b]")                      \
	X(FMAX_S, "", ".insn r 0x2b, 5, 10, %[rd], %[a], %[b]")                        \
	X(FMAX_D, "", ".insn r 0x2b, 5, 11, %[rd], %[a], %[b]")

enum kind {
#define NAME(name, setup, insn) name,
	INSTRUCTIONS(NAME)
};

static void execute(struct step *s)
{
	switch (s->kind) {
#define CASE(name, setup, insn)                                                                    \
	case name:                                                                                 \
		__asm__ volatile(setup "\n\trdinstret %[i]\n\trdcycle %[t]\n\t" insn               \
				       "\n\trdcycle %[u]"                                          \
				 : [t] "=&r"(s->before), [u] "=&r"(s->after),                      \
				   [i] "=&r"(s->instructions), [rd] "=&r"(s->rd)                   \
				 : [a] "r"(s->a), [b] "r"(s->b)                                    \
				 : "memory", "t0", "v8", "v9", "v10", "v11", "v12", "v13", "v14",  \
				   "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23"); \
		break;
		INSTRUCTIONS(CASE)
	default:
		dsa_trap();
	}
}

DSA_KERNEL_SIZED(replay, 0, 16384, (uint8_t *, base))
{
	const struct arena *h = (const struct arena *)base;
	const uint64_t *relocations = (const uint64_t *)(base + h->relocations);
	struct step *steps = (struct step *)(base + h->steps);

	if (dsa_program_id(0)) /* the others are there to share the HBM */
		return;
	for (uint64_t i = 0; i < h->relocation_count; i++)
		*(uint64_t *)(base + relocations[i]) += (uint64_t)base;
	memcpy(dsa_scratchpad(), base + h->scratch, h->scratch_bytes);
	for (uint64_t i = 0; i < h->step_count; i++)
		execute(&steps[i]);
	memcpy(base + h->scratch, dsa_scratchpad(), h->scratch_bytes);
}
