/* SPDX-License-Identifier: MIT */
/* Streams: in-order work; a thin handle on a queue. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

static void destroy_stream(struct object *object)
{
	struct stream *s = (struct stream *)object;

	print_deliver(atomic_load(&s->queue));
	queue_release(atomic_load(&s->queue));
	counters_detach(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static dsaError_t create(struct device *dev, struct stream **out)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct queue *q;
	dsaError_t error;

	if (!s)
		return fail_errno(ENOMEM, "creating a stream");
	error = queue_acquire(dev, &q);
	if (error) {
		free(s);
		return error;
	}
	s->dev = dev;
	atomic_init(&s->queue, q);
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return dsaSuccess;
}

static dsaError_t default_stream(struct stream **out)
{
	struct thread_state *t = thread_state();
	struct device *dev;
	dsaError_t error = device_current(&dev);
	struct stream *s;

	if (error)
		return error;
	s = t->default_stream[dev->index];
	if (!s) {
		error = create(dev, &s);
		if (error)
			return error;
		/* No handle: only this thread can name it. */
		s->object.kind = OBJECT_STREAM;
		s->object.destroy = destroy_stream;
		atomic_init(&s->object.refs, 1);
		t->default_stream[dev->index] = s;
	}
	atomic_fetch_add(&s->object.refs, 1);
	*out = s;
	return dsaSuccess;
}

void stream_put(struct stream *stream)
{
	struct queue *q = atomic_load(&stream->queue);

	/* What kernels printed comes with the fault, whatever call meets that. */
	if (queue_failed(q))
		print_deliver(q);
	object_put(&stream->object);
}

void stream_drop_default(struct stream *stream)
{
	stream_put(stream);
}

dsaError_t stream_get(dsaStream_t handle, struct stream **stream)
{
	dsaError_t error;

	if (!handle)
		return default_stream(stream);
	error = devices_init();
	if (error)
		return error;
	*stream = object_get(handle, OBJECT_STREAM);
	return *stream ? dsaSuccess : dsaErrorInvalidResourceHandle;
}

DSA_API dsaError_t dsaStreamCreate(dsaStream_t *stream)
{
	struct device *dev;
	struct stream *s;
	dsaError_t error;

	if (!stream)
		return fail(dsaErrorInvalidValue, "dsaStreamCreate: stream is NULL");
	*stream = NULL;
	error = device_current(&dev);
	if (!error)
		error = create(dev, &s);
	if (error)
		return error;
	error = object_publish(&s->object, OBJECT_STREAM, destroy_stream, stream);
	if (error)
		destroy_stream(&s->object);
	return error;
}

DSA_API dsaError_t dsaStreamDestroy(dsaStream_t stream)
{
	dsaError_t error = devices_init();
	struct stream *s;

	if (error)
		return error;
	if (!stream)
		return fail(dsaErrorInvalidResourceHandle,
			    "dsaStreamDestroy: the default stream cannot be destroyed");
	s = object_withdraw(stream, OBJECT_STREAM);
	if (!s)
		return dsaErrorInvalidResourceHandle;
	stream_put(s);
	return dsaSuccess;
}

DSA_API dsaError_t dsaStreamSynchronize(dsaStream_t stream)
{
	struct stream *s;
	struct queue *q;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	q = atomic_load(&s->queue);
	error = print_settle(q, queue_wait(q, atomic_load(&q->recorded)));
	stream_put(s);
	return error;
}

DSA_API dsaError_t dsaStreamQuery(dsaStream_t stream)
{
	struct stream *s;
	struct queue *q;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	q = atomic_load(&s->queue);
	error = queue_query(q, atomic_load(&q->recorded));
	if (error != dsaErrorNotReady)
		error = print_settle(q, error);
	stream_put(s);
	return error;
}

DSA_API dsaError_t dsaStreamRecover(dsaStream_t stream)
{
	struct queue *dead, *fresh;
	struct stream *s;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	dead = atomic_load(&s->queue);
	/* A fault that nobody has noticed yet counts too. */
	queue_look(dead, atomic_load(&dead->recorded));
	if (!queue_failed(dead)) {
		stream_put(s);
		return dsaSuccess;
	}
	print_deliver(dead);
	error = queue_acquire(s->dev, &fresh);
	if (!error) {
		if (atomic_compare_exchange_strong(&s->queue, &dead, fresh))
			queue_release(dead);
		else
			queue_release(fresh);
	}
	stream_put(s);
	return error;
}
