// SPDX-License-Identifier: GPL-2.0-only
/* Exits: what the hardware says of them. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>

#include "../common/tables.h"
#include "vmx.h"

/* Exit qualification of an EPT violation: SDM vol. 3, table 28-7. */
#define EPT_WRITE  BIT(1)
#define EPT_FETCH  BIT(2)
#define EPT_LINEAR BIT(7) /* the access has a linear address ... */
#define EPT_FINAL  BIT(8) /* ... and is that to what it leads to, not one to a table */

/* There, and where an exception says what it is: an IRET has ended the blocking of NMIs, and comes
 * again. */
#define UNBLOCKED BIT(12)

/* Of an I/O instruction: table 28-5. */
#define IO_WIDTH(qualification) (((qualification)&7) + 1)
#define IO_IN			BIT(3)
#define IO_STRING		BIT(4)
#define IO_PORT(qualification)	((u16)((qualification) >> 16))

#define EXIT_EVENT_NMI (EVENT_VALID | EVENT_NMI | VECTOR_NMI)
#define EXIT_EVENT     (EVENT_VALID | EVENT_TYPE | EVENT_VECTOR)

/* Of #DB the qualification is what is new in DR6 (table 28-1), of which two flags are inverted. */
#define DR6_NONE     0xffff0ff0ull
#define DR6_INVERTED (BIT(11) | BIT(16))
#define DR7_GD	     BIT(13)
#define DEBUGCTL_LBR BIT(0)

#define PENDING_STEP BIT(14) /* BS: SDM vol. 3, table 25-4 */

/*
 * Behind the instruction that exited. Addresses of 32-bit code end at 2^32, which any program can
 * run up to, and the entry refuses those beyond (SDM vol. 3, 27.3.1.4).
 */
static u64 next_rip(void)
{
	u64 rip = vmcs_read(VMCS_GUEST_RIP), next = rip + vmcs_read(VMCS_EXIT_LENGTH);

	if (unlikely((rip ^ next) >> 32) &&
	    !(vmcs_read(VMCS_RIGHTS_OF(VMCS_GUEST_CS)) & RIGHTS_LONG))
		next = (u32)next;
	return next;
}

/* ---- decoding exits ---- */

static void block_again(const struct vcpu *v, u64 info)
{
	if ((info & UNBLOCKED) && !(v->vmx->interrupted & EVENT_VALID))
		vmcs_write(VMCS_INTERRUPTIBILITY,
			   vmcs_read(VMCS_INTERRUPTIBILITY) | BLOCKED_BY_NMI);
}

static void on_violation(struct vcpu *v, struct x86_exit *e)
{
	u64 info = vmcs_read(VMCS_QUALIFICATION);
	struct gpa at = gpa(vmcs_read(VMCS_GUEST_PHYSICAL));
	bool walk = (info & (EPT_LINEAR | EPT_FINAL)) != (EPT_LINEAR | EPT_FINAL);
	struct page page = owner_page(at);
	struct exit_memory *m = &e->exit.memory;

	block_again(v, info);
	if (page.guarded && (info & EPT_WRITE) && !walk) {
		device_on_store(v, e, at);
		return;
	}
	e->exit.kind = HF_EXIT_MEMORY;
	*m = (struct exit_memory){ .gpa = at, .access = HF_ACCESS_READ };
	if (info & EPT_LINEAR)
		m->va = gva(vmcs_read(VMCS_GUEST_LINEAR));
	if (walk)
		m->access = HF_ACCESS_WALK;
	else if (info & EPT_FETCH)
		m->access = HF_ACCESS_EXECUTE;
	else if (info & EPT_WRITE)
		m->access = HF_ACCESS_WRITE;
	if (m->access == HF_ACCESS_WRITE)
		store_on_write(v, e, page);
	m->user_exec = m->access == HF_ACCESS_EXECUTE && v->state->cpl == 3;
	if (m->access == HF_ACCESS_EXECUTE)
		tables_on_fetch(v, e, at);
}

