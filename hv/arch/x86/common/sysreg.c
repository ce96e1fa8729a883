// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/cpu.h>

#include "sysreg.h"
#include "x86.h"

static_assert(REG_RECORDED <= CPU_REGISTERS_MAX, "struct cpu records one value for each");

#define ALL_BITS (~0ull)

/* Bits a guest may set; constant after sysreg_init. */
static u64 cr4_bits, efer_bits;
static bool la57;
static bool intel; /* has VMX */

/*
 * Bits that Linux clears while it changes MTRRs of a CPU that it brings up, then sets again:
 * nothing depends on it.
 */
#define MTRR_SWITCH (MTRR_DEF_TYPE_E | MTRR_DEF_TYPE_FE | MTRR_DEF_TYPE_TYPE)
/* Disables a turbo mode; writes of machine-check status; errata. */
#define HWCR_FREE (HWCR_CPB_DIS | HWCR_MC_STATUS_WR | HWCR_FFDIS)
/* PCI configuration space beyond 256 bytes by I/O ports, set at bring-up. */
#define NB_CFG_CF8_EXT BIT(46)
/* Speculative store bypass, switched with the thread: families 15h, 16h, 17h. */
#define LS_CFG_FREE (BIT(54) | BIT(33) | BIT(10))
/*
 * Bits that Linux sets at bring-up in one register of the group or another: LFENCE serializes,
 * errata of floating point and of the way predictor. Emulators ignore it, so that it is a
 * change each time.
 */
#define CORE_CFG_FREE (BIT(31) | BIT(9) | BIT(4) | BIT(3) | BIT(2) | BIT(1))

/*
 * Thermal monitor, speed steps and turbo, CPUID's depth, as Linux sets them at bring-up and by
 * sysfs. Not bit 34, which takes NX away.
 */
#define MISC_ENABLE_FREE (BIT(38) | BIT(22) | BIT(16) | BIT(3))

#define RULES_OF_INTEL 4
#define RULES_OF_AMD   12

/*
 * The first that a write breaks names the violation; what is absorbed stands last. A vendor's own
 * stand at one end, so that those of one CPU are in a row.
 */
