/* SPDX-License-Identifier: MIT */
/*
 * Handles: what programs hold instead of pointers.
 *
 * A handle is a table index, the object's kind and a generation that changes
 * with each use of the index, packed into a pointer's bits. Any value can be
 * looked up safely: one that is stale, of another kind or invented is just
 * not found.
 */
#include "internal.h"

#include <stdlib.h>

#define INDEX_BITS      24
#define KIND_BITS       4
#define GENERATION_MASK 0xfffffu

struct entry {
	struct object *object;
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static struct entry *table;
static uint32_t table_size, table_used, first_free;

static const char *const kind_names[] = {
	[OBJECT_STREAM] = "stream",
	[OBJECT_EVENT] = "event",
	[OBJECT_MODULE] = "module",
	[OBJECT_FUNCTION] = "function",
	[OBJECT_COUNTERS] = "set of counters",
};

static void *pack(uint32_t index, enum object_kind kind, uint32_t generation)
{
	uint64_t v = index + 1;

	v |= (uint64_t)kind << INDEX_BITS;
	v |= (uint64_t)(generation & GENERATION_MASK) << (INDEX_BITS + KIND_BITS);
	return (void *)(uintptr_t)v;
}

/* The index of a live handle, or -1. table_lock. */
static int64_t find(const void *handle, enum object_kind kind)
{
	uint64_t v = (uintptr_t)handle;
	uint32_t index = (uint32_t)(v & ((1u << INDEX_BITS) - 1));

	if (index == 0 || index > table_used)
		return -1;
	index--;
	if (!table[index].object || table[index].object->kind != kind ||
	    table[index].object->handle != handle)
		return -1;
	return index;
}

/* table_lock */
static int64_t take_index(void)
{
	struct entry *bigger;
	uint32_t size;

	if (first_free) {
		uint32_t index = first_free - 1;

		first_free = table[index].next_free;
		return index;
	}
	if (table_used == table_size) {
		size = table_size ? table_size * 2 : 64;
		if (size >= 1u << INDEX_BITS)
			return -1;
		bigger = realloc(table, size * sizeof(*table));
		if (!bigger)
			return -1;
		for (uint32_t i = table_size; i < size; i++)
			bigger[i] = (struct entry){ 0 };
		table = bigger;
		table_size = size;
	}
	return table_used++;
}

dsaError_t object_publish(struct object *object, enum object_kind kind,
			  void (*destroy)(struct object *), void *handle_out)
{
	int64_t index;

	object->kind = kind;
	object->destroy = destroy;
	atomic_init(&object->refs, 1);
	pthread_mutex_lock(&table_lock);
	index = take_index();
	if (index >= 0) {
		object->handle = pack((uint32_t)index, kind, table[index].generation);
		table[index].object = object;
		*(void **)handle_out = object->handle;
	}
	pthread_mutex_unlock(&table_lock);
	if (index < 0)
		return fail(dsaErrorOutOfHostMemory, "no memory for another %s handle",
			    kind_names[kind]);
	return dsaSuccess;
}

static void not_found(const void *handle, enum object_kind kind)
{
	fail(dsaErrorInvalidResourceHandle,
	     "%p is not a %s: never was, is destroyed, or is of another kind", handle,
	     kind_names[kind]);
}

void *object_get(const void *handle, enum object_kind kind)
{
	struct object *object = NULL;
	int64_t index;

	pthread_mutex_lock(&table_lock);
	index = find(handle, kind);
	if (index >= 0) {
		object = table[index].object;
		atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&table_lock);
	if (!object)
		not_found(handle, kind);
	return object;
}

void object_put(struct object *object)
{
	if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1)
		object->destroy(object);
}

void *object_withdraw(const void *handle, enum object_kind kind)
{
	struct object *object = NULL;
	int64_t index;

	pthread_mutex_lock(&table_lock);
	index = find(handle, kind);
	if (index >= 0) {
		object = table[index].object;
		table[index].object = NULL;
		table[index].generation++;
		table[index].next_free = first_free;
		first_free = (uint32_t)index + 1;
	}
	pthread_mutex_unlock(&table_lock);
	if (!object)
		not_found(handle, kind);
	return object;
}
