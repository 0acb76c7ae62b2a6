/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * User-space interface of the virtual DSA's DRM/accel driver.
 */
#ifndef _UAPI_DSA_ACCEL_H_
#define _UAPI_DSA_ACCEL_H_

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Introduction
 *
 * The driver offers /dev/accel/accelN. A client creates virtual address
 * spaces (VM), buffer objects (BO) in HBM or system memory, binds BOs into
 * VMs, creates queues that execute in a VM, and submits user command buffers
 * (uapi/dsa_cmd.h) by address. The kernel does not look into those: contexts
 * are kept apart by the device's MMU.
 *
 * Rules of all ioctls:
 *
 * - Padding, reserved fields and unknown flag bits must be zero, else EINVAL.
 * - Structures may grow at the end; a shorter structure from an older program
 *   reads as zero-extended, and new fields mean the old behaviour when zero.
 *   Arrays carry their element size (stride) for the same reason: a multiple
 *   of 8, at least that of the structure as first published and at most 1024;
 *   bytes of an element beyond what the kernel knows must be zero.
 * - ENOENT: no such handle in this file. EINVAL: bad argument. ENOMEM: out of
 *   kernel memory; ENOSPC: out of HBM, or of hardware queues or address
 *   spaces; EDQUOT: the user has as many of those as one may have. EFAULT:
 *   bad user pointer. ENODEV: the device is gone. EIO: the device failed and
 *   could not be reset: nothing can be created, bound or submitted any more.
 *   ECANCELED: the queue was stopped by a fault or a time-out, killed, or lost
 *   to a reset; DRM_IOCTL_DSA_QUEUE_STATE tells why.
 * - Time-outs are absolute CLOCK_MONOTONIC nanoseconds.
 * - Addresses are 48-bit virtual addresses of a VM; 4 KiB granularity.
 */

#define DRM_DSA_DEV_QUERY		0x00
#define DRM_DSA_BO_CREATE		0x01
#define DRM_DSA_BO_MMAP_OFFSET		0x02
#define DRM_DSA_VM_CREATE		0x03
#define DRM_DSA_VM_DESTROY		0x04
#define DRM_DSA_VM_BIND			0x05
#define DRM_DSA_QUEUE_CREATE		0x06
#define DRM_DSA_QUEUE_DESTROY		0x07
#define DRM_DSA_QUEUE_STATE		0x08
#define DRM_DSA_SUBMIT			0x09
#define DRM_DSA_BO_USERPTR		0x0a
#define DRM_DSA_WAIT_USER_FENCE		0x0b

/**
 * enum drm_dsa_query_type - What DRM_IOCTL_DSA_DEV_QUERY returns.
 */
enum drm_dsa_query_type {
	/** @DRM_DSA_QUERY_DEVICE_INFO: struct drm_dsa_device_info. */
	DRM_DSA_QUERY_DEVICE_INFO = 0,
	/** @DRM_DSA_QUERY_MEMORY: struct drm_dsa_memory_info. */
	DRM_DSA_QUERY_MEMORY = 1,
	/** @DRM_DSA_QUERY_TELEMETRY: struct drm_dsa_telemetry. */
	DRM_DSA_QUERY_TELEMETRY = 2,
	/** @DRM_DSA_QUERY_RAS: struct drm_dsa_ras_info. */
	DRM_DSA_QUERY_RAS = 3,
};

/**
 * struct drm_dsa_dev_query - Query the device.
 *
 * With a zero @pointer the kernel writes the structure's size to @size.
 * Otherwise it copies at most @size bytes and writes back how many.
 */
struct drm_dsa_dev_query {
	/** @type: enum drm_dsa_query_type. */
	__u32 type;
	/** @size: in: room at @pointer; out: bytes available or written. */
	__u32 size;
	/** @pointer: user address of the structure to fill. */
	__u64 pointer;
};

/**
 * struct drm_dsa_device_info - What never changes.
 */
