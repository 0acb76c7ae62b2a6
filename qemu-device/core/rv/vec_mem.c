// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Vector loads and stores. Unit-stride ones move runs of memory that are in
 * one piece on the host; others look up each element, in the run of the one
 * before if they can. A fault leaves the number of its element in vstart, all
 * elements before it done and nothing of it written (of segments, perhaps the
 * first fields).
 */
#include <string.h>

#include "vec.h"

/* One load or store: @n elements from vstart, of 1 << @size bytes, @nf fields. */
struct access {
	struct rv_hart *h;
	uint64_t base;
	uint64_t start, n;
	const uint8_t *m;          /* a byte an element, from element 0; NULL: not masked */
	unsigned int vd, nf, regs; /* registers of a field */
	int size;
	bool store;
	bool other;        /* some of it is where there is no host pointer */
	struct rv_run run; /* where the latest element was */
};

static enum rv_access kind(const struct access *a)
{
	return a->store ? RV_WRITE : RV_READ;
}

/* Host pointer if there is one and [va, va + size) is in one run, else NULL. */
static inline uint8_t *within(const struct rv_run *r, uint64_t va, uint64_t size)
{
	uint64_t off = va - r->va;

	return r->host && off < r->size && r->size - off >= size ? r->host + off : NULL;
}

static inline uint8_t *field(const struct access *a, unsigned int f)
{
	return rv_vreg(a->h, a->vd + f * a->regs);
}

static bool one_slow(struct access *a, uint64_t va, uint8_t *reg, uint64_t i)
{
	uint64_t v;

	a->other |= !a->run.host;
	if (a->store)
		return rv_store_slow(a->h, va, 1u << a->size, rv_vget(reg, i, a->size));
	if (!rv_load_slow(a->h, va, 1u << a->size, &v))
		return false;
	rv_vput(reg, i, a->size, v);
	return true;
}

static inline void move_one(uint8_t *p, uint8_t *reg, uint64_t i, int size, bool store)
{
	switch (size) {
	case 0:
		if (store)
			RV_HOST_STORE(rv_u8, p, reg[i]);
		else
			reg[i] = RV_HOST_LOAD(rv_u8, p);
		break;
	case 1:
		if (store)
			RV_HOST_STORE(rv_u16, p, ((rv_u16 *)reg)[i]);
		else
			((rv_u16 *)reg)[i] = RV_HOST_LOAD(rv_u16, p);
		break;
	case 2:
		if (store)
			RV_HOST_STORE(rv_u32, p, ((rv_u32 *)reg)[i]);
		else
			((rv_u32 *)reg)[i] = RV_HOST_LOAD(rv_u32, p);
		break;
	default:
		if (store)
			RV_HOST_STORE(rv_u64, p, ((rv_u64 *)reg)[i]);
		else
			((rv_u64 *)reg)[i] = RV_HOST_LOAD(rv_u64, p);
	}
}

/* Element @i of one field. */
static bool one(struct access *a, uint64_t va, uint8_t *reg, uint64_t i)
{
	uint64_t size = 1ull << a->size;
	uint8_t *p = within(&a->run, va, size);

	if (RV_UNLIKELY(!p)) {
		if (!rv_find_run(a->h, va, kind(a), &a->run))
			return false;
		p = within(&a->run, va, size);
		if (!p) {
			a->run.size = 0;
			return one_slow(a, va, reg, i);
		}
	}
	move_one(p, reg, i, a->size, a->store);
	return true;
}

/* All fields of element @i, which begin at @va. */
static bool segment(struct access *a, uint64_t va, uint64_t i)
{
	unsigned int f;

	for (f = 0; f < a->nf; f++)
		if (!one(a, va + ((uint64_t)f << a->size), field(a, f), i))
			return false;
	return true;
}

/* Elements that are masked off count, too; the first one's place is that of all. */
static enum rv_step finish(struct access *a, uint64_t done, uint64_t first)
{
	uint64_t bytes = (a->n - a->start) * a->nf << a->size;

