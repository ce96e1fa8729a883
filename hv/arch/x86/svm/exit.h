/* SPDX-License-Identifier: GPL-2.0-only */
/* One exit of this backend, and who of it decodes and carries out what. Own CPU throughout. */
#ifndef SVM_EXIT_H
#define SVM_EXIT_H

#include <hv/exit.h>

#include "../common/decode.h"
#include "../common/gwalk.h"
#include "vcpu.h"

/* An exit being handled, with what only this backend needs of it. */
struct svm_exit {
	struct exit exit;
	u64 next_rip; /* 0: unknown, so the instruction cannot be left out or performed */
	bool settled; /* done already: nothing to decide */
	u64 asked;    /* of a write of CR0: all that the guest wants, whatever rules leave of it */
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
/* Where the instruction after one of @length bytes is, whose operands need no decoding. */
u64 instruction_after(const struct vmcb *vmcb, u64 length);
void instruction_advance(struct vcpu *v, const struct svm_exit *e);

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

/* ---- inject.c: what is delivered to the guest when it goes on ---- */

/* @event: vector, type and flags; the one that the next VMRUN delivers. */
void inject_event(struct vcpu *v, u64 event);
/* A protection fault. False: the guest is finished. */
bool inject_fault(struct vcpu *v);
/* What the exit interrupted in delivery must be delivered still. */
void inject_again(struct vcpu *v);
/* An intercepted NMI; the IRET that ends the guest's handling of one. */
void inject_on_nmi(struct vcpu *v, struct svm_exit *e);
void inject_on_iret(struct vcpu *v, struct svm_exit *e);
/* Deliver the NMI that waits in cpu->nmi, now or when the guest can take it. */
void inject_nmi(struct vcpu *v);

#endif
