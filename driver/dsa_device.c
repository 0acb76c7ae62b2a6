// SPDX-License-Identifier: GPL-2.0
/* The device as a whole: finding it, its interrupts, its end. */

#include <linux/dma-mapping.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "dsa_evict.h"
#include "dsa_gem.h"
#include "dsa_hw.h"
#include "dsa_mmu.h"
#include "dsa_queue.h"

#define DSA_PING_TIMEOUT	msecs_to_jiffies(5000)

/* ---- interrupts ---- */

static void dsa_hwq_completed(struct dsa_hwq *hwq)
{
	spin_lock(&hwq->lock);
	if (hwq->queue)
		dsa_queue_collect(hwq->queue);
	spin_unlock(&hwq->lock);
}

/* A queue's error is handled by a worker: it has to wait for the device. */
static void dsa_hwq_failed(struct dsa_device *dsa, struct dsa_hwq *hwq)
{
	spin_lock(&hwq->lock);
	if (hwq->queue)
		queue_work(dsa->reset_wq, &hwq->queue->recover_work);
	spin_unlock(&hwq->lock);
}

static irqreturn_t dsa_irq_queues(int irq, void *arg)
{
	struct dsa_vector *vector = arg;
	struct dsa_device *dsa = vector->dsa;
	unsigned int q;

	for (q = vector->first; q < dsa->caps.queues; q += dsa->queue_vectors)
		dsa_hwq_completed(&dsa->hwq[q]);
	return IRQ_HANDLED;
}

static irqreturn_t dsa_irq_device(int irq, void *arg)
{
	struct dsa_device *dsa = arg;
	u32 status = dsa_read(dsa, DSA_REG_INT_STATUS);
	u64 errors;
	unsigned int q;

	if (status == U32_MAX)
		return IRQ_NONE;
	if (status)
		dsa_write(dsa, DSA_REG_INT_STATUS, status);
	if (status & DSA_INT_PING)
		complete(&dsa->ping_done);
	if (status & (DSA_INT_THERMAL | DSA_INT_ECC))
		dsa_ras_interrupt(dsa, status);
	if (status & DSA_INT_QUEUE_ERROR) {
		errors = dsa_read64(dsa, DSA_REG_QUEUE_ERRORS);
		for (q = 0; q < dsa->caps.queues; q++) {
			if (errors & BIT_ULL(q))
				dsa_hwq_failed(dsa, &dsa->hwq[q]);
		}
	}
	/* Without vectors of their own the queues share this one. */
	for (q = 0; !dsa->queue_vectors && q < dsa->caps.queues; q++)
		dsa_hwq_completed(&dsa->hwq[q]);
	return IRQ_HANDLED;
}

static int dsa_irq_init(struct dsa_device *dsa)
{
	struct pci_dev *pdev = to_pci_dev(dsa->drm.dev);
	unsigned int i;
	int ret;

	ret = pci_alloc_irq_vectors(pdev, 1, DSA_NUM_VECTORS, PCI_IRQ_MSIX);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret, "no MSI-X vector\n");
	dsa->queue_vectors = ret - 1;

	ret = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, DSA_VECTOR_DEVICE),
			       dsa_irq_device, 0, DSA_DRIVER_NAME, dsa);
	for (i = 0; i < dsa->queue_vectors && !ret; i++) {
		dsa->vectors[i] = (struct dsa_vector) { .dsa = dsa, .first = i };
		ret = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, 1 + i), dsa_irq_queues, 0,
				       DSA_DRIVER_NAME "-queue", &dsa->vectors[i]);
	}
	return ret;
}

/**
 * dsa_device_ping - Measure the way to the device and back by interrupt.
 * @dsa: the device, inside dsa_device_enter().
 * @ns: how long it took until this thread ran again.
 *
 * Return: 0, -EINTR, -ETIMEDOUT when the interrupt did not come, or &dsa_device.error.
 */
