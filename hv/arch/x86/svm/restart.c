// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU that is started again, in the guest's 64-bit world; and INIT as processors report it.
 *
 * With VM_CR.R_INIT set a processor turns INIT into exception #SX (APM vol. 2, 15.28 and 15.30.1):
 * of the guest, where it is intercepted, or of the hypervisor while it is open for an NMI. The
 * start-up interrupt that follows means nothing to a CPU that runs, so such a CPU starts at once.
 * Without R_INIT the intercept of INIT is what is left: the INIT stays pending, so the CPU can
 * never run the guest again. It can escape all the same, if an NMI opens the hypervisor just then:
 * status calls that not enforced. No emulator known to us does any of this.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/startup.h>

#include "../common/sysreg.h"
#include "exit.h"

#define VM_CR_R_INIT   BIT(1)
#define VM_CR_DIS_A20M BIT(2)
#define SX_INIT	       1 /* error code: APM vol. 2, 8.2.20 */
/* CPUID 1, ECX: below another hypervisor. */
#define CPUID_HYPERVISOR BIT(31)

/* ---- INIT ---- */

/*
 * Another relic of the board goes with it, as SKINIT does: its gate of address bit 20 lies behind
 * the nested tables, and shut would lead the guest from a page of its own to one that is sealed.
 */
static bool arm(u64 vm_cr)
{
	wrmsr(MSR_VM_CR, vm_cr | VM_CR_R_INIT | VM_CR_DIS_A20M);
	return rdmsr(MSR_VM_CR) & VM_CR_R_INIT;
}

void restart_init(void)
{
	u64 vm_cr = rdmsr(MSR_VM_CR);

	/* An outer host may keep the bit and reset the CPU all the same: KVM does. */
	svm.r_init = !(cpuid(1, 0).ecx & CPUID_HYPERVISOR) && arm(vm_cr);
	if (svm.r_init)
		platform.features |= HF_FEATURE_RESTART;
	if (svm.r_init && (rdmsr(MSR_VM_CR) & VM_CR_DIS_A20M))
		platform.features |= HF_FEATURE_NO_GATE;
	wrmsr(MSR_VM_CR, vm_cr);
}

bool restart_arm(struct vcpu *v)
{
	v->native.vm_cr = rdmsr(MSR_VM_CR);
	return !svm.r_init || arm(v->native.vm_cr);
}

void restart_disarm(const struct vcpu *v)
{
	wrmsr(MSR_VM_CR, v->native.vm_cr);
}

void restart_on_init(struct vcpu *v, struct x86_exit *e)
{
	bool converted = v->vmcb->exit_code == EXIT_CODE_SX;

	if (converted && v->vmcb->exit_info[0] != SX_INIT)
		return;
	e->exit.kind = HF_EXIT_KICK; /* to be looked at on the way back to the guest */
	startup_reset(v->cpu, converted);
}

void restart_after_window(struct vcpu *v)
{
	if (!v->host.reset)
		return;
	v->host.reset = 0;
	startup_reset(v->cpu, true);
}

void backend_cpu_restart(struct cpu *cpu, const struct hf_startup *at)
{
	struct vcpu *v = cpu->vcpu;
	struct vmcb *vmcb = v->vmcb;

	restart_state(v, at);
	vmcb->state.efer |= EFER_SVME;
	/* INIT forgets that an NMI is being handled, and what CR0 shows. */
	vmcb->intercept[INTERCEPT_MISC1] &= ~MISC1_IRET;
	vmcb->intercept[INTERCEPT_CR] &= ~CR_READ(0);
	v->cr0_shown = 0;
	v->iret = v->stepping = 0;
}
