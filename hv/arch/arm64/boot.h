/* SPDX-License-Identifier: GPL-2.0-only */
/* From where the firmware left us to launch; called by start.S, in this order. */
#pragma once

#include <hv/types.h>

/* What comes behind the image begins so far from its start (hv.ld). */
#define BOOT_SPAN 0x200000u

/* With the MMU off, where the image was loaded: where a copy of it is now that is to go on; 0: the
 * device tree at @tree is of no use, or has no room for us. */
u64 boot_move(u64 tree);
/* With the MMU off, in that copy: make the hypervisor's own map. */
bool boot_map(void);
_Noreturn void boot_launch(void);
