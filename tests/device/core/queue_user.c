/* SPDX-License-Identifier: MIT */
/* DSA_QMODE_USER: rings and fences at virtual addresses. */
#include <stdlib.h>

#include "harness.h"

#define CMDS  0x10000ull
#define DATA  0x20000ull
#define QUEUE 1
#define ASID  1
#define SLOTS (1u << DSA_RING_MIN_LOG2)
#define RING  0x700000ull /* in HBM */
#define FENCE 0x710000ull

static void user_setup(struct dev *d, uint64_t ring_va)
{
	queue_config(d, QUEUE, ASID);
	wr64(d, DSA_QREG(QUEUE, DSA_Q_RING_BASE), ring_va);
	wr32(d, DSA_QREG(QUEUE, DSA_Q_MODE), DSA_QMODE_USER);
	queue_enable(d, QUEUE);
}

static struct dsa_ring_packet packet(uint64_t fence_va, uint64_t value, const struct cmds *c)
{
	return (struct dsa_ring_packet){
		.op = c ? DSA_RING_OP_EXEC : DSA_RING_OP_NOP,
		.flags = DSA_RING_F_IRQ | DSA_RING_F_FENCE,
		.cmd_va = c ? VA_HBM + c->offset : 0,
		.cmd_size = c ? c->size : 0,
		.fence_addr = fence_va,
		.fence_value = value,
		.job_id = value,
	};
}

/* Submits one packet and runs; the fence's word is at @word. True: it came. */
static bool run_packet(struct dev *d, struct dsa_ring_packet *ring, uint64_t *word, uint64_t va,
		       uint32_t i, const struct cmds *c)
{
	ring[i % SLOTS] = packet(va, i + 1, c);
	doorbell(d, QUEUE, i + 1);
	dev_run(d);
	return *word == i + 1;
}

/* More packets than slots, with commands, ring and fence in HBM or in system memory. */
static void runs(void)
{
	for (unsigned int where = 0; where < 4; where++) {
		struct dev *d = dev_new(0);
		struct cmds c = cmds_at(d, CMDS);
		uint64_t ring_va = where & 1 ? VA_RAM + 0x500000 : VA_HBM + RING;
		uint64_t fence_va = where & 2 ? VA_RAM + 0x510000 : VA_HBM + FENCE;
		void *ring = where & 1 ? ram_at(d, RAM_BASE + 0x500000) : d->hbm + RING;
		uint64_t *word = where & 2 ? ram_at(d, RAM_BASE + 0x510000) :
					     (void *)(d->hbm + FENCE);

		cmd_sem(&c, DSA_CMD_SEM_SIGNAL, VA_HBM + DATA, 1, DSA_SEM_F_ADD);
		user_setup(d, ring_va);
		for (uint32_t i = 0; i < 3 * SLOTS; i++)
			CHECK(run_packet(d, ring, word, fence_va, i, i % 2 ? NULL : &c));
		CHECK_EQ(*(uint64_t *)(d->hbm + DATA), 3 * SLOTS / 2);
		CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_HEAD)), 3 * SLOTS);
		CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
		dev_free(d);
	}
}

static void expect_error(struct dev *d, uint32_t code, uint32_t access, uint64_t addr)
{
	CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, QUEUE), code);
	CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_ERR_ACCESS)), access);
	CHECK_EQ(rd64(d, DSA_QREG(QUEUE, DSA_Q_ERR_ADDR)), addr);
	CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_HEAD)), 0);
}

static void ring_fault(uint64_t ring_va, uint64_t flags, uint32_t code)
{
	struct dev *d = dev_new(0);

	if (flags)
		map(d, ASID, ring_va, RING, flags, 0);
	user_setup(d, ring_va);
	doorbell(d, QUEUE, 1);
	dev_run(d);
	expect_error(d, code, DSA_ACCESS_READ, ring_va);
	dev_free(d);
}

