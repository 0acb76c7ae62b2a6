// SPDX-License-Identifier: GPL-2.0
/*
 * Resets: of a queue by dsa_queue.c, of the engines that do not let go of it,
 * and of the device when nothing less helps.
 *
 * Before the device is reset, the queues of those who have not caused it get
 * nothing new to do, and some time to complete what they have begun. What the
 * device has not begun is given to it again afterwards, so that only a job that
 * could not be completed is lost, with its queue.
 */

#include <linux/kobject.h>

#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_hw.h"
#include "dsa_mmu.h"
#include "dsa_queue.h"

/* How long a device reset waits for innocent jobs. */
#define DSA_DRAIN_TIMEOUT_US	(200 * USEC_PER_MSEC)

/* ---- uevents ---- */

static bool dsa_reset_next_event(struct dsa_reset_events *events, struct dsa_reset_event *event,
				 unsigned int *lost)
{
	bool any;

	spin_lock_irq(&events->lock);
	any = events->count;
	if (any) {
		*event = events->list[events->first];
		events->first = (events->first + 1) % DSA_RESET_EVENTS;
		events->count--;
		*lost = events->lost;
		events->lost = 0;
	}
	spin_unlock_irq(&events->lock);
	return any;
}

static const char *dsa_reset_reason(const struct dsa_reset_event *event)
{
	if (event->flags & DRM_DSA_QUEUE_TIMEDOUT)
		return "timeout";
	if (event->flags & DRM_DSA_QUEUE_FAULT)
		return "fault";
	return event->queue < 0 ? "request" : "stop";
}

static void dsa_reset_send_event(struct dsa_device *dsa, const struct dsa_reset_event *event,
				 unsigned int lost)
{
	static const char * const levels[] = { "queue", "engine", "device" };
	char level[24], queue[24], client[40], reason[32], missed[24];
	char *env[7] = { level, reason };
	unsigned int n = 2;

	snprintf(level, sizeof(level), "DSA_RESET=%s", levels[event->level]);
	snprintf(reason, sizeof(reason), "DSA_REASON=%s", dsa_reset_reason(event));
	if (event->queue >= 0) {
		snprintf(queue, sizeof(queue), "DSA_QUEUE=%d", event->queue);
		snprintf(client, sizeof(client), "DSA_CLIENT=%llu", event->client_id);
		env[n++] = queue;
		env[n++] = client;
	}
	if (event->failed)
		env[n++] = "DSA_FAILED=1";
	if (lost) {
		snprintf(missed, sizeof(missed), "DSA_LOST=%u", lost);
		env[n++] = missed;
	}
	kobject_uevent_env(&dsa->drm.accel->kdev->kobj, KOBJ_CHANGE, env);
}

static void dsa_reset_events_work(struct work_struct *work)
{
	struct dsa_device *dsa = container_of(work, struct dsa_device, reset_events.work);
	struct dsa_reset_event event;
	unsigned int lost;

	while (dsa_reset_next_event(&dsa->reset_events, &event, &lost))
		dsa_reset_send_event(dsa, &event, lost);
}

void dsa_reset_events_init(struct dsa_device *dsa)
{
	spin_lock_init(&dsa->reset_events.lock);
	INIT_WORK(&dsa->reset_events.work, dsa_reset_events_work);
}

/**
 * dsa_reset_event - Have user space told of a reset.
 * @dsa: the device.
 * @level: what was reset.
 * @failed: in vain.
 * @queue: the queue that is the reason, with its hardware queue yet, or NULL.
 */
void dsa_reset_event(struct dsa_device *dsa, enum dsa_reset_level level, bool failed,
		     struct dsa_queue *queue)
{
	struct dsa_reset_events *events = &dsa->reset_events;
	struct dsa_reset_event event = { .level = level, .failed = failed, .queue = -1 };
	unsigned long irq;

