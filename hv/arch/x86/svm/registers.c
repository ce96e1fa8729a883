// SPDX-License-Identifier: GPL-2.0-only
/* Control registers: what the guest asks for. What of registers is in the control block. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "../common/sysreg.h"
#include "exit.h"

#define CR0_WRITABLE  0xe005003full /* APM vol. 2, figure 3-1; other low bits are ignored */
#define ASSIST_MOV_CR BIT(63)	    /* exit_info[0], APM vol. 2, 15.8.1 */
#define VM_CR_LOOK    0x18u	    /* SVMDIS and LOCK: what the guest is told */

/* ---- control registers ---- */

static u64 guest_cr0(const struct vcpu *v)
{
	return v->vmcb->state.cr0 | v->cr0_shown;
}

/* Reads of CR0 exit only while it is not what the guest has made it, or where SMSW has to. */
static void show_in_cr0(struct vcpu *v, u64 bits)
{
	u32 *intercept = v->vmcb->intercept;
	bool look = bits || (intercept[INTERCEPT_MISC1] & MISC1_STORES);

	v->cr0_shown = bits;
	intercept[INTERCEPT_CR] = (intercept[INTERCEPT_CR] & ~CR_READ(0)) |
				  (look ? CR_READ(0) : 0);
}

/* Operand of MOV with a control register where the CPU hands it over. */
static bool assisted(const struct vcpu *v, struct x86_exit *e, u8 *gpr)
{
	const u32 need = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP;

	if ((platform.features & need) != need || !(v->vmcb->exit_info[0] & ASSIST_MOV_CR))
		return false;
	*gpr = v->vmcb->exit_info[0] & 0xf;
	e->next_rip = v->vmcb->next_rip;
	return true;
}

/* LMSW: the low four bits of CR0; it can set PE but not clear it (APM vol. 3). */
static int lmsw_value(struct vcpu *v, const struct instruction *i, u64 *value)
{
	struct gwalk walk = instruction_paging(v->state);
	u16 source = registers_gpr(v, i->gpr);

	if (i->memory && gwalk_read(&walk, i->address, &source, sizeof(source)))
		return -HF_EFAULT;
	*value = (guest_cr0(v) & ~0xeull) | (source & 0xf);
	return 0;
}

static int cr_value(struct vcpu *v, u8 cr, const struct instruction *i, u64 *value)
{
	if (i->operation == OP_MOV_TO_CR && i->cr == cr) {
		*value = registers_gpr(v, i->gpr);
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

void registers_on_cr_write(struct vcpu *v, struct x86_exit *e, u8 cr)
{
	struct vmcb *vmcb = v->vmcb;
	const struct instruction *i;
	u64 value;
	u8 gpr;

	instruction_complete_gprs(v);
	if (assisted(v, e, &gpr)) {
		value = registers_gpr(v, gpr);
	} else {
		i = instruction_decode(v);
		if (!i || cr_value(v, cr, i, &value))
			return;
		e->next_rip = vmcb->state.rip + i->length;
	}
	e->asked = value;
	registers_on_write(e, cr == 0 ? REG_CR0 : REG_CR4,
			   cr == 0 ? guest_cr0(v) : vmcb->state.cr4, value);
}

/* MOV, which a program cannot, or SMSW. */
void registers_on_cr0_read(struct vcpu *v, struct x86_exit *e)
{
	const struct instruction *i;
	u8 gpr;

	if (!assisted(v, e, &gpr)) {
		i = v->vmcb->state.cpl ? NULL : instruction_decode(v);
		if (!i || i->operation != OP_READ_CR || i->cr != 0) {
			umip_on_word(v, e, guest_cr0(v));
			return;
		}
		e->next_rip = v->vmcb->state.rip + i->length;
		gpr = i->gpr;
	}
	registers_set_gpr(v, gpr, guest_cr0(v));
	instruction_advance(v, e);
	e->exit.kind = HF_EXIT_REGISTER;
	e->settled = true;
}

void registers_set_cr0(struct vcpu *v, u64 value, u64 shown)
{
	v->vmcb->state.cr0 = (value & CR0_WRITABLE) | CR0_ET;
	show_in_cr0(v, shown);
}

/* ---- others ---- */

void registers_on_selector_read(struct vcpu *v, struct x86_exit *e, bool tr)
{
	vmsave(v->block_pa);
	umip_on_word(v, e, tr ? v->vmcb->state.tr.selector : v->vmcb->state.ldtr.selector);
}

void registers_load_tr(struct vcpu *v, const struct segment *tss)
{
	vmsave(v->block_pa);
	if (v->vmcb->state.tr.selector == tss->selector && v->vmcb->state.tr.base == tss->base)
		return;
	v->vmcb->state.tr = *tss;
	vmload(v->block_pa);
}

/* SVME is ours. */
void registers_set_efer(struct vcpu *v, u64 value)
{
	v->vmcb->state.efer = value | EFER_SVME;
}

/* What is seen is a CPU where firmware disabled virtualization. */
int registers_guest_msr(const struct vcpu *v, u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_EFER:
		*value = v->vmcb->state.efer & ~EFER_SVME;
		return 0;
	case MSR_VM_CR:
		*value = rdmsr(MSR_VM_CR) | VM_CR_LOOK;
		return 0;
	case MSR_VM_HSAVE_PA:
	case MSR_PATCH_LOADER: /* cannot be read */
		*value = 0;
		return 0;
	case MSR_PAT:
		*value = v->vmcb->state.pat;
		return 0;
	case MSR_S_CET:
		if (msr_read(msr, value))
			return -HF_EINVAL;
		*value = v->vmcb->state.s_cet;
		return 0;
	}
	return msr_read(msr, value);
}

int registers_set_msr(struct vcpu *v, u32 msr, u64 value)
{
	if (msr != MSR_S_CET)
		return msr_write(msr, value);
	v->vmcb->state.s_cet = value;
	return 0;
}
