// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: a hardware queue each, its ring, its fences, its end.
 *
 * A queue stops once, for whatever reason: dsa_queue_stop_locked() makes the
 * device let go of it, keeps the error record, gives the hardware queue back
 * and fails what was in flight. The jobs still waiting fail as the scheduler
 * gets to them.
 */

#include <linux/capability.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_ring.h>

#include "dsa_hw.h"
#include "dsa_queue.h"
#include "dsa_quota.h"
#include "dsa_trace.h"
#include "dsa_user_queue.h"
#include "dsa_vm.h"

/* After so long a queue that does not stop is looked at. */
#define DSA_STOP_LOOK_US	(5 * USEC_PER_MSEC)

/* Codes that say "the driver stopped it": enum dsa_error_code 1 and 2. */
#define DSA_ERR_CODE_KILLED	1
#define DSA_ERR_CODE_RESET	2

/* It was stopped for what it did. */
#define DSA_QUEUE_FAILED	(DRM_DSA_QUEUE_FAULT | DRM_DSA_QUEUE_TIMEDOUT)

#define DSA_RING_BYTES		(DSA_RING_PACKETS * DSA_RING_PACKET_SIZE)
/* A page behind the ring for the fence value. */
#define DSA_RING_ALLOC		(DSA_RING_BYTES + PAGE_SIZE)

static_assert(sizeof(struct dsa_ring_packet) == DSA_RING_PACKET_SIZE);

/* ---- hardware fences ---- */

static void dsa_queue_mem_put(struct dsa_queue *queue);

static const char *dsa_fence_driver_name(struct dma_fence *fence)
{
	return DSA_DRIVER_NAME;
}

static const char *dsa_fence_timeline_name(struct dma_fence *fence)
{
	return container_of(fence, struct dsa_fence, base)->queue->name;
}

static void dsa_fence_release(struct dma_fence *base)
{
	struct dsa_fence *fence = container_of(base, struct dsa_fence, base);
	struct dsa_queue *queue = fence->queue;

	kfree_rcu(fence, base.rcu);
	dsa_queue_mem_put(queue);
}

static const struct dma_fence_ops dsa_fence_ops = {
	.get_driver_name = dsa_fence_driver_name,
	.get_timeline_name = dsa_fence_timeline_name,
	.release = dsa_fence_release,
};

/* The next packet of the ring; it has room. A job that failed before it began is an empty one. */
static void dsa_queue_write_packet(struct dsa_queue *queue, const struct dsa_fence *fence)
{
	struct dsa_ring_packet *packet = &queue->ring[queue->tail++ % DSA_RING_PACKETS];
	bool exec = fence->cmd_size && !fence->error;

	*packet = (struct dsa_ring_packet) {
		.op = cpu_to_le32(exec ? DSA_RING_OP_EXEC : DSA_RING_OP_NOP),
		.flags = cpu_to_le32(DSA_RING_F_FENCE | DSA_RING_F_IRQ),
		.cmd_va = cpu_to_le64(exec ? fence->cmd_va : 0),
		.cmd_size = cpu_to_le64(exec ? fence->cmd_size : 0),
		.fence_addr = cpu_to_le64(queue->ring_dma + DSA_RING_BYTES),
		.fence_value = cpu_to_le64(fence->base.seqno),
		.job_id = cpu_to_le64(fence->job_id),
	};
}

/* Tells the device what has been written, unless it is not to begin anything now. */
static void dsa_queue_kick(struct dsa_queue *queue)
{
	if (queue->held)
		return;
	dma_wmb();	/* the packets before the doorbell */
	/* A queue that is not held has a hardware queue, and that a device. */
	dsa_ring_doorbell(queue->dsa, queue->hwq->index, queue->tail);
}

/**
 * dsa_queue_emit - Give a job to the device.
 * @queue: the queue; there is room in its ring.
 * @fence: the job; becomes its hardware fence, one reference for the caller.
 * @failed: a job that this one needs has failed: it is not executed, and the
 *          queue ends with it, as later jobs count on it.
 *
 * The fences of a queue are signaled in order, also when they fail.
 */
