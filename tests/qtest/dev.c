// SPDX-License-Identifier: MIT
/* A small driver of the device for tests. */
#include <string.h>

#include "dev.h"

#define ECAM   0xb0000000ull
#define MMIO32 0xc0000000ull   /* 32-bit BARs, 1 MiB a device */
#define MMIO64 0x4000000000ull /* 64-bit BARs, 16 GiB a device */

/* ---- configuration space ---- */

static uint64_t ecam(struct pci *p, unsigned int reg)
{
	return ECAM + (p->bus << 20) + (p->devfn << 12) + reg;
}

uint32_t pci_read(struct pci *p, unsigned int reg, unsigned int size)
{
	return qts_read(p->s, ecam(p, reg), size);
}

void pci_write(struct pci *p, unsigned int reg, unsigned int size, uint32_t value)
{
	qts_write(p->s, ecam(p, reg), size, value);
}

uint32_t pci_port_read(struct pci *p, unsigned int reg)
{
	qts_out(p->s, 0xcf8, 1u << 31 | p->bus << 16 | p->devfn << 8 | reg);
	return qts_in(p->s, 0xcfc);
}

void pci_enable_ecam(struct qts *s)
{
	qts_out(s, 0xcf8, 1u << 31 | 0x64);
	qts_out(s, 0xcfc, 0);
	qts_out(s, 0xcf8, 1u << 31 | 0x60);
	qts_out(s, 0xcfc, (uint32_t)ECAM | 1);
}

unsigned int pci_find_cap(struct pci *p, unsigned int id)
{
	unsigned int at = pci_read(p, 0x34, 1), hops = 0;

	while (at && hops++ < 48) {
		if (pci_read(p, at, 1) == id)
			return at;
		at = pci_read(p, at + 1, 1);
	}
	return 0;
}

unsigned int pci_find_ext_cap(struct pci *p, unsigned int id)
{
	unsigned int at = 0x100, hops = 0;

	while (at && hops++ < 64) {
		uint32_t head = pci_read(p, at, 4);

		if ((head & 0xffff) == id)
			return at;
		at = head >> 20;
	}
	return 0;
}

/* ---- the device ---- */

uint32_t reg32(struct dev *d, unsigned int reg)
{
	return qts_read(d->s, d->bar[0] + reg, 4);
}

uint64_t reg64(struct dev *d, unsigned int reg)
{
	return qts_read(d->s, d->bar[0] + reg, 8);
}

void reg_write(struct dev *d, unsigned int reg, uint32_t value)
{
	qts_write(d->s, d->bar[0] + reg, 4, value);
}

void reg_write64(struct dev *d, unsigned int reg, uint64_t value)
{
	qts_write(d->s, d->bar[0] + reg, 8, value);
}

static void set_bar64(struct dev *d, unsigned int bar, uint64_t addr)
{
	pci_write(&d->pci, 0x10 + bar * 4, 4, addr);
	pci_write(&d->pci, 0x14 + bar * 4, 4, addr >> 32);
	d->bar[bar] = addr;
}

static void set_up_msix(struct dev *d)
{
	for (unsigned int v = 0; v < DSA_NUM_VECTORS; v++) {
		uint64_t entry = d->bar[4] + DSA_MSIX_TABLE_OFFSET + v * 16;

		qts_write(d->s, entry, 8, d->base + AT_MSI(v));
		qts_write(d->s, entry + 8, 4, 0xd5a000 + v);
		qts_write(d->s, entry + 12, 4, 0);
		dev_clear_msi(d, v);
	}
	pci_write(&d->pci, d->msix + 2, 2, 0x8000);
}

void dev_configure(struct dev *d)
{
	uint64_t high = MMIO64 + d->number * (16ull << 30);

	d->bar[0] = MMIO32 + d->number * (1u << 20);
	pci_write(&d->pci, 0x10, 4, d->bar[0]);
	set_bar64(d, 2, high);
	set_bar64(d, 4, high + (8ull << 30));
	pci_write(&d->pci, 0x04, 2, 6); /* memory, bus master */
	set_up_msix(d);
}

static void find(struct dev *d, struct qts *s)
{
	d->s = d->pci.s = s;
	CHECK_EQ(pci_read(&d->pci, 0, 4), DEVICE_ID);
	d->express = pci_find_cap(&d->pci, 0x10);
	d->pm = pci_find_cap(&d->pci, 0x01);
	d->msix = pci_find_cap(&d->pci, 0x11);
	CHECK(d->express && d->pm && d->msix);
	d->base = (16ull << 20) * (1 + d->number);
	dev_configure(d);
	dev_wait_reset(d);
}

