/* SPDX-License-Identifier: GPL-2.0-only */
/* Branches that the kernel rewrites against speculation, and single bytes that it overwrites. */
#ifndef AUTHORITY_THUNKS_H
#define AUTHORITY_THUNKS_H

#include "module.h"

int thunks_retpolines(struct module *module);
int thunks_returns(struct module *module);
int thunks_seal(struct module *module);
int thunks_locks(struct module *module);
/* What a return at @va is: 5 bytes. */
void thunks_return(const struct module *module, u64 va, u8 bytes[5]);

#endif
