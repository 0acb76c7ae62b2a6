// SPDX-License-Identifier: GPL-2.0-or-later
/* Where an instruction puts its result: for traces. */
#include <string.h>

#include "rv_int.h"
#include "vec.h"

int rv_dest(uint32_t insn)
{
	struct rv_insn in;

	if (!rv_decode(insn, &in))
		return -1;
	switch (in.row->args[0]) {
	case 'd':
		return in.rd;
	case 'D':
		return 32 + in.rd;
	default:
		return -1;
	}
}

bool rv_is_vector(uint32_t insn)
{
	struct rv_insn in;

	return rv_decode(insn, &in) && in.row->fmt == RV_FMT_V;
}

static bool makes_mask(const struct rv_row *r)
{
	return r->fn == rv_do_vcmp || r->fn == rv_do_vcmpc || r->fn == rv_do_vfcmp ||
	       r->fn == rv_do_vmlogic || r->fn == rv_do_vmset || r->fn == rv_do_vmaskmem;
}

/* Reductions and moves of a scalar. */
static bool makes_one(const struct rv_row *r)
{
	return r->fn == rv_do_vred || r->fn == rv_do_vwred || r->fn == rv_do_vfredsum ||
	       r->fn == rv_do_vfwredsum || r->fn == rv_do_vfredminmax || r->fn == rv_do_vmv_s_x ||
	       r->fn == rv_do_vfmv_s_f;
}

/* All whose result is wider than SEW, and only they, are called vw... or vfw... */
static bool widens(const struct rv_row *r)
{
	return !strncmp(r->name, "vw", 2) || !strncmp(r->name, "vfw", 3);
}

static unsigned int group_regs(const struct rv_hart *h, int size)
{
	int emul = h->vlmul + size - h->vsew;

	return emul > 0 ? 1u << emul : 1;
}

static void loaded(const struct rv_hart *h, const struct rv_row *r, uint32_t raw,
		   struct rv_vdest *d)
{
	if (r->fn != rv_do_vindexed)
		d->size = r->sub & 3;
	d->fields = (raw >> 29) + 1;
	d->step = group_regs(h, d->size);
}

bool rv_vector_dest(const struct rv_hart *h, uint32_t insn, struct rv_vdest *d)
{
	struct rv_insn in;
	const struct rv_row *r;

	if (!rv_decode(insn, &in) || in.row->fmt != RV_FMT_V || in.row->args[0] != 'v' ||
	    (insn & 0x7f) == 0x27)
		return false;
	r = in.row;
	*d = (struct rv_vdest){
		.reg = in.rd, .fields = 1, .step = 1, .size = h->vsew, .count = h->arch.vl
	};
	if (makes_mask(r)) {
		d->size = -1;
	} else if (r->fn == rv_do_vwhole) {
		d->size = r->sub & 3;
		d->count = (uint64_t)((insn >> 29) + 1) * h->vlenb >> d->size;
	} else if (r->fn == rv_do_vmvr) {
		d->count = (uint64_t)r->sub * h->vlenb >> d->size;
	} else if ((insn & 0x7f) == 0x07) {
		loaded(h, r, insn, d);
	} else {
		d->size += widens(r);
		if (makes_one(r))
			d->count = h->arch.vl != 0;
	}
	/* What an instruction that was illegal would have written may not exist. */
	return d->size <= 3 && d->reg + (d->fields - 1) * d->step < 32 &&
	       d->count <= (uint64_t)(32 - d->reg - (d->fields - 1) * d->step) * h->vlenb >>
		       (d->size > 0 ? d->size : 0);
}
