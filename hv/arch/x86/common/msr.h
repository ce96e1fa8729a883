/* SPDX-License-Identifier: GPL-2.0-only */
/* Model-specific registers accessed for the guest: what does not exist is no bug of ours. */
#ifndef X86_MSR_H
#define X86_MSR_H

#include <hv/types.h>

/* 0, or -EINVAL where the processor raises a protection fault. */
int msr_read(u32 msr, u64 *value);
int msr_write(u32 msr, u64 value);

#endif
