/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables that the kernel sorts when it loads a module. */
#ifndef AUTHORITY_TABLES_H
#define AUTHORITY_TABLES_H

#include "module.h"

/*
 * Memory has to hold exactly the entries of the relocated table, in ascending order; of entries
 * with the same key the order is free, for the kernel's sort is not stable. What holds that is
 * expected from then on.
 */
int tables_sort(struct module *module);

/* A key and what belongs to it. */
struct pair {
	u64 key;
	u64 value;
};

/* In place, by key, then value. */
void tables_sort_pairs(struct pair *pair, u64 count);

#endif
