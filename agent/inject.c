// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "inject.h"

static unsigned int inject_alloc;
module_param(inject_alloc, uint, 0600);
MODULE_PARM_DESC(inject_alloc, "test: fail the agent's allocation of this number (1-based)");

unsigned int inject_hv_alloc;
module_param(inject_hv_alloc, uint, 0600);
MODULE_PARM_DESC(inject_hv_alloc, "test: fail the hypervisor's allocation of this number");

unsigned int inject_cpu;
module_param(inject_cpu, uint, 0600);
MODULE_PARM_DESC(inject_cpu, "test: fail the entry of this CPU (1-based)");

static unsigned int inject_call;
module_param(inject_call, uint, 0600);
MODULE_PARM_DESC(inject_call,
		 "test: fail the lock's call HF_CALL_*, or the first, second, ...");

/* Since the launch, or the lock, began; these exclude each other. */
static unsigned int allocs, calls;

void inject_start(void)
{
	allocs = 0;
	calls = 0;
}

bool inject_allows(void)
{
	return ++allocs != READ_ONCE(inject_alloc);
}

bool inject_allows_call(u32 number)
{
	unsigned int fails = READ_ONCE(inject_call);

	return ++calls != fails && number != fails;
}
