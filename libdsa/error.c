/* SPDX-License-Identifier: MIT */
/* Error codes, and each thread's last error. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	dsaError_t error;
	const char *name;
	const char *text;
} errors[] = {
#define E(name, text) { name, #name, text }
	E(dsaSuccess, "no error"),
	E(dsaErrorInvalidValue, "invalid argument"),
	E(dsaErrorMemoryAllocation, "out of device memory"),
	E(dsaErrorInitializationError, "the library cannot be used in this process"),
	E(dsaErrorInvalidPitchValue, "pitch below width"),
	E(dsaErrorInvalidDevicePointer, "not an address of device memory"),
	E(dsaErrorInvalidMemcpyDirection, "copy direction does not fit the addresses"),
	E(dsaErrorInsufficientDriver, "the driver does not fit this library"),
	E(dsaErrorDeviceUnavailable, "device unavailable"),
	E(dsaErrorNoDevice, "no DSA device"),
	E(dsaErrorInvalidDevice, "no device of that number"),
	E(dsaErrorInvalidKernelImage, "not a valid device ELF"),
	E(dsaErrorFileNotFound, "file not found"),
	E(dsaErrorOperatingSystem, "a system call failed"),
	E(dsaErrorUnsupportedLimit, "no such limit"),
	E(dsaErrorInvalidResourceHandle, "invalid handle"),
	E(dsaErrorSymbolNotFound, "no such kernel in the module"),
	E(dsaErrorNotReady, "not complete yet"),
	E(dsaErrorIllegalAddress, "the device accessed an illegal address"),
	E(dsaErrorLaunchOutOfResources, "launch asks for more than a core has"),
	E(dsaErrorLaunchTimeout, "the device took longer than the driver allows"),
	E(dsaErrorIllegalInstruction, "a kernel ran an illegal instruction"),
	E(dsaErrorMisalignedAddress, "a kernel accessed a misaligned address"),
	E(dsaErrorInvalidPc, "a kernel jumped to an address that is not code"),
	E(dsaErrorLaunchFailure, "a command failed on the device"),
	E(dsaErrorCooperativeLaunchTooLarge, "more programs than can run at once"),
	E(dsaErrorInvalidClusterSize, "no such cluster of that grid"),
	E(dsaErrorUnknown, "unknown error"),
	E(dsaErrorOutOfHostMemory, "out of host memory"),
	E(dsaErrorDeviceReset, "work was lost to a device reset"),
#undef E
};

static int find_error(dsaError_t error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			return (int)i;
	return -1;
}

dsaError_t fail(dsaError_t error, const char *format, ...)
{
	struct thread_state *t = thread_state();
	va_list args;

	t->last = error;
	memset(&t->info, 0, sizeof(t->info));
	t->info.error = error;
	t->info.engine = dsaEngineNone;
	va_start(args, format);
	vsnprintf(t->info.text, sizeof(t->info.text), format, args);
	va_end(args);
	return error;
}

dsaError_t fail_errno(int err, const char *what)
{
	switch (err) {
	case ENOMEM:
		return fail(dsaErrorOutOfHostMemory, "%s: out of host memory", what);
	case ENOSPC:
		return fail(dsaErrorDeviceUnavailable,
			    "%s: the device has none left: other processes hold them", what);
	case EDQUOT:
		return fail(dsaErrorDeviceUnavailable,
			    "%s: this user has as many as one may have (see max_queues_per_uid and "
			    "max_vms_per_uid of the driver)",
			    what);
	case ENODEV:
		return fail(dsaErrorDeviceUnavailable, "%s: the device is gone", what);
	default:
		return fail(dsaErrorOperatingSystem, "%s: %s", what, strerror(err));
	}
}

dsaError_t fail_info(const dsaErrorInfo *info)
{
	struct thread_state *t = thread_state();

	t->last = info->error;
	t->info = *info;
	return info->error;
}

DSA_API dsaError_t dsaGetLastError(void)
{
	struct thread_state *t = thread_state();
	dsaError_t error = t->last;

	t->last = dsaSuccess;
	return error;
}

DSA_API dsaError_t dsaPeekAtLastError(void)
{
	return thread_state()->last;
}

DSA_API const char *dsaGetErrorName(dsaError_t error)
{
	int i = find_error(error);

	return i < 0 ? "unrecognized error code" : errors[i].name;
}

DSA_API const char *dsaGetErrorString(dsaError_t error)
{
	int i = find_error(error);

	return i < 0 ? "unrecognized error code" : errors[i].text;
}

DSA_API dsaError_t dsaGetLastErrorInfo(dsaErrorInfo *info)
{
	if (!info)
		return fail(dsaErrorInvalidValue, "dsaGetLastErrorInfo: info is NULL");
	*info = thread_state()->info;
	return dsaSuccess;
}
