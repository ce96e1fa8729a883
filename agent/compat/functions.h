/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has names for. */
#ifndef AGENT_COMPAT_FUNCTIONS_H
#define AGENT_COMPAT_FUNCTIONS_H

/*
 * Calls @fn for each symbol of the kernel and of resident modules, data included, in no order and
 * some more than once, until it returns other than 0; returns that. Under modules_hold().
 */
int functions_each(int (*fn)(const char *name, unsigned long va, void *arg), void *arg);

#endif
