// SPDX-License-Identifier: GPL-2.0-only
/* Is the machine fit, and what does it offer. */
#include <holdfast/hypercall.h>
#include <hv/backend.h>

#include "../common/serial.h"
#include "vcpu.h"

/* CPUID, APM vol. 3, appendix E. */
#define LEAF_MAX	  0x80000000
#define LEAF_FEATURES	  0x80000001
#define LEAF_SVM	  0x8000000a
#define LEAF_ENCRYPTION	  0x8000001f
#define FEATURES_SVM	  BIT(2)  /* ecx */
#define FEATURES_PAGE1GB  BIT(26) /* edx */
#define SVM_NPT		  BIT(0)  /* edx */
#define SVM_NRIPS	  BIT(3)
#define SVM_FLUSH_ASID	  BIT(6)
#define SVM_DECODE_ASSIST BIT(7)
#define SVM_GMET	  BIT(17)

#define VM_CR_SVMDIS BIT(4)  /* APM vol. 2, 15.30.1 */
#define SYSCFG_SME   BIT(23) /* APM vol. 2, 7.10.1 */

/* On what there is the manual's order: APM vol. 2, 15.4. */
static u32 unfit(void)
{
	u32 max = cpuid(LEAF_MAX, 0).eax;

	if (max < LEAF_SVM || !(cpuid(LEAF_FEATURES, 0).ecx & FEATURES_SVM))
		return HF_REASON_NO_VIRT;
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return HF_REASON_VIRT_DISABLED;
	if (rdmsr(MSR_EFER) & EFER_SVME)
		return HF_REASON_VIRT_IN_USE;
	if (!(cpuid(LEAF_SVM, 0).edx & SVM_NPT))
		return HF_REASON_NO_NESTED_PAGING;
	if (max >= LEAF_ENCRYPTION && (cpuid(LEAF_ENCRYPTION, 0).eax & 1) &&
	    (rdmsr(MSR_SYSCFG) & SYSCFG_SME))
		return HF_REASON_MEMORY_ENCRYPTION;
	if (!(rdmsr(MSR_EFER) & EFER_NXE) || !(cpuid(LEAF_FEATURES, 0).edx & FEATURES_PAGE1GB))
		return HF_REASON_PLATFORM;
	return HF_REASON_NONE;
}

int backend_probe(struct hf_boot *boot)
{
	u32 svm_edx;

	boot->reason = unfit();
	if (boot->reason == HF_REASON_VIRT_IN_USE)
		return -HF_EBUSY;
	if (boot->reason)
		return -HF_ENODEV;
	if (boot->serial_port > 0x10000 - SERIAL_PORTS) {
		boot->reason = HF_REASON_BAD_OPTION;
		return -HF_EINVAL;
	}
	svm_edx = cpuid(LEAF_SVM, 0).edx;
	platform.features = svm_edx & SVM_DECODE_ASSIST ? HF_FEATURE_DECODE_ASSIST : 0;
	platform.features |= svm_edx & SVM_NRIPS ? HF_FEATURE_NEXT_RIP : 0;
	platform.features |= svm_edx & SVM_FLUSH_ASID ? HF_FEATURE_FLUSH_ASID : 0;
	platform.two_tables = boot->flags & HF_BOOT_TWO_TABLES;
	if (platform.two_tables || ((svm_edx & SVM_GMET) && !(boot->flags & HF_BOOT_EXEC_OFF)))
		platform.features |= HF_FEATURE_EXEC_SPLIT;
	platform_umip(boot);
	platform.cr3_reserved = ~(BIT(platform_address_bits()) - 1);
	return 0;
}
