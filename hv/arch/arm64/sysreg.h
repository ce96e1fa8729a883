/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers of the registers that rules name. */
#pragma once

enum sysreg {
	REG_SCTLR,
	REG_TCR,
	REG_MAIR,
	REG_TTBR1,
	REG_COUNT,
};
