// SPDX-License-Identifier: GPL-2.0
/*
 * Power: who uses the hardware keeps it awake, and what it forgets when it
 * sleeps is brought back.
 *
 * Whoever is inside dsa_device_enter() keeps the device awake, and so does
 * every job from its submit to its end, and every user-mode queue; those end
 * when the system sleeps. A mapping of HBM does not: it is taken
 * away when the device goes to sleep, and the next access wakes it. Back in
 * D0 the hardware has forgotten all but HBM; queues are set up again from an
 * empty ring, address spaces from the driver's copy.
 *
 * The same holds for a reset by others, of the PCI function or of the bus above
 * it (dsa_pci.c), which loses HBM too.
 */

#include <linux/mm.h>
#include <linux/pm_runtime.h>
#include <linux/suspend.h>

#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_gem.h"
#include "dsa_hw.h"
#include "dsa_mmu.h"
#include "dsa_queue.h"

#define DSA_AUTOSUSPEND_MS	5000
/* How long jobs may take that are at work when the system is to sleep. */
#define DSA_DRAIN_TIMEOUT	(5 * HZ)
/* How long callers wait for a device that others reset: longer than that may take. */
#define DSA_ONLINE_TIMEOUT	(20 * HZ)

/* ---- use ---- */

/* The bus has given up, which it does without a word. */
static void dsa_device_give_up(struct dsa_device *dsa)
{
	mutex_lock(&dsa->hw_lock);
	if (dsa->offline && !dsa->error) {
		drm_err(&dsa->drm, "reset from outside not over after %u s\n",
			DSA_ONLINE_TIMEOUT / HZ);
		dsa_device_end_locked(dsa, -EIO);
		dsa_lose_queues(dsa, NULL);
	}
	mutex_unlock(&dsa->hw_lock);
}

/* Waits out a reset by others. 0, or why the device will not be back. */
static int dsa_device_wait_online(struct dsa_device *dsa)
{
	long left = 1;

	if (READ_ONCE(dsa->offline))
		left = wait_event_killable_timeout(dsa->back_online, !READ_ONCE(dsa->offline) ||
						   READ_ONCE(dsa->error), DSA_ONLINE_TIMEOUT);
	if (left < 0)
		return -EINTR;
	if (!left)
		dsa_device_give_up(dsa);
	return READ_ONCE(dsa->error);
}

/**
 * dsa_device_enter - Begin to use the hardware.
 * @dsa: the device. The caller holds no lock but &dsa_vm.lock.
 * @idx: for dsa_device_exit().
 *
 * Wakes the device, and waits for one that is being reset.
 *
 * Return: 0, or why there is no device that works.
 */
int dsa_device_enter(struct dsa_device *dsa, int *idx)
{
	int ret;

	if (!drm_dev_enter(&dsa->drm, idx))
		return -ENODEV;
	ret = READ_ONCE(dsa->error);
	if (ret)
		goto err_exit;
	ret = pm_runtime_resume_and_get(dsa->drm.dev);
	if (ret) {
		drm_err(&dsa->drm, "cannot be woken: %d\n", ret);
		ret = -EIO;
		goto err_exit;
	}
	ret = dsa_device_wait_online(dsa);
	if (!ret)
		return 0;
	pm_runtime_put_autosuspend(dsa->drm.dev);
err_exit:
	drm_dev_exit(*idx);
	return ret;
}

/* Any context; inside dsa_device_enter(), or for what has been kept awake before. */
void dsa_device_keep_awake(struct dsa_device *dsa)
{
	pm_runtime_get_noresume(dsa->drm.dev);
}

/* Any context. */
void dsa_device_let_sleep(struct dsa_device *dsa)
{
	pm_runtime_mark_last_busy(dsa->drm.dev);
	pm_runtime_put_autosuspend(dsa->drm.dev);
}

/* For who only wants to look: true if it is awake, then dsa_device_peek_end() is due. */
bool dsa_device_peek(struct dsa_device *dsa)
{
	int ret = pm_runtime_get_if_active(dsa->drm.dev);

	/* Without runtime PM it never sleeps. */
	if (ret < 0)
		pm_runtime_get_noresume(dsa->drm.dev);
	return ret;
}

