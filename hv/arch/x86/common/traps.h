/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions in the hypervisor itself. All are our own bugs and fatal, but for two: the NMI, which
 * adds 1 to EAX and returns, as it is only let in where one that made a guest exit is taken, and
 * counted there; and a protection fault of an MSR access made for the guest (msr.h), which becomes
 * an error code.
 */
#pragma once

#include "x86.h"

void traps_init(void);
struct table_register traps_idtr(void);
