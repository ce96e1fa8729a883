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

/* Allocations since the launch began; launches exclude each other. */
static unsigned int allocs;

void inject_start(void)
{
	allocs = 0;
}

bool inject_allows(void)
{
	return ++allocs != READ_ONCE(inject_alloc);
}
