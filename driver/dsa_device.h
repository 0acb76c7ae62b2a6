/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_DEVICE_H
#define DSA_DEVICE_H

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include <hw/dsa_regs.h>

#include "dsa_compat.h"
#include "dsa_engine.h"
#include "dsa_ras.h"
#include "dsa_reset.h"

struct dsa_pt_tree;
struct dsa_queue;
struct dsa_user;

#define DSA_DRIVER_NAME		"dsa_accel"

/* How long the device may take for what it does promptly when healthy. */
#define DSA_STOP_TIMEOUT_US	(2 * USEC_PER_SEC)
#define DSA_RESET_TIMEOUT_US	(10 * USEC_PER_SEC)
#define DSA_INVALIDATE_TIMEOUT_US (5 * USEC_PER_SEC)

#define DSA_INT_ENABLED		(DSA_INT_PING | DSA_INT_QUEUE_ERROR | DSA_INT_THERMAL | DSA_INT_ECC)

/**
 * struct dsa_hwq - A hardware queue.
 * @queue: who has it; changed with @lock and &dsa_device.hw_lock.
 * @index: its number.
 */
struct dsa_hwq {
	/** @lock: protects @queue; taken in the interrupt handler. */
	spinlock_t lock;
	struct dsa_queue *queue;
	unsigned int index;
};

/**
 * struct dsa_vector - An interrupt vector that queues share.
 * @dsa: the device.
 * @first: number of the first queue; the others follow at
 *         &dsa_device.queue_vectors.
 */
struct dsa_vector {
	struct dsa_device *dsa;
	unsigned int first;
};

/**
 * struct dsa_caps - What the hardware said of itself. Constant after probe.
 * @version: major << 16 | minor.
 * @cores: compute cores.
 * @scratch_bytes: scratchpad per core.
 * @copy_engines: copy engines.
 * @queues: hardware queues.
 * @compute_queues: how many of them are of the compute class.
 * @asids: address spaces.
 * @core_clock_khz: modelled clock.
 * @vlen_bits: vector length.
 * @hbm_mbps: modelled bandwidth.
 * @matrix_macs: modelled rate of a matrix unit, 0 if the hardware does not say.
 * @serial: serial number.
 */
struct dsa_caps {
	u32 version;
	u32 cores;
	u32 scratch_bytes;
	u32 copy_engines;
	u32 queues;
	u32 compute_queues;
	u32 asids;
	u32 core_clock_khz;
	u32 vlen_bits;
	u32 hbm_mbps;
	u32 matrix_macs;
	u64 serial;
};

/**
 * struct dsa_hbm - The device's memory.
 * @io: BAR2, write-combining.
 * @base: bus address of BAR2, for mmap.
 * @size: bytes.
 * @mm: who has which part.
 * @losses: how often the content was lost; under &dsa_device.hw_lock.
 */
struct dsa_hbm {
	void __iomem *io;
	resource_size_t base;
	u64 size;
	/** @lock: protects @mm. */
	struct mutex lock;
	struct drm_buddy mm;
	u64 losses;
};

/**
 * struct dsa_mmu - The device's MMU.
 * @asids: address space ids in use; has its own lock.
 * @roots: what each root register holds.
 * @trees: page tables by ASID; under @tables.
 * @generation: how often the device has forgotten all translations: by
 *              resets, by going offline, at its end.
 */
struct dsa_mmu {
	/**
	 * @tables: held to read by who changes page tables, to write by who takes all of
	 * them as they are. After &dsa_device.hw_lock, before @lock.
	 */
	struct rw_semaphore tables;
	/** @lock: protects @roots and the invalidation registers. */
	struct mutex lock;
	struct ida asids;
	u64 roots[DSA_NUM_ASIDS];
	struct dsa_pt_tree *trees[DSA_NUM_ASIDS];
	atomic_t generation;
};

/* enum dsa_engine_class - Engines that do the same. */
enum dsa_engine_class {
	DSA_ENGINES_COMPUTE,
	DSA_ENGINES_COPY,
	DSA_ENGINE_CLASSES
};

/**
 * struct dsa_evict - Which buffer objects of HBM are where.
 * @in: those in HBM, about in the order of their last use.
 * @out: those that had to leave.
 * @clock: counts uses.
 * @wq: runs @restore_work.
 * @restore_work: brings back what fits.
 */
