// SPDX-License-Identifier: GPL-2.0-only
/* Domains of the fake machine: what a test says runs there. */
#include <hv/pool.h>
#include <holdfast/service/domain.h>
#include "fake.h"

struct domain_cpu {
	u64 why;
};

int backend_domain_init(struct domain *domain)
{
	int error;

	if (fake.domain_error)
		return fake.domain_error;
	domain->cpu = pool_page();
	if (!domain->cpu)
		return -HF_ENOMEM;
	error = stage2_init(&domain->space, fake.format, fake.levels, FAKE_LIMIT);
	if (error) {
		pool_free(domain->cpu);
		domain->cpu = NULL;
	}
	return error;
}

void backend_domain_start(struct domain *domain, u64 why)
{
	domain->cpu->why = why;
}

struct domain_stop backend_domain_run(struct cpu *cpu, struct domain *domain)
{
	u64 why = domain->cpu->why;

	domain->cpu->why = FAKE_GO_ON;
	return fake.on_domain(cpu, domain, why);
}

void *fake_domain_access(struct domain *domain, struct gpa at, enum hf_access access)
{
	u32 need = access == HF_ACCESS_WRITE  ? HF_PERM_WRITE
		   : access == HF_ACCESS_READ ? HF_PERM_READ
					      : HF_PERM_USER_EXEC;

	if (!(stage2_permission(&domain->space, gpa(at.raw & ~PAGE_MASK), NULL) & need))
		return NULL;
	return at.raw < FAKE_RAM_BYTES ? fake.ram + at.raw : NULL;
}
