/* SPDX-License-Identifier: MIT */
/*
 * libdsa: run C kernels on the virtual DSA.
 *
 * The shape is CUDA's runtime: devices, memory, streams, events, modules,
 * kernels. Link with -ldsa (pkg-config: dsa). C11 and C++11.
 */
#ifndef DSA_DSA_H
#define DSA_DSA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

#if defined(__GNUC__)
#define DSA_API __attribute__((visibility("default")))
#else
#define DSA_API
#endif

/** DSA_VERSION - Version of this header: 1000 * major + 10 * minor. */
#define DSA_VERSION 1000

/**
 * DOC: Rules of all functions
 *
 * Result: dsaSuccess or an error. Any function that fails sets the calling
 * thread's last error (dsaGetLastError()) and its description
 * (dsaGetLastErrorInfo()). dsaErrorNotReady is an expected outcome: it is
 * returned, and never becomes the last error.
 *
 * Errors that every function may return, not repeated below:
 *   dsaErrorInvalidValue        a NULL where an address is needed, a bad number
 *   dsaErrorInvalidResourceHandle  a handle that is not, or no longer, valid,
 *                               or is of another kind
 *   dsaErrorNoDevice            no device, no driver, or no permission for it
 *   dsaErrorInitializationError the calling process was forked from one that
 *                               had used the library: use exec()
 *   dsaErrorOutOfHostMemory     the host, or its kernel, is out of memory
 *   dsaErrorDeviceUnavailable   the device is gone, or out of address spaces
 *                               or queues
 * Functions that put work on a stream, or wait for it, may also return that
 * stream's sticky error (below).
 *
 * Threads: every function may be called by any thread at any time, also with
 * the same handle. The current device, the default stream and the last error
 * belong to the thread.
 *
 * Streams: work on one stream runs in order, work on different streams
 * overlaps. The stream handle NULL is the calling thread's own default
 * stream; it orders itself with no other stream.
 *
 * Blocking: a function whose text does not say that it blocks does not wait
 * for the device, with one exception. Functions that put work on a stream
 * (launches, copies, fills, event records and waits) block when the stream, or
 * the stream of the event that is waited for, is full, until the device has
 * done some of its work. A stream's queue holds 256 KiB of commands (more than
 * 4000 launches), 1 MiB of arguments and of small copies' data, and 64
 * submissions.
 *
 * Addresses: device memory, pinned host memory and kernels' pointers are one
 * address space: an address from dsaMalloc() or dsaMallocHost() is the same
 * on the host and in a kernel. Device memory cannot be read by the host
 * directly; its addresses are never valid host addresses.
 *
 * Faults: when a command fails on the device (a kernel reads a bad address,
 * runs an illegal instruction, takes longer than the driver allows ...) its
 * stream stops: what was queued behind it does not run, and each later call
 * on the stream returns the same error: it is sticky. Other streams, memory
 * and modules are unharmed. dsaGetLastErrorInfo() names the kernel, program,
 * core and address. dsaStreamRecover() makes the stream usable again;
 * dsaStreamDestroy() drops it. When more streams exist than the device gives
 * queues to this process, streams share queues, and a fault stops all streams
 * of its queue. Commands are handed to the device in groups: an event that
 * was recorded before the command that failed, but in its group, fails too.
 *
 * A stream that waits for an event of a stream that failed fails as well (see
 * dsaStreamWaitEvent()).
 */

/** enum dsaError - What a function returns; same values as CUDA's where CUDA has it. */
typedef enum dsaError {
	dsaSuccess = 0,
	dsaErrorInvalidValue = 1,
	dsaErrorMemoryAllocation = 2, /* out of device memory */
	dsaErrorInitializationError = 3,
	dsaErrorInvalidPitchValue = 12,
	dsaErrorInvalidDevicePointer = 17, /* not (wholly) inside a live allocation */
	dsaErrorInvalidMemcpyDirection = 21,
	dsaErrorInsufficientDriver = 35, /* driver and library do not fit */
	dsaErrorDeviceUnavailable = 46,
	dsaErrorNoDevice = 100,
	dsaErrorInvalidDevice = 101,
	dsaErrorInvalidKernelImage = 200, /* not a device ELF, or a damaged one */
	dsaErrorFileNotFound = 301,
	dsaErrorOperatingSystem = 304, /* a system call failed */
	dsaErrorUnsupportedLimit = 215,
	dsaErrorInvalidResourceHandle = 400,
	dsaErrorSymbolNotFound = 500,
	dsaErrorNotReady = 600,
	dsaErrorIllegalAddress = 700,
	dsaErrorLaunchOutOfResources = 701,
	dsaErrorLaunchTimeout = 702,
	dsaErrorIllegalInstruction = 715,
	dsaErrorMisalignedAddress = 716,
	dsaErrorInvalidPc = 718,
	dsaErrorLaunchFailure = 719,             /* dsa_trap(), and any other fault */
	dsaErrorCooperativeLaunchTooLarge = 720, /* more programs than can run at once */
	dsaErrorInvalidClusterSize = 912,
	dsaErrorUnknown = 999,
	dsaErrorOutOfHostMemory = 1000,
	dsaErrorDeviceReset = 1001, /* work lost to a device reset */
} dsaError_t;

