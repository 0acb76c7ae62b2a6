/* SPDX-License-Identifier: MIT */
/*
 * Queues: commands are recorded into a ring of pinned memory and handed to
 * the device in batches.
 *
 * The first command after a wait goes to the device at once, by its caller.
 * Further ones gather in a batch, which the queue's helper thread submits: at
 * once when the device has nothing of this queue, else when what it has
 * completes or takes long, or the batch has grown. It is also submitted when
 * it is full, or when someone waits for it. So a single launch costs one
 * system call, and thousands cost few. The system call itself is made without
 * the lock: recording goes on meanwhile, into the next batch.
 *
 * A batch is one point of the queue's timeline: its last command writes the
 * point to queue->done, where anyone can read it without a system call.
 */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAIL_BYTES       sizeof(struct dsa_cmd_sem)
#define DATA_ALIGN       64
#define SPIN_NS          4000
#define IDLE_QUEUES_KEPT 2

static void reclaim(struct queue *q)
{
	uint64_t done = atomic_load_explicit(&q->done->word, memory_order_acquire);

	while (q->inflight_count) {
		const struct batch *b = &q->inflight[q->inflight_first];

		if (b->point > done)
			break;
		q->cmd_tail = b->cmd_end;
		q->data_tail = b->data_end;
		q->inflight_first = (q->inflight_first + 1) % QUEUE_MAX_INFLIGHT;
		q->inflight_count--;
	}
}

static bool start_helper(struct queue *q);

/* The recorded batch has some. */
static bool has_commands(const struct queue *q)
{
	return q->cmd_head != q->batch_start;
}

static bool batch_empty(const struct queue *q)
{
	return !has_commands(q) && !q->dep_count;
}

dsaError_t queue_error(struct queue *q)
{
	return fail_info(&q->fault);
}

/* The ring of a queue that the device has let go of. queue->lock. */
static void give_ring(struct queue *q)
{
	struct device *dev = q->dev;

	pthread_mutex_lock(&dev->lock);
	q->ring->next = dev->spare_rings;
	dev->spare_rings = q->ring;
	q->ring = NULL;
	q->open = false;
	dev->hw_queues--;
	pthread_mutex_unlock(&dev->lock);
}

/* queue->lock */
static void discard_batch(struct queue *q)
{
	q->dep_count = 0;
	q->batch_start = q->cmd_head;
}

/*
 * The device has stopped the queue: record why, let it go. queue->lock, which
 * it drops while another thread is in a submit: the queue's number must stay
 * its own until that is over.
 */
static void die(struct queue *q)
{
	while (q->sending)
		pthread_cond_wait(&q->sent, &q->lock);
	if (atomic_load(&q->dead))
		return;
	if (!queue_failed(q))
		fault_capture(q);
	kmd_queue_destroy(q->dev->fd, q->id);
	print_release(q);
	give_ring(q);
	discard_batch(q);
	q->inflight_count = 0;
	q->out.pending = false;
	atomic_store(&q->failed, true);
	atomic_store(&q->dead, true);
	pthread_cond_broadcast(&q->work);
	pthread_cond_broadcast(&q->sent);
}

/*
 * The queue was to wait for something that will never happen, as @other has
 * failed: the recorded batch must not run. What is on the device already still
 * does; after that the helper, or whoever waits, lets the queue die.
 * queue->lock; no closed batch is on its way.
 */
static void give_up(struct queue *q, const struct queue *other)
{
	fault_inherit(q, other);
	q->last_point = q->closed;
	discard_batch(q);
	atomic_store(&q->failed, true);
	if (start_helper(q))
		pthread_cond_signal(&q->work);
}

/* Lets a queue die that has given up, once the device is done with it. queue->lock. */
static void settle(struct queue *q)
{
	reclaim(q);
	if (queue_failed(q) && !q->inflight_count)
		die(q);
}

/* Waits for the @nth batch in flight. queue->lock; dropped and taken again. */
static int wait_inflight(struct queue *q, unsigned int nth)
{
	uint64_t point = q->inflight[(q->inflight_first + nth) % QUEUE_MAX_INFLIGHT].point;
	int ret;

	pthread_mutex_unlock(&q->lock);
	ret = queue_block(q, point);
	pthread_mutex_lock(&q->lock);
	reclaim(q);
	return ret;
}

