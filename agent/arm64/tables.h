/* SPDX-License-Identifier: GPL-2.0-only */
/* Page tables of the kernel. */
#ifndef AGENT_ARM64_TABLES_H
#define AGENT_ARM64_TABLES_H

#include <linux/types.h>

#include "layout.h"

/* Calls @fn for the root, and each table by which addresses from @from to @to are reached. */
int tables_find(phys_addr_t root, unsigned long from, unsigned long to, layout_table_fn *fn,
		void *arg);

#endif
