// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table registers. All eight instructions that load and store them exit together once a CPU is
 * locked (SDM vol. 3, 25.6.2, "descriptor-table exiting"). Stores are done here: of the kernel; in
 * user mode they fault, as they do wherever the processor has UMIP, and there they do not even
 * exit. That is no event: any program could fill the ring.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/guest.h>

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

static void settle(struct vcpu *v, struct x86_exit *e, int error)
{
	e->exit.kind = HF_EXIT_INSTRUCTION;
	e->settled = true;
	if (error)
		inject_fault(v);
	else
		instruction_advance(v, e);
}

/* Into memory of the guest's own, which the kernel could as well write by itself. */
static int store(const struct vcpu *v, struct gva to, const void *from, size_t size)
{
	const struct gwalk walk = instruction_paging(v->state);
	size_t done, part;
	struct gpa at;

	for (done = 0; done < size; done += part) {
		part = PAGE_SIZE - ((to.raw + done) & PAGE_MASK);
		if (part > size - done)
			part = size - done;
		if (gwalk_translate(&walk, gva(to.raw + done), &at) ||
		    guest_write(at, (const u8 *)from + done, part))
			return -HF_EFAULT;
	}
	return 0;
}

/* What the hardware says it is, the bytes only say where to. */
static const struct instruction *operand(struct vcpu *v, struct x86_exit *e)
{
	const struct instruction *i = v->state->cpl ? NULL : instruction_decode(v);

	if (i)
		e->next_rip = v->state->rip + i->length;
	return i;
}

static void on_table_store(struct vcpu *v, struct x86_exit *e, const struct segment *table)
{
	const struct table_register value = { table->limit, table->base };
	const struct instruction *i = operand(v, e);
	int error = -HF_EINVAL;

	if (i && i->memory)
		error = store(v, i->address, &value, sizeof(value));
	settle(v, e, error);
}

static void on_selector_store(struct vcpu *v, struct x86_exit *e, u16 selector)
{
	const struct instruction *i = operand(v, e);
	int error = i ? 0 : -HF_EINVAL;

	if (i && i->memory)
		error = store(v, i->address, &selector, sizeof(selector));
	else if (i)
		registers_set_gpr(v, i->gpr, selector);
	settle(v, e, error);
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
	const struct instruction *i = operand(v, e);
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
	switch (INSTRUCTION(vmcs_read(VMCS_EXIT_INSTRUCTION))) {
	case TABLE_SGDT:
		on_table_store(v, e, &v->state->gdtr);
		return;
	case TABLE_SIDT:
		on_table_store(v, e, &v->state->idtr);
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
	switch (INSTRUCTION(vmcs_read(VMCS_EXIT_INSTRUCTION))) {
	case SELECTOR_SLDT:
		on_selector_store(v, e, v->state->ldtr.selector);
		return;
	case SELECTOR_STR:
		on_selector_store(v, e, v->state->tr.selector);
		return;
	case SELECTOR_LLDT:
		settle(v, e, lldt(v, e));
		return;
	case SELECTOR_LTR:
		registers_on_tr_write(v, e);
	}
}
