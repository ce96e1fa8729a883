// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/cpu.h>

#include "apic.h"
#include "host.h"

/* The command's fields: APM vol. 2, 16.5. */
#define ICR_MODE(low)	   ((low) >> 8 & 7) /* also of local vectors, 16.4 */
#define ICR_LOGICAL	   0x800u
#define ICR_PENDING	   0x1000u
#define ICR_ASSERT	   0x4000u
#define ICR_LEVEL	   0x8000u
#define ICR_SHORTHAND(low) ((low) >> 18 & 3)
#define BASE_X2APIC	   BIT(10)

enum mode {
	MODE_FIXED,
	MODE_LOWEST,
	MODE_SMI,
	MODE_NMI = 4,
	MODE_INIT,
	MODE_STARTUP,
	MODE_EXTERNAL
};

enum shorthand {
	SHORTHAND_NONE,
	SHORTHAND_SELF,
	SHORTHAND_ALL,
	SHORTHAND_OTHERS
};

/* Delivery takes a few bus cycles; a stuck one must not stop us. */
#define SPINS 100000

static bool x2apic(void)
{
	return rdmsr(MSR_APIC_BASE) & BASE_X2APIC;
}

static volatile u32 *reg(u32 offset)
{
	return host_apic() + offset / sizeof(u32);
}

static void wait_idle(void)
{
	u32 spins;

	for (spins = 0; spins < SPINS && *reg(APIC_ICR_LOW) & ICR_PENDING; spins++)
		asm volatile("pause");
}

void apic_nmi(u32 id)
{
	const u32 command = ICR_ASSERT | MODE_NMI << 8;
	u32 high;

	if (x2apic()) {
		wrmsr(MSR_X2APIC_ICR, (u64)id << 32 | command);
		return;
	}
	/* The guest writes the destination first and the command second; we may sit in between. */
	wait_idle();
	high = *reg(APIC_ICR_HIGH);
	*reg(APIC_ICR_HIGH) = id << 24;
	*reg(APIC_ICR_LOW) = command;
	wait_idle();
	*reg(APIC_ICR_HIGH) = high;
}

void backend_kick(struct cpu *cpu)
{
	apic_nmi(cpu->id);
}

struct apic_name apic_name(void)
{
	if (x2apic())
		return (struct apic_name){ rdmsr(MSR_X2APIC_ID), rdmsr(MSR_X2APIC_LDR), 0,
					   true };
	return (struct apic_name){ *reg(APIC_ID) >> 24, *reg(APIC_LDR), *reg(APIC_DFR), false };
}

u32 apic_destination(void)
{
	return *reg(APIC_ICR_HIGH) >> 24;
}

void apic_write(u32 offset, u32 value)
{
	*reg(offset) = value;
}

/* ---- what a write asks for ---- */

static u8 command_request(u32 low)
{
	switch (ICR_MODE(low)) {
	case MODE_FIXED:
	case MODE_LOWEST:
		return DEVICE_STORE;
	case MODE_NMI:
		return DEVICE_NMI;
	case MODE_INIT:
		/* De-asserting ended an INIT on processors of old. */
		return (low & (ICR_LEVEL | ICR_ASSERT)) == ICR_LEVEL ? DEVICE_NOTHING
								     : DEVICE_RESET;
	case MODE_STARTUP:
		return DEVICE_START;
	default:
		return DEVICE_OTHER;
	}
}

static u8 vector_request(u32 value)
{
	u32 mode = ICR_MODE(value);

	return mode == MODE_FIXED || mode == MODE_NMI || mode == MODE_EXTERNAL ? DEVICE_STORE
									       : DEVICE_OTHER;
}

u8 apic_request(u32 offset, u32 value, u32 id)
{
	if (offset % 16)
		return DEVICE_OTHER;
	switch (offset) {
	case APIC_ICR_LOW:
		return command_request(value);
	case 0x2f0: /* local vectors: CMCI, timer ... error, and AMD's further ones */
	case 0x320 ... 0x370:
	case 0x500 ... 0x530:
		return vector_request(value);
	case APIC_ID: /* kicks and requests are addressed by it */
		return value >> 24 == id ? DEVICE_STORE : DEVICE_OTHER;
	case 0x080: /* task priority, end of interrupt, spurious vector, error status, timer */
	case 0x0b0:
	case 0x0f0:
	case 0x280:
	case 0x380:
	case 0x3e0:
	case 0x410 ... 0x420: /* AMD's control, specific end of interrupt, interrupt enable */
	case 0x480 ... 0x4f0:
	case APIC_LDR:
	case APIC_DFR:
	case APIC_ICR_HIGH:
		return DEVICE_STORE;
	}
	return DEVICE_OTHER;
}

u32 apic_offset_of_msr(u32 msr)
{
	u32 offset = (msr - MSR_X2APIC) * 16;

	switch (msr) {
	case MSR_X2APIC_ICR:
	case MSR_X2APIC + 0x2f:
	case MSR_X2APIC + 0x32 ... MSR_X2APIC + 0x37:
	case MSR_X2APIC + 0x50 ... MSR_X2APIC + 0x53:
		return offset;
	default:
		return 0;
	}
}

/* ---- whom a command reaches ---- */

/* APM vol. 2, 16.6.1: flat, or clusters of four. */
static bool logical_reaches(u32 destination, const struct apic_name *to)
{
	u32 name = to->ldr >> 24;

	if (to->x2apic)
		return destination == ~0u || ((destination >> 16) == (to->ldr >> 16) &&
					      (destination & to->ldr & 0xffff));
	if (to->dfr >> 28 == 0xf)
		return destination & name;
	return (destination >> 4 == name >> 4 || destination >> 4 == 0xf) &&
	       (destination & name & 0xf);
}

bool apic_reaches(u32 low, u32 destination, const struct apic_name *from,
		  const struct apic_name *to)
{
	switch (ICR_SHORTHAND(low)) {
	case SHORTHAND_SELF:
		return from == to;
	case SHORTHAND_ALL:
		return true;
	case SHORTHAND_OTHERS:
		return from != to;
	}
	if (low & ICR_LOGICAL)
		return logical_reaches(destination, to);
	return destination == to->id || destination == (from->x2apic ? ~0u : 0xffu);
}
