/* SPDX-License-Identifier: GPL-2.0-only */
/* Files as the attacker reads them. */
#ifndef HF_ATTACK_FILES_H
#define HF_ATTACK_FILES_H

#include <linux/types.h>

/* The content of path, NUL terminated, or an error pointer. At most limit bytes. Ends with
 * vfree. */
char *files_read(const char *path, size_t limit, size_t *size);

#endif
