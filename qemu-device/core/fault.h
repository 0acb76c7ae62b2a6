/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults to order: a small table of armed ones, looked up at named points of
 * the device. With none of a kind armed a point costs one predicted branch.
 */
#ifndef DSA_CORE_FAULT_H
#define DSA_CORE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dsa_core;
struct dsa_error;
struct dsa_irqs;
struct dsa_queue;
struct dsa_ring_packet;
struct dsa_unit;

enum fault_kind {
	FAULT_CORE_HANG,
	FAULT_QUEUE_HANG,
	FAULT_COPY_HANG,
	FAULT_COPY_SLOW,
	FAULT_IRQ_LOST,
	FAULT_IRQ_DUPLICATE,
	FAULT_IRQ_SPURIOUS,
	FAULT_ECC_CORRECTED,
	FAULT_ECC_UNCORRECTED,
	FAULT_RING_CORRUPT,
	FAULT_PTE_CORRUPT,
	FAULT_THERMAL,
	FAULT_BOOT_FAIL,
	FAULT_LINK_DOWN,
	FAULT_KINDS
};

#define FAULT_BIT(kind) (1u << (kind))
#define FAULTS_ECC      (FAULT_BIT(FAULT_ECC_CORRECTED) | FAULT_BIT(FAULT_ECC_UNCORRECTED))
#define FAULTS_IRQ                                                    \
	(FAULT_BIT(FAULT_IRQ_LOST) | FAULT_BIT(FAULT_IRQ_DUPLICATE) | \
	 FAULT_BIT(FAULT_IRQ_SPURIOUS) | FAULT_BIT(FAULT_LINK_DOWN))

#define FAULT_SLOTS 16
#define FAULT_ARGS  3
#define FAULT_ANY   UINT64_MAX   /* an argument: whichever; a count: for ever */
#define FAULT_ONE   (1ull << 32) /* probability 1 */

/* Mutex. */
struct fault {
	bool used; /* shown; it may be spent */
	uint32_t kind;
	uint64_t arg[FAULT_ARGS]; /* as the kind's keys say */
	uint64_t count;           /* times to fire */
	uint64_t prob;            /* of each event to fire, of FAULT_ONE */
	uint64_t seed;
	uint64_t seen, fired; /* events, and those that it hit */
	uint64_t word;        /* ECC: what is there until somebody writes it */
	bool healed;          /* ECC: somebody did */
	uint64_t draw;        /* of the last event that it hit */
};

/*
 * The points. Mutex not held, unless it says so; each is to be called only
 * while its kind is armed. Their callers are the owners of what is passed.
 */
/* A program is about to start on @u. True: the core hangs instead. */
bool fault_core_hangs(struct dsa_core *core, struct dsa_unit *u);
/* A packet was read. True: the queue does not go on. */
bool fault_queue_hangs(struct dsa_core *core, struct dsa_queue *q);
/* A copy is about to start on the engine. True: that hangs. */
bool fault_copy_hangs(struct dsa_core *core, struct dsa_queue *q);
/* A copy has ended, after *cost ns. */
void fault_copy_slows(struct dsa_core *core, struct dsa_queue *q, uint64_t *cost);
/* An interrupt is about to be sent, bus lock held: how often, and *extra: vector, or -1. */
unsigned int fault_irq(struct dsa_core *core, unsigned int vector, int *extra);
void fault_ring(struct dsa_core *core, unsigned int queue, struct dsa_ring_packet *pkt);
void fault_pte(struct dsa_core *core, uint32_t asid, unsigned int level, uint64_t *pte);
/* HBM is read: 0 or DSA_ERR_ECC. */
uint32_t fault_ecc(struct dsa_core *core, uint64_t offset, uint64_t len);
/* Are there words with errors in that range? */
bool fault_ecc_within(struct dsa_core *core, uint64_t offset, uint64_t len);
/* Mutex held: a reset. */
void fault_boot(struct dsa_core *core);
/* Mutex held: the hottest, and the slowest, that is ordered. */
bool fault_temperature(const struct dsa_core *core, int32_t *millicelsius);
uint32_t fault_clock_khz(const struct dsa_core *core);

/* Mutex held: after loading; what is wrong with the table, or NULL. */
const char *faults_check(struct dsa_core *core);
void faults_forget(struct dsa_core *core);

#endif