struct drm_dsa_device_info {
	/** @hw_version: major << 16 | minor. */
	__u32 hw_version;
	/** @cores: compute cores. */
	__u32 cores;
	/** @scratch_bytes: scratchpad per core. */
	__u32 scratch_bytes;
	/** @copy_engines: copy engines. */
	__u32 copy_engines;
	/** @compute_queues: hardware queues of the compute class. */
	__u32 compute_queues;
	/** @copy_queues: hardware queues of the copy class. */
	__u32 copy_queues;
	/** @core_clock_khz: modelled core clock. */
	__u32 core_clock_khz;
	/** @vlen_bits: vector register length; 0 = no vector unit. */
	__u32 vlen_bits;
	/** @hbm_bandwidth_mbps: modelled HBM bandwidth, 10^6 bytes/s. */
	__u32 hbm_bandwidth_mbps;
	/** @pci_domain: where the device is. */
	__u32 pci_domain;
	/** @pci_bus: where the device is. */
	__u8 pci_bus;
	/** @pci_device: where the device is. */
	__u8 pci_device;
	/** @pci_function: where the device is. */
	__u8 pci_function;
	/** @va_bits: width of a VM. */
	__u8 va_bits;
	/** @page_size: granularity of binds. */
	__u32 page_size;
	/** @hbm_bytes: HBM of the device. */
	__u64 hbm_bytes;
	/** @serial: serial number. */
	__u64 serial;
	/** @max_cmd_bytes: largest command buffer of a submit. */
	__u64 max_cmd_bytes;
	/** @matrix_macs: modelled, products of BF16 a core and cycle; 0: not known. */
	__u32 matrix_macs;
	/** @pad: zero. */
	__u32 pad;
};

/**
 * struct drm_dsa_memory_info - HBM now.
 */
struct drm_dsa_memory_info {
	/** @hbm_total: bytes that BOs can use. */
	__u64 hbm_total;
	/** @hbm_free: bytes free. */
	__u64 hbm_free;
	/** @system_used: bytes of system memory in BOs of all clients. */
	__u64 system_used;
	/**
	 * @hbm_losses: how often what is in HBM was lost, and with it all queues, to
	 * a reset that the driver did not ask for; BOs in HBM were zeroed then.
	 */
	__u64 hbm_losses;
};

/**
 * struct drm_dsa_telemetry - Sensors and use.
 */
struct drm_dsa_telemetry {
	/** @temperature_mc: millidegrees Celsius. */
	__s32 temperature_mc;
	/** @power_mw: milliwatts. */
	__u32 power_mw;
	/** @clock_khz: core clock now. */
	__u32 clock_khz;
	/** @ecc_corrected: corrected HBM errors. */
	__u32 ecc_corrected;
	/** @ecc_uncorrected: uncorrected HBM errors. */
	__u32 ecc_uncorrected;
	/** @resets: device resets since power-on, but for those of power management. */
	__u32 resets;
	/** @queues_compute: compute queues in use, all clients. */
	__u32 queues_compute;
	/** @queues_copy: copy queues in use, all clients. */
	__u32 queues_copy;
	/** @busy_compute_ns: modelled time, sum over cores. */
	__u64 busy_compute_ns;
	/** @busy_copy_ns: modelled time, sum over copy engines. */
	__u64 busy_copy_ns;
	/** @device_time_ns: modelled time. */
	__u64 device_time_ns;
	/** @hbm_temperature_mc: millidegrees Celsius; 0: the hardware does not say. */
	__s32 hbm_temperature_mc;
	/** @pad: zero. */
	__u32 pad;
};

/**
 * struct drm_dsa_ras_info - What went wrong since the driver was bound.
 */
struct drm_dsa_ras_info {
	/** @ecc_corrected: corrected HBM errors since power-on. */
	__u32 ecc_corrected;
	/** @ecc_uncorrected: uncorrected HBM errors since power-on. */
	__u32 ecc_uncorrected;
	/** @faults: queues stopped by a fault. */
	__u64 faults;
	/** @timeouts: queues stopped because they stood still. */
	__u64 timeouts;
	/** @engine_resets: engines reset because a queue did not stop. */
	__u64 engine_resets;
	/** @device_resets: resets of the device while it was in use. */
	__u64 device_resets;
	/** @resets_failed: of these, in vain. */
	__u64 resets_failed;
	/** @lost_interrupts: completions found without an interrupt. */
	__u64 lost_interrupts;
	/** @ecc_events: interrupts about errors of the HBM. */
	__u64 ecc_events;
	/** @thermal_events: interrupts about the temperature. */
	__u64 thermal_events;
};

/** @DRM_DSA_BO_SYSTEM: system memory instead of HBM. */
#define DRM_DSA_BO_SYSTEM	(1u << 0)

