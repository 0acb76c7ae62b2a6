/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "core_int.h"
#include "elem.h"
#include "num/num.h"

const struct elem_type elem_types[DSA_TYPE_TENSOR_COUNT] = {
	[DSA_TYPE_U8] = { 1, false, true, 0 },
	[DSA_TYPE_I8] = { 1, false, true, 0 },
	[DSA_TYPE_U16] = { 2, false, true, 0 },
	[DSA_TYPE_I16] = { 2, false, true, 0 },
	[DSA_TYPE_U32] = { 4, false, true, 0 },
	[DSA_TYPE_I32] = { 4, false, true, 0 },
	[DSA_TYPE_U64] = { 8, false, true, 0 },
	[DSA_TYPE_I64] = { 8, false, true, 0 },
	[DSA_TYPE_F16] = { 2, true, true, 0x7e00 },
	[DSA_TYPE_BF16] = { 2, true, true, 0x7fc0 },
	[DSA_TYPE_F32] = { 4, true, true, 0x7fc00000 },
	[DSA_TYPE_F64] = { 8, true, true, 0x7ff8000000000000 },
	[DSA_TYPE_F8E4M3] = { 1, true, false, 0x7f },
	[DSA_TYPE_F8E5M2] = { 1, true, false, 0x7f },
};

static uint64_t sign_extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

static uint64_t combine_int(unsigned int op, uint64_t a, uint64_t b, bool is_signed)
{
	bool less = is_signed ? (int64_t)a < (int64_t)b : a < b;

	if (op == DSA_TENSOR_ADD)
		return a + b;
	return less == (op == DSA_TENSOR_MIN) ? a : b;
}

/* As fadd, fmin and fmax of the cores do, rounding to nearest. */
static double combine_double(unsigned int op, double a, double b)
{
	if (op == DSA_TENSOR_ADD)
		return a + b;
	if (a != a || b != b)
		return a != a ? b : a;
	if (a == b)
		return signbit(a) == (op == DSA_TENSOR_MIN) ? a : b;
	return (a < b) == (op == DSA_TENSOR_MIN) ? a : b;
}

static uint64_t combine_f64(unsigned int op, uint64_t a, uint64_t b)
{
	double da, db, dr;

	memcpy(&da, &a, 8);
	memcpy(&db, &b, 8);
	dr = combine_double(op, da, db);
	memcpy(&a, &dr, 8);
	return dr != dr ? elem_types[DSA_TYPE_F64].nan : a;
}

static uint64_t combine_f32(unsigned int op, uint64_t a, uint64_t b)
{
	float fa, fb, fr;
	uint32_t w;

	memcpy(&fa, &a, 4);
	memcpy(&fb, &b, 4);
	fr = op == DSA_TENSOR_ADD ? fa + fb : (float)combine_double(op, fa, fb);
	memcpy(&w, &fr, 4);
	return fr != fr ? elem_types[DSA_TYPE_F32].nan : w;
}

/*
 * A double has more than twice the digits and two: a sum rounded to it, then to
 * the half, is the sum rounded once.
 */
static uint64_t combine_half(unsigned int op, enum num_type t, uint64_t a, uint64_t b)
{
	static const struct num_round nearest = { .mode = NUM_RNE };

	return num_encode(t, combine_double(op, num_decode(t, a), num_decode(t, b)), &nearest, 0);
}

uint64_t elem_combine(struct elem_op o, uint64_t old, uint64_t val)
{
	unsigned int size = elem_types[o.type].size;

	switch (o.type) {
	case DSA_TYPE_F16:
		return combine_half(o.op, NUM_FP16, old, val);
	case DSA_TYPE_BF16:
		return combine_half(o.op, NUM_BF16, old, val);
	case DSA_TYPE_F32:
		return combine_f32(o.op, old, val);
	case DSA_TYPE_F64:
		return combine_f64(o.op, old, val);
	case DSA_TYPE_I8:
	case DSA_TYPE_I16:
	case DSA_TYPE_I32:
	case DSA_TYPE_I64:
		old = sign_extend(old, size);
		return combine_int(o.op, old, sign_extend(val, size), true);
	default:
		return combine_int(o.op, old, val, false);
	}
}

#define UPDATE(T, o, p, val)                                                                 \
	({                                                                                   \
		T old_ = __atomic_load_n((T *)(p), __ATOMIC_RELAXED);                        \
		while (!__atomic_compare_exchange_n((T *)(p), &old_,                         \
						    (T)elem_combine((o), old_, (val)), true, \
						    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))     \
			;                                                                    \
		old_;                                                                        \
	})

uint64_t elem_update(struct elem_op o, void *p, uint64_t val)
{
	switch (elem_types[o.type].size) {
	case 1:
		return UPDATE(uint8_t, o, p, val);
	case 2:
		return UPDATE(uint16_t, o, p, val);
	case 4:
		return UPDATE(uint32_t, o, p, val);
	default:
		return UPDATE(uint64_t, o, p, val);
	}
}

/* In system memory: atomic towards the device's engines, by the bus lock. */
static uint32_t update_bus(struct elem_op o, struct dsa_mem *m, uint64_t target, uint64_t val,
			   uint64_t *old)
{
	unsigned int size = elem_types[o.type].size;
	uint64_t next;
	uint32_t err;

	*old = 0;
	if (!bus_enter(m))
		return DSA_ERR_ABORTED;
	err = mem_sys_read(m, target, old, size);
	next = elem_combine(o, *old, val);
	if (!err)
		err = mem_sys_write(m, target, &next, size);
	bus_exit(m);
	return err;
}

uint32_t elem_update_mem(struct elem_op o, struct dsa_mem *m, uint64_t va, uint64_t val,
			 uint64_t *old)
{
	struct dsa_xlat t;
	uint32_t err = mem_translate(m, va, DSA_PTE_R | DSA_PTE_W, &t);
	uint64_t target;

	if (err)
		return err;
	target = t.target + (va - t.va);
	if (t.sys)
		return update_bus(o, m, target, val, old);
	if (faulty(m->core, FAULTS_ECC))
		err = fault_ecc(m->core, target, elem_types[o.type].size);
	if (err)
		return err;
	*old = elem_update(o, m->core->cfg.hbm + target, val);
	mem_dirty(m, target, elem_types[o.type].size);
	return 0;
}