void dev_open(struct dev *d, struct qts *s, unsigned int slot, unsigned int number)
{
	memset(d, 0, sizeof(*d));
	d->number = number;
	d->pci.devfn = slot << 3;
	pci_enable_ecam(s);
	find(d, s);
}

void dev_open_behind_port(struct dev *d, struct qts *s, unsigned int slot)
{
	struct pci port = { .s = s, .devfn = slot << 3 };
	uint64_t last = MMIO64 + (16ull << 30) - 1;

	memset(d, 0, sizeof(*d));
	pci_enable_ecam(s);
	pci_write(&port, 0x18, 4, 0x00010100); /* buses 0, 1, 1 */
	pci_write(&port, 0x20, 4, MMIO32 >> 16 | (uint32_t)MMIO32);
	pci_write(&port, 0x24, 4, (MMIO64 >> 16 & 0xfff0) | (last & 0xfff00000));
	pci_write(&port, 0x28, 4, MMIO64 >> 32);
	pci_write(&port, 0x2c, 4, last >> 32);
	pci_write(&port, 0x04, 2, 6);
	d->pci.bus = 1;
	find(d, s);
}

void dev_clear_msi(struct dev *d, unsigned int vector)
{
	qts_write(d->s, d->base + AT_MSI(vector), 4, 0);
}

bool dev_msi_arrived(struct dev *d, unsigned int vector)
{
	uint32_t have = qts_read(d->s, d->base + AT_MSI(vector), 4);

	if (have && have != 0xd5a000 + vector)
		FAIL("message of vector %u is 0x%x", vector, have);
	return have;
}

void dev_wait_msi(struct dev *d, unsigned int vector)
{
	WAIT_UNTIL(dev_msi_arrived(d, vector));
}

void dev_wait_reset(struct dev *d)
{
	WAIT_UNTIL(reg32(d, DSA_REG_STATUS) == DSA_STATUS_READY);
}

/* ---- address space and rings ---- */

void dev_setup(struct dev *d)
{
	uint64_t table = d->base + AT_TABLES;
	uint64_t middle = table + DSA_PAGE_SIZE, last = middle + DSA_PAGE_SIZE;
	uint64_t sys = DSA_PTE_VALID | DSA_PTE_SYS;
	uint64_t rwx = DSA_PTE_VALID | DSA_PTE_LEAF | DSA_PTE_R | DSA_PTE_W | DSA_PTE_X;

	qts_set(d->s, table, 0, 3 * DSA_PAGE_SIZE);
	qts_write(d->s, table, 8, middle | sys);
	qts_write(d->s, middle, 8, rwx | DSA_PTE_SYS); /* 1 GiB of system memory */
	qts_write(d->s, middle + 8, 8, last | sys);
	for (uint64_t at = 0; at < HBM_BYTES; at += 2 << 20)
		qts_write(d->s, last + (at >> 21) * 8, 8, rwx | at);
	reg_write64(d, DSA_REG_MMU_ROOT(ASID), table | sys);
	reg_write(d, DSA_REG_INT_ENABLE, ~0u);
}

void queue_enable_at(struct dev *d, unsigned int q, uint64_t ring, unsigned int log2)
{
	reg_write64(d, DSA_QREG(q, DSA_Q_RING_BASE), ring);
	reg_write(d, DSA_QREG(q, DSA_Q_RING_LOG2), log2);
	reg_write(d, DSA_QREG(q, DSA_Q_ASID), ASID);
	reg_write(d, DSA_QREG(q, DSA_Q_COMMAND), DSA_QCMD_ENABLE);
	d->tail[q] = 0;
}

void queue_setup(struct dev *d, unsigned int q)
{
	qts_write(d->s, d->base + AT_FENCE(q), 8, 0);
	queue_enable_at(d, q, d->base + AT_RING(q), RING_LOG2);
	CHECK_EQ(reg32(d, DSA_QREG(q, DSA_Q_STATE)), DSA_QSTATE_ACTIVE);
}

uint64_t queue_push(struct dev *d, unsigned int q, uint64_t cmd_va, uint64_t cmd_bytes)
{
	struct dsa_ring_packet packet = {
		.op = cmd_bytes ? DSA_RING_OP_EXEC : DSA_RING_OP_NOP,
		.flags = DSA_RING_F_IRQ | DSA_RING_F_FENCE,
		.cmd_va = cmd_va,
		.cmd_size = cmd_bytes,
		.fence_addr = d->base + AT_FENCE(q),
		.fence_value = ++d->fences,
		.job_id = 1000 + d->fences,
	};
	uint32_t slot = d->tail[q]++ & ((1u << RING_LOG2) - 1);

	qts_put(d->s, d->base + AT_RING(q) + slot * sizeof(packet), &packet, sizeof(packet));
	return packet.fence_value;
}

