/* SPDX-License-Identifier: MIT */
/*
 * What kernels print: a buffer per queue, made when a kernel that may print is
 * first launched there, and the way of the text to the program.
 *
 * Text is read from the buffer by whoever comes by, under print.lock, and
 * gathers in the reader. It is handed over under one lock for all queues, so
 * that it comes in order, and a handler is never called twice at a time. What
 * a call by the handler itself would hand over stays for a later call.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINT_MIN_BYTES 4096ull
#define PRINT_MAX_BYTES (1ull << 30)

static pthread_mutex_t delivery = PTHREAD_MUTEX_INITIALIZER; /* the two below */
static dsaError_t (*handler)(const char *text, size_t len, void *opaque);
static void *handler_opaque;
static __thread bool delivering;

static bool queue_idle(struct queue *q)
{
	return queue_passed(q, atomic_load(&q->recorded));
}

/* print.lock, and nothing uses the buffer. */
static void give_buffer(struct queue *q)
{
	void *buffer = reader_detach(&q->print.reader);

	if (buffer)
		pinned_free(q->dev, buffer, q->print.bytes, q->print.bo);
}

/* 0 or an errno. print.lock; there is none. */
static int take_buffer(struct queue *q, uint64_t bytes)
{
	struct print *p = &q->print;
	void *buffer = pinned_alloc(q->dev, bytes, &p->bo);

	if (!buffer)
		return errno;
	p->bytes = bytes;
	if (!reader_attach(&p->reader, buffer, bytes)) {
		pinned_free(q->dev, buffer, bytes, p->bo);
		return ENOMEM;
	}
	atomic_store(&p->used, true);
	return 0;
}

/* A fresh buffer, if there is none, or one of another size, or a damaged one that is idle. */
static int renew(struct queue *q)
{
	struct print *p = &q->print;
	uint64_t bytes = atomic_load(&q->dev->print_bytes);

	if (p->reader.buffer) {
		if ((p->bytes == bytes && !p->reader.damaged) || !queue_idle(q))
			return 0;
		reader_read(&p->reader, true);
		give_buffer(q);
	}
	return take_buffer(q, bytes);
}

dsaError_t print_prepare(struct queue *q)
{
	int ret = 0;

	pthread_mutex_lock(&q->lock);
	pthread_mutex_lock(&q->print.lock);
	if (!queue_failed(q))
		ret = renew(q);
	pthread_mutex_unlock(&q->print.lock);
	pthread_mutex_unlock(&q->lock);
	return ret ? fail_errno(ret, "a buffer for dsa_printf()") : dsaSuccess;
}

uint64_t print_address(struct queue *q)
{
	uint64_t address;

	pthread_mutex_lock(&q->print.lock);
	address = (uintptr_t)q->print.reader.buffer;
	pthread_mutex_unlock(&q->print.lock);
	return address;
}

void print_stopped(struct queue *q)
{
	pthread_mutex_lock(&q->print.lock);
	reader_read(&q->print.reader, true);
	pthread_mutex_unlock(&q->print.lock);
}

void print_release(struct queue *q)
{
	pthread_mutex_lock(&q->print.lock);
	reader_read(&q->print.reader, true);
	give_buffer(q);
	pthread_mutex_unlock(&q->print.lock);
}

void print_assertion(struct queue *q, const uint32_t program[3], char *text, size_t size)
{
	struct print_reader *r = &q->print.reader;

	pthread_mutex_lock(&q->print.lock);
	text[0] = '\0';
	if (!memcmp(r->assertion_program, program, sizeof(r->assertion_program)))
		snprintf(text, size, "%s", r->assertion);
	pthread_mutex_unlock(&q->print.lock);
}

static struct text take_text(struct queue *q)
{
	struct text text;

	/* The queue is locked so that an idle one stays so. */
	pthread_mutex_lock(&q->lock);
	pthread_mutex_lock(&q->print.lock);
	reader_read(&q->print.reader, queue_idle(q));
	text = q->print.reader.text;
	q->print.reader.text = (struct text){ 0 };
	pthread_mutex_unlock(&q->print.lock);
	pthread_mutex_unlock(&q->lock);
	return text;
}

/* delivery */
static dsaError_t hand_over(const struct text *text)
{
	if (handler)
		return handler(text->bytes, text->length, handler_opaque);
	fwrite(text->bytes, 1, text->length, stdout);
	fflush(stdout);
	return dsaSuccess;
}

dsaError_t print_deliver(struct queue *q)
{
	dsaError_t error = dsaSuccess;
	struct text text;

	if (!atomic_load(&q->print.used) || delivering)
		return dsaSuccess;
	pthread_mutex_lock(&delivery);
	delivering = true;
	text = take_text(q);
	if (text.length)
		error = hand_over(&text);
	delivering = false;
	pthread_mutex_unlock(&delivery);
	free(text.bytes);
	return error;
}

dsaError_t print_settle(struct queue *q, dsaError_t error)
{
	dsaError_t handlers = print_deliver(q);

	if (error || !handlers)
		return error;
	return fail(handlers, "the handler of kernels' text returned %s",
		    dsaGetErrorName(handlers));
}

dsaError_t print_settle_all(struct device *dev, dsaError_t error)
{
	struct queue *q;

	pthread_mutex_lock(&dev->lock);
	q = dev->queues;
	pthread_mutex_unlock(&dev->lock);
	/* The list only grows at its head: walking it without the lock is safe. */
	for (; q; q = q->next)
		error = print_settle(q, error);
	return error;
}

DSA_API dsaError_t dsaSetPrintfHandler(dsaError_t (*new_handler)(const char *text, size_t len,
								 void *opaque),
				       void *opaque)
{
	if (delivering)
		return fail(dsaErrorInvalidValue,
			    "dsaSetPrintfHandler: called by the handler itself");
	pthread_mutex_lock(&delivery);
	handler = new_handler;
	handler_opaque = opaque;
	pthread_mutex_unlock(&delivery);
	return dsaSuccess;
}

static dsaError_t check_limit(const char *function, enum dsaLimit limit)
{
	if (limit == dsaLimitPrintfFifoSize)
		return dsaSuccess;
	return fail(dsaErrorUnsupportedLimit, "%s: there is no limit %d", function, (int)limit);
}

DSA_API dsaError_t dsaDeviceSetLimit(enum dsaLimit limit, size_t value)
{
	struct device *dev;
	dsaError_t error = device_current(&dev);

	if (!error)
		error = check_limit("dsaDeviceSetLimit", limit);
	if (error)
		return error;
	if (value > PRINT_MAX_BYTES)
		return fail(dsaErrorInvalidValue,
			    "dsaDeviceSetLimit: a print buffer of %zu bytes: at most %llu", value,
			    PRINT_MAX_BYTES);
	if (value < PRINT_MIN_BYTES)
		value = PRINT_MIN_BYTES;
	atomic_store(&dev->print_bytes, ALIGN_UP(value, PAGE));
	return dsaSuccess;
}

DSA_API dsaError_t dsaDeviceGetLimit(size_t *value, enum dsaLimit limit)
{
	struct device *dev;
	dsaError_t error = device_current(&dev);

	if (!error)
		error = check_limit("dsaDeviceGetLimit", limit);
	if (error)
		return error;
	if (!value)
		return fail(dsaErrorInvalidValue, "dsaDeviceGetLimit: value is NULL");
	*value = atomic_load(&dev->print_bytes);
	return dsaSuccess;
}
