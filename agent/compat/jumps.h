/* SPDX-License-Identifier: GPL-2.0-only */
/* Jump labels: instructions that are a nop or a jump to one label, as a static key says. */
#ifndef AGENT_COMPAT_JUMPS_H
#define AGENT_COMPAT_JUMPS_H

#include <linux/types.h>

struct jump_entry;

/* Each architecture's: the kernel's own. False: it is not to be found. */
bool jumps_table(const struct jump_entry **start, const struct jump_entry **end);

/*
 * Calls @fn for each one outside of init code, of the kernel and of resident modules, until it
 * returns other than 0; returns that. -EINVAL: no table. Under modules_hold().
 */
int jumps_each(int (*fn)(unsigned long va, unsigned long label, void *arg), void *arg);

#endif
