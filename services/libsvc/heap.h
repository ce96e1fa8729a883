/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LIBSVC_HEAP_H
#define LIBSVC_HEAP_H

#include <stddef.h>

void *calloc(size_t count, size_t size);
void free(void *at);

/* All that was handed out is given back. */
void heap_reset(void);

#endif
