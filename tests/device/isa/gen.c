// SPDX-License-Identifier: MIT
/*
 * Registers with a role in every case, never written: x2, x9 and x30 point
 * into the data area, x29 too (aligned, for atomics), x28 belongs to jumps,
 * x31 to the runner. Each slot begins with a landing for jumps from other
 * slots, which tells by its link where it landed.
 */
#include <string.h>

#include "gen.h"

#define DATA_MID (DATA_VA + DATA_SIZE / 2)

uint64_t gen_rand(struct gen *g)
{
	g->rng ^= g->rng << 13;
	g->rng ^= g->rng >> 7;
	g->rng ^= g->rng << 17;
	return g->rng * 0x2545f4914f6cdd1dull;
}

static uint64_t below(struct gen *g, uint64_t n)
{
	return (gen_rand(g) >> 16) % n;
}

static bool chance(struct gen *g, unsigned int percent)
{
	return below(g, 100) < percent;
}

static uint64_t pick_int(struct gen *g)
{
	static const uint64_t special[] = {
		0,
		1,
		2,
		UINT64_MAX,
		UINT64_MAX - 1,
		1ull << 63,
		(1ull << 63) - 1,
		1ull << 31,
		(1ull << 31) - 1,
		0xffffffff80000000ull,
		0xffffffff7fffffffull,
		0xffffffffull,
		1ull << 32,
		63,
		64,
		0x5555555555555555ull,
	};
	uint64_t r = gen_rand(g);

	switch (below(g, 4)) {
	case 0:
		return special[below(g, sizeof(special) / sizeof(special[0]))];
	case 1:
		return r >> below(g, 64);
	case 2:
		return (uint64_t)((int64_t)r >> below(g, 64));
	default:
		return r;
	}
}

static uint64_t pick_double(struct gen *g)
{
	static const uint64_t special[] = {
		0,
		0x3ff0000000000000,
		0x7ff0000000000000,
		0x7ff8000000000000,
		0x7ff0000000000001,
		0x7ff4000000000000,
		0x7fefffffffffffff,
		0x0010000000000000,
		0x000fffffffffffff,
		1,
		0x3fe0000000000000,
		0x3ff8000000000000,
		0x43e0000000000000,
		0x43f0000000000000,
		0x41e0000000000000,
		0x41dfffffffc00000,
		0x41efffffffe00000,
		0x41e00000001fffff,
		0x41e0000000200000,
		0x7ff8000000000001,
		0x36a0000000000000,
		0x3690000000000001,
		0x47efffffe0000000,
		0x47effffff0000000,
		0x380fffffffffffff,
		0x4330000000000001,
		0x4004000000000000,
		0x400c000000000000,
		0x4340000000000000,
		0x3ca0000000000000,
	};
	uint64_t sign = gen_rand(g) & (1ull << 63), r = gen_rand(g) & ~(1ull << 63);

	switch (below(g, 8)) {
	case 0:
	case 1:
	case 2:
		return sign | special[below(g, sizeof(special) / sizeof(special[0]))];
	case 3: /* moderate size, few bits: ties are likely */
		return sign | (r & 0x000ff00000000000) | (1015 + below(g, 60)) << 52;
	case 4: /* near the middle */
		return sign | (r & 0x000fffffffffffff) | (1023 - 8 + below(g, 72)) << 52;
	case 5: /* subnormal */
		return sign | (r & 0x000fffffffffffff) >> below(g, 52);
	case 6: /* edges of single precision */
		return sign | (r & 0x000fffffffffffff) | (1023 - 152 + below(g, 30)) << 52;
	default:
		return sign | r;
	}
}

