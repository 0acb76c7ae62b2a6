// SPDX-License-Identifier: GPL-2.0
/*
 * Devcoredump: what the device and the queue looked like when something hung.
 *
 * Recovery must not allocate, nor wait for who changes an address space: the
 * dump is written into a buffer that is there from the start, and a worker
 * gives a copy of it away. While it has not, there is no second dump.
 */

#include <linux/crc32.h>
#include <linux/devcoredump.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <drm/dsa_coredump.h>
#include <hw/dsa_ring.h>

#include "dsa_hw.h"
#include "dsa_mmu.h"
#include "dsa_queue.h"
#include "dsa_vm.h"

#define DSA_DUMP_BYTES		SZ_128K
#define DSA_DUMP_PACKETS	16	/* of the ring */
#define DSA_DUMP_PACKETS_BEFORE	4	/* of those, completed ones */
#define DSA_DUMP_CHUNKS		16	/* of the command buffer */
#define DSA_DUMP_RUNS		2048	/* of pages */
#define DSA_DUMP_ENTRIES	16384	/* page-table entries that are looked at */

#define DSA_DUMP_CHUNK		sizeof_field(struct dsa_dump_bytes, data)

/**
 * enum dsa_dump_state - Whose the buffer is.
 * @DSA_DUMP_IDLE: nobody's.
 * @DSA_DUMP_BEGUN: of who holds &dsa_device.hw_lock.
 * @DSA_DUMP_DONE: the worker's.
 */
enum dsa_dump_state {
	DSA_DUMP_IDLE,
	DSA_DUMP_BEGUN,
	DSA_DUMP_DONE,
};

/**
 * struct dsa_dump - The dump that is being made; under &dsa_device.hw_lock.
 * @dsa: the device.
 * @work: gives it away.
 * @state: changed by the worker, too, which does so last.
 * @limit: how many there may be.
 * @len: bytes in @buf.
 * @section: the one that is being written.
 * @buf: DSA_DUMP_BYTES.
 */
struct dsa_dump {
	struct dsa_device *dsa;
	struct work_struct work;
	enum dsa_dump_state state;
	struct ratelimit_state limit;
	size_t len;
	struct dsa_dump_section *section;
	u8 *buf;
};

static void dsa_dump_work(struct work_struct *work)
{
	struct dsa_dump *dump = container_of(work, struct dsa_dump, work);
	void *data = vmalloc(dump->len);

	if (data) {
		memcpy(data, dump->buf, dump->len);
		dev_coredumpv(dump->dsa->drm.dev, data, dump->len, GFP_KERNEL);
	}
	/* Pairs with dsa_dump_begin_locked(): the buffer is read before it is written again. */
	smp_store_release(&dump->state, DSA_DUMP_IDLE);
}

static void dsa_dump_fini(struct drm_device *drm, void *arg)
{
	struct dsa_dump *dump = arg;

	vfree(dump->buf);
	kfree(dump);
}

int dsa_dump_init(struct dsa_device *dsa)
{
	struct dsa_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	dump->buf = vmalloc(DSA_DUMP_BYTES);
	if (!dump->buf) {
		kfree(dump);
		return -ENOMEM;
	}
	dump->dsa = dsa;
	INIT_WORK(&dump->work, dsa_dump_work);
	ratelimit_state_init(&dump->limit, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);
	ratelimit_set_flags(&dump->limit, RATELIMIT_MSG_ON_RELEASE);
	dsa->dump = dump;
	return drmm_add_action_or_reset(&dsa->drm, dsa_dump_fini, dump);
}

/**
 * dsa_dump_flush - Give away what has been dumped.
 * @dsa: the device, on its way out.
 */
void dsa_dump_flush(struct dsa_device *dsa)
{
	flush_work(&dsa->dump->work);
}

/* ---- sections ---- */

static void dsa_dump_section(struct dsa_dump *dump, u32 type, u32 stride)
{
	struct dsa_dump_header *header = (struct dsa_dump_header *)dump->buf;

	/* Elements are multiples of 8 bytes, and all sections together have room. */
	dump->section = (struct dsa_dump_section *)(dump->buf + dump->len);
	*dump->section = (struct dsa_dump_section) { .type = type, .stride = stride };
	dump->len += sizeof(*dump->section);
	header->section_count++;
}