static void fence_fault(uint64_t fence_va, uint64_t flags, uint32_t code)
{
	struct dev *d = dev_new(0);
	uint64_t word = 0;

	if (flags)
		map(d, ASID, fence_va, FENCE, flags, 0);
	user_setup(d, VA_HBM + RING);
	run_packet(d, (void *)(d->hbm + RING), &word, fence_va, 0, NULL);
	expect_error(d, code, DSA_ACCESS_WRITE, fence_va);
	CHECK_EQ(*(uint64_t *)(d->hbm + FENCE), 0);
	dev_free(d);
}

#define VA_FREE 0x7f0000000000ull

static void faults(void)
{
	ring_fault(VA_FREE, 0, DSA_ERR_MMU_UNMAPPED);
	ring_fault(VA_FREE, DSA_PTE_W, DSA_ERR_MMU_PERMISSION);
	fence_fault(VA_FREE, 0, DSA_ERR_MMU_UNMAPPED);
	fence_fault(VA_FREE, DSA_PTE_R, DSA_ERR_MMU_PERMISSION);
	fence_fault(1ull << 48, 0, DSA_ERR_MMU_RANGE);
}

/* What would be a bus address in a ring of the driver is none here. */
static void bus_is_out_of_reach(void)
{
	struct dev *d = dev_new(0);
	uint64_t *word = ram_at(d, RAM_BASE + 0x520000);

	user_setup(d, VA_HBM + RING);
	*word = 42;
	run_packet(d, (void *)(d->hbm + RING), word, RAM_BASE + 0x520000, 0, NULL);
	CHECK_EQ(*word, 42);
	CHECK_EQ(err_code(d, QUEUE), DSA_ERR_MMU_UNMAPPED);
	dev_free(d);
}

static void bad_configuration(uint64_t ring_va, uint32_t mode)
{
	struct dev *d = dev_new(0);

	queue_config(d, QUEUE, ASID);
	wr64(d, DSA_QREG(QUEUE, DSA_Q_RING_BASE), ring_va);
	wr32(d, DSA_QREG(QUEUE, DSA_Q_MODE), mode);
	queue_enable(d, QUEUE);
	CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_STATE)), DSA_QSTATE_ERROR);
	CHECK_EQ(err_code(d, QUEUE), DSA_ERR_BAD_ARGUMENT);
	/* A reset makes it a queue of the driver again. */
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_MODE)), 0);
	dev_free(d);
}

static void configuration(void)
{
	bad_configuration(VA_HBM + RING, 2);
	bad_configuration(VA_HBM + RING, UINT32_MAX);
	bad_configuration(1ull << 48, DSA_QMODE_USER);
	bad_configuration((1ull << 48) - DSA_PAGE_SIZE, DSA_QMODE_USER);
	bad_configuration(VA_HBM + RING + 64, DSA_QMODE_USER);
}

/* Saves the device and loads it again. */
static void reload(struct dev *d)
{
	size_t size = dsa_core_save(d->core, NULL, 0);
	const char *error = NULL;
	void *state = malloc(size);

	CHECK_EQ(dsa_core_save(d->core, state, size), size);
	CHECK_EQ(dsa_core_load(d->core, state, size, &error), 0);
	free(state);
}

/* A saved ring goes on where it was. */
static void saved(void)
{
	struct dev *d = dev_new(0);
	struct dsa_ring_packet *ring = (void *)(d->hbm + RING);
	uint64_t *word = (void *)(d->hbm + FENCE);

	user_setup(d, VA_HBM + RING);
	CHECK(run_packet(d, ring, word, VA_HBM + FENCE, 0, NULL));
	reload(d);
	CHECK_EQ(rd32(d, DSA_QREG(QUEUE, DSA_Q_MODE)), DSA_QMODE_USER);
	CHECK(run_packet(d, ring, word, VA_HBM + FENCE, 1, NULL));
	dev_free(d);
}

const struct test queue_user_tests[] = {
	TEST(runs),          TEST(faults), TEST(bus_is_out_of_reach),
	TEST(configuration), TEST(saved),  TESTS_END
};
