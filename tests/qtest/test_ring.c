// SPDX-License-Identifier: MIT
/* Rings, user commands and DMA, and what may go wrong with them. */
#include <stdlib.h>
#include <string.h>

#include "dev.h"

#define NOWHERE 0x3000000000ull /* a bus address without memory */

static struct dev dev;

static void start(void)
{
	dev_open(&dev, qts_start(MACHINE "-device " SMALL_DSA ",id=d0,addr=4"), 4, 0);
	dev_setup(&dev);
}

static void start_queue(unsigned int q)
{
	start();
	queue_setup(&dev, q);
}

static void test_nop(void)
{
	uint64_t fence;

	start_queue(0);
	fence = queue_submit(&dev, 0, NULL, 0);
	queue_wait(&dev, 0, fence);
	dev_wait_msi(&dev, 1);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_HEAD)), 1);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_TAIL)), 1);
	CHECK_EQ(reg32(&dev, DSA_REG_BAD_ACCESS), 0);
}

/* The fence is in memory before its message: seen through the message only. */
static void test_all_queues(void)
{
	uint64_t fence[DSA_NUM_QUEUES];

	start();
	for (unsigned int q = 0; q < DSA_NUM_QUEUES; q++)
		queue_setup(&dev, q);
	for (unsigned int q = 0; q < DSA_NUM_QUEUES; q++)
		fence[q] = queue_submit(&dev, q, NULL, 0);
	for (unsigned int q = 0; q < DSA_NUM_QUEUES; q++) {
		dev_wait_msi(&dev, 1 + q);
		CHECK_EQ(queue_fence(&dev, q), fence[q]);
	}
}

static void test_copy(unsigned int q)
{
	const size_t bytes = 300000; /* several chunks, an odd tail */
	uint64_t sys = dev.base + AT_DATA;
	struct {
		struct dsa_cmd_copy in, move, out;
	} cmds;
	uint8_t *want = malloc(bytes), *have = malloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		want[i] = i * 2654435761u >> 13;
	qts_put(dev.s, sys + 3, want, bytes);
	cmds.in = cmd_copy(VA_HBM + 0x100001, sys + 3, bytes);
	cmds.move = cmd_copy(VA_HBM + 0x300000, VA_HBM + 0x100001, bytes);
	cmds.out = cmd_copy(sys + 0x80005, VA_HBM + 0x300000, bytes);
	queue_wait(&dev, q, queue_submit(&dev, q, &cmds, sizeof(cmds)));
	qts_get(dev.s, dev.bar[2] + 0x100001, have, bytes);
	CHECK(!memcmp(have, want, bytes));
	qts_get(dev.s, sys + 0x80005, have, bytes);
	CHECK(!memcmp(have, want, bytes));
	free(want);
	free(have);
}

static void test_copy_compute(void)
{
	start_queue(5);
	test_copy(5);
}

static void test_copy_copy(void)
{
	start_queue(40);
	test_copy(40);
}

static void test_fill(void)
{
	uint64_t sys;
	struct {
		struct dsa_cmd_fill hbm, sys;
	} cmds;

	start_queue(32);
	sys = dev.base + AT_DATA;
	cmds.hbm = cmd_fill(VA_HBM + 0x1000, 0x20000, 0xa5, 1);
	cmds.sys = cmd_fill(sys + 8, 0x10008, 0x1122334455667788, 8);
	queue_wait(&dev, 32, queue_submit(&dev, 32, &cmds, sizeof(cmds)));
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x0ff8, 8), 0);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x1000, 8), 0xa5a5a5a5a5a5a5a5);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x20ff8, 8), 0xa5a5a5a5a5a5a5a5);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x21000, 8), 0);
	CHECK_EQ(qts_read(dev.s, sys, 8), 0);
	CHECK_EQ(qts_read(dev.s, sys + 8, 8), 0x1122334455667788);
	CHECK_EQ(qts_read(dev.s, sys + 0x10008, 8), 0x1122334455667788);
	CHECK_EQ(qts_read(dev.s, sys + 0x10010, 8), 0);
}

static void test_launch(void)
{
	/* Each program stores 1000 + its number at kernarg + 8 * number. */
	static const uint32_t code[] = {
		0x0000058b, /* dsa.rd a1, PID_X */
		0x00359613, /* slli a2, a1, 3 */
		0x00c50533, /* add a0, a0, a2 */
		0x3e858593, /* addi a1, a1, 1000 */
		0x00b53023, /* sd a1, 0(a0) */
		0x00008067, /* ret */
	};
	struct dsa_cmd_launch launch = cmd_launch(VA_HBM, VA_HBM + 0x1000, 100);
	uint64_t out[101];

	start_queue(0);
	qts_put(dev.s, dev.bar[2], code, sizeof(code));
	queue_wait(&dev, 0, queue_submit(&dev, 0, &launch, sizeof(launch)));
	qts_get(dev.s, dev.bar[2] + 0x1000, out, sizeof(out));
	for (unsigned int i = 0; i < 100; i++)
		CHECK_EQ(out[i], 1000 + i);
	CHECK_EQ(out[100], 0);
}

