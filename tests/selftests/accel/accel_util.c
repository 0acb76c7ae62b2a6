// SPDX-License-Identifier: MIT
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/sync_file.h>

#include "accel_util.h"

#define MAX_NODES 64

/* ---- the device ---- */

int accel_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : 0;
}

uint64_t accel_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool is_ours(int fd)
{
	char name[32] = "";
	struct drm_version version = { .name_len = sizeof(name) - 1, .name = name };

	return !accel_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "dsa_accel");
}

int accel_open(void)
{
	const char *path = getenv("DSA_DEVICE");
	char node[32];
	int fd;

	if (path) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	for (int i = 0; i < MAX_NODES; i++) {
		snprintf(node, sizeof(node), "/dev/accel/accel%d", i);
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_ours(fd))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/* ---- the driver ---- */

static int open_param(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/module/dsa_accel/parameters/%s", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int param_read(const char *name, char *value, size_t size)
{
	int fd = open_param(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, value, size - 1);
	close(fd);
	value[n > 0 ? n : 0] = 0;
	return n > 0 ? 0 : -EIO;
}

static int write_and_close(int fd, const char *text)
{
	int ret;

	if (fd < 0)
		return fd;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(fd);
	return ret;
}

int param_write(const char *name, const char *value)
{
	return write_and_close(open_param(name, O_WRONLY), value);
}

int device_reset(void)
{
	int ret = -ENOENT, fd;
	glob_t found;

	if (!glob("/sys/kernel/debug/accel/*/reset", 0, NULL, &found) && found.gl_pathc == 1) {
		fd = open(found.gl_pathv[0], O_WRONLY | O_CLOEXEC);
		ret = write_and_close(fd < 0 ? -errno : fd, "1");
	}
	globfree(&found);
	return ret;
}

int uevent_open(void)
{
	const struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	const struct timeval limit = { .tv_sec = WAIT_SECONDS };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT), ret;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

const char *uevent_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; *text; text += strlen(text) + 1)
		if (!strncmp(text, name, len) && text[len] == '=')
			return text + len + 1;
	return NULL;
}

int uevent_reset(int sock, char *text, size_t size)
{
	ssize_t n;

	do {
		n = recv(sock, text, size - 2, 0);
		if (n < 0)
			return errno == EAGAIN ? -ETIME : -errno;
		text[n] = text[n + 1] = 0;
	} while (!uevent_value(text, "DSA_RESET"));
	return 0;
}

/* ---- ioctls ---- */

int accel_query(int fd, uint32_t type, void *data, uint32_t *size)
{
	struct drm_dsa_dev_query query = {
		.type = type,
		.size = *size,
		.pointer = (uintptr_t)data,
	};
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_DEV_QUERY, &query);

	*size = query.size;
	return ret;
}

int accel_info(int fd, struct drm_dsa_device_info *info)
{
	uint32_t size = sizeof(*info);

	return accel_query(fd, DRM_DSA_QUERY_DEVICE_INFO, info, &size);
}

int accel_memory(int fd, struct drm_dsa_memory_info *mem)
{
	uint32_t size = sizeof(*mem);

	return accel_query(fd, DRM_DSA_QUERY_MEMORY, mem, &size);
}

int bo_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_dsa_bo_create create = { .size = size, .flags = flags };
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_BO_CREATE, &create);

	*handle = create.handle;
	return ret;
}

int bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return accel_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int bo_mmap_offset(int fd, uint32_t handle, uint64_t *offset)
{
	struct drm_dsa_bo_mmap_offset args = { .handle = handle };
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_BO_MMAP_OFFSET, &args);

	*offset = args.offset;
	return ret;
}

void *bo_mmap(int fd, uint32_t handle, uint64_t size)
{
	uint64_t offset;
	void *ptr;

	if (bo_mmap_offset(fd, handle, &offset))
		return NULL;
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	return ptr == MAP_FAILED ? NULL : ptr;
}

int vm_create(int fd, uint32_t *vm)
{
	struct drm_dsa_vm_create create = { 0 };
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_VM_CREATE, &create);

	*vm = create.vm_id;
	return ret;
}

