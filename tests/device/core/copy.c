/* SPDX-License-Identifier: MIT */
/* Copies and fills. */
#include "harness.h"

#include <stdlib.h>

#define CMDS  0x310000
#define SPARE 0x10000000000ull

static void basic(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	for (unsigned int i = 0; i < 300000; i++)
		d->ram[0x400000 + i] = i * 7 + (i >> 8);
	cmd_copy(&c, VA_HBM + 0x500003, VA_RAM + 0x400001, 299000);
	cmd_copy(&c, VA_HBM + 0x600000, VA_HBM + 0x500003, 299000);
	cmd_copy(&c, VA_RAM + 0x800005, VA_HBM + 0x600000, 299000);
	cmd_copy(&c, VA_RAM + 0x900007, VA_RAM + 0x800005, 299000);
	cmd_fill(&c, VA_HBM + 0x700004, 100, 0x11223344, 4);
	cmd_simple(&c, DSA_CMD_FENCE);
	queue_setup(d, 33, 1);
	CHECK(run_cmds(&c, 33));
	CHECK_EQ(err_code(d, 33), 0);
	CHECK(!memcmp(d->hbm + 0x500003, d->ram + 0x400001, 299000));
	CHECK(!memcmp(d->hbm + 0x600000, d->ram + 0x400001, 299000));
	CHECK(!memcmp(d->ram + 0x800005, d->ram + 0x400001, 299000));
	CHECK(!memcmp(d->ram + 0x900007, d->ram + 0x400001, 299000));
	CHECK_EQ(d->raised[34], 1);
	CHECK(d->dma_max <= 65536);
	CHECK(d->hbm_dirtied >= 2 * 299000 + 100);
	dev_free(d);
}

/*
 * A window of 256 pages, scattered over HBM and system memory; a copy of its
 * content in order is the reference.
 */
struct window {
	struct dev *d;
	uint8_t *page[256];
	uint8_t *ref;
};

#define WINDOW_SIZE (256u << 12)

static void window_make(struct window *w, struct dev *d, uint64_t *seed)
{
	unsigned int order[256];

	w->d = d;
	w->ref = malloc(WINDOW_SIZE);
	for (unsigned int i = 0; i < 256; i++) {
		unsigned int j = rnd(seed) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned int i = 0; i < 256; i++) {
		bool sys = rnd(seed) & 1;
		uint64_t off = (uint64_t)order[i] << 12;

		map(d, 1, SPARE + ((uint64_t)i << 12), sys ? RAM_DATA + off : 0x800000 + off,
		    DSA_PTE_R | DSA_PTE_W | (sys ? DSA_PTE_SYS : 0), 0);
		w->page[i] = sys ? (uint8_t *)ram_at(d, RAM_DATA + off) : d->hbm + 0x800000 + off;
		for (unsigned int k = 0; k < 4096; k++)
			w->page[i][k] = w->ref[(i << 12) + k] = rnd(seed);
	}
}

static bool window_same(const struct window *w)
{
	for (unsigned int i = 0; i < 256; i++)
		if (memcmp(w->page[i], w->ref + (i << 12), 4096))
			return false;
	return true;
}

static void random_copy(struct window *w, struct cmds *c, uint64_t *seed)
{
	uint64_t len = rnd(seed) % (rnd(seed) % 4 ? 9000 : WINDOW_SIZE / 2);
	uint64_t dst = rnd(seed) % (WINDOW_SIZE - len), src = rnd(seed) % (WINDOW_SIZE - len);

	if (dst > src && dst < src + len)
		dst = src;
	cmd_copy(c, SPARE + dst, SPARE + src, len);
	memmove(w->ref + dst, w->ref + src, len);
}

static void random_copy_2d(struct window *w, struct cmds *c, uint64_t *seed)
{
	uint64_t half = WINDOW_SIZE / 2;
	uint64_t width = rnd(seed) % 5000, height = rnd(seed) % 30;
	uint64_t dp = width + rnd(seed) % 6000, sp = width + rnd(seed) % 6000;
	uint64_t dst = half + rnd(seed) % (half - 30 * 11000),
		 src = rnd(seed) % (half - 30 * 11000);

	cmd_copy_2d(c, SPARE + dst, SPARE + src, dp, sp, width, height);
	for (uint64_t r = 0; r < height; r++)
		memcpy(w->ref + dst + r * dp, w->ref + src + r * sp, width);
}

static void random_fill(struct window *w, struct cmds *c, uint64_t *seed)
{
	uint32_t size = 1u << rnd(seed) % 4;
	uint64_t len = rnd(seed) % 20000 / size * size;
	uint64_t dst = rnd(seed) % (WINDOW_SIZE - len) / size * size;
	uint64_t pattern = rnd(seed);

	cmd_fill(c, SPARE + dst, len, pattern, size);
	for (uint64_t i = 0; i < len; i++)
		w->ref[dst + i] = pattern >> i % size * 8;
}

