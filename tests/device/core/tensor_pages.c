/* SPDX-License-Identifier: MIT */
/* Boxes of tensors that lie in small pages, in HBM and in system memory by turns. */
#include <stdlib.h>

#include "tensor_model.h"

#define VA_PAGES  0x200000000ull
#define PAGES     (DATA_BYTES / DSA_PAGE_SIZE)
#define HBM_PAGES 0x2800000
#define RAM_PAGES 0x800000

/* Page @i is somewhere in its half of the memory, and no other is. */
static uint64_t page_offset(unsigned int i)
{
	return i * 77 % PAGES * DSA_PAGE_SIZE;
}

static bool page_in_ram(unsigned int i)
{
	return i % 5 == 3;
}

static uint8_t *page(struct dev *d, unsigned int i)
{
	return page_in_ram(i) ? d->ram + RAM_PAGES + page_offset(i) :
				d->hbm + HBM_PAGES + page_offset(i);
}

static void map_pages(struct dev *d)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t va = VA_PAGES + (uint64_t)i * DSA_PAGE_SIZE, off = page_offset(i);

		if (page_in_ram(i))
			map(d, 1, va, RAM_BASE + RAM_PAGES + off,
			    DSA_PTE_R | DSA_PTE_W | DSA_PTE_SYS, 0);
		else
			map(d, 1, va, HBM_PAGES + off, DSA_PTE_R | DSA_PTE_W, 0);
	}
}

static void to_pages(struct dev *d, const uint8_t *flat)
{
	for (unsigned int i = 0; i < PAGES; i++)
		memcpy(page(d, i), flat + i * DSA_PAGE_SIZE, DSA_PAGE_SIZE);
}

static bool pages_are(struct dev *d, const uint8_t *flat)
{
	for (unsigned int i = 0; i < PAGES; i++)
		if (memcmp(page(d, i), flat + i * DSA_PAGE_SIZE, DSA_PAGE_SIZE))
			return false;
	return true;
}

/* A map of random_map() and its place in the pages; now and then all of a page wide and more. */
static struct dsa_tensor_map paged_map(struct dsa_tensor_map *m, int32_t *coord, uint64_t *seed)
{
	struct dsa_tensor_map p;

	random_map(m, coord, seed);
	if (rnd(seed) % 4 == 0) {
		m->dims[0] = 5000;
		m->box[0] = 2000;
		for (unsigned int d = 1; d < m->rank; d++) {
			m->box[d] = 1;
			m->dims[d] = 1 + rnd(seed) % 2;
			m->strides[d - 1] = 5000 * 8;
		}
	}
	p = *m;
	p.base += VA_PAGES - VA_HBM - DATA;
	return p;
}

static void loads(void)
{
	struct rig r = rig_new();
	uint64_t seed = 41;

	map_pages(r.d);
	random_bytes(r.d->hbm + DATA, DATA_BYTES, &seed);
	to_pages(r.d, r.d->hbm + DATA);
	for (int i = 0; i < 300 && !test_failed; i++) {
		struct dsa_tensor_map m, p;
		int32_t coord[DSA_TENSOR_RANK];
		struct dsa_tensor_op o;

		p = paged_map(&m, coord, &seed);
		o = box_op(&r, DSA_TENSOR_LOAD, &p, coord);
		CHECK(run_load(&r, &o, box_elems(&m) * type_size[m.type]));
		check_load(&r, &m, model_box(&m, coord), box_elems(&m));
	}
	dev_free(r.d);
}

static void stores(void)
{
	struct rig r = rig_new();
	uint8_t *want = r.d->hbm + DATA;
	uint64_t seed = 42;

	map_pages(r.d);
	random_bytes(want, DATA_BYTES, &seed);
	to_pages(r.d, want);
	random_bytes(r.d->hbm + OUT, BOX_ROOM, &seed);
	for (int i = 0; i < 300 && !test_failed; i++) {
		struct dsa_tensor_map m, p;
		int32_t coord[DSA_TENSOR_RANK];
		struct dsa_tensor_op o;

		p = paged_map(&m, coord, &seed);
		o = box_op(&r, DSA_TENSOR_STORE, &p, coord);
		model_store(want + (m.base - VA_HBM - DATA), r.d->hbm + OUT, &m,
			    model_box(&m, coord), box_elems(&m));
		CHECK(run_store(&r, &o));
		CHECK(pages_are(r.d, want));
	}
	dev_free(r.d);
}

/* Adding the box twice to zeros, as U8: twice its bytes where it lies, elsewhere nothing. */
static void adds(void)
{
	struct rig r = rig_new();
	uint8_t *want = r.d->hbm + DATA;
	uint64_t seed = 43;

	map_pages(r.d);
	random_bytes(r.d->hbm + OUT, BOX_ROOM, &seed);
	for (int i = 0; i < 60 && !test_failed; i++) {
		struct dsa_tensor_map m, p;
		int32_t coord[DSA_TENSOR_RANK];
		struct dsa_tensor_op o;

		memset(want, 0, DATA_BYTES);
		to_pages(r.d, want);
		paged_map(&m, coord, &seed);
		m.type = DSA_TYPE_U8;
		m.fill = DSA_FILL_ZERO;
		p = m;
		p.base += VA_PAGES - VA_HBM - DATA;
		o = box_op(&r, DSA_TENSOR_ADD, &p, coord);
		model_store(want + (m.base - VA_HBM - DATA), r.d->hbm + OUT, &m,
			    model_box(&m, coord), box_elems(&m));
		for (unsigned int b = 0; b < DATA_BYTES; b++)
			want[b] *= 2;
		CHECK(run_store(&r, &o));
		CHECK(run_store(&r, &o));
		CHECK(pages_are(r.d, want));
	}
	dev_free(r.d);
}

/* A page is missing in the middle of a row. */
static void hole(void)
{
	struct rig r = rig_new();
	struct dsa_tensor_map m = {
		.base = VA_PAGES,
		.rank = 2,
		.type = DSA_TYPE_U8,
		.dims = { 6000, 4 },
		.strides = { 6000 },
		.box = { 4000, 4 },
		.steps = { 1, 1 },
	};
	const int32_t coord[DSA_TENSOR_RANK] = { 1000 };
	struct dsa_tensor_op o = box_op(&r, DSA_TENSOR_LOAD, &m, coord);

	map_pages(r.d);
	pte_set(pte_at(r.d, 1, VA_PAGES + 3 * DSA_PAGE_SIZE, 0, false), 0);
	CHECK(!run_load(&r, &o, 16000));
	CHECK_EQ(err_code(r.d, 0), DSA_ERR_MMU_UNMAPPED);
	/* Row 2 is from 13000 on, the page from 12288 to 16384. */
	CHECK_EQ(rd64(r.d, DSA_QREG(0, DSA_Q_ERR_ADDR)), VA_PAGES + 13000);
	dev_free(r.d);
}

const struct test tensor_pages_tests[] = { TEST(loads), TEST(stores), TEST(adds), TEST(hole),
					   TESTS_END };