int vm_destroy(int fd, uint32_t vm)
{
	struct drm_dsa_vm_destroy destroy = { .vm_id = vm };

	return accel_ioctl(fd, DRM_IOCTL_DSA_VM_DESTROY, &destroy);
}

static int vm_bind_one(int fd, uint32_t vm, const struct drm_dsa_bind_op *op)
{
	struct drm_dsa_vm_bind bind = {
		.vm_id = vm,
		.op_count = 1,
		.op_stride = sizeof(*op),
		.ops = (uintptr_t)op,
	};

	return accel_ioctl(fd, DRM_IOCTL_DSA_VM_BIND, &bind);
}

int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t offset, uint64_t va, uint64_t range,
	   uint32_t flags)
{
	const struct drm_dsa_bind_op op = {
		.op = DRM_DSA_BIND_MAP,
		.flags = flags,
		.handle = handle,
		.bo_offset = offset,
		.va = va,
		.range = range,
	};

	return vm_bind_one(fd, vm, &op);
}

int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t range)
{
	const struct drm_dsa_bind_op op = {
		.op = DRM_DSA_BIND_UNMAP,
		.va = va,
		.range = range,
	};

	return vm_bind_one(fd, vm, &op);
}

int queue_create(int fd, uint32_t vm, uint32_t queue_class, uint32_t *queue)
{
	struct drm_dsa_queue_create create = {
		.vm_id = vm,
		.queue_class = queue_class,
		.priority = DRM_DSA_PRIORITY_NORMAL,
	};
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create);

	*queue = create.queue_id;
	return ret;
}

int queue_destroy(int fd, uint32_t queue)
{
	struct drm_dsa_queue_destroy destroy = { .queue_id = queue };

	return accel_ioctl(fd, DRM_IOCTL_DSA_QUEUE_DESTROY, &destroy);
}

int queue_state(int fd, uint32_t queue, struct drm_dsa_queue_state *state)
{
	memset(state, 0, sizeof(*state));
	state->queue_id = queue;
	return accel_ioctl(fd, DRM_IOCTL_DSA_QUEUE_STATE, state);
}

int submit(int fd, uint32_t queue, uint64_t va, uint64_t size, const struct drm_dsa_sync *syncs,
	   uint32_t count, uint64_t *job_id)
{
	struct drm_dsa_submit args = {
		.queue_id = queue,
		.cmd_va = va,
		.cmd_size = size,
		.sync_count = count,
		.sync_stride = sizeof(*syncs),
		.syncs = (uintptr_t)syncs,
	};
	int ret = accel_ioctl(fd, DRM_IOCTL_DSA_SUBMIT, &args);

	if (job_id)
		*job_id = args.job_id;
	return ret;
}

/* ---- syncobjs ---- */

int syncobj_create(int fd, uint32_t *handle)
{
	struct drm_syncobj_create create = { 0 };
	int ret = accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*handle = create.handle;
	return ret;
}

int syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int syncobj_reset(int fd, uint32_t handle)
{
	struct drm_syncobj_array array = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_RESET, &array);
}

int syncobj_signal(int fd, uint32_t handle)
{
	struct drm_syncobj_array array = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &array);
}

int syncobj_timeline_signal(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

int syncobj_query(int fd, uint32_t handle, uint64_t *point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)point,
		.count_handles = 1,
	};

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &array);
}

static int wait_until(int fd, uint32_t handle, uint64_t point, int64_t deadline)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = deadline,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

int syncobj_wait(int fd, uint32_t handle, uint64_t point)
{
	return wait_until(fd, handle, point,
			  (int64_t)(accel_now_ns() + WAIT_SECONDS * 1000000000ull));
}

bool syncobj_is_signalled(int fd, uint32_t handle, uint64_t point)
{
	return wait_until(fd, handle, point, 0) == 0;
}

int syncobj_export(int fd, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export) ?: export.fd;
}