static uint32_t pick_single(struct gen *g)
{
	static const uint32_t special[] = {
		0,          0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fa00000, 0x7f7fffff,
		0x00800000, 0x007fffff, 1,          0x3f000000, 0x3fc00000, 0x4f000000, 0x4f800000,
		0x5f000000, 0x5f800000, 0x4effffff, 0x4f7fffff, 0x40200000, 0x40600000, 0x4b000001,
		0x4b800000, 0x33800000, 0x7fc00001, 0x34000000,
	};
	uint32_t sign = (uint32_t)gen_rand(g) & 0x80000000, r = (uint32_t)gen_rand(g) & 0x7fffffff;

	switch (below(g, 8)) {
	case 0:
	case 1:
	case 2:
		return sign | special[below(g, sizeof(special) / sizeof(special[0]))];
	case 3:
		return sign | (r & 0x007c0000) | (uint32_t)(120 + below(g, 32)) << 23;
	case 4:
		return sign | (r & 0x007fffff) | (uint32_t)(127 - 8 + below(g, 72)) << 23;
	case 5:
		return sign | (r & 0x007fffff) >> below(g, 23);
	default:
		return sign | r;
	}
}

static uint64_t pick_float(struct gen *g)
{
	switch (below(g, 20)) {
	case 16:
	case 17:
	case 18:
	case 19:
		return 0xffffffffffff0000 | (fp_pattern(gen_rand(g), 2) & 0xffff);
	case 0:
		return pick_single(g); /* not boxed */
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
		return pick_double(g);
	default:
		return 0xffffffff00000000 | pick_single(g);
	}
}

static uint64_t slot_va(const struct gen *g)
{
	return CODE_VA + g->slot * SLOT_SIZE;
}

static uint32_t enc_j(int64_t off)
{
	uint32_t o = (uint32_t)off;

	return (o >> 20 & 1) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 |
	       (o >> 12 & 0xff) << 12;
}

static uint32_t enc_b(int64_t off)
{
	uint32_t o = (uint32_t)off;

	return (o >> 12 & 1) << 31 | (o >> 5 & 0x3f) << 25 | (o >> 1 & 0xf) << 8 |
	       (o >> 11 & 1) << 7;
}

static uint32_t enc_cj(int64_t off)
{
	uint32_t o = (uint32_t)off;

	return (o >> 11 & 1) << 12 | (o >> 4 & 1) << 11 | (o >> 8 & 3) << 9 | (o >> 10 & 1) << 8 |
	       (o >> 6 & 1) << 7 | (o >> 7 & 1) << 6 | (o >> 1 & 7) << 3 | (o >> 5 & 1) << 2;
}

static uint32_t enc_cb(int64_t off)
{
	uint32_t o = (uint32_t)off;

	return (o >> 8 & 1) << 12 | (o >> 3 & 3) << 10 | (o >> 6 & 3) << 5 | (o >> 1 & 3) << 3 |
	       (o >> 5 & 1) << 2;
}

/* Ends the case: jal x28, stub. */
static void put_exit(struct gen *g, unsigned int pos)
{
	uint32_t w = 0x6f | 28 << 7 | enc_j((int64_t)(STUB_VA - (slot_va(g) + pos)));

	memcpy(g->c->code + pos, &w, 4);
}

/* A landing that lies within @range bytes of the instruction at hand. */
static int64_t pick_landing(struct gen *g, int64_t range)
{
	int64_t here = (int64_t)(slot_va(g) + g->pos), target;
	int64_t spread = range / SLOT_SIZE;

	do {
		int64_t s = (int64_t)g->slot - spread + (int64_t)below(g, 2 * (uint64_t)spread + 1);

		if (s < 0 || s >= BATCH)
			continue;
		target = (int64_t)CODE_VA + s * SLOT_SIZE - here;
		if (target >= -range && target < range)
			return target;
	} while (true);
}

static bool is_fp_row(const struct rv_row *r)
{
	return strpbrk(r->args, "DSTR") != NULL;
}

static bool is_atomic(const struct rv_row *r)
{
	return r->fn == rv_do_amo || r->fn == rv_do_lr || r->fn == rv_do_sc;
}

static bool is_memory(const struct rv_row *r)
{
	return strchr(r->args, 'o') && r->op != RV_OP_JALR;
}