/**
 * struct drm_dsa_bo_create - Create a zeroed buffer object.
 */
struct drm_dsa_bo_create {
	/** @size: in: bytes, 1 to 2^48; out: rounded up to the page size. */
	__u64 size;
	/** @flags: DRM_DSA_BO_*. */
	__u32 flags;
	/** @handle: out: GEM handle. */
	__u32 handle;
};

/**
 * struct drm_dsa_bo_mmap_offset - Where to mmap a BO in the device file.
 */
struct drm_dsa_bo_mmap_offset {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @pad: zero. */
	__u32 pad;
	/** @offset: out: for mmap with MAP_SHARED; no PROT_EXEC. */
	__u64 offset;
};

/** @DRM_DSA_USERPTR_READONLY: the device may only read it; to bind it for writing gives EACCES. */
#define DRM_DSA_USERPTR_READONLY	(1u << 0)

/**
 * struct drm_dsa_bo_userptr - Make a buffer object of the process's own memory.
 *
 * It stands for the addresses, not for what is mapped there now: the device
 * sees what the process sees. Nothing is pinned or counted against
 * RLIMIT_MEMLOCK. A submit finds the pages; while a job runs the kernel waits
 * with moving them, 5 s at most. Where the process has unmapped any of it, or
 * is gone, a job that uses the buffer fails with a fault, in progress or
 * submitted later, until all of it is mapped again. A submit fails with EBUSY
 * when the pages keep changing for 1 s. A VM with user-mode queues cannot have it:
 * to bind it there gives EOPNOTSUPP.
 *
 * EFAULT: not all of it is mapped, or it is the memory of a device, such as a
 * mapped BO. EPERM: not all of it is writable, and it is not
 * DRM_DSA_USERPTR_READONLY. The buffer cannot be mmapped (EINVAL) nor exported
 * (EPERM).
 */
struct drm_dsa_bo_userptr {
	/** @address: page aligned. */
	__u64 address;
	/** @size: bytes, page aligned, not zero. */
	__u64 size;
	/** @flags: DRM_DSA_USERPTR_*. */
	__u32 flags;
	/** @handle: out: GEM handle. */
	__u32 handle;
};

/**
 * struct drm_dsa_vm_create - Create an address space.
 *
 * A user may have a limited number (EDQUOT); CAP_SYS_RESOURCE lifts that.
 */
struct drm_dsa_vm_create {
	/** @flags: zero. */
	__u32 flags;
	/** @vm_id: out: id, not zero. */
	__u32 vm_id;
};

/**
 * struct drm_dsa_vm_destroy - Destroy an address space.
 *
 * Its queues are killed: their later submits fail with ECANCELED.
 */
struct drm_dsa_vm_destroy {
	/** @vm_id: id. */
	__u32 vm_id;
	/** @pad: zero. */
	__u32 pad;
};

/**
 * enum drm_dsa_bind_op_type - What a bind operation does.
 */
enum drm_dsa_bind_op_type {
	/** @DRM_DSA_BIND_MAP: map part of a BO, replacing what is there. */
	DRM_DSA_BIND_MAP = 0,
	/** @DRM_DSA_BIND_UNMAP: unmap a range, mapped or not. */
	DRM_DSA_BIND_UNMAP = 1,
	/**
	 * @DRM_DSA_BIND_MAP_NULL: map no memory, replacing what is there: reads give zeroes,
	 * writes are dropped. EOPNOTSUPP on hardware before version 1.2.
	 */
	DRM_DSA_BIND_MAP_NULL = 2,
};

/** @DRM_DSA_BIND_READ: the device may read. */
#define DRM_DSA_BIND_READ	(1u << 0)
/** @DRM_DSA_BIND_WRITE: the device may write. */
#define DRM_DSA_BIND_WRITE	(1u << 1)
/** @DRM_DSA_BIND_EXEC: cores may fetch instructions. */
#define DRM_DSA_BIND_EXEC	(1u << 2)

/**
 * struct drm_dsa_bind_op - One bind operation.
 */
struct drm_dsa_bind_op {
	/** @op: enum drm_dsa_bind_op_type. */
	__u32 op;
	/** @flags: DRM_DSA_BIND_*, at least one to map, not EXEC for MAP_NULL; zero for UNMAP. */
	__u32 flags;
	/** @handle: BO for MAP, else zero. */
	__u32 handle;
	/** @pad: zero. */
	__u32 pad;
	/** @bo_offset: bytes, page aligned; zero but for MAP. */
	__u64 bo_offset;
	/** @va: first address, page aligned. */
	__u64 va;
	/** @range: bytes, page aligned, not zero. */
	__u64 range;
};

