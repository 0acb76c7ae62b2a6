/* SPDX-License-Identifier: MIT */
/*
 * Device memory and pinned host memory: allocation, and what an address is.
 *
 * Small device allocations are pieces of 2 MiB chunks, large ones have a
 * buffer object each. A free never waits: memory that queued work may still
 * use is kept on the device's retired list until that work is done.
 */
#include "internal.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SMALL_MAX (512 * KIB)

struct chunk {
	struct chunk *next;
	uint64_t va;
	uint32_t bo;
	struct buddy buddy;
};

enum alloc_kind {
	ALLOC_PIECE, /* of a chunk */
	ALLOC_BO,    /* device memory with a BO of its own */
	ALLOC_HOST,
};

/* An allocation; in the tree by address while the program owns it. */
struct alloc {
	uint64_t va, size; /* as asked for; what the program may use */
	uint64_t span;     /* as taken */
	enum alloc_kind kind;
	uint32_t bo;
	struct chunk *chunk;
};

/* Something to give back when all of @deps have passed. */
struct retired {
	struct retired *next;
	struct alloc alloc;
	unsigned int dep_count;
	struct dep deps[];
};

/* Ranges that overlap are equal: a lookup by one byte finds its allocation. */
static int compare_ranges(const void *pa, const void *pb)
{
	const struct alloc *a = pa, *b = pb;

	if (a->va + a->size <= b->va)
		return -1;
	return a->va >= b->va + b->size ? 1 : 0;
}

/* dev->lock */
static struct alloc *find_alloc(struct device *dev, uint64_t address)
{
	struct alloc key = { .va = address, .size = 1 };
	void *found;

	if (address == UINT64_MAX)
		return NULL;
	found = tfind(&key, &dev->allocs, compare_ranges);
	return found ? *(struct alloc **)found : NULL;
}

static int bind_bo(struct device *dev, uint32_t bo, uint64_t va, uint64_t size)
{
	struct drm_dsa_bind_op op = {
		.op = DRM_DSA_BIND_MAP,
		.flags = DRM_DSA_BIND_READ | DRM_DSA_BIND_WRITE,
		.handle = bo,
		.va = va,
		.range = size,
	};

	return kmd_bind(dev->fd, dev->vm, &op, 1);
}

static void unbind(struct device *dev, uint64_t va, uint64_t size)
{
	struct drm_dsa_bind_op op = { .op = DRM_DSA_BIND_UNMAP, .va = va, .range = size };

	kmd_bind(dev->fd, dev->vm, &op, 1);
}

/* A bound BO of device memory: its address, or 0 with *err. dev->lock. */
static uint64_t take_bo(struct device *dev, uint64_t size, uint32_t *bo, int *err)
{
	uint64_t span = ALIGN_UP(size, HUGE_PAGE), va;

	*err = kmd_bo_create(dev->fd, size, 0, bo);
	if (*err)
		return 0;
	va = va_alloc(&dev->va, span, HUGE_PAGE);
	*err = va ? bind_bo(dev, *bo, va, size) : -ENOMEM;
	if (!*err)
		return va;
	if (va)
		va_free(&dev->va, va, span);
	kmd_bo_close(dev->fd, *bo);
	return 0;
}

/* dev->lock */
static void give_bo(struct device *dev, uint64_t va, uint64_t size, uint32_t bo)
{
	unbind(dev, va, size);
	kmd_bo_close(dev->fd, bo);
	va_free(&dev->va, va, ALIGN_UP(size, HUGE_PAGE));
}

/* One empty chunk is kept, so that malloc and free in turn are cheap. dev->lock. */
static void trim_chunks(struct device *dev, unsigned int keep)
{
	struct chunk **link = &dev->chunks, *c;

	while ((c = *link)) {
		if (!buddy_empty(&c->buddy) || (keep && keep--)) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		give_bo(dev, c->va, HUGE_PAGE, c->bo);
		free(c);
	}
}