void dsa_queue_emit(struct dsa_queue *queue, struct dsa_fence *fence, bool failed)
{
	unsigned long irq;
	bool first;

	kref_get(&queue->mem_ref);
	fence->queue = queue;

	spin_lock_irqsave(&queue->lock, irq);
	dma_fence_init(&fence->base, &dsa_fence_ops, &queue->lock, queue->fence_context,
		       ++queue->seqno);
	if (failed && !(queue->flags & DRM_DSA_QUEUE_DEAD)) {
		queue->flags |= DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_DEPENDENCY;
		queue->fault = (struct dsa_fault) { .opcode = U32_MAX, .job_id = fence->job_id };
	}
	if (queue->flags & DRM_DSA_QUEUE_DEAD)
		fence->error = -ECANCELED;
	trace_dsa_job_run(queue, fence->job_id, queue->seqno, fence->error);
	if (!queue->hwq) {
		dma_fence_set_error(&fence->base, -ECANCELED);
		dma_fence_signal_locked(&fence->base);
	} else {
		dma_fence_get(&fence->base);
		first = list_empty(&queue->inflight);
		list_add_tail(&fence->link, &queue->inflight);
		if (first)
			dsa_watchdog_head_changed(queue);
		dsa_queue_write_packet(queue, fence);
		dsa_queue_kick(queue);
	}
	spin_unlock_irqrestore(&queue->lock, irq);
}

static void dsa_queue_finish_fence(struct dsa_fence *fence, int error)
{
	trace_dsa_job_done(fence->queue, fence->job_id, fence->base.seqno, error);
	list_del_init(&fence->link);
	if (error)
		dma_fence_set_error(&fence->base, error);
	dma_fence_signal_locked(&fence->base);
	dma_fence_put(&fence->base);
}

/* Does the device have work of it? Of a user-mode queue it may at any time. */
bool dsa_queue_busy(struct dsa_queue *queue)
{
	bool busy;

	if (queue->user)
		return true;
	spin_lock_irq(&queue->lock);
	busy = !list_empty(&queue->inflight);
	spin_unlock_irq(&queue->lock);
	return busy;
}

/* A reference on the fence that is signaled when the queue is not busy any more, or NULL. */
struct dma_fence *dsa_queue_last_fence(struct dsa_queue *queue)
{
	struct dma_fence *fence = NULL;

	spin_lock_irq(&queue->lock);
	if (!list_empty(&queue->inflight))
		fence = dma_fence_get(&list_last_entry(&queue->inflight, struct dsa_fence,
						       link)->base);
	spin_unlock_irq(&queue->lock);
	return fence;
}

/* Is there something to collect? */
bool dsa_queue_has_completed(struct dsa_queue *queue)
{
	struct dsa_fence *first;
	unsigned long irq;
	bool completed;

	spin_lock_irqsave(&queue->lock, irq);
	first = list_first_entry_or_null(&queue->inflight, struct dsa_fence, link);
	completed = first && first->base.seqno <= le64_to_cpu(READ_ONCE(*queue->fence));
	spin_unlock_irqrestore(&queue->lock, irq);
	return completed;
}

/**
 * dsa_queue_collect - Signal what the device has completed.
 * @queue: the queue.
 *
 * Return: there was something.
 */
bool dsa_queue_collect(struct dsa_queue *queue)
{
	struct dsa_fence *fence, *next;
	unsigned long irq;
	bool any = false;
	u64 done;

	if (queue->user) {
		dsa_user_queue_wake(queue);
		return false;
	}
	spin_lock_irqsave(&queue->lock, irq);
	done = le64_to_cpu(READ_ONCE(*queue->fence));
	list_for_each_entry_safe(fence, next, &queue->inflight, link) {
		if (fence->base.seqno > done)
			break;
		any = true;
		if (!fence->error)
			queue->completed++;
		else	/* the queue ends here */
			queue_work(queue->dsa->reset_wq, &queue->recover_work);
		dsa_queue_finish_fence(fence, fence->error);
	}
	if (any && !list_empty(&queue->inflight))
		dsa_watchdog_head_changed(queue);
	spin_unlock_irqrestore(&queue->lock, irq);
	return any;
}

bool dsa_queue_dead(struct dsa_queue *queue)
{
	return READ_ONCE(queue->flags) & DRM_DSA_QUEUE_DEAD;
}

/* ---- stopping ---- */

