// SPDX-License-Identifier: GPL-2.0-only
/* Exits: what the hardware says of them. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/shootdown.h>
#include <hv/startup.h>

#include "../common/sysreg.h"
#include "../common/tables.h"
#include "exit.h"

#define LENGTH_VMMCALL 3
#define LENGTH_INVD    2
#define LENGTH_MSR     2
#define LENGTH_ICEBP   1

#define MSR_WRITE   BIT(0) /* exit_info[0], APM vol. 2, 15.11 */
#define IOIO_IN	    BIT(0) /* APM vol. 2, 15.10.2 */
#define IOIO_STRING BIT(2)

/* ---- decoding exits ---- */

static void on_page_fault(struct vcpu *v, struct x86_exit *e)
{
	u64 info = v->vmcb->exit_info[0];
	struct gpa at = gpa(v->vmcb->exit_info[1]);
	struct page page = owner_page(at);
	struct exit_memory *m = &e->exit.memory;

	if (page.guarded && (info & (NPF_WRITE | NPF_WALK)) == NPF_WRITE) {
		device_on_store(v, e, at);
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
		m->va = gva(v->vmcb->state.rip);
	if (m->access == HF_ACCESS_WRITE)
		store_on_write(v, e, page);
	m->user_exec = m->access == HF_ACCESS_EXECUTE && v->vmcb->state.cpl == 3;
	if (m->access == HF_ACCESS_EXECUTE)
		tables_on_fetch(v, e, at);
}

static void on_msr(struct vcpu *v, struct x86_exit *e)
{
	bool write = v->vmcb->exit_info[0] & MSR_WRITE;

	e->next_rip = instruction_after(v->vmcb, LENGTH_MSR);
	if (!write || !device_on_msr(v, e))
		registers_on_msr(v, e, write);
}

static void on_port(struct vcpu *v, struct x86_exit *e)
{
	u64 info = v->vmcb->exit_info[0];

	e->next_rip = v->vmcb->exit_info[1];
	port_on_exit(v, e,
		     (struct exit_port){
			     .port = (u16)(info >> 16),
			     .write = !(info & IOIO_IN),
			     .string = !!(info & IOIO_STRING),
			     .width = info >> 4 &
				      7, /* one of three bits, whose values are the widths */
		     });
}

/*
 * The guest's. A delivery that raises the same again goes on for ever between two instructions,
 * where no NMI is taken, so no kick either: each round is an exit, after which demands are
 * answered. DR6 is as the guest is to find it (APM vol. 2, 15.12.2).
 */
static void on_exception(struct vcpu *v, struct x86_exit *e, u64 event)
{
	inject_event(v, event);
	e->exit.kind = HF_EXIT_KICK;
}

/*
 * A state no CPU could be in. What the guest writes is checked before it gets here; but emulators
 * end a guest's run so where a processor raises a protection fault (MOV CR3 with reserved bits).
 * The fault is what it gets, once: a state that VMRUN refuses comes back from the same place.
 *
 * A VMRUN that was refused has not flushed: a shoot-down answered before it is still to be done.
 */
static void on_invalid(struct vcpu *v, struct x86_exit *e)
{
	backend_flush(v->cpu);
	v->cpu->flushed = 0;
	if (v->invalid_rip == v->vmcb->state.rip)
		e->exit.kind = HF_EXIT_SHUTDOWN;
	v->invalid_rip = v->vmcb->state.rip;
}

void exit_decode(struct vcpu *v, struct x86_exit *e)
{
	struct vmcb *vmcb = v->vmcb;

	switch (vmcb->exit_code) {
	case EXIT_CODE_NPF:
		on_page_fault(v, e);
		break;
	case EXIT_CODE_DB:
		if (!inject_on_trap(v, e))
			on_exception(v, e, VECTOR_DB | EVENT_EXCEPTION);
		break;
	case EXIT_CODE_ICEBP: /* its #DB would exit in front of it, as no other trap does */
		vmcb->state.rip = instruction_after(vmcb, LENGTH_ICEBP);
		on_exception(v, e, VECTOR_DB | EVENT_EXCEPTION);
		break;
	case EXIT_CODE_AC:
		on_exception(v, e, VECTOR_AC | EVENT_EXCEPTION | EVENT_ERROR);
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
	case EXIT_CODE_IDTR_READ:
		umip_on_table(v, e, &vmcb->state.idtr);
		break;
	case EXIT_CODE_GDTR_READ:
		umip_on_table(v, e, &vmcb->state.gdtr);
		break;
	case EXIT_CODE_LDTR_READ:
	case EXIT_CODE_TR_READ:
		registers_on_selector_read(v, e, vmcb->exit_code == EXIT_CODE_TR_READ);
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
		e->next_rip = instruction_after(vmcb, LENGTH_INVD);
		exit_on_invd(v, e);
		break;
	case EXIT_CODE_MSR:
		on_msr(v, e);
		break;
	case EXIT_CODE_IOIO:
		on_port(v, e);
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

/*
 * The trial: the first thing a CPU does as a guest is to fail to reach the hypervisor. That
 * proves guest mode, nested paging and the hiding of our memory at once, before the point of no
 * return.
 */
static int finish_trial(struct vcpu *v)
{
	struct vmcb *vmcb = v->vmcb;
	bool refused = vmcb->exit_code == EXIT_CODE_NPF && (vmcb->exit_info[0] & NPF_FETCH) &&
		       owner_page(gpa(vmcb->exit_info[1])).state == PAGE_HYPERVISOR;

	vmcb->exit_interrupt = 0;
	return exit_finish_trial(v, refused);
}

/*
 * States that VMRUN refuses (APM vol. 2, 15.5.1) and that processors never let a guest get into by
 * itself, but emulators do: both 64-bit and 32-bit code, and a root beyond physical addresses. What
 * a processor would have refused is taken back.
 */
static void make_enterable(struct vcpu *v, struct vmcb *vmcb)
{
	if (unlikely(!(~vmcb->state.cs.attributes & (SEGMENT_L | SEGMENT_D))))
		vmcb->state.cs.attributes &= (u16)~SEGMENT_D;
	if (unlikely(vmcb->state.cr3 & platform.cr3_reserved)) {
		vmcb->state.cr3 &= ~platform.cr3_reserved;
		backend_flush(v->cpu);
	}
}

int vcpu_exit(struct vcpu *v, struct gprs *gprs)
{
	struct vmcb *vmcb = v->vmcb;
	struct cpu *cpu = v->cpu;
	struct x86_exit e;

	v->gprs = gprs;
	vmcb->tlb_control = TLB_KEEP;
	vmcb->event_inject = 0;
	if (unlikely(v->trial))
		return finish_trial(v);
	shootdown_exited(cpu);
	e.exit.cpl = vmcb->state.cpl;
	e.exit.rip = vmcb->state.rip;
	e.exit.root = vmcb->state.cr3;
	e.exit.code = vmcb->exit_code;
	if (vmcb->exit_code == EXIT_CODE_VMMCALL) {
		e.next_rip = instruction_after(vmcb, LENGTH_VMMCALL);
		exit_handle_call(v, &e);
	} else {
		exit_handle(v, &e);
	}
	make_enterable(v, vmcb);
	shootdown_sync(cpu);
	if (unlikely(__atomic_load_n(&cpu->pending, __ATOMIC_SEQ_CST)))
		exit_handle_pending(v);
	return 0;
}