/** @DRM_DSA_BIND_ASYNC: return at once; see struct drm_dsa_vm_bind. */
#define DRM_DSA_BIND_ASYNC	(1u << 0)

/**
 * struct drm_dsa_vm_bind - Change the mappings of a VM.
 *
 * Binds of a VM take effect one after the other, in the order in which they
 * were asked for. Until then an access to the range meets the old mapping, the
 * new one, or none.
 *
 * Synchronous: on return the device uses the new mappings only, and those of
 * all asynchronous binds asked for before. Operations apply in order. When one
 * fails the earlier ones stay, the failing one has changed nothing and @done
 * tells which it was: also when the device goes away half-way. There are no
 * syncs.
 *
 * DRM_DSA_BIND_ASYNC: all operations, 4096 at most, or none of them are
 * accepted, and @done tells all or zero. They take effect when all that the
 * syncs wait for is signalled, without further errors; then the syncs are
 * signalled. When the VM is destroyed first they are signalled with the error
 * ECANCELED. Waits for a point that nobody has submitted yet fail with EINVAL.
 */
struct drm_dsa_vm_bind {
	/** @vm_id: address space. */
	__u32 vm_id;
	/** @flags: zero or DRM_DSA_BIND_ASYNC. */
	__u32 flags;
	/** @op_count: number of operations, not zero. */
	__u32 op_count;
	/** @op_stride: bytes from one operation to the next. */
	__u32 op_stride;
	/** @ops: user address of struct drm_dsa_bind_op[]. */
	__u64 ops;
	/** @done: out: operations applied, or accepted. */
	__u32 done;
	/** @pad: zero. */
	__u32 pad;
	/** @sync_count: number of syncs, at most 4096; zero without DRM_DSA_BIND_ASYNC. */
	__u32 sync_count;
	/** @sync_stride: bytes from one sync to the next. */
	__u32 sync_stride;
	/** @syncs: user address of struct drm_dsa_sync[]. */
	__u64 syncs;
};

/**
 * enum drm_dsa_queue_class - Which commands a queue takes.
 */
enum drm_dsa_queue_class {
	/** @DRM_DSA_QUEUE_COMPUTE: all commands. */
	DRM_DSA_QUEUE_COMPUTE = 0,
	/** @DRM_DSA_QUEUE_COPY: all but LAUNCH. */
	DRM_DSA_QUEUE_COPY = 1,
};

/**
 * enum drm_dsa_queue_priority - HIGH and above: EACCES without CAP_SYS_NICE.
 */
enum drm_dsa_queue_priority {
	/** @DRM_DSA_PRIORITY_LOW: background. */
	DRM_DSA_PRIORITY_LOW = 0,
	/** @DRM_DSA_PRIORITY_NORMAL: the usual one. */
	DRM_DSA_PRIORITY_NORMAL = 1,
	/** @DRM_DSA_PRIORITY_HIGH: before NORMAL. */
	DRM_DSA_PRIORITY_HIGH = 2,
	/** @DRM_DSA_PRIORITY_REALTIME: before all. */
	DRM_DSA_PRIORITY_REALTIME = 3,
};

/**
 * DOC: DRM_DSA_QUEUE_USER
 *
 * In the flags of struct drm_dsa_queue_create: a user-mode queue. Its ring
 * (struct dsa_ring_packet of hw/dsa_ring.h) is memory of the process, bound
 * into the VM, and its doorbell is mapped into the process. There is no SUBMIT
 * for it (EINVAL), no job, no syncobj: packets write fences to virtual addresses
 * of the VM, where the process finds them. The device moves its head after the
 * fence, so who goes by fences leaves one slot of the ring free. Memory that such
 * a queue uses stays where it is.
 */
#define DRM_DSA_QUEUE_USER	(1u << 0)

/**
 * struct drm_dsa_queue_create - Create a queue, backed by a hardware queue.
 *
 * A user may have a limited number of each class (EDQUOT), counted until the
 * queue is destroyed, and whose programs fail all the time waits here until
 * there have been no more than 50 failures a second. CAP_SYS_RESOURCE lifts both.
 *
 * EOPNOTSUPP: DRM_DSA_QUEUE_USER on hardware before version 1.2, or in a VM where
 * memory of the process (BO_USERPTR) has been bound: that may move at any time.
 */
