// SPDX-License-Identifier: GPL-2.0-only
/* Exits: decode for the core, carry out its verdict. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/shootdown.h>
#include <hv/startup.h>

#include "../common/sysreg.h"
#include "check.h"
#include "exit.h"

#define LENGTH_VMMCALL 3
#define LENGTH_INVD    2

/* ---- decoding exits ---- */

static void on_page_fault(struct vcpu *v, struct svm_exit *e)
{
	u64 info = v->vmcb->exit_info[0];
	struct gpa at = gpa(v->vmcb->exit_info[1]);
	struct page page = owner_page(at);
	struct exit_memory *m = &e->exit.memory;

	if (page.guarded && (info & (NPF_WRITE | NPF_WALK)) == NPF_WRITE) {
		device_on_store(v, e);
		return;
	}
	e->exit.kind = HF_EXIT_MEMORY;
	*m = (struct exit_memory){ .gpa = at, .access = HF_ACCESS_READ };
	if (info & NPF_WALK)
		m->access = HF_ACCESS_WALK;
	else if (info & NPF_FETCH)
		m->access = HF_ACCESS_EXECUTE;
	else if (info & NPF_WRITE)
		m->access = HF_ACCESS_WRITE;
	if (m->access == HF_ACCESS_EXECUTE)
		m->va = gva(v->vmcb->rip);
	if (m->access == HF_ACCESS_WRITE)
		store_on_write(v, e, page);
	m->user_exec = m->access == HF_ACCESS_EXECUTE && v->vmcb->cpl == 3;
}

static void on_call(struct vcpu *v, struct svm_exit *e)
{
	const struct gprs *g = v->gprs;
	struct exit_call *call = &e->exit.call;

	e->exit.kind = HF_EXIT_CALL;
	e->next_rip = instruction_after(v->vmcb, LENGTH_VMMCALL);
	call->number = v->vmcb->rax;
	call->arg[0] = g->r[GPR_RDI];
	call->arg[1] = g->r[GPR_RSI];
	call->arg[2] = g->r[GPR_RDX];
	call->arg[3] = g->r[GPR_RCX];
}

/* Caches are emptied without being written back: memory that was sealed would be as before. */
static void on_invd(struct vcpu *v, struct svm_exit *e)
{
	asm volatile("wbinvd" : : : "memory");
	e->next_rip = instruction_after(v->vmcb, LENGTH_INVD);
	instruction_advance(v, e);
	e->settled = true;
}

/*
 * A state no CPU could be in. What the guest writes is checked before it gets here; but emulators
 * end a guest's run so where a processor raises a protection fault (MOV CR3 with reserved bits).
 * The fault is what it gets, once: a state that VMRUN refuses comes back from the same place.
 *
 * A VMRUN that was refused has not flushed: a shoot-down answered before it is still to be done.
 */
static void on_invalid(struct vcpu *v, struct svm_exit *e)
{
	backend_flush(v->cpu);
	v->cpu->flushed = 0;
	if (v->invalid_rip == v->vmcb->rip)
		e->exit.kind = HF_EXIT_SHUTDOWN;
	v->invalid_rip = v->vmcb->rip;
}

static void decode_exit(struct vcpu *v, struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;

	e->exit.kind = HF_EXIT_OTHER;
	e->next_rip = 0;
	e->settled = false;
	switch (vmcb->exit_code) {
	case EXIT_CODE_NPF:
		on_page_fault(v, e);
		break;
	case EXIT_CODE_NMI:
		inject_on_nmi(v, e);
		restart_after_window(v);
		break;
	case EXIT_CODE_INIT:
	case EXIT_CODE_SX:
		restart_on_init(v, e);
		break;
	case EXIT_CODE_IRET:
		inject_on_iret(v, e);
		break;
	case EXIT_CODE_CR0_READ:
		registers_on_cr0_read(v, e);
		break;
	case EXIT_CODE_CR0_WRITE:
	case EXIT_CODE_CR4_WRITE:
		registers_on_cr_write(v, e, vmcb->exit_code - EXIT_CODE_CR0_WRITE);
		break;
	case EXIT_CODE_IDTR_WRITE:
		registers_on_table_write(v, e, OP_LIDT);
		break;
	case EXIT_CODE_GDTR_WRITE:
		registers_on_table_write(v, e, OP_LGDT);
		break;
	case EXIT_CODE_TR_WRITE:
		registers_on_tr_write(v, e);
		break;
	case EXIT_CODE_INVD:
		on_invd(v, e);
		break;
	case EXIT_CODE_MSR:
		if (!device_on_msr(v, e))
			registers_on_msr(v, e);
		break;
	case EXIT_CODE_IOIO:
		port_on_exit(v, e);
		break;
	case EXIT_CODE_INVLPGA:
	case EXIT_CODE_VMRUN:
	case EXIT_CODE_VMLOAD ... EXIT_CODE_SKINIT:
		e->exit.kind = HF_EXIT_VIRT;
		break;
	case EXIT_CODE_SHUTDOWN:
		e->exit.kind = HF_EXIT_SHUTDOWN;
		break;
	default:
		if ((u32)vmcb->exit_code == EXIT_CODE_INVALID)
			on_invalid(v, e);
	}
}

/* ---- carrying out ---- */

/* A machine whose CPU shuts down is reset by its board; ours does that when we shut down. */
static _Noreturn void reset_machine(void)
{
	struct table_register none = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(none));
	backend_halt();
}

/* False: that cannot be done, or the processor would have faulted on it. */
static bool perform(struct vcpu *v, const struct svm_exit *e)
{
	switch (e->exit.kind) {
	case HF_EXIT_PORT:
		return port_perform(v, e);
	case HF_EXIT_DEVICE:
		return device_perform(v, e);
	}
	return registers_perform(v, e);
}

