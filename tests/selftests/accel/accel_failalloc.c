// SPDX-License-Identifier: MIT
/*
 * Allocations that fail: the first one of a call, then the second, until the call makes none that
 * fails. Each time the call either works all the same or returns -ENOMEM and has done nothing; the
 * next one works. Needs a kernel with fault injection (make test-debug).
 */
#include "accel_fixture.h"

#include <fcntl.h>
#include <sys/mman.h>

/* Far more than any call makes. */
#define ALLOCATIONS_MAX 20000
#define TEST_SECONDS    600

#define NO_FAILURES "this kernel cannot make allocations fail; make test-debug has one that can"

#define MAP_VA    0x40000000ull
#define MAP_BYTES (2 * MIB)

/* What the calls work on: each test has its own process. */
static struct {
	int fd, other, dmabuf, nth;
	struct rig rig;
	struct buf hbm, system;
	uint32_t id, syncs[4];
	void *ptr;
} s = { .other = -1 };

/*
 * One call. @prepare makes what it needs; @call is the call alone; @undo takes back what both have
 * made, and tells whether what the call left is right. All return 0 or -errno.
 */
FIXTURE_VARIANT(failalloc)
{
	int (*prepare)(void);
	int (*call)(void);
	int (*undo)(int ret);
	bool cannot_fail;
};

ACCEL_FIXTURE(failalloc)

/* ---- the calls ---- */

static int query(uint32_t type)
{
	static uint8_t data[4096];
	uint32_t size = sizeof(data);

	return accel_query(s.fd, type, data, &size);
}

static int query_device_info(void)
{
	return query(DRM_DSA_QUERY_DEVICE_INFO);
}

static int query_memory(void)
{
	return query(DRM_DSA_QUERY_MEMORY);
}

static int query_telemetry(void)
{
	return query(DRM_DSA_QUERY_TELEMETRY);
}

static int query_ras(void)
{
	return query(DRM_DSA_QUERY_RAS);
}

#define QUERY(which)                                  \
	FIXTURE_VARIANT_ADD(failalloc, query_##which) \
	{                                             \
		.call = query_##which,                \
	}

QUERY(device_info);
QUERY(memory);
QUERY(telemetry);
QUERY(ras);

static int open_device(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s.fd);
	s.other = open(path, O_RDWR | O_CLOEXEC);
	return s.other < 0 ? -errno : 0;
}

static int close_device(int ret)
{
	return ret ? 0 : close(s.other);
}

FIXTURE_VARIANT_ADD(failalloc, open){ .call = open_device, .undo = close_device };

static int prepare_close(void)
{
	struct rig rig;
	int ret = open_device();

	/* With all that a file can have. */
	return ret ?: rig_create(&rig, s.other) ?: munmap(rig.cmd.ptr, rig.cmd.size);
}

static int close_other(void)
{
	return close(s.other) ? -errno : 0;
}

FIXTURE_VARIANT_ADD(failalloc, close){
	.prepare = prepare_close,
	.call = close_other,
	.cannot_fail = true,
};

static int close_bo(int ret)
{
	return ret ? 0 : bo_close(s.fd, s.id);
}

static int create_hbm(void)
{
	return bo_create(s.fd, PAGE, 0, &s.id);
}

/* Not a power of two: of several parts. */
static int create_hbm_odd(void)
{
	return bo_create(s.fd, 7 * MIB / 2 + 3 * PAGE, 0, &s.id);
}

static int create_system(void)
{
	return bo_create(s.fd, PAGE, DRM_DSA_BO_SYSTEM, &s.id);
}

static int create_system_large(void)
{
	return bo_create(s.fd, 256 * KIB, DRM_DSA_BO_SYSTEM, &s.id);
}