/** enum dsaLimit - What dsaDeviceSetLimit() sets. */
enum dsaLimit {
	dsaLimitPrintfFifoSize = 1, /* bytes of a stream's buffer for kernels' text */
};

/** enum dsaMemcpyKind - From where to where; Default finds out by address. */
enum dsaMemcpyKind {
	dsaMemcpyHostToHost = 0,
	dsaMemcpyHostToDevice = 1,
	dsaMemcpyDeviceToHost = 2,
	dsaMemcpyDeviceToDevice = 3,
	dsaMemcpyDefault = 4,
};

typedef struct dsaStream_st *dsaStream_t;
typedef struct dsaEvent_st *dsaEvent_t;
typedef struct dsaModule_st *dsaModule_t;
typedef struct dsaFunction_st *dsaFunction_t;
typedef struct dsaCounters_st *dsaCounters_t;

/** struct dsaDim3 - A grid of programs; C++ sees unset members as 1. */
typedef struct dsaDim3 {
	uint32_t x, y, z;
#if defined(__cplusplus)
	dsaDim3(uint32_t x_ = 1, uint32_t y_ = 1, uint32_t z_ = 1) : x(x_), y(y_), z(z_)
	{
	}
#endif
} dsaDim3;

/** struct dsaDeviceProp - What a device is; never changes. */
typedef struct dsaDeviceProp {
	char name[64];
	uint64_t serialNumber;
	size_t totalGlobalMem;    /* bytes of HBM */
	size_t scratchpadPerCore; /* bytes */
	int coreCount;
	int copyEngineCount;
	int computeQueueCount; /* of the device, for all processes */
	int copyQueueCount;
	int clockRate;       /* modelled core clock, kHz */
	int vectorBits;      /* vector register length; 0: no vector unit */
	int memoryBandwidth; /* modelled, 10^6 bytes/s */
	int matrixRate;      /* modelled, products of bf16 a core and cycle; see enum dsaMacs */
	int hardwareMajor, hardwareMinor;
	int pciDomainID, pciBusID, pciDeviceID, pciFunctionID;
	char devicePath[64]; /* /dev/accel/accelN */
} dsaDeviceProp;

/** struct dsaTelemetry - Sensors and use of a device now, for all processes. */
typedef struct dsaTelemetry {
	size_t memoryTotal, memoryFree; /* bytes of HBM */
	size_t systemMemoryUsed;        /* bytes of pinned host memory */
	int temperature;                /* millidegrees Celsius */
	int power;                      /* milliwatts */
	int clockRate;                  /* kHz */
	unsigned int eccCorrected, eccUncorrected, resets;
	unsigned int computeQueuesUsed, copyQueuesUsed;
	uint64_t busyCompute;  /* modelled ns, summed over cores */
	uint64_t busyCopy;     /* modelled ns, summed over copy engines */
	uint64_t deviceTime;   /* modelled ns */
	int memoryTemperature; /* of the HBM, millidegrees Celsius; 0: not known */
	/* Since the driver was bound: */
	uint64_t faults, timeouts;           /* queues stopped by a fault, and for standing still */
	uint64_t engineResets, deviceResets; /* that recovery took */
	uint64_t lostInterrupts;             /* completions found without one */
} dsaTelemetry;

/** enum dsaEngine - The unit that met an error. */
enum dsaEngine {
	dsaEngineNone = -1,
	dsaEngineFrontend = 0,
	dsaEngineCopy = 1,
	dsaEngineCore = 2,
};

