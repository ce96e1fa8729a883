// SPDX-License-Identifier: GPL-2.0-only
/* Is the machine fit, and what does it offer: Intel SDM vol. 3, appendix A. */
#include <holdfast/hypercall.h>
#include <hv/backend.h>

#include "../common/serial.h"
#include "ept.h"
#include "probe.h"
#include "vmx.h"

#define LEAF_FEATURES 0x80000001

#define MSR_ARCH_CAPABILITIES 0x10au
#define ARCH_CAP_PSCHANGE_NO  BIT(6)
#define LEAF7_ARCH_CAP	      BIT(29) /* edx: the MSR is there */

#define LEAF7_TRACE	 BIT(25) /* ebx: processor trace */
#define MSR_RTIT_CTL	 0x570u
#define RTIT_CTL_ENABLED BIT(0)

#define LEAF7_TME	     BIT(13) /* ecx: the MSR is there */
#define MSR_TME_ACTIVATE     0x982u
#define TME_KEY_BITS(active) ((active) >> 32 & 0xf)

#define CR4_FRED BIT(32)

#define MSR_VMX_BASIC	     0x480u
#define MSR_VMX_CR0_FIXED0   0x486u
#define MSR_VMX_CR4_FIXED0   0x488u
#define MSR_VMX_CR4_FIXED1   0x489u
#define MSR_VMX_SECONDARY    0x48bu
#define MSR_VMX_EPT	     0x48cu
#define MSR_VMX_TRUE_PIN     0x48du
#define MSR_VMX_TRUE_PRIMARY 0x48eu
#define MSR_VMX_TRUE_EXIT    0x48fu
#define MSR_VMX_TRUE_ENTRY   0x490u

#define BASIC_TRUE BIT(55)

/* Four levels, write-back tables, blocks of 2 MiB and 1 GiB, INVEPT of one context and of all. */
#define EPT_FLAGS  BIT(21) /* accessed and dirty */
#define EPT_NEEDED (BIT(6) | BIT(14) | BIT(16) | BIT(17) | BIT(20) | BIT(25) | BIT(26))

/* What is needed of each kind of controls, and what is taken where it is there. */
static const struct {
	u32 msr;
	u32 needed;
	u32 wanted;
	u32 *to;
} controls[] = {
	{ MSR_VMX_TRUE_PIN, PIN_NMI | PIN_VIRTUAL_NMI, 0, &vmx.pin },
	{ MSR_VMX_TRUE_PRIMARY, PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAP | PRIMARY_SECONDARY,
	  PRIMARY_STEP, &vmx.primary },
	{ MSR_VMX_TRUE_EXIT,
	  EXIT_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
		  EXIT_LOAD_EFER,
	  0, &vmx.exit },
	{ MSR_VMX_TRUE_ENTRY, ENTRY_DEBUG | ENTRY_64 | ENTRY_PAT | ENTRY_EFER, 0, &vmx.entry },
	/* Instructions that the guest has without us, and has to be given. */
	{ MSR_VMX_SECONDARY, SECONDARY_EPT | SECONDARY_TABLES,
	  SECONDARY_RDTSCP | SECONDARY_VPID | SECONDARY_INVPCID | SECONDARY_XSAVES |
		  SECONDARY_MODES | SECONDARY_WAIT,
	  &vmx.secondary },
};

/* SDM vol. 3, A.3: the lower half has what must be set, the upper what may be. */
static bool take_controls(size_t i)
{
	u64 allowed = rdmsr(controls[i].msr);
	u32 must = allowed, may = allowed >> 32;

	*controls[i].to = controls[i].needed | (controls[i].wanted & may) | must;
	return !(controls[i].needed & ~may);
}

static bool virtualizes(void)
{
	bool all = rdmsr(MSR_VMX_BASIC) & BASIC_TRUE;

	for (size_t i = 0; all && i < ARRAY_SIZE(controls); i++)
		all = take_controls(i);
	/* Switched on at lock; for single instructions. */
	vmx.secondary &= ~(u32)SECONDARY_TABLES;
	vmx.steps = vmx.primary & PRIMARY_STEP;
	vmx.primary &= ~(u32)PRIMARY_STEP;
	/* Else every switch of address spaces would exit. */
	return all && !(vmx.primary & (PRIMARY_CR3_LOAD | PRIMARY_CR3_STORE));
}

