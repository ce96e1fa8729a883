// SPDX-License-Identifier: GPL-2.0-only
#include "../common/x86.h"
#include "mtrr.h"

/* SDM vol. 3, 12.11.1 to 12.11.2. */
#define MSR_MTRR_CAP	  0x0feu
#define MSR_MTRR_PHYSBASE 0x200u /* of range n at 2n from here; its mask behind it */
#define CAP_COUNT	  0xffu
#define CAP_FIXED	  BIT(8)
#define MASK_VALID	  BIT(11)
#define TYPE		  0xffu

#define RANGES	    32u
#define FIXED	    11u
#define FIXED_END   0x100000ull
#define FIXED_PARTS 8u /* of each register */

/* Constant after mtrr_init. All zero: everything is uncacheable. */
static struct {
	u64 base, mask;
	u8 type;
} ranges[RANGES];
static u32 count;
static u64 fixed[FIXED];
static bool enabled, fixed_enabled;
static u8 otherwise; /* type of what is in no range */

static const struct {
	u32 msr;
	u32 start;
	u32 step; /* bytes of a part */
} fixed_ranges[FIXED] = {
	{ 0x250, 0x00000, 0x10000 }, { 0x258, 0x80000, 0x4000 }, { 0x259, 0xa0000, 0x4000 },
	{ 0x268, 0xc0000, 0x1000 },  { 0x269, 0xc8000, 0x1000 }, { 0x26a, 0xd0000, 0x1000 },
	{ 0x26b, 0xd8000, 0x1000 },  { 0x26c, 0xe0000, 0x1000 }, { 0x26d, 0xe8000, 0x1000 },
	{ 0x26e, 0xf0000, 0x1000 },  { 0x26f, 0xf8000, 0x1000 },
};

static void read_range(u32 number)
{
	u64 base = rdmsr(MSR_MTRR_PHYSBASE + 2 * number);
	u64 mask = rdmsr(MSR_MTRR_PHYSBASE + 2 * number + 1);

	if (!(mask & MASK_VALID))
		return;
	ranges[count].base = base & PTE_ADDR;
	ranges[count].mask = mask & PTE_ADDR;
	ranges[count++].type = base & TYPE;
}

int mtrr_init(void)
{
	u64 cap = rdmsr(MSR_MTRR_CAP), mode = rdmsr(MSR_MTRR_DEFTYPE);
	u32 i;

	if ((cap & CAP_COUNT) > RANGES)
		return -HF_EINVAL;
	enabled = mode & MTRR_DEF_TYPE_E;
	fixed_enabled = (cap & CAP_FIXED) && (mode & MTRR_DEF_TYPE_FE);
	otherwise = mode & MTRR_DEF_TYPE_TYPE;
	count = 0;
	for (i = 0; i < (cap & CAP_COUNT); i++)
		read_range(i);
	for (i = 0; fixed_enabled && i < FIXED; i++)
		fixed[i] = rdmsr(fixed_ranges[i].msr);
	return 0;
}

static u32 fixed_type(u64 at)
{
	u32 i = FIXED - 1, part;

	while (at < fixed_ranges[i].start)
		i--;
	part = (at - fixed_ranges[i].start) / fixed_ranges[i].step;
	return fixed[i] >> 8 * (part % FIXED_PARTS) & TYPE;
}

/* SDM vol. 3, 12.11.4.1: UC wins, WT over WB; what else overlaps is undefined: UC is safe. */
static u32 combine(u32 a, u32 b)
{
	if (a == b)
		return a;
	if ((a == MTRR_TYPE_WT && b == MTRR_TYPE_WB) ||
	    (a == MTRR_TYPE_WB && b == MTRR_TYPE_WT))
		return MTRR_TYPE_WT;
	return MTRR_TYPE_UC;
}

bool mtrr_uniform(struct hpa start, u64 size, u32 *type)
{
	u64 inside = size - 1;
	bool found = false;

	*type = enabled ? otherwise : MTRR_TYPE_UC;
	if (!enabled)
		return true;
	if (fixed_enabled && start.raw < FIXED_END) {
		*type = fixed_type(start.raw);
		return size == PAGE_SIZE;
	}
	for (u32 i = 0; i < count; i++) {
		if ((start.raw ^ ranges[i].base) & ranges[i].mask & ~inside)
			continue;
		if (ranges[i].mask & inside)
			return false; /* a part of the block only */
		*type = found ? combine(*type, ranges[i].type) : ranges[i].type;
		found = true;
	}
	return true;
}
