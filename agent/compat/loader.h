/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of modules as the kernel got them: its loader changes its copy before it tells anybody. */
#ifndef AGENT_COMPAT_LOADER_H
#define AGENT_COMPAT_LOADER_H

#include <linux/types.h>

/* Each file is copied from now on, and kept while it is loaded. Once. */
int loader_watch(void);

/* The file that this thread loads, whole pages of vmalloc; NULL: there is no copy. */
const void *loader_file(size_t *size);

#endif
