/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_QUEUE_H
#define DSA_QUEUE_H

#include <linux/dma-fence.h>

#include "dsa_device.h"
#include "dsa_fault.h"
#include "dsa_reset.h"

struct dsa_ring_packet;
struct dsa_user_queue;
struct dsa_vm;

/* Packets of a ring. */
#define DSA_RING_LOG2		8
#define DSA_RING_PACKETS	BIT(DSA_RING_LOG2)

/**
 * struct dsa_queue - A queue of a client, backed by a hardware queue.
 * @ref: its id and its jobs; at zero the scheduler ends.
 * @mem_ref: @ref as a whole, and all fences that name it; at zero it is freed.
 *           Fences may outlive everything else, the device included.
 * @dsa: the device.
 * @dfile: whose it is; a reference until it is released. The file may be closed.
 * @vm: where it executes; NULL once released.
 * @vm_link: in &dsa_vm.queues, under &dsa_vm.queue_lock.
 * @client_id: the DRM client, for traces.
 * @id: its id in the client, 0 until it has one.
 * @class: enum drm_dsa_queue_class.
 * @priority: enum drm_dsa_queue_priority.
 * @name: for fences and traces.
 * @sched: the scheduler of this queue alone.
 * @entity: its only entity.
 * @sched_ready: @sched and @entity exist.
 * @release_work: runs when @ref is zero.
 * @free_work: runs when @mem_ref is zero.
 * @recover_work: reacts to an error that the device reported.
 * @user: the rest of a user-mode queue, else NULL. It has no scheduler, no ring of
 *        the driver's, and no hardware fences.
 * @timeout_ms: how long it may stand still, 0: as long as it likes. Constant.
 * @watchdog: looks whether it does.
 * @ring: the packets; written under @lock. NULL once the queue has stopped.
 * @ring_dma: bus address of @ring.
 * @fence: after the packets: value of the last completed one.
 * @submitted: jobs accepted.
 * @busy: modelled ns that engines worked for it, by &enum dsa_engine_class, as of
 *        the last look; under &dsa_device.hw_lock.
 * @hwq: hardware queue, NULL when stopped; changed under
 *       &dsa_device.hw_lock.
 * @inflight: hardware fences in the order of the ring.
 * @still_since: when the first of @inflight became the first, or, if that is
 *               later, was seen to have got further.
 * @timed_from: @still_since, or when it was last held up by another queue.
 * @clock: DSA_Q_TIME at the last look, with @clock_known.
 * @clock_known: there was a look at the first of @inflight.
 * @fence_context: of the hardware fences.
 * @seqno: last hardware fence.
 * @tail: packets written.
 * @held: the device is not told of what is written.
 * @completed: jobs completed.
 * @flags: DRM_DSA_QUEUE_*.
 * @fault: valid with DRM_DSA_QUEUE_FAULT or DRM_DSA_QUEUE_TIMEDOUT; with
 *         DRM_DSA_QUEUE_DEPENDENCY it names the job.
 */
struct dsa_queue {
	struct kref ref;
	struct kref mem_ref;
	struct dsa_device *dsa;
	struct dsa_file *dfile;
	struct dsa_vm *vm;
	struct list_head vm_link;
	u64 client_id;
	u32 id;
	u32 class;
	u32 priority;
	char name[24];

	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	bool sched_ready;

	struct work_struct release_work;
	struct work_struct free_work;
	struct work_struct recover_work;

	struct dsa_user_queue *user;

	u32 timeout_ms;
	struct delayed_work watchdog;

	struct dsa_ring_packet *ring;
	dma_addr_t ring_dma;
	__le64 *fence;

	/** @submit_lock: keeps jobs in order; protects @submitted. */
	struct mutex submit_lock;
	u64 submitted;

	u64 busy[DSA_ENGINE_CLASSES];
	struct dsa_hwq *hwq;

	/** @lock: protects all below; lock of the hardware fences. */
	spinlock_t lock;
	struct list_head inflight;
	ktime_t still_since;
	ktime_t timed_from;
	u64 clock;
	bool clock_known;
	u64 fence_context;
	u64 seqno;
	u32 tail;
	bool held;
	u64 completed;
	u32 flags;
	struct dsa_fault fault;
};

/**
 * struct dsa_fence - A job in the ring, and its completion.
 * @base: the fence, under &dsa_queue.lock.
 * @queue: whose; a reference on its memory.
 * @link: in &dsa_queue.inflight.
 * @job_id: counted from 1.
 * @cmd_va: command buffer.
 * @cmd_size: bytes.
 * @error: what it comes to when the device has got to it; then it is not executed.
 */
struct dsa_fence {
	struct dma_fence base;
	struct dsa_queue *queue;
	struct list_head link;
	u64 job_id;
	u64 cmd_va;
	u64 cmd_size;
	int error;
};

void dsa_queue_get(struct dsa_queue *queue);
void dsa_queue_put(struct dsa_queue *queue);
void dsa_queue_close(struct dsa_queue *queue);
struct dsa_queue *dsa_queue_lookup(struct dsa_file *dfile, u32 id);
bool dsa_queue_dead(struct dsa_queue *queue);
bool dsa_queue_busy(struct dsa_queue *queue);
struct dma_fence *dsa_queue_last_fence(struct dsa_queue *queue);
bool dsa_queue_has_completed(struct dsa_queue *queue);
bool dsa_queue_collect(struct dsa_queue *queue);
void dsa_queue_stop_locked(struct dsa_queue *queue, u32 why);
void dsa_queue_lost_locked(struct dsa_queue *queue, u32 why);
void dsa_queue_kill(struct dsa_queue *queue);
void dsa_queue_emit(struct dsa_queue *queue, struct dsa_fence *fence, bool failed);
void dsa_queue_record_locked(struct dsa_queue *queue, u32 why);
void dsa_queue_hold_locked(struct dsa_queue *queue);
void dsa_queue_withdraw_locked(struct dsa_queue *queue);
bool dsa_queue_drained_locked(struct dsa_queue *queue);
int dsa_queue_restart_locked(struct dsa_queue *queue);

int dsa_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int dsa_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int dsa_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file);

/* dsa_sched.c */
int dsa_sched_init(struct dsa_queue *queue);
void dsa_sched_fini(struct dsa_queue *queue);
void dsa_sched_hold(struct dsa_queue *queue, bool hold);
int dsa_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

/* dsa_watchdog.c */
void dsa_watchdog_init(struct dsa_queue *queue);
void dsa_watchdog_begin(struct dsa_queue *queue);
void dsa_watchdog_head_changed(struct dsa_queue *queue);

#endif /* DSA_QUEUE_H */
