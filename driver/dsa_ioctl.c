// SPDX-License-Identifier: GPL-2.0
/* Queries. */

#include <linux/pm_runtime.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>

#include <drm/dsa_accel.h>
#include <hw/dsa_mmu.h>
#include <hw/dsa_ring.h>

#include "dsa_hw.h"

static void dsa_query_device_info(struct dsa_device *dsa, struct drm_dsa_device_info *info)
{
	struct pci_dev *pdev = to_pci_dev(dsa->drm.dev);
	const struct dsa_caps *caps = &dsa->caps;

	*info = (struct drm_dsa_device_info) {
		.hw_version = caps->version,
		.cores = caps->cores,
		.scratch_bytes = caps->scratch_bytes,
		.copy_engines = caps->copy_engines,
		.compute_queues = caps->compute_queues,
		.copy_queues = caps->queues - caps->compute_queues,
		.core_clock_khz = caps->core_clock_khz,
		.vlen_bits = caps->vlen_bits,
		.hbm_bandwidth_mbps = caps->hbm_mbps,
		.pci_domain = pci_domain_nr(pdev->bus),
		.pci_bus = pdev->bus->number,
		.pci_device = PCI_SLOT(pdev->devfn),
		.pci_function = PCI_FUNC(pdev->devfn),
		.va_bits = DSA_VA_BITS,
		.page_size = DSA_PAGE_SIZE,
		.hbm_bytes = dsa->hbm.size,
		.serial = caps->serial,
		.max_cmd_bytes = DSA_RING_MAX_CMD_BYTES,
		.matrix_macs = caps->matrix_macs,
	};
}

static void dsa_query_memory(struct dsa_device *dsa, struct drm_dsa_memory_info *info)
{
	dsa_hbm_usage(dsa, &info->hbm_total, &info->hbm_free);
	info->system_used = atomic64_read(&dsa->system_used);
	mutex_lock(&dsa->hw_lock);
	info->hbm_losses = dsa->hbm.losses;
	mutex_unlock(&dsa->hw_lock);
}

static void dsa_query_telemetry(struct dsa_device *dsa, struct drm_dsa_telemetry *t)
{
	unsigned int q;

	t->temperature_mc = (s32)dsa_read(dsa, DSA_REG_TEMPERATURE);
	t->power_mw = dsa_read(dsa, DSA_REG_POWER);
	t->clock_khz = dsa_read(dsa, DSA_REG_CLOCK_NOW);
	t->ecc_corrected = dsa_read(dsa, DSA_REG_ECC_CORRECTED);
	t->ecc_uncorrected = dsa_read(dsa, DSA_REG_ECC_UNCORRECTED);
	t->resets = dsa_read(dsa, DSA_REG_RESET_COUNT) - dsa->sleep_resets;
	t->busy_compute_ns = dsa_read64(dsa, DSA_REG_BUSY_COMPUTE);
	t->busy_copy_ns = dsa_read64(dsa, DSA_REG_BUSY_COPY);
	t->device_time_ns = dsa_read64(dsa, DSA_REG_TIME);
	if (dsa_has_version(dsa, 2))
		t->hbm_temperature_mc = (s32)dsa_read(dsa, DSA_REG_HBM_TEMPERATURE);

	mutex_lock(&dsa->hw_lock);
	for_each_set_bit(q, dsa->hwq_used, dsa->caps.queues) {
		if (q < dsa->caps.compute_queues)
			t->queues_compute++;
		else
			t->queues_copy++;
	}
	mutex_unlock(&dsa->hw_lock);
}

int dsa_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct dsa_device *dsa = to_dsa_device(drm);
	struct drm_dsa_dev_query *args = data;
	union {
		struct drm_dsa_device_info device;
		struct drm_dsa_memory_info memory;
		struct drm_dsa_telemetry telemetry;
		struct drm_dsa_ras_info ras;
	} u = {};
	u32 size;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	/* What a failed device says may still be of use. */
	pm_runtime_get_sync(drm->dev);
	switch (args->type) {
	case DRM_DSA_QUERY_DEVICE_INFO:
		dsa_query_device_info(dsa, &u.device);
		size = sizeof(u.device);
		break;
	case DRM_DSA_QUERY_MEMORY:
		dsa_query_memory(dsa, &u.memory);
		size = sizeof(u.memory);
		break;
	case DRM_DSA_QUERY_TELEMETRY:
		dsa_query_telemetry(dsa, &u.telemetry);
		size = sizeof(u.telemetry);
		break;
	case DRM_DSA_QUERY_RAS:
		dsa_ras_query(dsa, &u.ras);
		size = sizeof(u.ras);
		break;
	default:
		size = 0;
		break;
	}
	dsa_device_let_sleep(dsa);
	drm_dev_exit(idx);

	if (!size)
		return -EINVAL;
	if (!args->pointer) {
		args->size = size;
		return 0;
	}
	args->size = min(args->size, size);
	return copy_to_user(u64_to_user_ptr(args->pointer), &u, args->size) ? -EFAULT : 0;
}
