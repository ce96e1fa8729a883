/* SPDX-License-Identifier: GPL-2.0-only */
/* Nested page tables: long-mode entries, looked up as user accesses (APM vol. 2, 15.25.5). */
#pragma once

#include <hv/stage2.h>

/*
 * The second one where the guest runs with GMET (APM vol. 2, "Guest Mode Execute Trap"): below CPL
 * 3 no page is executed whose entries have the user bit at every level; reads and writes do not
 * look at it. So there is no code that is the kernel's alone.
 */
extern const struct stage2_format npt_format, npt_gmet_format;