int dsa_device_ping(struct dsa_device *dsa, u64 *ns)
{
	ktime_t start;
	long left;

	if (mutex_lock_interruptible(&dsa->ping_lock))
		return -EINTR;
	reinit_completion(&dsa->ping_done);
	start = ktime_get();
	dsa_write(dsa, DSA_REG_PING, 1);
	left = wait_for_completion_interruptible_timeout(&dsa->ping_done, DSA_PING_TIMEOUT);
	*ns = ktime_to_ns(ktime_sub(ktime_get(), start));
	mutex_unlock(&dsa->ping_lock);
	if (READ_ONCE(dsa->error))
		return READ_ONCE(dsa->error);
	return left > 0 ? 0 : left ? -EINTR : -ETIMEDOUT;
}

/* ---- probe and removal ---- */

static int dsa_map(struct dsa_device *dsa)
{
	struct pci_dev *pdev = to_pci_dev(dsa->drm.dev);

	if (pci_resource_len(pdev, DSA_BAR_REGS) < DSA_REGS_SIZE ||
	    pci_resource_len(pdev, DSA_BAR_DOORBELL) < DSA_DOORBELL(DSA_NUM_QUEUES))
		return dev_err_probe(&pdev->dev, -ENXIO, "a BAR is too small\n");
	dsa->regs = pcim_iomap(pdev, DSA_BAR_REGS, 0);
	dsa->doorbells = pcim_iomap(pdev, DSA_BAR_DOORBELL, 0);
	return dsa->regs && dsa->doorbells ? 0 : -ENOMEM;
}

static int dsa_identify(struct dsa_device *dsa)
{
	struct device *dev = dsa->drm.dev;
	struct dsa_caps *caps = &dsa->caps;
	u32 queues;

	if (dsa_gone(dsa))
		return dev_err_probe(dev, -ENODEV, "magic is %#x, not %#x\n",
				     dsa_read(dsa, DSA_REG_MAGIC), DSA_MAGIC);
	caps->version = dsa_read(dsa, DSA_REG_VERSION);
	if (caps->version >> 16 != DSA_VERSION_MAJOR)
		return dev_err_probe(dev, -ENODEV, "hardware version %u.%u is not supported\n",
				     caps->version >> 16, caps->version & 0xffff);
	queues = dsa_read(dsa, DSA_REG_QUEUES);
	caps->queues = queues >> 16;
	caps->compute_queues = queues & 0xffff;
	caps->asids = dsa_read(dsa, DSA_REG_ASIDS);
	if (!caps->queues || caps->queues > DSA_NUM_QUEUES || caps->compute_queues > caps->queues ||
	    caps->asids < 2 || caps->asids > DSA_NUM_ASIDS)
		return dev_err_probe(dev, -ENXIO, "%u queues (%u compute), %u ASIDs: no sense\n",
				     caps->queues, caps->compute_queues, caps->asids);
	caps->cores = dsa_read(dsa, DSA_REG_CORES);
	caps->scratch_bytes = dsa_read(dsa, DSA_REG_SCRATCH_SIZE);
	caps->copy_engines = dsa_read(dsa, DSA_REG_COPY_ENGINES);
	caps->core_clock_khz = dsa_read(dsa, DSA_REG_CORE_CLOCK);
	caps->vlen_bits = dsa_read(dsa, DSA_REG_VLEN);
	caps->hbm_mbps = dsa_read(dsa, DSA_REG_HBM_BANDWIDTH);
	if ((caps->version & 0xffff) >= 1)
		caps->matrix_macs = dsa_read(dsa, DSA_REG_MATRIX_MACS);
	caps->serial = dsa_read64(dsa, DSA_REG_SERIAL);
	return 0;
}

