// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live patches of functions behind files of /proc, enabled by writing a function's name to the
 * parameter, and disabled as every live patch is. The kernel does not enable again what was
 * disabled, so each time it is a patch of its own, and this module can be there before lock.
 *
 * What is asked for here is done by a thread of its own: a refusal kills nobody else.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#define TIMES_MAX 8
#define ENABLED	  "/sys/kernel/livepatch/" KBUILD_MODNAME "/enabled"

static int show_patched(struct seq_file *file, void *unused)
{
	seq_puts(file, "live patched\n");
	return 0;
}

/* Each list ends with an empty one. */
static struct one_time {
	char name[64];
	struct klp_func function[2];
	struct klp_object object[2];
	struct klp_patch patch;
} times[TIMES_MAX];
static unsigned int used; /* under the lock of the parameters */

static int enable(void *arg)
{
	struct one_time *time = arg;

	time->function[0].old_name = time->name;
	time->function[0].new_func = show_patched;
	time->object[0].funcs = time->function;
	time->patch.mod = THIS_MODULE;
	time->patch.objs = time->object;
	return klp_enable_patch(&time->patch);
}

static int disable(void *unused)
{
	struct file *file = filp_open(ENABLED, O_WRONLY, 0);
	ssize_t done;
	loff_t at = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_write(file, "0", 1, &at);
	filp_close(file, NULL);
	return done == 1 ? 0 : -EIO;
}

static int ask(const char *name, const struct kernel_param *parameter)
{
	struct one_time *time = &times[used];

	if (!strcmp(name, "-"))
		return PTR_ERR_OR_ZERO(kthread_run(disable, NULL, KBUILD_MODNAME));
	if (used == TIMES_MAX)
		return -ENOSPC;
	used++;
	strscpy(time->name, name, sizeof(time->name));
	return PTR_ERR_OR_ZERO(kthread_run(enable, time, KBUILD_MODNAME));
}

static const struct kernel_param_ops patch_ops = { .set = ask };
module_param_cb(patch, &patch_ops, NULL, 0200);
MODULE_PARM_DESC(patch, "in: the function to patch, one like version_proc_show(); -: disable");

/* Not __init: the kernel goes on naming all functions of such a module, also where they are freed,
 * and who compares the module's code looks at all that has a name. */
static int livepatch_init(void)
{
	return 0;
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("Live patches, for tests");
MODULE_INFO(livepatch, "Y");
MODULE_LICENSE("GPL");
