// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "lock.h"
#include "ranges.h"

/* Of the ranges; a lock that failed later leaves them registered. Under the device's lock. */
static bool registered;

/* The call's buffer is a page of its own. */
static int protect(const struct ranges *ranges)
{
	struct page *page;
	long ret;

	static_assert(RANGES_MAX <= HF_RANGES_PER_PAGE, "all records fit into one call");
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	memcpy(page_address(page), ranges->range, ranges->count * sizeof(ranges->range[0]));
	ret = call_make(HF_CALL_PROTECT, page_to_phys(page), ranges->count);
	__free_page(page);
	return ret;
}

static void report(struct hf_ctl_lock *ctl, const struct ranges *ranges)
{
	unsigned int i;

	ctl->ranges = ranges->count;
	ctl->pages = 0;
	for (i = 0; i < ranges->count; i++) {
		const struct hf_range *range = &ranges->range[i];

		pr_debug("range %#llx at %#llx, %llu pages, kind %u\n", range->va, range->gpa,
			 range->npages, range->kind);
		ctl->pages += range->npages;
	}
}

static int lock_with(struct hf_ctl_lock *ctl, struct ranges *ranges)
{
	int ret = ranges_find(ranges);

	if (ret)
		return ret;
	report(ctl, ranges);
	if (!registered) {
		ctl->failed_call = HF_CALL_PROTECT;
		ret = protect(ranges);
		if (ret)
			return ret;
		registered = true;
	}
	ctl->failed_call = HF_CALL_LOCK;
	cpus_read_lock();
	ret = call_make(HF_CALL_LOCK, 0, 0);
	cpus_read_unlock();
	if (!ret)
		ctl->failed_call = 0;
	return ret;
}

int lock_run(struct hf_ctl_lock *ctl)
{
	struct ranges *ranges = kzalloc(sizeof(*ranges), GFP_KERNEL);
	int ret;

	ctl->failed_call = 0;
	if (!ranges)
		return -ENOMEM;
	ret = lock_with(ctl, ranges);
	kfree(ranges);
	return ret;
}
