// SPDX-License-Identifier: GPL-2.0-only
/* Copies from and to guest memory. */
#include <hv/backend.h>
#include <hv/guest.h>
#include <hv/owner.h>

static bool within_page(struct gpa at, size_t size)
{
	return size <= PAGE_SIZE - (at.raw & PAGE_MASK);
}

static bool guest_reads(enum page_state state)
{
	return state == PAGE_GUEST || state == PAGE_SEALED || state == PAGE_PENDING ||
	       state == PAGE_LENT;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	if (!within_page(from, size) || !guest_reads(owner_state(from)))
		return -HF_EFAULT;
	backend_guest_read(from, to, size);
	return 0;
}

int guest_write(struct gpa to, const void *from, size_t size)
{
	if (!within_page(to, size) || owner_state(to) != PAGE_GUEST)
		return -HF_EFAULT;
	backend_guest_write(to, from, size);
	return 0;
}

int guest_store(struct gpa to, const void *from, size_t size)
{
	struct page page = owner_page(to);

	if (!within_page(to, size) ||
	    !(page.state == PAGE_GUEST ||
	      (page.state == PAGE_SEALED && owner_kind_permission(page.kind) & HF_PERM_WRITE)))
		return -HF_EFAULT;
	backend_guest_write(to, from, size);
	return 0;
}

int guest_patch(struct gpa to, const void *from, size_t size)
{
	struct page page = owner_page(to);

	if (!within_page(to, size) ||
	    !(page.state == PAGE_GUEST || page.state == PAGE_PENDING ||
	      (page.state == PAGE_SEALED &&
	       owner_kind_permission(page.kind) & HF_PERM_KERNEL_EXEC)))
		return -HF_EFAULT;
	backend_guest_write(to, from, size);
	return 0;
}