static const struct register_rule rules[] = {
	/* Intel's alone */
	{ "CR4.VMXE", REG_CR4, RULE_KEEP_CLEAR, CR4_VMXE },
	{ "FEATURE_CONTROL", REG_FEATURE_CTL, RULE_OURS, ALL_BITS },
	{ "MISC_ENABLE", REG_MISC_ENABLE, RULE_LOCKED, ~MISC_ENABLE_FREE },
	{ "RTIT", REG_RTIT, RULE_OURS, ALL_BITS }, /* its output goes to physical addresses */
	/* of both */
	{ "CR0.PE", REG_CR0, RULE_KEEP_SET, CR0_PE },
	{ "CR0.WP", REG_CR0, RULE_KEEP_SET, CR0_WP },
	{ "CR0.PG", REG_CR0, RULE_KEEP_SET, CR0_PG },
	{ "CR0.NW", REG_CR0, RULE_KEEP_CLEAR, CR0_NW },
	{ "CR0.CD", REG_CR0, RULE_ABSORBED, CR0_CD },
	{ "CR4.PAE", REG_CR4, RULE_KEEP_SET, CR4_PAE },
	{ "CR4.UMIP", REG_CR4, RULE_KEEP_SET, CR4_UMIP },
	{ "CR4.LA57", REG_CR4, RULE_KEEP_SET, CR4_LA57 },
	{ "CR4.SMEP", REG_CR4, RULE_KEEP_SET, CR4_SMEP },
	{ "CR4.SMAP", REG_CR4, RULE_KEEP_SET, CR4_SMAP },
	{ "CR4.FSGSBASE", REG_CR4, RULE_LOCKED, CR4_FSGSBASE },
	{ "CR4.PKE", REG_CR4, RULE_LOCKED, CR4_PKE },
	{ "CR4.CET", REG_CR4, RULE_LOCKED, CR4_CET },
	{ "EFER.SCE", REG_EFER, RULE_KEEP_SET, EFER_SCE },
	{ "EFER.LME", REG_EFER, RULE_KEEP_SET, EFER_LME },
	{ "EFER.NXE", REG_EFER, RULE_KEEP_SET, EFER_NXE },
	{ "STAR", REG_STAR, RULE_LOCKED, ALL_BITS },
	{ "LSTAR", REG_LSTAR, RULE_LOCKED, ALL_BITS },
	{ "CSTAR", REG_CSTAR, RULE_LOCKED, ALL_BITS },
	{ "SFMASK", REG_SFMASK, RULE_LOCKED, ALL_BITS },
	{ "SYSENTER_CS", REG_SYSENTER_CS, RULE_LOCKED, ALL_BITS },
	{ "SYSENTER_ESP", REG_SYSENTER_ESP, RULE_LOCKED, ALL_BITS },
	{ "SYSENTER_EIP", REG_SYSENTER_EIP, RULE_LOCKED, ALL_BITS },
	{ "S_CET.ENDBR_EN", REG_S_CET, RULE_KEEP_CLEAR, S_CET_ENDBR_EN },
	{ "S_CET", REG_S_CET, RULE_LOCKED, ~S_CET_ENDBR_EN },
	{ "IDTR.base", REG_IDTR_BASE, RULE_LOCKED, ALL_BITS },
	{ "IDTR.limit", REG_IDTR_LIMIT, RULE_LOCKED, ALL_BITS },
	{ "GDTR.base", REG_GDTR_BASE, RULE_LOCKED, ALL_BITS },
	{ "GDTR.limit", REG_GDTR_LIMIT, RULE_LOCKED, ALL_BITS },
	{ "TR.base", REG_TR_BASE, RULE_LOCKED, ALL_BITS },
	{ "TR.selector", REG_TR_SELECTOR, RULE_LOCKED, ALL_BITS },
	/* Kicks go to the page where the local APIC was at launch. */
	{ "APIC_BASE", REG_APIC_BASE, RULE_OURS, ALL_BITS },
	/* The control block's; emulators have one in the CPU only: not to be written for both. */
	{ "PAT", REG_PAT, RULE_OURS, ALL_BITS },
	{ "MTRR ranges", REG_MTRR, RULE_LOCKED, ALL_BITS },
	{ "MTRR default type", REG_MTRR_DEF_TYPE, RULE_LOCKED, ~MTRR_SWITCH },
	{ "MTRR default type.switch", REG_MTRR_DEF_TYPE, RULE_ABSORBED, MTRR_SWITCH },
	{ "PATCH_LOADER", REG_PATCH_LOADER, RULE_OURS, ALL_BITS },
	{ "DEBUGCTL", REG_DEBUGCTL, RULE_LOCKED, ~DEBUGCTL_BTF },
	/* AMD's alone */
	{ "EFER.SVME", REG_EFER, RULE_KEEP_CLEAR, EFER_SVME },
	{ "SYSCFG", REG_SYSCFG, RULE_LOCKED, ALL_BITS },
	{ "HWCR", REG_HWCR, RULE_LOCKED, ~HWCR_FREE },
	{ "NB_CFG", REG_NB_CFG, RULE_LOCKED, ~NB_CFG_CF8_EXT },
	{ "IORR", REG_IORR, RULE_LOCKED, ALL_BITS },
	{ "TOP_MEM", REG_TOP_MEM, RULE_LOCKED, ALL_BITS },
	{ "MMIO_CFG_BASE", REG_MMIO_CFG_BASE, RULE_LOCKED, ALL_BITS },
	{ "SMM base, address and mask", REG_SMM, RULE_LOCKED, ALL_BITS },
	{ "LS_CFG", REG_LS_CFG, RULE_LOCKED, ~LS_CFG_FREE },
	{ "core configuration", REG_CORE_CFG, RULE_LOCKED, ~CORE_CFG_FREE },
	{ "VM_CR", REG_VM_CR, RULE_OURS, ALL_BITS },
	{ "VM_HSAVE_PA", REG_VM_HSAVE_PA, RULE_OURS, ALL_BITS },
};

bool sysreg_intel(void)
{
	return intel;
}

const struct register_rule *backend_register_rules(u32 *count)
{
	*count = ARRAY_SIZE(rules) - (intel ? RULES_OF_AMD : RULES_OF_INTEL);
	return intel ? rules : rules + RULES_OF_INTEL;
}

