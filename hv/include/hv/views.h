/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's second-level tables: one set, or where the format cannot tell who executes and
 * execution is to be controlled all the same, two of the same format, of which a CPU uses one at a
 * time. In the kernel's view a page can be executed if the kernel may, in the user's if user mode
 * may; all else is the same in both.
 *
 * Lock: as of hv/stage2.h.
 */
#pragma once

#include <hv/stage2.h>

enum view {
	VIEW_KERNEL, /* the only one, where there is one */
	VIEW_USER,
	VIEWS,
};

struct views {
	struct stage2 view[VIEWS];
	u32 count;
};

int views_init(struct views *v, const struct stage2_format *format, unsigned int levels,
	       u64 limit, bool two);
/* What is mapped from @start on, a multiple of 512 GiB, is the same for ever: mapped in the first
 * view only, and here in the other. */
void views_share(struct views *v, struct gpa start);
/* Whether the page can be executed in that view. */
bool views_execute(const struct views *v, enum view view, struct gpa page);

/* As the functions of hv/stage2.h, of all views together. */
int views_prepare(struct views *v, struct gpa start, u64 npages);
int views_map(struct views *v, struct gpa start, u64 npages, u32 perm);
void views_protect(struct views *v, struct gpa start, u64 npages, u32 perm);
void views_merge(struct views *v, struct gpa start, u64 npages);
void views_reclaim(struct views *v);
u32 views_run(const struct views *v, struct gpa page, u64 *npages);
u32 views_admissible(const struct views *v, u32 perm);
