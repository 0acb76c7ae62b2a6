/* SPDX-License-Identifier: MIT */
/*
 * memcpy and memset in all directions.
 *
 * What the device reaches it copies itself. Pageable memory goes through
 * pinned bounce buffers, of which several are in flight; small pieces travel
 * in the queue's own data ring.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

/* Pageable host-to-device copies up to this return at once. */
#define INLINE_MAX (64 * KIB)

struct rect {
	uint8_t *dst;
	const uint8_t *src;
	uint64_t dpitch, spitch;
	uint64_t width, height;
};

/* One command for the device; contiguous rows become a plain copy. */
static dsaError_t device_copy(struct queue *q, const struct rect *r, bool lazy, uint64_t *point)
{
	struct dsa_cmd_copy_2d rows = {
		.hdr = { .opcode = DSA_CMD_COPY_2D, .size = sizeof(rows) },
		.dst = (uintptr_t)r->dst,
		.src = (uintptr_t)r->src,
		.dst_pitch = r->dpitch,
		.src_pitch = r->spitch,
		.width = r->width,
		.height = r->height,
	};
	struct dsa_cmd_copy plain = {
		.hdr = { .opcode = DSA_CMD_COPY, .size = sizeof(plain) },
		.dst = rows.dst,
		.src = rows.src,
		.bytes = r->width * r->height,
	};
	bool flat = r->height == 1 || (r->dpitch == r->width && r->spitch == r->width);
	const void *cmd = flat ? (const void *)&plain : &rows;
	size_t size = flat ? sizeof(plain) : sizeof(rows);
	void *place;
	dsaError_t error = queue_reserve(q, size, 0, &place, NULL);

	if (error)
		return error;
	memcpy(place, cmd, size);
	return queue_commit(q, size, lazy, point);
}

static void host_rows(uint8_t *dst, uint64_t dpitch, const uint8_t *src, uint64_t spitch,
		      uint64_t width, uint64_t height)
{
	if (width == dpitch && width == spitch) {
		memmove(dst, src, width * height);
		return;
	}
	for (uint64_t row = 0; row < height; row++)
		memmove(dst + row * dpitch, src + row * spitch, width);
}

/* A small upload: the data is copied into the ring, the caller is free to go. */
static dsaError_t inline_upload(struct queue *q, const struct rect *r, bool lazy, uint64_t *point)
{
	struct dsa_cmd_copy_2d rows = {
		.hdr = { .opcode = DSA_CMD_COPY_2D, .size = sizeof(rows) },
		.dst = (uintptr_t)r->dst,
		.dst_pitch = r->dpitch,
		.src_pitch = r->width,
		.width = r->width,
		.height = r->height,
	};
	void *place, *data;
	dsaError_t error = queue_reserve(q, sizeof(rows), r->width * r->height, &place, &data);

	if (error)
		return error;
	host_rows(data, r->width, r->src, r->spitch, r->width, r->height);
	rows.src = (uintptr_t)data;
	memcpy(place, &rows, sizeof(rows));
	return queue_commit(q, sizeof(rows), lazy, point);
}

/*
 * Walks a rectangle in pieces that fit a bounce buffer: some whole rows, or
 * part of one.
 */
struct walk {
	const struct rect *whole;
	uint64_t row, column;
};

static bool next_piece(struct walk *w, struct rect *piece)
{
	const struct rect *r = w->whole;
	uint64_t rows = 1, width = r->width - w->column;

	if (w->row == r->height)
		return false;
	if (w->column == 0 && r->width <= STAGE_CHUNK) {
		rows = STAGE_CHUNK / r->width;
		if (rows > r->height - w->row)
			rows = r->height - w->row;
	} else if (width > STAGE_CHUNK) {
		width = STAGE_CHUNK;
	}
	*piece = (struct rect){
		.dst = r->dst + w->row * r->dpitch + w->column,
		.src = r->src + w->row * r->spitch + w->column,
		.dpitch = r->dpitch,
		.spitch = r->spitch,
		.width = width,
		.height = rows,
	};
	w->column += width;
	if (w->column == r->width) {
		w->column = 0;
		w->row += rows;
	}
	return true;
}

/* stage.lock */
static dsaError_t stage_ready(struct queue *q)
{
	if (q->stage.base)
		return dsaSuccess;
	q->stage.base = pinned_alloc(q->dev, STAGE_CHUNK * STAGE_CHUNKS, &q->stage.bo);
	return q->stage.base ? dsaSuccess : fail_errno(errno, "memory for staged copies");
}

