// SPDX-License-Identifier: GPL-2.0-only
#include "apic.h"
#include "host.h"

/* APM vol. 2, 16.3 and 16.5: registers by offset / 4, and the command's fields. */
#define ICR_LOW	    (0x300 / 4)
#define ICR_HIGH    (0x310 / 4)
#define ICR_NMI	    0x400u
#define ICR_ASSERT  0x4000u
#define ICR_PENDING 0x1000u
#define BASE_X2APIC BIT(10)

/* Delivery takes a few bus cycles; a stuck one must not stop us. */
#define SPINS 100000

static void wait_idle(const volatile u32 *apic)
{
	u32 spins;

	for (spins = 0; spins < SPINS && apic[ICR_LOW] & ICR_PENDING; spins++)
		asm volatile("pause");
}

void apic_nmi(u32 id)
{
	volatile u32 *apic = host_apic();
	u32 high;

	if (rdmsr(MSR_APIC_BASE) & BASE_X2APIC) {
		wrmsr(MSR_X2APIC_ICR, (u64)id << 32 | ICR_ASSERT | ICR_NMI);
		return;
	}
	/* The guest writes the destination first and the command second; we may sit in between. */
	wait_idle(apic);
	high = apic[ICR_HIGH];
	apic[ICR_HIGH] = id << 24;
	apic[ICR_LOW] = ICR_ASSERT | ICR_NMI;
	wait_idle(apic);
	apic[ICR_HIGH] = high;
}
