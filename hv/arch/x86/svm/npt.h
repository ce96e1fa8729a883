/* SPDX-License-Identifier: GPL-2.0-only */
/* Nested page tables: long-mode entries, looked up as user accesses (APM vol. 2, 15.25.5). */
#pragma once

#include <hv/stage2.h>

extern const struct stage2_format npt_format;
