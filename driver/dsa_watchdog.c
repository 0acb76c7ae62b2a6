// SPDX-License-Identifier: GPL-2.0
/*
 * Time-outs: a queue that gets nowhere is stopped.
 *
 * Not with the scheduler's timer: that one times jobs, and every submit starts
 * it anew. A job is a buffer of any number of commands, so what counts is
 * whether the queue gets further: its clock, DSA_Q_TIME, moves with every
 * command that completes. A queue with work in flight is looked at several
 * times in its limit, and when its clock has stood still for so long, it hangs.
 *
 * Programs keep their cores until they end, so a queue may stand still because
 * of another. The one that has stood still for longest is to blame; the time
 * of the others begins when they are not held up any more, and no queue is
 * stopped for what others did. But a program that has a core is in nobody's
 * way but its own: the time of its queue goes on. The same is true of who waits
 * for a semaphore, unless a queue of the same file that could signal it may be
 * held up. So what hangs is stopped at once, and not one after the other.
 */

#include <drm/dsa_accel.h>

#include "dsa_hw.h"
#include "dsa_queue.h"

/* Looks in the time that a queue may stand still. */
#define DSA_WATCHDOG_LOOKS	8

/*
 * A queue without a limit is not stopped, however long it stands still. It
 * holds up others for so many times their limit only: it may just be waiting.
 */
#define DSA_WATCHDOG_PATIENCE	4

static ktime_t dsa_watchdog_limit(struct dsa_queue *queue)
{
	return ms_to_ktime(queue->timeout_ms);
}

/* Called with &dsa_queue.lock; nothing happens while a look is due anyway. */
static void dsa_watchdog_schedule(struct dsa_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (queue->timeout_ms)
		queue_delayed_work(queue->dsa->reset_wq, &queue->watchdog,
				   msecs_to_jiffies(queue->timeout_ms / DSA_WATCHDOG_LOOKS) + 1);
}

/**
 * dsa_watchdog_head_changed - Note that another job is first in the ring now.
 * @queue: the queue; the caller has its lock. The time of the job begins.
 */
void dsa_watchdog_head_changed(struct dsa_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	queue->still_since = ktime_get();
	queue->timed_from = queue->still_since;
	queue->clock_known = false;
	dsa_watchdog_schedule(queue);
}

/* A lost interrupt is no reason to stop anything. */
static void dsa_watchdog_collect(struct dsa_queue *queue)
{
	if (!dsa_queue_has_completed(queue))
		return;
	/* Most likely the interrupt is on its way. */
	usleep_range(1000, 2000);
	if (dsa_queue_collect(queue))
		dsa_ras_count(&queue->dsa->ras, DSA_RAS_LOST_IRQ);
}

/* Of a user-mode queue the device alone knows. */
static bool dsa_watchdog_user_works(struct dsa_queue *queue)
{
	return queue->user && dsa_qread(queue->dsa, queue->hwq->index, DSA_Q_HEAD) !=
				      dsa_qread(queue->dsa, queue->hwq->index, DSA_Q_TAIL);
}

/* Since when the queue has stood still, as far as is known; KTIME_MAX: it has nothing to do. */
static ktime_t dsa_watchdog_look_locked(struct dsa_queue *queue)
{
	ktime_t since = KTIME_MAX;
	bool works;
	u64 clock;

	lockdep_assert_held(&queue->dsa->hw_lock);
	dsa_watchdog_collect(queue);
	works = dsa_watchdog_user_works(queue);
	clock = dsa_qread64(queue->dsa, queue->hwq->index, DSA_Q_TIME);

	spin_lock_irq(&queue->lock);
	if (works || !list_empty(&queue->inflight)) {
		if (queue->clock_known && clock != queue->clock) {
			queue->still_since = ktime_get();
			queue->timed_from = queue->still_since;
		}
		queue->clock = clock;
		queue->clock_known = true;
		since = queue->still_since;
	} else if (queue->user) {
		/* Nobody tells when it is given something: at the earliest from now on. */
		dsa_watchdog_head_changed(queue);
	}
	spin_unlock_irq(&queue->lock);
	return since;
}

