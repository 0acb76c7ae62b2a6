/* SPDX-License-Identifier: MIT */
/* Random test cases for the reference, from the instruction table. */
#ifndef ISA_GEN_H
#define ISA_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/proto.h"
#include "rv_int.h"

struct gen {
	uint64_t rng;
	unsigned int slot; /* in the batch */
	struct isa_case *c;
	unsigned int pos; /* where the next instruction goes, in the slot */
	bool reserved;    /* an LR is open */
	uint8_t lr_size;
	bool done;   /* nothing may follow */
	bool vector; /* the reference has a vector unit */
};

uint64_t gen_rand(struct gen *g);
/* Row @row once, alone. False: no instruction of it could be made. */
bool gen_single(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int row);
/* A few random instructions. */
void gen_sequence(struct gen *g, struct isa_case *c, unsigned int slot);
/*
 * Vector instructions: row @row alone, or a few random ones; @vlenb bytes a
 * register.
 */
bool gen_vector(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int row,
		unsigned int vlenb);
void gen_vector_sequence(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int vlenb);
bool gen_is_vector(const struct rv_row *r);
/* Does the reference know it? */
bool gen_vector_supports(const struct rv_row *r);
/* One word that our decoder refuses. */
void gen_illegal(struct gen *g, struct isa_case *c, unsigned int slot);
/* Can the row be generated at all? */
bool gen_supports(const struct rv_row *r);

#endif
