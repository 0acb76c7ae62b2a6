// SPDX-License-Identifier: MIT
/* Faults ordered through the property "fault": what QMP says, and what the bus sees. */
#include <string.h>

#include "dev.h"

#define SET \
	"{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/d0\",\"property\":\"fault\",\"value\":\"%s\"}}"
#define GET \
	"{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/d0\",\"property\":\"fault\"}}"

static struct dev dev;

static void start(void)
{
	dev_open(&dev, qts_start(MACHINE "-device " SMALL_DSA ",id=d0,addr=4"), 4, 0);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_setup(&dev, 1);
}

static void test_orders(void)
{
	start();
	CHECK(strstr(qts_qmp(dev.s, SET, "core-hung"), "there are core-hang, queue-hang"));
	CHECK(strstr(qts_qmp(dev.s, SET, "core-hang,core=4"), "it must be 0 to 3, or any"));
	CHECK(strstr(qts_qmp_ok(dev.s, GET), "\"\""));
	qts_qmp_ok(dev.s, SET, "core-hang,core=2,prob=0.25,seed=3,count=9");
	CHECK(strstr(qts_qmp_ok(dev.s, GET),
		     "core-hang,core=2,count=9,prob=0.25,seed=3: fired 0 of 0"));
	qts_qmp_ok(dev.s, SET, "heal");
	CHECK(strstr(qts_qmp_ok(dev.s, GET), "\"\""));
	queue_check_works(&dev, 0);
}

static void test_not_before_realize(void)
{
	char said[4096];

	CHECK(qts_run(said, sizeof(said), MACHINE "-device " SMALL_DSA ",fault=core-hang") != 0);
	CHECK(strstr(said, "use qom-set"));
}

/* A core that hangs: KILL does not help, a reset of the engine does. */
static void test_core_hang(void)
{
	struct dsa_cmd_launch launch = cmd_launch(VA_HBM, VA_HBM + 0x1000, 1);
	unsigned int core = 0;

	start();
	qts_qmp_ok(dev.s, SET, "core-hang");
	queue_submit(&dev, 0, &launch, sizeof(launch));
	WAIT_UNTIL(strstr(qts_qmp_ok(dev.s, GET), "fired 1 of 1, spent"));
	reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	queue_check_works(&dev, 1);
	CHECK_EQ(reg32(&dev, DSA_QREG(0, DSA_Q_STATE)), DSA_QSTATE_STOPPING);
	for (; core < 4; core++) {
		reg_write(&dev, DSA_REG_ENG_SELECT, DSA_ENGINE_CORE << 16 | core);
		if (reg32(&dev, DSA_REG_ENG_STATE) == DSA_ENG_STUCK)
			break;
	}
	CHECK_EQ(reg32(&dev, DSA_REG_ENG_QUEUE), 0);
	reg_write(&dev, DSA_REG_ENG_RESET, 1);
	queue_expect_error(&dev, 0, DSA_ERR_KILLED);
	CHECK_EQ(reg32(&dev, DSA_REG_ENG_STATE), DSA_ENG_IDLE);
	queue_check_works(&dev, 1);
}

/* The device's own report comes in time, though nobody asks. */
static void test_hang_reported(void)
{
	start();
	qts_qmp_ok(dev.s, SET, "queue-hang,queue=0,report=20");
	queue_submit(&dev, 0, NULL, 0);
	queue_check_works(&dev, 1);
	queue_expect_error(&dev, 0, DSA_ERR_HANG);
	dev_wait_msi(&dev, 1);
}

static void test_link_down(void)
{
	start();
	qts_write(dev.s, dev.bar[2] + 0x7000, 8, 0x1234);
	qts_qmp_ok(dev.s, SET, "link-down");
	CHECK_EQ(reg32(&dev, DSA_REG_MAGIC), 0xffffffff);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x7000, 8), UINT64_MAX);
	CHECK_EQ(qts_read(dev.s, dev.bar[4], 4), 0xffffffff);
	CHECK_EQ(qts_read(dev.s, dev.bar[4] + DSA_MSIX_TABLE_OFFSET, 4), 0xffffffff);
	CHECK_EQ(pci_read(&dev.pci, 0, 4), 0xffffffff);
	qts_write(dev.s, dev.bar[2] + 0x7000, 8, 0);
	reg_write(&dev, DSA_REG_SCRATCH, 1);
	pci_write(&dev.pci, 4, 2, 0);
	qts_qmp_ok(dev.s, SET, "heal=link-down");
	CHECK_EQ(reg32(&dev, DSA_REG_MAGIC), DSA_MAGIC);
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + 0x7000, 8), 0x1234);
	CHECK_EQ(reg32(&dev, DSA_REG_SCRATCH), 0);
	CHECK_EQ(pci_read(&dev.pci, 0, 4), DEVICE_ID);
	queue_check_works(&dev, 0);
	dev_wait_msi(&dev, 1);
}

static void test_boot_fail(void)
{
	start();
	qts_qmp_ok(dev.s, SET, "boot-fail,count=2");
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	WAIT_UNTIL(reg32(&dev, DSA_REG_STATUS) == DSA_STATUS_FATAL);
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	WAIT_UNTIL(reg32(&dev, DSA_REG_STATUS) == DSA_STATUS_FATAL);
	reg_write(&dev, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	WAIT_UNTIL(reg32(&dev, DSA_REG_STATUS) == DSA_STATUS_READY);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_check_works(&dev, 0);
}

static void test_ecc(void)
{
	struct dsa_cmd_copy copy = cmd_copy(VA_HBM + (4 << 20), VA_HBM + (8 << 20), 65536);

	start();
	qts_write(dev.s, dev.bar[2] + (8 << 20) + 0x100, 8, 0x1234);
	qts_qmp_ok(dev.s, SET, "ecc-uncorrected,addr=0x800100");
	queue_submit(&dev, 0, &copy, sizeof(copy));
	queue_expect_error(&dev, 0, DSA_ERR_ECC);
	CHECK_EQ(reg64(&dev, DSA_REG_ECC_ADDR), 0x800100);
	CHECK_EQ(reg32(&dev, DSA_REG_ECC_UNCORRECTED), 1);
	qts_write(dev.s, dev.bar[2] + (8 << 20) + 0x100, 8, 0x1234);
	queue_wait(&dev, 1, queue_submit(&dev, 1, &copy, sizeof(copy)));
	CHECK_EQ(qts_read(dev.s, dev.bar[2] + (4 << 20) + 0x100, 8), 0x1234);
	CHECK(strstr(qts_qmp_ok(dev.s, GET), "healed by a write"));
}

static void test_end_without_link(void)
{
	start();
	qts_qmp_ok(dev.s, SET, "link-down");
	qts_qmp_ok(dev.s, "{\"execute\":\"system_reset\"}");
	qts_quit(dev.s);
}

static const struct test tests[] = {
	{ "orders, their refusal and what is armed", test_orders },
	{ "no orders on the command line", test_not_before_realize },
	{ "a core that hangs needs a reset of the engine", test_core_hang },
	{ "a hang that the device reports", test_hang_reported },
	{ "link loss: ones from all BARs and configuration space, writes dropped", test_link_down },
	{ "firmware that does not boot", test_boot_fail },
	{ "an uncorrectable error, healed by a write through the BAR", test_ecc },
	{ "system reset and end with the link down", test_end_without_link },
};

int main(int argc, char **argv)
{
	return tap_main(tests, ARRAY_LEN(tests), argc, argv);
}
