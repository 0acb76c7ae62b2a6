/* SPDX-License-Identifier: MIT */
#include "tensor_model.h"

const uint8_t type_size[DSA_TYPE_TENSOR_COUNT] = { 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, 1, 1 };
const uint64_t type_nan[DSA_TYPE_TENSOR_COUNT] = {
	[DSA_TYPE_F16] = 0x7e00,     [DSA_TYPE_BF16] = 0x7fc0,
	[DSA_TYPE_F32] = 0x7fc00000, [DSA_TYPE_F64] = 0x7ff8000000000000,
	[DSA_TYPE_F8E4M3] = 0x7f,    [DSA_TYPE_F8E5M2] = 0x7f,
};

uint64_t box_elems(const struct dsa_tensor_map *m)
{
	uint64_t n = 1;

	for (unsigned int d = 0; d < m->rank; d++)
		n *= m->box[d];
	return n;
}

static int64_t model_at(const struct dsa_tensor_map *m, const int32_t *coord, uint64_t n)
{
	int64_t at = 0;

	for (unsigned int d = 0; d < m->rank; d++) {
		int64_t i = coord[d] + (int64_t)(n % m->box[d]) * m->steps[d];

		n /= m->box[d];
		if (i < 0 || i >= m->dims[d])
			return -1;
		at += i * (d ? (int64_t)m->strides[d - 1] : type_size[m->type]);
	}
	return at;
}

const int64_t *model_box(const struct dsa_tensor_map *m, const int32_t *coord)
{
	static int64_t at[MODEL_ELEMS];

	for (uint64_t n = 0; n < box_elems(m); n++)
		at[n] = model_at(m, coord, n);
	return at;
}

uint64_t model_swizzle(const struct dsa_tensor_map *m, uint64_t i)
{
	static const unsigned int bits[] = { 0, 1, 2, 3 };

	for (unsigned int b = 0; b < bits[m->swizzle]; b++)
		if (i >> (7 + b) & 1)
			i ^= 1ull << (4 + b);
	return i;
}

void random_map(struct dsa_tensor_map *m, int32_t *coord, uint64_t *seed)
{
	unsigned int size;
	uint64_t span, bytes;

	memset(m, 0, sizeof(*m));
	memset(coord, 0, DSA_TENSOR_RANK * sizeof(*coord));
	m->base = VA_HBM + DATA;
	m->rank = 1 + rnd(seed) % DSA_TENSOR_RANK;
	m->type = rnd(seed) % DSA_TYPE_TENSOR_COUNT;
	m->swizzle = rnd(seed) % 4;
	m->fill = type_nan[m->type] && rnd(seed) % 2;
	size = type_size[m->type];
	m->base += rnd(seed) % 8 * size;
	span = size;
	bytes = size;
	for (unsigned int d = 0; d < m->rank; d++) {
		unsigned int most = d ? 8 : 200;

		m->dims[d] = 1 + rnd(seed) % most;
		m->steps[d] = rnd(seed) % 3 ? 1 : 1 + rnd(seed) % 3;
		m->box[d] = 1 + rnd(seed) % most;
		while (bytes * m->box[d] > MODEL_ELEMS)
			m->box[d] = (m->box[d] + 1) / 2;
		bytes *= m->box[d];
		if (d)
			m->strides[d - 1] = (span + rnd(seed) % 5 * size);
		span = d ? m->strides[d - 1] * m->dims[d] : span * m->dims[d];
		if (span > 100000)
			m->dims[d] = 1;
		coord[d] = (int32_t)(rnd(seed) % (2 * most)) - (int32_t)most / 2;
	}
}

struct dsa_tensor_op box_op(struct rig *r, unsigned int op, const struct dsa_tensor_map *m,
			    const int32_t *coord)
{
	struct dsa_tensor_op o = {
		.op = op,
		.global = VA_HBM + MAPS,
		.spad = SPAD + SPAD_BOX,
		.mbar = op == DSA_TENSOR_LOAD ? SPAD : 0,
	};

	memcpy(o.coord, coord, sizeof(o.coord));
	memcpy(r->d->hbm + MAPS, m, sizeof(*m));
	return o;
}

bool run_load(struct rig *r, const struct dsa_tensor_op *o, uint64_t bytes)
{
	rig_restart(r);
	rig_mbar_init(r);
	rig_mbar_expect(r, (uint32_t)bytes);
	rig_op(r, o);
	rig_arrive_and_wait(r, 0);
	rig_bulk(r, DSA_TENSOR_STORE, VA_HBM + OUT, SPAD + SPAD_BOX, BOX_ROOM);
	return rig_run(r);
}

bool run_store(struct rig *r, const struct dsa_tensor_op *o)
{
	rig_restart(r);
	rig_mbar_init(r);
	rig_mbar_expect(r, BOX_ROOM);
	rig_bulk(r, DSA_TENSOR_LOAD, VA_HBM + OUT, SPAD + SPAD_BOX, BOX_ROOM);
	rig_arrive_and_wait(r, 0);
	rig_op(r, o);
	emit(&r->k, X_DRAIN);
	return rig_run(r);
}

void check_load(struct rig *r, const struct dsa_tensor_map *m, const int64_t *at, uint64_t count)
{
	unsigned int size = type_size[m->type];
	const uint8_t *got = r->d->hbm + OUT, *base = r->d->hbm + (m->base - VA_HBM);
	uint64_t fill = m->fill ? type_nan[m->type] : 0;

	for (uint64_t n = 0; n < count && !test_failed; n++) {
		const void *want = at[n] < 0 ? (const void *)&fill : base + at[n];

		if (memcmp(got + model_swizzle(m, n * size), want, size))
			check_failed(__FILE__, __LINE__,
				     "element %llu of a box of rank %u, type %u",
				     (unsigned long long)n, m->rank, m->type);
	}
}

void model_store(uint8_t *mem, const uint8_t *box, const struct dsa_tensor_map *m,
		 const int64_t *at, uint64_t count)
{
	unsigned int size = type_size[m->type];

	for (uint64_t n = 0; n < count; n++)
		if (at[n] >= 0)
			memcpy(mem + at[n], box + model_swizzle(m, n * size), size);
}

static bool run_changed(struct rig *r, const struct refusal *what, struct dsa_tensor_map m,
			struct dsa_tensor_op o)
{
	if (what)
		what->change(&o, &m);
	memcpy(r->d->hbm + MAPS, &m, sizeof(m));
	rig_mbar_init(r);
	rig_op(r, &o);
	return rig_run(r);
}

void check_refusals(const struct refusal *list, size_t count, const struct dsa_tensor_map *m,
		    const struct dsa_tensor_op *o)
{
	struct rig fine = rig_new();

	CHECK(run_changed(&fine, NULL, *m, *o));
	dev_free(fine.d);
	for (size_t i = 0; i < count && !test_failed; i++) {
		struct rig r = rig_new();

		CHECK(!run_changed(&r, &list[i], *m, *o));
		if (err_code(r.d, 0) != list[i].code)
			check_failed(__FILE__, __LINE__, "case %zu: error %u, not %u", i,
				     err_code(r.d, 0), list[i].code);
		/* The start is the program's instruction 5. */
		CHECK_EQ(rd64(r.d, DSA_QREG(0, DSA_Q_ERR_PC)), VA_HBM + CODE + 5 * 4);
		dev_free(r.d);
	}
}
