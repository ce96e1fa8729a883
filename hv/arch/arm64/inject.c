// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions taken to EL1 in the guest's place: ARM D1.3.2, AArch64.TakeException. */
#include "exit.h"

/* Offsets from VBAR_EL1: ARM D1.3.1.5. */
#define VECTOR_SP0     0x000
#define VECTOR_SPX     0x200
#define VECTOR_LOWER64 0x400
#define VECTOR_LOWER32 0x600

static u64 vector_of(u64 spsr)
{
	if (spsr & SPSR_AARCH32)
		return VECTOR_LOWER32;
	if (!(spsr & SPSR_MODE))
		return VECTOR_LOWER64;
	return spsr & 1 ? VECTOR_SPX : VECTOR_SP0;
}

/* PSTATE at the handler: conditions stay, as do DIT, and PAN unless the kernel wants it set. */
static u64 state_of(u64 spsr, u64 sctlr)
{
	u64 state = SPSR_EL1H | SPSR_DAIF | (spsr & (SPSR_NZCV | SPSR_DIT | SPSR_PAN));

	if (!(sctlr & SCTLR_SPAN) && ID_FIELD(sysreg_read(id_aa64mmfr1_el1), MMFR1_PAN))
		state |= SPSR_PAN;
	if ((sctlr & SCTLR_DSSBS) && ID_FIELD(sysreg_read(id_aa64pfr1_el1), PFR1_SSBS))
		state |= SPSR_SSBS;
	if (ID_FIELD(sysreg_read(id_aa64pfr1_el1), PFR1_MTE) > 1)
		state |= SPSR_TCO;
	return state;
}

static void take(u64 syndrome)
{
	u64 spsr = sysreg_read(spsr_el2);

	sysreg_write(esr_el1, syndrome);
	sysreg_write(elr_el1, sysreg_read(elr_el2));
	sysreg_write(spsr_el1, spsr);
	sysreg_write(elr_el2, sysreg_read(vbar_el1) + vector_of(spsr));
	sysreg_write(spsr_el2, state_of(spsr, sysreg_read(sctlr_el1)));
}

void inject_abort(const struct el2_exit *e)
{
	bool fetch = ESR_EC(e->esr) == EC_FETCH_LOWER;
	u64 class = fetch ? EC_FETCH_SAME : EC_DATA_SAME;
	u64 iss = FSC_PERMISSION_LEVEL3;

	if (vector_of(sysreg_read(spsr_el2)) >= VECTOR_LOWER64)
		class -= EC_DATA_SAME - EC_DATA_LOWER;
	if (!fetch)
		iss |= e->esr & (ABORT_WNR | ABORT_CM);
	sysreg_write(far_el1, sysreg_read(far_el2));
	take(class << 26 | ESR_IL | iss);
}

/* Of no class: what is undefined has number 0. */
void inject_undefined(void)
{
	take(ESR_IL);
}
