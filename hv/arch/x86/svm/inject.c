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
 * NMIs. All are intercepted. The guest's wait in cpu->pending (CPU_NMI): one, as in a processor.
 * Unlike one that the processor delivers, an injected NMI blocks no further ones, so that is done
 * here: while the guest handles one, and only then, IRET is intercepted (APM vol. 2, 15.9), and
 * the next goes in just before that IRET. A kernel has to bear an NMI there, for it has to bear one
 * as soon as the IRET of any exception inside its handler has ended the blocking. Linux does:
 * its handler has left its own state behind by then, and where its stack is still in use it
 * finds that by the direction flag, set for this purpose, and repeats (entry_64.S, asm_exc_nmi).
 *
 * One whose delivery was interrupted is delivered again (inject_again) with IRET intercepted still.
 */

/*
 * An intercepted NMI stays pending: it is taken here, by a handler that counts (host.h). A second
 * may have arrived since and is taken too. So many of them were kicks as were sent: none or one.
 *
 * Taken first, then the look at kicked: its sender sets it before it sends. A guest's NMI
 * that is taken while the kick is still on its way counts as the kick, and the kick as it.
 */
void inject_on_nmi(struct vcpu *v, struct svm_exit *e)
{
	u32 taken = 0, kicks;

	asm volatile("stgi; nop; clgi" : "+a"(taken) : : "memory");
	kicks = taken ? __atomic_exchange_n(&v->cpu->kicked, 0, __ATOMIC_SEQ_CST) : 0;
	e->exit.kind = taken > kicks ? HF_EXIT_NMI : HF_EXIT_KICK;
}

void inject_on_iret(struct vcpu *v, struct svm_exit *e)
{
	v->vmcb->intercept[INTERCEPT_MISC1] &= ~MISC1_IRET;
	e->exit.kind = HF_EXIT_WINDOW;
}

/* Where another event goes in first, its handler's IRET is the next occasion. */
void inject_nmi(struct vcpu *v)
{
	u32 *intercept = &v->vmcb->intercept[INTERCEPT_MISC1];
	bool can = !(*intercept & MISC1_IRET) && !(v->vmcb->event_inject & EVENT_VALID);

	*intercept |= MISC1_IRET;
	if (!can)
		return;
	__atomic_fetch_and(&v->cpu->pending, ~CPU_NMI, __ATOMIC_SEQ_CST);
	inject_event(v, VECTOR_NMI | EVENT_NMI);
}