/* A zeroed element of the section, or NULL: then the section is marked as cut. */
static void *dsa_dump_element(struct dsa_dump *dump)
{
	/* Room for the headers of what follows. */
	const size_t spare = SZ_1K;
	u32 stride = dump->section->stride;
	void *element = dump->buf + dump->len;

	if (dump->len + stride + spare > DSA_DUMP_BYTES) {
		dump->section->flags |= DSA_DUMP_CUT;
		return NULL;
	}
	dump->len += stride;
	dump->section->count++;
	return memset(element, 0, stride);
}

static void dsa_dump_queues(struct dsa_dump *dump)
{
	struct dsa_device *dsa = dump->dsa;
	unsigned int q;

	dsa_dump_section(dump, DSA_DUMP_QUEUES, sizeof(struct dsa_dump_queue));
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		struct dsa_queue *queue = dsa->hwq[q].queue;
		struct dsa_dump_queue *d = dsa_dump_element(dump);

		if (!d)
			return;
		d->client_id = queue->client_id;
		d->submitted = READ_ONCE(queue->submitted);
		d->completed = READ_ONCE(queue->completed);
		d->time_ns = dsa_qread64(dsa, q, DSA_Q_TIME);
		d->index = q;
		d->queue_class = queue->class;
		d->priority = queue->priority;
		d->asid = queue->vm->tree.asid;
		d->state = dsa_qread(dsa, q, DSA_Q_STATE);
		d->busy = dsa_qread(dsa, q, DSA_Q_BUSY);
		d->head = dsa_qread(dsa, q, DSA_Q_HEAD);
		d->tail = dsa_qread(dsa, q, DSA_Q_TAIL);
		d->flags = READ_ONCE(queue->flags);
	}
}

static void dsa_dump_engine(struct dsa_device *dsa, u32 engine, void *arg)
{
	struct dsa_dump *dump = arg;
	struct dsa_dump_engine *d;
	u32 state = dsa_read(dsa, DSA_REG_ENG_STATE);

	if (state == DSA_ENG_IDLE)
		return;
	d = dsa_dump_element(dump);
	if (!d)
		return;
	d->kind = engine >> 16;
	d->index = engine & 0xffff;
	d->state = state;
	d->queue = dsa_read(dsa, DSA_REG_ENG_QUEUE);
	d->program[0] = dsa_read(dsa, DSA_REG_ENG_PROGRAM_X);
	d->program[1] = dsa_read(dsa, DSA_REG_ENG_PROGRAM_Y);
	d->program[2] = dsa_read(dsa, DSA_REG_ENG_PROGRAM_Z);
	d->wait = dsa_read(dsa, DSA_REG_ENG_WAIT);
	d->wait_addr = dsa_read64(dsa, DSA_REG_ENG_WAIT_ADDR);
	d->pc = dsa_read64(dsa, DSA_REG_ENG_PC);
	d->launch_id = dsa_read64(dsa, DSA_REG_ENG_LAUNCH_ID);
	d->busy_ns = dsa_read64(dsa, DSA_REG_ENG_BUSY);
}

struct dsa_dump_reg_name {
	const char *name;
	u32 offset;
	u32 bits;
};

#define DSA_DUMP_REG(r)		{ #r, DSA_##r, 32 }
#define DSA_DUMP_REG64(r)	{ #r, DSA_##r, 64 }

static const struct dsa_dump_reg_name dsa_dump_device_regs[] = {
	DSA_DUMP_REG(REG_VERSION),
	DSA_DUMP_REG(REG_STATUS),
	DSA_DUMP_REG(REG_RESET_COUNT),
	DSA_DUMP_REG(REG_BAD_ACCESS),
	DSA_DUMP_REG64(REG_TIME),
	DSA_DUMP_REG(REG_INT_STATUS),
	DSA_DUMP_REG(REG_INT_ENABLE),
	DSA_DUMP_REG64(REG_QUEUE_ERRORS),
	DSA_DUMP_REG(REG_TEMPERATURE),
	DSA_DUMP_REG(REG_POWER),
	DSA_DUMP_REG(REG_CLOCK_NOW),
	DSA_DUMP_REG(REG_ECC_CORRECTED),
	DSA_DUMP_REG(REG_ECC_UNCORRECTED),
	DSA_DUMP_REG64(REG_BUSY_COMPUTE),
	DSA_DUMP_REG64(REG_BUSY_COPY),
	DSA_DUMP_REG64(REG_MMU_INV_START),
	DSA_DUMP_REG64(REG_MMU_INV_SIZE),
	DSA_DUMP_REG(REG_MMU_INV_SEQ),
	DSA_DUMP_REG(REG_MMU_INV_DONE),
};

