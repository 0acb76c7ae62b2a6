/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device core: a model of the accelerator that knows nothing of QEMU.
 *
 * A host (QEMU, a unit test, a fuzzer, a command-line runner) creates it with
 * a table of operations and steps it. The core owns no threads and no timers.
 *
 * Threads and locks
 *   - The *bus lock* is the host's (QEMU's BQL). Every guest-visible side
 *     effect (DMA, interrupts) happens under it. dsa_core_mmio_*,
 *     dsa_core_doorbell, dsa_core_reset, dsa_core_save and dsa_core_load are
 *     called with it held and return promptly: they never wait for a worker.
 *   - dsa_core_run is called without it, from any number of threads at once;
 *     the core takes it through ops->lock for at most 64 KiB of DMA at a time
 *     and checks the reset epoch after taking it.
 *   - The core's own mutex is inside: bus lock before core mutex, never the
 *     other way round; no operation of the host is called under the mutex
 *     except ops->wake.
 */
#ifndef DSA_CORE_H
#define DSA_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DSA_MAX_CORES 64

struct dsa_core;

enum dsa_log_level { DSA_LOG_GUEST_ERROR, DSA_LOG_INFO, DSA_LOG_TRACE };

struct rv_hart; /* rv/rv.h */

enum dsa_debug_event {
	DSA_DEBUG_RUN,   /* the program is about to go on, at the start too (instret 0) */
	DSA_DEBUG_END,   /* it returned */
	DSA_DEBUG_FAULT, /* hart->fault is about to end the launch */
	DSA_DEBUG_WAIT,  /* a deadlock has ended it: one call for each program of the cluster */
	DSA_DEBUG_STOP,  /* its queue has stopped: it will not go on from hart->arch.pc */
};

enum dsa_wait_kind {
	DSA_WAIT_NOT,
	DSA_WAIT_MBARRIER,
	DSA_WAIT_CLUSTER, /* dsa.cluster.wait */
	DSA_WAIT_RETURNED,
};

/* What a program waits for. */
struct dsa_wait {
	enum dsa_wait_kind kind;
	/* of an mbarrier */
	uint64_t addr;
	uint32_t parity, phase; /* waits for; phases that have completed */
	uint32_t arrivals, pending;
	int64_t bytes; /* missing; below 0: too many came */
	/* of the cluster's barrier: ranks as bits */
	uint32_t arrived, returned;
};

/* A core that stands between two instructions of a program. */
struct dsa_debug {
	enum dsa_debug_event event;
	unsigned int core;
	uint32_t program[3];
	uint32_t rank;               /* in its cluster */
	const struct dsa_wait *wait; /* of WAIT, else NULL */
	struct rv_hart *hart;        /* hart->arch may be read and changed */
};

struct dsa_host_ops {
	/* Take and release the bus lock. Called by dsa_core_run's callees. */
	void (*lock)(void *host);
	void (*unlock)(void *host);
	/*
	 * DMA in the device's bus address space, bus lock held, len <= 64 KiB.
	 * 0, or a negative errno when any byte failed (bus mastering off,
	 * IOMMU fault, no memory there).
	 */
	int (*dma_read)(void *host, uint64_t addr, void *buf, size_t len);
	int (*dma_write)(void *host, uint64_t addr, const void *buf, size_t len);
	/* Raise an MSI-X vector (< DSA_NUM_VECTORS), bus lock held. */
	void (*raise)(void *host, unsigned int vector);
	/*
	 * There may be work: some thread should call dsa_core_run. Any thread,
	 * any locks; must not block or call back into the core.
	 */
	void (*wake)(void *host);
	/* HBM bytes [offset, offset + len) were or may be written. Any thread. */
	void (*hbm_dirty)(void *host, uint64_t offset, uint64_t len);
	/*
	 * May be NULL. Zeroes HBM [offset, offset + len) in a cheaper way than
	 * writing it (and reports it dirty): 0, or a negative errno when the
	 * core has to write zeros itself. Any thread, no locks needed.
	 */
	int (*hbm_clear)(void *host, uint64_t offset, uint64_t len);
	/* Wall clock, ns, monotonic. Any thread. */
	uint64_t (*now_ns)(void *host);
	/* A line without newline; the core bounds how many guest errors it logs. */
	void (*log)(void *host, enum dsa_log_level level, const char *line);
	/*
	 * May be NULL: no debugger, and nothing is spent on one. Called by the
	 * thread that runs the core, no locks held; may block, and may use
	 * dsa_core_debug_read() and _write(). Returns after
	 *   RUN    how many instructions may run before the next call; fewer
	 *          may, but one does;
	 *   FAULT  not 0 to forget the fault and go on at hart->arch.pc;
	 *   END, WAIT, STOP  anything.
	 * STOP comes with the core's own lock held: it must not call the core.
	 */
	uint64_t (*debug)(void *host, struct dsa_debug *at);
};