	if (done < a->n) {
		a->h->arch.vstart = done;
		return RV_STEP_FAULT;
	}
	if (a->n > a->start && first < a->h->cfg.memory_end) {
		a->h->vec_bytes += bytes;
		a->h->vec_moved[2 * a->other + a->store] += bytes;
	}
	return rv_vdone(a->h);
}

/* ---- unit stride ---- */

/* Elements of a segment side by side in memory, apart in registers. */
#define SHUFFLE(T)                                                \
	for (f = 0; f < a->nf; f++) {                             \
		T *reg = (T *)field(a, f) + i, *mem = (T *)p + f; \
		size_t step = a->nf, k;                           \
		if (a->store)                                     \
			for (k = 0; k < count; k++)               \
				mem[k * step] = reg[k];           \
		else                                              \
			for (k = 0; k < count; k++)               \
				reg[k] = mem[k * step];           \
	}

static void move_segments(struct access *a, uint8_t *p, uint64_t i, uint64_t count)
{
	unsigned int f;

	switch (a->size) {
	case 0:
		SHUFFLE(rv_u8)
		break;
	case 1:
		SHUFFLE(rv_u16)
		break;
	case 2:
		SHUFFLE(rv_u32)
		break;
	default:
		SHUFFLE(rv_u64)
	}
}

static void move_masked(struct access *a, uint8_t *p, uint64_t i, uint64_t count)
{
	uint8_t *reg = field(a, 0) + (i << a->size);
	struct rv_vargs x = {
		.d = a->store ? p : reg, .a = a->store ? reg : p, .m = a->m + i, .count = count
	};

	if (a->store)
		a->h->vloops->store[a->size](&x);
	else
		a->h->vloops->blend[a->size](&x);
}

/* @count whole elements at host address @p. */
static void move_run(struct access *a, uint8_t *p, uint64_t i, uint64_t count)
{
	uint64_t k, f;

	if (a->nf == 1 && a->m) {
		move_masked(a, p, i, count);
	} else if (a->nf == 1) {
		uint8_t *reg = field(a, 0) + (i << a->size);

		a->h->vloops->copy(a->store ? p : reg, a->store ? reg : p, count << a->size);
	} else if (!a->m) {
		move_segments(a, p, i, count);
	} else {
		for (k = i; k < i + count; k++)
			for (f = 0; a->m[k] && f < a->nf; f++)
				move_one(p + (((k - i) * a->nf + f) << a->size),
					 field(a, (unsigned int)f), k, a->size, a->store);
	}
}

/* All of it in the scratchpad, or in the range where the register's last access was? */
static inline uint8_t *known_place(struct rv_hart *h, unsigned int vd, uint64_t va, uint64_t size,
				   bool store)
{
	const struct rv_range *r = &h->ranges[h->range_hint[vd]];
	uint64_t off = va - r->va;

	if (va - h->spad_va < h->cfg.spad_size)
		return h->cfg.spad_size - (va - h->spad_va) >= size ? h->spad + (va - h->spad_va) :
								      NULL;
	if (off >= r->size || r->size - off < size || !(r->perm & (store ? RV_WRITE : RV_READ)) ||
	    !r->host)
		return NULL;
	return r->host + off;
}

/* Unmasked, one field: one copy, if it is all in one known place. */
static inline bool unit_fast(struct access *a)
{
	uint64_t skip = a->start << a->size;
	uint8_t *p, *reg;

	if (a->nf > 1 || a->m || a->start >= a->n)
		return false;
	p = known_place(a->h, a->vd, a->base + skip, (a->n << a->size) - skip, a->store);
	if (!p)
		return false;
	reg = field(a, 0) + skip;
	a->h->vloops->copy(a->store ? p : reg, a->store ? reg : p, (a->n << a->size) - skip);
	return true;
}

