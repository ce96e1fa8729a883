/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the architecture that rules can name, for both vendors. */
#ifndef X86_SYSREG_H
#define X86_SYSREG_H

#include <hv/types.h>

enum sysreg {
	REG_CR0,
	REG_CR4,
	REG_EFER,
	REG_STAR,
	REG_LSTAR,
	REG_CSTAR,
	REG_SFMASK,
	REG_SYSENTER_CS,
	REG_SYSENTER_ESP,
	REG_SYSENTER_EIP,
	REG_IDTR_BASE,
	REG_IDTR_LIMIT,
	REG_COUNT
};

/* The MSR behind a register, 0 for those that are none; and the way back, REG_COUNT if unnamed. */
u32 sysreg_msr(u32 reg);
u32 sysreg_of_msr(u32 msr);

/*
 * Whether the processor would take @value for the register without a fault, given the values
 * now: what the hardware checks when a guest writes by itself, and we when we write for it.
 */
bool sysreg_valid_cr0(u64 value, u64 cr4, u64 efer);
bool sysreg_valid_cr4(u64 value, u64 old, u64 cr0, u64 cr3);
bool sysreg_valid_efer(u64 value, u64 old, u64 cr0);
bool sysreg_valid_msr(u32 reg, u64 value);
bool sysreg_canonical(u64 va);

/* Read the CPU's feature bits that the checks above need. Once, before any check. */
void sysreg_init(void);

#endif
