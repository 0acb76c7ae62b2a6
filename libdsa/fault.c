/* SPDX-License-Identifier: MIT */
/* From the device's error record to what a person can use. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *code_text(uint32_t code)
{
	static const char *const texts[] = {
		[DSA_ERR_NONE] = "the work ended without completing",
		[DSA_ERR_KILLED] = "the queue was killed",
		[DSA_ERR_RESET] = "the device was reset",
		[DSA_ERR_BAD_DOORBELL] = "bad doorbell value",
		[DSA_ERR_RING_READ] = "the ring could not be read",
		[DSA_ERR_BAD_RING_PACKET] = "bad ring packet",
		[DSA_ERR_FENCE_WRITE] = "the fence could not be written",
		[DSA_ERR_BAD_PACKET] = "malformed command",
		[DSA_ERR_BAD_ARGUMENT] = "command argument out of range",
		[DSA_ERR_NOT_ALLOWED] = "command not allowed on this queue",
		[DSA_ERR_MMU_UNMAPPED] = "unmapped address",
		[DSA_ERR_MMU_PERMISSION] = "access not permitted there",
		[DSA_ERR_MMU_RESERVED] = "malformed page table",
		[DSA_ERR_MMU_RANGE] = "address beyond the address space",
		[DSA_ERR_BUS] = "bus error",
		[DSA_ERR_MISALIGNED] = "misaligned address",
		[DSA_ERR_ILLEGAL_INSN] = "illegal instruction",
		[DSA_ERR_BREAKPOINT] = "dsa_trap() was called",
		[DSA_ERR_ECALL] = "system call instruction",
		[DSA_ERR_HANG] = "no progress",
		[DSA_ERR_TENSOR_MAP] = "malformed tensor map",
		[DSA_ERR_TENSOR_OP] = "malformed tensor operation",
		[DSA_ERR_SCRATCHPAD] = "not in the scratchpad, or not aligned there",
		[DSA_ERR_BARRIER] = "no mbarrier there, or an operand out of its range",
		[DSA_ERR_DEADLOCK] = "waits for what cannot happen",
		[DSA_ERR_MATRIX_OP] = "malformed matrix operation",
		[DSA_ERR_CONVERT_OP] = "malformed conversion",
		[DSA_ERR_ECC] = "uncorrectable error in HBM",
	};

	if (code < sizeof(texts) / sizeof(texts[0]) && texts[code])
		return texts[code];
	return "error unknown to this library";
}

static dsaError_t code_error(const struct drm_dsa_queue_state *s)
{
	if (s->flags & DRM_DSA_QUEUE_RESET || s->error_code == DSA_ERR_RESET)
		return dsaErrorDeviceReset;
	if (s->flags & DRM_DSA_QUEUE_TIMEDOUT || s->error_code == DSA_ERR_HANG)
		return dsaErrorLaunchTimeout;
	switch (s->error_code) {
	case DSA_ERR_MMU_UNMAPPED:
	case DSA_ERR_MMU_PERMISSION:
	case DSA_ERR_MMU_RESERVED:
	case DSA_ERR_MMU_RANGE:
	case DSA_ERR_BUS:
		return s->access == DSA_ACCESS_FETCH ? dsaErrorInvalidPc : dsaErrorIllegalAddress;
	case DSA_ERR_MISALIGNED:
		return dsaErrorMisalignedAddress;
	case DSA_ERR_ILLEGAL_INSN:
		return dsaErrorIllegalInstruction;
	case DSA_ERR_SCRATCHPAD:
		return s->access == DSA_ACCESS_NONE ? dsaErrorLaunchFailure :
						      dsaErrorIllegalAddress;
	default:
		return dsaErrorLaunchFailure;
	}
}

static const char *access_text(uint32_t access)
{
	switch (access) {
	case DSA_ACCESS_READ:
		return "read of";
	case DSA_ACCESS_WRITE:
		return "write to";
	case DSA_ACCESS_FETCH:
		return "jump to";
	default:
		return NULL;
	}
}

static const char *opcode_text(uint32_t opcode)
{
	switch (opcode) {
	case DSA_CMD_COPY:
	case DSA_CMD_COPY_2D:
		return "a copy";
	case DSA_CMD_FILL:
		return "a memset";
	case DSA_CMD_LAUNCH:
		return "a launch";
	case DSA_CMD_SEM_SIGNAL:
	case DSA_CMD_SEM_WAIT:
		return "a semaphore";
	case DSA_CMD_TIMESTAMP:
		return "an event record";
	default:
		return "a command";
	}
}

static void append(dsaErrorInfo *info, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void append(dsaErrorInfo *info, const char *format, ...)
{
	size_t used = strlen(info->text);
	va_list args;

	va_start(args, format);
	vsnprintf(info->text + used, sizeof(info->text) - used, format, args);
	va_end(args);
}

/* The launch that failed, from our own copy of the command. queue->lock. */
static uint64_t launch_entry(const struct queue *q, const struct drm_dsa_queue_state *s)
{
	uint64_t offset = s->cmd_va - (uintptr_t)q->ring->base;
	struct dsa_cmd_launch launch;

	if (s->cmd_va < (uintptr_t)q->ring->base || offset > RING_CMD_BYTES - sizeof(launch))
		return 0;
	memcpy(&launch, q->ring->base + offset, sizeof(launch));
	return launch.hdr.opcode == DSA_CMD_LAUNCH ? launch.entry : 0;
}

