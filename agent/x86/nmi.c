// SPDX-License-Identifier: GPL-2.0-only
#include <asm/nmi.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "nmi.h"

#define NAME "holdfast"

/*
 * Asked last (unknown_nmi_error in arch/x86/kernel/nmi.c): counters, the watchdog, requests of
 * other CPUs and the error bits of port 0x61 have had their turn by then.
 */
static int claim(unsigned int type, struct pt_regs *regs)
{
	return call_make(HF_CALL_NMI, 0, 0) > 0 ? NMI_HANDLED : NMI_DONE;
}

int nmi_expect(void)
{
	return register_nmi_handler(NMI_UNKNOWN, claim, 0, NAME);
}

void nmi_forget(void)
{
	unregister_nmi_handler(NMI_UNKNOWN, NAME);
}
