// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent: the only part of Holdfast that knows Linux. It starts the
 * hypervisor, tells it what to protect and hands on queries. After lock nothing
 * depends on it.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>
#include <asm/io.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>
#include <holdfast/image.h>

#include "audit.h"
#include "call.h"
#include "compat/symbols.h"
#include "kexec.h"
#include "launch.h"
#include "lock.h"
#include "service.h"
#include "sleep.h"

/* Serializes launch and lock, guards state. */
static DEFINE_MUTEX(state_lock);
static enum hf_state state = HF_STATE_ABSENT;

/* A symbol this kernel lacks, or NULL. */
static const char *missing __ro_after_init;

static long version_ioctl(void __user *user)
{
	struct hf_ctl_version ctl = {
		.size = sizeof(ctl),
		.abi = HF_ABI,
		.state = READ_ONCE(state),
		.version = HF_VERSION,
	};

	return copy_to_user(user, &ctl, sizeof(ctl)) ? -EFAULT : 0;
}

/* With the ways out of the machine closed to the kernel itself. */
static int launch_closed(struct hf_ctl_launch *ctl)
{
	int ret = kexec_close();

	if (ret) {
		ctl->reason = HF_REASON_KEXEC;
		return ret;
	}
	ret = sleep_refuse();
	if (ret)
		goto reopen;
	ret = launch_run(ctl);
	if (!ret)
		return 0;
	sleep_permit();
reopen:
	kexec_reopen();
	return ret;
}

/* Once launched the module stays: the hypervisor cannot be taken away again. */
static int launch_once(struct hf_ctl_launch *ctl)
{
	int ret;

	if (state != HF_STATE_ABSENT) {
		ctl->reason = HF_REASON_ALREADY;
		return -EBUSY;
	}
	if (missing) {
		pr_err("this kernel has no symbol %s\n", missing);
		ctl->reason = HF_REASON_NO_SYMBOL;
		return -ENOENT;
	}
	ret = launch_closed(ctl);
	if (ret)
		return ret;
	__module_get(THIS_MODULE);
	WRITE_ONCE(state, HF_STATE_LAUNCHED);
	pr_info("launched\n");
	return 0;
}

static long launch_ioctl(struct hf_ctl_launch __user *user)
{
	struct hf_ctl_launch ctl;
	int ret;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	ctl.reason = HF_REASON_NONE;
	if (ctl.size != sizeof(ctl) || ctl.abi != HF_ABI) {
		ctl.reason = HF_REASON_ABI;
		ret = -EINVAL;
	} else {
		mutex_lock(&state_lock);
		ret = launch_once(&ctl);
		mutex_unlock(&state_lock);
	}
	/* Where only the answer cannot be given, the result must not say that nothing happened.
	 */
	if (put_user(ctl.reason, &user->reason) && ret)
		return -EFAULT;
	return ret;
}

static int lock_once(struct hf_ctl_lock *ctl)
{
	int ret;

	if (state == HF_STATE_ABSENT)
		return -ENODEV;
	if (state == HF_STATE_LOCKED)
		return -EALREADY;
	ret = lock_run(ctl);
	if (ret)
		return ret;
	WRITE_ONCE(state, HF_STATE_LOCKED);
	pr_info("locked: %llu pages in %u ranges\n", ctl->pages, ctl->ranges);
	return 0;
}

static long lock_ioctl(struct hf_ctl_lock __user *user)
{
	struct hf_ctl_lock ctl;
	int ret;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	if (ctl.size != sizeof(ctl) || memchr_inv(ctl.reserved, 0, sizeof(ctl.reserved)) ||
	    ctl.ftrace > HF_POLICY_ON || ctl.kprobes > HF_POLICY_ON ||
	    ctl.livepatch > HF_POLICY_ON)
		return -EINVAL;
	mutex_lock(&state_lock);
	ret = lock_once(&ctl);
	mutex_unlock(&state_lock);
	if (copy_to_user(user, &ctl, sizeof(ctl)) && ret)
		return -EFAULT;
	return ret;
}

/* The hypervisor writes to a page that is Linux's own; from there the answer goes to the
 * caller. */
