// SPDX-License-Identifier: GPL-2.0-only
/* What is delivered to the guest when it goes on: faults, and what an exit interrupted. */
#include <hv/cpu.h>
#include <hv/panic.h>

#include "exit.h"

/*
 * A protection fault while another exception was being delivered becomes a double fault, as in
 * hardware (APM vol. 2, 8.2.9), or a kernel whose tables are gone would fault here for ever.
 * False: a fault in the delivery of a double fault, the guest is finished.
 */
bool inject_fault(struct vcpu *v)
{
	u64 interrupted = *v->interrupted;
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
	u64 event = *v->interrupted, vector = event & EVENT_VECTOR;

	if (!(event & EVENT_VALID) || (*v->event & EVENT_VALID))
		return;
	/* A software interrupt comes again with its instruction. */
	if ((event & EVENT_TYPE) >= EVENT_SOFTWARE)
		return;
	if ((event & EVENT_TYPE) == EVENT_EXCEPTION && vector >= 32)
		event &= ~EVENT_TYPE;
	if (vector == VECTOR_NMI)
		event = (event & ~EVENT_TYPE) | EVENT_NMI;
	if (!(event & EVENT_ERROR))
		event = (u32)event;
	*v->event = event;
}

bool inject_late_kick(struct vcpu *v)
{
	const u32 *kicked = &v->cpu->kicked;
	bool late = __atomic_load_n(kicked, __ATOMIC_SEQ_CST) == KICK_SENDING;

	while (__atomic_load_n(kicked, __ATOMIC_SEQ_CST) == KICK_SENDING)
		panic_check();
	return late;
}

/*
 * So many of those that came in were kicks as were sent: none or one. Taken first, then the look
 * at kicked: its sender sets it before it sends. Where a kick came alone it may have met one of the
 * guest's in the processor, which holds one: in doubt the guest is given one too many.
 */
void inject_took(struct vcpu *v, struct x86_exit *e, u32 taken)
{
	u32 kicks = taken && __atomic_exchange_n(&v->cpu->kicked, KICK_NONE, __ATOMIC_SEQ_CST);

	if (kicks && taken == kicks)
		__atomic_fetch_or(&v->cpu->pending, CPU_DOUBT, __ATOMIC_SEQ_CST);
	e->exit.kind = taken > kicks ? HF_EXIT_NMI : HF_EXIT_KICK;
}

/*
 * One in doubt waits until there is a handler: a kernel that starts a CPU has none in its early
 * tables, which are shorter; and when it is locked, where these are not loaded, it has not what the
 * handlers need (Linux, secondary_startup_64: GS is 0 for a while). One of the guest's own does
 * not, as in hardware.
 */
bool inject_wanted(const struct vcpu *v, u32 pending)
{
	bool handler = v->cpu->waking != CPU_WAKING &&
		       v->state->idtr.limit == GATES * GATE_SIZE - 1;

	return (pending & CPU_NMI) || ((pending & CPU_DOUBT) && handler);
}

void inject_waiting(struct vcpu *v)
{
	u32 pending =
		__atomic_fetch_and(&v->cpu->pending, ~(CPU_NMI | CPU_DOUBT), __ATOMIC_SEQ_CST);

	if ((pending & CPU_DOUBT) && v->cpu->doubts < CPU_DOUBTS_MAX)
		v->cpu->doubts++;
	inject_event(v, VECTOR_NMI | EVENT_NMI);
}
