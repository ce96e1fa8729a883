/* SPDX-License-Identifier: GPL-2.0-only */
/* Code outside the kernel image that is there at lock: made ready when the module is loaded. */
#ifndef HF_ATTACK_CODE_H
#define HF_ATTACK_CODE_H

int code_init(void);
void code_exit(void);

#endif
