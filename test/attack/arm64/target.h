/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the kernel image that attacks go for. */
#ifndef HF_ATTACK_ARM64_TARGET_H
#define HF_ATTACK_ARM64_TARGET_H

#include "attack.h"

/* The last word of text, or of read-only data: what the linker fills up with. 0, or -ENOENT. */
int target_text(struct attempt *t);
int target_rodata(struct attempt *t);

/* The word at @va, which is to become @wanted. 0, or -ENOENT. */
int target_word(struct attempt *t, unsigned long va, u64 wanted);

/* What it is now. */
int target_look(struct attempt *t, u64 *is);

/* By one store, where @size is that of a word. -EFAULT: refused. After one of the above. */
int target_write(void *to, const void *from, size_t size);

#endif
