// SPDX-License-Identifier: GPL-2.0
/* Reset of the device, and what comes of its queues then. */

#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_hw.h"
#include "dsa_mmu.h"
#include "dsa_queue.h"

/**
 * dsa_reset_hw - Reset the hardware and wait until it is ready.
 * @dsa: the device.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int dsa_reset_hw(struct dsa_device *dsa)
{
	u32 status;
	int ret;

	dsa_write(dsa, DSA_REG_CONTROL, DSA_CONTROL_RESET);
	ret = read_poll_timeout(dsa_read, status,
				status != U32_MAX && !(status & DSA_STATUS_RESETTING) &&
				(status & DSA_STATUS_READY),
				50, DSA_RESET_TIMEOUT_US, false, dsa, DSA_REG_STATUS);
	if (ret)
		dev_err(dsa->drm.dev, "reset not done after %lu s, status %#x\n",
			DSA_RESET_TIMEOUT_US / USEC_PER_SEC, status);
	return ret;
}

/**
 * dsa_int_enable - Choose what interrupts by vector 0, and forget what did.
 * @dsa: the device.
 * @mask: DSA_INT_*.
 */
void dsa_int_enable(struct dsa_device *dsa, u32 mask)
{
	dsa_write(dsa, DSA_REG_INT_STATUS, U32_MAX);
	dsa_write(dsa, DSA_REG_INT_ENABLE, mask);
}

/**
 * dsa_lose_queues - End all queues; the device has been reset or is gone.
 * @dsa: the device.
 * @guilty: the queue that is the reason, or NULL.
 */
void dsa_lose_queues(struct dsa_device *dsa, struct dsa_queue *guilty)
{
	unsigned int q;

	lockdep_assert_held(&dsa->hw_lock);
	for (q = 0; q < dsa->caps.queues; q++) {
		struct dsa_queue *queue = dsa->hwq[q].queue;

		if (queue)
			dsa_queue_lost_locked(queue, queue == guilty ? 0 : DRM_DSA_QUEUE_RESET);
	}
}

/**
 * dsa_device_end_locked - The device is of no use any more.
 * @dsa: the device.
 * @error: &dsa_device.error from now on.
 *
 * Keeps it from memory that others will get, and lets those go who wait for it.
 */
void dsa_device_end_locked(struct dsa_device *dsa, int error)
{
	lockdep_assert_held(&dsa->hw_lock);
	pci_clear_master(to_pci_dev(dsa->drm.dev));
	WRITE_ONCE(dsa->error, error);
	/* After the error: who waits for what is over has seen either. */
	smp_wmb();
	atomic_inc(&dsa->mmu.generation);
}

/**
 * dsa_device_reset_locked - Reset the device when nothing less helps.
 * @dsa: the device.
 * @guilty: the queue that is the reason, or NULL.
 *
 * All queues are lost; address spaces and HBM stay. Nothing happens to a
 * device that is out of service.
 */
void dsa_device_reset_locked(struct dsa_device *dsa, struct dsa_queue *guilty)
{
	lockdep_assert_held(&dsa->hw_lock);
	if (dsa->error)
		return;
	if (dsa_reset_hw(dsa)) {
		dsa_device_end_locked(dsa, -EIO);
		drm_err(&dsa->drm, "device is unusable until it is removed or the machine restarts\n");
	} else {
		dsa_mmu_restore_roots(dsa);
		dsa_int_enable(dsa, DSA_INT_ENABLED);
	}
	dsa_lose_queues(dsa, guilty);
}

/**
 * dsa_device_reset - Reset the device on demand.
 * @dsa: the device.
 *
 * Return: 0, or &dsa_device.error.
 */
int dsa_device_reset(struct dsa_device *dsa)
{
	int ret;

	mutex_lock(&dsa->hw_lock);
	dsa_device_reset_locked(dsa, NULL);
	ret = dsa->error;
	mutex_unlock(&dsa->hw_lock);
	return ret;
}
