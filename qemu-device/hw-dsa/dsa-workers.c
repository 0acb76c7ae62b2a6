/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that run the device core's engines.
 *
 * A worker runs the core while there is work and sleeps otherwise. No wake-up
 * is lost: a wake bumps pool->seq before it looks for sleepers, and a worker
 * notes seq before it asks the core for work and sleeps only if it has not
 * moved since.
 *
 * Where a queue waits on memory somebody has to look again now and then. One
 * sleeping worker, the poller, does that for all; the others sleep untimed.
 * When the poller finds work it hands the duty on.
 *
 * An idle worker does not spin first: that helps only when doorbells follow
 * each other within the spin (26 us became 1 us for them), and costs a
 * sleeping guest as much as it gains (46 us became 97 us) where host CPUs are
 * as few as the guest's.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#ifdef CONFIG_LINUX
#include <sys/prctl.h>
#endif

#include "dsa-workers.h"
#include "trace.h"

/*
 * With pace=model a completion may be due at a known time. A timer of the main
 * loop wakes a worker then.
 */

/* How long a worker may stay in the core before it looks at pause and stop. */
#define DSA_WORKER_BUDGET_US 500
#define DSA_WORKER_POLL_MS 1

typedef struct DSAWorker {
    DSAWorkers *pool;
    unsigned int index;
    QemuThread thread;
} DSAWorker;

struct DSAWorkers {
    struct dsa_core *core; /* fixed once started */
    QEMUTimer *due;        /* any thread; expires no later than anything held */
    unsigned int count;    /* fixed */
    unsigned int started;  /* BQL */

    uint32_t seq;      /* atomic: wake-ups so far */
    uint32_t sleepers; /* atomic, written under lock */

    QemuMutex lock;    /* a leaf: nothing else is taken under it */
    QemuCond wake;     /* workers: work, pause, stop */
    QemuCond quiet;    /* pausers: inside became 0 */
    unsigned int inside; /* lock: workers that may be in the core */
    unsigned int kicks;  /* lock: sleepers that were told to look */
    bool paused;       /* lock */
    bool stop;         /* lock */
    bool poller;       /* lock: some worker is in a timed sleep */

    DSAWorker worker[];
};

void dsa_workers_wake(DSAWorkers *pool)
{
    qatomic_inc(&pool->seq); /* full barrier; pairs with worker_sleep */
    if (!qatomic_read(&pool->sleepers)) {
        return;
    }
    qemu_mutex_lock(&pool->lock);
    if (pool->kicks < pool->sleepers) {
        pool->kicks++;
        qemu_cond_signal(&pool->wake);
    }
    qemu_mutex_unlock(&pool->lock);
}

/* Enters the core, unless the pool stops. Waits while it is paused. */
static bool worker_enter(DSAWorkers *pool)
{
    bool enter;

    qemu_mutex_lock(&pool->lock);
    while (pool->paused && !pool->stop) {
        qemu_cond_wait(&pool->wake, &pool->lock);
    }
    enter = !pool->stop;
    pool->inside += enter;
    qemu_mutex_unlock(&pool->lock);
    return enter;
}

static void worker_leave(DSAWorkers *pool)
{
    qemu_mutex_lock(&pool->lock);
    if (--pool->inside == 0 && pool->paused) {
        qemu_cond_broadcast(&pool->quiet);
    }
    qemu_mutex_unlock(&pool->lock);
}

/* Sleeps until there may be work that was not there when seq was @seen. */
static void worker_sleep(DSAWorker *w, uint32_t seen, bool poll)
{
    DSAWorkers *pool = w->pool;
    bool timed;

    qemu_mutex_lock(&pool->lock);
    qatomic_set(&pool->sleepers, pool->sleepers + 1);
    smp_mb(); /* sleepers before seq; pairs with dsa_workers_wake */
    timed = poll && !pool->poller;
    pool->poller |= timed;
    if (qatomic_read(&pool->seq) == seen && !pool->stop && !pool->paused) {
        trace_pci_dsa_worker_sleep(w->index, timed);
        if (timed) {
            qemu_cond_timedwait(&pool->wake, &pool->lock, DSA_WORKER_POLL_MS);
        } else {
            while (!pool->kicks && !pool->stop && !pool->paused) {
                qemu_cond_wait(&pool->wake, &pool->lock);
            }
        }
        trace_pci_dsa_worker_wake(w->index);
    }
    if (pool->kicks) {
        pool->kicks--;
    }
    if (timed) {
        pool->poller = false;
    }
    qatomic_set(&pool->sleepers, pool->sleepers - 1);
    pool->kicks = MIN(pool->kicks, pool->sleepers);
    qemu_mutex_unlock(&pool->lock);
}

