/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking memory out of the kernel's direct map, and back. The caller owns the
 * pages; both may sleep.
 */
#ifndef AGENT_COMPAT_DIRECTMAP_H
#define AGENT_COMPAT_DIRECTMAP_H

#include <linux/mm_types.h>

/* @page, @npages: whole, aligned 2 MiB blocks. On failure restore is still to be called. */
int directmap_remove(struct page *page, unsigned int npages);
void directmap_restore(struct page *page, unsigned int npages);

#endif
