// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/smp.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/special_insns.h>

#include "cpu.h"
#include "startup.h"

/* AMD APM volume 2, 15.4: CPUID Fn8000_0001_ECX[SVM]; Intel SDM volume 3, 24.6: CPUID.1:ECX */
#define CPUID_SVM_LEAF 0x80000001u
#define CPUID_SVM      BIT(2)
#define CPUID_VMX_LEAF 1u
#define CPUID_VMX      BIT(5)

/* The one backend this machine can run; 0: none. */
static u32 backend_of_cpu(void)
{
	if (cpuid_eax(0x80000000u) >= CPUID_SVM_LEAF && (cpuid_ecx(CPUID_SVM_LEAF) & CPUID_SVM))
		return HF_BACKEND_SVM;
	return cpuid_ecx(CPUID_VMX_LEAF) & CPUID_VMX ? HF_BACKEND_VMX : 0;
}

static void look_at_cr4(void *in_use)
{
	if (__read_cr4() & X86_CR4_VMXE)
		WRITE_ONCE(*(bool *)in_use, true);
}

/* KVM sets EFER.SVME or CR4.VMXE while it has a virtual machine. */
static bool svm_in_use(void)
{
	unsigned int cpu;
	u64 efer;

	for_each_online_cpu(cpu) if (rdmsrl_safe_on_cpu(cpu, MSR_EFER, &efer) ||
				     (efer & EFER_SVME)) return true;
	return false;
}

static bool vmx_in_use(void)
{
	bool in_use = false;

	on_each_cpu(look_at_cr4, &in_use, 1);
	return in_use;
}

enum hf_reason cpu_check(enum hf_backend backend)
{
	enum hf_reason reason;

	if (!cpumask_equal(cpu_present_mask, cpu_online_mask))
		return HF_REASON_CPU_OFFLINE;
	if (num_online_cpus() > HF_CPUS_MAX)
		return HF_REASON_TOO_MANY_CPUS;
	reason = startup_check();
	if (reason != HF_REASON_NONE)
		return reason;
	if (!backend || backend != backend_of_cpu())
		return HF_REASON_NO_VIRT;
	if (backend == HF_BACKEND_SVM ? svm_in_use() : vmx_in_use())
		return HF_REASON_VIRT_IN_USE;
	return HF_REASON_NONE;
}

void cpu_describe(struct hf_boot *boot)
{
	unsigned int cpu;

	boot->cpu_count = 0;
	for_each_online_cpu(cpu)
	{
		boot->cpu_id[boot->cpu_count++] = per_cpu(x86_cpu_to_apicid, cpu);
	}
}

unsigned int cpu_index(void)
{
	unsigned int cpu, index = 0;

	for_each_online_cpu(cpu)
	{
		if (cpu == smp_processor_id())
			break;
		index++;
	}
	return index;
}
