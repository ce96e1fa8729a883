/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns each page of memory, and what the guest may do with it.
 *
 * One byte a page of RAM, kept here and not in any table of the hardware. Every change is one
 * of the transitions below: a function of its own, a row of the table in owner.c, done for a
 * whole list of ranges at once: validate all, prepare all (may fail), commit (cannot fail).
 *
 *	transition		from		to		guest keeps
 *	owner_claim		GUEST		HYPERVISOR	nothing
 *	owner_seal		GUEST		SEALED(kind)	what the kind admits
 *	owner_check_begin	GUEST		PENDING		read
 *	owner_check_pass	PENDING		SEALED(kind)	what the kind admits
 *	owner_check_fail	PENDING		GUEST		all
 *	owner_check_undo	SEALED		GUEST		all
 *	owner_lend		GUEST		LENT		read
 *	owner_return		LENT		GUEST		all
 *	owner_donate		GUEST		SERVICE		nothing
 *	owner_release		SEALED		GUEST		all (not kernel-execute where split)
 *	owner_add		ABSENT		GUEST		all but kernel-execute
 *	owner_open		SEALED		GUEST		all (action "allow" only)
 *	owner_admit		GUEST		GUEST		all (action "allow" only)
 *
 * A page that is *confined* is not kernel-executable while it is the guest's own. owner_release
 * sets that flag, owner_open and owner_admit clear it, all others keep it; owner_confine sets it on
 * every page of the memory map, whatever its state.
 *
 * Memory that may be plugged in later (HF_MEMORY_HOTPLUG) starts as ABSENT and confined:
 * the guest may read, write and user-execute there from the start, as Linux does not announce
 * when it begins to. The hypervisor itself touches it, and lets it be sealed or lent, only after
 * owner_add: before, nothing may answer at these addresses.
 *
 * Nothing leaves HYPERVISOR or SERVICE. A page that a device may write (dma flag) cannot become
 * sealed, pending, lent, service or hypervisor.
 *
 * Lock: the owner lock, held from owner_lock to owner_unlock; the argument is its proof. A
 * reader of a single page's state needs no lock: a transition that takes something away ends with a
 * shoot-down, which waits for every CPU to leave what it was doing.
 */
#pragma once

#include <holdfast/hypercall.h>
#include <holdfast/image.h>
#include <holdfast/range.h>
#include <hv/types.h>

/* Told to the guest as they are. */
enum page_state {
	PAGE_ABSENT = HF_PAGE_ABSENT,	/* nothing there, or may be plugged in later */
	PAGE_MMIO = HF_PAGE_DEVICE,	/* device memory: read, write, never executed */
	PAGE_GUEST = HF_PAGE_GUEST,	/* the guest's, to do with as it likes */
	PAGE_SEALED = HF_PAGE_SEALED,	/* the guest's, fixed; has a kind */
	PAGE_PENDING = HF_PAGE_PENDING, /* being checked: fixed until the verdict */
	PAGE_LENT = HF_PAGE_LENT,	/* being read by a service: fixed until returned */
	PAGE_SERVICE = HF_PAGE_SERVICE, /* a service's own */
	PAGE_HYPERVISOR = HF_PAGE_HYPERVISOR, /* ours */
};

struct page {
	enum page_state state;
	enum hf_kind kind; /* of sealed pages, else HF_KIND_NONE */
	bool dma;	   /* a device may write it */
	bool confined;	   /* while the guest's own: not kernel-executable */
	bool guarded;	   /* device memory whose writes are looked at: read */
};

/* Proof of holding the owner lock. */
struct owner_locked {
	struct cpu *cpu;
};

/* Record the memory map and claim the pool's chunks; -EINVAL for a bad map, -ENOMEM. */
int owner_init(const struct hf_boot *boot);

/* At launch, before tables are made: from now on the guest may only read these pages, device
 * memory. -EINVAL: they are not; -ENOMEM: too many ranges. */
int owner_guard(struct gpa start, u64 npages);

struct owner_locked owner_lock(struct cpu *cpu);
void owner_unlock(struct owner_locked locked);

struct page owner_page(struct gpa address);
/* The first part of it, at half the price. */
enum page_state owner_state(struct gpa address);
/* The page at @at, and in *npages how many in a row from there on are alike, 1 to @most. */
struct page owner_run(struct gpa at, u64 most, u64 *npages);
/* What a confined page of the guest's own keeps. */
#define OWNER_CONFINED (HF_PERM_READ | HF_PERM_WRITE | HF_PERM_USER_EXEC)
/* The permission the second-level tables must hold for the page (after admissible). */
u32 owner_permission(struct page page);
/* What pages of a kind keep when sealed: HF_PERM_*; 0 for an unknown kind. */
extern const u8 owner_kinds[HF_KIND_COUNT];
static inline u32 owner_kind_permission(u32 kind)
{
	return kind < HF_KIND_COUNT ? owner_kinds[kind] : 0;
}
/* Whether two ranges, known not to wrap, have a page in common. */
bool owner_overlap(const struct hf_range *a, const struct hf_range *b);
/* Whether all pages of the range are in @state. */
bool owner_all(struct gpa start, u64 npages, enum page_state state);
/* Pages sealed now. */
u64 owner_sealed(void);
/* Call @fn for each maximal run of pages of equal permission below @limit, permission 0 included,
 * in ascending order, until it returns non-zero (backend_init maps with it). */
int owner_for_each_run(struct gpa limit,
		       int (*fn)(struct gpa start, u64 npages, u32 perm, void *ctx), void *ctx);

/*
 * Transitions over @count ranges. 0; -EINVAL: a page is in another state, flagged dma, or the
 * range wraps; -ENOMEM. On error nothing has changed. After success the caller ends with
 * shootdown_settle.
 */
typedef int owner_transition(struct owner_locked l, const struct hf_range *ranges, u32 count);
owner_transition owner_claim, owner_seal, owner_check_begin, owner_check_pass, owner_check_fail;
owner_transition owner_check_undo; /* of what owner_check_pass has passed */
owner_transition owner_lend, owner_return, owner_donate, owner_release, owner_add, owner_open;
owner_transition owner_admit;
/* At lock: only what is sealed as code stays kernel-executable, as far as the tables tell kernel
 * from user execution. Ends with shootdown_settle as well. */
void owner_confine(struct owner_locked l);
/* Set or clear the dma flag of guest pages; -EINVAL if one is not the guest's. */
int owner_set_dma(struct owner_locked l, struct gpa start, u64 npages, bool dma);
