/* SPDX-License-Identifier: GPL-2.0-only */
/* Nested page tables: long-mode entries, looked up as user accesses (APM vol. 2, 15.25.5). */
#pragma once

#include <hv/stage2.h>

/*
 * The second one where the guest runs with GMET (APM vol. 2, 15.25, "Guest Mode Execute Trap
 * Extension"): below CPL 3 no page is executed whose entries have the user bit at every level.
 * Nothing else looks at that bit then: not reads and writes, not walks of the guest's own tables,
 * which count as user accesses, not execution at CPL 3. So there is no code that is the kernel's
 * alone. KVM takes it the same way (series "combined patchset for MBEC/GMET support", 2026).
 */
extern const struct stage2_format npt_format, npt_gmet_format;
