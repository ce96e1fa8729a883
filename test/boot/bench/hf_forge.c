// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes a module between the kernel's check of its signature and its first instruction: one byte
 * of the padding behind its text, by a mapping of its own.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

static char *target = "";
module_param(target, charp, 0644);
MODULE_PARM_DESC(target, "name of the module");

static unsigned int forged;
module_param(forged, uint, 0444);
MODULE_PARM_DESC(forged, "out: how many were changed");

/* Of the last page of text. */
static void *last_page(const struct module *module)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	const struct module_memory *text = &module->mem[MOD_TEXT];

	return text->base + text->size - PAGE_SIZE;
#else
	return module->core_layout.base + module->core_layout.text_size - PAGE_SIZE;
#endif
}

static int changed(struct notifier_block *unused, unsigned long state, void *data)
{
	const struct module *module = data;
	struct page *page;
	u8 *alias;

	if (state != MODULE_STATE_COMING || strcmp(module->name, target))
		return NOTIFY_DONE;
	page = vmalloc_to_page(last_page(module));
	alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (alias) {
		alias[PAGE_SIZE - 1] ^= 1;
		vunmap(alias);
		forged++;
	}
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = changed };

static int __init forge_init(void)
{
	return register_module_notifier(&notifier);
}

static void __exit forge_exit(void)
{
	unregister_module_notifier(&notifier);
}

module_init(forge_init);
module_exit(forge_exit);
MODULE_DESCRIPTION("Changes modules while they are loaded");
MODULE_LICENSE("GPL");
