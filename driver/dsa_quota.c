// SPDX-License-Identifier: GPL-2.0
/*
 * What a user may have, and how often a user's programs may fail.
 *
 * A user is the one who has opened the device; files that are passed on stay on
 * that account. CAP_SYS_RESOURCE lifts both limits, as it does the kernel's own.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <drm/dsa_accel.h>

#include "dsa_quota.h"

static uint dsa_max_queues = 24;
module_param_named(max_queues_per_uid, dsa_max_queues, uint, 0644);
MODULE_PARM_DESC(max_queues_per_uid, "Queues of a class that a user may have, 0: any number (default 24)");

static uint dsa_max_vms = 192;
module_param_named(max_vms_per_uid, dsa_max_vms, uint, 0644);
MODULE_PARM_DESC(max_vms_per_uid, "Address spaces that a user may have, 0: any number (default 192)");

/* A failed queue costs its user so much time, beyond the first ones. */
#define DSA_FAILURE_COST	ms_to_ktime(20)
#define DSA_FAILURE_BURST	64

#define DSA_QUEUE_CLASSES	(DRM_DSA_QUEUE_COPY + 1)

/* How long to wait for queues that are destroyed, but whose jobs are not all freed. */
#define DSA_CLOSING_TIMEOUT	HZ

/**
 * struct dsa_user - A user of a device; all is protected by &dsa_device.user_lock.
 * @link: in &dsa_device.users.
 * @uid: who.
 * @files: open files, and closed ones with queues that are not released.
 * @vms: address spaces.
 * @queues: queues by class, until they are released.
 * @closing: how many of them are destroyed.
 * @pays_until: when the cost of failures will be paid.
 * @changed: woken when a queue is released.
 */
struct dsa_user {
	struct list_head link;
	kuid_t uid;
	unsigned int files;
	unsigned int vms;
	unsigned int queues[DSA_QUEUE_CLASSES];
	unsigned int closing[DSA_QUEUE_CLASSES];
	ktime_t pays_until;
	wait_queue_head_t changed;
};

static struct dsa_user *dsa_user_find(struct dsa_device *dsa, kuid_t uid)
{
	struct dsa_user *user;

	lockdep_assert_held(&dsa->user_lock);
	list_for_each_entry(user, &dsa->users, link) {
		if (uid_eq(user->uid, uid))
			return user;
	}
	return NULL;
}

/**
 * dsa_quota_open - Find out on whose account a file is.
 * @dfile: the file; gets &dsa_file.user.
 *
 * Return: 0 or -ENOMEM.
 */
int dsa_quota_open(struct dsa_file *dfile)
{
	struct dsa_user *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL), *user;
	struct dsa_device *dsa = dfile->dsa;

	if (!fresh)
		return -ENOMEM;
	fresh->uid = current_euid();
	init_waitqueue_head(&fresh->changed);
	spin_lock(&dsa->user_lock);
	user = dsa_user_find(dsa, fresh->uid);
	if (!user) {
		list_add(&fresh->link, &dsa->users);
		user = fresh;
		fresh = NULL;
	}
	user->files++;
	spin_unlock(&dsa->user_lock);
	kfree(fresh);
	dfile->user = user;
	return 0;
}

/**
 * dsa_quota_close - Undo dsa_quota_open().
 * @dfile: the file; all that it had is given back.
 *
 * What a user owes for failures is kept as long as a file is open. To reopen
 * the device costs more than the failures.
 */
void dsa_quota_close(struct dsa_file *dfile)
{
	struct dsa_device *dsa = dfile->dsa;
	struct dsa_user *user = dfile->user;

	spin_lock(&dsa->user_lock);
	if (--user->files)
		user = NULL;
	else
		list_del(&user->link);
	spin_unlock(&dsa->user_lock);
	kfree(user);
}

static bool dsa_quota_take(unsigned int *count, unsigned int max)
{
	if (max && *count >= max)
		return false;
	++*count;
	return true;
}

static unsigned int dsa_quota_limit(const uint *limit)
{
	return capable(CAP_SYS_RESOURCE) ? 0 : READ_ONCE(*limit);
}

