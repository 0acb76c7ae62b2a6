/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creation and end of a device. */
#define _GNU_SOURCE /* PTHREAD_MUTEX_ADAPTIVE_NP */
#include <stdlib.h>

#include "core_int.h"

void dsa_core_config_default(struct dsa_core_config *config)
{
	*config = (struct dsa_core_config){
		.hbm_size = 2ull << 30,
		.cores = 16,
		.copy_engines = 4,
		.scratch_size = 2u << 20,
		.vlen = 4096,
		.serial = 1,
	};
	dsa_core_config_preset(config, "989t");
}

static bool power_of_two(uint64_t v, uint64_t min, uint64_t max)
{
	return v >= min && v <= max && !(v & (v - 1));
}

static const char *config_error(const struct dsa_core_config *c)
{
	if (!power_of_two(c->hbm_size, 1ull << 20, 1ull << 40))
		return "HBM size must be a power of two from 1 MiB to 1 TiB";
	if (!c->hbm || (uintptr_t)c->hbm % DSA_PAGE_SIZE)
		return "HBM memory is missing or not aligned to a page";
	if (c->cores < 1 || c->cores > DSA_MAX_CORES)
		return "number of cores must be 1 to 64";
	if (c->copy_engines < 1 || c->copy_engines > DSA_MAX_COPY_ENGINES)
		return "number of copy engines must be 1 to 16";
	if (!power_of_two(c->scratch_size, 64u << 10, 16u << 20))
		return "scratchpad size must be a power of two from 64 KiB to 16 MiB";
	if (!power_of_two(c->vlen, RV_VLEN_MIN, RV_VLEN_MAX))
		return "vlen must be a power of two from 128 to 65536";
	if (c->matrix_macs < 32)
		return "the matrix rate is below 32 a cycle";
	if (!c->core_clock_khz || !c->hbm_mb_per_s || !c->bus_mb_per_s)
		return "modelled clock and bandwidths must not be zero";
	return cost_error(&c->cost);
}

static bool core_alloc(struct dsa_core *core)
{
	for (unsigned int i = 0; i < DSA_NUM_COMPUTE_QUEUES; i++) {
		core->q[i].launch.window = calloc(DSA_WINDOW, sizeof(uint64_t));
		if (!core->q[i].launch.window)
			return false;
	}
	core->unit = calloc(core->cfg.cores, sizeof(*core->unit));
	if (!core->unit)
		return false;
	for (unsigned int i = 0; i < core->cfg.cores; i++)
		if (!unit_init(core, i))
			return false;
	return true;
}

/* Nobody holds it for long: who finds it taken looks again before he sleeps. */
static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

struct dsa_core *dsa_core_new(const struct dsa_core_config *config, const struct dsa_host_ops *ops,
			      void *host, const char **error)
{
	struct dsa_core *core;

	*error = config_error(config);
	if (*error)
		return NULL;
	core = calloc(1, sizeof(*core));
	if (!core) {
		*error = "out of memory";
		return NULL;
	}
	core->cfg = *config;
	core->ops = ops;
	core->host = host;
	core->bus_master = true;
	core->free_units = config->cores;
	lock_init(&core->lock);
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		queue_init(core, i);
	for (unsigned int i = 0; i < DSA_SEM_TIMES; i++)
		core->sem_time[i].key = UINT64_MAX;
	if (!core_alloc(core)) {
		*error = "out of memory for cores and scratchpads";
		dsa_core_free(core);
		return NULL;
	}
	core->util_ns = now_ns(core);
	return core;
}

void dsa_core_free(struct dsa_core *core)
{
	if (!core)
		return;
	for (unsigned int i = 0; core->unit && i < core->cfg.cores; i++)
		unit_fini(core, &core->unit[i]);
	free(core->unit);
	for (unsigned int i = 0; i < DSA_NUM_QUEUES; i++)
		free(core->q[i].launch.window);
	pthread_mutex_destroy(&core->lock);
	free(core);
}

void dsa_core_set_bus_master(struct dsa_core *core, bool enabled)
{
	__atomic_store_n(&core->bus_master, enabled, __ATOMIC_RELAXED);
	core->ops->wake(core->host);
}
