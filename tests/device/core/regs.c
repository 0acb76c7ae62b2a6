/* SPDX-License-Identifier: MIT */
/* BAR0 and the doorbells: every offset, every size. */
#include "harness.h"

enum mode { RO, WO, RW };

static const struct {
	uint64_t offset;
	unsigned int size;
	enum mode mode;
} table[] = {
	{ DSA_REG_MAGIC, 4, RO },	  { DSA_REG_VERSION, 4, RO },
	{ DSA_REG_SERIAL, 8, RO },	  { DSA_REG_HBM_SIZE, 8, RO },
	{ DSA_REG_CORES, 4, RO },	  { DSA_REG_SCRATCH_SIZE, 4, RO },
	{ DSA_REG_COPY_ENGINES, 4, RO },  { DSA_REG_QUEUES, 4, RO },
	{ DSA_REG_ASIDS, 4, RO },	  { DSA_REG_CORE_CLOCK, 4, RO },
	{ DSA_REG_VLEN, 4, RO },	  { DSA_REG_HBM_BANDWIDTH, 4, RO },
	{ DSA_REG_MATRIX_MACS, 4, RO },
	{ DSA_REG_STATUS, 4, RO },	  { DSA_REG_CONTROL, 4, WO },
	{ DSA_REG_RESET_COUNT, 4, RO },	  { DSA_REG_BAD_ACCESS, 4, RO },
	{ DSA_REG_SCRATCH, 4, RW },	  { DSA_REG_TIME, 8, RO },
	{ DSA_REG_INT_STATUS, 4, RW },	  { DSA_REG_INT_ENABLE, 4, RW },
	{ DSA_REG_PING, 4, WO },	  { DSA_REG_QUEUE_ERRORS, 8, RO },
	{ DSA_REG_TEMPERATURE, 4, RO },	  { DSA_REG_POWER, 4, RO },
	{ DSA_REG_CLOCK_NOW, 4, RO },	  { DSA_REG_ECC_CORRECTED, 4, RO },
	{ DSA_REG_ECC_UNCORRECTED, 4, RO }, { DSA_REG_BUSY_COMPUTE, 8, RO },
	{ DSA_REG_BUSY_COPY, 8, RO },	  { DSA_REG_HBM_TEMPERATURE, 4, RO },
	{ DSA_REG_MMU_INV_START, 8, RW },
	{ DSA_REG_MMU_INV_SIZE, 8, RW },  { DSA_REG_MMU_INV_CMD, 4, WO },
	{ DSA_REG_MMU_INV_SEQ, 4, RO },	  { DSA_REG_MMU_INV_DONE, 4, RO },
	{ DSA_REG_ECC_ADDR, 8, RO },	  { DSA_REG_ENG_SELECT, 4, RW },
	{ DSA_REG_ENG_STATE, 4, RO },	  { DSA_REG_ENG_QUEUE, 4, RO },
	{ DSA_REG_ENG_RESET, 4, WO },	  { DSA_REG_ENG_PC, 8, RO },
	{ DSA_REG_ENG_LAUNCH_ID, 8, RO }, { DSA_REG_ENG_PROGRAM_X, 4, RO },
	{ DSA_REG_ENG_PROGRAM_Y, 4, RO }, { DSA_REG_ENG_PROGRAM_Z, 4, RO },
	{ DSA_REG_ENG_WAIT, 4, RO },	  { DSA_REG_ENG_WAIT_ADDR, 8, RO },
	{ DSA_REG_ENG_BUSY, 8, RO },
}, queue_table[] = {
	{ DSA_Q_RING_BASE, 8, RW },	{ DSA_Q_RING_LOG2, 4, RW },	{ DSA_Q_ASID, 4, RW },
	{ DSA_Q_PRIORITY, 4, RW },	{ DSA_Q_VECTOR, 4, RW },	{ DSA_Q_CLASS, 4, RO },
	{ DSA_Q_COMMAND, 4, WO },	{ DSA_Q_STATE, 4, RO },		{ DSA_Q_HEAD, 4, RO },
	{ DSA_Q_TAIL, 4, RO },		{ DSA_Q_BUSY, 4, RO },		{ DSA_Q_TIME, 8, RO },
	{ DSA_Q_MODE, 4, RW },		{ DSA_Q_BUSY_COMPUTE, 8, RO },	{ DSA_Q_BUSY_COPY, 8, RO },
	{ DSA_Q_ERR_CODE, 4, RO },	{ DSA_Q_ERR_ACCESS, 4, RO },	{ DSA_Q_ERR_ENGINE, 4, RO },
	{ DSA_Q_ERR_OPCODE, 4, RO },	{ DSA_Q_ERR_ADDR, 8, RO },	{ DSA_Q_ERR_PC, 8, RO },
	{ DSA_Q_ERR_CMD_VA, 8, RO },	{ DSA_Q_ERR_JOB_ID, 8, RO },	{ DSA_Q_ERR_LAUNCH_ID, 8, RO },
	{ DSA_Q_ERR_PROGRAM_X, 4, RO }, { DSA_Q_ERR_PROGRAM_Y, 4, RO }, { DSA_Q_ERR_PROGRAM_Z, 4, RO },
	{ DSA_Q_ERR_INSN, 4, RO },
};

