/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU, and what all of them, are to this backend, beside what they are to both vendors'. */
#pragma once

#include <hv/views.h>

#include "../common/exit.h"
#include "../common/vcpu.h"
#include "vmcs.h"

/* Allocated by backend_cpu_init; used by its own CPU only. */
struct vmx_cpu {
	struct state state;  /* of the guest, for the length of an exit */
	struct state loaded; /* as the control structure had it: only what changes is written */
	u64 event;
	u64 interrupted;
	u64 shadow;
	u32 reason; /* of this exit */
	u32 primary;
	u32 secondary;
	bool flush; /* before the guest runs on */
};

/* Set up by backend_probe and backend_init, constant after launch. */
struct vmx {
	u32 revision; /* of control structures, as the processor names it */
	u32 pin, primary, secondary, exit, entry; /* controls */
	bool steps;				  /* has the monitor trap flag */
	u64 cr0_fixed, cr4_fixed;		  /* bits that must be set in VMX operation */
	u64 ept_pointer[VIEWS];
	u64 msr_map_pa;
	u64 msr_map_locked_pa;
	u64 io_map_pa;
	u8 *msr_map;	    /* until a CPU is locked */
	u8 *msr_map_locked; /* afterwards: also writes of what is not free (common/msrs.h) */
};

extern struct vmx vmx;

/*
 * Bits of CR0 and CR4 that are not the guest's to write: a write that changes one exits. It reads
 * them as it has written them, without an exit: SDM vol. 3, 25.6.6.
 */
#define CR0_OWNED (CR0_PE | CR0_NE | CR0_WP | CR0_NW | CR0_CD | CR0_PG)
/* VME, PVI, TSD, DE; MCE; PCE, OSFXSR, OSXMMEXCPT: nothing that is guarded depends on these. */
#define CR4_FREE  (0x74full | CR4_PSE | CR4_PGE | CR4_PCIDE | CR4_OSXSAVE)
#define CR4_OWNED (~CR4_FREE)

/* Exceptions that exit: exit.c, on_debug. */
#define EXCEPTIONS BIT(VECTOR_DB)

/* What vcpu_run returns where the processor refused to begin, beside errors. */
#define VCPU_REFUSED 1

/* Own CPU: no second-level translation of this machine's is used again. */
void vmx_flush(void);

/* run.S: where the hypervisor is entered by an exit. */
void vcpu_entry(void);
/* exit.c: an NMI has come while the hypervisor ran, called by run.S. */
int vcpu_again(struct vcpu *v, struct gprs *gprs);
/* The processor has refused to run the guest. */
_Noreturn void vcpu_refused(struct vcpu *v);

/* ---- state.c: the guest's registers between control structure and memory ---- */

void state_load(struct vcpu *v);
void state_store(struct vcpu *v);

/* ---- registers.c ---- */

void registers_on_cr(struct vcpu *v, struct x86_exit *e);
void registers_on_xsetbv(struct vcpu *v, struct x86_exit *e);

/* ---- table.c: GDTR and IDTR; LDTR and TR ---- */

void table_on_exit(struct vcpu *v, struct x86_exit *e);
void table_on_selector(struct vcpu *v, struct x86_exit *e);
/* First of an exit, where a program's instruction was let go. */
void table_after_step(struct vcpu *v);

/* ---- inject.c: NMIs ---- */

void inject_on_window(struct vcpu *v, struct x86_exit *e);
/* NMIs that have come while the hypervisor ran, since it was asked last. */
u32 inject_taken(struct vcpu *v);