static bool data_pointer(uint8_t reg)
{
	return reg == 2 || reg == 9 || reg == 30;
}

bool gen_is_vector(const struct rv_row *r)
{
	return r->fmt == RV_FMT_V;
}

bool gen_vector_supports(const struct rv_row *r)
{
	if (r->fn == rv_do_csr)
		return true;
	return gen_is_vector(r);
}

bool gen_supports(const struct rv_row *r)
{
	return !gen_is_vector(r) && r->fn != rv_do_ecall && r->fn != rv_do_dsa_rd &&
	       r->fn != rv_do_ext;
}

static bool reads_bf16(const struct rv_row *r)
{
	return !strcmp(r->name, "fcvt.s.bf16") || !strcmp(r->name, "vfwmaccbf16.vf");
}

/*
 * Two faults of qemu-user 10.0: a BF16 that is not boxed becomes the NaN of FP16,
 * which as BF16 is a number (it should be the NaN of BF16: vec_test.c); and the
 * flags of a rounding whose result is never used are lost. So these are compared
 * alone only, the former with boxed operands.
 */
static bool only_alone(const struct rv_row *r)
{
	return reads_bf16(r) || r->fn == rv_do_fround;
}

/* Registers that an instruction reads; @size: log2 of an element's bytes, -1 of a mask. */
struct source {
	unsigned int reg, regs;
	int size;
};

static struct source source(const struct gen *g, unsigned int reg, int size)
{
	int lmul = (int)(g->c->vtype & 7) - (g->c->vtype & 4 ? 8 : 0);
	int emul = lmul + size - (int)(g->c->vtype >> 3 & 7);

	return (struct source){ reg, size < 0 || emul < 0 ? 1 : 1u << emul, size };
}

/* Of vs2; vs1 and vd have others in few rows. */
static int size_read(const struct gen *g, const struct rv_row *r)
{
	int sew = (int)(g->c->vtype >> 3 & 7);

	if (r->fn == rv_do_vmlogic || r->fn == rv_do_vmcount || r->fn == rv_do_vmset ||
	    r->fn == rv_do_viota)
		return -1;
	if (r->fn == rv_do_vindexed)
		return r->sub & 3;
	if (r->fn == rv_do_vext)
		return sew - (r->sub & 3);
	return sew + (strstr(r->name, ".w") != NULL);
}

static struct source first_source(const struct gen *g, const struct rv_insn *in)
{
	const struct rv_row *r = in->row;
	int sew = (int)(g->c->vtype >> 3 & 7);

	if (r->fn == rv_do_vcompress || r->fn == rv_do_vmlogic)
		return source(g, in->rs1, -1);
	if (r->fn == rv_do_vrgather && r->sub)
		return source(g, in->rs1, 1);
	if (strstr(r->name, ".vs")) /* a reduction: one register */
		return (struct source){ in->rs1, 1,
					sew + (r->name[1] == 'w' || r->name[2] == 'w') };
	return source(g, in->rs1, sew);
}

/* vd of a multiply-add or a store. */
static struct source third_source(const struct gen *g, const struct rv_insn *in)
{
	const struct rv_row *r = in->row;
	int sew = (int)(g->c->vtype >> 3 & 7);
	struct source s;

	if (!strchr(r->args, 'a'))
		return source(g, in->rd, sew + (r->name[1] == 'w' || r->name[2] == 'w'));
	s = source(g, in->rd, r->fn == rv_do_vindexed ? sew : (int)(r->sub & 3));
	s.regs *= (in->raw >> 29) + 1;
	return s;
}

/*
 * An encoding that reads one register with two element sizes, or as a mask and
 * as data, is reserved: the reference refuses most of those, we run them.
 */
