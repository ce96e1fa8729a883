/* SPDX-License-Identifier: GPL-2.0-only */
/* What a module says of itself, and which modules are not for this kernel. */
#ifndef AUTHORITY_MODINFO_H
#define AUTHORITY_MODINFO_H

#include "module.h"

/* Made for this kernel, and no live patch? Also finds the name. */
int modinfo_check(struct module *module);

#endif
