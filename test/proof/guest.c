// SPDX-License-Identifier: GPL-2.0-only
/*
 * I2 and I3 for hv/mem/guest.c: the hypervisor copies for the guest only within one page, reads
 * only what the guest may read, writes only what is the guest's to do with as it likes.
 *
 * State: any page in any state. Assumed: the state does not change during the copy (a
 * transition that takes a page away ends with a shoot-down, which waits for it: hv/owner.h).
 */
#include "proof.h"
#include <hv/mem/guest.c>

static struct page page;
static u64 at;
static size_t size;
static bool copied;

enum page_state owner_state(struct gpa address)
{
	prove(address.raw == at, "the page that is asked about is the one that is used");
	return page.state;
}

static void copy(struct gpa address, size_t bytes)
{
	prove(address.raw == at && bytes == size, "what was judged is what is copied");
	prove(!bytes || (at & ~PAGE_MASK) == ((at + bytes - 1) & ~PAGE_MASK),
	      "within one page");
	prove(page.state != PAGE_HYPERVISOR && page.state != PAGE_SERVICE, "I2");
	prove(page.state != PAGE_ABSENT && page.state != PAGE_MMIO, "only memory");
	copied = true;
}

void backend_guest_read(struct gpa from, void *to, size_t bytes)
{
	(void)to;
	copy(from, bytes);
}

void backend_guest_write(struct gpa to, const void *from, size_t bytes)
{
	(void)from;
	prove(page.state == PAGE_GUEST, "I3: what is fixed is not written");
	copy(to, bytes);
}

void prove_copies(void)
{
	int error;

	page.state = any_below(PAGE_HYPERVISOR + 1);
	at = nondet_u64();
	size = nondet_u64();
	error = any_bool() ? guest_read(gpa(at), NULL, size) : guest_write(gpa(at), NULL, size);
	prove(error == 0 || error == -HF_EFAULT, "a documented result");
	prove((error == 0) == copied, "copied, or refused");
}
