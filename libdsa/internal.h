/* SPDX-License-Identifier: MIT */
/*
 * libdsa's inside: what its files know of each other.
 *
 * Lock order, outermost first: that of print.c for delivery, queue.lock,
 * device.lock or queue.print.lock, the handle table's lock. No thread holds two queues' locks. A call that may wait for the
 * device holds none of them.
 */
#ifndef DSA_INTERNAL_H
#define DSA_INTERNAL_H

#include <dsa/dsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <drm.h>
#include "devrt/print.h"
#include "drm/dsa_accel.h"
#include "dsa_cmd.h"

#define MAX_DEVICES 16
#define PAGE        4096ull
#define HUGE_PAGE   (2ull << 20)
#define KIB         1024ull
#define MIB         (1024 * KIB)

#define ALIGN_UP(v, a) (((v) + (a) - 1) & ~((uint64_t)(a) - 1))

/*
 * Device memory lives in the upper half of the 48-bit address space, where no
 * host pointer can be; pinned host memory is bound at the host's own address.
 * So an address alone says what it is. Each device has its own 4 TiB, so that
 * the address of a free or a copy also says which device.
 */
#define DEVICE_VA_BASE (1ull << 47)
#define DEVICE_VA_SIZE (1ull << 42)

/* ---- error.c ---- */

/* Sets the thread's last error and its text; returns @error. */
dsaError_t fail(dsaError_t error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a failed system call: @err is its errno. */
dsaError_t fail_errno(int err, const char *what);
/* The same with a fault's whole record. */
dsaError_t fail_info(const dsaErrorInfo *info);

/* ---- object.c: handles ---- */

enum object_kind {
	OBJECT_STREAM = 1,
	OBJECT_EVENT,
	OBJECT_MODULE,
	OBJECT_FUNCTION,
	OBJECT_COUNTERS,
};

/* First member of everything that has a handle. */
struct object {
	enum object_kind kind;
	atomic_uint refs;
	void *handle;
	void (*destroy)(struct object *object);
};

/* Publishes @object under a new handle; the table owns one reference. */
dsaError_t object_publish(struct object *object, enum object_kind kind,
			  void (*destroy)(struct object *), void *handle_out);
/* Takes a reference; NULL and the thread's last error if @handle is not one of @kind. */
void *object_get(const void *handle, enum object_kind kind);
void object_put(struct object *object);
/* Removes the handle; returns the table's reference, for the caller to put. */
void *object_withdraw(const void *handle, enum object_kind kind);

/* ---- kmd.c: the ioctls ---- */

int kmd_open(const char *path);
int kmd_query(int fd, uint32_t type, void *data, uint32_t size);
int kmd_bo_create(int fd, uint64_t bytes, uint32_t flags, uint32_t *handle);
void kmd_bo_close(int fd, uint32_t handle);
/* MAP_FAILED never: NULL and errno. */
void *kmd_bo_map(int fd, uint32_t handle, uint64_t bytes);
int kmd_vm_create(int fd, uint32_t *vm);
int kmd_bind(int fd, uint32_t vm, const struct drm_dsa_bind_op *ops, uint32_t count);
int kmd_queue_create(int fd, uint32_t vm, uint32_t *queue);
int kmd_queue_destroy(int fd, uint32_t queue);
int kmd_queue_state(int fd, struct drm_dsa_queue_state *state);
int kmd_submit(int fd, uint32_t queue, uint64_t va, uint64_t bytes,
	       const struct drm_dsa_sync *syncs, uint32_t count);
int kmd_syncobj_create(int fd, uint32_t *handle);
/* Blocks until @point is signalled, or until @deadline (CLOCK_MONOTONIC, ns): -ETIME. */
int kmd_syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t deadline);

/* ---- va.c: address ranges ---- */

struct va_hole {
	struct va_hole *next;
	uint64_t start, size;
};

struct va_space {
	struct va_hole *holes; /* by address; no two touch */
};

