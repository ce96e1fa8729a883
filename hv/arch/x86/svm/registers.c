// SPDX-License-Identifier: GPL-2.0-only
/* Control registers, table registers and MSRs: what the guest asks for, and doing it. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "../common/msrs.h"
#include "../common/sysreg.h"
#include "exit.h"

#define LENGTH_MSR    2
#define CR0_WRITABLE  0xe005003full /* APM vol. 2, figure 3-1; other low bits are ignored */
#define ASSIST_MOV_CR BIT(63)	    /* exit_info[0], APM vol. 2, 15.8.1 */
#define VM_CR_LOOK    0x18u	    /* SVMDIS and LOCK: what the guest is told */
#define MSR_WRITE     BIT(0)	    /* exit_info[0], APM vol. 2, 15.11 */
#define GATE_SIZE     16u
#define TSS_AVAILABLE 0x9u /* type in a descriptor, APM vol. 2, table 4-6 */
#define SEGMENT_TYPE  0x1fu
#define SELECTOR_LDT  BIT(2)

static u64 read_gpr(const struct vcpu *v, u8 gpr)
{
	return v->gprs->r[gpr];
}

static void write_gpr(struct vcpu *v, u8 gpr, u64 value)
{
	if (gpr == GPR_RAX)
		v->vmcb->rax = value;
	else if (gpr == GPR_RSP)
		v->vmcb->rsp = value;
	else
		v->gprs->r[gpr] = value;
}

/* ---- control registers ---- */

static u64 guest_cr0(const struct vcpu *v)
{
	return v->vmcb->cr0 | v->cr0_shown;
}

/* Reads of CR0 exit only while it is not what the guest has made it. */
static void show_in_cr0(struct vcpu *v, u64 bits)
{
	u32 *intercept = &v->vmcb->intercept[INTERCEPT_CR];

	v->cr0_shown = bits;
	*intercept = bits ? *intercept | CR_READ(0) : *intercept & ~CR_READ(0);
}

/* Operand of MOV with a control register where the CPU hands it over. */
static bool assisted(const struct vcpu *v, struct svm_exit *e, u8 *gpr)
{
	const u32 need = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP;

	if ((svm.features & need) != need || !(v->vmcb->exit_info[0] & ASSIST_MOV_CR))
		return false;
	*gpr = v->vmcb->exit_info[0] & 0xf;
	e->next_rip = v->vmcb->next_rip;
	return true;
}

static void register_write(struct svm_exit *e, u32 reg, u64 old, u64 value)
{
	e->exit.kind = HF_EXIT_REGISTER;
	e->exit.reg = (struct exit_register){ .id = reg, .old = old, .value = value };
}

/* LMSW: the low four bits of CR0; it can set PE but not clear it (APM vol. 3). */
static int lmsw_value(struct vcpu *v, const struct instruction *i, u64 *value)
{
	struct gwalk walk = instruction_paging(v->vmcb);
	u16 source = read_gpr(v, i->gpr);

	if (i->memory && gwalk_read(&walk, i->address, &source, sizeof(source)))
		return -HF_EFAULT;
	*value = (guest_cr0(v) & ~0xeull) | (source & 0xf);
	return 0;
}

static int cr_value(struct vcpu *v, u8 cr, const struct instruction *i, u64 *value)
{
	if (i->operation == OP_MOV_TO_CR && i->cr == cr) {
		*value = read_gpr(v, i->gpr);
		return 0;
	}
	if (cr == 0 && i->operation == OP_CLTS) {
		*value = guest_cr0(v) & ~CR0_TS;
		return 0;
	}
	if (cr == 0 && i->operation == OP_LMSW)
		return lmsw_value(v, i, value);
	return -HF_EINVAL;
}

void registers_on_cr_write(struct vcpu *v, struct svm_exit *e, u8 cr)
{
	struct vmcb *vmcb = v->vmcb;
	struct instruction i;
	u64 value;
	u8 gpr;

	instruction_complete_gprs(v);
	if (assisted(v, e, &gpr)) {
		value = read_gpr(v, gpr);
	} else {
		if (instruction_decode(v, &i) || cr_value(v, cr, &i, &value))
			return;
		e->next_rip = vmcb->rip + i.length;
	}
	e->asked = value;
	register_write(e, cr == 0 ? REG_CR0 : REG_CR4, cr == 0 ? guest_cr0(v) : vmcb->cr4,
		       value);
}

