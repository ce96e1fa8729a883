// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entry of load_module() is traced, and led to a function of ours that may sleep: it copies the
 * file and goes on behind the call of the tracer.
 */
#include <linux/elf.h>
#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "loader.h"
#include "symbols.h"

/* kernel/module/internal.h, struct load_info: how it begins. */
struct file_info {
	const char *name;
	void *module;
	const void *file;
	unsigned long size;
};

typedef int load_fn(struct file_info *info, const char __user *arguments, int flags);

/* While a file is loaded. */
struct copy {
	struct list_head list;
	const struct task_struct *task;
	size_t size;
	void *bytes;
};

static LIST_HEAD(copies);
static DEFINE_SPINLOCK(copies_lock);
static load_fn *original; /* behind the call of the tracer */

/* As the notifier comes in the same thread, without a copy if there is no memory for one. */
static int load_file(struct file_info *info, const char __user *arguments, int flags)
{
	struct copy copy = { .task = current, .size = info->size };
	int ret;

	copy.bytes = vmalloc(max(copy.size, 1ul));
	if (copy.bytes)
		memcpy(copy.bytes, info->file, copy.size);
	spin_lock(&copies_lock);
	list_add(&copy.list, &copies);
	spin_unlock(&copies_lock);
	ret = original(info, arguments, flags);
	spin_lock(&copies_lock);
	list_del(&copy.list);
	spin_unlock(&copies_lock);
	vfree(copy.bytes);
	return ret;
}

static void notrace enter(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			  struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	if (regs)
		regs->ip = (unsigned long)load_file;
}

static struct ftrace_ops ops = {
	.func = enter,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_RECURSION |
		 FTRACE_OPS_FL_PERMANENT,
};

int loader_watch(void)
{
	unsigned long ip;
	int ret;

	if (original)
		return 0;
	if (!symbols.load_module || !symbols.ftrace_location)
		return -ENOENT;
	ip = symbols.ftrace_location(symbols.load_module);
	if (!ip)
		return -ENOENT;
	original = (load_fn *)(ip + MCOUNT_INSN_SIZE);
	ret = ftrace_set_filter_ip(&ops, ip, 0, 0);
	if (!ret)
		ret = register_ftrace_function(&ops);
	if (ret)
		original = NULL;
	return ret;
}

const void *loader_file(size_t *size)
{
	const struct copy *copy;
	const void *bytes = NULL;

	spin_lock(&copies_lock);
	list_for_each_entry(copy, &copies, list)
	{
		if (copy->task != current)
			continue;
		bytes = copy->bytes;
		*size = copy->size;
		break;
	}
	spin_unlock(&copies_lock);
	return bytes;
}
