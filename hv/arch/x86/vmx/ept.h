/* SPDX-License-Identifier: GPL-2.0-only */
/* Extended page tables: Intel SDM vol. 3, 29.3. */
#pragma once

#include <hv/stage2.h>

#define EPT_LEVELS 4

/* The second one tells kernel from user execution: mode-based execute control (29.3.3). */
extern const struct stage2_format ept_format, ept_modes_format;

/*
 * Before tables are made: whether tables have accessed and dirty flags; and whether code may lie in
 * large blocks. Not on processors without
 * PSCHANGE_MC_NO: a guest can bring them down by changing the size of a page that it runs from
 * (Intel, "Machine check error on page size change").
 */
void ept_init(bool large_code, bool flags);
/* What the control block says of tables with this root. */
u64 ept_pointer(struct hpa root);
