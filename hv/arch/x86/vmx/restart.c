// SPDX-License-Identifier: GPL-2.0-only
/* A CPU that is started again, in the guest's 64-bit world. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "../common/sysreg.h"
#include "vmx.h"

void backend_cpu_restart(struct cpu *cpu, const struct hf_startup *at)
{
	struct vcpu *v = cpu->vcpu;

	/* Not every exit has loaded it, and what does not differ is not stored. */
	state_load(v);
	restart_state(v, at);
	/*
	 * INIT forgets what blocks interrupts, NMIs and single steps. And it wakes up: of a CPU
	 * that was halted an exit notes just that, and Linux halts those it takes down.
	 */
	vmcs_write(VMCS_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_ACTIVITY, 0);
	vmcs_write(VMCS_PENDING_DEBUG, 0);
	vmcs_write(VMCS_ENTRY_EVENT, 0);
	state_store(v);
}