int dsa_quota_take_vm(struct dsa_file *dfile)
{
	unsigned int max = dsa_quota_limit(&dsa_max_vms);
	bool taken;

	spin_lock(&dfile->dsa->user_lock);
	taken = dsa_quota_take(&dfile->user->vms, max);
	spin_unlock(&dfile->dsa->user_lock);
	return taken ? 0 : -EDQUOT;
}

void dsa_quota_give_vm(struct dsa_file *dfile)
{
	spin_lock(&dfile->dsa->user_lock);
	dfile->user->vms--;
	spin_unlock(&dfile->dsa->user_lock);
}

/* 0, -EDQUOT, or -EAGAIN: when those that are closing are gone there will be room. */
static int dsa_quota_try_queue(struct dsa_file *dfile, u32 class, unsigned int max)
{
	struct dsa_user *user = dfile->user;
	int ret = 0;

	spin_lock(&dfile->dsa->user_lock);
	if (!dsa_quota_take(&user->queues[class], max))
		ret = user->queues[class] - user->closing[class] < max ? -EAGAIN : -EDQUOT;
	spin_unlock(&dfile->dsa->user_lock);
	return ret;
}

/**
 * dsa_quota_take_queue - Put a queue on its user's account.
 * @dfile: the file.
 * @class: enum drm_dsa_queue_class.
 *
 * Return: 0, -EDQUOT when the user has as many as one may have, -ERESTARTSYS.
 */
int dsa_quota_take_queue(struct dsa_file *dfile, u32 class)
{
	unsigned int max = dsa_quota_limit(&dsa_max_queues);
	long left;
	int ret;

	left = wait_event_interruptible_timeout(dfile->user->changed,
						(ret = dsa_quota_try_queue(dfile, class, max)) !=
						-EAGAIN, DSA_CLOSING_TIMEOUT);
	if (left < 0)
		return left;
	return ret == -EAGAIN ? -EDQUOT : ret;
}

/**
 * dsa_quota_queue_closing - Note that a queue is destroyed.
 * @dfile: the file.
 * @class: its class; dsa_quota_give_queue() will follow.
 */
void dsa_quota_queue_closing(struct dsa_file *dfile, u32 class)
{
	spin_lock(&dfile->dsa->user_lock);
	dfile->user->closing[class]++;
	spin_unlock(&dfile->dsa->user_lock);
}

/**
 * dsa_quota_give_queue - Take a queue off its user's account.
 * @dfile: the file.
 * @class: its class; it was closing.
 */
void dsa_quota_give_queue(struct dsa_file *dfile, u32 class)
{
	struct dsa_user *user = dfile->user;

	spin_lock(&dfile->dsa->user_lock);
	user->queues[class]--;
	user->closing[class]--;
	spin_unlock(&dfile->dsa->user_lock);
	wake_up_all(&user->changed);
}

/**
 * dsa_quota_failed - Charge a user for a queue that had to be stopped.
 * @dfile: the file.
 */
void dsa_quota_failed(struct dsa_file *dfile)
{
	struct dsa_user *user = dfile->user;
	ktime_t now = ktime_get();

	spin_lock(&dfile->dsa->user_lock);
	user->pays_until = max(user->pays_until, now - DSA_FAILURE_BURST * DSA_FAILURE_COST) +
			   DSA_FAILURE_COST;
	spin_unlock(&dfile->dsa->user_lock);
}

/**
 * dsa_quota_pay - Wait until the user has paid for failures.
 * @dfile: the file.
 *
 * Each stop of a queue is work for the driver, which a program could cause at
 * any rate with one new queue after the other. Not an error: the innocent
 * programs of the same user need not care.
 *
 * Return: 0 or -ERESTARTSYS.
 */
int dsa_quota_pay(struct dsa_file *dfile)
{
	ktime_t until;

	if (capable(CAP_SYS_RESOURCE))
		return 0;
	spin_lock(&dfile->dsa->user_lock);
	until = dfile->user->pays_until;
	spin_unlock(&dfile->dsa->user_lock);
	while (ktime_before(ktime_get(), until)) {
		if (signal_pending(current))
			return -ERESTARTSYS;
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_hrtimeout(&until, HRTIMER_MODE_ABS);
	}
	return 0;
}