/** enum dsaAccess - The memory access that met an error. */
enum dsaAccess {
	dsaAccessNone = 0,
	dsaAccessRead = 1,
	dsaAccessWrite = 2,
	dsaAccessFetch = 3,
};

/**
 * struct dsaErrorInfo - All that is known about an error.
 *
 * @text is always there: one sentence or two for a person. The other members
 * after @error are set only for a fault on the device.
 */
typedef struct dsaErrorInfo {
	dsaError_t error;
	int deviceFault;      /* 1: the members below are valid */
	char kernel[128];     /* name, "" if no kernel was running */
	uint64_t launchId;    /* counts this process's launches from 1 */
	dsaDim3 program;      /* program id */
	int engine;           /* enum dsaEngine */
	int engineIndex;      /* which one: the core's number for a kernel */
	int access;           /* enum dsaAccess */
	uint64_t address;     /* of the access */
	uint64_t pc;          /* program counter, device address */
	uint64_t pcInModule;  /* the same as an address in the module's ELF */
	uint32_t instruction; /* bits of an illegal instruction */
	char text[512];
} dsaErrorInfo;

/* ------------------------------------------------------------------ errors */

/**
 * dsaGetLastError() - The calling thread's last error, and clear it.
 *
 * Return: the error of the last failed call of this thread since the last
 * dsaGetLastError(), or dsaSuccess. A sticky error comes back with the next
 * call on its stream.
 */
DSA_API dsaError_t dsaGetLastError(void);

/** dsaPeekAtLastError() - The calling thread's last error; does not clear it. */
DSA_API dsaError_t dsaPeekAtLastError(void);

/** dsaGetErrorName() - "dsaErrorInvalidValue" for that; never NULL. */
DSA_API const char *dsaGetErrorName(dsaError_t error);

/** dsaGetErrorString() - An error in words; never NULL. */
DSA_API const char *dsaGetErrorString(dsaError_t error);

/**
 * dsaGetLastErrorInfo() - Describe the calling thread's last failed call.
 * @info: filled in; error is dsaSuccess when nothing has failed yet.
 *
 * Survives dsaGetLastError(); the next failed call overwrites it.
 */
DSA_API dsaError_t dsaGetLastErrorInfo(dsaErrorInfo *info);

/* ----------------------------------------------------------------- devices */

/**
 * dsaGetDeviceCount() - Number of devices; 0 with dsaErrorNoDevice if none.
 *
 * Devices are found at the first call of any function of the process.
 */
DSA_API dsaError_t dsaGetDeviceCount(int *count);

/**
 * dsaSetDevice() - Choose the calling thread's current device (0 at first).
 *
 * Errors: dsaErrorInvalidDevice.
 */
DSA_API dsaError_t dsaSetDevice(int device);

/** dsaGetDevice() - The calling thread's current device. */
DSA_API dsaError_t dsaGetDevice(int *device);

/**
 * dsaGetDeviceProperties() - What a device is.
 *
 * Errors: dsaErrorInvalidDevice.
 */
DSA_API dsaError_t dsaGetDeviceProperties(dsaDeviceProp *prop, int device);

/**
 * dsaDeviceGetTelemetry() - Sensors and use of a device now.
 *
 * Errors: dsaErrorInvalidDevice.
 */
DSA_API dsaError_t dsaDeviceGetTelemetry(dsaTelemetry *telemetry, int device);

/**
 * dsaDeviceSynchronize() - Block until all work of this process on the current
 * device has completed, also that of streams that are destroyed and of threads
 * that are gone.
 *
 * Return: the sticky error of one of those streams, if there is one. The fault
 * of a destroyed stream is returned by the call that finds it, and not again.
 */
DSA_API dsaError_t dsaDeviceSynchronize(void);

/** dsaRuntimeGetVersion() - Version of the library, as DSA_VERSION. */
DSA_API dsaError_t dsaRuntimeGetVersion(int *version);

/** dsaDriverGetVersion() - Version of the kernel driver, as DSA_VERSION. */
DSA_API dsaError_t dsaDriverGetVersion(int *version);

/* ------------------------------------------------------------------ memory */

/**
 * dsaMemGetInfo() - Device memory of the current device, bytes.
 * @free: can still be allocated, by any process. The library takes memory
 *        for small allocations in pieces of 2 MiB.
 * @total: usable in all.
 */
