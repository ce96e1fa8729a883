/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PL011 (ARM DDI 0183) that the firmware has set up. It is the kernel's console as well: what is
 * written here can be forged there, and both may mix.
 */
#pragma once

#include <hv/types.h>

void serial_init(u64 at);