static void carry_out(struct vcpu *v, struct svm_exit *e, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RESULT: /* handle_call */
	case VERDICT_RETRY:
		return;
	case VERDICT_PASS:
		__atomic_fetch_or(&v->cpu->pending, CPU_NMI, __ATOMIC_SEQ_CST);
		return;
	case VERDICT_UNDEFINED:
		inject_event(v, VECTOR_UD | EVENT_EXCEPTION);
		return;
	case VERDICT_SKIP:
		if (e->exit.kind == HF_EXIT_PORT)
			port_skip(v, e);
		if (e->exit.kind == HF_EXIT_MEMORY && e->next_rip)
			store_complete(v, e);
		if (e->next_rip) {
			instruction_advance(v, e);
			return;
		}
		break;
	case VERDICT_PERFORM:
		if (perform(v, e)) {
			instruction_advance(v, e);
			return;
		}
		break;
	case VERDICT_FAULT:
		break;
	case VERDICT_STOP:
		reset_machine();
	}
	if (!inject_fault(v))
		reset_machine();
}

/*
 * The trial: the first thing a CPU does as a guest is to fail to reach the hypervisor. That
 * proves guest mode, nested paging and the hiding of our memory at once, before the point of no
 * return.
 */
static int finish_trial(struct vcpu *v)
{
	struct vmcb *vmcb = v->vmcb;
	const struct entry_frame *f = &v->frame;
	bool refused = vmcb->exit_code == EXIT_CODE_NPF && (vmcb->exit_info[0] & NPF_FETCH) &&
		       owner_page(gpa(vmcb->exit_info[1])).state == PAGE_HYPERVISOR;
	int error;

	device_cpu_init(v);
	error = launch_arrive(v->cpu, refused ? 0 : -HF_ENODEV);
	if (error)
		return error;
	v->trial = false;
	/* The guest goes on where the image's caller expects it: returned, with 0. */
	vmcb->rip = f->rip;
	vmcb->rsp = v->frame_end;
	vmcb->rax = 0;
	*v->gprs = (struct gprs){ .r = { [GPR_RBX] = f->rbx,
					 [GPR_RBP] = f->rbp,
					 [GPR_R12] = f->r12,
					 [GPR_R13] = f->r13,
					 [GPR_R14] = f->r14,
					 [GPR_R15] = f->r15 } };
	return 0;
}

/* Not inlined, so that a call does not pay for the registers and stack the rest needs. */
static __noinline void handle_other(struct vcpu *v, struct svm_exit *e)
{
	if (unlikely(svm.self_check))
		check_exited(v);
	decode_exit(v, e);
	if (e->settled)
		cpu_count_exit(v->cpu, e->exit.kind);
	else
		carry_out(v, e, exit_decide(v->cpu, &e->exit));
	inject_again(v);
	if (unlikely(svm.self_check))
		check_handled(v);
}

/* A call interrupts no delivery of an event: it is an instruction. */
static void handle_call(struct vcpu *v, struct svm_exit *e)
{
	enum verdict verdict;

	on_call(v, e);
	verdict = exit_decide(v->cpu, &e->exit);
	if (likely(verdict == VERDICT_RESULT)) {
		v->vmcb->rax = e->exit.call.result;
		instruction_advance(v, e);
	} else {
		carry_out(v, e, verdict);
	}
}

/*
 * States that VMRUN refuses (APM vol. 2, 15.5.1) and that processors never let a guest get into by
 * itself, but emulators do: both 64-bit and 32-bit code, and a root beyond physical addresses. What
 * a processor would have refused is taken back.
 */
static void make_enterable(struct vcpu *v, struct vmcb *vmcb)
{
	if (unlikely(!(~vmcb->cs.attributes & (SEGMENT_L | SEGMENT_D))))
		vmcb->cs.attributes &= (u16)~SEGMENT_D;
	if (unlikely(vmcb->cr3 & svm.cr3_reserved)) {
		vmcb->cr3 &= ~svm.cr3_reserved;
		backend_flush(v->cpu);
	}
}

/* Nothing that changes what the guest runs with may come after this. */
static __noinline void handle_pending(struct vcpu *v)
{
	u32 pending;

	while (startup_sync(v->cpu))
		shootdown_sync(v->cpu);
	pending = __atomic_load_n(&v->cpu->pending, __ATOMIC_SEQ_CST);
	if (pending & CPU_NMI)
		inject_nmi(v);
	if (pending & CPU_CHECK)
		check_enter(v);
}

int vcpu_exit(struct vcpu *v, struct gprs *gprs)
{
	struct vmcb *vmcb = v->vmcb;
	struct cpu *cpu = v->cpu;
	struct svm_exit e;

	v->gprs = gprs;
	vmcb->tlb_control = TLB_KEEP;
	vmcb->event_inject = 0;
	if (unlikely(v->trial)) {
		vmcb->exit_interrupt = 0;
		return finish_trial(v);
	}
	shootdown_exited(cpu);
	e.exit.cpl = vmcb->cpl;
	e.exit.rip = vmcb->rip;
	e.exit.root = vmcb->cr3;
	e.exit.code = vmcb->exit_code;
	if (vmcb->exit_code == EXIT_CODE_VMMCALL)
		handle_call(v, &e);
	else
		handle_other(v, &e);
	make_enterable(v, vmcb);
	shootdown_sync(cpu);
	if (unlikely(__atomic_load_n(&cpu->pending, __ATOMIC_SEQ_CST)))
		handle_pending(v);
	return 0;
}
