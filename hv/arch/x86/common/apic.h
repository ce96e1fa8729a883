/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC: one NMI to another CPU, and what a guest's writes to its registers ask for. The
 * registers go by their offsets in the page; those of x2APIC mode are MSRs in the same order.
 */
#pragma once

#include <hv/exit.h>
#include <hv/types.h>

/* APM vol. 2, 16.3 and 16.5. */
#define APIC_ID	      0x020u
#define APIC_LDR      0x0d0u
#define APIC_DFR      0x0e0u
#define APIC_ICR_LOW  0x300u
#define APIC_ICR_HIGH 0x310u

/* Where interrupts are addressed to, which the CPU itself can move within. APM vol. 2, 16.14. */
#define APIC_SPACE_START 0xfee00000ull
#define APIC_SPACE_SIZE	 0x100000ull

/* What interrupts can call a CPU. */
struct apic_name {
	u32 id;
	u32 ldr; /* as in the register */
	u32 dfr;
	bool x2apic;
};

/* Own CPU: its name now. */
struct apic_name apic_name(void);
/* Own CPU: the ICR's upper half, which says where a command goes. */
u32 apic_destination(void);
/* Own CPU: write a register of the page. */
void apic_write(u32 offset, u32 value);

/* Send an NMI to the CPU with APIC id @id. The guest's own half-written command survives. */
void apic_nmi(u32 id);

/* enum device_request: what writing @value asks for. An offset that is no register's counts as
 * other, and so does changing @id. */
u8 apic_request(u32 offset, u32 value, u32 id);
/* Whether command @low to @destination by the CPU @from reaches the CPU @to. */
bool apic_reaches(u32 low, u32 destination, const struct apic_name *from,
		  const struct apic_name *to);
/* The register that MSR @msr is in x2APIC mode, if writing it could ask for anything; else 0. */
u32 apic_offset_of_msr(u32 msr);
