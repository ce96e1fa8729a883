/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NMIs that nobody sent. The hypervisor interrupts CPUs by NMIs, and one of the kernel's that comes
 * at the same moment cannot be told from them: it gives the kernel one in any case.
 */
#ifndef AGENT_NMI_H
#define AGENT_NMI_H

/*
 * From now on the kernel asks about an NMI whose source none of its drivers has found. May sleep.
 * -ENOMEM.
 */
int nmi_expect(void);
void nmi_forget(void);

#endif