/* Size of the register that holds @offset, 0: none. */
static unsigned int reg_size(uint64_t offset, enum mode *mode)
{
	if (offset >= DSA_REG_MMU_ROOT(0) && offset < DSA_REG_MMU_ROOT(DSA_NUM_ASIDS)) {
		*mode = RW;
		return 8;
	}
	if (offset < DSA_QUEUE_BASE) {
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			*mode = table[i].mode;
			if (offset - table[i].offset < table[i].size)
				return table[i].size;
		}
		return 0;
	}
	offset = (offset - DSA_QUEUE_BASE) % DSA_QUEUE_STRIDE;
	for (size_t i = 0; i < sizeof(queue_table) / sizeof(queue_table[0]); i++) {
		*mode = queue_table[i].mode;
		if (offset - queue_table[i].offset < queue_table[i].size)
			return queue_table[i].size;
	}
	return 0;
}

static bool legal(uint64_t offset, unsigned int size)
{
	enum mode mode;
	unsigned int reg = offset < DSA_REGS_SIZE ? reg_size(offset, &mode) : 0;

	return (size == 4 || size == 8) && offset % size == 0 && size <= reg;
}

static uint64_t rd(struct dev *d, uint64_t offset, unsigned int size)
{
	uint64_t v;

	bus_lock(d);
	v = dsa_core_mmio_read(d->core, offset, size);
	bus_unlock(d);
	return v;
}

static void wr(struct dev *d, uint64_t offset, uint64_t v, unsigned int size)
{
	bus_lock(d);
	dsa_core_mmio_write(d->core, offset, v, size);
	bus_unlock(d);
}

static void every_read(void)
{
	struct dev *d = dev_new(0);

	for (uint64_t off = 0; off < DSA_REGS_SIZE + 64; off++) {
		for (unsigned int size = 1; size <= 8; size *= 2) {
			uint32_t before = rd32(d, DSA_REG_BAD_ACCESS);
			uint64_t v = rd(d, off, size);
			bool bad = rd32(d, DSA_REG_BAD_ACCESS) != before;

			if (bad == legal(off, size) || (bad && v))
				check_failed(__FILE__, __LINE__, "read of %u at 0x%llx", size,
					     (unsigned long long)off);
		}
		if (test_failed)
			break;
	}
	dev_free(d);
}

static void every_write(void)
{
	struct dev *d = dev_new(0);
	enum mode mode;

	for (uint64_t off = 0; off < DSA_REGS_SIZE + 64; off++) {
		for (unsigned int size = 1; size <= 8; size *= 2) {
			uint32_t before = rd32(d, DSA_REG_BAD_ACCESS);
			bool ok = legal(off, size);
			uint64_t old, now;

			/* Commands, some values of which are bad, are tested below. */
			if (ok && reg_size(off, &mode) && mode == WO)
				continue;
			old = rd(d, off & ~7ull, 8);
			before = rd32(d, DSA_REG_BAD_ACCESS);
			wr(d, off, 0x5a5a5a5a5a5a5a5aull, size);
			if ((rd32(d, DSA_REG_BAD_ACCESS) != before) == ok)
				check_failed(__FILE__, __LINE__, "write of %u at 0x%llx", size,
					     (unsigned long long)off);
			now = rd(d, off & ~7ull, 8);
			if (now != old &&
			    (off < DSA_REG_BAD_ACCESS - 7 || off > DSA_REG_BAD_ACCESS + 3) &&
			    (!ok || (reg_size(off, &mode) && mode == RO)) &&
			    off / 8 * 8 != DSA_REG_TEMPERATURE)
				check_failed(__FILE__, __LINE__,
					     "write of %u at 0x%llx had an effect", size,
					     (unsigned long long)off);
		}
		if (test_failed)
			break;
	}
	dev_free(d);
}