/* Returns how many elements of [start, n) are done, counted from 0; n: all. */
static uint64_t unit_stride(struct access *a)
{
	uint64_t bytes = (uint64_t)a->nf << a->size, i = a->start;

	if (unit_fast(a))
		return a->n;
	while (i < a->n) {
		uint64_t va = a->base + i * bytes, count;

		if (a->m && !a->m[i]) {
			i++;
			continue;
		}
		if (!rv_find_run(a->h, va, kind(a), &a->run))
			return i;
		a->h->range_hint[a->vd] = a->h->range_last;
		count = a->run.size - (va - a->run.va);
		count = a->nf == 1 ? count >> a->size : count / bytes;
		if (!a->run.host || !count) {
			/* No pointer, or an element that goes on elsewhere. */
			a->run.size = 0;
			if (!segment(a, va, i))
				return i;
			i++;
			continue;
		}
		count = count < a->n - i ? count : a->n - i;
		move_run(a, a->run.host + (va - a->run.va), i, count);
		i += count;
	}
	return i;
}

/* Elements whose size is in the instruction: emul, or -128 if it is not legal. */
static int emul_of(const struct rv_hart *h, int size)
{
	int emul = h->vlmul + size - h->vsew;

	return h->vill || !rv_vemul_ok(emul) ? -128 : emul;
}

/* Fields fit, are aligned, and do not hold the mask. */
static bool fields_ok(const struct access *a, const struct rv_vinsn *in, int emul)
{
	return rv_valigned(in->vd, emul) && a->nf * a->regs <= 8 &&
	       in->vd + a->nf * a->regs <= 32 && (a->store || rv_vmask_ok(in));
}

/* Variant: log2 of the element's bytes; nf is in the instruction. */
static struct access access_of(struct rv_hart *h, const struct rv_op *op, const struct rv_vinsn *in,
			       int emul)
{
	return (struct access){
		.h = h,
		.base = h->arch.x[op->rs1],
		.start = h->arch.vstart,
		.n = h->arch.vl,
		.m = in->vm ? NULL : rv_vmask(h),
		.vd = in->vd,
		.nf = (in->raw >> 29) + 1,
		.regs = rv_vgroup(emul),
		.size = (int)(rv_op_call(op)->sub & 3),
		.store = in->raw & 0x20,
	};
}

enum rv_step rv_do_vunit(struct rv_hart *h, const struct rv_op *op)
{
	int emul = emul_of(h, rv_op_call(op)->sub & 3);
	struct rv_vinsn in = rv_vinsn(op);
	struct access a;

	if (emul == -128)
		return rv_villegal(h);
	a = access_of(h, op, &in, emul);
	if (!fields_ok(&a, &in, emul))
		return rv_villegal(h);
	return finish(&a, unit_stride(&a), a.base);
}

/* Fault-only-first: only element 0 may fault; before others vl ends. */
enum rv_step rv_do_vff(struct rv_hart *h, const struct rv_op *op)
{
	int emul = emul_of(h, rv_op_call(op)->sub & 3);
	struct rv_vinsn in = rv_vinsn(op);
	struct access a;
	uint64_t done;

	if (emul == -128)
		return rv_villegal(h);
	a = access_of(h, op, &in, emul);
	if (!fields_ok(&a, &in, emul))
		return rv_villegal(h);
	done = unit_stride(&a);
	if (done < a.n && done > 0)
		h->arch.vl = a.n = done;
	return finish(&a, done, a.base);
}

/* Whole registers: whatever vtype says. */
enum rv_step rv_do_vwhole(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	struct access a = {
		.h = h,
		.base = h->arch.x[op->rs1],
		.start = h->arch.vstart,
		.vd = in.vd,
		.nf = 1,
		.size = (int)(rv_op_call(op)->sub & 3),
		.store = in.raw & 0x20,
	};
	unsigned int regs = (in.raw >> 29) + 1;

	if (in.vd & (regs - 1))
		return rv_villegal(h);
	h->v_used = true;
	a.n = (uint64_t)regs * h->vlenb >> a.size;
	return finish(&a, unit_stride(&a), a.base);
}

/* vlm, vsm */
enum rv_step rv_do_vmaskmem(struct rv_hart *h, const struct rv_op *op)
{
	struct rv_vinsn in = rv_vinsn(op);
	struct access a = {
		.h = h,
		.base = h->arch.x[op->rs1],
		.start = h->arch.vstart,
		.n = (h->arch.vl + 7) / 8,
		.vd = in.vd,
		.nf = 1,
		.store = in.raw & 0x20,
	};

