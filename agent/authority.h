/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The authority's errands, where its service is loaded: what it has to know of the kernel before
 * lock, and each module that comes after. What it says of a module is for the kernel to heed here.
 */
#ifndef AGENT_AUTHORITY_H
#define AGENT_AUTHORITY_H

#include <linux/types.h>

/* Its service has been loaded. Files of modules are kept from now on, while they are loaded. */
int authority_prepare(void);

/*
 * Everything is recorded anew; 0 where there is no authority. Before lock, with modules_hold().
 * @entry: where calls may go, as in site.h, ascending
 */
int authority_record(const u32 *entry, unsigned int count);

/* Locked: from now on a module that is refused does not run. */
void authority_begin(void);

#endif
