/* SPDX-License-Identifier: MIT */
/* Events: a time stamp in a stream, and the point after it. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

struct event {
	struct object object;
	struct device *dev;
	pthread_mutex_t lock; /* all below; no other is taken inside */
	struct slot *slot;
	struct queue *queue; /* NULL: never recorded; does not become so again */
	uint64_t point;
};

static void destroy_event(struct object *object)
{
	struct event *e = (struct event *)object;

	if (e->slot)
		slot_retire(e->dev, e->slot, e->queue, e->point);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static dsaError_t event_get(dsaEvent_t handle, struct event **event)
{
	dsaError_t error = devices_init();

	if (error)
		return error;
	*event = object_get(handle, OBJECT_EVENT);
	return *event ? dsaSuccess : dsaErrorInvalidResourceHandle;
}

static void event_put(struct event *event)
{
	object_put(&event->object);
}

/* What was recorded last; NULL if nothing. */
static struct queue *latest(struct event *event, uint64_t *point)
{
	struct queue *q;

	pthread_mutex_lock(&event->lock);
	q = event->queue;
	*point = event->point;
	pthread_mutex_unlock(&event->lock);
	return q;
}

DSA_API dsaError_t dsaEventCreate(dsaEvent_t *event)
{
	struct device *dev;
	struct event *e;
	dsaError_t error;

	if (!event)
		return fail(dsaErrorInvalidValue, "dsaEventCreate: event is NULL");
	*event = NULL;
	error = device_current(&dev);
	if (error)
		return error;
	e = calloc(1, sizeof(*e));
	if (!e)
		return fail_errno(ENOMEM, "dsaEventCreate");
	e->dev = dev;
	pthread_mutex_init(&e->lock, NULL);
	error = object_publish(&e->object, OBJECT_EVENT, destroy_event, event);
	if (error)
		destroy_event(&e->object);
	return error;
}

DSA_API dsaError_t dsaEventDestroy(dsaEvent_t event)
{
	dsaError_t error = devices_init();
	struct event *e;

	if (error)
		return error;
	e = object_withdraw(event, OBJECT_EVENT);
	if (!e)
		return dsaErrorInvalidResourceHandle;
	event_put(e);
	return dsaSuccess;
}

/*
 * Each record has a slot of its own: one in flight never lands on a later one,
 * and one that fails leaves the earlier one as it is. The event is locked only
 * to exchange the two, as recording may block.
 */
static dsaError_t record(struct event *e, struct queue *q)
{
	struct dsa_cmd_timestamp stamp = {
		.hdr = { .opcode = DSA_CMD_TIMESTAMP, .size = sizeof(stamp) },
	};
	struct slot *slot = slot_get(e->dev), *old_slot;
	struct dsa_cmd_timestamp *cmd;
	struct queue *old_queue;
	uint64_t point, old_point;
	dsaError_t error;

	if (!slot)
		return fail_errno(ENOMEM, "dsaEventRecord");
	error = queue_reserve(q, sizeof(*cmd), 0, (void **)&cmd, NULL);
	if (error) {
		slot_retire(e->dev, slot, NULL, 0);
		return error;
	}
	stamp.va = (uintptr_t)&slot->stamp;
	*cmd = stamp;
	error = queue_commit(q, sizeof(*cmd), true, &point);
	if (error) {
		slot_retire(e->dev, slot, q, point);
		return error;
	}
	pthread_mutex_lock(&e->lock);
	old_slot = e->slot;
	old_queue = e->queue;
	old_point = e->point;
	e->slot = slot;
	e->queue = q;
	e->point = point;
	pthread_mutex_unlock(&e->lock);
	if (old_slot)
		slot_retire(e->dev, old_slot, old_queue, old_point);
	return dsaSuccess;
}

DSA_API dsaError_t dsaEventRecord(dsaEvent_t event, dsaStream_t stream)
{
	struct event *e;
	struct stream *s;
	dsaError_t error = event_get(event, &e);

	if (error)
		return error;
	error = stream_get(stream, &s);
	if (!error) {
		if (s->dev != e->dev) {
			error = fail(dsaErrorInvalidResourceHandle,
				     "dsaEventRecord: event is of device %d, stream of device %d",
				     e->dev->index, s->dev->index);
		} else {
			error = record(e, atomic_load(&s->queue));
		}
		stream_put(s);
	}
	event_put(e);
	return error;
}

/* What came before its stream's fault counts as recorded. */
static dsaError_t outcome(struct queue *q, uint64_t point, int ret)
{
	if (queue_passed(q, point))
		return dsaSuccess;
	if (queue_lost(q, point))
		return queue_error(q);
	return ret ? fail_errno(ret, "waiting for an event") : dsaErrorNotReady;
}

static dsaError_t settle(struct queue *q, dsaError_t error)
{
	return error == dsaErrorNotReady ? error : print_settle(q, error);
}

DSA_API dsaError_t dsaEventQuery(dsaEvent_t event)
{
	struct event *e;
	struct queue *q;
	uint64_t point;
	dsaError_t error = event_get(event, &e);

	if (error)
		return error;
	q = latest(e, &point);
	if (q)
		error = settle(q, outcome(q, point, queue_look(q, point)));
	event_put(e);
	return error;
}

DSA_API dsaError_t dsaEventSynchronize(dsaEvent_t event)
{
	struct event *e;
	struct queue *q;
	uint64_t point;
	dsaError_t error = event_get(event, &e);

	if (error)
		return error;
	q = latest(e, &point);
	if (q)
		error = settle(q, outcome(q, point, queue_block(q, point)));
	event_put(e);
	return error;
}

DSA_API dsaError_t dsaStreamWaitEvent(dsaStream_t stream, dsaEvent_t event, unsigned int flags)
{
	struct stream *s;
	struct event *e;
	struct queue *q;
	uint64_t point;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	error = event_get(event, &e);
	if (error) {
		stream_put(s);
		return error;
	}
	q = latest(e, &point);
	if (flags)
		error = fail(dsaErrorInvalidValue, "dsaStreamWaitEvent: flags 0x%x is not 0",
			     flags);
	else if (s->dev != e->dev)
		error = fail(dsaErrorInvalidResourceHandle,
			     "dsaStreamWaitEvent: event is of device %d, stream of device %d",
			     e->dev->index, s->dev->index);
	else if (queue_failed(atomic_load(&s->queue)))
		error = queue_error(atomic_load(&s->queue));
	else if (q)
		error = queue_add_dep(atomic_load(&s->queue), q, point);
	event_put(e);
	stream_put(s);
	return error;
}

static dsaError_t check_recorded(dsaEvent_t event)
{
	struct event *e;
	uint64_t point;
	dsaError_t error = event_get(event, &e);

	if (error)
		return error;
	if (!latest(e, &point))
		error = fail(dsaErrorInvalidResourceHandle,
			     "dsaEventElapsedTime: event %p was never recorded", (void *)event);
	event_put(e);
	return error;
}

/*
 * The stamp of a completed record: modelled, wall. The event was recorded; a
 * record meanwhile is the one that counts.
 */
static dsaError_t read_stamp(dsaEvent_t event, uint64_t ns[2])
{
	struct event *e;
	struct queue *q;
	uint64_t point;
	bool same;
	dsaError_t error = event_get(event, &e);

	if (error)
		return error;
	do {
		q = latest(e, &point);
		error = outcome(q, point, queue_look(q, point));
		pthread_mutex_lock(&e->lock);
		same = e->queue == q && e->point == point;
		if (!error && same) {
			ns[0] = e->slot->stamp.device_ns;
			ns[1] = e->slot->stamp.wall_ns;
		}
		pthread_mutex_unlock(&e->lock);
	} while (!error && !same);
	event_put(e);
	return error;
}

static dsaError_t elapsed(float *ms, dsaEvent_t start, dsaEvent_t end, bool wall)
{
	uint64_t a[2], b[2];
	dsaError_t error;

	if (!ms)
		return fail(dsaErrorInvalidValue, "dsaEventElapsedTime: ms is NULL");
	error = check_recorded(start);
	if (!error)
		error = check_recorded(end);
	if (!error)
		error = read_stamp(start, a);
	if (!error)
		error = read_stamp(end, b);
	if (!error)
		*ms = (float)((double)(int64_t)(b[wall] - a[wall]) / 1e6);
	return error;
}

DSA_API dsaError_t dsaEventElapsedTime(float *ms, dsaEvent_t start, dsaEvent_t end)
{
	return elapsed(ms, start, end, false);
}

DSA_API dsaError_t dsaEventElapsedWallTime(float *ms, dsaEvent_t start, dsaEvent_t end)
{
	return elapsed(ms, start, end, true);
}
