// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/smp.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/smp.h>

#include "cpu.h"
#include "startup.h"

/* AMD APM volume 2, 15.4: CPUID Fn8000_0001_ECX[SVM] */
#define CPUID_SVM_LEAF 0x80000001u
#define CPUID_SVM      BIT(2)

static bool svm_present(void)
{
	return cpuid_eax(0x80000000u) >= CPUID_SVM_LEAF &&
	       (cpuid_ecx(CPUID_SVM_LEAF) & CPUID_SVM);
}

/* KVM sets EFER.SVME while it has a virtual machine. */
static bool svm_in_use(void)
{
	unsigned int cpu;
	u64 efer;

	for_each_online_cpu(cpu) if (rdmsrl_safe_on_cpu(cpu, MSR_EFER, &efer) ||
				     (efer & EFER_SVME)) return true;
	return false;
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
	/* The only backend this agent can make calls to. */
	if (backend != HF_BACKEND_SVM || !svm_present())
		return HF_REASON_NO_VIRT;
	if (svm_in_use())
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
