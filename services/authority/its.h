/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Thunks against the ITS bug: pages "jmp *register" of a module's own. On a CPU that has the bug
 * an indirect branch must not end in the lower half of a cache line. One that would goes through
 * a thunk, and each such branch has one of its own.
 */
#ifndef AUTHORITY_ITS_H
#define AUTHORITY_ITS_H

#include "module.h"

/* The pages that the request names: whole, apart from each other and from the parts. */
int its_open(struct module *module);
/* Does a branch through @reg, beginning at @va, need one? */
bool its_wants(const struct module *module, u64 va, u32 reg);
/* Makes the next thunk. Returns its address; 0: the request names too few pages. */
u64 its_thunk(struct module *module, u32 reg);
/* The request names no more pages than were needed. */
int its_close(struct module *module);

#endif