	if (queue) {
		event.queue = queue->hwq->index;
		event.flags = queue->flags;
		event.client_id = queue->client_id;
	}
	spin_lock_irqsave(&events->lock, irq);
	if (events->count == DSA_RESET_EVENTS)
		events->lost++;
	else
		events->list[(events->first + events->count++) % DSA_RESET_EVENTS] = event;
	spin_unlock_irqrestore(&events->lock, irq);
	schedule_work(&events->work);
}

/* ---- the device ---- */

/**
 * dsa_reset_hw - Reset the hardware and wait until it is ready.
 * @dsa: the device.
 *
 * Return: 0, -ETIMEDOUT, or -ENODEV at once when it does not answer.
 */
int dsa_reset_hw(struct dsa_device *dsa)
{
	u32 status;
	int ret;

	dsa_write(dsa, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	ret = read_poll_timeout(dsa_read, status,
				(!(status & DSA_STATUS_RESETTING) && (status & DSA_STATUS_READY)) ||
				dsa_gone(dsa),
				50, DSA_RESET_TIMEOUT_US, false, dsa, DSA_REG_STATUS);
	if (dsa_gone(dsa))
		return -ENODEV;
	if (ret)
		dev_err(dsa->drm.dev, "reset not done after %lu s, status %#x\n",
			DSA_RESET_TIMEOUT_US / USEC_PER_SEC, status);
	return ret;
}

/**
 * dsa_int_enable - Choose what interrupts by vector 0, and forget what did.
 * @dsa: the device.
 * @mask: DSA_INT_*.
 */
void dsa_int_enable(struct dsa_device *dsa, u32 mask)
{
	dsa_write(dsa, DSA_REG_INT_STATUS, U32_MAX);
	dsa_write(dsa, DSA_REG_INT_ENABLE, mask);
}

/**
 * dsa_device_end_locked - The device is of no use any more.
 * @dsa: the device.
 * @error: &dsa_device.error from now on.
 *
 * Keeps it from memory that others will get, and lets those go who wait for it.
 */
void dsa_device_end_locked(struct dsa_device *dsa, int error)
{
	lockdep_assert_held(&dsa->hw_lock);
	pci_clear_master(to_pci_dev(dsa->drm.dev));
	WRITE_ONCE(dsa->error, error);
	/* After the error: who waits for what is over has seen either. */
	smp_wmb();
	atomic_inc(&dsa->mmu.generation);
	complete(&dsa->ping_done);
	wake_up_all(&dsa->back_online);
}

/* Are all that may have something to do done? */
static bool dsa_queues_drained_locked(struct dsa_device *dsa, const unsigned long *innocent)
{
	unsigned int q;

	for_each_set_bit(q, innocent, dsa->caps.queues) {
		if (!dsa_queue_drained_locked(dsa->hwq[q].queue))
			return false;
	}
	return true;
}

/*
 * Lets innocent queues complete what they have begun, for a while. @intact says
 * which of them did.
 */
static void dsa_queues_drain_locked(struct dsa_device *dsa, struct dsa_queue *guilty,
				    unsigned long *intact)
{
	unsigned int q;
	bool drained;

	bitmap_copy(intact, dsa->hwq_used, DSA_NUM_QUEUES);
	if (guilty)
		clear_bit(guilty->hwq->index, intact);
	/* What a user-mode queue has begun cannot be taken back: it is lost. */
	for_each_set_bit(q, intact, dsa->caps.queues) {
		if (dsa->hwq[q].queue->user)
			clear_bit(q, intact);
		else
			dsa_queue_withdraw_locked(dsa->hwq[q].queue);
	}
	read_poll_timeout(dsa_queues_drained_locked, drained, drained, 50, DSA_DRAIN_TIMEOUT_US,
			  false, dsa, intact);
	for_each_set_bit(q, intact, dsa->caps.queues) {
		if (!dsa_queue_drained_locked(dsa->hwq[q].queue))
			clear_bit(q, intact);
	}
}

/* What queues have met meanwhile that could not complete what they had begun. */
static void dsa_queues_record_locked(struct dsa_device *dsa, struct dsa_queue *guilty,
				     const unsigned long *intact)
{
	unsigned int q;

	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		dsa_queue_look_busy_locked(dsa->hwq[q].queue);
		if (!test_bit(q, intact) && dsa->hwq[q].queue != guilty &&
		    dsa_qread(dsa, q, DSA_Q_STATE) == DSA_QSTATE_ERROR)
			dsa_queue_record_locked(dsa->hwq[q].queue, 0);
	}
}

