/* SPDX-License-Identifier: GPL-2.0-only */
/* A CPU as the guest's. */
#pragma once

#include <hv/cpu.h>
#include <hv/types.h>

#include "arm64.h"

/* General registers of the guest, as vectors.S saves them. */
struct gprs {
	u64 x[31];
	u64 unused; /* keeps the stack aligned */
};

/* Where the guest begins on a CPU, with translation off. */
struct entry {
	u64 pc;
	u64 x0;
};

/* Allocated by backend_cpu_init; used by its own CPU only but for the fields marked [a]. */
struct vcpu {
	u64 stack_top; /* start.S reads it with the MMU off */
	struct cpu *cpu;
	u64 *root;	    /* [a] of stage 2, this CPU's own: see el2.c */
	struct entry entry; /* [a] written by who has set claimed */
	u32 claimed;	    /* [a] a start of this CPU is under way */
	bool trial;	    /* the first run, which must not get beyond one fetch */
	bool flushed;	    /* during an exit: stage 2 was forgotten */
	struct gprs *gprs;  /* during an exit */
};

/* State shared by all CPUs, set up by backend_init; constant afterwards. */
struct el2 {
	struct entry kernel; /* where the first CPU's guest begins */
	u64 vtcr;
	u32 features; /* HF_FEATURE_* */
	bool self_check;
	bool fine_grained; /* FEAT_FGT: single registers' writes can be made to exit */
};

extern struct el2 el2;

/* TPIDR_EL2 holds it from the CPU's first moments on. */
static inline struct vcpu *vcpu_self(void)
{
	return (struct vcpu *)sysreg_read(tpidr_el2);
}

/* ---- vectors.S ---- */

/* Load the general registers and go on as the guest. */
_Noreturn void vcpu_run(const struct gprs *gprs, u64 stack_top);
/* Call the firmware with X0 to X17, and have them back (SMCCC 1.2). */
void vcpu_smc(u64 *x);

/* ---- called from there, and from start.S ---- */

/* An exception of the guest's. */
void vcpu_exit(struct gprs *gprs);
/* An exception of our own. */
_Noreturn void vectors_fatal(u64 number);
/* Own CPU, on its stack: the firmware has started it for the guest. */
_Noreturn void vcpu_started(struct vcpu *v);

/* ---- vcpu.c ---- */

/* Own CPU: registers of EL2, and EL1 as after a reset. Where the guest begins is to be set. */
void vcpu_reset(struct vcpu *v);

/* ---- el2.c ---- */

/* A root of stage 2 for the CPU. -ENOMEM. */
int el2_cpu_init(struct vcpu *v);
/* VTTBR_EL2 of the CPU. */
u64 el2_vttbr(const struct vcpu *v);
/* Own CPU, no translation was found for @at: is that a kick? Then it has arrived. */
bool el2_kicked(struct vcpu *v, struct gpa at);
