// SPDX-License-Identifier: GPL-2.0-only
/* NMIs of the guest. */
#include <hv/cpu.h>

#include "exit.h"

/*
 * All are intercepted. The guest's wait in cpu->pending (CPU_NMI): one, as in a processor.
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
 * may have arrived since and is taken too.
 */
void inject_on_nmi(struct vcpu *v, struct x86_exit *e)
{
	u32 taken = 0;

	asm volatile("stgi; nop; clgi" : "+a"(taken) : : "memory");
	inject_took(v, e, taken);
}

void inject_on_iret(struct vcpu *v, struct x86_exit *e)
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
