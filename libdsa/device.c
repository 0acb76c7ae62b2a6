/* SPDX-License-Identifier: MIT */
/* Devices, and each thread's current one. */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#define DRIVER_NAME "dsa_accel"

/* Written once, by scan(); the rest is per device. */
static pthread_once_t scan_once = PTHREAD_ONCE_INIT;
static struct device *devices[MAX_DEVICES];
static int count;
static char scan_error[256];
static dsaError_t scan_result;

static atomic_bool forked;
static pthread_key_t thread_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static struct thread_state spare_state;
static __thread struct thread_state *self;

static void mark_forked(void)
{
	atomic_store(&forked, true);
}

static void drop_thread(void *arg)
{
	struct thread_state *t = arg;

	for (int i = 0; i < MAX_DEVICES; i++)
		if (t->default_stream[i])
			stream_drop_default(t->default_stream[i]);
	self = NULL;
	free(t);
}

static void make_key(void)
{
	pthread_key_create(&thread_key, drop_thread);
}

struct thread_state *thread_state(void)
{
	if (self)
		return self;
	pthread_once(&key_once, make_key);
	self = calloc(1, sizeof(*self));
	if (!self)
		return &spare_state;
	pthread_setspecific(thread_key, self);
	return self;
}

static bool is_ours(int fd, int *version)
{
	drmVersionPtr v = drmGetVersion(fd);
	bool ours = v && v->name && !strcmp(v->name, DRIVER_NAME);

	if (ours)
		*version = 1000 * v->version_major + 10 * v->version_minor;
	drmFreeVersion(v);
	return ours;
}

static void note(dsaError_t error, const char *path, const char *why)
{
	scan_result = error;
	snprintf(scan_error, sizeof(scan_error), "%s: %s", path, why);
}

static void add_device(int number)
{
	struct device *dev;
	char path[64];
	int fd, version, ret;

	snprintf(path, sizeof(path), "/dev/accel/accel%d", number);
	fd = kmd_open(path);
	if (fd < 0) {
		note(dsaErrorNoDevice, path, strerror(-fd));
		return;
	}
	if (!is_ours(fd, &version)) {
		close(fd);
		return;
	}
	dev = calloc(1, sizeof(*dev));
	if (!dev) {
		close(fd);
		note(dsaErrorOutOfHostMemory, path, "out of host memory");
		return;
	}
	ret = kmd_query(fd, DRM_DSA_QUERY_DEVICE_INFO, &dev->info, sizeof(dev->info));
	if (ret || !dev->info.compute_queues || dev->info.va_bits < 48) {
		note(ret == -ENODEV ? dsaErrorDeviceUnavailable : dsaErrorInsufficientDriver, path,
		     ret ? strerror(-ret) : "the driver describes a device unfit for this library");
		close(fd);
		free(dev);
		return;
	}
	dev->fd = fd;
	dev->driver_version = version;
	dev->index = count;
	snprintf(dev->path, sizeof(dev->path), "%s", path);
	pthread_mutex_init(&dev->lock, NULL);
	atomic_init(&dev->print_bytes, PRINT_DEFAULT_BYTES);
	devices[count++] = dev;
}

static int compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void scan(void)
{
	int numbers[256], n = 0;
	struct dirent *entry;
	DIR *dir = opendir("/dev/accel");

	pthread_atfork(NULL, NULL, mark_forked);
	scan_result = dsaErrorNoDevice;
	if (!dir) {
		snprintf(scan_error, sizeof(scan_error),
			 "/dev/accel: %s (is the dsa_accel driver loaded?)", strerror(errno));
		return;
	}
	snprintf(scan_error, sizeof(scan_error), "/dev/accel has no device of driver %s",
		 DRIVER_NAME);
	while ((entry = readdir(dir)) && n < 256)
		if (sscanf(entry->d_name, "accel%d", &numbers[n]) == 1)
			n++;
	closedir(dir);
	qsort(numbers, (size_t)n, sizeof(numbers[0]), compare_numbers);
	for (int i = 0; i < n && count < MAX_DEVICES; i++)
		add_device(numbers[i]);
}

