/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is where in the kernel. Each architecture has a file of its own, which defines owners_kind
 * as well.
 */
#ifndef AGENT_LAYOUT_H
#define AGENT_LAYOUT_H

#include <linux/types.h>

/* Where the first area with owners at @va or above begins; @va itself if it is inside one. */
unsigned long layout_next(unsigned long va);

/* Whether @npages at @va are a second mapping of code that has its owner by the first. */
bool layout_alias(unsigned long va, u64 npages);

/* @pages: found, by kind. 0, or where the image is not mapped as expected. */
unsigned long layout_missing(const u64 *pages);

#endif
