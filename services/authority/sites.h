/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel patches the module while it lives, and what may stand there. */
#ifndef AUTHORITY_SITES_H
#define AUTHORITY_SITES_H

#include "module.h"

/*
 * Collects the sites from the file's tables. Where memory holds one of the values that are genuine
 * at a site, that is expected from then on; all others stay as the file has them.
 */
int sites_collect(struct module *module);

#endif
