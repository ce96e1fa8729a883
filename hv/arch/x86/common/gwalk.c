// SPDX-License-Identifier: GPL-2.0-only
#include <hv/guest.h>

#include "gwalk.h"
#include "x86.h"

/* APM vol. 2, 5.3 and 5.4: a PS bit maps memory at levels 2 and 3 only. */
static bool is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (level <= 3 && (entry & PTE_PS));
}

static __noinline int find(const struct gwalk *walk, struct gva va, struct gwalk_end *end)
{
	u64 table = walk->cr3 & PTE_ADDR;
	unsigned int level;

	*end = (struct gwalk_end){ .root = table };
	for (level = walk->levels; level > 0; level--) {
		unsigned int shift = PAGE_SHIFT + 9 * (level - 1);

		end->at = gpa(table + (va.raw >> shift & 511) * sizeof(end->entry));
		if (guest_read(end->at, &end->entry, sizeof(end->entry)) ||
		    !(end->entry & PTE_P))
			return -HF_EFAULT;
		if (is_leaf(end->entry, level)) {
			end->span = BIT(shift);
			end->va = va.raw & ~(end->span - 1);
			return 0;
		}
		table = end->entry & PTE_ADDR;
	}
	return -HF_EFAULT;
}

/*
 * Whether a walk would end there again. As long as the entry has not changed: a kernel clears its
 * entries before it frees a table, since processors keep upper levels as well (APM vol. 2, 5.5,
 * TLB Management). A guest that does not reads what it could read when it had that table.
 */
static bool holds(const struct gwalk *walk, struct gva va, const struct gwalk_end *end)
{
	u64 entry;

	return va.raw - end->va < end->span && end->root == (walk->cr3 & PTE_ADDR) &&
	       !guest_read(end->at, &entry, sizeof(entry)) && entry == end->entry;
}

int gwalk_translate(const struct gwalk *walk, struct gva va, struct gpa *to)
{
	struct gwalk_end none = { 0 }, *end = walk->last ? walk->last : &none;

	if (!holds(walk, va, end) && find(walk, va, end))
		return -HF_EFAULT;
	*to = gpa((end->entry & PTE_ADDR & ~(end->span - 1)) | (va.raw & (end->span - 1)));
	return 0;
}

size_t gwalk_fetch(const struct gwalk *walk, struct gva from, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		struct gva va = gva(from.raw + done);
		size_t part = PAGE_SIZE - (va.raw & PAGE_MASK);
		struct gpa at;

		if (part > size - done)
			part = size - done;
		if (gwalk_translate(walk, va, &at) || guest_read(at, (u8 *)to + done, part))
			break;
		done += part;
	}
	return done;
}

int gwalk_read(const struct gwalk *walk, struct gva from, void *to, size_t size)
{
	return gwalk_fetch(walk, from, to, size) == size ? 0 : -HF_EFAULT;
}
