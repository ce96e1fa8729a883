/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls to the hypervisor, as <holdfast/hypercall.h> defines them. */
#ifndef AGENT_CALL_H
#define AGENT_CALL_H

#include <linux/types.h>

/* The call's result, or -ENODEV where nobody answers. */
long call_make(u32 number, u64 arg0, u64 arg1);

#endif