static void describe_launch(struct queue *q, const struct drm_dsa_queue_state *s,
			    dsaErrorInfo *info)
{
	info->launchId = s->launch_id;
	info->program.x = s->program[0];
	info->program.y = s->program[1];
	info->program.z = s->program[2];
	info->pc = s->pc;
	info->instruction = s->insn;
	module_find(q->dev, launch_entry(q, s), s->pc, info->kernel, sizeof(info->kernel),
		    &info->pcInModule);
	append(info, "kernel %s (launch %llu)", info->kernel[0] ? info->kernel : "(unknown)",
	       (unsigned long long)info->launchId);
	if (info->engine == dsaEngineCore)
		append(info, ", program (%u, %u, %u) on core %d", s->program[0], s->program[1],
		       s->program[2], info->engineIndex);
}

/* What stopped it: a failed assertion in its own words. */
static void describe_cause(struct queue *q, const struct drm_dsa_queue_state *s, dsaErrorInfo *info)
{
	char assertion[256] = "";

	if (s->opcode == DSA_CMD_LAUNCH && s->error_code == DSA_ERR_BREAKPOINT)
		print_assertion(q, s->program, assertion, sizeof(assertion));
	if (s->flags & DRM_DSA_QUEUE_DEPENDENCY)
		append(info,
		       ": waited for an event that will never come: work of another stream has failed");
	else if (s->flags & DRM_DSA_QUEUE_TIMEDOUT)
		append(info, ": took longer than the driver allows");
	else
		append(info, ": %s", assertion[0] ? assertion : code_text(s->error_code));
}

/* What an instruction of Xdsa was about; one of another program of the cluster is named. */
static void describe_scratchpad(const struct drm_dsa_queue_state *s, dsaErrorInfo *info)
{
	uint64_t peer = s->addr - DSA_CLUSTER_BASE;

	if (s->addr < DSA_SCRATCHPAD_BASE)
		return;
	append(info, ", at 0x%llx", (unsigned long long)s->addr);
	if (peer / DSA_CLUSTER_STRIDE < DSA_MAX_CLUSTER)
		append(info, " (scratchpad of rank %u + 0x%llx)",
		       (unsigned int)(peer / DSA_CLUSTER_STRIDE),
		       (unsigned long long)(peer % DSA_CLUSTER_STRIDE));
	else
		append(info, " (scratchpad + 0x%llx)",
		       (unsigned long long)(s->addr - DSA_SCRATCHPAD_BASE));
}

static void describe(struct queue *q, const struct drm_dsa_queue_state *s, dsaErrorInfo *info)
{
	char place[128];

	if (s->opcode == DSA_CMD_LAUNCH)
		describe_launch(q, s, info);
	else
		append(info, "%s", s->opcode == ~0u ? "the queue" : opcode_text(s->opcode));
	describe_cause(q, s, info);
	if (access_text(s->access)) {
		memory_describe(q->dev, s->addr, place, sizeof(place));
		append(info, ", %s 0x%llx", access_text(s->access), (unsigned long long)s->addr);
		if (place[0])
			append(info, " (%s)", place);
	} else if (s->engine >> 16 == DSA_ENGINE_CORE) {
		describe_scratchpad(s, info);
	}
	if (s->error_code == DSA_ERR_ILLEGAL_INSN)
		append(info, " 0x%x", s->insn);
	if (info->pcInModule)
		append(info, ", at 0x%llx of the module (llvm-addr2line-19 -e MODULE 0x%llx)",
		       (unsigned long long)info->pcInModule, (unsigned long long)info->pcInModule);
	else if (info->pc)
		append(info, ", pc 0x%llx", (unsigned long long)info->pc);
}

void fault_capture(struct queue *q)
{
	struct drm_dsa_queue_state s = { .queue_id = q->id };
	dsaErrorInfo *info = &q->fault;
	int ret = kmd_queue_state(q->dev->fd, &s);

	memset(info, 0, sizeof(*info));
	info->engine = dsaEngineNone;
	if (ret) {
		info->error = dsaErrorDeviceUnavailable;
		append(info, "the device is gone, or does not answer: %s", strerror(-ret));
		return;
	}
	info->error = code_error(&s);
	info->deviceFault = 1;
	info->engine = (int)(s.engine >> 16);
	info->engineIndex = (int)(s.engine & 0xffff);
	info->access = (int)s.access;
	info->address = s.addr;
	print_stopped(q);
	describe(q, &s, info);
}

void fault_inherit(struct queue *q, const struct queue *other)
{
	q->fault = other->fault;
	q->fault.text[0] = '\0';
	append(&q->fault, "waited for an event that will never come: %s", other->fault.text);
}
