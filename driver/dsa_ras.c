// SPDX-License-Identifier: GPL-2.0
/* Counts of what went wrong, and the last faults. */

#include <linux/seq_file.h>

#include <drm/dsa_accel.h>

#include "dsa_hw.h"
#include "dsa_queue.h"

static const char * const dsa_ras_names[DSA_RAS_COUNT] = {
	[DSA_RAS_FAULT] = "faults",
	[DSA_RAS_TIMEOUT] = "timeouts",
	[DSA_RAS_ENGINE_RESET] = "engine_resets",
	[DSA_RAS_DEVICE_RESET] = "device_resets",
	[DSA_RAS_RESET_FAILED] = "resets_failed",
	[DSA_RAS_LOST_IRQ] = "lost_interrupts",
	[DSA_RAS_ECC] = "ecc_events",
	[DSA_RAS_THERMAL] = "thermal_events",
};

void dsa_ras_init(struct dsa_ras *ras)
{
	spin_lock_init(&ras->lock);
}

/* Any context. */
void dsa_ras_count(struct dsa_ras *ras, enum dsa_ras_event event)
{
	atomic64_inc(&ras->events[event]);
}

/**
 * dsa_ras_log - Count and remember a queue that was stopped for a reason.
 * @ras: where.
 * @queue: the queue.
 * @flags: DRM_DSA_QUEUE_*: why.
 * @fault: the device's record.
 */
void dsa_ras_log(struct dsa_ras *ras, struct dsa_queue *queue, u32 flags,
		 const struct dsa_fault *fault)
{
	struct dsa_ras_entry *entry;

	if (!(flags & (DRM_DSA_QUEUE_FAULT | DRM_DSA_QUEUE_TIMEDOUT)))
		return;
	dsa_ras_count(ras, flags & DRM_DSA_QUEUE_FAULT ? DSA_RAS_FAULT : DSA_RAS_TIMEOUT);
	spin_lock_irq(&ras->lock);
	entry = &ras->log[ras->logged++ % DSA_RAS_LOG];
	*entry = (struct dsa_ras_entry) {
		.when = ktime_get(),
		.client = queue->client_id,
		.queue_id = queue->id,
		.flags = flags,
		.fault = *fault,
	};
	strscpy(entry->queue, queue->name);
	spin_unlock_irq(&ras->lock);
}

/* In the interrupt handler. */
void dsa_ras_interrupt(struct dsa_device *dsa, u32 status)
{
	if (status & DSA_INT_ECC) {
		dsa_ras_count(&dsa->ras, DSA_RAS_ECC);
		dev_warn_ratelimited(dsa->drm.dev, "HBM errors: %u corrected, %u not\n",
				     dsa_read(dsa, DSA_REG_ECC_CORRECTED),
				     dsa_read(dsa, DSA_REG_ECC_UNCORRECTED));
	}
	if (status & DSA_INT_THERMAL) {
		dsa_ras_count(&dsa->ras, DSA_RAS_THERMAL);
		dev_warn_ratelimited(dsa->drm.dev, "temperature %d mC, clock %u kHz\n",
				     (s32)dsa_read(dsa, DSA_REG_TEMPERATURE),
				     dsa_read(dsa, DSA_REG_CLOCK_NOW));
	}
}

static u64 dsa_ras_read(struct dsa_ras *ras, enum dsa_ras_event event)
{
	return atomic64_read(&ras->events[event]);
}

/* The device is there: inside drm_dev_enter(). */
void dsa_ras_query(struct dsa_device *dsa, struct drm_dsa_ras_info *info)
{
	struct dsa_ras *ras = &dsa->ras;

	*info = (struct drm_dsa_ras_info) {
		.ecc_corrected = dsa_read(dsa, DSA_REG_ECC_CORRECTED),
		.ecc_uncorrected = dsa_read(dsa, DSA_REG_ECC_UNCORRECTED),
		.faults = dsa_ras_read(ras, DSA_RAS_FAULT),
		.timeouts = dsa_ras_read(ras, DSA_RAS_TIMEOUT),
		.engine_resets = dsa_ras_read(ras, DSA_RAS_ENGINE_RESET),
		.device_resets = dsa_ras_read(ras, DSA_RAS_DEVICE_RESET),
		.resets_failed = dsa_ras_read(ras, DSA_RAS_RESET_FAILED),
		.lost_interrupts = dsa_ras_read(ras, DSA_RAS_LOST_IRQ),
		.ecc_events = dsa_ras_read(ras, DSA_RAS_ECC),
		.thermal_events = dsa_ras_read(ras, DSA_RAS_THERMAL),
	};
}

void dsa_ras_show_events(struct seq_file *m, struct dsa_ras *ras)
{
	unsigned int i;

	for (i = 0; i < DSA_RAS_COUNT; i++)
		seq_printf(m, "%-16s %llu\n", dsa_ras_names[i], dsa_ras_read(ras, i));
}

/* Copies entry @n of the log; false: it is not there any more, or not yet. */
static bool dsa_ras_get(struct dsa_ras *ras, u64 n, struct dsa_ras_entry *entry)
{
	bool there;

	spin_lock_irq(&ras->lock);
	there = n < ras->logged && ras->logged - n <= DSA_RAS_LOG;
	*entry = ras->log[n % DSA_RAS_LOG];
	spin_unlock_irq(&ras->lock);
	return there;
}

void dsa_ras_show_log(struct seq_file *m, struct dsa_ras *ras)
{
	u64 end = READ_ONCE(ras->logged), n;
	struct dsa_ras_entry e;

	seq_puts(m, "time client queue_id queue why error engine opcode job launch program address pc command\n");
	for (n = end > DSA_RAS_LOG ? end - DSA_RAS_LOG : 0; n < end; n++) {
		if (!dsa_ras_get(ras, n, &e))
			continue;
		seq_printf(m, "%lld.%06ld %llu %u %s %s %u %u.%u %d %llu %llu %u,%u,%u %#llx %#llx %#llx\n",
			   ktime_to_timespec64(e.when).tv_sec,
			   ktime_to_timespec64(e.when).tv_nsec / NSEC_PER_USEC, e.client,
			   e.queue_id, e.queue,
			   e.flags & DRM_DSA_QUEUE_FAULT ? "fault" : "timeout", e.fault.code,
			   e.fault.engine >> 16, e.fault.engine & 0xffff, e.fault.opcode,
			   e.fault.job_id, e.fault.launch_id, e.fault.program[0],
			   e.fault.program[1], e.fault.program[2], e.fault.addr, e.fault.pc,
			   e.fault.cmd_va);
	}
}
