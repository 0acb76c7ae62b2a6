/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the device core: its state, who owns which part, and what the files
 * offer each other.
 *
 * Locks, outermost first: bus lock (the host's), core->lock (the mutex).
 * "mutex" beside a field means core->lock; "claim" means the thread that has
 * claimed the queue or unit, and anyone under the mutex while it is unclaimed.
 */
#ifndef DSA_CORE_INT_H
#define DSA_CORE_INT_H

#include <pthread.h>
#include <string.h>

#include "counters.h"
#include "dsa_core.h"
#include "fault.h"
#include "hw/dsa_mmu.h"
#include "hw/dsa_regs.h"
#include "hw/dsa_ring.h"
#include "mat/mat.h"
#include "rv/rv.h"
#include "uapi/dsa_cmd.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the core assumes a little-endian host");

#define DSA_DMA_CHUNK        (64u << 10)  /* bytes of DMA under one hold of the bus lock */
#define DSA_HBM_CHUNK        (256u << 10) /* bytes of HBM work between looks at the stop flag */
#define DSA_MAX_COPY_ENGINES 16
#define DSA_TLB_ENTRIES      64
#define DSA_INV_LOG          64
#define DSA_CMD_BUF          1024
#define DSA_RING_BATCH       16
#define DSA_WINDOW           8192 /* programs that may complete out of order */
#define DSA_MAX_BATCH        256  /* programs handed to a core at once */
#define DSA_SEM_TIMES        256
#define DSA_UNIT_SLICE       (256u << 10) /* instructions between looks at the clock, at most */
#define DSA_UNIT_SLICE_MIN   256
#define DSA_UNIT_SLICE_NS    20000000  /* host time that a slice should not exceed */
#define DSA_CLUSTER_TURN     1024      /* instructions that a program of a cluster runs at a time */
#define DSA_RESERVE_NS       100000000 /* host time, see launch.c */
#define DSA_POLL_NS          200000
#define DSA_LOG_BURST        64
#define DSA_CLEAR_CHUNK      (16u << 20)

/* Addresses that are, or would be, of scratchpads in a cluster. */
#define DSA_CLUSTER_SPAN (DSA_MAX_CLUSTER * DSA_CLUSTER_STRIDE)

/* Not on any register: the access was dropped because its queue stops. */
#define DSA_ERR_ABORTED 0x100u

/* ---- address translation ---- */
struct dsa_xlat {
	uint64_t va; /* start of the leaf; 1: entry not in use */
	uint64_t size;
	uint64_t target; /* HBM offset or bus address of @va, or for mem_sys_read() and _write() */
	uint32_t perm;   /* DSA_PTE_R | W | X */
	bool sys;
};

/* The table of 4 KiB pages that was walked last: what a stream of accesses needs next. */
struct dsa_pt_cache {
	uint64_t va; /* start of what it maps; 1: not in use */
	uint64_t table;
	bool sys;
};

/* An engine as the MMU sees it: a queue's front end and copies, or a core. */
struct dsa_mem {
	struct dsa_core *core;
	struct dsa_queue *q;  /* on whose behalf; claim */
	struct rv_hart *hart; /* has a TLB too; NULL but for cores */
	bool bus_held;        /* claim */
	uint64_t dirty_start; /* HBM written, not yet reported; claim */
	uint64_t dirty_end;
	bool active;                          /* mutex: may use translations */
	uint32_t seen;                        /* mutex: invalidations heeded */
	uint32_t asid;                        /* mutex: whose translations are cached */
	uint64_t gen;                         /* mutex: and which incarnation of it */
	struct dsa_pt_cache pt;               /* claim */
	struct dsa_xlat tlb[DSA_TLB_ENTRIES]; /* claim */
};

struct dsa_inv {
	uint64_t start, size;
	uint32_t scope, asid;
};

/* ---- queues ---- */
enum dsa_phase {
	DSA_PH_IDLE,   /* next: fetch a ring packet, if there is one */
	DSA_PH_CMD,    /* next: fetch a command */
	DSA_PH_COPY,   /* needs a copy engine */
	DSA_PH_LAUNCH, /* programs run, or ran */
	DSA_PH_WAIT,   /* SEM_WAIT */
	DSA_PH_FENCE,  /* next: complete the ring packet */
	DSA_PH_HUNG,   /* a fault: does not go on; DSA_ERR_HANG once it is not held any more */
	DSA_PH_COUNT
};

struct dsa_error {
	uint32_t code, access, engine, opcode;
	uint64_t addr, pc, cmd_va, job_id, launch_id;
	uint32_t program[3];
	uint32_t insn;
};

union dsa_cmd {
	struct dsa_cmd_header hdr;
	struct dsa_cmd_copy copy;
	struct dsa_cmd_copy_2d copy_2d;
	struct dsa_cmd_fill fill;
	struct dsa_cmd_launch launch;
	struct dsa_cmd_sem sem;
	struct dsa_cmd_timestamp timestamp;
	uint8_t bytes[DSA_CMD_MAX_SIZE];
};

/* A copy or fill in progress; claim. */
struct dsa_copy {
	uint64_t dst, src; /* of the current row */
	uint64_t dst_pitch, src_pitch;
	uint64_t width;   /* bytes a row */
	uint64_t rows;    /* left, the current one included */
	uint64_t pos;     /* done in the current row */
	uint64_t pattern; /* of a fill, 8 bytes */
	bool fill;
	uint64_t hbm_bytes, bus_bytes, all_rows; /* for the clock */
};

/* A grid in progress, as clusters: where the LAUNCH has none, each program is one. */
struct dsa_launch {
	struct dsa_cmd_launch cmd;         /* fixed while busy */
	bool busy;                         /* mutex */
	uint32_t size;                     /* fixed while busy: programs of a cluster */
	uint64_t total;                    /* fixed while busy: clusters */
	uint64_t next;                     /* mutex: clusters handed out */
	uint64_t done;                     /* mutex: clusters whose programs all returned */
	uint64_t accounted;                /* mutex: of these, in order, put on the clock */
	uint64_t cycles;                   /* mutex: sum over the programs' cores, accounted ones */
	uint64_t start_ns;                 /* fixed while busy */
	uint32_t clock_khz;                /* fixed while busy: of the cores */
	uint64_t gen;                      /* fixed while busy; unique */
	uint32_t batch;                    /* mutex: clusters to hand out at once */
	uint32_t units;                    /* mutex: cores that work for it */
	uint32_t parked;                   /* mutex: of these, unclaimed clusters */
	uint64_t served_ns;                /* mutex: host time when cores last came or went */
	uint64_t *window;                  /* cycles + 1 of cluster c at c mod DSA_WINDOW; atomic */
	uint64_t core_free[DSA_MAX_CORES]; /* mutex: heap of modelled times, cycles */
	/* Mutex: sums of what cores reported. */
	struct dsa_launch_counters counters;
};

struct dsa_queue {
	unsigned int index;
	/* Configuration: mutex; written in DISABLED only, so claimants read it freely. */
	uint64_t ring_base;
	uint32_t ring_log2, asid, priority, vector, mode;

	uint32_t state;       /* mutex */
	uint32_t stop_target; /* mutex: state after STOPPING */
	bool stop_reset;      /* mutex: reset to power-on values then */
	uint32_t stop;        /* atomic, set under the mutex: drop all work */
	uint32_t head;        /* mutex */
	uint32_t tail;        /* atomic, written under the mutex */
	uint64_t time_ns;     /* atomic, written by claim */
	uint64_t fetch_ns;    /* atomic, written by claim: what its front end was busy */
	uint64_t start_ns;    /* mutex: device time when rung while idle */
	uint64_t pace_host;   /* mutex, written by claim: host time at its anchor; see pace.c */
	uint64_t pace_model;  /* mutex, written by claim: its clock there */
	uint64_t held_until;  /* mutex: host time; 0: not held */
	uint64_t busy_compute, busy_copy; /* mutex: modelled ns engines worked for it */
	struct dsa_error err;             /* mutex */
	bool claimed;                     /* mutex */
	uint32_t refs;                    /* mutex: claims of the queue and of its units */
	uint64_t vtime;                   /* mutex: host ns used, weighted by priority */
	uint64_t wait_gen;                /* mutex: core->sem_gen when it parked */
	bool stuck;           /* mutex: its front end, or the copy engine that it is on, hangs */
	int copy_engine;      /* mutex: that its copy is on; -1: none */
	enum dsa_phase phase; /* claim; changed under the mutex too */
	bool busy;            /* mutex: a packet is being executed */

	/* Execution; claim. */
	struct dsa_mem mem;
	struct dsa_ring_packet ring[DSA_RING_BATCH]; /* read ahead */
	uint32_t ring_first, ring_count;             /* packet number, how many */
	struct dsa_ring_packet pkt;
	uint32_t cmd_off; /* of the next command */
	uint64_t cmd_va;  /* of the current command */
	union dsa_cmd cmd;
	bool in_cmd; /* @cmd is being executed */
	struct dsa_copy copy;
	struct dsa_launch launch;
	uint32_t buf_off, buf_len; /* of the commands read ahead */
	uint8_t buf[DSA_CMD_BUF];
};

/* ---- cores ---- */

/*
 * Cores that run the programs of a cluster together, on one host thread. The
 * first, the leader, stands for all of them: it alone is claimed, parked,
 * picked. A core without company, or free, is a cluster of its own.
 * Mutex, and claim of the leader: unit and size; claim: the rest.
 */
struct dsa_cluster {
	uint32_t size;                          /* programs */
	struct dsa_unit *unit[DSA_MAX_CLUSTER]; /* by rank; indices rise */
	uint32_t turn;                          /* rank that runs */
	uint32_t turn_left;                     /* instructions; 0: another's turn */
	bool stuck;                             /* no program can go on: waits fault */
	uint64_t cycles; /* that the longest program took, of those that returned */
	/* The barrier: ranks as bits, cycles. */
	uint32_t arrived; /* in this phase */
	uint32_t owe;     /* arrived, and are yet to wait */
	uint64_t latest;  /* arrival of this phase */
	uint64_t done;    /* when the phase before completed */
};

/* What the registers tell of a core. */
struct dsa_unit_view {
	bool in_program;
	uint64_t prog, pc;
	enum dsa_wait_kind wait;
	uint64_t wait_addr;
};

struct dsa_unit {
	unsigned int index;
	struct dsa_queue *q;         /* mutex: whose launch; NULL: free */
	bool claimed;                /* mutex; of leaders */
	uint64_t stamp;              /* mutex: order in which it last ran */
	struct dsa_cluster *cluster; /* mutex, and claim: that it is in */
	struct dsa_cluster own;      /* that it leads */
	uint32_t rank;               /* as cluster */
	/* claim */
	bool in_program;
	uint64_t prog;           /* number of the current or next cluster */
	uint64_t batch_end;      /* clusters [prog, batch_end) are its to run; of leaders */
	uint64_t batch_ns;       /* host time when the batch was taken */
	uint64_t deadline;       /* host time at which to leave the program for others */
	uint32_t slice;          /* instructions until the next look at the clock */
	uint64_t code_gen;       /* launch that decoded code belongs to */
	uint64_t done;           /* clusters not yet reported to the launch; of leaders */
	uint64_t clock;          /* the program's, when it last stopped; in clusters of more */
	enum dsa_wait_kind wait; /* what for, when it stopped; tried again when it may be over */
	uint64_t wait_addr;      /* mbarrier */
	unsigned int wait_parity;
	bool stuck;                /* mutex: hangs; its leader stays claimed */
	bool reset;                /* mutex: forgets its scratchpad when it is free */
	uint64_t busy_ns;          /* mutex: modelled */
	uint64_t ran;              /* cycles not yet in busy_ns; of leaders */
	struct dsa_unit_view seen; /* mutex: when it last gave way */
	bool window_used;          /* has translations into the cluster's scratchpads */
	uint64_t stall;            /* cycles that the program has waited */
	uint64_t tensor_free;      /* cycle at which its tensor engine is free */
	uint64_t store_done;       /* and has completed all stores */
	uint64_t matrix_free;      /* cycle at which its matrix unit is free */
	uint64_t matrix_done;      /* and has completed all of them */
	struct mat_unit *matrix;   /* that unit's buffers */
	uint64_t convert_free;     /* cycle at which its conversion unit is free */
	uint8_t *convert_src;      /* as large as the scratchpad: sources that are written over */
	bool spad_valid;           /* scratchpad holds data of this address space: */
	uint32_t spad_asid;
	uint64_t spad_gen;
	struct dsa_mem mem;
	uint8_t *spad;
	/* Of what is not yet reported to the launch. */
	struct dsa_launch_counters counters;
	struct rv_hart hart;
};

struct dsa_sem_time {
	uint64_t key; /* physical address, bit 63: system memory; ~0: none */
	uint64_t time_ns;
};

struct dsa_core {
	struct dsa_core_config cfg;
	const struct dsa_host_ops *ops;
	void *host;
	pthread_mutex_t lock;

	/* Registers; mutex. */
	uint32_t reset_count, bad_access, scratch;
	uint32_t int_status, int_enable;
	uint64_t inv_start, inv_size;
	uint64_t root[DSA_NUM_ASIDS];     /* atomic, written under the mutex */
	uint64_t asid_gen[DSA_NUM_ASIDS]; /* incarnations: writes of the root */
	uint64_t device_time;
	uint64_t busy_compute, busy_copy;
	uint64_t copy_busy_ns[DSA_MAX_COPY_ENGINES];
	uint32_t ecc_corrected, ecc_uncorrected;
	uint64_t ecc_addr;
	uint32_t eng_select;
	bool bus_master; /* atomic */
	uint32_t causes; /* DSA_INT_* to be raised by a worker */

	/* Faults to order; mutex. */
	struct fault fault[FAULT_SLOTS];
	uint32_t faults_armed; /* atomic: bitmap of kinds */
	uint32_t boot_failed;  /* by the last reset: 1 never ready, 2 fatal */
	bool holds;            /* some queue's held_until came from a fault */

	/* Invalidations: entry of number s at s mod DSA_INV_LOG. */
	uint32_t inv_seq; /* atomic, written under the mutex */
	struct dsa_inv inv_log[DSA_INV_LOG];

	/* Clearing of HBM; mutex. */
	bool clear;    /* pending or under way */
	bool clearing; /* by some thread now */
	uint64_t clear_pos;

	/* Scheduler; mutex. */
	uint64_t sem_gen; /* waiting semaphores are worth another look */
	uint64_t last_poll_ns;
	uint64_t pick_ns; /* host time of the latest look for work */
	uint64_t min_vtime;
	uint64_t stamp;
	uint64_t launch_gen;
	uint64_t live;      /* bitmap of queues that are ACTIVE or STOPPING */
	uint32_t copy_busy; /* bitmap of copy engines that some thread, or nobody, runs */
	struct dsa_queue *copy_owner[DSA_MAX_COPY_ENGINES]; /* whose copy is on it */
	unsigned int launches;                              /* busy ones */
	unsigned int cluster_launches; /* of these, with clusters of more than one */
	unsigned int free_units;
	struct dsa_sem_time sem_time[DSA_SEM_TIMES];

	/* Telemetry; mutex. */
	bool temp_fixed;
	int32_t temp;                   /* millidegrees, when fixed */
	uint64_t host_busy_ns;          /* engine time used, host ns */
	uint64_t util_ns, util_busy_ns; /* when last looked at */
	uint32_t util;                  /* 0 .. 65536, smoothed */

	unsigned int guest_errors; /* atomic: logged */

	struct dsa_queue q[DSA_NUM_QUEUES];
	struct dsa_unit *unit; /* cfg.cores of them */
};

/* Vectors to raise once the mutex is released; bus lock held. */
struct dsa_irqs {
	uint64_t bits[(DSA_NUM_VECTORS + 63) / 64];
};

static inline void core_lock(struct dsa_core *core)
{
	pthread_mutex_lock(&core->lock);
}

static inline void core_unlock(struct dsa_core *core)
{
	pthread_mutex_unlock(&core->lock);
}

static inline bool queue_stopping(const struct dsa_queue *q)
{
	return __atomic_load_n(&q->stop, __ATOMIC_SEQ_CST);
}

static inline uint64_t now_ns(const struct dsa_core *core)
{
	return core->ops->now_ns(core->host);
}

static inline uint32_t faults_armed(const struct dsa_core *core)
{
	return __atomic_load_n(&core->faults_armed, __ATOMIC_RELAXED);
}

/* Is one of that bitmap of kinds armed? */
static inline bool faulty(const struct dsa_core *core, uint32_t kinds)
{
	return __builtin_expect(faults_armed(core) & kinds, 0);
}

/* ---- irq.c; mutex held, but for irq_send and irq_raise, which need the bus lock ---- */
void irq_add(struct dsa_irqs *irqs, unsigned int vector);
void irq_device(struct dsa_core *core, struct dsa_irqs *irqs, uint32_t cause);
void irq_enable(struct dsa_core *core, struct dsa_irqs *irqs, uint32_t enable);
void irq_send(struct dsa_core *core, const struct dsa_irqs *irqs);
void irq_raise(struct dsa_core *core, unsigned int vector);

/* ---- log.c ---- */
void log_guest_error(struct dsa_core *core, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(struct dsa_core *core, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *error_name(uint32_t code);

/* ---- cost.c ---- */
/* NULL, or what is wrong. */
const char *cost_error(const struct dsa_cost *cost);

/* ---- mmu.c ---- */
/* Mutex held. Attach before use of a translation, detach when let go. */
void mem_attach(struct dsa_mem *m, struct dsa_queue *q);
void mem_detach(struct dsa_mem *m);
/* At a quiescent point: heeds invalidations. Cheap when there are none. */
void mem_quiesce(struct dsa_mem *m);
void mmu_invalidate(struct dsa_core *core, uint32_t scope, uint32_t asid);
uint32_t mmu_inv_done(struct dsa_core *core);
void mem_init(struct dsa_mem *m, struct dsa_core *core, struct rv_hart *hart);

/* Claim; the mutex not held. Return 0, an error code or DSA_ERR_ABORTED. */
bool bus_enter(struct dsa_mem *m);
void bus_exit(struct dsa_mem *m);
uint32_t mem_translate(struct dsa_mem *m, uint64_t va, uint32_t perm, struct dsa_xlat *out);
/* By the target of a translation that is sys. */
uint32_t mem_sys_read(struct dsa_mem *m, uint64_t target, void *buf, size_t len);
uint32_t mem_sys_write(struct dsa_mem *m, uint64_t target, const void *buf, size_t len);
/* By bus address. */
uint32_t mem_bus_read(struct dsa_mem *m, uint64_t addr, void *buf, size_t len);
uint32_t mem_bus_write(struct dsa_mem *m, uint64_t addr, const void *buf, size_t len);
uint32_t mem_read(struct dsa_mem *m, uint64_t va, void *buf, size_t len, uint64_t *bad);
uint32_t mem_fetch(struct dsa_mem *m, uint64_t va, void *buf, size_t len, uint64_t *bad);
uint32_t mem_write(struct dsa_mem *m, uint64_t va, const void *buf, size_t len, uint64_t *bad);
void mem_dirty(struct dsa_mem *m, uint64_t offset, uint64_t len);
void mem_flush_dirty(struct dsa_mem *m);

/* ---- queue.c ---- */
void queue_init(struct dsa_core *core, unsigned int index);
/* Mutex and bus lock held. */
void queue_command(struct dsa_core *core, struct dsa_queue *q, uint32_t cmd, struct dsa_irqs *irqs);
void queue_doorbell(struct dsa_core *core, struct dsa_queue *q, uint32_t tail,
		    struct dsa_irqs *irqs);
void queue_finish_stops(struct dsa_core *core, struct dsa_irqs *irqs);
/* Mutex held. */
void queue_stop(struct dsa_core *core, struct dsa_queue *q, uint32_t target);
bool queue_fail(struct dsa_core *core, struct dsa_queue *q, const struct dsa_error *err);
void queue_reset_values(struct dsa_queue *q);
bool queue_config_ok(const struct dsa_queue *q);
uint64_t queue_stops_ready(struct dsa_core *core);

/* What was under way, as far as it is known, and @code. */
void queue_describe(const struct dsa_queue *q, struct dsa_error *err, uint32_t code);

/* ---- engine.c; mutex held ---- */
struct dsa_engine_view {
	uint32_t state, queue, wait, program[3];
	uint64_t pc, launch_id, wait_addr, busy_ns;
};
void engine_view(struct dsa_core *core, uint32_t select, struct dsa_engine_view *v);
/* Bus lock held, too. False: there is no such engine. */
bool engine_reset(struct dsa_core *core, uint32_t select, struct dsa_irqs *irqs);
/* Every engine that hangs lets go. */
void engines_unstick(struct dsa_core *core);
/* Remembers what the registers are to show of the leader's cores while they run. */
void unit_note(struct dsa_unit *lead);
/* The claim of the queue, or of the leader's cores, ends. */
void queue_let_go(struct dsa_queue *q);
void unit_let_go(struct dsa_core *core, struct dsa_unit *lead);
bool cluster_stuck(const struct dsa_cluster *c);

/* ---- frontend.c; claim ---- */
void queue_run(struct dsa_core *core, struct dsa_queue *q, uint64_t deadline);
/* Stops the queue with an error of its front end or copy engine. */
void queue_error(struct dsa_core *core, struct dsa_queue *q, uint32_t code, uint32_t access,
		 uint32_t engine, uint64_t addr);
/* 0 or an error code: are the current command's fields in range? */
uint32_t cmd_check(const struct dsa_core *core, const struct dsa_queue *q,
		   const union dsa_cmd *cmd);
size_t cmd_size(uint32_t opcode);
bool ring_packet_ok(const struct dsa_ring_packet *p);

/* ---- pace.c ---- */
void pace_anchor(struct dsa_core *core, struct dsa_queue *q);
bool pace_passed(struct dsa_core *core, struct dsa_queue *q);
uint64_t pace_time(struct dsa_core *core, const struct dsa_queue *q);
void pace_restore(struct dsa_core *core, struct dsa_queue *q, uint64_t ahead);

/* ---- copy.c; claim ---- */
uint32_t copy_check(const union dsa_cmd *cmd);
void copy_start(struct dsa_queue *q);
/* Mutex held: its copy is on no engine any more. */
void copy_leave(struct dsa_core *core, struct dsa_queue *q);
bool copy_state_ok(const struct dsa_copy *c);
/* True when complete; false: deadline, no engine free, or the queue stops. */
bool copy_run(struct dsa_core *core, struct dsa_queue *q, uint64_t deadline);

/* ---- launch.c ---- */
uint32_t launch_check(const struct dsa_core *core, const struct dsa_cmd_launch *cmd);
void launch_start(struct dsa_core *core, struct dsa_queue *q);
/* Command, size and total; claim. */
void launch_describe(struct dsa_launch *l, const struct dsa_cmd_launch *cmd);
/* Mutex held. */
void launch_busy(struct dsa_core *core, struct dsa_launch *l);
void launch_over(struct dsa_core *core, struct dsa_queue *q);
uint64_t launch_busy_ns(const struct dsa_queue *q);
bool launch_finished(const struct dsa_launch *l);
bool launch_has_work(struct dsa_core *core, struct dsa_queue *q);
struct dsa_unit *launch_pick_unit(struct dsa_core *core, struct dsa_queue *q);
bool launch_take(struct dsa_core *core, struct dsa_unit *u);
void launch_report(struct dsa_core *core, struct dsa_unit *u);
void launch_drop(struct dsa_core *core, struct dsa_queue *q);
/* Of a launch that has ended: cycles from the first program's start to the last one's end. */
uint64_t launch_makespan(const struct dsa_core *core, const struct dsa_launch *l);
uint64_t launch_end_ns(const struct dsa_core *core, const struct dsa_launch *l);

/* ---- unit.c ---- */
/* How a slice of a program ended. */
enum unit_exit { UNIT_GOES_ON, UNIT_WAITS, UNIT_RETURNED, UNIT_FAULTED };

bool unit_init(struct dsa_core *core, unsigned int index);
void unit_fini(struct dsa_core *core, struct dsa_unit *u);
void unit_run(struct dsa_core *core, struct dsa_unit *u, uint64_t deadline); /* claim */
void unit_free(struct dsa_core *core, struct dsa_unit *u);                   /* mutex; leaders */
void unit_forget_spad(struct dsa_unit *u);                                   /* claim */
void unit_setup(struct dsa_core *core, struct dsa_unit *u);                  /* claim: after load */
void unit_program_id(struct dsa_unit *u, uint64_t prog, uint64_t id[3]);     /* claim */
/* Claim: the steps of unit_run(). */
void unit_prepare(struct dsa_core *core, struct dsa_unit *u);
bool unit_more(struct dsa_core *core, struct dsa_unit *u);
void unit_start(struct dsa_core *core, struct dsa_unit *u);
enum unit_exit unit_go(struct dsa_core *core, struct dsa_unit *u, uint64_t budget);
uint64_t unit_end(struct dsa_unit *u); /* the program's cycles */
void unit_cluster_done(struct dsa_unit *u, uint64_t cycles);

static inline bool unit_leads(const struct dsa_unit *u)
{
	return u->rank == 0;
}

/* Its barrier as at the start of the programs. */
static inline void cluster_reset(struct dsa_cluster *c)
{
	c->arrived = 0;
	c->owe = 0;
	c->latest = 0;
	c->done = 0;
}

static inline struct dsa_unit *unit_leader(const struct dsa_unit *u)
{
	return u->cluster->unit[0];
}

/* ---- cluster.c ---- */
/* Mutex: @u leads @size free cores, which it finds in @unit. */
void cluster_form(struct dsa_cluster *c, struct dsa_unit *const *unit, uint32_t size);
void cluster_dissolve(struct dsa_cluster *c);
void cluster_run(struct dsa_core *core, struct dsa_unit *u, uint64_t deadline); /* claim */
/* Does what the program waits for still have to happen? */
bool cluster_blocks(struct dsa_unit *u);
/* Is one of its programs under way? */
bool cluster_busy(const struct dsa_cluster *c);
/* Claim. Offset @va in the scratchpad of which core, or NULL: not [va, va + len) in one. */
struct dsa_unit *cluster_find(struct dsa_unit *u, uint64_t va, uint64_t len, uint64_t *off);
/* Claim. The instruction waits until other programs did something; false: nobody can. */
bool cluster_wait(struct dsa_unit *u, struct rv_ext *x, enum dsa_wait_kind what, uint64_t parity);
bool cluster_execute(struct dsa_unit *u, struct rv_ext *x);

/* ---- deadlock.c; claim ---- */
void deadlock_report(struct dsa_core *core, struct dsa_unit *u);

/* ---- xdsa.c; claim ---- */
bool xdsa_execute(struct dsa_unit *u, struct rv_ext *x);
/* [addr, addr + len) in its scratchpad, or NULL, the fault recorded. */
void *xdsa_spad(struct dsa_unit *u, struct rv_ext *x, uint64_t addr, uint64_t len, uint64_t align);
/* The same in that of any program of its cluster. */
void *xdsa_any_spad(struct dsa_unit *u, struct rv_ext *x, uint64_t addr, uint64_t len,
		    uint64_t align);
/* A copy of what describes an operation, from memory or the scratchpad. */
bool xdsa_descriptor(struct dsa_unit *u, struct rv_ext *x, uint64_t va, void *buf, size_t len);
bool xdsa_fault(struct rv_ext *x, uint32_t code, uint32_t access, uint64_t addr);
/* Cycles that a program's share of the HBM takes for @bytes. */
uint64_t xdsa_hbm_cycles(const struct dsa_unit *u, uint64_t bytes);
/* The program's clock, cycles, after @instret instructions. */
uint64_t xdsa_clock(const struct dsa_unit *u, uint64_t instret);
/* The same at an instruction. */
uint64_t xdsa_now(const struct dsa_unit *u, const struct rv_ext *x);
/* Waits for @cause, after @instret instructions, until the clock shows @cycle. */
void xdsa_wait(struct dsa_unit *u, uint64_t instret, uint64_t cycle, enum dsa_stall cause);

/* ---- mbarrier.c; claim ---- */
bool mbarrier_execute(struct dsa_unit *u, struct rv_ext *x);
/* Is the mbarrier at @addr what @u still has to wait for? *b: it. */
bool mbarrier_blocks(struct dsa_unit *u, uint64_t addr, unsigned int parity,
		     struct dsa_mbarrier *b);
/* @bytes arrive for the mbarrier at @addr in @cycle. */
bool mbarrier_deliver(struct dsa_unit *u, struct rv_ext *x, uint64_t addr, uint64_t bytes,
		      uint64_t cycle);

/* One arrival at the mbarrier at @x->rs1 in @cycle. */
bool mbarrier_arrive_in(struct dsa_unit *u, struct rv_ext *x, uint64_t cycle);

/* ---- atomic.c; claim ---- */
bool atomic_execute(struct dsa_unit *u, struct rv_ext *x);

/* ---- tensor.c; claim ---- */
bool tensor_execute(struct dsa_unit *u, struct rv_ext *x);

/* ---- matrix.c; claim ---- */
bool matrix_execute(struct dsa_unit *u, struct rv_ext *x);
/* Tiles, of conversions too: are the fields in range, how a unit sees one, where it is. */
bool tile_ok(const struct dsa_matrix_tile *t);
void tile_of(const struct dsa_matrix_tile *t, struct mat_tile *out);
bool tile_place(struct dsa_unit *u, struct rv_ext *x, const struct dsa_matrix_tile *t,
		struct mat_tile *out, unsigned int rows, unsigned int cols);

/* ---- convert.c; claim ---- */
bool convert_execute(struct dsa_unit *u, struct rv_ext *x);

/* ---- debug.c; claim, ops->debug is there ---- */
uint64_t debug_call(struct dsa_core *core, struct dsa_unit *u, enum dsa_debug_event event);
void debug_wait(struct dsa_core *core, struct dsa_unit *u, const struct dsa_wait *w);

/* ---- sched.c; mutex held ---- */
void sched_wake(struct dsa_core *core);
bool queue_has_work(struct dsa_core *core, struct dsa_queue *q);
void sem_signalled(struct dsa_core *core);

/* ---- reset.c ---- */
void clear_step(struct dsa_core *core, uint64_t deadline);            /* claims core->clearing */
void core_reset_locked(struct dsa_core *core, struct dsa_irqs *irqs); /* mutex */
bool core_resetting(struct dsa_core *core);                           /* mutex */

/* ---- telemetry.c; mutex held ---- */
int32_t telemetry_temperature(struct dsa_core *core);
int32_t telemetry_hbm_temperature(struct dsa_core *core);
uint32_t telemetry_power(struct dsa_core *core);

#endif /* DSA_CORE_INT_H */