/*
 * What things cost in modelled time, beside rates and bandwidths; clock.h says
 * how they go together. Each field has an entry in dsa_cost_fields.
 */
struct dsa_cost {
	uint32_t ring_ns, command_ns, copy_ns, copy_row_ns, launch_ns;
	uint32_t program_cycles;
	uint32_t vector_bits;                /* power of two */
	uint32_t hbm_latency, tensor_cycles; /* cycles */
	uint32_t matrix_latency, matrix_cycles;
	uint32_t peer_bytes, peer_latency;
	uint32_t convert_cycles, convert_bytes;
};

#define DSA_COST_FIELDS 15

/* A field's name as a property or option, its range, and what it is. */
struct dsa_cost_field {
	const char *name;
	size_t offset;
	uint32_t min, max;
	const char *text;
};

extern const struct dsa_cost_field dsa_cost_fields[DSA_COST_FIELDS];
uint32_t *dsa_cost_at(struct dsa_cost *cost, unsigned int field);

struct dsa_core_config {
	uint64_t hbm_size;         /* bytes, power of two, 1 MiB .. 1 TiB */
	uint8_t *hbm;              /* host memory of that size; outlives the core */
	unsigned int cores;        /* 1 .. 64 */
	unsigned int copy_engines; /* 1 .. 16 */
	uint32_t scratch_size;     /* bytes per core, power of two, 64 KiB .. 16 MiB */
	uint32_t vlen;             /* bits of a vector register, power of two, 128 .. 65536 */
	uint32_t core_clock_khz;   /* modelled */
	uint32_t matrix_macs;      /* modelled, of BF16, a core and cycle; at least 32 */
	uint32_t hbm_mb_per_s;     /* modelled, 10^6 bytes/s */
	uint32_t bus_mb_per_s;     /* modelled, to system memory */
	struct dsa_cost cost;      /* modelled */
	bool pace; /* completions are held back to modelled time: see dsa_core_due_ns() */
	uint64_t serial;
};

/* Fills in the documented defaults (16 cores, 2 MiB scratchpads, ...). */
void dsa_core_config_default(struct dsa_core_config *config);
/* Sets what is modelled to one of DSA_CORE_PRESETS; false: there is none of that name. */
#define DSA_CORE_PRESETS "989t, 312t, edge"
bool dsa_core_config_preset(struct dsa_core_config *config, const char *name);

/*
 * NULL on a bad configuration or lack of memory, with *error a static string.
 * @ops and @host must outlive the core.
 */
struct dsa_core *dsa_core_new(const struct dsa_core_config *config, const struct dsa_host_ops *ops,
			      void *host, const char **error);
/* No thread may be inside dsa_core_run. */
void dsa_core_free(struct dsa_core *core);

/* BAR0. Any offset and size; illegal ones behave as hw/dsa_regs.h says. */
uint64_t dsa_core_mmio_read(struct dsa_core *core, uint64_t offset, unsigned int size);
void dsa_core_mmio_write(struct dsa_core *core, uint64_t offset, uint64_t value, unsigned int size);
/* The doorbell part of BAR4. */
void dsa_core_doorbell(struct dsa_core *core, uint64_t offset, uint64_t value, unsigned int size);

