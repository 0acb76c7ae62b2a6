// SPDX-License-Identifier: MIT
/* Saving and restoring the device through a file: quiet, in flight, and from bad streams. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"

#define COUNT 300000000u /* iterations of the long program */

static struct dev dev;
static char path[64];

static struct qts *start_qemu(const char *device, const char *more)
{
	return qts_start(MACHINE "-device %s,id=d0,addr=4,serial=77 %s", device, more);
}

static void start(void)
{
	snprintf(path, sizeof(path), "/tmp/dsa-qtest-%d", (int)getpid());
	dev_open(&dev, start_qemu(SMALL_DSA, ""), 4, 0);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_setup(&dev, 33);
}

static void wait_migration(struct qts *s)
{
	double end = tap_now() + WAIT_SECONDS;
	const char *reply;

	for (;;) {
		reply = qts_qmp_ok(s, "{\"execute\":\"query-migrate\"}");
		if (strstr(reply, "\"status\": \"completed\""))
			return;
		if (strstr(reply, "\"failed\"") || tap_now() > end)
			FAIL("migration: %s", reply);
	}
}

static void save(struct qts *s)
{
	qts_qmp_ok(s, "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"file:%s\"}}", path);
	wait_migration(s);
}

/* Into a new QEMU; the old one stays for comparison. */
static struct qts *restore(const char *device)
{
	struct qts *s = start_qemu(device, "-incoming defer -S");

	qts_qmp_ok(s, "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"file:%s\"}}",
		   path);
	wait_migration(s);
	unlink(path);
	return s;
}

static void go_on(struct qts *s)
{
	qts_qmp_ok(s, "{\"execute\":\"cont\"}");
	qts_wait_event(s, "RESUME");
}

static void compare_memory(struct qts *a, struct qts *b, const char *what, uint64_t at,
			   size_t bytes)
{
	uint8_t *x = malloc(bytes), *y = malloc(bytes);
	size_t i = 0;

	qts_get(a, at, x, bytes);
	qts_get(b, at, y, bytes);
	while (i < bytes && x[i] == y[i])
		i++;
	free(x);
	free(y);
	if (i < bytes)
		FAIL("%s differs at 0x%zx", what, i);
}

/* Temperature and power follow the host's clock; all else stands still. */
static void compare_registers(struct qts *a, struct qts *b)
{
	for (unsigned int reg = 0; reg < DSA_REGS_SIZE; reg += 4) {
		uint64_t x, y;

		if ((reg >= DSA_REG_TEMPERATURE && reg <= DSA_REG_CLOCK_NOW) ||
		    reg == DSA_REG_HBM_TEMPERATURE)
			continue;
		if ((reg >= 0x400 && reg < 0x1000) || (reg >= 0x2000 && reg < DSA_QUEUE_BASE) ||
		    (reg >= DSA_QUEUE_BASE && (reg & 0x3ff) >= 0x100))
			continue; /* nothing there */
		x = qts_read(a, dev.bar[0] + reg, 4);
		y = qts_read(b, dev.bar[0] + reg, 4);
		if (x != y)
			FAIL("register 0x%x was 0x%llx and is 0x%llx", reg, (unsigned long long)x,
			     (unsigned long long)y);
	}
}

static void compare_all(struct qts *a, struct qts *b)
{
	struct pci p = dev.pci, q = dev.pci;

	p.s = a;
	q.s = b;
	for (unsigned int reg = 0; reg < 0x200; reg += 4)
		CHECK_EQ(pci_read(&q, reg, 4), pci_read(&p, reg, 4));
	compare_registers(a, b);
	compare_memory(a, b, "MSI-X table", dev.bar[4] + DSA_MSIX_TABLE_OFFSET,
		       DSA_NUM_VECTORS * 16);
	compare_memory(a, b, "HBM", dev.bar[2], HBM_BYTES);
	compare_memory(a, b, "the guest's memory", dev.base, 4 << 20);
}

