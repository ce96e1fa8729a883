// SPDX-License-Identifier: GPL-2.0-only
/*
 * Written down a second time, from the contract and not from the hypervisor: an error there
 * must not excuse itself here.
 */
#include "judge.h"

#define DATA (HF_PERM_READ | HF_PERM_WRITE)
#define CODE (HF_PERM_READ | HF_PERM_KERNEL_EXEC)
#define EXEC (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)

/* The most that may be left of pages of a kind. */
static uint32_t most(const struct judge_machine *machine, uint32_t kind)
{
	static const uint8_t of[HF_KIND_COUNT] = {
		[HF_KIND_TEXT] = CODE,
		[HF_KIND_RODATA] = HF_PERM_READ,
		[HF_KIND_RO_AFTER_INIT] = HF_PERM_READ,
		[HF_KIND_VECTORS] = HF_PERM_READ,
		[HF_KIND_VDSO] = HF_PERM_READ | HF_PERM_USER_EXEC,
		[HF_KIND_MODULE_TEXT] = CODE,
		[HF_KIND_MODULE_RODATA] = HF_PERM_READ,
		[HF_KIND_RUNTIME_CODE] = CODE,
		[HF_KIND_STARTUP] = HF_PERM_READ,
		[HF_KIND_FIRMWARE] = CODE,
		[HF_KIND_DATA] = DATA,
		[HF_KIND_ROOT] = HF_PERM_READ,
		[HF_KIND_TABLE] = HF_PERM_READ,
	};
	uint32_t permission = kind < HF_KIND_COUNT ? of[kind] : 0;

	if (!machine->split && permission & EXEC)
		permission |= EXEC;
	return permission;
}

static bool is_kernel_code(uint32_t kind)
{
	return kind == HF_KIND_TEXT || kind == HF_KIND_MODULE_TEXT ||
	       kind == HF_KIND_RUNTIME_CODE || kind == HF_KIND_FIRMWARE;
}

static bool comes_later(uint32_t kind)
{
	return kind == HF_KIND_MODULE_TEXT || kind == HF_KIND_MODULE_RODATA ||
	       kind == HF_KIND_RUNTIME_CODE;
}

enum judge judge_memory(const struct hf_page_run *page)
{
	return page->permission == page->due ? JUDGE_FINE : JUDGE_PERMISSION;
}

static enum judge judge_seal(const struct hf_audit_run *mapped, const struct hf_page_run *page)
{
	if (mapped->kind == HF_KIND_NONE ||
	    (page->state == HF_PAGE_SEALED && page->kind == mapped->kind))
		return JUDGE_FINE;
	return page->state == HF_PAGE_GUEST && comes_later(mapped->kind) ? JUDGE_LATER
									 : JUDGE_UNSEALED;
}

enum judge judge_mapping(const struct judge_machine *machine, const struct hf_audit_run *mapped,
			 const struct hf_page_run *page)
{
	bool sealed = page->state == HF_PAGE_SEALED;
	enum judge seal;

	if (page->state == HF_PAGE_HYPERVISOR || page->state == HF_PAGE_SERVICE)
		return JUDGE_HYPERVISOR;
	/* Where memory can be plugged in later, it is due some permission. */
	if (page->state == HF_PAGE_ABSENT && !page->due)
		return JUDGE_ABSENT;
	if (!machine->locked)
		return JUDGE_FINE;
	seal = judge_seal(mapped, page);
	if (seal != JUDGE_FINE)
		return seal;
	if (sealed && page->permission & ~most(machine, page->kind))
		return JUDGE_EXCESS;
	if (mapped->rights & page->permission & HF_PERM_KERNEL_EXEC &&
	    !(sealed && is_kernel_code(page->kind)))
		return JUDGE_EXECUTABLE;
	return JUDGE_FINE;
}