dsaError_t devices_init(void)
{
	pthread_once(&scan_once, scan);
	if (atomic_load(&forked))
		return fail(dsaErrorInitializationError,
			    "this process was forked from one that used libdsa: use exec()");
	if (count == 0)
		return fail(scan_result, "no device: %s", scan_error);
	return dsaSuccess;
}

struct device *device_by_index(int index)
{
	return index >= 0 && index < count ? devices[index] : NULL;
}

int device_count(void)
{
	return count;
}

/* dev->lock */
static dsaError_t make_ready(struct device *dev)
{
	uint64_t base = DEVICE_VA_BASE + (uint64_t)dev->index * DEVICE_VA_SIZE;
	int ret;

	/* The first bytes stay empty: an address just below an allocation is never a host's. */
	if (va_init(&dev->va, base + HUGE_PAGE, DEVICE_VA_SIZE - HUGE_PAGE))
		return fail_errno(ENOMEM, "device address space");
	ret = kmd_vm_create(dev->fd, &dev->vm);
	if (ret) {
		va_fini(&dev->va);
		return fail_errno(-ret, "creating an address space on the device");
	}
	dev->ready = true;
	return dsaSuccess;
}

dsaError_t device_current(struct device **out)
{
	dsaError_t error = devices_init();
	struct device *dev;

	if (error)
		return error;
	dev = devices[thread_state()->device];
	pthread_mutex_lock(&dev->lock);
	if (!dev->ready)
		error = make_ready(dev);
	pthread_mutex_unlock(&dev->lock);
	*out = dev;
	return error;
}

static dsaError_t device_number(int number, struct device **dev)
{
	dsaError_t error = devices_init();

	if (error)
		return error;
	*dev = device_by_index(number);
	if (!*dev)
		return fail(dsaErrorInvalidDevice, "device %d: there are devices 0 to %d", number,
			    count - 1);
	return dsaSuccess;
}

DSA_API dsaError_t dsaGetDeviceCount(int *n)
{
	dsaError_t error;

	if (!n)
		return fail(dsaErrorInvalidValue, "dsaGetDeviceCount: count is NULL");
	*n = 0;
	error = devices_init();
	if (!error)
		*n = count;
	return error;
}

DSA_API dsaError_t dsaSetDevice(int device)
{
	struct device *dev;
	dsaError_t error = device_number(device, &dev);

	if (!error)
		thread_state()->device = device;
	return error;
}

DSA_API dsaError_t dsaGetDevice(int *device)
{
	dsaError_t error = devices_init();

	if (error)
		return error;
	if (!device)
		return fail(dsaErrorInvalidValue, "dsaGetDevice: device is NULL");
	*device = thread_state()->device;
	return dsaSuccess;
}

DSA_API dsaError_t dsaGetDeviceProperties(dsaDeviceProp *prop, int device)
{
	struct drm_dsa_memory_info mem = { 0 };
	const struct drm_dsa_device_info *info;
	struct device *dev;
	dsaError_t error = device_number(device, &dev);
	int ret;

	if (error)
		return error;
	if (!prop)
		return fail(dsaErrorInvalidValue, "dsaGetDeviceProperties: prop is NULL");
	ret = kmd_query(dev->fd, DRM_DSA_QUERY_MEMORY, &mem, sizeof(mem));
	if (ret)
		return fail_errno(-ret, "dsaGetDeviceProperties");
	info = &dev->info;
	memset(prop, 0, sizeof(*prop));
	snprintf(prop->name, sizeof(prop->name), "Virtual DSA, %u cores, %llu MiB HBM", info->cores,
		 (unsigned long long)(info->hbm_bytes / MIB));
	memcpy(prop->devicePath, dev->path, sizeof(prop->devicePath));
	prop->serialNumber = info->serial;
	prop->totalGlobalMem = mem.hbm_total;
	prop->scratchpadPerCore = info->scratch_bytes;
	prop->coreCount = (int)info->cores;
	prop->copyEngineCount = (int)info->copy_engines;
	prop->computeQueueCount = (int)info->compute_queues;
	prop->copyQueueCount = (int)info->copy_queues;
	prop->clockRate = (int)info->core_clock_khz;
	prop->vectorBits = (int)info->vlen_bits;
	prop->memoryBandwidth = (int)info->hbm_bandwidth_mbps;
	prop->matrixRate = (int)info->matrix_macs;
	prop->hardwareMajor = (int)(info->hw_version >> 16);
	prop->hardwareMinor = (int)(info->hw_version & 0xffff);
	prop->pciDomainID = (int)info->pci_domain;
	prop->pciBusID = info->pci_bus;
	prop->pciDeviceID = info->pci_device;
	prop->pciFunctionID = info->pci_function;
	return dsaSuccess;
}