static void dsa_queue_read_fault(struct dsa_queue *queue, struct dsa_fault *fault)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;

	fault->code = dsa_qread(dsa, q, DSA_Q_ERR_CODE);
	fault->access = dsa_qread(dsa, q, DSA_Q_ERR_ACCESS);
	fault->engine = dsa_qread(dsa, q, DSA_Q_ERR_ENGINE);
	fault->opcode = dsa_qread(dsa, q, DSA_Q_ERR_OPCODE);
	fault->program[0] = dsa_qread(dsa, q, DSA_Q_ERR_PROGRAM_X);
	fault->program[1] = dsa_qread(dsa, q, DSA_Q_ERR_PROGRAM_Y);
	fault->program[2] = dsa_qread(dsa, q, DSA_Q_ERR_PROGRAM_Z);
	fault->insn = dsa_qread(dsa, q, DSA_Q_ERR_INSN);
	fault->addr = dsa_qread64(dsa, q, DSA_Q_ERR_ADDR);
	fault->pc = dsa_qread64(dsa, q, DSA_Q_ERR_PC);
	fault->cmd_va = dsa_qread64(dsa, q, DSA_Q_ERR_CMD_VA);
	fault->job_id = dsa_qread64(dsa, q, DSA_Q_ERR_JOB_ID);
	fault->launch_id = dsa_qread64(dsa, q, DSA_Q_ERR_LAUNCH_ID);
}

static bool dsa_queue_running(u32 state)
{
	return state == DSA_QSTATE_ACTIVE || state == DSA_QSTATE_STOPPING;
}

/* 0, -ETIMEDOUT, or -ENODEV at once when nobody answers. */
static int dsa_queue_wait(struct dsa_queue *queue, bool disabled, u64 timeout_us)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;
	u32 state;
	int ret;

	ret = read_poll_timeout(dsa_qread, state, (disabled ? state == DSA_QSTATE_DISABLED :
						   !dsa_queue_running(state)) || dsa_gone(dsa),
				20, timeout_us, false, dsa, q, DSA_Q_STATE);
	return dsa_gone(dsa) ? -ENODEV : ret;
}

/* Says once in a while what programs do wrong; they can do so at any rate. */
static void dsa_queue_log(struct dsa_queue *queue, u32 flags, const struct dsa_fault *fault)
{
	if (!(flags & DSA_QUEUE_FAILED) ||
	    !__ratelimit(&queue->dsa->fault_log))
		return;
	drm_info(&queue->dsa->drm,
		 "%s of client %llu: job %llu %s: error %u, engine %u.%u, opcode %d, address %#llx, pc %#llx\n",
		 queue->name, queue->client_id, fault->job_id,
		 flags & DRM_DSA_QUEUE_FAULT ? "failed" : "timed out", fault->code,
		 fault->engine >> 16, fault->engine & 0xffff, fault->opcode, fault->addr,
		 fault->pc);
}

/* The mapping for the device must not outlive the driver's hold on it. */
static void dsa_queue_free_ring(struct dsa_queue *queue)
{
	if (queue->ring)
		dma_free_coherent(queue->dsa->drm.dev, DSA_RING_ALLOC, queue->ring,
				  queue->ring_dma);
	queue->ring = NULL;
}

/* The device forgets how long engines have worked for the queue. */
static void dsa_queue_fold_busy_locked(struct dsa_queue *queue)
{
	unsigned int i;

	for (i = 0; i < DSA_ENGINE_CLASSES; i++) {
		queue->dfile->busy[i] += queue->busy[i];
		queue->busy[i] = 0;
	}
}

/*
 * Gives the hardware queue back; the device has let go of it. In one piece
 * with the end of what was in flight: later jobs fail after it.
 */
static void dsa_queue_detach_locked(struct dsa_queue *queue)
{
	struct dsa_fence *fence, *next;
	struct dsa_hwq *hwq = queue->hwq;

	lockdep_assert_held(&queue->dsa->hw_lock);
	dsa_queue_fold_busy_locked(queue);
	if (queue->user) {
		dsa_user_queue_revoke(queue);
		dsa_device_let_sleep(queue->dsa);
	}
	spin_lock_irq(&hwq->lock);
	hwq->queue = NULL;
	spin_unlock_irq(&hwq->lock);
	clear_bit(hwq->index, queue->dsa->hwq_used);

	spin_lock_irq(&queue->lock);
	queue->hwq = NULL;
	list_for_each_entry_safe(fence, next, &queue->inflight, link)
		dsa_queue_finish_fence(fence, -ECANCELED);
	spin_unlock_irq(&queue->lock);
}

/* From now on the queue takes no more jobs, and the device gets none. */
static void dsa_queue_mark(struct dsa_queue *queue, u32 flags)
{
	spin_lock_irq(&queue->lock);
	queue->flags |= DRM_DSA_QUEUE_DEAD | flags;
	queue->held = true;
	spin_unlock_irq(&queue->lock);
}

