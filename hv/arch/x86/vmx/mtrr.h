/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory types of physical memory as the kernel has set them up: Intel SDM vol. 3, 12.11. EPT says
 * them once more, because with EPT the MTRRs do not hold for the guest (SDM vol. 3, 29.3.7).
 */
#pragma once

#include <hv/types.h>

#define MTRR_TYPE_UC 0u
#define MTRR_TYPE_WT 4u
#define MTRR_TYPE_WB 6u

/* Once, before tables are made: read them. -EINVAL: there are more ranges than the table holds. */
int mtrr_init(void);
/* Whether all of the block of @size bytes, a power of two, has one type: then in *type. */
bool mtrr_uniform(struct hpa start, u64 size, u32 *type);