void dsa_device_peek_end(struct dsa_device *dsa)
{
	pm_runtime_put(dsa->drm.dev);
}

/**
 * dsa_device_exit - End what dsa_device_enter() began.
 * @dsa: the device.
 * @idx: from dsa_device_enter().
 */
void dsa_device_exit(struct dsa_device *dsa, int idx)
{
	dsa_device_let_sleep(dsa);
	drm_dev_exit(idx);
}

/* ---- offline and back ---- */

/**
 * dsa_device_offline_locked - The hardware is about to forget its state.
 * @dsa: the device. No queue has work in flight.
 */
void dsa_device_offline_locked(struct dsa_device *dsa)
{
	unsigned int q;

	lockdep_assert_held(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		struct dsa_queue *queue = dsa->hwq[q].queue;

		/* The process has its own idea of where in the ring it is. */
		if (queue->user)
			dsa_queue_stop_locked(queue, DRM_DSA_QUEUE_RESET);
		else
			dsa_queue_hold_locked(queue);
	}
	dsa_int_enable(dsa, 0);
	dsa_mmu_offline(dsa);
}

/**
 * dsa_device_online_locked - Bring back what the hardware has forgotten.
 * @dsa: the device; it answers again. Nothing happens unless it is offline.
 *
 * Return: 0 or &dsa_device.error: when it does not work, it is the end.
 */
int dsa_device_online_locked(struct dsa_device *dsa)
{
	struct pci_dev *pdev = to_pci_dev(dsa->drm.dev);
	unsigned int q;

	lockdep_assert_held(&dsa->hw_lock);
	if (dsa->error || !dsa->offline)
		return dsa->error;
	if (dsa_reset_hw(dsa)) {
		dsa_device_end_locked(dsa, -EIO);
		dsa_lose_queues(dsa, NULL);
		drm_err(&dsa->drm, "device did not come back\n");
		return dsa->error;
	}
	pci_set_master(pdev);
	/* Restoring what was saved has used it up. */
	pci_save_state(pdev);
	dsa_mmu_online(dsa);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		if (dsa_queue_restart_locked(dsa->hwq[q].queue))
			dsa_queue_lost_locked(dsa->hwq[q].queue, DRM_DSA_QUEUE_RESET);
	}
	dsa_int_enable(dsa, DSA_INT_ENABLED);
	wake_up_all(&dsa->back_online);
	return 0;
}

/* The hardware forgets where a ring was that only the process could write again. */
static void dsa_pm_end_user_queues_locked(struct dsa_device *dsa)
{
	unsigned int q;

	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		if (dsa->hwq[q].queue->user)
			dsa_queue_stop_locked(dsa->hwq[q].queue, DRM_DSA_QUEUE_RESET);
	}
}

static void dsa_pm_sleep_locked(struct dsa_device *dsa)
{
	dsa_pm_end_user_queues_locked(dsa);
	dsa->sleep_time = dsa_read64(dsa, DSA_REG_TIME);
	dsa->sleep_resets -= dsa_read(dsa, DSA_REG_RESET_COUNT);
	dsa_device_offline_locked(dsa);
}

static void dsa_pm_wake_locked(struct dsa_device *dsa)
{
	if (!dsa_device_online_locked(dsa))
		dsa->sleep_resets += dsa_read(dsa, DSA_REG_RESET_COUNT);
}

/* ---- when nobody uses it ---- */

static int dsa_pm_runtime_suspend(struct device *dev)
{
	struct dsa_device *dsa = dev_get_drvdata(dev);

	mutex_lock(&dsa->hw_lock);
	if (!dsa->error)
		dsa_pm_sleep_locked(dsa);
	mutex_unlock(&dsa->hw_lock);
	/* Whoever faults a page in keeps us awake until it is there. */
	unmap_mapping_range(dsa->drm.anon_inode->i_mapping, 0, 0, 1);
	return 0;
}

/* What goes wrong is in &dsa_device.error: a failed resume would be for good. */
static int dsa_pm_runtime_resume(struct device *dev)
{
	struct dsa_device *dsa = dev_get_drvdata(dev);

	mutex_lock(&dsa->hw_lock);
	if (dsa->offline)
		dsa_pm_wake_locked(dsa);
	mutex_unlock(&dsa->hw_lock);
	return 0;
}

