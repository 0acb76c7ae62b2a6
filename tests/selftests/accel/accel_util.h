/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the accelerator's UAPI share: the ioctls as functions that
 * return 0 or -errno, and builders for buffers, address spaces, command
 * buffers and small programs. Knows nothing of the test harness.
 */
#ifndef ACCEL_UTIL_H
#define ACCEL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drm/dsa_accel.h>
#include <dsa_cmd.h>

#define PAGE         4096ull
#define KIB          1024ull
#define MIB          (1024 * KIB)
#define VA_LIMIT     (1ull << 48)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BIND_RW      (DRM_DSA_BIND_READ | DRM_DSA_BIND_WRITE)
#define BIND_RWX     (BIND_RW | DRM_DSA_BIND_EXEC)

/* Only against hangs: far beyond what anything takes that works. */
#define WAIT_SECONDS 20

/* An address that no process has mapped. */
#define BAD_USER_PTR ((uint64_t)0x10)

/* ---- the device ---- */

/* Opens the device: a file descriptor, or -ENODEV when there is none. */
int accel_open(void);
/* A file descriptor of its own for a process that forked. */
int accel_ioctl(int fd, unsigned long request, void *arg);
uint64_t accel_now_ns(void);

/* ---- the driver ---- */

/* Module parameters. */
int param_read(const char *name, char *value, size_t size);
int param_write(const char *name, const char *value);
/* Resets the device through debugfs: -ENOENT when that is not mounted, or there are several devices. */
int device_reset(void);

/* A socket that hears uevents from now on. */
int uevent_open(void);
/*
 * Waits for the next uevent with a variable DSA_RESET, WAIT_SECONDS at most:
 * its text, lines that end in zeros, the last one empty.
 */
int uevent_reset(int sock, char *text, size_t size);
/* The value of a variable, or NULL. */
const char *uevent_value(const char *text, const char *name);

/* ---- ioctls ---- */

int accel_query(int fd, uint32_t type, void *data, uint32_t *size);
int accel_info(int fd, struct drm_dsa_device_info *info);
int accel_memory(int fd, struct drm_dsa_memory_info *mem);

int bo_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle);
int bo_close(int fd, uint32_t handle);
int bo_mmap_offset(int fd, uint32_t handle, uint64_t *offset);
/* NULL when any step fails; errno tells. */
void *bo_mmap(int fd, uint32_t handle, uint64_t size);

int vm_create(int fd, uint32_t *vm);
int vm_destroy(int fd, uint32_t vm);
int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t offset, uint64_t va, uint64_t range,
	   uint32_t flags);
int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t range);

int queue_create(int fd, uint32_t vm, uint32_t queue_class, uint32_t *queue);
int queue_destroy(int fd, uint32_t queue);
int queue_state(int fd, uint32_t queue, struct drm_dsa_queue_state *state);

int submit(int fd, uint32_t queue, uint64_t va, uint64_t size, const struct drm_dsa_sync *syncs,
	   uint32_t count, uint64_t *job_id);

/* ---- syncobjs ---- */

int syncobj_create(int fd, uint32_t *handle);
int syncobj_destroy(int fd, uint32_t handle);
int syncobj_reset(int fd, uint32_t handle);
int syncobj_signal(int fd, uint32_t handle);
int syncobj_timeline_signal(int fd, uint32_t handle, uint64_t point);
int syncobj_query(int fd, uint32_t handle, uint64_t *point);
/* Waits WAIT_SECONDS at most; a @point of zero is a binary syncobj. -ETIME: not signalled. */
int syncobj_wait(int fd, uint32_t handle, uint64_t point);
/* Does not wait. */
bool syncobj_is_signalled(int fd, uint32_t handle, uint64_t point);
/* What a binary syncobj's fence came to: 0, a negative error, -EINPROGRESS, or why it is unknown. */
int syncobj_status(int fd, uint32_t handle);
/* A sync_file of its own that outlives the device; its status as above. */
int syncobj_export(int fd, uint32_t handle);
int sync_file_status(int file);

static inline struct drm_dsa_sync sync_in(uint32_t handle, uint64_t point)
{
	return (struct drm_dsa_sync){ .handle = handle, .point = point };
}

static inline struct drm_dsa_sync sync_out(uint32_t handle, uint64_t point)
{
	return (struct drm_dsa_sync){ DRM_DSA_SYNC_SIGNAL, handle, point };
}

/* ---- counters that must be what they were ---- */

struct accel_baseline {
	uint64_t hbm_free, system_used;
	uint32_t queues_compute, queues_copy;
};

int accel_baseline_read(int fd, struct accel_baseline *base);
/*
 * Waits until the counters are @base again: what a dead process held comes back
 * in the driver's own time. On -ETIME @now tells what they are instead.
 */
int accel_baseline_wait(int fd, const struct accel_baseline *base, struct accel_baseline *now);

/* ---- buffers ---- */

struct buf {
	uint32_t handle;
	uint64_t size, va;
	uint8_t *ptr;
};

