// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/pool.h>

#include "tables.h"

#define SHARED_BYTES BIT(39) /* what views_share takes multiples of */

static struct views tables;

/* Executable now or never: what lies above the last such run is the same in all views. */
static int find_end(struct gpa start, u64 npages, u32 perm, void *end)
{
	if (perm & (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC))
		*(u64 *)end = start.raw + npages * PAGE_SIZE;
	return 0;
}

/* @end: of what the views after the first have for themselves. */
static int map_run(struct gpa start, u64 npages, u32 perm, void *end)
{
	u64 own = *(u64 *)end, part = start.raw < own ? (own - start.raw) / PAGE_SIZE : 0;
	int error = 0;

	part = part < npages ? part : npages;
	if (part)
		error = views_map(&tables, start, part, perm);
	if (!error && part < npages)
		error = stage2_map(&tables.view[VIEW_KERNEL], gpa(start.raw + part * PAGE_SIZE),
				   npages - part, perm);
	return error;
}

int backend_stage2_prepare(struct gpa start, u64 npages)
{
	return views_prepare(&tables, start, npages);
}

void backend_stage2_protect(struct gpa start, u64 npages, u32 perm)
{
	views_protect(&tables, start, npages, perm);
}

void backend_stage2_merge(struct gpa start, u64 npages)
{
	views_merge(&tables, start, npages);
}

void backend_stage2_reclaim(void)
{
	views_reclaim(&tables);
}

u32 backend_stage2_permission(struct gpa page)
{
	u64 unused;

	return views_run(&tables, page, &unused);
}

u32 backend_stage2_run(struct gpa page, u64 *npages)
{
	return views_run(&tables, page, npages);
}

u32 backend_stage2_admissible(u32 perm)
{
	return views_admissible(&tables, perm);
}

int tables_init(const struct stage2_format *format, unsigned int levels, struct hpa *roots)
{
	u64 limit = backend_gpa_limit().raw, end = 0;
	int error = views_init(&tables, format, levels, limit, platform.two_tables);

	if (error)
		return error;
	owner_for_each_run(gpa(limit), find_end, &end);
	end = (end + SHARED_BYTES - 1) & ~(SHARED_BYTES - 1);
	error = owner_for_each_run(gpa(limit), map_run, &end);
	if (error)
		return error;
	views_share(&tables, gpa(end));
	for (u32 i = 0; i < VIEWS; i++)
		roots[i] = pool_hpa(tables.view[i % tables.count].root);
	return 0;
}

void tables_use(struct vcpu *v, enum view view)
{
	v->view = view;
	tables_load(v);
}

void tables_on_fetch(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	enum view view = v->state->cpl == 3 ? VIEW_USER : VIEW_KERNEL;

	if (!platform.two_tables || v->view == view || !views_execute(&tables, view, at))
		return;
	tables_use(v, view);
	e->exit.kind = HF_EXIT_VIEW;
	e->settled = true;
}