static bool reads_two_sizes(const struct gen *g, const struct rv_insn *in)
{
	const struct rv_row *r = in->row;
	bool store = (in->raw & 0x7f) == 0x27, masked = strpbrk(r->args, "Mp");
	struct source s[4];
	unsigned int n = 0, i, k;

	if (masked && !(in->raw >> 25 & 1))
		s[n++] = source(g, 0, -1);
	if (strchr(r->args, 'y'))
		s[n++] = source(g, in->raw >> 20 & 31, size_read(g, r));
	if (strchr(r->args, 'x'))
		s[n++] = first_source(g, in);
	if (store || (strchr(r->args, 'y') && strchr("xsS", r->args[2])))
		s[n++] = third_source(g, in);
	for (i = 0; i < n; i++)
		for (k = 0; k < i; k++)
			if (s[i].size != s[k].size && s[i].reg < s[k].reg + s[k].regs &&
			    s[k].reg < s[i].reg + s[i].regs)
				return true;
	return false;
}

/* May a case contain this instruction with these operands? */
static bool acceptable(struct gen *g, const struct rv_insn *in)
{
	const struct rv_row *r = in->row;
	bool int_rd = r->args[0] == 'd' || r->op == RV_OP_JAL || r->op == RV_OP_JALR;
	static const uint32_t busy = 1u << 2 | 1u << 9 | 0xf0000000u;

	if (int_rd && (busy >> in->rd & 1) && r->fmt != RV_FMT_C16SP)
		return false;
	if (is_memory(r) && !data_pointer(in->rs1))
		return false;
	if (is_atomic(r) && in->rs1 != 29)
		return false;
	if (r->op == RV_OP_JALR && in->rs1 != 28)
		return false;
	if (r->fn == rv_do_csr && !g->vector && (in->imm < 1 || in->imm > 3))
		return false;
	if (gen_is_vector(r) && strchr(r->args, 'a') &&
	    (!data_pointer(in->rs1) || (strchr(r->args, 't') && in->rs2 != 5)))
		return false;
	if (gen_is_vector(r) && !(g->c->vtype >> 63) && reads_two_sizes(g, in))
		return false;
	if (r->fn == rv_do_sc && (!g->reserved || g->lr_size != (in->raw >> 12 & 7)))
		return false;
	return true;
}

static const uint32_t vector_csr[] = { 8, 9, 10, 15, 0xc20, 0xc21, 0xc22 };

static unsigned int lmul_regs(const struct isa_case *c)
{
	return c->vtype & 4 ? 1 : 1u << (c->vtype & 3);
}

/* Groups that are aligned more often than by chance, and pointers to data. */
static uint32_t steer_vector(struct gen *g, const struct rv_row *r, uint32_t w)
{
	uint32_t keep = ~r->mask, low = lmul_regs(g->c) - 1;

	if (chance(g, 50))
		low = (2 * low + 1) & 7;
	if (chance(g, 10))
		low = 0;
	w &= ~(((low << 7) | (strchr(r->args, 'y') ? low << 20 : 0) |
		(strchr(r->args, 'x') ? low << 15 : 0)) &
	       keep);
	if (strchr(r->args, 'a')) {
		w = (w & ~(31u << 15)) | (chance(g, 50) ? 30u : chance(g, 50) ? 9u : 2u) << 15;
		if (strchr(r->args, 't'))
			w = (w & ~(31u << 20)) | 5u << 20;
		if (r->fn == rv_do_vindexed) /* any but the first may not be aligned */
			w = (w & ~(31u << 20)) | (g->c->small_reg + (chance(g, 10) ? 1 : 0)) << 20;
	}
	/* The same register twice, now and then. */
	if (strchr(r->args, 'y') && chance(g, 10))
		w = (w & ~(31u << 7 & keep)) | (w >> 20 & 31) << 7;
	return w;
}