FIXTURE_VARIANT_ADD(failalloc, bo_create_hbm){ .call = create_hbm, .undo = close_bo };
FIXTURE_VARIANT_ADD(failalloc, bo_create_hbm_odd){ .call = create_hbm_odd, .undo = close_bo };
FIXTURE_VARIANT_ADD(failalloc, bo_create_system){ .call = create_system, .undo = close_bo };
FIXTURE_VARIANT_ADD(failalloc, bo_create_system_large){
	.call = create_system_large,
	.undo = close_bo,
};

static int close_created(void)
{
	return bo_close(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, bo_close_hbm){
	.prepare = create_hbm_odd,
	.call = close_created,
	.cannot_fail = true,
};
FIXTURE_VARIANT_ADD(failalloc, bo_close_system){
	.prepare = create_system_large,
	.call = close_created,
	.cannot_fail = true,
};

static int mmap_offset(void)
{
	uint64_t offset;

	return bo_mmap_offset(s.fd, s.id, &offset);
}

static int close_bo_always(int ret)
{
	(void)ret;
	return bo_close(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, bo_mmap_offset){
	.prepare = create_hbm,
	.call = mmap_offset,
	.undo = close_bo_always,
};

static int map_bo(void)
{
	s.ptr = bo_mmap(s.fd, s.hbm.handle, s.hbm.size);
	return s.ptr ? 0 : -errno;
}

static int unmap_bo(int ret)
{
	return ret ? 0 : munmap(s.ptr, s.hbm.size);
}

/* A page fault has no way to fail: it is tried again. */
static int touch_bo(void)
{
	return *(volatile uint8_t *)s.ptr;
}

FIXTURE_VARIANT_ADD(failalloc, mmap){ .call = map_bo, .undo = unmap_bo };
FIXTURE_VARIANT_ADD(failalloc, fault){
	.prepare = map_bo,
	.call = touch_bo,
	.undo = unmap_bo,
	.cannot_fail = true,
};

static int create_vm(void)
{
	return vm_create(s.fd, &s.id);
}

static int destroy_vm(int ret)
{
	return ret ? 0 : vm_destroy(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, vm_create){ .call = create_vm, .undo = destroy_vm };

static int prepare_vm_destroy(void)
{
	return create_vm() ?: vm_map(s.fd, s.id, s.hbm.handle, 0, MAP_VA, s.hbm.size, BIND_RW);
}

static int destroy_created_vm(void)
{
	return vm_destroy(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, vm_destroy){
	.prepare = prepare_vm_destroy,
	.call = destroy_created_vm,
	.cannot_fail = true,
};

/* ---- memory of others ---- */

static uint8_t user_memory[4 * PAGE] __attribute__((aligned(PAGE)));

static int create_userptr(void)
{
	struct drm_dsa_bo_userptr args = {
		.address = (uintptr_t)user_memory,
		.size = sizeof(user_memory),
	};
	int ret;

	memset(user_memory, 1, sizeof(user_memory));
	ret = accel_ioctl(s.fd, DRM_IOCTL_DSA_BO_USERPTR, &args);
	s.id = args.handle;
	return ret;
}

FIXTURE_VARIANT_ADD(failalloc, bo_userptr){ .call = create_userptr, .undo = close_bo };

static int prepare_userptr(void)
{
	return create_userptr() ?:
		       vm_map(s.fd, s.rig.vm, s.id, 0, MAP_VA, sizeof(user_memory), BIND_RW);
}

static int submit_alone(void)
{
	return submit(s.fd, s.rig.queue, 0, 0, NULL, 0, NULL);
}

static int drop_userptr(int ret)
{
	(void)ret;
	/* What has been submitted is over. */
	return rig_proof(&s.rig, s.rig.queue)                                ?:
		       vm_unmap(s.fd, s.rig.vm, MAP_VA, sizeof(user_memory)) ?:
									       bo_close(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, submit_userptr){
	.prepare = prepare_userptr,
	.call = submit_alone,
	.undo = drop_userptr,
};

static int export_bo(void)
{
	struct drm_prime_handle args = { .handle = s.id, .flags = DRM_CLOEXEC, .fd = -1 };
	int ret = accel_ioctl(s.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	s.dmabuf = args.fd;
	return ret;
}

static int drop_exported(int ret)
{
	if (!ret)
		close(s.dmabuf);
	return bo_close(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, prime_export){
	.prepare = create_hbm,
	.call = export_bo,
	.undo = drop_exported,
};

static int prepare_import(void)
{
	return create_system() ?: export_bo() ?: open_device();
}

static int import_bo(void)
{
	struct drm_prime_handle args = { .fd = s.dmabuf };

	return accel_ioctl(s.other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);
}

static int drop_imported(int ret)
{
	(void)ret;
	close(s.other);
	return drop_exported(0);
}

FIXTURE_VARIANT_ADD(failalloc, prime_import){
	.prepare = prepare_import,
	.call = import_bo,
	.undo = drop_imported,
};

/* ---- VM_BIND ---- */

static int bind_hbm(void)
{
	return vm_map(s.fd, s.rig.vm, s.hbm.handle, 0, MAP_VA, MAP_BYTES, BIND_RW);
}

static int bind_system(void)
{
	return vm_map(s.fd, s.rig.vm, s.system.handle, 0, MAP_VA, s.system.size, BIND_RW);
}

static int unbind(int ret)
{
	return ret ? 0 : vm_unmap(s.fd, s.rig.vm, MAP_VA, MAP_BYTES);
}

/* Whether what is in the middle of the range is still the HBM object. */
static int middle_is_bound(void)
{
	static uint64_t number;
	struct cmds c = rig_cmds(&s.rig, 0);
	uint64_t value = ++number << 32;
	int ret;

	cmd_fill(&c, MAP_VA + MIB, 8, value, 8);
	ret = rig_run(&s.rig, &c);
	return ret ?: *(volatile uint64_t *)(s.hbm.ptr + MIB) == value ? 0 : -EBADMSG;
}

/* A bind that failed has left the mapping as it was. */
static int unbind_intact(int ret)
{
	int check = ret ? middle_is_bound() : 0;

	return check ?: unbind(0);
}

static int bind_null(void)
{
	const struct drm_dsa_bind_op op = {
		.op = DRM_DSA_BIND_MAP_NULL,
		.flags = DRM_DSA_BIND_READ,
		.va = MAP_VA,
		.range = MAP_BYTES + PAGE,
	};
	struct drm_dsa_vm_bind bind = {
		.vm_id = s.rig.vm,
		.op_count = 1,
		.op_stride = sizeof(op),
		.ops = (uintptr_t)&op,
	};

	return accel_ioctl(s.fd, DRM_IOCTL_DSA_VM_BIND, &bind);
}

static int unbind_null(int ret)
{
	return ret ? 0 : vm_unmap(s.fd, s.rig.vm, MAP_VA, MAP_BYTES + PAGE);
}

static int rebind_middle(void)
{
	return vm_map(s.fd, s.rig.vm, s.system.handle, 0, MAP_VA + MIB, PAGE, BIND_RW);
}

static int unbind_middle(void)
{
	return vm_unmap(s.fd, s.rig.vm, MAP_VA + MIB, PAGE);
}

static int unbind_all(void)
{
	return unbind(0);
}

FIXTURE_VARIANT_ADD(failalloc, vm_bind_hbm){ .call = bind_hbm, .undo = unbind };
FIXTURE_VARIANT_ADD(failalloc, vm_bind_system){ .call = bind_system, .undo = unbind };
FIXTURE_VARIANT_ADD(failalloc, vm_bind_null){ .call = bind_null, .undo = unbind_null };
FIXTURE_VARIANT_ADD(failalloc, vm_bind_over){
	.prepare = bind_hbm,
	.call = rebind_middle,
	.undo = unbind_intact,
};
FIXTURE_VARIANT_ADD(failalloc, vm_unbind_part){
	.prepare = bind_hbm,
	.call = unbind_middle,
	.undo = unbind_intact,
};
FIXTURE_VARIANT_ADD(failalloc, vm_unbind){
	.prepare = bind_hbm,
	.call = unbind_all,
	.undo = unbind_intact,
};

/* ---- queues and jobs ---- */

static int create_compute(void)
{
	return queue_create(s.fd, s.rig.vm, DRM_DSA_QUEUE_COMPUTE, &s.id);
}

static int create_copy(void)
{
	return queue_create(s.fd, s.rig.vm, DRM_DSA_QUEUE_COPY, &s.id);
}

static int destroy_queue(int ret)
{
	return ret ? 0 : queue_destroy(s.fd, s.id);
}

static int destroy_created_queue(void)
{
	return queue_destroy(s.fd, s.id);
}

static int read_queue_state(void)
{
	struct drm_dsa_queue_state state;

	return queue_state(s.fd, s.rig.queue, &state);
}

FIXTURE_VARIANT_ADD(failalloc, queue_create_compute){
	.call = create_compute,
	.undo = destroy_queue,
};
FIXTURE_VARIANT_ADD(failalloc, queue_create_copy){ .call = create_copy, .undo = destroy_queue };
FIXTURE_VARIANT_ADD(failalloc, queue_destroy){
	.prepare = create_compute,
	.call = destroy_created_queue,
	.cannot_fail = true,
};
FIXTURE_VARIANT_ADD(failalloc, queue_state){ .call = read_queue_state };

FIXTURE_VARIANT_ADD(failalloc, submit){ .call = submit_alone };

/* In: one binary, one timeline. Out: the same. */
static int prepare_syncs(void)
{
	int ret = 0;

	for (unsigned int i = 0; i < ARRAY_LEN(s.syncs) && !ret; i++)
		ret = syncobj_create(s.fd, &s.syncs[i]);
	return ret                                      ?:
		       syncobj_signal(s.fd, s.syncs[0]) ?:
		       syncobj_timeline_signal(s.fd, s.syncs[1], 7);
}

static int submit_syncs(void)
{
	const struct drm_dsa_sync syncs[] = {
		sync_in(s.syncs[0], 0),
		sync_in(s.syncs[1], 7),
		sync_out(s.syncs[2], 0),
		sync_out(s.syncs[3], 5),
	};

	return submit(s.fd, s.rig.queue, 0, 0, syncs, ARRAY_LEN(syncs), NULL);
}

/* A submit that failed signals nothing. */
static int check_syncs(int ret)
{
	int check = 0;

	if (!ret)
		check = syncobj_wait(s.fd, s.syncs[2], 0) ?: syncobj_wait(s.fd, s.syncs[3], 5);
	else if (syncobj_is_signalled(s.fd, s.syncs[2], 0) ||
		 syncobj_is_signalled(s.fd, s.syncs[3], 5))
		check = -EBADMSG;
	for (unsigned int i = 0; i < ARRAY_LEN(s.syncs) && !check; i++)
		check = syncobj_destroy(s.fd, s.syncs[i]);
	return check;
}

FIXTURE_VARIANT_ADD(failalloc, submit_syncs){
	.prepare = prepare_syncs,
	.call = submit_syncs,
	.undo = check_syncs,
};

/* As above, with a map and an unmap of half of it. */
static int bind_async(void)
{
	const struct drm_dsa_sync syncs[] = {
		sync_in(s.syncs[0], 0),
		sync_in(s.syncs[1], 7),
		sync_out(s.syncs[2], 0),
		sync_out(s.syncs[3], 5),
	};
	const struct drm_dsa_bind_op ops[] = {
		{
			.op = DRM_DSA_BIND_MAP,
			.flags = BIND_RW,
			.handle = s.hbm.handle,
			.va = MAP_VA,
			.range = MAP_BYTES,
		},
		{ .op = DRM_DSA_BIND_UNMAP, .va = MAP_VA + MIB, .range = MIB },
	};
	struct drm_dsa_vm_bind bind = {
		.vm_id = s.rig.vm,
		.flags = DRM_DSA_BIND_ASYNC,
		.op_count = ARRAY_LEN(ops),
		.op_stride = sizeof(ops[0]),
		.ops = (uintptr_t)ops,
		.sync_count = ARRAY_LEN(syncs),
		.sync_stride = sizeof(syncs[0]),
		.syncs = (uintptr_t)syncs,
	};

	return accel_ioctl(s.fd, DRM_IOCTL_DSA_VM_BIND, &bind);
}

static int check_syncs_and_unbind(int ret)
{
	return check_syncs(ret) ?: unbind(ret);
}

FIXTURE_VARIANT_ADD(failalloc, vm_bind_async){
	.prepare = prepare_syncs,
	.call = bind_async,
	.undo = check_syncs_and_unbind,
};

static int create_user_queue(void)
{
	struct drm_dsa_queue_create create = {
		.vm_id = s.rig.vm,
		.queue_class = DRM_DSA_QUEUE_COPY,
		.flags = DRM_DSA_QUEUE_USER,
		.ring_va = RIG_CMD_VA,
		.ring_log2 = 4,
	};
	int ret = accel_ioctl(s.fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create);

	s.id = create.queue_id;
	return ret;
}

static int wait_user_fence(void)
{
	static const uint64_t word = 1;
	struct drm_dsa_wait_user_fence wait = {
		.queue_id = s.id,
		.addr = (uintptr_t)&word,
		.value = 1,
	};

	return accel_ioctl(s.fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait);
}

static int destroy_queue_always(int ret)
{
	(void)ret;
	return queue_destroy(s.fd, s.id);
}

FIXTURE_VARIANT_ADD(failalloc, queue_create_user){
	.call = create_user_queue,
	.undo = destroy_queue,
};
FIXTURE_VARIANT_ADD(failalloc, wait_user_fence){
	.prepare = create_user_queue,
	.call = wait_user_fence,
	.undo = destroy_queue_always,
};

/* ---- the sweep ---- */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Also allocations that may wait fail, and nothing is printed: 0, or -ENOENT without such a kernel. */
static int failures_prepare(void)
{
	static const char *const settings[][2] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
	};
	int ret = 0;

	s.nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (s.nth < 0)
		return -errno;
	for (unsigned int i = 0; i < ARRAY_LEN(settings) && !ret; i++)
		ret = write_text(settings[i][0], settings[i][1]);
	return ret;
}

/* Does @call while its @n-th allocation fails. @failed tells whether there was one. */
static int with_failure(unsigned int n, int (*call)(void), bool *failed)
{
	char text[16] = "";
	int ret;

	snprintf(text, sizeof(text), "%u", n);
	if (pwrite(s.nth, text, strlen(text), 0) < 0)
		return -errno;
	ret = call();
	memset(text, 0, sizeof(text));
	if (pread(s.nth, text, sizeof(text) - 1, 0) < 0 || pwrite(s.nth, "0", 1, 0) < 0)
		return -errno;
	*failed = atoi(text) == 0;
	return ret;
}

static int once(int (*prepare)(void), int (*call)(void), int (*undo)(int))
{
	int ret = prepare ? prepare() : 0;

	ret = ret ?: call();
	return ret ?: undo ? undo(0) : 0;
}

TEST_F_TIMEOUT(failalloc, sweep, TEST_SECONDS)
{
	unsigned int n, refused = 0;
	struct accel_baseline base, now;
	bool failed = true;

	if (failures_prepare())
		SKIP(return, NO_FAILURES);
	s.fd = self->fd;
	ASSERT_EQ(0, rig_create(&s.rig, s.fd));
	ASSERT_EQ(0, buf_create(s.fd, &s.hbm, MAP_BYTES, 0));
	ASSERT_EQ(0, buf_create(s.fd, &s.system, 64 * KIB, DRM_DSA_BO_SYSTEM));
	s.hbm.ptr[MIB] = 1;
	/* Once before: what is allocated on first use only is there. */
	ASSERT_EQ(0, once(variant->prepare, variant->call, variant->undo));
	ASSERT_EQ(0, accel_baseline_read(s.fd, &base));

	for (n = 1; failed; n++) {
		int ret;

		ASSERT_GE(ALLOCATIONS_MAX, n);
		ASSERT_EQ(0, variant->prepare ? variant->prepare() : 0);
		ret = with_failure(n, variant->call, &failed);
		if (ret) {
			refused++;
			EXPECT_EQ(-ENOMEM, ret) TH_LOG("allocation %u", n);
			EXPECT_TRUE(failed);
			EXPECT_FALSE(variant->cannot_fail) TH_LOG("allocation %u", n);
		}
		ASSERT_EQ(0, variant->undo ? variant->undo(ret) : 0) TH_LOG("allocation %u", n);
		ASSERT_EQ(0, accel_baseline_wait(s.fd, &base, &now)) TH_LOG("allocation %u", n);
		if (ret)
			ASSERT_EQ(0, once(variant->prepare, variant->call, variant->undo));
	}
	EXPECT_EQ(0, rig_proof(&s.rig, s.rig.queue));
	TH_LOG("%u allocations, %u of them needed", n - 2, refused);
}

/* ---- probe ---- */

static char address[16];

static int driver_write(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/dsa_accel/%s", file);
	return write_text(path, address);
}

static int bind_driver(void)
{
	return driver_write("bind");
}

static int device_answers(void)
{
	struct drm_dsa_device_info info;
	int fd = accel_open(), ret;

	if (fd < 0)
		return fd;
	ret = accel_info(fd, &info);
	close(fd);
	return ret;
}

/* Whether the device that has been bound does its work. */
static int device_works(void)
{
	struct rig rig;
	int fd = accel_open(), ret;

	if (fd < 0)
		return fd;
	ret = rig_create(&rig, fd) ?: rig_proof(&rig, rig.queue);
	if (!ret)
		rig_destroy(&rig);
	close(fd);
	return ret;
}

FIXTURE(probe)
{
	char address[16];
};

FIXTURE_SETUP(probe)
{
	struct drm_dsa_device_info info;
	int fd = accel_open();

	if (fd == -ENODEV)
		SKIP(return, "no device of driver dsa_accel below /dev/accel");
	if (failures_prepare())
		SKIP(return, NO_FAILURES);
	ASSERT_EQ(0, accel_info(fd, &info));
	close(fd);
	snprintf(self->address, sizeof(self->address), "%04x:%02x:%02x.%x", info.pci_domain,
		 info.pci_bus, info.pci_device, info.pci_function);
	strcpy(address, self->address);
}

/* Whatever became of the test: the device is there for the next one. */
FIXTURE_TEARDOWN_PARENT(probe)
{
	int fd = accel_open();

	strcpy(address, self->address);
	if (fd < 0 && address[0])
		EXPECT_EQ(0, bind_driver());
	close(fd);
}

TEST_F_TIMEOUT(probe, sweep, 2 * TEST_SECONDS)
{
	unsigned int n, refused = 0;
	bool failed = true;
	int ret;

	ASSERT_EQ(0, driver_write("unbind"));
	for (n = 1; failed; n++) {
		ASSERT_GE(ALLOCATIONS_MAX, n);
		ret = with_failure(n, bind_driver, &failed);
		if (ret) {
			refused++;
			EXPECT_EQ(-ENOMEM, ret) TH_LOG("allocation %u", n);
			EXPECT_TRUE(failed);
			EXPECT_EQ(-ENODEV, accel_open());
			continue;
		}
		/* Without a file in debugfs or sysfs, perhaps. */
		EXPECT_EQ(0, device_answers()) TH_LOG("allocation %u", n);
		if (failed)
			ASSERT_EQ(0, driver_write("unbind"));
	}
	EXPECT_EQ(0, device_works());
	TH_LOG("%u allocations, %u of them needed", n - 2, refused);
}

TEST_HARNESS_MAIN
