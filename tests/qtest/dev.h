/* SPDX-License-Identifier: MIT */
/*
 * A small driver of the device for tests: finds it, maps its BARs, sets up one
 * address space and rings.
 *
 * The address space (ASID 1) has system memory at VA = bus address and HBM at
 * VA_HBM. Each device uses a piece of guest memory of its own, from d->base.
 */
#ifndef DSA_QTEST_DEV_H
#define DSA_QTEST_DEV_H

#include "hw/dsa_mmu.h"
#include "hw/dsa_regs.h"
#include "hw/dsa_ring.h"
#include "qts.h"
#include "tap.h"
#include "uapi/dsa_cmd.h"

#define MACHINE   "-machine q35 -m 128M "
#define SMALL_DSA "dsa,hbm-size=16M,cores=4,scratchpad-size=256K,workers=2"

#define DEVICE_ID ((uint32_t)DSA_PCI_DEVICE_ID << 16 | DSA_PCI_VENDOR_ID)
#define HBM_BYTES (16u << 20)
#define ASID      1
#define VA_HBM    (1ull << 30)
#define RING_LOG2 4

/* In guest memory, from d->base. */
#define AT_TABLES      0x0000
#define AT_RING(q)     (0x10000 + (q) * 0x1000)
#define AT_FENCE(q)    (0x60000 + (q) * 8)
#define AT_MSI(vector) (0x61000 + (vector) * 4)
#define AT_CMDS(q)     (0x100000 + (q) * 0x1000)
#define AT_DATA        0x200000

struct pci {
	struct qts *s;
	unsigned int bus, devfn;
};

struct dev {
	struct qts *s;
	struct pci pci;
	uint64_t bar[6];
	uint64_t base;
	unsigned int number;
	uint16_t express, pm, msix; /* capabilities */
	uint32_t tail[DSA_NUM_QUEUES];
	uint64_t fences; /* last fence value given out */
};

uint32_t pci_read(struct pci *p, unsigned int reg, unsigned int size);
void pci_write(struct pci *p, unsigned int reg, unsigned int size, uint32_t value);
uint32_t pci_port_read(struct pci *p, unsigned int reg);
unsigned int pci_find_cap(struct pci *p, unsigned int id);
unsigned int pci_find_ext_cap(struct pci *p, unsigned int id);
/* Makes configuration space visible in memory. */
void pci_enable_ecam(struct qts *s);

/* Finds the device in slot @slot of bus 0 (or behind a root port there), maps and enables it. */
void dev_open(struct dev *d, struct qts *s, unsigned int slot, unsigned int number);
void dev_open_behind_port(struct dev *d, struct qts *s, unsigned int slot);
/* BARs, bus mastering, MSI-X with vector v writing 0xd5a000 + v to AT_MSI(v). */
void dev_configure(struct dev *d);
void dev_clear_msi(struct dev *d, unsigned int vector);
bool dev_msi_arrived(struct dev *d, unsigned int vector);
void dev_wait_msi(struct dev *d, unsigned int vector);

uint32_t reg32(struct dev *d, unsigned int reg);
uint64_t reg64(struct dev *d, unsigned int reg);
void reg_write(struct dev *d, unsigned int reg, uint32_t value);
void reg_write64(struct dev *d, unsigned int reg, uint64_t value);

/* The address space and queue @q, enabled; its vector is 1 + q. */
void dev_setup(struct dev *d);
void queue_setup(struct dev *d, unsigned int q);
void queue_enable_at(struct dev *d, unsigned int q, uint64_t ring, unsigned int log2);
/* Writes a packet at the tail without ringing; the fence value it will write. */
uint64_t queue_push(struct dev *d, unsigned int q, uint64_t cmd_va, uint64_t cmd_bytes);
void queue_ring(struct dev *d, unsigned int q);
/* Pushes, rings. */
uint64_t queue_submit(struct dev *d, unsigned int q, const void *cmds, size_t bytes);
uint64_t queue_fence(struct dev *d, unsigned int q);
void queue_wait(struct dev *d, unsigned int q, uint64_t fence);
void queue_wait_state(struct dev *d, unsigned int q, uint32_t state);
/* A NOP goes through. */
void queue_check_works(struct dev *d, unsigned int q);
void queue_expect_error(struct dev *d, unsigned int q, uint32_t code);
void dev_wait_reset(struct dev *d);

/* Command packets. */
struct dsa_cmd_copy cmd_copy(uint64_t dst, uint64_t src, uint64_t bytes);
struct dsa_cmd_fill cmd_fill(uint64_t dst, uint64_t bytes, uint64_t pattern, unsigned int size);
struct dsa_cmd_launch cmd_launch(uint64_t entry, uint64_t kernarg, unsigned int programs);

/* A program that never ends, in HBM at offset 0; runs it on queue @q. */
void start_runaway(struct dev *d, unsigned int q);

#endif
