/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose a page of the kernel is, by the kernel's own records. */
#ifndef AGENT_OWNERS_H
#define AGENT_OWNERS_H

#include <linux/types.h>

#include <holdfast/range.h>

/*
 * What the page mapped at @va, of frame @gpa, is to be sealed as; HF_KIND_NONE: nothing. It goes
 * by the address that the kernel itself uses: the page's place in the direct map is none of
 * its own, but for what the kernel uses there.
 */
enum hf_kind owners_kind(unsigned long va, u64 gpa);

/* The same for pages in a row: shortens @npages to as many, from the first, as are of one kind. */
enum hf_kind owners_run(unsigned long va, u64 gpa, u64 *npages);

/* HF_PERM_* that a sealed page of @kind keeps. */
u32 owners_permission(enum hf_kind kind);

#endif