static void random_ops(void)
{
	struct dev *d = dev_new(0);
	struct window w;
	uint64_t seed = 1;

	window_make(&w, d, &seed);
	queue_setup(d, 33, 1);
	for (unsigned int i = 0; i < 150 && !test_failed; i++) {
		struct cmds c = cmds_at(d, CMDS);

		for (unsigned int n = rnd(&seed) % 5; n--;) {
			switch (rnd(&seed) % 3) {
			case 0:
				random_copy(&w, &c, &seed);
				break;
			case 1:
				random_copy_2d(&w, &c, &seed);
				break;
			default:
				random_fill(&w, &c, &seed);
			}
		}
		CHECK(run_cmds(&c, 33));
		CHECK(window_same(&w));
		if (test_failed)
			printf("# in round %u\n", i);
	}
	CHECK(d->dma_max <= 65536);
	free(w.ref);
	dev_free(d);
}

static uint32_t one(const void *cmd, size_t size)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);
	uint32_t code;

	cmd_raw(&c, cmd, size);
	queue_setup(d, 33, 1);
	run_cmds(&c, 33);
	code = err_code(d, 33);
	dev_free(d);
	return code;
}

static void arguments(void)
{
	struct dsa_cmd_copy copy = {
		{ DSA_CMD_COPY, sizeof(copy), 0 }, VA_HBM + 0x500000, VA_HBM, 64
	};
	struct dsa_cmd_copy_2d c2 = {
		{ DSA_CMD_COPY_2D, sizeof(c2), 0 }, VA_HBM + 0x500000, VA_HBM, 64, 64, 32, 4
	};
	struct dsa_cmd_fill fill = {
		{ DSA_CMD_FILL, sizeof(fill), 0 }, VA_HBM + 0x500000, 64, 1, 4, 0
	};

#define IS(v, change, code)                           \
	do {                                          \
		__typeof__(v) v_ = v;                 \
		change;                               \
		CHECK_EQ(one(&v_, sizeof(v_)), code); \
	} while (0)
	IS(copy, (v_.bytes = 0, v_.src = v_.dst = -1ull), 0);
	IS(copy, v_.bytes = -1ull, DSA_ERR_MMU_RANGE);
	IS(copy, v_.bytes = 1ull << 48, DSA_ERR_MMU_RANGE);
	IS(copy, v_.bytes = (1ull << 48) - VA_HBM - 0x500000 + 1, DSA_ERR_MMU_RANGE);
	IS(copy, v_.dst = VA_HBM + 63, DSA_ERR_BAD_ARGUMENT);
	IS(copy, v_.dst = VA_HBM + 64, 0);
	IS(copy, v_.dst = VA_HBM, 0);
	IS(c2, (v_.height = 0, v_.src = -1ull), 0);
	IS(c2, (v_.width = 0, v_.src = -1ull), 0);
	IS(c2, v_.dst_pitch = 31, DSA_ERR_BAD_ARGUMENT);
	IS(c2, v_.src_pitch = 31, DSA_ERR_BAD_ARGUMENT);
	IS(c2, (v_.src_pitch = v_.dst_pitch = 0, v_.height = 1), 0);
	IS(c2, v_.dst_pitch = -1ull, DSA_ERR_BAD_ARGUMENT);
	IS(c2, v_.src_pitch = 1ull << 62, DSA_ERR_MMU_RANGE);
	IS(c2, (v_.height = 1ull << 60), DSA_ERR_BAD_ARGUMENT);
	IS(c2, (v_.height = 1ull << 45), DSA_ERR_MMU_RANGE);
	IS(c2, (v_.height = 1, v_.width = -1ull), DSA_ERR_MMU_RANGE);
	IS(fill, v_.pattern_size = 0, DSA_ERR_BAD_ARGUMENT);
	IS(fill, v_.pattern_size = 3, DSA_ERR_BAD_ARGUMENT);
	IS(fill, v_.pattern_size = 16, DSA_ERR_BAD_ARGUMENT);
	IS(fill, v_.dst += 2, DSA_ERR_BAD_ARGUMENT);
	IS(fill, v_.bytes = 62, DSA_ERR_BAD_ARGUMENT);
	IS(fill, v_.reserved = 1, DSA_ERR_BAD_PACKET);
	IS(fill, v_.bytes = -4ull, DSA_ERR_MMU_RANGE);
	IS(fill, (v_.bytes = 0, v_.dst = -4ull), 0);
}