/* The next bounce buffer, free to use. stage.lock. */
static dsaError_t stage_take(struct queue *q, unsigned int *chunk, uint8_t **base)
{
	*chunk = q->stage.next++ % STAGE_CHUNKS;
	*base = q->stage.base + *chunk * STAGE_CHUNK;
	if (queue_passed(q, q->stage.busy[*chunk]))
		return dsaSuccess;
	return queue_wait(q, q->stage.busy[*chunk]);
}

/* stage.lock */
static dsaError_t staged_upload(struct queue *q, const struct rect *r, uint64_t *point)
{
	struct walk w = { .whole = r };
	struct rect piece;
	unsigned int chunk;
	uint8_t *base;
	dsaError_t error = dsaSuccess;

	while (!error && next_piece(&w, &piece)) {
		error = stage_take(q, &chunk, &base);
		if (error)
			break;
		host_rows(base, piece.width, piece.src, piece.spitch, piece.width, piece.height);
		piece.src = base;
		piece.spitch = piece.width;
		error = device_copy(q, &piece, true, point);
		q->stage.busy[chunk] = *point;
		if (!error)
			error = queue_flush(q);
	}
	return error;
}

struct landing {
	uint64_t point;
	struct rect piece; /* src is the bounce buffer, dst the program's memory */
};

static dsaError_t land(struct queue *q, const struct landing *l)
{
	const struct rect *p = &l->piece;
	dsaError_t error = queue_wait(q, l->point);

	if (!error)
		host_rows(p->dst, p->dpitch, p->src, p->spitch, p->width, p->height);
	return error;
}

/* stage.lock */
static dsaError_t take_off(struct queue *q, struct rect *piece, struct landing *l)
{
	struct rect to_stage = *piece;
	unsigned int chunk;
	uint8_t *base;
	dsaError_t error = stage_take(q, &chunk, &base);

	if (error)
		return error;
	to_stage.dst = base;
	to_stage.dpitch = piece->width;
	error = device_copy(q, &to_stage, true, &l->point);
	if (error)
		return error;
	q->stage.busy[chunk] = l->point;
	l->piece = *piece;
	l->piece.src = base;
	l->piece.spitch = piece->width;
	return queue_flush(q);
}

/* stage.lock */
static dsaError_t staged_download(struct queue *q, const struct rect *r)
{
	struct landing flying[STAGE_CHUNKS];
	unsigned int first = 0, count = 0;
	struct walk w = { .whole = r };
	struct rect piece;
	dsaError_t error = dsaSuccess;
	bool more = true;

	while (!error) {
		while (!error && count < STAGE_CHUNKS && (more = next_piece(&w, &piece)))
			error = take_off(q, &piece, &flying[(first + count++) % STAGE_CHUNKS]);
		if (error || !count)
			break;
		error = land(q, &flying[first++ % STAGE_CHUNKS]);
		count--;
	}
	return error;
}

static dsaError_t staged(struct queue *q, const struct rect *r, bool upload, uint64_t *point)
{
	dsaError_t error;

	pthread_mutex_lock(&q->stage.lock);
	error = stage_ready(q);
	if (!error && upload)
		error = staged_upload(q, r, point);
	else if (!error)
		error = staged_download(q, r);
	pthread_mutex_unlock(&q->stage.lock);
	return error;
}

static dsaError_t host_copy(struct queue *q, const struct rect *r)
{
	dsaError_t error = queue_wait(q, atomic_load(&q->recorded));

	if (!error)
		host_rows(r->dst, r->dpitch, r->src, r->spitch, r->width, r->height);
	return error;
}

static dsaError_t check_direction(const char *name, enum where to, enum where from,
				  enum dsaMemcpyKind kind)
{
	bool to_device = kind == dsaMemcpyHostToDevice || kind == dsaMemcpyDeviceToDevice;
	bool from_device = kind == dsaMemcpyDeviceToHost || kind == dsaMemcpyDeviceToDevice;

