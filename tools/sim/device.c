/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board: bus memory, HBM, interrupts, and the threads that run the device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "sim.h"

#define POLL_NS       250000
#define BUDGET_US     500
#define BUDGET_ONE_US 3600000000u /* one program at a time, to its end */

static void op_lock(void *host)
{
	pthread_mutex_lock(&((struct sim *)host)->bus);
}

static void op_unlock(void *host)
{
	pthread_mutex_unlock(&((struct sim *)host)->bus);
}

static bool on_bus(uint64_t addr, size_t len)
{
	return addr >= BUS_BASE && addr - BUS_BASE <= BUS_BYTES &&
	       len <= BUS_BYTES - (addr - BUS_BASE);
}

static int op_dma_read(void *host, uint64_t addr, void *buf, size_t len)
{
	struct sim *s = host;

	if (!on_bus(addr, len))
		return -EFAULT;
	memcpy(buf, s->ram + (addr - BUS_BASE), len);
	return 0;
}

static int op_dma_write(void *host, uint64_t addr, const void *buf, size_t len)
{
	struct sim *s = host;

	if (!on_bus(addr, len))
		return -EFAULT;
	memcpy(s->ram + (addr - BUS_BASE), buf, len);
	if (s->bare)
		bare_bus_write(s, addr - BUS_BASE, len);
	return 0;
}

static void op_raise(void *host, unsigned int vector)
{
	struct sim *s = host;

	(void)vector;
	pthread_mutex_lock(&s->lock);
	s->interrupt = true;
	pthread_cond_signal(&s->event);
	pthread_mutex_unlock(&s->lock);
}

static void op_wake(void *host)
{
	struct sim *s = host;

	pthread_mutex_lock(&s->lock);
	s->wakes++;
	s->stall = 0;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static void op_hbm_dirty(void *host, uint64_t offset, uint64_t len)
{
	(void)host;
	(void)offset;
	(void)len;
}

static uint64_t op_now(void *host)
{
	(void)host;
	return clock_ns();
}

static void op_log(void *host, enum dsa_log_level level, const char *line)
{
	struct sim *s = host;

	(void)level;
	if (s->o->verbose)
		say("device: %s", line);
}

static const struct dsa_host_ops ops = {
	.lock = op_lock,
	.unlock = op_unlock,
	.dma_read = op_dma_read,
	.dma_write = op_dma_write,
	.raise = op_raise,
	.wake = op_wake,
	.hbm_dirty = op_hbm_dirty,
	.now_ns = op_now,
	.log = op_log,
	.debug = hook_event,
};

static uint8_t *zero_memory(uint64_t bytes, const char *what)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char text[32];

	if (p == MAP_FAILED)
		run_error("no host memory for %s of %s: %s", what, size_text(bytes, text),
			  strerror(errno));
	madvise(p, bytes, MADV_HUGEPAGE); /* as QEMU does; without, it is only slower */
	return p;
}

void device_new(struct sim *s)
{
	const char *error;

	pthread_mutex_init(&s->bus, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->event, NULL);
	s->ram = zero_memory(BUS_BYTES, "system memory");
	s->hbm = zero_memory(s->o->cfg.hbm_size, "HBM");
	s->o->cfg.hbm = s->hbm;
	s->core = dsa_core_new(&s->o->cfg, &ops, s, &error);
	if (!s->core)
		run_error("the device cannot be made: %s", error);
}

void device_free(struct sim *s)
{
	dsa_core_free(s->core);
	munmap(s->ram, BUS_BYTES);
	munmap(s->hbm, s->o->cfg.hbm_size);
	pthread_mutex_destroy(&s->bus);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->event);
}

/* ---- threads ---- */

/* For a wake, or at most @ns. */
static void wait_for_work(struct sim *s, uint64_t ns)
{
	struct timespec ts;

	if (ns == UINT64_MAX) {
		pthread_cond_wait(&s->work, &s->lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	ns += (uint64_t)ts.tv_nsec;
	ts.tv_sec += (time_t)(ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	pthread_cond_timedwait(&s->work, &s->lock, &ts);
}

/* How long there is nothing to do unless something wakes us, ns. */
static uint64_t idle_ns(struct sim *s, enum dsa_run_result r)
{
	uint64_t due = dsa_core_due_ns(s->core);
	uint64_t now = clock_ns(), idle = r == DSA_RUN_POLL ? POLL_NS : UINT64_MAX;

	if (due == UINT64_MAX)
		return idle;
	due = due > now ? due - now : 0;
	return due < idle ? due : idle;
}

/* Nobody runs, and waiting semaphores were looked at again: s->lock held. */
static void count_stall(struct sim *s, enum dsa_run_result r)
{
	if (r == DSA_RUN_MORE) {
		s->stall = 0;
	} else if (r == DSA_RUN_POLL && !s->running && ++s->stall == STALL_LIMIT) {
		pthread_cond_signal(&s->event);
	}
}

static void *executor(void *arg)
{
	struct sim *s = arg;
	uint64_t seen = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->quit) {
		enum dsa_run_result r;
		uint64_t idle = 0;

		seen = s->wakes;
		s->running++;
		pthread_mutex_unlock(&s->lock);
		r = dsa_core_run(s->core, s->budget_us);
		if (r != DSA_RUN_MORE)
			idle = idle_ns(s, r);
		pthread_mutex_lock(&s->lock);
		s->running--;
		count_stall(s, r);
		if (r != DSA_RUN_MORE && s->wakes == seen && !s->quit)
			wait_for_work(s, idle);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

void device_start(struct sim *s)
{
	bool one = s->gdb || s->trace;

	s->budget_us = one ? BUDGET_ONE_US : BUDGET_US;
	s->threads = one ? 1 : s->o->threads;
	for (unsigned int i = 0; i < s->threads; i++) {
		int err = pthread_create(&s->thread[i], NULL, executor, s);

		if (err)
			run_error("cannot start thread %u of %u: %s", i + 1, s->threads,
				  strerror(err));
	}
}

void device_stop(struct sim *s)
{
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (unsigned int i = 0; i < s->threads; i++)
		pthread_join(s->thread[i], NULL);
	s->threads = 0;
}

/* ---- registers ---- */

static uint64_t mmio_read(struct sim *s, uint64_t reg, unsigned int size)
{
	uint64_t v;

	op_lock(s);
	v = dsa_core_mmio_read(s->core, reg, size);
	op_unlock(s);
	return v;
}

static void mmio_write(struct sim *s, uint64_t reg, uint64_t v, unsigned int size)
{
	op_lock(s);
	dsa_core_mmio_write(s->core, reg, v, size);
	op_unlock(s);
}

uint32_t reg_read(struct sim *s, uint64_t reg)
{
	return (uint32_t)mmio_read(s, reg, 4);
}

uint64_t reg_read64(struct sim *s, uint64_t reg)
{
	return mmio_read(s, reg, 8);
}

void reg_write(struct sim *s, uint64_t reg, uint32_t v)
{
	mmio_write(s, reg, v, 4);
}

void reg_write64(struct sim *s, uint64_t reg, uint64_t v)
{
	mmio_write(s, reg, v, 8);
}

void doorbell(struct sim *s, unsigned int queue, uint32_t tail)
{
	op_lock(s);
	dsa_core_doorbell(s->core, DSA_DOORBELL(queue), tail, 4);
	op_unlock(s);
}
