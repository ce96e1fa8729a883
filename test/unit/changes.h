/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random changes of second-level tables, for a flat model to be compared with. What comes depends
 * on the seed alone, so that tables of every format, and two views, get the same sequence.
 */
#ifndef TEST_UNIT_CHANGES_H
#define TEST_UNIT_CHANGES_H

#include <holdfast/range.h>
#include "unit.h"

#define CHANGE_GIB   (1ull << 30)
#define CHANGE_LIMIT (3 * CHANGE_GIB)

/*
 * @perm:	of CHANGE_PROTECT
 * @reclaim:	afterwards, as after a shoot-down
 * @compare:	with the model around the range; not where that is much work
 */
struct change {
	enum {
		CHANGE_PREPARE,
		CHANGE_MERGE,
		CHANGE_PROTECT
	} what;
	u64 start;
	u64 npages;
	u32 perm;
	bool reclaim;
	bool compare;
};

static inline u64 change_end(const struct change *c)
{
	return c->start + c->npages * PAGE_SIZE;
}

/* Around few places, so that small blocks meet, and merge, often enough. */
static inline void change_range(struct change *c)
{
	static const u64 hot[] = { 0,
				   CHANGE_GIB,
				   2 * CHANGE_GIB,
				   3 * CHANGE_GIB,
				   CHANGE_GIB / 2,
				   CHANGE_GIB + 700 * FAKE_MIB,
				   10 * FAKE_MIB };
	u64 center = hot[unit_below(sizeof(hot) / sizeof(hot[0]))], end;

	switch (unit_below(16)) {
	case 0: /* whole GiB */
		c->start = unit_below(3) * CHANGE_GIB;
		end = c->start + (1 + unit_below(3)) * CHANGE_GIB;
		break;
	case 1: /* anything */
		c->start = unit_below(CHANGE_LIMIT / PAGE_SIZE) * PAGE_SIZE;
		end = c->start + (1 + unit_below(CHANGE_LIMIT / PAGE_SIZE)) * PAGE_SIZE;
		break;
	case 2:
	case 3:
	case 4: /* 2 MiB blocks near the center */
		c->start = (center + unit_below(4) * 2 * FAKE_MIB);
		c->start -= c->start >= 4 * FAKE_MIB ? 4 * FAKE_MIB : 0;
		end = c->start + (1 + unit_below(4)) * 2 * FAKE_MIB;
		break;
	default: /* pages near the center */
		c->start = center + unit_below(1024) * PAGE_SIZE;
		c->start -= c->start >= 2 * FAKE_MIB ? 2 * FAKE_MIB : 0;
		end = c->start + (1 + unit_below(unit_below(4) ? 8 : 1024)) * PAGE_SIZE;
	}
	if (c->start >= CHANGE_LIMIT)
		c->start = CHANGE_LIMIT - PAGE_SIZE;
	if (end > CHANGE_LIMIT)
		end = CHANGE_LIMIT;
	c->npages = (end - c->start) / PAGE_SIZE;
}

/* Few different ones, so that neighbours are often equal. */
static inline u32 change_permission(void)
{
	static const u32 common[] = { HF_PERM_ALL, HF_PERM_ALL, HF_PERM_READ, 0 };

	return unit_below(8) ? common[unit_below(sizeof(common) / sizeof(common[0]))]
			     : (u32)unit_below(16);
}

static inline struct change change_next(void)
{
	struct change c = { .what = CHANGE_PROTECT };

	change_range(&c);
	switch (unit_below(8)) {
	case 0:
		c.what = CHANGE_PREPARE;
		break;
	case 1:
	case 2:
		c.what = CHANGE_MERGE;
		break;
	default:
		c.perm = change_permission();
	}
	c.reclaim = !unit_below(8);
	/* Ranges are small on average: most of the work is one window of tables. */
	c.compare = c.npages <= 4096 || !unit_below(16);
	return c;
}

#endif
