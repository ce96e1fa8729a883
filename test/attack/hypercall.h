/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HF_ATTACK_HYPERCALL_H
#define HF_ATTACK_HYPERCALL_H

#include <linux/types.h>

/* Whether a hypervisor of ours is there. */
bool hypercall_answers(void);

#endif
