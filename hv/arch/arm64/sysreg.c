// SPDX-License-Identifier: GPL-2.0-only
/* System registers of EL1: rules, and writes that exit once the CPU is locked. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "exit.h"
#include "sysreg.h"

#define ALL_BITS (~0ull)

/* Linux changes it when it goes through its identity map (cpu_set_tcr_t0sz). */
#define TCR_T0SZ 0x3full
/* The ASID, which is the process's, and CnP. */
#define TTBR_ASID_SHIFT 48
#define TTBR_FREE	(0xffffull << TTBR_ASID_SHIFT | 1)

static const struct register_rule rules[] = {
	{ "SCTLR_EL1.M", REG_SCTLR, RULE_KEEP_SET, SCTLR_M },
	{ "SCTLR_EL1.WXN", REG_SCTLR, RULE_LOCKED, SCTLR_WXN },
	{ "SCTLR_EL1.SPAN", REG_SCTLR, RULE_LOCKED, SCTLR_SPAN },
	{ "SCTLR_EL1.EPAN", REG_SCTLR, RULE_LOCKED, SCTLR_EPAN },
	{ "SCTLR_EL1.EE", REG_SCTLR, RULE_LOCKED, SCTLR_EE },
	{ "SCTLR_EL1.UCI", REG_SCTLR, RULE_LOCKED, SCTLR_UCI },
	{ "TCR_EL1", REG_TCR, RULE_LOCKED, ~TCR_T0SZ },
	{ "MAIR_EL1", REG_MAIR, RULE_LOCKED, ALL_BITS },
	{ "TTBR1_EL1", REG_TTBR1, RULE_ROOT, ~TTBR_FREE },
	{ "VBAR_EL1", REG_VBAR, RULE_LOCKED,
	  ALL_BITS }, /* last: not where TVM is all there is */
};

const struct register_rule *backend_register_rules(u32 *count)
{
	*count = ARRAY_SIZE(rules) - !el2.fine_grained;
	return rules;
}

/* TVM also takes TTBR0_EL1 and CONTEXTIDR_EL1, which the kernel writes at each switch. */
void sysreg_trap(void)
{
	if (el2.fine_grained)
		sysreg_write(HFGWTR_EL2, (HFG_INVERTED & ~HFGW_PIR) | HFGW_SCTLR | HFGW_TCR |
						 HFGW_MAIR | HFGW_TTBR1 | HFGW_VBAR);
	else
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_TVM);
	isb();
}

u64 backend_register_read(struct cpu *cpu, u32 reg)
{
	(void)cpu;
	switch (reg) {
	case REG_SCTLR:
		return sysreg_read(sctlr_el1);
	case REG_TCR:
		return sysreg_read(tcr_el1);
	case REG_MAIR:
		return sysreg_read(mair_el1);
	case REG_TTBR1:
		return sysreg_read(ttbr1_el1);
	default:
		return sysreg_read(vbar_el1);
	}
}

/* ISS of a trapped MSR: ARM, ESR_EL2, "ISS encoding for an exception from MSR, MRS". */
#define ISS_READ      BIT(0)
#define ISS_RT(iss)   ((u32)((iss) >> 5 & 31))
#define ISS_NAME(iss) ((iss)&0x3ffc1e)
#define NAME(op1, crn, crm, op2) \
	(3ull << 20 | (u64)(op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)

#define NAME_SCTLR	NAME(0, 1, 0, 0)
#define NAME_TTBR0	NAME(0, 2, 0, 0)
#define NAME_TTBR1	NAME(0, 2, 0, 1)
#define NAME_TCR	NAME(0, 2, 0, 2)
#define NAME_AFSR0	NAME(0, 5, 1, 0)
#define NAME_AFSR1	NAME(0, 5, 1, 1)
#define NAME_ESR	NAME(0, 5, 2, 0)
#define NAME_FAR	NAME(0, 6, 0, 0)
#define NAME_MAIR	NAME(0, 10, 2, 0)
#define NAME_AMAIR	NAME(0, 10, 3, 0)
#define NAME_VBAR	NAME(0, 12, 0, 0)
#define NAME_CONTEXTIDR NAME(0, 13, 0, 1)

/* What TVM traps besides, and the guest may write as it likes. False: it is none of these. */
static bool write_free(u64 name, u64 value)
{
	switch (name) {
	case NAME_TTBR0:
		sysreg_write(ttbr0_el1, value);
		break;
	case NAME_CONTEXTIDR:
		sysreg_write(contextidr_el1, value);
		break;
	case NAME_ESR:
		sysreg_write(esr_el1, value);
		break;
	case NAME_FAR:
		sysreg_write(far_el1, value);
		break;
	case NAME_AFSR0:
		sysreg_write(afsr0_el1, value);
		break;
	case NAME_AFSR1:
		sysreg_write(afsr1_el1, value);
		break;
	case NAME_AMAIR:
		sysreg_write(amair_el1, value);
		break;
	default:
		return false;
	}
	return true;
}

static u32 ruled(u64 name)
{
	switch (name) {
	case NAME_SCTLR:
		return REG_SCTLR;
	case NAME_TCR:
		return REG_TCR;
	case NAME_MAIR:
		return REG_MAIR;
	case NAME_TTBR1:
		return REG_TTBR1;
	case NAME_VBAR:
		return REG_VBAR;
	}
	return REG_COUNT;
}

/*
 * A CPU that was started begins with translation off, and puts its registers in order before it
 * turns it on: rules bend what it writes (enum cpu_waking), but off it stays until then. It is up
 * when it runs a process, which has a number in TTBR1_EL1.
 */
static bool write_waking(struct cpu *cpu, u32 reg, u64 value)
{
	if (reg == REG_TTBR1 && value >> TTBR_ASID_SHIFT)
		cpu->waking = CPU_AWAKE;
	if (reg != REG_SCTLR || ((value | sysreg_read(sctlr_el1)) & SCTLR_M))
		return false;
	sysreg_write(sctlr_el1, value);
	return true;
}

void sysreg_on_write(struct vcpu *v, struct el2_exit *e)
{
	u64 iss = ESR_ISS(e->esr), value = exit_gpr(v, ISS_RT(iss));
	u32 reg = ruled(ISS_NAME(iss));

	e->next = sysreg_read(elr_el2) + 4;
	if (iss & ISS_READ)
		return; /* nothing that is read exits */
	if ((v->cpu->waking && write_waking(v->cpu, reg, value)) ||
	    write_free(ISS_NAME(iss), value)) {
		e->exit.kind = HF_EXIT_REGISTER;
		e->settled = true;
		sysreg_write(elr_el2, e->next);
	} else if (reg != REG_COUNT) {
		e->exit.kind = HF_EXIT_REGISTER;
		e->exit.reg = (struct exit_register){
			.id = reg,
			.old = backend_register_read(v->cpu, reg),
			.value = value,
		};
	}
}

void sysreg_perform(const struct el2_exit *e)
{
	u64 value = e->exit.reg.value;

	switch (e->exit.reg.id) {
	case REG_SCTLR:
		sysreg_write(sctlr_el1, value);
		break;
	case REG_TCR:
		sysreg_write(tcr_el1, value);
		break;
	case REG_MAIR:
		sysreg_write(mair_el1, value);
		break;
	case REG_TTBR1:
		sysreg_write(ttbr1_el1, value);
		break;
	case REG_VBAR:
		sysreg_write(vbar_el1, value);
		break;
	}
}