/**
 * dsa_queue_lost_locked - End a queue that the device knows no more.
 * @queue: the queue.
 * @why: DRM_DSA_QUEUE_* beyond DRM_DSA_QUEUE_DEAD.
 */
void dsa_queue_lost_locked(struct dsa_queue *queue, u32 why)
{
	dsa_queue_mark(queue, why);
	dsa_queue_collect(queue);
	dsa_queue_look_busy_locked(queue);
	dsa_queue_detach_locked(queue);
	dsa_queue_free_ring(queue);
}

/**
 * dsa_queue_record_locked - Keep why the queue stopped, whatever comes next.
 * @queue: the queue.
 * @why: DRM_DSA_QUEUE_* if the device has no reason of its own.
 */
void dsa_queue_record_locked(struct dsa_queue *queue, u32 why)
{
	struct dsa_fault fault = {};

	if (dsa_qread(queue->dsa, queue->hwq->index, DSA_Q_STATE) == DSA_QSTATE_ERROR)
		dsa_queue_read_fault(queue, &fault);
	if (fault.code && fault.code != DSA_ERR_CODE_KILLED && fault.code != DSA_ERR_CODE_RESET)
		why = DRM_DSA_QUEUE_FAULT;
	dsa_queue_log(queue, why, &fault);
	if (why & DSA_QUEUE_FAILED)
		dsa_quota_failed(queue->dfile);
	dsa_ras_log(&queue->dsa->ras, queue, why, &fault);
	trace_dsa_queue_stop(queue, why, &fault);

	spin_lock_irq(&queue->lock);
	queue->flags |= why;
	/* The driver's own reason, unless an earlier job has met another. */
	if (why & DRM_DSA_QUEUE_FAULT || !(queue->flags & DRM_DSA_QUEUE_DEPENDENCY))
		queue->fault = fault;
	spin_unlock_irq(&queue->lock);
}

/*
 * Waits until the device has let go of the queue: 0, -ETIMEDOUT or -ENODEV.
 * Engines that are stuck are reset at once; those that work on may take a while.
 */
static int dsa_queue_let_go_locked(struct dsa_queue *queue, enum dsa_reset_level *level)
{
	ktime_t patience = ktime_add_us(ktime_get(), DSA_STOP_TIMEOUT_US);
	bool all = false;
	int ret;

	while ((ret = dsa_queue_wait(queue, false, DSA_STOP_LOOK_US)) == -ETIMEDOUT) {
		if (all)
			return dsa_queue_wait(queue, false, DSA_STOP_TIMEOUT_US);
		all = ktime_after(ktime_get(), patience);
		if (dsa_engines_reset_locked(queue, all))
			*level = DSA_RESET_ENGINE;
	}
	return ret;
}

/* Makes the device let go of the queue: 0, -ETIMEDOUT or -ENODEV. */
static int dsa_queue_halt_locked(struct dsa_queue *queue, u32 why, enum dsa_reset_level *level)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;
	int ret;

	if (dsa_qread(dsa, q, DSA_Q_STATE) == DSA_QSTATE_ACTIVE)
		dsa_qwrite(dsa, q, DSA_Q_COMMAND, DSA_QCMD_KILL);
	ret = dsa_queue_let_go_locked(queue, level);
	dsa_queue_record_locked(queue, why);
	if (!ret) {
		dsa_qwrite(dsa, q, DSA_Q_COMMAND, DSA_QCMD_DISABLE);
		ret = dsa_queue_wait(queue, true, DSA_STOP_TIMEOUT_US);
	}
	if (ret)
		*level = DSA_RESET_DEVICE;
	return ret;
}

/**
 * dsa_queue_stop_locked - Stop a queue for good.
 * @queue: the queue; nothing happens when it has stopped before.
 * @why: DRM_DSA_QUEUE_TIMEDOUT, DRM_DSA_QUEUE_RESET, or zero. A fault that the
 *       device has met before it was told to stop counts as the reason.
 *
 * The queue itself is reset first, then the engines that hold on to it, then
 * the device.
 */
