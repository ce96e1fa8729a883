/* SPDX-License-Identifier: GPL-2.0-only */
/* What of the running kernel is to be protected, page by page. */
#ifndef AGENT_RANGES_H
#define AGENT_RANGES_H

#include <holdfast/range.h>

#define RANGES_MAX 16u

struct ranges {
	unsigned int count;
	struct hf_range range[RANGES_MAX];
};

/*
 * Finds the ranges of the kernel image, sorted by address and disjoint, and
 * checks them against the kernel's page tables. An error means that this kernel
 * is not laid out as expected; nothing should be locked then.
 */
int ranges_find(struct ranges *ranges);

#endif
