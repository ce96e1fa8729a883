// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/range.h>

#include "../common/x86.h"
#include "npt.h"

#define EXEC (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

/*
 * Without GMET the tables cannot tell who executes: a page either may run has both. They cannot
 * withhold reading from a page that is there either.
 */
static u32 admissible(u32 perm)
{
	if (!perm)
		return 0;
	if (perm & EXEC)
		perm |= EXEC;
	return perm | HF_PERM_READ;
}

static u32 gmet_admissible(u32 perm)
{
	if (!perm)
		return 0;
	if (perm & HF_PERM_KERNEL_EXEC)
		perm |= HF_PERM_USER_EXEC;
	return perm | HF_PERM_READ;
}

static u64 leaf(struct hpa to, u32 perm, unsigned int level)
{
	u64 entry = to.raw | PTE_P | PTE_U;

	if (!perm)
		return 0;
	if (level > 1)
		entry |= PTE_PS;
	if (perm & HF_PERM_WRITE)
		entry |= PTE_W;
	if (!(perm & EXEC))
		entry |= PTE_NX;
	/* The CPU sets these; set beforehand they cost no locked update at run time. */
	return entry | PTE_A | PTE_D;
}

static u64 gmet_leaf(struct hpa to, u32 perm, unsigned int level)
{
	return leaf(to, perm, level) & ~(perm & HF_PERM_KERNEL_EXEC ? PTE_U : 0);
}

static u64 table(struct hpa to)
{
	return to.raw | PTE_P | PTE_W | PTE_U | PTE_A;
}

static bool is_leaf(u64 entry, unsigned int level)
{
	return (entry & PTE_P) && (level == 1 || (entry & PTE_PS));
}

static bool is_table(u64 entry, unsigned int level)
{
	return (entry & PTE_P) && !is_leaf(entry, level);
}

static struct hpa address(u64 entry, unsigned int level)
{
	(void)level; /* bit 12 (PAT of a large page) is never set by leaf() */
	return hpa(entry & PTE_ADDR);
}

static u32 permission(u64 entry)
{
	if (!(entry & PTE_P))
		return 0;
	return HF_PERM_READ | (entry & PTE_W ? HF_PERM_WRITE : 0) | (entry & PTE_NX ? 0 : EXEC);
}

static u32 gmet_permission(u64 entry)
{
	return permission(entry) & ~(entry & PTE_U ? HF_PERM_KERNEL_EXEC : 0);
}

#define FORMAT                                                                    \
	.max_block = 3, .table = table, .is_leaf = is_leaf, .is_table = is_table, \
	.address = address

const struct stage2_format npt_format = {
	FORMAT, .name = "npt", .leaf = leaf, .permission = permission, .admissible = admissible,
};

const struct stage2_format npt_gmet_format = {
	FORMAT,
	.name = "npt, GMET",
	.leaf = gmet_leaf,
	.permission = gmet_permission,
	.admissible = gmet_admissible,
};