static void identification(void)
{
	struct dev *d = dev_new(0);

	CHECK_EQ(rd32(d, DSA_REG_MAGIC), DSA_MAGIC);
	CHECK_EQ(rd32(d, DSA_REG_VERSION), 0x10002);
	CHECK_EQ(rd64(d, DSA_REG_HBM_SIZE), HBM_SIZE);
	CHECK_EQ(rd32(d, DSA_REG_HBM_SIZE + 4), 0);
	CHECK_EQ(rd32(d, DSA_REG_CORES), 16);
	CHECK_EQ(rd32(d, DSA_REG_QUEUES), 64 << 16 | 32);
	CHECK_EQ(rd32(d, DSA_REG_ASIDS), 256);
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
	CHECK_EQ(rd32(d, DSA_REG_CONTROL), 0);
	for (unsigned int q = 0; q < 64; q++) {
		CHECK_EQ(rd32(d, DSA_QREG(q, DSA_Q_CLASS)), q >= 32);
		CHECK_EQ(rd32(d, DSA_QREG(q, DSA_Q_VECTOR)), q + 1);
		CHECK_EQ(rd32(d, DSA_QREG(q, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
	}
	dev_free(d);
}

static void halves(void)
{
	static const uint64_t regs[] = { DSA_REG_MMU_ROOT(0), DSA_REG_MMU_ROOT(255),
					 DSA_QREG(5, DSA_Q_RING_BASE), DSA_REG_MMU_INV_START };
	struct dev *d = dev_new(0);

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		wr64(d, regs[i], 0x1122334455667000ull);
		CHECK_EQ(rd32(d, regs[i]), 0x55667000);
		CHECK_EQ(rd32(d, regs[i] + 4), 0x11223344);
		wr32(d, regs[i] + 4, 0xaabbccdd);
		CHECK_EQ(rd64(d, regs[i]), 0xaabbccdd55667000ull);
		wr32(d, regs[i], 0x99aab000);
		CHECK_EQ(rd64(d, regs[i]), 0xaabbccdd99aab000ull);
	}
	dev_free(d);
}

static void ping(void)
{
	struct dev *d = dev_new(0);

	wr32(d, DSA_REG_PING, 0);
	CHECK_EQ(rd32(d, DSA_REG_INT_STATUS), 0); /* a worker raises it */
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_REG_INT_STATUS), DSA_INT_PING);
	CHECK_EQ(d->raised[0], 0);
	wr32(d, DSA_REG_INT_ENABLE, DSA_INT_PING);
	CHECK_EQ(d->raised[0], 1);
	wr32(d, DSA_REG_PING, 1);
	dev_run(d);
	CHECK_EQ(d->raised[0], 1); /* gained nothing */
	wr32(d, DSA_REG_INT_STATUS, DSA_INT_PING);
	CHECK_EQ(rd32(d, DSA_REG_INT_STATUS), 0);
	wr32(d, DSA_REG_PING, 1);
	dev_run(d);
	CHECK_EQ(d->raised[0], 2);
	dev_free(d);
}

static void config_only_when_disabled(void)
{
	struct dev *d = dev_new(0);
	uint32_t bad;

	queue_setup(d, 3, 1);
	bad = rd32(d, DSA_REG_BAD_ACCESS);
	wr64(d, DSA_QREG(3, DSA_Q_RING_BASE), 0x1000);
	wr32(d, DSA_QREG(3, DSA_Q_RING_LOG2), 5);
	wr32(d, DSA_QREG(3, DSA_Q_ASID), 2);
	wr32(d, DSA_QREG(3, DSA_Q_PRIORITY), 2);
	wr32(d, DSA_QREG(3, DSA_Q_VECTOR), 2);
	CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad + 5);
	CHECK_EQ(rd32(d, DSA_QREG(3, DSA_Q_ASID)), 1);
	wr32(d, DSA_QREG(3, DSA_Q_COMMAND), DSA_QCMD_ENABLE); /* not from ACTIVE */
	wr32(d, DSA_QREG(3, DSA_Q_COMMAND), 99);
	CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad + 7);
	wr32(d, DSA_QREG(3, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	wr32(d, DSA_QREG(3, DSA_Q_ASID), 2);
	CHECK_EQ(rd32(d, DSA_QREG(3, DSA_Q_ASID)), 2);
	CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad + 7);
	dev_free(d);
}

static void doorbells(void)
{
	struct dev *d = dev_new(0);
	uint32_t bad = rd32(d, DSA_REG_BAD_ACCESS);

	queue_setup(d, 0, 1);
	bus_lock(d);
	for (unsigned int size = 1; size <= 8; size *= 2)
		if (size != 4)
			dsa_core_doorbell(d->core, 0, 1, size);
	for (uint64_t off = 1; off < 0x1000; off++)
		dsa_core_doorbell(d->core, off, 1, 4);
	dsa_core_doorbell(d->core, 0x40000, 1, 4);
	dsa_core_doorbell(d->core, UINT64_MAX - 3, 1, 4);
	dsa_core_doorbell(d->core, DSA_DOORBELL(1), 1, 4); /* DISABLED */
	bus_unlock(d);
	CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad + 3 + 0xfff + 3);
	CHECK_EQ(rd32(d, DSA_QREG(0, DSA_Q_TAIL)), 0);
	dev_free(d);
}

