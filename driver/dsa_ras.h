/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_RAS_H
#define DSA_RAS_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>

#include "dsa_fault.h"

struct dsa_device;
struct dsa_queue;
struct drm_dsa_ras_info;
struct seq_file;

/**
 * enum dsa_ras_event - What is counted since the driver was bound.
 * @DSA_RAS_FAULT: queues stopped by a fault.
 * @DSA_RAS_TIMEOUT: queues stopped because they stood still.
 * @DSA_RAS_ENGINE_RESET: engines reset because a queue did not stop.
 * @DSA_RAS_DEVICE_RESET: resets of the device while it was in use.
 * @DSA_RAS_RESET_FAILED: of these, in vain.
 * @DSA_RAS_LOST_IRQ: completions that were found without an interrupt.
 * @DSA_RAS_ECC: interrupts about errors of the HBM.
 * @DSA_RAS_THERMAL: interrupts about the temperature.
 * @DSA_RAS_COUNT: how many.
 */
enum dsa_ras_event {
	DSA_RAS_FAULT,
	DSA_RAS_TIMEOUT,
	DSA_RAS_ENGINE_RESET,
	DSA_RAS_DEVICE_RESET,
	DSA_RAS_RESET_FAILED,
	DSA_RAS_LOST_IRQ,
	DSA_RAS_ECC,
	DSA_RAS_THERMAL,
	DSA_RAS_COUNT
};

/* Faults that the log keeps. */
#define DSA_RAS_LOG	32

/**
 * struct dsa_ras_entry - A queue that was stopped.
 * @when: CLOCK_MONOTONIC.
 * @client: DRM client.
 * @queue_id: its id there.
 * @queue: hardware queue.
 * @flags: DRM_DSA_QUEUE_*.
 * @fault: the device's record.
 */
struct dsa_ras_entry {
	ktime_t when;
	u64 client;
	u32 queue_id;
	char queue[24];
	u32 flags;
	struct dsa_fault fault;
};

/**
 * struct dsa_ras - What went wrong.
 * @events: counts.
 * @log: the last faults; entry n is at n mod DSA_RAS_LOG.
 * @logged: faults so far.
 */
struct dsa_ras {
	atomic64_t events[DSA_RAS_COUNT];
	/** @lock: protects @log and @logged. */
	spinlock_t lock;
	struct dsa_ras_entry log[DSA_RAS_LOG];
	u64 logged;
};

void dsa_ras_init(struct dsa_ras *ras);
void dsa_ras_count(struct dsa_ras *ras, enum dsa_ras_event event);
void dsa_ras_interrupt(struct dsa_device *dsa, u32 status);
void dsa_ras_log(struct dsa_ras *ras, struct dsa_queue *queue, u32 flags,
		 const struct dsa_fault *fault);
void dsa_ras_query(struct dsa_device *dsa, struct drm_dsa_ras_info *info);
void dsa_ras_show_events(struct seq_file *m, struct dsa_ras *ras);
void dsa_ras_show_log(struct seq_file *m, struct dsa_ras *ras);

#endif /* DSA_RAS_H */