static const u32 msrs[REG_RECORDED] = {
	[REG_EFER] = MSR_EFER,
	[REG_STAR] = MSR_STAR,
	[REG_LSTAR] = MSR_LSTAR,
	[REG_CSTAR] = MSR_CSTAR,
	[REG_SFMASK] = MSR_SFMASK,
	[REG_SYSENTER_CS] = MSR_SYSENTER_CS,
	[REG_SYSENTER_ESP] = MSR_SYSENTER_ESP,
	[REG_SYSENTER_EIP] = MSR_SYSENTER_EIP,
};

u32 sysreg_msr(u32 reg)
{
	return msrs[reg];
}

/* CPUID bit => bit a register may then have. APM vol. 3, appendix E. */
void sysreg_init(u64 cr4)
{
	struct cpuid std = cpuid(1, 0), ext = cpuid(7, 0), amd = cpuid(0x80000001, 0);
	u32 more = cpuid(0x80000000, 0).eax >= 0x80000021 ? cpuid(0x80000021, 0).eax : 0;

	cr4_bits = 0x7ff; /* VME .. OSXMMEXCPT: every CPU that can nest pages */
	cr4_bits |= std.ecx & BIT(26) ? CR4_OSXSAVE : 0;
	cr4_bits |= std.ecx & BIT(17) ? CR4_PCIDE : 0;
	cr4_bits |= ext.ebx & BIT(0) ? CR4_FSGSBASE : 0;
	cr4_bits |= ext.ebx & BIT(7) ? CR4_SMEP : 0;
	cr4_bits |= ext.ebx & BIT(20) ? CR4_SMAP : 0;
	cr4_bits |= ext.ecx & BIT(2) ? CR4_UMIP : 0;
	cr4_bits |= ext.ecx & BIT(3) ? CR4_PKE : 0;
	cr4_bits |= ext.ecx & BIT(7) ? CR4_CET : 0;
	cr4_bits |= ext.ecx & BIT(16) ? CR4_LA57 : 0;
	cr4_bits |= cr4;
	intel = std.ecx & CPUID_VMX;
	efer_bits = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	efer_bits |= intel ? 0 : EFER_SVME;
	efer_bits |= amd.edx & BIT(25) ? EFER_FFXSR : 0;
	efer_bits |= amd.ecx & BIT(17) ? EFER_TCE : 0;
	efer_bits |= more & BIT(8) ? EFER_AUTOIBRS : 0;
	la57 = read_cr4() & CR4_LA57;
}

bool sysreg_canonical(u64 va)
{
	unsigned int unused = la57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(va << unused) >> unused) == va;
}

/* APM vol. 2, 3.1.1, and 14.6.1 for what long mode adds. */
bool sysreg_valid_cr0(u64 value, u64 cr4, u64 efer)
{
	if (value >> 32)
		return false;
	if ((value & CR0_NW) && !(value & CR0_CD))
		return false;
	if ((value & CR0_PG) && !(value & CR0_PE))
		return false;
	if (!(value & CR0_PG) && (efer & EFER_LMA))
		return false;
	return (value & CR0_WP) || !(cr4 & CR4_CET);
}

/* APM vol. 2, 3.1.3. */
bool sysreg_valid_cr4(u64 value, u64 old, u64 cr0, u64 cr3)
{
	if (value & ~cr4_bits)
		return false;
	if ((cr0 & CR0_PG) && ((value ^ old) & (CR4_PAE | CR4_LA57)))
		return false;
	if ((value & ~old & CR4_PCIDE) && (cr3 & PAGE_MASK))
		return false;
	return (cr0 & CR0_WP) || !(value & CR4_CET);
}

/* APM vol. 2, 3.1.7. */
bool sysreg_valid_efer(u64 value, u64 old, u64 cr0)
{
	if (value & ~efer_bits)
		return false;
	return !(cr0 & CR0_PG) || !((value ^ old) & EFER_LME);
}

/* APM vol. 2, 6.1: addresses are canonical, the mask has 32 bits. */
bool sysreg_valid_msr(u32 reg, u64 value)
{
	switch (reg) {
	case REG_LSTAR:
	case REG_CSTAR:
	case REG_SYSENTER_ESP:
	case REG_SYSENTER_EIP:
		return sysreg_canonical(value);
	case REG_SFMASK:
		return !(value >> 32);
	default:
		return true;
	}
}