enum dsa_reset_kind {
	DSA_RESET_DEVICE,   /* DSA_CONTROL_RESET: HBM kept */
	DSA_RESET_FUNCTION, /* FLR, bus or system reset: HBM cleared */
};
/*
 * Bumps the reset epoch and returns; workers drop old work when they notice,
 * STATUS.RESETTING clears once all have. Work queued for a cleared HBM runs
 * only after the clearing is done (by a worker).
 */
void dsa_core_reset(struct dsa_core *core, enum dsa_reset_kind kind);

/* Tells the core that DMA may fail or work again (bus master enable, D3). */
void dsa_core_set_bus_master(struct dsa_core *core, bool enabled);

enum dsa_run_result {
	DSA_RUN_IDLE, /* nothing to do until ops->wake or dsa_core_due_ns() */
	DSA_RUN_MORE, /* call again */
	DSA_RUN_POLL, /* a queue waits on memory: call again within about 100 us..1 ms, or on wake */
};
/*
 * Does a bounded piece of work (about @budget_us of host time at most, one DMA
 * chunk or a slice of instructions at least) as one of the device's engines.
 * Callable by many threads at once; each call works for a different engine.
 */
enum dsa_run_result dsa_core_run(struct dsa_core *core, unsigned int budget_us);

/*
 * With config.pace or after a fault: host time (ops->now_ns) at which a completion that is held
 * back is due; somebody has to call dsa_core_run() then. UINT64_MAX: none is.
 * To be asked after any dsa_core_run() that did not return DSA_RUN_MORE.
 */
uint64_t dsa_core_due_ns(struct dsa_core *core);

/*
 * Memory as the program of core @at->core sees it, scratchpad included; from
 * within ops->debug only. Any right to a page is enough for either: this is
 * how a debugger plants breakpoints. 0 or an enum dsa_error_code; an access
 * that fails in the middle has done what came before. Decoded code is
 * forgotten by a write on all cores that are not running.
 */
uint32_t dsa_core_debug_read(struct dsa_core *core, const struct dsa_debug *at, uint64_t va,
			     void *buf, size_t len);
uint32_t dsa_core_debug_write(struct dsa_core *core, const struct dsa_debug *at, uint64_t va,
			      const void *buf, size_t len);

/* True when no queue has work in flight and nothing is pending. */
bool dsa_core_idle(struct dsa_core *core);

/*
 * Save format: versioned, bounds-checked, all guest-observable state except
 * HBM. The core must be paused (no thread inside dsa_core_run); work in
 * flight is saved too. dsa_core_save returns the size needed; it writes
 * only when @size is enough. dsa_core_load returns 0 or a negative errno with
 * *error set; after an error the core is as after a reset.
 */
size_t dsa_core_save(struct dsa_core *core, void *buf, size_t size);
int dsa_core_load(struct dsa_core *core, const void *buf, size_t size, const char **error);

/*
 * Telemetry and fault knobs that the host exposes as properties. Values out
 * of range return -EINVAL and change nothing.
 */
int dsa_core_set_temperature(struct dsa_core *core, int millicelsius);
int dsa_core_get_temperature(struct dsa_core *core);

/*
 * Faults to order, see docs/faults.md: "KIND[,KEY=VALUE...]" arms one,
 * "heal[=KIND]" ends all or those of a kind. Bus lock held. 0, or -EINVAL with
 * what is wrong, and possible, in @error.
 */
int dsa_core_fault(struct dsa_core *core, const char *order, char *error, size_t size);
/*
 * What was ordered and how often it came to pass, a line each, in @buf as far
 * as it fits, with a zero at the end; the length of all of it.
 */
size_t dsa_core_faults(struct dsa_core *core, char *buf, size_t size);
/* All reads give ones, and nothing leaves the device. */
bool dsa_core_link_down(struct dsa_core *core);

#endif /* DSA_CORE_H */
