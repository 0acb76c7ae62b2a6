// SPDX-License-Identifier: MIT
/* Kill, resets of every kind, power states, stop, unplug and IOMMU faults, with work in flight. */
#include <string.h>

#include "dev.h"

static struct dev dev;

static void start(void)
{
	dev_open(&dev, qts_start(MACHINE "-device " SMALL_DSA ",id=d0,addr=4"), 4, 0);
	dev_setup(&dev);
	for (unsigned int q = 0; q < 3; q++)
		queue_setup(&dev, q);
	queue_setup(&dev, 32);
}

static uint64_t counter(void)
{
	return qts_read(dev.s, dev.bar[2] + 0x1000, 8);
}

/* The runaway program of queue 0, a copy behind it on the same queue, copies on another. */
static void start_busy(void)
{
	struct dsa_cmd_copy copies[64];

	start();
	start_runaway(&dev, 0);
	queue_submit(&dev, 0, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(copies); i++)
		copies[i] = cmd_copy(VA_HBM + (8 << 20), VA_HBM + (4 << 20), 4 << 20);
	queue_submit(&dev, 32, copies, sizeof(copies));
}

/* Everything is as at power-on and works. */
static void check_fresh(void)
{
	for (unsigned int q = 0; q < DSA_NUM_QUEUES; q++) {
		CHECK_EQ(reg32(&dev, DSA_QREG(q, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
		CHECK_EQ(reg32(&dev, DSA_QREG(q, DSA_Q_ERR_CODE)), DSA_ERR_NONE);
		CHECK_EQ(reg32(&dev, DSA_QREG(q, DSA_Q_VECTOR)), 1 + q);
		CHECK_EQ(reg64(&dev, DSA_QREG(q, DSA_Q_RING_BASE)), 0);
	}
	CHECK_EQ(reg64(&dev, DSA_REG_MMU_ROOT(ASID)), 0);
	CHECK_EQ(reg32(&dev, DSA_REG_INT_ENABLE), 0);
	CHECK_EQ(reg32(&dev, DSA_REG_INT_STATUS), 0);
	dev_setup(&dev);
	for (unsigned int q = 0; q < 4; q++) {
		queue_setup(&dev, q);
		queue_check_works(&dev, q);
		dev_wait_msi(&dev, 1 + q);
		dev_clear_msi(&dev, 1 + q);
	}
	start_runaway(&dev, 0);
}

static void test_kill(void)
{
	double since;

	start();
	start_runaway(&dev, 0);
	queue_check_works(&dev, 1); /* neighbours go on */
	since = tap_now();
	reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	queue_expect_error(&dev, 0, DSA_ERR_KILLED);
	tap_note("killed after %.1f ms", (tap_now() - since) * 1e3);
	dev_wait_msi(&dev, 1);
	CHECK(dev_msi_arrived(&dev, 0));
	CHECK_EQ(reg64(&dev, DSA_QREG(0, DSA_Q_ERR_JOB_ID)), 1001);
	since = counter();
	queue_check_works(&dev, 1);
	CHECK(counter() == since); /* it really has stopped */
	queue_setup(&dev, 3);
	queue_check_works(&dev, 3);
	reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	queue_wait_state(&dev, 0, DSA_QSTATE_DISABLED);
	queue_setup(&dev, 0);
	start_runaway(&dev, 0);
}

static void test_many_runaways(void)
{
	struct dsa_cmd_launch launch = cmd_launch(VA_HBM, VA_HBM + 0x1000, 1000000);

	start();
	start_runaway(&dev, 0); /* leaves its code there */
	for (unsigned int q = 1; q < 3; q++)
		queue_submit(&dev, q, &launch, sizeof(launch));
	queue_check_works(&dev, 32);
	for (unsigned int q = 0; q < 3; q++) {
		reg_write(&dev, DSA_QREG(q, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
		queue_wait_state(&dev, q, DSA_QSTATE_DISABLED);
	}
}

static void test_device_reset(void)
{
	uint32_t resets;

	start_busy();
	resets = reg32(&dev, DSA_REG_RESET_COUNT);
	qts_write(dev.s, dev.bar[2] + 0x7000, 8, 0x1234);
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_wait_reset(&dev);
	CHECK_EQ(reg32(&dev, DSA_REG_RESET_COUNT), resets + 1);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x7000, 8), 0x1234); /* HBM kept */
	check_fresh();
}

/* Doorbells, commands and another reset while the first is still under way. */
static void test_reset_meanwhile(void)
{
	start_busy();
	for (unsigned int i = 0; i < 50; i++) {
		reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
		queue_ring(&dev, 0);
		reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
		reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_ENABLE);
	}
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_wait_reset(&dev);
	check_fresh();
}

static void flr(void)
{
	uint32_t control = pci_read(&dev.pci, dev.express + 8, 2);

	pci_write(&dev.pci, dev.express + 8, 2, control | 0x8000);
}

static void check_cleared_hbm(void)
{
	static uint8_t page[4096], zero[4096];

	for (uint64_t at = 0; at < HBM_BYTES; at += 1 << 20) {
		qts_get(dev.s, dev.bar[2] + at, page, sizeof(page));
		CHECK(!memcmp(page, zero, sizeof(page)));
	}
}

static void test_flr(void)
{
	start_busy();
	for (uint64_t at = 0x8000; at < HBM_BYTES; at += 1 << 20)
		qts_set(dev.s, dev.bar[2] + at, 0xee, 4096);
	flr();
	CHECK_EQ(pci_read(&dev.pci, 0x04, 2) & 6, 0);
	CHECK_EQ(pci_read(&dev.pci, 0x10, 4), 0);
	CHECK_EQ(pci_read(&dev.pci, dev.msix + 2, 2) & 0x8000, 0);
	CHECK_EQ(pci_read(&dev.pci, dev.express + 8, 2) & 0x8000, 0);
	dev_configure(&dev);
	dev_wait_reset(&dev);
	check_cleared_hbm();
	check_fresh();
}

static void test_flr_storm(void)
{
	start_busy();
	for (unsigned int i = 0; i < 30; i++) {
		flr();
		dev_configure(&dev);
		queue_ring(&dev, 0);
	}
	dev_wait_reset(&dev);
	check_cleared_hbm();
	check_fresh();
}

static void test_system_reset(void)
{
	start_busy();
	qts_qmp_ok(dev.s, "{\"execute\":\"system_reset\"}");
	qts_wait_event(dev.s, "RESET");
	dev_open(&dev, dev.s, 4, 0);
	check_cleared_hbm();
	check_fresh();
}

static void set_power(unsigned int state)
{
	pci_write(&dev.pci, dev.pm + 4, 2, state);
	CHECK_EQ(pci_read(&dev.pci, dev.pm + 4, 2) & 3, state);
}

static void test_d3(void)
{
	uint64_t fence;

	start_busy();
	qts_write(dev.s, dev.bar[2] + 0x7000, 8, 0x1234);
	fence = queue_fence(&dev, 32);
	dev_clear_msi(&dev, 33);
	set_power(3);
	CHECK_EQ(qts_read(dev.s, dev.bar[0] + DSA_REG_MAGIC, 4) == DSA_MAGIC, 0);
	CHECK_EQ(queue_fence(&dev, 32), fence); /* no DMA in D3 */
	CHECK(!dev_msi_arrived(&dev, 33));
	set_power(0);
	dev_configure(&dev);
	dev_wait_reset(&dev);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x7000, 8), 0x1234);
	check_fresh();
}

