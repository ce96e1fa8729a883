/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers after lock: the kernel writes those of an allow-list as it likes; some
 * belong to a register that rules name; any other keeps its value.
 */
#pragma once

#include <hv/types.h>

struct msr_range {
	u32 first, last;
};

/* The MSRs that the guest may write at any time: ranges in ascending order. */
const struct msr_range *msrs_free_ranges(u32 *count);
/* Whether the guest may write it at any time. */
bool msrs_free(u32 msr);
/* The enum sysreg whose rules hold for it; REG_COUNT: none. Never one of a free MSR. */
u32 msrs_register(u32 msr);