void dsa_queue_stop_locked(struct dsa_queue *queue, u32 why)
{
	enum dsa_reset_level level = DSA_RESET_QUEUE;
	struct dsa_device *dsa = queue->dsa;
	int ret;

	lockdep_assert_held(&dsa->hw_lock);
	if (!queue->hwq)
		return;
	dsa_queue_mark(queue, 0);
	if (dsa->offline) {
		dsa_queue_lost_locked(queue, why);
		return;
	}
	if (why)
		dsa_dump_begin_locked(dsa);
	ret = dsa_queue_halt_locked(queue, why, &level);
	if (ret)
		dsa_dump_begin_locked(dsa);
	if (why || level != DSA_RESET_QUEUE)
		dsa_dump_end_locked(dsa, queue, level);
	if (!ret) {
		/* A queue that its owner does not want any more is no news. */
		if (queue->flags & DSA_QUEUE_FAILED || level != DSA_RESET_QUEUE)
			dsa_reset_event(dsa, level, false, queue);
		dsa_queue_lost_locked(queue, 0);
		return;
	}
	if (!dsa_gone(dsa))
		drm_err(&dsa->drm, "%s does not stop (state %u); resetting the device\n",
			queue->name, dsa_qread(dsa, queue->hwq->index, DSA_Q_STATE));
	dsa_device_reset_locked(dsa, queue);
}

static void dsa_queue_program(struct dsa_queue *queue, unsigned int q)
{
	struct dsa_device *dsa = queue->dsa;
	u32 vector = dsa->queue_vectors ? 1 + q % dsa->queue_vectors : DSA_VECTOR_DEVICE;

	dsa_qwrite64(dsa, q, DSA_Q_RING_BASE, queue->user ? queue->user->ring_va : queue->ring_dma);
	dsa_qwrite(dsa, q, DSA_Q_RING_LOG2, queue->user ? queue->user->ring_log2 : DSA_RING_LOG2);
	if (dsa_has_version(dsa, 2))
		dsa_qwrite(dsa, q, DSA_Q_MODE, queue->user ? DSA_QMODE_USER : 0);
	dsa_qwrite(dsa, q, DSA_Q_ASID, queue->vm->tree.asid);
	dsa_qwrite(dsa, q, DSA_Q_PRIORITY, queue->priority);
	dsa_qwrite(dsa, q, DSA_Q_VECTOR, vector);
	dsa_qwrite(dsa, q, DSA_Q_COMMAND, DSA_QCMD_ENABLE);
}

/**
 * dsa_queue_restart_locked - Go on after a device reset as if there had been none.
 * @queue: the queue; the device has begun nothing of what is in flight.
 *
 * Return: 0, or -EIO when it cannot be enabled.
 */
int dsa_queue_restart_locked(struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;
	struct dsa_fence *fence;

	lockdep_assert_held(&dsa->hw_lock);
	dsa_queue_fold_busy_locked(queue);
	dsa_queue_program(queue, q);
	if (dsa_qread(dsa, q, DSA_Q_STATE) != DSA_QSTATE_ACTIVE)
		return -EIO;
	spin_lock_irq(&queue->lock);
	queue->tail = 0;
	list_for_each_entry(fence, &queue->inflight, link)
		dsa_queue_write_packet(queue, fence);
	queue->held = false;
	if (queue->tail) {
		dsa_watchdog_head_changed(queue);
		dsa_queue_kick(queue);
	}
	spin_unlock_irq(&queue->lock);
	return 0;
}

/**
 * dsa_queue_hold_locked - Keep jobs from a device that is about to forget the queue.
 * @queue: an idle queue; it gets nothing more until it is restarted.
 */
void dsa_queue_hold_locked(struct dsa_queue *queue)
{
	dsa_queue_look_busy_locked(queue);
	spin_lock_irq(&queue->lock);
	WARN_ON_ONCE(!list_empty(&queue->inflight));
	queue->held = true;
	spin_unlock_irq(&queue->lock);
}

/**
 * dsa_queue_withdraw_locked - Take back what the device has not fetched yet.
 * @queue: the queue; it gets nothing more until it is restarted.
 *
 * Packets become empty ones without a fence, the last one first: the device
 * reads them in order, so what it still executes is what was before, up to
 * some packet.
 */
void dsa_queue_withdraw_locked(struct dsa_queue *queue)
{
	u32 head = dsa_qread(queue->dsa, queue->hwq->index, DSA_Q_HEAD);
	u32 slot;

	lockdep_assert_held(&queue->dsa->hw_lock);
	spin_lock_irq(&queue->lock);
	queue->held = true;
	/* A device that is gone says anything. */
	if (queue->tail - head > DSA_RING_PACKETS)
		head = queue->tail - DSA_RING_PACKETS;
	for (slot = queue->tail; slot != head; slot--) {
		struct dsa_ring_packet *packet = &queue->ring[(slot - 1) % DSA_RING_PACKETS];

		/* Operation and flags at once. */
		WRITE_ONCE(*(u64 *)&packet->op, DSA_RING_OP_NOP);
		dma_wmb();	/* this one before the one ahead of it */
	}
	spin_unlock_irq(&queue->lock);
}