struct drm_dsa_queue_create {
	/** @vm_id: address space it executes in. */
	__u32 vm_id;
	/** @queue_class: enum drm_dsa_queue_class. */
	__u32 queue_class;
	/** @priority: enum drm_dsa_queue_priority. */
	__u32 priority;
	/** @flags: DRM_DSA_QUEUE_USER or zero. */
	__u32 flags;
	/** @queue_id: out: id, not zero. */
	__u32 queue_id;
	/** @pad: zero. */
	__u32 pad;
	/**
	 * @ring_va: of a user-mode queue, else zero: where its ring is in the
	 * VM, page aligned, at least 256 KiB below the VM's end. Bound before
	 * the doorbell is rung; head and tail begin at 0.
	 */
	__u64 ring_va;
	/** @ring_log2: of a user-mode queue, else zero: log2 of the packets, 4 to 12. */
	__u32 ring_log2;
	/** @pad2: zero. */
	__u32 pad2;
	/**
	 * @doorbell_offset: in: zero; out, of a user-mode queue: where to mmap
	 * its doorbell in the device file, 4096 bytes, MAP_SHARED. A 32-bit
	 * write of the new tail at its start rings. A child does not inherit
	 * the mapping. Once the queue is dead writes have no effect.
	 */
	__u64 doorbell_offset;
};

/**
 * struct drm_dsa_queue_destroy - Kill a queue's work and free it.
 */
struct drm_dsa_queue_destroy {
	/** @queue_id: id. */
	__u32 queue_id;
	/** @pad: zero. */
	__u32 pad;
};

/** @DRM_DSA_QUEUE_DEAD: banned; every submit fails with ECANCELED. */
#define DRM_DSA_QUEUE_DEAD	(1u << 0)
/** @DRM_DSA_QUEUE_TIMEDOUT: no command was completed for longer than the time-out. */
#define DRM_DSA_QUEUE_TIMEDOUT	(1u << 1)
/** @DRM_DSA_QUEUE_FAULT: the device stopped it; the record is valid. */
#define DRM_DSA_QUEUE_FAULT	(1u << 2)
/** @DRM_DSA_QUEUE_RESET: had begun a job that it could not complete before a device reset. */
#define DRM_DSA_QUEUE_RESET	(1u << 3)
/** @DRM_DSA_QUEUE_DEPENDENCY: its job job_id waited for a job of the same file that failed. */
#define DRM_DSA_QUEUE_DEPENDENCY	(1u << 4)

/**
 * struct drm_dsa_queue_state - Is the queue alive, and if not, why.
 *
 * The record fields are the device's own (enum dsa_error_code and friends in
 * uapi/dsa_cmd.h), passed on unread.
 */
struct drm_dsa_queue_state {
	/** @queue_id: in: id. */
	__u32 queue_id;
	/** @flags: out: DRM_DSA_QUEUE_*. */
	__u32 flags;
	/** @error_code: out: enum dsa_error_code. */
	__u32 error_code;
	/** @access: out: enum dsa_access. */
	__u32 access;
	/** @engine: out: enum dsa_engine_kind << 16 | index. */
	__u32 engine;
	/** @opcode: out: command opcode, ~0 if none. */
	__u32 opcode;
	/** @program: out: program id x, y, z. */
	__u32 program[3];
	/** @insn: out: instruction bits of an illegal instruction. */
	__u32 insn;
	/** @addr: out: address of the access. */
	__u64 addr;
	/** @pc: out: the core's program counter. */
	__u64 pc;
	/** @cmd_va: out: address of the command packet. */
	__u64 cmd_va;
	/** @job_id: out: job that failed, counted from 1 per queue. */
	__u64 job_id;
	/** @launch_id: out: dsa_cmd_launch.id. */
	__u64 launch_id;
	/** @jobs_submitted: out: jobs accepted so far. */
	__u64 jobs_submitted;
	/** @jobs_completed: out: jobs completed so far. */
	__u64 jobs_completed;
};

/** @DRM_DSA_SYNC_SIGNAL: signal on completion; else wait before the start. */
#define DRM_DSA_SYNC_SIGNAL	(1u << 0)