static void test_wrap(void)
{
	start_queue(33);
	for (unsigned int round = 0; round < 40; round++) {
		uint64_t fence = 0;
		unsigned int count = round % (1u << RING_LOG2) + 1;

		for (unsigned int i = 0; i < count; i++)
			fence = queue_push(&dev, 33, 0, 0);
		queue_ring(&dev, 33);
		queue_wait(&dev, 33, fence);
		WAIT_UNTIL(reg32(&dev, DSA_QREG(33, DSA_Q_HEAD)) == dev.tail[33]);
	}
	CHECK_EQ(queue_fence(&dev, 33), dev.fences);
}

static void test_bad_doorbell(void)
{
	start_queue(0);
	queue_setup(&dev, 1);
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL(0), 4, (1u << RING_LOG2) + 1);
	queue_expect_error(&dev, 0, DSA_ERR_BAD_DOORBELL);
	dev_wait_msi(&dev, 0);
	dev_wait_msi(&dev, 1);
	CHECK(reg32(&dev, DSA_REG_INT_STATUS) & DSA_INT_QUEUE_ERROR);
	queue_check_works(&dev, 1);
	/* Disable and enable make it good again. */
	reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_wait_state(&dev, 0, DSA_QSTATE_DISABLED);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_ERR_CODE)), DSA_ERR_BAD_DOORBELL);
	queue_setup(&dev, 0);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_ERR_CODE)), DSA_ERR_NONE);
	queue_check_works(&dev, 0);
}

static void test_doorbell_disabled(void)
{
	start();
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL(7), 4, 1);
	CHECK_EQ(reg32(&dev, DSA_QREG(7, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
	CHECK_EQ(reg32(&dev, DSA_QREG(7, DSA_Q_TAIL)), 0);
	queue_setup(&dev, 7);
	queue_check_works(&dev, 7);
}

static void test_bad_ring_address(void)
{
	start();
	queue_enable_at(&dev, 2, NOWHERE, RING_LOG2);
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL(2), 4, 1);
	queue_expect_error(&dev, 2, DSA_ERR_RING_READ);
	CHECK_EQ(reg32(&dev, DSA_QREG(2, DSA_Q_HEAD)), 0);
}

static void submit_with_fence_at(unsigned int q, uint64_t addr)
{
	struct dsa_ring_packet packet = {
		.op = DSA_RING_OP_NOP,
		.flags = DSA_RING_F_FENCE,
		.fence_addr = addr,
		.fence_value = 0x6666,
		.job_id = 5,
	};

	qts_put(dev.s, dev.base + AT_RING(q), &packet, sizeof(packet));
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL(q), 4, 1);
}

static void test_bad_fence_address(void)
{
	start_queue(2);
	submit_with_fence_at(2, NOWHERE);
	queue_expect_error(&dev, 2, DSA_ERR_FENCE_WRITE);
	CHECK_EQ(reg64(&dev, DSA_QREG(2, DSA_Q_ERR_ADDR)), NOWHERE);
	CHECK_EQ(reg64(&dev, DSA_QREG(2, DSA_Q_ERR_JOB_ID)), 5);
}

/* The device must not enter its own register handlers through DMA; its HBM is memory. */
static void test_own_bars(void)
{
	start_queue(2);
	submit_with_fence_at(2, dev.bar[0] + DSA_REG_SCRATCH);
	queue_expect_error(&dev, 2, DSA_ERR_FENCE_WRITE);
	CHECK_EQ(reg32(&dev, DSA_REG_SCRATCH), 0);
	queue_setup(&dev, 3);
	submit_with_fence_at(3, dev.bar[4] + DSA_DOORBELL(3));
	queue_expect_error(&dev, 3, DSA_ERR_FENCE_WRITE);
	queue_setup(&dev, 4);
	submit_with_fence_at(4, dev.bar[2] + 0x2000);
	WAIT_UNTIL(qts_read(dev.s, dev.bar[2] + 0x2000, 8) == 0x6666);
	/* A ring in registers is not read either. */
	queue_enable_at(&dev, 5, dev.bar[0], RING_LOG2);
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL(5), 4, 1);
	queue_expect_error(&dev, 5, DSA_ERR_RING_READ);
}

