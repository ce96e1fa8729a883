// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's table of jump labels is data, of which a kernel without CONFIG_KALLSYMS_ALL
 * tells no address. It lies in read-only data (include/asm-generic/vmlinux.lds.h), and nothing
 * else there looks like it: thousands of entries in a row, each of code that does what its
 * entry says.
 */
#include <linux/bitops.h>
#include <linux/jump_label.h>
#include <linux/types.h>
#include <asm/insn.h>

#include "compat/jumps.h"
#include "compat/symbols.h"
#include "image.h"

#define FEWEST 100 /* entries that no other data is taken for */

static bool in_text(unsigned long va)
{
	return va >= symbols.text && va < symbols.etext && IS_ALIGNED(va, sizeof(u32));
}

/* Init code is gone, and lies behind; the kernel marked its entries. */
static bool is_entry(const struct jump_entry *entry)
{
	unsigned long code = jump_entry_code(entry), label = jump_entry_target(entry);
	u32 now;

	if (jump_entry_is_init(entry))
		return code >= image_rodata_end() && label >= image_rodata_end();
	if (!in_text(code) || !in_text(label))
		return false;
	now = *(const u32 *)code;
	return now == (aarch64_insn_get_hint_value() | AARCH64_INSN_HINT_NOP) ||
	       (aarch64_insn_is_b(now) && code + sign_extend32(now, 25) * 4l == label);
}

static const struct jump_entry *row_end(const struct jump_entry *entry, unsigned long end)
{
	while ((unsigned long)(entry + 1) <= end && is_entry(entry))
		entry++;
	return entry;
}

/* The longest row. */
static bool search(const struct jump_entry **start, const struct jump_entry **end)
{
	unsigned long at, limit = image_rodata_end();
	ptrdiff_t longest = 0;

	for (at = ALIGN(symbols.etext, sizeof(long)); at < limit; at += sizeof(long)) {
		const struct jump_entry *first = (const struct jump_entry *)at;
		const struct jump_entry *last = row_end(first, limit);

		if (last - first <= longest)
			continue;
		longest = last - first;
		*start = first;
		*end = last;
		at = (unsigned long)last - sizeof(long);
	}
	return longest >= FEWEST;
}

bool jumps_table(const struct jump_entry **start, const struct jump_entry **end)
{
	*start = symbols.jump_table;
	*end = symbols.jump_table_end;
	return (*start && *end) || search(start, end);
}