/**
 * dsa_queue_drained_locked - Has the device completed all that it was given?
 * @queue: the queue, withdrawn.
 *
 * Return: true: it has, and holds nothing of the queue.
 */
bool dsa_queue_drained_locked(struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;
	u32 state = dsa_qread(dsa, q, DSA_Q_STATE);

	return state == DSA_QSTATE_ACTIVE && !dsa_qread(dsa, q, DSA_Q_BUSY) &&
	       dsa_qread(dsa, q, DSA_Q_HEAD) == dsa_qread(dsa, q, DSA_Q_TAIL);
}

void dsa_queue_kill(struct dsa_queue *queue)
{
	mutex_lock(&queue->dsa->hw_lock);
	dsa_queue_stop_locked(queue, 0);
	/* Also of one that never got a hardware queue. */
	dsa_queue_free_ring(queue);
	mutex_unlock(&queue->dsa->hw_lock);
}

static void dsa_queue_recover(struct work_struct *work)
{
	struct dsa_queue *queue = container_of(work, struct dsa_queue, recover_work);
	struct dsa_device *dsa = queue->dsa;

	mutex_lock(&dsa->hw_lock);
	if (queue->hwq) {
		u32 state = dsa_qread(dsa, queue->hwq->index, DSA_Q_STATE);

		if (state == DSA_QSTATE_ERROR || state == DSA_QSTATE_STOPPING ||
		    dsa_queue_dead(queue))
			dsa_queue_stop_locked(queue, 0);
	}
	mutex_unlock(&dsa->hw_lock);
}

/* ---- starting ---- */

/* Which numbers the queues of a class have. */
static void dsa_queue_class_range(struct dsa_device *dsa, u32 class, unsigned int *first,
				  unsigned int *end)
{
	*first = class == DRM_DSA_QUEUE_COPY ? dsa->caps.compute_queues : 0;
	*end = class == DRM_DSA_QUEUE_COPY ? dsa->caps.queues : dsa->caps.compute_queues;
}

static int dsa_queue_start_locked(struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int first, end, q;
	struct dsa_hwq *hwq;

	if (dsa->error)
		return dsa->error;
	dsa_queue_class_range(dsa, queue->class, &first, &end);
	q = find_next_zero_bit(dsa->hwq_used, end, first);
	if (q >= end)
		return -ENOSPC;

	snprintf(queue->name, sizeof(queue->name), "dsa-%s-%u",
		 queue->class == DRM_DSA_QUEUE_COPY ? "copy" : "compute", q);
	hwq = &dsa->hwq[q];
	set_bit(q, dsa->hwq_used);
	queue->hwq = hwq;
	spin_lock_irq(&hwq->lock);
	hwq->queue = queue;
	spin_unlock_irq(&hwq->lock);

	/* Its process rings without telling us. */
	if (queue->user)
		dsa_device_keep_awake(dsa);
	/* Then it is set up with all the others when the device is back. */
	queue->held = dsa->offline;
	if (dsa->offline)
		return 0;
	dsa_queue_program(queue, q);
	if (dsa_qread(dsa, q, DSA_Q_STATE) == DSA_QSTATE_ACTIVE) {
		if (queue->user)
			dsa_watchdog_begin(queue);
		return 0;
	}
	drm_err(&dsa->drm, "%s cannot be enabled: state %u, error %u\n", queue->name,
		dsa_qread(dsa, q, DSA_Q_STATE), dsa_qread(dsa, q, DSA_Q_ERR_CODE));
	dsa_queue_stop_locked(queue, 0);
	return -EIO;
}

static int dsa_queue_start(struct dsa_queue *queue)
{
	int ret;

	mutex_lock(&queue->dsa->hw_lock);
	ret = dsa_queue_start_locked(queue);
	mutex_unlock(&queue->dsa->hw_lock);
	return ret;
}

/* ---- lifetime ---- */

static void dsa_queue_free(struct work_struct *work)
{
	kfree(container_of(work, struct dsa_queue, free_work));
	module_put(THIS_MODULE);
}

static void dsa_queue_mem_release(struct kref *ref)
{
	queue_work(dsa_release_wq, &container_of(ref, struct dsa_queue, mem_ref)->free_work);
}

