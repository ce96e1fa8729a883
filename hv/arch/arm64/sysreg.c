// SPDX-License-Identifier: GPL-2.0-only
/* System registers of EL1: rules, and writes that exit once the CPU is locked. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "exit.h"

#define ALL_BITS (~0ull)

/*
 * Registers whose writes exit: our number, name, and CRn, CRm and op2 of the instruction. Behind
 * REG_RULED are those that TVM traps besides, and the guest may write as it likes.
 */
#define REGISTERS(X)                      \
	X(REG_SCTLR, sctlr_el1, 1, 0, 0)  \
	X(REG_TCR, tcr_el1, 2, 0, 2)      \
	X(REG_MAIR, mair_el1, 10, 2, 0)   \
	X(REG_TTBR1, ttbr1_el1, 2, 0, 1)  \
	X(REG_VBAR, vbar_el1, 12, 0, 0)   \
	X(REG_TTBR0, ttbr0_el1, 2, 0, 0)  \
	X(REG_AFSR0, afsr0_el1, 5, 1, 0)  \
	X(REG_AFSR1, afsr1_el1, 5, 1, 1)  \
	X(REG_ESR, esr_el1, 5, 2, 0)      \
	X(REG_FAR, far_el1, 6, 0, 0)      \
	X(REG_AMAIR, amair_el1, 10, 3, 0) \
	X(REG_CONTEXTIDR, contextidr_el1, 13, 0, 1)

#define NUMBER(number, ...) number,
enum {
	REGISTERS(NUMBER) REG_COUNT
};
#define REG_RULED REG_TTBR0

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
void backend_cpu_lock(struct cpu *cpu)
{
	(void)cpu;
	if (el2.fine_grained)
		sysreg_write(HFGWTR_EL2, (HFG_INVERTED & ~HFGW_PIR) | HFGW_SCTLR | HFGW_TCR |
						 HFGW_MAIR | HFGW_TTBR1 | HFGW_VBAR);
	else
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_TVM);
	isb();
}

u64 backend_register_read(struct cpu *cpu, u32 reg)
{
#define READ(number, name, ...) \
	case number:            \
		return sysreg_read(name);
	(void)cpu;
	switch (reg) {
		REGISTERS(READ)
	}
	return 0;
}

void sysreg_perform(const struct el2_exit *e)
{
#define WRITE(number, name, ...)                       \
	case number:                                   \
		sysreg_write(name, e->exit.reg.value); \
		break;
	switch (e->exit.reg.id) {
		REGISTERS(WRITE)
	}
}

/* ISS of a trapped MSR: ARM, ESR_EL2, "ISS encoding for an exception from MSR, MRS". */
#define ISS_READ	    BIT(0)
#define ISS_RT(iss)	    ((u32)((iss) >> 5 & 31))
#define ISS_NAME(iss)	    ((iss)&0x3ffc1e)
#define NAME(crn, crm, op2) (3ull << 20 | (op2) << 17 | (crn) << 10 | (crm) << 1)

static u32 named(u64 name)
{
#define FIND(number, unused, crn, crm, op2) \
	case NAME(crn, crm, op2):           \
		return number;
	switch (name) {
		REGISTERS(FIND)
	}
	return REG_COUNT;
}

/*
 * A CPU that was started begins with translation off, and puts its registers in order before it
 * turns it on: rules bend what it writes (enum cpu_waking), but off it stays until then. It is up
 * when it runs a process, which has a number in TTBR1_EL1.
 */
static bool is_free(struct cpu *cpu, u32 reg, u64 value)
{
	if (cpu->waking && reg == REG_TTBR1 && value >> TTBR_ASID_SHIFT)
		cpu->waking = CPU_AWAKE;
	return reg >= REG_RULED || (cpu->waking && reg == REG_SCTLR &&
				    !((value | sysreg_read(sctlr_el1)) & SCTLR_M));
}

void sysreg_on_write(struct vcpu *v, struct el2_exit *e)
{
	u64 iss = ESR_ISS(e->esr), value = exit_gpr(v, ISS_RT(iss));
	u32 reg = named(ISS_NAME(iss));

	e->next = sysreg_read(elr_el2) + 4;
	if ((iss & ISS_READ) || reg == REG_COUNT)
		return; /* nothing that is read exits */
	e->exit.kind = HF_EXIT_REGISTER;
	e->settled = is_free(v->cpu, reg, value);
	e->exit.reg = (struct exit_register){
		.id = reg,
		.old = backend_register_read(v->cpu, reg),
		.value = value,
	};
	if (e->settled)
		sysreg_perform(e);
}
