/* SPDX-License-Identifier: GPL-2.0-only */
/* Code that the kernel replaces by what this CPU does better, and calls of paravirt operations. */
#ifndef AUTHORITY_ALTERNATIVES_H
#define AUTHORITY_ALTERNATIVES_H

#include "module.h"

int alternatives_paravirt(struct module *module);
int alternatives_apply(struct module *module);

#endif