int sync_file_status(int file)
{
	struct sync_file_info info = { 0 };
	int ret = accel_ioctl(file, SYNC_IOC_FILE_INFO, &info);

	if (ret)
		return ret;
	if (!info.status)
		return -EINPROGRESS;
	return info.status < 0 ? info.status : 0;
}

int syncobj_status(int fd, uint32_t handle)
{
	int file = syncobj_export(fd, handle), ret;

	if (file < 0)
		return file;
	ret = sync_file_status(file);
	close(file);
	return ret;
}

/* ---- counters ---- */

int accel_baseline_read(int fd, struct accel_baseline *base)
{
	struct drm_dsa_memory_info mem;
	struct drm_dsa_telemetry tele;
	uint32_t size = sizeof(tele);
	int ret = accel_memory(fd, &mem);

	if (!ret)
		ret = accel_query(fd, DRM_DSA_QUERY_TELEMETRY, &tele, &size);
	if (ret)
		return ret;
	*base = (struct accel_baseline){
		.hbm_free = mem.hbm_free,
		.system_used = mem.system_used,
		.queues_compute = tele.queues_compute,
		.queues_copy = tele.queues_copy,
	};
	return 0;
}

int accel_baseline_wait(int fd, const struct accel_baseline *base, struct accel_baseline *now)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t deadline = accel_now_ns() + WAIT_SECONDS * 1000000000ull;
	int ret;

	for (;;) {
		ret = accel_baseline_read(fd, now);
		if (ret || !memcmp(now, base, sizeof(*now)))
			return ret;
		if (accel_now_ns() > deadline)
			return -ETIME;
		nanosleep(&pause, NULL);
	}
}

/* ---- buffers ---- */

int buf_create(int fd, struct buf *buf, uint64_t size, uint32_t flags)
{
	int ret;

	*buf = (struct buf){ .size = size };
	ret = bo_create(fd, size, flags, &buf->handle);
	if (ret)
		return ret;
	buf->ptr = bo_mmap(fd, buf->handle, size);
	if (!buf->ptr) {
		ret = -errno;
		bo_close(fd, buf->handle);
	}
	return ret;
}

void buf_destroy(int fd, struct buf *buf)
{
	munmap(buf->ptr, buf->size);
	bo_close(fd, buf->handle);
	*buf = (struct buf){ 0 };
}

static uint8_t pattern_byte(uint64_t i, uint32_t seed)
{
	uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ull + seed * 0xbf58476d1ce4e5b9ull;

	return (uint8_t)(x >> 56 ^ x >> 29);
}

void buf_pattern(uint8_t *p, uint64_t size, uint32_t seed)
{
	for (uint64_t i = 0; i < size; i++)
		p[i] = pattern_byte(i, seed);
}

int64_t buf_pattern_differs(const uint8_t *p, uint64_t size, uint32_t seed)
{
	for (uint64_t i = 0; i < size; i++)
		if (p[i] != pattern_byte(i, seed))
			return (int64_t)i;
	return -1;
}

int64_t buf_differs(const volatile uint8_t *p, uint64_t size, uint8_t value)
{
	uint64_t i = 0, word;

	/* By words where that is possible: an access to HBM is slow. */
	while (i < size && ((uintptr_t)(p + i) % 8 || size - i < 8)) {
		if (p[i] != value)
			return (int64_t)i;
		i++;
	}
	for (; size - i >= 8; i += 8) {
		word = *(const volatile uint64_t *)(p + i);
		if (word != value * 0x0101010101010101ull)
			break;
	}
	for (; i < size; i++)
		if (p[i] != value)
			return (int64_t)i;
	return -1;
}

/* ---- command buffers ---- */

void cmd_put(struct cmds *c, const void *packet, uint32_t size)
{
	if (size > c->room - c->len) {
		fprintf(stderr,
			"# test error: %u more bytes do not fit %u of %u bytes of commands\n", size,
			c->len, c->room);
		abort();
	}
	memcpy(c->ptr + c->len, packet, size);
	c->len += size;
}

#define HDR(op, type) { .opcode = (op), .size = sizeof(struct type) }

