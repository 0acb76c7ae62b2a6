/* SPDX-License-Identifier: MIT */
/* Small pinned slots that the device writes: time stamps, completion words. */
#include "internal.h"

#include <stdlib.h>

#define BLOCK_BYTES (64 * KIB)

/* A slot that the device may still write. */
struct retired_slot {
	struct retired_slot *next;
	struct slot *slot;
	struct queue *queue;
	uint64_t point;
};

/* dev->lock */
static void put_free(struct device *dev, struct slot *slot)
{
	slot->next_free = dev->free_slots;
	dev->free_slots = slot;
}

/* dev->lock */
static void reap(struct device *dev)
{
	struct retired_slot **link = &dev->retired_slots, *r;

	while ((r = *link)) {
		if (queue_quiet(r->queue, r->point)) {
			*link = r->next;
			put_free(dev, r->slot);
			free(r);
		} else {
			link = &r->next;
		}
	}
}

/* Blocks of slots are never given back: they are few and small. dev->lock. */
static void add_block(struct device *dev)
{
	uint32_t bo;
	struct slot *slots = pinned_alloc(dev, BLOCK_BYTES, &bo);

	if (!slots)
		return;
	for (size_t i = 0; i < BLOCK_BYTES / sizeof(*slots); i++)
		put_free(dev, &slots[i]);
}

struct slot *slot_get(struct device *dev)
{
	struct slot *slot;

	pthread_mutex_lock(&dev->lock);
	if (!dev->free_slots)
		reap(dev);
	if (!dev->free_slots)
		add_block(dev);
	slot = dev->free_slots;
	if (slot) {
		dev->free_slots = slot->next_free;
		slot->stamp.device_ns = 0;
		slot->stamp.wall_ns = 0;
	}
	pthread_mutex_unlock(&dev->lock);
	return slot;
}

void slot_retire(struct device *dev, struct slot *slot, struct queue *queue, uint64_t point)
{
	struct retired_slot *r = NULL;

	pthread_mutex_lock(&dev->lock);
	if (!queue || queue_quiet(queue, point)) {
		put_free(dev, slot);
	} else {
		/* Without memory to remember it by, the slot is lost: 64 bytes. */
		r = malloc(sizeof(*r));
		if (r) {
			*r = (struct retired_slot){ dev->retired_slots, slot, queue, point };
			dev->retired_slots = r;
		}
	}
	pthread_mutex_unlock(&dev->lock);
}
