// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an attacker may leave behind in the kernel's page tables, for an audit to find: addresses
 * of three pages, one of which can be run, one is the hypervisor's, one is nobody's. Nobody uses
 * them. A module of its own, as it is loaded after lock, when hf_attack cannot be.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

/* Beyond what the second-level tables of any machine translate. */
#define NOWHERE BIT_ULL(51)

static unsigned long hypervisor;
module_param(hypervisor, ulong, 0400);
MODULE_PARM_DESC(hypervisor, "address of a page of the hypervisor");

static unsigned long nothing;
module_param(nothing, ulong, 0400);
MODULE_PARM_DESC(nothing, "in place of the other: plant nothing");

/* A page's own mapping, and what its entry was before it was made into something else. */
struct plant {
	void *va;
	pte_t *entry;
	pte_t was;
};

static struct page *page;
static struct plant code, own, nowhere;

/* The address is seen by the audit and touched by nobody: no CPU may have it in its TLB. */
static int plant(struct plant *p, u64 frame, u64 clear)
{
	unsigned int level;

	p->va = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	p->entry = p->va ? lookup_address((unsigned long)p->va, &level) : NULL;
	if (!p->entry || level != PG_LEVEL_4K)
		return -ENOMEM;
	p->was = *p->entry;
	WRITE_ONCE(*p->entry, __pte((pte_val(p->was) & ~(PTE_PFN_MASK | clear)) | frame));
	return 0;
}

static void uproot(struct plant *p)
{
	if (p->entry)
		WRITE_ONCE(*p->entry, p->was);
	vunmap(p->va);
}

static void plant_exit(void)
{
	uproot(&nowhere);
	uproot(&own);
	uproot(&code);
	if (page)
		__free_page(page);
}

static int __init plant_init(void)
{
	int err;

	if (!hypervisor)
		return nothing ? 0 : -EINVAL;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	err = plant(&code, page_to_phys(page), _PAGE_NX);
	if (!err)
		err = plant(&own, hypervisor, 0);
	if (!err)
		err = plant(&nowhere, NOWHERE, 0);
	if (err)
		plant_exit();
	return err;
}

module_init(plant_init);
module_exit(plant_exit);
MODULE_DESCRIPTION("What an audit of a kernel under Holdfast must find");
MODULE_LICENSE("GPL");
