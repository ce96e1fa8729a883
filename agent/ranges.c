// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "firmware.h"
#include "layout.h"
#include "owners.h"
#include "ranges.h"
#include "walk.h"

static int trouble(struct ranges *ranges, int error, enum hf_lock_reason reason,
		   unsigned long va)
{
	ranges->reason = reason;
	ranges->va = va;
	return error;
}

static bool extends(const struct hf_range *last, unsigned long va, u64 gpa, enum hf_kind kind)
{
	u64 bytes = last->npages << PAGE_SHIFT;

	return last->kind == kind && last->va + bytes == va && last->gpa + bytes == gpa;
}

/* Pages that belong together may come in parts: runs end where rights change. */
static int add(struct ranges *ranges, const struct walk_run *run, enum hf_kind kind)
{
	struct hf_range *last = NULL;

	if (ranges->count)
		last = &ranges->range[ranges->count - 1];
	if (last && extends(last, run->va, run->gpa, kind)) {
		last->npages += run->npages;
		return 0;
	}
	if (ranges->count == HF_RANGES_MAX)
		return trouble(ranges, -ENOSPC, HF_LOCK_TOO_MANY, run->va);
	ranges->range[ranges->count++] = (struct hf_range){
		.va = run->va,
		.gpa = run->gpa,
		.npages = run->npages,
		.kind = kind,
		.permission = owners_permission(kind),
	};
	return 0;
}

/* What CPUs start from in real mode is executable to the kernel, and will be nobody's. */
static bool is_code(enum hf_kind kind)
{
	return kind == HF_KIND_STARTUP || (owners_permission(kind) & HF_PERM_KERNEL_EXEC);
}

/* @run: pages of one owner */
static int judge(struct ranges *ranges, const struct walk_run *run, enum hf_kind kind)
{
	bool writable = run->rights & HF_PERM_WRITE;

	if ((run->rights & HF_PERM_KERNEL_EXEC) && writable)
		return trouble(ranges, -EAGAIN, HF_LOCK_WRITABLE_CODE, run->va);
	if (kind == HF_KIND_NONE && layout_alias(run->va, run->npages))
		return 0;
	if ((run->rights & HF_PERM_KERNEL_EXEC) && !is_code(kind))
		return trouble(ranges, -EAGAIN, HF_LOCK_UNKNOWN_CODE, run->va);
	if (kind == HF_KIND_NONE)
		return 0;
	if (writable && !(owners_permission(kind) & HF_PERM_WRITE))
		return trouble(ranges, -EAGAIN, HF_LOCK_WRITABLE, run->va);
	return add(ranges, run, kind);
}

static int visit(const struct walk_run *run, void *arg)
{
	struct walk_run part = *run;
	u64 left = run->npages;
	int ret = 0;

	while (left && !ret) {
		enum hf_kind kind;

		part.npages = left;
		kind = owners_run(part.va, part.gpa, &part.npages);
		ret = judge(arg, &part, kind);
		part.va += part.npages << PAGE_SHIFT;
		part.gpa += part.npages << PAGE_SHIFT;
		left -= part.npages;
	}
	return ret;
}

static u64 found(const struct ranges *ranges, enum hf_kind kind)
{
	u64 npages = 0;
	unsigned int i;

	for (i = 0; i < ranges->count; i++)
		if (ranges->range[i].kind == kind)
			npages += ranges->range[i].npages;
	return npages;
}

/* All of the image that is to be sealed must have been mapped. */
static int check_image(struct ranges *ranges)
{
	u64 pages[HF_KIND_COUNT];
	unsigned long va;
	unsigned int kind;

	for (kind = 0; kind < HF_KIND_COUNT; kind++)
		pages[kind] = found(ranges, kind);
	va = layout_missing(pages);
	return va ? trouble(ranges, -EINVAL, HF_LOCK_LAYOUT, va) : 0;
}

static int add_firmware(const struct walk_run *run, void *ranges)
{
	return add(ranges, run, HF_KIND_FIRMWARE);
}

/* Not by an address that leads to the table: by where it can be read. */
static int add_table(u64 gpa, enum hf_kind kind, void *ranges)
{
	const struct walk_run run = { (unsigned long)__va(gpa), gpa, 1, 0 };

	return add(ranges, &run, kind);
}

int ranges_find(struct ranges *ranges)
{
	int ret;

	ranges->count = 0;
	ranges->reason = HF_LOCK_NONE;
	ret = walk_kernel(walk_kernel_start(), 0, visit, ranges);
	if (!ret)
		ret = check_image(ranges);
	if (!ret)
		ret = firmware_code(add_firmware, ranges);
	if (!ret)
		ret = layout_tables(add_table, ranges);
	return ret;
}

bool ranges_hold_code(const struct ranges *ranges, unsigned long va)
{
	unsigned int i;

	for (i = 0; i < ranges->count; i++)
		if (va - ranges->range[i].va < ranges->range[i].npages << PAGE_SHIFT)
			return ranges->range[i].permission & HF_PERM_KERNEL_EXEC;
	return false;
}

static void for_each_page(struct ranges *ranges, void (*fn)(struct page *page))
{
	unsigned int i;
	u64 pfn;

	for (i = 0; i < ranges->count; i++) {
		const struct hf_range *range = &ranges->range[i];

		/* Firmware need not have a struct page; nobody allocates it. */
		for (pfn = PHYS_PFN(range->gpa); pfn < PHYS_PFN(range->gpa) + range->npages;
		     pfn++)
			if (pfn_valid(pfn))
				fn(pfn_to_page(pfn));
	}
}

void ranges_hold(struct ranges *ranges)
{
	for_each_page(ranges, get_page);
}

void ranges_release(struct ranges *ranges)
{
	for_each_page(ranges, put_page);
	ranges->count = 0;
}
