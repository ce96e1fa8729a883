// SPDX-License-Identifier: GPL-2.0-only
/* Table registers and MSRs: what the guest asks for; and doing that, also for control registers. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "exit.h"
#include "msrs.h"
#include "sysreg.h"

#define TSS_AVAILABLE 0x9u /* type in a descriptor, APM vol. 2, table 4-6 */
#define SEGMENT_TYPE  0x1fu
#define SELECTOR_LDT  BIT(2)

u64 registers_gpr(const struct vcpu *v, u8 gpr)
{
	return v->gprs->r[gpr];
}

void registers_set_gpr(struct vcpu *v, u8 gpr, u64 value)
{
	if (gpr == GPR_RAX)
		v->state->rax = value;
	else if (gpr == GPR_RSP)
		v->state->rsp = value;
	else
		v->gprs->r[gpr] = value;
}

void registers_on_write(struct x86_exit *e, u32 reg, u64 old, u64 value)
{
	e->exit.kind = HF_EXIT_REGISTER;
	e->exit.reg = (struct exit_register){ .id = reg, .old = old, .value = value };
}

/* ---- table registers ---- */

/*
 * Two registers, numbered one after the other: a base, and a limit or selector. A change of the
 * second alone is reported as such; otherwise it is the base that matters.
 */
static void table_write(struct x86_exit *e, u32 reg, u64 base_now, u64 second_now, u64 second)
{
	if (e->table.base == base_now && second != second_now)
		registers_on_write(e, reg + 1, second_now, second);
	else
		registers_on_write(e, reg, base_now, e->table.base);
}

/*
 * Linux loads early tables, its IDT, once more the writable GDT and last of all the GDT of
 * normal operation (cpu_init in arch/x86/kernel/cpu/common.c). What was recorded is loaded in
 * this order at the end of a bring-up, and at the end only.
 */
static void go_on_waking(struct cpu *cpu, const struct segment *table, bool idt)
{
	u32 base = idt ? REG_IDTR_BASE : REG_GDTR_BASE;

	if (table->base != cpu->recorded[base] || table->limit != cpu->recorded[base + 1])
		return;
	if (idt)
		cpu->waking = CPU_WAKING_VECTORS;
	else if (cpu->waking == CPU_WAKING_VECTORS)
		cpu->waking = CPU_AWAKE;
}

void registers_on_table_write(struct vcpu *v, struct x86_exit *e, enum operation operation)
{
	bool idt = operation == OP_LIDT;
	const struct segment *now = idt ? &v->state->idtr : &v->state->gdtr;
	struct gwalk walk = instruction_paging(v->state);
	const struct instruction *i = instruction_decode(v);
	struct table_register value;

	if (!i || i->operation != operation ||
	    gwalk_read(&walk, i->address, &value, sizeof(value)))
		return;
	e->next_rip = v->state->rip + i->length;
	e->table = (struct segment){ .limit = value.limit, .base = value.base };
	table_write(e, idt ? REG_IDTR_BASE : REG_GDTR_BASE, now->base, now->limit, value.limit);
	e->exit.reg.fatal = idt && value.limit < GATE_SIZE - 1;
	if (v->cpu->waking)
		go_on_waking(v->cpu, &e->table, idt);
}

/* What LTR would load: APM vol. 2, 4.8.3, 12.2.2. */
static int read_tss(const struct vcpu *v, u16 selector, struct segment *tss)
{
	struct gwalk walk = instruction_paging(v->state);
	u32 offset = selector & ~7u;
	u64 descriptor[2];

	if (!offset || (selector & SELECTOR_LDT) ||
	    offset + sizeof(descriptor) - 1 > v->state->gdtr.limit ||
	    gwalk_read(&walk, gva(v->state->gdtr.base + offset), descriptor,
		       sizeof(descriptor)))
		return -HF_EFAULT;
	*tss = segment_of(selector, descriptor[0]);
	tss->base |= descriptor[1] << 32;
	if ((tss->attributes & SEGMENT_TYPE) != TSS_AVAILABLE || !(tss->attributes & SEGMENT_P))
		return -HF_EINVAL;
	tss->attributes |= SEGMENT_BUSY;
	return 0;
}

