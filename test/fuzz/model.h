/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must hold of the machine whatever a guest does: a model that is told of what succeeded, and
 * compared. Written from docs/architecture.md and owner.h, not from the code.
 */
#ifndef TEST_FUZZ_MODEL_H
#define TEST_FUZZ_MODEL_H

#include <holdfast/domain.h>
#include <holdfast/range.h>
#include <hv/types.h>

/* A machine of this action (HF_ACTION_*), just launched. */
void model_begin(u32 action);
/* A call registered ranges. */
void model_registered(const struct hf_range *ranges, u32 count);
/* A call had them forgotten. */
void model_forgot(void);
/* The lock call has succeeded. */
void model_locked(void);
bool model_is_locked(void);
/* A call made a domain. */
void model_donated(const struct hf_domain *domain);
/* Pages of the guest's are lent to a service; 0: they are not any more. */
void model_lent(u64 gpa, u64 npages, u32 service);
/* Whose memory the page is, and to whom it is lent: a service, 0: none. */
u32 model_service(u64 at);
u32 model_lent_to(u64 at);
/* An access to @at was refused or looked at: with action "allow" it may have opened the page. */
void model_exit(u64 at, bool kernel_fetch);

/* What the guest may do with the page: HF_PERM_*, before the format's limits. */
u32 model_due(u64 at);
/* A root of page tables that is sealed. */
bool model_is_root(u64 at);
/* A page table that is sealed; of its entry at @at, whether a store of the whole of it is done. */
bool model_is_table(u64 at);
bool model_is_free_entry(u64 at);
/* The guest may have its calls read, or answered in, the page. */
bool model_is_buffer(u64 at, bool answered);

/* The invariants: of the page, the CPUs, and what is watched. */
void model_check_page(u64 at);
void model_check(void);
/* Every page that was registered and its neighbours, and a sample of all others. */
void model_check_all(void);

#endif
