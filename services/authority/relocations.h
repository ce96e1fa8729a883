/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader adds to the file's bytes (arch/x86/kernel/module.c). */
#ifndef AUTHORITY_RELOCATIONS_H
#define AUTHORITY_RELOCATIONS_H

#include "module.h"

int relocations_apply(struct module *module);

#endif