	if (kind == dsaMemcpyDefault)
		return dsaSuccess;
	/* Pinned memory is the device's too: CUDA programs pass it as either. */
	if ((to_device && to == WHERE_PAGEABLE) || (!to_device && to == WHERE_DEVICE))
		return fail(dsaErrorInvalidMemcpyDirection,
			    "%s: kind %d does not fit: the destination is %s memory", name,
			    (int)kind, to == WHERE_DEVICE ? "device" : "host");
	if ((from_device && from == WHERE_PAGEABLE) || (!from_device && from == WHERE_DEVICE))
		return fail(dsaErrorInvalidMemcpyDirection,
			    "%s: kind %d does not fit: the source is %s memory", name, (int)kind,
			    from == WHERE_DEVICE ? "device" : "host");
	return dsaSuccess;
}

/* Bytes from the first to the last of a rectangle; 0 if that wraps. */
static uint64_t extent(uint64_t pitch, uint64_t width, uint64_t height)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(pitch, height - 1, &bytes) ||
	    __builtin_add_overflow(bytes, width, &bytes))
		return 0;
	return bytes;
}

static dsaError_t bad_range(const char *name, const char *side, const void *ptr, uint64_t bytes)
{
	return fail(dsaErrorInvalidDevicePointer,
		    "%s: %s: %llu bytes at %p are not wholly inside one allocation", name, side,
		    (unsigned long long)bytes, ptr);
}

static dsaError_t check_rect(const char *name, const struct rect *r, enum dsaMemcpyKind kind)
{
	if ((unsigned int)kind > dsaMemcpyDefault)
		return fail(dsaErrorInvalidValue, "%s: kind %d is none of the five", name,
			    (int)kind);
	if (!r->width || !r->height)
		return dsaSuccess;
	if (!r->dst || !r->src)
		return fail(dsaErrorInvalidValue, "%s: %s is NULL", name, r->dst ? "src" : "dst");
	if (r->height > 1 && (r->dpitch < r->width || r->spitch < r->width))
		return fail(dsaErrorInvalidPitchValue, "%s: pitch %llu is below width %llu", name,
			    (unsigned long long)(r->dpitch < r->width ? r->dpitch : r->spitch),
			    (unsigned long long)r->width);
	return dsaSuccess;
}

/* The device reads upwards: it may copy onto a lower overlapping range only. */
static bool bad_overlap(const struct rect *r, uint64_t dbytes, uint64_t sbytes)
{
	uintptr_t d = (uintptr_t)r->dst, s = (uintptr_t)r->src;

	if (d == s || d >= s + sbytes || s >= d + dbytes)
		return false;
	return r->height == 1 ? d > s : r->dpitch != r->spitch;
}

/* @point: of the last part in flight; 0 if all is done. @wait: the caller will wait for it. */
static dsaError_t copy(const char *name, const struct rect *r, enum dsaMemcpyKind kind,
		       struct stream *s, bool wait, uint64_t *point)
{
	struct queue *q = atomic_load(&s->queue);
	uint64_t dbytes = extent(r->dpitch, r->width, r->height);
	uint64_t sbytes = extent(r->spitch, r->width, r->height);
	enum where to, from;
	dsaError_t error;

	if (!dbytes || !sbytes)
		return fail(dsaErrorInvalidValue, "%s: height * pitch overflows", name);
	to = memory_where(s->dev, r->dst, dbytes);
	from = memory_where(s->dev, r->src, sbytes);
	if (to == WHERE_BAD)
		return bad_range(name, "destination", r->dst, dbytes);
	if (from == WHERE_BAD)
		return bad_range(name, "source", r->src, sbytes);
	error = check_direction(name, to, from, kind);
	if (error)
		return error;
	if (bad_overlap(r, dbytes, sbytes))
		return fail(dsaErrorInvalidValue,
			    "%s: destination overlaps a lower source: copy in pieces", name);
	if (to != WHERE_PAGEABLE && from != WHERE_PAGEABLE)
		return device_copy(q, r, wait, point);
	if (to != WHERE_DEVICE && from != WHERE_DEVICE)
		return host_copy(q, r);
	if (to == WHERE_DEVICE && r->width <= INLINE_MAX && r->height <= INLINE_MAX / r->width)
		return inline_upload(q, r, wait, point);
	return staged(q, r, to == WHERE_DEVICE, point);
}

static dsaError_t copy_in_stream(const char *name, const struct rect *r, enum dsaMemcpyKind kind,
				 dsaStream_t stream, bool wait)
{
	uint64_t point = 0;
	struct stream *s;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	error = check_rect(name, r, kind);
	if (!error && r->width && r->height)
		error = copy(name, r, kind, s, wait, &point);
	if (!error && wait)
		error = queue_wait(atomic_load(&s->queue), point);
	if (wait)
		error = print_settle(atomic_load(&s->queue), error);
	stream_put(s);
	return error;
}