/* The queue of a dependency that is known never to be met, or NULL. queue->lock. */
static const struct queue *lost_dep(const struct queue *q)
{
	for (unsigned int i = 0; i < q->dep_count; i++)
		if (queue_lost(q->deps[i].queue, q->deps[i].point))
			return q->deps[i].queue;
	return NULL;
}

/* Dependencies that still matter, as syncs. queue->lock. */
static uint32_t gather_deps(struct queue *q, struct drm_dsa_sync *syncs)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < q->dep_count; i++) {
		struct dep *d = &q->deps[i];

		if (!queue_passed(d->queue, d->point))
			syncs[n++] = (struct drm_dsa_sync){
				.handle = d->queue->syncobj,
				.point = d->point,
			};
	}
	return n;
}

/* Ends the recorded batch and begins another. queue->lock; nothing is on its way. */
static void close_batch(struct queue *q)
{
	unsigned int last = (q->inflight_first + q->inflight_count++) % QUEUE_MAX_INFLIGHT;
	struct outgoing *out = &q->out;
	struct dsa_cmd_sem signal = {
		.hdr = { .opcode = DSA_CMD_SEM_SIGNAL, .size = sizeof(signal) },
		.va = (uintptr_t)&q->done->word,
		.value = ++q->closed,
	};

	memcpy(q->ring->base + q->cmd_head % RING_CMD_BYTES, &signal, sizeof(signal));
	q->cmd_head += TAIL_BYTES;
	out->point = q->closed;
	out->va = (uintptr_t)q->ring->base + q->batch_start % RING_CMD_BYTES;
	out->bytes = q->cmd_head - q->batch_start;
	out->sync_count = gather_deps(q, out->syncs);
	out->syncs[out->sync_count++] = (struct drm_dsa_sync){
		.flags = DRM_DSA_SYNC_SIGNAL,
		.handle = q->syncobj,
		.point = out->point,
	};
	out->pending = true;
	q->inflight[last] = (struct batch){ q->closed, q->cmd_head, q->data_head };
	q->batch_start = q->cmd_head;
	q->batch_lazy = true;
	q->dep_count = 0;
}

/* The system call for the closed batch: 0 or an errno. queue->lock, dropped meanwhile. */
static int send(struct queue *q)
{
	struct outgoing *out = &q->out;
	int ret;

	q->sending = true;
	pthread_mutex_unlock(&q->lock);
	ret = kmd_submit(q->dev->fd, q->id, out->va, out->bytes, out->syncs, out->sync_count);
	pthread_mutex_lock(&q->lock);
	q->sending = false;
	pthread_cond_broadcast(&q->sent);
	switch (ret) {
	case 0:
		out->pending = false;
		q->submitted = out->point;
		q->stalled = false;
		return 0;
	case -ECANCELED:
	case -EIO:
	case -ENODEV:
		die(q);
		return ECANCELED;
	default:
		q->stalled = true;
		return -ret;
	}
}

/* One step towards an empty batch: 0 or an errno. queue->lock, dropped meanwhile. */
static int submit_step(struct queue *q)
{
	const struct queue *lost;

	if (q->sending) {
		pthread_cond_wait(&q->sent, &q->lock);
		return 0;
	}
	if (q->out.pending)
		return send(q);
	lost = lost_dep(q);
	if (lost) {
		give_up(q, lost);
		return ECANCELED;
	}
	if (q->inflight_count == QUEUE_MAX_INFLIGHT)
		return wait_inflight(q, 0);
	close_batch(q);
	return send(q);
}

/*
 * Submits what is recorded by now: 0, or an errno, ECANCELED if the queue has
 * failed. Leaves the thread's last error alone, as not every caller fails with
 * it. queue->lock, which it drops meanwhile.
 */
static int submit(struct queue *q)
{
	uint64_t target = batch_empty(q) ? q->closed : q->closed + 1;
	int ret = 0;

	while (!ret && q->submitted < target && !queue_failed(q))
		ret = submit_step(q);
	return queue_failed(q) ? ECANCELED : ret;
}

/* What a call returns for submit()'s @ret. */
static dsaError_t submit_error(struct queue *q, int ret)
{
	if (queue_failed(q))
		return queue_error(q);
	return ret ? fail_errno(ret, "submitting work") : dsaSuccess;
}

