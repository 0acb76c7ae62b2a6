// SPDX-License-Identifier: GPL-2.0
/*
 * Driver of the virtual DSA: a PCI accelerator with its own memory, MMU and
 * command queues.
 */

#include <linux/module.h>

#include <drm/drm_accel.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_print.h>

#include <drm/dsa_accel.h>

#include "dsa_gem.h"
#include "dsa_queue.h"
#include "dsa_userptr.h"
#include "dsa_user_queue.h"
#include "dsa_quota.h"
#include "dsa_vm.h"

uint dsa_job_timeout_ms = 30000;
module_param_named(job_timeout_ms, dsa_job_timeout_ms, uint, 0644);
MODULE_PARM_DESC(job_timeout_ms, "Time in which a job must get further by a command, ms, 0: any; for queues created from now on (default 30000)");

bool dsa_pt_system;
module_param_named(pt_system, dsa_pt_system, bool, 0644);
MODULE_PARM_DESC(pt_system, "Put new page tables into system memory, as when HBM is full; for tests");

struct workqueue_struct *dsa_release_wq;

/* Jobs that wait for fences of other drivers may keep their queue for longer. */
#define DSA_CLOSE_TIMEOUT	HZ

static void dsa_file_free(struct kref *ref)
{
	struct dsa_file *dfile = container_of(ref, struct dsa_file, ref);

	dsa_quota_close(dfile);
	kfree(dfile);
}

void dsa_file_get_queue(struct dsa_file *dfile)
{
	kref_get(&dfile->ref);
	atomic_inc(&dfile->unreleased);
}

void dsa_file_put_queue(struct dsa_file *dfile)
{
	if (atomic_dec_and_test(&dfile->unreleased))
		wake_up_all(&dfile->released);
	kref_put(&dfile->ref, dsa_file_free);
}

static int dsa_open(struct drm_device *drm, struct drm_file *file)
{
	struct dsa_file *dfile = kzalloc(sizeof(*dfile), GFP_KERNEL);
	int ret;

	if (!dfile)
		return -ENOMEM;
	dfile->dsa = to_dsa_device(drm);
	dfile->drm = file;
	ret = dsa_quota_open(dfile);
	if (ret) {
		kfree(dfile);
		return ret;
	}
	xa_init_flags(&dfile->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&dfile->queues, XA_FLAGS_ALLOC1);
	kref_init(&dfile->ref);
	init_waitqueue_head(&dfile->released);
	file->driver_priv = dfile;
	return 0;
}

/*
 * The last user is gone, perhaps killed with work in flight. All that it had is
 * given back before the file is closed, so that what is free shows as free, and
 * the module can be removed.
 */
static void dsa_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct dsa_file *dfile = file->driver_priv;
	struct dsa_queue *queue;
	struct dsa_vm *vm;
	unsigned long id;

	xa_for_each(&dfile->queues, id, queue)
		dsa_queue_kill(queue);
	xa_for_each(&dfile->queues, id, queue)
		dsa_queue_close(queue);
	xa_for_each(&dfile->vms, id, vm) {
		dsa_quota_give_vm(dfile);
		dsa_vm_kill(vm);
		dsa_vm_put(vm);
	}
	xa_destroy(&dfile->queues);
	xa_destroy(&dfile->vms);

	wait_event_timeout(dfile->released, !atomic_read(&dfile->unreleased), DSA_CLOSE_TIMEOUT);
	flush_workqueue(dsa_release_wq);
	kref_put(&dfile->ref, dsa_file_free);
}

