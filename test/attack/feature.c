// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bits.h>
#include <linux/efi.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/processor.h>

#include "feature.h"

/* Leaf 7, subleaf 0: APM vol. 3, appendix E.3. */
#define LEAF 7
/* APM vol. 3, appendix E.4. */
#define LEAF_AMD 0x80000001
#define SVM	 BIT(2)

static const struct {
	const char *name;
	u32 ebx, ecx; /* the bit, in one of the two */
} features[] = {
	{ "FSGSBASE", BIT(0), 0 },
	{ "SMEP", BIT(7), 0 },
	{ "SMAP", BIT(20), 0 },
	{ "UMIP", 0, BIT(2) },
};

bool feature_present(const char *name)
{
	u32 eax, ebx, ecx, edx;
	size_t i;

	if (!strcmp(name, "EFI"))
		return efi_enabled(EFI_RUNTIME_SERVICES);
	/* Holdfast hides it: what the kernel has found when it started. */
	if (!strcmp(name, "VMX"))
		return boot_cpu_has(X86_FEATURE_VMX);
	if (!strcmp(name, "SVM"))
		return cpuid_ecx(LEAF_AMD) & SVM;
	if (cpuid_eax(0) < LEAF)
		return false;
	cpuid_count(LEAF, 0, &eax, &ebx, &ecx, &edx);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (!strcmp(features[i].name, name))
			return (ebx & features[i].ebx) || (ecx & features[i].ecx);
	return false;
}