static void on_port(struct vcpu *v, struct x86_exit *e)
{
	u64 info = vmcs_read(VMCS_QUALIFICATION);

	port_on_exit(v, e,
		     (struct exit_port){
			     .port = IO_PORT(info),
			     .write = !(info & IO_IN),
			     .string = !!(info & IO_STRING),
			     .width = IO_WIDTH(info),
		     });
}

/*
 * The guest's #DB, handed on: its delivery stores to a stack, on which an attacker may have set the
 * next breakpoint, and so for ever, between two instructions, where no NMI is taken, so no kick.
 * Each round is an exit, after which demands are answered. (#AC has no such loop: in long mode the
 * stack is aligned first, 6.14.2.) What delivery does to debug registers is left to us (28.1).
 */
static void on_debug(struct vcpu *v, struct x86_exit *e, u64 event)
{
	struct state *state = v->state;
	u64 info = vmcs_read(VMCS_QUALIFICATION);

	block_again(v, event);
	state->dr6 = ((state->dr6 & ~DR6_HITS) | DR6_NONE | info) ^ (info & DR6_INVERTED);
	state->dr7 &= ~DR7_GD;
	vmcs_write(VMCS_GUEST_DEBUGCTL,
		   vmcs_read(VMCS_GUEST_DEBUGCTL) & ~(DEBUGCTL_LBR | DEBUGCTL_BTF));
	*v->shadow = 0;
	/* For that of an instruction (INT1), which is behind it. */
	vmcs_write(VMCS_ENTRY_LENGTH, vmcs_read(VMCS_EXIT_LENGTH));
	inject_event(v, event & EXIT_EVENT);
	e->exit.kind = HF_EXIT_KICK;
}

/*
 * Of NMIs the processor holds others back as long as the exit lasts: of one of the guest's and a
 * kick the second exits next, in what order ever they were.
 */
static void on_event(struct vcpu *v, struct x86_exit *e)
{
	u64 event = vmcs_read(VMCS_EXIT_EVENT);

	e->next_rip = 0;
	if ((event & EXIT_EVENT) == EXIT_EVENT_NMI) {
		inject_late_kick(v);
		inject_took(v, e, 1);
	} else if ((event & (EVENT_VALID | EVENT_VECTOR)) == (EVENT_VALID | VECTOR_DB)) {
		on_debug(v, e, event);
	}
}

/* SDM vol. 3, 26.2: INIT is held back in the hypervisor and exits from the guest. The start-up
 * interrupt that follows means nothing to a CPU that runs: it starts at once. */
static void on_init(struct vcpu *v, struct x86_exit *e)
{
	e->exit.kind = HF_EXIT_KICK; /* to be looked at on the way back to the guest */
	startup_reset(v->cpu, true);
}

static void on_msr(struct vcpu *v, struct x86_exit *e, bool write)
{
	if (!write || !device_on_msr(v, e))
		registers_on_msr(v, e, write);
}

static _Noreturn void give_up(const struct vcpu *v, const char *what)
{
	panic("CPU %u: %s: reason %x, qualification %llx, address %llx", v->cpu->index, what,
	      v->vmx->reason, (unsigned long long)vmcs_read(VMCS_QUALIFICATION),
	      (unsigned long long)vmcs_read(VMCS_GUEST_PHYSICAL));
}

