// SPDX-License-Identifier: GPL-2.0
/* The device's memory: who has which part of it. */

#include <linux/sched/signal.h>

#include <drm/drm_managed.h>

#include "dsa_device.h"
#include "dsa_hw.h"

/* The processor clears this much at a time before it looks around. */
#define DSA_HBM_CLEAR_CHUNK	SZ_1M

static void dsa_hbm_fini(struct drm_device *drm, void *arg)
{
	struct dsa_hbm *hbm = arg;

	drm_buddy_fini(&hbm->mm);
	mutex_destroy(&hbm->lock);
}

/**
 * dsa_hbm_init - Map the aperture and set up the allocator.
 * @dsa: the device; its registers work.
 *
 * Return: 0 or a negative error.
 */
int dsa_hbm_init(struct dsa_device *dsa)
{
	struct pci_dev *pdev = to_pci_dev(dsa->drm.dev);
	struct dsa_hbm *hbm = &dsa->hbm;
	int ret;

	hbm->base = pci_resource_start(pdev, DSA_BAR_HBM);
	hbm->size = dsa_read64(dsa, DSA_REG_HBM_SIZE);
	if (!hbm->size || !IS_ALIGNED(hbm->size, SZ_1M) ||
	    hbm->size > pci_resource_len(pdev, DSA_BAR_HBM))
		return dev_err_probe(&pdev->dev, -ENXIO,
				     "HBM of %llu bytes does not fit its aperture of %llu bytes\n",
				     hbm->size, (u64)pci_resource_len(pdev, DSA_BAR_HBM));

	hbm->io = devm_ioremap_wc(&pdev->dev, hbm->base, hbm->size);
	if (!hbm->io)
		return -ENOMEM;

	ret = drm_buddy_init(&hbm->mm, hbm->size, SZ_4K);
	if (ret)
		return ret;
	mutex_init(&hbm->lock);
	return drmm_add_action_or_reset(&dsa->drm, dsa_hbm_fini, hbm);
}

/**
 * dsa_hbm_alloc - Allocate HBM; the content is what it was.
 * @dsa: the device.
 * @size: bytes, a multiple of 4 KiB.
 * @flags: of drm_buddy_alloc_blocks().
 * @blocks: receives the blocks.
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int dsa_hbm_alloc(struct dsa_device *dsa, u64 size, unsigned long flags, struct list_head *blocks)
{
	struct dsa_hbm *hbm = &dsa->hbm;
	int ret;

	if (size > hbm->size)
		return -ENOSPC;
	mutex_lock(&hbm->lock);
	ret = drm_buddy_alloc_blocks(&hbm->mm, 0, hbm->size, size, SZ_4K, blocks, flags);
	/* Any pages do: with enough of them free the allocator's own memory lacks. */
	if (ret == -ENOSPC && size <= hbm->mm.avail)
		ret = -ENOMEM;
	mutex_unlock(&hbm->lock);
	return ret;
}

void dsa_hbm_free(struct dsa_device *dsa, struct list_head *blocks)
{
	struct dsa_hbm *hbm = &dsa->hbm;

	mutex_lock(&hbm->lock);
	drm_buddy_free_list(&hbm->mm, blocks, 0);
	mutex_unlock(&hbm->lock);
}

static void dsa_hbm_clear_chunk(void __iomem *p, u64 size)
{
	void __iomem *end = p + size;

	/* Eight words at a time: memset_io() may come down to single bytes. */
	for (; p < end; p += 64) {
		__raw_writeq(0, p);
		__raw_writeq(0, p + 8);
		__raw_writeq(0, p + 16);
		__raw_writeq(0, p + 24);
		__raw_writeq(0, p + 32);
		__raw_writeq(0, p + 40);
		__raw_writeq(0, p + 48);
		__raw_writeq(0, p + 56);
	}
}

/**
 * dsa_hbm_clear - Zero a part of HBM that nobody uses yet.
 * @dsa: the device, inside drm_dev_enter().
 * @offset: first byte.
 * @size: bytes.
 *
 * Return: 0, -EINTR when the process is being killed, or &dsa_device.error.
 */
int dsa_hbm_clear(struct dsa_device *dsa, u64 offset, u64 size)
{
	while (size) {
		u64 n = min_t(u64, size, DSA_HBM_CLEAR_CHUNK);

		dsa_hbm_clear_chunk(dsa->hbm.io + offset, n);
		offset += n;
		size -= n;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		/* Removal waits for this. */
		if (READ_ONCE(dsa->error))
			return READ_ONCE(dsa->error);
	}
	/* The device must see zeroes, not what a write buffer hides. */
	wmb();
	return 0;
}

void dsa_hbm_usage(struct dsa_device *dsa, u64 *total, u64 *avail)
{
	mutex_lock(&dsa->hbm.lock);
	*total = dsa->hbm.mm.size;
	*avail = dsa->hbm.mm.avail;
	mutex_unlock(&dsa->hbm.lock);
}