DSA_API dsaError_t dsaMemGetInfo(size_t *free, size_t *total);

/**
 * dsaMalloc() - Allocate device memory (HBM) on the current device.
 * @ptr: set to the address, aligned to 256 bytes; NULL on an error.
 * @bytes: size, not zero. Contents are undefined.
 *
 * May block on earlier dsaFree()d memory's last use when memory is short.
 * Errors: dsaErrorMemoryAllocation when the device has not enough memory.
 */
DSA_API dsaError_t dsaMalloc(void **ptr, size_t bytes);

/**
 * dsaFree() - Free device memory.
 * @ptr: from dsaMalloc(), or NULL for no effect.
 *
 * Does not block and does not synchronise: work queued earlier on any stream
 * may still use the memory, it is given back after that.
 * Errors: dsaErrorInvalidDevicePointer: not from dsaMalloc(), or freed before.
 */
DSA_API dsaError_t dsaFree(void *ptr);

/**
 * dsaMallocHost() - Allocate pinned host memory.
 * @ptr: set to the address, aligned to 4096 bytes; NULL on an error.
 * @bytes: size, not zero. Contents are zero.
 *
 * The host uses it like any memory, the current device's copies run at full
 * rate and in the background, kernels read and write it in place. May block
 * as dsaMalloc() does.
 * Errors: dsaErrorOutOfHostMemory.
 */
DSA_API dsaError_t dsaMallocHost(void **ptr, size_t bytes);

/**
 * dsaFreeHost() - Free pinned host memory; as dsaFree().
 *
 * Errors: dsaErrorInvalidValue: not from dsaMallocHost(), or freed before.
 */
DSA_API dsaError_t dsaFreeHost(void *ptr);

/**
 * dsaMemcpy() - Copy memory; returns when the copy is complete.
 * @dst: to; any alignment.
 * @src: from; any alignment.
 * @bytes: size; zero is no copy.
 * @kind: direction; must fit the addresses.
 *
 * Runs on the calling thread's default stream and waits for it. Ranges may
 * overlap only when @dst is below @src.
 * Errors: dsaErrorInvalidMemcpyDirection: @kind does not fit an address;
 * dsaErrorInvalidDevicePointer: a device range is not wholly inside one
 * allocation; dsaErrorInvalidValue: bad kind, bad overlap.
 */
DSA_API dsaError_t dsaMemcpy(void *dst, const void *src, size_t bytes, enum dsaMemcpyKind kind);

/**
 * dsaMemcpyAsync() - Copy memory in the order of a stream.
 *
 * Between device and pinned memory: returns at once. With pageable host
 * memory, as with CUDA: host to device returns when the source may be
 * changed (the tail of the copy still in flight); device to host and host to
 * host return when complete.
 * Errors: as dsaMemcpy().
 */
DSA_API dsaError_t dsaMemcpyAsync(void *dst, const void *src, size_t bytes, enum dsaMemcpyKind kind,
				  dsaStream_t stream);

/**
 * dsaMemcpy2D() - Copy rows; returns when the copy is complete.
 * @dst: to.
 * @dpitch: bytes from one row to the next at @dst.
 * @src: from.
 * @spitch: bytes from one row to the next at @src.
 * @width: bytes to copy of each row.
 * @height: rows. Zero width or height is no copy.
 * @kind: direction.
 *
 * The ranges must not overlap.
 * Errors: as dsaMemcpy(); dsaErrorInvalidPitchValue: a pitch below @width.
 */
DSA_API dsaError_t dsaMemcpy2D(void *dst, size_t dpitch, const void *src, size_t spitch,
			       size_t width, size_t height, enum dsaMemcpyKind kind);

/** dsaMemcpy2DAsync() - dsaMemcpy2D() in a stream; blocks as dsaMemcpyAsync() does. */
DSA_API dsaError_t dsaMemcpy2DAsync(void *dst, size_t dpitch, const void *src, size_t spitch,
				    size_t width, size_t height, enum dsaMemcpyKind kind,
				    dsaStream_t stream);

/**
 * dsaMemset() - Set bytes; returns when complete.
 * @ptr: device or pinned host memory; any alignment.
 * @value: its low 8 bits.
 * @bytes: size; zero has no effect.
 *
 * Errors: dsaErrorInvalidDevicePointer: not wholly inside one allocation.
 */
