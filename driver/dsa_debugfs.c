// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/accel/N/ */

#include <linux/debugfs.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_ring.h>

#include "dsa_gem.h"
#include "dsa_hw.h"
#include "dsa_queue.h"
#include "dsa_vm.h"

/* Each read is one round trip; the text is its time in ns. */
static ssize_t dsa_ping_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct dsa_device *dsa = file->private_data;
	loff_t start = 0;
	char text[24];
	u64 ns = 0;
	int idx, len, ret;

	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;
	ret = dsa_device_ping(dsa, &ns);
	dsa_device_exit(dsa, idx);
	if (ret)
		return ret;
	len = scnprintf(text, sizeof(text), "%llu\n", ns);
	return simple_read_from_buffer(buf, count, &start, text, len);
}

static const struct file_operations dsa_ping_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = dsa_ping_read,
	.llseek = noop_llseek,
};

/* Any write resets the device, as if a queue could not be stopped. */
static ssize_t dsa_reset_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct dsa_device *dsa = file->private_data;
	int idx, ret;

	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;
	ret = dsa_device_reset(dsa);
	dsa_device_exit(dsa, idx);
	return ret ?: count;
}

static const struct file_operations dsa_reset_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = dsa_reset_write,
	.llseek = noop_llseek,
};

static int dsa_show_queues(struct seq_file *m, void *arg)
{
	struct drm_debugfs_entry *entry = m->private;
	struct dsa_device *dsa = to_dsa_device(entry->dev);
	unsigned int q;
	int idx, ret;

	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;
	seq_puts(m, "queue class   client asid state head tail busy submitted completed\n");
	mutex_lock(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		struct dsa_queue *queue = dsa->hwq[q].queue;

		seq_printf(m, "%5u %-7s %6llu %4u %5u %4u %4u %4u %9llu %9llu\n", q,
			   queue->class == DRM_DSA_QUEUE_COPY ? "copy" : "compute",
			   queue->client_id, queue->vm->tree.asid, dsa_qread(dsa, q, DSA_Q_STATE),
			   dsa_qread(dsa, q, DSA_Q_HEAD), dsa_qread(dsa, q, DSA_Q_TAIL),
			   dsa_qread(dsa, q, DSA_Q_BUSY), READ_ONCE(queue->submitted),
			   READ_ONCE(queue->completed));
	}
	mutex_unlock(&dsa->hw_lock);
	dsa_device_exit(dsa, idx);
	return 0;
}

static void dsa_show_ring(struct seq_file *m, struct dsa_queue *queue)
{
	struct dsa_device *dsa = queue->dsa;
	u32 head = dsa_qread(dsa, queue->hwq->index, DSA_Q_HEAD), i;
	unsigned long irq;

	if (queue->user) {
		seq_printf(m, "%s: client %llu queue_id %u head %u tail %u, of user space\n",
			   queue->name, queue->client_id, queue->id, head,
			   dsa_qread(dsa, queue->hwq->index, DSA_Q_TAIL));
		return;
	}
	seq_printf(m, "%s: client %llu queue_id %u head %u tail %u fence %llu\n", queue->name,
		   queue->client_id, queue->id, head, queue->tail,
		   le64_to_cpu(READ_ONCE(*queue->fence)));
	spin_lock_irqsave(&queue->lock, irq);
	for (i = head; i != queue->tail && queue->tail - i <= DSA_RING_PACKETS; i++) {
		const struct dsa_ring_packet *p = &queue->ring[i % DSA_RING_PACKETS];

		seq_printf(m, "  %u: op %u flags %#x cmd_va %#llx cmd_size %llu fence %llu job %llu\n",
			   i, le32_to_cpu(p->op), le32_to_cpu(p->flags), le64_to_cpu(p->cmd_va),
			   le64_to_cpu(p->cmd_size), le64_to_cpu(p->fence_value),
			   le64_to_cpu(p->job_id));
	}
	spin_unlock_irqrestore(&queue->lock, irq);
}

static int dsa_show_rings(struct seq_file *m, void *arg)
{
	struct drm_debugfs_entry *entry = m->private;
	struct dsa_device *dsa = to_dsa_device(entry->dev);
	unsigned int q;
	int idx, ret;

	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;
	mutex_lock(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues)
		dsa_show_ring(m, dsa->hwq[q].queue);
	mutex_unlock(&dsa->hw_lock);
	dsa_device_exit(dsa, idx);
	return 0;
}

