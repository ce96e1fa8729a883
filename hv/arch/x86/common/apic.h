/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC, as far as the hypervisor uses it: one NMI to another CPU. */
#ifndef X86_APIC_H
#define X86_APIC_H

#include <hv/types.h>

/* Send an NMI to the CPU with APIC id @id. The guest's own half-written command survives. */
void apic_nmi(u32 id);

#endif
