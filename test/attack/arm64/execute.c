// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code of one's own, run in kernel mode. Where that is refused the thread dies: the way out of such
 * a fault would be at the instruction that faults. So each attack takes what it needs from the
 * kernel first, and keeps it.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgtable.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/cacheflush.h>
#include <asm/memory.h>
#include <asm/sysreg.h>
#include <asm/tlbflush.h>

#include "attack.h"

/* mov w1, #1; str w1, [x0]; ret */
static const u32 program[] = { 0x52800021, 0xb9000001, 0xd65f03c0 };

static u32 ran; /* what it writes */

static void write_program(void *page)
{
	memcpy(page, program, sizeof(program));
	flush_icache_range((unsigned long)page, (unsigned long)page + sizeof(program));
}

static enum attack_outcome call(struct attempt *t, unsigned long at)
{
	bool done;

	t->va = (u8 *)&ran;
	t->size = sizeof(ran);
	t->was = 0;
	t->wanted = 1;
	WRITE_ONCE(ran, 0);
	attack_note(t, "called at %lx", at);
	((void (*)(u32 *))at)(&ran);
	done = READ_ONCE(ran);
	WRITE_ONCE(ran, 0);
	return done ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static int look(struct attempt *t, u64 *is)
{
	*is = READ_ONCE(ran);
	return 0;
}

#define ADDRESS	  GENMASK_ULL(47, PAGE_SHIFT)
#define TABLE_PXN BIT_ULL(59)
#define BITS	  (PAGE_SHIFT - 3) /* of an address, of each level */

/*
 * The kernel may execute the page at @va: neither its entry nor one that leads there denies it.
 * (What user mode may write the kernel cannot execute, whatever they say.) @size: TCR_EL1's of this
 * half.
 */
static void make_executable(phys_addr_t root, unsigned int size, unsigned long va)
{
	unsigned int shift =
		PAGE_SHIFT + BITS * (DIV_ROUND_UP(64 - size - PAGE_SHIFT, BITS) - 1);
	u64 *entry;

	va &= GENMASK_ULL(63 - size, 0);
	for (;; shift -= BITS) {
		entry = (u64 *)__va(root) + (va >> shift) % PTRS_PER_PTE;
		if (shift == PAGE_SHIFT)
			break;
		if (*entry & TABLE_PXN)
			WRITE_ONCE(*entry, *entry & ~TABLE_PXN);
		root = *entry & ADDRESS;
	}
	WRITE_ONCE(*entry, (*entry & ~(PTE_PXN | PTE_WRITE)) | PTE_RDONLY | PTE_AF);
	flush_tlb_all();
}

/* Through a mapping of one's own. */
static enum attack_outcome call_page(struct attempt *t, struct page *page)
{
	void *map;

	if (!page)
		return ATTACK_ERROR;
	write_program(page_address(page));
	map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!map)
		return ATTACK_ERROR;
	make_executable(read_sysreg(ttbr1_el1) & ADDRESS, read_sysreg(tcr_el1) >> 16 & 63,
			(unsigned long)map);
	return call(t, (unsigned long)map);
}

static enum attack_outcome heap(struct attempt *t)
{
	return call_page(t, alloc_page(GFP_KERNEL));
}

/* A page of a process, at the process's address. */
static enum attack_outcome user(struct attempt *t)
{
	unsigned long va = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, 0);
	struct page *page;

	if (IS_ERR_VALUE(va) || get_user_pages_fast(va, 1, FOLL_WRITE, &page) != 1)
		return ATTACK_ERROR;
	write_program(page_address(page));
	make_executable(__pa(current->mm->pgd), read_sysreg(tcr_el1) & 63, va);
	return call(t, va);
}

/* ---- a page of the image that the kernel has freed: init code and data ---- */

/*
 * One of them, whoever has it: the kernel takes it out of its lists of free pages, those of
 * other CPUs included, or moves what is there elsewhere. Asking for single pages until one of
 * these comes finds none where each is in use, or kept for emergencies.
 */
static struct page *take_frame(unsigned long from, unsigned long to)
{
	int (*take)(unsigned long from, unsigned long to, unsigned int type, gfp_t flags) =
		attack_symbol("alloc_contig_range");

	if (!take)
		take = attack_symbol("alloc_contig_range_noprof"); /* since 6.10 */
	for (; take && from < to; from++) {
		struct page *page = pfn_to_page(from);

		if (!PageReserved(page) && !PageSlab(page) &&
		    !take(from, from + 1, MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN))
			return page;
	}
	return NULL;
}

static enum attack_outcome freed_init(struct attempt *t)
{
	unsigned long start = (unsigned long)attack_symbol("_sinittext");
	unsigned long end = (unsigned long)&init_task; /* what follows begins with it */
	struct page *page;

	if (!start || end < start)
		return ATTACK_ERROR;
	page = take_frame(PHYS_PFN(__kimg_to_phys(start)), PHYS_PFN(__kimg_to_phys(end)));
	attack_note(t, "page frame %lx", page ? page_to_pfn(page) : 0);
	return call_page(t, page);
}

#define EXECUTE(name_, title_, run_)                                                          \
	{                                                                                     \
		.name = name_, .title = title_,                                               \
		.gives = "any code with all of the kernel's rights", .asset = "guest memory", \
		.needs = "XNX", .run = run_, .look = look,                                    \
	}

static const struct attack attacks[] = {
	EXECUTE("execute-heap", "run code in a page of the heap", heap),
	EXECUTE("execute-user", "run a page of a process, at its address", user),
	EXECUTE("execute-init", "run code in a page of the image that was freed", freed_init),
};

const struct attack_table arm_execute_table = { attacks, ARRAY_SIZE(attacks) };