static long query_page(const struct hf_ctl_query *ctl, struct page *page)
{
	long ret = call_make(ctl->call, page_to_phys(page), ctl->arg);

	if (ret >= 0 &&
	    copy_to_user(u64_to_user_ptr(ctl->buffer), page_address(page), HF_PAGE_SIZE))
		return -EFAULT;
	return ret;
}

static long query_ioctl(const struct hf_ctl_query __user *user)
{
	struct hf_ctl_query ctl;
	struct page *page;
	long ret;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	if (ctl.call < HF_CALL_INFO || ctl.call > HF_CALL_PAGES || ctl.reserved)
		return -EINVAL;
	if (READ_ONCE(state) == HF_STATE_ABSENT)
		return -ENODEV;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	ret = query_page(&ctl, page);
	__free_page(page);
	return ret;
}

static long audit_ioctl(struct hf_ctl_audit __user *user)
{
	struct hf_ctl_audit ctl;
	void *runs;
	long ret = 0;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	if (ctl.size != sizeof(ctl) || ctl.count || !PAGE_ALIGNED(ctl.va))
		return -EINVAL;
	if (missing)
		return -ENOENT;
	runs = (void *)get_zeroed_page(GFP_KERNEL);
	if (!runs)
		return -ENOMEM;
	audit_run(&ctl, runs);
	if (copy_to_user(u64_to_user_ptr(ctl.buffer), runs, HF_PAGE_SIZE) ||
	    copy_to_user(user, &ctl, sizeof(ctl)))
		ret = -EFAULT;
	free_page((unsigned long)runs);
	return ret;
}

static long service_ioctl(const struct hf_ctl_service __user *user)
{
	struct hf_ctl_service ctl;
	long ret = -ENODEV;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	if (ctl.size != sizeof(ctl) || ctl.reserved || ctl.image_size > HF_IMAGE_SIZE_MAX)
		return -EINVAL;
	mutex_lock(&state_lock);
	if (state == HF_STATE_LAUNCHED)
		ret = service_load(&ctl);
	else if (state == HF_STATE_LOCKED)
		ret = -EPERM;
	mutex_unlock(&state_lock);
	return ret;
}

static long request_ioctl(const struct hf_ctl_request __user *user)
{
	struct hf_ctl_request ctl;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	if (ctl.size != sizeof(ctl) || ctl.reserved || ctl.lent_size > HF_LENT_SIZE_MAX)
		return -EINVAL;
	if (READ_ONCE(state) == HF_STATE_ABSENT)
		return -ENODEV;
	return service_call(&ctl);
}

/* Per call, not per open: a descriptor may be handed on. */
static long device_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (command) {
	case HF_CTL_VERSION:
		return version_ioctl(user);
	case HF_CTL_LAUNCH:
		return launch_ioctl(user);
	case HF_CTL_LOCK:
		return lock_ioctl(user);
	case HF_CTL_QUERY:
		return query_ioctl(user);
	case HF_CTL_AUDIT:
		return audit_ioctl(user);
	case HF_CTL_SERVICE:
		return service_ioctl(user);
	case HF_CTL_REQUEST:
		return request_ioctl(user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_ops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "holdfast",
	.mode = 0600,
	.fops = &device_ops,
};

/* Below a hypervisor that was here first all is as after a launch. */
static int adopt(void)
{
	int ret = kexec_close();

	if (!ret)
		ret = sleep_refuse();
	if (ret)
		return ret;
	__module_get(THIS_MODULE);
	WRITE_ONCE(state, HF_STATE_LAUNCHED);
	return 0;
}

static int __init agent_init(void)
{
	int ret;

	missing = symbols_init();
	if (launch_present()) {
		ret = adopt();
		if (ret)
			return ret;
	}
	return misc_register(&device);
}

/* Only reached when nothing was launched. */
static void __exit agent_exit(void)
{
	misc_deregister(&device);
}

module_init(agent_init);
module_exit(agent_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("Holdfast contributors");
MODULE_DESCRIPTION("Starts Holdfast below the running kernel and locks it");
MODULE_VERSION(HF_VERSION);
