/* SPDX-License-Identifier: GPL-2.0-only */
/* Static calls: calls and tail calls whose target the kernel exchanges, and their trampolines. */
#ifndef AGENT_COMPAT_CALLS_H
#define AGENT_COMPAT_CALLS_H

#include <linux/types.h>

/*
 * Calls @fn for each call outside of init code, of the kernel and of resident modules, until it
 * returns other than 0; returns that. @tail: it is a jump. Under modules_hold().
 */
int calls_each(int (*fn)(unsigned long va, bool tail, void *arg), void *arg);

/* Whether a symbol of this name is a trampoline: five bytes that jump, then tramp_ud. */
bool calls_trampoline(const char *name);

/*
 * Whether the kernel counts how deep calls are nested (retbleed=stuff): then calls go to code
 * before a function, which is written only when it is needed first.
 */
bool calls_counted(void);

#endif