static void test_quiet(void)
{
	struct dsa_cmd_fill fill = cmd_fill(VA_HBM + 0x3000, 0x4000, 0x5a, 1);
	struct qts *old;

	start();
	queue_wait(&dev, 33, queue_submit(&dev, 33, &fill, sizeof(fill)));
	qts_write(dev.s, dev.bar[4] + DSA_DOORBELL(0), 4, 99); /* one queue in error */
	queue_expect_error(&dev, 0, DSA_ERR_BAD_DOORBELL);
	reg_write(&dev, DSA_REG_SCRATCH, 0xabcd);
	old = dev.s;
	save(old);
	dev.s = dev.pci.s = restore(SMALL_DSA);
	compare_all(old, dev.s);
	go_on(dev.s);
	queue_check_works(&dev, 33);
	dev_clear_msi(&dev, 34);
	queue_check_works(&dev, 33);
	dev_wait_msi(&dev, 34);
	queue_setup(&dev, 1);
	queue_check_works(&dev, 1);
}

/* A program that sums 1 .. COUNT and stores the sum; counters beside it. */
static uint64_t start_long(void)
{
	static const uint32_t code[] = {
		0x00052583, /* lw a1, 0(a0) */
		0x00000613, /* li a2, 0 */
		0x00b60633, /* add a2, a2, a1 */
		0xfff58593, /* addi a1, a1, -1 */
		0xfe059ce3, /* bnez a1, -8 */
		0x00c53423, /* sd a2, 8(a0) */
		0x00008067, /* ret */
	};
	struct dsa_cmd_launch launch = cmd_launch(VA_HBM, VA_HBM + 0x1000, 1);

	launch.counters = VA_HBM + 0x2000;
	qts_put(dev.s, dev.bar[2], code, sizeof(code));
	qts_write(dev.s, dev.bar[2] + 0x1000, 4, COUNT);
	return queue_submit(&dev, 0, &launch, sizeof(launch));
}

static void check_long(uint64_t fence)
{
	queue_wait(&dev, 0, fence);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x1008, 8), COUNT * (COUNT + 1ull) / 2);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x2008, 8), 4 + 3ull * COUNT);
}

static void test_in_flight(void)
{
	struct dsa_cmd_copy copies[16];
	uint64_t fence, copied;
	struct qts *old;

	start();
	fence = start_long();
	for (size_t i = 0; i < ARRAY_LEN(copies); i++)
		copies[i] = cmd_copy(VA_HBM + (8 << 20), dev.base + AT_DATA, 4 << 20);
	copied = queue_submit(&dev, 33, copies, sizeof(copies));
	WAIT_UNTIL(reg32(&dev, DSA_QREG(0, DSA_Q_BUSY)));
	old = dev.s;
	save(old);
	dev.s = dev.pci.s = restore(SMALL_DSA);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_BUSY)), 1); /* really in flight */
	compare_all(old, dev.s);
	go_on(dev.s);
	check_long(fence);
	queue_wait(&dev, 33, copied);
}

/* The modelled times of a run are the same with and without a stop in between. */
static void test_same_times(void)
{
	uint64_t times[2][2];

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t fence;

		start();
		fence = start_long();
		WAIT_UNTIL(reg32(&dev, DSA_QREG(0, DSA_Q_BUSY)));
		if (i) {
			save(dev.s);
			qts_quit(dev.s);
			dev.s = dev.pci.s = restore(SMALL_DSA);
			go_on(dev.s);
		}
		check_long(fence);
		qts_get(dev.s, dev.bar[2] + 0x2010, times[i], sizeof(times[i]));
		qts_quit(dev.s);
	}
	CHECK_EQ(times[1][0], times[0][0]);
	CHECK_EQ(times[1][1], times[0][1]);
}

static void test_source_goes_on(void)
{
	uint64_t fence;

	start();
	fence = start_long();
	save(dev.s);
	go_on(dev.s);
	check_long(fence);
	queue_check_works(&dev, 33);
	unlink(path);
}

/* ---- bad streams ---- */

static uint8_t *read_file(size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;

	if (!f)
		FAIL("%s is not there", path);
	fseek(f, 0, SEEK_END);
	*size = ftell(f);
	rewind(f);
	data = malloc(*size);
	if (!data || fread(data, 1, *size, f) != *size)
		FAIL("cannot read %s", path);
	fclose(f);
	return data;
}

