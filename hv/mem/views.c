// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/range.h>
#include <hv/pool.h>
#include <hv/views.h>

#define EXEC (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

#define SHARED_LEVEL \
	4 /* a table with entries of 512 GiB; there is one, for addresses end at 2^48 */
#define SHARED_SHIFT 39

/* What the tables of a view must give, for all together to give @perm. */
static u32 part_of(const struct views *v, enum view view, u32 perm)
{
	u32 executes = view == VIEW_KERNEL ? HF_PERM_KERNEL_EXEC : HF_PERM_USER_EXEC;

	if (v->count == 1 || !perm)
		return perm;
	perm |= HF_PERM_READ;
	return perm & executes ? perm | EXEC : perm & ~EXEC;
}

static u32 together(const struct views *v, const u32 *part)
{
	if (v->count == 1)
		return part[VIEW_KERNEL];
	return (part[VIEW_KERNEL] & ~HF_PERM_USER_EXEC) | (part[VIEW_USER] & HF_PERM_USER_EXEC);
}

int views_init(struct views *v, const struct stage2_format *format, unsigned int levels,
	       u64 limit, bool two)
{
	int error = 0;

	*v = (struct views){ .count = two ? VIEWS : 1 };
	for (u32 i = 0; i < v->count && !error; i++)
		error = stage2_init(&v->view[i], format, levels, limit);
	return error;
}

static u64 *shared_table(const struct stage2 *s2)
{
	u64 *table = s2->root;

	for (unsigned int level = s2->levels; level > SHARED_LEVEL; level--)
		table = pool_va(s2->format->address(table[0], level));
	return table;
}

void views_share(struct views *v, struct gpa start)
{
	const u64 *from = shared_table(&v->view[VIEW_KERNEL]);

	for (u32 i = 1; i < v->count; i++) {
		u64 *to = shared_table(&v->view[i]);

		for (u64 n = start.raw >> SHARED_SHIFT; n < STAGE2_ENTRIES; n++)
			to[n] = from[n];
	}
}

bool views_execute(const struct views *v, enum view view, struct gpa page)
{
	return stage2_permission(&v->view[view], page, NULL) & EXEC;
}

int views_prepare(struct views *v, struct gpa start, u64 npages)
{
	int error = 0;

	for (u32 i = 0; i < v->count && !error; i++)
		error = stage2_prepare(&v->view[i], start, npages);
	return error;
}

int views_map(struct views *v, struct gpa start, u64 npages, u32 perm)
{
	int error = 0;

	for (u32 i = 0; i < v->count && !error; i++)
		error = stage2_map(&v->view[i], start, npages, part_of(v, i, perm));
	return error;
}

void views_protect(struct views *v, struct gpa start, u64 npages, u32 perm)
{
	for (u32 i = 0; i < v->count; i++)
		stage2_protect(&v->view[i], start, npages, part_of(v, i, perm));
}

void views_merge(struct views *v, struct gpa start, u64 npages)
{
	for (u32 i = 0; i < v->count; i++)
		stage2_merge(&v->view[i], start, npages);
}

void views_reclaim(struct views *v)
{
	for (u32 i = 0; i < v->count; i++)
		stage2_reclaim(&v->view[i]);
}

u32 views_run(const struct views *v, struct gpa page, u64 *npages)
{
	u32 part[VIEWS] = { 0 };
	u64 own;

	*npages = ~0ull;
	for (u32 i = 0; i < v->count; i++) {
		part[i] = stage2_run(&v->view[i], page, &own);
		*npages = own < *npages ? own : *npages;
	}
	return together(v, part);
}

u32 views_admissible(const struct views *v, u32 perm)
{
	u32 part[VIEWS] = { 0 };

	for (u32 i = 0; i < v->count; i++)
		part[i] = v->view[i].format->admissible(part_of(v, i, perm));
	return together(v, part);
}