	if (h->vill)
		return rv_villegal(h);
	return finish(&a, unit_stride(&a), a.base);
}

/* ---- strided and indexed ---- */

#define STRIDED(T)                                                                            \
	{                                                                                     \
		T *reg = (T *)field(a, 0);                                                    \
		if (a->store)                                                                 \
			for (i = a->start; i < a->n; i++)                                     \
				RV_HOST_STORE(T, p + (int64_t)(i - a->start) * step, reg[i]); \
		else                                                                          \
			for (i = a->start; i < a->n; i++)                                     \
				reg[i] = RV_HOST_LOAD(T, p + (int64_t)(i - a->start) * step); \
	}

/* All of it in one run? Then without a look at each element. */
static bool strided_fast(struct access *a, uint64_t stride)
{
	uint64_t first = a->base + a->start * stride, last = a->base + (a->n - 1) * stride, i;
	uint64_t span = (int64_t)stride < 0 ? first - last : last - first;
	int64_t step = (int64_t)stride;
	uint8_t *p;

	if (a->nf > 1 || a->m || a->n <= a->start || span >> 40 ||
	    (step < 0 ? -stride : stride) >> 24)
		return false;
	if (!rv_find_run(a->h, first, kind(a), &a->run)) {
		a->run.size = 0;
		return false;
	}
	if (!within(&a->run, first, 1ull << a->size) || !within(&a->run, last, 1ull << a->size))
		return false;
	p = a->run.host + (first - a->run.va);
	switch (a->size) {
	case 0:
		STRIDED(rv_u8)
		break;
	case 1:
		STRIDED(rv_u16)
		break;
	case 2:
		STRIDED(rv_u32)
		break;
	default:
		STRIDED(rv_u64)
	}
	return true;
}

enum rv_step rv_do_vstrided(struct rv_hart *h, const struct rv_op *op)
{
	int emul = emul_of(h, rv_op_call(op)->sub & 3);
	struct rv_vinsn in = rv_vinsn(op);
	uint64_t stride = h->arch.x[op->rs2], i;
	struct access a;

	if (emul == -128)
		return rv_villegal(h);
	a = access_of(h, op, &in, emul);
	if (!fields_ok(&a, &in, emul))
		return rv_villegal(h);
	if (stride == (uint64_t)a.nf << a.size)
		return finish(&a, unit_stride(&a), a.base);
	if (strided_fast(&a, stride))
		return finish(&a, a.n, a.base);
	for (i = a.start; i < a.n; i++)
		if ((!a.m || a.m[i]) && !segment(&a, a.base + i * stride, i))
			break;
	return finish(&a, i, a.base);
}

/* Variant: log2 of the index's bytes. Elements are of vtype's size. */
static bool indexed_ok(struct access *a, const struct rv_vinsn *in, int index, int iemul)
{
	struct rv_hart *h = a->h;

	if (!rv_valigned(in->vs2, iemul) || !fields_ok(a, in, h->vlmul))
		return false;
	if (a->store)
		return true;
	if (a->nf > 1)
		return !rv_voverlap(in->vd, a->nf * a->regs, in->vs2, rv_vgroup(iemul));
	return rv_vshare_ok(in->vd, h->vsew, h->vlmul, in->vs2, index, iemul);
}

enum rv_step rv_do_vindexed(struct rv_hart *h, const struct rv_op *op)
{
	int index = rv_op_call(op)->sub & 3, iemul = emul_of(h, index);
	struct rv_vinsn in = rv_vinsn(op);
	const uint8_t *ireg = rv_vreg(h, in.vs2);
	uint64_t first, i;
	struct access a;

	if (iemul == -128)
		return rv_villegal(h);
	a = access_of(h, op, &in, h->vlmul);
	a.size = h->vsew;
	if (!indexed_ok(&a, &in, index, iemul))
		return rv_villegal(h);
	/* A load may overwrite its indices. */
	first = a.start < a.n ? a.base + rv_vget(ireg, a.start, index) : 0;
	for (i = a.start; i < a.n; i++)
		if ((!a.m || a.m[i]) && !segment(&a, a.base + rv_vget(ireg, i, index), i))
			break;
	return finish(&a, i, first);
}
