/* SPDX-License-Identifier: GPL-2.0-only */
/* What of exits is this backend's own (common/exit.h). Own CPU throughout. */
#pragma once

#include "../common/exit.h"
#include "vcpu.h"

/*
 * The instruction after one of @length bytes whose operands need no decoding. Where the CPU does
 * not say, it is taken to be as short as compilers make it: redundant prefixes would lead the guest
 * astray in its own code, and nobody else.
 */
static inline u64 instruction_after(const struct vmcb *vmcb, u64 length)
{
	return platform.features & HF_FEATURE_NEXT_RIP ? vmcb->next_rip
						       : vmcb->state.rip + length;
}

/* ---- registers.c: control registers ---- */

void registers_on_cr_write(struct vcpu *v, struct x86_exit *e, u8 cr);
void registers_on_cr0_read(struct vcpu *v, struct x86_exit *e);
/* SLDT, or STR. */
void registers_on_selector_read(struct vcpu *v, struct x86_exit *e, bool tr);

/* ---- restart.c: INIT, and what comes of it ---- */

/* INIT, as such or as an exception. */
void restart_on_init(struct vcpu *v, struct x86_exit *e);
/* After the hypervisor was open for an NMI: INIT may have come in instead. */
void restart_after_window(struct vcpu *v);

/* ---- inject.c: NMIs ---- */

/* An intercepted NMI; the IRET that ends the guest's handling of one. */
void inject_on_nmi(struct vcpu *v, struct x86_exit *e);
void inject_on_iret(struct vcpu *v, struct x86_exit *e);
/* A trap. True: it was the end of that IRET. */
bool inject_on_trap(struct vcpu *v, struct x86_exit *e);
