/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's own page tables say. */
#ifndef AGENT_WALK_H
#define AGENT_WALK_H

#include <linux/mm_types.h>
#include <linux/types.h>

/*
 * Pages mapped in a row, to frames in a row, with equal rights.
 *
 * @rights:	HF_PERM_*, of kernel mode; execution is counted also where the user bit is set
 */
struct walk_run {
	unsigned long va;
	u64 gpa;
	u64 npages;
	u32 rights;
};

typedef int walk_fn(const struct walk_run *run, void *arg);

/*
 * Calls @fn, which may sleep, for each maximal run from @from up to, not including, @to (0: the
 * end of the address space), ascending, until it returns other than 0; returns that. Both page
 * aligned and in the same half. What is mapped or taken away meanwhile is seen or not.
 */
int walk_kernel(unsigned long from, unsigned long to, walk_fn *fn, void *arg);

/* The same for the page tables of @root. */
int walk_tables(const pgd_t *root, unsigned long from, unsigned long to, walk_fn *fn, void *arg);

/* First address of the kernel's half. */
unsigned long walk_kernel_start(void);

#endif