DSA_API dsaError_t dsaDeviceGetTelemetry(dsaTelemetry *telemetry, int device)
{
	struct drm_dsa_memory_info mem = { 0 };
	struct drm_dsa_telemetry t = { 0 };
	struct drm_dsa_ras_info ras = { 0 };
	struct device *dev;
	dsaError_t error = device_number(device, &dev);
	int ret;

	if (error)
		return error;
	if (!telemetry)
		return fail(dsaErrorInvalidValue, "dsaDeviceGetTelemetry: telemetry is NULL");
	ret = kmd_query(dev->fd, DRM_DSA_QUERY_MEMORY, &mem, sizeof(mem));
	if (!ret)
		ret = kmd_query(dev->fd, DRM_DSA_QUERY_TELEMETRY, &t, sizeof(t));
	if (!ret)
		ret = kmd_query(dev->fd, DRM_DSA_QUERY_RAS, &ras, sizeof(ras));
	if (ret)
		return fail_errno(-ret, "dsaDeviceGetTelemetry");
	*telemetry = (dsaTelemetry){
		.memoryTotal = mem.hbm_total,
		.memoryFree = mem.hbm_free,
		.systemMemoryUsed = mem.system_used,
		.temperature = t.temperature_mc,
		.power = (int)t.power_mw,
		.clockRate = (int)t.clock_khz,
		.eccCorrected = t.ecc_corrected,
		.eccUncorrected = t.ecc_uncorrected,
		.resets = t.resets,
		.computeQueuesUsed = t.queues_compute,
		.copyQueuesUsed = t.queues_copy,
		.busyCompute = t.busy_compute_ns,
		.busyCopy = t.busy_copy_ns,
		.deviceTime = t.device_time_ns,
		.memoryTemperature = t.hbm_temperature_mc,
		.faults = ras.faults,
		.timeouts = ras.timeouts,
		.engineResets = ras.engine_resets,
		.deviceResets = ras.device_resets,
		.lostInterrupts = ras.lost_interrupts,
	};
	return dsaSuccess;
}

/*
 * A queue of the list after @q (NULL: the first) that a stream uses, or that
 * has work left of streams that are gone. *told: it has failed, and the stream
 * that it was given up by got to know.
 */
static struct queue *next_used(struct device *dev, struct queue *q, bool *told)
{
	pthread_mutex_lock(&dev->lock);
	q = q ? q->next : dev->queues;
	while (q && !q->users && queue_quiet(q, atomic_load(&q->recorded)))
		q = q->next;
	*told = q && !q->users && queue_failed(q);
	pthread_mutex_unlock(&dev->lock);
	return q;
}

DSA_API dsaError_t dsaDeviceSynchronize(void)
{
	struct device *dev;
	struct queue *q;
	bool told;
	dsaError_t error = device_current(&dev);

	if (error)
		return error;
	/* All are set going before the first is waited for. */
	for (q = next_used(dev, NULL, &told); q; q = next_used(dev, q, &told))
		queue_push(q);
	for (q = next_used(dev, NULL, &told); q; q = next_used(dev, q, &told)) {
		/* The first error is the one to return, and to remain the last. */
		if (error || told)
			queue_block(q, atomic_load(&q->recorded));
		else
			error = queue_wait(q, atomic_load(&q->recorded));
	}
	return print_settle_all(dev, error);
}

DSA_API dsaError_t dsaRuntimeGetVersion(int *version)
{
	if (!version)
		return fail(dsaErrorInvalidValue, "dsaRuntimeGetVersion: version is NULL");
	*version = DSA_VERSION;
	return dsaSuccess;
}

DSA_API dsaError_t dsaDriverGetVersion(int *version)
{
	dsaError_t error;

	if (!version)
		return fail(dsaErrorInvalidValue, "dsaDriverGetVersion: version is NULL");
	*version = 0;
	error = devices_init();
	if (!error)
		*version = devices[0]->driver_version;
	return error;
}
