// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's page tables by which the image is reached: in the kernel, and where user mode runs
 * without it mapped (KPTI), by a root of its own, the trampolines.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/memory.h>

#include "tables.h"

#define LEVELS 5

/* @last: the page that was found last, at each level: tables cover more than one step */
struct finder {
	layout_table_fn *fn;
	void *arg;
	unsigned long last[LEVELS];
};

/* A level that this kernel, or this CPU, has not is a second look at the one above. */
static int found(struct finder *finder, unsigned int level, const void *entry)
{
	unsigned long page = (unsigned long)entry & PAGE_MASK;
	bool again = finder->last[level] == page || (level && finder->last[level - 1] == page);

	finder->last[level] = page;
	if (again)
		return 0;
	return finder->fn(__pa(page), level ? HF_KIND_TABLE : HF_KIND_ROOT, finder->arg);
}

static int find_way(struct finder *finder, pgd_t *root, unsigned long va)
{
	pgd_t *pgd = pgd_offset_pgd(root, va);
	int ret = found(finder, 0, pgd);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (ret || pgd_none(*pgd))
		return ret;
	p4d = p4d_offset(pgd, va);
	ret = found(finder, 1, p4d);
	if (ret || p4d_none(*p4d))
		return ret;
	pud = pud_offset(p4d, va);
	ret = found(finder, 2, pud);
	if (ret || pud_none(*pud) || pud_leaf(*pud))
		return ret;
	pmd = pmd_offset(pud, va);
	ret = found(finder, 3, pmd);
	if (ret || pmd_none(*pmd) || pmd_leaf(*pmd))
		return ret;
	return found(finder, 4, pte_offset_kernel(pmd, va));
}

int tables_find(phys_addr_t root, unsigned long from, unsigned long to, layout_table_fn *fn,
		void *arg)
{
	struct finder finder = { .fn = fn, .arg = arg };
	unsigned long va;
	int ret = 0;

	for (va = from & PMD_MASK; va < to && !ret; va += PMD_SIZE)
		ret = find_way(&finder, __va(root), va);
	return ret;
}
