/* SPDX-License-Identifier: GPL-2.0-only */
/* Where functions can be traced. */
#ifndef AGENT_COMPAT_TRACED_H
#define AGENT_COMPAT_TRACED_H

/*
 * Calls @fn for each instruction at a function's start that is a nop or a call of a trampoline,
 * until it returns other than 0; returns that. Under modules_hold(), and trace_hold() if there is.
 */
int traced_each(int (*fn)(unsigned long va, void *arg), void *arg);

#endif
