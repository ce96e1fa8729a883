/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is where in the kernel. Each architecture has a file of its own, which defines owners_kind
 * as well.
 */
#ifndef AGENT_LAYOUT_H
#define AGENT_LAYOUT_H

#include <linux/types.h>

#include <holdfast/range.h>

/* Where the first area with owners at @va or above begins; @va itself if it is inside one. */
unsigned long layout_next(unsigned long va);

/* Whether @npages at @va are a second mapping of code that has its owner by the first. */
bool layout_alias(unsigned long va, u64 npages);

/* A page of page tables: HF_KIND_ROOT or HF_KIND_TABLE. 0 to go on. */
typedef int layout_table_fn(u64 gpa, enum hf_kind kind, void *arg);

/* Calls @fn for each page table to be guarded. */
int layout_tables(layout_table_fn *fn, void *arg);

/* @pages: found, by kind. 0, or where the image is not mapped as expected. */
unsigned long layout_missing(const u64 *pages);

#endif
