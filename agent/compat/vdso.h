/* SPDX-License-Identifier: GPL-2.0-only */
/* The vDSO images: code the kernel image carries for user space. */
#ifndef AGENT_COMPAT_VDSO_H
#define AGENT_COMPAT_VDSO_H

#include <linux/types.h>

#define VDSO_MAX 3

/*
 * Start and size, both page aligned, of image number @i, 0 .. VDSO_MAX - 1.
 * False where this kernel does not have it.
 */
bool vdso_get(unsigned int i, unsigned long *start, unsigned long *size);

#endif
