// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/sort.h>
#include <asm/desc.h>
#include <asm/page.h>
#include <asm/pgtable.h>

#include "compat/symbols.h"
#include "compat/vdso.h"
#include "ranges.h"

static u32 permission_of(enum hf_kind kind)
{
	switch (kind) {
	case HF_KIND_TEXT:
		return HF_PERM_READ | HF_PERM_KERNEL_EXEC;
	case HF_KIND_VDSO:
		return HF_PERM_READ | HF_PERM_USER_EXEC;
	default:
		return HF_PERM_READ;
	}
}

static u64 end_of(const struct hf_range *range)
{
	return range->va + (range->npages << PAGE_SHIFT);
}

static int add(struct ranges *ranges, enum hf_kind kind, u64 start, u64 end)
{
	if (start >= end || !PAGE_ALIGNED(start) || !PAGE_ALIGNED(end))
		return -EINVAL;
	if (ranges->count == RANGES_MAX)
		return -ENOSPC;
	ranges->range[ranges->count++] = (struct hf_range){
		.va = start,
		.gpa = __pa_symbol(start),
		.npages = (end - start) >> PAGE_SHIFT,
		.kind = kind,
		.permission = permission_of(kind),
	};
	return 0;
}

/* Gives the pages start .. end, inside one range so far, a kind of their own. */
static int carve(struct ranges *ranges, enum hf_kind kind, u64 start, u64 end)
{
	struct hf_range *outer;
	enum hf_kind outer_kind;
	u64 outer_end;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ranges->count; i++)
		if (start >= ranges->range[i].va && end <= end_of(&ranges->range[i]))
			break;
	if (i == ranges->count || start >= end)
		return -EINVAL;
	outer = &ranges->range[i];
	outer_kind = outer->kind;
	outer_end = end_of(outer);
	if (start > outer->va)
		outer->npages = (start - outer->va) >> PAGE_SHIFT;
	else
		*outer = ranges->range[--ranges->count];
	if (end < outer_end)
		ret = add(ranges, outer_kind, end, outer_end);
	return ret ?: add(ranges, kind, start, end);
}

/*
 * mark_rodata_ro() gives the pages between the aligned end of text, rodata and
 * data back to the allocator: the ranges end where it begins to free.
 */
static int add_image(struct ranges *ranges)
{
	int ret = add(ranges, HF_KIND_TEXT, symbols.text, PFN_ALIGN(symbols.etext));

	if (!ret)
		ret = add(ranges, HF_KIND_RODATA, symbols.rodata, PFN_ALIGN(symbols.erodata));
	/* Pages it shares with plain rodata stay rodata. */
	if (!ret)
		ret = carve(ranges, HF_KIND_RO_AFTER_INIT, PFN_ALIGN(symbols.ro_after_init),
			    symbols.ero_after_init & PAGE_MASK);
	return ret;
}

/* The vDSO images lie among the data that is read-only after boot. */
static int carve_vdsos(struct ranges *ranges)
{
	unsigned long start, size;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < VDSO_MAX && !ret; i++)
		if (vdso_get(i, &start, &size))
			ret = carve(ranges, HF_KIND_VDSO, start, start + size);
	return ret;
}

/* The CPUs reach the table through an alias; it must be the same page. */
static int add_vectors(struct ranges *ranges)
{
	struct desc_ptr idtr;

	store_idt(&idtr);
	if (slow_virt_to_phys((void *)idtr.address) != __pa_symbol(symbols.idt))
		return -EINVAL;
	return add(ranges, HF_KIND_VECTORS, symbols.idt, symbols.idt + PAGE_SIZE);
}

static int compare(const void *a, const void *b)
{
	const struct hf_range *left = a, *right = b;

	return left->va < right->va ? -1 : left->va > right->va;
}

/* Every page mapped, at the frame that the record implies, and not writable there. */
static int check_pages(const struct hf_range *range)
{
	u64 i, va;

	for (i = 0; i < range->npages; i++) {
		unsigned int level;
		pte_t *entry;

		va = range->va + (i << PAGE_SHIFT);
		entry = lookup_address(va, &level);
		if (!entry || !pte_present(*entry) || pte_write(*entry))
			return -EINVAL;
		if (slow_virt_to_phys((void *)va) != range->gpa + (i << PAGE_SHIFT))
			return -EINVAL;
	}
	return 0;
}

static int check(const struct ranges *ranges)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ranges->count; i++) {
		const struct hf_range *range = &ranges->range[i];

		if (i && end_of(range - 1) > range->va)
			return -EINVAL;
		ret = check_pages(range);
		if (ret) {
			pr_err("range %#llx of %llu pages, kind %u, is not mapped as "
			       "expected\n",
			       range->va, range->npages, range->kind);
			return ret;
		}
	}
	return 0;
}

int ranges_find(struct ranges *ranges)
{
	int ret;

	ranges->count = 0;
	ret = add_image(ranges);
	if (!ret)
		ret = carve_vdsos(ranges);
	if (!ret)
		ret = add_vectors(ranges);
	if (ret) {
		pr_err("the kernel image is not laid out as expected\n");
		return ret;
	}
	sort(ranges->range, ranges->count, sizeof(ranges->range[0]), compare, NULL);
	return check(ranges);
}