/* dev->lock */
static int take_piece(struct device *dev, struct alloc *a)
{
	struct chunk *c;
	int64_t offset = -1;
	int err;

	for (c = dev->chunks; c; c = c->next) {
		offset = buddy_alloc(&c->buddy, a->size);
		if (offset >= 0)
			break;
	}
	if (!c) {
		c = malloc(sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->va = take_bo(dev, HUGE_PAGE, &c->bo, &err);
		if (!c->va) {
			free(c);
			return err;
		}
		buddy_init(&c->buddy);
		offset = buddy_alloc(&c->buddy, a->size);
		c->next = dev->chunks;
		dev->chunks = c;
	}
	a->kind = ALLOC_PIECE;
	a->chunk = c;
	a->va = c->va + (uint64_t)offset;
	return 0;
}

/* dev->lock */
static void give_back(struct device *dev, const struct alloc *a)
{
	switch (a->kind) {
	case ALLOC_PIECE:
		buddy_free(&a->chunk->buddy, a->va - a->chunk->va, a->size);
		if (buddy_empty(&a->chunk->buddy))
			trim_chunks(dev, 1);
		break;
	case ALLOC_BO:
		give_bo(dev, a->va, a->span, a->bo);
		break;
	case ALLOC_HOST:
		pinned_free(dev, (void *)(uintptr_t)a->va, a->span, a->bo);
		break;
	}
}

/* Gives back what no work uses any more. dev->lock. */
static void reap(struct device *dev)
{
	struct retired **link = &dev->retired, *r;

	while ((r = *link)) {
		unsigned int i = 0;

		while (i < r->dep_count && queue_quiet(r->deps[i].queue, r->deps[i].point))
			i++;
		if (i < r->dep_count) {
			link = &r->next;
			continue;
		}
		*link = r->next;
		give_back(dev, &r->alloc);
		free(r);
	}
}

/* Gives @a back at once, or when what is queued now is done. dev->lock. */
static void retire(struct device *dev, const struct alloc *a)
{
	struct retired *r;
	unsigned int busy = 0;
	struct queue *q;

	reap(dev);
	for (q = dev->queues; q; q = q->next)
		busy += !queue_quiet(q, atomic_load(&q->recorded));
	if (!busy) {
		give_back(dev, a);
		return;
	}
	/* Without memory to remember it by, it stays taken until the process ends. */
	r = malloc(sizeof(*r) + busy * sizeof(r->deps[0]));
	if (!r)
		return;
	r->alloc = *a;
	r->dep_count = 0;
	for (q = dev->queues; q && r->dep_count < busy; q = q->next) {
		uint64_t point = atomic_load(&q->recorded);

		if (!queue_quiet(q, point))
			r->deps[r->dep_count++] = (struct dep){ q, point };
	}
	r->next = dev->retired;
	dev->retired = r;
}

/*
 * What retired memory waits for must come to its end even if nobody looks at
 * those streams again.
 */
static void nudge(struct device *dev)
{
	struct queue *q;

	pthread_mutex_lock(&dev->lock);
	q = dev->retired ? dev->queues : NULL;
	pthread_mutex_unlock(&dev->lock);
	if (!q)
		return;
	/* The list only grows at its head: walking it without the lock is safe. */
	for (; q; q = q->next)
		if (!queue_quiet(q, atomic_load(&q->recorded)))
			queue_nudge(q);
	pthread_mutex_lock(&dev->lock);
	reap(dev);
	pthread_mutex_unlock(&dev->lock);
}

void memory_retire_bo(struct device *dev, uint64_t va, uint64_t size, uint32_t bo)
{
	struct alloc a = { .va = va, .size = size, .span = size, .kind = ALLOC_BO, .bo = bo };

	pthread_mutex_lock(&dev->lock);
	retire(dev, &a);
	pthread_mutex_unlock(&dev->lock);
	nudge(dev);
}

bool memory_wait_retired(struct device *dev)
{
	struct dep dep = { 0 };

	pthread_mutex_lock(&dev->lock);
	reap(dev);
	/* The oldest is the last in the list. */
	for (struct retired *r = dev->retired; r; r = r->next)
		for (unsigned int i = 0; i < r->dep_count; i++)
			if (!queue_quiet(r->deps[i].queue, r->deps[i].point))
				dep = r->deps[i];
	pthread_mutex_unlock(&dev->lock);
	if (!dep.queue)
		return false;
	return queue_block(dep.queue, dep.point) == 0;
}

static int allocate(struct device *dev, struct alloc *a)
{
	int err = 0;

	pthread_mutex_lock(&dev->lock);
	reap(dev);
	if (a->size <= SMALL_MAX) {
		err = take_piece(dev, a);
	} else {
		a->kind = ALLOC_BO;
		a->span = ALIGN_UP(a->size, PAGE);
		a->va = take_bo(dev, a->span, &a->bo, &err);
		if (!a->va) {
			trim_chunks(dev, 0);
			a->va = take_bo(dev, a->span, &a->bo, &err);
		}
	}
	if (!err && !tsearch(a, &dev->allocs, compare_ranges)) {
		give_back(dev, a);
		err = -ENOMEM;
	}
	pthread_mutex_unlock(&dev->lock);
	return err;
}

static dsaError_t out_of_memory(struct device *dev, int err, uint64_t bytes)
{
	struct drm_dsa_memory_info mem = { 0 };

	if (err == -ENODEV)
		return fail_errno(ENODEV, "dsaMalloc");
	kmd_query(dev->fd, DRM_DSA_QUERY_MEMORY, &mem, sizeof(mem));
	return fail(
		dsaErrorMemoryAllocation,
		"dsaMalloc: no room for %llu bytes: %llu of %llu bytes of device memory are free",
		(unsigned long long)bytes, (unsigned long long)mem.hbm_free,
		(unsigned long long)mem.hbm_total);
}

DSA_API dsaError_t dsaMalloc(void **ptr, size_t bytes)
{
	dsaError_t error;
	struct device *dev;
	struct alloc *a;
	int err;

	if (!ptr)
		return fail(dsaErrorInvalidValue, "dsaMalloc: ptr is NULL");
	*ptr = NULL;
	if (!bytes)
		return fail(dsaErrorInvalidValue, "dsaMalloc: size is 0");
	error = device_current(&dev);
	if (error)
		return error;
	if (bytes > dev->info.hbm_bytes)
		return out_of_memory(dev, -ENOSPC, bytes);
	a = calloc(1, sizeof(*a));
	if (!a)
		return fail_errno(ENOMEM, "dsaMalloc");
	a->size = bytes;
	do
		err = allocate(dev, a);
	while (err && memory_wait_retired(dev));
	if (err) {
		free(a);
		return out_of_memory(dev, err, bytes);
	}
	*ptr = (void *)(uintptr_t)a->va;
	return dsaSuccess;
}

/* Takes the allocation that begins at @ptr out of the tree and retires it. */
static bool drop(struct device *dev, const void *ptr, bool host)
{
	struct alloc *a;
	bool found = false;

	pthread_mutex_lock(&dev->lock);
	a = dev->ready ? find_alloc(dev, (uintptr_t)ptr) : NULL;
	if (a && (a->va != (uintptr_t)ptr || (a->kind == ALLOC_HOST) != host))
		a = NULL;
	if (a) {
		tdelete(a, &dev->allocs, compare_ranges);
		retire(dev, a);
		free(a);
		found = true;
	}
	pthread_mutex_unlock(&dev->lock);
	if (found)
		nudge(dev);
	return found;
}

static bool drop_anywhere(const void *ptr, bool host)
{
	for (int i = 0; i < device_count(); i++)
		if (drop(device_by_index(i), ptr, host))
			return true;
	return false;
}

DSA_API dsaError_t dsaFree(void *ptr)
{
	dsaError_t error = devices_init();

	if (error || !ptr)
		return error;
	if (!drop_anywhere(ptr, false))
		return fail(dsaErrorInvalidDevicePointer,
			    "dsaFree: %p is not from dsaMalloc(), or was freed before", ptr);
	return dsaSuccess;
}

void *pinned_alloc(struct device *dev, uint64_t bytes, uint32_t *bo)
{
	int err = kmd_bo_create(dev->fd, bytes, DRM_DSA_BO_SYSTEM, bo);
	void *ptr;

	if (err) {
		errno = -err;
		return NULL;
	}
	ptr = kmd_bo_map(dev->fd, *bo, bytes);
	if (ptr) {
		err = bind_bo(dev, *bo, (uintptr_t)ptr, bytes);
		if (!err)
			return ptr;
		munmap(ptr, bytes);
		errno = -err;
	}
	kmd_bo_close(dev->fd, *bo);
	return NULL;
}

void pinned_free(struct device *dev, void *ptr, uint64_t bytes, uint32_t bo)
{
	unbind(dev, (uintptr_t)ptr, bytes);
	munmap(ptr, bytes);
	kmd_bo_close(dev->fd, bo);
}

static int allocate_host(struct device *dev, struct alloc *a)
{
	void *memory;
	int err = 0;

	pthread_mutex_lock(&dev->lock);
	reap(dev);
	memory = pinned_alloc(dev, a->span, &a->bo);
	a->va = (uintptr_t)memory;
	if (!memory) {
		err = -errno;
	} else if (!tsearch(a, &dev->allocs, compare_ranges)) {
		pinned_free(dev, memory, a->span, a->bo);
		err = -ENOMEM;
	}
	pthread_mutex_unlock(&dev->lock);
	return err;
}

DSA_API dsaError_t dsaMallocHost(void **ptr, size_t bytes)
{
	dsaError_t error;
	struct device *dev;
	struct alloc *a;
	int err;

	if (!ptr)
		return fail(dsaErrorInvalidValue, "dsaMallocHost: ptr is NULL");
	*ptr = NULL;
	if (!bytes)
		return fail(dsaErrorInvalidValue, "dsaMallocHost: size is 0");
	error = device_current(&dev);
	if (error)
		return error;
	if (bytes > 1ull << 46)
		return fail(dsaErrorOutOfHostMemory, "dsaMallocHost: no room for %zu bytes", bytes);
	a = calloc(1, sizeof(*a));
	if (!a)
		return fail_errno(ENOMEM, "dsaMallocHost");
	a->kind = ALLOC_HOST;
	a->size = bytes;
	a->span = ALIGN_UP(bytes, PAGE);
	do
		err = allocate_host(dev, a);
	while (err && memory_wait_retired(dev));
	if (err) {
		free(a);
		if (err == -ENODEV)
			return fail_errno(ENODEV, "dsaMallocHost");
		return fail(dsaErrorOutOfHostMemory, "dsaMallocHost: no room for %zu bytes: %s",
			    bytes, strerror(-err));
	}
	*ptr = (void *)(uintptr_t)a->va;
	return dsaSuccess;
}

DSA_API dsaError_t dsaFreeHost(void *ptr)
{
	dsaError_t error = devices_init();

	if (error || !ptr)
		return error;
	if (!drop_anywhere(ptr, true))
		return fail(dsaErrorInvalidValue,
			    "dsaFreeHost: %p is not from dsaMallocHost(), or was freed before",
			    ptr);
	return dsaSuccess;
}

enum where memory_where(struct device *dev, const void *ptr, uint64_t bytes)
{
	uint64_t va = (uintptr_t)ptr;
	struct alloc *a;
	bool inside;

	if (va + bytes < va)
		return WHERE_BAD;
	pthread_mutex_lock(&dev->lock);
	a = find_alloc(dev, va);
	inside = a && bytes <= a->va + a->size - va;
	pthread_mutex_unlock(&dev->lock);
	if (va >= DEVICE_VA_BASE)
		return inside ? WHERE_DEVICE : WHERE_BAD;
	return inside ? WHERE_PINNED : WHERE_PAGEABLE;
}

/* For twalk_r: the allocation with the highest start not above the key's. */
struct nearest {
	uint64_t address;
	const struct alloc *found;
};

static void visit_nearest(const void *node, VISIT order, void *arg)
{
	const struct alloc *a = *(const struct alloc *const *)node;
	struct nearest *n = arg;

	if ((order == postorder || order == leaf) && a->va <= n->address &&
	    (!n->found || a->va > n->found->va))
		n->found = a;
}

void memory_describe(struct device *dev, uint64_t address, char *text, size_t size)
{
	struct nearest n = { .address = address };
	uint64_t past;

	text[0] = '\0';
	pthread_mutex_lock(&dev->lock);
	twalk_r(dev->allocs, visit_nearest, &n);
	if (n.found && address - n.found->va < n.found->size) {
		snprintf(text, size, "inside %llu bytes at 0x%llx",
			 (unsigned long long)n.found->size, (unsigned long long)n.found->va);
	} else if (n.found) {
		past = address - n.found->va - n.found->size;
		if (past < 16 * MIB)
			snprintf(text, size, "%llu bytes past the end of %llu bytes at 0x%llx",
				 (unsigned long long)past, (unsigned long long)n.found->size,
				 (unsigned long long)n.found->va);
	}
	pthread_mutex_unlock(&dev->lock);
}

DSA_API dsaError_t dsaMemGetInfo(size_t *free_bytes, size_t *total)
{
	struct drm_dsa_memory_info mem = { 0 };
	struct device *dev;
	dsaError_t error = device_current(&dev);
	int ret;

	if (error)
		return error;
	if (!free_bytes || !total)
		return fail(dsaErrorInvalidValue, "dsaMemGetInfo: free or total is NULL");
	nudge(dev);
	ret = kmd_query(dev->fd, DRM_DSA_QUERY_MEMORY, &mem, sizeof(mem));
	if (ret)
		return fail_errno(-ret, "dsaMemGetInfo");
	*free_bytes = mem.hbm_free;
	*total = mem.hbm_total;
	return dsaSuccess;
}
