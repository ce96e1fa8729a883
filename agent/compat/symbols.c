// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "symbols.h"

struct symbols symbols __ro_after_init;

/*
 * kallsyms_lookup_name is exported to nobody since 5.7, but a kprobe resolves its
 * symbol by the same table. Registered disabled, it never touches kernel text.
 */
static unsigned long __init find_lookup(void)
{
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long addr;

	if (register_kprobe(&probe))
		return 0;
	addr = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return addr;
}

/* Where the list of modules begins, of which ours is in: what lies in none of them. */
static struct list_head *__init find_modules(void)
{
	struct list_head *at = &THIS_MODULE->list;

	preempt_disable();
	while (symbols.module_address((unsigned long)at))
		at = at->next;
	preempt_enable();
	return at;
}

const char *__init symbols_init(void)
{
	unsigned long (*lookup)(const char *name) = (void *)find_lookup();
	const struct wanted *want;

	if (!lookup)
		return "kallsyms_lookup_name";
	for (want = symbols_wanted; want->name; want++) {
		unsigned long addr = lookup(want->name);

		if (!addr && !want->optional)
			return want->name;
		*(unsigned long *)((char *)&symbols + want->field) = addr;
	}
	if (!symbols.modules)
		symbols.modules = find_modules();
	return NULL;
}