static const struct dsa_dump_reg_name dsa_dump_queue_regs[] = {
	DSA_DUMP_REG64(Q_RING_BASE),
	DSA_DUMP_REG(Q_RING_LOG2),
	DSA_DUMP_REG(Q_ASID),
	DSA_DUMP_REG(Q_PRIORITY),
	DSA_DUMP_REG(Q_VECTOR),
	DSA_DUMP_REG(Q_CLASS),
	DSA_DUMP_REG(Q_STATE),
	DSA_DUMP_REG(Q_HEAD),
	DSA_DUMP_REG(Q_TAIL),
	DSA_DUMP_REG(Q_BUSY),
	DSA_DUMP_REG64(Q_TIME),
	DSA_DUMP_REG(Q_ERR_CODE),
	DSA_DUMP_REG(Q_ERR_ACCESS),
	DSA_DUMP_REG(Q_ERR_ENGINE),
	DSA_DUMP_REG(Q_ERR_OPCODE),
	DSA_DUMP_REG64(Q_ERR_ADDR),
	DSA_DUMP_REG64(Q_ERR_PC),
	DSA_DUMP_REG64(Q_ERR_CMD_VA),
	DSA_DUMP_REG64(Q_ERR_JOB_ID),
	DSA_DUMP_REG64(Q_ERR_LAUNCH_ID),
	DSA_DUMP_REG(Q_ERR_PROGRAM_X),
	DSA_DUMP_REG(Q_ERR_PROGRAM_Y),
	DSA_DUMP_REG(Q_ERR_PROGRAM_Z),
	DSA_DUMP_REG(Q_ERR_INSN),
};

static void dsa_dump_regs(struct dsa_dump *dump, const struct dsa_dump_reg_name *regs,
			  unsigned int count, u32 base)
{
	struct dsa_device *dsa = dump->dsa;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct dsa_dump_register *d = dsa_dump_element(dump);

		if (!d)
			return;
		strscpy(d->name, regs[i].name, sizeof(d->name));
		d->offset = base + regs[i].offset;
		d->bits = regs[i].bits;
		d->value = d->bits == 64 ? dsa_read64(dsa, d->offset) : dsa_read(dsa, d->offset);
	}
}

static void dsa_dump_registers(struct dsa_dump *dump, struct dsa_queue *queue)
{
	dsa_dump_section(dump, DSA_DUMP_REGISTERS, sizeof(struct dsa_dump_register));
	dsa_dump_regs(dump, dsa_dump_device_regs, ARRAY_SIZE(dsa_dump_device_regs), 0);
	if (queue)
		dsa_dump_regs(dump, dsa_dump_queue_regs, ARRAY_SIZE(dsa_dump_queue_regs),
			      DSA_QREG(queue->hwq->index, 0));
}

/* The first job that is in flight; with the queue's lock. */
static const struct dsa_fence *dsa_dump_first_job(struct dsa_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return list_first_entry_or_null(&queue->inflight, struct dsa_fence, link);
}

static void dsa_dump_info(struct dsa_dump *dump, struct dsa_queue *queue,
			  enum dsa_reset_level level)
{
	const struct dsa_fence *job;
	struct dsa_dump_info *d;

	dsa_dump_section(dump, DSA_DUMP_INFO, sizeof(*d));
	d = dsa_dump_element(dump);
	if (!d)
		return;
	d->realtime_ns = ktime_get_real_ns();
	d->device_time_ns = dsa_read64(dump->dsa, DSA_REG_TIME);
	d->serial = dump->dsa->caps.serial;
	d->hw_version = dump->dsa->caps.version;
	d->level = level;
	d->queue = DSA_DUMP_NO_QUEUE;
	if (!queue)
		return;
	d->queue = queue->hwq->index;
	d->client_id = queue->client_id;
	d->asid = queue->vm->tree.asid;
	d->timeout_ms = queue->timeout_ms;
	spin_lock_irq(&queue->lock);
	d->queue_flags = queue->flags;
	job = dsa_dump_first_job(queue);
	if (job) {
		d->job_id = job->job_id;
		d->cmd_va = job->cmd_va;
		d->cmd_size = job->cmd_size;
	}
	spin_unlock_irq(&queue->lock);
}