int va_init(struct va_space *space, uint64_t start, uint64_t size);
void va_fini(struct va_space *space);
/* 0 on failure; @align is a power of two. */
uint64_t va_alloc(struct va_space *space, uint64_t size, uint64_t align);
/* Cannot fail: without memory for a new hole the range is just lost. */
void va_free(struct va_space *space, uint64_t start, uint64_t size);

/* ---- buddy.c: pieces of a 2 MiB chunk ---- */

#define BUDDY_MIN_SHIFT 8
#define BUDDY_MAX_SHIFT 21
#define BUDDY_ORDERS    (BUDDY_MAX_SHIFT - BUDDY_MIN_SHIFT + 1)

struct buddy {
	/* Per node of the tree, heap order: largest free order + 1 below it, 0 = none. */
	uint8_t largest[2 << (BUDDY_ORDERS - 1)];
};

void buddy_init(struct buddy *buddy);
/* Offset of a block of at least @bytes, or -1. */
int64_t buddy_alloc(struct buddy *buddy, uint64_t bytes);
void buddy_free(struct buddy *buddy, uint64_t offset, uint64_t bytes);
bool buddy_empty(const struct buddy *buddy);

/* ---- device.c ---- */

struct chunk;
struct alloc;
struct retired;
struct module;
struct queue;

struct device {
	int index;
	int fd;
	char path[64];
	int driver_version;
	struct drm_dsa_device_info info;
	atomic_ullong launches;    /* launch ids given out */
	atomic_ullong print_bytes; /* size of new print buffers */

	pthread_mutex_t lock; /* all below */
	bool ready;           /* vm exists */
	uint32_t vm;
	struct va_space va;
	void *allocs; /* tsearch tree of struct alloc, by address */
	struct chunk *chunks;
	struct retired *retired; /* freed, but perhaps still in use */
	struct slot_block *slot_blocks;
	struct slot *free_slots;
	struct retired_slot *retired_slots;
	struct ring_memory *spare_rings;
	struct module *modules;
	struct queue *queues;   /* never shrinks */
	unsigned int hw_queues; /* hardware queues held */
};

/* The calling thread's part of the library. */
struct thread_state {
	int device;
	dsaError_t last;
	dsaErrorInfo info;
	struct stream *default_stream[MAX_DEVICES];
};

/* Never NULL: a thread that runs out of memory shares a spare one. */
struct thread_state *thread_state(void);

/* Finds devices (once); sets the last error when there is none. */
dsaError_t devices_init(void);
/* The thread's current device, ready for use. */
dsaError_t device_current(struct device **dev);
struct device *device_by_index(int index);
int device_count(void);

/* ---- memory.c ---- */

enum where {
	WHERE_PAGEABLE, /* ordinary host memory */
	WHERE_PINNED,   /* host memory that the device reaches */
	WHERE_DEVICE,
	WHERE_BAD, /* a device address outside live memory */
};

/* What [@ptr, @ptr + @bytes) is to @dev. */
enum where memory_where(struct device *dev, const void *ptr, uint64_t bytes);
/* Takes pinned memory for the library's own use; NULL and errno on failure. */
void *pinned_alloc(struct device *dev, uint64_t bytes, uint32_t *bo);
void pinned_free(struct device *dev, void *ptr, uint64_t bytes, uint32_t bo);
/* "12 bytes past the end of 4096 bytes from dsaMalloc() at 0x..", or "". */
void memory_describe(struct device *dev, uint64_t address, char *text, size_t size);
/* Gives back @bo at @va once all work queued so far on @dev is done. */
void memory_retire_bo(struct device *dev, uint64_t va, uint64_t size, uint32_t bo);
/* Blocks until some memory that was freed in use may have come back; false: there is none. */
bool memory_wait_retired(struct device *dev);

/* ---- slot.c: pinned 64-byte slots for time stamps and completion words ---- */

struct slot {
	union {
		struct {
			uint64_t device_ns;
			uint64_t wall_ns;
		} stamp;
		atomic_ullong word;
		struct slot *next_free;
	};
	uint64_t pad[6];
};

/* NULL when out of memory. Takes dev->lock. */
struct slot *slot_get(struct device *dev);
/* Free once @queue (NULL: at once) has passed @point. Takes dev->lock. */
void slot_retire(struct device *dev, struct slot *slot, struct queue *queue, uint64_t point);

