/* SPDX-License-Identifier: GPL-2.0-only */
/* Stage 2 translation tables: 4 KiB granule, as hv/stage2.h wants a format described. */
#pragma once

#include <hv/stage2.h>

/* With FEAT_XNX: EL1's and EL0's execution are told apart. */
extern const struct stage2_format s2_format;
/* Without: either is both. */
extern const struct stage2_format s2_plain_format;

/* Every CPU forgets what it knows of the guest's translations, stage 1 included. */
void s2_forget_everywhere(void);