static const struct drm_ioctl_desc dsa_ioctls[] = {
	DRM_IOCTL_DEF_DRV(DSA_DEV_QUERY, dsa_ioctl_dev_query, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_BO_CREATE, dsa_ioctl_bo_create, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_BO_MMAP_OFFSET, dsa_ioctl_bo_mmap_offset, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_VM_CREATE, dsa_ioctl_vm_create, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_VM_DESTROY, dsa_ioctl_vm_destroy, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_VM_BIND, dsa_ioctl_vm_bind, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_QUEUE_CREATE, dsa_ioctl_queue_create, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_QUEUE_DESTROY, dsa_ioctl_queue_destroy, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_QUEUE_STATE, dsa_ioctl_queue_state, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_SUBMIT, dsa_ioctl_submit, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_BO_USERPTR, dsa_ioctl_bo_userptr, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(DSA_WAIT_USER_FENCE, dsa_ioctl_wait_user_fence, DRM_RENDER_ALLOW),
};

/* DRM_ACCEL_FOPS has no show_fdinfo. */
static const struct file_operations dsa_fops = {
	.owner = THIS_MODULE,
	.open = accel_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = dsa_mmap,
	.show_fdinfo = drm_show_fdinfo,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

static const struct drm_driver dsa_drm_driver = {
	.driver_features = DRIVER_GEM | DRIVER_COMPUTE_ACCEL | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | DSA_DRIVER_GEM_GPUVA,
	.open = dsa_open,
	.postclose = dsa_postclose,
	.show_fdinfo = dsa_show_fdinfo,
	.gem_create_object = dsa_gem_create_object,
	.gem_prime_import = dsa_gem_prime_import,
	.ioctls = dsa_ioctls,
	.num_ioctls = ARRAY_SIZE(dsa_ioctls),
	.fops = &dsa_fops,
	.name = DSA_DRIVER_NAME,
	.desc = "Virtual DSA accelerator",
	DSA_DRIVER_DATE
	.major = 1,
	.minor = 0,
};

static int dsa_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct dsa_device *dsa;
	int ret;

	dsa = devm_drm_dev_alloc(&pdev->dev, &dsa_drm_driver, struct dsa_device, drm);
	if (IS_ERR(dsa))
		return PTR_ERR(dsa);
	pci_set_drvdata(pdev, dsa);

	ret = pcim_enable_device(pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot enable the PCI function\n");
	ret = dsa_device_init(dsa);
	if (ret)
		return ret;
	dsa_debugfs_init(dsa);
	ret = drm_dev_register(&dsa->drm, 0);
	if (ret) {
		dsa_device_fini(dsa);
		return ret;
	}
	dsa_hwmon_init(dsa);
	dsa_pm_init(dsa);
	dev_info(&pdev->dev, "version %u.%u, serial %#llx, %u cores, %llu MiB HBM, %u interrupt vectors\n",
		 dsa->caps.version >> 16, dsa->caps.version & 0xffff, dsa->caps.serial,
		 dsa->caps.cores, dsa->hbm.size >> 20, 1 + dsa->queue_vectors);
	return 0;
}

static void dsa_remove(struct pci_dev *pdev)
{
	struct dsa_device *dsa = pci_get_drvdata(pdev);

	dsa_pm_fini(dsa);
	dsa_device_fini(dsa);
	drm_dev_unplug(&dsa->drm);
	dsa_device_release(dsa);
}

/* The machine stops, or another kernel takes over: files may be open, and stay. */
static void dsa_shutdown(struct pci_dev *pdev)
{
	dsa_device_fini(pci_get_drvdata(pdev));
}

static const struct pci_device_id dsa_pci_ids[] = {
	{ PCI_DEVICE(DSA_PCI_VENDOR_ID, DSA_PCI_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, dsa_pci_ids);

static struct pci_driver dsa_pci_driver = {
	.name = DSA_DRIVER_NAME,
	.id_table = dsa_pci_ids,
	.probe = dsa_probe,
	.remove = dsa_remove,
	.shutdown = dsa_shutdown,
	.err_handler = &dsa_pci_error_handlers,
	.driver.pm = pm_ptr(&dsa_pm_ops),
};

static int __init dsa_init(void)
{
	int ret;

	dsa_release_wq = alloc_workqueue("dsa-release", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!dsa_release_wq)
		return -ENOMEM;
	ret = pci_register_driver(&dsa_pci_driver);
	if (ret)
		destroy_workqueue(dsa_release_wq);
	return ret;
}

static void __exit dsa_exit(void)
{
	pci_unregister_driver(&dsa_pci_driver);
	destroy_workqueue(dsa_release_wq);
}

module_init(dsa_init);
module_exit(dsa_exit);

MODULE_DESCRIPTION("DRM/accel driver of the virtual DSA");
MODULE_AUTHOR("The virtual DSA authors");
MODULE_LICENSE("GPL");
