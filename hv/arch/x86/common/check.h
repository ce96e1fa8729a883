/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's check of its own work (HF_BOOT_SELF_CHECK): what it is about to run the guest
 * with is what a processor accepts, and what we meant. Emulators forgive much of it. What is wrong
 * is a bug of ours and ends in panic.
 */
#pragma once

#include <hv/types.h>

#define CHECK_PAGING  6
#define CHECK_CONTROL 6

/* What a CPU remembers for it. */
struct check {
	u64 paging[CHECK_PAGING];     /* what translations depend on, when the guest stopped */
	u32 intercept[CHECK_CONTROL]; /* all that was intercepted ever since launch */
};

struct vcpu;

/* Own CPU, last thing before the guest runs. */
void check_enter(struct vcpu *v);
/* Own CPU, before and after an exit is handled: paging changes with a flush only. */
void check_exited(struct vcpu *v);
void check_handled(struct vcpu *v);
