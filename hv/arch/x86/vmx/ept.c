// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/range.h>

#include "ept.h"
#include "mtrr.h"

#define EXEC (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

/* SDM vol. 3, tables 29-1 to 29-7. */
#define EPT_READ       BIT(0)
#define EPT_WRITE      BIT(1)
#define EPT_EXEC       BIT(2)
#define EPT_PRESENT    (EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_TYPE(type) ((u64)(type) << 3)
#define EPT_BLOCK      BIT(7)
#define EPT_USED       BIT(8) /* accessed; without the flags it means nothing */
#define EPT_DIRTY      BIT(9)
#define EPT_ADDR       0x000ffffffffff000ull

/*
 * SDM vol. 3, 25.6.11: memory type of the tables, levels less one; accessed and dirty flags. With
 * these a walk of the guest's own tables counts as a write (29.3.3.2), as it does on AMD: one rule
 * for both, and none of it depends on who sets flags in a table that is sealed.
 */
#define POINTER_WB     MTRR_TYPE_WB
#define POINTER_LEVELS ((EPT_LEVELS - 1) << 3)
#define POINTER_FLAGS  BIT(6)

static bool large_code, flags;

void ept_init(bool large, bool with_flags)
{
	large_code = large;
	flags = with_flags;
}

u64 ept_pointer(struct hpa root)
{
	return root.raw | POINTER_LEVELS | POINTER_WB | (flags ? POINTER_FLAGS : 0);
}

/*
 * As of nested tables: who executes is not told apart, and a page that is there can be read. (With
 * mode-based execute control there are two bits for execution: 29.3.3.1.)
 */
static u32 admissible(u32 perm)
{
	if (!perm)
		return 0;
	if (perm & EXEC)
		perm |= EXEC;
	return perm | HF_PERM_READ;
}

static u64 span_of(unsigned int level)
{
	return PAGE_SIZE << 9 * (level - 1);
}

static bool fits(struct hpa to, u32 perm, unsigned int level)
{
	u32 type;

	if (level == 1)
		return true;
	return (large_code || !(perm & EXEC)) && mtrr_uniform(to, span_of(level), &type);
}

static u64 leaf(struct hpa to, u32 perm, unsigned int level)
{
	u64 entry = to.raw | EPT_READ;
	u32 type;

	if (!perm)
		return 0;
	mtrr_uniform(to, span_of(level), &type);
	entry |= EPT_TYPE(type);
	if (level > 1)
		entry |= EPT_BLOCK;
	if (perm & HF_PERM_WRITE)
		entry |= EPT_WRITE;
	if (perm & EXEC)
		entry |= EPT_EXEC;
	/* The CPU sets these; set beforehand they cost no locked update at run time. */
	return entry | EPT_USED | EPT_DIRTY;
}

static u64 table(struct hpa to)
{
	return to.raw | EPT_PRESENT | EPT_USED;
}

static bool is_leaf(u64 entry, unsigned int level)
{
	return (entry & EPT_PRESENT) && (level == 1 || (entry & EPT_BLOCK));
}

static bool is_table(u64 entry, unsigned int level)
{
	return (entry & EPT_PRESENT) && !is_leaf(entry, level);
}

static struct hpa address(u64 entry, unsigned int level)
{
	(void)level;
	return hpa(entry & EPT_ADDR);
}

static u32 permission(u64 entry)
{
	if (!(entry & EPT_PRESENT))
		return 0;
	return HF_PERM_READ | (entry & EPT_WRITE ? HF_PERM_WRITE : 0) |
	       (entry & EPT_EXEC ? EXEC : 0);
}

const struct stage2_format ept_format = {
	.name = "ept",
	.max_block = 3,
	.fits = fits,
	.leaf = leaf,
	.table = table,
	.is_leaf = is_leaf,
	.is_table = is_table,
	.address = address,
	.permission = permission,
	.admissible = admissible,
};