/* Creates and maps into this process. */
int buf_create(int fd, struct buf *buf, uint64_t size, uint32_t flags);
void buf_destroy(int fd, struct buf *buf);
/* Content that depends on @seed and on the position, and a check of it: the first wrong byte, or -1. */
void buf_pattern(uint8_t *p, uint64_t size, uint32_t seed);
int64_t buf_pattern_differs(const uint8_t *p, uint64_t size, uint32_t seed);
/* The first byte that is not @value, or -1. */
int64_t buf_differs(const volatile uint8_t *p, uint64_t size, uint8_t value);

/* ---- command buffers ---- */

struct cmds {
	uint8_t *ptr;
	uint64_t va;
	uint32_t len, room;
};

void cmd_put(struct cmds *c, const void *packet, uint32_t size);
void cmd_nop(struct cmds *c);
void cmd_fence(struct cmds *c);
void cmd_copy(struct cmds *c, uint64_t dst, uint64_t src, uint64_t bytes);
void cmd_copy_2d(struct cmds *c, uint64_t dst, uint64_t dst_pitch, uint64_t src, uint64_t src_pitch,
		 uint64_t width, uint64_t height);
void cmd_fill(struct cmds *c, uint64_t dst, uint64_t bytes, uint64_t pattern,
	      uint32_t pattern_size);
void cmd_signal(struct cmds *c, uint64_t va, uint64_t value);
void cmd_add(struct cmds *c, uint64_t va, uint64_t value);
void cmd_wait(struct cmds *c, uint64_t va, uint64_t value);
void cmd_timestamp(struct cmds *c, uint64_t va);
void cmd_launch(struct cmds *c, uint64_t entry, uint64_t kernarg, uint32_t programs,
		uint64_t counters, uint64_t id);

/* ---- a ready-made context ---- */

#define RIG_CMD_VA    0x100000000ull
#define RIG_CMD_BYTES (64 * KIB)
/* Each job has a slot of its own for its commands. */
#define RIG_SLOT        (4 * KIB)
#define RIG_SLOTS       (RIG_CMD_BYTES / RIG_SLOT)
#define RIG_UNMAPPED_VA 0x7f0000000000ull

/* An address space with room for commands and a compute queue. */
struct rig {
	int fd;
	uint32_t vm, queue;
	struct buf cmd;
};

int rig_create(struct rig *rig, int fd);
void rig_destroy(struct rig *rig);
struct cmds rig_cmds(struct rig *rig, unsigned int slot);
/* Creates a buffer and binds all of it at @va, readable, writable and executable. */
int rig_buf(struct rig *rig, struct buf *buf, uint64_t size, uint32_t flags, uint64_t va);
/*
 * Submits, waits, and returns what the fence came to; a submit that is refused
 * gives its error.
 */
int rig_run_on(struct rig *rig, uint32_t queue, const struct cmds *c);
int rig_run(struct rig *rig, const struct cmds *c);
/* Does a small job on the queue: 0 when it completes with the right result. */
int rig_proof(struct rig *rig, uint32_t queue);

/*
 * Commands that tell when they are begun, then wait until the word after that
 * gets 1; rig_begun() waits for the first: 0 or -ETIME.
 */
struct cmds rig_endless(struct rig *rig, unsigned int slot);
int rig_begun(struct rig *rig, unsigned int slot);

/* ---- programs for the cores, by hand ---- */

enum { RV_ZERO = 0, RV_RA = 1, RV_A0 = 10, RV_A1, RV_A2, RV_A3, RV_A4 };

#define RV_RET          0x00008067u
#define RV_LOOP_FOREVER 0x0000006fu /* j . */
#define RV_ECALL        0x00000073u
#define RV_EBREAK       0x00100073u

static inline uint32_t rv_i(uint32_t opcode, uint32_t funct3, uint32_t rd, uint32_t rs1,
			    int32_t imm)
{
	return ((uint32_t)imm & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static inline uint32_t rv_ld(uint32_t rd, uint32_t rs1, int32_t imm)
{
	return rv_i(0x03, 3, rd, rs1, imm);
}

static inline uint32_t rv_addi(uint32_t rd, uint32_t rs1, int32_t imm)
{
	return rv_i(0x13, 0, rd, rs1, imm);
}

static inline uint32_t rv_slli(uint32_t rd, uint32_t rs1, uint32_t shift)
{
	return rv_i(0x13, 1, rd, rs1, (int32_t)shift);
}

static inline uint32_t rv_add(uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return rs2 << 20 | rs1 << 15 | rd << 7 | 0x33;
}

static inline uint32_t rv_sd(uint32_t rs2, uint32_t rs1, int32_t imm)
{
	return ((uint32_t)imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | 3 << 12 |
	       ((uint32_t)imm & 0x1f) << 7 | 0x23;
}

/* Xdsa: reads enum dsa_sys_selector. */
static inline uint32_t rv_dsa_rd(uint32_t rd, uint32_t selector)
{
	return rv_i(DSA_OPCODE_CUSTOM0, 0, rd, 0, (int32_t)selector);
}

/* The argument of the program that rv_program_store() writes. */
struct rv_store_args {
	uint64_t dst;
	uint64_t value;
};

/* Program i of the grid: ((uint64_t *)args->dst)[i] = args->value + i. Returns the bytes. */
uint32_t rv_program_store(void *code);

#endif /* ACCEL_UTIL_H */
