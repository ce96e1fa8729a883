// SPDX-License-Identifier: GPL-2.0-only
/* Making a CPU a guest, and guarding it at lock. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/launch.h>
#include <hv/pool.h>

#include "../common/sysreg.h"
#include "../common/tables.h"
#include "vcpu.h"

#define GUEST_ASID 1 /* 0 is the host's: APM vol. 2, 15.16 */

/* A structure may not straddle pages of the pool: only single pages are physically contiguous. */
static_assert(sizeof(struct vcpu) <= 4096, "one page");

int backend_cpu_init(struct cpu *cpu)
{
	struct vcpu *v = pool_page();
	void *hsave = pool_page();

	if (!v || !hsave)
		return -HF_ENOMEM;
	v->vmcb = pool_page();
	v->vectors = pool_page();
	if (!v->vmcb || !v->vectors)
		return -HF_ENOMEM;
	v->state = &v->vmcb->state;
	v->event = &v->vmcb->event_inject;
	v->interrupted = &v->vmcb->exit_interrupt;
	v->shadow = &v->vmcb->interrupt_shadow;
	v->block_pa = pool_hpa(v->vmcb).raw;
	v->region_pa = pool_hpa(hsave).raw;
	v->cpu = cpu;
	cpu->pending = platform.self_check ? CPU_CHECK : 0;
	cpu->vcpu = v;
	return host_cpu_init(&v->host);
}

/* A segment register's hidden part, from the table it was loaded from. */
static struct segment segment(u16 selector, struct table_register gdtr)
{
	if (!(selector & ~7u))
		return (struct segment){ .selector = selector };
	return segment_of(selector, *(const u64 *)(gdtr.base + (selector & ~7u)));
}

static void save_native(struct vcpu *v)
{
	struct native *n = &v->native;

	n->cr3 = read_cr3();
	n->cr4 = read_cr4();
	n->efer = rdmsr(MSR_EFER);
	n->hsave_pa = rdmsr(MSR_VM_HSAVE_PA);
	n->dr6 = read_dr6();
	n->dr7 = read_dr7();
	n->gdtr = read_gdtr();
	n->idtr = read_idtr();
	n->cs = read_cs();
	n->ss = read_ss();
	n->ds = read_ds();
	n->es = read_es();
	v->cr3 = host_cr3();
	v->cr4 = host_cr4();
}

static void init_control(struct vmcb *vmcb)
{
	vmcb->intercept[INTERCEPT_EXCEPTION] = BIT(VECTOR_SX) | BIT(VECTOR_DB) | BIT(VECTOR_AC);
	vmcb->intercept[INTERCEPT_MISC1] = MISC1_NMI | MISC1_INVD | MISC1_INVLPGA | MISC1_IOIO |
					   MISC1_MSR | MISC1_SHUTDOWN;
	if (!svm.r_init)
		vmcb->intercept[INTERCEPT_MISC1] |= MISC1_INIT;
	vmcb->intercept[INTERCEPT_MISC2] = MISC2_VMRUN | MISC2_VMMCALL | MISC2_VMLOAD |
					   MISC2_VMSAVE | MISC2_STGI | MISC2_CLGI |
					   MISC2_SKINIT | MISC2_ICEBP;
	vmcb->iopm_pa = svm.iopm_pa;
	vmcb->msrpm_pa = svm.msrpm_pa;
	vmcb->asid = GUEST_ASID;
	vmcb->tlb_control = TLB_FLUSH_ALL;
	vmcb->nested_control = svm.nested_control;
	vmcb->nested_cr3 = svm.npt_root[VIEW_KERNEL].raw;
}

/*
 * The guest begins as the kernel's caller of the image will go on. What VMRUN does not load (FS,
 * GS, TR, LDTR, the system-call MSRs) stays in the CPU, for the hypervisor never touches it.
 */