struct dsa_evict {
	/** @lock: protects @in, @out and what hangs on them; innermost. */
	spinlock_t lock;
	struct list_head in;
	struct list_head out;
	atomic64_t clock;
	struct workqueue_struct *wq;
	struct work_struct restore_work;
};

/**
 * struct dsa_device - One accelerator.
 * @drm: the DRM device.
 * @regs: BAR0.
 * @doorbells: BAR4.
 * @caps: constant after probe.
 * @hbm: its memory.
 * @mmu: its MMU.
 * @evict: what can leave @hbm, and what has.
 * @queue_vectors: interrupt vectors of queues; zero: all share vector 0.
 * @vectors: argument of the queues' interrupt handlers.
 * @hwq: hardware queues.
 * @hwq_used: which of them are taken.
 * @cores: what the cores did at the last look; under @hw_lock.
 * @error: what comes of whoever wants something of the device: 0, -EIO once a
 *         reset has failed, -ENODEV once it is gone or being removed. Then no queue
 *         has a hardware queue, and none gets one. Written under @hw_lock.
 * @offline: the hardware sleeps or is being reset by others than us: it knows no
 *           queue and no address space. What is changed meanwhile it learns by
 *           dsa_device_online_locked(). Written under @hw_lock and &dsa_mmu.lock.
 * @back_online: woken when @offline ends, one way or the other.
 * @sleep_resets: resets that came with power management.
 * @sleep_time: modelled time when it was last put to sleep, ns.
 * @sched_wq: runs and frees jobs.
 * @reset_wq: ordered; time-outs and faults.
 * @ping_done: completed by the interrupt.
 * @fault_log: bounds the messages about faults that programs cause.
 * @userptr_attempt: submits so far that may have to find memory of processes.
 * @bos: all buffer objects, under @bo_lock.
 * @reset_events: uevents to be sent.
 * @dump: state to be left in devcoredump.
 * @users: who has queues and address spaces, and how many.
 * @system_used: bytes of system memory in buffer objects.
 * @ras: what went wrong.
 */
struct dsa_device {
	struct drm_device drm;
	void __iomem *regs;
	void __iomem *doorbells;
	struct dsa_caps caps;
	struct dsa_hbm hbm;
	struct dsa_mmu mmu;
	struct dsa_evict evict;

	unsigned int queue_vectors;
	struct dsa_vector vectors[DSA_NUM_QUEUES];

	/**
	 * @hw_lock: serialises what changes the state of hardware queues and of the device
	 * as a whole; protects @hwq_used. Of the order of locks:
	 * &dsa_vm.lock, reservations, &dsa_userptr.lock, &dsa_vm.map_lock,
	 * &dsa_bo.gpuva_lock, @hw_lock, &dsa_mmu.lock. And: reservations, @userptr_lock,
	 * &dsa_queue.submit_lock. Nothing is allocated from &dsa_userptr.lock and
	 * @userptr_lock on: notifiers of the process's memory take them.
	 * Not held over dsa_device_enter(), which may wait for those who need it to wake
	 * the device.
	 */
	struct mutex hw_lock;
	struct dsa_hwq hwq[DSA_NUM_QUEUES];
	DECLARE_BITMAP(hwq_used, DSA_NUM_QUEUES);
	struct dsa_core_look cores[DSA_CORES_LOOKED_AT];
	int error;
	bool offline;
	wait_queue_head_t back_online;
	u32 sleep_resets;
	u64 sleep_time;

	struct workqueue_struct *sched_wq;
	struct workqueue_struct *reset_wq;

	/** @ping_lock: one ping at a time. */
	struct mutex ping_lock;
	struct completion ping_done;
	struct ratelimit_state fault_log;
	/**
	 * @userptr_lock: whoever submits has it from looking at memory of processes until the
	 * job's fence is in its place; notifiers say for writing that it has changed. Inside
	 * reservations, nothing is allocated under it.
	 */
	struct rw_semaphore userptr_lock;
	atomic64_t userptr_attempt;
	/** @bo_lock: protects @bos. Nothing is locked inside but what DMA mapping needs. */
	struct mutex bo_lock;
	struct list_head bos;
	struct dsa_reset_events reset_events;
	struct dsa_dump *dump;
	/** @user_lock: protects @users and all of &struct dsa_user. */
	spinlock_t user_lock;
	struct list_head users;
	atomic64_t system_used;
	struct dsa_ras ras;
};

