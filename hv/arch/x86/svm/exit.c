// SPDX-License-Identifier: GPL-2.0-only
/* Exits: decode for the core, carry out its verdict. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/shootdown.h>

#include "../common/decode.h"
#include "../common/gwalk.h"
#include "../common/msr.h"
#include "../common/sysreg.h"
#include "vcpu.h"

#define LENGTH_VMMCALL 3
#define LENGTH_MSR     2
#define CR0_WRITABLE   0xe005003full /* APM vol. 2, figure 3-1; other low bits are ignored */
#define IOIO_IN	       BIT(0)	     /* exit_info[0], APM vol. 2, 15.10.2 */
#define IOIO_STRING    BIT(2)
#define ASSIST_MOV_CR  BIT(63) /* exit_info[0], APM vol. 2, 15.8.1 */
#define VM_CR_LOOK     0x18u   /* SVMDIS and LOCK: what the guest is told */

/* An exit being handled, with what only this backend needs of it. */
struct svm_exit {
	struct exit exit;
	u64 next_rip; /* 0: unknown, so the instruction cannot be left out or performed */
	u64 limit;    /* of LIDT */
};

/* ---- instructions ---- */

static struct gwalk paging(const struct vmcb *vmcb)
{
	return (struct gwalk){ vmcb->cr3, vmcb->cr4 & CR4_LA57 ? 5 : 4 };
}

/* The two registers that are in the control block: wherever others are found by number. */
static void complete_gprs(struct vcpu *v)
{
	v->gprs->r[GPR_RAX] = v->vmcb->rax;
	v->gprs->r[GPR_RSP] = v->vmcb->rsp;
}

/* The bytes are taken once; what they say must agree with the exit, or they were changed since. */
static int decode_at_rip(struct vcpu *v, struct instruction *i)
{
	struct vmcb *vmcb = v->vmcb;
	struct gwalk walk = paging(vmcb);
	struct decode_context context = {
		.gprs = v->gprs,
		.rip = vmcb->rip,
		.fs_base = rdmsr(MSR_FS_BASE),
		.gs_base = rdmsr(MSR_GS_BASE),
	};
	u8 bytes[DECODE_MAX];
	size_t size;

	/* Other modes are not decoded: after lock no kernel writes control registers there. */
	if (!(vmcb->efer & EFER_LMA) || !(vmcb->cs.attributes & SEGMENT_L))
		return -HF_EINVAL;
	size = gwalk_fetch(&walk, gva(vmcb->rip), bytes, sizeof(bytes));
	return decode(bytes, size, &context, i);
}

static u64 read_gpr(const struct vcpu *v, u8 gpr)
{
	return v->gprs->r[gpr];
}

/*
 * The instruction after one whose operands need no decoding. Where the CPU does not say, it is
 * taken to be as short as compilers make it: redundant prefixes would lead the guest astray in
 * its own code, and nobody else.
 */
static u64 after(const struct vmcb *vmcb, u64 length)
{
	return svm.features & HF_FEATURE_NEXT_RIP ? vmcb->next_rip : vmcb->rip + length;
}

/* ---- decoding exits ---- */

static void register_write(struct svm_exit *e, u32 reg, u64 old, u64 value)
{
	e->exit.kind = HF_EXIT_REGISTER;
	e->exit.reg = (struct exit_register){ .id = reg, .old = old, .value = value };
}

