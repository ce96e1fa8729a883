// SPDX-License-Identifier: GPL-2.0-only
/* NMIs of the guest. */
#include <hv/cpu.h>

#include "vmx.h"

/*
 * All exit. The guest's wait in cpu->pending: one, as in a processor. The control
 * "virtual NMIs" has the processor itself keep account of whether the guest handles one (SDM
 * vol. 3, 25.3), and tell when it has ended ("NMI-window exiting").
 */

static void window(struct vcpu *v, bool open)
{
	u32 primary = v->vmx->primary & ~(u32)PRIMARY_NMI_WINDOW;

	v->vmx->primary = open ? primary | PRIMARY_NMI_WINDOW : primary;
	vmcs_write(VMCS_PRIMARY, v->vmx->primary);
}

void inject_on_window(struct vcpu *v, struct x86_exit *e)
{
	window(v, false);
	e->exit.kind = HF_EXIT_WINDOW;
}

void inject_nmi(struct vcpu *v)
{
	const u64 blocks = BLOCKED_BY_STI | BLOCKED_BY_MOV_SS | BLOCKED_BY_NMI;

	if ((*v->event & EVENT_VALID) || (vmcs_read(VMCS_INTERRUPTIBILITY) & blocks)) {
		window(v, true);
		return;
	}
	inject_waiting(v);
}

u32 inject_taken(struct vcpu *v)
{
	return __atomic_exchange_n(host_nmis(&v->host), 0, __ATOMIC_SEQ_CST);
}
