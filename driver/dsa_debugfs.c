// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/accel/N/ */

#include <linux/debugfs.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

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
	drm_dev_exit(idx);
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

	if (!drm_dev_enter(&dsa->drm, &idx))
		return -ENODEV;
	ret = dsa_device_reset(dsa);
	drm_dev_exit(idx);
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
	int idx;

	if (!drm_dev_enter(entry->dev, &idx))
		return -ENODEV;
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
	drm_dev_exit(idx);
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
	{ .name = "memory", .show = dsa_show_memory },
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
