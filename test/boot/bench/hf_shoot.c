// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shoot-downs, one after the other, from one CPU: writes to sealed pages, each with what it holds
 * already. Under the action "allow" the first write to a page opens it, which every CPU has to
 * be told. From its loading to its unloading, or until all pages are open.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

static unsigned long start, end;
module_param(start, ulong, 0444);
module_param(end, ulong, 0444);
MODULE_PARM_DESC(start, "first byte of the kernel image to write to");
MODULE_PARM_DESC(end, "first byte after the last");

static unsigned int cpu;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "that writes");

static unsigned int gap = 1000;
module_param(gap, uint, 0444);
MODULE_PARM_DESC(gap, "microseconds between two pages");

static unsigned int pages;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "out: how many have been written to");

static struct task_struct *thread;

/* Through a mapping of its own: the kernel's are read-only. */
static int touch(unsigned long at)
{
	struct page *page = pfn_to_page(__pa(at) >> PAGE_SHIFT);
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	if (!alias)
		return -ENOMEM;
	WRITE_ONCE(*alias, READ_ONCE(*alias));
	vunmap(alias);
	return 0;
}

static int touch_all(void *unused)
{
	unsigned long at;

	for (at = start; at < end && !kthread_should_stop(); at += PAGE_SIZE) {
		if (touch(at))
			break;
		WRITE_ONCE(pages, pages + 1);
		usleep_range(gap, gap + 1);
	}
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static int __init shoot_init(void)
{
	if ((start | end) & ~PAGE_MASK || start >= end)
		return -EINVAL;
	thread = kthread_create_on_cpu(touch_all, NULL, cpu, "hf_shoot/%u");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit shoot_exit(void)
{
	kthread_stop(thread);
}

module_init(shoot_init);
module_exit(shoot_exit);
MODULE_DESCRIPTION("One shoot-down after the other");
MODULE_LICENSE("GPL");
