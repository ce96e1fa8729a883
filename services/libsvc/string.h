/* SPDX-License-Identifier: GPL-2.0-only */
/* What compilers take for granted, and services need besides. */
#ifndef LIBSVC_STRING_H
#define LIBSVC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
size_t strlen(const char *s);
void *memchr(const void *at, int value, size_t size);

#endif