void exit_decode(struct vcpu *v, struct x86_exit *e)
{
	/* Of instructions; of other exits it is not looked at. */
	e->next_rip = next_rip();
	switch (v->vmx->reason) {
	case REASON_EPT_VIOLATION:
		e->next_rip = 0;
		on_violation(v, e);
		return;
	case REASON_EVENT:
		on_event(v, e);
		return;
	case REASON_NMI_WINDOW:
		inject_on_window(v, e);
		return;
	case REASON_INIT:
		on_init(v, e);
		return;
	case REASON_CR:
		registers_on_cr(v, e);
		return;
	case REASON_TABLE:
		table_on_exit(v, e);
		return;
	case REASON_SELECTOR:
		table_on_selector(v, e);
		return;
	case REASON_INVD:
		exit_on_invd(v, e);
		return;
	case REASON_RDMSR:
	case REASON_WRMSR:
		on_msr(v, e, v->vmx->reason == REASON_WRMSR);
		return;
	case REASON_IO:
		on_port(v, e);
		return;
	case REASON_XSETBV:
		registers_on_xsetbv(v, e);
		return;
	case REASON_GETSEC:
	case REASON_VMCLEAR ... REASON_VMXON:
	case REASON_INVEPT:
	case REASON_INVVPID:
	case REASON_VMFUNC:
	case REASON_SEAMCALL:
	case REASON_TDCALL:
		e->exit.kind = HF_EXIT_VIRT;
		return;
	case REASON_STEP:
		e->exit.kind = HF_EXIT_INSTRUCTION;
		e->settled = true;
		return;
	case REASON_TRIPLE_FAULT:
		e->exit.kind = HF_EXIT_SHUTDOWN;
		return;
	case REASON_EPT_WRONG:
		give_up(v, "EPT misconfiguration");
	}
	e->next_rip = 0;
	if (v->vmx->reason & REASON_ENTRY_FAILED)
		give_up(v, "the guest's state was refused");
}

_Noreturn void vcpu_refused(struct vcpu *v)
{
	panic("CPU %u: VM entry: error %u", v->cpu->index,
	      (u32)vmcs_read(VMCS_INSTRUCTION_ERROR));
}

/* ---- CPUID ---- */

#define LEAF_STANDARD 1

/* Exits whatever we do. What it says is the processor's, but that there is no VMX. */
static void do_cpuid(struct gprs *g)
{
	struct cpuid r = cpuid(g->r[GPR_RAX], g->r[GPR_RCX]);

	if ((u32)g->r[GPR_RAX] == LEAF_STANDARD)
		r.ecx &= ~(u32)CPUID_VMX;
	g->r[GPR_RAX] = r.eax;
	g->r[GPR_RBX] = r.ebx;
	g->r[GPR_RCX] = r.ecx;
	g->r[GPR_RDX] = r.edx;
}

/* As instruction_advance, without the rest of the state. */
static void on_cpuid(struct vcpu *v)
{
	u64 blocked = vmcs_read(VMCS_INTERRUPTIBILITY);

	cpu_count_exit(v->cpu, HF_EXIT_INSTRUCTION);
	do_cpuid(v->gprs);
	vmcs_write(VMCS_GUEST_RIP, next_rip());
	if (blocked & BLOCKED_SHADOW)
		vmcs_write(VMCS_INTERRUPTIBILITY, blocked & ~BLOCKED_SHADOW);
	if (unlikely(vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF))
		vmcs_write(VMCS_PENDING_DEBUG, vmcs_read(VMCS_PENDING_DEBUG) | PENDING_STEP);
}

/* ---- in and out ---- */

/*
 * First of an exit. An NMI that is to be delivered again blocks none. Of what was being delivered a
 * bit is undefined (SDM vol. 3, 25.9.3) that must be clear when it is again.
 */
static void load_events(struct vcpu *v)
{
	struct vmx_cpu *x = v->vmx;
	u64 blocked = vmcs_read(VMCS_INTERRUPTIBILITY);

	x->interrupted = vmcs_read(VMCS_INTERRUPTED) & ~EVENT_RESERVED;
	if (x->interrupted & EVENT_ERROR)
		x->interrupted |= vmcs_read(VMCS_INTERRUPTED_ERROR) << 32;
	x->shadow = blocked & BLOCKED_SHADOW;
	if ((x->interrupted & (EVENT_VALID | EVENT_TYPE)) == (EVENT_VALID | EVENT_NMI))
		vmcs_write(VMCS_INTERRUPTIBILITY, blocked & ~BLOCKED_BY_NMI);
}

