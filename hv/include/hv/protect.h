/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is to be sealed, and the lock itself: collects ranges before lock, then seals them and
 * has every CPU record its registers.
 */
#pragma once

#include <holdfast/range.h>
#include <hv/types.h>

/* At launch, with what to do about violations: HF_ACTION_DENY or HF_ACTION_ALLOW. -ENOMEM. */
int protect_init(u32 with);

/* Errors as HF_CALL_PROTECT and HF_CALL_LOCK document them. @new is the hypervisor's copy. */
int protect_add(struct cpu *cpu, const struct hf_range *new, u64 count);
int protect_lock(struct cpu *cpu);

/* Before lock: no range was registered. Owner lock. */
void protect_forget(void);

/* Why nothing can be registered or locked any more: -EPERM, -EAGAIN; 0: it can. */
int protect_closed(void);

/* Kernel-executable memory that was registered: where the code for @va is, and what @at is mapped
 * to. False: none was registered there. Owner lock. */
bool protect_code_gpa(struct gva va, struct gpa *to);
bool protect_code_va(struct gpa at, struct gva *to);

/* Whether the lock leaves nothing but sealed code kernel-executable: where the tables can. */
bool protect_confines(void);
/* From the moment the ranges are sealed; a CPU takes it up in its next shootdown_sync. */
bool protect_locked(void);
/* Own CPU, as part of answering a shoot-down: pin the registers if the machine is locked. */
void protect_sync(struct cpu *cpu);
/* How many pages of @kind were registered. */
u64 protect_pages(enum hf_kind kind);

/* HF_ACTION_DENY or HF_ACTION_ALLOW, constant after launch. */
u32 protect_action(void);
