// SPDX-License-Identifier: GPL-2.0-only
/* Where the vDSO is in the kernel image is told by nobody but the caller's own mapping of it. */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched.h>

#include "compat/symbols.h"
#include "compat/vdso.h"

static unsigned long bytes_mapped(struct mm_struct *mm, unsigned long at)
{
	const struct vm_area_struct *vma;
	unsigned long size = 0;

	mmap_read_lock(mm);
	vma = find_vma(mm, at);
	if (vma && vma->vm_start <= at)
		size = vma->vm_end - at;
	mmap_read_unlock(mm);
	return size;
}

bool vdso_get(unsigned int i, unsigned long *start, unsigned long *size)
{
	unsigned long at;
	struct page *page;

	if (i || !current->mm || !current->mm->context.vdso)
		return false;
	at = (unsigned long)current->mm->context.vdso;
	*size = bytes_mapped(current->mm, at);
	if (!*size || get_user_pages_fast(at, 1, 0, &page) != 1)
		return false;
	*start = (unsigned long)__phys_to_kimg(page_to_phys(page));
	put_page(page);
	return true;
}
