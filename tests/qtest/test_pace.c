// SPDX-License-Identifier: MIT
/* pace=model and the constants of the cost model, on QEMU's threads and timers. */
#include <string.h>
#include <time.h>

#include "dev.h"

static struct dev dev;

static void start(const char *options)
{
	dev_open(&dev,
		 qts_start(MACHINE "-device " SMALL_DSA ",id=d0,addr=4,ring-packet-ns=0,"
				   "command-ns=0,copy-ns=50000000%s",
			   options),
		 4, 0);
	dev_setup(&dev);
	queue_setup(&dev, 0);
	queue_setup(&dev, 1);
}

static double ms_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static uint64_t submit_copy(unsigned int q)
{
	struct dsa_cmd_copy c = cmd_copy(VA_HBM, VA_HBM + 4096, 64);

	return queue_submit(&dev, q, &c, sizeof(c));
}

/* How long it took, ms, and what it should have taken, modelled. */
static double take(void)
{
	double before = ms_now();
	uint64_t fence = submit_copy(0);

	queue_wait(&dev, 0, fence);
	dev_wait_msi(&dev, 1);
	dev_clear_msi(&dev, 1);
	return ms_now() - before;
}

static void test_a_copy_takes_its_time(void)
{
	start(",pace=model");
	for (unsigned int i = 1; i <= 3; i++) {
		double ms = take();

		CHECK_EQ(reg64(&dev, DSA_QREG(0, DSA_Q_TIME)), i * 50000001ull);
		if (ms < 50 || ms > 2000)
			FAIL("a copy of 50 ms took %.3f ms", ms);
	}
}

static void test_queues_are_held_together(void)
{
	double before, ms;
	uint64_t a, b;

	start(",pace=model,workers=1");
	before = ms_now();
	a = submit_copy(0);
	b = submit_copy(1);
	queue_wait(&dev, 0, a);
	queue_wait(&dev, 1, b);
	ms = ms_now() - before;
	if (ms < 50 || ms > 2000)
		FAIL("two copies of 50 ms side by side took %.3f ms", ms);
}

/* Long ones: no test may hang by it, nor a device that goes away. */
static void test_a_held_queue_can_be_killed(void)
{
	start(",pace=model,copy-ns=1000000000");
	for (unsigned int i = 0; i < 3; i++)
		submit_copy(0);
	reg_write(&dev, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
	queue_wait_state(&dev, 0, DSA_QSTATE_ERROR);
	submit_copy(1);
}

static void test_not_paced(void)
{
	double ms;

	start(",copy-ns=1000000000");
	ms = take();
	CHECK_EQ(reg64(&dev, DSA_QREG(0, DSA_Q_TIME)), 1000000001);
	if (ms >= 1000)
		FAIL("without pace=model a copy waited for its modelled time: %.3f ms", ms);
}

static void test_costs_are_fixed_at_the_start(void)
{
	start("");
	if (!strstr(qts_qmp(dev.s, "{\"execute\":\"qom-set\",\"arguments\":{\"path\":"
				   "\"/machine/peripheral/d0\",\"property\":\"copy-ns\","
				   "\"value\":1}}"),
		    "after it was realized"))
		FAIL("a cost was changed while the device runs");
	if (!strstr(qts_qmp_ok(dev.s, "{\"execute\":\"qom-get\",\"arguments\":{\"path\":"
				      "\"/machine/peripheral/d0\",\"property\":\"hbm-latency\"}}"),
		    "600"))
		FAIL("hbm-latency is not 600");
}

static const struct test tests[] = {
	{ "a copy takes its modelled time", test_a_copy_takes_its_time },
	{ "queues are held each by its clock", test_queues_are_held_together },
	{ "a queue that is held can be killed", test_a_held_queue_can_be_killed },
	{ "without pace=model nothing is held", test_not_paced },
	{ "costs are fixed once the device is there", test_costs_are_fixed_at_the_start },
};

int main(int argc, char **argv)
{
	return tap_main(tests, ARRAY_LEN(tests), argc, argv);
}