static void test_stop(void)
{
	uint64_t before;

	start_busy();
	for (unsigned int i = 0; i < 10; i++) {
		qts_qmp_ok(dev.s, "{\"execute\":\"stop\"}");
		before = counter();
		qts_qmp_ok(dev.s, "{\"execute\":\"query-status\"}");
		CHECK_EQ(counter(), before);
		qts_qmp_ok(dev.s, "{\"execute\":\"cont\"}");
		WAIT_UNTIL(counter() > before);
	}
	queue_check_works(&dev, 1);
	/* A doorbell rung while stopped is served afterwards; so is a reset. */
	qts_qmp_ok(dev.s, "{\"execute\":\"stop\"}");
	before = queue_submit(&dev, 1, NULL, 0);
	CHECK(queue_fence(&dev, 1) < before);
	qts_qmp_ok(dev.s, "{\"execute\":\"cont\"}");
	queue_wait(&dev, 1, before);
	qts_qmp_ok(dev.s, "{\"execute\":\"stop\"}");
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	qts_qmp_ok(dev.s, "{\"execute\":\"cont\"}");
	dev_wait_reset(&dev);
	check_fresh();
}

static void test_quit(void)
{
	start_busy();
	qts_quit(dev.s);
	start_busy();
	qts_qmp_ok(dev.s, "{\"execute\":\"stop\"}");
	qts_quit(dev.s);
}

