/* SPDX-License-Identifier: GPL-2.0-only */
/* Code that the kernel makes while it runs. */
#ifndef AGENT_COMPAT_RUNTIME_H
#define AGENT_COMPAT_RUNTIME_H

#include <linux/types.h>

/* Whether the page at @va is an ftrace trampoline, of probe slots, or of BPF programs. */
bool runtime_code(unsigned long va);

/*
 * Nothing is placed into the pages that hold BPF programs now, nor erased from them, until
 * runtime_release(), if ever: the kernel takes new pages for new programs. One of those
 * programs that is freed stays where it is; the kernel warns about the first.
 */
void runtime_hold(void);
void runtime_release(void);

#endif
