/* SPDX-License-Identifier: GPL-2.0-only */
/* Model-specific registers accessed for the guest: what does not exist is no bug of ours. */
#pragma once

#include <hv/types.h>

/* 0, or -EINVAL where the processor raises a protection fault. */
int msr_read(u32 msr, u64 *value);
int msr_write(u32 msr, u64 value);