static void due_now(void *opaque)
{
    dsa_workers_wake(opaque);
}

/* In the core, when it has nothing else to do. */
static void worker_note_due(DSAWorkers *pool)
{
    uint64_t due = dsa_core_due_ns(pool->core);

    if (due != UINT64_MAX) {
        timer_mod_anticipate_ns(pool->due, MIN(due, INT64_MAX));
    }
}

static void *worker_thread(void *opaque)
{
    DSAWorker *w = opaque;
    DSAWorkers *pool = w->pool;
    bool was_poller = false;

    rcu_register_thread();
#ifdef CONFIG_LINUX
    {
        g_autofree char *name = g_strdup_printf("dsa-w%u", w->index);

        prctl(PR_SET_NAME, name); /* also without -name debug-threads=on */
    }
#endif
    trace_pci_dsa_worker_start(w->index);
    while (worker_enter(pool)) {
        uint32_t seen = qatomic_read(&pool->seq);
        enum dsa_run_result result;

        smp_mb(); /* seq before the core's state */
        result = dsa_core_run(pool->core, DSA_WORKER_BUDGET_US);
        if (result != DSA_RUN_MORE) {
            worker_note_due(pool);
        }
        worker_leave(pool);
        if (result == DSA_RUN_MORE) {
            if (was_poller) {
                was_poller = false;
                dsa_workers_wake(pool); /* somebody else may have to poll */
            }
            continue;
        }
        was_poller = result == DSA_RUN_POLL;
        worker_sleep(w, seen, was_poller);
    }
    trace_pci_dsa_worker_stop(w->index);
    rcu_unregister_thread();
    return NULL;
}

DSAWorkers *dsa_workers_new(unsigned int count)
{
    DSAWorkers *pool = g_malloc0(sizeof(*pool) + count * sizeof(DSAWorker));

    assert(count >= 1 && count <= DSA_MAX_WORKERS);
    pool->count = count;
    pool->paused = true;
    qemu_mutex_init(&pool->lock);
    qemu_cond_init(&pool->wake);
    qemu_cond_init(&pool->quiet);
    pool->due = timer_new_ns(QEMU_CLOCK_REALTIME, due_now, pool);
    return pool;
}

void dsa_workers_start(DSAWorkers *pool, struct dsa_core *core)
{
    pool->core = core;
    for (; pool->started < pool->count; pool->started++) {
        DSAWorker *w = &pool->worker[pool->started];
        g_autofree char *name = g_strdup_printf("dsa-w%u", pool->started);

        w->pool = pool;
        w->index = pool->started;
        qemu_thread_create(&w->thread, name, worker_thread, w,
                           QEMU_THREAD_JOINABLE);
    }
}

void dsa_workers_pause(DSAWorkers *pool)
{
    trace_pci_dsa_workers_pause();
    qemu_mutex_lock(&pool->lock);
    pool->paused = true;
    qemu_cond_broadcast(&pool->wake);
    while (pool->inside && pool->paused) {
        /* The lock is a leaf: the BQL is never taken under it. */
        qemu_mutex_unlock(&pool->lock);
        bql_unlock();
        qemu_mutex_lock(&pool->lock);
        while (pool->inside && pool->paused) {
            qemu_cond_wait(&pool->quiet, &pool->lock);
        }
        qemu_mutex_unlock(&pool->lock);
        bql_lock();
        qemu_mutex_lock(&pool->lock);
    }
    qemu_mutex_unlock(&pool->lock);
    trace_pci_dsa_workers_paused();
}

void dsa_workers_resume(DSAWorkers *pool)
{
    trace_pci_dsa_workers_resume();
    qemu_mutex_lock(&pool->lock);
    pool->paused = false;
    /* Also those that still sleep as before the pause look for work. */
    qatomic_inc(&pool->seq);
    pool->kicks = pool->sleepers;
    qemu_cond_broadcast(&pool->wake);
    qemu_cond_broadcast(&pool->quiet);
    qemu_mutex_unlock(&pool->lock);
}

void dsa_workers_free(DSAWorkers *pool)
{
    qemu_mutex_lock(&pool->lock);
    pool->stop = true;
    qemu_cond_broadcast(&pool->wake);
    qemu_mutex_unlock(&pool->lock);

    bql_unlock();
    for (unsigned int i = 0; i < pool->started; i++) {
        qemu_thread_join(&pool->worker[i].thread);
    }
    bql_lock();

    qemu_cond_destroy(&pool->quiet);
    timer_free(pool->due);
    qemu_cond_destroy(&pool->wake);
    qemu_mutex_destroy(&pool->lock);
    g_free(pool);
}
