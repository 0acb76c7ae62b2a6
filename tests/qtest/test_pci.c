// SPDX-License-Identifier: MIT
/* The device on its bus: identity, configuration space, BARs, MSI-X, properties. */
#include <stdio.h>
#include <string.h>

#include "dev.h"

static struct dev dev;

static void start(void)
{
	dev_open(&dev,
		 qts_start(MACHINE "-device " SMALL_DSA ",id=d0,serial=0x1122334455667788,addr=4"),
		 4, 0);
}

static void test_identity(void)
{
	struct qts *s = qts_start(MACHINE "-device " SMALL_DSA ",addr=4");
	struct pci p = { .s = s, .devfn = 4 << 3 };

	CHECK_EQ(pci_port_read(&p, 0x00), DEVICE_ID);
	CHECK_EQ(pci_port_read(&p, 0x08), (uint32_t)DSA_PCI_CLASS << 16 | DSA_PCI_REVISION);
	CHECK_EQ(pci_port_read(&p, 0x0c) >> 16 & 0x7f, 0);
	p.devfn = 5 << 3;
	CHECK_EQ(pci_port_read(&p, 0x00), 0xffffffff);
}

static uint64_t bar_size(unsigned int bar, bool wide)
{
	uint64_t mask;

	pci_write(&dev.pci, 0x10 + bar * 4, 4, ~0u);
	mask = pci_read(&dev.pci, 0x10 + bar * 4, 4) & ~15u;
	if (!wide)
		return (uint32_t)-mask;
	pci_write(&dev.pci, 0x14 + bar * 4, 4, ~0u);
	return -(mask | (uint64_t)pci_read(&dev.pci, 0x14 + bar * 4, 4) << 32);
}

static void test_bar_sizes(void)
{
	start();
	CHECK_EQ(pci_read(&dev.pci, 0x10, 4) & 15, 0);
	CHECK_EQ(pci_read(&dev.pci, 0x18, 4) & 15, 0xc); /* 64-bit, prefetchable */
	CHECK_EQ(pci_read(&dev.pci, 0x20, 4) & 15, 0x4); /* 64-bit */
	pci_write(&dev.pci, 0x04, 2, 0);
	CHECK_EQ(bar_size(0, false), DSA_REGS_SIZE);
	CHECK_EQ(bar_size(2, true), HBM_BYTES);
	CHECK_EQ(bar_size(4, true), DSA_DOORBELL_BAR_SIZE);
}

static void test_capabilities(void)
{
	unsigned int aer, serial;

	start();
	CHECK(pci_read(&dev.pci, dev.express + 4, 4) & 1u << 28); /* FLR */
	CHECK_EQ(pci_read(&dev.pci, dev.msix + 2, 2) & 0x7ff, DSA_NUM_VECTORS - 1);
	CHECK_EQ(pci_read(&dev.pci, dev.msix + 4, 4), DSA_MSIX_TABLE_OFFSET | DSA_BAR_DOORBELL);
	CHECK_EQ(pci_read(&dev.pci, dev.msix + 8, 4), DSA_MSIX_PBA_OFFSET | DSA_BAR_DOORBELL);
	aer = pci_find_ext_cap(&dev.pci, 0x01);
	serial = pci_find_ext_cap(&dev.pci, 0x03);
	CHECK(aer && serial);
	CHECK_EQ(pci_read(&dev.pci, serial + 4, 4), 0x55667788);
	CHECK_EQ(pci_read(&dev.pci, serial + 8, 4), 0x11223344);
}

static void test_registers(void)
{
	start();
	CHECK_EQ(reg32(&dev, DSA_REG_MAGIC), DSA_MAGIC);
	CHECK_EQ(reg32(&dev, DSA_REG_VERSION), DSA_VERSION_MAJOR << 16 | DSA_VERSION_MINOR);
	CHECK_EQ(reg64(&dev, DSA_REG_SERIAL), 0x1122334455667788);
	CHECK_EQ(reg64(&dev, DSA_REG_HBM_SIZE), HBM_BYTES);
	CHECK_EQ(reg32(&dev, DSA_REG_CORES), 4);
	CHECK_EQ(reg32(&dev, DSA_REG_SCRATCH_SIZE), 256 << 10);
	CHECK_EQ(reg32(&dev, DSA_REG_QUEUES), DSA_NUM_QUEUES << 16 | DSA_NUM_COMPUTE_QUEUES);
	reg_write(&dev, DSA_REG_SCRATCH, 0x12345678);
	CHECK_EQ(reg32(&dev, DSA_REG_SCRATCH), 0x12345678);
	CHECK_EQ(reg32(&dev, DSA_REG_SERIAL + 4), 0x11223344); /* a half */
}

