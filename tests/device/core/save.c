/* SPDX-License-Identifier: MIT */
/* Save and load: quiet, in the middle of everything, and with damaged streams. */
#include "harness.h"

#include <stdlib.h>

#define CODE      0x300000
#define CMDS      0x310000
#define DATA      0x400000
#define SEM       0x330000
#define COPY      0x800000
#define COPY_SIZE (4u << 20)

struct image {
	void *state;
	size_t size;
	uint8_t *ram, *hbm;
};

static struct image take(struct dev *d)
{
	struct image im;
	size_t need = dsa_core_save(d->core, NULL, 0);

	im.state = malloc(need + 16);
	memset(im.state, 0xa5, need + 16);
	CHECK_EQ(dsa_core_save(d->core, im.state, need - 1), need);
	CHECK_EQ(*(uint8_t *)im.state, 0xa5); /* too small: untouched */
	im.size = dsa_core_save(d->core, im.state, need);
	CHECK_EQ(im.size, need);
	CHECK_EQ(((uint8_t *)im.state)[need], 0xa5);
	im.ram = malloc(RAM_SIZE);
	im.hbm = malloc(HBM_SIZE);
	memcpy(im.ram, d->ram, RAM_SIZE);
	memcpy(im.hbm, d->hbm, HBM_SIZE);
	return im;
}

static void image_free(struct image *im)
{
	free(im->state);
	free(im->ram);
	free(im->hbm);
}

static struct dev *restore(const struct image *im, const struct dev *old, unsigned int threads)
{
	struct dev *d = dev_new(0);
	const char *error = NULL;

	memcpy(d->ram, im->ram, RAM_SIZE);
	memcpy(d->hbm, im->hbm, HBM_SIZE);
	memcpy(d->tail, old->tail, sizeof(d->tail));
	memcpy(d->fence, old->fence, sizeof(d->fence));
	CHECK_EQ(dsa_core_load(d->core, im->state, im->size, &error), 0);
	if (error)
		printf("# load: %s\n", error);
	dev_start(d, threads);
	return d;
}

static void quiet(void)
{
	struct dev *d = dev_new(0), *e;
	struct cmds c = cmds_at(d, CMDS);
	struct image im, again;

	cmd_fill(&c, VA_HBM + DATA, 4096, 1, 8);
	queue_setup(d, 0, 1);
	CHECK(run_cmds(&c, 0));
	queue_setup(d, 2, 1);
	doorbell(d, 2, 99);
	wr32(d, DSA_REG_SCRATCH, 0x1234);
	wr32(d, DSA_REG_INT_ENABLE, 3);
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_ALL << 16);
	im = take(d);
	e = restore(&im, d, 0);
	for (uint64_t off = 0; off < DSA_REGS_SIZE; off += 4)
		if (off != DSA_REG_POWER && off != DSA_REG_TEMPERATURE)
			CHECK_EQ(rd32(e, off), rd32(d, off));
	/* The sweep above counted bad accesses on both sides alike. */
	wr32(d, DSA_REG_SCRATCH, 0);
	wr32(e, DSA_REG_SCRATCH, 0);
	again = take(e);
	image_free(&im);
	im = take(d);
	CHECK_EQ(again.size, im.size);
	CHECK(!memcmp(again.state, im.state, im.size));
	c.d = e;
	CHECK(run_cmds(&c, 0));
	image_free(&im);
	image_free(&again);
	dev_free(d);
	dev_free(e);
}

/* Work of every kind on several queues; the sum over programs of a long loop. */
static void emit_work(struct dev *d)
{
	struct code k = code_at(d, CODE);

	emit(&k, SYSRD(T0, DSA_SYS_PID_X));
	emit(&k, ADDI(T1, T0, 50));
	emit(&k, SLLI(T1, T1, 7));
	emit(&k, SD(T0, SP, -8));
	emit(&k, 0xcd847057);            /* vsetivli x0, 8, e64, m1, ta, ma */
	emit(&k, 0x5e0042d7 | T0 << 15); /* vmv.v.x v5, t0 */
	emit(&k, ADD(T2, T2, T1));       /* loop: */
	emit(&k, ADDI(T1, T1, -1));
	emit(&k, BNE(T1, X0, -8));
	emit(&k, LD(T0, SP, -8)); /* survives in the scratchpad */
	emit(&k, ADD(T2, T2, T0));
	emit(&k, 0x3e53b2d7);           /* vslidedown.vi v5, v5, 7 */
	emit(&k, 0x42502057 | T0 << 7); /* vmv.x.s t0, v5: survives there, too */
	emit(&k, ADD(T2, T2, T0));
	emit(&k, LD(T0, SP, -8));
	emit(&k, SYSRD(S0, DSA_SYS_PID_X));
	emit(&k, ADD(T2, T2, T0));
	emit(&k, ADD(T2, T2, S0));
	emit(&k, SYSRD(T0, DSA_SYS_USER));
	emit(&k, ADD(T2, T2, T0));
	emit(&k, SLLI(S0, S0, 3));
	emit(&k, ADD(S0, S0, A0));
	emit(&k, SD(T2, S0, 8)); /* word 0 is the sum: no store may meet it */
	emit(&k, AMOADD_D(X0, T2, A0));
	emit(&k, RET);
}

