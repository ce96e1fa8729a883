// SPDX-License-Identifier: GPL-2.0-only
/* NMIs of the guest. */
#include <hv/cpu.h>

#include "exit.h"

/*
 * All are intercepted. The guest's wait in cpu->pending: one, as in a processor.
 * Unlike one that the processor delivers, an injected NMI blocks no further ones, so that is done
 * here: while the guest handles one, and only then, IRET is intercepted (APM vol. 2, 15.9), and
 * the next goes in behind that IRET, not in front of it: its delivery would write over what the
 * IRET is about to read, where that is at the very top of the stack of NMIs (Linux, entry_64.S:
 * nested_nmi_out would return to itself for ever). The exit comes in front. So where one waits
 * there the trap flag is set for the IRET, which takes its own from the stack, and the trap ends in
 * an exit: none of the guest's.
 *
 * One whose delivery was interrupted is delivered again (inject_again) with IRET intercepted still.
 */

/*
 * An intercepted NMI stays pending: it is taken here, by a handler that counts (host.h). A second
 * may have arrived since and is taken too.
 */
void inject_on_nmi(struct vcpu *v, struct x86_exit *e)
{
	u32 taken = 0;

	do {
		asm volatile("stgi; nop; clgi" : "+a"(taken) : : "memory");
	} while (taken && inject_late_kick(v));
	inject_took(v, e, taken);
}

void inject_on_iret(struct vcpu *v, struct x86_exit *e)
{
	v->vmcb->intercept[INTERCEPT_MISC1] &= ~MISC1_IRET;
	v->iret = v->vmcb->state.rip;
	e->exit.kind = HF_EXIT_WINDOW;
}

/*
 * False: the trap, or a breakpoint that was hit with it, is the guest's. Where the IRET faulted the
 * trap comes behind one instruction more, at worst as the guest's, as one of a flag it has not set.
 */
bool inject_on_trap(struct vcpu *v, struct x86_exit *e)
{
	struct state *state = v->state;
	u64 before = v->stepping;

	v->iret = v->stepping = 0;
	if (!before)
		return false;
	if (!(before & DR6_BS))
		state->dr6 &= ~DR6_BS;
	e->exit.kind = HF_EXIT_WINDOW;
	return !(state->dr6 & ~before & DR6_HITS);
}

/* The guest's own trap, if it has set the flag, is an event like others. */
static void step(struct vcpu *v)
{
	if (v->stepping || (v->state->rflags & RFLAGS_TF))
		return;
	v->stepping = v->state->dr6;
	v->state->rflags |= RFLAGS_TF;
}

/* A program's IRET reads no stack of the kernel's; nor does what else it has at that address. */
static bool at_iret(const struct vcpu *v)
{
	return v->iret && v->iret == v->state->rip && !v->state->cpl;
}

/* The IRET has faulted, or does now: the trap does not come, and the handler finds no flag. */
static void forget_iret(struct vcpu *v)
{
	if (v->stepping && at_iret(v))
		v->state->rflags &= ~RFLAGS_TF;
	v->iret = v->stepping = 0;
}

/* Where another event goes in first, its handler's IRET is the next occasion. */
void inject_nmi(struct vcpu *v)
{
	u32 *intercept = &v->vmcb->intercept[INTERCEPT_MISC1];
	bool can = !(*intercept & MISC1_IRET) && !(v->vmcb->event_inject & EVENT_VALID);

	if (can && at_iret(v)) {
		step(v);
		return;
	}
	forget_iret(v);
	*intercept |= MISC1_IRET;
	if (can)
		inject_waiting(v);
}
