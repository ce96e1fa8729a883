/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's second-level tables. */
#pragma once

#include <hv/stage2.h>

/* At launch, when pool and owner exist: every page of the guest as owner_permission says. @root: of
 * the tables, in physical memory. -ENOMEM. */
int tables_init(const struct stage2_format *format, unsigned int levels, struct hpa *root);