static void dsa_dump_ring(struct dsa_dump *dump, struct dsa_queue *queue)
{
	u32 head = dsa_qread(dump->dsa, queue->hwq->index, DSA_Q_HEAD), i;
	struct dsa_dump_packet *d;

	dsa_dump_section(dump, DSA_DUMP_RING, sizeof(*d));
	for (i = head - min_t(u32, head, DSA_DUMP_PACKETS_BEFORE);
	     i != head - DSA_DUMP_PACKETS_BEFORE + DSA_DUMP_PACKETS && i != queue->tail; i++) {
		d = dsa_dump_element(dump);
		if (!d)
			return;
		d->number = i;
		memcpy(d->words, &queue->ring[i % DSA_RING_PACKETS], sizeof(d->words));
	}
}

/* ---- the address space ---- */

static phys_addr_t dsa_dump_bus_to_phys(struct dsa_device *dsa, u64 bus)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dsa->drm.dev);

	return domain ? iommu_iova_to_phys(domain, bus) : bus;
}

static bool dsa_dump_read_system(struct dsa_device *dsa, u64 bus, void *to, size_t bytes)
{
	phys_addr_t phys = dsa_dump_bus_to_phys(dsa, bus);
	void *page;

	if (!phys || !pfn_valid(PHYS_PFN(phys)) || PageReserved(pfn_to_page(PHYS_PFN(phys))))
		return false;
	page = kmap_local_page(pfn_to_page(PHYS_PFN(phys)));
	memcpy(to, page + offset_in_page(phys), bytes);
	kunmap_local(page);
	return true;
}

/* Reads what does not cross a page. */
static bool dsa_dump_read(struct dsa_vm *vm, u64 va, void *to, size_t bytes)
{
	struct dsa_device *dsa = vm->dsa;
	unsigned int level;
	u64 pte = dsa_pt_tree_find(&vm->tree, va, &level);
	u64 addr = (pte & DSA_PTE_ADDR_MASK) + (va & (BIT_ULL(DSA_PT_SHIFT(level)) - 1));

	if (!(pte & DSA_PTE_VALID))
		return false;
	if (pte & DSA_PTE_SYS)
		return dsa_dump_read_system(dsa, addr, to, bytes);
	if (addr >= dsa->hbm.size || bytes > dsa->hbm.size - addr)
		return false;
	memcpy_fromio(to, dsa->hbm.io + addr, bytes);
	return true;
}

/* The command buffer of the job, around the command that was being executed. */
static void dsa_dump_commands(struct dsa_dump *dump, struct dsa_queue *queue)
{
	const size_t room = DSA_DUMP_CHUNKS * DSA_DUMP_CHUNK;
	u64 at = queue->fault.cmd_va, va = 0, end = 0;
	const struct dsa_fence *job;
	struct dsa_dump_bytes *d;

	spin_lock_irq(&queue->lock);
	job = dsa_dump_first_job(queue);
	if (job) {
		va = job->cmd_va;
		end = va + job->cmd_size;
	}
	spin_unlock_irq(&queue->lock);

	dsa_dump_section(dump, DSA_DUMP_COMMANDS, sizeof(*d));
	if (end - va > room) {
		dump->section->flags |= DSA_DUMP_CUT;
		if (at >= va && at < end)
			va = max(va, round_down(at, DSA_DUMP_CHUNK) - DSA_DUMP_CHUNK);
		end = min(end, va + room);
	}
	while (va < end) {
		/* Up to a multiple of the chunk: no chunk crosses a page. */
		u64 next = min(end, round_down(va, DSA_DUMP_CHUNK) + DSA_DUMP_CHUNK);

		d = dsa_dump_element(dump);
		if (!d)
			return;
		d->va = va;
		if (dsa_dump_read(queue->vm, va, d->data, next - va))
			d->bytes = next - va;
		va = next;
	}
}

/**
 * struct dsa_dump_pages - Progress of dsa_dump_page().
 * @dump: where to.
 * @last: the run that grows, or NULL.
 * @seen: entries.
 */
