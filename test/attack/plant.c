// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an attacker may leave behind in the kernel's page tables: addresses of three pages, one
 * of which can be run, one is the hypervisor's, one is nobody's. Nobody uses them.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "hypervisor.h"
#include "paging.h"
#include "plant.h"

/* Beyond what second-level tables of any machine here translate. */
#define NOWHERE BIT_ULL(51)

static struct {
	struct page *page;
	void *code, *own, *nowhere;
	u64 *leaf; /* of nowhere, and what it was */
	u64 was;
} plant;

static void *map_own(void)
{
	struct hypervisor_memory *memory = kvzalloc(sizeof(*memory), GFP_KERNEL);
	void *alias = NULL;

	if (memory && !hypervisor_find(memory) && memory->count)
		alias = paging_alias(memory->run[0].pfn, 1, PAGE_KERNEL);
	kvfree(memory);
	return alias;
}

static void *map_nowhere(void)
{
	void *alias = paging_alias(page_to_pfn(plant.page), 1, PAGE_KERNEL);
	unsigned int level;
	u64 *leaf = alias ? paging_leaf(alias, &level) : NULL;

	if (leaf && level == PG_LEVEL_4K) {
		plant.leaf = leaf;
		plant.was = READ_ONCE(*leaf);
		WRITE_ONCE(*leaf, (plant.was & ~PTE_PFN_MASK) | NOWHERE);
		paging_flush_everywhere(alias);
	}
	return alias;
}

int plant_all(void)
{
	plant.page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!plant.page)
		return -ENOMEM;
	plant.code = paging_alias(page_to_pfn(plant.page), 1, PAGE_KERNEL_EXEC);
	plant.own = map_own();
	plant.nowhere = map_nowhere();
	if (plant.code && plant.own && plant.leaf)
		return 0;
	plant_remove();
	return -ENXIO;
}

void plant_remove(void)
{
	if (!plant.page)
		return;
	if (plant.leaf) {
		WRITE_ONCE(*plant.leaf, plant.was);
		paging_flush_everywhere(plant.nowhere);
	}
	vunmap(plant.nowhere);
	vunmap(plant.own);
	vunmap(plant.code);
	__free_page(plant.page);
	plant.page = NULL;
}
