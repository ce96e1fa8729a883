/* SPDX-License-Identifier: GPL-2.0-only */
/* One exit of this backend, and who of it decodes and carries out what. Own CPU throughout. */
#pragma once

#include <hv/exit.h>

#include "vcpu.h"

/*
 * An exit being handled, with what only this backend needs of it.
 *
 * @esr:	ESR_EL2
 * @next:	the instruction after it; 0: it cannot be left out or performed
 * @settled:	nothing to decide: done already, and @next is to come; or 0, to be tried again
 */
struct el2_exit {
	struct exit exit;
	u64 esr;
	u64 next;
	bool settled;
};

/* A register of the guest's as an instruction names it: 31 is zero. */
static inline u64 exit_gpr(const struct vcpu *v, u32 number)
{
	return number < 31 ? v->gprs->x[number] : 0;
}

/* ---- sysreg.c: system registers ---- */

void sysreg_on_write(struct vcpu *v, struct el2_exit *e);
void sysreg_perform(const struct el2_exit *e);

/* ---- inject.c: exceptions that the guest gets ---- */

/* An access that was refused: a permission abort, which the kernel's exception tables see. */
void inject_abort(const struct el2_exit *e);
void inject_undefined(void);