static struct rect line(void *dst, const void *src, size_t bytes)
{
	return (struct rect){ .dst = dst,
			      .src = src,
			      .dpitch = bytes,
			      .spitch = bytes,
			      .width = bytes,
			      .height = 1 };
}

DSA_API dsaError_t dsaMemcpy(void *dst, const void *src, size_t bytes, enum dsaMemcpyKind kind)
{
	struct rect r = line(dst, src, bytes);

	return copy_in_stream("dsaMemcpy", &r, kind, NULL, true);
}

DSA_API dsaError_t dsaMemcpyAsync(void *dst, const void *src, size_t bytes, enum dsaMemcpyKind kind,
				  dsaStream_t stream)
{
	struct rect r = line(dst, src, bytes);

	return copy_in_stream("dsaMemcpyAsync", &r, kind, stream, false);
}

DSA_API dsaError_t dsaMemcpy2D(void *dst, size_t dpitch, const void *src, size_t spitch,
			       size_t width, size_t height, enum dsaMemcpyKind kind)
{
	struct rect r = { dst, src, dpitch, spitch, width, height };

	return copy_in_stream("dsaMemcpy2D", &r, kind, NULL, true);
}

DSA_API dsaError_t dsaMemcpy2DAsync(void *dst, size_t dpitch, const void *src, size_t spitch,
				    size_t width, size_t height, enum dsaMemcpyKind kind,
				    dsaStream_t stream)
{
	struct rect r = { dst, src, dpitch, spitch, width, height };

	return copy_in_stream("dsaMemcpy2DAsync", &r, kind, stream, false);
}

static dsaError_t fill(const char *name, struct stream *s, void *ptr, uint64_t pattern,
		       uint32_t pattern_size, uint64_t bytes, bool wait, uint64_t *point)
{
	struct queue *q = atomic_load(&s->queue);
	struct dsa_cmd_fill fill = {
		.hdr = { .opcode = DSA_CMD_FILL, .size = sizeof(fill) },
		.dst = (uintptr_t)ptr,
		.bytes = bytes,
		.pattern = pattern,
		.pattern_size = pattern_size,
	};
	enum where where = memory_where(s->dev, ptr, bytes);
	dsaError_t error;
	void *place;

	if (where != WHERE_DEVICE && where != WHERE_PINNED)
		return bad_range(name, "memory of the device", ptr, bytes);
	error = queue_reserve(q, sizeof(fill), 0, &place, NULL);
	if (error)
		return error;
	memcpy(place, &fill, sizeof(fill));
	return queue_commit(q, sizeof(fill), wait, point);
}

static dsaError_t fill_in_stream(const char *name, void *ptr, uint64_t pattern,
				 uint32_t pattern_size, uint64_t count, dsaStream_t stream,
				 bool wait)
{
	uint64_t bytes, point = 0;
	struct stream *s;
	dsaError_t error = stream_get(stream, &s);

	if (error)
		return error;
	if (__builtin_mul_overflow(count, pattern_size, &bytes))
		error = fail(dsaErrorInvalidValue, "%s: count %llu is too large", name,
			     (unsigned long long)count);
	else if ((uintptr_t)ptr % pattern_size)
		error = fail(dsaErrorInvalidValue, "%s: %p is not aligned to %u bytes", name, ptr,
			     pattern_size);
	else if (bytes)
		error = fill(name, s, ptr, pattern, pattern_size, bytes, wait, &point);
	if (!error && wait)
		error = queue_wait(atomic_load(&s->queue), point);
	if (wait)
		error = print_settle(atomic_load(&s->queue), error);
	stream_put(s);
	return error;
}

DSA_API dsaError_t dsaMemset(void *ptr, int value, size_t bytes)
{
	return fill_in_stream("dsaMemset", ptr, (uint8_t)value, 1, bytes, NULL, true);
}

DSA_API dsaError_t dsaMemsetAsync(void *ptr, int value, size_t bytes, dsaStream_t stream)
{
	return fill_in_stream("dsaMemsetAsync", ptr, (uint8_t)value, 1, bytes, stream, false);
}

DSA_API dsaError_t dsaMemsetD32Async(void *ptr, uint32_t value, size_t count, dsaStream_t stream)
{
	return fill_in_stream("dsaMemsetD32Async", ptr, value, 4, count, stream, false);
}
