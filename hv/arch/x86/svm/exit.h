/* SPDX-License-Identifier: GPL-2.0-only */
/* One exit of this backend, and who of it decodes and carries out what. Own CPU throughout. */
#pragma once

#include <hv/exit.h>
#include <hv/owner.h>

#include "../common/decode.h"
#include "../common/gwalk.h"
#include "vcpu.h"

/* An exit being handled, with what only this backend needs of it. */
struct svm_exit {
	struct exit exit;
	u64 next_rip; /* 0: unknown, so the instruction cannot be left out or performed */
	u32 index;    /* of the I/O APIC's register that was written */
	bool settled; /* done already: nothing to decide */
	u8 moved; /* of a store to code: bytes by which MOVS goes on, 0: another instruction */
	bool repeat; /* of it: MOVS ends a repetition */
	u64 asked; /* of a write of CR0: all that the guest wants, whatever rules leave of it */
	struct segment table; /* of LIDT, LGDT, LTR */
};

/* ---- instruction.c: the guest's instruction that exited ---- */

/* How the guest translates addresses now. */
struct gwalk instruction_paging(const struct vmcb *vmcb);
/* The two registers that are in the control block: wherever others are found by number. */
void instruction_complete_gprs(struct vcpu *v);
/* Fetch and decode at RIP. The bytes are taken once; what they say must agree with the exit, or
 * they were changed since. -EINVAL: not an instruction that is decoded, or not 64-bit code. */
int instruction_decode(struct vcpu *v, struct instruction *i);
/*
 * The instruction after one of @length bytes whose operands need no decoding. Where the CPU does
 * not say, it is taken to be as short as compilers make it: redundant prefixes would lead the guest
 * astray in its own code, and nobody else.
 */
static inline u64 instruction_after(const struct vmcb *vmcb, u64 length)
{
	return svm.features & HF_FEATURE_NEXT_RIP ? vmcb->next_rip : vmcb->rip + length;
}

/* @event: vector, type and flags; the one that the next VMRUN delivers. */
void inject_event(struct vcpu *v, u64 event);

/* A single step ends behind an instruction done for the guest as behind any other. */
static inline void instruction_advance(struct vcpu *v, const struct svm_exit *e)
{
	v->vmcb->rip = e->next_rip;
	v->vmcb->interrupt_shadow = 0;
	if (unlikely(v->vmcb->rflags & RFLAGS_TF)) {
		v->vmcb->dr6 |= DR6_BS;
		inject_event(v, VECTOR_DB | EVENT_EXCEPTION);
	}
}

/* ---- registers.c: control registers, table registers, MSRs ---- */

void registers_on_cr_write(struct vcpu *v, struct svm_exit *e, u8 cr);
void registers_on_cr0_read(struct vcpu *v, struct svm_exit *e);
/* @operation: OP_LIDT or OP_LGDT */
void registers_on_table_write(struct vcpu *v, struct svm_exit *e, enum operation operation);
void registers_on_tr_write(struct vcpu *v, struct svm_exit *e);
void registers_on_msr(struct vcpu *v, struct svm_exit *e);
/* Write what the guest asked for. False: the processor would have faulted on the value. */
bool registers_perform(struct vcpu *v, const struct svm_exit *e);

/* ---- port.c: I/O ports ---- */

/* Accesses to these ports exit, where I/O is intercepted. Before the first CPU is entered. */
void port_guard(u32 first, u32 count);
void port_on_exit(struct vcpu *v, struct svm_exit *e);
/* Leave out an access to a port of ours: nothing answers there. */
void port_skip(struct vcpu *v, const struct svm_exit *e);
/* Do for the guest what it asked for. False: that cannot be done. */
bool port_perform(struct vcpu *v, const struct svm_exit *e);

/* ---- device.c: stores to devices that are guarded ---- */

/* A write to such a device that the nested tables refused. */
void device_on_store(struct vcpu *v, struct svm_exit *e);
/* A write of an MSR. False: not of such a device. */
bool device_on_msr(struct vcpu *v, struct svm_exit *e);
/* Make the store. False: the processor would have faulted on the value. */
bool device_perform(struct vcpu *v, const struct svm_exit *e);

/* ---- store.c: stores to sealed code ---- */

/* A write that the nested tables refused: what it stores, if @page is one of sealed code. */
void store_on_write(struct vcpu *v, struct svm_exit *e, struct page page);
/* The core has made the store: end the instruction but for what comes after each. */
void store_complete(struct vcpu *v, const struct svm_exit *e);

/* ---- restart.c: INIT, and what comes of it ---- */

/* INIT, as such or as an exception. */
void restart_on_init(struct vcpu *v, struct svm_exit *e);
/* After the hypervisor was open for an NMI: INIT may have come in instead. */
void restart_after_window(struct vcpu *v);

/* ---- inject.c: what is delivered to the guest when it goes on ---- */

/* A protection fault. False: the guest is finished. */
bool inject_fault(struct vcpu *v);
/* What the exit interrupted in delivery must be delivered still. */
void inject_again(struct vcpu *v);
/* An intercepted NMI; the IRET that ends the guest's handling of one. */
void inject_on_nmi(struct vcpu *v, struct svm_exit *e);
void inject_on_iret(struct vcpu *v, struct svm_exit *e);
/* Deliver the NMI that waits (CPU_NMI), now or when the guest can take it. */
void inject_nmi(struct vcpu *v);