struct dsa_dump_pages {
	struct dsa_dump *dump;
	struct dsa_dump_page *last;
	unsigned int seen;
};

static bool dsa_dump_page(void *arg, u64 va, u64 pte, unsigned int level)
{
	struct dsa_dump_pages *p = arg;
	struct dsa_dump_page *d = p->last;
	struct dsa_dump_section *section = p->dump->section;

	if (d && d->level == level && va == d->va + (d->count << DSA_PT_SHIFT(level)) &&
	    pte == d->entry + (d->count << DSA_PT_SHIFT(level))) {
		d->count++;
	} else {
		d = section->count < DSA_DUMP_RUNS ? dsa_dump_element(p->dump) : NULL;
		if (d)
			*d = (struct dsa_dump_page) { .va = va, .entry = pte, .count = 1,
						      .level = level };
		p->last = d;
	}
	if (d && ++p->seen < DSA_DUMP_ENTRIES)
		return true;
	section->flags |= DSA_DUMP_CUT;
	return false;
}

/* Recovery does not wait for who is changing the address space, who may wait for it. */
static void dsa_dump_vm(struct dsa_dump *dump, struct dsa_queue *queue)
{
	struct dsa_dump_pages pages = { .dump = dump };
	struct dsa_vm *vm = queue->vm;

	if (!mutex_trylock(&vm->map_lock)) {
		dsa_dump_section(dump, DSA_DUMP_PAGES, sizeof(struct dsa_dump_page));
		dump->section->flags |= DSA_DUMP_BUSY;
		return;
	}
	if (!vm->dead) {
		dsa_dump_commands(dump, queue);
		dsa_dump_section(dump, DSA_DUMP_PAGES, sizeof(struct dsa_dump_page));
		dsa_pt_tree_walk(&vm->tree, dsa_dump_page, &pages);
	}
	mutex_unlock(&vm->map_lock);
}

/* ---- a dump ---- */

/**
 * dsa_dump_begin_locked - Dump what recovery is going to change.
 * @dsa: the device.
 *
 * Nothing happens when this dump has been begun before, or when there is no
 * room for another.
 */
void dsa_dump_begin_locked(struct dsa_device *dsa)
{
	struct dsa_dump *dump = dsa->dump;

	lockdep_assert_held(&dsa->hw_lock);
	/* Pairs with dsa_dump_work(). */
	if (smp_load_acquire(&dump->state) != DSA_DUMP_IDLE || !__ratelimit(&dump->limit))
		return;
	dump->state = DSA_DUMP_BEGUN;
	*(struct dsa_dump_header *)dump->buf = (struct dsa_dump_header) {
		.magic = DSA_DUMP_MAGIC,
		.version = DSA_DUMP_VERSION,
		.header_bytes = sizeof(struct dsa_dump_header),
	};
	dump->len = sizeof(struct dsa_dump_header);
	dsa_dump_queues(dump);
	if (dsa_has_version(dsa, 2)) {
		dsa_dump_section(dump, DSA_DUMP_ENGINES, sizeof(struct dsa_dump_engine));
		dsa_engines_visit_locked(dsa, dsa_dump_engine, dump);
	}
}

/**
 * dsa_dump_end_locked - Complete a dump, if one was begun, and have it given away.
 * @dsa: the device.
 * @queue: the queue to blame, with its hardware queue yet, or NULL.
 * @level: what is reset.
 */
void dsa_dump_end_locked(struct dsa_device *dsa, struct dsa_queue *queue,
			 enum dsa_reset_level level)
{
	struct dsa_dump *dump = dsa->dump;
	struct dsa_dump_header *header = (struct dsa_dump_header *)dump->buf;

	lockdep_assert_held(&dsa->hw_lock);
	if (dump->state != DSA_DUMP_BEGUN)
		return;
	dsa_dump_info(dump, queue, level);
	dsa_dump_registers(dump, queue);
	if (queue) {
		/* The ring of a user-mode queue is memory of its address space. */
		if (!queue->user)
			dsa_dump_ring(dump, queue);
		dsa_dump_vm(dump, queue);
	}
	header->total_bytes = dump->len;
	header->crc = ~crc32_le(~0, dump->buf + sizeof(*header), dump->len - sizeof(*header));
	dump->state = DSA_DUMP_DONE;
	schedule_work(&dump->work);
}