static void init_state(struct vcpu *v)
{
	struct vmcb *vmcb = v->vmcb;
	const struct native *n = &v->native;

	vmcb->state.cs = segment(n->cs, n->gdtr);
	vmcb->state.ss = segment(n->ss, n->gdtr);
	vmcb->state.ds = segment(n->ds, n->gdtr);
	vmcb->state.es = segment(n->es, n->gdtr);
	vmcb->state.gdtr = (struct segment){ .limit = n->gdtr.limit, .base = n->gdtr.base };
	vmcb->state.idtr = (struct segment){ .limit = n->idtr.limit, .base = n->idtr.base };
	vmcb->state.efer = n->efer | EFER_SVME;
	vmcb->state.cr0 = read_cr0();
	vmcb->state.cr2 = read_cr2();
	vmcb->state.cr3 = n->cr3;
	vmcb->state.cr4 = n->cr4;
	vmcb->state.dr6 = n->dr6;
	vmcb->state.dr7 = n->dr7;
	vmcb->state.pat = rdmsr(MSR_PAT);
	if (msr_read(MSR_S_CET, &vmcb->state.s_cet))
		vmcb->state.s_cet = 0;
	vmcb->state.rflags = read_rflags();
	vmcb->state.rsp = n->rsp;
	/* The trial (exit.c): a fetch from the image, which the nested tables must refuse. */
	vmcb->state.rip = (u64)image_text;
}

int backend_cpu_enter(struct cpu *cpu)
{
	struct vcpu *v = cpu->vcpu;
	int error;

	/* A copy: the kernel's stack is out of reach from the hypervisor's world. */
	v->frame = *image_frame(cpu->index);
	v->frame_end = (u64)(image_frame(cpu->index) + 1);
	save_native(v);
	/* Others may have found what this CPU has not: firmware can disable CPUs one by one. */
	if (v->native.efer & EFER_SVME)
		return launch_arrive(cpu, -HF_EBUSY);
	wrmsr(MSR_EFER, v->native.efer | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, v->region_pa);
	if (!restart_arm(v)) {
		error = launch_arrive(cpu, -HF_ENODEV);
		goto out;
	}
	init_control(v->vmcb);
	init_state(v);
	v->trial = true;
	if (platform.self_check)
		check_enter(v);

	error = vcpu_run(v);

	write_dr6(v->native.dr6);
	write_dr7(v->native.dr7);
out:
	restart_disarm(v);
	wrmsr(MSR_VM_HSAVE_PA, v->native.hsave_pa);
	wrmsr(MSR_EFER, v->native.efer);
	return error;
}

/* What the guest flushes it flushes of one root's translations: none of the other's are kept. */
void tables_load(struct vcpu *v)
{
	v->vmcb->nested_cr3 = svm.npt_root[v->view].raw;
	backend_flush(v->cpu);
}

void backend_cpu_lock(struct cpu *cpu)
{
	struct vmcb *vmcb = cpu->vcpu->vmcb;

	if (platform.two_tables)
		tables_use(cpu->vcpu, VIEW_KERNEL);
	vmcb->intercept[INTERCEPT_CR] |= CR_WRITE(0) | CR_WRITE(4);
	vmcb->intercept[INTERCEPT_MISC1] |= MISC1_IDTR_WRITE | MISC1_GDTR_WRITE |
					    MISC1_TR_WRITE;
	vmcb->msrpm_pa = svm.msrpm_locked_pa;
	if (!platform.umip || (vmcb->state.cr4 & CR4_UMIP))
		return;
	vmcb->intercept[INTERCEPT_CR] |= CR_READ(0); /* SMSW */
	vmcb->intercept[INTERCEPT_MISC1] |= MISC1_STORES;
}

u64 backend_register_read(struct cpu *cpu, u32 reg)
{
	const struct vmcb *vmcb = cpu->vcpu->vmcb;

	if (reg == REG_TR_BASE || reg == REG_TR_SELECTOR)
		vmsave(cpu->vcpu->block_pa);
	switch (reg) {
	case REG_CR0:
		return vmcb->state.cr0;
	case REG_CR4:
		return vmcb->state.cr4;
	case REG_EFER:
		return vmcb->state.efer & ~EFER_SVME;
	case REG_IDTR_BASE:
		return vmcb->state.idtr.base;
	case REG_IDTR_LIMIT:
		return vmcb->state.idtr.limit;
	case REG_GDTR_BASE:
		return vmcb->state.gdtr.base;
	case REG_GDTR_LIMIT:
		return vmcb->state.gdtr.limit;
	case REG_TR_BASE:
		return vmcb->state.tr.base;
	case REG_TR_SELECTOR:
		return vmcb->state.tr.selector;
	case REG_S_CET:
		return vmcb->state.s_cet;
	default:
		return rdmsr(sysreg_msr(reg));
	}
}

void backend_flush(struct cpu *cpu)
{
	cpu->vcpu->vmcb->tlb_control =
		platform.features & HF_FEATURE_FLUSH_ASID ? TLB_FLUSH_ASID : TLB_FLUSH_ALL;
}
