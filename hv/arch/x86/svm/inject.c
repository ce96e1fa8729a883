// SPDX-License-Identifier: GPL-2.0-only
/* What is delivered to the guest when it goes on: faults, what an exit interrupted, NMIs. */
#include <hv/cpu.h>

#include "exit.h"

void inject_event(struct vcpu *v, u64 event)
{
	v->vmcb->event_inject = event | EVENT_VALID;
}

/*
 * A protection fault while another exception was being delivered becomes a double fault, as in
 * hardware (APM vol. 2, 8.2.9), or a kernel whose tables are gone would fault here for ever.
 * False: a fault in the delivery of a double fault, the guest is finished.
 */
bool inject_fault(struct vcpu *v)
{
	u64 interrupted = v->vmcb->exit_interrupt;
	u64 vector = interrupted & EVENT_VECTOR;

	if ((interrupted & EVENT_VALID) && (interrupted & EVENT_TYPE) == EVENT_EXCEPTION) {
		if (vector == VECTOR_DF)
			return false;
		if (vector == 0 || (vector >= 10 && vector <= VECTOR_PF)) {
			inject_event(v, VECTOR_DF | EVENT_EXCEPTION | EVENT_ERROR);
			return true;
		}
	}
	inject_event(v, VECTOR_GP | EVENT_EXCEPTION | EVENT_ERROR);
	return true;
}

/*
 * What the exit interrupted in delivery must be delivered still. The type is corrected for
 * emulators that call everything an exception: interrupts have vectors from 32 on.
 */
void inject_again(struct vcpu *v)
{
	u64 event = v->vmcb->exit_interrupt, vector = event & EVENT_VECTOR;

	if (!(event & EVENT_VALID) || (v->vmcb->event_inject & EVENT_VALID))
		return;
	/* A software interrupt comes again with its instruction. */
	if ((event & EVENT_TYPE) == EVENT_SOFTWARE)
		return;
	if ((event & EVENT_TYPE) == EVENT_EXCEPTION && vector >= 32)
		event &= ~EVENT_TYPE;
	if (vector == VECTOR_NMI)
		event = (event & ~EVENT_TYPE) | EVENT_NMI;
	if (!(event & EVENT_ERROR))
		event = (u32)event;
	v->vmcb->event_inject = event;
}

/*
 * An intercepted NMI stays pending: it is taken here, for one instruction, by a handler that only
 * returns (APM vol. 2, 15.21.2). Whether it was a kick is known by the flag its sender set.
 */
void inject_on_nmi(struct vcpu *v, struct svm_exit *e)
{
	asm volatile("stgi; nop; clgi" : : : "memory");
	e->exit.kind = __atomic_exchange_n(&v->cpu->kicked, 0, __ATOMIC_ACQ_REL) ? HF_EXIT_KICK
										 : HF_EXIT_NMI;
}
