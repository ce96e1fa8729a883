// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/pool.h>

#include "tables.h"

static struct stage2 tables;

static int map_run(struct gpa start, u64 npages, u32 perm, void *unused)
{
	(void)unused;
	return stage2_map(&tables, start, npages, perm);
}

int backend_stage2_prepare(struct gpa start, u64 npages)
{
	return stage2_prepare(&tables, start, npages);
}

void backend_stage2_protect(struct gpa start, u64 npages, u32 perm)
{
	stage2_protect(&tables, start, npages, perm);
}

void backend_stage2_merge(struct gpa start, u64 npages)
{
	stage2_merge(&tables, start, npages);
}

void backend_stage2_reclaim(void)
{
	stage2_reclaim(&tables);
}

u32 backend_stage2_permission(struct gpa page)
{
	return stage2_permission(&tables, page, NULL);
}

u32 backend_stage2_run(struct gpa page, u64 *npages)
{
	return stage2_run(&tables, page, npages);
}

u32 backend_stage2_admissible(u32 perm)
{
	return tables.format->admissible(perm);
}

int tables_init(const struct stage2_format *format, unsigned int levels, struct hpa *root)
{
	int error = stage2_init(&tables, format, levels, backend_gpa_limit().raw);

	if (error)
		return error;
	*root = pool_hpa(tables.root);
	return owner_for_each_run(backend_gpa_limit(), map_run, NULL);
}