void cmd_nop(struct cmds *c)
{
	const struct dsa_cmd_nop p = { HDR(DSA_CMD_NOP, dsa_cmd_nop) };

	cmd_put(c, &p, sizeof(p));
}

void cmd_fence(struct cmds *c)
{
	const struct dsa_cmd_fence p = { HDR(DSA_CMD_FENCE, dsa_cmd_fence) };

	cmd_put(c, &p, sizeof(p));
}

void cmd_copy(struct cmds *c, uint64_t dst, uint64_t src, uint64_t bytes)
{
	const struct dsa_cmd_copy p = {
		.hdr = HDR(DSA_CMD_COPY, dsa_cmd_copy),
		.dst = dst,
		.src = src,
		.bytes = bytes,
	};

	cmd_put(c, &p, sizeof(p));
}

void cmd_copy_2d(struct cmds *c, uint64_t dst, uint64_t dst_pitch, uint64_t src, uint64_t src_pitch,
		 uint64_t width, uint64_t height)
{
	const struct dsa_cmd_copy_2d p = {
		.hdr = HDR(DSA_CMD_COPY_2D, dsa_cmd_copy_2d),
		.dst = dst,
		.src = src,
		.dst_pitch = dst_pitch,
		.src_pitch = src_pitch,
		.width = width,
		.height = height,
	};

	cmd_put(c, &p, sizeof(p));
}

void cmd_fill(struct cmds *c, uint64_t dst, uint64_t bytes, uint64_t pattern, uint32_t pattern_size)
{
	const struct dsa_cmd_fill p = {
		.hdr = HDR(DSA_CMD_FILL, dsa_cmd_fill),
		.dst = dst,
		.bytes = bytes,
		.pattern = pattern,
		.pattern_size = pattern_size,
	};

	cmd_put(c, &p, sizeof(p));
}

static void put_sem(struct cmds *c, uint16_t opcode, uint32_t flags, uint64_t va, uint64_t value)
{
	const struct dsa_cmd_sem p = {
		.hdr = { .opcode = opcode, .size = sizeof(p), .flags = flags },
		.va = va,
		.value = value,
	};

	cmd_put(c, &p, sizeof(p));
}

void cmd_signal(struct cmds *c, uint64_t va, uint64_t value)
{
	put_sem(c, DSA_CMD_SEM_SIGNAL, 0, va, value);
}

void cmd_add(struct cmds *c, uint64_t va, uint64_t value)
{
	put_sem(c, DSA_CMD_SEM_SIGNAL, DSA_SEM_F_ADD, va, value);
}

void cmd_wait(struct cmds *c, uint64_t va, uint64_t value)
{
	put_sem(c, DSA_CMD_SEM_WAIT, 0, va, value);
}

void cmd_timestamp(struct cmds *c, uint64_t va)
{
	const struct dsa_cmd_timestamp p = {
		.hdr = HDR(DSA_CMD_TIMESTAMP, dsa_cmd_timestamp),
		.va = va,
	};

	cmd_put(c, &p, sizeof(p));
}

void cmd_launch(struct cmds *c, uint64_t entry, uint64_t kernarg, uint32_t programs,
		uint64_t counters, uint64_t id)
{
	const struct dsa_cmd_launch p = {
		.hdr = HDR(DSA_CMD_LAUNCH, dsa_cmd_launch),
		.entry = entry,
		.kernarg = kernarg,
		.grid = { programs, 1, 1 },
		.kernarg_bytes = sizeof(struct rv_store_args),
		.counters = counters,
		.id = id,
	};

	cmd_put(c, &p, sizeof(p));
}

/* ---- a ready-made context ---- */

int rig_create(struct rig *rig, int fd)
{
	int ret;

	*rig = (struct rig){ .fd = fd };
	ret = vm_create(fd, &rig->vm);
	if (!ret)
		ret = rig_buf(rig, &rig->cmd, RIG_CMD_BYTES, DRM_DSA_BO_SYSTEM, RIG_CMD_VA);
	if (!ret)
		ret = queue_create(fd, rig->vm, DRM_DSA_QUEUE_COMPUTE, &rig->queue);
	return ret;
}

