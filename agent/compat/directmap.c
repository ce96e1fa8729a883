// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/pgtable.h>

#include "directmap.h"
#include "symbols.h"

/* Keeps 2 MiB entries whole, splits larger ones, and flushes every CPU's TLB. */
int directmap_remove(struct page *page, unsigned int npages)
{
	return symbols.set_memory_np((unsigned long)page_address(page), npages);
}

/*
 * The kernel can only put single pages back, which would leave the direct map
 * in 4 KiB pieces for ever. So a 2 MiB entry that was cleared as a whole is put
 * back as a whole; it covers only pages of the caller, so that nobody else
 * changes it. From not present to present needs no TLB flush.
 */
static void restore_block(struct page *page)
{
	unsigned long addr = (unsigned long)page_address(page);
	unsigned int i, level;
	pte_t *entry = lookup_address(addr, &level);

	if (!entry)
		return;
	if (level == PG_LEVEL_2M) {
		pmd_t *pmd = (pmd_t *)entry;

		if (!pmd_present(*pmd))
			set_pmd(pmd, pfn_pmd(page_to_pfn(page), PAGE_KERNEL_LARGE));
	} else if (level == PG_LEVEL_4K) {
		for (i = 0; i < PTRS_PER_PTE; i++)
			symbols.set_direct_map_default_noflush(page + i);
	}
}

void directmap_restore(struct page *page, unsigned int npages)
{
	unsigned int i;

	for (i = 0; i < npages; i += PTRS_PER_PTE)
		restore_block(page + i);
}
