/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DSA_RESET_H
#define DSA_RESET_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct dsa_device;
struct dsa_queue;

/* What is reset, from the least to the most. */
enum dsa_reset_level {
	DSA_RESET_QUEUE,
	DSA_RESET_ENGINE,
	DSA_RESET_DEVICE,
};

/**
 * struct dsa_reset_event - What user space is told of a reset.
 * @level: what was reset.
 * @failed: in vain.
 * @queue: hardware queue to blame, or -1.
 * @flags: its DRM_DSA_QUEUE_*.
 * @client_id: whose it is.
 */
struct dsa_reset_event {
	enum dsa_reset_level level;
	bool failed;
	int queue;
	u32 flags;
	u64 client_id;
};

/* More than can happen until a worker runs, but for programs that do nothing else. */
#define DSA_RESET_EVENTS	64

/**
 * struct dsa_reset_events - Uevents to be sent: recovery itself must not allocate.
 * @work: sends them.
 * @list: a ring of them.
 * @first: the oldest.
 * @count: how many.
 * @lost: how many more there would have been.
 */
struct dsa_reset_events {
	struct work_struct work;
	/** @lock: protects all below. */
	spinlock_t lock;
	struct dsa_reset_event list[DSA_RESET_EVENTS];
	unsigned int first;
	unsigned int count;
	unsigned int lost;
};

struct dsa_dump;

void dsa_reset_events_init(struct dsa_device *dsa);
void dsa_reset_event(struct dsa_device *dsa, enum dsa_reset_level level, bool failed,
		     struct dsa_queue *queue);

int dsa_reset_hw(struct dsa_device *dsa);
void dsa_int_enable(struct dsa_device *dsa, u32 mask);
void dsa_lose_queues(struct dsa_device *dsa, struct dsa_queue *guilty);
void dsa_device_end_locked(struct dsa_device *dsa, int error);
void dsa_device_reset_locked(struct dsa_device *dsa, struct dsa_queue *guilty);
int dsa_device_reset(struct dsa_device *dsa);

/* dsa_coredump.c */
int dsa_dump_init(struct dsa_device *dsa);
void dsa_dump_flush(struct dsa_device *dsa);
void dsa_dump_begin_locked(struct dsa_device *dsa);
void dsa_dump_end_locked(struct dsa_device *dsa, struct dsa_queue *queue,
			 enum dsa_reset_level level);

#endif /* DSA_RESET_H */