/* Offsets in a page that matter: every alignment, both ends, straddling its end. */
static const unsigned int page_offsets[] = {
	0,     1,     2,     3,     4,     5,     6,     7,     8,     0x7fc,
	0x7fe, 0x801, 0xff8, 0xff9, 0xffa, 0xffb, 0xffc, 0xffd, 0xffe, 0xfff,
};

static void sweep(uint64_t bar, uint64_t bytes, uint64_t value, bool write)
{
	for (uint64_t page = 0; page < bytes; page += 0x1000) {
		for (size_t i = 0; i < ARRAY_LEN(page_offsets); i++) {
			for (unsigned int size = 1; size <= 8; size *= 2) {
				uint64_t addr = bar + page + page_offsets[i];

				if (write)
					qts_write(dev.s, addr, size, value);
				else
					qts_read(dev.s, addr, size);
			}
		}
	}
}

static void test_bar0_reads(void)
{
	static const struct {
		unsigned int offset, size;
	} bad[] = {
		{ DSA_REG_MAGIC, 1 },
		{ DSA_REG_MAGIC, 2 },
		{ DSA_REG_MAGIC + 1, 4 },
		{ DSA_REG_MAGIC + 2, 4 },
		{ DSA_REG_SERIAL + 4, 8 },
		{ DSA_REG_SERIAL + 1, 1 },
		{ 0xffc, 4 },
		{ 0xff8, 8 },
		{ 0xfff, 2 },
		{ 0xffe, 4 },
		{ 0xffc, 8 },
		{ DSA_REGS_SIZE - 1, 1 },
		{ DSA_REGS_SIZE - 4, 4 },
		{ DSA_QREG(0, 0x3fc), 4 },
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t before = reg32(&dev, DSA_REG_BAD_ACCESS);
		uint64_t have = qts_read(dev.s, dev.bar[0] + bad[i].offset, bad[i].size);

		if (have || reg32(&dev, DSA_REG_BAD_ACCESS) == before)
			FAIL("read of %u bytes at 0x%x gives 0x%llx, bad accesses 0x%x",
			     bad[i].size, bad[i].offset, (unsigned long long)have,
			     reg32(&dev, DSA_REG_BAD_ACCESS));
	}
	sweep(dev.bar[0], DSA_REGS_SIZE, 0, false);
	qts_read(dev.s, dev.bar[0] + DSA_REGS_SIZE - 2, 8); /* past the end */
	CHECK_EQ(reg32(&dev, DSA_REG_MAGIC), DSA_MAGIC);
	CHECK_EQ(reg32(&dev, DSA_REG_STATUS), DSA_STATUS_READY);
}

static void test_bar0_writes(void)
{
	start();
	sweep(dev.bar[0], DSA_REGS_SIZE, 0, true);
	sweep(dev.bar[0], DSA_REGS_SIZE, ~0ull, true);
	sweep(dev.bar[0], DSA_REGS_SIZE, 0x0101010101010101, true);
	qts_write(dev.s, dev.bar[0] + DSA_REGS_SIZE - 2, 8, ~0ull);
	CHECK_EQ(reg32(&dev, DSA_REG_MAGIC), DSA_MAGIC);
	CHECK(reg32(&dev, DSA_REG_BAD_ACCESS));
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_wait_reset(&dev);
	CHECK_EQ(reg32(&dev, DSA_REG_BAD_ACCESS), 0);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_check_works(&dev, 0);
}

static void test_bar4(void)
{
	uint64_t hole;

	start();
	hole = dev.bar[4] + DSA_MSIX_PBA_OFFSET + 0x4000;
	sweep(dev.bar[4], DSA_DOORBELL_BAR_SIZE, 0, false);
	sweep(dev.bar[4], DSA_DOORBELL_BAR_SIZE, ~0ull, true);
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL_BAR_SIZE - 2, 8, ~0ull);
	CHECK_EQ(qts_read(dev.s, dev.bar[4], 4), 0);
	CHECK_EQ(qts_read(dev.s, hole, 8), 0);
	dev_configure(&dev);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_check_works(&dev, 0);
}