/* Any context. */
static void dsa_queue_mem_put(struct dsa_queue *queue)
{
	kref_put(&queue->mem_ref, dsa_queue_mem_release);
}

/* Neither the user nor a job has the queue any more, and it is stopped. */
static void dsa_queue_release(struct work_struct *work)
{
	struct dsa_queue *queue = container_of(work, struct dsa_queue, release_work);
	struct dsa_file *dfile = queue->dfile;
	struct dsa_device *dsa = queue->dsa;

	dsa_queue_kill(queue);
	cancel_work_sync(&queue->recover_work);
	cancel_delayed_work_sync(&queue->watchdog);
	dsa_sched_fini(queue);

	mutex_lock(&queue->vm->queue_lock);
	list_del(&queue->vm_link);
	mutex_unlock(&queue->vm->queue_lock);
	if (queue->user)
		dsa_vm_drop_user_queue(queue->vm);
	dsa_vm_put(queue->vm);
	queue->vm = NULL;
	mutex_destroy(&queue->submit_lock);

	dsa_user_queue_fini(queue);
	queue->dsa = NULL;
	drm_dev_put(&dsa->drm);
	dsa_quota_give_queue(dfile, queue->class);
	dsa_queue_mem_put(queue);
	dsa_file_put_queue(dfile);
}

static void dsa_queue_ref_release(struct kref *ref)
{
	/* The scheduler cannot be ended by its own worker, which frees jobs. */
	queue_work(dsa_release_wq, &container_of(ref, struct dsa_queue, ref)->release_work);
}

void dsa_queue_get(struct dsa_queue *queue)
{
	kref_get(&queue->ref);
}

void dsa_queue_put(struct dsa_queue *queue)
{
	kref_put(&queue->ref, dsa_queue_ref_release);
}

/**
 * dsa_queue_close - Drop the reference of a queue's id.
 * @queue: the queue, killed.
 */
void dsa_queue_close(struct dsa_queue *queue)
{
	dsa_quota_queue_closing(queue->dfile, queue->class);
	dsa_queue_put(queue);
}

/* Takes over the reference on @vm in any case. */
static struct dsa_queue *dsa_queue_alloc(struct dsa_file *dfile, struct dsa_vm *vm,
					 const struct drm_dsa_queue_create *args)
{
	struct dsa_device *dsa = dfile->dsa;
	struct dsa_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue) {
		dsa_vm_put(vm);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&queue->ref);
	kref_init(&queue->mem_ref);
	queue->dsa = dsa;
	queue->vm = vm;
	queue->client_id = dfile->drm->client_id;
	queue->class = args->queue_class;
	queue->priority = args->priority;
	INIT_LIST_HEAD(&queue->vm_link);
	INIT_WORK(&queue->release_work, dsa_queue_release);
	INIT_WORK(&queue->free_work, dsa_queue_free);
	INIT_WORK(&queue->recover_work, dsa_queue_recover);
	dsa_watchdog_init(queue);
	mutex_init(&queue->submit_lock);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->inflight);
	queue->fence_context = dma_fence_context_alloc(1);
	queue->dfile = dfile;
	dsa_file_get_queue(dfile);
	drm_dev_get(&dsa->drm);
	/* An open file holds the module now; fences may need it longer. */
	__module_get(THIS_MODULE);
	return queue;
}

static int dsa_queue_alloc_ring(struct dsa_queue *queue)
{
	queue->ring = dma_alloc_coherent(queue->dsa->drm.dev, DSA_RING_ALLOC, &queue->ring_dma,
					 GFP_KERNEL);
	if (!queue->ring)
		return -ENOMEM;
	queue->fence = (__le64 *)((u8 *)queue->ring + DSA_RING_BYTES);
	return 0;
}

static int dsa_queue_join_vm(struct dsa_queue *queue)
{
	struct dsa_vm *vm = queue->vm;
	int ret = 0;

	mutex_lock(&vm->queue_lock);
	if (vm->queues_dead)
		ret = -ENOENT;
	else
		ret = dsa_queue_start(queue);
	if (!ret)
		list_add(&queue->vm_link, &vm->queues);
	mutex_unlock(&vm->queue_lock);
	return ret;
}

/**
 * dsa_queue_lookup - Find a queue of a file.
 * @dfile: the file.
 * @id: its id.
 *
 * Return: the queue with a reference, or NULL.
 */
struct dsa_queue *dsa_queue_lookup(struct dsa_file *dfile, u32 id)
{
	struct dsa_queue *queue;