/* There is work that only the helper will submit. queue->lock. */
static bool helper_needed(const struct queue *q)
{
	return !q->batch_lazy && !q->stalled && !batch_empty(q) && q->ring;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/*
 * Lets the batch grow while the device is at the one before. False when that
 * takes so long that the next one had better be there already. queue->lock,
 * dropped meanwhile.
 */
static bool gather(struct queue *q)
{
	uint64_t point = q->inflight[q->inflight_first].point;

	if (point > q->submitted)
		return false;
	pthread_mutex_unlock(&q->lock);
	kmd_syncobj_wait(q->dev->fd, q->syncobj, point, now_ns() + GATHER_NS);
	pthread_mutex_lock(&q->lock);
	return queue_quiet(q, point);
}

static void *helper_main(void *arg)
{
	struct queue *q = arg;

	pthread_mutex_lock(&q->lock);
	while (!atomic_load(&q->dead)) {
		if (queue_failed(q)) {
			if (q->inflight_count && wait_inflight(q, q->inflight_count - 1))
				break;
			settle(q);
			continue;
		}
		if (!helper_needed(q)) {
			q->helper_idle = true;
			pthread_cond_wait(&q->work, &q->lock);
			q->helper_idle = false;
			continue;
		}
		reclaim(q);
		if (q->inflight_count >= QUEUE_DEPTH) {
			if (wait_inflight(q, q->inflight_count - QUEUE_DEPTH))
				q->stalled = true;
		} else if (!q->inflight_count || q->cmd_head - q->batch_start >= GATHER_BYTES ||
			   !gather(q)) {
			if (submit(q))
				q->stalled = true;
		}
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* queue->lock */
static bool start_helper(struct queue *q)
{
	sigset_t all, old;
	pthread_t thread;
	int ret;

	if (q->helper_started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&thread, NULL, helper_main, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return false;
	pthread_detach(thread);
	q->helper_started = true;
	return true;
}

/* Where a command of @bytes fits next, with the batch's end behind it. */
static uint64_t cmd_place(const struct queue *q, size_t bytes)
{
	uint64_t offset = q->cmd_head % RING_CMD_BYTES;
	bool torn = offset + bytes + TAIL_BYTES > RING_CMD_BYTES;

	return torn ? q->cmd_head + RING_CMD_BYTES - offset : q->cmd_head;
}

/* Where @bytes of data fit next. */
static uint64_t data_place(const struct queue *q, size_t bytes)
{
	uint64_t at = ALIGN_UP(q->data_head, DATA_ALIGN);
	uint64_t offset = at % RING_DATA_BYTES;

	return offset + bytes > RING_DATA_BYTES ? at + RING_DATA_BYTES - offset : at;
}

/* The ring is full: what is recorded must go out, what is out must end. queue->lock. */
static dsaError_t drain_some(struct queue *q)
{
	/* A batch of nothing but waits has its room already: it can stay. */
	int ret = has_commands(q) ? submit(q) : 0;

	if (!ret && q->inflight_count)
		ret = wait_inflight(q, 0);
	return submit_error(q, ret);
}

/* The batch would be torn by the ring's end, or too long. */
static bool must_split(const struct queue *q, size_t bytes)
{
	return has_commands(q) && (cmd_place(q, bytes) != q->cmd_head ||
				   q->cmd_head - q->batch_start + bytes > BATCH_MAX_BYTES);
}

/*
 * Makes room at cmd_head for a command of @bytes and the batch's end, and for
 * @data_bytes of data at *@at. queue->lock, dropped meanwhile if that needs a
 * wait.
 */
static dsaError_t make_room(struct queue *q, size_t bytes, size_t data_bytes, uint64_t *at)
{
	dsaError_t error = dsaSuccess;
	uint64_t place;

	while (!error) {
		if (queue_failed(q))
			return queue_error(q);
		reclaim(q);
		if (must_split(q, bytes)) {
			error = submit_error(q, submit(q));
			continue;
		}
		place = cmd_place(q, bytes);
		*at = data_place(q, data_bytes);
		if (place + bytes + TAIL_BYTES - q->cmd_tail <= RING_CMD_BYTES &&
		    (!data_bytes || *at + data_bytes - q->data_tail <= RING_DATA_BYTES)) {
			if (!has_commands(q))
				q->batch_start = place;
			q->cmd_head = place;
			return dsaSuccess;
		}
		error = drain_some(q);
	}
	return error;
}

dsaError_t queue_reserve(struct queue *q, size_t bytes, size_t data_bytes, void **cmd, void **data)
{
	dsaError_t error;
	uint64_t at;

	pthread_mutex_lock(&q->lock);
	error = make_room(q, bytes, data_bytes, &at);
	if (error) {
		pthread_mutex_unlock(&q->lock);
		return error;
	}
	*cmd = q->ring->base + q->cmd_head % RING_CMD_BYTES;
	if (data_bytes) {
		*data = q->ring->base + RING_CMD_BYTES + at % RING_DATA_BYTES;
		q->data_head = at + data_bytes;
	}
	return dsaSuccess;
}

dsaError_t queue_commit(struct queue *q, size_t bytes, bool lazy, uint64_t *point)
{
	dsaError_t error = dsaSuccess;
	bool first = !lazy && !atomic_exchange(&q->streak, true);

	q->cmd_head += bytes;
	q->batch_lazy &= lazy;
	q->stalled = false;
	if (point)
		*point = q->closed + 1;
	atomic_store(&q->recorded, q->closed + 1);
	if (!q->batch_lazy) {
		/* Should the submit fail, a later one is tried with the same batch. */
		if ((first && q->inflight_count < QUEUE_DEPTH && !q->sending) || !start_helper(q))
			submit(q);
		else if (q->helper_idle)
			pthread_cond_signal(&q->work);
		if (queue_failed(q))
			error = queue_error(q);
	}
	pthread_mutex_unlock(&q->lock);
	return error;
}

/* Makes sure that @point is on the device: 0, or an errno; also if the queue has failed. */
static int push_out(struct queue *q, uint64_t point)
{
	int ret = 0;

	pthread_mutex_lock(&q->lock);
	if (point > q->submitted && !queue_failed(q))
		ret = submit(q);
	pthread_mutex_unlock(&q->lock);
	return queue_failed(q) ? 0 : ret;
}

/*
 * The same, but never waits for the device: what has no place there now is
 * left to the helper.
 */
static int push_soon(struct queue *q, uint64_t point)
{
	int ret = 0;

	pthread_mutex_lock(&q->lock);
	reclaim(q);
	if (point > q->submitted && !queue_failed(q)) {
		if (q->inflight_count < QUEUE_MAX_INFLIGHT || !start_helper(q)) {
			ret = submit(q);
		} else {
			q->batch_lazy = false;
			q->stalled = false;
			if (q->helper_idle)
				pthread_cond_signal(&q->work);
		}
	}
	pthread_mutex_unlock(&q->lock);
	return queue_failed(q) ? 0 : ret;
}

int queue_push(struct queue *q)
{
	return push_out(q, atomic_load(&q->recorded));
}

dsaError_t queue_flush(struct queue *q)
{
	return submit_error(q, queue_push(q));
}

/* A short look before going to sleep: short commands are done by then. */
static bool spin(struct queue *q, uint64_t point)
{
	int64_t end = now_ns() + SPIN_NS;

	do {
		for (int i = 0; i < 16; i++) {
			if (queue_passed(q, point))
				return true;
#if defined(__x86_64__)
			__builtin_ia32_pause();
#endif
		}
	} while (now_ns() < end);
	return false;
}

/* The device has nothing of the queue up to @point any more, yet that was not reached. */
static void bury(struct queue *q, uint64_t point)
{
	pthread_mutex_lock(&q->lock);
	if (!queue_passed(q, point))
		die(q);
	pthread_mutex_unlock(&q->lock);
}

int queue_block(struct queue *q, uint64_t point)
{
	uint64_t goal = point;
	int ret;

	atomic_store(&q->streak, false);
	if (queue_quiet(q, point))
		return 0;
	ret = push_out(q, point);
	if (ret)
		return ret;
	/* What comes after a wait in vain will not be submitted. */
	if (queue_failed(q) && !atomic_load(&q->dead) && q->last_point < point)
		goal = q->last_point;
	if (!queue_quiet(q, goal) && !spin(q, goal)) {
		ret = -kmd_syncobj_wait(q->dev->fd, q->syncobj, goal, INT64_MAX);
		if (!queue_passed(q, goal) && ret && ret != ENODEV && ret != EIO)
			return ret;
	}
	/* The fence is signalled, the last command has not run: the queue stopped. */
	if (!queue_quiet(q, point))
		bury(q, point);
	return 0;
}

dsaError_t queue_wait(struct queue *q, uint64_t point)
{
	int ret = queue_block(q, point);

	if (queue_failed(q))
		return queue_error(q);
	return ret ? fail_errno(ret, "waiting for the device") : dsaSuccess;
}

void queue_notice(struct queue *q)
{
	struct drm_dsa_queue_state state = { 0 };
	int ret;

	pthread_mutex_lock(&q->lock);
	if (!atomic_load(&q->dead) && q->ring) {
		settle(q);
		state.queue_id = q->id;
		ret = atomic_load(&q->dead) ? 0 : kmd_queue_state(q->dev->fd, &state);
		if (ret == -ENODEV || (!ret && (state.flags & DRM_DSA_QUEUE_DEAD)))
			die(q);
	}
	pthread_mutex_unlock(&q->lock);
}

int queue_look(struct queue *q, uint64_t point)
{
	int ret = 0;

	atomic_store(&q->streak, false);
	if (!queue_passed(q, point)) {
		ret = push_soon(q, point);
		if (!ret)
			queue_notice(q);
	}
	return ret;
}

dsaError_t queue_query(struct queue *q, uint64_t point)
{
	int ret = queue_look(q, point);

	if (ret || queue_failed(q))
		return submit_error(q, ret);
	return queue_passed(q, point) ? dsaSuccess : dsaErrorNotReady;
}

/* A wait for the same queue in a batch that begins with it covers this one. queue->lock. */
static bool merge_dep(struct queue *q, struct queue *other, uint64_t point)
{
	if (has_commands(q))
		return false;
	for (unsigned int i = 0; i < q->dep_count; i++) {
		if (q->deps[i].queue == other) {
			if (q->deps[i].point < point)
				q->deps[i].point = point;
			return true;
		}
	}
	return false;
}

/* queue->lock, dropped meanwhile. */
static dsaError_t add_dep(struct queue *q, struct queue *other, uint64_t point)
{
	dsaError_t error;
	uint64_t unused;

	for (;;) {
		/* A batch of nothing but waits, too, needs room for its end. */
		error = make_room(q, 0, 0, &unused);
		if (error)
			return error;
		if (merge_dep(q, other, point))
			break;
		if (!has_commands(q) && q->dep_count < BATCH_MAX_DEPS) {
			q->deps[q->dep_count++] = (struct dep){ other, point };
			break;
		}
		error = submit_error(q, submit(q));
		if (error)
			return error;
	}
	atomic_store(&q->recorded, q->closed + 1);
	return dsaSuccess;
}

dsaError_t queue_add_dep(struct queue *q, struct queue *other, uint64_t point)
{
	dsaError_t error;
	int ret;

	if (q == other || queue_passed(other, point))
		return dsaSuccess;
	/* The kernel takes only points that are submitted. */
	ret = push_out(other, point);
	if (ret)
		return fail_errno(ret, "submitting work");
	pthread_mutex_lock(&q->lock);
	if (queue_failed(q))
		error = queue_error(q);
	else
		error = add_dep(q, other, point);
	/* The wait is in vain: finds that out, and fails behind what came before. */
	if (!error && queue_lost(other, point))
		error = submit_error(q, submit(q));
	pthread_mutex_unlock(&q->lock);
	return error;
}

void queue_nudge(struct queue *q)
{
	bool left, unused;

	/* The helper sees to the rest: a batch that may still grow is let grow. */
	pthread_mutex_lock(&q->lock);
	left = q->batch_lazy || q->stalled;
	pthread_mutex_unlock(&q->lock);
	if (left)
		push_soon(q, atomic_load(&q->recorded));
	pthread_mutex_lock(&q->dev->lock);
	unused = !q->users;
	pthread_mutex_unlock(&q->dev->lock);
	if (unused)
		queue_notice(q);
}

static struct ring_memory *take_ring(struct device *dev)
{
	struct ring_memory *ring;

	pthread_mutex_lock(&dev->lock);
	ring = dev->spare_rings;
	if (ring)
		dev->spare_rings = ring->next;
	pthread_mutex_unlock(&dev->lock);
	if (ring)
		return ring;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return NULL;
	ring->base = pinned_alloc(dev, RING_CMD_BYTES + RING_DATA_BYTES, &ring->bo);
	if (ring->base)
		return ring;
	free(ring);
	return NULL;
}

static void put_ring(struct device *dev, struct ring_memory *ring)
{
	pthread_mutex_lock(&dev->lock);
	ring->next = dev->spare_rings;
	dev->spare_rings = ring;
	pthread_mutex_unlock(&dev->lock);
}

/* Gives @q a hardware queue; negative errno. */
static int open_queue(struct queue *q)
{
	struct device *dev = q->dev;
	struct ring_memory *ring = take_ring(dev);
	int ret;

	if (!ring)
		return -ENOMEM;
	ret = kmd_queue_create(dev->fd, dev->vm, &q->id);
	if (ret) {
		put_ring(dev, ring);
		return ret;
	}
	pthread_mutex_lock(&q->lock);
	q->ring = ring;
	q->cmd_head = q->cmd_tail = q->batch_start = 0;
	q->data_head = q->data_tail = 0;
	q->dep_count = 0;
	q->batch_lazy = true;
	q->stalled = false;
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static struct queue *new_queue(struct device *dev)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->dev = dev;
	q->done = slot_get(dev);
	if (q->done && !kmd_syncobj_create(dev->fd, &q->syncobj)) {
		pthread_mutex_init(&q->lock, NULL);
		pthread_cond_init(&q->work, NULL);
		pthread_cond_init(&q->sent, NULL);
		pthread_mutex_init(&q->stage.lock, NULL);
		pthread_mutex_init(&q->print.lock, NULL);
		return q;
	}
	if (q->done)
		slot_retire(dev, q->done, NULL, 0);
	free(q);
	return NULL;
}

static bool idle(struct queue *q)
{
	return queue_passed(q, atomic_load(&q->recorded));
}

/* An open queue that nobody uses and that has nothing to do. dev->lock. */
static struct queue *find_idle(struct device *dev)
{
	for (struct queue *q = dev->queues; q; q = q->next)
		if (q->open && !q->users && !queue_failed(q) && idle(q))
			return q;
	return NULL;
}

/* The open queue with the fewest streams: one of destroyed streams first. dev->lock. */
static struct queue *find_shared(struct device *dev)
{
	struct queue *best = NULL;

	for (struct queue *q = dev->queues; q; q = q->next)
		if (q->open && !queue_failed(q) && (!best || q->users < best->users))
			best = q;
	return best;
}

/* A queue without hardware, to be opened again; it counts a user. dev->lock. */
static struct queue *find_closed(struct device *dev)
{
	for (struct queue *q = dev->queues; q; q = q->next) {
		if (!q->open && !q->users && !queue_failed(q)) {
			q->users = 1;
			return q;
		}
	}
	return NULL;
}

static unsigned int fair_share(const struct device *dev)
{
	return dev->info.compute_queues > 1 ? dev->info.compute_queues / 2 : 1;
}

/* One more hardware queue for this process; its place in hw_queues is taken. */
static int open_another(struct device *dev, struct queue **out)
{
	bool fresh = false;
	struct queue *q;
	int ret;

	pthread_mutex_lock(&dev->lock);
	q = find_closed(dev);
	pthread_mutex_unlock(&dev->lock);
	if (!q) {
		q = new_queue(dev);
		if (!q)
			return -ENOMEM;
		fresh = true;
		q->users = 1;
	}
	ret = open_queue(q);
	pthread_mutex_lock(&dev->lock);
	if (ret)
		q->users = 0;
	else
		q->open = true;
	if (fresh) {
		q->next = dev->queues;
		dev->queues = q;
	}
	pthread_mutex_unlock(&dev->lock);
	*out = q;
	return ret;
}

/* One more hardware queue, within this process's share; negative errno. */
static int grow(struct device *dev, struct queue **out)
{
	bool may;
	int ret;

	pthread_mutex_lock(&dev->lock);
	may = dev->hw_queues < fair_share(dev);
	dev->hw_queues += may;
	pthread_mutex_unlock(&dev->lock);
	if (!may)
		return -ENOSPC;
	ret = open_another(dev, out);
	if (ret) {
		pthread_mutex_lock(&dev->lock);
		dev->hw_queues--;
		pthread_mutex_unlock(&dev->lock);
	}
	return ret;
}

/* A queue by @find, which counts a user; NULL: there is none. */
static struct queue *take(struct device *dev, struct queue *(*find)(struct device *))
{
	struct queue *q;

	pthread_mutex_lock(&dev->lock);
	q = find(dev);
	if (q)
		q->users++;
	pthread_mutex_unlock(&dev->lock);
	return q;
}

/* A queue that no other stream uses, and no other work is on; negative errno. */
static int take_own(struct device *dev, struct queue **out)
{
	*out = take(dev, find_idle);
	return *out ? 0 : grow(dev, out);
}

/* Queues of destroyed streams may have been stopped since, and can make room for others. */
static void notice_unused(struct device *dev)
{
	struct queue *q;
	bool unused;

	pthread_mutex_lock(&dev->lock);
	q = dev->queues;
	pthread_mutex_unlock(&dev->lock);
	/* The list only grows at its head: walking it without the lock is safe. */
	for (; q; q = q->next) {
		pthread_mutex_lock(&dev->lock);
		unused = q->open && !q->users;
		pthread_mutex_unlock(&dev->lock);
		if (unused && !idle(q))
			queue_notice(q);
	}
}

dsaError_t queue_acquire(struct device *dev, struct queue **out)
{
	int ret = take_own(dev, out);

	if (ret) {
		notice_unused(dev);
		ret = take_own(dev, out);
	}
	/* Ends: each turn finds one more queue that the device has stopped. */
	while (ret) {
		*out = take(dev, find_shared);
		if (!*out)
			return fail_errno(-ret, "creating a queue");
		queue_notice(*out);
		if (!queue_failed(*out))
			return dsaSuccess;
		queue_release(*out);
		ret = take_own(dev, out);
	}
	return dsaSuccess;
}

static void free_stage(struct queue *q)
{
	pthread_mutex_lock(&q->stage.lock);
	if (q->stage.base)
		pinned_free(q->dev, q->stage.base, STAGE_CHUNK * STAGE_CHUNKS, q->stage.bo);
	q->stage.base = NULL;
	pthread_mutex_unlock(&q->stage.lock);
}

/* Gives the hardware queue back if @q is unused and idle and enough others are kept. */
static void close_spare(struct queue *q, unsigned int *kept)
{
	struct device *dev = q->dev;
	bool spare;

	pthread_mutex_lock(&q->lock);
	pthread_mutex_lock(&dev->lock);
	spare = q->open && !q->users && !queue_failed(q) && idle(q) && !q->sending;
	if (spare && *kept < IDLE_QUEUES_KEPT) {
		(*kept)++;
		spare = false;
	}
	if (spare) {
		/* Nobody takes it meanwhile. */
		q->users = 1;
		q->open = false;
	}
	pthread_mutex_unlock(&dev->lock);
	if (spare) {
		reclaim(q);
		kmd_queue_destroy(dev->fd, q->id);
		print_release(q);
		give_ring(q);
	}
	pthread_mutex_unlock(&q->lock);
	if (spare) {
		free_stage(q);
		print_deliver(q);
		pthread_mutex_lock(&dev->lock);
		q->users = 0;
		pthread_mutex_unlock(&dev->lock);
	}
}

void queue_release(struct queue *q)
{
	struct device *dev = q->dev;
	unsigned int kept = 0;
	bool last;

	push_soon(q, atomic_load(&q->recorded));
	pthread_mutex_lock(&dev->lock);
	last = --q->users == 0;
	q = dev->queues;
	pthread_mutex_unlock(&dev->lock);
	if (!last)
		return;
	/* The list only grows at its head: walking it without the lock is safe. */
	for (; q; q = q->next) {
		if (atomic_load(&q->dead) && !q->users && q->stage.base)
			free_stage(q);
		else
			close_spare(q, &kept);
	}
}
