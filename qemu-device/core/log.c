/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for the host; what a guest can cause is bounded in number. */
#include <stdarg.h>
#include <stdio.h>

#include "core_int.h"

static void log_line(struct dsa_core *core, enum dsa_log_level level, const char *fmt, va_list ap)
{
	char line[256];

	vsnprintf(line, sizeof(line), fmt, ap);
	core->ops->log(core->host, level, line);
}

void log_guest_error(struct dsa_core *core, const char *fmt, ...)
{
	unsigned int n = __atomic_fetch_add(&core->guest_errors, 1, __ATOMIC_RELAXED);
	va_list ap;

	if (n >= DSA_LOG_BURST) {
		if (n >= 2 * DSA_LOG_BURST) /* keeps the count from wrapping */
			__atomic_store_n(&core->guest_errors, DSA_LOG_BURST, __ATOMIC_RELAXED);
		return;
	}
	va_start(ap, fmt);
	log_line(core, DSA_LOG_GUEST_ERROR, fmt, ap);
	va_end(ap);
	if (n == DSA_LOG_BURST - 1)
		core->ops->log(core->host, DSA_LOG_GUEST_ERROR,
			       "further errors of the guest are not logged until a reset");
}

void log_info(struct dsa_core *core, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(core, DSA_LOG_INFO, fmt, ap);
	va_end(ap);
}

const char *error_name(uint32_t code)
{
	static const char *const names[] = {
		[DSA_ERR_NONE] = "none",
		[DSA_ERR_KILLED] = "killed",
		[DSA_ERR_RESET] = "reset",
		[DSA_ERR_BAD_DOORBELL] = "bad doorbell",
		[DSA_ERR_RING_READ] = "ring not readable",
		[DSA_ERR_BAD_RING_PACKET] = "bad ring packet",
		[DSA_ERR_FENCE_WRITE] = "fence not writable",
		[DSA_ERR_BAD_PACKET] = "bad command packet",
		[DSA_ERR_BAD_ARGUMENT] = "bad argument",
		[DSA_ERR_NOT_ALLOWED] = "command not allowed on this class",
		[DSA_ERR_TENSOR_MAP] = "bad tensor map",
		[DSA_ERR_TENSOR_OP] = "bad tensor operation",
		[DSA_ERR_SCRATCHPAD] = "not in the scratchpad",
		[DSA_ERR_BARRIER] = "bad mbarrier",
		[DSA_ERR_DEADLOCK] = "waits for what cannot happen",
		[DSA_ERR_MATRIX_OP] = "bad matrix operation",
		[DSA_ERR_CONVERT_OP] = "bad conversion",
		[DSA_ERR_MMU_UNMAPPED] = "address not mapped",
		[DSA_ERR_MMU_PERMISSION] = "no permission",
		[DSA_ERR_MMU_RESERVED] = "malformed page-table entry",
		[DSA_ERR_MMU_RANGE] = "address out of range",
		[DSA_ERR_BUS] = "bus error",
		[DSA_ERR_MISALIGNED] = "misaligned",
		[DSA_ERR_ILLEGAL_INSN] = "illegal instruction",
		[DSA_ERR_BREAKPOINT] = "breakpoint",
		[DSA_ERR_ECALL] = "ecall",
		[DSA_ERR_HANG] = "hang",
		[DSA_ERR_ECC] = "uncorrectable error in HBM",
	};

	if (code < sizeof(names) / sizeof(names[0]) && names[code])
		return names[code];
	return "unknown";
}