/* ---- when the system sleeps ---- */

static void dsa_pm_hold_jobs(struct dsa_device *dsa, bool hold)
{
	unsigned int q;

	mutex_lock(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues)
		dsa_sched_hold(dsa->hwq[q].queue, hold);
	mutex_unlock(&dsa->hw_lock);
}

static struct dma_fence *dsa_pm_busy_fence(struct dsa_device *dsa)
{
	struct dma_fence *fence = NULL;
	unsigned int q;

	mutex_lock(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		fence = dsa_queue_last_fence(dsa->hwq[q].queue);
		if (fence)
			break;
	}
	mutex_unlock(&dsa->hw_lock);
	return fence;
}

/* Not with hw_lock: a queue with an error is stopped meanwhile. */
static int dsa_pm_drain(struct dsa_device *dsa)
{
	unsigned long deadline = jiffies + DSA_DRAIN_TIMEOUT;
	struct dma_fence *fence;
	long left = 1;

	while (left > 0 && (fence = dsa_pm_busy_fence(dsa))) {
		left = dma_fence_wait_timeout(fence, false,
					      max_t(long, deadline - jiffies, 0));
		dma_fence_put(fence);
	}
	return left > 0 ? 0 : -EBUSY;
}

static int dsa_pm_sleep(struct device *dev, bool lose_hbm)
{
	struct dsa_device *dsa = dev_get_drvdata(dev);
	int ret;

	dsa_pm_hold_jobs(dsa, true);
	ret = dsa_pm_drain(dsa);
	if (ret)
		drm_err(&dsa->drm, "jobs did not end in %u s: the system cannot sleep\n",
			DSA_DRAIN_TIMEOUT / HZ);
	if (!ret && lose_hbm)
		ret = dsa_gem_save_hbm(dsa);
	if (ret) {
		dsa_pm_hold_jobs(dsa, false);
		return ret;
	}
	mutex_lock(&dsa->hw_lock);
	if (!dsa->error)
		dsa_pm_sleep_locked(dsa);
	mutex_unlock(&dsa->hw_lock);
	return 0;
}

static int dsa_pm_suspend(struct device *dev)
{
	return dsa_pm_sleep(dev, pm_suspend_via_firmware());
}

/* For an image on disk. */
static int dsa_pm_freeze(struct device *dev)
{
	return dsa_pm_sleep(dev, true);
}

static int dsa_pm_resume(struct device *dev)
{
	struct dsa_device *dsa = dev_get_drvdata(dev);

	mutex_lock(&dsa->hw_lock);
	if (dsa->offline)
		dsa_pm_wake_locked(dsa);
	mutex_unlock(&dsa->hw_lock);
	dsa_gem_restore_hbm(dsa);
	dsa_pm_hold_jobs(dsa, false);
	return 0;
}

const struct dev_pm_ops dsa_pm_ops = {
	.suspend = pm_sleep_ptr(dsa_pm_suspend),
	.resume = pm_sleep_ptr(dsa_pm_resume),
	.freeze = pm_sleep_ptr(dsa_pm_freeze),
	.thaw = pm_sleep_ptr(dsa_pm_resume),
	.poweroff = pm_sleep_ptr(dsa_pm_suspend),
	.restore = pm_sleep_ptr(dsa_pm_resume),
	RUNTIME_PM_OPS(dsa_pm_runtime_suspend, dsa_pm_runtime_resume, NULL)
};

/* ---- probe and removal ---- */

/* The device is in service; the bus has kept it awake for the probe. */
void dsa_pm_init(struct dsa_device *dsa)
{
	struct device *dev = dsa->drm.dev;

	pm_runtime_set_autosuspend_delay(dev, DSA_AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_allow(dev);
	dsa_device_let_sleep(dsa);
}

/* The bus has woken it for the removal. */
void dsa_pm_fini(struct dsa_device *dsa)
{
	struct device *dev = dsa->drm.dev;

	pm_runtime_forbid(dev);
	pm_runtime_get_noresume(dev);
	pm_runtime_dont_use_autosuspend(dev);
}
