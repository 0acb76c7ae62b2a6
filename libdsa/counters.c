/* SPDX-License-Identifier: MIT */
/*
 * Counters: the device adds up what a stream's launches did, in pinned memory.
 *
 * Launches of one queue add in order. Before the first one of another queue,
 * those of the queue before must be done: two would lose each other's sums.
 */
#include "internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(
	sizeof(dsaLaunchCounters) == sizeof(struct dsa_launch_counters) &&
		offsetof(dsaLaunchCounters, macs) == offsetof(struct dsa_launch_counters, macs) &&
		offsetof(dsaLaunchCounters, bytes) == offsetof(struct dsa_launch_counters, bytes) &&
		offsetof(dsaLaunchCounters, stalls) == offsetof(struct dsa_launch_counters, stalls),
	"one and the same");

struct counters {
	struct object object;
	struct device *dev;
	struct dsa_launch_counters *sum; /* pinned; the device's from the first launch on */
	atomic_bool in_use;              /* by a stream */
	pthread_mutex_t lock;            /* all below; outside queue->lock */
	struct queue *queue;             /* of the latest counted launch; NULL: there was none */
	uint64_t point;
};

static void destroy_counters(struct object *object)
{
	struct counters *c = (struct counters *)object;

	dsaFreeHost(c->sum);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static dsaError_t counters_get(dsaCounters_t handle, struct counters **counters)
{
	dsaError_t error = devices_init();

	if (error)
		return error;
	*counters = object_get(handle, OBJECT_COUNTERS);
	return *counters ? dsaSuccess : dsaErrorInvalidResourceHandle;
}

DSA_API dsaError_t dsaCountersCreate(dsaCounters_t *counters)
{
	struct counters *c;
	struct device *dev;
	dsaError_t error;

	if (!counters)
		return fail(dsaErrorInvalidValue, "dsaCountersCreate: counters is NULL");
	*counters = NULL;
	error = device_current(&dev);
	if (error)
		return error;
	c = calloc(1, sizeof(*c));
	if (!c)
		return fail_errno(ENOMEM, "dsaCountersCreate");
	c->dev = dev;
	pthread_mutex_init(&c->lock, NULL);
	error = dsaMallocHost((void **)&c->sum, sizeof(*c->sum));
	if (!error)
		error = object_publish(&c->object, OBJECT_COUNTERS, destroy_counters, counters);
	if (error)
		destroy_counters(&c->object);
	return error;
}

DSA_API dsaError_t dsaCountersDestroy(dsaCounters_t counters)
{
	dsaError_t error = devices_init();
	struct counters *c;

	if (error)
		return error;
	c = object_withdraw(counters, OBJECT_COUNTERS);
	if (!c)
		return dsaErrorInvalidResourceHandle;
	object_put(&c->object);
	return dsaSuccess;
}

/* ---- streams ---- */

bool counters_detach(struct stream *s)
{
	struct counters *c;

	pthread_mutex_lock(&s->lock);
	c = s->counters;
	s->counters = NULL;
	pthread_mutex_unlock(&s->lock);
	if (!c)
		return false;
	atomic_store(&c->in_use, false);
	object_put(&c->object);
	return true;
}

/* Takes over the caller's reference unless it fails. */
static dsaError_t attach(struct stream *s, struct counters *c)
{
	bool counts;

	if (s->dev != c->dev)
		return fail(
			dsaErrorInvalidResourceHandle,
			"dsaStreamBeginCounters: counters are of device %d, stream of device %d",
			c->dev->index, s->dev->index);
	if (atomic_exchange(&c->in_use, true))
		return fail(dsaErrorInvalidValue,
			    "dsaStreamBeginCounters: the counters are in use by a stream");
	pthread_mutex_lock(&s->lock);
	counts = s->counters;
	if (!counts)
		s->counters = c;
	pthread_mutex_unlock(&s->lock);
	if (!counts)
		return dsaSuccess;
	atomic_store(&c->in_use, false);
	return fail(dsaErrorInvalidValue, "dsaStreamBeginCounters: the stream has counters");
}

DSA_API dsaError_t dsaStreamBeginCounters(dsaStream_t stream, dsaCounters_t counters)
{
	struct counters *c;
	struct stream *s;
	dsaError_t error = counters_get(counters, &c);

	if (error)
		return error;
	error = stream_get(stream, &s);
	if (!error) {
		error = attach(s, c);
		stream_put(s);
	}
	if (error)
		object_put(&c->object);
	return error;
}

DSA_API dsaError_t dsaStreamEndCounters(dsaStream_t stream)
{
	struct stream *s;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	if (!counters_detach(s))
		error = fail(dsaErrorInvalidValue,
			     "dsaStreamEndCounters: the stream has no counters");
	stream_put(s);
	return error;
}

/* ---- launches ---- */

struct counters *counters_of(struct stream *s)
{
	struct counters *c;

	pthread_mutex_lock(&s->lock);
	c = s->counters;
	if (c)
		atomic_fetch_add(&c->object.refs, 1);
	pthread_mutex_unlock(&s->lock);
	return c;
}

uint64_t counters_begin(struct counters *c, struct queue *q)
{
	pthread_mutex_lock(&c->lock);
	if (c->queue && c->queue != q && !queue_quiet(c->queue, c->point))
		queue_block(c->queue, c->point);
	return (uintptr_t)c->sum;
}

void counters_end(struct counters *c, struct queue *q, uint64_t point)
{
	if (point) {
		c->queue = q;
		c->point = point;
	}
	pthread_mutex_unlock(&c->lock);
	object_put(&c->object);
}

DSA_API dsaError_t dsaCountersGet(dsaCounters_t counters, dsaLaunchCounters *sum)
{
	struct counters *c;
	struct queue *q;
	uint64_t point;
	dsaError_t error = counters_get(counters, &c);

	if (error)
		return error;
	if (!sum) {
		object_put(&c->object);
		return fail(dsaErrorInvalidValue, "dsaCountersGet: sum is NULL");
	}
	pthread_mutex_lock(&c->lock);
	q = c->queue;
	point = c->point;
	pthread_mutex_unlock(&c->lock);
	if (q)
		error = print_settle(q, queue_wait(q, point));
	memcpy(sum, c->sum, sizeof(*sum));
	object_put(&c->object);
	return error;
}
