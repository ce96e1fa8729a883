// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/module.h>

#include "jumps.h"
#include "modules.h"

struct visit {
	int (*fn)(unsigned long va, unsigned long label, void *arg);
	void *arg;
};

static int visit_table(const struct jump_entry *entry, const struct jump_entry *end,
		       const struct visit *visit)
{
	int ret = 0;

	for (; entry < end && !ret; entry++)
		if (!jump_entry_is_init(entry))
			ret = visit->fn(jump_entry_code(entry), jump_entry_target(entry),
					visit->arg);
	return ret;
}

static int visit_module(const struct module *module, void *visit)
{
	return visit_table(module->jump_entries,
			   module->jump_entries + module->num_jump_entries, visit);
}

int jumps_each(int (*fn)(unsigned long va, unsigned long label, void *arg), void *arg)
{
	struct visit visit = { fn, arg };
	const struct jump_entry *start, *end;
	int ret = jumps_table(&start, &end) ? visit_table(start, end, &visit) : -EINVAL;

	return ret ? ret : modules_each(visit_module, &visit);
}
