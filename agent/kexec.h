/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef AGENT_KEXEC_H
#define AGENT_KEXEC_H

#include <linux/types.h>

/*
 * No further kernel can be loaded for kexec or kdump. -EBUSY: one is loaded already, and nothing
 * has changed.
 */
int kexec_close(void);

/* As before: the launch has failed. */
void kexec_reopen(void);

#endif
