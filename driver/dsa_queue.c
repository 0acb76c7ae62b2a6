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
#include "dsa_trace.h"
#include "dsa_vm.h"

/* Codes that say "the driver stopped it": enum dsa_error_code 1 and 2. */
#define DSA_ERR_CODE_KILLED	1
#define DSA_ERR_CODE_RESET	2

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

static void dsa_queue_write_packet(struct dsa_queue *queue, u64 seqno, u64 job_id, u64 cmd_va,
				   u64 cmd_size)
{
	struct dsa_ring_packet *packet = &queue->ring[queue->tail % DSA_RING_PACKETS];

	*packet = (struct dsa_ring_packet) {
		.op = cpu_to_le32(cmd_size ? DSA_RING_OP_EXEC : DSA_RING_OP_NOP),
		.flags = cpu_to_le32(DSA_RING_F_FENCE | DSA_RING_F_IRQ),
		.cmd_va = cpu_to_le64(cmd_size ? cmd_va : 0),
		.cmd_size = cpu_to_le64(cmd_size),
		.fence_addr = cpu_to_le64(queue->ring_dma + DSA_RING_BYTES),
		.fence_value = cpu_to_le64(seqno),
		.job_id = cpu_to_le64(job_id),
	};
}

/**
 * dsa_queue_emit - Give a job to the device.
 * @queue: the queue; there is room in its ring.
 * @fence: becomes the job's hardware fence, one reference for the caller. It
 *         is signaled with an error when the queue is dead.
 * @job_id: counted from 1.
 * @cmd_va: command buffer.
 * @cmd_size: bytes.
 */
