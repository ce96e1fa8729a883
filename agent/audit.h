/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has mapped and as whose, for the audit of the command. */
#ifndef AGENT_AUDIT_H
#define AGENT_AUDIT_H

#include <holdfast/ctl.h>

/*
 * Fills @runs, room for HF_AUDIT_RUNS, from @ctl->va on, and sets count and va of @ctl. May sleep.
 * The kernel goes on meanwhile: what it maps or takes away is seen or not.
 */
void audit_run(struct hf_ctl_audit *ctl, struct hf_audit_run *runs);

#endif
