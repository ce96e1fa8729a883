/* SPDX-License-Identifier: GPL-2.0-only */
/* Code that the kernel makes while it runs. */
#ifndef AGENT_COMPAT_RUNTIME_H
#define AGENT_COMPAT_RUNTIME_H

#include <linux/types.h>

/* Whether the page at @va is an ftrace trampoline, of probe slots, or of BPF programs. */
bool runtime_code(unsigned long va);

#endif