static void start_work(struct dev *d)
{
	struct cmds c = cmds_at(d, CMDS);
	struct dsa_cmd_launch *launch;

	emit_work(d);
	for (unsigned int i = 0; i < COPY_SIZE; i++)
		d->ram[0x400000 + i] = i * 13 + (i >> 12);
	launch = cmd_launch(&c, VA_HBM + CODE, VA_HBM + DATA, 300, 1, 1);
	launch->counters = VA_HBM + SEM + 64;
	launch->user = 0x123456789abcdef;
	cmd_sem(&c, DSA_CMD_SEM_SIGNAL, VA_HBM + SEM, 1, 0);
	queue_setup(d, 0, 1);
	submit_cmds(&c, 0);
	c = cmds_at(d, CMDS + 0x1000);
	cmd_copy(&c, VA_HBM + COPY, VA_RAM + 0x400000, COPY_SIZE);
	cmd_copy_2d(&c, VA_HBM + COPY + COPY_SIZE, VA_HBM + COPY, 5000, 6000, 3000, 500);
	queue_setup(d, 33, 1);
	submit_cmds(&c, 33);
	c = cmds_at(d, CMDS + 0x2000);
	cmd_sem(&c, DSA_CMD_SEM_WAIT, VA_HBM + SEM, 1, 0);
	cmd_timestamp(&c, VA_HBM + SEM + 128);
	queue_setup(d, 34, 1);
	submit_cmds(&c, 34);
	submit_cmds(&c, 34);
}

static void finish_work(struct dev *d)
{
	CHECK(wait_fence(d, 0, 1));
	CHECK(wait_fence(d, 33, 1));
	CHECK(wait_fence(d, 34, 2));
	dev_run(d);
}

/* Wall-clock words differ by nature. */
static void blank_wall(struct dev *d)
{
	*(uint64_t *)(d->hbm + SEM + 136) = 0;
}

static void in_flight(void)
{
	struct dev *ref = dev_new(0);

	start_work(ref);
	finish_work(ref);
	blank_wall(ref);
	for (unsigned int steps = 0; steps < 12 && !test_failed; steps++) {
		struct dev *d = dev_new(0), *e;
		struct image im;

		start_work(d);
		/* steps small: in the middle; then with threads that were paused */
		if (steps < 10) {
			for (unsigned int i = 0; i < steps * 3; i++)
				dsa_core_run(d->core, 1);
		} else {
			dev_start(d, 3);
			for (uint64_t end = clock_ns() + (steps - 9) * 400000; clock_ns() < end;)
				;
			dev_stop(d);
		}
		im = take(d);
		e = restore(&im, d, steps % 2 ? 3 : 0);
		dev_free(d);
		finish_work(e);
		blank_wall(e);
		CHECK(!memcmp(ref->hbm, e->hbm, HBM_SIZE));
		CHECK_EQ(rd64(e, DSA_QREG(0, DSA_Q_TIME)), rd64(ref, DSA_QREG(0, DSA_Q_TIME)));
		CHECK_EQ(rd64(e, DSA_QREG(33, DSA_Q_TIME)), rd64(ref, DSA_QREG(33, DSA_Q_TIME)));
		CHECK_EQ(rd64(e, DSA_REG_BUSY_COMPUTE), rd64(ref, DSA_REG_BUSY_COMPUTE));
		if (test_failed)
			printf("# in step %u\n", steps);
		image_free(&im);
		dev_free(e);
	}
	dev_free(ref);
}

static struct image image_in_flight(void)
{
	struct dev *d = dev_new(0);
	struct image im;