/* Register fields that the retries below would take too long to find. */
static uint32_t steer(struct gen *g, const struct rv_row *r, uint32_t w)
{
	if ((r->match & 3) == 3 && is_memory(r))
		w = (w & ~(31u << 15)) | (chance(g, 50) ? 30u : 9u) << 15;
	if (is_atomic(r))
		w = (w & ~(31u << 15)) | 29u << 15;
	if (r->op == RV_OP_JALR && (r->match & 3) == 3)
		w = (w & ~(31u << 15)) | 28u << 15;
	if (r->op == RV_OP_JALR && (r->match & 3) != 3)
		w = (w & ~(31u << 7)) | 28u << 7;
	if (r->fn == rv_do_csr)
		w = (w & 0x000fffff) | (uint32_t)(1 + below(g, 3)) << 20;
	if (r->fn == rv_do_csr && g->vector)
		w = (w & 0x000fffff) |
		    vector_csr[below(g, sizeof(vector_csr) / sizeof(vector_csr[0]))] << 20;
	if (gen_is_vector(r))
		w = steer_vector(g, r, w);
	/* A rounding mode that does not exist is worth a try, but not often. */
	if (r->fmt == RV_FMT_R_RM || r->fmt == RV_FMT_R4)
		if (((w >> 12 & 7) == 5 || (w >> 12 & 7) == 6) && chance(g, 90))
			w |= 7u << 12;
	return w;
}

static uint32_t aim(struct gen *g, const struct rv_row *r, uint32_t w)
{
	int64_t off;

	switch (r->fmt) {
	case RV_FMT_J:
		return (w & 0xfff) | enc_j(pick_landing(g, 1 << 20));
	case RV_FMT_B:
		return (w & 0x01fff07f) | enc_b(pick_landing(g, 1 << 12));
	case RV_FMT_CJ:
		return (w & 0xe003) | enc_cj(pick_landing(g, 1 << 11));
	case RV_FMT_CB:
		off = -(int64_t)g->pos + 4 * (int64_t)below(g, 4);
		if (off < -256)
			off = -256;
		return (w & 0xe383) | enc_cb(off);
	default:
		return w;
	}
}

static void after(struct gen *g, const struct rv_insn *in)
{
	const struct rv_row *r = in->row;

	if (r->fn == rv_do_lr) {
		g->reserved = true;
		g->lr_size = in->raw >> 12 & 7;
	}
	if (r->fn == rv_do_sc)
		g->reserved = false;
	if (r->op == RV_OP_JALR) {
		uint64_t here = slot_va(g) + g->pos, to = here + (uint64_t)pick_landing(g, 1 << 16);

		g->c->x[28] = (to | (gen_rand(g) & 1)) - (uint64_t)(int64_t)in->imm;
		g->done = true;
	}
	if (r->op == RV_OP_JAL || r->fn == rv_do_ebreak)
		g->done = true;
}

/* Appends one instruction of the row; false when none was found. */
static bool put_row(struct gen *g, const struct rv_row *r)
{
	struct rv_insn in;
	unsigned int tries;

	for (tries = 0; tries < 4000; tries++) {
		uint32_t w = r->match | ((uint32_t)gen_rand(g) & ~r->mask);

		w = aim(g, r, steer(g, r, w));
		if ((r->match & 3) != 3)
			w &= 0xffff;
		/* Decoding to another row means that this one has a reserved part. */
		if (!rv_decode(w, &in)) {
			bool bad_rm = in.row == r && in.rm != 8;

			if (!bad_rm)
				continue;
		}
		if (in.row != r || !acceptable(g, &in))
			continue;
		memcpy(g->c->code + g->pos, &w, in.len);
		after(g, &in);
		g->pos += in.len;
		return true;
	}
	return false;
}

