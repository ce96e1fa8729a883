/* SPDX-License-Identifier: GPL-2.0-only */
/* Locking the kernel: what is to be protected is registered, then sealed. */
#ifndef AGENT_LOCK_H
#define AGENT_LOCK_H

#include <holdfast/ctl.h>

/*
 * Carries out @ctl and fills in what was registered. May be called again after a
 * failure. The caller excludes concurrent calls and knows that a hypervisor answers.
 */
int lock_run(struct hf_ctl_lock *ctl);

#endif
