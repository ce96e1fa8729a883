// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table registers. All eight instructions that load and store them exit together once a CPU is
 * locked (SDM vol. 3, 25.6.2, "descriptor-table exiting").
 */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "../common/sysreg.h"
#include "vmx.h"

/* Instruction information: SDM vol. 3, tables 28-11 and 28-12. */
#define INSTRUCTION(info) ((info) >> 28 & 3)

enum table_instruction {
	TABLE_SGDT,
	TABLE_SIDT,
	TABLE_LGDT,
	TABLE_LIDT
};

enum selector_instruction {
	SELECTOR_SLDT,
	SELECTOR_STR,
	SELECTOR_LLDT,
	SELECTOR_LTR
};

#define LDT_TYPE	    0x2u /* in a descriptor: SDM vol. 3, table 3-2 */
#define SEGMENT_SYSTEM_TYPE 0x1fu
#define SELECTOR_IN_LDT	    BIT(2)

/*
 * With the policy off a program may store them: the control is let go for that one instruction,
 * behind which, or behind what is delivered instead of it, "monitor trap flag" stops the CPU again
 * (SDM vol. 3, 26.5.2). In user mode the loads fault by themselves.
 */
static void let_go(struct vcpu *v, bool go)
{
	struct vmx_cpu *x = v->vmx;

	x->primary = go ? x->primary | PRIMARY_STEP : x->primary & ~(u32)PRIMARY_STEP;
	x->secondary = go ? x->secondary & ~(u32)SECONDARY_TABLES
			  : x->secondary | SECONDARY_TABLES;
	vmcs_write(VMCS_PRIMARY, x->primary);
	vmcs_write(VMCS_SECONDARY, x->secondary);
}

void table_after_step(struct vcpu *v)
{
	let_go(v, false);
}

static bool step(struct vcpu *v, struct x86_exit *e)
{
	if (platform.umip || !vmx.steps || !v->state->cpl)
		return false;
	let_go(v, true);
	e->exit.kind = HF_EXIT_INSTRUCTION;
	e->settled = true;
	return true;
}

/* SDM vol. 2, LLDT. The kernel has none but for programs that ask for one. */
static int load_ldt(struct vcpu *v, u16 selector)
{
	const struct gwalk walk = instruction_paging(v->state);
	u32 offset = selector & ~7u;
	u64 descriptor[2];
	struct segment ldt = { .selector = selector };

	if (offset) {
		if ((selector & SELECTOR_IN_LDT) ||
		    offset + sizeof(descriptor) - 1 > v->state->gdtr.limit ||
		    gwalk_read(&walk, gva(v->state->gdtr.base + offset), descriptor,
			       sizeof(descriptor)))
			return -HF_EFAULT;
		ldt = segment_of(selector, descriptor[0]);
		ldt.base += descriptor[1] << 32;
		if ((ldt.attributes & SEGMENT_SYSTEM_TYPE) != LDT_TYPE ||
		    !(ldt.attributes & SEGMENT_P) || !sysreg_canonical(ldt.base))
			return -HF_EINVAL;
	}
	v->state->ldtr = ldt;
	return 0;
}

static int lldt(struct vcpu *v, struct x86_exit *e)
{
	const struct gwalk walk = instruction_paging(v->state);
	const struct instruction *i = instruction_of_kernel(v, e);
	u16 selector;

	if (!i)
		return -HF_EINVAL;
	selector = registers_gpr(v, i->gpr);
	if (i->memory && gwalk_read(&walk, i->address, &selector, sizeof(selector)))
		return -HF_EFAULT;
	return load_ldt(v, selector);
}

void table_on_exit(struct vcpu *v, struct x86_exit *e)
{
	if (step(v, e))
		return;
	switch (INSTRUCTION(vmcs_read(VMCS_EXIT_INSTRUCTION))) {
	case TABLE_SGDT:
		umip_on_table(v, e, &v->state->gdtr);
		return;
	case TABLE_SIDT:
		umip_on_table(v, e, &v->state->idtr);
		return;
	case TABLE_LGDT:
		registers_on_table_write(v, e, OP_LGDT);
		return;
	case TABLE_LIDT:
		registers_on_table_write(v, e, OP_LIDT);
	}
}

void table_on_selector(struct vcpu *v, struct x86_exit *e)
{
	if (step(v, e))
		return;
	switch (INSTRUCTION(vmcs_read(VMCS_EXIT_INSTRUCTION))) {
	case SELECTOR_SLDT:
		umip_on_word(v, e, v->state->ldtr.selector);
		return;
	case SELECTOR_STR:
		umip_on_word(v, e, v->state->tr.selector);
		return;
	case SELECTOR_LLDT:
		instruction_settle(v, e, lldt(v, e));
		return;
	case SELECTOR_LTR:
		registers_on_tr_write(v, e);
	}
}
