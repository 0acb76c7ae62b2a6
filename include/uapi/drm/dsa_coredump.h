/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * What the virtual DSA's driver leaves in /sys/class/devcoredump when it has to
 * stop what hangs. `dsa-smi coredump FILE` prints it.
 */
#ifndef _UAPI_DSA_COREDUMP_H_
#define _UAPI_DSA_COREDUMP_H_

#include <linux/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Format
 *
 * A header, then sections one after the other, each at a multiple of 8 bytes:
 * a section header and an array of @count elements of @stride bytes. All
 * numbers are little-endian. A reader skips sections whose type it does not
 * know, and what elements have beyond what it knows: they only grow at the
 * end. Sections that do not apply are left out.
 */

#define DSA_DUMP_MAGIC		0x504d554441534456ull /* "VDSADUMP" */
#define DSA_DUMP_VERSION	1

/** struct dsa_dump_header - How a dump begins. */
struct dsa_dump_header {
	/** @magic: DSA_DUMP_MAGIC. */
	__u64 magic;
	/** @version: DSA_DUMP_VERSION; another one cannot be read. */
	__u32 version;
	/** @header_bytes: where the first section begins. */
	__u32 header_bytes;
	/** @total_bytes: of the dump, this header included. */
	__u64 total_bytes;
	/** @section_count: sections. */
	__u32 section_count;
	/** @crc: CRC-32 (IEEE 802.3, as zlib's) of all behind @header_bytes. */
	__u32 crc;
};

/** enum dsa_dump_type - What a section holds. */
enum dsa_dump_type {
	/** @DSA_DUMP_INFO: one struct dsa_dump_info. */
	DSA_DUMP_INFO = 1,
	/** @DSA_DUMP_REGISTERS: struct dsa_dump_register: the device's, then the queue's. */
	DSA_DUMP_REGISTERS = 2,
	/** @DSA_DUMP_QUEUES: struct dsa_dump_queue: all that are in use. */
	DSA_DUMP_QUEUES = 3,
	/** @DSA_DUMP_ENGINES: struct dsa_dump_engine: all that are not idle. */
	DSA_DUMP_ENGINES = 4,
	/** @DSA_DUMP_RING: struct dsa_dump_packet: the queue's ring around its head. */
	DSA_DUMP_RING = 5,
	/** @DSA_DUMP_COMMANDS: struct dsa_dump_bytes: the command buffer of the job at the head. */
	DSA_DUMP_COMMANDS = 6,
	/** @DSA_DUMP_PAGES: struct dsa_dump_page: the queue's address space. */
	DSA_DUMP_PAGES = 7,
};

/** struct dsa_dump_section - How a section begins. */
struct dsa_dump_section {
	/** @type: enum dsa_dump_type. */
	__u32 type;
	/** @count: elements. */
	__u32 count;
	/** @stride: bytes from one element to the next, a multiple of 8. */
	__u32 stride;
	/** @flags: DSA_DUMP_*. */
	__u32 flags;
};

/** @DSA_DUMP_CUT: there was more than has room here. */
#define DSA_DUMP_CUT		(1u << 0)
/** @DSA_DUMP_BUSY: the address space was being changed, and could not be read. */
#define DSA_DUMP_BUSY		(1u << 1)

/** enum dsa_dump_level - What was reset. */
enum dsa_dump_level {
	/** @DSA_DUMP_LEVEL_QUEUE: the queue. */
	DSA_DUMP_LEVEL_QUEUE = 0,
	/** @DSA_DUMP_LEVEL_ENGINE: engines that did not let go of it. */
	DSA_DUMP_LEVEL_ENGINE = 1,
	/** @DSA_DUMP_LEVEL_DEVICE: the device. */
	DSA_DUMP_LEVEL_DEVICE = 2,
};

/** @DSA_DUMP_NO_QUEUE: no queue is to blame. */
#define DSA_DUMP_NO_QUEUE	0xffffffffu

