/* SPDX-License-Identifier: GPL-2.0-only */
/* One exit, and who of a backend decodes and carries out what. Own CPU throughout. */
#pragma once

#include <hv/exit.h>
#include <hv/owner.h>

#include "decode.h"
#include "gwalk.h"
#include "vcpu.h"

/* An exit being handled, with what only the backend needs of it. */
struct x86_exit {
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
struct gwalk instruction_paging(const struct state *state);
/* The two registers that are in the control block: wherever others are found by number. */
void instruction_complete_gprs(struct vcpu *v);
/* Fetch and decode at RIP. The bytes are taken once; what they say must agree with the exit, or
 * they were changed since. Until the next call; NULL: not an instruction that is decoded, or not
 * 64-bit code. */
const struct instruction *instruction_decode(struct vcpu *v);
/* The same, of the kernel's, where the hardware says what it is and the bytes only where to or
 * from. NULL: a program's, too. */
const struct instruction *instruction_of_kernel(struct vcpu *v, struct x86_exit *e);
/* It is done, or the processor would have faulted: nothing to decide. */
void instruction_settle(struct vcpu *v, struct x86_exit *e, int error);
/* A single step ends behind an instruction done for the guest as behind any other. */
static inline void instruction_advance(struct vcpu *v, const struct x86_exit *e)
{
	v->state->rip = e->next_rip;
	*v->shadow = 0;
	if (unlikely(v->state->rflags & RFLAGS_TF)) {
		v->state->dr6 |= DR6_BS;
		*v->event = VECTOR_DB | EVENT_EXCEPTION | EVENT_VALID;
	}
}

/* ---- registers.c: table registers, MSRs, and doing what the guest asked for ---- */

/* @old: as the guest sees it. */
void registers_on_write(struct x86_exit *e, u32 reg, u64 old, u64 value);
u64 registers_gpr(const struct vcpu *v, u8 gpr);
void registers_set_gpr(struct vcpu *v, u8 gpr, u64 value);
/* @operation: OP_LIDT or OP_LGDT */
void registers_on_table_write(struct vcpu *v, struct x86_exit *e, enum operation operation);
void registers_on_tr_write(struct vcpu *v, struct x86_exit *e);
/* RDMSR, WRMSR: e->next_rip is known. */
void registers_on_msr(struct vcpu *v, struct x86_exit *e, bool write);
/* Write what the guest asked for. False: the processor would have faulted on the value. */
bool registers_perform(struct vcpu *v, const struct x86_exit *e);

/* The vendor's. An MSR as the guest sees it now; -EINVAL: there is no such MSR. */
int registers_guest_msr(const struct vcpu *v, u32 msr, u64 *value);
/* To be seen there; -EINVAL: not there, or not with this value. */
int registers_set_msr(struct vcpu *v, u32 msr, u64 value);
/* Values that the processor would take. @shown: bits of CR0 that the guest is shown besides. */
void registers_set_cr0(struct vcpu *v, u64 value, u64 shown);
void registers_set_efer(struct vcpu *v, u64 value);
/* What is loaded already stays as it is, and the guest's memory with the mark "busy" in it too. */
void registers_load_tr(struct vcpu *v, const struct segment *tss);

/* ---- umip.c: stores of table registers, as UMIP has them ---- */

/* SGDT, SIDT. */
void umip_on_table(struct vcpu *v, struct x86_exit *e, const struct segment *table);
/* SLDT, STR, SMSW: memory gets 16 bits, a register all of @value. */
void umip_on_word(struct vcpu *v, struct x86_exit *e, u64 value);

/* ---- port.c: I/O ports ---- */

/* Guard the hypervisor's ports and sleep registers; platform.iopm is there. Before the first CPU is
 * entered. */
void port_init(const struct hf_boot *boot);
/* What the vendor's exit said: @port's fields but for @ours and @value. e->next_rip is known. */
void port_on_exit(struct vcpu *v, struct x86_exit *e, struct exit_port port);
/* Leave out an access to a port of ours: nothing answers there. */
void port_skip(struct vcpu *v, const struct x86_exit *e);
/* Do for the guest what it asked for. False: that cannot be done. */
bool port_perform(struct vcpu *v, const struct x86_exit *e);

/* ---- device.c: stores to devices that are guarded ---- */

/* A write to such a device that the nested tables refused. */
void device_on_store(struct vcpu *v, struct x86_exit *e, struct gpa at);
/* A write of an MSR, behind which the guest goes on at e->next_rip. False: not of such a device. */
bool device_on_msr(struct vcpu *v, struct x86_exit *e);
/* Make the store. False: the processor would have faulted on the value. */
bool device_perform(struct vcpu *v, const struct x86_exit *e);

/* ---- store.c: stores to sealed code ---- */

/* A write that the nested tables refused: what it stores, if @page is one of sealed code. */
void store_on_write(struct vcpu *v, struct x86_exit *e, struct page page);
/* The core has made the store: end the instruction but for what comes after each. */
void store_complete(struct vcpu *v, const struct x86_exit *e);

/* ---- inject.c: what is delivered to the guest when it goes on ---- */

/* @event: vector, type and flags. */
static inline void inject_event(struct vcpu *v, u64 event)
{
	*v->event = event | EVENT_VALID;
}

/* A protection fault. False: the guest is finished. */
bool inject_fault(struct vcpu *v);
/* What the exit interrupted in delivery must be delivered still. */
void inject_again(struct vcpu *v);
/* Once an NMI has been taken: waits while the kick is being sent. True: it may have come since. */
bool inject_late_kick(struct vcpu *v);
/* @taken NMIs have come in: the exit is a kick, or an NMI of the guest's. */
void inject_took(struct vcpu *v, struct x86_exit *e, u32 taken);
/* Whether the guest is to be given an NMI, by the bits of cpu->@pending. */
bool inject_wanted(const struct vcpu *v, u32 pending);
/* It is given to it now: it can take it. */
void inject_waiting(struct vcpu *v);
/* The vendor's: deliver the NMI that waits, now or when the guest can take it. */
void inject_nmi(struct vcpu *v);

/* ---- restart.c ---- */

/* The state of a CPU that has just been started; what else the vendor's part keeps it adds. */
void restart_state(struct vcpu *v, const struct hf_startup *at);

/* ---- exit.c: carrying out ---- */

/* A hypercall, whose registers have been taken. */
void exit_carry_out(struct vcpu *v, struct x86_exit *e, enum verdict verdict);
/* INVD, done as WBINVD. */
void exit_on_invd(struct vcpu *v, struct x86_exit *e);
/* The end of the trial: the guest goes on in the kernel, or the error with which it does not. */
int exit_finish_trial(struct vcpu *v, bool refused);
/* Any exit but a hypercall: decoded, decided, carried out. */
void exit_handle(struct vcpu *v, struct x86_exit *e);
/* What waits for the CPU. Nothing that changes what the guest runs with may come after this. */
void exit_handle_pending(struct vcpu *v);

/* A call interrupts no delivery of an event: it is an instruction. e->next_rip is known. */
static inline void exit_handle_call(struct vcpu *v, struct x86_exit *e)
{
	const struct gprs *g = v->gprs;
	enum verdict what;

	e->exit.kind = HF_EXIT_CALL;
	e->exit.call.number = v->state->rax;
	e->exit.call.arg[0] = g->r[GPR_RDI];
	e->exit.call.arg[1] = g->r[GPR_RSI];
	e->exit.call.arg[2] = g->r[GPR_RDX];
	e->exit.call.arg[3] = g->r[GPR_RCX];
	what = exit_decide(v->cpu, &e->exit);
	if (likely(what == VERDICT_RESULT)) {
		v->state->rax = e->exit.call.result;
		instruction_advance(v, e);
	} else {
		exit_carry_out(v, e, what);
	}
}

/* The vendor's: what the hardware says. e->exit.kind is HF_EXIT_OTHER, e->next_rip is 0. */
void exit_decode(struct vcpu *v, struct x86_exit *e);