DSA_API dsaError_t dsaMemset(void *ptr, int value, size_t bytes);

/** dsaMemsetAsync() - dsaMemset() in a stream. */
DSA_API dsaError_t dsaMemsetAsync(void *ptr, int value, size_t bytes, dsaStream_t stream);

/**
 * dsaMemsetD32Async() - Set 32-bit words in a stream.
 * @ptr: device or pinned host memory, aligned to 4 bytes.
 * @value: of each word.
 * @count: words.
 */
DSA_API dsaError_t dsaMemsetD32Async(void *ptr, uint32_t value, size_t count, dsaStream_t stream);

/* ----------------------------------------------------------------- streams */

/**
 * dsaStreamCreate() - Create a stream on the current device.
 *
 * A stream has a hardware queue of its own while there are some for this
 * process (half of the device's), after that streams share queues: still
 * right, no longer independent. It takes over neither work nor a fault of a
 * destroyed stream, unless all of those queues are busy.
 */
DSA_API dsaError_t dsaStreamCreate(dsaStream_t *stream);

/**
 * dsaStreamDestroy() - Destroy a stream; does not block, its work completes.
 *
 * NULL (the default stream) gives dsaErrorInvalidResourceHandle.
 */
DSA_API dsaError_t dsaStreamDestroy(dsaStream_t stream);

/** dsaStreamSynchronize() - Block until all work of a stream has completed. */
DSA_API dsaError_t dsaStreamSynchronize(dsaStream_t stream);

/** dsaStreamQuery() - dsaSuccess if all work has completed, else dsaErrorNotReady. */
DSA_API dsaError_t dsaStreamQuery(dsaStream_t stream);

/**
 * dsaStreamWaitEvent() - Work put on @stream from now on waits for an event.
 * @stream: waits, on the device; the host does not.
 * @event: its latest dsaEventRecord(), or nothing if there was none.
 * @flags: zero.
 *
 * Both must be of one device.
 *
 * Should the event's stream fail before the event, what was put on @stream
 * before the wait still runs, what was put there behind it does not, and
 * @stream fails: the error is sticky, and its description has "waited for an
 * event that will never come". When that failure is known to the library (some
 * call has returned it, or has met it) at this call, or before the work behind
 * the wait is handed to the device, it is the same error, and this call returns
 * it if it was known by then; else it is dsaErrorLaunchFailure.
 */
DSA_API dsaError_t dsaStreamWaitEvent(dsaStream_t stream, dsaEvent_t event, unsigned int flags);

/**
 * dsaStreamRecover() - Make a stream usable again after a fault.
 *
 * The work queued behind the fault is lost. Memory keeps what it has. Streams
 * that share the queue are not touched. No effect on a healthy stream. An
 * event recorded behind the fault stays failed until it is recorded again: to
 * wait for it makes a stream fail anew.
 */
DSA_API dsaError_t dsaStreamRecover(dsaStream_t stream);

/* ------------------------------------------------------------------ events */

/** dsaEventCreate() - Create an event on the current device. */
DSA_API dsaError_t dsaEventCreate(dsaEvent_t *event);

/** dsaEventDestroy() - Destroy an event; a record in flight is let finish. */
DSA_API dsaError_t dsaEventDestroy(dsaEvent_t event);

/**
 * dsaEventRecord() - Record the moment when a stream's work so far is done.
 *
 * Again on the same event: forgets the earlier record, unless this one fails.
 * Event and stream must be of one device.
 */
DSA_API dsaError_t dsaEventRecord(dsaEvent_t event, dsaStream_t stream);

/** dsaEventQuery() - dsaSuccess if recorded (or never asked to), else dsaErrorNotReady. */
DSA_API dsaError_t dsaEventQuery(dsaEvent_t event);

/** dsaEventSynchronize() - Block until an event is recorded. */
DSA_API dsaError_t dsaEventSynchronize(dsaEvent_t event);

/**
 * dsaEventElapsedTime() - Modelled device time between two events.
 * @ms: milliseconds; what the modelled hardware would have taken, the same on
 *      every host. Negative when @end came first.
 * @start: a recorded event.
 * @end: a recorded event.
 *
 * Errors: dsaErrorInvalidResourceHandle: one was never recorded;
 * dsaErrorNotReady: one is not complete yet.
 */
DSA_API dsaError_t dsaEventElapsedTime(float *ms, dsaEvent_t start, dsaEvent_t end);

