// SPDX-License-Identifier: GPL-2.0-only
#include <hv/guest.h>

#include "gwalk.h"
#include "x86.h"

/* APM vol. 2, 5.3 and 5.4: a PS bit maps memory at levels 2 and 3 only. */
static bool is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (level <= 3 && (entry & PTE_PS));
}

int gwalk_translate(const struct gwalk *walk, struct gva va, struct gpa *to)
{
	u64 table = walk->cr3 & PTE_ADDR, entry, span;
	unsigned int level;

	for (level = walk->levels; level > 0; level--) {
		unsigned int shift = PAGE_SHIFT + 9 * (level - 1);

		if (guest_read(gpa(table + (va.raw >> shift & 511) * sizeof(entry)), &entry,
			       sizeof(entry)))
			return -HF_EFAULT;
		if (!(entry & PTE_P))
			return -HF_EFAULT;
		if (is_leaf(entry, level)) {
			span = BIT(shift) - 1;
			*to = gpa((entry & PTE_ADDR & ~span) | (va.raw & span));
			return 0;
		}
		table = entry & PTE_ADDR;
	}
	return -HF_EFAULT;
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