/* SMSW is refused as unknown: no kernel of today uses it, least of all with caches disabled. */
void registers_on_cr0_read(struct vcpu *v, struct svm_exit *e)
{
	struct instruction i;
	u8 gpr;

	instruction_complete_gprs(v);
	if (!assisted(v, e, &gpr)) {
		if (instruction_decode(v, &i) || i.operation != OP_READ_CR || i.cr != 0)
			return;
		e->next_rip = v->vmcb->rip + i.length;
		gpr = i.gpr;
	}
	write_gpr(v, gpr, guest_cr0(v));
	instruction_advance(v, e);
	e->exit.kind = HF_EXIT_REGISTER;
	e->settled = true;
}

/* ---- table registers ---- */

/*
 * Two registers, numbered one after the other: a base, and a limit or selector. A change of the
 * second alone is reported as such; otherwise it is the base that matters.
 */
static void table_write(struct svm_exit *e, u32 reg, u64 base_now, u64 second_now, u64 second)
{
	if (e->table.base == base_now && second != second_now)
		register_write(e, reg + 1, second_now, second);
	else
		register_write(e, reg, base_now, e->table.base);
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

void registers_on_table_write(struct vcpu *v, struct svm_exit *e, enum operation operation)
{
	struct vmcb *vmcb = v->vmcb;
	bool idt = operation == OP_LIDT;
	const struct segment *now = idt ? &vmcb->idtr : &vmcb->gdtr;
	struct gwalk walk = instruction_paging(vmcb);
	struct table_register value;
	struct instruction i;

	instruction_complete_gprs(v);
	if (instruction_decode(v, &i) || i.operation != operation ||
	    gwalk_read(&walk, i.address, &value, sizeof(value)))
		return;
	e->next_rip = vmcb->rip + i.length;
	e->table = (struct segment){ .limit = value.limit, .base = value.base };
	table_write(e, idt ? REG_IDTR_BASE : REG_GDTR_BASE, now->base, now->limit, value.limit);
	e->exit.reg.fatal = idt && value.limit < GATE_SIZE - 1;
	if (v->cpu->waking)
		go_on_waking(v->cpu, &e->table, idt);
}

/* What LTR would load: APM vol. 2, 4.8.3, 12.2.2. */
static int read_tss(const struct vmcb *vmcb, u16 selector, struct segment *tss)
{
	struct gwalk walk = instruction_paging(vmcb);
	u32 offset = selector & ~7u;
	u64 descriptor[2];

	if (!offset || (selector & SELECTOR_LDT) ||
	    offset + sizeof(descriptor) - 1 > vmcb->gdtr.limit ||
	    gwalk_read(&walk, gva(vmcb->gdtr.base + offset), descriptor, sizeof(descriptor)))
		return -HF_EFAULT;
	*tss = segment_of(selector, descriptor[0]);
	tss->base |= descriptor[1] << 32;
	if ((tss->attributes & SEGMENT_TYPE) != TSS_AVAILABLE || !(tss->attributes & SEGMENT_P))
		return -HF_EINVAL;
	tss->attributes |= SEGMENT_BUSY;
	return 0;
}

void registers_on_tr_write(struct vcpu *v, struct svm_exit *e)
{
	struct gwalk walk = instruction_paging(v->vmcb);
	struct instruction i;
	u16 selector;

	instruction_complete_gprs(v);
	if (instruction_decode(v, &i) || i.operation != OP_LTR)
		return;
	selector = read_gpr(v, i.gpr);
	if (i.memory && gwalk_read(&walk, i.address, &selector, sizeof(selector)))
		return;
	if (read_tss(v->vmcb, selector, &e->table))
		return;
	e->next_rip = v->vmcb->rip + i.length;
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

/* What is loaded already stays as it is, and the guest's memory with the mark "busy" in it too. */
static void load_tr(struct vcpu *v, const struct segment *tss)
{
	vmsave(v->vmcb_pa);
	if (v->vmcb->tr.selector == tss->selector && v->vmcb->tr.base == tss->base)
		return;
	v->vmcb->tr = *tss;
	vmload(v->vmcb_pa);
}

/* ---- model-specific registers ---- */

/*
 * An MSR as the guest sees it now: a CPU where firmware disabled virtualization. -EINVAL: there is
 * no such MSR.
 */
static int guest_msr(const struct vcpu *v, u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_EFER:
		*value = v->vmcb->efer & ~EFER_SVME;
		return 0;
	case MSR_VM_CR:
		*value = rdmsr(MSR_VM_CR) | VM_CR_LOOK;
		return 0;
	case MSR_VM_HSAVE_PA:
	case MSR_PATCH_LOADER: /* cannot be read */
		*value = 0;
		return 0;
	case MSR_PAT:
		*value = v->vmcb->pat;
		return 0;
	case MSR_S_CET:
		if (msr_read(msr, value))
			return -HF_EINVAL;
		*value = v->vmcb->s_cet;
		return 0;
	}
	return msr_read(msr, value);
}

/* Done without a decision: the instruction took effect, or the processor would have faulted. */
static void settle_msr(struct vcpu *v, struct svm_exit *e, int error)
{
	if (error)
		inject_fault(v);
	else
		instruction_advance(v, e);
	e->settled = true;
}

static void on_rdmsr(struct vcpu *v, struct svm_exit *e, u32 msr)
{
	u64 value;
	int error = guest_msr(v, msr, &value);

	if (!error) {
		v->vmcb->rax = (u32)value;
		v->gprs->r[GPR_RDX] = value >> 32;
	}
	settle_msr(v, e, error);
}

static void on_wrmsr(struct vcpu *v, struct svm_exit *e, u32 msr)
{
	u64 value = (u32)v->vmcb->rax | v->gprs->r[GPR_RDX] << 32, old;
	u32 reg = msrs_register(msr);

	/* In no block of the permission map, or it would not be here. */
	if (msrs_free(msr)) {
		settle_msr(v, e, msr_write(msr, value));
		return;
	}
	if (guest_msr(v, msr, &old)) {
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

void registers_on_msr(struct vcpu *v, struct svm_exit *e)
{
	u32 msr = v->gprs->r[GPR_RCX];

	e->exit.kind = HF_EXIT_MSR;
	e->next_rip = instruction_after(v->vmcb, LENGTH_MSR);
	if (v->vmcb->exit_info[0] & MSR_WRITE)
		on_wrmsr(v, e, msr);
	else
		on_rdmsr(v, e, msr);
}

/* ---- carrying out ---- */

bool registers_perform(struct vcpu *v, const struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;
	u64 value = e->exit.reg.value;

	if (e->exit.reg.unknown)
		return !msr_write(e->exit.reg.hardware, value);
	switch (e->exit.reg.id) {
	case REG_CR0:
		if (!sysreg_valid_cr0(value, vmcb->cr4, vmcb->efer))
			return false;
		vmcb->cr0 = (value & CR0_WRITABLE) | CR0_ET;
		show_in_cr0(v, e->asked & ~value & CR0_CD);
		backend_flush(v->cpu);
		return true;
	case REG_CR4:
		if (!sysreg_valid_cr4(value, vmcb->cr4, vmcb->cr0, vmcb->cr3))
			return false;
		vmcb->cr4 = value;
		backend_flush(v->cpu);
		return true;
	case REG_EFER:
		if (!sysreg_valid_efer(value, vmcb->efer, vmcb->cr0))
			return false;
		/* LMA is the processor's, SVME ours. */
		vmcb->efer = (value & ~EFER_LMA) | (vmcb->efer & EFER_LMA) | EFER_SVME;
		backend_flush(v->cpu);
		return true;
	case REG_IDTR_BASE:
	case REG_IDTR_LIMIT:
		return load_table(&vmcb->idtr, &e->table);
	case REG_GDTR_BASE:
	case REG_GDTR_LIMIT:
		return load_table(&vmcb->gdtr, &e->table);
	case REG_TR_BASE:
	case REG_TR_SELECTOR:
		load_tr(v, &e->table);
		return true;
	case REG_S_CET:
		vmcb->s_cet = value;
		return true;
	}
	return sysreg_valid_msr(e->exit.reg.id, value) &&
	       !msr_write(e->exit.reg.hardware, value);
}