/** dsaEventElapsedWallTime() - The same in the wall-clock time of the machine that models. */
DSA_API dsaError_t dsaEventElapsedWallTime(float *ms, dsaEvent_t start, dsaEvent_t end);

/* ------------------------------------------------------- modules, launches */

/**
 * dsaModuleLoad() - Load a device ELF (made by dsacc) from a file.
 *
 * Goes to the current device. Blocks on file input, and as dsaMalloc() does.
 * Errors: dsaErrorFileNotFound: cannot be opened or read;
 * dsaErrorInvalidKernelImage: damaged, or not for this device;
 * dsaErrorMemoryAllocation.
 */
DSA_API dsaError_t dsaModuleLoad(dsaModule_t *module, const char *path);

/**
 * dsaModuleLoadData() - Load a device ELF from memory.
 * @module: set to the module.
 * @image: the ELF, whole: its headers are trusted for its length. What
 *         `dsacc -c` makes is such an image: dsa_kernels_NAME.
 *
 * Errors: as dsaModuleLoad().
 */
DSA_API dsaError_t dsaModuleLoadData(dsaModule_t *module, const void *image);

/** dsaModuleLoadDataSize() - dsaModuleLoadData() of an image of known length: trusts nothing. */
DSA_API dsaError_t dsaModuleLoadDataSize(dsaModule_t *module, const void *image, size_t bytes);

/**
 * dsaModuleUnload() - Unload a module; its functions become invalid.
 *
 * Does not block: launches already queued complete, and so does a launch that
 * another thread makes at the same time, unless it finds the function invalid.
 */
DSA_API dsaError_t dsaModuleUnload(dsaModule_t module);

/**
 * dsaModuleGetFunction() - Find a kernel by name.
 *
 * Errors: dsaErrorSymbolNotFound.
 */
DSA_API dsaError_t dsaModuleGetFunction(dsaFunction_t *function, dsaModule_t module,
					const char *name);

/**
 * dsaLaunchKernel() - Run a grid of programs.
 * @function: the kernel.
 * @grid: programs in x, y, z; each 1 .. 2^31-1, product at most 2^40.
 * @args: addresses of the arguments, in order; copied before return. NULL is
 *        fine for a kernel without arguments.
 * @scratch_bytes: scratchpad for the kernel's data, beyond what it declares.
 * @stream: where.
 *
 * Asynchronous. Programs run in any order, one per core at a time.
 * Errors: dsaErrorInvalidValue: grid, NULL argument; dsaErrorLaunchOutOfResources:
 * scratchpad too small; dsaErrorInvalidResourceHandle: also when the stream
 * is on another device than the function's.
 */
DSA_API dsaError_t dsaLaunchKernel(dsaFunction_t function, dsaDim3 grid, void **args,
				   size_t scratch_bytes, dsaStream_t stream);

/**
 * dsaLaunchKernelStruct() - dsaLaunchKernel() with all arguments in a structure.
 * @args: as the kernel's argument list, laid out by C's rules.
 * @bytes: sizeof(*args); must be what the kernel expects.
 */
DSA_API dsaError_t dsaLaunchKernelStruct(dsaFunction_t function, dsaDim3 grid, const void *args,
					 size_t bytes, size_t scratch_bytes, dsaStream_t stream);

/** enum dsaLaunchAttributeID - What a struct dsaLaunchAttribute sets; CUDA's values. */
typedef enum dsaLaunchAttributeID {
	dsaLaunchAttributeIgnore = 0,
	dsaLaunchAttributeCooperative = 2,
	dsaLaunchAttributeClusterDimension = 4,
} dsaLaunchAttributeID;

/**
 * union dsaLaunchAttributeValue - The value of an attribute.
 * @clusterDim: of ClusterDimension: programs of a cluster in x, y, z. Each
 *              divides the grid's; the product is at most 16 and at most the
 *              number of cores. The programs of a cluster run at the same
 *              time: see "Clusters" in <dsa/kernel.h>.
 * @cooperative: of Cooperative: 1: all programs run at the same time, as one
 *              cluster; 0: not so.
 */
typedef union dsaLaunchAttributeValue {
	char pad[64];
	struct {
		unsigned int x, y, z;
	} clusterDim;
	int cooperative;
} dsaLaunchAttributeValue;

