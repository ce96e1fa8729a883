/* SPDX-License-Identifier: GPL-2.0-only */
/* What the processor offers. */
#pragma once

#include <hv/types.h>

/* Of MSR_FEATURE_CTL: SDM vol. 3, 24.7. */
#define FEATURE_CTL_LOCKED BIT(0)
#define FEATURE_CTL_SMX	   BIT(1) /* VMX inside SMX operation */
#define FEATURE_CTL_VMX	   BIT(2) /* and outside */

/* Own CPU: VMX may be switched on. Where firmware has left that open it is settled: until reset. */
bool probe_enabled(void);
/* Own CPU: processor trace is on. */
bool probe_traces(void);
/* Bits that CR4 may have in a guest. */
u64 probe_cr4(void);
