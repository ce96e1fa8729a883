/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting the hypervisor below the running kernel. */
#ifndef AGENT_LAUNCH_H
#define AGENT_LAUNCH_H

#include <linux/types.h>

#include <holdfast/ctl.h>

/*
 * Carries out @ctl and sets its reason. On failure everything is as before. The
 * caller excludes concurrent calls and calls after success.
 */
int launch_run(struct hf_ctl_launch *ctl);

/* Whether one runs below this kernel that was there before it. */
bool launch_present(void);

#endif