/**
 * struct dsa_file - An open file.
 * @dsa: the device.
 * @drm: the DRM file.
 * @user: who has opened it.
 * @vms: address spaces by id; has its own lock.
 * @queues: queues by id; has its own lock.
 * @busy: modelled ns that engines worked for queues that have stopped, by
 *        &enum dsa_engine_class; under &dsa_device.hw_lock.
 * @ref: the open file, and each queue until it is released.
 * @unreleased: queues that are not released yet.
 * @released: woken when @unreleased gets zero.
 */
struct dsa_file {
	struct dsa_device *dsa;
	struct drm_file *drm;
	struct dsa_user *user;
	struct xarray vms;
	struct xarray queues;
	u64 busy[DSA_ENGINE_CLASSES];
	struct kref ref;
	atomic_t unreleased;
	wait_queue_head_t released;
};

/* Gives back queues, after all else of them is gone; outlives devices. */
extern struct workqueue_struct *dsa_release_wq;

extern uint dsa_job_timeout_ms;
extern bool dsa_pt_system;

static inline struct dsa_device *to_dsa_device(struct drm_device *drm)
{
	return container_of(drm, struct dsa_device, drm);
}

/* Is the hardware of version 1.@minor or newer? */
static inline bool dsa_has_version(const struct dsa_device *dsa, u32 minor)
{
	return (dsa->caps.version & 0xffff) >= minor;
}

/*
 * drm_dev_enter() for what changes things in a device that is awake, and need
 * not otherwise: true, then drm_dev_exit() is due. Wakes nobody.
 */
static inline bool dsa_device_enter_online(struct dsa_device *dsa, int *idx)
{
	if (!drm_dev_enter(&dsa->drm, idx))
		return false;
	if (!READ_ONCE(dsa->error) && !READ_ONCE(dsa->offline))
		return true;
	drm_dev_exit(*idx);
	return false;
}

void dsa_file_get_queue(struct dsa_file *dfile);
void dsa_file_put_queue(struct dsa_file *dfile);

int dsa_device_init(struct dsa_device *dsa);
void dsa_device_fini(struct dsa_device *dsa);
void dsa_device_release(struct dsa_device *dsa);
int dsa_device_ping(struct dsa_device *dsa, u64 *ns);

/* dsa_pm.c */
extern const struct dev_pm_ops dsa_pm_ops;
void dsa_pm_init(struct dsa_device *dsa);
void dsa_pm_fini(struct dsa_device *dsa);
int dsa_device_enter(struct dsa_device *dsa, int *idx);
void dsa_device_exit(struct dsa_device *dsa, int idx);
void dsa_device_keep_awake(struct dsa_device *dsa);
void dsa_device_let_sleep(struct dsa_device *dsa);
bool dsa_device_peek(struct dsa_device *dsa);
void dsa_device_peek_end(struct dsa_device *dsa);
void dsa_device_offline_locked(struct dsa_device *dsa);
int dsa_device_online_locked(struct dsa_device *dsa);

/* dsa_pci.c */
extern const struct pci_error_handlers dsa_pci_error_handlers;

int dsa_hbm_init(struct dsa_device *dsa);
int dsa_hbm_alloc(struct dsa_device *dsa, u64 size, unsigned long flags, struct list_head *blocks);
int dsa_evict_alloc_hbm(struct dsa_device *dsa, u64 size, struct list_head *blocks);
void dsa_hbm_free(struct dsa_device *dsa, struct list_head *blocks);
int dsa_hbm_clear(struct dsa_device *dsa, u64 offset, u64 size);
void dsa_hbm_usage(struct dsa_device *dsa, u64 *total, u64 *avail);

void dsa_debugfs_init(struct dsa_device *dsa);
void dsa_hwmon_init(struct dsa_device *dsa);

void dsa_show_fdinfo(struct drm_printer *p, struct drm_file *file);
void dsa_queue_look_busy_locked(struct dsa_queue *queue);

int dsa_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* DSA_DEVICE_H */
