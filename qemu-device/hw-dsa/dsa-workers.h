/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that run the device core's engines.
 *
 * A pool is created paused. Resume, pause and destroy are called with the BQL
 * held; pause and destroy release it while they wait, for a worker may need it
 * to finish its slice.
 */
#ifndef HW_DSA_WORKERS_H
#define HW_DSA_WORKERS_H

#include "core/dsa_core.h"

#define DSA_MAX_WORKERS 64

typedef struct DSAWorkers DSAWorkers;

DSAWorkers *dsa_workers_new(unsigned int count);
/* Starts the threads on @core. Once. */
void dsa_workers_start(DSAWorkers *pool, struct dsa_core *core);
/* There may be work. Any thread, any locks, never blocks for long. */
void dsa_workers_wake(DSAWorkers *pool);
/* On return no worker is inside the core, and none enters it until resume. */
void dsa_workers_pause(DSAWorkers *pool);
void dsa_workers_resume(DSAWorkers *pool);
/* Ends and joins the threads. The core may be freed afterwards. */
void dsa_workers_free(DSAWorkers *pool);

#endif