bool probe_enabled(void)
{
	u64 control = rdmsr(MSR_FEATURE_CTL);

	if (!(control & FEATURE_CTL_LOCKED)) {
		wrmsr(MSR_FEATURE_CTL, control | FEATURE_CTL_LOCKED | FEATURE_CTL_VMX);
		control = rdmsr(MSR_FEATURE_CTL);
	}
	return control & FEATURE_CTL_VMX;
}

static bool locked_off(void)
{
	u64 control = rdmsr(MSR_FEATURE_CTL);

	return (control & FEATURE_CTL_LOCKED) && !(control & FEATURE_CTL_VMX);
}

/*
 * Its output goes to physical addresses, as tables say that stay the kernel's to write. Once there
 * is a hypervisor it cannot be switched on (REG_RTIT).
 */
bool probe_traces(void)
{
	return (cpuid(7, 0).ebx & LEAF7_TRACE) && (rdmsr(MSR_RTIT_CTL) & RTIT_CTL_ENABLED);
}

/*
 * With keys for parts of memory the upper bits of an address choose one (SDM vol. 4, table 2-2,
 * IA32_TME_ACTIVATE): a page has an address for each, and but for the first these are nobody's.
 */
static bool many_keys(void)
{
	return (cpuid(7, 0).ecx & LEAF7_TME) && TME_KEY_BITS(rdmsr(MSR_TME_ACTIVATE));
}

static u32 unfit(void)
{
	if (!(cpuid(1, 0).ecx & CPUID_VMX))
		return HF_REASON_NO_VIRT;
	if (locked_off())
		return HF_REASON_VIRT_DISABLED;
	if (read_cr4() & CR4_VMXE)
		return HF_REASON_VIRT_IN_USE;
	/* With FRED an event says more than is delivered again here, and goes by no table. */
	if (!virtualizes() || many_keys() || probe_traces() || (read_cr4() & CR4_FRED))
		return HF_REASON_PLATFORM;
	if ((rdmsr(MSR_VMX_EPT) & EPT_NEEDED) != EPT_NEEDED)
		return HF_REASON_NO_NESTED_PAGING;
	if (!(rdmsr(MSR_EFER) & EFER_NXE))
		return HF_REASON_PLATFORM;
	return HF_REASON_NONE;
}

/* Processors that a guest cannot stop by changing the size of a page that it runs from. */
static bool large_code(void)
{
	return (cpuid(7, 0).edx & LEAF7_ARCH_CAP) &&
	       (rdmsr(MSR_ARCH_CAPABILITIES) & ARCH_CAP_PSCHANGE_NO);
}

int backend_probe(struct hf_boot *boot)
{
	boot->reason = unfit();
	if (boot->reason == HF_REASON_VIRT_IN_USE)
		return -HF_EBUSY;
	if (boot->reason)
		return -HF_ENODEV;
	if (boot->serial_port > 0x10000 - SERIAL_PORTS) {
		boot->reason = HF_REASON_BAD_OPTION;
		return -HF_EINVAL;
	}
	vmx.revision = rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	vmx.cr0_fixed = rdmsr(MSR_VMX_CR0_FIXED0);
	vmx.cr4_fixed = rdmsr(MSR_VMX_CR4_FIXED0);
	ept_init(large_code(), rdmsr(MSR_VMX_EPT) & EPT_FLAGS);
	platform.features = HF_FEATURE_NEXT_RIP | HF_FEATURE_FLUSH_ASID | HF_FEATURE_RESTART |
			    HF_FEATURE_NO_GATE; /* SDM vol. 3, 24.8: A20M is ignored */
	/* Whose execution it is goes by the address (29.3.3.2): without SMEP the kernel could run
	 * pages of user space as these may. */
	platform.two_tables = boot->flags & HF_BOOT_TWO_TABLES;
	if ((boot->flags & HF_BOOT_EXEC_OFF) || platform.two_tables || !(read_cr4() & CR4_SMEP))
		vmx.secondary &= ~(u32)SECONDARY_MODES;
	if (platform.two_tables || (vmx.secondary & SECONDARY_MODES))
		platform.features |= HF_FEATURE_EXEC_SPLIT;
	platform_umip(boot);
	platform.cr3_reserved = ~(BIT(platform_address_bits()) - 1);
	return 0;
}

u64 probe_cr4(void)
{
	return rdmsr(MSR_VMX_CR4_FIXED1) & ~(CR4_VMXE | CR4_SMXE | CR4_FRED);
}
