// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/fdinfo/FD: what a client has, and what it has used so far.
 *
 * The keys are those of Documentation/gpu/drm-usage-stats.rst. Time is the
 * device's, which is modelled: drm-engine-* against drm-total-cycles-*, not
 * against the wall clock, tells how busy a client keeps the engines.
 */

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_gem.h"
#include "dsa_hw.h"
#include "dsa_queue.h"

static const char * const dsa_engine_names[DSA_ENGINE_CLASSES] = {
	[DSA_ENGINES_COMPUTE] = "compute",
	[DSA_ENGINES_COPY] = "copy",
};

/**
 * dsa_queue_look_busy_locked - See how long engines have worked for a queue.
 * @queue: a queue that the device knows; the result is in &dsa_queue.busy.
 *
 * What a device that is gone or has been reset forgot stays as it was.
 */
void dsa_queue_look_busy_locked(struct dsa_queue *queue)
{
	static const u32 regs[DSA_ENGINE_CLASSES] = { DSA_Q_BUSY_COMPUTE, DSA_Q_BUSY_COPY };
	unsigned int i;

	lockdep_assert_held(&queue->dsa->hw_lock);
	if (!dsa_has_version(queue->dsa, 2) || dsa_gone(queue->dsa))
		return;
	for (i = 0; i < DSA_ENGINE_CLASSES; i++)
		queue->busy[i] = max(queue->busy[i],
				     dsa_qread64(queue->dsa, queue->hwq->index, regs[i]));
}

/* Sums over the queues of a file, those that are gone too. @queues: how many live, by class. */
static void dsa_file_usage(struct dsa_file *dfile, bool there, u64 *busy, unsigned int *queues)
{
	struct dsa_queue *queue;
	unsigned int i, q;

	mutex_lock(&dfile->dsa->hw_lock);
	memcpy(busy, dfile->busy, sizeof(dfile->busy));
	for_each_set_bit(q, dfile->dsa->hwq_used, dfile->dsa->caps.queues) {
		queue = dfile->dsa->hwq[q].queue;
		if (queue->dfile != dfile)
			continue;
		if (there)
			dsa_queue_look_busy_locked(queue);
		for (i = 0; i < DSA_ENGINE_CLASSES; i++)
			busy[i] += queue->busy[i];
		queues[queue->class == DRM_DSA_QUEUE_COPY ? DSA_ENGINES_COPY :
							     DSA_ENGINES_COMPUTE]++;
	}
	mutex_unlock(&dfile->dsa->hw_lock);
}

static u64 dsa_ns_to_cycles(const struct dsa_device *dsa, u64 ns)
{
	return mul_u64_u32_div(ns, dsa->caps.core_clock_khz, 1000000);
}

static void dsa_show_engines(struct drm_printer *p, struct dsa_device *dsa, const u64 *busy)
{
	const u32 capacity[DSA_ENGINE_CLASSES] = { dsa->caps.cores, dsa->caps.copy_engines };
	unsigned int i;

	for (i = 0; i < DSA_ENGINE_CLASSES; i++) {
		drm_printf(p, "drm-engine-%s:\t%llu ns\n", dsa_engine_names[i], busy[i]);
		drm_printf(p, "drm-engine-capacity-%s:\t%u\n", dsa_engine_names[i], capacity[i]);
	}
	drm_printf(p, "drm-cycles-compute:\t%llu\n", dsa_ns_to_cycles(dsa, busy[0]));
	drm_printf(p, "drm-maxfreq-compute:\t%u KHz\n", dsa->caps.core_clock_khz);
}

/* &drm_driver.show_fdinfo */
void dsa_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct dsa_file *dfile = file->driver_priv;
	unsigned int queues[DSA_ENGINE_CLASSES] = {};
	struct dsa_device *dsa = dfile->dsa;
	u64 busy[DSA_ENGINE_CLASSES];
	bool there, awake;
	int idx;

	there = drm_dev_enter(&dsa->drm, &idx);
	awake = there && dsa_device_peek(dsa);
	dsa_file_usage(dfile, awake, busy, queues);
	dsa_show_engines(p, dsa, busy);
	if (there) {
		u64 time = awake ? dsa_read64(dsa, DSA_REG_TIME) : READ_ONCE(dsa->sleep_time);

		drm_printf(p, "drm-total-cycles-compute:\t%llu\n", dsa_ns_to_cycles(dsa, time));
		if (awake)
			dsa_device_peek_end(dsa);
		drm_dev_exit(idx);
	}
	dsa_gem_show_fdinfo(p, file);
	drm_printf(p, "dsa-queues-compute:\t%u\n", queues[DSA_ENGINES_COMPUTE]);
	drm_printf(p, "dsa-queues-copy:\t%u\n", queues[DSA_ENGINES_COPY]);
}