void queue_ring(struct dev *d, unsigned int q)
{
	qts_write(d->s, d->bar[4] + DSA_DOORBELL(q), 4, d->tail[q]);
}

uint64_t queue_submit(struct dev *d, unsigned int q, const void *cmds, size_t bytes)
{
	uint64_t at = d->base + AT_CMDS(q), fence;

	if (bytes)
		qts_put(d->s, at, cmds, bytes);
	fence = queue_push(d, q, bytes ? at : 0, bytes);
	queue_ring(d, q);
	return fence;
}

uint64_t queue_fence(struct dev *d, unsigned int q)
{
	return qts_read(d->s, d->base + AT_FENCE(q), 8);
}

/* Fails when the queue is in ERROR or it is later than @end. */
static void check_progress(struct dev *d, unsigned int q, const char *what, double end)
{
	if (reg32(d, DSA_QREG(q, DSA_Q_STATE)) == DSA_QSTATE_ERROR)
		FAIL("%s: queue %u stopped with error %u, address 0x%llx", what, q,
		     reg32(d, DSA_QREG(q, DSA_Q_ERR_CODE)),
		     (unsigned long long)reg64(d, DSA_QREG(q, DSA_Q_ERR_ADDR)));
	if (tap_now() > end)
		FAIL("%s: queue %u not done after %d s: fence %llu, state %u, head %u, tail %u",
		     what, q, WAIT_SECONDS, (unsigned long long)queue_fence(d, q),
		     reg32(d, DSA_QREG(q, DSA_Q_STATE)), reg32(d, DSA_QREG(q, DSA_Q_HEAD)),
		     reg32(d, DSA_QREG(q, DSA_Q_TAIL)));
}

void queue_wait(struct dev *d, unsigned int q, uint64_t fence)
{
	double end = tap_now() + WAIT_SECONDS;

	while (queue_fence(d, q) < fence)
		check_progress(d, q, "fence", end);
}

void queue_wait_state(struct dev *d, unsigned int q, uint32_t state)
{
	WAIT_UNTIL(reg32(d, DSA_QREG(q, DSA_Q_STATE)) == state);
}

void queue_check_works(struct dev *d, unsigned int q)
{
	queue_wait(d, q, queue_submit(d, q, NULL, 0));
}

void queue_expect_error(struct dev *d, unsigned int q, uint32_t code)
{
	queue_wait_state(d, q, DSA_QSTATE_ERROR);
	CHECK_EQ(reg32(d, DSA_QREG(q, DSA_Q_ERR_CODE)), code);
	CHECK(reg64(d, DSA_REG_QUEUE_ERRORS) & 1ull << q);
}

/* ---- commands ---- */

struct dsa_cmd_copy cmd_copy(uint64_t dst, uint64_t src, uint64_t bytes)
{
	return (struct dsa_cmd_copy){
		.hdr = { .opcode = DSA_CMD_COPY, .size = sizeof(struct dsa_cmd_copy) },
		.dst = dst,
		.src = src,
		.bytes = bytes,
	};
}

struct dsa_cmd_fill cmd_fill(uint64_t dst, uint64_t bytes, uint64_t pattern, unsigned int size)
{
	return (struct dsa_cmd_fill){
		.hdr = { .opcode = DSA_CMD_FILL, .size = sizeof(struct dsa_cmd_fill) },
		.dst = dst,
		.bytes = bytes,
		.pattern = pattern,
		.pattern_size = size,
	};
}

struct dsa_cmd_launch cmd_launch(uint64_t entry, uint64_t kernarg, unsigned int programs)
{
	return (struct dsa_cmd_launch){
		.hdr = { .opcode = DSA_CMD_LAUNCH, .size = sizeof(struct dsa_cmd_launch) },
		.entry = entry,
		.kernarg = kernarg,
		.grid = { programs, 1, 1 },
		.id = 7,
	};
}

void start_runaway(struct dev *d, unsigned int q)
{
	/* Counts in HBM at VA_HBM + 0x1000 (a0), so that one can see it run. */
	static const uint32_t code[] = {
		0x00053583, /* ld a1, 0(a0) */
		0x00158593, /* addi a1, a1, 1 */
		0x00b53023, /* sd a1, 0(a0) */
		0xff5ff06f, /* j -12 */
	};
	struct dsa_cmd_launch launch = cmd_launch(VA_HBM, VA_HBM + 0x1000, 1);
	double end = tap_now() + WAIT_SECONDS;

	qts_put(d->s, d->bar[2], code, sizeof(code));
	qts_write(d->s, d->bar[2] + 0x1000, 8, 0);
	queue_submit(d, q, &launch, sizeof(launch));
	while (qts_read(d->s, d->bar[2] + 0x1000, 8) < 1000)
		check_progress(d, q, "runaway program", end);
}