	start_work(d);
	for (unsigned int i = 0; i < 12; i++)
		dsa_core_run(d->core, 1);
	im = take(d);
	dev_free(d);
	return im;
}

static void check_blank(struct dev *d)
{
	struct cmds c = cmds_at(d, CMDS);

	for (unsigned int q = 0; q < DSA_NUM_QUEUES; q++)
		CHECK_EQ(rd32(d, DSA_QREG(q, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
	CHECK_EQ(rd64(d, DSA_REG_MMU_ROOT(1)), 0);
	CHECK(dsa_core_idle(d->core));
	d->hbm_tables = HBM_TABLES;
	dev_map_default(d, 1);
	cmd_simple(&c, DSA_CMD_NOP);
	queue_setup(d, 3, 1);
	CHECK(run_cmds(&c, 3));
}

/* Every truncation is refused, and leaves a device that works. */
static void truncated(void)
{
	struct image im = image_in_flight();
	struct dev *d = dev_new(0);
	const char *error;

	for (size_t size = 0; size < im.size; size += size < 3000 ? 1 : 997) {
		uint8_t *copy = malloc(size ? size : 1); /* for ASan to see beyond it */

		memcpy(copy, im.state, size);
		error = NULL;
		CHECK(dsa_core_load(d->core, copy, size, &error) < 0);
		CHECK(error && *error);
		free(copy);
	}
	check_blank(d);
	image_free(&im);
	dev_free(d);
}

/* What it saves it loads. */
static void check_own_state(struct dev *d)
{
	size_t size = dsa_core_save(d->core, NULL, 0);
	void *state = malloc(size);
	const char *error = NULL;

	dsa_core_save(d->core, state, size);
	if (dsa_core_load(d->core, state, size, &error))
		check_failed(__FILE__, __LINE__, "its own state: %s", error);
	free(state);
}

/* Damage anywhere: refused, or a device that runs on without harm. */
static void damaged(void)
{
	struct image im = image_in_flight();
	struct dev *d = dev_new(0);
	uint64_t seed = 7, accepted = 0;
	uint8_t *copy = malloc(im.size);
	const char *error;

	for (unsigned int i = 0; i < 3000; i++) {
		memcpy(copy, im.state, im.size);
		for (unsigned int n = 1 + rnd(&seed) % 3; n--;) {
			size_t at = rnd(&seed) % (rnd(&seed) % 3 ? 16000 : im.size);
			static const uint64_t values[] = { 0, 1, UINT32_MAX, UINT64_MAX,
							   1ull << 63 };

			if (rnd(&seed) & 1)
				copy[at % im.size] ^= 1u << rnd(&seed) % 8;
			else if (at + 8 <= im.size)
				memcpy(copy + at / 4 * 4, &values[rnd(&seed) % 5], 4);
		}
		if (dsa_core_load(d->core, copy, im.size, &error)) {
			CHECK(error && *error);
			check_own_state(d);
			continue;
		}
		accepted++;
		for (unsigned int k = 0; k < 30; k++)
			dsa_core_run(d->core, 20);
		bus_lock(d);
		dsa_core_reset(d->core, DSA_RESET_DEVICE);
		bus_unlock(d);
		for (unsigned int k = 0; k < 5; k++)
			dsa_core_run(d->core, 20);
	}
	CHECK(accepted > 0 && accepted < 3000);
	bus_lock(d);
	dsa_core_reset(d->core, DSA_RESET_DEVICE);
	bus_unlock(d);
	dev_run(d);
	check_blank(d);
	free(copy);
	image_free(&im);
	dev_free(d);
}

/* A device of another shape refuses. */
static void other_device(void)
{
	struct image im = image_in_flight();
	struct dsa_core_config cfg;
	struct dev *d;
	const char *error = NULL;

	dev_config(&cfg);
	cfg.cores = 8;
	d = dev_new_with(&cfg, 0);
	CHECK(dsa_core_load(d->core, im.state, im.size, &error) < 0);
	CHECK(error && strstr(error, "cores"));
	check_blank(d);
	dev_free(d);
	dev_config(&cfg);
	cfg.vlen = 1024;
	d = dev_new_with(&cfg, 0);
	CHECK(dsa_core_load(d->core, im.state, im.size, &error) < 0);
	CHECK(error && strstr(error, "vector"));
	check_blank(d);
	image_free(&im);
	dev_free(d);
}

const struct test save_tests[] = { TEST(quiet),   TEST(in_flight),    TEST(truncated),
				   TEST(damaged), TEST(other_device), TESTS_END };