static void invalid_inv(void)
{
	struct dev *d = dev_new(0);
	uint32_t seq = rd32(d, DSA_REG_MMU_INV_SEQ), bad = rd32(d, DSA_REG_BAD_ACCESS);

	wr32(d, DSA_REG_MMU_INV_CMD, 0);
	wr32(d, DSA_REG_MMU_INV_CMD, 4 << 16);
	wr32(d, DSA_REG_MMU_INV_CMD, DSA_MMU_INV_ASID << 16 | 256);
	CHECK_EQ(rd32(d, DSA_REG_MMU_INV_SEQ), seq);
	CHECK_EQ(rd32(d, DSA_REG_BAD_ACCESS), bad + 3);
	dev_free(d);
}

static void reset_values(void)
{
	struct dev *d = dev_new(0);

	queue_setup(d, 7, 1);
	wr32(d, DSA_REG_SCRATCH, 5);
	wr32(d, DSA_REG_INT_ENABLE, 15);
	wr32(d, DSA_REG_PING, 1);
	wr32(d, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	dev_run(d);
	CHECK_EQ(rd32(d, DSA_REG_STATUS), DSA_STATUS_READY);
	CHECK_EQ(rd32(d, DSA_REG_RESET_COUNT), 1);
	CHECK_EQ(rd32(d, DSA_REG_SCRATCH), 0);
	CHECK_EQ(rd32(d, DSA_REG_INT_ENABLE), 0);
	CHECK_EQ(rd32(d, DSA_REG_INT_STATUS), 0);
	CHECK_EQ(rd64(d, DSA_REG_MMU_ROOT(1)), 0);
	CHECK_EQ(rd32(d, DSA_QREG(7, DSA_Q_STATE)), DSA_QSTATE_DISABLED);
	CHECK_EQ(rd64(d, DSA_QREG(7, DSA_Q_RING_BASE)), 0);
	CHECK_EQ(rd32(d, DSA_QREG(7, DSA_Q_VECTOR)), 8);
	dev_free(d);
}

static void telemetry(void)
{
	struct dev *d = dev_new(0);
	int32_t t = rd32(d, DSA_REG_TEMPERATURE);

	CHECK(t > 20000 && t < 100000);
	CHECK(rd32(d, DSA_REG_POWER) > 1000);
	CHECK(dsa_core_set_temperature(d->core, 1000000) != 0);
	CHECK_EQ(dsa_core_set_temperature(d->core, -5000), 0);
	CHECK_EQ(rd32(d, DSA_REG_TEMPERATURE), (uint32_t)-5000);
	CHECK_EQ(dsa_core_get_temperature(d->core), -5000);
	dev_free(d);
}

static void bad_configs(void)
{
	struct dsa_core_config good, c;
	static uint8_t mem[1 << 20] __attribute__((aligned(4096)));
	const char *error = NULL;

	dsa_core_config_default(&good);
	good.hbm = mem;
	good.hbm_size = sizeof(mem);
#define REFUSED(change)                                       \
	do {                                                  \
		c = good;                                     \
		change;                                       \
		CHECK(!dsa_core_new(&c, NULL, NULL, &error)); \
		CHECK(error && *error);                       \
	} while (0)
	REFUSED(c.hbm_size = 3 << 20);
	REFUSED(c.hbm_size = 0);
	REFUSED(c.hbm = NULL);
	REFUSED(c.hbm = mem + 8);
	REFUSED(c.cores = 0);
	REFUSED(c.cores = 65);
	REFUSED(c.copy_engines = 0);
	REFUSED(c.copy_engines = 17);
	REFUSED(c.scratch_size = 1000);
	REFUSED(c.scratch_size = 32 << 20);
	REFUSED(c.vlen = 64);
	REFUSED(c.vlen = 3000);
	REFUSED(c.vlen = 131072);
	REFUSED(c.core_clock_khz = 0);
	REFUSED(c.bus_mb_per_s = 0);
}

const struct test regs_tests[] = { TEST(every_read),     TEST(every_write),
				   TEST(identification), TEST(halves),
				   TEST(ping),           TEST(config_only_when_disabled),
				   TEST(doorbells),      TEST(invalid_inv),
				   TEST(reset_values),   TEST(telemetry),
				   TEST(bad_configs),    TESTS_END };
