/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the architecture that rules can name, for both vendors. */
#pragma once

#include <hv/cpu.h>
#include <hv/types.h>

/* What only writes of MSRs can change is not recorded (struct register_rule). */
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
	REG_GDTR_BASE,
	REG_GDTR_LIMIT,
	REG_TR_BASE,
	REG_TR_SELECTOR,
	REG_S_CET,
	REG_RECORDED,
	REG_APIC_BASE = CPU_REGISTERS_MAX,
	REG_PAT,
	REG_MTRR, /* of all ranges */
	REG_MTRR_DEF_TYPE,
	REG_SYSCFG,
	REG_HWCR,
	REG_NB_CFG,
	REG_IORR,
	REG_TOP_MEM,
	REG_MMIO_CFG_BASE,
	REG_SMM,
	REG_PATCH_LOADER,
	REG_DEBUGCTL,
	REG_LS_CFG,
	REG_CORE_CFG,
	REG_VM_CR,
	REG_VM_HSAVE_PA,
	REG_FEATURE_CTL,
	REG_RTIT,
	REG_MISC_ENABLE,
	REG_COUNT
};

/* The MSR that a register is recorded from; 0: it is no MSR, or kept in the control block. */
u32 sysreg_msr(u32 reg);

/* Whose rules hold. */
bool sysreg_intel(void);

/*
 * Whether the processor would take @value for the register without a fault, given the values
 * now: what the hardware checks when a guest writes by itself, and we when we write for it.
 */
bool sysreg_valid_cr0(u64 value, u64 cr4, u64 efer);
bool sysreg_valid_cr4(u64 value, u64 old, u64 cr0, u64 cr3);
bool sysreg_valid_efer(u64 value, u64 old, u64 cr0);
bool sysreg_valid_msr(u32 reg, u64 value);
bool sysreg_canonical(u64 va);

/* Read the CPU's feature bits that the checks above need. Once, before any check. @cr4: bits that
 * CR4 may have besides. */
void sysreg_init(u64 cr4);
