// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/sysreg.h>

#include <holdfast/range.h>

#include "walk.h"

/* What one entry says, where the way down ends. */
struct leaf {
	u64 bytes;  /* that the entry covers */
	u64 base;   /* of the frame */
	u32 rights; /* 0: nothing is mapped */
};

/* A table can withhold kernel execution from all below it: PXNTable. */
#define TABLE_PXN BIT_ULL(59)

/* An entry with the dirty-bit modifier can be written: hardware takes its read-only bit away. */
static struct leaf leaf_of(u64 entry, u64 bytes, u64 tables)
{
	struct leaf leaf = { .bytes = bytes };

	if (!(entry & PTE_VALID))
		return leaf;
	leaf.base = __pte_to_phys(__pte(entry)) & ~(bytes - 1);
	leaf.rights = HF_PERM_READ;
	if (!(entry & PTE_RDONLY) || (entry & PTE_DBM))
		leaf.rights |= HF_PERM_WRITE;
	if (!(entry & PTE_PXN) && !(tables & TABLE_PXN))
		leaf.rights |= HF_PERM_KERNEL_EXEC;
	return leaf;
}

static struct leaf look(pgd_t *root, unsigned long va)
{
	pgd_t pgd = READ_ONCE(*pgd_offset_pgd(root, va));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	if (pgd_none(pgd))
		return (struct leaf){ .bytes = PGDIR_SIZE };
	p4d = READ_ONCE(*p4d_offset(pgd_offset_pgd(root, va), va));
	if (p4d_none(p4d))
		return (struct leaf){ .bytes = P4D_SIZE };
	pud = READ_ONCE(*pud_offset(p4d_offset(pgd_offset_pgd(root, va), va), va));
	if (pud_none(pud) || pud_leaf(pud))
		return leaf_of(pud_val(pud), PUD_SIZE, p4d_val(p4d));
	pmd = READ_ONCE(*pmd_offset(&pud, va));
	if (pmd_none(pmd) || pmd_leaf(pmd))
		return leaf_of(pmd_val(pmd), PMD_SIZE, p4d_val(p4d) | pud_val(pud));
	return leaf_of(pte_val(READ_ONCE(*pte_offset_kernel(&pmd, va))), PAGE_SIZE,
		       p4d_val(p4d) | pud_val(pud) | pmd_val(pmd));
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
		struct leaf leaf = look((pgd_t *)root, va);
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

/* A kernel built for 52 bits of address runs with 48 where the CPU has no more: TCR_EL1.T1SZ. */
unsigned long walk_kernel_start(void)
{
	return -BIT_ULL(64 - (read_sysreg(tcr_el1) >> 16 & 63));
}

int walk_kernel(unsigned long from, unsigned long to, walk_fn *fn, void *arg)
{
	phys_addr_t root = read_sysreg(ttbr1_el1) & GENMASK_ULL(47, PAGE_SHIFT);

	return walk_tables(__va(root), from, to, fn, arg);
}