void rig_destroy(struct rig *rig)
{
	queue_destroy(rig->fd, rig->queue);
	vm_destroy(rig->fd, rig->vm);
	buf_destroy(rig->fd, &rig->cmd);
}

struct cmds rig_cmds(struct rig *rig, unsigned int slot)
{
	if (slot >= RIG_SLOTS) {
		fprintf(stderr, "# test error: no slot %u\n", slot);
		abort();
	}
	return (struct cmds){
		.ptr = rig->cmd.ptr + slot * RIG_SLOT,
		.va = RIG_CMD_VA + slot * RIG_SLOT,
		.room = RIG_SLOT,
	};
}

int rig_buf(struct rig *rig, struct buf *buf, uint64_t size, uint32_t flags, uint64_t va)
{
	int ret = buf_create(rig->fd, buf, size, flags);

	buf->va = va;
	return ret ?: vm_map(rig->fd, rig->vm, buf->handle, 0, va, size, BIND_RWX);
}

int rig_run_on(struct rig *rig, uint32_t queue, const struct cmds *c)
{
	struct drm_dsa_sync out;
	uint32_t handle;
	int ret = syncobj_create(rig->fd, &handle);

	if (ret)
		return ret;
	out = sync_out(handle, 0);
	ret = submit(rig->fd, queue, c->va, c->len, &out, 1, NULL);
	if (!ret)
		ret = syncobj_wait(rig->fd, handle, 0);
	if (!ret)
		ret = syncobj_status(rig->fd, handle);
	syncobj_destroy(rig->fd, handle);
	return ret;
}

int rig_run(struct rig *rig, const struct cmds *c)
{
	return rig_run_on(rig, rig->queue, c);
}

/* The last slot is for proofs: they are never in flight together with another. */
int rig_proof(struct rig *rig, uint32_t queue)
{
	static uint64_t number;
	struct cmds c = rig_cmds(rig, RIG_SLOTS - 1);
	volatile uint64_t *word = (volatile uint64_t *)(c.ptr + RIG_SLOT - 8);
	uint64_t value = 0x70726f6f66000000ull + ++number;
	int ret;

	*word = 0;
	cmd_fill(&c, c.va + RIG_SLOT - 8, 8, value, 8);
	ret = rig_run_on(rig, queue, &c);
	if (ret)
		return ret;
	return *word == value ? 0 : -EBADMSG;
}

/* The two words are at the end of the slot. */
static volatile uint64_t *begun_word(struct rig *rig, unsigned int slot)
{
	return (volatile uint64_t *)(rig->cmd.ptr + (slot + 1) * RIG_SLOT - 16);
}

struct cmds rig_endless(struct rig *rig, unsigned int slot)
{
	struct cmds c = rig_cmds(rig, slot);
	volatile uint64_t *begun = begun_word(rig, slot);

	begun[0] = begun[1] = 0;
	cmd_signal(&c, c.va + RIG_SLOT - 16, 1);
	cmd_wait(&c, c.va + RIG_SLOT - 8, 1);
	return c;
}

int rig_begun(struct rig *rig, unsigned int slot)
{
	uint64_t end = accel_now_ns() + WAIT_SECONDS * 1000000000ull;

	while (!*begun_word(rig, slot))
		if (accel_now_ns() > end)
			return -ETIME;
	return 0;
}

/* ---- programs ---- */

uint32_t rv_program_store(void *code)
{
	const uint32_t insns[] = {
		rv_ld(RV_A1, RV_A0, offsetof(struct rv_store_args, dst)),
		rv_ld(RV_A2, RV_A0, offsetof(struct rv_store_args, value)),
		rv_dsa_rd(RV_A3, DSA_SYS_PID_X),
		rv_add(RV_A2, RV_A2, RV_A3),
		rv_slli(RV_A3, RV_A3, 3),
		rv_add(RV_A1, RV_A1, RV_A3),
		rv_sd(RV_A2, RV_A1, 0),
		RV_RET,
	};

	memcpy(code, insns, sizeof(insns));
	return sizeof(insns);
}