	xa_lock(&dfile->queues);
	queue = xa_load(&dfile->queues, id);
	if (queue)
		dsa_queue_get(queue);
	xa_unlock(&dfile->queues);
	return queue;
}

static int dsa_queue_check(const struct drm_dsa_queue_create *args)
{
	if (args->flags & ~DRM_DSA_QUEUE_USER || args->pad ||
	    args->queue_class > DRM_DSA_QUEUE_COPY || args->priority > DRM_DSA_PRIORITY_REALTIME)
		return -EINVAL;
	if (args->priority > DRM_DSA_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EACCES;
	return 0;
}

/* The id is in the queue before anyone can find it. */
static int dsa_queue_publish(struct dsa_file *dfile, struct dsa_queue *queue, u32 *id)
{
	int ret;

	dsa_queue_get(queue);
	ret = xa_alloc(&dfile->queues, &queue->id, queue, xa_limit_31b, GFP_KERNEL);
	*id = queue->id;
	dsa_queue_put(queue);
	return ret;
}

static int dsa_queue_create(struct dsa_file *dfile, struct drm_dsa_queue_create *args)
{
	struct dsa_queue *queue;
	struct dsa_vm *vm;
	int ret;

	vm = dsa_vm_lookup(dfile, args->vm_id);
	if (!vm)
		return -ENOENT;
	ret = dsa_quota_take_queue(dfile, args->queue_class);
	if (ret) {
		dsa_vm_put(vm);
		return ret;
	}
	queue = dsa_queue_alloc(dfile, vm, args);
	if (IS_ERR(queue)) {
		dsa_quota_queue_closing(dfile, args->queue_class);
		dsa_quota_give_queue(dfile, args->queue_class);
		return PTR_ERR(queue);
	}

	if (args->flags & DRM_DSA_QUEUE_USER)
		ret = dsa_user_queue_init(queue, args);
	else
		ret = dsa_queue_alloc_ring(queue);
	if (!ret)
		ret = dsa_queue_join_vm(queue);
	if (!ret && !queue->user)
		ret = dsa_sched_init(queue);
	/* From here on another thread may destroy it. */
	if (!ret)
		ret = dsa_queue_publish(dfile, queue, &args->queue_id);
	if (!ret && args->flags & DRM_DSA_QUEUE_USER)
		args->doorbell_offset = dsa_user_queue_doorbell_offset(args->queue_id);
	if (ret) {
		dsa_queue_kill(queue);
		dsa_queue_close(queue);
	}
	return ret;
}

int dsa_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_queue_create *args = data;
	int idx, ret;

	ret = dsa_queue_check(args);
	if (!ret)
		ret = dsa_user_queue_check(drm, args);
	if (!ret)
		ret = dsa_quota_pay(file->driver_priv);
	if (ret)
		return ret;
	ret = dsa_device_enter(to_dsa_device(drm), &idx);
	if (ret)
		return ret;
	ret = dsa_queue_create(file->driver_priv, args);
	dsa_device_exit(to_dsa_device(drm), idx);
	return ret;
}

int dsa_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_queue_destroy *args = data;
	struct dsa_file *dfile = file->driver_priv;
	struct dsa_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = xa_erase(&dfile->queues, args->queue_id);
	if (!queue)
		return -ENOENT;
	dsa_queue_kill(queue);
	dsa_queue_close(queue);
	return 0;
}

int dsa_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_queue_state *args = data;
	struct dsa_queue *queue;
	struct dsa_fault *f;

	queue = dsa_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	mutex_lock(&queue->submit_lock);
	args->jobs_submitted = queue->submitted;
	mutex_unlock(&queue->submit_lock);

	/* A queue that is being stopped is dead before it is known why. */
	mutex_lock(&queue->dsa->hw_lock);
	spin_lock_irq(&queue->lock);
	f = &queue->fault;
	args->flags = queue->flags;
	args->jobs_completed = queue->completed;
	args->error_code = f->code;
	args->access = f->access;
	args->engine = f->engine;
	args->opcode = f->opcode;
	memcpy(args->program, f->program, sizeof(args->program));
	args->insn = f->insn;
	args->addr = f->addr;
	args->pc = f->pc;
	args->cmd_va = f->cmd_va;
	args->job_id = f->job_id;
	args->launch_id = f->launch_id;
	spin_unlock_irq(&queue->lock);
	mutex_unlock(&queue->dsa->hw_lock);
	dsa_queue_put(queue);
	return 0;
}