static void store_shadow(const struct vcpu *v)
{
	u64 blocked = vmcs_read(VMCS_INTERRUPTIBILITY);

	if (!v->vmx->shadow && (blocked & BLOCKED_SHADOW))
		vmcs_write(VMCS_INTERRUPTIBILITY, blocked & ~BLOCKED_SHADOW);
}

static void handle(struct vcpu *v)
{
	struct x86_exit e;

	load_events(v);
	state_load(v);
	v->state->rax = v->gprs->r[GPR_RAX];
	e.exit.cpl = v->state->cpl;
	e.exit.rip = v->state->rip;
	e.exit.root = v->state->cr3;
	e.exit.code = v->vmx->reason;
	if (v->vmx->reason == REASON_VMCALL) {
		e.next_rip = next_rip();
		exit_handle_call(v, &e);
	} else {
		exit_handle(v, &e);
	}
	state_store(v);
	v->gprs->r[GPR_RAX] = v->state->rax;
	store_shadow(v);
}

/* On the way to the guest; what changes what it runs with comes before this. */
static int leave(struct vcpu *v)
{
	struct vmx_cpu *x = v->vmx;

	shootdown_sync(v->cpu);
	if (unlikely(__atomic_load_n(&v->cpu->pending, __ATOMIC_SEQ_CST))) {
		/* For inject_wanted: not every exit loads it. */
		v->state->idtr.limit = vmcs_read(VMCS_GUEST_IDTR_LIMIT);
		exit_handle_pending(v);
	}
	if (unlikely(x->event & EVENT_VALID)) {
		vmcs_write(VMCS_ENTRY_EVENT, (u32)x->event);
		vmcs_write(VMCS_ENTRY_ERROR, x->event >> 32);
	}
	if (x->flush)
		vmx_flush();
	x->flush = false;
	return 0;
}

/*
 * The trial: the first thing a CPU does as a guest is to fail to reach the hypervisor. That
 * proves guest mode, EPT and the hiding of our memory at once, before the point of no return.
 */
static int finish_trial(struct vcpu *v)
{
	bool refused = v->vmx->reason == REASON_EPT_VIOLATION &&
		       (vmcs_read(VMCS_QUALIFICATION) & EPT_FETCH) &&
		       owner_page(gpa(vmcs_read(VMCS_GUEST_PHYSICAL))).state == PAGE_HYPERVISOR;
	int error;

	/* What the kernel has used until now, of this translation context: SDM vol. 3, 29.4.3. */
	write_cr4(v->cr4 | CR4_PGE);
	write_cr4(v->cr4);
	state_load(v);
	error = exit_finish_trial(v, refused);
	state_store(v);
	return error;
}

int vcpu_exit(struct vcpu *v, struct gprs *gprs)
{
	v->gprs = gprs;
	v->vmx->event = 0;
	v->vmx->reason = vmcs_read(VMCS_EXIT_REASON) & REASON_KNOWN;
	if (unlikely(v->trial))
		return finish_trial(v);
	shootdown_exited(v->cpu);
	if (unlikely(v->vmx->primary & PRIMARY_STEP))
		table_after_step(v);
	if (likely(v->vmx->reason == REASON_CPUID))
		on_cpuid(v);
	else
		handle(v);
	return leave(v);
}

/* What is to be delivered stays so: it is in v->event, and has been written. */
int vcpu_again(struct vcpu *v, struct gprs *gprs)
{
	struct x86_exit e = { .exit.code = REASON_EVENT,
			      .exit.rip = vmcs_read(VMCS_GUEST_RIP) };

	v->gprs = gprs;
	shootdown_exited(v->cpu);
	inject_took(v, &e, inject_taken(v));
	exit_carry_out(v, &e, exit_decide(v->cpu, &e.exit));
	return leave(v);
}