/* LMSW: the low four bits of CR0; it can set PE but not clear it (APM vol. 3). */
static int lmsw_value(struct vcpu *v, const struct instruction *i, u64 *value)
{
	struct gwalk walk = paging(v->vmcb);
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

static void on_cr_write(struct vcpu *v, struct svm_exit *e, u8 cr)
{
	struct vmcb *vmcb = v->vmcb;
	struct instruction i;
	u64 value;

	complete_gprs(v);
	if ((svm.features & HF_FEATURE_DECODE_ASSIST) && (svm.features & HF_FEATURE_NEXT_RIP) &&
	    (vmcb->exit_info[0] & ASSIST_MOV_CR)) {
		value = read_gpr(v, vmcb->exit_info[0] & 0xf);
		e->next_rip = vmcb->next_rip;
	} else {
		if (decode_at_rip(v, &i) || cr_value(v, cr, &i, &value))
			return;
		e->next_rip = vmcb->rip + i.length;
	}
	register_write(e, cr == 0 ? REG_CR0 : REG_CR4, cr == 0 ? vmcb->cr0 : vmcb->cr4, value);
}

/* A change of the limit alone is reported as such; otherwise it is the base that matters. */
static void on_idtr_write(struct vcpu *v, struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;
	struct gwalk walk = paging(vmcb);
	struct table_register value;
	struct instruction i;

	complete_gprs(v);
	if (decode_at_rip(v, &i) || i.operation != OP_LIDT ||
	    gwalk_read(&walk, i.address, &value, sizeof(value)))
		return;
	e->next_rip = vmcb->rip + i.length;
	e->limit = value.limit;
	if (value.base == vmcb->idtr.base && value.limit != vmcb->idtr.limit)
		register_write(e, REG_IDTR_LIMIT, vmcb->idtr.limit, value.limit);
	else
		register_write(e, REG_IDTR_BASE, vmcb->idtr.base, value.base);
}

static void on_msr(struct vcpu *v, struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;
	u32 msr = v->gprs->r[GPR_RCX];
	u32 reg = sysreg_of_msr(msr);

	e->exit.kind = HF_EXIT_MSR;
	e->next_rip = after(vmcb, LENGTH_MSR);
	e->exit.reg = (struct exit_register){
		.id = reg < REG_COUNT ? reg : msr,
		.unknown = reg == REG_COUNT,
		.old = reg < REG_COUNT ? backend_register_read(v->cpu, reg) : 0,
		.value = (u32)vmcb->rax | v->gprs->r[GPR_RDX] << 32,
	};
}

static void on_page_fault(struct vcpu *v, struct svm_exit *e)
{
	u64 info = v->vmcb->exit_info[0];
	struct exit_memory *m = &e->exit.memory;

	e->exit.kind = HF_EXIT_MEMORY;
	*m = (struct exit_memory){ .gpa = gpa(v->vmcb->exit_info[1]),
				   .access = HF_ACCESS_READ };
	if (info & NPF_WALK)
		m->access = HF_ACCESS_WALK;
	else if (info & NPF_FETCH)
		m->access = HF_ACCESS_EXECUTE;
	else if (info & NPF_WRITE)
		m->access = HF_ACCESS_WRITE;
	if (m->access == HF_ACCESS_EXECUTE)
		m->va = gva(v->vmcb->rip);
	m->user_exec = m->access == HF_ACCESS_EXECUTE && v->vmcb->cpl == 3;
}

static void on_port(struct vcpu *v, struct svm_exit *e)
{
	u64 info = v->vmcb->exit_info[0];

	e->exit.kind = HF_EXIT_PORT;
	e->next_rip = v->vmcb->exit_info[1];
	e->exit.port = (struct exit_port){
		.port = info >> 16,
		.write = !(info & IOIO_IN),
		.width = info >> 4 & 7, /* one of three bits, whose values are the widths */
		.value = v->vmcb->rax,
	};
}

/*
 * An intercepted NMI stays pending: it is taken here, for one instruction, by a handler that only
 * returns (APM vol. 2, 15.21.2). Whether it was a kick is known by the flag its sender set.
 */
static void on_nmi(struct vcpu *v, struct svm_exit *e)
{
	asm volatile("stgi; nop; clgi" : : : "memory");
	e->exit.kind = __atomic_exchange_n(&v->cpu->kicked, 0, __ATOMIC_ACQ_REL) ? HF_EXIT_KICK
										 : HF_EXIT_NMI;
}

static void on_call(struct vcpu *v, struct svm_exit *e)
{
	const struct gprs *g = v->gprs;
	struct exit_call *call = &e->exit.call;

	e->exit.kind = HF_EXIT_CALL;
	e->next_rip = after(v->vmcb, LENGTH_VMMCALL);
	call->number = v->vmcb->rax;
	call->arg[0] = g->r[GPR_RDI];
	call->arg[1] = g->r[GPR_RSI];
	call->arg[2] = g->r[GPR_RDX];
	call->arg[3] = g->r[GPR_RCX];
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
	if (v->invalid_rip == v->vmcb->rip)
		e->exit.kind = HF_EXIT_SHUTDOWN;
	v->invalid_rip = v->vmcb->rip;
}

static void decode_exit(struct vcpu *v, struct svm_exit *e)
{
	struct vmcb *vmcb = v->vmcb;

	e->exit.kind = HF_EXIT_OTHER;
	e->next_rip = 0;
	switch (vmcb->exit_code) {
	case EXIT_CODE_NPF:
		on_page_fault(v, e);
		break;
	case EXIT_CODE_NMI:
		on_nmi(v, e);
		break;
	case EXIT_CODE_CR0_WRITE:
		on_cr_write(v, e, 0);
		break;
	case EXIT_CODE_CR4_WRITE:
		on_cr_write(v, e, 4);
		break;
	case EXIT_CODE_IDTR_WRITE:
		on_idtr_write(v, e);
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

/* ---- carrying out ---- */

static void inject(struct vcpu *v, u64 event)
{
	v->vmcb->event_inject = event | EVENT_VALID;
}

/*
 * A protection fault while another exception was being delivered becomes a double fault, as in
 * hardware (APM vol. 2, 8.2.9), or a kernel whose tables are gone would fault here for ever.
 * False: a fault in the delivery of a double fault, the guest is finished.
 */
static bool inject_fault(struct vcpu *v)
{
	u64 interrupted = v->vmcb->exit_interrupt;
	u64 vector = interrupted & EVENT_VECTOR;

	if ((interrupted & EVENT_VALID) && (interrupted & EVENT_TYPE) == EVENT_EXCEPTION) {
		if (vector == VECTOR_DF)
			return false;
		if (vector == 0 || (vector >= 10 && vector <= VECTOR_PF)) {
			inject(v, VECTOR_DF | EVENT_EXCEPTION | EVENT_ERROR);
			return true;
		}
	}
	inject(v, VECTOR_GP | EVENT_EXCEPTION | EVENT_ERROR);
	return true;
}

/*
 * What the exit interrupted in delivery must be delivered still. The type is corrected for
 * emulators that call everything an exception: interrupts have vectors from 32 on.
 */
static void redeliver(struct vcpu *v)
{
	u64 event = v->vmcb->exit_interrupt, vector = event & EVENT_VECTOR;

	if (!(event & EVENT_VALID) || (v->vmcb->event_inject & EVENT_VALID))
		return;
	/* A software interrupt comes again with its instruction. */
	if ((event & EVENT_TYPE) == EVENT_SOFTWARE)
		return;
	if ((event & EVENT_TYPE) == EVENT_EXCEPTION && vector >= 32)
		event &= ~EVENT_TYPE;
	if (vector == VECTOR_NMI)
		event = (event & ~EVENT_TYPE) | EVENT_NMI;
	if (!(event & EVENT_ERROR))
		event = (u32)event;
	v->vmcb->event_inject = event;
}

static void advance(struct vcpu *v, const struct svm_exit *e)
{
	v->vmcb->rip = e->next_rip;
	v->vmcb->interrupt_shadow = 0;
}

/* Write what the guest asked for. False: the processor would have faulted on the value. */
static bool perform_register(struct vcpu *v, const struct svm_exit *e)
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

/* Leave out an access to a port of ours: nothing answers there. */
static void skip_port(struct vcpu *v, const struct svm_exit *e)
{
	u64 bits = BIT(8 * e->exit.port.width) - 1;

	if (e->exit.port.write || (v->vmcb->exit_info[0] & IOIO_STRING))
		return;
	v->vmcb->rax |= bits;
	if (e->exit.port.width == 4)
		v->vmcb->rax = (u32)v->vmcb->rax;
}

/* A machine whose CPU shuts down is reset by its board; ours does that when we shut down. */
static _Noreturn void reset_machine(void)
{
	struct table_register none = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(none));
	backend_halt();
}

static void carry_out(struct vcpu *v, struct svm_exit *e, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RESULT: /* handle_call */
	case VERDICT_RETRY:
		return;
	case VERDICT_PASS:
		inject(v, VECTOR_NMI | EVENT_NMI);
		return;
	case VERDICT_UNDEFINED:
		inject(v, VECTOR_UD | EVENT_EXCEPTION);
		return;
	case VERDICT_SKIP:
		if (e->exit.kind == HF_EXIT_PORT)
			skip_port(v, e);
		if (e->next_rip) {
			advance(v, e);
			return;
		}
		break;
	case VERDICT_PERFORM:
		if (perform_register(v, e)) {
			advance(v, e);
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
 * Writes that are harmless: the kernel's emergency reboot clears VM_HSAVE_PA without asking whether
 * it was set, and the machine-check banks of newer processors lie outside the permission map.
 */
static bool msr_write_picture(struct vcpu *v, const struct svm_exit *e, u32 msr)
{
	if (msr == MSR_VM_HSAVE_PA && !e->exit.reg.value) {
		advance(v, e);
		return true;
	}
	if (msr < MSR_SMCA_FIRST || msr > MSR_SMCA_LAST)
		return false;
	if (msr_write(msr, e->exit.reg.value))
		inject_fault(v);
	else
		advance(v, e);
	return true;
}

/*
 * MSRs that show the virtualization extension: the guest sees a CPU where firmware disabled it.
 * Not matters of protection but of the picture, so they are settled here. True: done.
 */
static bool msr_picture(struct vcpu *v, const struct svm_exit *e)
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
	advance(v, e);
	return true;
}

static void count_picture(struct cpu *cpu)
{
	u64 *count = &cpu->stats.exits[HF_EXIT_MSR];

	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
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
	int error = launch_arrive(v->cpu, refused ? 0 : -HF_ENODEV);

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
	decode_exit(v, e);
	if (e->exit.kind == HF_EXIT_MSR && msr_picture(v, e))
		count_picture(v->cpu);
	else
		carry_out(v, e, exit_decide(v->cpu, &e->exit));
	redeliver(v);
}

/* A call interrupts no delivery of an event: it is an instruction. */
static void handle_call(struct vcpu *v, struct svm_exit *e)
{
	enum verdict verdict;

	on_call(v, e);
	verdict = exit_decide(v->cpu, &e->exit);
	if (likely(verdict == VERDICT_RESULT)) {
		v->vmcb->rax = e->exit.call.result;
		advance(v, e);
	} else {
		carry_out(v, e, verdict);
	}
}

/*
 * States that VMRUN refuses (APM vol. 2, 15.5.1) and that processors never let a guest get into by
 * itself, but emulators do: both 64-bit and 32-bit code, and a root beyond physical addresses. What
 * a processor would have refused is taken back.
 */
static void make_enterable(struct vmcb *vmcb)
{
	if (unlikely((vmcb->cs.attributes & (SEGMENT_L | SEGMENT_D)) ==
		     (SEGMENT_L | SEGMENT_D)))
		vmcb->cs.attributes &= (u16)~SEGMENT_D;
	if (unlikely(vmcb->cr3 & svm.cr3_reserved))
		vmcb->cr3 &= ~svm.cr3_reserved;
}

int vcpu_exit(struct vcpu *v, struct gprs *gprs)
{
	struct vmcb *vmcb = v->vmcb;
	struct svm_exit e;

	v->gprs = gprs;
	vmcb->tlb_control = TLB_KEEP;
	vmcb->event_inject = 0;
	if (unlikely(v->trial)) {
		vmcb->exit_interrupt = 0;
		return finish_trial(v);
	}
	e.exit.cpl = vmcb->cpl;
	e.exit.rip = vmcb->rip;
	e.exit.root = vmcb->cr3;
	e.exit.code = vmcb->exit_code;
	if (vmcb->exit_code == EXIT_CODE_VMMCALL)
		handle_call(v, &e);
	else
		handle_other(v, &e);
	make_enterable(vmcb);
	shootdown_sync(v->cpu);
	return 0;
}
