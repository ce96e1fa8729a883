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
#define EPT_USER_EXEC  BIT(10) /* with mode-based execute control; without it means nothing */
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

/* As of nested tables: who executes is not told apart, and a page that is there can be read. */
static u32 admissible(u32 perm)
{
	if (!perm)
		return 0;
	if (perm & EXEC)
		perm |= EXEC;
	return perm | HF_PERM_READ;
}

static u32 modes_admissible(u32 perm)
{
	return perm ? perm | HF_PERM_READ : 0;
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

static u64 make_leaf(struct hpa to, u32 perm, unsigned int level, u64 exec)
{
	u64 entry = to.raw | EPT_READ | exec;
	u32 type;

	if (!perm)
		return 0;
	mtrr_uniform(to, span_of(level), &type);
	entry |= EPT_TYPE(type);
	if (level > 1)
		entry |= EPT_BLOCK;
	if (perm & HF_PERM_WRITE)
		entry |= EPT_WRITE;
	/* The CPU sets these; set beforehand they cost no locked update at run time. */
	return entry | EPT_USED | EPT_DIRTY;
}

static u64 leaf(struct hpa to, u32 perm, unsigned int level)
{
	return make_leaf(to, perm, level, perm & EXEC ? EPT_EXEC : 0);
}

static u64 modes_leaf(struct hpa to, u32 perm, unsigned int level)
{
	return make_leaf(to, perm, level,
			 (perm & HF_PERM_KERNEL_EXEC ? EPT_EXEC : 0) |
				 (perm & HF_PERM_USER_EXEC ? EPT_USER_EXEC : 0));
}

static u64 table(struct hpa to)
{
	return to.raw | EPT_PRESENT | EPT_USER_EXEC | EPT_USED;
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

static u32 access(u64 entry)
{
	return HF_PERM_READ | (entry & EPT_WRITE ? HF_PERM_WRITE : 0);
}

static u32 permission(u64 entry)
{
	if (!(entry & EPT_PRESENT))
		return 0;
	return access(entry) | (entry & EPT_EXEC ? EXEC : 0);
}

static u32 modes_permission(u64 entry)
{
	if (!(entry & EPT_PRESENT))
		return 0;
	return access(entry) | (entry & EPT_EXEC ? HF_PERM_KERNEL_EXEC : 0) |
	       (entry & EPT_USER_EXEC ? HF_PERM_USER_EXEC : 0);
}

#define FORMAT                                                            \
	.max_block = 3, .fits = fits, .table = table, .is_leaf = is_leaf, \
	.is_table = is_table, .address = address

const struct stage2_format ept_format = {
	FORMAT, .name = "ept", .leaf = leaf, .permission = permission, .admissible = admissible,
};

const struct stage2_format ept_modes_format = {
	FORMAT,
	.name = "ept, by mode",
	.leaf = modes_leaf,
	.permission = modes_permission,
	.admissible = modes_admissible,
};