static void begin(struct gen *g, struct isa_case *c, unsigned int slot)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	g->c = c;
	g->slot = slot;
	g->reserved = g->done = false;
	for (i = 1; i < 32; i++)
		c->x[i] = pick_int(g);
	for (i = 0; i < 32; i++)
		c->f[i] = pick_float(g);
	c->x[2] = DATA_MID + 16 * below(g, 16);
	c->x[9] = DATA_MID + below(g, 256);
	c->x[29] = DATA_MID + 8 * below(g, 32);
	c->x[30] = (DATA_MID & ~4095ull) + below(g, 16) - 8; /* pages are crossed */
	c->x[31] = CTX_VA;
	c->fcsr = below(g, 5) << 5;
	if (chance(g, 3))
		c->fcsr = below(g, 8) << 5;
	if (chance(g, 20))
		c->fcsr |= below(g, 32);
	/* ld x30, 240(x31): see enter.S */
	for (i = 0; i < CODE_OFFSET; i += 4)
		put_exit(g, i);
	memcpy(c->code + CODE_OFFSET, &(uint32_t){ 0x0f0fbf03 }, 4);
	g->pos = CODE_OFFSET + 4;
}

static void put_bf16(struct gen *g, const struct rv_row *r)
{
	for (unsigned int i = 0; i < 32 && reads_bf16(r); i++)
		g->c->f[i] = 0xffffffffffff0000 | pick_single(g) >> 16;
}

bool gen_single(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int row)
{
	const struct rv_row *r = &rv_rows[row];
	unsigned int i;
	bool made;

	begin(g, c, slot);
	/* Equal operands, now and then, for comparisons. */
	if (chance(g, 10))
		for (i = 1; i < 28; i++)
			if (i != 2 && i != 9)
				c->x[i] = c->x[1];
	put_bf16(g, r);
	if (r->fn == rv_do_sc) {
		uint32_t lr = 0x1000002f | (r->match & 0x7000) | 29u << 15 | 5u << 7;

		memcpy(c->code + g->pos, &lr, 4);
		g->pos += 4;
		g->reserved = true;
		g->lr_size = r->match >> 12 & 7;
	}
	made = put_row(g, r);
	put_exit(g, g->pos);
	return made;
}

void gen_sequence(struct gen *g, struct isa_case *c, unsigned int slot)
{
	unsigned int n = 2 + (unsigned int)below(g, 24);
	bool fp = chance(g, 30);

	begin(g, c, slot);
	if (!fp)
		c->fcsr &= 0x9f;
	while (n-- && !g->done) {
		const struct rv_row *r = &rv_rows[below(g, rv_row_count)];

		if (!gen_supports(r) || only_alone(r) || (fp && chance(g, 50) && !is_fp_row(r)))
			continue;
		/* A branch out of the case ends many of them early: keep some short of it. */
		if (strchr(r->args, 'b') && chance(g, 60))
			continue;
		put_row(g, r);
	}
	put_exit(g, g->pos);
}

static void begin_vector(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int vlenb,
			 bool fp)
{
	unsigned int sew, vlmax;
	int lmul;

	begin(g, c, slot);
	do {
		sew = fp && chance(g, 90) ? 1 + (unsigned int)below(g, 3) :
					    (unsigned int)below(g, 4);
		lmul = (int)below(g, 7) - 3;
	} while ((int)sew > lmul + 3);
	vlmax = lmul >= 0 ? vlenb << lmul >> sew : vlenb >> -lmul >> sew;
	c->vtype = (uint64_t)(lmul & 7) | sew << 3 | below(g, 4) << 6;
	c->vl = chance(g, 40) ? vlmax : below(g, vlmax + 1);
	if (chance(g, 10))
		c->vstart = below(g, vlmax + 2);
	if (chance(g, 2))
		c->vtype = 1ull << 63;
	if (c->vtype >> 63)
		c->vl = 0;
	c->vcsr = below(g, 8);
	c->vseed = gen_rand(g);
	if (fp) { /* a style that fits */
		static const uint8_t style[4] = { 0, 0, 2, 4 };

		if (chance(g, 80))
			c->vseed = (c->vseed & ~7ull) | style[sew];
	}
	c->x[5] = (uint64_t)((int64_t)below(g, 13) - 6) * (vlmax < 64 ? 8 : 1);
}

