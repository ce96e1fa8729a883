// SPDX-License-Identifier: GPL-2.0-only
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include <holdfast/range.h>

#include "compat/symbols.h"
#include "walk.h"

#define LEVEL_BITS 9
#define ROOT_LEVEL (pgtable_l5_enabled() ? 5u : 4u)

/* What one entry says, at the level where the way down ends: a page, or nothing. */
struct leaf {
	u64 bytes; /* that the entry covers */
	u64 base;  /* of the frame */
	u32 rights; /* 0: nothing is mapped */
};

static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + LEVEL_BITS * (level - 1);
}

static u32 rights_of(u64 all, u64 any)
{
	u32 rights = HF_PERM_READ;

	if (all & _PAGE_RW)
		rights |= HF_PERM_WRITE;
	if (!(any & _PAGE_NX))
		rights |= HF_PERM_KERNEL_EXEC;
	return rights;
}

/*
 * Interrupts off: who frees a table of the kernel first flushes it from every CPU, by an
 * interrupt that it waits for.
 */
static struct leaf look(const pgd_t *root, unsigned long va)
{
	const u64 *table = (const u64 *)root;
	unsigned int level = ROOT_LEVEL;
	u64 entry, all = ~0ull, any = 0;
	struct leaf leaf = {};
	unsigned long flags;

	local_irq_save(flags);
	for (;; level--) {
		entry = READ_ONCE(table[(va >> shift_of(level)) & (PTRS_PER_PTE - 1)]);
		all &= entry;
		any |= entry;
		if (!(entry & _PAGE_PRESENT) || level == 1 || (level < 4 && (entry & _PAGE_PSE)))
			break;
		table = __va(entry & PTE_PFN_MASK);
	}
	local_irq_restore(flags);
	leaf.bytes = BIT_ULL(shift_of(level));
	if (entry & _PAGE_PRESENT) {
		leaf.base = entry & PTE_PFN_MASK & ~(leaf.bytes - 1);
		leaf.rights = rights_of(all, any);
	}
	return leaf;
}

static bool continues(const struct walk_run *run, u64 gpa, u32 rights)
{
	return run->npages && run->rights == rights &&
	       run->gpa + (run->npages << PAGE_SHIFT) == gpa;
}

int walk_tables(const pgd_t *root, unsigned long from, unsigned long to, walk_fn *fn, void *arg)
{
	unsigned long va, last = to - 1, left = last - from;
	struct walk_run run = {};
	int ret = 0;

	/* @left, not @va, ends the loop: the last page ends where addresses wrap. */
	for (va = from;;) {
		struct leaf leaf = look(root, va);
		u64 inside = va & (leaf.bytes - 1);
		u64 step = min_t(u64, leaf.bytes - inside - 1, left) + 1;
		u64 gpa = leaf.base + inside;

		if (!leaf.rights || !continues(&run, gpa, leaf.rights)) {
			if (run.npages)
				ret = fn(&run, arg);
			if (ret)
				return ret;
			run = (struct walk_run){ va, gpa, 0, leaf.rights };
		}
		if (leaf.rights)
			run.npages += step >> PAGE_SHIFT;
		if (step > left)
			break;
		left -= step;
		va += step;
	}
	return run.npages ? fn(&run, arg) : 0;
}

unsigned long walk_kernel_start(void)
{
	return -(1ul << (shift_of(ROOT_LEVEL) + LEVEL_BITS - 1));
}

int walk_kernel(unsigned long from, unsigned long to, walk_fn *fn, void *arg)
{
	return walk_tables(symbols.init_mm->pgd, from, to, fn, arg);
}