/* Does @queue, which stands still, perhaps do so because of @other? */
static bool dsa_watchdog_held_up_locked(struct dsa_queue *queue, ktime_t since,
					struct dsa_queue *other)
{
	ktime_t patience = ktime_add(since, DSA_WATCHDOG_PATIENCE * dsa_watchdog_limit(queue));

	if (!other || other == queue || !ktime_before(dsa_watchdog_look_locked(other), since))
		return false;
	return other->timeout_ms || ktime_before(ktime_get(), patience);
}

static bool dsa_watchdog_held_up_by_any_locked(struct dsa_queue *queue, ktime_t since)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q;

	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		if (dsa_watchdog_held_up_locked(queue, since, dsa->hwq[q].queue))
			return true;
	}
	return false;
}

/* Is there, in the queue's file, another that may have to wait for an engine? */
static bool dsa_watchdog_others_wait_locked(struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q;

	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		struct dsa_queue *other = dsa->hwq[q].queue;

		if (other != queue && other->dfile == queue->dfile &&
		    dsa_watchdog_look_locked(other) != KTIME_MAX &&
		    dsa_cores_busy_since_locked(other) == KTIME_MAX &&
		    !dsa_front_end_waits_locked(other))
			return true;
	}
	return false;
}

/*
 * Since when it is the queue's own doing that it stands still: KTIME_MAX if it
 * may be that of another even now.
 */
static ktime_t dsa_watchdog_own_since_locked(struct dsa_queue *queue, ktime_t since)
{
	ktime_t busy;

	if (!dsa_watchdog_held_up_by_any_locked(queue, since))
		return since;
	busy = dsa_cores_busy_since_locked(queue);
	if (busy != KTIME_MAX)
		return busy;
	if (dsa_front_end_waits_locked(queue) && !dsa_watchdog_others_wait_locked(queue))
		return since;
	return KTIME_MAX;
}

static bool dsa_watchdog_hung_locked(struct dsa_queue *queue)
{
	ktime_t since = dsa_watchdog_look_locked(queue), own, timed;

	if (since == KTIME_MAX)
		return false;
	/* Then stopping it finds that out, and ends all. */
	if (dsa_gone(queue->dsa))
		return true;
	dsa_cores_look_locked(queue->dsa);
	own = dsa_watchdog_own_since_locked(queue, since);

	spin_lock_irq(&queue->lock);
	queue->timed_from = max(queue->timed_from, own == KTIME_MAX ? ktime_get() : own);
	timed = ktime_sub(ktime_get(), queue->timed_from);
	spin_unlock_irq(&queue->lock);
	/* What began the time was seen at a look, and may have come just after the one before. */
	return timed >= dsa_watchdog_limit(queue) / DSA_WATCHDOG_LOOKS * (DSA_WATCHDOG_LOOKS + 1);
}

static void dsa_watchdog_work(struct work_struct *work)
{
	struct dsa_queue *queue = container_of(to_delayed_work(work), struct dsa_queue, watchdog);

	mutex_lock(&queue->dsa->hw_lock);
	if (queue->hwq && dsa_watchdog_hung_locked(queue))
		dsa_queue_stop_locked(queue, DRM_DSA_QUEUE_TIMEDOUT);
	mutex_unlock(&queue->dsa->hw_lock);

	/* With the lock: the next job either is in the list, or schedules a look itself. */
	spin_lock_irq(&queue->lock);
	if (!list_empty(&queue->inflight) || (queue->user && queue->hwq))
		dsa_watchdog_schedule(queue);
	spin_unlock_irq(&queue->lock);
}

void dsa_watchdog_init(struct dsa_queue *queue)
{
	queue->timeout_ms = READ_ONCE(dsa_job_timeout_ms);
	INIT_DELAYED_WORK(&queue->watchdog, dsa_watchdog_work);
}

/* Looks at a queue from now on that does not tell what it is given. */
void dsa_watchdog_begin(struct dsa_queue *queue)
{
	spin_lock_irq(&queue->lock);
	dsa_watchdog_head_changed(queue);
	spin_unlock_irq(&queue->lock);
}