/* What lies before the fault is done; the record names the first byte that failed. */
static void fault_midway(void)
{
	struct dev *d = dev_new(0);
	struct cmds c = cmds_at(d, CMDS);

	for (unsigned int i = 0; i < 3; i++)
		map(d, 1, SPARE + i * 0x1000, 0x800000 + i * 0x1000, DSA_PTE_R | DSA_PTE_W, 0);
	memset(d->hbm + 0x900000, 0x42, 0x4000);
	cmd_copy(&c, SPARE + 0x10, VA_HBM + 0x900000, 0x4000);
	queue_setup(d, 33, 1);
	CHECK(!run_cmds(&c, 33));
	CHECK_EQ(err_code(d, 33), DSA_ERR_MMU_UNMAPPED);
	CHECK_EQ(rd64(d, DSA_QREG(33, DSA_Q_ERR_ADDR)), SPARE + 0x3000);
	CHECK_EQ(rd32(d, DSA_QREG(33, DSA_Q_ERR_ACCESS)), DSA_ACCESS_WRITE);
	CHECK_EQ(rd32(d, DSA_QREG(33, DSA_Q_ERR_OPCODE)), DSA_CMD_COPY);
	CHECK_EQ(rd64(d, DSA_QREG(33, DSA_Q_ERR_JOB_ID)), d->job);
	CHECK_EQ(d->hbm[0x800010], 0x42);
	CHECK_EQ(d->hbm[0x802fff], 0x42);
	CHECK_EQ(d->hbm[0x803000], 0);
	dev_free(d);
}

/* System memory that stops to answer, after any number of accesses. */
static void dma_fails(void)
{
	for (unsigned int n = 1; n < 30; n++) {
		struct dev *d = dev_new(0);
		struct cmds c = cmds_at(d, CMDS);

		/* Backwards, so that every page is an access of its own. */
		for (unsigned int i = 0; i < 16; i++)
			map(d, 1, SPARE + i * 0x1000, RAM_BASE + 0x500000 - i * 0x1000,
			    DSA_PTE_R | DSA_PTE_SYS, 0);
		cmd_copy(&c, VA_RAM + 0x400000, SPARE, 0x10000);
		queue_setup(d, 33, 1);
		d->fail_after = n;
		CHECK(!run_cmds(&c, 33));
		CHECK_EQ(err_code(d, 33), n == 1 ? DSA_ERR_RING_READ : DSA_ERR_BUS);
		CHECK_EQ(rd32(d, DSA_QREG(33, DSA_Q_STATE)), DSA_QSTATE_ERROR);
		dev_free(d);
		if (test_failed)
			break;
	}
}

/* One page of a long run does not answer: all before it is moved, and it is the one named. */
static void dma_fails_in_a_run(void)
{
	for (unsigned int page = 0; page < 16; page++) {
		struct dev *d = dev_new(0);
		struct cmds c = cmds_at(d, CMDS);

		memset(d->ram + 0x500000, 0x37, 0x10000);
		d->fail_start = RAM_BASE + 0x500000 + page * 0x1000 + 0x123;
		d->fail_end = d->fail_start + 1;
		cmd_copy(&c, VA_HBM + 0x500000, VA_RAM + 0x500000, 0x10000);
		queue_setup(d, 33, 1);
		CHECK(!run_cmds(&c, 33));
		CHECK_EQ(err_code(d, 33), DSA_ERR_BUS);
		CHECK_EQ(rd32(d, DSA_QREG(33, DSA_Q_ERR_ACCESS)), DSA_ACCESS_READ);
		CHECK_EQ(rd64(d, DSA_QREG(33, DSA_Q_ERR_ADDR)), VA_RAM + 0x500000 + page * 0x1000);
		if (page)
			CHECK_EQ(d->hbm[0x500000 + page * 0x1000 - 1], 0x37);
		CHECK_EQ(d->hbm[0x500000 + (page + 1) * 0x1000], 0);
		dev_free(d);
		if (test_failed)
			break;
	}
}

/* More queues than engines: all get there. */
static void share_engines(void)
{
	struct dsa_core_config cfg;
	struct dev *d;
	uint64_t fence[8], busy = 0;

	dev_config(&cfg);
	cfg.copy_engines = 1;
	d = dev_new_with(&cfg, 3);
	for (unsigned int q = 0; q < 8; q++) {
		struct cmds c = cmds_at(d, CMDS + q * 0x1000);

		cmd_copy(&c, VA_HBM + 0x1000000 + q * 0x400000, VA_RAM + 0x400000, 0x400000);
		queue_config(d, 32 + q, 1);
		wr32(d, DSA_QREG(32 + q, DSA_Q_PRIORITY), q % 4);
		queue_enable(d, 32 + q);
		fence[q] = submit_cmds(&c, 32 + q);
	}
	for (unsigned int q = 0; q < 8; q++)
		CHECK(wait_fence(d, 32 + q, fence[q]));
	for (unsigned int q = 0; q < 8; q++) {
		busy += rd64(d, DSA_QREG(32 + q, DSA_Q_BUSY_COPY));
		CHECK_EQ(rd64(d, DSA_QREG(32 + q, DSA_Q_BUSY_COPY)),
			 rd64(d, DSA_REG_BUSY_COPY) / 8);
	}
	CHECK_EQ(busy, rd64(d, DSA_REG_BUSY_COPY));
	dev_free(d);
}

const struct test copy_tests[] = { TEST(basic),         TEST(random_ops), TEST(arguments),
				   TEST(fault_midway),  TEST(dma_fails),  TEST(dma_fails_in_a_run),
				   TEST(share_engines), TESTS_END };
