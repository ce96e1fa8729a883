// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/special_insns.h>

#include "paging.h"

#define ALIAS_PAGES 4

static pud_t *walk_to_pud(unsigned long va)
{
	pgd_t *pgd = (pgd_t *)__va(__read_cr3() & CR3_ADDR_MASK) + pgd_index(va);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, va);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, va);
	return pud_none(*pud) ? NULL : pud;
}

u64 *paging_pmd(const void *va)
{
	pud_t *pud = walk_to_pud((unsigned long)va);

	if (!pud || pud_leaf(*pud))
		return NULL;
	return (u64 *)pmd_offset(pud, (unsigned long)va);
}

u64 *paging_leaf(const void *va, unsigned int *level)
{
	pud_t *pud = walk_to_pud((unsigned long)va);
	pmd_t *pmd;

	if (!pud)
		return NULL;
	*level = PG_LEVEL_1G;
	if (pud_leaf(*pud))
		return (u64 *)pud;
	pmd = pmd_offset(pud, (unsigned long)va);
	if (pmd_none(*pmd))
		return NULL;
	*level = PG_LEVEL_2M;
	if (pmd_leaf(*pmd))
		return (u64 *)pmd;
	*level = PG_LEVEL_4K;
	return (u64 *)pte_offset_kernel(pmd, (unsigned long)va);
}

unsigned long paging_pfn(const void *va)
{
	unsigned int level;
	u64 *leaf = paging_leaf(va, &level);
	u64 size;

	if (!leaf || !(*leaf & _PAGE_PRESENT))
		return 0;
	size = level == PG_LEVEL_1G ? PUD_SIZE : level == PG_LEVEL_2M ? PMD_SIZE : PAGE_SIZE;
	return ((*leaf & PTE_PFN_MASK & ~(size - 1)) + ((unsigned long)va & (size - 1))) >>
	       PAGE_SHIFT;
}

/* vmap gives no executable mapping, whatever it is asked for. */
static void make_executable(u8 *va, unsigned int count)
{
	unsigned int level;
	u64 *leaf;

	for (; count--; va += PAGE_SIZE) {
		leaf = paging_leaf(va, &level);
		if (leaf && level == PG_LEVEL_4K)
			WRITE_ONCE(*leaf, READ_ONCE(*leaf) & ~_PAGE_NX);
		paging_flush_here(va);
	}
}

void *paging_alias(unsigned long pfn, unsigned int count, pgprot_t prot)
{
	struct page *pages[ALIAS_PAGES];
	unsigned int i;
	void *alias;

	if (!count || count > ALIAS_PAGES)
		return NULL;
	for (i = 0; i < count; i++)
		pages[i] = pfn_to_page(pfn + i);
	alias = vmap(pages, count, VM_MAP, prot);
	if (alias && !(pgprot_val(prot) & _PAGE_NX))
		make_executable(alias, count);
	return alias;
}

void paging_flush_here(const void *va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static void flush_one(void *va)
{
	paging_flush_here(va);
}

void paging_flush_everywhere(const void *va)
{
	on_each_cpu(flush_one, (void *)va, 1);
}
