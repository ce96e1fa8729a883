/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own world: page tables (W^X, nothing but its own memory, the local APIC and
 * a one-page window a CPU), stacks with a guard page, descriptor tables.
 */
#pragma once

#include <hv/types.h>

#include "x86.h"

/* Power of two: a CPU finds its own record at the top of the stack it runs on. */
#define HOST_STACK_SIZE 16384u

/* The kernel's own numbers of the same: between its tables and ours any mixture of both will do. */
#define HOST_CS 0x10
#define HOST_SS 0x18

/*
 * A CPU's part of it. Allocated by host_cpu_init, never freed, used by its own CPU only.
 *
 * @reset:	INIT has come while the hypervisor ran (traps_entry.S sets it)
 * @stack_top:	initial stack pointer; the 16 bytes above it hold the address of this
 * @window:	the page through which guest memory is reached, and its table entry
 */
struct host_cpu {
	u32 reset;
	u64 stack_top;
	u8 *window;
	u64 *window_pte;
	u64 gdt[4];
	struct table_register gdtr;
	struct table_register idtr;
};

/* Build the page tables of the image and all pool memory. -ENOMEM. */
int host_init(void);
int host_cpu_init(struct host_cpu *host);
/* Own CPU, on its host stack. */
struct host_cpu *host_self(void);

/* NMIs that have come while the hypervisor ran, where the vendor's run.S counts them so. */
static inline u32 *host_nmis(const struct host_cpu *host)
{
	return (u32 *)(host->stack_top + sizeof(u64));
}

/* CR3 and CR4 for the hypervisor; CR4 also tells the depth of the tables. */
u64 host_cr3(void);
u64 host_cr4(void);
/*
 * Exceptions in the hypervisor itself (traps.c). All are our own bugs and fatal, but for two: the
 * NMI, which the vendor's run.S counts (traps_nmi); and a protection fault of an access made for
 * the guest (msr_read, msr_write, xcr_write), which becomes an error code.
 */
void traps_init(void);
struct table_register traps_idtr(void);

/* The local APIC's registers, mapped uncached. */
volatile u32 *host_apic(void);
/* At launch: map a page of device registers, uncached. NULL: no memory. */
volatile u32 *host_map_device(u64 at);
/* Own CPU: one store of @width bytes, 1, 2, 4 or 8, to device memory, within a page. */
void host_store(struct gpa to, u64 value, u32 width);
