// SPDX-License-Identifier: GPL-2.0-only
/*
 * ARM D8.3, "Translation table descriptor formats". Bits of a stage 2 leaf: MemAttr 5:2, S2AP 7:6,
 * SH 9:8, AF 10, XN 54:53.
 *
 * All memory is Normal, write-back: of this and the guest's own type the stricter one is used (ARM
 * D8.6.6), so that devices stay what the guest makes of them, as without us.
 */
#include <holdfast/range.h>

#include "s2.h"

#define VALID	 BIT(0)
#define TYPE	 BIT(1) /* table; at level 1 of the walker: page */
#define MEM_WB	 (0xfull << 2)
#define AP_READ	 BIT(6)
#define AP_WRITE BIT(7)
#define SH_INNER (3ull << 8)
#define AF	 BIT(10)
#define XN_SHIFT 53
#define XN_MASK	 (3ull << XN_SHIFT)
#define ADDRESS	 0x0000fffffffff000ull

#define EXEC (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

/* XN[1:0] by who may execute: FEAT_XNX, ARM D8.4.3. Without it XN[0] is 0. */
static u64 xn_of(u32 perm)
{
	switch (perm & EXEC) {
	case EXEC:
		return 0;
	case HF_PERM_USER_EXEC:
		return 1;
	case HF_PERM_KERNEL_EXEC:
		return 3;
	}
	return 2;
}

static u32 exec_of(u64 entry)
{
	static const u32 exec[] = { EXEC, HF_PERM_USER_EXEC, 0, HF_PERM_KERNEL_EXEC };

	return exec[(entry & XN_MASK) >> XN_SHIFT];
}

/* A page that is there can be read. */
static u32 admissible(u32 perm)
{
	return perm ? perm | HF_PERM_READ : 0;
}

static u32 plain_admissible(u32 perm)
{
	return admissible(perm & EXEC ? perm | EXEC : perm);
}

static u64 leaf(struct hpa to, u32 perm, unsigned int level)
{
	u64 entry = to.raw | VALID | MEM_WB | AP_READ | SH_INNER | AF | xn_of(perm) << XN_SHIFT;

	if (!perm)
		return 0;
	if (level == 1)
		entry |= TYPE;
	if (perm & HF_PERM_WRITE)
		entry |= AP_WRITE;
	return entry;
}

static u64 plain_leaf(struct hpa to, u32 perm, unsigned int level)
{
	return leaf(to, plain_admissible(perm), level);
}

static u64 table(struct hpa to)
{
	return to.raw | VALID | TYPE;
}

static bool is_leaf(u64 entry, unsigned int level)
{
	return (entry & VALID) && !(entry & TYPE) == (level > 1);
}

static bool is_table(u64 entry, unsigned int level)
{
	return level > 1 && (entry & (VALID | TYPE)) == (VALID | TYPE);
}

static struct hpa address(u64 entry, unsigned int level)
{
	(void)level;
	return hpa(entry & ADDRESS);
}

static u32 permission(u64 entry)
{
	if (!(entry & VALID))
		return 0;
	return HF_PERM_READ | (entry & AP_WRITE ? HF_PERM_WRITE : 0) | exec_of(entry);
}

#define FORMAT(called, makes_leaf, gives)                                           \
	{                                                                           \
		.name = (called), .max_block = 3, .broken = s2_forget_everywhere,   \
		.leaf = (makes_leaf), .table = table, .is_leaf = is_leaf,           \
		.is_table = is_table, .address = address, .permission = permission, \
		.admissible = (gives),                                              \
	}

const struct stage2_format s2_format = FORMAT("stage 2", leaf, admissible);
const struct stage2_format s2_plain_format =
	FORMAT("stage 2, no execute split", plain_leaf, plain_admissible);
