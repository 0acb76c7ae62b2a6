// SPDX-License-Identifier: MIT
/*
 * Benchmarks of the driver's own interface, in the VM, without libdsa: prints
 * one "name value" a line.
 *
 *	bench_driver NAME...
 *
 * NAME is launch. Medians of many turns: the machine below is noisy.
 */
#include "accel_util.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <hw/dsa_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PING_FILES "/sys/kernel/debug/accel/*/irq_ping"
#define RING_VA    0x200000000ull
#define CODE_VA    0x300000000ull
#define RING_LOG2  8
#define SLOTS      (1u << RING_LOG2)
#define FENCE      (64 * KIB)

static void check(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "bench_driver: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static double now_us(void)
{
	return (double)accel_now_ns() * 1e-3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* ---- launches ---- */

#define TURNS  1000
#define QUEUED 1000000u

/* A user-mode queue, and a launch of one empty program. */
struct launcher {
	struct rig rig;
	struct buf buf, code;
	uint32_t queue, tail;
	volatile uint32_t *doorbell;
	struct cmds cmd;
};

static volatile uint64_t *fence_of(struct launcher *l)
{
	return (volatile uint64_t *)(l->buf.ptr + FENCE);
}

static void launcher_create(struct launcher *l, int fd)
{
	struct drm_dsa_queue_create create = {
		.queue_class = DRM_DSA_QUEUE_COMPUTE,
		.priority = DRM_DSA_PRIORITY_NORMAL,
		.flags = DRM_DSA_QUEUE_USER,
		.ring_va = RING_VA,
		.ring_log2 = RING_LOG2,
	};
	void *page;

	check(rig_create(&l->rig, fd), "an address space and a queue");
	check(rig_buf(&l->rig, &l->buf, 128 * KIB, DRM_DSA_BO_SYSTEM, RING_VA), "the ring");
	check(rig_buf(&l->rig, &l->code, PAGE, 0, CODE_VA), "the program");
	*(volatile uint32_t *)l->code.ptr = RV_RET;
	create.vm_id = l->rig.vm;
	check(accel_ioctl(fd, DRM_IOCTL_DSA_QUEUE_CREATE, &create), "the queue");
	page = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, (off_t)create.doorbell_offset);
	check(page == MAP_FAILED ? -errno : 0, "the doorbell");
	l->doorbell = page;
	l->queue = create.queue_id;
	l->tail = 0;
	l->cmd = rig_cmds(&l->rig, 0);
	cmd_launch(&l->cmd, CODE_VA, 0, 1, 0, 1);
}

static void put(struct launcher *l, uint32_t flags)
{
	struct dsa_ring_packet *ring = (struct dsa_ring_packet *)l->buf.ptr;

	ring[l->tail % SLOTS] = (struct dsa_ring_packet){
		.op = DSA_RING_OP_EXEC,
		.flags = DSA_RING_F_FENCE | flags,
		.cmd_va = l->cmd.va,
		.cmd_size = l->cmd.len,
		.fence_addr = RING_VA + FENCE,
		.fence_value = l->tail + 1,
	};
	l->tail++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Doorbell to completion, seen in memory. */
static double user_polled(struct launcher *l)
{
	double start = now_us();

	put(l, 0);
	*l->doorbell = l->tail;
	while (*fence_of(l) != l->tail)
		;
	return now_us() - start;
}

/* Doorbell to completion, asleep meanwhile. */
static double user_slept(struct launcher *l)
{
	struct drm_dsa_wait_user_fence wait = {
		.queue_id = l->queue,
		.addr = (uintptr_t)fence_of(l),
		.value = l->tail + 1,
		.timeout_ns = INT64_MAX,
	};
	double start = now_us();

	put(l, DSA_RING_F_IRQ);
	*l->doorbell = l->tail;
	check(accel_ioctl(l->rig.fd, DRM_IOCTL_DSA_WAIT_USER_FENCE, &wait), "waiting");
	return now_us() - start;
}

/* SUBMIT to completion, asleep meanwhile. */
static double kernel_slept(struct launcher *l, uint32_t syncobj)
{
	struct drm_dsa_sync out = sync_out(syncobj, 0);
	double start = now_us();

	check(submit(l->rig.fd, l->rig.queue, l->cmd.va, l->cmd.len, &out, 1, NULL), "SUBMIT");
	check(syncobj_wait(l->rig.fd, syncobj, 0), "waiting");
	return now_us() - start;
}

/* A million launches by the ring full: what one costs, and that all came. */
static double user_queued(struct launcher *l)
{
	uint32_t first = l->tail;
	double start = now_us();

	while (l->tail - first < QUEUED) {
		/* The device moves its head after the fence: one slot stays free. */
		uint32_t room = SLOTS - 1 - (uint32_t)(l->tail - *fence_of(l));

		if (room < SLOTS / 2)
			continue;
		for (; room && l->tail - first < QUEUED; room--)
			put(l, 0);
		*l->doorbell = l->tail;
	}
	while (*fence_of(l) != l->tail)
		;
	return (now_us() - start) / QUEUED;
}

static int open_ping(void)
{
	glob_t found;
	int fd;

	check(glob(PING_FILES, 0, NULL, &found) ? -ENOENT : 0, PING_FILES);
	fd = open(found.gl_pathv[0], O_RDONLY);
	check(fd < 0 ? -errno : 0, found.gl_pathv[0]);
	globfree(&found);
	return fd;
}

static double ping_us(int fd)
{
	double start = now_us();
	char text[64];

	check(pread(fd, text, sizeof(text), 0) <= 0 ? -EIO : 0, "irq_ping");
	return now_us() - start;
}

static void bench_launch(int fd)
{
	static double ping[TURNS], polled[TURNS], slept[TURNS], kernel[TURNS];
	int ping_fd = open_ping();
	struct launcher l;
	uint32_t syncobj;

	launcher_create(&l, fd);
	check(syncobj_create(fd, &syncobj), "a syncobj");
	for (int i = 0; i < TURNS; i++) {
		ping[i] = ping_us(ping_fd);
		polled[i] = user_polled(&l);
		slept[i] = user_slept(&l);
		kernel[i] = kernel_slept(&l, syncobj);
	}
	printf("ping_us %.2f\nuser_polled_us %.2f\nuser_slept_us %.2f\nkernel_us %.2f\n",
	       median(ping, TURNS), median(polled, TURNS), median(slept, TURNS),
	       median(kernel, TURNS));
	printf("user_queued_us %.3f\n", user_queued(&l));
	close(ping_fd);
}

static const struct {
	const char *name;
	void (*run)(int fd);
} benches[] = {
	{ "launch", bench_launch },
};

static void run(const char *name, int fd)
{
	for (unsigned int i = 0; i < ARRAY_LEN(benches); i++) {
		if (!strcmp(name, benches[i].name)) {
			benches[i].run(fd);
			return;
		}
	}
	fprintf(stderr, "bench_driver: no benchmark '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	int fd = accel_open();

	check(fd < 0 ? fd : 0, "the device");
	for (int i = 1; i < argc; i++)
		run(argv[i], fd);
	return 0;
}
