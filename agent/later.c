// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that comes after lock is refused when it is run, where execution is controlled: the kernel
 * would die in a module's first function, or in the first packet that a new filter looks at. So
 * modules are refused before any of theirs runs, and BPF programs are interpreted.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <asm/io.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "compat/symbols.h"
#include "later.h"

static bool closed;

int later_confined(bool *confined)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	const struct hf_info *info;
	long ret;

	if (!page)
		return -ENOMEM;
	info = page_address(page);
	ret = call_make(HF_CALL_INFO, page_to_phys(page), 0);
	*confined = !ret && (info->features & HF_FEATURE_EXEC_SPLIT) &&
		    info->action == HF_ACTION_DENY;
	__free_page(page);
	return ret;
}

static int refuse(struct notifier_block *block, unsigned long action, void *data)
{
	const struct module *module = data;

	if (action != MODULE_STATE_COMING || !READ_ONCE(closed))
		return NOTIFY_DONE;
	pr_warn("module %s refused: code that comes after lock is not executable; load it "
		"before\n",
		module->name);
	return notifier_from_errno(-EPERM);
}

/* First of all, so that there is nothing for the others to undo. */
static struct notifier_block notifier = { .notifier_call = refuse, .priority = INT_MAX };

int later_prepare(void)
{
	return register_module_notifier(&notifier);
}

void later_close(void)
{
	if (symbols.bpf_jit_enable)
		WRITE_ONCE(*symbols.bpf_jit_enable, 0);
	WRITE_ONCE(closed, true);
}

void later_permit(void)
{
	unregister_module_notifier(&notifier);
}
