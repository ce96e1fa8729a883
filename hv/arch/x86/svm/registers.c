// SPDX-License-Identifier: GPL-2.0-only
/* Control registers, table registers and MSRs: what the guest asks for, and doing it. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "../common/msr.h"
#include "../common/sysreg.h"
#include "exit.h"

#define LENGTH_MSR    2
#define CR0_WRITABLE  0xe005003full /* APM vol. 2, figure 3-1; other low bits are ignored */
#define ASSIST_MOV_CR BIT(63)	    /* exit_info[0], APM vol. 2, 15.8.1 */
#define VM_CR_LOOK    0x18u	    /* SVMDIS and LOCK: what the guest is told */

static u64 read_gpr(const struct vcpu *v, u8 gpr)
{
	return v->gprs->r[gpr];
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
	*value = (v->vmcb->cr0 & ~0xeull) | (source & 0xf);
	return 0;
}

static int cr_value(struct vcpu *v, u8 cr, const struct instruction *i, u64 *value)
{
	if (i->operation == OP_MOV_TO_CR && i->cr == cr) {
		*value = read_gpr(v, i->gpr);
		return 0;
	}
	if (cr == 0 && i->operation == OP_CLTS) {
		*value = v->vmcb->cr0 & ~CR0_TS;
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

	instruction_complete_gprs(v);
	if ((svm.features & HF_FEATURE_DECODE_ASSIST) && (svm.features & HF_FEATURE_NEXT_RIP) &&
	    (vmcb->exit_info[0] & ASSIST_MOV_CR)) {
		value = read_gpr(v, vmcb->exit_info[0] & 0xf);
		e->next_rip = vmcb->next_rip;
	} else {
		if (instruction_decode(v, &i) || cr_value(v, cr, &i, &value))
			return;
		e->next_rip = vmcb->rip + i.length;
	}
	register_write(e, cr == 0 ? REG_CR0 : REG_CR4, cr == 0 ? vmcb->cr0 : vmcb->cr4, value);
}

/* A change of the limit alone is reported as such; otherwise it is the base that matters. */
void registers_on_idtr_write(struct vcpu *v, struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;
	struct gwalk walk = instruction_paging(vmcb);
	struct table_register value;
	struct instruction i;

	instruction_complete_gprs(v);
	if (instruction_decode(v, &i) || i.operation != OP_LIDT ||
	    gwalk_read(&walk, i.address, &value, sizeof(value)))
		return;
	e->next_rip = vmcb->rip + i.length;
	e->limit = value.limit;
	if (value.base == vmcb->idtr.base && value.limit != vmcb->idtr.limit)
		register_write(e, REG_IDTR_LIMIT, vmcb->idtr.limit, value.limit);
	else
		register_write(e, REG_IDTR_BASE, vmcb->idtr.base, value.base);
}

void registers_on_msr(struct vcpu *v, struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;
	u32 msr = v->gprs->r[GPR_RCX];
	u32 reg = sysreg_of_msr(msr);

	e->exit.kind = HF_EXIT_MSR;
	e->next_rip = instruction_after(vmcb, LENGTH_MSR);
	e->exit.reg = (struct exit_register){
		.id = reg < REG_COUNT ? reg : msr,
		.unknown = reg == REG_COUNT,
		.old = reg < REG_COUNT ? backend_register_read(v->cpu, reg) : 0,
		.value = (u32)vmcb->rax | v->gprs->r[GPR_RDX] << 32,
	};
}

/* Write what the guest asked for. False: the processor would have faulted on the value. */
bool registers_perform(struct vcpu *v, const struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;
	u64 value = e->exit.reg.value;

	if (e->exit.reg.unknown)
		return false;
	switch (e->exit.reg.id) {
	case REG_CR0:
		if (!sysreg_valid_cr0(value, vmcb->cr4, vmcb->efer))
			return false;
		vmcb->cr0 = (value & CR0_WRITABLE) | CR0_ET;
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
		if (!sysreg_canonical(value))
			return false;
		vmcb->idtr.base = value;
		vmcb->idtr.limit = e->limit;
		return true;
	case REG_IDTR_LIMIT:
		vmcb->idtr.limit = value;
		return true;
	default:
		if (!sysreg_valid_msr(e->exit.reg.id, value))
			return false;
		wrmsr(sysreg_msr(e->exit.reg.id), value);
		return true;
	}
}

/*
 * Writes that are harmless: the kernel's emergency reboot clears VM_HSAVE_PA without asking whether
 * it was set, and the machine-check banks of newer processors lie outside the permission map.
 */
static bool msr_write_picture(struct vcpu *v, const struct svm_exit *e, u32 msr)
{
	if (msr == MSR_VM_HSAVE_PA && !e->exit.reg.value) {
		instruction_advance(v, e);
		return true;
	}
	if (msr < MSR_SMCA_FIRST || msr > MSR_SMCA_LAST)
		return false;
	if (msr_write(msr, e->exit.reg.value))
		inject_fault(v);
	else
		instruction_advance(v, e);
	return true;
}

/*
 * MSRs that show the virtualization extension: the guest sees a CPU where firmware disabled it.
 * Not matters of protection but of the picture, so they are settled here. True: done.
 */
bool registers_picture(struct vcpu *v, const struct svm_exit *e)
{
	bool write = v->vmcb->exit_info[0] & 1;
	u32 msr = v->gprs->r[GPR_RCX];
	u64 value;

	if (write)
		return msr_write_picture(v, e, msr);
	switch (msr) {
	case MSR_EFER:
		value = v->vmcb->efer & ~EFER_SVME;
		break;
	case MSR_VM_CR:
		value = rdmsr(MSR_VM_CR) | VM_CR_LOOK;
		break;
	case MSR_VM_HSAVE_PA:
		value = 0;
		break;
	default: /* in no block of the permission map, so it exits whatever it is */
		if (!msr_read(msr, &value))
			break;
		inject_fault(v);
		return true;
	}
	v->vmcb->rax = (u32)value;
	v->gprs->r[GPR_RDX] = value >> 32;
	instruction_advance(v, e);
	return true;
}