/** struct dsaLaunchAttribute - One property of a launch. */
typedef struct dsaLaunchAttribute {
	dsaLaunchAttributeID id;
	dsaLaunchAttributeValue val;
} dsaLaunchAttribute;

/**
 * struct dsaLaunchConfig - How dsaLaunchKernelEx() launches.
 * @gridDim: as @grid of dsaLaunchKernel().
 * @scratchBytes: as @scratch_bytes there.
 * @stream: where.
 * @attrs: @numAttrs attributes, each at most once; read before return.
 */
typedef struct dsaLaunchConfig {
	dsaDim3 gridDim;
	size_t scratchBytes;
	dsaStream_t stream;
	const dsaLaunchAttribute *attrs;
	unsigned int numAttrs;
} dsaLaunchConfig_t;

/**
 * dsaLaunchKernelEx() - dsaLaunchKernel() with attributes (CUDA's cudaLaunchKernelExC()).
 * @config: grid, scratchpad, stream, attributes.
 * @function: the kernel.
 * @args: as for dsaLaunchKernel().
 *
 * Errors: as dsaLaunchKernel(), and dsaErrorInvalidValue: an attribute that is
 * unknown, given twice, or out of range, or a cluster beside Cooperative that is
 * not the grid; dsaErrorInvalidClusterSize: a dimension zero or no divisor of the
 * grid's, or too many programs; dsaErrorCooperativeLaunchTooLarge: a cooperative
 * launch of more programs than the device runs at once, or than 16.
 */
DSA_API dsaError_t dsaLaunchKernelEx(const dsaLaunchConfig_t *config, dsaFunction_t function,
				     void **args);

/* ---------------------------------------------------------------- counters */

/**
 * enum dsaMacs - Kinds of products that matrix units make.
 *
 * A core makes matrixRate * f of them in a cycle at best, f being 1/32 for
 * F64, 1/16 for F32, 1/2 for TF32, 1 for F16, 2 for F8, F6 and I8, 4 for F4
 * and I4. With operands of two types the first kind here counts.
 */
enum dsaMacs {
	dsaMacsF64 = 0,
	dsaMacsF32 = 1,
	dsaMacsTF32 = 2,
	dsaMacsF16 = 3, /* with bf16, Q8_0, Q4_0 */
	dsaMacsF8 = 4,  /* MX or not, and so on */
	dsaMacsF6 = 5,
	dsaMacsI8 = 6, /* with uint8 */
	dsaMacsF4 = 7,
	dsaMacsI4 = 8,
	dsaMacsCount = 9
};

/** enum dsaBytes - Bytes that tensor operations and vector instructions moved. */
enum dsaBytes {
	dsaBytesHbmRead = 0,
	dsaBytesHbmWritten = 1,
	dsaBytesSystemRead = 2,
	dsaBytesSystemWritten = 3,
	dsaBytesScratchpadRead = 4, /* by tensor engines */
	dsaBytesScratchpadWritten = 5,
	dsaBytesCount = 6
};

/** enum dsaStall - What programs waited for. */
enum dsaStall {
	dsaStallMbarrier = 0,
	dsaStallTensor = 1, /* stores */
	dsaStallMatrix = 2,
	dsaStallVectorMemory = 3,
	dsaStallConvert = 4,
	dsaStallCluster = 5,
	dsaStallCount = 6
};

/**
 * struct dsaLaunchCounters - What launches did, in modelled work and time.
 *
 * The same for any host, load and number of threads. Where nothing else is
 * said: sums over programs and launches; cycles are of the core clock. cycles /
 * coreCycles is the cores' occupancy, matrixCycles / coreCycles and
 * tensorCycles / coreCycles that of the engines. docs/timing.md has the exact
 * meaning of each.
 */
typedef struct dsaLaunchCounters {
	uint64_t programs, instructions;
	uint64_t startTime, endTime; /* of the first, of the last launch, ns */
	uint64_t launches;
	uint64_t time;       /* sum over launches, ns */
	uint64_t makespan;   /* cycles from first to last program; summed over launches */
	uint64_t coreCycles; /* makespan times cores */
	uint64_t cycles;     /* that programs took, waiting included */
	uint64_t vectorInstructions, vectorElements, vectorCycles;
	uint64_t tensorOps, tensorCycles; /* engines busy */
	uint64_t matrixOps, matrixCycles; /* units busy */
	uint64_t convertOps, convertCycles;
	uint64_t macs[dsaMacsCount];    /* products, by enum dsaMacs */
	uint64_t bytes[dsaBytesCount];  /* by enum dsaBytes */
	uint64_t stalls[dsaStallCount]; /* cycles, by enum dsaStall */
} dsaLaunchCounters;

