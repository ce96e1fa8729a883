/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-level tables in memory: one walker for all formats.
 *
 * Identity mapping (gpa == hpa) of everything below the limit; only permissions vary.
 * Levels: 1 is the table of 4 KiB pages, 2 of 2 MiB, 3 of 1 GiB, ... A child table is filled
 * before one atomic store publishes it.
 *
 * Lock: the owner lock (launch is single threaded).
 */
#pragma once

#include <hv/types.h>

#define STAGE2_ENTRIES 512

/*
 * What a table entry looks like; constant, one per architecture.
 *
 * @max_block:	highest level at which an entry may map memory directly (1..3)
 * @fits:	NULL, or: whether one entry of @level may give @perm to the block at @to. If so,
 *		that holds of fewer permissions, and of the blocks inside; of pages always
 * @broken:	NULL, or: where a table takes the place of a block or a block that of a table, the
 *		entry has to be invalid in between, and this is called then. When it returns no CPU
 *		has what the entry said; one that comes by meanwhile takes a fault.
 */
struct stage2_format {
	const char *name;
	u8 max_block;
	bool (*fits)(struct hpa to, u32 perm, unsigned int level);
	void (*broken)(void);
	u64 (*leaf)(struct hpa to, u32 perm, unsigned int level);
	u64 (*table)(struct hpa to);
	bool (*is_leaf)(u64 entry, unsigned int level); /* present and maps memory */
	bool (*is_table)(u64 entry, unsigned int level);
	struct hpa (*address)(u64 entry, unsigned int level);
	/* As far as the hardware tells them apart; leaf/permission round-trip up to that. */
	u32 (*permission)(u64 entry);
	u32 (*admissible)(u32 perm); /* what leaf(perm) really gives */
};

struct stage2 {
	const struct stage2_format *format;
	u64 *root;
	u8 levels;  /* of the root: 3, 4 or 5 */
	u64 limit;  /* bytes, multiple of the largest block */
	u64 *limbo; /* tables merged away, linked, not yet flushed */
};

int stage2_init(struct stage2 *s2, const struct stage2_format *format, unsigned int levels,
		u64 limit);
int stage2_prepare(struct stage2 *s2, struct gpa start, u64 npages);
/* Both at once, for the permission only: memory that has none yet. */
int stage2_map(struct stage2 *s2, struct gpa start, u64 npages, u32 perm);
void stage2_protect(struct stage2 *s2, struct gpa start, u64 npages, u32 perm);
void stage2_merge(struct stage2 *s2, struct gpa start, u64 npages);
/* After every CPU has flushed: tables merged away go back to the pool. */
void stage2_reclaim(struct stage2 *s2);

/*
 * For the audit of flushes: how often tables have taken away what a CPU may remember, a
 * permission or a table; and that no CPU remembers any of it now. Of all tables together.
 */
u64 stage2_cuts(void);
u64 stage2_settled(void);
void stage2_settle(void);

/* Permission of the page; *level (if not NULL) is the level of its leaf. */
u32 stage2_permission(const struct stage2 *s2, struct gpa page, unsigned int *level);
/* The same; *npages: from @page on to the end of what its entry covers. */
u32 stage2_run(const struct stage2 *s2, struct gpa page, u64 *npages);

/* Called for every entry met; see stage2_walk. */
struct stage2_visit {
	struct gpa start; /* of what the entry covers */
	unsigned int level;
	u64 *entry;
};

/* 0 to go on (into a table), a negative code to stop with. */
typedef int stage2_visitor(struct stage2 *s2, const struct stage2_visit *visit, void *context);
/* Visit the entries that cover the range, each before what is below it. */
int stage2_walk(struct stage2 *s2, struct gpa start, u64 npages, stage2_visitor *visitor,
		void *context);