static void dsa_destroy_wq(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

static int dsa_init_software(struct dsa_device *dsa)
{
	unsigned int q;
	int ret;

	ret = drmm_mutex_init(&dsa->drm, &dsa->hw_lock);
	if (!ret)
		ret = drmm_mutex_init(&dsa->drm, &dsa->ping_lock);
	if (!ret)
		ret = drmm_mutex_init(&dsa->drm, &dsa->bo_lock);
	if (ret)
		return ret;
	INIT_LIST_HEAD(&dsa->bos);
	init_waitqueue_head(&dsa->back_online);
	init_completion(&dsa->ping_done);
	init_rwsem(&dsa->userptr_lock);
	spin_lock_init(&dsa->user_lock);
	INIT_LIST_HEAD(&dsa->users);
	dsa_reset_events_init(dsa);
	dsa_ras_init(&dsa->ras);
	ratelimit_state_init(&dsa->fault_log, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);
	/* What is left out is not worth a warning. */
	ratelimit_set_flags(&dsa->fault_log, RATELIMIT_MSG_ON_RELEASE);
	for (q = 0; q < DSA_NUM_QUEUES; q++) {
		spin_lock_init(&dsa->hwq[q].lock);
		dsa->hwq[q].index = q;
	}

	dsa->sched_wq = alloc_workqueue("dsa-sched", DSA_WQ_PERCPU | WQ_HIGHPRI | WQ_MEM_RECLAIM,
					0);
	if (!dsa->sched_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&dsa->drm, dsa_destroy_wq, dsa->sched_wq);
	if (ret)
		return ret;
	dsa->reset_wq = alloc_ordered_workqueue("dsa-reset", WQ_MEM_RECLAIM);
	if (!dsa->reset_wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&dsa->drm, dsa_destroy_wq, dsa->reset_wq);
}

/**
 * dsa_device_init - Bring the device into service.
 * @dsa: the device; its PCI function is enabled.
 *
 * Return: 0 or a negative error. What was acquired belongs to devres and to
 * the DRM device.
 */
int dsa_device_init(struct dsa_device *dsa)
{
	struct pci_dev *pdev = to_pci_dev(dsa->drm.dev);
	int ret;

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);

	ret = dsa_map(dsa);
	if (!ret)
		ret = dsa_identify(dsa);
	if (!ret)
		ret = dsa_init_software(dsa);
	if (!ret)
		ret = dsa_hbm_init(dsa);
	if (!ret)
		ret = dsa_evict_init(dsa);
	if (!ret)
		ret = dsa_mmu_init(dsa);
	if (!ret)
		ret = dsa_dump_init(dsa);
	/* Whatever used the device before: nothing of it is left. */
	if (!ret)
		ret = dsa_reset_hw(dsa);
	if (!ret)
		ret = dsa_irq_init(dsa);
	if (ret)
		return ret;
	pci_set_master(pdev);
	dsa_int_enable(dsa, DSA_INT_ENABLED);
	/* For a reset of the bus, which nobody announces. */
	return pci_save_state(pdev);
}

/**
 * dsa_device_fini - Take the device out of service.
 * @dsa: the device, not yet unplugged: drm_dev_unplug() waits for those inside
 *       drm_dev_enter(), but those who come after it free what they have.
 *       So the device lets go of all memory first.
 */
void dsa_device_fini(struct dsa_device *dsa)
{
	mutex_lock(&dsa->hw_lock);
	if (!dsa->error && !dsa_gone(dsa)) {
		dsa_int_enable(dsa, 0);
		dsa_reset_hw(dsa);
	}
	dsa_device_end_locked(dsa, -ENODEV);
	dsa_lose_queues(dsa, NULL);
	mutex_unlock(&dsa->hw_lock);
	flush_work(&dsa->reset_events.work);
	dsa_dump_flush(dsa);
}

/**
 * dsa_device_release - Give back what files still hold of the bus' resources.
 * @dsa: the device, unplugged.
 */
void dsa_device_release(struct dsa_device *dsa)
{
	dsa_gem_release(dsa);
	dsa_mmu_release(dsa);
}