static void test_bar2(void)
{
	uint64_t end;

	start();
	end = dev.bar[2] + HBM_BYTES;
	CHECK_EQ(qts_read(dev.s, dev.bar[2], 8), 0);
	CHECK_EQ(qts_read(dev.s, end - 8, 8), 0);
	for (unsigned int size = 1; size <= 8; size *= 2)
		for (unsigned int i = 0; i < ARRAY_LEN(page_offsets); i++) {
			uint64_t value = 0xfedcba9876543210ull >> (64 - 8 * size);
			uint64_t addr = dev.bar[2] + 0x5000 + page_offsets[i];

			qts_write(dev.s, addr, size, value);
			CHECK_EQ(qts_read(dev.s, addr, size), value);
		}
	qts_write(dev.s, end - 4, 4, 0x11111111);
	qts_write(dev.s, end - 4, 8, 0x2222222233333333ull); /* half of it is beyond */
	CHECK_EQ(qts_read(dev.s, end - 4, 4), 0x33333333);
}

static void test_msix(void)
{
	uint64_t entry, pba;

	start();
	dev_setup(&dev);
	entry = dev.bar[4] + DSA_MSIX_TABLE_OFFSET;
	pba = dev.bar[4] + DSA_MSIX_PBA_OFFSET;
	reg_write(&dev, DSA_REG_PING, 1);
	dev_wait_msi(&dev, 0);
	CHECK_EQ(reg32(&dev, DSA_REG_INT_STATUS), DSA_INT_PING);

	/* Masked: pending, and delivered when unmasked. */
	dev_clear_msi(&dev, 0);
	reg_write(&dev, DSA_REG_INT_STATUS, DSA_INT_PING);
	CHECK_EQ(reg32(&dev, DSA_REG_INT_STATUS), 0);
	qts_write(dev.s, entry + 12, 4, 1);
	reg_write(&dev, DSA_REG_PING, 1);
	WAIT_UNTIL(qts_read(dev.s, pba, 8) & 1);
	CHECK(!dev_msi_arrived(&dev, 0));
	qts_write(dev.s, entry + 12, 4, 0);
	dev_wait_msi(&dev, 0);
	CHECK_EQ(qts_read(dev.s, pba, 8) & 1, 0);
}

/* With MSI-X off or the source disabled there is the status bit and no message. */
static void test_interrupts_off(void)
{
	start();
	dev_setup(&dev);
	reg_write(&dev, DSA_REG_INT_ENABLE, 0);
	reg_write(&dev, DSA_REG_PING, 1);
	WAIT_UNTIL(reg32(&dev, DSA_REG_INT_STATUS) & DSA_INT_PING);
	CHECK(!dev_msi_arrived(&dev, 0));
	reg_write(&dev, DSA_REG_INT_STATUS, DSA_INT_PING);
	reg_write(&dev, DSA_REG_INT_ENABLE, ~0u);
	pci_write(&dev.pci, dev.msix + 2, 2, 0);
	reg_write(&dev, DSA_REG_PING, 1);
	WAIT_UNTIL(reg32(&dev, DSA_REG_INT_STATUS) & DSA_INT_PING);
	queue_setup(&dev, 0);
	queue_check_works(&dev, 0);
	CHECK(!dev_msi_arrived(&dev, 0) && !dev_msi_arrived(&dev, 1));
}

static void test_bad_properties(void)
{
	static const struct {
		const char *args, *text;
	} bad[] = {
		{ "-device dsa,hbm-size=0x300000", "hbm-size=3145728 (3 MiB) is not possible" },
		{ "-device dsa,hbm-size=4096", "power of two from 1 MiB to 1 TiB" },
		{ "-device dsa,hbm-size=2T", "hbm-size=" },
		{ "-device dsa,cores=65", "cores=65 is not possible: it must be 1 to 64" },
		{ "-device dsa,scratchpad-size=32M", "scratchpad-size=33554432" },
		{ "-device dsa,scratchpad-size=3K", "scratchpad-size=3072" },
		{ "-device dsa,copy-engines=17", "copy-engines=17" },
		{ "-device dsa,workers=65", "workers=65 is not possible" },
		{ "-device dsa,vlen=96",
		  "vlen=96 is not possible: it must be a power of two from 128" },
		{ "-device dsa,core-clock-khz=1", "core-clock-khz=1 is not possible" },
		{ "-device dsa,hbm-bandwidth=4000000000", "hbm-bandwidth=4000000000" },
		{ "-device dsa,bus-bandwidth=4000000000", "bus-bandwidth=4000000000" },
		{ "-device dsa,temperature=5000000", "temperature=5000000" },
		{ "-device dsa,preset=fast", "preset 'fast'" },
		{ "-device dsa,pace=slow", "pace=slow is not possible: there are none, model" },
		{ "-device dsa,hbm-latency=1000001",
		  "hbm-latency=1000001 is not possible: it must be 0 to 1000000" },
		{ "-device dsa,matrix-cycles=0", "matrix-cycles=0 is not possible" },
		{ "-device dsa,vector-bits=96", "vector-bits must be a power of two" },
		{ "-device dsa,launch-ns=x", "launch-ns" },
		{ "-device dsa,memdev=nope", "nope" },
		{ "-object memory-backend-ram,id=m,size=3M -device dsa,memdev=m",
		  "size of memdev=3145728" },
		{ "-object memory-backend-ram,id=m,size=4M -device dsa,memdev=m,hbm-size=8M",
		  "differs from the size of memdev 'm'" },
		{ "-object memory-backend-ram,id=m,size=4M -device dsa,memdev=m -device dsa,memdev=m",
		  "in use by another device" },
		{ "-device dsa,colour=red", "colour" },
	};
	char text[4096];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int status = qts_run(text, sizeof(text), MACHINE "%s", bad[i].args);

		if (status != 1 || !strstr(text, bad[i].text))
			FAIL("%s: exit status %d, message: %s(expected: %s)", bad[i].args, status,
			     text, bad[i].text);
	}
}

