// SPDX-License-Identifier: GPL-2.0-only
#include <linux/elf.h>
#include <linux/module.h>
#include <linux/version.h>

#include "functions.h"
#include "modules.h"
#include "symbols.h"

struct visit {
	int (*fn)(const char *name, unsigned long va, void *arg);
	void *arg;
};

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static int visit_symbol(void *arg, const char *name, unsigned long va)
#else
static int visit_symbol(void *arg, const char *name, struct module *unused, unsigned long va)
#endif
{
	const struct visit *visit = arg;

	return visit->fn(name, va, visit->arg);
}

/* module_kallsyms_on_each_symbol() would take the mutex that is held. */
static int visit_module(const struct module *module, void *arg)
{
	const struct mod_kallsyms *names = &module->core_kallsyms;
	const struct visit *visit = arg;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < names->num_symtab && !ret; i++)
		if (names->symtab[i].st_shndx != SHN_UNDEF)
			ret = visit->fn(names->strtab + names->symtab[i].st_name,
					names->symtab[i].st_value, visit->arg);
	return ret;
}

int functions_each(int (*fn)(const char *name, unsigned long va, void *arg), void *arg)
{
	struct visit visit = { fn, arg };
	int ret = symbols.kallsyms_on_each_symbol(visit_symbol, &visit);

	return ret ? ret : modules_each(visit_module, &visit);
}
