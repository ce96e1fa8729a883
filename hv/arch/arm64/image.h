/* SPDX-License-Identifier: GPL-2.0-only */
/* The image: its bounds from hv.ld, all at its start page aligned. */
#pragma once

#include <hv/types.h>

extern u8 image_start[], image_text[], image_rodata[], image_data[], image_end[];

/* start.S: where a CPU begins that the firmware has started for us, MMU off, at EL2; x0 is the
 * address of its struct vcpu. */
extern u8 start_secondary[];
