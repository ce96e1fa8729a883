// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/static_call_types.h>
#include <linux/string.h>
#include <asm/cpufeature.h>

#include "calls.h"
#include "modules.h"
#include "symbols.h"

struct visit {
	int (*fn)(unsigned long va, bool tail, void *arg);
	void *arg;
};

static int visit_table(const struct static_call_site *site, const struct static_call_site *end,
		       const struct visit *visit)
{
	int ret = 0;

	for (; site < end && !ret; site++) {
		unsigned long key = (unsigned long)&site->key + site->key;

		if (!(key & STATIC_CALL_SITE_INIT))
			ret = visit->fn((unsigned long)&site->addr + site->addr,
					key & STATIC_CALL_SITE_TAIL, visit->arg);
	}
	return ret;
}

static int visit_module(const struct module *module, void *visit)
{
	return visit_table(module->static_call_sites,
			   module->static_call_sites + module->num_static_call_sites, visit);
}

int calls_each(int (*fn)(unsigned long va, bool tail, void *arg), void *arg)
{
	struct visit visit = { fn, arg };
	int ret = visit_table(symbols.static_call_sites, symbols.static_call_sites_end, &visit);

	return ret ? ret : modules_each(visit_module, &visit);
}

bool calls_trampoline(const char *name)
{
	return strstarts(name, STATIC_CALL_TRAMP_PREFIX_STR);
}

bool calls_counted(void)
{
#ifdef X86_FEATURE_CALL_DEPTH
	return boot_cpu_has(X86_FEATURE_CALL_DEPTH);
#else
	return false;
#endif
}
