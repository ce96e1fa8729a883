/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stage2.h asks of a format, for every permission, level and address; and that the hardware's
 * limits never give more than reading and executing beyond what is asked.
 *
 * Who includes this says which formats there are.
 */
#ifndef TEST_PROOF_FORMAT_H
#define TEST_PROOF_FORMAT_H

#include <holdfast/range.h>
#include <hv/stage2.h>
#include "proof.h"

#define EXECUTE (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

static const struct stage2_format *any_format(void);
/* Who executes: permissions that entries of the format have without the other of the two. */
static u32 told_apart(const struct stage2_format *f);

void prove_permissions(void)
{
	const struct stage2_format *f = any_format();
	u32 perm = any_below(HF_PERM_ALL + 1);
	u32 got = f->admissible(perm);

	prove(f->admissible(got) == got, "what is admissible stays as it is");
	prove((got & perm) == perm, "all that is asked for is given");
	prove(implies(!perm, !got), "I2: nothing is given where nothing is asked for");
	prove(implies(!(perm & HF_PERM_WRITE), !(got & HF_PERM_WRITE)),
	      "I1: writing only if asked");
	prove(implies(!(perm & EXECUTE), !(got & EXECUTE)), "I1: executing only if asked");
	prove(implies(told_apart(f) & HF_PERM_KERNEL_EXEC && !(perm & HF_PERM_KERNEL_EXEC),
		      !(got & HF_PERM_KERNEL_EXEC)),
	      "I1: executing in kernel mode only if asked, where that is told apart");
	prove(implies(told_apart(f) & HF_PERM_USER_EXEC && !(perm & HF_PERM_USER_EXEC),
		      !(got & HF_PERM_USER_EXEC)),
	      "and in user mode");
}

void prove_entries(void)
{
	const struct stage2_format *f = any_format();
	u32 perm = any_below(HF_PERM_ALL + 1);
	unsigned int level = 1 + any_below(f->max_block);
	/* Where a block of the level, and a table, may begin; the CPU has at most 52 bits. */
	u64 to = nondet_u64() & (BIT(52) - BIT(PAGE_SHIFT + 9 * (level - 1)));
	u64 child = nondet_u64() & (BIT(52) - PAGE_SIZE);
	u64 leaf = f->leaf(hpa(to), f->admissible(perm), level);
	u64 table = f->table(hpa(child));

	prove(f->is_leaf(leaf, level) == (perm != 0), "a leaf is one");
	prove(implies(perm, !f->is_table(leaf, level)), "and no table");
	prove(implies(perm, f->address(leaf, level).raw == to), "it leads where it should");
	prove(f->permission(leaf) == f->admissible(perm), "and permits what it should");
	prove(implies(level > 1, f->is_table(table, level)), "a table is one");
	prove(implies(level > 1, !f->is_leaf(table, level)), "and no leaf");
	prove(f->address(table, level).raw == child, "it leads where it should");
	/* stage2.c: an entry of value 0, and a link of its own, which is the address of a page. */
	prove(!f->is_leaf(0, level) && !f->is_table(0, level), "0 is nothing");
	child = nondet_u64() & ~PAGE_MASK;
	prove(!f->is_leaf(child, level) && !f->is_table(child, level),
	      "the address of a page is nothing");
}

#endif
