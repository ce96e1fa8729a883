// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table formats of no hardware: bit 0 present, bit 1 leaf, bits 2-5 HF_PERM_*, address in bits
 * 12-51. Tables carry no permission. Malformed uses abort: they are bugs of the walker.
 */
#include <assert.h>
#include "fake.h"

#define PRESENT	   BIT(0)
#define LEAF	   BIT(1)
#define PERM_SHIFT 2
#define ADDRESS	   0x000ffffffffff000ull

static u64 make_leaf(struct hpa to, u32 perm, unsigned int level)
{
	assert(level >= 1 && level <= 3 && perm && !(perm & ~HF_PERM_ALL));
	assert(!(to.raw & ~ADDRESS) && !(to.raw % BIT(PAGE_SHIFT + 9 * (level - 1))));
	return to.raw | (u64)perm << PERM_SHIFT | LEAF | PRESENT;
}

static u64 make_table(struct hpa to)
{
	assert(!(to.raw & ~ADDRESS));
	return to.raw | PRESENT;
}

static bool is_leaf(u64 entry, unsigned int level)
{
	(void)level;
	return (entry & (LEAF | PRESENT)) == (LEAF | PRESENT);
}

static bool is_table(u64 entry, unsigned int level)
{
	return level > 1 && (entry & (LEAF | PRESENT)) == PRESENT;
}

static struct hpa address(u64 entry, unsigned int level)
{
	assert(is_leaf(entry, level) || is_table(entry, level));
	return hpa(entry & ADDRESS);
}

static u32 permission(u64 entry)
{
	return (u32)(entry >> PERM_SHIFT) & HF_PERM_ALL;
}

static u32 admissible(u32 perm)
{
	return perm;
}

#define PLAIN_EXEC (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

static u32 plain_admissible(u32 perm)
{
	if (!(perm & HF_PERM_READ))
		return 0;
	return (perm & PLAIN_EXEC) ? perm | PLAIN_EXEC : perm;
}

static u64 plain_leaf(struct hpa to, u32 perm, unsigned int level)
{
	return make_leaf(to, plain_admissible(perm), level);
}

#define GIB BIT(30)

/*
 * Not the first block of any size; and for code not the second of 1 GiB, nor those of 2 MiB in its
 * first 64 MiB.
 */
static bool picky_fits(struct hpa to, u32 perm, unsigned int level)
{
	u64 size = level == 3 ? GIB : 64 * FAKE_MIB;

	if (level == 1)
		return true;
	return to.raw && (!(perm & PLAIN_EXEC) || to.raw < GIB || to.raw >= GIB + size);
}

/* Tests watch the stores; here is no CPU to forget anything. */
static void break_broken(void)
{
	fake.broken++;
}

static u64 break_leaf(struct hpa to, u32 perm, unsigned int level)
{
	assert(level <= 2);
	return make_leaf(to, perm, level);
}

const struct stage2_format fake_format = {
	.name = "fake",
	.max_block = 3,
	.leaf = make_leaf,
	.table = make_table,
	.is_leaf = is_leaf,
	.is_table = is_table,
	.address = address,
	.permission = permission,
	.admissible = admissible,
};

const struct stage2_format fake_plain_format = {
	.name = "fake, no execute split",
	.max_block = 3,
	.leaf = plain_leaf,
	.table = make_table,
	.is_leaf = is_leaf,
	.is_table = is_table,
	.address = address,
	.permission = permission,
	.admissible = plain_admissible,
};

const struct stage2_format fake_two_format = {
	.name = "fake, two views",
	.max_block = 3,
	.leaf = plain_leaf,
	.table = make_table,
	.is_leaf = is_leaf,
	.is_table = is_table,
	.address = address,
	.permission = permission,
	.admissible = plain_admissible,
};

const struct stage2_format fake_break_format = {
	.name = "fake, break before make",
	.max_block = 2,
	.broken = break_broken,
	.leaf = break_leaf,
	.table = make_table,
	.is_leaf = is_leaf,
	.is_table = is_table,
	.address = address,
	.permission = permission,
	.admissible = admissible,
};

const struct stage2_format fake_picky_format = {
	.name = "fake, blocks not everywhere",
	.max_block = 3,
	.fits = picky_fits,
	.leaf = make_leaf,
	.table = make_table,
	.is_leaf = is_leaf,
	.is_table = is_table,
	.address = address,
	.permission = permission,
	.admissible = admissible,
};
