// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/io.h>

#include "call.h"
#include "inject.h"

long call_early(u32 number, u64 arg0, u64 arg1)
{
	return inject_allows_call(number) ? call_make(number, arg0, arg1) : -EIO;
}

/* The call's buffer is a page of its own: the hypervisor takes it from nowhere else. */
int call_give(u32 number, const void *records, size_t size, unsigned int count,
	      unsigned int *given)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	unsigned int done = 0;
	long ret = 0;

	if (!page)
		return -ENOMEM;
	while (done < count && !ret) {
		unsigned int step = min_t(unsigned int, PAGE_SIZE / size, count - done);

		memcpy(page_address(page), records + done * size, step * size);
		ret = call_early(number, page_to_phys(page), step);
		if (!ret)
			done += step;
	}
	__free_page(page);
	*given += done;
	return ret;
}
