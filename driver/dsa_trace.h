/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a job, and why queues stop. A job is known by its client, its
 * queue and its id: the id is what DRM_IOCTL_DSA_SUBMIT returns, so that user
 * space finds its own jobs again.
 */
#if !defined(DSA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DSA_TRACE_H

#include <linux/tracepoint.h>

#include "dsa_queue.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM dsa_accel

TRACE_EVENT(dsa_job_submit,
	TP_PROTO(struct dsa_queue *queue, u64 job, u64 cmd_va, u64 cmd_size, u32 syncs),
	TP_ARGS(queue, job, cmd_va, cmd_size, syncs),
	TP_STRUCT__entry(
		__string(dev, dev_name(queue->dsa->drm.dev))
		__string(queue, queue->name)
		__field(u64, client)
		__field(u32, id)
		__field(u64, job)
		__field(u64, cmd_va)
		__field(u64, cmd_size)
		__field(u32, syncs)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(queue);
		__entry->client = queue->client_id;
		__entry->id = queue->id;
		__entry->job = job;
		__entry->cmd_va = cmd_va;
		__entry->cmd_size = cmd_size;
		__entry->syncs = syncs;
	),
	TP_printk("dev=%s client=%llu queue_id=%u queue=%s job=%llu cmd_va=%#llx cmd_size=%llu syncs=%u",
		  __get_str(dev), __entry->client, __entry->id, __get_str(queue), __entry->job,
		  __entry->cmd_va, __entry->cmd_size, __entry->syncs)
);

/* Its dependencies are met: it is in the ring. */
TRACE_EVENT(dsa_job_run,
	TP_PROTO(struct dsa_queue *queue, u64 job, u64 seqno, bool dead),
	TP_ARGS(queue, job, seqno, dead),
	TP_STRUCT__entry(
		__string(queue, queue->name)
		__field(u64, client)
		__field(u32, id)
		__field(u64, job)
		__field(u64, seqno)
		__field(bool, dead)
	),
	TP_fast_assign(
		__assign_str(queue);
		__entry->client = queue->client_id;
		__entry->id = queue->id;
		__entry->job = job;
		__entry->seqno = seqno;
		__entry->dead = dead;
	),
	TP_printk("client=%llu queue_id=%u queue=%s job=%llu seqno=%llu%s", __entry->client,
		  __entry->id, __get_str(queue), __entry->job, __entry->seqno,
		  __entry->dead ? " dead" : "")
);

TRACE_EVENT(dsa_job_done,
	TP_PROTO(struct dsa_queue *queue, u64 job, u64 seqno, int error),
	TP_ARGS(queue, job, seqno, error),
	TP_STRUCT__entry(
		__string(queue, queue->name)
		__field(u64, client)
		__field(u32, id)
		__field(u64, job)
		__field(u64, seqno)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(queue);
		__entry->client = queue->client_id;
		__entry->id = queue->id;
		__entry->job = job;
		__entry->seqno = seqno;
		__entry->error = error;
	),
	TP_printk("client=%llu queue_id=%u queue=%s job=%llu seqno=%llu error=%d", __entry->client,
		  __entry->id, __get_str(queue), __entry->job, __entry->seqno, __entry->error)
);

/* flags: DRM_DSA_QUEUE_*; code and following: the device's record. */
TRACE_EVENT(dsa_queue_stop,
	TP_PROTO(struct dsa_queue *queue, u32 flags, const struct dsa_fault *fault),
	TP_ARGS(queue, flags, fault),
	TP_STRUCT__entry(
		__string(queue, queue->name)
		__field(u64, client)
		__field(u32, id)
		__field(u32, flags)
		__field(u32, code)
		__field(u32, engine)
		__field(u64, job)
		__field(u64, launch)
		__field(u64, addr)
		__field(u64, pc)
	),
	TP_fast_assign(
		__assign_str(queue);
		__entry->client = queue->client_id;
		__entry->id = queue->id;
		__entry->flags = flags;
		__entry->code = fault->code;
		__entry->engine = fault->engine;
		__entry->job = fault->job_id;
		__entry->launch = fault->launch_id;
		__entry->addr = fault->addr;
		__entry->pc = fault->pc;
	),
	TP_printk("client=%llu queue_id=%u queue=%s flags=%#x error=%u engine=%u.%u job=%llu launch=%llu addr=%#llx pc=%#llx",
		  __entry->client, __entry->id, __get_str(queue), __entry->flags, __entry->code,
		  __entry->engine >> 16, __entry->engine & 0xffff, __entry->job, __entry->launch,
		  __entry->addr, __entry->pc)
);

#endif /* DSA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE dsa_trace
#include <trace/define_trace.h>
