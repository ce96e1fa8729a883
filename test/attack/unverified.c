// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execution, in kernel mode, of code that nobody has verified. Each page is made executable in the
 * kernel's own tables by other means, so that only the second-level tables can say no.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

#include "attack.h"
#include "compat.h"
#include "execute.h"
#include "paging.h"

/* What an attack runs is the kernel's to execute by its own tables alone. */
static enum attack_outcome run_through_alias(struct attempt *t, unsigned long pfn)
{
	void *alias = paging_alias(pfn, 1, PAGE_KERNEL_EXEC);
	enum attack_outcome outcome;

	if (!alias)
		return ATTACK_ERROR;
	outcome = execute_attack(t, alias);
	vunmap(alias);
	return outcome;
}

/* At the page's own address, by the kernel's function. */
static enum attack_outcome run_at_home(struct attempt *t, void *page)
{
	int (*set_x)(unsigned long addr, int pages) = attack_symbol("set_memory_x");
	int (*set_nx)(unsigned long addr, int pages) = attack_symbol("set_memory_nx");
	enum attack_outcome outcome;

	if (!page || !set_x || !set_nx || set_x((unsigned long)page, 1))
		return ATTACK_ERROR;
	outcome = execute_attack(t, page);
	set_nx((unsigned long)page, 1);
	return outcome;
}

/* ---- memory of the kernel ---- */

static enum attack_outcome heap(struct attempt *t)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	enum attack_outcome outcome = ATTACK_ERROR;

	if (page) {
		memcpy(page, execute_code, EXECUTE_CODE_SIZE);
		outcome = run_at_home(t, page);
	}
	free_page((unsigned long)page);
	return outcome;
}

/* The entry itself, behind the kernel's back. */
static enum attack_outcome area(struct attempt *t)
{
	void *page = vmalloc(PAGE_SIZE);
	enum attack_outcome outcome = ATTACK_ERROR;
	unsigned int level;
	u64 *leaf, entry;

	if (!page)
		return ATTACK_ERROR;
	memcpy(page, execute_code, EXECUTE_CODE_SIZE);
	leaf = paging_leaf(page, &level);
	if (leaf && level == PG_LEVEL_4K) {
		entry = READ_ONCE(*leaf);
		WRITE_ONCE(*leaf, entry & ~_PAGE_NX);
		paging_flush_everywhere(page);
		outcome = execute_attack(t, page);
		WRITE_ONCE(*leaf, entry);
		paging_flush_everywhere(page);
	}
	vfree(page);
	return outcome;
}

/* As if a module had been loaded by other means than the kernel's. */
static enum attack_outcome modules(struct attempt *t)
{
	void *page = compat_module_alloc(PAGE_SIZE);
	enum attack_outcome outcome = ATTACK_ERROR;

	if (page) {
		memcpy(page, execute_code, EXECUTE_CODE_SIZE);
		outcome = run_at_home(t, page);
		compat_module_free(page);
	}
	return outcome;
}

/* Pages that are free, until one was the kernel's init text. */
static struct page *find_init(struct list_head *taken)
{
	unsigned long from = (unsigned long)attack_symbol("_sinittext");
	unsigned long to = (unsigned long)attack_symbol("_einittext"), count;
	struct sysinfo memory;
	struct page *page;

	if (!from || !to)
		return NULL;
	from = PHYS_PFN(__pa(PAGE_ALIGN(from)));
	to = PHYS_PFN(__pa(to & PAGE_MASK));
	si_meminfo(&memory);
	for (count = memory.freeram - memory.freeram / 16; count; count--) {
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
		if (!page)
			return NULL;
		list_add(&page->lru, taken);
		if (page_to_pfn(page) >= from && page_to_pfn(page) < to)
			return page;
	}
	return NULL;
}

static enum attack_outcome init(struct attempt *t)
{
	enum attack_outcome outcome = ATTACK_ERROR;
	struct page *page, *next;
	LIST_HEAD(taken);

	page = find_init(&taken);
	if (page) {
		attack_note(t, "frame %lx", page_to_pfn(page));
		memcpy(page_address(page), execute_code, EXECUTE_CODE_SIZE);
		outcome = run_through_alias(t, page_to_pfn(page));
	}
	list_for_each_entry_safe(page, next, &taken, lru)
	{
		__free_page(page);
	}
	return outcome;
}

/* ---- memory of a process ---- */

/* With code in it, that its process may run. Ends with vm_munmap and put_page. */
static struct page *user_page(unsigned long *va)
{
	struct page *page;

	*va = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(*va))
		return NULL;
	if (!copy_to_user((void __user *)*va, execute_code, EXECUTE_CODE_SIZE) &&
	    get_user_pages_fast(*va, 1, FOLL_WRITE, &page) == 1)
		return page;
	vm_munmap(*va, PAGE_SIZE);
	return NULL;
}

static void user_free(struct page *page, unsigned long va)
{
	put_page(page);
	vm_munmap(va, PAGE_SIZE);
}

/* SMEP looks at the mapping: a second one, without the user bit, gets round it. */
static enum attack_outcome user(struct attempt *t)
{
	enum attack_outcome outcome;
	unsigned long va;
	struct page *page = user_page(&va);

	if (!page)
		return ATTACK_ERROR;
	outcome = run_through_alias(t, page_to_pfn(page));
	user_free(page, va);
	return outcome;
}

/* Or the first one, if the user bit is taken from it. */
static enum attack_outcome user_entry(struct attempt *t)
{
	enum attack_outcome outcome = ATTACK_ERROR;
	unsigned int level;
	unsigned long va;
	struct page *page = user_page(&va);
	u64 *leaf, entry;

	if (!page)
		return ATTACK_ERROR;
	leaf = paging_leaf((void *)va, &level);
	if (leaf && level == PG_LEVEL_4K) {
		entry = READ_ONCE(*leaf);
		WRITE_ONCE(*leaf, entry & ~_PAGE_USER);
		paging_flush_everywhere((void *)va);
		outcome = execute_attack(t, (void *)va);
		WRITE_ONCE(*leaf, entry);
		paging_flush_everywhere((void *)va);
	}
	user_free(page, va);
	return outcome;
}

/* The kernel has all memory mapped once more. */
static enum attack_outcome user_direct(struct attempt *t)
{
	enum attack_outcome outcome;
	unsigned long va;
	struct page *page = user_page(&va);

	if (!page)
		return ATTACK_ERROR;
	outcome = run_at_home(t, page_address(page));
	user_free(page, va);
	return outcome;
}

#define ROW(name_, title_, run_)                                                \
	{                                                                       \
		.name = name_, .title = title_, .run = run_,                    \
		.gives = "any code in the kernel", .asset = "kernel execution", \
		.control = ATTACK_BARE, .reason = ATTACK_UNCONFINED,            \
		.closed_by = ATTACK_CONFINES,                                   \
	}

static const struct attack attacks[] = {
	ROW("execute-heap", "run a page of the heap after set_memory_x", heap),
	ROW("execute-vmalloc", "run a page of the vmalloc area, NX cleared in its entry", area),
	ROW("execute-modules", "run a page of the modules area that is no module's", modules),
	ROW("execute-init", "run a page that was init code of the kernel", init),
	ROW("execute-user", "run a page of a user process through a second mapping", user),
	ROW("execute-user-pte", "run a page of a user process, the user bit cleared",
	    user_entry),
	ROW("execute-user-direct", "run a page of a user process in the direct map",
	    user_direct),
};

const struct attack_table execute_table = { attacks, ARRAY_SIZE(attacks) };
