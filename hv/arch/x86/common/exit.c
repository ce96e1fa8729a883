// SPDX-License-Identifier: GPL-2.0-only
/* Exits, once the vendor's part knows what the hardware says: asks the core, carries out. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/launch.h>
#include <hv/shootdown.h>
#include <hv/startup.h>

#include "exit.h"

/* Caches are emptied without being written back: memory that was sealed would be as before. */
void exit_on_invd(struct vcpu *v, struct x86_exit *e)
{
	asm volatile("wbinvd" : : : "memory");
	instruction_advance(v, e);
	e->settled = true;
}

/* A machine whose CPU shuts down is reset by its board; ours does that when we shut down. */
static _Noreturn void reset_machine(void)
{
	struct table_register none = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(none));
	backend_halt();
}

/* False: that cannot be done, or the processor would have faulted on it. */
static bool perform(struct vcpu *v, const struct x86_exit *e)
{
	switch (e->exit.kind) {
	case HF_EXIT_PORT:
		return port_perform(v, e);
	case HF_EXIT_DEVICE:
		return device_perform(v, e);
	}
	return registers_perform(v, e);
}

void exit_carry_out(struct vcpu *v, struct x86_exit *e, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RESULT: /* exit_handle_call */
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

int exit_finish_trial(struct vcpu *v, bool refused)
{
	const struct entry_frame *f = &v->frame;
	int error;

	device_cpu_init(v);
	error = launch_arrive(v->cpu, refused ? 0 : -HF_ENODEV);
	if (error)
		return error;
	v->trial = false;
	/* The guest goes on where the image's caller expects it: returned, with 0. */
	v->state->rip = f->rip;
	v->state->rsp = v->frame_end;
	v->state->rax = 0;
	*v->gprs = (struct gprs){ .r = { [GPR_RBX] = f->rbx,
					 [GPR_RBP] = f->rbp,
					 [GPR_R12] = f->r12,
					 [GPR_R13] = f->r13,
					 [GPR_R14] = f->r14,
					 [GPR_R15] = f->r15 } };
	return 0;
}

void exit_handle(struct vcpu *v, struct x86_exit *e)
{
	if (unlikely(platform.self_check))
		check_exited(v);
	e->exit.kind = HF_EXIT_OTHER;
	e->next_rip = 0;
	e->settled = false;
	exit_decode(v, e);
	if (e->settled)
		cpu_count_exit(v->cpu, e->exit.kind);
	else
		exit_carry_out(v, e, exit_decide(v->cpu, &e->exit));
	inject_again(v);
	if (unlikely(platform.self_check))
		check_handled(v);
}

void exit_handle_pending(struct vcpu *v)
{
	u32 pending;

	while (startup_sync(v->cpu))
		shootdown_sync(v->cpu);
	pending = __atomic_load_n(&v->cpu->pending, __ATOMIC_SEQ_CST);
	if (unlikely(pending & (CPU_NMI | CPU_DOUBT)) && inject_wanted(v, pending))
		inject_nmi(v);
	if (pending & CPU_CHECK)
		check_enter(v);
}