/* ---- format.c: records of kernels' printf to text ---- */

struct text {
	char *bytes; /* NUL after the last one */
	size_t length, size;
};

/* False: out of memory. */
bool text_add(struct text *text, const char *from, size_t bytes);
/* False: malformed (or out of memory); @text has what was good of it. */
bool format_record(struct text *text, const void *record, uint64_t bytes);

/* ---- reader.c: print buffers, in any state that a kernel can leave them in ---- */

struct print_reader {
	struct dsa_print_buffer *buffer; /* NULL: none */
	uint64_t bytes;                  /* of its data */
	uint64_t tail;                   /* read up to there */
	uint64_t lost;                   /* records known to be lost */
	bool damaged;                    /* not read any more */
	uint8_t *copy;                   /* of the record at hand: the original may change */
	struct text text;                /* read so far, not yet delivered */
	char assertion[256];             /* the last that failed, or "" */
	uint32_t assertion_program[3];
};

/* Begins with @buffer of @bytes in all, which the device does not use now. False: out of memory. */
bool reader_attach(struct print_reader *reader, void *buffer, uint64_t bytes);
/* Keeps the text. Returns the buffer. */
void *reader_detach(struct print_reader *reader);
/*
 * Adds complete records to the text. @final: the device is not at it, skip
 * what it left half done.
 */
void reader_read(struct print_reader *reader, bool final);

/* ---- print.c: kernels' text, from queues to the program ---- */

#define PRINT_DEFAULT_BYTES (64 * KIB)

struct print {
	atomic_bool used;     /* once there was a buffer; never reset */
	pthread_mutex_t lock; /* all below */
	struct print_reader reader;
	uint64_t bytes; /* of the whole buffer */
	uint32_t bo;
};

/* Sees to it that @queue has a buffer, of the size that is wanted now. */
dsaError_t print_prepare(struct queue *queue);
/* For a launch's @user; 0: none. queue->lock. */
uint64_t print_address(struct queue *queue);
/*
 * Hands over what the queue's kernels have printed; returns the handler's
 * result. No lock. Leaves the thread's last error alone.
 */
dsaError_t print_deliver(struct queue *queue);
/*
 * The end of a call that has waited for @queue, or met its fault, with @error:
 * the same, but sets the last error and returns it if @error is success.
 */
dsaError_t print_settle(struct queue *queue, dsaError_t error);
/* The same for all queues of @dev. */
dsaError_t print_settle_all(struct device *dev, dsaError_t error);
/* Takes what is there when the device has stopped. queue->lock. */
void print_stopped(struct queue *queue);
/* The queue has no work: gives the buffer back, keeps the text. queue->lock. */
void print_release(struct queue *queue);
/* Of a program that stopped, its failed assertion in words; else "". queue->lock. */
void print_assertion(struct queue *queue, const uint32_t program[3], char *text, size_t size);

/* ---- queue.c: hardware queues, command buffers, completion ---- */

#define RING_CMD_BYTES     (256 * KIB)
#define RING_DATA_BYTES    (1 * MIB)
#define BATCH_MAX_BYTES    (64 * KIB)
#define BATCH_MAX_DEPS     16
#define QUEUE_MAX_INFLIGHT 64
/* Batches kept on the device before further commands gather in one. */
#define QUEUE_DEPTH 2
/* A batch this long is worth a system call while another one runs ... */
#define GATHER_BYTES (4 * KIB)
/* ... and a shorter one when that other one takes longer than this. */
#define GATHER_NS    500000
#define STAGE_CHUNK  (512 * KIB)
#define STAGE_CHUNKS 4

/* One piece of pinned memory per queue: commands, then their data. */
struct ring_memory {
	struct ring_memory *next;
	uint8_t *base;
	uint32_t bo;
};

struct batch {
	uint64_t point;
	uint64_t cmd_end, data_end;
};

struct dep {
	struct queue *queue;
	uint64_t point;
};

