/* SPDX-License-Identifier: GPL-2.0-only */
/* The four functions a freestanding compiler may call by itself, and bounded strings. */
#pragma once

#include <hv/types.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
/* Copy at most size - 1 characters and terminate; size > 0. */
void string_copy(char *to, const char *from, size_t size);
