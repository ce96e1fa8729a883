// SPDX-License-Identifier: GPL-2.0-only
/* Control and extended registers, and MSRs, as far as the hardware has its own way with them. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "../common/sysreg.h"
#include "probe.h"
#include "vmx.h"

#define CR0_WRITABLE 0xe005003full /* SDM vol. 3, figure 2-7; other low bits are ignored */

/* Exit qualification of control-register accesses: SDM vol. 3, table 28-3. */
#define CR_NUMBER(qualification) ((qualification)&0xf)
#define CR_ACCESS(qualification) ((qualification) >> 4 & 3)
#define CR_GPR(qualification)	 ((qualification) >> 8 & 0xf)
#define CR_LMSW(qualification)	 ((qualification) >> 16 & 0xf)

enum cr_access {
	CR_MOV_TO,
	CR_MOV_FROM,
	CR_CLTS,
	CR_LMSW
};

/* ---- control registers ---- */

/* LMSW can set PE but not clear it (SDM vol. 2). */
static u64 cr0_asked(const struct vcpu *v, u64 info)
{
	if (CR_ACCESS(info) == CR_LMSW)
		return (v->state->cr0 & ~0xeull) | CR_LMSW(info);
	return registers_gpr(v, CR_GPR(info));
}

void registers_on_cr(struct vcpu *v, struct x86_exit *e)
{
	u64 info = vmcs_read(VMCS_QUALIFICATION);

	instruction_complete_gprs(v);
	if (CR_ACCESS(info) != CR_MOV_TO && CR_ACCESS(info) != CR_LMSW)
		return;
	if (CR_NUMBER(info) == 0) {
		e->asked = cr0_asked(v, info);
		registers_on_write(e, REG_CR0, v->state->cr0, e->asked);
	} else if (CR_NUMBER(info) == 4) {
		registers_on_write(e, REG_CR4, v->state->cr4, registers_gpr(v, CR_GPR(info)));
	}
}

/* What is shown besides is so in the shadow alone: caching cannot be switched off from a guest. */
void registers_set_cr0(struct vcpu *v, u64 value, u64 shown)
{
	v->state->cr0 = (value & CR0_WRITABLE) | CR0_ET | shown;
}

void registers_set_efer(struct vcpu *v, u64 value)
{
	v->state->efer = value;
}

/* ---- others ---- */

/* A base that no processor loads, the entry would refuse: SDM vol. 3, 27.3.1.2. */
void registers_load_tr(struct vcpu *v, const struct segment *tss)
{
	if (!sysreg_canonical(tss->base))
		return;
	if (v->state->tr.selector != tss->selector || v->state->tr.base != tss->base)
		v->state->tr = *tss;
}

/*
 * The processor has looked at the privilege, and at the guest's CR4.OSXSAVE; on the value it faults
 * in our hands as well. Without the bit in ours, which the kernel had at launch, that would be an
 * undefined instruction of the hypervisor's.
 */
void registers_on_xsetbv(struct vcpu *v, struct x86_exit *e)
{
	u64 value = (u32)v->state->rax | v->gprs->r[GPR_RDX] << 32;

	e->exit.kind = HF_EXIT_INSTRUCTION;
	e->settled = true;
	if (!(v->cr4 & CR4_OSXSAVE) || xcr_write(v->gprs->r[GPR_RCX], value))
		inject_fault(v);
	else
		instruction_advance(v, e);
}

/* ---- model-specific registers ---- */

/* Where the control structure has the guest's value of an MSR; 0: the processor has it. */
static u32 field_of(u32 msr)
{
	switch (msr) {
	case MSR_PAT:
		return VMCS_GUEST_PAT;
	case MSR_DEBUGCTL:
		return VMCS_GUEST_DEBUGCTL;
	case MSR_SYSENTER_CS:
		return VMCS_GUEST_SYSENTER_CS;
	case MSR_SYSENTER_ESP:
		return VMCS_GUEST_SYSENTER_ESP;
	case MSR_SYSENTER_EIP:
		return VMCS_GUEST_SYSENTER_EIP;
	case MSR_EFER:
		return VMCS_GUEST_EFER;
	case MSR_FS_BASE:
		return VMCS_BASE_OF(VMCS_GUEST_FS);
	case MSR_GS_BASE:
		return VMCS_BASE_OF(VMCS_GUEST_GS);
	}
	return 0;
}

/* What is seen is a CPU where firmware disabled virtualization. */
int registers_guest_msr(const struct vcpu *v, u32 msr, u64 *value)
{
	u32 field = field_of(msr);

	(void)v;
	if (field) {
		*value = vmcs_read(field);
		return 0;
	}
	if (msr == MSR_MICROCODE) { /* cannot be read */
		*value = 0;
		return 0;
	}
	if (msr_read(msr, value))
		return -HF_EINVAL;
	if (msr == MSR_FEATURE_CTL)
		*value &= ~(FEATURE_CTL_VMX | FEATURE_CTL_SMX);
	return 0;
}

int registers_set_msr(struct vcpu *v, u32 msr, u64 value)
{
	u32 field = field_of(msr);

	(void)v;
	if (!field)
		return msr_write(msr, value);
	/* Of other bits only the processor knows which it has: the entry refuses the rest. */
	if (msr == MSR_DEBUGCTL && (value & ~(vmcs_read(field) | DEBUGCTL_BTF)))
		return -HF_EINVAL;
	vmcs_write(field, value);
	return 0;
}