/* A closed batch on its way to the kernel. */
struct outgoing {
	bool pending;
	uint64_t point, va, bytes;
	struct drm_dsa_sync syncs[BATCH_MAX_DEPS + 1];
	uint32_t sync_count;
};

/* Bounce buffers for pageable memory. */
struct stage {
	pthread_mutex_t lock; /* all below; held for a whole copy; outside queue.lock */
	uint8_t *base;
	uint32_t bo;
	uint64_t busy[STAGE_CHUNKS]; /* point that frees the chunk */
	unsigned int next;
};

struct queue {
	struct device *dev;
	struct queue *next; /* set before the queue is published */
	uint32_t syncobj;
	struct slot *done;      /* last completed point, written by the device */
	atomic_ullong recorded; /* point that covers all commands so far */
	atomic_bool failed;     /* takes no more work; set once, after fault is written */
	atomic_bool dead;       /* failed, and nothing of it runs any more; set once */
	atomic_bool streak;     /* commands were recorded since anyone waited */
	dsaErrorInfo fault;
	uint64_t last_point; /* of what still runs, when failed but not dead */
	unsigned int users;  /* dev->lock: streams */
	bool open;           /* dev->lock: has a hardware queue; lock to read */

	pthread_mutex_t lock; /* all below */
	uint32_t id;
	struct ring_memory *ring;
	uint64_t cmd_head, cmd_tail; /* free-running bytes */
	uint64_t data_head, data_tail;
	uint64_t batch_start; /* of the batch being recorded */
	bool batch_lazy;      /* it holds nothing that anyone waits for */
	struct dep deps[BATCH_MAX_DEPS];
	unsigned int dep_count;
	uint64_t closed;     /* point of the last closed batch */
	uint64_t submitted;  /* last point that the kernel has */
	struct outgoing out; /* sender's alone while sending */
	bool sending;        /* a thread is in the system call, without the lock */
	pthread_cond_t sent;
	struct batch inflight[QUEUE_MAX_INFLIGHT];
	unsigned int inflight_first, inflight_count;
	bool stalled; /* the last submit failed; a caller must retry */
	bool helper_started, helper_idle;
	pthread_cond_t work; /* for the helper */

	struct stage stage;
	struct print print;
};

/* A queue for a new stream, shared if need be; counts a user. */
dsaError_t queue_acquire(struct device *dev, struct queue **queue);
/* Drops a user; the work goes on. */
void queue_release(struct queue *queue);

/*
 * Room for a command of @bytes, and for @data_bytes of data (0: none) that
 * lives until it has completed. On success queue->lock is held: fill in the
 * command, then queue_commit().
 */
dsaError_t queue_reserve(struct queue *queue, size_t bytes, size_t data_bytes, void **cmd,
			 void **data);
/*
 * Ends the recording of the command, drops the lock. *point (NULL: not
 * wanted) is reached when the command has completed.
 * @lazy: nobody needs it to run before something else does, or before the
 * caller waits for it.
 */
dsaError_t queue_commit(struct queue *queue, size_t bytes, bool lazy, uint64_t *point);
/* Hands all recorded commands to the device. */
dsaError_t queue_flush(struct queue *queue);
/*
 * The same: 0, or the errno that forbids it. This and the four below leave
 * the thread's last error alone.
 */
int queue_push(struct queue *queue);
/* Blocks until @point has completed or is lost; 0, or the errno that forbids waiting. */
int queue_block(struct queue *queue, uint64_t point);
/* Finds out whether the device has stopped the queue. */
void queue_notice(struct queue *queue);
/* Finds out about @point, without blocking; 0, or the errno that forbids looking. */
int queue_look(struct queue *queue, uint64_t point);
/* Sees to it that the queue gets to its end, or is found dead, though nobody looks again. */
void queue_nudge(struct queue *queue);
/* queue_block(), then success or the sticky error. */
dsaError_t queue_wait(struct queue *queue, uint64_t point);
/* Success, dsaErrorNotReady, or the sticky error. Flushes if need be. */
dsaError_t queue_query(struct queue *queue, uint64_t point);
/* Later commands of @queue start after @point of @other, or fail with it. */
dsaError_t queue_add_dep(struct queue *queue, struct queue *other, uint64_t point);
/* The sticky error, into the thread's last error. */
dsaError_t queue_error(struct queue *queue);

