// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bits.h>
#include <linux/efi.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <asm/msr.h>
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

/* QEMU's teaching device, the one that does what it is told. */
static bool has_edu(void)
{
	struct pci_dev *device = pci_get_device(0x1234, 0x11e8, NULL);

	pci_dev_put(device);
	return device;
}

/* A display whose memory the processor reaches as such. */
static bool has_display(void)
{
	struct pci_dev *device = pci_get_class(PCI_CLASS_DISPLAY_VGA << 8, NULL);

	pci_dev_put(device);
	return device;
}

bool feature_present(const char *name)
{
	u32 eax, ebx, ecx, edx;
	u64 value;
	size_t i;

	if (!strcmp(name, "EFI"))
		return efi_enabled(EFI_RUNTIME_SERVICES);
	/* Emulators either have it or read it as 0. */
	if (!strcmp(name, "MISC_ENABLE"))
		return !rdmsrl_safe(MSR_IA32_MISC_ENABLE, &value) && value;
	if (!strcmp(name, "display"))
		return has_display();
	if (!strcmp(name, "edu"))
		return has_edu();
	/* Holdfast hides it: what the kernel has found when it started. */
	if (!strcmp(name, "VMX"))
		return boot_cpu_has(X86_FEATURE_VMX);
	/* What holds of these. */
	if (!strcmp(name, "services"))
		return boot_cpu_has(X86_FEATURE_XSAVE) && feature_present("SVM");
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