/**
 * struct drm_dsa_sync - A dependency or a completion.
 */
struct drm_dsa_sync {
	/** @flags: DRM_DSA_SYNC_*. */
	__u32 flags;
	/** @handle: syncobj. */
	__u32 handle;
	/** @point: timeline point; zero for a binary syncobj. */
	__u64 point;
};

/**
 * struct drm_dsa_submit - Execute one command buffer.
 *
 * Asynchronous. Jobs of a queue execute in the order of submission. Waits for
 * a point that nobody has submitted yet fail with EINVAL. A submit that fails
 * has no effect. What it signals, it signals also when the job fails or the
 * queue dies first: the fence then carries the error ECANCELED.
 *
 * A job that waits for one of the same file which fails is not executed: it
 * fails, too, and with it its queue (DRM_DSA_QUEUE_DEPENDENCY), as later jobs
 * may count on what it would have done. Jobs before it are not concerned. What
 * fences of other files or drivers come to does not matter. A point that has
 * passed when the job is submitted is not known to have failed.
 */
struct drm_dsa_submit {
	/** @queue_id: id. */
	__u32 queue_id;
	/** @flags: zero. */
	__u32 flags;
	/** @cmd_va: address of the command buffer in the queue's VM, 8-byte aligned. */
	__u64 cmd_va;
	/** @cmd_size: bytes, multiple of 8, at most max_cmd_bytes; zero is an empty job. */
	__u64 cmd_size;
	/** @sync_count: number of syncs, at most 4096. */
	__u32 sync_count;
	/** @sync_stride: bytes from one sync to the next. */
	__u32 sync_stride;
	/** @syncs: user address of struct drm_dsa_sync[]. */
	__u64 syncs;
	/** @job_id: out: counted from 1 per queue. */
	__u64 job_id;
};

/**
 * struct drm_dsa_wait_user_fence - Sleep until a user-mode queue has got so far.
 *
 * Returns when the 64-bit word at @addr, seen as a counter that wraps, has
 * reached @value. The queue's interrupts (DSA_RING_F_IRQ) make the kernel look;
 * a packet without is noticed within a second. ETIME: not until @timeout_ns.
 * ECANCELED: the queue is dead, and the word has not got there. EFAULT: @addr
 * cannot be read.
 */
struct drm_dsa_wait_user_fence {
	/** @queue_id: a user-mode queue. */
	__u32 queue_id;
	/** @flags: zero. */
	__u32 flags;
	/** @addr: user address of the word, 8-byte aligned. */
	__u64 addr;
	/** @value: what to wait for. */
	__u64 value;
	/** @timeout_ns: absolute, CLOCK_MONOTONIC; in the past: look once. */
	__s64 timeout_ns;
};

#define DRM_IOCTL_DSA_DEV_QUERY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_DEV_QUERY, struct drm_dsa_dev_query)
#define DRM_IOCTL_DSA_BO_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_BO_CREATE, struct drm_dsa_bo_create)
#define DRM_IOCTL_DSA_BO_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_BO_MMAP_OFFSET, struct drm_dsa_bo_mmap_offset)
#define DRM_IOCTL_DSA_VM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_VM_CREATE, struct drm_dsa_vm_create)
#define DRM_IOCTL_DSA_VM_DESTROY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_VM_DESTROY, struct drm_dsa_vm_destroy)
#define DRM_IOCTL_DSA_VM_BIND \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_VM_BIND, struct drm_dsa_vm_bind)
#define DRM_IOCTL_DSA_QUEUE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_QUEUE_CREATE, struct drm_dsa_queue_create)
#define DRM_IOCTL_DSA_QUEUE_DESTROY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_QUEUE_DESTROY, struct drm_dsa_queue_destroy)
#define DRM_IOCTL_DSA_QUEUE_STATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_QUEUE_STATE, struct drm_dsa_queue_state)
#define DRM_IOCTL_DSA_SUBMIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_SUBMIT, struct drm_dsa_submit)
#define DRM_IOCTL_DSA_WAIT_USER_FENCE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_WAIT_USER_FENCE, struct drm_dsa_wait_user_fence)

#define DRM_IOCTL_DSA_BO_USERPTR \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_DSA_BO_USERPTR, struct drm_dsa_bo_userptr)

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_DSA_ACCEL_H_ */