static void dsa_queue_lose_locked(struct dsa_queue *queue, struct dsa_queue *guilty)
{
	bool own = queue == guilty || queue->flags & DRM_DSA_QUEUE_FAULT;

	dsa_queue_lost_locked(queue, own ? 0 : DRM_DSA_QUEUE_RESET);
}

/**
 * dsa_lose_queues - End all queues; the device has been reset or is gone.
 * @dsa: the device.
 * @guilty: the queue that is the reason, or NULL.
 */
void dsa_lose_queues(struct dsa_device *dsa, struct dsa_queue *guilty)
{
	unsigned int q;

	lockdep_assert_held(&dsa->hw_lock);
	for (q = 0; q < dsa->caps.queues; q++) {
		if (dsa->hwq[q].queue)
			dsa_queue_lose_locked(dsa->hwq[q].queue, guilty);
	}
}

/* The device has been reset: goes on where it may, and ends what is lost. */
static void dsa_queues_resume_locked(struct dsa_device *dsa, struct dsa_queue *guilty,
				     const unsigned long *intact)
{
	unsigned int q;

	for (q = 0; q < dsa->caps.queues; q++) {
		struct dsa_queue *queue = dsa->hwq[q].queue;

		if (!queue)
			continue;
		dsa_queue_collect(queue);
		if (!test_bit(q, intact) || dsa_queue_restart_locked(queue))
			dsa_queue_lose_locked(queue, guilty);
	}
}

/**
 * dsa_device_reset_locked - Reset the device when nothing less helps.
 * @dsa: the device.
 * @guilty: the queue that is the reason, or NULL.
 *
 * Address spaces and HBM stay, and queues that had begun nothing which they
 * could not complete. Nothing happens to a device that is out of service.
 */
void dsa_device_reset_locked(struct dsa_device *dsa, struct dsa_queue *guilty)
{
	DECLARE_BITMAP(intact, DSA_NUM_QUEUES);
	int ret;

	lockdep_assert_held(&dsa->hw_lock);
	if (dsa->error || dsa->offline)
		return;
	if (!guilty) {
		dsa_dump_begin_locked(dsa);
		dsa_dump_end_locked(dsa, NULL, DSA_RESET_DEVICE);
	}
	dsa_queues_drain_locked(dsa, guilty, intact);
	dsa_queues_record_locked(dsa, guilty, intact);
	ret = dsa_reset_hw(dsa);
	if (ret == -ENODEV && pci_device_is_present(to_pci_dev(dsa->drm.dev)))
		ret = -EIO;
	dsa_ras_count(&dsa->ras, DSA_RAS_DEVICE_RESET);
	dsa_reset_event(dsa, DSA_RESET_DEVICE, ret, guilty);
	if (ret) {
		dsa_ras_count(&dsa->ras, DSA_RAS_RESET_FAILED);
		dsa_device_end_locked(dsa, ret == -ENODEV ? ret : -EIO);
		drm_err(&dsa->drm, "device is unusable until it is removed or the machine restarts\n");
		dsa_lose_queues(dsa, guilty);
		return;
	}
	dsa_mmu_restore_roots(dsa);
	dsa_int_enable(dsa, DSA_INT_ENABLED);
	dsa_queues_resume_locked(dsa, guilty, intact);
}

/**
 * dsa_device_reset - Reset the device on demand.
 * @dsa: the device.
 *
 * Return: 0, or &dsa_device.error.
 */
int dsa_device_reset(struct dsa_device *dsa)
{
	int ret;

	mutex_lock(&dsa->hw_lock);
	dsa_device_reset_locked(dsa, NULL);
	ret = dsa->error;
	mutex_unlock(&dsa->hw_lock);
	return ret;
}
