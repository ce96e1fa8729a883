/* SPDX-License-Identifier: GPL-2.0-only */
/* What names stand for: places in the module, and what the kernel and other modules export. */
#ifndef AUTHORITY_SYMBOLS_H
#define AUTHORITY_SYMBOLS_H

#include "module.h"

/* Gives every symbol its address. */
int symbols_resolve(struct module *module);
/* Lists its functions, but for those of init: static calls may go there. */
int symbols_functions(struct module *module);
/* What the module exports itself, for later ones: no name that is exported already. */
int symbols_export(struct module *module);

#endif
