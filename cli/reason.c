// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/image.h>

#include "reason.h"

static const struct reason reasons[] = {
	[HF_REASON_NONE] = { "unknown", "no reason was given" },
	[HF_REASON_ABI] = { "abi",
			    "hypervisor image, agent and command are of different versions: "
			    "install all three from one build" },
	[HF_REASON_NO_VIRT] = { "no-virt",
				"the CPU lacks the virtualization extension this image "
				"needs (AMD SVM, Intel VMX): use another machine, or the "
				"image of the other, or let the "
				"hypervisor above offer nested virtualization" },
	[HF_REASON_VIRT_DISABLED] = { "virt-disabled", "the firmware has switched "
						       "virtualization off: enable SVM (AMD-V) "
						       "or VMX (VT-x) in its setup" },
	[HF_REASON_VIRT_IN_USE] = { "virt-in-use",
				    "KVM or another hypervisor uses the virtualization "
				    "extension: stop "
				    "its virtual machines, unload kvm_amd or kvm_intel and try "
				    "again" },
	[HF_REASON_NO_NESTED_PAGING] = { "no-nested-paging",
					 "the CPU lacks nested paging, or it is hidden: use a "
					 "CPU or "
					 "virtual CPU model that offers it" },
	[HF_REASON_MEMORY_ENCRYPTION] = { "memory-encryption",
					  "memory encryption (SME) is active: boot with "
					  "mem_encrypt=off" },
	[HF_REASON_NO_MEMORY] = { "no-memory", "not enough contiguous memory: launch earlier "
					       "after boot, or free "
					       "memory first" },
	[HF_REASON_BAD_MEMORY_MAP] = { "bad-memory-map",
				       "the machine's memory map is not usable: too many "
				       "ranges, or "
				       "overlapping ones; please report /proc/iomem" },
	[HF_REASON_TOO_MANY_CPUS] = { "too-many-cpus", "the machine has more CPUs than the "
						       "hypervisor supports" },
	[HF_REASON_CPU_FAILED] = { "cpu-failed",
				   "a CPU could not enter guest mode; everything was "
				   "rolled back" },
	[HF_REASON_CPU_OFFLINE] = { "cpu-offline", "a CPU that is present is offline and would "
						   "stay unprotected: bring "
						   "it online" },
	[HF_REASON_ALREADY] = { "already",
				"Holdfast runs already, and nothing but a reboot ends it" },
	[HF_REASON_BAD_IMAGE] = { "bad-image",
				  "the file is not a Holdfast image, or truncated: install "
				  "it again" },
	[HF_REASON_BAD_OPTION] = { "bad-option",
				   "the hypervisor does not accept the action or the "
				   "serial port" },
	[HF_REASON_NO_SYMBOL] = { "no-symbol",
				  "this kernel lacks a symbol the agent needs (the kernel "
				  "log names it): use a supported kernel" },
	[HF_REASON_BOOT_ONLY] = { "boot-only",
				  "on this architecture the hypervisor starts before the "
				  "kernel: boot hv-el2 with the kernel behind it" },
	[HF_REASON_PLATFORM] = { "platform",
				 "a CPU is in a mode the image does not support; see the "
				 "documentation for supported machines" },
	[HF_REASON_CPU_MISSING] = { "cpu-missing",
				    "the firmware lists a CPU that this kernel does not use "
				    "and that would stay unprotected, or its list is not to be "
				    "had: boot without nr_cpus= and acpi=off" },
	[HF_REASON_CPU_SLOTS] = { "cpu-slots",
				  "CPUs could be plugged in later and would be unprotected: "
				  "boot with possible_cpus= the number present" },
	[HF_REASON_KEXEC] = { "kexec",
			      "another kernel is loaded and would start without Holdfast: "
			      "unload it (kexec -u, kexec -p -u)" },
};

_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == HF_REASON_COUNT, "a sentence for each");

struct reason reason_of(uint32_t number)
{
	return reasons[number < HF_REASON_COUNT ? number : HF_REASON_NONE];
}
