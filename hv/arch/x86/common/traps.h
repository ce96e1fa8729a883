/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions in the hypervisor itself. All are our own bugs and fatal, but for the NMI, which is
 * dropped: it is only let in to acknowledge one that made a guest exit.
 */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include "x86.h"

void traps_init(void);
struct table_register traps_idtr(void);

#endif
