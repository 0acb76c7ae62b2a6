// SPDX-License-Identifier: GPL-2.0
/*
 * Resets and errors of the PCI function that others see to: function-level
 * reset, advanced error reporting.
 *
 * A function reset and one of the bus clear HBM. All queues are lost then
 * (DRM_DSA_QUEUE_RESET): none of them can know what of its data is left.
 * Address spaces, their mappings and the buffer objects stay, filled with
 * zeroes in HBM, and drm_dsa_memory_info.hbm_losses counts.
 */

#include <linux/pci.h>

#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_hw.h"
#include "dsa_queue.h"

/* The device lets go of memory before fences say that it has. */
static void dsa_pci_take_bus(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	pci_wait_for_pending_transaction(pdev);
}

/* Nothing is expected of the hardware, which may not answer, until it is back. */
static void dsa_pci_freeze(struct dsa_device *dsa)
{
	mutex_lock(&dsa->hw_lock);
	if (!dsa->error && !dsa->offline) {
		dsa_pci_take_bus(to_pci_dev(dsa->drm.dev));
		dsa_lose_queues(dsa, NULL);
		dsa_device_offline_locked(dsa);
		dsa->hbm.losses++;
	}
	mutex_unlock(&dsa->hw_lock);
}

/* 0: it has been reset and works. */
static int dsa_pci_thaw(struct dsa_device *dsa)
{
	int ret;

	mutex_lock(&dsa->hw_lock);
	ret = dsa->error;
	if (!ret && dsa->offline) {
		ret = dsa_device_online_locked(dsa);
		dsa_ras_count(&dsa->ras, DSA_RAS_DEVICE_RESET);
		if (ret)
			dsa_ras_count(&dsa->ras, DSA_RAS_RESET_FAILED);
		dsa_reset_event(dsa, DSA_RESET_DEVICE, ret, NULL);
	}
	mutex_unlock(&dsa->hw_lock);
	return ret;
}

static void dsa_pci_end(struct dsa_device *dsa)
{
	mutex_lock(&dsa->hw_lock);
	if (!dsa->error)
		dsa_device_end_locked(dsa, -EIO);
	dsa_lose_queues(dsa, NULL);
	mutex_unlock(&dsa->hw_lock);
}

static void dsa_pci_reset_prepare(struct pci_dev *pdev)
{
	dsa_pci_freeze(pci_get_drvdata(pdev));
}

static void dsa_pci_reset_done(struct pci_dev *pdev)
{
	struct dsa_device *dsa = pci_get_drvdata(pdev);

	if (!dsa_pci_thaw(dsa))
		drm_info(&dsa->drm, "PCI function was reset: queues and the content of HBM are lost\n");
}

static pci_ers_result_t dsa_pci_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct dsa_device *dsa = pci_get_drvdata(pdev);

	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		dsa_pci_freeze(dsa);
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		dsa_pci_end(dsa);
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

/*
 * A transaction was lost, and the link works. Whose it was nobody knows: no job
 * at work can be trusted.
 */
static pci_ers_result_t dsa_pci_mmio_enabled(struct pci_dev *pdev)
{
	struct dsa_device *dsa = pci_get_drvdata(pdev);
	pci_ers_result_t result = PCI_ERS_RESULT_RECOVERED;
	unsigned int q;

	mutex_lock(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		if (dsa_queue_busy(dsa->hwq[q].queue))
			dsa_queue_stop_locked(dsa->hwq[q].queue, DRM_DSA_QUEUE_RESET);
	}
	if (dsa->error)
		result = PCI_ERS_RESULT_DISCONNECT;
	mutex_unlock(&dsa->hw_lock);
	return result;
}

static pci_ers_result_t dsa_pci_slot_reset(struct pci_dev *pdev)
{
	struct dsa_device *dsa = pci_get_drvdata(pdev);

	pci_restore_state(pdev);
	if (!dsa_gone(dsa))
		return PCI_ERS_RESULT_RECOVERED;
	drm_err(&dsa->drm, "does not answer after a reset of the bus\n");
	dsa_pci_end(dsa);
	return PCI_ERS_RESULT_DISCONNECT;
}

static void dsa_pci_resume(struct pci_dev *pdev)
{
	struct dsa_device *dsa = pci_get_drvdata(pdev);

	if (READ_ONCE(dsa->offline) && !dsa_pci_thaw(dsa))
		drm_info(&dsa->drm, "bus was reset: queues and the content of HBM are lost\n");
}

const struct pci_error_handlers dsa_pci_error_handlers = {
	.error_detected = dsa_pci_error_detected,
	.mmio_enabled = dsa_pci_mmio_enabled,
	.slot_reset = dsa_pci_slot_reset,
	.resume = dsa_pci_resume,
	.reset_prepare = dsa_pci_reset_prepare,
	.reset_done = dsa_pci_reset_done,
};
