// SPDX-License-Identifier: GPL-2.0-only
/*
 * I2 and I3 for hv/mem/guest.c: the hypervisor copies for the guest only within one page, reads
 * only what the guest may read, and writes only what is the guest's to do with as it likes. For an
 * instruction of the kernel's it stores also into sealed pages of a kind that the guest may write
 * by itself; for the guards of code into those that the kernel executes, and pending ones.
 *
 * State: any page in any state, of any kind, and a kind may have any permission (which they have
 * is owner.c's). Assumed: the state does not change during the copy (a transition that takes a
 * page away ends with a shoot-down, which waits for it: hv/owner.h).
 */
#include "proof.h"
#include <hv/mem/guest.c>

static struct page page;
static u32 kind_permission;
static u64 at;
static size_t size;
static bool copied;

/* The caller: what it may write besides pages in state "guest". */
static enum {
	READS,
	WRITES,
	STORES,
	PATCHES,
	CALLERS
} caller;

enum page_state owner_state(struct gpa address)
{
	prove(address.raw == at, "the page that is asked about is the one that is used");
	return page.state;
}

struct page owner_page(struct gpa address)
{
	prove(address.raw == at, "the page that is asked about is the one that is used");
	return page;
}

u32 owner_kind_permission(u32 kind)
{
	prove(kind == page.kind, "the kind that is asked about is the page's");
	return kind_permission;
}

static void copy(struct gpa address, size_t bytes)
{
	prove(address.raw == at && bytes == size, "what was judged is what is copied");
	prove(!bytes || (at & ~PAGE_MASK) == ((at + bytes - 1) & ~PAGE_MASK),
	      "within one page");
	prove(!copied, "once");
	prove(page.state != PAGE_HYPERVISOR && page.state != PAGE_SERVICE, "I2");
	prove(page.state != PAGE_ABSENT && page.state != PAGE_MMIO, "only memory");
	copied = true;
}

void backend_guest_read(struct gpa from, void *to, size_t bytes)
{
	(void)to;
	prove(caller == READS, "who reads, reads");
	copy(from, bytes);
}

void backend_guest_write(struct gpa to, const void *from, size_t bytes)
{
	(void)from;
	prove(caller != READS, "and does not write");
	prove(page.state != PAGE_LENT, "I3: what is lent is nobody's to write");
	prove(implies(page.state == PAGE_PENDING, caller == PATCHES),
	      "I3: what is being checked is written by the guards of code alone");
	if (page.state == PAGE_SEALED) {
		prove(caller == STORES || caller == PATCHES,
		      "I3: what is fixed is not written");
		prove(implies(caller == STORES, kind_permission & HF_PERM_WRITE),
		      "I3: nor stored to, but for data, which the guest writes itself");
		prove(implies(caller == PATCHES, kind_permission & HF_PERM_KERNEL_EXEC),
		      "I3: nor patched, but for code");
	}
	copy(to, bytes);
}

static int call(void)
{
	switch (caller) {
	case READS:
		return guest_read(gpa(at), NULL, size);
	case WRITES:
		return guest_write(gpa(at), NULL, size);
	case STORES:
		return guest_store(gpa(at), NULL, size);
	default:
		return guest_patch(gpa(at), NULL, size);
	}
}

void prove_copies(void)
{
	int error;

	page.state = any_below(PAGE_HYPERVISOR + 1);
	page.kind = nondet_u8();
	kind_permission = any_below(HF_PERM_ALL + 1);
	at = nondet_u64();
	size = nondet_u64();
	caller = any_below(CALLERS);
	error = call();
	prove(error == 0 || error == -HF_EFAULT, "a documented result");
	prove((error == 0) == copied, "copied, or refused");
	prove(implies(page.state == PAGE_GUEST && !(at & PAGE_MASK) && size <= PAGE_SIZE,
		      copied),
	      "and what is the guest's is copied");
}
