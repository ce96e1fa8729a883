// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/mm.h>

#include "layout.h"
#include "owners.h"

u32 owners_permission(enum hf_kind kind)
{
	switch (kind) {
	case HF_KIND_TEXT:
	case HF_KIND_MODULE_TEXT:
	case HF_KIND_RUNTIME_CODE:
	case HF_KIND_FIRMWARE:
		return HF_PERM_READ | HF_PERM_KERNEL_EXEC;
	case HF_KIND_VDSO:
		return HF_PERM_READ | HF_PERM_USER_EXEC;
	case HF_KIND_DATA:
		return HF_PERM_READ | HF_PERM_WRITE;
	default:
		return HF_PERM_READ;
	}
}

enum hf_kind owners_run(unsigned long va, u64 gpa, u64 *npages)
{
	enum hf_kind kind = owners_kind(va, gpa);
	u64 i = 1;

	while (i < *npages) {
		unsigned long at = va + (i << PAGE_SHIFT);
		unsigned long next = layout_next(at);

		/* Most of memory is the direct map's: not looked at page by page. */
		if (kind == HF_KIND_NONE && next > at) {
			i = min_t(u64, *npages,
				  i + ((next - at + PAGE_SIZE - 1) >> PAGE_SHIFT));
			continue;
		}
		if (owners_kind(at, gpa + (i << PAGE_SHIFT)) != kind)
			break;
		i++;
	}
	*npages = i;
	return kind;
}