void registers_on_tr_write(struct vcpu *v, struct x86_exit *e)
{
	struct gwalk walk = instruction_paging(v->state);
	const struct instruction *i = instruction_decode(v);
	u16 selector;

	if (!i || i->operation != OP_LTR)
		return;
	selector = registers_gpr(v, i->gpr);
	if (i->memory && gwalk_read(&walk, i->address, &selector, sizeof(selector)))
		return;
	if (read_tss(v, selector, &e->table))
		return;
	e->next_rip = v->state->rip + i->length;
	table_write(e, REG_TR_BASE, backend_register_read(v->cpu, REG_TR_BASE),
		    backend_register_read(v->cpu, REG_TR_SELECTOR), selector);
}

static bool load_table(struct segment *table, const struct segment *value)
{
	if (!sysreg_canonical(value->base))
		return false;
	table->base = value->base;
	table->limit = value->limit;
	return true;
}

/* ---- model-specific registers ---- */

/* Done without a decision: the instruction took effect, or the processor would have faulted. */
static void settle_msr(struct vcpu *v, struct x86_exit *e, int error)
{
	if (error)
		inject_fault(v);
	else
		instruction_advance(v, e);
	e->settled = true;
}

static void on_rdmsr(struct vcpu *v, struct x86_exit *e, u32 msr)
{
	u64 value;
	int error = registers_guest_msr(v, msr, &value);

	if (!error) {
		v->state->rax = (u32)value;
		v->gprs->r[GPR_RDX] = value >> 32;
	}
	settle_msr(v, e, error);
}

static void on_wrmsr(struct vcpu *v, struct x86_exit *e, u32 msr)
{
	u64 value = (u32)v->state->rax | v->gprs->r[GPR_RDX] << 32, old;
	u32 reg = msrs_register(msr);

	/* In no block of the permission map, or it would not be here. */
	if (msrs_free(msr)) {
		settle_msr(v, e, registers_set_msr(v, msr, value));
		return;
	}
	if (registers_guest_msr(v, msr, &old)) {
		settle_msr(v, e, -HF_EINVAL);
		return;
	}
	e->exit.reg = (struct exit_register){
		.id = reg,
		.hardware = msr,
		.unknown = reg == REG_COUNT,
		.old = old,
		.value = value,
	};
}

void registers_on_msr(struct vcpu *v, struct x86_exit *e, bool write)
{
	u32 msr = v->gprs->r[GPR_RCX];

	e->exit.kind = HF_EXIT_MSR;
	if (write)
		on_wrmsr(v, e, msr);
	else
		on_rdmsr(v, e, msr);
}

/* ---- carrying out ---- */

bool registers_perform(struct vcpu *v, const struct x86_exit *e)
{
	struct state *state = v->state;
	u64 value = e->exit.reg.value;

	if (e->exit.reg.unknown)
		return !registers_set_msr(v, e->exit.reg.hardware, value);
	switch (e->exit.reg.id) {
	case REG_CR0:
		if (!sysreg_valid_cr0(value, state->cr4, state->efer))
			return false;
		registers_set_cr0(v, value, e->asked & ~value & CR0_CD);
		backend_flush(v->cpu);
		return true;
	case REG_CR4:
		if (!sysreg_valid_cr4(value, state->cr4, state->cr0, state->cr3))
			return false;
		state->cr4 = value;
		backend_flush(v->cpu);
		return true;
	case REG_EFER:
		if (!sysreg_valid_efer(value, state->efer, state->cr0))
			return false;
		/* LMA is the processor's. */
		registers_set_efer(v, (value & ~EFER_LMA) | (state->efer & EFER_LMA));
		backend_flush(v->cpu);
		return true;
	case REG_IDTR_BASE:
	case REG_IDTR_LIMIT:
		return load_table(&state->idtr, &e->table);
	case REG_GDTR_BASE:
	case REG_GDTR_LIMIT:
		return load_table(&state->gdtr, &e->table);
	case REG_TR_BASE:
	case REG_TR_SELECTOR:
		registers_load_tr(v, &e->table);
		return true;
	}
	return sysreg_valid_msr(e->exit.reg.id, value) &&
	       !registers_set_msr(v, e->exit.reg.hardware, value);
}