static void dsa_show_file_vms(struct seq_file *m, struct drm_file *file)
{
	struct dsa_file *dfile = file->driver_priv;
	struct dsa_vm *vm;
	unsigned long id;

	xa_for_each(&dfile->vms, id, vm) {
		/* It may be gone by now, and another have its id. */
		vm = dsa_vm_lookup(dfile, id);
		if (!vm)
			continue;
		mutex_lock(&vm->map_lock);
		seq_printf(m, "client %llu vm_id %lu asid %u%s\n", file->client_id, id,
			   vm->tree.asid, READ_ONCE(vm->dead) ? " dead" : "");
		drm_debugfs_gpuva_info(m, &vm->base);
		mutex_unlock(&vm->map_lock);
		dsa_vm_put(vm);
	}
}

static const char *dsa_bo_memory(const struct dsa_bo *bo)
{
	return !bo->home_hbm ? "system" : dsa_bo_is_out(bo) ? "evicted" : "hbm";
}

static void dsa_show_file_bos(struct seq_file *m, struct drm_file *file)
{
	struct drm_gem_object *obj;
	int handle;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, handle)
		seq_printf(m, "%6llu %6d %-7s %12zu %7u\n", file->client_id, handle,
			   dsa_bo_memory(to_dsa_bo(obj)), obj->size, obj->handle_count);
	spin_unlock(&file->table_lock);
}

static void dsa_show_files(struct seq_file *m, void (*show)(struct seq_file *, struct drm_file *))
{
	struct drm_debugfs_entry *entry = m->private;
	struct drm_file *file;

	mutex_lock(&entry->dev->filelist_mutex);
	list_for_each_entry(file, &entry->dev->filelist, lhead)
		show(m, file);
	mutex_unlock(&entry->dev->filelist_mutex);
}

static int dsa_show_vms(struct seq_file *m, void *arg)
{
	dsa_show_files(m, dsa_show_file_vms);
	return 0;
}

static int dsa_show_bos(struct seq_file *m, void *arg)
{
	seq_puts(m, "client handle memory         bytes handles\n");
	dsa_show_files(m, dsa_show_file_bos);
	return 0;
}

/* Modelled: busy against time, and how many there are. */
static int dsa_show_engines(struct seq_file *m, void *arg)
{
	struct drm_debugfs_entry *entry = m->private;
	struct dsa_device *dsa = to_dsa_device(entry->dev);
	int idx, ret;

	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;
	seq_printf(m, "time %llu ns\ncompute busy %llu ns engines %u\ncopy busy %llu ns engines %u\n",
		   dsa_read64(dsa, DSA_REG_TIME), dsa_read64(dsa, DSA_REG_BUSY_COMPUTE),
		   dsa->caps.cores, dsa_read64(dsa, DSA_REG_BUSY_COPY), dsa->caps.copy_engines);
	dsa_device_exit(dsa, idx);
	return 0;
}

static int dsa_show_faults(struct seq_file *m, void *arg)
{
	struct drm_debugfs_entry *entry = m->private;

	dsa_ras_show_log(m, &to_dsa_device(entry->dev)->ras);
	return 0;
}

static int dsa_show_ras(struct seq_file *m, void *arg)
{
	struct drm_debugfs_entry *entry = m->private;

	dsa_ras_show_events(m, &to_dsa_device(entry->dev)->ras);
	return 0;
}

static int dsa_show_memory(struct seq_file *m, void *arg)
{
	struct drm_debugfs_entry *entry = m->private;
	struct dsa_device *dsa = to_dsa_device(entry->dev);
	u64 total, avail;

	dsa_hbm_usage(dsa, &total, &avail);
	seq_printf(m, "hbm total %llu free %llu\nsystem used %lld\n", total, avail,
		   atomic64_read(&dsa->system_used));
	return 0;
}

static const struct drm_debugfs_info dsa_debugfs_files[] = {
	{ .name = "queues", .show = dsa_show_queues },
	{ .name = "rings", .show = dsa_show_rings },
	{ .name = "engines", .show = dsa_show_engines },
	{ .name = "memory", .show = dsa_show_memory },
	{ .name = "vms", .show = dsa_show_vms },
	{ .name = "bos", .show = dsa_show_bos },
	{ .name = "faults", .show = dsa_show_faults },
	{ .name = "ras", .show = dsa_show_ras },
};

/**
 * dsa_debugfs_init - Create the device's files; they go with the DRM device.
 * @dsa: the device.
 *
 * Not &drm_driver.debugfs_init, which is not called for accelerators.
 */
void dsa_debugfs_init(struct dsa_device *dsa)
{
	drm_debugfs_add_files(&dsa->drm, dsa_debugfs_files, ARRAY_SIZE(dsa_debugfs_files));
	debugfs_create_file("irq_ping", 0400, dsa->drm.debugfs_root, dsa, &dsa_ping_fops);
	debugfs_create_file("reset", 0200, dsa->drm.debugfs_root, dsa, &dsa_reset_fops);
}
