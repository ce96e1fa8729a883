/* SPDX-License-Identifier: GPL-2.0-only */
/* What of the running kernel is to be protected, page by page. */
#ifndef AGENT_RANGES_H
#define AGENT_RANGES_H

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

/*
 * @count:	of @range
 * @reason, @va: why they could not be found, and where
 */
struct ranges {
	unsigned int count;
	enum hf_lock_reason reason;
	unsigned long va;
	struct hf_range range[HF_RANGES_MAX];
};

/*
 * Finds everything that has an owner in the kernel's page tables, and makes sure that nothing else
 * there is executable. -EAGAIN: something may have been seen half way, such as the code of a
 * module's init that is about to be freed. -EINVAL: this kernel is not laid out as expected;
 * nothing should be locked then. -ENOSPC. May sleep.
 */
int ranges_find(struct ranges *ranges);

/* Whether @va is in one of them that kernel mode may execute. */
bool ranges_hold_code(const struct ranges *ranges, unsigned long va);

/* A reference to each page found: whatever the kernel frees, these never go back to its allocator.
 */
void ranges_hold(struct ranges *ranges);

/* Those references back, after a lock that failed. */
void ranges_release(struct ranges *ranges);

#endif