/* What a guest does when asked to let go: slot power and indicator off. */
static void unplug(unsigned int slot)
{
	struct pci port = { .s = dev.s, .devfn = slot << 3 };
	unsigned int cap = pci_find_cap(&port, 0x10);

	qts_qmp_ok(dev.s, "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"d0\"}}");
	pci_write(&port, cap + 0x18, 2, 0x0400 | 0x0300);
	qts_wait_event(dev.s, "DEVICE_DELETED");
	CHECK_EQ(pci_read(&dev.pci, 0, 4), 0xffffffff);
}

static void plug(void)
{
	qts_qmp_ok(dev.s,
		   "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"dsa\",\"id\":\"d0\","
		   "\"bus\":\"rp\",\"hbm-size\":%u,\"cores\":4,\"scratchpad-size\":262144}}",
		   HBM_BYTES);
}

static void test_unplug(void)
{
	struct pci port = { .devfn = 4 << 3 };
	struct qts *s = qts_start(MACHINE
				  "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
				  "-device pcie-root-port,id=rp,chassis=1,slot=1,addr=4 "
				  "-device " SMALL_DSA ",id=d0,bus=rp");

	for (unsigned int i = 0; i < 3; i++) {
		dev_open_behind_port(&dev, s, 4);
		dev_setup(&dev);
		queue_setup(&dev, 0);
		queue_setup(&dev, 32);
		queue_check_works(&dev, 32);
		dev_wait_msi(&dev, 33);
		start_runaway(&dev, 0);
		unplug(4);
		plug();
		port.s = s; /* slot power on again */
		pci_write(&port, pci_find_cap(&port, 0x10) + 0x18, 2, 0x0100);
	}
}

/* Translation on, with an empty root table: every access of the device faults. */
static void test_iommu(void)
{
	const uint64_t iommu = 0xfed90000, table = 0x4000000;
	struct qts *s = qts_start(MACHINE "-device intel-iommu -device " SMALL_DSA ",id=d0,addr=4");

	dev_open(&dev, s, 4, 0);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_setup(&dev, 1);
	queue_check_works(&dev, 0);
	qts_set(s, table, 0, 4096);
	qts_write(s, iommu + 0x20, 8, table);
	qts_write(s, iommu + 0x18, 4, 1u << 30);
	WAIT_UNTIL(qts_read(s, iommu + 0x1c, 4) & 1u << 30);
	qts_write(s, iommu + 0x18, 4, 1u << 31);
	WAIT_UNTIL(qts_read(s, iommu + 0x1c, 4) & 1u << 31);
	queue_submit(&dev, 0, NULL, 0);
	queue_expect_error(&dev, 0, DSA_ERR_RING_READ);
	qts_write(s, iommu + 0x18, 4, 0);
	WAIT_UNTIL(!(qts_read(s, iommu + 0x1c, 4) & 1u << 31));
	queue_check_works(&dev, 1);
}

static const struct test tests[] = {
	{ "runaway program killed with its queue, neighbours go on", test_kill },
	{ "three queues full of runaway programs disabled", test_many_runaways },
	{ "device reset in flight keeps HBM, clears the rest", test_device_reset },
	{ "doorbells, commands and resets during reset", test_reset_meanwhile },
	{ "function-level reset in flight clears HBM and configuration", test_flr },
	{ "30 function-level resets in a row", test_flr_storm },
	{ "system reset in flight", test_system_reset },
	{ "D3hot in flight: no DMA; back in D0: reset, HBM kept", test_d3 },
	{ "stop and continue the VM in flight", test_stop },
	{ "quit in flight, running and stopped", test_quit },
	{ "unplug in flight and plug again", test_unplug },
	{ "DMA fault behind an IOMMU stops the queue, not QEMU", test_iommu },
};

int main(int argc, char **argv)
{
	return tap_main(tests, ARRAY_LEN(tests), argc, argv);
}