static void test_command_faults(void)
{
	struct dsa_cmd_copy copy = cmd_copy(VA_HBM, NOWHERE, 64);
	struct dsa_cmd_fill fill = cmd_fill(VA_HBM + HBM_BYTES, 64, 0, 1);
	struct dsa_cmd_launch launch = cmd_launch(VA_HBM, 0, 1);
	static const uint32_t illegal = 0;

	start();
	for (unsigned int q = 0; q < 4; q++)
		queue_setup(&dev, q);
	queue_setup(&dev, 33);
	queue_submit(&dev, 0, &copy, sizeof(copy));
	queue_expect_error(&dev, 0, DSA_ERR_MMU_UNMAPPED);
	CHECK_EQ(reg64(&dev, DSA_QREG(0, DSA_Q_ERR_ADDR)), NOWHERE);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_ERR_ACCESS)), DSA_ACCESS_READ);
	queue_submit(&dev, 1, &fill, sizeof(fill));
	queue_expect_error(&dev, 1, DSA_ERR_MMU_UNMAPPED);
	copy.hdr.opcode = 999;
	queue_submit(&dev, 2, &copy, sizeof(copy));
	queue_expect_error(&dev, 2, DSA_ERR_BAD_PACKET);
	qts_put(dev.s, dev.bar[2], &illegal, sizeof(illegal));
	queue_submit(&dev, 3, &launch, sizeof(launch));
	queue_expect_error(&dev, 3, DSA_ERR_ILLEGAL_INSN);
	CHECK_EQ(reg64(&dev, DSA_QREG(3, DSA_Q_ERR_PC)), VA_HBM);
	queue_submit(&dev, 33, &launch, sizeof(launch));
	queue_expect_error(&dev, 33, DSA_ERR_NOT_ALLOWED);
	queue_setup(&dev, 34);
	queue_check_works(&dev, 34);
}

/* System memory that the page tables name but that is not there. */
static void test_bus_error(void)
{
	struct dsa_cmd_copy copy;

	start_queue(0);
	copy = cmd_copy(VA_HBM, 0x30000000, 64); /* above the 128 MiB of RAM */
	queue_submit(&dev, 0, &copy, sizeof(copy));
	queue_expect_error(&dev, 0, DSA_ERR_BUS);
}

static void test_bus_master_off(void)
{
	start_queue(0);
	pci_write(&dev.pci, 0x04, 2, 2);
	queue_submit(&dev, 0, NULL, 0);
	queue_expect_error(&dev, 0, DSA_ERR_RING_READ);
	CHECK_EQ(queue_fence(&dev, 0), 0);
	CHECK(!dev_msi_arrived(&dev, 1));
	pci_write(&dev.pci, 0x04, 2, 6);
	queue_setup(&dev, 1);
	queue_check_works(&dev, 1);
}

/* With ring reads and fence writes: round trips one by one, then a full ring at a time. */
static void test_latency(void)
{
	const unsigned int rounds = 500, batches = 50, batch = 1u << RING_LOG2;
	double start_time, single, queued;

	start_queue(0);
	queue_check_works(&dev, 0);
	start_time = tap_now();
	for (unsigned int i = 0; i < rounds; i++)
		queue_check_works(&dev, 0);
	single = (tap_now() - start_time) / rounds;
	start_time = tap_now();
	for (unsigned int i = 0; i < batches; i++) {
		uint64_t fence = 0;

		for (unsigned int j = 0; j < batch; j++)
			fence = queue_push(&dev, 0, 0, 0);
		queue_ring(&dev, 0);
		queue_wait(&dev, 0, fence);
	}
	queued = (tap_now() - start_time) / (batches * batch);
	tap_note("NOP with fence, qtest's cost included: %.0f us one by one, %.0f us queued",
		 single * 1e6, queued * 1e6);
}

static double copy_rate(uint64_t dst, uint64_t src)
{
	const uint64_t bytes = 4 << 20;
	struct dsa_cmd_copy cmds[64];
	double start_time = tap_now();

	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		cmds[i] = cmd_copy(dst, src, bytes);
	queue_wait(&dev, 32, queue_submit(&dev, 32, cmds, sizeof(cmds)));
	return ARRAY_LEN(cmds) * bytes / (tap_now() - start_time) * 1e-9;
}

static void test_rates(void)
{
	uint64_t sys;

	start_queue(32);
	sys = dev.base + AT_DATA;
	tap_note("copy 4 MiB, GB/s: to HBM %.1f, from HBM %.1f, in HBM %.1f, in system memory %.1f",
		 copy_rate(VA_HBM, sys), copy_rate(sys, VA_HBM),
		 copy_rate(VA_HBM, VA_HBM + (8 << 20)), copy_rate(sys, sys + (8 << 20)));
}

static const struct test tests[] = {
	{ "NOP: fence written, message sent, head advanced", test_nop },
	{ "64 queues, each with its vector, fence before message", test_all_queues },
	{ "COPY system to HBM, HBM to HBM, HBM to system on a compute queue", test_copy_compute },
	{ "COPY on a copy queue", test_copy_copy },
	{ "FILL of HBM and system memory, nothing beside it", test_fill },
	{ "LAUNCH of 100 programs", test_launch },
	{ "ring wraps around and fills up", test_wrap },
	{ "doorbell too far ahead stops its queue only", test_bad_doorbell },
	{ "doorbell of a disabled queue is ignored", test_doorbell_disabled },
	{ "ring at an address without memory", test_bad_ring_address },
	{ "fence at an address without memory", test_bad_fence_address },
	{ "DMA into own registers refused, into own HBM done", test_own_bars },
	{ "commands that fault stop their queue only", test_command_faults },
	{ "mapped system memory that does not answer", test_bus_error },
	{ "no DMA and no message with bus mastering off", test_bus_master_off },
	{ "latency of a doorbell", test_latency },
	{ "copy rates", test_rates },
};

int main(int argc, char **argv)
{
	return tap_main(tests, ARRAY_LEN(tests), argc, argv);
}