static void write_file(const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(data, 1, size, f) != size)
		FAIL("cannot write %s", path);
	fclose(f);
}

/* QEMU takes the stream and says why not. */
static void expect_refusal(const char *device, const char *text)
{
	char messages[8192];
	int status = qts_run(messages, sizeof(messages),
			     MACHINE "-device %s,id=d0,addr=4,serial=77 -S -incoming file:%s",
			     device, path);

	if (status != 1 || !strstr(messages, text))
		FAIL("exit status %d, messages: %s(expected: %s)", status, messages, text);
}

static void test_other_device(void)
{
	start();
	save(dev.s);
	expect_refusal("dsa,hbm-size=16M,cores=8,scratchpad-size=256K", "number of cores differs");
	expect_refusal("dsa,hbm-size=16M,cores=4,scratchpad-size=512K", "differs");
	expect_refusal("dsa,hbm-size=32M,cores=4,scratchpad-size=256K", "dsa-hbm");
	unlink(path);
}

/* Where the device's section begins: its name, then its instance number, 0. */
static size_t find_section(uint8_t *data, size_t size)
{
	static const char name[] = "0000:00:04.0/dsa\0\0\0";
	uint8_t *at = memmem(data, size, name, sizeof(name));

	if (!at)
		FAIL("the device's section is not in the stream");
	return at - data;
}

/* Bytes of the device's section changed, one at a time: refused or taken, never a crash. */
static void test_corrupt(void)
{
	size_t size, from, taken = 0;
	uint8_t *data;

	start();
	start_long();
	WAIT_UNTIL(reg32(&dev, DSA_QREG(0, DSA_Q_BUSY)));
	save(dev.s);
	qts_quit(dev.s);
	data = read_file(&size);
	from = find_section(data, size);
	for (size_t i = 0; i < 60; i++) {
		/* PCI's part first, then more and more of the core's. */
		size_t span = i < 20 ? 6000 : i < 40 ? 30000 : size - from - 20;
		size_t at = from + 20 + (i * 2654435761u >> 7) % span;
		uint8_t was = data[at];
		struct qts *s;

		data[at] ^= 1u << i % 8;
		write_file(data, size);
		data[at] = was;
		s = start_qemu(SMALL_DSA, "-incoming defer -S");
		qts_qmp_ok(s,
			   "{\"execute\":\"migrate-incoming\",\"arguments\":"
			   "{\"uri\":\"file:%s\",\"exit-on-error\":false}}",
			   path);
		WAIT_UNTIL(strstr(qts_qmp_ok(s, "{\"execute\":\"query-migrate\"}"), "ed\""));
		if (strstr(qts_qmp_ok(s, "{\"execute\":\"query-migrate\"}"), "\"completed\"")) {
			taken++;
			go_on(s);
			for (unsigned int j = 0; j < 20; j++)
				qts_read(s, dev.bar[0] + DSA_QREG(0, DSA_Q_STATE), 4);
		}
		qts_quit(s);
	}
	tap_note("of 60 changed streams %zu were taken", taken);
	unlink(path);
	free(data);
	CHECK(taken < 60);
}

static void test_truncated(void)
{
	size_t size, at;
	uint8_t *data;

	start();
	save(dev.s);
	data = read_file(&size);
	at = find_section(data, size);
	write_file(data, at + 3000);
	free(data);
	expect_refusal(SMALL_DSA, "0000:00:04.0/dsa");
	unlink(path);
}

static const struct test tests[] = {
	{ "quiet device restored bit by bit, works on", test_quiet },
	{ "device in flight restored, results right", test_in_flight },
	{ "modelled times do not depend on a restore", test_same_times },
	{ "the source goes on after saving in flight", test_source_goes_on },
	{ "a device with other properties refuses the stream", test_other_device },
	{ "a truncated stream is refused", test_truncated },
	{ "corrupt streams do not crash", test_corrupt },
};

int main(int argc, char **argv)
{
	return tap_main(tests, ARRAY_LEN(tests), argc, argv);
}
