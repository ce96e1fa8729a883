// SPDX-License-Identifier: GPL-2.0-only
/* Intel hosts no services yet: no domain is made, so none is ever run. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/panic.h>

int backend_domain_init(struct domain *domain)
{
	(void)domain;
	return -HF_ENODEV;
}

void backend_domain_start(struct domain *domain, u64 why)
{
	(void)domain;
	panic("domain entered at %llx", (unsigned long long)why);
}

struct domain_stop backend_domain_run(struct cpu *cpu, struct domain *domain)
{
	(void)domain;
	panic("domain run on CPU %u", cpu->index);
}