/** struct dsa_dump_info - What happened. */
struct dsa_dump_info {
	/** @realtime_ns: when, since 1970. */
	__u64 realtime_ns;
	/** @device_time_ns: modelled time. */
	__u64 device_time_ns;
	/** @serial: of the device. */
	__u64 serial;
	/** @client_id: of the queue's owner, as in fdinfo. */
	__u64 client_id;
	/** @hw_version: major << 16 | minor. */
	__u32 hw_version;
	/** @level: enum dsa_dump_level. */
	__u32 level;
	/** @queue: hardware queue to blame, or DSA_DUMP_NO_QUEUE. */
	__u32 queue;
	/** @queue_flags: DRM_DSA_QUEUE_*, see dsa_accel.h. */
	__u32 queue_flags;
	/** @asid: address space of the queue. */
	__u32 asid;
	/** @timeout_ms: time limit of the queue. */
	__u32 timeout_ms;
	/** @job_id: first job in flight, 0: none. */
	__u64 job_id;
	/** @cmd_va: its command buffer. */
	__u64 cmd_va;
	/** @cmd_size: bytes of that. */
	__u64 cmd_size;
};

/** struct dsa_dump_register - A register. */
struct dsa_dump_register {
	/** @name: as in docs/hardware.md, without DSA_, zero-terminated. */
	char name[24];
	/** @offset: in BAR0. */
	__u32 offset;
	/** @bits: 32 or 64. */
	__u32 bits;
	/** @value: when the dump was made. */
	__u64 value;
};

/** struct dsa_dump_queue - A hardware queue in use. */
struct dsa_dump_queue {
	/** @client_id: its owner. */
	__u64 client_id;
	/** @submitted: jobs accepted. */
	__u64 submitted;
	/** @completed: jobs completed. */
	__u64 completed;
	/** @time_ns: its modelled time. */
	__u64 time_ns;
	/** @index: number. */
	__u32 index;
	/** @queue_class: enum drm_dsa_queue_class. */
	__u32 queue_class;
	/** @priority: enum drm_dsa_queue_priority. */
	__u32 priority;
	/** @asid: address space. */
	__u32 asid;
	/** @state: 0 disabled, 1 active, 2 stopping, 3 error. */
	__u32 state;
	/** @busy: a packet is being executed. */
	__u32 busy;
	/** @head: packets completed. */
	__u32 head;
	/** @tail: packets given. */
	__u32 tail;
	/** @flags: DRM_DSA_QUEUE_*. */
	__u32 flags;
	/** @pad: zero. */
	__u32 pad;
};

/** struct dsa_dump_engine - An engine that has work. */
struct dsa_dump_engine {
	/** @kind: enum dsa_engine_kind. */
	__u32 kind;
	/** @index: of its kind. */
	__u32 index;
	/** @state: 0 idle, 1 busy, 2 waiting, 3 stuck. */
	__u32 state;
	/** @queue: whom it serves. */
	__u32 queue;
	/** @program: x, y, z. */
	__u32 program[3];
	/** @wait: for what: 1 mbarrier, 2 the cluster's barrier, 3 semaphore; 0: nothing. */
	__u32 wait;
	/** @wait_addr: where. */
	__u64 wait_addr;
	/** @pc: program counter. */
	__u64 pc;
	/** @launch_id: of its LAUNCH. */
	__u64 launch_id;
	/** @busy_ns: modelled time at work. */
	__u64 busy_ns;
};

/** struct dsa_dump_packet - A ring packet. */
struct dsa_dump_packet {
	/** @number: counted from 0 when the queue was enabled. */
	__u32 number;
	/** @pad: zero. */
	__u32 pad;
	/** @words: the packet. */
	__u64 words[8];
};

/** struct dsa_dump_bytes - Memory of the address space. */
struct dsa_dump_bytes {
	/** @va: address. */
	__u64 va;
	/** @bytes: how many follow; zero: not readable. */
	__u32 bytes;
	/** @pad: zero. */
	__u32 pad;
	/** @data: the rest is zero. */
	__u8 data[256];
};

/** struct dsa_dump_page - Pages next to each other. */
struct dsa_dump_page {
	/** @va: address of the first. */
	__u64 va;
	/** @entry: the page-table entry of the first. */
	__u64 entry;
	/** @count: how many whose entries follow one another. */
	__u64 count;
	/** @level: 0: 4 KiB, 1: 2 MiB, 2: 1 GiB. */
	__u32 level;
	/** @pad: zero. */
	__u32 pad;
};

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_DSA_COREDUMP_H_ */
