// SPDX-License-Identifier: GPL-2.0-only
/*
 * The formats of Intel's extended tables, hv/arch/x86/vmx/ept.c: format.h has what is proved, and
 * besides no entry is one that the processor calls misconfigured (SDM vol. 3, 29.3.3.1).
 *
 * Assumed: the memory type of a block is one that there is. Whether all of it has that is not asked
 * here (fits is the walker's to ask).
 */
#include "format.h"
#include <hv/arch/x86/vmx/ept.c>

bool mtrr_uniform(struct hpa start, u64 size, u32 *type)
{
	static const u32 types[] = { 0, 1, 4, 5, 6 };

	(void)start;
	(void)size;
	*type = types[any_below(sizeof(types) / sizeof(types[0]))];
	return any_bool();
}

static const struct stage2_format *any_format(void)
{
	ept_init(any_bool(), any_bool());
	return any_bool() ? &ept_format : &ept_modes_format;
}

static u32 told_apart(const struct stage2_format *f)
{
	return f == &ept_modes_format ? EXECUTE : 0;
}

void prove_configured(void)
{
	const struct stage2_format *f = any_format();
	u32 perm = f->admissible(any_below(HF_PERM_ALL + 1));
	unsigned int level = 1 + any_below(f->max_block);
	u64 to = nondet_u64() & (BIT(52) - BIT(PAGE_SHIFT + 9 * (level - 1)));
	u64 child = nondet_u64() & (BIT(52) - PAGE_SIZE);
	u64 leaf = f->leaf(hpa(to), perm, level), table = f->table(hpa(child));
	u64 type = leaf >> 3 & 7;

	prove(implies(leaf & BIT(1), leaf & BIT(0)), "what can be written can be read");
	prove(implies(leaf & (BIT(2) | BIT(10)), leaf & BIT(0)), "what runs can be read");
	prove(type != 2 && type != 3 && type != 7, "a memory type that there is");
	prove(implies(perm, !(leaf & BIT(7)) == (level == 1)), "a block says so, above pages");
	prove(implies(level > 1, !(table & 0xf8)), "a table has no type, and is no block");
	prove(implies(level > 1 && perm & EXECUTE && f->fits(hpa(to), perm, level), large_code),
	      "code lies in pages where it must");
}