static inline bool queue_passed(struct queue *queue, uint64_t point)
{
	return atomic_load_explicit(&queue->done->word, memory_order_acquire) >= point;
}

/* The sticky error is there; what is on the device may still run. */
static inline bool queue_failed(const struct queue *queue)
{
	return atomic_load(&queue->failed);
}

/* @point will never be reached, as far as is known. */
static inline bool queue_lost(struct queue *queue, uint64_t point)
{
	if (!queue_failed(queue) || (!atomic_load(&queue->dead) && point <= queue->last_point))
		return false;
	return !queue_passed(queue, point);
}

/* No more work will happen up to @point: done, or lost. */
static inline bool queue_quiet(struct queue *queue, uint64_t point)
{
	return queue_passed(queue, point) || atomic_load(&queue->dead);
}

/* ---- fault.c ---- */

/* Fills queue->fault from the driver's record. queue->lock. */
void fault_capture(struct queue *queue);
/* Fills it for a queue that waited for @other, which has failed. queue->lock. */
void fault_inherit(struct queue *queue, const struct queue *other);

/* ---- stream.c ---- */

struct stream {
	struct object object;
	struct device *dev;
	_Atomic(struct queue *) queue;
	pthread_mutex_t lock;      /* all below; no other is taken inside */
	struct counters *counters; /* of its launches from now on; NULL: none */
};

/*
 * The stream of a handle, with a reference: NULL is the calling thread's
 * default stream on its current device.
 */
dsaError_t stream_get(dsaStream_t handle, struct stream **stream);
void stream_put(struct stream *stream);
/* For a thread that ends. */
void stream_drop_default(struct stream *stream);

/* ---- counters.c ---- */

/* What the stream's launches are counted in, with a reference; or NULL. */
struct counters *counters_of(struct stream *stream);
/* The stream has none any more; false: it had none. */
bool counters_detach(struct stream *stream);
/*
 * Around the recording of a counted launch on @queue: where it is to add to,
 * and the point of it (0: it was not recorded). The second drops the reference.
 */
uint64_t counters_begin(struct counters *counters, struct queue *queue);
void counters_end(struct counters *counters, struct queue *queue, uint64_t point);

/* ---- elf.c ---- */

#define ELF_MAX_SPAN (256 * MIB)

struct elf_segment {
	uint64_t va, size;   /* page aligned; relative to the image */
	uint32_t bind_flags; /* DRM_DSA_BIND_* */
};

struct elf_kernel {
	char *name;
	uint64_t entry; /* relative to the image */
	struct dsa_kernel_meta meta;
};

struct elf_module {
	uint8_t *image; /* what memory holds after loading */
	uint64_t span;  /* its size, page aligned */
	struct elf_segment *segments;
	unsigned int segment_count;
	struct elf_kernel *kernels;
	unsigned int kernel_count;
	bool prints;     /* it may call dsa_printf() */
	char error[256]; /* why parsing failed */
};

/* Checks everything. On failure @module has the reason, and nothing to free. */
bool elf_parse(const void *file, size_t bytes, struct elf_module *module);
void elf_free(struct elf_module *module);
/* Length of an ELF file by its own headers; 0 if it is none. */
size_t elf_length(const void *file);

/* ---- module.c ---- */

struct function {
	struct object object;
	struct module *module; /* holds a reference */
	uint64_t entry;        /* device address */
	const struct elf_kernel *kernel;
};

struct module {
	struct object object;
	struct device *dev;
	struct module *next; /* dev->lock: dev->modules */
	uint64_t va;
	uint32_t bo;
	bool loaded; /* dev->lock: cleared by unload */
	struct elf_module elf;
	struct function **functions; /* per kernel; handed out so far; dev->lock */
};

/* Names the kernel with entry or code at @pc, and @pc as an address in its ELF. */
bool module_find(struct device *dev, uint64_t entry, uint64_t pc, char *name, size_t size,
		 uint64_t *pc_in_module);

#endif /* DSA_INTERNAL_H */