/* An index register group with offsets that stay in the data area. */
static void begin_indexed(struct gen *g, const struct rv_row *r)
{
	struct isa_case *c = g->c;
	unsigned int size = r->sub & 3, regs = 8;

	c->small_count = regs;
	c->small_reg = (uint32_t)below(g, 4) * 8;
	c->small_size = size;
	c->small_mask = size ? 0x7ff : 0xff;
}

/* Rows that no reserved encoding can be made of need not many tries. */
bool gen_vector(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int row,
		unsigned int vlenb)
{
	const struct rv_row *r = &rv_rows[row];
	bool made;

	begin_vector(g, c, slot, vlenb, strstr(r->name, "vf") || strstr(r->name, "vmf"));
	if ((r->fn == rv_do_vmvr || r->fn == rv_do_vwhole) && c->vstart)
		c->vstart = below(g, vlenb / 8);
	if (strstr(r->name, "bf16")) /* halves of single precision */
		c->vseed = (c->vseed & ~7ull) | 2;
	put_bf16(g, r);
	if (r->fn == rv_do_vmaskmem)
		c->vstart /= 8;
	if (r->fn == rv_do_vindexed)
		begin_indexed(g, r);
	if (r->fn == rv_do_vset && chance(g, 90)) {
		unsigned int i;

		/* Types and lengths that make sense. */
		for (i = 1; i < 28; i++)
			if (i != 2 && i != 9)
				c->x[i] = chance(g, 50) ? below(g, 256) : below(g, 2 * vlenb);
	}
	if (strstr(r->name, "slide") || strstr(r->name, "gather")) {
		unsigned int i;

		for (i = 6; i < 28; i++)
			if (i != 9 && chance(g, 80))
				c->x[i] = below(g, vlenb);
		/* Indices, too. */
		c->small_count = chance(g, 70) ? 8 : 0;
		c->small_reg = (uint32_t)below(g, 4) * 8;
		c->small_size = r->sub ? 1 : (uint32_t)(c->vtype >> 3 & 3);
		c->small_mask = chance(g, 50) ? 0x3f : 0xff;
	}
	made = put_row(g, r);
	put_exit(g, g->pos);
	return made;
}

void gen_vector_sequence(struct gen *g, struct isa_case *c, unsigned int slot, unsigned int vlenb)
{
	unsigned int n = 2 + (unsigned int)below(g, 8);
	bool fp = chance(g, 40);

	begin_vector(g, c, slot, vlenb, fp);
	c->vstart = 0;
	c->fcsr = below(g, 5) << 5;
	while (n--) {
		const struct rv_row *r = &rv_rows[below(g, rv_row_count)];

		if (!gen_is_vector(r) || only_alone(r) || strchr(r->args, 'a') ||
		    r->fn == rv_do_vmvr || (r->fn == rv_do_vset && chance(g, 80)))
			continue;
		put_row(g, r);
	}
	put_exit(g, g->pos);
}

/* Not compared: system instructions and custom opcodes, which have tests of their own. */
static bool beyond_reference(uint32_t w)
{
	uint32_t opcode = w & 0x7f;

	return opcode == 0x73 || opcode == 0x0b;
}

void gen_illegal(struct gen *g, struct isa_case *c, unsigned int slot)
{
	const struct rv_row *r;
	struct rv_insn in;
	uint32_t w;

	begin(g, c, slot);
	do {
		do
			r = &rv_rows[below(g, rv_row_count)];
		while (g->vector && !gen_is_vector(r));
		w = r->match | ((uint32_t)gen_rand(g) & ~r->mask);
		switch (below(g, 4)) {
		case 0:
			w = (uint32_t)gen_rand(g);
			break;
		case 1:
			w &= 0xffff;
			break;
		default:
			w ^= 1u << below(g, 32);
			if (chance(g, 50))
				w ^= 1u << below(g, 32);
		}
	} while (rv_decode(w, &in) || beyond_reference(in.raw));
	memcpy(c->code + g->pos, &in.raw, in.len);
	g->pos += in.len;
	put_exit(g, g->pos);
}