void dsa_queue_emit(struct dsa_queue *queue, struct dsa_fence *fence, u64 job_id, u64 cmd_va,
		    u64 cmd_size)
{
	unsigned long irq;
	bool first;

	kref_get(&queue->mem_ref);
	fence->queue = queue;
	fence->job_id = job_id;

	spin_lock_irqsave(&queue->lock, irq);
	dma_fence_init(&fence->base, &dsa_fence_ops, &queue->lock, queue->fence_context,
		       ++queue->seqno);
	trace_dsa_job_run(queue, job_id, queue->seqno, queue->flags & DRM_DSA_QUEUE_DEAD);
	if (queue->flags & DRM_DSA_QUEUE_DEAD) {
		dma_fence_set_error(&fence->base, -ECANCELED);
		dma_fence_signal_locked(&fence->base);
	} else {
		dma_fence_get(&fence->base);
		first = list_empty(&queue->inflight);
		list_add_tail(&fence->link, &queue->inflight);
		if (first)
			dsa_watchdog_head_changed(queue);
		dsa_queue_write_packet(queue, fence->base.seqno, job_id, cmd_va, cmd_size);
		queue->tail++;
		dma_wmb();	/* the packet before the doorbell */
		/* A queue that lives has a hardware queue, and that a device. */
		dsa_ring_doorbell(queue->dsa, queue->hwq->index, queue->tail);
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

	spin_lock_irqsave(&queue->lock, irq);
	done = le64_to_cpu(READ_ONCE(*queue->fence));
	list_for_each_entry_safe(fence, next, &queue->inflight, link) {
		if (fence->base.seqno > done)
			break;
		queue->completed++;
		any = true;
		dsa_queue_finish_fence(fence, 0);
	}
	if (any && !list_empty(&queue->inflight))
		dsa_watchdog_head_changed(queue);
	spin_unlock_irqrestore(&queue->lock, irq);
	return any;
}

static void dsa_queue_cancel_inflight(struct dsa_queue *queue)
{
	struct dsa_fence *fence, *next;

	spin_lock_irq(&queue->lock);
	list_for_each_entry_safe(fence, next, &queue->inflight, link)
		dsa_queue_finish_fence(fence, -ECANCELED);
	spin_unlock_irq(&queue->lock);
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

static int dsa_queue_wait(struct dsa_queue *queue, bool disabled)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;
	u32 state;

	return read_poll_timeout(dsa_qread, state, disabled ? state == DSA_QSTATE_DISABLED :
				 !dsa_queue_running(state), 20, DSA_STOP_TIMEOUT_US, false, dsa, q,
				 DSA_Q_STATE);
}

/* Says once in a while what programs do wrong; they can do so at any rate. */
static void dsa_queue_log(struct dsa_queue *queue, u32 flags, const struct dsa_fault *fault)
{
	if (!(flags & (DRM_DSA_QUEUE_FAULT | DRM_DSA_QUEUE_TIMEDOUT)) ||
	    !__ratelimit(&queue->dsa->fault_log))
		return;
	drm_info(&queue->dsa->drm,
		 "%s of client %llu: job %llu %s: error %u, engine %u.%u, opcode %d, address %#llx, pc %#llx\n",
		 queue->name, queue->client_id, fault->job_id,
		 flags & DRM_DSA_QUEUE_FAULT ? "failed" : "timed out", fault->code,
		 fault->engine >> 16, fault->engine & 0xffff, fault->opcode, fault->addr,
		 fault->pc);
}

/* Gives the hardware queue back; the device has let go of it. */
static void dsa_queue_detach_locked(struct dsa_queue *queue)
{
	struct dsa_hwq *hwq = queue->hwq;
	unsigned int i;

	lockdep_assert_held(&queue->dsa->hw_lock);
	for (i = 0; i < DSA_ENGINE_CLASSES; i++)
		queue->dfile->busy[i] += queue->busy[i];
	spin_lock_irq(&hwq->lock);
	hwq->queue = NULL;
	spin_unlock_irq(&hwq->lock);
	clear_bit(hwq->index, queue->dsa->hwq_used);

	spin_lock_irq(&queue->lock);
	queue->hwq = NULL;
	spin_unlock_irq(&queue->lock);
}

static void dsa_queue_mark(struct dsa_queue *queue, u32 flags)
{
	spin_lock_irq(&queue->lock);
	queue->flags |= DRM_DSA_QUEUE_DEAD | flags;
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
	dsa_queue_cancel_inflight(queue);
}

/* Keeps why the queue stopped, whatever comes next. */
static void dsa_queue_record_locked(struct dsa_queue *queue, u32 why)
{
	struct dsa_fault fault = {};

	if (dsa_qread(queue->dsa, queue->hwq->index, DSA_Q_STATE) == DSA_QSTATE_ERROR)
		dsa_queue_read_fault(queue, &fault);
	if (fault.code && fault.code != DSA_ERR_CODE_KILLED && fault.code != DSA_ERR_CODE_RESET)
		why = DRM_DSA_QUEUE_FAULT;
	dsa_queue_log(queue, why, &fault);
	dsa_ras_log(&queue->dsa->ras, queue, why, &fault);
	trace_dsa_queue_stop(queue, why, &fault);

	spin_lock_irq(&queue->lock);
	queue->flags |= why;
	queue->fault = fault;
	spin_unlock_irq(&queue->lock);
}

/* Makes the device let go of the queue: 0 or -ETIMEDOUT. */
static int dsa_queue_halt_locked(struct dsa_queue *queue, u32 why)
{
	struct dsa_device *dsa = queue->dsa;
	unsigned int q = queue->hwq->index;
	int ret;

	if (dsa_qread(dsa, q, DSA_Q_STATE) == DSA_QSTATE_ACTIVE)
		dsa_qwrite(dsa, q, DSA_Q_COMMAND, DSA_QCMD_KILL);
	ret = dsa_queue_wait(queue, false);
	dsa_queue_record_locked(queue, why);
	if (ret)
		return ret;
	dsa_qwrite(dsa, q, DSA_Q_COMMAND, DSA_QCMD_DISABLE);
	return dsa_queue_wait(queue, true);
}

/**
 * dsa_queue_stop_locked - Stop a queue for good.
 * @queue: the queue; nothing happens when it has stopped before.
 * @why: DRM_DSA_QUEUE_TIMEDOUT, or zero. A fault that the device has met
 *       before it was told to stop counts as the reason.
 */
void dsa_queue_stop_locked(struct dsa_queue *queue, u32 why)
{
	struct dsa_device *dsa = queue->dsa;

	lockdep_assert_held(&dsa->hw_lock);
	if (!queue->hwq)
		return;
	dsa_queue_mark(queue, 0);
	if (dsa_queue_halt_locked(queue, why)) {
		drm_err(&dsa->drm, "%s does not stop (state %u); resetting the device\n",
			queue->name, dsa_qread(dsa, queue->hwq->index, DSA_Q_STATE));
		dsa_device_reset_locked(dsa, queue);
	} else {
		dsa_queue_lost_locked(queue, 0);
	}
}

void dsa_queue_kill(struct dsa_queue *queue)
{
	mutex_lock(&queue->dsa->hw_lock);
	dsa_queue_stop_locked(queue, 0);
	mutex_unlock(&queue->dsa->hw_lock);
}

static void dsa_queue_recover(struct work_struct *work)
{
	struct dsa_queue *queue = container_of(work, struct dsa_queue, recover_work);
	struct dsa_device *dsa = queue->dsa;

	mutex_lock(&dsa->hw_lock);
	if (queue->hwq) {
		u32 state = dsa_qread(dsa, queue->hwq->index, DSA_Q_STATE);

		if (state == DSA_QSTATE_ERROR || state == DSA_QSTATE_STOPPING)
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

static void dsa_queue_program(struct dsa_queue *queue, unsigned int q)
{
	struct dsa_device *dsa = queue->dsa;
	u32 vector = dsa->queue_vectors ? 1 + q % dsa->queue_vectors : DSA_VECTOR_DEVICE;

	dsa_qwrite64(dsa, q, DSA_Q_RING_BASE, queue->ring_dma);
	dsa_qwrite(dsa, q, DSA_Q_RING_LOG2, DSA_RING_LOG2);
	dsa_qwrite(dsa, q, DSA_Q_ASID, queue->vm->tree.asid);
	dsa_qwrite(dsa, q, DSA_Q_PRIORITY, queue->priority);
	dsa_qwrite(dsa, q, DSA_Q_VECTOR, vector);
	dsa_qwrite(dsa, q, DSA_Q_COMMAND, DSA_QCMD_ENABLE);
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

	dsa_queue_program(queue, q);
	if (dsa_qread(dsa, q, DSA_Q_STATE) == DSA_QSTATE_ACTIVE)
		return 0;
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
	if (queue->ring)
		dma_free_coherent(dsa->drm.dev, DSA_RING_ALLOC, queue->ring, queue->ring_dma);

	mutex_lock(&queue->vm->queue_lock);
	list_del(&queue->vm_link);
	mutex_unlock(&queue->vm->queue_lock);
	dsa_vm_put(queue->vm);
	queue->vm = NULL;
	mutex_destroy(&queue->submit_lock);

	queue->dsa = NULL;
	drm_dev_put(&dsa->drm);
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
	if (args->flags || args->pad || args->queue_class > DRM_DSA_QUEUE_COPY ||
	    args->priority > DRM_DSA_PRIORITY_REALTIME)
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
	queue = dsa_queue_alloc(dfile, vm, args);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	ret = dsa_queue_alloc_ring(queue);
	if (!ret)
		ret = dsa_queue_join_vm(queue);
	if (!ret)
		ret = dsa_sched_init(queue);
	/* From here on another thread may destroy it. */
	if (!ret)
		ret = dsa_queue_publish(dfile, queue, &args->queue_id);
	if (ret) {
		dsa_queue_kill(queue);
		dsa_queue_put(queue);
	}
	return ret;
}

int dsa_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_dsa_queue_create *args = data;
	int idx, ret;

	ret = dsa_queue_check(args);
	if (ret)
		return ret;
	ret = dsa_device_enter(to_dsa_device(drm), &idx);
	if (ret)
		return ret;
	ret = dsa_queue_create(file->driver_priv, args);
	drm_dev_exit(idx);
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
	dsa_queue_put(queue);
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