/** dsaCountersCreate() - Create counters, all zero, on the current device. */
DSA_API dsaError_t dsaCountersCreate(dsaCounters_t *counters);

/** dsaCountersDestroy() - Destroy counters; launches that count in them are let finish. */
DSA_API dsaError_t dsaCountersDestroy(dsaCounters_t counters);

/**
 * dsaStreamBeginCounters() - Count what launches put on a stream from now on do.
 * @stream: where; its other work, and other streams' launches, do not count.
 * @counters: what they are added to. One stream at a time; used again, also
 *            on another stream, they go on from where they are. The first
 *            launch then blocks until those of the other stream are done.
 *
 * Errors: dsaErrorInvalidValue: the counters are in use, or the stream has
 * some; dsaErrorInvalidResourceHandle: also when they are of two devices.
 */
DSA_API dsaError_t dsaStreamBeginCounters(dsaStream_t stream, dsaCounters_t counters);

/**
 * dsaStreamEndCounters() - Later launches on a stream are not counted.
 *
 * Does not block. Destroying the stream does the same.
 * Errors: dsaErrorInvalidValue: the stream has no counters.
 */
DSA_API dsaError_t dsaStreamEndCounters(dsaStream_t stream);

/**
 * dsaCountersGet() - The sums over all launches counted so far.
 * @counters: may still be in use; what is launched meanwhile may be in the
 *            sums in part.
 * @sum: set, also when an error is returned: to what completed.
 *
 * Blocks until those launches have completed. Errors: the stream's fault.
 */
DSA_API dsaError_t dsaCountersGet(dsaCounters_t counters, dsaLaunchCounters *sum);

/* ------------------------------------------------------------ kernels' text */

/**
 * dsaSetPrintfHandler() - Who gets what kernels print (dsa_printf(), dsa_assert()).
 * @handler: gets some whole calls' text: @len bytes, a NUL behind them. NULL:
 *           stdout, as at first.
 * @opaque: handed on to it.
 *
 * Text is handed over by the thread that waits for a stream, before its call
 * returns: dsaStreamSynchronize(), dsaDeviceSynchronize(),
 * dsaEventSynchronize(), dsaMemcpy() and other copies and fills that wait,
 * dsaStreamQuery() and dsaEventQuery() when they find the work complete, any
 * call that returns the stream's fault, dsaStreamRecover(),
 * dsaStreamDestroy(). A call may also hand over text of another stream that
 * shares the queue or had it before, or of work that it did not wait for. What
 * a destroyed stream's work prints afterwards comes with
 * dsaDeviceSynchronize() at the latest; what is not waited for before the
 * program ends is lost.
 *
 * Text comes in order for each stream. The handler is called by one thread at a
 * time; it may call the library (what those calls would hand over, a later one
 * does), but must not wait for another thread that uses it. A result that is not dsaSuccess is returned by the call that handed the
 * text over, unless that has an error of its own.
 *
 * Errors: dsaErrorInvalidValue: called by a handler.
 */
DSA_API dsaError_t dsaSetPrintfHandler(dsaError_t (*handler)(const char *text, size_t len,
							     void *opaque),
				       void *opaque);

/**
 * dsaDeviceSetLimit() - Set a limit of the current device.
 * @limit: dsaLimitPrintfFifoSize: bytes of the buffer that a stream's kernels
 *         print to until someone waits for the stream. At first 64 KiB; rounded
 *         up to 4096, at most 1 GiB.
 * @value: the limit.
 *
 * Streams take it over at the next launch of a kernel that prints while they
 * are idle. When a buffer is full, records are lost, and the text says how many.
 * Errors: dsaErrorUnsupportedLimit.
 */
DSA_API dsaError_t dsaDeviceSetLimit(enum dsaLimit limit, size_t value);

/** dsaDeviceGetLimit() - A limit of the current device; see dsaDeviceSetLimit(). */
DSA_API dsaError_t dsaDeviceGetLimit(size_t *value, enum dsaLimit limit);

#if defined(__cplusplus)
}
#endif

#endif /* DSA_DSA_H */