static void test_memdev(void)
{
	struct qts *s = qts_start(MACHINE "-object memory-backend-ram,id=m,size=4M "
					  "-device dsa,memdev=m,id=d0,addr=4");

	dev_open(&dev, s, 4, 0);
	CHECK_EQ(reg64(&dev, DSA_REG_HBM_SIZE), 4 << 20);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_check_works(&dev, 0);
}

static int temperature(void)
{
	const char *reply = qts_qmp_ok(
		dev.s, "{\"execute\":\"qom-get\",\"arguments\":"
		       "{\"path\":\"/machine/peripheral/d0\",\"property\":\"temperature\"}}");
	int value = 0;

	CHECK(sscanf(reply, "{\"return\": %d", &value) == 1);
	return value;
}

static void test_temperature(void)
{
	const char *set =
		"{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/d0\","
		"\"property\":\"temperature\",\"value\":%d}}";

	start();
	qts_qmp_ok(dev.s, set, 71500);
	CHECK_EQ(temperature(), 71500);
	CHECK_EQ(reg32(&dev, DSA_REG_TEMPERATURE), 71500);
	CHECK(strstr(qts_qmp(dev.s, set, 10000000), "out of range"));
	CHECK_EQ(temperature(), 71500);
}

static void test_two_devices(void)
{
	struct qts *s = qts_start(MACHINE "-device " SMALL_DSA ",addr=4 -device " SMALL_DSA
					  ",addr=5");
	struct dev a, b;
	uint64_t fence_a, fence_b;

	dev_open(&a, s, 4, 0);
	dev_open(&b, s, 5, 1);
	CHECK(reg64(&a, DSA_REG_SERIAL) != reg64(&b, DSA_REG_SERIAL));
	dev_setup(&a);
	dev_setup(&b);
	queue_setup(&a, 3);
	queue_setup(&b, 3);
	fence_a = queue_submit(&a, 3, NULL, 0);
	fence_b = queue_submit(&b, 3, NULL, 0);
	queue_wait(&a, 3, fence_a);
	queue_wait(&b, 3, fence_b);
	dev_wait_msi(&a, 4);
	dev_wait_msi(&b, 4);

	/* A reset of one leaves the other alone. */
	start_runaway(&a, 3);
	start_runaway(&b, 3);
	reg_write(&a, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_wait_reset(&a);
	CHECK_EQ(reg32(&a, DSA_QREG(3, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
	CHECK_EQ(reg32(&b, DSA_QREG(3, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
	CHECK_EQ(reg32(&b, DSA_QREG(3, DSA_Q_BUSY)), 1);
}

static const struct test tests[] = {
	{ "identity through ports 0xcf8 and 0xcfc", test_identity },
	{ "BAR types and sizes", test_bar_sizes },
	{ "capabilities: FLR, MSI-X, AER, serial number", test_capabilities },
	{ "identity registers", test_registers },
	{ "BAR0 reads of every size and alignment", test_bar0_reads },
	{ "BAR0 writes of every size and alignment", test_bar0_writes },
	{ "BAR4 accesses of every size and alignment, holes too", test_bar4 },
	{ "BAR2 is memory up to its last byte", test_bar2 },
	{ "MSI-X message delivered; masked: pending, then delivered", test_msix },
	{ "no message with the interrupt or MSI-X disabled", test_interrupts_off },
	{ "bad properties are refused with a reason", test_bad_properties },
	{ "memdev is the HBM", test_memdev },
	{ "temperature settable at run time", test_temperature },
	{ "two devices, one reset", test_two_devices },
};

int main(int argc, char **argv)
{
	return tap_main(tests, ARRAY_LEN(tests), argc, argv);
}
