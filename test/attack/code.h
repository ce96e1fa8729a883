/* SPDX-License-Identifier: GPL-2.0-only */
/* Code outside the kernel image that is there at lock: made ready when the module is loaded. */
#ifndef HF_ATTACK_CODE_H
#define HF_ATTACK_CODE_H

#include <linux/types.h>

struct ftrace_ops;

/* Traces one function since before lock, by a trampoline of its own. */
const struct ftrace_ops *code_tracer(void);

/* What a probe has been made a jump to, since before lock; NULL: it is none. */
const u8 *code_slot(void);

int code_init(void);
void code_exit(void);

#endif
