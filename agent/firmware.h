/* SPDX-License-Identifier: GPL-2.0-only */
/* Code of EFI runtime services, which the kernel runs in page tables of their own. */
#ifndef AGENT_FIRMWARE_H
#define AGENT_FIRMWARE_H

#include "walk.h"

/* Calls @fn for each of its ranges by the firmware's memory map, until it returns other than 0. */
int firmware_each(int (*fn)(u64 gpa, u64 npages, void *arg), void *arg);

/*
 * The same for runs that the kernel maps executable and read-only, which it does where the
 * firmware's table of memory attributes promises that it never writes there. Without that promise
 * for all of it none is handed out, and the kernel's log says so.
 */
int firmware_code(walk_fn *fn, void *arg);

#endif
