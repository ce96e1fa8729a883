/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers that rules name: their numbers, and when writes of them begin to exit. */
#pragma once

enum sysreg {
	REG_SCTLR,
	REG_TCR,
	REG_MAIR,
	REG_TTBR1,
	REG_VBAR,
	REG_COUNT,
};

/* Own CPU. */
void sysreg_trap(void);
